package storage

import (
	"math"
	"time"
)

// Instants are kept as nanoseconds since 1970 in UTC, so that what is read back equals what was
// written, to the nanosecond. Zero stands for the zero time.

var (
	firstInstant = time.Unix(0, math.MinInt64)
	lastInstant  = time.Unix(0, math.MaxInt64)
)

// stamp is the stored form of t. Instants beyond the years 1678 and 2262 are kept as these.
func stamp(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(firstInstant):
		return math.MinInt64
	case t.After(lastInstant):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// instant reads what stamp wrote, in UTC.
func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// flag is the stored form of a truth value: engines do not agree on a boolean type.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
