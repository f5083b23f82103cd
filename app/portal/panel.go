package portal

import "time"

// What the control panel of the synchronisation shows and asks.

// SyncStatus is how the synchronisation stands.
type SyncStatus struct {
	ToExchange bool `json:"to_exchange"`
	ToCRM      bool `json:"to_crm"`
	// Running: the service works; it does not while the portal starts or ends.
	Running   bool            `json:"running"`
	Mailboxes []MailboxStatus `json:"mailboxes"`
	Queue     SyncQueueCounts `json:"queue"`
	// Conflicts is how many there are that nobody has taken back.
	Conflicts int `json:"conflicts"`
	// LogLevel is how much the live log holds, from 0 (nothing) to 5 (all).
	LogLevel int `json:"log_level"`
	// Minutes are the last minutes, the oldest first, the one under way last.
	Minutes []SyncMinute `json:"minutes"`
	// CRMHeld: more was deleted in CRM at once than is carried without asking.
	CRMHeld bool `json:"crm_held"`
}

// SyncMinute is what was carried within a minute. The lags are from a change to its arrival on the other side.
type SyncMinute struct {
	At         time.Time     `json:"at"`
	ToExchange int           `json:"to_exchange"`
	ToCRM      int           `json:"to_crm"`
	Failed     int           `json:"failed"`
	LagMedian  time.Duration `json:"lag_median_ns"`
	LagP99     time.Duration `json:"lag_p99_ns"`
}

// The states of a mailbox in the synchronisation.
const (
	MailboxNever   = "never"   // not read yet
	MailboxReading = "reading" // its first reading is under way
	MailboxInStep  = "in-step"
	MailboxHeld    = "held" // waits for somebody's decision
	MailboxLost    = "lost" // cannot be read: Reason says why
	MailboxOff     = "off"  // its owner is not synchronised
)

// MailboxStatus is how the synchronisation with one mailbox stands.
type MailboxStatus struct {
	Mailbox Address `json:"mailbox"`
	Name    string  `json:"name"`
	Server  string  `json:"server"`
	State   string  `json:"state"`
	// Items is how many entries of it are known; ReadAt when it was last read.
	Items  int       `json:"items"`
	ReadAt time.Time `json:"read_at,omitzero"`
	// Reason is a catalogue key of why it is lost or held, Cause the operator's text.
	Reason string `json:"reason,omitempty"`
	Cause  string `json:"cause,omitempty"`
}

// SyncLogLine is a line of the live log.
type SyncLogLine struct {
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Level int       `json:"level"`
	// Mailbox is whose calendar it is about, where it is about one; Text is the operator's.
	Mailbox Address `json:"mailbox,omitempty"`
	Text    string  `json:"text"`
}

// SyncSettings are what an administrator decides about the synchronisation.
type SyncSettings struct {
	// SyncUser is the CRM user whose mailbox invites for colleagues who have none; empty: nobody's.
	SyncUser   Address `json:"sync_user"`
	ToExchange bool    `json:"to_exchange"`
	ToCRM      bool    `json:"to_crm"`
	// CreateUsers: Sync users makes CRM users of people of the address book who are none.
	CreateUsers   bool `json:"create_users"`
	CopyReminders bool `json:"copy_reminders"`
	// NotifyEmail is who is told of troubles; empty: nobody.
	NotifyEmail string `json:"notify_email"`
	// Diagnostic writes everything to the live log, whatever LogLevel (0 to 5) says.
	Diagnostic bool `json:"diagnostic"`
	LogLevel   int  `json:"log_level"`
	// OffsetMinutes is by how much a server's times are off, by its name.
	OffsetMinutes map[string]int `json:"offset_minutes"`
	// KeepLog is for how many days transactions are kept.
	KeepLog int `json:"keep_log_days"`
	// MaxShare is the percentage of a mailbox's entries that may be deleted at once without asking.
	MaxShare int              `json:"max_share"`
	Servers  []SyncServerSpec `json:"servers"`
	// Revision is the one that they were read with.
	Revision int64 `json:"revision"`
}

// SyncServerSpec is an Exchange server beside those of the configuration file.
type SyncServerSpec struct {
	Name string `json:"name"`
	// URL is the server's EWS address; empty: Autodiscover. Auth is "basic", "ntlm", "kerberos" or "oauth2".
	URL      string `json:"url"`
	Auth     string `json:"auth"`
	Username string `json:"username"`
	// Password is only ever given, never shown: empty leaves the stored one. HasPassword: one is stored.
	Password    string `json:"password,omitempty"`
	HasPassword bool   `json:"has_password"`
	Impersonate bool   `json:"impersonate"`
	Primary     bool   `json:"primary"`
	// Fixed: it stands in the configuration file and cannot be changed here.
	Fixed bool `json:"fixed,omitempty"`
}

// SyncFinding is what a check against the real world found.
type SyncFinding struct {
	// Part is what was looked at ("user", "server", "mail", "offset", …) and Name which of them.
	Part string `json:"part"`
	Name string `json:"name,omitempty"`
	OK   bool   `json:"ok"`
	// Kind is a catalogue key: "sync.finding."+Kind says the cause, "sync.cure."+Kind what to do about it.
	Kind  string `json:"kind"`
	Cause string `json:"cause,omitempty"`
}

// SyncUserPlan is what Sync users would do with one person of the address book.
type SyncUserPlan struct {
	Person Person `json:"person"`
	// User is the CRM user that the person is paired with; the zero value: there is none.
	User CRMUser `json:"user,omitzero"`
	// By says what they were found by: "exchange-id", "email" or "name"; empty: nothing.
	By string `json:"by,omitempty"`
	// Action is "link", "create", "none" (nothing to do), "ambiguous" (several could be meant) or "resume" (it was cleared).
	Action string `json:"action"`
	// ID and Server are the Exchange user ID and server that would be filled in.
	ID     string `json:"exchange_id,omitempty"`
	Server string `json:"exchange_server,omitempty"`
	// Problem is a catalogue key of why nothing can be done.
	Problem string `json:"problem,omitempty"`
}

// SyncUsersRun is how far carrying Sync users out has got.
type SyncUsersRun struct {
	// State is "", "running", "stopped", "done" or "failed".
	State string `json:"state"`
	Done  int    `json:"done"`
	Of    int    `json:"of"`
	// Linked, Created and Resumed count what was done; Failed what could not be.
	Linked  int `json:"linked"`
	Created int `json:"created"`
	Resumed int `json:"resumed"`
	Failed  int `json:"failed"`
	// Again are those whose synchronisation had been stopped by hand and goes on.
	Again   []Address `json:"again,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// SyncRulesPreview is what the rules make of a real appointment.
type SyncRulesPreview struct {
	Direction Direction         `json:"direction"`
	Before    map[string]string `json:"before"`
	After     map[string]string `json:"after"`
	// LeftOut: it is not carried. By are the rules that did something, in their order, each with what it did.
	LeftOut bool            `json:"left_out"`
	By      []SyncRuleTrace `json:"by"`
}

// SyncRuleTrace is what one rule did.
type SyncRuleTrace struct {
	Rule string   `json:"rule"`
	Did  []string `json:"did"`
}

// SyncFault is one thing that is wrong with what an administrator wrote: where, and why (a catalogue key).
type SyncFault struct {
	Where  string            `json:"where"`
	Reason string            `json:"reason"`
	Args   map[string]string `json:"args,omitempty"`
}

// FaultsError is that several things are wrong at once with what somebody wrote; each is named. It means ErrInvalid.
type FaultsError struct{ Faults []SyncFault }

// Error is the operator's text.
func (e *FaultsError) Error() string {
	text := ErrInvalid.Error()
	for _, f := range e.Faults {
		text += "; " + f.Where + ": " + f.Reason
	}
	return text
}

// Unwrap gives the meaning.
func (e *FaultsError) Unwrap() error { return ErrInvalid }
