package calls_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/calls"
	"portico/app/portal"
	"portico/storage"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
)

func noon() time.Time { return time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC) }

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a state that comes by itself.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not reached: %s", what)
		}
	}
}

// house is the use case upon a store that stores, and what it told the rest of the house.
type house struct {
	*calls.Service
	store *storage.Store
	// ailing is what the store's users are told while it is set.
	ailing *ailing
	o      calls.Options

	mu      sync.Mutex
	talking []string
	changed map[portal.Address]int
	counted map[string]int
	away    atomic.Bool
	saving  portal.Saving
	offset  atomic.Int64
}

func (h *house) now() time.Time          { return noon().Add(time.Duration(h.offset.Load())) }
func (h *house) advance(d time.Duration) { h.offset.Add(int64(d)) }

// ailing is a store that can be away.
type ailing struct {
	*storage.Store
	away atomic.Bool
}

var errAway = portal.Fail(portal.ErrUnavailable, "storage.unavailable").Because(errors.New("on purpose"))

func (a *ailing) PutCall(ctx context.Context, c portal.Call, evs ...portal.Addressed) error {
	if a.away.Load() {
		return errAway
	}
	return a.Store.PutCall(ctx, c, evs...)
}

func (a *ailing) Tell(ctx context.Context, evs ...portal.Addressed) error {
	if a.away.Load() {
		return errAway
	}
	return a.Store.Tell(ctx, evs...)
}

// build makes a house that runs until the test ends; adjust has a word in its options.
func build(t *testing.T, vm calls.Voicemail, notes calls.Notes, adjust func(*calls.Options)) *house {
	t.Helper()
	h := &house{changed: map[portal.Address]int{}, counted: map[string]int{}, saving: portal.Saving{Calls: true}}
	s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "portico.db"), Now: h.now})
	must(t, err)
	h.store, h.ailing = s, &ailing{Store: s}
	h.o = calls.Options{
		Away: func(portal.Address) bool { return h.away.Load() },
		InCall: func(who portal.Address, now bool) {
			h.note(func() { h.talking = append(h.talking, fmt.Sprintf("%s %v", who, now)) })
		},
		Changed: func(who portal.Address) {
			h.note(func() { h.changed[who]++ })
		},
		Counted: func(result string) { h.note(func() { h.counted[result]++ }) },
		Saving: func(context.Context, portal.Address) (portal.Saving, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.saving, nil
		},
		Lookup: func(_ context.Context, a portal.Address) portal.Person {
			if a == bob {
				return portal.Person{URI: bob, DisplayName: "Bob <Builder>", Email: "bob@mail.example"}
			}
			return portal.Person{URI: a, DisplayName: a.Bare()}
		},
		Every: 3 * time.Millisecond, FirstRetry: time.Second, Now: h.now,
	}
	if adjust != nil {
		adjust(&h.o)
	}
	h.Service = calls.New(h.ailing, vm, notes, h.o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- s.Run(ctx) }()
	<-s.Started()
	mine, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(mine) }()
	t.Cleanup(func() {
		stop()
		err := <-ended
		cancel()
		if err := errors.Join(err, <-done, s.Close()); err != nil {
			t.Errorf("end of the house: %v", err)
		}
	})
	return h
}

func (h *house) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *house) told(what string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counted[what]
}

// list is alice's list in short: "kind from times seen".
func (h *house) list(t *testing.T) (short []string) {
	t.Helper()
	list, _, err := h.List(t.Context(), alice, "", 0)
	must(t, err)
	for _, c := range list {
		seen := "new"
		if c.Seen {
			seen = "seen"
		}
		short = append(short, fmt.Sprintf("%s %s %d %s", c.Kind, c.From.Bare(), c.Times, seen))
	}
	return short
}

func (h *house) wantList(t *testing.T, want ...string) {
	t.Helper()
	if got := h.list(t); !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
}

// events are what alice's browsers were told, in short.
func (h *house) events(t *testing.T) (short []string) {
	t.Helper()
	evs, resync, err := h.store.EventsSince(t.Context(), alice, 0, 500)
	must(t, err)
	if resync {
		t.Fatal("resync")
	}
	for _, e := range evs {
		switch e := e.Event.(type) {
		case portal.CallEvent:
			short = append(short, fmt.Sprint("call ", e.Change, " ", e.ID != ""))
		case portal.VoicemailEvent:
			short = append(short, fmt.Sprint("voicemail ", e.Change, " ", e.ID))
		}
	}
	return short
}

// ring is bob's call of a Call-ID.
func (h *house) ring(callID string) portal.Ring {
	return portal.Ring{To: alice, From: bob, Name: "Bob", CallID: callID, At: h.now()}
}

// message is bob's message to alice.
func (h *house) message(text string) portal.Message {
	return portal.Message{Owner: alice, Conversation: bob, From: bob, ID: text, Text: text, At: h.now(), State: portal.Received}
}
