package ewslab

// Recurrence patterns: which dates a series has.

import (
	"strconv"
	"strings"
	"time"
)

// maxOccurrences bounds what is counted through in a series without end (a daily one for more than 90 years).
const maxOccurrences = 36_500

// pattern is a recurrence as dates; a date is midnight UTC.
type pattern struct {
	kind     string // Daily, Weekly, AbsoluteMonthly, RelativeMonthly, AbsoluteYearly, RelativeYearly
	interval int
	days     [7]bool // by time.Weekday
	first    time.Weekday
	day      int // of the month
	index    int // 1..4, 5 = last
	month    time.Month
	start    time.Time
	end      time.Time // last possible date; zero: none
	count    int       // 0: no limit
}

var errRecurrence = "ErrorCalendarInvalidRecurrence"

// parsePattern reads t:Recurrence.
func parsePattern(n *node) (*pattern, error) {
	p := &pattern{interval: 1}
	for _, k := range n.kids() {
		var err error
		if strings.HasSuffix(k.Name, "Recurrence") && p.kind == "" && k.Name != "NoEndRecurrence" && k.Name != "EndDateRecurrence" && k.Name != "NumberedRecurrence" {
			err = p.readKind(k)
		} else {
			err = p.readRange(k)
		}
		if err != nil {
			return nil, err
		}
	}
	if p.kind == "" || p.start.IsZero() {
		return nil, fail(errRecurrence)
	}
	return p, nil
}

func (p *pattern) readKind(n *node) error {
	p.kind = strings.TrimSuffix(n.Name, "Recurrence")
	var err error
	if s := n.text("Interval"); s != "" {
		if p.interval, err = strconv.Atoi(s); err != nil || p.interval < 1 || p.interval > 999 {
			return fail(errRecurrence)
		}
	}
	if strings.HasPrefix(p.kind, "Absolute") {
		if p.day, err = strconv.Atoi(n.text("DayOfMonth")); err != nil || p.day < 1 || p.day > 31 {
			return fail(errRecurrence)
		}
	}
	if strings.HasSuffix(p.kind, "Yearly") {
		if p.month = monthNamed(n.text("Month")); p.month == 0 {
			return fail(errRecurrence)
		}
	}
	if strings.HasPrefix(p.kind, "Relative") {
		if p.index = indexNamed(n.text("DayOfWeekIndex")); p.index == 0 {
			return fail(errRecurrence)
		}
	}
	if p.kind == "Weekly" || strings.HasPrefix(p.kind, "Relative") {
		if !p.readDays(n.text("DaysOfWeek")) {
			return fail(errRecurrence)
		}
	}
	if s := n.text("FirstDayOfWeek"); s != "" {
		d, ok := dayNamed(s)
		if !ok {
			return fail(errRecurrence)
		}
		p.first = d
	}
	switch p.kind {
	case "Daily", "Weekly", "AbsoluteMonthly", "RelativeMonthly", "AbsoluteYearly", "RelativeYearly":
		return nil
	}
	return fail(errRecurrence)
}

func (p *pattern) readDays(s string) bool {
	for _, word := range strings.Fields(s) {
		switch word {
		case "Day":
			p.days = [7]bool{true, true, true, true, true, true, true}
		case "Weekday":
			p.days = [7]bool{false, true, true, true, true, true, false}
		case "WeekendDay":
			p.days = [7]bool{true, false, false, false, false, false, true}
		default:
			d, ok := dayNamed(word)
			if !ok {
				return false
			}
			p.days[d] = true
		}
	}
	return p.days != [7]bool{}
}

func (p *pattern) readRange(n *node) error {
	var ok bool
	if p.start, ok = civilDate(n.text("StartDate")); !ok {
		return fail(errRecurrence)
	}
	switch n.Name {
	case "NoEndRecurrence":
	case "EndDateRecurrence":
		if p.end, ok = civilDate(n.text("EndDate")); !ok {
			return fail(errRecurrence)
		}
		if p.end.Before(p.start) {
			return fail("ErrorCalendarEndDateIsEarlierThanStartDate")
		}
	case "NumberedRecurrence":
		var err error
		if p.count, err = strconv.Atoi(n.text("NumberOfOccurrences")); err != nil || p.count < 1 || p.count > 999 {
			return fail(errRecurrence)
		}
	default:
		return fail(errRecurrence)
	}
	return nil
}

// dates calls each with the dates in order, until it answers false or the series is over.
func (p *pattern) dates(each func(n int, date time.Time) bool) {
	n := 0
	for period := 0; n < maxOccurrences; period++ {
		days, last := p.period(period)
		for _, d := range days {
			if d.Before(p.start) {
				continue
			}
			if !p.end.IsZero() && d.After(p.end) || p.count > 0 && n >= p.count || n >= maxOccurrences {
				return
			}
			n++
			if !each(n, d) {
				return
			}
		}
		if last.Year() > 4000 || !p.end.IsZero() && last.After(p.end) {
			return
		}
	}
}

// period answers the dates of the n-th day, week, month or year of the pattern, and the period's first day.
func (p *pattern) period(n int) (days []time.Time, first time.Time) {
	switch p.kind {
	case "Daily":
		first = p.start.AddDate(0, 0, n*p.interval)
		return []time.Time{first}, first
	case "Weekly":
		back := (int(p.start.Weekday()) - int(p.first) + 7) % 7
		first = p.start.AddDate(0, 0, -back+7*n*p.interval)
		for d := range 7 {
			if day := first.AddDate(0, 0, d); p.days[day.Weekday()] {
				days = append(days, day)
			}
		}
		return days, first
	case "AbsoluteMonthly", "RelativeMonthly":
		first = time.Date(p.start.Year(), p.start.Month()+time.Month(n*p.interval), 1, 0, 0, 0, 0, time.UTC)
	default:
		first = time.Date(p.start.Year()+n*p.interval, p.month, 1, 0, 0, 0, 0, time.UTC)
	}
	length := first.AddDate(0, 1, -1).Day()
	if p.day > 0 { // the 31st of a short month is its last day
		return []time.Time{first.AddDate(0, 0, min(p.day, length)-1)}, first
	}
	for d := range length {
		if day := first.AddDate(0, 0, d); p.days[day.Weekday()] {
			days = append(days, day)
		}
	}
	if p.index == 5 || p.index > len(days) {
		return days[len(days)-1:], first
	}
	return days[p.index-1 : p.index], first
}

// span is the least number of days between two occurrences, for what an occurrence may last at most.
func (p *pattern) span() int {
	least, seen := 366*p.interval, 0
	var before time.Time
	p.dates(func(n int, d time.Time) bool {
		if n > 1 {
			least = min(least, int(d.Sub(before).Hours()/24))
		}
		before, seen = d, n
		return n < 60
	})
	if seen < 2 {
		return 1 << 30
	}
	return least
}

// samePattern says whether two recurrences mean the same dates, however they are written.
func samePattern(a, b *node) bool {
	if a == nil || b == nil {
		return a == b
	}
	p, err1 := parsePattern(a)
	q, err2 := parsePattern(b)
	if err1 != nil || err2 != nil {
		return false
	}
	for _, each := range []*pattern{p, q} {
		if each.interval == 1 { // where the week begins makes no difference
			each.first = time.Sunday
		}
	}
	return *p == *q
}

func monthNamed(s string) time.Month {
	for i := time.January; i <= time.December; i++ {
		if i.String() == s {
			return i
		}
	}
	return 0
}

func dayNamed(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if d.String() == s {
			return d, true
		}
	}
	return 0, false
}

func indexNamed(s string) int {
	for i, name := range []string{"First", "Second", "Third", "Fourth", "Last"} {
		if name == s {
			return i + 1
		}
	}
	return 0
}
