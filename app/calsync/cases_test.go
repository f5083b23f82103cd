package calsync_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// Cases of the field that need the running engine.

func TestCase_Engine_ThrottledWaitsAsLongAsItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		until := time.Now().Add(4 * time.Minute)
		l.x.set(func() {
			l.x.refuse = func(string) error {
				if time.Now().Before(until) {
					return portal.Fail(portal.ErrTooMany, "exchange.busy").After(4 * time.Minute)
				}
				return nil
			}
		})
		l.c.create(draftOf(alice, "m one"))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if n := l.x.called("Create"); n != 1 {
			t.Errorf("a server that asked for four minutes was asked %d times in three", n)
		}
		l.settle()
		if len(l.x.all(alice, "m")) != 1 || l.incidents("sync.away", false) != 0 {
			t.Errorf("%d entries, %d notices of a server that is only busy", len(l.x.all(alice, "m")), l.incidents("sync.away", false))
		}
	})
}

func TestCase_Engine_BackoffOfZeroIsNoLeaveToHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		l.x.set(func() {
			l.x.refuse = func(string) error { return portal.Fail(portal.ErrTooMany, "exchange.busy") }
		})
		for i := range 10 {
			l.c.create(draftOf(alice, fmt.Sprintf("m%d", i)))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := l.x.called("Create"); n > 250 {
			t.Errorf("%d requests in an hour to a server that is busy", n)
		}
		l.x.set(func() { l.x.refuse = nil })
		l.settle()
		if n := len(l.x.all(alice, "")); n != 10 {
			t.Errorf("%d of 10 came in the end", n)
		}
	})
}

func TestCase_Engine_SilentBellIsCaughtUpByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		l.x.rang = func(portal.Address) {} // the socket is half open: nobody knows
		l.x.user(func() { l.x.make(alice, draftOf(alice, "m one"), "", false, false) })
		time.Sleep(40 * time.Minute)
		synctest.Wait()
		if len(l.c.of("m")) != 1 {
			t.Error("what no bell told was not found by the clock")
		}
		l.s.Lost(alice, errAway)
		time.Sleep(40 * time.Minute) // from the next reading on it is read every minute
		l.x.user(func() { l.x.make(alice, draftOf(alice, "n one"), "", false, false) })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(l.c.of("n")) != 1 {
			t.Error("a mailbox whose bell is known to be out of order is not read more often")
		}
	})
}

func TestCase_Engine_BellThatRingsOftenCarriesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		l.x.user(func() { l.x.make(alice, draftOf(alice, "m one"), "", false, false) })
		for range 50 {
			l.s.Rang(alice)
			l.s.Rang(bob)
		}
		time.Sleep(time.Second)
		l.settle()
		if r := l.c.of("m"); len(r) != 1 || r[0].Revision != 1 {
			t.Errorf("the records are %+v", r)
		}
	})
}

func TestCase_Engine_RefusedSyncStateFindsWhatWentMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		for i := range 5 {
			l.x.user(func() { l.x.make(alice, draftOf(alice, fmt.Sprintf("m%d", i)), "", false, false) })
		}
		l.settle()
		l.x.set(func() { // its history is gone with the state: nobody tells of the deletion
			e := l.x.sorted(alice)[0]
			delete(l.x.boxes[alice].entries, e.RemoteID)
			l.x.boxes[alice].log = slices.DeleteFunc(l.x.boxes[alice].log, func(id string) bool { return id == e.RemoteID })
			l.x.resets[alice] = true
		})
		l.s.Rang(alice)
		time.Sleep(time.Second)
		l.settle()
		if n := l.living(); n != 4 {
			t.Errorf("%d records of 4 entries", n)
		}
		for i := 1; i < 5; i++ {
			if r := l.c.of(fmt.Sprintf("m%d", i)); len(r) != 1 || r[0].Revision != 1 {
				t.Errorf("a full reading changed what had not changed: %+v", r)
			}
		}
	})
}

func TestCase_Mail_FirstSynchronisationOfHistorySendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.x.set(func() {
			for i := range 200 {
				a := draftOf(alice, fmt.Sprintf("m%d", i))
				a.Start = a.Start.AddDate(0, 0, i-150)
				a.End = a.Start.Add(time.Hour)
				a.Attendees = []portal.Attendee{{Email: bob.Bare(), Role: portal.RoleRequired}, {Email: erin, Role: portal.RoleRequired}}
				l.x.make(alice, a, "", false, false)
			}
		})
		l.s.Rang(alice)
		time.Sleep(time.Minute)
		l.settle()
		if n := l.living(); n != 200 || len(l.x.sent()) != 0 {
			t.Errorf("%d of 200 records, mails %v", n, l.x.sent())
		}
	})
}

func TestCase_Mail_OneInvitationOneCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		a := draftOf(alice, "m one")
		a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}, {URI: carol, Email: carol.Bare(), Role: portal.RoleRequired}, {Email: erin, Role: portal.RoleRequired}}
		r := l.c.create(a)
		time.Sleep(time.Second)
		l.settle()
		l.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusComplete }) // tells nobody
		time.Sleep(time.Second)
		l.settle()
		l.c.delete(r.ID)
		time.Sleep(time.Second)
		l.settle()
		want := []string{"cancel bob@example.test m", "cancel erin@outside.test m", "invite bob@example.test m", "invite erin@outside.test m"}
		if got := l.x.sent(); !slices.Equal(got, want) {
			t.Errorf("the mails are %v", got)
		}
	})
}

func TestCase_Identity_MeetingOfAllIsOneRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		l.settle()
		a := draftOf(alice, "m one")
		a.Attendees = []portal.Attendee{{Email: bob.Bare(), Role: portal.RoleRequired}, {Email: carol.Bare(), Role: portal.RoleOptional}, {Email: desk.Bare(), Role: portal.RoleRequired}}
		l.x.user(func() { l.x.make(alice, a, "", true, false) })
		time.Sleep(time.Second)
		l.settle()
		rs := l.c.of("m")
		if len(rs) != 1 || rs[0].Calendar != alice || rs[0].Stub || len(rs[0].Attendees) != 3 {
			t.Fatalf("the records are %+v", rs)
		}
		for _, p := range rs[0].Attendees {
			if p.URI == "" {
				t.Errorf("%s takes part without being known as a user", p.Email)
			}
		}
	})
}

func TestCase_Time_ServerWhoseClockIsOffByAKnownTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		st := calsync.StandardSettings()
		st.OffsetMinutes = map[string]int{"primary": 60}
		l.b.settings(st)
		if err := l.s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := draftOf(alice, "c one")
		l.c.create(a)
		b := draftOf(alice, "x one")
		l.x.user(func() { l.x.make(alice, b, "", false, false) })
		time.Sleep(time.Second)
		l.settle()
		if got := l.x.all(alice, "c")[0]; !got.Start.Equal(a.Start.Add(time.Hour)) || !got.End.Equal(a.End.Add(time.Hour)) {
			t.Errorf("in Exchange it begins at %v and not an hour after %v", got.Start, a.Start)
		}
		r := l.c.of("x")[0]
		if !r.Start.Equal(b.Start.Add(-time.Hour)) {
			t.Errorf("in CRM it begins at %v and not an hour before %v", r.Start, b.Start)
		}
		l.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Start, r.End = r.Start.AddDate(0, 0, 1), r.End.AddDate(0, 0, 1) })
		time.Sleep(time.Second)
		l.settle()
		if got := l.x.all(alice, "x")[0]; !got.Start.Equal(b.Start.AddDate(0, 0, 1)) {
			t.Errorf("moved by a day it begins at %v in Exchange, before at %v", got.Start, b.Start)
		}
	})
}
