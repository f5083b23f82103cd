package web

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// Thin sessions: what a request tells of the session it belongs to. The decision itself is policy.Thin.

const (
	thinKey = "portico.thin"
	// thinCookie is "on" in a browser whose sessions are thin ones, whoever sits there, and "no" where the offer was declined.
	thinCookie = "portico-thin"
	thinHere   = "on"
	thinNotNow = "no"
)

// thin says whether the session that asks is a thin one, and why; asked once a request.
func (s *Server) thin(c echo.Context) policy.ThinSession {
	if known, ok := c.Get(thinKey).(policy.ThinSession); ok {
		return known
	}
	s.audience(c) // which reads the person's settings and asks this along the way
	known, _ := c.Get(thinKey).(policy.ThinSession)
	return known
}

// thinOf decides for a person, nobody being "", who chose that.
func (s *Server) thinOf(c echo.Context, who portal.Address, choice string) policy.ThinSession {
	r := c.Request()
	ask := policy.ThinAsk{
		Policy: s.inForce(who).ThinSessions, Choice: choice, Here: cookieValue(r, thinCookie) == thinHere,
		Hint: strings.EqualFold(strings.TrimSpace(r.Header.Get("Save-Data")), "on"),
	}
	if remote, err := netip.ParseAddr(c.RealIP()); err == nil {
		ask.Remote = remote
	}
	if s.believes(r) {
		ask.Header = r.Header.Values(s.Config.Thin.Header)
	}
	return policy.Thin(ask, s.Config.Thin)
}

// believes reports whether headers of a gateway count: from the trusted proxies, or where there are none from anybody, since a thin
// session is no right.
func (s *Server) believes(r *http.Request) bool {
	return len(s.Config.TrustedProxies) == 0 || s.byProxy(r)
}

// answerThin takes the answer to the offer of a thin session; it holds in this browser.
func (s *Server) answerThin(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	switch c.FormValue("do") {
	case "switch":
		if s.inForce(s.person(c)).ThinSessions != "" {
			return portal.Fail(portal.ErrForbidden, "settings.decided")
		}
		s.keepThin(c, thinHere)
	case "later":
		s.keepThin(c, thinNotNow)
	default:
		return portal.Fail(portal.ErrInvalid, "settings.thin")
	}
	return c.Redirect(http.StatusSeeOther, relativeTarget(c.FormValue("here")))
}

// keepThin gives the browser its own word on thin sessions; empty: it has none any more.
func (s *Server) keepThin(c echo.Context, word string) {
	age := 365 * 24 * time.Hour
	if word == "" {
		age = -1
	}
	c.SetCookie(s.newCookie(c, thinCookie, word, age))
}

// thinChoice is what the settings page shows as chosen.
func thinChoice(c echo.Context, set portal.Settings) string {
	if set.Thin == "" && cookieValue(c.Request(), thinCookie) == thinHere {
		return views.ThinHere
	}
	return set.Thin
}

// chooseThin puts into chosen what the form says of thin sessions. What policy decides stays as the person had chosen it before,
// and so does what the form does not ask for.
func (s *Server) chooseThin(c echo.Context, before portal.Settings, chosen *portal.Settings) {
	chosen.Thin = before.Thin
	if !c.Request().Form.Has("thin") || s.inForce(s.person(c)).ThinSessions != "" {
		return
	}
	if chosen.Thin = c.FormValue("thin"); chosen.Thin == views.ThinHere {
		chosen.Thin = ""
	}
}

// chosenThin keeps in the browser what was chosen for it, once the rest is kept.
func (s *Server) chosenThin(c echo.Context) {
	here := cookieValue(c.Request(), thinCookie) == thinHere
	switch wanted := c.FormValue("thin"); {
	case !c.Request().Form.Has("thin"):
	case wanted == views.ThinHere && !here:
		s.keepThin(c, thinHere)
	case wanted != views.ThinHere && here:
		s.keepThin(c, "")
	}
}
