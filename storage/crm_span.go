package storage

import (
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// How long an appointment lasts at the longest, for the index that windows are read by. Of a series the end is reckoned from its
// rule without expanding it: a bound that is too late costs a look, one that is too early would lose an occurrence.

// spanSlack covers what the wall clocks of a series' zone do to its instants.
const spanSlack = 48 * time.Hour

// span encloses all that an entry ever means: of a series its first start and a bound of its last end, exceptions included.
func span(e *portal.Entry) (from, until time.Time) {
	from, until = e.Start, e.End
	if e.Recurrence != "" {
		from, until = e.Start.Add(-spanSlack), lastInstant
		if end, ok := lastStart(e.Recurrence, e.Start); ok {
			until = end.Add(e.End.Sub(e.Start)).Add(spanSlack)
		}
	}
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if x.Start.Before(from) {
			from = x.Start
		}
		if x.End.After(until) {
			until = x.End
		}
	}
	if until.Before(from) {
		until = from
	}
	return from, until
}

// lastStart is a bound of the last start of a series; false: it has none that can be told from the rule.
func lastStart(rule string, start time.Time) (time.Time, bool) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	if until, ok := parts["UNTIL"]; ok {
		for _, layout := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
			if t, err := time.Parse(layout, until); err == nil {
				return t.AddDate(0, 0, 1), true
			}
		}
		return time.Time{}, false
	}
	count, err := strconv.Atoi(parts["COUNT"])
	if err != nil || count < 1 {
		return time.Time{}, false
	}
	interval := 1
	if text, ok := parts["INTERVAL"]; ok {
		if interval, err = strconv.Atoi(text); err != nil || interval < 1 {
			return time.Time{}, false
		}
	}
	days, ok := periodDays(parts)
	const most = 1_000_000 // days: further than instants are kept
	if !ok || count > most || interval > most || count*interval > most/days {
		return time.Time{}, false
	}
	return start.AddDate(0, 0, count*interval*days), true
}

// periodDays is within how many days (times the interval) each occurrence of a rule follows the one before at the latest; false
// for rules of which that is not plain.
func periodDays(parts map[string]string) (int, bool) {
	for name := range parts {
		switch name {
		case "FREQ", "INTERVAL", "COUNT", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS":
		default:
			return 0, false
		}
	}
	_, byDay := parts["BYDAY"]
	_, byMonthDay := parts["BYMONTHDAY"]
	_, byMonth := parts["BYMONTH"]
	_, byPlace := parts["BYSETPOS"]
	plain := !byMonthDay && !byMonth && !byPlace
	// The calendar repeats itself with its weekdays after 28 years, 40 over a century that has no leap day: what
	// occurs at all occurs within that.
	const cycle = 40
	switch parts["FREQ"] {
	case "DAILY":
		if plain && !byDay {
			return 1, true
		}
	case "WEEKLY":
		if plain {
			return 7, true
		}
	case "MONTHLY":
		if !byMonth {
			return 31 * 12 * cycle, true
		}
	case "YEARLY":
		return 366 * cycle, true
	}
	return 0, false
}
