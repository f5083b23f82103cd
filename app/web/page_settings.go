package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// settingsPage shows the person's own choices and where they are signed in.
func (s *Server) settingsPage(c echo.Context) error {
	f, err := s.frame(c, views.Settings, "settings.title")
	if err != nil {
		return err
	}
	return s.showSettings(c, http.StatusOK, f, c.QueryParam("saved") == "1")
}

func (s *Server) showSettings(c echo.Context, status int, f views.Frame, saved bool) error {
	signins, err := s.Account.Sessions(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	known, err := s.session(c)
	if err != nil {
		return err
	}
	page := views.SettingsPage{
		Frame: f, Zones: views.Zones(), Saved: saved, ThinChoice: thinChoice(c, f.Settings), LanguageDecided: s.languagePolicy(s.person(c)),
	}
	if s.Places != nil {
		if page.Places, err = s.Places.Places(c.Request().Context(), s.person(c), known.key); err != nil {
			return err
		}
	}
	if s.Savings != nil {
		saving, err := s.Savings.Saving(c.Request().Context(), s.person(c))
		if err != nil {
			return err
		}
		page.Saving = &saving
	}
	for _, signin := range signins {
		page.Sessions = append(page.Sessions, views.Session{
			Agent: signin.Agent, Remote: signin.Remote, CreatedAt: signin.CreatedAt, ExpiresAt: signin.ExpiresAt, Current: signin.Key == known.key,
		})
	}
	return s.render(c, status, views.SettingsView(page))
}

// saveSettings stores the choices; what is wrong with them is said on the page, with the choices still in it.
func (s *Server) saveSettings(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	chosen := portal.Settings{
		Locale: c.FormValue("locale"), TimeZone: c.FormValue("time_zone"), Theme: c.FormValue("theme"),
		Sound: c.FormValue("sound") == "on", Notifications: c.FormValue("notifications") == "on", PreferredClient: c.FormValue("preferred_client"),
	}
	err := s.checkSettings(chosen)
	if err == nil {
		err = s.Account.ChangeSettings(c.Request().Context(), s.person(c), func(set *portal.Settings) error {
			if err := s.chooseKeeping(c, *set, &chosen); err != nil {
				return err
			}
			s.chooseThin(c, *set, &chosen)
			*set = chosen
			return nil
		})
	}
	var said *portal.Error
	if errors.As(err, &said) && errors.Is(err, portal.ErrInvalid) {
		f, ferr := s.frame(c, views.Settings, "settings.title")
		if ferr != nil {
			return ferr
		}
		f.Settings, f.Problem = chosen, f.Failure(err)
		return s.showSettings(c, http.StatusBadRequest, f, false)
	}
	if err != nil {
		return err
	}
	s.chosenThin(c)
	return c.Redirect(http.StatusSeeOther, "/settings?saved=1")
}

// chooseKeeping puts into chosen what the form says of keeping conversations and calls in Exchange. What policy decides stays as the
// person had chosen it before, and so does what the form does not ask for.
func (s *Server) chooseKeeping(c echo.Context, before portal.Settings, chosen *portal.Settings) error {
	chosen.KeepHistory, chosen.KeepCalls = before.KeepHistory, before.KeepCalls
	if s.languagePolicy(s.person(c)) != "" {
		chosen.Locale = before.Locale
	}
	chosen.PresenceProvider, chosen.Sort = before.PresenceProvider, before.Sort // they have forms of their own
	if s.Savings == nil || c.FormValue("keeping") == "" {
		return nil
	}
	saving, err := s.Savings.Saving(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	on := func(field string) *bool {
		keep := c.FormValue(field) == "on"
		return &keep
	}
	if !saving.HistoryDecided {
		chosen.KeepHistory = on("keep_history")
	}
	if !saving.CallsDecided {
		chosen.KeepCalls = on("keep_calls")
	}
	return nil
}

// mayKeep refuses a change of what policy decides.
func (s *Server) mayKeep(ctx context.Context, who portal.Address, before, chosen portal.Settings) error {
	if before.Locale != chosen.Locale && s.languagePolicy(who) != "" {
		return portal.Fail(portal.ErrForbidden, "settings.decided")
	}
	same := func(a, b *bool) bool { return a == b || a != nil && b != nil && *a == *b }
	history, calls := same(before.KeepHistory, chosen.KeepHistory), same(before.KeepCalls, chosen.KeepCalls)
	if history && calls || s.Savings == nil {
		return nil
	}
	saving, err := s.Savings.Saving(ctx, who)
	if err != nil {
		return err
	}
	if !history && saving.HistoryDecided || !calls && saving.CallsDecided {
		return portal.Fail(portal.ErrForbidden, "settings.decided")
	}
	return nil
}

// mayThin refuses a change of what policy decides about thin sessions.
func (s *Server) mayThin(who portal.Address, before, chosen portal.Settings) error {
	if before.Thin != chosen.Thin && s.inForce(who).ThinSessions != "" {
		return portal.Fail(portal.ErrForbidden, "settings.decided")
	}
	return nil
}

// changePlaces signs one place out, or says whose word counts.
func (s *Server) changePlaces(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if s.Places == nil {
		return portal.Fail(portal.ErrUnavailable, "places.none")
	}
	ctx, who := c.Request().Context(), s.person(c)
	var err error
	switch c.FormValue("do") {
	case "sign-out":
		err = s.Places.SignOut(ctx, who, c.FormValue("id"))
	case "choose":
		err = s.choose(ctx, who, c.FormValue("provider"))
	default:
		err = portal.Fail(portal.ErrInvalid, "places.id")
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/settings#places")
}

// choose makes the word of one provider the person's presence, one that is there now or was chosen before.
func (s *Server) choose(ctx context.Context, who portal.Address, provider string) error {
	settings, err := s.Account.Settings(ctx, who)
	if err != nil {
		return err
	}
	if provider != "" && provider != settings.PresenceProvider {
		places, err := s.Places.Places(ctx, who, "")
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(places, func(p portal.Place) bool { return p.Provider == provider }) {
			return portal.Fail(portal.ErrInvalid, "places.id")
		}
	}
	return s.Places.Choose(ctx, who, provider)
}

// signOutEverywhere ends all of the person's sessions, this one too.
func (s *Server) signOutEverywhere(c echo.Context) error {
	if err := s.Account.EndAll(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	s.clearCookie(c)
	s.auditOwn(c, "signed out everywhere", s.person(c), portal.Audited{Kind: portal.AuditSignoutEverywhere})
	return c.Redirect(http.StatusSeeOther, "/signin")
}
