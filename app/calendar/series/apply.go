package series

import (
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// Apply lays a change over an appointment. A series that it moves takes its rule along.
func Apply(a portal.Appointment, ch portal.AppointmentChange) portal.Appointment {
	was := a
	set(&a.Subject, ch.Subject)
	set(&a.Location, ch.Location)
	if ch.Body != nil {
		a.Body, a.BodyHTML = *ch.Body, ""
	}
	length := a.End.Sub(a.Start)
	set(&a.AllDay, ch.AllDay)
	set(&a.TimeZone, ch.TimeZone)
	if ch.Start != nil {
		a.Start, a.End = *ch.Start, ch.Start.Add(length)
	}
	set(&a.End, ch.End)
	if set(&a.Recurrence, ch.Recurrence); ch.Recurrence == nil {
		a.Recurrence = carried(&was, &a)
	}
	if ch.Attendees != nil {
		a.Attendees = ch.AttendeesOver(a.Attendees)
		a.Meeting = len(a.Attendees) > 0
	}
	set(&a.Show, ch.Show)
	set(&a.Private, ch.Private)
	set(&a.ReminderMinutes, ch.ReminderMinutes)
	set(&a.Categories, ch.Categories)
	return a
}

// carried is the rule of a series after its first occurrence was moved from where it was to where it is.
func carried(was, is *portal.Appointment) string {
	if was.Recurrence == "" || !was.RecurrenceID.IsZero() {
		return was.Recurrence
	}
	from, to := wall(was), wall(is)
	if from.Equal(to) && from.Location().String() == to.Location().String() {
		return was.Recurrence
	}
	rule, err := recurrence.Parse(was.Recurrence)
	if err != nil { // nobody can follow it: it stays what it is
		return was.Recurrence
	}
	return rule.Moved(from, to).String()
}

// wall is an appointment's beginning by the clock that its series counts by.
func wall(a *portal.Appointment) time.Time {
	if a.AllDay {
		return a.Start.UTC()
	}
	return a.Start.In(Place(a.TimeZone))
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Differing leaves of a change to now (whole, or an occurrence of it) what is another than what is there: nobody is to be
// mailed because a form was saved as it was. Beyond one occurrence only that is left out which the whole series has, too.
func Differing(whole, now *portal.Appointment, ch portal.AppointmentChange) portal.AppointmentChange {
	if ch.Attendees != nil && ch.Known == nil {
		for _, p := range now.Attendees {
			ch.Known = append(ch.Known, p.Email)
		}
	}
	is, after := seenOf(now), seenOf(ptr(Apply(*now, ch)))
	all, afterAll := is, after
	wide := now.RecurrenceID.IsZero() || ch.Scope == portal.ScopeAll || ch.Scope == portal.ScopeFollowing
	if wide {
		all, afterAll = seenOf(whole), seenOf(ptr(Apply(*whole, ch)))
	}
	unless(&ch.Subject, is.Subject == after.Subject && all.Subject == afterAll.Subject)
	unless(&ch.Location, is.Location == after.Location && all.Location == afterAll.Location)
	unless(&ch.Body, is.Body == after.Body && all.Body == afterAll.Body)
	unless(&ch.TimeZone, now.TimeZone == or(ch.TimeZone, now.TimeZone) && whole.TimeZone == or(ch.TimeZone, whole.TimeZone))
	unless(&ch.Recurrence, wide && whole.Recurrence == or(ch.Recurrence, whole.Recurrence))
	unless(&ch.Show, is.Show == after.Show && all.Show == afterAll.Show)
	unless(&ch.Private, is.Private == after.Private && all.Private == afterAll.Private)
	unless(&ch.ReminderMinutes, minutes(is.Reminder) == minutes(after.Reminder) && minutes(all.Reminder) == minutes(afterAll.Reminder))
	unless(&ch.Categories, join(is.Categories) == join(after.Categories) && join(all.Categories) == join(afterAll.Categories))
	unless(&ch.Attendees, join(is.Attendees) == join(after.Attendees) && join(all.Attendees) == join(afterAll.Attendees))
	if is.Start == after.Start && is.End == after.End && is.AllDay == after.AllDay {
		ch.Start, ch.End, ch.AllDay = nil, nil, nil
	}
	return ch
}

func unless[T any](to **T, same bool) {
	if same {
		*to = nil
	}
}

func or[T any](p *T, standard T) T {
	if p != nil {
		return *p
	}
	return standard
}

// Overlaps reports whether somebody else's way from base to fresh touched what the change touches. Times, zone and
// repetition are one thing.
func Overlaps(ch portal.AppointmentChange, base, fresh *portal.Appointment) bool {
	b, f := seenOf(base), seenOf(fresh)
	after := seenOf(ptr(Apply(*fresh, ch)))
	differs := func(touched bool, base, fresh, ours any) bool { return touched && base != fresh && fresh != ours }
	times := func(s seen) [5]any { return [5]any{s.Start, s.End, s.AllDay, s.Recurrence, s.TimeZone} }
	return differs(ch.Subject != nil, b.Subject, f.Subject, after.Subject) ||
		differs(ch.Location != nil, b.Location, f.Location, after.Location) ||
		differs(ch.Body != nil, b.Body, f.Body, after.Body) ||
		differs(ch.Timed(), times(b), times(f), times(after)) ||
		differs(ch.Show != nil, b.Show, f.Show, after.Show) ||
		differs(ch.Private != nil, b.Private, f.Private, after.Private) ||
		differs(ch.ReminderMinutes != nil, minutes(b.Reminder), minutes(f.Reminder), minutes(after.Reminder)) ||
		differs(ch.Categories != nil, join(b.Categories), join(f.Categories), join(after.Categories))
	// Attendees never collide: AttendeesOver keeps whom the author did not know.
}

// Achieved reports whether fresh already is as the change wants it: the trace of a try whose answer was lost.
func Achieved(ch portal.AppointmentChange, fresh *portal.Appointment) bool {
	return Version(ptr(Apply(*fresh, ch))) == Version(fresh)
}

func ptr[T any](v T) *T { return &v }

func minutes(p *int) int {
	if p == nil {
		return -1
	}
	return *p
}

func join(list []string) string {
	out := ""
	for _, s := range list {
		out += s + "\x00"
	}
	return out
}

// Moved shifts a series' first start by as much as one of its occurrences was moved from was to is, by the wall clock of the series' zone.
func Moved(master *portal.Appointment, was, is time.Time) time.Time {
	if master.AllDay {
		return master.Start.Add(is.Sub(was))
	}
	loc := Place(master.TimeZone)
	wall := func(t time.Time) time.Time {
		t = t.In(loc)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	w := wall(master.Start).Add(wall(is).Sub(wall(was)))
	return time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, loc).UTC()
}

// lasting is when a series ends that begins at start, after one of its occurrences was changed from now to after: it lasts as long as that one
// then does, and as long as before where that was only moved, by the clock. The night when the clocks change makes no series shorter.
func lasting(start time.Time, whole, now, after *portal.Appointment) time.Time {
	from, to := after.Start, after.End
	only := after.AllDay == now.AllDay && after.End.Sub(after.Start) == now.End.Sub(now.Start)
	if only && now.Kind == portal.KindOccurrence {
		from, to = whole.Start, whole.End
	}
	return Moved(&portal.Appointment{Start: start, TimeZone: after.TimeZone, AllDay: after.AllDay}, from, to)
}
