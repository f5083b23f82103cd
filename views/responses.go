package views

import (
	"fmt"
	"net/url"
	"time"

	"portico/app/portal"
)

// ResponsesPage is the page /responses.
type ResponsesPage struct {
	Frame
	Filter   ResponsesFilter
	Meetings []MeetingRow
	// Totals are over all of them; News how many answers changed since the reader last looked.
	Totals   Tally
	News     int
	LookedAt time.Time
	// Missing are people whose meetings should be here and are not, each with the reason.
	Missing   []MissingPerson
	Loading   bool
	Truncated bool
	// Saved says what has just been done, as the end of a catalogue key; empty: nothing.
	Saved string
	// Open is the meeting whose answers are shown below; nil: none.
	Open *MeetingAnswers
}

// ResponsesFilter chooses meetings.
type ResponsesFilter struct {
	// Who is "all", "own", "team" or "delegates"; Only "", "waiting", "declined" or "news".
	Who, Only string
	// Days is how far ahead is looked; From the first day, as a date, empty for today.
	Days int
	From string
	Text string
	// Meeting is the meeting whose answers are open.
	Meeting string
}

// Tally counts answers.
type Tally struct{ Invited, Accepted, Tentative, Declined, Waiting int }

// MeetingRow is a line of the overview.
type MeetingRow struct {
	Appointment portal.Appointment
	// Relation is "own", "delegate", "team" or "invited".
	Relation string
	Tally    Tally
	News     int
}

// MissingPerson is somebody whose meetings could not be read.
type MissingPerson struct{ Name, Reason string }

// MeetingAnswers are the answers to one meeting.
type MeetingAnswers struct {
	Appointment portal.Appointment
	Rows        []AnswerRow
	Tally       Tally
	// Me is the reader; Organizes: the meeting is the reader's, who may act on the answers.
	Me        portal.Address
	Organizes bool
	// Here is the page to come back to.
	Here string
}

// AnswerRow is an invited person with their answer.
type AnswerRow struct {
	portal.Attendee
	Person   portal.Person
	Presence portal.Presence
	// Known: the person is on this portal, so that presence and chat mean something.
	Known bool
	// Since is when they answered, or were invited.
	Since time.Time
	New   bool
	// Away, Note and Until are the automatic reply of somebody who has not answered.
	Away  bool
	Note  string
	Until time.Time
	// AsOf is when that was known, where it cannot be asked now; zero: now. AwayUnknown: nothing of it is known now.
	AsOf        time.Time
	AwayUnknown bool
}

// ResponsesDays are the stretches to choose from.
func ResponsesDays() []int { return []int{7, 14, 30, 90, 365} }

// Path is the address of the page with this choice.
func (f ResponsesFilter) Path() string { return "/responses" + f.query() }

func (f ResponsesFilter) query() string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Who != "all" {
		set("who", f.Who)
	}
	set("only", f.Only)
	set("q", f.Text)
	set("from", f.From)
	if f.Days != 0 && f.Days != 14 {
		q.Set("days", fmt.Sprint(f.Days))
	}
	set("meeting", f.Meeting)
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// file is the address of the same meetings as a file.
func (f ResponsesFilter) file(ending string) string {
	f.Meeting = ""
	return "/responses." + ending + f.query()
}

func (f ResponsesFilter) open(id string) string {
	f.Meeting = id
	return f.Path() + "#answers"
}

// lead sums up what the overview shows.
func (v ResponsesPage) lead() string {
	text := v.Text("responses.who."+v.Filter.Who) + " · " + v.Count("responses.days", v.Filter.Days)
	if v.News > 0 {
		text += " · " + v.Count("responses.news", v.News)
	}
	return text
}

// stretch is a part of an answers bar, in hundredths from the left.
type stretch struct {
	answer   string
	from, to float64
}

// stretches are the parts of an answers bar. Those who have not answered are what is left of it.
func (t Tally) stretches() []stretch {
	if t.Invited == 0 {
		return nil
	}
	var out []stretch
	at := 0
	for _, part := range []struct {
		answer string
		n      int
	}{{"accepted", t.Accepted}, {"tentative", t.Tentative}, {"declined", t.Declined}} {
		if part.n > 0 {
			out = append(out, stretch{part.answer, float64(at) * 100 / float64(t.Invited), float64(at+part.n) * 100 / float64(t.Invited)})
		}
		at += part.n
	}
	return out
}

func (s stretch) x() string     { return fmt.Sprintf("%.2f", s.from) }
func (s stretch) width() string { return fmt.Sprintf("%.2f", s.to-s.from) }

// words is a bar for those who cannot see it.
func (t Tally) words(r Reader) string {
	return r.Text("responses.bar", "Accepted", t.Accepted, "Tentative", t.Tentative, "Declined", t.Declined, "Waiting", t.Waiting)
}

// organizedBy says whose meeting it is.
func (v ResponsesPage) organizedBy(m MeetingRow) string {
	if m.Relation == "own" {
		return v.Text("responses.by-me")
	}
	return attendeeName(m.Appointment.Organizer)
}

// sinceText is when somebody answered, or for how long they have not.
func (r Reader) sinceText(row AnswerRow) string {
	switch {
	case row.Since.IsZero():
		return ""
	case row.answered():
		return r.answeredAt(row.Since)
	}
	days := int(dayOf(r.Now).from.Sub(dayOf(row.Since.In(r.Zone)).from).Hours()+12) / 24
	if days <= 0 {
		return r.Text("responses.invited-at", "Time", r.hour(row.Since))
	}
	return r.Count("responses.invited-days", days)
}

// answeredAt is a moment of the past, by the reader's habits.
func (r Reader) answeredAt(t time.Time) string {
	t = t.In(r.Zone)
	today := dayOf(r.Now.In(r.Zone))
	switch {
	case !t.Before(today.from):
		return r.hour(t)
	case !t.Before(today.plusDays(-1).from):
		return r.Text("time.yesterday-at", "Time", r.hour(t))
	}
	return r.Text("time.date-at", "Date", r.dateOf(t), "Time", r.hour(t))
}

func (row AnswerRow) answered() bool { return row.Response.Answerable() }

func (row AnswerRow) proposes() bool { return !row.ProposedStart.IsZero() }

// awayText is the automatic reply of somebody who has not answered.
func (r Reader) awayText(row AnswerRow) string {
	text := r.Text("responses.away")
	if !row.Until.IsZero() {
		text = r.Text("responses.away-until", "Time", r.dateOf(row.Until.In(r.Zone)))
	}
	if row.Note != "" {
		text = r.Text("responses.away-note", "Away", text, "Note", row.Note)
	}
	if !row.AsOf.IsZero() {
		text = r.Text("responses.away-as-of", "Away", text, "Time", r.answeredAt(row.AsOf))
	}
	return text
}

// roomsDeclined are the rooms of a meeting that are not to be had.
func (m MeetingRow) roomsDeclined() []string {
	var out []string
	for _, a := range m.Appointment.Attendees {
		if a.Role == portal.RoleResource && a.Response == portal.ResponseDeclined {
			out = append(out, attendeeName(a))
		}
	}
	return out
}

func (r Reader) proposal(row AnswerRow) string {
	return r.Text("responses.proposes", "Time", r.whenText(portal.Appointment{Start: row.ProposedStart, End: row.ProposedEnd}))
}

func (m MeetingAnswers) at(what string) string {
	return appointmentAt(m.Me, m.Appointment.Calendar, m.Appointment.ID, what)
}

// rowID is the element's name of an invited person's row, so that what is typed in it outlives a refresh.
func rowID(a portal.Attendee) string {
	if a.Email != "" {
		return "answer-" + url.PathEscape(a.Email)
	}
	return "answer-" + url.PathEscape(string(a.URI))
}
