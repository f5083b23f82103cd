package sipua

// Resource lists (RFC 4662): one subscription for a whole contact list, where the server keeps one.
// Who is not on it, or of whom it says nothing, is watched by a subscription of their own.

import (
	"strings"

	"portico/app/portal"
	"portico/app/sipua/rlmi"
)

// listAddress is the person's list service.
func (l *line) listAddress() portal.Address {
	text := strings.NewReplacer("{user}", l.who.User(), "{domain}", l.who.Domain()).Replace(l.a.cfg.ResourceList)
	of, err := portal.ParseAddress(text)
	if err != nil {
		l.a.cfg.Logger.Warn("resource list", "address", text, "error", err)
		return l.who
	}
	return of
}

// roster is what a list subscription has said so far. It is guarded by the line's mutex.
type roster struct {
	seq rlmi.Sequence
	// known are those of whom the list has a word; others need subscriptions of their own.
	known map[portal.Address]bool
	// settled: the full list has come, or never will.
	settled bool
}

// covered reports whether a subscription is not needed because the list sees to it, or may. The
// caller holds the mutex.
func (l *line) covered(s *sub) bool {
	if l.list == nil || s.kind != kindPresence || s.is(subDialog) {
		return false
	}
	return !l.roster.settled || l.roster.known[s.of]
}

// uncover gives up on the list: everybody is watched one by one.
func (l *line) uncover() {
	l.mu.Lock()
	l.roster = roster{settled: true}
	single := make([]*sub, 0, len(l.subs))
	for _, s := range l.subs {
		single = append(single, s)
	}
	l.mu.Unlock()
	for _, s := range single {
		s.enqueue(false)
	}
}

// readList takes a list's notification apart and passes on what it says of each.
func (s *sub) readList(n *notice) {
	l := s.l
	if n.state == "pending" { // the server took the list for a person
		l.uncover()
		return
	}
	if len(n.body) == 0 {
		return
	}
	doc, err := rlmi.Parse(n.contentType, n.body)
	if err != nil {
		l.a.cfg.Logger.Info("resource list notification not understood", "person", l.who, "error", err)
		l.uncover()
		return
	}
	l.mu.Lock()
	fresh, refresh := l.roster.seq.Next(doc)
	if l.roster.known == nil {
		l.roster.known = map[portal.Address]bool{}
	}
	l.mu.Unlock()
	if !fresh {
		return
	}
	for _, r := range doc.Resources {
		l.heardOf(r)
	}
	l.mu.Lock()
	l.roster.settled = true
	var single []*sub
	for _, other := range l.subs {
		if other.is(subWanted) && !other.is(subDialog) && !l.roster.known[other.of] {
			single = append(single, other)
		}
	}
	l.mu.Unlock()
	for _, other := range single {
		other.enqueue(false)
	}
	if refresh {
		s.enqueue(false)
	}
}

// heardOf passes on what a list says of one person.
func (l *line) heardOf(r rlmi.Resource) {
	l.mu.Lock()
	s := l.subs[r.Of]
	if s == nil || !s.is(subWanted) || s.is(subDialog) || !r.Known() {
		delete(l.roster.known, r.Of) // nothing known: their own subscription tells the truth
		l.mu.Unlock()
		return
	}
	l.roster.known[r.Of] = true
	l.mu.Unlock()
	s.report(r.Claims, l.listLease())
}
