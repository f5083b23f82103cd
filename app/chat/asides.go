package chat

// What is said beside a conversation (typing, notices): in order for each pair of people, all pairs by
// turns, a few at a time, and not at all when there is too much of it.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	asideWorkers = 16
	// asideQueue bounds what waits for one pair, asidesTotal what waits for all. Beyond it the newest aside is
	// dropped: typing expires by itself, and a lost notice leaves the state the server's answer gave.
	asideQueue   = 256
	asidesTotal  = 4096
	asideTimeout = 10 * time.Second
)

// asides has workers that serve the pairs in turn, each pair by one worker at a time. A peer that does not
// answer costs a worker one timeout and then its queue.
type asides struct {
	o Options

	mu    sync.Mutex
	ready *sync.Cond
	// waiting has an entry for each pair that has something to say, be it under way; turns are the pairs
	// that no worker serves, the one that waited longest first.
	waiting map[pair][]func(context.Context)
	turns   []pair
	total   int
	done    bool
}

func newAsides(o Options) *asides {
	a := &asides{o: o, waiting: map[pair][]func(context.Context){}}
	a.ready = sync.NewCond(&a.mu)
	return a
}

// do queues f behind what else from says beside the conversation with to; false: it was dropped.
func (a *asides) do(from, to portal.Address, f func(context.Context)) bool {
	p := pair{from, to}
	a.mu.Lock()
	queue, known := a.waiting[p]
	room := len(queue) < asideQueue && a.total < asidesTotal
	if room {
		a.total++
		a.waiting[p] = append(queue, f)
		if !known {
			a.turns = append(a.turns, p)
		}
	}
	a.mu.Unlock()
	if !room {
		a.o.Logger.Debug("chat: too many notices and typing messages, one is dropped", "from", from, "to", to)
		return false
	}
	a.ready.Signal()
	return true
}

// run serves until ctx is done and returns when the last worker has.
func (a *asides) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		a.mu.Lock()
		a.done = true
		a.mu.Unlock()
		a.ready.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	for range asideWorkers {
		workers.Go(func() {
			for p, f := a.take(); f != nil; p, f = a.take() {
				a.finish(p, one(ctx, f))
			}
		})
	}
	workers.Wait()
	return nil
}

// take gives the next aside of the pair whose turn it is; nil when run is to end.
func (a *asides) take() (pair, func(context.Context)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.turns) == 0 && !a.done {
		a.ready.Wait()
	}
	if a.done {
		return pair{}, nil
	}
	p := a.turns[0]
	a.turns = a.turns[1:]
	queue := a.waiting[p]
	f := queue[0]
	queue[0] = nil
	a.waiting[p] = queue[1:]
	a.total--
	return p, f
}

// finish gives the pair its next turn, behind the others. What waited for a peer that did not answer is
// dropped.
func (a *asides) finish(p pair, answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := len(a.waiting[p])
	switch {
	case left > 0 && answered:
		a.turns = append(a.turns, p)
		a.ready.Signal()
		return
	case left > 0:
		a.total -= left
		a.o.Logger.Debug("chat: no answer, what else was to be said beside the conversation is dropped", "from", p.from, "to", p.to, "dropped", left)
	}
	delete(a.waiting, p)
}

// one reports whether f ended in time.
func one(ctx context.Context, f func(context.Context)) bool {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	f(ctx)
	return ctx.Err() == nil
}
