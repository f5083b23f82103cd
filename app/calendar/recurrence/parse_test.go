package recurrence

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestRulesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"FREQ=DAILY":                                    "FREQ=DAILY",
		"RRULE:freq=weekly;byday=fr,mo,mo":              "FREQ=WEEKLY;BYDAY=MO,FR",
		"WKST=SU;INTERVAL=2;FREQ=WEEKLY":                "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
		"FREQ=MONTHLY;BYDAY=+2MO,-1FR":                  "FREQ=MONTHLY;BYDAY=-1FR,2MO",
		"FREQ=DAILY;UNTIL=20261231":                     "FREQ=DAILY;UNTIL=20261231",
		"FREQ=DAILY;UNTIL=20261231T235959":              "FREQ=DAILY;UNTIL=20261231T235959",
		"FREQ=DAILY;UNTIL=20261231T235959Z;":            "FREQ=DAILY;UNTIL=20261231T235959Z",
		"FREQ=DAILY;COUNT=10;INTERVAL=1":                "FREQ=DAILY;COUNT=10",
		"FREQ=YEARLY;BYMONTH=3,1;BYSETPOS=-1":           "FREQ=YEARLY;BYMONTH=1,3;BYSETPOS=-1",
		"FREQ=YEARLY;BYWEEKNO=20;BYYEARDAY=-1":          "FREQ=YEARLY;BYYEARDAY=-1;BYWEEKNO=20",
		"FREQ=SECONDLY;BYSECOND=60;BYMINUTE=0;BYHOUR=0": "FREQ=SECONDLY;BYSECOND=60;BYMINUTE=0;BYHOUR=0",
	} {
		r := rule(t, text)
		if got := r.String(); got != want {
			t.Errorf("%s is written %s, want %s", text, got, want)
		}
		if again := rule(t, r.String()); again.String() != want {
			t.Errorf("%s reads back as %s", want, again)
		}
	}
}

func TestBrokenRulesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "FREQ", "FREQ=", "COUNT=3", "FREQ=FORTNIGHTLY", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1",
		"FREQ=DAILY;COUNT=3;UNTIL=20260101", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=x", "FREQ=DAILY;INTERVAL=99999999999",
		"FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;UNTIL=20260231", "FREQ=DAILY;UNTIL=20260101T250000Z", "FREQ=DAILY;BYDAY=XX", "FREQ=DAILY;BYDAY=M",
		"FREQ=DAILY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=54MO", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
		"FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYMINUTE=-1", "FREQ=DAILY;BYSECOND=61", "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32",
		"FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY;BYYEARDAY=1", "FREQ=MONTHLY;BYWEEKNO=1", "FREQ=YEARLY;BYWEEKNO=54", "FREQ=YEARLY;BYMONTH=13",
		"FREQ=YEARLY;BYMONTH=-1", "FREQ=DAILY;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "FREQ=DAILY;WKST=1",
		"FREQ=DAILY;RSCALE=CHINESE", "FREQ=DAILY;X-FOO=1", "FREQ=DAILY;;COUNT=1", "FREQ=DAILY;BYHOUR=" + strings.Repeat("1,", 600) + "1",
		"FREQ=DAILY;BYHOUR=" + strings.Repeat("1", 5000), "FREQ=MONTHLY;BYDAY=" + strings.Repeat("MO,", 600) + "MO",
	} {
		if r, err := Parse(text); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%.60s is read as %s: %v", text, r, err)
		}
	}
	for _, r := range []Rule{{}, {Freq: 9, Interval: 1}, {Interval: 1, WeekStart: 7}, {Interval: 1, Freq: Monthly, ByDay: []Day{{Weekday: 9}}}} {
		if !errors.Is(r.Validate(), portal.ErrInvalid) {
			t.Errorf("%+v is valid", r)
		}
	}
}

// TestHostileRules end with an error or quickly, never in an endless walk.
func TestHostileRules(t *testing.T) {
	start := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	all60, all24 := list(60), list(24)
	for text, want := range map[string]error{
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30":                                                                  nil,
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30":                                                                   ErrTooSparse,
		"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30":                                                                ErrTooSparse,
		"FREQ=SECONDLY;INTERVAL=2;BYSECOND=1":                                                                  ErrTooSparse,
		"FREQ=YEARLY;BYDAY=MO;BYMONTH=2;BYMONTHDAY=30;INTERVAL=999999":                                         nil,
		"FREQ=YEARLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYHOUR=" + all24 + ";BYMINUTE=" + all60 + ";BYSECOND=" + all60: ErrTooDense,
	} {
		r := rule(t, text)
		var err error
		n := 0
		for _, err = range r.Starts(start, false, time.Time{}) {
			if n++; n > 10 {
				break
			}
		}
		if !errors.Is(err, want) || want == nil && n > 0 {
			t.Errorf("%.60s: %d occurrences, %v, want %v", text, n, err, want)
		}
	}
	for range rule(t, "FREQ=HOURLY").Starts(start, true, time.Time{}) {
		break
	}
	for _, err := range rule(t, "FREQ=HOURLY").Starts(start, true, time.Time{}) {
		if !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("an all-day series by the hour: %v", err)
		}
	}
}

func list(n int) string {
	var out []string
	for i := range n {
		out = append(out, string(rune('0'+i/10))+string(rune('0'+i%10)))
	}
	return strings.Join(out, ",")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"FREQ=DAILY", "RRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=1", "FREQ=YEARLY;BYWEEKNO=53,-1;UNTIL=20261231T000000Z",
		"FREQ=SECONDLY;INTERVAL=7;BYMINUTE=5;COUNT=9;WKST=SU", "FREQ=YEARLY;BYYEARDAY=366;BYHOUR=1,2", ";;=", "FREQ=DAILY;BYDAY=--1MO"} {
		f.Add(s)
	}
	start := time.Date(2026, 3, 28, 2, 30, 0, 0, zone(f, "Europe/Berlin"))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatalf("%q: %v means nothing", text, err)
			}
			return
		}
		again, err := Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q is %s is %s: %v", text, r, again, err)
		}
		last, n := time.Time{}, 0
		for at, err := range r.between(start, false, time.Time{}, start.AddDate(1, 0, 0)) {
			if err != nil {
				break
			}
			if !at.After(last) || at.Before(start) {
				t.Fatalf("%s: %s comes after %s", r, at, last)
			}
			if last = at; n > 50 {
				break
			}
			n++
		}
	})
}
