package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// The form of an appointment, and the planner in it.

func TestFormMakesAMeeting(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	doc := a.page("/calendar/new?at=20261126T090000Z", http.StatusOK)
	if got := doc.Find("#start_time").AttrOr("value", ""); got != "10:00" {
		t.Errorf("09:00 in UTC is %q in Vienna", got)
	}
	// People are found and added by buttons of the same form.
	doc = document(t, a.submit("/calendar/form", fields(doc, "subject", "Offer review", "query", "bro", "do", "find")...))
	add := doc.Find("#people-found button[name=add]")
	if add.Length() != 1 || !strings.Contains(add.Text(), "Bob Brown") || doc.Find("#subject").AttrOr("value", "") != "Offer review" {
		t.Fatalf("found: %q", text(add))
	}
	doc = document(t, a.submit("/calendar/form", fields(doc, "query", "", "add", add.AttrOr("value", ""))...))
	if got := text(doc.Find(".attendees .who")); got != "Bob Brown bob@example.test" {
		t.Errorf("invited: %q", got)
	}
	// Whatever moves the time asks for conflicts anew.
	if got := doc.Find("#start_date, #start_time, #end_date, #end_time, #all_day, #zone").Filter("[hx-post='/calendar/form/conflicts']").Length(); got != 6 {
		t.Errorf("%d of the six fields of the time ask for conflicts", got)
	}
	// A query in the field means that somebody is looked for, even if the whole form is sent.
	if got := a.submit("/calendar", fields(doc, "query", "carol")...); got.status != http.StatusOK || !strings.Contains(string(got.body), "Carol Clark") {
		t.Errorf("Enter in the search: %d", got.status)
	}
	if _, made := h.mail.inBox(alice, "Offer review"); made {
		t.Fatal("looking for somebody has sent an invitation")
	}
	sent := fields(doc, "repeat", "monthly-nth", "nth", "-1", "nth_day", "4", "ends", "count", "count", "3", "categories", "Sales, Graz", "private", "on", "body", "line\nline", "show", "tentative")
	for range 2 { // an impatient finger
		a.submit("/calendar", sent...).leadsTo("/calendar?date=2026-11-26")
	}
	e, ok := h.mail.inBox(alice, "Offer review")
	if !ok || e.Recurrence != "FREQ=MONTHLY;BYDAY=-1TH;COUNT=3" && e.Recurrence != "FREQ=MONTHLY;COUNT=3;BYDAY=-1TH" || !e.Private || e.Show != portal.ShowTentative || strings.Join(e.Categories, "|") != "Sales|Graz" || *e.ReminderMinutes != 15 {
		t.Errorf("the server has %+v", e)
	}
	if _, invited := h.mail.inBox(bob, "Offer review"); !invited {
		t.Error("bob is not invited")
	}
	if h.mail.writes != 1 {
		t.Errorf("%d writes", h.mail.writes)
	}
	bad := a.submit("/calendar", fields(doc, "subject", "", "end_time", "08:00", "zone", "Mars/Olympus", "repeat", "weekly", "interval", "0")...)
	if bad.status != http.StatusBadRequest {
		t.Fatalf("a form full of faults: %d", bad.status)
	}
	faulty := document(t, bad)
	for _, field := range []string{"subject", "zone", "repeat"} {
		if faulty.Find("#"+field+"-fault").Length() != 1 {
			t.Errorf("nothing is said about %s", field)
		}
	}
	if text(faulty.Find(".attendees .who")) != "Bob Brown bob@example.test" {
		t.Error("what was typed is lost")
	}
}

// A change that somebody else was quicker with shows both versions and goes on from theirs.
func TestFormAfterSomebodyElseChanged(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	e := h.mail.add(alice, h.lesson("Old name", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	doc := a.page(path+"/edit", http.StatusOK)
	mine := fields(doc, "subject", "My name")
	h.mail.mu.Lock()
	e.Location, e.Subject = "Studio 2", "Their name"
	h.mail.put(alice, e)
	h.mail.mu.Unlock()
	a.shows(path, `main h1:contains("Their name")`, 1)
	conflict := a.submit(path, mine...)
	if conflict.status != http.StatusConflict {
		t.Fatalf("a stale form: %d %s", conflict.status, conflict.body)
	}
	doc = document(t, conflict)
	if got := text(doc.Find(".differences tbody")); got != "Subject My name Their name Location Studio 2" {
		t.Errorf("the difference is %q", got)
	}
	if doc.Find("#subject").AttrOr("value", "") != "My name" {
		t.Error("what was typed is lost")
	}
	a.submit(path, fields(doc, "location", "Studio 2")...).leadsTo(path + "?saved=saved")
	got, ok := h.mail.inBox(alice, "My name")
	if !ok || got.Location != "Studio 2" {
		t.Errorf("the server has %+v", got.Appointment)
	}
}

func TestPlanner(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	busy := h.lesson("Bob's", 10, time.Hour)
	busy.Start, busy.End = busy.Start.AddDate(0, 0, 1), busy.End.AddDate(0, 0, 1)
	h.mail.add(bob, busy)
	doc := a.page("/calendar/planner?at=20261126T090000Z&with=bob@example.test&with=stranger@elsewhere.test", http.StatusOK)
	table := doc.Find(`table[aria-label="Meeting planner"]`)
	if table.Find("tbody tr").Length() != 4 {
		t.Fatalf("%d rows", table.Find("tbody tr").Length())
	}
	if got := text(table.Find("td[data-conflict=true]")); got != "busy conflict: busy, 10:00–11:00" {
		t.Errorf("the conflict is %q", got)
	}
	if got := text(table.Find("td[data-show=no-data]")); got == "" {
		t.Error("nothing is said of the stranger's time")
	}
	if got := table.Find(".everyone td[data-chosen=true] button").First().AttrOr("aria-label", ""); got != "10:00, 1 cannot" {
		t.Errorf("10:00 is called %q", got)
	}
	suggestion := doc.Find(".suggestions button").First()
	if suggestion.Length() != 1 {
		t.Fatal("no time is suggested")
	}
	doc = document(t, a.submit("/calendar/form", fields(doc, "pick", suggestion.AttrOr("value", ""))...))
	if doc.Find("td[data-conflict=true]").Length() != 0 || doc.Find(`table[aria-label="Meeting planner"]`).Length() != 1 {
		t.Error("the suggested time has a conflict, or the planner is gone")
	}
	h.mail.pull(true)
	got := a.submit("/calendar/form", fields(doc, "do", "plan")...)
	if got.status != http.StatusOK || !strings.Contains(string(got.body), "not to be had at the moment") {
		t.Errorf("without the server: %d", got.status)
	}
}

// Whatever else is done in the form, the planner stays open on its day; a time that is picked takes along what of a
// repetition follows from the day.
func TestPlannerStaysWhileTheFormIsFilled(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	doc := a.page("/calendar/planner?at=20261126T090000Z&with=bob@example.test", http.StatusOK)
	step := func(changed ...string) *goquery.Document {
		t.Helper()
		got := a.submit("/calendar/form", fields(doc, changed...)...)
		if got.status != http.StatusOK {
			t.Fatalf("%q: %d %s", changed, got.status, got.body)
		}
		return document(t, got)
	}
	typed := []string{"subject", "Kept", "location", "Here", "body", "a\nb", "categories", "Sales", "repeat", "weekly", "private", "on"}
	doc = step(append(typed, "plan_day", "2026-11-27")...)
	rows := func() int { return doc.Find(`table[aria-label="Meeting planner"] tbody tr`).Length() }
	if got := text(doc.Find(".planner-day b")); got != "Friday 27 November 2026" || rows() != 3 {
		t.Fatalf("the planner shows %q with %d rows", got, rows())
	}
	doc = step("add", "carol@example.test\nrequired\nsip:carol@example.test\n\nCarol Clark")
	if got := text(doc.Find(".planner-day b")); got != "Friday 27 November 2026" || rows() != 4 {
		t.Errorf("with carol added it shows %q with %d rows", got, rows())
	}
	doc = step("do", "rooms")
	if doc.Find(`.found-attendees button:contains("Studio 1")`).Length() != 1 || rows() != 4 {
		t.Errorf("rooms: %d rows", rows())
	}
	doc = step("add", "studio1@example.test\nresource\n\n\nStudio 1")
	doc = step("do", "rooms")
	if got := text(doc.Find("#people p[role=status]")); got != "Every room is invited already." {
		t.Errorf("with every room invited: %q", got)
	}
	doc = step("remove", "2", "query", "")
	if rows() != 4 {
		t.Errorf("with the room taken out: %d rows", rows())
	}
	doc = step("pick", "20261130T090000Z/20261130T100000Z")
	value := func(name string) string { return doc.Find("[name="+name+"]").AttrOr("value", "") }
	if got := strings.Join([]string{value("subject"), value("location"), doc.Find("[name=body]").Text(), value("categories"), value("start_date"), value("start_time"), value("end_time")}, "|"); got != "Kept|Here|a\nb|Sales|2026-11-30|10:00|11:00" {
		t.Errorf("after a time is picked: %q", got)
	}
	if got := doc.Find("[name=days][checked]"); got.Length() != 1 || got.AttrOr("value", "") != "1" || value("month_day") != "30" {
		t.Errorf("it repeats on %d days, the first %s", got.Length(), got.AttrOr("value", ""))
	}
	h.mail.mu.Lock()
	h.mail.rooms = nil
	h.mail.mu.Unlock()
	doc = step("do", "rooms")
	if got := text(doc.Find("#people p[role=status]")); got != "There are no rooms in the address book." {
		t.Errorf("without rooms: %q", got)
	}
}
