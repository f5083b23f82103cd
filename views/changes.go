package views

import (
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// ChangesPage is the page /calendar/changes: what the calendar server has not taken, wherever in time it lies.
type ChangesPage struct {
	Frame
	// Done is a sentence about what was just done about a change; empty if nothing was.
	Done  string
	State portal.ExchangeEvent
	Rows  []UnsentRow
}

// UnsentRow is what of one appointment waits or was refused.
type UnsentRow struct {
	Appointment portal.Appointment
	// Owner is whose calendar it stands in; Shown: it has a page of its own.
	Owner portal.Person
	Shown bool
	// State is portal.SyncPending or portal.SyncFailed.
	State   string
	Changes []AskedChange
}

// AskedChange is one thing that was asked for.
type AskedChange struct {
	ID   string
	Kind portal.IntentKind
	// State is portal.SyncPending or portal.SyncFailed, Reason the catalogue key of why the last try failed.
	State  string
	Reason string
	MadeAt time.Time
	// Occurrence is the RecurrenceID of the occurrence that is meant; zero: all of it.
	Occurrence time.Time
	// Was is what a change was made from, nil where that is not known; Wanted what is to be different, nil of what is no change.
	Was      *portal.Appointment
	Wanted   *portal.AppointmentChange
	Response portal.Response
	Comment  string
	Proposal portal.Proposal
	To       []portal.Attendee
}

// unsentText is what the banner says of changes that were refused.
func (r Reader) unsentText(e portal.ExchangeEvent) string {
	return r.Count("changes.refused", e.Failed)
}

// result is what became of something that was asked for.
func (r Reader) result(ch AskedChange) string {
	switch {
	case ch.State == portal.SyncFailed:
		return r.Text("changes.failed", "Reason", r.Sentence(ch.Reason, nil))
	case ch.Reason != "":
		return r.Text("changes.pending-why", "Reason", r.Sentence(ch.Reason, nil))
	}
	return r.Text("changes.pending")
}

// asked says in words what was asked for: a line for each thing.
func (r Reader) asked(a portal.Appointment, ch AskedChange) []string {
	var out []string
	switch ch.Kind {
	case portal.IntentCreate:
		out = append(out, r.Text("changes.create"))
	case portal.IntentDelete:
		if a.Meeting && a.Mine {
			out = append(out, r.Text("changes.cancel"))
		} else {
			out = append(out, r.Text("changes.delete"))
		}
	case portal.IntentRespond:
		out = append(out, r.Text("changes.respond", "Answer", r.answer(ch.Response)))
	case portal.IntentForward:
		out = append(out, r.Text("changes.forward", "Names", names(ch.To)))
	case portal.IntentChange:
		out = append(out, r.differences(ch)...)
	}
	if !ch.Occurrence.IsZero() {
		of := portal.Appointment{Start: ch.Occurrence, End: ch.Occurrence, AllDay: a.AllDay}
		out = append(out, r.Text("changes.occurrence", "Time", r.whenText(of)))
	}
	if ch.Proposal.Made() {
		out = append(out, r.Text("changes.propose", "Time", r.whenText(portal.Appointment{Start: ch.Proposal.Start, End: ch.Proposal.End})))
	}
	if ch.Comment != "" {
		out = append(out, r.Text("changes.comment", "Comment", ch.Comment))
	}
	return out
}

// differences says what a change makes different, and from what, where that is known.
func (r Reader) differences(ch AskedChange) []string {
	if ch.Wanted == nil {
		return nil
	}
	w, was := *ch.Wanted, portal.Appointment{}
	if ch.Was != nil {
		was = *ch.Was
	}
	var out []string
	field := func(key, before, after string) {
		name := r.Text(key)
		switch {
		case after == "":
			out = append(out, r.Text("changes.field-none", "Name", name))
		case before == "" || before == after:
			out = append(out, r.Text("changes.field-new", "Name", name, "Is", after))
		default:
			out = append(out, r.Text("changes.field", "Name", name, "Was", before, "Is", after))
		}
	}
	if before, after, ok := r.movedTexts(ch); ok {
		field("appointment.when", before, after)
	}
	if w.Subject != nil {
		field("appointment.field.subject", was.Subject, *w.Subject)
	}
	if w.Location != nil {
		field("calendar.where", was.Location, *w.Location)
	}
	if w.Attendees != nil {
		field("appointment.attendees", names(was.Attendees), names(*w.Attendees))
	}
	if w.Show != nil {
		field("appointment.show", "", r.Text("show."+string(showOf(portal.Appointment{Show: *w.Show}))))
	}
	if w.Categories != nil {
		field("appointment.field.categories", strings.Join(was.Categories, ", "), strings.Join(*w.Categories, ", "))
	}
	for _, c := range []struct {
		touched bool
		key     string
	}{{w.Body != nil, "appointment.field.body"}, {w.Recurrence != nil, "appointment.field.recurrence"}, {w.ReminderMinutes != nil, "appointment.field.reminder"},
		{w.Private != nil, "appointment.field.private"}, {w.TimeZone != nil && w.Start == nil, "appointment.field.time_zone"}} {
		if c.touched {
			out = append(out, r.Text("changes.changed", "Name", r.Text(c.key)))
		}
	}
	return out
}

// movedTexts is when an appointment was and is to be; false where a change does not say both ends of that.
func (r Reader) movedTexts(ch AskedChange) (before, after string, ok bool) {
	w := ch.Wanted
	if w.Start == nil && w.End == nil && w.AllDay == nil {
		return "", "", false
	}
	var is portal.Appointment
	if ch.Was != nil {
		is = *ch.Was
		before = r.whenText(is)
	}
	length := is.End.Sub(is.Start)
	if w.AllDay != nil {
		is.AllDay = *w.AllDay
	}
	if w.Start != nil {
		is.Start, is.End = *w.Start, w.Start.Add(length)
	}
	if w.End != nil {
		is.End = *w.End
	}
	if is.Start.IsZero() {
		return "", "", false
	}
	return before, r.whenText(is), true
}

// names are people in one line, by name.
func names(list []portal.Attendee) string {
	var out []string
	for _, a := range list {
		out = append(out, attendeeName(a))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
