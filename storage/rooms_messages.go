package storage

import (
	"context"
	"math"
	"slices"
	"strings"

	"portico/app/portal"
)

// What is said in rooms: reading it. A message is one row; what it quotes is read beside it, its files and reactions where it has any.

// quoteMost is how much of a quoted message is shown, in characters.
const quoteMost = 200

const (
	roomColumns = `m.seq, m.place, m.sender, m.id, m.body, m.said_at, m.replies, m.edited_at, m.deleted_at, m.deleted_by, m.pin,
		m.mentions, m.mentions_all, m.files, m.reactions, m.version, COALESCE(q.place, 0), COALESCE(q.sender, ''), COALESCE(q.body, '')`
	fromRoom = ` FROM room_messages m LEFT JOIN room_messages q ON q.room = m.room AND q.place = m.replies WHERE m.room = ? `
)

const (
	selectRoomMessage = `SELECT ` + roomColumns + fromRoom + `AND m.place = ?`
	selectRoomID      = `SELECT ` + roomColumns + fromRoom + `AND m.sender = ? AND m.id = ?`
	selectRoomBefore  = `SELECT ` + roomColumns + fromRoom + `AND m.place < ? AND m.place >= ? ORDER BY m.place DESC LIMIT ?`
	selectRoomAfter   = `SELECT ` + roomColumns + fromRoom + `AND m.place >= ? ORDER BY m.place LIMIT ?`
	selectRoomPinned  = `SELECT ` + roomColumns + fromRoom + `AND m.pin > 0 AND m.place >= ? ORDER BY m.pin DESC LIMIT ?`
)

// roomRow receives roomColumns.
type roomRow struct {
	m                                   portal.RoomMessage
	seq, at, editedAt, deletedAt, pin   int64
	mentions                            string
	mentionsAll, withFiles, withReacted int
	quote                               portal.RoomQuote
}

func (r *roomRow) dest() []any {
	m := &r.m
	return []any{&r.seq, &m.Place, &m.From, &m.ID, &m.Text, &r.at, &m.Replies, &r.editedAt, &r.deletedAt, &m.DeletedBy, &r.pin,
		&r.mentions, &r.mentionsAll, &r.withFiles, &r.withReacted, &m.Version, &r.quote.Place, &r.quote.From, &r.quote.Text}
}

// roomMessages reads messages of the room num, whose address is room, with everything that belongs to them. What is quoted from
// before first is not shown.
func (ask asker) roomMessages(room portal.Address, num, first int64, query string, args ...any) ([]roomRow, error) {
	var rows []roomRow
	err := ask(query, append([]any{num}, args...), func(scan scanFunc) error {
		var r roomRow
		if err := scan(r.dest()...); err != nil {
			return err
		}
		m := &r.m
		m.Room, m.Pinned, m.MentionsAll = room, r.pin > 0, r.mentionsAll != 0
		m.At, m.EditedAt, m.DeletedAt = instant(r.at), instant(r.editedAt), instant(r.deletedAt)
		if r.mentions != "" {
			for who := range strings.SplitSeq(r.mentions, "\n") {
				m.Mentions = append(m.Mentions, portal.Address(who))
			}
		}
		if q := r.quote; q.Place > 0 && q.Place >= first {
			q.Text = beginning(q.Text, quoteMost)
			m.Quote = &q
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if err := ask.fill(num, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// beginning is the first n characters of a text.
func beginning(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

// fill reads the files and reactions of a message.
func (ask asker) fill(num int64, r *roomRow) error {
	m := &r.m
	if r.withFiles != 0 {
		err := ask(`SELECT id, name, type, size, width, height FROM room_files WHERE room = ? AND place = ? AND place > 0 ORDER BY pos`,
			[]any{num, m.Place}, func(scan scanFunc) error {
				var f portal.File
				err := scan(&f.ID, &f.Name, &f.Type, &f.Size, &f.Width, &f.Height)
				m.Files = append(m.Files, f)
				return err
			})
		if err != nil {
			return err
		}
	}
	if r.withReacted == 0 {
		return nil
	}
	return ask(`SELECT sign, who FROM room_reactions WHERE room = ? AND place = ? ORDER BY num`, []any{num, m.Place}, func(scan scanFunc) error {
		var (
			sign string
			who  portal.Address
		)
		if err := scan(&sign, &who); err != nil {
			return err
		}
		i := slices.IndexFunc(m.Reactions, func(r portal.Reaction) bool { return r.Sign == sign })
		if i < 0 {
			i = len(m.Reactions)
			m.Reactions = append(m.Reactions, portal.Reaction{Sign: sign})
		}
		m.Reactions[i].By = append(m.Reactions[i].By, who)
		return nil
	})
}

// oneRoomMessage is the message that a query finds; ErrNotFound.
func (ask asker) oneRoomMessage(room portal.Address, num int64, query string, args ...any) (roomRow, error) {
	rows, err := ask.roomMessages(room, num, 0, query, args...)
	if err == nil && len(rows) == 0 {
		err = portal.Fail(portal.ErrNotFound, keyNoMessage)
	}
	if err != nil {
		return roomRow{}, err
	}
	return rows[0], nil
}

// RoomMessage is the message of a place with its quote; ErrNotFound.
func (s *Store) RoomMessage(ctx context.Context, room portal.Address, place int64) (portal.RoomMessage, error) {
	ask := s.asks(ctx, "room message")
	num, err := ask.roomNum(room)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	r, err := ask.oneRoomMessage(room, num, selectRoomMessage, place)
	return r.m, err
}

// RoomMessageByID is what from said under an id; ErrNotFound.
func (s *Store) RoomMessageByID(ctx context.Context, room, from portal.Address, id string) (portal.RoomMessage, error) {
	ask := s.asks(ctx, "room message by id")
	num, err := ask.roomNum(room)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	r, err := ask.oneRoomMessage(room, num, selectRoomID, string(from), id)
	return r.m, err
}

// PinnedMessages are the pinned messages of a room from the place first on, the newest pin first; there are at most portal.MaxPins.
func (s *Store) PinnedMessages(ctx context.Context, room portal.Address, first int64) ([]portal.RoomMessage, error) {
	ask := s.asks(ctx, "pinned messages")
	num, err := ask.roomNum(room)
	if err != nil {
		return nil, err
	}
	rows, err := ask.roomMessages(room, num, first, selectRoomPinned, first, portal.MaxPins)
	return messagesOf(rows), err
}

func messagesOf(rows []roomRow) []portal.RoomMessage {
	list := make([]portal.RoomMessage, len(rows))
	for i := range rows {
		list[i] = rows[i].m
	}
	return list
}

// RoomMessages is a stretch of a room, newest last, none below the place first (default limit 50, most 500); ErrNotFound where there
// is no such room. Around has up to half of the limit before its message, and more where there is less behind it.
func (s *Store) RoomMessages(ctx context.Context, room portal.Address, first int64, page portal.RoomPage) ([]portal.RoomMessage, error) {
	ask := s.asks(ctx, "room messages")
	num, err := ask.roomNum(room)
	if err != nil {
		return nil, err
	}
	limit := page.Limit
	if limit <= 0 {
		limit = pageDefault
	}
	limit = min(limit, pageMost)
	before := func(place int64) ([]roomRow, error) {
		rows, err := ask.roomMessages(room, num, first, selectRoomBefore, place, first, limit)
		slices.Reverse(rows)
		return rows, err
	}
	from := func(place int64) ([]roomRow, error) {
		return ask.roomMessages(room, num, first, selectRoomAfter, max(place, first), limit)
	}
	var rows []roomRow
	switch {
	case page.Before > 0:
		rows, err = before(page.Before)
	case page.After > 0:
		rows, err = from(page.After + 1)
	case page.Around > 0:
		rows, err = around(limit, page.Around, before, from)
	case !page.From.IsZero():
		var place int64
		if place, err = ask.placeAt(num, stamp(page.From)); err == nil && place > 0 {
			rows, err = from(place)
		}
	default:
		rows, err = before(math.MaxInt64)
	}
	return messagesOf(rows), err
}

// around joins what lies before a place and what begins with it, so that the place is in the middle where both are long.
func around(limit int, place int64, before, from func(int64) ([]roomRow, error)) ([]roomRow, error) {
	older, err := before(place)
	if err != nil {
		return nil, err
	}
	newer, err := from(place)
	if err != nil {
		return nil, err
	}
	n := min(len(older), max(limit/2, limit-len(newer)))
	return append(older[len(older)-n:], newer[:min(len(newer), limit-n)]...), nil
}

// placeAt is the place of the first message said at or after an instant; zero: there is none.
func (ask asker) placeAt(num, at int64) (place int64, err error) {
	err = ask(`SELECT place FROM room_messages WHERE room = ? AND said_at >= ? ORDER BY said_at, place LIMIT 1`, []any{num, at},
		func(scan scanFunc) error { return scan(&place) })
	return place, err
}

// joined is a list of addresses as it is stored.
func joined(list []portal.Address) string {
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(a))
	}
	return b.String()
}
