package presence

// A person's own presence: where they are connected, what they do there, what they set by hand.

import (
	"context"
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// SignedIn says that who has a line; what they once set by hand is read and holds again. An error means
// that it could not be read: Run tries again, and nothing is published until it has been.
func (s *Service) SignedIn(ctx context.Context, who portal.Address) error {
	s.mu.Lock()
	p := s.person(who)
	p.line, p.watchDirty, p.publishDirty = true, true, true
	s.touch(p)
	s.mu.Unlock()
	return s.load(ctx, p)
}

// load reads what p set by hand, once.
func (s *Service) load(ctx context.Context, p *person) error {
	p.saving.Lock()
	defer p.saving.Unlock()
	s.mu.Lock()
	loaded := p.loaded
	s.mu.Unlock()
	if loaded {
		return nil
	}
	m, set, err := s.mem.Manual(ctx, p.address)
	var note portal.PersonalNote
	if err == nil {
		note, err = s.mem.Note(ctx, p.address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if err != nil {
		s.sooner(p, now.Add(loadRetry).UnixNano())
		return err
	}
	p.loaded, p.note = true, note.Text
	if set && (m.Until.IsZero() || m.Until.After(now)) {
		m.Note = nil
		p.manual = &m
	}
	p.ownDirty = true
	s.update(p, now)
	return nil
}

// loadRetry is the wait before what was set by hand is read again after a failure.
const loadRetry = 2 * time.Second

// SignedOut says that who's line is gone; nothing of them is kept in memory.
func (s *Service) SignedOut(who portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[who]; p != nil {
		s.remove(p)
	}
}

// remove forgets a person; questions that wait are over.
func (s *Service) remove(p *person) {
	delete(s.people, p.address)
	s.unplan(p)
	for i := range p.entries {
		s.drop(&p.entries[i])
	}
	for _, w := range p.waiters {
		close(w.done)
	}
	p.entries, p.conns, p.waiters, p.line, p.gone = nil, nil, nil, false, true
}

// Attach says that a live connection begins. The first one means that the person has come; one more,
// or one that comes back, tells nothing about what they do: the browser does.
func (s *Service) Attach(who portal.Address, connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.person(who), s.o.Now()
	if p.conn(connection) != nil {
		return
	}
	last := now
	if p.present {
		_, last = p.places(now)
	}
	if len(p.conns) == 0 {
		p.last = time.Time{} // it is the connection's now, whose Idle takes it back
	}
	p.conns = append(p.conns, conn{id: connection, last: last})
	p.detached = time.Time{}
	s.update(p, now)
}

// Detach says that a live connection is over: closed, or dead. Pages that were asked for while a
// connection lived do not count as places of their own.
func (s *Service) Detach(who portal.Address, connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.people[who], s.o.Now()
	if p == nil {
		return
	}
	i := slices.IndexFunc(p.conns, func(c conn) bool { return c.id == connection })
	if i < 0 {
		return
	}
	c := p.conns[i]
	if c.active {
		c.last = now
	}
	if c.last.After(p.last) {
		p.last = c.last
	}
	p.conns = slices.Delete(p.conns, i, i+1)
	if len(p.conns) == 0 {
		p.conns, p.detached, p.touched = nil, now, time.Time{}
	}
	s.unwatch(p, c.watch)
	s.prune(p, now)
	s.update(p, now)
}

// Active says that there is input at a connection. It holds until Idle or Detach; repeating it is harmless.
func (s *Service) Active(who portal.Address, connection string) {
	s.at(who, connection, func(c *conn, now time.Time) { c.active, c.last = true, now })
}

// Idle says that a connection has been without input for Options.InactiveAfter.
func (s *Service) Idle(who portal.Address, connection string) {
	s.at(who, connection, func(c *conn, now time.Time) {
		if idle := now.Add(-s.o.InactiveAfter); c.active || c.last.After(idle) {
			c.last = idle
		}
		c.active = false
	})
}

func (s *Service) at(who portal.Address, connection string, f func(*conn, time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil {
		return
	}
	c := p.conn(connection)
	if c == nil {
		return
	}
	now := s.o.Now()
	f(c, now)
	s.update(p, now)
}

// Touch says that a person asked for a page. Without a live connection they are there for
// Options.TouchLease from now; with one it is a sign of input.
func (s *Service) Touch(who portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.person(who), s.o.Now()
	s.touched(p, now)
	s.update(p, now)
}

func (s *Service) touched(p *person, now time.Time) {
	p.last, p.touched = now, now.Add(s.o.TouchLease)
}

// SetByHand sets who's state until its end or Reset, and the note when m has one, and gives their
// presence as it is now. Errors: ErrInvalid (policy.Manual), ErrUnavailable when it could not be kept.
func (s *Service) SetByHand(ctx context.Context, who portal.Address, m portal.Manual) (portal.Presence, error) {
	m, err := policy.Manual(m, s.o.Now())
	if err != nil {
		return portal.Presence{}, err
	}
	note := m.Note
	m.Note = nil
	return s.set(ctx, who, func(ctx context.Context) error {
		if err := s.mem.SaveManual(ctx, who, &m); err != nil || note == nil {
			return err
		}
		return s.mem.SaveNote(ctx, who, portal.PersonalNote{Text: *note})
	}, func(p *person) {
		p.manual = &m
		if note != nil {
			p.note = *note
		}
	})
}

// Reset takes back what was set by hand: presence follows activity again. The note stays.
func (s *Service) Reset(ctx context.Context, who portal.Address) (portal.Presence, error) {
	return s.set(ctx, who, func(ctx context.Context) error { return s.mem.SaveManual(ctx, who, nil) },
		func(p *person) { p.manual = nil })
}

// SetNote sets the note, which stands whatever the state; empty removes it.
func (s *Service) SetNote(ctx context.Context, who portal.Address, note string) (portal.Presence, error) {
	note, err := policy.Note(note)
	if err != nil {
		return portal.Presence{}, err
	}
	return s.set(ctx, who, func(ctx context.Context) error { return s.mem.SaveNote(ctx, who, portal.PersonalNote{Text: note}) },
		func(p *person) { p.note = note })
}

// set keeps a choice and then makes it hold. Choices of one person are kept in the order they hold in.
func (s *Service) set(ctx context.Context, who portal.Address, save func(context.Context) error, apply func(*person)) (portal.Presence, error) {
	s.mu.Lock()
	p := s.person(who)
	s.mu.Unlock()
	if err := s.load(ctx, p); err != nil {
		return portal.Presence{}, err
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if err := save(ctx); err != nil {
		return portal.Presence{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	apply(p)
	if len(p.conns) == 0 {
		// Whoever sets something is there, also without a live connection.
		s.touched(p, now)
	}
	s.update(p, now)
	return s.own(p, now), nil
}

// Own is a person's presence as they see it themselves: what this portal says, at once, and what their
// other devices say, as far as the server has told.
func (s *Service) Own(who portal.Address) portal.Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil {
		return policy.UnknownOf(who)
	}
	return s.own(p, s.o.Now())
}

// own composes the own presence. What comes back of our own word from the server is not counted.
func (s *Service) own(p *person, now time.Time) portal.Presence {
	heard := false
	var claims []portal.Claim
	if _, e := s.entryOf(p.address, p.address); e != nil && e.fresh(now) {
		heard = true
		for _, c := range e.view.claims {
			if !s.mine(c.Endpoint) {
				claims = append(claims, c)
			}
		}
	}
	claim, present, _ := s.claimOf(p, now)
	if present {
		claims = append(claims, claim)
	}
	if len(claims) == 0 && !heard {
		return policy.UnknownOf(p.address)
	}
	own := policy.Compose(claims, now)
	own.URI = p.address
	return own
}

// claimOf is what the portal says of p at now, whether it says anything, and when that will change by
// the mere passing of time.
func (s *Service) claimOf(p *person, now time.Time) (c portal.Claim, present bool, next int64) {
	places, last := p.places(now)
	next = never
	soon := func(t time.Time) {
		if t.After(now) {
			next = min(next, t.UnixNano())
		}
	}
	soon(p.touched)
	if grace := p.detached.Add(s.o.Grace); places == 0 && !p.detached.IsZero() && grace.After(now) {
		places = 1
		soon(grace)
	}
	if places == 0 {
		return portal.Claim{}, false, next
	}
	c = portal.Claim{Endpoint: s.endpoint, Source: portal.SourceActivity, Note: p.note, OutOfOffice: p.calendar.OutOfOffice, Agenda: p.calendar.Agenda}
	if m := p.manual; m != nil && (m.Until.IsZero() || m.Until.After(now)) {
		soon(m.Until)
		c.Source, c.Availability, c.Activity, c.Since, c.Until = portal.SourceHand, m.Availability, m.Activity, m.SetAt, m.Until
		return c, true, next
	}
	if p.inCall {
		c.Source, c.Availability, c.Activity = portal.SourceCall, portal.Busy, portal.InACall
		c.Since = s.sinceOf(p, c, now)
		return c, true, next
	}
	var change time.Time
	if cal := p.calendar; cal.Availability != "" && (cal.Until.IsZero() || cal.Until.After(now)) {
		soon(cal.Until)
		c.Source, c.Availability, c.Activity = portal.SourceCalendar, cal.Availability, cal.Activity
		c.Since = s.sinceOf(p, c, now)
		return c, true, next
	}
	c.Availability, c.Activity, change = s.limits.Automatic(last, places, now)
	if !slices.ContainsFunc(p.conns, func(c conn) bool { return c.active }) {
		soon(change)
	}
	c.Since = s.sinceOf(p, c, now)
	return c, true, next
}

// sinceOf is when p began to say what c says.
func (s *Service) sinceOf(p *person, c portal.Claim, now time.Time) time.Time {
	if p.present && p.claim.Availability == c.Availability {
		return p.claim.Since
	}
	return instant(now)
}

// Calendar says what who's calendar makes of their presence from now on: by hand beats it, it beats activity,
// and it says nothing of somebody who is not there.
func (s *Service) Calendar(who portal.Address, state portal.CalendarState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil || p.calendar == state {
		return
	}
	p.calendar = state
	s.update(p, s.o.Now())
}

// update makes p's claim what it is now and plans its next change; the lock is held.
func (s *Service) update(p *person, now time.Time) {
	if p.gone {
		return
	}
	c, present, next := s.claimOf(p, now)
	s.sooner(p, next)
	if m := p.manual; m != nil && !m.Until.IsZero() && !m.Until.After(now) {
		p.manual = nil
	}
	before := p.claim
	before.At = time.Time{}
	if present == p.present && c == before {
		if p.ownDirty || p.publishDirty || p.watchDirty {
			s.touch(p)
		}
		return
	}
	c.At = instant(now)
	p.claim, p.present = c, present
	p.ownDirty, p.publishDirty = true, true
	s.touch(p)
}
