package merge

import (
	"maps"
	"slices"
	"time"

	"portico/app/portal"
)

// Merging who takes part: by the person, so that nobody is removed by a side that never knew of them, and answers, which come from
// Exchange.

// who is one attendee on both sides and in what was agreed; nil where they are not listed.
type who struct {
	key            string
	c, e, bc, be   *Person
	local, hasCopy bool
	// mailbox: there may be a copy that nobody has read yet.
	mailbox bool
}

func (m *merging) attendees(target, noted *Agreed, s *sides, occurrence string) {
	out := peopleOut{}
	keys := map[string]bool{}
	for _, c := range []*Content{&s.c, &s.e, &s.bc, &s.be} {
		for i := range c.Attendees {
			keys[c.Attendees[i].Key] = true
		}
	}
	copies := map[string]Person{}
	if occurrence == "" {
		for _, p := range m.Copies {
			copies[p.Key], keys[p.Key] = p, true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		w := who{key: key, c: s.c.person(key), e: s.e.person(key), bc: s.bc.person(key), be: s.be.person(key),
			local: m.Local != nil && m.Local(key), hasCopy: m.Copy != nil && m.Copy(key), mailbox: m.Mailbox != nil && m.Mailbox(key)}
		switch {
		case w.c != nil && w.e != nil:
			m.both(&out, w, s, occurrence)
		case w.c != nil:
			m.inCRM(&out, w, copies)
		case w.e != nil:
			m.inExchange(&out, w)
		default:
			m.nowhere(&out, w, copies)
		}
	}
	target.CRM.Attendees, target.Exchange.Attendees = out.crm, out.ex
	noted.CRM.Attendees, noted.Exchange.Attendees = out.notedCRM, out.notedEx
}

// peopleOut are the lists that come out, each in the order of the keys.
type peopleOut struct{ crm, ex, notedCRM, notedEx []Person }

// on lists somebody on both sides as agreed.
func (o *peopleOut) on(c, e Person) {
	o.crm, o.ex = append(o.crm, c), append(o.ex, e)
	o.notedCRM, o.notedEx = append(o.notedCRM, c), append(o.notedEx, e)
}

// only lists somebody on CRM's side alone, because of via.
func (o *peopleOut) only(p Person, via string) {
	p.Via = via
	o.crm, o.notedCRM = append(o.crm, p), append(o.notedCRM, p)
}

// leaves notes somebody who was removed; a copy of theirs, which may not have been read yet, will be cancelled, and says nothing until then.
func (o *peopleOut) leaves(w who) {
	if w.bc != nil && (w.hasCopy || w.mailbox) {
		gone := *w.bc
		gone.Via = ViaRemoved
		o.notedCRM = append(o.notedCRM, gone)
	}
}

// note adds what was agreed before, of a change that is not carried now.
func (o *peopleOut) note(bc, be *Person) {
	if bc != nil {
		o.notedCRM = append(o.notedCRM, *bc)
	}
	if be != nil {
		o.notedEx = append(o.notedEx, *be)
	}
}

// both merges the role and the answer of somebody who is on both lists.
func (m *merging) both(o *peopleOut, w who, s *sides, occurrence string) {
	c, e := *w.c, *w.e
	c.Via = ""
	nc, ne := c, e
	var unseenC, unseenE bool // new on that side, and not carried now
	if c.Role != e.Role {
		crm := m.first || w.bc == nil || w.bc.Role != c.Role
		ex := m.first || w.be == nil || w.be.Role != e.Role
		if crm && ex {
			won := portal.SourceExchange
			if crm, ex = m.crmWins, !m.crmWins; crm {
				won = portal.SourceCRM
			}
			if (crm && m.ToExchange || ex && m.ToCRM) && !slices.Contains(m.loss.Fields, "attendees") {
				m.lost("attendees", won, s, func(to, from *Content) { to.Attendees = from.Attendees })
			}
		}
		switch {
		case crm && m.ToExchange:
			e.Role, ne.Role = c.Role, c.Role
		case ex && m.ToCRM:
			c.Role, nc.Role = e.Role, e.Role
		case crm && w.bc != nil:
			nc.Role = w.bc.Role
		case crm:
			unseenC = true
		case ex && w.be != nil:
			ne.Role = w.be.Role
		case ex:
			unseenE = true
		}
	}
	m.answer(&c, &e, &nc, &ne, w, occurrence)
	o.crm, o.ex = append(o.crm, c), append(o.ex, e)
	if !unseenC {
		o.notedCRM = append(o.notedCRM, nc)
	}
	if !unseenE {
		o.notedEx = append(o.notedEx, ne)
	}
}

// answer takes the answer of Exchange over. One that a person with a mailbox gave in CRM is given there; a CRM user's own stays theirs.
func (m *merging) answer(c, e, nc, ne *Person, w who, occurrence string) {
	if w.be != nil && e.Answered.IsZero() {
		e.Answered, ne.Answered = w.be.Answered, w.be.Answered
	}
	given := w.bc != nil && w.bc.Response != c.Response && c.Response.Answerable() && c.Response != e.Response
	news := w.be == nil || w.be.Response != e.Response
	switch {
	case w.local:
	case given && !news && m.Synced != nil && m.Synced(w.key):
		m.out.Answers = append(m.out.Answers, GivenAnswer{Key: w.key, Occurrence: occurrence, Response: c.Response})
		e.Response, ne.Response, e.Answered, ne.Answered = c.Response, c.Response, m.Now, m.Now
	case m.ToCRM:
		c.Response, nc.Response, c.Word, nc.Word = e.Response, e.Response, e.Word, e.Word
	case w.be != nil:
		ne.Response, ne.Word = w.be.Response, w.be.Word
	}
}

// inCRM decides about somebody whom only CRM lists.
func (m *merging) inCRM(o *peopleOut, w who, copies map[string]Person) {
	p := *w.c
	switch {
	case w.be != nil && m.ToCRM: // Exchange removed them
		o.leaves(w)
	case w.be != nil:
		o.crm = append(o.crm, p)
		o.note(w.bc, w.be)
	case w.local || p.Email == "":
		o.only(p, ViaCRM)
	case w.bc != nil && w.bc.Via == ViaCopy && m.Off != nil && m.Off(w.key): // the organiser took them off, or they did themselves
	case (w.hasCopy || w.bc != nil && w.bc.Via == ViaCopy) && !w.bc.removed():
		m.ownCopy(&p, w, copies)
		o.only(p, ViaCopy)
	case w.bc != nil && w.bc.Via == "": // Exchange did not take them
		o.only(p, "")
	case m.ToExchange:
		p.Via = ""
		e := p
		e.Response, e.Word = portal.ResponseNone, ""
		o.on(p, e)
	default:
		o.crm = append(o.crm, p)
		o.note(w.bc, nil)
	}
}

// ownCopy takes the answer of somebody whom no list names from their copy, or gives it there.
func (m *merging) ownCopy(p *Person, w who, copies map[string]Person) {
	own, ok := copies[w.key]
	if !ok || own.Response == p.Response {
		return
	}
	if w.bc != nil && w.bc.Response != p.Response && w.bc.Response == own.Response && p.Response.Answerable() {
		m.out.Answers = append(m.out.Answers, GivenAnswer{Key: w.key, Response: p.Response})
		return
	}
	if m.ToCRM {
		p.Response, p.Word = own.Response, ""
	}
}

// removed tells whether CRM took somebody off the list who still had a copy then.
func (p *Person) removed() bool { return p != nil && p.Via == ViaRemoved }

// inExchange decides about somebody whom only Exchange lists.
func (m *merging) inExchange(o *peopleOut, w who) {
	p := *w.e
	switch {
	case w.bc != nil && !w.bc.removed() && m.ToExchange: // CRM removed them
		o.leaves(w)
	case w.bc != nil && !w.bc.removed():
		o.ex = append(o.ex, p)
		o.note(w.bc, w.be)
	case m.ToCRM:
		c := p
		c.Answered = time.Time{}
		o.on(c, p)
	default:
		o.ex = append(o.ex, p)
		o.note(nil, w.be)
	}
}

// nowhere decides about somebody on neither list: one who has a copy takes part all the same, unless they were taken off the record.
func (m *merging) nowhere(o *peopleOut, w who, copies map[string]Person) {
	p, ok := copies[w.key]
	switch {
	case !ok && !(w.mailbox && w.bc.removed() && !(m.Off != nil && m.Off(w.key))):
	case w.bc != nil:
		o.notedCRM = append(o.notedCRM, *w.bc)
	case m.ToCRM:
		o.only(p, ViaCopy)
	}
}
