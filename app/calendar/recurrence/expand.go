package recurrence

import (
	"errors"
	"slices"
	"time"
)

// Expansion: the wall clocks of a rule, period by period.

// Bounds against hostile rules; a window that meets one gets the error, never a part of the truth.
var (
	// ErrTooDense: one period of the rule holds more occurrences than anybody can attend.
	ErrTooDense = errors.New("the rule has too many occurrences in one period")
	// ErrTooSparse: the rule was followed for very long without finding an occurrence.
	ErrTooSparse = errors.New("the rule has hardly any occurrences, or none")
	// ErrTooMany: the window holds more occurrences than the caller's limit.
	ErrTooMany = errors.New("too many occurrences")
)

const (
	maxPerPeriod = 100_000 // days times clocks
	maxBarren    = 200_000 // periods looked at in a row without an occurrence
	lastCivil    = civil(253402300800)
)

// walker yields the wall clocks of a rule in order, from the start on.
type walker struct {
	rule   Rule
	start  civil
	least  civil // the first wall clock allowed: start, or the one in a gap that became it
	until  civil // the last wall clock allowed, for local and date forms
	period int64 // index of the next period, in units of the interval
	buf    []civil
	pos    int
	given  int // occurrences counted so far, for COUNT
	days   []int
	times  []int
	err    error
	done   bool
}

// newWalker prepares a rule for a start. from is a wall clock before which nothing is wanted.
func newWalker(r Rule, start, from civil) *walker {
	w := &walker{rule: r, start: start, least: start, until: lastCivil}
	switch r.UntilKind {
	case UntilLocal:
		w.until = civilOf(r.Until)
	case UntilDate:
		w.until = civil(dayOf3(r.Until)*daySeconds + daySeconds - 1)
	}
	w.rule.imply(start)
	w.times = w.timesOfDay()
	if from > start {
		w.jump(from)
	}
	return w
}

func dayOf3(t time.Time) int { return dayOf(t.Year(), int(t.Month()), t.Day()) }

// imply fills in what a rule leaves to its start (RFC 5545 section 3.3.10).
func (r *Rule) imply(start civil) {
	_, month, day := start.date()
	if r.Freq == Yearly && len(r.ByWeekNo) > 0 && len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay) == 0 {
		r.ByDay = []Day{{Weekday: time.Weekday(weekday(start.day()))}}
	}
	if len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay)+len(r.ByWeekNo) == 0 {
		switch r.Freq {
		case Yearly:
			r.ByMonthDay = []int{day}
			if len(r.ByMonth) == 0 {
				r.ByMonth = []int{month}
			}
		case Monthly:
			r.ByMonthDay = []int{day}
		case Weekly:
			r.ByDay = []Day{{Weekday: time.Weekday(weekday(start.day()))}}
		}
	}
	clock := start.clock()
	if len(r.ByHour) == 0 && r.Freq > Hourly {
		r.ByHour = []int{clock / 3600}
	}
	if len(r.ByMinute) == 0 && r.Freq > Minutely {
		r.ByMinute = []int{clock / 60 % 60}
	}
	if len(r.BySecond) == 0 && r.Freq > Secondly {
		r.BySecond = []int{clock % 60}
	}
}

// timesOfDay lists the clocks of a day, for rules by days and longer; a leap second is the one before it.
func (w *walker) timesOfDay() []int {
	if w.rule.Freq < Daily {
		return nil
	}
	var out []int
	for _, h := range w.rule.ByHour {
		for _, m := range w.rule.ByMinute {
			for _, s := range w.rule.BySecond {
				out = append(out, h*3600+m*60+min(s, 59))
			}
		}
	}
	return slices.Compact(out)
}

// unit is the length of a period of the sub-daily frequencies, in seconds.
func (f Freq) unit() int64 { return [...]int64{1, 60, 3600}[f] }

// base is the number of the period that holds a wall clock, counted in the frequency's own units.
func (w *walker) base(c civil) int64 {
	switch y, m, _ := c.date(); w.rule.Freq {
	case Yearly:
		return int64(y)
	case Monthly:
		return int64(y*12 + m - 1)
	case Weekly:
		return int64(floorDiv(c.day()+4-int(w.rule.WeekStart), 7))
	case Daily:
		return int64(c.day())
	}
	u := w.rule.Freq.unit()
	return (int64(c) - (int64(c)%u+u)%u) / u
}

// jump skips the periods before a wall clock. A COUNT has to be counted, which needs no walk where each
// period has exactly one occurrence.
func (w *walker) jump(from civil) {
	skip := (w.base(from) - w.base(w.start)) / int64(w.rule.Interval)
	if skip <= 1 {
		return
	}
	skip-- // a period may reach back over its beginning
	if w.rule.Count > 0 {
		if !w.regular() {
			return
		}
		w.given = int(min(skip, int64(w.rule.Count)))
	}
	w.period = skip
}

// regular tells that every period of the rule has exactly one occurrence, the first at the start itself.
func (w *walker) regular() bool {
	r := &w.rule
	if len(r.ByMonth)+len(r.ByMonthDay)+len(r.ByYearDay)+len(r.ByWeekNo)+len(r.BySetPos) > 0 {
		return false
	}
	switch r.Freq {
	case Daily:
		return len(r.ByDay) == 0 && len(w.times) == 1 && w.times[0] == w.start.clock()
	case Weekly:
		return len(r.ByDay) == 1 && int(r.ByDay[0].Weekday) == weekday(w.start.day()) && len(w.times) == 1 && w.times[0] == w.start.clock()
	}
	return false
}

// next gives the next wall clock; ok is false at the end of the rule and on errors.
func (w *walker) next() (c civil, ok bool) {
	for !w.done {
		for w.pos < len(w.buf) {
			c := w.buf[w.pos]
			w.pos++
			if c < w.least {
				continue
			}
			if c > w.until || w.rule.Count > 0 && w.given >= w.rule.Count {
				w.done = true
				return 0, false
			}
			w.given++
			return c, true
		}
		w.fill()
	}
	return 0, false
}

// fill computes the next period that has occurrences.
func (w *walker) fill() {
	for barren := 0; barren < maxBarren; barren++ {
		n := w.base(w.start) + w.period*int64(w.rule.Interval)
		first := w.firstOf(n)
		if first > w.until || first >= lastCivil || w.rule.Count > 0 && w.given >= w.rule.Count {
			w.done = true
			return
		}
		w.period++
		w.buf, w.pos = w.buf[:0], 0
		if w.rule.Freq < Daily {
			w.fillClock(n)
		} else if !w.fillDays(n) {
			return
		}
		w.choose()
		if len(w.buf) > 0 {
			return
		}
	}
	w.done, w.err = true, ErrTooSparse
}

// firstOf is the first wall clock of a period.
func (w *walker) firstOf(n int64) civil {
	switch w.rule.Freq {
	case Yearly:
		if n > 9999 {
			return lastCivil
		}
		return civil(dayOf(int(n), 1, 1) * daySeconds)
	case Monthly:
		if n > 9999*12+11 {
			return lastCivil
		}
		return civil(dayOf(int(n/12), int(n%12)+1, 1) * daySeconds)
	case Weekly:
		return civil((n*7 - 4 + int64(w.rule.WeekStart)) * daySeconds)
	case Daily:
		return civil(n * daySeconds)
	}
	return civil(n * w.rule.Freq.unit())
}

// fillDays puts the days of a period and the times of each into the buffer; false on an error.
func (w *walker) fillDays(n int64) bool {
	w.days = w.days[:0]
	switch first := w.firstOf(n).day(); w.rule.Freq {
	case Yearly:
		w.yearDays(int(n))
	case Monthly:
		w.monthDays(int(n/12), int(n%12)+1, false)
	case Weekly:
		for d := first; d < first+7; d++ {
			w.keep(d)
		}
	default:
		w.keep(first)
	}
	if len(w.days)*len(w.times) > maxPerPeriod {
		w.done, w.err = true, ErrTooDense
		return false
	}
	for _, d := range w.days {
		for _, t := range w.times {
			w.buf = append(w.buf, civil(d*daySeconds+t))
		}
	}
	return true
}

// choose applies BYSETPOS to the buffer.
func (w *walker) choose() {
	if len(w.rule.BySetPos) == 0 || len(w.buf) == 0 {
		return
	}
	var out []civil
	for _, p := range w.rule.BySetPos {
		if p < 0 {
			p += len(w.buf) + 1
		}
		if p >= 1 && p <= len(w.buf) {
			out = append(out, w.buf[p-1])
		}
	}
	slices.Sort(out)
	w.buf = append(w.buf[:0], slices.Compact(out)...)
}
