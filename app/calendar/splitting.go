package calendar

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// Splitting: "this one and all that follow" cuts a series in two. The later part is made first, then the earlier one ends
// before it: whatever goes wrong in between, nothing is lost.

// parts are the two halves of a series, cut before one of its occurrences.
func parts(e *portal.Entry, at time.Time) (head, tail *recurrence.Series, err error) {
	rule, err := recurrence.Parse(e.Recurrence)
	if err != nil {
		return nil, nil, bad("calendar.recurrence").Because(err)
	}
	s := &recurrence.Series{Start: e.Start, End: e.End, AllDay: e.AllDay, Rule: &rule}
	if !e.AllDay {
		loc := place(e.TimeZone)
		s.Start, s.End = e.Start.In(loc), e.End.In(loc)
	}
	if head, tail, err = s.Split(at); err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(e.Exceptions, func(x portal.Appointment) bool { return x.Masked }) {
		return nil, nil, portal.Fail(portal.ErrForbidden, keyForbidden) // nobody carries over what they may not read
	}
	return head, tail, nil
}

// cut makes the intents of a change of an occurrence and all that follow.
func (s *Service) cut(ctx context.Context, l *lane, e portal.Entry, now portal.Appointment, ch portal.AppointmentChange) ([]portal.Intent, string, error) {
	head, tail, err := parts(&e, now.RecurrenceID)
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
	later = apply(later, wholeOf(later, now, ch))
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

// wholeOf turns a change made at the first occurrence of a part into that of the part.
func wholeOf(part, now portal.Appointment, ch portal.AppointmentChange) portal.AppointmentChange {
	e := portal.Entry{Appointment: part}
	at := now
	at.RecurrenceID = part.Start
	out := wholeSeries(e, at, ch)
	out.Scope, out.Occurrence = "", time.Time{}
	return out
}

// anotherDay is the beginning and the rule of a series of several weekdays of which one, that of the occurrence at, was dragged to
// another: the others stay. False where the first occurrence's own day is meant, with which the whole series moves.
func anotherDay(master *portal.Appointment, at time.Time, after *portal.Appointment) (start time.Time, text string, ok bool) {
	rule, err := recurrence.Parse(master.Recurrence)
	if err != nil || rule.Freq != recurrence.Weekly || len(rule.ByDay) < 2 || master.AllDay != after.AllDay {
		return start, "", false
	}
	was := *master
	was.Start = at
	from, to := wall(&was), wall(after)
	if from.Weekday() == wall(master).Weekday() || from.Weekday() == to.Weekday() {
		return start, "", false
	}
	same := time.Date(from.Year(), from.Month(), from.Day(), to.Hour(), to.Minute(), to.Second(), 0, from.Location())
	return moved(master, from, same), rule.Moved(from, to).String(), true
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
		ch := difference(&e.Appointment, x)
		if ch.Empty() {
			continue
		}
		in.Change, in.Send = &ch, mails(e.Appointment, ch) // the attendees' copies know nothing of it either
		list = append(list, in)
	}
	return list
}

// difference is what makes an occurrence differ from its series, as one change: nothing of it may be seen for a moment
// without its private mark.
func difference(whole, x *portal.Appointment) portal.AppointmentChange {
	ch := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: x.RecurrenceID}
	if !x.Start.Equal(x.RecurrenceID) || x.End.Sub(x.Start) != whole.End.Sub(whole.Start) || x.AllDay != whole.AllDay {
		ch.Start, ch.End = &x.Start, &x.End
	}
	differ(&ch.AllDay, whole.AllDay, x.AllDay)
	differ(&ch.Subject, whole.Subject, x.Subject)
	differ(&ch.Location, whole.Location, x.Location)
	differ(&ch.Body, whole.Body, x.Body)
	differ(&ch.Show, whole.Show, x.Show)
	differ(&ch.Private, whole.Private, x.Private)
	if minutes(whole.ReminderMinutes) != minutes(x.ReminderMinutes) {
		ch.ReminderMinutes = &x.ReminderMinutes
	}
	was, is := seenOf(whole), seenOf(x)
	if !slices.Equal(was.Categories, is.Categories) {
		ch.Categories = &x.Categories
	}
	if !slices.Equal(was.Attendees, is.Attendees) {
		ch.Attendees, ch.Known = &x.Attendees, []string{}
		for _, p := range whole.Attendees {
			ch.Known = append(ch.Known, p.Email)
		}
	}
	return ch
}

func differ[T comparable](to **T, whole, part T) {
	if whole != part {
		*to = &part
	}
}

// cutOff makes the intents of deleting an occurrence and all that follow: the series ends before it.
func (s *Service) cutOff(ctx context.Context, l *lane, e portal.Entry, now portal.Appointment, del portal.Intent) ([]portal.Intent, error) {
	head, _, err := parts(&e, now.RecurrenceID)
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
