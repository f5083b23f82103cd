package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestSignInByAPI(t *testing.T) {
	h := newHouse(t)
	got := h.guest().call("POST", "/api/v1/session", map[string]string{"sip": "alice@EXAMPLE.test", "password": password}, 200)
	var in signInAnswer
	got.into(&in)
	if in.Me.URI != alice || in.Me.DisplayName != "Alice Adams" || len(in.Me.Roles) != 1 || in.Me.Roles[0] != portal.RoleAdmin {
		t.Errorf("me is %+v", in.Me)
	}
	cookie := got.session("portico")
	if cookie.Value != in.Token {
		t.Error("the cookie's value is not the token")
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Secure {
		t.Errorf("cookie %+v", cookie)
	}
	if !h.exchange.isUp(alice) {
		t.Error("no line to the server")
	}
	// The token works both ways.
	caller{h: h, token: in.Token}.call("GET", "/api/v1/me", nil, 200)
	caller{h: h, cookie: cookie}.call("GET", "/api/v1/me", nil, 200)
}

func TestSignInRefused(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		name   string
		body   any
		status int
		reason string
	}{
		{"wrong password", map[string]string{"sip": "alice@example.test", "password": "no"}, 401, "signin.wrong"},
		{"nobody of that name", map[string]string{"sip": string(nobody), "password": password}, 401, "signin.wrong"},
		{"foreign domain", map[string]string{"sip": string(foreign), "password": password}, 401, "signin.foreign"},
		{"no password", map[string]string{"sip": "alice@example.test"}, 400, "signin.incomplete"},
		{"no address", map[string]string{"password": "x"}, 400, "signin.incomplete"},
		{"not an address", map[string]string{"sip": "<@>", "password": "x"}, 400, "signin.address"},
		{"not JSON", "sip=alice", 400, "json.object"},
		{"wrong types", `{"sip":1,"password":2}`, 400, "json.type"},
		{"no body", "", 400, "json.object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := h.guest().call("POST", "/api/v1/session", test.body, test.status)
			got.problem(test.reason)
			if len(got.cookie) != 0 {
				t.Errorf("a refused sign-in set %v", got.cookie)
			}
		})
	}
	if h.exchange.isUp(alice) {
		t.Error("a line is up")
	}
}

func TestSignInWhileTheServerIsAway(t *testing.T) {
	h := newHouse(t)
	h.exchange.setAway(true)
	got := h.guest().call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 503)
	got.problem("signin.unreachable")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.exchange.setAway(false)
	h.signIn(alice).call("GET", "/api/v1/me", nil, 200)
}

func TestTooManyTries(t *testing.T) {
	h := newHouse(t)
	for range 50 {
		got := h.guest().send("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": "guess"})
		if got.status == 401 {
			continue
		}
		if got.status != 429 || got.header.Get("Retry-After") == "" {
			t.Fatalf("%d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
		}
		got.problem("signin.too-many")
		return
	}
	t.Error("50 wrong tries were not too many")
}

func TestSignInIsRefusedWhileDraining(t *testing.T) {
	h := newHouse(t)
	before := h.signIn(bob)
	h.server.Drain()
	h.guest().call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 503).problem("signin.draining")
	before.call("GET", "/api/v1/me", nil, 200) // who is in, stays in
	if _, resp, err := before.tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 503 {
		t.Errorf("a live connection was opened while draining: %v", err)
	}
}

func TestSignOutKillsTokenCookieAndSockets(t *testing.T) {
	h := newHouse(t)
	me := h.browse(alice)
	other := h.signIn(alice)
	live, elsewhere := me.dial(protocolJSON, ""), other.dial(protocolJSON, "")
	live.next("hello")
	elsewhere.next("hello")

	got := me.with("Sec-Fetch-Site", "same-origin").call("DELETE", "/api/v1/session", nil, 204)
	if c := got.session("portico"); c.MaxAge >= 0 {
		t.Errorf("the cookie was not taken away: %+v", c)
	}
	bye := live.next("bye")
	if _, again := bye["reconnect_after_ms"]; again || bye["reason_key"] != "session-ended" {
		t.Errorf("bye %v", bye)
	}
	if code := live.end(); code != 4001 {
		t.Errorf("close code %d", code)
	}
	me.call("GET", "/api/v1/me", nil, 401).problem("unauthenticated")
	caller{h: h, token: me.cookie.Value}.call("GET", "/api/v1/me", nil, 401)

	// The other sign-in of the same person lives on, line included.
	elsewhere.quietUntilPong()
	if !h.exchange.isUp(alice) {
		t.Error("the line went with the first of two sign-ins")
	}
	other.call("DELETE", "/api/v1/session", nil, 204)
	if h.exchange.isUp(alice) {
		t.Error("the line is still up after the last sign-out")
	}
	if code := elsewhere.end(); code != 4001 {
		t.Errorf("close code %d", code)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	h := newHouse(t)
	one, two := h.signIn(alice), h.browse(alice)
	live := two.dial(protocolJSON, "")
	live.next("hello")
	var all []signinJSON
	one.with("User-Agent", "tests/1").call("GET", "/api/v1/me/sessions", nil, 200).into(&all)
	current := 0
	for _, in := range all {
		if in.Current {
			current++
		}
		if in.Remote != "127.0.0.1" {
			t.Errorf("remote %q", in.Remote)
		}
	}
	if len(all) != 2 || current != 1 {
		t.Errorf("sessions %+v", all)
	}
	one.call("DELETE", "/api/v1/me/sessions", nil, 204)
	live.next("bye")
	one.call("GET", "/api/v1/me", nil, 401)
	two.call("GET", "/api/v1/me", nil, 401)
}

// A token that somebody planted in the browser before the sign-in is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t)
	planted := &http.Cookie{Name: "portico", Value: someToken}
	got := caller{h: h, cookie: planted}.call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 200)
	if got.session("portico").Value == someToken {
		t.Fatal("the planted token was taken over")
	}
	caller{h: h, cookie: planted}.call("GET", "/api/v1/me", nil, 401)

	// Signing in again in the same browser renews the token and ends the old session, sockets included.
	first := got.session("portico")
	live := caller{h: h, cookie: first}.dial(protocolJSON, "")
	live.next("hello")
	again := caller{h: h, cookie: first}.call("POST", "/api/v1/session", map[string]string{"sip": string(bob), "password": password}, 200)
	live.next("bye")
	caller{h: h, cookie: first}.call("GET", "/api/v1/me", nil, 401)
	var me portal.Me
	caller{h: h, cookie: again.session("portico")}.call("GET", "/api/v1/me", nil, 200).into(&me)
	if me.URI != bob {
		t.Errorf("signed in as %s", me.URI)
	}
}

func TestSessionsExpire(t *testing.T) {
	lifetime := 400 * time.Millisecond
	for !expires(t, lifetime) { // on a machine that takes longer than that to connect
		if lifetime *= 4; lifetime > 2*patience {
			t.Fatal("no session lives as long as it should")
		}
	}
}

// expires lets a session with a live connection end by itself; false when it ended before that was open.
func expires(t *testing.T, lifetime time.Duration) bool {
	t.Helper()
	h := newHouse(t, func(s *settings) { s.lifetime, s.sweep = lifetime, 20*time.Millisecond })
	began := time.Now()
	me := h.signIn(alice)
	ws, resp, err := me.tryDial(protocolJSON, "")
	if err != nil && resp != nil && resp.StatusCode == http.StatusUnauthorized && time.Since(began) >= lifetime {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	live := me.reading(ws)
	live.next("hello")
	bye := live.next("bye")
	if bye["reason_key"] != "session-ended" || live.end() != 4001 {
		t.Errorf("bye %v", bye)
	}
	me.call("GET", "/api/v1/me", nil, 401)
	eventually(t, "the line goes down", func() bool { return !h.exchange.isUp(alice) })
	return true
}

func TestWhatIsNoToken(t *testing.T) {
	h := newHouse(t)
	good := h.browse(alice)
	for name, c := range map[string]caller{
		"nothing":        h.guest(),
		"random token":   {h: h, token: someToken},
		"short token":    {h: h, token: "x"},
		"long token":     {h: h, token: strings.Repeat("a", 5000)},
		"random cookie":  {h: h, cookie: &http.Cookie{Name: "portico", Value: someToken}},
		"other cookie":   {h: h, cookie: &http.Cookie{Name: "__Host-portico", Value: good.cookie.Value}},
		"broken bearer":  {h: h, token: "x", cookie: good.cookie},
		"basic":          h.guest().with("Authorization", "Basic YWxpY2U6eA=="),
		"query argument": h.guest(),
	} {
		t.Run(name, func(t *testing.T) {
			got := c.call("GET", "/api/v1/me?token="+good.cookie.Value, nil, 401)
			got.problem("unauthenticated")
			if got.header.Get("WWW-Authenticate") != `Bearer realm="portico"` {
				t.Errorf("WWW-Authenticate %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}
