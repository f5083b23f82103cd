package calsync

import (
	"log/slog"
	"time"

	"github.com/google/uuid"

	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Counted is told of what was carried: direction, kind (as in SyncTransaction.What) and result ("done", "retried", "failed",
	// "skipped", "held"). Lag is told how long a change took to the other side. Read is told of each reading of a source ("crm" or
	// "exchange"; "done", "failed"). Queue is told the length of the queue every ten seconds. They must not block.
	Counted func(d portal.Direction, what, result string)
	Lag     func(d portal.Direction, took time.Duration)
	Read    func(source, result string)
	Queue   func(QueueCounts)
	// Told rings when something about the whole of the synchronisation changed (a mailbox, the queue, a hold); it must not block.
	Told func()
	// Incident is told when something goes wrong that an administrator should hear of, and when it is over; it must not block.
	Incident func(Incident)
	// Fault is asked between the steps of carrying something, by name; an error ends the service as a crash would. For tests.
	Fault func(step string) error

	// Workers bounds the jobs that are carried at the same time (16), EachMailbox those of one mailbox (6), EachServer those of
	// one server (12). Readers bounds the mailboxes that are read at the same time (8). What is beyond waits in the ledger, or as
	// a ring of its mailbox: nothing is lost.
	Workers, EachMailbox, EachServer, Readers int
	// CallTimeout bounds one call of either side (60 s).
	CallTimeout time.Duration
	// FirstRetry and MaxRetry bound the wait between tries (2 s, growing by half again and more, to 5 min).
	FirstRetry, MaxRetry time.Duration
	// Settle is how long after a write without an answer it may still arrive at the server by itself (10 s).
	Settle time.Duration
	// MaxTries is after how many failures that no server's absence explains a job is parked (12).
	MaxTries int
	// Reconcile is how often a mailbox is read although its bell did not ring (30 min), ReconcileBlind how often while its bell is
	// out of order (1 min). Both vary by a fifth.
	Reconcile, ReconcileBlind time.Duration
	// DownAfter is how many calls in a row must fail before a whole server counts as away (4).
	DownAfter int
	// LiveLog is how many lines of the live log are kept (1000).
	LiveLog int
	// MaxAttachment is the largest file that is carried, in bytes (25 MiB); larger ones stay where they are.
	MaxAttachment int64
	// Steady: no chance in waits. For tests that are to be repeatable.
	Steady bool
	// NewID makes the ID of a new record, which begins with portal.CRMPrefix; nil: random ones.
	NewID func() string
	// Drain is how long Run waits at its end for calls under way (3 s).
	Drain time.Duration
}

// Incident is that something began to go wrong, or that it is over.
type Incident struct {
	// Kind is a catalogue key ("sync.away", "sync.refused", "sync.held", "sync.lost"); Mailbox and Server whom it is about.
	Kind    string
	Mailbox portal.Address
	Server  string
	// Cause is the operator's text.
	Cause string
	At    time.Time
	// Over: what Kind says about Mailbox or Server is no more.
	Over bool
}

func (o Options) withDefaults() Options {
	o.fillHooks()
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.CallTimeout, time.Minute}, {&o.FirstRetry, 2 * time.Second}, {&o.MaxRetry, 5 * time.Minute}, {&o.Settle, 10 * time.Second},
		{&o.Reconcile, 30 * time.Minute}, {&o.ReconcileBlind, time.Minute}, {&o.Drain, 3 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	for _, n := range []struct {
		value    *int
		standard int
	}{{&o.Workers, 16}, {&o.EachMailbox, 6}, {&o.EachServer, 12}, {&o.Readers, 8}, {&o.MaxTries, 12}, {&o.DownAfter, 4}, {&o.LiveLog, 1000}} {
		if *n.value <= 0 {
			*n.value = n.standard
		}
	}
	if o.MaxAttachment <= 0 {
		o.MaxAttachment = 25 << 20
	}
	return o
}

func (o *Options) fillHooks() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Counted == nil {
		o.Counted = func(portal.Direction, string, string) {}
	}
	if o.Lag == nil {
		o.Lag = func(portal.Direction, time.Duration) {}
	}
	if o.Read == nil {
		o.Read = func(string, string) {}
	}
	if o.Queue == nil {
		o.Queue = func(QueueCounts) {}
	}
	if o.Told == nil {
		o.Told = func() {}
	}
	if o.Incident == nil {
		o.Incident = func(Incident) {}
	}
	if o.NewID == nil {
		o.NewID = func() string { return portal.CRMPrefix + uuid.NewString() }
	}
	if o.Fault == nil {
		o.Fault = func(string) error { return nil }
	}
}
