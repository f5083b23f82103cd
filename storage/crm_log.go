package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"portico/app/portal"
)

// What CRM keeps beside its records: the log of changes, the answers to writes with an idempotency key, the bytes of files.

const (
	// keyAge is how long the answer to a write with an idempotency key is known.
	keyAge = 7 * 24 * time.Hour
	// fileAge is how long bytes stay that no record has: a record that is being made will have them soon.
	fileAge = 7 * 24 * time.Hour
)

// noteCRM writes a line of the change log.
func (t *txn) noteCRM(kind, id string, change portal.Change, by string, revision int64) error {
	return t.exec(`INSERT INTO crm_changes (kind, record, change, actor, at, revision) VALUES (?, ?, ?, ?, ?, ?)`,
		kind, id, string(change), by, stamp(t.w.s.o.Now()), revision)
}

// CRMChanges gives up to limit lines of the change log after a number, by number.
func (s *Store) CRMChanges(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error) {
	var list []portal.CRMChange
	err := s.all(ctx, "crm changes", `SELECT seq, kind, record, change, actor, at, revision FROM crm_changes WHERE seq > ? ORDER BY seq LIMIT ?`,
		[]any{after, limit}, func(scan scanFunc) error {
			var (
				c  portal.CRMChange
				at int64
			)
			if err := scan(&c.Seq, &c.Kind, &c.ID, &c.Change, &c.By, &at, &c.Revision); err != nil {
				return err
			}
			c.At = instant(at)
			list = append(list, c)
			return nil
		})
	return list, err
}

// LastCRMChange is the number of the newest line of the change log; zero: there is none.
func (s *Store) LastCRMChange(ctx context.Context) (int64, error) {
	var last int64
	_, err := s.one(ctx, "last crm change", `SELECT COALESCE(MAX(seq), 0) FROM crm_changes`, nil, &last)
	return last, err
}

// PruneCRMChanges forgets lines up to a number that are older than before. The newest line of all stays, so that the head of the
// log is what it was. It works in small writes among the others.
func (s *Store) PruneCRMChanges(ctx context.Context, upTo int64, before time.Time) error {
	return s.repeat(ctx, "prune crm changes", func(t *txn) (bool, error) {
		// The log is in the order of time, near enough: its old end needs no index.
		var last, n int64
		if _, err := t.one(`SELECT COALESCE(MAX(seq), 0), COUNT(*) FROM (SELECT seq, at FROM crm_changes WHERE seq <= ? ORDER BY seq LIMIT ?) AS oldest
			WHERE at < ? AND seq < (SELECT MAX(seq) FROM crm_changes)`, []any{upTo, slice, stamp(before)}, &last, &n); err != nil || n == 0 {
			return false, err
		}
		gone, err := t.affect(`DELETE FROM crm_changes WHERE seq <= ? AND at < ?`, last, stamp(before))
		return gone == slice, err
	})
}

// answered gives what was answered to a write of a kind with an idempotency key; false: it is the first, or has no key.
func (t *txn) answered(kind, key string) (answer []byte, found bool, err error) {
	if key == "" {
		return nil, false, nil
	}
	found, err = t.one(`SELECT answer FROM crm_keys WHERE kind = ? AND key = ?`, []any{kind, key}, &answer)
	return answer, found, err
}

// answer keeps what is answered to a write with an idempotency key.
func (t *txn) answer(kind, key string, what any) error {
	if key == "" {
		return nil
	}
	data, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	return t.exec(`INSERT INTO crm_keys (kind, key, at, answer) VALUES (?, ?, ?, ?)`, kind, key, stamp(t.w.s.o.Now()), string(data))
}

// PutCRMFile keeps the bytes of a file under their hash, the SHA-256 in lower-case hexadecimal. Bytes that no record has are
// forgotten after a week.
func (s *Store) PutCRMFile(ctx context.Context, hash string, data []byte) error {
	if sum := sha256.Sum256(data); hash != hex.EncodeToString(sum[:]) {
		return invalid("a file is not what its hash says")
	}
	data = append([]byte{}, data...) // the caller's, and no nil: that would be NULL
	return s.write(ctx, "put crm file", func(t *txn) error {
		now := stamp(t.w.s.o.Now())
		n, err := t.affect(`UPDATE crm_files SET kept_at = ? WHERE hash = ?`, now, hash)
		if err != nil || n > 0 {
			return err
		}
		return t.exec(`INSERT INTO crm_files (hash, data, kept_at) VALUES (?, ?, ?)`, hash, data, now)
	})
}

// CRMFile gives the bytes that PutCRMFile kept; ErrNotFound.
func (s *Store) CRMFile(ctx context.Context, hash string) ([]byte, error) {
	var data []byte
	found, err := s.one(ctx, "crm file", `SELECT data FROM crm_files WHERE hash = ?`, []any{hash}, &data)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return data, err
}

// pruneCRMKeys forgets answers older than keyAge.
func (s *Store) pruneCRMKeys(ctx context.Context) error {
	before := stamp(s.o.Now().Add(-keyAge))
	return s.repeat(ctx, "prune crm keys", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM crm_keys WHERE (kind, key) IN (SELECT kind, key FROM crm_keys WHERE at < ? LIMIT ?)`, before, slice)
		return n == slice, err
	})
}

// pruneCRMFiles forgets bytes that no record has and that were put longer than fileAge ago.
func (s *Store) pruneCRMFiles(ctx context.Context) error {
	before := stamp(s.o.Now().Add(-fileAge))
	const few = slice / 10 // they can be large
	after := ""
	return s.repeat(ctx, "prune crm files", func(t *txn) (bool, error) {
		var list []string
		err := t.all(`SELECT hash FROM crm_files WHERE hash > ? AND +kept_at < ? AND NOT EXISTS (SELECT 1 FROM crm_file_uses u WHERE u.hash = crm_files.hash)
			ORDER BY hash LIMIT ?`, []any{after, before, few}, func(scan scanFunc) error {
			err := scan(&after)
			list = append(list, after)
			return err
		})
		if err != nil {
			return false, err
		}
		for _, hash := range list {
			if err := t.exec(`DELETE FROM crm_files WHERE hash = ?`, hash); err != nil {
				return false, err
			}
		}
		return len(list) == few, nil
	})
}
