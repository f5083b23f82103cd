package contacts

// Whose list could not be read when they signed in: it is read again until storage answers.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// maxLate bounds those who wait for their list; one more is refused.
	maxLate = 100_000
	// lateFirst and lateMost bound the wait between two rounds, lateTime one person's part in a round.
	lateFirst = 100 * time.Millisecond
	lateMost  = 10 * time.Second
	lateTime  = 5 * time.Second
)

// late is a set of people with a bell that rings when it gets somebody.
type late struct {
	mu   *sync.Mutex
	who  map[portal.Address]struct{}
	bell chan struct{}
}

func newLate() late {
	return late{mu: new(sync.Mutex), who: map[portal.Address]struct{}{}, bell: make(chan struct{}, 1)}
}

// add is false where there is no room.
func (l late) add(who portal.Address) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, have := l.who[who]; !have && len(l.who) >= maxLate {
		return false
	}
	l.who[who] = struct{}{}
	select {
	case l.bell <- struct{}{}:
	default: // it rings already
	}
	return true
}

// take empties the set.
func (l late) take() []portal.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]portal.Address, 0, len(l.who))
	for who := range l.who {
		all = append(all, who)
	}
	clear(l.who)
	return all
}

// Run tells Changed of those whose list could not be read when they signed in, and brings lists together with those of
// the SIP server. It returns nil when ctx is done and all it began has ended.
func (s *Service) Run(ctx context.Context) error {
	var all sync.WaitGroup
	if s.rosters != nil {
		all.Go(func() { s.keepRosters(ctx) })
	}
	s.keepLate(ctx)
	all.Wait()
	return nil
}

// keepLate makes rounds with a growing wait between them.
func (s *Service) keepLate(ctx context.Context) {
	wait := lateFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.late.bell:
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if s.tellLate(ctx) {
			wait = lateFirst
		} else {
			wait = min(2*wait, lateMost)
		}
	}
}

// tellLate is one round; false: somebody still waits.
func (s *Service) tellLate(ctx context.Context) bool {
	all := true
	for _, owner := range s.late.take() {
		one, cancel := context.WithTimeout(ctx, lateTime)
		err := s.tellInTurn(one, owner)
		cancel()
		switch {
		case err == nil:
			s.o.Logger.InfoContext(ctx, "contacts of a sign-in, read late", "person", owner)
		case ctx.Err() != nil:
			return false
		default:
			all = false
			if !s.late.add(owner) {
				s.o.Logger.ErrorContext(ctx, "contacts of a sign-in are not read again", "person", owner, "err", err)
			}
		}
	}
	return all
}
