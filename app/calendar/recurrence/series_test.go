package recurrence

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"portico/app/portal"
)

const at = "2006-01-02 15:04"

// weekly is a meeting on Mondays at nine in Berlin, from 5 January 2026.
func weekly(t testing.TB, text string) *Series {
	t.Helper()
	r := rule(t, text)
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, zone(t, "Europe/Berlin"))
	return &Series{Start: start, End: start.Add(time.Hour), Rule: &r}
}

func berlin(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation(at, text, zone(t, "Europe/Berlin"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func between(t testing.TB, s *Series, from, to time.Time) []string {
	t.Helper()
	list, err := s.Between(from, to, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range list {
		if o.AllDay {
			out = append(out, o.Start.Format("2006-01-02"))
		} else {
			out = append(out, o.Start.Format(at))
		}
	}
	return out
}

func TestSeriesWithoutEndFarAway(t *testing.T) {
	s := weekly(t, "FREQ=DAILY")
	s.Start = s.Start.AddDate(-56, 0, 0)
	s.End = s.Start.Add(time.Hour)
	same(t, "2026", between(t, s, berlin(t, "2026-07-01 00:00"), berlin(t, "2026-07-03 00:00")), []string{"2026-07-01 09:00", "2026-07-02 09:00"})
}

func TestFirstOccurrenceModified(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY;COUNT=3")
	s.Overrides = []Override{{ID: s.Start, Start: berlin(t, "2026-01-06 14:00"), End: berlin(t, "2026-01-06 15:30")}}
	list, err := s.Between(berlin(t, "2026-01-01 00:00"), berlin(t, "2026-02-01 00:00"), 10)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	o := list[0]
	if o.Start.Format(at) != "2026-01-06 14:00" || o.End.Sub(o.Start) != 90*time.Minute || !o.ID.Equal(s.Start) || o.Override != 0 {
		t.Errorf("%+v", o)
	}
	if list[1].Override != -1 || list[1].Start.Format(at) != "2026-01-12 09:00" {
		t.Errorf("the rest moved with the first: %+v", list[1])
	}
}

func TestExceptionMovedOntoAnotherOccurrencesDay(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY;COUNT=4")
	s.Overrides = []Override{{ID: berlin(t, "2026-01-12 09:00"), Start: berlin(t, "2026-01-19 09:00"), End: berlin(t, "2026-01-19 10:00")}}
	list, err := s.Between(berlin(t, "2026-01-01 00:00"), berlin(t, "2026-03-01 00:00"), 10)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	if a, b := list[1], list[2]; !a.Start.Equal(b.Start) || a.ID.Equal(b.ID) || a.Override != 0 || b.Override != -1 {
		t.Errorf("two on the 19th: %+v and %+v", a, b)
	}
}

func TestExceptionMovedIntoAndOutOfTheWindow(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY")
	s.Overrides = []Override{
		{ID: berlin(t, "2026-01-12 09:00"), Start: berlin(t, "2026-06-10 09:00"), End: berlin(t, "2026-06-10 10:00")}, // from before the window
		{ID: berlin(t, "2026-06-08 09:00"), Start: berlin(t, "2026-09-01 09:00"), End: berlin(t, "2026-09-01 10:00")}, // out of it
		{ID: berlin(t, "2026-02-02 09:00"), Start: berlin(t, "2026-02-03 09:00"), End: berlin(t, "2026-02-03 10:00")}, // never in it
		{ID: berlin(t, "2026-06-15 09:00"), Deleted: true},
	}
	same(t, "June", between(t, s, berlin(t, "2026-06-05 00:00"), berlin(t, "2026-06-30 00:00")), []string{"2026-06-10 09:00", "2026-06-22 09:00", "2026-06-29 09:00"})
	if s.Has(berlin(t, "2026-06-15 09:00")) || !s.Has(berlin(t, "2026-06-08 09:00")) || !s.Has(berlin(t, "2026-06-22 09:00")) || s.Has(berlin(t, "2026-06-22 10:00")) {
		t.Error("Has and Between disagree")
	}
}

func TestAddedAndExceptedDates(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY;COUNT=3")
	s.RDates = []time.Time{berlin(t, "2026-01-07 11:00"), berlin(t, "2026-01-12 09:00"), berlin(t, "2026-01-07 11:00"), berlin(t, "2026-01-08 11:00")}
	s.ExDates = []time.Time{berlin(t, "2026-01-19 09:00").UTC(), berlin(t, "2026-01-08 11:00")}
	same(t, "January", between(t, s, berlin(t, "2026-01-01 00:00"), berlin(t, "2026-02-01 00:00")),
		[]string{"2026-01-05 09:00", "2026-01-07 11:00", "2026-01-12 09:00"})
	s.Rule = nil
	same(t, "without a rule", between(t, s, berlin(t, "2026-01-01 00:00"), berlin(t, "2026-02-01 00:00")),
		[]string{"2026-01-05 09:00", "2026-01-07 11:00", "2026-01-12 09:00"})
	if !s.Has(s.Start) || s.Has(berlin(t, "2026-01-19 09:00")) {
		t.Error("Has without a rule")
	}
}

func TestWindowEdges(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY")
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2026-01-12 10:00", "2026-01-12 11:00", 0}, {"2026-01-12 09:59", "2026-01-12 11:00", 1}, {"2026-01-12 08:00", "2026-01-12 09:00", 0},
		{"2026-01-12 08:00", "2026-01-12 09:01", 1}, {"2026-01-12 09:15", "2026-01-12 09:20", 1}, {"2025-01-01 00:00", "2026-01-05 09:00", 0},
	} {
		if got := between(t, s, berlin(t, c.from), berlin(t, c.to)); len(got) != c.want {
			t.Errorf("%s to %s: %q", c.from, c.to, got)
		}
	}
	s.End = s.Start // an instant
	if got := between(t, s, berlin(t, "2026-01-12 09:00"), berlin(t, "2026-01-12 09:01")); len(got) != 1 {
		t.Errorf("an instant at the window's beginning: %q", got)
	}
	s.End = s.Start.AddDate(0, 0, 10) // longer than its interval
	if got := between(t, s, berlin(t, "2026-02-04 00:00"), berlin(t, "2026-02-04 01:00")); len(got) != 2 {
		t.Errorf("two that overlap: %q", got)
	}
}

func TestTooManyForOneWindow(t *testing.T) {
	s := weekly(t, "FREQ=SECONDLY")
	if list, err := s.Between(s.Start, s.Start.AddDate(1, 0, 0), 500); !errors.Is(err, ErrTooMany) || list != nil {
		t.Errorf("%d, %v", len(list), err)
	}
	s = weekly(t, "FREQ=DAILY")
	s.Rule.Interval = 0
	if _, err := s.Between(s.Start, s.Start.AddDate(1, 0, 0), 500); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("an interval of 0: %v", err)
	}
}

// TestAllDaySeriesByTheViewersCalendar: a date is a date from UTC-12 to UTC+14, never a day early (W30).
func TestAllDaySeriesByTheViewersCalendar(t *testing.T) {
	r := rule(t, "FREQ=WEEKLY;UNTIL=20260201")
	s := &Series{Start: date(2026, 1, 5), End: date(2026, 1, 6), AllDay: true, Rule: &r,
		ExDates: []time.Time{time.Date(2026, 1, 19, 0, 0, 0, 0, time.FixedZone("", 14*3600))}}
	for off := -12; off <= 14; off++ {
		viewer := time.FixedZone("", off*3600)
		day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, viewer) }
		same(t, fmt.Sprint("the day itself at ", off), between(t, s, day(12), day(13)), []string{"2026-01-12"})
		same(t, fmt.Sprint("the day before at ", off), between(t, s, day(11), day(12)), nil)
		same(t, fmt.Sprint("the month at ", off), between(t, s, day(1), day(32)), []string{"2026-01-05", "2026-01-12", "2026-01-26"})
	}
	s.Overrides = []Override{{ID: date(2026, 1, 12), Start: date(2026, 1, 14), End: date(2026, 1, 16)}, {ID: date(2026, 1, 26), Start: date(2026, 1, 27), End: date(2026, 1, 27)}}
	list, err := s.Between(date(2026, 1, 15), date(2026, 1, 31), 10)
	if err != nil || len(list) != 2 || !list[0].End.Equal(date(2026, 1, 16)) || !list[1].End.Equal(date(2026, 1, 28)) || !list[0].ID.Equal(date(2026, 1, 12)) {
		t.Errorf("%+v, %v", list, err)
	}
	if !s.Has(date(2026, 1, 5)) || s.Has(date(2026, 1, 19)) || s.Length() != 24*time.Hour {
		t.Error("all-day Has or Length")
	}
}

func TestTheOrganisersZoneStaysOnTheSeries(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY")
	list, err := s.Between(time.Date(2026, 3, 22, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 5, 0, 0, 0, 0, zone(t, "Asia/Tokyo")), 9)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, utc := range []int{8, 7} {
		if list[i].Start.UTC().Hour() != utc || list[i].Start.Location() != s.Start.Location() {
			t.Errorf("%s", list[i].Start)
		}
	}
}

func TestLengthAcrossAChangeOfTheClock(t *testing.T) {
	r := rule(t, "FREQ=DAILY")
	start := berlin(t, "2026-03-27 22:00")
	s := &Series{Start: start, End: start.Add(8 * time.Hour), Rule: &r}
	list, err := s.Between(berlin(t, "2026-03-28 12:00"), berlin(t, "2026-03-29 12:00"), 9)
	if err != nil || len(list) != 1 || list[0].End.Format(at) != "2026-03-29 06:00" || list[0].End.Sub(list[0].Start) != 7*time.Hour {
		t.Errorf("the night shift: %+v, %v", list, err)
	}
	s.Start = berlin(t, "2026-10-20 02:30")
	s.End = s.Start.Add(10 * time.Minute)
	list, err = s.Between(berlin(t, "2026-10-25 00:00"), berlin(t, "2026-10-25 12:00"), 9)
	if err != nil || len(list) != 1 || list[0].End.Sub(list[0].Start) != 10*time.Minute {
		t.Errorf("in the doubled hour: %+v, %v", list, err)
	}
}

// TestSplitThisAndFollowing: two back-to-back series are together what the one was.
func TestSplitThisAndFollowing(t *testing.T) {
	for _, text := range []string{"FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=20", "FREQ=WEEKLY;UNTIL=20260601T070000Z", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2", "FREQ=DAILY;INTERVAL=3"} {
		for _, allDay := range []bool{false, true} {
			s := weekly(t, text)
			s.AllDay = allDay
			from, to := berlin(t, "2026-01-01 00:00"), berlin(t, "2026-08-01 00:00")
			ids, err := s.Between(from, to, 100)
			if err != nil {
				t.Fatal(err)
			}
			s.Overrides = []Override{{ID: ids[1].ID, Deleted: true}, {ID: ids[4].ID, Start: ids[4].Start.Add(48 * time.Hour), End: ids[4].End.Add(48 * time.Hour)}}
			s.ExDates = []time.Time{ids[5].ID}
			s.RDates = []time.Time{ids[0].ID.Add(5 * 24 * time.Hour), ids[5].ID.Add(5 * 24 * time.Hour)}
			want := between(t, s, from, to)
			head, tail, err := s.Split(ids[3].ID)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			h := between(t, head, from, to)
			same(t, fmt.Sprint(text, allDay), append(h, between(t, tail, from, to)...), want)
			if len(head.Overrides) != 1 || len(tail.Overrides) != 1 || len(tail.ExDates) != 1 || len(head.RDates) != 1 || !tail.Start.Equal(ids[3].Start) {
				t.Errorf("%s: head %+v tail %+v", text, head, tail)
			}
		}
	}
}

func TestSplitInAGap(t *testing.T) {
	r := rule(t, "FREQ=DAILY")
	s := &Series{Start: berlin(t, "2026-03-01 02:30"), End: berlin(t, "2026-03-01 02:45"), Rule: &r}
	_, tail, err := s.Split(berlin(t, "2026-03-29 03:30"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tail", between(t, tail, berlin(t, "2026-03-28 00:00"), berlin(t, "2026-04-01 00:00")), []string{"2026-03-29 03:30", "2026-03-30 02:30", "2026-03-31 02:30"})
}

func TestWhereASeriesCannotBeSplit(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY")
	if _, _, err := s.Split(s.Start); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("before the first: %v", err)
	}
	if _, _, err := s.Split(s.Start.Add(time.Hour)); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("at none: %v", err)
	}
}

func TestInstanceIndexCountsDeletedOnes(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY;COUNT=9")
	s.Overrides = []Override{{ID: berlin(t, "2026-01-12 09:00"), Deleted: true}}
	if n, err := s.InstanceIndex(berlin(t, "2026-01-19 09:00")); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := s.InstanceIndex(berlin(t, "2026-05-01 09:00")); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestCopiedSeriesAreTwo: what is changed in a copy does not show in the original.
func TestCopiedSeriesAreTwo(t *testing.T) {
	s := weekly(t, "FREQ=WEEKLY;BYDAY=MO;COUNT=5")
	s.ExDates, s.RDates, s.Overrides = []time.Time{s.Start}, []time.Time{s.Start.Add(time.Hour)}, []Override{{ID: s.Start, Deleted: true}}
	c := s.Clone()
	c.Rule.ByDay[0].Weekday, c.Rule.Count = time.Friday, 1
	c.ExDates[0], c.RDates[0], c.Overrides[0].Deleted = c.End, c.End.Add(time.Hour), false
	if s.Rule.String() != "FREQ=WEEKLY;COUNT=5;BYDAY=MO" || !s.ExDates[0].Equal(s.Start) || !s.RDates[0].Equal(s.End) || !s.Overrides[0].Deleted {
		t.Errorf("%+v", s)
	}
}

func TestRulesThatMeanTheSame(t *testing.T) {
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, zone(t, "Europe/Berlin"))
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO;INTERVAL=1;WKST=SU", true},
		{"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", true},
		{"FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", true},
		{"FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20260107T080000Z", true},
		{"FREQ=DAILY;UNTIL=20260107", "FREQ=DAILY;UNTIL=20260107T080000Z", true},
		{"FREQ=YEARLY", "FREQ=MONTHLY;INTERVAL=12", true},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", false},
		{"FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", false},
		{"FREQ=DAILY", "FREQ=DAILY;UNTIL=20990101T000000Z", false},
		{"FREQ=DAILY;COUNT=3", "FREQ=DAILY;COUNT=4", false},
		{"FREQ=DAILY;COUNT=20000", "FREQ=DAILY;COUNT=30000", false},
		{"FREQ=DAILY;UNTIL=20990101T000000Z", "FREQ=DAILY;UNTIL=20990101T000000Z", true},
		{"FREQ=SECONDLY;INTERVAL=2;BYSECOND=1", "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1", true},
	} {
		if got := SameRule(rule(t, c.a), start, rule(t, c.b), start, false); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func BenchmarkWeekOfTenYearsDaily(b *testing.B) {
	s := weekly(b, "FREQ=DAILY")
	s.Start, s.End = s.Start.AddDate(-10, 0, 0), s.End.AddDate(-10, 0, 0)
	from := s.Start.AddDate(10, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if list, err := s.Between(from, from.AddDate(0, 0, 7), 100); err != nil || len(list) != 7 {
			b.Fatal(len(list), err)
		}
	}
}

func BenchmarkWeekOfThousandSeries(b *testing.B) {
	var all []*Series
	for i := range 1000 {
		s := weekly(b, []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=WEEKLY;INTERVAL=2;COUNT=300"}[i%5])
		s.Start, s.End = s.Start.AddDate(-5, 0, i%28), s.End.AddDate(-5, 0, i%28)
		all = append(all, s)
	}
	from := berlin(b, "2026-11-16 00:00")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, s := range all {
			list, err := s.Between(from, from.AddDate(0, 0, 7), 100)
			if err != nil {
				b.Fatal(err)
			}
			n += len(list)
		}
		if n < 1000 {
			b.Fatal(n)
		}
	}
}
