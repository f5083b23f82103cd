package calendar_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// The hard cases of time, series, privacy and attendees that this room has to get right, each by its name.

// shownAs gives what a calendar shows of a window in a zone: subject, beginning and end by that zone's clock.
func (h *house) shownAs(zone string, from, to time.Time) []string {
	h.t.Helper()
	loc := zoneOf(h.t, zone)
	v, err := h.Between(h.ctx, alice, alice, from, to, loc)
	h.must(err)
	out := []string{}
	for _, a := range v.Appointments {
		if a.AllDay {
			out = append(out, fmt.Sprintf("%s %s–%s", a.Subject, a.Start.Format("02.01."), a.End.Format("02.01.")))
			continue
		}
		out = append(out, fmt.Sprintf("%s %s–%s", a.Subject, a.Start.In(loc).Format("02.01. 15:04"), a.End.In(loc).Format("15:04")))
	}
	return out
}

func TestTheHardCasesOfTime(t *testing.T) {
	at := func(m time.Month, d, hour, minute int) time.Time {
		return time.Date(2026, m, d, hour, minute, 0, 0, time.UTC)
	}
	series := func(subject, zone, rule string, start time.Time) portal.Entry {
		e := entry(subject, start, time.Hour)
		e.TimeZone, e.Recurrence = zone, rule
		return e
	}
	allDay := func(subject string, from, to time.Time) portal.Entry {
		e := entry(subject, from, to.Sub(from))
		e.AllDay = true
		return e
	}
	moved := series("moved first", "Europe/Vienna", "FREQ=DAILY;COUNT=2", at(3, 10, 9, 0))
	first := moved.Appointment
	first.RecurrenceID, first.Start, first.End, first.Recurrence, first.Kind = at(3, 10, 9, 0), at(3, 10, 14, 0), at(3, 10, 15, 0), "", portal.KindException
	moved.Exceptions = []portal.Appointment{first}
	onto := series("onto another's day", "Europe/Vienna", "FREQ=WEEKLY;COUNT=3", at(3, 2, 9, 0))
	second := onto.Appointment
	second.RecurrenceID, second.Start, second.End, second.Recurrence, second.Kind = at(3, 9, 9, 0), at(3, 16, 11, 0), at(3, 16, 12, 0), "", portal.KindException
	onto.Exceptions = []portal.Appointment{second}
	before := series("exception before the series", "UTC", "FREQ=DAILY;COUNT=3", at(3, 10, 9, 0))
	early := before.Appointment
	early.RecurrenceID, early.Start, early.End, early.Recurrence, early.Kind = at(3, 11, 9, 0), at(3, 1, 9, 0), at(3, 1, 10, 0), "", portal.KindException
	before.Exceptions = []portal.Appointment{early}
	for _, c := range []struct {
		name     string
		entries  []portal.Entry
		zone     string
		from, to time.Time
		want     []string
	}{
		{"organiser's zone over a change of clocks, seen from a zone that changes on another day",
			[]portal.Entry{series("round", "America/New_York", "FREQ=DAILY;COUNT=4", at(3, 6, 14, 0))}, "Europe/Vienna", at(3, 1, 0, 0), at(3, 31, 0, 0),
			[]string{"round 06.03. 15:00–16:00", "round 07.03. 15:00–16:00", "round 08.03. 14:00–15:00", "round 09.03. 14:00–15:00"}},
		{"the same meeting in two zones, here the other one",
			[]portal.Entry{series("round", "Europe/Vienna", "FREQ=WEEKLY;COUNT=3", at(3, 23, 9, 0))}, "America/New_York", at(3, 1, 0, 0), at(4, 30, 0, 0),
			[]string{"round 23.03. 05:00–06:00", "round 30.03. 04:00–05:00", "round 06.04. 04:00–05:00"}},
		{"London is not fixed to GMT",
			[]portal.Entry{series("tea", "Europe/London", "FREQ=WEEKLY;COUNT=2", at(3, 26, 16, 0))}, "UTC", at(3, 1, 0, 0), at(4, 30, 0, 0),
			[]string{"tea 26.03. 16:00–17:00", "tea 02.04. 15:00–16:00"}},
		{"an hour that does not exist",
			[]portal.Entry{series("night", "Europe/Vienna", "FREQ=DAILY;COUNT=2", at(3, 28, 1, 30))}, "Europe/Vienna", at(3, 1, 0, 0), at(4, 30, 0, 0),
			[]string{"night 28.03. 02:30–03:30", "night 29.03. 03:30–04:30"}},
		{"a zone with half an hour of daylight time",
			[]portal.Entry{series("island", "Australia/Lord_Howe", "FREQ=DAILY;COUNT=2", at(4, 3, 22, 0))}, "UTC", at(4, 1, 0, 0), at(4, 30, 0, 0),
			[]string{"island 03.04. 22:00–23:00", "island 04.04. 22:30–23:30"}},
		{"all-day west of everybody", []portal.Entry{allDay("fair", at(3, 28, 0, 0), at(3, 29, 0, 0))}, "Etc/GMT+12", at(3, 28, 12, 0), at(3, 29, 12, 0), []string{"fair 28.03.–29.03."}},
		{"all-day west of everybody, the day before", []portal.Entry{allDay("fair", at(3, 28, 0, 0), at(3, 29, 0, 0))}, "Etc/GMT+12", at(3, 27, 12, 0), at(3, 28, 12, 0), []string{}},
		{"all-day east of everybody", []portal.Entry{allDay("fair", at(3, 28, 0, 0), at(3, 29, 0, 0))}, "Pacific/Kiritimati", at(3, 27, 10, 0), at(3, 28, 10, 0), []string{"fair 28.03.–29.03."}},
		{"all-day east of everybody, the day after", []portal.Entry{allDay("fair", at(3, 28, 0, 0), at(3, 29, 0, 0))}, "Pacific/Kiritimati", at(3, 28, 10, 0), at(3, 29, 10, 0), []string{}},
		{"all-day over a day of 23 hours", []portal.Entry{allDay("fair", at(3, 29, 0, 0), at(3, 30, 0, 0))}, "Europe/Vienna", at(3, 29, 21, 0), at(3, 29, 22, 0), []string{"fair 29.03.–30.03."}},
		{"several days, seen in their middle", []portal.Entry{allDay("holiday", at(3, 1, 0, 0), at(4, 1, 0, 0))}, "Europe/Vienna", at(3, 15, 0, 0), at(3, 16, 0, 0), []string{"holiday 01.03.–01.04."}},
		{"an all-day series", []portal.Entry{func() portal.Entry {
			e := allDay("birthday", at(3, 28, 0, 0), at(3, 29, 0, 0))
			e.Recurrence = "FREQ=DAILY;COUNT=3"
			return e
		}()}, "America/Los_Angeles", at(3, 29, 7, 0), at(3, 30, 7, 0), []string{"birthday 29.03.–30.03."}},
		{"first occurrence modified", []portal.Entry{moved}, "Europe/Vienna", at(3, 1, 0, 0), at(3, 31, 0, 0), []string{"moved first 10.03. 15:00–16:00", "moved first 11.03. 10:00–11:00"}},
		{"exception moved onto another occurrence's day", []portal.Entry{onto}, "Europe/Vienna", at(3, 1, 0, 0), at(3, 31, 0, 0),
			[]string{"onto another's day 02.03. 10:00–11:00", "onto another's day 16.03. 10:00–11:00", "onto another's day 16.03. 12:00–13:00"}},
		{"exception before the series", []portal.Entry{before}, "UTC", at(3, 1, 0, 0), at(3, 2, 0, 0), []string{"exception before the series 01.03. 09:00–10:00"}},
		{"a series without an end, far ahead", []portal.Entry{series("for ever", "UTC", "FREQ=WEEKLY", at(3, 2, 9, 0))}, "UTC", time.Date(2076, 3, 2, 0, 0, 0, 0, time.UTC), time.Date(2076, 3, 3, 0, 0, 0, 0, time.UTC),
			[]string{"for ever 02.03. 09:00–10:00"}},
		{"last weekday of the month", []portal.Entry{series("close", "UTC", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3", at(1, 30, 9, 0))}, "UTC", at(1, 1, 0, 0), at(4, 1, 0, 0),
			[]string{"close 30.01. 09:00–10:00", "close 27.02. 09:00–10:00", "close 31.03. 09:00–10:00"}},
		{"two series that share an identifier", []portal.Entry{series("one", "UTC", "FREQ=DAILY;COUNT=1", at(3, 2, 9, 0)), series("copy", "UTC", "FREQ=DAILY;COUNT=1", at(3, 2, 9, 0))}, "UTC", at(3, 1, 0, 0), at(3, 31, 0, 0),
			[]string{"copy 02.03. 09:00–10:00", "one 02.03. 09:00–10:00"}},
		{"a zone that nobody knows", []portal.Entry{series("odd", "Customized Time Zone", "FREQ=DAILY;COUNT=1", at(3, 2, 9, 0))}, "UTC", at(3, 1, 0, 0), at(3, 31, 0, 0), []string{"odd 02.03. 09:00–10:00"}},
		{"ends where the window begins", []portal.Entry{entry("over", at(3, 2, 9, 0), time.Hour)}, "UTC", at(3, 2, 10, 0), at(3, 2, 11, 0), []string{}},
		{"without length", []portal.Entry{entry("moment", at(3, 2, 10, 0), 0)}, "UTC", at(3, 2, 10, 0), at(3, 2, 11, 0), []string{"moment 02.03. 10:00–10:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newModel()
			for _, e := range c.entries {
				e.UID = "the same"
				x.add(alice, e)
			}
			h := start(t, x, quick())
			if got := h.shownAs(c.zone, c.from, c.to); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// One series that nobody can follow does not hide the week.
func TestASeriesThatCannotBeFollowed(t *testing.T) {
	x := newModel()
	bad := entry("bad", day(1, 9, 0), time.Hour)
	bad.Recurrence = "FREQ=SOMETIMES"
	x.add(alice, bad)
	x.add(alice, entry("good", day(1, 9, 0), time.Hour))
	h := start(t, x, quick())
	if got := subjects(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments); !slices.Equal(got, []string{"good"}) {
		t.Errorf("got %q", got)
	}
}

// First sync of history sends nothing, importing a file sends nothing, exceptions of a series send nothing to those who are not invited.
func TestNothingIsMailedThatACarefulPersonWouldNotSend(t *testing.T) {
	x := newModel()
	old := organised("History", day(-300, 9, 0), "bob@example.test", "carol@example.test")
	x.add(alice, old)
	h := start(t, x, quick())
	file := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" +
		"BEGIN:VEVENT\r\nUID:imported\r\nDTSTART;TZID=Europe/Vienna:20260302T100000\r\nDTEND;TZID=Europe/Vienna:20260302T110000\r\nRRULE:FREQ=DAILY;COUNT=4\r\nEXDATE;TZID=Europe/Vienna:20260303T100000\r\n" +
		"SUMMARY:Imported\r\nORGANIZER:mailto:boss@example.test\r\nATTENDEE;CN=Bob:mailto:bob@example.test\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:imported\r\nRECURRENCE-ID;TZID=Europe/Vienna:20260304T100000\r\nDTSTART;TZID=Europe/Vienna:20260304T150000\r\nSUMMARY:Imported\\, moved\r\nATTENDEE:mailto:bob@example.test\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:" + "History" + "\r\nDTSTART:20260302T100000Z\r\nSUMMARY:There already\r\nEND:VEVENT\r\n" +
		"BEGIN:VEVENT\r\nUID:odd\r\nDTSTART:20260302T100000Z\r\nRRULE:FREQ=HOURLY;COUNT=3\r\nSUMMARY:Hourly\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for range 2 { // a second time everything is there
		res, err := h.Import(h.ctx, alice, []byte(file))
		h.must(err)
		if res.Added+res.Present != 2 || len(res.Refused) != 1 || res.Refused[0].Subject != "Hourly" {
			t.Errorf("imported %+v", res)
		}
		h.idle()
	}
	want := []string{"Imported 02.03. 10:00–11:00", "Imported, moved 04.03. 15:00–15:00", "Imported 05.03. 10:00–11:00"}
	if got := h.shownAs("Europe/Vienna", day(0, 0, 0), day(10, 0, 0)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if len(x.sent()) != 0 {
		t.Errorf("mails %q", x.sent())
	}
	for _, e := range x.all(alice) {
		if e.UID == "imported" && (len(e.Attendees) != 0 || !strings.Contains(e.Body, "bob@example.test")) {
			t.Errorf("people of an imported one: %+v, %q", e.Attendees, e.Body)
		}
	}
	if _, err := h.Import(h.ctx, alice, []byte("<html>")); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("a page: %v", err)
	}
}

// Exactly one cancellation on a deletion; a partial change removes nobody that its author did not see.
func TestAttendeesStay(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("guest%d@example.test", i))
	}
	a := appointment("Large", day(1, 9, 0), time.Hour)
	a.Attendees = invited(many...)
	a.Attendees[1].Role, a.Attendees[2].Role = portal.RoleOptional, portal.RoleResource
	a, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	x.set(func() { x.rang = func(portal.Address) {} })
	x.edit(alice, x.all(alice)[0].RemoteID, func(e *portal.Entry) { e.Attendees = append(e.Attendees, invited("forwarded@example.test")...) })
	list := slices.Clone(a.Attendees)[1:]
	h.Rang(alice)
	h.eventually("the forwarded one is known", func() bool {
		got, err := h.Get(h.ctx, alice, alice, a.ID)
		return err == nil && len(got.Attendees) == 61
	})
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Attendees: &list, Known: many}, "")
	h.must(err)
	got := x.all(alice)[0].Attendees
	if len(got) != 60 || got[0].Role != portal.RoleOptional || got[1].Role != portal.RoleResource || got[59].Email != "forwarded@example.test" {
		t.Errorf("%d attendees: %+v", len(got), got)
	}
	before := len(x.sent())
	h.must(h.Delete(h.ctx, alice, alice, a.ID, "", "", ""))
	if n := len(x.sent()) - before; n != 60 {
		t.Errorf("%d cancellations for 60 people", n)
	}
}

func TestExportAndSubscribe(t *testing.T) {
	x := newModel()
	private := entry("Doctor", day(2, 9, 0), time.Hour)
	private.Private = true
	x.add(alice, private)
	x.add(alice, entry("Public", day(1, 9, 0), time.Hour))
	h := at(t, x, quick(), day(1, 8, 0))
	data, err := h.Export(h.ctx, alice, alice, day(0, 0, 0), day(7, 0, 0))
	if err != nil || !bytes.Contains(data, []byte("SUMMARY:Doctor")) || !bytes.Contains(data, []byte("CLASS:PRIVATE")) || bytes.Count(data, []byte("BEGIN:VEVENT")) != 2 {
		t.Errorf("export: %v\n%s", err, data)
	}
	id := h.window(alice, alice, day(1, 0, 0), day(2, 0, 0)).Appointments[0].ID
	if data, err = h.ExportOne(h.ctx, alice, alice, id); err != nil || bytes.Count(data, []byte("BEGIN:VEVENT")) != 1 {
		t.Errorf("one: %v\n%s", err, data)
	}
	if _, err := h.Link(h.ctx, alice); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("no link yet: %v", err)
	}
	old, err := h.NewLink(h.ctx, alice)
	h.must(err)
	token, err := h.NewLink(h.ctx, alice)
	h.must(err)
	if link, err := h.Link(h.ctx, alice); err != nil || link.Person != alice || strings.Contains(link.Hash, token) || len(token) < 40 {
		t.Errorf("link %+v of %q, %v", link, token, err)
	}
	data, err = h.Subscribed(h.ctx, token)
	if err != nil || bytes.Contains(data, []byte("Doctor")) || !bytes.Contains(data, []byte("SUMMARY:Public")) || bytes.Count(data, []byte("BEGIN:VEVENT")) != 2 {
		t.Errorf("subscribed: %v\n%s", err, data)
	}
	if link, err := h.Link(h.ctx, alice); err != nil || !link.UsedAt.Equal(day(1, 8, 0)) {
		t.Errorf("its use: %+v, %v", link, err)
	}
	h.must(h.RevokeLink(h.ctx, alice))
	for _, dead := range []string{old, token, "", "guess", strings.Repeat("x", 500)} {
		if _, err := h.Subscribed(h.ctx, dead); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%.20q: %v", dead, err)
		}
	}
}

func TestThePlanner(t *testing.T) {
	x := newModel()
	x.set(func() {
		x.busy["alice@example.test"] = portal.Availabilities{Busy: []portal.BusyTime{{Start: day(1, 8, 0), End: day(1, 10, 0), Show: portal.ShowBusy}, {Start: day(1, 12, 0), End: day(1, 13, 0), Show: portal.ShowBusy}}}
		x.busy["bob@example.test"] = portal.Availabilities{Busy: []portal.BusyTime{{Start: day(1, 10, 0), End: day(1, 11, 0), Show: portal.ShowOOF}}}
		x.busy["carol@example.test"] = portal.Availabilities{Error: "not-found"}
		x.busy["studio1@example.test"] = portal.Availabilities{Busy: []portal.BusyTime{{Start: day(1, 11, 0), End: day(1, 11, 30), Show: portal.ShowBusy}}}
		x.members["team@example.test"] = []portal.Attendee{{Email: "bob@example.test"}, {Email: "carol@example.test"}}
	})
	x.add(alice, entry("To be moved", day(1, 12, 0), time.Hour))
	h := at(t, x, quick(), day(1, 7, 0))
	r := calendar.PlanRequest{From: day(1, 0, 0), To: day(2, 0, 0), Minutes: 60, Location: time.UTC, Attendees: []portal.Attendee{
		{Email: "team@example.test", List: true}, {Email: "studio1@example.test", Role: portal.RoleResource}, {Email: "BOB@example.test"}}}
	p, err := h.Plan(h.ctx, alice, r)
	h.must(err)
	var emails []string
	for i, a := range p.Attendees {
		emails = append(emails, a.Email)
		if p.Rows[i].Email != a.Email {
			t.Errorf("row %d is of %s", i, p.Rows[i].Email)
		}
	}
	if want := []string{"alice@example.test", "bob@example.test", "carol@example.test", "studio1@example.test"}; !slices.Equal(emails, want) {
		t.Fatalf("rows of %q", emails)
	}
	if s := p.Suggestions[0]; !s.Start.Equal(day(1, 13, 0)) || len(s.Conflicts) != 0 {
		t.Errorf("best %+v", s)
	}
	r.Except = h.window(alice, alice, day(1, 0, 0), day(2, 0, 0)).Appointments[0].ID
	if p, err = h.Plan(h.ctx, alice, r); err != nil || !p.Suggestions[0].Start.Equal(day(1, 11, 30)) {
		t.Errorf("without what is to be moved: %+v, %v", p.Suggestions, err)
	}
	for _, bad := range []calendar.PlanRequest{{From: day(1, 0, 0), To: day(1, 0, 0), Minutes: 30}, {From: day(1, 0, 0), To: day(90, 0, 0), Minutes: 30}, {From: day(1, 0, 0), To: day(2, 0, 0)}} {
		if _, err := h.Plan(h.ctx, alice, bad); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if list, err := h.Rooms(h.ctx, alice); err != nil || len(list) != 1 || list[0].Role != portal.RoleResource {
		t.Errorf("rooms %+v, %v", list, err)
	}
	if list, err := h.Resolve(h.ctx, alice, "bob"); err != nil || len(list) != 1 || list[0].URI != bob {
		t.Errorf("resolved %+v, %v", list, err)
	}
	if _, err := h.Resolve(h.ctx, alice, "b"); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("one letter: %v", err)
	}
}

// BenchmarkFirstLoad reads a calendar into an empty mirror and then shows a week of it.
func BenchmarkFirstLoad(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		x := newModel()
		x.page = 512
		fill(x, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				h := opened(b, x)
				if _, err := h.Between(h.ctx, alice, alice, day(0, 0, 0), day(7, 0, 0), time.UTC); err != nil {
					b.Fatal(err)
				}
				h.stop()
			}
		})
	}
}

// BenchmarkWeek shows a week of a calendar that has been read.
func BenchmarkWeek(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		x := newModel()
		x.page = 512
		fill(x, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := opened(b, x)
			shown := 0
			for b.Loop() {
				v, err := h.Between(h.ctx, alice, alice, day(0, 0, 0), day(7, 0, 0), time.UTC)
				if err != nil {
					b.Fatal(err)
				}
				shown = len(v.Appointments)
			}
			b.ReportMetric(float64(shown), "appointments")
			h.stop()
		})
	}
}

// BenchmarkDelta brings one change of the server into a mirror.
func BenchmarkDelta(b *testing.B) {
	x := newModel()
	x.page = 512
	fill(x, 10_000)
	h := opened(b, x)
	remote := x.all(alice)[5000].RemoteID
	i := 0
	for b.Loop() {
		i++
		want := fmt.Sprint("renamed ", i)
		x.edit(alice, remote, func(e *portal.Entry) { e.Subject = want })
		h.eventually("it is here", func() bool {
			list, err := h.store.CalendarEntries(h.ctx, portal.CalendarKey{Reader: alice, Owner: alice}, []string{remote})
			return err == nil && list[0].Subject == want
		})
	}
	h.stop()
}

// fill gives alice a calendar of n entries over ten years, every hundredth a series.
func fill(x *model, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	const span = 10 * 365 * 24 * time.Hour
	for i := range n {
		e := organised(fmt.Sprint("meeting ", i), day(-1800, 8, 0).Add(span/time.Duration(n)*time.Duration(i)).Truncate(30*time.Minute), "bob@example.test", "carol@example.test", "dave@example.test")
		e.UID, e.Body = fmt.Sprint("uid-", i), strings.Repeat("What we talk about. ", 20)
		if i%100 == 0 {
			e.Recurrence = "FREQ=WEEKLY;COUNT=30"
		}
		x.put(alice, e)
	}
}

func opened(b *testing.B, x *model) *house {
	b.Helper()
	h := open(b, x, filepath.Join(b.TempDir(), "portico.db"), quick(), time.Time{}).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	return h
}

func TestAPlanShowsNoMoreThanPeopleLetOneSee(t *testing.T) {
	x := newModel()
	taken := portal.Availabilities{Working: &portal.WorkingHours{}, Busy: []portal.BusyTime{
		{Start: day(1, 8, 0), End: day(1, 9, 0), Show: portal.ShowBusy, Subject: "Merger", Location: "Vault", Meeting: true}}}
	x.set(func() {
		for _, name := range []string{"alice", "bob", "carol", "dave"} {
			x.busy[name+"@example.test"] = taken
		}
	})
	o := quick()
	asked := map[portal.Address]portal.Address{}
	o.Sight = func(_ context.Context, of, by portal.Address) (portal.Sight, error) {
		asked[of] = by
		switch of {
		case bob:
			return portal.Sight{Hidden: true}, nil
		case carol:
			return portal.Sight{Note: true, Numbers: true}, nil
		case dave:
			return portal.Sight{FreeBusy: true}, nil
		}
		return portal.Sight{}, errDisk
	}
	h := open(t, x, filepath.Join(t.TempDir(), "p.db"), o, day(1, 7, 0)).run()
	p, err := h.Plan(h.ctx, alice, calendar.PlanRequest{Attendees: invited("bob@example.test", "carol@example.test", "dave@example.test"),
		From: day(1, 7, 0), To: day(1, 18, 0), Minutes: 30, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if own := p.Rows[0]; len(own.Busy) != 1 || own.Busy[0].Subject != "Merger" {
		t.Errorf("her own time: %+v", own)
	}
	for i, who := range []string{"somebody who hides", "somebody who shows no free/busy"} {
		if row := p.Rows[i+1]; len(row.Busy) != 0 || row.Working != nil || row.Error != "exchange.freebusy" || row.Email != p.Attendees[i+1].Email {
			t.Errorf("of %s: %+v", who, row)
		}
	}
	if row := p.Rows[3]; len(row.Busy) != 1 || row.Busy[0].Subject+row.Busy[0].Location != "" || row.Error != "" {
		t.Errorf("of somebody who shows no subjects: %+v", row)
	}
	for of, by := range asked {
		if by != alice {
			t.Errorf("%s was asked what %s may see", of, by)
		}
	}
	for _, s := range p.Suggestions {
		for _, c := range slices.Concat(s.Conflicts, s.Tentative, s.OutsideHours) {
			if strings.HasPrefix(c, "bob") || strings.HasPrefix(c, "carol") {
				t.Errorf("a suggestion tells of %s", c)
			}
		}
	}
	_, err = h.Plan(h.ctx, bob, calendar.PlanRequest{Attendees: invited("alice@example.test"), From: day(1, 7, 0), To: day(1, 18, 0), Minutes: 30})
	if !errors.Is(err, errDisk) {
		t.Errorf("not knowing what may be seen, the plan is %v", err)
	}
}
