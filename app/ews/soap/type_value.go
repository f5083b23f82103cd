package soap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The scalar values of the schema that Go has no type for, read the way servers write them.

// DateTime is xs:dateTime. Time is the instant; where Floating is set the server gave no offset
// and Time holds the wall clock in UTC, to be read in the zone of the request (In).
type DateTime struct {
	time.Time
	Floating bool
}

// At is the instant t, sent in UTC to the second.
func At(t time.Time) *DateTime { return &DateTime{Time: t} }

// Wall is the wall clock that t shows in its own location, sent without offset.
func Wall(t time.Time) *DateTime {
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	return &DateTime{Time: time.Date(y, mo, d, h, mi, s, 0, time.UTC), Floating: true}
}

// In gives the instant: a floating value is read in loc. A nil DateTime is the zero time.
func (d *DateTime) In(loc *time.Location) time.Time {
	if d == nil || d.IsZero() {
		return time.Time{}
	}
	if !d.Floating {
		return d.Time
	}
	y, mo, day := d.Date()
	h, mi, s := d.Clock()
	return time.Date(y, mo, day, h, mi, s, d.Nanosecond(), loc)
}

// UTC gives the instant; a floating value is read in UTC. A nil DateTime is the zero time.
func (d *DateTime) UTC() time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.Time.UTC()
}

// MarshalText writes seconds, never fractions: there are readers that break on them.
func (d DateTime) MarshalText() ([]byte, error) {
	if y := d.Time.UTC().Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("a time of the year %d cannot be sent", y)
	}
	if d.Floating {
		return d.Time.AppendFormat(nil, "2006-01-02T15:04:05"), nil
	}
	return d.Time.UTC().AppendFormat(nil, "2006-01-02T15:04:05Z"), nil
}

var dateTimeForms = []struct {
	layout   string
	floating bool
}{
	{"2006-01-02T15:04:05Z07:00", false},
	{"2006-01-02T15:04:05", true},
	{"2006-01-02T15:04Z07:00", false},
	{"2006-01-02T15:04", true},
	{"2006-01-02Z07:00", false},
	{"2006-01-02", true},
	{"2006-01-02 15:04:05Z07:00", false},
	{"2006-01-02 15:04:05", true},
}

// UnmarshalText reads a dateTime with or without offset and fractions of any length, and a date
// alone (midnight).
func (d *DateTime) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if len(s) > 64 {
		return errors.New("a time of more than 64 characters")
	}
	for _, f := range dateTimeForms {
		if t, err := time.Parse(f.layout, s); err == nil {
			*d = DateTime{Time: t.UTC(), Floating: f.floating}
			return nil
		}
	}
	return fmt.Errorf("%q is no time", s)
}

// Date is xs:date as "2006-01-02". An offset behind it and a time of day, which some servers
// send, are dropped in reading: the day is the one written.
type Date string

// DateOf is the day that t shows in its own location.
func DateOf(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// Time is midnight of the day in UTC; an empty Date is the zero time.
func (d Date) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// MarshalText writes the date as it stands.
func (d Date) MarshalText() ([]byte, error) {
	if _, err := time.Parse(time.DateOnly, string(d)); err != nil {
		return nil, fmt.Errorf("%q is no date", string(d))
	}
	return []byte(d), nil
}

// UnmarshalText reads the first ten characters.
func (d *Date) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if len(s) < len(time.DateOnly) {
		return fmt.Errorf("%q is no date", s)
	}
	if _, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)]); err != nil {
		return fmt.Errorf("%q is no date", s)
	}
	*d = Date(s[:len(time.DateOnly)])
	return nil
}

// Span is xs:duration ("-PT60M", "P1DT2H", "PT0S") as a length of time. Years and months have no
// fixed length and are refused.
type Span time.Duration

// MarshalText writes days of no use here: hours, minutes and seconds only.
func (s Span) MarshalText() ([]byte, error) {
	d := time.Duration(s)
	out := []byte{}
	if d < 0 {
		out = append(out, '-')
		d = -d
	}
	out = append(out, "PT"...)
	h, m, sec := int64(d/time.Hour), int64(d/time.Minute%60), int64(d/time.Second%60)
	if h != 0 {
		out = append(strconv.AppendInt(out, h, 10), 'H')
	}
	if m != 0 {
		out = append(strconv.AppendInt(out, m, 10), 'M')
	}
	if sec != 0 || (h == 0 && m == 0) {
		out = append(strconv.AppendInt(out, sec, 10), 'S')
	}
	return out, nil
}

// UnmarshalText reads weeks, days, hours, minutes and seconds; fractions of a second are dropped.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := parseSpan(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	*s = Span(d)
	return nil
}

const maxSpan = 10000 * 24 * time.Hour

func parseSpan(in string) (time.Duration, error) {
	bad := fmt.Errorf("%.40q is no duration", in)
	s, neg := strings.CutPrefix(in, "-")
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return 0, bad
	}
	var total time.Duration
	inTime := false
	for s != "" {
		if s[0] == 'T' {
			if inTime || len(s) == 1 {
				return 0, bad
			}
			inTime, s = true, s[1:]
			continue
		}
		i := strings.IndexAny(s, "WDHMSY")
		if i <= 0 {
			return 0, bad
		}
		num, _, _ := strings.Cut(s[:i], ".")
		n, err := strconv.ParseUint(num, 10, 32)
		if err != nil {
			return 0, bad
		}
		unit, ok := spanUnit(s[i], inTime)
		if !ok || n > uint64(maxSpan/unit) {
			return 0, bad
		}
		if total += time.Duration(n) * unit; total > maxSpan {
			return 0, bad
		}
		s = s[i+1:]
	}
	if neg {
		total = -total
	}
	return total, nil
}

func spanUnit(c byte, inTime bool) (time.Duration, bool) {
	switch {
	case c == 'W' && !inTime:
		return 7 * 24 * time.Hour, true
	case c == 'D' && !inTime:
		return 24 * time.Hour, true
	case c == 'H' && inTime:
		return time.Hour, true
	case c == 'M' && inTime:
		return time.Minute, true
	case c == 'S' && inTime:
		return time.Second, true
	}
	return 0, false
}

// Is tells whether an optional boolean is there and true.
func Is(b *bool) bool { return b != nil && *b }

// Int gives an optional number, 0 where it is absent.
func Int(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}
