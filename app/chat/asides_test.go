package chat

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// serving runs asides in a bubble until the test's end.
func serving(t *testing.T, test func(t *testing.T, a *asides)) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsides(Options{Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := a.run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		test(t, a)
		cancel()
		running.Wait()
	})
}

// A peer that never answers holds up nobody else's notices and is not asked for each of its own.
func TestAPeerThatNeverAnswersHoldsUpNobody(t *testing.T) {
	serving(t, func(t *testing.T, a *asides) {
		var mu sync.Mutex
		tried, told := 0, 0
		for range 40 {
			a.do("sip:alice@example.test", "sip:dead@example.test", func(ctx context.Context) {
				mu.Lock()
				tried++
				mu.Unlock()
				<-ctx.Done()
			})
		}
		for i := range 200 {
			a.do("sip:alice@example.test", portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), func(context.Context) {
				mu.Lock()
				told++
				mu.Unlock()
			})
		}
		began := time.Now()
		synctest.Wait()
		mu.Lock()
		if told != 200 || time.Since(began) != 0 {
			t.Errorf("%d of 200 were told within %v", told, time.Since(began))
		}
		mu.Unlock()
		time.Sleep(3 * asideTimeout) // of the bubble's clock
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if tried != 1 || a.total != 0 || len(a.waiting) != 0 || len(a.turns) != 0 {
			t.Errorf("tried %d times; %d left of %d pairs, %d turns", tried, a.total, len(a.waiting), len(a.turns))
		}
	})
}

// A whole page of messages that is read at once is noticed, in order.
func TestABurstOfNoticesIsToldInOrder(t *testing.T) {
	serving(t, func(t *testing.T, a *asides) {
		var mu sync.Mutex
		var told []int
		for i := range MaxPage {
			if !a.do("sip:alice@example.test", "sip:bob@example.test", func(context.Context) {
				time.Sleep(time.Millisecond) // of the bubble's clock: the way to the server
				mu.Lock()
				told = append(told, i)
				mu.Unlock()
			}) {
				t.Fatalf("no room for %d", i)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(told) != MaxPage || !slices.IsSorted(told) {
			t.Errorf("told %d: %v", len(told), told)
		}
	})
}

func TestAsidesAreBounded(t *testing.T) {
	a := newAsides(Options{Logger: slog.New(slog.DiscardHandler)})
	nothing := func(context.Context) {}
	for i := range asideQueue {
		if !a.do("sip:alice@example.test", "sip:bob@example.test", nothing) {
			t.Fatalf("no room for %d", i)
		}
	}
	if a.do("sip:alice@example.test", "sip:bob@example.test", nothing) {
		t.Error("no bound for one pair")
	}
	for i := range asidesTotal - asideQueue {
		a.do("sip:alice@example.test", portal.Address(fmt.Sprint("sip:p", i, "@example.test")), nothing)
	}
	if a.do("sip:carol@example.test", "sip:bob@example.test", nothing) || a.total != asidesTotal {
		t.Errorf("no bound over all: %d", a.total)
	}
}
