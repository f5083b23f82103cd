package siplab

// Counters: what came, what was answered, by method and status.

import (
	"sync"
	"sync/atomic"
)

type statusKey struct {
	method string
	status int // 0 counts requests
}

type counters struct {
	byStatus    sync.Map // statusKey → *atomic.Int64
	malformed   atomic.Int64
	stray       atomic.Int64
	stored      atomic.Int64
	delivered   atomic.Int64
	slowReaders atomic.Int64
	notified    atomic.Int64
}

// known keeps the table small whatever method names come in.
func (c *counters) cell(method string, status int) *atomic.Int64 {
	if !knownMethod(method) {
		method = "OTHER"
	}
	k := statusKey{method, status}
	if v, ok := c.byStatus.Load(k); ok {
		return v.(*atomic.Int64)
	}
	v, _ := c.byStatus.LoadOrStore(k, new(atomic.Int64))
	return v.(*atomic.Int64)
}

func (c *counters) request(method string) { c.cell(method, 0).Add(1) }

func (c *counters) response(method string, status int) { c.cell(method, status).Add(1) }

func (c *counters) each(f func(statusKey, int64)) {
	c.byStatus.Range(func(k, v any) bool {
		f(k.(statusKey), v.(*atomic.Int64).Load())
		return true
	})
}
