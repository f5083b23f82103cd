package admin

// Custom states: those that were uploaded, and those that are fetched from an address and kept fresh.

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/policy"
	"portico/app/portal"
)

// UploadCustomStates makes a file the set for everybody whose policy names no address. Errors are those of
// policy.ParseCustomStates; the set before holds on.
func (s *Service) UploadCustomStates(ctx context.Context, by portal.Address, xml []byte) error {
	states, err := policy.ParseCustomStates(xml)
	if err != nil {
		return err
	}
	return s.change(ctx, func(now *snapshot) (*snapshot, error) {
		set := portal.CustomStates{States: states, XML: bytes.Clone(xml), At: s.o.Now().UTC(), By: by}
		return s.save(ctx, now, set)
	})
}

// DropCustomStates forgets the set that was uploaded; that there is none is fine.
func (s *Service) DropCustomStates(ctx context.Context, by portal.Address) error {
	return s.change(ctx, func(now *snapshot) (*snapshot, error) {
		set, ok := now.sets[""]
		if !ok {
			return nil, nil
		}
		record := []portal.PolicyChange{{At: s.o.Now().UTC(), By: by, What: whatStates, Before: describeStates(set.States)}}
		if err := s.store.DropCustomStates(ctx, "", record); err != nil {
			return nil, err
		}
		return now.withSet("", nil), nil
	})
}

// RefreshStates fetches the custom states of an address that some policy names afresh, at once. The error is also what
// Failure gives from then on.
func (s *Service) RefreshStates(ctx context.Context, address string) error {
	if !slices.Contains(s.now.Load().addresses, address) || s.fetcher == nil {
		return portal.Fail(portal.ErrNotFound, "customstates.no-address")
	}
	return s.states.refresh(ctx, address)
}

// Failure is why the custom states of an address could not be fetched the last time; nil: they could, or that was not tried
// yet. Its sentence needs the error's arguments (the line), which CustomStates.Failed has not.
func (s *Service) Failure(address string) error {
	s.states.mu.Lock()
	defer s.states.mu.Unlock()
	if e := s.states.known[address]; e != nil {
		return e.failed
	}
	return nil
}

// save stores a set, with a line of the record where it says something else than before, and gives what holds then.
func (s *Service) save(ctx context.Context, now *snapshot, set portal.CustomStates) (*snapshot, error) {
	before := now.sets[set.Source]
	var record []portal.PolicyChange
	if !slices.Equal(before.States, set.States) {
		record = []portal.PolicyChange{{At: set.At, By: set.By, What: whatStates, Name: clip(set.Source, maxRecorded),
			Before: describeStates(before.States), After: describeStates(set.States)}}
	}
	if err := s.store.SaveCustomStates(ctx, set, record); err != nil {
		return nil, err
	}
	return now.withSet(set.Source, &set), nil
}

// describeStates is a set in the record.
func describeStates(states []portal.CustomState) string {
	parts := make([]string, 0, len(states))
	for _, state := range states {
		parts = append(parts, strconv.Itoa(state.ID)+" "+string(state.Availability)+": "+state.Texts.For(portal.EnglishLCID))
	}
	return clip(strings.Join(parts, "; "), maxRecorded)
}

// refresher fetches what policies name, each address on its own schedule.
type refresher struct {
	s    *Service
	bell chan struct{}

	mu    sync.Mutex
	known map[string]*entry // by address
}

// entry is what is known of fetching from one address.
type entry struct {
	marks  Marks
	next   time.Time
	failed error
	// failures are how many there were in a row.
	failures int
}

func newRefresher(s *Service) *refresher {
	return &refresher{s: s, bell: make(chan struct{}, 1), known: map[string]*entry{}}
}

// wake lets run look again.
func (r *refresher) wake() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// failures are the keys of what went wrong the last time, by address.
func (r *refresher) failures() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := map[string]string{}
	for address, e := range r.known {
		if e.failed != nil {
			failed[address] = portal.Reason(e.failed)
		}
	}
	return failed
}

func (r *refresher) run(ctx context.Context) error {
	if r.s.fetcher == nil {
		<-ctx.Done()
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.bell:
		}
		r.forget(ctx)
		due, next := r.due(time.Now())
		crew, crewCtx := errgroup.WithContext(ctx)
		crew.SetLimit(r.s.o.Parallel)
		for _, address := range due {
			crew.Go(func() error {
				if err := r.refresh(crewCtx, address); err != nil && ctx.Err() == nil {
					r.s.o.Logger.WarnContext(ctx, "admin: custom states not fetched, those before hold on", "address", address, "err", err)
				}
				return nil
			})
		}
		if err := crew.Wait(); err != nil {
			return err
		}
		if len(due) > 0 {
			_, next = r.due(time.Now())
		}
		timer.Reset(time.Until(next))
	}
}

// due are the addresses to fetch from now, and when the next one is due.
func (r *refresher) due(now time.Time) (due []string, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = now.Add(r.s.o.Every)
	for _, address := range r.s.now.Load().addresses {
		switch e := r.known[address]; {
		case e == nil || !e.next.After(now):
			due = append(due, address)
		case e.next.Before(next):
			next = e.next
		}
	}
	return due, next
}

// forget drops what is known from addresses that no policy names any more. Before what was decided has been read that
// cannot be told.
func (r *refresher) forget(ctx context.Context) {
	named := func(address string) bool { return slices.Contains(r.s.now.Load().addresses, address) }
	if !r.s.now.Load().loaded {
		return
	}
	r.mu.Lock()
	for address := range r.known {
		if !named(address) {
			delete(r.known, address)
		}
	}
	r.mu.Unlock()
	for source := range r.s.now.Load().sets {
		if source == "" || named(source) {
			continue
		}
		err := r.s.change(ctx, func(now *snapshot) (*snapshot, error) {
			if slices.Contains(now.addresses, source) {
				return nil, nil
			}
			if err := r.s.store.DropCustomStates(ctx, source, nil); err != nil {
				return nil, err
			}
			return now.withSet(source, nil), nil
		})
		if err != nil && ctx.Err() == nil {
			r.s.o.Logger.WarnContext(ctx, "admin: custom states of an address that is not used any more not forgotten", "address", source, "err", err)
		}
	}
}

// get fetches and reads a set; nil without an error: what is there already is the newest.
func (r *refresher) get(ctx context.Context, address string, have Marks) (*portal.CustomStates, Marks, error) {
	f, err := r.s.fetcher.Fetch(ctx, address, have)
	if err != nil || f.Unchanged {
		return nil, f.Marks, err
	}
	states, err := policy.ParseCustomStates(f.Body)
	if err != nil {
		return nil, Marks{}, err
	}
	return &portal.CustomStates{Source: address, States: states, XML: f.Body, At: r.s.o.Now().UTC()}, f.Marks, nil
}

// refresh fetches from an address and lets hold what came.
func (r *refresher) refresh(ctx context.Context, address string) error {
	var have Marks
	if _, ok := r.s.now.Load().sets[address]; ok {
		r.mu.Lock()
		if e := r.known[address]; e != nil {
			have = e.marks
		}
		r.mu.Unlock()
	}
	set, marks, err := r.get(ctx, address, have)
	if err == nil {
		var taken bool
		if taken, err = r.adopt(ctx, address, set); !taken && err == nil {
			// No policy names it at the moment. What was fetched is not kept, so that its marks must not be either: where one
			// names it again, all of it is asked for.
			r.mu.Lock()
			delete(r.known, address)
			r.mu.Unlock()
			return nil
		}
	}
	if ctx.Err() != nil {
		return err // the asker or the portal is ending: that says nothing of the address
	}
	r.note(address, marks, err)
	return err
}

// adopt stores a set and lets it hold; nil: the one that is there was looked at again. It is not taken where no policy names
// the address any more.
func (r *refresher) adopt(ctx context.Context, address string, set *portal.CustomStates) (taken bool, err error) {
	err = r.s.change(ctx, func(now *snapshot) (*snapshot, error) {
		if taken = slices.Contains(now.addresses, address); !taken {
			return nil, nil
		}
		if set == nil {
			old, ok := now.sets[address]
			if !ok {
				return nil, portal.Fail(portal.ErrUnavailable, "customstates.status").With("status", "304").Because(errors.New("unchanged, but nothing is there"))
			}
			old.At = r.s.o.Now().UTC()
			set = &old
		}
		return r.s.save(ctx, now, *set)
	})
	return taken, err
}

// note says when to fetch again: at failures later each time, and never all addresses at once.
func (r *refresher) note(address string, marks Marks, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.known[address]
	if e == nil {
		e = &entry{}
		r.known[address] = e
	}
	e.failed = err
	wait := r.s.o.Every
	if err == nil {
		e.marks, e.failures = marks, 0
	} else {
		wait = min(r.s.o.FirstRetry<<min(e.failures, 16), r.s.o.Every)
		e.marks = Marks{}
		e.failures++
	}
	e.next = time.Now().Add(wait*9/10 + rand.N(wait/5+1))
	r.wake()
}

// tryNew fetches from an address that is about to be named by a policy. What is decidedly wrong is an error; one that does
// not answer now is left to run. A set that came holds when take is called.
func (r *refresher) tryNew(ctx context.Context, address string) (func(context.Context) error, error) {
	nothing := func(context.Context) error { return nil }
	if _, known := r.s.now.Load().sets[address]; known || r.s.fetcher == nil {
		return nothing, nil
	}
	set, marks, err := r.get(ctx, address, Marks{})
	switch {
	case ctx.Err() != nil:
		return nil, portal.Fail(portal.ErrUnavailable, "policy.busy").Because(ctx.Err())
	case errors.Is(err, portal.ErrUnavailable):
		return func(context.Context) error { r.note(address, Marks{}, err); return nil }, nil
	case err != nil:
		return nil, err
	case set == nil:
		return nothing, nil
	}
	return func(ctx context.Context) error {
		taken, err := r.adopt(ctx, address, set)
		if taken || err != nil {
			r.note(address, marks, err)
		}
		return err
	}, nil
}
