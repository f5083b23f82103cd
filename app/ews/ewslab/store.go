package ewslab

// The database: one file or memory, one writer, transactions that collect what they changed.

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// store is the database. With a file, readers have connections of their own; in memory all share one.
type store struct {
	write *sql.DB
	read  *sql.DB
	now   func() time.Time

	mu  sync.Mutex // held by the writer from begin to the announcement of its changes
	mod int64      // number of the latest committed write
}

func tables() []string {
	return append([]string{
		`CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,
		`INSERT OR IGNORE INTO meta VALUES('mod', 0)`,
		`CREATE TABLE IF NOT EXISTS mailboxes(id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL UNIQUE)`,
		`CREATE TABLE IF NOT EXISTS folders(id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, parent INTEGER NOT NULL, dist TEXT NOT NULL,
			class TEXT NOT NULL, name TEXT NOT NULL, created_mod INTEGER NOT NULL, mod INTEGER NOT NULL, props BLOB NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS folders_parent ON folders(mailbox, parent)`,
		`CREATE UNIQUE INDEX IF NOT EXISTS folders_dist ON folders(mailbox, dist) WHERE dist <> ''`,
		`CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL, elem TEXT NOT NULL,
			class TEXT NOT NULL, uid TEXT NOT NULL, start_at INTEGER NOT NULL, end_at INTEGER NOT NULL, recurring INTEGER NOT NULL, master INTEGER NOT NULL,
			original INTEGER NOT NULL, is_read INTEGER NOT NULL, is_draft INTEGER NOT NULL, received INTEGER NOT NULL, size INTEGER NOT NULL, created INTEGER NOT NULL,
			modified INTEGER NOT NULL, modified_by TEXT NOT NULL, created_mod INTEGER NOT NULL, mod INTEGER NOT NULL, read_mod INTEGER NOT NULL, props BLOB NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS items_window ON items(folder, master, recurring, start_at, end_at)`,
		`CREATE INDEX IF NOT EXISTS items_created ON items(folder, created_mod)`,
		`CREATE INDEX IF NOT EXISTS items_changed ON items(folder, mod)`,
		`CREATE INDEX IF NOT EXISTS items_read ON items(folder, read_mod)`,
		`CREATE INDEX IF NOT EXISTS items_unread ON items(folder, is_read, master)`,
		`CREATE INDEX IF NOT EXISTS items_uid ON items(mailbox, uid)`,
		`CREATE INDEX IF NOT EXISTS items_master ON items(master, original)`,
		`CREATE TABLE IF NOT EXISTS gaps(master INTEGER NOT NULL, original INTEGER NOT NULL, PRIMARY KEY(master, original)) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS gone(mod INTEGER NOT NULL, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL, item INTEGER NOT NULL, created_mod INTEGER NOT NULL,
			PRIMARY KEY(folder, mod, item)) WITHOUT ROWID`, // folder 0: a folder of the mailbox has gone
		`CREATE TABLE IF NOT EXISTS attachments(id INTEGER PRIMARY KEY AUTOINCREMENT, item INTEGER NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL,
			size INTEGER NOT NULL, props BLOB NOT NULL, content BLOB)`,
		`CREATE INDEX IF NOT EXISTS attachments_item ON attachments(item)`,
		`CREATE TABLE IF NOT EXISTS rights(folder INTEGER NOT NULL, email TEXT NOT NULL, level TEXT NOT NULL, private INTEGER NOT NULL, props BLOB NOT NULL,
			PRIMARY KEY(folder, email)) WITHOUT ROWID`,
	}, serviceTables()...)
}

const pragmas = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)&_pragma=synchronous(1)&_time_format=sqlite"

// openStore opens or creates the database.
func openStore(path string, now func() time.Time) (*store, error) {
	dsn := "file::memory:?" + pragmas
	if path != "" {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite gives the log beside it the same mode
		if err != nil {
			return nil, fmt.Errorf("ewslab: store: %w", err)
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("ewslab: store: %w", err)
		}
		dsn = "file:" + path + "?_pragma=journal_mode(wal)&_txlock=immediate&" + pragmas
	}
	w, err := openDatabase(dsn)
	if err != nil {
		return nil, fmt.Errorf("ewslab: store: %w", err)
	}
	w.SetMaxOpenConns(1)
	w.SetConnMaxLifetime(0)
	s := &store{write: w, read: w, now: now}
	for _, q := range tables() {
		if _, err := w.Exec(q); err != nil {
			return nil, errors.Join(fmt.Errorf("ewslab: store: %w", err), s.close())
		}
	}
	if err := w.QueryRow(`SELECT value FROM meta WHERE key = 'mod'`).Scan(&s.mod); err != nil {
		return nil, errors.Join(fmt.Errorf("ewslab: store: %w", err), s.close())
	}
	if path != "" {
		if s.read, err = openDatabase("file:" + path + "?_pragma=query_only(1)&" + pragmas); err != nil {
			return nil, errors.Join(fmt.Errorf("ewslab: store: %w", err), w.Close())
		}
		s.read.SetMaxOpenConns(4)
	}
	return s, nil
}

func (s *store) close() error {
	if s.read != s.write && s.read != nil {
		return errors.Join(s.read.Close(), s.write.Close())
	}
	return s.write.Close()
}

// changeKind says what happened to an item or a folder.
type changeKind int

const (
	created changeKind = iota
	modified
	deleted
	moved
	copied
	newMail
)

// change is one thing that a transaction did. Occurrences are reported as their master.
type change struct {
	Kind      changeKind
	Mailbox   int64
	Item      int64 // 0: a folder changed
	Folder    int64 // the folder, or where the item is
	Parent    int64 // of a folder that changed
	OldItem   int64 // moved, copied: what it was before, where
	OldFolder int64
	OldParent int64
	Mod       int64 // number of the write; all changes of a transaction share it
	At        time.Time
	ReadFlag  bool // modified: nothing but the read flag changed
	Calendar  bool // an appointment: free/busy may have changed
	Unread    *int // a folder that got new mail: how many items are unread in it
}

// tx is a transaction. Queries must be read to their end before the next one: there is one connection.
type tx struct {
	*sql.Tx
	mod     int64 // number of this write; for readers of the latest one
	now     time.Time
	changes []change
}

// note records a change for those who are told after the commit.
func (x *tx) note(c change) {
	c.Mod, c.At = x.mod, x.now
	x.changes = append(x.changes, c)
}

// view runs f in a reading transaction. A transaction is short and is not cut off when the caller goes away: the driver would throw
// the connection away, and with it a database in memory.
func (s *store) view(ctx context.Context, f func(*tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := s.read.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() {
		if back := t.Rollback(); err == nil && back != nil {
			err = back
		}
	}()
	x := &tx{Tx: t, now: s.now()}
	if err := t.QueryRow(`SELECT value FROM meta WHERE key = 'mod'`).Scan(&x.mod); err != nil {
		return err
	}
	return f(x)
}

// update runs f in a writing transaction and hands its changes to each hook after the commit, still in order.
func (s *store) update(ctx context.Context, f func(*tx) error, hooks []func([]change)) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := s.write.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() { // also when f panics: the one connection must come free
		if back := t.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, back)
		}
	}()
	x := &tx{Tx: t, now: s.now(), mod: s.mod + 1}
	if err := f(x); err != nil {
		return err
	}
	if _, err := t.Exec(`UPDATE meta SET value = ? WHERE key = 'mod'`, x.mod); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return err
	}
	s.mod = x.mod
	if len(x.changes) > 0 {
		for _, h := range hooks {
			h(x.changes)
		}
	}
	return nil
}

func (s *Server) view(ctx context.Context, f func(*tx) error) error { return s.store.view(ctx, f) }

func (s *Server) update(ctx context.Context, f func(*tx) error) error {
	return s.store.update(ctx, f, s.hooks)
}
