package merge

import (
	"testing"
	"time"

	"portico/app/portal"
)

func TestExceptionsThatAServerForgotAreWrittenAgain(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=10", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
		removeOccurrence(&r.Entry, day(2))
	})
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Recurrence = "FREQ=DAILY;COUNT=7" })
	f := w.facts()
	s := Plan(f)
	w.do(steps[UpdateExchange](s)[0]) // the rule; what follows it is lost on the way, without an error
	pair, again, err := Settle(f, s, w.record, &w.item(alice).Entry)
	if err != nil || !again {
		t.Fatalf("again %v, %v", again, err)
	}
	w.pair = &pair
	w.sync()
	w.wantSame()
	if e := w.item(alice).Entry; len(e.Exceptions) != 1 || len(e.Deleted) != 1 || len(w.record.Exceptions) != 1 {
		t.Errorf("exceptions %+v, deleted %v", e.Exceptions, e.Deleted)
	}
}

func TestOccurrenceOfMeetingThatNobodyWasToldOfIsTakenAwayQuietly(t *testing.T) {
	w := newWorld(t)
	w.quiet = true
	w.record = crmRecord(guest(bob))
	w.record.Recurrence = "FREQ=DAILY;COUNT=5"
	w.sync()
	w.quiet = false
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { removeOccurrence(&r.Entry, day(2)) })
	w.sync()
	if len(w.mails) != 0 || len(w.item(alice).Entry.Deleted) != 1 {
		t.Errorf("mail %v", w.mails)
	}
}

func TestClockAheadOfEverybodyWinsNothingWithoutAReading(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "From Outlook" })
	it := w.item(alice)
	it.Entry.UpdatedAt, it.ReadAt = w.now.AddDate(1, 0, 0), time.Time{}
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "From CRM" })
	w.record.ChangedAt = w.now.AddDate(2, 0, 0)
	w.sync()
	if w.record.Subject != "From Outlook" || w.record.ChangedAt.After(w.now) {
		t.Errorf("%q at %s: two clocks that are ahead are at the same moment now, and then Exchange counts", w.record.Subject, w.record.ChangedAt)
	}
}

func TestAnswerGivenForSomebodyHoldsUntilTheOrganiserHeardOfALaterOne(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID, e.Response = bob, false, "bobs", portal.ResponseNone
	w.deliver(e)
	w.sync()
	w.tick()
	w.tally(bob, portal.ResponseAccepted)
	w.outlook(bob, func(e *portal.Entry) { e.Response = portal.ResponseAccepted })
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Attendees[0].Response = portal.ResponseDeclined })
	f := w.facts()
	s := Plan(f)
	answer := steps[Answer](s)
	if len(answer) != 1 || answer[0].Response != portal.ResponseDeclined {
		t.Fatalf("steps %s", describe(s.List))
	}
	w.item(bob).Gone = w.now // declining takes it out of his calendar; the answer is still on its way to alice
	pair, _, err := Settle(f, s, w.record, &w.item(alice).Entry)
	if err != nil {
		t.Fatal(err)
	}
	w.pair = &pair
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Elsewhere" })
	w.sync()
	if got := w.record.Attendees[0].Response; got != portal.ResponseDeclined {
		t.Fatalf("bob's answer flickers to %s", got)
	}
	w.tick()
	w.tally(bob, portal.ResponseTentative)
	w.sync()
	if got := w.record.Attendees[0].Response; got != portal.ResponseTentative {
		t.Errorf("a later answer is %s", got)
	}
}

func TestStillLeavesWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	e := w.entry(alice, alice, guest(bob))
	e.Recurrence = "FREQ=DAILY;COUNT=5"
	except(&e, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
	subject, place, body := " Lunch", "Attic", "Other"
	ch := portal.AppointmentChange{Subject: &subject, Location: &place, Body: &body, Scope: portal.ScopeOne, Occurrence: day(1)}
	left := Still(e, ch)
	if left.Subject != nil || left.Location != nil || left.Body == nil || !left.Occurrence.Equal(day(1)) {
		t.Errorf("left %+v", left)
	}
	ch.Occurrence = day(2)
	if left = Still(e, ch); left.Location == nil {
		t.Errorf("of another day %+v", left)
	}
	list := []portal.Attendee{guest(bob)}
	if left = Still(e, portal.AppointmentChange{Attendees: &list}); !left.Empty() {
		t.Errorf("the same people: %+v", left)
	}
	list = append(list, guest(carol))
	if left = Still(e, portal.AppointmentChange{Attendees: &list}); left.Empty() {
		t.Error("somebody more is nothing")
	}
	if StillThere(e, day(1)) != true {
		t.Error("an exception takes place")
	}
	removeOccurrence(&e, day(1))
	if StillThere(e, day(1)) {
		t.Error("what was removed is still there")
	}
}

func TestChangeOfCRMIsDatedByTheLaterSide(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Elsewhere" })
	at := w.now
	w.tick()
	w.sync()
	if !w.record.ChangedAt.Equal(at) || w.record.ChangedBy != portal.CRMSync {
		t.Errorf("changed at %s by %s, want %s", w.record.ChangedAt, w.record.ChangedBy, at)
	}
}
