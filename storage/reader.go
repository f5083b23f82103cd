package storage

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// reader is the pool of connections that cannot write, with its prepared statements.
type reader struct {
	db     *sql.DB
	rebind func(string) string
	mu     sync.RWMutex
	stmts  map[string]*sql.Stmt // by query; queries are constants, so their number is bounded
}

func newReader(db *sql.DB, rebind func(string) string) *reader {
	return &reader{db: db, rebind: rebind, stmts: map[string]*sql.Stmt{}}
}

func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.RLock()
	stmt, ok := r.stmts[query]
	r.mu.RUnlock()
	if ok {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, r.rebind(query))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first, ok := r.stmts[query]; ok { // another goroutine was faster
		return first, stmt.Close()
	}
	r.stmts[query] = stmt
	return stmt, nil
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, stmt := range r.stmts {
		errs = append(errs, stmt.Close())
	}
	clear(r.stmts)
	return errors.Join(append(errs, r.db.Close())...)
}

// one reads the first row of a query from the pool; found is false where there is none.
func (s *Store) one(ctx context.Context, what, query string, args []any, dest ...any) (found bool, err error) {
	stmt, err := s.reader.prepare(ctx, query)
	if err != nil {
		return false, s.translate(what, err)
	}
	found, err = scanned(stmt.QueryRowContext(ctx, args...).Scan(dest...))
	return found, s.translate(what, err)
}

// all reads every row of a query from the pool.
func (s *Store) all(ctx context.Context, what, query string, args []any, each func(scan scanFunc) error) error {
	stmt, err := s.reader.prepare(ctx, query)
	if err != nil {
		return s.translate(what, err)
	}
	return s.translate(what, eachRow(ctx, stmt, args, each))
}
