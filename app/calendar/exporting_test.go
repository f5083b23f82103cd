package calendar_test

import (
	"bytes"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// secretOnce is a daily series with a place and a text that one private occurrence, the third, has otherwise.
func secretOnce(start time.Time) portal.Entry {
	e := entry("Round", start, time.Hour)
	e.Recurrence, e.UID = "FREQ=DAILY;COUNT=4", "round"
	x := e.Appointment
	x.RecurrenceID, x.Start, x.End, x.Recurrence, x.Kind = start.AddDate(0, 0, 2), start.AddDate(0, 0, 2), start.AddDate(0, 0, 2).Add(time.Hour), "", portal.KindException
	x.Subject, x.Location, x.Body, x.Private = "Layoffs", "Back room", "names", true
	e.Exceptions = []portal.Appointment{x}
	return e
}

// A private occurrence of somebody else's series is taken time in an exported file too; its owner's own export has it whole.
func TestExportHidesPrivateOccurrencesOfOthers(t *testing.T) {
	x := newModel()
	x.add(bob, secretOnce(day(1, 9, 0)))
	x.set(func() { x.rights[alice] = []portal.Address{bob} })
	h := start(t, x, quick())
	var v calendar.View
	h.eventually("bob's calendar is read, with the right", func() bool {
		v = h.window(alice, bob, day(0, 0, 0), day(7, 0, 0))
		return v.Rights == calendar.RightsReviewer && len(v.Appointments) == 4
	})
	all, err := h.Export(h.ctx, alice, bob, day(0, 0, 0), day(7, 0, 0))
	h.must(err)
	one, err := h.ExportOne(h.ctx, alice, bob, v.Appointments[0].ID)
	h.must(err)
	for _, data := range [][]byte{all, one} {
		for _, secret := range []string{"Layoffs", "Back room", "names"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%q is told:\n%s", secret, data)
			}
		}
		if !bytes.Contains(data, []byte("SUMMARY:Round")) || bytes.Count(data, []byte("UID:round")) != 2 || bytes.Count(data, []byte("RECURRENCE-ID")) != 1 {
			t.Errorf("the series with its occurrence:\n%s", data)
		}
	}
	h.SignedIn(h.ctx, bob)
	h.loaded(bob, bob)
	if data, err := h.Export(h.ctx, bob, bob, day(0, 0, 0), day(7, 0, 0)); err != nil || !bytes.Contains(data, []byte("SUMMARY:Layoffs")) {
		t.Errorf("one's own: %v\n%s", err, data)
	}
}
