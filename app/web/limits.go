package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"portico/app/portal"
)

const (
	defaultAPIRate  = 100
	defaultAPIBurst = 500
	// visitBurst is how many times an API's burst of pages somebody can ask for at once: a list of people brings their pictures.
	visitBurst = 4
	// maxLimited is how many people's pace is remembered at a time; beyond it those are forgotten who
	// have not used their allowance, then anybody: forgetting errs on the generous side.
	maxLimited = 20_000
)

// personLimits is a token bucket for each person.
type personLimits struct {
	every rate.Limit
	burst int
	now   func() time.Time

	mu   sync.Mutex
	each map[portal.Address]*rate.Limiter
}

func newPersonLimits(perSecond float64, burst int, now func() time.Time) *personLimits {
	if perSecond <= 0 {
		perSecond = defaultAPIRate
	}
	if burst <= 0 {
		burst = defaultAPIBurst
	}
	return &personLimits{every: rate.Limit(perSecond), burst: burst, now: now, each: map[portal.Address]*rate.Limiter{}}
}

// allow takes one call from who's allowance, or says how long to wait.
func (l *personLimits) allow(who portal.Address) (wait time.Duration, ok bool) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.each[who]
	if limiter == nil {
		if len(l.each) >= maxLimited {
			l.forgetLocked(now)
		}
		limiter = rate.NewLimiter(l.every, l.burst)
		l.each[who] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / float64(l.every) * float64(time.Second)), false
}

func (l *personLimits) forgetLocked(now time.Time) {
	for who, limiter := range l.each {
		if limiter.TokensAt(now) >= float64(l.burst) {
			delete(l.each, who)
		}
	}
	for who := range l.each {
		if len(l.each) < maxLimited {
			return
		}
		delete(l.each, who)
	}
}
