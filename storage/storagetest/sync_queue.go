package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The queue of the synchronisation and its logs.

func keys(list []portal.SyncJob) []string {
	out := []string{}
	for _, j := range list {
		out = append(out, j.Key)
	}
	return out
}

// due asks for due jobs and wants these, in this order.
func due(t *testing.T, s Store, now time.Time, per, limit int, want ...string) []portal.SyncJob {
	t.Helper()
	list, err := s.DueSyncJobs(deadline(t), now, per, limit)
	if err != nil || !slices.Equal(keys(list), want) && len(list)+len(want) > 0 {
		t.Errorf("due: %v, %v; want %v", keys(list), err, want)
	}
	return list
}

// testSyncDue: of each mailbox the newest appointments first, no more than asked for, and each mailbox has its turn.
func testSyncDue(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	due(t, s, noon(), 5, 5)
	if next, err := s.NextSyncJob(ctx); err != nil || !next.IsZero() {
		t.Errorf("next %v, %v", next, err)
	}
	day := func(n int) time.Time { return noon().AddDate(0, 0, n) }
	later := syncJob("later", carol, day(9))
	later.NotBefore = noon().Add(time.Hour)
	soon := syncJob("soon", carol, day(8))
	soon.NotBefore = noon().Add(time.Minute)
	held, failed := syncJob("held", carol, day(9)), syncJob("failed", carol, day(9))
	held.State, failed.State = portal.JobHeld, portal.JobFailed
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{later, soon, held, failed}))
	due(t, s, noon(), 5, 5)
	if next, err := s.NextSyncJob(ctx); err != nil || !next.Equal(soon.NotBefore) {
		t.Errorf("next %v, %v", next, err)
	}
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{
		syncJob("a1", alice, day(1)), syncJob("a3", alice, day(3)), syncJob("a2", alice, day(2)), syncJob("b1", bob, day(1)), syncJob("none", "", day(1)),
	}))
	if next, err := s.NextSyncJob(ctx); err != nil || next.IsZero() || next.After(noon()) {
		t.Errorf("next %v, %v", next, err)
	}
	due(t, s, noon(), 2, 10, "a3", "b1", "none", "a2")
	due(t, s, noon(), 9, 10, "a3", "b1", "none", "a2", "a1")
	due(t, s, noon(), 0, 10)
	due(t, s, noon(), 10, 0)
	// With fewer places than mailboxes each has its turn.
	for _, want := range []string{"a3", "b1", "none", "a3"} {
		due(t, s, noon(), 1, 1, want)
	}
	due(t, s, noon().Add(time.Minute), 1, 10, "b1", "soon", "none", "a3")
	due(t, s, noon(), 1, 10, "b1", "none", "a3") // by a clock that was put back it is not due
	list := due(t, s, noon().Add(2*time.Hour), 2, 3, "b1", "later", "soon")
	if len(list) == 3 && !list[1].NotBefore.Equal(later.NotBefore) {
		t.Errorf("its time was %v, is %v", later.NotBefore, list[1].NotBefore)
	}
}

// testSyncRenewal: another change renews a job, and who began with the one before does not end it.
func testSyncRenewal(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	j := syncJob("crm-1", alice, noon())
	j.Quiet = true
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{j, {Key: "crm-1", Direction: portal.ToExchange, MadeAt: noon()}}))
	began := due(t, s, noon(), 9, 1, "crm-1")[0]
	again := began
	again.State, again.Tries, again.Reason, again.Cause, again.NotBefore = portal.JobFailed, 3, "sync.refused", "the server says no", noon()
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &began, Again: &again}))
	if got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{State: portal.JobFailed}); err != nil || !slices.Equal(got, []portal.SyncJob{again}) {
		t.Errorf("put off %+v, got %+v, %v", again, got, err)
	}
	news := syncJob("crm-1", bob, noon().Add(time.Hour))
	news.MadeAt, news.ChangedAt = noon().Add(time.Hour), noon().Add(time.Hour)
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{news}))
	want := news
	want.Seq, want.MadeAt, want.Renewals = began.Seq, began.MadeAt, 1
	if got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: bob}); err != nil || !slices.Equal(got, []portal.SyncJob{want}) {
		t.Errorf("renewed %+v, got %+v, %v", want, got, err)
	}
	// The rest of what came of the first renewal is stored all the same.
	pair := portal.SyncPair{CRM: "crm-1", UID: "u"}
	follow := syncJob("crm-2", alice, noon())
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &began, Pair: &pair, Jobs: []portal.SyncJob{follow}}))
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &began, Again: &again}))
	if got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: bob}); err != nil || !slices.Equal(got, []portal.SyncJob{want}) {
		t.Errorf("a renewed job was ended: %+v, %v", got, err)
	}
	if _, err := s.SyncPair(ctx, "crm-1"); err != nil {
		t.Error(err)
	}
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &want}))
	// A job that goes on under another key joins the one that is there.
	rest, err := s.SyncJobs(ctx, portal.SyncQueueFilter{})
	must(t, err)
	if len(rest) != 2 || rest[0].Direction != portal.ToExchange || rest[1].Key != "crm-2" {
		t.Fatalf("left: %+v", rest)
	}
	other := rest[0]
	other.Key, other.Direction = "crm-2", portal.ToCRM
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &rest[0], Again: &other}))
	if got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{}); err != nil || len(got) != 1 || got[0].Seq != rest[1].Seq || got[0].Renewals != 1 {
		t.Errorf("left: %+v, %v", got, err)
	}
	wantMeaning(t, s.AddSyncJobs(ctx, []portal.SyncJob{{Key: "x"}}), portal.ErrInvalid)
}

// testSyncOutcome: of an outcome that cannot be stored whole nothing is.
func testSyncOutcome(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	pair := portal.SyncPair{CRM: "crm-1", UID: "u"}
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Pair: &pair, Items: []portal.SyncItem{copyOf(1, alice, 1)}}))
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{syncJob("crm-1", alice, noon())}))
	job := due(t, s, noon(), 1, 1, "crm-1")[0]
	o := portal.SyncOutcome{Job: &job, Pair: &pair, DropItems: []portal.SyncItem{copyOf(1, alice, 1)}, Items: []portal.SyncItem{copyOf(2, alice, 1)},
		Jobs: []portal.SyncJob{syncJob("crm-2", alice, noon())}, Log: []portal.SyncTransaction{{At: noon(), What: "update"}},
		Conflicts: []portal.SyncConflict{{ID: "c1", At: noon()}}}
	state := func() string {
		n, err := s.CountSyncItems(ctx, alice)
		must(t, err)
		jobs, err := s.SyncJobs(ctx, portal.SyncQueueFilter{})
		must(t, err)
		log, err := s.SyncLog(ctx, portal.SyncLogFilter{})
		must(t, err)
		conflicts, err := s.SyncConflicts(ctx, "", 10)
		must(t, err)
		_, err = s.SyncItem(ctx, alice, "remote-1")
		p, err2 := s.SyncPair(ctx, "crm-1")
		must(t, err2)
		return fmt.Sprint(n, keys(jobs), len(log), len(conflicts), err == nil, p.Version)
	}
	before := state()
	wantMeaning(t, s.EndSyncJob(ctx, o), portal.ErrConflict) // the pair is there already
	if after := state(); after != before {
		t.Errorf("half of it was kept: %s, was %s", after, before)
	}
	pair.Version = 1
	for _, bad := range []portal.SyncOutcome{
		{Job: &job, Pair: &pair, Items: []portal.SyncItem{{}}}, {Job: &job, Pair: &pair, Conflicts: []portal.SyncConflict{{}}},
	} {
		wantMeaning(t, s.EndSyncJob(ctx, bad), portal.ErrInvalid)
		if after := state(); after != before {
			t.Errorf("half of it was kept: %s, was %s", after, before)
		}
	}
	must(t, s.EndSyncJob(ctx, o))
	if after, want := state(), fmt.Sprint(1, []string{"crm-2"}, 1, 1, false, 2); after != want {
		t.Errorf("after it: %s, want %s", after, want)
	}
}

func testSyncQueue(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	if n, err := s.CountSyncJobs(ctx); err != nil || n != (portal.SyncQueueCounts{}) {
		t.Errorf("%+v, %v", n, err)
	}
	var list []portal.SyncJob
	for i, state := range []string{portal.JobWaiting, portal.JobWaiting, portal.JobWaiting, portal.JobHeld, portal.JobHeld, portal.JobFailed} {
		j := syncJob(fmt.Sprint("k", i), alice, noon())
		j.State, j.MadeAt = state, noon().Add(time.Duration(i)*time.Minute)
		list = append(list, j)
	}
	list[1].Tries, list[1].NotBefore, list[1].Cause = 2, noon().Add(time.Hour), "Überlast 100%"
	list[4].Mailbox, list[2].Direction = bob, portal.ToExchange
	must(t, s.AddSyncJobs(ctx, list))
	if n, err := s.CountSyncJobs(ctx); err != nil || n != (portal.SyncQueueCounts{Waiting: 2, Retrying: 1, Held: 2, Failed: 1, Oldest: noon()}) {
		t.Errorf("%+v, %v", n, err)
	}
	for _, c := range []struct {
		f    portal.SyncQueueFilter
		want []string
	}{
		{portal.SyncQueueFilter{}, []string{"k0", "k1", "k2", "k3", "k4", "k5"}},
		{portal.SyncQueueFilter{State: portal.JobHeld}, []string{"k3", "k4"}},
		{portal.SyncQueueFilter{State: portal.JobHeld, Mailbox: bob}, []string{"k4"}},
		{portal.SyncQueueFilter{Mailbox: alice, Limit: 2, After: 2}, []string{"k2", "k3"}},
		{portal.SyncQueueFilter{Direction: portal.ToExchange}, []string{"k2"}},
		{portal.SyncQueueFilter{Text: "überlast 100%"}, []string{"k1"}},
		{portal.SyncQueueFilter{Text: "ABOUT K3"}, []string{"k3"}},
		{portal.SyncQueueFilter{Text: "k_"}, []string{}},
		{portal.SyncQueueFilter{Text: "k", State: portal.JobFailed}, []string{"k5"}},
		{portal.SyncQueueFilter{After: 6}, []string{}},
	} {
		if got, err := s.SyncJobs(ctx, c.f); err != nil || !slices.Equal(keys(got), c.want) {
			t.Errorf("%+v: %v, %v; want %v", c.f, keys(got), err, c.want)
		}
	}
	line := func(what string) portal.SyncTransaction {
		return portal.SyncTransaction{At: noon(), What: what, By: "admin", Result: "done"}
	}
	if n, err := s.ReleaseSyncJobs(ctx, bob, line("release")); err != nil || n != 1 {
		t.Errorf("released %d, %v", n, err)
	}
	if n, err := s.RetrySyncJobs(ctx, []int64{4, 99}, line("retry")); err != nil || n != 1 { // alice's that is held
		t.Errorf("retried %d, %v", n, err)
	}
	if n, err := s.RetrySyncJobs(ctx, nil, line("retry")); err != nil || n != 2 {
		t.Errorf("retried %d, %v", n, err)
	}
	got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{})
	must(t, err)
	for _, j := range got {
		if j.State != portal.JobWaiting || !j.NotBefore.IsZero() || j.Tries != 0 || j.Cause != "" {
			t.Errorf("not to be tried now: %+v", j)
		}
	}
	must(t, s.DiscardSyncJob(ctx, 1, line("discard")))
	wantMeaning(t, s.DiscardSyncJob(ctx, 1, line("discard again")), portal.ErrNotFound)
	due(t, s, noon(), 9, 9, "k1", "k4", "k2", "k3", "k5")
	var said []string
	log, err := s.SyncLog(ctx, portal.SyncLogFilter{})
	must(t, err)
	for _, l := range log {
		said = append(said, l.What)
	}
	if want := []string{"discard", "retry", "retry", "release"}; !slices.Equal(said, want) {
		t.Errorf("the log says %v, want %v", said, want)
	}
}

// testSyncManyRetries: what waits beyond one slice is retried, and counted, too.
func testSyncManyRetries(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	const n = 1060
	var list []portal.SyncJob
	for i := range n {
		j := syncJob(fmt.Sprint("k", i), alice, noon())
		if i%2 == 0 {
			j.State = portal.JobFailed
		} else {
			j.NotBefore, j.Tries = noon().Add(time.Duration(i)*time.Second), 1
		}
		list = append(list, j)
	}
	must(t, s.AddSyncJobs(ctx, list))
	if got, err := s.DueSyncJobs(ctx, noon().Add(n*time.Second), n, n); err != nil || len(got) != n/2 {
		t.Errorf("%d are due, %v", len(got), err)
	}
	must(t, s.AddSyncJobs(ctx, list)) // and once more, as they were
	if got, err := s.RetrySyncJobs(ctx, nil, portal.SyncTransaction{At: noon()}); err != nil || got != n {
		t.Errorf("retried %d, %v", got, err)
	}
	if got, err := s.CountSyncJobs(ctx); err != nil || got.Waiting != n {
		t.Errorf("%+v, %v", got, err)
	}
	if log, err := s.SyncLog(ctx, portal.SyncLogFilter{}); err != nil || len(log) != 1 {
		t.Errorf("%d lines in the log, %v", len(log), err)
	}
}

func testSyncLog(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	hour := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Hour) }
	lines := []portal.SyncTransaction{
		{At: hour(0), Direction: portal.ToCRM, What: "create", CRM: "crm-1", UID: "uid-1", Mailbox: alice, Server: "main", Subject: "Über alles",
			Before: map[string]string{"subject": "a"}, After: map[string]string{"subject": "b"}, Result: "done", Mail: true, Took: time.Second, By: "x"},
		{At: hour(3), Direction: portal.ToExchange, What: "update", CRM: "crm-1", Mailbox: bob, Result: "failed", Reason: "sync.x", Cause: "HTTP 507"},
		{At: hour(6), Direction: portal.ToCRM, What: "update", CRM: "crm-2", Mailbox: alice, Result: "failed"},
		{At: hour(9).Add(-time.Minute), What: "users", Result: "done"},
		{At: hour(9).Add(-2 * time.Minute), What: "settings", Result: "done"}, // written late
	}
	must(t, s.LogSync(ctx, lines...))
	must(t, s.LogSync(ctx))
	for i := range lines {
		lines[i].Seq = int64(i) + 1
	}
	for _, c := range []struct {
		f    portal.SyncLogFilter
		want []int
	}{
		{portal.SyncLogFilter{}, []int{4, 3, 2, 1, 0}},
		{portal.SyncLogFilter{Limit: 2}, []int{4, 3}},
		{portal.SyncLogFilter{Limit: 2, Before: 4}, []int{2, 1}},
		{portal.SyncLogFilter{CRM: "crm-1"}, []int{1, 0}},
		{portal.SyncLogFilter{CRM: "crm-1", Result: "done"}, []int{0}},
		{portal.SyncLogFilter{Mailbox: alice}, []int{2, 0}},
		{portal.SyncLogFilter{Result: "failed"}, []int{2, 1}},
		{portal.SyncLogFilter{What: "update", Direction: portal.ToExchange}, []int{1}},
		{portal.SyncLogFilter{Text: "ÜBER"}, []int{0}},
		{portal.SyncLogFilter{Text: "http 50"}, []int{1}},
		{portal.SyncLogFilter{Text: "uid-1"}, []int{0}},
		{portal.SyncLogFilter{Text: "bob@"}, []int{1}},
		{portal.SyncLogFilter{From: hour(3)}, []int{4, 3, 2, 1}},
		{portal.SyncLogFilter{To: hour(3)}, []int{0}},
		{portal.SyncLogFilter{From: hour(3), To: hour(6)}, []int{1}},
		{portal.SyncLogFilter{From: hour(9).Add(-2 * time.Minute), To: hour(9).Add(-time.Minute)}, []int{4}},
		{portal.SyncLogFilter{From: hour(10)}, nil},
	} {
		got, err := s.SyncLog(ctx, c.f)
		var want []portal.SyncTransaction
		for _, i := range c.want {
			want = append(want, lines[i])
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v:\ngot  %+v, %v\nwant %+v", c.f, got, err, want)
		}
	}
	must(t, s.PruneSync(ctx, hour(6)))
	if got, err := s.SyncLog(ctx, portal.SyncLogFilter{}); err != nil || !reflect.DeepEqual(got, []portal.SyncTransaction{lines[4], lines[3], lines[2]}) {
		t.Errorf("after pruning: %+v, %v", got, err)
	}
}

func testSyncConflicts(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	minutes, subject := new(*int), "lost"
	conflict := func(n int, crm string) portal.SyncConflict {
		return portal.SyncConflict{ID: fmt.Sprint("c", n), At: noon().Add(time.Duration(n) * time.Hour), CRM: crm, UID: "u", Subject: "s", Won: portal.SourceCRM,
			Fields: []string{"subject"}, Lost: portal.AppointmentChange{Subject: &subject, ReminderMinutes: minutes}, Kept: map[string]string{"subject": "kept"},
			Given: map[string]string{"subject": "lost"}}
	}
	one, two, three := conflict(1, "crm-1"), conflict(2, "crm-2"), conflict(3, "crm-1")
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Conflicts: []portal.SyncConflict{two, three, one}}))
	if got, err := s.SyncConflicts(ctx, "", 10); err != nil || !reflect.DeepEqual(got, []portal.SyncConflict{three, two, one}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.SyncConflicts(ctx, "crm-1", 1); err != nil || !reflect.DeepEqual(got, []portal.SyncConflict{three}) {
		t.Errorf("%+v, %v", got, err)
	}
	one.TakenBack, one.TakenBackBy = noon(), string(alice)
	must(t, s.SaveSyncConflict(ctx, one))
	if got, err := s.SyncConflict(ctx, "c1"); err != nil || !reflect.DeepEqual(got, one) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := s.SyncConflict(ctx, "none")
	wantMeaning(t, err, portal.ErrNotFound)
	must(t, s.PruneSync(ctx, two.At))
	if got, err := s.SyncConflicts(ctx, "", 10); err != nil || !reflect.DeepEqual(got, []portal.SyncConflict{three, two}) {
		t.Errorf("after pruning: %+v, %v", got, err)
	}
}
