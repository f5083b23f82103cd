package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// post sends a form as a browser without script does.
func (c caller) post(path string, fields url.Values, status int) *reply {
	c.h.t.Helper()
	return c.with("Content-Type", "application/x-www-form-urlencoded").call("POST", path, fields.Encode(), status)
}

func TestSignInByForm(t *testing.T) {
	h := newHouse(t)
	page := h.guest().call("GET", "/signin?next=/chat/x", nil, 200)
	if !strings.Contains(string(page.body), "/chat/x") {
		t.Error("the form does not know where it leads")
	}
	got := h.guest().post("/signin", url.Values{"address": {"alice@example.test"}, "password": {password}, "next": {"/settings"}}, 303)
	if to := got.header.Get("Location"); to != "/settings" {
		t.Errorf("led to %q", to)
	}
	me := caller{h: h, cookie: got.session("portico")}
	me.call("GET", "/api/v1/me", nil, 200)
	if again := me.call("GET", "/signin?next=/contacts", nil, 303); again.header.Get("Location") != "/contacts" {
		t.Errorf("who is signed in was led to %q", again.header.Get("Location"))
	}
	live := me.dial(protocolJSON, "")
	live.next("hello")
	out := me.with("Sec-Fetch-Site", "same-origin").post("/signout", nil, 303)
	if out.header.Get("Location") != "/signin" || out.session("portico").MaxAge >= 0 {
		t.Errorf("signed out to %v", out.header)
	}
	live.next("bye")
	me.call("GET", "/api/v1/me", nil, 401)
	if h.exchange.isUp(alice) {
		t.Error("the line is still up")
	}
	me.post("/signout", nil, 303) // twice does no harm
}

func TestSignInByFormRefused(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
	}{
		{"wrong password", url.Values{"address": {"alice@example.test"}, "password": {"no"}}, 401},
		{"nothing", url.Values{}, 400},
		{"not an address", url.Values{"address": {`"><script>@x`}, "password": {"x"}}, 400},
	} {
		got := h.guest().post("/signin", test.form, test.status)
		text := string(got.body)
		if !strings.Contains(got.header.Get("Content-Type"), "text/html") || strings.Contains(text, "<script>@") {
			t.Errorf("%s: %s", test.name, text)
		}
		if len(got.cookie) != 0 {
			t.Errorf("%s: a cookie was set", test.name)
		}
	}
	kept := h.guest().post("/signin", url.Values{"address": {"alice@example.test"}, "password": {"not this one"}, "next": {"/settings"}}, 401)
	if text := string(kept.body); !strings.Contains(text, "alice@example.test") || strings.Contains(text, "not this one") || !strings.Contains(text, "/settings") {
		t.Errorf("what was typed: %s", text)
	}
	h.exchange.setAway(true)
	if got := h.guest().post("/signin", url.Values{"address": {"alice@example.test"}, "password": {password}}, 503); got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.exchange.setAway(false)
	got := h.guest().post("/signin", url.Values{"address": {"alice"}, "password": {password}, "next": {"//evil.test"}}, 303)
	if got.header.Get("Location") != "/" {
		t.Errorf("led to %q", got.header.Get("Location"))
	}
}

func TestPagesLeadToTheSignInAndBack(t *testing.T) {
	h := newHouse(t)
	for path, want := range map[string]string{
		"/":                       "/signin",
		"/contacts":               "/signin?next=%2Fcontacts",
		"/chat/sip%3Abob%40x?a=1": "/signin?next=" + url.QueryEscape("/chat/sip%3Abob%40x?a=1"),
	} {
		if got := h.guest().call("GET", path, nil, 303); got.header.Get("Location") != want {
			t.Errorf("%s led to %q, want %q", path, got.header.Get("Location"), want)
		}
	}
	h.guest().post("/settings", url.Values{"locale": {"de"}}, 303)
	h.guest().call("GET", "/nothing", nil, 404)
	h.guest().call("PUT", "/contacts", nil, 405)
	signedIn := h.browse(alice)
	if got := signedIn.call("GET", "/nothing", nil, 404); !strings.Contains(got.header.Get("Content-Type"), "text/html") {
		t.Errorf("the error is %s", got.header.Get("Content-Type"))
	}
}

func TestWhoHasNoScriptIsSeenByTheirPages(t *testing.T) {
	h := newHouse(t)
	b := h.signIn(bob)
	watching := b.dial(protocolJSON, "")
	watching.next("hello")
	watching.send(map[string]any{"op": "watch", "uris": []string{string(alice)}})
	watching.until(func(f map[string]any) bool { return f["uri"] == string(alice) && f["availability"] == "offline" }, "alice offline")
	is := func(availability, what string) {
		t.Helper()
		watching.until(func(f map[string]any) bool { return f["uri"] == string(alice) && f["availability"] == availability }, what)
	}
	a := h.browse(alice)
	is("available", "alice available as soon as she has signed in")
	page := a.dial(protocolJSON, "")
	page.next("hello")
	if err := page.ws.Close(); err != nil {
		t.Fatal(err)
	}
	is("offline", "alice offline when her page is closed")
	scripted := a.with("Cookie", a.cookie.Name+"="+a.cookie.Value+"; "+scriptCookie+"=1")
	scripted.cookie = nil
	scripted.call("GET", "/contacts", nil, 200)
	if p := h.presence.Of(bob, alice); p.Availability != "offline" {
		t.Errorf("a page with script, but without a live connection, made alice %s", p.Availability)
	}
	a.call("GET", "/contacts", nil, 200)
	is("available", "alice available by a page without script")
}

func TestCompression(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	packed := a.with("Accept-Encoding", "gzip").call("GET", "/api/v1/openapi.json", nil, 200)
	plain := a.with("Accept-Encoding", "identity").call("GET", "/api/v1/openapi.json", nil, 200)
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body)*2 > len(plain.body) {
		t.Errorf("%d bytes of %d, %v", len(packed.body), len(plain.body), packed.header)
	}
	if !strings.Contains(strings.Join(packed.header.Values("Vary"), ","), "Accept-Encoding") {
		t.Errorf("Vary %v", packed.header.Values("Vary"))
	}
	// A fresh token is never packed together with what the asker chose.
	got := h.guest().with("Accept-Encoding", "gzip").call(http.MethodPost, "/api/v1/session", map[string]string{"sip": string(bob), "password": password}, 200)
	if got.header.Get("Content-Encoding") != "" {
		t.Error("the token came packed")
	}
}
