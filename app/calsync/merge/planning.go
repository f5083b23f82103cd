package merge

import (
	"slices"
	"strings"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// What a plan is made with: which copy is the truth in Exchange, both sides as Contents, who is who.

// planning is a plan in the making.
type planning struct {
	Facts
	n naming
	// record is CRM's side, nil: none; truth the living copy that is Exchange's side, lost the one that was and is gone.
	record *portal.CRMAppointment
	truth  *portal.SyncItem
	lost   *portal.SyncItem
	base   *Agreed
	// noted is base as it was noted, tried what was tried since; nil: nothing.
	noted *Agreed
	tried *tried
	c, e  Content
	// answers are the attendees with their newest answers, by key and occurrence.
	answers map[string]portal.Attendee
	out     Steps
	// orgs are the keys of those whose appointment it is, on either side: they are no attendees.
	orgs []string
	// invited: those invited have been told by mail.
	invited bool
	// adopting: both sides were there before anything was agreed, so that nobody is to hear of what is made alike.
	adopting bool
}

func newPlanning(f Facts) *planning {
	p := &planning{Facts: f, n: newNaming(f.Users), record: f.Record, answers: map[string]portal.Attendee{}}
	if f.Pair != nil {
		p.invited = f.Pair.Invited
		if len(f.Pair.Agreed) > 0 {
			if b, t, err := readForm(f.Pair.Agreed); err == nil {
				p.base, p.noted, p.tried = b, b, t
			}
		}
		if p.base == nil && p.tried != nil && f.Pair.RemoteID == "" {
			p.Pair = nil // nothing is agreed yet
		}
	}
	if p.base != nil {
		p.n.locate(&p.base.CRM)
		p.n.locate(&p.base.Exchange)
		p.n.learnPersons(p.base.CRM.Attendees)
		p.n.learnPersons(p.base.Exchange.Attendees)
	}
	p.choose()
	p.adopt()
	if p.record != nil {
		p.n.learn(p.record.Attendees)
	}
	return p
}

// read makes Contents of both sides, as soon as it is clear which they are.
func (p *planning) read() {
	p.orgs = p.organizers()
	rd := reader{n: &p.n, organizers: p.orgs}
	if p.record != nil {
		p.c = rd.record(p.record)
	}
	if p.truth != nil {
		rd.response = p.answerOf
		p.e = rd.entry(&p.truth.Entry)
		p.learn()
	}
}

// learn takes what came of an earlier try of ours into what was agreed.
func (p *planning) learn() {
	switch {
	case p.tried == nil:
	case p.base != nil:
		b := p.tried.learned(*p.base, &p.c, &p.e)
		p.invited = p.invited || p.tried.Invited && added(p.base.Exchange.Attendees, b.Exchange.Attendees)
		p.base = b
	case p.record != nil && p.tried.Record: // it is there: it was made as it was tried
		p.base = &Agreed{CRM: *p.tried.CRM, Exchange: *p.tried.Exchange}
		p.invited = p.tried.Invited
	case p.record != nil && p.truth.Entry.ChangeID == p.record.ID:
		p.base = p.tried.made(&p.e)
		p.invited = p.tried.Invited
	}
}

// organizers are the keys of those whose appointment it is, on either side.
func (p *planning) organizers() []string {
	var out []string
	add := func(k string) {
		if k != "" && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	if r := p.record; r != nil {
		if !r.Stub {
			add(string(r.Calendar))
		}
		add(p.n.key(r.Organizer))
	}
	for _, it := range []*portal.SyncItem{p.truth, p.lost} {
		if it == nil {
			continue
		}
		if it.Entry.Mine {
			add(string(it.Mailbox))
		}
		add(p.n.key(it.Entry.Organizer))
	}
	if p.truth == nil && p.record != nil && !p.record.Stub {
		if m, ok := p.home(); ok {
			add(string(m))
		}
	}
	return out
}

// choose finds the copy that is the truth: the organiser's; of a meeting of somebody else's the one that the pair names, or the first.
func (p *planning) choose() {
	for i := range p.Copies {
		it := &p.Copies[i]
		if !p.Users.synced(it.Mailbox) {
			continue
		}
		if it.Gone.IsZero() {
			if p.truth == nil || p.rank(it) > p.rank(p.truth) || p.rank(it) == p.rank(p.truth) && before(it, p.truth) {
				p.truth = it
			}
			continue
		}
		if p.paired(it) || it.Entry.Mine && p.Pair == nil {
			p.lost = it
		}
	}
	if p.truth == nil {
		return
	}
	if p.truth.Entry.Mine {
		p.lost = nil // it has only got another id there
		if p.truth.Entry.Status == portal.StatusCancelled {
			p.lost, p.truth = p.truth, nil
		}
		return
	}
	stub := p.record == nil || p.record.Stub
	if !stub || p.organizerSynced() && p.record == nil {
		p.truth = nil // the organiser's copy is the one that counts
	} else if p.lost != nil {
		p.lost = nil // others still have it
	}
}

// rank says how much a living copy has to be the truth.
func (p *planning) rank(it *portal.SyncItem) int {
	n := 0
	if it.Entry.Mine {
		n += 8
	}
	if p.paired(it) {
		n += 4
	}
	if p.record != nil && p.record.Calendar == it.Mailbox {
		n += 2
	}
	if len(it.Entry.Attendees) > 0 {
		n++
	}
	return n
}

// before orders copies that have the same rank: the older first.
func before(a, b *portal.SyncItem) bool {
	if !a.Entry.InvitedAt.Equal(b.Entry.InvitedAt) {
		return a.Entry.InvitedAt.Before(b.Entry.InvitedAt)
	}
	if a.Mailbox != b.Mailbox {
		return a.Mailbox < b.Mailbox
	}
	return a.Entry.RemoteID < b.Entry.RemoteID
}

func (p *planning) paired(it *portal.SyncItem) bool {
	return p.Pair != nil && p.Pair.RemoteID != "" && p.Pair.Mailbox == it.Mailbox && p.Pair.RemoteID == it.Entry.RemoteID
}

// organizerSynced tells whether an invitation's organiser is a user whose own copy counts, as soon as it has been read.
func (p *planning) organizerSynced() bool {
	x, ok := p.Users.ByEmail(p.truth.Entry.Organizer.Email)
	if !ok {
		x, ok = p.Users.Of(p.truth.Entry.Organizer.URI)
	}
	return ok && x.Synced()
}

// adopt joins what is the same appointment without having the same UID: made on both sides by hand, or restored.
func (p *planning) adopt() {
	if p.Pair != nil {
		return
	}
	if p.record != nil && p.record.Gone.IsZero() && p.truth == nil && p.lost == nil {
		home, ok := p.home()
		for i := range p.AlikeCopies {
			it := &p.AlikeCopies[i]
			if ok && it.Mailbox == home && it.Entry.Mine && it.Gone.IsZero() && alike(&p.record.Entry, &it.Entry) &&
				(it.Entry.ChangeID == p.record.ID || !strings.HasPrefix(it.Entry.ChangeID, portal.CRMPrefix)) {
				p.truth = it
				return
			}
		}
	}
	if p.record == nil && p.truth != nil && p.truth.Entry.Mine {
		for i := range p.AlikeRecords {
			r := &p.AlikeRecords[i]
			if r.Gone.IsZero() && !r.Stub && r.Calendar == p.truth.Mailbox && alike(&r.Entry, &p.truth.Entry) {
				p.record = r
				return
			}
		}
	}
}

// alike tells whether two of one organiser are the same appointment by what people see of it.
func alike(a, b *portal.Entry) bool {
	as, ae := tidyTimes(&a.Appointment)
	bs, be := tidyTimes(&b.Appointment)
	return a.AllDay == b.AllDay && as.Equal(bs) && ae.Equal(be) && (a.Recurrence == "") == (b.Recurrence == "") &&
		strings.EqualFold(strings.Join(strings.Fields(a.Subject), " "), strings.Join(strings.Fields(b.Subject), " "))
}

// home is the mailbox in which a record stands or has to be made; false: there is none for it.
func (p *planning) home() (portal.Address, bool) {
	if p.Users.synced(p.record.Calendar) {
		return p.record.Calendar, true
	}
	return p.Options.SyncUser, p.Users.synced(p.Options.SyncUser)
}

// ours tells whether a copy without a pair is what an earlier try of ours made, and nobody changed it since.
func (p *planning) ours() bool {
	t := p.truth
	return t != nil && p.record != nil && p.Pair == nil && t.Entry.ChangeID == p.record.ID && !t.Entry.InvitedAt.IsZero() &&
		t.Entry.UpdatedAt.Sub(t.Entry.InvitedAt) <= 2*time.Second
}

// mapper gives the rules as Compare wants them, and whether they leave the appointment out.
func (p *planning) mapper(d portal.Direction, c Content) (Content, mapping.Dropped) {
	if p.Rules == nil {
		return c, mapping.Dropped{}
	}
	o := p.Rules.Apply(d, p.item(&c))
	take := func(to *Content, it mapping.Item) {
		to.Subject, to.Body, to.Location = oneLine(it.Subject), paragraphs(it.Body), oneLine(it.Location)
		to.Categories, to.Private, to.Show = tidyList(it.Categories), it.Private, it.Show
	}
	whole := c
	take(&whole, o.Item)
	whole.Exceptions = nil
	for id, x := range c.Exceptions {
		take(&x, p.Rules.Apply(d, p.item(&x)).Item)
		whole.except(id, x)
	}
	return whole, o.Dropped
}

func (p *planning) leftOut(d portal.Direction, c *Content) bool {
	return p.Rules != nil && p.Rules.Apply(d, p.item(c)).LeftOut
}

// item is a Content as rules see it.
func (p *planning) item(c *Content) mapping.Item {
	it := mapping.Item{Subject: c.Subject, Body: c.Body, Location: c.Location, Categories: c.Categories, Private: c.Private, AllDay: c.AllDay,
		Show: c.Show, Meeting: len(c.Attendees) > 0}
	switch {
	case p.record != nil:
		it.Organizer = bare(p.record.Calendar)
		if p.record.Stub {
			it.Organizer = fold(p.record.Organizer.Email)
		}
	case p.truth != nil:
		it.Organizer = fold(p.truth.Entry.Organizer.Email)
	}
	switch home, ok := portal.Address(""), false; {
	case p.truth != nil:
		it.Mailbox = bare(p.truth.Mailbox)
	case p.record != nil:
		if home, ok = p.home(); ok {
			it.Mailbox = bare(home)
		}
	}
	return it
}

// times are when both sides were last changed, none after it was read: a clock that is ahead wins nothing.
func (p *planning) times() (crm, ex time.Time) {
	crm = p.record.ChangedAt
	if !p.record.Gone.IsZero() && p.record.Gone.After(crm) {
		crm = p.record.Gone
	}
	if crm.After(p.Now) {
		crm = p.Now
	}
	ex = p.truth.Entry.UpdatedAt
	if !p.truth.ReadAt.IsZero() && ex.After(p.truth.ReadAt) {
		ex = p.truth.ReadAt
	}
	if ex.After(p.Now) {
		ex = p.Now
	}
	return crm, ex
}
