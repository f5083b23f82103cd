package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/account"
	"portico/app/portal"
)

// book is a directory that checks passwords: every account has a login name and an e-mail address.
type book struct {
	mu     sync.Mutex
	asked  int
	logins map[string]portal.Address
	pass   map[portal.Address]string
	says   error
}

func newBook() *book {
	return &book{logins: map[string]portal.Address{"aa": alice, "alice": alice, "alice@example.test": alice, "adams@corp.test": alice, "bob": bob, "guest": "sip:guest@elsewhere.test"},
		pass: map[portal.Address]string{alice: "ldap-wonder", bob: "ldap-builder", "sip:guest@elsewhere.test": "x"}}
}

func (b *book) verify(_ context.Context, login, password string) (portal.Address, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	who := b.logins[strings.ToLower(login)]
	switch {
	case b.says != nil:
		return who, b.says
	case who == "" || b.pass[who] != password:
		return who, portal.Fail(portal.ErrUnauthenticated, "signin.wrong")
	}
	return who, nil
}

func (b *book) times() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

func (b *book) say(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.says = err
}

// trusting is an office whose passwords a directory checks; the SIP server takes the portal's word.
func trusting(t *testing.T, o account.Options) (*office, *book) {
	t.Helper()
	b := newBook()
	o.Verify = b.verify
	f := newOffice(t, o)
	f.reg.passwords = map[portal.Address]string{alice: "", bob: ""}
	return f, b
}

func TestADirectorySaysWhoSomebodyIs(t *testing.T) {
	f, _ := trusting(t, account.Options{KeepPassword: true})
	for i, login := range []string{"alice", " AA ", "alice@example.test", "adams@corp.test"} {
		who, err := f.SignIn(t.Context(), login, "ldap-wonder", "192.0.2.1:4711")
		if err != nil || who != alice {
			t.Fatalf("%q is %q, %v", login, who, err)
		}
		if err := f.Began(t.Context(), who, fmt.Sprint("k", i), "", ""); err != nil {
			t.Fatal(err)
		}
	}
	f.want("events", "in alice true", "line alice up ", "in alice false", "in alice false", "in alice false")
	if p, err := f.Password(t.Context(), alice); err != nil || p != "ldap-wonder" {
		t.Errorf("the password is %q, %v", p, err)
	}
	if f.reg.line(alice) != "ha1 of sip:alice@example.test " {
		t.Errorf("the line stands on %q", f.reg.line(alice))
	}
}

func TestADirectoryRefuses(t *testing.T) {
	f, b := trusting(t, account.Options{})
	f.fails("", "x", portal.ErrInvalid, "signin.incomplete")
	f.fails("alice", "", portal.ErrInvalid, "signin.incomplete")
	f.fails(strings.Repeat("a", 300), "x", portal.ErrInvalid, "signin.login")
	f.fails("a\xff", "x", portal.ErrInvalid, "signin.login")
	if b.times() != 0 {
		t.Errorf("it was asked %d times for nothing", b.times())
	}
	f.fails("alice", "wonder", portal.ErrUnauthenticated, "signin.wrong")
	f.fails("aa", strings.Repeat("x", 5000), portal.ErrUnauthenticated, "signin.wrong")
	f.fails(`no "address" at all`, "x", portal.ErrUnauthenticated, "signin.wrong")
	if e := f.fails("guest", "x", portal.ErrForbidden, "signin.foreign"); e.Args["domain"] != "example.test" {
		t.Errorf("args %v", e.Args)
	}
	b.say(portal.Fail(portal.ErrForbidden, "signin.locked"))
	f.fails("bob", "ldap-builder", portal.ErrForbidden, "signin.locked")
	b.say(portal.Fail(portal.ErrUnavailable, "directory.ldap"))
	f.fails("bob", "ldap-builder", portal.ErrUnavailable, "directory.ldap")
	b.say(nil)
	f.reg.away = portal.Fail(portal.ErrUnauthenticated, "signin.wrong") // the SIP server does not trust this portal
	f.fails("bob", "ldap-builder", portal.ErrForbidden, "signin.line-refused")
	f.reg.away = portal.Fail(portal.ErrUnavailable, "signin.unreachable")
	f.fails("bob", "ldap-builder", portal.ErrUnavailable, "signin.unreachable")
	f.want("nobody came in")
}

// However an account is called, its wrong tries are counted together; and of all accounts of a remote address.
func TestGuessesUnderSeveralNamesAreCountedTogether(t *testing.T) {
	f, b := trusting(t, account.Options{})
	for range 3 {
		f.fails("aa", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	}
	for range 2 {
		f.fails("adams@corp.test", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	}
	for _, login := range []string{"aa", "adams@corp.test", "alice", "ALICE@example.test"} {
		f.fails(login, "wrong", portal.ErrTooMany, "signin.too-many")
		f.fails(login, "ldap-wonder", portal.ErrTooMany, "signin.too-many") // right: it is not told
	}
	asked := b.times()
	f.fails("alice", "ldap-wonder", portal.ErrTooMany, "signin.too-many")
	if b.times() != asked {
		t.Error("the directory was asked for an account that must wait")
	}
	f.clock.turn(time.Second)
	f.signIn("aa", "ldap-wonder", "k1")
	f.signIn("bob", "ldap-builder", "k2")
	f.fails("adams@corp.test", "wrong", portal.ErrUnauthenticated, "signin.wrong") // success forgives
}

// Names of nobody from one remote address are held up like wrong passwords of many.
func TestGuessedNamesAreHeldUp(t *testing.T) {
	f, _ := trusting(t, account.Options{})
	refused := false
	for i := range 100 {
		_, err := f.SignIn(t.Context(), fmt.Sprintf("somebody %d", i), "x", "192.0.2.1:1")
		if refused = errors.Is(err, portal.ErrTooMany); refused {
			break
		}
	}
	if !refused {
		t.Error("a hundred names were tried")
	}
	if _, err := f.SignIn(t.Context(), "bob", "ldap-builder", "198.51.100.1:1"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

// Refusals take the same time whether there is such an account or not.
func TestRefusalsByADirectoryTakeTheirTime(t *testing.T) {
	f, _ := trusting(t, account.Options{FailFloor: 50 * time.Millisecond})
	for _, login := range []string{"alice", "nobody", "adams@corp.test"} {
		began := time.Now()
		f.fails(login, "wrong", portal.ErrUnauthenticated, "signin.wrong")
		if took := time.Since(began); took < 50*time.Millisecond {
			t.Errorf("%s was refused after %v", login, took)
		}
	}
}

func TestSigningInAsSomebody(t *testing.T) {
	f, _ := trusting(t, account.Options{KeepPassword: true})
	f.signIn("alice", "ldap-wonder", "k0")
	f.news()
	if err := f.SignInAs(t.Context(), alice, "192.0.2.1:1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Began(t.Context(), alice, "k1", "", ""); err != nil {
		t.Fatal(err)
	}
	f.want("events", "in alice false")
	if p, err := f.Password(t.Context(), alice); err != nil || p != "ldap-wonder" {
		t.Errorf("the password of the other sign-in is %q, %v", p, err)
	}
	if err := f.SignInAs(t.Context(), bob, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Password(t.Context(), bob); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("bob has a password: %v", err)
	}
	for who, key := range map[portal.Address]string{"sip:x@elsewhere.test": "signin.foreign", "": "signin.foreign", "sip:nobody@example.test": "signin.line-refused"} {
		if err := f.SignInAs(t.Context(), who, ""); !errors.Is(err, portal.ErrForbidden) || portal.Reason(err) != key {
			t.Errorf("%q: %v", who, err)
		}
	}
	f.reg.away = portal.Fail(portal.ErrUnavailable, "signin.unreachable")
	if err := f.SignInAs(t.Context(), alice, ""); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("the server is away: %v", err)
	}
}

func TestEndingOneSessionFromAnother(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.signIn("alice", "wonder", "k2")
	f.signIn("bob", "builder", "k3")
	f.news()
	for _, key := range []string{"k3", "k4", ""} { // somebody else's, nobody's
		if err := f.EndOne(t.Context(), alice, key); !errors.Is(err, portal.ErrNotFound) || portal.Reason(err) != "session.not-found" {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := f.EndOne(t.Context(), alice, "k1"); err != nil {
		t.Fatal(err)
	}
	f.want("one", "ended k1 alice signed-out-elsewhere")
	if _, err := f.Whose(t.Context(), "k1"); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("it lives: %v", err)
	}
	if err := f.EndOne(t.Context(), alice, "k1"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("once more: %v", err)
	}
	ins, err := f.Sessions(t.Context(), alice)
	if err != nil || len(ins) != 1 || ins[0].Key != "k2" {
		t.Errorf("left: %+v, %v", ins, err)
	}
	if err := f.EndOne(t.Context(), alice, "k2"); err != nil {
		t.Fatal(err)
	}
	f.want("the last", "ended k2 alice signed-out-elsewhere", "out alice")
	if who, err := f.Whose(t.Context(), "k3"); err != nil || who != bob {
		t.Errorf("bob: %q, %v", who, err)
	}
}

// told gathers incidents.
type told struct {
	mu  sync.Mutex
	all []portal.Incident
}

func (l *told) note(in portal.Incident) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, in)
}

// news is what was told since the last call, in few words.
func (l *told) news() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, in := range l.all {
		out = append(out, fmt.Sprintf("%s %s %s %v %s", in.Who.User(), in.Part, in.Cause, in.Good, in.Remote))
	}
	l.all = nil
	return out
}

func TestIncidentsAreTold(t *testing.T) {
	l := &told{}
	f := newOffice(t, account.Options{Incident: l.note})
	want := func(what string, want ...string) {
		t.Helper()
		if got := l.news(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}
	f.signIn("alice", "wonder", "k1")
	want("nothing was wrong")
	f.fails("alice", "very secret", portal.ErrUnauthenticated, "signin.wrong")
	l.mu.Lock()
	if in := l.all[0]; in.At.IsZero() || in.Times != 1 || strings.Contains(in.Detail, "secret") || in.Detail == "" {
		t.Errorf("%+v", in)
	}
	l.mu.Unlock()
	want("a wrong password", "alice signin signin.wrong false 192.0.2.1")
	f.signIn("alice", "wonder", "k2")
	want("right again", "alice signin signin.worked true 192.0.2.1")
	f.signIn("alice", "wonder", "k3")
	want("and again")
	f.fails("", "x", portal.ErrInvalid, "signin.incomplete")
	f.fails("x@elsewhere.test", "x", portal.ErrUnauthenticated, "signin.foreign")
	want("what is nobody's")
	f.reg.away = portal.Fail(portal.ErrUnavailable, "signin.unreachable").Because(errors.New(strings.Repeat("ü", 1000)))
	f.fails("bob", "builder", portal.ErrUnavailable, "signin.unreachable")
	l.mu.Lock()
	if n := len(l.all[0].Detail); n > 512 || n < 400 {
		t.Errorf("a detail of %d bytes", n)
	}
	l.mu.Unlock()
	want("the server is away", "bob signin signin.unreachable false 192.0.2.1")
	for range 2 {
		f.LineDown(alice, portal.Fail(portal.ErrUnavailable, "line.down"))
	}
	want("the line is down", "alice sip line.down false ")
	f.LineDown(alice, portal.Fail(portal.ErrUnauthenticated, "signin.wrong"))
	want("and refused", "alice sip line.refused false ")
	f.LineUp(alice)
	f.LineUp(alice)
	want("and works again", "alice sip line.up true ")
	f.LineDown("sip:stranger@example.test", nil)
	want("a stranger's line")
}

// A start of the portal is no trouble with anybody's line.
func TestARestartIsNoIncident(t *testing.T) {
	l := &told{}
	f := newOffice(t, account.Options{Incident: l.note})
	f.signIn("alice", "wonder", "k1")
	f.open()
	f.run()
	f.happens("line alice down line.resuming")
	f.LineUp(alice)
	if got := l.news(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
}
