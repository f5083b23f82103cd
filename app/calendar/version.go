package calendar

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Versions: what a person sees of an appointment, as one short word. It does not take in what others answer, nor what
// the server adds in its own good time (its change key, a zone's other name): a change made from a
// version is stale only when what its author saw is no longer so.

// seen is what counts as an appointment's content.
type seen struct {
	Subject, Location, Body string
	Start, End              int64
	AllDay                  bool
	Recurrence              string
	TimeZone                string
	Attendees               []string
	Response                portal.Response
	Status                  portal.AppointmentStatus
	Show                    portal.FreeBusy
	Private, Masked         bool
	Reminder                *int
	Categories              []string
	Attachments             []string
	Parts                   []string
}

func seenOf(a *portal.Appointment) seen {
	s := seen{
		Subject: strings.TrimSpace(a.Subject), Location: strings.TrimSpace(a.Location), Body: settledText(a.Body),
		Start: a.Start.Unix(), End: a.End.Unix(), AllDay: a.AllDay, Recurrence: a.Recurrence,
		Response: a.Response, Status: a.Status, Show: a.Show, Private: a.Private, Masked: a.Masked, Reminder: a.ReminderMinutes,
		Categories: slices.Sorted(slices.Values(a.Categories)),
	}
	if a.Recurrence != "" {
		s.TimeZone = a.TimeZone // of a single one it is only how the times were written
	}
	for _, p := range a.Attendees {
		s.Attendees = append(s.Attendees, strings.ToLower(p.Email)+" "+string(p.Role))
	}
	slices.Sort(s.Attendees)
	for _, f := range a.Attachments {
		s.Attachments = append(s.Attachments, f.ID+" "+f.Name)
	}
	return s
}

// settledText is a text without what servers change about it: line ends, blanks at the end of lines and of all.
func settledText(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r\u00a0")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func (s seen) word() string {
	data, err := json.Marshal(s)
	if err != nil { // strings, numbers and booleans always marshal
		panic("calendar: version: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// versionOf is the version of a single appointment or of one occurrence.
func versionOf(a *portal.Appointment) string { return seenOf(a).word() }

// entryVersion is the version of an entry: of a series, its exceptions are part of it.
func entryVersion(e *portal.Entry) string {
	s := seenOf(&e.Appointment)
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		s.Parts = append(s.Parts, stampOf(x.RecurrenceID)+" "+versionOf(x))
	}
	for _, d := range e.Deleted {
		s.Parts = append(s.Parts, stampOf(d)+" -")
	}
	slices.Sort(s.Parts)
	return s.word()
}

func stampOf(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// news lists whose answers differ between two copies of an entry, as of now.
func news(old, now *portal.Entry, at time.Time) []portal.AnswerNews {
	list := attendeeNews(old.Attendees, now.Attendees, time.Time{}, at)
	for i := range now.Exceptions {
		x := &now.Exceptions[i]
		before := old.Attendees
		if o := exceptionOf(old, x.RecurrenceID); o != nil {
			before = o.Attendees
		}
		for _, n := range attendeeNews(before, x.Attendees, x.RecurrenceID, at) {
			// What was answered for the whole series is told once, with the series.
			if !slices.ContainsFunc(list, func(l portal.AnswerNews) bool { return l.Occurrence.IsZero() && l.Email == n.Email && l.Is == n.Is }) {
				list = append(list, n)
			}
		}
	}
	return list
}

func attendeeNews(old, now []portal.Attendee, occurrence, at time.Time) []portal.AnswerNews {
	var list []portal.AnswerNews
	for _, n := range now {
		o := portal.Attendee{Response: portal.ResponseNone}
		if i := slices.IndexFunc(old, func(o portal.Attendee) bool { return strings.EqualFold(o.Email, n.Email) }); i >= 0 {
			o = old[i]
		}
		// Where the server tells no time, an equal answer is no news.
		again := !n.RespondedAt.IsZero() && !o.RespondedAt.IsZero() && !n.RespondedAt.Equal(o.RespondedAt)
		if answered(o.Response) == answered(n.Response) && o.Comment == n.Comment && o.ProposedStart.Equal(n.ProposedStart) &&
			o.ProposedEnd.Equal(n.ProposedEnd) && !again {
			continue
		}
		list = append(list, portal.AnswerNews{Occurrence: occurrence, Email: strings.ToLower(n.Email), Name: n.Name,
			Was: answered(o.Response), Is: answered(n.Response), At: at})
	}
	return list
}

// answered takes the ways of saying "has not answered" as one.
func answered(r portal.Response) portal.Response {
	if r == "" {
		return portal.ResponseNone
	}
	return r
}

// mergeNews puts newer news over older: the latest change for each person and occurrence.
func mergeNews(older, newer []portal.AnswerNews) []portal.AnswerNews {
	out := slices.Clone(newer)
	for _, o := range older {
		if !slices.ContainsFunc(newer, func(n portal.AnswerNews) bool { return n.Email == o.Email && n.Occurrence.Equal(o.Occurrence) }) {
			out = append(out, o)
		}
	}
	const most = 200
	return out[:min(len(out), most)]
}

func exceptionOf(e *portal.Entry, id time.Time) *portal.Appointment {
	for i := range e.Exceptions {
		if e.Exceptions[i].RecurrenceID.Equal(id) {
			return &e.Exceptions[i]
		}
	}
	return nil
}
