package chat_test

// The promise as a whole: whatever the line, the archive and the process do, at rest each message is at
// the far side exactly once, in the order in which it was said, and its sender knows.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/chat"
	"portico/app/portal"
	"portico/storage"
)

// world is a server between people of one portal that loses what it can.
type world struct {
	t     *testing.T
	store *storage.Store
	far   *farSide
	log   *moodyLog

	mu      sync.Mutex
	r       *rand.Rand
	service *chat.Service
	stop    func()
	calm    bool
}

// moodyLog commits and then says that it did not, now and then.
type moodyLog struct {
	chat.Log
	fails func() bool
}

func (l *moodyLog) AddMessage(ctx context.Context, m portal.Message, evs ...portal.Addressed) (portal.Message, bool, error) {
	stored, created, err := l.Log.AddMessage(ctx, m, evs...)
	if err == nil && l.fails() {
		return portal.Message{}, false, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return stored, created, err
}

func (l *moodyLog) SetMessageState(ctx context.Context, owner, from portal.Address, id string, st portal.State, reason string) (bool, error) {
	changed, err := l.Log.SetMessageState(ctx, owner, from, id, st, reason)
	if err == nil && l.fails() {
		return false, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return changed, err
}

// chance is true n times of a hundred, never once the world is calm.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && w.r.IntN(100) < n
}

// relay is the server: it may be away, deliver twice, or lose the answer.
func (w *world) relay(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error, bool) {
	away := portal.Fail(portal.ErrUnavailable, "send.unavailable")
	if w.chance(15) {
		return portal.Outcome{}, away, false
	}
	w.mu.Lock()
	s := w.service
	w.mu.Unlock()
	in := portal.Incoming{To: m.To, From: from, ID: m.ID, Text: m.Text, At: m.At}
	for {
		if err := s.Receive(ctx, in); err != nil {
			return portal.Outcome{}, away.Because(err), false
		}
		if !w.chance(10) {
			break
		}
	}
	if w.chance(10) {
		return portal.Outcome{}, away, true
	}
	return portal.Outcome{State: portal.Delivered}, nil, true
}

func (w *world) restart() {
	if w.stop != nil {
		w.stop()
	}
	s, _, stop := start(w.t, w.log, w.far, quick(chat.Options{LaneQueue: 3, MaxInFlight: 3, MaxQueued: 20,
		Drain: time.Millisecond, Rescan: 20 * time.Millisecond}))
	w.mu.Lock()
	w.service, w.stop = s, stop
	w.mu.Unlock()
}

func TestModel(t *testing.T) {
	rounds := 3
	if testing.Short() || raced {
		rounds = 1
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { model(t, seed) })
	}
}

func model(t *testing.T, seed uint64) {
	t.Logf("seed %d", seed)
	w := &world{t: t, store: openStore(t, filepath.Join(t.TempDir(), "portico.db")), far: newFarSide(), r: rand.New(rand.NewPCG(seed, 2))}
	w.log = &moodyLog{Log: w.store, fails: func() bool { return w.chance(5) }}
	w.far.answers(w.relay)
	w.restart()
	people := []portal.Address{alice, bob, carol}
	said := map[string]bool{}
	r := rand.New(rand.NewPCG(seed, 4)) // the world's own is under its lock
	var burst sync.WaitGroup
	for i := range 240 {
		from, to := people[r.IntN(3)], people[r.IntN(3)]
		if from == to {
			continue
		}
		id := fmt.Sprint(i)
		said[lane(from, to)+id] = true
		w.mu.Lock()
		s := w.service
		w.mu.Unlock()
		alone, restart, up := r.IntN(3) == 0, r.IntN(30) == 0, r.IntN(10) == 0
		talk := func() {
			// A browser repeats what it got no answer for.
			for n := 0; ; n++ {
				_, err := s.Say(context.Background(), from, chat.Draft{Conversation: to, ID: id, Text: "text " + id})
				if err == nil {
					return
				}
				if n > 100 || portal.Meaning(err) != portal.ErrUnavailable {
					t.Errorf("say %s: %v", id, err)
					return
				}
			}
		}
		if alone {
			talk()
		} else {
			burst.Go(talk)
		}
		if up {
			s.LineUp(from)
		}
		if restart {
			burst.Wait()
			w.restart()
		}
	}
	burst.Wait()
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.check(said)
}

// check waits for rest and compares both sides.
func (w *world) check(said map[string]bool) {
	t := w.t
	eventually(t, "nothing is pending", func() bool {
		left, err := w.store.PendingMessages(t.Context(), 1)
		return err == nil && len(left) == 0
	})
	people := []portal.Address{alice, bob, carol}
	total := 0
	for _, from := range people {
		for _, to := range people {
			if from == to {
				continue
			}
			mine, theirs := w.copies(from, to, from), w.copies(to, from, from)
			total += len(mine)
			if !slices.Equal(mine, theirs) {
				t.Errorf("%s\nsaid     %v\nreceived %v", lane(from, to), mine, theirs)
			}
			for _, id := range mine {
				if !said[lane(from, to)+id] {
					t.Errorf("%s: nobody said %s", lane(from, to), id)
				}
				m, err := w.store.Message(t.Context(), from, from, id)
				if err != nil || m.State != portal.Delivered {
					t.Errorf("%s: message %s is %s, %v", lane(from, to), id, m.State, err)
				}
			}
		}
	}
	if total != len(said) {
		t.Errorf("%d messages were said, %d are kept", len(said), total)
	}
	if len(w.far.overlap) > 0 {
		t.Errorf("two at once in %v", w.far.overlap)
	}
}

// copies are the ids of what from said, as owner has them.
func (w *world) copies(owner, conversation, from portal.Address) (ids []string) {
	ms, err := w.store.Messages(w.t.Context(), owner, conversation, 0, 500)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range ms {
		if m.From == from {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
