package sipua

// One timer heap for everybody: half a million subscriptions cannot each have a timer of the runtime.

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// waker is called when its timer is due, on the clock's goroutine; it must be quick.
type waker interface{ wake(now time.Time) }

// timer is embedded in what waits. It is guarded by its clock.
type timer struct {
	at    int64 // Unix nanoseconds
	index int32 // place in the heap plus one; 0: not set
	owner waker
}

// clock wakes the owners of timers. Run owns its goroutine.
type clock struct {
	mu    sync.Mutex
	heap  timerHeap
	nudge chan struct{}
}

func newClock() *clock { return &clock{nudge: make(chan struct{}, 1)} }

// set arms (or moves) t for owner.
func (c *clock) set(t *timer, owner waker, at time.Time) {
	c.mu.Lock()
	t.at, t.owner = at.UnixNano(), owner
	if t.index > 0 {
		heap.Fix(&c.heap, int(t.index-1))
	} else {
		heap.Push(&c.heap, t)
	}
	first := t.index == 1
	c.mu.Unlock()
	if first {
		select {
		case c.nudge <- struct{}{}:
		default:
		}
	}
}

// after arms t to wake owner in d.
func (c *clock) after(t *timer, owner waker, d time.Duration) { c.set(t, owner, time.Now().Add(d)) }

// stop disarms t.
func (c *clock) stop(t *timer) {
	c.mu.Lock()
	if t.index > 0 {
		heap.Remove(&c.heap, int(t.index-1))
	}
	c.mu.Unlock()
}

// run wakes owners until ctx is done.
func (c *clock) run(ctx context.Context) {
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		wait := time.Hour
		for {
			owner, left := c.pop(time.Now())
			if owner == nil {
				wait = min(wait, left)
				break
			}
			owner.wake(time.Now())
		}
		alarm.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-alarm.C:
		case <-c.nudge:
		}
	}
}

// pop takes the first owner that is due, or says how long there is nothing to do.
func (c *clock) pop(now time.Time) (waker, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heap) == 0 {
		return nil, time.Hour
	}
	if left := time.Duration(c.heap[0].at - now.UnixNano()); left > 0 {
		return nil, left
	}
	t := heap.Pop(&c.heap).(*timer)
	return t.owner, 0
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = int32(i+1), int32(j+1)
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = int32(len(*h) + 1)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = 0
	return t
}

// between is a random duration in [lo, hi).
func between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + rand.N(hi-lo)
}

// backoff is the pause before try n (from 0): it doubles from lo to at most hi, with jitter of a half.
func backoff(n int, lo, hi time.Duration) time.Duration {
	d := hi
	if n < 20 {
		d = min(hi, lo<<n)
	}
	return between(d/2, d)
}

// renewAfter is when what was asked for d is renewed after granted was given. A server that gives next to
// nothing is not asked again and again for it by everybody: less than the floor only where less was asked for.
func (a *Agent) renewAfter(method sip.RequestMethod, asked, granted time.Duration) time.Duration {
	wait, least := refreshAfter(granted), min(a.cfg.RefreshFloor, soonest(asked))
	if wait >= least {
		return wait
	}
	if _, told := a.brief.LoadOrStore(method, true); !told {
		a.cfg.Logger.Warn("the server grants too little; renewed less often than that", "method", method, "asked", asked, "granted", granted, "renewed_after", least)
	}
	return between(least, least*5/4)
}

// refreshAfter is when something granted for d is renewed: early enough for several tries, jittered
// so that those who came together do not stay together.
func refreshAfter(d time.Duration) time.Duration {
	return between(soonest(d), d*80/100)
}

// soonest is the earliest that refreshAfter gives.
func soonest(d time.Duration) time.Duration { return d * 55 / 100 }
