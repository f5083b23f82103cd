package calsync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// The engine as it really runs, with all its goroutines, in a time of its own.

// live is a running engine between two sides.
type live struct {
	t    *testing.T
	x    *sim
	c    *records
	b    *book
	s    *calsync.Service
	mu   sync.Mutex
	news []calsync.Incident
	fig  map[string]int
}

// start runs an engine; what ends it is given.
func start(t *testing.T, o calsync.Options, users ...portal.CRMUser) (*live, func()) {
	t.Helper()
	if len(users) == 0 {
		users = []portal.CRMUser{user(alice, true), user(bob, true), user(carol, false), user(desk, true)}
	}
	var boxes []portal.Address
	for i := range users {
		users[i].Since = time.Now().Add(-time.Hour)
		if users[i].Synced() {
			boxes = append(boxes, users[i].Address)
		}
	}
	l := &live{t: t, x: newSim(time.Now, append(boxes, dave)...), c: newRecords(time.Now, users...), b: newBook(), fig: map[string]int{}}
	st := calsync.StandardSettings()
	st.SyncUser = desk
	l.b.settings(st)
	o.Incident = func(in calsync.Incident) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.news = append(l.news, in)
	}
	o.Counted = func(d portal.Direction, what, result string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fig[what+" "+result]++
	}
	l.s = calsync.New(l.c, l.x, l.b, o)
	l.x.rang = l.s.Rang
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.s.Run(ctx) }()
	for _, who := range boxes {
		l.s.Reached(who)
	}
	return l, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the engine ended with %v", err)
		}
	}
}

func (l *live) incidents(kind string, over bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, in := range l.news {
		if in.Kind == kind && in.Over == over {
			n++
		}
	}
	return n
}

// settle lets virtual time pass until the queue is empty.
func (l *live) settle() {
	l.t.Helper()
	for range 2000 {
		time.Sleep(time.Second) // in the bubble's time
		synctest.Wait()
		if len(l.b.waiting()) == 0 {
			return
		}
	}
	l.t.Fatalf("the queue does not drain: %+v", l.b.waiting())
}

func TestExchangeIsAwayForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{EachMailbox: 1, Workers: 4})
		defer stop()
		l.settle()
		l.x.set(func() { l.x.down = true })
		for i := range 60 { // alice is busy, bob changes one thing
			a := draftOf(alice, fmt.Sprintf("a%d of alice", i))
			a.Start = a.Start.Add(time.Duration(i) * time.Hour)
			a.End = a.Start.Add(time.Hour)
			l.c.create(a)
			if i == 30 {
				l.c.create(draftOf(bob, "b of bob"))
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := len(l.b.waiting()); n != 61 {
			t.Fatalf("%d jobs wait while Exchange is away", n)
		}
		if away, over := l.incidents("sync.away", false), l.incidents("sync.away", true); away != 1 || over != 0 {
			t.Errorf("%d notices that Exchange is away, %d that it is back", away, over)
		}
		if n := l.x.called("Create"); n > 200 {
			t.Errorf("%d creates were tried while nobody answered", n)
		}
		l.x.set(func() { l.x.down, l.x.pace = false, time.Second })
		l.s.Reached(alice)
		l.s.Reached(bob)
		l.settle()
		if n := len(l.x.all(alice, "")); n != 60 {
			t.Errorf("%d of 60 entries of alice came to Exchange", n)
		}
		if n := len(l.x.all(bob, "")); n != 1 {
			t.Errorf("%d of 1 entries of bob came to Exchange", n)
		}
		if over := l.incidents("sync.away", true); over != 1 {
			t.Errorf("%d notices that Exchange is back", over)
		}
		l.fair(t)
	})
}

// fair checks that bob did not wait for all of alice's backlog, and that the newest appointments went first.
func (l *live) fair(t *testing.T) {
	t.Helper()
	log, err := l.b.SyncLog(context.Background(), portal.SyncLogFilter{What: "create", Result: "done"})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(log)
	at := slices.IndexFunc(log, func(x portal.SyncTransaction) bool { return strings.HasPrefix(x.Subject, "b ") })
	if at < 0 || at > 20 {
		t.Errorf("bob's one change came as number %d of %d", at+1, len(log))
	}
}

func TestAMailboxThatCannotBeOpenedLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		for i := range 20 {
			l.x.user(func() { l.x.make(alice, draftOf(alice, fmt.Sprintf("a%d", i)), "", false, false) })
		}
		l.settle()
		for name, err := range map[string]error{"forbidden": portal.Fail(portal.ErrForbidden, "exchange.rights"), "locked out": portal.Fail(portal.ErrUnauthenticated, "exchange.password"),
			"moved away": portal.Fail(portal.ErrForbidden, "exchange.no-mailbox")} {
			l.x.set(func() { l.x.closed[alice], l.x.resets[alice] = err, true })
			l.s.Rang(alice)
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			if n := len(l.c.living(func(*portal.CRMAppointment) bool { return true })); n != 20 {
				t.Fatalf("%s: %d of 20 records are left", name, n)
			}
			if st := l.s.BoxOf(alice); st.State != portal.MailboxLost || st.Reason == "" {
				t.Errorf("%s: the mailbox stands as %+v", name, st)
			}
			l.x.set(func() { delete(l.x.closed, alice) })
			l.s.Reached(alice)
			time.Sleep(time.Hour)
			l.settle()
			if st := l.s.BoxOf(alice); st.State != portal.MailboxInStep {
				t.Errorf("%s: afterwards the mailbox stands as %+v", name, st)
			}
		}
		if lost, over := l.incidents("sync.lost", false), l.incidents("sync.lost", true); lost != 3 || over != 3 {
			t.Errorf("%d notices of a lost mailbox and %d of its return", lost, over)
		}
	})
}

func TestWhatIsRefusedIsParkedAndOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.x.set(func() {
			l.x.refuse = func(subject string) error {
				if strings.HasPrefix(subject, "bad") {
					return portal.Fail(portal.ErrInvalid, "exchange.refused").Because(errors.New("no such thing"))
				}
				return nil
			}
		})
		bad := l.c.create(draftOf(alice, "bad one"))
		l.c.create(draftOf(alice, "good one"))
		time.Sleep(time.Minute)
		synctest.Wait()
		jobs := l.b.waiting()
		if len(jobs) != 1 || jobs[0].Key != bad.ID || jobs[0].State != portal.JobFailed || jobs[0].Reason != "exchange.refused" || jobs[0].Cause == "" {
			t.Fatalf("the queue holds %+v", jobs)
		}
		if len(l.x.all(alice, "good")) != 1 {
			t.Error("the good one did not come to Exchange")
		}
		if st, err := l.s.States(t.Context(), []string{bad.ID}); err != nil || st[bad.ID].State != portal.SyncFailed || st[bad.ID].Error != "exchange.refused" {
			t.Errorf("the record stands as %+v, %v", st, err)
		}
		l.x.set(func() { l.x.refuse = nil })
		if n, err := l.s.Retry(t.Context(), alice, []int64{jobs[0].Seq}); err != nil || n != 1 {
			t.Fatalf("%d retried, %v", n, err)
		}
		l.settle()
		if len(l.x.all(alice, "bad")) != 1 {
			t.Error("it did not come to Exchange after it was retried")
		}
	})
}

func TestADirectionThatIsOffWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		st := calsync.StandardSettings()
		st.ToExchange = false
		l.b.settings(st)
		if err := l.s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.c.create(draftOf(alice, "c one"))
		l.x.user(func() { l.x.make(alice, draftOf(alice, "x one"), "", false, false) })
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(l.x.all(alice, "c")) != 0 || len(l.c.of("x")) != 1 {
			t.Fatal("what is off was carried, or what is on was not")
		}
		st.ToExchange = true
		l.b.settings(st)
		if err := l.s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.settle()
		if len(l.x.all(alice, "c")) != 1 {
			t.Error("what waited was not carried")
		}
	})
}

func TestWhoIsSwitchedOffIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.x.user(func() { l.x.make(alice, draftOf(alice, "one of hers"), "", false, false) })
		l.settle()
		off := user(alice, false)
		off.Cleared = true
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{off}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n, err := l.b.CountSyncItems(t.Context(), alice); err != nil || n != 0 {
			t.Errorf("%d copies of hers are still known, %v", n, err)
		}
		if len(l.c.of("one")) != 1 || len(l.x.all(alice, "one")) != 1 {
			t.Fatal("switching off deleted something")
		}
		l.x.user(func() { l.x.make(alice, draftOf(alice, "two while off"), "", false, false) })
		time.Sleep(2 * time.Hour)
		if len(l.c.of("two")) != 0 {
			t.Error("a mailbox that is off was read")
		}
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{user(alice, true)}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.settle()
		if len(l.c.of("one")) != 1 || len(l.c.of("two")) != 1 || len(l.x.sent()) != 0 {
			t.Errorf("on again there are %d and %d records, mails %v", len(l.c.of("one")), len(l.c.of("two")), l.x.sent())
		}
	})
}

func TestWhatIsUnderWayAtTheEndIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{Drain: 3 * time.Second})
		l.settle()
		l.x.set(func() { l.x.pace = 2 * time.Second })
		r := l.c.create(draftOf(alice, "m one"))
		time.Sleep(time.Second)
		stop()
		if p, err := l.b.SyncPair(t.Context(), r.ID); err != nil || p.RemoteID == "" || p.State != portal.SyncDone {
			t.Errorf("the pair is %+v, %v", p, err)
		}
		if n := len(l.b.waiting()); n != 0 {
			t.Errorf("%d jobs wait for a second try of what was done", n)
		}
	})
}
