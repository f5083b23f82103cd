package storage

import (
	"context"
	"time"

	"portico/app/portal"
)

// Files of rooms: what is known of them; their contents are elsewhere, under the name "blob". One that gets no message within
// waitingFile is forgotten; one of a message that was taken back has its place negative as long as a legal hold keeps it.

// waitingFile is how long a file waits for its message.
const waitingFile = 24 * time.Hour

// AddFile notes a file that who has put into a room; ErrConflict for an id that is there, ErrNotFound where there is no such room.
func (s *Store) AddFile(ctx context.Context, room, who portal.Address, f portal.File, blob string) error {
	if f.ID == "" || blob == "" || who == "" {
		return invalid("a file needs an id, somebody who brought it, and a content")
	}
	return s.write(ctx, "add file", func(t *txn) error {
		num, err := asker(t.all).roomNum(room)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO room_files (id, room, who, place, pos, name, type, size, width, height, blob, at)
			VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?)`, f.ID, num, string(who), f.Name, f.Type, f.Size, f.Width, f.Height, blob,
			stamp(t.w.s.o.Now()))
	})
}

// File finds a file of a room by its id: who brought it, the place of its message (zero: it waits for one), and the name of its
// content; ErrNotFound.
func (s *Store) File(ctx context.Context, room portal.Address, id string) (f portal.File, by portal.Address, place int64, blob string, err error) {
	found, err := s.one(ctx, "file", `SELECT f.id, f.name, f.type, f.size, f.width, f.height, f.who, f.place, f.blob
		FROM room_files f CROSS JOIN rooms r ON r.num = f.room WHERE f.id = ? AND r.uri = ? AND f.place >= 0`, []any{id, string(room)},
		&f.ID, &f.Name, &f.Type, &f.Size, &f.Width, &f.Height, &by, &place, &blob)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNoFile)
	}
	return f, by, place, blob, err
}

// WaitingFiles counts the files that who has put into any room and that belong to no message yet, with their bytes. It
// costs by what waits in the whole portal, which is a day's at most.
func (s *Store) WaitingFiles(ctx context.Context, who portal.Address) (files int, bytes int64, err error) {
	_, err = s.one(ctx, "waiting files", `SELECT COUNT(*), COALESCE(SUM(size), 0) FROM room_files INDEXED BY room_files_waiting
		WHERE place = 0 AND at > 0 AND who = ?`, []any{string(who)}, &files, &bytes)
	return files, bytes, err
}

// BlobUsed reports whether any file has the content of that name: one that none has can be thrown away.
func (s *Store) BlobUsed(ctx context.Context, blob string) (bool, error) {
	var id string
	return s.one(ctx, "use of a content", `SELECT id FROM room_files WHERE blob = ? LIMIT 1`, []any{blob}, &id)
}

// pruneRoomFiles forgets files that waited too long for their message.
func (s *Store) pruneRoomFiles(ctx context.Context) error {
	before := stamp(s.o.Now().Add(-waitingFile))
	return s.repeat(ctx, "prune files of rooms", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM room_files WHERE id IN (SELECT id FROM room_files WHERE place = 0 AND at < ? ORDER BY at LIMIT ?)`,
			before, slice)
		return n == slice, err
	})
}
