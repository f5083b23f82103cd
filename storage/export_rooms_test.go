package storage

import "context"

// FillRooms fills rooms numbered from 1 on (they are there, and nothing is said in them) with n messages by the engine's own means, a
// message every so many nanoseconds from start on: four tenths in the first, the rest evenly in the others. Each has ten words "w0",
// "w1" … of which some are far more common than others; every third has "offer", one of ten thousand "zebra", and half of those of the
// other rooms "others".
func FillRooms(ctx context.Context, s *Store, n, rooms int, start, step int64) error {
	const chunk = 50_000
	for from := 0; from < n; from += chunk {
		err := s.write(ctx, "fill rooms", func(t *txn) error {
			return t.exec(`INSERT INTO room_messages (room, place, sender, id, body, said_at, stored_at, replies, edited_at, deleted_at,
				deleted_by, pin, mentions, mentions_all, files, reactions, version)
				WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
				SELECT CASE WHEN i % 10 < 4 THEN 1 ELSE 2 + i * 7919 % ? END, i + 1, 'sip:bob@example.test', 'id' || i,
					'w' || (i * 31 % 50) || ' w' || (i * 37 % 50) || ' w' || (i * 41 % 50) || ' w' || (i * 53 % 2003) || ' w' || (i * 59 % 2003)
					|| ' w' || (i * 61 % 2003) || ' w' || (i * 67 % 2003) || ' w' || (i * 71 % 30011) || ' w' || (i * 73 % 30011) || ' w' || (i * 79 % 30011)
					|| CASE WHEN i % 3 = 0 THEN ' offer' ELSE '' END || CASE WHEN i % 10000 = 0 THEN ' zebra' ELSE '' END
					|| CASE WHEN i % 10 >= 4 AND i % 2 = 0 THEN ' others' ELSE '' END,
					? + i * ?, 1, 0, 0, 0, '', 0, '', 0, 0, 0, 1 FROM n`,
				from, min(n, from+chunk), rooms-1, start, step)
		})
		if err != nil {
			return err
		}
	}
	for num := 1; num <= rooms; num++ {
		err := s.write(ctx, "index rooms", func(t *txn) error {
			scope := ftsScope(int64(num))
			return t.exec(`INSERT INTO room_words (rowid, words) SELECT seq, ? || replace(body, ' ', ' ' || ?) FROM room_messages WHERE room = ? ORDER BY place`,
				scope, scope, num)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
