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

const (
	silence    = 5 * time.Second // without an answer, to anything, after which a server is away
	firstProbe = time.Second     // the pause before an outage is looked into again
	lastProbe  = time.Minute     // the longest of them
)

var (
	errSilentServer = errors.New("the server takes requests and answers none")
	errUnreached    = errors.New("no connection to the server")
)

// outage is whether one server is away.
type outage struct {
	jitter func(time.Duration) time.Duration
	// back is told that the server answers again; sure: it was found away more than once.
	back  func(sure bool)
	began chan struct{} // rung when an outage begins

	mu    sync.Mutex
	heard time.Time // the last answer
	// why it is away, nil while it is not; since when.
	why   error
	since time.Time
	// gone is closed while it is away.
	gone chan struct{}
	// probing: one call is under way that finds out; otherwise the next may be made at next, and the pause after it is pause.
	probing bool
	next    time.Time
	pause   time.Duration
	// sure: a probe was not answered either.
	sure bool
}

func newOutage(jitter func(time.Duration) time.Duration, back func(sure bool)) *outage {
	return &outage{jitter: jitter, back: back, began: make(chan struct{}, 1), gone: make(chan struct{})}
}

// sent is told of each request, and gives what is to be told of its answer; see soap.Options.
func (o *outage) sent() func(answered bool) {
	at := time.Now()
	watch := time.AfterFunc(silence, func() { o.silent(at) })
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
	defer o.mu.Unlock()
	switch {
	case o.heard.After(at):
	case o.why == nil:
		o.begin(errSilentServer, 0) // perhaps it was but this request: the next call finds out
	case at.After(o.since):
		o.sure = true
	}
}

// unreached notes that there was no connection, several times in a row.
func (o *outage) unreached(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		o.begin(fmt.Errorf("%w: %w", errUnreached, err), o.jitter(firstProbe))
	}
	o.sure = true
}

// begin needs the mutex.
func (o *outage) begin(why error, wait time.Duration) {
	now := time.Now()
	o.why, o.since, o.next, o.pause, o.sure = why, now, now.Add(wait), firstProbe, false
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

// enter asks whether a call may be made now; probe: as the one that finds out whether the server is back, of which leave is to be
// told.
func (o *outage) enter() (probe bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.why == nil {
		return false, nil
	}
	if o.probing || time.Now().Before(o.next) {
		return false, o.refusal()
	}
	o.probing = true
	return true, nil
}

// leave ends a probe. Was it answered, the outage is over by now.
func (o *outage) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.probing = false
	if o.why != nil {
		o.next = time.Now().Add(o.jitter(o.pause))
		o.pause = min(2*o.pause, lastProbe)
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
	wait = time.Until(o.next)
	if o.probing {
		wait = firstProbe
	}
	return max(wait, 0), o.why != nil
}

// lookOut finds out whether the server is back where no call does so, until ctx ends.
func (h *host) lookOut(ctx context.Context) {
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
			h.probe(ctx)
		}
	}
}

// probe asks the server for anything at all, unless somebody else does at the moment.
func (h *host) probe(ctx context.Context) {
	first, err := h.outage.enter()
	if !first || err != nil {
		return
	}
	defer h.outage.leave()
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	if err = h.check(ctx, soap.As{Ahead: true}); err != nil {
		h.c.o.Logger.Debug("a server that was away was asked for", "server", h.s.Name, "error", err)
	}
}

// isBack lets everything go on that waited for the server.
func (h *host) isBack(sure bool) {
	h.c.o.Logger.Info("the server answers again", "server", h.s.Name)
	if sure { // what was asked of it before is lost
		for _, c := range h.all() {
			c.Renew(silence)
		}
	}
	h.bells.back()
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
