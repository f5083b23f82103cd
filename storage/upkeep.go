package storage

import (
	"context"
	"time"
)

// What Run does beside writing: old events, expired sessions, old messages and what CRM and the
// synchronisation need no longer go, in small writes among the others, so that nobody waits for them.

// slice is how many rows one write of the upkeep removes at most.
const slice = 500

// upkeep prunes at once and then again and again until ctx ends. A failure is logged and the next
// round tries again.
func (s *Store) upkeep(ctx context.Context) {
	every := time.NewTicker(s.o.UpkeepEvery)
	defer every.Stop()
	for {
		if err := s.prune(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "database upkeep failed", "err", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) prune(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.pruneSessions, s.pruneEventsByAge, s.pruneEventsByPerson, s.pruneFollows, s.pruneMessages, s.pruneRooms, s.pruneRoomFiles, s.pruneCalls, s.pruneDrafts,
		s.pruneCRMKeys, s.pruneCRMFiles, s.sweepMailboxes, s.pruneHeld, s.pruneRoomEpisodes} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs a write until it says that it found nothing more to do.
func (s *Store) repeat(ctx context.Context, what string, do func(*txn) (more bool, err error)) error {
	for {
		var more bool
		err := s.write(ctx, what, func(t *txn) (err error) {
			more, err = do(t)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

func (s *Store) pruneSessions(ctx context.Context) error {
	return s.repeat(ctx, "prune sessions", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires_at <= ? LIMIT ?)`,
			stamp(s.o.Now()), slice)
		return n == slice, err
	})
}
