package chat

// Who is typing to whom, as the other side says; it ends by itself when nothing more is heard.

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// minRefresh and maxRefresh bound what a peer may ask for (RFC 3994 section 3.3 has no bounds).
	minRefresh, maxRefresh = 5 * time.Second, 10 * time.Minute
	// maxTypers and maxHeard bound how many type to one person and to all; more are not shown.
	maxTypers, maxHeard = 64, 200_000
)

// typer is one person's typing to another until it ends.
type typer struct {
	to, from portal.Address
	until    time.Time
	index    int
}

// heard owns what the portal's people are shown as typing. One timer serves all.
type heard struct {
	o    Options
	bell chan struct{}

	mu   sync.Mutex
	to   map[portal.Address][]*typer
	ends typerHeap
}

func newHeard(o Options) *heard {
	return &heard{o: o, bell: make(chan struct{}, 1), to: map[portal.Address][]*typer{}}
}

// ReceiveTyping notes that from types to to, or no longer does; refresh is how long that holds without
// news (0: the standard 120 s).
func (s *Service) ReceiveTyping(to, from portal.Address, typing bool, refresh time.Duration) {
	if typing {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.mayReach(ctx, to, from) != nil {
			return
		}
	}
	s.heard.set(to, from, typing, refresh)
}

// TypingNow is who is typing to owner now.
func (s *Service) TypingNow(owner portal.Address) []portal.TypingEvent { return s.heard.now(owner) }

func (h *heard) set(to, from portal.Address, typing bool, refresh time.Duration) {
	if refresh <= 0 {
		refresh = h.o.TypingRefresh
	}
	refresh = min(max(refresh, minRefresh), maxRefresh)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.find(to, from)
	switch {
	case t == nil && !typing:
	case t == nil:
		if len(h.to[to]) >= maxTypers || len(h.ends) >= maxHeard {
			return
		}
		t = &typer{to: to, from: from, until: h.o.Now().Add(refresh)}
		h.to[to] = append(h.to[to], t)
		heap.Push(&h.ends, t)
		h.tell(t, true)
	case typing:
		t.until = h.o.Now().Add(refresh)
		heap.Fix(&h.ends, t.index)
	default:
		heap.Remove(&h.ends, t.index)
		h.drop(t)
	}
	if typing && h.ends[0] == t {
		select {
		case h.bell <- struct{}{}:
		default:
		}
	}
}

// tell is called with the lock held, so that the last word told is the last one heard.
func (h *heard) tell(t *typer, typing bool) {
	h.o.Emit(t.to, portal.TypingEvent{Conversation: t.from, From: t.from, Typing: typing})
}

func (h *heard) find(to, from portal.Address) *typer {
	for _, t := range h.to[to] {
		if t.from == from {
			return t
		}
	}
	return nil
}

// drop forgets a typer that is no longer in the heap, and says so.
func (h *heard) drop(t *typer) {
	all := h.to[t.to]
	for i := range all {
		if all[i] == t {
			all[i] = all[len(all)-1]
			all[len(all)-1] = nil
			all = all[:len(all)-1]
			break
		}
	}
	if len(all) == 0 {
		delete(h.to, t.to)
	} else {
		h.to[t.to] = all
	}
	h.tell(t, false)
}

func (h *heard) now(owner portal.Address) []portal.TypingEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	evs := make([]portal.TypingEvent, 0, len(h.to[owner]))
	for _, t := range h.to[owner] {
		evs = append(evs, portal.TypingEvent{Conversation: t.from, From: t.from, Typing: true})
	}
	return evs
}

// run ends what was not refreshed.
func (h *heard) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(h.expire())
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-h.bell:
		}
	}
}

// expire ends what has come to its end and gives the time to the next.
func (h *heard) expire() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.o.Now()
	for len(h.ends) > 0 && !h.ends[0].until.After(now) {
		t := heap.Pop(&h.ends).(*typer)
		h.drop(t)
	}
	if len(h.ends) == 0 {
		return time.Hour
	}
	return h.ends[0].until.Sub(now)
}

// typerHeap is a container/heap by the time of the end.
type typerHeap []*typer

func (h typerHeap) Len() int           { return len(h) }
func (h typerHeap) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h typerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is called by container/heap alone.
func (h *typerHeap) Push(x any) {
	t := x.(*typer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop is called by container/heap alone.
func (h *typerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}
