package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"portico/app/portal"
)

// The users of CRM. They are few thousand at most and mostly wanted all at once.

func encode(what string, v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", what, err)
	}
	return string(data), nil
}

func decode(what string, data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", what, err)
	}
	return nil
}

func scanUser(scan scanFunc) (u portal.CRMUser, err error) {
	var (
		payload []byte
		version int64
	)
	if err := scan(&payload, &version); err != nil {
		return u, err
	}
	err = decode("a user", payload, &u)
	u.Version = version
	return u, err
}

// CRMUsers gives all users, by address.
func (s *Store) CRMUsers(ctx context.Context) ([]portal.CRMUser, error) {
	var list []portal.CRMUser
	err := s.all(ctx, "crm users", `SELECT payload, version FROM crm_users ORDER BY address`, nil, func(scan scanFunc) error {
		u, err := scanUser(scan)
		list = append(list, u)
		return err
	})
	return list, err
}

// CRMUser gives a user; ErrNotFound.
func (s *Store) CRMUser(ctx context.Context, a portal.Address) (portal.CRMUser, error) {
	var u portal.CRMUser
	found := false
	err := s.all(ctx, "crm user", `SELECT payload, version FROM crm_users WHERE address = ?`, []any{string(a)}, func(scan scanFunc) (err error) {
		found = true
		u, err = scanUser(scan)
		return err
	})
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNoUser)
	}
	return u, err
}

// PutCRMUsers stores users by their Version as PutCRMAppointments does by Revision; by is for the change log.
func (s *Store) PutCRMUsers(ctx context.Context, key string, list []portal.CRMUser, by string) ([]portal.CRMUser, error) {
	return putParties(ctx, s, kindUser, key, list, func(t *txn, u *portal.CRMUser) error {
		if u.Address == "" {
			return invalid("a user needs an address")
		}
		u.Version++
		payload, err := encode("a user", u)
		if err != nil {
			return err
		}
		if err := t.byVersion(u.Version,
			`INSERT INTO crm_users (payload, version, address) VALUES (?, ?, ?) ON CONFLICT (address) DO NOTHING`,
			`UPDATE crm_users SET payload = ?, version = ? WHERE address = ? AND version = ?`, payload, u.Version, string(u.Address)); err != nil {
			return err
		}
		return t.noteCRM(kindUser, string(u.Address), changeOf(u.Version), by, 0)
	})
}

// changeOf says whether what has this version was made or changed with it.
func changeOf(version int64) portal.Change {
	if version == 1 {
		return portal.Created
	}
	return portal.Updated
}

// byVersion adds a row whose new version is 1, or changes one of the version before; ErrConflict where that is not there.
func (t *txn) byVersion(version int64, add, change string, args ...any) error {
	query := add
	if version > 1 {
		query, args = change, append(args, version-1)
	}
	n, err := t.affect(query, args...)
	if err == nil && n == 0 {
		err = portal.Fail(portal.ErrConflict, keyStaleCRM)
	}
	return err
}

// putParties stores a list, all or none, once for an idempotency key, and gives it as stored.
func putParties[P any](ctx context.Context, s *Store, kind, key string, list []P, put func(t *txn, p *P) error) ([]P, error) {
	var out []P
	err := s.write(ctx, "put crm "+kind, func(t *txn) error {
		first, repeated, err := t.answered(kind, key)
		if err != nil {
			return err
		}
		if repeated {
			return decode("an answer", first, &out)
		}
		out = slices.Clone(list)
		for i := range out {
			if err := put(t, &out[i]); err != nil {
				return err
			}
		}
		return t.answer(kind, key, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
