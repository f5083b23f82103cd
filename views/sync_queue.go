package views

import (
	"fmt"

	"portico/app/portal"
)

// SyncQueuePage is the page /admin/sync/queue.
type SyncQueuePage struct {
	Frame
	Notice
	Status portal.SyncStatus
	Filter portal.SyncQueueFilter
	Jobs   []portal.SyncJob
	// Next is the number after which more jobs follow; zero: there are no more.
	Next int64
}

// jobStates are those that a filter chooses from.
func jobStates() []string { return []string{portal.JobWaiting, portal.JobHeld, portal.JobFailed} }

// query is the filter as the parameters of an address.
func (v SyncQueuePage) query(path string, after int64) string {
	next := ""
	if after > 0 {
		next = fmt.Sprint(after)
	}
	return WithQuery(path, "state", v.Filter.State, "direction", string(v.Filter.Direction), "mailbox", string(v.Filter.Mailbox), "q", v.Filter.Text, "after", next)
}

// filtered reports whether the list is not of all jobs.
func (v SyncQueuePage) filtered() bool {
	f := v.Filter
	return f.State != "" || f.Direction != "" || f.Mailbox != "" || f.Text != "" || f.After > 0
}

// jobState is a job's state for people: one that failed before and waits is told from one that was not tried.
func jobState(j portal.SyncJob) string {
	if j.State == portal.JobWaiting && j.Tries > 0 {
		return "retrying"
	}
	return j.State
}

// jobName is how a job is called: its subject, or that it is private or nobody's.
func (r Reader) jobName(j portal.SyncJob) string {
	if j.Subject != "" {
		return j.Subject
	}
	return r.Text("sync.no-subject")
}

// SyncLogPage is the page /admin/sync/transactions.
type SyncLogPage struct {
	Frame
	Notice
	Filter portal.SyncLogFilter
	// From and To are the days of the filter, as dates; To is included.
	From, To string
	Lines    []portal.SyncTransaction
	// Next is the number before which more lines follow; zero: there are no more.
	Next int64
}

// logWhats and logResults are those that a filter chooses from.
func logWhats() []string {
	return []string{"create", "update", "delete", "cancel", "answer", "adopt", "skip", "conflict", "retry", "discard", "users", "settings"}
}

func logResults() []string { return []string{"done", "retried", "failed", "skipped", "held"} }

// query is the filter as the parameters of an address.
func (v SyncLogPage) query(path string, before int64) string {
	next := ""
	if before > 0 {
		next = fmt.Sprint(before)
	}
	f := v.Filter
	return WithQuery(path, "q", f.Text, "direction", string(f.Direction), "what", f.What, "result", f.Result, "mailbox", string(f.Mailbox),
		"crm", f.CRM, "from", v.From, "to", v.To, "before", next)
}

// lineName is what a line of the log is about.
func (r Reader) lineName(t portal.SyncTransaction) string {
	switch {
	case t.Subject != "":
		return t.Subject
	case t.CRM == "" && t.UID == "":
		return "–"
	}
	return r.Text("sync.no-subject")
}

// SyncConflictsPage is the page /admin/sync/conflicts.
type SyncConflictsPage struct {
	Frame
	Notice
	Conflicts []portal.SyncConflict
}

// wonText and lostText name the two versions by the side they come from.
func (r Reader) wonText(c portal.SyncConflict) string {
	return r.Text("sync.conflict.won." + sideOf(c.Won))
}

func (r Reader) lostText(c portal.SyncConflict) string {
	other := portal.SourceCRM
	if sideOf(c.Won) == portal.SourceCRM {
		other = portal.SourceExchange
	}
	return r.Text("sync.conflict.lost." + other)
}

func sideOf(side string) string {
	if side == portal.SourceCRM {
		return portal.SourceCRM
	}
	return portal.SourceExchange
}

// conflictName is what a conflict is about.
func (r Reader) conflictName(c portal.SyncConflict) string {
	if c.Subject != "" {
		return c.Subject
	}
	return r.Text("sync.no-subject")
}
