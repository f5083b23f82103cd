package calendar_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

func TestACreatedAppointmentReachesTheServerOnce(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	h.forget()
	a := appointment("Offer review", day(1, 9, 0), time.Hour)
	a.ID = "chosen-by-the-page"
	a.Attendees = invited("bob@example.test")
	got, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	if got.ID != "chosen-by-the-page" || got.Sync.State != portal.SyncDone || !got.Mine || !got.Meeting || got.Version == "" {
		t.Errorf("created %+v", got)
	}
	again, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	if again.ID != got.ID || again.Version != got.Version {
		t.Errorf("a repeat gives %+v", again)
	}
	if all := x.all(alice); len(all) != 1 || all[0].Subject != "Offer review" || all[0].UID == "" {
		t.Errorf("the server has %+v", all)
	}
	if want := []string{"invite Offer review → bob@example.test"}; !slices.Equal(x.sent(), want) {
		t.Errorf("mails %q", x.sent())
	}
	// The echo of our own work, told by the doorbell, is read and is no event.
	before := x.called("Changes")
	h.Rang(alice)
	h.eventually("the echo is read", func() bool { return x.called("Changes") > before })
	h.SignedIn(h.ctx, alice)
	want := []portal.Durable{
		portal.CalendarEvent{ID: got.ID, Calendar: alice, Change: portal.Created},
		portal.CalendarEvent{ID: got.ID, Calendar: alice, Change: portal.Updated},
	}
	if evs := h.events(alice); !reflect.DeepEqual(evs, want) {
		t.Errorf("events %+v", evs)
	}
}

func TestAStaleVersionIsAConflict(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	a, err := h.Create(h.ctx, alice, alice, appointment("One", day(1, 9, 0), time.Hour))
	h.must(err)
	b, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Two")}, a.Version)
	h.must(err)
	if b.Subject != "Two" || b.Version == a.Version || b.Sync.State != portal.SyncDone {
		t.Errorf("changed to %+v", b)
	}
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Three")}, a.Version)
	if !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a stale version: %v", err)
	}
	if err := h.Delete(h.ctx, alice, alice, a.ID, a.Version, "", ""); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a stale deletion: %v", err)
	}
	// Somebody answers: that is no change of what the organiser wrote, and makes no version stale.
	h.must(h.Delete(h.ctx, alice, alice, a.ID, b.Version, "", ""))
	if all := x.all(alice); len(all) != 0 {
		t.Errorf("the server still has %+v", all)
	}
	if _, err := h.Get(h.ctx, alice, alice, a.ID); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("the deleted one: %v", err)
	}
}

// Another client changes the entry, and its doorbell has not been heard yet.
func TestAChangeOverAnotherClientsUnheardOneIsAConflictForWhoeverWaits(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	a, err := h.Create(h.ctx, alice, alice, appointment("One", day(1, 9, 0), time.Hour))
	h.must(err)
	x.set(func() { x.rang = func(portal.Address) {} })
	remote := x.all(alice)[0].RemoteID
	x.edit(alice, remote, func(e *portal.Entry) { e.Location = "Elsewhere" })
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Two")}, a.Version)
	if !errors.Is(err, portal.ErrConflict) {
		t.Fatalf("got %v", err)
	}
	fresh, err := h.Get(h.ctx, alice, alice, a.ID)
	h.must(err)
	if fresh.Location != "Elsewhere" || fresh.Subject != "One" || fresh.Sync.State != portal.SyncDone {
		t.Errorf("the fresh one is %+v", fresh)
	}
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Two")}, fresh.Version)
	h.must(err)
	if e := x.all(alice)[0]; e.Subject != "Two" || e.Location != "Elsewhere" {
		t.Errorf("the server has %+v", e)
	}
}

// Answers of others do not make what the organiser saw stale.
func TestAnAnswerMakesNoVersionStale(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	a := appointment("One", day(1, 9, 0), time.Hour)
	a.Attendees = invited("bob@example.test")
	a, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	x.set(func() { x.rang = func(portal.Address) {} })
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseAccepted })
	got, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Two")}, a.Version)
	h.must(err)
	if got.Subject != "Two" || got.Attendees[0].Response != portal.ResponseAccepted {
		t.Errorf("got %+v", got)
	}
}

func TestWhatTheServerRefusesIsToldToWhoeverWaits(t *testing.T) {
	x := newModel()
	x.refuse["bad"] = portal.Fail(portal.ErrInvalid, "calendar.text")
	h := start(t, x, quick())
	a := appointment("bad", day(1, 9, 0), time.Hour)
	a.ID = "refused"
	if _, err := h.Create(h.ctx, alice, alice, a); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != "calendar.text" {
		t.Errorf("got %v", err)
	}
	if v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)); len(v.Appointments) != 0 || v.State.Waiting+v.State.Failed != 0 {
		t.Errorf("left over: %+v", v)
	}
}

func TestChecksBeforeAnythingIsStored(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	ok := appointment("ok", day(1, 9, 0), time.Hour)
	for name, spoil := range map[string]func(*portal.Appointment){
		"calendar.times":               func(a *portal.Appointment) { a.End = a.Start.Add(-time.Hour) },
		"calendar.id":                  func(a *portal.Appointment) { a.ID = "a~b" },
		"time-zone":                    func(a *portal.Appointment) { a.TimeZone = "Mars/Olympus" },
		"calendar.recurrence":          func(a *portal.Appointment) { a.Recurrence = "FREQ=OFTEN" },
		"calendar.recurrence-exchange": func(a *portal.Appointment) { a.Recurrence = "FREQ=HOURLY;COUNT=5" },
		"calendar.attendee":            func(a *portal.Appointment) { a.Attendees = invited("nobody") },
		"calendar.reminder":            func(a *portal.Appointment) { a.ReminderMinutes = ptr(-1) },
		"calendar.show":                func(a *portal.Appointment) { a.Show = "dancing" },
		"calendar.text":                func(a *portal.Appointment) { a.Subject = "a\x00b" },
	} {
		a := ok
		spoil(&a)
		if _, err := h.Create(h.ctx, alice, alice, a); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := x.called("Create"); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestOnlyTheOrganiserChangesAMeeting(t *testing.T) {
	x := newModel()
	e := entry("Theirs", day(1, 9, 0), time.Hour)
	e.Mine, e.Meeting, e.Response, e.Organizer, e.Attendees = false, true, portal.ResponseNone, portal.Attendee{Email: "bob@example.test"}, invited("alice@example.test")
	x.add(alice, e)
	h := start(t, x, quick())
	a := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0]
	if _, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Start: ptr(day(2, 9, 0))}, a.Version); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("moving it: %v", err)
	}
	ten := 10
	got, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{ReminderMinutes: ptr(&ten), Categories: ptr([]string{"Red"})}, a.Version)
	h.must(err)
	if *got.ReminderMinutes != 10 || !slices.Equal(got.Categories, []string{"Red"}) {
		t.Errorf("got %+v", got)
	}
	if len(x.sent()) != 0 {
		t.Errorf("mails %q", x.sent())
	}
}

func TestAnswersToInvitations(t *testing.T) {
	x := newModel()
	for i, s := range []string{"Accept", "Decline"} {
		e := entry(s, day(1+i, 9, 0), time.Hour)
		e.Mine, e.Meeting, e.Response, e.Attendees = false, true, portal.ResponseNone, invited("alice@example.test")
		x.add(alice, e)
	}
	h := start(t, x, quick())
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	a, err := h.Respond(h.ctx, alice, alice, list[0].ID, portal.ResponseAccepted, "ten is fine", portal.Proposal{}, "")
	h.must(err)
	if a.Response != portal.ResponseAccepted {
		t.Errorf("got %+v", a)
	}
	if a, err = h.Respond(h.ctx, alice, alice, list[1].ID, portal.ResponseDeclined, "", portal.Proposal{}, ""); err != nil || a.Response != portal.ResponseDeclined {
		t.Errorf("declined: %+v, %v", a, err)
	}
	h.eventually("the declined one has left the calendar", func() bool {
		return slices.Equal(subjects(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments), []string{"Accept"})
	})
	if want := []string{`accepted Accept "ten is fine"`, `declined Decline ""`}; !slices.Equal(x.sent(), want) {
		t.Errorf("mails %q", x.sent())
	}
	// Changing one's mind tells again.
	_, err = h.Respond(h.ctx, alice, alice, list[0].ID, portal.ResponseTentative, "", portal.Proposal{}, "")
	h.must(err)
	if n := len(x.sent()); n != 3 {
		t.Errorf("%d mails", n)
	}
	for _, r := range []portal.Response{portal.ResponseNone, portal.ResponseOrganizer, "perhaps"} {
		if _, err := h.Respond(h.ctx, alice, alice, list[0].ID, r, "", portal.Proposal{}, ""); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v", r, err)
		}
	}
}

func TestSeriesScopes(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		seriesScopes(t, forgets)
	}
}

func seriesScopes(t *testing.T, forgets bool) {
	t.Helper()
	x := newModel()
	x.forgets = forgets
	h := start(t, x, quick())
	series := appointment("Team round", day(1, 9, 0), time.Hour)
	series.Recurrence = "FREQ=DAILY;COUNT=5"
	master, err := h.Create(h.ctx, alice, alice, series)
	h.must(err)
	second := portal.OccurrenceID(master.ID, day(2, 9, 0))
	one, err := h.Change(h.ctx, alice, alice, second, portal.AppointmentChange{Start: ptr(day(2, 14, 0)), Scope: portal.ScopeOne}, "")
	h.must(err)
	if !one.Start.Equal(day(2, 14, 0)) || !one.End.Equal(day(2, 15, 0)) || one.Kind != portal.KindException || one.ID != second {
		t.Errorf("one: %+v", one)
	}
	h.must(h.Delete(h.ctx, alice, alice, portal.OccurrenceID(master.ID, day(3, 9, 0)), "", "", portal.ScopeOne))
	starts := func() (out []string) {
		for _, a := range h.window(alice, alice, day(0, 0, 0), day(10, 0, 0)).Appointments {
			out = append(out, a.Subject+a.Start.Format(" 2T15"))
		}
		return out
	}
	if want := []string{"Team round 2T09", "Team round 3T14", "Team round 5T09", "Team round 6T09"}; !slices.Equal(starts(), want) {
		t.Errorf("after one: %q", starts())
	}
	// This and all that follow: the series is cut in two.
	later, err := h.Change(h.ctx, alice, alice, portal.OccurrenceID(master.ID, day(4, 9, 0)), portal.AppointmentChange{Subject: ptr("New round"), Scope: portal.ScopeFollowing}, "")
	h.must(err)
	h.idle()
	if want := []string{"Team round 2T09", "Team round 3T14", "New round 5T09", "New round 6T09"}; !slices.Equal(starts(), want) {
		t.Errorf("after the cut: %q", starts())
	}
	if later.ID == master.ID || later.Recurrence == "" {
		t.Errorf("the later part is %+v", later)
	}
	if all := x.all(alice); len(all) != 2 || all[0].UID == all[1].UID {
		t.Errorf("the server has %+v", all)
	}
	// All: moved at one occurrence, all of it moves as far.
	_, err = h.Change(h.ctx, alice, alice, portal.OccurrenceID(later.ID, day(5, 9, 0)), portal.AppointmentChange{Start: ptr(day(5, 11, 0)), Scope: portal.ScopeAll}, "")
	h.must(err)
	h.idle()
	if want := []string{"Team round 2T09", "Team round 3T14", "New round 5T11", "New round 6T11"}; !slices.Equal(starts(), want) {
		t.Errorf("after all: %q", starts())
	}
	h.must(h.Delete(h.ctx, alice, alice, portal.OccurrenceID(later.ID, day(5, 11, 0)), "", "", portal.ScopeFollowing))
	h.idle()
	if want := []string{"Team round 2T09", "Team round 3T14", "New round 5T11"}; !slices.Equal(starts(), want) {
		t.Errorf("after cutting off: %q", starts())
	}
}

func TestAttachments(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	a, err := h.Create(h.ctx, alice, alice, appointment("With a file", day(1, 9, 0), time.Hour))
	h.must(err)
	a, err = h.Attach(h.ctx, alice, alice, a.ID, "offer.txt", "text/plain", []byte("42"))
	h.must(err)
	if len(a.Attachments) != 1 || a.Attachments[0].Name != "offer.txt" {
		t.Fatalf("attached %+v", a.Attachments)
	}
	body, _, err := h.Attachment(h.ctx, alice, alice, a.ID, a.Attachments[0].ID)
	h.must(err)
	buf := make([]byte, 2)
	if _, err := body.Read(buf); err != nil || string(buf) != "42" {
		t.Errorf("read %q, %v", buf, err)
	}
	h.must(body.Close())
	if _, _, err := h.Attachment(h.ctx, alice, alice, a.ID, "another's"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a file of another appointment: %v", err)
	}
	// The change key is fresh: the next change goes through.
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Location: ptr("Studio 1")}, a.Version)
	h.must(err)
	a, err = h.Detach(h.ctx, alice, alice, a.ID, a.Attachments[0].ID)
	h.must(err)
	if len(a.Attachments) != 0 || a.Location != "Studio 1" {
		t.Errorf("detached %+v", a)
	}
}
