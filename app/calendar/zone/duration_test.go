package zone

import (
	"errors"
	"testing"
	"time"

	"portico/app/portal"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"-PT60M": -time.Hour, "PT1H": time.Hour, "-PT1H": -time.Hour, "PT0S": 0, "P0DT2H0M0.0S": 2 * time.Hour, "-P0DT5H30M": -330 * time.Minute,
		"P1D": 24 * time.Hour, "PT7200S": 2 * time.Hour, " PT480M ": 8 * time.Hour,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%q is %s, want %s: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "-P", "P1M", "P1Y", "PT1", "60", "PT99999999H", "--PT1H", "P1DT", "PT1H30"} {
		if got, err := ParseDuration(text); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%q is %s: %v", text, got, err)
		}
	}
	for d, want := range map[time.Duration]string{0: "PT0S", -time.Hour: "-PT1H", 330 * time.Minute: "PT5H30M", -(20*time.Minute + 45*time.Second): "-PT20M45S"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"-PT60M", "P0DT2H0M0.0S", "P1Y", "PT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %s is %q is %s: %v", s, d, FormatDuration(d), again, err)
		}
	})
}
