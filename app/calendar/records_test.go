package calendar_test

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

func TestThePlannerKnowsWhoHasNoMailbox(t *testing.T) {
	x := newModel()
	x.set(func() {
		x.busy["alice@example.test"] = portal.Availabilities{Busy: []portal.BusyTime{{Start: day(2, 9, 0), End: day(2, 10, 0), Show: portal.ShowBusy}}}
		x.busy["carol@example.test"] = portal.Availabilities{Error: "exchange.no-mailbox"}
		x.busy["ghost@example.test"] = portal.Availabilities{Error: "exchange.no-mailbox"}
	})
	b := startBoth(t, x, day(1, 8, 0), nil)
	b.made(carol, meet("Own", day(2, 10, 0)))
	b.made(alice, meet("New", day(2, 11, 0)))
	done := b.made(carol, meet("Done", day(2, 13, 0)))
	_, err := b.crm.SetStatus(b.ctx, carol, done.ID, portal.StatusComplete, "")
	b.must(err)
	request := calendar.PlanRequest{Attendees: invited("carol@example.test", "ghost@example.test"), From: day(2, 9, 0), To: day(2, 12, 0), Minutes: 60, Location: time.UTC}
	p, err := b.Plan(b.ctx, alice, request)
	b.must(err)
	if got := p.Rows[0].Busy; len(got) != 2 || !got[1].Start.Equal(day(2, 11, 0)) {
		t.Errorf("alice, with what is not in Exchange yet: %+v", got)
	}
	if got := p.Rows[1]; got.Error != "" || len(got.Busy) != 1 || !got.Busy[0].Start.Equal(day(2, 10, 0)) || got.Busy[0].Subject != "" {
		t.Errorf("carol: %+v", got)
	}
	if p.Rows[2].Error == "" {
		t.Error("of somebody whom nobody knows something is known")
	}
	x.set(func() { x.down = true })
	p, err = b.Plan(b.ctx, alice, request)
	b.must(err)
	if p.Rows[0].Error == "" || len(p.Rows[1].Busy) != 1 {
		t.Errorf("while Exchange is away: %+v", p.Rows)
	}
	request.Attendees = invited("ghost@example.test")
	if _, err = b.Plan(b.ctx, bob, request); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("nothing is known of anybody: %v", err)
	}
	x.set(func() { x.down = false })
	own := b.week(carol)[0]
	p, err = b.Plan(b.ctx, carol, calendar.PlanRequest{From: day(2, 9, 0), To: day(2, 12, 0), Minutes: 60, Location: time.UTC, Except: own.ID})
	b.must(err)
	if len(p.Rows[0].Busy) != 0 {
		t.Errorf("what is moved takes time: %+v", p.Rows[0])
	}
}

func TestWhoHasNoMailboxIsRemindedAndSeenBusy(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, day(2, 9, 50), nil)
	a := meet("Own", day(2, 10, 0), "dave@example.test")
	a.ReminderMinutes = ptr(15)
	own := b.made(carol, a)
	b.signIn(carol, false)
	due := func() []portal.ReminderEvent {
		list, err := b.Reminders(b.ctx, carol)
		b.must(err)
		return list
	}
	b.eventually("the reminder is due", func() bool { list := due(); return len(list) == 1 && list[0].ID == own.ID && list[0].Subject == "Own" })
	start, end := day(2, 9, 30), day(2, 11, 0) // moved so that it is under way
	_, err := b.Change(b.ctx, carol, carol, own.ID, portal.AppointmentChange{Start: &start, End: &end}, "")
	b.must(err)
	b.eventually("she is in a meeting", func() bool {
		return slices.ContainsFunc(b.states(), func(st portal.CalendarState) bool { return st.Activity == portal.InAMeeting && st.Until.Equal(end) })
	})
	_, err = b.crm.SetStatus(b.ctx, carol, own.ID, portal.StatusComplete, "")
	b.must(err)
	b.eventually("what is complete reminds nobody", func() bool { return len(due()) == 0 })
	b.eventually("and keeps nobody busy", func() bool {
		all := b.states()
		return all[len(all)-1].Availability != portal.Busy
	})
}

func TestOthersSeeThatTheTimeIsTaken(t *testing.T) {
	x := newModel()
	x.set(func() {
		x.rights[bob] = []portal.Address{alice}
		x.denied[portal.CalendarKey{Reader: alice, Owner: carol}] = portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
		x.busy["carol@example.test"] = portal.Availabilities{Error: "exchange.no-mailbox"}
	})
	b := startBoth(t, x, time.Time{}, nil)
	own := b.made(carol, meet("Own", day(4, 9, 0)))
	b.made(carol, portal.Appointment{Subject: "Free", Start: day(5, 9, 0), End: day(5, 10, 0), Show: portal.ShowFree})
	b.eventually("the time is known", func() bool {
		v, err := b.Between(b.ctx, alice, carol, day(1, 0, 0), day(8, 0, 0), nil)
		return err == nil && !v.Loading && v.Rights == calendar.RightsFreeBusy && v.State.State == "up" &&
			len(v.Appointments) == 1 && v.Appointments[0].Masked && v.Appointments[0].Subject == ""
	})
	one, err := b.Get(b.ctx, alice, carol, own.ID)
	b.must(err)
	if !one.Masked || one.Subject != "" || one.Organizer.Email != "" {
		t.Errorf("alone: %+v", one)
	}
	subject := "Mine"
	if _, err = b.Change(b.ctx, alice, carol, own.ID, portal.AppointmentChange{Subject: &subject}, ""); portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("changed: %v", err)
	}
	if err = b.Delete(b.ctx, alice, carol, own.ID, "", "", ""); portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("deleted: %v", err)
	}
	if _, err = b.Create(b.ctx, alice, carol, meet("For her", day(4, 9, 0))); portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("created: %v", err)
	}
	// Who may read a calendar reads its records, but for private ones.
	secret := meet("Secret", day(2, 9, 0))
	secret.Private = true
	b.made(alice, secret)
	b.made(alice, meet("Budget", day(3, 9, 0)))
	v := b.window(bob, alice, day(1, 0, 0), day(8, 0, 0))
	b.loaded(bob, alice)
	v = b.window(bob, alice, day(1, 0, 0), day(8, 0, 0))
	if len(v.Appointments) != 2 || !v.Appointments[0].Masked || v.Appointments[1].Subject != "Budget" {
		t.Errorf("bob sees %+v", v.Appointments)
	}
	if got := b.Watching(alice); !slices.Equal(got, []portal.Address{bob}) {
		t.Errorf("watching: %v", got)
	}
	b.forget()
	b.made(alice, meet("Another", day(3, 10, 0)))
	b.eventually("bob's page hears of it", func() bool {
		return slices.ContainsFunc(b.events(bob), func(ev portal.Durable) bool {
			c, ok := ev.(portal.CalendarEvent)
			return ok && c.Calendar == alice && c.Change == portal.Created
		})
	})
}

func TestManagersSeeTheMeetingsThatTheirTeamKeepsInCRM(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, day(1, 8, 0), func(o *calendar.Options) { o.Team = teamOf(alice, carol) })
	a := meet("Round", day(2, 10, 0), "dave@example.test")
	a.Body = "secret plans"
	a = b.made(carol, a)
	hidden := meet("Private", day(2, 12, 0), "dave@example.test")
	hidden.Private = true
	b.made(carol, hidden)
	both := b.made(alice, meet("Mixed", day(3, 10, 0), "dave@example.test"))
	b.copied(alice, both)
	_, err := b.Respond(b.ctx, dave, dave, a.ID, portal.ResponseDeclined, "", portal.Proposal{}, "")
	b.must(err)
	o, err := b.Overview(b.ctx, alice, calendar.Filter{From: day(1, 0, 0), To: day(8, 0, 0)})
	b.must(err)
	var got []string
	for _, m := range o.Meetings {
		got = append(got, m.Relation+" "+m.Appointment.Subject)
		if m.Appointment.Body != "" {
			t.Errorf("%s tells %q", m.Appointment.Subject, m.Appointment.Body)
		}
	}
	if strings.Join(got, ", ") != "team Round, own Mixed" || o.Loading || len(o.Missing) != 0 {
		t.Errorf("the overview: %v, loading %v, missing %+v", got, o.Loading, o.Missing)
	}
	if o.Totals.Declined != 1 || o.News != 1 || o.Meetings[1].Appointment.ID != both.ID {
		t.Errorf("totals %+v, %d news", o.Totals, o.News)
	}
	r, err := b.Responses(b.ctx, alice, a.ID)
	b.must(err)
	if r.Relation != calendar.RelationTeam || r.Appointment.Body != "" || r.Tally.Declined != 1 {
		t.Errorf("the answers: %+v", r)
	}
	b.must(b.Looked(b.ctx, alice))
	if r, err = b.Responses(b.ctx, alice, a.ID); err != nil || r.Answers[0].New {
		t.Errorf("still new: %+v, %v", r.Answers, err)
	}
	if r, err = b.Responses(b.ctx, dave, a.ID); err != nil || r.Relation != calendar.RelationInvited {
		t.Errorf("dave: %+v, %v", r, err)
	}
	if _, err = b.Responses(b.ctx, bob, a.ID); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("bob: %v", err)
	}
	if one, err := b.Get(b.ctx, alice, carol, a.ID); err != nil || one.Subject != "Round" || one.Body != "" {
		t.Errorf("the manager gets %+v, %v", one, err)
	}
}

func TestFilesAndExportsOfRecords(t *testing.T) {
	x := newModel()
	b := startBoth(t, x, time.Time{}, nil)
	b.signIn(carol, false)
	a := b.made(alice, meet("Budget", day(2, 10, 0), "carol@example.test"))
	a, err := b.Attach(b.ctx, alice, alice, a.ID, "plan.txt", "text/plain", []byte("hello"))
	b.must(err)
	file := a.Attachments[0].ID
	f, _, err := b.Attachment(b.ctx, carol, carol, a.ID, file)
	b.must(err)
	data, err := io.ReadAll(f)
	b.must(err)
	b.must(f.Close())
	if string(data) != "hello" {
		t.Errorf("read %q", data)
	}
	if _, _, err = b.Attachment(b.ctx, alice, carol, a.ID, file); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("out of a masked one: %v", err)
	}
	b.copied(alice, a)
	all, err := b.Export(b.ctx, alice, alice, day(1, 0, 0), day(8, 0, 0))
	b.must(err)
	if n := strings.Count(string(all), "UID:"+a.UID); n != 1 {
		t.Errorf("written %d times:\n%s", n, all)
	}
	if all, err = b.Export(b.ctx, carol, carol, day(1, 0, 0), day(8, 0, 0)); err != nil || !strings.Contains(string(all), "UID:"+a.UID) {
		t.Errorf("carol's: %v\n%s", err, all)
	}
	one, err := b.ExportOne(b.ctx, carol, carol, a.ID)
	b.must(err)
	if !strings.Contains(string(one), "SUMMARY:Budget") {
		t.Errorf("alone:\n%s", one)
	}
	if one, err = b.ExportOne(b.ctx, bob, carol, a.ID); err != nil || strings.Contains(string(one), "Budget") {
		t.Errorf("masked: %v\n%s", err, one)
	}
	token, err := b.NewLink(b.ctx, carol)
	b.must(err)
	if _, err = b.Subscribed(b.ctx, token); err != nil {
		t.Errorf("subscribed: %v", err)
	}
	if a, err = b.Detach(b.ctx, alice, alice, a.ID, file); err != nil || len(a.Attachments) != 0 {
		t.Errorf("detached: %+v, %v", a.Attachments, err)
	}
	if err = b.Forward(b.ctx, carol, carol, a.ID, invited("dave@example.test"), ""); portal.Reason(err) != "calendar.forward" {
		t.Errorf("forwarded without a mailbox: %v", err)
	}
	b.must(b.Forward(b.ctx, alice, alice, a.ID, invited("dave@example.test"), ""))
	b.idle()
	if got := x.sent(); len(got) != 1 || !strings.HasPrefix(got[0], "forward Budget") {
		t.Errorf("mails: %q", got)
	}
}

func TestConflictsCountBothSides(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Dentist", day(2, 10, 0), time.Hour))
	b := startBoth(t, x, time.Time{}, nil)
	a := b.made(alice, meet("Budget", day(2, 10, 30)))
	got, err := b.Conflicts(b.ctx, alice, day(2, 10, 0), day(2, 12, 0), "")
	b.must(err)
	if !slices.Equal(subjects(got), []string{"Dentist", "Budget"}) {
		t.Errorf("conflicts: %v", subjects(got))
	}
	if got, err = b.Conflicts(b.ctx, alice, day(2, 10, 0), day(2, 12, 0), a.ID); err != nil || !slices.Equal(subjects(got), []string{"Dentist"}) {
		t.Errorf("but for itself: %v, %v", subjects(got), err)
	}
}

func TestWithoutExchangeCRMKeepsCalendars(t *testing.T) {
	x := newModel()
	var o calendar.Options
	b := openBoth(t, x, time.Time{}, func(to *calendar.Options) { o = *to })
	o.Find = func(email string) portal.Address { return portal.Address("sip:" + email) }
	o.Emit = func(portal.Address, portal.Current) {}
	b.Service = calendar.New(nil, b.store, o)
	o.CRM.(*lateCRM).CRM = b.crm
	b.run()
	b.SignedIn(b.ctx, carol)
	a := meet("Own", day(2, 10, 0), "dave@example.test")
	a.Source = ""
	_, err := b.crm.PutUsers(b.ctx, []portal.CRMUser{{Address: carol, LastName: "Carol", Email: "carol@example.test"}, {Address: dave, LastName: "Dave", Email: "dave@example.test"}}, "test")
	b.must(err)
	made := b.made(carol, a)
	v := b.window(carol, carol, day(1, 0, 0), day(8, 0, 0))
	if v.State.State != "up" || v.Loading || !slices.Equal(subjects(v.Appointments), []string{"Own"}) || made.Sync.State != portal.SyncDone {
		t.Errorf("carol's calendar: %+v", v)
	}
	_, err = b.Respond(b.ctx, dave, dave, made.ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
	b.must(err)
	p, err := b.Plan(b.ctx, carol, calendar.PlanRequest{Attendees: invited("dave@example.test"), From: day(2, 9, 0), To: day(2, 12, 0), Minutes: 60, Location: time.UTC})
	b.must(err)
	if len(p.Rows[0].Busy) != 1 || len(p.Rows[1].Busy) != 1 || p.Rows[1].Error != "" {
		t.Errorf("the plan: %+v", p.Rows)
	}
	if o, err := b.Overview(b.ctx, carol, calendar.Filter{From: day(1, 0, 0), To: day(8, 0, 0)}); err != nil || len(o.Meetings) != 1 || o.Totals.Accepted != 1 || len(o.Missing) != 0 || o.Loading {
		t.Errorf("the overview: %+v, %v", o, err)
	}
	if len(x.all(carol)) != 0 || x.called("Changes") != 0 {
		t.Error("an Exchange was asked")
	}
}

func TestWithoutCRMNothingIsDifferent(t *testing.T) {
	x := newModel()
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{}).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	a := meet("Budget", day(2, 10, 0))
	out, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	if strings.HasPrefix(out.ID, portal.CRMPrefix) || len(x.all(alice)) != 1 {
		t.Errorf("made: %+v", out)
	}
	if _, err := h.Get(h.ctx, alice, alice, "crm-1"); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("of nothing: %v", err)
	}
}

// teamOf gives a manager one report.
func teamOf(manager, report portal.Address) func(context.Context, portal.Address) ([]portal.Person, error) {
	return func(_ context.Context, m portal.Address) ([]portal.Person, error) {
		if m != manager {
			return nil, nil
		}
		return []portal.Person{{URI: report}}, nil
	}
}
