package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Exchange: the recurrence patterns of EWS, to RFC 5545 rules and back.

// PatternKind is the element under t:Recurrence.
type PatternKind uint8

// The patterns of EWS. The regenerating ones are for tasks: their next date depends on when the last was done.
const (
	DailyPattern PatternKind = iota
	WeeklyPattern
	AbsoluteMonthly
	RelativeMonthly
	AbsoluteYearly
	RelativeYearly
	DailyRegeneration
	WeeklyRegeneration
	MonthlyRegeneration
	YearlyRegeneration
)

// Days of a pattern, besides the weekdays by their numbers 0 (Sunday) to 6.
const (
	AnyDay     time.Weekday = 7 // Day
	WorkDay    time.Weekday = 8 // Weekday: Monday to Friday
	WeekendDay time.Weekday = 9 // WeekendDay: Saturday and Sunday
)

// Last is DayOfWeekIndex Last; First to Fourth are 1 to 4.
const Last = -1

// Pattern is a recurrence pattern; each kind reads the fields that its element has.
type Pattern struct {
	Kind           PatternKind
	Interval       int            // 1 to 999 days, 1 to 99 weeks or months; the yearly kinds have none
	Days           []time.Weekday // Weekly: any; relative kinds: exactly one
	FirstDayOfWeek time.Weekday   // Weekly; a server that leaves it out means Sunday
	DayOfMonth     int            // absolute kinds, 1 to 31; in a shorter month its last day is meant
	Month          time.Month     // yearly kinds
	Index          int            // relative kinds: 1 to 4, Last
}

// RangeKind is how a pattern ends.
type RangeKind uint8

const (
	NoEnd RangeKind = iota
	EndDate
	Numbered
)

// Range is from when to when a pattern holds, as dates (midnights in UTC) by the organiser's calendar.
type Range struct {
	Kind   RangeKind
	Start  time.Time
	End    time.Time // EndDate: the last day on which an occurrence may begin
	Number int       // Numbered
}

// ErrRegenerating: a task's pattern that counts from when the last one was done; no rule can say that.
var ErrRegenerating = errors.New("a regenerating pattern is no rule")

// FromExchange writes a pattern as a rule for a series that begins at start (its location is the organiser's
// zone). The error wraps portal.ErrInvalid, and ErrRegenerating for such patterns.
func FromExchange(p Pattern, rg Range, start time.Time, allDay bool) (Rule, error) {
	if p.Kind >= DailyRegeneration {
		return Rule{}, invalid("%w", ErrRegenerating)
	}
	if err := p.check(); err != nil {
		return Rule{}, err
	}
	r := Rule{Interval: max(1, p.Interval), WeekStart: time.Monday}
	switch p.Kind {
	case DailyPattern:
		r.Freq = Daily
	case WeeklyPattern:
		r.Freq, r.WeekStart = Weekly, p.FirstDayOfWeek
		for _, d := range p.Days {
			r.ByDay = append(r.ByDay, weekdays(d)...)
		}
		sortDays(r.ByDay)
		r.ByDay = slices.Compact(r.ByDay)
	case AbsoluteMonthly:
		r.Freq = Monthly
		r.ByMonthDay, r.BySetPos = clamped(p.DayOfMonth, 31)
	case RelativeMonthly:
		r.Freq = Monthly
		r.ByDay, r.BySetPos = p.relative()
	case AbsoluteYearly:
		r.Freq, r.Interval, r.ByMonth = Yearly, 1, []int{int(p.Month)}
		r.ByMonthDay, r.BySetPos = clamped(p.DayOfMonth, monthLen(2000, int(p.Month)))
		if p.Month != time.February {
			r.ByMonthDay, r.BySetPos = []int{p.DayOfMonth}, nil
		}
	case RelativeYearly:
		r.Freq, r.Interval, r.ByMonth = Yearly, 1, []int{int(p.Month)}
		r.ByDay, r.BySetPos = p.relative()
	}
	if err := rg.write(&r, start, allDay); err != nil {
		return Rule{}, err
	}
	return r, r.Validate()
}

func (p Pattern) check() error {
	top := map[PatternKind]int{DailyPattern: 999, WeeklyPattern: 99, AbsoluteMonthly: 99, RelativeMonthly: 99}[p.Kind]
	if top > 0 && (p.Interval < 1 || p.Interval > top) {
		return invalid("an interval of %d", p.Interval)
	}
	if p.Kind == WeeklyPattern && (len(p.Days) == 0 || p.FirstDayOfWeek < 0 || p.FirstDayOfWeek > 6) {
		return invalid("a weekly pattern on no day, or of weeks that begin on day %d", p.FirstDayOfWeek)
	}
	for _, d := range p.Days {
		if d < 0 || d > WeekendDay {
			return invalid("the weekday %d", d)
		}
	}
	yearly := p.Kind == AbsoluteYearly || p.Kind == RelativeYearly
	if yearly && (p.Month < 1 || p.Month > 12) {
		return invalid("the month %d", p.Month)
	}
	if p.Kind == RelativeMonthly || p.Kind == RelativeYearly {
		if len(p.Days) != 1 || p.Index != Last && (p.Index < 1 || p.Index > 4) {
			return invalid("number %d of %d days", p.Index, len(p.Days))
		}
		return nil
	}
	if p.Kind == AbsoluteMonthly || yearly {
		longest := 31
		if yearly {
			longest = monthLen(2000, int(p.Month))
		}
		if p.DayOfMonth < 1 || p.DayOfMonth > longest {
			return invalid("day %d of a month with at most %d", p.DayOfMonth, longest)
		}
	}
	return nil
}

// clamped writes "the 30th, or the last day of a shorter month" as a rule understands it: the last of those
// from the 28th that the month has. longest is how long the month can be.
func clamped(day, longest int) (monthDays, setPos []int) {
	switch {
	case day <= 28:
		return []int{day}, nil
	case day == longest:
		return []int{-1}, nil
	}
	for d := 28; d <= day; d++ {
		monthDays = append(monthDays, d)
	}
	return monthDays, []int{-1}
}

// weekdays are the days that an entry of a pattern means.
func weekdays(d time.Weekday) []Day {
	var out []Day
	for wd := time.Sunday; wd <= time.Saturday; wd++ {
		weekend := wd == time.Saturday || wd == time.Sunday
		if d == wd || d == AnyDay || d == WorkDay && !weekend || d == WeekendDay && weekend {
			out = append(out, Day{Weekday: wd})
		}
	}
	sortDays(out)
	return out
}

// relative writes "the second Monday" and "the last working day".
func (p Pattern) relative() (byDay []Day, setPos []int) {
	byDay = weekdays(p.Days[0])
	if len(byDay) == 1 {
		byDay[0].N = p.Index
		return byDay, nil
	}
	return byDay, []int{p.Index}
}

func (rg Range) write(r *Rule, start time.Time, allDay bool) error {
	switch rg.Kind {
	case NoEnd:
	case Numbered:
		if rg.Number < 1 || rg.Number > maxCount {
			return invalid("%d occurrences", rg.Number)
		}
		r.Count = rg.Number
	case EndDate:
		if allDay {
			r.UntilKind, r.Until = UntilDate, dateOf(rg.End)
			return nil
		}
		// The moment at which an occurrence of the last day begins.
		clock := clockwork{loc: start.Location()}
		last := civil(dayOf3(rg.End)*daySeconds + civilOf(start).clock())
		r.UntilKind, r.Until = UntilUTC, clock.at(last).UTC()
	default:
		return invalid("a range of kind %d", rg.Kind)
	}
	return nil
}

// InexpressibleError says why Exchange has no pattern for a rule.
type InexpressibleError struct{ Reason string }

// Error is the reason in English, for logs.
func (e *InexpressibleError) Error() string { return "Exchange cannot say this: " + e.Reason }

func cannot(format string, args ...any) error {
	return &InexpressibleError{fmt.Sprintf(format, args...)}
}
