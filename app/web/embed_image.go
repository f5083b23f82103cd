package web

// Presence as an image, for pages whose scripts are not allowed: a shape and a colour for each state, the words as its title.

import (
	"fmt"
	"html"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// embedImage answers with an image whatever happens: one of nothing known where the page may not ask, where nobody is
// signed in or the address is none; the status says so.
func (s *Server) embedImage(c echo.Context, uri string) error {
	h := c.Response().Header()
	h.Add("Vary", "Referer, Sec-Fetch-Site")
	status, who := http.StatusOK, embeddedPerson{Availability: portal.Unknown}
	err := s.embedAllowed(c)
	if err == nil {
		who, err = s.embeddedOne(c, uri)
	}
	label := who.Name + ": " + who.Text
	if err != nil {
		f := classify(err)
		if f.status >= http.StatusInternalServerError && f.status != http.StatusServiceUnavailable {
			return err
		}
		c.Set(failedKey, err)
		setRetryAfter(c, f)
		status, who.Availability = f.status, portal.Unknown
		label = explain(s.catalogue(c), f)
	}
	image := presenceImage(s.audience(c).Locale, label, who.Availability)
	if status == http.StatusOK {
		// Kept, but asked about each time: another page of this browser may not be allowed to see it.
		h.Set("Cache-Control", "private, no-cache")
		if unchanged(c, image) {
			return c.NoContent(http.StatusNotModified)
		}
	}
	return c.Blob(status, "image/svg+xml", image)
}

// imageShapes draws each availability within 16 by 16: told apart by shape, and by colours that stand out from white and
// from black.
func imageShapes() map[portal.Availability]string {
	const ring = `<circle cx="8" cy="8" r="5.75" fill="none" stroke-width="2.5" `
	return map[portal.Availability]string{
		portal.Available:    `<circle cx="8" cy="8" r="7" fill="#2b9150"/><path d="m4.8 8.3 2.2 2.2 4.2-4.6" fill="none" stroke="#fff" stroke-width="1.8"/>`,
		portal.Busy:         `<rect x="1.5" y="1.5" width="13" height="13" rx="3" fill="#d4453b"/>`,
		portal.DoNotDisturb: `<circle cx="8" cy="8" r="7" fill="#d4453b"/><path d="M4.5 8h7" stroke="#fff" stroke-width="2.2"/>`,
		portal.BeRightBack:  ring + `stroke="#b0740c"/><path d="M8 2.500a5.5 5.5 0 0 1 0 11Z" fill="#b0740c"/>`,
		portal.Away:         ring + `stroke="#b0740c"/><path d="M8 4.500V8l2.5 2" fill="none" stroke="#b0740c" stroke-width="1.8"/>`,
		portal.Offline:      ring + `stroke="#7b8593"/>`,
		portal.Unknown:      ring + `stroke="#7b8593" stroke-dasharray="3 3.02"/>`,
	}
}

// presenceImage is an SVG image of 16 by 16 pixels with a title.
func presenceImage(locale, label string, a portal.Availability) []byte {
	shape, ok := imageShapes()[a]
	if !ok {
		shape = imageShapes()[portal.Unknown]
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16" role="img" lang="%s"><title>%s</title>%s</svg>`,
		html.EscapeString(locale), html.EscapeString(printable(label)), shape)
}

// printable is text without what XML does not allow.
func printable(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r >= ' ' && r != 0xFFFE && r != 0xFFFF {
			out = append(out, r)
		}
	}
	return string(out)
}
