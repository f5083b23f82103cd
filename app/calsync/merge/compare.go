package merge

import (
	"maps"
	"slices"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// Comparing three ways: what CRM has, what Exchange has, what both last agreed. A side changed something where it is another than that
// side's own part of what was agreed; what only one side changed goes to the other; where both changed the same thing, the later wins.

// Terms are what a comparison depends on besides the three contents.
type Terms struct {
	// CRMAt and ExchangeAt are when the sides were last changed, none after the reading; where they are equal Exchange's is the later.
	CRMAt, ExchangeAt time.Time
	// ToExchange and ToCRM: that side may be written to. What may not be carried now is still seen as a change later.
	ToExchange, ToCRM bool
	// Reminders are carried; else each side keeps its own.
	Reminders bool
	// ReadOnly: it is not CRM's to change (a stub): nothing but answers goes to Exchange, and what differs becomes as Exchange has it.
	ReadOnly bool
	// Map adapts a content on its way in a direction; nil: it stays as it is.
	Map func(portal.Direction, Content) (Content, mapping.Dropped)
	// Local tells whether the bearer of a key has no mailbox; Copy whether they have a copy of the meeting; Synced whether an answer of theirs
	// in CRM is carried to their mailbox. Nil: nobody.
	Local, Copy, Synced func(key string) bool
	// Mailbox tells whether somebody has a mailbox in which a copy may be that nobody has read yet. Nil: nobody.
	Mailbox func(key string) bool
	// Off tells whether somebody's copy is gone, or says that the meeting is cancelled for them.
	Off func(key string) bool
	// Copies are the attendees who have a copy, whether a list names them or not.
	Copies []Person
	// MaxFile is the largest file that is carried, in bytes; 0: no bound.
	MaxFile int64
	// Now is written on answers that are given for somebody.
	Now time.Time
}

// Result is what follows from a comparison.
type Result struct {
	// Target is what both sides are to be, Noted what they then have agreed on: less than Target where something may not be carried.
	Target, Noted Agreed
	// Losses are the changes that lost against a later one.
	Losses []Loss
	// Answers are given in CRM by people whose mailbox has another.
	Answers []GivenAnswer
}

// Loss is that both sides changed the same things of an appointment or (Occurrence is its stamp) of one occurrence.
type Loss struct {
	Occurrence string
	// Won is portal.SourceCRM or portal.SourceExchange. Fields are the groups: "subject", "location", "body", "when", "show", "private",
	// "reminder", "attendees", "files", "deleted", "occurrence".
	Won    string
	Fields []string
	// Kept and Given are the two versions in CRM's words.
	Kept, Given Content
	// GivenDeleted: the version given up is that it does not take place; KeptDeleted: the one that holds.
	GivenDeleted, KeptDeleted bool
}

// GivenAnswer is an answer given in CRM.
type GivenAnswer struct {
	Key, Occurrence string
	Response        portal.Response
}

// Compare compares both sides with what they last agreed; base nil: nothing yet, so that nothing is taken away from either.
func Compare(base *Agreed, crm, ex Content, t Terms) Result {
	t.ToExchange = t.ToExchange && !t.ReadOnly
	m := merging{Terms: t, first: base == nil, crmWins: t.CRMAt.After(t.ExchangeAt) && !t.ReadOnly}
	if base == nil {
		base = &Agreed{}
	}
	s := m.sides(crm, ex, base.CRM, base.Exchange)
	m.out.Target, m.out.Noted = Agreed{crm, ex}, Agreed{crm, ex}
	m.out.Target.CRM.Exceptions, m.out.Target.Exchange.Exceptions = nil, nil
	m.out.Noted.CRM.Exceptions, m.out.Noted.Exchange.Exceptions = nil, nil
	m.level(&m.out.Target, &m.out.Noted, s, "")
	m.files(&m.out.Target, &m.out.Noted, &s)
	if m.whenWon == "" || m.out.Target.CRM.Recurrence != "" || m.out.Target.Exchange.Recurrence != "" {
		m.occurrences(s)
	} else {
		m.single(s)
	}
	return m.out
}

// sides are the three versions, each also in the words of the other side.
type sides struct {
	c, bc, e, be     Content // CRM, Exchange, and what each was when they agreed
	cx, bcx, ec, bec Content // c and bc as Exchange would have them, e and be as CRM would
	drop, back       mapping.Dropped
	// cOwn and eOwn: of an occurrence, that CRM or Exchange has it as one of its own rather than as its series has it.
	cOwn, eOwn bool
}

type merging struct {
	Terms
	first   bool // nothing was agreed yet
	crmWins bool
	// whenWon is the side whose times and rule are new to the other, "" where neither are.
	whenWon string
	out     Result
	loss    *Loss
}

func (m *merging) adapt(d portal.Direction, c Content) (Content, mapping.Dropped) {
	if m.Map == nil {
		return c, mapping.Dropped{}
	}
	return m.Map(d, c)
}

func (m *merging) mapped(d portal.Direction, c Content) Content {
	c, _ = m.adapt(d, c)
	return c
}

func (m *merging) sides(c, e, bc, be Content) sides {
	s := sides{c: c, e: e, bc: bc, be: be}
	s.cx, s.drop = m.adapt(portal.ToExchange, c)
	s.ec, s.back = m.adapt(portal.ToCRM, e)
	if !m.first {
		s.bcx = m.mapped(portal.ToExchange, bc)
		s.bec = m.mapped(portal.ToCRM, be)
	}
	return s
}

// at gives the sides of one occurrence.
func (s *sides) at(id string) sides {
	o := sides{c: s.c.occurrence(id), e: s.e.occurrence(id), cx: s.cx.occurrence(id), ec: s.ec.occurrence(id), drop: s.drop, back: s.back}
	o.bc, o.be, o.bcx, o.bec = s.bc.occurrence(id), s.be.occurrence(id), s.bcx.occurrence(id), s.bec.occurrence(id)
	_, o.cOwn = s.c.Exceptions[id]
	_, o.eOwn = s.e.Exceptions[id]
	return o
}

// field is one field group of a Content: how it is compared, how taken over.
type field struct {
	name string
	same func(a, b *Content) bool
	// alike is what passing through the other side may make of it; nil: same.
	alike func(a, b *Content) bool
	// near is alike without what is cut off; nil: alike.
	near func(a, b *Content) bool
	set  func(to, from *Content)
	// dropped tells whether a rule does not carry it; nil: never.
	dropped func(d mapping.Dropped) bool
}

func fields() []field {
	return []field{
		{name: "subject", same: func(a, b *Content) bool { return a.Subject == b.Subject },
			near:  func(a, b *Content) bool { return a.Subject == b.Subject },
			alike: func(a, b *Content) bool { return cutText(a.Subject, b.Subject) },
			set:   func(to, from *Content) { to.Subject = from.Subject }, dropped: func(d mapping.Dropped) bool { return d.Subject }},
		{name: "location", same: func(a, b *Content) bool { return a.Location == b.Location },
			near:  func(a, b *Content) bool { return a.Location == b.Location },
			alike: func(a, b *Content) bool { return cutText(a.Location, b.Location) },
			set:   func(to, from *Content) { to.Location = from.Location }, dropped: func(d mapping.Dropped) bool { return d.Location }},
		{name: "body", same: func(a, b *Content) bool { return a.Body == b.Body },
			near:  func(a, b *Content) bool { return likeText(a.Body, b.Body) },
			alike: func(a, b *Content) bool { return cutText(a.Body, b.Body) },
			set:   func(to, from *Content) { to.Body = from.Body }, dropped: func(d mapping.Dropped) bool { return d.Body }},
		{name: "when", same: sameWhen, set: func(to, from *Content) {
			to.Start, to.End, to.AllDay, to.TimeZone, to.Recurrence, to.loc = from.Start, from.End, from.AllDay, from.TimeZone, from.Recurrence, from.loc
		}},
		{name: "show", same: func(a, b *Content) bool { return a.Show == b.Show }, set: func(to, from *Content) { to.Show = from.Show }},
		{name: "private", same: func(a, b *Content) bool { return a.Private == b.Private }, set: func(to, from *Content) { to.Private = from.Private }},
		{name: "reminder", same: func(a, b *Content) bool { return sameReminder(a.Reminder, b.Reminder) },
			set: func(to, from *Content) { to.Reminder = from.Reminder }},
	}
}

// level merges what an appointment, or one occurrence of it, says by itself.
func (m *merging) level(target, noted *Agreed, s sides, occurrence string) {
	m.loss = &Loss{Occurrence: occurrence, Kept: s.c, Given: s.c}
	for _, f := range fields() {
		if f.name == "reminder" && !m.Reminders {
			continue
		}
		m.field(f, target, noted, &s)
	}
	m.categories(target, noted, &s)
	m.attendees(target, noted, &s, occurrence)
	m.lose(target.CRM)
}

// lose notes the loss of a level, if there was one.
func (m *merging) lose(kept Content) {
	if len(m.loss.Fields) > 0 {
		l := *m.loss
		l.Kept = kept
		m.out.Losses = append(m.out.Losses, l)
	}
	m.loss = nil
}

// lost notes that a version of a field group loses.
func (m *merging) lost(name, won string, s *sides, set func(to, from *Content)) {
	if m.ReadOnly {
		return
	}
	m.loss.Won = won
	m.loss.Fields = append(m.loss.Fields, name)
	if won == portal.SourceCRM {
		set(&m.loss.Given, &s.ec)
	}
}

func (m *merging) field(f field, target, noted *Agreed, s *sides) {
	alike, near := f.alike, f.near
	if alike == nil {
		alike = f.same
	}
	if near == nil {
		near = f.same
	}
	dropped := func(d mapping.Dropped) bool { return f.dropped != nil && f.dropped(d) }
	crm := !dropped(s.drop) && (m.first || !f.same(&s.cx, &s.bcx))
	ex := !dropped(s.back) && (m.first || !f.same(&s.ec, &s.bec))
	if m.ReadOnly {
		crm, ex = false, !dropped(s.back)
	}
	if crm && ex && !m.first { // who changed this very occurrence meant it; who changed the series did not mean it alone
		crm, ex = s.cOwn || !s.eOwn, s.eOwn || !s.cOwn
	}
	if crm && ex {
		if alike(&s.cx, &s.e) || alike(&s.c, &s.ec) {
			return // both made the same change, or an earlier try of ours got through
		}
		// White space alone is no change that anything loses against.
		if !m.first && near(&s.ec, &s.bec) {
			ex = false
		} else if !m.first && near(&s.cx, &s.bcx) {
			crm = false
		}
	}
	if crm && ex {
		won := portal.SourceExchange
		if crm, ex = m.crmWins, !m.crmWins; crm {
			won = portal.SourceCRM
		}
		if crm && m.ToExchange || ex && m.ToCRM {
			m.lost(f.name, won, s, f.set)
		}
	}
	switch {
	case crm && near(&s.cx, &s.e), ex && near(&s.ec, &s.c):
		// it is there already
	case crm && m.ToExchange:
		f.set(&target.Exchange, &s.cx)
		f.set(&noted.Exchange, &s.cx)
		m.timed(f.name, portal.SourceCRM, s)
	case ex && m.ToCRM:
		f.set(&target.CRM, &s.ec)
		f.set(&noted.CRM, &s.ec)
		m.timed(f.name, portal.SourceExchange, s)
	case crm:
		m.owed(&noted.CRM, &noted.Exchange, &s.bc, &s.be, &s.ec, &s.e, f.set)
	case ex:
		m.owed(&noted.Exchange, &noted.CRM, &s.be, &s.bc, &s.cx, &s.c, f.set)
	}
}

// owed notes of a change that may not be carried now what was agreed before it, so that it is still one later. Where nothing was agreed
// the other side's version takes that place.
func (m *merging) owed(side, other, base, otherBase, fromOther, otherNow *Content, set func(to, from *Content)) {
	if m.first {
		set(side, fromOther)
		set(other, otherNow)
		return
	}
	set(side, base)
	set(other, otherBase)
}

// timed notes whose times a series has from now on.
func (m *merging) timed(name, side string, s *sides) {
	if name == "when" && m.loss.Occurrence == "" {
		m.whenWon = side
	}
}

// categories merges by the member: what a side added or took away.
func (m *merging) categories(target, noted *Agreed, s *sides) {
	addX, cutX := delta(s.bcx.Categories, s.cx.Categories)
	addC, cutC := delta(s.bec.Categories, s.ec.Categories)
	e, c := s.e.Categories, s.c.Categories
	if m.ToExchange {
		e = without(with(e, addX), cutX)
	}
	if m.ToCRM {
		c = without(with(c, addC), cutC)
	}
	target.Exchange.Categories, target.CRM.Categories = e, c
	noted.Exchange.Categories, noted.CRM.Categories = e, c
	if !m.ToExchange && len(addX)+len(cutX) > 0 {
		if noted.CRM.Categories = s.bc.Categories; m.ToCRM {
			noted.CRM.Categories = without(with(s.bc.Categories, addC), cutC)
		}
	}
	if !m.ToCRM && len(addC)+len(cutC) > 0 {
		if noted.Exchange.Categories = s.be.Categories; m.ToExchange {
			noted.Exchange.Categories = without(with(s.be.Categories, addX), cutX)
		}
	}
}

// delta is what is new, and what is no longer there.
func delta(was, is []string) (added, gone []string) {
	return without(is, was), without(was, is)
}

func with(list, more []string) []string { return tidyList(append(slices.Clone(list), more...)) }

func without(list, less []string) []string {
	return tidyList(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return holds(less, s) }))
}

// stamps are the occurrences of which any side has something to say.
func (s *sides) stamps() []string {
	ids := map[string]bool{}
	for _, c := range []*Content{&s.c, &s.bc, &s.e, &s.be} {
		for id := range c.Exceptions {
			ids[id] = true
		}
		for _, id := range c.Deleted {
			ids[id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
