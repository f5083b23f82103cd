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
