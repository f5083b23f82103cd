package calsync_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// Crashes by name: the service dies at each step of carrying a change, is made anew on the same ledger, and everything must come out as
// if it had not: nothing twice, nothing lost, no mail more.

// calm is a world without chance: nothing goes wrong but what a test makes go wrong.
func calm(t *testing.T) *world {
	t.Helper()
	b := newBook()
	w := newWorld(t, 1, b)
	w.x.page, w.x.normal, w.x.ownUID = 0, true, false
	b.settings(w.settings())
	w.x.rang = func(who portal.Address) {
		if w.s != nil {
			w.s.Rang(who)
		}
	}
	w.pass(time.Hour)
	w.build()
	w.rest()
	return w
}

func (w *world) meeting(owner portal.Address, subject string, among ...string) portal.Appointment {
	start := w.at.Truncate(time.Hour).Add(48 * time.Hour)
	a := portal.Appointment{Calendar: owner, Subject: subject, Location: "room 1", Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Berlin", Show: portal.ShowBusy, Status: portal.StatusConfirmed}
	for _, email := range among {
		p := portal.Attendee{Name: email, Email: email, Role: portal.RoleRequired, Response: portal.ResponseNone}
		if u := portal.Address("sip:" + email); u == alice || u == bob || u == carol {
			p.URI = u
		}
		a.Attendees = append(a.Attendees, p)
	}
	return a
}

// change that is carried: before is what there is and is in step, do the change.
type carried struct {
	name   string
	before func(w *world)
	do     func(w *world)
}

func (w *world) only(tok string) portal.CRMAppointment {
	w.t.Helper()
	list := w.c.of(tok)
	if len(list) != 1 {
		w.fail("%d records of %s", len(list), tok)
	}
	return list[0]
}

func (w *world) entryIn(owner portal.Address, tok string) portal.Entry {
	w.t.Helper()
	list := w.x.all(owner, tok)
	if len(list) != 1 {
		w.fail("%d entries of %s in the mailbox of %s", len(list), tok, owner)
	}
	return list[0]
}

func carriedChanges() []carried {
	nothing := func(*world) {}
	made := func(w *world) { w.c.create(w.meeting(alice, "m one", bob.Bare(), carol.Bare(), erin)) }
	series := func(w *world) {
		a := w.meeting(alice, "m one", bob.Bare())
		a.Recurrence = "FREQ=DAILY;COUNT=5"
		w.c.create(a)
	}
	outlook := func(w *world) {
		w.x.user(func() { w.x.make(alice, w.meeting(alice, "m one", bob.Bare(), erin), "", true, false) })
	}
	edit := func(change func(r *portal.CRMAppointment)) func(*world) {
		return func(w *world) { w.c.edit(w.only("m").ID, change) }
	}
	return []carried{
		{"a meeting made in CRM", nothing, made},
		{"a meeting of somebody without a mailbox", nothing, func(w *world) { w.c.create(w.meeting(carol, "m one", bob.Bare())) }},
		{"a series with an exception made in CRM", nothing, func(w *world) {
			a := w.meeting(alice, "m one", bob.Bare())
			a.Recurrence = "FREQ=DAILY;COUNT=5"
			r := w.c.create(a)
			w.exceptInCRM(r.ID, "m other")
		}},
		{"a meeting with a file made in CRM", nothing, func(w *world) {
			made(w)
			w.attachInCRM(w.only("m").ID)
		}},
		{"a change in CRM", made, edit(func(r *portal.CRMAppointment) { r.Subject, r.Location = "m two", "room 2" })},
		{"somebody invited in CRM", made, edit(func(r *portal.CRMAppointment) {
			r.Attendees = append(r.Attendees, portal.Attendee{Name: "Dave", Email: dave.Bare(), Role: portal.RoleOptional, Response: portal.ResponseNone})
		})},
		{"an exception made in CRM", series, func(w *world) { w.exceptInCRM(w.only("m").ID, "m other") }},
		{"an occurrence taken away in CRM", series, func(w *world) {
			w.c.edit(w.only("m").ID, func(r *portal.CRMAppointment) { r.Deleted = append(r.Deleted, r.Start.AddDate(0, 0, 1)) })
		}},
		{"an answer given in CRM", made, edit(func(r *portal.CRMAppointment) { r.Attendees[0].Response = portal.ResponseAccepted })},
		{"a cancellation in CRM", made, edit(func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })},
		{"a deletion in CRM", made, func(w *world) { w.c.delete(w.only("m").ID) }},
		{"a meeting made at Outlook", nothing, outlook},
		{"a change at Outlook", outlook, func(w *world) {
			e, subject := w.entryIn(alice, "m"), "m two"
			w.x.user(func() { w.x.alter(alice, e.RemoteID, portal.AppointmentChange{Subject: &subject}, "", true, false) })
		}},
		{"a file put to it at Outlook", outlook, func(w *world) {
			e := w.entryIn(alice, "m")
			w.x.user(func() { w.x.attach(alice, e.RemoteID, "plan.txt", "text/plain", []byte("the plan")) })
		}},
		{"an answer given at Outlook", made, func(w *world) {
			e := w.entryIn(bob, "m")
			w.x.user(func() { w.x.reply(bob, e.RemoteID, portal.ResponseTentative, true, false) })
		}},
		{"a deletion at Outlook", outlook, func(w *world) {
			e := w.entryIn(alice, "m")
			w.x.user(func() { w.x.takeAway(alice, e.RemoteID, time.Time{}, false, false) })
		}},
		{"different changes on both sides", made, func(w *world) {
			w.c.edit(w.only("m").ID, func(r *portal.CRMAppointment) { r.Location = "room 2" })
			e, subject := w.entryIn(alice, "m"), "m two"
			w.x.user(func() { w.x.alter(alice, e.RemoteID, portal.AppointmentChange{Subject: &subject}, "", true, false) })
		}},
	}
}

func (w *world) exceptInCRM(id, subject string) {
	w.c.edit(id, func(r *portal.CRMAppointment) {
		w.x.except(&r.Entry, portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: r.Start.AddDate(0, 0, 2)})
	})
}

func (w *world) attachInCRM(id string) {
	f, err := w.c.Keep(w.t.Context(), "plan.txt", "text/plain", []byte("the plan"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.c.edit(id, func(r *portal.CRMAppointment) {
		r.Kept = append(r.Kept, f)
		r.Attachments = append(r.Attachments, f.Attachment)
	})
}

// ending is how both sides stand, in a form that can be compared.
func (w *world) ending() []string {
	var out []string
	for _, r := range w.c.living(func(*portal.CRMAppointment) bool { return true }) {
		out = append(out, fmt.Sprintf("crm %s %v %v", r.Status, viewOf(&r.Entry), answersOf(r.Attendees)))
	}
	for _, who := range []portal.Address{alice, bob, desk} {
		for _, e := range w.x.all(who, "") {
			out = append(out, fmt.Sprintf("exchange %s mine=%v %s %v %v", who, e.Mine, e.Status, viewOf(&e), answersOf(e.Attendees)))
		}
	}
	slices.Sort(out)
	return append(out, w.x.sent()...)
}

func answersOf(list []portal.Attendee) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Email+" "+string(a.Response))
	}
	slices.Sort(out)
	return out
}

func TestACrashAtAnyStepChangesNothing(t *testing.T) {
	for _, c := range carriedChanges() {
		t.Run(c.name, func(t *testing.T) {
			straight := calm(t)
			c.before(straight)
			straight.rest()
			straight.steps = nil
			c.do(straight)
			straight.run()
			steps := straight.steps
			straight.rest()
			want := straight.ending()
			if len(steps) < 5 {
				t.Fatalf("only %d steps: %v", len(steps), steps)
			}
			for i, name := range steps {
				t.Run(fmt.Sprintf("%d %s", i, name), func(t *testing.T) {
					w := calm(t)
					c.before(w)
					w.rest()
					c.do(w)
					w.fuse = i + 1
					w.run()
					if w.crashes != 1 {
						t.Fatalf("%d crashes", w.crashes)
					}
					w.rest()
					if q := w.queue(); len(q) > 0 {
						t.Errorf("the queue holds %+v", q)
					}
					if got := w.ending(); !slices.Equal(got, want) {
						w.fail("after the crash:\n%q\nwithout it:\n%q", got, want)
					}
				})
			}
		})
	}
}

// What loses against a later change is kept, however the service dies after it has carried the winner.
func TestConflictIsKeptWhereverTheServiceDies(t *testing.T) {
	for step := 1; step <= 40; step++ {
		w := calm(t)
		w.c.create(w.meeting(alice, "m one", bob.Bare()))
		w.run()
		w.pass(time.Minute)
		w.c.edit(w.only("m").ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
		w.pass(time.Minute)
		place, there := "room 9", w.entryIn(alice, "m")
		w.x.user(func() {
			w.x.alter(alice, there.RemoteID, portal.AppointmentChange{Location: &place}, "", true, false)
		})
		w.fuse = step
		w.run()
		spent := w.fuse >= 0
		w.rest()
		list, err := w.b.SyncConflicts(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.only("m"); r.Status != portal.StatusPending || r.Location != place || len(list) != 1 || list[0].Fields[0] != "deleted" {
			t.Errorf("died at step %d: %s at %q, conflicts %+v", step, r.Status, r.Location, list)
		}
		if spent {
			return // it had done everything by then
		}
	}
	t.Error("the service did more than was thought of")
}

// A record that was made of an entry, and not noted before the service died, is known for what it was: what people do to either side
// meanwhile is their change, and no more.
func TestWhatHappensToARecordThatWasNotNoted(t *testing.T) {
	for step := 1; step <= 20; step++ {
		w := calm(t)
		w.x.user(func() { w.x.make(alice, w.meeting(alice, "m one", bob.Bare(), erin), "", true, false) })
		w.fuse = step
		for range 12 {
			w.lived(w.s.ReadDue(t.Context()))
			if _, err := w.s.CarryOne(t.Context(), func(int) int { return 0 }); err != nil {
				w.lived(err)
				break
			}
		}
		died := w.fuse < 0
		w.pass(time.Minute)
		fewer := []portal.Attendee{{Name: "Bob", Email: bob.Bare(), Role: portal.RoleRequired}}
		there := w.entryIn(alice, "m")
		w.x.user(func() {
			w.x.alter(alice, there.RemoteID, portal.AppointmentChange{Attendees: &fewer, Known: []string{bob.Bare(), erin}}, "", true, false)
		})
		if list := w.c.of("m"); len(list) == 1 {
			w.c.edit(list[0].ID, func(r *portal.CRMAppointment) { r.Categories = []string{"blue"} })
		}
		w.rest()
		r, e := w.only("m"), w.entryIn(alice, "m")
		if len(r.Attendees) != 1 || len(e.Attendees) != 1 || fmt.Sprint(r.Categories) != fmt.Sprint(e.Categories) {
			t.Errorf("died at step %d: %v %v in CRM, %v %v in Exchange", step, r.Attendees, r.Categories, e.Attendees, e.Categories)
		}
		if !died {
			return
		}
	}
	t.Error("the service did more than was thought of")
}

// Who was taken off a meeting by hand is told of it, also where it is a first reading of some mailbox that makes the engine look, and stays
// off it when their copy is read only afterwards.
func TestGuestWhoseCopyWasNotReadStaysOff(t *testing.T) {
	b := newBook()
	w := newWorld(t, 1, b)
	w.x.page, w.x.normal, w.x.ownUID = 0, true, false
	b.settings(w.settings())
	w.x.rang = func(portal.Address) {}
	w.pass(time.Hour)
	w.build()
	read := func() { // the desk's mailbox alone: no other is due yet
		t.Helper()
		if err := w.s.ReadCRM(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 { // all mailboxes are read once, while there is nothing in them
		if _, err := w.s.ReadOne(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	carry := func() {
		t.Helper()
		for range 10 {
			if went, err := w.s.CarryOne(t.Context(), func(int) int { return 0 }); err != nil || !went {
				return
			}
		}
	}
	w.c.create(w.meeting(carol, "m one", alice.Bare(), bob.Bare()))
	read()
	carry()
	w.pass(time.Second)
	w.c.edit(w.only("m").ID, func(r *portal.CRMAppointment) { r.Attendees = r.Attendees[:1] })
	read()
	carry()
	w.rest()
	if r, e := w.only("m"), w.entryIn(desk, "m"); len(r.Attendees) != 1 || len(e.Attendees) != 1 {
		t.Errorf("invited are %v in CRM and %v in Exchange", r.Attendees, e.Attendees)
	}
}
