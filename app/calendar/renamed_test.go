package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// Changes of what has another name at the server by the time that they are sent, and of series whose rule two changes make.

// moved is a house whose calendar the server has moved without a word, which nobody has read since.
func moved(t *testing.T, x *model, o calendar.Options) *house {
	t.Helper()
	h := start(t, x, o)
	h.idle()
	x.set(func() { x.rang = func(portal.Address) {} })
	x.resettle(alice)
	return h
}

func TestAChangeFindsWhatAMoveRenamed(t *testing.T) {
	x := newModel()
	before := entry("before", day(1, 9, 0), time.Hour)
	before.UID = "before"
	x.add(alice, before)
	e := entry("moved", day(2, 9, 0), time.Hour)
	e.UID = "moved"
	x.add(alice, e)
	invitation := entry("invitation", day(3, 9, 0), time.Hour)
	invitation.UID, invitation.Mine, invitation.Meeting, invitation.Response, invitation.Attendees = "invitation", false, true, portal.ResponseNone, invited("alice@example.test")
	x.add(alice, invitation)
	h := moved(t, x, quick())
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	a, err := h.Change(h.ctx, alice, alice, list[1].ID, portal.AppointmentChange{Location: ptr("Studio 1")}, list[1].Version)
	h.must(err)
	if a.ID != list[1].ID || a.Location != "Studio 1" || a.Sync.State != portal.SyncDone {
		t.Errorf("changed: %+v", a)
	}
	x.set(func() {
		if n := x.calls["Update"]; n != 2 {
			t.Errorf("changed %d times, want once by the old id and once by the new", n)
		}
	})
	x.resettle(alice)
	a, err = h.Respond(h.ctx, alice, alice, list[2].ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
	h.must(err)
	if a.ID != list[2].ID || a.Response != portal.ResponseAccepted {
		t.Errorf("answered: %+v", a)
	}
	h.idle()
	all := x.all(alice)
	if len(all) != 3 || all[1].Location != "Studio 1" || all[2].Response != portal.ResponseAccepted {
		t.Errorf("the server has %+v", all)
	}
	for _, ev := range h.events(alice) {
		if ev, ok := ev.(portal.CalendarEvent); ok && ev.Change == portal.Deleted {
			t.Errorf("told %+v", ev)
		}
	}
}

// A change that was refused because its entry was gone, which is there under another name by now: it is made there, not anew.
func TestARefusedChangeIsNotMadeAnewBesideItsEntry(t *testing.T) {
	x := newModel()
	e := entry("Renamed", day(1, 9, 0), time.Hour)
	e.UID = "renamed"
	x.add(alice, e)
	o := quick()
	o.Wait = time.Millisecond
	h := start(t, x, o)
	id := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
	x.set(func() { x.down = true })
	_, err := h.Change(h.ctx, alice, alice, id, portal.AppointmentChange{Location: ptr("Studio 1")}, "")
	h.must(err)
	x.set(func() { x.rang = func(portal.Address) {} })
	x.remove(alice, x.all(alice)[0].RemoteID)
	x.add(alice, e) // as another client has it that takes entries out and puts them back
	x.set(func() { x.down, x.rang = false, h.Rang })
	h.Reached(alice)
	h.eventually("the change is refused, and what is there is read", func() bool {
		list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
		return len(list) == 2 && (list[0].Sync.Error == "calendar.gone" || list[1].Sync.Error == "calendar.gone")
	})
	h.must(h.Retry(h.ctx, alice, alice, id))
	h.idle()
	h.eventually("it is changed where it is", func() bool {
		list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
		return len(list) == 1 && list[0].Location == "Studio 1" && list[0].Sync.State == portal.SyncDone
	})
	if all := x.all(alice); len(all) != 1 || all[0].Location != "Studio 1" {
		t.Errorf("the server has %+v", all)
	}
	if err := h.Retry(h.ctx, alice, alice, id); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("nothing is left of it: %v", err)
	}
}

// An occurrence that is gone takes nothing else with it.
func TestAnOccurrenceThatIsGoneLeavesItsSeries(t *testing.T) {
	x := newModel()
	e := entry("Series", day(1, 9, 0), time.Hour)
	e.Recurrence = "FREQ=DAILY;COUNT=5"
	x.add(alice, e)
	h := start(t, x, quick())
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	gone := portal.Fail(portal.ErrNotFound, "calendar.occurrence")
	x.set(func() { x.refuse["x"] = gone })
	if _, err := h.Change(h.ctx, alice, alice, list[2].ID, portal.AppointmentChange{Subject: ptr("x")}, ""); !errors.Is(err, portal.ErrNotFound) {
		t.Fatalf("a change of what is gone: %v", err)
	}
	if n := len(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments); n != 5 {
		t.Errorf("%d occurrences are left", n)
	}
}

// Two changes that wait make what their author saw: the second one takes along the rule that the first one gave.
func TestChangesOfARuleAndOfADayMerge(t *testing.T) {
	tuesday, thursday := day(2, 9, 0), day(4, 9, 0)
	rule := func(r string) portal.AppointmentChange { return portal.AppointmentChange{Recurrence: &r} }
	to := func(start time.Time) portal.AppointmentChange {
		return portal.AppointmentChange{Start: &start, End: ptr(start.Add(time.Hour))}
	}
	for _, k := range []struct {
		name, rule string
		changes    []portal.AppointmentChange
		want       string
		start      time.Time
	}{
		{"a rule, then another day", "FREQ=DAILY;COUNT=4", []portal.AppointmentChange{rule("FREQ=WEEKLY;COUNT=6;BYDAY=MO"), to(tuesday)}, "BYDAY=TU", tuesday},
		{"another day, then a rule", "FREQ=DAILY;COUNT=4", []portal.AppointmentChange{to(tuesday), rule("FREQ=WEEKLY;COUNT=6;BYDAY=TU,FR")}, "BYDAY=TU,FR", tuesday},
		{"a day of the month, then another", "FREQ=DAILY;COUNT=4", []portal.AppointmentChange{rule("FREQ=MONTHLY;COUNT=6;BYMONTHDAY=2"), to(tuesday)}, "BYMONTHDAY=3", tuesday},
		{"a weekday of the month, then another", "FREQ=DAILY;COUNT=4", []portal.AppointmentChange{rule("FREQ=MONTHLY;COUNT=6;BYDAY=1MO"), to(thursday)}, "BYDAY=1TH", thursday},
		{"onto another of its days and on", "FREQ=WEEKLY;COUNT=6;BYDAY=MO,TU", []portal.AppointmentChange{to(tuesday), to(thursday)}, "BYDAY=TH", thursday},
		{"no rule any more, then another day", "FREQ=DAILY;COUNT=4", []portal.AppointmentChange{rule(""), to(tuesday)}, "", tuesday},
	} {
		t.Run(k.name, func(t *testing.T) {
			x := newModel()
			e := entry("Series", day(1, 9, 0), time.Hour)
			e.Recurrence = k.rule
			x.add(alice, e)
			x.add(alice, entry("First", day(1, 6, 0), time.Hour))
			o := quick()
			o.Wait = time.Millisecond
			h := start(t, x, o)
			list := h.window(alice, alice, day(0, 0, 0), day(2, 0, 0)).Appointments
			id, _ := portal.SplitOccurrenceID(list[1].ID)
			x.set(func() { x.down = true })
			_, err := h.Change(h.ctx, alice, alice, list[0].ID, portal.AppointmentChange{Location: ptr("Hall")}, "")
			h.must(err) // is tried as long as the server is away, and holds up the others
			var shown portal.Appointment
			for _, ch := range k.changes {
				ch.Scope = portal.ScopeAll
				shown, err = h.Change(h.ctx, alice, alice, id, ch, "")
				h.must(err)
			}
			if intents, err := h.store.CalendarIntents(h.ctx, portal.CalendarKey{Reader: alice, Owner: alice}, id); err != nil || len(intents) != 1 {
				t.Errorf("%d changes wait, want one: %v", len(intents), err)
			}
			if !shown.Start.Equal(k.start) || !strings.Contains(shown.Recurrence, k.want) || k.want == "" && shown.Recurrence != "" {
				t.Errorf("shown before it is sent: %s %q", shown.Start, shown.Recurrence)
			}
			x.set(func() { x.down = false })
			h.Reached(alice)
			h.idle()
			got := x.all(alice)[1]
			if !got.Start.Equal(k.start) || got.Recurrence != shown.Recurrence {
				t.Errorf("the server has %s %q, shown was %q", got.Start, got.Recurrence, shown.Recurrence)
			}
		})
	}
}
