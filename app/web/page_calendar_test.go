package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// The calendar's page: what it shows of whom, and what is done in it at once.

func TestCalendarPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Team round", 9, time.Hour))
	doc := a.shows(thisWeek, ".slots .event", 1)
	if got := text(doc.Find(".slots .event")); got != "09:00 –10:00 Team round" {
		t.Errorf("the appointment says %q", got)
	}
	for selector, want := range map[string]string{
		"#calendar-when": "23–27 November 2026", ".calendar-when .muted": "week 48 · Europe/Vienna", "th[aria-current=date] .date": "25",
	} {
		if got := text(doc.Find(selector)); got != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
	if doc.Find(`table[aria-label="Calendar"]`).Length() != 1 || doc.Find("main h1").Text() != "Calendar" {
		t.Error("the calendar is not called so")
	}
	if got := doc.Find(".slots .now").AttrOr("data-o", ""); got != "1" {
		t.Errorf("10:07 is %q units into its half hour", got)
	}
	for _, view := range []string{"day", "week", "month", "agenda"} {
		if got := a.page("/calendar?date=2026-11-25&view="+view, http.StatusOK).Find(".event").Length(); got != 1 {
			t.Errorf("%s shows %d appointments", view, got)
		}
	}
	german := h.viennese(alice, "de").page(thisWeek, http.StatusOK)
	if got := text(german.Find("#calendar-when")); got != "23.–27. November 2026" {
		t.Errorf("in German the week is %q", got)
	}
	american := h.viennese(alice, "en-US").page("/calendar?view=week&date=2026-11-25", http.StatusOK)
	if got := text(american.Find("thead th a").First()); !strings.HasPrefix(got, "Sun 22") {
		t.Errorf("an American week begins with %q", got)
	}
	if got := text(american.Find(".slots .event .at")); got != "9 AM" {
		t.Errorf("an American nine o'clock is %q", got)
	}
	a.page("/calendar?date=nonsense", http.StatusBadRequest)
	a.page("/calendar?with=nonsense", http.StatusBadRequest)
}

func TestQuickAdd(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	a.submit("/calendar/quick", "text", "Lunch with Bob tomorrow 12:30-13:30", "here", thisWeek).leadsTo("/calendar?date=2026-11-26&view=workweek")
	e, ok := h.mail.inBox(alice, "Lunch with Bob")
	if !ok || !e.Start.Equal(time.Date(2026, 11, 26, 11, 30, 0, 0, time.UTC)) || e.End.Sub(e.Start) != time.Hour || len(e.Attendees) != 0 || e.TimeZone != "Europe/Vienna" {
		t.Errorf("the server has %+v", e)
	}
	refused := a.submit("/calendar/quick", "text", "Lunch with Bob", "here", "/calendar?view=month&date=2026-11-25")
	refused.says(http.StatusBadRequest, "did not understand when")
	doc := document(t, refused)
	if got := doc.Find("#quick").AttrOr("value", ""); got != "Lunch with Bob" {
		t.Errorf("the line holds %q", got)
	}
	if doc.Find("table.month").Length() != 1 {
		t.Error("the view is another one")
	}
}

func TestMoveAndDelete(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("To be moved", 9, time.Hour))
	event := a.shows(thisWeek, ".slots .event[data-version]", 1).Find(".slots .event")
	path, version := event.AttrOr("href", ""), event.AttrOr("data-version", "")
	script := a.with("HX-Request", "true")
	if got := script.submit(path+"/move", "version", version, "start", "20261125T103000Z", "end", "20261125T113000Z", "scope", ""); got.status != http.StatusNoContent {
		t.Fatalf("move: %d %s", got.status, got.body)
	}
	e, _ := h.mail.inBox(alice, "To be moved")
	if !e.Start.Equal(time.Date(2026, 11, 25, 10, 30, 0, 0, time.UTC)) {
		t.Errorf("it begins %v", e.Start)
	}
	script.submit(path+"/move", "version", version, "start", "20261125T123000Z", "end", "20261125T133000Z").says(http.StatusConflict, `class="banner error"`)
	script.submit(path+"/move", "start", "20261125T123000Z", "end", "20261125T113000Z").says(http.StatusBadRequest, "The end is not")
	a.submit(path + "/delete").leadsTo("/calendar?date=2026-11-25")
	eventually(t, "it is gone", func() bool { _, there := h.mail.inBox(alice, "To be moved"); return !there })
	a.page(path, http.StatusNotFound)
}

func TestOtherPeoplesCalendars(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.delegates[bob] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	h.mail.add(bob, h.lesson("Bob's own", 11, time.Hour))
	h.mail.add(carol, h.lesson("Secret", 13, time.Hour))
	a.submit("/calendar/shared", "uri", "bro", "here", thisWeek).leadsTo("/calendar?date=2026-11-25&view=workweek")
	doc := a.shows("/calendar?view=workweek&date=2026-11-25&with=bob@example.test&with=carol@example.test", ".slots .event", 2)
	if got := text(doc.Find(`.slots .event[data-tint="1"]`)); !strings.Contains(got, "BB Bob Brown 11:00 –12:00 Bob's own") {
		t.Errorf("bob's: %q", got)
	}
	if got := text(doc.Find(`.slots .event[data-tint="2"]`)); !strings.Contains(got, "busy") || strings.Contains(got, "Secret") {
		t.Errorf("carol's: %q", got)
	}
	if strings.Contains(doc.Text(), "Secret") || !strings.Contains(text(doc.Find(".legend")), "only free and busy") {
		t.Error("more is shown than may be known")
	}
	day := a.page("/calendar?view=day&date=2026-11-25&with=bob@example.test", http.StatusOK)
	if got := day.Find("thead th[data-day]").Length(); got != 2 {
		t.Errorf("%d columns for two people", got)
	}
	if got := a.page("/calendar?date=2026-11-25", http.StatusOK).Find(".legend li").Length(); got != 2 {
		t.Errorf("%d calendars are shown by themselves", got)
	}
	if got := a.page("/calendar?date=2026-11-25&with=", http.StatusOK).Find(".legend li").Length(); got != 0 {
		t.Errorf("%d calendars are shown although nobody's was asked for", got)
	}
	a.submit("/calendar/shared/remove", "uri", string(bob), "here", "/calendar").leadsTo("/calendar")
	a.submit("/calendar/shared", "uri", "nobody at all").says(http.StatusBadRequest, "is not somebody")
}

func TestRemindersOnThePage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	soon := h.lesson("Soon", 10, time.Hour)
	soon.Start, soon.End = soon.Start.Add(15*time.Minute), soon.End.Add(15*time.Minute)
	fifteen := 15
	soon.ReminderMinutes, soon.Location = &fifteen, "Studio 1"
	r := openIn(t, h, a, "/contacts")
	r.becomes("a reminder", "Soon", "", func() { h.mail.add(alice, soon) })
	form := r.doc.Find("#reminders form")
	if got := text(r.doc.Find("#reminders .reminder > span").First()); got != "Soon Wed 25 Nov, 10:15–11:15 · Studio 1" {
		t.Errorf("it says %q", got)
	}
	id := form.Find("[name=id]").AttrOr("value", "")
	a.submit("/calendar/reminders", "id", id, "do", "snooze", "minutes", "x").says(http.StatusBadRequest, "not a number of minutes")
	a.submit("/calendar/reminders", "id", id, "do", "dismiss", "here", "/contacts").leadsTo("/contacts")
	a.shows("/contacts", "#reminders li", 0)
}

// Without a calendar the pages say so, and the rest of the portal is as ever.
func TestNoCalendar(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	a := h.browse(alice)
	for _, path := range []string{"/calendar", "/responses"} {
		if doc := a.page(path, http.StatusOK); text(doc.Find("#problem .banner, #calendar-pane > .banner:not([hidden])")) == "" {
			t.Errorf("%s: %s", path, text(doc.Find("main")))
		}
	}
	a.page("/calendar/new", http.StatusServiceUnavailable)
	a.page("/contacts", http.StatusOK)
	h.guest().call(http.MethodGet, "/calendar/subscribe/xxxxxxxxxxxxxxxxxxxxx.ics", nil, http.StatusNotFound)
}
