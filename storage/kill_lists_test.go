package storage_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The same promise for contact lists and address books: a change of a list is there whole or not at all, and of a book there is one copy,
// the one that was saved last or the one before.

// listTag begins the tags of children that change a contact list and save a book, again and again.
const listTag = "list"

const listSize, bookSize = 20, 4000

// killList is the n-th form of alice's list: everybody's name and group say which.
func killList(n int) portal.ContactsChange {
	c := portal.ContactsChange{Rename: map[string]string{fmt.Sprint("g", n-1): fmt.Sprint("g", n)}}
	for i := range listSize {
		c.Put = append(c.Put, portal.Contact{URI: portal.Address(fmt.Sprintf("sip:c%d@example.test", i)), DisplayName: fmt.Sprint("n", n),
			Group: fmt.Sprint("g", n), Relationship: portal.Team})
	}
	return c
}

// killBook is the n-th form of a book.
func killBook(n int) []portal.Person {
	list := make([]portal.Person, bookSize)
	for i := range list {
		list[i] = portal.Person{URI: portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), DisplayName: fmt.Sprint("n", n), Department: "a department of some length, so that it takes several writes"}
	}
	return list
}

func listChild(s *storage.Store, say func(string, ...any)) {
	ctx := context.Background()
	list, err := s.Contacts(ctx, alice)
	if err != nil {
		say("error %v", err)
		return
	}
	_, at, err := s.Book(ctx, "gal")
	if err != nil {
		say("error %v", err)
		return
	}
	var crew sync.WaitGroup
	crew.Go(func() {
		for n := listForm(list) + 1; ; n++ {
			if err := s.ChangeContacts(ctx, alice, killList(n)); err != nil {
				say("error %v", err)
				return
			}
			say("ack %d list-%d", n, n)
		}
	})
	crew.Go(func() {
		for n := bookForm(at) + 1; ; n++ {
			if err := s.SaveBook(ctx, "gal", killBook(n), time.Unix(int64(n), 0)); err != nil {
				say("error %v", err)
				return
			}
			say("ack %d book-%d", n, n)
		}
	})
	crew.Wait()
}

// listForm is which form a list has by its first entry, 0 for none.
func listForm(list []portal.Contact) (n int) {
	if len(list) > 0 {
		if _, err := fmt.Sscanf(list[0].DisplayName, "n%d", &n); err != nil {
			return -1
		}
	}
	return n
}

func bookForm(at time.Time) int {
	if at.IsZero() {
		return 0
	}
	return int(at.Unix())
}

func TestListsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	for round, enough := range []int{1, 60, 31} {
		acks, _ := burst(t, path, fmt.Sprint(listTag, round), enough)
		var list, book int
		for id, n := range acks {
			if id == fmt.Sprint("list-", n) {
				list = max(list, int(n))
			} else {
				book = max(book, int(n))
			}
		}
		listsAfterKill(t, path, list, book)
	}
}

// listsAfterKill wants what is there after a reopening to be whole, and no older than what was acknowledged.
func listsAfterKill(t *testing.T, path string, ackedList, ackedBook int) {
	t.Helper()
	ctx := t.Context()
	s, err := storage.Open(ctx, storage.Options{DSN: "sqlite:" + path})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, storage.Sound(s))
	list, err := s.Contacts(ctx, alice)
	must(t, err)
	form := listForm(list)
	if form < ackedList || form > 0 && len(list) != listSize {
		t.Errorf("%d contacts of form %d, %d was acknowledged", len(list), form, ackedList)
	}
	for _, c := range list {
		if c.DisplayName != fmt.Sprint("n", form) || c.Group != fmt.Sprint("g", form) {
			t.Fatalf("%+v among those of form %d", c, form)
		}
	}
	groups, err := s.ContactGroups(ctx, alice)
	if err != nil || form > 0 && (len(groups) != 1 || groups[0].Name != fmt.Sprint("g", form)) {
		t.Errorf("groups %+v of form %d, %v", groups, form, err)
	}
	people, at, err := s.Book(ctx, "gal")
	must(t, err)
	bform := bookForm(at)
	if bform < ackedBook || bform > 0 && len(people) != bookSize {
		t.Errorf("a book of %d people of form %d, %d was acknowledged", len(people), bform, ackedBook)
	}
	for _, p := range people {
		if p.DisplayName != fmt.Sprint("n", bform) {
			t.Fatalf("%+v in the book of form %d", p, bform)
		}
	}
}
