package privacy

// The service: what it stands on, its life, and what the house tells it.

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set for a portal whose people have no domain in common.
type Options struct {
	// Domain is that of the portal's people. What people of other domains let others see is decided where they are; empty:
	// everybody is one of the portal's.
	Domain string
	// InForce is the policies that hold for who, out of memory; nil: none.
	InForce func(who portal.Address) portal.InForce
	// Changed is told that what others may see of owner changed, or whether the SIP server keeps rules for them
	// (presence.Service.Recheck). It is called without a lock.
	Changed func(owner portal.Address)
	// Emit tells a person's browsers the newest value of something; it must not block.
	Emit func(to portal.Address, ev portal.Current)
	// Lookup finds what people are called; nil: by their address.
	Lookup func(ctx context.Context, who portal.Address) portal.Person
	// Unblocked is told that owner may have taken back that they blocked somebody, in the background and again until it works:
	// after each such decision, and when owner signs in. Nil: nobody is.
	Unblocked func(ctx context.Context, owner portal.Address) error
	// AddContact puts somebody on owner's contact list; nil: Add is refused.
	AddContact func(ctx context.Context, owner portal.Address, c portal.Contact) error
	// Dropped counts what a SIP server said of watchers that cannot be.
	Dropped func(n int)
	Logger  *slog.Logger
	Now     func() time.Time

	// Transforms: the SIP server shows each watcher only what the rules let them see, in every notification. Without it
	// rules hide people, but not their details.
	Transforms bool

	// Keep bounds the people whose decisions are kept in memory although they are not signed in (50,000): beyond it those
	// not asked for of late are forgotten, and are hidden from whoever asks until they are read again.
	Keep int
	// MaxTies bounds the relationships one person may give beyond the contact list (1,000), MaxWatchers the watchers of one
	// person that are kept (1,000; more are left out), MaxAdmirers those that are listed (500).
	MaxTies, MaxWatchers, MaxAdmirers int
	// FirstRetry and MaxRetry bound the wait before what failed is tried again (2 s doubling to 5 min), Timeout one try
	// (30 s).
	FirstRetry, MaxRetry, Timeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.InForce == nil {
		o.InForce = func(portal.Address) portal.InForce { return portal.InForce{} }
	}
	if o.Changed == nil {
		o.Changed = func(portal.Address) {}
	}
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, who portal.Address) portal.Person { return portal.Person{URI: who} }
	}
	if o.Unblocked == nil {
		o.Unblocked = func(context.Context, portal.Address) error { return nil }
	}
	if o.Dropped == nil {
		o.Dropped = func(int) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, n := range []struct {
		value    *int
		standard int
	}{{&o.Keep, 50_000}, {&o.MaxTies, 1000}, {&o.MaxWatchers, 1000}, {&o.MaxAdmirers, 500}} {
		if *n.value <= 0 {
			*n.value = n.standard
		}
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&o.FirstRetry, 2 * time.Second}, {&o.MaxRetry, 5 * time.Minute}, {&o.Timeout, 30 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return o
}

// How many are read, pushed and counted at a time.
const (
	loadWorkers  = 4
	pushWorkers  = 8
	countWorkers = 2
)

// Service is the privacy of all people of the portal. Its methods may be called from any goroutine; those without a
// context answer out of memory, at once.
type Service struct {
	store Store
	rules Rules
	o     Options

	// loads read what people decided, pushes tell the SIP server, counts tell people who is new, lifts tell who unblocked somebody.
	loads, pushes, counts, lifts *chores

	mu     sync.RWMutex
	owners map[portal.Address]*owner
	// others is the number of owners who are not signed in.
	others int
}

// New builds the service; rules may be nil where the SIP server keeps none. Nothing is read or told before Run.
func New(store Store, rules Rules, o Options) *Service {
	o = o.withDefaults()
	s := &Service{store: store, rules: rules, o: o, owners: map[portal.Address]*owner{}}
	s.loads = newChores(loadWorkers, o, s.load)
	s.pushes = newChores(pushWorkers, o, s.push)
	s.counts = newChores(countWorkers, o, s.count)
	s.lifts = newChores(countWorkers, o, s.lift)
	return s
}

// Run reads, tells the SIP server and counts in the background. It returns nil when ctx is done and what was under way
// has ended.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.loads.run(ctx) })
	g.Go(func() error { return s.pushes.run(ctx) })
	g.Go(func() error { return s.counts.run(ctx) })
	g.Go(func() error { return s.lifts.run(ctx) })
	return g.Wait()
}

// SignedIn says that who has a line: what they decided is read, and the SIP server is told unless it was told the same
// before.
func (s *Service) SignedIn(who portal.Address) {
	s.mu.Lock()
	o := s.owner(who)
	if !o.signedIn {
		o.signedIn = true
		s.others--
	}
	// A server that kept no rules may keep them now.
	o.refused = false
	loaded := o.loaded
	s.mu.Unlock()
	s.lifts.ask(who)
	if !loaded {
		s.loads.ask(who)
		return
	}
	s.tellServer(who)
	s.counts.ask(who)
}

// SignedOut says that who's line is gone. What they decided holds on; who watches them is forgotten.
func (s *Service) SignedOut(who portal.Address) {
	s.mu.Lock()
	if o := s.owners[who]; o != nil && o.signedIn {
		o.signedIn, o.watchers, o.told = false, nil, untold
		s.others++
		s.forgetSome(nil)
	}
	s.mu.Unlock()
	s.pushes.drop(who)
	s.counts.drop(who)
}

// ContactsChanged says that who's contact list changed: the relationships given in it are read anew.
func (s *Service) ContactsChanged(who portal.Address) { s.loads.ask(who) }

// PoliciesChanged says that other policies hold for some people; without any, for everybody who is signed in. What the SIP
// server is told of them may change.
func (s *Service) PoliciesChanged(who ...portal.Address) {
	if len(who) == 0 {
		s.mu.RLock()
		for a, o := range s.owners {
			if o.signedIn {
				who = append(who, a)
			}
		}
		s.mu.RUnlock()
	}
	for _, a := range who {
		s.tellServer(a)
	}
}
