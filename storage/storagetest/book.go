package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// BookStore is what the directory asks of storage.
type BookStore interface {
	Book(ctx context.Context, source string) ([]portal.Person, time.Time, error)
	SaveBook(ctx context.Context, source string, people []portal.Person, at time.Time) error
}

// bookOf is n people, each with a mark.
func bookOf(n int, mark string) []portal.Person {
	list := make([]portal.Person, n)
	for i := range list {
		list[i] = portal.Person{URI: portal.Address(fmt.Sprintf("sip:person%d@example.test", i)), DisplayName: fmt.Sprint("Person ", i), Title: mark}
	}
	return list
}

// wantBook wants a source's copy to be this.
func wantBook(t *testing.T, s Store, source string, people []portal.Person, at time.Time) {
	t.Helper()
	got, read, err := s.Book(deadline(t), source)
	must(t, err)
	if !read.Equal(at) || len(got) != len(people) || len(got) > 0 && !reflect.DeepEqual(got, people) {
		t.Errorf("the book of %s has %d people as of %v, want %d as of %v", source, len(got), read, len(people), at)
	}
}

func testBooks(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	wantBook(t, s, "gal", nil, time.Time{})
	full := []portal.Person{{URI: alice, DisplayName: "Älice <b>", Email: "a@example.test", Title: "T", Department: "D", Office: "O", Phones: []string{"+1"},
		Manager: bob, Photo: "/p", Robot: true, Company: "C", TimeZone: "Europe/Berlin", Numbers: []portal.Number{{Kind: "work", Number: "+1"}}, Sources: []string{"x", "y"}},
		{URI: "sip:all@example.test", Group: true}, {Email: "without@an.address"}, {}, {}}
	must(t, s.SaveBook(ctx, "gal", full, noon()))
	wantBook(t, s, "gal", full, noon())
	wantBook(t, s, "other", nil, time.Time{})
	must(t, s.SaveBook(ctx, "other", bookOf(3, "x"), noon().Add(time.Hour)))
	must(t, s.SaveBook(ctx, "gal", full, noon().Add(time.Minute))) // the same people, read later
	wantBook(t, s, "gal", full, noon().Add(time.Minute))
	must(t, s.SaveBook(ctx, "gal", nil, noon().Add(2*time.Minute))) // there is a copy, of nobody
	wantBook(t, s, "gal", nil, noon().Add(2*time.Minute))
	wantBook(t, s, "other", bookOf(3, "x"), noon().Add(time.Hour))
	wantMeaning(t, s.SaveBook(ctx, "", full, noon()), portal.ErrInvalid)
	wantMeaning(t, s.SaveBook(ctx, "gal", full, time.Time{}), portal.ErrInvalid)
}

// testBookSizes: books of all sizes, and ones in which people come, go and change.
func testBookSizes(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	g := rand.New(rand.NewPCG(1, 9))
	for i, n := range []int{1, 127, 2000, 2000, 0, 513, 5000} {
		list := bookOf(n, fmt.Sprint(i/3))
		at := noon().Add(time.Duration(i) * time.Second)
		must(t, s.SaveBook(ctx, "gal", list, at))
		wantBook(t, s, "gal", list, at)
	}
	list := bookOf(5000, "2")
	for i := range 12 {
		switch at := g.IntN(len(list)); i % 4 {
		case 0:
			list = slices.Insert(list, at, portal.Person{URI: portal.Address(fmt.Sprintf("sip:new%d@example.test", i))})
		case 1:
			list = slices.Delete(list, at, at+1)
		case 2:
			list[at].Title = "changed"
		case 3: // the same people twice over, some chunks alike
			list = append(list, list[:len(list)/8]...)
		}
		at := noon().Add(time.Duration(i) * time.Minute)
		must(t, s.SaveBook(ctx, "gal", list, at))
		wantBook(t, s, "gal", list, at)
	}
}

// testBookGivenUp: who gives up leaves the old copy, and nothing in the way of the next.
func testBookGivenUp(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	old := bookOf(3000, "old")
	must(t, s.SaveBook(deadline(t), "gal", old, noon()))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	wantMeaning(t, s.SaveBook(ended, "gal", bookOf(3000, "new"), noon().Add(time.Hour)), portal.ErrUnavailable)
	wantBook(t, s, "gal", old, noon())
	_, _, err := s.Book(ended, "gal")
	wantMeaning(t, err, portal.ErrUnavailable)
	must(t, s.SaveBook(deadline(t), "gal", bookOf(3000, "new"), noon().Add(time.Hour)))
	wantBook(t, s, "gal", bookOf(3000, "new"), noon().Add(time.Hour))
}

// testBookAtOnce: whoever reads while books are saved by several sees a whole one.
func testBookAtOnce(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	must(t, s.SaveBook(ctx, "gal", bookOf(1000, "0"), noon()))
	var saving sync.WaitGroup
	for w := range 3 {
		saving.Go(func() {
			for i := range 4 {
				mark := 1 + 4*w + i
				if err := s.SaveBook(ctx, "gal", bookOf(1000+mark, fmt.Sprint(mark)), noon().Add(time.Duration(mark))); err != nil {
					t.Errorf("save %d: %v", mark, err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() {
		saving.Wait()
		close(over)
	}()
	for reading := true; reading; {
		select {
		case <-over:
			reading = false
		default:
		}
		people, at, err := s.Book(ctx, "gal")
		must(t, err)
		mark := int(at.Sub(noon()))
		if !reflect.DeepEqual(people, bookOf(1000+mark, fmt.Sprint(mark))) {
			t.Fatalf("the book as of %v has %d people, want those of mark %d", at, len(people), mark)
		}
	}
}
