package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/idna"
)

// origins decides which web pages may act with a person's cookie: those of this server and of the
// origins that the operator lists.
type origins struct {
	// listed are serialized origins (RFC 6454 section 6.2) in canonical form.
	listed map[string]bool
	// public is true when the operator said what browsers use; then the Host header is not asked.
	public bool
	forms  *http.CrossOriginProtection
}

func newOrigins(public *url.URL, more []string) (*origins, error) {
	o := &origins{listed: map[string]bool{}, forms: http.NewCrossOriginProtection()}
	all := more
	if public != nil {
		o.public = true
		all = append([]string{public.Scheme + "://" + public.Host}, more...)
	}
	for _, raw := range all {
		origin, ok := canonicalOrigin(raw)
		if !ok {
			return nil, fmt.Errorf("web: %q is not an origin", raw)
		}
		o.listed[origin] = true
		if err := o.forms.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("web: origin %q: %w", raw, err)
		}
	}
	return o, nil
}

// canonicalOrigin reads an Origin header: scheme and host in lower case, the host in ASCII (punycode),
// no default port. "null", paths, user names and other schemes are not origins of ours.
func canonicalOrigin(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return "", false
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" {
		return "", false
	}
	host, ok := canonicalAuthority(u, scheme)
	if !ok {
		return "", false
	}
	return scheme + "://" + host, true
}

func canonicalAuthority(u *url.URL, scheme string) (string, bool) {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if name == "" || strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	} else {
		ascii, err := idna.Lookup.ToASCII(name)
		if err == nil {
			name = ascii
		} // else it may have an underscore: no host name, but some intranets have them
	}
	if !saneHost(name) { // an empty punycode label, for one, becomes nothing
		return "", false
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return name, true
	}
	return name + ":" + port, true
}

// allows reports whether a page of the request's Origin may open a live connection. A missing Origin
// means that no browser sent it; then only a bearer token, which no page can make a browser send, will do.
func (o *origins) allows(r *http.Request, bearer bool) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return bearer
	}
	if len(values) > 1 {
		return false
	}
	origin, ok := canonicalOrigin(values[0])
	if !ok {
		return false
	}
	return o.ours(origin, r.Host)
}

// ours reports whether an origin, in canonical form, is one of those; host is what the request was sent to.
func (o *origins) ours(origin, host string) bool {
	if o.listed[origin] {
		return true
	}
	if o.public {
		return false
	}
	scheme, _, _ := strings.Cut(origin, "://")
	here, ok := canonicalOrigin(scheme + "://" + host)
	return ok && here == origin
}

// sameOrigin refuses requests that change something and come from a foreign page (net/http's
// CrossOriginProtection). A request with a bearer token is exempt: pages cannot send one unasked.
//
// The API answers no foreign page at all, reading included: an event stream that one opens would count as
// the person's presence. (Pages may be linked to from anywhere.)
//
// A request that changes something and brings a session's cookie must prove where it comes from: by Sec-Fetch-Site, which every
// browser of today sends, by Origin, which they have sent with forms for long, or else by a Referer. One that says nothing
// at all is refused. (The cookie is SameSite=Lax besides.)
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		token, bearer := requestToken(r, s.cookieName(r, sessionCookie))
		if bearer {
			return next(c)
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && s.origins.foreign(r) {
			return failStatus(http.StatusForbidden, "cross-origin")
		}
		if err := s.origins.forms.Check(r); err != nil {
			return &httpError{status: http.StatusForbidden, key: "cross-origin", cause: err}
		}
		if !safeMethod(r.Method) && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" && !s.origins.refers(r, token == "") {
			return failStatus(http.StatusForbidden, "cross-origin")
		}
		return next(c)
	}
}

// foreign reports whether a browser says that a page of another origin asks (Fetch Metadata).
func (o *origins) foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "" || site == "same-origin" || site == "none" {
		return false
	}
	origin, ok := canonicalOrigin(r.Header.Get("Origin"))
	return !ok || !o.listed[origin]
}

// refers reports whether the Referer is a page of ours; without is what counts where there is none.
func (o *origins) refers(r *http.Request, without bool) bool {
	referer := r.Header.Get("Referer")
	if referer == "" {
		return without
	}
	u, err := url.Parse(referer)
	if err != nil {
		return false
	}
	origin, ok := canonicalOrigin(u.Scheme + "://" + u.Host)
	if !ok {
		return false
	}
	here, ok := canonicalOrigin(u.Scheme + "://" + r.Host)
	return o.listed[origin] || ok && here == origin
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
