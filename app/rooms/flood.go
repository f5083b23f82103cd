package rooms

// Bounds on what one person makes others read.

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"portico/app/portal"
)

// firstSweep is the number of entries from which idle ones are looked for.
const firstSweep = 1024

// limited is who does what in which room.
type limited struct {
	who, room portal.Address
	what      string
}

// flood bounds how fast one person does one thing in one room. Entries that would allow everything again are swept
// out whenever their number has doubled.
type flood struct {
	limit rate.Limit
	burst int

	mu    sync.Mutex
	of    map[limited]*rate.Limiter
	sweep int
}

func newFlood(limit rate.Limit, burst int) *flood {
	return &flood{limit: limit, burst: burst, of: map[limited]*rate.Limiter{}, sweep: firstSweep}
}

// wait is how long l has to wait before doing it (once more); zero: it is done.
func (f *flood) wait(l limited, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	lim := f.of[l]
	if lim == nil {
		f.tidy(now)
		lim = rate.NewLimiter(f.limit, f.burst)
		f.of[l] = lim
	}
	r := lim.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

// calm refuses who does one thing in one room too quickly: ErrTooMany ("room.flood"), with the time to wait.
func (s *Service) calm(who, at portal.Address, what string) error {
	if wait := s.flood.wait(limited{who, at, what}, s.o.Now()); wait > 0 {
		return portal.Fail(portal.ErrTooMany, "room.flood").After(wait)
	}
	return nil
}

func (f *flood) tidy(now time.Time) {
	if len(f.of) < f.sweep {
		return
	}
	for l, lim := range f.of {
		if lim.TokensAt(now) >= float64(f.burst) {
			delete(f.of, l)
		}
	}
	f.sweep = max(firstSweep, 2*len(f.of))
}

// recent remembers for a while what was done, so that it is not done again: explanations that nobody asked for,
// commands that arrive twice.
type recent struct {
	mu    sync.Mutex
	of    map[string]lately
	sweep int
}

type lately struct {
	until time.Time
	err   error
}

func newRecent() *recent { return &recent{of: map[string]lately{}, sweep: firstSweep} }

// seen is what was noted of key.
func (r *recent) seen(key string, now time.Time) (err error, is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, there := r.of[key]
	return l.err, there && l.until.After(now)
}

// first notes key until then; false: it was noted before and that still holds.
func (r *recent) first(key string, now time.Time, d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[key].until.After(now) {
		return false
	}
	r.put(key, lately{until: now.Add(d)}, now)
	return true
}

// note keeps what came of key for a while.
func (r *recent) note(key string, err error, now time.Time, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(key, lately{now.Add(d), err}, now)
}

func (r *recent) put(key string, l lately, now time.Time) {
	if len(r.of) >= r.sweep {
		for k, had := range r.of {
			if !had.until.After(now) {
				delete(r.of, k)
			}
		}
		r.sweep = max(firstSweep, 2*len(r.of))
	}
	r.of[key] = l
}
