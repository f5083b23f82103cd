package calendar

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
)

func on(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)
}

func TestStateAt(t *testing.T) {
	busy := func(from, to time.Time) slot { return slot{start: from, end: to, show: portal.ShowBusy} }
	with := func(s slot, changes ...func(*slot)) slot {
		for _, change := range changes {
			change(&s)
		}
		return s
	}
	named := func(subject, where string) func(*slot) {
		return func(s *slot) { s.meeting, s.subject, s.where = true, subject, where }
	}
	about := func(st portal.CalendarState, subject, place string) portal.CalendarState {
		st.Subject, st.Place = subject, place
		return st
	}
	meeting := func(s *slot) { s.meeting = true }
	for name, c := range map[string]struct {
		slots     []slot
		tentative bool
		want      portal.CalendarState
		next      time.Time
	}{
		"nothing": {nil, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"busy":    {[]slot{busy(on(2, 9, 0), on(2, 11, 0))}, false, state(portal.Busy, "", on(2, 11, 0)), on(2, 11, 0)},
		"meeting": {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), meeting)}, false, state(portal.Busy, portal.InAMeeting, on(2, 11, 0)), on(2, 11, 0)},
		"the last that began": {[]slot{with(busy(on(2, 9, 30), on(2, 11, 0)), named("Second", "Room 2")), with(busy(on(2, 9, 0), on(2, 11, 0)), named("First", "Room 1"))}, false,
			about(state(portal.Busy, portal.InAMeeting, on(2, 11, 0)), "Second", "Room 2"), on(2, 11, 0)},
		"a private one beside": {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), named("First", "Room 1")), with(busy(on(2, 9, 30), on(2, 11, 0)), named("Secret", "Cellar"), func(s *slot) { s.private = true })}, false,
			about(state(portal.Busy, portal.InAMeeting, on(2, 11, 0)), "First", "Room 1"), on(2, 11, 0)},
		"private":                  {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), named("Secret", "Cellar"), func(s *slot) { s.private = true })}, false, state(portal.Busy, portal.InAMeeting, on(2, 11, 0)), on(2, 11, 0)},
		"no meeting has a subject": {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), named("Desk", "Home"), func(s *slot) { s.meeting = false })}, false, state(portal.Busy, "", on(2, 11, 0)), on(2, 11, 0)},
		"back to back":             {[]slot{busy(on(2, 9, 0), on(2, 11, 0)), with(busy(on(2, 11, 0), on(2, 12, 0)), meeting)}, false, next(state(portal.Busy, "", on(2, 12, 0)), on(2, 11, 0), on(2, 12, 0)), on(2, 11, 0)},
		"just over":                {[]slot{busy(on(2, 9, 0), on(2, 10, 0))}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"just begun":               {[]slot{busy(on(2, 10, 0), on(2, 11, 0))}, false, state(portal.Busy, "", on(2, 11, 0)), on(2, 11, 0)},
		"no length":                {[]slot{busy(on(2, 10, 0), on(2, 10, 0))}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"free":                     {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), func(s *slot) { s.show = portal.ShowFree })}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"elsewhere":                {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), func(s *slot) { s.show = portal.ShowElsewhere })}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"tentative":                {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), func(s *slot) { s.show = portal.ShowTentative })}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, time.Time{}},
		"tentative too":            {[]slot{with(busy(on(2, 9, 0), on(2, 11, 0)), func(s *slot) { s.show = portal.ShowTentative })}, true, state(portal.Busy, "", on(2, 11, 0)), on(2, 11, 0)},
		"out over busy": {[]slot{busy(on(2, 9, 0), on(2, 11, 0)), with(busy(on(1, 0, 0), on(3, 0, 0)), func(s *slot) { s.show, s.allDay = portal.ShowOOF, true })}, false,
			state(portal.Away, portal.OutOfOffice, on(3, 0, 0)), on(2, 11, 0)},
		"all-day meeting": {[]slot{with(busy(on(2, 0, 0), on(3, 0, 0)), func(s *slot) { s.allDay, s.meeting = true, true })}, false, state(portal.Busy, "", on(3, 0, 0)), on(3, 0, 0)},
		"later":           {[]slot{busy(on(2, 14, 0), on(2, 15, 0)), busy(on(2, 12, 0), on(2, 13, 0))}, false, next(portal.CalendarState{Agenda: portal.Agenda{Known: true}}, on(2, 12, 0), on(2, 13, 0)), on(2, 12, 0)},
		"in two days":     {[]slot{busy(on(4, 14, 0), on(4, 15, 0))}, false, portal.CalendarState{Agenda: portal.Agenda{Known: true}}, on(3, 14, 0)},
	} {
		got, at := stateAt(c.slots, portal.OutOfOfficeNote{}, on(2, 10, 0), c.tentative)
		if got != c.want || !at.Equal(c.next) {
			t.Errorf("%s\ngot  %+v, next %v\nwant %+v, next %v", name, got, at, c.want, c.next)
		}
	}
	note := portal.OutOfOfficeNote{State: "scheduled", From: on(2, 12, 0), Until: on(3, 12, 0), Internal: "away"}
	if got, at := stateAt(nil, note, on(2, 10, 0), false); got.OutOfOffice != "" || !at.Equal(on(2, 12, 0)) {
		t.Errorf("before the note: %+v, %v", got, at)
	}
	if got, at := stateAt(nil, note, on(2, 12, 0), false); got.OutOfOffice != "away" || !at.Equal(on(3, 12, 0)) {
		t.Errorf("in the note: %+v, %v", got, at)
	}
}

func state(a portal.Availability, act portal.Activity, until time.Time) portal.CalendarState {
	return portal.CalendarState{Availability: a, Activity: act, Until: until, Agenda: portal.Agenda{Known: true, BusyUntil: until}}
}

func next(st portal.CalendarState, from, until time.Time) portal.CalendarState {
	st.Agenda.NextFrom, st.Agenda.NextUntil = from, until
	return st
}

// A state that stateAt gives holds until the time it says: at no moment in between is it another.
func TestStateAtIsTrueUntilItSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	shows := []portal.FreeBusy{portal.ShowBusy, portal.ShowFree, portal.ShowOOF, portal.ShowTentative}
	for range 300 {
		var slots []slot
		for range r.IntN(8) {
			from := on(2, 0, 15*r.IntN(96))
			slots = append(slots, slot{start: from, end: from.Add(time.Duration(r.IntN(12)) * 15 * time.Minute), show: shows[r.IntN(len(shows))], meeting: r.IntN(2) == 0})
		}
		now := on(2, 0, 5*r.IntN(300))
		st, until := stateAt(slots, portal.OutOfOfficeNote{}, now, false)
		for at := now; until.IsZero() && at.Before(on(3, 12, 0)) || at.Before(until); at = at.Add(5 * time.Minute) {
			if got, _ := stateAt(slots, portal.OutOfOfficeNote{}, at, false); got != st {
				t.Fatalf("at %v %+v, but at %v %+v, although nothing was to change before %v; slots %+v", now, st, at, got, until, slots)
			}
		}
	}
}

func random(r *rand.Rand) ([]portal.Attendee, []portal.Availabilities) {
	roles := []portal.AttendeeRole{portal.RoleRequired, portal.RoleOptional, portal.RoleResource}
	shows := []portal.FreeBusy{portal.ShowBusy, portal.ShowTentative, portal.ShowOOF, portal.ShowFree, portal.ShowElsewhere, portal.ShowNoData}
	var people []portal.Attendee
	var rows []portal.Availabilities
	for i := range 1 + r.IntN(5) {
		people = append(people, portal.Attendee{Email: fmt.Sprintf("p%d", i), Role: roles[r.IntN(3)*min(i, 1)]})
		row := portal.Availabilities{Email: people[i].Email}
		for range r.IntN(30) {
			from := on(2, 0, 30*r.IntN(5*48))
			row.Busy = append(row.Busy, portal.BusyTime{Start: from, End: from.Add(time.Duration(1+r.IntN(6)) * 30 * time.Minute), Show: shows[r.IntN(len(shows))]})
		}
		if r.IntN(3) == 0 {
			row.Working = &portal.WorkingHours{TimeZone: []string{"Europe/Vienna", "America/New_York", "Asia/Tokyo"}[r.IntN(3)],
				Periods: []portal.WorkingPeriod{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 7 * 60, To: 16 * 60}}}
		}
		rows = append(rows, row)
	}
	return people, rows
}

// Every suggestion says the truth about everybody, and none is worse than one that follows it.
func TestSuggestionsAreTrueAndRanked(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	vienna := series.Place("Europe/Vienna")
	rank := map[string]int{"excellent": 0, "good": 1, "fair": 2, "poor": 3}
	for range 200 {
		people, rows := random(r)
		f := suggestFor{from: on(2, 0, 0), to: on(7, 0, 0), length: time.Duration(1+r.IntN(5)) * 20 * time.Minute, loc: vienna, now: on(2, 11, 17)}
		list := suggest(people, rows, f)
		if len(list) == 0 || len(list) > maxSuggestions {
			t.Fatalf("%d suggestions", len(list))
		}
		required := func(s portal.Suggestion) (n int) {
			for _, e := range s.Conflicts {
				at := slices.IndexFunc(people, func(p portal.Attendee) bool { return p.Email == e })
				if people[at].Role != portal.RoleOptional {
					n++
				}
			}
			return n
		}
		for i, s := range list {
			if s.Start.Before(f.now) || s.End.After(f.to) || s.End.Sub(s.Start) != f.length || s.Start.In(vienna).Minute()%30 != 0 {
				t.Errorf("at %v to %v", s.Start, s.End)
			}
			for j, p := range people {
				taken := slices.ContainsFunc(rows[j].Busy, func(b portal.BusyTime) bool {
					return (b.Show == portal.ShowBusy || b.Show == portal.ShowOOF) && b.Start.Before(s.End) && b.End.After(s.Start)
				})
				if taken != slices.Contains(s.Conflicts, p.Email) {
					t.Errorf("%v: %s taken %v, conflicts %v", s.Start, p.Email, taken, s.Conflicts)
				}
			}
			if (s.Quality == "poor") != (required(s) > 0) || s.Quality == "excellent" && len(s.Conflicts)+len(s.Tentative)+len(s.OutsideHours) > 0 {
				t.Errorf("%+v is %s", s, s.Quality)
			}
			if i > 0 && required(list[i-1]) > required(s) || i > 0 && rank[list[i-1].Quality] == 3 && rank[s.Quality] < 3 {
				t.Errorf("%+v before %+v", list[i-1], s)
			}
		}
	}
}

func TestSuggestionsInTheAskersHours(t *testing.T) {
	people := []portal.Attendee{{Email: "a", Role: portal.RoleRequired}, {Email: "b", Role: portal.RoleRequired}}
	rows := []portal.Availabilities{
		{Email: "a", Busy: []portal.BusyTime{{Start: on(2, 8, 0), End: on(2, 12, 0), Show: portal.ShowBusy}, {Start: on(2, 13, 0), End: on(2, 14, 0), Show: portal.ShowTentative}}},
		{Email: "b", Working: &portal.WorkingHours{TimeZone: "America/New_York", Periods: []portal.WorkingPeriod{{Days: []time.Weekday{time.Monday}, From: 8 * 60, To: 17 * 60}}}},
	}
	vienna := series.Place("Europe/Vienna")
	got := suggest(people, rows, suggestFor{from: on(2, 0, 0), to: on(3, 0, 0), length: time.Hour, loc: vienna, now: on(1, 0, 0)})
	// Both work between 14:00 and 17:00 in Vienna (13:00 to 16:00 UTC); from 13:00 UTC on a is tentative for an hour.
	if first := got[0]; !first.Start.Equal(on(2, 14, 0)) || first.Quality != "excellent" {
		t.Errorf("best is %+v", first)
	}
	if n := slices.IndexFunc(got, func(s portal.Suggestion) bool { return s.Start.Equal(on(2, 13, 0)) }); n < 0 || !slices.Equal(got[n].Tentative, []string{"a"}) {
		t.Errorf("tentative: %+v", got)
	}
}

func TestOverlayDoesNotTouchTheMirror(t *testing.T) {
	e := portal.KeptEntry{Entry: portal.Entry{Appointment: portal.Appointment{ID: "s", Start: on(2, 9, 0), End: on(2, 10, 0), Recurrence: "FREQ=DAILY;COUNT=5"},
		Exceptions: []portal.Appointment{{RecurrenceID: on(3, 9, 0), Start: on(3, 11, 0), End: on(3, 12, 0)}}, Deleted: []time.Time{on(4, 9, 0)}}}
	before := fmt.Sprintf("%+v", e)
	one := func(change portal.AppointmentChange) *portal.AppointmentChange { return &change }
	subject := "changed"
	intents := []portal.Intent{
		{Entry: "s", Kind: portal.IntentChange, Change: one(portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: on(3, 9, 0)})},
		{Entry: "s", Kind: portal.IntentChange, Change: one(portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: on(5, 9, 0)})},
		{Entry: "s", Kind: portal.IntentDelete, Occurrence: on(6, 9, 0)},
	}
	out := overlay([]portal.KeptEntry{e}, intents)
	if after := fmt.Sprintf("%+v", e); after != before {
		t.Errorf("the mirror became\n%s\nfrom\n%s", after, before)
	}
	again := overlay([]portal.KeptEntry{{Entry: out[0]}}, intents)
	if len(out[0].Exceptions) != 2 || len(again[0].Exceptions) != 2 {
		t.Errorf("laid twice: %+v", again[0].Exceptions)
	}
	list, err := series.Expand(&out[0], on(1, 0, 0), on(10, 0, 0))
	if err != nil || len(list) != 3 {
		t.Fatalf("%d occurrences, %v", len(list), err)
	}
	for _, a := range list {
		if changed := a.Subject == subject; changed != !a.RecurrenceID.Equal(on(2, 9, 0)) {
			t.Errorf("%+v", a)
		}
	}
}

func TestMergedChanges(t *testing.T) {
	one, two, room := "one", "two", "room"
	first := portal.Intent{Kind: portal.IntentCreate, Appointment: &portal.Appointment{Subject: one}}
	got, ok := mergedInto(first, portal.Intent{Kind: portal.IntentChange, Change: &portal.AppointmentChange{Subject: &two, Attendees: &[]portal.Attendee{{Email: "a@b"}}}, Send: true})
	if !ok || got.Appointment.Subject != two || !got.Send || !got.Appointment.Meeting || first.Appointment.Subject != one {
		t.Errorf("into a create: %+v, %v", got, ok)
	}
	a := portal.Intent{Kind: portal.IntentChange, Change: &portal.AppointmentChange{Subject: &one, Location: &room}}
	b := portal.Intent{Kind: portal.IntentChange, Change: &portal.AppointmentChange{Subject: &two}}
	if got, ok := mergedInto(a, b); !ok || *got.Change.Subject != two || *got.Change.Location != room {
		t.Errorf("two changes: %+v, %v", got, ok)
	}
	b.Change = &portal.AppointmentChange{Subject: &two, Occurrence: on(2, 9, 0)}
	if _, ok := mergedInto(a, b); ok {
		t.Error("a change of one occurrence became one of the series")
	}
	// Who was added by the first and taken away by the second is not there.
	list := []portal.Attendee{{Email: "b@b"}}
	m := mergeChanges(portal.AppointmentChange{Attendees: &[]portal.Attendee{{Email: "a@b"}, {Email: "b@b"}}, Known: []string{"c@b"}},
		portal.AppointmentChange{Attendees: &list, Known: []string{"a@b", "b@b"}})
	after := m.AttendeesOver([]portal.Attendee{{Email: "c@b"}, {Email: "unknown@b"}})
	var emails []string
	for _, p := range after {
		emails = append(emails, p.Email)
	}
	if !slices.Equal(emails, []string{"b@b", "unknown@b"}) {
		t.Errorf("attendees %q", emails)
	}
}

func TestNewsOfAnswers(t *testing.T) {
	old := portal.Entry{Appointment: portal.Appointment{Attendees: []portal.Attendee{{Email: "A@b", Response: ""}, {Email: "c@b", Response: portal.ResponseAccepted, RespondedAt: on(1, 0, 0)}}}}
	now := old
	now.Attendees = slices.Clone(old.Attendees)
	now.Attendees[0].Email, now.Attendees[0].Response = "a@b", portal.ResponseNone
	if got := news(&old, &now, on(2, 0, 0)); len(got) != 0 {
		t.Errorf(`"none" is not the same as "has not answered": %+v`, got)
	}
	now.Attendees[0].Response = portal.ResponseDeclined
	now.Attendees[1].RespondedAt = on(1, 12, 0) // accepted once more
	now.Attendees = append(now.Attendees, portal.Attendee{Email: "new@b"})
	got := news(&old, &now, on(2, 0, 0))
	want := []portal.AnswerNews{
		{Email: "a@b", Was: portal.ResponseNone, Is: portal.ResponseDeclined, At: on(2, 0, 0)},
		{Email: "c@b", Was: portal.ResponseAccepted, Is: portal.ResponseAccepted, At: on(2, 0, 0)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	merged := mergeNews(got, []portal.AnswerNews{{Email: "a@b", Is: portal.ResponseAccepted, At: on(3, 0, 0)}})
	if len(merged) != 2 || merged[0].Is != portal.ResponseAccepted || merged[1].Email != "c@b" {
		t.Errorf("merged %+v", merged)
	}
}

func TestEventsOfADeltaAreBounded(t *testing.T) {
	d := &digest{key: portal.CalendarKey{Reader: alice, Owner: alice}, now: on(2, 0, 0), watchers: []portal.Address{bob}}
	var list []portal.Entry
	old := map[string]portal.KeptEntry{}
	for i := range 30 {
		e := portal.Entry{RemoteID: fmt.Sprint(i), Appointment: portal.Appointment{ID: fmt.Sprint(i), Meeting: true, Mine: true, Attendees: []portal.Attendee{{Email: "a@b"}}}}
		old[e.RemoteID] = portal.KeptEntry{Entry: settled(e)}
		e.Subject = "new"
		e.Attendees = []portal.Attendee{{Email: "a@b", Response: portal.ResponseAccepted}}
		list = append(list, e)
	}
	d.take(list, old, nil, false)
	want := []portal.Addressed{
		{For: []portal.Address{alice}, Event: portal.CalendarEvent{Calendar: alice, Change: portal.Updated}},
		{For: []portal.Address{alice}, Event: portal.ResponsesEvent{Calendar: alice, Change: portal.Updated}},
		{For: []portal.Address{bob}, Event: portal.ResponsesEvent{Calendar: alice, Change: portal.Updated}},
	}
	if got := d.events(20); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	d.take(list[:1], old, nil, false)
	if n := len(d.put); n != 31 {
		t.Errorf("%d rows", n)
	}
	if got := newest([]portal.Entry{{RemoteID: "a"}, {RemoteID: "b"}, {RemoteID: "a", ChangeKey: "2"}}); len(got) != 2 || got[1].ChangeKey != "2" {
		t.Errorf("told twice: %+v", got)
	}
}

// A bell that works ends the wait for a server that was away, not one that the reader's own error or the server asked for.
func TestReachedLeavesALanesOwnPauseAlone(t *testing.T) {
	later := on(2, 9, 5)
	for name, c := range map[string]struct {
		why  error
		goes bool
	}{
		"nothing":             {nil, true},
		"away":                {portal.Fail(portal.ErrUnavailable, "exchange.down"), true},
		"asked to wait":       {portal.Fail(portal.ErrUnavailable, "exchange.busy").After(time.Minute), false},
		"the reader's secret": {portal.Fail(portal.ErrUnauthenticated, "exchange.signin"), false},
		"no right":            {portal.Fail(portal.ErrForbidden, "exchange.forbidden"), false},
	} {
		l := newLane(New(nil, nil, Options{}), portal.CalendarKey{Reader: bob, Owner: alice})
		l.why, l.due = c.why, later
		l.reached()
		if got := l.due.IsZero(); got != c.goes || l.blind || !l.wanted {
			t.Errorf("%s: the pause ends is %t, want %t (%+v)", name, got, c.goes, l.wanted)
		}
	}
}

// Who watches a colleague's meetings hears that answers came, not whose, and nothing of what is private.
func TestWatchersHearNothingPrivate(t *testing.T) {
	invited := []portal.Attendee{{Email: "dave@b", Name: "Dave"}, {Email: "erin@b", Name: "Erin"}}
	base := portal.Entry{RemoteID: "r", Appointment: portal.Appointment{ID: "m", Meeting: true, Mine: true, Recurrence: "FREQ=DAILY", Attendees: invited,
		Start: on(2, 9, 0), End: on(2, 10, 0)}}
	once := base.Appointment
	once.RecurrenceID, once.Start, once.End, once.Private, once.Subject = on(3, 9, 0), on(3, 9, 0), on(3, 10, 0), true, "Layoffs"
	base.Exceptions = []portal.Appointment{once}
	declines := func(list []portal.Attendee) []portal.Attendee {
		list = slices.Clone(list)
		list[0].Response = portal.ResponseDeclined
		return list
	}
	private := func(e portal.Entry) portal.Entry { e.Private = true; return e }
	answered := func(e portal.Entry) portal.Entry { e.Attendees = declines(e.Attendees); return e }
	onceAnswered := func(e portal.Entry) portal.Entry {
		x := e.Exceptions[0]
		x.Attendees = declines(x.Attendees)
		e.Exceptions = []portal.Appointment{x}
		return e
	}
	renamed := func(e portal.Entry) portal.Entry { e.Subject = "Renamed"; return e }
	event := func(change portal.Change, by string, r portal.Response) portal.ResponsesEvent {
		return portal.ResponsesEvent{ID: "m", Calendar: alice, Change: change, By: by, Response: r}
	}
	for _, c := range []struct {
		name           string
		was, is        *portal.Entry
		owner, watcher []portal.ResponsesEvent
	}{
		{"an answer", &base, ptr(answered(base)), []portal.ResponsesEvent{event(portal.Updated, "Dave", portal.ResponseDeclined)}, []portal.ResponsesEvent{event(portal.Updated, "", portal.ResponseDeclined)}},
		{"an answer to a private occurrence", &base, ptr(onceAnswered(base)), []portal.ResponsesEvent{event(portal.Updated, "Dave", portal.ResponseDeclined)}, nil},
		{"an answer to a private meeting", ptr(private(base)), ptr(private(answered(base))), []portal.ResponsesEvent{event(portal.Updated, "Dave", portal.ResponseDeclined)}, nil},
		{"a private meeting changes", ptr(private(base)), ptr(private(renamed(base))), nil, nil},
		{"a private meeting comes", nil, ptr(private(base)), nil, nil},
		{"a private meeting goes", ptr(private(base)), nil, nil, nil},
		{"a meeting changes", &base, ptr(renamed(base)), nil, []portal.ResponsesEvent{event(portal.Updated, "", "")}},
		{"a meeting becomes private", &base, ptr(private(base)), nil, []portal.ResponsesEvent{event(portal.Deleted, "", "")}},
		{"a meeting is private no more", ptr(private(base)), &base, nil, []portal.ResponsesEvent{event(portal.Created, "", "")}},
		{"a meeting comes", nil, &base, nil, []portal.ResponsesEvent{event(portal.Created, "", "")}},
		{"a meeting goes", &base, nil, nil, []portal.ResponsesEvent{event(portal.Deleted, "", "")}},
	} {
		d := &digest{key: portal.CalendarKey{Reader: alice, Owner: alice}, now: on(2, 0, 0), watchers: []portal.Address{bob, alice}}
		old := map[string]portal.KeptEntry{}
		if c.was != nil {
			old["r"] = portal.KeptEntry{Entry: settled(*c.was)}
		}
		if c.is != nil {
			d.take([]portal.Entry{*c.is}, old, nil, false)
		} else {
			d.drop([]portal.KeptEntry{old["r"]})
		}
		heard := map[portal.Address][]portal.ResponsesEvent{}
		for _, ev := range d.events(20) {
			if r, ok := ev.Event.(portal.ResponsesEvent); ok {
				r.ID = "m" // one that came has an ID of its own
				for _, who := range ev.For {
					heard[who] = append(heard[who], r)
				}
			}
		}
		if !slices.Equal(heard[alice], c.owner) {
			t.Errorf("%s: the owner hears %+v", c.name, heard[alice])
		}
		if !slices.Equal(heard[bob], c.watcher) {
			t.Errorf("%s: the watcher hears %+v", c.name, heard[bob])
		}
	}
}

// A bell that was told to work is known to lanes opened later, until it is no longer wanted.
func TestBellsAreKnownWhileTheyAreWanted(t *testing.T) {
	s := New(nil, nil, Options{})
	ring := func(owner portal.Address) *lane {
		t.Helper()
		l, err := s.lanes.get(portal.CalendarKey{Reader: bob, Owner: owner}, "")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := ring(alice)
	if !first.blind {
		t.Error("nobody has told of the bell yet")
	}
	s.Reached(alice)
	s.lanes.mu.Lock()
	s.lanes.drop(first)
	s.lanes.mu.Unlock()
	if l := ring(alice); l.blind || first.blind {
		t.Error("closed and opened before the server was told: the bell still works")
	}
	s.lanes.unhear([]portal.Address{bob})
	if l := ring(bob); !l.blind || len(s.lanes.heard) != 0 {
		t.Errorf("wanted no more, %v are still known", s.lanes.heard)
	}
}

// One's own calendar always opens; those of others make room for each other once nobody looks at them, for each reader and for all.
func TestCalendarsOfOthersMakeRoom(t *testing.T) {
	now := on(2, 9, 0)
	s := New(nil, nil, Options{MaxLanes: 3, MaxLanesEach: 2, Now: func() time.Time { return now }})
	person := func(n int) portal.Address { return portal.Address(fmt.Sprintf("sip:p%d@example.test", n)) }
	open := func(reader, owner portal.Address) error {
		s.people.add(reader)
		_, err := s.lanes.get(portal.CalendarKey{Reader: reader, Owner: owner}, reader)
		return err
	}
	is := func(what string, got, want error) {
		t.Helper()
		if portal.Meaning(got) != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for n := range 10 {
		is("one's own", open(person(n), person(n)), nil)
	}
	is("the first of others", open(bob, person(1)), nil)
	now = now.Add(time.Second)
	is("the second", open(bob, person(2)), nil)
	is("the third of one reader", open(bob, person(3)), portal.ErrTooMany)
	is("another reader's", open(alice, person(1)), nil)
	is("the fourth of all", open(alice, person(2)), portal.ErrTooMany)
	now = now.Add(lookedAt)
	is("what is looked at", open(bob, person(2)), nil)
	is("in the place of what is not", open(bob, person(3)), nil)
	if s.lanes.find(portal.CalendarKey{Reader: bob, Owner: person(1)}) != nil || s.lanes.find(portal.CalendarKey{Reader: bob, Owner: person(2)}) == nil {
		t.Error("another one was closed than the one that nobody had looked at for longest")
	}
	is("all of theirs are looked at", open(bob, person(4)), portal.ErrTooMany)
	now = now.Add(time.Second)
	is("of all one is not", open(person(5), person(6)), nil)
	if s.lanes.find(portal.CalendarKey{Reader: alice, Owner: person(1)}) != nil {
		t.Error("what nobody looks at stayed open")
	}
	held, release, err := s.lanes.hold(portal.CalendarKey{Reader: person(5), Owner: person(6)}, person(5))
	is("somebody changes it", err, nil)
	now = now.Add(2 * lookedAt)
	for range 2 {
		is("room for others", open(bob, person(8)), nil)
		is("room for others", open(bob, person(9)), nil)
	}
	if s.lanes.find(held.key) != held {
		t.Error("a calendar was closed under a change")
	}
	release()
}
