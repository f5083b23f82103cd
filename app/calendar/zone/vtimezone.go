package zone

import (
	"cmp"
	"slices"
	"time"

	"portico/app/calendar/recurrence"
)

// VTIMEZONE: custom rules as iCalendar writes them (RFC 5545 section 3.6.5), already taken apart into properties.

// Observance is a STANDARD or DAYLIGHT part.
type Observance struct {
	Daylight bool
	Name     string        // TZNAME
	From, To time.Duration // TZOFFSETFROM and TZOFFSETTO, east positive
	Start    time.Time     // DTSTART: the wall clock, by From; its location is not read
	Rule     string        // RRULE, "" for a change that happens once
	Dates    []time.Time   // RDATE, wall clocks by From
}

// Observances are the parts of a VTIMEZONE.
type Observances struct {
	ID    string // TZID
	Parts []Observance
}

const maxChanges = 5000

// Compile follows the observances to the year 2200.
func (o *Observances) Compile() (*time.Location, error) {
	if len(o.Parts) == 0 || len(o.Parts) > maxParts {
		return nil, invalid("a time zone of %d parts", len(o.Parts))
	}
	var shifts []shift
	for _, p := range o.Parts {
		more, err := p.shifts()
		if err != nil {
			return nil, err
		}
		if shifts = append(shifts, more...); len(shifts) > maxChanges {
			return nil, invalid("a time zone of more than %d changes", maxChanges)
		}
	}
	first := slices.MinFunc(o.Parts, func(a, b Observance) int { return cmp.Compare(a.Start.Unix(), b.Start.Unix()) })
	off := int(first.From / time.Second)
	return location(cmp.Or(o.ID, "Custom"), shift{0, off, false, abbrev(off)}, shifts)
}

// shifts lists the instants at which a part begins to hold.
func (p Observance) shifts() ([]shift, error) {
	if p.From < -maxBias || p.From > maxBias || p.To < -maxBias || p.To > maxBias {
		return nil, invalid("offsets of %s and %s", p.From, p.To)
	}
	before := time.FixedZone("", int(p.From/time.Second))
	at := func(t time.Time) shift {
		wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, before)
		off := int(p.To / time.Second)
		return shift{wall.Unix(), off, p.Daylight, abbrev(off)}
	}
	out := []shift{at(p.Start)}
	for _, t := range p.Dates {
		out = append(out, at(t))
	}
	if p.Rule == "" {
		return out, nil
	}
	r, err := recurrence.Parse(p.Rule)
	if err != nil {
		return nil, invalid("the time zone's rule: %w", err)
	}
	if r.Freq < recurrence.Daily {
		return nil, invalid("a clock that changes by FREQ=%s", r.Freq)
	}
	start := time.Date(p.Start.Year(), p.Start.Month(), p.Start.Day(), p.Start.Hour(), p.Start.Minute(), p.Start.Second(), 0, before)
	for t, err := range r.Starts(start, false, time.Time{}) {
		if err != nil {
			return nil, invalid("the time zone's rule: %w", err)
		}
		if t.Year() > lastYear {
			break
		}
		if out = append(out, at(t)); len(out) > maxChanges {
			return nil, invalid("a clock that changes more than %d times", maxChanges)
		}
	}
	return out, nil
}
