package storage

import (
	"context"
	"time"
)

// Retention of what was said in rooms: where it is asked for, messages older than Options.RoomRetention go, oldest first and in
// slices; pinned ones stay, and so does what somebody under legal hold can or could read. Places are never given again, and a room stays when its last message goes.

// KeepRooms says from now on how long what was said in rooms is kept; zero: for ever.
func (s *Store) KeepRooms(d time.Duration) { s.keepRooms.Store(int64(d)) }

func (s *Store) roomRetention() time.Duration { return time.Duration(s.keepRooms.Load()) }

func (s *Store) pruneRooms(ctx context.Context) error {
	keep := s.roomRetention()
	if keep <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-keep))
	var after int64 // past the pinned ones that were left standing
	return s.repeat(ctx, "prune rooms", func(t *txn) (bool, error) {
		type message struct{ seq, room, place, pin, more int64 }
		var old []message
		err := t.all(`SELECT seq, room, place, pin, files + reactions FROM (
			SELECT seq, room, place, pin, files, reactions, stored_at FROM room_messages WHERE seq > ? ORDER BY seq LIMIT ?) AS oldest
			WHERE stored_at < ?`, []any{after, slice, before}, func(scan scanFunc) error {
			var m message
			err := scan(&m.seq, &m.room, &m.place, &m.pin, &m.more)
			old = append(old, m)
			return err
		})
		if err != nil {
			return false, err
		}
		held := map[int64]int64{}
		for _, m := range old {
			after = max(after, m.seq)
			if _, known := held[m.room]; !known {
				if held[m.room], err = t.heldTo(m.room); err != nil {
					return false, err
				}
			}
			if m.pin > 0 || m.place <= held[m.room] {
				continue
			}
			if err := t.dropRoomMessage(m.seq, m.room, m.place, m.more > 0); err != nil {
				return false, err
			}
		}
		return len(old) == slice, nil
	})
}

// dropRoomMessage removes a message with what belongs to it; more is set where it has files or reactions.
func (t *txn) dropRoomMessage(seq, room, place int64, more bool) error {
	if err := t.dropRoomWords(seq); err != nil {
		return err
	}
	steps := []string{`DELETE FROM room_mentions WHERE room = ? AND place = ?`, `DELETE FROM room_messages WHERE room = ? AND place = ?`}
	if more {
		steps = append(steps, `DELETE FROM room_reactions WHERE room = ? AND place = ?`,
			`DELETE FROM room_files WHERE room = ? AND place = ? AND place > 0`)
	}
	for _, query := range steps {
		if err := t.exec(query, room, place); err != nil {
			return err
		}
	}
	return nil
}
