package calsync_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

func TestRecordsAreToldOfManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		l.settle()
		gate := make(chan struct{})
		l.c.mu.Lock()
		l.c.marking = func() { <-gate } // whoever tells of the first is slow
		l.c.mu.Unlock()
		var ids []string
		for i := range 150 {
			a := draftOf(alice, fmt.Sprintf("m%d of alice", i))
			a.Start = a.Start.Add(time.Duration(i) * time.Hour)
			a.End = a.Start.Add(time.Hour)
			ids = append(ids, l.c.create(a).ID)
		}
		l.settle() // nobody's job waits for it
		if n := len(l.x.all(alice, "")); n != 150 {
			t.Errorf("%d of 150 were carried while nobody could be told", n)
		}
		close(gate)
		stop() // what is left is told at the end
		l.c.mu.Lock()
		defer l.c.mu.Unlock()
		for _, id := range ids {
			if st := l.c.marks[id]; st.State != portal.SyncDone {
				t.Errorf("%s was told as %+v", id, st)
			}
		}
		if l.c.markCalls < 2 || l.c.markCalls > 20 {
			t.Errorf("150 records were told of in %d calls", l.c.markCalls)
		}
	})
}

// Of a record that got further twice the last word is told; those that stand the same are told of together.
func TestMarksAreJoined(t *testing.T) {
	c := newRecords(time.Now)
	s := calsync.New(c, newSim(time.Now), newBook(), calsync.Options{})
	done, failed := portal.SyncState{State: portal.SyncDone}, portal.SyncState{State: portal.SyncFailed, Error: "sync.refused"}
	s.MarkAll(context.Background(), []string{"a", "b", "c", "b", "a"}, []portal.SyncState{done, done, failed, failed, done})
	if c.marks["a"] != done || c.marks["b"] != failed || c.marks["c"] != failed || c.markCalls != 2 {
		t.Errorf("told %+v in %d calls", c.marks, c.markCalls)
	}
}
