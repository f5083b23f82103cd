package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The calendars: mirrors, intents and what people set.

func own(who portal.Address) portal.CalendarKey {
	return portal.CalendarKey{Reader: who, Owner: who}
}

// entry is an entry of n hours from noon, with everything that is easily lost on the way through storage.
func entry(n int, from, until time.Time) portal.KeptEntry {
	ten := 10
	k := portal.KeptEntry{From: from, Until: until}
	k.ID, k.RemoteID, k.UID, k.ChangeKey, k.ChangeID = fmt.Sprintf("id-%d", n), fmt.Sprintf("remote-%d", n), fmt.Sprintf("uid-%d", n), "key", "change"
	k.Subject, k.Body, k.BodyHTML, k.Start, k.End, k.ReminderMinutes = "Subject 🍜", "text", "<p>text</p>", from, until, &ten
	k.Attendees = []portal.Attendee{{Email: "bob@example.test", Response: portal.ResponseAccepted, RespondedAt: from}}
	return k
}

func calendarEvent(id string, change portal.Change) portal.Addressed {
	return portal.Addressed{For: []portal.Address{alice}, Event: portal.CalendarEvent{ID: id, Calendar: alice, Change: change}}
}

func ids(list []portal.KeptEntry) []string {
	out := []string{}
	for _, k := range list {
		out = append(out, k.ID)
	}
	return out
}

func testMirrors(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	key := own(alice)
	if m, err := s.CalendarMirror(ctx, key); err != nil || m != (portal.Mirror{CalendarKey: key}) {
		t.Errorf("before: %+v, %v", m, err)
	}
	m := portal.Mirror{CalendarKey: key, State: "s1", Loaded: true, Generation: 3, Sweeping: true, SyncedAt: noon()}
	k := entry(1, noon(), noon().Add(time.Hour))
	k.Exceptions = []portal.Appointment{{Subject: "moved", BodyHTML: "<b>x</b>", RecurrenceID: noon()}}
	k.Deleted = []time.Time{noon().Add(24 * time.Hour)}
	k.News = []portal.AnswerNews{{Email: "bob@example.test", Was: portal.ResponseNone, Is: portal.ResponseAccepted, At: noon()}}
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Put: []portal.KeptEntry{k}}, calendarEvent("id-1", portal.Created)))
	if got, err := s.CalendarMirror(ctx, key); err != nil || got != m {
		t.Errorf("saved %+v, got %+v, %v", m, got, err)
	}
	got, err := s.CalendarEntry(ctx, key, "id-1")
	if err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("saved\n%+v\ngot\n%+v, %v", k, got, err)
	}
	if evs := s.told(); len(evs) != 1 || evs[0].Event != calendarEvent("id-1", portal.Created).Event {
		t.Errorf("told %+v", evs)
	}
	// An entry of the same RemoteID takes its place, whatever its ID.
	k.ID, k.Subject = "id-other", "again"
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Put: []portal.KeptEntry{k}}))
	_, err = s.CalendarEntry(ctx, key, "id-1")
	wantMeaning(t, err, portal.ErrNotFound)
	if list, err := s.CalendarEntries(ctx, key, []string{"remote-0", "remote-1"}); err != nil || !slices.Equal(ids(list), []string{"id-other"}) {
		t.Errorf("by remote id: %v, %v", ids(list), err)
	}
	if found, err := s.CalendarUIDs(ctx, key, []string{"uid-0", "uid-1"}); err != nil || !reflect.DeepEqual(found, map[string]string{"uid-1": "id-other"}) {
		t.Errorf("by uid: %v, %v", found, err)
	}
	// Another reader's mirror of the same calendar is another one.
	other := portal.CalendarKey{Reader: bob, Owner: alice}
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: portal.Mirror{CalendarKey: other}, Put: []portal.KeptEntry{k}}))
	if keys, err := s.FindCalendarEntry(ctx, "id-other"); err != nil || len(keys) != 2 {
		t.Errorf("found in %v, %v", keys, err)
	}
	m.Generation = 4
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Put: []portal.KeptEntry{entry(2, noon(), noon())}}))
	if list, err := s.StaleCalendarUIDs(ctx, key, 4, []string{"uid-none", "uid-1"}); err != nil || !slices.Equal(ids(list), []string{"id-other"}) {
		t.Errorf("stale by UID: %q, %v", ids(list), err)
	}
	if list, err := s.StaleCalendarUIDs(ctx, key, 1, []string{"uid-1"}); err != nil || len(list) != 0 {
		t.Errorf("of no earlier generation: %q, %v", ids(list), err)
	}
	if list, err := s.StaleCalendarEntries(ctx, key, 4, 10); err != nil || !slices.Equal(ids(list), []string{"id-other"}) {
		t.Errorf("stale: %v, %v", ids(list), err)
	}
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Gone: []string{"remote-1", "remote-none"}}))
	_, err = s.CalendarEntry(ctx, key, "id-other")
	wantMeaning(t, err, portal.ErrNotFound)
	must(t, s.DropCalendar(ctx, key, calendarEvent("", portal.Updated)))
	must(t, s.DropCalendar(ctx, key, calendarEvent("", portal.Updated)))
	if evs := s.told(); len(evs) != 2 {
		t.Errorf("dropping twice tells %d events", len(evs)-1)
	}
	_, err = s.CalendarEntry(ctx, key, "id-2")
	wantMeaning(t, err, portal.ErrNotFound)
	if _, err := s.CalendarEntry(ctx, other, "id-other"); err != nil {
		t.Errorf("the other reader's: %v", err)
	}
	wantMeaning(t, s.SaveCalendar(ctx, portal.MirrorChange{}), portal.ErrInvalid)
	wantMeaning(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Put: []portal.KeptEntry{{}}}, calendarEvent("x", portal.Created)), portal.ErrInvalid)
	if got, err := s.CalendarMirror(ctx, key); err != nil || got.State != "" {
		t.Errorf("half of a refused step was kept: %+v, %v", got, err)
	}
}

// testWindows: whatever touches the window is found, however long it lasts.
func testWindows(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	hour := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Hour) }
	type span struct{ from, until int }
	spans := []span{{0, 1}, {1, 2}, {2, 2}, {-47, 1}, {-100, 1}, {-1000, 100_000}, {-200, -100}, {5, 6}, {-40, 0}}
	var list []portal.KeptEntry
	for i, sp := range spans {
		k := entry(i, hour(sp.from), hour(sp.until))
		if i == 5 {
			k.Recurrence = "FREQ=DAILY"
		}
		list = append(list, k)
	}
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: portal.Mirror{CalendarKey: own(alice)}, Put: list}))
	for from := -210; from < 10; from += 7 {
		for _, length := range []int{1, 5, 30, 300} {
			got, err := s.CalendarWindow(ctx, own(alice), hour(from), hour(from+length))
			must(t, err)
			if !slices.IsSortedFunc(got, func(a, b portal.KeptEntry) int { return a.From.Compare(b.From) }) {
				t.Errorf("from %d for %d: not in order: %v", from, length, ids(got))
			}
			for i, sp := range spans {
				touches := sp.from < from+length && (sp.until > from || sp.from == sp.until && sp.from >= from)
				found := slices.Contains(ids(got), list[i].ID)
				far := sp.from >= from+length || sp.until < from
				if touches && !found || far && found {
					t.Errorf("from %d for %d: %v found %v", from, length, sp, found)
				}
			}
		}
	}
	if got, err := s.CalendarWindow(ctx, own(bob), hour(-1000), hour(1000)); err != nil || len(got) != 0 {
		t.Errorf("another calendar: %v, %v", ids(got), err)
	}
}

func intent(n int, who portal.Address) portal.Intent {
	subject := "new"
	minutes := new(*int)
	return portal.Intent{ID: fmt.Sprintf("change-%d", n), CalendarKey: own(who), Entry: fmt.Sprintf("id-%d", n), Kind: portal.IntentChange, State: portal.IntentWaiting,
		MadeAt: noon(), Base: &portal.Appointment{Subject: "old", Start: noon()}, Change: &portal.AppointmentChange{Subject: &subject, ReminderMinutes: minutes},
		Comment: "why", Response: portal.ResponseTentative, Proposal: portal.Proposal{Start: noon(), End: noon()}, Send: true, Zone: "Europe/Vienna", SentAt: noon()}
}

func testIntents(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	stored, err := s.AddIntents(ctx, []portal.Intent{intent(1, alice), intent(2, alice), intent(3, bob)}, calendarEvent("id-1", portal.Updated))
	must(t, err)
	list, err := s.CalendarIntents(ctx, own(alice), "")
	if err != nil || !reflect.DeepEqual(list, stored[:2]) {
		t.Errorf("stored\n%+v\ngot\n%+v, %v", stored[:2], list, err)
	}
	if list, err = s.CalendarIntents(ctx, own(alice), "id-2"); err != nil || !reflect.DeepEqual(list, stored[1:2]) {
		t.Errorf("of one entry: %+v, %v", list, err)
	}
	if list, err = s.ReaderIntents(ctx, alice); err != nil || !reflect.DeepEqual(list, stored[:2]) {
		t.Errorf("of a reader: %+v, %v", list, err)
	}
	_, err = s.AddIntents(ctx, []portal.Intent{intent(4, alice), intent(1, alice)}, calendarEvent("id-4", portal.Updated))
	wantMeaning(t, err, portal.ErrConflict)
	if evs := s.told(); len(evs) != 1 {
		t.Errorf("told %+v", evs)
	}
	if keys, err := s.IntentCalendars(ctx); err != nil || !slices.Equal(keys, []portal.CalendarKey{own(alice), own(bob)}) {
		t.Errorf("calendars %v, %v", keys, err)
	}
	first := stored[0]
	first.State, first.Reason, first.Tries, first.NotBefore = portal.IntentFailed, "calendar.text", 4, noon()
	first, err = s.SaveIntent(ctx, first)
	must(t, err)
	_, err = s.SaveIntent(ctx, stored[0]) // as it was before
	wantMeaning(t, err, portal.ErrConflict)
	if list, err = s.CalendarIntents(ctx, own(alice), "id-1"); err != nil || !reflect.DeepEqual(list, []portal.Intent{first}) {
		t.Errorf("saved %+v, got %+v, %v", first, list, err)
	}
	if next, found, err := s.NextIntent(ctx, own(alice)); err != nil || !found || next.ID != "change-2" {
		t.Errorf("next %+v, %v, %v", next, found, err)
	}
	if waiting, failed, err := s.CountIntents(ctx, alice); err != nil || waiting != 1 || failed != 1 {
		t.Errorf("%d wait, %d failed, %v", waiting, failed, err)
	}
	// The end of an intent and what came of it are one step.
	k := entry(2, noon(), noon().Add(time.Hour))
	must(t, s.EndIntents(ctx, own(alice), []string{"change-2", "change-none"}, &k, nil, calendarEvent("id-2", portal.Updated)))
	if got, err := s.CalendarEntry(ctx, own(alice), "id-2"); err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("put %+v, got %+v, %v", k, got, err)
	}
	if _, found, err := s.NextIntent(ctx, own(alice)); err != nil || found {
		t.Errorf("next: %v, %v", found, err)
	}
	must(t, s.EndIntents(ctx, own(alice), []string{"change-1", "change-3"}, nil, []string{k.RemoteID}))
	_, err = s.CalendarEntry(ctx, own(alice), "id-2")
	wantMeaning(t, err, portal.ErrNotFound)
	if list, err = s.CalendarIntents(ctx, own(bob), ""); err != nil || len(list) != 1 {
		t.Errorf("another calendar's intent went too: %v", err)
	}
	m := portal.Mirror{CalendarKey: own(bob), State: "x"}
	must(t, s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Done: []string{"change-3"}}))
	if keys, err := s.IntentCalendars(ctx); err != nil || len(keys) != 0 {
		t.Errorf("calendars %v, %v", keys, err)
	}
	_, err = s.AddIntents(ctx, []portal.Intent{{ID: "x"}})
	wantMeaning(t, err, portal.ErrInvalid)
}

func testCalendarChoices(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	old, soon := portal.ReminderMark{ID: "a", Start: noon()}, portal.ReminderMark{ID: "b", Start: noon().Add(time.Hour), Until: noon().Add(2 * time.Hour)}
	must(t, s.SaveReminderMarks(ctx, alice, []portal.ReminderMark{old, soon}, time.Time{}))
	must(t, s.SaveReminderMarks(ctx, bob, []portal.ReminderMark{old}, time.Time{}))
	soon.Until = time.Time{}
	must(t, s.SaveReminderMarks(ctx, alice, []portal.ReminderMark{soon}, noon().Add(time.Second)))
	if got, err := s.ReminderMarks(ctx, alice); err != nil || !slices.Equal(got, []portal.ReminderMark{soon}) {
		t.Errorf("marks %+v, %v", got, err)
	}
	wantMeaning(t, s.SaveReminderMarks(ctx, "", nil, noon()), portal.ErrInvalid)

	ref := portal.CalendarRef{Owner: bob, Name: "Bob", Shown: true, AddedAt: noon()}
	must(t, s.SaveSharedCalendar(ctx, alice, ref))
	must(t, s.SaveSharedCalendar(ctx, alice, portal.CalendarRef{Owner: bob, Name: "Bob B.", AddedAt: noon().Add(time.Hour)}))
	ref.Name, ref.Shown = "Bob B.", false
	if got, err := s.SharedCalendars(ctx, alice); err != nil || !slices.Equal(got, []portal.CalendarRef{ref}) {
		t.Errorf("shared %+v, %v", got, err)
	}
	must(t, s.DeleteSharedCalendar(ctx, alice, bob))
	if got, err := s.SharedCalendars(ctx, alice); err != nil || len(got) != 0 {
		t.Errorf("shared %+v, %v", got, err)
	}
	wantMeaning(t, s.SaveSharedCalendar(ctx, alice, portal.CalendarRef{}), portal.ErrInvalid)

	_, err := s.CalendarLink(ctx, alice)
	wantMeaning(t, err, portal.ErrNotFound)
	link := portal.CalendarLink{Person: alice, Hash: "h1", CreatedAt: noon()}
	must(t, s.SaveCalendarLink(ctx, link))
	link.Hash, link.UsedAt = "h2", noon()
	must(t, s.SaveCalendarLink(ctx, link))
	if got, err := s.FindCalendarLink(ctx, "h2"); err != nil || got != link {
		t.Errorf("link %+v, %v", got, err)
	}
	_, err = s.FindCalendarLink(ctx, "h1")
	wantMeaning(t, err, portal.ErrNotFound)
	wantMeaning(t, s.SaveCalendarLink(ctx, portal.CalendarLink{Person: bob, Hash: "h2"}), portal.ErrConflict)
	must(t, s.NoteCalendarLink(ctx, "h1", noon())) // noticed late: the address is replaced, and stays so
	must(t, s.NoteCalendarLink(ctx, "h2", noon().Add(time.Hour)))
	link.UsedAt = noon().Add(time.Hour)
	if got, err := s.CalendarLink(ctx, alice); err != nil || got != link {
		t.Errorf("after its use: %+v, %v", got, err)
	}
	must(t, s.DeleteCalendarLink(ctx, alice))
	must(t, s.NoteCalendarLink(ctx, "h2", noon()))
	_, err = s.CalendarLink(ctx, alice)
	wantMeaning(t, err, portal.ErrNotFound)

	if at, err := s.ResponsesLook(ctx, alice); err != nil || !at.IsZero() {
		t.Errorf("look %v, %v", at, err)
	}
	must(t, s.SaveResponsesLook(ctx, alice, noon()))
	must(t, s.SaveResponsesLook(ctx, alice, noon().Add(-time.Hour)))
	if at, err := s.ResponsesLook(ctx, alice); err != nil || !at.Equal(noon()) {
		t.Errorf("look %v, %v", at, err)
	}
	wantMeaning(t, s.SaveResponsesLook(ctx, "", noon()), portal.ErrInvalid)
}
