package ews

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Homes: which mailbox lives on which server. With several servers it is found out by asking, the primary first,
// and remembered until the mailbox is no longer found there.

const (
	homeLasts = 12 * time.Hour   // then it is asked for again
	noneLasts = 5 * time.Minute  // that no server has it
	maxHomes  = 200_000          // remembered; a full book is begun anew
	foundTime = 24 * time.Hour   // what Autodiscover said
	askBound  = 30 * time.Second // for asking one server
)

type homes struct {
	now     func() time.Time
	changed chan struct{}
	mu      sync.Mutex
	known   map[string]home
	people  map[portal.Address]bool
	// returned is rung when a server that was away is back: it may be the home of some.
	returned chan struct{}
}

// home is where a mailbox lives; a nil host: nowhere.
type home struct {
	host  *host
	until time.Time
}

func newHomes(now func() time.Time) *homes {
	return &homes{now: now, changed: make(chan struct{}, 1), known: map[string]home{}, people: map[portal.Address]bool{}, returned: make(chan struct{}, 1)}
}

func (h *homes) back() {
	select {
	case h.returned <- struct{}{}:
	default: // it is rung already
	}
}

// rest waits, for a server that comes back at most; false: ctx ended.
func (h *homes) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-h.returned:
	}
	return true
}

func (h *homes) get(email string) (home, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.known[strings.ToLower(email)]
	return at, ok && h.now().Before(at.until)
}

func (h *homes) set(email string, at *host) {
	lasts := homeLasts
	if at == nil {
		lasts = noneLasts
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxHomes {
		clear(h.known)
	}
	h.known[strings.ToLower(email)] = home{at, h.now().Add(lasts)}
}

func (h *homes) forget(email string) {
	h.mu.Lock()
	delete(h.known, strings.ToLower(email))
	h.mu.Unlock()
}

// want notes whose bells are wanted; the newest set replaces the older.
func (h *homes) want(people []portal.Address) {
	set := make(map[portal.Address]bool, len(people))
	for _, p := range people {
		set[p] = true
	}
	h.mu.Lock()
	same := maps.Equal(set, h.people)
	h.people = set
	h.mu.Unlock()
	if !same {
		h.poke()
	}
}

func (h *homes) wanted() []portal.Address {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.people))
}

func (h *homes) poke() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// errNoServer is that nobody has named a server yet.
func errNoServer() error { return portal.Fail(portal.ErrUnavailable, "calendar.none") }

// home gives the server of the owner's mailbox.
func (c *Connector) home(ctx context.Context, reader, owner portal.Address) (*host, error) {
	switch len(c.hosts) {
	case 0:
		return nil, errNoServer()
	case 1:
		return c.hosts[0], nil
	}
	email := c.o.Mailbox(owner)
	at, ok := c.homes.get(email)
	if !ok {
		// Many who ask for the same mailbox at once ask the servers once.
		found, err, _ := c.flight.Do("home "+strings.ToLower(email)+" "+string(reader), func() (any, error) {
			return c.locate(ctx, reader, owner, email)
		})
		if err != nil {
			return nil, err
		}
		at.host = found.(*host)
	}
	if at.host == nil {
		return nil, portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	return at.host, nil
}

// locate asks one server after the other, those that are away last. Where one did not answer and none other has the mailbox nothing
// is known.
func (c *Connector) locate(ctx context.Context, reader, owner portal.Address, email string) (*host, error) {
	var away error
	hosts := slices.Clone(c.hosts)
	slices.SortStableFunc(hosts, func(x, y *host) int { return cmp.Compare(x.outage.rank(), y.outage.rank()) })
	for _, h := range hosts {
		err := h.has(ctx, reader, owner, email)
		switch {
		case err == nil, errors.Is(err, portal.ErrForbidden) && soap.Code(err) == "ErrorAccessDenied":
			c.homes.set(email, h)
			return h, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, portal.ErrNotFound), absent(err):
		default:
			c.o.Logger.Debug("a server does not say whether a mailbox is its own", "server", h.s.Name, "error", err)
			if away == nil || errors.Is(err, portal.ErrUnavailable) {
				away = err
			}
		}
	}
	if away != nil {
		return nil, away
	}
	c.homes.set(email, nil)
	return nil, nil
}

// absent tells whether a server says that it does not have a mailbox.
func absent(err error) bool {
	switch soap.Code(err) {
	case "ErrorNonExistentMailbox", "ErrorMissingEmailAddress", "ErrorInvalidSmtpAddress", "ErrorFolderNotFound", "ErrorItemNotFound",
		"ErrorImpersonationFailed", "ErrorAddressSpaceNotFound", "ErrorProxiedSubscriptionCallFailure":
		return true
	}
	return false
}

// has asks a server for a mailbox's calendar. It waits no longer for one that turns out to be away: another may have it.
func (h *host) has(ctx context.Context, reader, owner portal.Address, email string) error {
	ctx, end := context.WithTimeout(ctx, askBound)
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turn, err := h.outage.enter()
	if err != nil {
		return err
	}
	if turn != 0 {
		defer h.outage.leave(turn)
	} else {
		defer h.outage.whenAway(func() { cancel(errSilentServer) })()
	}
	client, err := h.client(ctx, email)
	if err != nil {
		return err
	}
	as, mailbox, err := h.as(ctx, reader, owner)
	if err != nil {
		return err
	}
	as.Ahead = turn != 0
	res, err := client.GetFolder(ctx, as, &soap.GetFolder{Shape: soap.FolderShape{BaseShape: soap.IDOnly},
		Folders: []soap.FolderRef{soap.WellKnown("calendar", mailbox)}})
	if err == nil {
		_, err = one(res.Messages)
	}
	h.secrets.learn(reader, as.Credentials, err)
	h.learn(err)
	if away := h.outage.refused(); err != nil && away != nil {
		return away
	}
	return err
}
