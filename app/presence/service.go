package presence

// The service: what it stands on, its life, and the way changes leave it.

import (
	"context"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set.
type Options struct {
	// EmitMany tells many people's browsers the same newest value, Emit one person's; they must not block.
	// Without EmitMany, Emit is called for each.
	EmitMany func(to []portal.Address, ev portal.Current)
	Emit     func(to portal.Address, ev portal.Current)
	// Instance names this portal among a person's endpoints ("portico-" + Instance).
	Instance string
	// Changed counts presence changes that were told; nil: nobody counts.
	Changed func(told int)
	Logger  *slog.Logger
	Now     func() time.Time

	// Sight is what subject lets viewer see, Wire what is published of who where all who may watch are sent the same:
	// portal.FullSight where the SIP server itself keeps rules for the person; nil: everything. Without the second value it
	// is not known yet what subject lets viewer see: nothing is, and Recheck follows. InForce is the policies
	// that hold for who; nil: none. All three answer out of memory, at once, and call nothing here.
	Sight   func(subject, viewer portal.Address) (portal.Sight, bool)
	Wire    func(who portal.Address) portal.Sight
	InForce func(who portal.Address) portal.InForce
	// States are the custom states that who may set, out of memory too; nil: the four activities as they are set.
	States func(who portal.Address) []portal.CustomState
	// Provider is the endpoint that who chose to count (portal.Settings.PresenceProvider), read once at sign-in; nil:
	// none is chosen.
	Provider func(ctx context.Context, who portal.Address) (string, error)
	// Tagged are those of whom owner wants to be told when they become available; nil: nobody. It is asked without a
	// lock, and only when somebody on owner's list did.
	Tagged func(owner portal.Address) []portal.Address

	// InactiveAfter and AwayAfter are how long somebody is without input before it shows (5 and 15 min).
	InactiveAfter, AwayAfter time.Duration
	// ActiveLease is how long "active" holds that is not said again; zero: until Idle or Detach. A browser whose session was
	// cut, or whose pages stand still, does not say that nobody is there any more.
	ActiveLease time.Duration
	// Grace is how long somebody without a connection is still there (15 s): a page change, a short outage.
	Grace time.Duration
	// TouchLease is how long a page without script counts as a place (5 min).
	TouchLease time.Duration
	// BriefWatch is how long a question keeps somebody watched (2 min), QueryWait how long it waits for
	// first news (2 s).
	BriefWatch, QueryWait time.Duration
	// DefaultLease is how long a report holds that does not say (1 h).
	DefaultLease time.Duration
	// MaxExtra bounds the people somebody watches beyond the contact list (500). Watch leaves out what is
	// beyond, Query refuses.
	MaxExtra int
}

func (o Options) withDefaults() Options {
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.EmitMany == nil {
		emit := o.Emit
		o.EmitMany = func(to []portal.Address, ev portal.Current) {
			for _, who := range to {
				emit(who, ev)
			}
		}
	}
	if o.Sight == nil {
		o.Sight = func(portal.Address, portal.Address) (portal.Sight, bool) { return portal.FullSight(), true }
	}
	if o.Wire == nil {
		o.Wire = func(portal.Address) portal.Sight { return portal.FullSight() }
	}
	if o.InForce == nil {
		o.InForce = func(portal.Address) portal.InForce { return portal.InForce{EnableAppearOffline: true} }
	}
	if o.Provider == nil {
		o.Provider = func(context.Context, portal.Address) (string, error) { return "", nil }
	}
	if o.Tagged == nil {
		o.Tagged = func(portal.Address) []portal.Address { return nil }
	}
	if o.Changed == nil {
		o.Changed = func(int) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxExtra <= 0 {
		o.MaxExtra = 500
	}
	standard := policy.DefaultThresholds()
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.InactiveAfter, standard.Inactive}, {&o.AwayAfter, standard.Away}, {&o.Grace, 15 * time.Second},
		{&o.TouchLease, 5 * time.Minute}, {&o.BriefWatch, 2 * time.Minute}, {&o.QueryWait, 2 * time.Second},
		{&o.DefaultLease, time.Hour},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	return o
}

// Service is the presence of all people of the portal. Its methods may be called from any goroutine and
// wait for nothing, but for those that take a context. What they change is told by Run.
type Service struct {
	line     Line
	mem      Memory
	o        Options
	limits   policy.Thresholds
	endpoint string
	// bell wakes Run: something is to be told, or due earlier than it thinks.
	bell chan struct{}
	seed maphash.Seed

	mu       sync.Mutex
	people   map[portal.Address]*person
	subjects map[portal.Address]*subject
	// numbered are the people by their numbers, free the numbers that nobody has.
	numbered []*person
	free     []uint32
	lastID   uint64
	// born tells this board's clock from others; asked: somebody knows the time that it shows.
	born, clock uint32
	asked       bool
	later       peopleHeap
	// dirty are the people of whom something may have to be told, each once.
	dirty []*person
}

// New builds the service; nothing is told before Run.
func New(line Line, mem Memory, o Options) *Service {
	o = o.withDefaults()
	return &Service{line: line, mem: mem, o: o, limits: policy.Thresholds{Inactive: o.InactiveAfter, Away: o.AwayAfter},
		endpoint: "portico-" + o.Instance, bell: make(chan struct{}, 1), seed: maphash.MakeSeed(), born: max(1, rand.Uint32()),
		people: map[portal.Address]*person{}, subjects: map[portal.Address]*subject{}}
}

// Run tells browsers and the SIP server what has changed, and changes what time changes. It returns nil
// when ctx is done. What is waiting to be told is bounded by the board itself: each value waits once,
// and is read when it is told.
func (s *Service) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := s.expire(ctx)
		for s.tell() {
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-s.bell:
		case <-timer.C:
		}
	}
}

func (s *Service) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// mine reports whether an endpoint is this portal itself.
func (s *Service) mine(endpoint string) bool {
	rest, ok := strings.CutPrefix(endpoint, s.endpoint)
	return ok && (rest == "" || strings.ContainsRune("-.:/@;", rune(rest[0])))
}

// person finds or makes a person; the lock is held.
func (s *Service) person(who portal.Address) *person {
	p := s.people[who]
	if p == nil {
		p = &person{address: who, number: s.number(), index: -1, due: never, ownTold: unknownTold}
		s.people[who] = p
		s.numbered[p.number] = p
		sub := s.subject(who)
		sub.local = p
		s.entryFor(p, sub).self = true
	}
	return p
}

// number gives one that nobody has.
func (s *Service) number() uint32 {
	if n := len(s.free); n > 0 {
		number := s.free[n-1]
		s.free = s.free[:n-1]
		return number
	}
	s.numbered = append(s.numbered, nil)
	return uint32(len(s.numbered) - 1)
}

// subject finds or makes a subject; the lock is held.
func (s *Service) subject(of portal.Address) *subject {
	sub := s.subjects[of]
	if sub == nil {
		s.lastID++
		// Addresses come out of larger texts; only the subject's own copy is kept.
		sub = &subject{address: portal.Address(strings.Clone(string(of))), id: s.lastID}
		s.subjects[sub.address] = sub
	}
	return sub
}

// touch notes that something of p may have to be told; the lock is held.
func (s *Service) touch(p *person) {
	if !p.marked {
		p.marked = true
		s.dirty = append(s.dirty, p)
	}
	s.ring()
}
