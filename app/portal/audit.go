package portal

import "time"

// Audited is a line of the audit trail: who did what, to what or to whom, from where, and how it ended. It holds nothing
// that somebody typed but names that were understood: no password, no text of a message, no search.
type Audited struct {
	// Seq numbers the lines in the order in which they were stored.
	Seq int64     `json:"seq"`
	At  time.Time `json:"at"`
	// Kind is what was done: one of AuditKinds.
	Kind string `json:"kind"`
	// By is who did it; of a refused sign-in the address that was understood. Empty: nobody is known, or the portal itself.
	By Address `json:"by,omitempty"`
	// About is whose data or rights it was about, where that is somebody else than By.
	About Address `json:"about,omitempty"`
	// Subject is what it was about, as far as it has a name: a policy, a group's name, a job's number, an origin.
	Subject string `json:"subject,omitempty"`
	// Detail is one fact more in the operator's language: how many, from when to when, which way.
	Detail string `json:"detail,omitempty"`
	// Remote is the address it came from, Agent what the browser or program called itself.
	Remote string `json:"remote,omitempty"`
	Agent  string `json:"agent,omitempty"`
	// Request is the number of the request in the operator's log.
	Request string `json:"request,omitempty"`
	// Result is AuditDone, or the catalogue key of why it was refused or failed.
	Result string `json:"result"`
}

// AuditDone is the Result of what was done.
const AuditDone = "done"

// The kinds of lines of the audit trail.
const (
	AuditSignin            = "signin"
	AuditSignout           = "signout"
	AuditSignoutEverywhere = "signout-everywhere"
	// AuditSessionEnded: a session that its person did not end where they used it: elsewhere, by an administrator, by its age.
	AuditSessionEnded = "session-ended"
	AuditCalendarLink = "calendar-link"
	AuditPolicy       = "policy"
	AuditPolicyGroup  = "policy-group"
	AuditPolicyFile   = "policy-file"
	AuditStates       = "custom-states"
	AuditOrigin       = "origin"
	AuditBook         = "book"
	AuditSyncSettings = "sync-settings"
	AuditSyncUsers    = "sync-users"
	AuditSyncUser     = "sync-user"
	AuditSyncRules    = "sync-rules"
	AuditSyncHeld     = "sync-held"
	AuditSyncTest     = "sync-test"
	AuditSyncLog      = "sync-log"
	AuditQueueRetry   = "queue-retry"
	AuditQueueDiscard = "queue-discard"
	AuditQueueFile    = "queue-file"
	AuditConflict     = "conflict-taken-back"
	AuditHook         = "hook"
	AuditHold         = "hold"
	AuditHoldLifted   = "hold-lifted"
	AuditExport       = "history-export"
	AuditExportOwn    = "history-export-own"
	AuditTrailExport  = "audit-export"
	// AuditTrailRead, AuditIncidentsRead: an administrator read what is kept of somebody (About; empty: of everybody).
	AuditTrailRead     = "audit-read"
	AuditIncidentsRead = "incidents-read"
	// AuditForbidden: somebody who is no administrator asked for what only administrators may do; Subject is the route.
	AuditForbidden = "forbidden"
	AuditTrace     = "trace"
	AuditTraceFile = "trace-file"
	// AuditGap: lines are missing here, which the operator's log has. Detail says how many.
	AuditGap = "gap"
)

// AuditKinds are all of them, in the order in which people choose from them.
func AuditKinds() []string {
	return []string{AuditSignin, AuditSignout, AuditSignoutEverywhere, AuditSessionEnded, AuditCalendarLink,
		AuditPolicy, AuditPolicyGroup, AuditPolicyFile, AuditStates, AuditOrigin, AuditBook,
		AuditSyncSettings, AuditSyncUsers, AuditSyncUser, AuditSyncRules, AuditSyncHeld, AuditSyncTest, AuditSyncLog, AuditQueueRetry, AuditQueueDiscard, AuditQueueFile,
		AuditConflict, AuditHook, AuditHold, AuditHoldLifted, AuditExport, AuditExportOwn, AuditTrailExport,
		AuditTrailRead, AuditIncidentsRead, AuditForbidden, AuditTrace, AuditTraceFile, AuditGap}
}

// AuditQuery asks for lines of the audit trail. The zero value asks for the newest of all.
type AuditQuery struct {
	// Who is by whom or about whom they are.
	Who Address
	// Kind is one of AuditKinds.
	Kind string
	// Refused: only what was not done.
	Refused bool
	// From and To bound the time: from From, before To.
	From, To time.Time
	// Before is the number of a line: only what is older.
	Before int64
	// Limit is how many at most (default 100, most 1,000).
	Limit int
}
