package calendar

import (
	"context"
	"errors"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Splitting: "this one and all that follow" cuts a series in two. The later part is made first, then the earlier one ends
// before it: whatever goes wrong in between, nothing is lost.

// cut makes the intents of a change of an occurrence and all that follow.
func (s *Service) cut(ctx context.Context, l *lane, e portal.Entry, now portal.Appointment, ch portal.AppointmentChange) ([]portal.Intent, string, error) {
	head, tail, err := series.Parts(&e, now.RecurrenceID)
	if errors.Is(err, portal.ErrInvalid) && now.RecurrenceID.Equal(e.Start) { // the first: all of it
		ch.Scope = portal.ScopeAll
		return s.changes(ctx, l, e, now, ch)
	}
	if err != nil {
		return nil, "", err
	}
	later := e.Appointment
	later.Start, later.End = tail.Start.UTC(), tail.End.UTC()
	if tail.Rule != nil {
		later.Recurrence = tail.Rule.String()
	}
	timed := ch.Timed()
	later = series.Apply(later, series.WholeOf(later, now, ch))
	later.ID, later.UID, later.Attachments = "", "", nil
	if later, err = s.fresh(ctx, l.key.Reader, l.key.Owner, later); err != nil {
		return nil, "", err
	}
	create := s.intent(ctx, l, portal.IntentCreate, "")
	later.UID, later.ID = create.ID, entryID(l.key, create.ID)
	create.Entry, create.Appointment, create.Send = later.ID, &later, later.Meeting

	end := s.intent(ctx, l, portal.IntentChange, e.ID)
	rule := head.Rule.String()
	end.Change, end.Base = &portal.AppointmentChange{Scope: portal.ScopeAll, Recurrence: &rule}, ptr(e.Appointment)
	end.Send = e.Meeting && e.Mine
	list := []portal.Intent{create}
	if !timed { // else there is nothing left that the exceptions could be exceptions of
		list = append(list, s.inherited(ctx, l, &e, later.ID, now.RecurrenceID.Before)...)
	}
	list = append(list, end)
	// A server may forget all exceptions of a series that ends earlier: those that it kept are found as they should be.
	list = append(list, s.inherited(ctx, l, &e, e.ID, now.RecurrenceID.After)...)
	for i := range list[1:] {
		list[1+i].After = create.ID
	}
	return list, later.ID, nil
}

// inherited carries what was different about single occurrences over to a part of the series.
func (s *Service) inherited(ctx context.Context, l *lane, e *portal.Entry, part string, belongs func(time.Time) bool) []portal.Intent {
	var list []portal.Intent
	for _, d := range e.Deleted {
		if !belongs(d) {
			continue
		}
		in := s.intent(ctx, l, portal.IntentDelete, part)
		in.Occurrence = d
		list = append(list, in)
	}
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if !belongs(x.RecurrenceID) { // the one at the cut is what the change was made from
			continue
		}
		in := s.intent(ctx, l, portal.IntentChange, part)
		ch := series.Difference(&e.Appointment, x)
		if ch.Empty() {
			continue
		}
		in.Change, in.Send = &ch, mails(e.Appointment, ch) // the attendees' copies know nothing of it either
		list = append(list, in)
	}
	return list
}

// cutOff makes the intents of deleting an occurrence and all that follow: the series ends before it.
func (s *Service) cutOff(ctx context.Context, l *lane, e portal.Entry, now portal.Appointment, del portal.Intent) ([]portal.Intent, error) {
	head, _, err := series.Parts(&e, now.RecurrenceID)
	if errors.Is(err, portal.ErrInvalid) && now.RecurrenceID.Equal(e.Start) {
		return []portal.Intent{del}, nil
	}
	if err != nil {
		return nil, err
	}
	if e.Meeting && !e.Mine {
		return nil, portal.Fail(portal.ErrForbidden, keyOrganizer)
	}
	end := s.intent(ctx, l, portal.IntentChange, e.ID)
	rule := head.Rule.String()
	end.Change, end.Base = &portal.AppointmentChange{Scope: portal.ScopeAll, Recurrence: &rule}, ptr(e.Appointment)
	end.Send = e.Meeting && e.Mine
	return append([]portal.Intent{end}, s.inherited(ctx, l, &e, e.ID, now.RecurrenceID.After)...), nil
}
