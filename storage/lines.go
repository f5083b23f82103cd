package storage

import (
	"context"
	"slices"

	"portico/app/portal"
)

// What it takes to keep a person's line to the SIP server up over a restart. It comes here sealed
// and leaves sealed: the key is not in the database.

// SaveLine keeps the person's sealed credentials in place of earlier ones.
func (s *Store) SaveLine(ctx context.Context, who portal.Address, sealed []byte) error {
	if who == "" || len(sealed) == 0 {
		return invalid("a line needs a person and sealed credentials")
	}
	sealed = slices.Clone(sealed)
	return s.write(ctx, "save line", func(t *txn) error {
		return t.exec(`INSERT INTO lines (person, sealed, saved_at) VALUES (?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, saved_at = excluded.saved_at`,
			string(who), sealed, stamp(t.w.s.o.Now()))
	})
}

// Line is what SaveLine kept; ErrNotFound.
func (s *Store) Line(ctx context.Context, who portal.Address) ([]byte, error) {
	var sealed []byte
	found, err := s.one(ctx, "line", `SELECT sealed FROM lines WHERE person = ?`, []any{string(who)}, &sealed)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, keyNoLine)
	}
	return sealed, err
}

// DeleteLine forgets the person's credentials; none there is no error.
func (s *Store) DeleteLine(ctx context.Context, who portal.Address) error {
	return s.write(ctx, "delete line", func(t *txn) error {
		return t.exec(`DELETE FROM lines WHERE person = ?`, string(who))
	})
}
