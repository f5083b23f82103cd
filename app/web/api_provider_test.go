package web

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/static"
)

// silently gives a caller with a silent session.
func (h *house) silently(who portal.Address) caller {
	h.t.Helper()
	got := h.guest().call("POST", "/api/v1/session", map[string]any{"sip": string(who), "password": password, "silent": true}, 200)
	if len(got.cookie) != 0 {
		h.t.Errorf("a silent session has the cookies %v", got.cookie)
	}
	var in signInAnswer
	got.into(&in)
	return caller{h: h, token: in.Token}
}

// isThere reports whether the portal takes somebody for present.
func (h *house) isThere(who portal.Address) bool {
	a := h.presence.Own(who).Availability
	return a != portal.Offline && a != portal.Unknown
}

// TestProviderExample is the example of the help page in Go: what a mail program does in the name of alice, who is not there
// herself.
func TestProviderExample(t *testing.T) {
	h := newHouse(t)
	b := h.signIn(bob)
	b.call("POST", "/api/v1/me/activity", map[string]bool{"active": true}, 204)

	// Discover: the host is all that the program knows.
	var found discovery
	h.guest().call("GET", discoveryPath, nil, 200).into(&found)
	path := func(address string) string {
		rest, ours := strings.CutPrefix(address, h.url)
		if !ours {
			t.Fatalf("%s is not of %s", address, h.url)
		}
		return rest
	}
	// Sign in, silently.
	var in signInAnswer
	h.guest().call("POST", path(found.SignIn.Session), map[string]any{"sip": "alice@example.test", "password": password, "silent": true}, 200).into(&in)
	program := caller{h: h, token: in.Token}
	// Capabilities.
	var may providerJSON
	program.call("GET", path(found.Provider), nil, 200).into(&may)
	if may.Me != alice || !may.Silent || !may.Capabilities.IM || may.Capabilities.SetPresence || !may.Capabilities.Rooms {
		t.Errorf("alice's program may %+v", may)
	}
	// Contacts and their presence.
	program.call("PUT", path(found.Contacts)+"/"+bob.Path(), map[string]string{}, 200)
	var contacts []portal.Contact
	program.call("GET", path(found.Contacts), nil, 200).into(&contacts)
	if len(contacts) != 1 || contacts[0].URI != bob {
		t.Errorf("contacts %v", contacts)
	}
	eventually(t, "bob is seen as available", func() bool {
		var people []presenceJSON
		program.call("POST", path(found.Presence), map[string][]string{"uris": {string(bob)}}, 200).into(&people)
		return people[0].Availability == portal.Available
	})
	// Changes, live.
	stream := program.events(t, "")
	stream.next("hello")
	b.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy"}, 200)
	for {
		if p := stream.next("presence"); p.data["uri"] == string(bob) && p.data["availability"] == "busy" {
			break
		}
	}
	// All the time alice was not there; leaving ends her line with the last session.
	if h.isThere(alice) || !h.exchange.isUp(alice) {
		t.Errorf("alice is %s, her line is up: %v", h.presence.Own(alice).Availability, h.exchange.isUp(alice))
	}
	program.call("DELETE", path(found.SignIn.Session), nil, 204)
	program.call("GET", path(found.Provider), nil, 401)
	eventually(t, "alice's line is down", func() bool { return !h.exchange.isUp(alice) })
}

// The help page's script, against the house.
func TestTheScriptOfTheHelpPage(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
				t.Fatalf("no %s, and PORTICO_REQUIRE_PEERS=1", tool)
			}
			t.Skip("no " + tool)
		}
	}
	page, err := static.Page("help/provider.en.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(page), "```\n#!/bin/sh")
	script, _, closed := strings.Cut(script, "```")
	if !found || !closed {
		t.Fatal("the help page has no script")
	}
	h := newHouse(t)
	h.signIn(alice).call("PUT", "/api/v1/contacts/"+bob.Path(), map[string]string{}, 200)
	h.signIn(bob).call("POST", "/api/v1/me/activity", map[string]bool{"active": true}, 204)
	run := exec.CommandContext(t.Context(), "sh", "-s")
	run.Stdin = strings.NewReader(script)
	run.Env = append(os.Environ(), "PORTAL="+h.url, "SIP=alice@example.test", "PASSWORD="+password, "WHO=bob@example.test", "SECONDS_TO_LISTEN=5", "NO_PROXY=*", "no_proxy=*")
	out, err := run.CombinedOutput()
	for _, want := range []string{`may:      {"me":"sip:alice@example.test"`, `contacts: [{"uri":"sip:bob@example.test"`, `presence: [{"uri":"sip:bob@example.test"`, `event:    {"event":"hello"`, "left\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in what it wrote (%v):\n%s", want, err, out)
		}
	}
}

func TestSilentSessions(t *testing.T) {
	h := newHouse(t)
	quiet := h.silently(alice)
	if h.isThere(alice) {
		t.Error("signing in silently shows alice as there")
	}
	stream := quiet.events(t, "")
	stream.next("hello")
	quiet.call("GET", "/api/v1/conversations", nil, 200)
	quiet.call("GET", "/contacts", nil, 200)
	quiet.call("POST", "/api/v1/conversations/"+bob.Path()+"/messages", map[string]string{"id": "s1", "text": "by itself"}, 202)
	for _, loud := range []struct{ method, path, body string }{
		{"POST", "/api/v1/me/activity", `{"active":true}`}, {"POST", "/api/v1/me/watch", `{"uris":[]}`},
		{"PUT", "/api/v1/me/presence", `{"availability":"available"}`}, {"DELETE", "/api/v1/me/presence", ""},
	} {
		var body any
		if loud.body != "" {
			body = loud.body
		}
		quiet.call(loud.method, loud.path, body, http.StatusForbidden).problem("session.silent")
	}
	if h.isThere(alice) {
		t.Errorf("alice is %s", h.presence.Own(alice).Availability)
	}
	// Beside a session where alice is there it changes nothing, neither while it lasts nor when it goes.
	loud := h.signIn(alice)
	eventually(t, "alice is there", func() bool { return h.isThere(alice) })
	before := h.presence.Own(alice)
	quiet.call("DELETE", "/api/v1/session", nil, 204)
	if now := h.presence.Own(alice); now != before || !h.exchange.isUp(alice) {
		t.Errorf("alice was %+v and is %+v; her line is up: %v", before, now, h.exchange.isUp(alice))
	}
	loud.call("GET", "/api/v1/me", nil, 200)
}

// On a WebSocket a silent session hears, and is told what it cannot say.
func TestSilentWebSocket(t *testing.T) {
	h := newHouse(t)
	quiet := h.silently(alice)
	live := quiet.dial(protocolJSON, "")
	live.next("hello")
	for _, op := range []string{"active", "idle", "watch"} {
		live.send(map[string]any{"op": op, "id": op, "uris": []string{string(bob)}})
		if got := live.next("error"); got["id"] != op || !strings.Contains(string(mustJSON(got)), "silent") {
			t.Errorf("%s: %s", op, mustJSON(got))
		}
	}
	if h.isThere(alice) {
		t.Error("a silent connection shows alice as there")
	}
}

func TestDiscovery(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.PublicURL = "https://im.example.test" })
	var d discovery
	got := h.guest().with("Origin", "https://anywhere.test").call("GET", discoveryPath, nil, 200)
	got.into(&d)
	if d.API != "https://im.example.test/api/v1" || d.WebSocket.URL != "wss://im.example.test/ws" || d.Open != "https://im.example.test/open?uri=%s" || len(d.SignIn.Methods) != 2 {
		t.Errorf("%+v", d)
	}
	if got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", got.header)
	}
}
