package ews

import "time"

// Dates: what the midnights of an all-day item mean, and back. On the portal a date is a midnight in UTC.

// dateOf reads the instant that a server gives for a date of an all-day item: the date that the clocks of the
// item's zone show. A zone in which it is not the beginning of a day is not the one the item was made in
// (another client rewrote it, or it was never said); then the date is taken that is midnight
// somewhere people live.
func dateOf(t time.Time, loc *time.Location) time.Time {
	if loc != nil {
		if day := civilDate(t.In(loc)); midnight(day, loc).Equal(t) {
			return day
		}
	}
	// West of UTC down to Hawaii midnight is at 03:00 to 10:00 UTC, from New Zealand in summer (+13) to Europe at
	// 11:00 to 23:00 UTC of the day before.
	utc := t.UTC()
	day := civilDate(utc)
	if utc.Hour() >= 11 {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// civilDate is the date that t shows by its own clock.
func civilDate(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// midnight is the first instant of a date by the clocks of loc: where the clock jumps over midnight, the end of the jump.
func midnight(date time.Time, loc *time.Location) time.Time {
	y, m, d := date.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	if t.Day() == d {
		return t.UTC()
	}
	// time.Date chose the side before the gap; no gap is longer than a day, and none begins twice in one.
	lo, hi := t, t.Add(24*time.Hour)
	for hi.Sub(lo) > time.Second {
		mid := lo.Add(hi.Sub(lo) / 2).Truncate(time.Second)
		if mid.In(loc).Day() == d {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi.UTC()
}

// lastDate is the portal's end of an all-day item: the day after the last, at least a day after its start.
func lastDate(end, start time.Time, loc *time.Location) time.Time {
	if d := dateOf(end, loc); d.After(start) {
		return d
	}
	return start.AddDate(0, 0, 1)
}
