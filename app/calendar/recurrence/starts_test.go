package recurrence

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func rule(t testing.TB, text string) Rule {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// first collects up to n starts as text by the start's own clock.
func first(t testing.TB, r Rule, start time.Time, allDay bool, n int) []string {
	t.Helper()
	var out []string
	form := "2006-01-02 15:04 -0700"
	if allDay {
		form = "2006-01-02"
	}
	for at, err := range r.Starts(start, allDay, time.Time{}) {
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		if len(out) == n {
			break
		}
		out = append(out, at.Format(form))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %q, want %q", what, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: %q, want %q", what, got, want)
			return
		}
	}
}

// TestRFCExamples follows the examples of RFC 5545 section 3.8.5.3.
func TestRFCExamples(t *testing.T) {
	ny := zone(t, "America/New_York")
	tue := time.Date(1997, 9, 2, 9, 0, 0, 0, ny)
	for _, c := range []struct {
		rule  string
		start time.Time
		want  []string
	}{
		{"FREQ=DAILY;COUNT=3", tue, []string{"1997-09-02", "1997-09-03", "1997-09-04"}},
		{"FREQ=DAILY;INTERVAL=10;COUNT=3", tue, []string{"1997-09-02", "1997-09-12", "1997-09-22"}},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=SU;BYDAY=TU,TH", tue, []string{"1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18"}},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=1FR", time.Date(1997, 9, 5, 9, 0, 0, 0, ny), []string{"1997-09-05", "1997-10-03", "1997-11-07"}},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", time.Date(1997, 9, 22, 9, 0, 0, 0, ny), []string{"1997-09-22", "1997-10-20", "1997-11-17"}},
		{"FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3", time.Date(1997, 9, 28, 9, 0, 0, 0, ny), []string{"1997-09-28", "1997-10-29", "1997-11-28"}},
		{"FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1", time.Date(1997, 9, 30, 9, 0, 0, 0, ny), []string{"1997-09-30", "1997-10-01", "1997-10-31", "1997-11-01"}},
		{"FREQ=YEARLY;COUNT=3;BYMONTH=6,7", time.Date(1997, 6, 10, 9, 0, 0, 0, ny), []string{"1997-06-10", "1997-07-10", "1998-06-10"}},
		{"FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200", time.Date(1997, 1, 1, 9, 0, 0, 0, ny), []string{"1997-01-01", "1997-04-10", "1997-07-19", "2000-01-01"}},
		{"FREQ=YEARLY;BYDAY=20MO", time.Date(1997, 5, 19, 9, 0, 0, 0, ny), []string{"1997-05-19", "1998-05-18", "1999-05-17"}},
		{"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", time.Date(1997, 5, 12, 9, 0, 0, 0, ny), []string{"1997-05-12", "1998-05-11", "1999-05-17"}},
		{"FREQ=YEARLY;BYWEEKNO=20", time.Date(1997, 5, 12, 9, 0, 0, 0, ny), []string{"1997-05-12", "1998-05-11", "1999-05-17"}},
		{"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", tue, []string{"1998-02-13", "1998-03-13", "1998-11-13"}},
		{"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", time.Date(1996, 11, 5, 9, 0, 0, 0, ny), []string{"1996-11-05", "2000-11-07", "2004-11-02"}},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", time.Date(1997, 9, 4, 9, 0, 0, 0, ny), []string{"1997-09-04", "1997-10-07", "1997-11-06"}},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", time.Date(1997, 9, 29, 9, 0, 0, 0, ny), []string{"1997-09-29", "1997-10-30", "1997-11-27"}},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", time.Date(1997, 8, 5, 9, 0, 0, 0, ny), []string{"1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"}},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", time.Date(1997, 8, 5, 9, 0, 0, 0, ny), []string{"1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"}},
		{"FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", time.Date(2007, 1, 15, 9, 0, 0, 0, ny), []string{"2007-01-15", "2007-01-30", "2007-02-15", "2007-03-15", "2007-03-30"}},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", time.Date(2000, 2, 29, 9, 0, 0, 0, ny), []string{"2000-02-29", "2004-02-29", "2008-02-29"}},
	} {
		n := len(c.want)
		got := first(t, rule(t, c.rule), c.start, false, n)
		for i, g := range got {
			got[i] = g[:10]
		}
		same(t, c.rule, got, c.want)
	}
}

func TestClocksWithinADay(t *testing.T) {
	start := time.Date(1997, 9, 2, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rule string
		want []string
	}{
		{"FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z", []string{"09:00", "12:00", "15:00"}},
		{"FREQ=MINUTELY;INTERVAL=90;COUNT=4", []string{"09:00", "10:30", "12:00", "13:30"}},
		{"FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20;COUNT=4", []string{"09:00", "09:20", "10:00", "10:20"}},
		{"FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,16;COUNT=4", []string{"09:00", "09:20", "09:40", "16:00"}},
		{"FREQ=SECONDLY;BYSECOND=0;BYMINUTE=30;COUNT=2", []string{"09:30", "10:30"}},
		{"FREQ=HOURLY;BYMINUTE=15,45;BYSETPOS=-1;COUNT=2", []string{"09:45", "10:45"}},
	} {
		got := first(t, rule(t, c.rule), start, false, 99)
		for i, g := range got {
			got[i] = g[11:16]
		}
		same(t, c.rule, got, c.want)
	}
}

// TestDaylightTimeOnDifferentDates: a London series seen from New York and Sydney keeps its London clock (W27).
func TestDaylightTimeOnDifferentDates(t *testing.T) {
	r := rule(t, "FREQ=WEEKLY;COUNT=6")
	start := time.Date(2026, 3, 3, 14, 0, 0, 0, zone(t, "Europe/London"))
	want := map[string][]int{ // hours by the viewer's clock: New York moves on 8 March, London on the 29th, Sydney on 5 April
		"Europe/London":    {14, 14, 14, 14, 14, 14},
		"America/New_York": {9, 10, 10, 10, 9, 9},
		"Australia/Sydney": {1, 1, 1, 1, 0, 23},
	}
	for name, hours := range want {
		loc, i := zone(t, name), 0
		for at, err := range r.Starts(start, false, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if got := at.In(loc).Hour(); got != hours[i] {
				t.Errorf("meeting %d is at %d in %s, want %d", i, got, name, hours[i])
			}
			i++
		}
		if i != len(hours) {
			t.Errorf("%d meetings", i)
		}
	}
}

func TestGapsAndOverlaps(t *testing.T) {
	daily := rule(t, "FREQ=DAILY;COUNT=3")
	berlin, ny := zone(t, "Europe/Berlin"), zone(t, "America/New_York")
	same(t, "gap moves forward", first(t, daily, time.Date(2026, 3, 28, 2, 30, 0, 0, berlin), false, 9),
		[]string{"2026-03-28 02:30 +0100", "2026-03-29 03:30 +0200", "2026-03-30 02:30 +0200"})
	same(t, "overlap takes the first", first(t, daily, time.Date(2026, 10, 24, 2, 30, 0, 0, berlin), false, 9),
		[]string{"2026-10-24 02:30 +0200", "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"})
	same(t, "gap in New York", first(t, daily, time.Date(2026, 3, 7, 2, 0, 0, 0, ny), false, 9),
		[]string{"2026-03-07 02:00 -0500", "2026-03-08 03:00 -0400", "2026-03-09 02:00 -0400"})
	same(t, "half an hour on Lord Howe", first(t, daily, time.Date(2026, 10, 3, 2, 10, 0, 0, zone(t, "Australia/Lord_Howe")), false, 9),
		[]string{"2026-10-03 02:10 +1030", "2026-10-04 02:40 +1100", "2026-10-05 02:10 +1100"})
	same(t, "midnight that is not there", first(t, daily, time.Date(2026, 4, 23, 0, 0, 0, 0, zone(t, "Africa/Cairo")), false, 9),
		[]string{"2026-04-23 00:00 +0200", "2026-04-24 01:00 +0300", "2026-04-25 00:00 +0300"})
	same(t, "hours over the gap are told once", first(t, rule(t, "FREQ=HOURLY;COUNT=4"), time.Date(2026, 3, 29, 1, 0, 0, 0, berlin), false, 9),
		[]string{"2026-03-29 01:00 +0100", "2026-03-29 03:00 +0200", "2026-03-29 04:00 +0200"})
}

func TestUntil(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	start := time.Date(2026, 3, 27, 9, 0, 0, 0, berlin)
	for text, want := range map[string]int{
		"FREQ=DAILY;UNTIL=20260330T070000Z": 4, // exactly the last
		"FREQ=DAILY;UNTIL=20260330T065959Z": 3,
		"FREQ=DAILY;UNTIL=20260330T090000":  4,
		"FREQ=DAILY;UNTIL=20260330T085959":  3,
		"FREQ=DAILY;UNTIL=20260330":         4,
		"FREQ=DAILY;UNTIL=20260326":         0,
	} {
		r := rule(t, text)
		if got := len(first(t, r, start, false, 99)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
		for _, f := range []Form{Zoned, Floating} {
			c := r.Conform(start, f)
			if got := len(first(t, c, start, false, 99)); got != want || c.ValidateFor(f) != nil {
				t.Errorf("%s as %s: %d, %v", text, c, got, c.ValidateFor(f))
			}
		}
	}
	r := rule(t, "FREQ=DAILY;UNTIL=20260330T120000Z")
	if got := first(t, r, start, true, 99); len(got) != 4 {
		t.Errorf("all-day until an instant: %q", got)
	}
	if r.ValidateFor(Dates) == nil || r.Conform(start, Dates).ValidateFor(Dates) != nil || r.ValidateFor(Zoned) != nil {
		t.Error("the form of UNTIL is not held to the start's")
	}
	if rule(t, "FREQ=DAILY;BYHOUR=9").ValidateFor(Dates) == nil {
		t.Error("an all-day rule with a clock")
	}
}

// TestAllDayIsADateEverywhere: from UTC-12 to +14 the same dates come out (W30).
func TestAllDayIsADateEverywhere(t *testing.T) {
	r := rule(t, "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3")
	for off := -12; off <= 14; off++ {
		start := time.Date(2026, 1, 31, 0, 0, 0, 0, time.FixedZone("", off*3600))
		same(t, start.Format("-07:00"), first(t, r, start, true, 9), []string{"2026-01-31", "2026-02-28", "2026-03-31"})
	}
}

// TestJumpingFindsWhatWalkingFinds: whatever the window, the result is that of the whole series.
func TestJumpingFindsWhatWalkingFinds(t *testing.T) {
	start := time.Date(1990, 1, 31, 2, 30, 0, 0, zone(t, "Europe/Berlin"))
	for _, text := range []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=7;COUNT=900", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=SU", "FREQ=WEEKLY;COUNT=2000;INTERVAL=2",
		"FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=500", "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO,SU", "FREQ=HOURLY;INTERVAL=5;BYHOUR=2,3;UNTIL=20200101T000000Z",
	} {
		r := rule(t, text)
		var all []time.Time
		for at, err := range r.Starts(start, false, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if all = append(all, at); at.Year() > 2060 {
				break
			}
		}
		for year := 1989; year <= 2030; year += 3 {
			from := time.Date(year, 3, 29, 1, 0, 0, 0, time.UTC)
			i := 0
			for i < len(all) && all[i].Before(from) {
				i++
			}
			n := 0
			for at, err := range r.Starts(start, false, from) {
				if err != nil || i+n >= len(all) || !at.Equal(all[i+n]) {
					t.Fatalf("%s from %s: number %d is %s, %v", text, from, n, at, err)
				}
				if n++; n == 20 {
					break
				}
			}
			if n < 20 && i+n != len(all) {
				t.Errorf("%s from %s: %d found, %d expected", text, from, n, len(all)-i)
			}
		}
	}
}
