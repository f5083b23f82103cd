package storage

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// What people missed: each person's list of calls, and which of its entries are still to be written to Exchange.

// keyNoCall is of an entry that is not there.
const keyNoCall = "calls.not-found"

const callColumns = `c.owner, c.id, c.kind, c.sender, c.name, c.number, c.call_id, c.at, c.times, c.body, c.seen, c.kept`

// callRow receives callColumns.
type callRow struct {
	c    portal.Call
	at   int64
	seen int
}

func (r *callRow) dest() []any {
	c := &r.c
	return []any{&c.Owner, &c.ID, &c.Kind, &c.From, &c.Name, &c.Number, &c.CallID, &r.at, &c.Times, &c.Text, &r.seen, &c.Kept}
}

func (r *callRow) call() portal.Call {
	r.c.At, r.c.Seen = instant(r.at), r.seen != 0
	return r.c
}

// PutCall adds an entry or replaces the one of its Owner and ID, which is due for Exchange again where it is Kept as waiting. Its
// CallID names the entry from now on beside those it had before.
func (s *Store) PutCall(ctx context.Context, c portal.Call, evs ...portal.Addressed) error {
	if c.Owner == "" || c.ID == "" || c.Kind == "" {
		return invalid("an entry of the list of calls needs an owner, an id and a kind")
	}
	return s.write(ctx, "put call", func(t *txn) error {
		var seq int64
		if _, err := t.one(`
			INSERT INTO calls (owner, id, kind, sender, name, number, call_id, at, times, body, seen, kept, changed_at, item_id, tries, not_before, revision)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 1)
			ON CONFLICT (owner, id) DO UPDATE SET kind = excluded.kind, sender = excluded.sender, name = excluded.name, number = excluded.number,
			call_id = excluded.call_id, at = excluded.at, times = excluded.times, body = excluded.body, seen = excluded.seen, kept = excluded.kept,
			changed_at = excluded.changed_at, tries = 0, not_before = 0, revision = calls.revision + 1 RETURNING seq`,
			[]any{string(c.Owner), c.ID, string(c.Kind), string(c.From), c.Name, c.Number, c.CallID, stamp(c.At), c.Times, c.Text, flag(c.Seen),
				string(c.Kept), stamp(t.w.s.o.Now())}, &seq); err != nil {
			return err
		}
		if c.CallID != "" {
			if err := t.exec(`INSERT INTO call_ids (owner, call_id, call) VALUES (?, ?, ?)
				ON CONFLICT (owner, call_id) DO UPDATE SET call = excluded.call`, string(c.Owner), c.CallID, seq); err != nil {
				return err
			}
		}
		return t.log(evs...)
	})
}

// CallOf finds the owner's entry that stands for a SIP Call-ID, if need be among others.
func (s *Store) CallOf(ctx context.Context, owner portal.Address, callID string) (c portal.Call, found bool, err error) {
	var r callRow
	found, err = s.one(ctx, "call by its Call-ID", `SELECT `+callColumns+` FROM call_ids i CROSS JOIN calls c ON c.seq = i.call
		WHERE i.owner = ? AND i.call_id = ?`, []any{string(owner), callID}, r.dest()...)
	return r.call(), found, err
}

// LastOf finds the newest entry of a kind from somebody.
func (s *Store) LastOf(ctx context.Context, owner, from portal.Address, kind portal.CallKind) (c portal.Call, found bool, err error) {
	var r callRow
	found, err = s.one(ctx, "last call", `SELECT `+callColumns+` FROM calls c
		WHERE c.owner = ? AND c.sender = ? AND c.kind = ? ORDER BY c.seq DESC LIMIT 1`, []any{string(owner), string(from), string(kind)}, r.dest()...)
	return r.call(), found, err
}

// Calls lists the owner's entries, newest first (default limit 50, most 200). Next is the cursor of the next page, empty where there is none.
func (s *Store) Calls(ctx context.Context, owner portal.Address, cursor string, limit int) (list []portal.Call, next string, err error) {
	at, seq, err := callCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = hitsDefault
	}
	limit = min(limit, hitsMost)
	var last int64
	err = s.all(ctx, "calls", `SELECT `+callColumns+`, c.seq FROM calls c
		WHERE c.owner = ? AND (c.at, c.seq) < (?, ?) ORDER BY c.at DESC, c.seq DESC LIMIT ?`,
		[]any{string(owner), at, seq, limit + 1}, func(scan scanFunc) error {
			var (
				r callRow
				n int64
			)
			if err := scan(append(r.dest(), &n)...); err != nil {
				return err
			}
			if len(list) == limit { // one more than is shown: there is a next page
				next = strconv.FormatInt(stamp(list[limit-1].At), 36) + "." + strconv.FormatInt(last, 36)
				return nil
			}
			last = n
			list = append(list, r.call())
			return nil
		})
	return list, next, err
}

// callCursor reads a cursor of the list: the time and the number of the last entry of the page before.
func callCursor(cursor string) (at, seq int64, err error) {
	if cursor == "" {
		return math.MaxInt64, math.MaxInt64, nil
	}
	first, second, _ := strings.Cut(cursor, ".")
	at, err = strconv.ParseInt(first, 36, 64)
	if err == nil {
		seq, err = strconv.ParseInt(second, 36, 64)
	}
	if err != nil {
		return 0, 0, invalid("no cursor of a list of calls")
	}
	return at, seq, nil
}

// SeeCalls marks the owner's entries seen: those named that are from somebody where from is set; none named: all of them. Where nothing
// changes nothing is logged.
func (s *Store) SeeCalls(ctx context.Context, owner, from portal.Address, ids []string, evs ...portal.Addressed) (changed int, err error) {
	err = s.write(ctx, "see calls", func(t *txn) error {
		changed = 0
		see := func(query string, args ...any) error {
			n, err := t.affect(query, append([]any{string(owner)}, args...)...)
			changed += int(n)
			return err
		}
		switch {
		case len(ids) > 0:
			for _, id := range ids {
				if err := see(`UPDATE calls SET seen = 1 WHERE owner = ? AND id = ? AND seen = 0 AND (? = '' OR sender = ?)`,
					id, string(from), string(from)); err != nil {
					return err
				}
			}
		case from != "":
			if err := see(`UPDATE calls SET seen = 1 WHERE owner = ? AND sender = ? AND seen = 0`, string(from)); err != nil {
				return err
			}
		default:
			if err := see(`UPDATE calls SET seen = 1 WHERE owner = ? AND seen = 0`); err != nil {
				return err
			}
		}
		if changed == 0 {
			return nil
		}
		return t.log(evs...)
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}

// DeleteCall takes an entry out of the owner's list; ErrNotFound.
func (s *Store) DeleteCall(ctx context.Context, owner portal.Address, id string, evs ...portal.Addressed) error {
	return s.write(ctx, "delete call", func(t *txn) error {
		n, err := t.affect(`DELETE FROM calls WHERE owner = ? AND id = ?`, string(owner), id)
		if err == nil && n == 0 {
			err = portal.Fail(portal.ErrNotFound, keyNoCall)
		}
		if err != nil {
			return err
		}
		return t.log(evs...)
	})
}

// Unseen is how many of the owner's entries are not seen.
func (s *Store) Unseen(ctx context.Context, owner portal.Address) (n int, err error) {
	_, err = s.one(ctx, "unseen calls", `SELECT COUNT(*) FROM calls WHERE owner = ? AND seen = 0`, []any{string(owner)}, &n)
	return n, err
}

// DueCalls are entries that are Kept as waiting, have not changed since rested, and are due for a try, at most limit, those that wait
// longest first.
func (s *Store) DueCalls(ctx context.Context, rested time.Time, limit int) (list []portal.DueCall, err error) {
	err = s.all(ctx, "due calls", `SELECT `+callColumns+`, c.item_id, c.tries, c.revision FROM calls c
		WHERE c.kept = 'waiting' AND c.not_before <= ? AND c.changed_at <= ? ORDER BY c.not_before, c.seq LIMIT ?`,
		[]any{stamp(s.o.Now()), stamp(rested), max(limit, 0)}, func(scan scanFunc) error {
			var (
				r callRow
				d portal.DueCall
			)
			if err := scan(append(r.dest(), &d.ItemID, &d.Tries, &d.Revision)...); err != nil {
				return err
			}
			d.Call = r.call()
			list = append(list, d)
			return nil
		})
	return list, err
}

// CallKept settles a try: the entry is in Exchange (KeptThere) under itemID, refused for good, not to be kept after all, or waits again
// until the time given. An entry that changed while it was written stays due; one that is gone is no error.
func (s *Store) CallKept(ctx context.Context, d portal.DueCall, state portal.KeptState, itemID string, again time.Time) error {
	return s.write(ctx, "call kept", func(t *txn) error {
		tries := 0
		if state == portal.KeptWaiting {
			tries = d.Tries + 1
		}
		n, err := t.affect(`UPDATE calls SET kept = ?, item_id = ?, tries = ?, not_before = ? WHERE owner = ? AND id = ? AND revision = ?`,
			string(state), itemID, tries, stamp(again), string(d.Owner), d.ID, d.Revision)
		if err != nil || n > 0 {
			return err
		}
		return t.exec(`UPDATE calls SET item_id = ? WHERE owner = ? AND id = ?`, itemID, string(d.Owner), d.ID)
	})
}

// Tell logs events that go with nothing else.
func (s *Store) Tell(ctx context.Context, evs ...portal.Addressed) error {
	return s.write(ctx, "tell", func(t *txn) error { return t.log(evs...) })
}

// pruneCalls forgets entries older than Options.Retention.
func (s *Store) pruneCalls(ctx context.Context) error {
	if s.o.Retention <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-s.o.Retention))
	return s.repeat(ctx, "prune calls", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE at < ? ORDER BY at LIMIT ?)`, before, slice)
		return n == slice, err
	})
}
