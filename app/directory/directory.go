// Package directory is the address book: people of several sources, merged by address and e-mail, kept in memory, found by the first letters.
//
// Each source is read again on a schedule; when it fails, its last good copy stays in use and its
// age can be seen. A cache keeps the copies over a restart, so that the book is there at once.
// Searching reads an index that is replaced as a whole, so nobody waits for anybody.
package directory

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// Source is somewhere that people are listed. One that has pictures too is also a Photos.
type Source interface {
	// Name tells sources apart for the operator.
	Name() string
	// People is everybody the source knows. It ends when ctx ends. Somebody without a URI gets one made of the e-mail
	// address, unless an earlier source knows that.
	People(ctx context.Context) ([]portal.Person, error)
}

// Photos is where pictures of people are.
type Photos interface {
	// Photo is somebody's picture. ErrNotFound where there is none.
	Photo(ctx context.Context, of portal.Person) (data []byte, contentType string, err error)
}

// photosByAddress is Photos of a source that needs no more than the address.
type photosByAddress interface {
	Photo(ctx context.Context, of portal.Address) (data []byte, contentType string, err error)
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
	// Cache keeps copies over a restart; nil: none are kept.
	Cache Cache
	// InitialDelay is how long after the start a source is read for the first time where there is a copy in the cache,
	// give or take a tenth; it is asked once for each source. Without a copy a source is read at once. nil: no delay.
	InitialDelay func() time.Duration
	// Photos is asked for pictures of people that no source has one of; nil: nobody is asked further.
	Photos Photos
	// Changed is told after each reading that changed what the address book says, when that holds. It must not block.
	// nil: nobody is told.
	Changed func()
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
	o        Options
	sources  []Source
	pictures []Photos // of the sources, nil for one that has none
	index    atomic.Pointer[index]
	photos   photos

	build sync.Mutex // held for the building of an index, so that the newest one is stored last
	mu    sync.Mutex // guards copies
	// copies are what the sources said last, in their order.
	copies []sourceCopy
}

// New makes an address book of the sources; where two know the same person, the earlier one's word
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
	if o.InitialDelay == nil {
		o.InitialDelay = func() time.Duration { return 0 }
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{o: o, sources: sources, pictures: make([]Photos, len(sources)), photos: newPhotos(), copies: make([]sourceCopy, len(sources))}
	for i, source := range sources {
		switch p := source.(type) {
		case Photos:
			s.pictures[i] = p
		case photosByAddress:
			s.pictures[i] = byAddress{p}
		}
		s.copies[i].bell = make(chan struct{}, 1)
	}
	s.index.Store(newIndex(merge(nil, nil)))
	return s
}

type byAddress struct{ photosByAddress }

func (b byAddress) Photo(ctx context.Context, of portal.Person) ([]byte, string, error) {
	return b.photosByAddress.Photo(ctx, of.URI)
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

// States is how each source is, in their order, for people to see.
func (s *Service) States() []portal.BookState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]portal.BookState, len(s.sources))
	for i, c := range s.copies {
		states[i] = portal.BookState{Name: s.sources[i].Name(), At: c.at, Cached: c.cached, People: len(c.people), Next: c.next}
		if c.err != nil {
			states[i].Failed = c.err.Error()
		}
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
// address's user part, and no Sources. Somebody whom two sources know by two addresses is found by either.
func (s *Service) Lookup(_ context.Context, a portal.Address) portal.Person {
	if p, ok := s.index.Load().person(a); ok {
		return p
	}
	return portal.Person{URI: a, DisplayName: nameOf(a), Email: a.Bare()}
}

// Known reports whether the address is listed.
func (s *Service) Known(a portal.Address) bool {
	_, ok := s.index.Load().byAddress[a]
	return ok
}
