package storage

import (
	"context"
	"strings"

	"portico/app/portal"
)

// Rooms and who is in them. A room is one row, named by a number for everything that belongs to it, so that its address can change;
// a membership is one row, and with it goes what the member follows in the event log (see follow.go).

// Error keys of rooms, each with a sentence in the catalogues.
const (
	keyNoRoom     = "room.not-found"
	keyRoomExists = "room.exists"
	keyManyPins   = "room.pins-many"
	keyNoFile     = "file.not-found"
)

// asker reads rows, on a reading connection or inside the running transaction.
type asker func(query string, args []any, each func(scan scanFunc) error) error

// asks reads from the pool; what names the operation for the operator.
func (s *Store) asks(ctx context.Context, what string) asker {
	return func(query string, args []any, each func(scanFunc) error) error {
		return s.all(ctx, what, query, args, each)
	}
}

// roomNum gives the number of a room; ErrNotFound.
func (ask asker) roomNum(room portal.Address) (num int64, err error) {
	err = ask(`SELECT num FROM rooms WHERE uri = ?`, []any{string(room)}, func(scan scanFunc) error { return scan(&num) })
	if err == nil && num == 0 {
		err = portal.Fail(portal.ErrNotFound, keyNoRoom)
	}
	return num, err
}

// LoadRooms gives all rooms, each with its counts.
func (s *Store) LoadRooms(ctx context.Context, each func(portal.Room) error) error {
	return s.all(ctx, "load rooms", `SELECT uri, name, title, topic, kind, access, presenters_only, history_days, archived, members,
		last_place, last_at, created_by, created_at, version FROM rooms ORDER BY num`, nil, func(scan scanFunc) error {
		var (
			r                    portal.Room
			presenters, archived int
			lastAt, createdAt    int64
		)
		if err := scan(&r.URI, &r.Name, &r.Title, &r.Topic, &r.Kind, &r.Access, &presenters, &r.HistoryDays, &archived, &r.Members,
			&r.Last, &lastAt, &r.CreatedBy, &createdAt, &r.Version); err != nil {
			return err
		}
		r.PresentersOnly, r.Archived = presenters != 0, archived != 0
		r.LastAt, r.CreatedAt = instant(lastAt), instant(createdAt)
		return each(r)
	})
}

// LoadFormer gives the addresses that rooms had before, each with the present one of its room.
func (s *Store) LoadFormer(ctx context.Context, each func(former, room portal.Address) error) error {
	return s.all(ctx, "load former addresses", `SELECT f.uri, r.uri FROM room_former f CROSS JOIN rooms r ON r.num = f.room ORDER BY f.uri`,
		nil, func(scan scanFunc) error {
			var former, room portal.Address
			if err := scan(&former, &room); err != nil {
				return err
			}
			return each(former, room)
		})
}

// LoadMembers gives all memberships, those of a room together.
func (s *Store) LoadMembers(ctx context.Context, each func(portal.Membership) error) error {
	return s.all(ctx, "load members", `SELECT r.uri, m.who, m.role, m.notify, m.sip, m.first, m.read_up_to, m.joined_at
		FROM room_members m CROSS JOIN rooms r ON r.num = m.room ORDER BY m.room, m.who`, nil, func(scan scanFunc) error {
		var (
			m        portal.Membership
			sip      int
			joinedAt int64
		)
		if err := scan(&m.Room, &m.Who, &m.Role, &m.Notify, &sip, &m.First, &m.ReadUpTo, &joinedAt); err != nil {
			return err
		}
		m.SIP, m.JoinedAt = sip != 0, instant(joinedAt)
		return each(m)
	})
}

// CreateRoom stores a new room with its members, who follow it from its first event on; ErrConflict where the address is another
// room's, or was one's. Its counts are those of the members and of no messages.
func (s *Store) CreateRoom(ctx context.Context, r portal.Room, members []portal.Membership, evs ...portal.Addressed) error {
	if err := checkRoom(r); err != nil {
		return err
	}
	return s.write(ctx, "create room", func(t *txn) error {
		if err := t.freeAddress(r.URI, 0); err != nil {
			return err
		}
		var num int64
		if _, err := t.one(`INSERT INTO rooms (uri, name, title, topic, kind, access, presenters_only, history_days, archived, members,
			last_place, last_at, last_pin, created_by, created_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?) RETURNING num`,
			[]any{string(r.URI), r.Name, r.Title, r.Topic, string(r.Kind), string(r.Access), flag(r.PresentersOnly), r.HistoryDays,
				flag(r.Archived), string(r.CreatedBy), stamp(r.CreatedAt), r.Version}, &num); err != nil {
			return err
		}
		for _, m := range members {
			m.Room = r.URI
			if err := t.putMember(num, m); err != nil {
				return err
			}
		}
		return t.log(evs...)
	})
}

func checkRoom(r portal.Room) error {
	if r.URI == "" || r.Kind == "" || !r.Access.Valid() {
		return invalid("a room needs an address, a kind and an access")
	}
	return nil
}

// freeAddress is an error where an address is, or was, that of another room than num.
func (t *txn) freeAddress(uri portal.Address, num int64) error {
	var other int64
	taken, err := t.one(`SELECT num FROM rooms WHERE uri = ? AND num <> ?
		UNION ALL SELECT room FROM room_former WHERE uri = ? AND room <> ? LIMIT 1`, []any{string(uri), num, string(uri), num}, &other)
	if err == nil && taken {
		err = portal.Fail(portal.ErrConflict, keyRoomExists)
	}
	return err
}

// PutRoom replaces a room's settings, not its counts; ErrNotFound. Where renamed is its former address, everything of the room moves
// to the new one (ErrConflict where that is taken), the events of this call reach its followers under either address, and the former
// one stays reserved.
func (s *Store) PutRoom(ctx context.Context, r portal.Room, renamed portal.Address, evs ...portal.Addressed) error {
	if err := checkRoom(r); err != nil {
		return err
	}
	return s.write(ctx, "put room", func(t *txn) error {
		was := r.URI
		if renamed != "" {
			was = renamed
		}
		num, err := asker(t.all).roomNum(was)
		if err != nil {
			return err
		}
		if err := t.exec(`UPDATE rooms SET name = ?, title = ?, topic = ?, kind = ?, access = ?, presenters_only = ?, history_days = ?,
			archived = ?, version = ? WHERE num = ?`, r.Name, r.Title, r.Topic, string(r.Kind), string(r.Access), flag(r.PresentersOnly),
			r.HistoryDays, flag(r.Archived), r.Version, num); err != nil {
			return err
		}
		if was == r.URI {
			return t.log(evs...)
		}
		if err := t.renameRoom(num, was, r.URI); err != nil {
			return err
		}
		return t.moveFollowers(was, r.URI, func() error { return t.log(evs...) })
	})
}

func (t *txn) renameRoom(num int64, was, uri portal.Address) error {
	if err := t.freeAddress(uri, num); err != nil {
		return err
	}
	if err := t.exec(`UPDATE rooms SET uri = ? WHERE num = ?`, string(uri), num); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM room_former WHERE uri = ?`, string(uri)); err != nil { // one that it had before
		return err
	}
	return t.exec(`INSERT INTO room_former (uri, room) VALUES (?, ?)`, string(was), num)
}

// PutMember adds a member or replaces the membership, of which only the read mark never goes back; ErrNotFound where there is no such
// room. The events of this call are the member's already.
func (s *Store) PutMember(ctx context.Context, m portal.Membership, evs ...portal.Addressed) error {
	return s.write(ctx, "put member", func(t *txn) error {
		num, err := asker(t.all).roomNum(m.Room)
		if err != nil {
			return err
		}
		if err := t.putMember(num, m); err != nil {
			return err
		}
		return t.log(evs...)
	})
}

func (t *txn) putMember(num int64, m portal.Membership) error {
	if m.Who == "" || !m.Role.Valid() || !m.Notify.Valid() {
		return invalid("a member needs an address, a role and a way of being notified")
	}
	var readUpTo int64
	there, err := t.one(`SELECT read_up_to FROM room_members WHERE room = ? AND who = ?`, []any{num, string(m.Who)}, &readUpTo)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO room_members (room, who, role, notify, sip, first, read_up_to, joined_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (room, who) DO UPDATE SET role = excluded.role, notify = excluded.notify, sip = excluded.sip, first = excluded.first,
		read_up_to = excluded.read_up_to, joined_at = excluded.joined_at`, num, string(m.Who), string(m.Role), string(m.Notify),
		flag(m.SIP), m.First, max(m.ReadUpTo, readUpTo), stamp(m.JoinedAt)); err != nil {
		return err
	}
	if there {
		return nil
	}
	if err := t.exec(`UPDATE rooms SET members = members + 1 WHERE num = ?`, num); err != nil {
		return err
	}
	return t.follow(m.Who, m.Room)
}

// DropMember ends a membership; the events of this call are not that member's any more. Who is no member is none afterwards: that is
// no error, and nothing is logged. ErrNotFound where there is no such room.
func (s *Store) DropMember(ctx context.Context, room, who portal.Address, evs ...portal.Addressed) error {
	return s.write(ctx, "drop member", func(t *txn) error {
		num, err := asker(t.all).roomNum(room)
		if err != nil {
			return err
		}
		if err := t.holdSpan(num, who); err != nil {
			return err
		}
		n, err := t.affect(`DELETE FROM room_members WHERE room = ? AND who = ?`, num, string(who))
		if err != nil || n == 0 {
			return err
		}
		if err := t.exec(`UPDATE rooms SET members = members - 1 WHERE num = ?`, num); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM room_mentions WHERE room = ? AND who = ?`, num, string(who)); err != nil {
			return err
		}
		if err := t.unfollow(who, room); err != nil {
			return err
		}
		return t.log(evs...)
	})
}

// LoadWords gives the words that people watch, of everybody who has any.
func (s *Store) LoadWords(ctx context.Context, each func(who portal.Address, words []string) error) error {
	return s.all(ctx, "load words", `SELECT who, words FROM room_watched ORDER BY who`, nil, func(scan scanFunc) error {
		var (
			who   portal.Address
			words string
		)
		if err := scan(&who, &words); err != nil {
			return err
		}
		return each(who, strings.Split(words, "\n"))
	})
}

// PutWords replaces the words that a person watches; none: they watch none.
func (s *Store) PutWords(ctx context.Context, who portal.Address, words []string) error {
	for _, word := range words {
		if word == "" || strings.Contains(word, "\n") {
			return invalid("a word to watch is one line")
		}
	}
	return s.write(ctx, "put words", func(t *txn) error {
		if len(words) == 0 {
			return t.exec(`DELETE FROM room_watched WHERE who = ?`, string(who))
		}
		return t.exec(`INSERT INTO room_watched (who, words) VALUES (?, ?) ON CONFLICT (who) DO UPDATE SET words = excluded.words`,
			string(who), strings.Join(words, "\n"))
	})
}
