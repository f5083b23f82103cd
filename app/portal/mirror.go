package portal

import "time"

// CalendarKey names a mirrored calendar: what Reader may see of Owner's. One's own has both the same.
type CalendarKey struct {
	Reader Address `json:"reader"`
	Owner  Address `json:"owner"`
}

// Own reports whether a calendar is read by its owner.
func (k CalendarKey) Own() bool { return k.Reader == k.Owner }

// Mirror is how far a mirrored calendar has been read.
type Mirror struct {
	CalendarKey
	// State is what the server is asked with next time; empty: from the beginning.
	State string
	// Loaded: the calendar has been read to its end at least once.
	Loaded bool
	// Generation is written on each entry that is read; while Sweeping a full reading is under way, and
	// entries of an older generation are gone when it ends.
	Generation int64
	Sweeping   bool
	// Forbidden: the reader may not read it (free/busy at most); what was read before is shown to nobody.
	Forbidden bool
	// SyncedAt is when the server was last asked and answered; while Forbidden, since when it is.
	SyncedAt time.Time
}

// KeptEntry is an entry of a mirror with what it is found by.
type KeptEntry struct {
	Entry
	// From and Until enclose all that the entry ever means: of a series its first start and last end,
	// exceptions included. All-day times are midnights in UTC.
	From, Until time.Time
	// News are the latest changes of attendees' answers as this portal saw them, at most one for each.
	News []AnswerNews
}

// AnswerNews is that somebody's answer to a meeting changed.
type AnswerNews struct {
	// Occurrence is the RecurrenceID where one occurrence was answered; zero for a single one or a series.
	Occurrence time.Time `json:"occurrence,omitzero"`
	Email      string    `json:"email"`
	Name       string    `json:"name,omitempty"`
	Was        Response  `json:"was"`
	Is         Response  `json:"is"`
	// At is when the portal learnt of it.
	At time.Time `json:"at"`
}

// MirrorChange is one step of reading a calendar: all of it is stored, or nothing.
type MirrorChange struct {
	Mirror Mirror
	Put    []KeptEntry
	// Gone are the RemoteIDs of entries that leave the mirror.
	Gone []string
	// Done are intents that the reading found done.
	Done []string
}

// IntentKind is what somebody wants done to a calendar.
type IntentKind string

// The kinds of intents.
const (
	IntentCreate  IntentKind = "create"
	IntentChange  IntentKind = "change"
	IntentDelete  IntentKind = "delete"
	IntentRespond IntentKind = "respond"
	IntentForward IntentKind = "forward"
)

// IntentState is where an intent stands.
type IntentState string

// The states of an intent. A sending one may have been carried out: only its own traces on the server tell.
const (
	IntentWaiting IntentState = "waiting"
	IntentSending IntentState = "sending"
	IntentFailed  IntentState = "failed"
)

// Intent is a change of a calendar that has been accepted and not yet carried out by the server.
type Intent struct {
	// Seq is given by storage: intents of one calendar are carried out in its order.
	Seq int64 `json:"-"`
	// ID is unique, and the stamp on the server (WriteOptions.ChangeID).
	ID string `json:"-"`
	CalendarKey
	// Entry is the ID of the entry on this portal (of a series, the master's).
	Entry string      `json:"-"`
	Kind  IntentKind  `json:"-"`
	State IntentState `json:"-"`
	// Tries counts what was sent without an answer; NotBefore is when the next try may be made.
	Tries     int       `json:"-"`
	NotBefore time.Time `json:"-"`
	// Alone counts the tries that failed although the mailbox had just been reached.
	Alone int `json:"alone,omitempty"`
	// SentAt is when the last try of it began, or ended without an answer.
	SentAt time.Time `json:"sent_at,omitzero"`
	// Reason is a catalogue key: why the last try failed.
	Reason string    `json:"-"`
	MadeAt time.Time `json:"-"`
	// Revision grows with each change of the intent, so that two hands do not change it at once.
	Revision int64 `json:"-"`

	// Appointment is what is created.
	Appointment *Appointment `json:"appointment,omitempty"`
	// Base is the appointment (single, master or occurrence) that the intent was made from, as the person saw it.
	Base *Appointment `json:"base,omitempty"`
	// Change is what is changed.
	Change *AppointmentChange `json:"change,omitempty"`
	// Occurrence is the RecurrenceID that a deletion, an answer or a forward means; zero: all of it.
	Occurrence time.Time  `json:"occurrence,omitzero"`
	Response   Response   `json:"response,omitempty"`
	Comment    string     `json:"comment,omitempty"`
	Proposal   Proposal   `json:"proposal,omitzero"`
	To         []Attendee `json:"to,omitempty"`
	// Send: the server tells the attendees.
	Send bool   `json:"send,omitempty"`
	Zone string `json:"zone,omitempty"`
	// After is the intent without whose success this one makes no sense (the two halves of a series cut in two).
	After string `json:"after,omitempty"`
}

// ReminderMark is what somebody did with a reminder: it is silent until Until, for ever where that is zero.
// It holds for the start that it was made for: a meeting that moves reminds again.
type ReminderMark struct {
	ID    string
	Start time.Time
	Until time.Time
}

// CalendarRef is a calendar that somebody looks at beside their own.
type CalendarRef struct {
	Owner Address `json:"owner"`
	Name  string  `json:"name"`
	// Shown: it is switched on in the view.
	Shown   bool      `json:"shown"`
	AddedAt time.Time `json:"added_at,omitzero"`
}

// CalendarLink is the private address under which somebody's calendar can be subscribed to. Its token is
// known only to whoever was told it; Hash is its SHA-256 in hexadecimal.
type CalendarLink struct {
	Person    Address
	Hash      string
	CreatedAt time.Time
	UsedAt    time.Time
}
