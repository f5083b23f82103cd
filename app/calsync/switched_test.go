package calsync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// What somebody has in CRM comes into their mailbox when their synchronisation is switched on, once and without mail; what changed in
// CRM while it was off comes when it is on again.
func TestWhoIsSwitchedOnFindsTheirCRMAppointments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{}, user(alice, true), user(dave, false))
		defer stop()
		own := l.c.create(draftOf(dave, "own one"))
		with := draftOf(dave, "meet one")
		with.Attendees = []portal.Attendee{{URI: alice, Email: alice.Bare(), Role: portal.RoleRequired}}
		l.c.create(with)
		time.Sleep(time.Minute) // nobody sends the invitations of the second: it is parked
		synctest.Wait()
		if n := len(l.x.all(dave, "own")) + len(l.x.all(dave, "meet")); n != 0 {
			t.Fatalf("%d entries in the mailbox of somebody who is not synchronised", n)
		}
		on := user(dave, true)
		on.Since = time.Now()
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{on}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.settle()
		if len(l.x.all(dave, "own")) != 1 || len(l.x.all(dave, "meet")) != 1 {
			t.Errorf("switched on, the mailbox holds %d and %d", len(l.x.all(dave, "own")), len(l.x.all(dave, "meet")))
		}
		if mails := l.x.sent(); len(mails) != 0 {
			t.Errorf("a first synchronisation sent %v", mails)
		}

		off := user(dave, false)
		off.Cleared = true
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{off}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.c.edit(own.ID, func(r *portal.CRMAppointment) { r.Location = "elsewhere" })
		time.Sleep(time.Hour)
		on.Since = time.Now()
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{on}, "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.settle()
		if got := l.x.all(dave, "own"); len(got) != 1 || got[0].Location != "elsewhere" {
			t.Errorf("on again, the mailbox holds %+v", got)
		}
		if mails := l.x.sent(); len(mails) != 0 {
			t.Errorf("switching on again sent %v", mails)
		}
	})
}
