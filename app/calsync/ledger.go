package calsync

import (
	"context"
	"time"

	"portico/app/portal"
)

// Ledger keeps what the synchronisation knows: how far each source has been read, the copies in the mailboxes, what both sides
// last agreed, the queue, the logs. Each call is one transaction. What is not there is ErrNotFound where one thing is asked for.
type Ledger interface {
	Reading
	Pairs
	Queue
	Journal
	// SyncBlob and SaveSyncBlob keep a document by name ("settings", "rules", "users-run", …): revision is the one that it was read
	// with (0: none yet), a stale one is ErrConflict.
	SyncBlob(ctx context.Context, name string) (data []byte, revision int64, err error)
	SaveSyncBlob(ctx context.Context, name string, data []byte, revision int64) error
}

// Intake is one step of reading a source: all of it is stored, or nothing.
type Intake = portal.SyncIntake

// Reading is how far the sources have been read.
type Reading interface {
	// SyncCursor gives the zero state where a source was never read.
	SyncCursor(ctx context.Context, source string) (portal.SyncCursor, error)
	SyncCursors(ctx context.Context) ([]portal.SyncCursor, error)
	SaveSyncIntake(ctx context.Context, in Intake) error
	// DropSyncMailbox forgets a mailbox's cursor and copies; pairs and CRM records stay.
	DropSyncMailbox(ctx context.Context, mailbox portal.Address) error
	// SyncItemsByUID gives every copy of a UID, those that are gone included.
	SyncItemsByUID(ctx context.Context, uid string) ([]portal.SyncItem, error)
	SyncItem(ctx context.Context, mailbox portal.Address, remoteID string) (portal.SyncItem, error)
	// SyncItemsOlder gives up to limit copies of a mailbox that are not gone and of a generation before the given one.
	SyncItemsOlder(ctx context.Context, mailbox portal.Address, generation int64, limit int) ([]portal.SyncItem, error)
	// SyncItemsAlike gives the copies of a mailbox with these times that are not gone.
	SyncItemsAlike(ctx context.Context, mailbox portal.Address, start, end time.Time, allDay bool) ([]portal.SyncItem, error)
	CountSyncItems(ctx context.Context, mailbox portal.Address) (int, error)
	// CountSyncAppointments gives of how many appointments any mailbox has a copy.
	CountSyncAppointments(ctx context.Context) (int, error)
}

// Pairs are what both sides last agreed.
type Pairs interface {
	SyncPair(ctx context.Context, crm string) (portal.SyncPair, error)
	SyncPairByUID(ctx context.Context, uid string) (portal.SyncPair, error)
	// SyncPairsOf gives the pairs of some records; those without one are left out.
	SyncPairsOf(ctx context.Context, crm []string) (map[string]portal.SyncPair, error)
	// SyncPairsByUIDs gives the pairs of some UIDs, by UID.
	SyncPairsByUIDs(ctx context.Context, uids []string) (map[string]portal.SyncPair, error)
}

// Outcome is what came of a job: all of it is stored, or nothing.
type Outcome = portal.SyncOutcome

// QueueFilter chooses jobs; zero fields choose all.
type QueueFilter = portal.SyncQueueFilter

// QueueCounts is the queue in numbers.
type QueueCounts = portal.SyncQueueCounts

// Queue is the appointments that have to be looked at.
type Queue interface {
	// DueSyncJobs gives up to limit waiting jobs whose NotBefore has come, spread over the mailboxes (of each at most per), within
	// one the newest appointment first.
	DueSyncJobs(ctx context.Context, now time.Time, per, limit int) ([]portal.SyncJob, error)
	// NextSyncJob is when the next waiting job is due; zero: none waits.
	NextSyncJob(ctx context.Context) (time.Time, error)
	AddSyncJobs(ctx context.Context, jobs []portal.SyncJob) error
	EndSyncJob(ctx context.Context, o Outcome) error
	SyncJobs(ctx context.Context, f QueueFilter) ([]portal.SyncJob, error)
	CountSyncJobs(ctx context.Context) (QueueCounts, error)
	// RetrySyncJobs lets jobs (by Seq; none named: all that failed or wait for a retry) be tried now; it gives how many.
	// ReleaseSyncJobs does it for those of a mailbox that are held. DiscardSyncJob removes one; log is written with each.
	RetrySyncJobs(ctx context.Context, seqs []int64, log portal.SyncTransaction) (int, error)
	ReleaseSyncJobs(ctx context.Context, mailbox portal.Address, log portal.SyncTransaction) (int, error)
	DiscardSyncJob(ctx context.Context, seq int64, log portal.SyncTransaction) error
}

// LogFilter chooses lines of the transaction log; zero fields choose all. The newest come first.
type LogFilter = portal.SyncLogFilter

// Journal is the transaction log and the conflicts.
type Journal interface {
	LogSync(ctx context.Context, lines ...portal.SyncTransaction) error
	SyncLog(ctx context.Context, f LogFilter) ([]portal.SyncTransaction, error)
	// SyncConflicts gives the newest first, those of one record where crm is not empty.
	SyncConflicts(ctx context.Context, crm string, limit int) ([]portal.SyncConflict, error)
	SyncConflict(ctx context.Context, id string) (portal.SyncConflict, error)
	SaveSyncConflict(ctx context.Context, c portal.SyncConflict) error
	// PruneSync forgets lines and conflicts from before a time.
	PruneSync(ctx context.Context, before time.Time) error
}
