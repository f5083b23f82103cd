package web

import (
	"errors"
	"net/http"

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
	page := views.SettingsPage{Frame: f, Zones: views.Zones(), Saved: saved}
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
		Sound: c.FormValue("sound") == "on", Notifications: c.FormValue("notifications") == "on",
	}
	err := s.checkSettings(chosen)
	if err == nil {
		err = s.Account.SaveSettings(c.Request().Context(), s.person(c), chosen)
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
	return c.Redirect(http.StatusSeeOther, "/settings?saved=1")
}

// signOutEverywhere ends all of the person's sessions, this one too.
func (s *Server) signOutEverywhere(c echo.Context) error {
	if err := s.Account.EndAll(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	s.clearCookie(c)
	return c.Redirect(http.StatusSeeOther, "/signin")
}
