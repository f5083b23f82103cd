package recurrence

import (
	"slices"
	"time"
)

// ToExchange: from a rule to the one pattern that means the same, or the reason why there is none.

// ToExchange writes a rule as a pattern and a range for a series that begins at start (its location is the organiser's zone). An
// *InexpressibleError names the nearest reason for which Exchange cannot; portal.ErrInvalid means a rule that is none.
func ToExchange(r Rule, start time.Time, allDay bool) (Pattern, Range, error) {
	if err := r.followable(allDay); err != nil {
		return Pattern{}, Range{}, err
	}
	if r.Freq < Daily {
		return Pattern{}, Range{}, cannot("it repeats within a day (FREQ=%s)", r.Freq)
	}
	if allDay {
		start, r = dateOf(start), r.ofDates()
	}
	weekStart := r.WeekStart
	r = r.clone()
	r.imply(civilOf(start))
	if err := r.oneClock(civilOf(start), allDay); err != nil {
		return Pattern{}, Range{}, err
	}
	if len(r.ByYearDay) > 0 {
		return Pattern{}, Range{}, cannot("it counts days of the year (BYYEARDAY)")
	}
	if len(r.ByWeekNo) > 0 {
		return Pattern{}, Range{}, cannot("it counts weeks of the year (BYWEEKNO)")
	}
	p, err := r.pattern()
	if err != nil {
		return Pattern{}, Range{}, err
	}
	if p.Kind == WeeklyPattern {
		p.FirstDayOfWeek = weekStart
	}
	if r.Freq == Yearly && p.Kind <= RelativeMonthly && int(start.Month()) != r.ByMonth[0] {
		return Pattern{}, Range{}, cannot("a month of every %d years that the start is not in", r.Interval)
	}
	if top := map[PatternKind]int{DailyPattern: 999}[p.Kind]; p.Interval > max(top, 99) && p.Kind <= RelativeMonthly {
		return Pattern{}, Range{}, cannot("its interval of %d is too long", p.Interval)
	}
	return p, r.rangeOf(start, allDay), nil
}

// oneClock refuses rules with other clocks than the start's.
func (r *Rule) oneClock(start civil, allDay bool) error {
	c := start.clock()
	if allDay {
		return nil
	}
	if !slices.Equal(r.ByHour, []int{c / 3600}) || !slices.Equal(r.ByMinute, []int{c / 60 % 60}) || !slices.Equal(r.BySecond, []int{c % 60}) {
		return cannot("it has other times of day than its start (BYHOUR, BYMINUTE, BYSECOND)")
	}
	return nil
}

// pattern needs a rule that says all it implies.
func (r *Rule) pattern() (Pattern, error) {
	switch r.Freq {
	case Daily:
		return r.dailyPattern()
	case Weekly:
		if len(r.ByMonth) > 0 {
			return Pattern{}, cannot("weeks of certain months only (BYMONTH)")
		}
		if len(r.BySetPos) > 0 {
			return Pattern{}, cannot("chosen days of a week (BYSETPOS)")
		}
		return Pattern{Kind: WeeklyPattern, Interval: r.Interval, Days: plainDays(r.ByDay)}, nil
	case Monthly:
		if len(r.ByMonth) == 1 && r.Interval == 1 {
			return r.yearlyPattern(12, r.ByMonth[0])
		}
		if len(r.ByMonth) > 0 {
			return Pattern{}, cannot("certain months only (BYMONTH)")
		}
		return r.monthPattern(r.Interval, 0)
	}
	if len(r.ByMonth) == 0 { // numbered weekdays of the year
		return r.weekdayOfYear()
	}
	if len(r.ByMonth) > 1 {
		return Pattern{}, cannot("several months of a year (BYMONTH)")
	}
	return r.yearlyPattern(12*r.Interval, r.ByMonth[0])
}

func (r *Rule) dailyPattern() (Pattern, error) {
	if len(r.ByMonth)+len(r.ByMonthDay)+len(r.BySetPos) > 0 {
		return Pattern{}, cannot("days of certain months or dates only (BYMONTH, BYMONTHDAY, BYSETPOS)")
	}
	if len(r.ByDay) == 0 || len(r.ByDay) == 7 {
		return Pattern{Kind: DailyPattern, Interval: r.Interval}, nil
	}
	if r.Interval > 1 {
		return Pattern{}, cannot("every %d days, but only on some weekdays (BYDAY)", r.Interval)
	}
	return Pattern{Kind: WeeklyPattern, Interval: 1, Days: plainDays(r.ByDay)}, nil
}

func plainDays(days []Day) []time.Weekday {
	var out []time.Weekday
	for _, d := range days {
		out = append(out, d.Weekday)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// yearlyPattern is for one month of every year, or of every so many months in years.
func (r *Rule) yearlyPattern(months, month int) (Pattern, error) {
	p, err := r.monthPattern(months, month)
	if err != nil || months != 12 {
		return p, err
	}
	p.Interval, p.Month = 0, time.Month(month)
	p.Kind += AbsoluteYearly - AbsoluteMonthly
	return p, nil
}

// monthPattern is for one day of a month; month is 0 where all months come round.
func (r *Rule) monthPattern(interval, month int) (Pattern, error) {
	if len(r.ByMonthDay) == 0 {
		return r.relativePattern(interval)
	}
	if len(r.ByDay) > 0 {
		return Pattern{}, cannot("days of the month that are also certain weekdays (BYMONTHDAY with BYDAY)")
	}
	p := Pattern{Kind: AbsoluteMonthly, Interval: interval}
	longest, shortest := 31, 28
	if month > 0 {
		longest, shortest = monthLen(2000, month), monthLen(2001, month)
	}
	days := slices.Clone(r.ByMonthDay)
	slices.Sort(days)
	n := len(days)
	switch {
	case n == 1 && days[0] == -1:
		p.DayOfMonth = longest
	case n == 1 && days[0] < 0:
		return p, cannot("days counted from the end of the month (BYMONTHDAY=%d)", days[0])
	case n == 1 && days[0] > longest:
		return p, cannot("a day that never comes (BYMONTHDAY=%d)", days[0])
	case n == 1 && days[0] > shortest:
		return p, cannot("months without a day %d are left out, where Exchange takes their last day", days[0])
	case n == 1:
		p.DayOfMonth = days[0]
	case slices.Equal(r.BySetPos, []int{-1}) && days[0] == 28 && days[n-1] == 27+n && days[n-1] <= longest:
		p.DayOfMonth = days[n-1] // the 30th, or the last day of a shorter month
		return p, nil
	default:
		return p, cannot("several days of a month (BYMONTHDAY)")
	}
	if len(r.BySetPos) > 0 && !slices.Equal(r.BySetPos, []int{1}) && !slices.Equal(r.BySetPos, []int{-1}) {
		return p, cannot("a chosen one of a single day (BYSETPOS)")
	}
	return p, nil
}

// relativePattern is "the second Monday", "the last working day".
func (r *Rule) relativePattern(interval int) (Pattern, error) {
	p := Pattern{Kind: RelativeMonthly, Interval: interval}
	switch {
	case len(r.ByDay) == 1 && r.ByDay[0].N != 0 && len(r.BySetPos) == 0:
		p.Days, p.Index = []time.Weekday{r.ByDay[0].Weekday}, r.ByDay[0].N
	case len(r.BySetPos) == 1:
		p.Index = r.BySetPos[0]
		found := false
		for d := time.Sunday; d <= WeekendDay; d++ {
			if slices.Equal(weekdays(d), r.ByDay) {
				p.Days, found = []time.Weekday{d}, true
			}
		}
		if !found {
			return p, cannot("a choice among weekdays that Exchange has no name for (BYDAY with BYSETPOS)")
		}
	default:
		return p, cannot("several weekdays of a month (BYDAY)")
	}
	if p.Index != Last && (p.Index < 1 || p.Index > 4) {
		return p, cannot("number %d of a month's days, where Exchange has the first to the fourth and the last", p.Index)
	}
	return p, nil
}

// weekdayOfYear is the first to fourth or the last of a weekday in the year: in January, or in December.
func (r *Rule) weekdayOfYear() (Pattern, error) {
	if len(r.ByMonthDay) > 0 {
		return Pattern{}, cannot("a day of every month by the year (FREQ=YEARLY with BYMONTHDAY alone)")
	}
	month := 1
	if len(r.ByDay) == 1 && r.ByDay[0].N < 0 || len(r.BySetPos) == 1 && r.BySetPos[0] < 0 {
		month = 12
	}
	p, err := r.yearlyPattern(12*r.Interval, month)
	if err == nil && r.Interval > 1 {
		return Pattern{}, cannot("a weekday of every %d years (BYDAY)", r.Interval)
	}
	return p, err
}

func (r *Rule) rangeOf(start time.Time, allDay bool) Range {
	rg := Range{Start: dateOf(start)}
	switch {
	case r.Count > 0:
		rg.Kind, rg.Number = Numbered, r.Count
	case r.UntilKind == UntilDate:
		rg.Kind, rg.End = EndDate, r.Until
	case r.UntilKind != NoUntil:
		rg.Kind = EndDate
		c := civilOf(r.Until)
		if r.UntilKind == UntilUTC && !allDay {
			c = civilOf(r.Until.In(start.Location()))
		}
		day := c.day()
		if c.clock() < civilOf(start).clock() {
			day-- // that day's occurrence would begin after the end
		}
		rg.End = time.Unix(int64(day)*daySeconds, 0).UTC()
	}
	return rg
}
