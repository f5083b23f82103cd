package privacy

// Work in the background: one piece for each person at a time, the newest word wins, and what fails is tried again later
// and later.

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"portico/app/portal"
)

// chores are pieces of work by person. A person has at most one, however often it is asked for, so that there are never
// more than people; what is asked for while it is being done is done once more.
type chores struct {
	do      func(ctx context.Context, who portal.Address) error
	now     func() time.Time
	workers int
	// first and most bound the wait after a failure.
	first, most time.Duration
	// bell wakes run: something is due earlier than it thinks, or a place is free.
	bell chan struct{}

	mu    sync.Mutex
	all   map[portal.Address]*chore
	later choreHeap
	busy  int
}

// chore is one piece of work.
type chore struct {
	who      portal.Address
	due      time.Time
	failures int
	// running: it is being done; again: it was asked for since.
	running, again bool
	index          int
}

func newChores(workers int, o Options, do func(context.Context, portal.Address) error) *chores {
	return &chores{do: do, now: o.Now, workers: workers, first: o.FirstRetry, most: o.MaxRetry,
		bell: make(chan struct{}, 1), all: map[portal.Address]*chore{}}
}

// ask has the work for who done soon, also when an earlier failure makes it wait.
func (c *chores) ask(who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.all[who]
	switch {
	case w == nil:
		w = &chore{who: who, due: c.now(), index: -1}
		c.all[who] = w
		heap.Push(&c.later, w)
	case w.running:
		w.again = true
	default:
		w.due = c.now()
		heap.Fix(&c.later, w.index)
	}
	c.ring()
}

// drop forgets the work for who, but for what is being done.
func (c *chores) drop(who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.all[who]
	if w == nil {
		return
	}
	w.again = false
	if !w.running {
		heap.Remove(&c.later, w.index)
		delete(c.all, who)
	}
}

func (c *chores) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// run does what is due until ctx is done, and returns when what is under way has ended.
func (c *chores) run(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(c.start(ctx, &under))
		select {
		case <-ctx.Done():
			return nil
		case <-c.bell:
		case <-timer.C:
		}
	}
}

// start begins what is due and gives the time to the next.
func (c *chores) start(ctx context.Context, under *sync.WaitGroup) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for len(c.later) > 0 && !c.later[0].due.After(now) {
		if c.busy >= c.workers || ctx.Err() != nil {
			return time.Hour // who ends rings
		}
		w := heap.Pop(&c.later).(*chore)
		w.running = true
		c.busy++
		under.Go(func() { c.finish(w, c.do(ctx, w.who)) })
	}
	if len(c.later) == 0 {
		return time.Hour
	}
	return c.later[0].due.Sub(now)
}

// finish notes how a piece of work ended and plans it again where it must be.
func (c *chores) finish(w *chore, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.ring()
	c.busy--
	w.running = false
	switch {
	case w.again:
		w.again, w.failures, w.due = false, 0, c.now()
	case err != nil:
		w.failures++
		w.due = c.now().Add(c.backoff(w.failures))
	default:
		delete(c.all, w.who)
		return
	}
	heap.Push(&c.later, w)
}

// backoff is the wait after n failures: doubling, with half of it left to chance so that many do not come back at the
// same moment.
func (c *chores) backoff(n int) time.Duration {
	d := c.most
	if n <= 20 {
		d = min(c.first<<(n-1), c.most)
	}
	return d/2 + rand.N(d/2+1)
}

// choreHeap is a container/heap by due time.
type choreHeap []*chore

func (h choreHeap) Len() int           { return len(h) }
func (h choreHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h choreHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is called by container/heap alone.
func (h *choreHeap) Push(x any) {
	w := x.(*chore)
	w.index = len(*h)
	*h = append(*h, w)
}

// Pop is called by container/heap alone.
func (h *choreHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	w.index = -1
	*h = old[:len(old)-1]
	return w
}
