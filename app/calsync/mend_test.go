package calsync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// What comes between: a way or a mailbox that is switched off and on while something waits for it or is being read.

// switched lets an administrator switch the ways, and the engine hear of it.
func (l *live) switched(toExchange, toCRM bool) {
	l.t.Helper()
	st := calsync.StandardSettings()
	st.SyncUser, st.ToExchange, st.ToCRM = desk, toExchange, toCRM
	l.b.settings(st)
	if err := l.s.Begin(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// queue counts the jobs by mailbox, state and reason.
func (l *live) queue() map[string]int {
	out := map[string]int{}
	for _, j := range l.b.waiting() {
		out[j.Mailbox.User()+" "+j.State+" "+j.Reason]++
	}
	return out
}

func TestWhatWaitsForADirectionThatIsSwitchedOffIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		l.x.set(func() { l.x.down = true })
		l.c.create(draftOf(alice, "w one"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		l.switched(false, true)
		l.x.set(func() { l.x.down = false })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if q := l.queue(); len(q) != 1 || q["alice held sync.direction-off"] != 1 {
			t.Fatalf("while its direction is off the queue holds %v", q)
		}
		// Neither by hand is it carried while the direction is off, nor is it lost.
		if _, err := l.s.Retry(t.Context(), carol, []int64{l.b.waiting()[0].Seq}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if q := l.queue(); q["alice held sync.direction-off"] != 1 || len(l.x.all(alice, "w")) != 0 {
			t.Fatalf("retried while its direction is off the queue holds %v", q)
		}
		l.switched(true, true)
		l.settle()
		if n := len(l.x.all(alice, "w")); n != 1 {
			t.Errorf("%d entries of what waited when the direction was switched off", n)
		}
	})
}

func TestWhatWaitsForCRMWhenThatIsSwitchedOffIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		l.c.mu.Lock()
		l.c.fail = func() error { return portal.Fail(portal.ErrUnavailable, "crm.down") }
		l.c.mu.Unlock()
		l.x.user(func() { l.x.make(alice, draftOf(alice, "x one"), "", false, false) })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		l.switched(true, false)
		l.c.mu.Lock()
		l.c.fail = nil
		l.c.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := len(l.c.of("x")); n != 0 {
			t.Fatalf("%d records were made although the direction is off", n)
		}
		l.switched(true, true)
		l.settle()
		if n := len(l.c.of("x")); n != 1 {
			t.Errorf("%d records of what waited when the direction was switched off", n)
		}
	})
}
