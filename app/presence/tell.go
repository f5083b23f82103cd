package presence

// How changes leave the board: what is to be told is read when it is told, each value once, one value
// for all who see the same.

import (
	"container/heap"
	"context"
	"hash/maphash"
	"slices"
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
	hash  uint32
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

// sharedKey names what many see alike: a view of somebody under one class of sight; without a view, somebody who is
// unknown, or who hides.
type sharedKey struct {
	subject *subject
	view    *view
	class   class
}

// valueKey finds a value that another key has led to: where there is nothing to hide, all classes see the same.
type valueKey struct {
	subject *subject
	hash    uint32
}

// shares are the values of one round of telling.
type shares struct {
	byKey   map[sharedKey]*news
	byValue map[valueKey]*news
	all     []*news
	// come are those who became available for somebody who has them on the board.
	come []arrival
}

// arrival is one of whom owner may want to be told that they became available.
type arrival struct {
	owner, of portal.Address
	at        time.Time
}

// tell tells what is waiting to be told; false: nothing was.
func (s *Service) tell() bool {
	s.mu.Lock()
	dirty, now := s.dirty, s.o.Now()
	s.dirty = nil
	var orders []order
	sh := &shares{byKey: map[sharedKey]*news{}, byValue: map[valueKey]*news{}}
	for _, p := range dirty {
		p.marked = false
		if p.gone {
			continue
		}
		if n := s.ownNews(p, now); n != nil {
			sh.all = append(sh.all, n)
		}
		s.entryNews(p, now, sh)
		if o, any := s.orderFor(p); any {
			orders = append(orders, o)
		}
	}
	s.mu.Unlock()
	for _, o := range orders {
		s.obey(o)
	}
	told := 0
	for _, n := range sh.all {
		told += len(n.to)
		switch len(n.to) {
		case 0:
		case 1:
			s.o.Emit(n.to[0], n.event)
		default:
			s.o.EmitMany(n.to, n.event)
		}
	}
	for _, a := range sh.come {
		if slices.Contains(s.o.Tagged(a.owner), a.of) {
			s.o.Emit(a.owner, portal.TaggedEvent{URI: a.of, Availability: portal.Available, At: a.at})
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

// entryNews adds p to those who are told what changed.
func (s *Service) entryNews(p *person, now time.Time, sh *shares) {
	if !p.entriesDirty {
		return
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
		n := s.shared(p, e, now, sh)
		if e.turned(n.event.Availability) {
			sh.come = append(sh.come, arrival{owner: p.address, of: e.subject.address, at: now.UTC()})
		}
		if n.hash == e.told {
			continue
		}
		e.told = n.hash
		n.to = append(n.to, p.address)
	}
}

// shared finds the value that p's entry shows, made once for all who see the same.
func (s *Service) shared(p *person, e *entry, now time.Time, sh *shares) *news {
	key := sharedKey{subject: e.subject, class: s.class(p, e)}
	switch {
	case key.class.hidden() && (e.fresh(now) || e.silent):
	case e.fresh(now) && !key.class.unread():
		key.view = e.view
	default:
		key.class = 0
	}
	if n := sh.byKey[key]; n != nil {
		return n
	}
	seen := s.seen(p, e, now)
	same := valueKey{subject: e.subject, hash: s.hash(seen)}
	n := sh.byValue[same]
	if n == nil || n.event.Presence != seen {
		n = &news{event: portal.PresenceEvent{Presence: seen}, hash: same.hash}
		sh.byValue[same] = n
		sh.all = append(sh.all, n)
	}
	sh.byKey[key] = n
	return n
}

// turned notes what a subject is now and reports whether they became available, having been seen otherwise before.
func (e *entry) turned(now portal.Availability) bool {
	before := e.was
	switch now {
	case portal.Unknown:
		return false
	case portal.Available:
		e.was = isAvailable
	default:
		e.was = notAvailable
	}
	return before == notAvailable && e.was == isAvailable
}

// orderFor is what the line is to be told of p.
func (s *Service) orderFor(p *person) (o order, any bool) {
	if !p.line || !p.loaded {
		return order{}, false
	}
	o.who = p.address
	if p.publishDirty {
		p.publishDirty = false
		switch {
		case p.present:
			c := s.wordOf(p)
			if p.said == nil || !sameWord(*p.said, c) {
				p.said, o.publish, o.claim = &c, true, c
			}
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

// wordOf is what is published of p. Who appears offline although a device of theirs says otherwise is to be believed by
// whoever reads both, and has nothing left to conceal.
func (s *Service) wordOf(p *person) portal.Claim {
	c := policy.OnTheWire(p.claim, policy.Limit(s.o.Wire(p.address), s.o.InForce(p.address)))
	if c.Availability != portal.Offline {
		return c
	}
	others, _ := s.heard(p, s.o.Now())
	if slices.ContainsFunc(others, func(o portal.Claim) bool { return o.Availability != portal.Offline }) {
		c.Source, c.Provider = p.claim.Source, p.claim.Provider
	}
	return c
}

// sameWord reports whether two claims say the same, whenever they were made.
func sameWord(a, b portal.Claim) bool {
	a.At, b.At = time.Time{}, time.Time{}
	return a == b
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
		s.refresh(e.subject, e.view, now)
		if !e.view.next.IsZero() {
			s.sooner(p, e.view.next.UnixNano())
		}
		p.ownDirty = p.ownDirty || e.self
	}
	s.update(p, now)
	if !p.line && !p.present && len(p.conns) == 0 {
		s.remove(p)
	}
}
