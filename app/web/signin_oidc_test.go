package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portico/app/portal"
)

// idProvider vouches for whoever its answer names.
type idProvider struct{ down bool }

func (p idProvider) Begin(_ context.Context, next string) (string, string, error) {
	if p.down {
		return "", "", portal.Fail(portal.ErrUnavailable, "signin.oidc-unreachable")
	}
	return "https://id.example.test/authorize?state=s", "sealed:" + next, nil
}

func (p idProvider) Finish(_ context.Context, cookie string, query url.Values) (portal.Address, string, error) {
	next, ok := strings.CutPrefix(cookie, "sealed:")
	if !ok {
		return "", "", portal.Fail(portal.ErrUnauthenticated, "signin.oidc-state")
	}
	if query.Get("code") == "" {
		return "", next, portal.Fail(portal.ErrUnauthenticated, "signin.oidc-code")
	}
	return portal.Address(query.Get("code")), next, nil
}

func withProvider(p idProvider) func(*settings) {
	return func(set *settings) { set.oidc, set.web.OIDCName = p, "Example ID" }
}

// attempt is the cookie of an attempt that a reply sets.
func attempt(t *testing.T, r *reply) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if c.Name == attemptCookie {
			return c
		}
	}
	t.Fatalf("no cookie of an attempt in %v", r.header)
	return nil
}

func TestSignInAtAProvider(t *testing.T) {
	h := newHouse(t, withProvider(idProvider{}))
	page := string(h.guest().call("GET", "/signin?next=/settings", nil, 200).body)
	if !strings.Contains(page, "Example ID") || strings.Contains(page, `type="password"`) {
		t.Errorf("the page offers %s", page)
	}
	begun := h.guest().call("GET", "/signin/oidc?next=/settings", nil, 303)
	cookie := attempt(t, begun)
	if begun.header.Get("Location") != "https://id.example.test/authorize?state=s" || !cookie.HttpOnly || cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("began with %v and %+v", begun.header, cookie)
	}
	back := h.guest().with("Cookie", cookie.Name+"="+cookie.Value).call("GET", "/signin/oidc/callback?code="+url.QueryEscape(string(alice)), nil, 303)
	if back.header.Get("Location") != "/settings" || attempt(t, back).MaxAge >= 0 {
		t.Errorf("came back to %v", back.header)
	}
	caller{h: h, cookie: back.session("portico")}.call("GET", "/api/v1/me", nil, 200)
	if !h.exchange.isUp(alice) {
		t.Error("there is no line")
	}
}

func TestSignInAtAProviderRefused(t *testing.T) {
	h := newHouse(t, withProvider(idProvider{}))
	for _, c := range []struct{ name, cookie, query, says string }{
		{"no attempt of this browser", "", "code=" + url.QueryEscape(string(alice)), ""},
		{"no code", attemptCookie + "=sealed:/", "error=access_denied", ""},
		{"another domain", attemptCookie + "=sealed:/", "code=" + url.QueryEscape("sip:mallory@evil.test"), "example.test"},
	} {
		guest := h.guest()
		if c.cookie != "" {
			guest = guest.with("Cookie", c.cookie)
		}
		status := http.StatusUnauthorized
		if c.says != "" {
			status = http.StatusForbidden
		}
		got := guest.call("GET", "/signin/oidc/callback?"+c.query, nil, status)
		if body := string(got.body); !strings.Contains(body, `id="signin-problem"`) || !strings.Contains(body, c.says) {
			t.Errorf("%s: %s", c.name, body)
		}
		for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
			if cookie.Name == "portico" && cookie.Value != "" {
				t.Errorf("%s: a session begins", c.name)
			}
		}
	}
	outside := h.guest().with("Cookie", attemptCookie+"=sealed://evil.test").call("GET", "/signin/oidc/callback?code="+url.QueryEscape(string(alice)), nil, 303)
	if to := outside.header.Get("Location"); to != "/" {
		t.Errorf("led to %q", to)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	h := newHouse(t, withProvider(idProvider{down: true}))
	got := h.guest().call("GET", "/signin/oidc", nil, 503)
	if !strings.Contains(string(got.body), `id="signin-problem"`) {
		t.Errorf("%s", got.body)
	}
	newHouse(t).guest().call("GET", "/signin/oidc", nil, 404)
}
