package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// Options say where and how to keep things. Only DSN is needed.
type Options struct {
	// DSN is "sqlite:PATH".
	DSN    string
	Logger *slog.Logger
	// KeepSchema leaves an older schema as it is: for a look at the database of a portal that may be
	// running. Nothing but Close should be called then. A newer schema is refused as ever.
	KeepSchema bool
	// Sink is told of committed events, in the order of their numbers and before the writer that
	// caused them is released. It runs on the writing goroutine: it must not block, do I/O or call
	// the store.
	Sink func([]portal.Logged)
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Queue is how many writes may wait; nobody is dropped, further callers wait until their context
	// ends. Default 1024.
	Queue int
	// Batch is how many writes share one commit at most. Default 256.
	Batch int
	// Readers is the size of the reading pool. Default: twice the processors, at least 4.
	Readers int
	// BusyTimeout is how long to wait for another program's lock on the database. Default 5 s.
	BusyTimeout time.Duration

	// EventBound is how many events of one person are kept and replayed at most; whoever is further
	// behind is told to read afresh. Default 5000.
	EventBound int
	// EventAge is how long events are kept. Default 30 days.
	EventAge time.Duration
	// Retention is how long messages are kept; zero: for ever.
	Retention time.Duration
	// RoomRetention is how long what was said in rooms is kept, but for pinned messages; zero: for ever.
	RoomRetention time.Duration
	// EpisodeGap is the quiet time after which a conversation's next message begins a new episode. Default 30 minutes.
	EpisodeGap time.Duration
	// UpkeepEvery is the time between two rounds of pruning. Default 10 minutes.
	UpkeepEvery time.Duration
}

func (o *Options) fill() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt(&o.Queue, 1024)
	orInt(&o.Batch, 256)
	orInt(&o.Readers, max(4, 2*runtime.GOMAXPROCS(0)))
	orInt(&o.EventBound, 5000)
	orDuration := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	orDuration(&o.BusyTimeout, 5*time.Second)
	orDuration(&o.EventAge, 30*24*time.Hour)
	orDuration(&o.EpisodeGap, 30*time.Minute)
	orDuration(&o.UpkeepEvery, 10*time.Minute)
}

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	o       Options
	log     *slog.Logger
	dialect dialect
	writeDB *sql.DB
	reader  *reader
	writer  *writer
	started atomic.Bool
	// running is closed when writes are taken, stopping when no new ones are, ended when the last is done.
	running, stopping, ended chan struct{}
	// sick is what the last batch of writes failed with for the database's sake, nil if nothing did; see Ready.
	sick atomic.Pointer[error]
	// turn is whose jobs of the synchronisation come next.
	turn turn
	// keepRooms is how long what was said in rooms is kept, in nanoseconds; see KeepRooms.
	keepRooms atomic.Int64
	// books has room for one: whoever saves an address book.
	books chan struct{}
}

// Open opens the database, making it where there is none, and brings its schema up to date. A
// schema newer than this program is refused (ErrConflict). Nothing is written until Run.
func Open(ctx context.Context, o Options) (*Store, error) {
	o.fill()
	d, err := dialectOf(o.DSN)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, log: o.Logger, dialect: d, running: make(chan struct{}), stopping: make(chan struct{}), ended: make(chan struct{}), books: make(chan struct{}, 1)}
	s.keepRooms.Store(int64(o.RoomRetention))
	write, read, err := d.open(ctx, o.DSN, engineOptions{readers: o.Readers, busyTimeout: o.BusyTimeout})
	if err != nil {
		return nil, s.translate("open the database", err)
	}
	s.writeDB = write
	s.reader = newReader(read, d.rebind)
	s.writer = newWriter(s, write)
	if err := migrate(ctx, write, d, o); err != nil {
		return nil, errors.Join(s.translate("open the database", err), s.Close())
	}
	return s, nil
}

// SetSink replaces Options.Sink. It must be called before Run.
func (s *Store) SetSink(sink func([]portal.Logged)) { s.o.Sink = sink }

// Started is closed as soon as Run takes writes.
func (s *Store) Started() <-chan struct{} { return s.running }

// Run writes until ctx ends: it is the goroutine that owns the writing connection. It also prunes
// the event log, expired sessions and, where told so, old messages, and indexes what an older program stored. When ctx ends, what is already
// queued is still committed. It can run once.
func (s *Store) Run(ctx context.Context) error {
	if !s.started.CompareAndSwap(false, true) {
		return errors.New("storage: Run called twice")
	}
	upkeep := make(chan struct{})
	go func() {
		defer close(upkeep)
		s.upkeep(ctx)
	}()
	filling := make(chan struct{})
	go func() {
		defer close(filling)
		s.fill(ctx)
	}()
	close(s.running)
	s.writer.run(ctx)
	<-upkeep
	<-filling
	close(s.ended)
	return nil
}

// Close closes the database. Run must have returned, or never have been called.
func (s *Store) Close() error {
	err := errors.Join(s.reader.close(), s.writer.close(), s.writeDB.Close())
	if err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// Ready reports whether the database can be read and written now (ErrUnavailable if not). After a
// failed commit it tries one itself, so that it says so when the trouble is over.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.writable(); err != nil {
		return err
	}
	if _, err := s.EventHead(ctx); err != nil {
		return err
	}
	if s.sick.Load() == nil {
		return nil
	}
	return s.write(ctx, "probe", func(t *txn) error { // a session that is over already: the upkeep takes it away
		return t.exec(`INSERT INTO sessions (key, data, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at`, "probe", []byte{}, 1)
	})
}
