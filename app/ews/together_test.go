package ews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// sender answers each call with its question, a second after it was asked, and remembers the batches.
type sender struct {
	mu      sync.Mutex
	batches [][]int
}

func (s *sender) send(ctx context.Context, qs []int) []parted[string] {
	s.mu.Lock()
	s.batches = append(s.batches, slices.Clone(qs))
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	out := make([]parted[string], len(qs))
	for i, q := range qs {
		out[i].a = fmt.Sprint(q)
		if out[i].err = ctx.Err(); q < 0 {
			out[i].err = portal.Fail(portal.ErrInvalid, "exchange.refused")
		}
	}
	return out
}

func TestCallsThatWaitGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, all := &sender{}, newTogether[int, string]()
		var wg sync.WaitGroup
		ask := func(key string, q int) {
			wg.Go(func() {
				got, err := all.do(t.Context(), key, q, s.send)
				if got != fmt.Sprint(q) || (err != nil) != (q < 0) {
					t.Errorf("%d was answered %q, %v", q, got, err)
				}
			})
			synctest.Wait()
		}
		for _, q := range []int{1, -2, 3, 4} {
			ask("a", q)
		}
		ask("b", 5) // another mailbox waits for nobody
		for q := range fetchBatch {
			ask("a", 10+q)
		}
		wg.Wait()
		want := [][]int{{1}, {5}, {-2, 3, 4, 10, 11, 12, 13, 14, 15, 16}, {17, 18, 19}}
		if !slices.EqualFunc(s.batches, want, slices.Equal) {
			t.Errorf("sent %v, want %v", s.batches, want)
		}
		if len(all.of) != 0 {
			t.Errorf("%d lines are left", len(all.of))
		}
		ask("a", 6) // and the next is alone again
		wg.Wait()
	})
}

// Who gives up while waiting is not sent for; who gives up while others wait for them, still sends for those.
func TestCallsThatAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, all := &sender{}, newTogether[int, string]()
		var wg sync.WaitGroup
		errs := make([]error, 6)
		ask := func(ctx context.Context, q int) {
			wg.Go(func() { _, errs[q] = all.do(ctx, "a", q, s.send) })
			synctest.Wait()
		}
		waiting, giveUp := context.WithCancel(t.Context())
		leading, leave := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer leave()
		ask(t.Context(), 1)
		ask(leading, 2) // leads the second request and gives up while that is under way
		ask(waiting, 3)
		ask(t.Context(), 4)
		giveUp()
		synctest.Wait()
		wg.Wait()
		if !errors.Is(errs[3], context.Canceled) || errs[1] != nil || errs[4] != nil || errs[2] != nil {
			t.Errorf("%v", errs)
		}
		if want := [][]int{{1}, {2, 4}}; !slices.EqualFunc(s.batches, want, slices.Equal) {
			t.Errorf("sent %v, want %v", s.batches, want)
		}
		// When all of a batch have given up, so does it.
		short, end := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer end()
		ask(t.Context(), 1)
		ask(short, 2)
		ask(short, 3)
		begun := time.Now()
		wg.Wait()
		if took := time.Since(begun); took != 1500*time.Millisecond || !errors.Is(errs[2], context.DeadlineExceeded) || !errors.Is(errs[3], context.DeadlineExceeded) {
			t.Errorf("after %s: %v", took, errs)
		}
	})
}

func TestCallsOfASenderThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, all := &sender{}, newTogether[int, string]()
		var wg sync.WaitGroup
		errs := make([]error, 4)
		ask := func(q int, send func(context.Context, []int) []parted[string]) {
			wg.Go(func() {
				defer func() {
					if p := recover(); p != nil {
						errs[q] = fmt.Errorf("panic: %v", p)
					}
				}()
				_, errs[q] = all.do(t.Context(), "a", q, send)
			})
			synctest.Wait()
		}
		ask(1, s.send)
		ask(2, func(context.Context, []int) []parted[string] { panic("no") })
		ask(3, s.send)
		wg.Wait()
		if errs[1] != nil || errs[2] == nil || !errors.Is(errs[3], portal.ErrUnavailable) {
			t.Errorf("%v", errs)
		}
		ask(1, s.send)
		if wg.Wait(); errs[1] != nil || len(all.of) != 0 {
			t.Errorf("afterwards: %v, %d lines", errs[1], len(all.of))
		}
	})
}

// Entries that are made at the same time in a mailbox are each made once, also where the server refuses one of them.
func TestEntriesMadeAtTheSameTime(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	const n = 40
	var wg sync.WaitGroup
	entries, errs := make([]portal.Entry, n), make([]error, n)
	for i := range n {
		a := portal.Appointment{Subject: fmt.Sprint("Together ", i), Start: start, End: start.Add(time.Hour), TimeZone: "UTC"}
		if i%10 == 3 {
			a.End = start.Add(-time.Hour) // refused before it is sent
		}
		wg.Go(func() {
			entries[i], errs[i] = c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: fmt.Sprint("together-", i)})
		})
	}
	wg.Wait()
	there, _ := all(t, c, me)
	for i := range n {
		if i%10 == 3 {
			if !errors.Is(errs[i], portal.ErrInvalid) {
				t.Errorf("%d: %v", i, errs[i])
			}
			continue
		}
		e := there[entries[i].RemoteID]
		if errs[i] != nil || e.Subject != fmt.Sprint("Together ", i) || entries[i].Subject != e.Subject || e.ChangeKey != entries[i].ChangeKey || e.ChangeID != fmt.Sprint("together-", i) {
			t.Errorf("%d: %+v, there %+v, %v", i, entries[i], e, errs[i])
		}
	}
	made := 0
	for _, e := range there {
		if len(e.Subject) > 9 && e.Subject[:9] == "Together " {
			made++
		}
	}
	if made != n-n/10 {
		t.Errorf("%d are there", made)
	}
}
