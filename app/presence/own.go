package presence

// A person's own presence: where they are connected, what they do there, what they set by hand.

import (
	"context"
	"slices"
	"time"

	"portico/app/portal"
)

// SignedIn says that who has a line; what they once set by hand is read and holds again. An error means
// that it could not be read: Run tries again, and nothing is published until it has been.
func (s *Service) SignedIn(ctx context.Context, who portal.Address) error {
	s.mu.Lock()
	p := s.person(who)
	p.line, p.watchDirty, p.publishDirty = true, true, true
	s.touch(p)
	s.spread(s.subject(who), nil)
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
	k, err := s.kept(ctx, p.address)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if err != nil {
		s.sooner(p, now.Add(loadRetry).UnixNano())
		return err
	}
	p.loaded, p.note, p.where, p.provider = true, k.note, k.where, k.provider
	if m := k.manual; k.set && (m.Until.IsZero() || m.Until.After(now)) {
		m.Note, m.NoteUntil = nil, time.Time{}
		p.manual = &m
	}
	p.ownDirty = true
	s.update(p, now)
	return nil
}

// kept is what is remembered of a person over restarts.
type kept struct {
	manual   portal.Manual
	set      bool
	note     portal.PersonalNote
	where    portal.Whereabouts
	provider string
}

func (s *Service) kept(ctx context.Context, who portal.Address) (k kept, err error) {
	if k.manual, k.set, err = s.mem.Manual(ctx, who); err != nil {
		return kept{}, err
	}
	if k.note, err = s.mem.Note(ctx, who); err != nil {
		return kept{}, err
	}
	if k.where, err = s.mem.Whereabouts(ctx, who); err != nil {
		return kept{}, err
	}
	if k.provider, err = s.o.Provider(ctx, who); err != nil {
		return kept{}, err
	}
	return k, nil
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
	if sub := s.subjects[p.address]; sub != nil {
		// What others see of the person is the server's word alone from now on.
		sub.local = nil
		s.spread(sub, nil)
	}
	for i := range p.entries {
		s.drop(p, &p.entries[i])
	}
	s.numbered[p.number] = nil
	s.free = append(s.free, p.number)
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
		_, last = p.places(now, s.o.ActiveLease)
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
	if c.active && s.o.ActiveLease <= 0 {
		c.last = now // with a lease it counts as of when it was said: a session that was cut saw no input since
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

// Active says that there is input at a connection. It holds until Idle or Detach, and where there is Options.ActiveLease
// no longer than that: whoever goes on says it again.
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
	if n := p.note; !n.Until.IsZero() && !n.Until.After(now) {
		p.note = portal.PersonalNote{}
	}
	in := s.meetingOf(p, now)
	if present == p.present && sameWord(c, p.claim) && in == p.meeting {
		if p.ownDirty || p.publishDirty || p.watchDirty {
			s.touch(p)
		}
		return
	}
	c.At = instant(now)
	p.claim, p.present, p.meeting = c, present, in
	p.ownDirty, p.publishDirty = true, true
	s.touch(p)
	if sub := s.subjects[p.address]; sub != nil && p.line {
		s.spread(sub, nil)
	}
}
