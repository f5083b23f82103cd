package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// ListStore is what contact lists ask of storage beyond single entries.
type ListStore interface {
	ContactGroups(ctx context.Context, owner portal.Address) ([]portal.ContactGroup, error)
	ChangeContacts(ctx context.Context, owner portal.Address, c portal.ContactsChange) error
	Tagged(ctx context.Context, owner portal.Address) ([]portal.Address, error)
	Recents(ctx context.Context, owner portal.Address, limit int) ([]portal.Recent, error)
	Roster(ctx context.Context, owner portal.Address) (string, []byte, error)
	SaveRoster(ctx context.Context, owner portal.Address, etag string, agreed []byte) error
}

// contactsTold are the events of alice's list after a number, and the number of the last.
func contactsTold(t *testing.T, s Store, since int64) (told []portal.ContactsEvent, last int64) {
	t.Helper()
	last = since
	for _, l := range all(t, s, alice, since) {
		told = append(told, l.Event.(portal.ContactsEvent))
		last = l.Seq
	}
	return told, last
}

// groupNames are the owner's groups in their order.
func groupNames(t *testing.T, s Store, owner portal.Address) (names []string) {
	t.Helper()
	groups, err := s.ContactGroups(deadline(t), owner)
	must(t, err)
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return names
}

func testContactFields(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	full := portal.Contact{URI: bob, DisplayName: "Bob", Group: "Work", Groups: []string{"Work", "Friends", "Ünlü"}, Relationship: portal.Team, AddedAt: noon(),
		Nickname: "Bobby", Favourite: true, Tagged: true}
	group := portal.Contact{URI: "sip:all@example.test", Relationship: portal.Company, AddedAt: noon(), Email: "all@example.test", IsGroup: true}
	put := full
	put.Group, put.Groups = "left out", []string{"Work", "", "Friends", "Work", "Ünlü"} // Groups decides
	must(t, s.PutContact(ctx, alice, put, contactEvent(bob)))
	must(t, s.PutContact(ctx, alice, group, contactEvent(group.URI)))
	if list, err := s.Contacts(ctx, alice); err != nil || !reflect.DeepEqual(list, []portal.Contact{group, full}) {
		t.Errorf("contacts %+v, %v", list, err)
	}
	if names := groupNames(t, s, alice); !slices.Equal(names, []string{"Friends", "Work", "Ünlü"}) {
		t.Errorf("groups %q", names)
	}
	if tagged, err := s.Tagged(ctx, alice); err != nil || !slices.Equal(tagged, []portal.Address{bob}) {
		t.Errorf("tagged %v, %v", tagged, err)
	}
	full.Group, full.Groups, full.Tagged, full.Favourite, full.Nickname = "Other", []string{"Other"}, false, false, ""
	put = full
	put.Groups = nil
	must(t, s.PutContact(ctx, alice, put, contactEvent(bob)))
	if list, err := s.Contacts(ctx, alice); err != nil || !reflect.DeepEqual(list, []portal.Contact{group, full}) {
		t.Errorf("contacts %+v, %v", list, err)
	}
	if tagged, err := s.Tagged(ctx, alice); err != nil || len(tagged) != 0 {
		t.Errorf("tagged %v, %v", tagged, err)
	}
	if names := groupNames(t, s, alice); !slices.Equal(names, []string{"Friends", "Other", "Work", "Ünlü"}) {
		t.Errorf("groups without contacts went: %q", names)
	}
	must(t, s.SeedContacts(ctx, carol, []portal.Contact{{URI: bob, Groups: []string{"A", "B"}, Tagged: true}}))
	if list, err := s.Contacts(ctx, carol); err != nil || len(list) != 1 || !slices.Equal(list[0].Groups, []string{"A", "B"}) || !list[0].Tagged {
		t.Errorf("seeded %+v, %v", list, err)
	}
	if names := groupNames(t, s, carol); !slices.Equal(names, []string{"A", "B"}) {
		t.Errorf("seeded groups %q", names)
	}
	put.Groups = []string{"two\nlines"}
	wantMeaning(t, s.PutContact(ctx, alice, put, contactEvent(bob)), portal.ErrInvalid)
	wantMeaning(t, s.SeedContacts(ctx, bob, []portal.Contact{{}}), portal.ErrInvalid)
}

func testContactChanges(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	in := func(uri portal.Address, groups ...string) portal.Contact {
		return portal.Contact{URI: uri, Groups: groups, Relationship: portal.Team, AddedAt: noon()}
	}
	tagged := in(carol, "B")
	tagged.Tagged = true
	var last int64
	for i, step := range []struct {
		change portal.ContactsChange
		told   string
		groups string
		list   string
	}{
		{portal.ContactsChange{Put: []portal.Contact{in(bob, "A"), in(carol, "A", "B")}}, "[{bob created} {carol created}]", "[{A 0} {B 0}]", "bob[A] carol[A B]"},
		{portal.ContactsChange{Put: []portal.Contact{in(bob, "A"), in(carol, "A", "B")}}, "[]", "[{A 0} {B 0}]", "bob[A] carol[A B]"},
		{portal.ContactsChange{PutGroups: []portal.ContactGroup{{Name: "B", Rank: 1}, {Name: "A", Rank: 2, Closed: true}, {Name: "C", Rank: 3}}}, "[{ updated}]", "[{B 1} {A 2 closed} {C 3}]", "bob[A] carol[A B]"},
		{portal.ContactsChange{PutGroups: []portal.ContactGroup{{Name: "B", Rank: 1}}}, "[]", "[{B 1} {A 2 closed} {C 3}]", "bob[A] carol[A B]"},
		{portal.ContactsChange{Rename: map[string]string{"A": "B", "B": "A"}}, "[{ updated}]", "[{A 1} {B 2 closed} {C 3}]", "bob[B] carol[B A]"},
		{portal.ContactsChange{Rename: map[string]string{"B": "C", "none": "X"}}, "[{ updated}]", "[{A 1} {C 3}]", "bob[C] carol[C A]"},
		{portal.ContactsChange{Put: []portal.Contact{in(bob, "C", "new")}}, "[{bob updated}]", "[{A 1} {C 3} {new 4}]", "bob[C new] carol[C A]"},
		{portal.ContactsChange{Rename: map[string]string{"A": "C"}}, "[{ updated}]", "[{C 3} {new 4}]", "bob[C new] carol[C]"},
		{portal.ContactsChange{RemoveGroups: []string{"C", "none"}, Put: []portal.Contact{tagged}}, "[{ updated} {carol updated}]", "[{new 4} {B 5}]", "bob[new] carol[B]"},
		{portal.ContactsChange{RemoveGroups: []string{"none"}, Remove: []portal.Address{"sip:none@example.test"}}, "[]", "[{new 4} {B 5}]", "bob[new] carol[B]"},
		{portal.ContactsChange{RemoveGroups: []string{"new", "B"}}, "[{ updated}]", "[]", "bob[] carol[]"},
		{portal.ContactsChange{Remove: []portal.Address{bob, carol}, Put: []portal.Contact{in(carol)}}, "[{bob deleted} {carol deleted} {carol created}]", "[]", "carol[]"},
		{portal.ContactsChange{}, "[]", "[]", "carol[]"},
		{portal.ContactsChange{PutGroups: []portal.ContactGroup{{Name: "D", Rank: 1}}}, "[{ updated}]", "[{D 1}]", "carol[]"},
		{portal.ContactsChange{PutGroups: []portal.ContactGroup{{Name: "E", Rank: 2}}, Put: []portal.Contact{in(carol, "E")}}, "[{carol updated}]", "[{D 1} {E 2}]", "carol[E]"},
		{portal.ContactsChange{PutGroups: []portal.ContactGroup{{Name: "E", Rank: 3}, {Name: "F", Rank: 4}}, Put: []portal.Contact{in(carol)}}, "[{ updated} {carol updated}]", "[{D 1} {E 3} {F 4}]", "carol[]"},
	} {
		must(t, s.ChangeContacts(ctx, alice, step.change))
		told, newest := contactsTold(t, s, last)
		last = newest
		if got := toldText(told); got != step.told {
			t.Errorf("step %d: told %s, want %s", i, got, step.told)
		}
		groups, err := s.ContactGroups(ctx, alice)
		must(t, err)
		if got := groupsText(groups); got != step.groups {
			t.Errorf("step %d: groups %s, want %s", i, got, step.groups)
		}
		list, err := s.Contacts(ctx, alice)
		must(t, err)
		if got := listText(list); got != step.list {
			t.Errorf("step %d: list %s, want %s", i, got, step.list)
		}
	}
	if evs := all(t, s, bob, 0); len(evs) != 0 {
		t.Errorf("others were told %+v", evs)
	}
}

func toldText(told []portal.ContactsEvent) string {
	list := []string{}
	for _, e := range told {
		name := ""
		if e.ID != "" {
			name = e.ID.User()
		}
		list = append(list, fmt.Sprintf("{%s %s}", name, e.Change))
	}
	return fmt.Sprint(list)
}

func groupsText(groups []portal.ContactGroup) string {
	list := []string{}
	for _, g := range groups {
		closed := ""
		if g.Closed {
			closed = " closed"
		}
		list = append(list, fmt.Sprintf("{%s %d%s}", g.Name, g.Rank, closed))
	}
	return fmt.Sprint(list)
}

func listText(list []portal.Contact) (text string) {
	slices.SortFunc(list, func(a, b portal.Contact) int { return cmp.Compare(a.URI, b.URI) })
	for i, c := range list {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprint(c.URI.User(), c.Groups)
	}
	return text
}

// testContactChangesWhole: what cannot be done is not done by half.
func testContactChangesWhole(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	must(t, s.ChangeContacts(ctx, alice, portal.ContactsChange{Put: []portal.Contact{{URI: bob, Group: "A"}}}))
	good := portal.Contact{URI: carol}
	for i, bad := range []portal.ContactsChange{
		{Put: []portal.Contact{good, {}}},
		{Put: []portal.Contact{good, {URI: "sip:x@example.test", Group: "a\nb"}}},
		{Put: []portal.Contact{good}, Rename: map[string]string{"A": ""}},
		{Put: []portal.Contact{good}, Rename: map[string]string{"A": "a\nb"}},
		{Remove: []portal.Address{bob}, PutGroups: []portal.ContactGroup{{}}},
	} {
		wantMeaning(t, s.ChangeContacts(ctx, alice, bad), portal.ErrInvalid)
		if list, err := s.Contacts(ctx, alice); err != nil || len(list) != 1 || list[0].URI != bob || list[0].Group != "A" {
			t.Errorf("change %d: %+v, %v", i, list, err)
		}
	}
	wantMeaning(t, s.ChangeContacts(ctx, "", portal.ContactsChange{}), portal.ErrInvalid)
	if told, _ := contactsTold(t, s, 0); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}

// listModel is a contact list by its rules.
type listModel struct {
	groups   map[string]portal.ContactGroup
	contacts map[portal.Address]portal.Contact
}

// testContactModel does what comes by chance to a list and to plain maps, and wants both to be the same; an event is told exactly
// where something changed.
func testContactModel(t *testing.T, open Open) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := rand.New(rand.NewPCG(seed, 7))
			s := start(t, open, storage.Options{})
			m := listModel{map[string]portal.ContactGroup{}, map[portal.Address]portal.Contact{}}
			var last int64
			for range 150 {
				c := chanceChange(g)
				before := listModel{maps.Clone(m.groups), maps.Clone(m.contacts)}
				m.apply(c)
				must(t, s.ChangeContacts(deadline(t), alice, c))
				m.compare(t, s)
				told, newest := contactsTold(t, s, last)
				last = newest
				if same := reflect.DeepEqual(before, m); same != (len(told) == 0) {
					t.Fatalf("%+v made %+v of %+v; told %+v", c, m, before, told)
				}
			}
		})
	}
}

func chanceChange(g *rand.Rand) (c portal.ContactsChange) {
	name := func() string { return string(rune('A' + g.IntN(5))) }
	who := func() portal.Address { return portal.Address(fmt.Sprintf("sip:p%d@example.test", g.IntN(6))) }
	switch g.IntN(6) {
	case 0:
		c.Rename = map[string]string{name(): name(), name(): name()}
	case 1:
		c.RemoveGroups = []string{name()}
	case 2:
		c.PutGroups = []portal.ContactGroup{{Name: name(), Rank: g.IntN(4), Closed: g.IntN(2) == 0}}
	case 3:
		c.Remove = []portal.Address{who()}
	default:
		put := portal.Contact{URI: who(), Relationship: portal.Company, Favourite: g.IntN(2) == 0}
		for range g.IntN(3) {
			put.Groups = append(put.Groups, name())
		}
		c.Put = []portal.Contact{put}
	}
	return c
}

// apply is the rules, for a change of one kind.
func (m *listModel) apply(c portal.ContactsChange) {
	renamed := map[string]portal.ContactGroup{}
	for name, g := range m.groups {
		if c.Rename[name] == "" {
			renamed[name] = g
		}
	}
	old := slices.SortedFunc(maps.Values(m.groups), func(a, b portal.ContactGroup) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Name, b.Name))
	})
	for _, g := range old {
		if to := c.Rename[g.Name]; to != "" {
			if _, taken := renamed[to]; !taken {
				renamed[to] = portal.ContactGroup{Name: to, Rank: g.Rank, Closed: g.Closed}
			}
		}
	}
	m.groups = renamed
	for _, name := range c.RemoveGroups {
		delete(m.groups, name)
	}
	for uri, contact := range m.contacts {
		var names []string
		for _, name := range contact.Groups {
			if to := c.Rename[name]; to != "" {
				name = to
			}
			if !slices.Contains(names, name) && !slices.Contains(c.RemoveGroups, name) {
				names = append(names, name)
			}
		}
		contact.Groups = names
		m.contacts[uri] = contact
	}
	for _, g := range c.PutGroups {
		m.groups[g.Name] = g
	}
	for _, uri := range c.Remove {
		delete(m.contacts, uri)
	}
	for _, put := range c.Put {
		var names []string
		for _, name := range put.Groups {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			if _, there := m.groups[name]; !there {
				rank := 0
				for _, g := range m.groups {
					rank = max(rank, g.Rank)
				}
				m.groups[name] = portal.ContactGroup{Name: name, Rank: rank + min(rank, 1)}
			}
		}
		put.Groups = names
		m.contacts[put.URI] = put
	}
}

func (m *listModel) compare(t *testing.T, s Store) {
	t.Helper()
	groups, err := s.ContactGroups(deadline(t), alice)
	must(t, err)
	got := listModel{map[string]portal.ContactGroup{}, map[portal.Address]portal.Contact{}}
	for _, g := range groups {
		got.groups[g.Name] = g
	}
	list, err := s.Contacts(deadline(t), alice)
	must(t, err)
	for _, c := range list {
		if first := append(c.Groups, "")[0]; c.Group != first || c.AddedAt.IsZero() {
			t.Fatalf("contact %+v", c)
		}
		c.Group, c.AddedAt = "", time.Time{}
		got.contacts[c.URI] = c
	}
	if !reflect.DeepEqual(got, *m) {
		t.Fatalf("got  %+v\nwant %+v", got, *m)
	}
}

func testRosters(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	want := func(owner portal.Address, etag string, agreed []byte) {
		t.Helper()
		if e, a, err := s.Roster(ctx, owner); err != nil || e != etag || string(a) != string(agreed) {
			t.Errorf("roster of %s: %q %q, %v; want %q %q", owner, e, a, err, etag, agreed)
		}
	}
	want(alice, "", nil)
	must(t, s.SaveRoster(ctx, alice, `"e1"`, []byte{0, 1, 255}))
	must(t, s.SaveRoster(ctx, bob, "", nil))
	want(alice, `"e1"`, []byte{0, 1, 255})
	want(bob, "", nil)
	must(t, s.SaveRoster(ctx, alice, `"e2"`, []byte("x")))
	want(alice, `"e2"`, []byte("x"))
	wantMeaning(t, s.SaveRoster(ctx, "", "e", nil), portal.ErrInvalid)
}
