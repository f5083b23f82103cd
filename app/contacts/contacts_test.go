package contacts_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/contacts"
	"portico/app/directory"
	"portico/app/portal"
	"portico/storage"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
)

// world is a contact list over a real database and a real address book, and what Changed was told.
type world struct {
	*contacts.Service
	store *storage.Store
	stop  func()
	mu    sync.Mutex
	told  map[portal.Address][][]portal.Address
}

func open(t *testing.T, limit int) *world {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "portico.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	w := &world{store: store, told: map[portal.Address][][]portal.Address{}}
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		w.stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	book := directory.New([]directory.Source{directory.Static("test", []portal.Person{
		{URI: bob, DisplayName: "Bob Builder"}, {URI: carol, DisplayName: "Carol Ångström"}})}, directory.Options{})
	if err := book.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Service = contacts.New(store, contacts.Options{Limit: limit, Lookup: book.Lookup,
		Now: func() time.Time { return time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC) },
		Changed: func(owner portal.Address, people []portal.Address) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told[owner] = append(w.told[owner], people)
		}})
	return w
}

// last is what Changed was told last of alice.
func (w *world) last() []portal.Address {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.told[alice]); n > 0 {
		return w.told[alice][n-1]
	}
	return nil
}

func (w *world) changes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.told[alice])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err, meaning error, key string) {
	t.Helper()
	if portal.Meaning(err) != meaning || portal.Reason(err) != key {
		t.Errorf("error %v, want %v with key %s", err, meaning, key)
	}
}

// A change that says nothing of the group leaves it; one that says there is none takes it away.
func TestAmendLeavesTheGroup(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Group: "Team"}))
	must(t, w.Amend(ctx, alice, portal.Contact{URI: bob, Relationship: portal.Personal}))
	if c, err := w.Contact(ctx, alice, bob); err != nil || c.Group != "Team" || c.Relationship != portal.Personal {
		t.Errorf("amended: %+v, %v", c, err)
	}
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob}))
	if c, err := w.Contact(ctx, alice, bob); err != nil || c.Group != "" {
		t.Errorf("without a group: %+v, %v", c, err)
	}
}

func TestPutAndList(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Group: "  Team  "}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: carol, Relationship: portal.Personal, DisplayName: "Caro"}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: "sip:new.one@example.test", Group: "team"}))
	list, err := w.List(ctx, alice)
	must(t, err)
	at := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	want := []portal.Contact{
		{URI: carol, DisplayName: "Caro", Relationship: portal.Personal, AddedAt: at},
		{URI: bob, DisplayName: "Bob Builder", Group: "Team", Groups: []string{"Team"}, Relationship: portal.Company, AddedAt: at},
		{URI: "sip:new.one@example.test", DisplayName: "New One", Group: "team", Groups: []string{"team"}, Relationship: portal.Company, AddedAt: at},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("list %+v, want %+v", list, want)
	}
	// What a change does not say stays; the group is always said, empty takes it out of its group.
	must(t, w.Put(ctx, alice, portal.Contact{URI: carol, Group: "Friends"}))
	c, err := w.Contact(ctx, alice, carol)
	must(t, err)
	if c.Relationship != portal.Personal || c.DisplayName != "Caro" || c.Group != "Friends" || !c.AddedAt.Equal(at) {
		t.Errorf("changed contact %+v", c)
	}
	if got := w.last(); !slices.Contains(got, bob) || len(got) != 3 {
		t.Errorf("Changed was told %v", got)
	}
	if n := w.changes(); n != 3 {
		t.Errorf("Changed was told %d times, want 3: changing an entry changes nobody watched", n)
	}
	_, err = w.Contact(ctx, alice, "sip:none@example.test")
	wantReason(t, err, portal.ErrNotFound, "contacts.not-found")
}

func TestEventsOfEveryChange(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob, Group: "Team"}))
	must(t, w.Remove(ctx, alice, bob))
	wantReason(t, w.Remove(ctx, alice, bob), portal.ErrNotFound, "contacts.not-found")
	evs, resync, err := w.store.EventsSince(ctx, alice, 0, 0)
	if err != nil || resync {
		t.Fatal(resync, err)
	}
	var got []string
	for _, e := range evs {
		ev, ok := e.Event.(portal.ContactsEvent)
		if !ok || ev.ID != bob {
			t.Errorf("event %+v", e)
		}
		got = append(got, string(ev.ID)+" "+string(ev.Change))
	}
	// A group that came to be is told of by the contact in it.
	if want := []string{bob.String() + " created", bob.String() + " updated", bob.String() + " deleted"}; !slices.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
	if got := w.last(); len(got) != 0 {
		t.Errorf("after the removal Changed was told %v", got)
	}
}

func TestWhatCannotBeAContact(t *testing.T) {
	w := open(t, 0)
	for _, e := range []struct {
		c   portal.Contact
		key string
	}{
		{portal.Contact{URI: alice}, "contacts.self"},
		{portal.Contact{URI: ""}, "address.form"},
		{portal.Contact{URI: "bob"}, "address.form"},
		{portal.Contact{URI: "tel:+49301234"}, "address.scheme"},
		{portal.Contact{URI: bob, Relationship: "enemy"}, "contacts.relationship"},
		{portal.Contact{URI: bob, Group: strings.Repeat("ö", contacts.MaxGroupLen+1)}, "contacts.group"},
		{portal.Contact{URI: bob, Group: "two\nlines"}, "contacts.group"},
		{portal.Contact{URI: bob, Group: "\xff"}, "contacts.group"},
		{portal.Contact{URI: bob, DisplayName: strings.Repeat("x", 129)}, "contacts.name"},
	} {
		wantReason(t, w.Put(t.Context(), alice, e.c), portal.ErrInvalid, e.key)
	}
	if list, err := w.List(t.Context(), alice); err != nil || len(list) != 0 || w.changes() != 0 {
		t.Errorf("list %v, %v; Changed told %d times", list, err, w.changes())
	}
	must(t, w.Put(t.Context(), alice, portal.Contact{URI: bob, Group: strings.Repeat("ö", contacts.MaxGroupLen)}))
	must(t, w.Put(t.Context(), alice, portal.Contact{URI: "Carol@EXAMPLE.test"}))
	if got := w.last(); !slices.Contains(got, "sip:Carol@example.test") {
		t.Errorf("the address is not in canonical form: %v", got)
	}
}

// TestLimitHoldsUnderContention: many at once do not get past the limit, and the last word that
// Changed hears is the list as it is.
func TestLimitHoldsUnderContention(t *testing.T) {
	const limit = 20
	w := open(t, limit)
	var everybody sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for i := range 3 * limit {
		everybody.Go(func() {
			err := w.Put(context.Background(), alice, portal.Contact{URI: portal.Address(fmt.Sprintf("sip:p%d@example.test", i))})
			if err != nil {
				wantReason(t, err, portal.ErrConflict, "contacts.full")
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	everybody.Wait()
	list, err := w.List(t.Context(), alice)
	must(t, err)
	if len(list) != limit || refused != 2*limit {
		t.Errorf("%d contacts, %d refused", len(list), refused)
	}
	var people []portal.Address
	for _, c := range list {
		people = append(people, c.URI)
	}
	last := w.last()
	slices.Sort(people)
	slices.Sort(last)
	if !slices.Equal(people, last) {
		t.Errorf("the list is %v, Changed was told %v last", people, last)
	}
	must(t, w.Put(t.Context(), alice, portal.Contact{URI: list[0].URI, Group: "changing one is no adding"}))
}

func TestGroups(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: "sip:b@x.test", Group: "Work"}))
	must(t, w.Put(ctx, alice, portal.Contact{URI: "sip:c@x.test", Groups: []string{"Friends", "Work"}}))
	groups, err := w.Groups(ctx, alice)
	must(t, err)
	if want := []portal.ContactGroup{{Name: "Work", Rank: 1}, {Name: "Friends", Rank: 2}}; !slices.Equal(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
	if groups, err := w.Groups(ctx, bob); err != nil || len(groups) != 0 {
		t.Errorf("bob's groups %v, %v", groups, err)
	}
}

func TestSeedHappensOnce(t *testing.T) {
	w := open(t, 2)
	ctx := t.Context()
	seed := []portal.Contact{{URI: alice}, {URI: bob, Group: "Team"}, {URI: bob}, {URI: "nonsense"}, {URI: carol, Relationship: portal.Team}, {URI: "sip:d@x.test"}}
	must(t, w.Seed(ctx, alice, seed))
	list, err := w.List(ctx, alice)
	must(t, err)
	if len(list) != 2 || !slices.Equal(w.last(), []portal.Address{carol, bob}) {
		t.Errorf("seeded %+v, Changed was told %v", list, w.last())
	}
	must(t, w.Remove(ctx, alice, bob))
	must(t, w.Seed(ctx, alice, seed))
	if list, err := w.List(ctx, alice); err != nil || len(list) != 1 {
		t.Errorf("a removed contact came back: %v, %v", list, err)
	}
}

func TestSignedInTellsTheWholeSet(t *testing.T) {
	w := open(t, 0)
	must(t, w.SignedIn(t.Context(), alice))
	if w.changes() != 1 || len(w.last()) != 0 {
		t.Errorf("without contacts: told %d times, last %v", w.changes(), w.last())
	}
	must(t, w.Put(t.Context(), alice, portal.Contact{URI: bob}))
	must(t, w.SignedIn(t.Context(), alice))
	if w.changes() != 3 || !slices.Equal(w.last(), []portal.Address{bob}) {
		t.Errorf("told %d times, last %v", w.changes(), w.last())
	}
}

// TestStorageAway: nothing is told that is not on disk.
func TestStorageAway(t *testing.T) {
	w := open(t, 0)
	ctx := t.Context()
	must(t, w.Put(ctx, alice, portal.Contact{URI: bob}))
	w.stop()
	before := w.changes()
	for name, err := range map[string]error{
		"put": w.Put(ctx, alice, portal.Contact{URI: carol}), "remove": w.Remove(ctx, alice, bob), "seed": w.Seed(ctx, bob, nil),
	} {
		if !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.changes() != before {
		t.Error("Changed was told of what did not happen")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for name, call := range map[string]func() error{
		"list":   func() error { _, err := w.List(ended, alice); return err },
		"groups": func() error { _, err := w.Groups(ended, alice); return err },
		"one":    func() error { _, err := w.Contact(ended, alice, bob); return err },
		"signed": func() error { return w.SignedIn(ended, alice) },
	} {
		if err := call(); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("%s after its context ended: %v", name, err)
		}
	}
}

// TestWaitingForOnesTurn: while a change of a list is held up, another of the same list waits, and is
// refused when its context ends.
func TestWaitingForOnesTurn(t *testing.T) {
	w := open(t, 0)
	held, release := make(chan struct{}), make(chan struct{})
	service := contacts.New(w.store, contacts.Options{Changed: func(portal.Address, []portal.Address) {
		close(held)
		<-release
	}})
	first := make(chan error, 1)
	go func() { first <- service.Put(context.Background(), alice, portal.Contact{URI: bob}) }()
	<-held
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantReason(t, service.Put(short, alice, portal.Contact{URI: carol}), portal.ErrUnavailable, "contacts.busy")
	close(release)
	must(t, <-first)
}
