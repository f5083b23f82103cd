package series

import (
	"testing"
	"time"

	"portico/app/portal"
)

func FuzzExpand(f *testing.F) {
	f.Add("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", "Europe/Vienna", int64(0), int64(3600), false)
	f.Add("FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270101T000000Z", "America/New_York", int64(86400), int64(0), true)
	f.Add("", "Nowhere", int64(-1), int64(1), false)
	f.Fuzz(func(t *testing.T, rule, zone string, at, length int64, allDay bool) {
		start := time.Unix(1_770_000_000+at%100_000_000, 0)
		a, err := Timed(portal.Appointment{ID: "s", Start: start, End: start.Add(time.Duration(length%1_000_000) * time.Second), TimeZone: zone, Recurrence: rule, AllDay: allDay})
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		e := portal.Entry{Appointment: a}
		from := start.AddDate(0, 0, -40)
		list, err := Expand(&e, from, from.AddDate(0, 0, 100))
		if err != nil {
			return // more than a window holds
		}
		first, last := Span(&e)
		for _, o := range list {
			if o.Start.Before(first) || o.End.After(last) || o.End.Before(o.Start) {
				t.Fatalf("%+v: %s to %s is not in %s to %s", a, o.Start, o.End, first, last)
			}
			if o.Kind != portal.KindOccurrence {
				continue
			}
			if one, err := At(&e, o.RecurrenceID); err != nil || !one.Start.Equal(o.Start) {
				t.Fatalf("%s is not found again: %v", o.ID, err)
			}
		}
	})
}
