package account

// One thing at a time for each person.

import (
	"context"
	"sync"

	"portico/app/portal"
)

// maxWaiting is how many wait for one person's lock; more are turned away, so that guesses for one
// account cannot pile up.
const maxWaiting = 16

type locks struct {
	mu   sync.Mutex
	held map[portal.Address]*lock
}

type lock struct {
	place chan struct{}
	users int
}

func newLocks() *locks { return &locks{held: map[portal.Address]*lock{}} }

// take waits for who's lock until ctx is done; the error means ErrUnavailable, or ErrTooMany when too
// many wait already and must is not set.
func (l *locks) take(ctx context.Context, who portal.Address, must bool) (release func(), err error) {
	l.mu.Lock()
	k := l.held[who]
	if k == nil {
		k = &lock{place: make(chan struct{}, 1)}
		l.held[who] = k
	}
	if k.users > maxWaiting && !must {
		l.mu.Unlock()
		return nil, tooMany(0)
	}
	k.users++
	l.mu.Unlock()
	select {
	case k.place <- struct{}{}:
		return func() { <-k.place; l.leave(who, k) }, nil
	case <-ctx.Done():
		l.leave(who, k)
		return nil, portal.Fail(portal.ErrUnavailable, "unavailable").Because(ctx.Err())
	}
}

func (l *locks) leave(who portal.Address, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.held, who)
	}
}
