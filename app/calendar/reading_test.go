package calendar_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

func TestChangesOfOthersBecomeMinimalEvents(t *testing.T) {
	x := newModel()
	meeting := entry("Meeting", day(1, 9, 0), time.Hour)
	meeting.Meeting, meeting.Attendees = true, invited("bob@example.test", "carol@example.test")
	meeting = x.add(alice, meeting)
	single := x.add(alice, entry("Single", day(2, 9, 0), time.Hour))
	h := start(t, x, quick())
	ids := map[string]string{}
	for _, a := range h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments {
		ids[a.Subject] = a.ID
	}
	h.eventually("the first reading is told as one", func() bool {
		return reflect.DeepEqual(h.events(alice), []portal.Durable{portal.CalendarEvent{Calendar: alice, Change: portal.Updated}})
	})
	for _, step := range []struct {
		name string
		do   func()
		want []portal.Durable
	}{
		{"an answer", func() {
			x.edit(alice, meeting.RemoteID, func(e *portal.Entry) {
				e.Attendees[0].Response, e.Attendees[0].Comment = portal.ResponseAccepted, "ten is fine"
			})
		}, []portal.Durable{portal.ResponsesEvent{ID: ids["Meeting"], Calendar: alice, Change: portal.Updated, By: "bob@example.test", Response: portal.ResponseAccepted}}},
		{"a changed answer", func() {
			x.edit(alice, meeting.RemoteID, func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseDeclined })
		}, []portal.Durable{portal.ResponsesEvent{ID: ids["Meeting"], Calendar: alice, Change: portal.Updated, By: "bob@example.test", Response: portal.ResponseDeclined}}},
		{"a change", func() { x.edit(alice, single.RemoteID, func(e *portal.Entry) { e.Location = "Studio 1" }) },
			[]portal.Durable{portal.CalendarEvent{ID: ids["Single"], Calendar: alice, Change: portal.Updated}}},
		{"a touch without a change", func() {
			x.edit(alice, single.RemoteID, func(*portal.Entry) {})
			x.edit(alice, meeting.RemoteID, func(e *portal.Entry) { e.Location = "Studio 2" })
		}, []portal.Durable{portal.CalendarEvent{ID: ids["Meeting"], Calendar: alice, Change: portal.Updated}}},
		{"a deletion", func() { x.remove(alice, single.RemoteID) },
			[]portal.Durable{portal.CalendarEvent{ID: ids["Single"], Calendar: alice, Change: portal.Deleted}}},
		{"much at once", func() {
			x.set(func() {
				for i := range 40 {
					x.put(alice, entry(fmt.Sprint(i), day(3, 9, i), time.Minute))
				}
			})
			h.Rang(alice)
		}, []portal.Durable{portal.CalendarEvent{Calendar: alice, Change: portal.Updated}}},
	} {
		h.forget()
		step.do()
		h.eventually(step.name, func() bool { return reflect.DeepEqual(h.events(alice), step.want) })
	}
}

// The state is refused: everything is read again, what was not seen is gone, and nobody is told of what stayed.
func TestAResetTakesAwayWhatIsGone(t *testing.T) {
	x := newModel()
	x.page = 2
	var last portal.Entry
	for i := range 5 {
		last = x.add(alice, entry(fmt.Sprint(i), day(1, 9+i, 0), time.Hour))
	}
	h := start(t, x, quick())
	before := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	h.forget()
	x.set(func() {
		b := x.box(alice)
		delete(b.entries, last.RemoteID)
		b.log = b.log[:4] // the server has forgotten that there ever was another
		x.resets = true
	})
	h.Rang(alice)
	h.eventually("the vanished one is gone", func() bool {
		return reflect.DeepEqual(h.events(alice), []portal.Durable{portal.CalendarEvent{ID: before[4].ID, Calendar: alice, Change: portal.Deleted}})
	})
	after := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	if len(after) != 4 || after[0].ID != before[0].ID {
		t.Errorf("after: %+v", subjects(after))
	}
}

func TestACalendarThatMayNotBeReadShowsTakenTime(t *testing.T) {
	x := newModel()
	x.add(bob, entry("Secret", day(1, 9, 0), time.Hour))
	x.set(func() {
		x.busy["bob@example.test"] = portal.Availabilities{Busy: []portal.BusyTime{
			{Start: day(1, 9, 0), End: day(1, 10, 0), Show: portal.ShowBusy},
			{Start: day(1, 11, 0), End: day(1, 12, 0), Show: portal.ShowTentative, Subject: "Known", Meeting: true},
			{Start: day(1, 13, 0), End: day(1, 14, 0), Show: portal.ShowOOF, Subject: "Hidden", Private: true},
			{Start: day(1, 15, 0), End: day(1, 16, 0), Show: portal.ShowFree},
		}}
	})
	h := start(t, x, quick())
	v := h.window(alice, bob, day(1, 0, 0), day(2, 0, 0))
	if v.Rights != calendar.RightsFreeBusy || v.Loading || !slices.Equal(subjects(v.Appointments), []string{"", "Known", ""}) {
		t.Fatalf("got %+v", v)
	}
	if !v.Appointments[0].Masked || v.Appointments[1].Masked || !v.Appointments[2].Masked || v.Appointments[2].Show != portal.ShowOOF {
		t.Errorf("masked: %+v", v.Appointments)
	}
	// Asked again at once, the answer is remembered; with the server away it still is.
	asked := x.called("Availability")
	x.set(func() { x.down = true })
	if v = h.window(alice, bob, day(1, 0, 0), day(2, 0, 0)); len(v.Appointments) != 3 || x.called("Availability") != asked {
		t.Errorf("again: %+v", v)
	}
	// The right is given: the calendar itself is read.
	x.set(func() { x.down = false; x.rights[alice] = []portal.Address{bob} })
	h.Reached(bob)
	h.eventually("the calendar is read, with the right", func() bool {
		v = h.window(alice, bob, day(1, 0, 0), day(2, 0, 0))
		return v.Rights == calendar.RightsReviewer && slices.Equal(subjects(v.Appointments), []string{"Secret"})
	})
	// And taken away.
	x.set(func() { x.rights[alice] = nil })
	h.Rang(bob)
	h.eventually("the mirror is forgotten", func() bool {
		return h.window(alice, bob, day(1, 0, 0), day(2, 0, 0)).Rights == calendar.RightsFreeBusy
	})
}

func TestPrivateOnesOfOthersAreMaskedUnlessADelegateSeesThem(t *testing.T) {
	x := newModel()
	e := entry("Doctor", day(1, 9, 0), time.Hour)
	e.Private, e.Location, e.Body = true, "Clinic", "knee"
	x.add(bob, e)
	x.set(func() {
		x.rights[alice], x.rights[carol] = []portal.Address{bob}, []portal.Address{bob}
		x.given[bob] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}, {Email: "Carol@example.test", Calendar: "reviewer", SeesPrivate: true}}
	})
	h := start(t, x, quick())
	h.window(alice, bob, day(1, 0, 0), day(2, 0, 0))
	h.eventually("the rights are known", func() bool {
		return h.window(alice, bob, day(1, 0, 0), day(2, 0, 0)).Rights == calendar.RightsEditor
	})
	a := h.window(alice, bob, day(1, 0, 0), day(2, 0, 0)).Appointments[0]
	if !a.Masked || a.Subject+a.Location+a.Body+a.UID != "" || a.Show != portal.ShowBusy || !a.Start.Equal(day(1, 9, 0)) {
		t.Errorf("alice sees %+v", a)
	}
	if got, err := h.Get(h.ctx, alice, bob, a.ID); err != nil || got.Subject != "" || !got.Masked {
		t.Errorf("alice gets %+v, %v", got, err)
	}
	if _, err := h.Change(h.ctx, alice, bob, a.ID, portal.AppointmentChange{Subject: ptr("x")}, ""); portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("alice changes it: %v", err)
	}
	data, err := h.Export(h.ctx, alice, bob, day(0, 0, 0), day(7, 0, 0))
	h.must(err)
	for _, secret := range []string{"Doctor", "Clinic", "knee"} {
		if len(data) == 0 || bytes.Contains(data, []byte(secret)) {
			t.Errorf("the export tells %q", secret)
		}
	}
	h.window(carol, bob, day(1, 0, 0), day(2, 0, 0))
	h.eventually("carol sees it", func() bool {
		list := h.window(carol, bob, day(1, 0, 0), day(2, 0, 0)).Appointments
		return len(list) == 1 && list[0].Subject == "Doctor" && !list[0].Masked
	})
}

func TestBellsAreWantedOfOpenCalendars(t *testing.T) {
	x := newModel()
	x.set(func() { x.rights[alice] = []portal.Address{bob} })
	h := start(t, x, quick())
	h.must(h.AddShared(h.ctx, alice, bob, true))
	watched := func() (out []portal.Address) {
		x.set(func() { out = slices.Clone(x.watched) })
		return out
	}
	h.eventually("both bells are wanted", func() bool { return slices.Equal(watched(), []portal.Address{alice, bob}) })
	refs, err := h.Shared(h.ctx, alice)
	if err != nil || len(refs) != 1 || refs[0].Owner != bob || !refs[0].Shown || refs[0].Name == "" {
		t.Errorf("shared %+v, %v", refs, err)
	}
	h.must(h.RemoveShared(h.ctx, alice, bob))
	if err := h.AddShared(h.ctx, alice, alice, true); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("one's own beside itself: %v", err)
	}
}

// Nobody has it open any more: after a while it closes, and opens again when it is looked at.
func TestIdleCalendarsClose(t *testing.T) {
	x := newModel()
	o := quick()
	o.Idle, o.Reconcile, o.ReconcileBlind = time.Millisecond, 5*time.Millisecond, 5*time.Millisecond
	h := start(t, x, o)
	h.SignedOut(alice)
	h.eventually("no bell is wanted", func() bool {
		n := -1
		x.set(func() { n = len(x.watched) })
		return n == 0
	})
	a, err := h.Create(h.ctx, alice, alice, appointment("Open again", day(1, 9, 0), time.Hour))
	h.must(err)
	if a.Sync.State != portal.SyncDone {
		t.Errorf("created %+v", a)
	}
}

func TestTheFirstReadingIsWaitedForALittle(t *testing.T) {
	x := newModel()
	x.set(func() { x.down = true })
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{}).run()
	v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
	if !v.Loading || len(v.Appointments) != 0 {
		t.Errorf("with the server away: %+v", v)
	}
	h.eventually("it says that the server is away", func() bool {
		return h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).State.State == "down"
	})
	x.set(func() { x.down = false })
	x.add(alice, entry("There", day(1, 9, 0), time.Hour))
	h.Reached(alice)
	h.eventually("it is read", func() bool {
		v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
		return !v.Loading && len(v.Appointments) == 1 && v.State.State == "up"
	})
}

func TestWindowsAreBounded(t *testing.T) {
	h := start(t, newModel(), quick())
	for _, to := range []time.Time{day(0, 0, 0), day(500, 0, 0)} {
		if _, err := h.Between(h.ctx, alice, alice, day(1, 0, 0), to, nil); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("until %v: %v", to, err)
		}
	}
}
