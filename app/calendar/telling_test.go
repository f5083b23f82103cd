package calendar_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/storage"
)

// slowCount is a store in which the second count takes until it is released.
type slowCount struct {
	*storage.Store
	calls   atomic.Int32
	counted chan struct{}
	release chan struct{}
}

func (s *slowCount) CountIntents(ctx context.Context, reader portal.Address) (waiting, failed int, err error) {
	waiting, failed, err = s.Store.CountIntents(ctx, reader)
	if s.calls.Add(1) == 2 {
		close(s.counted)
		<-s.release
	}
	return waiting, failed, err
}

// What was counted first is told first, so that the last word is the newest count.
func TestTheLastCountIsToldLast(t *testing.T) {
	x := newModel()
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{}).run()
	h.SignedIn(h.ctx, bob)
	h.eventually("the house has taken up what waited before", func() (taken bool) {
		x.set(func() { taken = len(x.watched) > 0 })
		return taken
	})
	store := &slowCount{Store: h.store, counted: make(chan struct{}), release: make(chan struct{})}
	o := quick()
	o.Wait = time.Millisecond
	o.Emit = func(to portal.Address, ev portal.Current) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.current = append(h.current, told{to, ev})
	}
	s := calendar.New(x, store, o) // it does not run, and the house knows nothing of alice: what is wanted waits
	s.SignedIn(h.ctx, alice)
	create := func(subject string) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := s.Create(h.ctx, alice, alice, appointment(subject, day(1, 9, 0), time.Hour))
			done <- err
		}()
		return done
	}
	first := create("first") // counts to see whether there is room, and then to tell
	<-store.counted
	second := create("second")
	overtaken := time.NewTimer(200 * time.Millisecond)
	defer overtaken.Stop()
	select {
	case err := <-second: // it told before the first one
		h.must(err)
		second <- nil
	case <-overtaken.C:
	}
	close(store.release)
	h.must(<-first)
	h.must(<-second)
	evs := h.emitted(alice)
	if ev, ok := evs[len(evs)-1].(portal.ExchangeEvent); !ok || ev.Waiting != 2 {
		t.Errorf("told %+v", evs)
	}
}
