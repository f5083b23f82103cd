package sipua_test

// Rooms at the line: what anybody's client sends to one, and what a room sends to them.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

const team = portal.Address("sip:team@rooms.example.test")

func withRooms(c *sipua.Config) { c.RoomsDomain = "Rooms.example.test" }

// saidIn waits for a text in a room.
func (h *house) saidIn(t testing.TB, room portal.Address, text string) portal.RoomIncoming {
	t.Helper()
	var found portal.RoomIncoming
	h.await(t, "a message in the room: "+text, func() bool {
		for _, m := range h.said {
			if m.Room == room && m.Text == text {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func TestMessagesToRooms(t *testing.T) {
	f, h, _ := scripted(t, withRooms)
	c := f.on()
	to := "<sip:team@rooms.example.test>"
	text := "Content-Type: text/plain"
	for i, m := range []struct {
		name, uri, from, body string
		headers               []string
		status                int
		header, text          string
	}{
		{"plain", string(team), "bob", "hello", []string{text}, 200, "", "hello"},
		{"upper case", "sip:Team@ROOMS.example.test;transport=tcp", "bob", "up", []string{text}, 200, "", "up"},
		{"charset", string(team), "bob", "gr\xfc\xdfe", []string{"Content-Type: text/plain; charset=ISO-8859-1"}, 200, "", "grüße"},
		{"not UTF-8", string(team), "bob", "gr\xfc", []string{text}, 400, "", ""},
		{"deflate", string(team), "bob", compressed(t, toZlib, "zlib"), []string{text, "Content-Encoding: deflate"}, 200, "", "zlib"},
		{"unknown encoding", string(team), "bob", "x", []string{text, "Content-Encoding: br"}, 415, "Accept-Encoding: deflate", ""},
		{"CPIM", string(team), "bob", cpimOf("text/plain", "wrapped"), []string{"Content-Type: message/cpim"}, 200, "", "wrapped"},
		{"malformed CPIM", string(team), "bob", "what", []string{"Content-Type: message/cpim"}, 400, "", ""},
		{"notice", string(team), "bob", imdn, []string{"Content-Type: message/imdn+xml"}, 200, "", ""},
		{"notice in CPIM", string(team), "bob", cpimOf("message/imdn+xml\r\nContent-Disposition: notification", imdn), []string{"Content-Type: message/cpim"}, 200, "", ""},
		{"typing", string(team), "bob", comp, []string{"Content-Type: application/im-iscomposing+xml"}, 200, "", ""},
		{"picture", string(team), "bob", "GIF89a", []string{"Content-Type: image/gif"}, 415, "Accept: text/plain, message/cpim", ""},
		{"empty", string(team), "bob", "", []string{text}, 200, "", ""},
		{"too long", string(team), "bob", strings.Repeat("x", portal.MaxTextLen+1), []string{text}, 413, "", ""},
		{"no room", "sip:rooms.example.test", "bob", "x", []string{text}, 404, "", ""},
		{"from a room", string(team), "other@rooms.example.test", "x", []string{text}, 403, "", ""},
		{"to a person of that name", "sip:team@example.test", "bob", "x", []string{text}, 404, "", ""},
	} {
		t.Run(m.name, func(t *testing.T) {
			from := m.from
			if !strings.Contains(from, "@") {
				from += "@example.test"
			}
			got := f.await(c.request("MESSAGE", m.uri, "<sip:"+from+">;tag=b", to, fmt.Sprint("room", i), 1, m.body, m.headers...))
			if got.status() != m.status {
				t.Fatalf("answered %s, want %d", got.start, m.status)
			}
			if name, value, ok := strings.Cut(m.header, ": "); ok && !strings.Contains(got.get(name), value) {
				t.Errorf("%s: %q", name, got.get(name))
			}
			if m.text == "" {
				return
			}
			in := h.saidIn(t, team, m.text)
			if in.From != bob || in.ID == "" || in.At.IsZero() || m.name == "CPIM" && in.ID != "c1" {
				t.Errorf("%+v", in)
			}
		})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.said) != 5 || len(h.messages)+len(h.notices)+len(h.typing) != 0 {
		t.Errorf("said %v, messages %v, notices %v, typing %v", h.said, h.messages, h.notices, h.typing)
	}
}

func TestWhatARoomAnswers(t *testing.T) {
	f, h, _ := scripted(t, withRooms)
	c := f.on()
	for i, tc := range []struct {
		err        error
		status     int
		retryAfter string
	}{
		{portal.Fail(portal.ErrInvalid, "room.text"), 400, ""},
		{portal.Fail(portal.ErrForbidden, "room.members-only"), 403, ""},
		{portal.Fail(portal.ErrNotFound, "room.not-found"), 404, ""},
		{portal.Fail(portal.ErrTooMany, "room.slow").After(2500 * time.Millisecond), 503, "3"},
		{portal.Fail(portal.ErrTooMany, "room.slow"), 503, "5"},
		{portal.Fail(portal.ErrUnavailable, "storage"), 503, "5"},
		{errors.New("a defect"), 503, "5"},
	} {
		h.note(func() { h.takeRoom = func(context.Context, portal.RoomIncoming) error { return tc.err } })
		p := f.await(c.request("MESSAGE", string(team), "<sip:bob@example.test>;tag=b", "<sip:team@rooms.example.test>", fmt.Sprint("no", i), 1, "x", "Content-Type: text/plain"))
		if p.status() != tc.status || p.get("Retry-After") != tc.retryAfter {
			t.Errorf("%v: %s, Retry-After %q", tc.err, p.start, p.get("Retry-After"))
		}
	}
	known := "<sip:team@rooms.example.test>;tag=x"
	for i, tc := range []struct {
		method, to string
		status     int
		header     string
	}{
		{"OPTIONS", "", 200, "Allow: MESSAGE"}, {"OPTIONS", "", 200, "Accept: text/plain"},
		{"INVITE", "", 488, "Warning: 399"}, {"INVITE", known, 481, ""}, {"SUBSCRIBE", "", 489, ""}, {"NOTIFY", "", 481, ""},
		{"BYE", known, 481, ""}, {"CANCEL", "", 481, ""}, {"REGISTER", "", 405, "Allow: MESSAGE"}, {"PUBLISH", "", 405, "Allow: MESSAGE"}, {"NONSENSE", "", 501, ""},
	} {
		to := tc.to
		if to == "" {
			to = "<sip:team@rooms.example.test>"
		}
		headers := []string{"Event: presence", "Subscription-State: active", "Contact: <sip:bob@192.0.2.1>"}
		p := f.await(c.request(tc.method, string(team), "<sip:bob@example.test>;tag=b", to, fmt.Sprint("ask", i), 1, "", headers...))
		name, value, _ := strings.Cut(tc.header, ": ")
		if p.status() != tc.status || !strings.Contains(p.get(name), value) {
			t.Errorf("%s: %s %v", tc.method, p.start, p.header)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rings) != 0 {
		t.Errorf("a room was called: %+v", h.rings)
	}
}

// A sender's messages are in order; a room that is slow for one does not keep the others waiting; a repetition
// while the first is being stored is not a second one.
func TestRoomsTakeMessagesInOrderForEachSender(t *testing.T) {
	f, h, _ := scripted(t, withRooms)
	c := f.on()
	held := make(chan struct{})
	h.note(func() {
		h.takeRoom = func(_ context.Context, in portal.RoomIncoming) error {
			if in.From == carol && in.Text == "0" {
				<-held
			}
			return nil
		}
	})
	const n = 50
	say := func(from string, i int) string {
		return c.request("MESSAGE", string(team), "<sip:"+from+"@example.test>;tag=b", "<sip:team@rooms.example.test>", fmt.Sprint(from, i), 1, fmt.Sprint(i), "Content-Type: text/plain")
	}
	for i := range n {
		say("carol", i)
		say("bob", i)
	}
	h.await(t, "all that bob said", func() bool { return len(h.said) == n })
	close(held)
	h.await(t, "all that carol said", func() bool { return len(h.said) == 2*n })
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[portal.Address]int{}
	for _, m := range h.said {
		if m.Text != fmt.Sprint(next[m.From]) {
			t.Fatalf("%s said %s, want %d", m.From, m.Text, next[m.From])
		}
		next[m.From]++
	}
}

func TestWithoutARoomsDomainThereAreNoRooms(t *testing.T) {
	f, h, a := scripted(t)
	p := f.await(f.on().request("MESSAGE", string(team), "<sip:bob@example.test>;tag=b", "<sip:team@rooms.example.test>", "none", 1, "x", "Content-Type: text/plain"))
	if p.status() != 404 {
		t.Errorf("answered %s", p.start)
	}
	_, err := a.SendFromRoom(t.Context(), team, portal.Outgoing{To: bob, ID: "1", Text: "x", At: time.Now()})
	if !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != "rooms.not-here" {
		t.Errorf("sent with %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.said) != 0 {
		t.Errorf("said %v", h.said)
	}
}

// locked is a log that several goroutines write.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func TestARoomWrites(t *testing.T) {
	log := &locked{}
	for _, auth := range []string{sipua.AuthDigest, sipua.AuthTrusted} {
		f, h := newFake(t, nil), newHouse()
		cfg := f.config()
		withRooms(&cfg)
		cfg.Auth, cfg.Logger = auth, slog.New(slog.NewTextHandler(log, nil))
		a := start(t, cfg, h)
		eventually(t, "a connection", func() bool { return a.Ready() == nil })
		send := func(id string) (portal.State, error) {
			out, err := a.SendFromRoom(t.Context(), team, portal.Outgoing{To: bob, ID: id, Text: "Alice: hello", At: time.Now()})
			return out.State, err
		}
		for range 2 { // a repetition looks the same
			if state, err := send("m1"); state != portal.Delivered || err != nil {
				t.Fatalf("%s, %v", state, err)
			}
		}
		p := f.awaitSeen("MESSAGE", methodIs("MESSAGE"))
		if p.uri() != string(bob) || !strings.HasPrefix(p.get("From"), "<"+string(team)+">;tag=") || p.get("To") != "<"+string(bob)+">" || p.body != "Alice: hello" ||
			len(p.header["P-Asserted-Identity"]) != 1 || p.get("P-Asserted-Identity") != "<"+string(team)+">" || !strings.HasPrefix(p.get("Content-Type"), "text/plain") || p.get("Date") == "" {
			t.Errorf("%s %v %q", p.start, p.header, p.body)
		}
		if n := f.count(func(o packet) bool { return o.method() == "MESSAGE" && o.get("Call-Id") == p.get("Call-Id") }); n != 2 {
			t.Errorf("%d requests have the Call-ID of the first", n)
		}
		if n := f.count(methodIs("REGISTER")); n != 0 {
			t.Errorf("a room registered %d times", n)
		}
		for status, want := range map[int]error{404: portal.ErrNotFound, 480: portal.ErrNotFound, 503: portal.ErrUnavailable, 202: nil} {
			f.setHandle(func(c *fakeConn, p packet) bool { c.answer(p, status); return true })
			if _, err := send("m2"); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%d: %v", status, err)
			}
		}
		if _, err := a.SendFromRoom(t.Context(), alice, portal.Outgoing{To: bob, ID: "1", Text: "x"}); portal.Reason(err) != "rooms.not-here" {
			t.Errorf("a person as a room: %v", err)
		}
		if _, err := a.SendFromRoom(t.Context(), team, portal.Outgoing{To: bob, ID: "1", Text: strings.Repeat("x", 15<<10)}); portal.Reason(err) != "send.too-large" {
			t.Errorf("too large: %v", err)
		}
		before := log.count("asks rooms for a password")
		for _, status := range []int{401, 407} {
			f.setHandle(func(c *fakeConn, p packet) bool {
				c.answer(p, status, `WWW-Authenticate: Digest realm="x", nonce="y"`, `Proxy-Authenticate: Digest realm="x", nonce="y"`)
				return true
			})
			seen := f.count(methodIs("MESSAGE"))
			if _, err := send("m3"); !errors.Is(err, portal.ErrForbidden) || portal.Reason(err) != "rooms.not-trusted" {
				t.Errorf("%d: %v", status, err)
			}
			if n := f.count(methodIs("MESSAGE")) - seen; n != 1 {
				t.Errorf("%d: asked %d times", status, n)
			}
		}
		if n := log.count("asks rooms for a password") - before; n != 1 {
			t.Errorf("logged %d times", n)
		}
	}
}
