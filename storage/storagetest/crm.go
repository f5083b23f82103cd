package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// CRMStore is what CRM asks of storage.
type CRMStore interface {
	CRMAppointment(ctx context.Context, id string) (portal.CRMAppointment, error)
	CRMAppointmentByUID(ctx context.Context, uid string) (portal.CRMAppointment, error)
	CRMAppointmentsAlike(ctx context.Context, owner portal.Address, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error)
	CRMWindow(ctx context.Context, who portal.Address, from, to time.Time) ([]portal.CRMAppointment, error)
	CRMAppointmentsOf(ctx context.Context, person, company string, limit int) ([]portal.CRMAppointment, error)
	PutCRMAppointments(ctx context.Context, key string, list []portal.CRMAppointment, evs ...portal.Addressed) ([]portal.CRMAppointment, error)
	PutCRMFile(ctx context.Context, hash string, data []byte) error
	CRMFile(ctx context.Context, hash string) ([]byte, error)
	CRMUsers(ctx context.Context) ([]portal.CRMUser, error)
	CRMUser(ctx context.Context, a portal.Address) (portal.CRMUser, error)
	PutCRMUsers(ctx context.Context, key string, list []portal.CRMUser, by string) ([]portal.CRMUser, error)
	CRMPeople(ctx context.Context, text string, limit int) ([]portal.CRMPerson, error)
	CRMPeopleByID(ctx context.Context, ids []string) ([]portal.CRMPerson, error)
	PutCRMPeople(ctx context.Context, key string, list []portal.CRMPerson, by string) ([]portal.CRMPerson, error)
	DeleteCRMPerson(ctx context.Context, id string, version int64, by string) error
	CRMCompanies(ctx context.Context, text string, limit int) ([]portal.CRMCompany, error)
	CRMCompaniesByID(ctx context.Context, ids []string) ([]portal.CRMCompany, error)
	PutCRMCompanies(ctx context.Context, key string, list []portal.CRMCompany, by string) ([]portal.CRMCompany, error)
	DeleteCRMCompany(ctx context.Context, id string, version int64, by string) error
	CRMChanges(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error)
	LastCRMChange(ctx context.Context) (int64, error)
	PruneCRMChanges(ctx context.Context, upTo int64, before time.Time) error
}

// meeting is an appointment of alice in CRM with everything that is easily lost on the way through storage.
func meeting(n int, from, until time.Time) portal.CRMAppointment {
	ten := 10
	a := portal.CRMAppointment{Origin: portal.SourceCRM, ChangedAt: noon(), ChangedBy: string(alice)}
	a.ID, a.Calendar, a.UID = fmt.Sprintf("crm-%d", n), alice, fmt.Sprintf("uid-%d", n)
	a.Subject, a.Body, a.BodyHTML, a.Start, a.End, a.ReminderMinutes = "Subject 🍜", "text", "<p>text</p>", from, until, &ten
	a.TimeZone, a.Status, a.Show, a.Private, a.Source = "Europe/Vienna", portal.StatusPending, portal.ShowBusy, true, portal.SourceCRM
	a.Attendees = []portal.Attendee{{URI: bob, Email: "bob@example.test", Response: portal.ResponseAccepted, RespondedAt: from}, {Email: "out@example.test"}}
	a.People, a.Companies, a.Categories = []string{"p1"}, []string{"c1"}, []string{"red"}
	a.Kept = []portal.CRMFile{{Attachment: portal.Attachment{ID: "f1", Name: "plan.pdf", Size: 3}, Hash: hashOf("abc")}}
	return a
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// putMeeting stores one appointment.
func putMeeting(t *testing.T, s Store, a portal.CRMAppointment, evs ...portal.Addressed) portal.CRMAppointment {
	t.Helper()
	stored, err := s.PutCRMAppointments(deadline(t), "", []portal.CRMAppointment{a}, evs...)
	must(t, err)
	if len(stored) != 1 || stored[0].Revision != a.Revision+1 {
		t.Fatalf("stored %+v", stored)
	}
	return stored[0]
}

func crmIDs(list []portal.CRMAppointment) []string {
	out := []string{}
	for i := range list {
		out = append(out, list[i].ID)
	}
	return out
}

// changesSince is the change log after a number, without what time and counting put into it.
func changesSince(t *testing.T, s Store, after int64) []portal.CRMChange {
	t.Helper()
	list, err := s.CRMChanges(deadline(t), after, 100)
	must(t, err)
	for i := range list {
		if i > 0 && list[i].Seq <= list[i-1].Seq || list[i].Seq <= after || list[i].At.IsZero() {
			t.Errorf("line %d of the change log: %+v", i, list[i])
		}
		list[i].Seq, list[i].At = 0, time.Time{}
	}
	return list
}

func testCRMRecords(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, err := s.CRMAppointment(ctx, "crm-1")
	wantMeaning(t, err, portal.ErrNotFound)
	a := meeting(1, noon(), noon().Add(time.Hour))
	a.Recurrence = "FREQ=DAILY;COUNT=3"
	a.Exceptions = []portal.Appointment{{Subject: "moved", RecurrenceID: noon()}, {Subject: "worded", BodyHTML: "<b>x</b>", RecurrenceID: noon().Add(24 * time.Hour)}}
	a.Deleted = []time.Time{noon().Add(48 * time.Hour)}
	event := calendarEvent("crm-1", portal.Created)
	a = putMeeting(t, s, a, event)
	if evs := s.told(); len(evs) != 1 || evs[0].Event != event.Event {
		t.Errorf("told %+v", evs)
	}
	for name, read := range map[string]func() (portal.CRMAppointment, error){
		"id":  func() (portal.CRMAppointment, error) { return s.CRMAppointment(ctx, "crm-1") },
		"uid": func() (portal.CRMAppointment, error) { return s.CRMAppointmentByUID(ctx, "uid-1") },
		"alike": func() (portal.CRMAppointment, error) {
			return only(s.CRMAppointmentsAlike(ctx, alice, noon(), noon().Add(time.Hour), false))
		},
		"window": func() (portal.CRMAppointment, error) {
			return only(s.CRMWindow(ctx, bob, noon(), noon().Add(time.Minute)))
		},
		"person":  func() (portal.CRMAppointment, error) { return only(s.CRMAppointmentsOf(ctx, "p1", "", 10)) },
		"company": func() (portal.CRMAppointment, error) { return only(s.CRMAppointmentsOf(ctx, "", "c1", 10)) },
	} {
		if got, err := read(); err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("by %s: stored\n%+v\ngot\n%+v, %v", name, a, got, err)
		}
	}
	for name, list := range map[string]func() ([]portal.CRMAppointment, error){
		"another length": func() ([]portal.CRMAppointment, error) {
			return s.CRMAppointmentsAlike(ctx, alice, noon(), noon().Add(2*time.Hour), false)
		},
		"all day": func() ([]portal.CRMAppointment, error) {
			return s.CRMAppointmentsAlike(ctx, alice, noon(), noon().Add(time.Hour), true)
		},
		"another's": func() ([]portal.CRMAppointment, error) {
			return s.CRMAppointmentsAlike(ctx, bob, noon(), noon().Add(time.Hour), false)
		},
		"another person": func() ([]portal.CRMAppointment, error) { return s.CRMAppointmentsOf(ctx, "c1", "", 10) },
	} {
		if got, err := list(); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, crmIDs(got), err)
		}
	}
	_, err = s.CRMAppointmentsOf(ctx, "", "", 10)
	wantMeaning(t, err, portal.ErrInvalid)
	_, err = s.CRMAppointmentByUID(ctx, "")
	wantMeaning(t, err, portal.ErrNotFound)
}

func only(list []portal.CRMAppointment, err error) (portal.CRMAppointment, error) {
	if err != nil || len(list) != 1 {
		return portal.CRMAppointment{}, fmt.Errorf("%v, %w", crmIDs(list), err)
	}
	return list[0], nil
}

// testCRMRevisions: who does not know the newest revision changes nothing, and neither does who comes with them.
func testCRMRevisions(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	first := putMeeting(t, s, meeting(1, noon(), noon().Add(time.Hour)))
	stale := first
	first.Subject, first.Attendees, first.People, first.ChangedBy = "again", first.Attendees[1:], nil, string(bob)
	first = putMeeting(t, s, first)
	stale.Subject = "late"
	for name, list := range map[string][]portal.CRMAppointment{
		"stale":         {meeting(2, noon(), noon()), stale},
		"there already": {meeting(2, noon(), noon()), meeting(1, noon(), noon())},
		"UID taken":     {meeting(2, noon(), noon()), func() portal.CRMAppointment { a := meeting(3, noon(), noon()); a.UID = "uid-1"; return a }()},
		"never there":   {meeting(2, noon(), noon()), func() portal.CRMAppointment { a := meeting(4, noon(), noon()); a.Revision = 1; return a }()},
	} {
		_, err := s.PutCRMAppointments(ctx, "key-"+name, list, calendarEvent("crm-1", portal.Updated))
		wantMeaning(t, err, portal.ErrConflict)
		_, err = s.CRMAppointment(ctx, "crm-2")
		if portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: half of it was kept: %v", name, err)
		}
	}
	_, err := s.PutCRMAppointments(ctx, "", []portal.CRMAppointment{{}})
	wantMeaning(t, err, portal.ErrInvalid)
	if got, err := s.CRMAppointment(ctx, "crm-1"); err != nil || !reflect.DeepEqual(got, first) {
		t.Errorf("stored\n%+v\ngot\n%+v, %v", first, got, err)
	}
	if got, err := s.CRMWindow(ctx, bob, noon(), noon().Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("bob, who is no longer invited: %v, %v", crmIDs(got), err)
	}
	if got, err := s.CRMAppointmentsOf(ctx, "p1", "", 10); err != nil || len(got) != 0 {
		t.Errorf("the person who is no longer tied: %v, %v", crmIDs(got), err)
	}
	if evs := s.told(); len(evs) != 0 {
		t.Errorf("told %+v", evs)
	}
	want := []portal.CRMChange{
		{Kind: "appointment", ID: "crm-1", Change: portal.Created, By: string(alice), Revision: 1},
		{Kind: "appointment", ID: "crm-1", Change: portal.Updated, By: string(bob), Revision: 2},
	}
	if got := changesSince(t, s, 0); !slices.Equal(got, want) {
		t.Errorf("the change log has %+v", got)
	}
}

// testCRMGone: a deleted record is found by its ID alone, leaves its UID to another, and comes back.
func testCRMGone(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	a := putMeeting(t, s, meeting(1, noon(), noon().Add(time.Hour)))
	// In one call the UID goes from one to the other, whichever is named first.
	a.Gone = noon().Add(time.Minute)
	heir := meeting(2, noon(), noon().Add(time.Hour))
	heir.UID = a.UID
	stored, err := s.PutCRMAppointments(ctx, "", []portal.CRMAppointment{heir, a})
	must(t, err)
	if !slices.Equal(crmIDs(stored), []string{"crm-2", "crm-1"}) {
		t.Errorf("stored %v", crmIDs(stored))
	}
	a = stored[1]
	if got, err := s.CRMAppointment(ctx, "crm-1"); err != nil || !reflect.DeepEqual(got, a) || got.Gone.IsZero() {
		t.Errorf("gone: stored\n%+v\ngot\n%+v, %v", a, got, err)
	}
	if got, err := s.CRMAppointmentByUID(ctx, a.UID); err != nil || got.ID != "crm-2" {
		t.Errorf("by uid %+v, %v", got, err)
	}
	for name, list := range map[string]func() ([]portal.CRMAppointment, error){
		"window": func() ([]portal.CRMAppointment, error) { return s.CRMWindow(ctx, bob, noon(), noon().Add(time.Hour)) },
		"alike": func() ([]portal.CRMAppointment, error) {
			return s.CRMAppointmentsAlike(ctx, alice, noon(), noon().Add(time.Hour), false)
		},
		"tied": func() ([]portal.CRMAppointment, error) { return s.CRMAppointmentsOf(ctx, "p1", "", 10) },
	} {
		if got, err := list(); err != nil || !slices.Equal(crmIDs(got), []string{"crm-2"}) {
			t.Errorf("%s: %v, %v", name, crmIDs(got), err)
		}
	}
	back := a
	back.Gone = time.Time{}
	_, err = s.PutCRMAppointments(ctx, "", []portal.CRMAppointment{back})
	wantMeaning(t, err, portal.ErrConflict) // its UID is another's now
	back.UID = "uid-new"
	putMeeting(t, s, back)
	if got, err := s.CRMWindow(ctx, bob, noon(), noon().Add(time.Hour)); err != nil || !slices.Equal(crmIDs(got), []string{"crm-1", "crm-2"}) {
		t.Errorf("after it came back: %v, %v", crmIDs(got), err)
	}
	var changes []portal.Change
	for _, c := range changesSince(t, s, 0) {
		changes = append(changes, c.Change)
	}
	if want := []portal.Change{portal.Created, portal.Deleted, portal.Created, portal.Created}; !slices.Equal(changes, want) {
		t.Errorf("the change log has %v, want %v", changes, want)
	}
	// Records without a UID do not stand in each other's way.
	one, two := meeting(5, noon(), noon()), meeting(6, noon(), noon())
	one.UID, two.UID = "", ""
	putMeeting(t, s, one)
	putMeeting(t, s, two)
}

// testCRMWindows: whatever touches the window is found, however long it lasts and whatever its rule says.
func testCRMWindows(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	hour := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Hour) }
	type span struct {
		from, until int
		rule        string
		last        int // the end of the series' last occurrence
	}
	const ever = 1 << 20
	spans := []span{
		{0, 1, "", 1}, {2, 2, "", 2}, {-47, 1, "", 1}, {-100, 1, "", 1}, {-200, -100, "", -100}, {-40, 0, "", 0},
		{-1000, -999, "FREQ=DAILY", ever}, {-1000, -999, "FREQ=DAILY;COUNT=3", -951}, {-1000, -999, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=4", 300},
		{-1000, -999, "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=5", ever}, {-1000, -999, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2", ever},
		{-500, -499, "FREQ=WEEKLY;UNTIL=20260822T120000Z", 1}, {-900, -899, "FREQ=DAILY;UNTIL=20260730", -540}, {-1000, -999, "FREQ=SOMETIMES;COUNT=1", ever},
		{-1000, -999, "FREQ=DAILY;INTERVAL=1000000;COUNT=1000000", ever},
	}
	var list []portal.CRMAppointment
	for i, sp := range spans {
		a := meeting(i, hour(sp.from), hour(sp.until))
		a.Recurrence = sp.rule
		list = append(list, a)
	}
	moved := meeting(50, hour(-1000), hour(-999)) // of which one occurrence was moved far off, with another guest
	moved.Recurrence = "FREQ=DAILY;COUNT=2"
	moved.Exceptions = []portal.Appointment{{RecurrenceID: hour(-976), Start: hour(100), End: hour(101), Attendees: []portal.Attendee{{URI: carol}}}}
	_, err := s.PutCRMAppointments(ctx, "", append(list, moved))
	must(t, err)
	for from := -210; from < 10; from += 7 {
		for _, length := range []int{1, 30, 300} {
			got, err := s.CRMWindow(ctx, bob, hour(from), hour(from+length))
			must(t, err)
			if !slices.IsSortedFunc(got, func(a, b portal.CRMAppointment) int { return a.Start.Compare(b.Start) }) {
				t.Errorf("from %d for %d: not in order: %v", from, length, crmIDs(got))
			}
			for i, sp := range spans {
				touches := sp.from < from+length && (sp.last > from || sp.from == sp.last && sp.from >= from)
				found := slices.Contains(crmIDs(got), list[i].ID)
				slack := 0
				if sp.rule != "" {
					slack = 24 * 30
				}
				far := sp.from >= from+length+slack || sp.last+slack < from
				if touches && !found || far && found {
					t.Errorf("from %d for %d: %v found %v", from, length, sp, found)
				}
			}
		}
	}
	if got, err := s.CRMWindow(ctx, carol, hour(100), hour(101)); err != nil || !slices.Equal(crmIDs(got), []string{"crm-50"}) {
		t.Errorf("carol, who is invited to one occurrence: %v, %v", crmIDs(got), err)
	}
	if got, err := s.CRMWindow(ctx, carol, hour(102), hour(5000)); err != nil || len(got) != 0 {
		t.Errorf("carol after it: %v, %v", crmIDs(got), err)
	}
}

// testCRMKeys: a write with an idempotency key is done once, and its repeat is given the same answer, for a week.
func testCRMKeys(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	event := calendarEvent("crm-1", portal.Created)
	first, err := s.PutCRMAppointments(ctx, "key", []portal.CRMAppointment{meeting(1, noon(), noon())}, event)
	must(t, err)
	changed := first[0]
	changed.Subject = "changed since"
	putMeeting(t, s, changed)
	again, err := s.PutCRMAppointments(ctx, "key", []portal.CRMAppointment{meeting(2, noon(), noon())}, event)
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("first\n%+v\nthe repeat\n%+v, %v", first, again, err)
	}
	if evs := s.told(); len(evs) != 1 {
		t.Errorf("the repeat was told: %+v", evs)
	}
	person := portal.CRMPerson{ID: "p1", FirstName: "Ada"}
	stored, err := s.PutCRMPeople(ctx, "key", []portal.CRMPerson{person}, "x") // another kind's keys are others
	if err != nil || len(stored) != 1 || stored[0].Version != 1 {
		t.Errorf("%+v, %v", stored, err)
	}
	repeated, err := s.PutCRMPeople(ctx, "key", []portal.CRMPerson{person}, "x")
	if err != nil || !slices.Equal(repeated, stored) {
		t.Errorf("first %+v, the repeat %+v, %v", stored, repeated, err)
	}
	// Without records, only the events are stored.
	if list, err := s.PutCRMAppointments(ctx, "", nil, event); err != nil || len(list) != 0 || len(s.told()) != 2 {
		t.Errorf("%+v, %v, told %d", list, err, len(s.told()))
	}
	clock.advance(8 * 24 * time.Hour)
	eventually(t, "the key forgotten", func() bool {
		_, err := s.PutCRMAppointments(ctx, "key", []portal.CRMAppointment{meeting(1, noon(), noon())})
		return portal.Meaning(err) == portal.ErrConflict // now it is a new record whose ID is taken
	})
}

func testCRMChangeLog(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	if last, err := s.LastCRMChange(ctx); err != nil || last != 0 {
		t.Errorf("of an empty log: %d, %v", last, err)
	}
	const n = 560 // more than one slice
	var list []portal.CRMUser
	for i := range n {
		list = append(list, portal.CRMUser{Address: portal.Address(fmt.Sprintf("sip:user%d@example.test", i))})
	}
	_, err := s.PutCRMUsers(ctx, "", list, "x")
	must(t, err)
	if lines, err := s.CRMChanges(ctx, 10, 5); err != nil || len(lines) != 5 || lines[0].Seq != 11 || !lines[0].At.Equal(clock.now()) {
		t.Errorf("%+v, %v", lines, err)
	}
	clock.advance(time.Hour)
	must(t, s.PruneCRMChanges(ctx, 540, clock.now().Add(-2*time.Hour))) // nothing is that old
	if lines, err := s.CRMChanges(ctx, 0, 1); err != nil || len(lines) != 1 || lines[0].Seq != 1 {
		t.Errorf("%+v, %v", lines, err)
	}
	must(t, s.PruneCRMChanges(ctx, 540, clock.now()))
	if lines, err := s.CRMChanges(ctx, 0, 1); err != nil || len(lines) != 1 || lines[0].Seq != 541 {
		t.Errorf("%+v, %v", lines, err)
	}
	must(t, s.PruneCRMChanges(ctx, 1<<40, clock.now()))
	if last, err := s.LastCRMChange(ctx); err != nil || last != n {
		t.Errorf("the head was %d and is %d, %v", n, last, err)
	}
	if lines, err := s.CRMChanges(ctx, 0, 10); err != nil || len(lines) != 1 {
		t.Errorf("%+v, %v", lines, err)
	}
}

// testCRMFiles: bytes are kept as long as a record has them, deleted ones too, and a week where none has.
func testCRMFiles(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	for _, text := range []string{"abc", "unused", ""} {
		must(t, s.PutCRMFile(ctx, hashOf(text), []byte(text)))
		must(t, s.PutCRMFile(ctx, hashOf(text), []byte(text)))
		if data, err := s.CRMFile(ctx, hashOf(text)); err != nil || !bytes.Equal(data, []byte(text)) {
			t.Errorf("%q, %v", data, err)
		}
	}
	wantMeaning(t, s.PutCRMFile(ctx, hashOf("abc"), []byte("abd")), portal.ErrInvalid)
	_, err := s.CRMFile(ctx, hashOf("none"))
	wantMeaning(t, err, portal.ErrNotFound)
	a := meeting(1, noon(), noon()) // has abc
	a.Gone = noon()
	a = putMeeting(t, s, a)
	clock.advance(8 * 24 * time.Hour)
	eventually(t, "unused bytes forgotten", func() bool {
		_, err := s.CRMFile(ctx, hashOf("unused"))
		return portal.Meaning(err) == portal.ErrNotFound
	})
	if _, err := s.CRMFile(ctx, hashOf("abc")); err != nil {
		t.Errorf("a deleted record's: %v", err)
	}
	a.Kept = nil
	putMeeting(t, s, a)
	eventually(t, "bytes that no record has any more forgotten", func() bool {
		_, err := s.CRMFile(ctx, hashOf("abc"))
		return portal.Meaning(err) == portal.ErrNotFound
	})
}
