package rooms

// One SIP member's place in the carrier.

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"time"

	"portico/app/portal"
)

// laneKey is a SIP member of a room.
type laneKey struct {
	room *room
	to   portal.Address
}

// piece is one MESSAGE. Missed is set, and text not, on the line that tells how many were left out.
type piece struct {
	id, text string
	at       time.Time
	missed   int
}

// lane is what waits for one SIP member of one room, in order. All fields belong to the carrier's lock; while running is
// true one sender sends its head.
type lane struct {
	key   laneKey
	queue []piece
	// missed is how many were left out since the member was last told.
	missed int
	// failures is the number of tries in a row that came to nothing, due the time before which nothing is tried.
	failures int
	due      time.Time
	// running, listed and index place the lane: with a sender, in the ready list, in the heap (-1: not). Suspected: it
	// takes one of the senders for those who did not answer last time.
	running, listed, suspected bool
	index                      int
}

// schedule puts a lane where it belongs. Called with the lock held.
func (c *carrier) schedule(l *lane) {
	if l.running || l.listed {
		return
	}
	if len(l.queue) == 0 {
		c.retire(l)
		return
	}
	if l.due.After(c.o.Now()) {
		if l.index < 0 {
			heap.Push(&c.later, l)
		} else {
			heap.Fix(&c.later, l.index)
		}
		c.ring()
		return
	}
	if l.index >= 0 {
		heap.Remove(&c.later, l.index)
	}
	l.listed = true
	c.ready = append(c.ready, l)
	c.work.Signal()
}

// retire forgets a lane that has nothing to send. Who is to be told that something was left out is told with the
// next message: they cannot be reached now. Called with the lock held.
func (c *carrier) retire(l *lane) {
	if l.running || l.listed {
		return
	}
	if l.index >= 0 {
		heap.Remove(&c.later, l.index)
	}
	if l.missed == 0 {
		delete(c.lanes, l.key)
	}
}

// take waits for a lane that has something to send and gives its head; nil when the carrier is to end, and nothing can
// go or there is no time for it any more.
func (c *carrier) take(sending context.Context) (*lane, piece) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sending.Err() == nil {
		l := c.pick()
		if l == nil && c.done {
			break
		}
		if l == nil {
			c.work.Wait()
			continue
		}
		l.listed = false
		if len(l.queue) == 0 {
			c.retire(l)
			continue
		}
		c.explain(l)
		l.running = true
		if l.failures > 0 {
			l.suspected = true
			c.suspect++
		}
		return l, l.queue[0]
	}
	return nil, piece{}
}

// pick takes the first lane of the ready list that may go. Called with the lock held.
func (c *carrier) pick() *lane {
	for i, l := range c.ready {
		if l.failures > 0 && c.suspect >= max(1, c.o.Senders/2) {
			continue
		}
		if i == 0 {
			c.ready[0] = nil
			c.ready = c.ready[1:]
		} else {
			c.ready = append(c.ready[:i], c.ready[i+1:]...)
		}
		return l
	}
	return nil
}

// explain puts a line about what was left out before all else. Called with the lock held.
func (c *carrier) explain(l *lane) {
	if l.missed == 0 {
		return
	}
	p := piece{id: token(), at: c.o.Now().UTC(), missed: l.missed}
	l.missed = 0
	l.queue = append([]piece{p}, l.queue...)
	c.total++
}

// wake lists the lanes whose pause is over, and gives the time to the next.
func (c *carrier) wake() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.o.Now()
	for len(c.later) > 0 {
		l := c.later[0]
		if wait := l.due.Sub(now); wait > 0 {
			return wait
		}
		c.schedule(l) // out of the heap
	}
	return time.Hour
}

// pause is the wait after so many failures: doubling, and spread so that members do not come back at once.
func pause(o Options, failures int) time.Duration {
	d := o.FirstRetry << min(failures-1, 20)
	if d <= 0 || d > o.MaxRetry {
		d = o.MaxRetry
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// laneHeap is a container/heap by due.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h laneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is called by container/heap alone.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop is called by container/heap alone.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	l.index = -1
	*h = old[:len(old)-1]
	return l
}
