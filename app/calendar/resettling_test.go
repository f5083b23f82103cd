package calendar_test

import (
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// resettle moves a mailbox: its entries are the same, under other ids.
func (m *model) resettle(owner portal.Address) {
	m.mu.Lock()
	old := m.box(owner)
	m.boxes[owner] = &box{entries: map[string]*portal.Entry{}}
	m.resets = true
	seen := map[string]bool{}
	for _, remote := range old.log {
		if e := old.entries[remote]; e != nil && !seen[remote] {
			moved := *e
			moved.RemoteID = "moved-" + remote
			m.put(owner, moved)
			seen[remote] = true
		}
	}
	m.mu.Unlock()
	m.rang(owner)
}

// A mailbox that moves keeps what its entries are called here, and what waits for them; nobody is told that anything came or went.
func TestAMovedMailboxKeepsItsNames(t *testing.T) {
	x := newModel()
	x.page = 2
	for i, uid := range []string{"a", "b", "twice", "twice", "series"} {
		e := entry(uid, day(1+i, 9, 0), time.Hour)
		e.UID = uid
		if uid == "series" {
			e.Recurrence = "FREQ=WEEKLY;COUNT=3"
		}
		x.add(alice, e)
	}
	h := start(t, x, quick())
	ours, err := h.Create(h.ctx, alice, alice, appointment("ours", day(6, 12, 0), time.Hour))
	h.must(err)
	ids := func() (out []string) {
		for _, a := range h.window(alice, alice, day(0, 0, 0), day(40, 0, 0)).Appointments {
			out = append(out, a.Subject+" "+a.ID)
		}
		return out
	}
	before := ids()
	h.idle()
	resettled := func() bool {
		for _, e := range x.all(alice) {
			list, err := h.store.CalendarEntries(h.ctx, portal.CalendarKey{Reader: alice, Owner: alice}, []string{e.RemoteID})
			if err != nil || len(list) != 1 || list[0].ChangeKey != e.ChangeKey {
				return false
			}
		}
		m, err := h.store.CalendarMirror(h.ctx, portal.CalendarKey{Reader: alice, Owner: alice})
		return err == nil && !m.Sweeping
	}
	x.resettle(alice)
	h.eventually("the moved mailbox is read", resettled)
	if after := ids(); len(before) != 8 || !slices.Equal(after, before) {
		t.Errorf("before %q\nafter  %q", before, after)
	}
	for _, told := range h.events(alice) {
		if ev, ok := told.(portal.CalendarEvent); ok && (ev.Change == portal.Deleted || ev.Change == portal.Created && ev.ID != ours.ID) {
			t.Errorf("told %+v", ev)
		}
	}
	if _, err := h.Change(h.ctx, alice, alice, ours.ID, portal.AppointmentChange{Location: ptr("Studio 1")}, ""); err != nil {
		t.Errorf("a change by the old name: %v", err)
	}
}

// A full reading of a mailbox that did not move: what is new with an identifier that is there already is something else.
func TestAnotherEntryOfTheSameIdentifierIsAnother(t *testing.T) {
	x := newModel()
	x.page = 2
	first := entry("first", day(1, 9, 0), time.Hour)
	first.UID = "same"
	x.add(alice, first)
	x.add(alice, entry("third", day(3, 9, 0), time.Hour))
	x.add(alice, entry("fourth", day(4, 9, 0), time.Hour))
	h := start(t, x, quick())
	before := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
	copied := entry("copy", day(2, 9, 0), time.Hour)
	copied.UID = "same"
	x.set(func() { x.rang = func(portal.Address) {} })
	x.add(alice, copied)
	x.add(alice, entry("fifth", day(5, 9, 0), time.Hour))
	x.set(func() { // the new ones are told first
		slices.Reverse(x.box(alice).log)
		x.resets = true
	})
	h.Rang(alice)
	h.eventually("all are read", func() bool {
		m, err := h.store.CalendarMirror(h.ctx, portal.CalendarKey{Reader: alice, Owner: alice})
		return err == nil && !m.Sweeping && m.State == "5"
	})
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	if !slices.Equal(subjects(list), []string{"first", "copy", "third", "fourth", "fifth"}) || list[0].ID != before || list[1].ID == before {
		t.Errorf("got %q, %+v", subjects(list), list)
	}
}
