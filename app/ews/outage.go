package ews

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Outages: a server to which there is no connection, or that takes requests and answers none of them, is away. While it is, calls
// are refused at once, so that nobody waits for it in vain, but for one at a time that finds out whether it is back, after pauses
// that double. Any answer at all, to whatever was still under way too, ends the outage.

// outageTimes are: how long without an answer, to anything, a server is away; the pause before an outage is looked into again, and
// the longest of them.
type outageTimes struct{ silence, first, last time.Duration }

var usualOutage = outageTimes{silence: 5 * time.Second, first: time.Second, last: time.Minute}

var (
	errSilentServer = errors.New("the server takes requests and answers none")
	errUnreached    = errors.New("no connection to the server")
)

// outage is whether one server is away.
type outage struct {
	times  outageTimes
	jitter func(time.Duration) time.Duration
	// left is told that the server is away, back that it answers again; sure: it was found away more than once.
	left  func()
	back  func(sure bool)
	began chan struct{} // rung when an outage begins

	mu    sync.Mutex
	heard time.Time // the last answer
	// why it is away, nil while it is not; since when.
	why   error
	since time.Time
	// gone is closed while it is away.
	gone chan struct{}
	// probing: one call is under way that finds out, the turn-th; otherwise the next may be made at next, and the pause after it is
	// pause. One that is not answered for long may still be, but the next does not wait for that.
	probing bool
	turn    int
	next    time.Time
	pause   time.Duration
	// sure: a probe was not answered either.
	sure bool
}

func newOutage(times outageTimes, jitter func(time.Duration) time.Duration, left func(), back func(sure bool)) *outage {
	return &outage{times: times, jitter: jitter, left: left, back: back, began: make(chan struct{}, 1), gone: make(chan struct{})}
}

// sent is told of each request, and gives what is to be told of its answer; see soap.Options.
func (o *outage) sent() func(answered bool) {
	at := time.Now()
	watch := time.AfterFunc(o.times.silence, func() { o.silent(at) })
	return func(answered bool) {
		watch.Stop()
		if answered {
			o.hear()
		}
	}
}

// silent notes that a request has not been answered for too long; that of others that were sent later does as well.
func (o *outage) silent(at time.Time) {
	o.mu.Lock()
	known := o.why != nil
	switch {
	case o.heard.After(at):
		o.mu.Unlock()
		return
	case known && at.After(o.since):
		o.sure = true
		o.rest(o.turn)
	case !known:
		o.begin(errSilentServer, 0) // perhaps it was but this request: the next call finds out
	}
	o.mu.Unlock()
	if !known {
		o.left()
	}
}

// unreached notes that there was no connection, several times in a row.
func (o *outage) unreached(err error) {
	o.mu.Lock()
	known := o.why != nil
	if !known {
		o.begin(fmt.Errorf("%w: %w", errUnreached, err), o.jitter(o.times.first))
	}
	o.sure = true
	o.mu.Unlock()
	if !known {
		o.left()
	}
}

// begin needs the mutex.
func (o *outage) begin(why error, wait time.Duration) {
	now := time.Now()
	o.why, o.since, o.next, o.pause, o.sure = why, now, now.Add(wait), o.times.first, false
	close(o.gone)
	select {
	case o.began <- struct{}{}:
	default: // it is rung already
	}
}

// hear notes an answer.
func (o *outage) hear() {
	o.mu.Lock()
	o.heard = time.Now()
	was, sure := o.why, o.sure
	if was != nil {
		o.why, o.sure, o.gone = nil, false, make(chan struct{})
	}
	o.mu.Unlock()
	if was != nil {
		o.back(sure)
	}
}

// enter asks whether a call may be made now. A turn that is not zero makes it the one that finds out whether the server is back, of
// whose end leave is to be told.
func (o *outage) enter() (turn int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		return 0, nil
	}
	if o.probing || time.Now().Before(o.next) {
		return 0, o.refusal()
	}
	o.probing = true
	o.turn++
	return o.turn, nil
}

// leave ends a probe. Was it answered, the outage is over by now.
func (o *outage) leave(turn int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest(turn)
}

// rest plans the next probe; it needs the mutex.
func (o *outage) rest(turn int) {
	if !o.probing || turn != o.turn {
		return
	}
	o.probing = false
	if o.why != nil {
		o.next = time.Now().Add(o.jitter(o.pause))
		o.pause = min(2*o.pause, o.times.last)
	}
}

// refused is why calls that find out nothing are refused, nil while they are not.
func (o *outage) refused() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		return nil
	}
	return o.refusal()
}

// refusal needs the mutex.
func (o *outage) refusal() error {
	return portal.Fail(portal.ErrUnavailable, "exchange.down").Because(fmt.Errorf("not asked, away since %s: %w", o.since.Format(time.TimeOnly), o.why))
}

// absent is closed while the server is away.
func (o *outage) absent() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gone
}

// rank orders servers by whether they are away.
func (o *outage) rank() int {
	if o.refused() != nil {
		return 1
	}
	return 0
}

// whenAway calls something when the server turns out to be away, until stop.
func (o *outage) whenAway(do func()) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	gone := o.absent()
	go func() {
		defer close(ended)
		select {
		case <-gone:
			do()
		case <-done:
		}
	}()
	return func() { close(done); <-ended }
}

// due is how long until the next probe may be made; false: the server is not away.
func (o *outage) due() (wait time.Duration, away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait = max(time.Until(o.next), 0)
	if o.probing {
		wait = o.times.first
	}
	return wait, o.why != nil
}

// lookOut finds out whether the server is back where no call does so, until ctx ends. It has a few probes under way at most: each
// ends in askBound, and there are pauses between them.
func (h *host) lookOut(ctx context.Context) {
	var probes sync.WaitGroup
	defer probes.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.outage.began:
		}
		for {
			wait, away := h.outage.due()
			if !away {
				break
			}
			if !sleep(ctx, wait) {
				return
			}
			if turn, err := h.outage.enter(); err == nil && turn != 0 {
				probes.Go(func() { h.probe(ctx, turn) })
			}
		}
	}
}

// probe asks the server for anything at all.
func (h *host) probe(ctx context.Context, turn int) {
	defer h.outage.leave(turn)
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	if err := h.check(ctx, soap.As{Ahead: true}); err != nil {
		h.c.o.Logger.Debug("a server that was away was asked for", "server", h.s.Name, "error", err)
	}
}

// isAway has the next calls make connections of their own: those that there are may lead nowhere any more.
func (h *host) isAway() {
	h.c.o.Logger.Warn("the server does not answer, it is asked less", "server", h.s.Name)
	for _, c := range h.all() {
		c.Close()
	}
}

// isBack lets everything go on that waited for the server.
func (h *host) isBack(sure bool) {
	h.c.o.Logger.Info("the server answers again", "server", h.s.Name)
	if sure { // what was asked of it before is lost
		for _, c := range h.all() {
			c.Renew(h.outage.times.silence)
		}
	}
	h.bells.back(sure)
	h.c.health.back(h)
	h.c.homes.back()
}

// Place waits for one of the places for calls that are made by themselves and not for somebody who waits; each server has its own,
// so that one that is slow or silent keeps nobody from another. release gives it back. ErrUnavailable where the server is away.
func (c *Connector) Place(ctx context.Context, owner portal.Address) (release func(), err error) {
	places, gone := c.places, (<-chan struct{})(nil)
	if h := c.houses(owner); h != nil {
		places, gone = h.places, h.outage.absent()
	}
	release = func() { <-places }
	select {
	case places <- struct{}{}:
		return release, nil
	default:
	}
	select {
	case places <- struct{}{}:
		return release, nil
	case <-gone:
		return nil, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("not asked, all places wait for a server that is away"))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// houses is the server of a mailbox as far as it is known; nil: it is not.
func (c *Connector) houses(owner portal.Address) *host {
	if len(c.hosts) == 1 {
		return c.hosts[0]
	}
	at, _ := c.homes.get(c.o.Mailbox(owner))
	return at.host
}
