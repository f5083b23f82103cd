package account_test

// What the tests of account stand on: the real vault, and lines that keep registrations as a server does.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/account"
	"portico/app/portal"
	"portico/storage"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registrar is a SIP server with accounts, and the connector's lines to it.
type registrar struct {
	mu        sync.Mutex
	passwords map[portal.Address]string
	lines     map[portal.Address]string // who → the secret the line stands on
	away      error
	signIns   int
	busy      map[portal.Address]int
	overlap   bool
	signOuts  []portal.Address
	resumed   []portal.Address
	outFails  bool
	// checking, when set, is called while a password is being checked.
	checking func(who portal.Address)
}

func newRegistrar() *registrar {
	return &registrar{passwords: map[portal.Address]string{alice: "wonder", bob: "builder"},
		lines: map[portal.Address]string{}, busy: map[portal.Address]int{}}
}

func (r *registrar) SignIn(_ context.Context, who portal.Address, password string) ([]byte, error) {
	r.mu.Lock()
	r.signIns++
	if r.busy[who]++; r.busy[who] > 1 {
		r.overlap = true
	}
	checking, away := r.checking, r.away
	r.mu.Unlock()
	if checking != nil {
		checking(who)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[who]--
	want, known := r.passwords[who]
	switch {
	case away != nil:
		return nil, away
	case !known:
		return nil, portal.Fail(portal.ErrNotFound, "signin.unknown")
	case want != password:
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.rejected")
	}
	r.lines[who] = "ha1 of " + string(who) + " " + password
	return []byte(r.lines[who]), nil
}

func (r *registrar) Resume(who portal.Address, secret []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines[who] = string(secret)
	r.resumed = append(r.resumed, who)
}

func (r *registrar) SignOut(_ context.Context, who portal.Address) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lines, who)
	r.signOuts = append(r.signOuts, who)
	if r.outFails {
		return portal.Fail(portal.ErrUnavailable, "line.down")
	}
	return nil
}

func (r *registrar) line(who portal.Address) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines[who]
}

// clock is a time that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// office is an account service over a real vault.
type office struct {
	*account.Service
	t     *testing.T
	reg   *registrar
	store *storage.Store
	clock *clock
	o     account.Options
	dir   string

	mu  sync.Mutex
	log []string
}

func openStore(t *testing.T, dir string) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(dir, "portico.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, store.Close()); err != nil {
			t.Errorf("closing the vault: %v", err)
		}
	})
	eventually(t, "the vault writes", func() bool { return store.Ready(t.Context()) == nil })
	return store
}

func newOffice(t *testing.T, o account.Options) *office {
	t.Helper()
	dir := t.TempDir()
	off := &office{t: t, reg: newRegistrar(), store: openStore(t, dir), clock: &clock{now: time.Now()}, o: o, dir: dir}
	off.open()
	return off
}

// open makes a service as a start of the portal does.
func (f *office) open() {
	f.t.Helper()
	o := f.o
	o.Domain = "example.test"
	if o.KeyFile == "" {
		o.KeyFile = filepath.Join(f.dir, "key")
	}
	if o.FailFloor == 0 {
		o.FailFloor = time.Millisecond
	}
	if o.Sweep == 0 {
		o.Sweep = 2 * time.Millisecond
	}
	o.Now = f.clock.Now
	o.OnSignedIn = func(_ context.Context, who portal.Address, first bool) {
		if f.reg.line(who) == "" {
			f.t.Errorf("%s is told to be signed in before there is a line", who)
		}
		f.note("in %s %v", who.User(), first)
	}
	o.OnSignedOut = func(who portal.Address) { f.note("out %s", who.User()) }
	o.OnEnded = func(key string, who portal.Address, reason string) { f.note("ended %s %s %s", key, who.User(), reason) }
	o.Emit = func(who portal.Address, ev portal.Current) {
		e := ev.(portal.LineEvent)
		f.note("line %s %s %s", who.User(), e.State, e.Reason)
	}
	s, err := account.New(f.reg, f.store, o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.Service = s
}

// run lives until the returned function is called.
func (f *office) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := f.Service
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("run: %v", err)
		}
	})
	f.t.Cleanup(stop)
	return stop
}

func (f *office) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

// news is what happened since the last call.
func (f *office) news() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

func (f *office) want(what string, want ...string) {
	f.t.Helper()
	if got := f.news(); !slices.Equal(got, want) {
		f.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (f *office) happens(what string) {
	f.t.Helper()
	eventually(f.t, what, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Contains(f.log, what)
	})
}

func (f *office) signIn(address, password, key string) {
	f.t.Helper()
	who, err := f.SignIn(f.t.Context(), address, password, "192.0.2.1:4711")
	if err != nil {
		f.t.Fatalf("sign in %s: %v", address, err)
	}
	if err := f.Began(f.t.Context(), who, key, "a browser", "192.0.2.1"); err != nil {
		f.t.Fatalf("begin %s: %v", address, err)
	}
}

func (f *office) fails(address, password string, meaning error, key string) *portal.Error {
	f.t.Helper()
	return f.failsFrom("192.0.2.1:4711", address, password, meaning, key)
}

func (f *office) failsFrom(remote, address, password string, meaning error, key string) *portal.Error {
	f.t.Helper()
	_, err := f.SignIn(f.t.Context(), address, password, remote)
	var e *portal.Error
	if !errors.Is(err, meaning) || portal.Reason(err) != key || !errors.As(err, &e) {
		f.t.Fatalf("sign in %q: got %v, want %v %s", address, err, meaning, key)
	}
	return e
}

// eventually waits until ok, with a deadline far beyond what it should take.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		<-tick.C
	}
}
