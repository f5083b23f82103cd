package recurrence

import (
	"slices"
	"time"
)

// Shift: what becomes of a rule when its series is moved.

// Moved is the rule of a series after somebody moved it from one beginning to another without a word about the rule: what the old
// beginning's day had in it, the new one's has, and it ends as many days later or earlier, with the occurrence that would
// have been its last. Both show the clock of the organiser; of an all-day series they are midnights in UTC.
func (r Rule) Moved(from, to time.Time) Rule {
	if civilOf(from) == civilOf(to) {
		return r
	}
	r = r.clone()
	shift := civilOf(to).day() - civilOf(from).day()
	if shift < 0 && r.Freq == Weekly && len(r.ByDay) > 1 {
		shift = 0 // the other days stay, up to the same end
	}
	r.moveEnd(from, to, shift)
	if civilOf(from).day() != civilOf(to).day() {
		r.moveDays(from, to)
	}
	return r
}

func (r *Rule) moveDays(from, to time.Time) {
	if i := slices.Index(r.ByMonth, int(from.Month())); i >= 0 {
		r.ByMonth[i] = int(to.Month())
		slices.Sort(r.ByMonth)
		r.ByMonth = slices.Compact(r.ByMonth)
	}
	if len(r.ByMonthDay) > 0 {
		r.moveMonthDay(from, to)
		return
	}
	if len(r.BySetPos) == 0 {
		r.moveWeekday(from, to)
	}
	if len(r.ByDay) > 0 && (r.Freq == Monthly || r.Freq == Yearly) && !r.meets(to) {
		r.ByDay, r.BySetPos = []Day{{Weekday: to.Weekday(), N: numberOf(to)}}, nil
		if r.Freq == Yearly {
			r.ByMonth = []int{int(to.Month())}
		}
	}
}

// moveWeekday puts the new day's weekday, and its number in the month, in place of the old one's.
func (r *Rule) moveWeekday(from, to time.Time) {
	for i, d := range r.ByDay {
		if d.Weekday != from.Weekday() {
			continue
		}
		r.ByDay[i].Weekday = to.Weekday()
		if d.N > 0 {
			r.ByDay[i].N = numberOf(to)
		}
		if d.N > 4 {
			r.ByDay[i].N = Last
		}
	}
	sortDays(r.ByDay)
	r.ByDay = slices.Compact(r.ByDay)
}

// numberOf is which of its weekday in the month a day is: the first to the fourth, else the last.
func numberOf(t time.Time) int {
	if n := (t.Day()-1)/7 + 1; n <= 4 {
		return n
	}
	return Last
}

// moveMonthDay puts the new day of the month in place of the old one's; one that not every month has stands for the
// last day of a shorter month, as Exchange has it.
func (r *Rule) moveMonthDay(from, to time.Time) {
	last := len(r.ByMonthDay) == 1 && r.ByMonthDay[0] == -1 || slices.Equal(r.BySetPos, []int{-1}) && r.ByMonthDay[0] == 28
	if last || len(r.ByMonthDay) == 1 && r.ByMonthDay[0] == from.Day() {
		switch {
		case r.Freq != Yearly:
			r.ByMonthDay, r.BySetPos = clamped(to.Day(), 31)
		case to.Month() == time.February:
			r.ByMonthDay, r.BySetPos = clamped(to.Day(), 29)
		default:
			r.ByMonthDay, r.BySetPos = []int{to.Day()}, nil
		}
		return
	}
	if i := slices.Index(r.ByMonthDay, from.Day()); i >= 0 && len(r.BySetPos) == 0 {
		r.ByMonthDay[i] = to.Day()
		slices.Sort(r.ByMonthDay)
		r.ByMonthDay = slices.Compact(r.ByMonthDay)
	}
}

// meets reports whether a series of the rule begins at its start.
func (r Rule) meets(start time.Time) bool {
	r.Count, r.UntilKind = 1, NoUntil
	for t, err := range r.Starts(start, false, start) {
		return err == nil && t.Equal(start)
	}
	return false
}

// moveEnd lets a rule end with the same occurrence as before, so many days later.
func (r *Rule) moveEnd(from, to time.Time, shift int) {
	switch r.UntilKind {
	case UntilDate:
		r.Until = r.Until.AddDate(0, 0, shift)
	case UntilLocal, UntilUTC:
		until := civilOf(r.Until)
		if r.UntilKind == UntilUTC {
			until = civilOf(r.Until.In(from.Location()))
		}
		day := until.day() + shift
		if until.clock() < civilOf(from).clock() {
			day-- // that day's occurrence would have begun after the end
		}
		last := civil(day*daySeconds + civilOf(to).clock())
		if r.UntilKind == UntilLocal {
			r.Until = time.Unix(int64(last), 0).UTC()
			return
		}
		clock := clockwork{loc: to.Location()}
		r.Until = clock.at(last).UTC()
	}
}
