package ews

import (
	"errors"
	"testing"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/calendar/zone"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Whatever a server says of an item: an entry that holds together, or an error that says why; never a crash.
func FuzzEntry(f *testing.F) {
	f.Add("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "W. Europe Standard Time", "", false, "Monday", 1, 0, "2026-03-02", 3, "2026-03-09T13:00:00Z", "<p>x")
	f.Add("2026-03-01T23:00:00", "2026-03-02T23:00:00", "Customized Time Zone", "(UTC+05:30) Chennai", true, "Weekday", 2, 31, "2026-01-31Z", 0, "2026-03-30", "")
	f.Add("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "", "tzone://Microsoft/Utc", true, "Day", -1, -5, "", -1, "4501-01-01T00:00:00Z", "\x00")
	f.Add("2026-03-29T00:30:00+14:00", "2026-03-29T00:30:00-12:00", "Pacific/Kiritimati", "", true, "Sunday WeekendDay", 99, 29, "2024-02-29", 1000, "x", "*~*~*~*~*~*~*~*~*~*")
	f.Fuzz(func(t *testing.T, start, end, zoneID, zoneName string, allDay bool, days string, interval, monthDay int, from string, count int, exception, text string) {
		it := &soap.CalendarItem{IsAllDayEvent: &allDay, UID: text, StartTimeZone: &soap.TimeZoneDefinition{ID: zoneID, Name: zoneName}, TimeZone: zoneName,
			Start: moment(start), End: moment(end), CalendarItemType: "RecurringMaster"}
		it.ItemID = &soap.ItemID{ID: "x", ChangeKey: "y"}
		it.Subject, it.Body = text, &soap.Body{Type: "HTML", Text: text}
		it.Recurrence = recurrenceOf(days, interval, monthDay, from, count)
		it.ModifiedOccurrences = []soap.Occurrence{{OriginalStart: moment(exception), Start: moment(start), End: moment(end)}, {ItemID: soap.ItemID{ID: "z"}}}
		it.DeletedOccurrences = []soap.DeletedOccurrence{{Start: moment(exception)}, {}}
		r := &reading{voice: voice{person: personOf("example.test")}, owner: alice, own: "alice@example.test", zones: newZoneBook(), note: func(string, ...any) {}}
		e, err := r.entry(it, nil)
		if err != nil {
			var b *brokenError
			if !errors.As(err, &b) || b.why == "" {
				t.Fatalf("an error that does not say why: %v", err)
			}
			return
		}
		if e.End.Before(e.Start) || e.AllDay && (!e.End.After(e.Start) || e.Start.UTC().Hour() != 0) {
			t.Fatalf("from %s to %s, all-day %t", e.Start, e.End, e.AllDay)
		}
		if _, err := zone.Load(e.TimeZone); err != nil {
			t.Fatalf("a zone that nobody can open: %v", err)
		}
		if _, err := recurrence.Parse(e.Recurrence); err != nil {
			t.Fatalf("a rule that nobody can read: %v", err)
		}
		for _, x := range e.Exceptions {
			if x.RecurrenceID.IsZero() && x.Kind != portal.KindException {
				t.Fatalf("an exception of nothing: %+v", x)
			}
		}
	})
}

func moment(s string) *soap.DateTime {
	var d soap.DateTime
	if d.UnmarshalText([]byte(s)) != nil {
		return nil
	}
	return &d
}

func recurrenceOf(days string, interval, monthDay int, from string, count int) *soap.Recurrence {
	var start soap.Date
	if start.UnmarshalText([]byte(from)) != nil {
		start = soap.Date(from)
	}
	r := &soap.Recurrence{Numbered: &soap.Numbered{StartDate: start, Count: count}}
	switch monthDay % 4 {
	case 0:
		r.Weekly = &soap.Weekly{Interval: interval, DaysOfWeek: []string{days}}
	case 1:
		r.RelativeMonthly = &soap.RelativeMonthly{Interval: interval, DaysOfWeek: days, DayOfWeekIndex: "Last"}
	case 2:
		r.AbsoluteYearly = &soap.AbsoluteYearly{DayOfMonth: monthDay, Month: "February"}
	default:
		r.AbsoluteMonthly = &soap.AbsoluteMonthly{Interval: interval, DayOfMonth: monthDay}
	}
	return r
}

// Whatever the portal writes comes back as it was, or is refused.
func FuzzWriteAndRead(f *testing.F) {
	f.Add(int64(1774270800), int64(3600), false, "Europe/Berlin", "FREQ=WEEKLY;BYDAY=MO", "Subject", "Body\nline")
	f.Add(int64(1774224000), int64(86400), true, "Pacific/Kiritimati", "", "", "")
	f.Add(int64(-1), int64(-1), true, "Antarctica/Troll", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "\x00", "<b>")
	f.Add(int64(1761440400), int64(1), false, "UTC+05:30", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "x", "")
	f.Fuzz(func(t *testing.T, start, length int64, allDay bool, zoneName, rule, subject, text string) {
		a := portal.Appointment{Start: time.Unix(start, 0).UTC(), AllDay: allDay, TimeZone: zoneName, Recurrence: rule, Subject: subject, Body: text, Show: portal.ShowBusy}
		a.End = a.Start.Add(time.Duration(length%(1<<31)) * time.Second)
		it, err := newItem(a, portal.WriteOptions{ChangeID: "c"}, true)
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid {
				t.Fatalf("a refusal without a meaning: %v", err)
			}
			return
		}
		it.ItemID = &soap.ItemID{ID: "x"}
		r := &reading{voice: voice{person: personOf("example.test")}, owner: alice, own: "alice@example.test", zones: newZoneBook(), note: func(string, ...any) {}}
		e, err := r.entry(it, nil)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if allDay {
			if !e.Start.Equal(civilDate(a.Start)) {
				t.Fatalf("%s became %s", a.Start, e.Start)
			}
		} else if !e.Start.Equal(a.Start) || !e.End.Equal(a.End) {
			t.Fatalf("%s to %s became %s to %s", a.Start, a.End, e.Start, e.End)
		}
		if (rule != "") != (e.Kind == portal.KindMaster) {
			t.Fatalf("the rule %q became %q", rule, e.Recurrence)
		}
	})
}

// A state from anywhere is understood, or the calendar is read from the start.
func FuzzState(f *testing.F) {
	f.Add(syncState{Sync: "abc", Parked: map[string]int{"x": 1}}.String())
	f.Add(syncState{Listing: true, Listed: packVersions(map[string]string{"a": "b", "c": "d"})}.String())
	f.Add(`{"l":"AAAA","m":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseState(text)
		if !ok && (s.Sync != "" || s.Listing) {
			t.Fatal("half a state")
		}
		v, err := unpackVersions(s.Listed)
		if err != nil {
			return
		}
		again, err := unpackVersions(packVersions(v))
		if err != nil || len(again) != len(v) {
			t.Fatalf("%d versions became %d: %v", len(v), len(again), err)
		}
	})
}
