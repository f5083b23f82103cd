package calsync

import (
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// Figures: what was carried in each of the last sixty minutes, and how long it took.

const (
	minutes = 60
	// maxLags bounds the lags that are kept of one minute; beyond, every second one is dropped, and so on.
	maxLags = 512
)

type minute struct {
	at                        time.Time
	toExchange, toCRM, failed int
	lags                      []time.Duration
	every, skip               int
}

type figures struct {
	mu   sync.Mutex
	ring [minutes]minute
}

// at gives the slot of a time, emptied where it held another minute. It needs the mutex.
func (f *figures) at(now time.Time) *minute {
	at := now.Truncate(time.Minute)
	m := &f.ring[at.Unix()/60%minutes]
	if !m.at.Equal(at) {
		*m = minute{at: at, every: 1}
	}
	return m
}

// carried notes a change that got to the other side; took is zero where nobody knows when it was made.
func (f *figures) carried(now time.Time, d portal.Direction, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.at(now)
	if d == portal.ToExchange {
		m.toExchange++
	} else {
		m.toCRM++
	}
	if took <= 0 {
		return
	}
	if m.skip++; m.skip < m.every {
		return
	}
	m.skip = 0
	if m.lags = append(m.lags, took); len(m.lags) < maxLags {
		return
	}
	for i := range maxLags / 2 {
		m.lags[i] = m.lags[2*i]
	}
	m.lags, m.every = m.lags[:maxLags/2], m.every*2
}

func (f *figures) failed(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(now).failed++
}

// last gives the last minutes, the oldest first, the one under way last.
func (f *figures) last(now time.Time) []portal.SyncMinute {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]portal.SyncMinute, minutes)
	for i := range out {
		at := now.Truncate(time.Minute).Add(-time.Duration(minutes-1-i) * time.Minute)
		out[i].At = at
		m := &f.ring[at.Unix()/60%minutes]
		if !m.at.Equal(at) {
			continue
		}
		out[i].ToExchange, out[i].ToCRM, out[i].Failed = m.toExchange, m.toCRM, m.failed
		if n := len(m.lags); n > 0 {
			lags := slices.Sorted(slices.Values(m.lags))
			out[i].LagMedian, out[i].LagP99 = lags[n/2], lags[min(n-1, n*99/100)]
		}
	}
	return out
}
