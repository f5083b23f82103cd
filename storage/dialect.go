package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"portico/app/portal"

	"github.com/pressly/goose/v3"
)

// dialect is all in which the engines differ. The queries themselves are written once, with "?" for
// an argument and only in SQL that every engine reads the same way.
type dialect struct {
	name string
	// migrations is the engine's folder of numbered SQL; goose is how the library keeps its version.
	migrations fs.FS
	goose      goose.Dialect
	// open gives the writing handle (one connection) and the reading pool.
	open func(ctx context.Context, dsn string, o engineOptions) (write, read *sql.DB, err error)
	// begin starts a writing transaction that has the right to write from its first statement on.
	begin string
	// rebind puts the engine's own form of placeholder for each "?".
	rebind func(query string) string
	// meaning says what a driver's error means by its code; ok is false for codes that mean nothing in particular.
	meaning func(err error) (f failure, ok bool)
}

// engineOptions is what an engine is told about its connections.
type engineOptions struct {
	readers     int
	busyTimeout time.Duration
}

// dialectOf chooses the engine by the scheme of a DSN.
func dialectOf(dsn string) (dialect, error) {
	scheme, _, ok := strings.Cut(dsn, ":")
	if !ok {
		return dialect{}, portal.Fail(portal.ErrInvalid, keyDSN).Because(errors.New("no scheme"))
	}
	switch scheme {
	case "sqlite":
		return sqliteDialect()
	default:
		return dialect{}, portal.Fail(portal.ErrInvalid, keyDSN).Because(fmt.Errorf("no engine for %q", scheme))
	}
}
