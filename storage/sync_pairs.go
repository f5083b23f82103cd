package storage

import (
	"context"

	"portico/app/portal"
)

// What both sides last agreed about each appointment.

const selectPairs = `SELECT crm, uid, mailbox, remote_id, change_key, revision, agreed, invited, state, reason, at, version FROM sync_pairs `

func (s *Store) pair(ctx context.Context, query, by string) (p portal.SyncPair, found bool, err error) {
	var (
		invited int
		at      int64
	)
	found, err = s.one(ctx, "sync pair", query, []any{by}, &p.CRM, &p.UID, &p.Mailbox, &p.RemoteID, &p.ChangeKey, &p.Revision, &p.Agreed,
		&invited, &p.State, &p.Reason, &at, &p.Version)
	p.Invited, p.At = invited != 0, instant(at)
	return p, found, err
}

const (
	pairByCRM = selectPairs + `WHERE crm = ?`
	pairByUID = selectPairs + `WHERE uid = ? AND uid <> ''`
)

// SyncPair gives the pair of a CRM record; ErrNotFound.
func (s *Store) SyncPair(ctx context.Context, crm string) (portal.SyncPair, error) {
	return wanted(s.pair(ctx, pairByCRM, crm))
}

// SyncPairByUID gives the pair of a UID; ErrNotFound.
func (s *Store) SyncPairByUID(ctx context.Context, uid string) (portal.SyncPair, error) {
	return wanted(s.pair(ctx, pairByUID, uid))
}

func wanted(p portal.SyncPair, found bool, err error) (portal.SyncPair, error) {
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return p, err
}

// SyncPairsOf gives the pairs of some records, by record; those without one are left out.
func (s *Store) SyncPairsOf(ctx context.Context, crm []string) (map[string]portal.SyncPair, error) {
	return s.pairs(ctx, pairByCRM, crm)
}

// SyncPairsByUIDs gives the pairs of some UIDs, by UID.
func (s *Store) SyncPairsByUIDs(ctx context.Context, uids []string) (map[string]portal.SyncPair, error) {
	return s.pairs(ctx, pairByUID, uids)
}

func (s *Store) pairs(ctx context.Context, query string, names []string) (map[string]portal.SyncPair, error) {
	all := make(map[string]portal.SyncPair, len(names))
	for _, name := range names {
		p, found, err := s.pair(ctx, query, name)
		if err != nil {
			return nil, err
		}
		if found {
			all[name] = p
		}
	}
	return all, nil
}

// putPair stores a pair by its Version (0: new), which is raised; a stale one is ErrConflict.
func (t *txn) putPair(p *portal.SyncPair) error {
	if p.CRM == "" {
		return invalid("a pair needs a record")
	}
	add := `INSERT INTO sync_pairs (uid, mailbox, remote_id, change_key, revision, agreed, invited, state, reason, at, version, crm)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (crm) DO NOTHING`
	change := `UPDATE sync_pairs SET uid = ?, mailbox = ?, remote_id = ?, change_key = ?, revision = ?, agreed = ?, invited = ?, state = ?, reason = ?,
		at = ?, version = ? WHERE crm = ? AND version = ?`
	query, args := add, []any{p.UID, string(p.Mailbox), p.RemoteID, p.ChangeKey, p.Revision, append([]byte{}, p.Agreed...), flag(p.Invited), p.State, p.Reason,
		stamp(p.At), p.Version + 1, p.CRM}
	if p.Version != 0 {
		query, args = change, append(args, p.Version)
	}
	n, err := t.affect(query, args...)
	if err == nil && n == 0 {
		err = portal.Fail(portal.ErrConflict, keyStaleSync)
	}
	return err
}
