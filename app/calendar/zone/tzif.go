package zone

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"portico/app/portal"
)

// Shifts: a list of offsets in the order of time, and how it becomes a *time.Location.

// The years over which rules are followed; beyond, the last offset stays.
const firstYear, lastYear = 1970, 2200

// shift is a change of offset at an instant.
type shift struct {
	at     int64 // Unix seconds
	offset int   // seconds east of UTC from then on
	dst    bool
	abbrev string
}

// location makes a Location of shifts by way of RFC 8536's file format, which package time reads. before is the state
// until the first shift.
func location(name string, before shift, shifts []shift) (*time.Location, error) {
	slices.SortStableFunc(shifts, func(a, b shift) int { return cmp.Compare(a.at, b.at) })
	var types []shift
	typeOf := func(s shift) (byte, error) {
		s.at = 0
		i := slices.Index(types, s)
		if i < 0 {
			i = len(types)
			types = append(types, s)
		}
		if i > 255 {
			return 0, invalid("more than 256 kinds of time")
		}
		return byte(i), nil
	}
	if _, err := typeOf(before); err != nil {
		return nil, err
	}
	// What holds before the first change is written as a change long ago: a reader may otherwise take
	// the first standard time it finds (RFC 8536 section 3.2 leaves it open).
	long := int64(-1) << 33 // the year 1697
	times, kinds := binary.BigEndian.AppendUint64(nil, uint64(long)), []byte{0}
	last, n := before, 1
	for i, s := range shifts {
		if i+1 < len(shifts) && shifts[i+1].at == s.at || s.offset == last.offset && s.dst == last.dst && s.abbrev == last.abbrev {
			continue // overruled at the same instant, or no change
		}
		k, err := typeOf(s)
		if err != nil {
			return nil, err
		}
		times, kinds, last, n = binary.BigEndian.AppendUint64(times, uint64(s.at)), append(kinds, k), s, n+1
	}
	data := header(0, 1, 1)
	data = append(data, 0, 0, 0, 0, 0, 0, 0) // the old block: one type, one empty abbreviation
	data = append(data, body(n, times, kinds, types)...)
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("zone %q as compiled: %w", name, err)
	}
	return loc, nil
}

// header is RFC 8536 section 3.1, version 2, without leap seconds and indicators.
func header(times, types, chars int) []byte {
	out := append([]byte("TZif2"), make([]byte, 15)...)
	for _, n := range []int{0, 0, 0, times, types, chars} {
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	return out
}

func body(n int, times, kinds []byte, types []shift) []byte {
	var abbrevs, infos []byte
	for _, t := range types {
		infos = binary.BigEndian.AppendUint32(infos, uint32(int32(t.offset)))
		dst := byte(0)
		if t.dst {
			dst = 1
		}
		infos = append(infos, dst, byte(min(len(abbrevs), 255)))
		if len(abbrevs)+len(t.abbrev) < 250 {
			abbrevs = append(append(abbrevs, t.abbrev...), 0)
		}
	}
	out := append(header(n, len(types), len(abbrevs)), times...)
	out = append(append(append(out, kinds...), infos...), abbrevs...)
	return append(out, '\n', '\n') // no rule beyond the last year
}

// abbrev is what Format's "MST" shows: the offset, as IANA does for zones without letters of their own.
func abbrev(offset int) string {
	s := offsetText(time.Duration(offset) * time.Second)
	if s[4:] == "00" && len(s) == 6 {
		return s[:3]
	}
	return s
}

func invalid(format string, args ...any) error {
	return portal.Fail(portal.ErrInvalid, "time-zone").Because(fmt.Errorf(format, args...))
}
