package contacts_test

// Groups, favourites, tags and sections, over a real database.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/contacts"
	"portico/app/portal"
	"portico/storage"
)

var _ contacts.Store = (*storage.Store)(nil)

// filled is a list with bob in two groups, carol in one and dan in none.
func filled(t *testing.T) *world {
	t.Helper()
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Groups: []string{"Work", "Lunch"}}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: carol, Group: "Work", Relationship: portal.Personal}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: "sip:dan@example.test", DisplayName: "Dan"}))
	return w
}

// shape is sections as text: "group Work: Bob Builder, Carol".
func shape(t *testing.T, w *world, sort string, presenceOf func(portal.Address) portal.Presence) []string {
	t.Helper()
	sections, err := w.Sections(t.Context(), alice, sort, presenceOf)
	must(t, err)
	var all []string
	for _, s := range sections {
		var names []string
		for _, c := range s.Contacts {
			names = append(names, contacts.Called(c))
		}
		text := s.Kind + " " + s.Name + ": " + strings.Join(names, ", ")
		if s.Closed {
			text += " (closed)"
		}
		all = append(all, text)
	}
	return all
}

func wantShape(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSections(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	must(t, w.PutGroup(ctx, alice, "Empty"))
	must(t, w.FoldGroup(ctx, alice, "Work", true))
	must(t, w.Favourite(ctx, alice, carol, true))
	must(t, w.Nickname(ctx, alice, bob, "Zorro"))
	wantShape(t, "by group", shape(t, w, contacts.SortGroups, nil),
		"favourites : Carol Ångström", "group Work: Carol Ångström, Zorro (closed)", "group Lunch: Zorro", "group Empty: ", "others : Dan")
	wantShape(t, "by status", shape(t, w, contacts.SortStatus, func(a portal.Address) portal.Presence {
		return portal.Presence{Availability: map[portal.Address]portal.Availability{bob: portal.Away, carol: portal.Available}[a]}
	}), "status available: Carol Ångström", "status away: Zorro", "status unknown: Dan")
	wantShape(t, "by relationship", shape(t, w, contacts.SortRelationship, nil), "relationship personal: Carol Ångström", "relationship company: Dan, Zorro")
	wantShape(t, "by recency", shape(t, w, contacts.SortRecent, nil), "earlier : Carol Ångström, Dan, Zorro")
	_, err := w.Sections(ctx, alice, "colour", nil)
	wantReason(t, err, portal.ErrInvalid, "contacts.sort")
}

func TestMovingBetweenGroups(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	in := func(uri portal.Address) string {
		c, err := w.Contact(ctx, alice, uri)
		must(t, err)
		return strings.Join(c.Groups, "+")
	}
	for i, e := range []struct {
		uri      portal.Address
		from, to string
		want     string
	}{
		{bob, "Work", "Friends", "Friends+Lunch"},
		{bob, "Lunch", "Friends", "Friends"}, // in it already
		{bob, "Gone meanwhile", "Work", "Friends+Work"},
		{bob, "Work", "", "Friends"},
		{bob, "Friends", "Friends", "Friends"},
		{"sip:dan@example.test", "", "Work", "Work"},
		{"sip:dan@example.test", "Work", "", ""},
	} {
		must(t, w.Move(ctx, alice, e.uri, e.from, e.to))
		if got := in(e.uri); got != e.want {
			t.Errorf("move %d: in %q, want %q", i, got, e.want)
		}
	}
	must(t, w.Copy(ctx, alice, bob, " Lunch "))
	if got := in(bob); got != "Friends+Lunch" {
		t.Errorf("copied: in %q", got)
	}
	wantReason(t, w.Copy(ctx, alice, bob, " "), portal.ErrInvalid, "contacts.group-empty")
	wantReason(t, w.Move(ctx, alice, bob, "Friends", strings.Repeat("x", contacts.MaxGroupLen+1)), portal.ErrInvalid, "contacts.group")
	for name, err := range map[string]error{
		"move": w.Move(ctx, alice, "sip:no@example.test", "", "Work"), "copy": w.Copy(ctx, alice, "sip:no@example.test", "Work"),
		"favourite": w.Favourite(ctx, alice, "sip:no@example.test", true), "tag": w.Tag(ctx, alice, "sip:no@example.test", true),
		"nickname": w.Nickname(ctx, alice, "sip:no@example.test", "x"),
	} {
		if portal.Reason(err) != "contacts.not-found" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGroupsAreKeptInOrder(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	order := func() string {
		groups, err := w.Groups(ctx, alice)
		must(t, err)
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		return strings.Join(names, " ")
	}
	must(t, w.PutGroup(ctx, alice, "Zoo"))
	must(t, w.PutGroup(ctx, alice, " Zoo "))
	if got := order(); got != "Work Lunch Zoo" {
		t.Errorf("groups %q", got)
	}
	must(t, w.OrderGroups(ctx, alice, []string{"Zoo", "Lunch", "Zoo"}))
	must(t, w.RenameGroup(ctx, alice, "Lunch", "Canteen"))
	if got := order(); got != "Zoo Canteen Work" {
		t.Errorf("after ordering and renaming: %q", got)
	}
	if c, err := w.Contact(ctx, alice, bob); err != nil || !slices.Equal(c.Groups, []string{"Work", "Canteen"}) {
		t.Errorf("bob %+v, %v", c, err)
	}
	must(t, w.RemoveGroup(ctx, alice, "Work"))
	if c, err := w.Contact(ctx, alice, carol); err != nil || c.Group != "" || order() != "Zoo Canteen" {
		t.Errorf("carol %+v, %v; groups %q", c, err, order())
	}
	wantReason(t, w.PutGroup(ctx, alice, ""), portal.ErrInvalid, "contacts.group-empty")
	wantReason(t, w.RenameGroup(ctx, alice, "Zoo", "Canteen"), portal.ErrConflict, "contacts.group-exists")
	wantReason(t, w.RenameGroup(ctx, alice, "Zoo", "a\nb"), portal.ErrInvalid, "contacts.group")
	for name, err := range map[string]error{
		"rename": w.RenameGroup(ctx, alice, "Work", "x"), "remove": w.RemoveGroup(ctx, alice, "Work"),
		"order": w.OrderGroups(ctx, alice, []string{"Work"}), "fold": w.FoldGroup(ctx, alice, "Work", true),
	} {
		if portal.Reason(err) != "contacts.no-group" || portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A change that changes nothing is no event.
func TestWhatStaysAsItWasIsNotTold(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	must(t, w.Favourite(ctx, alice, bob, true))
	before, _, err := w.store.EventsSince(ctx, alice, 0, 0)
	must(t, err)
	for _, err := range []error{w.Favourite(ctx, alice, bob, true), w.PutGroup(ctx, alice, "Work"), w.FoldGroup(ctx, alice, "Work", false),
		w.OrderGroups(ctx, alice, []string{"Work", "Lunch"}), w.RenameGroup(ctx, alice, "Work", "Work"), w.Copy(ctx, alice, bob, "Lunch"),
		w.Tag(ctx, alice, bob, false), w.Nickname(ctx, alice, bob, " ")} {
		must(t, err)
	}
	after, _, err := w.store.EventsSince(ctx, alice, 0, 0)
	must(t, err)
	if len(after) != len(before) {
		t.Errorf("told %+v", after[len(before):])
	}
}

func TestAtMostSoManyGroups(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	for i := range contacts.MaxGroups - 1 {
		must(t, w.PutGroup(ctx, alice, fmt.Sprintf("G%d", i)))
	}
	wantReason(t, w.Put(ctx, alice, portal.Contact{URI: bob, Groups: []string{"A", "B"}}), portal.ErrConflict, "contacts.groups-full")
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Groups: []string{"A", "G1"}}))
	wantReason(t, w.PutGroup(ctx, alice, "B"), portal.ErrConflict, "contacts.groups-full")
	wantReason(t, w.Copy(ctx, alice, bob, "B"), portal.ErrConflict, "contacts.groups-full")
	must(t, w.Copy(ctx, alice, bob, "G2"))
	many := make([]string, contacts.MaxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	wantReason(t, w.Put(ctx, alice, portal.Contact{URI: carol, Groups: many}), portal.ErrConflict, "contacts.groups-full")
}

// An entry keeps what a change of it does not say; what is said of a nickname can be taken back.
func TestAChangeKeepsTheRest(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	must(t, w.Favourite(ctx, alice, bob, true))
	must(t, w.Tag(ctx, alice, bob, true))
	must(t, w.Nickname(ctx, alice, bob, "Bobby"))
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Group: "New"}))
	must(t, w.Amend(ctx, alice, portal.Contact{URI: bob, DisplayName: "Robert"}))
	c, err := w.Contact(ctx, alice, bob)
	must(t, err)
	if !c.Favourite || !c.Tagged || c.Nickname != "Bobby" || c.DisplayName != "Robert" || contacts.Called(c) != "Bobby" || !slices.Equal(c.Groups, []string{"New"}) {
		t.Errorf("%+v", c)
	}
	must(t, w.Nickname(ctx, alice, bob, ""))
	if c, err = w.Contact(ctx, alice, bob); err != nil || contacts.Called(c) != "Robert" {
		t.Errorf("%+v, %v", c, err)
	}
	wantReason(t, w.Nickname(ctx, alice, bob, strings.Repeat("x", contacts.MaxNameLen+1)), portal.ErrInvalid, "contacts.name")
}

// Whom somebody tagged is known while they are signed in.
func TestTagged(t *testing.T) {
	w := filled(t)
	ctx := t.Context()
	must(t, w.Tag(ctx, alice, bob, true))
	if got := w.Tagged(alice); len(got) != 0 {
		t.Errorf("of somebody who is away: %v", got)
	}
	must(t, w.SignedIn(ctx, alice))
	if got := w.Tagged(alice); !slices.Equal(got, []portal.Address{bob}) {
		t.Errorf("tagged %v", got)
	}
	must(t, w.Tag(ctx, alice, carol, true))
	must(t, w.Remove(ctx, alice, bob))
	if got := w.Tagged(alice); !slices.Equal(got, []portal.Address{carol}) {
		t.Errorf("tagged %v", got)
	}
	w.SignedOut(alice)
	if got := w.Tagged(alice); len(got) != 0 {
		t.Errorf("after signing out: %v", got)
	}
}

func TestRecents(t *testing.T) {
	w := filled(t)
	at := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	s := contacts.New(recentStore{w.store, []portal.Recent{{URI: "sip:dan@example.test", At: at}, {URI: "sip:stranger@example.test", At: at}, {URI: bob, At: at}}}, contacts.Options{})
	got, err := s.Recents(t.Context(), alice, 2)
	if err != nil || len(got) != 2 || got[0].URI != "sip:dan@example.test" {
		t.Errorf("recents %v, %v", got, err)
	}
	if got, err := s.Recents(t.Context(), alice, 0); err != nil || len(got) != 3 {
		t.Errorf("recents %v, %v", got, err)
	}
	wantShape(t, "by recency", shape(t, &world{Service: s}, contacts.SortRecent, nil), "recent : Dan, bob@example.test", "earlier : carol@example.test")
	if got, err := w.Recents(t.Context(), alice, 1000); err != nil || len(got) != 0 {
		t.Errorf("of a fresh database: %v, %v", got, err)
	}
}

type recentStore struct {
	*storage.Store
	recents []portal.Recent
}

// Recents is at most limit of those given.
func (r recentStore) Recents(_ context.Context, _ portal.Address, limit int) ([]portal.Recent, error) {
	return r.recents[:min(limit, len(r.recents))], nil
}

// TestRelatedIsTold of who is on the list and what they are, and of nothing else.
func TestRelatedIsTold(t *testing.T) {
	w := open(t, 0)
	ctx, told := t.Context(), 0
	s := w.over(contacts.Options{Related: func(owner portal.Address) {
		if told++; owner != alice {
			t.Errorf("told of %s", owner)
		}
	}})
	for i, step := range []struct {
		do   func() error
		told int
	}{
		{func() error { return s.Put(ctx, alice, portal.Contact{URI: bob}) }, 1},
		{func() error { return s.Move(ctx, alice, bob, "", "Work") }, 1},
		{func() error { return s.Amend(ctx, alice, portal.Contact{URI: bob, Relationship: portal.Blocked}) }, 2},
		{func() error { return s.Favourite(ctx, alice, bob, true) }, 2},
		{func() error { return s.Remove(ctx, alice, bob) }, 3},
		{func() error { return s.Seed(ctx, alice, []portal.Contact{{URI: carol}}) }, 4},
	} {
		must(t, step.do())
		if told != step.told {
			t.Errorf("after step %d it was told %d times, want %d", i, told, step.told)
		}
	}
}
