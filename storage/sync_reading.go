package storage

import (
	"context"
	"slices"
	"strings"

	"portico/app/portal"
)

// How far the sources of the synchronisation have been read.

const (
	keyNothing   = "not-found"
	keyStaleSync = "conflict"
)

const selectCursors = `SELECT source, state, loaded, generation, sweeping, read_at, held FROM sync_cursors `

func scanCursor(scan scanFunc) (c portal.SyncCursor, err error) {
	var (
		loaded, sweeping, held int
		read                   int64
	)
	err = scan(&c.Source, &c.State, &loaded, &c.Generation, &sweeping, &read, &held)
	c.Loaded, c.Sweeping, c.Held, c.ReadAt = loaded != 0, sweeping != 0, held != 0, instant(read)
	return c, err
}

// SyncCursor is how far a source has been read; the zero state where it never was.
func (s *Store) SyncCursor(ctx context.Context, source string) (portal.SyncCursor, error) {
	c := portal.SyncCursor{Source: source}
	err := s.all(ctx, "sync cursor", selectCursors+`WHERE source = ?`, []any{source}, func(scan scanFunc) (err error) {
		c, err = scanCursor(scan)
		return err
	})
	return c, err
}

// SyncCursors gives how far every source has been read that ever was, by source.
func (s *Store) SyncCursors(ctx context.Context) ([]portal.SyncCursor, error) {
	var list []portal.SyncCursor
	err := s.all(ctx, "sync cursors", selectCursors+`WHERE +known = 1 AND source > '' ORDER BY source`, nil, func(scan scanFunc) error {
		c, err := scanCursor(scan)
		list = append(list, c)
		return err
	})
	return list, err
}

// SaveSyncIntake stores one step of reading a source, whole or not at all.
func (s *Store) SaveSyncIntake(ctx context.Context, in portal.SyncIntake) error {
	c := in.Cursor
	if c.Source == "" {
		return invalid("an intake needs a source")
	}
	payloads, err := encodeItems(in.Items)
	if err != nil {
		return err
	}
	return s.write(ctx, "save sync intake", func(t *txn) error {
		if err := t.exec(`INSERT INTO sync_cursors (source, known, state, loaded, generation, sweeping, read_at, held) VALUES (?, 1, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (source) DO UPDATE SET known = 1, state = excluded.state, loaded = excluded.loaded, generation = excluded.generation,
			sweeping = excluded.sweeping, read_at = excluded.read_at, held = excluded.held`,
			c.Source, c.State, flag(c.Loaded), c.Generation, flag(c.Sweeping), stamp(c.ReadAt), flag(c.Held)); err != nil {
			return err
		}
		if err := t.putItems(in.Items, payloads); err != nil {
			return err
		}
		return t.addJobs(in.Jobs)
	})
}

// DropSyncMailbox forgets a mailbox's cursor and copies; pairs and CRM records stay. The copies are gone for every reader at once and
// swept away after that, in small writes.
func (s *Store) DropSyncMailbox(ctx context.Context, mailbox portal.Address) error {
	var id int64
	err := s.write(ctx, "drop sync mailbox", func(t *txn) error {
		found, err := t.one(`DELETE FROM sync_cursors WHERE source = ? RETURNING id`, []any{string(mailbox)}, &id)
		if err != nil || !found {
			return err
		}
		return t.exec(`INSERT INTO sync_dropped (mailbox) VALUES (?)`, id)
	})
	if err != nil || id == 0 {
		return err
	}
	return s.sweepMailbox(ctx, id)
}

// sweepMailbox takes the copies of a forgotten mailbox away.
func (s *Store) sweepMailbox(ctx context.Context, id int64) error {
	return s.repeat(ctx, "sweep sync mailbox", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM sync_items WHERE mailbox = ? AND remote_id IN (SELECT remote_id FROM sync_items WHERE mailbox = ? LIMIT ?)`, id, id, slice)
		if err != nil || n == slice {
			return n == slice, err
		}
		return false, t.exec(`DELETE FROM sync_dropped WHERE mailbox = ?`, id)
	})
}

// sweepMailboxes finishes what a stop interrupted.
func (s *Store) sweepMailboxes(ctx context.Context) error {
	for {
		var id int64
		found, err := s.one(ctx, "sync mailboxes to sweep", `SELECT mailbox FROM sync_dropped WHERE mailbox > 0 ORDER BY mailbox LIMIT 1`, nil, &id)
		if err != nil || !found {
			return err
		}
		if err := s.sweepMailbox(ctx, id); err != nil {
			return err
		}
	}
}

// SyncBlob is a document by its name with its revision; ErrNotFound.
func (s *Store) SyncBlob(ctx context.Context, name string) (data []byte, revision int64, err error) {
	found, err := s.one(ctx, "sync blob", `SELECT data, revision FROM sync_blobs WHERE name = ?`, []any{name}, &data, &revision)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return data, revision, err
}

// SaveSyncBlob keeps a document: revision is the one that it was read with (0: none yet), a stale one is ErrConflict. It is kept
// with the revision above.
func (s *Store) SaveSyncBlob(ctx context.Context, name string, data []byte, revision int64) error {
	if name == "" {
		return invalid("a document needs a name")
	}
	data = append([]byte{}, data...)
	return s.write(ctx, "save sync blob", func(t *txn) error {
		query, args := `INSERT INTO sync_blobs (data, name, revision) VALUES (?, ?, ? + 1) ON CONFLICT (name) DO NOTHING`, []any{data, name, revision}
		if revision != 0 {
			query = `UPDATE sync_blobs SET data = ?, revision = revision + 1 WHERE name = ? AND revision = ?`
		}
		n, err := t.affect(query, args...)
		if err == nil && n == 0 {
			err = portal.Fail(portal.ErrConflict, keyStaleSync)
		}
		return err
	})
}

// searchable is texts as the search in the queue and the log compares them; a line between them so that none runs into the next.
func searchable(texts ...string) string { return strings.ToLower(strings.Join(texts, "\n")) }

// wild are the characters that mean something in a pattern.
var wild = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// containing is the pattern of what contains a text in the form of searchable; empty for none.
func containing(text string) string {
	if text == "" {
		return ""
	}
	return "%" + wild.Replace(searchable(text)) + "%"
}

// sourceOrder sorts copies by mailbox and server's id.
func sourceOrder(list []portal.SyncItem) {
	slices.SortFunc(list, func(a, b portal.SyncItem) int {
		if c := strings.Compare(string(a.Mailbox), string(b.Mailbox)); c != 0 {
			return c
		}
		return strings.Compare(a.Entry.RemoteID, b.Entry.RemoteID)
	})
}
