package ews

import (
	"testing"
	"time"

	"portico/app/calendar/zone"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := zone.Load(name)
	if err != nil {
		t.Fatalf("zone %s: %v", name, err)
	}
	return z.Location
}

// All-day in UTC-12 to +14: the date is the one that the zone's calendar shows, wherever the midnight lies in UTC.
func TestAllDayDatesFromTheFirstZoneToTheLast(t *testing.T) {
	for _, name := range []string{"Etc/GMT+12", "Pacific/Pago_Pago", "Pacific/Honolulu", "America/Los_Angeles", "America/St_Johns",
		"UTC", "Europe/London", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney", "Pacific/Auckland",
		"Pacific/Chatham", "Pacific/Tongatapu", "Pacific/Kiritimati"} {
		loc := location(t, name)
		for d := day(2026, 1, 1); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
			if got := dateOf(midnight(d, loc), loc); !got.Equal(d) {
				t.Fatalf("%s: %s came back as %s", name, d.Format(time.DateOnly), got.Format(time.DateOnly))
			}
		}
	}
}

func TestMidnightWhereTheClockJumpsOverIt(t *testing.T) {
	for _, c := range []struct {
		zone string
		date time.Time
		want string
	}{
		{"America/Sao_Paulo", day(2018, 11, 4), "2018-11-04T03:00:00Z"}, // 00:00 -> 01:00
		{"Asia/Beirut", day(2022, 3, 27), "2022-03-26T22:00:00Z"},
		{"America/Havana", day(2026, 3, 8), "2026-03-08T05:00:00Z"},
		{"Europe/Berlin", day(2026, 3, 29), "2026-03-28T23:00:00Z"}, // the jump is at 02:00
	} {
		loc := location(t, c.zone)
		got := midnight(c.date, loc)
		if got.Format(time.RFC3339) != c.want {
			t.Errorf("%s %s begins at %s, want %s", c.zone, c.date.Format(time.DateOnly), got.Format(time.RFC3339), c.want)
		}
		if d := dateOf(got, loc); !d.Equal(c.date) {
			t.Errorf("%s: read back as %s", c.zone, d.Format(time.DateOnly))
		}
	}
}

// A server that loses the zone still means a date: the one that begins then where people live.
func TestAllDayDateWithoutItsZone(t *testing.T) {
	for _, c := range []struct{ made, read string }{
		{"Europe/Berlin", "UTC"}, {"America/New_York", "UTC"}, {"Asia/Tokyo", "UTC"}, {"Pacific/Auckland", "UTC"},
		{"Pacific/Honolulu", "UTC"}, {"Asia/Kolkata", "America/New_York"}, {"America/Los_Angeles", "Europe/Berlin"}, {"UTC", "Asia/Tokyo"},
	} {
		want := day(2026, 7, 14)
		if got := dateOf(midnight(want, location(t, c.made)), location(t, c.read)); !got.Equal(want) {
			t.Errorf("made in %s, read in %s: %s", c.made, c.read, got.Format(time.DateOnly))
		}
	}
}

func TestAllDayItemHasAtLeastADay(t *testing.T) {
	start := day(2026, 3, 1)
	for _, end := range []time.Time{start, start.Add(-time.Hour), start.AddDate(0, 0, 1)} {
		if got := lastDate(end, start, time.UTC); !got.Equal(day(2026, 3, 2)) {
			t.Errorf("end %s became %s", end, got)
		}
	}
	if got := lastDate(day(2026, 3, 4), start, time.UTC); !got.Equal(day(2026, 3, 4)) {
		t.Errorf("a longer one ends %s", got)
	}
}
