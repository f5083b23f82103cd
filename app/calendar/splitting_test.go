package calendar_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// A series that is dragged to another day takes its rule along: from this one on, or all of it; seen at once, and so on the server.
func TestASeriesThatIsMovedTakesItsRuleAlong(t *testing.T) {
	for _, c := range []struct {
		name, rule, at, to string // of the occurrence that is dragged, by Vienna's clock
		following, all     []string
	}{
		{"another weekday", "FREQ=WEEKLY;BYDAY=MO;COUNT=4", "09.03.2026 10:00", "10.03.2026 10:00",
			[]string{"02.03. 10:00", "10.03. 10:00", "17.03. 10:00", "24.03. 10:00"}, []string{"03.03. 10:00", "10.03. 10:00", "17.03. 10:00", "24.03. 10:00"}},
		{"one of two weekdays", "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4", "05.03.2026 10:00", "06.03.2026 11:00",
			[]string{"02.03. 10:00", "06.03. 11:00", "09.03. 11:00", "13.03. 11:00"}, []string{"02.03. 11:00", "06.03. 11:00", "09.03. 11:00", "13.03. 11:00"}},
		{"one of two weekdays, back, to the same last one", "FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20260316T090000Z", "12.03.2026 10:00", "11.03.2026 10:00",
			[]string{"02.03. 10:00", "05.03. 10:00", "09.03. 10:00", "11.03. 10:00", "16.03. 10:00"}, []string{"02.03. 10:00", "04.03. 10:00", "09.03. 10:00", "11.03. 10:00", "16.03. 10:00"}},
		{"another day of the month", "FREQ=MONTHLY;BYMONTHDAY=2;COUNT=3", "02.04.2026 10:00", "07.04.2026 10:00",
			[]string{"02.03. 10:00", "07.04. 10:00", "07.05. 10:00"}, []string{"07.03. 10:00", "07.04. 10:00", "07.05. 10:00"}},
		{"another weekday of the month", "FREQ=MONTHLY;BYDAY=1MO;COUNT=3", "06.04.2026 10:00", "07.04.2026 10:00",
			[]string{"02.03. 10:00", "07.04. 10:00", "05.05. 10:00"}, []string{"03.03. 10:00", "07.04. 10:00", "05.05. 10:00"}},
		{"later on the day, to the same last one", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20260316T090000Z", "09.03.2026 10:00", "09.03.2026 14:00",
			[]string{"02.03. 10:00", "09.03. 14:00", "16.03. 14:00"}, []string{"02.03. 14:00", "09.03. 14:00", "16.03. 14:00"}},
	} {
		for scope, want := range map[portal.Scope][]string{portal.ScopeFollowing: c.following, portal.ScopeAll: c.all} {
			t.Run(c.name+", "+string(scope), func(t *testing.T) { dragged(t, c.rule, c.at, c.to, scope, want) })
		}
	}
}

func dragged(t *testing.T, rule, at, to string, scope portal.Scope, want []string) {
	x := newModel()
	o := quick()
	o.Wait = time.Millisecond
	h := start(t, x, o)
	vienna := zoneOf(t, "Europe/Vienna")
	clock := func(text string) time.Time {
		when, err := time.ParseInLocation("02.01.2006 15:04", text, vienna)
		h.must(err)
		return when.UTC()
	}
	series := entry("", day(1, 9, 0), time.Hour)
	series.Recurrence = rule
	x.add(alice, series)
	shows := func() (out []string) {
		for _, a := range h.window(alice, alice, day(0, 0, 0), day(100, 0, 0)).Appointments {
			out = append(out, a.Start.In(vienna).Format("02.01. 15:04"))
		}
		return out
	}
	h.eventually("the series is read", func() bool { return len(shows()) > 0 })
	master := h.window(alice, alice, day(0, 0, 0), day(2, 0, 0)).Appointments[0].Series
	x.set(func() { x.down = true })
	_, err := h.Change(h.ctx, alice, alice, portal.OccurrenceID(master, clock(at)), portal.AppointmentChange{Start: ptr(clock(to)), Scope: scope}, "")
	h.must(err)
	if got := shows(); !slices.Equal(got, want) {
		t.Errorf("while it waits: %q\nwant %q", got, want)
	}
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	if got := shows(); !slices.Equal(got, want) {
		t.Errorf("when it is sent: %q\nwant %q", got, want)
	}
	if st, err := h.Status(h.ctx, alice); err != nil || st.Failed != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
}

// What was different about single occurrences stays so in both halves of a series that is cut, all of it; of what the attendees see they hear.
func TestACutSeriesKeepsWhatWasDifferent(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		x := newModel()
		x.forgets = forgets
		e := secretOnce(day(1, 9, 0)) // the third is private
		e.Meeting, e.Attendees, e.Recurrence = true, invited("bob@example.test", "carol@example.test"), "FREQ=DAILY;COUNT=6"
		odd := func(n int, change func(*portal.Appointment)) {
			a := e.Appointment
			a.RecurrenceID, a.Start, a.End, a.Recurrence, a.Kind = day(n, 9, 0), day(n, 9, 0), day(n, 10, 0), "", portal.KindException
			change(&a)
			e.Exceptions = append(e.Exceptions, a)
		}
		five := 5
		e.Exceptions[0].Meeting, e.Exceptions[0].Attendees = true, invited("bob@example.test")
		odd(1, func(a *portal.Appointment) { a.Private, a.Categories = true, []string{"Red"} })
		odd(4, func(a *portal.Appointment) {
			a.Categories, a.ReminderMinutes, a.Show = []string{"Blue"}, &five, portal.ShowFree
		})
		odd(5, func(a *portal.Appointment) { a.AllDay, a.Start, a.End = true, day(5, 0, 0), day(6, 0, 0) })
		e = x.add(alice, e)
		h := start(t, x, quick())
		master := h.window(alice, alice, day(0, 0, 0), day(2, 0, 0)).Appointments[0].Series
		_, err := h.Change(h.ctx, alice, alice, portal.OccurrenceID(master, day(2, 9, 0)), portal.AppointmentChange{Location: ptr("Studio 1"), Scope: portal.ScopeFollowing}, "")
		h.must(err)
		h.idle()
		got := map[int]portal.Appointment{}
		for _, part := range x.all(alice) {
			for _, x := range part.Exceptions {
				if first := part.RemoteID == e.RemoteID; first == x.RecurrenceID.Before(day(2, 0, 0)) {
					got[x.RecurrenceID.Day()-1] = x
				}
			}
		}
		if len(got) != 4 {
			t.Fatalf("forgets %v: %d exceptions", forgets, len(got))
		}
		if a := got[3]; !a.Private || a.Subject != "Layoffs" || a.Location != "Back room" || a.Body != "names" || len(a.Attendees) != 1 || a.Attendees[0].Email != "bob@example.test" {
			t.Errorf("forgets %v: the private one: %+v", forgets, a)
		}
		if a := got[1]; !a.Private || !slices.Equal(a.Categories, []string{"Red"}) {
			t.Errorf("forgets %v: before the cut: %+v", forgets, a)
		}
		if a := got[4]; a.Private || !slices.Equal(a.Categories, []string{"Blue"}) || a.ReminderMinutes == nil || *a.ReminderMinutes != 5 || a.Show != portal.ShowFree || a.Location != "Studio 1" {
			t.Errorf("forgets %v: one's own marks: %+v", forgets, a)
		}
		if a := got[5]; !a.AllDay || !a.Start.Equal(day(5, 0, 0)) || !a.End.Equal(day(6, 0, 0)) {
			t.Errorf("forgets %v: all-day: %+v", forgets, a)
		}
		// The second half, its two occurrences that others see differently, and the end of the first; of one's own marks nobody hears.
		want := []string{"invite Round → bob@example.test", "invite Round → carol@example.test"}
		for range 3 {
			want = append(want, "update Round → bob@example.test", "update Round → carol@example.test")
		}
		if !slices.Equal(x.sent(), want) {
			t.Errorf("forgets %v: mails %q", forgets, x.sent())
		}
	}
}

// Whoever may not read an occurrence cannot carry it over: the series is not cut.
func TestASeriesWithAHiddenOccurrenceIsNotCut(t *testing.T) {
	x := newModel()
	e := secretOnce(day(1, 9, 0))
	e.Exceptions[0].Subject, e.Exceptions[0].Location, e.Exceptions[0].Body, e.Exceptions[0].Masked = "", "", "", true
	x.add(bob, e)
	x.set(func() { x.rights[alice] = []portal.Address{bob} })
	h := start(t, x, quick())
	h.eventually("bob's calendar is read", func() bool { return len(h.window(alice, bob, day(0, 0, 0), day(7, 0, 0)).Appointments) == 4 })
	id := h.window(alice, bob, day(0, 0, 0), day(7, 0, 0)).Appointments[1].ID
	if _, err := h.Change(h.ctx, alice, bob, id, portal.AppointmentChange{Location: ptr("Studio 1"), Scope: portal.ScopeFollowing}, ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("changed from there on: %v", err)
	}
	if err := h.Delete(h.ctx, alice, bob, id, "", "", portal.ScopeFollowing); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("deleted from there on: %v", err)
	}
	if all := x.all(bob); len(all) != 1 || all[0].Recurrence != e.Recurrence {
		t.Errorf("the server has %+v", all)
	}
}
