package storage

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"portico/app/portal"
)

// Changes of what was said in rooms: another text, taken back, pinned, reactions. What is stored is what differs.

// ChangeRoomMessage lets change alter a message: its text, times and doer of editing and deleting, pin, mentions and reactions, and which of
// its files it still has; all else stays. An error of change is given back and nothing is written. What changed is stored with the
// next Version and logged with what events makes of it; where nothing changed nothing is. A message that is taken back names nobody any
// more. ErrNotFound where there is no such message; ErrConflict ("room.pins-many") for more than portal.MaxPins. Both functions run
// on the writing goroutine: they neither block nor call the store.
func (s *Store) ChangeRoomMessage(ctx context.Context, room portal.Address, place int64, change func(*portal.RoomMessage) error, events func(portal.RoomMessage) []portal.Addressed) (stored portal.RoomMessage, err error) {
	err = s.write(ctx, "change room message", func(t *txn) error {
		ask := asker(t.all)
		num, err := ask.roomNum(room)
		if err != nil {
			return err
		}
		was, err := ask.oneRoomMessage(room, num, selectRoomMessage, place)
		if err != nil {
			return err
		}
		next := cloned(was.m)
		if err := change(&next); err != nil {
			return err
		}
		same := was.m
		next.Room, next.Place, next.ID, next.From, next.At, next.Replies = same.Room, same.Place, same.ID, same.From, same.At, same.Replies
		next.Quote, next.Version = same.Quote, same.Version
		if reflect.DeepEqual(normal(next), normal(same)) {
			stored = same
			return nil
		}
		if err := t.changeRoomMessage(num, was, next); err != nil {
			return err
		}
		now, err := ask.oneRoomMessage(room, num, selectRoomMessage, place)
		if err != nil {
			return err
		}
		stored = now.m
		return t.log(events(stored)...)
	})
	if err != nil {
		return portal.RoomMessage{}, err
	}
	return stored, nil
}

// cloned is a message that shares nothing with m that could be altered.
func cloned(m portal.RoomMessage) portal.RoomMessage {
	m.Mentions, m.Files, m.Reactions = slices.Clone(m.Mentions), slices.Clone(m.Files), slices.Clone(m.Reactions)
	for i := range m.Reactions {
		m.Reactions[i].By = slices.Clone(m.Reactions[i].By)
	}
	return m
}

// normal is a message in the form in which it would be read: without empty lists, reactions of nobody, or a time's zone.
func normal(m portal.RoomMessage) portal.RoomMessage {
	m = cloned(m)
	m.EditedAt, m.DeletedAt = instant(stamp(m.EditedAt)), instant(stamp(m.DeletedAt))
	m.Reactions = slices.DeleteFunc(m.Reactions, func(r portal.Reaction) bool { return len(r.By) == 0 })
	if len(m.Reactions) == 0 {
		m.Reactions = nil
	}
	if len(m.Files) == 0 {
		m.Files = nil
	}
	if len(m.Mentions) == 0 {
		m.Mentions = nil
	}
	return m
}

// changeRoomMessage stores what differs between a message as it was and as it is to be.
func (t *txn) changeRoomMessage(num int64, was roomRow, next portal.RoomMessage) error {
	if err := checkMentions(next.Mentions); err != nil {
		return err
	}
	pin, err := t.pin(num, was, next.Pinned)
	if err != nil {
		return err
	}
	if err := t.exec(`UPDATE room_messages SET body = ?, edited_at = ?, deleted_at = ?, deleted_by = ?, pin = ?, mentions = ?, mentions_all = ?,
		files = ?, reactions = ?, version = version + 1 WHERE seq = ?`, next.Text, stamp(next.EditedAt), stamp(next.DeletedAt),
		string(next.DeletedBy), pin, joined(next.Mentions), flag(next.MentionsAll), flag(len(next.Files) > 0),
		flag(len(normal(next).Reactions) > 0), was.seq); err != nil {
		return err
	}
	if next.Text != was.m.Text || len(next.Files) < len(was.m.Files) || !next.DeletedAt.IsZero() && was.m.DeletedAt.IsZero() {
		if err := t.holdRoomText(num, was.m); err != nil {
			return err
		}
	}
	if next.Text != was.m.Text {
		if err := t.dropRoomWords(was.seq); err != nil {
			return err
		}
		if err := t.indexRoomWords(num, was.seq, next.Text); err != nil {
			return err
		}
		if err := t.noteChangedText(num, was.m.Place); err != nil {
			return err
		}
	}
	if err := t.keepFiles(num, was.m, next); err != nil {
		return err
	}
	if err := t.changeMentions(num, was.m, next); err != nil {
		return err
	}
	return t.changeReactions(num, was.m, next)
}

// pin gives the number of a message's pin: the next of the room where it is pinned now, zero where it is not.
func (t *txn) pin(num int64, was roomRow, pinned bool) (int64, error) {
	if !pinned || was.pin > 0 {
		return was.pin * int64(flag(pinned)), nil
	}
	var n, pin int64
	if _, err := t.one(`SELECT COUNT(*) FROM room_messages WHERE room = ? AND pin > 0`, []any{num}, &n); err != nil {
		return 0, err
	}
	if n >= portal.MaxPins {
		return 0, portal.Fail(portal.ErrConflict, keyManyPins).With("Max", fmt.Sprint(portal.MaxPins))
	}
	_, err := t.one(`UPDATE rooms SET last_pin = last_pin + 1 WHERE num = ? RETURNING last_pin`, []any{num}, &pin)
	return pin, err
}

// keepFiles forgets those of a message's files that it has no more, where no hold keeps them; there can be none that it did not have.
func (t *txn) keepFiles(num int64, was, next portal.RoomMessage) error {
	has := func(list []portal.File, id string) bool {
		return slices.ContainsFunc(list, func(f portal.File) bool { return f.ID == id })
	}
	for _, f := range next.Files {
		if !has(was.Files, f.ID) {
			return invalid("a message gets no further files")
		}
	}
	for _, f := range was.Files {
		if has(next.Files, f.ID) {
			continue
		}
		to, err := t.heldTo(num)
		if err != nil {
			return err
		}
		query := `DELETE FROM room_files WHERE id = ? AND room = ?`
		if was.Place <= to {
			query = `UPDATE room_files SET place = -place WHERE id = ? AND room = ?`
		}
		if err := t.exec(query, f.ID, num); err != nil {
			return err
		}
	}
	return nil
}

// changeMentions keeps the unread mentions in step: whom the message names no more, and whom it names now. One that is taken back
// names nobody.
func (t *txn) changeMentions(num int64, was, next portal.RoomMessage) error {
	if !next.DeletedAt.IsZero() {
		return t.exec(`DELETE FROM room_mentions WHERE room = ? AND place = ?`, num, next.Place)
	}
	for _, who := range was.Mentions {
		if slices.Contains(next.Mentions, who) {
			continue
		}
		if err := t.exec(`DELETE FROM room_mentions WHERE room = ? AND who = ? AND place = ?`, num, string(who), next.Place); err != nil {
			return err
		}
	}
	for _, who := range next.Mentions {
		if slices.Contains(was.Mentions, who) || who == next.From {
			continue
		}
		if err := t.mention(num, who, next.Place); err != nil {
			return err
		}
	}
	return nil
}

// changeReactions adds and removes the reactions that differ.
func (t *txn) changeReactions(num int64, was, next portal.RoomMessage) error {
	if len(next.Reactions) > portal.MaxReactions {
		return invalid("too many different reactions")
	}
	have := func(list []portal.Reaction, sign string, who portal.Address) bool {
		return slices.ContainsFunc(list, func(r portal.Reaction) bool { return r.Sign == sign && slices.Contains(r.By, who) })
	}
	for _, r := range was.Reactions {
		for _, who := range r.By {
			if have(next.Reactions, r.Sign, who) {
				continue
			}
			if err := t.exec(`DELETE FROM room_reactions WHERE room = ? AND place = ? AND sign = ? AND who = ?`,
				num, next.Place, r.Sign, string(who)); err != nil {
				return err
			}
		}
	}
	for _, r := range next.Reactions {
		for _, who := range r.By {
			if have(was.Reactions, r.Sign, who) {
				continue
			}
			if err := t.exec(`INSERT INTO room_reactions (room, place, num, sign, who) SELECT ?, ?, COALESCE(MAX(num), 0) + 1, ?, ?
				FROM room_reactions WHERE room = ? AND place = ? ON CONFLICT (room, place, sign, who) DO NOTHING`,
				num, next.Place, r.Sign, string(who), num, next.Place); err != nil {
				return err
			}
		}
	}
	return nil
}
