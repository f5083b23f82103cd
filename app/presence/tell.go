package presence

// How changes leave the board: what is to be told is read when it is told, each value once, one value
// for all who see the same.

import (
	"container/heap"
	"context"
	"hash/maphash"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// unknownTold is the hash of "unknown"; 0 is nothing told.
const unknownTold = 1

// news is one value and all who are to be told it.
type news struct {
	to    []portal.Address
	event portal.PresenceEvent
}

// orders are what the line is told.
type order struct {
	who       portal.Address
	claim     portal.Claim
	publish   bool
	unpublish bool
	watch     bool
	whom      []portal.Address
}

// sharedKey names a value that many may be told: a view, or unknown of somebody.
type sharedKey struct {
	subject *subject
	view    *view
}

// tell tells what is waiting to be told; false: nothing was.
func (s *Service) tell() bool {
	s.mu.Lock()
	dirty, now := s.dirty, s.o.Now()
	s.dirty = nil
	var all []*news
	var orders []order
	shared := map[sharedKey]*news{}
	for _, p := range dirty {
		p.marked = false
		if p.gone {
			continue
		}
		if n := s.ownNews(p, now); n != nil {
			all = append(all, n)
		}
		all = append(all, s.entryNews(p, now, shared)...)
		if o, any := s.orderFor(p, now); any {
			orders = append(orders, o)
		}
	}
	s.mu.Unlock()
	for _, o := range orders {
		s.obey(o)
	}
	told := 0
	for _, n := range all {
		told += len(n.to)
		if len(n.to) == 1 {
			s.o.Emit(n.to[0], n.event)
		} else {
			s.o.EmitMany(n.to, n.event)
		}
	}
	if told > 0 {
		s.o.Changed(told)
	}
	return len(dirty) > 0
}

func (s *Service) obey(o order) {
	switch {
	case o.publish:
		s.line.Publish(o.who, o.claim)
	case o.unpublish:
		s.line.Unpublish(o.who)
	}
	if o.watch {
		s.line.Watch(o.who, o.whom)
	}
}

// ownNews is what p is to be told of themselves.
func (s *Service) ownNews(p *person, now time.Time) *news {
	if !p.ownDirty {
		return nil
	}
	p.ownDirty = false
	own := s.own(p, now)
	if h := s.hash(own); h != p.ownTold {
		p.ownTold = h
		return &news{to: []portal.Address{p.address}, event: portal.PresenceEvent{Presence: own}}
	}
	return nil
}

// entryNews adds p to those who are told what changed, and gives the values nobody was told yet.
func (s *Service) entryNews(p *person, now time.Time, shared map[sharedKey]*news) (fresh []*news) {
	if !p.entriesDirty {
		return nil
	}
	p.entriesDirty = false
	for i := range p.entries {
		e := &p.entries[i]
		if !e.dirty {
			continue
		}
		e.dirty = false
		if e.self {
			continue
		}
		key := sharedKey{subject: e.subject}
		if e.fresh(now) {
			key.view = e.view
		}
		n := shared[key]
		seen := e.seen(now)
		h := s.hash(seen)
		if h == e.told {
			continue
		}
		e.told = h
		if n == nil {
			n = &news{event: portal.PresenceEvent{Presence: seen}}
			shared[key] = n
			fresh = append(fresh, n)
		}
		n.to = append(n.to, p.address)
	}
	return fresh
}

// orderFor is what the line is to be told of p.
func (s *Service) orderFor(p *person, now time.Time) (o order, any bool) {
	if !p.line || !p.loaded {
		return order{}, false
	}
	o.who = p.address
	if p.publishDirty {
		p.publishDirty = false
		switch {
		case p.present && (p.said == nil || *p.said != p.claim):
			c := p.claim
			p.said, o.publish, o.claim = &c, true, c
		case !p.present && p.said != nil:
			p.said, o.unpublish = nil, true
		}
	}
	if p.watchDirty {
		p.watchDirty = false
		var sum uint64
		for i := range p.entries {
			sum += maphash.Comparable(s.seed, p.entries[i].subject.id)
		}
		if o.watch = sum != p.watching; o.watch {
			p.watching = sum
			o.whom = make([]portal.Address, len(p.entries))
			for i := range p.entries {
				o.whom[i] = p.entries[i].subject.address
			}
		}
	}
	return o, o.publish || o.unpublish || o.watch
}

// hash is unknownTold for everything unknown, and never 0.
func (s *Service) hash(p portal.Presence) uint32 {
	if p.Availability == portal.Unknown {
		return unknownTold
	}
	p.Since, p.Until = instant(p.Since), instant(p.Until)
	return uint32(maphash.Comparable(s.seed, p))>>1 | 1<<31
}

// sooner makes p due at t, in Unix nanoseconds, unless it is due before.
func (s *Service) sooner(p *person, t int64) {
	if t >= p.due || p.gone {
		return
	}
	p.due = t
	if p.index < 0 {
		heap.Push(&s.later, p)
	} else {
		heap.Fix(&s.later, p.index)
	}
	if s.later[0] == p {
		s.ring()
	}
}

func (s *Service) unplan(p *person) {
	p.due = never
	if p.index >= 0 {
		heap.Remove(&s.later, p.index)
	}
}

// expire changes what time changes and gives the wait until there is more.
func (s *Service) expire(ctx context.Context) time.Duration {
	s.mu.Lock()
	now := s.o.Now()
	var unread []*person
	for len(s.later) > 0 && s.later[0].due <= now.UnixNano() {
		p := s.later[0]
		s.unplan(p)
		if p.line && !p.loaded {
			unread = append(unread, p)
		}
		s.age(p, now)
	}
	s.mu.Unlock()
	left := s.loadAll(ctx, unread)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range left {
		s.sooner(p, now.Add(loadRetry).UnixNano())
	}
	if len(s.later) == 0 {
		return time.Hour
	}
	return max(0, time.Duration(s.later[0].due-s.o.Now().UnixNano()))
}

// loadAll reads what people set by hand. At the first failure it stops and gives those it has not come to:
// where one cannot be read, the others would only wait too.
func (s *Service) loadAll(ctx context.Context, unread []*person) (left []*person) {
	for i, p := range unread {
		reading, cancel := context.WithTimeout(ctx, loadRetry)
		err := s.load(reading, p)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Warn("presence: what was set by hand could not be read; tried again", "in", loadRetry, "err", err)
			return unread[i+1:]
		}
	}
	return nil
}

// age makes of p what it is at now, and plans when to look again.
func (s *Service) age(p *person, now time.Time) {
	s.prune(p, now)
	for i := range p.entries {
		e := &p.entries[i]
		if end := int64(e.brief); end > now.Unix() {
			s.sooner(p, time.Unix(end, 0).UnixNano())
		}
		if e.view == nil {
			continue
		}
		if !e.fresh(now) {
			s.lose(p, e)
			continue
		}
		s.sooner(p, e.lease)
		e.view.refresh(e.subject.address, now)
		if !e.view.next.IsZero() {
			s.sooner(p, e.view.next.UnixNano())
		}
		if !e.self && s.hash(policy.OthersSee(e.view.presence)) != e.told {
			s.mark(p, e)
		}
		p.ownDirty = p.ownDirty || e.self
	}
	s.update(p, now)
	if !p.line && !p.present && len(p.conns) == 0 {
		s.remove(p)
	}
}
