package calendar

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Catalogue keys of this room.
const (
	keyNone       = "calendar.none"             // no Exchange is configured
	keyNotFound   = "calendar.not-found"        // no such appointment
	keyConflict   = "calendar.conflict"         // changed by somebody else meanwhile
	keyGone       = "calendar.gone"             // deleted by somebody else meanwhile
	keyForwarding = "calendar.forward-unsure"   // nobody knows whether it was forwarded
	keyOrganizer  = "calendar.not-organizer"    // only the organiser may change that
	keyTooMany    = "calendar.too-many"         // too much waits already
	keyOpen       = "calendar.too-many-open"    // too many calendars are open
	keyReading    = "calendar.still-reading"    // the calendar has not been read yet
	keyInternal   = "calendar.internal"         // the server's answer makes no sense
	keyForbidden  = "calendar.forbidden"        // the calendar may not be read
	keyNoTime     = "exchange.freebusy"         // of their time nothing is known
	keyNothing    = "calendar.nothing-to-retry" // nothing of it failed
)

// Service is the calendars of all people of the portal. Its methods may be called from any goroutine.
type Service struct {
	x Exchange
	s Store
	o Options

	lanes  *lanes
	people *people
	clock  *clock
	oof    *replies
	tips   *tips
	free   *freeTimes
	given  *delegators
	parted *partings
	// without: no Exchange is configured, CRM alone keeps calendars.
	without bool
	// calls holds the places of those calls of the server that lanes make, where the server has none of its own.
	calls   chan struct{}
	running sync.Mutex
}

// New makes the service; nothing is asked of the server before Run. x may be nil: no Exchange is configured,
// and everything that needs one is ErrUnavailable "calendar.none"; with Options.CRM calendars are kept there.
func New(x Exchange, s Store, o Options) *Service {
	o = o.withDefaults()
	without := x == nil && o.CRM != nil
	if without {
		x = nowhere{}
	}
	c := &Service{x: x, s: s, o: o, without: without, calls: make(chan struct{}, o.Workers)}
	c.lanes = newLanes(c)
	c.people = newPeople(c)
	c.clock = newClock(c)
	c.oof = newReplies(c)
	c.tips = newTips()
	c.free = newFreeTimes(c)
	c.given = newDelegators(c)
	c.parted = newPartings()
	return c
}

// Run serves until ctx is done: it resumes the intents of before, reads open calendars, reminds. It returns
// nil when everything that it started has ended; what the server has not carried out then waits on disk.
func (s *Service) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.x == nil {
		<-ctx.Done()
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.lanes.run(ctx) })
	g.Go(func() error { return s.clock.run(ctx) })
	g.Go(func() error { return s.oof.run(ctx) })
	return g.Wait()
}

// Rang is the doorbell: something changed in the mailbox. It does not block.
func (s *Service) Rang(mailbox portal.Address) {
	for _, l := range s.lanes.of(mailbox) {
		l.ask()
	}
}

// Reached: the mailbox's bell works (again), so its server answers. It does not block.
func (s *Service) Reached(mailbox portal.Address) {
	for _, l := range s.lanes.bell(mailbox, true) {
		l.reached()
	}
}

// Lost: the mailbox's bell is out of order, err says why. It is read more often meanwhile. It does not block.
func (s *Service) Lost(mailbox portal.Address, err error) {
	s.o.Logger.Debug("calendar: bell out of order", "mailbox", mailbox, "err", err)
	for _, l := range s.lanes.bell(mailbox, false) {
		l.lost()
	}
}

// Status is whether the person's mailbox can be reached, and how many of their changes wait or failed.
func (s *Service) Status(ctx context.Context, me portal.Address) (portal.ExchangeEvent, error) {
	if s.x == nil {
		return portal.ExchangeEvent{State: "down", Reason: keyNone}, nil
	}
	ev := portal.ExchangeEvent{State: "up"}
	if l := s.lanes.find(portal.CalendarKey{Reader: me, Owner: me}); l != nil {
		ev = s.healthOf(ctx, l)
	}
	var err error
	ev.Waiting, ev.Failed, err = s.s.CountIntents(ctx, me)
	return ev, err
}

// tellStatus tells a signed-in person's browsers their status where it is another than they were told.
func (s *Service) tellStatus(ctx context.Context, who portal.Address) {
	telling := s.people.telling(who)
	if telling == nil {
		return
	}
	var ev portal.ExchangeEvent
	done, err := telling.take(ctx) // one after the other: what was counted first is told first
	if err == nil {
		defer done()
		ev, err = s.Status(ctx, who)
	}
	if err != nil {
		s.o.Logger.WarnContext(ctx, "calendar: changes that wait could not be counted", "of", who, "err", err)
		return
	}
	if s.people.fresh(who, ev) {
		s.o.Emit(who, ev)
	}
}

// call makes one call of owner's server in a lane's turn: bounded in number and time.
func (s *Service) call(ctx context.Context, owner portal.Address, do func(context.Context) error) error {
	release, err := s.place(ctx, owner)
	if err != nil {
		return err
	}
	defer release()
	return s.ask(ctx, do)
}

// place waits for a place for a call of owner's server.
func (s *Service) place(ctx context.Context, owner portal.Address) (release func(), err error) {
	if x, ok := s.x.(Placer); ok {
		return x.Place(ctx, owner)
	}
	select {
	case s.calls <- struct{}{}:
		return func() { <-s.calls }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// call is Service.call for the lane's calendar.
func (l *lane) call(ctx context.Context, do func(context.Context) error) error {
	return l.s.call(ctx, l.key.Owner, do)
}

// ask makes one call of the server for somebody who waits for it.
func (s *Service) ask(ctx context.Context, do func(context.Context) error) error {
	if s.x == nil {
		return portal.Fail(portal.ErrUnavailable, keyNone)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	return do(ctx)
}

// passing reports whether an error of the server may pass by itself, so that the same may be asked again.
func passing(err error) bool {
	switch portal.Meaning(err) {
	case portal.ErrUnavailable, portal.ErrTooMany, portal.ErrUnauthenticated:
		return true // a password may be mended, too
	case nil:
		return true // unknown: tried a few times, see maxOddTries
	}
	return false
}

// askedToWait is how long the server asked to be left alone.
func askedToWait(err error) time.Duration {
	const most = 15 * time.Minute
	var e *portal.Error
	if errors.As(err, &e) {
		return min(e.RetryAfter, most)
	}
	return 0
}

// backoff is the wait after n failures: doubling, half of it left to chance.
func (s *Service) backoff(n int) time.Duration {
	d := s.o.MaxRetry
	if n <= 20 {
		d = min(s.o.FirstRetry<<max(n-1, 0), s.o.MaxRetry)
	}
	return d/2 + s.o.Jitter(d/2+1)
}

// about is d give or take a fifth.
func (s *Service) about(d time.Duration) time.Duration { return d*4/5 + s.o.Jitter(d*2/5+1) }
