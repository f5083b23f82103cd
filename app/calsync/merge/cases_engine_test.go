package merge

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// The cases of the field that concern the engine, as far as the plan decides them.

func TestCase_Engine_CreationWhoseAnswerWasLostIsFoundByItsStamp(t *testing.T) {
	w := newWorld(t)
	w.record = crmRecord(guest(bob), guest(dave))
	f := w.facts()
	w.do(only[CreateExchange](t, Plan(f))) // and here the process was killed: no pair is noted
	w.mails = nil
	w.tick()
	w.sync()
	if len(w.items) != 1 || len(w.mails) != 0 || !w.pair.Invited || len(w.conflicts) != 0 {
		t.Fatalf("%d entries, mail %v, pair %+v, conflicts %v", len(w.items), w.mails, w.pair, w.conflicts)
	}
	w.wantSame()

	w = newWorld(t)
	w.record = crmRecord(guest(bob))
	w.do(only[CreateExchange](t, Plan(w.facts())))
	w.mails = nil
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Changed after the crash" })
	w.sync()
	w.wantSame()
	if len(w.items) != 1 || strings.Join(w.mails, ",") != "update" || len(w.conflicts) != 0 || w.item(alice).Entry.Subject != "Changed after the crash" {
		t.Errorf("%d entries, mail %v, conflicts %+v", len(w.items), w.mails, w.conflicts)
	}

	w = newWorld(t)
	w.record = crmRecord(guest(bob))
	w.do(only[CreateExchange](t, Plan(w.facts())))
	w.mails = nil
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.sync()
	if w.item(alice) != nil || strings.Join(w.mails, ",") != "cancel" {
		t.Errorf("deleted after the crash: mail %v, entry %+v", w.mails, w.item(alice))
	}
}

func TestCase_Engine_WriteWhoseNoteWasLostIsNotRepeated(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		w := agreed(t, crmRecord(guest(bob)))
		w.server.lossy = lossy
		w.edit(func(r *portal.CRMAppointment) { r.Subject, r.Body = strings.Repeat("long ", 80)+"end", "a\n\nb\n\n\nc" })
		for _, st := range Plan(w.facts()).List {
			w.do(st)
		}
		w.mails, w.wrote, w.conflicts = nil, nil, nil
		w.tick()
		w.sync()
		if len(w.wrote) != 0 || len(w.mails) != 0 || len(w.conflicts) != 0 {
			t.Errorf("lossy %v: wrote %v, mail %v, conflicts %+v", lossy, w.wrote, w.mails, w.conflicts)
		}
		if !strings.HasSuffix(w.record.Subject, "end") {
			t.Errorf("lossy %v: the record lost %q", lossy, w.record.Subject)
		}
	}
}

func TestCase_Engine_RecordWrittenTwiceIsOne(t *testing.T) {
	w := newWorld(t)
	w.deliver(w.entry(alice, alice, guest(bob)))
	w.do(only[PutCRM](t, Plan(w.facts()))) // killed before the pair was noted
	w.tick()
	rev := w.record.Revision
	only[Adopt](t, Plan(w.facts()))
	w.sync()
	if w.record.Revision != rev || w.pair == nil || len(w.wrote) != 0 || !w.pair.Invited {
		t.Errorf("revision %d → %d, pair %+v", rev, w.record.Revision, w.pair)
	}
}

func TestCase_Engine_DuplicateNotificationDoesNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	for range 3 {
		if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
			t.Fatalf("%+v", st)
		}
	}
}

func TestCase_Engine_OutOfOrderNotificationIsNoNews(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	old := w.item(alice).Entry
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "One" })
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "Two" })
	w.sync()
	rev := w.record.Revision
	// The bell for the first change rings late: what is read then is what is there now, not what the bell meant.
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
		t.Fatalf("%+v", st)
	}
	if w.record.Revision != rev || w.record.Subject != "Two" || old.Subject != "Quarter" {
		t.Errorf("record %q", w.record.Subject)
	}
}

func TestCase_Engine_BothModifiedDifferentThings(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) {
		r.Subject = "From CRM"
		r.Categories = []string{"Red"}
		r.Attendees = append(r.Attendees, guest(carol))
	})
	w.outlook(alice, func(e *portal.Entry) {
		e.Location = "From Outlook"
		e.Categories = []string{"Blue"}
		e.Attendees = append(e.Attendees, outsider("kim@other.test"))
	})
	w.sync()
	w.wantSame()
	e := w.item(alice).Entry
	if e.Subject != "From CRM" || e.Location != "From Outlook" || len(e.Categories) != 2 || len(e.Attendees) != 3 || len(w.conflicts) != 0 {
		t.Errorf("entry %+v, conflicts %v", e, w.conflicts)
	}
}

func TestCase_Engine_BothModifiedTheSameTheLaterWins(t *testing.T) {
	for _, crmLater := range []bool{true, false} {
		w := agreed(t, crmRecord(guest(bob)))
		crm := func() {
			w.edit(func(r *portal.CRMAppointment) {
				r.Subject, r.Start, r.End = "From CRM", r.Start.Add(time.Hour), r.End.Add(time.Hour)
			})
			w.tick()
		}
		if !crmLater {
			crm()
		}
		w.outlook(alice, func(e *portal.Entry) {
			e.Subject, e.Start, e.End = "From Outlook", e.Start.Add(2*time.Hour), e.End.Add(2*time.Hour)
		})
		w.tick()
		if crmLater {
			crm()
		}
		w.sync()
		w.wantSame()
		won, lost, shift := "From Outlook", "From CRM", time.Hour
		if crmLater {
			won, lost, shift = lost, won, 2*time.Hour
		}
		if w.record.Subject != won || len(w.conflicts) != 1 {
			t.Fatalf("CRM later %v: %q, conflicts %+v", crmLater, w.record.Subject, w.conflicts)
		}
		c := w.conflicts[0]
		if *c.Lost.Subject != lost || !c.Lost.Start.Equal(start.Add(shift)) || !slices.Equal(c.Fields, []string{"subject", "when"}) ||
			c.Kept["subject"] != won || c.Given["subject"] != lost || c.Lost.Location != nil {
			t.Errorf("CRM later %v: conflict %+v, lost %+v", crmLater, c, c.Lost)
		}
		w.tick()
		w.edit(func(r *portal.CRMAppointment) { r.Appointment = apply(r.Appointment, c.Lost) }) // taken back
		w.sync()
		w.wantSame()
		if w.item(alice).Entry.Subject != lost || len(w.conflicts) != 1 {
			t.Errorf("taken back: %q", w.item(alice).Entry.Subject)
		}
	}
}

func TestCase_Engine_BothModifiedToTheSameIsNoConflict(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Same" })
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "Same" })
	w.wrote = nil
	w.sync()
	if len(w.conflicts) != 0 || len(w.wrote) != 0 {
		t.Errorf("conflicts %v, wrote %v", w.conflicts, w.wrote)
	}
}

func TestCase_Engine_ConflictIsStoredOnceByARetry(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "One" })
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "Two" })
	a, b := Plan(w.facts()), Plan(w.facts())
	if len(a.Conflicts) != 1 || a.Conflicts[0].ID == "" || a.Conflicts[0].ID != b.Conflicts[0].ID {
		t.Errorf("conflicts %+v and %+v", a.Conflicts, b.Conflicts)
	}
}

func TestCase_Engine_ClockThatIsAheadWinsNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "From Outlook" })
	it := w.item(alice)
	it.Entry.UpdatedAt = w.now.AddDate(0, 0, 3) // its clock is days ahead
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "From CRM, later" })
	w.tick()
	w.sync()
	if w.record.Subject != "From CRM, later" {
		t.Errorf("the clock that is ahead won: %q", w.record.Subject)
	}
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "Outlook at the same moment" })
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "CRM at the same moment" })
	w.sync()
	if w.record.Subject != "Outlook at the same moment" {
		t.Errorf("at the same moment Exchange counts: %q", w.record.Subject)
	}
}

func TestCase_Engine_DeletedInExchangeChangedInCRM(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.item(alice).Gone = w.now
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Still wanted" })
	w.sync()
	if w.record.Status != portal.StatusCancelled || w.record.Subject != "Still wanted" || len(w.conflicts) != 1 {
		t.Fatalf("record %+v, conflicts %+v", w.record, w.conflicts)
	}
	if c := w.conflicts[0]; *c.Lost.Subject != "Still wanted" || c.Won != portal.SourceExchange || c.Kept["deleted"] != "true" {
		t.Errorf("conflict %+v", c)
	}
	if len(w.mails) != 0 || len(w.wrote) != 1 {
		t.Errorf("mail %v, wrote %v", w.mails, w.wrote)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Status = portal.StatusPending; r.InvitedAt = w.now }) // taken back: made anew
	w.sync()
	w.wantSame()
	if w.item(alice) == nil || w.record.UID == "uid-1" || w.pair.UID != w.record.UID || strings.Join(w.mails, ",") != "invite" {
		t.Errorf("made anew: mail %v, record %q, pair %q", w.mails, w.record.UID, w.pair.UID)
	}
}

func TestCase_Engine_DeletedInCRMChangedInExchange(t *testing.T) {
	for _, later := range []bool{true, false} {
		w := agreed(t, crmRecord(guest(bob), guest(dave)))
		change := func() { w.outlook(alice, func(e *portal.Entry) { e.Location = "Wanted" }); w.tick() }
		if !later {
			change()
		}
		w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
		w.tick()
		if later {
			change()
		}
		w.sync()
		if later {
			w.wantSame()
			if !w.record.Gone.IsZero() || w.record.Location != "Wanted" || len(w.conflicts) != 1 || len(w.mails) != 0 || len(w.record.Attendees) != 2 {
				t.Errorf("record %+v, conflicts %+v, mail %v", w.record, w.conflicts, w.mails)
			}
			continue
		}
		if w.item(alice) != nil || len(w.conflicts) != 1 || *w.conflicts[0].Lost.Location != "Wanted" || len(w.mails) != 1 {
			t.Errorf("the deletion was later: conflicts %+v, mail %v", w.conflicts, w.mails)
		}
	}
}

func TestCase_Engine_AnswersAloneDoNotBringADeletedOneBack(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.tick()
	w.tally(bob, portal.ResponseAccepted)
	w.sync()
	if w.item(alice) != nil || w.record.Gone.IsZero() || len(w.conflicts) != 0 {
		t.Errorf("record %+v, conflicts %v", w.record, w.conflicts)
	}
}

func TestCase_Engine_HistoryDoesNotVanishWithTheEntry(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(r *portal.CRMAppointment)
		status portal.AppointmentStatus
		gone   bool
	}{
		{"alone", func(r *portal.CRMAppointment) {}, portal.StatusPending, true},
		{"with people", func(r *portal.CRMAppointment) { r.Attendees = []portal.Attendee{guest(bob)} }, portal.StatusCancelled, false},
		{"with CRM people alone", func(r *portal.CRMAppointment) { r.Attendees = []portal.Attendee{guest(dave)} }, portal.StatusCancelled, false},
		{"with ties", func(r *portal.CRMAppointment) { r.Companies = []string{"c1"} }, portal.StatusCancelled, false},
		{"complete", func(r *portal.CRMAppointment) { r.Status = portal.StatusComplete }, portal.StatusComplete, false},
	} {
		r := crmRecord()
		c.do(r)
		w := agreed(t, r)
		w.item(alice).Gone = w.now
		w.sync()
		w.sync()
		if w.record.Status != c.status || w.record.Gone.IsZero() == c.gone || w.pair.RemoteID != "" {
			t.Errorf("%s: status %s, gone %s, pair %+v", c.name, w.record.Status, w.record.Gone, w.pair)
		}
		if len(w.wrote) != 1 {
			t.Errorf("%s: it was made again: %v", c.name, w.wrote)
		}
	}
}

func TestCase_Engine_RestoredFromDeletedItemsComesBack(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	w.edit(func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
	w.sync()
	w.tick()
	w.tick()
	e.RemoteID, e.ChangeKey, e.UpdatedAt = "restored", "r1", w.now
	w.mails = nil
	w.deliver(e)
	w.tick()
	w.sync()
	if w.record.Status != portal.StatusPending || w.pair.RemoteID != "restored" || len(w.mails) != 0 {
		t.Errorf("status %s, pair %+v, mail %v", w.record.Status, w.pair, w.mails)
	}
}

func TestCase_Engine_LateCopyOfADeletedOneIsTakenAwayQuietly(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.sync()
	w.mails = nil
	w.deliver(e) // read again from before the removal
	w.sync()
	if w.record.Gone.IsZero() || w.item(alice) != nil || len(w.mails) != 0 {
		t.Errorf("record %+v, mail %v", w.record, w.mails)
	}
}

func TestCase_Engine_LostAccessDeletesNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.items = nil // the mailbox's copies were forgotten
	if st := only[Wait](t, Plan(w.facts())); st.Reason != ReasonUnread {
		t.Errorf("%+v", st)
	}
	for i := range w.users {
		if w.users[i].Address == alice {
			w.users[i].ExchangeID, w.users[i].Cleared = "", true
		}
	}
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonOff {
		t.Errorf("%+v", st)
	}
}

func TestCase_Engine_WindowEdgeIsNotMadeAgain(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.now = start.AddDate(3, 0, 0)
	w.wrote = nil
	for range 3 {
		w.sync()
	}
	if len(w.wrote) != 0 || len(w.items) != 1 {
		t.Errorf("wrote %v", w.wrote)
	}
	w.unread = []portal.Address{alice}
	w.record, w.pair, w.items = crmRecord(guest(bob)), nil, nil
	if st := only[Wait](t, Plan(w.facts())); st.Reason != ReasonUnread {
		t.Errorf("what may be in a mailbox that was not read is not made there: %+v", st)
	}
}

func TestCase_Engine_NoLoopWhereBothSidesNormaliseTexts(t *testing.T) {
	w := newWorld(t)
	w.server.lossy = true
	w.record = crmRecord(guest(bob))
	w.record.Subject = strings.Repeat("a long  subject ", 40)
	w.record.Body = "one\n\n\n\ntwo  \r\n\u00a0\n- three"
	w.sync()
	w.wrote = nil
	rev, subject := w.record.Revision, w.record.Subject
	for range 5 {
		w.tick()
		w.sync()
	}
	if len(w.wrote) != 0 || w.record.Revision != rev || w.record.Subject != subject {
		t.Errorf("wrote %v, revision %d → %d", w.wrote, rev, w.record.Revision)
	}
	w.outlook(alice, func(e *portal.Entry) { e.Body = e.Body + "\r\nfour" })
	w.sync()
	if !strings.HasSuffix(w.record.Body, "four") || len(w.wrote) != 0 || w.record.Subject != subject {
		t.Errorf("body %q, wrote %v", w.record.Body, w.wrote)
	}
}

func TestCase_Engine_ServerThatKeepsLessChangesNothingInCRM(t *testing.T) {
	w := newWorld(t)
	w.server.deaf = true
	w.record = crmRecord(guest(bob))
	w.record.Show, w.record.Private, w.record.Categories = portal.ShowElsewhere, true, []string{"Red"}
	w.sync()
	for range 3 {
		w.tick()
		w.sync()
	}
	if w.record.Show != portal.ShowElsewhere || !w.record.Private || len(w.record.Categories) != 1 || len(w.wrote) != 1 {
		t.Errorf("record %+v, wrote %v", w.record.Appointment, w.wrote)
	}
}

func TestCase_Engine_SomebodyQuickerBetweenWriteAndNoteIsSeen(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "From CRM" })
	f := w.facts()
	s := Plan(f)
	for _, st := range s.List {
		w.do(st)
	}
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Quick"; e.Subject = "From CRM, and more" })
	pair, again, err := Settle(f, s, w.record, &w.item(alice).Entry)
	if err != nil || !again {
		t.Fatalf("again %v, %v", again, err)
	}
	w.pair = &pair
	w.tick()
	w.sync()
	w.wantSame()
	if w.record.Location != "Quick" || w.record.Subject != "From CRM, and more" {
		t.Errorf("record %q in %q", w.record.Subject, w.record.Location)
	}
}

func TestCase_Engine_FilesGoBothWaysOnce(t *testing.T) {
	r := crmRecord(guest(bob))
	r.Kept = []portal.CRMFile{{Attachment: portal.Attachment{ID: "f1", Name: "Agenda.txt", Size: 10}, Hash: "h1"},
		{Attachment: portal.Attachment{ID: "f2", Name: "huge.iso", Size: 5 << 20}, Hash: "h2"}}
	w := agreed(t, r)
	if a := w.item(alice).Entry.Attachments; len(a) != 1 || a[0].Name != "Agenda.txt" {
		t.Fatalf("files in Exchange %+v", a)
	}
	w.outlook(alice, func(e *portal.Entry) {
		e.Attachments = append(slices.Clone(e.Attachments), portal.Attachment{ID: "x1", Name: "Minutes.doc", Size: 500})
	})
	w.sync()
	if len(w.record.Kept) != 3 {
		t.Fatalf("files in CRM %+v", w.record.Kept)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Kept[0].Hash, r.Kept[0].Size, r.Kept[0].ID = "h9", 12, "f9" })
	w.wrote = nil
	w.sync()
	if a := w.item(alice).Entry.Attachments; len(a) != 2 || len(w.wrote) != 2 {
		t.Fatalf("after a new version: %+v, wrote %v", a, w.wrote)
	}
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Attachments = e.Attachments[:1] })
	w.sync()
	if len(w.record.Kept) != 2 {
		t.Errorf("files in CRM %+v", w.record.Kept)
	}
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep {
		t.Errorf("%+v", st)
	}
}

func TestCase_Engine_RulesDoNotEcho(t *testing.T) {
	m, err := mapping.Rules{
		{Name: "mark", On: true, Direction: portal.ToExchange, Do: mapping.Do{Subject: mapping.Text{Prefix: "[CRM] "}, Body: mapping.Text{Drop: true}}},
		{Name: "not the secret ones", On: true, Direction: portal.ToExchange, When: mapping.When{Category: "Internal"}, Do: mapping.Do{LeaveOut: true}},
	}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.rules = m
	w.record = crmRecord(guest(bob))
	w.sync()
	e := w.item(alice).Entry
	if e.Subject != "[CRM] Quarter" || e.Body != "" || w.record.Subject != "Quarter" || w.record.Body == "" {
		t.Fatalf("entry %q %q, record %q %q", e.Subject, e.Body, w.record.Subject, w.record.Body)
	}
	w.wrote = nil
	w.outlook(alice, func(e *portal.Entry) { e.Subject = "[CRM] Quarter, second try" })
	w.sync()
	if w.record.Subject != "Quarter, second try" || len(w.wrote) != 0 || w.record.Body == "" {
		t.Errorf("record %q %q, wrote %v", w.record.Subject, w.record.Body, w.wrote)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Body = "CRM's own"; r.Location = "Attic" })
	w.sync()
	if e := w.item(alice).Entry; e.Body != "" || e.Location != "Attic" || e.Subject != "[CRM] Quarter, second try" {
		t.Errorf("entry %+v", e.Appointment)
	}
	w.tick()
	w.wrote = nil
	w.edit(func(r *portal.CRMAppointment) { r.Categories = []string{"Internal"}; r.Subject = "Now internal" })
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Cellar" })
	w.sync()
	if len(w.wrote) != 0 || w.record.Location != "Cellar" {
		t.Errorf("what is left out is not written: %v; record in %q", w.wrote, w.record.Location)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Gone = w.now })
	w.sync()
	if w.item(alice) == nil {
		t.Error("what is left out was deleted on the other side")
	}

	w = newWorld(t)
	w.rules = m
	w.record = crmRecord(guest(bob))
	w.record.Categories = []string{"internal"}
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonLeftOut {
		t.Errorf("%+v", st)
	}
}

func TestCase_Engine_ChangeIDsAreTheSameForTheSameChangeAlone(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "One" })
	a, b := steps[UpdateExchange](Plan(w.facts())), steps[UpdateExchange](Plan(w.facts()))
	if a[0].ChangeID == "" || a[0].ChangeID != b[0].ChangeID || !strings.HasPrefix(a[0].ChangeID, w.record.ID+".") {
		t.Errorf("%q and %q", a[0].ChangeID, b[0].ChangeID)
	}
	w.outlook(alice, func(e *portal.Entry) { e.Location = "Else" })
	if c := steps[UpdateExchange](Plan(w.facts())); c[0].ChangeID == a[0].ChangeID {
		t.Error("made from another version it is another change")
	}
}

func TestSettleNotesNothingOfAPlanThatDoesNothing(t *testing.T) {
	w := newWorld(t)
	if _, _, err := Settle(w.facts(), Plan(w.facts()), nil, nil); !errors.Is(err, errNothing) {
		t.Errorf("error %v", err)
	}
}
