package calsync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Catalogue keys of this room.
const (
	keyAway     = "sync.away"          // the server does not answer
	keyLost     = "sync.lost"          // the mailbox cannot be opened
	keyHeld     = "sync.held"          // more was deleted at once than is carried without asking
	keyOff      = "sync.direction-off" // the direction is switched off
	keyRefused  = "sync.refused"       // the other side refused it
	keyInternal = "sync.internal"      // what nobody foresaw
	keyGoneBoth = "sync.gone"          // it is on neither side any more
	keyNotHeld  = "sync.not-held"      // nothing is held there
	keyNoJob    = "sync.no-job"        // no such job
	keyConflict = "sync.no-taking"     // the other version cannot be taken back (any more)
	keyFile     = "sync.file"          // the file is none that was downloaded here
	keyFileSize = "sync.file-size"     // a file of an appointment is too large
)

// Service keeps the calendars of CRM and Exchange as one. Its methods may be called from any goroutine.
type Service struct {
	crm CRM
	x   Exchange
	l   Ledger
	o   Options

	live   *liveLog
	fig    figures
	boxes  *boxes
	state  atomic.Pointer[state]
	swell  *swell
	unsure *marks
	items  *stripes
	// crmHeld: CRM's cursor is held.
	crmHeld atomic.Bool
	bornAt  time.Time
	running atomic.Bool
	turn    sync.Mutex
	taking  sync.Mutex // one version is taken back after the other
	// work wakes the dispatcher, rang the reader of CRM; each holds one ring.
	work, rang chan struct{}
	// marked is what waits to be told; see marker.
	marked chan mark
	// dead is why the service ended as by a crash.
	dead atomic.Pointer[error]
}

// New makes the service; neither side is asked before Run.
func New(crm CRM, x Exchange, l Ledger, o Options) *Service {
	o = o.withDefaults()
	s := &Service{crm: crm, l: l, o: o, live: newLiveLog(o.LiveLog), boxes: newBoxes(), swell: newSwell(), unsure: newMarks(), items: &stripes{},
		bornAt: o.Now(), work: make(chan struct{}, 1), rang: make(chan struct{}, 1), marked: make(chan mark, markQueue)}
	s.x = &clocks{Exchange: x, offset: s.offset}
	s.state.Store(&state{settings: StandardSettings()})
	return s
}

// errCrashed is the end of a service by Options.Fault.
var errCrashed = errors.New("the service was ended by a fault")

// fault is asked between two steps; an error ends everything as it stands.
func (s *Service) fault(step string) error {
	if dead := s.dead.Load(); dead != nil {
		return *dead
	}
	if err := s.o.Fault(step); err != nil {
		err = fmt.Errorf("%w: %w", errCrashed, err)
		s.dead.CompareAndSwap(nil, &err)
		return err
	}
	return nil
}

// Run keeps the sides in step until ctx is done: it reads what changed, carries what waits. It returns when everything that it
// started has ended; what was not carried then waits in the ledger.
func (s *Service) Run(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	for n := 1; ; n++ {
		err := s.refresh(ctx)
		if err == nil {
			break
		}
		s.o.Logger.ErrorContext(ctx, "calsync: what is needed to begin cannot be read", "err", err)
		if !pause(ctx, s.interval(n, err)) {
			return nil
		}
	}
	s.running.Store(true)
	defer s.running.Store(false)
	telling, release := s.drained(ctx)
	defer release()
	idle := make(chan struct{})
	var marker sync.WaitGroup
	marker.Go(func() { s.marker(telling, idle) })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.readers(ctx) })
	g.Go(func() error { return s.crmReader(ctx) })
	g.Go(func() error { return s.dispatch(ctx) })
	g.Go(func() error { return s.upkeep(ctx) })
	err := g.Wait()
	close(idle)
	marker.Wait()
	if errors.Is(err, errCrashed) {
		return err
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// pause waits; false: ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// figuresEvery is how often the length of the queue is told.
const figuresEvery = 10 * time.Second

// upkeep tells how long the queue is, and forgets old lines of the log once an hour.
func (s *Service) upkeep(ctx context.Context) error {
	pruned := time.Time{}
	for {
		if now := s.o.Now(); now.Sub(pruned) >= time.Hour {
			pruned = now
			if err := s.l.PruneSync(ctx, now.Add(-keepLog(s.known().settings))); err != nil && ctx.Err() == nil {
				s.o.Logger.WarnContext(ctx, "calsync: the log could not be shortened", "err", err)
			}
		}
		n, err := s.l.CountSyncJobs(ctx)
		if err == nil {
			s.o.Queue(n)
		} else if ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "calsync: the queue could not be counted", "err", err)
		}
		if !pause(ctx, figuresEvery) {
			return nil
		}
	}
}

// Rang is the doorbell of a mailbox: something changed in it. It does not block.
func (s *Service) Rang(mailbox portal.Address) { s.boxes.wake(mailbox, s.o.Now(), nil) }

// Reached: a mailbox's bell works (again), so its server answers: it is read, and what waits for it is tried. It does not block.
func (s *Service) Reached(mailbox portal.Address) {
	s.boxes.wake(mailbox, s.o.Now(), func(b *box) {
		b.bell, b.until = true, time.Time{}
		s.boxes.rouse(b)
	})
	s.ringWork()
}

// Lost: a mailbox's bell is out of order, err says why. It is read more often meanwhile. It does not block.
func (s *Service) Lost(mailbox portal.Address, err error) {
	s.boxes.change(mailbox, func(b *box) { b.bell = false })
	s.say(levelRead, mailbox, "its bell is out of order: %v", err)
}

// ringWork wakes the dispatcher.
func (s *Service) ringWork() { ring(s.work) }

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// call makes one call of a side, bounded in time.
func (s *Service) call(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	err := do(ctx)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) && portal.Meaning(err) == nil {
		return portal.Fail(portal.ErrUnavailable, keyAway).Because(err)
	}
	return err
}
