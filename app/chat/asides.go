package chat

// What is said beside a conversation (typing, notices): in order for each pair of people, a few at a
// time, and not at all when there is too much of it.

import (
	"context"
	"hash/maphash"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

const (
	asideWorkers = 16
	// asideQueue is the length of each worker's queue. When it is full the newest aside is dropped:
	// typing expires by itself, and a lost notice leaves the state the server's answer gave.
	asideQueue   = 256
	asideTimeout = 10 * time.Second
)

type asides struct {
	o      Options
	seed   maphash.Seed
	queues [asideWorkers]chan func(context.Context)
}

func newAsides(o Options) *asides {
	a := &asides{o: o, seed: maphash.MakeSeed()}
	for i := range a.queues {
		a.queues[i] = make(chan func(context.Context), asideQueue)
	}
	return a
}

// do queues f behind what else from says beside the conversation with to; false: it was dropped.
func (a *asides) do(from, to portal.Address, f func(context.Context)) bool {
	h := maphash.String(a.seed, string(from)) ^ maphash.String(a.seed, string(to)+"<")
	select {
	case a.queues[h%asideWorkers] <- f:
		return true
	default:
		a.o.Logger.Debug("chat: too many notices and typing messages, one is dropped", "from", from, "to", to)
		return false
	}
}

func (a *asides) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, q := range a.queues {
		g.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case f := <-q:
					one(ctx, f)
				}
			}
		})
	}
	return g.Wait()
}

func one(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	f(ctx)
}
