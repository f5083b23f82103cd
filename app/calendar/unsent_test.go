package calendar_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// impatient waits for nobody, so that what fails stays.
func impatient() calendar.Options {
	o := quick()
	o.Wait = time.Millisecond
	return o
}

// unsent are the person's changes that have not reached the server, once there are n with a state.
func (h *house) unsent(n int, state string) []calendar.Unsent {
	h.t.Helper()
	var list []calendar.Unsent
	h.eventually("the changes are listed", func() bool {
		var err error
		if list, err = h.Unsent(h.ctx, alice); err != nil {
			h.t.Fatal(err)
		}
		for _, u := range list {
			if u.State != state {
				return false
			}
		}
		return len(list) == n
	})
	return list
}

// Whatever waits is listed, wherever it lies in time and in whose calendar, with what was asked for.
func TestWhatWaitsIsListedWhereverItLies(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Kept", day(1, 9, 0), time.Hour))
	x.add(alice, entry("Unwanted", day(2, 9, 0), time.Hour))
	x.add(bob, entry("Theirs", day(3, 9, 0), time.Hour))
	h := start(t, x, impatient())
	h.SignedIn(h.ctx, bob)
	h.loaded(bob, bob)
	far := day(1, 9, 0).AddDate(3, 0, 0)
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	theirs := h.window(bob, bob, day(0, 0, 0), day(7, 0, 0)).Appointments
	x.set(func() { x.down = true })
	made, err := h.Create(h.ctx, alice, alice, appointment("Far away", far, time.Hour))
	h.must(err)
	_, err = h.Change(h.ctx, alice, alice, list[0].ID, portal.AppointmentChange{Start: ptr(day(400, 9, 0)), End: ptr(day(400, 10, 0))}, "")
	h.must(err)
	h.must(h.Delete(h.ctx, alice, alice, list[1].ID, "", "no more", ""))
	_, err = h.Change(h.ctx, bob, bob, theirs[0].ID, portal.AppointmentChange{Subject: ptr("Bob's own")}, "")
	h.must(err)

	got := h.unsent(3, portal.SyncPending)
	if got[0].Appointment.ID != made.ID || !got[0].Appointment.Start.Equal(far) || got[0].Changes[0].Kind != portal.IntentCreate {
		t.Errorf("made: %+v", got[0])
	}
	moved := got[1]
	if ch := moved.Changes[0]; moved.Appointment.Subject != "Kept" || !moved.Appointment.Start.Equal(day(400, 9, 0)) || !ch.Was.Start.Equal(day(1, 9, 0)) || !ch.Wanted.Start.Equal(day(400, 9, 0)) {
		t.Errorf("moved: %+v", moved)
	}
	// What is to go is shown nowhere, and listed all the same.
	if !got[0].Shown || !got[1].Shown || got[2].Shown {
		t.Errorf("shown: %v, %v, %v", got[0].Shown, got[1].Shown, got[2].Shown)
	}
	if gone := got[2]; gone.Appointment.Subject != "Unwanted" || !gone.Appointment.Start.Equal(day(2, 9, 0)) || gone.Changes[0].Kind != portal.IntentDelete || gone.Changes[0].Comment != "no more" {
		t.Errorf("deleted: %+v", gone)
	}
	for _, u := range got {
		if u.Appointment.Calendar != alice {
			t.Errorf("in the calendar of %s", u.Appointment.Calendar)
		}
	}
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.Reached(bob)
	h.unsent(0, "")
}

// A refused change is listed with why, first of all, until somebody decides.
func TestWhatWasRefusedIsListedUntilSomebodyDecides(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Budget", day(1, 9, 0), time.Hour))
	h := start(t, x, impatient())
	id := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
	x.set(func() { x.down, x.refuse["Budget 2"] = true, portal.Fail(portal.ErrForbidden, "exchange.forbidden") })
	_, err := h.Change(h.ctx, alice, alice, id, portal.AppointmentChange{Subject: ptr("Budget 2"), Start: ptr(day(300, 9, 0)), End: ptr(day(300, 10, 0))}, "")
	h.must(err)
	x.set(func() { x.down = false })
	h.Reached(alice)
	u := h.unsent(1, portal.SyncFailed)[0]
	if u.Appointment.ID != id || u.Changes[0].Reason != "exchange.forbidden" || *u.Changes[0].Wanted.Subject != "Budget 2" || u.Changes[0].MadeAt.IsZero() {
		t.Errorf("refused: %+v", u)
	}
	x.set(func() { clear(x.refuse) })
	h.must(h.Retry(h.ctx, alice, alice, u.Appointment.ID))
	h.unsent(0, "")
	if e := x.all(alice)[0]; e.Subject != "Budget 2" {
		t.Errorf("on the server: %s", e.Subject)
	}
}

// What has become private since is told of no more than its time.
func TestWhatWaitsForAPrivateOneTellsNothingOfIt(t *testing.T) {
	x := newModel()
	x.add(bob, entry("Open", day(1, 9, 0), time.Hour))
	x.set(func() {
		x.rights[alice] = []portal.Address{bob}
		x.given[bob] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	})
	h := start(t, x, impatient())
	var id string
	h.eventually("bob's calendar is read", func() bool {
		v := h.window(alice, bob, day(0, 0, 0), day(7, 0, 0))
		if len(v.Appointments) == 1 {
			id = v.Appointments[0].ID
		}
		return id != ""
	})
	x.set(func() { x.down = true })
	_, err := h.Change(h.ctx, alice, bob, id, portal.AppointmentChange{Location: ptr("Room 1")}, "")
	h.must(err)
	if u := h.unsent(1, portal.SyncPending)[0]; u.Appointment.Calendar != bob || u.Changes[0].Was.Subject != "Open" {
		t.Errorf("while it is open: %+v", u)
	}
	h.eventually("it is given up, between two tries", func() bool {
		err := h.Discard(h.ctx, alice, bob, id)
		if err != nil && !errors.Is(err, portal.ErrConflict) {
			t.Fatal(err)
		}
		return err == nil
	})
	x.edit(bob, x.all(bob)[0].RemoteID, func(e *portal.Entry) { e.Private, e.Subject = true, "Secret" })
	x.set(func() { x.down = false })
	h.Reached(bob)
	h.eventually("it is hidden", func() bool {
		v := h.window(alice, bob, day(0, 0, 0), day(7, 0, 0))
		return len(v.Appointments) == 1 && v.Appointments[0].Masked
	})
	in := portal.Intent{ID: "left-over", CalendarKey: portal.CalendarKey{Reader: alice, Owner: bob}, Entry: id, Kind: portal.IntentChange, State: portal.IntentFailed,
		Reason: "calendar.conflict", Base: &portal.Appointment{Subject: "Secret"}, Change: &portal.AppointmentChange{Location: ptr("Room 1")}}
	_, err = h.store.AddIntents(h.ctx, []portal.Intent{in})
	h.must(err)
	u := h.unsent(1, portal.SyncFailed)[0]
	if u.Appointment.Subject != "" || !u.Appointment.Masked || u.Changes[0].Was != nil {
		t.Errorf("of a private one: %+v", u)
	}
}

// brokenList is a store that cannot read the changes that wait.
type brokenList struct{ calendar.Store }

func (brokenList) ReaderIntents(context.Context, portal.Address) ([]portal.Intent, error) {
	return nil, errors.New("disk")
}

func TestAListThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := calendar.New(newModel(), brokenList{}, calendar.Options{}).Unsent(t.Context(), alice); err == nil {
		t.Error("no error")
	}
	_, err := calendar.New(nil, brokenList{}, calendar.Options{}).Unsent(t.Context(), alice)
	if !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
}
