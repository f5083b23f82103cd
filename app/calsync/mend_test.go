package calsync_test

import (
	"fmt"
	"sync"
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

// One hand that deletes a little of everybody's deletes much, too: none of it goes out before somebody has decided.
func TestAMassDeletionAcrossOwnersIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		us := []portal.CRMUser{user(bob, true)}
		for i := range 12 {
			us = append(us, user(portal.Address(fmt.Sprintf("sip:o%d@example.test", i)), true))
		}
		l, stop := start(t, calsync.Options{}, us...)
		defer stop()
		l.settle()
		var ids []string
		for _, u := range us[1:] {
			for k := range 9 { // fewer than are held of one owner
				a := draftOf(u.Address, fmt.Sprintf("%s%d of many", u.Address.User(), k))
				a.Start = a.Start.Add(time.Duration(k) * time.Hour)
				a.End = a.Start.Add(time.Hour)
				a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}}
				ids = append(ids, l.c.create(a).ID)
			}
		}
		l.settle()
		mails := len(l.x.sent())
		l.c.deleteBy("hook:other", ids...)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(l.x.sent()) - mails; n != 0 {
			t.Errorf("%d cancellations went out unasked", n)
		}
		if st, err := l.s.Status(t.Context()); err != nil || !st.CRMHeld || st.Queue.Held != len(ids) || l.incidents("sync.held", false) != 1 {
			t.Fatalf("the status is %+v, %v, with %d notices; %v", st.Queue, err, l.incidents("sync.held", false), l.queue())
		}
		if err := l.s.Restore(t.Context(), carol, "crm"); err != nil {
			t.Fatal(err)
		}
		l.settle()
		if n := l.living(); n != len(ids) || len(l.x.sent()) != mails {
			t.Errorf("%d of %d records live after the restoration, mails %v", n, len(ids), l.x.sent()[mails:])
		}
	})
}

// deleteBy deletes records all at once, as a hand of which CRM knows the name.
func (c *records) deleteBy(by string, ids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		r := copyRecord(c.all[id])
		r.Gone, r.ChangedAt, r.UpdatedAt, r.ChangedBy = c.now(), c.now(), c.now(), by
		if _, err := c.put(r, by); err != nil {
			panic(err)
		}
	}
}

// What others do to a meeting while its organiser's mass deletion is held does not take it out of the hold.
func TestARestorationFindsWhatGuestsTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		for i := range 30 {
			a := draftOf(alice, fmt.Sprintf("h%d x", i))
			a.Start = a.Start.Add(time.Duration(i) * time.Hour)
			a.End = a.Start.Add(time.Hour)
			a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}}
			l.c.create(a)
		}
		l.settle()
		time.Sleep(time.Minute)
		l.settle()
		l.x.user(func() {
			for _, e := range l.x.sorted(alice) {
				l.x.takeAway(alice, e.RemoteID, time.Time{}, false, false)
			}
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		l.x.user(func() { // bob tidies some of the cancelled ones away
			for _, e := range l.x.sorted(bob)[:5] {
				l.x.takeAway(bob, e.RemoteID, time.Time{}, true, false)
			}
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if q := l.queue(); len(q) != 1 || q["alice held sync.held"] != 30 {
			t.Fatalf("the queue holds %v", q)
		}
		if err := l.s.Restore(t.Context(), carol, alice); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		l.settle()
		left := l.c.living(func(r *portal.CRMAppointment) bool { return r.Status != portal.StatusCancelled })
		if n := len(l.x.all(alice, "")); n != 30 || len(left) != 30 {
			t.Errorf("%d entries and %d records of 30 after the restoration", n, len(left))
		}
	})
}

// during does something once, as soon as a mailbox has been asked and before what it said is stored.
type during struct {
	mu sync.Mutex
	do func()
}

func (d *during) set(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.do = do
}

func (d *during) fault(step string) error {
	d.mu.Lock()
	do := d.do
	if step != "read" || do == nil {
		d.mu.Unlock()
		return nil
	}
	d.do = nil
	d.mu.Unlock()
	do()
	return nil
}

func TestAReleaseDuringAReadingHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d during
		l, stop := start(t, calsync.Options{Fault: d.fault})
		defer stop()
		for i := range 30 {
			l.x.user(func() { l.x.make(alice, draftOf(alice, fmt.Sprintf("h%d", i)), "", false, false) })
		}
		l.settle()
		l.x.user(func() {
			for _, e := range l.x.sorted(alice) {
				l.x.drop(alice, e.RemoteID)
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if q := l.queue(); q["alice held sync.held"] != 30 {
			t.Fatalf("the queue holds %v", q)
		}
		d.set(func() {
			if err := l.s.Release(t.Context(), carol, alice); err != nil {
				t.Errorf("released while it is read: %v", err)
			}
		})
		l.s.Rang(alice)
		time.Sleep(time.Minute)
		l.settle()
		if c, err := l.b.SyncCursor(t.Context(), string(alice)); err != nil || c.Held || l.s.BoxOf(alice).State != portal.MailboxInStep {
			t.Errorf("after the release the mailbox stands as %+v, %+v, %v", c, l.s.BoxOf(alice), err)
		}
		if n := l.living(); n != 0 {
			t.Errorf("%d records live after the release", n)
		}
	})
}

func TestAMailboxThatIsSwitchedOffWhileItIsReadIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d during
		l, stop := start(t, calsync.Options{Fault: d.fault})
		defer stop()
		l.settle()
		l.c.create(draftOf(alice, "k1 x"))
		l.c.create(draftOf(alice, "k2 x"))
		l.settle()
		put := func(u portal.CRMUser) {
			if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{u}, "test"); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Second)
		}
		off, on := user(alice, false), user(alice, true)
		off.Cleared = true
		for name, meanwhile := range map[string]func(){
			"off":              func() { put(off) },
			"off and on again": func() { put(off); put(on) },
		} {
			d.set(meanwhile)
			l.s.Rang(alice)
			time.Sleep(time.Minute)
			synctest.Wait()
			c, err := l.b.SyncCursor(t.Context(), string(alice))
			if n, _ := l.b.CountSyncItems(t.Context(), alice); name == "off" && (err != nil || c.Loaded || c.State != "" || n != 0) {
				t.Errorf("%s: it is known as %+v with %d copies, %v", name, c, n, err)
			}
			put(on)
			time.Sleep(time.Minute)
			l.settle()
			if n, err := l.b.CountSyncItems(t.Context(), alice); n != 2 || err != nil {
				t.Errorf("%s: on again %d of 2 copies are known, %v", name, n, err)
			}
		}
	})
}

func TestWhatIsDeletedWhileItsOwnerIsSwitchedOffGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		a := draftOf(alice, "d one")
		a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}}
		r := l.c.create(a)
		kept := l.c.create(draftOf(alice, "k one"))
		l.settle()
		put := func(u portal.CRMUser) {
			if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{u}, "test"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
		}
		off, on := user(alice, false), user(alice, true)
		off.Cleared = true
		put(off)
		mails := len(l.x.sent())
		l.c.delete(r.ID)
		time.Sleep(time.Hour)
		if n := len(l.x.all(alice, "d")); n != 1 {
			t.Fatalf("%d entries of hers after it was deleted in CRM while she is switched off", n)
		}
		on.Since = time.Now()
		put(on)
		l.settle()
		if n := len(l.x.all(alice, "d")); n != 0 || l.c.get(r.ID).Gone.IsZero() {
			t.Errorf("%d entries of what was deleted while its owner was switched off, deleted %v", n, l.c.get(r.ID).Gone)
		}
		if len(l.x.all(alice, "k")) != 1 || !l.c.get(kept.ID).Gone.IsZero() || len(l.x.sent()) != mails {
			t.Errorf("switching on again did more: %d, %v", len(l.x.all(alice, "k")), l.x.sent()[mails:])
		}
	})
}

func TestWhatIsSentForOthersWaitsForItsMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{EachMailbox: 1, EachServer: 2})
		defer stop()
		l.settle()
		l.x.set(func() { l.x.down = true })
		before := l.x.called("Find") + l.x.called("Create")
		for i := range 60 {
			a := draftOf(carol, fmt.Sprintf("c%d of carol", i))
			a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}}
			l.c.create(a)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := l.x.called("Find") + l.x.called("Create") - before; n > 60 {
			t.Errorf("%d calls in an hour in which nobody answered", n)
		}
		if n := len(l.b.waiting()); n != 60 {
			t.Fatalf("%d of 60 jobs wait", n)
		}
		l.x.set(func() { l.x.down = false })
		l.s.Reached(desk)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(l.x.all(desk, "")); n != 60 {
			t.Errorf("a minute after the mailbox is reached it holds %d of 60", n)
		}
	})
}

// A mailbox with much in CRM is made ready in steps, and an end of the process between two of them loses nothing.
func TestAFirstReadingIsStoredInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{}, user(alice, true), user(dave, false))
		defer stop()
		l.settle()
		const n = 1100
		for i := range n {
			a := draftOf(dave, fmt.Sprintf("m%d", i))
			a.Start = a.Start.Add(time.Duration(i) * time.Hour)
			a.End = a.Start.Add(time.Hour)
			l.c.create(a)
		}
		l.settle()
		l.b.most.Store(0)
		on := user(dave, true)
		on.Since = time.Now()
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{on}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.settle()
		if got := len(l.x.all(dave, "")); got != n {
			t.Errorf("%d of %d entries came into the mailbox", got, n)
		}
		if most := l.b.most.Load(); most == 0 || most > 500 {
			t.Errorf("%d jobs were stored in one step", most)
		}
	})
}

func TestAGuestWhoIsSwitchedOnGetsNoMailOfOldMeetings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{}, user(alice, true), user(bob, true), user(dave, false))
		defer stop()
		l.settle()
		a := draftOf(alice, "g one")
		a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}, {URI: dave, Email: dave.Bare(), Role: portal.RoleRequired}}
		r := l.c.create(a)
		time.Sleep(3 * time.Hour)
		l.settle()
		mails := len(l.x.sent())
		on := user(dave, true)
		on.Since = time.Now()
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{on}, "test"); err != nil {
			t.Fatal(err)
		}
		// The owner changes what nobody hears of while dave's mailbox is read.
		l.c.edit(r.ID, func(r *portal.CRMAppointment) { m := 5; r.ReminderMinutes = &m })
		time.Sleep(3 * time.Hour)
		l.settle()
		if sent := l.x.sent()[mails:]; len(sent) != 0 {
			t.Errorf("switching a guest on sent %v", sent)
		}
		if e := l.x.all(alice, "g")[0]; len(e.Attendees) != 2 {
			t.Errorf("the organiser's entry lists %+v", e.Attendees)
		}
	})
}
