package storage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"portico/app/portal"
)

// Legal holds, and the record of holds and of what administrators exported. The record goes with the audit trail (DropAudited).

// exportsMost bounds what is listed of the record.
const exportsMost = 1000

// Holds lists the people under legal hold.
func (s *Store) Holds(ctx context.Context) ([]portal.Hold, error) {
	list := []portal.Hold{}
	err := s.all(ctx, "holds", `SELECT who, reason, setter, at FROM history_holds ORDER BY who`, nil, func(scan scanFunc) error {
		var h portal.Hold
		var at int64
		err := scan(&h.Who, &h.Reason, &h.By, &at)
		h.At = instant(at)
		list = append(list, h)
		return err
	})
	return list, err
}

// PutHold keeps a person's archive from now on, in place of an earlier hold, and records it.
func (s *Store) PutHold(ctx context.Context, h portal.Hold) error {
	if h.Who == "" || h.By == "" || h.Reason == "" {
		return invalid("a hold needs a person, somebody who sets it, and a reason")
	}
	return s.write(ctx, "hold", func(t *txn) error {
		if err := t.exec(`INSERT INTO history_holds (who, reason, setter, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (who) DO UPDATE SET reason = excluded.reason, setter = excluded.setter, at = excluded.at`,
			string(h.Who), h.Reason, string(h.By), stamp(h.At)); err != nil {
			return err
		}
		_, err := t.logExport(portal.HistoryExport{At: h.At, By: h.By, Who: h.Who, What: portal.HistoryHeld, Reason: h.Reason})
		return err
	})
}

// DropHold lifts a hold and records it; what the person deleted meanwhile goes in the background. ErrNotFound ("history.no-hold").
func (s *Store) DropHold(ctx context.Context, who, by portal.Address, reason string) error {
	if by == "" || reason == "" {
		return invalid("lifting a hold needs somebody who does it, and a reason")
	}
	return s.write(ctx, "release", func(t *txn) error {
		n, err := t.affect(`DELETE FROM history_holds WHERE who = ?`, string(who))
		if err != nil {
			return err
		}
		if n == 0 {
			return portal.Fail(portal.ErrNotFound, keyNoHold)
		}
		if err := t.exec(`DELETE FROM history_held_spans WHERE who = ?`, string(who)); err != nil {
			return err
		}
		_, err = t.logExport(portal.HistoryExport{At: t.w.s.o.Now(), By: by, Who: who, What: portal.HistoryReleased, Reason: reason})
		return err
	})
}

// LogExport adds a line to the record and gives its number, or with a Number fills in how many Messages it came to.
func (s *Store) LogExport(ctx context.Context, x portal.HistoryExport) (number int64, err error) {
	if x.Number == 0 && (x.By == "" || x.Who == "" || x.Reason == "" || x.What == "") {
		return 0, invalid("a record needs somebody who did it, a person and a reason")
	}
	err = s.write(ctx, "record an export", func(t *txn) error {
		if x.Number != 0 {
			number = x.Number
			return t.exec(`UPDATE history_exports SET messages = ? WHERE num = ?`, x.Messages, x.Number)
		}
		number, err = t.logExport(x)
		return err
	})
	return number, err
}

func (t *txn) logExport(x portal.HistoryExport) (num int64, err error) {
	_, err = t.one(`INSERT INTO history_exports (at, setter, who, what, from_at, to_at, format, messages, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING num`,
		[]any{stamp(x.At), string(x.By), string(x.Who), x.What, stamp(x.From), stamp(x.To), x.Format, x.Messages, x.Reason}, &num)
	return num, err
}

// Exports is the record, newest first, at most limit (default and most: 1000).
func (s *Store) Exports(ctx context.Context, limit int) ([]portal.HistoryExport, error) {
	if limit <= 0 || limit > exportsMost {
		limit = exportsMost
	}
	list := []portal.HistoryExport{}
	err := s.all(ctx, "exports", `SELECT num, at, setter, who, what, from_at, to_at, format, messages, reason FROM history_exports ORDER BY num DESC LIMIT ?`,
		[]any{limit}, func(scan scanFunc) error {
			var x portal.HistoryExport
			var at, from, to int64
			err := scan(&x.Number, &at, &x.By, &x.Who, &x.What, &from, &to, &x.Format, &x.Messages, &x.Reason)
			x.At, x.From, x.To = instant(at), instant(from), instant(to)
			list = append(list, x)
			return err
		})
	return list, err
}

// pruneHeld removes what people deleted while they were under a hold that has been lifted.
func (s *Store) pruneHeld(ctx context.Context) error {
	if err := s.pruneHeldRooms(ctx); err != nil {
		return err
	}
	if err := s.repeat(ctx, "prune held copies", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM history_held WHERE (episode, ord) IN (SELECT h.episode, h.ord FROM history_held h
			WHERE h.owner IN (`+released+`) LIMIT ?)`, slice)
		return n == slice, err
	}); err != nil {
		return err
	}
	return s.repeat(ctx, "prune held episodes", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM history_episodes WHERE num IN (SELECT e.num FROM history_episodes e
			WHERE e.hidden = 1 AND e.owner IN (`+released+`) LIMIT ?)`, slice)
		return n == slice, err
	})
}

// heldTo is the place up to which a room is held: all of it where a member is under hold, else where the last one who was left. 0: nothing is.
func (t *txn) heldTo(room int64) (place int64, err error) {
	var one int
	held, err := t.one(`SELECT 1 FROM history_holds h WHERE EXISTS (SELECT 1 FROM room_members m WHERE m.room = ? AND m.who = h.who) LIMIT 1`, []any{room}, &one)
	if err != nil || held {
		return math.MaxInt64, err
	}
	_, err = t.one(`SELECT last_place FROM history_held_spans WHERE room = ? ORDER BY last_place DESC LIMIT 1`, []any{room}, &place)
	return place, err
}

// holdSpan keeps what a member under hold could read in a room, who is about to leave it.
func (t *txn) holdSpan(room int64, who portal.Address) error {
	return t.exec(`INSERT INTO history_held_spans (who, room, first, last_place)
		SELECT m.who, m.room, MAX(m.first, 1), r.last_place FROM room_members m CROSS JOIN rooms r ON r.num = m.room
		WHERE m.room = ? AND m.who = ? AND EXISTS (SELECT 1 FROM history_holds h WHERE h.who = m.who)
		ON CONFLICT (who, room, first) DO UPDATE SET last_place = excluded.last_place`, room, string(who))
}

// heldSpan is what somebody under hold could read in a room that they left.
type heldSpan struct {
	portal.RoomSpan
	last int64
}

// heldSpans puts what somebody may read now and what they could read under hold together, so that nothing is in both.
func (s *Store) heldSpans(ctx context.Context, who portal.Address, now []portal.RoomSpan) (list []heldSpan, err error) {
	at := map[portal.Address]int{}
	for _, span := range now {
		at[span.Room] = len(list)
		list = append(list, heldSpan{portal.RoomSpan{Room: span.Room, First: max(span.First, 1)}, math.MaxInt64})
	}
	// The latest first: each is put to the one after it where they meet.
	err = s.all(ctx, "held spans", `SELECT r.uri, p.first, p.last_place FROM history_held_spans p CROSS JOIN rooms r ON r.num = p.room
		WHERE p.who = ? ORDER BY p.room DESC, p.first DESC`, []any{string(who)}, func(scan scanFunc) error {
		var h heldSpan
		if err := scan(&h.Room, &h.First, &h.last); err != nil {
			return err
		}
		i, there := at[h.Room]
		if there && list[i].First <= h.last+1 {
			list[i].First, list[i].last = min(list[i].First, h.First), max(list[i].last, h.last)
			return nil
		}
		at[h.Room] = len(list)
		list = append(list, h)
		return nil
	})
	slices.SortStableFunc(list, func(a, b heldSpan) int { return cmp.Compare(a.First, b.First) }) // of one episode the earlier part first
	return list, err
}

// holdRoomText keeps what a message of a room was before it is changed or taken back, with the names of its files, where that place is
// held.
func (t *txn) holdRoomText(room int64, was portal.RoomMessage) error {
	to, err := t.heldTo(room)
	if err != nil || was.Place > to {
		return err
	}
	var text strings.Builder
	text.WriteString(was.Text)
	for _, f := range was.Files {
		if text.Len() > 0 {
			text.WriteString("\n")
		}
		text.WriteString("[" + f.Name + "]")
	}
	return t.exec(`INSERT INTO history_held_rooms (room, place, version, sender, body, said_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		room, was.Place, was.Version, string(was.From), text.String(), stamp(was.At))
}

// pruneHeldRooms removes former texts and files of rooms which nobody's hold keeps any more.
func (s *Store) pruneHeldRooms(ctx context.Context) error {
	if err := s.repeat(ctx, "prune held files of rooms", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM room_files WHERE place < 0 AND id IN (
			SELECT oldest.id FROM (SELECT id, room, place FROM room_files WHERE place < 0 ORDER BY room, place) AS oldest
			WHERE NOT EXISTS (SELECT 1 FROM history_holds h WHERE EXISTS (SELECT 1 FROM room_members m WHERE m.room = oldest.room AND m.who = h.who))
			AND NOT EXISTS (SELECT 1 FROM history_held_spans p WHERE p.room = oldest.room AND p.last_place >= -oldest.place)
			LIMIT ?)`, slice)
		return n == slice, err
	}); err != nil {
		return err
	}
	return s.repeat(ctx, "prune held texts of rooms", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM history_held_rooms WHERE (room, place, version) IN (
			SELECT oldest.room, oldest.place, oldest.version FROM (SELECT room, place, version FROM history_held_rooms ORDER BY room, place, version) AS oldest
			WHERE NOT EXISTS (SELECT 1 FROM history_holds h WHERE EXISTS (SELECT 1 FROM room_members m WHERE m.room = oldest.room AND m.who = h.who))
			AND NOT EXISTS (SELECT 1 FROM history_held_spans p WHERE p.room = oldest.room AND p.last_place >= oldest.place)
			LIMIT ?)`, slice)
		return n == slice, err
	})
}

// released are the people with hidden episodes who are under no hold.
const released = `SELECT o.owner FROM history_episodes o WHERE o.hidden = 1 AND NOT EXISTS (SELECT 1 FROM history_holds w WHERE w.who = o.owner)`

// pruneRoomEpisodes removes the episodes of rooms of which retention has left nothing.
func (s *Store) pruneRoomEpisodes(ctx context.Context) error {
	keep := s.roomRetention()
	if keep <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-keep))
	var after int64
	return s.repeat(ctx, "prune episodes of rooms", func(t *txn) (bool, error) {
		var old, empty []int64
		err := t.all(`SELECT num, EXISTS (SELECT 1 FROM room_messages m WHERE m.room = oldest.room AND m.place >= first_place AND m.place <= last_place)
			FROM (SELECT num, room, first_place, last_place, end_at FROM history_room_episodes WHERE num > ? ORDER BY num LIMIT ?) AS oldest WHERE end_at < ?`,
			[]any{after, slice, before}, func(scan scanFunc) error {
				var num int64
				var holds int
				if err := scan(&num, &holds); err != nil {
					return err
				}
				old = append(old, num)
				if holds == 0 {
					empty = append(empty, num)
				}
				return nil
			})
		if err != nil {
			return false, err
		}
		for _, num := range empty {
			for _, query := range []string{`DELETE FROM history_unseen WHERE episode = ?`, `DELETE FROM history_room_episodes WHERE num = ?`} {
				if err := t.exec(query, num); err != nil {
					return false, err
				}
			}
		}
		if len(old) > 0 {
			after = old[len(old)-1]
		}
		return len(old) == slice, nil
	})
}
