package markup

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// ParseTime reads an xs:dateTime as peers write it, as an instant in UTC: any zone form (Z, +02:00,
// +0200, +02), any number of fraction digits, lower-case t and z, a blank instead of the T, a leap
// second (counted as the second after), 24:00:00. Without a zone it is taken as UTC. Years
// before 1900 are refused.
func ParseTime(s string) (time.Time, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 64 || len(s) < len("2006-01-02T15:04:05") {
		return time.Time{}, fmt.Errorf("%w: time %.64q", portal.ErrInvalid, s)
	}
	if s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	fixed, extra := plainClock(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999Z07", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, fixed); err == nil {
			t = t.Add(extra).UTC()
			if t.Year() < 1900 || t.Year() > 9999 {
				break // no clock; and it could not be written back
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: time %.64q", portal.ErrInvalid, s)
}

// plainClock replaces second 60 and hour 24, which time.Parse refuses, and says what to add.
func plainClock(s string) (string, time.Duration) {
	switch clock := s[11:19]; {
	case clock == "24:00:00":
		return s[:11] + "00:00:00" + s[19:], 24 * time.Hour
	case strings.HasSuffix(clock, ":60"):
		return s[:17] + "59" + s[19:], time.Second
	}
	return s, 0
}
