package storage

import (
	"context"
	"strconv"
	"time"

	"portico/app/portal"
)

// The history of the archive: each copy belongs to an episode, a stretch of its conversation without a long pause, and its words are
// in the full text. Both are kept in the transaction that stores the copy; what an older program stored is taken up in the background.
//
// An episode takes up what was said within Options.EpisodeGap of it, also what arrives late. One that is full takes up nothing more,
// so that an item of Exchange, and whatever has to look at each message of an episode, is bounded.

const (
	// keyNoEpisode, keyNoHold and keyCursor are sentences of the catalogues.
	keyNoEpisode = "history.not-found"
	keyNoHold    = "history.no-hold"
	keyCursor    = "history.cursor"
	// episodeMost is how many messages an episode has at most.
	episodeMost = 500
	// fillMost is how many older messages one write indexes.
	fillMost = 50
)

// episodeID is an episode's name outside: its number, with "r" before a room's, "e" before any other.
func episodeID(num int64, room bool) string {
	if room {
		return "r" + strconv.FormatInt(num, 36)
	}
	return "e" + strconv.FormatInt(num, 36)
}

// parseEpisodeID reads what episodeID wrote; ok is false for anything else.
func parseEpisodeID(id string) (num int64, room, ok bool) {
	if len(id) < 2 || (id[0] != 'r' && id[0] != 'e') {
		return 0, false, false
	}
	num, err := strconv.ParseInt(id[1:], 36, 64)
	return num, id[0] == 'r', err == nil && num > 0 && episodeID(num, id[0] == 'r') == id
}

// addToHistory takes a new copy up into the history; what came just now is to be written to Exchange too.
func (t *txn) addToHistory(m portal.Message, now bool) error {
	episode, err := t.joinEpisode(m)
	if err != nil {
		return err
	}
	moment, err := t.takeMoment(m)
	if err != nil {
		return err
	}
	words, err := t.historyWords(m)
	if err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO history_words (rowid, words) VALUES (?, ?)`, moment, words); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO history_lines (episode, ord, moment) VALUES (?, ?, ?)`, episode, m.Order, moment); err != nil {
		return err
	}
	if err := t.exec(`UPDATE messages SET episode = ?, moment = ? WHERE ord = ?`, episode, moment, m.Order); err != nil {
		return err
	}
	if !now {
		return nil
	}
	return t.noteChanged(string(m.Owner), episode)
}

// inRoom reports whether a copy can only come from a room of the SIP server: somebody else than its two people said it.
func inRoom(m portal.Message) bool { return m.From != m.Owner && m.From != m.Conversation }

// joinEpisode finds or begins the episode of a copy, counts it there and gives the episode's number.
func (t *txn) joinEpisode(m portal.Message) (int64, error) {
	said, gap := stamp(m.At), int64(t.w.s.o.EpisodeGap)
	var num, start, end int64
	near := false
	err := t.all(selectNear, []any{string(m.Owner), string(m.Conversation), said + gap, episodeMost}, func(scan scanFunc) error {
		var n, s, e int64
		if err := scan(&n, &s, &e); err != nil || near {
			return err
		}
		if said <= e+gap {
			near, num, start, end = true, n, s, e
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	kind := portal.EpisodeIM
	if inRoom(m) {
		kind = portal.EpisodeRoom
	}
	if near {
		return num, t.exec(`UPDATE history_episodes SET start_at = ?, end_at = ?, first_ord = MIN(first_ord, ?), last_ord = MAX(last_ord, ?),
			messages = messages + 1, kind = CASE WHEN ? = 'room' THEN 'room' ELSE kind END WHERE num = ?`,
			min(start, said), max(end, said), m.Order, m.Order, string(kind), num)
	}
	_, err = t.one(`INSERT INTO history_episodes (owner, peer, kind, start_at, end_at, first_ord, last_ord, messages, hidden)
		VALUES (?, ?, CASE WHEN EXISTS (SELECT 1 FROM history_peers p WHERE p.owner = ? AND p.peer = ? AND p.room = 1) THEN 'room' ELSE ? END, ?, ?, ?, ?, 1, 0)
		RETURNING num`,
		[]any{string(m.Owner), string(m.Conversation), string(m.Owner), string(m.Conversation), string(kind), said, said, m.Order, m.Order}, &num)
	return num, err
}

// selectNear are the last few episodes that began before a time and are not full.
const selectNear = `SELECT num, start_at, end_at FROM history_episodes
	WHERE owner = ? AND peer = ? AND start_at <= ? AND hidden = 0 AND messages < ? ORDER BY start_at DESC LIMIT 4`

// takeMoment gives a copy a moment of its own: when it was said or a little later.
func (t *txn) takeMoment(m portal.Message) (int64, error) {
	moment := stamp(m.At)
	if moment == 0 {
		moment = 1
	}
	for window := int64(1_000_000); ; window *= 1000 {
		free, err := t.affect(`INSERT INTO history_moments (moment, ord) VALUES (?, ?) ON CONFLICT (moment) DO NOTHING`, moment, m.Order)
		if err != nil || free == 1 {
			return moment, err
		}
		// Behind all that were said at the same time; many are when a clock is coarse.
		if _, err := t.one(`SELECT MAX(moment) + 1 FROM history_moments WHERE moment >= ? AND moment < ?`, []any{moment, moment + window}, &moment); err != nil {
			return 0, err
		}
	}
}

// historyWords is what the full text holds of a copy: its words, and a word for its conversation that nobody can look for.
func (t *txn) historyWords(m portal.Message) (string, error) {
	owner, err := t.historyOwner(m.Owner)
	if err != nil {
		return "", err
	}
	peer, err := t.historyPeer(m)
	if err != nil {
		return "", err
	}
	scope := ftsScope(owner)
	return ftsIndexed(scope, m.Text) + " " + peerWord(scope, peer), nil
}

// peerWord stands for a conversation in the full text. The sign in it is a letter to the engine and none to ftsWords.
func peerWord(scope string, peer int64) string { return scope + "§" + strconv.FormatInt(peer, 36) }

func (t *txn) historyOwner(owner portal.Address) (num int64, err error) {
	found, err := t.one(selectOwner, []any{string(owner)}, &num)
	if err != nil || found {
		return num, err
	}
	_, err = t.one(`INSERT INTO history_owners (owner) VALUES (?) RETURNING num`, []any{string(owner)}, &num)
	return num, err
}

const selectOwner = `SELECT num FROM history_owners WHERE owner = ?`

func (t *txn) historyPeer(m portal.Message) (num int64, err error) {
	var room int
	found, err := t.one(`SELECT num, room FROM history_peers WHERE owner = ? AND peer = ?`, []any{string(m.Owner), string(m.Conversation)}, &num, &room)
	switch {
	case err != nil:
		return 0, err
	case !found:
		_, err = t.one(`INSERT INTO history_peers (owner, peer, room) VALUES (?, ?, ?) RETURNING num`,
			[]any{string(m.Owner), string(m.Conversation), flag(inRoom(m))}, &num)
	case room == 0 && inRoom(m):
		if err := t.exec(`UPDATE history_peers SET room = 1 WHERE num = ?`, num); err != nil {
			return 0, err
		}
		err = t.exec(`UPDATE history_episodes SET kind = 'room' WHERE owner = ? AND peer = ?`, string(m.Owner), string(m.Conversation))
	}
	return num, err
}

// fill takes up what is in the archive, in tries until it is done or ctx ends. Without it nothing is missing but older messages.
func (s *Store) fill(ctx context.Context) {
	again := time.NewTicker(s.o.UpkeepEvery)
	defer again.Stop()
	for {
		err := s.fillHistory(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.WarnContext(ctx, "archive not indexed yet", "err", err)
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// fillHistory takes up what was in the archive before there was a history, newest first, a little at a time. It goes on where
// it was when the program ended.
func (s *Store) fillHistory(ctx context.Context) error {
	return s.repeat(ctx, "index the archive", (*txn).fillSlice)
}

// fillSlice takes up a slice of it; more is false where nothing is left.
func (t *txn) fillSlice() (more bool, err error) {
	var next int64
	found, err := t.one(`SELECT next FROM history_fill WHERE one = 1`, nil, &next)
	if err != nil || !found || next == 0 {
		return false, err
	}
	var older []portal.Message
	err = t.all(`SELECT `+messageColumns+` FROM messages m WHERE m.ord <= ? ORDER BY m.ord DESC LIMIT ?`, []any{next, fillMost}, appendMessage(&older))
	if err != nil {
		return false, err
	}
	for _, m := range older {
		if err := t.addToHistory(m, false); err != nil {
			return false, err
		}
	}
	next = 0
	if len(older) == fillMost {
		next = older[len(older)-1].Order - 1
	}
	return next > 0, t.exec(`UPDATE history_fill SET next = ? WHERE one = 1`, next)
}
