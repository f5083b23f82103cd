package rooms

// Whose counts have changed: gathered, so that a busy room costs its people a word now and then and not one for each
// message.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

// crowd is how many members make a room's counts go out one CountsEvery less often: in a room of 5,000 they are told
// every five.
const crowd = 1000

// news gathers rooms in which something was said and people whose counts are others now. It is bounded by the
// number of rooms and people.
type news struct {
	s    *Service
	bell chan struct{}

	mu     sync.Mutex
	people people
	rooms  map[*room]struct{}
	// told is when the members of a busy room were last told.
	told map[*room]time.Time
}

func newNews(s *Service) *news {
	return &news{s: s, bell: make(chan struct{}, 1), people: people{}, rooms: map[*room]struct{}{}, told: map[*room]time.Time{}}
}

// room notes that from said something in r that names some people.
func (n *news) room(r *room, from portal.Address, named []portal.Address) {
	n.mu.Lock()
	n.rooms[r] = struct{}{}
	n.people[from] = struct{}{}
	for _, who := range named {
		n.people[who] = struct{}{}
	}
	n.mu.Unlock()
	n.ring()
}

// person notes that who's counts changed.
func (n *news) person(who portal.Address) {
	n.mu.Lock()
	n.people[who] = struct{}{}
	n.mu.Unlock()
	n.ring()
}

func (n *news) ring() {
	select {
	case n.bell <- struct{}{}:
	default:
	}
}

// run tells at the first sign, and then at most once every CountsEvery.
func (n *news) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.bell:
		}
		if n.tell() { // some rooms are to wait longer than what comes next
			n.ring()
		}
		timer.Reset(n.s.o.CountsEvery)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}

// tell goes through what was gathered and reports whether something stays.
func (n *news) tell() (more bool) {
	now := n.s.o.Now()
	n.mu.Lock()
	who := n.people
	n.people = people{}
	var rooms []*room
	n.s.mu.RLock()
	for r := range n.rooms {
		pause := n.s.o.CountsEvery * time.Duration(len(r.people)/crowd)
		if at, busy := n.told[r]; busy && now.Sub(at) < pause {
			more = true
			continue
		}
		if delete(n.told, r); pause > 0 {
			n.told[r] = now
		}
		delete(n.rooms, r)
		rooms = append(rooms, r)
	}
	n.s.mu.RUnlock()
	n.mu.Unlock()
	for _, r := range rooms {
		n.s.mu.RLock()
		members := but(r.people, r.absent)
		n.s.mu.RUnlock()
		for _, w := range members {
			if n.s.o.Live(w) {
				who[w] = struct{}{}
			}
		}
	}
	for w := range who {
		n.s.o.Changed(w)
	}
	return more
}
