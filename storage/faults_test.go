package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// running opens a store in a folder of the test's own and runs it until the test ends.
func running(t testing.TB, o storage.Options) (s *storage.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "portico.db")
	o.DSN = "sqlite:" + path
	s, err := storage.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	<-s.Started()
	return s, path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err, meaning error, key string) {
	t.Helper()
	if portal.Meaning(err) != meaning || portal.Reason(err) != key {
		t.Errorf("error %v (%s), want meaning %v and key %s", err, portal.Reason(err), meaning, key)
	}
}

// TestDiskFull: a full disk refuses the write in words, loses nothing that was there, shows in Ready,
// and everything goes on when there is room again.
func TestDiskFull(t *testing.T) {
	var told int
	s, _ := running(t, storage.Options{Sink: func(evs []portal.Logged) { told += len(evs) }})
	ctx := t.Context()
	m := message("before")
	_, _, err := s.AddMessage(ctx, m, event(m))
	must(t, err)
	pages, err := storage.Ask(ctx, s, "PRAGMA page_count")
	must(t, err)
	_, err = storage.Ask(ctx, s, "PRAGMA max_page_count = "+pages)
	must(t, err)
	big := message("big")
	big.Text = strings.Repeat("x", 1<<20)
	for range 3 {
		_, created, err := s.AddMessage(ctx, big, event(big))
		wantReason(t, err, portal.ErrUnavailable, "storage.full")
		var e *portal.Error
		if created || !errors.As(err, &e) || e.RetryAfter <= 0 || e.Cause == nil {
			t.Errorf("created %v, error %#v", created, e)
		}
	}
	if _, err := s.Message(ctx, alice, bob, "before"); err != nil {
		t.Errorf("what was there before: %v", err)
	}
	if _, err := storage.Ask(ctx, s, "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	_, created, err := s.AddMessage(ctx, big, event(big))
	if err != nil || !created {
		t.Errorf("with room again: created %v, %v", created, err)
	}
	must(t, s.Ready(ctx))
	if told != 2 {
		t.Errorf("the sink was told %d events, want 2", told)
	}
}

// TestAnotherProgramHoldsTheLock: busy is said as such, shows in Ready, and passes.
func TestAnotherProgramHoldsTheLock(t *testing.T) {
	s, path := running(t, storage.Options{BusyTimeout: 30 * time.Millisecond})
	ctx := t.Context()
	must(t, s.SaveNote(ctx, alice, portal.PersonalNote{Text: "one"}))
	other, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)") // the upkeep writes too
	must(t, err)
	defer other.Close()
	conn, err := other.Conn(ctx)
	must(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	must(t, err)
	wantReason(t, s.SaveNote(ctx, alice, portal.PersonalNote{Text: "two"}), portal.ErrUnavailable, "storage.busy")
	wantReason(t, s.Ready(ctx), portal.ErrUnavailable, "storage.busy")
	if note, err := s.Note(ctx, alice); err != nil || note.Text != "one" {
		t.Errorf("reading beside it: %q, %v", note, err)
	}
	_, err = conn.ExecContext(ctx, "ROLLBACK")
	must(t, err)
	must(t, s.Ready(ctx))
	must(t, s.SaveNote(ctx, alice, portal.PersonalNote{Text: "three"}))
}

func TestPanicOfOneWriteIsItsOwn(t *testing.T) {
	s, _ := running(t, storage.Options{})
	err := storage.Panic(t.Context(), s)
	if err == nil || portal.Meaning(err) != nil || !strings.Contains(err.Error(), "on purpose") {
		t.Errorf("panic gave %v, want an internal error that tells it", err)
	}
	must(t, s.SaveNote(t.Context(), alice, portal.PersonalNote{Text: "after"}))
}

// TestWaitingForAPlace: with the queue full callers wait, are refused when their context ends, and
// what they took back is never done.
func TestWaitingForAPlace(t *testing.T) {
	s, _ := running(t, storage.Options{Queue: 1, UpkeepEvery: time.Hour})
	begun, release := make(chan struct{}), make(chan struct{})
	held := make(chan error, 1)
	go func() { held <- storage.Hold(context.Background(), s, begun, release) }()
	<-begun
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	const callers = 5
	refused := make(chan error, callers)
	for i := range callers {
		go func() {
			refused <- s.SaveNote(short, portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), portal.PersonalNote{Text: "behind the back"})
		}()
	}
	for range callers {
		wantReason(t, <-refused, portal.ErrUnavailable, "storage.unavailable")
	}
	close(release)
	must(t, <-held)
	must(t, s.SaveNote(t.Context(), alice, portal.PersonalNote{Text: "next"}))
	for i := range callers {
		if note, err := s.Note(t.Context(), portal.Address(fmt.Sprintf("sip:p%d@example.test", i))); err != nil || note.Text != "" {
			t.Errorf("caller %d gave up, but its note is %q, %v", i, note, err)
		}
	}
}

// TestBegunIsFinished: a caller whose context ends while its write runs still gets the true answer.
func TestBegunIsFinished(t *testing.T) {
	s, _ := running(t, storage.Options{})
	begun, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- storage.Hold(ctx, s, begun, release) }()
	<-begun
	cancel()
	close(release)
	must(t, <-result)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	open := func() (*storage.Store, error) {
		return storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path})
	}
	for range 2 { // the second finds the schema there
		s, err := open()
		must(t, err)
		must(t, s.Close())
	}
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	must(t, errors.Join(err, db.Close()))
	before := read(t, path)
	_, err = open()
	wantReason(t, err, portal.ErrConflict, "storage.newer-schema")
	if err == nil || !strings.Contains(err.Error(), "9999") {
		t.Errorf("the error does not name the version: %v", err)
	}
	if string(read(t, path)) != string(before) {
		t.Error("the newer database was changed")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	write(t, junk, []byte(strings.Repeat("this is no database. ", 100)))
	file := filepath.Join(dir, "file")
	write(t, file, nil)
	for dsn, meaning := range map[string]error{
		"":                             portal.ErrInvalid,
		"portico.db":                   portal.ErrInvalid,
		"postgres://localhost/portico": portal.ErrInvalid,
		"sqlite:":                      portal.ErrInvalid,
		"sqlite::memory:":              portal.ErrInvalid,
		"sqlite:" + junk:               portal.ErrUnavailable,
		"sqlite:" + dir:                portal.ErrUnavailable,
		"sqlite:" + file + "/x/y.db":   portal.ErrUnavailable,
	} {
		s, err := storage.Open(t.Context(), storage.Options{DSN: dsn})
		if s != nil || portal.Meaning(err) != meaning {
			t.Errorf("%q: %v, %v; want %v", dsn, s, err, meaning)
		}
	}
}

// TestConnections: what is promised of the engine's settings is in force.
func TestConnections(t *testing.T) {
	s, path := running(t, storage.Options{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		if got, err := storage.Ask(t.Context(), s, "PRAGMA "+pragma); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", pragma, got, err, want)
		}
	}
	if err := storage.ReadOnly(s); err == nil {
		t.Error("a reading connection can write")
	}
	if runtime.GOOS == "windows" {
		return // no such modes
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		must(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o: others can read the archive", filepath.Base(name), mode)
		}
	}
}

// TestUnreadableEvent: an entry that this program does not know is no silent gap.
func TestUnreadableEvent(t *testing.T) {
	s, _ := running(t, storage.Options{})
	ctx := t.Context()
	for _, id := range []string{"1", "2", "3"} {
		m := message(id)
		_, _, err := s.AddMessage(ctx, m, event(m))
		must(t, err)
	}
	must(t, storage.Exec(ctx, s, "UPDATE events SET name = 'of tomorrow' WHERE seq = 2"))
	if evs, resync, err := s.EventsSince(ctx, alice, 0, 10); err != nil || !resync || len(evs) != 0 {
		t.Errorf("over the unknown: %v, resync %v, %v", evs, resync, err)
	}
	if evs, resync, err := s.EventsSince(ctx, alice, 2, 10); err != nil || resync || len(evs) != 1 {
		t.Errorf("behind it: %v, resync %v, %v", evs, resync, err)
	}
}

// TestMeaningsOfDriverErrors reads real errors of the driver, made by doing the thing.
func TestMeaningsOfDriverErrors(t *testing.T) {
	s, _ := running(t, storage.Options{})
	ctx := t.Context()
	for _, e := range []struct {
		query   string
		meaning error
		key     string
	}{
		{"INSERT INTO lines (person, sealed, saved_at) VALUES ('a', x'00', 1), ('a', x'00', 1)", portal.ErrConflict, "storage.conflict"},
		{"INSERT INTO lines (person, sealed, saved_at) VALUES (NULL, x'00', 1)", portal.ErrInvalid, "storage.invalid"},
		{"INSERT INTO event_audience (person, seq) VALUES ('a', 4711)", portal.ErrInvalid, "storage.invalid"},
		{"INSERT INTO no_such_table VALUES (1)", nil, "internal"},
	} {
		wantReason(t, storage.Exec(ctx, s, e.query), e.meaning, e.key)
	}
	for err, key := range map[error]string{
		context.Canceled: "storage.unavailable", context.DeadlineExceeded: "storage.unavailable", sql.ErrConnDone: "storage.unavailable",
	} {
		wantReason(t, storage.Meaning(s, fmt.Errorf("wrapped: %w", err)), portal.ErrUnavailable, key)
	}
	own := portal.Fail(portal.ErrForbidden, "own")
	if got := storage.Meaning(s, own); got != own {
		t.Errorf("an error that has a meaning became %v", got)
	}
	if storage.Meaning(s, nil) != nil {
		t.Error("no error became one")
	}
	if err := errors.New("odd"); !errors.Is(storage.Meaning(s, err), err) || portal.Meaning(storage.Meaning(s, err)) != nil {
		t.Error("an unknown error is not internal")
	}
}

// TestALookAtTheDatabaseChangesNoSchema: portico check may be of a newer version than the portal that runs.
func TestALookAtTheDatabaseChangesNoSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	open := func(keep bool) *storage.Store {
		s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path, KeepSchema: keep})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	tables := func() (n int) {
		db, err := sql.Open("sqlite", "file:"+path)
		must(t, err)
		must(t, db.QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE name = 'messages'").Scan(&n))
		must(t, db.Close())
		return n
	}
	for _, c := range []struct {
		keep bool
		want int
	}{{true, 0}, {false, 1}, {true, 1}} {
		s := open(c.keep)
		must(t, s.Close())
		if got := tables(); got != c.want {
			t.Errorf("keep %v: %d message tables, want %d", c.keep, got, c.want)
		}
	}
}
