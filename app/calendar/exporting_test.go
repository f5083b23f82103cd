package calendar_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/storage"
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

// An imported series keeps what is different about single occurrences, the private mark with the texts.
func TestImportKeepsPrivateOccurrences(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	file := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" +
		"BEGIN:VEVENT\r\nUID:round\r\nDTSTART:20260302T090000Z\r\nDTEND:20260302T100000Z\r\nRRULE:FREQ=DAILY;COUNT=4\r\nSUMMARY:Round\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:round\r\nRECURRENCE-ID:20260303T090000Z\r\nDTSTART:20260303T090000Z\r\nDTEND:20260303T100000Z\r\nSUMMARY:Layoffs\r\nCLASS:PRIVATE\r\n" +
		"CATEGORIES:Red\r\nTRANSP:TRANSPARENT\r\nATTENDEE:mailto:bob@example.test\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:round\r\nRECURRENCE-ID:20260304T090000Z\r\nDTSTART:20260304T090000Z\r\nDTEND:20260304T100000Z\r\nSUMMARY:Round\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	res, err := h.Import(h.ctx, alice, []byte(file))
	h.must(err)
	if res.Added != 1 || len(res.Refused) != 0 {
		t.Errorf("imported %+v", res)
	}
	h.idle()
	all := x.all(alice)
	if len(all) != 1 || len(all[0].Exceptions) != 1 { // one that is like its series is none
		t.Fatalf("the server has %+v", all)
	}
	a := all[0].Exceptions[0]
	if !a.Private || a.Subject != "Layoffs" || a.Show != portal.ShowFree || !slices.Equal(a.Categories, []string{"Red"}) || a.ReminderMinutes == nil || *a.ReminderMinutes != 5 || len(a.Attendees) != 0 {
		t.Errorf("got %+v", a)
	}
	if len(x.sent()) != 0 {
		t.Errorf("mails %q", x.sent())
	}
}

// racing is a store in which somebody replaces or ends a subscribe address just after it was looked up.
type racing struct {
	*storage.Store
	meanwhile func()
}

func (r racing) FindCalendarLink(ctx context.Context, hash string) (portal.CalendarLink, error) {
	l, err := r.Store.FindCalendarLink(ctx, hash)
	r.meanwhile()
	return l, err
}

// A subscribe address that is taken back while it is used is taken back.
func TestARevokedAddressDoesNotComeBackByItsUse(t *testing.T) {
	for name, end := range map[string]func(*house) error{
		"revoked":  func(h *house) error { return h.RevokeLink(h.ctx, alice) },
		"replaced": func(h *house) error { _, err := h.NewLink(h.ctx, alice); return err },
	} {
		x := newModel()
		h := start(t, x, quick())
		token, err := h.NewLink(h.ctx, alice)
		h.must(err)
		s := calendar.New(x, racing{h.store, func() { h.must(end(h)) }}, quick())
		if _, err := s.Subscribed(h.ctx, token); err != nil {
			t.Errorf("%s while it is used: %v", name, err)
		}
		if _, err := h.Subscribed(h.ctx, token); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
