package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// weekly is a house with one series in alice's calendar, and how it is cut before its fourth occurrence.
func weekly(t *testing.T, x *model, o calendar.Options) (h *house, master string, cut func() (portal.Appointment, error)) {
	t.Helper()
	e := entry("Round", day(1, 9, 0), time.Hour)
	e.Recurrence, e.Meeting, e.Attendees = "FREQ=DAILY;COUNT=10", true, invited("bob@example.test")
	x.add(alice, e)
	h = start(t, x, o)
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	if len(list) == 0 {
		t.Fatal("no series")
	}
	master, _ = portal.SplitOccurrenceID(list[0].ID)
	return h, master, func() (portal.Appointment, error) {
		return h.Change(h.ctx, alice, alice, portal.OccurrenceID(master, day(4, 9, 0)), portal.AppointmentChange{Subject: ptr("New round"), Scope: portal.ScopeFollowing}, "")
	}
}

func (h *house) days(want int) []portal.Appointment {
	h.t.Helper()
	var list []portal.Appointment
	h.eventually("the days are shown", func() bool {
		list = h.window(alice, alice, day(0, 0, 0), day(20, 0, 0)).Appointments
		return len(list) == want
	})
	return list
}

func (h *house) counts(waiting, failed int) {
	h.t.Helper()
	h.eventually("the counts are right", func() bool {
		st, err := h.Status(h.ctx, alice)
		return err == nil && st.Waiting == waiting && st.Failed == failed
	})
}

// Whoever gives up the later half gives up the cut.
func TestDiscardingTheLaterHalfLeavesTheSeriesWhole(t *testing.T) {
	x := newModel()
	o := quick()
	o.Wait = 10 * time.Millisecond
	h, _, cut := weekly(t, x, o)
	x.set(func() { x.down = true })
	later, err := cut()
	h.must(err)
	h.days(10)
	h.eventually("it is given up", func() bool { return h.Discard(h.ctx, alice, alice, later.ID) == nil })
	h.counts(0, 0)
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	if all := x.all(alice); len(all) != 1 || all[0].Recurrence != "FREQ=DAILY;COUNT=10" {
		t.Errorf("the server has %+v", all)
	}
	h.days(10)
}

// Whoever deletes the later half wants it gone: the earlier one still ends before it.
func TestDeletingTheLaterHalfKeepsTheCut(t *testing.T) {
	x := newModel()
	h, _, cut := weekly(t, x, quick())
	x.set(func() { x.down = true })
	_, err := h.Create(h.ctx, alice, alice, appointment("First", day(1, 12, 0), time.Hour)) // it is the one that is tried
	h.must(err)
	later, err := cut()
	h.must(err)
	h.must(h.Delete(h.ctx, alice, alice, later.ID, "", "", portal.ScopeAll))
	h.days(4)
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	h.days(4)
	if all := x.all(alice); len(all) != 2 {
		t.Errorf("the server has %+v", all)
	}
}

// Somebody else has changed the series: nobody is invited to a half of it.
func TestACutOfAnOldCopyInvitesNobody(t *testing.T) {
	x := newModel()
	h, _, cut := weekly(t, x, quick())
	x.set(func() { x.rang = func(portal.Address) {} }) // the bell comes later
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Location = "Studio 2" })
	if _, err := cut(); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("cut: %v", err)
	}
	h.counts(0, 0)
	if n, mails := len(x.all(alice)), x.sent(); n != 1 || len(mails) != 0 {
		t.Errorf("%d entries, mails %q", n, mails)
	}
	if list := h.days(10); list[0].Location != "Studio 2" {
		t.Errorf("shown %+v", list[0])
	}
	if _, err := cut(); err != nil { // looked at again
		t.Errorf("cut: %v", err)
	}
	h.idle()
	h.days(10)
}

// The same with nobody waiting: the cut waits for a decision, whole.
func TestACutThatCollidesWaitsWhole(t *testing.T) {
	x := newModel()
	h, _, cut := weekly(t, x, quick())
	x.set(func() { x.down = true })
	later, err := cut()
	h.must(err)
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Location = "Studio 2" })
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.counts(1, 1)
	if n, mails := len(x.all(alice)), x.sent(); n != 1 || len(mails) != 0 {
		t.Errorf("%d entries, mails %q", n, mails)
	}
	h.must(h.Retry(h.ctx, alice, alice, later.ID))
	h.idle()
	h.counts(0, 0)
	if n := len(x.all(alice)); n != 2 {
		t.Errorf("%d entries", n)
	}
	h.days(10)
}

// The later half is made and the earlier one cannot be ended: that stays to be decided, although somebody waited and was told.
func TestTheSecondHalfOfACutIsNeverDropped(t *testing.T) {
	x := newModel()
	h, master, cut := weekly(t, x, quick())
	x.set(func() {
		x.creating = func(portal.Entry) error {
			for _, e := range x.box(alice).entries {
				theirs := *e
				theirs.Recurrence = "FREQ=DAILY;COUNT=9"
				x.put(alice, theirs)
				break
			}
			return nil
		}
	})
	if _, err := cut(); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("cut: %v", err)
	}
	h.counts(0, 1)
	h.must(h.Retry(h.ctx, alice, alice, master))
	h.idle()
	h.counts(0, 0)
	ended := 0
	for _, e := range x.all(alice) {
		if strings.Contains(e.Recurrence, "COUNT=3") || strings.Contains(e.Recurrence, "UNTIL=") {
			ended++
		}
	}
	if n := len(x.all(alice)); n != 2 || ended != 1 {
		t.Errorf("the server has %+v", x.all(alice))
	}
	h.days(10)
}
