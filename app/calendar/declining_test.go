package calendar_test

import (
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// invitation is a house with one invitation in alice's calendar.
func invitation(t *testing.T, x *model, o calendar.Options) (h *house, id string) {
	t.Helper()
	e := entry("Theirs", day(1, 9, 0), time.Hour)
	e.Mine, e.Meeting, e.Response, e.Attendees = false, true, portal.ResponseNone, invited("alice@example.test")
	x.add(alice, e)
	h = start(t, x, o)
	return h, h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
}

// A declined invitation leaves the calendar: when the answer to that is lost, its being gone is the trace.
func TestALostAnswerToADeclineIsDone(t *testing.T) {
	for name, bell := range map[string]bool{"the bell is heard": true, "no bell": false} {
		t.Run(name, func(t *testing.T) {
			x := newModel()
			h, id := invitation(t, x, quick())
			x.set(func() {
				x.lose = 1
				if !bell {
					x.rang = func(portal.Address) {}
				}
			})
			a, err := h.Respond(h.ctx, alice, alice, id, portal.ResponseDeclined, "", portal.Proposal{}, "")
			if err != nil || a.Response != portal.ResponseDeclined || a.Sync.State != portal.SyncDone {
				t.Errorf("declined: %+v, %v", a, err)
			}
			h.counts(0, 0)
			if n := len(x.sent()); n != 1 {
				t.Errorf("%d answers: %q", n, x.sent())
			}
		})
	}
}

// What nobody could see or decide any more does not count as failed for ever.
func TestAnAnswerToWhatIsGoneLeavesNoGhost(t *testing.T) {
	x := newModel()
	o := quick()
	o.Wait = 10 * time.Millisecond
	h, id := invitation(t, x, o)
	x.set(func() { x.down = true })
	_, err := h.Respond(h.ctx, alice, alice, id, portal.ResponseAccepted, "", portal.Proposal{}, "")
	h.must(err)
	x.remove(alice, x.all(alice)[0].RemoteID)
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.counts(0, 0)
}

// The same where it had failed before the entry went.
func TestAFailedAnswerGoesWithItsEntry(t *testing.T) {
	x := newModel()
	o := quick()
	o.Wait, o.FirstRetry, o.MaxRetry = time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	h, id := invitation(t, x, o)
	x.set(func() { x.lose = 1 })
	err := h.Forward(h.ctx, alice, alice, id, invited("carol@example.test"), "")
	if portal.Reason(err) != "calendar.forward-unsure" { // else nobody waited any more
		h.must(err)
		h.counts(0, 1)
	}
	x.remove(alice, x.all(alice)[0].RemoteID)
	h.counts(0, 0)
}

// Of a series that still is, an occurrence that is gone shows what failed at it.
func TestWhatFailedAtALostOccurrenceIsShownAtTheSeries(t *testing.T) {
	x := newModel()
	o := quick()
	o.Wait = 10 * time.Millisecond
	h, master, _ := weekly(t, x, o)
	x.set(func() { x.down = true })
	_, err := h.Change(h.ctx, alice, alice, portal.OccurrenceID(master, day(3, 9, 0)), portal.AppointmentChange{Subject: ptr("Special")}, "")
	h.must(err)
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Deleted = append(e.Deleted, day(3, 9, 0)) })
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.counts(0, 1)
	h.eventually("the series says so", func() bool {
		a, err := h.Get(h.ctx, alice, alice, master)
		return err == nil && a.Sync.State == portal.SyncFailed && a.Sync.Error == "calendar.gone"
	})
	h.must(h.Discard(h.ctx, alice, alice, master))
	h.counts(0, 0)
}
