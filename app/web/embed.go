package web

// Presence on other pages: what the button of static/embed/presence.js asks for, and an image and JSON for pages without
// script. The viewer is whose session the request carries; the page that asks must be of an allowed origin (embed_origin.go).
// Nothing here shows the viewer as there.

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/static"
	"portico/views/catalogue"
)

const (
	embedPrefix = "/embed/"
	// maxEmbedded is how many people one request may name; the script asks for as many at a time.
	maxEmbedded = 100
	// embedFresh is for how long a browser uses an answer again without asking.
	embedFresh = 5 * time.Second
	// embedScriptFresh is the same for the script, whose address does not change with its content.
	embedScriptFresh = time.Hour
	// preflightFresh is for how long a browser remembers what it may ask.
	preflightFresh = 10 * time.Minute
)

// Embeds tells whose pages may show presence.
type Embeds interface {
	// Allowed reports whether pages of an origin may. It is asked of memory.
	Allowed(origin string) bool
}

// embedBody answers in the order asked for; a person who was named twice is there twice.
type embedBody struct {
	Locale string           `json:"locale"`
	People []embeddedPerson `json:"people"`
}

// embeddedPerson is what a button shows. Tel is a number that can be dialled; empty where the viewer sees none.
type embeddedPerson struct {
	URI          portal.Address      `json:"uri"`
	Name         string              `json:"name"`
	Availability portal.Availability `json:"availability"`
	Activity     portal.Activity     `json:"activity"`
	Text         string              `json:"text"`
	Note         string              `json:"note"`
	Tel          string              `json:"tel"`
	NoIM         bool                `json:"no_im"`
}

// embedRoutes registers everything below embedPrefix.
func (s *Server) embedRoutes(e *echo.Echo) {
	e.GET(embedPrefix+"presence.js", s.embedScript)
	e.GET(embedPrefix+"presence", s.embedPresence, s.embeddable, s.compress())
	e.GET(embedPrefix+"presence/:file", s.embedOne, s.embeddable)
	e.OPTIONS(embedPrefix+"presence", s.embedPreflight, s.embeddable)
	e.OPTIONS(embedPrefix+"presence/:file", s.embedPreflight, s.embeddable)
}

// embeddable sets what all answers to foreign pages carry. They may be loaded into other pages, run nothing and load nothing.
func (s *Server) embeddable(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Vary", "Origin, Cookie, Authorization, Accept-Language")
		return next(c)
	}
}

// embedButton is the script of the button with the texts of all languages in it.
func embedButton(languages *catalogue.Set) (*static.Asset, error) {
	words := map[string]map[string]string{}
	for _, locale := range languages.Locales() {
		c := languages.For(locale)
		words[locale] = map[string]string{
			"write": c.Text("embed.write"), "call": c.Text("embed.call"), "schedule": c.Text("embed.schedule"), "card": c.Text("embed.card"),
			"unknown": c.Text("embed.unknown"), "signin": c.Text("embed.not-signed-in"),
		}
	}
	table, err := json.Marshal(words)
	if err != nil {
		return nil, err
	}
	return static.Filled("embed/presence.js", "const words = {};", "const words = "+string(table)+";")
}

// embedScript is the button. It is the same for everybody, and any page may load it.
func (s *Server) embedScript(c echo.Context) error {
	script := s.button
	h := c.Response().Header()
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age="+seconds(embedScriptFresh))
	h.Set("ETag", script.ETag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(c.Request().Header.Get("If-None-Match"), script.ETag) {
		return c.NoContent(http.StatusNotModified)
	}
	body, coding := script.Body(codings(c.Request().Header.Get("Accept-Encoding"))...)
	if coding != static.Identity {
		h.Set("Content-Encoding", string(coding))
	}
	return c.Blob(http.StatusOK, script.Type, body)
}

// embedPreflight tells a browser what pages of an allowed origin may send; it says nothing of anybody.
func (s *Server) embedPreflight(c echo.Context) error {
	if err := s.embedAllowed(c); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Methods", "GET")
	h.Set("Access-Control-Allow-Headers", "Accept-Language, Authorization, If-None-Match")
	h.Set("Access-Control-Max-Age", seconds(preflightFresh))
	return c.NoContent(http.StatusNoContent)
}

// embedPresence is the presence of up to maxEmbedded people.
func (s *Server) embedPresence(c echo.Context) error {
	if err := s.embedAllowed(c); err != nil {
		return err
	}
	who, err := s.embedViewer(c)
	if err != nil {
		return err
	}
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "embed.query").Because(err)
	}
	whom, err := embedAddresses(query["uri"])
	if err != nil {
		return err
	}
	people, err := s.embedded(c, who, whom)
	if err != nil {
		return err
	}
	return s.embedAnswer(c, embedBody{Locale: s.catalogue(c).Locale(), People: people})
}

// embedOne is one person's presence as "{uri}.json", or as "{uri}.svg" an image of always the same size.
func (s *Server) embedOne(c echo.Context) error {
	file := c.Param("file")
	if c.Request().URL.RawPath != "" {
		var err error
		if file, err = unescapePath(file); err != nil {
			return err
		}
	}
	kind := path.Ext(file)
	if kind == ".svg" {
		return s.embedImage(c, strings.TrimSuffix(file, kind))
	}
	if kind != ".json" {
		return echo.ErrNotFound
	}
	if err := s.embedAllowed(c); err != nil {
		return err
	}
	p, err := s.embeddedOne(c, strings.TrimSuffix(file, kind))
	if err != nil {
		return err
	}
	return s.embedAnswer(c, p)
}

// embeddedOne is one person as whoever asks sees them.
func (s *Server) embeddedOne(c echo.Context, uri string) (embeddedPerson, error) {
	who, err := s.embedViewer(c)
	if err != nil {
		return embeddedPerson{}, err
	}
	whom, err := portal.ParseAddress(uri)
	if err != nil {
		return embeddedPerson{}, err
	}
	people, err := s.embedded(c, who, []portal.Address{whom})
	if err != nil {
		return embeddedPerson{}, err
	}
	return people[0], nil
}

// embedViewer is whose view is asked for, who must keep within their pace.
func (s *Server) embedViewer(c echo.Context) (portal.Address, error) {
	known, err := s.session(c)
	if err != nil {
		return "", err
	}
	if known.person == "" {
		return "", portal.Fail(portal.ErrUnauthenticated, "embed.signin")
	}
	if wait, ok := s.limits.allow(known.person); !ok {
		return "", portal.Fail(portal.ErrTooMany, "too-many").After(wait)
	}
	return known.person, nil
}

// embedAddresses reads whom a page asks for. What is no address is named, each as it was sent, so that a page can ask
// again without it.
func embedAddresses(asked []string) ([]portal.Address, error) {
	switch {
	case len(asked) == 0:
		return nil, portal.Fail(portal.ErrInvalid, "embed.nobody")
	case len(asked) > maxEmbedded:
		return nil, portal.Fail(portal.ErrInvalid, "embed.too-many").With("limit", strconv.Itoa(maxEmbedded))
	}
	whom := make([]portal.Address, len(asked))
	var faults []portal.SyncFault
	for i, text := range asked {
		a, err := portal.ParseAddress(text)
		if err != nil {
			faults = append(faults, portal.SyncFault{Where: clip(text, 2*portal.MaxAddressLen), Reason: portal.Reason(err)})
		}
		whom[i] = a
	}
	if faults != nil {
		return nil, &portal.FaultsError{Faults: faults}
	}
	return whom, nil
}

// embedded is what who sees of others: presence through their privacy, and a number where they show one.
func (s *Server) embedded(c echo.Context, who portal.Address, whom []portal.Address) ([]embeddedPerson, error) {
	ctx, r := c.Request().Context(), s.reader(c)
	found, err := s.Presence.Query(ctx, who, whom)
	if err != nil {
		return nil, err
	}
	people := make([]embeddedPerson, len(whom))
	for i, a := range whom {
		p := portal.Presence{URI: a, Availability: portal.Unknown}
		if a == who {
			p = s.Presence.Own(a)
		} else if i < len(found) {
			p = found[i]
		}
		known := s.shownTo(who, s.Directory.Lookup(ctx, a))
		if !p.Availability.Valid() {
			p.Availability = portal.Unknown
		}
		people[i] = embeddedPerson{URI: a, Name: known.DisplayName, Availability: p.Availability, Activity: p.Activity,
			Text: r.Presence(p), Note: p.Note, NoIM: p.NoIM, Tel: dialled(known)}
		if people[i].Name == "" {
			people[i].Name = a.Bare()
		}
	}
	return people, nil
}

// dialled is the number to call somebody: one at work before others.
func dialled(p portal.Person) string {
	number := ""
	if i := slices.IndexFunc(p.Numbers, func(n portal.Number) bool { return n.Kind == "work" }); i >= 0 {
		number = p.Numbers[i].Number
	} else if len(p.Numbers) > 0 {
		number = p.Numbers[0].Number
	} else if len(p.Phones) > 0 {
		number = p.Phones[0]
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' {
			return c
		}
		return -1
	}, number)
}

// embedAnswer answers in JSON, or says that nothing has changed.
func (s *Server) embedAnswer(c echo.Context, v any) error {
	body, err := encodeJSON(v)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, max-age="+seconds(embedFresh))
	if unchanged(c, body) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "application/json", body)
}

// unchanged sets a body's ETag, a weak one since it may be packed, and reports whether the browser has that body.
func unchanged(c echo.Context, body []byte) bool {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	c.Response().Header().Set("ETag", "W/"+tag)
	return strings.Contains(c.Request().Header.Get("If-None-Match"), tag)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
