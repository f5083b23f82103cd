package ical

import (
	"strconv"
	"strings"
	"time"

	"portico/app/calendar/zone"
)

// Times as iCalendar writes them: dates, wall times with a zone, in UTC or floating, and durations.

// when is a DATE or DATE-TIME that has been understood.
type when struct {
	t    time.Time // dates are midnights in UTC; times carry their location
	date bool
	zone string // the IANA name that the time was meant in; "" for dates
}

// zones understands the TZIDs of one calendar.
type zones struct {
	// local is the reader's zone: that of floating times.
	local     *time.Location
	described map[string]*zone.Observances
	known     map[string]zone.Zone
}

func newZones(local *time.Location, calendar *component) *zones {
	z := &zones{local: local, described: map[string]*zone.Observances{}, known: map[string]zone.Zone{}}
	for _, c := range calendar.parts {
		if c.name != "VTIMEZONE" {
			continue
		}
		if o := observances(c); o != nil {
			z.described[o.ID] = o
		}
	}
	return z
}

// observances reads a VTIMEZONE; nil where it says nothing that can be used.
func observances(c *component) *zone.Observances {
	o := &zone.Observances{ID: c.text("TZID")}
	for _, part := range c.parts {
		if part.name != "STANDARD" && part.name != "DAYLIGHT" {
			continue
		}
		from, okFrom := offset(part.word("TZOFFSETFROM"))
		to, okTo := offset(part.word("TZOFFSETTO"))
		start, err := time.Parse("20060102T150405", strings.TrimSuffix(part.word("DTSTART"), "Z"))
		if !okFrom || !okTo || err != nil {
			return nil
		}
		v := zone.Observance{Daylight: part.name == "DAYLIGHT", Name: part.text("TZNAME"), From: from, To: to, Start: start, Rule: part.word("RRULE")}
		for i := range part.properties {
			if p := &part.properties[i]; p.name == "RDATE" {
				for d := range strings.SplitSeq(p.value, ",") {
					if t, err := time.Parse("20060102T150405", strings.TrimSuffix(strings.TrimSpace(d), "Z")); err == nil {
						v.Dates = append(v.Dates, t)
					}
				}
			}
		}
		o.Parts = append(o.Parts, v)
	}
	if o.ID == "" || len(o.Parts) == 0 {
		return nil
	}
	return o
}

// offset reads a UTC-OFFSET ("+0100", "-023000").
func offset(s string) (time.Duration, bool) {
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil {
		return 0, false
	}
	if len(s) == 5 {
		n *= 100
	}
	d := time.Duration(n/10000)*time.Hour + time.Duration(n/100%100)*time.Minute + time.Duration(n%100)*time.Second
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// find understands a TZID: by what the calendar says of it, else by its name.
func (z *zones) find(id string) (zone.Zone, bool) {
	if known, ok := z.known[id]; ok {
		return known, known.Location != nil
	}
	said := zone.Said{ID: id, Name: id, Prefer: z.local.String()}
	if o := z.described[id]; o != nil {
		said.Rules = o
	}
	r, err := zone.Resolve(said)
	if err != nil && said.Rules != nil { // rules that cannot be followed do not spoil a good name
		said.Rules = nil
		r, err = zone.Resolve(said)
	}
	if err != nil {
		z.known[id] = zone.Zone{}
		return zone.Zone{}, false
	}
	z.known[id] = r.Zone
	return r.Zone, true
}

// read understands the value of a DATE or DATE-TIME property; reason is a catalogue key where it cannot.
func (z *zones) read(p *property, value string) (w when, reason string) {
	id := p.param("TZID")
	if at := strings.LastIndexByte(value, ':'); at > 0 && strings.HasPrefix(value, "//") { // tzone://Microsoft/Utc, without the quotes it needs
		id, value = id+":"+value[:at], value[at+1:]
	}
	value = strings.ToUpper(strings.TrimSpace(value))
	if len(value) == 8 || strings.EqualFold(p.param("VALUE"), "DATE") && len(value) >= 8 {
		t, err := time.Parse("20060102", value[:8])
		if err != nil {
			return w, "calendar.import-time"
		}
		return when{t: t, date: true}, ""
	}
	wall, utc := strings.CutSuffix(value, "Z")
	t, err := time.Parse("20060102T150405", wall)
	if err != nil {
		return w, "calendar.import-time"
	}
	loc, name := z.local, z.local.String()
	switch {
	case utc:
		loc, name = time.UTC, "UTC"
	case id != "":
		found, ok := z.find(strings.Trim(id, `"`))
		if !ok {
			return w, "calendar.import-zone"
		}
		loc, name = found.Location, found.Name
	}
	return when{t: time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc), zone: name}, ""
}

// duration reads a DURATION (section 3.3.6); days and weeks are of 24 hours.
func duration(s string) (time.Duration, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	sign := time.Duration(1)
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = -1, rest
	}
	s = strings.TrimPrefix(s, "+")
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return 0, false
	}
	var total time.Duration
	inTime := false
	for s != "" {
		if s[0] == 'T' && !inTime {
			inTime, s = true, s[1:]
			continue
		}
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		if digits == 0 || digits > 8 || digits == len(s) {
			return 0, false
		}
		n, err := strconv.Atoi(s[:digits])
		if err != nil {
			return 0, false
		}
		unit, ok := map[string]time.Duration{"falseW": 7 * 24 * time.Hour, "falseD": 24 * time.Hour, "trueH": time.Hour,
			"trueM": time.Minute, "trueS": time.Second}[strconv.FormatBool(inTime)+s[digits:digits+1]]
		if !ok || time.Duration(n) > 20*366*24*time.Hour/unit {
			return 0, false
		}
		total += time.Duration(n) * unit
		s = s[digits+1:]
	}
	return sign * total, true
}
