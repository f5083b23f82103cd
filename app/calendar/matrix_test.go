package calendar_test

import (
	"testing"
	"time"

	"portico/app/portal"
)

// Cases that calendars kept in two places are known to get wrong, as far as the portal alone decides them.

// What people answered is what their mailboxes say: nobody gives another's answer by making or changing a meeting.
func TestAnswersComeFromTheMailboxAlone(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	said := invited("bob@example.test")
	said[0].Response, said[0].Comment, said[0].RespondedAt = portal.ResponseAccepted, "gladly", day(1, 0, 0)
	a := appointment("Round", day(1, 9, 0), time.Hour)
	a.Attendees = said
	made, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	if got := made.Attendees[0]; got.Response != portal.ResponseNone || got.Comment != "" || !got.RespondedAt.IsZero() {
		t.Errorf("made: %+v", got)
	}
	more := append(invited("carol@example.test"), said...)
	more[0].Response = portal.ResponseDeclined
	changed, err := h.Change(h.ctx, alice, alice, made.ID, portal.AppointmentChange{Attendees: &more}, made.Version)
	h.must(err)
	for _, p := range changed.Attendees {
		if p.Response != portal.ResponseNone {
			t.Errorf("changed: %+v", p)
		}
	}
	// And an answer that is there stays, whatever a change says of it.
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseTentative })
	h.eventually("the answer is heard", func() bool {
		changed, err = h.Get(h.ctx, alice, alice, made.ID)
		return err == nil && changed.Attendees[0].Response == portal.ResponseTentative
	})
	_, err = h.Change(h.ctx, alice, alice, made.ID, portal.AppointmentChange{Attendees: &more, Location: ptr("Hall")}, changed.Version)
	h.must(err)
	for _, p := range x.all(alice)[0].Attendees {
		if want := changed.Attendees[0]; p.Email == want.Email && p.Response != portal.ResponseTentative || p.Email != want.Email && p.Response != portal.ResponseNone {
			t.Errorf("on the server: %+v", p)
		}
	}
}

// An all-day appointment is what it was as long as its dates are: in whatever zone the server tells it, that is no change.
func TestAnAllDayAppointmentIsEqualByItsDates(t *testing.T) {
	x := newModel()
	e := entry("Fair", day(1, 0, 0), 24*time.Hour)
	e.AllDay, e.TimeZone = true, "Pacific/Kiritimati"
	x.add(alice, e)
	h := start(t, x, quick())
	before := h.window(alice, alice, day(1, 0, 0), day(2, 0, 0)).Appointments[0]
	h.forget()
	for _, zone := range []string{"Etc/GMT+12", "UTC", "Europe/Vienna"} {
		x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.TimeZone = zone })
		h.eventually("it has been read in "+zone, func() bool {
			a, err := h.Get(h.ctx, alice, alice, before.ID)
			return err == nil && a.TimeZone == zone
		})
		if a, err := h.Get(h.ctx, alice, alice, before.ID); err != nil || a.Version != before.Version || !a.Start.Equal(before.Start) {
			t.Errorf("in %s: %+v, %v", zone, a, err)
		}
	}
	if evs := h.events(alice); len(evs) != 0 {
		t.Errorf("alice was told %+v", evs)
	}
}
