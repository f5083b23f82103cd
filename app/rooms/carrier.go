package rooms

// What goes to SIP members: each message of a room in the room's order, to each of them by themselves.

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// maxCarried bounds what waits for all members of all rooms; beyond it a member's oldest is left out.
	maxCarried = 200_000
	// maxHeld bounds the messages of one room that wait for one before them; when there are more, that one is looked
	// for at once.
	maxHeld = 256
	// lookTimeout bounds looking for one message in the store.
	lookTimeout = 5 * time.Second
)

// carrier owns what is on its way to SIP members. Memory holds it: what waits for one member of one room is bounded by
// Options.SendQueue, and when there is more the oldest is left out and the member told how many were. A member who
// cannot be reached is tried again with growing pauses, in a lane of their own, and no others wait for them: lanes
// with failures have at most half of the senders.
type carrier struct {
	line Line
	o    Options
	say  func(to portal.Address, key string, args ...string) string
	// called gives people's names, look a message that was missed, at the room's present address.
	called func(portal.Address) string
	look   func(ctx context.Context, r *room, place int64) (portal.RoomMessage, error)
	at     func(*room) portal.Address
	bell   chan struct{}

	mu      sync.Mutex
	work    *sync.Cond
	orders  map[*room]*order
	lanes   map[laneKey]*lane
	ready   []*lane
	later   laneHeap
	suspect int
	total   int
	done    bool
}

// order puts a room's messages, which are heard of in any order, into that of their places.
type order struct {
	next int64
	held map[int64]heldBack
	// since is when the oldest of held began to wait.
	since time.Time
}

// heldBack is a message as it is to be read, with whom it goes to.
type heldBack struct {
	piece piece
	from  portal.Address
	to    []portal.Address
}

func newCarrier(line Line, o Options) *carrier {
	c := &carrier{line: line, o: o, bell: make(chan struct{}, 1), orders: map[*room]*order{}, lanes: map[laneKey]*lane{}}
	c.work = sync.NewCond(&c.mu)
	return c
}

// open begins a room's order: next is the place of the first message that SIP members get.
func (c *carrier) open(r *room, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders[r] = &order{next: next, held: map[int64]heldBack{}}
}

// close ends it: the room has no SIP members any more.
func (c *carrier) close(r *room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.orders, r)
}

// said takes m, which is in its place now, to those of to but its sender. It waits for nobody.
func (c *carrier) said(r *room, m portal.RoomMessage, to []portal.Address) {
	h := c.written(m, to)
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[r]
	if o == nil || m.Place < o.next {
		return
	}
	if len(o.held) == 0 {
		o.since = c.o.Now()
	}
	o.held[m.Place] = h
	c.release(r, o)
	if len(o.held) > 0 {
		c.ring()
	}
}

// release sends on what has nothing before it any more. Called with the lock held.
func (c *carrier) release(r *room, o *order) {
	for {
		h, there := o.held[o.next]
		if !there {
			return
		}
		delete(o.held, o.next)
		o.next++
		o.since = c.o.Now()
		for _, who := range h.to {
			if who != h.from {
				c.put(laneKey{r, who}, h.piece)
			}
		}
	}
}

// written is a message as SIP members read it. Called without the lock: sentences and names may have to be looked up.
func (c *carrier) written(m portal.RoomMessage, to []portal.Address) heldBack {
	text := c.called(m.From) + ": " + m.Text
	for i, f := range m.Files {
		if i > 0 || m.Text != "" {
			text += "\n"
		}
		text += c.say("", WordFile, "Name", f.Name)
	}
	id := "p" + strconv.FormatInt(m.Place, 10) + "-" + m.At.UTC().Format("20060102150405")
	return heldBack{piece{id: id, text: text, at: m.At}, m.From, to}
}

// tell sends words of the room to somebody, behind what they are still to get.
func (c *carrier) tell(r *room, to portal.Address, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(laneKey{r, to}, piece{id: token(), text: text, at: c.o.Now().UTC()})
}

// forget drops what waits for somebody who has left.
func (c *carrier) forget(r *room, who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lanes[laneKey{r, who}]; l != nil {
		c.total -= len(l.queue)
		l.queue, l.missed = nil, 0
		c.retire(l)
	}
}

// put queues p for one member, and leaves out the oldest where there are too many. Called with the lock held.
func (c *carrier) put(key laneKey, p piece) {
	l := c.lanes[key]
	if l == nil {
		l = &lane{key: key, index: -1}
		c.lanes[key] = l
	}
	l.queue = append(l.queue, p)
	c.total++
	if len(l.queue) > c.o.SendQueue || c.total > maxCarried {
		first := 0
		if l.running { // the head is just being sent
			first = min(1, len(l.queue)-1)
		}
		l.missed += max(1, l.queue[first].missed)
		l.queue = append(l.queue[:first], l.queue[first+1:]...)
		c.total--
	}
	c.schedule(l)
}

// run sends until ctx is done, then for Options.Drain what can go at once, and returns when what is under way has ended.
func (c *carrier) run(ctx context.Context) error {
	sending, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	c.mu.Lock()
	c.done = false
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		c.done = true
		c.mu.Unlock()
		c.work.Broadcast()
	})
	defer stop()
	var senders sync.WaitGroup
	for range c.o.Senders {
		senders.Go(func() {
			for l, p := c.take(sending); l != nil; l, p = c.take(sending) {
				c.finish(l, p, c.send(sending, l.key, p))
			}
		})
	}
	c.watch(ctx)
	last := time.AfterFunc(c.o.Drain, end)
	defer last.Stop()
	senders.Wait()
	return nil
}

// send is one try. Who has no instant messages, be it since what waits for them was said, gets none.
func (c *carrier) send(ctx context.Context, key laneKey, p piece) error {
	if c.o.InForce(key.to).DisableIM {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.SendTimeout)
	defer cancel()
	if p.missed > 0 {
		p.text = c.say(key.to, WordMissed, "Count", strconv.Itoa(p.missed))
	}
	_, err := c.line.SendFromRoom(ctx, c.at(key.room), portal.Outgoing{To: key.to, ID: p.id, Text: p.text, At: p.at})
	if err != nil && ctx.Err() != nil && portal.Meaning(err) == nil {
		err = portal.Fail(portal.ErrUnavailable, "send.server-away").Because(err)
	}
	return err
}

// finish notes what came of a try.
func (c *carrier) finish(l *lane, p piece, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l, p, err)
	if err != nil {
		c.o.Logger.Debug("rooms: a message to a SIP member was not delivered", "to", l.key.to, "failures", l.failures, "err", err)
	}
}

// settle takes the head of a lane off, or leaves it for another try. Called with the lock held.
func (c *carrier) settle(l *lane, p piece, err error) {
	l.running = false
	if l.suspected {
		c.suspect--
		l.suspected = false
	}
	now := c.o.Now()
	again := portal.Meaning(err) == portal.ErrUnavailable || portal.Meaning(err) == portal.ErrTooMany
	if again {
		l.failures++
		var e *portal.Error
		wait := pause(c.o, l.failures)
		if errors.As(err, &e) {
			wait = max(wait, min(e.RetryAfter, c.o.MaxRetry))
		}
		l.due = now.Add(wait)
	} else {
		l.failures, l.due = 0, time.Time{}
	}
	old := now.Sub(p.at) >= c.o.MaxAge
	if head := len(l.queue) > 0 && l.queue[0].id == p.id; head && (!again || old) {
		l.queue = l.queue[1:]
		c.total--
		if again {
			l.missed += max(1, p.missed)
		}
	}
	c.schedule(l)
	c.work.Broadcast()
}

// watch wakes lanes whose pause is over and looks for messages that hold others back.
func (c *carrier) watch(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		next := c.wake()
		next = min(next, c.gaps(ctx))
		timer.Reset(next)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-c.bell:
		}
	}
}

func (c *carrier) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// gap is a place that holds a room back.
type gap struct {
	r     *room
	place int64
}

// gaps looks in the store for messages that were given a place of which nobody told, and gives the time to the next
// look.
func (c *carrier) gaps(ctx context.Context) time.Duration {
	found, next := c.missing()
	for _, g := range found {
		look, cancel := context.WithTimeout(ctx, lookTimeout)
		m, err := c.look(look, g.r, g.place)
		cancel()
		gone := portal.Meaning(err) == portal.ErrNotFound
		if err != nil && !gone {
			c.o.Logger.Warn("rooms: a message for SIP members cannot be read", "place", g.place, "err", err)
			next = min(next, c.o.GapWait)
			continue
		}
		c.fill(g, m, gone)
		next = 0
	}
	return next
}

// missing are the gaps that have lasted long enough.
func (c *carrier) missing() (found []gap, next time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = time.Hour
	now := c.o.Now()
	for r, o := range c.orders {
		if len(o.held) == 0 {
			continue
		}
		if wait := c.o.GapWait - now.Sub(o.since); wait > 0 && len(o.held) <= maxHeld {
			next = min(next, wait)
			continue
		}
		found = append(found, gap{r, o.next})
	}
	return found, next
}

// fill closes a gap with the message that is there, or without one.
func (c *carrier) fill(g gap, m portal.RoomMessage, gone bool) {
	h := c.written(m, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[g.r]
	if o == nil || o.next != g.place || len(o.held) == 0 {
		return
	}
	if gone || !m.DeletedAt.IsZero() {
		o.next++
	} else {
		h.to = c.next(o)
		o.held[g.place] = h
	}
	c.release(g.r, o)
}

// next is to whom the next message that is held back goes. Called with the lock held.
func (c *carrier) next(o *order) []portal.Address {
	var place int64
	for p := range o.held {
		if place == 0 || p < place {
			place = p
		}
	}
	return o.held[place].to
}
