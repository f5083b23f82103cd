package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// The mirrors of calendars: entries whole as JSON, with the columns that they are found by.

const (
	keyNoEntry  = "calendar.not-found"
	keyNoIntent = "calendar.intent-gone"
)

// lastingAbove is the length above which an entry is found by its end: few are, so that a window of the
// others is one short stretch of the index by start.
const lastingAbove = 48 * time.Hour

// entryForm is an entry as it is stored: with what JSON leaves out.
type entryForm struct {
	portal.Entry
	HTML          string              `json:"body_html,omitempty"`
	ExceptionHTML []string            `json:"exception_html,omitempty"`
	News          []portal.AnswerNews `json:"news,omitempty"`
}

func encodeEntry(k portal.KeptEntry) (string, error) {
	f := entryForm{Entry: k.Entry, HTML: k.BodyHTML, News: k.News}
	if slices.ContainsFunc(k.Exceptions, func(a portal.Appointment) bool { return a.BodyHTML != "" }) {
		for _, a := range k.Exceptions {
			f.ExceptionHTML = append(f.ExceptionHTML, a.BodyHTML)
		}
	}
	data, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode an entry: %w", err)
	}
	return string(data), nil
}

func decodeEntry(payload []byte, from, until int64) (portal.KeptEntry, error) {
	var f entryForm
	if err := json.Unmarshal(payload, &f); err != nil {
		return portal.KeptEntry{}, fmt.Errorf("decode an entry: %w", err)
	}
	f.BodyHTML = f.HTML
	for i, html := range f.ExceptionHTML {
		if i < len(f.Exceptions) {
			f.Exceptions[i].BodyHTML = html
		}
	}
	return portal.KeptEntry{Entry: f.Entry, From: instant(from), Until: instant(until), News: f.News}, nil
}

// CalendarMirror is how far a calendar has been read; the zero state where it never was.
func (s *Store) CalendarMirror(ctx context.Context, key portal.CalendarKey) (portal.Mirror, error) {
	m := portal.Mirror{CalendarKey: key}
	var (
		loaded, sweeping, forbidden int
		synced                      int64
	)
	_, err := s.one(ctx, "calendar", `SELECT state, loaded, generation, sweeping, forbidden, synced_at FROM calendars WHERE reader = ? AND owner = ?`,
		[]any{string(key.Reader), string(key.Owner)}, &m.State, &loaded, &m.Generation, &sweeping, &forbidden, &synced)
	m.Loaded, m.Sweeping, m.Forbidden, m.SyncedAt = loaded != 0, sweeping != 0, forbidden != 0, instant(synced)
	return m, err
}

// SaveCalendar stores one step of reading. An entry that is put replaces the one of its RemoteID.
func (s *Store) SaveCalendar(ctx context.Context, c portal.MirrorChange, evs ...portal.Addressed) error {
	m := c.Mirror
	if m.Reader == "" || m.Owner == "" {
		return invalid("a calendar needs a reader and an owner")
	}
	return s.write(ctx, "save calendar", func(t *txn) error {
		var id int64
		if _, err := t.one(`INSERT INTO calendars (reader, owner, state, loaded, generation, sweeping, forbidden, synced_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (reader, owner) DO UPDATE SET state = excluded.state, loaded = excluded.loaded, generation = excluded.generation,
			sweeping = excluded.sweeping, forbidden = excluded.forbidden, synced_at = excluded.synced_at RETURNING id`,
			[]any{string(m.Reader), string(m.Owner), m.State, flag(m.Loaded), m.Generation, flag(m.Sweeping), flag(m.Forbidden), stamp(m.SyncedAt)}, &id); err != nil {
			return err
		}
		for i := range c.Put {
			if err := t.putEntry(id, m.Generation, &c.Put[i]); err != nil {
				return err
			}
		}
		if err := t.dropEntries(id, c.Gone); err != nil {
			return err
		}
		if err := t.dropIntents(m.CalendarKey, c.Done); err != nil {
			return err
		}
		return t.log(evs...)
	})
}

func (t *txn) putEntry(calendar, generation int64, k *portal.KeptEntry) error {
	if k.ID == "" || k.RemoteID == "" {
		return invalid("an entry needs both its ids")
	}
	payload, err := encodeEntry(*k)
	if err != nil {
		return err
	}
	from, until := stamp(k.From), stamp(k.Until)
	lasting := flag(k.Until.Sub(k.From) > lastingAbove || k.Recurrence != "")
	n, err := t.affect(`UPDATE calendar_entries SET id = ?, uid = ?, generation = ?, starts_at = ?, ends_at = ?, lasting = ?, payload = ?
		WHERE calendar = ? AND remote_id = ?`, k.ID, k.UID, generation, from, until, lasting, payload, calendar, k.RemoteID)
	if err != nil || n > 0 {
		return err
	}
	return t.exec(`INSERT INTO calendar_entries (calendar, id, remote_id, uid, generation, starts_at, ends_at, lasting, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (calendar, id) DO UPDATE SET remote_id = excluded.remote_id, uid = excluded.uid,
		generation = excluded.generation, starts_at = excluded.starts_at, ends_at = excluded.ends_at, lasting = excluded.lasting, payload = excluded.payload`,
		calendar, k.ID, k.RemoteID, k.UID, generation, from, until, lasting, payload)
}

func (t *txn) dropEntries(calendar int64, remoteIDs []string) error {
	for _, remote := range remoteIDs {
		if err := t.exec(`DELETE FROM calendar_entries WHERE calendar = ? AND remote_id = ?`, calendar, remote); err != nil {
			return err
		}
	}
	return nil
}

// DropCalendar forgets a mirror with its entries; its intents stay.
func (s *Store) DropCalendar(ctx context.Context, key portal.CalendarKey, evs ...portal.Addressed) error {
	return s.write(ctx, "drop calendar", func(t *txn) error {
		n, err := t.affect(`DELETE FROM calendars WHERE reader = ? AND owner = ?`, string(key.Reader), string(key.Owner))
		if err != nil || n == 0 {
			return err
		}
		return t.log(evs...)
	})
}

// CalendarWindow gives the entries of which anything may lie in from ≤ t < to, by From.
func (s *Store) CalendarWindow(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.KeptEntry, error) {
	var list []portal.KeptEntry
	add := func(scan scanFunc) error {
		k, err := scanEntry(scan)
		list = append(list, k)
		return err
	}
	reader, owner := string(key.Reader), string(key.Owner)
	// Each by the index that ends soonest: the short ones by their start, the lasting ones by their end.
	err := s.all(ctx, "calendar window", `SELECT payload, starts_at, ends_at FROM calendar_entries
		WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND lasting = 0 AND starts_at >= ? AND starts_at < ? AND +ends_at >= ?`,
		[]any{reader, owner, stamp(from.Add(-lastingAbove)), stamp(to), stamp(from)}, add)
	if err != nil {
		return nil, err
	}
	err = s.all(ctx, "calendar window", `SELECT payload, starts_at, ends_at FROM calendar_entries
		WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND lasting = 1 AND ends_at >= ? AND +starts_at < ?`,
		[]any{reader, owner, stamp(from), stamp(to)}, add)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b portal.KeptEntry) int { return a.From.Compare(b.From) })
	return list, nil
}

func scanEntry(scan scanFunc) (portal.KeptEntry, error) {
	var (
		payload     []byte
		from, until int64
	)
	if err := scan(&payload, &from, &until); err != nil {
		return portal.KeptEntry{}, err
	}
	return decodeEntry(payload, from, until)
}

// CalendarEntry is one entry of a mirror; ErrNotFound.
func (s *Store) CalendarEntry(ctx context.Context, key portal.CalendarKey, id string) (portal.KeptEntry, error) {
	return s.entry(ctx, `SELECT payload, starts_at, ends_at FROM calendar_entries
		WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND id = ?`, key, id)
}

func (s *Store) entry(ctx context.Context, query string, key portal.CalendarKey, id string) (portal.KeptEntry, error) {
	var k portal.KeptEntry
	found := false
	err := s.all(ctx, "calendar entry", query, []any{string(key.Reader), string(key.Owner), id}, func(scan scanFunc) (err error) {
		found = true
		k, err = scanEntry(scan)
		return err
	})
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNoEntry)
	}
	return k, err
}

// CalendarEntries finds entries by their RemoteIDs; those that are not there are left out.
func (s *Store) CalendarEntries(ctx context.Context, key portal.CalendarKey, remoteIDs []string) ([]portal.KeptEntry, error) {
	var list []portal.KeptEntry
	for _, remote := range remoteIDs {
		k, err := s.entry(ctx, `SELECT payload, starts_at, ends_at FROM calendar_entries
			WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND remote_id = ?`, key, remote)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// CalendarUIDs gives those of the UIDs that have an entry, with its ID.
func (s *Store) CalendarUIDs(ctx context.Context, key portal.CalendarKey, uids []string) (map[string]string, error) {
	found := map[string]string{}
	for _, uid := range uids {
		var id string
		ok, err := s.one(ctx, "calendar uids", `SELECT id FROM calendar_entries
			WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND uid = ?`,
			[]any{string(key.Reader), string(key.Owner), uid}, &id)
		if err != nil {
			return nil, err
		}
		if ok {
			found[uid] = id
		}
	}
	return found, nil
}

// FindCalendarEntry gives the mirrors in which an entry of this ID stands.
func (s *Store) FindCalendarEntry(ctx context.Context, id string) ([]portal.CalendarKey, error) {
	var keys []portal.CalendarKey
	err := s.all(ctx, "find calendar entry", `SELECT c.reader, c.owner FROM calendar_entries e JOIN calendars c ON c.id = e.calendar WHERE e.id = ?`,
		[]any{id}, func(scan scanFunc) error {
			var k portal.CalendarKey
			err := scan(&k.Reader, &k.Owner)
			keys = append(keys, k)
			return err
		})
	return keys, err
}

// StaleCalendarEntries gives up to limit entries of a generation before the given one.
func (s *Store) StaleCalendarEntries(ctx context.Context, key portal.CalendarKey, generation int64, limit int) ([]portal.KeptEntry, error) {
	var list []portal.KeptEntry
	err := s.all(ctx, "stale calendar entries", `SELECT payload, starts_at, ends_at FROM calendar_entries
		WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND generation < ? LIMIT ?`,
		[]any{string(key.Reader), string(key.Owner), generation, limit}, func(scan scanFunc) error {
			k, err := scanEntry(scan)
			list = append(list, k)
			return err
		})
	return list, err
}

// StaleCalendarUIDs gives the entries of a generation before the given one that have one of the UIDs.
func (s *Store) StaleCalendarUIDs(ctx context.Context, key portal.CalendarKey, generation int64, uids []string) ([]portal.KeptEntry, error) {
	var list []portal.KeptEntry
	for _, uid := range slices.Compact(slices.Sorted(slices.Values(uids))) {
		first := len(list)
		err := s.all(ctx, "stale calendar uids", `SELECT payload, starts_at, ends_at FROM calendar_entries
			WHERE calendar = (SELECT id FROM calendars WHERE reader = ? AND owner = ?) AND uid = ? AND +generation < ?`,
			[]any{string(key.Reader), string(key.Owner), uid, generation}, func(scan scanFunc) error {
				k, err := scanEntry(scan)
				list = append(list, k)
				return err
			})
		if err != nil {
			return nil, err
		}
		// Sorted here: asked for the order, the engine takes the key's index and reads the whole calendar.
		slices.SortFunc(list[first:], func(a, b portal.KeptEntry) int { return strings.Compare(a.ID, b.ID) })
	}
	return list, nil
}
