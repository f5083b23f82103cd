package recurrence

import "slices"

// Days: which days of a period a rule means.

// yearDays collects the days of a year.
func (w *walker) yearDays(year int) {
	r := &w.rule
	if len(r.ByMonth) > 0 && len(r.ByYearDay)+len(r.ByWeekNo) == 0 {
		for _, m := range r.ByMonth {
			w.monthDays(year, m, false)
		}
		return
	}
	if len(r.ByDay)+len(r.ByYearDay)+len(r.ByWeekNo) == 0 { // only days of the month, of every month
		for m := 1; m <= 12; m++ {
			w.monthDays(year, m, false)
		}
		return
	}
	for m := 1; m <= 12; m++ {
		w.monthDays(year, m, len(r.ByMonth) == 0)
	}
}

// monthDays collects the days of a month. inYear: numbered weekdays count through the year.
func (w *walker) monthDays(year, month int, inYear bool) {
	r := &w.rule
	if len(r.ByMonth) > 0 && !slices.Contains(r.ByMonth, month) {
		return
	}
	first, n := dayOf(year, month, 1), monthLen(year, month)
	if len(r.ByMonthDay) == 1 && len(r.ByDay)+len(r.ByYearDay)+len(r.ByWeekNo) == 0 { // the common case
		d := r.ByMonthDay[0]
		if d < 0 {
			d += n + 1
		}
		if d >= 1 && d <= n {
			w.days = append(w.days, first+d-1)
		}
		return
	}
	jan1, len365 := dayOf(year, 1, 1), yearLen(year)
	for i := range n {
		d := first + i
		if len(r.ByMonthDay) > 0 && !slices.Contains(r.ByMonthDay, i+1) && !slices.Contains(r.ByMonthDay, i-n) {
			continue
		}
		if len(r.ByYearDay) > 0 && !slices.Contains(r.ByYearDay, d-jan1+1) && !slices.Contains(r.ByYearDay, d-jan1-len365) {
			continue
		}
		if len(r.ByWeekNo) > 0 && !w.inWeeks(d) {
			continue
		}
		if inYear && !w.dayFits(d, d-jan1, len365) || !inYear && !w.dayFits(d, i, n) {
			continue
		}
		w.days = append(w.days, d)
	}
}

// dayFits checks BYDAY for the i-th day (from 0) of a stretch of n.
func (w *walker) dayFits(day, i, n int) bool {
	if len(w.rule.ByDay) == 0 {
		return true
	}
	wd := weekday(day)
	for _, d := range w.rule.ByDay {
		if int(d.Weekday) == wd && (d.N == 0 || d.N == i/7+1 || d.N == -((n-1-i)/7+1)) {
			return true
		}
	}
	return false
}

// inWeeks checks BYWEEKNO: weeks begin on WKST, and the first has at least four days in its year.
func (w *walker) inWeeks(day int) bool {
	start := day - (weekday(day)-int(w.rule.WeekStart)+7)%7
	year, _, _ := ymd(start + 3) // the week belongs to the year that has its fourth day
	no := (start+3-dayOf(year, 1, 1))/7 + 1
	last := (start + 3 + 7*(53-no))
	weeks := 53
	if y, _, _ := ymd(last); y != year {
		weeks = 52
	}
	return slices.Contains(w.rule.ByWeekNo, no) || slices.Contains(w.rule.ByWeekNo, no-weeks-1)
}

// keep collects a day of a week, or a single day, if the rule's filters let it pass.
func (w *walker) keep(day int) {
	if w.dayPasses(day) {
		w.days = append(w.days, day)
	}
}

// dayPasses applies all parts that limit days for frequencies of a week and shorter.
func (w *walker) dayPasses(day int) bool {
	r := &w.rule
	if len(r.ByDay) > 0 && !w.dayFits(day, 0, 1) {
		return false
	}
	if len(r.ByMonth)+len(r.ByMonthDay)+len(r.ByYearDay) == 0 {
		return true
	}
	y, m, d := ymd(day)
	if len(r.ByMonth) > 0 && !slices.Contains(r.ByMonth, m) {
		return false
	}
	if len(r.ByMonthDay) > 0 && !slices.Contains(r.ByMonthDay, d) && !slices.Contains(r.ByMonthDay, d-monthLen(y, m)-1) {
		return false
	}
	yd := day - dayOf(y, 1, 1) + 1
	return len(r.ByYearDay) == 0 || slices.Contains(r.ByYearDay, yd) || slices.Contains(r.ByYearDay, yd-yearLen(y)-1)
}

// fillClock puts the wall clocks of an hour, a minute or a second into the buffer, or skips to the next
// period that can have some.
func (w *walker) fillClock(n int64) {
	r := &w.rule
	c := w.firstOf(n)
	clock := c.clock()
	if !w.dayPasses(c.day()) {
		w.skipTo(n, civil((c.day()+1)*daySeconds))
		return
	}
	if len(r.ByHour) > 0 && !slices.Contains(r.ByHour, clock/3600) {
		w.skipTo(n, c-civil(clock%3600)+3600)
		return
	}
	if r.Freq <= Minutely && len(r.ByMinute) > 0 && !slices.Contains(r.ByMinute, clock/60%60) {
		w.skipTo(n, c-civil(clock%60)+60)
		return
	}
	if r.Freq == Secondly {
		if len(r.BySecond) == 0 || slices.Contains(r.BySecond, clock%60) {
			w.buf = append(w.buf, c)
		}
		return
	}
	minutes := r.ByMinute
	if r.Freq == Minutely {
		minutes = []int{0} // the period is the minute
	}
	for _, m := range minutes {
		for _, s := range r.BySecond {
			if t := c + civil(m*60+min(s, 59)); len(w.buf) == 0 || w.buf[len(w.buf)-1] != t {
				w.buf = append(w.buf, t)
			}
		}
	}
}

// skipTo moves on to the first period at or after a wall clock.
func (w *walker) skipTo(n int64, c civil) {
	unit, step := w.rule.Freq.unit(), int64(w.rule.Interval)
	need := (int64(c)+unit-1)/unit - n // in units
	if more := (need + step - 1) / step; more > 1 {
		w.period += more - 1
	}
}
