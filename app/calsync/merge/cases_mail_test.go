package merge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Mail: none that a careful person in Outlook would not have sent.

// mailCase is a kind of change in CRM of an appointment that is in Exchange.
type mailCase struct {
	name string
	do   func(r *portal.CRMAppointment)
	// seen: those invited see something of it. fresh: somebody is added, who is told whether or not the others were.
	seen, fresh bool
}

func mailCases() []mailCase {
	m := 5
	return []mailCase{
		{"subject", func(r *portal.CRMAppointment) { r.Subject = "Other" }, true, false},
		{"location", func(r *portal.CRMAppointment) { r.Location = "Other" }, true, false},
		{"body", func(r *portal.CRMAppointment) { r.Body = "Other" }, true, false},
		{"white space in the body", func(r *portal.CRMAppointment) { r.Body = "Figures\n\n\n  and  more " }, false, false},
		{"start", func(r *portal.CRMAppointment) { r.Start, r.End = r.Start.Add(time.Hour), r.End.Add(time.Hour) }, true, false},
		{"end", func(r *portal.CRMAppointment) { r.End = r.End.Add(time.Hour) }, true, false},
		{"rule", func(r *portal.CRMAppointment) { r.Recurrence, r.Kind = "FREQ=DAILY;COUNT=3", portal.KindMaster }, true, false},
		{"reminder", func(r *portal.CRMAppointment) { r.ReminderMinutes = &m }, false, false},
		{"categories", func(r *portal.CRMAppointment) { r.Categories = []string{"Red"} }, false, false},
		{"show", func(r *portal.CRMAppointment) { r.Show = portal.ShowFree }, false, false},
		{"private", func(r *portal.CRMAppointment) { r.Private = true }, false, false},
		{"complete", func(r *portal.CRMAppointment) { r.Status = portal.StatusComplete }, false, false},
		{"tie", func(r *portal.CRMAppointment) { r.People = []string{"p1"} }, false, false},
		{"somebody with a mailbox added", func(r *portal.CRMAppointment) { r.Attendees = append(r.Attendees, guest(carol)) }, true, true},
		{"somebody of CRM added", func(r *portal.CRMAppointment) { r.Attendees = append(r.Attendees, guest(erin)) }, false, false},
		{"somebody removed", func(r *portal.CRMAppointment) { r.Attendees = r.Attendees[1:] }, true, false},
		{"somebody of CRM removed", func(r *portal.CRMAppointment) { r.Attendees = r.Attendees[:2] }, false, false},
		{"file", func(r *portal.CRMAppointment) {
			r.Kept = []portal.CRMFile{{Attachment: portal.Attachment{ID: "f1", Name: "a.txt", Size: 3}, Hash: "h"}}
		}, false, false},
	}
}

func TestCase_Mail_EveryChangeByInvitedOverAndQuiet(t *testing.T) {
	for _, c := range mailCases() {
		for _, invited := range []bool{true, false} {
			for _, over := range []bool{true, false} {
				for _, quiet := range []bool{true, false} {
					name := fmt.Sprintf("%s, invited %v, over %v, quiet %v", c.name, invited, over, quiet)
					w := newWorld(t)
					w.quiet = !invited // what is made quietly invites nobody
					w.record = crmRecord(guest(bob), outsider("kim@other.test"), guest(dave))
					w.sync()
					if w.pair.Invited != invited {
						t.Fatalf("%s: invited is %v", name, w.pair.Invited)
					}
					w.quiet, w.mails = quiet, nil
					if over {
						w.now = start.AddDate(1, 0, 0)
					}
					w.tick()
					w.edit(c.do)
					w.sync()
					want := 0
					if !over && !quiet && c.seen && (invited || c.fresh) {
						want = 1
					}
					if len(w.mails) != want {
						t.Errorf("%s: mail %v, want %d", name, w.mails, want)
					}
				}
			}
		}
	}
}

func TestCase_Mail_WithoutAttendeesNobodyIsTold(t *testing.T) {
	for _, c := range mailCases() {
		if strings.Contains(c.name, "somebody") {
			continue
		}
		w := agreed(t, crmRecord())
		w.edit(c.do)
		w.sync()
		w.tick()
		w.edit(func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
		w.sync()
		if len(w.mails) != 0 {
			t.Errorf("%s: mail %v", c.name, w.mails)
		}
	}
}

func TestCase_Mail_CreationInvitesOnlyWhatIsNewAndToCome(t *testing.T) {
	since := start.AddDate(0, -2, 0)
	for _, c := range []struct {
		name    string
		prepare func(w *world)
		want    int
	}{
		{"made since and to come", func(w *world) {}, 1},
		{"made before its owner was synchronised", func(w *world) { w.record.InvitedAt = since.Add(-time.Hour) }, 0},
		{"over", func(w *world) { w.now = start.Add(2 * time.Hour) }, 0},
		{"first synchronisation", func(w *world) { w.quiet = true }, 0},
		{"nobody invited", func(w *world) { w.record.Attendees = nil }, 0},
		{"CRM users alone", func(w *world) { w.record.Attendees = []portal.Attendee{guest(dave)} }, 0},
		{"a series that goes on", func(w *world) {
			w.record.Recurrence, w.now = "FREQ=DAILY;COUNT=10", start.AddDate(0, 0, 5)
		}, 1},
		{"a series that ended", func(w *world) {
			w.record.Recurrence, w.now = "FREQ=DAILY;COUNT=10", start.AddDate(0, 0, 15)
		}, 0},
		{"a series whose last day was moved ahead", func(w *world) {
			w.record.Recurrence, w.now = "FREQ=DAILY;COUNT=10", start.AddDate(0, 0, 15)
			except(&w.record.Entry, day(9), func(x *portal.Appointment) { x.Start, x.End = day(30), day(30).Add(time.Hour) })
		}, 2}, // the invitation, and the occurrence that is still to come
		{"nobody knows when it was made", func(w *world) { w.record.InvitedAt, w.record.Revision = time.Time{}, 4 }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.record = crmRecord(guest(bob))
			c.prepare(w)
			w.sync()
			if w.item(alice) == nil {
				t.Fatal("nothing was made")
			}
			if len(w.mails) != c.want {
				t.Errorf("mail %v, want %d", w.mails, c.want)
			}
		})
	}
}

func TestCase_Mail_FirstSynchronisationOfHistorySendsNothing(t *testing.T) {
	for i := range 200 {
		w := newWorld(t)
		w.quiet = true
		at := start.AddDate(0, 0, i-150)
		if i%2 == 0 {
			w.record = crmRecord(guest(bob), outsider("kim@other.test"))
			w.record.Start, w.record.End = at, at.Add(time.Hour)
		} else {
			e := w.entry(alice, alice, guest(bob), guest(dave))
			e.Start, e.End = at, at.Add(time.Hour)
			w.deliver(e)
		}
		w.sync()
		if len(w.mails) != 0 || w.alerts != 0 {
			t.Fatalf("mail %v, %d alerts", w.mails, w.alerts)
		}
	}
}

func TestCase_Mail_AdoptingSendsNothingWhateverDiffers(t *testing.T) {
	for _, later := range []bool{true, false} {
		w := newWorld(t)
		w.record = crmRecord(guest(bob), guest(carol))
		e := w.entry(alice, alice, guest(bob), outsider("kim@other.test"))
		e.UID, e.Body = w.record.UID, "another"
		e.Recurrence = "FREQ=DAILY;COUNT=3"
		except(&e, day(1), func(x *portal.Appointment) { x.Location = "Attic" })
		if !later {
			e.UpdatedAt = w.record.ChangedAt.Add(-time.Hour)
		}
		w.deliver(e)
		w.sync()
		w.wantSame()
		if len(w.mails) != 0 || w.alerts != 0 {
			t.Errorf("later %v: mail %v, %d alerts", later, w.mails, w.alerts)
		}
		if len(w.record.Attendees) != 3 {
			t.Errorf("later %v: of two lists nobody is left out: %+v", later, w.record.Attendees)
		}
		if len(w.conflicts) == 0 {
			t.Errorf("later %v: what was given up is kept nowhere", later)
		}
	}
}

func TestCase_Mail_ExceptionsFromExchangeSendNothing(t *testing.T) {
	w := newWorld(t)
	e := w.entry(alice, alice, guest(bob))
	e.Recurrence, e.Kind = "FREQ=DAILY;COUNT=9", portal.KindMaster
	for i := range 4 {
		except(&e, day(i), func(x *portal.Appointment) { x.Subject = fmt.Sprint("Day ", i) })
	}
	removeOccurrence(&e, day(7))
	w.deliver(e)
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) {
		except(e, day(5), func(x *portal.Appointment) { x.Location = "Attic" })
		removeOccurrence(e, day(6))
	})
	w.sync()
	w.wantSame()
	if len(w.mails) != 0 || len(w.wrote) != 0 || len(w.record.Exceptions) != 5 || len(w.record.Deleted) != 2 {
		t.Errorf("mail %v, wrote %v, record %+v", w.mails, w.wrote, w.record)
	}
}

func TestCase_Mail_ExceptionFromCRMTellsOnce(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=9", guest(bob))
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(2), func(x *portal.Appointment) { x.Location, x.Subject = "Attic", "High" })
		removeOccurrence(&r.Entry, day(3))
	})
	w.sync()
	slices.Sort(w.mails)
	if strings.Join(w.mails, ",") != "cancel,update" {
		t.Errorf("mail %v, want one about each of the two days", w.mails)
	}
	w.mails, w.now = nil, start.AddDate(0, 0, 5)
	w.edit(func(r *portal.CRMAppointment) {
		except(&r.Entry, day(2), func(x *portal.Appointment) { x.Location = "Cellar" })
		removeOccurrence(&r.Entry, day(1))
	})
	w.sync()
	if len(w.mails) != 0 {
		t.Errorf("mail about days that are over: %v", w.mails)
	}
}

func TestCase_Mail_RestoredBackupSendsNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	backup, pair := *w.record, *w.pair
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "After the backup" })
	w.sync()
	w.mails, w.wrote = nil, nil

	record := backup
	w.record, w.pair = &record, nil // CRM's data of before, and no memory of pairs
	w.sync()
	if len(w.mails) != 0 || w.record.Subject != "After the backup" || len(w.items) != 1 {
		t.Errorf("record restored: mail %v, %q, %d entries", w.mails, w.record.Subject, len(w.items))
	}
	record = backup
	w.record, w.pair = &record, &pair // the pair of before, too
	w.sync()
	if len(w.mails) != 0 || w.record.Subject != "After the backup" {
		t.Errorf("record and pair restored: mail %v, %q", w.mails, w.record.Subject)
	}
}

func TestCase_Mail_OneCancellationOnDelete(t *testing.T) {
	for _, gone := range []bool{true, false} {
		for _, over := range []bool{true, false} {
			for _, quiet := range []bool{true, false} {
				w := agreed(t, crmRecord(guest(bob), guest(dave)))
				if over {
					w.now = start.AddDate(0, 1, 0)
				}
				w.quiet = quiet
				w.edit(func(r *portal.CRMAppointment) {
					if gone {
						r.Gone = w.now
					} else {
						r.Status = portal.StatusCancelled
					}
				})
				w.sync()
				w.sync()
				want := 1
				if over || quiet {
					want = 0
				}
				if len(w.mails) != want || w.item(alice) != nil || w.pair.RemoteID != "" {
					t.Errorf("gone %v, over %v, quiet %v: mail %v, pair %+v", gone, over, quiet, w.mails, w.pair)
				}
			}
		}
	}
}

func TestCase_Mail_NeverInvitedNeverCancelled(t *testing.T) {
	w := newWorld(t)
	w.quiet = true
	w.record = crmRecord(guest(bob))
	w.sync()
	w.quiet = false
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.sync()
	if len(w.mails) != 0 || w.item(alice) != nil {
		t.Errorf("mail %v", w.mails)
	}
}

func TestCase_Mail_OrganisersOwnCancellationIsNotSentAgain(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.item(alice).Gone = w.now
	w.sync()
	if len(w.mails) != 0 || w.record.Status != portal.StatusCancelled || !w.record.Gone.IsZero() {
		t.Errorf("mail %v, record %+v", w.mails, w.record)
	}
}

func TestCase_Mail_MeetingMadeInOutlookIsUpdatedWithMail(t *testing.T) {
	w := newWorld(t)
	w.deliver(w.entry(alice, alice, guest(bob)))
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Start, r.End = r.Start.Add(time.Hour), r.End.Add(time.Hour) })
	w.sync()
	if len(w.mails) != 1 {
		t.Errorf("mail %v: its organiser invited them, so that they hear of the new time", w.mails)
	}
}

func TestCase_Mail_OneWayWritesNothingBack(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.options.ToExchange = false
	w.wrote = nil
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Mine"; r.Attendees = append(r.Attendees, guest(carol)) })
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Theirs" })
	w.sync()
	if len(w.wrote) != 0 || len(w.mails) != 0 || w.record.Location != "Theirs" || w.item(alice).Entry.Subject != "Quarter" {
		t.Fatalf("wrote %v, mail %v, record %+v", w.wrote, w.mails, w.record)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.sync()
	if len(w.wrote) != 0 || w.item(alice) == nil {
		t.Fatalf("wrote %v", w.wrote)
	}
	w.record.Gone = time.Time{}
	w.options.ToExchange = true
	w.sync()
	w.wantSame()
	if w.item(alice).Entry.Subject != "Mine" {
		t.Error("what was held back did not arrive when the way was switched on")
	}
}

func TestAlertsAreForPeopleTimesAndCancellations(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(e *portal.Entry)
		want int
	}{
		{"subject", func(e *portal.Entry) { e.Subject = "Other" }, 0},
		{"body", func(e *portal.Entry) { e.Body = "Other" }, 0},
		{"time", func(e *portal.Entry) { e.Start, e.End = e.Start.Add(time.Hour), e.End.Add(time.Hour) }, 1},
		{"somebody added", func(e *portal.Entry) { e.Attendees = append(e.Attendees, guest(erin)) }, 1},
		{"somebody removed", func(e *portal.Entry) { e.Attendees = nil }, 1},
		{"answer", func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseAccepted }, 0},
	} {
		w := newWorld(t)
		w.deliver(w.entry(alice, alice, guest(dave)))
		w.sync()
		if w.alerts != 1 {
			t.Fatalf("%d alerts of a new invitation", w.alerts)
		}
		w.alerts = 0
		w.tick()
		w.outlook(alice, c.do)
		w.sync()
		if w.alerts != c.want {
			t.Errorf("%s: %d alerts, want %d", c.name, w.alerts, c.want)
		}
	}
}
