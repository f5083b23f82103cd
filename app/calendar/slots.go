package calendar

import (
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Slots: what of somebody's appointments matters to their reminders and their presence. All of this is pure.

// slot is an appointment as far as a clock is concerned; times are instants in the person's own zone.
type slot struct {
	id, subject, where string
	start, end         time.Time
	allDay, meeting    bool
	private            bool
	show               portal.FreeBusy
	// remind is when the reminder is due; zero: none.
	remind time.Time
}

// slotsOf makes slots of appointments for somebody in loc. What was cancelled, declined or completed is none.
func slotsOf(list []portal.Appointment, loc *time.Location) []slot {
	var out []slot
	for i := range list {
		a := &list[i]
		if a.Status == portal.StatusCancelled || a.Status == portal.StatusComplete || a.Response == portal.ResponseDeclined {
			continue
		}
		s := slot{id: a.ID, subject: a.Subject, where: a.Location, allDay: a.AllDay, meeting: a.Meeting, private: a.Private || a.Masked, show: a.Show}
		s.start, s.end = series.Bounds(a, loc)
		if a.ReminderMinutes != nil {
			s.remind = s.start.Add(-time.Duration(*a.ReminderMinutes) * time.Minute)
		}
		if s.remind.IsZero() && s.show == portal.ShowFree {
			continue
		}
		out = append(out, s)
	}
	return out
}

func (s *slot) reminder(change portal.Change) portal.ReminderEvent {
	return portal.ReminderEvent{ID: s.id, Change: change, Subject: s.subject, Where: s.where, Start: s.start.UTC(), End: s.end.UTC(), AllDay: s.allDay}
}

// dueReminders are the slots whose reminder is in force at now; next is when that may change by itself, zero if it will not.
func dueReminders(slots []slot, marks []portal.ReminderMark, now time.Time) (due []slot, next time.Time) {
	soonest := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, s := range slots {
		if s.remind.IsZero() {
			continue
		}
		if at := slices.IndexFunc(marks, func(m portal.ReminderMark) bool { return m.ID == s.id && m.Start.Equal(s.start) }); at >= 0 {
			if marks[at].Until.IsZero() {
				continue // dismissed
			}
			if marks[at].Until.After(now) {
				soonest(marks[at].Until)
				continue
			}
		}
		if s.remind.After(now) {
			soonest(s.remind)
			continue
		}
		due = append(due, s)
	}
	return due, next
}

// nextWithin is how far ahead Agenda.NextFrom looks.
const nextWithin = 24 * time.Hour

// rank orders what a slot makes of presence: out of office over busy over tentative (where that counts) over nothing.
func rank(s *slot, tentative bool) int {
	switch s.show {
	case portal.ShowOOF:
		return 3
	case portal.ShowBusy:
		return 2
	case portal.ShowTentative:
		if tentative {
			return 1
		}
	}
	return 0
}

// stateAt is what a calendar makes of its owner's presence at now, and when that may change by itself (zero: not by itself).
//
// As Communicator has it: busy time is busy, and "in a meeting" where others take part; free, tentative and
// working-elsewhere time says nothing (tentative is busy where the policy says so); out-of-office time is out
// of office. An all-day appointment counts as what it is marked: Outlook marks it free, so whoever marks it
// busy means it; it is no meeting that somebody sits in, though. Times that follow each other without a gap and mean the same are one.
func stateAt(slots []slot, note portal.OutOfOfficeNote, now time.Time, tentative bool) (st portal.CalendarState, next time.Time) {
	soonest := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	best := 0
	for i := range slots {
		s := &slots[i]
		r := rank(s, tentative)
		if r == 0 || !s.end.After(s.start) {
			continue
		}
		soonest(s.start)
		soonest(s.end)
		soonest(s.start.Add(-nextWithin))
		if !now.Before(s.start) && now.Before(s.end) {
			best = max(best, r)
		}
	}
	switch best {
	case 3:
		st.Availability, st.Activity = portal.Away, portal.OutOfOffice
	case 2, 1:
		st.Availability = portal.Busy
		st.Activity, st.Subject, st.Place = meetingAt(slots, best, now, tentative)
	}
	st.Agenda.Known = true
	if best > 0 {
		st.Until = runEnd(slots, best, now, tentative).UTC()
		st.Agenda.BusyUntil = st.Until
	}
	st.Agenda.NextFrom, st.Agenda.NextUntil = nextTaken(slots, now, tentative)
	if note.Holds(now) {
		st.OutOfOffice = note.Internal
	}
	if note.State == "scheduled" {
		soonest(note.From)
		soonest(note.Until)
	}
	return st, next
}

// meetingAt is what the meetings of a rank that are under way at now make of the activity, with subject and place of the one
// that began last. A private one is a meeting like others, and has neither.
func meetingAt(slots []slot, best int, now time.Time, tentative bool) (activity portal.Activity, subject, place string) {
	var began time.Time
	for i := range slots {
		s := &slots[i]
		if rank(s, tentative) != best || !s.meeting || s.allDay || now.Before(s.start) || !now.Before(s.end) {
			continue
		}
		activity = portal.InAMeeting
		if !s.private && (began.IsZero() || s.start.After(began)) {
			began, subject, place = s.start, s.subject, s.where
		}
	}
	return activity, subject, place
}

// runEnd is when an unbroken run of slots of a rank ends that is under way at now.
func runEnd(slots []slot, best int, now time.Time, tentative bool) time.Time {
	end := now
	for grown := true; grown; {
		grown = false
		for i := range slots {
			s := &slots[i]
			if rank(s, tentative) == best && !s.start.After(end) && s.end.After(end) {
				end, grown = s.end, true
			}
		}
	}
	return end
}

// nextTaken is the first time after now, within a day, that begins to be other than free.
func nextTaken(slots []slot, now time.Time, tentative bool) (from, until time.Time) {
	for i := range slots {
		s := &slots[i]
		if rank(s, tentative) > 0 && s.end.After(s.start) && s.start.After(now) && !s.start.After(now.Add(nextWithin)) && (from.IsZero() || s.start.Before(from)) {
			from, until = s.start.UTC(), s.end.UTC()
		}
	}
	return from, until
}
