package storage

import (
	"context"

	"portico/app/portal"
)

// Pruning of the event log. Whatever is taken from a person's log raises that person's floor in the
// same transaction, and EventsSince answers resync below the floor: a gap is never silent. The newest
// event of all stays, so that the head of the log is what it was.

// pruneEventsByAge removes events older than Options.EventAge, for everybody.
func (s *Store) pruneEventsByAge(ctx context.Context) error {
	before := stamp(s.o.Now().Add(-s.o.EventAge))
	return s.repeat(ctx, "prune events by age", func(t *txn) (bool, error) {
		// The log is in the order of time, near enough: no index by time is needed to find its old end.
		var upTo, n int64
		if _, err := t.one(`
			SELECT COALESCE(MAX(seq), 0), COUNT(*) FROM (SELECT seq, at FROM events ORDER BY seq LIMIT ?) AS oldest
			WHERE at < ? AND seq < (SELECT MAX(seq) FROM events)`,
			[]any{slice, before}, &upTo, &n); err != nil || n == 0 {
			return false, err
		}
		if err := t.exec(`
			INSERT INTO event_floor (person, seq)
			SELECT person, MAX(seq) FROM (SELECT person, seq FROM event_audience WHERE seq <= ? ORDER BY seq LIMIT 9223372036854775807) AS gone
			WHERE true GROUP BY person
			ON CONFLICT (person) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > event_floor.seq`, upTo); err != nil {
			return false, err
		}
		// The audience goes with them (ON DELETE CASCADE).
		return n == slice, t.exec(`DELETE FROM events WHERE seq <= ?`, upTo)
	})
}

// pruneEventsByPerson removes what a person has beyond the newest Options.EventBound events.
func (s *Store) pruneEventsByPerson(ctx context.Context) error {
	var who portal.Address
	for {
		// A person at a time, found through the index; the whole table is never read in one go.
		found, err := s.one(ctx, "people of the event log", `SELECT person FROM event_audience WHERE person > ? ORDER BY person LIMIT 1`, []any{string(who)}, &who)
		if err != nil || !found {
			return err
		}
		var upTo int64
		found, err = s.one(ctx, "end of a person's events",
			`SELECT seq FROM event_audience WHERE person = ? ORDER BY seq DESC LIMIT 1 OFFSET ?`,
			[]any{string(who), s.o.EventBound}, &upTo)
		if err != nil {
			return err
		}
		if found {
			if err := s.prunePerson(ctx, who, upTo); err != nil {
				return err
			}
		}
	}
}

// prunePerson takes a person's events up to upTo, and those events that then concern nobody.
func (s *Store) prunePerson(ctx context.Context, who portal.Address, upTo int64) error {
	return s.repeat(ctx, "prune events of a person", func(t *txn) (bool, error) {
		var seqs []int64
		err := t.all(`SELECT seq FROM event_audience WHERE person = ? AND seq <= ? ORDER BY seq LIMIT ?`,
			[]any{string(who), upTo, slice}, func(scan scanFunc) error {
				var seq int64
				err := scan(&seq)
				seqs = append(seqs, seq)
				return err
			})
		if err != nil || len(seqs) == 0 {
			return false, err
		}
		if err := t.exec(`INSERT INTO event_floor (person, seq) VALUES (?, ?)
			ON CONFLICT (person) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > event_floor.seq`,
			string(who), seqs[len(seqs)-1]); err != nil {
			return false, err
		}
		for _, seq := range seqs {
			if err := t.dropEvent(string(who), seq); err != nil {
				return false, err
			}
		}
		return len(seqs) == slice, nil
	})
}

// dropEvent takes an event out of a person's log, and off the log of all where it then concerns nobody and is not the newest.
func (t *txn) dropEvent(who string, seq int64) error {
	if err := t.exec(`DELETE FROM event_audience WHERE person = ? AND seq = ?`, who, seq); err != nil {
		return err
	}
	return t.exec(`DELETE FROM events WHERE seq = ? AND seq < (SELECT MAX(seq) FROM events)
		AND NOT EXISTS (SELECT 1 FROM event_audience a WHERE a.seq = events.seq)`, seq)
}
