// Package directory is the address book: people of several sources, merged by address, kept in memory, found by the first letters.
//
// Each source is read again on a schedule; when it fails, its last good copy stays in use and its
// age can be seen. Searching reads an index that is replaced as a whole, so nobody waits for anybody.
package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// Source is somewhere that people are listed.
type Source interface {
	// Name tells sources apart for the operator.
	Name() string
	// People is everybody the source knows. It ends when ctx ends.
	People(ctx context.Context) ([]portal.Person, error)
}

// Cache keeps the last reading of each source over a restart.
type Cache interface {
	// Book is the copy of a source; a zero time means that there is none.
	Book(ctx context.Context, source string) (people []portal.Person, at time.Time, err error)
	SaveBook(ctx context.Context, source string, people []portal.Person, at time.Time) error
}

// Options say how often to read the sources; the zero value works.
type Options struct {
	// Refresh is the time between two readings of a source, give or take a tenth. Default 15 minutes.
	Refresh time.Duration
	// Retry is the time after a first failure; it doubles with each further one up to Refresh. Default 10 s.
	Retry time.Duration
	// Timeout is how long one reading may take. Default 1 minute.
	Timeout time.Duration
	Logger  *slog.Logger
	Now     func() time.Time
}

// SourceState is how fresh a source's copy is.
type SourceState struct {
	Name string
	// At is when the copy in use was read; zero if there is none yet.
	At time.Time
	// People is how many it holds.
	People int
	// Err is the failure of the last reading, nil if it went well.
	Err error
}

// Service is the address book. Its methods may be called from any goroutine.
type Service struct {
	o       Options
	sources []Source
	index   atomic.Pointer[index]

	mu     sync.Mutex // guards copies; held for the building of an index, so that the newest one is stored last
	copies []sourceCopy
}

type sourceCopy struct {
	people []portal.Person
	at     time.Time
	err    error
}

// New makes an address book of the sources; where two know the same address, the earlier one's word
// counts and the later one fills what it left empty. Nothing is read before Run or Refresh.
func New(sources []Source, o Options) *Service {
	if o.Refresh <= 0 {
		o.Refresh = 15 * time.Minute
	}
	if o.Retry <= 0 {
		o.Retry = 10 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{o: o, sources: sources, copies: make([]sourceCopy, len(sources))}
	s.index.Store(newIndex(nil))
	return s
}

// Run reads every source at once and then on its schedule, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for i := range s.sources {
		all.Go(func() { s.keep(ctx, i) })
	}
	<-ctx.Done() // without a source too
	all.Wait()
	return nil
}

// keep is the life of one source.
func (s *Service) keep(ctx context.Context, i int) {
	failures := 0
	for {
		wait := s.o.Refresh
		if err := s.read(ctx, i); err == nil {
			failures = 0
		} else {
			if ctx.Err() != nil {
				return
			}
			wait = s.retry(failures)
			failures++
			s.o.Logger.WarnContext(ctx, "directory source failed", "source", s.sources[i].Name(), "err", err, "retry_in", wait)
		}
		timer := time.NewTimer(jittered(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
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

// Refresh reads every source now. The error names those that failed; the others are in use all the same.
func (s *Service) Refresh(ctx context.Context) error {
	errs := make([]error, len(s.sources))
	var all sync.WaitGroup
	for i := range s.sources {
		all.Go(func() { errs[i] = s.read(ctx, i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// read reads one source and puts its people in force.
func (s *Service) read(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	people, err := s.sources[i].People(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.copies[i]
	c.err = err
	if err != nil {
		return fmt.Errorf("%s: %w", s.sources[i].Name(), err)
	}
	c.people, c.at = people, s.o.Now()
	lists := make([][]portal.Person, len(s.copies))
	for i, c := range s.copies {
		lists[i] = c.people
	}
	s.index.Store(newIndex(merge(lists)))
	return nil
}

// Sources is how fresh each source's copy is, in their order.
func (s *Service) Sources() []SourceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]SourceState, len(s.sources))
	for i, c := range s.copies {
		states[i] = SourceState{Name: s.sources[i].Name(), At: c.at, People: len(c.people), Err: c.err}
	}
	return states
}

// Age is since when the oldest copy in use has not been read again, and of which source; zero and
// the source's name where one was never read, zero and "" without sources.
func (s *Service) Age() (since time.Time, source string) {
	for i, st := range s.Sources() {
		if i == 0 || st.At.Before(since) {
			since, source = st.At, st.Name
		}
	}
	return since, source
}

// Size is how many people the address book has.
func (s *Service) Size() int { return len(s.index.Load().people) }

// Lookup is the entry of an address. It never fails: who is not listed gets a name made of the
// address's user part.
func (s *Service) Lookup(_ context.Context, a portal.Address) portal.Person {
	x := s.index.Load()
	if i, ok := x.byAddress[a]; ok {
		return x.people[i].person
	}
	return portal.Person{URI: a, DisplayName: nameOf(a), Email: a.Bare()}
}

// Known reports whether the address is listed.
func (s *Service) Known(a portal.Address) bool {
	_, ok := s.index.Load().byAddress[a]
	return ok
}
