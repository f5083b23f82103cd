package merge

import (
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// The cases of the field that concern series.

// series is a daily meeting made in CRM that both sides have.
func series(t *testing.T, rule string, invited ...portal.Attendee) *world {
	t.Helper()
	r := crmRecord(invited...)
	r.Recurrence, r.Kind = rule, portal.KindMaster
	return agreed(t, r)
}

// day is the n-th occurrence of a daily series, from 0.
func day(n int) time.Time { return start.AddDate(0, 0, n) }

// except changes an occurrence as a person does.
func except(e *portal.Entry, id time.Time, do func(x *portal.Appointment)) {
	for i := range e.Exceptions {
		if e.Exceptions[i].RecurrenceID.Equal(id) {
			do(&e.Exceptions[i])
			return
		}
	}
	x := e.Appointment
	c := OfExchange(portal.Entry{Appointment: e.Appointment}, Users{})
	o := c.plain(Stamp(id))
	x.Kind, x.RecurrenceID, x.Start, x.End = portal.KindException, id, o.Start, o.End
	do(&x)
	e.Exceptions = append(e.Exceptions, x)
	slices.SortFunc(e.Exceptions, func(a, b portal.Appointment) int { return a.RecurrenceID.Compare(b.RecurrenceID) })
}

func TestCase_Series_WithoutEndIsCarried(t *testing.T) {
	w := series(t, "FREQ=WEEKLY;BYDAY=MO", guest(bob))
	if got := w.item(alice).Entry.Recurrence; got != "FREQ=WEEKLY;BYDAY=MO" {
		t.Errorf("rule %q", got)
	}
	w.now = start.AddDate(40, 0, 0)
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Still on" })
	w.sync()
	if len(w.mails) != 1 {
		t.Errorf("a series without end is never over; mail %v", w.mails)
	}
}

func TestCase_Series_ManyOccurrencesAreCarried(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=900", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(899), func(x *portal.Appointment) { x.Subject = "Last" })
	})
	w.sync()
	w.wantSame()
	if len(w.item(alice).Entry.Exceptions) != 1 {
		t.Error("the last occurrence was not changed in Exchange")
	}
}

func TestCase_Series_NthDayPatternsAreCarried(t *testing.T) {
	for _, rule := range []string{"FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1",
		"FREQ=YEARLY;BYMONTH=3;BYDAY=1MO", "FREQ=MONTHLY;BYMONTHDAY=1", "FREQ=DAILY;INTERVAL=3"} {
		w := series(t, rule)
		w.wantSame()
		if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
			t.Errorf("%s: %+v", rule, st)
		}
	}
}

func TestCase_Series_RuleWrittenInAnotherWayIsNoChange(t *testing.T) {
	w := series(t, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=10")
	w.outlook(alice, func(e *portal.Entry) { e.Recurrence = "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=10" })
	before := w.record.Revision
	w.sync()
	if w.record.Revision != before {
		t.Error("the record was written")
	}
}

func TestCase_Series_FirstOccurrenceModifiedKeepsTheOrganiser(t *testing.T) {
	w := newWorld(t)
	e := w.entry(alice, alice, guest(bob))
	e.Recurrence, e.Kind = "FREQ=DAILY;COUNT=5", portal.KindMaster
	except(&e, day(0), func(x *portal.Appointment) { x.Subject = "Kick-off"; x.Organizer = portal.Attendee{Email: bare(bob)} })
	w.deliver(e)
	copyOfBob := w.entry(bob, alice, guest(bob))
	copyOfBob.Recurrence, copyOfBob.Exceptions = e.Recurrence, slices.Clone(e.Exceptions)
	w.deliver(copyOfBob)
	w.sync()
	if w.record.Calendar != alice || w.record.Organizer.URI != alice || len(w.record.Exceptions) != 1 || w.record.Exceptions[0].Subject != "Kick-off" {
		t.Errorf("record %+v", w.record)
	}
	if len(w.wrote) != 0 {
		t.Errorf("wrote %v", w.wrote)
	}
}

func TestCase_Series_ExceptionMovedOntoAnotherOccurrencesDay(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5", guest(bob))
	w.outlook(alice, func(e *portal.Entry) {
		except(e, day(1), func(x *portal.Appointment) {
			x.Start, x.End = day(2).Add(3*time.Hour), day(2).Add(4*time.Hour)
		})
	})
	w.sync()
	w.wantSame()
	if x := w.record.Exceptions; len(x) != 1 || !x[0].RecurrenceID.Equal(day(1)) || !x[0].Start.Equal(day(2).Add(3*time.Hour)) {
		t.Errorf("exceptions %+v", x)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(3), func(x *portal.Appointment) { x.Start, x.End = day(2), day(2).Add(time.Hour) })
	})
	w.sync()
	w.wantSame()
	if len(w.item(alice).Entry.Exceptions) != 2 {
		t.Error("the second move did not arrive")
	}
}

func TestCase_Series_ExceptionBeforeTheWindowIsNotMadeAgain(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=40", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(0), func(x *portal.Appointment) { x.Subject = "Was first" })
	})
	w.sync()
	w.now = start.AddDate(0, 0, 30)
	w.mails, w.wrote = nil, nil
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(35), func(x *portal.Appointment) { x.Subject = "To come" })
	})
	w.sync()
	w.wantSame()
	if len(w.wrote) != 1 || len(w.mails) != 1 {
		t.Errorf("wrote %v, mail %v", w.wrote, w.mails)
	}
}

func TestCase_Series_SplitInTwoLeavesBackToBackSeries(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=10", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(1), func(x *portal.Appointment) { x.Subject = "Changed" })
	})
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Recurrence = "FREQ=DAILY;COUNT=4" })
	w.sync()
	w.wantSame()
	if x := w.item(alice).Entry.Exceptions; len(x) != 1 || x[0].Subject != "Changed" {
		t.Errorf("the exception of the head is %+v", x)
	}
	head := w.record
	tail := newWorld(t)
	tail.record = crmRecord(guest(bob))
	tail.record.ID, tail.record.UID, tail.record.Recurrence = "crm-2", "uid-2", "FREQ=DAILY;COUNT=6"
	tail.record.Start, tail.record.End, tail.record.Subject = day(4), day(4).Add(time.Hour), "From now on"
	tail.sync()
	tail.wantSame()
	h, x := OfCRM(*head, NewUsers(w.users)), OfCRM(*tail.record, NewUsers(w.users))
	if h.occurs(Stamp(day(4))) || !x.occurs(Stamp(day(4))) || !h.occurs(Stamp(day(3))) {
		t.Error("the series do not stand back to back")
	}
}

func TestCase_Series_ChangedHereDeletedThere(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
	})
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { removeOccurrence(e, day(1)) })
	w.sync()
	w.wantSame()
	if len(w.record.Deleted) != 1 || len(w.conflicts) != 1 || *w.conflicts[0].Lost.Location != "Attic" || !w.conflicts[0].Lost.Occurrence.Equal(day(1)) {
		t.Fatalf("deleted %v, conflicts %+v", w.record.Deleted, w.conflicts)
	}

	for _, crmLater := range []bool{false, true} {
		w = series(t, "FREQ=DAILY;COUNT=5", guest(bob))
		change := func() {
			w.outlook(alice, func(e *portal.Entry) { except(e, day(1), func(x *portal.Appointment) { x.Location = "Cellar" }) })
		}
		if crmLater {
			change()
			w.tick()
		}
		w.edit(func(r *portal.CRMAppointment) { removeOccurrence(&r.Entry, day(1)) })
		if !crmLater {
			w.tick()
			change()
		}
		w.sync()
		w.wantSame()
		if deleted := len(w.record.Deleted) == 1; deleted != crmLater || len(w.conflicts) != 1 {
			t.Errorf("CRM later %v: deleted %v, conflicts %+v", crmLater, w.record.Deleted, w.conflicts)
		}
		if crmLater && *w.conflicts[0].Lost.Location != "Cellar" {
			t.Errorf("lost %+v", w.conflicts[0].Lost)
		}
	}
}

func TestCase_Series_RuleChangedHereExceptionMadeThere(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=10", guest(bob))
	w.outlook(alice, func(e *portal.Entry) {
		except(e, day(1), func(x *portal.Appointment) { x.Location = "Old one" })
	})
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { except(e, day(8), func(x *portal.Appointment) { x.Location = "New one" }) })
	w.tick()
	w.edit(func(r *portal.CRMAppointment) {
		r.Recurrence = "FREQ=DAILY;INTERVAL=2;COUNT=3"
		r.Exceptions = nil
	})
	w.sync()
	w.wantSame()
	if len(w.record.Exceptions) != 0 || len(w.item(alice).Entry.Exceptions) != 0 {
		t.Errorf("exceptions of days that are none: %+v", w.record.Exceptions)
	}
	if len(w.conflicts) != 1 || *w.conflicts[0].Lost.Location != "New one" || w.conflicts[0].Fields[0] != "occurrence" {
		t.Errorf("conflicts %+v, want one about the exception that was new", w.conflicts)
	}
}

func TestCase_Series_ExceptionsSurviveANewEnd(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		w := series(t, "FREQ=DAILY;COUNT=10", guest(bob))
		w.server.keeps = keeps
		w.edit(func(r *portal.CRMAppointment) {
			except(&r.Entry, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
			removeOccurrence(&r.Entry, day(2))
		})
		w.sync()
		w.tick()
		w.edit(func(r *portal.CRMAppointment) { r.Recurrence = "FREQ=DAILY;COUNT=7" })
		w.sync()
		w.wantSame()
		e := w.item(alice).Entry
		if len(e.Exceptions) != 1 || e.Exceptions[0].Location != "Attic" || len(e.Deleted) != 1 || len(w.record.Exceptions) != 1 {
			t.Errorf("keeps %v: exceptions %+v, deleted %v", keeps, e.Exceptions, e.Deleted)
		}
	}
}

func TestCase_Series_DeletedOccurrenceComesBackWithTheRule(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5", guest(bob))
	w.edit(func(r *portal.CRMAppointment) { removeOccurrence(&r.Entry, day(1)); removeOccurrence(&r.Entry, day(3)) })
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Deleted = r.Deleted[1:] })
	w.sync()
	w.wantSame()
	if d := w.item(alice).Entry.Deleted; len(d) != 1 || !d[0].Equal(day(3)) {
		t.Errorf("deleted in Exchange: %v", d)
	}
}

func TestCase_Series_BecomesSingleAndBack(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
	})
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Recurrence, e.Exceptions, e.Kind = "", nil, portal.KindSingle })
	w.sync()
	w.wantSame()
	if w.record.Recurrence != "" || len(w.record.Exceptions) != 0 || w.record.Kind != portal.KindSingle {
		t.Errorf("record %+v", w.record)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Recurrence, r.Kind = "FREQ=WEEKLY;COUNT=3", portal.KindMaster })
	w.sync()
	w.wantSame()
}

func TestCase_Series_SeriesBlocksTimeOnBothSides(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5")
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(2), func(x *portal.Appointment) { x.Show = portal.ShowFree })
	})
	w.sync()
	e := w.item(alice).Entry
	if e.Show != portal.ShowBusy || len(e.Exceptions) != 1 || e.Exceptions[0].Show != portal.ShowFree {
		t.Errorf("series %s, exceptions %+v", e.Show, e.Exceptions)
	}
}
