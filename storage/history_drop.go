package storage

import (
	"context"

	"portico/app/portal"
)

// Taking copies out of the archive: by their owner, episode by episode, or by retention. Lists, counts, full text and episodes go along.

// copyRow is a copy that is to go.
type copyRow struct {
	ord, episode, moment int64
	owner, peer, sender  string
	state                string
}

func (c *copyRow) dest() []any {
	return []any{&c.ord, &c.owner, &c.peer, &c.sender, &c.state, &c.episode, &c.moment}
}

const copyColumns = `m.ord, m.owner, m.conversation, m.sender, m.state, m.episode, m.moment`

func (t *txn) copies(query string, args ...any) ([]copyRow, error) {
	var list []copyRow
	err := t.all(query, args, func(scan scanFunc) error {
		var c copyRow
		err := scan(c.dest()...)
		list = append(list, c)
		return err
	})
	return list, err
}

// dropCopies removes copies and puts right whatever counts them.
func (t *txn) dropCopies(list []copyRow) error {
	type conversation struct{ owner, peer string }
	gone := make(map[int64]bool, len(list))
	var conversations []conversation
	of := map[conversation][]copyRow{}
	var episodes []int64
	in := map[int64]bool{}
	for _, c := range list {
		gone[c.ord] = true
		key := conversation{c.owner, c.peer}
		if len(of[key]) == 0 {
			conversations = append(conversations, key)
		}
		of[key] = append(of[key], c)
		if c.episode != 0 && !in[c.episode] {
			in[c.episode] = true
			episodes = append(episodes, c.episode)
		}
	}
	for _, key := range conversations {
		if err := t.leaveConversation(key.owner, key.peer, of[key], gone); err != nil {
			return err
		}
	}
	for _, c := range list {
		if err := t.dropCopy(c); err != nil {
			return err
		}
	}
	for _, num := range episodes {
		if err := t.mendEpisode(num); err != nil {
			return err
		}
	}
	return nil
}

// leaveConversation takes copies out of the list of conversations before they go: what was said before them is its last message then.
func (t *txn) leaveConversation(owner, peer string, list []copyRow, gone map[int64]bool) error {
	var last, read, unread int64
	found, err := t.one(`SELECT last_ord, read_up_to, unread FROM conversations WHERE owner = ? AND peer = ?`, []any{owner, peer}, &last, &read, &unread)
	if err != nil || !found {
		return err
	}
	for _, c := range list {
		if c.ord > read && c.state == string(portal.Received) && c.sender != owner {
			unread--
		}
	}
	for gone[last] {
		found, err := t.one(`SELECT ord FROM messages WHERE owner = ? AND conversation = ? AND ord < ? ORDER BY ord DESC LIMIT 1`, []any{owner, peer, last}, &last)
		if err != nil {
			return err
		}
		if !found {
			return t.exec(`DELETE FROM conversations WHERE owner = ? AND peer = ?`, owner, peer)
		}
	}
	return t.exec(`UPDATE conversations SET last_ord = ?, unread = ? WHERE owner = ? AND peer = ?`, last, max(unread, 0), owner, peer)
}

func (t *txn) dropCopy(c copyRow) error {
	if c.moment != 0 {
		if err := t.exec(`DELETE FROM history_words WHERE rowid = ?`, c.moment); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM history_moments WHERE moment = ?`, c.moment); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM history_lines WHERE episode = ? AND ord = ?`, c.episode, c.ord); err != nil {
			return err
		}
	}
	return t.exec(`DELETE FROM messages WHERE ord = ?`, c.ord)
}

// mendEpisode counts an episode afresh; one that holds nothing any more goes, unless it was only hidden. What is in Exchange of it stays.
func (t *txn) mendEpisode(num int64) error {
	var n, first, last, start, end int64
	if _, err := t.one(`SELECT COUNT(*), COALESCE(MIN(ord), 0), COALESCE(MAX(ord), 0), COALESCE(MIN(moment), 0), COALESCE(MAX(moment), 0)
		FROM history_lines WHERE episode = ?`, []any{num}, &n, &first, &last, &start, &end); err != nil {
		return err
	}
	var owner string
	var hidden int
	found, err := t.one(`SELECT owner, hidden FROM history_episodes WHERE num = ?`, []any{num}, &owner, &hidden)
	switch {
	case err != nil || !found || (n == 0 && hidden == 1):
		return err
	case n > 0:
		return t.exec(`UPDATE history_episodes SET messages = ?, first_ord = ?, last_ord = ?, start_at = ?, end_at = ? WHERE num = ?`, n, first, last, start, end, num)
	}
	if err := t.dropNote(owner, num, false); err != nil {
		return err
	}
	return t.exec(`DELETE FROM history_episodes WHERE num = ?`, num)
}

// DeleteEpisode takes the owner's own copies of an episode away; of somebody under hold they are hidden and kept. What is still on
// its way stays, in an episode of its own. Of a room's episode there is no own copy: it is hidden from the owner. Items in Exchange are
// deleted by the history's writer. ErrNotFound ("history.not-found").
func (s *Store) DeleteEpisode(ctx context.Context, owner portal.Address, id string, evs ...portal.Addressed) error {
	num, room, ok := parseEpisodeID(id)
	if !ok {
		return portal.Fail(portal.ErrNotFound, keyNoEpisode)
	}
	return s.write(ctx, "delete episode", func(t *txn) error {
		var err error
		if room {
			err = t.hideRoomEpisode(owner, num)
		} else {
			err = t.deleteEpisode(owner, num)
		}
		if err != nil {
			return err
		}
		return t.log(evs...)
	})
}

func (t *txn) hideRoomEpisode(owner portal.Address, num int64) error {
	var one int
	found, err := t.one(`SELECT 1 FROM history_room_episodes WHERE num = ?`, []any{num}, &one)
	if err != nil {
		return err
	}
	if !found {
		return portal.Fail(portal.ErrNotFound, keyNoEpisode)
	}
	if err := t.exec(`INSERT INTO history_unseen (owner, episode) VALUES (?, ?) ON CONFLICT DO NOTHING`, string(owner), num); err != nil {
		return err
	}
	return t.dropNote(string(owner), -num, true)
}

func (t *txn) deleteEpisode(owner portal.Address, num int64) error {
	var one int
	found, err := t.one(`SELECT 1 FROM history_episodes WHERE num = ? AND owner = ? AND hidden = 0`, []any{num, string(owner)}, &one)
	if err != nil {
		return err
	}
	if !found {
		return portal.Fail(portal.ErrNotFound, keyNoEpisode)
	}
	list, err := t.copies(`SELECT `+copyColumns+` FROM history_lines l CROSS JOIN messages m ON m.ord = l.ord WHERE l.episode = ?`, num)
	if err != nil {
		return err
	}
	held, err := t.one(`SELECT 1 FROM history_holds WHERE who = ?`, []any{string(owner)}, &one)
	if err != nil {
		return err
	}
	// Hidden from now on, so that what stays does not join it again.
	if err := t.exec(`UPDATE history_episodes SET hidden = 1 WHERE num = ?`, num); err != nil {
		return err
	}
	if held {
		if err := t.exec(`INSERT INTO history_held (episode, ord, owner, sender, body, said_at)
			SELECT l.episode, m.ord, m.owner, m.sender, m.body, m.said_at FROM history_lines l CROSS JOIN messages m ON m.ord = l.ord
			WHERE l.episode = ? AND m.state <> 'pending'`, num); err != nil {
			return err
		}
	}
	going := list[:0:0]
	for _, c := range list {
		if c.state != string(portal.Pending) {
			going = append(going, c)
		} else if err := t.moveCopy(c); err != nil {
			return err
		}
	}
	if err := t.dropCopies(going); err != nil {
		return err
	}
	if err := t.dropNote(string(owner), num, true); err != nil || held {
		return err
	}
	return t.exec(`DELETE FROM history_episodes WHERE num = ?`, num)
}

// moveCopy gives a copy another episode than the hidden one it is in.
func (t *txn) moveCopy(c copyRow) error {
	var r messageRow
	if _, err := t.one(`SELECT `+messageColumns+` FROM messages m WHERE m.ord = ?`, []any{c.ord}, r.dest()...); err != nil {
		return err
	}
	m := r.message()
	num, err := t.joinEpisode(m)
	if err != nil {
		return err
	}
	if err := t.exec(`UPDATE messages SET episode = ? WHERE ord = ?`, num, c.ord); err != nil {
		return err
	}
	if err := t.exec(`UPDATE history_lines SET episode = ? WHERE episode = ? AND ord = ?`, num, c.episode, c.ord); err != nil {
		return err
	}
	return t.noteChanged(c.owner, num)
}
