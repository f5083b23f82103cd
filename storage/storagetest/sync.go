package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// SyncStore is what the synchronisation asks of storage.
type SyncStore interface {
	SyncCursor(ctx context.Context, source string) (portal.SyncCursor, error)
	SyncCursors(ctx context.Context) ([]portal.SyncCursor, error)
	SaveSyncIntake(ctx context.Context, in portal.SyncIntake) error
	DropSyncMailbox(ctx context.Context, mailbox portal.Address) error
	SyncItemsByUID(ctx context.Context, uid string) ([]portal.SyncItem, error)
	SyncItem(ctx context.Context, mailbox portal.Address, remoteID string) (portal.SyncItem, error)
	SyncItemsOlder(ctx context.Context, mailbox portal.Address, generation int64, limit int) ([]portal.SyncItem, error)
	SyncItemsAlike(ctx context.Context, mailbox portal.Address, start, end time.Time, allDay bool) ([]portal.SyncItem, error)
	CountSyncAppointments(ctx context.Context) (int, error)
	CountSyncItems(ctx context.Context, mailbox portal.Address) (int, error)
	SyncPair(ctx context.Context, crm string) (portal.SyncPair, error)
	SyncPairByUID(ctx context.Context, uid string) (portal.SyncPair, error)
	SyncPairsOf(ctx context.Context, crm []string) (map[string]portal.SyncPair, error)
	SyncPairsByUIDs(ctx context.Context, uids []string) (map[string]portal.SyncPair, error)
	DueSyncJobs(ctx context.Context, now time.Time, per, limit int) ([]portal.SyncJob, error)
	NextSyncJob(ctx context.Context) (time.Time, error)
	AddSyncJobs(ctx context.Context, jobs []portal.SyncJob) error
	EndSyncJob(ctx context.Context, o portal.SyncOutcome) error
	SyncJobs(ctx context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error)
	CountSyncJobs(ctx context.Context) (portal.SyncQueueCounts, error)
	RetrySyncJobs(ctx context.Context, seqs []int64, log portal.SyncTransaction) (int, error)
	ReleaseSyncJobs(ctx context.Context, mailbox portal.Address, log portal.SyncTransaction) (int, error)
	DiscardSyncJob(ctx context.Context, seq int64, log portal.SyncTransaction) error
	LogSync(ctx context.Context, lines ...portal.SyncTransaction) error
	SyncLog(ctx context.Context, f portal.SyncLogFilter) ([]portal.SyncTransaction, error)
	SyncConflicts(ctx context.Context, crm string, limit int) ([]portal.SyncConflict, error)
	SyncConflict(ctx context.Context, id string) (portal.SyncConflict, error)
	SaveSyncConflict(ctx context.Context, c portal.SyncConflict) error
	PruneSync(ctx context.Context, before time.Time) error
	SyncBlob(ctx context.Context, name string) (data []byte, revision int64, err error)
	SaveSyncBlob(ctx context.Context, name string, data []byte, revision int64) error
}

// copyOf is the copy of an appointment in a mailbox with everything that is easily lost on the way through storage.
func copyOf(n int, mailbox portal.Address, generation int64) portal.SyncItem {
	e := entry(n, noon(), noon().Add(time.Hour)).Entry
	e.Exceptions = []portal.Appointment{{Subject: "plain", RecurrenceID: noon()}, {Subject: "moved", BodyHTML: "<b>x</b>", RecurrenceID: noon()}}
	e.Deleted, e.DoneID = []time.Time{noon()}, "done"
	return portal.SyncItem{Mailbox: mailbox, Entry: e, Generation: generation, ReadAt: noon()}
}

func syncJob(key string, mailbox portal.Address, start time.Time) portal.SyncJob {
	return portal.SyncJob{Key: key, Direction: portal.ToCRM, Mailbox: mailbox, Subject: "About " + key, Start: start, State: portal.JobWaiting,
		MadeAt: noon(), ChangedAt: noon().Add(-time.Minute)}
}

func remotes(list []portal.SyncItem) []string {
	out := []string{}
	for _, it := range list {
		out = append(out, it.Entry.RemoteID)
	}
	return out
}

// items stores copies without moving a cursor.
func items(t *testing.T, s Store, list ...portal.SyncItem) {
	t.Helper()
	must(t, s.EndSyncJob(deadline(t), portal.SyncOutcome{Items: list}))
}

func testSyncIntake(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	source := string(alice)
	if c, err := s.SyncCursor(ctx, source); err != nil || c != (portal.SyncCursor{Source: source}) {
		t.Errorf("before: %+v, %v", c, err)
	}
	c := portal.SyncCursor{Source: source, State: "s1", Loaded: true, Generation: 3, Sweeping: true, ReadAt: noon(), Held: true}
	it := copyOf(1, alice, 3)
	job := syncJob("uid:uid-1", alice, noon())
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: c, Items: []portal.SyncItem{it}, Jobs: []portal.SyncJob{job}}))
	if got, err := s.SyncCursor(ctx, source); err != nil || got != c {
		t.Errorf("saved %+v, got %+v, %v", c, got, err)
	}
	if got, err := s.SyncItem(ctx, alice, "remote-1"); err != nil || !reflect.DeepEqual(got, it) {
		t.Errorf("saved\n%+v\ngot\n%+v, %v", it, got, err)
	}
	job.Seq = 1
	if got, err := s.SyncJobs(ctx, portal.SyncQueueFilter{}); err != nil || !slices.Equal(got, []portal.SyncJob{job}) {
		t.Errorf("saved %+v, got %+v, %v", job, got, err)
	}
	// All of a step is stored or nothing.
	next := c
	next.State = "s2"
	for name, in := range map[string]portal.SyncIntake{
		"no source":         {Items: []portal.SyncItem{copyOf(2, alice, 3)}},
		"a copy of nobody":  {Cursor: next, Items: []portal.SyncItem{copyOf(2, alice, 3), {}}},
		"a job for nothing": {Cursor: next, Items: []portal.SyncItem{copyOf(2, alice, 3)}, Jobs: []portal.SyncJob{syncJob("x", alice, noon()), {}}},
	} {
		wantMeaning(t, s.SaveSyncIntake(ctx, in), portal.ErrInvalid)
		got, err := s.SyncCursor(ctx, source)
		n, err2 := s.CountSyncItems(ctx, alice)
		jobs, err3 := s.SyncJobs(ctx, portal.SyncQueueFilter{})
		if err != nil || err2 != nil || err3 != nil || got != c || n != 1 || len(jobs) != 1 {
			t.Errorf("%s: half of it was kept: %+v, %d copies, %d jobs, %v, %v, %v", name, got, n, len(jobs), err, err2, err3)
		}
	}
	// A mailbox of which only copies are known has not been read.
	items(t, s, copyOf(1, bob, 0))
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: "crm", State: "17"}}))
	if list, err := s.SyncCursors(ctx); err != nil || len(list) != 2 || list[0].Source != "crm" || list[0].State != "17" || list[1] != c {
		t.Errorf("cursors %+v, %v", list, err)
	}
	if c, err := s.SyncCursor(ctx, string(bob)); err != nil || c != (portal.SyncCursor{Source: string(bob)}) {
		t.Errorf("bob's %+v, %v", c, err)
	}
}

func testSyncItems(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	gone := copyOf(3, alice, 1)
	gone.Gone = noon()
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(alice), Generation: 2},
		Items: []portal.SyncItem{copyOf(1, alice, 1), copyOf(2, alice, 2), gone}}))
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(bob)}, Items: []portal.SyncItem{copyOf(1, bob, 1), copyOf(3, bob, 1)}}))
	if list, err := s.SyncItemsByUID(ctx, "uid-3"); err != nil || len(list) != 2 || list[0].Mailbox != alice || !list[0].Gone.Equal(noon()) || list[1].Mailbox != bob {
		t.Errorf("by uid: %+v, %v", list, err)
	}
	if list, err := s.SyncItemsByUID(ctx, ""); err != nil || len(list) != 0 {
		t.Errorf("by no uid: %+v, %v", list, err)
	}
	if list, err := s.SyncItemsOlder(ctx, alice, 2, 10); err != nil || !slices.Equal(remotes(list), []string{"remote-1"}) {
		t.Errorf("older: %v, %v", remotes(list), err)
	}
	if list, err := s.SyncItemsOlder(ctx, alice, 3, 1); err != nil || len(list) != 1 {
		t.Errorf("older, one of them: %v, %v", remotes(list), err)
	}
	if list, err := s.SyncItemsAlike(ctx, alice, noon(), noon().Add(time.Hour), false); err != nil || !slices.Equal(remotes(list), []string{"remote-1", "remote-2"}) {
		t.Errorf("alike: %v, %v", remotes(list), err)
	}
	if list, err := s.SyncItemsAlike(ctx, alice, noon(), noon().Add(time.Hour), true); err != nil || len(list) != 0 {
		t.Errorf("alike and all day: %v, %v", remotes(list), err)
	}
	if n, err := s.CountSyncItems(ctx, alice); err != nil || n != 2 {
		t.Errorf("%d copies, %v", n, err)
	}
	if n, err := s.CountSyncAppointments(ctx); err != nil || n != 3 {
		t.Errorf("%d appointments in two mailboxes, %v", n, err)
	}
	// A copy replaces that of its mailbox and RemoteID, and is of the mailbox's generation where it says none.
	other := copyOf(1, alice, 0)
	other.Entry.UID, other.Entry.Subject = "uid-other", "again"
	items(t, s, other)
	other.Generation = 2
	if got, err := s.SyncItem(ctx, alice, "remote-1"); err != nil || !reflect.DeepEqual(got, other) {
		t.Errorf("saved\n%+v\ngot\n%+v, %v", other, got, err)
	}
	if list, err := s.SyncItemsByUID(ctx, "uid-1"); err != nil || len(list) != 1 || list[0].Mailbox != bob {
		t.Errorf("by the uid it had: %+v, %v", list, err)
	}
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{DropItems: []portal.SyncItem{other, copyOf(9, alice, 1), copyOf(1, carol, 1)}}))
	_, err := s.SyncItem(ctx, alice, "remote-1")
	wantMeaning(t, err, portal.ErrNotFound)
	if _, err := s.SyncItem(ctx, bob, "remote-1"); err != nil {
		t.Errorf("bob's went too: %v", err)
	}
}

// testSyncDrop: a mailbox that is forgotten has no copies any more, takes no others with it, and can begin anew.
func testSyncDrop(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	var many []portal.SyncItem
	for i := range 560 { // more than one slice
		many = append(many, copyOf(i, alice, 1))
	}
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(alice), State: "x"}, Items: many}))
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(bob), State: "y"}, Items: []portal.SyncItem{copyOf(1, bob, 1)}}))
	pair := portal.SyncPair{CRM: "crm-1", UID: "uid-1", Mailbox: alice, RemoteID: "remote-1"}
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Pair: &pair}))
	must(t, s.DropSyncMailbox(ctx, alice))
	must(t, s.DropSyncMailbox(ctx, alice))
	must(t, s.DropSyncMailbox(ctx, carol))
	if list, err := s.SyncItemsByUID(ctx, "uid-1"); err != nil || len(list) != 1 || list[0].Mailbox != bob {
		t.Errorf("by uid: %+v, %v", list, err)
	}
	if list, err := s.SyncCursors(ctx); err != nil || len(list) != 1 || list[0].Source != string(bob) {
		t.Errorf("cursors %+v, %v", list, err)
	}
	if _, err := s.SyncPair(ctx, "crm-1"); err != nil {
		t.Errorf("the pair went too: %v", err)
	}
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(alice)}, Items: many[:2]}))
	if n, err := s.CountSyncItems(ctx, alice); err != nil || n != 2 {
		t.Errorf("begun anew with %d copies, %v", n, err)
	}
}

func testSyncPairs(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	put := func(p portal.SyncPair) error { return s.EndSyncJob(ctx, portal.SyncOutcome{Pair: &p}) }
	pair := func(n int) portal.SyncPair {
		return portal.SyncPair{CRM: fmt.Sprint("crm-", n), UID: fmt.Sprint("uid-", n), Mailbox: alice, RemoteID: "r", ChangeKey: "k", Revision: 7,
			Agreed: []byte(`{"x":1}`), Invited: true, State: portal.SyncFailed, Reason: "sync.x", At: noon()}
	}
	_, err := s.SyncPair(ctx, "crm-1")
	wantMeaning(t, err, portal.ErrNotFound)
	p := pair(1)
	must(t, put(p))
	must(t, put(pair(2)))
	wantMeaning(t, put(p), portal.ErrConflict) // it is there
	p.Version = 1
	if got, err := s.SyncPair(ctx, "crm-1"); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("stored %+v, got %+v, %v", p, got, err)
	}
	changed := p
	changed.UID, changed.Agreed, changed.State, changed.Reason = "uid-new", nil, portal.SyncDone, ""
	must(t, put(changed))
	changed.Version = 2
	if got, err := s.SyncPairByUID(ctx, "uid-new"); err != nil || !reflect.DeepEqual(got, changed) {
		t.Errorf("stored %+v, got %+v, %v", changed, got, err)
	}
	wantMeaning(t, put(p), portal.ErrConflict) // as it was before
	taken := pair(3)
	taken.UID = "uid-2"
	wantMeaning(t, put(taken), portal.ErrConflict)
	wantMeaning(t, put(portal.SyncPair{}), portal.ErrInvalid)
	if got, err := s.SyncPairsOf(ctx, []string{"crm-1", "none", "crm-2"}); err != nil || len(got) != 2 || got["crm-1"].Version != 2 || got["crm-2"].UID != "uid-2" {
		t.Errorf("of records: %+v, %v", got, err)
	}
	if got, err := s.SyncPairsByUIDs(ctx, []string{"uid-2", "uid-1", ""}); err != nil || len(got) != 1 || got["uid-2"].CRM != "crm-2" {
		t.Errorf("by UIDs: %+v, %v", got, err)
	}
	// One pair goes and another takes its UID over, in one step.
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{DropPair: "crm-2", Pair: &taken}))
	if got, err := s.SyncPairByUID(ctx, "uid-2"); err != nil || got.CRM != "crm-3" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = s.SyncPair(ctx, "crm-2")
	wantMeaning(t, err, portal.ErrNotFound)
	none, none2 := pair(5), pair(6) // of which no UID is known yet
	none.UID, none2.UID = "", ""
	must(t, put(none))
	must(t, put(none2))
}

func testSyncBlobs(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, _, err := s.SyncBlob(ctx, "settings")
	wantMeaning(t, err, portal.ErrNotFound)
	wantMeaning(t, s.SaveSyncBlob(ctx, "settings", nil, 3), portal.ErrConflict)
	wantMeaning(t, s.SaveSyncBlob(ctx, "", nil, 0), portal.ErrInvalid)
	for i, data := range []string{"one", "two", ""} {
		must(t, s.SaveSyncBlob(ctx, "settings", []byte(data), int64(i)))
		wantMeaning(t, s.SaveSyncBlob(ctx, "settings", []byte("late"), int64(i)), portal.ErrConflict)
		if got, revision, err := s.SyncBlob(ctx, "settings"); err != nil || string(got) != data || revision != int64(i)+1 {
			t.Errorf("%q, %d, %v; want %q", got, revision, err, data)
		}
	}
	must(t, s.SaveSyncBlob(ctx, "rules", nil, 0))
}
