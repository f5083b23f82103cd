package crm

import (
	"context"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Telling: whose calendars a change is seen in, and who has to be told in words.

// change is a record before (nil: it is new) and after.
type change struct {
	was *portal.CRMAppointment
	is  portal.CRMAppointment
	// alert: those whom it concerns are told. answered is whose answer it is, "" for none.
	alert    bool
	answered portal.Address
}

// put stores records with all that has to be told of them, and rings.
func (s *Service) put(ctx context.Context, key string, changes ...change) ([]portal.CRMAppointment, error) {
	list := make([]portal.CRMAppointment, len(changes))
	var evs []portal.Addressed
	var touched []portal.Address
	for i := range changes {
		c := &changes[i]
		list[i] = c.is
		evs = append(evs, s.events(c)...)
		touched = append(touched, people(c)...)
	}
	out, err := s.s.PutCRMAppointments(ctx, key, list, evs...)
	if err != nil {
		return nil, known(err, keyConflict, keyNotFound)
	}
	s.ring()
	slices.Sort(touched)
	s.o.Touched(slices.Compact(touched))
	return out, nil
}

// participants are the CRM users in whose calendars a record is seen: its owner and those invited, each once.
func participants(r *portal.CRMAppointment) []portal.Address {
	out := []portal.Address{r.Calendar}
	add := func(list []portal.Attendee) {
		for i := range list {
			if a := list[i].URI; a != "" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	add(r.Attendees)
	for i := range r.Exceptions {
		add(r.Exceptions[i].Attendees)
	}
	return out
}

// people are all whose calendars a change concerns.
func people(c *change) []portal.Address {
	out := participants(&c.is)
	if c.was != nil {
		for _, p := range participants(c.was) {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// events are what a change is told by.
func (s *Service) events(c *change) []portal.Addressed {
	var out []portal.Addressed
	before, after := []portal.Address(nil), participants(&c.is)
	if c.was != nil && c.was.Gone.IsZero() {
		before = participants(c.was)
	}
	if !c.is.Gone.IsZero() {
		after = nil
	}
	for _, p := range people(c) {
		kind := portal.Updated
		switch had, has := slices.Contains(before, p), slices.Contains(after, p); {
		case !had && !has:
			continue
		case !had:
			kind = portal.Created
		case !has:
			kind = portal.Deleted
		}
		to := append([]portal.Address{p}, s.o.Watching(p)...)
		out = append(out, portal.Addressed{For: to, Event: portal.CalendarEvent{ID: c.is.ID, Calendar: p, Change: kind}})
	}
	if c.answered != "" {
		out = append(out, portal.Addressed{For: []portal.Address{c.is.Calendar}, Event: answerEvent(c)})
	}
	if c.alert {
		out = append(out, s.notices(c, before, after)...)
	}
	return out
}

// answerEvent tells the owner who answered what.
func answerEvent(c *change) portal.ResponsesEvent {
	ev := portal.ResponsesEvent{ID: c.is.ID, Calendar: c.is.Calendar, Change: portal.Updated}
	for _, p := range c.is.Attendees {
		if p.URI == c.answered {
			ev.By, ev.Response = nameOf(p), p.Response
		}
	}
	return ev
}

func nameOf(p portal.Attendee) string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}

// notices are the alerts of a change: to whom it invites, whom it takes out, and, where it moves or cancels, to all who take
// part. Who made the change knows of it; of what is over nobody has to hear.
func (s *Service) notices(c *change, before, after []portal.Address) []portal.Addressed {
	now := s.o.Now()
	if over(&c.is, now) && (c.was == nil || over(c.was, now)) {
		return nil
	}
	author := portal.Address(c.is.ChangedBy)
	if c.is.ChangedBy == portal.CRMSync {
		author = c.is.Calendar // whose it is made the change in their own mailbox
	}
	cancelled := !c.is.Gone.IsZero() || c.is.Status == portal.StatusCancelled
	was := c.was != nil && (!c.was.Gone.IsZero() || c.was.Status == portal.StatusCancelled)
	var told map[string][]portal.Address
	tell := func(kind string, p portal.Address) {
		if p == author {
			return
		}
		if told == nil {
			told = map[string][]portal.Address{}
		}
		told[kind] = append(told[kind], p)
	}
	for _, p := range people(c) {
		had, has := slices.Contains(before, p), slices.Contains(after, p)
		switch {
		case cancelled && had && !was:
			tell(portal.NoticeCancelled, p)
		case cancelled:
		case has && (!had || was):
			tell(portal.NoticeInvited, p)
		case had && !has:
			tell(portal.NoticeRemoved, p)
		case had && has && movedBy(c):
			tell(portal.NoticeMoved, p)
		}
	}
	var out []portal.Addressed
	for _, kind := range []string{portal.NoticeInvited, portal.NoticeRemoved, portal.NoticeMoved, portal.NoticeCancelled} {
		for _, p := range told[kind] {
			ev := portal.NoticeEvent{ID: c.is.ID, Calendar: p, Kind: kind, Subject: c.is.Subject, Start: c.is.Start, End: c.is.End, AllDay: c.is.AllDay, By: author}
			out = append(out, portal.Addressed{For: []portal.Address{p}, Event: ev})
		}
	}
	return out
}

// movedBy reports whether a change is one of when the appointment, or any occurrence of it, takes place.
func movedBy(c *change) bool { return c.was != nil && whenOf(c.was) != whenOf(&c.is) }

// whenOf is all about when a record takes place, as one word.
func whenOf(r *portal.CRMAppointment) string {
	var b strings.Builder
	put := func(a *portal.Appointment) {
		b.WriteString(a.Start.UTC().Format(time.RFC3339) + a.End.UTC().Format(time.RFC3339))
		if a.AllDay {
			b.WriteByte('d')
		}
	}
	put(&r.Appointment)
	b.WriteString(r.Recurrence)
	var parts []string
	for i := range r.Exceptions {
		x := &r.Exceptions[i]
		if x.Start.Equal(x.RecurrenceID) && x.End.Sub(x.Start) == r.End.Sub(r.Start) && x.AllDay == r.AllDay {
			continue // something else is different about it
		}
		parts = append(parts, x.RecurrenceID.UTC().Format(time.RFC3339)+">"+x.Start.UTC().Format(time.RFC3339)+x.End.UTC().Format(time.RFC3339))
	}
	for _, d := range r.Deleted {
		parts = append(parts, d.UTC().Format(time.RFC3339)+"-")
	}
	slices.Sort(parts)
	b.WriteString(strings.Join(parts, ","))
	return b.String()
}
