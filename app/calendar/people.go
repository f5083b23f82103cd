package calendar

import (
	"context"
	"sync"

	"portico/app/portal"
)

// people owns who is signed in, and what status each was told last.
type people struct {
	s  *Service
	mu sync.Mutex
	by map[portal.Address]*portal.ExchangeEvent
	// turns are those of counting and telling a person's status.
	turns map[portal.Address]turn
}

func newPeople(s *Service) *people {
	return &people{s: s, by: map[portal.Address]*portal.ExchangeEvent{}, turns: map[portal.Address]turn{}}
}

// telling is the turn of counting and telling somebody's status; nil where they are not signed in.
func (p *people) telling(who portal.Address) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turns[who]
}

// in reports whether somebody is signed in.
func (p *people) in(who portal.Address) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.by[who]
	return ok
}

// fresh reports whether a status is another than was told last, and keeps it.
func (p *people) fresh(who portal.Address, ev portal.ExchangeEvent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.by[who]
	if !ok || last != nil && *last == ev || last == nil && ev == (portal.ExchangeEvent{State: "up"}) {
		return false
	}
	p.by[who] = &ev
	return true
}

func (p *people) add(who portal.Address) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.by[who]; ok {
		return false
	}
	p.by[who], p.turns[who] = nil, make(turn, 1)
	return true
}

func (p *people) remove(who portal.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, who)
	delete(p.turns, who)
}

// SignedIn opens somebody's own calendar and those beside it, begins to remind them and to tell their presence. A
// repeat does no harm.
func (s *Service) SignedIn(ctx context.Context, who portal.Address) {
	if s.x == nil {
		return
	}
	s.people.add(who)
	open := []portal.Address{who}
	refs, err := s.s.SharedCalendars(ctx, who)
	if err != nil { // they are opened when they are looked at
		s.o.Logger.WarnContext(ctx, "calendar: calendars beside one's own could not be read", "of", who, "err", err)
	}
	for _, r := range refs {
		open = append(open, r.Owner)
	}
	for _, owner := range open {
		if _, err := s.lanes.get(portal.CalendarKey{Reader: who, Owner: owner}, who); err != nil {
			s.o.Logger.WarnContext(ctx, "calendar: not opened", "calendar", owner, "reader", who, "err", err)
		}
	}
	s.clock.add(who)
	s.oof.add(who)
}

// SignedOut is told when the last sign-in of somebody has ended. Their calendars close after a while; what waits in them is
// sent all the same.
func (s *Service) SignedOut(who portal.Address) {
	s.people.remove(who)
	s.lanes.forsake(who, "")
	s.clock.remove(who)
	s.oof.remove(who)
}
