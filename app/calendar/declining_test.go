package calendar_test

import (
	"errors"
	"strings"
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

// Who declines is shown what they declined: the invitation as it was, with the answer, and that it has left the calendar.
func TestADeclineShowsWhatWasDeclined(t *testing.T) {
	for name, bell := range map[string]bool{"the bell is heard": true, "no bell": false} {
		t.Run(name, func(t *testing.T) {
			x := newModel()
			h, id := invitation(t, x, quick())
			if !bell {
				x.set(func() { x.rang = func(portal.Address) {} })
			}
			a, err := h.Respond(h.ctx, alice, alice, id, portal.ResponseDeclined, "no time", portal.Proposal{}, "")
			h.must(err)
			if a.ID != id || a.Subject != "Theirs" || !a.Start.Equal(day(1, 9, 0)) || !a.End.Equal(day(1, 10, 0)) || len(a.Attendees) != 1 || a.Calendar != alice {
				t.Errorf("declined: %+v", a)
			}
			if a.Response != portal.ResponseDeclined || a.Status != portal.StatusRemoved || a.Show != portal.ShowFree || a.Sync.State != portal.SyncDone {
				t.Errorf("its answer: %s, %s, %s, %+v", a.Response, a.Status, a.Show, a.Sync)
			}
			h.eventually("it has left the calendar", func() bool {
				h.Rang(alice)
				return len(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments) == 0
			})
		})
	}
}

// While the server has not heard of it, what one declines stays, and waits.
func TestADeclineThatWaitsStays(t *testing.T) {
	x := newModel()
	h, id := invitation(t, x, impatient())
	x.set(func() { x.down = true })
	a, err := h.Respond(h.ctx, alice, alice, id, portal.ResponseDeclined, "", portal.Proposal{}, "")
	h.must(err)
	if a.Status != portal.StatusConfirmed || a.Sync.State != portal.SyncPending || a.Response != portal.ResponseDeclined || a.Subject != "Theirs" {
		t.Errorf("declined, and not sent: %+v", a)
	}
}

// What is no scope is refused before anything is stored: nobody means one occurrence and loses all of them.
func TestWhatIsNoScopeChangesNothing(t *testing.T) {
	x := newModel()
	h, master, _ := weekly(t, x, quick())
	at := portal.OccurrenceID(master, day(3, 9, 0))
	for name, err := range map[string]error{
		"delete":           h.Delete(h.ctx, alice, alice, at, "", "", "this"),
		"delete long":      h.Delete(h.ctx, alice, alice, at, "", strings.Repeat("x", calendar.MaxBody+1), ""),
		"answer":           second(h.Respond(h.ctx, alice, alice, at, portal.ResponseAccepted, "", portal.Proposal{}, "this")),
		"answer following": second(h.Respond(h.ctx, alice, alice, at, portal.ResponseAccepted, "", portal.Proposal{}, portal.ScopeFollowing)),
		"answer long":      second(h.Respond(h.ctx, alice, alice, at, portal.ResponseAccepted, strings.Repeat("x", calendar.MaxBody+1), portal.Proposal{}, "")),
		"change":           second(h.Change(h.ctx, alice, alice, at, portal.AppointmentChange{Subject: ptr("x"), Scope: "this"}, "")),
		"forward to none":  h.Forward(h.ctx, alice, alice, at, nil, ""),
		"forward long":     h.Forward(h.ctx, alice, alice, at, invited("dave@example.test"), strings.Repeat("x", calendar.MaxBody+1)),
	} {
		if !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.counts(0, 0)
	if e := x.all(alice)[0]; len(e.Deleted) != 0 || len(e.Exceptions) != 0 {
		t.Errorf("the series is %+v", e)
	}
}

func second[T any](_ T, err error) error { return err }
