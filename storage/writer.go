package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// The one writer: takes queued writes, runs many in one transaction, commits once.
//
// The queue is bounded (Options.Queue). When it is full nobody is dropped: a caller waits for a
// place until its context ends and is then told ErrUnavailable. A caller that gives up while its
// write still waits takes it back, so that it is never done behind its back; once the write has
// begun the caller waits for its end, so that the answer is always true.

// job is one write and its way through the queue.
type job struct {
	what string
	do   func(*txn) error
	// taken is set by whoever comes first: the writer that begins or the caller that gives up.
	taken atomic.Bool
	// done gets the answer once; it has room for it, so that the writer never waits.
	done   chan error
	logged []portal.Logged
	err    error
}

// write runs do in a transaction, alone or with others, and returns once that is on disk or has failed.
func (s *Store) write(ctx context.Context, what string, do func(*txn) error) error {
	if err := s.awaitStart(ctx); err != nil {
		return err
	}
	j := &job{what: what, do: do, done: make(chan error, 1)}
	select {
	case s.writer.queue <- j:
	case <-ctx.Done():
		return s.translate(what, ctx.Err())
	case <-s.stopping:
		return s.writable()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return s.translate(what, ctx.Err())
		}
		return <-j.done
	case <-s.ended:
		if j.taken.CompareAndSwap(false, true) {
			return s.writable()
		}
		return <-j.done
	}
}

// startGrace is how long a write waits for Run to begin: the parts of the house start side by side.
const startGrace = time.Second

// awaitStart waits a little for Run to begin.
func (s *Store) awaitStart(ctx context.Context) error {
	select {
	case <-s.running:
	default:
		grace := time.NewTimer(startGrace)
		defer grace.Stop()
		select {
		case <-s.running:
		case <-grace.C:
		case <-ctx.Done():
		}
	}
	return s.writable()
}

// writable is nil while Run takes writes.
func (s *Store) writable() error {
	select {
	case <-s.stopping:
		return unavailable(keyStopped, errors.New("the store has stopped writing"))
	default:
	}
	select {
	case <-s.running:
		return nil
	default:
		return unavailable(keyStopped, errors.New("the store does not write yet"))
	}
}

// writer owns the writing connection. All of it but the queue belongs to the goroutine of Run.
type writer struct {
	s     *Store
	db    *sql.DB
	queue chan *job
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newWriter(s *Store, db *sql.DB) *writer {
	return &writer{s: s, db: db, queue: make(chan *job, s.o.Queue), stmts: map[string]*sql.Stmt{}}
}

// run commits batch after batch until ctx ends, and then what is left in the queue.
func (w *writer) run(ctx context.Context) {
	work := context.WithoutCancel(ctx) // what has begun is finished
	batch := make([]*job, 0, w.s.o.Batch)
	for {
		select {
		case j := <-w.queue:
			batch = w.gather(append(batch[:0], j))
			w.commit(work, batch)
		case <-ctx.Done():
			close(w.s.stopping)
			for batch = w.gather(batch[:0]); len(batch) > 0; batch = w.gather(batch[:0]) {
				w.commit(work, batch)
			}
			return
		}
		clear(batch) // or the queue's last words would be kept from the garbage collector
	}
}

// gather adds what waits, without waiting for more: while one batch is being synced the next one
// gathers by itself.
func (w *writer) gather(batch []*job) []*job {
	for len(batch) < w.s.o.Batch {
		select {
		case j := <-w.queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commit runs the batch in one transaction, tells the sink, releases the callers.
func (w *writer) commit(ctx context.Context, batch []*job) {
	err := w.transact(ctx, batch)
	if err != nil {
		w.discard()
		err = w.s.translate("commit", err)
		w.s.sick.Store(&err)
		w.s.log.ErrorContext(ctx, "database commit failed", "writes", len(batch), "err", err)
	} else {
		w.s.sick.Store(trouble(batch))
		w.tell(batch)
	}
	for _, j := range batch {
		if j.err == nil {
			j.err = err
		}
		j.done <- j.err
	}
}

// trouble is the first failure in a committed batch for which the database is to blame, nil if there is none.
func trouble(batch []*job) *error {
	for _, j := range batch {
		if errors.Is(j.err, portal.ErrUnavailable) {
			return &j.err
		}
	}
	return nil
}

// tell hands the events of the batch to the sink, in the order of their numbers.
func (w *writer) tell(batch []*job) {
	if w.s.o.Sink == nil {
		return
	}
	var all []portal.Logged
	for _, j := range batch {
		all = append(all, j.logged...)
	}
	if len(all) > 0 {
		w.s.o.Sink(all)
	}
}

// transact is one transaction around the batch. An error means that nothing of it counts.
func (w *writer) transact(ctx context.Context, batch []*job) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	t := &txn{w: w, ctx: ctx}
	if err := t.exec(w.s.dialect.begin); err != nil {
		return err
	}
	for _, j := range batch {
		if !j.taken.CompareAndSwap(false, true) {
			continue // its caller gave up while it waited
		}
		if err := t.attempt(j); err != nil {
			return err
		}
	}
	return t.exec("COMMIT")
}

// attempt runs one write inside a savepoint. What the write itself fails with is kept in the job;
// the error returned is one that ends the whole transaction.
func (t *txn) attempt(j *job) error {
	if err := t.exec("SAVEPOINT one"); err != nil {
		return err
	}
	t.logged = nil
	j.err = t.w.s.translate(j.what, t.guard(j))
	if j.err != nil {
		// After some failures (disk full, I/O) the engine has already rolled back everything: then this fails too.
		if err := t.exec("ROLLBACK TO one"); err != nil {
			return errors.Join(j.err, err)
		}
	} else {
		j.logged = t.logged
	}
	return t.exec("RELEASE one")
}

// guard turns a panic of one write into its error: the others and the writer go on.
func (t *txn) guard(j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return j.do(t)
}

// connect makes sure that there is a connection.
func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = conn
	return nil
}

// discard drops the connection and with it whatever transaction is open on it.
func (w *writer) discard() {
	if w.conn == nil {
		return
	}
	w.closeStatements()
	err := w.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool closes a connection that says so
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		w.s.log.Error("database connection not dropped", "err", err)
	}
	w.conn = nil
}

func (w *writer) closeStatements() {
	for q, stmt := range w.stmts {
		if err := stmt.Close(); err != nil {
			w.s.log.Warn("database statement not closed", "err", err)
		}
		delete(w.stmts, q)
	}
}

// close gives the connection back. Run must be over.
func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	w.closeStatements()
	err := w.conn.Close()
	w.conn = nil
	return err
}
