package views

import (
	"strings"
	"time"

	"portico/app/portal"
)

// AppointmentPage is the page /calendar/{id}.
type AppointmentPage struct {
	Frame
	Appointment portal.Appointment
	// Owner is whose calendar it stands in; Rights what the reader may do there.
	Owner  portal.Person
	Rights string
	// State is whether the reader's mailbox can be reached.
	State portal.ExchangeEvent
	// BodyHTML is the cleaned text of the server; empty where there is plain text, or none.
	BodyHTML string
	// Repeat says in words how it repeats; empty where it does not.
	Repeat string
	// Answers are those of the invited people, where the reader may see them as the organiser does.
	Answers *MeetingAnswers
	// Conflicts are the reader's other appointments at that time.
	Conflicts []portal.Appointment
	// CRM is what CRM knows of it; nil where it knows nothing.
	CRM *CRMSection
	// Comment and the proposal, and To with its comment, are what was typed into a form that could not be carried out.
	Comment, ProposeDate, ProposeStart, ProposeEnd string
	To, ToComment                                  string
	// Saved says what has just been done, as the end of a catalogue key; empty: nothing.
	Saved string
	// Today is the day that the way back leads to.
	Back string
}

// mayChange reports whether the reader may change it.
func (v AppointmentPage) mayChange() bool {
	return (v.Rights == "owner" || v.Rights == "editor") && Changeable(v.Appointment)
}

// mayRemove reports whether the reader may take it out of the calendar.
func (v AppointmentPage) mayRemove() bool {
	return (v.Rights == "owner" || v.Rights == "editor") && !v.Appointment.Masked
}

// mayAnswer reports whether it is an invitation that the reader may answer.
func (v AppointmentPage) mayAnswer() bool {
	a := v.Appointment
	return v.mayRemove() && a.Meeting && !a.Mine && a.Status != portal.StatusCancelled
}

func (v AppointmentPage) at(what string) string {
	return appointmentAt(v.Me.URI, v.Appointment.Calendar, v.Appointment.ID, what)
}

// deleteKey is what taking the appointment away is called.
func (v AppointmentPage) deleteKey() string {
	if v.Appointment.Meeting && v.Appointment.Mine {
		return "appointment.cancel-meeting"
	}
	return "appointment.delete"
}

// foreignZone is the zone in which it was meant, where that is another one than the reader's.
func (v AppointmentPage) foreignZone() string {
	a := v.Appointment
	if a.AllDay || a.TimeZone == "" || a.TimeZone == v.Zone.String() {
		return ""
	}
	zone, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		return ""
	}
	there := v.Reader
	there.Zone = zone
	if _, off := a.Start.In(zone).Zone(); sameOffset(a.Start, v.Zone, off) && there.whenText(a) == v.whenText(a) {
		return ""
	}
	return v.Text("appointment.there", "Time", there.whenText(a), "Zone", a.TimeZone)
}

func sameOffset(t time.Time, zone *time.Location, offset int) bool {
	_, off := t.In(zone).Zone()
	return off == offset
}

// reminderText says when one is reminded.
func (r Reader) reminderText(minutes *int) string {
	if minutes == nil {
		return r.Text("reminder.none")
	}
	return r.minutesBefore(*minutes)
}

func (r Reader) minutesBefore(n int) string {
	switch {
	case n <= 0:
		return r.Text("reminder.at-start")
	case n%(24*60) == 0:
		return r.Count("reminder.days", n/(24*60))
	case n%60 == 0:
		return r.Count("reminder.hours", n/60)
	}
	return r.Count("reminder.minutes", n)
}

// person is what an attendee is called.
func attendeeName(a portal.Attendee) string {
	for _, s := range []string{a.Name, a.Email, a.URI.Bare()} {
		if s != "" {
			return s
		}
	}
	return "?"
}

// knownAnswer is what an invited person's copy of a meeting tells of somebody's answer: one's own, and of others only
// what the organiser passed on. Empty where nothing is known; that is not the same as no answer.
func knownAnswer(me portal.Person, a portal.Appointment, p portal.Attendee) portal.Response {
	if a.Calendar == me.URI && (p.URI == me.URI || me.Email != "" && strings.EqualFold(p.Email, me.Email)) && a.Response != "" {
		return a.Response
	}
	if p.Response.Answerable() || p.Response == portal.ResponseOrganizer {
		return p.Response
	}
	return ""
}

// MaxFile and MaxImport are the largest files, in bytes, that pages let one choose: what the calendar takes.
const (
	MaxFile   = 10 << 20
	MaxImport = 8 << 20
)

// ImportPage is the page /calendar/import.
type ImportPage struct {
	Frame
	// Done: a file was read; Added and Present entries came of it, Refused could not be kept.
	Done           bool
	Added, Present int
	Refused        []RefusedEntry
}

// RefusedEntry is an entry of a file that was not taken.
type RefusedEntry struct{ Subject, Reason string }

// LinkPage is the page /calendar/link.
type LinkPage struct {
	Frame
	// Address is the new subscribe address, shown once; empty otherwise.
	Address string
	// Since is when the present address was made; zero: there is none.
	Since time.Time
}
