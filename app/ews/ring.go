package ews

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// One stream of a belfry: a connection that up to 200 subscriptions share. It is opened anew before it ends, when
// bells join, and when it says nothing for too long; the new one is open before the old one is given up. Whenever
// there was a time without an open stream all of its bells are rung, since nobody knows what was missed.

// group is the set of bells that share a stream.
type group struct {
	b       *belfry
	started bool
	changed chan struct{}
	resumed chan struct{} // it need not wait to be opened any longer
	suspect atomic.Bool   // what is open may lead nowhere, and what was missed on it is not known
	ended   chan struct{}

	mu      sync.Mutex
	members map[string]post // by subscription
	closed  bool
}

// errSilent: a stream that says nothing, not even that it lives.
var errSilent = errors.New("the stream fell silent")

func newGroup(b *belfry) *group {
	return &group{b: b, changed: make(chan struct{}, 1), resumed: make(chan struct{}, 1), ended: make(chan struct{}), members: map[string]post{}}
}

func (g *group) join(bl *bell) {
	g.mu.Lock()
	g.members[bl.sub.id] = bl.post
	g.mu.Unlock()
	bl.group = g
	g.poke()
}

func (g *group) remove(bl *bell) {
	g.mu.Lock()
	delete(g.members, bl.sub.id)
	g.mu.Unlock()
	// The stream may keep the subscription until it is renewed: what it says of it is not listened to.
}

func (g *group) poke() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// again: the server was away and is back.
func (g *group) again(suspect bool) {
	if suspect {
		g.suspect.Store(true)
		g.poke()
	}
	select {
	case g.resumed <- struct{}{}:
	default:
	}
}

// serves tells whether the stream has a bell of somebody.
func (g *group) serves(who portal.Address) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, at := range g.members {
		if at.who == who {
			return !g.closed
		}
	}
	return false
}

func (g *group) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members)
}

// endIfEmpty ends the goroutine of a stream that no bell needs.
func (g *group) endIfEmpty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.members) == 0 && !g.closed {
		g.closed = true
		close(g.ended)
	}
	return g.closed
}

// snapshot gives the subscriptions in order of their owners, and the first owner, who anchors the connection.
func (g *group) snapshot() (ids []string, anchor portal.Address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids = slices.SortedFunc(maps.Keys(g.members), func(a, b string) int {
		return g.members[a].before(g.members[b])
	})
	if len(ids) > 0 {
		anchor = g.members[ids[0]].who
	}
	return ids, anchor
}

// posts are what the subscriptions that are still members ring for.
func (g *group) posts(ids []string) []post {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []post
	for _, id := range ids {
		if at, ok := g.members[id]; ok {
			out = append(out, at)
		}
	}
	return out
}

func (g *group) ring(ids []string) {
	for _, at := range g.posts(ids) {
		g.b.rang(at)
	}
}

func (g *group) note(ids []string, err error) {
	for _, at := range g.posts(ids) {
		g.b.server.note(at, err)
	}
}

// run keeps a stream open for the members until ctx ends or none is left.
func (g *group) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var current *listening
	defer func() { current.stop() }()
	tries := 0
	for ctx.Err() == nil {
		select {
		case <-g.changed: // what the snapshot will hold is no change of it
		default:
		}
		ids, anchor := g.snapshot()
		if len(ids) == 0 {
			current.stop()
			current = nil
			if !g.pause(ctx, 24*time.Hour) {
				return
			}
			continue
		}
		next, err := g.open(ctx, anchor, ids)
		if err != nil && current.alive() && errors.Is(err, portal.ErrUnavailable) {
			// Perhaps there may be only one: without overlap, then.
			current.stop()
			current = nil
			next, err = g.open(ctx, anchor, ids)
		}
		if err != nil {
			if !g.failed(ctx, ids, err, &tries) {
				return
			}
			continue
		}
		tries = 0
		gap := g.suspect.Swap(false) || !current.alive()
		current.stop()
		current = next
		g.note(ids, nil)
		if gap {
			g.ring(ids)
		}
		if !g.listen(ctx, current) {
			return
		}
	}
}

// listen waits until the stream has to be opened anew; false: never again.
func (g *group) listen(ctx context.Context, l *listening) bool {
	// A little before it ends, and not all streams at once.
	early := min(l.lasts/4, time.Minute)
	renew := time.NewTimer(l.lasts - early - (g.b.jitter(early) - early))
	defer renew.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-g.ended:
		return false
	case <-l.done:
		return true
	case <-renew.C:
		return true
	case <-g.changed:
		return sleep(ctx, g.b.times.Gather)
	}
}

// failed books that no stream could be opened, and waits; false: ctx ended, or nobody is left.
func (g *group) failed(ctx context.Context, ids []string, err error, tries *int) bool {
	if ctx.Err() != nil {
		return false
	}
	if errors.Is(err, errUnsupported) {
		g.b.unsupported(err)
	}
	if errors.Is(err, portal.ErrUnavailable) || errors.Is(err, errSilent) {
		g.note(ids, err)
	}
	wait := g.b.wait(tries, err)
	g.b.logger.Debug("no stream of notifications", "mailboxes", len(ids), "again_in", wait, "error", err)
	return g.pause(ctx, wait)
}

// pause waits for d, for a change of the members or for a server that is back.
func (g *group) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-g.ended:
		return false
	case <-t.C:
	case <-g.changed:
	case <-g.resumed:
	}
	return true
}

// listening is one open connection, owned by the group's goroutine that opened it.
type listening struct {
	cancel context.CancelFunc
	done   chan struct{}
	lasts  time.Duration
	err    error // why it ended; to be read after done
}

func (l *listening) alive() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// stop ends the connection and waits until it has.
func (l *listening) stop() {
	if l != nil {
		l.cancel()
		<-l.done
	}
}

// open opens a stream and waits for its first word, which says that the server listens.
func (g *group) open(ctx context.Context, anchor portal.Address, ids []string) (*listening, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &listening{cancel: func() { cancel(context.Canceled) }, done: make(chan struct{}), lasts: g.b.times.Stream}
	first := make(chan struct{})
	silence := time.AfterFunc(g.b.times.Silence, func() { cancel(errSilent) })
	var once sync.Once
	go func() { // ends with the connection, which stop and the watch on its silence end
		defer close(l.done)
		defer silence.Stop()
		l.err = g.b.server.stream(ctx, anchor, ids, int(g.b.times.Stream/time.Minute), func(w word) {
			silence.Reset(g.b.times.Silence)
			if len(w.dead) > 0 {
				g.buried(w.dead)
			} else {
				once.Do(func() { close(first) })
			}
			g.ring(w.rang)
		})
		if errors.Is(context.Cause(ctx), errSilent) {
			l.err = errSilent
		}
	}()
	select {
	case <-first:
		return l, nil
	case <-l.done:
		cancel(context.Canceled)
		select {
		case <-first: // it opened and ended at once
			return l, nil
		default:
		}
		if l.err == nil {
			l.err = portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("the stream ended before it began"))
		}
		return nil, l.err
	}
}

// buried takes dead subscriptions out of the group and has them made anew.
func (g *group) buried(ids []string) {
	g.mu.Lock()
	for _, id := range ids {
		delete(g.members, id)
	}
	g.mu.Unlock()
	g.b.bury(ids)
}

// unsupported notes that the server knows no streams: the belfry takes another way.
func (b *belfry) unsupported(err error) {
	b.mu.Lock()
	b.noStreams = err
	b.mu.Unlock()
	b.poke()
}
