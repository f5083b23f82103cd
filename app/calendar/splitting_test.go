package calendar_test

import (
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
