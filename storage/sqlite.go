package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/storage/migrations"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The SQLite engine: write-ahead log, every commit on disk before it counts (synchronous=FULL),
// foreign keys on, one connection that writes, a pool that cannot (query_only).

const (
	// dirMode and fileMode: the archive is nobody's business but the portal's.
	dirMode  = 0o700
	fileMode = 0o600
	// cacheKiB is the page cache of one connection.
	cacheKiB = 4096
)

func sqliteDialect() (dialect, error) {
	folder, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return dialect{}, fmt.Errorf("migrations: %w", err)
	}
	return dialect{
		name:       "sqlite",
		migrations: folder,
		goose:      goose.DialectSQLite3,
		open:       openSQLite,
		begin:      "BEGIN IMMEDIATE",
		rebind:     func(q string) string { return q },
		meaning:    sqliteMeaning,
	}, nil
}

// openSQLite opens "sqlite:PATH", making the folder and the file where they are missing.
func openSQLite(ctx context.Context, dsn string, o engineOptions) (write, read *sql.DB, err error) {
	path := strings.TrimPrefix(dsn, "sqlite:")
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, nil, portal.Fail(portal.ErrInvalid, keyDSN).Because(fmt.Errorf("%q names no file", dsn))
	}
	if err := prepareFile(path); err != nil {
		return nil, nil, err
	}
	write, err = sql.Open("sqlite", sqliteURI(path, o, "_pragma", "journal_mode(WAL)", "_pragma", "synchronous(FULL)"))
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if err := write.PingContext(ctx); err != nil { // the first connection turns the write-ahead log on
		return nil, nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read, err = sql.Open("sqlite", sqliteURI(path, o, "_pragma", "query_only(1)"))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s for reading: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(o.readers)
	read.SetMaxIdleConns(o.readers)
	return write, read, nil
}

// prepareFile makes the database's file readable by its owner alone; SQLite gives the log beside it the same mode.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return fmt.Errorf("folder of the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return fmt.Errorf("file of the database: %w", err)
	}
	return f.Close()
}

// sqliteURI is the file as a URI with the settings every connection needs and further pairs of parameters.
func sqliteURI(path string, o engineOptions, more ...string) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(o.busyTimeout.Milliseconds(), 10)+")")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "trusted_schema(0)")
	q.Add("_pragma", "cache_size(-"+strconv.Itoa(cacheKiB)+")")
	for i := 0; i+1 < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	p := filepath.ToSlash(path)
	if vol := filepath.VolumeName(path); vol != "" {
		p = "/" + p
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(p)
	return "file:" + escaped + "?" + q.Encode()
}

// sqliteMeaning reads a driver's error by its result code (https://sqlite.org/rescode.html).
func sqliteMeaning(err error) (failure, bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return conflicting, true
	}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return unfit, true
	case sqlite3.SQLITE_FULL:
		return full, true
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return busy, true
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged, true
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_PERM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_ABORT, sqlite3.SQLITE_NOLFS:
		return away, true
	}
	return 0, false
}
