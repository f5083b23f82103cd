package storage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"portico/app/portal"
)

// Search in rooms, newest first. The index gives the numbers of what was found in each room, which are put together by
// their order; only those that are shown are read.

const (
	// hitsDefault and hitsMost bound one page of a search.
	hitsDefault = 50
	hitsMost    = 200
	// wideMost is how many messages are read at most to find out whether what begins alike is what is meant,
	// and wideRooms in how many rooms that is worth its while.
	wideMost  = 120
	wideRooms = 8
)

// SearchRooms finds messages with all words of q.Q in the rooms of spans, each from its First on, newest first; empty members of q do not
// narrow it down, and without a word nothing is found. Next is the cursor of the next page, empty where there is none. Rooms that
// are not there any more are left out.
func (s *Store) SearchRooms(ctx context.Context, spans []portal.RoomSpan, q portal.HistoryQuery) (hits []portal.Hit, next string, err error) {
	before := int64(math.MaxInt64)
	if q.Cursor != "" {
		if before, err = strconv.ParseInt(q.Cursor, 36, 64); err != nil || before <= 0 {
			return nil, "", invalid("no cursor of a search")
		}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = hitsDefault
	}
	limit = min(limit, hitsMost)
	found, err := s.roomHits(ctx, "", spans, q, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = strconv.FormatInt(found[limit-1].seq, 36)
	}
	for _, f := range found {
		hits = append(hits, f.Hit)
	}
	return hits, next, nil
}

// roomHit is a hit with the number of its message, by which all rooms' messages are in order.
type roomHit struct {
	portal.Hit
	seq int64
}

// roomSearch is one search in rooms.
type roomSearch struct {
	ask   asker
	terms ftsTerms
	q     portal.HistoryQuery
	rooms []searchedRoom
	// unseenBy is the owner whose deleted episodes are left out; empty: there are none.
	unseenBy string
}

// searchedRoom is a room with the numbers of its messages that are looked at: low <= seq < high.
type searchedRoom struct {
	uri       portal.Address
	num       int64
	low, high int64
}

// foundSeq is the number of a message that the index found in a room.
type foundSeq struct {
	seq  int64
	room int
}

// roomHits gives up to limit hits whose number is below before, newest first, without those in episodes that the owner (empty: nobody)
// has deleted.
func (s *Store) roomHits(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery, before int64, limit int) ([]roomHit, error) {
	f := roomSearch{ask: s.asks(ctx, "search rooms"), terms: ftsParse(q.Q), q: q}
	if len(f.terms) == 0 || limit <= 0 {
		return nil, nil
	}
	if owner != "" {
		err := f.ask(`SELECT owner FROM history_unseen WHERE owner = ? LIMIT 1`, []any{string(owner)}, func(scan scanFunc) error { return scan(&f.unseenBy) })
		if err != nil {
			return nil, err
		}
	}
	for _, span := range spans {
		if err := f.add(span, before); err != nil {
			return nil, err
		}
	}
	// What begins alike is mostly what is meant, and found at once; where it is not, it is few, and then found by the whole word.
	if f.terms.widens() && len(f.rooms) <= wideRooms {
		hits, _, whole, err := f.pass(true, before, limit, wideMost)
		if err != nil || whole {
			return hits, err
		}
	}
	var hits []roomHit
	for {
		left := limit - len(hits)
		more, last, whole, err := f.pass(false, before, left, left)
		hits = append(hits, more...)
		if err != nil || whole {
			return hits, err
		}
		before = last
	}
}

// add takes the room of a span among those that are looked at, where q does not rule it out.
func (f *roomSearch) add(span portal.RoomSpan, before int64) error {
	r := searchedRoom{uri: span.Room, high: before}
	var kind portal.RoomKind
	if f.q.Peer != "" && f.q.Peer != span.Room {
		return nil
	}
	err := f.ask(`SELECT num, kind FROM rooms WHERE uri = ?`, []any{string(span.Room)}, func(scan scanFunc) error { return scan(&r.num, &kind) })
	if err != nil || r.num == 0 || !kindMeant(kind, f.q.Kind) {
		return err
	}
	bound := func(to *int64, query string, args ...any) error {
		*to = math.MaxInt64 // where there is no such message nothing lies behind it
		return f.ask(query, append([]any{r.num}, args...), func(scan scanFunc) error { return scan(to) })
	}
	if span.First > 1 {
		if err := bound(&r.low, `SELECT seq FROM room_messages WHERE room = ? AND place >= ? ORDER BY place LIMIT 1`, span.First); err != nil {
			return err
		}
	}
	if !f.q.From.IsZero() {
		var from int64
		if err := bound(&from, selectSeqAt, stamp(f.q.From)); err != nil {
			return err
		}
		r.low = max(r.low, from)
	}
	if !f.q.To.IsZero() {
		var to int64
		if err := bound(&to, selectSeqAt, stamp(f.q.To)); err != nil {
			return err
		}
		r.high = min(r.high, to)
	}
	if r.low < r.high {
		f.rooms = append(f.rooms, r)
	}
	return nil
}

// selectSeqAt is the number of a room's first message at or after an instant: times never go back in a room.
const selectSeqAt = `SELECT seq FROM room_messages WHERE room = ? AND said_at >= ? ORDER BY said_at, place LIMIT 1`

// kindMeant reports whether rooms of a kind are among what is looked for.
func kindMeant(kind portal.RoomKind, q portal.EpisodeKind) bool {
	switch q {
	case "":
		return true
	case portal.EpisodeRoom:
		return kind == portal.LastingRoom
	case portal.EpisodeGroup:
		return kind == portal.GroupRoom
	}
	return false
}

// pass reads up to n messages that the index finds, newest first, until limit of them are hits. Whole is true where there are no
// more hits to be had, or there are enough; last is the number of the last message that was looked at.
func (f *roomSearch) pass(wide bool, before int64, limit, n int) (hits []roomHit, last int64, whole bool, err error) {
	seqs, err := f.found(wide, before, n)
	if err != nil {
		return nil, 0, false, err
	}
	for _, found := range seqs {
		last = found.seq
		hit, ok, err := f.read(found)
		if err != nil {
			return nil, 0, false, err
		}
		if !ok {
			continue
		}
		if hits = append(hits, hit); len(hits) == limit {
			return hits, last, true, nil
		}
	}
	return hits, last, len(seqs) < n, nil
}

// found gives the newest n messages below before that the index finds in all the rooms.
func (f *roomSearch) found(wide bool, before int64, n int) ([]foundSeq, error) {
	var list []foundSeq
	for i, r := range f.rooms {
		low := r.low
		if len(list) == n { // what is older than these need not be looked at
			low = max(low, list[n-1].seq)
		}
		err := f.ask(`SELECT rowid FROM room_words WHERE room_words MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
			[]any{f.terms.match(ftsScope(r.num), wide), low, min(before, r.high), n}, func(scan scanFunc) error {
				found := foundSeq{room: i}
				err := scan(&found.seq)
				list = append(list, found)
				return err
			})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b foundSeq) int { return cmp.Compare(b.seq, a.seq) })
		list = list[:min(len(list), n)]
	}
	return list, nil
}

// read reads a message that the index found; false: it is not what is looked for, or is gone.
func (f *roomSearch) read(found foundSeq) (hit roomHit, ok bool, err error) {
	var (
		text string
		at   int64
	)
	err = f.ask(`SELECT place, sender, body, said_at FROM room_messages WHERE seq = ?`, []any{found.seq}, func(scan scanFunc) error {
		ok = true
		return scan(&hit.Order, &hit.From, &text, &at)
	})
	if err != nil || !ok || !f.terms.has(text) {
		return hit, false, err
	}
	if unseen, err := f.unseen(f.rooms[found.room].num, hit.Order); err != nil || unseen {
		return hit, false, err
	}
	hit.Conversation, hit.Room, hit.At, hit.seq = f.rooms[found.room].uri, true, instant(at), found.seq
	hit.Parts = f.terms.parts(text)
	return hit, true, nil
}

// unseen reports whether the message of a place is in an episode that the owner has deleted.
func (f *roomSearch) unseen(room, place int64) (is bool, err error) {
	if f.unseenBy == "" {
		return false, nil
	}
	err = f.ask(`SELECT 1 FROM history_unseen WHERE owner = ? AND episode = (SELECT num FROM history_room_episodes
		WHERE room = ? AND first_place <= ? ORDER BY first_place DESC LIMIT 1)`, []any{f.unseenBy, room, place}, func(scanFunc) error {
		is = true
		return nil
	})
	return is, err
}
