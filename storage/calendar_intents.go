package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"portico/app/portal"
)

// The changes of calendars that have been accepted and not yet carried out by the server.

// AddIntents stores intents in their order and gives them their Seq. An ID that is there already is ErrConflict.
func (s *Store) AddIntents(ctx context.Context, list []portal.Intent, evs ...portal.Addressed) ([]portal.Intent, error) {
	out := make([]portal.Intent, len(list))
	err := s.write(ctx, "add intents", func(t *txn) error {
		for i, in := range list {
			if in.ID == "" || in.Reader == "" || in.Owner == "" || in.Entry == "" {
				return invalid("an intent needs an id, a calendar and an entry")
			}
			payload, err := json.Marshal(in)
			if err != nil {
				return fmt.Errorf("encode an intent: %w", err)
			}
			in.Revision = 1
			if _, err := t.one(`INSERT INTO calendar_intents (id, reader, owner, entry, kind, state, tries, not_before, reason, made_at, revision, payload)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
				[]any{in.ID, string(in.Reader), string(in.Owner), in.Entry, string(in.Kind), string(in.State), in.Tries, stamp(in.NotBefore),
					in.Reason, stamp(in.MadeAt), in.Revision, string(payload)}, &in.Seq); err != nil {
				return err
			}
			out[i] = in
		}
		return t.log(evs...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

const selectIntents = `SELECT seq, id, reader, owner, entry, kind, state, tries, not_before, reason, made_at, revision, payload FROM calendar_intents `

// CalendarIntents gives a calendar's intents by Seq, those of one entry where that is not empty.
func (s *Store) CalendarIntents(ctx context.Context, key portal.CalendarKey, entry string) ([]portal.Intent, error) {
	query, args := selectIntents+`WHERE reader = ? AND owner = ? ORDER BY seq`, []any{string(key.Reader), string(key.Owner)}
	if entry != "" {
		query, args = selectIntents+`WHERE reader = ? AND owner = ? AND entry = ? ORDER BY seq`, append(args, entry)
	}
	return s.intents(ctx, query, args...)
}

// ReaderIntents gives all intents of a reader, calendar by calendar, by Seq.
func (s *Store) ReaderIntents(ctx context.Context, reader portal.Address) ([]portal.Intent, error) {
	return s.intents(ctx, selectIntents+`WHERE reader = ? ORDER BY owner, seq`, string(reader))
}

// NextIntent gives a calendar's first intent that has not failed; none: false.
func (s *Store) NextIntent(ctx context.Context, key portal.CalendarKey) (portal.Intent, bool, error) {
	list, err := s.intents(ctx, selectIntents+`WHERE reader = ? AND owner = ? AND state <> 'failed' ORDER BY seq LIMIT 1`, string(key.Reader), string(key.Owner))
	if err != nil || len(list) == 0 {
		return portal.Intent{}, false, err
	}
	return list[0], true, nil
}

func (s *Store) intents(ctx context.Context, query string, args ...any) ([]portal.Intent, error) {
	var list []portal.Intent
	err := s.all(ctx, "intents", query, args, func(scan scanFunc) error {
		var (
			in, row   portal.Intent
			due, made int64
			payload   []byte
		)
		if err := scan(&row.Seq, &row.ID, &row.Reader, &row.Owner, &row.Entry, &row.Kind, &row.State, &row.Tries, &due, &row.Reason, &made,
			&row.Revision, &payload); err != nil {
			return err
		}
		if err := json.Unmarshal(payload, &in); err != nil {
			return fmt.Errorf("decode intent %s: %w", row.ID, err)
		}
		in.Seq, in.ID, in.CalendarKey, in.Entry, in.Kind, in.State = row.Seq, row.ID, row.CalendarKey, row.Entry, row.Kind, row.State
		in.Tries, in.NotBefore, in.Reason, in.MadeAt, in.Revision = row.Tries, instant(due), row.Reason, instant(made), row.Revision
		list = append(list, in)
		return nil
	})
	return list, err
}

// SaveIntent replaces an intent where it still has the given Revision (else ErrConflict) and raises that.
func (s *Store) SaveIntent(ctx context.Context, in portal.Intent, evs ...portal.Addressed) (portal.Intent, error) {
	err := s.write(ctx, "save intent", func(t *txn) error {
		payload, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode an intent: %w", err)
		}
		n, err := t.affect(`UPDATE calendar_intents SET state = ?, tries = ?, not_before = ?, reason = ?, made_at = ?, revision = revision + 1, payload = ?
			WHERE id = ? AND reader = ? AND owner = ? AND revision = ?`,
			string(in.State), in.Tries, stamp(in.NotBefore), in.Reason, stamp(in.MadeAt), string(payload), in.ID, string(in.Reader), string(in.Owner), in.Revision)
		if err != nil {
			return err
		}
		if n == 0 {
			return portal.Fail(portal.ErrConflict, keyNoIntent)
		}
		return t.log(evs...)
	})
	if err != nil {
		return portal.Intent{}, err
	}
	in.Revision++
	return in, nil
}

// EndIntents removes intents of a calendar and stores what came of them in its mirror.
func (s *Store) EndIntents(ctx context.Context, key portal.CalendarKey, ids []string, put *portal.KeptEntry, gone []string, evs ...portal.Addressed) error {
	return s.write(ctx, "end intents", func(t *txn) error {
		if err := t.dropIntents(key, ids); err != nil {
			return err
		}
		if put != nil || len(gone) > 0 {
			calendar, generation, err := t.calendar(key)
			if err != nil {
				return err
			}
			if err := t.dropEntries(calendar, gone); err != nil {
				return err
			}
			if put != nil {
				if err := t.putEntry(calendar, generation, put); err != nil {
					return err
				}
			}
		}
		return t.log(evs...)
	})
}

// calendar finds a mirror, making it where it never was read.
func (t *txn) calendar(key portal.CalendarKey) (id, generation int64, err error) {
	if err := t.exec(`INSERT INTO calendars (reader, owner, state, loaded, generation, sweeping, forbidden, synced_at) VALUES (?, ?, '', 0, 0, 0, 0, 0)
		ON CONFLICT (reader, owner) DO NOTHING`, string(key.Reader), string(key.Owner)); err != nil {
		return 0, 0, err
	}
	_, err = t.one(`SELECT id, generation FROM calendars WHERE reader = ? AND owner = ?`, []any{string(key.Reader), string(key.Owner)}, &id, &generation)
	return id, generation, err
}

func (t *txn) dropIntents(key portal.CalendarKey, ids []string) error {
	for _, id := range ids {
		if err := t.exec(`DELETE FROM calendar_intents WHERE id = ? AND reader = ? AND owner = ?`, id, string(key.Reader), string(key.Owner)); err != nil {
			return err
		}
	}
	return nil
}

// IntentCalendars gives the calendars that have intents.
func (s *Store) IntentCalendars(ctx context.Context) ([]portal.CalendarKey, error) {
	var keys []portal.CalendarKey
	var k portal.CalendarKey
	for {
		// From one calendar to the next through the index; the intents themselves are not read.
		found, err := s.one(ctx, "calendars with intents", `SELECT reader, owner FROM calendar_intents WHERE (reader, owner) > (?, ?) ORDER BY reader, owner LIMIT 1`,
			[]any{string(k.Reader), string(k.Owner)}, &k.Reader, &k.Owner)
		if err != nil || !found {
			return keys, err
		}
		keys = append(keys, k)
	}
}

// CountIntents counts a reader's intents that wait and those that failed.
func (s *Store) CountIntents(ctx context.Context, reader portal.Address) (waiting, failed int, err error) {
	var all int
	_, err = s.one(ctx, "count intents", `SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) FROM calendar_intents WHERE reader = ?`,
		[]any{string(reader)}, &all, &failed)
	return all - failed, failed, err
}
