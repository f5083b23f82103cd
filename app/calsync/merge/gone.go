package merge

import (
	"slices"
	"time"

	"portico/app/portal"
)

// Deletions: what is gone on one side.

// deletedInExchange is a record whose copy was deleted or cancelled there. A cancellation that went out is final; history stays.
func (p *planning) deletedInExchange() {
	r := p.record
	switch {
	case r == nil && p.Pair == nil:
		p.skip(ReasonRemoved)
		return
	case r == nil || !r.Gone.IsZero() || p.c.Cancelled:
		p.tombstone(p.c, "adopt", Adopt{})
		return
	case !p.Options.ToCRM:
		p.skip(ReasonWay)
		return
	case p.base != nil && p.leftOut(portal.ToCRM, &p.base.Exchange):
		p.skip(ReasonLeftOut)
		return
	case r.Origin == portal.SourceCRM && p.Pair == nil && p.lost.Entry.ChangeID != r.ID && p.lost.Entry.UID != r.UID:
		p.skip(ReasonRemoved)
		return
	}
	next := clone(r)
	next.ChangedBy = portal.CRMSync
	if next.ChangedAt = p.lost.Gone; next.ChangedAt.IsZero() || next.ChangedAt.After(p.Now) {
		next.ChangedAt = p.Now
	}
	tied := len(r.People)+len(r.Companies) > 0 || r.Status == portal.StatusComplete
	changed := p.base != nil && !sameIdea(&p.c, &p.base.CRM)
	cancelled := p.lost.Entry.Status == portal.StatusCancelled || !r.Stub
	switch {
	case r.Status == portal.StatusComplete: // what took place is not undone by tidying up
	case r.Stub && !cancelled && tied:
		// they took it out of their calendars; what it is tied to keeps it
	case r.Stub && !cancelled:
		next.Gone = next.ChangedAt
	case changed || tied || len(p.c.Attendees) > 0:
		next.Status = portal.StatusCancelled
	default:
		next.Gone = next.ChangedAt
	}
	to := p.c
	to.Cancelled = next.Status == portal.StatusCancelled || !next.Gone.IsZero()
	if changed && !r.Stub {
		p.conflicts([]Loss{{Won: portal.SourceExchange, Fields: []string{"deleted"}, Kept: p.base.CRM, Given: p.c, KeptDeleted: true}})
	}
	if to.Cancelled == p.c.Cancelled {
		p.tombstone(to, "adopt", Adopt{})
		return
	}
	p.out.wrote.crm = true
	p.tombstone(to, "delete", PutCRM{Record: next, Mailbox: p.lost.Mailbox, Alert: p.alerts(&p.c, &to)})
	p.out.Direction = portal.ToCRM
}

// sameIdea tells whether a Content says of the appointment itself what another does; answers aside.
func sameIdea(a, b *Content) bool {
	quiet := func(c *Content) Content {
		out := *c
		out.Cancelled = false
		out.Attendees = silent(c.Attendees)
		out.Exceptions = nil
		for id, x := range c.Exceptions {
			x.Attendees = silent(x.Attendees)
			x.Cancelled = false
			out.except(id, x)
		}
		return out
	}
	x, y := quiet(a), quiet(b)
	return equal(&x, &y)
}

func silent(list []Person) []Person {
	out := make([]Person, len(list))
	for i, p := range list {
		p.Response, p.Word, p.Via = "", "", ""
		out[i] = p
	}
	return out
}

// tombstone ends a pair: both sides agree that there is nothing in Exchange. It stays, so that a late copy is known as one.
func (p *planning) tombstone(crm Content, what string, st Step) {
	p.out.List = append(p.out.List, st)
	ex := crm
	ex.Cancelled = true
	to := ex
	p.finish(Agreed{CRM: crm, Exchange: ex}, Agreed{CRM: crm, Exchange: ex}, portal.ToExchange, what, &p.c, &to)
	q := p.out.Pair
	q.RemoteID, q.ChangeKey = "", ""
	if q.Mailbox == "" && p.lost != nil {
		q.Mailbox = p.lost.Mailbox
	}
}

// deletedInCRM is an entry whose record was deleted or cancelled.
func (p *planning) deletedInCRM() {
	r, e := p.record, &p.truth.Entry
	if p.e.Cancelled {
		p.lost = p.truth
		p.tombstone(p.c, "adopt", Adopt{})
		return
	}
	crm, ex := p.times()
	known := p.base
	if known == nil && p.ours() {
		known = &Agreed{CRM: p.c, Exchange: p.e}
		p.invited = p.inviting(&p.e)
	}
	changed := known == nil || !sameIdea(&p.e, &known.Exchange) || known.Exchange.Cancelled
	if changed && (known == nil || ex.After(crm)) {
		p.comeBack(known)
		return
	}
	if r.Stub && !p.truth.Entry.Mine && r.ChangedBy == portal.CRMSync {
		p.comeBack(nil) // it was taken for deleted when another's copy went
		return
	}
	switch {
	case r.Stub || !e.Mine:
		p.skip(ReasonRemoved) // nobody writes into an invitee's calendar
		return
	case !p.Options.ToExchange:
		p.skip(ReasonWay)
		return
	case p.leftOut(portal.ToExchange, &p.c):
		p.skip(ReasonLeftOut)
		return
	}
	if changed && !known.Exchange.Cancelled {
		words, _ := p.mapper(portal.ToCRM, p.e)
		p.conflicts([]Loss{{Won: portal.SourceCRM, Fields: []string{"deleted"}, Kept: p.c, Given: words, KeptDeleted: true}})
	}
	what := "delete"
	if r.Gone.IsZero() {
		what = "cancel"
	}
	quiet := !p.calling() || known.Exchange.Cancelled // the cancellation went out before
	p.out.wrote.exchange = true
	p.tombstone(p.c, what, RemoveExchange{Mailbox: p.truth.Mailbox, Ref: *e, Quiet: quiet})
}

// comeBack makes a record live again, since Exchange changed the appointment after it was deleted in CRM, or never heard of the deletion.
func (p *planning) comeBack(known *Agreed) {
	if !p.Options.ToCRM || p.leftOut(portal.ToCRM, &p.e) {
		p.skip(ReasonWay)
		return
	}
	r := clone(p.record)
	r.Gone = time.Time{}
	if r.Status == portal.StatusCancelled {
		r.Status = portal.StatusPending
	}
	to, _ := p.mapper(portal.ToCRM, p.e)
	for _, a := range p.c.Attendees {
		if to.person(a.Key) == nil && p.Users.local(portal.Address(a.Key)) && (known == nil || known.Exchange.person(a.Key) == nil) {
			a.Via = ViaCRM
			to.Attendees = append(to.Attendees, a)
		}
	}
	if !p.Options.CopyReminders {
		to.Reminder = p.c.Reminder
	}
	sortPersons(to.Attendees)
	fetch := p.fill(&r, &p.c, &to)
	crm, ex := p.times()
	r.ChangedAt, r.ChangedBy = crm, portal.CRMSync
	if ex.After(crm) {
		r.ChangedAt = ex
	}
	if p.truth.Entry.UID != "" {
		r.UID = p.truth.Entry.UID
	}
	p.adopting = known == nil
	p.out.List = append(p.out.List, PutCRM{Record: r, Mailbox: p.truth.Mailbox, Fetch: fetch, Alert: p.alerts(&p.c, &to)})
	p.out.wrote.crm = true
	if known != nil {
		p.conflicts([]Loss{{Won: portal.SourceExchange, Fields: []string{"deleted"}, Kept: to, Given: p.c, GivenDeleted: true}})
	}
	p.finish(Agreed{CRM: to, Exchange: p.e}, Agreed{CRM: p.withLeavers(to, known), Exchange: p.e}, portal.ToCRM, "update", &p.c, &to)
}

// withLeavers notes of a list those whom Exchange took off it meanwhile, or who were off it before, and who still have a copy: see
// ViaRemoved.
func (p *planning) withLeavers(c Content, known *Agreed) Content {
	if known == nil {
		return c
	}
	c.Attendees = slices.Clone(c.Attendees)
	off := slices.DeleteFunc(slices.Clone(known.CRM.Attendees), func(a Person) bool { return !a.removed() })
	for _, was := range append(slices.Clone(known.Exchange.Attendees), off...) {
		if p.e.person(was.Key) == nil && c.person(was.Key) == nil && p.copyOf(was.Key) != nil {
			was.Via = ViaRemoved
			c.Attendees = append(c.Attendees, was)
		}
	}
	sortPersons(c.Attendees)
	return c
}
