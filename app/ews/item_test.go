package ews

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

const alice = portal.Address("sip:alice@example.test")

func testReading(t *testing.T) *reading {
	t.Helper()
	return &reading{voice: voice{person: personOf("example.test")}, owner: alice, own: "alice@example.test", zones: newZoneBook(),
		note: func(what string, args ...any) { t.Logf("%s %v", what, args) }}
}

func ptr[T any](v T) *T { return &v }

// at reads a time as a test writes it.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// timed is a calendar item of the lab's alice with the least that an item has.
func timed(t *testing.T, start, end, zoneID string) *soap.CalendarItem {
	t.Helper()
	it := &soap.CalendarItem{Start: soap.At(at(t, start)), End: soap.At(at(t, end)), IsAllDayEvent: ptr(false), CalendarItemType: "Single",
		LegacyFreeBusyStatus: "Busy", UID: "uid-1"}
	it.ItemID = &soap.ItemID{ID: "item-1", ChangeKey: "ck-1"}
	if zoneID != "" {
		it.StartTimeZone = &soap.TimeZoneDefinition{ID: zoneID}
	}
	return it
}

func allDay(t *testing.T, start, end, zoneID string) *soap.CalendarItem {
	t.Helper()
	it := timed(t, start, end, zoneID)
	it.IsAllDayEvent = ptr(true)
	return it
}

func entryOf(t *testing.T, it *soap.CalendarItem) portal.Entry {
	t.Helper()
	e, err := testReading(t).entry(it, nil)
	if err != nil {
		t.Fatalf("entry: %v", err)
	}
	return e
}

// instants lists when an entry happens, as its own zone's clocks say.
func instants(t *testing.T, e portal.Entry, n int) []string {
	t.Helper()
	loc := location(t, e.TimeZone)
	s, err := seriesOf(e, loc)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for start, err := range s.Rule.Starts(s.Start, s.AllDay, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(out) == n {
			break
		}
		out = append(out, start.UTC().Format(time.RFC3339))
	}
	return out
}

func weekly(it *soap.CalendarItem, from string, days ...string) *soap.CalendarItem {
	it.CalendarItemType = "RecurringMaster"
	it.Recurrence = &soap.Recurrence{Weekly: &soap.Weekly{Interval: 1, DaysOfWeek: days}, NoEnd: &soap.NoEnd{StartDate: soap.Date(from)}}
	return it
}

// Zones that switch on different dates: between the 8th and the 29th of March New York is an hour nearer to Berlin.
func TestTimeZonesThatSwitchOnDifferentDates(t *testing.T) {
	berlin := entryOf(t, weekly(timed(t, "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z", "W. Europe Standard Time"), "2026-03-02", "Monday"))
	newYork := entryOf(t, weekly(timed(t, "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z", "Eastern Standard Time"), "2026-03-02", "Monday"))
	got := instants(t, berlin, 5)
	want := []string{"2026-03-02T14:00:00Z", "2026-03-09T14:00:00Z", "2026-03-16T14:00:00Z", "2026-03-23T14:00:00Z", "2026-03-30T13:00:00Z"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("Berlin: %v", got)
	}
	got = instants(t, newYork, 5)
	want = []string{"2026-03-02T14:00:00Z", "2026-03-09T13:00:00Z", "2026-03-16T13:00:00Z", "2026-03-23T13:00:00Z", "2026-03-30T13:00:00Z"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("New York: %v", got)
	}
}

// The trap of fixed offsets: "GMT Standard Time" is London with its summer time, not UTC.
func TestTimeGMTStandardTimeIsLondon(t *testing.T) {
	e := entryOf(t, weekly(timed(t, "2026-03-23T09:00:00Z", "2026-03-23T10:00:00Z", "GMT Standard Time"), "2026-03-23", "Monday"))
	if e.TimeZone != "Europe/London" {
		t.Fatalf("zone %s", e.TimeZone)
	}
	if got := instants(t, e, 2)[1]; got != "2026-03-30T08:00:00Z" {
		t.Errorf("after the change the meeting is at %s", got)
	}
}

// The odd spellings of zones, and where an item says its zone at all.
func TestTimeZoneSpellings(t *testing.T) {
	rules := &soap.TimeZoneDefinition{ID: "Customized Time Zone", Name: "Customized Time Zone",
		Periods: []soap.Period{{ID: "std", Name: "Standard", Bias: ptr(soap.Span(-time.Hour))}, {ID: "dlt", Name: "Daylight", Bias: ptr(soap.Span(-2 * time.Hour))}},
		Groups: []soap.TransitionsGroup{{ID: "0", Transitions: []soap.Transition{
			{Kind: "RecurringDayTransition", To: soap.TransitionTarget{Kind: "Period", ID: "dlt"}, TimeOffset: ptr(soap.Span(2 * time.Hour)), Month: ptr(3), DayOfWeek: "Sunday", Occurrence: ptr(-1)},
			{Kind: "RecurringDayTransition", To: soap.TransitionTarget{Kind: "Period", ID: "std"}, TimeOffset: ptr(soap.Span(3 * time.Hour)), Month: ptr(10), DayOfWeek: "Sunday", Occurrence: ptr(-1)}}}},
		Transitions: &soap.TransitionsGroup{Transitions: []soap.Transition{{Kind: "Transition", To: soap.TransitionTarget{Kind: "Group", ID: "0"}}}}}
	berlin := location(t, "Europe/Berlin")
	for _, c := range []struct {
		name string
		put  func(it *soap.CalendarItem)
		same *time.Location // whose clocks the zone has to show all year
	}{
		{"a Windows id", func(it *soap.CalendarItem) {
			it.StartTimeZone = &soap.TimeZoneDefinition{ID: "W. Europe Standard Time"}
		}, berlin},
		{"an IANA name", func(it *soap.CalendarItem) { it.StartTimeZone = &soap.TimeZoneDefinition{ID: "Europe/Berlin"} }, berlin},
		{"a display name", func(it *soap.CalendarItem) {
			it.StartTimeZone = &soap.TimeZoneDefinition{Name: "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"}
		}, berlin},
		{"a localised name", func(it *soap.CalendarItem) {
			it.StartTimeZone = &soap.TimeZoneDefinition{ID: "Mitteleuropäische Zeit"}
		}, berlin},
		{"a tzone address", func(it *soap.CalendarItem) { it.StartTimeZone = &soap.TimeZoneDefinition{ID: "tzone://Microsoft/Utc"} }, time.UTC},
		{"rules without a name", func(it *soap.CalendarItem) { it.StartTimeZone = rules }, berlin},
		{"empty, then the end's", func(it *soap.CalendarItem) {
			it.StartTimeZone, it.EndTimeZone = &soap.TimeZoneDefinition{}, &soap.TimeZoneDefinition{ID: "W. Europe Standard Time"}
		}, berlin},
		{"only the item's old zone text", func(it *soap.CalendarItem) {
			it.TimeZone = "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"
		}, berlin},
		{"the way of Exchange 2007", func(it *soap.CalendarItem) {
			it.MeetingTimeZone = &soap.MeetingTimeZone{Name: "W. Europe Standard Time"}
		}, berlin},
		{"rules in the way of Exchange 2007", func(it *soap.CalendarItem) {
			it.MeetingTimeZone = &soap.MeetingTimeZone{Name: "Custom", BaseOffset: ptr(soap.Span(-time.Hour)),
				Standard: &soap.TimeChange{Offset: ptr(soap.Span(0)), RelativeYearly: &soap.RelativeYearly{DaysOfWeek: "Sunday", DayOfWeekIndex: "Last", Month: "October"}, Time: "03:00:00"},
				Daylight: &soap.TimeChange{Offset: ptr(soap.Span(-time.Hour)), RelativeYearly: &soap.RelativeYearly{DaysOfWeek: "Sunday", DayOfWeekIndex: "Last", Month: "March"}, Time: "02:00:00"}}
		}, berlin},
		{"nothing", func(*soap.CalendarItem) {}, time.UTC},
		{"nonsense", func(it *soap.CalendarItem) {
			it.StartTimeZone = &soap.TimeZoneDefinition{ID: "Middle-earth Standard Time"}
		}, time.UTC},
	} {
		t.Run(c.name, func(t *testing.T) {
			it := timed(t, "2026-07-01T08:00:00Z", "2026-07-01T09:00:00Z", "")
			c.put(it)
			e := entryOf(t, it)
			loc := location(t, e.TimeZone)
			for m := time.January; m <= time.December; m++ {
				noon := time.Date(2026, m, 15, 12, 0, 0, 0, time.UTC)
				_, got := noon.In(loc).Zone()
				_, want := noon.In(c.same).Zone()
				if got != want {
					t.Fatalf("%s in %s: offset %d, want %d", e.TimeZone, m, got, want)
				}
			}
			if !e.Start.Equal(at(t, "2026-07-01T08:00:00Z")) {
				t.Errorf("start %s", e.Start)
			}
		})
	}
}

// Rules that no zone has are kept as near as a name can come: the offset at the item is right.
func TestTimeZoneWithRulesOfItsOwn(t *testing.T) {
	odd := &soap.TimeZoneDefinition{ID: "Customized Time Zone", Periods: []soap.Period{{ID: "p", Bias: ptr(soap.Span(-(3*time.Hour + 17*time.Minute)))}},
		Groups:      []soap.TransitionsGroup{{ID: "0", Transitions: []soap.Transition{{Kind: "Transition", To: soap.TransitionTarget{Kind: "Period", ID: "p"}}}}},
		Transitions: &soap.TransitionsGroup{Transitions: []soap.Transition{{Kind: "Transition", To: soap.TransitionTarget{Kind: "Group", ID: "0"}}}}}
	it := allDay(t, "2026-07-01T20:43:00Z", "2026-07-02T20:43:00Z", "")
	it.StartTimeZone = odd
	e := entryOf(t, it)
	if !e.Start.Equal(day(2026, 7, 2)) || !e.End.Equal(day(2026, 7, 3)) {
		t.Errorf("%s to %s in %s", e.Start, e.End, e.TimeZone)
	}
	if _, off := time.Date(2026, 7, 1, 0, 0, 0, 0, location(t, e.TimeZone)).Zone(); off != 3*3600+17*60 {
		t.Errorf("zone %s has the offset %d", e.TimeZone, off)
	}
}

// Times without offset are the zone's of the request, which is UTC; with an offset they are what they say.
func TestTimesWithZWithOffsetAndWithNeither(t *testing.T) {
	for _, text := range []string{"2026-07-01T08:00:00Z", "2026-07-01T10:00:00+02:00", "2026-07-01T08:00:00", "2026-07-01T08:00:00.000Z", "2026-07-01T08:00:00.123456789Z"} {
		var d soap.DateTime
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		it := timed(t, "2026-07-01T08:00:00Z", "2026-07-01T09:00:00Z", "UTC")
		it.Start = &d
		if e := entryOf(t, it); !e.Start.Equal(at(t, "2026-07-01T08:00:00Z")) {
			t.Errorf("%s became %s", text, e.Start)
		}
	}
}

func TestTimeAllDayIsDates(t *testing.T) {
	for _, c := range []struct{ zone, start, end, first, after string }{
		{"Dateline Standard Time", "2026-07-01T12:00:00Z", "2026-07-02T12:00:00Z", "2026-07-01", "2026-07-02"},
		{"Line Islands Standard Time", "2026-06-30T10:00:00Z", "2026-07-01T10:00:00Z", "2026-07-01", "2026-07-02"},
		{"W. Europe Standard Time", "2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-28", "2026-03-30"}, // over the change of clocks
		{"Pacific Standard Time", "2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z", "2026-07-01", "2026-07-02"},
		{"UTC", "2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-07-01", "2026-07-02"}, // an end that some send
		{"", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z", "2026-07-01", "2026-07-02"},    // the zone is lost, the date is not
	} {
		e := entryOf(t, allDay(t, c.start, c.end, c.zone))
		if got := e.Start.Format(time.DateOnly) + " " + e.End.Format(time.DateOnly); got != c.first+" "+c.after || !e.AllDay {
			t.Errorf("%s: %s, want %s %s", c.zone, got, c.first, c.after)
		}
		if h, m, s := e.Start.Clock(); h+m+s != 0 || e.Start.Location() != time.UTC {
			t.Errorf("%s: %s is no midnight in UTC", c.zone, e.Start)
		}
	}
}

// What goes out comes back as the same dates, whoever's zone it was written in (all-day events are equal by date).
func TestTimeAllDayThereAndBack(t *testing.T) {
	for _, zone := range []string{"Etc/GMT+12", "America/Los_Angeles", "UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Kiritimati"} {
		a := portal.Appointment{Start: day(2026, 3, 28), End: day(2026, 3, 30), AllDay: true, TimeZone: zone, Show: portal.ShowOOF}
		it, err := newItem(a, portal.WriteOptions{}, true)
		if err != nil {
			t.Fatalf("%s: %v", zone, err)
		}
		it.ItemID = &soap.ItemID{ID: "x", ChangeKey: "y"}
		e := entryOf(t, it)
		if !e.Start.Equal(a.Start) || !e.End.Equal(a.End) || !e.AllDay || e.Show != portal.ShowOOF {
			t.Errorf("%s: %s to %s", zone, e.Start, e.End)
		}
	}
}

func TestSeriesPatternsThereAndBack(t *testing.T) {
	for _, rule := range []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=3;COUNT=10", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU",
		"FREQ=MONTHLY;BYMONTHDAY=15", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", "FREQ=MONTHLY;BYMONTHDAY=-1",
		"FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3", "FREQ=YEARLY;BYMONTH=3;BYDAY=1TU",
		"FREQ=YEARLY;BYMONTH=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2", "FREQ=DAILY;UNTIL=20261231T080000Z",
	} {
		r, err := recurrence.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		loc := location(t, "Europe/Berlin")
		start := time.Date(2026, 3, 3, 9, 0, 0, 0, loc) // a Tuesday, the second working day and the first Tuesday of March
		for s, err := range r.Starts(time.Date(2026, 3, 1, 9, 0, 0, 0, loc), false, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			start = s // the first that the rule meets
			break
		}
		x, err := toRecurrence(r, start, false)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		it := timed(t, start.UTC().Format(time.RFC3339), start.Add(time.Hour).UTC().Format(time.RFC3339), "W. Europe Standard Time")
		it.CalendarItemType, it.Recurrence = "RecurringMaster", x
		e := entryOf(t, it)
		back, err := recurrence.Parse(e.Recurrence)
		if err != nil {
			t.Fatal(err)
		}
		if !recurrence.SameRule(r, start, back, start, false) {
			t.Errorf("%s came back as %s", rule, e.Recurrence)
		}
	}
}

// Day 31 means the last day of shorter months; a week begins on Sunday where the server does not say.
func TestSeriesClampedDayAndDefaultWeek(t *testing.T) {
	it := timed(t, "2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z", "UTC")
	it.CalendarItemType = "RecurringMaster"
	it.Recurrence = &soap.Recurrence{AbsoluteMonthly: &soap.AbsoluteMonthly{Interval: 1, DayOfMonth: 31}, Numbered: &soap.Numbered{StartDate: "2026-01-31", Count: 4}}
	got := instants(t, entryOf(t, it), 4)
	if strings.Join(got, " ") != "2026-01-31T08:00:00Z 2026-02-28T08:00:00Z 2026-03-31T08:00:00Z 2026-04-30T08:00:00Z" {
		t.Errorf("day 31: %v", got)
	}
	it = weekly(timed(t, "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", "UTC"), "2026-03-01", "Sunday", "Monday")
	it.Recurrence.Weekly.Interval = 2
	got = instants(t, entryOf(t, it), 3)
	if strings.Join(got, " ") != "2026-03-01T08:00:00Z 2026-03-02T08:00:00Z 2026-03-15T08:00:00Z" {
		t.Errorf("weeks that begin on Sunday: %v", got)
	}
}

func TestSeriesStartDateThatComesAsATime(t *testing.T) {
	var d soap.Date
	if err := d.UnmarshalText([]byte("2026-03-02T00:00:00Z")); err != nil {
		t.Fatal(err)
	}
	it := weekly(timed(t, "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z", "UTC"), string(d), "Monday")
	if e := entryOf(t, it); e.Kind != portal.KindMaster || e.Recurrence != "FREQ=WEEKLY;BYDAY=MO;WKST=SU" {
		t.Errorf("%s %q", e.Kind, e.Recurrence)
	}
}

func series(t *testing.T) (*soap.CalendarItem, map[string]*soap.CalendarItem) {
	t.Helper()
	it := weekly(timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "W. Europe Standard Time"), "2026-03-02", "Monday")
	it.Subject = "Weekly"
	x := timed(t, "2026-04-07T09:00:00Z", "2026-04-07T09:30:00Z", "W. Europe Standard Time")
	x.ItemID.ID, x.CalendarItemType, x.Subject, x.Location = "x-1", "Exception", "Moved", "Elsewhere"
	it.ModifiedOccurrences = []soap.Occurrence{
		// Moved from Monday to the day of another week's neighbour, after the change of clocks.
		{ItemID: soap.ItemID{ID: "x-1"}, OriginalStart: soap.At(at(t, "2026-04-06T12:00:00Z")), Start: x.Start, End: x.End},
		// The first one, changed too; its item cannot be had.
		{ItemID: soap.ItemID{ID: "x-2"}, OriginalStart: soap.At(at(t, "2026-03-02T13:00:00Z")), Start: soap.At(at(t, "2026-03-02T15:00:00Z")), End: soap.At(at(t, "2026-03-02T16:00:00Z"))},
	}
	it.DeletedOccurrences = []soap.DeletedOccurrence{{Start: soap.At(at(t, "2026-03-30T12:00:00Z"))}, {Start: soap.At(at(t, "2026-03-30T12:00:00Z"))}}
	return it, map[string]*soap.CalendarItem{"x-1": x}
}

func TestSeriesExceptionsAndDeletedOccurrences(t *testing.T) {
	it, xs := series(t)
	e, err := testReading(t).entry(it, xs)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Exceptions) != 2 || len(e.Deleted) != 1 {
		t.Fatalf("%d exceptions, %d deleted", len(e.Exceptions), len(e.Deleted))
	}
	first, second := e.Exceptions[0], e.Exceptions[1]
	if !first.RecurrenceID.Equal(at(t, "2026-03-02T13:00:00Z")) || first.Subject != "Weekly" || !first.Start.Equal(at(t, "2026-03-02T15:00:00Z")) {
		t.Errorf("the changed first occurrence: %+v", first)
	}
	if second.Subject != "Moved" || second.Location != "Elsewhere" || !second.RecurrenceID.Equal(at(t, "2026-04-06T12:00:00Z")) ||
		second.Kind != portal.KindException || second.Recurrence != e.Recurrence {
		t.Errorf("the moved occurrence: %+v", second)
	}
	s, err := seriesOf(e, location(t, e.TimeZone))
	if err != nil {
		t.Fatal(err)
	}
	occ, err := s.Between(at(t, "2026-03-01T00:00:00Z"), at(t, "2026-04-14T00:00:00Z"), 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range occ {
		got = append(got, o.Start.UTC().Format("01-02T15:04"))
	}
	// The exception is found by its RecurrenceID, the deleted one is missing.
	if want := "03-02T15:00 03-09T13:00 03-16T13:00 03-23T13:00 04-07T09:00 04-13T12:00"; strings.Join(got, " ") != want {
		t.Errorf("the series happens at %s, want %s", got, want)
	}
}

func TestSeriesAllDayExceptionsAreDates(t *testing.T) {
	it := weekly(allDay(t, "2026-03-01T23:00:00Z", "2026-03-02T23:00:00Z", "W. Europe Standard Time"), "2026-03-02", "Monday")
	it.DeletedOccurrences = []soap.DeletedOccurrence{{Start: soap.At(at(t, "2026-03-29T22:00:00Z"))}}
	it.ModifiedOccurrences = []soap.Occurrence{{ItemID: soap.ItemID{ID: "x"}, OriginalStart: soap.At(at(t, "2026-04-05T22:00:00Z")),
		Start: soap.At(at(t, "2026-04-06T22:00:00Z")), End: soap.At(at(t, "2026-04-07T22:00:00Z"))}}
	e := entryOf(t, it)
	if len(e.Deleted) != 1 || !e.Deleted[0].Equal(day(2026, 3, 30)) {
		t.Errorf("deleted %v", e.Deleted)
	}
	if x := e.Exceptions[0]; !x.RecurrenceID.Equal(day(2026, 4, 6)) || !x.Start.Equal(day(2026, 4, 7)) || !x.End.Equal(day(2026, 4, 8)) {
		t.Errorf("exception %+v", x)
	}
}

// Copied series can share a UID: entries are told apart by the server's id.
func TestSeriesCopiedWithTheSameUID(t *testing.T) {
	a, b := timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC"), timed(t, "2026-03-09T13:00:00Z", "2026-03-09T14:00:00Z", "UTC")
	b.ItemID.ID = "item-2"
	x, y := entryOf(t, a), entryOf(t, b)
	if x.UID != y.UID || x.RemoteID == y.RemoteID {
		t.Errorf("%s %s, %s %s", x.UID, x.RemoteID, y.UID, y.RemoteID)
	}
}

func TestPrivacyOfItems(t *testing.T) {
	for said, private := range map[string]bool{"Private": true, "Confidential": true, "Normal": false, "Personal": false, "": false} {
		it := timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC")
		it.Sensitivity = said
		if e := entryOf(t, it); e.Private != private {
			t.Errorf("%q: private %t", said, e.Private)
		}
	}
	for _, private := range []bool{true, false} {
		it, err := newItem(portal.Appointment{Start: at(t, "2026-03-02T13:00:00Z"), End: at(t, "2026-03-02T14:00:00Z"), Private: private}, portal.WriteOptions{}, true)
		if err != nil {
			t.Fatal(err)
		}
		if (it.Sensitivity == "Private") != private {
			t.Errorf("private %t is written as %s", private, it.Sensitivity)
		}
	}
}

// A time whose kind is not known is taken, never free.
func TestPrivacyUnknownFreeBusyIsBusy(t *testing.T) {
	for said, want := range map[string]portal.FreeBusy{"Free": portal.ShowFree, "Tentative": portal.ShowTentative, "Busy": portal.ShowBusy,
		"OOF": portal.ShowOOF, "WorkingElsewhere": portal.ShowElsewhere, "": portal.ShowBusy, "Sleeping": portal.ShowBusy} {
		if got := show(said); got != want {
			t.Errorf("%q is %s", said, got)
		}
	}
	if legacy(portal.ShowElsewhere, true) != "WorkingElsewhere" || legacy(portal.ShowElsewhere, false) != "Free" {
		t.Error("working elsewhere is written wrongly")
	}
	if legacy(portal.ShowNoData, true) != "Busy" || legacy("", true) != "Busy" {
		t.Error("no word is written as something else than busy")
	}
}

func attendee(email, said string) soap.Attendee {
	return soap.Attendee{Mailbox: soap.Mailbox{Name: strings.ToUpper(email), EmailAddress: email, RoutingType: "SMTP"}, ResponseType: said}
}

func TestAttendeesRolesAndAnswers(t *testing.T) {
	it := timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC")
	it.IsMeeting, it.MyResponseType = ptr(true), "Organizer"
	it.Organizer = &soap.Recipient{Mailbox: soap.Mailbox{Name: "Alice", EmailAddress: "alice@example.test"}}
	bob := attendee("bob@example.test", "Accept")
	bob.LastResponseTime = soap.At(at(t, "2026-02-28T10:00:00.5Z"))
	bob.ProposedStart, bob.ProposedEnd = soap.At(at(t, "2026-03-03T13:00:00Z")), soap.At(at(t, "2026-03-03T14:00:00Z"))
	none := attendee("carol@example.test", "Unknown")
	none.LastResponseTime = soap.At(at(t, "0001-01-01T00:00:00Z"))
	it.RequiredAttendees = []soap.Attendee{bob, none, attendee("erin@elsewhere.test", "Decline")}
	it.OptionalAttendees = []soap.Attendee{attendee("dave@example.test", "Tentative"), attendee("BOB@example.test", "NoResponseReceived")}
	it.Resources = []soap.Attendee{attendee("room1@example.test", "Accept")}
	e := entryOf(t, it)
	var got []string
	for _, a := range e.Attendees {
		got = append(got, fmt.Sprintf("%s %s %s %s", a.Email, a.URI, a.Role, a.Response))
	}
	want := []string{"bob@example.test sip:bob@example.test required accepted", "carol@example.test sip:carol@example.test required none",
		"erin@elsewhere.test  required declined", "dave@example.test sip:dave@example.test optional tentative",
		"room1@example.test sip:room1@example.test resource accepted"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("attendees:\n%s", strings.Join(got, "\n"))
	}
	if !e.Meeting || !e.Mine || e.Response != portal.ResponseOrganizer || e.Organizer.URI != alice {
		t.Errorf("meeting %t mine %t response %s organiser %+v", e.Meeting, e.Mine, e.Response, e.Organizer)
	}
	if b := e.Attendees[0]; !b.RespondedAt.Equal(at(t, "2026-02-28T10:00:00Z")) || !b.ProposedStart.Equal(at(t, "2026-03-03T13:00:00Z")) {
		t.Errorf("bob's answer: %+v", b)
	}
	if !e.Attendees[1].RespondedAt.IsZero() {
		t.Errorf("carol has not answered, at %s", e.Attendees[1].RespondedAt)
	}
}

// "None" and "has not responded" are the same.
func TestAttendeesNoneEqualsNotResponded(t *testing.T) {
	for _, said := range []string{"Unknown", "NoResponseReceived", ""} {
		if response(said) != portal.ResponseNone {
			t.Errorf("%q is %s", said, response(said))
		}
	}
}

// Whose meeting it is comes from the mailbox, also where the organiser is somebody else of the same name.
func TestAttendeesWhoseMeetingItIs(t *testing.T) {
	for _, c := range []struct {
		name     string
		state    int
		mine     string
		from     string
		isMine   bool
		response portal.Response
	}{
		{"own meeting", 1, "Organizer", "alice@example.test", true, portal.ResponseOrganizer},
		{"received, answered", 3, "Accept", "bob@example.test", false, portal.ResponseAccepted},
		{"received, not answered", 3, "NoResponseReceived", "bob@example.test", false, portal.ResponseNone},
		{"received, unknown", 3, "Unknown", "bob@example.test", false, portal.ResponseNone},
		{"received from oneself", 3, "Organizer", "alice@example.test", false, portal.ResponseNone},
	} {
		it := timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC")
		it.IsMeeting, it.AppointmentState, it.MyResponseType = ptr(true), &c.state, c.mine
		it.Organizer = &soap.Recipient{Mailbox: soap.Mailbox{Name: "X", EmailAddress: c.from}}
		e := entryOf(t, it)
		if e.Mine != c.isMine || e.Response != c.response {
			t.Errorf("%s: mine %t, %s", c.name, e.Mine, e.Response)
		}
	}
	own := entryOf(t, timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC"))
	if !own.Mine || own.Meeting || own.Organizer.Email != "alice@example.test" {
		t.Errorf("an appointment without others: %+v", own.Appointment)
	}
}

func TestAttendeesOfAnOldAddressBook(t *testing.T) {
	r := testReading(t)
	r.smtp = func(dn string) string {
		if dn == "/O=ORG/CN=BOB" {
			return "bob@example.test"
		}
		return ""
	}
	if got := r.email(soap.Mailbox{EmailAddress: "/O=ORG/CN=BOB", RoutingType: "EX"}); got != "bob@example.test" {
		t.Errorf("the address behind it: %q", got)
	}
	if got := r.email(soap.Mailbox{EmailAddress: "smtp:carol@example.test"}); got != "carol@example.test" {
		t.Errorf("an address with its kind: %q", got)
	}
	if a := r.attendee(soap.Mailbox{Name: "Gone", EmailAddress: "/O=ORG/CN=GONE", RoutingType: "EX"}); a.Email != "" || a.Name != "Gone" {
		t.Errorf("somebody who cannot be resolved: %+v", a)
	}
}

func TestAttendeesManyMoreThanFifty(t *testing.T) {
	var list []portal.Attendee
	for i := range 300 {
		list = append(list, portal.Attendee{Email: fmt.Sprintf("p%03d@example.test", i), Role: portal.RoleRequired})
	}
	it, err := newItem(portal.Appointment{Start: at(t, "2026-03-02T13:00:00Z"), End: at(t, "2026-03-02T14:00:00Z"), Attendees: list}, portal.WriteOptions{}, true)
	if err != nil {
		t.Fatal(err)
	}
	it.ItemID = &soap.ItemID{ID: "x"}
	if e := entryOf(t, it); len(e.Attendees) != 300 || e.Attendees[299].Email != "p299@example.test" {
		t.Errorf("%d attendees came back", len(e.Attendees))
	}
}

func TestBrokenItemsSayWhy(t *testing.T) {
	for _, c := range []struct {
		why    string
		damage func(it *soap.CalendarItem)
	}{
		{"id", func(it *soap.CalendarItem) { it.ItemID = nil }},
		{"time", func(it *soap.CalendarItem) { it.Start = nil }},
		{"time", func(it *soap.CalendarItem) { it.End = nil }},
		{"time", func(it *soap.CalendarItem) { it.Start = soap.At(at(t, "0001-01-01T00:00:00Z")) }},
		{"recurrence", func(it *soap.CalendarItem) { it.CalendarItemType = "RecurringMaster" }},
		{"recurrence", func(it *soap.CalendarItem) { it.Recurrence = &soap.Recurrence{} }},
		{"recurrence", func(it *soap.CalendarItem) { it.Recurrence = &soap.Recurrence{Daily: &soap.Daily{Interval: 1}} }},
		{"recurrence", func(it *soap.CalendarItem) { weekly(it, "2026-03-02", "Blursday") }},
		{"recurrence", func(it *soap.CalendarItem) {
			it.Recurrence = &soap.Recurrence{AbsoluteMonthly: &soap.AbsoluteMonthly{Interval: 1, DayOfMonth: 47}, NoEnd: &soap.NoEnd{StartDate: "2026-03-02"}}
		}},
	} {
		it := timed(t, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "UTC")
		c.damage(it)
		_, err := testReading(t).entry(it, nil)
		var b *brokenError
		if !errors.As(err, &b) || b.why != c.why {
			t.Errorf("want %s, got %v", c.why, err)
		}
	}
}

func TestBodyRemindersAndTheRest(t *testing.T) {
	it := timed(t, "2026-03-02T13:00:00.999Z", "2026-03-02T12:00:00Z", "UTC") // an end before its start, too
	it.Subject, it.Location = "A\r\nB", " Room\t1 "
	it.Body = &soap.Body{Type: "HTML", Text: "<p>Hello</p>"}
	it.ReminderIsSet, it.ReminderMinutesBeforeStart = ptr(true), ptr(15)
	it.Categories, it.IsCancelled = []string{"Red"}, ptr(true)
	it.AppointmentSequenceNumber = ptr(3)
	it.Attachments = []soap.Attachment{
		{File: &soap.FileAttachment{AttachmentID: &soap.AttachmentID{ID: "a1"}, Name: "x.pdf", ContentType: "application/pdf", Size: ptr(12)}},
		{File: &soap.FileAttachment{AttachmentID: &soap.AttachmentID{ID: "a2"}, Name: "logo.png", IsInline: ptr(true)}},
		{Item: &soap.ItemAttachment{AttachmentID: &soap.AttachmentID{ID: "a3"}, Name: "Mail"}},
		{Reference: &soap.ReferenceAttachment{AttachmentID: &soap.AttachmentID{ID: "a4"}, Name: "Link"}}}
	it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(stampMade, "chg-7")}
	e := entryOf(t, it)
	if e.Subject != "A  B" || e.Location != "Room 1" || e.Body != "Hello" || e.BodyHTML != "<p>Hello</p>" {
		t.Errorf("texts: %q %q %q %q", e.Subject, e.Location, e.Body, e.BodyHTML)
	}
	if e.ReminderMinutes == nil || *e.ReminderMinutes != 15 || e.Status != portal.StatusCancelled || e.Sequence != 3 || e.ChangeID != "chg-7" {
		t.Errorf("%+v", e)
	}
	if !e.End.Equal(e.Start) || e.Start.Nanosecond() != 0 {
		t.Errorf("from %s to %s", e.Start, e.End)
	}
	if len(e.Attachments) != 2 || e.Attachments[0].Size != 12 || e.Attachments[1].ID != "a3" {
		t.Errorf("attachments %+v", e.Attachments)
	}
	it.ReminderIsSet = ptr(false)
	if e := entryOf(t, it); e.ReminderMinutes != nil {
		t.Error("a reminder that is off is told")
	}
}
