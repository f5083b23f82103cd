package series

import (
	"slices"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// Whole turns a change made at one occurrence into that of the series: as far as the occurrence moved, it moves.
func Whole(e portal.Entry, now portal.Appointment, ch portal.AppointmentChange) portal.AppointmentChange {
	ch.Scope, ch.Occurrence = portal.ScopeAll, time.Time{}
	if ch.Start == nil && ch.End == nil {
		return ch
	}
	after := Apply(now, ch)
	if after.Start.Equal(now.Start) && after.End.Equal(now.End) && ch.AllDay == nil {
		ch.Start, ch.End = nil, nil // nothing about the times is different: exceptions stay
		return ch
	}
	if start, rule, ok := anotherDay(&e.Appointment, now.RecurrenceID, &after); ok && ch.Recurrence == nil {
		ch.Start, ch.End, ch.Recurrence = &start, ptr(lasting(start, &e.Appointment, &now, &after)), &rule
		return ch
	}
	start := Moved(&e.Appointment, now.RecurrenceID, after.Start)
	if after.AllDay != e.AllDay {
		// The series begins as many days before the occurrence as it did, at the new time of day.
		start = after.Start.Add(-now.RecurrenceID.Sub(e.Start).Round(24 * time.Hour))
	}
	ch.Start, ch.End = &start, ptr(lasting(start, &e.Appointment, &now, &after))
	return ch
}

// Parts are the two halves of a series, cut before one of its occurrences.
func Parts(e *portal.Entry, at time.Time) (head, tail *recurrence.Series, err error) {
	rule, err := recurrence.Parse(e.Recurrence)
	if err != nil {
		return nil, nil, bad("calendar.recurrence").Because(err)
	}
	s := &recurrence.Series{Start: e.Start, End: e.End, AllDay: e.AllDay, Rule: &rule}
	if !e.AllDay {
		loc := Place(e.TimeZone)
		s.Start, s.End = e.Start.In(loc), e.End.In(loc)
	}
	if head, tail, err = s.Split(at); err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(e.Exceptions, func(x portal.Appointment) bool { return x.Masked }) {
		return nil, nil, portal.Fail(portal.ErrForbidden, "calendar.forbidden") // nobody carries over what they may not read
	}
	return head, tail, nil
}

// WholeOf turns a change made at the first occurrence of a part into that of the part.
func WholeOf(part, now portal.Appointment, ch portal.AppointmentChange) portal.AppointmentChange {
	e := portal.Entry{Appointment: part}
	at := now
	at.RecurrenceID = part.Start
	out := Whole(e, at, ch)
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
	return Moved(master, from, same), rule.Moved(from, to).String(), true
}

// Difference is what makes an occurrence differ from its series, as one change: nothing of it may be seen for a moment
// without its private mark.
func Difference(whole, x *portal.Appointment) portal.AppointmentChange {
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

// KeepExceptions leaves a changed series those exceptions that still mean something. As Exchange has it: one that moves, or
// repeats in another way, has none any more; one that only ends at another time keeps those before its end.
func KeepExceptions(e *portal.Entry, ch portal.AppointmentChange, was string) {
	if !ch.Timed() {
		return
	}
	if ch.Start != nil || ch.End != nil || ch.AllDay != nil || ch.TimeZone != nil || !sameButEnd(was, e.Recurrence) {
		e.Exceptions, e.Deleted = nil, nil
		return
	}
	end := LastEnd(e)
	e.Exceptions = slices.DeleteFunc(slices.Clone(e.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.After(end) })
	e.Deleted = slices.DeleteFunc(slices.Clone(e.Deleted), func(d time.Time) bool { return d.After(end) })
}

// sameButEnd reports whether two rules differ in nothing but when they end.
func sameButEnd(a, b string) bool {
	one, err := recurrence.Parse(a)
	two, err2 := recurrence.Parse(b)
	if err != nil || err2 != nil {
		return false
	}
	endless := func(r recurrence.Rule) string {
		r.Count, r.UntilKind, r.Until = 0, recurrence.NoUntil, time.Time{}
		return r.String()
	}
	return endless(one) == endless(two)
}

// Changed gives the exception of a series at id, making one of the occurrence where there is none; nil where there
// is no such occurrence.
func Changed(e *portal.Entry, id time.Time) *portal.Appointment {
	e.Exceptions = slices.Clone(e.Exceptions) // the mirror's stay as they are
	if x := ExceptionOf(e, id); x != nil {
		return x
	}
	o, err := At(e, id)
	if err != nil {
		return nil
	}
	o.Kind = portal.KindException
	e.Exceptions = append(e.Exceptions, o)
	return &e.Exceptions[len(e.Exceptions)-1]
}

// ExceptionOf gives the changed occurrence of a series at id; nil where that is not changed.
func ExceptionOf(e *portal.Entry, id time.Time) *portal.Appointment {
	for i := range e.Exceptions {
		if e.Exceptions[i].RecurrenceID.Equal(id) {
			return &e.Exceptions[i]
		}
	}
	return nil
}
