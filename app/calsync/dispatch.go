package calsync

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// The dispatcher hands due jobs to workers: never two of one appointment at a time, not too many of one mailbox or server, none of
// a server that does not answer. It holds a few hundred of the queue in its hands, the rest stays in the ledger.

const (
	// handPer and handMost bound what the dispatcher takes in its hands at once: of one mailbox, and of all.
	handPer, handMost = 32, 512
	// handFor is how long it works from what it has in its hands before it looks what is newer.
	handFor = 100 * time.Millisecond
	// lookAgain is how often it looks for jobs that came due while others are under way.
	lookAgain = 250 * time.Millisecond
)

// marks is a set of keys.
type marks struct {
	mu sync.Mutex
	of map[string]bool
}

func newMarks() *marks { return &marks{of: map[string]bool{}} }

// set marks a key and reports whether it was not marked before.
func (m *marks) set(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of[key] {
		return false
	}
	m.of[key] = true
	return true
}

func (m *marks) clear(key string) {
	m.mu.Lock()
	delete(m.of, key)
	m.mu.Unlock()
}

func (m *marks) has(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[key]
}

// dispatcher is the state of one run of dispatch; its own goroutine alone touches it, but for busy.
type dispatcher struct {
	s      *Service
	busy   *marks // keys that are being carried
	slots  chan struct{}
	hand   []portal.SyncJob
	handAt time.Time
	// partial: the ledger had more than the hands can hold.
	partial bool
	g       *errgroup.Group
}

// dispatch carries jobs as they come due.
func (s *Service) dispatch(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	d := &dispatcher{s: s, busy: newMarks(), slots: make(chan struct{}, s.o.Workers), g: g}
	tries := 0
	for ctx.Err() == nil {
		next, err := d.round(ctx)
		if errors.Is(err, errCrashed) {
			return errors.Join(err, g.Wait())
		}
		if err != nil && ctx.Err() == nil {
			tries++
			s.o.Logger.WarnContext(ctx, "calsync: the queue cannot be read", "err", err)
			next = s.o.Now().Add(s.interval(tries, err))
		} else {
			tries = 0
		}
		if !s.until(ctx, next, s.work) {
			break
		}
	}
	return g.Wait()
}

// round starts what can be started, and gives when there will be more without a ring (zero: not before one).
func (d *dispatcher) round(ctx context.Context) (time.Time, error) {
	woken, err := d.s.wakeJobs(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if woken {
		d.handAt = time.Time{} // there may be more than what is in hand
	}
	for {
		now := d.s.o.Now()
		if len(d.hand) == 0 || now.Sub(d.handAt) >= handFor {
			if err := d.fill(ctx, now); err != nil {
				return time.Time{}, err
			}
		}
		started, full, err := d.start(ctx, now)
		if err != nil {
			return time.Time{}, err
		}
		switch {
		case full, len(d.hand) > 0 && !started: // a worker that ends rings; meanwhile others may come due
			return now.Add(lookAgain), nil
		case len(d.hand) == 0 && !d.partial:
			next, err := d.s.l.NextSyncJob(ctx)
			if len(d.slots) > 0 && !next.After(now) { // what is under way is still in the ledger
				next = now.Add(lookAgain)
			}
			return next, err
		}
	}
}

// wakeJobs lets the jobs of mailboxes that are reached again be tried now, however long they were to wait.
func (s *Service) wakeJobs(ctx context.Context) (woken bool, err error) {
	for _, who := range s.boxes.takeWoken() {
		list, err := s.l.SyncJobs(ctx, portal.SyncQueueFilter{State: portal.JobWaiting, Mailbox: who, Limit: manualPage})
		if err != nil {
			return woken, err
		}
		now := s.o.Now()
		list = slices.DeleteFunc(list, func(j portal.SyncJob) bool { return !j.NotBefore.After(now) })
		for i := range list {
			s.unsure.set(list[i].Key)
			list[i].NotBefore = time.Time{}
		}
		if err := s.l.AddSyncJobs(ctx, list); err != nil {
			return woken, err
		}
		woken = woken || len(list) > 0
	}
	return woken, nil
}

// fill takes due jobs in hand.
func (d *dispatcher) fill(ctx context.Context, now time.Time) error {
	list, err := d.s.l.DueSyncJobs(ctx, now, handPer, handMost)
	if err != nil {
		return err
	}
	d.hand, d.handAt, d.partial = d.hand[:0], now, false
	of := map[portal.Address]int{}
	for _, j := range list {
		of[j.Mailbox]++
		d.partial = d.partial || of[j.Mailbox] >= handPer
		if !d.busy.has(j.Key) {
			d.hand = append(d.hand, j)
		}
	}
	d.partial = d.partial || len(list) >= handMost
	d.s.boxes.queue(of, now)
	rank := map[portal.Address]int{}
	place := make(map[int64]int, len(d.hand))
	for _, j := range d.hand { // the first of each mailbox before the second of any
		place[j.Seq] = rank[j.Mailbox]
		rank[j.Mailbox]++
	}
	slices.SortStableFunc(d.hand, func(x, y portal.SyncJob) int { return cmp.Compare(place[x.Seq], place[y.Seq]) })
	return nil
}

// start starts the jobs in hand that may go. full: no worker is free.
func (d *dispatcher) start(ctx context.Context, now time.Time) (started, full bool, err error) {
	kept := d.hand[:0]
	defer func() { d.hand = kept }()
	for i, j := range d.hand {
		if d.busy.has(j.Key) {
			continue // the next look at the ledger finds what is left of it
		}
		select {
		case d.slots <- struct{}{}:
		default:
			kept = append(kept, d.hand[i:]...)
			return started, true, nil
		}
		verdict, at := d.s.admit(j.Mailbox, now)
		switch verdict {
		case mayGo:
			d.work(ctx, j)
			started = true
			continue
		case mustWait:
			kept = append(kept, j)
		case mustDefer:
			if err := d.s.deferTo(ctx, j, at); err != nil {
				<-d.slots
				return started, false, err
			}
			started = true // there is room for others of the queue
		}
		<-d.slots
	}
	return started, false, nil
}

// deferTo puts a job off until its mailbox may be asked again; that is no failure of its own.
func (s *Service) deferTo(ctx context.Context, j portal.SyncJob, at time.Time) error {
	again := j
	again.NotBefore = at
	if again.Reason == "" {
		again.Reason = keyAway
	}
	return s.l.EndSyncJob(ctx, portal.SyncOutcome{Job: &j, Again: &again})
}

// work carries a job in a goroutine of its own.
func (d *dispatcher) work(ctx context.Context, j portal.SyncJob) {
	d.busy.set(j.Key)
	d.g.Go(func() error {
		defer func() {
			d.s.leave(j.Mailbox)
			d.busy.clear(j.Key)
			<-d.slots
			d.s.ringWork()
		}()
		under, release := d.s.drained(ctx)
		defer release()
		err := d.s.carry(under, j)
		if errors.Is(err, errCrashed) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			// The ledger did not take the outcome: the job stays as it was, and what was done is found by its stamp.
			d.s.o.Logger.WarnContext(ctx, "calsync: what came of a job could not be stored", "err", err)
			d.s.silentLedger(ctx)
		}
		return nil
	})
}

// drained is a context that ends Options.Drain after ctx: what is under way then may still come to its end.
func (s *Service) drained(ctx context.Context) (under context.Context, release func()) {
	under, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(under, s.o.Drain)
		cancel()
	})
	return under, func() { stop(); cancel() }
}

// silentLedger keeps a worker from trying at once what the ledger just refused.
func (s *Service) silentLedger(ctx context.Context) { pause(ctx, s.interval(1, nil)) }
