package ews

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// What a belfry does when something is due at its bells, and what it makes of the outcome.

// work does what is due at the bells: subscribe, pull, or ring by the timer.
func (b *belfry) work(ctx context.Context) {
	now := time.Now()
	if now.Before(b.pause) {
		return
	}
	var due []*bell
	places := b.streams * b.times.PerStream
	for _, bl := range b.bells {
		if bl.sub.id != "" {
			places--
		}
	}
	for _, bl := range sortedBells(b.bells) {
		if bl.next.After(now) || bl.sub.id != "" && b.mode != pulling {
			continue
		}
		if b.mode == streaming && !b.server.alone() && bl.sub.id == "" && !bl.poll {
			if places <= 0 && !bl.voice && b.yield(ctx) {
				places++
			}
			if bl.poll = places <= 0; !bl.poll { // more mailboxes than streams: for these the timer has to do
				places--
			}
		}
		due = append(due, bl)
	}
	slices.SortStableFunc(due, func(x, y *bell) int { return x.next.Compare(y.next) })
	// Not all at once: streams are opened between, so that the first do not wait for the last.
	due = due[:min(len(due), b.times.PerStream)]
	mode := b.mode
	var g errgroup.Group
	g.SetLimit(subscribers)
	outcomes := make([]outcome, len(due))
	var away atomic.Bool // the server does not answer: the others of the round need not ask too
	for i, bl := range due {
		g.Go(func() error {
			if away.Load() {
				outcomes[i] = outcome{mode: mode, err: errNotAsked}
				return nil
			}
			outcomes[i] = b.tend(ctx, bl)
			outcomes[i].mode = mode
			if errors.Is(outcomes[i].err, portal.ErrUnavailable) {
				away.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait() // outcomes hold the errors
	if ctx.Err() != nil {
		return
	}
	var err error
	for i, bl := range due {
		b.book(bl, outcomes[i])
		if errors.Is(outcomes[i].err, portal.ErrUnavailable) {
			err = outcomes[i].err
		}
	}
	if err != nil {
		b.rest(err)
	}
}

// yield makes a place for a calendar: voice mail that has one is rung by the timer from now on.
func (b *belfry) yield(ctx context.Context) bool {
	for _, bl := range b.bells {
		if bl.voice && bl.sub.id != "" {
			b.end(ctx, bl)
			bl.poll, bl.next = true, time.Now().Add(b.jitter(b.times.Poll))
			return true
		}
	}
	return false
}

// rest leaves a server that does not answer alone, longer each time, and tells whom that concerns.
func (b *belfry) rest(err error) {
	b.pause = time.Now().Add(b.wait(&b.tries, err))
	for _, bl := range b.bells {
		if bl.sub.id == "" || b.mode == pulling {
			bl.next = b.pause
			b.server.note(bl.post, err)
		}
	}
}

// outcome is what became of a bell that was due.
type outcome struct {
	sub  subscription
	rang bool
	mode bellMode // in which it was tried
	err  error
}

// tend does what is due at one bell. It only reads it: others are tended at the same time.
func (b *belfry) tend(ctx context.Context, bl *bell) outcome {
	switch {
	case ctx.Err() != nil:
		return outcome{err: ctx.Err()}
	case b.mode == polling || bl.poll:
		return outcome{rang: true}
	case bl.sub.id == "":
		s, err := b.server.subscribe(ctx, bl.post, b.mode == pulling)
		// What changed while nobody listened is caught up with.
		return outcome{sub: s, rang: err == nil, err: err}
	}
	s, rang, err := b.server.events(ctx, bl.post, bl.sub)
	return outcome{sub: s, rang: rang, err: err}
}

// book writes down what became of a bell, and when it is due again.
func (b *belfry) book(bl *bell, o outcome) {
	now := time.Now()
	switch {
	case o.mode != b.mode: // the host took another way meanwhile
		bl.next = now
	case o.err == nil:
		bl.sub, bl.tries, b.tries = o.sub, 0, 0
		bl.next = now
		switch {
		case b.mode == polling || bl.poll:
			bl.next = now.Add(b.jitter(b.times.Poll))
			b.server.unhung(bl.post)
		case b.mode == pulling:
			bl.next = now.Add(b.jitter(b.times.Pull))
			b.server.note(bl.post, nil)
		default: // its stream tells when it is open
		}
		if o.rang {
			b.rang(bl.post)
		}
	case errors.Is(o.err, errUnsupported):
		b.fall(bl, o.mode, o.err)
	case errors.Is(o.err, portal.ErrUnavailable), errors.Is(o.err, errNotAsked):
		// The server, not the mailbox: see rest.
	default:
		// A subscription that is no more, a mailbox that may not be watched: anew, after a while.
		if bl.sub.id != "" {
			bl.sub, bl.next = subscription{}, now
			return
		}
		b.server.note(bl.post, o.err)
		bl.poll = (errors.Is(o.err, portal.ErrForbidden) || errors.Is(o.err, portal.ErrTooMany)) && bl.tries > 2
		bl.next = now.Add(b.wait(&bl.tries, o.err))
	}
}

// fall takes the next simpler way for the whole host, unless another bell of the round did already.
func (b *belfry) fall(bl *bell, asked bellMode, err error) {
	bl.next = time.Time{}
	if bl.sub.id != "" {
		bl.sub = subscription{}
		return
	}
	if b.mode == asked {
		b.retreat(err)
	}
}

// retreat gives up a kind of notifications for the whole host, and all subscriptions made for it.
func (b *belfry) retreat(err error) {
	if b.mode == polling {
		return
	}
	b.mode++
	for _, bl := range b.bells {
		bl.leave()
		bl.sub, bl.next = subscription{}, time.Time{}
	}
	b.logger.Warn("the server lacks a kind of notifications, taking another", "now", b.mode, "error", err)
}

// wait is how long to wait after the tries-th failure: doubled each time, as long as the server asks at least.
func (b *belfry) wait(tries *int, err error) time.Duration {
	d := b.times.Retry << min(*tries, 16)
	*tries++
	return b.jitter(max(min(d, b.times.Backoff), retryAfter(err)))
}
