package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"portico/app/portal"

	"github.com/pressly/goose/v3"
)

// migrate brings the database to the newest schema this program knows. A schema that is newer still
// is refused: an older program must not write into it, and there is no way back down.
func migrate(ctx context.Context, db *sql.DB, d dialect, o Options) error {
	p, err := goose.NewProvider(d.goose, db, d.migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(o.Logger))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("version of the schema: %w", err)
	}
	if current > known {
		return portal.Fail(portal.ErrConflict, keyNewer).
			With("have", strconv.FormatInt(current, 10)).With("know", strconv.FormatInt(known, 10)).
			Because(fmt.Errorf("the database has schema %d, this program knows up to %d: run the newer program, or restore the backup made before it", current, known))
	}
	if o.KeepSchema {
		return nil
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate from schema %d to %d: %w", current, known, err)
	}
	if len(done) > 0 {
		o.Logger.InfoContext(ctx, "database migrated", "engine", d.name, "from", current, "to", known)
	}
	return nil
}
