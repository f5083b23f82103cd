package storage

import (
	"context"
	"math"
	"strconv"
	"strings"

	"portico/app/portal"
)

// Search over an owner's archive and the rooms they read, in one order by time. The full text of the archive is in the order of
// time itself: a page is read from the newest on and ended when it is full.

// searchPlace is a cursor: where the search goes on in the archive and in the rooms.
type searchPlace struct{ moment, seq int64 }

func (p searchPlace) String() string {
	return strconv.FormatInt(p.moment, 36) + "." + strconv.FormatInt(p.seq, 36)
}

func parseSearchPlace(s string) (searchPlace, error) {
	p := searchPlace{math.MaxInt64, math.MaxInt64}
	if s == "" {
		return p, nil
	}
	own, rooms, _ := strings.Cut(s, ".")
	var err error
	if p.moment, err = strconv.ParseInt(own, 36, 64); err == nil {
		p.seq, err = strconv.ParseInt(rooms, 36, 64)
	}
	if err != nil {
		return p, portal.Fail(portal.ErrInvalid, keyCursor).Because(err)
	}
	return p, nil
}

// ownHit is a hit in the archive with its moment.
type ownHit struct {
	portal.Hit
	moment int64
}

// Search finds messages with all words of q.Q in the owner's own archive and in the rooms of spans, newest first; without a word
// nothing is found. Next is the cursor of the next page, empty where there is none.
func (s *Store) Search(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery) (hits []portal.Hit, next string, err error) {
	at, err := parseSearchPlace(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = hitsDefault
	}
	limit = min(limit, hitsMost)
	own, err := s.ownHits(ctx, owner, q, at.moment, limit+1)
	if err != nil {
		return nil, "", err
	}
	rooms, err := s.roomHits(ctx, owner, spans, q, at.seq, limit+1)
	if err != nil {
		return nil, "", err
	}
	hits = make([]portal.Hit, 0, limit)
	for len(own)+len(rooms) > 0 {
		if len(hits) == limit {
			return hits, at.String(), nil
		}
		if len(rooms) == 0 || (len(own) > 0 && !own[0].At.Before(rooms[0].At)) {
			at.moment = own[0].moment
			hits, own = append(hits, own[0].Hit), own[1:]
			continue
		}
		at.seq = rooms[0].seq
		hit := rooms[0].Hit
		if hit.Episode, err = s.roomEpisodeAt(ctx, hit.Conversation, hit.Order); err != nil {
			return nil, "", err
		}
		hits, rooms = append(hits, hit), rooms[1:]
	}
	return hits, "", nil
}

// ownHits gives up to limit hits of the owner's archive whose moment is below before, newest first.
func (s *Store) ownHits(ctx context.Context, owner portal.Address, q portal.HistoryQuery, before int64, limit int) ([]ownHit, error) {
	terms := ftsParse(q.Q)
	if len(terms) == 0 || q.Kind == portal.EpisodeGroup || q.Kind == portal.EpisodeForeign {
		return nil, nil
	}
	match, ok, err := s.ownMatch(ctx, owner, q, terms)
	if err != nil || !ok {
		return nil, err
	}
	low := int64(math.MinInt64)
	if !q.From.IsZero() {
		low = stamp(q.From)
	}
	if !q.To.IsZero() {
		before = min(before, stamp(q.To))
	}
	var hits []ownHit
	err = s.all(ctx, "search the archive", selectOwnHits, []any{match, low, before, limit}, func(scan scanFunc) error {
		var (
			h           ownHit
			text        string
			at, episode int64
		)
		if err := scan(&h.moment, &h.Order, &h.Conversation, &h.From, &text, &at, &episode); err != nil {
			return err
		}
		h.At, h.Episode, h.Parts = instant(at), episodeID(episode, false), terms.parts(text)
		hits = append(hits, h)
		return nil
	})
	return hits, err
}

const selectOwnHits = `SELECT w.rowid, m.ord, m.conversation, m.sender, m.body, m.said_at, m.episode
	FROM history_words w CROSS JOIN history_moments x ON x.moment = w.rowid CROSS JOIN messages m ON m.ord = x.ord
	WHERE w.history_words MATCH ? AND w.rowid >= ? AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?`

// ownMatch is the query in the engine's language; ok is false where nothing can be found.
func (s *Store) ownMatch(ctx context.Context, owner portal.Address, q portal.HistoryQuery, terms ftsTerms) (match string, ok bool, err error) {
	var num int64
	if ok, err = s.one(ctx, "scope of an owner", selectOwner, []any{string(owner)}, &num); err != nil || !ok {
		return "", false, err
	}
	scope := ftsScope(num)
	match = terms.match(scope, false)
	if q.Peer != "" {
		var peer int64
		var room int
		ok, err = s.one(ctx, "scope of a conversation", `SELECT num, room FROM history_peers WHERE owner = ? AND peer = ?`, []any{string(owner), string(q.Peer)}, &peer, &room)
		if err != nil || !ok || (q.Kind == portal.EpisodeIM && room == 1) || (q.Kind == portal.EpisodeRoom && room == 0) {
			return "", false, err
		}
		return match + ` AND "` + peerWord(scope, peer) + `"`, true, nil
	}
	if q.Kind == "" {
		return match, true, nil
	}
	var rooms []string
	err = s.all(ctx, "server rooms of an owner", `SELECT num FROM history_peers WHERE owner = ? AND room = 1`, []any{string(owner)}, func(scan scanFunc) error {
		var peer int64
		err := scan(&peer)
		rooms = append(rooms, `"`+peerWord(scope, peer)+`"`)
		return err
	})
	switch {
	case err != nil:
		return "", false, err
	case len(rooms) == 0:
		return match, q.Kind == portal.EpisodeIM, nil
	case q.Kind == portal.EpisodeIM:
		return "(" + match + ") NOT (" + strings.Join(rooms, " OR ") + ")", true, nil
	}
	return "(" + match + ") AND (" + strings.Join(rooms, " OR ") + ")", true, nil
}

// roomEpisodeAt is the episode of a room's message; empty where there is none any more.
func (s *Store) roomEpisodeAt(ctx context.Context, room portal.Address, place int64) (string, error) {
	var num int64
	found, err := s.one(ctx, "episode of a room's message", `SELECT e.num FROM rooms r CROSS JOIN history_room_episodes e
		WHERE r.uri = ? AND e.room = r.num AND e.first_place <= ? ORDER BY e.first_place DESC LIMIT 1`, []any{string(room), place}, &num)
	if err != nil || !found {
		return "", err
	}
	return episodeID(num, true), nil
}
