package sipua

// Saying that a person is typing (RFC 3994), and what is known of peers' abilities.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
	"portico/app/sipua/iscomposing"
)

const (
	// typingRefresh is what is promised in an active status; it is repeated a little earlier.
	typingRefresh = 60 * time.Second
	// typingIdle is how long after the last sign of typing the person counts as idle (RFC 3994 section 3.2).
	typingIdle = 15 * time.Second
	// typingBudget bounds one status message; nobody waits for it.
	typingBudget = 5 * time.Second
)

// composing is what a peer was told of a person's typing. It is guarded by the line's mutex.
type composing struct {
	l     *line
	to    portal.Address
	sent  time.Time // when active was last said
	timer timer     // to idle
}

// SendTyping is told at each sign of typing, and when it has stopped. A status goes out when it is
// news or due again; without further signs the peer is told idle after a while. Nothing is sent to
// those known to be offline or not to understand it.
func (a *Agent) SendTyping(ctx context.Context, from, to portal.Address, typing bool) error {
	l, err := a.speaker(ctx, from)
	if err != nil {
		return err
	}
	if l.knowsOffline(to) || a.caps.ignoresTyping(to) || (a.cfg.RoomsDomain != "" && to.Domain() == a.cfg.RoomsDomain) {
		return nil
	}
	if !typing {
		if !l.forgetTyping(to) {
			return nil
		}
		return l.sendStatus(ctx, to, iscomposing.Status{ContentType: "text/plain"})
	}
	l.mu.Lock()
	c := l.typing[to]
	if c == nil {
		c = &composing{l: l, to: to}
		if l.typing == nil {
			l.typing = map[portal.Address]*composing{}
		}
		l.typing[to] = c
	}
	due := time.Since(c.sent) > typingRefresh*3/4
	if due {
		c.sent = time.Now()
	}
	l.mu.Unlock()
	a.clock.after(&c.timer, c, typingIdle)
	if !due {
		return nil
	}
	return l.sendStatus(ctx, to, iscomposing.Status{Active: true, ContentType: "text/plain", Refresh: typingRefresh})
}

// wake is called when there was no sign of typing for a while.
func (c *composing) wake(time.Time) {
	if !c.l.forgetTyping(c.to) {
		return
	}
	said := c.l.a.lanes.put("typing "+string(c.l.who), func() {
		ctx, cancel := context.WithTimeout(context.Background(), typingBudget)
		defer cancel()
		if err := c.l.sendStatus(ctx, c.to, iscomposing.Status{ContentType: "text/plain"}); err != nil {
			c.l.a.cfg.Logger.Debug("idle not said", "person", c.l.who, "error", err)
		}
	})
	if !said { // the peer's own clock ends it
		c.l.a.cfg.Logger.Debug("idle not said: too busy", "person", c.l.who)
	}
}

// forgetTyping ends what a peer was told; a message says by itself that the person is not typing any
// more. It reports whether they were.
func (l *line) forgetTyping(to portal.Address) bool {
	l.mu.Lock()
	c := l.typing[to]
	delete(l.typing, to)
	if len(l.typing) == 0 {
		l.typing = nil
	}
	l.mu.Unlock()
	if c == nil {
		return false
	}
	l.a.clock.stop(&c.timer)
	return true
}

func (l *line) sendStatus(ctx context.Context, to portal.Address, s iscomposing.Status) error {
	ctx, cancel := context.WithTimeout(ctx, typingBudget)
	defer cancel()
	res, err := l.message(ctx, to, iscomposing.MediaType, iscomposing.Encode(s), token(16))
	if err != nil {
		_, err = outcome(nil, err)
		return err
	}
	if refusesType(res.StatusCode) || res.StatusCode/100 == 4 {
		l.a.caps.refusesTyping(to)
	}
	return nil
}

// knowsOffline reports whether the server's last word on somebody is that nobody is there.
func (l *line) knowsOffline(who portal.Address) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.subs[who]
	return s != nil && s.is(subOffline)
}

// takesCPIM reports whether a peer is known to read message/cpim.
func (l *line) takesCPIM(who portal.Address) bool {
	if l.a.cfg.RoomsDomain != "" && who.Domain() == l.a.cfg.RoomsDomain {
		return false
	}
	l.mu.Lock()
	s := l.subs[who]
	claimed := s != nil && s.is(subCPIM)
	l.mu.Unlock()
	// Whoever is signed in here reads it here, also before the server has told so.
	return l.a.caps.takesCPIM(who, claimed || l.a.line(who) != nil)
}

// capabilities is what experience says of peers. It holds at most maxPeers; beyond that any one is
// forgotten, which costs a try.
type capabilities struct {
	mu sync.Mutex
	m  map[portal.Address]capability
}

type capability struct {
	cpim             bool
	noCPIM, noTyping time.Time // not before
}

const (
	maxPeers = 20000
	// capabilityPause is how long something refused is not tried again.
	capabilityPause = 10 * time.Minute
)

func newCapabilities() *capabilities { return &capabilities{m: map[portal.Address]capability{}} }

func (c *capabilities) change(who portal.Address, f func(*capability)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.m[who]
	if !ok && len(c.m) >= maxPeers {
		for other := range c.m {
			delete(c.m, other)
			break
		}
	}
	f(&p)
	c.m[who] = p
}

func (c *capabilities) readsCPIM(who portal.Address) {
	c.mu.Lock()
	known := c.m[who].cpim
	c.mu.Unlock()
	if !known {
		c.change(who, func(p *capability) { p.cpim = true })
	}
}

func (c *capabilities) refusesCPIM(who portal.Address) {
	c.change(who, func(p *capability) { p.cpim, p.noCPIM = false, time.Now().Add(capabilityPause) })
}

func (c *capabilities) refusesTyping(who portal.Address) {
	c.change(who, func(p *capability) { p.noTyping = time.Now().Add(capabilityPause) })
}

func (c *capabilities) takesCPIM(who portal.Address, claimed bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.m[who]
	return (p.cpim || claimed) && time.Now().After(p.noCPIM)
}

func (c *capabilities) ignoresTyping(who portal.Address) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.m[who].noTyping)
}
