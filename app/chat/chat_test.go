package chat_test

// What the tests of chat stand on: the real archive, and a line whose far side remembers what it got.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/chat"
	"portico/app/portal"
	"portico/storage"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// farSide is a Line with a server and its people behind it. What reaches it is remembered in the order
// in which it came, a repeat of an id only as a repeat, as a receiving portal does.
type farSide struct {
	mu      sync.Mutex
	got     map[string][]string // "from>to" → ids
	texts   map[string]string
	repeats int
	flying  map[string]int
	overlap []string
	typing  []string
	notices []portal.Notice
	// answer decides about a try before it arrives (lost=false) or after (lost=true: it arrives, but the
	// answer does not). nil: delivered.
	answer func(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error, bool)
	typed  func(from, to portal.Address) error
}

func newFarSide() *farSide {
	return &farSide{got: map[string][]string{}, texts: map[string]string{}, flying: map[string]int{}}
}

func lane(from, to portal.Address) string { return from.User() + ">" + to.User() }

func (f *farSide) Send(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	key := lane(from, m.To)
	f.mu.Lock()
	if f.flying[key]++; f.flying[key] > 1 {
		f.overlap = append(f.overlap, key)
	}
	answer := f.answer
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.flying[key]--
		f.mu.Unlock()
	}()
	out, err, arrives := portal.Outcome{State: portal.Delivered}, error(nil), true
	if answer != nil {
		out, err, arrives = answer(ctx, from, m)
	}
	if arrives {
		f.mu.Lock()
		if slices.Contains(f.got[key], m.ID) {
			f.repeats++
		} else {
			f.got[key] = append(f.got[key], m.ID)
			f.texts[key+m.ID] = m.Text
		}
		f.mu.Unlock()
	}
	return out, err
}

func (f *farSide) SendTyping(_ context.Context, from, to portal.Address, typing bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.typing = append(f.typing, fmt.Sprint(lane(from, to), " ", typing))
	if f.typed != nil {
		return f.typed(from, to)
	}
	return nil
}

func (f *farSide) SendNotice(_ context.Context, _ portal.Address, n portal.Notice) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notices = append(f.notices, n)
	return nil
}

func (f *farSide) answers(a func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = a
}

func (f *farSide) ids(from, to portal.Address) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got[lane(from, to)])
}

// events remembers the current events each person was told.
type events struct {
	mu  sync.Mutex
	all []told
}

type told struct {
	to portal.Address
	ev portal.Current
}

func (e *events) emit(to portal.Address, ev portal.Current) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, told{to, ev})
}

func (e *events) of(to portal.Address) []portal.Current {
	e.mu.Lock()
	defer e.mu.Unlock()
	var evs []portal.Current
	for _, t := range e.all {
		if t.to == to {
			evs = append(evs, t.ev)
		}
	}
	return evs
}

// house is a chat service over a real archive.
type house struct {
	*chat.Service
	store *storage.Store
	far   *farSide
	told  *events
	stop  func()
}

func openStore(t testing.TB, path string) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, store.Close()); err != nil {
			t.Errorf("closing the archive: %v", err)
		}
	})
	eventually(t, "the archive writes", func() bool { return store.Ready(t.Context()) == nil })
	return store
}

// start runs a service over log; stop ends it, as a cleanup does at the latest.
func start(t testing.TB, log chat.Log, far *farSide, o chat.Options) (*chat.Service, *events, func()) {
	t.Helper()
	evs := &events{}
	o.Emit = evs.emit
	s := chat.New(log, far, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return s, evs, stop
}

func newHouse(t testing.TB, o chat.Options) *house {
	t.Helper()
	h := &house{store: openStore(t, filepath.Join(t.TempDir(), "portico.db")), far: newFarSide()}
	h.Service, h.told, h.stop = start(t, h.store, h.far, quick(o))
	return h
}

// quick are times short enough for a test.
func quick(o chat.Options) chat.Options {
	if o.FirstRetry == 0 {
		o.FirstRetry = 4 * time.Millisecond
	}
	if o.MaxRetry == 0 {
		o.MaxRetry = 30 * time.Millisecond
	}
	return o
}

// eventually waits until ok, with a deadline far beyond what it should take.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		<-tick.C
	}
}

func (h *house) state(t testing.TB, owner portal.Address, id string) portal.Message {
	t.Helper()
	m, err := h.store.Message(t.Context(), owner, owner, id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (h *house) reaches(t testing.TB, owner portal.Address, id string, st portal.State) portal.Message {
	t.Helper()
	eventually(t, fmt.Sprintf("message %s is %s", id, st), func() bool { return h.state(t, owner, id).State == st })
	return h.state(t, owner, id)
}

func say(t testing.TB, s *chat.Service, from, to portal.Address, id, text string) portal.Message {
	t.Helper()
	m, err := s.Say(t.Context(), from, chat.Draft{Conversation: to, ID: id, Text: text})
	if err != nil {
		t.Fatalf("say %s: %v", id, err)
	}
	return m
}
