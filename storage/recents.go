package storage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/app/portal"
)

// The people a person had to do with last, from the heads of two indexes: the conversations and the list of calls.

const (
	// recentsDefault and recentsMost bound the list.
	recentsDefault, recentsMost = 50, 200
	// recentCalls is how many entries of the list of calls are looked at: somebody may have called very often.
	recentCalls = 1000
)

const (
	recentPeers = `SELECT c.peer, m.said_at FROM conversations c CROSS JOIN messages m ON m.ord = c.last_ord
		WHERE c.owner = ? AND c.peer <> c.owner
		AND NOT EXISTS (SELECT 1 FROM history_peers p WHERE p.owner = c.owner AND p.peer = c.peer AND p.room = 1)
		AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.uri = c.peer)
		ORDER BY c.last_ord DESC LIMIT ?`
	recentCallers = `SELECT sender, at FROM calls WHERE owner = ? AND sender <> '' AND sender <> owner ORDER BY at DESC, seq DESC LIMIT ?`
)

// Recents are the people with whom the owner had a conversation or a call last, newest first, at most limit (default 50, most 200).
// Rooms are no people; of the calls the newest 1000 are looked at.
func (s *Store) Recents(ctx context.Context, owner portal.Address, limit int) ([]portal.Recent, error) {
	if limit <= 0 {
		limit = recentsDefault
	}
	limit = min(limit, recentsMost)
	last := map[portal.Address]time.Time{}
	take := func(scan scanFunc) error {
		var (
			who portal.Address
			at  int64
		)
		if err := scan(&who, &at); err != nil {
			return err
		}
		if t := instant(at); t.After(last[who]) {
			last[who] = t
		}
		return nil
	}
	if err := s.all(ctx, "recent conversations", recentPeers, []any{string(owner), limit}, take); err != nil {
		return nil, err
	}
	if err := s.all(ctx, "recent calls", recentCallers, []any{string(owner), recentCalls}, take); err != nil {
		return nil, err
	}
	list := make([]portal.Recent, 0, len(last))
	for who, at := range last {
		list = append(list, portal.Recent{URI: who, At: at})
	}
	slices.SortFunc(list, func(a, b portal.Recent) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.URI, b.URI))
	})
	return list[:min(limit, len(list))], nil
}
