package storage

import (
	"context"
	"slices"
	"time"

	"portico/app/portal"
)

// What policy lets nobody keep: a conversation of such a person is taken out of the archive once it is over and read, and until
// it is, what was said before it is past.

// lookAgainMost is how long what cannot be forgotten yet is let be at most.
const lookAgainMost = time.Hour

// Forget takes what was said in the episode of a note, and was settled in no other way before, out of the owner's archive, once
// Options.EpisodeGap has gone by without a word: their own copies with whatever tells of them, and the events that would say them again.
// What is unread or still on its way stays until it is not, and all that a person under legal hold has until it is lifted. What
// a room or group has belongs to its members: of that only this owner's part in Exchange is let be. Forgotten is the number of copies
// that went.
func (s *Store) Forget(ctx context.Context, n portal.HistoryNote) (forgotten int, err error) {
	owner, episode, err := noteKey(n)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, "forget", func(t *txn) error {
		forgotten, err = t.forget(owner, episode)
		return err
	})
	if err != nil {
		return 0, err
	}
	return forgotten, nil
}

func (t *txn) forget(owner string, episode int64) (int, error) {
	var keptTo, last, end int64
	var skip string
	found, err := t.one(`SELECT n.kept_to, n.skip, COALESCE(e.last_ord, r.last_place, 0), COALESCE(e.end_at, 0) FROM history_notes n
		LEFT JOIN history_episodes e ON e.num = n.episode LEFT JOIN history_room_episodes r ON r.num = -n.episode
		WHERE n.owner = ? AND n.episode = ? AND n.gone = 0`, []any{owner, episode}, &keptTo, &skip, &last, &end)
	if err != nil || !found {
		return 0, err
	}
	now, gap := stamp(t.w.s.o.Now()), int64(t.w.s.o.EpisodeGap)
	if over := end + gap; over > now {
		return 0, t.lookAgain(owner, episode, over, skip)
	}
	if last > keptTo {
		skip = addRange(skip, portal.OrderRange{First: keptTo + 1, Last: last})
	}
	gone, stays := 0, false
	if episode > 0 {
		if gone, stays, err = t.forgetCopies(owner, episode, keptTo); err != nil {
			return 0, err
		}
	}
	if stays {
		return gone, t.lookAgain(owner, episode, now+min(now-end, int64(lookAgainMost)), skip)
	}
	if err := t.exec(`UPDATE history_notes SET waiting = 0, tries = 0, reason = '', skip = ?, kept_to = MAX(kept_to, ?)
		WHERE owner = ? AND episode = ?`, skip, last, owner, episode); err != nil {
		return 0, err
	}
	return gone, t.mendBox(owner)
}

// lookAgain lets a note be until a time; what skip has is not written in any case.
func (t *txn) lookAgain(owner string, episode, at int64, skip string) error {
	if err := t.exec(`UPDATE history_notes SET changed_at = ?, skip = ?, tries = 0 WHERE owner = ? AND episode = ?`, at, skip, owner, episode); err != nil {
		return err
	}
	return t.mendBox(owner)
}

// forgetCopies takes an episode's copies behind a place away but for those that have to stay.
func (t *txn) forgetCopies(owner string, episode, behind int64) (gone int, stays bool, err error) {
	list, err := t.copies(`SELECT `+copyColumns+` FROM history_lines l CROSS JOIN messages m ON m.ord = l.ord WHERE l.episode = ? AND l.ord > ?`, episode, behind)
	if err != nil || len(list) == 0 {
		return 0, false, err
	}
	held, err := t.heldPeople()
	if err != nil || held[owner] {
		return 0, true, err
	}
	var read int64
	if _, err := t.one(`SELECT read_up_to FROM conversations WHERE owner = ? AND peer = ?`, []any{owner, list[0].peer}, &read); err != nil {
		return 0, false, err
	}
	going := slices.DeleteFunc(slices.Clone(list), func(c copyRow) bool {
		return c.state == string(portal.Pending) || c.ord > read && c.state == string(portal.Received) && c.sender != owner
	})
	if err := t.forgetEvents(owner, going); err != nil {
		return 0, false, err
	}
	return len(going), len(going) < len(list), t.dropCopies(going)
}

// forgetEvents takes the events that say copies again out of the owner's log. Whoever is further behind than that is told to
// read afresh.
func (t *txn) forgetEvents(owner string, going []copyRow) error {
	if len(going) == 0 {
		return nil
	}
	gone := make(map[int64]bool, len(going))
	for _, c := range going {
		gone[c.ord] = true
	}
	var seqs []int64
	err := t.all(`SELECT e.seq, e.payload FROM event_audience a CROSS JOIN events e ON e.seq = a.seq
		WHERE a.person = ? AND e.name = ? ORDER BY a.seq`, []any{owner, portal.MessageEvent{}.Name()}, func(scan scanFunc) error {
		var seq int64
		var payload string
		if err := scan(&seq, &payload); err != nil {
			return err
		}
		ev, err := portal.DecodeEvent(portal.MessageEvent{}.Name(), []byte(payload))
		if m, ok := ev.(portal.MessageEvent); ok && gone[m.Order] {
			seqs = append(seqs, seq)
		}
		return err
	})
	if err != nil || len(seqs) == 0 {
		return err
	}
	if err := t.exec(`INSERT INTO event_floor (person, seq) VALUES (?, ?)
		ON CONFLICT (person) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > event_floor.seq`, owner, seqs[len(seqs)-1]); err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := t.dropEvent(owner, seq); err != nil {
			return err
		}
		// The newest of all stays, so that the head of the log is what it was: without its words.
		if err := t.exec(`UPDATE events SET payload = json_set(payload, '$.text', '') WHERE seq = ?
			AND NOT EXISTS (SELECT 1 FROM event_audience a WHERE a.seq = events.seq)`, seq); err != nil {
			return err
		}
	}
	return nil
}

// Past is the Order of the last message of a conversation of two that is over, read and answered for: what policy lets nobody keep
// is not shown any more from there back. Zero: nothing is past.
func (s *Store) Past(ctx context.Context, owner, peer portal.Address) (int64, error) {
	var past int64
	_, err := s.one(ctx, "past of a conversation", `SELECT COALESCE(MAX(e.last_ord), 0) FROM history_episodes e WHERE e.owner = ? AND e.peer = ? AND e.end_at <= ?`,
		[]any{string(owner), string(peer), stamp(s.o.Now().Add(-s.o.EpisodeGap))}, &past)
	if err != nil || past == 0 {
		return 0, err
	}
	var open int64
	_, err = s.one(ctx, "what is open of a conversation", `SELECT COALESCE(MIN(m.ord), 0) FROM messages m
		WHERE m.owner = ? AND m.conversation = ? AND m.ord <= ? AND (m.state = 'pending' OR m.state = 'received' AND m.sender <> m.owner
			AND m.ord > COALESCE((SELECT c.read_up_to FROM conversations c WHERE c.owner = m.owner AND c.peer = m.conversation), 0))`,
		[]any{string(owner), string(peer), past}, &open)
	if open > 0 {
		past = open - 1
	}
	return past, err
}

// PastOfRoom is the place of the last message of a room or group that is over. Zero: nothing is.
func (s *Store) PastOfRoom(ctx context.Context, room portal.Address) (past int64, err error) {
	_, err = s.one(ctx, "past of a room", `SELECT COALESCE(MAX(e.last_place), 0) FROM history_room_episodes e JOIN rooms r ON r.num = e.room
		WHERE r.uri = ? AND e.end_at <= ?`, []any{string(room), stamp(s.o.Now().Add(-s.o.EpisodeGap))}, &past)
	return past, err
}
