package realtime

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"portico/app/portal"
)

// Options of a Hub; zero values get the defaults named here.
type Options struct {
	// PingEvery is how often a silent connection is pinged (default 25 s); one that was not heard for
	// two and a half times that is dead.
	PingEvery time.Duration
	// Max is how many connections there may be in all (default 20,000).
	Max int
	// MaxPerPerson is how many connections one person may have at a time (default 64).
	MaxPerPerson int
	Logger       *slog.Logger
	Now          func() time.Time
	// After runs f once, d from now, unless stopped before: the clock of gathering (default time.AfterFunc).
	After func(d time.Duration, f func()) (stop func() bool)
	// Opened, Closed and Slow are told of connections, for the metrics; they must not block.
	Opened, Closed, Slow func()
}

// Hub holds everybody's live connections.
type Hub struct {
	opts     Options
	log      *slog.Logger
	now      func() time.Time
	after    func(time.Duration, func()) func() bool
	metrics  hooks
	ctx      context.Context // ends every connection
	cancel   context.CancelFunc
	children sync.WaitGroup // readers and writers of WebSockets
	together sync.Pool      // buffers of socket.writeTogether
	packers  sync.Pool      // what packs frames, of *packer

	mu      sync.RWMutex
	people  map[portal.Address][]*conn
	conns   map[*conn]struct{}
	closing bool
	// read is how people's pages were rendered last; no more than maxRead, any of which goes for another.
	read map[portal.Address]Audience
}

// maxRead bounds what is remembered of people whose pages are closed.
const maxRead = 50_000

type hooks struct{ opened, closed, slow func() }

// NewHub makes a hub; Run gives it life.
func NewHub(o Options) *Hub {
	if o.PingEvery <= 0 {
		o.PingEvery = 25 * time.Second
	}
	if o.Max <= 0 {
		o.Max = 20_000
	}
	if o.MaxPerPerson <= 0 {
		o.MaxPerPerson = 64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = afterFunc
	}
	h := &Hub{opts: o, log: o.Logger, now: o.Now, after: o.After, people: map[portal.Address][]*conn{}, conns: map[*conn]struct{}{}, read: map[portal.Address]Audience{}}
	h.packers.New = newPacker
	h.metrics = hooks{orNothing(o.Opened), orNothing(o.Closed), orNothing(o.Slow)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

func orNothing(f func()) func() {
	if f == nil {
		return func() {}
	}
	return f
}

// Run pings silent connections and cuts dead ones until ctx ends; then it cuts all that Drain has not
// closed and returns when the last goroutine of a connection has ended.
func (h *Hub) Run(ctx context.Context) error {
	tick := time.NewTicker(h.opts.PingEvery / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			h.stop()
			return nil
		case <-tick.C:
			h.ping()
		}
	}
}

func (h *Hub) stop() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.cancel()
	for _, c := range h.all() {
		c.wire.cut()
	}
	h.children.Wait()
}

// ping asks for a ping on each connection that has been silent for PingEvery, and cuts the dead. Since
// the check runs five times an interval, the pings of many connections spread over it.
func (h *Hub) ping() {
	now := h.now().Unix()
	every := int64(h.opts.PingEvery / time.Second)
	for _, c := range h.all() {
		switch silent := now - c.heard.Load(); {
		case silent > every*5/2+1:
			c.wire.cut()
		case silent >= every:
			c.askPing()
		}
	}
}

func (h *Hub) all() []*conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		out = append(out, c)
	}
	return out
}

// enter registers a WebSocket and starts its writer (hello, replay, snapshot, then the queue) and its
// reader. A refused one is told so and closed.
func (h *Hub) enter(c *conn, read func()) {
	c.writing = true
	if refused := h.register(c, 2); refused != "" {
		c.refuse(refused)
		c.wire.cut()
		return
	}
	go func() {
		defer h.children.Done()
		c.write()
	}()
	go func() {
		defer h.children.Done()
		defer h.exit(c)
		read()
	}()
}

// write is the first writer of a WebSocket's life.
func (c *conn) write() {
	err := c.open()
	if err == nil {
		c.flush()
		return
	}
	if c.ctx.Err() == nil && !errors.Is(err, errWire) {
		c.hub.log.Warn("live connection could not start", "person", c.Person, "error", err)
		c.bye(ReasonUnavailable, c.hub.comeBack())
	}
	c.wire.cut()
}

// refuse ends a connection that was not let in.
func (c *conn) refuse(reason string) {
	defer c.cancel()
	c.bye(reason, c.hub.comeBack())
}

// register adds c with its goroutines, unless its person has too many connections or the hub closes;
// then it returns why.
func (h *Hub) register(c *conn, goroutines int) (refused string) {
	h.mu.Lock()
	mine := h.people[c.Person]
	switch {
	case h.closing:
		refused = ReasonDraining
	case len(mine) >= h.opts.MaxPerPerson:
		refused = ReasonTooMany
	case len(h.conns) >= h.opts.Max:
		refused = ReasonUnavailable
	}
	if refused != "" {
		h.mu.Unlock()
		return refused
	}
	// A new slice each time: Send reads the old one without the lock.
	h.people[c.Person] = append(mine[:len(mine):len(mine)], c)
	h.conns[c] = struct{}{}
	h.remember(c.Person, c.Audience)
	h.children.Add(goroutines)
	h.mu.Unlock()
	h.metrics.opened()
	c.door.Attached(c.Client)
	return ""
}

// exit removes c; called once, by its reader (or the handler of an event stream) as its last act.
func (h *Hub) exit(c *conn) {
	h.mu.Lock()
	delete(h.conns, c)
	mine := h.people[c.Person]
	rest := make([]*conn, 0, len(mine))
	for _, other := range mine {
		if other != c {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(h.people, c.Person)
	} else {
		h.people[c.Person] = rest
	}
	h.mu.Unlock()
	c.finish()
	c.wire.cut()
	h.metrics.closed()
	c.door.Detached(c.Client)
}

// Send queues f for every connection of every person in to. It touches memory only and never blocks.
// Frames sent one after the other reach each connection in that order.
func (h *Hub) Send(to []portal.Address, f *Frame) {
	for _, who := range to {
		h.mu.RLock()
		conns := h.people[who]
		h.mu.RUnlock()
		for _, c := range conns {
			c.send(f)
		}
	}
}

// SendTo queues f for one connection of a person, by its Client.ID.
func (h *Hub) SendTo(who portal.Address, id string, f *Frame) {
	h.mu.RLock()
	conns := h.people[who]
	h.mu.RUnlock()
	for _, c := range conns {
		if c.ID == id {
			c.send(f)
		}
	}
}

// Connections is how many live connections there are.
func (h *Hub) Connections() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.conns)
}

// People are those who have a live connection, in no order.
func (h *Hub) People() []portal.Address {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]portal.Address, 0, len(h.people))
	for who := range h.people {
		all = append(all, who)
	}
	return all
}

// Online is how many live connections a person has.
func (h *Hub) Online(who portal.Address) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.people[who])
}

// Sessions are those that have a live connection.
func (h *Hub) Sessions() map[string]bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	sessions := make(map[string]bool, len(h.conns))
	for c := range h.conns {
		sessions[c.Session] = true
	}
	return sessions
}

// remember keeps how a person's pages are rendered; h.mu is held.
func (h *Hub) remember(who portal.Address, a Audience) {
	if a.Encoding != HTML {
		return // a program reads in no language
	}
	if _, known := h.read[who]; !known && len(h.read) >= maxRead {
		for other := range h.read {
			delete(h.read, other)
			break
		}
	}
	h.read[who] = a
}

// Audience is how the page was rendered that a person opened last; the zero value where none was.
func (h *Hub) Audience(who portal.Address) Audience {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.read[who]
}

// EndSession closes every connection that came with the session; their browsers are told not to return.
func (h *Hub) EndSession(session string) {
	for _, c := range h.all() {
		if c.Session == session {
			c.leave(ReasonSessionEnded, -1)
			h.cutAfter(c, byeTimeout)
		}
	}
}

// Drain tells every browser to come back, spread over a time that grows with their number so that they
// do not all return at once, refuses new connections, and returns when all have gone or ctx ends.
func (h *Hub) Drain(ctx context.Context) {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	conns := h.all()
	spread := min(max(time.Duration(len(conns))*time.Millisecond, 500*time.Millisecond), 8*time.Second)
	for _, c := range conns {
		c.leave(ReasonDraining, 500*time.Millisecond+rand.N(spread))
		h.cutAfter(c, byeTimeout)
	}
	for _, c := range conns {
		select {
		case <-c.ctx.Done():
		case <-ctx.Done():
			return
		}
	}
}

// cutAfter cuts c when it has not gone by itself after d.
func (h *Hub) cutAfter(c *conn, d time.Duration) {
	stop := time.AfterFunc(d, c.wire.cut)
	context.AfterFunc(c.ctx, func() { stop.Stop() })
}

// comeBack is when a refused browser should try again: spread, so that refusals do not come in waves.
func (h *Hub) comeBack() time.Duration { return time.Second + rand.N(4*time.Second) }
