package calls

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// What could not be stored because storage was away is tried again, in its order. At most laterMost wait; one more is logged and lost.
const laterMost = 4096

// later is work that is done at once or by run.
type later struct {
	o     Options
	queue chan task
	// waiting counts what is in the queue or being done from it.
	waiting atomic.Int64
}

// task is a piece of work; each can be repeated.
type task struct {
	what string
	do   func(ctx context.Context) error
}

func newLater(o Options) *later {
	return &later{o: o, queue: make(chan task, laterMost)}
}

// do does it now; where that fails because storage is away, the time was too short or others wait already, it is done later, and
// what is given back is nil.
func (l *later) do(ctx context.Context, what string, do func(ctx context.Context) error) error {
	t := task{what, do}
	if l.waiting.Load() > 0 {
		return l.put(t, errors.New("others wait before it"))
	}
	err := do(ctx)
	if err == nil || !passing(err) {
		if err != nil {
			l.o.Logger.ErrorContext(ctx, "calls: not stored", "what", what, "err", err)
		}
		return err
	}
	return l.put(t, err)
}

// put has something done by run; why is given back where there is no room.
func (l *later) put(t task, why error) error {
	l.waiting.Add(1)
	select {
	case l.queue <- t:
		return nil
	default:
		l.waiting.Add(-1)
		l.o.Logger.Error("calls: too much waits to be stored, some is lost", "what", t.what, "err", why)
		return portal.Fail(portal.ErrUnavailable, "unavailable").Because(why)
	}
}

// passing reports whether an error may be over in a while.
func passing(err error) bool {
	return errors.Is(err, portal.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// run does what waits, one at a time, until ctx ends; what waits then is lost, which is logged.
func (l *later) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			if n := l.waiting.Load(); n > 0 {
				l.o.Logger.Error("calls: the end came before all was stored", "lost", n)
			}
			return nil
		case t := <-l.queue:
			if l.persist(ctx, t) {
				l.waiting.Add(-1)
			}
		}
	}
}

// persist tries until it is done or refused; false: ctx ended before.
func (l *later) persist(ctx context.Context, t task) bool {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		once, cancel := context.WithTimeout(ctx, l.o.Timeout)
		err := t.do(once)
		cancel()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case !passing(err):
			l.o.Logger.ErrorContext(ctx, "calls: not stored", "what", t.what, "err", err)
			return true
		}
		if !wait(ctx, pause) {
			return false
		}
	}
}

// wait waits; false: ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
