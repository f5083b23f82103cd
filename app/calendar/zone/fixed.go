package zone

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Fixed offsets: the ways to write them, and the zones that have no other rule.

var offsetShape = regexp.MustCompile(`(?i)^\(?(?:UTC|GMT)?\s*([+\-−])\s*(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?\)?$`)

// parseOffset reads "+02:00", "UTC+2", "(GMT-03:30)", "+0530"; east is positive. "Etc/GMT+2", where
// the sign is the other way round, is an IANA name and none of these.
func parseOffset(s string) (time.Duration, bool) {
	m := offsetShape.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, false
	}
	var n [3]int
	for i, part := range m[2:] {
		if part != "" {
			v, err := strconv.Atoi(part)
			if err != nil {
				return 0, false
			}
			n[i] = v
		}
	}
	if n[0] > 18 || n[1] > 59 || n[2] > 59 {
		return 0, false
	}
	d := time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute + time.Duration(n[2])*time.Second
	if m[1] != "+" {
		d = -d
	}
	return d, true
}

// Fixed is the zone that is always off east of UTC (whole seconds, at most 18 hours). Full hours have an IANA name
// ("Etc/GMT-2" for +02:00), others one that Load understands ("UTC+05:30").
func Fixed(off time.Duration) Zone {
	hours := int(off / time.Hour)
	switch {
	case off == 0:
		return Zone{Name: "UTC", Location: time.UTC}
	case off%time.Hour == 0 && hours >= -12 && hours <= 14:
		name := fmt.Sprintf("Etc/GMT%+d", -hours)
		if loc, err := time.LoadLocation(name); err == nil {
			return Zone{Name: name, Location: loc}
		}
	}
	name := "UTC" + offsetText(off)
	return Zone{Name: name, Location: time.FixedZone(name, int(off/time.Second))}
}

// offsetText writes an offset as "+05:30", with seconds only where there are some.
func offsetText(off time.Duration) string {
	sign := "+"
	if off < 0 {
		sign, off = "-", -off
	}
	s := fmt.Sprintf("%s%02d:%02d", sign, off/time.Hour, off%time.Hour/time.Minute)
	if sec := off % time.Minute / time.Second; sec != 0 {
		s += fmt.Sprintf(":%02d", sec)
	}
	return s
}
