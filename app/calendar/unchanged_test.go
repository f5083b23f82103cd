package calendar_test

import (
	"testing"
	"time"

	"portico/app/portal"
)

// A form that is saved as it was mails nobody and touches nothing; what is really different still does.
func TestAChangeThatChangesNothingIsNotSent(t *testing.T) {
	x := newModel()
	e := entry("Meeting", day(1, 9, 0), time.Hour)
	e.Meeting, e.Attendees, e.Body, e.BodyHTML, e.Location = true, invited("bob@example.test", "carol@example.test"), "Bold\n", "<b>Bold</b>", "Studio 1"
	e.ReminderMinutes, e.Categories = ptr(15), []string{"Red", "Blue"}
	x.add(alice, e)
	h := start(t, x, quick())
	a := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0]
	reminder := ptr(15)
	same := portal.AppointmentChange{Subject: ptr(" Meeting"), Location: ptr("Studio 1"), Body: ptr("Bold"), Start: ptr(a.Start), End: ptr(a.End), AllDay: ptr(false),
		TimeZone: ptr(a.TimeZone), Recurrence: ptr(""), Attendees: ptr(invited("carol@example.test", "bob@example.test")), Show: ptr(a.Show), Private: ptr(false),
		ReminderMinutes: &reminder, Categories: &[]string{"Blue", "Red"}}
	got, err := h.Change(h.ctx, alice, alice, a.ID, same, a.Version)
	h.must(err)
	if got.Version != a.Version || x.called("Update") != 0 || len(x.sent()) != 0 {
		t.Errorf("%d updates, mails %q, now %+v", x.called("Update"), x.sent(), got)
	}
	other := same
	other.Attendees = ptr(invited("bob@example.test")) // carol is no longer invited
	_, err = h.Change(h.ctx, alice, alice, a.ID, other, a.Version)
	h.must(err)
	if there := x.all(alice)[0]; len(there.Attendees) != 1 || there.BodyHTML == "" || x.called("Update") != 1 {
		t.Errorf("the server has %+v", there)
	}
	other = same
	other.Location = ptr("Studio 2")
	_, err = h.Change(h.ctx, alice, alice, a.ID, other, "")
	h.must(err)
	if there := x.all(alice)[0]; there.Location != "Studio 2" {
		t.Errorf("the server has %+v", there)
	}
}

// What one occurrence has already, the series may still have to get.
func TestASeriesGetsWhatOneOccurrenceHas(t *testing.T) {
	x := newModel()
	h, master, _ := weekly(t, x, quick())
	id := portal.OccurrenceID(master, day(3, 9, 0))
	_, err := h.Change(h.ctx, alice, alice, id, portal.AppointmentChange{Subject: ptr("Special")}, "")
	h.must(err)
	_, err = h.Change(h.ctx, alice, alice, id, portal.AppointmentChange{Subject: ptr("Special"), Scope: portal.ScopeAll}, "")
	h.must(err)
	if there := x.all(alice)[0]; there.Subject != "Special" {
		t.Errorf("the server has %+v", there)
	}
}
