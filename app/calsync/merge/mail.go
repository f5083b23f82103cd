package merge

import (
	"slices"
	"time"

	"portico/app/portal"
)

// Whether mail goes out: never one that a careful person in Outlook would not have sent.

// mayMail tells whether a plan may cause mail at all: what is only made alike, or read for the first time, causes none.
func (p *planning) mayMail() bool { return !p.Quiet && !p.adopting }

// tells tells whether those invited hear of a change: they have been told of the meeting, it is not over, and they see something of it.
func (p *planning) tells(from, to *Content, ch portal.AppointmentChange, past bool) bool {
	if with := p.withJoined(from, to); ch.Attendees != nil && sameList(with.Attendees, to.Attendees) {
		ch.Attendees = nil
	}
	return p.invited && p.mayMail() && !past && len(from.Attendees)+len(to.Attendees) > 0 && Visible(from, ch)
}

// withJoined is a Content with those of another who take part in the appointment already, in CRM alone, and who have a mailbox since: they
// are listed in Exchange, and no invitation tells them of what is older than their synchronisation.
func (p *planning) withJoined(from, to *Content) Content {
	out := *from
	if p.base == nil {
		return out
	}
	out.Attendees = slices.Clone(from.Attendees)
	for _, a := range to.Attendees {
		u, _ := p.Users.Of(portal.Address(a.Key))
		was := p.base.CRM.person(a.Key)
		if from.person(a.Key) == nil && was != nil && was.Via == ViaCRM && u.Synced() && p.made().Before(u.Since) {
			out.Attendees = append(out.Attendees, a)
		}
	}
	sortPersons(out.Attendees)
	return out
}

// Visible tells whether those invited see anything of a change: its reminder, categories, free/busy and private mark are the owner's
// alone, and white space in the text is nobody's business.
func Visible(from *Content, ch portal.AppointmentChange) bool {
	return ch.Subject != nil || ch.Location != nil || ch.Timed() || ch.Attendees != nil ||
		ch.Body != nil && !likeText(from.Body, *ch.Body)
}

// inviting tells whether the invitations of a record go out with its creation in Exchange: it was made after its owner's synchronisation
// began, and it is not over.
func (p *planning) inviting(to *Content) bool {
	if !p.mayMail() || len(to.Attendees) == 0 || to.over(p.Now) {
		return false
	}
	home, ok := p.home()
	if !ok {
		return false
	}
	owner, _ := p.Users.Of(home)
	made := p.made()
	return !made.IsZero() && !made.Before(owner.Since)
}

// made is when a record was made; zero: nobody knows.
func (p *planning) made() time.Time {
	if p.record.InvitedAt.IsZero() && p.record.Revision <= 1 {
		return p.record.ChangedAt
	}
	return p.record.InvitedAt
}

// calling tells whether the removal of an entry is a cancellation that people hear of.
func (p *planning) calling() bool {
	return p.invited && p.mayMail() && len(p.e.Attendees) > 0 && !p.e.over(p.Now)
}

// alerts tells whether people who take part are alerted in CRM of a record that becomes another.
func (p *planning) alerts(from, to *Content) bool {
	if p.Quiet || p.adopting || from.over(p.Now) && to.over(p.Now) || len(from.Attendees)+len(to.Attendees) == 0 {
		return false
	}
	return !sameWhen(from, to) || !sameList(from.Attendees, to.Attendees) || from.Cancelled != to.Cancelled
}
