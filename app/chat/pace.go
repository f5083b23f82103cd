package chat

// Bounds on what one person makes another read: so many messages of one person in one conversation, whichever way they are said.

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"portico/app/portal"
)

// pace bounds how fast each person speaks in each conversation. Entries that would allow everything again are swept out whenever
// their number has doubled.
type pace struct {
	limit rate.Limit
	burst int

	mu    sync.Mutex
	of    map[laneKey]*rate.Limiter
	sweep int
}

// newPace allows perSecond messages in the long run and burst at once; zero: as many as anybody likes.
func newPace(perSecond float64, burst int) *pace {
	return &pace{limit: rate.Limit(perSecond), burst: burst, of: map[laneKey]*rate.Limiter{}, sweep: firstSweep}
}

// take is nil where one more may be said; else ErrTooMany with the time to wait.
func (p *pace) take(lane laneKey, now time.Time) error {
	if p.limit <= 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.of[lane]
	if l == nil {
		p.tidy(now)
		l = rate.NewLimiter(p.limit, p.burst)
		p.of[lane] = l
	}
	r := l.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return portal.Fail(portal.ErrTooMany, "too-many").After(wait)
	}
	return nil
}

func (p *pace) tidy(now time.Time) {
	if len(p.of) < p.sweep {
		return
	}
	for lane, l := range p.of {
		if l.TokensAt(now) >= float64(p.burst) {
			delete(p.of, lane)
		}
	}
	p.sweep = max(firstSweep, 2*len(p.of))
}
