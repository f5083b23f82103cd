package storage

import (
	"cmp"
	"context"
	"math"
	"strconv"
	"strings"

	"portico/app/portal"
)

// Lists of episodes: the owner's own and those of rooms, put together by when they ended. Each of these is read in the order of an
// index, a few rows at a time, so a page costs by its length and by the number of rooms.

const (
	// episodesDefault and episodesMost bound a page, streamChunk is how many rows of one stream are read at once.
	episodesDefault, episodesMost = 50, 200
	streamChunk                   = 8
	// subjectMost is how much of what was said first is an episode's subject, in characters.
	subjectMost = 120
)

// longest is how long an episode can last at most: each message is within the gap of those before.
func (s *Store) longest() int64 { return roomEpisodeMost * int64(s.o.EpisodeGap) }

// bound is a place in the order of episodes: by end, then own ones before those of rooms, then by number.
type bound struct {
	end  int64
	room bool
	num  int64
}

func (b bound) String() string {
	return strconv.FormatInt(b.end, 36) + "." + episodeID(b.num, b.room)
}

func parseBound(s string) (b bound, ok bool) {
	end, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(end, 36, 64)
	num, room, known := parseEpisodeID(id)
	return bound{n, room, num}, err == nil && known
}

// listing is one list that is asked for.
type listing struct {
	s     *Store
	ctx   context.Context
	owner portal.Address
	q     portal.HistoryQuery
	// up is oldest first; held shows also what its owner has deleted.
	up, held bool
	from, to int64
	at       bound
}

// Episodes lists the owner's own episodes and those of the rooms of spans, newest first. ErrInvalid for a cursor that it did not give.
func (s *Store) Episodes(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery) ([]portal.Episode, string, error) {
	l := listing{s: s, ctx: ctx, owner: owner, q: q}
	return l.page(spans)
}

// EpisodesUp lists them oldest first; with held also those that the owner deleted while under hold.
func (s *Store) EpisodesUp(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery, held bool) ([]portal.Episode, string, error) {
	l := listing{s: s, ctx: ctx, owner: owner, q: q, up: true, held: held}
	return l.page(spans)
}

func (l *listing) page(spans []portal.RoomSpan) (eps []portal.Episode, next string, err error) {
	if err := l.begin(); err != nil {
		return nil, "", err
	}
	limit := l.q.Limit
	if limit <= 0 {
		limit = episodesDefault
	}
	limit = min(limit, episodesMost)
	streams, err := l.streams(spans)
	if err != nil {
		return nil, "", err
	}
	eps = make([]portal.Episode, 0, limit)
	for {
		first, err := l.first(streams)
		if err != nil || first == nil {
			return eps, "", err
		}
		if len(eps) == limit && first.rows[0].bound != l.at { // of one episode there can be two parts under hold
			return eps, l.at.String(), nil
		}
		row := first.rows[0]
		first.rows = first.rows[1:]
		l.at = row.bound
		row.Held = l.held
		eps = append(eps, row.Episode)
	}
}

// begin reads the bounds of the query and its cursor.
func (l *listing) begin() error {
	l.from, l.to = math.MinInt64, math.MaxInt64
	if !l.q.From.IsZero() {
		l.from = stamp(l.q.From)
	}
	if !l.q.To.IsZero() {
		l.to = stamp(l.q.To)
	}
	switch {
	case l.q.Cursor != "":
		at, ok := parseBound(l.q.Cursor)
		if !ok {
			return portal.Fail(portal.ErrInvalid, keyCursor)
		}
		l.at = at
	case l.up:
		l.at = bound{l.from, false, 0} // before all that ended then or later
		if l.from > math.MinInt64 {
			l.at = bound{l.from - 1, true, math.MaxInt64}
		}
	default: // an episode that began before the time may have ended after it
		l.at = bound{math.MaxInt64, true, math.MaxInt64}
		if l.to < math.MaxInt64-l.s.longest() {
			l.at.end = l.to + l.s.longest()
		}
	}
	return nil
}

// episodeRow is an episode with its place in the order.
type episodeRow struct {
	portal.Episode
	bound
}

// stream is episodes of one kind or room in the list's order.
type stream struct {
	room bool
	read func(at bound, up bool, limit int, each func(scanFunc) error) error
	take func(scanFunc) (episodeRow, error)
	rows []episodeRow
	at   bound
	done bool
	// chunk is how many rows are read next; it grows.
	chunk int
}

// refill reads a few more rows where none is left.
func (st *stream) refill(up bool) error {
	if len(st.rows) > 0 || st.done {
		return nil
	}
	got := 0
	err := st.read(st.at, up, st.chunk, func(scan scanFunc) error {
		got++
		row, err := st.take(scan)
		if err == nil {
			st.rows = append(st.rows, row)
			st.at = row.bound
		}
		return err
	})
	st.done = got < st.chunk
	st.chunk = min(st.chunk*2, episodesMost)
	return err
}

// first is the stream whose next episode is first; nil at the end.
func (l *listing) first(streams []*stream) (*stream, error) {
	var best *stream
	for _, st := range streams {
		if err := st.refill(l.up); err != nil {
			return nil, err
		}
		if len(st.rows) == 0 {
			continue
		}
		if best == nil || l.before(st.rows[0].bound, best.rows[0].bound) {
			best = st
		}
	}
	return best, nil
}

// before reports whether a comes before b in the list.
func (l *listing) before(a, b bound) bool {
	c := cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(flag(a.room), flag(b.room)), cmp.Compare(a.num, b.num))
	if l.up {
		return c < 0
	}
	return c > 0
}

// edge is the number next to which a stream goes on among episodes that ended at the same time.
func (b bound) edge(room bool) int64 {
	if b.room == room {
		return b.num
	}
	if room { // theirs come behind own ones of the same time
		return math.MinInt64
	}
	return math.MaxInt64
}

// ownColumns are an own episode's, with what is in Exchange of it and what was said first.
const (
	ownColumns = `SELECT e.num, e.owner, e.peer, e.kind, e.start_at, e.end_at, e.first_ord, e.last_ord, e.messages,
		COALESCE(n.waiting, 0), COALESCE(n.state, ''), COALESCE(n.reason, ''), COALESCE(n.item, ''), COALESCE(n.gone, 0),
		COALESCE(m.body, ''), COALESCE(m.state, ''), COALESCE(c.read_up_to, 0)
		FROM history_episodes e`
	ownJoins = ` LEFT JOIN history_notes n ON n.owner = e.owner AND n.episode = e.num
		LEFT JOIN messages m ON m.ord = e.first_ord
		LEFT JOIN conversations c ON c.owner = e.owner AND c.peer = e.peer`
	byKind       = ` INDEXED BY history_episodes_kind`
	byPeer       = ` INDEXED BY history_episodes_peer`
	ownWhere     = ` AND e.end_at >= ? AND e.start_at < ? AND e.hidden <= ?`
	kindDown     = ownColumns + byKind + ownJoins + ` WHERE e.owner = ? AND e.kind = ? AND (e.end_at, e.num) < (?, ?)` + ownWhere + ` ORDER BY e.end_at DESC, e.num DESC LIMIT ?`
	kindUp       = ownColumns + byKind + ownJoins + ` WHERE e.owner = ? AND e.kind = ? AND (e.end_at, e.num) > (?, ?)` + ownWhere + ` ORDER BY e.end_at, e.num LIMIT ?`
	peerDown     = ownColumns + byPeer + ownJoins + ` WHERE e.owner = ? AND e.peer = ? AND (e.end_at, e.num) < (?, ?)` + ownWhere + ` ORDER BY e.end_at DESC, e.num DESC LIMIT ?`
	peerUp       = ownColumns + byPeer + ownJoins + ` WHERE e.owner = ? AND e.peer = ? AND (e.end_at, e.num) > (?, ?)` + ownWhere + ` ORDER BY e.end_at, e.num LIMIT ?`
	selectOwnOne = ownColumns + ownJoins + ` WHERE e.num = ? AND e.owner = ? AND e.hidden = 0`
)

// sharedColumns are a room's episode's, as far as somebody may read it: from the place of the first argument on.
const (
	sharedColumns = `SELECT e.num, r.uri, r.kind, e.start_at, e.end_at, MAX(e.first_place, ?), e.last_place,
		COALESCE(n.waiting, 0), COALESCE(n.state, ''), COALESCE(n.reason, ''), COALESCE(n.item, ''),
		COALESCE(m.body, ''), COALESCE(m.said_at, 0)`
	ofRooms     = ` FROM rooms r CROSS JOIN history_room_episodes e`
	ofEpisode   = ` FROM history_room_episodes e CROSS JOIN rooms r`
	sharedJoins = ` LEFT JOIN history_notes n ON n.owner = ? AND n.episode = -e.num
		LEFT JOIN room_messages m ON m.room = r.num AND m.place = MAX(e.first_place, ?)`
	sharedWhere = ` AND e.last_place >= ? AND e.end_at >= ? AND e.start_at < ?
		AND NOT EXISTS (SELECT 1 FROM history_unseen u WHERE u.owner = ? AND u.episode = e.num)`
	sharedDown = sharedColumns + ofRooms + ` INDEXED BY history_room_episodes_end` + sharedJoins + ` WHERE r.uri = ? AND e.room = r.num AND (e.end_at, e.num) < (?, ?)` + sharedWhere + ` ORDER BY e.end_at DESC, e.num DESC LIMIT ?`
	sharedUp   = sharedColumns + ofRooms + ` INDEXED BY history_room_episodes_end` + sharedJoins + ` WHERE r.uri = ? AND e.room = r.num AND (e.end_at, e.num) > (?, ?)` + sharedWhere + ` ORDER BY e.end_at, e.num LIMIT ?`
	sharedHeld = sharedColumns + ofRooms + ` INDEXED BY history_room_episodes_end` + sharedJoins + ` WHERE r.uri = ? AND e.room = r.num AND (e.end_at, e.num) > (?, ?)` + sharedWhere + ` AND e.first_place <= ? ORDER BY e.end_at, e.num LIMIT ?`
	sharedOne  = sharedColumns + ofEpisode + sharedJoins + ` WHERE e.num = ? AND r.num = e.room AND e.last_place >= ?
		AND NOT EXISTS (SELECT 1 FROM history_unseen u WHERE u.owner = ? AND u.episode = e.num)`
)

// streams are those that the query does not rule out.
func (l *listing) streams(spans []portal.RoomSpan) ([]*stream, error) {
	var list []*stream
	ownQuery := func(down, upward, key string) *stream {
		return &stream{at: l.at, chunk: streamChunk, take: ownRow, read: func(at bound, up bool, limit int, each func(scanFunc) error) error {
			query := down
			if up {
				query = upward
			}
			return l.s.all(l.ctx, "episodes", query, []any{string(l.owner), key, at.end, at.edge(false), l.from, l.to, flag(l.held), limit}, each)
		}}
	}
	kind := l.q.Kind
	switch {
	case kind == portal.EpisodeGroup, kind == portal.EpisodeForeign:
	case l.q.Peer != "":
		st := ownQuery(peerDown, peerUp, string(l.q.Peer))
		if kind != "" {
			of, err := l.peerKind()
			if err != nil {
				return nil, err
			}
			st.done = of != kind
		}
		list = append(list, st)
	case kind != "":
		list = append(list, ownQuery(kindDown, kindUp, string(kind)))
	default:
		list = append(list, ownQuery(kindDown, kindUp, string(portal.EpisodeIM)), ownQuery(kindDown, kindUp, string(portal.EpisodeRoom)))
	}
	if kind == portal.EpisodeIM || kind == portal.EpisodeForeign {
		return list, nil
	}
	readable := make([]heldSpan, len(spans))
	for i, span := range spans {
		readable[i] = heldSpan{span, math.MaxInt64}
	}
	if l.held {
		var err error
		if readable, err = l.s.heldSpans(l.ctx, l.owner, spans); err != nil {
			return nil, err
		}
	}
	for _, span := range readable {
		if l.q.Peer == "" || l.q.Peer == span.Room {
			list = append(list, l.roomStream(span))
		}
	}
	return list, nil
}

// peerKind is what the conversation of the query is.
func (l *listing) peerKind() (portal.EpisodeKind, error) {
	var room int
	_, err := l.s.one(l.ctx, "kind of a conversation", `SELECT room FROM history_peers WHERE owner = ? AND peer = ?`, []any{string(l.owner), string(l.q.Peer)}, &room)
	if room == 1 {
		return portal.EpisodeRoom, err
	}
	return portal.EpisodeIM, err
}

func (l *listing) roomStream(span heldSpan) *stream {
	first := max(span.First, 1)
	st := &stream{room: true, at: l.at, chunk: streamChunk}
	st.read = func(at bound, up bool, limit int, each func(scanFunc) error) error {
		query := sharedDown
		if up {
			query = sharedUp
		}
		if l.held {
			return l.s.all(l.ctx, "episodes of a room", sharedHeld, []any{first, string(l.owner), first, string(span.Room),
				at.end, at.edge(true), first, l.from, l.to, "", span.last, limit}, each) // unseen by nobody: all are seen
		}
		return l.s.all(l.ctx, "episodes of a room", query, []any{first, string(l.owner), first, string(span.Room),
			at.end, at.edge(true), first, l.from, l.to, string(l.owner), limit}, each)
	}
	st.take = func(scan scanFunc) (episodeRow, error) {
		row, err := roomEpisodeRow(scan, l.owner)
		if row.Last > span.last {
			row.Last, row.Messages = span.last, int(span.last-row.First+1)
		}
		return row, err
	}
	if l.q.Kind != "" {
		st.read = l.onlyKind(span.Room, st.read)
	}
	return st
}

// onlyKind reads nothing of a room of another kind than the query's.
func (l *listing) onlyKind(room portal.Address, read func(bound, bool, int, func(scanFunc) error) error) func(bound, bool, int, func(scanFunc) error) error {
	return func(at bound, up bool, limit int, each func(scanFunc) error) error {
		var kind portal.RoomKind
		_, err := l.s.one(l.ctx, "kind of a room", `SELECT kind FROM rooms WHERE uri = ?`, []any{string(room)}, &kind)
		if err != nil || !kindMeant(kind, l.q.Kind) {
			return err
		}
		return read(at, up, limit, each)
	}
}

// keptState is what the list says of Exchange.
func keptState(waiting int, state, item string) portal.KeptState {
	switch {
	case state == "refused":
		return portal.KeptRefused
	case state != "":
		return portal.KeptNot
	case waiting != 0:
		return portal.KeptWaiting
	case item != "":
		return portal.KeptThere
	}
	return portal.KeptNot
}

func ownRow(scan scanFunc) (row episodeRow, err error) {
	var (
		start, end, read         int64
		waiting, gone            int
		state, item, text, first string
		reason                   string
	)
	e := &row.Episode
	err = scan(&row.num, &e.Owner, &e.Conversation, &e.Kind, &start, &end, &e.First, &e.Last, &e.Messages,
		&waiting, &state, &reason, &item, &gone, &text, &first, &read)
	e.ID, e.Start, e.End, row.end = episodeID(row.num, false), instant(start), instant(end), end
	e.Subject, e.Kept = beginning(strings.Join(strings.Fields(text), " "), subjectMost), keptState(waiting, state, item)
	if e.Kept == portal.KeptRefused || e.Kept == portal.KeptWaiting {
		e.Reason = reason
	}
	if e.Kind == portal.EpisodeIM {
		e.With = []portal.Address{e.Conversation}
	}
	e.Missed = portal.State(first) == portal.Received && read < e.First
	return row, err
}

func roomEpisodeRow(scan scanFunc, owner portal.Address) (row episodeRow, err error) {
	var (
		start, end, said          int64
		waiting                   int
		kind                      portal.RoomKind
		state, reason, item, text string
	)
	e := &row.Episode
	err = scan(&row.num, &e.Conversation, &kind, &start, &end, &e.First, &e.Last, &waiting, &state, &reason, &item, &text, &said)
	e.ID, e.Owner, e.Start, e.End = episodeID(row.num, true), owner, instant(start), instant(end)
	if said > start {
		e.Start = instant(said) // what came before is not theirs to read
	}
	row.end, row.room = end, true
	e.Messages = int(e.Last - e.First + 1)
	e.Kind = portal.EpisodeRoom
	if kind == portal.GroupRoom {
		e.Kind = portal.EpisodeGroup
	}
	e.Subject, e.Kept = beginning(strings.Join(strings.Fields(text), " "), subjectMost), keptState(waiting, state, item)
	if e.Kept == portal.KeptRefused || e.Kept == portal.KeptWaiting {
		e.Reason = reason
	}
	return row, err
}

// Episode is one of the owner's episodes, or of a room of spans; ErrNotFound ("history.not-found").
func (s *Store) Episode(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, id string) (portal.Episode, error) {
	missing := portal.Fail(portal.ErrNotFound, keyNoEpisode)
	num, room, ok := parseEpisodeID(id)
	if !ok {
		return portal.Episode{}, missing
	}
	var rows []episodeRow
	if !room {
		err := s.all(ctx, "episode", selectOwnOne, []any{num, string(owner)}, func(scan scanFunc) error {
			row, err := ownRow(scan)
			rows = append(rows, row)
			return err
		})
		if err != nil || len(rows) > 0 {
			return firstEpisode(rows), err
		}
		return portal.Episode{}, missing
	}
	var uri portal.Address
	if _, err := s.one(ctx, "room of an episode", `SELECT r.uri FROM history_room_episodes e JOIN rooms r ON r.num = e.room WHERE e.num = ?`,
		[]any{num}, &uri); err != nil {
		return portal.Episode{}, err
	}
	for _, span := range spans {
		if span.Room != uri {
			continue
		}
		first := max(span.First, 1)
		err := s.all(ctx, "episode", sharedOne, []any{first, string(owner), first, num, first, string(owner)}, func(scan scanFunc) error {
			row, err := roomEpisodeRow(scan, owner)
			rows = append(rows, row)
			return err
		})
		if err != nil || len(rows) > 0 {
			return firstEpisode(rows), err
		}
	}
	return portal.Episode{}, missing
}

func firstEpisode(rows []episodeRow) portal.Episode {
	if len(rows) == 0 {
		return portal.Episode{}
	}
	return rows[0].Episode
}
