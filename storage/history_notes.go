package storage

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"portico/app/portal"
)

// What is in Exchange of the episodes, and what is still to be written there: the queue of the history's writer.

// noteChanged lets an episode be written to its owner's mailbox again; a room's has a negative number. One that was refused, or
// whose item the owner deleted, is let be.
func (t *txn) noteChanged(owner string, episode int64) error {
	now := stamp(t.w.s.o.Now())
	var waiting int
	if _, err := t.one(`INSERT INTO history_notes
		(owner, episode, stamp, revision, changed_at, waiting, state, reason, item, change_key, begun, tries, kept_to, skip, gone)
		VALUES (?, ?, lower(hex(randomblob(16))), 1, ?, 1, '', '', '', '', 0, 0, 0, '', 0)
		ON CONFLICT (owner, episode) DO UPDATE SET revision = revision + 1, changed_at = excluded.changed_at,
			waiting = CASE WHEN state = '' THEN 1 ELSE 0 END
		RETURNING waiting`, []any{owner, episode, now}, &waiting); err != nil || waiting == 0 {
		return err
	}
	return t.exec(`INSERT INTO history_boxes (owner, oldest_at, not_before) VALUES (?, ?, 0)
		ON CONFLICT (owner) DO UPDATE SET oldest_at = excluded.oldest_at WHERE excluded.oldest_at < history_boxes.oldest_at`, owner, now)
}

// dropNote is called when an episode's messages are gone; with the item, if there is or may be one, to be deleted too where told so.
func (t *txn) dropNote(owner string, episode int64, withItem bool) error {
	if withItem {
		n, err := t.affect(`UPDATE history_notes SET gone = 1, waiting = 1, changed_at = 1, tries = 0
			WHERE owner = ? AND episode = ? AND state <> 'left' AND (item <> '' OR begun = 1)`, owner, episode)
		if err != nil {
			return err
		}
		if n > 0 {
			return t.exec(`INSERT INTO history_boxes (owner, oldest_at, not_before) VALUES (?, 1, 0)
				ON CONFLICT (owner) DO UPDATE SET oldest_at = 1`, owner)
		}
	}
	if err := t.exec(`DELETE FROM history_notes WHERE owner = ? AND episode = ?`, owner, episode); err != nil {
		return err
	}
	return t.mendBox(owner)
}

// mendBox puts right since when something waits for a mailbox.
func (t *txn) mendBox(owner string) error {
	var oldest int64
	waits, err := t.one(`SELECT changed_at FROM history_notes WHERE owner = ? AND waiting = 1 ORDER BY changed_at LIMIT 1`, []any{owner}, &oldest)
	if err != nil {
		return err
	}
	if !waits {
		return t.exec(`DELETE FROM history_boxes WHERE owner = ?`, owner)
	}
	return t.exec(`UPDATE history_boxes SET oldest_at = ? WHERE owner = ?`, oldest, owner)
}

// selectDue is of each owner whose mailbox may be tried the oldest that waits.
const selectDue = `SELECT n.owner, n.episode, n.stamp, n.revision, n.item, n.change_key, n.begun, n.tries, n.skip, n.gone
	FROM history_boxes b CROSS JOIN history_notes n ON n.owner = b.owner AND n.episode = (
		SELECT o.episode FROM history_notes o WHERE o.owner = b.owner AND o.waiting = 1 ORDER BY o.changed_at, o.episode LIMIT 1)
	WHERE b.oldest_at <= ? AND b.not_before <= ? AND n.changed_at <= ? ORDER BY b.oldest_at LIMIT ?`

// DueNotes are episodes that changed since they were written to Exchange and have rested since before rested, or whose item is to
// be deleted: of each owner who is due for a try the oldest, oldest first, at most limit.
func (s *Store) DueNotes(ctx context.Context, rested time.Time, limit int) ([]portal.HistoryNote, error) {
	var notes []portal.HistoryNote
	var episodes []int64
	args := []any{stamp(rested), stamp(s.o.Now()), stamp(rested), max(limit, 0)}
	err := s.all(ctx, "due notes", selectDue, args, func(scan scanFunc) error {
		var n portal.HistoryNote
		var episode int64
		var begun, gone int
		var skip string
		if err := scan(&n.Owner, &episode, &n.Stamp, &n.Revision, &n.ItemID, &n.ChangeKey, &begun, &n.Tries, &skip, &gone); err != nil {
			return err
		}
		n.Begun, n.Gone, n.Skip = begun != 0, gone != 0, parseRanges(skip)
		notes, episodes = append(notes, n), append(episodes, episode)
		return nil
	})
	for i := range notes {
		if err != nil {
			return nil, err
		}
		notes[i].Episode, err = s.noteEpisode(ctx, notes[i].Owner, episodes[i])
	}
	return notes, err
}

// noteEpisode is the episode of a note; of one that is gone, and of a room's whose owner is no member any more, only what names it.
func (s *Store) noteEpisode(ctx context.Context, owner portal.Address, episode int64) (portal.Episode, error) {
	e := portal.Episode{ID: episodeID(episode, false), Owner: owner, Kind: portal.EpisodeIM}
	var spans []portal.RoomSpan
	if episode < 0 {
		e.ID, e.Kind = episodeID(-episode, true), portal.EpisodeGroup
		span := portal.RoomSpan{}
		found, err := s.one(ctx, "span of a note", `SELECT r.uri, m.first FROM history_room_episodes e JOIN rooms r ON r.num = e.room
			JOIN room_members m ON m.room = r.num AND m.who = ? WHERE e.num = ?`, []any{string(owner), -episode}, &span.Room, &span.First)
		if err != nil {
			return e, err
		}
		if found {
			spans = append(spans, span)
		}
	}
	full, err := s.Episode(ctx, owner, spans, e.ID)
	if portal.Meaning(err) == portal.ErrNotFound {
		if episode < 0 {
			e.First = math.MaxInt64 // nothing of what all share is theirs
		}
		return e, nil
	}
	return full, err
}

// noteKey names the row of a note.
func noteKey(n portal.HistoryNote) (owner string, episode int64, err error) {
	num, room, ok := parseEpisodeID(n.ID)
	if !ok || n.Owner == "" {
		return "", 0, invalid("a note of no episode")
	}
	if room {
		num = -num
	}
	return string(n.Owner), num, nil
}

// NoteBegun notes that a try is about to be made: from then on there may be an item. ErrNotFound where the episode was deleted
// meanwhile: then there must be none.
func (s *Store) NoteBegun(ctx context.Context, n portal.HistoryNote) error {
	owner, episode, err := noteKey(n)
	if err != nil {
		return err
	}
	return s.write(ctx, "note begun", func(t *txn) error {
		found, err := t.affect(`UPDATE history_notes SET begun = 1 WHERE owner = ? AND episode = ? AND gone = 0`, owner, episode)
		if err == nil && found == 0 {
			err = portal.Fail(portal.ErrNotFound, keyNoEpisode)
		}
		return err
	})
}

// NoteWritten notes that an item has what the episode had at n.Revision; what changed meanwhile stays due. Of one that is
// Gone it forgets the item.
func (s *Store) NoteWritten(ctx context.Context, n portal.HistoryNote, itemID, changeKey string) error {
	owner, episode, err := noteKey(n)
	if err != nil {
		return err
	}
	return s.write(ctx, "note written", func(t *txn) error {
		if n.Gone {
			err = t.exec(`DELETE FROM history_notes WHERE owner = ? AND episode = ? AND gone = 1`, owner, episode)
		} else {
			err = t.exec(`UPDATE history_notes SET item = ?, change_key = ?, tries = 0, kept_to = MAX(kept_to, ?),
				begun = CASE WHEN ? = '' THEN begun ELSE 0 END, waiting = CASE WHEN gone = 1 OR revision > ? THEN 1 ELSE 0 END
				WHERE owner = ? AND episode = ?`, itemID, changeKey, n.Last, itemID, n.Revision, owner, episode)
		}
		if err != nil {
			return err
		}
		if err := t.exec(`UPDATE history_boxes SET not_before = 0 WHERE owner = ?`, owner); err != nil {
			return err
		}
		return t.mendBox(owner)
	})
}

// NoteFailed notes that a try failed. Final: there is no other one; without a reason because the owner deleted the item. Else
// nothing of the owner is due before again.
func (s *Store) NoteFailed(ctx context.Context, n portal.HistoryNote, reason string, final bool, again time.Time) error {
	owner, episode, err := noteKey(n)
	if err != nil {
		return err
	}
	return s.write(ctx, "note failed", func(t *txn) error {
		switch {
		case final && n.Gone:
			err = t.exec(`DELETE FROM history_notes WHERE owner = ? AND episode = ? AND gone = 1`, owner, episode)
		case final && reason == "":
			if err = t.exec(`DELETE FROM history_notes WHERE owner = ? AND episode = ? AND gone = 1`, owner, episode); err == nil {
				err = t.exec(`UPDATE history_notes SET state = 'left', item = '', change_key = '', begun = 0, waiting = 0, tries = 0
					WHERE owner = ? AND episode = ?`, owner, episode)
			}
		case final:
			err = t.exec(`UPDATE history_notes SET state = 'refused', reason = ?, waiting = gone, tries = 0 WHERE owner = ? AND episode = ?`,
				reason, owner, episode)
		default:
			if err = t.exec(`UPDATE history_notes SET reason = ?, tries = tries + 1 WHERE owner = ? AND episode = ?`, reason, owner, episode); err == nil {
				err = t.exec(`UPDATE history_boxes SET not_before = ? WHERE owner = ?`, stamp(again), owner)
			}
		}
		if err != nil {
			return err
		}
		return t.mendBox(owner)
	})
}

// KeepNothing takes all that waits of an owner for not to be kept, also when its conversation goes on and something is kept again;
// items that are there stay, and those that are to be deleted still are.
func (s *Store) KeepNothing(ctx context.Context, owner portal.Address) error {
	return s.repeat(ctx, "keep nothing", func(t *txn) (bool, error) {
		type note struct {
			episode, keptTo, last int64
			skip                  string
		}
		var notes []note
		err := t.all(`SELECT n.episode, n.kept_to, n.skip,
				COALESCE((SELECT last_ord FROM history_episodes e WHERE e.num = n.episode), (SELECT last_place FROM history_room_episodes r WHERE r.num = -n.episode), 0)
			FROM history_notes n WHERE n.owner = ? AND n.waiting = 1 AND n.gone = 0 ORDER BY n.changed_at LIMIT ?`,
			[]any{string(owner), slice}, func(scan scanFunc) error {
				var n note
				err := scan(&n.episode, &n.keptTo, &n.skip, &n.last)
				notes = append(notes, n)
				return err
			})
		if err != nil {
			return false, err
		}
		for _, n := range notes {
			if n.last > n.keptTo {
				n.skip = addRange(n.skip, portal.OrderRange{First: n.keptTo + 1, Last: n.last})
			}
			if err := t.exec(`UPDATE history_notes SET waiting = 0, tries = 0, reason = '', skip = ?, kept_to = MAX(kept_to, ?)
				WHERE owner = ? AND episode = ?`, n.skip, n.last, string(owner), n.episode); err != nil {
				return false, err
			}
		}
		return len(notes) == slice, t.mendBox(string(owner))
	})
}

// OwnStamps gives those of the stamps that stand for the owner's episodes, also for ones just deleted.
func (s *Store) OwnStamps(ctx context.Context, owner portal.Address, stamps []string) (map[string]bool, error) {
	own := map[string]bool{}
	for _, st := range stamps {
		var one int
		found, err := s.one(ctx, "stamp", `SELECT 1 FROM history_notes WHERE stamp = ? AND owner = ?`, []any{st, string(owner)}, &one)
		if err != nil {
			return nil, err
		}
		if found {
			own[st] = true
		}
	}
	return own, nil
}

// parseRanges reads what addRange wrote.
func parseRanges(s string) []portal.OrderRange {
	var list []portal.OrderRange
	for field := range strings.FieldsSeq(s) {
		var r portal.OrderRange
		if _, err := fmt.Sscanf(field, "%d-%d", &r.First, &r.Last); err == nil {
			list = append(list, r)
		}
	}
	return list
}

// addRange adds a stretch behind others; one that follows the last without a gap makes it longer.
func addRange(s string, r portal.OrderRange) string {
	list := parseRanges(s)
	if n := len(list); n > 0 && list[n-1].Last+1 >= r.First {
		list[n-1].Last = max(list[n-1].Last, r.Last)
	} else {
		list = append(list, r)
	}
	var b strings.Builder
	for i, r := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d-%d", r.First, r.Last)
	}
	return b.String()
}
