package storage

import (
	"context"

	"portico/app/portal"
)

// The programs outside that hear of the changes of CRM. Their secrets come sealed and leave sealed.

const selectEndpoints = `SELECT secret, cursor, version, payload FROM hook_endpoints `

func (s *Store) endpoints(ctx context.Context, query string, args ...any) ([]portal.HookEndpoint, error) {
	var list []portal.HookEndpoint
	err := s.all(ctx, "hook endpoints", query, args, func(scan scanFunc) error {
		var (
			e               portal.HookEndpoint
			secret, payload []byte
			cursor, version int64
		)
		if err := scan(&secret, &cursor, &version, &payload); err != nil {
			return err
		}
		err := decode("an endpoint", payload, &e)
		e.Secret, e.Cursor, e.Version = secret, cursor, version
		list = append(list, e)
		return err
	})
	return list, err
}

// HookEndpoints gives all endpoints, by ID.
func (s *Store) HookEndpoints(ctx context.Context) ([]portal.HookEndpoint, error) {
	return s.endpoints(ctx, selectEndpoints+`WHERE id > '' ORDER BY id`)
}

// HookEndpoint gives an endpoint; ErrNotFound.
func (s *Store) HookEndpoint(ctx context.Context, id string) (portal.HookEndpoint, error) {
	list, err := s.endpoints(ctx, selectEndpoints+`WHERE id = ?`, id)
	if err != nil {
		return portal.HookEndpoint{}, err
	}
	if len(list) == 0 {
		return portal.HookEndpoint{}, portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return list[0], nil
}

// SaveHookEndpoint stores an endpoint by its Version (0: new), which is raised; a stale one is ErrConflict. The Cursor of one that is
// there already stays as it is.
func (s *Store) SaveHookEndpoint(ctx context.Context, e portal.HookEndpoint) (portal.HookEndpoint, error) {
	if e.ID == "" {
		return portal.HookEndpoint{}, invalid("an endpoint needs an id")
	}
	secret := append([]byte{}, e.Secret...)
	err := s.write(ctx, "save hook endpoint", func(t *txn) error {
		e.Version++
		payload, err := encode("an endpoint", e)
		if err != nil {
			return err
		}
		query, args := `INSERT INTO hook_endpoints (secret, active, payload, id, version, cursor) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO NOTHING RETURNING cursor`, []any{secret, flag(e.Active), payload, e.ID, e.Version, e.Cursor}
		if e.Version > 1 {
			query = `UPDATE hook_endpoints SET secret = ?, active = ?, payload = ?, version = version + 1 WHERE id = ? AND version + 1 = ? RETURNING cursor`
			args = args[:5]
		}
		found, err := t.one(query, args, &e.Cursor)
		if err == nil && !found {
			err = portal.Fail(portal.ErrConflict, keyStaleSync)
		}
		return err
	})
	if err != nil {
		return portal.HookEndpoint{}, err
	}
	return e, nil
}

// DeleteHookEndpoint forgets an endpoint with its deliveries; ErrNotFound.
func (s *Store) DeleteHookEndpoint(ctx context.Context, id string) error {
	return s.write(ctx, "delete hook endpoint", func(t *txn) error {
		n, err := t.affect(`DELETE FROM hook_endpoints WHERE id = ?`, id) // the deliveries go with it (ON DELETE CASCADE)
		if err == nil && n == 0 {
			err = portal.Fail(portal.ErrNotFound, keyNothing)
		}
		return err
	})
}
