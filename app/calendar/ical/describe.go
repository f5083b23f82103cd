package ical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/calendar/zone"
	"portico/app/portal"
)

// VTIMEZONE of the zones that are used: each change of clocks in the years of the entries by itself, and the last rule for ever.

// mostYears bounds the years whose changes are written one by one.
const mostYears = 60

// yearsWithout is how far the changes of a zone are written that follows no yearly rule.
const yearsWithout = 20

// describe writes the zones of the entries.
func describe(w *writer, entries []portal.Entry) {
	type years struct{ from, to int }
	used := map[string]years{}
	note := func(a *portal.Appointment, series bool) {
		f := formOf(a)
		if f.name == "" || f.date {
			return
		}
		from, to := a.Start.Year()-1, a.End.Year()+1
		if series {
			to += 10
		}
		if y, ok := used[f.name]; ok {
			from, to = min(from, y.from), max(to, y.to)
		}
		used[f.name] = years{from, to}
	}
	for i := range entries {
		e := &entries[i]
		note(&e.Appointment, e.Recurrence != "")
		for j := range e.Exceptions {
			x := e.Exceptions[j]
			if x.TimeZone == "" {
				x.TimeZone = e.TimeZone
			}
			note(&x, false)
		}
	}
	names := make([]string, 0, len(used))
	for name := range used {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		y := used[name]
		from := max(y.from, 1970)
		writeZone(w, name, from, min(max(y.to, from+1), from+mostYears))
	}
}

func writeZone(w *writer, name string, from, to int) {
	z, err := zone.Load(name)
	if err != nil { // formOf has just loaded it
		return
	}
	loc := z.Location
	w.raw("BEGIN:VTIMEZONE")
	w.raw("TZID:" + name)
	begin := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC)
	abbr, off := begin.In(loc).Zone()
	observance(w, begin.In(loc).IsDST(), abbr, off, off, begin.Add(time.Duration(off)*time.Second), "")
	rule, open := lastRule(loc, to)
	if !open { // no yearly rule: the changes themselves, far enough
		to += yearsWithout
	}
	until := time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := begin; ; {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() || !next.Before(until) {
			break
		}
		if !next.After(at) { // the bounds stand still at the end of a leap year beyond the zone's table
			at = at.Add(24 * time.Hour)
			continue
		}
		_, before := next.Add(-time.Second).In(loc).Zone()
		abbr, after := next.In(loc).Zone()
		observance(w, next.In(loc).IsDST(), abbr, before, after, next.UTC().Add(time.Duration(before)*time.Second), "")
		at = next
	}
	if open {
		writeRule(w, rule, loc, until)
	}
	w.raw("END:VTIMEZONE")
}

// observance writes one STANDARD or DAYLIGHT; start is the wall clock by the offset before, as if in UTC.
func observance(w *writer, daylight bool, abbr string, before, after int, start time.Time, rule string) {
	kind := "STANDARD"
	if daylight {
		kind = "DAYLIGHT"
	}
	w.raw("BEGIN:" + kind)
	w.raw("DTSTART:" + start.UTC().Format("20060102T150405"))
	w.raw("TZOFFSETFROM:" + writeOffset(before))
	w.raw("TZOFFSETTO:" + writeOffset(after))
	if rule != "" {
		w.raw("RRULE:" + rule)
	}
	w.text("TZNAME", abbr)
	w.raw("END:" + kind)
}

func writeOffset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	if seconds%60 != 0 {
		return fmt.Sprintf("%c%02d%02d%02d", sign, seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
}

// lastRule is the yearly rule that a zone follows from a year on; open is false where it follows none.
func lastRule(loc *time.Location, year int) (rule zone.Serializable, open bool) {
	rule, err := zone.SerializableOf(loc, year)
	if err != nil || rule.Standard.Month == 0 || rule.Daylight.Month == 0 {
		return rule, false
	}
	by, err := rule.Compile()
	return rule, err == nil && zone.Agree(by, loc, zone.Years{From: year, To: year + 20})
}

// writeRule writes the two changes of a rule from the first of each after a time on.
func writeRule(w *writer, rule zone.Serializable, loc *time.Location, from time.Time) {
	at := from
	for range 2 {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() {
			return
		}
		_, before := next.Add(-time.Second).In(loc).Zone()
		abbr, after := next.In(loc).Zone()
		wall := next.UTC().Add(time.Duration(before) * time.Second)
		daylight, change := next.In(loc).IsDST(), rule.Standard
		if int(wall.Month()) == rule.Daylight.Month { // by its month: Dublin calls its winter daylight time
			change = rule.Daylight
		}
		nth := change.Order
		if nth == 5 {
			nth = -1
		}
		day := strings.ToUpper(change.Weekday.String()[:2])
		observance(w, daylight, abbr, before, after, wall,
			"FREQ=YEARLY;BYDAY="+strconv.Itoa(nth)+day+";BYMONTH="+strconv.Itoa(change.Month))
		at = next
	}
}
