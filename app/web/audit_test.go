package web

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

// audited gives the audit lines of a log in JSON, in order, without what every line has.
func audited(t *testing.T, log string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(log) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch m["msg"] {
		case "signed in", "sign-in refused", "signed out", "signed out everywhere":
			out = append(out, m)
		}
	}
	return out
}

// Who came, who was refused and who went can be read from the log; passwords and tokens cannot, wherever
// they were typed.
func TestTheAuditTrail(t *testing.T) {
	var out buffer
	h := newHouse(t, func(s *settings) {
		s.logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	form := func(address, given string) {
		h.guest().with("User-Agent", "Some\u202eBrowser "+strings.Repeat("x", 500)).with("Content-Type", "application/x-www-form-urlencoded").
			send("POST", "/signin", url.Values{"address": {address}, "password": {given}}.Encode())
	}
	a := h.signIn(alice)
	form("alice@example.test", "planted-one")
	form("planted two, typed into the wrong field", "x")
	form("alice@elsewhere.test", "planted-three")
	h.guest().send("POST", "/api/v1/session", map[string]string{"sip": "nobody", "password": "planted-four"})
	b := h.browse(bob)
	b.with("Sec-Fetch-Site", "same-origin").post("/signout", nil, 303)
	a.call("DELETE", "/api/v1/session", nil, 204)
	c := h.signIn(carol)
	c.call("DELETE", "/api/v1/me/sessions", nil, 204)

	want := []struct{ msg, level, key, whose, reason string }{
		{"signed in", "INFO", "person", "sip:alice@example.test", ""},
		{"sign-in refused", "WARN", "address", "sip:alice@example.test", "signin.wrong"},
		{"sign-in refused", "WARN", "address", "(none)", "signin.address"},
		{"sign-in refused", "WARN", "address", "sip:alice@elsewhere.test", "signin.foreign"},
		{"sign-in refused", "WARN", "address", "sip:nobody@example.test", "signin.wrong"},
		{"signed in", "INFO", "person", "sip:bob@example.test", ""},
		{"signed out", "INFO", "person", "sip:bob@example.test", ""},
		{"signed out", "INFO", "person", "sip:alice@example.test", ""},
		{"signed in", "INFO", "person", "sip:carol@example.test", ""},
		{"signed out everywhere", "INFO", "person", "sip:carol@example.test", ""},
	}
	got := audited(t, out.String())
	if len(got) != len(want) {
		t.Fatalf("%d lines: %v", len(got), got)
	}
	for i, w := range want {
		g := got[i]
		reason, _ := g["reason"].(string)
		if g["msg"] != w.msg || g["level"] != w.level || g[w.key] != w.whose || reason != w.reason || g["remote"] != "127.0.0.1" || g["request_id"] == "" {
			t.Errorf("line %d: %v, want %v", i, g, w)
		}
	}
	if agent := got[1]["agent"].(string); !strings.HasPrefix(agent, "SomeBrowser x") || len(agent) > maxAgentLogged {
		t.Errorf("agent %q", agent)
	}
	for _, secret := range []string{"planted", password, a.token, b.cookie.Value, c.token} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
