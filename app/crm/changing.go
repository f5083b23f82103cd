package crm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Changing: what a change means by its scope, as the calendar has it.

func (s *Service) change(ctx context.Context, me portal.Address, e *edit, ch portal.AppointmentChange) error {
	if ch.Attendees != nil {
		list, err := s.invited(ctx, me, e.is.Calendar, portal.Appointment{Attendees: *ch.Attendees})
		if err != nil {
			return err
		}
		ch.Attendees = &list.Attendees
	}
	if ch.AllDay != nil && *ch.AllDay != e.now.AllDay && ch.Start == nil {
		return bad("calendar.times")
	}
	if ch.Subject != nil {
		ch.Subject = ptr(line(*ch.Subject))
	}
	if ch.Location != nil {
		ch.Location = ptr(line(*ch.Location))
	}
	ch = series.Differing(&e.is.Appointment, &e.now, ch)
	if ch.Empty() {
		return nil
	}
	switch {
	case e.is.Recurrence == "" || e.now.RecurrenceID.IsZero():
		return s.whole(ctx, me, e, ch)
	case ch.Scope == portal.ScopeOne || ch.Scope == "":
		return s.one(ctx, me, e, ch)
	case ch.Scope == portal.ScopeAll:
		return s.whole(ctx, me, e, series.Whole(e.is.Entry, e.now, ch))
	case ch.Scope == portal.ScopeFollowing:
		return s.cut(ctx, me, e, ch)
	}
	return bad("calendar.scope")
}

func ptr[T any](v T) *T { return &v }

// whole changes a single record or all of a series. Changed occurrences follow in what they have in common with it.
func (s *Service) whole(ctx context.Context, me portal.Address, e *edit, ch portal.AppointmentChange) error {
	was := e.is.Appointment
	after, err := s.checked(ctx, me, e.is.Calendar, series.Apply(was, ch))
	if err != nil {
		return err
	}
	e.is.Appointment = after
	series.KeepExceptions(&e.is.Entry, ch, was.Recurrence)
	for i := range e.is.Exceptions {
		follow(&e.is.Exceptions[i], &was, &after, ch)
	}
	if ch.Timed() && !sameTimes(&was, &after) {
		return s.ask(ctx, &e.is.Appointment)
	}
	return nil
}

func sameTimes(a, b *portal.Appointment) bool {
	return a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.AllDay == b.AllDay && a.Recurrence == b.Recurrence
}

// follow gives a changed occurrence what changed about its series, where it had that from it.
func follow(x, was, is *portal.Appointment, ch portal.AppointmentChange) {
	inherit(&x.Subject, was.Subject, is.Subject)
	inherit(&x.Location, was.Location, is.Location)
	inherit(&x.Body, was.Body, is.Body)
	inherit(&x.Show, was.Show, is.Show)
	inherit(&x.Private, was.Private, is.Private)
	if same(x.ReminderMinutes, was.ReminderMinutes) {
		x.ReminderMinutes = is.ReminderMinutes
	}
	if slices.Equal(x.Categories, was.Categories) {
		x.Categories = is.Categories
	}
	if ch.Attendees == nil {
		return
	}
	has := func(list []portal.Attendee, email string) bool {
		return slices.ContainsFunc(list, func(p portal.Attendee) bool { return strings.EqualFold(p.Email, email) })
	}
	x.Attendees = slices.DeleteFunc(x.Attendees, func(p portal.Attendee) bool { return has(was.Attendees, p.Email) && !has(is.Attendees, p.Email) })
	for _, p := range is.Attendees {
		if !has(was.Attendees, p.Email) && !has(x.Attendees, p.Email) {
			x.Attendees = append(x.Attendees, p)
		}
	}
}

func inherit[T comparable](to *T, was, is T) {
	if *to == was {
		*to = is
	}
}

func same(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// one changes one occurrence.
func (s *Service) one(ctx context.Context, me portal.Address, e *edit, ch portal.AppointmentChange) error {
	if ch.Recurrence != nil {
		return bad("calendar.recurrence-one")
	}
	x := series.Changed(&e.is.Entry, e.now.RecurrenceID)
	if x == nil {
		return portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	was := *x
	after := series.Apply(was, ch)
	after.Recurrence = "" // an occurrence's own times are those of a single one
	after, err := s.checked(ctx, me, e.is.Calendar, after)
	if err != nil {
		return err
	}
	after.Recurrence, after.RecurrenceID = was.Recurrence, was.RecurrenceID
	*x = after
	if ch.Timed() && !sameTimes(&was, &after) {
		return s.ask(ctx, x)
	}
	return nil
}

// ask takes the answers of those back who gave them here: to another time they have to be asked again. Those of people with a
// mailbox are their mailbox's.
func (s *Service) ask(ctx context.Context, a *portal.Appointment) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	for i := range a.Attendees {
		if p := &a.Attendees[i]; p.URI != "" && !d.synced(p.URI) {
			*p = unanswered(*p)
		}
	}
	return nil
}

// cut changes an occurrence and all that follow: the series ends before it, and another begins with it.
func (s *Service) cut(ctx context.Context, me portal.Address, e *edit, ch portal.AppointmentChange) error {
	at := e.now.RecurrenceID
	head, tail, err := series.Parts(&e.is.Entry, at)
	if errors.Is(err, portal.ErrInvalid) && at.Equal(e.is.Start) { // the first: all of it
		return s.whole(ctx, me, e, series.Whole(e.is.Entry, e.now, ch))
	}
	if err != nil {
		return err
	}
	later := cloned(e.is)
	later.ID, later.UID, later.Revision, later.Origin = newID(), uuid.NewString(), 0, portal.SourceCRM
	later.Start, later.End = tail.Start.UTC(), tail.End.UTC()
	if tail.Rule != nil {
		later.Recurrence = tail.Rule.String()
	}
	whole := series.WholeOf(later.Appointment, e.now, ch)
	part := &edit{was: later, is: later, now: later.Appointment}
	part.is.Exceptions = slices.DeleteFunc(slices.Clone(later.Exceptions), func(x portal.Appointment) bool { return !x.RecurrenceID.After(at) })
	part.is.Deleted = slices.DeleteFunc(slices.Clone(later.Deleted), at.After)
	if ch.Timed() { // nothing is left that the exceptions could be exceptions of
		part.is.Exceptions, part.is.Deleted = nil, nil
	}
	if err := s.whole(ctx, me, part, whole); err != nil {
		return err
	}
	now := s.o.Now().UTC()
	part.is.ChangedAt, part.is.ChangedBy, part.is.UpdatedAt, part.is.InvitedAt, part.is.Sequence = now, string(me), now, now, 0
	e.is.Recurrence = head.Rule.String()
	before(&e.is, at)
	e.more, e.shown = append(e.more, part.is), true
	return nil
}
