package ews

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Reading: a calendar item becomes an entry of the portal's calendar.

// reading is what it takes to understand the items of one mailbox.
type reading struct {
	voice
	owner portal.Address
	own   string // the owner's e-mail address
	zones *zoneBook
	// note hears, for the operator's log, what was understood only in part.
	note func(what string, args ...any)
}

// brokenError is an item that cannot be shown. why is one word for the figures.
type brokenError struct {
	why string
	err error
}

func (e *brokenError) Error() string { return "item: " + e.why + ": " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

func broken(why, format string, args ...any) error {
	return &brokenError{why, fmt.Errorf(format, args...)}
}

// entry reads a single item, or a master with its exceptions (by their ids; one that is missing is told by what the
// master says of it).
func (r *reading) entry(it *soap.CalendarItem, exceptions map[string]*soap.CalendarItem) (portal.Entry, error) {
	a, z, err := r.appointment(it)
	if err != nil {
		return portal.Entry{}, err
	}
	e := portal.Entry{Appointment: a, RemoteID: it.ItemID.ID, ChangeKey: it.ItemID.ChangeKey}
	e.ChangeID, _ = it.Extended(stampMade)
	e.DoneID, _ = it.Extended(stampDone)
	switch {
	case it.CalendarItemType == "Occurrence": // some servers repeat the rule there
		e.Kind = portal.KindOccurrence
		return e, nil
	case it.CalendarItemType == "Exception":
		e.Kind = portal.KindException
		return e, nil
	case it.Recurrence == nil && it.CalendarItemType == "RecurringMaster":
		return portal.Entry{}, broken("recurrence", "a series without a rule")
	case it.Recurrence == nil:
		return e, nil
	}
	if err := r.series(&e, it, z, exceptions); err != nil {
		return portal.Entry{}, err
	}
	return e, nil
}

// series reads the rule and what differs from it.
func (r *reading) series(e *portal.Entry, it *soap.CalendarItem, z understood, exceptions map[string]*soap.CalendarItem) error {
	pattern, rng, err := fromRecurrence(it.Recurrence)
	if err != nil {
		return broken("recurrence", "%w", err)
	}
	start := e.Start
	if !e.AllDay {
		start = start.In(z.loc)
	}
	rule, err := recurrence.FromExchange(pattern, rng, start, e.AllDay)
	if err != nil {
		return broken("recurrence", "%w", err)
	}
	e.Kind, e.Recurrence = portal.KindMaster, rule.String()
	for _, d := range it.DeletedOccurrences {
		if d.Start != nil {
			e.Deleted = append(e.Deleted, r.occurrence(d.Start, e.AllDay, z))
		}
	}
	slices.SortFunc(e.Deleted, time.Time.Compare)
	e.Deleted = slices.CompactFunc(e.Deleted, time.Time.Equal)
	seen := map[time.Time]bool{}
	for _, m := range it.ModifiedOccurrences {
		if m.OriginalStart == nil && m.Start == nil {
			continue
		}
		x := r.exception(e.Appointment, m, exceptions[m.ItemID.ID], z)
		if !seen[x.RecurrenceID] {
			seen[x.RecurrenceID] = true
			e.Exceptions = append(e.Exceptions, x)
		}
	}
	slices.SortFunc(e.Exceptions, func(a, b portal.Appointment) int { return a.RecurrenceID.Compare(b.RecurrenceID) })
	return nil
}

// occurrence is the RecurrenceID of an occurrence that a master names by its beginning.
func (r *reading) occurrence(at *soap.DateTime, allDay bool, z understood) time.Time {
	t := at.In(z.loc)
	if allDay {
		return dateOf(t, z.loc)
	}
	return t.UTC()
}

// exception is a changed occurrence. Where its item could not be had it is the master at another time.
func (r *reading) exception(master portal.Appointment, m soap.Occurrence, it *soap.CalendarItem, z understood) portal.Appointment {
	id := m.OriginalStart
	if id == nil {
		id = m.Start
	}
	x := master
	if it != nil {
		a, _, err := r.appointment(it)
		if err != nil {
			r.note("an exception could not be understood, its master stands for it", "error", err)
			it = nil
		} else {
			x = a
		}
	}
	if it == nil && m.Start != nil && m.End != nil {
		x.Start, x.End = r.times(m.Start, m.End, master.AllDay, z)
	}
	x.Kind, x.RecurrenceID, x.Recurrence = portal.KindException, r.occurrence(id, master.AllDay, z), master.Recurrence
	if x.UID == "" {
		x.UID = master.UID
	}
	return x
}

func (r *reading) times(start, end *soap.DateTime, allDay bool, z understood) (time.Time, time.Time) {
	s, e := start.In(z.loc), end.In(z.loc)
	if allDay {
		first := dateOf(s, z.loc)
		return first, lastDate(e, first, z.loc)
	}
	if e.Before(s) {
		e = s
	}
	return s.UTC().Truncate(time.Second), e.UTC().Truncate(time.Second)
}

// appointment reads what an item says by itself.
func (r *reading) appointment(it *soap.CalendarItem) (portal.Appointment, understood, error) {
	if it.ItemID == nil || it.ItemID.ID == "" {
		return portal.Appointment{}, understood{}, broken("id", "it has none")
	}
	if it.Start == nil || it.End == nil {
		return portal.Appointment{}, understood{}, broken("time", "it has no beginning or no end")
	}
	if y := it.Start.UTC().Year(); y < 1900 || y > 4500 {
		return portal.Appointment{}, understood{}, broken("time", "it begins in the year %d", y)
	}
	z := r.zones.of(it, r.note)
	a := portal.Appointment{
		Calendar: r.owner, UID: it.UID, Subject: line(it.Subject), Location: line(it.Location), TimeZone: z.name,
		AllDay: soap.Is(it.IsAllDayEvent), Kind: portal.KindSingle, Attendees: r.attendees(it), Status: portal.StatusConfirmed,
		Show: show(it.LegacyFreeBusyStatus), Private: it.Sensitivity == "Private" || it.Sensitivity == "Confidential",
		Categories: slices.Clone(it.Categories), Attachments: attachments(it.Attachments), Source: portal.SourceExchange,
		InvitedAt: happened(it.DateTimeCreated), UpdatedAt: happened(it.LastModifiedTime),
		Sequence: soap.Int(it.AppointmentSequenceNumber), Sync: portal.SyncState{State: portal.SyncDone},
	}
	a.Start, a.End = r.times(it.Start, it.End, a.AllDay, z)
	a.Body, a.BodyHTML = body(it.Body)
	a.ReminderMinutes = reminder(it)
	r.meeting(&a, it)
	return a, z, nil
}

// The bits of AppointmentState (PidLidAppointmentStateFlags, MS-OXOCAL section 2.2.1.10).
const (
	stateMeeting  = 1
	stateReceived = 2
	stateCanceled = 4
)

// meeting reads whose meeting it is and how its owner answered.
func (r *reading) meeting(a *portal.Appointment, it *soap.CalendarItem) {
	state := soap.Int(it.AppointmentState)
	a.Meeting = soap.Is(it.IsMeeting) || state&stateMeeting != 0 || len(a.Attendees) > 0
	if soap.Is(it.IsCancelled) || state&stateCanceled != 0 {
		a.Status = portal.StatusCancelled
	}
	if it.Organizer != nil {
		a.Organizer = r.attendee(it.Organizer.Mailbox)
		a.Organizer.Response = portal.ResponseOrganizer
	}
	mine := response(it.MyResponseType) == portal.ResponseOrganizer || a.Organizer.Email == "" ||
		strings.EqualFold(a.Organizer.Email, r.own)
	switch {
	case !a.Meeting, mine && state&stateReceived == 0:
		a.Mine, a.Response = true, portal.ResponseOrganizer
	default:
		a.Response = response(it.MyResponseType)
		if a.Response == portal.ResponseOrganizer {
			a.Response = portal.ResponseNone
		}
	}
	if a.Organizer.Email == "" && a.Mine {
		a.Organizer = portal.Attendee{URI: r.owner, Name: r.own, Email: r.own, Role: portal.RoleRequired, Response: portal.ResponseOrganizer}
	}
}

// body gives a body as plain text and, where the server has it, as HTML. Neither is longer than the mirror takes.
func body(b *soap.Body) (text, markup string) {
	if b == nil {
		return "", ""
	}
	if b.Type != "HTML" {
		return tidyText(b.Text), ""
	}
	text = plainText(b.Text)
	if len(b.Text) > maxHTML {
		return text, "" // half a page is no page; the text is there
	}
	return text, b.Text
}

// reminder gives the minutes before the start, nil for none. Exchange allows at most five years.
func reminder(it *soap.CalendarItem) *int {
	if !soap.Is(it.ReminderIsSet) {
		return nil
	}
	m := min(max(soap.Int(it.ReminderMinutesBeforeStart), 0), maxReminder)
	return &m
}

// maxReminder is the longest reminder that the schema allows, in minutes.
const maxReminder = 2629800

// line is a text of one line.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c == '\n' || c == '\r' || c == '\t' {
			return ' '
		}
		return c
	}, sayable(cut(s, 4096))))
}
