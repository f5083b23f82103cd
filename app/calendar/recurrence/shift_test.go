package recurrence

import (
	"testing"
	"time"
)

func TestARuleMovesWithItsSeries(t *testing.T) {
	for _, c := range []struct{ text, from, to, want string }{
		{"FREQ=WEEKLY;BYDAY=MO", "2026-03-02 09:00", "2026-03-03 09:00", "FREQ=WEEKLY;BYDAY=TU"},
		{"FREQ=WEEKLY;BYDAY=MO,WE", "2026-03-02 09:00", "2026-03-03 09:00", "FREQ=WEEKLY;BYDAY=TU,WE"},
		{"FREQ=WEEKLY;BYDAY=MO,TU", "2026-03-02 09:00", "2026-03-03 09:00", "FREQ=WEEKLY;BYDAY=TU"},
		{"FREQ=WEEKLY;BYDAY=MO,TU", "2026-03-02 09:00", "2026-03-02 11:00", "FREQ=WEEKLY;BYDAY=MO,TU"},
		{"FREQ=WEEKLY;BYDAY=SU", "2026-03-01 09:00", "2026-02-28 09:00", "FREQ=WEEKLY;BYDAY=SA"},
		{"FREQ=DAILY;COUNT=3", "2026-03-02 09:00", "2026-03-05 09:00", "FREQ=DAILY;COUNT=3"},
		{"FREQ=MONTHLY;BYMONTHDAY=2", "2026-03-02 09:00", "2026-03-12 09:00", "FREQ=MONTHLY;BYMONTHDAY=12"},
		{"FREQ=MONTHLY;BYMONTHDAY=2,20", "2026-03-02 09:00", "2026-03-30 09:00", "FREQ=MONTHLY;BYMONTHDAY=20,30"},
		{"FREQ=MONTHLY;BYMONTHDAY=15", "2026-03-15 09:00", "2026-03-30 09:00", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2026-03-30 09:00", "2026-03-31 09:00", "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "2026-03-31 09:00", "2026-04-01 09:00", "FREQ=MONTHLY;BYMONTHDAY=1"},
		{"FREQ=MONTHLY;BYDAY=1MO", "2026-03-02 09:00", "2026-03-10 09:00", "FREQ=MONTHLY;BYDAY=2TU"},
		{"FREQ=MONTHLY;BYDAY=1MO", "2026-03-02 09:00", "2026-03-31 09:00", "FREQ=MONTHLY;BYDAY=-1TU"},
		{"FREQ=MONTHLY;BYDAY=-1MO", "2026-03-30 09:00", "2026-03-27 09:00", "FREQ=MONTHLY;BYDAY=-1FR"},
		{"FREQ=MONTHLY;BYDAY=-1MO", "2026-03-30 09:00", "2026-04-01 09:00", "FREQ=MONTHLY;BYDAY=1WE"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-03-31 09:00", "2026-03-26 09:00", "FREQ=MONTHLY;BYDAY=4TH"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-03-31 09:00", "2026-02-27 09:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"},
		{"FREQ=YEARLY;BYMONTHDAY=2;BYMONTH=3", "2026-03-02 09:00", "2026-04-05 09:00", "FREQ=YEARLY;BYMONTHDAY=5;BYMONTH=4"},
		{"FREQ=YEARLY;BYMONTHDAY=1;BYMONTH=3", "2028-03-01 09:00", "2028-02-29 09:00", "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2"},
		{"FREQ=YEARLY;BYDAY=1MO;BYMONTH=3", "2026-03-02 09:00", "2026-04-07 09:00", "FREQ=YEARLY;BYDAY=1TU;BYMONTH=4"},
		// Berlin is an hour before UTC until 29 March, then two: the last occurrence stays the last.
		{"FREQ=DAILY;UNTIL=20260306T080000Z", "2026-03-02 09:00", "2026-03-02 11:00", "FREQ=DAILY;UNTIL=20260306T100000Z"},
		{"FREQ=DAILY;UNTIL=20260306T225959Z", "2026-03-02 09:00", "2026-03-03 11:00", "FREQ=DAILY;UNTIL=20260307T100000Z"},
		{"FREQ=DAILY;UNTIL=20260306T070000Z", "2026-03-02 09:00", "2026-03-03 09:00", "FREQ=DAILY;UNTIL=20260306T080000Z"},
		{"FREQ=WEEKLY;BYDAY=SA;UNTIL=20260328T080000Z", "2026-03-07 09:00", "2026-03-08 09:00", "FREQ=WEEKLY;BYDAY=SU;UNTIL=20260329T070000Z"},
		{"FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20260316T080000Z", "2026-03-12 09:00", "2026-03-11 09:00", "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260316T080000Z"},
		{"FREQ=DAILY;UNTIL=20260306T090000", "2026-03-02 09:00", "2026-03-03 11:00", "FREQ=DAILY;UNTIL=20260307T110000"},
		{"FREQ=DAILY;UNTIL=20260306", "2026-03-02 00:00", "2026-02-28 00:00", "FREQ=DAILY;UNTIL=20260304"},
	} {
		was := rule(t, c.text)
		got := was.Moved(berlin(t, c.from), berlin(t, c.to))
		if got.String() != rule(t, c.want).String() {
			t.Errorf("%s moved from %s to %s is %s, want %s", c.text, c.from, c.to, got, c.want)
		}
		if was.String() != rule(t, c.text).String() {
			t.Errorf("%s was changed itself, to %s", c.text, was)
		}
	}
}

// Wherever a series that begins by its rule is moved to, it begins there, and as often as before.
func TestAMovedSeriesBeginsWhereItWasMovedTo(t *testing.T) {
	for _, text := range []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "FREQ=MONTHLY;BYMONTHDAY=5", "FREQ=MONTHLY;BYDAY=1MO",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=5", "FREQ=YEARLY;BYMONTH=1;BYDAY=1MO"} {
		start := berlin(t, "2026-01-05 09:00")
		was := rule(t, text+";COUNT=4")
		if !was.meets(start) {
			t.Fatalf("%s does not begin at %s", text, start)
		}
		for days := -70; days <= 70; days++ {
			to := start.AddDate(0, 0, days).Add(90 * time.Minute)
			r := was.Moved(start, to)
			n := 0
			for at, err := range r.Starts(to, false, time.Time{}) {
				if err != nil {
					t.Fatalf("%s moved by %d days is %s: %v", text, days, r, err)
				}
				if n == 0 && !at.Equal(to) {
					t.Errorf("%s moved by %d days is %s and begins at %s, not %s", text, days, r, at, to)
				}
				n++
			}
			if n != 4 {
				t.Errorf("%s moved by %d days is %s with %d occurrences", text, days, r, n)
			}
			if _, _, err := ToExchange(r, to, false); err != nil {
				t.Errorf("%s moved by %d days is %s: %v", text, days, r, err)
			}
		}
	}
}
