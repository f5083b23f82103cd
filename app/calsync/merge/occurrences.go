package merge

import (
	"slices"

	"portico/app/portal"
)

// Merging the occurrences of a series: changed ones field by field, deleted ones, and those that a new rule no longer has.

// occurrences merges every occurrence of which a side has something to say. The deletions of both targets are made anew.
func (m *merging) occurrences(s sides) {
	for _, c := range m.all() {
		c.Deleted = nil
	}
	for _, id := range s.stamps() {
		switch {
		case !s.c.speaks(id) && !s.e.speaks(id):
			// it follows its series on both sides
		case m.fallen(&s, id):
			m.fall(&s, id)
		case s.c.isDeleted(id) || s.e.isDeleted(id):
			m.deleted(&s, id)
		default:
			m.changed(&s, id)
		}
	}
	for _, c := range m.all() {
		slices.Sort(c.Deleted)
	}
}

func (m *merging) all() []*Content {
	return []*Content{&m.out.Target.CRM, &m.out.Target.Exchange, &m.out.Noted.CRM, &m.out.Noted.Exchange}
}

// single ends a series that became a single appointment: nothing of its occurrences is left.
func (m *merging) single(s sides) {
	for _, c := range m.all() {
		c.Deleted, c.Exceptions = nil, nil
	}
	for _, id := range s.stamps() {
		m.fall(&s, id)
	}
}

// fallen tells whether the new rule of one side no longer has an occurrence that only the other side speaks of.
func (m *merging) fallen(s *sides, id string) bool {
	switch m.whenWon {
	case portal.SourceCRM:
		return !s.c.speaks(id) && !s.c.occurs(id)
	case portal.SourceExchange:
		return !s.e.speaks(id) && !s.e.occurs(id)
	}
	return false
}

// speaks tells whether a side has an occurrence differ from its series.
func (c *Content) speaks(id string) bool {
	_, ok := c.Exceptions[id]
	return ok || c.isDeleted(id)
}

// fall lets an occurrence fall away, and notes it as lost where it had been changed since both agreed.
func (m *merging) fall(s *sides, id string) {
	now, was, in, before := &s.ec, &s.bec, &s.e, &s.be
	if m.whenWon == portal.SourceExchange {
		now, was, in, before = &s.c, &s.bc, &s.c, &s.bc
	}
	x, ok := now.Exceptions[id]
	if !ok || m.ReadOnly || in.isDeleted(id) {
		return
	}
	if old, had := was.Exceptions[id]; had && !before.isDeleted(id) && same(&old, &x) {
		return
	}
	m.out.Losses = append(m.out.Losses, Loss{Occurrence: id, Won: m.whenWon, Fields: []string{"occurrence"}, Given: x, KeptDeleted: true,
		Kept: m.out.Target.CRM})
}

// touched tells whether a side changed an occurrence since both agreed.
func (m *merging) touched(is, was *Content, id string) bool {
	x, now := is.Exceptions[id]
	y, then := was.Exceptions[id]
	if m.first {
		return now
	}
	if !now && !then {
		return false
	}
	if !now {
		x = is.occurrence(id)
	}
	if !then {
		y = was.occurrence(id)
	}
	return !same(&x, &y)
}

// deleted merges an occurrence that does not take place on one side at least. What Exchange's organiser deleted is final, since the
// cancellation is out; what CRM deleted comes back where Exchange changed it later.
func (m *merging) deleted(s *sides, id string) {
	c, e := s.c.isDeleted(id), s.e.isDeleted(id)
	bc, be := s.bc.isDeleted(id), s.be.isDeleted(id)
	x := s.at(id)
	switch {
	case c && e:
		m.keep(s, id, x)
	case e && bc && be && m.ToExchange: // CRM brought it back
		m.changed(s, id)
	case e && bc && be:
		m.owe(s, id, x)
	case e:
		if m.touched(&s.c, &s.bc, id) && !m.ReadOnly && m.ToCRM {
			m.out.Losses = append(m.out.Losses, Loss{Occurrence: id, Won: portal.SourceExchange, Fields: []string{"deleted"}, Given: x.c, KeptDeleted: true,
				Kept: m.out.Target.CRM})
		}
		m.carry(s, id, x, portal.SourceExchange)
	case c && bc && be && m.ToCRM: // Exchange brought it back
		m.changed(s, id)
	case c && bc && be:
		m.owe(s, id, x)
	case m.touched(&s.e, &s.be, id):
		m.clash(s, id, x)
	default:
		m.carry(s, id, x, portal.SourceCRM)
	}
}

// clash decides between a deletion in CRM and a change in Exchange.
func (m *merging) clash(s *sides, id string, x sides) {
	if m.crmWins {
		if m.ToExchange {
			m.out.Losses = append(m.out.Losses, Loss{Occurrence: id, Won: portal.SourceCRM, Fields: []string{"deleted"}, Given: x.ec, KeptDeleted: true,
				Kept: m.out.Target.CRM})
		}
		m.carry(s, id, x, portal.SourceCRM)
		return
	}
	if m.ToCRM && !m.ReadOnly {
		m.out.Losses = append(m.out.Losses, Loss{Occurrence: id, Won: portal.SourceExchange, Fields: []string{"deleted"}, Given: x.ec, GivenDeleted: true, Kept: x.ec})
	}
	if !m.ToCRM {
		m.owe(s, id, x)
		return
	}
	m.restore(s, id, x)
}

// restore brings an occurrence that CRM deleted back as Exchange has it; who is on CRM's list alone stays there.
func (m *merging) restore(s *sides, id string, x sides) {
	x.bc, x.bcx = x.c, x.cx
	x.be, x.bec = x.cx, x.c
	was := s.bc.plain(id) // whom CRM added to the series or took off it, it did here too
	x.bc.Attendees, x.bcx.Attendees = was.Attendees, was.Attendees
	known := slices.DeleteFunc(slices.Clone(was.Attendees), func(p Person) bool { return p.Via != "" })
	x.be.Attendees, x.bec.Attendees = known, known
	m.merge(id, x)
}

// put lays an occurrence into a Content as a side has it.
func put(to, from *Content, id string, x Content) {
	if from.isDeleted(id) {
		to.Deleted = append(to.Deleted, id)
		delete(to.Exceptions, id)
		return
	}
	to.except(id, x)
}

// keep leaves an occurrence on both sides as it is.
func (m *merging) keep(s *sides, id string, x sides) {
	put(&m.out.Target.CRM, &s.c, id, x.c)
	put(&m.out.Noted.CRM, &s.c, id, x.c)
	put(&m.out.Target.Exchange, &s.e, id, x.e)
	put(&m.out.Noted.Exchange, &s.e, id, x.e)
}

// owe leaves an occurrence as it is, and what was agreed as it was, so that the change is seen again.
func (m *merging) owe(s *sides, id string, x sides) {
	m.keep(s, id, x)
	undo(&m.out.Noted.CRM, id)
	undo(&m.out.Noted.Exchange, id)
	put(&m.out.Noted.CRM, &s.bc, id, x.bc)
	put(&m.out.Noted.Exchange, &s.be, id, x.be)
}

// carry deletes an occurrence on the other side than that which has it deleted, where that may be.
func (m *merging) carry(s *sides, id string, x sides, from string) {
	if from == portal.SourceCRM && !m.ToExchange || from == portal.SourceExchange && !m.ToCRM {
		m.owe(s, id, x)
		return
	}
	for _, c := range m.all() {
		undo(c, id)
		c.Deleted = append(c.Deleted, id)
	}
}

func undo(c *Content, id string) {
	c.Deleted = slices.DeleteFunc(c.Deleted, func(d string) bool { return d == id })
	delete(c.Exceptions, id)
}

// changed merges an occurrence that takes place on both sides, field by field.
func (m *merging) changed(s *sides, id string) {
	x := s.at(id)
	if s.bc.isDeleted(id) || s.be.isDeleted(id) { // what it was is what its series was
		x.bc, x.be, x.bcx, x.bec = s.bc.plain(id), s.be.plain(id), s.bcx.plain(id), s.bec.plain(id)
	}
	m.merge(id, x)
}

func (m *merging) merge(id string, x sides) {
	target, noted := Agreed{x.c, x.e}, Agreed{x.c, x.e}
	m.level(&target, &noted, x, id)
	m.out.Target.CRM.except(id, target.CRM)
	m.out.Target.Exchange.except(id, target.Exchange)
	m.out.Noted.CRM.except(id, noted.CRM)
	m.out.Noted.Exchange.except(id, noted.Exchange)
}
