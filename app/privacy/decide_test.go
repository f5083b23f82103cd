package privacy

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

var hidden = portal.Sight{Hidden: true}

// Nothing is seen of somebody whose decisions are not read yet; then what they say, and it is told that it changed.
func TestHiddenUntilRead(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.store.contact(alice, bob, portal.Team)
		h.sees(bob, alice, hidden)
		h.sees(bob, alice, hidden)
		if got := h.changes(); !slices.Equal(got, []portal.Address{alice}) {
			t.Errorf("told of %v", got)
		}
		h.sees(bob, alice, policy.StandardSight(portal.Team))
		h.sees(carol, alice, policy.StandardSight(portal.Company))
		h.sees(foreign, alice, policy.StandardSight(portal.Public))
		h.sees(alice, alice, portal.FullSight())
		h.sees(alice, foreign, portal.FullSight()) // decided where they are
		if h.store.reads != 1 {
			t.Errorf("read %d times", h.store.reads)
		}
	})
}

func TestReadAgainWhenTheStoreIsBack(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.store.set(func() { h.store.away = true })
		h.sees(bob, alice, hidden)
		time.Sleep(time.Minute)
		h.sees(bob, alice, hidden)
		if r, err := h.Relationship(t.Context(), alice, bob); portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("guessed: %s, %v", r, err)
		}
		h.store.set(func() { h.store.away = false })
		time.Sleep(5 * time.Minute)
		if got := h.changes(); !slices.Equal(got, []portal.Address{alice}) {
			t.Errorf("told of %v", got)
		}
		h.sees(bob, alice, policy.StandardSight(portal.Company))
	})
}

func TestGiveAndTakeBack(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.store.contact(alice, bob, portal.Company)
		ctx := t.Context()
		must(t, h.Give(ctx, alice, bob, portal.Personal))
		must(t, h.Give(ctx, alice, carol, portal.Blocked))
		h.sees(bob, alice, policy.StandardSight(portal.Personal))
		h.sees(carol, alice, hidden)
		if got := h.changes(); len(got) < 2 || slices.ContainsFunc(got, func(a portal.Address) bool { return a != alice }) {
			t.Errorf("told of %v", got)
		}
		if r, err := h.Relationship(ctx, alice, carol); err != nil || r != portal.Blocked {
			t.Errorf("carol is %s, %v", r, err)
		}
		if len(h.store.events) != 1 || h.store.events[0].Event != (portal.ContactsEvent{ID: bob, Change: portal.Updated}) {
			t.Errorf("events %v", h.store.events)
		}
		p, ties, err := h.Settings(ctx, alice)
		if err != nil || len(ties) != 2 || ties[0].With != bob || !ties[0].Contact || ties[1].Contact || p.ContactsOnly {
			t.Errorf("settings %+v %+v, %v", p, ties, err)
		}
		must(t, h.TakeBack(ctx, alice, bob))
		must(t, h.TakeBack(ctx, alice, carol))
		must(t, h.TakeBack(ctx, alice, dave))
		for _, who := range []portal.Address{bob, carol} {
			h.sees(who, alice, policy.StandardSight(portal.Company))
		}
		if _, ties, err := h.Settings(ctx, alice); err != nil || len(ties) != 1 || ties[0] != (portal.Tie{Owner: alice, With: bob, Relationship: portal.Company, Contact: true}) {
			t.Errorf("left over %+v, %v", ties, err)
		}
	})
}

func TestGiveRefuses(t *testing.T) {
	at(t, Options{MaxTies: 2}, func(h *house) {
		ctx := t.Context()
		wantReason(t, "no relationship", h.Give(ctx, alice, bob, "friend"), "privacy.relationship")
		for _, with := range []portal.Address{"", alice, "bob", "sip:BOB@Example.test", "sip:bob@example.test;x=1", "sip:a b@example.test"} {
			wantReason(t, string(with), h.Give(ctx, alice, with, portal.Team), "privacy.address")
		}
		h.store.contact(alice, dave, portal.Company)
		must(t, h.Give(ctx, alice, bob, portal.Team))
		must(t, h.Give(ctx, alice, carol, portal.Team))
		wantReason(t, "one too many", h.Give(ctx, alice, foreign, portal.Team), "privacy.too-many")
		must(t, h.Give(ctx, alice, carol, portal.Public)) // another for the same
		must(t, h.Give(ctx, alice, dave, portal.Public))  // a contact counts not
		h.store.set(func() { h.store.away = true })
		wantReason(t, "store away", h.Give(ctx, alice, bob, portal.Blocked), "storage.away")
		h.sees(bob, alice, policy.StandardSight(portal.Team))
		h.store.set(func() { h.store.away = false })
	})
}

func TestSave(t *testing.T) {
	at(t, Options{}, func(h *house) {
		ctx := t.Context()
		h.store.contact(alice, bob, portal.Team)
		only := portal.Sight{Note: true}
		p := portal.Privacy{Colleagues: portal.Public, ContactsOnly: false, Rules: map[portal.Relationship]portal.Sight{
			portal.Team: only, portal.Blocked: portal.FullSight(), portal.Personal: portal.FullSight(), portal.Public: {Hidden: true, Note: true}}}
		must(t, h.Save(ctx, alice, p))
		h.sees(bob, alice, only)
		h.sees(carol, alice, hidden)
		kept, _, err := h.Settings(ctx, alice)
		if err != nil || len(kept.Rules) != 2 || kept.Rules[portal.Team] != only || kept.Rules[portal.Public] != hidden {
			t.Errorf("kept %+v, %v", kept, err)
		}
		must(t, h.Save(ctx, alice, portal.Privacy{ContactsOnly: true}))
		h.sees(bob, alice, policy.StandardSight(portal.Team))
		h.sees(carol, alice, hidden)
		if r, err := h.Relationship(ctx, alice, carol); err != nil || r != portal.Company {
			t.Errorf("who hides from strangers has made carol %s, %v", r, err)
		}
		for _, bad := range []portal.Privacy{{Colleagues: "x"}, {Others: "x"}, {Rules: map[portal.Relationship]portal.Sight{"x": {}}}} {
			wantReason(t, fmt.Sprint(bad), h.Save(ctx, alice, bad), "privacy.relationship")
		}
	})
}

func TestPoliciesLimitWhatIsSeen(t *testing.T) {
	forced := portal.InForce{DisablePresenceNote: true}
	at(t, Options{InForce: func(portal.Address) portal.InForce { return forced }}, func(h *house) {
		h.sees(bob, alice, hidden)
		synctest.Wait()
		h.sees(bob, alice, policy.Limit(policy.StandardSight(portal.Company), forced))
	})
}

// What changes on the contact list is read, and an old reading never replaces a newer decision.
func TestContactsChanged(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.sees(bob, alice, hidden)
		h.changes()
		h.store.contact(alice, bob, portal.Blocked)
		h.ContactsChanged(alice)
		if got := h.changes(); !slices.Equal(got, []portal.Address{alice}) {
			t.Errorf("told of %v", got)
		}
		h.sees(bob, alice, hidden)
		h.ContactsChanged(alice)
		if got := h.changes(); len(got) != 0 {
			t.Errorf("nothing changed, told of %v", got)
		}
		hold := make(chan struct{})
		h.store.set(func() { h.store.hold = hold })
		h.ContactsChanged(alice) // reads that bob is blocked, and takes its time
		synctest.Wait()
		h.store.set(func() { h.store.hold = nil })
		done := make(chan error)
		go func() { done <- h.Give(t.Context(), alice, bob, portal.Team) }()
		runtime.Gosched()
		close(hold)
		must(t, <-done)
		synctest.Wait()
		h.sees(bob, alice, policy.StandardSight(portal.Team))
	})
}

// Memory is bounded: those nobody asked for the longest are forgotten, those signed in are not.
func TestWhoIsNotSignedInIsForgotten(t *testing.T) {
	at(t, Options{Keep: 20}, func(h *house) {
		h.SignedIn(alice)
		for i := range 200 {
			h.Sight(portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), bob)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		h.Service.mu.RLock()
		n, others := len(h.owners), h.others
		_, there := h.owners[alice]
		h.Service.mu.RUnlock()
		if n > 22 || others != n-1 || !there {
			t.Errorf("%d owners, %d of them not signed in, alice: %v", n, others, there)
		}
		h.sees(bob, "sip:p199@example.test", policy.StandardSight(portal.Company))
		h.sees(bob, "sip:p0@example.test", hidden)
		synctest.Wait()
		h.sees(bob, "sip:p0@example.test", policy.StandardSight(portal.Company))
	})
}

func TestWhatIsNotReadIsNotKnown(t *testing.T) {
	at(t, Options{}, func(h *house) {
		if sight, known := h.SightKnown(alice, bob); known || sight != hidden {
			t.Errorf("not read yet: %+v, %v", sight, known)
		}
		synctest.Wait()
		if sight, known := h.SightKnown(alice, bob); !known || sight != policy.StandardSight(portal.Company) {
			t.Errorf("read: %+v, %v", sight, known)
		}
	})
}

// Who is asked for all the time stays; who cannot be read is forgotten too.
func TestWhoIsAskedForStays(t *testing.T) {
	at(t, Options{Keep: 20}, func(h *house) {
		h.Sight(alice, bob)
		ask := func(name string) {
			for i := range 100 {
				h.Sight(portal.Address(fmt.Sprintf("sip:%s%d@example.test", name, i)), bob)
				time.Sleep(time.Second)
				synctest.Wait()
				h.Sight(alice, bob)
			}
		}
		ask("p")
		h.sees(bob, alice, policy.StandardSight(portal.Company))
		if n := h.store.reads; n != 101 {
			t.Errorf("%d reads", n)
		}
		h.store.set(func() { h.store.away = true })
		ask("q")
		h.Service.mu.RLock()
		n, others := len(h.owners), h.others
		h.Service.mu.RUnlock()
		if n > 22+loadWorkers || others != n {
			t.Errorf("%d owners, %d of them not signed in", n, others)
		}
	})
}

// Standing answers everybody out of memory; who is hidden gets what people without a relationship get.
func TestStandingAsksNoStore(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.store.contact(alice, bob, portal.Team)
		if r, sight := h.Standing(alice, bob); r != "" || sight != (portal.Sight{}) {
			t.Errorf("not read yet: %s %+v", r, sight)
		}
		h.changes()
		must(t, h.Give(t.Context(), alice, carol, portal.Blocked))
		h.store.set(func() { h.store.away, h.store.reads = true, 0 })
		for viewer, want := range map[portal.Address]portal.Relationship{bob: portal.Team, carol: portal.Company, dave: portal.Company, foreign: portal.Public} {
			if r, sight := h.Standing(alice, viewer); r != want || sight != policy.StandardSight(want) {
				t.Errorf("%s stands as %s: %+v", viewer, r, sight)
			}
		}
		if r, _ := h.Standing(foreign, alice); r != portal.Company {
			t.Errorf("people of elsewhere show as to %s", r)
		}
		if r, _ := h.Standing(alice, alice); r != portal.Personal || h.store.reads != 0 {
			t.Errorf("to oneself %s; read %d times", r, h.store.reads)
		}
	})
}

// Whoever may be blocked no longer is told of, until it was followed, and at each sign-in.
func TestUnblockedIsTold(t *testing.T) {
	var mu sync.Mutex
	var told []portal.Address
	var fails error
	o := Options{FirstRetry: time.Second, Unblocked: func(_ context.Context, owner portal.Address) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, owner)
		return fails
	}}
	at(t, o, func(h *house) {
		ctx := t.Context()
		want := func(what string, n int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(told) != n {
				t.Errorf("%s: told %v, want %d", what, told, n)
			}
			told = nil
		}
		must(t, h.Give(ctx, alice, bob, portal.Blocked))
		want("blocked", 0)
		must(t, h.Give(ctx, alice, bob, portal.Team))
		want("unblocked", 1)
		must(t, h.Give(ctx, alice, bob, portal.Blocked))
		must(t, h.TakeBack(ctx, alice, bob))
		want("taken back", 1)
		must(t, h.Save(ctx, alice, portal.Privacy{Others: portal.Blocked, Colleagues: portal.Team}))
		want("all others blocked", 0)
		must(t, h.Save(ctx, alice, portal.Privacy{Colleagues: portal.Team}))
		want("all others no longer", 1)
		h.store.contact(alice, carol, portal.Blocked)
		h.ContactsChanged(alice)
		want("blocked in the list", 0)
		h.store.contact(alice, carol, portal.Team)
		h.ContactsChanged(alice)
		want("unblocked in the list", 1)
		mu.Lock()
		fails = portal.Fail(portal.ErrUnavailable, "storage.away")
		mu.Unlock()
		h.SignedIn(alice)
		want("signed in", 1)
		mu.Lock()
		fails = nil
		mu.Unlock()
		time.Sleep(time.Minute)
		want("again", 1)
	})
}
