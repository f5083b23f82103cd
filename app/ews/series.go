package ews

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Series: recurrence patterns as structs of the protocol.

var dayNames = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Day", "Weekday", "WeekendDay"}

var indexNames = map[int]string{1: "First", 2: "Second", 3: "Third", 4: "Fourth", recurrence.Last: "Last"}

func dayNumber(name string) (time.Weekday, bool) {
	i := slices.Index(dayNames, strings.TrimSpace(name))
	return time.Weekday(max(i, 0)), i >= 0
}

func monthOf(name string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if m.String() == strings.TrimSpace(name) {
			return m
		}
	}
	return 0
}

func indexOf(name string) int {
	for n, s := range indexNames {
		if s == strings.TrimSpace(name) {
			return n
		}
	}
	return 0
}

func days(names ...string) ([]time.Weekday, error) {
	var out []time.Weekday
	for _, n := range names {
		d, ok := dayNumber(n)
		if !ok {
			return nil, fmt.Errorf("the day %.20q: %w", n, portal.ErrInvalid)
		}
		out = append(out, d)
	}
	return out, nil
}

// fromRecurrence reads a pattern and its range.
func fromRecurrence(r *soap.Recurrence) (p recurrence.Pattern, rng recurrence.Range, err error) {
	switch {
	case r.Daily != nil:
		p = recurrence.Pattern{Kind: recurrence.DailyPattern, Interval: r.Daily.Interval}
	case r.Weekly != nil:
		p = recurrence.Pattern{Kind: recurrence.WeeklyPattern, Interval: r.Weekly.Interval}
		p.Days, err = days(r.Weekly.DaysOfWeek...)
		if r.Weekly.FirstDayOfWeek != "" && err == nil {
			first, ok := dayNumber(r.Weekly.FirstDayOfWeek)
			if !ok || first > time.Saturday {
				err = fmt.Errorf("weeks that begin on %.20q: %w", r.Weekly.FirstDayOfWeek, portal.ErrInvalid)
			}
			p.FirstDayOfWeek = first
		}
	case r.AbsoluteMonthly != nil:
		p = recurrence.Pattern{Kind: recurrence.AbsoluteMonthly, Interval: r.AbsoluteMonthly.Interval, DayOfMonth: r.AbsoluteMonthly.DayOfMonth}
	case r.RelativeMonthly != nil:
		m := r.RelativeMonthly
		p = recurrence.Pattern{Kind: recurrence.RelativeMonthly, Interval: m.Interval, Index: indexOf(m.DayOfWeekIndex)}
		p.Days, err = days(strings.Fields(m.DaysOfWeek)...)
	case r.AbsoluteYearly != nil:
		p = recurrence.Pattern{Kind: recurrence.AbsoluteYearly, DayOfMonth: r.AbsoluteYearly.DayOfMonth, Month: monthOf(r.AbsoluteYearly.Month)}
	case r.RelativeYearly != nil:
		y := r.RelativeYearly
		p = recurrence.Pattern{Kind: recurrence.RelativeYearly, Index: indexOf(y.DayOfWeekIndex), Month: monthOf(y.Month)}
		p.Days, err = days(strings.Fields(y.DaysOfWeek)...)
	default:
		err = fmt.Errorf("a recurrence without a pattern: %w", portal.ErrInvalid)
	}
	if err != nil {
		return p, rng, err
	}
	switch {
	case r.NoEnd != nil:
		rng = recurrence.Range{Kind: recurrence.NoEnd, Start: r.NoEnd.StartDate.Time()}
	case r.EndDate != nil:
		rng = recurrence.Range{Kind: recurrence.EndDate, Start: r.EndDate.StartDate.Time(), End: r.EndDate.EndDate.Time()}
	case r.Numbered != nil:
		rng = recurrence.Range{Kind: recurrence.Numbered, Start: r.Numbered.StartDate.Time(), Number: r.Numbered.Count}
	default:
		err = fmt.Errorf("a recurrence without a range: %w", portal.ErrInvalid)
	}
	return p, rng, err
}

// toRecurrence writes a rule for a series that begins at start, by the clock of start's location.
func toRecurrence(rule recurrence.Rule, start time.Time, allDay bool) (*soap.Recurrence, error) {
	p, rng, err := recurrence.ToExchange(rule, start, allDay)
	if err != nil {
		key := "calendar.recurrence"
		var cannot *recurrence.InexpressibleError
		if errors.As(err, &cannot) {
			key = "calendar.recurrence-exchange"
		}
		return nil, portal.Fail(portal.ErrInvalid, key).Because(err)
	}
	out := &soap.Recurrence{}
	switch p.Kind {
	case recurrence.DailyPattern:
		out.Daily = &soap.Daily{Interval: p.Interval}
	case recurrence.WeeklyPattern:
		w := &soap.Weekly{Interval: p.Interval, FirstDayOfWeek: p.FirstDayOfWeek.String()}
		for _, d := range p.Days {
			w.DaysOfWeek = append(w.DaysOfWeek, dayNames[d])
		}
		out.Weekly = w
	case recurrence.AbsoluteMonthly:
		out.AbsoluteMonthly = &soap.AbsoluteMonthly{Interval: p.Interval, DayOfMonth: p.DayOfMonth}
	case recurrence.RelativeMonthly:
		out.RelativeMonthly = &soap.RelativeMonthly{Interval: p.Interval, DaysOfWeek: dayNames[p.Days[0]], DayOfWeekIndex: indexNames[p.Index]}
	case recurrence.AbsoluteYearly:
		out.AbsoluteYearly = &soap.AbsoluteYearly{DayOfMonth: p.DayOfMonth, Month: p.Month.String()}
	case recurrence.RelativeYearly:
		out.RelativeYearly = &soap.RelativeYearly{DaysOfWeek: dayNames[p.Days[0]], DayOfWeekIndex: indexNames[p.Index], Month: p.Month.String()}
	default:
		return nil, portal.Fail(portal.ErrInvalid, "calendar.recurrence-exchange")
	}
	from := soap.DateOf(rng.Start)
	switch rng.Kind {
	case recurrence.EndDate:
		out.EndDate = &soap.EndDate{StartDate: from, EndDate: soap.DateOf(rng.End)}
	case recurrence.Numbered:
		out.Numbered = &soap.Numbered{StartDate: from, Count: rng.Number}
	default:
		out.NoEnd = &soap.NoEnd{StartDate: from}
	}
	return out, nil
}

// seriesOf is an entry as a series, by the clock of its zone.
func seriesOf(e portal.Entry, loc *time.Location) (*recurrence.Series, error) {
	rule, err := recurrence.Parse(e.Recurrence)
	if err != nil {
		return nil, err
	}
	s := &recurrence.Series{Start: e.Start, End: e.End, AllDay: e.AllDay, Rule: &rule, ExDates: e.Deleted}
	if !e.AllDay {
		s.Start, s.End = e.Start.In(loc), e.End.In(loc)
	}
	for _, x := range e.Exceptions {
		s.Overrides = append(s.Overrides, recurrence.Override{ID: x.RecurrenceID, Start: x.Start, End: x.End})
	}
	return s, nil
}
