package ical

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// Reading says how a calendar is read.
type Reading struct {
	// Zone is the reader's: that of floating times. Nil: UTC.
	Zone *time.Location
	// MaxEntries bounds the entries; what is beyond is an error. Default: 20,000.
	MaxEntries int
}

// Problem is an event that was not taken.
type Problem struct {
	Subject string
	// Reason is a catalogue key.
	Reason string
	Line   int
}

// Result is what a calendar held: entries in the order of their first mention, each with a UID.
type Result struct {
	Name     string
	Entries  []portal.Entry
	Problems []Problem
}

// Decode reads the events of a file. Series are put together with their exceptions; occurrences that were added one by one
// (RDATE), and exceptions whose series is not in the file, become entries of their own. The error means portal.ErrInvalid.
func Decode(data []byte, r Reading) (Result, error) {
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	if r.MaxEntries <= 0 {
		r.MaxEntries = 20_000
	}
	var out Result
	list, err := calendars(data)
	if err != nil {
		return out, err
	}
	for _, c := range list {
		if out.Name == "" {
			out.Name = c.text("X-WR-CALNAME")
		}
		g := gathering{zones: newZones(r.Zone, c), out: &out, masters: map[string]int{}}
		for _, part := range c.parts {
			if part.name == "VEVENT" {
				g.event(part)
			}
			if len(out.Entries) > r.MaxEntries {
				return out, portal.Fail(portal.ErrInvalid, "calendar.import-many")
			}
		}
		g.join()
		if len(out.Entries) > r.MaxEntries {
			return out, portal.Fail(portal.ErrInvalid, "calendar.import-many")
		}
	}
	return out, nil
}

// gathering puts the events of one calendar together.
type gathering struct {
	zones *zones
	out   *Result
	// masters are the entries by UID; parts the exceptions found, which are joined when all masters are known.
	masters map[string]int
	parts   []exceptionPart
}

type exceptionPart struct {
	a    portal.Appointment
	id   when
	line int
}

func (g *gathering) refuse(c *component, reason string) {
	g.out.Problems = append(g.out.Problems, Problem{Subject: c.text("SUMMARY"), Reason: reason, Line: c.line})
}

// event reads one VEVENT.
func (g *gathering) event(c *component) {
	a, reason := g.appointment(c)
	if reason != "" {
		g.refuse(c, reason)
		return
	}
	if p := c.first("RECURRENCE-ID"); p != nil {
		id, reason := g.zones.read(p, p.value)
		if strings.EqualFold(p.param("RANGE"), "THISANDFUTURE") {
			reason = "calendar.import-range"
		}
		if reason != "" {
			g.refuse(c, reason)
			return
		}
		g.parts = append(g.parts, exceptionPart{a: a, id: id, line: c.line})
		return
	}
	e := portal.Entry{Appointment: a}
	extra, reason := g.repeat(c, &e)
	if reason != "" {
		g.refuse(c, reason)
		return
	}
	if at, ok := g.masters[a.UID]; ok { // told twice: the later revision counts
		if g.out.Entries[at].Sequence <= a.Sequence {
			g.out.Entries[at] = e
		}
		return
	}
	g.masters[a.UID] = len(g.out.Entries)
	g.out.Entries = append(g.out.Entries, e)
	g.out.Entries = append(g.out.Entries, extra...)
}

// repeat reads RRULE, EXDATE and RDATE; extra are the entries that the RDATEs become.
func (g *gathering) repeat(c *component, e *portal.Entry) (extra []portal.Entry, reason string) {
	rules := 0
	for i := range c.properties {
		p := &c.properties[i]
		switch p.name {
		case "RRULE":
			if rules++; rules > 1 {
				return nil, "calendar.import-rules"
			}
			rule, err := recurrence.Parse(p.value)
			if err != nil {
				return nil, "calendar.recurrence"
			}
			e.Recurrence, e.Kind = rule.String(), portal.KindMaster
		case "EXRULE":
			return nil, "calendar.import-rules"
		case "EXDATE", "RDATE":
			for v := range strings.SplitSeq(p.value, ",") {
				v, _, _ = strings.Cut(v, "/") // a PERIOD's beginning
				w, why := g.zones.read(p, v)
				if why != "" {
					return nil, why
				}
				t := g.aligned(&e.Appointment, w)
				if p.name == "EXDATE" {
					e.Deleted = append(e.Deleted, t)
					continue
				}
				if len(extra) >= maxProperties {
					return nil, "calendar.import-rules"
				}
				extra = append(extra, added(e.Appointment, t))
			}
		}
	}
	if e.Recurrence == "" {
		e.Deleted = nil
	}
	return extra, ""
}

// added is an occurrence that was added by an RDATE, as an entry of its own.
func added(a portal.Appointment, start time.Time) portal.Entry {
	length := a.End.Sub(a.Start)
	a.UID += "-" + start.UTC().Format("20060102T150405Z")
	a.Start, a.End, a.Recurrence, a.Kind = start, start.Add(length), "", portal.KindSingle
	return portal.Entry{Appointment: a}
}

// aligned makes of a time in an exception the instant that it means in the series: a date means that day's occurrence.
func (g *gathering) aligned(a *portal.Appointment, w when) time.Time {
	switch {
	case w.date == a.AllDay:
		return w.t.UTC()
	case a.AllDay: // a time where a date is wanted: its day by its own clock
		y, m, d := w.t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	loc := g.zones.local
	if z, ok := g.zones.find(a.TimeZone); ok {
		loc = z.Location
	}
	s := a.Start.In(loc)
	y, m, d := w.t.Date()
	return time.Date(y, m, d, s.Hour(), s.Minute(), s.Second(), 0, loc).UTC()
}

// join gives the exceptions to their series.
func (g *gathering) join() {
	for _, p := range g.parts {
		at, ok := g.masters[p.a.UID]
		if !ok || g.out.Entries[at].Recurrence == "" {
			a := p.a
			a.UID += "-" + p.id.t.UTC().Format("20060102T150405Z")
			if a.Status != portal.StatusCancelled {
				g.out.Entries = append(g.out.Entries, portal.Entry{Appointment: a})
			}
			continue
		}
		e := &g.out.Entries[at]
		x := p.a
		x.RecurrenceID, x.Kind = g.aligned(&e.Appointment, p.id), portal.KindException
		e.Exceptions = slices.DeleteFunc(e.Exceptions, func(o portal.Appointment) bool { return o.RecurrenceID.Equal(x.RecurrenceID) })
		if x.Status == portal.StatusCancelled {
			e.Deleted = append(e.Deleted, x.RecurrenceID)
			continue
		}
		e.Deleted = slices.DeleteFunc(e.Deleted, func(d time.Time) bool { return d.Equal(x.RecurrenceID) })
		e.Exceptions = append(e.Exceptions, x)
	}
}

// appointment reads what a VEVENT says of itself.
func (g *gathering) appointment(c *component) (a portal.Appointment, reason string) {
	a = portal.Appointment{
		UID: strings.TrimSpace(c.text("UID")), Subject: c.text("SUMMARY"), Location: c.text("LOCATION"), Body: c.text("DESCRIPTION"),
		Kind: portal.KindSingle, Source: portal.SourceExchange, Status: portal.StatusConfirmed, Sequence: number(c.word("SEQUENCE")),
	}
	if a.UID == "" || len(a.UID) > 1000 {
		a.UID = fingerprint(c)
	}
	start := c.first("DTSTART")
	if start == nil {
		return a, "calendar.import-time"
	}
	w, reason := g.zones.read(start, start.value)
	if reason != "" {
		return a, reason
	}
	a.Start, a.AllDay, a.TimeZone = w.t.UTC(), w.date, cmp.Or(w.zone, g.zones.local.String())
	if a.End, reason = g.end(c, w); reason != "" {
		return a, reason
	}
	switch c.word("STATUS") {
	case "CANCELLED":
		a.Status = portal.StatusCancelled
	}
	a.Show = showOf(c)
	a.Private = c.word("CLASS") == "PRIVATE" || c.word("CLASS") == "CONFIDENTIAL"
	for i := range c.properties {
		p := &c.properties[i]
		switch p.name {
		case "CATEGORIES":
			for _, t := range texts(p.value) {
				if t = strings.TrimSpace(t); t != "" && !slices.Contains(a.Categories, t) {
					a.Categories = append(a.Categories, t)
				}
			}
		case "ORGANIZER":
			a.Organizer = attendee(p)
			a.Organizer.Response = portal.ResponseOrganizer
		case "ATTENDEE":
			a.Attendees = append(a.Attendees, attendee(p))
		}
	}
	a.Meeting = len(a.Attendees) > 0
	a.ReminderMinutes = reminder(c, w.t)
	return a, ""
}

// end is DTEND, or DTSTART and DURATION, or what section 3.6.1 says where there is neither.
func (g *gathering) end(c *component, start when) (time.Time, string) {
	if p := c.first("DTEND"); p != nil {
		w, reason := g.zones.read(p, p.value)
		if reason != "" || w.date != start.date || w.t.Before(start.t) {
			return time.Time{}, cmp.Or(reason, "calendar.import-time")
		}
		if w.date && !w.t.After(start.t) { // a day that ends where it begins: that day
			return start.t.AddDate(0, 0, 1), ""
		}
		return w.t.UTC(), ""
	}
	if p := c.first("DURATION"); p != nil {
		d, ok := duration(p.value)
		if !ok || d < 0 || start.date && d%(24*time.Hour) != 0 {
			return time.Time{}, "calendar.import-time"
		}
		if start.date {
			return start.t.Add(max(d, 24*time.Hour)), ""
		}
		return start.t.Add(d).UTC(), ""
	}
	if start.date {
		return start.t.AddDate(0, 0, 1), ""
	}
	return start.t.UTC(), ""
}

func showOf(c *component) portal.FreeBusy {
	switch c.word("X-MICROSOFT-CDO-BUSYSTATUS") {
	case "FREE":
		return portal.ShowFree
	case "TENTATIVE":
		return portal.ShowTentative
	case "OOF":
		return portal.ShowOOF
	case "WORKINGELSEWHERE":
		return portal.ShowElsewhere
	case "BUSY":
		return portal.ShowBusy
	}
	switch {
	case c.word("TRANSP") == "TRANSPARENT":
		return portal.ShowFree
	case c.word("STATUS") == "TENTATIVE":
		return portal.ShowTentative
	}
	return portal.ShowBusy
}

func attendee(p *property) portal.Attendee {
	a := portal.Attendee{Name: p.param("CN"), Role: portal.RoleRequired, Response: portal.ResponseNone}
	if scheme, rest, ok := strings.Cut(p.value, ":"); ok && strings.EqualFold(scheme, "mailto") {
		a.Email = strings.TrimSpace(rest)
	} else {
		a.Email = strings.TrimPrefix(strings.ToLower(p.param("EMAIL")), "mailto:")
	}
	switch strings.ToUpper(p.param("ROLE")) {
	case "OPT-PARTICIPANT":
		a.Role = portal.RoleOptional
	case "NON-PARTICIPANT":
		a.Role = portal.RoleResource
	}
	switch strings.ToUpper(p.param("CUTYPE")) {
	case "ROOM", "RESOURCE":
		a.Role = portal.RoleResource
	case "GROUP":
		a.List = true
	}
	switch strings.ToUpper(p.param("PARTSTAT")) {
	case "ACCEPTED":
		a.Response = portal.ResponseAccepted
	case "TENTATIVE":
		a.Response = portal.ResponseTentative
	case "DECLINED":
		a.Response = portal.ResponseDeclined
	}
	return a
}

// reminder is the first VALARM's time before the start, in minutes; nil: none, or one after the start.
func reminder(c *component, start time.Time) *int {
	const most = 4 * 7 * 24 * 60
	for _, part := range c.parts {
		if part.name != "VALARM" {
			continue
		}
		p := part.first("TRIGGER")
		if p == nil {
			continue
		}
		var before time.Duration
		if at, err := time.Parse("20060102T150405Z", strings.ToUpper(strings.TrimSpace(p.value))); err == nil {
			before = start.Sub(at)
		} else if d, ok := duration(p.value); ok && !strings.EqualFold(p.param("RELATED"), "END") {
			before = -d
		} else {
			continue
		}
		if before < 0 {
			continue
		}
		m := min(int(before/time.Minute), most)
		return &m
	}
	return nil
}

func number(s string) int {
	n := 0
	for i := 0; i < len(s) && i < 9; i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// fingerprint is a UID for an event without one: the same each time the file is read.
func fingerprint(c *component) string {
	h := sha256.New()
	for i := range c.properties {
		if p := &c.properties[i]; p.name != "DTSTAMP" {
			h.Write([]byte(p.name + ":" + p.value + "\n"))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
