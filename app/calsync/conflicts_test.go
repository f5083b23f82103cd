package calsync_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// noted keeps a conflict as the engine would.
func (l *live) noted(c portal.SyncConflict) {
	l.t.Helper()
	if err := l.b.SaveSyncConflict(l.t.Context(), c); err != nil {
		l.t.Fatal(err)
	}
}

// inviting is a meeting of two.
func inviting(subject string) portal.Appointment {
	a := draftOf(alice, subject)
	a.Meeting = true
	a.Attendees = []portal.Attendee{{URI: bob, Email: bob.Bare(), Role: portal.RoleRequired}}
	return a
}

func TestWhatIsTakenBackTwiceAtOnceIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		r := l.c.create(inviting("t1 x"))
		l.settle()
		l.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
		l.settle()
		mails := len(l.x.sent())
		again := "t1 again"
		l.noted(portal.SyncConflict{ID: "c1", At: time.Now(), CRM: r.ID, UID: r.UID, Won: portal.SourceExchange, Fields: []string{"deleted"},
			Given: map[string]string{"subject": again}, Lost: portal.AppointmentChange{Subject: &again}})
		ends := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := l.s.TakeBack(t.Context(), carol, "c1")
				ends <- err
			}()
		}
		one, two := <-ends, <-ends
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), portal.ErrConflict) {
			t.Errorf("taken back by two at once: %v, %v", one, two)
		}
		l.settle()
		if n := len(l.x.all(alice, "t1")); n != 1 {
			t.Errorf("%d meetings came of it", n)
		}
		if got := l.x.sent()[mails:]; len(got) != 1 {
			t.Errorf("mails went out: %q", got)
		}
	})
}

func TestTakingBackThatBrokeOffGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		r := l.c.create(inviting("t2 x"))
		l.settle()
		l.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
		l.settle()
		again := "t2 again"
		lost := portal.SyncConflict{ID: "c2", At: time.Now(), CRM: r.ID, UID: r.UID, Won: portal.SourceExchange, Fields: []string{"deleted"}, Lost: portal.AppointmentChange{Subject: &again}}
		l.noted(lost)
		if _, err := l.s.TakeBack(t.Context(), carol, "c2"); err != nil {
			t.Fatal(err)
		}
		l.settle()
		l.noted(lost) // the process ended before it was noted that it is done
		if c, err := l.s.TakeBack(t.Context(), carol, "c2"); err != nil || c.TakenBack.IsZero() {
			t.Fatalf("the second attempt gave %+v, %v", c, err)
		}
		l.settle()
		if n := len(l.x.all(alice, "t2")); n != 1 {
			t.Errorf("%d meetings came of it", n)
		}
		if n := len(l.c.of("t2")); n != 2 { // the cancelled one and the new
			t.Errorf("%d records came of it", n)
		}
	})
}

// parted makes a record of CRM that was deleted there while Exchange was away, and changed later in Outlook; what is given is the
// conflict that comes of it.
func parted(t *testing.T, l *live, a portal.Appointment, away func(*portal.CRMAppointment), change portal.AppointmentChange) (string, portal.SyncConflict) {
	t.Helper()
	r := l.c.create(a)
	time.Sleep(time.Second)
	l.settle()
	l.x.set(func() { l.x.down = true })
	l.c.edit(r.ID, away)
	time.Sleep(time.Minute)
	tok, _, _ := strings.Cut(a.Subject, " ")
	e := l.x.all(alice, tok)[0]
	l.x.user(func() { l.x.alter(alice, e.RemoteID, change, "", true, false) })
	l.x.set(func() { l.x.down = false })
	l.s.Reached(alice)
	l.settle()
	list, err := l.s.Conflicts(t.Context(), r.ID, 10)
	if err != nil || len(list) != 1 || list[0].Given["deleted"] != "true" {
		t.Fatalf("the conflicts are %+v, %v", list, err)
	}
	return r.ID, list[0]
}

func TestADeletionThatLostIsTakenBack(t *testing.T) {
	subject := "d1 of Outlook"
	for name, c := range map[string]struct {
		draft portal.Appointment
		over  func(portal.CRMAppointment) bool
	}{
		"alone":      {draftOf(alice, "d1 first"), func(r portal.CRMAppointment) bool { return !r.Gone.IsZero() }},
		"of several": {inviting("d1 first"), func(r portal.CRMAppointment) bool { return r.Gone.IsZero() && r.Status == portal.StatusCancelled }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, stop := start(t, calsync.Options{})
				defer stop()
				id, lost := parted(t, l, c.draft, func(r *portal.CRMAppointment) { r.Gone = time.Now() }, portal.AppointmentChange{Subject: &subject})
				if r := l.c.get(id); !r.Gone.IsZero() || r.Subject != subject {
					t.Fatalf("the later change does not hold: %+v", r)
				}
				if _, err := l.s.TakeBack(t.Context(), carol, lost.ID); err != nil {
					t.Fatal(err)
				}
				l.settle()
				if r := l.c.get(id); !c.over(r) {
					t.Errorf("taken back, it is %q, gone %v", r.Status, r.Gone)
				}
				if n := len(l.x.all(alice, "d1")); n != 0 {
					t.Errorf("%d are left in Exchange", n)
				}
			})
		})
	}
}

func TestADeletionOfAnOccurrenceThatLostIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		a := draftOf(alice, "o1 first")
		a.Recurrence = "FREQ=DAILY;COUNT=5"
		third := a.Start.AddDate(0, 0, 2)
		subject := "o1 of Outlook"
		id, lost := parted(t, l, a, func(r *portal.CRMAppointment) { r.Deleted = append(r.Deleted, third) },
			portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: third})
		if r := l.c.get(id); len(r.Deleted) != 0 || len(r.Exceptions) != 1 {
			t.Fatalf("the later change does not hold: %+v", r)
		}
		if _, err := l.s.TakeBack(t.Context(), carol, lost.ID); err != nil {
			t.Fatal(err)
		}
		l.settle()
		if r := l.c.get(id); len(r.Deleted) != 1 || !r.Deleted[0].Equal(third) || len(r.Exceptions) != 0 {
			t.Errorf("taken back, %v are deleted of %+v", r.Deleted, r.Exceptions)
		}
		if list := l.x.all(alice, "o1"); len(list) != 1 || len(list[0].Deleted) != 1 {
			t.Errorf("in Exchange it is %+v", list)
		}
	})
}

func TestWhatIsNotKeptIsNotTakenBack(t *testing.T) {
	s, b, c, _ := still(t)
	r := c.create(draftOf(alice, "n1 x"))
	if err := b.SaveSyncConflict(t.Context(), portal.SyncConflict{ID: "c3", CRM: r.ID, Fields: []string{"files"}, Given: map[string]string{"files": "plan.pdf"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeBack(t.Context(), carol, "c3"); portal.Reason(err) != "sync.no-taking" {
		t.Errorf("taking back what nothing is kept of gave %v", err)
	}
	if got := c.get(r.ID); got.Revision != r.Revision {
		t.Errorf("the record was stored again: %+v", got)
	}
}
