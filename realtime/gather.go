package realtime

// Gathering: a connection over which every change costs (a page drawn in a remote session) gets the values that may wait
// together, once in a while, and of people whom its page does not show nothing until it shows them.

import (
	"time"

	"portico/app/portal"
)

// View is what the page behind a connection shows, as far as it matters to what it is sent.
type View struct {
	// Open is the conversation that is open; news of its other side do not wait.
	Open portal.Address
	// Only are all people whom the page shows; nil: not said, then it is told of everybody.
	Only []portal.Address
}

// gathering is what a connection with Client.Gather keeps back. It is guarded by the connection's lock.
//
// It is bounded as the queue is: each key waits once, as its newest value, and one key more than may wait ends the
// connection as too slow.
type gathering struct {
	open portal.Address
	only map[portal.Address]struct{} // nil: everybody
	// waiting goes to the queue when the interval ends, asleep when the page shows whom it is about.
	waiting, asleep queue
	// stop ends the interval's timer, which exists only while something waits.
	stop func() bool
}

func newGathering(c Client) *gathering {
	g := &gathering{}
	if c.Shows {
		g.only = map[portal.Address]struct{}{}
	}
	return g
}

// shows reports whether who is on the page, as far as is known.
func (g *gathering) shows(who portal.Address) bool {
	_, shown := g.only[who]
	return shown || g.only == nil || who == g.open
}

// offer takes f where it may wait and reports whether it did and whether there was room. The connection's lock is held.
func (c *conn) offer(f *Frame) (taken, fits bool) {
	g := c.gather
	if g == nil || !f.waits && (f.about == "" || f.about == c.Person || f.about == g.open) {
		return false, true
	}
	if !f.waits && !g.shows(f.about) {
		return true, g.asleep.put(f)
	}
	if !g.waiting.put(f) {
		return true, false
	}
	if g.stop == nil {
		g.stop = c.hub.after(c.Gather, c.release)
	}
	return true, true
}

// shownOf keeps back what a snapshot has of people whom the page does not show and gives the rest. A value that sleeps
// already was sent after this connection began and is not older.
func (c *conn) shownOf(snapshot []*Frame) []*Frame {
	if c.gather == nil {
		return snapshot
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := snapshot[:0]
	for _, f := range snapshot {
		if f.about == "" || f.about == c.Person || c.gather.shows(f.about) {
			rest = append(rest, f)
		} else if _, newer := c.gather.asleep.find(f.key); !newer && !c.gather.asleep.put(f) {
			rest = append(rest, f) // no room to keep it back: then it is sent
		}
	}
	return rest
}

// release sends on what waited: the interval has ended.
func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gather.stop = nil
	if c.finished || c.leaving != "" {
		return
	}
	c.queueLocked(c.gather.waiting.take())
}

// queueLocked queues frames that waited and wakes the writer.
func (c *conn) queueLocked(frames []*Frame) {
	for _, f := range frames {
		if !c.queue.put(f) {
			c.tooSlowLocked()
			return
		}
	}
	if len(frames) > 0 {
		c.kick()
	}
}

// show changes what the page shows. What it did not show until now, and what must not wait any more, is sent at once.
func (c *conn) show(v View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.gather
	if g == nil || c.finished || c.leaving != "" {
		return
	}
	g.open, g.only = v.Open, nil
	if v.Only != nil {
		g.only = make(map[portal.Address]struct{}, len(v.Only))
		for _, who := range v.Only {
			g.only[who] = struct{}{}
		}
	}
	var now []*Frame
	for _, f := range g.asleep.take() {
		if g.shows(f.about) {
			now = append(now, f)
		} else {
			g.asleep.put(f) // there was room for it before
		}
	}
	waited := g.waiting.take()
	for _, f := range waited {
		taken, fits := c.offer(f)
		if !fits {
			c.tooSlowLocked()
			return
		}
		if !taken {
			now = append(now, f)
		}
	}
	if g.waiting.empty() {
		g.end()
	}
	c.queueLocked(now)
}

// drop forgets what is kept back and ends the timer.
func (g *gathering) drop() {
	if g != nil {
		g.waiting, g.asleep = queue{}, queue{}
		g.end()
	}
}

func (g *gathering) end() {
	if g.stop != nil {
		g.stop()
		g.stop = nil
	}
}

// Show says what the page behind one connection of a person shows. It matters to connections that gather alone.
func (h *Hub) Show(who portal.Address, id string, v View) {
	h.mu.RLock()
	conns := h.people[who]
	h.mu.RUnlock()
	for _, c := range conns {
		if c.ID == id {
			c.show(v)
		}
	}
}

// afterFunc is the clock of intervals where none was given.
func afterFunc(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }
