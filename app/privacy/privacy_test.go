package privacy

// What the tests of privacy stand on: fake time, a store and a SIP server in memory that can be away, and a house that
// remembers what it was told.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

const (
	alice   = portal.Address("sip:alice@example.test")
	bob     = portal.Address("sip:bob@example.test")
	carol   = portal.Address("sip:carol@example.test")
	dave    = portal.Address("sip:dave@example.test")
	foreign = portal.Address("sip:eve@other.test")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func away() error { return portal.Fail(portal.ErrUnavailable, "storage.away") }

// store is a Store in memory. Contact lists are ties with Contact.
type store struct {
	mu      sync.Mutex
	away    bool
	privacy map[portal.Address]portal.Privacy
	ties    map[portal.Address]map[portal.Address]portal.Tie
	known   map[portal.Address][]portal.Address
	events  []portal.Addressed
	reads   int
	// hold makes Privacy wait until it is closed.
	hold chan struct{}
}

func newStore() *store {
	return &store{privacy: map[portal.Address]portal.Privacy{}, ties: map[portal.Address]map[portal.Address]portal.Tie{},
		known: map[portal.Address][]portal.Address{}}
}

func (s *store) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *store) contact(owner, with portal.Address, r portal.Relationship) {
	s.set(func() { s.put(portal.Tie{Owner: owner, With: with, Relationship: r, Contact: true}) })
}

func (s *store) put(t portal.Tie) {
	if s.ties[t.Owner] == nil {
		s.ties[t.Owner] = map[portal.Address]portal.Tie{}
	}
	s.ties[t.Owner][t.With] = t
}

func (s *store) Privacy(ctx context.Context, owner portal.Address) (portal.Privacy, []portal.Tie, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.away {
		return portal.Privacy{}, nil, away()
	}
	p, ties := s.privacy[owner], slices.Collect(maps.Values(s.ties[owner]))
	if hold := s.hold; hold != nil {
		// What was read is old by the time it is handed over.
		s.mu.Unlock()
		<-hold
		s.mu.Lock()
	}
	return p, ties, ctx.Err()
}

func (s *store) SavePrivacy(_ context.Context, owner portal.Address, p portal.Privacy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return away()
	}
	s.privacy[owner] = p
	return nil
}

func (s *store) PutTie(_ context.Context, tie portal.Tie, ev portal.Addressed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return away()
	}
	s.put(tie)
	if tie.Contact {
		s.events = append(s.events, ev)
	}
	return nil
}

func (s *store) DropTie(_ context.Context, owner, with portal.Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return away()
	}
	if !s.ties[owner][with].Contact {
		delete(s.ties[owner], with)
	}
	return nil
}

func (s *store) Admirers(_ context.Context, of portal.Address, limit int) ([]portal.Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, away()
	}
	var all []portal.Address
	for owner, ties := range s.ties {
		if ties[of].Contact {
			all = append(all, owner)
		}
	}
	slices.Sort(all)
	return all[:min(len(all), limit)], nil
}

func (s *store) Known(_ context.Context, owner portal.Address) ([]portal.Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, away()
	}
	return slices.Clone(s.known[owner]), nil
}

func (s *store) Acknowledge(_ context.Context, owner portal.Address, who []portal.Address) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return away()
	}
	s.known[owner] = append(s.known[owner], who...)
	return nil
}

// server is Rules in memory.
type server struct {
	mu     sync.Mutex
	answer error
	tries  []time.Time
	sets   map[portal.Address][]RuleSet
	// slow makes each answer wait; under counts what is under way, and the most there was.
	slow        time.Duration
	under, most int
	// lost: what is told is taken, and the answer gets lost.
	lost bool
}

func newServer() *server { return &server{sets: map[portal.Address][]RuleSet{}} }

func (v *server) PutRules(ctx context.Context, owner portal.Address, r RuleSet) error {
	v.mu.Lock()
	v.tries = append(v.tries, time.Now())
	v.under++
	v.most = max(v.most, v.under)
	slow, answer := v.slow, v.answer
	v.mu.Unlock()
	var err error
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.under--
	if err = cmp.Or(answer, err); err == nil {
		v.sets[owner] = append(v.sets[owner], r)
		if v.lost {
			err = portal.Fail(portal.ErrUnavailable, "line.timeout")
		}
	}
	return err
}

func (v *server) loses(lost bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lost = lost
}

func (v *server) answers(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = err
}

func (v *server) last(owner portal.Address) (RuleSet, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := len(v.sets[owner])
	if n == 0 {
		return RuleSet{}, 0
	}
	return v.sets[owner][n-1], n
}

// house is a service in fake time with all it was told.
type house struct {
	*Service
	t       *testing.T
	store   *store
	server  *server
	mu      sync.Mutex
	changed []portal.Address
	told    map[portal.Address][]int
	dropped int
}

// at runs f in a bubble of fake time, with a SIP server that keeps rules.
func at(t *testing.T, o Options, f func(h *house)) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, store: newStore(), server: newServer(), told: map[portal.Address][]int{}}
		if o.Domain == "" {
			o.Domain = "example.test"
		}
		o.Changed = func(owner portal.Address) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.changed = append(h.changed, owner)
		}
		o.Emit = func(to portal.Address, ev portal.Current) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.told[to] = append(h.told[to], ev.(portal.WatchersEvent).New)
		}
		o.Dropped = func(n int) { h.dropped += n }
		h.Service = New(h.store, h.server, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		f(h)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// changes are the owners of whom it was told since the last call that others see something else.
func (h *house) changes() []portal.Address {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.changed
	h.changed = nil
	return all
}

// news are the numbers of new ones that who was told since the last call.
func (h *house) news(who portal.Address) []int {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.told[who]
	h.told[who] = nil
	return all
}

func (h *house) sees(viewer, owner portal.Address, want portal.Sight) {
	h.t.Helper()
	if got := h.Sight(owner, viewer); got != want {
		h.t.Errorf("%s sees of %s %+v, want %+v", viewer.User(), owner.User(), got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, what string, err error, reason string) {
	t.Helper()
	if portal.Reason(err) != reason || err == nil {
		t.Errorf("%s: %v, want %s", what, err, reason)
	}
}
