package account_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"portico/app/account"
	"portico/app/portal"
)

// crowd signs people in at the same time, all from one address, and gives how many got which answer.
func (f *office) crowd(n int, password string) map[string]int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for i := range n {
		wg.Go(func() {
			_, err := f.SignIn(f.t.Context(), fmt.Sprint("user", i), password, "192.0.2.1:4711")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got["in"]++
			} else {
				got[portal.Reason(err)]++
			}
		})
	}
	wg.Wait()
	return got
}

// One password on two hundred accounts at the same time gets no further than one after the other.
func TestSprayingInParallel(t *testing.T) {
	f := newOffice(t, account.Options{})
	got := f.crowd(200, "Summer2026")
	if f.reg.signIns != 21 || got["signin.wrong"] != 21 || got["signin.too-many"] != 179 {
		t.Errorf("%d tries reached the server; answers %v", f.reg.signIns, got)
	}
}

// An office behind one address signs in at nine o'clock.
func TestManySignInAtOnceFromOneAddress(t *testing.T) {
	f := newOffice(t, account.Options{})
	for i := range 200 {
		f.reg.passwords[portal.Address(fmt.Sprintf("sip:user%d@example.test", i))] = "right"
	}
	if got := f.crowd(200, "right"); got["in"] != 200 {
		t.Errorf("answers %v", got)
	}
}

// Where an address is held up, the try that its time has come for is alone.
func TestOneTryAtATimeWhereManyWereWrong(t *testing.T) {
	f := newOffice(t, account.Options{})
	for i := range 21 {
		f.fails(fmt.Sprint("user", i), "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.clock.turn(2 * time.Second)
	checking, release := make(chan struct{}), make(chan struct{})
	f.reg.checking = func(portal.Address) { close(checking); <-release }
	first := make(chan error, 1)
	go func() {
		_, err := f.SignIn(t.Context(), "alice", "wonder", "192.0.2.1:1")
		first <- err
	}()
	<-checking
	if e := f.fails("bob", "builder", portal.ErrTooMany, "signin.too-many"); e.RetryAfter != time.Second {
		t.Errorf("wait %v", e.RetryAfter)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	f.reg.checking = nil
	f.signIn("bob", "builder", "k1")
}

// Somebody who guesses from one address, for hours, does not keep the person out who comes from another.
func TestAStrangerKeepsNobodyOut(t *testing.T) {
	f := newOffice(t, account.Options{})
	const stranger = "203.0.113.7:1"
	for range 5 {
		f.failsFrom(stranger, "alice", "guess", portal.ErrUnauthenticated, "signin.wrong")
	}
	for range 100 {
		wait := f.failsFrom(stranger, "alice", "guess", portal.ErrTooMany, "signin.too-many").RetryAfter
		f.clock.turn(wait)
		f.failsFrom(stranger, "alice", "guess", portal.ErrUnauthenticated, "signin.wrong")
		if _, err := f.SignIn(t.Context(), "alice", "wonder", "192.0.2.1:1"); err != nil {
			t.Fatalf("alice herself: %v", err)
		}
		// That she is in does not give the stranger new tries.
		f.failsFrom(stranger, "alice", "wonder", portal.ErrTooMany, "signin.too-many")
	}
}

// Guesses at one account from ever new addresses are slowed down all the same.
func TestManyAddressesAtOneAccount(t *testing.T) {
	f := newOffice(t, account.Options{})
	for i := range 101 {
		f.failsFrom(fmt.Sprintf("198.51.100.%d:1", i), "alice", "guess", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.failsFrom("203.0.113.7:1", "alice", "guess", portal.ErrTooMany, "signin.too-many")
	f.clock.turn(time.Minute)
	if _, err := f.SignIn(t.Context(), "alice", "wonder", "192.0.2.1:1"); err != nil {
		t.Errorf("alice a minute later: %v", err)
	}
}

// Five hundred people of one terminal server sign in at eight o'clock, a few of them mistype once: nobody is turned away.
func TestATerminalServerAtEightOClock(t *testing.T) {
	f := newOffice(t, account.Options{})
	const people = 500
	for i := range people {
		f.reg.passwords[portal.Address(fmt.Sprintf("sip:user%d@example.test", i))] = "right"
	}
	for i := range 15 {
		f.fails(fmt.Sprint("user", i), "Caps Lock", portal.ErrUnauthenticated, "signin.wrong")
	}
	if got := f.crowd(people, "right"); got["in"] != people {
		t.Errorf("answers %v", got)
	}
}

// One password on five hundred accounts from one address takes hours, though each account is tried only once.
func TestOneAddressAtFiveHundredAccounts(t *testing.T) {
	f := newOffice(t, account.Options{})
	var waited time.Duration
	for i := range 500 {
		for {
			_, err := f.SignIn(t.Context(), fmt.Sprint("user", i), "Winter2026", "203.0.113.7:1")
			if portal.Meaning(err) != portal.ErrTooMany {
				if portal.Reason(err) != "signin.wrong" {
					t.Fatalf("account %d: %v", i, err)
				}
				break
			}
			var e *portal.Error
			if !errors.As(err, &e) || e.RetryAfter <= 0 {
				t.Fatalf("account %d: no word on when to come back: %v", i, err)
			}
			waited += e.RetryAfter
			f.clock.turn(e.RetryAfter)
		}
	}
	if waited < 3*time.Hour {
		t.Errorf("five hundred accounts were tried within %v", waited)
	}
}

// Somebody behind the same address who guesses, for hours, does not keep out those who sign in from there: people are counted, not
// addresses. A guess in their name is judged once; then they wait like everybody.
func TestAColleagueKeepsNobodyOut(t *testing.T) {
	f := newOffice(t, account.Options{})
	const office = "192.0.2.1:4711"
	f.signIn("alice", "wonder", "k1")
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	for i := range 21 {
		f.failsFrom(office, fmt.Sprint("guess", i), "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.failsFrom(office, "bob", "builder", portal.ErrTooMany, "signin.too-many") // he comes for the first time
	for i := range 3 {
		f.signIn("alice", "wonder", fmt.Sprint("again", i))
		if err := f.Ended(t.Context(), fmt.Sprint("again", i)); err != nil {
			t.Fatal(err)
		}
	}
	f.failsFrom(office, "alice", "guess", portal.ErrUnauthenticated, "signin.wrong")
	f.failsFrom(office, "alice", "wonder", portal.ErrTooMany, "signin.too-many")
	f.clock.turn(time.Minute)
	f.signIn("alice", "wonder", "later")
}

// That somebody signs in from an address is forgotten after a month.
func TestRegularsAreForgotten(t *testing.T) {
	f := newOffice(t, account.Options{})
	const office = "192.0.2.1:4711"
	f.signIn("alice", "wonder", "k1")
	if err := f.Ended(t.Context(), "k1"); err != nil {
		t.Fatal(err)
	}
	f.clock.turn(31 * 24 * time.Hour)
	for i := range 21 {
		f.failsFrom(office, fmt.Sprint("guess", i), "x", portal.ErrUnauthenticated, "signin.wrong")
	}
	f.failsFrom(office, "alice", "wonder", portal.ErrTooMany, "signin.too-many")
}
