package realtime

// Bounds of one connection's queue.
const (
	// maxDurable is how many durable frames and answers may wait; beyond it the reader is too slow.
	maxDurable = 512
	// maxCurrent is how many different current keys may wait; beyond it the reader is too slow.
	maxCurrent = 4096
)

// queue is what waits for one connection: durable frames and answers in order, then current values by
// key in the order their keys first waited. It is bounded: put refuses what would not fit, and the
// connection then ends with "too slow". The owner's lock guards it.
type queue struct {
	ordered []*Frame
	current []*Frame
	index   map[string]int // position in current; made only when there are many keys
}

const indexFrom = 16

// put adds f and reports whether it fitted.
func (q *queue) put(f *Frame) bool {
	if f.seq > 0 || f.key == "" {
		if len(q.ordered) >= maxDurable {
			return false
		}
		q.ordered = append(q.ordered, f)
		return true
	}
	if i, ok := q.find(f.key); ok {
		q.current[i] = f
		return true
	}
	if len(q.current) >= maxCurrent {
		return false
	}
	q.current = append(q.current, f)
	switch {
	case q.index != nil:
		q.index[f.key] = len(q.current) - 1
	case len(q.current) > indexFrom:
		q.index = make(map[string]int, 2*len(q.current))
		for i, have := range q.current {
			q.index[have.key] = i
		}
	}
	return true
}

func (q *queue) find(key string) (int, bool) {
	if q.index != nil {
		i, ok := q.index[key]
		return i, ok
	}
	for i, have := range q.current {
		if have.key == key {
			return i, true
		}
	}
	return 0, false
}

// take empties the queue: first what is in order, then the current values.
func (q *queue) take() []*Frame {
	out := q.ordered
	if len(q.current) > 0 {
		out = append(out, q.current...)
	}
	*q = queue{}
	return out
}

// dropDurable forgets what waits in order and has a number; the log has it.
func (q *queue) dropDurable() {
	kept := q.ordered[:0]
	for _, f := range q.ordered {
		if f.seq == 0 {
			kept = append(kept, f)
		}
	}
	clear(q.ordered[len(kept):])
	q.ordered = kept
}

func (q *queue) empty() bool { return len(q.ordered) == 0 && len(q.current) == 0 }
