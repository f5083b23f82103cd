package main

// Two parts of the house listen to the mailboxes, the calendars and the synchronisation, each with mailboxes of
// its own; the connector has one ear. Here the wanted mailboxes come together, and the news go apart again.

import (
	"context"
	"maps"
	"slices"
	"sync"

	"portico/app/portal"
)

// listener is who hears of mailboxes. Its methods return at once.
type listener interface {
	Rang(mailbox portal.Address)
	Reached(mailbox portal.Address)
	Lost(mailbox portal.Address, err error)
}

// bellboard passes the connector's news on. Its own goroutine (Run) calls the listeners, so that whoever
// asks for mailboxes never hears of them in the middle of the asking. What waits is bounded by the mailboxes:
// of each it is kept that it rang, and the newest of reached and lost.
type bellboard struct {
	watch func([]portal.Address)
	news  chan struct{} // a word that something waits

	mu      sync.Mutex
	parties []*party
	// known is the last word on each mailbox that is watched; absent: none yet.
	known map[portal.Address]bellState
}

type bellState struct {
	up  bool
	err error
}

// party is one listener with the mailboxes it wants.
type party struct {
	board  *bellboard
	to     listener
	wanted map[portal.Address]bool
	// rang and state wait to be told, in the order of first.
	order []portal.Address
	wait  map[portal.Address]*waiting
}

type waiting struct {
	rang  bool
	state *bellState
}

// newBellboard makes a board that tells watch which mailboxes are wanted.
func newBellboard(watch func([]portal.Address)) *bellboard {
	return &bellboard{watch: watch, news: make(chan struct{}, 1), known: map[portal.Address]bellState{}}
}

// join adds a listener. Before Run only.
func (b *bellboard) join(to listener) *party {
	p := &party{board: b, to: to, wanted: map[portal.Address]bool{}, wait: map[portal.Address]*waiting{}}
	b.parties = append(b.parties, p)
	return p
}

// Watch is the whole set of mailboxes that the party wants.
func (p *party) Watch(people []portal.Address) {
	b := p.board
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := make(map[portal.Address]bool, len(people))
	for _, who := range people {
		wanted[who] = true
		if st, ok := b.known[who]; ok && !p.wanted[who] {
			p.note(who).state = &st
		}
	}
	p.wanted = wanted
	all := b.wanted()
	for who := range b.known {
		if _, found := slices.BinarySearch(all, who); !found {
			delete(b.known, who)
		}
	}
	b.watch(all) // under the lock: the connector gets the sets in their order, and does not block
	b.wake()
}

// wanted is every mailbox that anybody wants, sorted.
func (b *bellboard) wanted() []portal.Address {
	union := map[portal.Address]bool{}
	for _, p := range b.parties {
		for who := range p.wanted {
			union[who] = true
		}
	}
	return slices.Sorted(maps.Keys(union))
}

// note is what waits to be told of a mailbox.
func (p *party) note(who portal.Address) *waiting {
	w := p.wait[who]
	if w == nil {
		w = &waiting{}
		p.wait[who] = w
		p.order = append(p.order, who)
	}
	return w
}

func (b *bellboard) wake() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// each notes a word on a mailbox for all who want it.
func (b *bellboard) each(who portal.Address, do func(*waiting)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.parties {
		if p.wanted[who] {
			do(p.note(who))
		}
	}
	b.wake()
}

// Rang: something may have changed in the mailbox's calendar.
func (b *bellboard) Rang(mailbox portal.Address) {
	b.each(mailbox, func(w *waiting) { w.rang = true })
}

// Reached: the mailbox's bell hangs.
func (b *bellboard) Reached(mailbox portal.Address) { b.state(mailbox, bellState{up: true}) }

// Lost: the mailbox's bell is out of order.
func (b *bellboard) Lost(mailbox portal.Address, err error) { b.state(mailbox, bellState{err: err}) }

func (b *bellboard) state(mailbox portal.Address, st bellState) {
	b.mu.Lock()
	b.known[mailbox] = st
	b.mu.Unlock()
	b.each(mailbox, func(w *waiting) { w.state = &st })
}

// forget drops what is known of all mailboxes: another connector will say it anew.
func (b *bellboard) forget() {
	b.mu.Lock()
	clear(b.known)
	b.mu.Unlock()
}

// again tells watch once more which mailboxes are wanted.
func (b *bellboard) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watch(b.wanted())
}

// Run tells the listeners until ctx ends.
func (b *bellboard) Run(ctx context.Context) error {
	for {
		for _, p := range b.parties {
			p.tell()
		}
		select {
		case <-b.news:
		case <-ctx.Done():
			return nil
		}
	}
}

// tell passes on what waits for one party.
func (p *party) tell() {
	p.board.mu.Lock()
	order, wait := p.order, p.wait
	p.order, p.wait = nil, map[portal.Address]*waiting{}
	p.board.mu.Unlock()
	for _, who := range order {
		w := wait[who]
		if w.state != nil && w.state.up {
			p.to.Reached(who)
		}
		if w.state != nil && !w.state.up {
			p.to.Lost(who, w.state.err)
		}
		if w.rang {
			p.to.Rang(who)
		}
	}
}
