package recurrence

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// Properties that hold for whatever comes.

// TestWhatExchangeTakesMeansTheSame: a random rule either has a reason why Exchange cannot say it, or becomes
// a pattern that is the same series.
func TestWhatExchangeTakesMeansTheSame(t *testing.T) {
	rnd := rand.New(rand.NewPCG(30, 3))
	loc, taken, refused := zone(t, "Australia/Sydney"), 0, 0
	for range 3000 {
		text := randomRule(rnd)
		if rnd.IntN(2) == 0 {
			text = []string{"FREQ=YEARLY", "FREQ=MONTHLY", "FREQ=WEEKLY", "FREQ=DAILY"}[rnd.IntN(4)] +
				[]string{"", ";INTERVAL=2", ";INTERVAL=3"}[rnd.IntN(3)] +
				[]string{"", ";BYDAY=MO", ";BYDAY=MO,TU,WE,TH,FR", ";BYDAY=SA,SU"}[rnd.IntN(4)] +
				[]string{"", "", ";BYMONTH=2", ";BYMONTH=1,7"}[rnd.IntN(4)]
		}
		r := rule(t, text)
		r.Count = []int{0, 7}[rnd.IntN(2)]
		start := time.Date(2020+rnd.IntN(9), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(31), rnd.IntN(24), rnd.IntN(60), 0, 0, loc)
		allDay := rnd.IntN(3) == 0
		if allDay && r.Freq < Daily {
			continue
		}
		p, rg, err := ToExchange(r, start, allDay)
		if err != nil {
			var no *InexpressibleError
			if !errors.As(err, &no) || no.Reason == "" {
				t.Errorf("%s: %v", r, err)
			}
			refused++
			continue
		}
		taken++
		back, err := FromExchange(p, rg, start, allDay)
		if err != nil || !SameRule(r, start, back, start, allDay) {
			t.Errorf("%s from %s is %+v, which is %s: %v", r, start, p, back, err)
		}
	}
	if taken < 300 || refused < 300 {
		t.Errorf("%d taken, %d refused: the test does not test", taken, refused)
	}
}

// TestRandomPatternsComeBackExactly: pattern to rule to text to rule to pattern.
func TestRandomPatternsComeBackExactly(t *testing.T) {
	rnd := rand.New(rand.NewPCG(30, 4))
	for range 3000 {
		p := Pattern{Kind: PatternKind(rnd.IntN(6))}
		if p.Kind <= RelativeMonthly {
			p.Interval = 1 + rnd.IntN(99)
		}
		if p.Kind == AbsoluteYearly || p.Kind == RelativeYearly {
			p.Month = time.Month(1 + rnd.IntN(12))
		}
		switch p.Kind {
		case WeeklyPattern:
			for d := time.Sunday; d <= time.Saturday; d++ {
				if rnd.IntN(2) == 0 {
					p.Days = append(p.Days, d)
				}
			}
			if p.Days == nil {
				p.Days = []time.Weekday{3}
			}
			p.FirstDayOfWeek = time.Weekday(rnd.IntN(7))
		case AbsoluteMonthly, AbsoluteYearly:
			p.DayOfMonth = 1 + rnd.IntN(31)
			if p.Month > 0 {
				p.DayOfMonth = 1 + rnd.IntN(monthLen(2000, int(p.Month)))
			}
		case RelativeMonthly, RelativeYearly:
			p.Days, p.Index = []time.Weekday{time.Weekday(rnd.IntN(10))}, []int{1, 2, 3, 4, Last}[rnd.IntN(5)]
		}
		start := time.Date(2020+rnd.IntN(9), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), 0, 0, zone(t, "America/New_York"))
		rg := Range{Kind: RangeKind(rnd.IntN(3)), Start: dateOf(start)}
		switch rg.Kind {
		case EndDate:
			rg.End = rg.Start.AddDate(0, 0, rnd.IntN(2000))
		case Numbered:
			rg.Number = 1 + rnd.IntN(999)
		}
		r, err := FromExchange(p, rg, start, false)
		if err != nil {
			t.Errorf("%+v %+v: %v", p, rg, err)
			continue
		}
		back, rgBack, err := ToExchange(rule(t, r.String()), start, false)
		if err != nil || !reflect.DeepEqual(p, back) || !reflect.DeepEqual(rg, rgBack) {
			t.Errorf("%s: %+v %+v came back as %+v %+v: %v", r, p, rg, back, rgBack, err)
		}
	}
}

// TestTheClockNeverLies: every wall time of the nights around all changes of a year becomes an instant that shows it, or one moved by the gap.
func TestTheClockNeverLies(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran", "Africa/Casablanca", "Pacific/Apia"} {
		loc := zone(t, name)
		clock := clockwork{loc: loc}
		last, gaps := time.Time{}, 0
		for c := civilOf(time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC)); c < civilOf(time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)); c += 600 {
			at := clock.at(c)
			fresh := clockwork{loc: loc}
			if !fresh.at(c).Equal(at) {
				t.Fatalf("%s: %d depends on what was asked before", name, c)
			}
			if shown := civilOf(at); shown != c {
				if gaps++; shown < c || gapBefore(at) != shown-c {
					t.Fatalf("%s: the clock %s shows %s", name, fmt.Sprint(time.Unix(int64(c), 0).UTC()), at)
				}
			} else if earlier := at.Add(-time.Hour); civilOf(earlier) == c {
				t.Fatalf("%s: %s is the second of two", name, at)
			}
			if !last.IsZero() && at.Sub(last) > 26*time.Hour {
				t.Fatalf("%s: %s comes after %s", name, at, last)
			}
			last = at
		}
		if gaps == 0 {
			t.Errorf("%s: no gap was met", name)
		}
	}
}
