package realtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// errWire marks failures of the peer or the network, which are everyday and not logged.
var errWire = errors.New("the connection broke")

// wire is the way bytes leave: a WebSocket or a stream of server-sent events. Only the connection's one
// writer calls it.
type wire interface {
	// write sends frames in their order; those that a does not get are left out.
	write(a Audience, frames ...*Frame) error
	ping() error
	// end says good-bye with a close code where the wire has one, and closes.
	end(code int, reason string)
	// cut closes at once, from any goroutine, and frees a writer that is stuck.
	cut()
}

// conn is one live connection. Its goroutines are the reader, which ends it, and at most one writer,
// which exists only while something waits.
type conn struct {
	Client
	hub  *Hub
	door Door
	wire wire
	kick func() // starts or wakes the writer; called with mu held

	ctx    context.Context // ends with the connection
	cancel context.CancelFunc
	heard  atomic.Int64 // when the peer was last heard, Unix seconds; the hub's pinger reads it

	mu       sync.Mutex
	queue    queue
	gather   *gathering // nil where nothing is kept back
	live     bool       // caught up: durable frames go to the queue only because they are new
	missed   bool       // a durable frame did not fit while catching up; the log has it
	pingDue  bool       // the pinger asks for a ping
	leaving  string     // reason of a good-bye that is to be written; empty: none
	after    time.Duration
	writing  bool
	finished bool

	last int64 // owned by the writer: number of the last durable frame written
}

// send queues f; it never blocks. A full queue ends the connection, except while it catches up, when the
// log will give again what did not fit.
func (c *conn) send(f *Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || c.leaving != "" {
		return
	}
	taken, fits := c.offer(f)
	if !taken {
		fits = c.queue.put(f)
	}
	switch {
	case fits && !taken:
		c.kick()
	case !fits && !c.live && f.seq > 0:
		c.missed = true
	case !fits:
		c.tooSlowLocked()
	}
}

// tooSlowLocked ends a connection for which more waits than may.
func (c *conn) tooSlowLocked() {
	c.hub.metrics.slow()
	c.leaveLocked(ReasonTooSlow, 0)
	// The writer may be stuck in a full socket: give it a moment to say good-bye, then cut.
	c.hub.cutAfter(c, byeTimeout)
}

// leave asks the writer to say good-bye after what already waits for it is dropped.
func (c *conn) leave(reason string, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished && c.leaving == "" {
		c.leaveLocked(reason, after)
	}
}

func (c *conn) leaveLocked(reason string, after time.Duration) {
	c.leaving, c.after = reason, after
	c.queue = queue{}
	c.gather.drop()
	c.kick()
}

func (c *conn) askPing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished {
		c.pingDue = true
		c.kick()
	}
}

// open is the writer's first work: hello, everything missed, the current values; then the queue.
func (c *conn) open() error {
	hello, head, err := c.door.Hello(c.ctx, c.Client)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	if err := c.wire.write(c.Audience, hello); err != nil {
		return err
	}
	c.last = head
	if c.HasSince {
		c.last = c.Since
	}
	if c.last > head { // a number from another log: the browser has seen what was never said here
		err = c.resync()
	} else {
		err = c.catchUp()
	}
	if err != nil {
		return err
	}
	snapshot, err := c.door.Snapshot(c.ctx, c.Client)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return c.wire.write(c.Audience, c.shownOf(snapshot)...)
}

// catchUp replays the log until nothing is missing, then lets the queue take over. Frames that were
// queued meanwhile and were replayed too are dropped by their number when they are written.
func (c *conn) catchUp() error {
	for {
		frames, resync, err := c.door.Replay(c.ctx, c.Client, c.last)
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if resync {
			return c.resync()
		}
		if len(frames) > 0 {
			if err := c.writeNew(frames); err != nil {
				return err
			}
			continue
		}
		c.mu.Lock()
		missed := c.missed
		if missed {
			c.missed = false
			c.queue.dropDurable()
		} else {
			c.live = true
		}
		c.mu.Unlock()
		if !missed {
			return nil
		}
	}
}

// resync tells the browser to read afresh; from here on it gets what is new. What is in the log by now
// the browser reads with its page, so it is dropped from the queue.
func (c *conn) resync() error {
	c.mu.Lock()
	c.live, c.missed = true, false
	c.queue.dropDurable()
	c.mu.Unlock()
	_, head, err := c.door.Hello(c.ctx, c.Client)
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	c.last = head
	return c.wire.write(c.Audience, c.door.Resync(c.Client))
}

// writeNew writes frames without those whose numbers say that the browser has them. The slice is the caller's no more.
func (c *conn) writeNew(frames []*Frame) error {
	fresh := frames[:0]
	for _, f := range frames {
		if f.seq > 0 {
			if f.seq <= c.last {
				continue
			}
			c.last = f.seq
		}
		fresh = append(fresh, f)
	}
	return c.wire.write(c.Audience, fresh...)
}

// flush writes until nothing waits. It returns false when the connection is over.
func (c *conn) flush() bool {
	for {
		c.mu.Lock()
		if c.finished {
			c.mu.Unlock()
			return false
		}
		frames, ping, leaving, after := c.queue.take(), c.pingDue, c.leaving, c.after
		c.pingDue = false
		if len(frames) == 0 && !ping && leaving == "" {
			c.writing = false
			c.mu.Unlock()
			return true
		}
		c.mu.Unlock()
		if leaving != "" {
			c.bye(leaving, after)
			return false
		}
		if err := c.writeAll(frames, ping); err != nil {
			c.wire.cut()
			return false
		}
	}
}

func (c *conn) writeAll(frames []*Frame, ping bool) error {
	if err := c.writeNew(frames); err != nil {
		return err
	}
	if ping {
		return c.wire.ping()
	}
	return nil
}

// bye tells the browser why and when to come back, and closes.
func (c *conn) bye(reason string, after time.Duration) {
	if f := c.door.Bye(c.Client, reason, after); f != nil {
		if err := c.wire.write(c.Audience, f); err != nil {
			c.wire.cut()
			return
		}
	}
	c.wire.end(CloseCode(reason), reason)
}

// finish marks the connection as over; later frames are dropped.
func (c *conn) finish() {
	c.mu.Lock()
	c.finished = true
	c.queue = queue{}
	c.gather.drop()
	c.mu.Unlock()
	c.cancel()
}
