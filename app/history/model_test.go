package history_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/history"
	"portico/app/portal"
)

// TestModel lets people talk, delete, be held and released, while Exchange goes away and comes back and the process is killed at
// any step. When all has come to rest, each episode that is there has exactly one item with exactly its messages, and there is no
// other item.
func TestModel(t *testing.T) {
	rounds := 8
	switch {
	case raced:
		rounds = 1
	case testing.Short():
		rounds = 3
	}
	for seed := range rounds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { model(t, rand.New(rand.NewPCG(uint64(seed), 5))) })
		})
	}
}

// fuse counts the calls until the end of the process; below zero none is near.
type fuse struct {
	mu   sync.Mutex
	left int
}

func (f *fuse) set(calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = calls
}

func (f *fuse) cut() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return errCrash
	}
	if f.left > 0 {
		f.left--
	}
	return nil
}

// killer fails everything from some call on.
type killer struct {
	history.Store
	*fuse
}

func (k killer) around(do func() error) error {
	if err := k.cut(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return k.cut()
}

func (k killer) NoteBegun(ctx context.Context, n portal.HistoryNote) error {
	return k.around(func() error { return k.Store.NoteBegun(ctx, n) })
}

func (k killer) NoteWritten(ctx context.Context, n portal.HistoryNote, item, change string) error {
	return k.around(func() error { return k.Store.NoteWritten(ctx, n, item, change) })
}

func (k killer) NoteFailed(ctx context.Context, n portal.HistoryNote, reason string, final bool, again time.Time) error {
	return k.around(func() error { return k.Store.NoteFailed(ctx, n, reason, final, again) })
}

func model(t *testing.T, r *rand.Rand) {
	w := newWorld(t)
	end := &fuse{left: -1}
	w.wrap = func(s history.Store) history.Store { return killer{s, end} }
	w.mail.crash = func(int) error { return end.cut() }
	w.o.Every = time.Minute
	// What cannot be understood is given up after some tries; being killed is none.
	w.o.GiveUp = 1000
	w.start()
	defer func() { w.end() }()
	people := []portal.Address{alice, bob, carol}
	ctx := t.Context()
	for step := range 150 {
		owner := people[r.IntN(len(people))]
		switch r.IntN(20) {
		default:
			peer := people[r.IntN(len(people))]
			if peer == owner {
				peer = "sip:dave@example.test"
			}
			from := peer
			if r.IntN(2) == 0 {
				from = owner
			}
			w.say(owner, peer, from, fmt.Sprintf("text %d", step))
		case 10, 11:
			w.rest(time.Duration(r.IntN(int(50 * time.Minute))))
		case 12, 13:
			w.rest(time.Duration(r.IntN(int(3 * time.Minute))))
		case 14:
			if eps := w.episodes(owner); len(eps) > 0 {
				must(t, w.s.Delete(ctx, owner, eps[r.IntN(len(eps))].ID))
			}
		case 15:
			must(t, w.s.Hold(ctx, alice, owner, "why"))
		case 16:
			if err := w.s.Release(ctx, alice, owner, "why"); portal.Meaning(err) != portal.ErrNotFound {
				must(t, err)
			}
		case 17:
			w.mail.set(func(f *fakeMail) {
				if f.down == nil {
					f.down = errDown
				} else {
					f.down = nil
				}
			})
		case 18, 19:
			end.set(r.IntN(6))
			w.rest(4 * time.Minute)
			w.end()
			end.set(-1)
			w.start()
		}
	}
	w.mail.set(func(f *fakeMail) { f.down = nil })
	w.rest(6 * time.Hour)
	for _, owner := range people {
		agree(t, w, owner)
	}
}

// agree compares a mailbox with the owner's episodes.
func agree(t *testing.T, w *world, owner portal.Address) {
	t.Helper()
	items := w.mail.of(owner)
	eps := w.episodes(owner)
	if len(items) != len(eps) {
		t.Errorf("%s: %d items for %d episodes", owner, len(items), len(eps))
	}
	for _, e := range eps {
		if e.Kept != portal.KeptThere {
			t.Errorf("%s: %s is %q", owner, e.ID, e.Kept)
		}
		lines, err := w.store.Lines(t.Context(), e, 0, 0)
		must(t, err)
		var want []string
		for _, l := range lines {
			want = append(want, l.Text)
		}
		if len(want) != e.Messages {
			t.Errorf("%s: %s says it has %d messages and has %d", owner, e.ID, e.Messages, len(want))
		}
		same := 0
		for _, n := range items {
			if slices.Equal(texts(n.HTML), want) {
				same++
			}
		}
		if same != 1 {
			t.Errorf("%s: %d items hold %q", owner, same, want)
		}
	}
}
