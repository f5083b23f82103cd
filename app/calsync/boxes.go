package calsync

import (
	"cmp"
	"container/heap"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// What is known of the mailboxes and servers at this moment: which want to be read and when, which answer, how much is under way
// at each. An idle mailbox costs one box and no goroutine.

// box is one mailbox. Everything in it is guarded by boxes.mu.
type box struct {
	who    portal.Address
	server string
	// at is when it is to be read next, place its place in the heap (-1: it is not in it: it is being read).
	at    time.Time
	place int
	rung  bool // it rang while it was being read
	bell  bool // its bell works
	// tries counts readings that failed in a row.
	tries        int
	loaded, held bool
	// whole: its first reading has seen all that is there, and what waits for it in CRM is being stored.
	whole  bool
	readAt time.Time
	items  int
	// lost is why it cannot be read, told: an incident was told of it.
	lost error
	told bool
	// active jobs are carried; after fails failures in a row, none is before until.
	active, fails int
	until         time.Time
	// queued is how many due jobs of it the dispatcher saw last.
	queued int
	// woken: what waits for it is to be tried at once.
	woken bool
}

// server is one Exchange server.
type server struct {
	name   string
	active int
	// fails counts calls in a row that it did not answer; from the bound on it counts as away, and one job probes it at until.
	fails   int
	away    bool
	probing bool
	until   time.Time
}

type boxes struct {
	mu      sync.Mutex
	of      map[portal.Address]*box
	servers map[string]*server
	due     boxHeap
	woken   []portal.Address
	crowded []portal.Address // of which a crowd of jobs was due when the dispatcher looked last
	// bell wakes the readers; it holds one ring.
	bell chan struct{}
}

func newBoxes() *boxes {
	return &boxes{of: map[portal.Address]*box{}, servers: map[string]*server{}, bell: make(chan struct{}, 1)}
}

func (b *boxes) ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// set takes over who is synchronised and on which server; it gives those who are no more.
func (b *boxes) set(users []portal.CRMUser, now time.Time) (gone []portal.Address) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := make(map[portal.Address]bool, len(users))
	for _, u := range users {
		if !u.Synced() {
			continue
		}
		wanted[u.Address] = true
		x := b.of[u.Address]
		if x == nil {
			x = &box{who: u.Address, at: now, place: -1}
			b.of[u.Address] = x
			heap.Push(&b.due, x)
		}
		x.server = u.Server
		if b.servers[u.Server] == nil {
			b.servers[u.Server] = &server{name: u.Server}
		}
	}
	for who, x := range b.of {
		if !wanted[who] {
			if x.place >= 0 {
				heap.Remove(&b.due, x.place)
			}
			delete(b.of, who)
			gone = append(gone, who)
		}
	}
	slices.Sort(gone)
	b.ring()
	return gone
}

// A mailbox of which crowd jobs are due is read once in a crowdPace at most: most of what rings there is the jobs' own work.
const (
	crowd     = 3
	crowdPace = time.Second
)

// answers is when a ring of the mailbox is answered.
func (x *box) answers(now time.Time) time.Time {
	if at := x.readAt.Add(crowdPace); x.queued >= crowd && at.After(now) {
		return at
	}
	return now
}

// queue notes how many jobs of each mailbox are due; those that are not named have none. Where a crowd has gone, a ring that waited for
// it is answered.
func (b *boxes) queue(jobs map[portal.Address]int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, who := range b.crowded {
		if x := b.of[who]; x != nil && jobs[who] < crowd {
			x.queued = 0
			if x.rung && x.place >= 0 && x.at.After(now) {
				x.at = now
				heap.Fix(&b.due, x.place)
				b.ring()
			}
		}
	}
	b.crowded = b.crowded[:0]
	for who, n := range jobs {
		if x := b.of[who]; x != nil && n >= crowd {
			x.queued = n
			b.crowded = append(b.crowded, who)
		}
	}
}

// wake makes a mailbox be read as soon as its rings are answered, or once more where it is being read.
func (b *boxes) wake(who portal.Address, now time.Time, change func(*box)) {
	b.mu.Lock()
	x := b.of[who]
	if x != nil {
		if change != nil {
			change(x)
		}
		x.rung = true
		if at := x.answers(now); x.place >= 0 && x.at.After(at) {
			x.at = at
			heap.Fix(&b.due, x.place)
		}
	}
	b.mu.Unlock()
	if x != nil {
		b.ring()
	}
}

// take gives a mailbox that is due, which is then being read until gave; else when the next will be (zero: none waits).
func (b *boxes) take(now time.Time) (who portal.Address, next time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.due) == 0 {
		return "", time.Time{}, false
	}
	x := b.due[0]
	if x.at.After(now) {
		return "", x.at, false
	}
	heap.Pop(&b.due)
	x.rung = false
	return x.who, time.Time{}, true
}

// gave ends the reading of a mailbox: it is due again at a time, or when its rings are answered where it rang meanwhile and could be read.
func (b *boxes) gave(who portal.Address, at, now time.Time, change func(*box)) {
	b.mu.Lock()
	x := b.of[who]
	if x != nil {
		change(x)
		x.at = at
		if x.rung && x.lost == nil {
			x.at = x.answers(now)
		}
		if x.place < 0 {
			heap.Push(&b.due, x)
		} else {
			heap.Fix(&b.due, x.place)
		}
	}
	b.mu.Unlock()
	b.ring()
}

// takeWoken gives the mailboxes whose jobs are to be tried at once, each once.
func (b *boxes) takeWoken() []portal.Address {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.Address
	for _, who := range b.woken {
		if x := b.of[who]; x != nil && x.woken {
			x.woken = false
			out = append(out, who)
		}
	}
	b.woken = b.woken[:0]
	return out
}

// rouse marks a mailbox whose jobs are to be tried at once. The caller holds the lock.
func (b *boxes) rouse(x *box) {
	if !x.woken {
		x.woken = true
		b.woken = append(b.woken, x.who)
	}
}

// look gives a copy of what is known of a mailbox.
func (b *boxes) look(who portal.Address) (box, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.of[who]
	if x == nil {
		return box{}, false
	}
	return *x, true
}

func (b *boxes) change(who portal.Address, do func(*box)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x := b.of[who]; x != nil {
		do(x)
	}
}

// all gives copies of all boxes, by address.
func (b *boxes) all() []box {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]box, 0, len(b.of))
	for _, x := range b.of {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(x, y box) int { return cmp.Compare(x.who, y.who) })
	return out
}

// boxHeap orders the boxes by when they are due.
type boxHeap []*box

func (h boxHeap) Len() int           { return len(h) }
func (h boxHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h boxHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }

// Push and Pop are for container/heap.
func (h *boxHeap) Push(x any) {
	b := x.(*box)
	b.place = len(*h)
	*h = append(*h, b)
}

func (h *boxHeap) Pop() any {
	old := *h
	b := old[len(old)-1]
	b.place = -1
	*h = old[:len(old)-1]
	return b
}
