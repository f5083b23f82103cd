package presence

// What each person knows of whom: contacts, people watched beyond them, questions; and the words that
// come from the server.

import (
	"context"
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// forgetAfter is how long a contact list is kept for somebody without a line.
const forgetAfter = time.Minute

// SetContacts says who is on a person's contact list now.
func (s *Service) SetContacts(who portal.Address, contacts []portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.person(who), s.o.Now()
	if !p.line {
		// Somebody who never gets a line is forgotten again.
		s.sooner(p, now.Add(forgetAfter).UnixNano())
	}
	for i := range p.entries {
		p.entries[i].contact = false
	}
	p.entries = slices.Grow(p.entries, len(contacts))
	for _, c := range contacts {
		if c != "" && c != who {
			s.entryFor(p, s.subject(c)).contact = true
		}
	}
	s.prune(p, now)
	p.entries = slices.Clip(p.entries)
	s.touch(p)
}

// Watch says whom a connection shows beyond the contact list, instead of what it said before, and tells
// what is known of those whom it did not show before. The first time these are only people of whom nothing was known when the
// connection began: all others were in its Snapshot. It ends with the connection. People beyond Options.MaxExtra are
// left out and stay unknown.
func (s *Service) Watch(who portal.Address, connection string, uris []portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil || p.conn(connection) == nil {
		return
	}
	now := s.o.Now()
	room := s.room(p)
	c := p.conn(connection)
	before, first := c.watch, !c.watching
	watch := make([]*subject, 0, len(uris))
	for _, uri := range uris {
		if uri == "" || uri == who {
			continue
		}
		sub := s.subject(uri)
		if slices.Contains(watch, sub) {
			continue
		}
		_, there := p.find(sub)
		if !there {
			if room == 0 {
				s.forget(sub)
				continue
			}
			room--
		}
		e := s.entryFor(p, sub)
		e.conns++
		// A connection that begins to watch has not heard what the others were told.
		if !there || !first && !slices.Contains(before, sub) {
			e.told, e.dirty, e.changed, p.entriesDirty = 0, true, s.tick(), true
		}
		watch = append(watch, sub)
	}
	c.watch, c.watching = watch, true
	s.unwatch(p, before)
	s.prune(p, now)
	s.touch(p)
}

// unwatch gives back what a connection watched.
func (s *Service) unwatch(p *person, watch []*subject) {
	for _, sub := range watch {
		if i, ok := p.find(sub); ok {
			p.entries[i].conns--
		}
	}
}

// room is how many more people p may watch beyond the contact list.
func (s *Service) room(p *person) int {
	n := s.o.MaxExtra
	for i := range p.entries {
		if e := &p.entries[i]; !e.contact && !e.self {
			n--
		}
	}
	return max(0, n)
}

// prune forgets the entries for which there is no reason any more.
func (s *Service) prune(p *person, now time.Time) {
	kept := p.entries[:0]
	for _, e := range p.entries {
		if e.wanted(now) {
			kept = append(kept, e)
			continue
		}
		s.drop(p, &e)
		p.watchDirty = true
	}
	clear(p.entries[len(kept):])
	p.entries = kept
}

// drop gives back what an entry holds.
func (s *Service) drop(p *person, e *entry) {
	if e.view != nil {
		e.subject.release(e.view)
		e.view = nil
	}
	e.subject.unwatched(p.number)
	s.forget(e.subject)
}

// forget lets go of a subject that nobody watches.
func (s *Service) forget(sub *subject) {
	if len(sub.watchers) == 0 {
		delete(s.subjects, sub.address)
	}
}

// Of is what watcher may see of whom now: Unknown when there is no fresh word. Somebody who is not
// watched yet is watched for a while from now on.
func (s *Service) Of(watcher, whom portal.Address) portal.Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.people[watcher], s.o.Now()
	if p == nil {
		return policy.UnknownOf(whom)
	}
	if watcher == whom {
		return s.own(p, now)
	}
	e := s.ask(p, whom, now)
	if e == nil {
		return policy.UnknownOf(whom)
	}
	return s.seen(p, e, now)
}

// ask finds the entry of whom and keeps it for a while; nil when there is no room for another.
func (s *Service) ask(p *person, whom portal.Address, now time.Time) *entry {
	if whom == "" {
		return nil
	}
	sub := s.subject(whom)
	if _, there := p.find(sub); !there && s.room(p) == 0 {
		s.forget(sub)
		return nil
	}
	e := s.entryFor(p, sub)
	if !e.contact && e.conns == 0 {
		end := now.Add(s.o.BriefWatch).Truncate(time.Second).Add(time.Second)
		e.brief = uint32(end.Unix())
		s.sooner(p, end.UnixNano())
	}
	if p.watchDirty {
		s.touch(p)
	}
	return e
}

// fresh reports whether the entry's word still holds.
func (e *entry) fresh(now time.Time) bool { return e.view != nil && now.UnixNano() < e.lease }

// Moment is the time of the board's clock, to be had before a page is made: Snapshot then gives what changed after it. It
// means something to the Service that gave it; zero is before everything.
func (s *Service) Moment() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = true
	return uint64(s.born)<<32 | uint64(s.clock)
}

// tick is the time of a change. The clock goes on only where somebody knows the time that it shows; the lock is held.
func (s *Service) tick() uint32 {
	if s.asked {
		s.clock++
		s.asked = false
	}
	return s.clock
}

// Snapshot is everything that is in force for a person now, their own presence first. Of others that is left out which
// was the same at a moment that this board gave.
func (s *Service) Snapshot(who portal.Address, since uint64) []portal.Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.people[who], s.o.Now()
	if p == nil {
		return nil
	}
	all, known := make([]portal.Presence, 0, len(p.entries)), uint32(since>>32) == s.born
	all = append(all, s.own(p, now))
	for i := range p.entries {
		if e := &p.entries[i]; !e.self && (!known || e.changed > uint32(since)) {
			all = append(all, s.seen(p, e, now))
		}
	}
	return all
}

// waiter is a question that waits for first news.
type waiter struct {
	open map[*subject]struct{}
	done chan struct{}
}

// Query is Of for many, waiting up to Options.QueryWait for first news of those who were not watched.
// An error means ErrInvalid: more people than somebody may watch beyond the contact list.
func (s *Service) Query(ctx context.Context, watcher portal.Address, whom []portal.Address) ([]portal.Presence, error) {
	if len(whom) > s.o.MaxExtra {
		return nil, portal.Fail(portal.ErrInvalid, "presence.too-many-people")
	}
	if w := s.open(watcher, whom); w != nil {
		ctx, cancel := context.WithTimeout(ctx, s.o.QueryWait)
		select {
		case <-w.done:
		case <-ctx.Done():
			s.close(watcher, w)
		}
		cancel()
	}
	all := make([]portal.Presence, len(whom))
	for i, a := range whom {
		all[i] = s.Of(watcher, a)
	}
	return all, nil
}

// open watches whom for a while and gives what to wait for, nil for nothing.
func (s *Service) open(watcher portal.Address, whom []portal.Address) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, now := s.people[watcher], s.o.Now()
	if p == nil || !p.line {
		return nil
	}
	w := &waiter{open: map[*subject]struct{}{}, done: make(chan struct{})}
	for _, a := range whom {
		if a == watcher {
			continue
		}
		if e := s.ask(p, a, now); e != nil && e.view == nil && !e.silent {
			w.open[e.subject] = struct{}{}
		}
	}
	if len(w.open) == 0 {
		return nil
	}
	p.waiters = append(p.waiters, w)
	return w
}

// close forgets a question that was not answered in time.
func (s *Service) close(watcher portal.Address, w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[watcher]; p != nil {
		p.waiters = slices.DeleteFunc(p.waiters, func(x *waiter) bool { return x == w })
	}
}

// answered ends the questions that waited for news of sub alone.
func (p *person) answered(sub *subject) {
	p.waiters = slices.DeleteFunc(p.waiters, func(w *waiter) bool {
		delete(w.open, sub)
		if len(w.open) > 0 {
			return false
		}
		close(w.done)
		return true
	})
}

// Notified takes a presence document as watcher received it.
func (s *Service) Notified(watcher portal.Address, r portal.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, e := s.entryOf(watcher, r.Of)
	if e == nil {
		return
	}
	now := s.o.Now()
	lease := r.Lease
	if lease.IsZero() {
		lease = now.Add(s.o.DefaultLease)
	}
	e.silent = false
	p.answered(e.subject)
	if !lease.After(now) {
		s.lose(p, e)
		return
	}
	e.lease = lease.UnixNano()
	s.sooner(p, e.lease)
	for _, v := range e.subject.views {
		s.refresh(e.subject, v, now)
	}
	v := e.subject.viewOf(r.Claims, now)
	if v == e.view {
		return
	}
	v.held++
	if e.view != nil {
		e.subject.release(e.view)
	}
	e.view = v
	if !v.next.IsZero() {
		s.sooner(p, v.next.UnixNano())
	}
	s.mark(p, e)
	if e.self {
		// What the other endpoints say may be what the portal is to say.
		p.publishDirty = true
		s.update(p, now)
	}
}

// Silent says that there will be no word for watcher on of: the server refused, or the subscription ended.
func (s *Service) Silent(watcher, of portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, e := s.entryOf(watcher, of)
	if e == nil {
		return
	}
	if !e.silent {
		e.silent = true
		s.mark(p, e)
	}
	p.answered(e.subject)
	s.lose(p, e)
}

// LineLost says that a person's line is gone: everything they see becomes unknown.
func (s *Service) LineLost(who portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil {
		return
	}
	for i := range p.entries {
		if e := &p.entries[i]; e.silent {
			e.silent = false
			s.mark(p, e)
		}
		s.lose(p, &p.entries[i])
	}
}

// entryOf finds what watcher knows of of; nil: they do not watch.
func (s *Service) entryOf(watcher, of portal.Address) (*person, *entry) {
	p, sub := s.people[watcher], s.subjects[of]
	if p == nil || sub == nil {
		return nil, nil
	}
	i, ok := p.find(sub)
	if !ok {
		return nil, nil
	}
	return p, &p.entries[i]
}

// lose makes an entry unknown.
func (s *Service) lose(p *person, e *entry) {
	if e.view == nil {
		return
	}
	e.subject.release(e.view)
	e.view, e.lease = nil, 0
	s.mark(p, e)
	if e.self {
		p.publishDirty = true
		s.update(p, s.o.Now())
	}
}

// mark notes that an entry may have to be told; of oneself it is one's own presence that may change.
func (s *Service) mark(p *person, e *entry) {
	if e.self {
		p.ownDirty = true
	} else {
		e.dirty, e.changed, p.entriesDirty = true, s.tick(), true
	}
	s.touch(p)
}
