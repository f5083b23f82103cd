package merge

import (
	"testing"
	"time"

	"portico/app/portal"
)

// The cases of the field that concern times and zones.

func TestCase_Time_AllDayIsADateInEveryZone(t *testing.T) {
	for _, zone := range []string{"Etc/GMT+12", "Pacific/Honolulu", "America/New_York", "UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati"} {
		r := crmRecord(guest(bob))
		r.AllDay, r.TimeZone = true, zone
		r.Start, r.End = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 2, 0, 0, 0, 0, time.UTC)
		w := agreed(t, r)
		e := w.item(alice).Entry
		if !e.AllDay || !e.Start.Equal(r.Start) || !e.End.Equal(r.End) {
			t.Errorf("%s: %s to %s", zone, e.Start, e.End)
		}
		w.outlook(alice, func(e *portal.Entry) { e.TimeZone = "America/Los_Angeles" })
		rev := w.record.Revision
		w.sync()
		if w.record.Revision != rev || len(w.wrote) != 1 {
			t.Errorf("%s: another zone of a date is no change; wrote %v", zone, w.wrote)
		}
	}
}

func TestCase_Time_AllDayEqualityIsByDate(t *testing.T) {
	users := NewUsers(testUsers())
	w := newWorld(t)
	e := w.entry(alice, alice)
	e.AllDay, e.Start, e.End, e.TimeZone = true, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 2, 0, 0, 0, 0, time.UTC), "Europe/Berlin"
	f := e
	f.TimeZone, f.End = "Pacific/Auckland", f.Start // a server that says midnight to midnight
	f.Start = f.Start.Add(30 * time.Second)
	a, b := OfExchange(e, users), OfExchange(f, users)
	if !sameWhen(&a, &b) || !same(&a, &b) {
		t.Errorf("%v and %v differ", words(&a), words(&b))
	}
	f.Start = e.Start.AddDate(0, 0, 1)
	f.End = f.Start.AddDate(0, 0, 1)
	if b = OfExchange(f, users); sameWhen(&a, &b) {
		t.Error("another date is the same")
	}
}

func TestCase_Time_ClocksChangeOnDifferentDates(t *testing.T) {
	// Berlin changes on 28 March 2027, New York on 14 March.
	for _, zone := range []string{"Europe/Berlin", "America/New_York"} {
		r := crmRecord(guest(bob))
		r.TimeZone, r.Recurrence, r.Kind = zone, "FREQ=WEEKLY;COUNT=8", portal.KindMaster
		w := agreed(t, r)
		e := w.item(alice).Entry
		c := OfExchange(e, NewUsers(w.users))
		loc := place(zone)
		want := r.Start.In(loc)
		for _, week := range []int{1, 2, 3, 4, 7} {
			at := time.Date(want.Year(), want.Month(), want.Day()+7*week, want.Hour(), want.Minute(), 0, 0, loc)
			if !c.occurs(Stamp(at)) {
				t.Errorf("%s: no occurrence at %s", zone, at)
			}
			if o := c.plain(Stamp(at)); o.End.Sub(o.Start) != time.Hour {
				t.Errorf("%s: it lasts %s", zone, o.End.Sub(o.Start))
			}
		}
		w.wantSame()
		if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
			t.Errorf("%s: %+v", zone, st)
		}
	}
}

func TestCase_Time_OccurrenceInTheNightOfTheChangeKeepsItsLength(t *testing.T) {
	r := crmRecord()
	r.TimeZone, r.Recurrence, r.Kind = "Europe/Berlin", "FREQ=DAILY;COUNT=5", portal.KindMaster
	r.Start = time.Date(2027, 3, 26, 0, 30, 0, 0, time.UTC) // 01:30 by the wall
	r.End = r.Start.Add(2 * time.Hour)
	c := OfCRM(*r, NewUsers(nil))
	at := time.Date(2027, 3, 28, 0, 30, 0, 0, time.UTC)
	if !c.occurs(Stamp(at)) {
		t.Fatal("no occurrence in the night of the change")
	}
	o := c.plain(Stamp(at))
	if o.End.Sub(o.Start) != time.Hour {
		t.Errorf("from 01:30 to 03:30 by the wall it lasts %s", o.End.Sub(o.Start))
	}
	c.except(Stamp(at), o)
	if len(c.Exceptions) != 0 {
		t.Error("an occurrence as the rule has it is no exception")
	}
}

func TestCase_Time_OrganisersZoneIsKept(t *testing.T) {
	w := newWorld(t)
	e := w.entry(alice, alice, guest(bob))
	e.TimeZone, e.Recurrence, e.Kind = "America/New_York", "FREQ=WEEKLY;COUNT=5", portal.KindMaster
	w.deliver(e)
	w.sync()
	if w.record.TimeZone != "America/New_York" {
		t.Errorf("zone %q", w.record.TimeZone)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Brunch" })
	w.sync()
	if got := w.item(alice).Entry.TimeZone; got != "America/New_York" {
		t.Errorf("zone in Exchange %q", got)
	}
}

func TestCase_Time_ZoneOfTheSameRulesIsNoChange(t *testing.T) {
	r := crmRecord(guest(bob))
	r.TimeZone, r.Recurrence = "Europe/Vienna", "FREQ=WEEKLY;COUNT=5"
	w := agreed(t, r)
	w.outlook(alice, func(e *portal.Entry) { e.TimeZone = "Europe/Berlin" }) // a server that knows W. Europe alone
	rev := w.record.Revision
	w.sync()
	if w.record.Revision != rev || w.record.TimeZone != "Europe/Vienna" {
		t.Errorf("the record is in %s", w.record.TimeZone)
	}
}

func TestCase_Time_FixedOffsetIsNotAZoneWithSummerTime(t *testing.T) {
	r := crmRecord(guest(bob))
	r.TimeZone, r.Recurrence = "Europe/London", "FREQ=WEEKLY;COUNT=20"
	w := agreed(t, r)
	w.outlook(alice, func(e *portal.Entry) { e.TimeZone = "Etc/GMT" })
	w.sync()
	if zoneName(w.record.TimeZone) != zoneName("Etc/GMT") {
		t.Errorf("the series was moved to fixed GMT in Outlook, the record is in %s", w.record.TimeZone)
	}
	w.wantSame()
}

func TestCase_Time_EmptyAndOddZonesAreUnderstoodAlikeOnBothSides(t *testing.T) {
	for _, zone := range []string{"", "UTC", "tzone://Microsoft/Utc", "Customized Time Zone", "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
		"Mitteleuropäische Zeit", "W. Europe Standard Time"} {
		r := crmRecord()
		r.TimeZone, r.Recurrence, r.Kind = zone, "FREQ=DAILY;COUNT=3", portal.KindMaster
		w := agreed(t, r)
		if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
			t.Errorf("%q: %+v", zone, st)
		}
	}
}

func TestCase_Time_SecondsAndFractionsAreNoChange(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.outlook(alice, func(e *portal.Entry) { e.Start = e.Start.Add(300 * time.Millisecond).In(place("Asia/Kolkata")) })
	rev := w.record.Revision
	w.sync()
	if w.record.Revision != rev {
		t.Error("a fraction of a second was carried")
	}
}

func TestCase_Time_AllDaySeriesWithExceptions(t *testing.T) {
	r := crmRecord(guest(bob))
	r.AllDay, r.Start, r.End = true, date(start), date(start).AddDate(0, 0, 1)
	r.Recurrence, r.Kind = "FREQ=WEEKLY;UNTIL=20270401", portal.KindMaster
	w := agreed(t, r)
	id := date(start).AddDate(0, 0, 7)
	w.outlook(alice, func(e *portal.Entry) {
		except(e, id, func(x *portal.Appointment) { x.Start, x.End = x.Start.AddDate(0, 0, 1), x.End.AddDate(0, 0, 1) })
		removeOccurrence(e, date(start).AddDate(0, 0, 14))
	})
	w.sync()
	w.wantSame()
	if x := w.record.Exceptions; len(x) != 1 || !x[0].AllDay || !x[0].Start.Equal(id.AddDate(0, 0, 1)) || len(w.record.Deleted) != 1 {
		t.Errorf("exceptions %+v, deleted %v", x, w.record.Deleted)
	}
}

func TestCase_Time_AllDayIsNotOverBeforeTheLastPlaceOnEarthSaysSo(t *testing.T) {
	c := Content{AllDay: true, Start: date(start), End: date(start).AddDate(0, 0, 1)}
	if c.over(c.End.Add(11*time.Hour)) || !c.over(c.End.Add(13*time.Hour)) {
		t.Error("an all-day appointment ends with its day in the last zone")
	}
}
