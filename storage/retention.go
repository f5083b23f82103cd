package storage

import "context"

// Retention of the archive: where it is asked for, copies older than Options.Retention go, oldest first; those that are still on their
// way stay, and so do those of people under legal hold. A conversation whose last message goes, goes with it, and so do the episodes
// that hold nothing any more.

func (s *Store) pruneMessages(ctx context.Context) error {
	if s.o.Retention <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-s.o.Retention))
	var after int64 // past those that were left standing
	return s.repeat(ctx, "prune messages", func(t *txn) (bool, error) {
		old, err := t.copies(`SELECT ord, owner, conversation, sender, state, episode, moment FROM (
			SELECT ord, owner, conversation, sender, state, episode, moment, stored_at FROM messages WHERE ord > ? ORDER BY ord LIMIT ?) AS oldest
			WHERE stored_at < ?`, after, slice, before)
		if err != nil || len(old) == 0 {
			return false, err
		}
		after = old[len(old)-1].ord
		held, err := t.heldPeople()
		if err != nil {
			return false, err
		}
		going := old[:0:0]
		for _, c := range old {
			if c.state != "pending" && !held[c.owner] {
				going = append(going, c)
			}
		}
		return len(old) == slice, t.dropCopies(going)
	})
}

// heldPeople are those under legal hold.
func (t *txn) heldPeople() (map[string]bool, error) {
	held := map[string]bool{}
	err := t.all(`SELECT who FROM history_holds`, nil, func(scan scanFunc) error {
		var who string
		err := scan(&who)
		held[who] = true
		return err
	})
	return held, err
}
