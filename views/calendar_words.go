package views

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// How calendars speak: times and days, what an appointment is, who has answered.

// hour is a time of day as the reader writes it; a full hour of twelve without its minutes.
func (r Reader) hour(t time.Time) string {
	return r.Hour(t.In(r.Zone))
}

// rowTime is the time at which a row of the grid begins.
func (r Reader) rowTime(key rowKey) string {
	t := time.Date(2001, 1, 1, key.minute/60, key.minute%60, 0, 0, time.UTC)
	text := r.Hour(t)
	if key.again {
		return r.Text("calendar.again", "Time", text)
	}
	return text
}

func (r Reader) weekdayShort(d time.Weekday) string {
	return r.Text(fmt.Sprint("weekday.short.", int(d)))
}

func (r Reader) weekdayLong(d time.Weekday) string {
	return r.Text(fmt.Sprint("weekday.", int(d)))
}

func (r Reader) monthLong(m time.Month) string { return r.Text(fmt.Sprint("month.", int(m))) }

// shortDay is a day in little room: "Mon 23 Nov".
func (r Reader) shortDay(t time.Time) string {
	return r.Text("time.short-day", "Weekday", r.weekdayShort(t.Weekday()), "Date", r.dateOf(t))
}

// dateOf is a date, with its year where that is not this one: "23 Nov".
func (r Reader) dateOf(t time.Time) string {
	return r.Date(t, r.Now)
}

// longDay is a day in full: "Monday 23 November 2026".
func (r Reader) longDay(t time.Time) string {
	return r.Text("time.day-year", "Weekday", r.weekdayLong(t.Weekday()), "Day", t.Day(), "Month", r.monthLong(t.Month()), "Year", t.Year())
}

// dayRange names a stretch of days: "23–27 November 2026", with months and years where they differ.
func (r Reader) dayRange(first, last time.Time) string {
	full := func(t time.Time) string {
		return r.Text("time.date-year", "Day", t.Day(), "Month", r.monthLong(t.Month()), "Year", t.Year())
	}
	switch {
	case first.Year() != last.Year():
		return full(first) + " – " + full(last)
	case first.Month() != last.Month():
		return r.Text("time.date", "Day", first.Day(), "Month", r.monthLong(first.Month())) + " – " + full(last)
	case first.Day() != last.Day():
		return r.Text("calendar.days", "First", first.Day(), "Last", last.Day(), "Month", r.monthLong(last.Month()), "Year", last.Year())
	}
	return full(first)
}

// between is the times of an appointment without its day: "09:00–10:00", "all day".
func (r Reader) between(a portal.Appointment) string {
	if a.AllDay {
		return r.Text("calendar.all-day")
	}
	s := r.when(a)
	if s.from.Equal(s.to) {
		return r.hour(s.from)
	}
	return r.hour(s.from) + "–" + r.hour(s.to)
}

// whenText is when an appointment is, day and time: "Thu 26 Nov, 10:00–11:00".
func (r Reader) whenText(a portal.Appointment) string {
	s := r.when(a)
	last := s.to.Add(-time.Nanosecond)
	if s.to.Equal(s.from) {
		last = s.to
	}
	sameDay := r.dayKey(s.from) == r.dayKey(last)
	switch {
	case a.AllDay && sameDay:
		return r.Text("calendar.day-all", "Day", r.shortDay(s.from))
	case a.AllDay:
		return r.shortDay(s.from) + " – " + r.shortDay(last)
	case sameDay:
		return r.Text("calendar.day-time", "Day", r.shortDay(s.from), "Time", r.between(a))
	}
	return r.Text("calendar.day-time", "Day", r.shortDay(s.from), "Time", r.hour(s.from)) + " – " +
		r.Text("calendar.day-time", "Day", r.shortDay(s.to), "Time", r.hour(s.to))
}

// WhenText is when an appointment is, day and time, for texts that are not pages.
func (r Reader) WhenText(a portal.Appointment) string { return r.whenText(a) }

// subject is what an appointment is called: of one that is hidden from the reader only how it shows.
func (r Reader) subject(a portal.Appointment) string {
	switch {
	case a.Masked && a.Private:
		return r.Text("calendar.private")
	case a.Masked:
		return r.Text("show." + string(showOf(a)))
	case strings.TrimSpace(a.Subject) == "":
		return r.Text("calendar.no-subject")
	}
	return a.Subject
}

// showOf is how an appointment shows; one that does not say is busy.
func showOf(a portal.Appointment) portal.FreeBusy {
	switch a.Show {
	case portal.ShowFree, portal.ShowTentative, portal.ShowOOF, portal.ShowElsewhere, portal.ShowNoData:
		return a.Show
	}
	return portal.ShowBusy
}

// tally is how an appointment's answers stand.
type tally struct{ accepted, tentative, declined, none, all int }

func tallyOf(attendees []portal.Attendee) tally {
	var t tally
	for _, a := range attendees {
		if a.Role == portal.RoleResource || a.Response == portal.ResponseOrganizer {
			continue
		}
		t.all++
		switch a.Response {
		case portal.ResponseAccepted:
			t.accepted++
		case portal.ResponseTentative:
			t.tentative++
		case portal.ResponseDeclined:
			t.declined++
		default:
			t.none++
		}
	}
	return t
}

// tallyText sums the answers to an own meeting up: "6 of 7 accepted".
func (r Reader) tallyText(a portal.Appointment) string {
	t := tallyOf(a.Attendees)
	if !a.Meeting || !a.Mine || t.all == 0 {
		return ""
	}
	return r.Text("calendar.tally", "Accepted", t.accepted, "All", t.all)
}

// mark is a word about an appointment with a name for its look.
type mark struct{ kind, word string }

// marks is what is special about an appointment, in words; colour never stands alone.
func (r Reader) marks(a portal.Appointment) []mark {
	var out []mark
	add := func(kind, word string) { out = append(out, mark{kind, word}) }
	switch a.Sync.State {
	case portal.SyncFailed:
		add("failed", r.Text("calendar.sync-failed"))
	case portal.SyncPending:
		add("pending", r.Text("calendar.sync-pending"))
	}
	if a.Status == portal.StatusCancelled {
		add("cancelled", r.Text("calendar.cancelled"))
	}
	if show := showOf(a); show != portal.ShowBusy && !a.Masked {
		add(string(show), r.Text("show."+string(show)))
	}
	if a.Private && !a.Masked {
		add("private", r.Text("calendar.private"))
	}
	if a.Meeting && !a.Mine && a.Status != portal.StatusCancelled && !a.Masked {
		switch a.Response {
		case portal.ResponseNone, "":
			add("unanswered", r.Text("calendar.unanswered"))
		case portal.ResponseDeclined:
			add("declined", r.Text("response.declined"))
		}
	}
	if text := r.livesText(a); text != "" {
		add(lives(a), text)
	}
	if a.Status == portal.StatusComplete {
		add("complete", r.Text("crm.status.complete"))
	}
	return out
}

// details is the small print of an appointment in the grid: where, who, what is special.
func (r Reader) details(a portal.Appointment) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	for _, m := range r.marks(a) {
		if m.kind != lives(a) { // what is true of most stands last
			add(m.word)
		}
	}
	add(a.Location)
	add(r.tallyText(a))
	for _, c := range a.Categories {
		add(c)
	}
	if a.Kind == portal.KindOccurrence || a.Kind == portal.KindException || a.Kind == portal.KindMaster {
		add(r.Text("calendar.repeats"))
	}
	add(r.livesText(a))
	return strings.Join(parts, " · ")
}

// exchangeText says that Exchange is away, and what waits for it.
func (r Reader) exchangeText(e portal.ExchangeEvent) string {
	text := r.Text("calendar.exchange-away")
	if !e.Since.IsZero() {
		text = r.Text("calendar.exchange-away-since", "Time", r.moment(e.Since))
	}
	if e.Waiting > 0 {
		text += " " + r.Count("calendar.waiting", e.Waiting)
	}
	return text
}

// answer is an answer in a word.
func (r Reader) answer(a portal.Response) string {
	if a == "" {
		a = portal.ResponseNone
	}
	return r.Text("response." + string(a))
}
