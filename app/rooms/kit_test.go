package rooms_test

// What the tests of rooms stand on: a store that stores, a far side that remembers, people with names.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
	"portico/app/rooms"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
	dave  = portal.Address("sip:dave@example.test")
	erin  = portal.Address("sip:erin@example.test")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names are the people's display names.
func names(who portal.Address) string {
	switch who {
	case alice:
		return "Alice Adams"
	case bob:
		return "Bob Brown"
	case carol:
		return "Carol Čapková"
	case dave:
		return "Dave"
	}
	return ""
}

// sent is a MESSAGE that reached the far side.
type sent struct {
	from, to portal.Address
	portal.Outgoing
}

// farSide is a Line. What reaches it is remembered in the order in which it came.
type farSide struct {
	mu  sync.Mutex
	got []sent
	// answer decides about a try before it arrives; nil: it does.
	answer func(ctx context.Context, from portal.Address, m portal.Outgoing) error
	tries  int
}

func (f *farSide) Send(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	f.mu.Lock()
	f.tries++
	answer := f.answer
	f.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, from, m); err != nil {
			return portal.Outcome{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, sent{from, m.To, m})
	return portal.Outcome{State: portal.Delivered}, nil
}

func (f *farSide) SendFromRoom(ctx context.Context, room portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	return f.Send(ctx, room, m)
}

func (f *farSide) answers(a func(context.Context, portal.Address, portal.Outgoing) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = a
}

// texts are what somebody got, in order.
func (f *farSide) texts(to portal.Address) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, s := range f.got {
		if s.to == to {
			out = append(out, s.Text)
		}
	}
	return out
}

// house is a service over stores in memory.
type house struct {
	*rooms.Service
	t     testing.TB
	store *memStore
	blobs *memBlobs
	far   *farSide
	o     rooms.Options

	mu      sync.Mutex
	now     time.Time
	changed []portal.Address
	ids     atomic.Int64
	current []string
	kept    []portal.Message
}

// noon is when all tests begin whose clock stands.
var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

// build makes a house whose clock stands and that does not run.
func build(t testing.TB, o rooms.Options) *house {
	t.Helper()
	h := &house{t: t, store: newMemStore(), blobs: &memBlobs{}, far: &farSide{}, now: noon}
	if o.Now == nil {
		o.Now = h.clock
	}
	o.Domain, o.PersonDomain, o.NameOf = "rooms.example.test", "example.test", names
	o.Changed = func(who portal.Address) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed = append(h.changed, who)
	}
	o.Emit = func(to portal.Address, ev portal.Current) {
		h.mu.Lock()
		defer h.mu.Unlock()
		e := ev.(portal.TypingEvent)
		h.current = append(h.current, fmt.Sprint(to.User(), " hears ", e.From.User(), " ", e.Typing))
	}
	o.Archive = func(_ context.Context, m portal.Message, _ ...portal.Addressed) (portal.Message, bool, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.kept = append(h.kept, m)
		return m, true, nil
	}
	h.o = o
	h.restart()
	return h
}

// restart is a new service over the same stores.
func (h *house) restart() {
	h.t.Helper()
	h.Service = rooms.New(h.store, h.blobs, h.far, h.o)
	if err := h.Load(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// run lets the service live until the test ends.
func (h *house) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := h.Service
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("run: %v", err)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

// room makes a room of alice's.
func (h *house) room(d portal.RoomDraft) portal.Address {
	h.t.Helper()
	e, err := h.Create(h.t.Context(), alice, d)
	if err != nil {
		h.t.Fatal(err)
	}
	return e.URI
}

func (h *house) says(who, at portal.Address, text string) portal.RoomMessage {
	h.t.Helper()
	m, err := h.Say(h.t.Context(), who, at, portal.RoomSaying{ID: fmt.Sprint("m", h.ids.Add(1)), Text: text})
	if err != nil {
		h.t.Fatalf("%s says %q: %v", who, text, err)
	}
	return m
}

// sees is a room as somebody sees it.
func (h *house) sees(who, at portal.Address) portal.RoomEntry {
	h.t.Helper()
	e, err := h.Get(h.t.Context(), who, at)
	if err != nil {
		h.t.Fatalf("%s looks at %s: %v", who, at, err)
	}
	return e
}

// texts are what somebody may read in a room.
func (h *house) texts(who, at portal.Address) string {
	h.t.Helper()
	ms, err := h.Messages(h.t.Context(), who, at, portal.RoomPage{Limit: 200})
	if err != nil {
		h.t.Fatalf("%s reads %s: %v", who, at, err)
	}
	var out []string
	for _, m := range ms {
		out = append(out, m.Text)
	}
	return strings.Join(out, " ")
}

// refused checks an error by its key.
func refused(t testing.TB, what string, err error, key string) {
	t.Helper()
	if err == nil || portal.Reason(err) != key {
		t.Errorf("%s: got %v, want %s", what, err, key)
	}
}

func fine(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// eventually waits until ok, with a deadline far beyond what it should take.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		<-tick.C
	}
}

// list gives people by their user parts.
func list(who []portal.Address) string {
	var out []string
	for _, w := range who {
		out = append(out, w.User())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// pass lets fake time go by.
func pass(d time.Duration) { <-time.After(d) }
