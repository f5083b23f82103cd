package calendar_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// at opens a house whose clock stands still.
func at(t *testing.T, x *model, o calendar.Options, now time.Time) *house {
	t.Helper()
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), o, now).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	return h
}

func (h *house) reminders() []string {
	h.t.Helper()
	list, err := h.Reminders(h.ctx, alice)
	h.must(err)
	out := []string{}
	for _, r := range list {
		out = append(out, r.Subject)
	}
	return out
}

// later moves the clock and lets the calendar be read, as a doorbell would.
func (h *house) later(to time.Time) {
	h.advance(to)
	h.Rang(alice)
}

func reminding(subject string, start time.Time, minutes int) portal.Entry {
	e := entry(subject, start, time.Hour)
	e.ReminderMinutes = &minutes
	return e
}

func TestReminders(t *testing.T) {
	x := newModel()
	x.add(alice, reminding("Soon", day(1, 10, 0), 15))
	series := reminding("Daily", day(1, 12, 0), 30)
	series.Recurrence = "FREQ=DAILY;COUNT=3"
	x.add(alice, series)
	allDay := reminding("Fair", day(2, 0, 0), 12*60)
	allDay.AllDay, allDay.End, allDay.Show = true, day(3, 0, 0), portal.ShowFree
	x.add(alice, allDay)
	silent := entry("Silent", day(1, 10, 0), time.Hour)
	x.add(alice, silent)
	declined := reminding("Declined", day(1, 10, 0), 15)
	declined.Response = portal.ResponseDeclined
	x.add(alice, declined)
	vienna := zoneOf(t, "Europe/Vienna")
	o := quick()
	o.Zone = func(context.Context, portal.Address) *time.Location { return vienna }
	h := at(t, x, o, day(1, 9, 30))
	want := func(what string, list ...string) {
		t.Helper()
		h.eventually(what, func() bool { return slices.Equal(h.reminders(), append([]string{}, list...)) })
	}
	want("nothing is due")
	h.later(day(1, 9, 45))
	want("a quarter of an hour before", "Soon")
	list, err := h.Reminders(h.ctx, alice)
	h.must(err)
	h.must(h.Snooze(h.ctx, alice, list[0].ID, 10*time.Minute))
	want("it is silenced")
	evs := h.emitted(alice)
	if last, ok := evs[len(evs)-1].(portal.ReminderEvent); !ok || last.Change != portal.Deleted || last.ID != list[0].ID {
		t.Errorf("other tabs are told %+v", evs)
	}
	h.later(day(1, 9, 55))
	want("ten minutes later it is back", "Soon")
	h.must(h.Dismiss(h.ctx, alice, list[0].ID))
	h.must(h.Dismiss(h.ctx, alice, list[0].ID)) // another tab
	want("it is dismissed")
	h.later(day(1, 11, 31))
	want("an occurrence reminds, and the day after tomorrow's fair", "Daily", "Fair")
	if list, err = h.Reminders(h.ctx, alice); err != nil || list[0].ID == list[1].ID || !strings.Contains(list[0].ID, "~") {
		t.Errorf("got %+v, %v", list, err)
	}
	if !list[1].AllDay || !list[1].Start.Equal(time.Date(2026, 3, 3, 0, 0, 0, 0, vienna)) {
		t.Errorf("an all-day one begins by its owner's clock: %+v", list[1])
	}
	h.must(h.Dismiss(h.ctx, alice, list[0].ID))
	h.must(h.Dismiss(h.ctx, alice, list[1].ID))
	want("both are dismissed")
	h.later(day(2, 11, 30))
	want("the next occurrence reminds again", "Daily")
	// Moved, it reminds again for its new time.
	remote := ""
	for _, e := range x.all(alice) {
		if e.Subject == "Soon" {
			remote = e.RemoteID
		}
	}
	x.edit(alice, remote, func(e *portal.Entry) { e.Start, e.End = day(2, 11, 40), day(2, 12, 40) })
	want("what was dismissed and moved", "Soon", "Daily")
	for _, d := range []time.Duration{0, time.Second, 30 * 24 * time.Hour} {
		if err := h.Snooze(h.ctx, alice, "x", d); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("snoozed for %v: %v", d, err)
		}
	}
}

// A reminder may be due as long before its appointment as one can be set.
func TestEarlyRemindersComeInTime(t *testing.T) {
	x := newModel()
	x.add(alice, reminding("Four weeks", day(30, 10, 0), 4*7*24*60))
	x.add(alice, reminding("Three weeks", day(30, 10, 0), 3*7*24*60))
	series := reminding("Monthly", day(5, 10, 0), 4*7*24*60)
	series.Recurrence = "FREQ=WEEKLY;INTERVAL=4;COUNT=3"
	x.add(alice, series)
	h := at(t, x, quick(), day(1, 9, 0))
	for _, c := range []struct {
		now  time.Time
		want []string
	}{
		{day(1, 9, 30), []string{"Monthly"}},
		{day(2, 10, 0), []string{"Monthly", "Four weeks"}},
		{day(9, 10, 0), []string{"Monthly", "Four weeks", "Three weeks"}},
	} {
		h.later(c.now)
		h.eventually(c.now.Format(time.DateTime), func() bool {
			got, want := h.reminders(), slices.Clone(c.want)
			slices.Sort(got)
			slices.Sort(want)
			return slices.Equal(slices.Compact(got), want)
		})
	}
}

func TestMissedRemindersAreShownOnce(t *testing.T) {
	x := newModel()
	x.add(alice, reminding("Before", day(1, 9, 10), 15))
	x.add(alice, reminding("Missed", day(1, 10, 0), 15))
	x.add(alice, reminding("Going on", day(2, 8, 30), 15))
	x.add(alice, reminding("Long ago", day(-20, 10, 0), 15))
	h := at(t, x, quick(), day(1, 9, 0))
	shows := func(what string, list ...string) {
		t.Helper()
		h.eventually(what, func() bool { return slices.Equal(h.reminders(), append([]string{}, list...)) })
	}
	shows("who comes for the first time has missed nothing", "Before")
	list, err := h.Reminders(h.ctx, alice)
	h.must(err)
	h.must(h.Dismiss(h.ctx, alice, list[0].ID))
	h.SignedOut(alice)
	h.advance(day(2, 9, 0))
	h.SignedIn(h.ctx, alice)
	shows("what was missed while away", "Missed", "Going on")
	h.SignedOut(alice)
	h.SignedIn(h.ctx, alice)
	shows("is shown once", "Going on")
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestPresenceFollowsTheCalendarAndNeverATitle(t *testing.T) {
	x := newModel()
	secret := entry("Secret merger", day(1, 10, 0), time.Hour)
	secret.Meeting, secret.Attendees = true, invited("bob@example.test")
	x.add(alice, secret)
	x.set(func() {
		x.notes[alice] = portal.OutOfOfficeNote{State: "scheduled", From: day(3, 0, 0), Until: day(4, 0, 0), Internal: "Please write to Heidi"}
	})
	h := at(t, x, quick(), day(1, 9, 30))
	last := func() portal.CalendarState {
		list := h.states()
		if len(list) == 0 {
			return portal.CalendarState{}
		}
		return list[len(list)-1]
	}
	h.eventually("free, with what is next", func() bool {
		st := last()
		return st.Availability == "" && st.Agenda.Known && st.Agenda.NextFrom.Equal(day(1, 10, 0)) && st.Agenda.NextUntil.Equal(day(1, 11, 0))
	})
	h.later(day(1, 10, 0))
	h.eventually("in a meeting", func() bool {
		st := last()
		return st.Availability == portal.Busy && st.Activity == portal.InAMeeting && st.Until.Equal(day(1, 11, 0))
	})
	n := len(h.states())
	h.later(day(1, 10, 30))
	h.eventually("it is read", func() bool { return x.called("Changes") >= 3 })
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Subject = "Renamed" })
	h.later(day(1, 11, 0))
	h.eventually("free again", func() bool { return last().Availability == "" })
	if got := len(h.states()); got != n+1 {
		t.Errorf("told %d times, want once: %+v", got-n, h.states())
	}
	h.later(day(3, 9, 0))
	h.eventually("the note holds", func() bool { return last().OutOfOffice == "Please write to Heidi" })
	h.must(h.SetOutOfOffice(h.ctx, alice, portal.OutOfOfficeNote{State: "disabled"}))
	h.eventually("the note is gone", func() bool { return last().OutOfOffice == "" })
	for _, bad := range []portal.OutOfOfficeNote{{}, {State: "scheduled"}, {State: "enabled", Audience: "everybody"}} {
		if err := h.SetOutOfOffice(h.ctx, alice, bad); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// organised is a meeting in somebody's calendar that they organise.
func organised(subject string, start time.Time, emails ...string) portal.Entry {
	e := entry(subject, start, time.Hour)
	e.Meeting, e.Attendees, e.UID, e.InvitedAt, e.Body = true, invited(emails...), subject, start.Add(-48*time.Hour), "confidential"
	return e
}

func manager(x *model, o calendar.Options) calendar.Options {
	x.set(func() {
		x.rights[alice] = []portal.Address{dave}
		x.given[dave] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	})
	o.Team = func(_ context.Context, m portal.Address) ([]portal.Person, error) {
		if m == alice {
			return []portal.Person{{URI: bob}, {URI: carol}}, nil
		}
		return nil, nil
	}
	o.People = func(context.Context) ([]portal.Person, error) {
		return []portal.Person{{URI: alice}, {URI: bob}, {URI: carol}, {URI: dave}}, nil
	}
	return o
}

func TestResponsesOfOneMeeting(t *testing.T) {
	x := newModel()
	e := organised("Offer review", day(3, 10, 0), "bob@example.test", "carol@example.test", "dave@example.test")
	e.Attendees[0].Response, e.Attendees[0].RespondedAt, e.Attendees[0].Comment = portal.ResponseAccepted, day(1, 8, 0), "ten is fine"
	e = x.add(alice, e)
	x.set(func() {
		x.notes[carol] = portal.OutOfOfficeNote{State: "scheduled", From: day(0, 0, 0), Until: day(5, 0, 0), Internal: "Heidi stands in"}
		x.notes[bob] = portal.OutOfOfficeNote{State: "enabled", Internal: "nobody wants to know"}
	})
	h := at(t, x, quick(), day(1, 9, 0))
	id := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
	r, err := h.Responses(h.ctx, alice, id)
	h.must(err)
	if r.Relation != calendar.RelationOwn || r.Tally != (calendar.Tally{Invited: 3, Accepted: 1, Waiting: 2}) || len(r.Answers) != 3 {
		t.Fatalf("got %+v", r)
	}
	c, d, b := r.Answers[0], r.Answers[1], r.Answers[2]
	if c.Email != "carol@example.test" || !c.Away || c.OutOfOffice != "Heidi stands in" || !c.OutOfOfficeUntil.Equal(day(5, 0, 0)) || !c.Since.Equal(day(1, 10, 0)) {
		t.Errorf("carol %+v", c)
	}
	if d.Email != "dave@example.test" || d.Away {
		t.Errorf("dave %+v", d)
	}
	if b.Email != "bob@example.test" || b.Comment != "ten is fine" || b.OutOfOffice != "" || !b.Since.Equal(day(1, 8, 0)) || b.New {
		t.Errorf("bob %+v", b)
	}
	h.must(h.Looked(h.ctx, alice))
	h.advance(day(1, 9, 30))
	x.edit(alice, e.RemoteID, func(e *portal.Entry) {
		e.Attendees[2].Response, e.Attendees[2].ProposedStart, e.Attendees[2].ProposedEnd = portal.ResponseTentative, day(3, 10, 30), day(3, 11, 30)
	})
	h.eventually("the new answer is seen as new", func() bool {
		r, err = h.Responses(h.ctx, alice, id)
		return err == nil && r.Tally.Tentative == 1 && r.Answers[1].New && r.Answers[1].ProposedStart.Equal(day(3, 10, 30)) && !r.Answers[0].New && !r.Answers[2].New
	})
	h.must(h.Looked(h.ctx, alice))
	if r, err = h.Responses(h.ctx, alice, id); err != nil || r.Answers[1].New {
		t.Errorf("looked at: %+v, %v", r.Answers, err)
	}
	// While the server cannot be asked, what it said last stands there with its age; of whom it never said anything
	// nothing is made up, and that nothing is known is said.
	x.set(func() { x.down = true })
	asked := day(1, 9, 30)
	h.advance(day(1, 11, 0))
	if r, err = h.Responses(h.ctx, alice, id); err != nil || len(r.Answers) != 3 || !r.Answers[0].Away || r.Answers[0].OutOfOffice != "Heidi stands in" || !r.Answers[0].AwayAsOf.Equal(asked) || r.Answers[0].AwayUnknown {
		t.Errorf("with the server away: %+v, %v", r, err)
	}
	if dave := r.Answers[2]; dave.Away || dave.Response == portal.ResponseNone != dave.AwayUnknown {
		t.Errorf("who had no reply: %+v", dave)
	}
	// The reply that was known ends, whether the server is there to say so or not.
	h.advance(day(6, 0, 0))
	if r, err = h.Responses(h.ctx, alice, id); err != nil || r.Answers[0].Away || !r.Answers[0].AwayUnknown {
		t.Errorf("after its end: %+v, %v", r, err)
	}
}

func TestRepliesThatNobodyKnowsAreSaidToBeUnknown(t *testing.T) {
	x := newModel()
	x.add(alice, organised("Offer review", day(3, 10, 0), "bob@example.test"))
	h := at(t, x, quick(), day(1, 9, 0))
	id := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0].ID
	x.set(func() { x.down = true })
	r, err := h.Responses(h.ctx, alice, id)
	if err != nil || len(r.Answers) != 1 || r.Answers[0].Away || !r.Answers[0].AwayUnknown {
		t.Errorf("%+v, %v", r.Answers, err)
	}
	x.set(func() { x.down = false })
	h.eventually("with the server back it is known that there is none", func() bool {
		r, err = h.Responses(h.ctx, alice, id)
		return err == nil && !r.Answers[0].AwayUnknown
	})
}

func TestTheOverviewOfAManager(t *testing.T) {
	x := newModel()
	mine := organised("Mine", day(2, 9, 0), "bob@example.test")
	mine.Attendees = append(mine.Attendees, portal.Attendee{Name: "Studio 1", Email: "studio1@example.test", Role: portal.RoleResource, Response: portal.ResponseDeclined})
	x.add(alice, mine)
	x.add(alice, entry("No meeting", day(2, 9, 0), time.Hour))
	past := organised("Past", day(-5, 9, 0), "bob@example.test")
	x.add(alice, past)
	theirs := x.add(bob, organised("Bob's", day(3, 9, 0), "carol@example.test", "erin@example.test"))
	private := organised("Bob's secret", day(3, 11, 0), "carol@example.test")
	private.Private = true
	x.add(bob, private)
	attended := organised("Only attended", day(3, 12, 0), "bob@example.test")
	attended.Mine = false
	x.add(bob, attended)
	x.add(dave, organised("Dave's", day(4, 9, 0), "=cmd@example.test"))
	weekly := organised("Weekly", day(5, 9, 0), "bob@example.test")
	weekly.Recurrence = "FREQ=WEEKLY"
	x.add(alice, weekly)
	h := at(t, x, manager(x, quick()), day(1, 9, 0))
	h.must(h.Looked(h.ctx, alice))
	all, err := h.Overview(h.ctx, alice, calendar.Filter{})
	h.must(err)
	names := func(o calendar.Overview) (out []string) {
		for _, m := range o.Meetings {
			out = append(out, m.Appointment.Subject+" "+m.Relation)
		}
		return out
	}
	if want := []string{"Mine own", "Bob's team", "Dave's delegate", "Weekly own", "Weekly own"}; !slices.Equal(names(all), want) {
		t.Errorf("all: %q, missing %+v", names(all), all.Missing)
	}
	// A room is no person: it counts in no sum.
	if all.Totals != (calendar.Tally{Invited: 6, Waiting: 6}) || all.News != 0 || all.Loading || len(all.Missing) != 0 {
		t.Errorf("totals %+v, news %d, missing %+v", all.Totals, all.News, all.Missing)
	}
	if b := all.Meetings[1].Appointment; b.Body != "" {
		t.Errorf("a manager reads %q", b.Body)
	}
	// Live: an answer in a team member's calendar is told to the manager who looks.
	h.forget()
	h.advance(day(1, 10, 0))
	x.edit(bob, theirs.RemoteID, func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseDeclined })
	h.eventually("the manager is told", func() bool {
		return slices.ContainsFunc(h.events(alice), func(e portal.Durable) bool {
			ev, ok := e.(portal.ResponsesEvent)
			return ok && ev.Calendar == bob && ev.ID == all.Meetings[1].Appointment.ID && ev.Response == portal.ResponseDeclined
		})
	})
	for f, want := range map[calendar.Filter][]string{
		{Who: "own"}:                            {"Mine own", "Weekly own", "Weekly own"},
		{Who: "team"}:                           {"Bob's team"},
		{Who: "delegates"}:                      {"Dave's delegate"},
		{Only: "declined"}:                      {"Mine own", "Bob's team"},
		{Only: "news"}:                          {"Bob's team"},
		{Only: "waiting", Who: "team"}:          {"Bob's team"},
		{Text: "ERIN"}:                          {"Bob's team"},
		{From: day(-6, 0, 0), To: day(0, 0, 0)}: {"Past own"},
	} {
		o, err := h.Overview(h.ctx, alice, f)
		if err != nil || !slices.Equal(names(o), want) {
			t.Errorf("%+v: %q, %v", f, names(o), err)
		}
		if f.From.IsZero() && o.News != map[bool]int{true: 1}[f.Who == "" || f.Who == "team"] {
			t.Errorf("%+v: %d news", f, o.News)
		}
	}
	// The page of a team member's meeting, by its ID alone.
	id := all.Meetings[1].Appointment.ID
	r, err := h.Responses(h.ctx, alice, id)
	if err != nil || r.Relation != calendar.RelationTeam || r.Tally.Declined != 1 || r.Appointment.Body != "" {
		t.Errorf("responses %+v, %v", r, err)
	}
	if a, err := h.Get(h.ctx, alice, bob, id); err != nil || a.Subject != "Bob's" || a.Body != "" {
		t.Errorf("get %+v, %v", a, err)
	}
	for _, nosy := range []portal.Address{carol, dave} {
		if _, err := h.Responses(h.ctx, nosy, id); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s reads it: %v", nosy, err)
		}
	}
	export(t, h, all)
}

func export(t *testing.T, h *house, all calendar.Overview) {
	t.Helper()
	data, err := all.CSV(calendar.CSVWords{Subject: "Meeting", Answers: map[portal.Response]string{portal.ResponseNone: "waiting"}}, time.UTC)
	h.must(err)
	lines := strings.Split(strings.TrimSuffix(string(data), "\r\n"), "\r\n")
	if len(lines) != 8 || !strings.HasPrefix(lines[0], "Meeting,") || !strings.Contains(lines[1], "Mine,") || !strings.Contains(lines[1], ",0,0,0,1,bob@example.test,bob@example.test,waiting,") || !strings.Contains(lines[2], ",0,0,0,1,Studio 1,") || !strings.Contains(string(data), "'=cmd@example.test") {
		t.Errorf("CSV:\n%s", data)
	}
	file, err := h.OverviewCalendar(all)
	if err != nil || strings.Count(string(file), "BEGIN:VEVENT") != 5 || strings.Contains(string(file), "FREQ=WEEKLY") {
		t.Errorf("iCalendar: %v\n%s", err, file)
	}
}

func TestFiltersAreChecked(t *testing.T) {
	h := at(t, newModel(), quick(), day(1, 9, 0))
	for _, f := range []calendar.Filter{{Who: "them"}, {Only: "some"}, {From: day(1, 0, 0), To: day(0, 0, 0)}, {From: day(1, 0, 0), To: day(900, 0, 0)}} {
		if _, err := h.Overview(h.ctx, alice, f); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestConflictsCountOnlyWhatTakesTime(t *testing.T) {
	x := newModel()
	for i, show := range []portal.FreeBusy{portal.ShowBusy, portal.ShowFree, portal.ShowTentative, portal.ShowOOF, portal.ShowElsewhere} {
		e := entry(string(show), day(1, 10, i), time.Hour)
		e.Show = show
		x.add(alice, e)
	}
	gone := entry("cancelled", day(1, 10, 0), time.Hour)
	gone.Status = portal.StatusCancelled
	x.add(alice, gone)
	x.add(alice, entry("before", day(1, 9, 0), time.Hour))
	series := entry("series", day(0, 10, 30), time.Hour)
	series.Recurrence = "FREQ=DAILY;COUNT=5"
	x.add(alice, series)
	h := at(t, x, quick(), day(1, 8, 0))
	list, err := h.Conflicts(h.ctx, alice, day(1, 10, 0), day(1, 11, 0), "")
	if want := []string{"busy", "tentative", "out-of-office", "series"}; err != nil || !slices.Equal(subjects(list), want) {
		t.Errorf("got %q, %v", subjects(list), err)
	}
	list, err = h.Conflicts(h.ctx, alice, day(1, 10, 0), day(1, 11, 0), list[3].ID)
	if want := []string{"busy", "tentative", "out-of-office"}; err != nil || !slices.Equal(subjects(list), want) {
		t.Errorf("got %q, %v", subjects(list), err)
	}
}

// Who does not answer is a delegator still, the page says that somebody may be missing, and they are asked again soon.
func TestADelegatorWhoDoesNotAnswerStaysOne(t *testing.T) {
	x := newModel()
	x.add(dave, organised("Dave's", day(2, 9, 0), "bob@example.test"))
	h := at(t, x, manager(x, quick()), day(1, 8, 0))
	silent := func(why error) {
		x.set(func() { x.denied[portal.CalendarKey{Owner: dave}] = why })
	}
	look := func(what string, want []string, missing bool) {
		t.Helper()
		o, err := h.Overview(h.ctx, alice, calendar.Filter{Who: "delegates", From: day(1, 0, 0), To: day(7, 0, 0)})
		h.must(err)
		var got []string
		for _, m := range o.Meetings {
			got = append(got, m.Appointment.Subject)
		}
		if !slices.Equal(got, want) || (len(o.Missing) > 0) != missing {
			t.Errorf("%s: %q, missing %+v", what, got, o.Missing)
		}
	}
	silent(portal.Fail(portal.ErrUnavailable, "exchange.down"))
	look("not known yet", nil, true)
	silent(nil)
	asked := x.called("Delegates")
	look("a moment later", nil, true)
	if x.called("Delegates") != asked {
		t.Error("a server that did not answer is asked at once")
	}
	h.advance(day(1, 8, 2))
	look("asked again soon", []string{"Dave's"}, false)
	silent(portal.Fail(portal.ErrUnavailable, "exchange.down"))
	h.advance(day(1, 8, 30))
	look("away later", []string{"Dave's"}, true)
	silent(portal.Fail(portal.ErrForbidden, "exchange.forbidden"))
	h.advance(day(1, 9, 0))
	look("a refusal is an answer", nil, false)
}
