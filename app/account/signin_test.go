package account_test

import (
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

func TestSignIn(t *testing.T) {
	for _, typed := range []string{"alice", " alice@example.test ", "sip:alice@EXAMPLE.test", "sips:alice@example.test:5061;transport=tls"} {
		t.Run(typed, func(t *testing.T) {
			f := newOffice(t, account.Options{})
			f.signIn(typed, "wonder", "k1")
			f.want("events", "in alice true", "line alice up ")
			f.signIn(typed, "wonder", "k2")
			f.want("a second browser", "in alice false")
			ins, err := f.Sessions(t.Context(), alice)
			if err != nil || len(ins) != 2 || ins[0].Agent != "a browser" {
				t.Errorf("sessions %+v, %v", ins, err)
			}
			if who, err := f.Whose(t.Context(), "k2"); err != nil || who != alice {
				t.Errorf("k2 is %s, %v", who, err)
			}
		})
	}
}

func TestSignInRefuses(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.fails("", "x", portal.ErrInvalid, "signin.incomplete")
	f.fails("alice", "", portal.ErrInvalid, "signin.incomplete")
	f.fails("al ice@example.test", "x", portal.ErrInvalid, "signin.address")
	f.fails("mailto:alice@example.test", "x", portal.ErrInvalid, "signin.address")
	if e := f.fails("alice@elsewhere.test", "x", portal.ErrUnauthenticated, "signin.foreign"); e.Args["domain"] != "example.test" {
		t.Errorf("args %v", e.Args)
	}
	f.fails("alice", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	f.fails("alice", strings.Repeat("x", 5000), portal.ErrUnauthenticated, "signin.wrong")
	f.fails("nobody", "x", portal.ErrUnauthenticated, "signin.wrong")
	f.reg.away = portal.Fail(portal.ErrUnavailable, "signin.unreachable")
	f.fails("alice", "wonder", portal.ErrUnavailable, "signin.unreachable")
	f.reg.away = portal.Fail(portal.ErrForbidden, "signin.forbidden")
	f.fails("alice", "wonder", portal.ErrForbidden, "signin.forbidden")
	f.want("nobody came in")
	if _, err := f.Whose(t.Context(), ""); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("no session is somebody's: %v", err)
	}
}

// Whom a refused sign-in was for is told, so that it can be logged; never what is no address.
func TestARefusalNamesTheAddress(t *testing.T) {
	f := newOffice(t, account.Options{})
	for typed, want := range map[string]portal.Address{
		"ALICE@example.test": "sip:ALICE@example.test", "nobody": "sip:nobody@example.test",
		"x@elsewhere.test": "sip:x@elsewhere.test", "my pass word": "", "": "",
	} {
		if who, err := f.SignIn(t.Context(), typed, "wrong", "192.0.2.1"); err == nil || who != want {
			t.Errorf("%q: %q, %v", typed, who, err)
		}
	}
}

func TestTooManyTries(t *testing.T) {
	f := newOffice(t, account.Options{})
	for range 5 {
		f.fails("alice", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	}
	asked := f.reg.signIns
	e := f.fails("ALICE@example.test", "wrong", portal.ErrTooMany, "signin.too-many")
	if e.RetryAfter != time.Second || e.Args["seconds"] != "1" {
		t.Errorf("wait %v, %v", e.RetryAfter, e.Args)
	}
	f.fails("alice", "wonder", portal.ErrTooMany, "signin.too-many")
	if f.reg.signIns != asked {
		t.Error("the server was asked all the same")
	}
	f.signIn("bob", "builder", "k1") // others are not held up
	for wait := time.Second; wait <= 64*time.Second; wait *= 2 {
		f.clock.turn(wait)
		f.fails("alice", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	}
	if e := f.fails("alice", "wonder", portal.ErrTooMany, "signin.too-many"); e.RetryAfter != 128*time.Second {
		t.Errorf("wait %v", e.RetryAfter)
	}
	f.clock.turn(128 * time.Second)
	f.signIn("alice", "wonder", "k2")
	f.fails("alice", "wrong", portal.ErrUnauthenticated, "signin.wrong") // success forgives
}

// An account that does not exist behaves like one that does.
func TestUnknownAccountsAreDelayedAlike(t *testing.T) {
	f := newOffice(t, account.Options{})
	for range 5 {
		f.fails("nobody", "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.fails("nobody", "x", portal.ErrTooMany, "signin.too-many")
}

func TestRefusalsTakeTheirTime(t *testing.T) {
	f := newOffice(t, account.Options{FailFloor: 50 * time.Millisecond})
	for _, who := range []string{"alice", "nobody"} {
		began := time.Now()
		f.fails(who, "wrong", portal.ErrUnauthenticated, "signin.wrong")
		if took := time.Since(began); took < 50*time.Millisecond {
			t.Errorf("%s was refused after %v", who, took)
		}
	}
}

// Somebody tries one password on many accounts: their address is slowed down, not those of others, and
// not people who are signed in anyway.
func TestManyAccountsFromOneAddress(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("bob", "builder", "k1")
	for i := range 21 {
		f.fails(fmt.Sprint("user", i), "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.fails("alice", "wonder", portal.ErrTooMany, "signin.too-many")
	f.signIn("bob", "builder", "k2")
	if _, err := f.SignIn(t.Context(), "alice", "wonder", "198.51.100.9"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	f.clock.turn(2 * time.Second)
	if _, err := f.SignIn(t.Context(), "alice", "wonder", "192.0.2.1:9"); err != nil {
		t.Errorf("a moment later: %v", err)
	}
}

// A few people who cannot remember are a few accounts, however often they try.
func TestForgetfulPeopleHoldNobodyUp(t *testing.T) {
	f := newOffice(t, account.Options{})
	for i := range 6 {
		for range 5 {
			f.fails(fmt.Sprint("user", i), "wrong", portal.ErrUnauthenticated, "signin.wrong")
		}
	}
	f.signIn("alice", "wonder", "k1")
}

func TestIPv6NeighboursAreOneCustomer(t *testing.T) {
	f := newOffice(t, account.Options{})
	for i := range 21 {
		f.failsFrom(fmt.Sprintf("[2001:db8::%x]:1", i+1), fmt.Sprint("user", i), "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.failsFrom("[2001:db8::ffff]:2", "bob", "builder", portal.ErrTooMany, "signin.too-many")
	if _, err := f.SignIn(t.Context(), "bob", "builder", "[2001:db8:0:1::1]:1"); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// Sign-ins of one person happen one after the other, and guesses cannot overtake the counting.
func TestConcurrentSignIns(t *testing.T) {
	f := newOffice(t, account.Options{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := map[string]int{}
	for i := range 60 {
		wg.Go(func() {
			password := "wonder"
			if i%2 == 0 {
				password = "guess"
			}
			_, err := f.SignIn(t.Context(), "alice", password, "192.0.2.1")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				results["in"]++
			} else {
				results[portal.Reason(err)]++
			}
		})
	}
	wg.Wait()
	if f.reg.overlap {
		t.Error("two checks of one account at the same time")
	}
	if results["in"]+results["signin.wrong"]+results["signin.too-many"] != 60 {
		t.Errorf("results %v", results)
	}
}

func TestNoMoreThanAFewWaitForOneAccount(t *testing.T) {
	f := newOffice(t, account.Options{})
	release := make(chan struct{})
	f.reg.checking = func(portal.Address) { <-release }
	results := make(chan error, 100)
	for range 100 {
		go func() {
			_, err := f.SignIn(t.Context(), "alice", "wonder", "192.0.2.1")
			results <- err
		}()
	}
	// All but those who wait and the one who is served are turned away while nothing moves.
	for range 100 - 17 {
		if err := <-results; !errors.Is(err, portal.ErrTooMany) {
			t.Fatalf("got %v", err)
		}
	}
	close(release)
	for range 17 {
		if err := <-results; err != nil {
			t.Errorf("one who waited: %v", err)
		}
	}
}

// The password is checked anew for somebody who is signed in; a wrong one leaves everything as it is.
func TestSecondSignInIsChecked(t *testing.T) {
	f := newOffice(t, account.Options{})
	f.signIn("alice", "wonder", "k1")
	f.fails("alice", "wrong", portal.ErrUnauthenticated, "signin.wrong")
	if f.reg.line(alice) == "" || len(f.reg.signOuts) != 0 {
		t.Error("the line is gone")
	}
	f.reg.passwords[alice] = "changed"
	f.signIn("alice", "changed", "k2")
	sealed, err := f.store.Line(t.Context(), alice)
	if err != nil || strings.Contains(string(sealed), "ha1") {
		t.Errorf("kept %q, %v", sealed, err)
	}
}

// The vault is away at sign-in: nobody is half signed in.
func TestSignInWhenTheVaultIsAway(t *testing.T) {
	f := newOffice(t, account.Options{})
	broken, err := account.New(f.reg, deadVault{f.store}, account.Options{Domain: "example.test", KeyFile: f.dir + "/key"})
	if err != nil {
		t.Fatal(err)
	}
	f.Service = broken
	f.fails("alice", "wonder", portal.ErrUnavailable, "signin.storage")
	if f.reg.line(alice) != "" || !slices.Contains(f.reg.signOuts, alice) {
		t.Error("the line stands without a session")
	}
}

func FuzzSignInAddress(f *testing.F) {
	for _, s := range []string{"alice", "sip:alice@example.test", "a@b@c", "%00@example.test", "<sip:x@example.test>", "@", "sip:", "alice@example.test;x=\"", "é@example.test"} {
		f.Add(s)
	}
	reg := newRegistrar()
	s, err := account.New(reg, nil, account.Options{Domain: "example.test", KeyFile: f.TempDir() + "/key", FailFloor: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		_, err := s.SignIn(t.Context(), typed, "not the password", "")
		switch portal.Meaning(err) {
		case portal.ErrInvalid, portal.ErrUnauthenticated, portal.ErrTooMany:
		default:
			t.Fatalf("%q: %v", typed, err)
		}
	})
}
