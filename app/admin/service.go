package admin

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"portico/app/policy"
	"portico/app/portal"
)

// Service keeps what administrators decided in memory and in the store. What holds for somebody is answered from a snapshot
// that is replaced as a whole; those who change something take turns. Its methods may be called from any goroutine.
type Service struct {
	store   Store
	fetcher Fetcher
	o       Options
	// now is what holds; it is never nil.
	now atomic.Pointer[snapshot]
	// turn is held by whoever changes something, from reading the snapshot until the new one holds.
	turn   chan struct{}
	states *refresher
}

// New makes a Service; fetch is nil where custom states are only uploaded. Until Load has read what was decided, the
// configuration and the defaults hold.
func New(store Store, fetch Fetcher, o Options) *Service {
	s := &Service{store: store, fetcher: fetch, o: o.withDefaults(), turn: make(chan struct{}, 1)}
	s.states = newRefresher(s)
	s.now.Store(newSnapshot(nil, nil, nil, nil, s.o.Configured))
	return s
}

// Load reads what was decided. It is called once before Run, and may be called again.
func (s *Service) Load(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	rules, err := s.store.PolicyRules(ctx)
	if err != nil {
		return err
	}
	groups, err := s.store.PolicyGroups(ctx)
	if err != nil {
		return err
	}
	sets, err := s.store.CustomStates(ctx)
	if err != nil {
		return err
	}
	origins, err := s.store.Origins(ctx)
	if err != nil {
		return err
	}
	next := newSnapshot(rules, groups, sets, origins, s.o.Configured)
	next.loaded = true
	s.hold(next)
	return nil
}

// Run fetches the files of custom states afresh from time to time, until ctx ends and what is under way has returned.
func (s *Service) Run(ctx context.Context) error { return s.states.run(ctx) }

// enter waits for the turn to change something.
func (s *Service) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return portal.Fail(portal.ErrUnavailable, "policy.busy").Because(ctx.Err())
	}
}

func (s *Service) leave() { <-s.turn }

// ready is the snapshot for those who list or change what was decided: not before it has been read.
func (s *Service) ready() (*snapshot, error) {
	now := s.now.Load()
	if !now.loaded {
		return nil, portal.Fail(portal.ErrUnavailable, "policy.loading").Because(errors.New("what was decided has not been read"))
	}
	return now, nil
}

// hold makes a snapshot the one that holds, and tells who is touched.
func (s *Service) hold(next *snapshot) {
	before := s.now.Swap(next)
	s.states.wake()
	if who, names := touched(before, next, s.o.Department); len(names) > 0 {
		s.o.Changed(who, names)
	}
}

// InForce is what holds for a person, from memory. who "" is somebody of whom nothing is said but what is said of everyone.
func (s *Service) InForce(who portal.Address) portal.InForce {
	now := s.now.Load()
	return now.policies.InForce(who, s.department(now, who))
}

// department asks for somebody's department only where some group is made of departments.
func (s *Service) department(now *snapshot, who portal.Address) string {
	if !now.departments || who == "" {
		return ""
	}
	return s.o.Department(who)
}

// Effective says of each policy what holds for a person and where that comes from, in the order of policy.Definitions.
func (s *Service) Effective(_ context.Context, who portal.Address) ([]portal.Decision, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	return now.policies.Decide(who, s.department(now, who)), nil
}

// Rules are the rules that are set: by policy, for everyone, then groups by precedence, then people.
func (s *Service) Rules(context.Context) ([]portal.PolicyRule, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	return slices.Clone(now.rules), nil
}

// Groups are the groups in the order of their precedence.
func (s *Service) Groups(context.Context) ([]portal.PolicyGroup, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	return cloneGroups(now.groups), nil
}

// Changes are lines of the record of who changed what, before a number (0: from the newest), newest first, at most 500.
func (s *Service) Changes(ctx context.Context, before int64, limit int) ([]portal.PolicyChange, error) {
	return s.store.PolicyChanges(ctx, before, min(max(limit, 1), 500))
}

// States are the custom states a person can choose from, from memory: those of their CustomStateURL, where policy gives
// one (none until it has been read), else those that were uploaded.
func (s *Service) States(who portal.Address) []portal.CustomState {
	return s.now.Load().sets[s.InForce(who).CustomStateURL].States
}

// CustomStates are all sets: the uploaded one first, then those with an address. One that could not be read yet has no
// states and says why in Failed.
func (s *Service) CustomStates(context.Context) ([]portal.CustomStates, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	return now.listSets(s.states.failures()), nil
}

// Definitions lists the policies there are.
func (s *Service) Definitions() []policy.Definition { return policy.Definitions() }
