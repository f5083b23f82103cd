package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"portico/app/portal"
)

// The event log: each durable event once, with the people it is for, or with the one audience that they
// follow (see follow.go). Its numbers only grow and are never given twice; they are given in the order in
// which the sink is told.

// log appends events to the log inside the running transaction.
func (t *txn) log(evs ...portal.Addressed) error {
	now := t.w.s.o.Now().UTC()
	for _, ev := range evs {
		if ev.Event == nil || len(ev.For) == 0 && ev.Audience == "" {
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
		people := ev.For
		if ev.Audience != "" {
			people = []portal.Address{ev.Audience}
		}
		for _, person := range people {
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
// again with the last number for more, until none comes: the person's own ones and those of the audiences they
// follow, or followed then. Each is addressed to who alone. Resync is true, and there are no events,
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
	// The stretches are read one after the other: nothing beyond the head of the beginning may be among
	// them, or what came to an earlier one meanwhile would be left out.
	list, err := s.stretches(ctx, who, since, head)
	if err != nil {
		return nil, false, err
	}
	seqs, err := s.mergedSeqs(ctx, list, limit)
	if err != nil {
		return nil, false, err
	}
	evs, unreadable, err := s.readEvents(ctx, who, seqs)
	if err != nil || unreadable {
		return nil, unreadable, err
	}
	// After the events are read: whatever was pruned before that shows here.
	gap, err := s.pruned(ctx, who, since)
	if err != nil || gap {
		return nil, gap, err
	}
	if len(seqs) > s.o.EventBound {
		return nil, true, nil
	}
	if len(seqs) == limit { // only then can more than these be waiting
		far, err := s.tooFar(ctx, list)
		if err != nil || far {
			return nil, far, err
		}
	}
	return evs, false, nil
}

// eventBatch is how many events one statement reads.
const eventBatch = 16

// selectEvents has a place for each number of a batch.
const selectEvents = `SELECT seq, at, name, payload FROM events WHERE seq IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// readEvents reads events by their numbers, in their order; one that was pruned meanwhile is left out. Unreadable is
// true when an entry is of a kind this program does not know: leaving it out would be a silent gap.
func (s *Store) readEvents(ctx context.Context, who portal.Address, seqs []int64) (evs []portal.Logged, unreadable bool, err error) {
	errUnreadable := errors.New("unreadable event")
	evs = make([]portal.Logged, 0, len(seqs))
	for batch := range slices.Chunk(seqs, eventBatch) {
		args := make([]any, eventBatch)
		for i := range args {
			args[i] = batch[min(i, len(batch)-1)]
		}
		err := s.all(ctx, "events", selectEvents, args, func(scan scanFunc) error {
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
		if err != nil {
			return nil, false, err
		}
	}
	slices.SortFunc(evs, func(a, b portal.Logged) int { return cmp.Compare(a.Seq, b.Seq) })
	return evs, false, nil
}

// pruned reports whether anything after since was taken from what the person would have been told.
func (s *Store) pruned(ctx context.Context, who portal.Address, since int64) (bool, error) {
	var floor int64
	found, err := s.one(ctx, "event floor", `SELECT seq FROM event_floor WHERE person = ?`, []any{string(who)}, &floor)
	if err != nil || found && since < floor {
		return err == nil, err
	}
	return s.one(ctx, "event floor of an audience", `
		SELECT e.seq FROM event_follow f CROSS JOIN event_floor e ON e.person = f.audience
		WHERE f.person = ? AND f.to_seq > ? AND e.seq > f.from_seq AND e.seq > ? LIMIT 1`,
		[]any{string(who), since, since}, &floor)
}
