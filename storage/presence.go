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
		m                       portal.Manual
		note                    sql.NullString
		until, setAt, noteUntil int64
	)
	found, err := s.one(ctx, "manual presence",
		`SELECT availability, activity, note, note_until, until, set_at FROM presence_manual WHERE person = ?`,
		[]any{string(who)}, &m.Availability, &m.Activity, &note, &noteUntil, &until, &setAt)
	if err != nil || !found {
		return portal.Manual{}, false, err
	}
	if note.Valid {
		m.Note = &note.String
	}
	m.Until, m.SetAt, m.NoteUntil = instant(until), instant(setAt), instant(noteUntil)
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
		return t.exec(`INSERT INTO presence_manual (person, availability, activity, note, note_until, until, set_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET availability = excluded.availability, activity = excluded.activity,
			note = excluded.note, note_until = excluded.note_until, until = excluded.until, set_at = excluded.set_at`,
			string(who), string(set.Availability), string(set.Activity), note, stamp(set.NoteUntil), stamp(set.Until), stamp(set.SetAt))
	})
}

// Note is the person's note, whether or not its end has passed; the zero note where there is none.
func (s *Store) Note(ctx context.Context, who portal.Address) (portal.PersonalNote, error) {
	var (
		note  portal.PersonalNote
		until int64
	)
	_, err := s.one(ctx, "note", `SELECT note, until FROM presence_note WHERE person = ?`, []any{string(who)}, &note.Text, &until)
	note.Until = instant(until)
	return note, err
}

// SaveNote keeps the person's note in place of an earlier one; one without a text deletes it.
func (s *Store) SaveNote(ctx context.Context, who portal.Address, note portal.PersonalNote) error {
	if who == "" {
		return invalid("note of nobody")
	}
	return s.write(ctx, "save note", func(t *txn) error {
		if note.Text == "" {
			return t.exec(`DELETE FROM presence_note WHERE person = ?`, string(who))
		}
		return t.exec(`INSERT INTO presence_note (person, note, until) VALUES (?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET note = excluded.note, until = excluded.until`, string(who), note.Text, stamp(note.Until))
	})
}

// Whereabouts is where the person says they are; the zero value where they never said.
func (s *Store) Whereabouts(ctx context.Context, who portal.Address) (portal.Whereabouts, error) {
	var w portal.Whereabouts
	_, err := s.one(ctx, "whereabouts", `SELECT location, time_zone FROM presence_whereabouts WHERE person = ?`,
		[]any{string(who)}, &w.Location, &w.TimeZone)
	return w, err
}

// SaveWhereabouts keeps where the person says they are in place of what they said before; the zero value deletes it.
func (s *Store) SaveWhereabouts(ctx context.Context, who portal.Address, w portal.Whereabouts) error {
	if who == "" {
		return invalid("whereabouts of nobody")
	}
	return s.write(ctx, "save whereabouts", func(t *txn) error {
		if w == (portal.Whereabouts{}) {
			return t.exec(`DELETE FROM presence_whereabouts WHERE person = ?`, string(who))
		}
		return t.exec(`INSERT INTO presence_whereabouts (person, location, time_zone) VALUES (?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET location = excluded.location, time_zone = excluded.time_zone`,
			string(who), w.Location, w.TimeZone)
	})
}
