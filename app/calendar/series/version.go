package series

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
		Subject: strings.TrimSpace(a.Subject), Location: strings.TrimSpace(a.Location), Body: SettledText(a.Body),
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

// SettledText is a text without what servers change about it: line ends, blanks at the end of lines and of all.
func SettledText(text string) string {
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

// Version is the version of a single appointment or of one occurrence.
func Version(a *portal.Appointment) string { return seenOf(a).word() }

// EntryVersion is the version of an entry: of a series, its exceptions are part of it.
func EntryVersion(e *portal.Entry) string {
	s := seenOf(&e.Appointment)
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		s.Parts = append(s.Parts, Stamp(x.RecurrenceID)+" "+Version(x))
	}
	for _, d := range e.Deleted {
		s.Parts = append(s.Parts, Stamp(d)+" -")
	}
	slices.Sort(s.Parts)
	return s.word()
}

// Stamp is a time as IDs and versions have it.
func Stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
