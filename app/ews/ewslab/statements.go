package ewslab

// Statements are prepared once for each connection: the lab asks the same few over and over, and preparing costs more than most of them.

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// maxStatements is how many statements a connection keeps. Those beyond are prepared for one use: there are more only where texts of
// queries are put together from what a client asks for.
const maxStatements = 256

// openDatabase opens a database whose connections keep their statements.
func openDatabase(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	d := plain.Driver()
	if err := plain.Close(); err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{dsn: dsn, driver: d}), nil
}

// connector makes connections that keep their statements.
type connector struct {
	dsn    string
	driver driver.Driver
}

func (c connector) Driver() driver.Driver { return c.driver }

// Connect is database/sql's.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(innerConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("ewslab: store: a connection of the type %T", conn), conn.Close())
	}
	return &keepingConn{innerConn: inner, kept: map[string]*keptStatement{}}, nil
}

// innerConn is what a connection of the driver can do.
type innerConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// innerStatement is what a statement of the driver can do.
type innerStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keepingConn is a connection with its statements. Like every connection of database/sql it is used by one goroutine at a time.
type keepingConn struct {
	innerConn
	kept map[string]*keptStatement
}

// keptStatement is a prepared statement; busy: rows of it are being read, so that it cannot be run again yet.
type keptStatement struct {
	innerStatement
	busy bool
}

// statement gives the statement of a query; nil: the query is to be run without one.
func (c *keepingConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if s, ok := c.kept[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if len(c.kept) >= maxStatements {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, ok := prepared.(innerStatement)
	if !ok {
		return nil, prepared.Close()
	}
	s := &keptStatement{innerStatement: inner}
	c.kept[query] = s
	return s, nil
}

// ExecContext is database/sql's.
func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.innerConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext is database/sql's.
func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.innerConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &keptRows{Rows: rows, of: s}, nil
}

// Close closes the statements and the connection.
func (c *keepingConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	clear(c.kept)
	return errors.Join(append(errs, c.innerConn.Close())...)
}

// keptRows are rows whose statement is free again when they are closed.
type keptRows struct {
	driver.Rows
	of *keptStatement
}

// Close is database/sql's.
func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
