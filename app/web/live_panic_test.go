package web

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
)

// broken is a chat with defects.
type broken struct {
	Chat
	// unread: counting what is unread, which each connection begins with, is broken too.
	unread *atomic.Bool
}

func (broken) Say(context.Context, portal.Address, chat.Draft) (portal.Message, error) {
	panic("a defect")
}

func (b broken) Counts(ctx context.Context, owner portal.Address) (portal.CountsEvent, error) {
	if b.unread.Load() {
		panic("a defect")
	}
	return b.Chat.Counts(ctx, owner)
}

// brokenLog is an event log with a defect: in what it is asked first, or only when events are read.
type brokenLog struct {
	EventLog
	head, since bool
}

func (l brokenLog) EventHead(ctx context.Context) (int64, error) {
	if l.head {
		panic("a defect")
	}
	return l.EventLog.EventHead(ctx)
}

func (l brokenLog) EventsSince(ctx context.Context, who portal.Address, since int64, limit int) ([]portal.Logged, bool, error) {
	if l.since {
		panic("a defect")
	}
	return l.EventLog.EventsSince(ctx, who, since, limit)
}

// unwritable is an event that cannot be rendered.
type unwritable struct{ portal.TypingEvent }

func (unwritable) MarshalJSON() ([]byte, error) { panic("a defect") }

// brokenHouse has a chat with defects, and a log that tells of them.
func brokenHouse(t *testing.T) (h *house, unread *atomic.Bool, log *buffer) {
	t.Helper()
	unread, log = new(atomic.Bool), new(buffer)
	h = newHouse(t, func(s *settings) {
		s.chat = func(c Chat) Chat { return broken{c, unread} }
		s.logger = slog.New(slog.NewTextHandler(log, nil))
	})
	return h, unread, log
}

// panics is how many were counted.
func (h *house) panics() float64 {
	h.t.Helper()
	families, err := h.server.Registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "portico_http_panics_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	h.t.Fatal("panics are not counted")
	return 0
}

// A defect that one live frame meets is answered to its sender and harms nobody, the connection included.
func TestAPanicCostsOneFrame(t *testing.T) {
	h, _, log := brokenHouse(t)
	c := h.signIn(alice)
	live := c.dial(protocolJSON, "")
	live.next("hello")
	live.send(`{"op":"send","id":"m1","conversation":"sip:bob@example.test","text":"x"}`)
	if got := live.next("error"); got["id"] != "m1" || got["reason_key"] != "internal" {
		t.Errorf("answered %v", got)
	}
	live.send(`{"op":"ping"}`)
	live.next("pong")
	if n := h.panics(); n != 1 || !strings.Contains(log.String(), "live_ops.go") {
		t.Errorf("%v panics counted; logged %s", n, log)
	}
}

// A defect in rendering costs that event alone, for programs and for pages.
func TestAPanicInRenderingCostsOneEvent(t *testing.T) {
	h, _, _ := brokenHouse(t)
	live := h.signIn(alice).dial(protocolJSON, "")
	live.next("hello")
	h.server.Live().Current(alice, unwritable{portal.TypingEvent{Conversation: bob, From: bob, Typing: true}})
	live.send(`{"op":"ping"}`)
	live.next("pong")
	eventually(t, "the defect is counted", func() bool { return h.panics() == 1 })
	pages := &Live{Server: &Server{metrics: h.server.metrics, Deps: Deps{Logger: h.server.Logger}}}
	audience := realtime.Audience{Encoding: realtime.HTML, Locale: "en", Zone: "UTC"}
	if got := pages.event(audience, portal.TypingEvent{Conversation: bob, From: bob}, 1); got != nil {
		t.Errorf("rendered %s", got)
	}
	if n := h.panics(); n != 2 {
		t.Errorf("%v panics counted", n)
	}
}

// A defect that a connection meets as it begins ends that connection, which is told to come back.
func TestAPanicAtTheBeginningEndsOneConnection(t *testing.T) {
	for name, breaks := range map[string]func(h *house, unread *atomic.Bool){
		"hello":    func(h *house, _ *atomic.Bool) { h.server.Events = brokenLog{EventLog: h.store, head: true} },
		"replay":   func(h *house, _ *atomic.Bool) { h.server.Events = brokenLog{EventLog: h.store, since: true} },
		"snapshot": func(_ *house, unread *atomic.Bool) { unread.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			h, unread, log := brokenHouse(t)
			c := h.signIn(alice)
			breaks(h, unread)
			live := c.dial(protocolJSON, "")
			bye := live.next("bye")
			if after, _ := bye["reconnect_after_ms"].(float64); bye["reason_key"] != realtime.ReasonUnavailable || after <= 0 {
				t.Errorf("bye %v", bye)
			}
			live.end()
			if n := h.panics(); n < 1 || !strings.Contains(log.String(), "where="+name) {
				t.Errorf("%v panics counted; logged %s", n, log)
			}
			c.call("GET", "/api/v1/contacts", nil, 200) // everything else goes on
		})
	}
}

// What comes and goes with a connection, and what a browser sends, harms nobody either.
func TestAPanicAtTheDoorIsCaught(t *testing.T) {
	h, _, _ := brokenHouse(t)
	l := newLive(&Server{metrics: h.server.metrics, Deps: Deps{Logger: h.server.Logger, Now: h.server.Now}})
	l.Attached(realtime.Client{}) // there is no presence
	l.Detached(realtime.Client{})
	if got := l.Receive(t.Context(), realtime.Client{}, []byte(`{"op":"ping"}`)); got == nil {
		t.Error("a ping is not answered")
	}
	if n := h.panics(); n != 2 {
		t.Errorf("%v panics counted", n)
	}
}
