package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/websocket"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
)

// A reader that never reads is told nothing more and harms nobody: another reader of the same person, who keeps
// pace, is told every message in order until the deaf one is cut, and after.
func TestAReaderThatNeverReads(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	deaf, _, err := a.tryDial(protocolJSON, "")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if tcp, ok := deaf.NetConn().(*net.TCPConn); ok { // what the kernel takes in its place ends soon
		if err := tcp.SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
	}
	live := a.dial(protocolJSON, "")
	live.next("hello")
	text := strings.TrimSpace(strings.Repeat("lorem ipsum ", 660))
	said := 0
	say := func() {
		id := fmt.Sprint("m", said)
		if _, err := h.chat.Say(t.Context(), alice, chat.Draft{Conversation: alice, ID: id, Text: text}); err != nil {
			t.Fatal(err)
		}
		said++
		// Heard before the next is said: nothing but not reading makes a reader slow.
		if f := live.next("message"); f["id"] != id {
			t.Fatalf("message %v where %s was expected", f["id"], id)
		}
	}
	// However much the kernel takes and however slow the machine: a write that stands still for ten seconds,
	// or a full queue, ends it.
	for end := time.Now().Add(3 * patience); h.hub.Online(alice) != 1; {
		if time.Now().After(end) {
			t.Fatalf("after %d messages the deaf reader is still served", said)
		}
		say()
	}
	say()
}

var errDisk = errors.New("the disk is on fire")

// failing is a log of events and a store of sessions that can be taken away.
type failing struct {
	scs.CtxStore
	EventLog
	away atomic.Bool
}

func (f *failing) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if f.away.Load() {
		return nil, false, portal.Fail(portal.ErrUnavailable, "unavailable").Because(errDisk)
	}
	return f.CtxStore.FindCtx(ctx, token)
}

func (f *failing) EventHead(ctx context.Context) (int64, error) {
	if f.away.Load() {
		return 0, portal.Fail(portal.ErrUnavailable, "unavailable").Because(errDisk)
	}
	return f.EventLog.EventHead(ctx)
}

// While storage is away nobody is taken for signed out: they are asked to come back.
func TestWhileStorageIsAway(t *testing.T) {
	h := newHouse(t)
	f := &failing{CtxStore: h.store, EventLog: h.store}
	h.server.Sessions, h.server.sessions.Store, h.server.Events = f, f, f
	a, b := h.signIn(alice), h.browse(bob)
	f.away.Store(true)
	got := a.call("GET", "/api/v1/me", nil, 503)
	got.problem("unavailable")
	if got.header.Get("Retry-After") == "" || strings.Contains(string(got.body), errDisk.Error()) {
		t.Errorf("%v %s", got.header, got.body)
	}
	if got := b.call("GET", "/contacts", nil, 503); !strings.Contains(got.header.Get("Content-Type"), "text/html") || got.header.Get("Retry-After") == "" {
		t.Errorf("%v", got.header)
	}
	if _, resp, err := a.tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 503 {
		t.Errorf("a live connection was opened: %v", err)
	}
	f.away.Store(false)
	a.call("GET", "/api/v1/me", nil, 200)
	b.call("GET", "/contacts", nil, 200)
}

// A live connection whose start fails is told to come back.
func TestALiveConnectionThatCannotStart(t *testing.T) {
	h := newHouse(t)
	f := &failing{CtxStore: h.store, EventLog: h.store}
	h.server.Events = f
	a := h.signIn(alice)
	f.away.Store(true)
	live := a.dial(protocolJSON, "")
	bye := live.next("bye")
	if after, _ := bye["reconnect_after_ms"].(float64); bye["reason_key"] != realtime.ReasonUnavailable || after <= 0 {
		t.Errorf("bye %v", bye)
	}
	live.end()
}

// buffer is a log that many goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Each request is logged once, with its id, and without passwords, tokens, what was said or who was asked for.
func TestTheLog(t *testing.T) {
	var out buffer
	h := newHouse(t, func(s *settings) {
		s.logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	a := h.signIn(alice)
	cookie := h.browse(alice)
	h.guest().send("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": "a wrong password"})
	h.guest().with("Content-Type", "application/x-www-form-urlencoded").send("POST", "/signin", "address=alice&password=another+wrong+one")
	live := a.dial(protocolJSON, "")
	live.next("hello")
	live.send(map[string]any{"op": "send", "id": "m1", "conversation": bob, "text": "top secret"})
	live.send(`{"op":"mumble","text":"more secrets"}`)
	live.next("error")
	a.call("POST", messagesPath(bob), map[string]string{"text": "top secret too"}, 202)
	a.call("GET", "/api/v1/presence/"+carol.Path()+"?q=query", nil, 200)
	failed := a.call("POST", messagesPath(bob), `{"text":7}`, 400)

	id := failed.header.Get("X-Request-Id")
	// An answer may be read before its line is written.
	wanted := []string{id, "route=/api/v1/presence/:uri", "status=400", "status=101", "method=POST", "remote=127.0.0.1"}
	eventually(t, "the requests are logged", func() bool {
		log := out.String()
		return !slices.ContainsFunc(wanted, func(want string) bool { return !strings.Contains(log, want) })
	})
	log := out.String()
	if n := strings.Count(log, id); n != 1 {
		t.Errorf("request %s is logged %d times", id, n)
	}
	for _, secret := range []string{password, "a wrong password", "another", a.token, cookie.cookie.Value, "secret", "carol", "query", "mumble"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// Two answers at once for one session, one of which is the sign-out: whatever the order, it ends signed out.
func TestSigningOutWhileWorking(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for range 20 {
				req := a.request(t.Context(), http.MethodGet, "/api/v1/contacts", nil)
				resp, err := h.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if err := resp.Body.Close(); err != nil {
					t.Error(err)
				}
				if resp.StatusCode != 200 && resp.StatusCode != 401 {
					t.Errorf("answered %d", resp.StatusCode)
				}
			}
		})
	}
	a.call("DELETE", "/api/v1/session", nil, 204)
	working.Wait()
	a.call("GET", "/api/v1/me", nil, 401)
	if h.exchange.isUp(alice) {
		t.Error("the line is still up")
	}
}

// meddling is an account in whose Settings, which a request for a live connection asks for, something else
// happens first.
type meddling struct {
	Account
	meanwhile func()
}

func (m *meddling) Settings(ctx context.Context, who portal.Address) (portal.Settings, error) {
	m.meanwhile()
	return m.Account.Settings(ctx, who)
}

// A sign-out that comes between a connection's request and its start closes it all the same.
func TestSigningOutWhileConnecting(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	var once sync.Once
	h.server.Account = &meddling{h.account, func() {
		once.Do(func() {
			if err := h.account.EndAll(context.Background(), alice); err != nil {
				t.Error(err)
			}
		})
	}}
	live := a.dial(protocolJSON, "")
	if bye := live.next("bye"); bye["reason_key"] != realtime.ReasonSessionEnded {
		t.Errorf("bye %v", bye)
	}
	if code := live.end(); code != realtime.CloseEnded {
		t.Errorf("close code %d", code)
	}
}

// Nonsense on the wire before anything is upgraded.
func TestBrokenHandshakes(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	for name, change := range map[string][2]string{
		"old version": {"Sec-Websocket-Version", "8"},
		"no key":      {"Sec-Websocket-Key", ""},
		"short key":   {"Sec-Websocket-Key", "x"},
	} {
		req := a.request(t.Context(), http.MethodGet, "/ws", nil)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13",
			"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Protocol": protocolJSON} {
			req.Header.Set(k, v)
		}
		req.Header.Set(change[0], change[1])
		resp, err := h.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 400 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	live := a.dial(protocolJSON, "")
	live.next("hello")
	if err := live.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	live.end()
	eventually(t, "the hub forgets the connection", func() bool { return h.hub.Connections() == 0 })
}
