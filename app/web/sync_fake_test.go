package web

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// fakeSync stands in for the engine of the synchronisation and its settings: it keeps what it is told and tells what a test
// put into it.
type fakeSync struct {
	mu        sync.Mutex
	status    portal.SyncStatus
	jobs      []portal.SyncJob
	log       []portal.SyncTransaction
	conflicts []portal.SyncConflict
	lines     []portal.SyncLogLine
	settings  portal.SyncSettings
	password  string
	findings  []portal.SyncFinding
	plan      []portal.SyncUserPlan
	run       portal.SyncUsersRun
	rules     []byte
	revision  int64
	found     map[portal.Address]portal.SyncFinding
	failing   error
	did       []string
}

func newFakeSync() *fakeSync {
	return &fakeSync{
		status: portal.SyncStatus{ToExchange: true, ToCRM: true, Running: true, LogLevel: 2}, rules: []byte("[]"), found: map[portal.Address]portal.SyncFinding{},
		settings: portal.SyncSettings{ToExchange: true, ToCRM: true, LogLevel: 2, KeepLog: 90, MaxShare: 20, Revision: 1},
	}
}

// with changes what is there, in one step.
func (f *fakeSync) with(change func(*fakeSync)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// done gives what was asked for since the last time, as words.
func (f *fakeSync) done() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := strings.Join(f.did, "; ")
	f.did = nil
	return out
}

func (f *fakeSync) note(format string, args ...any) error {
	f.did = append(f.did, fmt.Sprintf(format, args...))
	return f.failing
}

func (f *fakeSync) Status(context.Context) (portal.SyncStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, f.failing
}

func (f *fakeSync) Release(_ context.Context, by, mailbox portal.Address) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.note("release %s by %s", mailbox, by)
}

func (f *fakeSync) Restore(_ context.Context, by, mailbox portal.Address) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.note("restore %s by %s", mailbox, by)
}

func (f *fakeSync) Queue(_ context.Context, filter portal.SyncQueueFilter) ([]portal.SyncJob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []portal.SyncJob
	for _, j := range f.jobs {
		if (filter.State == "" || j.State == filter.State) && (filter.Direction == "" || j.Direction == filter.Direction) && (filter.Mailbox == "" || j.Mailbox == filter.Mailbox) &&
			strings.Contains(j.Subject+j.Cause, filter.Text) && j.Seq > filter.After && len(out) < filter.Limit {
			out = append(out, j)
		}
	}
	return out, f.failing
}

func (f *fakeSync) Job(_ context.Context, seq int64) (portal.SyncJob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.jobs, func(j portal.SyncJob) bool { return j.Seq == seq })
	if i < 0 {
		return portal.SyncJob{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return f.jobs[i], nil
}

func (f *fakeSync) Retry(_ context.Context, by portal.Address, seqs []int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(len(seqs), 1), f.note("retry %v by %s", seqs, by)
}

func (f *fakeSync) Discard(_ context.Context, by portal.Address, seq int64, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.jobs, func(j portal.SyncJob) bool { return j.Seq == seq })
	if i < 0 {
		return portal.Fail(portal.ErrNotFound, "not-found")
	}
	f.jobs = slices.Delete(f.jobs, i, i+1)
	return f.note("discard %d (%s) by %s", seq, reason, by)
}

func (f *fakeSync) ExportQueue(context.Context, portal.SyncQueueFilter) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(fmt.Sprintf("<queue><count>%d</count></queue>", len(f.jobs))), f.failing
}

func (f *fakeSync) ImportQueue(_ context.Context, by portal.Address, data []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var doc struct {
		XMLName xml.Name `xml:"queue"`
		Count   int      `xml:"count"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		return 0, portal.Fail(portal.ErrInvalid, "sync.queue.file").Because(err)
	}
	return doc.Count, f.note("import %d by %s", doc.Count, by)
}

func (f *fakeSync) Log(_ context.Context, filter portal.SyncLogFilter) ([]portal.SyncTransaction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []portal.SyncTransaction
	for _, t := range slices.Backward(f.log) {
		if (filter.What == "" || t.What == filter.What) && (filter.CRM == "" || t.CRM == filter.CRM) && strings.Contains(t.Subject+t.Cause, filter.Text) && (filter.Before == 0 || t.Seq < filter.Before) &&
			(filter.From.IsZero() || !t.At.Before(filter.From)) && (filter.To.IsZero() || t.At.Before(filter.To)) && (filter.Result == "" || t.Result == filter.Result) && len(out) < filter.Limit {
			out = append(out, t)
		}
	}
	return out, f.failing
}

func (f *fakeSync) Conflicts(_ context.Context, crm string, limit int) ([]portal.SyncConflict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []portal.SyncConflict
	for _, c := range f.conflicts {
		if (crm == "" || c.CRM == crm) && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, f.failing
}

func (f *fakeSync) Conflict(_ context.Context, id string) (portal.SyncConflict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.conflicts, func(c portal.SyncConflict) bool { return c.ID == id })
	if i < 0 {
		return portal.SyncConflict{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return f.conflicts[i], nil
}

func (f *fakeSync) TakeBack(_ context.Context, by portal.Address, id string) (portal.SyncConflict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.conflicts, func(c portal.SyncConflict) bool { return c.ID == id })
	if i < 0 {
		return portal.SyncConflict{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	if !f.conflicts[i].TakenBack.IsZero() {
		return portal.SyncConflict{}, portal.Fail(portal.ErrConflict, "conflict")
	}
	f.conflicts[i].TakenBack, f.conflicts[i].TakenBackBy = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), string(by)
	return f.conflicts[i], f.note("take back %s by %s", id, by)
}

func (f *fakeSync) Lines(_ context.Context, after int64, limit int) ([]portal.SyncLogLine, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []portal.SyncLogLine
	for _, l := range f.lines {
		if l.Seq > after && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, f.failing
}

func (f *fakeSync) Settings(context.Context) (portal.SyncSettings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, f.failing
}

func (f *fakeSync) SaveSettings(_ context.Context, by portal.Address, s portal.SyncSettings) (portal.SyncSettings, []portal.SyncFinding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Revision != f.settings.Revision {
		return s, nil, portal.Fail(portal.ErrConflict, "conflict")
	}
	for i := range s.Servers {
		if s.Servers[i].Password != "" {
			f.password, s.Servers[i].HasPassword = s.Servers[i].Password, true
		}
	}
	s.Revision++
	f.settings = s
	return s, f.findings, f.note("settings by %s", by)
}

func (f *fakeSync) CheckSettings(context.Context, portal.SyncSettings) ([]portal.SyncFinding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.findings, f.note("check")
}

func (f *fakeSync) PlanUsers(context.Context) ([]portal.SyncUserPlan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.plan, f.failing
}

func (f *fakeSync) RunUsers(_ context.Context, by portal.Address, chosen []portal.Address, resume bool) (portal.SyncUsersRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run.State == "running" {
		return f.run, portal.Fail(portal.ErrConflict, "conflict")
	}
	f.run = portal.SyncUsersRun{State: "running", Of: max(len(chosen), f.run.Of), By: string(by)}
	return f.run, f.note("run %v resume %v", chosen, resume)
}

func (f *fakeSync) StopUsers(context.Context, portal.Address) (portal.SyncUsersRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run.State = "stopped"
	return f.run, f.note("stop")
}

func (f *fakeSync) UsersRun(context.Context) (portal.SyncUsersRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.run, f.failing
}

func (f *fakeSync) ClearUser(_ context.Context, _, who portal.Address) (portal.CRMUser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if who != bob {
		return portal.CRMUser{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return portal.CRMUser{Address: who, Cleared: true, Version: 2}, f.note("clear %s", who)
}

func (f *fakeSync) Diagnose(_ context.Context, mailbox portal.Address) (portal.SyncFinding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.found[mailbox]
	if !ok {
		return found, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return found, nil
}

func (f *fakeSync) Rules(context.Context) ([]byte, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rules, f.revision, f.failing
}

func (f *fakeSync) SaveRules(_ context.Context, by portal.Address, raw []byte, revision int64) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := faultyRules(raw); err != nil {
		return 0, err
	}
	if revision != f.revision {
		return 0, portal.Fail(portal.ErrConflict, "conflict")
	}
	f.rules = raw
	f.revision++
	return f.revision, f.note("rules by %s", by)
}

// faultyRules says what is wrong with rules, as the engine does.
func faultyRules(raw []byte) error {
	rules, err := mapping.Read(raw)
	if err != nil {
		return err
	}
	var out []portal.SyncFault
	for _, fault := range rules.Validate() {
		out = append(out, portal.SyncFault{Where: fmt.Sprintf("%d.%s", fault.Index, fault.Field), Reason: fault.Reason})
	}
	return faultsOf(out)
}

func (f *fakeSync) PreviewRules(_ context.Context, raw []byte, d portal.Direction, crm string) (portal.SyncRulesPreview, error) {
	if err := faultyRules(raw); err != nil {
		return portal.SyncRulesPreview{}, err
	}
	if crm != "crm-1" {
		return portal.SyncRulesPreview{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	rules, err := mapping.Read(raw)
	if err != nil {
		return portal.SyncRulesPreview{}, err
	}
	shown, err := mapping.Preview(rules, d, mapping.Item{Subject: "Offer", Mailbox: "bob@example.test"})
	if err != nil {
		return portal.SyncRulesPreview{}, err
	}
	out := portal.SyncRulesPreview{Direction: d, LeftOut: shown.LeftOut, Before: map[string]string{"subject": "Offer"}, After: map[string]string{"subject": shown.After.Subject}}
	for _, t := range shown.Trace {
		out.By = append(out.By, portal.SyncRuleTrace{Rule: t.Rule, Did: t.What})
	}
	return out, nil
}

var (
	_ Sync      = (*fakeSync)(nil)
	_ SyncAdmin = (*fakeSync)(nil)
)
