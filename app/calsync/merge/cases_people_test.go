package merge

import (
	"fmt"
	"strings"
	"testing"

	"portico/app/portal"
)

// The cases of the field that concern privacy and those who take part.

func TestCase_Privacy_PrivateBothWays(t *testing.T) {
	w := agreed(t, crmRecord())
	w.edit(func(r *portal.CRMAppointment) { r.Private = true })
	w.sync()
	if !w.item(alice).Entry.Private {
		t.Error("not private in Exchange")
	}
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Private = false })
	w.sync()
	if w.record.Private {
		t.Error("still private in CRM")
	}
}

func TestCase_Privacy_TextsOfPrivateOnesAreInNoLogAndNoConflict(t *testing.T) {
	r := crmRecord()
	r.Private, r.Subject, r.Body, r.Location = true, "secret-subject", "secret-body", "secret-place"
	w := agreed(t, r)
	w.outlook(alice, func(e *portal.Entry) { e.Subject, e.Body = "secret-other", "secret-text" })
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject, r.Body = "secret-mine", "secret-words" })
	s := Plan(w.facts())
	if len(s.Conflicts) != 1 {
		t.Fatalf("conflicts %+v", s.Conflicts)
	}
	c := s.Conflicts[0]
	for what, text := range map[string]string{"before": fmt.Sprint(s.Before), "after": fmt.Sprint(s.After), "subject": c.Subject, "kept": fmt.Sprint(c.Kept), "given": fmt.Sprint(c.Given)} {
		if strings.Contains(text, "secret") {
			t.Errorf("%s: %s", what, text)
		}
	}
	if *c.Lost.Subject != "secret-other" {
		t.Errorf("what was lost cannot be taken back: %+v", c.Lost)
	}
}

func TestCase_Privacy_PrivateMeetingKeepsItsAttendees(t *testing.T) {
	r := crmRecord(guest(bob), outsider("kim@other.test"))
	r.Private = true
	w := newWorld(t)
	w.record = r
	w.sync()
	e := w.item(alice).Entry
	if !e.Private || len(e.Attendees) != 2 || len(w.mails) != 1 {
		t.Errorf("private %v, %d attendees, mail %v", e.Private, len(e.Attendees), w.mails)
	}
	w.wantSame()
}

func TestCase_Attendees_PartialListNeverRemovesWhoItDidNotKnow(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(dave)))
	w.outlook(alice, func(e *portal.Entry) { e.Attendees = append(e.Attendees, outsider("late@other.test")) })
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Attendees = append(r.Attendees, guest(carol)) })
	s := Plan(w.facts())
	up := steps[UpdateExchange](s)
	if len(up) != 1 || up[0].Change.Attendees == nil {
		t.Fatalf("steps %s", describe(s.List))
	}
	after := up[0].Change.AttendeesOver(append(w.item(alice).Entry.Attendees, outsider("later-still@other.test")))
	if len(after) != 4 {
		t.Errorf("after the change %d are invited, want all four: %+v", len(after), after)
	}
	w.sync()
	w.wantSame()
	if len(w.record.Attendees) != 4 {
		t.Errorf("the record has %d attendees", len(w.record.Attendees))
	}
}

func TestCase_Attendees_CRMOnlyPeopleAreNeverRemovedByExchange(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(dave), guest(erin)))
	if n := len(w.item(alice).Entry.Attendees); n != 1 {
		t.Fatalf("%d attendees in Exchange, want bob alone", n)
	}
	w.outlook(alice, func(e *portal.Entry) { e.Attendees = nil; e.Subject = "Alone" })
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if len(c.Attendees) != 2 || c.person(string(dave)) == nil || c.person(string(erin)) == nil || w.record.Subject != "Alone" {
		t.Errorf("attendees %s", words(&c)["attendees"])
	}
	if len(w.wrote) != 1 { // the creation
		t.Errorf("wrote %v", w.wrote)
	}
}

func TestCase_Attendees_RemovedInOutlookStaysRemovedWhileTheCopyIsThere(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(carol)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID = bob, false, "bobs"
	w.deliver(e)
	w.sync()
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Attendees = e.Attendees[1:] })
	w.sync()
	if n := len(w.record.Attendees); n != 1 {
		t.Fatalf("%d attendees", n)
	}
	w.item(bob).Gone = w.now
	w.sync()
	if n := len(w.record.Attendees); n != 1 {
		t.Errorf("%d attendees", n)
	}
}

func TestCase_Attendees_MoreThanFifty(t *testing.T) {
	var list []portal.Attendee
	for i := range 180 {
		list = append(list, outsider(fmt.Sprintf("guest%03d@other.test", i)))
	}
	w := agreed(t, crmRecord(list...))
	if n := len(w.item(alice).Entry.Attendees); n != 180 {
		t.Fatalf("%d attendees in Exchange", n)
	}
	w.outlook(alice, func(e *portal.Entry) { e.Attendees = e.Attendees[:170] })
	w.sync()
	w.wantSame()
	if n := len(w.record.Attendees); n != 170 {
		t.Errorf("%d attendees on the record", n)
	}
}

func TestCase_Attendees_RolesAreKept(t *testing.T) {
	room := portal.Attendee{Name: "Room", Email: "room@example.test", Role: portal.RoleResource}
	opt := guest(bob)
	opt.Role = portal.RoleOptional
	w := agreed(t, crmRecord(opt, guest(carol), room))
	w.wantSame()
	for _, a := range w.item(alice).Entry.Attendees {
		want := map[string]portal.AttendeeRole{bare(bob): portal.RoleOptional, bare(carol): portal.RoleRequired, "room@example.test": portal.RoleResource}[a.Email]
		if a.Role != want {
			t.Errorf("%s is %s, want %s", a.Email, a.Role, want)
		}
	}
	w.outlook(alice, func(e *portal.Entry) { e.Attendees[0].Role = portal.RoleRequired })
	w.sync()
	w.wantSame()
	w.outlook(alice, func(e *portal.Entry) { e.Attendees[1].Role = portal.RoleOptional })
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Roles" })
	w.sync()
	w.wantSame()
}

func TestCase_Attendees_DeclinedStaysWithTheAnswer(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(carol)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID = bob, false, "bobs"
	w.deliver(e)
	w.sync()
	w.tick()
	w.tally(bob, portal.ResponseDeclined)
	for i := range w.items {
		if w.items[i].Mailbox == bob {
			w.items[i].Gone = w.now
		}
	}
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if p := c.person(string(bob)); p == nil || p.Response != portal.ResponseDeclined {
		t.Errorf("bob: %+v", p)
	}
	if len(w.wrote) != 1 || len(w.mails) != 0 {
		t.Errorf("wrote %v, mail %v", w.wrote, w.mails)
	}
}

func TestCase_Attendees_InviteesDeletionChangesNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(carol)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID = bob, false, "bobs"
	w.deliver(e)
	w.sync()
	w.item(bob).Gone = w.now
	w.sync()
	if w.record.Status != portal.StatusPending || !w.record.Gone.IsZero() || len(w.record.Attendees) != 2 || len(w.wrote) != 1 {
		t.Errorf("record %+v, wrote %v", w.record, w.wrote)
	}
}

func TestCase_Attendees_AnswersComeFromTheMailbox(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(dave), outsider("kim@other.test")))
	w.edit(func(r *portal.CRMAppointment) { r.Attendees[2].Response = portal.ResponseAccepted }) // nobody outside answers in CRM
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if p := c.person("kim@other.test"); p.Response != portal.ResponseNone {
		t.Errorf("kim: %+v", p)
	}
	w.tick()
	w.outlook(alice, func(e *portal.Entry) {
		for i := range e.Attendees {
			e.Attendees[i].Response, e.Attendees[i].RespondedAt, e.Attendees[i].Comment = portal.ResponseTentative, w.now, "perhaps"
		}
	})
	w.sync()
	c = OfCRM(*w.record, NewUsers(w.users))
	for _, key := range []string{string(bob), "kim@other.test"} {
		if p := c.person(key); p.Response != portal.ResponseTentative {
			t.Errorf("%s: %+v", key, p)
		}
	}
	for _, a := range w.record.Attendees {
		if a.Email != bare(dave) && (a.Comment != "perhaps" || a.RespondedAt.IsZero()) {
			t.Errorf("%s: %+v", a.Email, a)
		}
	}
}

func TestCase_Attendees_CRMOnlyAnswerIsTheirOwn(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(dave)))
	w.edit(func(r *portal.CRMAppointment) { r.Attendees[1].Response = portal.ResponseAccepted })
	w.sync()
	w.tick()
	w.tally(bob, portal.ResponseAccepted)
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if c.person(string(dave)).Response != portal.ResponseAccepted || c.person(string(bob)).Response != portal.ResponseAccepted {
		t.Errorf("attendees %s", words(&c)["attendees"])
	}
	if len(w.wrote) != 1 {
		t.Errorf("wrote %v", w.wrote)
	}
}

func TestCase_Attendees_AnswerInCRMIsGivenInTheirMailbox(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(carol)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID, e.Response = bob, false, "bobs", portal.ResponseNone
	w.deliver(e)
	w.sync()
	w.tick()
	w.edit(func(r *portal.CRMAppointment) {
		r.Attendees[0].Response, r.Attendees[0].Comment = portal.ResponseAccepted, "gladly"
	})
	s := Plan(w.facts())
	a := steps[Answer](s)
	if len(a) != 1 || a[0].Mailbox != bob || a[0].Ref.RemoteID != "bobs" || a[0].Response != portal.ResponseAccepted || a[0].Comment != "gladly" || !a[0].Send {
		t.Fatalf("steps %s", describe(s.List))
	}
	w.sync()
	if len(w.mails) != 1 {
		t.Errorf("mail %v, want the one answer", w.mails)
	}
	c := OfCRM(*w.record, NewUsers(w.users))
	if c.person(string(bob)).Response != portal.ResponseAccepted {
		t.Errorf("bob %+v", c.person(string(bob)))
	}
	w.tick()
	w.outlook(bob, func(e *portal.Entry) { e.Response = portal.ResponseDeclined }) // a changed mind, in Outlook
	w.tally(bob, portal.ResponseDeclined)
	w.sync()
	c = OfCRM(*w.record, NewUsers(w.users))
	if c.person(string(bob)).Response != portal.ResponseDeclined || len(w.mails) != 1 {
		t.Errorf("bob %+v, mail %v", c.person(string(bob)), w.mails)
	}
}

func TestCase_Attendees_ChangedAnswerIsGivenAgain(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID, e.Response = bob, false, "bobs", portal.ResponseNone
	w.deliver(e)
	w.sync()
	for i, r := range []portal.Response{portal.ResponseAccepted, portal.ResponseDeclined, portal.ResponseTentative} {
		w.tick()
		w.edit(func(rec *portal.CRMAppointment) { rec.Attendees[0].Response = r })
		w.sync()
		if len(w.mails) != i+1 || w.item(bob).Entry.Response != r {
			t.Fatalf("%s: mail %v, mailbox %s", r, w.mails, w.item(bob).Entry.Response)
		}
	}
}

func TestCase_Attendees_SilentAcceptIsSeen(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	e.Calendar, e.Mine, e.RemoteID, e.Response = bob, false, "bobs", portal.ResponseAccepted
	w.deliver(e)
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if c.person(string(bob)).Response != portal.ResponseAccepted {
		t.Errorf("bob %+v", c.person(string(bob)))
	}
}

func TestCase_Attendees_NoneIsNotResponded(t *testing.T) {
	w := newWorld(t)
	a, b := guest(bob), guest(carol)
	a.Response, b.Response = "", portal.ResponseNone
	x, y := w.entry(alice, alice, a), w.entry(alice, alice, guest(bob))
	c, d := OfExchange(x, NewUsers(w.users)), OfExchange(y, NewUsers(w.users))
	if !same(&c, &d) || b.Response != c.Attendees[0].Response {
		t.Errorf("%v and %v differ", c.Attendees, d.Attendees)
	}
}

func TestCase_Attendees_ProposedTimeArrives(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	w.outlook(alice, func(e *portal.Entry) {
		e.Attendees[0].Response, e.Attendees[0].RespondedAt = portal.ResponseTentative, w.now
		e.Attendees[0].ProposedStart, e.Attendees[0].ProposedEnd = day(1), day(1).Add(1)
	})
	w.sync()
	if a := w.record.Attendees[0]; !a.ProposedStart.Equal(day(1)) || a.Response != portal.ResponseTentative {
		t.Errorf("bob %+v", a)
	}
	w.tick()
	w.outlook(alice, func(e *portal.Entry) { e.Attendees[0].ProposedStart = day(2) })
	w.sync()
	if a := w.record.Attendees[0]; !a.ProposedStart.Equal(day(2)) {
		t.Errorf("the second proposal: %+v", a)
	}
}

func TestCase_Attendees_AnswerToOneOccurrence(t *testing.T) {
	w := series(t, "FREQ=DAILY;COUNT=5", guest(bob))
	w.outlook(alice, func(e *portal.Entry) {
		except(e, day(2), func(x *portal.Appointment) {
			x.Attendees = []portal.Attendee{guest(bob)}
			x.Attendees[0].Response, x.Attendees[0].RespondedAt = portal.ResponseDeclined, w.now
		})
	})
	w.sync()
	if x := w.record.Exceptions; len(x) != 1 || x[0].Attendees[0].Response != portal.ResponseDeclined || w.record.Attendees[0].Response != portal.ResponseNone {
		t.Errorf("exceptions %+v", x)
	}
	if len(w.wrote) != 1 {
		t.Errorf("wrote %v", w.wrote)
	}
}

func TestCase_Attendees_UserWhoGetsAMailboxIsInvited(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(dave)))
	for i := range w.users {
		if w.users[i].Address == dave {
			w.users[i].ExchangeID = bare(dave)
		}
	}
	w.sync()
	if len(w.item(alice).Entry.Attendees) != 2 || len(w.mails) != 1 {
		t.Errorf("attendees %+v, mail %v", w.item(alice).Entry.Attendees, w.mails)
	}
	w.tick()
	for i := range w.users {
		if w.users[i].Address == bob {
			w.users[i].ExchangeID, w.users[i].Cleared = "", true // switched off: nothing is deleted anywhere
		}
	}
	w.sync()
	if len(w.item(alice).Entry.Attendees) != 2 || len(w.mails) != 1 {
		t.Errorf("after bob was switched off: %+v, mail %v", w.item(alice).Entry.Attendees, w.mails)
	}
}
