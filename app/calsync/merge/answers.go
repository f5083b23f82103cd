package merge

import (
	"slices"
	"time"

	"portico/app/portal"
)

// Answers: where the newest one of somebody is to be found, and how one that was given in CRM gets into their mailbox.

// copyOf is the living invitee's copy in somebody's mailbox; one that was cancelled says nothing.
func (p *planning) copyOf(key string) *portal.SyncItem {
	for i := range p.Copies {
		if it := &p.Copies[i]; it.Gone.IsZero() && string(it.Mailbox) == key && !it.Entry.Mine &&
			it.Entry.Status != portal.StatusCancelled && p.Users.synced(it.Mailbox) {
			return it
		}
	}
	return nil
}

// answerOf gives an attendee of Exchange's side with their newest answer. Their own copy says it first; the organiser's copy where that
// has heard from them since, or where there is no copy of theirs. What we answered for them holds until it has heard of something later.
func (p *planning) answerOf(at Person, occurrence time.Time) Person {
	listed := p.listed(at.Key, occurrence)
	if own := p.copyOf(at.Key); own != nil {
		answer := own.Entry.Response
		if !occurrence.IsZero() {
			for i := range own.Entry.Exceptions {
				if x := &own.Entry.Exceptions[i]; x.RecurrenceID.Equal(occurrence) && x.Response != "" {
					answer = x.Response
				}
			}
		}
		heard := listed.Response.Answerable() && (listed.RespondedAt.After(own.ReadAt) ||
			!answer.Answerable() && (listed.RespondedAt.IsZero() || listed.RespondedAt.After(own.Entry.UpdatedAt)))
		if !heard && answer.Answerable() && answer != listed.Response {
			listed.Response, listed.RespondedAt = answer, own.Entry.UpdatedAt
		}
	} else if was := p.agreedPerson(at.Key, occurrence); was != nil && !was.Answered.IsZero() && !listed.RespondedAt.After(was.Answered) {
		listed.Response, listed.RespondedAt = was.Response, was.Answered
	}
	if !listed.Response.Answerable() {
		listed.Response = portal.ResponseNone
	}
	at.Response = listed.Response
	p.answers[answerKey(at.Key, occurrence)] = listed
	return at
}

func answerKey(key string, occurrence time.Time) string {
	if occurrence.IsZero() {
		return key
	}
	return key + "\x00" + Stamp(occurrence)
}

// listed is somebody's row in Exchange's list.
func (p *planning) listed(key string, occurrence time.Time) portal.Attendee {
	list := p.truth.Entry.Attendees
	if !occurrence.IsZero() {
		for i := range p.truth.Entry.Exceptions {
			if x := &p.truth.Entry.Exceptions[i]; x.RecurrenceID.Equal(occurrence) {
				list = x.Attendees
			}
		}
	}
	for _, a := range list {
		if p.n.key(a) == key {
			return a
		}
	}
	return portal.Attendee{}
}

// agreedPerson is somebody as Exchange last had them.
func (p *planning) agreedPerson(key string, occurrence time.Time) *Person {
	if p.base == nil {
		return nil
	}
	if occurrence.IsZero() {
		return p.base.Exchange.person(key)
	}
	if x, ok := p.base.Exchange.Exceptions[Stamp(occurrence)]; ok {
		return x.person(key)
	}
	return nil
}

// respond makes the steps that answer in the mailboxes of those who answered in CRM.
func (p *planning) respond(given []GivenAnswer) {
	for _, g := range given {
		own := p.copyOf(g.Key)
		if own == nil {
			continue
		}
		st := Answer{Mailbox: own.Mailbox, Ref: own.Entry, Response: g.Response, Comment: p.comment(g), Send: !p.Quiet && !p.e.over(p.Now)}
		if g.Occurrence != "" {
			if t, err := ParseStamp(g.Occurrence); err == nil {
				st.Occurrence = t
			}
		}
		p.out.List = append(p.out.List, st)
	}
}

// comment is what somebody wrote in CRM with their answer.
func (p *planning) comment(g GivenAnswer) string {
	list := p.record.Attendees
	for i := range p.record.Exceptions {
		if x := &p.record.Exceptions[i]; g.Occurrence != "" && Stamp(x.RecurrenceID) == g.Occurrence {
			list = x.Attendees
		}
	}
	for _, a := range list {
		if p.n.key(a) == g.Key {
			return a.Comment
		}
	}
	return ""
}

// guests are those who have a living copy of a meeting of somebody else's.
func (p *planning) guests() []Person {
	var out []Person
	for i := range p.Copies {
		it := &p.Copies[i]
		if !it.Gone.IsZero() || it.Entry.Mine || !p.Users.synced(it.Mailbox) || it.Entry.Status == portal.StatusCancelled {
			continue
		}
		key := string(it.Mailbox)
		if slices.Contains(p.orgs, key) {
			continue
		}
		x, _ := p.Users.Of(it.Mailbox)
		at := Person{Key: key, Email: x.Email, Name: x.Name(), Role: portal.RoleRequired, Response: it.Entry.Response}
		if at.Email == "" {
			at.Email = bare(it.Mailbox)
		}
		if !at.Response.Answerable() {
			at.Response = portal.ResponseNone
		}
		a := portal.Attendee{URI: it.Mailbox, Name: at.Name, Email: at.Email, Role: at.Role, Response: at.Response}
		if a.Response != portal.ResponseNone {
			a.RespondedAt = it.Entry.UpdatedAt
		}
		if _, known := p.answers[key]; !known {
			p.answers[key] = a
		}
		out = append(out, at)
	}
	return out
}
