package ews

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Connector reaches the calendars of all configured Exchange servers. It is safe for concurrent use.
type Connector struct {
	o       Options
	hosts   []*host
	zones   *zoneBook
	health  *health
	homes   *homes
	places  chan struct{} // of calls to mailboxes whose server is not known yet; see Place
	smtp    *nameBook
	said    *answerBook
	asked   *answerLog
	series  *seriesBook
	noted   *noteBook
	cards   *cardBook
	watched watched
	fresh   *freshBook
	makes   *together[*soap.CalendarItem, soap.ItemID]
	reads   *together[string, portal.Entry]
	flight  singleflight.Group
}

// New builds a connector; it speaks to no server yet. Without a server every call is ErrUnavailable "calendar.none".
func New(o Options) (*Connector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Connector{o: o, zones: newZoneBook(), health: newHealth(o.Handler), homes: newHomes(o.Now), places: make(chan struct{}, o.Places), smtp: newNameBook(),
		said: newAnswerBook(), asked: newAnswerLog(), series: newSeriesBook(), noted: newNoteBook(o.Now), cards: newCardBook(o.Now),
		fresh: newFreshBook(), makes: newTogether[*soap.CalendarItem, soap.ItemID](), reads: newTogether[string, portal.Entry]()}
	for _, s := range o.Servers {
		h, err := newHost(c, s)
		if err != nil {
			return nil, fmt.Errorf("ews: server %s: %w", s.Name, err)
		}
		c.hosts = append(c.hosts, h)
	}
	return c, nil
}

// Run keeps the bells of the watched mailboxes until ctx ends.
func (c *Connector) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, h := range c.hosts {
		all.Go(func() { h.bells.run(ctx) })
		all.Go(func() { h.lookOut(ctx) })
	}
	all.Go(func() { c.sortOut(ctx) })
	all.Wait()
	c.Close()
	return nil
}

// Close closes the connections that are not in use; for those who never call Run, which does so at its end.
func (c *Connector) Close() {
	for _, h := range c.hosts {
		h.close()
	}
}

// Watch is the whole set of mailboxes whose bell is wanted; it does not block. Each mailbox rings at the server that
// it lives on.
func (c *Connector) Watch(people []portal.Address) {
	c.health.watch(people)
	c.watched.set(people)
	c.spread()
}

// sortOut finds out where the watched mailboxes live, and tells each server its own.
func (c *Connector) sortOut(ctx context.Context) {
	if len(c.hosts) < 2 {
		return
	}
	var lists map[portal.Address]*host
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.homes.changed:
		}
		var unknown []portal.Address
		lists, unknown = c.housed(lists)
		c.hand(lists)
		again := c.locateAll(ctx, unknown, lists)
		if ctx.Err() != nil {
			return
		}
		c.hand(lists)
		if again { // a server that did not answer may be the home of some
			if !c.homes.rest(ctx, c.o.Jitter(c.o.Bells.Backoff)) {
				return
			}
			c.homes.poke()
		}
	}
}

// housed gives the wanted mailboxes whose server is known (those that have to be asked for anew stay where they were meanwhile),
// and those to ask for.
func (c *Connector) housed(before map[portal.Address]*host) (lists map[portal.Address]*host, unknown []portal.Address) {
	lists = map[portal.Address]*host{}
	for _, who := range c.homes.wanted() {
		at, ok := c.homes.get(c.o.Mailbox(who))
		switch {
		case ok && at.host != nil:
			lists[who] = at.host
			continue
		case !ok && before[who] != nil:
			lists[who] = before[who]
		}
		unknown = append(unknown, who)
	}
	return lists, unknown
}

// locateAll finds out where mailboxes live, some at a time, and writes it into lists. again: some could not be asked for now; they
// stay where they were.
func (c *Connector) locateAll(ctx context.Context, unknown []portal.Address, lists map[portal.Address]*host) (again bool) {
	var (
		mu     sync.Mutex
		g      errgroup.Group
		handed time.Time
	)
	g.SetLimit(subscribers)
	for _, who := range unknown {
		g.Go(func() error {
			h, err := c.home(ctx, who, who)
			if ctx.Err() != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				lists[who] = h
				if time.Since(handed) > time.Second { // those who are found wait for no server that is slow
					handed = time.Now()
					c.hand(lists)
				}
				return nil
			case errors.Is(err, portal.ErrUnavailable):
				again = true
			default:
				delete(lists, who)
			}
			c.health.note(who, translate(err))
			return nil
		})
	}
	_ = g.Wait() // each error is noted
	return again
}

// hand tells each server whose bells it is to ring.
func (c *Connector) hand(lists map[portal.Address]*host) {
	of := map[*host][]post{}
	for _, p := range c.watched.posts() {
		if h := lists[p.who]; h != nil {
			of[h] = append(of[h], p)
		}
	}
	for _, h := range c.hosts {
		h.bells.watch(of[h])
	}
}

// Check signs in to one server by name, for people who set it up: nil, or why it does not work.
func (c *Connector) Check(ctx context.Context, server string) error {
	for _, h := range c.hosts {
		if h.s.Name == server {
			return translate(h.check(ctx, soap.As{}))
		}
	}
	return portal.Fail(portal.ErrNotFound, "exchange.server").With("Name", server)
}

// Ready is nil unless a server is known not to answer.
func (c *Connector) Ready() error {
	var errs []error
	for _, h := range c.hosts {
		if err := h.down(); err != nil {
			errs = append(errs, fmt.Errorf("server %s: %w", h.s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// access is one mailbox reached for somebody.
type access struct {
	*soap.Client
	c    *Connector
	host *host
	as   soap.As
	// reader is on whose behalf, owner whose mailbox.
	reader, owner portal.Address
	email         string // of the owner
	// mailbox names the owner in requests, "" where the call is made as the owner.
	mailbox string
}

// folder is a well-known folder of the owner.
func (a *access) folder(name string) soap.FolderRef { return soap.WellKnown(name, a.mailbox) }

// do reaches the owner's mailbox for the reader and does something there. A mailbox that has moved is looked for once
// more. What it learns about reaching the mailbox is noted. A server that is away is not asked, see outage.
func (c *Connector) do(ctx context.Context, reader, owner portal.Address, op func(a *access) error) error {
	a, err := c.attempt(ctx, reader, owner, op)
	if err != nil && a != nil && elsewhere(err) && len(c.hosts) > 1 {
		c.homes.forget(a.email)
		a, err = c.attempt(ctx, reader, owner, op)
	}
	if ctx.Err() == nil || err == nil {
		if reader == owner { // what keeps others out says nothing of the mailbox
			c.health.note(owner, err)
		}
		if a != nil {
			a.host.learn(err)
			a.host.secrets.learn(reader, a.as.Credentials, err)
		}
	}
	return translate(err)
}

// on is do for what is done with entries: that a mailbox is not found, as while it moves, does not mean that the entry is
// gone.
func (c *Connector) on(ctx context.Context, reader, owner portal.Address, op func(a *access) error) error {
	err := c.do(ctx, reader, owner, op)
	if errors.Is(err, portal.ErrNotFound) && (elsewhere(err) || portal.Reason(err) == "exchange.no-mailbox") {
		return portal.Fail(portal.ErrUnavailable, "exchange.no-mailbox").Because(errors.New(err.Error())) // not as what it was
	}
	return err
}

// attempt is one try of do; the access is nil where there was none.
func (c *Connector) attempt(ctx context.Context, reader, owner portal.Address, op func(a *access) error) (*access, error) {
	h, err := c.home(ctx, reader, owner)
	if err != nil {
		return nil, err
	}
	turn, err := h.outage.enter()
	if err != nil {
		return nil, err
	}
	if turn != 0 {
		defer h.outage.leave(turn)
	}
	a, err := c.reach(ctx, h, reader, owner)
	if err != nil {
		return nil, err
	}
	a.as.Ahead = turn != 0
	return a, op(a)
}

func (c *Connector) reach(ctx context.Context, h *host, reader, owner portal.Address) (*access, error) {
	client, err := h.client(ctx, c.o.Mailbox(owner))
	if err != nil {
		return nil, err
	}
	as, mailbox, err := h.as(ctx, reader, owner)
	if err != nil {
		return nil, err
	}
	as.Trace = c.tracer(reader, h)
	return &access{Client: client, c: c, host: h, as: as, reader: reader, owner: owner, email: c.o.Mailbox(owner), mailbox: mailbox}, nil
}

// as is on whose behalf a call is made, and the owner's address where that has to be named in folders.
func (h *host) as(ctx context.Context, reader, owner portal.Address) (as soap.As, mailbox string, err error) {
	email := h.c.o.Mailbox(owner)
	as.Anchor = email
	if reader != owner {
		mailbox = email
	}
	switch {
	case h.s.Impersonate:
		as.Impersonate = h.c.o.Mailbox(reader)
	case h.c.o.Credentials != nil:
		if as.Credentials, err = h.credentials(ctx, reader); err != nil {
			return as, "", err
		}
	case reader != owner:
		// The account acts as itself: Exchange would apply its rights, not the reader's.
		return as, "", portal.Fail(portal.ErrForbidden, "exchange.rights")
	default:
		mailbox = email
	}
	return as, mailbox, nil
}

// reading is what it takes to understand the items of the mailbox.
func (a *access) reading(ctx context.Context) *reading {
	return &reading{voice: a.voice(ctx), owner: a.owner, own: a.email, zones: a.c.zones,
		note: func(what string, args ...any) { a.c.o.Logger.Info(what, append(args, "mailbox", a.email)...) }}
}

func (a *access) voice(ctx context.Context) voice {
	return voice{person: a.c.o.Person, smtp: func(dn string) string { return a.c.smtp.find(ctx, a, dn) }}
}

// elsewhere tells whether an error says that the mailbox is not where it was asked for.
func elsewhere(err error) bool {
	switch soap.Code(err) {
	case "ErrorNonExistentMailbox", "ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable", "ErrorWrongServerVersion",
		"ErrorMailboxDataArrayEmpty":
		return true
	}
	return false
}

// translate gives an error that people can be told: every one has a meaning and a sentence.
func translate(err error) error {
	var said *portal.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &said) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return portal.Fail(portal.ErrUnavailable, "exchange.down").Because(err)
	}
	code, wait := soap.Code(err), soap.BackOff(err)
	switch portal.Meaning(err) {
	case portal.ErrUnavailable, portal.ErrTooMany:
		key := "exchange.down"
		if code == "ErrorServerBusy" || wait > 0 || strings.HasPrefix(code, "ErrorExceeded") {
			key = "exchange.busy"
		}
		return portal.Fail(portal.ErrUnavailable, key).After(wait).Because(err)
	case portal.ErrUnauthenticated:
		return portal.Fail(portal.ErrUnauthenticated, "exchange.signin").Because(err)
	case portal.ErrForbidden:
		return portal.Fail(portal.ErrForbidden, "exchange.forbidden").Because(err)
	case portal.ErrNotFound:
		return portal.Fail(portal.ErrNotFound, "exchange.not-found").Because(err)
	case portal.ErrConflict:
		return portal.Fail(portal.ErrConflict, "calendar.conflict").Because(err)
	}
	if code == "" && !errors.Is(err, portal.ErrInvalid) {
		return portal.Fail(portal.ErrUnavailable, "exchange.down").Because(err)
	}
	return portal.Fail(portal.ErrInvalid, "exchange.refused").With("Code", code).Because(err)
}
