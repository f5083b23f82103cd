package portal

import "time"

// What the ledger of the synchronisation is asked and told.

// SyncIntake is one step of reading a source: all of it is stored, or nothing.
type SyncIntake struct {
	Cursor SyncCursor
	// Items are copies that are there (or, with Gone, no more); one replaces that of its Mailbox and RemoteID.
	Items []SyncItem
	// Jobs are added, or renew the job of their Key and Direction: a renewed one takes the new one's State,
	// keeps its Seq and MadeAt, counts no tries, and stays Quiet only where both are.
	Jobs []SyncJob
}

// SyncOutcome is what came of a job: all of it is stored, or nothing.
type SyncOutcome struct {
	// Job is ended where it still has the given Renewals; nil: none. Again replaces it instead (a retry, a hold, a failure).
	Job   *SyncJob
	Again *SyncJob
	// Pair is stored by its Version (0: new), a stale one is ErrConflict; DropPair (a CRM ID) is forgotten.
	Pair     *SyncPair
	DropPair string
	// Items replace copies (what a write gave back); DropItems are forgotten.
	Items     []SyncItem
	DropItems []SyncItem
	Jobs      []SyncJob
	Log       []SyncTransaction
	Conflicts []SyncConflict
}

// SyncQueueFilter chooses jobs; zero fields choose all.
type SyncQueueFilter struct {
	State     string
	Direction Direction
	Mailbox   Address
	Text      string // in the subject, the key or the cause
	After     int64  // jobs with a Seq above it
	Limit     int
}

// SyncQueueCounts is the queue in numbers.
type SyncQueueCounts struct {
	Waiting, Retrying, Held, Failed int
	// Oldest is when the job that waits longest was made.
	Oldest time.Time
}

// SyncLogFilter chooses lines of the transaction log; zero fields choose all. The newest come first.
type SyncLogFilter struct {
	Text      string // in subject, CRM id, UID, mailbox, cause
	Direction Direction
	What      string
	Result    string
	Mailbox   Address
	CRM       string
	From, To  time.Time
	Before    int64 // lines with a Seq below it
	Limit     int
}
