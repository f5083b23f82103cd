package storage

import (
	"context"
	"fmt"
	"math"
	"time"

	"portico/app/portal"
)

// The transaction log of the synchronisation and its conflicts.

// LogSync writes lines of the transaction log.
func (s *Store) LogSync(ctx context.Context, lines ...portal.SyncTransaction) error {
	return s.write(ctx, "log sync", func(t *txn) error { return t.logSync(lines) })
}

func (t *txn) logSync(lines []portal.SyncTransaction) error {
	for i := range lines {
		l := &lines[i]
		payload, err := encode("a line of the log", l)
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO sync_log (at, direction, what, result, mailbox, crm, words, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			stamp(l.At), string(l.Direction), l.What, l.Result, string(l.Mailbox), l.CRM,
			searchable(l.Subject, l.CRM, l.UID, string(l.Mailbox), l.Cause), payload); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectLog = `SELECT seq, payload FROM sync_log `
	// chosenLog is what a filter says beside what the index is chosen by.
	chosenLog = `AND seq >= ? AND seq < ? AND +at >= ? AND +at < ? AND (? = '' OR direction = ?) AND (? = '' OR what = ?) AND (? = '' OR result = ?)
		AND (? = '' OR mailbox = ?) AND (? = '' OR words LIKE ? ESCAPE '\') ORDER BY seq DESC LIMIT ?`
)

// SyncLog gives lines of the transaction log, the newest first; without a limit up to 500.
func (s *Store) SyncLog(ctx context.Context, f portal.SyncLogFilter) ([]portal.SyncTransaction, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = slice
	}
	low, high, err := s.logBounds(ctx, f)
	if err != nil {
		return nil, err
	}
	from, to := stamp(f.From), stamp(f.To)
	if f.From.IsZero() {
		from = math.MinInt64
	}
	if f.To.IsZero() {
		to = math.MaxInt64
	}
	text := containing(f.Text)
	rest := []any{low, high, from, to, string(f.Direction), string(f.Direction), f.What, f.What, f.Result, f.Result,
		string(f.Mailbox), string(f.Mailbox), text, text, limit}
	switch {
	case f.CRM != "":
		return s.logLines(ctx, selectLog+`WHERE crm = ? AND crm <> '' `+chosenLog, append([]any{f.CRM}, rest...)...)
	case f.Mailbox != "":
		return s.logLines(ctx, selectLog+`WHERE mailbox = ? `+chosenLog, append([]any{string(f.Mailbox)}, rest...)...)
	case f.Result != "":
		return s.logLines(ctx, selectLog+`WHERE result = ? `+chosenLog, append([]any{f.Result}, rest...)...)
	}
	return s.logLines(ctx, selectLog+`WHERE true `+chosenLog, rest...)
}

// logSkew is by how much lines of the log may stand out of the order of time.
const logSkew = time.Hour

// logBounds gives the numbers between which the lines of a filter's times lie: the log is in the order of time, near enough, and what
// lies outside is not read.
func (s *Store) logBounds(ctx context.Context, f portal.SyncLogFilter) (low, high int64, err error) {
	high = math.MaxInt64
	if !f.From.IsZero() {
		if _, err := s.one(ctx, "beginning of the sync log", `SELECT seq FROM sync_log WHERE at < ? ORDER BY at DESC LIMIT 1`,
			[]any{stamp(f.From.Add(-logSkew))}, &low); err != nil {
			return 0, 0, err
		}
	}
	if !f.To.IsZero() {
		if _, err := s.one(ctx, "end of the sync log", `SELECT seq FROM sync_log WHERE at >= ? ORDER BY at LIMIT 1`,
			[]any{stamp(f.To.Add(logSkew))}, &high); err != nil {
			return 0, 0, err
		}
	}
	if f.Before > 0 {
		high = min(high, f.Before)
	}
	return low, high, nil
}

func (s *Store) logLines(ctx context.Context, query string, args ...any) ([]portal.SyncTransaction, error) {
	var list []portal.SyncTransaction
	err := s.all(ctx, "sync log", query, args, func(scan scanFunc) error {
		var (
			l       portal.SyncTransaction
			seq     int64
			payload []byte
		)
		if err := scan(&seq, &payload); err != nil {
			return err
		}
		if err := decode(fmt.Sprintf("line %d of the log", seq), payload, &l); err != nil {
			return err
		}
		l.Seq = seq
		list = append(list, l)
		return nil
	})
	return list, err
}

// SyncConflicts gives the newest first, those of one record where crm is not empty.
func (s *Store) SyncConflicts(ctx context.Context, crm string, limit int) ([]portal.SyncConflict, error) {
	if crm != "" {
		return s.conflicts(ctx, `SELECT payload FROM sync_conflicts WHERE crm = ? ORDER BY at DESC, id DESC LIMIT ?`, crm, limit)
	}
	return s.conflicts(ctx, `SELECT payload FROM sync_conflicts ORDER BY at DESC, id DESC LIMIT ?`, limit)
}

func (s *Store) conflicts(ctx context.Context, query string, args ...any) ([]portal.SyncConflict, error) {
	var list []portal.SyncConflict
	err := s.all(ctx, "sync conflicts", query, args, func(scan scanFunc) error {
		var (
			c       portal.SyncConflict
			payload []byte
		)
		if err := scan(&payload); err != nil {
			return err
		}
		err := decode("a conflict", payload, &c)
		list = append(list, c)
		return err
	})
	return list, err
}

// SyncConflict gives a conflict; ErrNotFound.
func (s *Store) SyncConflict(ctx context.Context, id string) (portal.SyncConflict, error) {
	list, err := s.conflicts(ctx, `SELECT payload FROM sync_conflicts WHERE id = ?`, id)
	if err != nil {
		return portal.SyncConflict{}, err
	}
	if len(list) == 0 {
		return portal.SyncConflict{}, portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return list[0], nil
}

// SaveSyncConflict keeps a conflict in place of that of its ID.
func (s *Store) SaveSyncConflict(ctx context.Context, c portal.SyncConflict) error {
	return s.write(ctx, "save sync conflict", func(t *txn) error { return t.putConflict(&c) })
}

func (t *txn) putConflict(c *portal.SyncConflict) error {
	if c.ID == "" {
		return invalid("a conflict needs an id")
	}
	payload, err := encode("a conflict", c)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO sync_conflicts (id, at, crm, payload) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, crm = excluded.crm, payload = excluded.payload`, c.ID, stamp(c.At), c.CRM, payload)
}

// PruneSync forgets lines of the log and conflicts from before a time, in small writes among the others.
func (s *Store) PruneSync(ctx context.Context, before time.Time) error {
	for _, query := range []string{
		`DELETE FROM sync_log WHERE seq IN (SELECT seq FROM sync_log WHERE at < ? ORDER BY at LIMIT ?)`,
		`DELETE FROM sync_conflicts WHERE id IN (SELECT id FROM sync_conflicts WHERE at < ? ORDER BY at, id LIMIT ?)`,
	} {
		if err := s.repeat(ctx, "prune sync", func(t *txn) (bool, error) {
			n, err := t.affect(query, stamp(before), slice)
			return n == slice, err
		}); err != nil {
			return err
		}
	}
	return nil
}
