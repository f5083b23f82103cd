package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/realtime"
	"portico/views"
)

var aboutMe = operation{
	summary: "Who is signed in",
	answers: []answer{{status: 200, schema: "Me"}},
}

func (s *Server) apiMe(c echo.Context) error {
	me, err := s.me(c)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, inForce(me, s.audience(c), s.thin(c)))
}

// inForce is me with the language and zone that hold (what policy decides, the person has chosen or their browser asks
// for) and the kind of session.
func inForce(me portal.Me, a realtime.Audience, session policy.ThinSession) portal.Me {
	me.Thin, me.ThinFrom = session.On, session.From
	me.Locale = a.Locale
	if me.TimeZone == "" {
		me.TimeZone = a.Zone
	}
	return me
}

var aboutSettings = operation{
	summary: "The person's own settings",
	answers: []answer{{status: 200, schema: "Settings"}},
}

func (s *Server) apiSettings(c echo.Context) error {
	set, err := s.Account.Settings(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, set)
}

var aboutSaveSettings = operation{
	summary: "Change settings; what is left out stays as it is", body: "SettingsChange",
	answers: []answer{{status: 200, schema: "Settings"}},
	errors:  []int{400, 413, 415},
}

func (s *Server) apiSaveSettings(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	data, err := jsonOf(c)
	if err != nil {
		return err
	}
	before, err := s.Account.Settings(ctx, who)
	if err != nil {
		return err
	}
	wanted, err := s.settingsWith(ctx, who, before, data)
	if err != nil {
		return err
	}
	if wanted.PresenceProvider != before.PresenceProvider {
		if s.Places == nil {
			return portal.Fail(portal.ErrUnavailable, "places.none")
		}
		if err := s.choose(ctx, who, wanted.PresenceProvider); err != nil {
			return err
		}
	}
	var kept portal.Settings
	err = s.Account.ChangeSettings(ctx, who, func(set *portal.Settings) error {
		changed, err := s.settingsWith(ctx, who, *set, data)
		if err != nil {
			return err
		}
		changed.PresenceProvider = set.PresenceProvider // it was chosen above, where it is another
		*set, kept = changed, changed
		return nil
	})
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, kept)
}

// settingsWith is somebody's settings with what a request says of them over the present ones: absent members stay.
func (s *Server) settingsWith(ctx context.Context, who portal.Address, before portal.Settings, data []byte) (portal.Settings, error) {
	set := before
	set.KeepHistory, set.KeepCalls = clonedBool(before.KeepHistory), clonedBool(before.KeepCalls) // reading writes through what they point to
	if err := decodeJSON(data, &set); err != nil {
		return set, err
	}
	if err := s.checkSettings(set); err != nil {
		return set, err
	}
	if err := s.mayThin(who, before, set); err != nil {
		return set, err
	}
	return set, s.mayKeep(ctx, who, before, set)
}

// checkSettings refuses what no catalogue, zone table or style sheet knows.
func (s *Server) checkSettings(set portal.Settings) error {
	if set.Locale != "" {
		if canonical, ok := s.Languages.Chosen(set.Locale); !ok || canonical != set.Locale {
			return portal.Fail(portal.ErrInvalid, "settings.locale")
		}
	}
	if set.TimeZone != "" && s.zones.find(set.TimeZone) == nil {
		return portal.Fail(portal.ErrInvalid, "settings.time-zone")
	}
	if set.Theme != "" && set.Theme != "light" && set.Theme != "dark" {
		return portal.Fail(portal.ErrInvalid, "settings.theme")
	}
	if !slices.Contains(views.Sorts(), set.Sort) {
		return portal.Fail(portal.ErrInvalid, "contacts.sort")
	}
	if !slices.Contains([]string{"", policy.On, policy.Off}, set.Thin) {
		return portal.Fail(portal.ErrInvalid, "settings.thin")
	}
	if set.PreferredClient != "" && set.PreferredClient != portal.OtherClient {
		return portal.Fail(portal.ErrInvalid, "settings.client")
	}
	return nil
}

func clonedBool(b *bool) *bool {
	if b == nil {
		return nil
	}
	v := *b
	return &v
}
