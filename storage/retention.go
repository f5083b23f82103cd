package storage

import "context"

// Retention of the archive: where it is asked for, copies older than Options.Retention go, oldest
// first; those that are still on their way stay. A conversation whose last message goes, goes with it.

func (s *Store) pruneMessages(ctx context.Context) error {
	if s.o.Retention <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-s.o.Retention))
	var after int64 // past the pending ones that were left standing
	return s.repeat(ctx, "prune messages", func(t *txn) (bool, error) {
		var upTo, n int64
		if _, err := t.one(`
			SELECT COALESCE(MAX(ord), 0), COUNT(*) FROM (SELECT ord, stored_at FROM messages WHERE ord > ? ORDER BY ord LIMIT ?) AS oldest
			WHERE stored_at < ?`, []any{after, slice, before}, &upTo, &n); err != nil || n == 0 {
			return false, err
		}
		from := after
		after = upTo
		return n == slice, t.dropMessages(from, upTo)
	})
}

// dropMessages removes the copies with from < Order <= upTo and puts the counts right.
func (t *txn) dropMessages(from, upTo int64) error {
	steps := []string{
		`DELETE FROM conversations WHERE last_ord > ? AND last_ord <= ?
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.ord = conversations.last_ord AND m.state = 'pending')`,
		`UPDATE conversations SET unread = unread - (
			SELECT COUNT(*) FROM messages m
			WHERE m.owner = conversations.owner AND m.conversation = conversations.peer AND m.ord > conversations.read_up_to
			AND m.ord > ? AND m.ord <= ? AND m.state = 'received' AND m.sender <> m.owner)
		WHERE unread > 0 AND (owner, peer) IN (SELECT owner, conversation FROM messages WHERE ord > ? AND ord <= ?)`,
		`DELETE FROM messages WHERE ord > ? AND ord <= ? AND state <> 'pending'`,
	}
	for i, query := range steps {
		args := []any{from, upTo}
		if i == 1 {
			args = append(args, from, upTo)
		}
		if err := t.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}
