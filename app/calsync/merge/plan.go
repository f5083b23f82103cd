package merge

import (
	"slices"

	"portico/app/portal"
)

// The plan: which of the cases it is, and what follows.

// The reasons of plans that do nothing; each is the catalogue key of a sentence.
const (
	ReasonInStep     = "sync.in-step"        // nothing to do
	ReasonOff        = "sync.off"            // whose it is is not synchronised
	ReasonNoOne      = "sync.crm-only"       // nobody who takes part has a mailbox
	ReasonWay        = "sync.direction-off"  // this way is switched off
	ReasonLeftOut    = "sync.left-out"       // a rule leaves it out
	ReasonOrganizer  = "sync.organizer-copy" // the organiser's copy counts, and has not been read
	ReasonRemoved    = "sync.removed"        // it is gone on both sides
	ReasonCancelled  = "sync.cancelled"      // it was cancelled before it came here
	ReasonUnread     = "sync.not-read"       // a mailbox has to be read to its end first
	ReasonNoHome     = "sync.no-organizer"   // no user sends the invitations of owners without a mailbox
	ReasonUnreadable = "sync.unreadable"     // something of it cannot be written down
)

// Plan decides what has to be done. It never fails: what cannot be done is a step that says so.
func Plan(f Facts) Steps {
	p := newPlanning(f)
	p.read()
	r := p.record
	switch {
	case p.truth == nil && p.lost == nil:
		p.withoutCopy()
	case p.truth == nil:
		p.deletedInExchange()
	case r == nil:
		p.madeInExchange()
	case !r.Gone.IsZero() || p.c.Cancelled:
		p.deletedInCRM()
	case p.e.Cancelled:
		p.lost = p.truth
		p.deletedInExchange()
	default:
		p.compare()
	}
	return p.out
}

// only makes a plan of one step that does nothing.
func (p *planning) only(st Step) {
	p.out.List, p.out.Conflicts, p.out.Pair, p.out.What = []Step{st}, nil, nil, "skip"
	p.out.Before, p.out.After = nil, nil
}

func (p *planning) skip(reason string)          { p.only(Skip{reason}) }
func (p *planning) refuse(reason, cause string) { p.only(Refuse{reason, cause}) }

// refused tells whether the plan was given up.
func (p *planning) refused() bool {
	if len(p.out.List) != 1 {
		return false
	}
	_, ok := p.out.List[0].(Refuse)
	return ok
}

// withoutCopy is a record of which Exchange has nothing, or nothing that counts.
func (p *planning) withoutCopy() {
	r, guests := p.record, len(p.Copies) > 0
	switch {
	case r == nil && guests:
		p.skip(ReasonOrganizer)
	case r == nil, !r.Gone.IsZero():
		p.skip(ReasonRemoved)
	case p.Pair != nil && p.Pair.RemoteID != "":
		if x := p.Pair.Mailbox; !p.Users.synced(x) {
			p.skip(ReasonOff)
		} else {
			p.only(Wait{ReasonUnread})
		}
	case r.Stub:
		p.skip(ReasonRemoved)
	case p.base != nil && !(p.base.CRM.Cancelled && !p.c.Cancelled):
		p.skip(ReasonRemoved) // it was in Exchange, and is there no more
	case r.Status == portal.StatusCancelled:
		p.skip(ReasonCancelled)
	case r.Origin == portal.SourceExchange && p.base == nil && !p.Quiet: // quietly it is restored
		p.skip(ReasonOff)
	default:
		p.create()
	}
}

// create makes Exchange's side of a record.
func (p *planning) create() {
	home, ok := p.home()
	anew := p.base != nil
	p.base, p.invited = nil, false
	all := func(string) bool { return false }
	empty := Content{Start: p.c.Start, End: p.c.End, AllDay: p.c.AllDay, TimeZone: p.c.TimeZone, Recurrence: p.c.Recurrence}
	t := p.terms()
	t.Copy, t.Copies, t.ToExchange, t.ToCRM, t.CRMAt = all, nil, true, false, p.Now
	res := Compare(&Agreed{CRM: empty, Exchange: empty}, p.c, empty, t)
	to, noted := res.Target.Exchange, res.Noted
	if !p.Options.CopyReminders {
		to.Reminder = nil
		noted.Exchange.Reminder = nil
	}
	switch {
	case !p.Options.ToExchange:
		p.skip(ReasonWay)
	case p.leftOut(portal.ToExchange, &p.c):
		p.skip(ReasonLeftOut)
	case !p.Users.synced(p.record.Calendar) && len(to.Attendees) == 0:
		p.skip(ReasonNoOne)
	case !ok:
		p.refuse(ReasonNoHome, "no user with a mailbox is set to send the invitations of owners who have none")
	case slices.Contains(p.Unread, home):
		p.only(Wait{ReasonUnread})
	default:
		p.invite(home, to, noted, anew)
	}
}

// invite makes the steps of a creation.
func (p *planning) invite(home portal.Address, to Content, noted Agreed, anew bool) {
	send := p.inviting(&to)
	a := p.appointment(&to, home)
	if anew { // a cancellation of the old one is out: clients take no more notice of its UID
		a.UID = ""
	}
	p.out.List = append(p.out.List, CreateExchange{Mailbox: home, Appointment: a, ChangeID: p.record.ID, Send: send})
	p.out.wrote.exchange, p.out.wrote.anew = true, true
	p.invited = send
	if to.Recurrence != "" {
		bare := to
		bare.Exceptions, bare.Deleted = nil, nil
		p.parts(&bare, &to, portal.Entry{}, true)
	}
	p.fileSteps(nil, to.Files, portal.Entry{})
	if p.refused() {
		return
	}
	p.finish(Agreed{CRM: p.c, Exchange: to}, noted, portal.ToExchange, "create", &Content{}, &to)
	p.out.Pair.Mailbox = home
}

// terms are what Compare needs to know.
func (p *planning) terms() Terms {
	t := Terms{ToExchange: p.Options.ToExchange, ToCRM: p.Options.ToCRM, Reminders: p.Options.CopyReminders, Map: p.mapper,
		MaxFile: p.Options.MaxAttachment, Now: p.Now}
	t.Local = func(key string) bool { return p.Users.local(portal.Address(key)) }
	t.Copy = func(key string) bool { return p.copyOf(key) != nil }
	t.Synced = t.Copy
	t.Mailbox = func(key string) bool { return p.Users.synced(portal.Address(key)) }
	t.Off = func(key string) bool {
		return p.copyOf(key) == nil && slices.ContainsFunc(p.Copies, func(it portal.SyncItem) bool {
			return string(it.Mailbox) == key && !it.Entry.Mine && (!it.Gone.IsZero() || it.Entry.Status == portal.StatusCancelled)
		})
	}
	return t
}

// compare is the case of an appointment that both sides have.
func (p *planning) compare() {
	r, e := p.record, &p.truth.Entry
	if !p.Users.synced(p.truth.Mailbox) {
		p.skip(ReasonOff)
		return
	}
	if p.base == nil && p.ours() {
		p.base = &Agreed{CRM: p.c, Exchange: p.e}
		p.since()
		p.invited = p.inviting(&p.e)
	}
	if p.base == nil && r.Origin == portal.SourceExchange && r.Revision == 1 && r.ChangedBy == portal.CRMSync && r.UID == e.UID {
		p.base = p.untouched()
		p.invited = e.Mine && len(p.e.Attendees) > 0
	}
	p.adopting = p.base == nil
	upgrade := r.Stub && e.Mine
	t := p.terms()
	t.CRMAt, t.ExchangeAt = p.times()
	t.ToExchange = t.ToExchange && e.Mine && !p.leftOut(portal.ToExchange, &p.c)
	t.ToCRM = t.ToCRM && !p.leftOut(portal.ToCRM, &p.e)
	t.ReadOnly = r.Stub
	t.Copies = p.guests()
	res := Compare(p.base, p.c, p.e, t)
	if gained := p.base == nil || added(p.base.Exchange.Attendees, p.e.Attendees); gained && e.Mine && len(p.e.Attendees) > 0 && !p.invited {
		p.invited = true // their organiser invited them there
	}
	p.respond(res.Answers)
	if t.ToExchange && !t.ReadOnly {
		p.update(&res.Target.Exchange)
	}
	if p.refused() {
		return
	}
	if t.ToCRM && (!equal(&p.c, &res.Target.CRM) || upgrade || r.UID != e.UID && e.UID != "") {
		p.store(&res.Target.CRM, upgrade)
	}
	p.conflicts(res.Losses)
	dir, from, to := portal.ToExchange, &p.e, &res.Target.Exchange
	if !p.out.wrote.exchange {
		dir, from, to = portal.ToCRM, &p.c, &res.Target.CRM
	}
	p.finish(res.Target, res.Noted, dir, "update", from, to)
	if len(p.out.List) == 0 {
		p.settled(res.Noted)
	}
}

// untouched is what was agreed about a record that we made of an entry without noting it, and that nobody changed since: all that
// differs was changed in Exchange.
func (p *planning) untouched() *Agreed {
	b := Agreed{CRM: p.c, Exchange: p.c}.clone()
	b.Exchange.Attendees = slices.DeleteFunc(b.Exchange.Attendees, func(x Person) bool {
		return p.e.person(x.Key) == nil && p.copyOf(x.Key) != nil
	})
	b.Exchange.Files = slices.Clone(p.e.Files)
	b.Exchange.Files = slices.DeleteFunc(b.Exchange.Files, func(f File) bool { return file(p.c.Files, f.Name) == nil })
	return &b
}

// since gives a creation of ours whose pair was never noted what CRM has changed after it: Exchange's side is what CRM had.
func (p *planning) since() {
	was := p.e
	was.Files = nil
	for _, k := range p.c.Files {
		if slices.ContainsFunc(p.e.Files, func(f File) bool { return f.Name == k.Name }) {
			was.Files = append(was.Files, k)
		}
	}
	was.Attendees = slices.Clone(p.e.Attendees)
	for _, a := range p.c.Attendees {
		if p.e.person(a.Key) == nil && p.Users.local(portal.Address(a.Key)) {
			a.Via = ViaCRM
			was.Attendees = append(was.Attendees, a)
		}
	}
	if !p.Options.CopyReminders {
		was.Reminder = p.c.Reminder
	}
	b := Agreed{CRM: was, Exchange: p.e}
	b.CRM = p.unmapped(b.CRM)
	p.base = &b
}

// unmapped is of a side that rules made what they made it of, as far as that still is what CRM has.
func (p *planning) unmapped(was Content) Content {
	mapped, _ := p.mapper(portal.ToExchange, p.c)
	for _, f := range fields() {
		if f.same(&mapped, &p.e) || f.alike != nil && f.alike(&mapped, &p.e) {
			f.set(&was, &p.c)
		}
	}
	if slices.Equal(mapped.Categories, p.e.Categories) {
		was.Categories = p.c.Categories
	}
	return was
}

// settled is a plan without anything to write: it is noted, where that is not noted yet.
func (p *planning) settled(noted Agreed) {
	q, e := p.Pair, &p.truth.Entry
	if q != nil && p.base != nil && q.State == portal.SyncDone && q.RemoteID == e.RemoteID && q.Mailbox == p.truth.Mailbox && q.ChangeKey == e.ChangeKey &&
		q.Revision == p.record.Revision && q.UID == p.out.Pair.UID && q.Invited == p.invited && equal(&p.base.CRM, &noted.CRM) && equal(&p.base.Exchange, &noted.Exchange) {
		p.skip(ReasonInStep)
		return
	}
	p.out.List, p.out.What = []Step{Adopt{}}, "adopt"
}

// finish notes what both sides are to be after the steps and then agree on, and the line for the log.
func (p *planning) finish(target, noted Agreed, d portal.Direction, what string, from, to *Content) {
	q := portal.SyncPair{State: portal.SyncDone}
	if p.Pair != nil {
		q = *p.Pair
		q.State, q.Reason = portal.SyncDone, ""
	}
	if p.record != nil {
		q.CRM, q.UID, q.Revision = p.record.ID, p.record.UID, p.record.Revision
	}
	if p.truth != nil {
		q.Mailbox, q.RemoteID, q.ChangeKey = p.truth.Mailbox, p.truth.Entry.RemoteID, p.truth.Entry.ChangeKey
		if p.truth.Entry.UID != "" {
			q.UID = p.truth.Entry.UID
		}
	}
	q.Invited = p.invited
	p.out.Pair, p.out.before, p.out.target, p.out.noted, p.out.plan = &q, Agreed{p.c, p.e}, target, noted, p
	p.out.What, p.out.Direction = what, d
	p.out.Before, p.out.After = texts(from, to)
}
