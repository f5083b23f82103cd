package sipua

// Lanes: work that may take time, in order for each pair of people, bounded over all.

import (
	"log/slog"
	"sync"
)

const (
	// maxLaneWork bounds what all lanes hold, maxLane what one holds; beyond it the peer is told 503.
	maxLaneWork = 2048
	maxLane     = 128
)

// lanes runs work. Each lane that has work has a goroutine, so there are never more than maxLaneWork.
type lanes struct {
	log    *slog.Logger
	mu     sync.Mutex
	lanes  map[string][]func()
	total  int
	closed bool
	wg     sync.WaitGroup
}

func newLanes(log *slog.Logger) *lanes { return &lanes{log: log, lanes: map[string][]func(){}} }

// put has work done after all that was put under the same key. It reports false when there is no room.
func (q *lanes) put(key string, work func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, running := q.lanes[key]
	if q.closed || q.total >= maxLaneWork || len(waiting) >= maxLane {
		return false
	}
	q.total++
	q.lanes[key] = append(waiting, work)
	if !running {
		q.wg.Go(func() { q.drain(key) })
	}
	return true
}

func (q *lanes) drain(key string) {
	for {
		q.mu.Lock()
		waiting := q.lanes[key]
		if len(waiting) == 0 {
			delete(q.lanes, key)
			q.mu.Unlock()
			return
		}
		work := waiting[0]
		waiting[0] = nil
		q.lanes[key] = waiting[1:]
		q.mu.Unlock()
		q.one(work)
		q.mu.Lock()
		q.total--
		q.mu.Unlock()
	}
}

// one does one piece of work; a defect in it does not end the lane.
func (q *lanes) one(work func()) {
	defer rescue(q.log, "work of a lane", nil)
	work()
}

// close refuses further work; wait returns when what was taken is done.
func (q *lanes) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

func (q *lanes) wait() { q.wg.Wait() }
