package storage

import (
	"context"
	"database/sql"
	"errors"

	"portico/app/portal"
)

// txn is what a write function works with: the writing connection inside a transaction. Statements
// are prepared once and kept for the life of the connection, so queries must be constants.
type txn struct {
	w   *writer
	ctx context.Context
	// logged gathers the events of the write that runs.
	logged []portal.Logged
}

func (t *txn) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := t.w.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := t.w.conn.PrepareContext(t.ctx, t.w.s.dialect.rebind(query))
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = stmt
	return stmt, nil
}

// exec runs a statement that returns nothing.
func (t *txn) exec(query string, args ...any) error {
	_, err := t.affect(query, args...)
	return err
}

// affect runs a statement and says how many rows it touched.
func (t *txn) affect(query string, args ...any) (int64, error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one reads the first row; found is false where there is none.
func (t *txn) one(query string, args []any, dest ...any) (found bool, err error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	return scanned(stmt.QueryRowContext(t.ctx, args...).Scan(dest...))
}

// all reads every row; each is called with the row's Scan.
func (t *txn) all(query string, args []any, each func(scan scanFunc) error) error {
	stmt, err := t.prepare(query)
	if err != nil {
		return err
	}
	return eachRow(t.ctx, stmt, args, each)
}

// scanFunc reads the columns of the present row.
type scanFunc func(dest ...any) error

func eachRow(ctx context.Context, stmt *sql.Stmt, args []any, each func(scanFunc) error) (err error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanned(err error) (bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
