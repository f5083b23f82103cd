package storage

import (
	"context"
	"database/sql"

	"portico/app/portal"
)

// What a person set by hand, kept over restarts.

// Manual is the state the person set by hand, whether or not its end has passed; false where there is none.
func (s *Store) Manual(ctx context.Context, who portal.Address) (portal.Manual, bool, error) {
	var (
		m            portal.Manual
		note         sql.NullString
		until, setAt int64
	)
	found, err := s.one(ctx, "manual presence",
		`SELECT availability, activity, note, until, set_at FROM presence_manual WHERE person = ?`,
		[]any{string(who)}, &m.Availability, &m.Activity, &note, &until, &setAt)
	if err != nil || !found {
		return portal.Manual{}, false, err
	}
	if note.Valid {
		m.Note = &note.String
	}
	m.Until, m.SetAt = instant(until), instant(setAt)
	return m, true, nil
}

// SaveManual keeps the state set by hand in place of an earlier one; nil deletes it.
func (s *Store) SaveManual(ctx context.Context, who portal.Address, m *portal.Manual) error {
	if who == "" {
		return invalid("presence of nobody")
	}
	if m == nil {
		return s.write(ctx, "delete manual presence", func(t *txn) error {
			return t.exec(`DELETE FROM presence_manual WHERE person = ?`, string(who))
		})
	}
	var note sql.NullString
	if m.Note != nil {
		note = sql.NullString{String: *m.Note, Valid: true}
	}
	set := *m
	return s.write(ctx, "save manual presence", func(t *txn) error {
		return t.exec(`INSERT INTO presence_manual (person, availability, activity, note, until, set_at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET availability = excluded.availability, activity = excluded.activity,
			note = excluded.note, until = excluded.until, set_at = excluded.set_at`,
			string(who), string(set.Availability), string(set.Activity), note, stamp(set.Until), stamp(set.SetAt))
	})
}

// Note is the person's note; empty where there is none.
func (s *Store) Note(ctx context.Context, who portal.Address) (string, error) {
	var note string
	_, err := s.one(ctx, "note", `SELECT note FROM presence_note WHERE person = ?`, []any{string(who)}, &note)
	return note, err
}

// SaveNote keeps the person's note in place of an earlier one; empty deletes it.
func (s *Store) SaveNote(ctx context.Context, who portal.Address, note string) error {
	if who == "" {
		return invalid("note of nobody")
	}
	return s.write(ctx, "save note", func(t *txn) error {
		if note == "" {
			return t.exec(`DELETE FROM presence_note WHERE person = ?`, string(who))
		}
		return t.exec(`INSERT INTO presence_note (person, note) VALUES (?, ?)
			ON CONFLICT (person) DO UPDATE SET note = excluded.note`, string(who), note)
	})
}
