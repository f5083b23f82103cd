package storage

import (
	"cmp"
	"context"
	"math"
	"slices"

	"portico/app/portal"
)

// Audiences of the event log. An event for everyone in a room is logged once, for the room's address; who follows the
// room, and from which number to which, stands in event_follow. It is kept in the transaction that changes the
// membership, so that the log says for ever who was told what.

// endless is the end of a stretch that goes on.
const endless = math.MaxInt64

// head is the number of the newest event, as this transaction sees it.
func (t *txn) head() (head int64, err error) {
	_, err = t.one(`SELECT COALESCE(MAX(seq), 0) FROM events`, nil, &head)
	return head, err
}

// follow makes the audience's events from now on the person's; one who follows already goes on.
func (t *txn) follow(person, audience portal.Address) error {
	var from int64
	found, err := t.one(`SELECT from_seq FROM event_follow WHERE person = ? AND audience = ? AND to_seq = ?`,
		[]any{string(person), string(audience), int64(endless)}, &from)
	if err != nil || found {
		return err
	}
	head, err := t.head()
	if err != nil {
		return err
	}
	// Who left and came back before anything else was logged goes on where they were.
	return t.exec(`INSERT INTO event_follow (person, audience, from_seq, to_seq) VALUES (?, ?, ?, ?)
		ON CONFLICT (person, audience, from_seq) DO UPDATE SET to_seq = excluded.to_seq`,
		string(person), string(audience), head, int64(endless))
}

// unfollow ends it: what is logged from now on is not the person's.
func (t *txn) unfollow(person, audience portal.Address) error {
	head, err := t.head()
	if err != nil {
		return err
	}
	return t.exec(`UPDATE event_follow SET to_seq = ? WHERE person = ? AND audience = ? AND to_seq = ?`,
		head, string(person), string(audience), int64(endless))
}

// moveFollowers lets everyone who follows an audience follow another one from now on, and then log what is to be
// told of it: both addresses reach them.
func (t *txn) moveFollowers(from, to portal.Address, log func() error) error {
	head, err := t.head()
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO event_follow (person, audience, from_seq, to_seq)
		SELECT person, ?, ?, to_seq FROM event_follow WHERE audience = ? AND to_seq = ?
		ON CONFLICT (person, audience, from_seq) DO NOTHING`, string(to), head, string(from), int64(endless)); err != nil {
		return err
	}
	if err := log(); err != nil {
		return err
	}
	if head, err = t.head(); err != nil {
		return err
	}
	return t.exec(`UPDATE event_follow SET to_seq = ? WHERE audience = ? AND to_seq = ?`, head, string(from), int64(endless))
}

// eventStretch is a part of one log: the events of whose with after < seq <= upTo, the first of which is first.
type eventStretch struct {
	whose              portal.Address
	after, upTo, first int64
}

// stretches are the parts of the log that are the person's and have something after since and up to head, by what
// they begin with.
func (s *Store) stretches(ctx context.Context, who portal.Address, since, head int64) ([]eventStretch, error) {
	var list []eventStretch
	own := eventStretch{whose: who, after: since, upTo: head}
	found, err := s.one(ctx, "own events", selectSeqs, []any{string(who), since, head, 1}, &own.first)
	if err != nil {
		return nil, err
	}
	if found {
		list = append(list, own)
	}
	err = s.all(ctx, "followed events", `
		SELECT f.audience, f.from_seq, f.to_seq, COALESCE((SELECT a.seq FROM event_audience a
			WHERE a.person = f.audience AND a.seq > ? AND a.seq > f.from_seq AND a.seq <= f.to_seq AND a.seq <= ? ORDER BY a.seq LIMIT 1), 0)
		FROM event_follow f WHERE f.person = ? AND f.to_seq > ? AND f.from_seq < ?`,
		[]any{since, head, string(who), since, head}, func(scan scanFunc) error {
			var e eventStretch
			if err := scan(&e.whose, &e.after, &e.upTo, &e.first); err != nil {
				return err
			}
			if e.after, e.upTo = max(e.after, since), min(e.upTo, head); e.first > 0 {
				list = append(list, e)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b eventStretch) int { return cmp.Compare(a.first, b.first) })
	return list, nil
}

const selectSeqs = `SELECT seq FROM event_audience WHERE person = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`

// mergedSeqs are the first limit numbers of all the stretches together. A stretch that begins behind these is not read.
func (s *Store) mergedSeqs(ctx context.Context, list []eventStretch, limit int) ([]int64, error) {
	var seqs []int64
	for _, e := range list {
		if len(seqs) == limit && e.first > seqs[limit-1] {
			break
		}
		err := s.all(ctx, "numbers of events", selectSeqs, []any{string(e.whose), e.after, e.upTo, limit}, func(scan scanFunc) error {
			var seq int64
			err := scan(&seq)
			seqs = append(seqs, seq)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.Sort(seqs)
		seqs = slices.Compact(seqs)
		seqs = seqs[:min(len(seqs), limit)]
	}
	return seqs, nil
}

// tooFar reports whether the stretches have more than Options.EventBound events together.
func (s *Store) tooFar(ctx context.Context, list []eventStretch) (bool, error) {
	left := s.o.EventBound
	for _, e := range list {
		var n int
		_, err := s.one(ctx, "event distance", `SELECT COUNT(*) FROM (
			SELECT seq FROM event_audience WHERE person = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?) AS oldest`,
			[]any{string(e.whose), e.after, e.upTo, left + 1}, &n)
		if err != nil {
			return false, err
		}
		if left -= n; left < 0 {
			return true, nil
		}
	}
	return false, nil
}

// pruneFollows forgets stretches that ended before the oldest event there is. Whoever was away all that time must
// read afresh: that much stands in the person's own floor from then on.
func (s *Store) pruneFollows(ctx context.Context) error {
	return s.repeat(ctx, "prune followed audiences", func(t *txn) (bool, error) {
		type stretch struct {
			person, audience string
			from, to         int64
		}
		var gone []stretch
		err := t.all(`SELECT person, audience, from_seq, to_seq FROM event_follow
			WHERE to_seq < 9223372036854775807 AND to_seq < (SELECT MIN(seq) FROM events) ORDER BY to_seq LIMIT ?`,
			[]any{slice}, func(scan scanFunc) error {
				var f stretch
				err := scan(&f.person, &f.audience, &f.from, &f.to)
				gone = append(gone, f)
				return err
			})
		if err != nil {
			return false, err
		}
		for _, f := range gone {
			if err := t.exec(`INSERT INTO event_floor (person, seq) VALUES (?, ?)
				ON CONFLICT (person) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > event_floor.seq`, f.person, f.to); err != nil {
				return false, err
			}
			if err := t.exec(`DELETE FROM event_follow WHERE person = ? AND audience = ? AND from_seq = ?`, f.person, f.audience, f.from); err != nil {
				return false, err
			}
		}
		return len(gone) == slice, nil
	})
}
