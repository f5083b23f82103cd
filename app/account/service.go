package account

// The service: what it stands on, what it remembers, and its life.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// Options are what an account service is built with. Domain and KeyFile are needed.
type Options struct {
	// Domain is the one domain whose people sign in here.
	Domain string
	Admins []portal.Address
	// SessionLifetime is how long a session lives, from its beginning (12 h).
	SessionLifetime time.Duration
	// SessionIdle is how long a session lives that nobody uses: without a question to Whose, and without being InUse; zero: for its
	// whole lifetime. It begins anew with a restart.
	SessionIdle time.Duration
	// InUse are the keys of the sessions that are in use without asking, as one with a live connection is; nil: none are. It must
	// not block.
	InUse func() map[string]bool
	// KeyFile seals what keeps people registered; it is made (0600) where it is missing.
	KeyFile string
	// OnSignedIn is told of each sign-in before SignIn returns, and of each line resumed after a restart;
	// first: the person had no line before. OnSignedOut is told when the line is gone.
	OnSignedIn  func(ctx context.Context, who portal.Address, first bool)
	OnSignedOut func(who portal.Address)
	// OnEnded is told of the end of a session, with one of the Reason constants.
	OnEnded func(sessionKey string, who portal.Address, reason string)
	// KeepPassword also keeps each person's password, sealed like their line, for backends that are asked in
	// their own name (Exchange without a service account); Password gives it.
	KeepPassword bool
	// Verify, where it is set, says who a login name and password are, instead of the SIP server: the directory
	// does. The line is then made without a password, so the server must trust this portal. With an error that
	// means ErrUnauthenticated (wrong) or ErrForbidden (this account may not sign in), the address is given where
	// the name is somebody's, so that tries under several names of one account are counted together.
	Verify func(ctx context.Context, login, password string) (portal.Address, error)
	// Incident is told of each sign-in that failed, of the first that worked again after one, and of each person's
	// line that went down or works again. It must not block, and it holds no secret. People who are not there
	// are told of too: what is kept of them must be bounded. Nil: nobody wants to know.
	Incident func(portal.Incident)
	// Known reports whether somebody is known beside those who sign in: listed in an address book. The address of a refused
	// sign-in is told only of people who are known, since people also type their password into the wrong field. nil: all are.
	Known func(who portal.Address) bool
	// Emit tells a person's browsers how their line is; it must not block.
	Emit func(to portal.Address, ev portal.Current)
	// Person looks somebody up in the address book; nil: only their address is known.
	Person func(ctx context.Context, who portal.Address) portal.Person
	// Language gives the canonical form of a language's tag ("de", "en-US") that a person can choose; nil: of any that is well-formed.
	Language func(tag string) (canonical string, ok bool)
	// Sweep is how often expired sessions are ended (30 s).
	Sweep time.Duration
	// FailFloor is the least time a refused sign-in takes, so that the time tells no more than the answer
	// does (250 ms).
	FailFloor time.Duration
	Logger    *slog.Logger
	Now       func() time.Time
}

func (o Options) withDefaults() Options {
	if o.OnSignedIn == nil {
		o.OnSignedIn = func(context.Context, portal.Address, bool) {}
	}
	if o.OnSignedOut == nil {
		o.OnSignedOut = func(portal.Address) {}
	}
	if o.OnEnded == nil {
		o.OnEnded = func(string, portal.Address, string) {}
	}
	if o.InUse == nil {
		o.InUse = func() map[string]bool { return nil }
	}
	if o.Incident == nil {
		o.Incident = func(portal.Incident) {}
	}
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.Person == nil {
		o.Person = func(_ context.Context, who portal.Address) portal.Person {
			return portal.Person{URI: who, DisplayName: who.User()}
		}
	}
	if o.Language == nil {
		o.Language = wellFormed
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SessionLifetime <= 0 {
		o.SessionLifetime = 12 * time.Hour
	}
	if o.Sweep <= 0 {
		o.Sweep = 30 * time.Second
	}
	if o.FailFloor <= 0 {
		o.FailFloor = 250 * time.Millisecond
	}
	return o
}

// beginTime is how long a sign-in may be without its session before its line goes.
const beginTime = time.Minute

// signOutTime bounds taking one line down.
const signOutTime = 5 * time.Second

// Service is the accounts of all people of the portal. Its methods may be called from any goroutine.
type Service struct {
	lines Lines
	vault Vault
	o     Options
	box   *box
	tries *tries
	// locks orders what changes one person's sessions and line; mu guards the maps and is never held over
	// a call to another room.
	locks *locks
	// choices orders what changes one person's settings.
	choices *locks

	loading sync.Mutex
	mu      sync.Mutex
	loaded  bool
	keys    map[string]session
	people  map[portal.Address]*member
	// troubled are those whose last sign-in failed; bounded by maxRemembered.
	troubled map[portal.Address]bool

	// allResumed is closed, once, when the lines of all people have been taken up.
	allResumed chan struct{}
	resumed    sync.Once
}

// session is what is remembered of a sign-in.
type session struct {
	who     portal.Address
	expires time.Time
	// used is when it was last seen in use.
	used time.Time
}

// member is a person with a line or sessions.
type member struct {
	keys []string
	// begun are the sign-ins that have no session yet.
	begun []time.Time
	// line: the connector holds a line for this person. state is how it is.
	line  bool
	state portal.LineEvent
	// lost: that the line went down was told, and nothing since.
	lost bool
}

// New builds the service; it reads or makes the key file, and fails when that is not private.
func New(lines Lines, vault Vault, o Options) (*Service, error) {
	o = o.withDefaults()
	if o.Domain == "" {
		return nil, errors.New("account: no domain")
	}
	b, err := openBox(o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return &Service{lines: lines, vault: vault, o: o, box: b, tries: newTries(), locks: newLocks(), choices: newLocks(),
		keys: map[string]session{}, people: map[portal.Address]*member{}, troubled: map[portal.Address]bool{}, allResumed: make(chan struct{})}, nil
}

// Run takes up the lines of all people who were signed in when the portal last stopped, and ends
// sessions when their time is over. It returns nil when ctx is done; lines and sessions stay for the
// next start.
func (s *Service) Run(ctx context.Context) error {
	if !s.loadPatiently(ctx) {
		return nil
	}
	s.resumeAll(ctx)
	s.resumed.Do(func() { close(s.allResumed) })
	tick := time.NewTicker(s.o.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}

// Resumed is closed when Run has taken up the lines of all people: from then on a person without a line is
// not signed in.
func (s *Service) Resumed() <-chan struct{} { return s.allResumed }

// loadPatiently loads, again and again until storage answers; false: ctx is done.
func (s *Service) loadPatiently(ctx context.Context) bool {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := s.load(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			s.o.Logger.Error("account: sign-ins could not be read; tried again", "in", wait, "err", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// load reads who is signed in, once.
func (s *Service) load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if loaded {
		return nil
	}
	people, err := s.vault.SignedInPeople(ctx)
	if err != nil {
		return err
	}
	var all []portal.Signin
	for _, who := range people {
		ins, err := s.vault.Signins(ctx, who)
		if err != nil {
			return err
		}
		all = append(all, ins...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range all {
		s.remember(in)
	}
	s.loaded = true
	return nil
}

// remember notes a sign-in that is in the vault; the lock is held.
func (s *Service) remember(in portal.Signin) {
	m := s.member(in.Person)
	s.keys[in.Key] = session{in.Person, in.ExpiresAt, s.o.Now()}
	if !slices.Contains(m.keys, in.Key) {
		m.keys = append(m.keys, in.Key)
	}
}

// forget is the opposite of remember; the lock is held.
func (s *Service) forget(key string, who portal.Address) {
	delete(s.keys, key)
	if m := s.people[who]; m != nil {
		m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
	}
}

// member finds or makes a member; the lock is held.
func (s *Service) member(who portal.Address) *member {
	m := s.people[who]
	if m == nil {
		m = &member{}
		s.people[who] = m
	}
	return m
}
