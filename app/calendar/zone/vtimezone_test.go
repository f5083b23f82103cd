package zone

import (
	"errors"
	"testing"
	"time"

	"portico/app/portal"
)

func wall(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }

// outlookBerlin is what Outlook and most servers write: rules since 1601.
func outlookBerlin() *Observances {
	return &Observances{ID: "W. Europe Standard Time 1", Parts: []Observance{
		{From: 2 * time.Hour, To: time.Hour, Start: wall(1601, 10, 28, 3), Rule: "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"},
		{Daylight: true, From: time.Hour, To: 2 * time.Hour, Start: wall(1601, 3, 25, 2), Rule: "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"},
	}}
}

func TestVTimezoneFindsItsZone(t *testing.T) {
	newYork := &Observances{ID: "Eastern", Parts: []Observance{ // with the rules before and since 2007
		{Daylight: true, From: -5 * time.Hour, To: -4 * time.Hour, Start: wall(1987, 4, 5, 2), Rule: "FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL=20060402T070000Z"},
		{From: -4 * time.Hour, To: -5 * time.Hour, Start: wall(1967, 10, 29, 2), Rule: "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20061029T060000Z"},
		{Daylight: true, From: -5 * time.Hour, To: -4 * time.Hour, Start: wall(2007, 3, 11, 2), Rule: "FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"},
		{From: -4 * time.Hour, To: -5 * time.Hour, Start: wall(2007, 11, 4, 2), Rule: "FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"},
	}}
	for _, c := range []struct {
		rules Rules
		years Years
		hint  string
		want  string
	}{
		{outlookBerlin(), Years{2000, 2037}, "", "Europe/Berlin"},
		{newYork, Years{1990, 2037}, "America/New_York", "America/New_York"},
		{&Observances{Parts: []Observance{{From: 9 * time.Hour, To: 9 * time.Hour, Start: wall(1970, 1, 1, 0)}}}, Years{2000, 2037}, "Asia/Tokyo", "Asia/Tokyo"},
	} {
		r, err := Resolve(Said{Rules: c.rules, Years: c.years, Prefer: c.hint})
		if err != nil || r.Zone.Name != c.want || r.Sure != Matched {
			t.Errorf("%s: %+v, %v", c.want, r, err)
		}
	}
}

func TestVTimezoneByDates(t *testing.T) {
	o := &Observances{Parts: []Observance{
		{From: 0, To: time.Hour, Daylight: true, Start: wall(2026, 3, 1, 0), Dates: []time.Time{wall(2027, 4, 1, 0)}},
		{From: time.Hour, To: 0, Start: wall(2026, 9, 1, 0), Dates: []time.Time{wall(2027, 8, 1, 0)}},
	}}
	loc, err := o.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{wall(2026, 2, 28, 23): 0, wall(2026, 3, 1, 0): 3600, wall(2026, 8, 31, 23): 0, wall(2027, 3, 31, 23): 0, wall(2027, 7, 1, 0): 3600, wall(2028, 7, 1, 0): 0} {
		if _, off := at.In(loc).Zone(); off != want {
			t.Errorf("%s is %d s off, want %d", at, off, want)
		}
	}
}

func TestBrokenVTimezones(t *testing.T) {
	for name, p := range map[string]Observance{
		"no rule":      {Start: wall(2026, 1, 1, 0), Rule: "FREQ=SOMETIMES"},
		"every second": {Start: wall(2026, 1, 1, 0), Rule: "FREQ=SECONDLY"},
		"every day":    {Start: wall(1970, 1, 1, 0), Rule: "FREQ=DAILY"},
		"days off":     {Start: wall(2026, 1, 1, 0), To: 48 * time.Hour},
		"never":        {Start: wall(2026, 1, 1, 0), Rule: "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"},
	} {
		if _, err := (&Observances{Parts: []Observance{p}}).Compile(); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&Observances{}).Compile(); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("empty: %v", err)
	}
}
