package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// behindProxy is a house behind a proxy on this machine.
func behindProxy(s *settings) {
	s.web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// Every cookie that the portal sets over TLS is bound to its host and hidden from scripts.
func TestEveryCookieIsBoundToTheHost(t *testing.T) {
	h := everything(t, func(s *settings) { s.web.PublicURL = "https://im.example.test" }, withProvider(idProvider{}))
	in := h.guest().call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 200)
	me := caller{h: h, cookie: in.session("__Host-portico")}
	set := in.cookie
	set = append(set, h.guest().call("GET", "/signin?lang=de", nil, 200).cookie...)
	set = append(set, h.guest().call("GET", "/signin/oidc", nil, 303).cookie...)
	set = append(set, me.call("GET", "/calendar?view=week", nil, 200).cookie...)
	set = append(set, me.post("/contacts/sort", url.Values{"compact": {"on"}}, 303).cookie...)
	set = append(set, me.post("/signout", nil, 303).cookie...)
	names := map[string]bool{}
	for _, c := range set {
		names[c.Name] = true
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %+v", c)
		}
	}
	for _, name := range []string{sessionCookie, deviceCookie, localeCookie, attemptCookie, viewCookie, compactCookie} {
		if !names["__Host-"+name] {
			t.Errorf("%s was not set", name)
		}
	}
}

// Where a trusted proxy says that the browser came over TLS, it is treated so; nobody else's word counts.
func TestBehindATrustedProxy(t *testing.T) {
	over := func(h *house, proto string) *reply {
		return h.guest().with("X-Forwarded-Proto", proto).call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 200)
	}
	trusting, direct := newHouse(t, behindProxy), newHouse(t)
	got := over(trusting, "http, HTTPS")
	cookie := got.session("__Host-portico")
	if !cookie.Secure || got.header.Get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains" {
		t.Errorf("over TLS: %+v, %v", cookie, got.header)
	}
	me := caller{h: trusting, cookie: cookie}
	me.with("X-Forwarded-Proto", "https").call("GET", "/api/v1/me", nil, 200)
	me.call("GET", "/api/v1/me", nil, 401) // over a plain line that name is nobody's
	for name, plain := range map[string]*reply{"a plain line": over(trusting, "https, http"), "a stranger's word": over(direct, "https")} {
		if plain.session("portico").Secure || plain.header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s counts as TLS: %v", name, plain.header)
		}
	}
}

// A browser that knows its person is one, and stays it after the sign-out; programs are none.
func TestSigningOutClearsTheBrowser(t *testing.T) {
	h := newHouse(t)
	in := h.guest().post("/signin", url.Values{"address": {"alice"}, "password": {password}}, 303)
	if known := in.session(deviceCookie); known.MaxAge < 100*24*3600 || !known.HttpOnly {
		t.Errorf("the browser is known by %+v", known)
	}
	out := caller{h: h, cookie: in.session(sessionCookie)}.post("/signout", nil, 303)
	if out.header.Get("Clear-Site-Data") != `"storage"` || out.session(sessionCookie).MaxAge >= 0 {
		t.Errorf("signed out with %v", out.header)
	}
	for _, c := range out.cookie {
		if c.Name == deviceCookie {
			t.Error("the browser is forgotten")
		}
	}
	silent := h.guest().call("POST", "/api/v1/session", map[string]any{"sip": string(alice), "password": password, "silent": true}, 200)
	if len(silent.cookie) != 0 {
		t.Errorf("a program got %v", silent.cookie)
	}
}

// Passwords are typed into fields that hide them, and that password managers may fill.
func TestEveryPasswordFieldIsOne(t *testing.T) {
	h := newHouse(t)
	page := h.guest().call("GET", "/signin", nil, 200)
	z := html.NewTokenizer(strings.NewReader(string(unpacked(t, page))))
	found := 0
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		tag := z.Token()
		if tag.Data != "input" {
			continue
		}
		attrs := map[string]string{}
		for _, a := range tag.Attr {
			attrs[a.Key] = a.Val
		}
		if attrs["name"] == "password" {
			found++
			if attrs["type"] != "password" || attrs["autocomplete"] != "current-password" {
				t.Errorf("the field is %v", attrs)
			}
		}
	}
	if found != 1 {
		t.Errorf("%d fields", found)
	}
}

// The listener has a deadline for every phase and a bound for headers, and leaves TLS to what Go thinks safe.
func TestTheHTTPServerHasBounds(t *testing.T) {
	srv := NewHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if srv.ReadHeaderTimeout <= 0 || srv.ReadTimeout <= 0 || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 {
		t.Errorf("deadlines %v %v %v %v", srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout)
	}
	if srv.MaxHeaderBytes <= 0 || srv.MaxHeaderBytes > 64<<10 {
		t.Errorf("headers of %d bytes", srv.MaxHeaderBytes)
	}
	if srv.TLSConfig != nil && srv.TLSConfig.MinVersion != 0 {
		t.Errorf("TLS from %x", srv.TLSConfig.MinVersion)
	}
}
