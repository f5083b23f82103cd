package zone

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Durations as XML Schema writes them: Period/@Bias and TimeOffset.

var durationShape = regexp.MustCompile(`^(-)?P(?:(\d{1,5})D)?(T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d{1,9})?S)?)?$`)

// ParseDuration reads an xs:duration of days and shorter ("-PT60M", "PT2H", "P0DT3H0M0.0S"); fractions of a second are dropped.
// Months and years have no fixed length and are refused: portal.ErrInvalid.
func ParseDuration(s string) (time.Duration, error) {
	m := durationShape.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil || strings.HasSuffix(m[0], "P") || m[3] == "T" {
		return 0, invalid("%.40q is no duration", s)
	}
	var d time.Duration
	for i, unit := range map[int]time.Duration{2: 24 * time.Hour, 4: time.Hour, 5: time.Minute, 6: time.Second} {
		if m[i] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i])
		if err != nil {
			return 0, invalid("%.40q is no duration", s)
		}
		d += time.Duration(n) * unit
	}
	if m[1] == "-" {
		d = -d
	}
	return d, nil
}

// FormatDuration writes an xs:duration as servers do, in hours, minutes and seconds: "-PT1H", "PT5H30M", "PT0S".
func FormatDuration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	out := ""
	for _, u := range []struct {
		of     time.Duration
		letter string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / u.of; n > 0 {
			out += fmt.Sprintf("%d%s", n, u.letter)
			d -= n * u.of
		}
	}
	if out == "" {
		return "PT0S"
	}
	return sign + "PT" + out
}
