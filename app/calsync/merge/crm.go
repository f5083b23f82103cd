package merge

import (
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// The steps that make CRM's side what it is to be, and records and appointments made from the other side.

// store puts the record as it is to be.
func (p *planning) store(to *Content, upgrade bool) {
	r := clone(p.record)
	fetch := p.fill(&r, &p.c, to)
	crm, ex := p.times()
	r.ChangedAt, r.ChangedBy = crm, portal.CRMSync
	if ex.After(crm) {
		r.ChangedAt = ex
	}
	if e := &p.truth.Entry; e.UID != "" {
		r.UID = e.UID
	}
	if upgrade {
		p.own(&r)
	}
	p.out.List = append(p.out.List, PutCRM{Record: r, Mailbox: p.truth.Mailbox, Fetch: fetch, Alert: p.alerts(&p.c, to)})
	p.out.wrote.crm = true
}

// own makes a record that of the mailbox in which the truth stands.
func (p *planning) own(r *portal.CRMAppointment) {
	t := p.truth
	r.Stub, r.Calendar, r.Mine, r.Response = false, t.Mailbox, true, portal.ResponseOrganizer
	r.Organizer = t.Entry.Organizer
	r.Organizer.URI, r.Organizer.Response = t.Mailbox, portal.ResponseOrganizer
	if x, ok := p.Users.Of(t.Mailbox); ok {
		if r.Organizer.Email == "" {
			r.Organizer.Email = x.Email
		}
		if r.Organizer.Name == "" {
			r.Organizer.Name = x.Name()
		}
	}
}

// clone copies a record as deeply as it is changed here.
func clone(r *portal.CRMAppointment) portal.CRMAppointment {
	out := *r
	out.Attendees, out.Categories = slices.Clone(r.Attendees), slices.Clone(r.Categories)
	out.Exceptions, out.Deleted = slices.Clone(r.Exceptions), slices.Clone(r.Deleted)
	out.Kept, out.Attachments = slices.Clone(r.Kept), slices.Clone(r.Attachments)
	return out
}

// fill makes a record what a Content says, where that is another than the record's own; it gives the files that have to be fetched.
func (p *planning) fill(r *portal.CRMAppointment, from, to *Content) []portal.Attachment {
	html := ""
	if to.Body == p.e.Body && p.truth != nil {
		html = p.truth.Entry.BodyHTML
	}
	p.fillOne(&r.Appointment, from, to, html, time.Time{})
	if from.Recurrence != to.Recurrence {
		r.Recurrence = to.Recurrence
	}
	r.Kind = portal.KindSingle
	if r.Recurrence != "" {
		r.Kind = portal.KindMaster
	}
	p.fillParts(r, from, to)
	return p.fillFiles(r, to)
}

// fillOne does it for an appointment or an occurrence.
func (p *planning) fillOne(a *portal.Appointment, from, to *Content, html string, occurrence time.Time) {
	set := func(changed bool, do func()) {
		if changed {
			do()
		}
	}
	set(from.Subject != to.Subject, func() { a.Subject = to.Subject })
	set(from.Location != to.Location, func() { a.Location = to.Location })
	set(from.Body != to.Body, func() { a.Body, a.BodyHTML = to.Body, html })
	set(!sameWhen(from, to), func() {
		a.Start, a.End, a.AllDay = to.Start, to.End, to.AllDay
		if !to.AllDay {
			a.TimeZone = to.TimeZone
		}
	})
	set(from.Show != to.Show, func() { a.Show = to.Show })
	set(from.Private != to.Private, func() { a.Private = to.Private })
	set(!sameReminder(from.Reminder, to.Reminder), func() { a.ReminderMinutes = to.Reminder })
	set(!slices.Equal(from.Categories, to.Categories), func() { a.Categories = slices.Clone(to.Categories) })
	a.Attendees = p.list(a.Attendees, to, occurrence)
	a.Meeting = len(to.Attendees) > 0
}

// list is a list of attendees with the people of a Content: those who were on it as they were, with their newest answer, then the others.
func (p *planning) list(was []portal.Attendee, to *Content, occurrence time.Time) []portal.Attendee {
	organizers := p.orgs
	out := []portal.Attendee{}
	done := map[string]bool{}
	for _, a := range was {
		key := p.n.key(a)
		want := to.person(key)
		switch {
		case key == "" || slices.Contains(organizers, key) || a.Response == portal.ResponseOrganizer:
			out = append(out, a)
		case want != nil && !done[key]:
			done[key] = true
			out = append(out, p.answered(a, *want, occurrence))
		}
	}
	for _, want := range to.Attendees {
		if !done[want.Key] {
			out = append(out, p.answered(want.attendee(), want, occurrence))
		}
	}
	return out
}

// answered gives an attendee the role and the answer of a person.
func (p *planning) answered(a portal.Attendee, want Person, occurrence time.Time) portal.Attendee {
	if a.URI == "" {
		a.URI = p.n.uri(a)
	}
	if a.Role == "" || a.Role != want.Role {
		a.Role = want.Role
	}
	news, ok := p.answers[answerKey(want.Key, occurrence)]
	if want.Via == ViaCRM || p.Users.local(portal.Address(want.Key)) || !ok || news.Response != want.Response {
		if a.Response != want.Response && (a.Response.Answerable() || want.Response.Answerable()) {
			a.Response, a.RespondedAt = want.Response, time.Time{}
		}
		return a
	}
	a.Response, a.RespondedAt, a.Comment = news.Response, news.RespondedAt, news.Comment
	a.ProposedStart, a.ProposedEnd = news.ProposedStart, news.ProposedEnd
	return a
}

// fillParts makes the occurrences of a record.
func (p *planning) fillParts(r *portal.CRMAppointment, from, to *Content) {
	old := map[string]portal.Appointment{}
	for _, x := range r.Exceptions {
		old[Stamp(x.RecurrenceID)] = x
	}
	r.Exceptions, r.Deleted = nil, nil
	for _, id := range to.Deleted {
		if t, err := ParseStamp(id); err == nil {
			r.Deleted = append(r.Deleted, t)
		}
	}
	for _, id := range sortedIDs(to.Exceptions) {
		t, err := ParseStamp(id)
		if err != nil {
			continue
		}
		want, was := to.Exceptions[id], from.occurrence(id)
		x, ok := old[id]
		if !ok {
			x = r.Appointment
			x.Kind, x.RecurrenceID, x.Attachments = portal.KindException, t, nil
			was = to.plain(id)
			x.Start, x.End = was.Start, was.End
		}
		html := ""
		if e, is := p.e.Exceptions[id]; is && e.Body == want.Body {
			html = p.htmlAt(t)
		}
		p.fillOne(&x, &was, &want, html, t)
		r.Exceptions = append(r.Exceptions, x)
	}
}

func (p *planning) htmlAt(t time.Time) string {
	for i := range p.truth.Entry.Exceptions {
		if x := &p.truth.Entry.Exceptions[i]; x.RecurrenceID.Equal(t) {
			return x.BodyHTML
		}
	}
	return ""
}

// fillFiles makes the files of a record; those that Exchange has and CRM does not are given back.
func (p *planning) fillFiles(r *portal.CRMAppointment, to *Content) []portal.Attachment {
	var fetch []portal.Attachment
	var kept []portal.CRMFile
	for i := range to.Files {
		f := &to.Files[i]
		if k, ok := p.keptOf(r, f); ok {
			kept = append(kept, k)
			continue
		}
		fetch = append(fetch, portal.Attachment{ID: f.Ref, Name: f.Name, ContentType: f.Type, Size: f.Size})
	}
	r.Kept = kept
	ids := func(id string) bool {
		return slices.ContainsFunc(kept, func(k portal.CRMFile) bool { return k.ID == id })
	}
	r.Attachments = slices.DeleteFunc(r.Attachments, func(a portal.Attachment) bool { return !ids(a.ID) })
	return fetch
}

func (p *planning) keptOf(r *portal.CRMAppointment, f *File) (portal.CRMFile, bool) {
	for _, k := range r.Kept {
		if k.ID == f.Ref && k.Hash == f.Hash && f.Hash != "" {
			return k, true
		}
	}
	return portal.CRMFile{}, false
}

// appointment is a record as it is made in a mailbox.
func (p *planning) appointment(to *Content, home portal.Address) portal.Appointment {
	a := p.record.Appointment
	a.ID, a.Calendar, a.People, a.Companies, a.Attachments, a.Version, a.Sync = "", home, nil, nil, nil, "", portal.SyncState{}
	if a.Body = to.Body; to.Body != p.c.Body {
		a.BodyHTML = ""
	}
	a.Subject, a.Location, a.Show, a.Private = to.Subject, to.Location, to.Show, to.Private
	a.Start, a.End, a.AllDay, a.Recurrence = to.Start, to.End, to.AllDay, to.Recurrence
	a.ReminderMinutes, a.Categories = to.Reminder, slices.Clone(to.Categories)
	a.Status, a.Source = portal.StatusConfirmed, portal.SourceExchange
	a.Attendees = []portal.Attendee{}
	for _, x := range to.Attendees {
		at := x.attendee()
		at.Response = portal.ResponseNone
		a.Attendees = append(a.Attendees, at)
	}
	a.Meeting = len(a.Attendees) > 0
	a.Kind = portal.KindSingle
	if a.Recurrence != "" {
		a.Kind = portal.KindMaster
	}
	return a
}

// madeInExchange makes CRM's side of an entry.
func (p *planning) madeInExchange() {
	t := p.truth
	switch {
	case p.e.Cancelled:
		p.skip(ReasonCancelled)
		return
	case !p.Options.ToCRM:
		p.skip(ReasonWay)
		return
	case p.leftOut(portal.ToCRM, &p.e):
		p.skip(ReasonLeftOut)
		return
	}
	to, _ := p.mapper(portal.ToCRM, p.e)
	for _, g := range p.guests() {
		if g.Key != string(t.Mailbox) || !t.Entry.Mine {
			if to.person(g.Key) == nil && !slices.Contains(p.orgs, g.Key) {
				g.Via = ViaCopy
				to.Attendees = append(to.Attendees, g)
			}
		}
	}
	slices.SortFunc(to.Attendees, func(a, b Person) int { return strings.Compare(a.Key, b.Key) })
	to.Files = slices.DeleteFunc(slices.Clone(to.Files), func(f File) bool { return p.Options.MaxAttachment > 0 && f.Size > p.Options.MaxAttachment })
	if !p.Options.CopyReminders {
		to.Reminder = nil
	}
	r := p.recordOf(&to)
	from := Content{}
	fetch := p.fill(&r, &from, &to)
	p.invited = t.Entry.Mine && len(p.e.Attendees) > 0
	alert := !p.Quiet && len(to.Attendees) > 0 && !to.over(p.Now)
	p.out.List = append(p.out.List, PutCRM{Record: r, Mailbox: t.Mailbox, Fetch: fetch, Alert: alert})
	p.out.wrote.crm = true
	p.finish(Agreed{CRM: to, Exchange: p.e}, Agreed{CRM: to, Exchange: p.e}, portal.ToCRM, "create", &from, &to)
	p.out.Pair.CRM, p.out.Pair.UID = r.ID, r.UID
}

// recordOf is a new record with what does not stand in a Content.
func (p *planning) recordOf(to *Content) portal.CRMAppointment {
	t := p.truth
	at := t.Entry.UpdatedAt
	if at.IsZero() || at.After(p.Now) {
		at = p.Now
	}
	r := portal.CRMAppointment{Origin: portal.SourceExchange, Stub: !t.Entry.Mine, ChangedAt: at, ChangedBy: portal.CRMSync}
	r.ID, r.UID, r.Calendar = p.NewID, t.Entry.UID, t.Mailbox
	r.Organizer, r.Mine, r.Response = t.Entry.Organizer, t.Entry.Mine, t.Entry.Response
	r.Organizer.Response = portal.ResponseOrganizer
	r.Status, r.Source, r.Show = portal.StatusPending, portal.SourceCRM, to.Show
	r.InvitedAt, r.TimeZone, r.Sequence = t.Entry.InvitedAt, t.Entry.TimeZone, t.Entry.Sequence
	r.Start, r.End, r.AllDay = to.Start, to.End, to.AllDay
	if t.Entry.Mine {
		p.own(&r)
	} else if uri := p.n.uri(r.Organizer); uri != "" {
		r.Organizer.URI = uri
	}
	return r
}
