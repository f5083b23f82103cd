package storage

import (
	"context"

	"portico/app/portal"
)

// FillRooms says messages in one write, as AddRoomMessage does, without events.
func FillRooms(ctx context.Context, s *Store, list []portal.RoomMessage) error {
	return s.write(ctx, "fill rooms", func(t *txn) error {
		for _, m := range list {
			if _, _, err := t.addRoomMessage(m, nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
