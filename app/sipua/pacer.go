package sipua

// The shared workers that do what is due for people, at a bounded pace.

import (
	"context"
	"log/slog"
	"math"
	"sync"

	"golang.org/x/time/rate"
)

// job names what is to be done: something of a line, of one of its subscriptions, or of a call.
type job struct {
	l *line
	s *sub
	c *call
}

// pacer is a queue with workers. Each owner is in it at most once (its queued flag), so it is bounded
// by the number of lines or subscriptions; nothing is ever dropped. Jobs that somebody waits for go to
// the front queue and are only bounded by the number of workers; the others keep to the limiter, so
// that ten thousand people coming back do not all ask at once.
type pacer struct {
	log     *slog.Logger
	workers int
	limit   *rate.Limiter
	do      func(ctx context.Context, j job)

	mu          sync.Mutex
	ready       *sync.Cond
	front, back fifo
	done        bool
}

func newPacer(log *slog.Logger, workers int, perSecond float64, do func(context.Context, job)) *pacer {
	limit := rate.Inf
	if !math.IsInf(perSecond, 1) {
		limit = rate.Limit(perSecond)
	}
	p := &pacer{log: log, workers: workers, limit: rate.NewLimiter(limit, max(1, int(min(perSecond, 1e6)/20))), do: do}
	p.ready = sync.NewCond(&p.mu)
	return p
}

// put adds a job; urgent ones overtake.
func (p *pacer) put(j job, urgent bool) {
	p.mu.Lock()
	if urgent {
		p.front.push(j)
	} else {
		p.back.push(j)
	}
	p.mu.Unlock()
	p.ready.Signal()
}

// run works until ctx is done and returns when the last worker has.
func (p *pacer) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		p.done = true
		p.mu.Unlock()
		p.ready.Broadcast()
	})
	defer stop()
	var wg sync.WaitGroup
	for range p.workers {
		wg.Go(func() { p.work(ctx) })
	}
	wg.Wait()
}

func (p *pacer) work(ctx context.Context) {
	for {
		j, urgent, ok := p.take()
		if !ok {
			return
		}
		if !urgent {
			if err := p.limit.Wait(ctx); err != nil {
				return
			}
		}
		p.one(ctx, j)
	}
}

// one does one job; a defect in it does not end the worker.
func (p *pacer) one(ctx context.Context, j job) {
	defer rescue(p.log, "job", nil)
	p.do(ctx, j)
}

func (p *pacer) take() (j job, urgent, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.done {
			return job{}, false, false
		}
		if j, ok := p.front.pop(); ok {
			return j, true, true
		}
		if j, ok := p.back.pop(); ok {
			return j, false, true
		}
		p.ready.Wait()
	}
}

// fifo is a queue that gives its memory back when it has run empty.
type fifo struct {
	items []job
	head  int
}

func (q *fifo) push(j job) { q.items = append(q.items, j) }

func (q *fifo) pop() (job, bool) {
	if q.head == len(q.items) {
		return job{}, false
	}
	j := q.items[q.head]
	q.items[q.head] = job{}
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = nil, 0
	case q.head > 1024 && q.head > len(q.items)/2:
		q.items = append([]job(nil), q.items[q.head:]...)
		q.head = 0
	}
	return j, true
}
