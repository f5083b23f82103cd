package directory

// Reading the sources: from the cache at the start, then on a schedule and when somebody asks.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// sourceCopy is what a source said last, and how its reading stands.
type sourceCopy struct {
	people []portal.Person
	at     time.Time
	cached bool
	next   time.Time
	err    error
	// asked is a reading that somebody waits for, running the one under way; bell rings for the former.
	asked, running *reading
	bell           chan struct{}
}

// reading is one reading that people wait for; err is valid when done is closed.
type reading struct {
	done chan struct{}
	err  error
}

// Run puts the cached copies in force and reads every source on its schedule, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	s.restore(ctx)
	var all sync.WaitGroup
	for i := range s.sources {
		all.Go(func() { s.keep(ctx, i) })
	}
	<-ctx.Done() // without a source too
	all.Wait()
	return nil
}

// restore reads the cache, for sources that were not read yet. A copy that cannot be read is done without.
func (s *Service) restore(ctx context.Context) {
	if s.o.Cache == nil {
		return
	}
	restored := false
	for i, source := range s.sources {
		one, cancel := context.WithTimeout(ctx, s.o.Timeout)
		people, at, err := s.o.Cache.Book(one, source.Name())
		cancel()
		if err != nil {
			s.o.Logger.WarnContext(ctx, "directory copy not readable", "source", source.Name(), "err", err)
			continue
		}
		s.mu.Lock()
		if c := &s.copies[i]; !at.IsZero() && c.at.IsZero() {
			c.people, c.at, c.cached = people, at, true
			restored = true
		}
		s.mu.Unlock()
	}
	if restored {
		s.reindex()
	}
}

// keep is the life of one source.
func (s *Service) keep(ctx context.Context, i int) {
	defer s.abandon(i)
	wait := s.firstWait(i)
	for failures := 0; s.await(ctx, i, wait); {
		r := s.begin(i)
		err := s.read(ctx, i)
		s.end(i, r, err)
		wait = s.o.Refresh
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failures = 0
		default:
			wait = s.retry(failures)
			failures++
			s.o.Logger.WarnContext(ctx, "directory source failed", "source", s.sources[i].Name(), "err", err, "retry_in", wait)
		}
	}
}

// firstWait is the initial delay where there is a copy of before.
func (s *Service) firstWait(i int) time.Duration {
	s.mu.Lock()
	cached := s.copies[i].cached
	s.mu.Unlock()
	if !cached {
		return 0
	}
	return max(0, s.o.InitialDelay())
}

// await waits until the source is to be read: after so long, or when somebody asks. False when ctx ends.
func (s *Service) await(ctx context.Context, i int, wait time.Duration) bool {
	if wait = jittered(wait); wait <= 0 {
		return ctx.Err() == nil
	}
	s.mu.Lock()
	s.copies[i].next = s.o.Now().Add(wait)
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.copies[i].bell:
		return true
	case <-ctx.Done():
		return false
	}
}

// begin takes on the reading that people wait for, or a new one; who asks from now on gets this one.
func (s *Service) begin(i int) *reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.copies[i]
	if c.asked == nil {
		c.asked = &reading{done: make(chan struct{})}
	}
	c.running, c.asked, c.next = c.asked, nil, time.Time{}
	select {
	case <-c.bell: // it rang for this one
	default:
	}
	return c.running
}

func (s *Service) end(i int, r *reading, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies[i].running = nil
	r.err = err
	close(r.done)
}

// abandon tells those who still wait that nobody reads any more.
func (s *Service) abandon(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := &s.copies[i]; c.asked != nil {
		c.asked.err = portal.Fail(portal.ErrUnavailable, "directory.unavailable")
		close(c.asked.done)
		c.asked = nil
	}
}

// RefreshNow has Run read every source now and waits for it; who asks while a source is being read gets that reading. The
// error, ErrUnavailable, names the sources that failed or did not answer before ctx ended; the others are in use all the same.
func (s *Service) RefreshNow(ctx context.Context) error {
	readings := make([]*reading, len(s.sources))
	s.mu.Lock()
	for i := range s.copies {
		c := &s.copies[i]
		if readings[i] = c.running; c.running != nil {
			continue
		}
		if c.asked == nil {
			c.asked = &reading{done: make(chan struct{})}
		}
		readings[i] = c.asked
		select {
		case c.bell <- struct{}{}:
		default: // it rings already
		}
	}
	s.mu.Unlock()
	var failed []error
	for i, r := range readings {
		select {
		case <-r.done:
			if r.err != nil {
				failed = append(failed, r.err)
			}
		case <-ctx.Done():
			failed = append(failed, fmt.Errorf("%s: %w", s.sources[i].Name(), ctx.Err()))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(errors.Join(failed...))
}

// retry is the wait after a failure that so many others came before: Retry, doubled with each, up to Refresh.
func (s *Service) retry(before int) time.Duration {
	wait := s.o.Retry
	for range before {
		if wait *= 2; wait >= s.o.Refresh {
			break
		}
	}
	return min(wait, s.o.Refresh)
}

// jittered is d give or take a tenth, so that many portals do not ask the same server at the same moment.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// Refresh reads every source now, by itself. The error names those that failed; the others are in use all the same.
func (s *Service) Refresh(ctx context.Context) error {
	errs := make([]error, len(s.sources))
	var all sync.WaitGroup
	for i := range s.sources {
		all.Go(func() { errs[i] = s.read(ctx, i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// read reads one source, puts its people in force and into the cache.
func (s *Service) read(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	name := s.sources[i].Name()
	people, err := s.sources[i].People(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	s.mu.Lock()
	c := &s.copies[i]
	if c.err = err; err != nil {
		s.mu.Unlock()
		return err
	}
	same := !c.at.IsZero() && slices.EqualFunc(c.people, people, samePerson)
	if !same {
		c.people = people
	}
	c.at, c.cached = s.o.Now(), false
	at := c.at
	s.mu.Unlock()
	if !same {
		s.reindex()
	}
	if s.o.Cache != nil {
		if err := s.o.Cache.SaveBook(ctx, name, people, at); err != nil { // the book is good all the same; the next reading saves again
			s.o.Logger.WarnContext(ctx, "directory copy not kept", "source", name, "err", err)
		}
	}
	return nil
}

// reindex puts what the sources said last in force, and says so.
func (s *Service) reindex() {
	defer s.o.Changed()
	s.build.Lock()
	defer s.build.Unlock()
	s.mu.Lock()
	lists := make([]listing, len(s.copies))
	for i, c := range s.copies {
		lists[i] = listing{name: s.sources[i].Name(), people: c.people, pictured: s.pictures[i] != nil}
	}
	s.mu.Unlock()
	s.index.Store(newIndex(merge(lists, s.o.Photos)))
}
