package storage

import (
	"time"
)

// Episodes of lasting rooms and groups: one set for all who read there, kept when a message is stored. Places have no gaps, so an
// episode is a stretch of places; edits and deletions change nothing of it.

const (
	// roomEpisodeMost bounds an episode of a room, and with it how long one can last.
	roomEpisodeMost = 2000
	// groupNotesMost is up to how many members a group's episodes are written to their mailboxes.
	groupNotesMost = 50
)

// roomEpisode takes the message of a place up into the room's episodes; room is the number of its row. An episode that somebody has
// deleted does not go on, so that they see what is said from then on. It is called in the
// transaction that stores the message, in the order of the places.
func (t *txn) roomEpisode(room, place int64, at time.Time) error {
	said := stamp(at)
	var num, end, first int64
	var unseen int
	found, err := t.one(`SELECT num, end_at, first_place, EXISTS (SELECT 1 FROM history_unseen u WHERE u.episode = num)
		FROM history_room_episodes WHERE room = ? ORDER BY first_place DESC LIMIT 1`, []any{room}, &num, &end, &first, &unseen)
	switch {
	case err != nil:
		return err
	case found && unseen == 0 && said <= end+int64(t.w.s.o.EpisodeGap) && place-first < roomEpisodeMost:
		err = t.exec(`UPDATE history_room_episodes SET last_place = ?, end_at = MAX(end_at, ?) WHERE num = ?`, place, said, num)
	default:
		_, err = t.one(`INSERT INTO history_room_episodes (room, start_at, end_at, first_place, last_place) VALUES (?, ?, ?, ?, ?) RETURNING num`,
			[]any{room, said, said, place, place}, &num)
	}
	if err != nil {
		return err
	}
	return t.noteGroup(room, num)
}

// noteGroup lets the episode of a small group be written to its members' mailboxes, but for those who have deleted it.
func (t *txn) noteGroup(room, num int64) error {
	var who []string
	err := t.all(`SELECT m.who FROM rooms r JOIN room_members m ON m.room = r.num
		WHERE r.num = ? AND r.kind = 'group' AND r.members <= ?
		AND NOT EXISTS (SELECT 1 FROM history_unseen u WHERE u.owner = m.who AND u.episode = ?)`, []any{room, groupNotesMost, num}, func(scan scanFunc) error {
		var one string
		err := scan(&one)
		who = append(who, one)
		return err
	})
	if err != nil {
		return err
	}
	for _, member := range who {
		if err := t.noteChanged(member, -num); err != nil {
			return err
		}
	}
	return nil
}

// noteChangedText lets the episode of a message whose text is another one now be written again where it is a group's.
func (t *txn) noteChangedText(room, place int64) error {
	var num int64
	found, err := t.one(`SELECT num FROM history_room_episodes WHERE room = ? AND first_place <= ? ORDER BY first_place DESC LIMIT 1`,
		[]any{room, place}, &num)
	if err != nil || !found {
		return err
	}
	return t.noteGroup(room, num)
}
