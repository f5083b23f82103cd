package storage_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// The same promise for the ledger of the synchronisation: of a step of reading, and of what came of a job, everything is on disk or
// nothing, and what was acknowledged is.

// syncTag begins the tags of children that write the ledger.
const syncTag = "sync"

func killBox(tag string, w int) portal.Address {
	return portal.Address(fmt.Sprintf("sip:%s-%d@example.test", tag, w))
}

// syncChild reads a mailbox for each of its crew, step by step, and carries each job to its end until it is killed. It says "told" of a
// step that was stored and "ack" of a job that is over.
func syncChild(s *storage.Store, say func(format string, args ...any)) {
	tag := os.Getenv(childTag)
	var crew sync.WaitGroup
	for w := range childCrew {
		crew.Go(func() {
			for i := 0; ; i++ {
				if err := syncStep(s, killBox(tag, w), i, say); err != nil {
					say("error %v", err)
					return
				}
			}
		})
	}
	crew.Wait()
}

func syncStep(s *storage.Store, box portal.Address, i int, say func(format string, args ...any)) error {
	ctx := context.Background()
	id := fmt.Sprintf("%s/%d", box, i)
	it := portal.SyncItem{Mailbox: box, Entry: portal.Entry{RemoteID: id}}
	it.Entry.UID = id
	in := portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(box), State: id}, Items: []portal.SyncItem{it},
		Jobs: []portal.SyncJob{{Key: id, Direction: portal.ToCRM, Mailbox: box}}}
	if err := s.SaveSyncIntake(ctx, in); err != nil {
		return err
	}
	say("told %d %s", i, id)
	jobs, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: box})
	if err != nil {
		return err
	}
	if len(jobs) != 1 || jobs[0].Key != id {
		return fmt.Errorf("the queue of %s is %v", box, jobs)
	}
	pair := portal.SyncPair{CRM: "crm-" + id, UID: id, Mailbox: box, RemoteID: id}
	err = s.EndSyncJob(ctx, portal.SyncOutcome{Job: &jobs[0], Pair: &pair, Log: []portal.SyncTransaction{{What: "create", CRM: pair.CRM, Mailbox: box}}})
	if err == nil {
		say("ack %d %s", i, id)
	}
	return err
}

// checkLedger holds what is found of a mailbox against itself and gives how many steps were stored and how many jobs are over.
func checkLedger(t *testing.T, s *storage.Store, box portal.Address) (steps, over int) {
	t.Helper()
	ctx := t.Context()
	c, err := s.SyncCursor(ctx, string(box))
	must(t, err)
	steps, err = s.CountSyncItems(ctx, box)
	must(t, err)
	jobs, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: box})
	must(t, err)
	log, err := s.SyncLog(ctx, portal.SyncLogFilter{Mailbox: box, Limit: 1 << 20})
	must(t, err)
	if last := fmt.Sprintf("%s/%d", box, steps-1); steps > 0 && c.State != last || steps == 0 && c.State != "" {
		t.Errorf("%s: %d steps, the cursor is at %q", box, steps, c.State)
	}
	for i := range steps {
		id := fmt.Sprintf("%s/%d", box, i)
		_, err := s.SyncItem(ctx, box, id)
		must(t, err)
		_, err = s.SyncPairByUID(ctx, id)
		if ignore(err, portal.ErrNotFound) != nil {
			t.Fatal(err)
		}
		paired := err == nil
		waiting := slices.ContainsFunc(jobs, func(j portal.SyncJob) bool { return j.Key == id })
		lines := 0
		for _, l := range log {
			if l.CRM == "crm-"+id {
				lines++
			}
		}
		if paired == waiting || (lines == 1) != paired || lines > 1 {
			t.Errorf("%s: paired %v, waiting %v, %d lines in the log", id, paired, waiting, lines)
		}
		if paired {
			over++
		}
	}
	if len(jobs) != steps-over || len(log) != over {
		t.Errorf("%s: %d steps and %d pairs, but %d jobs and %d lines", box, steps, over, len(jobs), len(log))
	}
	return steps, over
}

func TestKilledWhileSynchronising(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	total := 0
	for round, enough := range []int{1, 200, 37, 400} {
		tag := fmt.Sprint(syncTag, round)
		over, taken := burst(t, path, tag, enough)
		s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path})
		must(t, err)
		if err := storage.Sound(s); err != nil {
			t.Errorf("the database is not sound: %v", err)
		}
		for w := range childCrew {
			box := killBox(tag, w)
			steps, ended := checkLedger(t, s, box)
			for what, said := range map[string]struct {
				list map[string]int64
				n    int
			}{"steps": {taken, steps}, "ended jobs": {over, ended}} {
				for id, i := range said.list {
					if strings.HasPrefix(id, string(box)+"/") && int(i) >= said.n {
						t.Errorf("%s was acknowledged, but only %d %s are found", id, said.n, what)
					}
				}
			}
			total += ended
		}
		must(t, s.Close())
	}
	if total == 0 {
		t.Error("no job was carried to its end")
	}
	t.Logf("%d jobs over 4 kills: no half of a step, no half of an outcome", total)
}
