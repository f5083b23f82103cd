package privacy

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

func active(who portal.Address) portal.Watcher {
	return portal.Watcher{Who: who, Status: "active", Since: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
}

func TestAdmirers(t *testing.T) {
	names := map[portal.Address]string{bob: "bob", carol: "Carol", foreign: ""}
	o := Options{Lookup: func(_ context.Context, who portal.Address) portal.Person {
		return portal.Person{DisplayName: names[who]}
	}}
	at(t, o, func(h *house) {
		ctx := t.Context()
		h.store.contact(bob, alice, portal.Team)
		h.store.contact(carol, alice, portal.Team)
		h.store.contact(alice, carol, portal.Personal)
		h.SignedIn(alice)
		if got := h.news(alice); !slices.Equal(got, []int{1}) {
			t.Errorf("told %v", got)
		}
		pending := portal.Watcher{Who: foreign, Status: "pending"}
		h.Watchers(alice, []portal.Watcher{active(carol), pending, active(alice)})
		if got := h.news(alice); !slices.Equal(got, []int{2}) {
			t.Errorf("told %v", got)
		}
		list, err := h.Admirers(ctx, alice)
		want := []portal.Admirer{
			{Who: bob, Name: "bob", Relationship: portal.Company, New: true},
			{Who: foreign, Name: "eve@other.test", Relationship: portal.Public, Pending: true, New: true},
			{Who: carol, Name: "Carol", Relationship: portal.Personal, Contact: true, Watching: true, Since: active(carol).Since},
		}
		if err != nil || !slices.Equal(list, want) {
			t.Errorf("got  %+v, %v\nwant %+v", list, err, want)
		}
		h.Watchers(alice, []portal.Watcher{active(carol), pending, active(alice)})
		if got := h.news(alice); len(got) != 0 {
			t.Errorf("nothing new, told %v", got)
		}
		h.Watchers(alice, nil)
		if got := h.news(alice); !slices.Equal(got, []int{1}) {
			t.Errorf("told %v", got)
		}
		h.Watchers(dave, []portal.Watcher{active(bob)}) // nobody of that name is here
		if n, err := h.NewOnes(ctx, dave); err != nil || n != 0 {
			t.Errorf("of somebody who is not here %d, %v", n, err)
		}
		h.SignedOut(alice)
		h.SignedIn(alice)
		if got := h.news(alice); !slices.Equal(got, []int{1}) {
			t.Errorf("signed in again, told %v", got)
		}
	})
}

// Whoever is put on a contact list here hears of it.
func TestSomebodyAddedMe(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.SignedIn(alice)
		h.SignedIn(bob)
		if got := h.news(alice); len(got) != 0 {
			t.Errorf("told %v", got)
		}
		h.store.contact(bob, alice, portal.Company)
		h.ContactsChanged(bob)
		if got := h.news(alice); !slices.Equal(got, []int{1}) {
			t.Errorf("told %v", got)
		}
	})
}

func TestWhomNothingElseIsSaidOf(t *testing.T) {
	o := Options{Domain: "example.test"}
	o.AddContact = func(context.Context, portal.Address, portal.Contact) error { return nil }
	at(t, o, func(h *house) {
		ctx := t.Context()
		must(t, h.Decide(ctx, alice, bob, true, ""))
		must(t, h.Decide(ctx, alice, foreign, true, ""))
		must(t, h.Add(ctx, alice, carol, ""))
		must(t, h.Add(ctx, alice, "sip:mallory@other.test", ""))
		for who, want := range map[portal.Address]portal.Relationship{bob: portal.Company, carol: portal.Company, foreign: portal.Public, "sip:mallory@other.test": portal.Public} {
			if got, err := h.Relationship(ctx, alice, who); err != nil || got != want {
				t.Errorf("%s is %s, %v; want %s", who, got, err, want)
			}
		}
	})
}

func TestDecide(t *testing.T) {
	at(t, Options{}, func(h *house) {
		ctx := t.Context()
		for _, who := range []portal.Address{bob, carol, dave} {
			h.store.contact(who, alice, portal.Team)
		}
		h.SignedIn(alice)
		h.news(alice)
		must(t, h.Decide(ctx, alice, bob, true, ""))
		must(t, h.Decide(ctx, alice, carol, true, portal.Team))
		must(t, h.Decide(ctx, alice, dave, false, portal.Personal))
		if got := h.news(alice); len(got) == 0 || got[len(got)-1] != 0 {
			t.Errorf("told %v", got)
		}
		for who, r := range map[portal.Address]portal.Relationship{bob: portal.Company, carol: portal.Team, dave: portal.Blocked} {
			h.sees(who, alice, policy.StandardSight(r))
		}
		wantReason(t, "accepted as blocked", h.Decide(ctx, alice, bob, true, portal.Blocked), "privacy.relationship")
		wantReason(t, "no address", h.Decide(ctx, alice, "nobody", true, ""), "privacy.address")
		// What was decided stands when the relationship is taken back: nobody is new twice.
		must(t, h.TakeBack(ctx, alice, bob))
		if n, err := h.NewOnes(ctx, alice); err != nil || n != 0 {
			t.Errorf("%d new ones, %v", n, err)
		}
		h.store.set(func() { h.store.away = true })
		if _, err := h.Admirers(ctx, alice); portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("store away: %v", err)
		}
		h.store.set(func() { h.store.away = false })
	})
}

func TestAddPutsOnTheList(t *testing.T) {
	var h *house
	o := Options{AddContact: func(_ context.Context, owner portal.Address, c portal.Contact) error {
		if c.URI == carol {
			return portal.Fail(portal.ErrInvalid, "contacts.full")
		}
		h.store.contact(owner, c.URI, c.Relationship)
		return nil
	}}
	at(t, o, func(in *house) {
		h = in
		ctx := t.Context()
		must(t, h.Add(ctx, alice, bob, portal.Personal))
		if _, ties, err := h.Settings(ctx, alice); err != nil || len(ties) != 1 || !ties[0].Contact || ties[0].Relationship != portal.Personal {
			t.Errorf("ties %+v, %v", ties, err)
		}
		h.sees(bob, alice, policy.StandardSight(portal.Personal))
		wantReason(t, "a full list", h.Add(ctx, alice, carol, ""), "contacts.full")
		wantReason(t, "blocked", h.Add(ctx, alice, dave, portal.Blocked), "privacy.relationship")
		wantReason(t, "oneself", h.Add(ctx, alice, alice, ""), "privacy.address")
		if _, ties, err := h.Settings(ctx, alice); err != nil || len(ties) != 1 {
			t.Errorf("ties %+v, %v", ties, err)
		}
	})
	wantReason(t, "no list", New(newStore(), nil, Options{}).Add(t.Context(), alice, bob, ""), "privacy.no-contacts")
}

// What cannot be a watcher is left out and counted.
func TestForgedWatchersAreDropped(t *testing.T) {
	at(t, Options{MaxWatchers: 5}, func(h *house) {
		h.SignedIn(alice)
		synctest.Wait()
		bad := []portal.Watcher{active("mallory"), active(""), active("sip:MALLORY@Other.test"), active("sip:x@y z"), active("http://other.test/"),
			{Who: bob, Status: "happy"}, active(portal.Address("sip:" + string(make([]byte, 300)) + "@x"))}
		h.Watchers(alice, append(bad, active(bob), portal.Watcher{Who: bob, Status: "pending"}, active(alice), portal.Watcher{Who: carol, Status: "terminated"}))
		synctest.Wait()
		if h.dropped != len(bad) {
			t.Errorf("%d dropped, want %d", h.dropped, len(bad))
		}
		list, err := h.Admirers(t.Context(), alice)
		if err != nil || len(list) != 1 || list[0].Who != bob || !list[0].Watching {
			t.Errorf("admirers %+v, %v", list, err)
		}
		var crowd []portal.Watcher
		for i := range 20 {
			crowd = append(crowd, active(portal.Address(fmt.Sprintf("sip:w%d@other.test", i))))
		}
		h.Watchers(alice, crowd)
		if n, err := h.NewOnes(t.Context(), alice); err != nil || n != 5 {
			t.Errorf("%d new ones, %v", n, err)
		}
	})
}

// FuzzWatchers: whatever a server says of watchers, only addresses in their one form are kept, each once, never the
// person, never more than there may be.
func FuzzWatchers(f *testing.F) {
	f.Add("sip:bob@example.test", "active", "sip:bob@example.test", "pending")
	f.Add("sip:alice@example.test", "active", "SIP:X@Y", "waiting")
	f.Add("", "", "\x00", "terminated")
	s := New(newStore(), nil, Options{Domain: "example.test", MaxWatchers: 3})
	f.Fuzz(func(t *testing.T, a, as, b, bs string) {
		all := []portal.Watcher{{Who: portal.Address(a), Status: as}, {Who: portal.Address(b), Status: bs}, active(bob), active(carol), active(dave)}
		kept, dropped := s.believable(alice, all)
		seen := map[portal.Address]bool{}
		for _, w := range kept {
			parsed, err := portal.ParseAddress(string(w.Who))
			if err != nil || parsed != w.Who || w.Who == alice || seen[w.Who] {
				t.Errorf("kept %q", w.Who)
			}
			seen[w.Who] = true
		}
		if len(kept) > 3 || len(kept)+dropped > len(all) {
			t.Errorf("kept %d, dropped %d", len(kept), dropped)
		}
	})
}
