package quickadd

import (
	"strconv"
	"strings"
	"time"
)

// The days that a line can name.

// day is the day, or the days, that the line names; today where it names none.
func (r *reading) day() (dates, bool) {
	now := dateOf(r.now)
	for _, read := range []func() (dates, bool){r.numbered, r.inSoMany} {
		if d, ok := read(); ok {
			return d, true
		}
	}
	switch {
	case r.take(after) != nil:
		return dates{date: now.plus(2)}, true
	case r.take(today) != nil:
		return dates{date: now}, true
	}
	if m := r.take(weekday); m != nil {
		return dates{date: r.nextWeekday(m[1], m[2]+m[3])}, true
	}
	if r.take(tomorrow) != nil {
		return dates{date: now.plus(1)}, true
	}
	return dates{date: now}, false
}

// numbered reads dates that are written with numbers or a month's name.
func (r *reading) numbered() (dates, bool) {
	if m := r.take(isoDate); m != nil {
		return r.made(m[1], m[2], m[3], ""), true
	}
	if m := r.take(dotRange); m != nil {
		return r.stretch(m[1], m[2], m[3], m[4], m[5]), true
	}
	if m := r.take(enRange); m != nil {
		return r.stretch(m[1], m[2], "", m[3], m[4]), true
	}
	if m := r.take(dotDate); m != nil {
		return r.made(m[4], m[2], m[1], m[3]), true
	}
	if m := r.take(enDate); m != nil {
		return r.made(m[3], "", m[1], m[2]), true
	}
	if m := r.take(usDate); m != nil {
		return r.made(m[3], "", m[2], m[1]), true
	}
	return dates{}, false
}

func (r *reading) stretch(first, last, month, name, year string) dates {
	from, to := r.made(year, month, first, name), r.made(year, month, last, name)
	to.y = from.y
	from.more = to.d - from.d
	if from.more < 0 {
		r.bad = true
	}
	return from
}

// made is a date of its parts; without a year the next such day.
func (r *reading) made(year, month, day, name string) dates {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			r.bad = true
		}
		return n
	}
	d := date{y: r.now.Year(), d: number(day), zone: r.now.Location()}
	if name != "" {
		d.m = monthNamed(name)
	} else {
		d.m = time.Month(number(month))
	}
	if year != "" {
		d.y = number(year)
	} else if d.real() && d.plus(1).at(0).Before(r.now) {
		d.y++
	}
	if d.m < 1 || d.m > 12 || !d.real() {
		r.bad = true
	}
	return dates{date: d}
}

// monthNamed knows a month by the first letters of its name.
func monthNamed(name string) time.Month {
	name = strings.ToLower(name)
	for i, names := range [...]string{"jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"} {
		for n := range strings.FieldsSeq(names) {
			if strings.HasPrefix(name, n) {
				return time.Month(i + 1)
			}
		}
	}
	return 0
}

func (r *reading) inSoMany() (dates, bool) {
	m := r.take(inDays)
	if m == nil {
		return dates{}, false
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		r.bad = true
	}
	if unit := strings.ToLower(m[2]); strings.HasPrefix(unit, "w") {
		n *= 7
	}
	return dates{date: dateOf(r.now).plus(n)}, true
}

// nextWeekday is the next day of that name; today's own name means today unless "next" says otherwise.
func (r *reading) nextWeekday(next, name string) date {
	name = strings.ToLower(name)
	for i, names := range [...]string{"sun sonntag", "mon montag", "tues dienstag", "wednes mittwoch", "thurs donnerstag", "fri freitag", "satur samstag sonnabend"} {
		for n := range strings.FieldsSeq(names) {
			if name != n {
				continue
			}
			ahead := (i - int(r.now.Weekday()) + 7) % 7
			if ahead == 0 && next != "" {
				ahead = 7
			}
			return dateOf(r.now).plus(ahead)
		}
	}
	r.bad = true
	return dateOf(r.now)
}
