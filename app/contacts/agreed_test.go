package contacts

// Two lists brought together over a real database.

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// database is storage that lives for the time of do.
func database(t *testing.T, dsn string, do func(store *storage.Store)) {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{DSN: dsn})
	need(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	do(store)
	cancel()
	need(t, <-done)
	need(t, store.Close())
}

// What both lists agreed on is known after a restart: what either side took off meanwhile goes, and the groups keep their
// order and their folds.
func TestAgreementOutlivesARestart(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "portico.db")
	srv := &server{without: true}
	ctx := t.Context()
	database(t, dsn, func(store *storage.Store) {
		s := New(store, Options{Roster: srv})
		need(t, s.Put(ctx, owner, portal.Contact{URI: bobby, Groups: []string{"Work", "Lunch"}}))
		need(t, s.Put(ctx, owner, portal.Contact{URI: carla, Nickname: "C.", Favourite: true, Tagged: true, Relationship: portal.Team}))
		need(t, s.Put(ctx, owner, portal.Contact{URI: "sip:dan@example.test", Group: "Work"}))
		need(t, s.OrderGroups(ctx, owner, []string{"Work", "Lunch"}))
		need(t, s.FoldGroup(ctx, owner, "Lunch", true))
		_, err := s.agree(ctx, owner)
		need(t, err)
		need(t, s.Remove(ctx, owner, bobby))
	})
	if e := srv.entry(carla); e == nil || e.DisplayName != "C." || !slices.Equal(srv.list.Groups, []string{"Work", "Lunch"}) {
		t.Errorf("the server has %+v", srv.list)
	}
	srv.edit(func(l *RosterList) {
		l.Entries = slices.DeleteFunc(l.Entries, func(c portal.Contact) bool { return c.URI == "sip:dan@example.test" })
		l.Groups = []string{"New", "Lunch", "Work"}
		srv.entry(carla).DisplayName = "Carlotta"
	})
	database(t, dsn, func(store *storage.Store) {
		s := New(store, Options{Roster: srv})
		_, err := s.agree(ctx, owner)
		need(t, err)
		list, err := s.List(ctx, owner)
		need(t, err)
		if len(list) != 1 || list[0].URI != carla || list[0].Nickname != "Carlotta" || !list[0].Favourite || !list[0].Tagged || list[0].Relationship != portal.Team {
			t.Errorf("ours is %+v", list)
		}
		groups, err := s.Groups(ctx, owner)
		need(t, err)
		if want := []portal.ContactGroup{{Name: "New", Rank: 1}, {Name: "Lunch", Rank: 2, Closed: true}, {Name: "Work", Rank: 3}}; !slices.Equal(groups, want) {
			t.Errorf("groups %+v", groups)
		}
		if got := names(srv); got != "carla" {
			t.Errorf("the server has %q", got)
		}
		evs, _, err := store.EventsSince(ctx, owner, 0, 0)
		need(t, err)
		var last []portal.Address
		for _, e := range evs[max(0, len(evs)-3):] {
			if ev, ok := e.Event.(portal.ContactsEvent); ok {
				last = append(last, ev.ID)
			}
		}
		if !slices.Equal(last, []portal.Address{"", "sip:dan@example.test", carla}) {
			t.Errorf("the browsers were told of %q", last)
		}
	})
}

// Whom another client puts on the list keeps what was given to them before, or else what all have; taken off there, they go here.
func TestTheServersListUnblocksNobody(t *testing.T) {
	const dora = portal.Address("sip:dora@elsewhere.test")
	mem := &memory{ties: map[portal.Address]portal.Relationship{bobby: portal.Blocked, carla: portal.Public}}
	srv := &server{list: RosterList{Entries: []portal.Contact{{URI: bobby}, {URI: carla}, {URI: dora}}}}
	standing := func(_ context.Context, who, of portal.Address) (portal.Relationship, error) {
		if who != owner || of != dora {
			t.Errorf("asked what %s has made of %s", who, of)
		}
		return portal.Team, nil
	}
	s := New(mem, Options{Roster: srv, Standing: standing})
	_, err := s.agree(t.Context(), owner)
	need(t, err)
	for uri, want := range map[portal.Address]portal.Relationship{bobby: portal.Blocked, carla: portal.Public, dora: portal.Team} {
		if c, err := s.Contact(t.Context(), owner, uri); err != nil || c.Relationship != want {
			t.Errorf("%s is %q, %v; want %q", uri, c.Relationship, err, want)
		}
	}
	srv.edit(func(l *RosterList) { l.Entries = nil })
	_, err = s.agree(t.Context(), owner)
	need(t, err)
	if list, err := s.List(t.Context(), owner); err != nil || len(list) != 0 {
		t.Errorf("taken off at the server, here is %+v, %v", list, err)
	}
}

// An entry that does not say what somebody is to the owner gets what was given before, or else what all have.
func TestWhatANewContactIs(t *testing.T) {
	away := portal.Fail(portal.ErrUnavailable, "storage.away")
	for name, c := range map[string]struct {
		standing func(context.Context, portal.Address, portal.Address) (portal.Relationship, error)
		tie, say portal.Relationship
		want     portal.Relationship
	}{
		"nothing is known":  {want: portal.Company},
		"all are public":    {standing: gives(portal.Public, nil), want: portal.Public},
		"blocked before":    {standing: gives(portal.Company, nil), tie: portal.Blocked, want: portal.Blocked},
		"the entry says it": {standing: gives("", away), tie: portal.Blocked, say: portal.Team, want: portal.Team},
		"not to be read":    {standing: gives("", away)},
	} {
		put := portal.Contact{URI: bobby, Relationship: c.say}
		s := New(&memory{ties: map[portal.Address]portal.Relationship{bobby: c.tie}}, Options{Standing: c.standing})
		err := s.Put(t.Context(), owner, put)
		if got, _ := s.Contact(t.Context(), owner, bobby); got.Relationship != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: put, they are %q, %v; want %q", name, got.Relationship, err, c.want)
		}
		s = New(&memory{ties: map[portal.Address]portal.Relationship{bobby: c.tie}}, Options{Standing: c.standing})
		err = s.Seed(t.Context(), owner, []portal.Contact{put})
		if got, _ := s.Contact(t.Context(), owner, bobby); got.Relationship != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: seeded, they are %q, %v; want %q", name, got.Relationship, err, c.want)
		}
	}
}

func gives(r portal.Relationship, err error) func(context.Context, portal.Address, portal.Address) (portal.Relationship, error) {
	return func(context.Context, portal.Address, portal.Address) (portal.Relationship, error) { return r, err }
}
