package soap

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

// The shared patience: when the server asks for a pause, every caller of the client makes it.

const (
	firstPause = time.Second      // where the server names no time
	longPause  = 30 * time.Second // the longest of those
)

type gate struct {
	now     func() time.Time
	jitter  func() float64
	maxWait time.Duration

	mu      sync.Mutex
	until   time.Time
	strikes int // refusals in a row
}

func newGate(o Options) *gate { return &gate{now: o.Now, jitter: o.Jitter, maxWait: o.MaxWait} }

// refuse notes that the server asked for a pause; asked 0 lets the gate choose: twice as long each
// time, with jitter.
func (g *gate) refuse(asked time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if asked <= 0 {
		asked = pause(firstPause, longPause, g.strikes, g.jitter)
	}
	g.strikes++
	if t := g.now().Add(asked); t.After(g.until) {
		g.until = t
	}
}

// passed notes that the server answered.
func (g *gate) passed() {
	g.mu.Lock()
	g.strikes = 0
	g.mu.Unlock()
}

// remaining is how long the pause still lasts.
func (g *gate) remaining() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.Sub(g.now())
}

// wait makes the pause. One that is longer than the caller may wait is refused at once.
func (g *gate) wait(ctx context.Context) error {
	for {
		left := g.remaining()
		if left <= 0 {
			return nil
		}
		deadline, bounded := ctx.Deadline()
		if left > g.maxWait || bounded && g.now().Add(left).After(deadline) {
			return &ResponseError{Code: "ErrorServerBusy", Text: "the server asked for a pause", BackOff: left,
				meaning: portal.ErrUnavailable, retry: never}
		}
		// Spread over a tenth, so that not everyone comes back at the same instant.
		if err := sleep(ctx, left+time.Duration(g.jitter()*float64(left)/10)); err != nil {
			return err
		}
	}
}

// pause is the n-th (from 0) of a row of waits that double, at most most, of which the upper half
// is left to chance.
func pause(first, most time.Duration, n int, jitter func() float64) time.Duration {
	d := most
	if n < 20 {
		d = min(first<<n, most)
	}
	return d/2 + time.Duration(jitter()*float64(d/2))
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
