package presence

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

func TestContactsAreWatchedAndTold(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.SetContacts(alice, []portal.Address{carol, bob, bob, alice, ""})
		synctest.Wait()
		if got := b.wire.watched(alice); !slices.Equal(got, []portal.Address{alice, bob, carol}) {
			t.Errorf("watching %v", got)
		}
		b.sees(alice, bob, portal.Unknown, "")
		b.news(alice)
		b.Notified(alice, says(bob, phone(portal.Busy)))
		b.want("first news", b.news(alice), "bob busy/")
		b.sees(alice, bob, portal.Busy, "")
		b.Notified(alice, says(bob, phone(portal.Busy)))
		b.want("the same again", b.news(alice))
		b.Notified(alice, says(bob))
		b.want("nobody is there", b.news(alice), "bob offline/")
		b.Notified(alice, says(dave, phone(portal.Busy)))
		b.want("nobody asked", b.news(alice))
		watches := b.wire.watches
		b.SetContacts(alice, []portal.Address{bob, carol})
		synctest.Wait()
		if b.wire.watches != watches {
			t.Error("the same people were ordered again")
		}
		b.SetContacts(alice, []portal.Address{carol})
		synctest.Wait()
		if got := b.wire.watched(alice); !slices.Equal(got, []portal.Address{alice, carol}) {
			t.Errorf("watching %v", got)
		}
	})
}

func TestUnknownWhenTheServerIsNotHeard(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.SetContacts(alice, []portal.Address{bob, carol, dave})
		for _, p := range []portal.Address{bob, carol, dave} {
			b.Notified(alice, says(p, phone(portal.Available)))
		}
		b.news(alice)
		b.Silent(alice, bob)
		b.want("the subscription ended", b.news(alice), "bob unknown/")
		b.Silent(alice, bob)
		b.want("again", b.news(alice))
		time.Sleep(59 * time.Minute)
		b.Notified(alice, says(carol, phone(portal.Available)))
		time.Sleep(2 * time.Minute)
		b.want("the lease is over", b.news(alice), "dave unknown/")
		b.sees(alice, carol, portal.Available, "")
		b.LineLost(alice)
		b.want("the line is lost", b.news(alice), "carol unknown/")
		b.Notified(alice, portal.Report{Of: carol, Claims: []portal.Claim{phone(portal.Busy)}, Lease: time.Now()})
		b.want("a word that holds no more", b.news(alice))
		b.Notified(alice, portal.Report{Of: carol, Claims: []portal.Claim{phone(portal.Busy)}})
		b.want("a word without a lease", b.news(alice), "carol busy/")
		time.Sleep(time.Hour + time.Second)
		b.want("holds for the standard time", b.news(alice), "carol unknown/")
	})
}

// What comes before Run looks is told together, in one call for all who see the same.
func TestManyAreToldOneValue(t *testing.T) {
	var calls [][]portal.Address
	wire := newWire()
	s := New(wire, newMemory(), Options{EmitMany: func(to []portal.Address, ev portal.Current) {
		if p := ev.(portal.PresenceEvent); p.URI != bob || p.Availability != portal.Busy {
			t.Errorf("told %+v", ev)
		}
		calls = append(calls, to)
	}})
	var watchers []portal.Address
	for i := range 100 {
		who := portal.Address(fmt.Sprintf("sip:w%d@example.test", i))
		if err := s.SignedIn(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		s.SetContacts(who, []portal.Address{bob})
		watchers = append(watchers, who)
	}
	for i, who := range watchers {
		r := says(bob, phone(portal.Busy), portal.Claim{Endpoint: "desk", Availability: portal.Away})
		if i%2 == 0 {
			slices.Reverse(r.Claims)
		}
		s.Notified(who, r)
	}
	for s.tell() {
	}
	if len(calls) != 1 || !slices.Equal(calls[0], watchers) {
		t.Errorf("told in %d calls: %v", len(calls), calls)
	}
	if n := len(s.subjects[bob].views); n != 1 {
		t.Errorf("%d views of one word", n)
	}
	if len(wire.watching) != len(watchers) {
		t.Errorf("%d lines watch", len(wire.watching))
	}
}

func TestAForeignEndIsSeenInTime(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.SetContacts(alice, []portal.Address{bob})
		b.Notified(alice, says(bob,
			portal.Claim{Endpoint: "web", Availability: portal.DoNotDisturb, Source: portal.SourceHand, Since: time.Now(), Until: time.Now().Add(time.Minute)},
			portal.Claim{Endpoint: "phone", Availability: portal.Available, Source: portal.SourceActivity, Since: time.Now().Add(-time.Hour)}))
		b.want("by hand", b.news(alice), "bob do-not-disturb/")
		if p := b.sees(alice, bob, portal.DoNotDisturb, ""); p.ByHand || !p.Until.IsZero() {
			t.Errorf("others see %+v", p)
		}
		time.Sleep(61 * time.Second)
		b.want("its end", b.news(alice), "bob available/")
		if p := b.sees(alice, bob, portal.Available, ""); time.Since(p.Since) > 2*time.Second {
			t.Errorf("available since %v", time.Since(p.Since))
		}
	})
}

func TestSinceLastsOverRefreshes(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.SetContacts(alice, []portal.Address{bob})
		b.Notified(alice, says(bob, phone(portal.Available)))
		b.Notified(alice, says(bob, phone(portal.Busy)))
		began := time.Now()
		time.Sleep(10 * time.Minute)
		b.Notified(alice, says(bob, portal.Claim{Endpoint: "phone", Availability: portal.Busy, Activity: portal.InACall}))
		if p := b.sees(alice, bob, portal.Busy, portal.InACall); !p.Since.Equal(began) {
			t.Errorf("busy since %v, it began %v", p.Since, began)
		}
	})
}

// TestWatchTellsWhatASnapshotDidNot: what a connection shows from its beginning came with the snapshot; whom it shows later it is
// told of, once.
func TestWatchTellsWhatASnapshotDidNot(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab1")
		b.SetContacts(alice, []portal.Address{bob, carol})
		b.Notified(alice, says(bob, phone(portal.Busy)))
		b.Notified(alice, says(carol, phone(portal.Away)))
		b.news(alice)
		b.Attach(alice, "tab2")
		b.Watch(alice, "tab2", []portal.Address{bob})
		b.want("of a snapshot", b.news(alice))
		b.Watch(alice, "tab2", []portal.Address{bob, carol})
		b.want("who is shown later", b.news(alice), "carol away/")
		b.Watch(alice, "tab2", []portal.Address{bob, carol})
		b.want("the same again", b.news(alice))
		b.Watch(alice, "tab2", []portal.Address{bob})
		b.Watch(alice, "tab2", []portal.Address{bob, carol})
		b.want("who was gone meanwhile", b.news(alice), "carol away/")
		b.Watch(alice, "tab2", []portal.Address{bob, carol, dave})
		b.Notified(alice, says(dave, phone(portal.Busy)))
		b.want("somebody new", b.news(alice), "dave busy/")
	})
}

func TestWatchBeyondContacts(t *testing.T) {
	at(t, Options{MaxExtra: 3}, func(b *bench) {
		b.signIn(alice)
		b.Watch(alice, "tab1", []portal.Address{bob}) // no such connection
		b.Attach(alice, "tab1")
		b.Attach(alice, "tab2")
		b.SetContacts(alice, []portal.Address{bob})
		people := func(n int) (all []portal.Address) {
			for i := range n {
				all = append(all, portal.Address(fmt.Sprintf("sip:p%d@example.test", i)))
			}
			return all
		}
		b.Watch(alice, "tab1", append([]portal.Address{bob, alice, ""}, people(5)...))
		synctest.Wait()
		if got := b.wire.watched(alice); len(got) != 2+3 {
			t.Errorf("watching %v", got)
		}
		b.Watch(alice, "tab2", people(1))
		b.Watch(alice, "tab1", nil)
		synctest.Wait()
		if got := b.wire.watched(alice); !slices.Equal(got, []portal.Address{alice, bob, "sip:p0@example.test"}) {
			t.Errorf("watching %v", got)
		}
		b.Notified(alice, says("sip:p0@example.test", phone(portal.Away)))
		b.news(alice)
		b.Watch(alice, "tab1", people(1))
		b.want("a second tab hears what the first knows", b.news(alice), "p0 away/")
		b.Watch(alice, "tab1", nil)
		b.want("and nothing when it stops", b.news(alice))
		if snap := b.Snapshot(alice, 0); len(snap) != 3 || snap[0].URI != alice {
			t.Errorf("snapshot %v", snap)
		}
		b.Detach(alice, "tab2")
		synctest.Wait()
		if got := b.wire.watched(alice); !slices.Equal(got, []portal.Address{alice, bob}) {
			t.Errorf("watching %v", got)
		}
	})
}

func TestQueryWaitsForFirstNews(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		synctest.Wait()
		go func() {
			time.Sleep(300 * time.Millisecond)
			b.Notified(alice, says(bob, phone(portal.Busy)))
			time.Sleep(200 * time.Millisecond)
			b.Silent(alice, carol)
		}()
		began := time.Now()
		got, err := b.Query(b.t.Context(), alice, []portal.Address{bob, carol, alice})
		if err != nil || len(got) != 3 || got[0].Availability != portal.Busy || got[1].Availability != portal.Unknown {
			t.Errorf("got %v, %v", got, err)
		}
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		began = time.Now()
		got, err = b.Query(b.t.Context(), alice, []portal.Address{dave, bob})
		if err != nil || got[0].Availability != portal.Unknown || got[1].Availability != portal.Busy || time.Since(began) != 2*time.Second {
			t.Errorf("got %v, %v after %v", got, err, time.Since(began))
		}
		began = time.Now()
		if _, err := b.Query(b.t.Context(), alice, []portal.Address{bob, carol}); err != nil || time.Since(began) != 0 {
			t.Errorf("what is known was waited for: %v, %v", time.Since(began), err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := b.wire.watched(alice); !slices.Equal(got, []portal.Address{alice}) {
			t.Errorf("still watching %v", got)
		}
		if _, err := b.Query(b.t.Context(), alice, make([]portal.Address, 501)); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("too many: %v", err)
		}
	})
}

func TestQueryEndsWithTheLine(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		done := make(chan portal.Availability)
		go func() {
			got, err := b.Query(b.t.Context(), alice, []portal.Address{bob})
			if err != nil {
				t.Error(err)
			}
			done <- got[0].Availability
		}()
		time.Sleep(time.Second)
		b.SignedOut(alice)
		began := time.Now()
		if got := <-done; got != portal.Unknown || time.Since(began) != 0 {
			t.Errorf("got %s after %v", got, time.Since(began))
		}
		b.sees(alice, bob, portal.Unknown, "")
		if p := b.Own(alice); p.Availability != portal.Unknown {
			t.Errorf("own presence %+v", p)
		}
		if s := b.Snapshot(alice, 0); len(s) != 0 {
			t.Errorf("snapshot %v", s)
		}
	})
}
