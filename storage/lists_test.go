package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
	"portico/storage/migrations"

	"github.com/pressly/goose/v3"
)

// older makes a database as the program of an older schema left it, after the statements given.
func older(t *testing.T, version int64, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "portico.db")
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	folder, err := fs.Sub(migrations.SQLite, "sqlite")
	must(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, folder, goose.WithDisableGlobalRegistry(true))
	must(t, err)
	_, err = p.UpTo(t.Context(), version)
	must(t, err)
	for _, q := range statements {
		_, err := db.Exec(q)
		must(t, err)
	}
	must(t, db.Close())
	return path
}

// TestListsOfBefore: what a program that knew one group for a contact has left is as it was.
func TestListsOfBefore(t *testing.T) {
	path := older(t, 14,
		`INSERT INTO contacts (owner, uri, display_name, group_name, relationship, added_at) VALUES
			('sip:alice@example.test', 'sip:bob@example.test', 'Bob', 'Work', 'team', 7),
			('sip:alice@example.test', 'sip:carol@example.test', '', 'Friends', 'blocked', 8),
			('sip:alice@example.test', 'sip:dave@example.test', '', 'Work', 'company', 9),
			('sip:bob@example.test', 'sip:alice@example.test', '', '', 'company', 9)`,
		`INSERT INTO presence_note (person, note) VALUES ('sip:alice@example.test', 'lunch')`,
		`INSERT INTO presence_manual (person, availability, activity, note, until, set_at) VALUES ('sip:alice@example.test', 'busy', '', NULL, 0, 5)`,
		`INSERT INTO settings (person, locale, time_zone, theme, sound, notifications) VALUES ('sip:alice@example.test', 'de', '', '', 1, 0)`)
	ctx := t.Context()
	s, err := storage.Open(ctx, storage.Options{DSN: "sqlite:" + path})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	list, err := s.Contacts(ctx, alice)
	want := []portal.Contact{
		{URI: carol, Group: "Friends", Groups: []string{"Friends"}, Relationship: portal.Blocked, AddedAt: time.Unix(0, 8).UTC()},
		{URI: "sip:dave@example.test", Group: "Work", Groups: []string{"Work"}, Relationship: portal.Company, AddedAt: time.Unix(0, 9).UTC()},
		{URI: bob, DisplayName: "Bob", Group: "Work", Groups: []string{"Work"}, Relationship: portal.Team, AddedAt: time.Unix(0, 7).UTC()},
	}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("contacts %+v, %v", list, err)
	}
	groups, err := s.ContactGroups(ctx, alice)
	if err != nil || !slices.Equal(groups, []portal.ContactGroup{{Name: "Friends"}, {Name: "Work"}}) {
		t.Errorf("groups %+v, %v", groups, err)
	}
	if groups, err := s.ContactGroups(ctx, bob); err != nil || len(groups) != 0 {
		t.Errorf("bob's groups %+v, %v", groups, err)
	}
	if note, err := s.Note(ctx, alice); err != nil || note != (portal.PersonalNote{Text: "lunch"}) {
		t.Errorf("note %+v, %v", note, err)
	}
	if m, found, err := s.Manual(ctx, alice); err != nil || !found || m.Availability != portal.Busy || !m.NoteUntil.IsZero() {
		t.Errorf("by hand %+v, %v, %v", m, found, err)
	}
	if c, found, err := s.Settings(ctx, alice); err != nil || !found || !reflect.DeepEqual(c, portal.Settings{Locale: "de", Sound: true}) {
		t.Errorf("settings %+v, %v, %v", c, found, err)
	}
}

// bookRows is how many copies, parts and chunks of books there are.
func bookRows(t *testing.T, s *storage.Store) string {
	t.Helper()
	rows, err := storage.Ask(t.Context(), s, `SELECT (SELECT COUNT(*) FROM book_copies) || ' copies, ' || (SELECT COUNT(*) FROM book_parts) || ' parts, '
		|| (SELECT COUNT(*) FROM book_chunks) || ' chunks'`)
	must(t, err)
	return rows
}

// lastChunk is the number of the newest chunk that was ever written and is still there.
func lastChunk(t *testing.T, s *storage.Store) string {
	t.Helper()
	num, err := storage.Ask(t.Context(), s, `SELECT MAX(num) FROM book_chunks`)
	must(t, err)
	return num
}

// TestBookWritesWhatChanged: nothing is left of old copies, and what did not change is not written again.
func TestBookWritesWhatChanged(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	ctx := t.Context()
	list := killBook(1)
	must(t, s.SaveBook(ctx, "gal", list, time.Unix(1, 0)))
	first, newest := bookRows(t, s), lastChunk(t, s)
	must(t, s.SaveBook(ctx, "gal", list, time.Unix(2, 0)))
	if rows, last := bookRows(t, s), lastChunk(t, s); rows != first || last != newest {
		t.Errorf("the same book again: %s, the newest chunk %s; want %s and %s", rows, last, first, newest)
	}
	list = slices.Insert(list, 10, portal.Person{URI: "sip:new@example.test"})
	must(t, s.SaveBook(ctx, "gal", list, time.Unix(3, 0)))
	n, err := storage.Ask(ctx, s, fmt.Sprintf("SELECT COUNT(*) FROM book_chunks WHERE num > %s", newest))
	if err != nil || n > "2" || len(n) != 1 { // the chunk they are in, or the two it became
		t.Errorf("one person more wrote %s chunks, %v", n, err)
	}
	must(t, s.SaveBook(ctx, "gal", killBook(4), time.Unix(4, 0)))
	if rows := bookRows(t, s); rows != first {
		t.Errorf("all people changed: %s, want %s", rows, first)
	}
	must(t, s.SaveBook(ctx, "gal", nil, time.Unix(5, 0)))
	if rows := bookRows(t, s); rows != "1 copies, 0 parts, 0 chunks" {
		t.Errorf("a book of nobody: %s", rows)
	}
}

// TestBookLeftHalf: what a save left that ended early is taken away by the next, of whatever source.
func TestBookLeftHalf(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	ctx := t.Context()
	must(t, s.SaveBook(ctx, "gal", killBook(1), time.Unix(1, 0)))
	whole := bookRows(t, s)
	for _, q := range []string{
		`INSERT INTO book_copies (source, at, people, whole) VALUES ('gal', 5, 1, 0)`,
		`INSERT INTO book_chunks (num, source, hash, data) VALUES (100000, 'gal', 'x', x'5b5d')`,
		`INSERT INTO book_parts (copy, pos, chunk) SELECT MAX(num), 0, 100000 FROM book_copies`,
		`INSERT INTO book_parts (copy, pos, chunk) SELECT (SELECT MAX(num) FROM book_copies), 1, MIN(num) FROM book_chunks`, // shared with the whole one
	} {
		must(t, storage.Exec(ctx, s, q))
	}
	if people, at, err := s.Book(ctx, "gal"); err != nil || len(people) != bookSize || at.Unix() != 1 {
		t.Errorf("beside half a copy: %d people as of %v, %v", len(people), at, err)
	}
	must(t, s.SaveBook(ctx, "other", nil, time.Unix(1, 0)))
	must(t, storage.Exec(ctx, s, `DELETE FROM book_copies WHERE source = 'other'`))
	if rows := bookRows(t, s); rows != whole {
		t.Errorf("%s are left, want %s", rows, whole)
	}
	if people, _, err := s.Book(ctx, "gal"); err != nil || len(people) != bookSize {
		t.Errorf("after the sweep: %d people, %v", len(people), err)
	}
}

// TestBookDamaged: a chunk that cannot be read is an error, not a book with a gap.
func TestBookDamaged(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	ctx := t.Context()
	must(t, s.SaveBook(ctx, "gal", killBook(1), time.Unix(1, 0)))
	must(t, storage.Exec(ctx, s, `UPDATE book_chunks SET data = x'5b7b' WHERE num = (SELECT MAX(num) FROM book_chunks)`))
	if people, at, err := s.Book(ctx, "gal"); err == nil || people != nil || !at.IsZero() {
		t.Errorf("%d people as of %v, %v", len(people), at, err)
	}
	must(t, s.SaveBook(ctx, "gal", killBook(2), time.Unix(2, 0)))
	if people, _, err := s.Book(ctx, "gal"); err != nil || len(people) != bookSize {
		t.Errorf("saved again: %d people, %v", len(people), err)
	}
}

// TestBookDiskFull: a book for which there is no room leaves the old one and says so in words.
func TestBookDiskFull(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	ctx := t.Context()
	must(t, s.SaveBook(ctx, "gal", killBook(1), time.Unix(1, 0)))
	pages, err := storage.Ask(ctx, s, "PRAGMA page_count")
	must(t, err)
	_, err = storage.Ask(ctx, s, "PRAGMA max_page_count = "+pages)
	must(t, err)
	wantReason(t, s.SaveBook(ctx, "gal", killBook(2), time.Unix(2, 0)), portal.ErrUnavailable, "storage.full")
	if people, at, err := s.Book(ctx, "gal"); err != nil || len(people) != bookSize || at.Unix() != 1 {
		t.Errorf("%d people as of %v, %v", len(people), at, err)
	}
	_, err = storage.Ask(ctx, s, "PRAGMA max_page_count = 1000000")
	must(t, err)
	must(t, s.SaveBook(ctx, "gal", killBook(2), time.Unix(2, 0)))
	if people, at, err := s.Book(ctx, "gal"); err != nil || len(people) != bookSize || at.Unix() != 2 {
		t.Errorf("with room again: %d people as of %v, %v", len(people), at, err)
	}
}

// TestBookWaitsItsTurn: a second save waits for the first, and no longer than its context.
func TestBookWaitsItsTurn(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	begun, release := make(chan struct{}), make(chan struct{})
	held := make(chan error, 1)
	go func() { held <- storage.Hold(context.Background(), s, begun, release) }()
	<-begun
	first := make(chan error, 1)
	go func() { first <- s.SaveBook(context.Background(), "gal", killBook(1), time.Unix(1, 0)) }()
	short, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	wantReason(t, s.SaveBook(short, "gal", killBook(2), time.Unix(2, 0)), portal.ErrUnavailable, "storage.unavailable")
	close(release)
	must(t, errors.Join(<-held, <-first))
	if people, at, err := s.Book(t.Context(), "gal"); err != nil || len(people) != bookSize || at.Unix() != 1 {
		t.Errorf("%d people as of %v, %v", len(people), at, err)
	}
}

// FuzzContactGroups: whatever names the groups of a contact have, they come back in their order, each once, or are refused.
func FuzzContactGroups(f *testing.F) {
	for _, seed := range []string{"", "Work", "Work|Friends", "Work|Work||Ünlü", " |\t|\r", "a\nb", "\x00|\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Split(text, "|")
		got, err := storage.Groups(names)
		if several := strings.Contains(text, "\n"); several || err != nil {
			if !several || portal.Meaning(err) != portal.ErrInvalid {
				t.Errorf("groups %q: %v", names, err)
			}
			return
		}
		var want []string
		for _, name := range names {
			if name != "" && !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("groups %q came back as %q", names, got)
		}
	})
}

// FuzzBookChunks: a book that is cut is the book, and a person more changes the chunk they are in alone.
func FuzzBookChunks(f *testing.F) {
	f.Add(uint16(0), uint16(0), uint64(1))
	f.Add(uint16(1), uint16(0), uint64(2))
	f.Add(uint16(3000), uint16(1234), uint64(3))
	f.Add(uint16(storage.ChunkMost+1), uint16(storage.ChunkMost), uint64(4))
	f.Fuzz(func(t *testing.T, n, at uint16, seed uint64) {
		g := rand.New(rand.NewPCG(seed, 1))
		list := make([]portal.Person, n)
		for i := range list {
			list[i].URI = portal.Address(fmt.Sprintf("sip:%d@example.test", g.Uint64()))
		}
		before := storage.Chunks(list)
		if all := slices.Concat(before...); len(all) != len(list) || len(all) > 0 && !reflect.DeepEqual(all, list) {
			t.Fatalf("%d people were cut into %d", len(list), len(all))
		}
		known := map[portal.Address]int{} // chunks by their first person
		for _, c := range before {
			if len(c) == 0 || len(c) > storage.ChunkMost {
				t.Fatalf("a chunk of %d", len(c))
			}
			known[c[0].URI] = len(c)
		}
		list = slices.Insert(list, int(at)%(len(list)+1), portal.Person{URI: "sip:new@example.test"})
		fresh, run := 0, 0
		for _, c := range storage.Chunks(list) {
			if known[c[0].URI] == len(c) && !slices.ContainsFunc(c, func(p portal.Person) bool { return p.URI == "sip:new@example.test" }) {
				run = 0
				continue
			}
			run++
			fresh = max(fresh, run)
		}
		longest := 0 // chunks of the greatest length in a row: a cut that was forced moves with what is before it
		for i, c := range before {
			if len(c) == storage.ChunkMost && (i == 0 || len(before[i-1]) == storage.ChunkMost) {
				longest++
			}
		}
		if fresh > 3+longest {
			t.Errorf("one person more made %d chunks anew", fresh)
		}
	})
}
