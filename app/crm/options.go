package crm

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// Options are what the service takes from the rest of the house. The zero value is a working set.
type Options struct {
	// Lookup looks a person up in the address book; it never fails.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	// Find finds the person of an e-mail address; empty if there is none on this portal.
	Find func(email string) portal.Address
	// Expand gives the members of a distribution list, in me's name; nil: lists cannot be expanded.
	Expand func(ctx context.Context, me portal.Address, email string) ([]portal.Attendee, error)
	// Zone is a person's time zone; nil or nil result: UTC.
	Zone func(ctx context.Context, who portal.Address) *time.Location
	// Admin reports whether somebody administers the portal; nil: nobody does.
	Admin func(who portal.Address) bool
	// Pairs gives what the synchronisation knows of some records, by ID; nil: nothing is synchronised.
	Pairs func(ctx context.Context, ids []string) (map[string]portal.SyncPair, error)
	// UIDOf gives the UID of an entry of somebody's calendar that is not kept here; nil: there are none.
	UIDOf func(ctx context.Context, me portal.Address, id string) (string, error)
	// Watching are those who have somebody else's calendar open and hear of changes in it; nil: nobody.
	Watching func(of portal.Address) []portal.Address
	// Touched is told, after the commit, whose calendars are different now; it must not block.
	Touched func(people []portal.Address)
	Logger  *slog.Logger
	Now     func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person { return portal.Person{URI: a} }
	}
	if o.Find == nil {
		o.Find = func(string) portal.Address { return "" }
	}
	if o.Admin == nil {
		o.Admin = func(portal.Address) bool { return false }
	}
	if o.Pairs == nil {
		o.Pairs = func(context.Context, []string) (map[string]portal.SyncPair, error) { return nil, nil }
	}
	if o.Watching == nil {
		o.Watching = func(portal.Address) []portal.Address { return nil }
	}
	if o.Touched == nil {
		o.Touched = func([]portal.Address) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// zone is somebody's time zone.
func (o Options) zone(ctx context.Context, who portal.Address) *time.Location {
	if o.Zone != nil {
		if loc := o.Zone(ctx, who); loc != nil {
			return loc
		}
	}
	return time.UTC
}

// Service is the CRM side. Its methods may be called from any goroutine. It starts nothing of its own.
type Service struct {
	s Store
	o Options

	mu sync.Mutex
	// bell is closed at the next change.
	bell chan struct{}
	// users are all CRM users as they were last read, nil where they have to be read afresh; edition grows with each change of them, so
	// that nobody keeps what was read before one.
	users   *directory
	edition int
}

// New makes the service; nothing is asked of the store before the first call.
func New(store Store, o Options) *Service {
	return &Service{s: store, o: o.withDefaults(), bell: make(chan struct{})}
}

// Changed is closed at the next change after it was asked for: a doorbell.
func (s *Service) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bell
}

// ring tells those who wait for a change.
func (s *Service) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.bell)
	s.bell = make(chan struct{})
}

// directory is who the CRM users are.
type directory struct {
	list    []portal.CRMUser
	address map[portal.Address]portal.CRMUser
	email   map[string]portal.CRMUser
}

func directoryOf(list []portal.CRMUser) *directory {
	d := &directory{list: list, address: make(map[portal.Address]portal.CRMUser, len(list)), email: make(map[string]portal.CRMUser, len(list))}
	for _, u := range list {
		d.address[u.Address] = u
		if u.Email != "" {
			d.email[strings.ToLower(u.Email)] = u
		}
	}
	return d
}

// synced reports whether somebody is a CRM user whose mailbox is kept in step.
func (d *directory) synced(who portal.Address) bool { return d.address[who].Synced() }

// directory gives the CRM users; what is given is shared and must not be changed.
func (s *Service) directory(ctx context.Context) (*directory, error) {
	s.mu.Lock()
	d, edition := s.users, s.edition
	s.mu.Unlock()
	if d != nil {
		return d, nil
	}
	list, err := s.s.CRMUsers(ctx)
	if err != nil {
		return nil, err
	}
	d = directoryOf(list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.edition == edition {
		s.users = d
	}
	return d, nil
}

// forgetUsers has the CRM users read afresh.
func (s *Service) forgetUsers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = nil
	s.edition++
}
