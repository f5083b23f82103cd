package portal

import "time"

// Direction is which way something is carried between CRM and Exchange.
type Direction string

// The directions of the synchronisation.
const (
	ToExchange Direction = "crm-to-exchange"
	ToCRM      Direction = "exchange-to-crm"
)

// SyncCursor is how far a source of changes has been read.
type SyncCursor struct {
	// Source is "crm", or the address of a mailbox's owner.
	Source string `json:"source"`
	// State is what the source is asked with next time; empty: from the beginning.
	State string `json:"state"`
	// Loaded: it has been read to its end at least once.
	Loaded bool `json:"loaded"`
	// Generation is written on each item that is read; while Sweeping a full reading is under way, and items of an
	// older generation are missing when it ends.
	Generation int64     `json:"generation"`
	Sweeping   bool      `json:"sweeping"`
	ReadAt     time.Time `json:"read_at,omitzero"`
	// Held: what was read would delete more than the set share; nothing is carried from here until somebody has decided.
	Held bool `json:"held,omitempty"`
}

// SyncItem is an entry of a mailbox as it was last read: one copy of an appointment.
type SyncItem struct {
	Mailbox Address `json:"mailbox"`
	// Entry has the RemoteID, ChangeKey and UID of the copy.
	Entry      Entry `json:"entry"`
	Generation int64 `json:"generation"`
	// Gone is when it was found to be no more; the row stays until that has been carried.
	Gone   time.Time `json:"gone,omitzero"`
	ReadAt time.Time `json:"read_at"`
}

// SyncPair is what both sides last agreed about an appointment: the third side of every comparison.
type SyncPair struct {
	// CRM is the record's ID, UID what both share; each is unique over the pairs.
	CRM string `json:"crm"`
	UID string `json:"uid"`
	// Mailbox is whose copy is the truth in Exchange (the organiser's; of a stub the first participant's), with the server's
	// id and version of it. RemoteID is empty while there is none.
	Mailbox   Address `json:"mailbox"`
	RemoteID  string  `json:"remote_id"`
	ChangeKey string  `json:"change_key"`
	// Revision is the CRM record's revision that was agreed.
	Revision int64 `json:"revision"`
	// Agreed is the appointment as both had it, as calsync writes it.
	Agreed []byte `json:"agreed"`
	// Invited: those invited have been told by mail, so that changes and a cancellation are theirs to hear.
	Invited bool `json:"invited"`
	// State is SyncDone, SyncPending or SyncFailed, with the catalogue key of the failure.
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// Version is for the pair alone: two hands do not change it at once.
	Version int64 `json:"version"`
}

// SyncJob is an appointment that has to be looked at: something changed at it on one side. It holds no data of the
// change; what is to be done comes from comparing both sides with what they agreed.
type SyncJob struct {
	// Seq is given by storage and says which waits longer.
	Seq int64 `json:"seq"`
	// Key is what jobs of one appointment share: they are carried one at a time. A CRM record's ID where there is one, else
	// "uid:" and the UID. There is at most one job of a Key and a Direction: another change renews it.
	Key       string    `json:"key"`
	Direction Direction `json:"direction"`
	// Mailbox is whose calendar it is about, for fairness between mailboxes; Subject is for people, empty of private ones.
	Mailbox Address `json:"mailbox"`
	Subject string  `json:"subject"`
	// Start is when the appointment begins: of a backlog the newest goes first.
	Start time.Time `json:"start,omitzero"`
	// State is "waiting", "held" (waits for somebody's decision) or "failed" (refused for good: parked, others go on).
	State string `json:"state"`
	// Tries counts the failures; NotBefore is when the next try may be made; Reason a catalogue key with Cause for the operator.
	Tries     int       `json:"tries"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Reason    string    `json:"reason,omitempty"`
	Cause     string    `json:"cause,omitempty"`
	// MadeAt is when the change was seen, ChangedAt when its source says it was made (for the lag; zero: unknown).
	MadeAt    time.Time `json:"made_at"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Quiet: it belongs to a first synchronisation and causes no mail.
	Quiet bool `json:"quiet,omitempty"`
	// Renewals grows each time a change renews the job; a worker ends only the renewal it began with.
	Renewals int64 `json:"renewals"`
}

// The states of a job.
const (
	JobWaiting = "waiting"
	JobHeld    = "held"
	JobFailed  = "failed"
)

// SyncTransaction is a line of the transaction log: one change that was carried, or was not.
type SyncTransaction struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Direction Direction `json:"direction"`
	// What is "create", "update", "delete", "answer", "adopt", "cancel", "skip", "conflict", "users", "settings", "discard" or "retry".
	What    string  `json:"what"`
	CRM     string  `json:"crm,omitempty"`
	UID     string  `json:"uid,omitempty"`
	Mailbox Address `json:"mailbox,omitempty"`
	Server  string  `json:"server,omitempty"`
	// Subject is empty of private appointments.
	Subject string `json:"subject,omitempty"`
	// Before and After are the fields that changed, as JSON objects of field → text; private texts are left out.
	Before map[string]string `json:"before,omitempty"`
	After  map[string]string `json:"after,omitempty"`
	// Result is "done", "retried", "failed", "skipped" or "held"; Reason a catalogue key, Cause the operator's text.
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
	Cause  string `json:"cause,omitempty"`
	// By is who asked for it: an administrator's address, or "" for the engine.
	By string `json:"by,omitempty"`
	// Mail: invitations, updates or a cancellation went out with it.
	Mail bool `json:"mail,omitempty"`
	// Took is from the change's making (where known) to its outcome.
	Took time.Duration `json:"took_ns,omitempty"`
}

// SyncConflict is that both sides changed the same thing about an appointment: the later change won.
type SyncConflict struct {
	ID  string    `json:"id"`
	At  time.Time `json:"at"`
	CRM string    `json:"crm"`
	UID string    `json:"uid"`
	// Subject is empty of private appointments.
	Subject string `json:"subject,omitempty"`
	// Won is the side whose version holds. Fields are the names of what both had changed.
	Won    string   `json:"won"`
	Fields []string `json:"fields"`
	// Lost is the change that would bring the other version back.
	Lost AppointmentChange `json:"lost"`
	// Kept and Given are the two versions as field → text, for people: what holds and what was given up.
	Kept  map[string]string `json:"kept"`
	Given map[string]string `json:"given"`
	// TakenBack is when, and by whom, the other version was taken back; zero: it was not.
	TakenBack   time.Time `json:"taken_back,omitzero"`
	TakenBackBy string    `json:"taken_back_by,omitempty"`
}

// MaxQueueFile is the size of the largest file of a queue, in bytes: none larger is written or taken in.
const MaxQueueFile = 8 << 20

// SyncEvent: the synchronisation of the entry ID got further, or (ID empty, for administrators) something about the whole of it.
type SyncEvent struct {
	ID     string `json:"id"`
	Change Change `json:"change"`
	// State is a SyncState's, where ID is one.
	State string `json:"state,omitempty"`
}

// Name is the event's name on the wire.
func (SyncEvent) Name() string { return "sync" }

func (SyncEvent) durable() {}

// PanelEvent: something about the synchronisation as a whole changed; an administrator's open control panel reads it anew.
type PanelEvent struct{}

// Name is the event's name on the wire.
func (PanelEvent) Name() string { return "panel" }

// Key tells values that replace each other from others.
func (PanelEvent) Key() string { return "panel" }
