package storage

import (
	"context"
	"errors"

	"portico/app/portal"
)

// The event log: each durable event once, with the people it is for. Its numbers only grow and are
// never given twice; they are given in the order in which the sink is told.

// log appends events to the log inside the running transaction.
func (t *txn) log(evs ...portal.Addressed) error {
	now := t.w.s.o.Now().UTC()
	for _, ev := range evs {
		if ev.Event == nil || len(ev.For) == 0 {
			return invalid("an event for nobody")
		}
		name, payload, err := portal.EncodeEvent(ev.Event)
		if err != nil {
			return err
		}
		var seq int64
		if _, err := t.one(`INSERT INTO events (at, name, payload) VALUES (?, ?, ?) RETURNING seq`,
			[]any{stamp(now), name, string(payload)}, &seq); err != nil {
			return err
		}
		for _, person := range ev.For {
			if err := t.exec(`INSERT INTO event_audience (person, seq) VALUES (?, ?) ON CONFLICT (person, seq) DO NOTHING`,
				string(person), seq); err != nil {
				return err
			}
		}
		t.logged = append(t.logged, portal.Logged{Seq: seq, At: now, Addressed: ev})
	}
	return nil
}

// EventHead is the number of the newest event of the whole log, zero while it is empty. A page reads
// it before its data: whatever the data does not hold yet has a higher number.
func (s *Store) EventHead(ctx context.Context) (int64, error) {
	var head int64
	_, err := s.one(ctx, "event head", `SELECT COALESCE(MAX(seq), 0) FROM events`, nil, &head)
	return head, err
}

// EventsSince gives the person's events after since, in order, at most limit (default and most: 500); ask
// again with the last number for more, until none comes. Each is addressed to who alone. Resync is true, and there are no events,
// when they cannot be told without a gap: since is older than what is kept for the person, further
// behind than Options.EventBound, or from another log (beyond the head).
func (s *Store) EventsSince(ctx context.Context, who portal.Address, since int64, limit int) (evs []portal.Logged, resync bool, err error) {
	const most = 500
	if limit <= 0 || limit > most {
		limit = most
	}
	head, err := s.EventHead(ctx)
	if err != nil {
		return nil, false, err
	}
	if since < 0 || since > head {
		return nil, true, nil
	}
	if since == head {
		return nil, false, nil
	}
	evs, unreadable, err := s.readEvents(ctx, who, since, limit)
	if err != nil || unreadable {
		return nil, unreadable, err
	}
	// After the events are read: whatever was pruned before that shows here.
	gap, err := s.pruned(ctx, who, since)
	if err != nil || gap {
		return nil, gap, err
	}
	if len(evs) > s.o.EventBound {
		return nil, true, nil
	}
	if len(evs) == limit { // only then can more than these be waiting
		far, err := s.tooFar(ctx, who, since)
		if err != nil || far {
			return nil, far, err
		}
	}
	return evs, false, nil
}

// readEvents reads a batch. Unreadable is true when an entry is of a kind this program does not
// know: leaving it out would be a silent gap.
func (s *Store) readEvents(ctx context.Context, who portal.Address, since int64, limit int) (evs []portal.Logged, unreadable bool, err error) {
	errUnreadable := errors.New("unreadable event")
	err = s.all(ctx, "events", `
		SELECT e.seq, e.at, e.name, e.payload
		FROM event_audience a JOIN events e ON e.seq = a.seq
		WHERE a.person = ? AND a.seq > ?
		ORDER BY a.seq LIMIT ?`,
		[]any{string(who), since, limit}, func(scan scanFunc) error {
			var (
				seq, at       int64
				name, payload string
			)
			if err := scan(&seq, &at, &name, &payload); err != nil {
				return err
			}
			ev, err := portal.DecodeEvent(name, []byte(payload))
			if err != nil {
				s.log.ErrorContext(ctx, "event log entry not understood", "seq", seq, "err", err)
				return errUnreadable
			}
			evs = append(evs, portal.Logged{Seq: seq, At: instant(at),
				Addressed: portal.Addressed{For: []portal.Address{who}, Event: ev}})
			return nil
		})
	if errors.Is(err, errUnreadable) {
		return nil, true, nil
	}
	return evs, false, err
}

func (s *Store) pruned(ctx context.Context, who portal.Address, since int64) (bool, error) {
	var floor int64
	found, err := s.one(ctx, "event floor", `SELECT seq FROM event_floor WHERE person = ?`, []any{string(who)}, &floor)
	return found && since < floor, err
}

func (s *Store) tooFar(ctx context.Context, who portal.Address, since int64) (bool, error) {
	var seq int64
	return s.one(ctx, "event distance",
		`SELECT seq FROM event_audience WHERE person = ? AND seq > ? ORDER BY seq LIMIT 1 OFFSET ?`,
		[]any{string(who), since, s.o.EventBound}, &seq)
}
