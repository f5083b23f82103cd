package storage

import (
	"context"
	"time"

	"portico/app/portal"
)

// What people set about their calendars: dismissed reminders, calendars beside their own, the subscribe
// address, the last look at the answers.

// ReminderMarks gives what a person did with reminders.
func (s *Store) ReminderMarks(ctx context.Context, who portal.Address) ([]portal.ReminderMark, error) {
	var list []portal.ReminderMark
	err := s.all(ctx, "reminder marks", `SELECT id, starts_at, until FROM calendar_reminders WHERE person = ?`, []any{string(who)}, func(scan scanFunc) error {
		var (
			m            portal.ReminderMark
			start, until int64
		)
		if err := scan(&m.ID, &start, &until); err != nil {
			return err
		}
		m.Start, m.Until = instant(start), instant(until)
		list = append(list, m)
		return nil
	})
	return list, err
}

// SaveReminderMarks puts marks and forgets those whose Start is before forget.
func (s *Store) SaveReminderMarks(ctx context.Context, who portal.Address, marks []portal.ReminderMark, forget time.Time) error {
	if who == "" {
		return invalid("reminders of nobody")
	}
	return s.write(ctx, "save reminder marks", func(t *txn) error {
		if err := t.exec(`DELETE FROM calendar_reminders WHERE person = ? AND starts_at < ?`, string(who), stamp(forget)); err != nil {
			return err
		}
		for _, m := range marks {
			if err := t.exec(`INSERT INTO calendar_reminders (person, id, starts_at, until) VALUES (?, ?, ?, ?)
				ON CONFLICT (person, id) DO UPDATE SET starts_at = excluded.starts_at, until = excluded.until`,
				string(who), m.ID, stamp(m.Start), stamp(m.Until)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SharedCalendars gives the calendars that a person looks at beside their own, by owner.
func (s *Store) SharedCalendars(ctx context.Context, who portal.Address) ([]portal.CalendarRef, error) {
	var list []portal.CalendarRef
	err := s.all(ctx, "shared calendars", `SELECT owner, name, shown, added_at FROM calendar_shared WHERE person = ? ORDER BY owner`, []any{string(who)}, func(scan scanFunc) error {
		var (
			r     portal.CalendarRef
			shown int
			added int64
		)
		if err := scan(&r.Owner, &r.Name, &shown, &added); err != nil {
			return err
		}
		r.Shown, r.AddedAt = shown != 0, instant(added)
		list = append(list, r)
		return nil
	})
	return list, err
}

// SaveSharedCalendar puts a calendar beside a person's own or changes how; when it was added stays.
func (s *Store) SaveSharedCalendar(ctx context.Context, who portal.Address, ref portal.CalendarRef) error {
	if who == "" || ref.Owner == "" {
		return invalid("a shared calendar needs a reader and an owner")
	}
	return s.write(ctx, "save shared calendar", func(t *txn) error {
		return t.exec(`INSERT INTO calendar_shared (person, owner, name, shown, added_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (person, owner) DO UPDATE SET name = excluded.name, shown = excluded.shown`,
			string(who), string(ref.Owner), ref.Name, flag(ref.Shown), stamp(ref.AddedAt))
	})
}

// DeleteSharedCalendar takes a calendar away from beside a person's own.
func (s *Store) DeleteSharedCalendar(ctx context.Context, who, owner portal.Address) error {
	return s.write(ctx, "delete shared calendar", func(t *txn) error {
		return t.exec(`DELETE FROM calendar_shared WHERE person = ? AND owner = ?`, string(who), string(owner))
	})
}

// CalendarLink is a person's subscribe address; ErrNotFound.
func (s *Store) CalendarLink(ctx context.Context, who portal.Address) (portal.CalendarLink, error) {
	return s.link(ctx, `SELECT person, hash, created_at, used_at FROM calendar_links WHERE person = ?`, string(who))
}

// FindCalendarLink finds a subscribe address by the hash of its token; ErrNotFound.
func (s *Store) FindCalendarLink(ctx context.Context, hash string) (portal.CalendarLink, error) {
	return s.link(ctx, `SELECT person, hash, created_at, used_at FROM calendar_links WHERE hash = ?`, hash)
}

func (s *Store) link(ctx context.Context, query, key string) (portal.CalendarLink, error) {
	var (
		l             portal.CalendarLink
		created, used int64
	)
	found, err := s.one(ctx, "calendar link", query, []any{key}, &l.Person, &l.Hash, &created, &used)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, "calendar.no-link")
	}
	l.CreatedAt, l.UsedAt = instant(created), instant(used)
	return l, err
}

// SaveCalendarLink replaces the person's subscribe address.
func (s *Store) SaveCalendarLink(ctx context.Context, l portal.CalendarLink) error {
	if l.Person == "" || l.Hash == "" {
		return invalid("a link needs a person and a token")
	}
	return s.write(ctx, "save calendar link", func(t *txn) error {
		return t.exec(`INSERT INTO calendar_links (person, hash, created_at, used_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, used_at = excluded.used_at`,
			string(l.Person), l.Hash, stamp(l.CreatedAt), stamp(l.UsedAt))
	})
}

// NoteCalendarLink keeps when the subscribe address with this hash was last used; one that is no more stays so.
func (s *Store) NoteCalendarLink(ctx context.Context, hash string, used time.Time) error {
	return s.write(ctx, "note calendar link", func(t *txn) error {
		return t.exec(`UPDATE calendar_links SET used_at = ? WHERE hash = ?`, stamp(used), hash)
	})
}

// DeleteCalendarLink ends the person's subscribe address.
func (s *Store) DeleteCalendarLink(ctx context.Context, who portal.Address) error {
	return s.write(ctx, "delete calendar link", func(t *txn) error {
		return t.exec(`DELETE FROM calendar_links WHERE person = ?`, string(who))
	})
}

// ResponsesLook is when somebody last looked at the answers; zero: never.
func (s *Store) ResponsesLook(ctx context.Context, who portal.Address) (time.Time, error) {
	var at int64
	_, err := s.one(ctx, "look at the answers", `SELECT at FROM calendar_looks WHERE person = ?`, []any{string(who)}, &at)
	return instant(at), err
}

// SaveResponsesLook notes a look; an earlier one than is kept changes nothing.
func (s *Store) SaveResponsesLook(ctx context.Context, who portal.Address, at time.Time) error {
	if who == "" {
		return invalid("a look of nobody")
	}
	return s.write(ctx, "save look", func(t *txn) error {
		return t.exec(`INSERT INTO calendar_looks (person, at) VALUES (?, ?)
			ON CONFLICT (person) DO UPDATE SET at = excluded.at WHERE excluded.at > calendar_looks.at`, string(who), stamp(at))
	})
}
