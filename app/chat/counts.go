package chat

// Unread counts, told after the change. A burst of messages to one person is counted once.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

// countTimeout bounds one look at the archive.
const countTimeout = 5 * time.Second

// counts holds who is to be told their unread counts. It holds each person at most once, so it is
// bounded by the number of people; one goroutine tells them, so that no older count follows a newer one.
type counts struct {
	log  Log
	o    Options
	bell chan struct{}

	mu   sync.Mutex
	who  map[portal.Address]struct{}
	line []portal.Address
}

func newCounts(log Log, o Options) *counts {
	return &counts{log: log, o: o, bell: make(chan struct{}, 1), who: map[portal.Address]struct{}{}}
}

// changed says that who's counts are no longer what was told last.
func (c *counts) changed(who portal.Address) {
	c.mu.Lock()
	if _, there := c.who[who]; !there {
		c.who[who] = struct{}{}
		c.line = append(c.line, who)
	}
	c.mu.Unlock()
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

func (c *counts) run(ctx context.Context) error {
	for {
		who, ok := c.next()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-c.bell:
				continue
			}
		}
		c.tell(ctx, who)
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (c *counts) next() (portal.Address, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) == 0 {
		return "", false
	}
	who := c.line[0]
	c.line = c.line[1:]
	delete(c.who, who)
	return who, true
}

func (c *counts) tell(ctx context.Context, who portal.Address) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	now, err := c.now(ctx, who)
	if err != nil {
		if ctx.Err() == nil {
			c.o.Logger.Warn("chat: unread messages could not be counted", "who", who, "err", err)
		}
		return
	}
	c.o.Emit(who, now)
}

// now counts all that waits for somebody, here and in the rooms that count beside.
func (c *counts) now(ctx context.Context, who portal.Address) (portal.CountsEvent, error) {
	unread, err := c.log.Unread(ctx, who)
	if err != nil {
		return portal.CountsEvent{}, err
	}
	ev := portal.CountsEvent{Unread: unread}
	if ev.Unread == nil {
		ev.Unread = map[portal.Address]int{}
	}
	for _, count := range c.o.Beside {
		if err := count(ctx, who, &ev); err != nil {
			return portal.CountsEvent{}, err
		}
	}
	return ev, nil
}

// Counts is all that waits for somebody: unread messages, and what Options.Beside count.
func (s *Service) Counts(ctx context.Context, who portal.Address) (portal.CountsEvent, error) {
	return s.counts.now(ctx, who)
}

// Recount says that what waits for somebody is no longer what their browsers were told last.
func (s *Service) Recount(who portal.Address) { s.counts.changed(who) }
