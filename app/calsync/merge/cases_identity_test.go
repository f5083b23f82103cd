package merge

import (
	"testing"
	"time"

	"portico/app/portal"
)

// The cases of the field that concern who an appointment is and whose.

// only gives the one step of a plan.
func only[S Step](t *testing.T, s Steps) S {
	t.Helper()
	if len(s.List) != 1 {
		t.Fatalf("%d steps, want one: %s", len(s.List), describe(s.List))
	}
	st, ok := s.List[0].(S)
	if !ok {
		t.Fatalf("the step is %s", describe(s.List))
	}
	return st
}

// steps gives the steps of a kind.
func steps[S Step](s Steps) []S {
	var out []S
	for _, st := range s.List {
		if x, ok := st.(S); ok {
			out = append(out, x)
		}
	}
	return out
}

func TestCase_Identity_OrganiserAndAttendeesAreOneRecord(t *testing.T) {
	w := newWorld(t)
	for _, m := range []portal.Address{bob, alice, carol} {
		w.deliver(w.entry(m, alice, guest(bob), guest(carol)))
	}
	w.sync()
	if w.record == nil || w.record.Calendar != alice || w.record.Stub || len(w.record.Attendees) != 2 {
		t.Fatalf("the record is %+v", w.record)
	}
	if w.pair.Mailbox != alice {
		t.Errorf("the truth is in %s, want the organiser's", w.pair.Mailbox)
	}
	if len(w.wrote) != 0 || len(w.mails) != 0 {
		t.Errorf("written %v, mail %v", w.wrote, w.mails)
	}
}

func TestCase_Identity_InviteesCopyBeforeTheOrganisersWaitsForIt(t *testing.T) {
	w := newWorld(t)
	w.unread = []portal.Address{alice}
	w.deliver(w.entry(bob, alice, guest(bob)))
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonOrganizer {
		t.Errorf("reason %q", st.Reason)
	}
	w.unread = nil
	w.deliver(w.entry(alice, alice, guest(bob)))
	w.sync()
	if w.record.Stub || w.record.Calendar != alice {
		t.Errorf("the record is %+v", w.record)
	}
}

func TestCase_Identity_TwoProvidersAreJoinedByUID(t *testing.T) {
	w := newWorld(t)
	w.record = crmRecord(guest(bob))
	e := w.entry(alice, alice, guest(bob))
	e.UID, e.Subject, e.Body = w.record.UID, w.record.Subject, w.record.Body
	e.Location = w.record.Location
	w.deliver(e)
	only[Adopt](t, Plan(w.facts()))
	w.sync()
	if w.pair.CRM != "crm-1" || len(w.items) != 1 || len(w.mails) != 0 {
		t.Errorf("pair %+v, %d copies, mail %v", w.pair, len(w.items), w.mails)
	}
}

func TestCase_Identity_StrangersMeetingIsAStubAndUpgrades(t *testing.T) {
	w := newWorld(t)
	e := w.entry(bob, "sip:zoe@other.test", guest(bob), guest(carol))
	w.deliver(e)
	w.deliver(w.entry(carol, "sip:zoe@other.test", guest(bob), guest(carol)))
	w.sync()
	if !w.record.Stub || w.record.Calendar != bob || w.record.Organizer.Email != "zoe@other.test" {
		t.Fatalf("the stub is %+v", w.record)
	}
	w.tick()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "not mine to change"; r.People = []string{"p1"} })
	w.tick()
	w.outlook(bob, func(e *portal.Entry) { e.Location = "Harbour" })
	w.sync()
	if len(w.wrote) != 0 || w.item(bob).Entry.Subject != "Lunch" || w.record.Location != "Harbour" || len(w.record.People) != 1 {
		t.Fatalf("wrote %v, record %+v", w.wrote, w.record)
	}
	zoe := portal.Address("sip:zoe@other.test")
	w.users = append(w.users, portal.CRMUser{Address: zoe, FirstName: "Zoe", Email: "zoe@other.test", ExchangeID: "zoe@other.test"})
	w.tick()
	e = w.entry(zoe, zoe, guest(bob), guest(carol))
	e.Location = "Harbour"
	w.deliver(e)
	w.sync()
	if w.record.Stub || w.record.Calendar != zoe || w.pair.Mailbox != zoe || w.record.Subject != "Lunch" {
		t.Errorf("after the upgrade %+v, pair in %s", w.record, w.pair.Mailbox)
	}
	if len(w.mails) != 0 || len(w.wrote) != 0 {
		t.Errorf("wrote %v, mail %v", w.wrote, w.mails)
	}
}

func TestCase_Identity_StubGoesWithItsLastCopy(t *testing.T) {
	w := newWorld(t)
	w.deliver(w.entry(bob, "sip:zoe@other.test", guest(bob), guest(carol)))
	w.deliver(w.entry(carol, "sip:zoe@other.test", guest(bob), guest(carol)))
	w.sync()
	w.tick()
	w.item(bob).Gone = w.now
	w.sync()
	if !w.record.Gone.IsZero() || w.pair.Mailbox != carol {
		t.Fatalf("one copy is left: record %+v, pair in %s", w.record, w.pair.Mailbox)
	}
	w.tick()
	w.item(carol).Gone = w.now
	w.sync()
	if w.record.Gone.IsZero() {
		t.Errorf("no copy is left, the record lives")
	}
}

func TestCase_Identity_ListMembersTakePart(t *testing.T) {
	w := newWorld(t)
	list := portal.Attendee{Name: "Team", Email: "team@example.test", Role: portal.RoleRequired, List: true}
	w.deliver(w.entry(alice, alice, list))
	w.deliver(w.entry(bob, alice, list))
	w.deliver(w.entry(carol, alice, list))
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	for _, m := range []portal.Address{bob, carol} {
		if c.person(string(m)) == nil {
			t.Errorf("%s is not on the record: %v", m, words(&c)["attendees"])
		}
	}
	if len(w.wrote) != 0 || len(w.item(alice).Entry.Attendees) != 1 {
		t.Errorf("Exchange's list was written: %v", w.wrote)
	}
	w.tick()
	w.outlook(bob, func(e *portal.Entry) { e.Response = portal.ResponseAccepted })
	w.sync()
	c = OfCRM(*w.record, NewUsers(w.users))
	if got := c.person(string(bob)).Response; got != portal.ResponseAccepted {
		t.Errorf("bob's answer is %q", got)
	}
}

func TestCase_Identity_MailboxMovedKeepsThePair(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	w.item(alice).Gone = w.now
	e.RemoteID, e.ChangeKey = "moved", "m1"
	w.deliver(e)
	w.sync()
	if w.pair.RemoteID != "moved" || w.record.Status != portal.StatusPending || !w.record.Gone.IsZero() || len(w.wrote) != 1 {
		t.Errorf("pair %+v, record %+v, wrote %v", w.pair, w.record, w.wrote)
	}
}

func TestCase_Identity_ChangedAddressIsTheSamePerson(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob), guest(carol)))
	for i := range w.users {
		if w.users[i].Address == bob {
			w.users[i].Email, w.users[i].ExchangeID = "robert@example.test", "robert@example.test"
		}
	}
	w.edit(func(r *portal.CRMAppointment) { r.Attendees[0].Email = "robert@example.test" })
	w.sync()
	if len(w.mails) != 0 || len(w.wrote) != 1 {
		t.Errorf("wrote %v, mail %v", w.wrote, w.mails)
	}
}

func TestCase_Identity_ServerChoosesTheUID(t *testing.T) {
	w := newWorld(t)
	w.server.uid = true
	w.record = crmRecord(guest(bob))
	w.sync()
	if uid := w.item(alice).Entry.UID; uid == "uid-1" || w.record.UID != uid || w.pair.UID != uid {
		t.Errorf("entry %q, record %q, pair %q", uid, w.record.UID, w.pair.UID)
	}
	if len(w.mails) != 1 {
		t.Errorf("mail %v, want the invitation alone", w.mails)
	}
}

func TestCase_Identity_SameOnBothSidesIsAdoptedNotDoubled(t *testing.T) {
	for _, c := range []struct {
		name  string
		other func(e *portal.Entry)
		adopt bool
	}{
		{"alike", func(e *portal.Entry) { e.Subject = " quarter " }, true},
		{"another subject", func(e *portal.Entry) { e.Subject = "Quarter 2" }, false},
		{"another time", func(e *portal.Entry) { e.Start = e.Start.Add(time.Hour); e.End = e.End.Add(time.Hour) }, false},
		{"all day", func(e *portal.Entry) { e.AllDay, e.Start, e.End = true, date(e.Start), date(e.Start).AddDate(0, 0, 1) }, false},
		{"somebody else's", func(e *portal.Entry) { e.Mine = false }, false},
		{"made by us for another record", func(e *portal.Entry) { e.ChangeID = "crm-7" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.record = crmRecord(guest(bob))
			e := w.entry(alice, alice, guest(bob))
			e.Subject, e.UID = "Quarter", "other-uid"
			c.other(&e)
			w.alikeCopies = []portal.SyncItem{{Mailbox: alice, Entry: e, ReadAt: w.now}}
			s := Plan(w.facts())
			if made := len(steps[CreateExchange](s)) > 0; made == c.adopt {
				t.Fatalf("steps %s", describe(s.List))
			}
			if c.adopt && (s.Mail() || s.Pair.UID != "other-uid" || steps[PutCRM](s)[0].Record.UID != "other-uid") {
				t.Errorf("adopted with %s, pair %+v", describe(s.List), s.Pair)
			}
		})
	}
}

func TestCase_Identity_EntryFindsTheRecordThatIsAlike(t *testing.T) {
	w := newWorld(t)
	r := crmRecord(guest(bob))
	e := w.entry(alice, alice, guest(bob))
	e.Subject = "Quarter"
	w.deliver(e)
	w.alikeRecords = []portal.CRMAppointment{*r}
	s := Plan(w.facts())
	put := steps[PutCRM](s)
	if len(put) != 1 || put[0].Record.ID != r.ID || put[0].Record.UID != e.UID || s.Mail() || put[0].Alert {
		t.Errorf("steps %s", describe(s.List))
	}
}

func TestCase_Identity_OwnerWithoutMailboxSendsFromTheSyncUsers(t *testing.T) {
	w := newWorld(t)
	w.record = crmRecord(guest(bob), guest(erin))
	w.record.Calendar, w.record.Organizer = dave, portal.Attendee{URI: dave, Email: bare(dave), Response: portal.ResponseOrganizer}
	w.sync()
	it := w.item(desk)
	if it == nil || len(it.Entry.Attendees) != 1 || it.Entry.Attendees[0].Email != bare(bob) || len(w.mails) != 1 {
		t.Fatalf("in the sync user's mailbox: %+v, mail %v", it, w.mails)
	}
	w.tally(bob, portal.ResponseAccepted)
	w.sync()
	c := OfCRM(*w.record, NewUsers(w.users))
	if w.record.Calendar != dave || c.person(string(bob)).Response != portal.ResponseAccepted || c.person(string(erin)) == nil {
		t.Errorf("record of %s, %v", w.record.Calendar, words(&c)["attendees"])
	}

	w = newWorld(t)
	w.options.SyncUser = ""
	w.record = crmRecord(guest(bob))
	w.record.Calendar = dave
	if st := only[Refuse](t, Plan(w.facts())); st.Reason != ReasonNoHome {
		t.Errorf("without a sync user: %+v", st)
	}
	w.record.Attendees = []portal.Attendee{guest(erin)}
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonNoOne {
		t.Errorf("nobody with a mailbox: %+v", st)
	}
}

func TestCase_Identity_CopiedItemWithTheSameUIDHarmsNothing(t *testing.T) {
	w := agreed(t, crmRecord(guest(bob)))
	e := w.item(alice).Entry
	e.RemoteID, e.ChangeKey, e.Subject, e.InvitedAt = "a-copy", "c1", "Quarter (copy)", w.now
	w.deliver(e)
	if st := only[Skip](t, Plan(w.facts())); st.Reason != ReasonInStep || w.pair.RemoteID == "a-copy" {
		t.Errorf("%+v, pair %+v", st, w.pair)
	}
}
