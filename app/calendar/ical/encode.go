package ical

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/calendar/zone"
	"portico/app/portal"
)

// Options say how a calendar is written.
type Options struct {
	// Now is the DTSTAMP of every event.
	Now time.Time
	// Name is shown by programs that subscribe (X-WR-CALNAME); "" for none.
	Name string
}

const product = "-//Portico//Portico//EN"

// Encode writes entries as one VCALENDAR: series whole, with their exceptions and deleted occurrences, every zone
// described. It carries no METHOD: it is a file, not an invitation.
func Encode(entries []portal.Entry, o Options) ([]byte, error) {
	w := &writer{}
	w.raw("BEGIN:VCALENDAR")
	w.raw("VERSION:2.0")
	w.raw("PRODID:" + product)
	w.text("X-WR-CALNAME", o.Name)
	describe(w, entries)
	for i := range entries {
		if err := writeEntry(w, &entries[i], o); err != nil {
			return nil, err
		}
	}
	w.raw("END:VCALENDAR")
	return []byte(w.b.String()), nil
}

// form is how the times of an entry are written: as dates, in a zone, or in UTC.
type form struct {
	date bool
	loc  *time.Location
	name string
}

func formOf(a *portal.Appointment) form {
	if a.AllDay {
		return form{date: true}
	}
	if z, err := zone.Load(a.TimeZone); err == nil && a.TimeZone != "" && z.Name != "UTC" && !strings.HasPrefix(z.Name, "UTC") {
		return form{loc: z.Location, name: z.Name}
	}
	return form{loc: time.UTC}
}

// line is a property with a time as its value.
func (f form) line(name string, t time.Time) string {
	switch {
	case f.date:
		return name + ";VALUE=DATE:" + t.UTC().Format("20060102")
	case f.name == "":
		return name + ":" + t.UTC().Format("20060102T150405Z")
	}
	return name + ";TZID=" + quoted(f.name) + ":" + t.In(f.loc).Format("20060102T150405")
}

func writeEntry(w *writer, e *portal.Entry, o Options) error {
	f := formOf(&e.Appointment)
	uid := cmp.Or(e.UID, e.ID+"@portico")
	rule := ""
	if e.Recurrence != "" {
		r, err := recurrence.Parse(e.Recurrence)
		if err != nil {
			return fmt.Errorf("series %s: %w", e.ID, err)
		}
		start, kind := e.Start, recurrence.Dates
		if !f.date {
			start, kind = e.Start.In(f.loc), recurrence.Zoned
		}
		rule = r.Conform(start, kind).String()
	}
	w.event(&e.Appointment, uid, f, o, func() {
		if rule == "" {
			return
		}
		w.raw("RRULE:" + rule)
		for _, d := range slices.SortedFunc(slices.Values(e.Deleted), time.Time.Compare) {
			w.raw(f.line("EXDATE", d))
		}
	})
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if x.TimeZone == "" {
			x.TimeZone = e.TimeZone
		}
		w.event(x, uid, formOf(x), o, func() { w.raw(f.line("RECURRENCE-ID", x.RecurrenceID)) })
	}
	return nil
}

// event writes one VEVENT; repeats writes what makes it a series or an exception.
func (w *writer) event(a *portal.Appointment, uid string, f form, o Options, repeats func()) {
	w.raw("BEGIN:VEVENT")
	w.text("UID", uid)
	w.raw("DTSTAMP:" + o.Now.UTC().Format("20060102T150405Z"))
	w.raw(f.line("DTSTART", a.Start))
	if a.End.After(a.Start) {
		w.raw(f.line("DTEND", a.End))
	}
	repeats()
	if !a.UpdatedAt.IsZero() {
		w.raw("LAST-MODIFIED:" + a.UpdatedAt.UTC().Format("20060102T150405Z"))
	}
	if a.Sequence > 0 {
		w.raw("SEQUENCE:" + strconv.Itoa(a.Sequence))
	}
	w.text("SUMMARY", a.Subject)
	w.text("LOCATION", a.Location)
	w.text("DESCRIPTION", a.Body)
	w.show(a)
	if a.Private || a.Masked {
		w.raw("CLASS:PRIVATE")
	}
	if len(a.Categories) > 0 {
		var list []string
		for _, c := range a.Categories {
			list = append(list, escape(c))
		}
		w.raw("CATEGORIES:" + strings.Join(list, ","))
	}
	w.people(a)
	if a.ReminderMinutes != nil {
		w.raw("BEGIN:VALARM")
		w.raw("ACTION:DISPLAY")
		w.raw("DESCRIPTION:" + cmp.Or(escape(a.Subject), "Portico"))
		w.raw("TRIGGER:-PT" + strconv.Itoa(*a.ReminderMinutes) + "M")
		w.raw("END:VALARM")
	}
	w.raw("END:VEVENT")
}

// show writes how the time is taken, in the standard's two words and in Exchange's five.
func (w *writer) show(a *portal.Appointment) {
	status, transparency, busy := "CONFIRMED", "OPAQUE", "BUSY"
	switch a.Show {
	case portal.ShowFree:
		transparency, busy = "TRANSPARENT", "FREE"
	case portal.ShowTentative:
		status, busy = "TENTATIVE", "TENTATIVE"
	case portal.ShowOOF:
		busy = "OOF"
	case portal.ShowElsewhere:
		transparency, busy = "TRANSPARENT", "WORKINGELSEWHERE"
	}
	if a.Status == portal.StatusCancelled {
		status = "CANCELLED"
	}
	w.raw("STATUS:" + status)
	w.raw("TRANSP:" + transparency)
	w.raw("X-MICROSOFT-CDO-BUSYSTATUS:" + busy)
}

func (w *writer) people(a *portal.Appointment) {
	if !a.Meeting || a.Masked {
		return
	}
	if mail := address(a.Organizer.Email); mail != "" {
		w.raw("ORGANIZER" + common(a.Organizer) + ":mailto:" + mail)
	}
	for _, p := range a.Attendees {
		mail := address(p.Email)
		if mail == "" {
			continue
		}
		role, kind := "REQ-PARTICIPANT", ""
		switch {
		case p.Role == portal.RoleOptional:
			role = "OPT-PARTICIPANT"
		case p.Role == portal.RoleResource:
			role, kind = "NON-PARTICIPANT", ";CUTYPE=RESOURCE"
		case p.List:
			kind = ";CUTYPE=GROUP"
		}
		status := "NEEDS-ACTION"
		switch p.Response {
		case portal.ResponseAccepted, portal.ResponseOrganizer:
			status = "ACCEPTED"
		case portal.ResponseTentative:
			status = "TENTATIVE"
		case portal.ResponseDeclined:
			status = "DECLINED"
		}
		w.raw("ATTENDEE" + common(p) + kind + ";ROLE=" + role + ";PARTSTAT=" + status + ":mailto:" + mail)
	}
}

func common(p portal.Attendee) string {
	if p.Name == "" {
		return ""
	}
	return ";CN=" + quoted(p.Name)
}

// address keeps what cannot break a line.
func address(email string) string {
	if strings.ContainsFunc(email, func(r rune) bool { return r <= 0x20 || r == 0x7f }) {
		return ""
	}
	return email
}
