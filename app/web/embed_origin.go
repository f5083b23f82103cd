package web

// Whose pages may show presence: this portal's own, and those of the origins that the operator or an administrator allows.

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// embedOrigins reads the operator's list.
func embedOrigins(listed []string) (map[string]bool, error) {
	allowed := make(map[string]bool, len(listed))
	for _, raw := range listed {
		origin, ok := canonicalOrigin(raw)
		if !ok {
			return nil, fmt.Errorf("web: %q is not an origin", raw)
		}
		allowed[origin] = true
	}
	return allowed, nil
}

// mayEmbed reports whether pages of an origin, in canonical form, may show presence.
func (s *Server) mayEmbed(r *http.Request, origin string) bool {
	return s.origins.ours(origin, r.Host) || s.embeds[origin] || s.Embeds != nil && s.Embeds.Allowed(origin)
}

// embedAllowed refuses a request of a page that may not show presence, and lets the browser hand the answer to one that may.
func (s *Server) embedAllowed(c echo.Context) error {
	_, bearer := requestToken(c.Request(), s.cookieName(c.Request(), sessionCookie))
	origin, ok := s.embedder(c.Request(), bearer)
	if !ok {
		return portal.Fail(portal.ErrForbidden, "embed.origin")
	}
	if origin != "" {
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	return nil
}

// embedder finds the page that a request comes from and whether it may ask; origin is empty where the browser does not
// guard the answer. A browser names the page by Origin where its script is to read the answer, else, as for images, by
// Referer. Where both are there they must agree. A page that hides where it is may not ask.
func (s *Server) embedder(r *http.Request, bearer bool) (origin string, ok bool) {
	referrer, there := refererOrigin(r)
	site := r.Header.Get("Sec-Fetch-Site")
	switch given := r.Header.Values("Origin"); {
	case len(given) > 1:
		return "", false
	case len(given) == 1:
		origin, ok := canonicalOrigin(given[0])
		if !ok || there && referrer != origin || site == "same-origin" && !s.origins.ours(origin, r.Host) {
			return "", false
		}
		return origin, s.mayEmbed(r, origin)
	case site == "same-origin" || site == "none":
		return "", !there || s.origins.ours(referrer, r.Host) // the portal's own page, or an address typed in
	case site == "" && bearer && !there:
		return "", true // a program: no page can make a browser send a token unasked
	}
	return "", there && s.mayEmbed(r, referrer)
}

// refererOrigin is the origin of the Referer; there is true even where it is no origin that could be allowed ("").
func refererOrigin(r *http.Request) (origin string, there bool) {
	referer := r.Header.Values("Referer")
	if len(referer) == 0 {
		return "", false
	}
	if len(referer) > 1 {
		return "", true
	}
	u, err := url.Parse(referer[0])
	if err != nil {
		return "", true
	}
	origin, _ = canonicalOrigin(u.Scheme + "://" + u.Host)
	return origin, true
}
