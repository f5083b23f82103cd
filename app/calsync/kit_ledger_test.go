package calsync_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/portal"
)

// book is a ledger in memory that keeps the contract of the real one, so that thousands of runs of the model take seconds. What
// goes in and comes out is copied, as by a database.
type book struct {
	mu        sync.Mutex
	cursors   map[string]portal.SyncCursor
	items     map[string]portal.SyncItem
	pairs     map[string]portal.SyncPair
	jobs      []portal.SyncJob
	log       []portal.SyncTransaction
	conflicts []portal.SyncConflict
	blobs     map[string]blob
	seq       int64
	// most is the most jobs that came with one step of reading a mailbox.
	most atomic.Int64
}

type blob struct {
	data []byte
	rev  int64
}

func newBook() *book {
	return &book{cursors: map[string]portal.SyncCursor{}, items: map[string]portal.SyncItem{}, pairs: map[string]portal.SyncPair{}, blobs: map[string]blob{}}
}

func itemKey(mailbox portal.Address, remote string) string { return string(mailbox) + "|" + remote }

func (b *book) SyncCursor(_ context.Context, source string) (portal.SyncCursor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.cursors[source]
	c.Source = source
	return c, nil
}

func (b *book) SyncCursors(context.Context) ([]portal.SyncCursor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.SyncCursor
	for _, c := range b.cursors {
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y portal.SyncCursor) int { return cmp.Compare(x.Source, y.Source) })
	return out, nil
}

func (b *book) SaveSyncIntake(_ context.Context, in portal.SyncIntake) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cursors[in.Cursor.Source] = in.Cursor
	if in.Cursor.Source != "crm" {
		b.most.Store(max(b.most.Load(), int64(len(in.Jobs))))
	}
	b.putItems(in.Items)
	b.addJobs(in.Jobs)
	return nil
}

func (b *book) putItems(list []portal.SyncItem) {
	for _, it := range list {
		if it.Generation == 0 {
			it.Generation = b.cursors[string(it.Mailbox)].Generation
		}
		b.items[itemKey(it.Mailbox, it.Entry.RemoteID)] = copyItem(it)
	}
}

func copyEntry(e portal.Entry) portal.Entry {
	e.Attendees = slices.Clone(e.Attendees)
	e.Categories = slices.Clone(e.Categories)
	e.Attachments = slices.Clone(e.Attachments)
	e.Deleted = slices.Clone(e.Deleted)
	e.Exceptions = slices.Clone(e.Exceptions)
	for i := range e.Exceptions {
		e.Exceptions[i].Attendees = slices.Clone(e.Exceptions[i].Attendees)
	}
	return e
}

func copyItem(it portal.SyncItem) portal.SyncItem {
	it.Entry = copyEntry(it.Entry)
	return it
}

func (b *book) addJobs(list []portal.SyncJob) {
	for _, j := range list {
		if j.State == "" {
			j.State = portal.JobWaiting
		}
		at := slices.IndexFunc(b.jobs, func(o portal.SyncJob) bool { return o.Key == j.Key && o.Direction == j.Direction })
		if at < 0 {
			b.seq++
			j.Seq, j.Tries = b.seq, 0
			b.jobs = append(b.jobs, j)
			continue
		}
		old := b.jobs[at]
		j.Seq, j.MadeAt, j.Tries, j.Renewals, j.Quiet = old.Seq, old.MadeAt, 0, old.Renewals+1, old.Quiet && j.Quiet
		b.jobs[at] = j
	}
}

func (b *book) DropSyncMailbox(_ context.Context, mailbox portal.Address) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.cursors, string(mailbox))
	for k, it := range b.items {
		if it.Mailbox == mailbox {
			delete(b.items, k)
		}
	}
	return nil
}

// chosen gives copies of the items that pass, in a fixed order.
func (b *book) chosen(pass func(*portal.SyncItem) bool) []portal.SyncItem {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.SyncItem
	for _, it := range b.items {
		if pass(&it) {
			out = append(out, copyItem(it))
		}
	}
	slices.SortFunc(out, func(x, y portal.SyncItem) int {
		return cmp.Or(cmp.Compare(x.Mailbox, y.Mailbox), cmp.Compare(x.Entry.RemoteID, y.Entry.RemoteID))
	})
	return out
}

func (b *book) SyncItemsByUID(_ context.Context, uid string) ([]portal.SyncItem, error) {
	return b.chosen(func(it *portal.SyncItem) bool { return it.Entry.UID == uid }), nil
}

func (b *book) SyncItem(_ context.Context, mailbox portal.Address, remote string) (portal.SyncItem, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	it, ok := b.items[itemKey(mailbox, remote)]
	if !ok {
		return it, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return copyItem(it), nil
}

func (b *book) SyncItemsOlder(_ context.Context, mailbox portal.Address, generation int64, limit int) ([]portal.SyncItem, error) {
	list := b.chosen(func(it *portal.SyncItem) bool {
		return it.Mailbox == mailbox && it.Gone.IsZero() && it.Generation < generation
	})
	return list[:min(limit, len(list))], nil
}

func (b *book) SyncItemsAlike(_ context.Context, mailbox portal.Address, start, end time.Time, allDay bool) ([]portal.SyncItem, error) {
	return b.chosen(func(it *portal.SyncItem) bool {
		return it.Mailbox == mailbox && it.Gone.IsZero() && it.Entry.Start.Equal(start) && it.Entry.End.Equal(end) && it.Entry.AllDay == allDay
	}), nil
}

func (b *book) CountSyncItems(_ context.Context, mailbox portal.Address) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, it := range b.items {
		if it.Mailbox == mailbox && it.Gone.IsZero() {
			n++
		}
	}
	return n, nil
}

func (b *book) CountSyncAppointments(context.Context) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	uids := map[string]bool{}
	for _, it := range b.items {
		uids[it.Entry.UID] = true
	}
	return len(uids), nil
}

func (b *book) SyncPair(_ context.Context, crm string) (portal.SyncPair, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := b.pairs[crm]; ok {
		return p, nil
	}
	return portal.SyncPair{}, portal.Fail(portal.ErrNotFound, "not-found")
}

func (b *book) SyncPairByUID(_ context.Context, uid string) (portal.SyncPair, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pairs {
		if p.UID == uid {
			return p, nil
		}
	}
	return portal.SyncPair{}, portal.Fail(portal.ErrNotFound, "not-found")
}

func (b *book) SyncPairsOf(ctx context.Context, crm []string) (map[string]portal.SyncPair, error) {
	out := map[string]portal.SyncPair{}
	for _, id := range crm {
		if p, err := b.SyncPair(ctx, id); err == nil {
			out[id] = p
		}
	}
	return out, nil
}

func (b *book) SyncPairsByUIDs(_ context.Context, uids []string) (map[string]portal.SyncPair, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]portal.SyncPair{}
	if len(uids) == 0 {
		return out, nil
	}
	for _, p := range b.pairs {
		if slices.Contains(uids, p.UID) {
			out[p.UID] = p
		}
	}
	return out, nil
}

func (b *book) DueSyncJobs(_ context.Context, now time.Time, per, limit int) ([]portal.SyncJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []portal.SyncJob
	for _, j := range b.jobs {
		if j.State == portal.JobWaiting && !j.NotBefore.After(now) {
			list = append(list, j)
		}
	}
	slices.SortStableFunc(list, func(x, y portal.SyncJob) int {
		return cmp.Or(cmp.Compare(x.Mailbox, y.Mailbox), y.Start.Compare(x.Start), cmp.Compare(x.Seq, y.Seq))
	})
	of := map[portal.Address]int{}
	list = slices.DeleteFunc(list, func(j portal.SyncJob) bool {
		of[j.Mailbox]++
		return of[j.Mailbox] > per
	})
	return list[:min(limit, len(list))], nil
}

func (b *book) NextSyncJob(context.Context) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next time.Time
	found := false
	for _, j := range b.jobs {
		if j.State == portal.JobWaiting && (!found || j.NotBefore.Before(next)) {
			next, found = j.NotBefore, true
		}
	}
	if found && next.IsZero() {
		next = time.Unix(1, 0)
	}
	return next, nil
}

func (b *book) AddSyncJobs(_ context.Context, jobs []portal.SyncJob) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addJobs(jobs)
	return nil
}

func (b *book) EndSyncJob(_ context.Context, o portal.SyncOutcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.checkPair(o); err != nil {
		return err
	}
	if o.Job != nil {
		at := slices.IndexFunc(b.jobs, func(j portal.SyncJob) bool { return j.Seq == o.Job.Seq && j.Renewals == o.Job.Renewals })
		switch {
		case at < 0:
		case o.Again != nil:
			again := *o.Again
			again.Seq, again.Renewals, again.MadeAt = b.jobs[at].Seq, b.jobs[at].Renewals, b.jobs[at].MadeAt
			b.jobs[at] = again
		default:
			b.jobs = slices.Delete(b.jobs, at, at+1)
		}
	}
	delete(b.pairs, o.DropPair)
	if o.Pair != nil {
		p := *o.Pair
		p.Version++
		p.Agreed = slices.Clone(p.Agreed)
		b.pairs[p.CRM] = p
	}
	for _, it := range o.DropItems {
		delete(b.items, itemKey(it.Mailbox, it.Entry.RemoteID))
	}
	b.putItems(o.Items)
	b.addJobs(o.Jobs)
	b.addLog(o.Log)
	for _, c := range o.Conflicts {
		b.putConflict(c)
	}
	return nil
}

func (b *book) checkPair(o portal.SyncOutcome) error {
	if o.Pair == nil {
		return nil
	}
	if have := b.pairs[o.Pair.CRM]; have.Version != o.Pair.Version && o.DropPair != o.Pair.CRM {
		return portal.Fail(portal.ErrConflict, "conflict")
	}
	for _, p := range b.pairs {
		if p.UID == o.Pair.UID && p.CRM != o.Pair.CRM && p.CRM != o.DropPair {
			return portal.Fail(portal.ErrConflict, "conflict")
		}
	}
	return nil
}

func (b *book) SyncJobs(_ context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.SyncJob
	for _, j := range b.jobs {
		if (f.State == "" || j.State == f.State) && (f.Direction == "" || j.Direction == f.Direction) && (f.Mailbox == "" || j.Mailbox == f.Mailbox) &&
			j.Seq > f.After && strings.Contains(j.Subject+" "+j.Key+" "+j.Cause, f.Text) {
			out = append(out, j)
		}
	}
	slices.SortFunc(out, func(x, y portal.SyncJob) int { return cmp.Compare(x.Seq, y.Seq) })
	if f.Limit > 0 {
		out = out[:min(f.Limit, len(out))]
	}
	return out, nil
}

func (b *book) CountSyncJobs(context.Context) (n portal.SyncQueueCounts, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, j := range b.jobs {
		switch {
		case j.State == portal.JobHeld:
			n.Held++
		case j.State == portal.JobFailed:
			n.Failed++
		case j.Tries > 0:
			n.Retrying++
		default:
			n.Waiting++
		}
	}
	return n, nil
}

func (b *book) RetrySyncJobs(_ context.Context, seqs []int64, log portal.SyncTransaction) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for i := range b.jobs {
		j := &b.jobs[i]
		if len(seqs) == 0 && (j.State == portal.JobFailed || j.State == portal.JobWaiting && !j.NotBefore.IsZero()) || slices.Contains(seqs, j.Seq) {
			j.State, j.Tries, j.NotBefore, j.Reason, j.Cause = portal.JobWaiting, 0, time.Time{}, "", ""
			n++
		}
	}
	b.addLog([]portal.SyncTransaction{log})
	return n, nil
}

func (b *book) ReleaseSyncJobs(_ context.Context, mailbox portal.Address, log portal.SyncTransaction) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for i := range b.jobs {
		if j := &b.jobs[i]; j.State == portal.JobHeld && j.Mailbox == mailbox {
			j.State, j.Tries, j.NotBefore, j.Reason = portal.JobWaiting, 0, time.Time{}, ""
			n++
		}
	}
	b.addLog([]portal.SyncTransaction{log})
	return n, nil
}

func (b *book) DiscardSyncJob(_ context.Context, seq int64, log portal.SyncTransaction) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.jobs, func(j portal.SyncJob) bool { return j.Seq == seq })
	if at < 0 {
		return portal.Fail(portal.ErrNotFound, "not-found")
	}
	b.jobs = slices.Delete(b.jobs, at, at+1)
	b.addLog([]portal.SyncTransaction{log})
	return nil
}

func (b *book) addLog(lines []portal.SyncTransaction) {
	for _, l := range lines {
		l.Seq = int64(len(b.log) + 1)
		b.log = append(b.log, l)
	}
}

func (b *book) LogSync(_ context.Context, lines ...portal.SyncTransaction) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLog(lines)
	return nil
}

func (b *book) SyncLog(_ context.Context, f portal.SyncLogFilter) ([]portal.SyncTransaction, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.SyncTransaction
	for _, l := range slices.Backward(b.log) {
		if (f.What == "" || l.What == f.What) && (f.Result == "" || l.Result == f.Result) && (f.CRM == "" || l.CRM == f.CRM) {
			out = append(out, l)
		}
	}
	return out, nil
}

func (b *book) putConflict(c portal.SyncConflict) {
	at := slices.IndexFunc(b.conflicts, func(o portal.SyncConflict) bool { return o.ID == c.ID })
	if at >= 0 {
		b.conflicts[at] = c
		return
	}
	b.conflicts = append(b.conflicts, c)
}

func (b *book) SyncConflicts(_ context.Context, crm string, limit int) ([]portal.SyncConflict, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []portal.SyncConflict
	for _, c := range slices.Backward(b.conflicts) {
		if crm == "" || c.CRM == crm {
			out = append(out, c)
		}
	}
	return out[:min(limit, len(out))], nil
}

func (b *book) SyncConflict(_ context.Context, id string) (portal.SyncConflict, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conflicts {
		if c.ID == id {
			return c, nil
		}
	}
	return portal.SyncConflict{}, portal.Fail(portal.ErrNotFound, "not-found")
}

func (b *book) SaveSyncConflict(_ context.Context, c portal.SyncConflict) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.putConflict(c)
	return nil
}

func (b *book) PruneSync(_ context.Context, before time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = slices.DeleteFunc(b.log, func(l portal.SyncTransaction) bool { return l.At.Before(before) })
	return nil
}

func (b *book) SyncBlob(_ context.Context, name string) ([]byte, int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.blobs[name]
	if !ok {
		return nil, 0, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return slices.Clone(x.data), x.rev, nil
}

func (b *book) SaveSyncBlob(_ context.Context, name string, data []byte, revision int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blobs[name].rev != revision {
		return portal.Fail(portal.ErrConflict, "conflict")
	}
	b.blobs[name] = blob{slices.Clone(data), revision + 1}
	return nil
}

// settings stores settings as an administrator would.
func (b *book) settings(st portal.SyncSettings) {
	raw, err := json.Marshal(st)
	if err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blobs["settings"] = blob{raw, b.blobs["settings"].rev + 1}
}

// waiting gives the jobs that stand in the queue.
func (b *book) waiting() []portal.SyncJob {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.jobs)
}
