package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
	"portico/views"
)

// What handlers, those of the pages too, ask of a request. A page handler looks like this:
//
//	func (s *Server) contactsPage(c echo.Context) error {
//		me, err := s.me(c)
//		if err != nil {
//			return err
//		}
//		... s.Contacts.List(c.Request().Context(), s.person(c)) ...
//		return s.render(c, http.StatusOK, views.ContactsPage(...))
//	}
//
// It returns its errors as they are: portal.Fail(portal.ErrNotFound, "key") for what people should read,
// anything else is answered as internal and logged. The page of an error is showError's (page_error.go).

const (
	audienceKey = "portico.audience"
	meKey       = "portico.me"

	// Cookies that a page's script or form may set; both are only wishes and are checked.
	localeCookie = "portico-locale"
	zoneCookie   = "portico-zone"
	// scriptCookie is set to "1" by the script of any page (the sign-in page too). Where it is missing
	// the browser has no script, and asking for pages is all that shows the person's activity.
	scriptCookie = "portico-script"

	// maxZoneLen is longer than any IANA zone name, in bytes.
	maxZoneLen = 64
)

// person is whose request this is. Behind signedIn it is never empty.
func (s *Server) person(c echo.Context) portal.Address {
	known, err := s.session(c)
	if err != nil {
		return ""
	}
	return known.person
}

// me is the signed-in person with roles and settings; asked once a request.
func (s *Server) me(c echo.Context) (portal.Me, error) {
	if known, ok := c.Get(meKey).(portal.Me); ok {
		return known, nil
	}
	me, err := s.meOf(c.Request().Context(), s.person(c))
	if err != nil {
		return portal.Me{}, err
	}
	c.Set(meKey, me)
	return me, nil
}

// audience says how this reader reads, as HTML: in which language, with the dates and numbers of which country, and in
// which zone. Policy decides on the language first, then what the person has set, their browser's cookies and its
// Accept-Language header; then it is English, and the zone UTC.
func (s *Server) audience(c echo.Context) realtime.Audience {
	if known, ok := c.Get(audienceKey).(realtime.Audience); ok {
		return known
	}
	var chosen portal.Settings
	who := s.person(c)
	if who != "" {
		set, err := s.Account.Settings(c.Request().Context(), who)
		if err != nil {
			// Storage is away: the page that says so is better in the wrong language than not at all.
			s.Logger.Debug("settings for the language", "error", err)
		}
		chosen = set
	}
	r := c.Request()
	a := realtime.Audience{
		Encoding: realtime.HTML,
		Locale:   s.Languages.Decide(r.Header.Get("Accept-Language"), s.languagePolicy(who), chosen.Locale, cookieValue(r, localeCookie)),
		Zone:     s.zones.pick(chosen.TimeZone, cookieValue(r, zoneCookie)),
	}
	session := s.thinOf(c, who, chosen.Thin)
	c.Set(thinKey, session)
	a.Thin = session.On
	c.Set(audienceKey, a)
	return a
}

// languagePolicy is the language that policy decides on for somebody, or with nobody ("") for all of whom nothing else is
// said; empty: people choose.
func (s *Server) languagePolicy(who portal.Address) string {
	if s.InForce == nil {
		return ""
	}
	return s.InForce(who).Language
}

// readerOf is for whom something is rendered for audience a.
func (s *Server) readerOf(a realtime.Audience) views.Reader {
	zone := s.zones.find(a.Zone)
	if zone == nil {
		zone = time.UTC
	}
	return views.Reader{Catalogue: s.Languages.For(a.Locale), Zone: zone, Now: s.Now().In(zone), Thin: a.Thin}
}

// zones keeps the time zones that were asked for: reading one from the system's tables takes longer than
// rendering a message. There are no more entries than there are zones, since only those are kept.
type zones struct{ known sync.Map } // name → *time.Location

// find gives the zone of that IANA name, nil where there is none.
func (z *zones) find(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > maxZoneLen {
		return nil
	}
	if loc, ok := z.known.Load(name); ok {
		return loc.(*time.Location)
	}
	name = strings.Clone(name) // of a header, as a rule, which is not to be kept with it
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	kept, _ := z.known.LoadOrStore(name, loc)
	return kept.(*time.Location)
}

// pick is the name of the first of the wishes that is a zone, else UTC.
func (z *zones) pick(wishes ...string) string {
	for _, name := range wishes {
		if loc := z.find(name); loc != nil {
			return loc.String()
		}
	}
	return time.UTC.String()
}

// cookieValue is a wish that a cookie holds. One that is bound to this host goes before one that anybody can have planted.
func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(hostPrefix + name)
	if err != nil {
		c, err = r.Cookie(name)
	}
	if err != nil {
		return ""
	}
	value, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return value
}

// render writes a component as the whole answer. It renders into memory first, so that an error on the
// way can still become an error page.
func (s *Server) render(c echo.Context, status int, page templ.Component) error {
	var buf bytes.Buffer
	if err := page.Render(c.Request().Context(), &buf); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return c.HTMLBlob(status, buf.Bytes())
}

// pathAddress reads the address in path parameter name: percent-encoded or not, with or without "sip:".
func pathAddress(c echo.Context, name string) (portal.Address, error) {
	return parsePathAddress(c.Param(name), c.Request().URL.RawPath != "")
}

// parsePathAddress reads a path segment. encoded says that the router matched the raw path, so that the
// segment is still percent-encoded; otherwise it was decoded once already.
func parsePathAddress(segment string, encoded bool) (portal.Address, error) {
	if encoded {
		decoded, err := unescapePath(segment)
		if err != nil {
			return "", err
		}
		segment = decoded
	}
	return portal.ParseAddress(segment)
}

func unescapePath(segment string) (string, error) {
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return "", portal.Fail(portal.ErrInvalid, "address.form").Because(err)
	}
	return decoded, nil
}

// relativeTarget is where a sign-in may lead: a path on this server. Anything else, and above all
// another host in disguise ("//evil.test", "/\evil.test"), is replaced by the start page.
func relativeTarget(next string) string {
	const start = "/"
	if !strings.HasPrefix(next, "/") || len(next) > 1000 || strings.ContainsAny(next, "\\\r\n\t") {
		return start
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return start
	}
	if u.Path == "/signin" || u.Path == "/signout" {
		return start
	}
	return u.RequestURI()
}
