package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
	"portico/views"
)

// A recurrence as the form has it, and as a rule. What the form has no fields for is kept as it is.

const (
	maxInterval = 999
	maxCount    = 999
)

// readRepeat reads the form's fields of a recurrence.
func readRepeat(c echo.Context) views.RepeatForm {
	f := views.RepeatForm{
		Kind: c.FormValue("repeat"), Interval: c.FormValue("interval"), MonthDay: c.FormValue("month_day"), Nth: c.FormValue("nth"),
		NthDay: c.FormValue("nth_day"), Month: c.FormValue("month"), Ends: c.FormValue("ends"), Until: c.FormValue("until"),
		Count: c.FormValue("count"), Rule: clip(c.FormValue("rule"), maxQuery),
	}
	for _, text := range c.Request().Form["days"] {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(f.Days) {
			f.Days[n] = true
		}
	}
	return f
}

// freshRepeat fills the fields in as they suit an appointment that begins at start, where nothing is chosen yet.
func freshRepeat(f views.RepeatForm, start time.Time) views.RepeatForm {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&f.Interval, "1")
	fill(&f.MonthDay, strconv.Itoa(start.Day()))
	fill(&f.Month, strconv.Itoa(int(start.Month())))
	nth := (start.Day()-1)/7 + 1
	if nth > 4 {
		nth = recurrence.Last
	}
	fill(&f.Nth, strconv.Itoa(nth))
	fill(&f.NthDay, strconv.Itoa(int(start.Weekday())))
	fill(&f.Ends, "never")
	fill(&f.Count, "10")
	if f.Days == ([7]bool{}) {
		f.Days[start.Weekday()] = true
	}
	return f
}

// movedRepeat is a repetition whose first day moves: what follows from that day follows it, and what was chosen otherwise
// stays.
func movedRepeat(f views.RepeatForm, was, start time.Time) views.RepeatForm {
	old, fresh := freshRepeat(views.RepeatForm{}, was), freshRepeat(views.RepeatForm{}, start)
	if f.Days == old.Days {
		f.Days = fresh.Days
	}
	if f.Nth == old.Nth && f.NthDay == old.NthDay {
		f.Nth, f.NthDay = fresh.Nth, fresh.NthDay
	}
	if f.MonthDay == old.MonthDay && f.Month == old.Month {
		f.MonthDay, f.Month = fresh.MonthDay, fresh.Month
	}
	return f
}

// number reads a number from least to most.
func number(text string, least, most int) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return n, err == nil && n >= least && n <= most
}

// ruleOf is the rule that the form says, for an appointment that begins at start (in its zone); "" for none.
func ruleOf(f views.RepeatForm, start time.Time, allDay bool) (string, error) {
	wrong := portal.Fail(portal.ErrInvalid, "appointment.repeat")
	switch f.Kind {
	case "":
		return "", nil
	case "keep":
		if _, err := recurrence.Parse(f.Rule); err != nil {
			return "", wrong.Because(err)
		}
		return f.Rule, nil
	}
	interval, ok := number(f.Interval, 1, maxInterval)
	if !ok {
		return "", wrong
	}
	rule := recurrence.Rule{Interval: interval, WeekStart: time.Monday}
	if !rhythm(&rule, f) || !ending(&rule, f, start) {
		return "", wrong
	}
	form := recurrence.Zoned
	if allDay {
		form = recurrence.Dates
	}
	rule = rule.Conform(start, form)
	if err := rule.Validate(); err != nil {
		return "", wrong.Because(err)
	}
	return rule.String(), nil
}

// rhythm fills in when the rule has something happen; false where the form does not say.
func rhythm(rule *recurrence.Rule, f views.RepeatForm) bool {
	ok := true
	month := func() {
		var m int
		m, ok = number(f.Month, 1, 12)
		rule.ByMonth = []int{m}
	}
	switch f.Kind {
	case "daily":
		rule.Freq = recurrence.Daily
	case "weekly":
		rule.Freq = recurrence.Weekly
		for d, on := range f.Days {
			if on {
				rule.ByDay = append(rule.ByDay, recurrence.Day{Weekday: time.Weekday(d)})
			}
		}
		ok = len(rule.ByDay) > 0
	case "monthly", "yearly":
		rule.Freq = recurrence.Monthly
		day, fine := number(f.MonthDay, 1, 31)
		rule.ByMonthDay = []int{day}
		if f.Kind == "yearly" {
			rule.Freq = recurrence.Yearly
			month()
		}
		ok = ok && fine
	case "monthly-nth", "yearly-nth":
		rule.Freq = recurrence.Monthly
		if f.Kind == "yearly-nth" {
			rule.Freq = recurrence.Yearly
			month()
		}
		ok = ok && nthDay(rule, f)
	default:
		return false
	}
	return ok
}

// nthDay fills in "the second Tuesday", "the last weekday" and the like.
func nthDay(rule *recurrence.Rule, f views.RepeatForm) bool {
	nth, ok := number(f.Nth, recurrence.Last, 4)
	if !ok || nth == 0 {
		return false
	}
	days := func(all ...time.Weekday) {
		for _, d := range all {
			rule.ByDay = append(rule.ByDay, recurrence.Day{Weekday: d})
		}
		rule.BySetPos = []int{nth}
	}
	switch f.NthDay {
	case "day":
		days(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday)
	case "workday":
		days(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
	case "weekend":
		days(time.Saturday, time.Sunday)
	default:
		d, ok := number(f.NthDay, 0, 6)
		if !ok {
			return false
		}
		rule.ByDay = []recurrence.Day{{Weekday: time.Weekday(d), N: nth}}
	}
	return true
}

// ending fills in when it ends. The last day counts to its end by the clock of start.
func ending(rule *recurrence.Rule, f views.RepeatForm, start time.Time) bool {
	switch f.Ends {
	case "", "never":
		return true
	case "count":
		n, ok := number(f.Count, 1, maxCount)
		rule.Count = n
		return ok
	case "until":
		day, err := time.Parse(time.DateOnly, f.Until)
		if err != nil {
			return false
		}
		y, m, d := day.Date()
		rule.UntilKind = recurrence.UntilUTC
		rule.Until = time.Date(y, m, d, 23, 59, 59, 0, start.Location()).UTC()
		return !time.Date(y, m, d, 23, 59, 59, 0, start.Location()).Before(start)
	}
	return false
}

// repeatOf is the form of a rule of an appointment that begins at start, in its zone.
func repeatOf(text string, start time.Time, allDay bool) views.RepeatForm {
	if text == "" {
		return freshRepeat(views.RepeatForm{}, start)
	}
	keep := freshRepeat(views.RepeatForm{Kind: "keep", Rule: text}, start)
	rule, err := recurrence.Parse(text)
	if err != nil {
		return keep
	}
	f := views.RepeatForm{Interval: strconv.Itoa(rule.Interval), Rule: text}
	if !kindOf(&f, rule, start) {
		return keep
	}
	switch {
	case rule.Count > 0:
		f.Ends, f.Count = "count", strconv.Itoa(rule.Count)
	case rule.UntilKind != recurrence.NoUntil:
		until := rule.Until
		if rule.UntilKind == recurrence.UntilUTC {
			until = until.In(start.Location())
		}
		f.Ends, f.Until = "until", until.Format(time.DateOnly)
	}
	f = freshRepeat(f, start)
	if back, err := ruleOf(f, start, allDay); err != nil || !sameRule(back, rule, start, allDay) {
		return keep // the form would say something else
	}
	return f
}

func sameRule(text string, rule recurrence.Rule, start time.Time, allDay bool) bool {
	other, err := recurrence.Parse(text)
	return err == nil && recurrence.SameRule(other, start, rule, start, allDay)
}

// kindOf finds the form's kind for a rule; false where there is none.
func kindOf(f *views.RepeatForm, rule recurrence.Rule, start time.Time) bool {
	if len(rule.ByYearDay)+len(rule.ByWeekNo)+len(rule.ByHour)+len(rule.ByMinute)+len(rule.BySecond) > 0 || len(rule.ByMonth) > 1 || len(rule.ByMonthDay) > 1 {
		return false
	}
	month := func() {
		if len(rule.ByMonth) == 1 {
			f.Month = strconv.Itoa(rule.ByMonth[0])
		}
	}
	switch rule.Freq {
	case recurrence.Daily:
		f.Kind = "daily"
		if weekdaysOnly(rule.ByDay) && rule.Interval == 1 && len(rule.ByMonth)+len(rule.ByMonthDay)+len(rule.BySetPos) == 0 {
			f.Kind = "weekly"
			for _, d := range rule.ByDay {
				f.Days[d.Weekday] = true
			}
			return true
		}
		return len(rule.ByDay)+len(rule.ByMonth)+len(rule.ByMonthDay)+len(rule.BySetPos) == 0
	case recurrence.Weekly:
		f.Kind = "weekly"
		for _, d := range rule.ByDay {
			f.Days[d.Weekday] = true
		}
		return len(rule.ByMonth)+len(rule.ByMonthDay)+len(rule.BySetPos) == 0
	case recurrence.Monthly:
		f.Kind = "monthly"
		if len(rule.ByMonth) > 0 {
			return false
		}
	case recurrence.Yearly:
		f.Kind = "yearly"
		month()
	default:
		return false
	}
	if len(rule.ByDay) == 0 {
		if len(rule.ByMonthDay) == 1 {
			f.MonthDay = strconv.Itoa(rule.ByMonthDay[0])
		}
		return len(rule.BySetPos) == 0 && (len(rule.ByMonthDay) == 0 || rule.ByMonthDay[0] > 0)
	}
	f.Kind += "-nth"
	return len(rule.ByMonthDay) == 0 && nthOf(f, rule)
}

// weekdaysOnly reports whether days are weekdays without numbers.
func weekdaysOnly(days []recurrence.Day) bool {
	return len(days) > 0 && !slices.ContainsFunc(days, func(d recurrence.Day) bool { return d.N != 0 })
}

// nthOf reads "the second Tuesday" and the like out of a rule.
func nthOf(f *views.RepeatForm, rule recurrence.Rule) bool {
	if len(rule.ByDay) == 1 && rule.ByDay[0].N != 0 && len(rule.BySetPos) == 0 {
		f.Nth, f.NthDay = strconv.Itoa(rule.ByDay[0].N), strconv.Itoa(int(rule.ByDay[0].Weekday))
		return rule.ByDay[0].N >= recurrence.Last && rule.ByDay[0].N <= 4
	}
	if len(rule.BySetPos) != 1 || !weekdaysOnly(rule.ByDay) {
		return false
	}
	f.Nth = strconv.Itoa(rule.BySetPos[0])
	has := map[time.Weekday]bool{}
	for _, d := range rule.ByDay {
		has[d.Weekday] = true
	}
	weekend := has[time.Saturday] && has[time.Sunday]
	switch {
	case len(has) == 7:
		f.NthDay = "day"
	case len(has) == 5 && !has[time.Saturday] && !has[time.Sunday]:
		f.NthDay = "workday"
	case len(has) == 2 && weekend:
		f.NthDay = "weekend"
	case len(has) == 1:
		f.NthDay = strconv.Itoa(int(rule.ByDay[0].Weekday))
	default:
		return false
	}
	return rule.BySetPos[0] >= recurrence.Last && rule.BySetPos[0] <= 4 && rule.BySetPos[0] != 0
}
