package storage

import (
	"context"
	"slices"
	"strings"

	"portico/app/portal"
)

// What is said in rooms: storing it, in one place of the room's one order. What is written does not depend on how many are in the
// room: the message, its words, the room's newest, the sender's read mark, the event, and a row for each one who is named.

// AddRoomMessage gives m the next place of its room and stores it, once for (Room, From, ID): a repeat changes nothing, logs nothing
// and gives the message that is there (created false). Place and At are filled in, in a MessageEvent about it too: At is never before that
// of the message before, so that the order of places is that of times. Its files are those
// that the sender has put into the room and not used (ErrNotFound, "file.not-found", for another one); what it answers is there
// (ErrNotFound, "message.not-found"). Named are told by LoadMentions until they have read it; the sender has read all up to it.
func (s *Store) AddRoomMessage(ctx context.Context, m portal.RoomMessage, named []portal.Address, evs ...portal.Addressed) (stored portal.RoomMessage, created bool, err error) {
	if err := checkRoomMessage(m); err != nil {
		return portal.RoomMessage{}, false, err
	}
	err = s.write(ctx, "add room message", func(t *txn) error {
		stored, created, err = t.addRoomMessage(m, named, evs)
		return err
	})
	if err != nil {
		return portal.RoomMessage{}, false, err
	}
	return stored, created, nil
}

func checkRoomMessage(m portal.RoomMessage) error {
	if m.Room == "" || m.From == "" || m.ID == "" {
		return invalid("a message needs a room, a sender and an id")
	}
	return checkMentions(m.Mentions)
}

func checkMentions(list []portal.Address) error {
	if slices.ContainsFunc(list, func(a portal.Address) bool { return a == "" || strings.Contains(string(a), "\n") }) {
		return invalid("a mention is an address")
	}
	return nil
}

func (t *txn) addRoomMessage(m portal.RoomMessage, named []portal.Address, evs []portal.Addressed) (portal.RoomMessage, bool, error) {
	ask := asker(t.all)
	num, err := ask.roomNum(m.Room)
	if err != nil {
		return m, false, err
	}
	was, err := ask.roomMessages(m.Room, num, 0, selectRoomID, string(m.From), m.ID)
	if err != nil {
		return m, false, err
	}
	if len(was) > 0 {
		return was[0].m, false, nil
	}
	at := stamp(m.At)
	if _, err := t.one(`UPDATE rooms SET last_place = last_place + 1, last_at = CASE WHEN last_at > ? THEN last_at ELSE ? END
		WHERE num = ? RETURNING last_place, last_at`, []any{at, at, num}, &m.Place, &at); err != nil {
		return m, false, err
	}
	m.At = instant(at)
	if err := t.insertRoomMessage(num, m); err != nil {
		return m, false, err
	}
	if err := t.roomEpisode(num, m.Place, m.At); err != nil {
		return m, false, err
	}
	for pos, f := range m.Files {
		n, err := t.affect(`UPDATE room_files SET place = ?, pos = ? WHERE id = ? AND room = ? AND who = ? AND place = 0`,
			m.Place, pos, f.ID, num, string(m.From))
		if err == nil && n == 0 {
			err = portal.Fail(portal.ErrNotFound, keyNoFile)
		}
		if err != nil {
			return m, false, err
		}
	}
	for _, who := range named {
		if err := t.mention(num, who, m.Place); err != nil {
			return m, false, err
		}
	}
	if _, err := t.readRoom(num, m.From, m.Place); err != nil {
		return m, false, err
	}
	r, err := ask.oneRoomMessage(m.Room, num, selectRoomMessage, m.Place)
	if err == nil && m.Replies > 0 && r.m.Quote == nil {
		err = portal.Fail(portal.ErrNotFound, keyNoMessage)
	}
	if err != nil {
		return m, false, err
	}
	return r.m, true, t.log(placedInRoom(r.m, evs)...)
}

func (t *txn) insertRoomMessage(num int64, m portal.RoomMessage) error {
	var seq int64
	if _, err := t.one(`INSERT INTO room_messages (room, place, sender, id, body, said_at, stored_at, replies, edited_at, deleted_at,
		deleted_by, pin, mentions, mentions_all, files, reactions, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, ?, ?, ?, 0, 1) RETURNING seq`,
		[]any{num, m.Place, string(m.From), m.ID, m.Text, stamp(m.At), stamp(t.w.s.o.Now()), m.Replies, joined(m.Mentions),
			flag(m.MentionsAll), flag(len(m.Files) > 0)}, &seq); err != nil {
		return err
	}
	return t.indexRoomWords(num, seq, m.Text)
}

// indexRoomWords puts the words of a new text into the index.
func (t *txn) indexRoomWords(num, seq int64, text string) error {
	words := ftsIndexed(ftsScope(num), text)
	if words == "" {
		return nil
	}
	return t.exec(`INSERT INTO room_words (rowid, words) VALUES (?, ?)`, seq, words)
}

// dropRoomWords takes a text's words out of the index.
func (t *txn) dropRoomWords(seq int64) error {
	return t.exec(`DELETE FROM room_words WHERE rowid = ?`, seq)
}

// mention notes that an unread message names a member; of one who is none, or has read it, nothing is noted.
func (t *txn) mention(num int64, who portal.Address, place int64) error {
	return t.exec(`INSERT INTO room_mentions (room, who, place)
		SELECT room, who, ? FROM room_members WHERE room = ? AND who = ? AND read_up_to < ?
		ON CONFLICT (room, who, place) DO NOTHING`, place, num, string(who), place)
}

// placedInRoom gives the events about m what it was stored as; one without a quote stays so, it is for who may not read that.
func placedInRoom(m portal.RoomMessage, evs []portal.Addressed) []portal.Addressed {
	evs = slices.Clone(evs)
	for i, ev := range evs {
		if e, ok := ev.Event.(portal.MessageEvent); ok && e.Room != nil && e.ID == m.ID && e.From == m.From {
			stored := m
			if e.Room.Quote == nil {
				stored.Quote = nil
			}
			e.Room, e.Order, e.At = &stored, m.Place, m.At
			evs[i].Event = e
		}
	}
	return evs
}

// readRoom moves a member's read mark forward and takes the mentions up to it away; moved is false where it was there already, or who is
// no member.
func (t *txn) readRoom(num int64, who portal.Address, upTo int64) (moved bool, err error) {
	n, err := t.affect(`UPDATE room_members SET read_up_to = ? WHERE room = ? AND who = ? AND read_up_to < ?`, upTo, num, string(who), upTo)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.exec(`DELETE FROM room_mentions WHERE room = ? AND who = ? AND place <= ?`, num, string(who), upTo)
}

// MarkRoomRead moves a read mark forward to a place (zero or beyond the newest: to the newest) and takes the mentions up to it away.
// Where it does not move nothing is logged. ErrNotFound where there is no such room.
func (s *Store) MarkRoomRead(ctx context.Context, room, who portal.Address, upTo int64, evs ...portal.Addressed) error {
	return s.write(ctx, "mark room read", func(t *txn) error {
		var num, last int64
		found, err := t.one(`SELECT num, last_place FROM rooms WHERE uri = ?`, []any{string(room)}, &num, &last)
		if err == nil && !found {
			err = portal.Fail(portal.ErrNotFound, keyNoRoom)
		}
		if err != nil {
			return err
		}
		if upTo <= 0 || upTo > last {
			upTo = last
		}
		moved, err := t.readRoom(num, who, upTo)
		if err != nil || !moved {
			return err
		}
		return t.log(evs...)
	})
}

// LoadMentions gives the places of unread messages by the people they name, ascending for each of them and room.
func (s *Store) LoadMentions(ctx context.Context, each func(who, room portal.Address, place int64) error) error {
	return s.all(ctx, "load mentions", `SELECT n.who, r.uri, n.place FROM room_mentions n CROSS JOIN rooms r ON r.num = n.room
		ORDER BY n.room, n.who, n.place`, nil, func(scan scanFunc) error {
		var (
			who, room portal.Address
			place     int64
		)
		if err := scan(&who, &room, &place); err != nil {
			return err
		}
		return each(who, room, place)
	})
}
