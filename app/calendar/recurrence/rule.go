package recurrence

import (
	"fmt"
	"time"

	"portico/app/portal"
)

// Rule: what an RRULE says, and whether it may say so.

// Freq is the unit that a rule repeats by.
type Freq uint8

// The frequencies of RFC 5545 section 3.3.10, shortest first.
const (
	Secondly Freq = iota
	Minutely
	Hourly
	Daily
	Weekly
	Monthly
	Yearly
)

var freqNames = [...]string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// String is the value of FREQ.
func (f Freq) String() string { return freqNames[min(f, Yearly)] }

// Day is an entry of BYDAY: every such weekday, or with N the Nth of the month or year, negative from its end.
type Day struct {
	Weekday time.Weekday
	N       int
}

// UntilKind is the form of UNTIL, which has to fit the form of the start.
type UntilKind uint8

const (
	NoUntil    UntilKind = iota
	UntilDate            // 20261231: with all-day starts
	UntilLocal           // 20261231T235959: with floating starts
	UntilUTC             // 20261231T225959Z: with starts in a zone
)

// Rule is a recurrence rule. Lists are sorted and without repetition as Parse gives them; empty ones do
// not restrict. A rule without Count and Until has no end.
type Rule struct {
	Freq      Freq
	Interval  int // at least 1
	Count     int // 0: none
	UntilKind UntilKind
	Until     time.Time // in UTC; for dates and local times its clock is the wall clock
	WeekStart time.Weekday

	BySecond, ByMinute, ByHour      []int
	ByDay                           []Day
	ByMonthDay, ByYearDay, ByWeekNo []int
	ByMonth, BySetPos               []int
}

const maxInterval, maxCount = 1_000_000, 1_000_000

// Validate checks a rule by itself, by RFC 5545 section 3.3.10; the error wraps portal.ErrInvalid.
func (r *Rule) Validate() error {
	if r.Freq > Yearly {
		return invalid("FREQ %d", r.Freq)
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return invalid("INTERVAL %d is not from 1 to %d", r.Interval, maxInterval)
	}
	if r.Count < 0 || r.Count > maxCount {
		return invalid("COUNT %d is not from 1 to %d", r.Count, maxCount)
	}
	if r.Count > 0 && r.UntilKind != NoUntil {
		return invalid("COUNT and UNTIL exclude each other")
	}
	if r.WeekStart < 0 || r.WeekStart > 6 {
		return invalid("WKST %d", r.WeekStart)
	}
	for _, l := range []struct {
		name     string
		list     []int
		low, top int
		signed   bool
	}{
		{"BYSECOND", r.BySecond, 0, 60, false}, {"BYMINUTE", r.ByMinute, 0, 59, false}, {"BYHOUR", r.ByHour, 0, 23, false},
		{"BYMONTHDAY", r.ByMonthDay, 1, 31, true}, {"BYYEARDAY", r.ByYearDay, 1, 366, true}, {"BYWEEKNO", r.ByWeekNo, 1, 53, true},
		{"BYMONTH", r.ByMonth, 1, 12, false}, {"BYSETPOS", r.BySetPos, 1, 366, true},
	} {
		for _, v := range l.list {
			if v < 0 && l.signed {
				v = -v
			}
			if v < l.low || v > l.top {
				return invalid("%s has %d, which is not from %d to %d", l.name, v, l.low, l.top)
			}
		}
	}
	return r.validateParts()
}

// validateParts checks which parts may stand with which frequency and with each other.
func (r *Rule) validateParts() error {
	switch {
	case len(r.ByWeekNo) > 0 && r.Freq != Yearly:
		return invalid("BYWEEKNO needs FREQ=YEARLY")
	case len(r.ByYearDay) > 0 && (r.Freq == Daily || r.Freq == Weekly || r.Freq == Monthly):
		return invalid("BYYEARDAY cannot stand with FREQ=%s", r.Freq)
	case len(r.ByMonthDay) > 0 && r.Freq == Weekly:
		return invalid("BYMONTHDAY cannot stand with FREQ=WEEKLY")
	case len(r.BySetPos) > 0 && len(r.BySecond)+len(r.ByMinute)+len(r.ByHour)+len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay)+len(r.ByWeekNo)+len(r.ByMonth) == 0:
		return invalid("BYSETPOS needs another part to choose from")
	}
	for _, d := range r.ByDay {
		if d.Weekday < 0 || d.Weekday > 6 || d.N < -53 || d.N > 53 {
			return invalid("BYDAY has %d of weekday %d", d.N, d.Weekday)
		}
		if d.N != 0 && (r.Freq != Monthly && r.Freq != Yearly || len(r.ByWeekNo) > 0) {
			return invalid("a numbered BYDAY needs FREQ=MONTHLY or YEARLY without BYWEEKNO")
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return portal.Fail(portal.ErrInvalid, "recurrence").Because(fmt.Errorf(format, args...))
}
