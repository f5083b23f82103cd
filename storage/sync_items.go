package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/app/portal"
)

// The copies of appointments in the mailboxes, as they were last read.

func encodeItem(e portal.Entry) (string, error) {
	data, err := json.Marshal(entryForm{Entry: e, HTML: e.BodyHTML, ExceptionHTML: exceptionHTML(e.Exceptions)})
	if err != nil {
		return "", fmt.Errorf("encode a copy: %w", err)
	}
	return string(data), nil
}

func decodeItem(payload []byte) (portal.Entry, error) {
	var f entryForm
	if err := json.Unmarshal(payload, &f); err != nil {
		return portal.Entry{}, fmt.Errorf("decode a copy: %w", err)
	}
	f.BodyHTML = f.HTML
	putExceptionHTML(f.Exceptions, f.ExceptionHTML)
	return f.Entry, nil
}

// encodeItems gives the payloads of copies; it is done before the writer is asked, which has one goroutine for everybody.
func encodeItems(items []portal.SyncItem) ([]string, error) {
	payloads := make([]string, len(items))
	for i := range items {
		payload, err := encodeItem(items[i].Entry)
		if err != nil {
			return nil, err
		}
		payloads[i] = payload
	}
	return payloads, nil
}

// mailboxOf finds the row of a mailbox, making it where it was never read.
func (t *txn) mailboxOf(mailbox portal.Address) (id, generation int64, err error) {
	found, err := t.one(`SELECT id, generation FROM sync_cursors WHERE source = ?`, []any{string(mailbox)}, &id, &generation)
	if err != nil || found {
		return id, generation, err
	}
	_, err = t.one(`INSERT INTO sync_cursors (source, known, state, loaded, generation, sweeping, read_at, held) VALUES (?, 0, '', 0, 0, 0, 0, 0) RETURNING id`,
		[]any{string(mailbox)}, &id)
	return id, 0, err
}

// putItems stores copies, each in place of that of its mailbox and RemoteID. One without a generation is of the mailbox's present one.
func (t *txn) putItems(items []portal.SyncItem, payloads []string) error {
	var (
		last           portal.Address
		id, generation int64
	)
	for i := range items {
		it := &items[i]
		if it.Mailbox == "" || it.Entry.RemoteID == "" {
			return invalid("a copy needs a mailbox and the server's id")
		}
		if it.Mailbox != last {
			var err error
			if id, generation, err = t.mailboxOf(it.Mailbox); err != nil {
				return err
			}
			last = it.Mailbox
		}
		e, of := &it.Entry, generation
		if it.Generation != 0 {
			of = it.Generation
		}
		if err := t.exec(`INSERT INTO sync_items (mailbox, remote_id, uid, generation, starts_at, ends_at, all_day, gone_at, read_at, payload)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mailbox, remote_id) DO UPDATE SET uid = excluded.uid, generation = excluded.generation,
			starts_at = excluded.starts_at, ends_at = excluded.ends_at, all_day = excluded.all_day, gone_at = excluded.gone_at,
			read_at = excluded.read_at, payload = excluded.payload`,
			id, e.RemoteID, e.UID, of, stamp(e.Start), stamp(e.End), flag(e.AllDay), stamp(it.Gone), stamp(it.ReadAt), payloads[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) dropItems(items []portal.SyncItem) error {
	for i := range items {
		if err := t.exec(`DELETE FROM sync_items WHERE mailbox = (SELECT id FROM sync_cursors WHERE source = ?) AND remote_id = ?`,
			string(items[i].Mailbox), items[i].Entry.RemoteID); err != nil {
			return err
		}
	}
	return nil
}

const selectItems = `SELECT c.source, i.generation, i.gone_at, i.read_at, i.payload FROM `

// items reads the copies of a query of selectItems.
func (s *Store) items(ctx context.Context, what, query string, args ...any) ([]portal.SyncItem, error) {
	var list []portal.SyncItem
	err := s.all(ctx, what, query, args, func(scan scanFunc) error {
		var (
			it         portal.SyncItem
			gone, read int64
			payload    []byte
		)
		err := scan(&it.Mailbox, &it.Generation, &gone, &read, &payload)
		if err != nil {
			return err
		}
		it.Gone, it.ReadAt = instant(gone), instant(read)
		it.Entry, err = decodeItem(payload)
		list = append(list, it)
		return err
	})
	return list, err
}

// SyncItemsByUID gives every copy of a UID, those that are gone included, by mailbox.
func (s *Store) SyncItemsByUID(ctx context.Context, uid string) ([]portal.SyncItem, error) {
	list, err := s.items(ctx, "sync items by uid", selectItems+`sync_items i JOIN sync_cursors c ON c.id = i.mailbox WHERE i.uid = ? AND i.uid <> ''`, uid)
	sourceOrder(list)
	return list, err
}

// SyncItem gives one copy; ErrNotFound.
func (s *Store) SyncItem(ctx context.Context, mailbox portal.Address, remoteID string) (portal.SyncItem, error) {
	list, err := s.items(ctx, "sync item", selectItems+`sync_cursors c JOIN sync_items i ON i.mailbox = c.id WHERE c.source = ? AND i.remote_id = ?`,
		string(mailbox), remoteID)
	if err != nil {
		return portal.SyncItem{}, err
	}
	if len(list) == 0 {
		return portal.SyncItem{}, portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return list[0], nil
}

// SyncItemsOlder gives up to limit copies of a mailbox that are not gone and of a generation before the given one.
func (s *Store) SyncItemsOlder(ctx context.Context, mailbox portal.Address, generation int64, limit int) ([]portal.SyncItem, error) {
	return s.items(ctx, "sync items older", selectItems+`sync_cursors c JOIN sync_items i ON i.mailbox = c.id
		WHERE c.source = ? AND i.generation < ? AND i.gone_at = 0 LIMIT ?`, string(mailbox), generation, limit)
}

// SyncItemsAlike gives the copies of a mailbox with these times that are not gone, by RemoteID.
func (s *Store) SyncItemsAlike(ctx context.Context, mailbox portal.Address, start, end time.Time, allDay bool) ([]portal.SyncItem, error) {
	list, err := s.items(ctx, "sync items alike", selectItems+`sync_cursors c JOIN sync_items i ON i.mailbox = c.id
		WHERE c.source = ? AND i.starts_at = ? AND i.ends_at = ? AND i.all_day = ? AND i.gone_at = 0`,
		string(mailbox), stamp(start), stamp(end), flag(allDay))
	sourceOrder(list)
	return list, err
}

// CountSyncAppointments counts the appointments of which any mailbox has a copy, by their UIDs.
func (s *Store) CountSyncAppointments(ctx context.Context) (int, error) {
	var n int
	_, err := s.one(ctx, "count sync appointments", `SELECT COUNT(DISTINCT uid) FROM sync_items WHERE uid <> ''`, nil, &n)
	return n, err
}

// CountSyncItems counts the copies of a mailbox that are not gone.
func (s *Store) CountSyncItems(ctx context.Context, mailbox portal.Address) (int, error) {
	var n int
	_, err := s.one(ctx, "count sync items", `SELECT COUNT(*) FROM sync_items
		WHERE mailbox = (SELECT id FROM sync_cursors WHERE source = ?) AND gone_at = 0`, []any{string(mailbox)}, &n)
	return n, err
}
