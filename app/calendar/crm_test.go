package calendar_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/crm"
	"portico/app/portal"
)

var _ calendar.CRM = (*crm.Service)(nil)

// lateCRM is a CRM that is there once the store is.
type lateCRM struct{ calendar.CRM }

// both is a house with CRM beside Exchange: alice and bob have mailboxes that are kept in step, carol and dave have none.
type both struct {
	*house
	crm *crm.Service
}

func openBoth(t *testing.T, x *model, now time.Time, adjust func(*calendar.Options)) *both {
	t.Helper()
	for _, who := range []portal.Address{carol, dave} {
		x.denied[portal.CalendarKey{Reader: who, Owner: who}] = portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	late := &lateCRM{}
	o := quick()
	o.CRM = late
	if adjust != nil {
		adjust(&o)
	}
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), o, now)
	b := &both{house: h}
	options := crm.Options{
		Find: func(email string) portal.Address { return portal.Address("sip:" + strings.ToLower(email)) },
		Lookup: func(_ context.Context, a portal.Address) portal.Person {
			return portal.Person{URI: a, Email: a.Bare(), DisplayName: a.User()}
		},
		Pairs:    h.store.SyncPairsOf,
		UIDOf:    func(ctx context.Context, me portal.Address, id string) (string, error) { return b.UIDOf(ctx, me, id) },
		Touched:  func(people []portal.Address) { b.Touched(people) },
		Watching: func(of portal.Address) []portal.Address { return b.Watching(of) },
	}
	if !now.IsZero() {
		options.Now = h.clock
	}
	b.crm = crm.New(h.store, options)
	late.CRM = b.crm
	return b
}

func startBoth(t *testing.T, x *model, now time.Time, adjust func(*calendar.Options)) *both {
	t.Helper()
	b := openBoth(t, x, now, adjust)
	b.run()
	b.users()
	b.SignedIn(b.ctx, alice)
	b.loaded(alice, alice)
	return b
}

func (b *both) users() {
	b.t.Helper()
	_, err := b.crm.PutUsers(b.ctx, []portal.CRMUser{
		{Address: alice, LastName: "Alice", Email: "alice@example.test", ExchangeID: "a"}, {Address: bob, LastName: "Bob", Email: "bob@example.test", ExchangeID: "b"},
		{Address: carol, LastName: "Carol", Email: "carol@example.test"}, {Address: dave, LastName: "Dave", Email: "dave@example.test"},
	}, "test")
	b.must(err)
}

// signIn opens somebody's own calendar; with a mailbox it is read.
func (b *both) signIn(who portal.Address, mailbox bool) {
	b.t.Helper()
	b.SignedIn(b.ctx, who)
	if mailbox {
		b.loaded(who, who)
	}
}

// meet is an appointment kept in CRM.
func meet(subject string, start time.Time, emails ...string) portal.Appointment {
	return portal.Appointment{Subject: subject, Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Vienna", Source: portal.SourceCRM, Attendees: invited(emails...)}
}

func (b *both) made(me portal.Address, a portal.Appointment) portal.Appointment {
	b.t.Helper()
	out, err := b.Create(b.ctx, me, me, a)
	b.must(err)
	return out
}

// week is what somebody sees of their own calendar in the tests' first week.
func (b *both) week(who portal.Address) []portal.Appointment {
	b.t.Helper()
	return b.window(who, who, day(1, 0, 0), day(8, 0, 0)).Appointments
}

// only is the one appointment of somebody's week.
func (b *both) only(who portal.Address) portal.Appointment {
	b.t.Helper()
	list := b.week(who)
	if len(list) != 1 {
		b.t.Fatalf("%s sees %v", who.User(), subjects(list))
	}
	return list[0]
}

// copied is the copy of an appointment in somebody's mailbox, as the synchronisation and Exchange bring it there.
func (b *both) copied(who portal.Address, a portal.Appointment) portal.Entry {
	b.t.Helper()
	e := entry(a.Subject, a.Start, a.End.Sub(a.Start))
	e.UID, e.Attendees, e.Meeting, e.Recurrence, e.TimeZone, e.Organizer = a.UID, a.Attendees, a.Meeting, a.Recurrence, a.TimeZone, a.Organizer
	if who != a.Organizer.URI {
		e.Mine, e.Response, e.Show = false, portal.ResponseNone, portal.ShowTentative
	}
	e = b.x.add(who, e)
	b.eventually("the copy has been read", func() bool {
		ids, err := b.store.CalendarUIDs(b.ctx, portal.CalendarKey{Reader: who, Owner: who}, []string{a.UID})
		return err == nil && ids[a.UID] != ""
	})
	return e
}

// agreed notes that both sides agreed on a record.
func (b *both) agreed(id string) {
	b.t.Helper()
	r, err := b.crm.Record(b.ctx, id)
	b.must(err)
	p := portal.SyncPair{CRM: id, UID: r.UID, Mailbox: r.Calendar, State: portal.SyncDone, Revision: r.Revision}
	if old, err := b.store.SyncPair(b.ctx, id); err == nil {
		p.Version = old.Version
	}
	b.must(b.store.EndSyncJob(b.ctx, portal.SyncOutcome{Pair: &p}))
}

func TestAMeetingOfBothSidesIsShownOnceUnderAnIDThatStays(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(bob, true)
	a := b.made(alice, meet("Budget", day(2, 10, 0), "bob@example.test", "carol@example.test"))
	if !strings.HasPrefix(a.ID, portal.CRMPrefix) || a.Source != portal.SourceCRM || a.Sync.State != portal.SyncPending || a.Status != portal.StatusPending || !a.Mine {
		t.Fatalf("made: %+v", a)
	}
	if got := b.only(alice); got.ID != a.ID || got.Version != a.Version {
		t.Errorf("before it is in Exchange: %+v", got)
	}
	b.copied(alice, a)
	b.copied(bob, a)
	b.agreed(a.ID)
	for _, who := range []portal.Address{alice, bob, carol} {
		got := b.only(who)
		if got.ID != a.ID || got.Sync.State != portal.SyncDone || got.Calendar != who || got.Mine != (who == alice) || got.Version != a.Version {
			t.Errorf("%s sees %+v", who.User(), got)
		}
		one, err := b.Get(b.ctx, who, who, a.ID)
		b.must(err)
		if one.ID != a.ID || one.Mine != (who == alice) || one.Version != a.Version || one.Sync.State != portal.SyncDone {
			t.Errorf("%s gets %+v", who.User(), one)
		}
	}
}

func TestAMovedRecordIsNotShownAtItsOldTimeToo(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	a := b.made(alice, meet("Budget", day(2, 10, 0)))
	b.copied(alice, a)
	b.agreed(a.ID)
	x.set(func() { x.down = true })
	start, end := day(16, 10, 0), day(16, 11, 0)
	moved, err := b.Change(b.ctx, alice, alice, a.ID, portal.AppointmentChange{Start: &start, End: &end}, a.Version)
	b.must(err)
	if moved.ID != a.ID || !moved.Start.Equal(start) || moved.Sync.State != portal.SyncPending {
		t.Errorf("moved: %+v", moved)
	}
	if got := b.week(alice); len(got) != 0 {
		t.Errorf("the old time still shows %v", subjects(got))
	}
	if got := b.window(alice, alice, day(15, 0, 0), day(22, 0, 0)).Appointments; len(got) != 1 {
		t.Errorf("the new time shows %v", subjects(got))
	}
}

func TestAnEntryOfExchangeHasItsTiesAndItsStatus(t *testing.T) {
	x := newModel()
	e := entry("Fair", day(3, 9, 0), time.Hour)
	e.UID = "uid-fair"
	x.add(alice, e)
	b := startBoth(t, x, time.Time{}, nil)
	acme, err := b.crm.SaveCompany(b.ctx, alice, "", portal.CRMCompany{Name: "Acme"})
	b.must(err)
	plain := b.only(alice)
	_, err = b.crm.SetTies(b.ctx, alice, plain.ID, nil, []string{acme.ID}, "")
	if portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("tied although it is not in CRM: %v", err)
	}
	r, err := b.crm.Put(b.ctx, portal.CRMAppointment{Origin: portal.SourceExchange, Entry: portal.Entry{Appointment: portal.Appointment{Calendar: alice, UID: "uid-fair",
		Subject: "Fair", Start: e.Start, End: e.End, TimeZone: "Europe/Vienna"}}}, false)
	b.must(err)
	_, err = b.crm.SetTies(b.ctx, alice, plain.ID, nil, []string{acme.ID}, "")
	b.must(err)
	_, err = b.crm.SetStatus(b.ctx, alice, plain.ID, portal.StatusComplete, "")
	b.must(err)
	got := b.only(alice)
	if got.ID != plain.ID || got.Source == portal.SourceCRM || !slices.Equal(got.Companies, []string{acme.ID}) || got.Status != portal.StatusComplete || got.Sync.State != portal.SyncPending {
		t.Errorf("dressed: %+v", got)
	}
	b.agreed(r.ID)
	if got = b.only(alice); got.Sync.State != portal.SyncDone || got.Version != plain.Version {
		t.Errorf("in step: %+v, version %s, was %s", got.Sync, got.Version, plain.Version)
	}
	one, err := b.Get(b.ctx, alice, alice, plain.ID)
	b.must(err)
	if one.Status != portal.StatusComplete || one.Version != got.Version || !slices.Equal(one.Companies, got.Companies) {
		t.Errorf("alone: %+v", one)
	}
	subject := "Fair II"
	if out, err := b.Change(b.ctx, alice, alice, plain.ID, portal.AppointmentChange{Subject: &subject}, got.Version); err != nil || out.Subject != subject {
		t.Errorf("changed: %+v, %v", out, err)
	}
	b.eventually("Exchange has the change", func() bool { return x.all(alice)[0].Subject == subject })
	if got := b.only(alice); got.ID != plain.ID { // although the record does not know of it yet
		t.Errorf("shown: %+v", got)
	}
}

func TestWhoHasNoMailboxHasACalendarInCRM(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(carol, false)
	mine := meet("Own", day(4, 9, 0))
	mine.Source = "" // there is nowhere else
	own := b.made(carol, mine)
	b.made(alice, meet("Budget", day(2, 10, 0), "carol@example.test"))
	v := b.window(carol, carol, day(1, 0, 0), day(8, 0, 0))
	if v.Loading || v.State.State != "up" || v.Rights != calendar.RightsOwner || !slices.Equal(subjects(v.Appointments), []string{"Budget", "Own"}) {
		t.Errorf("carol's calendar: %+v, %v", v, subjects(v.Appointments))
	}
	if own.Source != portal.SourceCRM || own.Sync.State != portal.SyncDone {
		t.Errorf("her own: %+v", own)
	}
	if st, err := b.Status(b.ctx, carol); err != nil || st.State != "up" {
		t.Errorf("her status: %+v, %v", st, err)
	}
	budget := v.Appointments[0]
	out, err := b.Respond(b.ctx, carol, carol, budget.ID, portal.ResponseAccepted, "with pleasure", portal.Proposal{}, "")
	b.must(err)
	if out.Response != portal.ResponseAccepted || out.Show != portal.ShowBusy {
		t.Errorf("accepted: %+v", out)
	}
	answers, err := b.Responses(b.ctx, alice, budget.ID)
	b.must(err)
	if answers.Tally.Accepted != 1 || answers.Relation != calendar.RelationOwn || answers.Answers[0].Comment != "with pleasure" || !answers.Answers[0].New {
		t.Errorf("the answers: %+v", answers)
	}
	out, err = b.Respond(b.ctx, carol, carol, budget.ID, portal.ResponseDeclined, "", portal.Proposal{}, "")
	b.must(err)
	if out.Status != portal.StatusRemoved || out.Response != portal.ResponseDeclined {
		t.Errorf("declined: %+v", out)
	}
	if got := b.only(carol); got.ID != own.ID {
		t.Errorf("left: %+v", got)
	}
	if len(x.all(carol)) != 0 || len(x.sent()) != 0 {
		t.Errorf("Exchange heard of it: %v", x.sent())
	}
}

func TestAnAnswerGoesToOnesOwnMailbox(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(bob, true)
	a := b.made(alice, meet("Budget", day(2, 10, 0), "bob@example.test"))
	if _, err := b.Respond(b.ctx, bob, bob, a.ID, portal.ResponseAccepted, "", portal.Proposal{}, ""); portal.Reason(err) != "crm.answer-mailbox" {
		t.Errorf("before the invitation is there: %v", err)
	}
	b.copied(bob, a)
	out, err := b.Respond(b.ctx, bob, bob, a.ID, portal.ResponseTentative, "perhaps", portal.Proposal{}, "")
	b.must(err)
	if out.ID != a.ID || out.Response != portal.ResponseTentative {
		t.Errorf("answered: %+v", out)
	}
	if got := x.sent(); !slices.Equal(got, []string{`tentative Budget "perhaps"`}) {
		t.Errorf("mails: %q", got)
	}
	if got := b.only(bob); got.ID != a.ID || got.Response != portal.ResponseTentative {
		t.Errorf("bob sees %+v", got)
	}
	r, err := b.crm.Record(b.ctx, a.ID)
	b.must(err)
	if r.Revision != 1 || r.Attendees[0].Response != portal.ResponseNone {
		t.Errorf("the record was written: %+v", r.Attendees)
	}
	out, err = b.Respond(b.ctx, bob, bob, a.ID, portal.ResponseDeclined, "", portal.Proposal{}, "")
	b.must(err)
	if out.ID != a.ID || out.Status != portal.StatusRemoved {
		t.Errorf("declined: %+v", out)
	}
	b.eventually("it leaves", func() bool { return len(x.all(bob)) == 0 && len(b.week(bob)) == 0 })
}

func TestAnInvitationIsPersonalInItsMailbox(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(bob, true)
	a := b.made(alice, meet("Budget", day(2, 10, 0), "bob@example.test"))
	b.copied(bob, a)
	minutes := ptr(5)
	out, err := b.Change(b.ctx, bob, bob, a.ID, portal.AppointmentChange{ReminderMinutes: &minutes, Subject: &a.Subject}, a.Version)
	b.must(err)
	if out.ID != a.ID || out.ReminderMinutes == nil || *out.ReminderMinutes != 5 {
		t.Errorf("bob's: %+v", out)
	}
	if got := x.all(bob)[0]; got.ReminderMinutes == nil || *got.ReminderMinutes != 5 {
		t.Errorf("his mailbox: %+v", got)
	}
	if got := b.only(alice); got.ReminderMinutes != nil {
		t.Errorf("alice's: %+v", got)
	}
	subject := "Mine"
	_, err = b.Change(b.ctx, bob, bob, a.ID, portal.AppointmentChange{Subject: &subject}, "")
	if portal.Reason(err) != "calendar.not-organizer" {
		t.Errorf("the organiser's: %v", err)
	}
	b.must(b.Delete(b.ctx, bob, bob, a.ID, "", "no", ""))
	b.eventually("it leaves", func() bool { return len(x.all(bob)) == 0 && len(b.week(bob)) == 0 })
	if got := x.sent(); !slices.Equal(got, []string{`declined Budget "no"`}) {
		t.Errorf("mails: %q", got)
	}
	if got := b.only(alice); got.ID != a.ID {
		t.Errorf("alice sees %+v", got)
	}
}

func TestWhileExchangeIsAwayCRMGoesOn(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(carol, false)
	x.set(func() { x.down = true })
	a := b.made(alice, meet("Budget", day(2, 10, 0), "carol@example.test", "bob@example.test"))
	if a.Sync.State != portal.SyncPending {
		t.Errorf("made: %+v", a.Sync)
	}
	if got := b.only(carol); got.ID != a.ID || got.Sync.State != portal.SyncPending {
		t.Errorf("carol sees %+v", got)
	}
	subject := "Budget II"
	if out, err := b.Change(b.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: &subject}, a.Version); err != nil || out.Subject != subject {
		t.Errorf("changed: %+v, %v", out, err)
	}
	if _, err := b.Respond(b.ctx, carol, carol, a.ID, portal.ResponseAccepted, "", portal.Proposal{}, ""); err != nil {
		t.Errorf("answered: %v", err)
	}
	if got := b.only(alice); got.Subject != subject || got.Attendees[0].Response != portal.ResponseAccepted {
		t.Errorf("alice sees %+v", got)
	}
	b.must(b.Delete(b.ctx, alice, alice, a.ID, "", "", ""))
	if got := append(b.week(alice), b.week(carol)...); len(got) != 0 {
		t.Errorf("deleted, yet there are %v", subjects(got))
	}
}

func TestSeriesOfBothSides(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(bob, true)
	a := meet("Stand-up", day(2, 10, 0), "bob@example.test")
	a.Recurrence = "FREQ=DAILY;COUNT=3"
	a = b.made(alice, a)
	e := b.copied(bob, a)
	x.edit(bob, e.RemoteID, func(e *portal.Entry) {
		e.Response, e.Show = portal.ResponseAccepted, portal.ShowBusy
		one := e.Appointment
		one.RecurrenceID, one.Start, one.End, one.Response, one.Show = day(3, 10, 0), day(3, 10, 0), day(3, 11, 0), portal.ResponseTentative, portal.ShowTentative
		e.Exceptions, e.Deleted = []portal.Appointment{one}, []time.Time{day(4, 10, 0)}
	})
	b.eventually("bob's own answers are seen", func() bool {
		list := b.week(bob)
		return len(list) == 2 && list[0].Response == portal.ResponseAccepted && list[1].Response == portal.ResponseTentative
	})
	for i, got := range b.week(bob) {
		if got.ID != portal.OccurrenceID(a.ID, day(2+i, 10, 0)) || got.Series != a.ID || got.Version != a.Version {
			t.Errorf("bob sees %+v", got)
		}
	}
	start, end := day(3, 15, 0), day(3, 16, 0)
	out, err := b.Change(b.ctx, alice, alice, portal.OccurrenceID(a.ID, day(3, 10, 0)), portal.AppointmentChange{Start: &start, End: &end}, a.Version)
	b.must(err)
	if out.ID != portal.OccurrenceID(a.ID, day(3, 10, 0)) || !out.Start.Equal(start) {
		t.Errorf("moved: %+v", out)
	}
	subject := "Talk"
	out, err = b.Change(b.ctx, alice, alice, portal.OccurrenceID(a.ID, day(4, 10, 0)), portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeFollowing}, "")
	b.must(err)
	if out.ID == a.ID || out.Subject != subject {
		t.Errorf("cut: %+v", out)
	}
	b.must(b.Delete(b.ctx, alice, alice, portal.OccurrenceID(a.ID, day(2, 10, 0)), "", "", portal.ScopeOne))
	var got []string
	for _, a := range b.week(alice) {
		got = append(got, a.Start.Format("02T15 ")+a.Subject)
	}
	if strings.Join(got, ", ") != "04T15 Stand-up, 05T10 Talk" {
		t.Errorf("alice sees %v", got)
	}
	if _, err := b.Get(b.ctx, alice, alice, portal.OccurrenceID(a.ID, day(2, 10, 0))); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("the deleted one: %v", err)
	}
}

func TestADeletedRecordDoesNotComeBackOutOfTheMailbox(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	a := b.made(alice, meet("Budget", day(2, 10, 0)))
	e := entry(a.Subject, a.Start, time.Hour)
	e.UID, e.ChangeID = a.UID, a.ID // the stamp of the synchronisation
	x.add(alice, e)
	foreign := entry("Foreign", day(3, 10, 0), time.Hour)
	foreign.UID, foreign.ChangeID = "other", "crm-of-another-portal"
	x.add(alice, foreign)
	b.eventually("both are read", func() bool { return len(b.week(alice)) == 2 })
	x.set(func() { x.down = true })
	b.must(b.Delete(b.ctx, alice, alice, a.ID, a.Version, "", ""))
	if got := b.week(alice); !slices.Equal(subjects(got), []string{"Foreign"}) {
		t.Errorf("after: %v", subjects(got))
	}
}

func TestWhatWaitsForADecisionInTheMailboxIsDecidedAtTheRecord(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(bob, true)
	a := b.made(alice, meet("Budget", day(2, 10, 0), "bob@example.test"))
	if err := b.Retry(b.ctx, alice, alice, a.ID); portal.Reason(err) != "calendar.nothing-to-retry" {
		t.Errorf("nothing failed: %v", err)
	}
	e := b.copied(bob, a)
	x.set(func() { x.down = true })
	minutes := ptr(5)
	out, err := b.Change(b.ctx, bob, bob, a.ID, portal.AppointmentChange{ReminderMinutes: &minutes}, "")
	b.must(err)
	if out.Sync.State != portal.SyncPending {
		t.Errorf("while the server is away: %+v", out.Sync)
	}
	x.edit(bob, e.RemoteID, func(e *portal.Entry) { e.ReminderMinutes = ptr(30) }) // in Outlook, meanwhile
	x.set(func() { x.down = false })
	b.Reached(bob)
	b.eventually("it waits for a decision", func() bool { return b.only(bob).Sync.State == portal.SyncFailed })
	b.must(b.Retry(b.ctx, bob, bob, a.ID))
	b.eventually("it is the last word", func() bool {
		got := x.all(bob)[0].ReminderMinutes
		return got != nil && *got == 5
	})
	b.idle()
	if err := b.Discard(b.ctx, bob, bob, a.ID); portal.Reason(err) != "calendar.nothing-to-retry" {
		t.Errorf("nothing is left: %v", err)
	}
}

func TestWhoHasNoMailboxMakesAppointmentsWhileExchangeIsAway(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	x.set(func() {
		x.down = true
		delete(x.denied, portal.CalendarKey{Reader: carol, Owner: carol})
	})
	b.signIn(carol, false)
	a := meet("Own", day(4, 9, 0))
	a.Source = ""
	if own := b.made(carol, a); own.Source != portal.SourceCRM {
		t.Errorf("made: %+v", own)
	}
}
