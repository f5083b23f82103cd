package ews

import (
	"strings"
	"testing"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// fields are the properties that a change writes, in order.
func fields(list []soap.Update) string {
	var out []string
	for _, u := range list {
		name := "stamp"
		if u.Path.Field != nil {
			name = strings.TrimPrefix(strings.TrimPrefix(u.Path.Field.FieldURI, "calendar:"), "item:")
		}
		if u.Kind == "DeleteItemField" {
			name = "-" + name
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func meetingBase(t *testing.T) base {
	t.Helper()
	return base{Appointment: portal.Appointment{Subject: "S", Start: at(t, "2026-03-02T13:00:00Z"), End: at(t, "2026-03-02T14:00:00Z"), TimeZone: "Europe/Berlin", Mine: true},
		invited: []portal.Attendee{{Email: "bob@example.test", Role: portal.RoleRequired}, {Email: "carol@example.test", Role: portal.RoleOptional}}}
}

// A change writes the properties that it names and no others; times go together; who is invited is not touched unless named.
func TestChangesWriteOnlyWhatTheyName(t *testing.T) {
	attendees := []portal.Attendee{{Email: "bob@example.test", Role: portal.RoleRequired}}
	minutes := ptr(5)
	var none *int
	for _, c := range []struct {
		name   string
		ch     portal.AppointmentChange
		want   string
		mail   bool
		people bool
	}{
		{"nothing", portal.AppointmentChange{}, "", false, false},
		{"subject", portal.AppointmentChange{Subject: ptr("New")}, "Subject stamp", true, false},
		{"subject away", portal.AppointmentChange{Subject: ptr(" ")}, "-Subject stamp", true, false},
		{"location away", portal.AppointmentChange{Location: ptr("")}, "-Location stamp", true, false},
		{"body away", portal.AppointmentChange{Body: ptr("")}, "Body stamp", true, false},
		{"start alone", portal.AppointmentChange{Start: ptr(at(t, "2026-03-03T13:00:00Z"))}, "Start End IsAllDayEvent StartTimeZone EndTimeZone stamp", true, false},
		{"own things", portal.AppointmentChange{Show: ptr(portal.ShowFree), Private: ptr(true), ReminderMinutes: &minutes, Categories: &[]string{"Red"}},
			"LegacyFreeBusyStatus Sensitivity ReminderIsSet ReminderMinutesBeforeStart Categories stamp", false, false},
		{"own things away", portal.AppointmentChange{ReminderMinutes: &none, Categories: &[]string{}}, "ReminderIsSet -Categories stamp", false, false},
		{"attendees, the unknown kept", portal.AppointmentChange{Attendees: &attendees, Known: []string{"bob@example.test"}}, "", false, false},
		{"an attendee away", portal.AppointmentChange{Attendees: &attendees, Known: []string{"bob@example.test", "carol@example.test"}}, "-OptionalAttendees stamp", true, true},
		{"attendee and subject", portal.AppointmentChange{Subject: ptr("N"), Attendees: &attendees, Known: []string{"carol@example.test"}}, "Subject -OptionalAttendees stamp", true, false},
	} {
		list, mail, people, err := updates(meetingBase(t), c.ch, portal.WriteOptions{ChangeID: "c1"}, true)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := fields(list); got != c.want || mail != c.mail || people != c.people {
			t.Errorf("%s: %q mail %t people %t, want %q %t %t", c.name, got, mail, people, c.want, c.mail, c.people)
		}
	}
}

func TestChangeOfTimesKeepsTheLengthAndTheZone(t *testing.T) {
	list, _, _, err := updates(meetingBase(t), portal.AppointmentChange{Start: ptr(at(t, "2026-07-01T08:00:00Z"))}, portal.WriteOptions{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if end := list[1].Item.CalendarItem.End.UTC(); !end.Equal(at(t, "2026-07-01T09:00:00Z")) {
		t.Errorf("end %s", end)
	}
	if z := list[3].Item.CalendarItem.StartTimeZone.ID; z != "W. Europe Standard Time" {
		t.Errorf("zone %s", z)
	}
}

func TestChangeOfTimesThatCannotBe(t *testing.T) {
	for name, ch := range map[string]portal.AppointmentChange{
		"end before start": {End: ptr(at(t, "2026-03-01T00:00:00Z"))},
		"no such zone":     {TimeZone: ptr("Middle/Earth")},
		"year 9999":        {Start: ptr(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))},
		"no rule":          {Recurrence: ptr("FREQ=SOMETIMES")},
		"beyond Exchange":  {Recurrence: ptr("FREQ=HOURLY")},
	} {
		_, _, _, err := updates(meetingBase(t), ch, portal.WriteOptions{}, true)
		if portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A series that is moved takes its rule along.
func TestChangeMovesTheRuleOfASeries(t *testing.T) {
	for _, c := range []struct{ rule, from, to, want string }{
		{"FREQ=WEEKLY;BYDAY=MO", "2026-03-02", "2026-03-03", "FREQ=WEEKLY;BYDAY=TU"},
		{"FREQ=WEEKLY;BYDAY=MO,WE", "2026-03-02", "2026-03-03", "FREQ=WEEKLY;BYDAY=TU,WE"},
		{"FREQ=WEEKLY;BYDAY=MO,TU", "2026-03-02", "2026-03-03", "FREQ=WEEKLY;BYDAY=TU"},
		{"FREQ=MONTHLY;BYMONTHDAY=2", "2026-03-02", "2026-03-12", "FREQ=MONTHLY;BYMONTHDAY=12"},
		{"FREQ=MONTHLY;BYDAY=1MO", "2026-03-02", "2026-03-10", "FREQ=MONTHLY;BYDAY=2TU"},
		{"FREQ=MONTHLY;BYDAY=1MO", "2026-03-02", "2026-03-31", "FREQ=MONTHLY;BYDAY=-1TU"},
		{"FREQ=MONTHLY;BYDAY=-1MO", "2026-03-30", "2026-03-27", "FREQ=MONTHLY;BYDAY=-1FR"},
		{"FREQ=YEARLY;BYMONTHDAY=2;BYMONTH=3", "2026-03-02", "2026-04-05", "FREQ=YEARLY;BYMONTHDAY=5;BYMONTH=4"},
		{"FREQ=DAILY;COUNT=3", "2026-03-02", "2026-03-05", "FREQ=DAILY;COUNT=3"},
		{"FREQ=WEEKLY;BYDAY=MO", "2026-03-02", "2026-03-02", "FREQ=WEEKLY;BYDAY=MO"},
	} {
		b := base{Appointment: portal.Appointment{Start: at(t, c.from+"T09:00:00Z"), End: at(t, c.from+"T10:00:00Z"), TimeZone: "UTC", Recurrence: c.rule}}
		list, _, _, err := updates(b, portal.AppointmentChange{Start: ptr(at(t, c.to+"T11:00:00Z"))}, portal.WriteOptions{}, true)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		last := list[len(list)-1].Item.CalendarItem.Recurrence
		_, rng, err := fromRecurrence(last)
		if err != nil {
			t.Fatal(err)
		}
		it := timed(t, c.to+"T11:00:00Z", c.to+"T12:00:00Z", "UTC")
		it.Recurrence = last
		if e := entryOf(t, it); e.Recurrence != c.want {
			t.Errorf("%s moved from %s to %s is %s, want %s", c.rule, c.from, c.to, e.Recurrence, c.want)
		}
		if got := rng.Start.Format(time.DateOnly); got != c.to {
			t.Errorf("%s: begins on %s", c.rule, got)
		}
	}
}

func TestChangeOfAnOccurrenceHasNoRule(t *testing.T) {
	b := meetingBase(t)
	b.occurrence, b.Recurrence = true, "FREQ=WEEKLY"
	list, _, _, err := updates(b, portal.AppointmentChange{Start: ptr(at(t, "2026-03-03T13:00:00Z"))}, portal.WriteOptions{}, true)
	if err != nil || fields(list) != "Start End IsAllDayEvent" {
		t.Errorf("%s %v", fields(list), err)
	}
	if _, _, _, err := updates(b, portal.AppointmentChange{Recurrence: ptr("FREQ=DAILY")}, portal.WriteOptions{}, true); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("a rule of an occurrence: %v", err)
	}
	b.occurrence = false
	if list, _, _, err = updates(b, portal.AppointmentChange{Recurrence: ptr("")}, portal.WriteOptions{}, true); err != nil || fields(list) != "-Recurrence" {
		t.Errorf("a series that becomes a single one: %s %v", fields(list), err)
	}
}

func TestNewItemsAreStampedAndWhole(t *testing.T) {
	a := portal.Appointment{UID: "u", Subject: "S\x00", Body: "B", Start: at(t, "2026-03-02T13:00:00Z"), End: at(t, "2026-03-02T14:00:00Z"), TimeZone: "Europe/Berlin",
		Recurrence: "FREQ=WEEKLY;BYDAY=MO", ReminderMinutes: ptr(-3), Categories: []string{" ", "Red"},
		Attendees: []portal.Attendee{{Email: "bob@example.test"}, {Name: "No address"}, {Email: "room1@example.test", Role: portal.RoleResource}}}
	it, err := newItem(a, portal.WriteOptions{ChangeID: "c1"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if stamp, ok := it.Extended(stampMade); !ok || stamp != "c1" {
		t.Errorf("stamp %q", stamp)
	}
	if it.Subject != "S" || len(it.Categories) != 1 || *it.ReminderMinutesBeforeStart != 0 || len(it.RequiredAttendees) != 1 || len(it.Resources) != 1 {
		t.Errorf("%+v", it)
	}
	if it.StartTimeZone == nil || it.EndTimeZone == nil || it.Recurrence == nil || it.Recurrence.Weekly == nil {
		t.Errorf("zones or rule are missing: %+v", it)
	}
	if _, err := newItem(portal.Appointment{}, portal.WriteOptions{}, true); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("an appointment without a time: %v", err)
	}
}

func TestZoneWithoutAWindowsIDIsWrittenWithItsRules(t *testing.T) {
	def, loc, err := definition("Antarctica/Troll", 2026)
	if err != nil {
		t.Fatal(err)
	}
	if len(def.Periods) == 0 || def.Transitions == nil {
		t.Fatalf("no rules: %+v", def)
	}
	it := timed(t, "2026-07-01T08:00:00Z", "2026-07-01T09:00:00Z", "")
	it.StartTimeZone = &soap.TimeZoneDefinition{ID: "Customized Time Zone", Periods: def.Periods, Groups: def.Groups, Transitions: def.Transitions}
	e := entryOf(t, it)
	for m := time.January; m <= time.December; m++ {
		noon := time.Date(2026, m, 15, 12, 0, 0, 0, time.UTC)
		_, got := noon.In(location(t, e.TimeZone)).Zone()
		if _, want := noon.In(loc).Zone(); got != want {
			t.Errorf("%s in %s: %d, want %d", e.TimeZone, m, got, want)
		}
	}
}
