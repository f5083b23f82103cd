package storage

import (
	"context"
	"time"

	"portico/app/portal"
)

// What an episode holds: its messages in the order of their conversation, and how many were said on which day.

// Lines gives an episode's messages from e.First on, oldest first, after a cursor, at most limit (default and most: 500). What was taken back is left out, but
// where e is Held; then there may be fewer than limit before the end, which is where none comes.
func (s *Store) Lines(ctx context.Context, e portal.Episode, after int64, limit int) ([]portal.Line, error) {
	num, room, ok := parseEpisodeID(e.ID)
	if !ok {
		return nil, portal.Fail(portal.ErrNotFound, keyNoEpisode)
	}
	if limit <= 0 || limit > pageMost {
		limit = pageMost
	}
	lines := []portal.Line{}
	query, args := selectLines, []any{num, after, num, after, limit}
	if room {
		query, args = selectRoomLines, []any{num, max(after+1, e.First), limit}
	}
	if room && e.Held {
		query, args = selectHeldRoomLines, []any{num, max(after+1, e.First), e.Last, num, max(after+1, e.First), e.Last, limit}
	}
	files := map[int]int64{}
	err := s.all(ctx, "lines", query, args, func(scan scanFunc) error {
		var l portal.Line
		var at, with int64
		if err := scan(&l.Order, &l.From, &l.Text, &at, &with); err != nil {
			return err
		}
		l.At = instant(at)
		if with > 0 {
			files[len(lines)] = with
		}
		lines = append(lines, l)
		return nil
	})
	if e.Held && len(lines) == limit { // the versions of one message stay together
		cut := limit - 1
		for cut > 0 && lines[cut-1].Order == lines[limit-1].Order {
			cut--
		}
		if cut > 0 {
			lines = lines[:cut]
		}
	}
	for i, seq := range files {
		if i >= len(lines) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines[i].Files, err = s.lineFiles(ctx, seq)
	}
	return lines, err
}

const (
	selectLines = `SELECT ord, sender, body, said_at, 0 FROM (
			SELECT l.ord AS ord, m.sender AS sender, m.body AS body, m.said_at AS said_at FROM history_lines l CROSS JOIN messages m ON m.ord = l.ord WHERE l.episode = ? AND l.ord > ?
			UNION ALL SELECT h.ord, h.sender, h.body, h.said_at FROM history_held h WHERE h.episode = ? AND h.ord > ?)
		ORDER BY ord LIMIT ?`
	selectRoomLines = `SELECT m.place, m.sender, m.body, m.said_at, CASE WHEN m.files > 0 THEN m.seq ELSE 0 END
		FROM history_room_episodes e CROSS JOIN room_messages m ON m.room = e.room
		WHERE e.num = ? AND m.place >= ? AND m.place <= e.last_place AND m.deleted_at = 0 ORDER BY m.place LIMIT ?`
)

// selectHeldRoomLines gives also what messages were before they were changed or taken back.
const selectHeldRoomLines = `SELECT place, sender, body, said_at, files FROM (
		SELECT m.place AS place, m.version AS version, m.sender AS sender, m.body AS body, m.said_at AS said_at, CASE WHEN m.files > 0 THEN m.seq ELSE 0 END AS files
		FROM history_room_episodes e CROSS JOIN room_messages m ON m.room = e.room
		WHERE e.num = ? AND m.place >= ? AND m.place <= MIN(e.last_place, ?) AND m.deleted_at = 0
		UNION ALL SELECT h.place, h.version, h.sender, h.body, h.said_at, 0
		FROM history_room_episodes e CROSS JOIN history_held_rooms h ON h.room = e.room
		WHERE e.num = ? AND h.place >= ? AND h.place <= MIN(e.last_place, ?))
	ORDER BY place, version LIMIT ?`

func (s *Store) lineFiles(ctx context.Context, seq int64) ([]portal.File, error) {
	var files []portal.File
	err := s.all(ctx, "files of a line", `SELECT f.id, f.name, f.type, f.size, f.width, f.height FROM room_messages m
		CROSS JOIN room_files f ON f.room = m.room AND f.place = m.place AND f.place > 0 WHERE m.seq = ? ORDER BY f.pos`, []any{seq}, func(scan scanFunc) error {
		var f portal.File
		err := scan(&f.ID, &f.Name, &f.Type, &f.Size, &f.Width, &f.Height)
		files = append(files, f)
		return err
	})
	return files, err
}

// dayCount counts messages by day in [low, high).
type dayCount struct {
	s         *Store
	ctx       context.Context
	zone      *time.Location
	low, high int64
	days      map[string]int
}

// Days counts messages by day ("2026-11-21") of a time zone in [from, to); days without any are left out. It counts episodes, and looks at
// the messages of those alone that are of more than one day.
func (s *Store) Days(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, from, to time.Time, zone *time.Location) (map[string]int, error) {
	c := dayCount{s: s, ctx: ctx, zone: zone, low: stamp(from), high: stamp(to), days: map[string]int{}}
	edge := c.high + s.longest()
	broken, err := c.whole(selectOwnDays, string(owner), c.low, edge, c.high)
	if err != nil {
		return nil, err
	}
	for _, num := range broken {
		if err := c.one(`SELECT moment FROM history_lines WHERE episode = ?`, num); err != nil {
			return nil, err
		}
	}
	for _, span := range spans {
		first := max(span.First, 1)
		broken, err := c.whole(selectRoomDays, first, string(span.Room), c.low, edge, c.high, first, string(owner))
		if err != nil {
			return nil, err
		}
		for _, num := range broken {
			if err := c.one(selectRoomTimes, num, first); err != nil {
				return nil, err
			}
		}
	}
	return c.days, nil
}

const (
	selectOwnDays = `SELECT num, start_at, end_at, messages FROM history_episodes INDEXED BY history_episodes_kind
		WHERE owner = ? AND kind IN ('im', 'room') AND end_at >= ? AND end_at < ? AND start_at < ? AND hidden = 0`
	selectRoomDays = `SELECT e.num, e.start_at, e.end_at, CASE WHEN e.first_place < ? THEN 0 ELSE e.last_place - e.first_place + 1 END
		FROM rooms r CROSS JOIN history_room_episodes e INDEXED BY history_room_episodes_end
		WHERE r.uri = ? AND e.room = r.num AND e.end_at >= ? AND e.end_at < ? AND e.start_at < ? AND e.last_place >= ?
		AND NOT EXISTS (SELECT 1 FROM history_unseen u WHERE u.owner = ? AND u.episode = e.num)`
	selectRoomTimes = `SELECT m.said_at FROM history_room_episodes e CROSS JOIN room_messages m ON m.room = e.room
		WHERE e.num = ? AND m.place >= MAX(e.first_place, ?) AND m.place <= e.last_place`
)

func (c *dayCount) day(at int64) string { return instant(at).In(c.zone).Format(time.DateOnly) }

// whole counts the episodes that are of one day and whose number of messages is known, and gives the others.
func (c *dayCount) whole(query string, args ...any) (broken []int64, err error) {
	err = c.s.all(c.ctx, "days", query, args, func(scan scanFunc) error {
		var num, start, end int64
		var n int
		if err := scan(&num, &start, &end, &n); err != nil {
			return err
		}
		if day := c.day(start); n > 0 && start >= c.low && end < c.high && day == c.day(end) {
			c.days[day] += n
			return nil
		}
		broken = append(broken, num)
		return nil
	})
	return broken, err
}

// one counts an episode message by message.
func (c *dayCount) one(query string, args ...any) error {
	return c.s.all(c.ctx, "days", query, args, func(scan scanFunc) error {
		var at int64
		if err := scan(&at); err != nil {
			return err
		}
		if at >= c.low && at < c.high {
			c.days[c.day(at)]++
		}
		return nil
	})
}
