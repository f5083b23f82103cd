package storage_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The figures of contact lists, incidents and address books: go test -run '^$' -bench 'Contacts|Recents|Book|Incidents' ./storage.

// BenchmarkContacts reads and changes a list of 1,000 entries in 20 groups.
func BenchmarkContacts(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	ctx := context.Background()
	var all portal.ContactsChange
	for i := range 1000 {
		all.Put = append(all.Put, portal.Contact{URI: portal.Address(fmt.Sprintf("sip:c%d@example.test", i)), DisplayName: fmt.Sprint("Contact ", i), Nickname: "nick",
			Groups: []string{fmt.Sprint("group ", i%20), fmt.Sprint("group ", (i+7)%20)}, Relationship: portal.Team, Favourite: i%10 == 0, Tagged: i%50 == 0})
	}
	begun := time.Now()
	must(b, s.ChangeContacts(ctx, alice, all))
	b.Logf("1,000 contacts put in one change in %v", time.Since(begun).Round(time.Millisecond))
	b.Run("list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if list, err := s.Contacts(ctx, alice); err != nil || len(list) != 1000 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			must(b, s.ChangeContacts(ctx, alice, all))
		}
	})
	b.Run("rename a group", func(b *testing.B) {
		names := []string{"group 0", "another"} // of a hundred contacts
		for i := 0; b.Loop(); i++ {
			must(b, s.ChangeContacts(ctx, alice, portal.ContactsChange{Rename: map[string]string{names[i%2]: names[(i+1)%2]}}))
		}
	})
	b.Run("privacy", func(b *testing.B) {
		for b.Loop() {
			if _, ties, err := s.Privacy(ctx, alice); err != nil || len(ties) != 1000 {
				b.Fatal(len(ties), err)
			}
		}
	})
}

// BenchmarkRecents reads the newest 50 people of somebody who has four tenths of all messages, and of somebody with 50 conversations.
func BenchmarkRecents(b *testing.B) {
	const n = 100_000
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	ctx := context.Background()
	must(b, storage.FillArchive(ctx, s, n))
	many := storage.FillOwner(0)
	for _, who := range []portal.Address{storage.FillLong, many} {
		for i := range 500 {
			must(b, s.PutCall(ctx, portal.Call{Owner: who, ID: strconv.Itoa(i), Kind: portal.MissedCall, From: portal.Address(fmt.Sprintf("sip:caller%d@example.test", i%40)), At: time.Unix(int64(i), 0)}))
		}
	}
	for name, who := range map[string]portal.Address{"one long": storage.FillLong, "many": many} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if list, err := s.Recents(ctx, who, 50); err != nil || len(list) < 41 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

// galBook is n people with all that an address book says of them.
func galBook(n int) []portal.Person {
	list := make([]portal.Person, n)
	for i := range list {
		list[i] = portal.Person{URI: portal.Address(fmt.Sprintf("sip:first%d.last%d@example.test", i%900, i)), DisplayName: fmt.Sprintf("First%d Last%d", i%900, i),
			Email: fmt.Sprintf("first%d.last%d@example.test", i%900, i), Title: "Senior Consultant", Department: fmt.Sprint("Department ", i%40), Office: fmt.Sprint("Building 3, room ", i%500),
			Phones: []string{fmt.Sprintf("+49 30 555 %06d", i)}, Numbers: []portal.Number{{Kind: "work", Number: fmt.Sprintf("+49 30 555 %06d", i)}},
			Manager: portal.Address(fmt.Sprintf("sip:boss%d@example.test", i/20)), Company: "Example", Sources: []string{"gal"}}
	}
	return list
}

// BenchmarkBook saves and reads an address book of 100,000 people; another writer's longest wait meanwhile is reported.
func BenchmarkBook(b *testing.B) {
	const n = 100_000
	path := filepath.Join(b.TempDir(), "portico.db")
	s, err := storage.Open(b.Context(), storage.Options{DSN: "sqlite:" + path, UpkeepEvery: time.Hour})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		must(b, <-done)
		must(b, s.Close())
	}()
	list := galBook(n)
	for _, c := range []struct {
		name   string
		change func(i int)
	}{
		{"all new", func(i int) {
			for k := range list {
				list[k].Title = strconv.Itoa(i)
			}
		}},
		{"as it was", func(int) {}},
		{"a hundred changed", func(i int) {
			for k := range 100 {
				list[k*997].Title = strconv.Itoa(-i)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			stop := make(chan struct{})
			var (
				other sync.WaitGroup
				worst time.Duration
			)
			other.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					begun := time.Now()
					if err := s.SaveNote(ctx, alice, portal.PersonalNote{Text: strconv.Itoa(i)}); err != nil {
						b.Error(err)
						return
					}
					worst = max(worst, time.Since(begun))
				}
			})
			for i := 0; b.Loop(); i++ {
				c.change(i)
				must(b, s.SaveBook(ctx, "gal", list, time.Unix(int64(i)+1, 0)))
			}
			close(stop)
			other.Wait()
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst-wait")
		})
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if people, _, err := s.Book(ctx, "gal"); err != nil || len(people) != n {
				b.Fatal(len(people), err)
			}
		}
	})
	size, err := os.Stat(path)
	must(b, err)
	b.Logf("%d people: %d bytes each on disk", n, size.Size()/n)
}

// BenchmarkIncidents adds lines and looks for what is to go among those of 10,000 people with 50 each.
func BenchmarkIncidents(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	ctx := context.Background()
	must(b, storage.Exec(ctx, s, `INSERT INTO incidents (person, at, part, good, cause, detail, remote, times)
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 500000)
		SELECT 'sip:p' || (i % 10000) || '@example.test', 1000 + i, 'sip', 0, 'c' || i, 'detail', '', 1 FROM n`))
	b.Run("add", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			must(b, s.AddIncident(ctx, portal.Incident{Who: portal.Address(fmt.Sprintf("sip:p%d@example.test", i%10000)), Part: portal.PartSIP, Cause: "x"}))
		}
	})
	b.Run("nothing to drop", func(b *testing.B) {
		for b.Loop() {
			must(b, s.DropIncidents(ctx, time.Unix(0, 0), 500))
		}
	})
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			if list, err := s.Incidents(ctx, "sip:p77@example.test", 0, 50); err != nil || len(list) < 50 {
				b.Fatal(len(list), err)
			}
		}
	})
}
