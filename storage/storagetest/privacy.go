package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// PrivacyStore is what privacy asks of storage.
type PrivacyStore interface {
	Privacy(ctx context.Context, owner portal.Address) (portal.Privacy, []portal.Tie, error)
	SavePrivacy(ctx context.Context, owner portal.Address, p portal.Privacy) error
	PutTie(ctx context.Context, tie portal.Tie, ev portal.Addressed) error
	DropTie(ctx context.Context, owner, with portal.Address) error
	Admirers(ctx context.Context, of portal.Address, limit int) ([]portal.Address, error)
	Known(ctx context.Context, owner portal.Address) ([]portal.Address, error)
	Acknowledge(ctx context.Context, owner portal.Address, who []portal.Address) error
}

func testPrivacy(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	want := func(owner portal.Address, want portal.Privacy) {
		t.Helper()
		if p, ties, err := s.Privacy(ctx, owner); err != nil || !reflect.DeepEqual(p, want) || len(ties) != 0 {
			t.Errorf("privacy of %s: %+v, %v, %v; want %+v", owner, p, ties, err, want)
		}
	}
	want(alice, portal.Privacy{})
	for _, p := range []portal.Privacy{
		{Rules: map[portal.Relationship]portal.Sight{portal.Team: portal.FullSight(), portal.Public: {Hidden: true}, portal.Company: {Note: true, Pierces: true}}, ContactsOnly: true},
		{Colleagues: portal.Team, Others: portal.Blocked}, {},
	} {
		must(t, s.SavePrivacy(ctx, alice, p))
		want(alice, p)
	}
	want(bob, portal.Privacy{})
	wantMeaning(t, s.SavePrivacy(ctx, "", portal.Privacy{}), portal.ErrInvalid)
	known := func(owner portal.Address, who ...portal.Address) {
		t.Helper()
		if list, err := s.Known(ctx, owner); err != nil || !slices.Equal(list, who) {
			t.Errorf("%s knows %v, %v; want %v", owner, list, err, who)
		}
	}
	known(alice)
	must(t, s.Acknowledge(ctx, alice, nil))
	must(t, s.Acknowledge(ctx, alice, []portal.Address{carol, bob, carol}))
	must(t, s.Acknowledge(ctx, alice, []portal.Address{bob, "sip:dave@example.test"}))
	known(alice, bob, carol, "sip:dave@example.test")
	known(bob)
	wantMeaning(t, s.Acknowledge(ctx, "", []portal.Address{bob}), portal.ErrInvalid)
}

func testTies(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	tie := func(with portal.Address, r portal.Relationship, contact bool) portal.Tie {
		return portal.Tie{Owner: alice, With: with, Relationship: r, Contact: contact}
	}
	events := 0
	want := func(told int, ties ...portal.Tie) {
		t.Helper()
		_, got, err := s.Privacy(ctx, alice)
		must(t, err)
		if len(got)+len(ties) > 0 && !reflect.DeepEqual(got, ties) {
			t.Errorf("ties %+v, want %+v", got, ties)
		}
		for _, x := range ties {
			if r, err := s.Relationship(ctx, alice, x.With); err != nil || r != x.Relationship {
				t.Errorf("%s is %q, %v; want %q", x.With, r, err, x.Relationship)
			}
		}
		evs := all(t, s, alice, 0)
		if len(evs)-events != told {
			t.Errorf("%d events more, want %d", len(evs)-events, told)
		}
		events = len(evs)
	}
	put := func(with portal.Address, r portal.Relationship) {
		t.Helper()
		must(t, s.PutTie(ctx, tie(with, r, false), contactEvent(with)))
	}
	want(0)
	put(carol, portal.Blocked)
	put(bob, portal.Personal)
	want(0, tie(bob, portal.Personal, false), tie(carol, portal.Blocked, false))
	put(carol, portal.Public)
	want(0, tie(bob, portal.Personal, false), tie(carol, portal.Public, false))
	// On the list the entry says it.
	must(t, s.PutContact(ctx, alice, portal.Contact{URI: carol, Relationship: portal.Company}, contactEvent(carol)))
	must(t, s.ChangeContacts(ctx, alice, portal.ContactsChange{Put: []portal.Contact{{URI: bob, Relationship: portal.Team}}}))
	want(2, tie(bob, portal.Team, true), tie(carol, portal.Company, true))
	put(carol, portal.Team)
	want(1, tie(bob, portal.Team, true), tie(carol, portal.Team, true))
	put(carol, portal.Team)
	want(0, tie(bob, portal.Team, true), tie(carol, portal.Team, true))
	must(t, s.DropTie(ctx, alice, carol)) // takes nothing from the list
	want(0, tie(bob, portal.Team, true), tie(carol, portal.Team, true))
	if _, err := s.DeleteContact(ctx, alice, carol, contactEvent(carol)); err != nil {
		t.Error(err)
	}
	want(1, tie(bob, portal.Team, true)) // what was given before does not come back
	// Who was blocked on the list is blocked without it.
	must(t, s.PutContact(ctx, alice, portal.Contact{URI: carol, Relationship: portal.Blocked}, contactEvent(carol)))
	must(t, s.ChangeContacts(ctx, alice, portal.ContactsChange{Remove: []portal.Address{carol}}))
	want(2, tie(bob, portal.Team, true), tie(carol, portal.Blocked, false))
	must(t, s.DropTie(ctx, alice, carol))
	// Who was public stays so, unless that would be more than those who were given nothing see.
	takenOff := func() {
		t.Helper()
		must(t, s.PutContact(ctx, alice, portal.Contact{URI: carol, Relationship: portal.Public}, contactEvent(carol)))
		if _, err := s.DeleteContact(ctx, alice, carol, contactEvent(carol)); err != nil {
			t.Error(err)
		}
	}
	takenOff()
	want(2, tie(bob, portal.Team, true), tie(carol, portal.Public, false))
	must(t, s.DropTie(ctx, alice, carol))
	must(t, s.SavePrivacy(ctx, alice, portal.Privacy{ContactsOnly: true}))
	takenOff()
	want(2, tie(bob, portal.Team, true))
	must(t, s.SavePrivacy(ctx, alice, portal.Privacy{}))
	must(t, s.DropTie(ctx, alice, carol))
	want(0, tie(bob, portal.Team, true))
	_, err := s.Relationship(ctx, alice, carol)
	wantMeaning(t, err, portal.ErrNotFound)
	group := portal.Contact{URI: "sip:all@example.test", IsGroup: true, Relationship: portal.Company}
	must(t, s.PutContact(ctx, alice, group, contactEvent(group.URI)))
	want(1, tie(bob, portal.Team, true)) // a distribution group sees nothing
	for _, bad := range []portal.Tie{{With: bob, Relationship: portal.Team}, {Owner: alice, Relationship: portal.Team}, {Owner: alice, With: bob, Relationship: "odd"}} {
		wantMeaning(t, s.PutTie(ctx, bad, contactEvent(bob)), portal.ErrInvalid)
	}
	must(t, s.PutTie(ctx, tie("sip:dave@example.test", portal.Blocked, false), portal.Addressed{}))
	must(t, s.SeedContacts(ctx, alice, []portal.Contact{{URI: "sip:dave@example.test", Relationship: portal.Public}}))
	want(0, tie(bob, portal.Team, true), tie("sip:dave@example.test", portal.Public, true))
}

func testAdmirers(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	var owners []portal.Address
	for i := range 12 {
		owner := portal.Address(fmt.Sprintf("sip:o%02d@example.test", i))
		for _, uri := range []portal.Address{bob, carol} {
			if uri == bob || i%4 == 0 {
				ev := portal.Addressed{For: []portal.Address{owner}, Event: portal.ContactsEvent{ID: uri}}
				must(t, s.PutContact(ctx, owner, portal.Contact{URI: uri}, ev))
			}
		}
		owners = append(owners, owner)
	}
	for _, want := range []struct {
		of    portal.Address
		limit int
		who   []portal.Address
	}{
		{bob, 100, owners}, {bob, 5, owners[:5]}, {bob, 0, nil}, {carol, 100, []portal.Address{owners[0], owners[4], owners[8]}}, {alice, 100, nil},
	} {
		if got, err := s.Admirers(ctx, want.of, want.limit); err != nil || !slices.Equal(got, want.who) {
			t.Errorf("admirers of %s: %v, %v; want %v", want.of, got, err, want.who)
		}
	}
}
