package storage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/app/portal"
)

// What is on its way to endpoints. Deliveries of one record go one after the other: the first that waits of an endpoint and key is
// marked as its head, so that what is due is found without reading what stands behind.

// TakeHookChanges adds deliveries and moves the endpoint's cursor; a cursor that is there already or further on is no error and adds
// nothing. ErrNotFound: there is no such endpoint.
func (s *Store) TakeHookChanges(ctx context.Context, endpoint string, cursor int64, list []portal.HookDelivery) error {
	return s.write(ctx, "take hook changes", func(t *txn) error {
		n, err := t.affect(`UPDATE hook_endpoints SET cursor = ? WHERE id = ? AND cursor < ?`, cursor, endpoint, cursor)
		if err != nil {
			return err
		}
		if n == 0 {
			var there int64
			found, err := t.one(`SELECT cursor FROM hook_endpoints WHERE id = ?`, []any{endpoint}, &there)
			if err == nil && !found {
				err = portal.Fail(portal.ErrNotFound, keyNothing)
			}
			return err
		}
		for i := range list {
			if err := t.addDelivery(endpoint, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *txn) addDelivery(endpoint string, d *portal.HookDelivery) error {
	state := d.State
	if state == "" {
		state = portal.HookWaiting
	}
	if err := t.exec(`INSERT INTO hook_deliveries (endpoint, id, key, type, payload, state, head, tries, not_before, status, reason, made_at, done_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`, endpoint, d.ID, d.Key, d.Type, append([]byte{}, d.Payload...), state,
		d.Tries, stamp(d.NotBefore), d.Status, d.Reason, stamp(d.MadeAt), stamp(d.DoneAt)); err != nil {
		return err
	}
	return t.markHead(endpoint, d.Key)
}

// markHead marks the first delivery that waits of an endpoint and key, and no other.
func (t *txn) markHead(endpoint, key string) error {
	var first, marked int64
	found, err := t.one(`SELECT seq, head FROM hook_deliveries WHERE endpoint = ? AND key = ? AND state = 'waiting' ORDER BY seq LIMIT 1`,
		[]any{endpoint, key}, &first, &marked)
	if err != nil || !found || marked == 1 {
		return err
	}
	if err := t.exec(`UPDATE hook_deliveries SET head = 0 WHERE endpoint = ? AND key = ? AND state = 'waiting' AND head = 1`, endpoint, key); err != nil {
		return err
	}
	return t.exec(`UPDATE hook_deliveries SET head = 1 WHERE seq = ?`, first)
}

const selectDeliveries = `SELECT seq, endpoint, id, key, type, payload, state, tries, not_before, status, reason, made_at, done_at FROM hook_deliveries `

func (s *Store) deliveries(ctx context.Context, what, query string, args ...any) ([]portal.HookDelivery, error) {
	var list []portal.HookDelivery
	err := s.all(ctx, what, query, args, func(scan scanFunc) error {
		var (
			d               portal.HookDelivery
			due, made, done int64
		)
		if err := scan(&d.Seq, &d.Endpoint, &d.ID, &d.Key, &d.Type, &d.Payload, &d.State, &d.Tries, &due, &d.Status, &d.Reason, &made, &done); err != nil {
			return err
		}
		d.NotBefore, d.MadeAt, d.DoneAt = instant(due), instant(made), instant(done)
		list = append(list, d)
		return nil
	})
	return list, err
}

// activeEndpoints gives the endpoints that are sent to; they are few.
func (s *Store) activeEndpoints(ctx context.Context) ([]string, error) {
	var list []string
	err := s.all(ctx, "active hook endpoints", `SELECT id FROM hook_endpoints WHERE id > '' AND active = 1 ORDER BY id`, nil, func(scan scanFunc) error {
		var id string
		err := scan(&id)
		list = append(list, id)
		return err
	})
	return list, err
}

// DueHookDeliveries gives up to limit waiting deliveries that are due and of which none of the same Endpoint and Key is waiting before
// them, by Seq. Those of endpoints that are not active are left out. Where there are more, each endpoint has an equal part.
func (s *Store) DueHookDeliveries(ctx context.Context, now time.Time, limit int) ([]portal.HookDelivery, error) {
	if limit <= 0 {
		return nil, nil
	}
	ids, err := s.activeEndpoints(ctx)
	if err != nil {
		return nil, err
	}
	var lists [][]portal.HookDelivery
	for _, id := range ids {
		list, err := s.deliveries(ctx, "due hook deliveries", selectDeliveries+`WHERE endpoint = ? AND head = 1 AND not_before <= ? ORDER BY not_before, seq LIMIT ?`,
			id, stamp(now), limit)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	due := interleaved(lists, limit)
	slices.SortFunc(due, func(a, b portal.HookDelivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return due, nil
}

// NextHookDelivery is when the next waiting delivery is due, a past time where one is already; zero: none waits.
func (s *Store) NextHookDelivery(ctx context.Context) (time.Time, error) {
	ids, err := s.activeEndpoints(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var next time.Time
	for _, id := range ids {
		var due, made int64
		found, err := s.one(ctx, "next hook delivery", `SELECT not_before, made_at FROM hook_deliveries WHERE endpoint = ? AND head = 1 ORDER BY not_before, seq LIMIT 1`,
			[]any{id}, &due, &made)
		if err != nil {
			return time.Time{}, err
		}
		if due == 0 {
			due = max(made, 1) // 0 would be none
		}
		if at := instant(due); found && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

// SaveHookDelivery stores how far a delivery got; its endpoint, key and payload stay as they are. ErrNotFound.
func (s *Store) SaveHookDelivery(ctx context.Context, d portal.HookDelivery) error {
	return s.write(ctx, "save hook delivery", func(t *txn) error {
		var endpoint, key string
		found, err := t.one(`UPDATE hook_deliveries SET state = ?, head = CASE WHEN ? = 'waiting' THEN head ELSE 0 END, tries = ?, not_before = ?, status = ?,
			reason = ?, done_at = ? WHERE seq = ? RETURNING endpoint, key`, []any{d.State, d.State, d.Tries, stamp(d.NotBefore), d.Status,
			d.Reason, stamp(d.DoneAt), d.Seq}, &endpoint, &key)
		if err != nil {
			return err
		}
		if !found {
			return portal.Fail(portal.ErrNotFound, keyNothing)
		}
		return t.markHead(endpoint, key)
	})
}

// HookDelivery gives a delivery; ErrNotFound.
func (s *Store) HookDelivery(ctx context.Context, seq int64) (portal.HookDelivery, error) {
	list, err := s.deliveries(ctx, "hook delivery", selectDeliveries+`WHERE seq = ?`, seq)
	if err != nil {
		return portal.HookDelivery{}, err
	}
	if len(list) == 0 {
		return portal.HookDelivery{}, portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return list[0], nil
}

// HookDeliveries lists an endpoint's deliveries, those in a state where that is not empty, with a Seq below before where that is not
// zero, the newest first.
func (s *Store) HookDeliveries(ctx context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	if state == "" || state == portal.HookWaiting {
		return s.deliveries(ctx, "hook deliveries", selectDeliveries+`WHERE endpoint = ? AND (? = '' OR state = ?) AND seq < ? ORDER BY seq DESC LIMIT ?`,
			endpoint, state, state, before, limit)
	}
	return s.deliveries(ctx, "hook deliveries", selectDeliveries+`WHERE endpoint = ? AND state = ? AND state <> 'waiting' AND seq < ? ORDER BY seq DESC LIMIT ?`,
		endpoint, state, before, limit)
}

// PruneHookDeliveries forgets what was delivered or given up before a time, in small writes among the others.
func (s *Store) PruneHookDeliveries(ctx context.Context, before time.Time) error {
	return s.repeat(ctx, "prune hook deliveries", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM hook_deliveries WHERE seq IN (SELECT seq FROM hook_deliveries WHERE state <> 'waiting' AND done_at < ? LIMIT ?)`,
			stamp(before), slice)
		return n == slice, err
	})
}
