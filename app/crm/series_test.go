package crm

import (
	"testing"
	"time"

	"portico/app/portal"
)

func TestOneOccurrenceIsChanged(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up", "carol@example.test"))
	if r.Kind != portal.KindMaster || r.Recurrence == "" {
		t.Fatalf("made: %+v", r)
	}
	o.told()
	start, end := nth(2).Add(2*time.Hour), nth(2).Add(3*time.Hour)
	second := portal.OccurrenceID(r.ID, nth(2))
	r, err := o.Change(o.ctx, alice, second, portal.AppointmentChange{Start: &start, End: &end}, r.Version)
	o.must(err)
	if len(r.Exceptions) != 1 || !r.Exceptions[0].RecurrenceID.Equal(nth(2)) || r.Exceptions[0].ID != second {
		t.Fatalf("exceptions: %+v", r.Exceptions)
	}
	if got := o.shown(carol); got != "0415T13 Stand-up none, 0422T15 Stand-up none, 0429T13 Stand-up none, 0506T13 Stand-up none" {
		t.Errorf("carol sees %q", got)
	}
	o.wantTold("alice updated, carol updated", "carol moved")
	rule := "FREQ=DAILY"
	_, err = o.Change(o.ctx, alice, second, portal.AppointmentChange{Recurrence: &rule}, "")
	o.refused(err, portal.ErrInvalid, "calendar.recurrence-one")
	_, err = o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(2).Add(time.Hour)), portal.AppointmentChange{Start: &start}, "")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
}

func TestAllOfASeriesIsChangedAndChangedOccurrencesFollow(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up", "carol@example.test"))
	place, subject := "Attic", "Talk"
	_, err := o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(2)), portal.AppointmentChange{Location: &place}, "")
	o.must(err)
	people := []portal.Attendee{{Email: "dave@example.test"}}
	r, err = o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(3)), portal.AppointmentChange{Subject: &subject, Attendees: &people, Scope: portal.ScopeAll}, "")
	o.must(err)
	x := r.Exceptions[0]
	if r.Subject != subject || x.Subject != subject || x.Location != place {
		t.Errorf("the series is %q, its changed occurrence %q in %q", r.Subject, x.Subject, x.Location)
	}
	if len(x.Attendees) != 1 || x.Attendees[0].URI != dave || len(r.Attendees) != 1 {
		t.Errorf("invited: %+v, to the changed one %+v", r.Attendees, x.Attendees)
	}
	if got := o.shown(carol); got != "" {
		t.Errorf("carol still sees %q", got)
	}
	start, end := nth(3).Add(-time.Hour), nth(3)
	r, err = o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(3)), portal.AppointmentChange{Start: &start, End: &end, Scope: portal.ScopeAll}, "")
	o.must(err)
	if !r.Start.Equal(nth(1).Add(-time.Hour)) || len(r.Exceptions) != 0 {
		t.Errorf("moved to %s with %d exceptions", r.Start, len(r.Exceptions))
	}
}

func TestThisAndTheFollowingAreCutOff(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up", "carol@example.test"))
	place, subject := "Attic", "Talk"
	_, err := o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(4)), portal.AppointmentChange{Location: &place}, "")
	o.must(err)
	_, err = o.Attach(o.ctx, alice, r.ID, "plan.txt", "text/plain", []byte("x"))
	o.must(err)
	o.told()
	later, err := o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(3)), portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeFollowing}, "")
	o.must(err)
	first, err := o.Get(o.ctx, alice, r.ID)
	o.must(err)
	if later.ID == r.ID || later.UID == r.UID || later.Revision != 1 || len(first.Exceptions) != 0 {
		t.Errorf("cut into %+v and %+v", first, later)
	}
	if len(later.Exceptions) != 1 || later.Exceptions[0].Location != place || later.Exceptions[0].Subject != subject || len(later.Attachments) != 1 {
		t.Errorf("the later part: %+v", later)
	}
	if got := o.shown(carol); got != "0415T13 Stand-up none, 0422T13 Stand-up none, 0429T13 Talk none, 0506T13 Talk none" {
		t.Errorf("carol sees %q", got)
	}
	o.wantTold("alice created, alice updated, carol created, carol updated", "carol moved")
	// At the first it is all of it.
	again := "All"
	whole, err := o.Change(o.ctx, alice, portal.OccurrenceID(first.ID, nth(1)), portal.AppointmentChange{Subject: &again, Scope: portal.ScopeFollowing}, "")
	o.must(err)
	if whole.ID != first.ID || whole.Subject != again {
		t.Errorf("at the first: %+v", whole)
	}
}

func TestOccurrencesAreDeleted(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up", "carol@example.test"))
	o.told()
	o.must(o.Delete(o.ctx, alice, portal.OccurrenceID(r.ID, nth(2)), r.Version))
	if got := o.shown(carol); got != "0415T13 Stand-up none, 0429T13 Stand-up none, 0506T13 Stand-up none" {
		t.Errorf("after one: %q", got)
	}
	o.wantTold("alice updated, carol updated", "carol moved")
	o.must(o.Remove(o.ctx, alice, portal.OccurrenceID(r.ID, nth(4)), "", "", portal.ScopeFollowing))
	if got := o.shown(carol); got != "0415T13 Stand-up none, 0429T13 Stand-up none" {
		t.Errorf("after the following: %q", got)
	}
	o.told()
	o.must(o.Remove(o.ctx, alice, portal.OccurrenceID(r.ID, nth(1)), "", "", portal.ScopeAll))
	if got := o.shown(carol) + o.shown(alice); got != "" {
		t.Errorf("after all: %q", got)
	}
	o.wantTold("alice deleted, carol deleted", "carol cancelled")
	gone, err := o.Record(o.ctx, r.ID)
	o.must(err)
	if gone.Gone.IsZero() || gone.ChangedBy != string(alice) {
		t.Errorf("it stays, as gone: %+v", gone)
	}
	_, err = o.Get(o.ctx, alice, r.ID)
	o.refused(err, portal.ErrNotFound, "calendar.gone")
	other := o.create(alice, weekly("Other"))
	o.refused(o.Remove(o.ctx, alice, portal.OccurrenceID(other.ID, nth(1)), "", "", "half"), portal.ErrInvalid, "calendar.scope")
	o.must(o.Remove(o.ctx, alice, portal.OccurrenceID(other.ID, nth(1)), "", "", portal.ScopeFollowing))
	if got := o.shown(alice); got != "" {
		t.Errorf("from the first on: %q", got)
	}
}

func TestOneOccurrenceIsComplete(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up"))
	o.told()
	r, err := o.SetStatus(o.ctx, alice, portal.OccurrenceID(r.ID, nth(1)), portal.StatusComplete, "")
	o.must(err)
	if r.Status != portal.StatusPending || r.Exceptions[0].Status != portal.StatusComplete {
		t.Errorf("series %s, occurrence %s", r.Status, r.Exceptions[0].Status)
	}
	r, err = o.SetStatus(o.ctx, alice, portal.OccurrenceID(r.ID, nth(2)), portal.StatusCancelled, "")
	o.must(err)
	if len(r.Deleted) != 1 || !r.Deleted[0].Equal(nth(2)) {
		t.Errorf("deleted %v", r.Deleted)
	}
	r, err = o.SetStatus(o.ctx, alice, r.ID, portal.StatusComplete, "")
	o.must(err)
	if r.Status != portal.StatusComplete || r.Exceptions[0].Status != portal.StatusComplete {
		t.Errorf("series %s, occurrence %s", r.Status, r.Exceptions[0].Status)
	}
}

func TestAllDayAndClockChangesInACRMSeries(t *testing.T) {
	o := newOffice(t)
	a := portal.Appointment{Subject: "Autumn", TimeZone: "Europe/Berlin", Recurrence: "FREQ=WEEKLY;COUNT=3",
		Start: time.Date(2026, 10, 19, 7, 0, 0, 0, time.UTC), End: time.Date(2026, 10, 19, 8, 0, 0, 0, time.UTC)}
	o.create(alice, a)
	o.create(alice, portal.Appointment{Subject: "Fair", AllDay: true, Start: time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 10, 28, 0, 0, 0, 0, time.UTC)})
	list, err := o.Window(o.ctx, alice, time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC), nil)
	o.must(err)
	want := []string{"2026-10-19T07:00:00Z", "2026-10-26T00:00:00Z", "2026-10-26T08:00:00Z", "2026-11-02T08:00:00Z"}
	if len(list) != len(want) {
		t.Fatalf("%d appointments", len(list))
	}
	for i, a := range list {
		if a.Start.Format(time.RFC3339) != want[i] {
			t.Errorf("%d: %s %s, want %s", i, a.Subject, a.Start, want[i])
		}
	}
	if list[1].Show != portal.ShowFree {
		t.Errorf("an all-day one shows as %s", list[1].Show)
	}
}
