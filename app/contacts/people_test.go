package contacts_test

// Distribution groups, and the contacts of a mailbox.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"portico/app/contacts"
	"portico/app/portal"
)

const sales = portal.Address("sip:Sales@example.test")

// folder is the contacts of alice's mailbox.
type folder struct {
	people []portal.Person
	saved  []portal.Person
	err    error
}

func (f *folder) Contacts(context.Context, portal.Address) ([]portal.Person, error) {
	return f.people, f.err
}

func (f *folder) SaveContact(_ context.Context, _ portal.Address, p portal.Person) error {
	f.saved = append(f.saved, p)
	return f.err
}

// over is another service on the world's database.
func (w *world) over(o contacts.Options) *contacts.Service { return contacts.New(w.store, o) }

func TestDistributionGroups(t *testing.T) {
	w := open(t, 2)
	ctx := t.Context()
	c, err := w.AddDistributionGroup(ctx, alice, " Sales@example.test ", "")
	must(t, err)
	if c.URI != sales || !c.IsGroup || c.Email != "Sales@example.test" || c.DisplayName != "Sales@example.test" && c.DisplayName != "Sales" {
		t.Errorf("%+v", c)
	}
	if w.changes() != 0 {
		t.Errorf("a group's presence is wanted: %v", w.last())
	}
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob}))
	if got := w.last(); !slices.Equal(got, []portal.Address{bob}) {
		t.Errorf("Changed was told %v", got)
	}
	if again, err := w.AddDistributionGroup(ctx, alice, "Sales@example.test", "Other"); err != nil || again.DisplayName != c.DisplayName {
		t.Errorf("again: %+v, %v", again, err)
	}
	_, err = w.AddDistributionGroup(ctx, alice, "bob@example.test", "")
	wantReason(t, err, portal.ErrConflict, "contacts.is-person")
	_, err = w.AddDistributionGroup(ctx, alice, "more@example.test", "")
	wantReason(t, err, portal.ErrConflict, "contacts.full")
	for _, email := range []string{"", "nobody", "sip:x@example.test", "a b@example.test"} {
		_, err = w.AddDistributionGroup(ctx, alice, email, "")
		wantReason(t, err, portal.ErrInvalid, "contacts.email")
	}
	wantReason(t, w.Tag(ctx, alice, sales, true), portal.ErrInvalid, "contacts.tag-group")
	must(t, w.Move(ctx, alice, sales, "", "Lists"))
	if c, err := w.Contact(ctx, alice, sales); err != nil || !c.IsGroup || c.Email != "Sales@example.test" || c.Group != "Lists" {
		t.Errorf("moved: %+v, %v", c, err)
	}
}

// Whom the address book knows as a distribution group is put on the list as one.
func TestADistributionGroupOfTheAddressBook(t *testing.T) {
	w := open(t, 0)
	s := w.over(contacts.Options{Lookup: func(_ context.Context, a portal.Address) portal.Person {
		return portal.Person{URI: a, DisplayName: "Everybody", Email: "all@mail.test", Group: a == sales}
	}})
	must(t, s.Put(t.Context(), alice, portal.Contact{URI: sales}))
	if c, err := s.Contact(t.Context(), alice, sales); err != nil || !c.IsGroup || c.Email != "all@mail.test" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestExpand(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	asked, now := 0, time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	var fail error
	s := w.over(contacts.Options{Now: func() time.Time { return now },
		Lookup: func(_ context.Context, a portal.Address) portal.Person {
			if a == bob {
				return portal.Person{URI: bob, DisplayName: "Bob Builder", Email: "bob@example.test", Sources: []string{"book"}}
			}
			return portal.Person{URI: a, DisplayName: a.User(), Group: a == "sip:all@example.test", Email: a.Bare()}
		},
		Expander: func(_ context.Context, who portal.Address, email string) ([]portal.Person, error) {
			asked++
			if who != alice || email != "Sales@example.test" && email != "all@example.test" {
				return nil, fmt.Errorf("asked for %s of %s", email, who)
			}
			return []portal.Person{{URI: "sip:zoe@example.test", DisplayName: "Zoe"}, {URI: bob, DisplayName: "B."}, {URI: bob},
				{Email: "carol@example.test", DisplayName: "Carol"}, {DisplayName: "Nobody"}}, fail
		}})
	_, err := s.Expand(ctx, alice, sales)
	wantReason(t, err, portal.ErrNotFound, "contacts.not-distribution")
	must(t, s.Put(ctx, alice, portal.Contact{URI: bob}))
	_, err = s.Expand(ctx, alice, bob)
	wantReason(t, err, portal.ErrNotFound, "contacts.not-distribution")
	_, err = s.AddDistributionGroup(ctx, alice, "Sales@example.test", "Sales")
	must(t, err)
	for range 2 {
		people, err := s.Expand(ctx, alice, sales)
		must(t, err)
		var names []string
		for _, p := range people {
			names = append(names, p.DisplayName+" "+p.URI.User())
		}
		if want := []string{"Bob Builder bob", "Carol carol", "Zoe zoe"}; !slices.Equal(names, want) {
			t.Errorf("members %v, want %v", names, want)
		}
	}
	if asked != 1 {
		t.Errorf("the server was asked %d times", asked)
	}
	now = now.Add(5 * time.Minute)
	fail = portal.Fail(portal.ErrUnavailable, "calendar.none")
	if _, err := s.Expand(ctx, alice, sales); !errors.Is(err, portal.ErrUnavailable) || asked != 2 {
		t.Errorf("later: %v, asked %d times", err, asked)
	}
	fail = nil
	if people, err := s.Expand(ctx, alice, "sip:all@example.test"); err != nil || len(people) != 3 {
		t.Errorf("of the address book: %v, %v", people, err)
	}
	_, err = w.Expand(ctx, alice, sales)
	wantReason(t, err, portal.ErrUnavailable, "contacts.no-expansion")
}

// What is remembered of distribution groups is bounded.
func TestExpansionsAreForgotten(t *testing.T) {
	w := open(t, 0)
	asked := map[string]int{}
	now := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	s := w.over(contacts.Options{Now: func() time.Time { now = now.Add(time.Millisecond); return now },
		Lookup: func(_ context.Context, a portal.Address) portal.Person {
			return portal.Person{URI: a, Email: a.Bare(), Group: true}
		},
		Expander: func(_ context.Context, _ portal.Address, email string) ([]portal.Person, error) {
			asked[email]++
			return nil, nil
		}})
	for i := range 300 {
		if _, err := s.Expand(t.Context(), alice, portal.Address(fmt.Sprintf("sip:g%d@example.test", i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{0, 299} {
		if _, err := s.Expand(t.Context(), alice, portal.Address(fmt.Sprintf("sip:g%d@example.test", i))); err != nil {
			t.Fatal(err)
		}
	}
	if asked["g0@example.test"] != 2 || asked["g299@example.test"] != 1 {
		t.Errorf("the first was asked for %d times, the last %d", asked["g0@example.test"], asked["g299@example.test"])
	}
}

func TestContactsOfTheMailbox(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	box := &folder{people: []portal.Person{
		{DisplayName: "Zoe", Email: "zoe@other.test"}, {URI: bob, DisplayName: "Bob"}, {URI: alice}, {DisplayName: "Without"},
		{URI: carol, DisplayName: "Carol\x00\nC"}, {Email: "bare@other.test"}}}
	s := w.over(contacts.Options{Outlook: box, Limit: 3, Lookup: func(_ context.Context, a portal.Address) portal.Person {
		return portal.Person{URI: a, DisplayName: "Dan of the book", Title: "Baker"}
	}})
	people, err := s.Outlook(ctx, alice)
	must(t, err)
	var uris []portal.Address
	for _, p := range people {
		uris = append(uris, p.URI)
	}
	if want := []portal.Address{"sip:bare@other.test", bob, carol, "sip:zoe@other.test"}; !slices.Equal(uris, want) {
		t.Errorf("%v, want %v", uris, want)
	}
	_, err = s.ImportAllFromOutlook(ctx, alice)
	wantReason(t, err, portal.ErrConflict, "contacts.full")
	if list, err := s.List(ctx, alice); err != nil || len(list) != 0 {
		t.Errorf("where not all fit, some were taken: %v, %v", list, err)
	}
	roomy, erin := w.over(contacts.Options{Outlook: box, Limit: 5}), portal.Address("sip:erin@example.test")
	must(t, roomy.Put(ctx, erin, portal.Contact{URI: bob, Nickname: "Bobby"}))
	for _, want := range []int{4, 0} { // alice is in the folder too; twice is as good as once
		if n, err := roomy.ImportAllFromOutlook(ctx, erin); err != nil || n != want {
			t.Errorf("%d were taken, want %d: %v", n, want, err)
		}
	}
	if c, err := roomy.Contact(ctx, erin, bob); err != nil || c.Nickname != "Bobby" {
		t.Errorf("who was there is %+v, %v", c, err)
	}
	must(t, s.ImportFromOutlook(ctx, alice, []portal.Address{bob, carol, bob}))
	must(t, s.ImportFromOutlook(ctx, alice, []portal.Address{bob}))
	if c, err := s.Contact(ctx, alice, carol); err != nil || c.DisplayName != "Carol  C" || c.Relationship != portal.Company {
		t.Errorf("%+v, %v", c, err)
	}
	wantReason(t, s.ImportFromOutlook(ctx, alice, []portal.Address{"sip:bare@other.test", "sip:zoe@other.test"}), portal.ErrConflict, "contacts.full")
	wantReason(t, s.ImportFromOutlook(ctx, alice, []portal.Address{"sip:gone@other.test"}), portal.ErrNotFound, "contacts.not-in-outlook")
	if list, err := s.List(ctx, alice); err != nil || len(list) != 2 {
		t.Errorf("list %v, %v", list, err)
	}
	wantReason(t, s.SaveToOutlook(ctx, alice, bob), portal.ErrConflict, "contacts.in-outlook")
	wantReason(t, s.SaveToOutlook(ctx, alice, "sip:dan@example.test"), portal.ErrNotFound, "contacts.not-found")
	must(t, s.Put(ctx, alice, portal.Contact{URI: "sip:dan@example.test", Nickname: "Danny"}))
	must(t, s.SaveToOutlook(ctx, alice, "sip:dan@example.test"))
	if len(box.saved) != 1 || box.saved[0].DisplayName != "Dan of the book" || box.saved[0].Title != "Baker" || box.saved[0].Email != "dan@example.test" {
		t.Errorf("saved %+v", box.saved)
	}
	box.err = portal.Fail(portal.ErrUnavailable, "calendar.none")
	_, all := s.ImportAllFromOutlook(ctx, alice)
	for name, err := range map[string]error{"import": s.ImportFromOutlook(ctx, alice, nil), "import all": all, "save": s.SaveToOutlook(ctx, alice, bob)} {
		if !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = w.Outlook(ctx, alice)
	wantReason(t, err, portal.ErrUnavailable, "contacts.no-outlook")
}
