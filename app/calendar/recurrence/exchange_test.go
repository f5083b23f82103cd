package recurrence

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// TestExchangePatterns: every kind of pattern, the rule it is, the first dates, and the same pattern again.
func TestExchangePatterns(t *testing.T) {
	start := time.Date(2026, 1, 30, 9, 0, 0, 0, zone(t, "Europe/Berlin")) // a Friday
	mo, fr := time.Monday, time.Friday
	for _, c := range []struct {
		p    Pattern
		rule string
		want string
	}{
		{Pattern{Kind: DailyPattern, Interval: 3}, "FREQ=DAILY;INTERVAL=3", "01-30 02-02 02-05"},
		{Pattern{Kind: WeeklyPattern, Interval: 2, Days: []time.Weekday{mo, fr}, FirstDayOfWeek: time.Sunday}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", "01-30 02-09 02-13"},
		{Pattern{Kind: WeeklyPattern, Interval: 2, Days: []time.Weekday{time.Sunday, fr}, FirstDayOfWeek: mo}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,SU", "01-30 02-01 02-13"},
		{Pattern{Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 15}, "FREQ=MONTHLY;BYMONTHDAY=15", "02-15 03-15 04-15"},
		{Pattern{Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 31}, "FREQ=MONTHLY;BYMONTHDAY=-1", "01-31 02-28 03-31"},
		{Pattern{Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 30}, "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "01-30 02-28 03-30"},
		{Pattern{Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 29}, "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "02-28 03-29 04-29"},
		{Pattern{Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{mo}, Index: 2}, "FREQ=MONTHLY;BYDAY=2MO", "02-09 03-09 04-13"},
		{Pattern{Kind: RelativeMonthly, Interval: 3, Days: []time.Weekday{fr}, Index: Last}, "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR", "01-30 04-24 07-31"},
		{Pattern{Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{WorkDay}, Index: Last}, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "01-30 02-27 03-31"},
		{Pattern{Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{WeekendDay}, Index: 1}, "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", "02-01 03-01 04-04"},
		{Pattern{Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{AnyDay}, Index: Last}, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1", "01-31 02-28 03-31"},
		{Pattern{Kind: AbsoluteYearly, DayOfMonth: 31, Month: 12}, "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=12", "12-31 12-31"},
		{Pattern{Kind: AbsoluteYearly, DayOfMonth: 29, Month: 2}, "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2", "02-28 02-28 02-29"},
		{Pattern{Kind: RelativeYearly, Days: []time.Weekday{WorkDay}, Index: 1, Month: 4}, "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYMONTH=4;BYSETPOS=1", "04-01 04-01 04-03"},
		{Pattern{Kind: RelativeYearly, Days: []time.Weekday{time.Thursday}, Index: 4, Month: 11}, "FREQ=YEARLY;BYDAY=4TH;BYMONTH=11", "11-26 11-25"},
		{Pattern{Kind: RelativeYearly, Days: []time.Weekday{WeekendDay}, Index: Last, Month: 2}, "FREQ=YEARLY;BYDAY=SA,SU;BYMONTH=2;BYSETPOS=-1", "02-28 02-28 02-27"},
	} {
		for _, rg := range []Range{
			{Kind: NoEnd, Start: date(2026, 1, 30)}, {Kind: Numbered, Start: date(2026, 1, 30), Number: 30}, {Kind: EndDate, Start: date(2026, 1, 30), End: date(2031, 7, 31)},
		} {
			for _, allDay := range []bool{false, true} {
				r, err := FromExchange(c.p, rg, start, allDay)
				if err != nil || !strings.HasPrefix(plain(r), c.rule) {
					t.Errorf("%+v is %s, want %s: %v", c.p, r, c.rule, err)
					continue
				}
				var got []string
				for _, s := range first(t, r, start, allDay, len(strings.Fields(c.want))) {
					got = append(got, s[5:10])
				}
				same(t, r.String(), got, strings.Fields(c.want))
				form := Zoned
				if allDay {
					form = Dates
				}
				if err := r.ValidateFor(form); err != nil {
					t.Errorf("%s: %v", r, err)
				}
				p, back, err := ToExchange(rule(t, r.String()), start, allDay)
				if err != nil || !reflect.DeepEqual(p, c.p) || !reflect.DeepEqual(back, rg) {
					t.Errorf("%s comes back as %+v %+v, was %+v %+v: %v", r, p, back, c.p, rg, err)
				}
			}
		}
	}
}

// plain is a rule's text without its end.
func plain(r Rule) string { r.Count, r.UntilKind = 0, NoUntil; return r.String() }

// TestRulesThatMeanAPattern although they are written otherwise.
func TestRulesThatMeanAPattern(t *testing.T) {
	start := time.Date(2026, 1, 12, 9, 0, 0, 0, zone(t, "America/New_York")) // the second Monday
	for text, want := range map[string]Pattern{
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR":            {Kind: WeeklyPattern, Interval: 1, Days: []time.Weekday{1, 2, 3, 4, 5}, FirstDayOfWeek: 1},
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR,SA,SU":      {Kind: DailyPattern, Interval: 1},
		"FREQ=WEEKLY":                                {Kind: WeeklyPattern, Interval: 1, Days: []time.Weekday{1}, FirstDayOfWeek: 1},
		"FREQ=MONTHLY":                               {Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 12},
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=2":           {Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{1}, Index: 2},
		"FREQ=YEARLY":                                {Kind: AbsoluteYearly, DayOfMonth: 12, Month: 1},
		"FREQ=YEARLY;INTERVAL=2":                     {Kind: AbsoluteMonthly, Interval: 24, DayOfMonth: 12},
		"FREQ=MONTHLY;BYMONTH=3;BYMONTHDAY=5":        {Kind: AbsoluteYearly, DayOfMonth: 5, Month: 3},
		"FREQ=YEARLY;BYDAY=2MO":                      {Kind: RelativeYearly, Days: []time.Weekday{1}, Index: 2, Month: 1},
		"FREQ=YEARLY;BYDAY=-1FR":                     {Kind: RelativeYearly, Days: []time.Weekday{5}, Index: Last, Month: 12},
		"FREQ=DAILY;BYHOUR=9;BYMINUTE=0":             {Kind: DailyPattern, Interval: 1},
		"FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1":      {Kind: AbsoluteMonthly, Interval: 2, DayOfMonth: 31},
		"FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=-1":        {Kind: AbsoluteYearly, DayOfMonth: 30, Month: 4},
		"FREQ=MONTHLY;BYMONTHDAY=5;BYSETPOS=1":       {Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 5},
		"FREQ=YEARLY;BYMONTH=11;BYDAY=TH;BYSETPOS=4": {Kind: RelativeYearly, Days: []time.Weekday{4}, Index: 4, Month: 11},
	} {
		r := rule(t, text)
		p, rg, err := ToExchange(r, start, false)
		if err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%s is %+v, want %+v: %v", text, p, want, err)
			continue
		}
		back, err := FromExchange(p, rg, start, false)
		if err != nil || !SameRule(r, start, back, start, false) {
			t.Errorf("%s became %s, which means something else: %v", text, back, err)
		}
	}
}

func TestWhatExchangeCannotSay(t *testing.T) {
	start := time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC)
	for text, why := range map[string]string{
		"FREQ=HOURLY": "within a day", "FREQ=DAILY;BYHOUR=9,15": "times of day", "FREQ=YEARLY;BYYEARDAY=100": "days of the year",
		"FREQ=YEARLY;BYWEEKNO=20": "weeks of the year", "FREQ=DAILY;INTERVAL=2;BYDAY=MO": "every 2 days", "FREQ=DAILY;BYMONTH=1": "certain months",
		"FREQ=WEEKLY;BYMONTH=1": "certain months", "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1": "chosen days", "FREQ=MONTHLY;BYMONTH=1,2": "certain months",
		"FREQ=MONTHLY;BYMONTHDAY=1,15": "several days", "FREQ=MONTHLY;BYMONTHDAY=-2": "from the end", "FREQ=MONTHLY;BYMONTHDAY=31": "without a day 31",
		"FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR": "also certain weekdays", "FREQ=MONTHLY;BYDAY=MO,WE": "several weekdays", "FREQ=MONTHLY;BYDAY=5MO": "number 5",
		"FREQ=MONTHLY;BYDAY=-2MO": "number -2", "FREQ=MONTHLY;BYDAY=MO,WE;BYSETPOS=1": "no name for", "FREQ=YEARLY;BYMONTH=1,7": "several months",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29": "without a day 29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": "never comes", "FREQ=YEARLY;BYMONTHDAY=1": "every month",
		"FREQ=WEEKLY;INTERVAL=100": "too long", "FREQ=DAILY;INTERVAL=1000": "too long", "FREQ=YEARLY;INTERVAL=9": "too long",
		"FREQ=YEARLY;INTERVAL=2;BYMONTH=3": "not in", "FREQ=YEARLY;INTERVAL=2;BYDAY=1MO": "every 2 years", "FREQ=MONTHLY;BYMONTHDAY=5;BYSETPOS=2": "single day",
	} {
		_, _, err := ToExchange(rule(t, text), start, false)
		var no *InexpressibleError
		if !errors.As(err, &no) || !strings.Contains(no.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
	if _, _, err := ToExchange(Rule{}, start, false); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("no rule: %v", err)
	}
}

func TestBrokenPatterns(t *testing.T) {
	start := time.Date(2026, 1, 12, 9, 0, 0, 0, time.UTC)
	for i, p := range []Pattern{
		{Kind: DailyPattern}, {Kind: DailyPattern, Interval: 1000}, {Kind: WeeklyPattern, Interval: 1}, {Kind: WeeklyPattern, Interval: 1, Days: []time.Weekday{12}},
		{Kind: WeeklyPattern, Interval: 1, Days: []time.Weekday{1}, FirstDayOfWeek: 7}, {Kind: AbsoluteMonthly, Interval: 1}, {Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 32},
		{Kind: RelativeMonthly, Interval: 1, Index: 1}, {Kind: RelativeMonthly, Interval: 1, Days: []time.Weekday{1}, Index: 5}, {Kind: AbsoluteYearly, DayOfMonth: 31, Month: 4},
		{Kind: AbsoluteYearly, DayOfMonth: 1}, {Kind: RelativeYearly, Days: []time.Weekday{1}, Index: 1, Month: 13},
	} {
		if r, err := FromExchange(p, Range{}, start, false); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("pattern %d is %s: %v", i, r, err)
		}
	}
	for k := DailyRegeneration; k <= YearlyRegeneration; k++ {
		if _, err := FromExchange(Pattern{Kind: k, Interval: 1}, Range{}, start, false); !errors.Is(err, ErrRegenerating) || !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("regenerating: %v", err)
		}
	}
	for _, rg := range []Range{{Kind: Numbered}, {Kind: 9}} {
		if _, err := FromExchange(Pattern{Kind: DailyPattern, Interval: 1}, rg, start, false); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%+v: %v", rg, err)
		}
	}
}

// TestEndDateIsTheOrganisersDay: an end date in New York is not yet over when it is tomorrow in UTC.
func TestEndDateIsTheOrganisersDay(t *testing.T) {
	start := time.Date(2026, 3, 2, 21, 0, 0, 0, zone(t, "America/New_York"))
	rg := Range{Kind: EndDate, Start: date(2026, 3, 2), End: date(2026, 3, 10)}
	r, err := FromExchange(Pattern{Kind: DailyPattern, Interval: 1}, rg, start, false)
	if err != nil || r.String() != "FREQ=DAILY;UNTIL=20260311T010000Z" {
		t.Errorf("%s, %v", r, err)
	}
	if got := first(t, r, start, false, 99); len(got) != 9 {
		t.Errorf("%q", got)
	}
	_, back, err := ToExchange(rule(t, "FREQ=DAILY;UNTIL=20260311T005959Z"), start, false)
	if err != nil || !back.End.Equal(date(2026, 3, 9)) {
		t.Errorf("a second earlier ends on %s: %v", back.End, err)
	}
}
