package quickadd

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// now is Wednesday 25 November 2026, 10:00 in Vienna.
func now(t testing.TB) time.Time {
	t.Helper()
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 11, 25, 10, 0, 0, 0, vienna)
}

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"Lunch with Bob tomorrow 12:30-13:30":        "Lunch with Bob | 2026-11-26 12:30 | 2026-11-26 13:30",
		"Mittagessen mit Bob morgen 12:30-13:30":     "Mittagessen mit Bob | 2026-11-26 12:30 | 2026-11-26 13:30",
		"tomorrow 12:30-13:30 Lunch with Bob":        "Lunch with Bob | 2026-11-26 12:30 | 2026-11-26 13:30",
		"Review on Friday at 10 for 2 hours":         "Review | 2026-11-27 10:00 | 2026-11-27 12:00",
		"Besprechung am Freitag um 10 für 2 Stunden": "Besprechung | 2026-11-27 10:00 | 2026-11-27 12:00",
		"Call at 3pm":                                  "Call | 2026-11-25 15:00 | 2026-11-25 16:00",
		"Call at 3":                                    "Call | 2026-11-25 15:00 | 2026-11-25 16:00",
		"Call at 9":                                    "Call | 2026-11-26 09:00 | 2026-11-26 10:00",
		"Standup 2-3pm":                                "Standup | 2026-11-25 14:00 | 2026-11-25 15:00",
		"Standup 11-1pm":                               "Standup | 2026-11-25 11:00 | 2026-11-25 13:00",
		"Jour fixe von 14 bis 15:30 Uhr":               "Jour fixe | 2026-11-25 14:00 | 2026-11-25 15:30",
		"Zahnarzt 3.12. um 8 Uhr 30":                   "Zahnarzt 30 | 2026-12-03 08:00 | 2026-12-03 09:00",
		"Zahnarzt am 3.12. um 8:30":                    "Zahnarzt | 2026-12-03 08:30 | 2026-12-03 09:30",
		"Zahnarzt am 3. Dezember 2027 um 8.30 Uhr":     "Zahnarzt | 2027-12-03 08:30 | 2027-12-03 09:30",
		"Dentist Dec 3 at 8:30 for half an hour":       "Dentist | 2026-12-03 08:30 | 2026-12-03 09:00",
		"Dentist 3rd of December at 8:30am for 45 min": "Dentist | 2026-12-03 08:30 | 2026-12-03 09:15",
		"Budget 2026-12-01 09:00-10:30 @ Studio 1":     "Budget | 2026-12-01 09:00 | 2026-12-01 10:30 | Studio 1",
		"Budget @ Studio 1 tomorrow 9:00":              "Budget | 2026-11-26 09:00 | 2026-11-26 10:00 | Studio 1",
		"Trade fair 26-28 November":                    "Trade fair | 2026-11-26 all day 3",
		"Messe 26.-28.11.":                             "Messe | 2026-11-26 all day 3",
		"Messe vom 26. bis 28. November":               "Messe | 2026-11-26 all day 3",
		"Holiday tomorrow":                             "Holiday | 2026-11-26 all day 1",
		"Urlaub ganztägig übermorgen":                  "Urlaub | 2026-11-27 all day 1",
		"Visit the day after tomorrow at noon":         "Visit | 2026-11-27 12:00 | 2026-11-27 13:00",
		"Review next Wednesday 16:00":                  "Review | 2026-12-02 16:00 | 2026-12-02 17:00",
		"Review Wednesday 16:00":                       "Review | 2026-11-25 16:00 | 2026-11-25 17:00",
		"Night shift today 22:00-06:00":                "Night shift | 2026-11-25 22:00 | 2026-11-26 06:00",
		"Follow-up in 2 weeks at 11:00":                "Follow-up | 2026-12-09 11:00 | 2026-12-09 12:00",
		"Nachfassen in 3 Tagen um 11":                  "Nachfassen | 2026-11-28 11:00 | 2026-11-28 12:00",
		"Q4 numbers with 7 people tomorrow 14:00":      "Q4 numbers with 7 people | 2026-11-26 14:00 | 2026-11-26 15:00",
		"Workshop 1.5 hours tomorrow at 9":             "Workshop | 2026-11-26 09:00 | 2026-11-26 10:30",
		"January review 5 January at 10":               "January review | 2027-01-05 10:00 | 2027-01-05 11:00",
		"Abendessen heute 19 Uhr":                      "Abendessen | 2026-11-25 19:00 | 2026-11-25 20:00",
		"Planning, tomorrow, 9:00, for an hour":        "Planning | 2026-11-26 09:00 | 2026-11-26 10:00",
	} {
		got, err := Parse(line, now(t))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		parts := []string{got.Subject}
		if got.AllDay {
			days := int(got.End.Sub(got.Start).Hours() / 24)
			parts = append(parts, got.Start.Format("2006-01-02")+" all day "+string(rune('0'+days)))
		} else {
			parts = append(parts, got.Start.Format("2006-01-02 15:04"), got.End.Format("2006-01-02 15:04"))
		}
		if got.Location != "" {
			parts = append(parts, got.Location)
		}
		if text := strings.Join(parts, " | "); text != want {
			t.Errorf("%q is read as %q, want %q", line, text, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{"", "Lunch with Bob", "tomorrow 12:30", "Lunch tomorrow 25:00", "Lunch 31.2. um 9:00", "Fair 28-26 November", "Lunch at 9 for 0 minutes", strings.Repeat("x", MaxLine+1) + " tomorrow"} {
		if got, err := Parse(line, now(t)); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%.40q is read as %+v, %v", line, got, err)
		}
	}
}

// On the day on which the clocks change, times are those of the wall clock.
func TestParseOnTheDayOfTheChange(t *testing.T) {
	got, err := Parse("Night watch on 28 March 2027 1:30-4:00", now(t))
	if err != nil {
		t.Fatal(err)
	}
	if got.End.Sub(got.Start) != 90*time.Minute || got.End.Hour() != 4 {
		t.Errorf("from %v to %v", got.Start, got.End)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Lunch with Bob tomorrow 12:30-13:30", "Messe 26.-28.11.", "x 0.0.0000", "a @ b @ c 9:00", "1-1-1-1", "for 999 hours 99:99", "in 999 weeks x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := Parse(line, now(t))
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Errorf("%q: %v", line, err)
			}
			return
		}
		if got.Subject == "" || !got.End.After(got.Start) {
			t.Errorf("%q is read as %+v", line, got)
		}
	})
}
