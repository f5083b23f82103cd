package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/calendar"
	"portico/app/portal"
)

// wednesday is a day in a week without surprises, in Vienna: 25 November 2026, 10:07.
func wednesday(t testing.TB) time.Time {
	t.Helper()
	return time.Date(2026, 11, 25, 10, 7, 0, 0, vienna(t))
}

// at has a house whose clock stood at base when the test began, and goes on from there.
func at(base time.Time) func(*settings) {
	start := time.Now()
	return func(s *settings) {
		s.now = func() time.Time { return base.Add(time.Since(start)) }
		s.lifetime = 100 * 366 * 24 * time.Hour // sessions end by the machine's clock
	}
}

// inVienna is a caller whose browser is in Vienna.
func (c caller) inVienna(locale string) caller {
	c = c.with("Accept-Language", locale)
	return c.with("Cookie", c.cookie.Name+"="+c.cookie.Value+"; "+zoneCookie+"=Europe%2FVienna; "+scriptCookie+"=1")
}

// viennese is alice in front of a browser in Vienna.
func (h *house) viennese(who portal.Address, locale string) caller {
	h.t.Helper()
	c := h.browse(who).inVienna(locale)
	c.cookie = nil
	return c
}

// shows waits until a page holds what a selector finds so many times.
func (c caller) shows(path, selector string, count int) *goquery.Document {
	c.h.t.Helper()
	var doc *goquery.Document
	eventually(c.h.t, fmt.Sprintf("%s shows %d of %s", path, count, selector), func() bool {
		doc = c.page(path, http.StatusOK)
		return doc.Find(selector).Length() == count
	})
	return doc
}

// text is what a selection says, its pieces parted by spaces.
func text(s *goquery.Selection) string {
	var words []string
	var walk func(*goquery.Selection)
	walk = func(s *goquery.Selection) {
		s.Contents().Each(func(_ int, e *goquery.Selection) {
			if goquery.NodeName(e) == "#text" {
				words = append(words, strings.Fields(e.Text())...)
			} else {
				walk(e)
			}
		})
	}
	walk(s)
	return strings.Join(words, " ")
}

const thisWeek = "/calendar?view=workweek&date=2026-11-25"

func (h *house) lesson(subject string, hour int, length time.Duration) portal.Appointment {
	day := wednesday(h.t)
	start := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, day.Location())
	return portal.Appointment{Subject: subject, Start: start.UTC(), End: start.Add(length).UTC()}
}

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

func document(t *testing.T, r *reply) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// fields are the values of a form, as a browser without script would send them, with some changed.
func fields(doc *goquery.Document, changed ...string) []string {
	values := url.Values{}
	doc.Find("#appointment-form [name]").Each(func(_ int, e *goquery.Selection) {
		name := e.AttrOr("name", "")
		switch {
		case e.Is("button"):
		case e.Is("select"):
			option := e.Find("option[selected]")
			if option.Length() == 0 {
				option = e.Find("option").First()
			}
			values.Add(name, option.AttrOr("value", ""))
		case e.Is("textarea"):
			values.Add(name, e.Text())
		case e.Is("input[type=checkbox], input[type=radio]"):
			if _, on := e.Attr("checked"); on {
				values.Add(name, e.AttrOr("value", "on"))
			}
		default:
			values.Add(name, e.AttrOr("value", ""))
		}
	})
	for i := 0; i+1 < len(changed); i += 2 {
		values.Set(changed[i], changed[i+1])
	}
	var out []string
	for name, all := range values {
		for _, v := range all {
			out = append(out, name, v)
		}
	}
	return out
}

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

func TestAnswering(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.viennese(alice, "en"), h.viennese(bob, "en")
	m := h.lesson("Tender", 14, time.Hour)
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Zoe Zimmer", Email: "zoe@elsewhere.test", Role: portal.RoleOptional, Response: portal.ResponseNone}}
	m.UID = "tender@example.test"
	e := h.mail.add(alice, m)
	h.mail.mu.Lock()
	h.mail.invite(e)
	h.mail.notes["zoe@elsewhere.test"] = portal.OutOfOfficeNote{State: "enabled", Internal: "please write to Heidi"}
	h.mail.mu.Unlock()
	invitation := b.shows(thisWeek, `.slots .event[data-answer=none]`, 1).Find(".slots .event").AttrOr("href", "")
	b.submit(invitation+"/response", "response", "maybe", "comment", "hm").says(http.StatusBadRequest, "Choose accept")
	b.submit(invitation+"/response", "response", "tentative", "comment", "ten is fine", "propose_date", "2026-11-26", "propose_start", "10:00", "propose_end", "11:00").leadsTo(invitation + "?saved=answered")

	own := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	doc := a.shows(own, `table[aria-label="Responses"] tr[data-a=tentative]`, 1)
	row := doc.Find("tr[data-a=tentative]")
	if got := text(row); !strings.Contains(got, "Bob Brown") || !strings.Contains(got, "Tentative") || !strings.Contains(got, "ten is fine") || !strings.Contains(got, "proposes Thu 26 Nov, 10:00–11:00 Take it") {
		t.Errorf("bob's answer: %q", got)
	}
	if got := text(doc.Find("tr[data-a=none]")); !strings.Contains(got, "Zoe Zimmer optional") || !strings.Contains(got, "please write to Heidi") || !strings.Contains(got, "invited 3 days ago") {
		t.Errorf("zoe's row: %q", got)
	}
	take := row.Find("form[action$='/take']")
	a.submit(take.AttrOr("action", ""), "version", take.Find("[name=version]").AttrOr("value", ""), "start", take.Find("[name=start]").AttrOr("value", ""), "end", take.Find("[name=end]").AttrOr("value", "")).leadsTo(own + "?saved=moved")
	if e, _ := h.mail.inBox(alice, "Tender"); !e.Start.Equal(time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("it begins %v", e.Start)
	}
	a.submit(own+"/instead", "out", "zoe@elsewhere.test", "in", "carol").leadsTo(own + "?saved=invited")
	e, _ = h.mail.inBox(alice, "Tender")
	if got := emails(e.Attendees); got != "bob@example.test, carol@example.test" {
		t.Errorf("invited are %s", got)
	}
	a.submit(own+"/nudge", "who", string(carol)).leadsTo(own + "?saved=nudged")
	said, err := h.chat.Messages(t.Context(), alice, carol, 0, 10)
	if err != nil || len(said) != 1 || !strings.Contains(said[0].Text, "“Tender” (Thu 26 Nov, 10:00–11:00)") {
		t.Errorf("said to carol: %v %v", said, err)
	}
	a.submit(own+"/nudge", "who", string(nobody)).says(http.StatusBadRequest, "is not somebody who can be invited")
}

func TestResponsesPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	if got := a.shows("/responses", ".empty", 1); !strings.Contains(text(got.Find(".empty")), "No meetings with answers") {
		t.Error("an empty overview does not say so")
	}
	m := h.lesson("=Quarterly numbers", 15, time.Hour)
	m.UID = "q@example.test"
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{URI: carol, Name: "Carol Clark", Email: "carol@example.test", Role: portal.RoleRequired, Response: portal.ResponseAccepted, RespondedAt: wednesday(t).Add(-time.Hour)}}
	h.mail.add(alice, m)
	doc := a.shows("/responses", ".meetings tbody tr", 1)
	if got := text(doc.Find(".meetings tbody tr")); !strings.HasPrefix(got, "=Quarterly numbers organised by me Wed 25 Nov, 15:00–16:00 1 0 0 1") {
		t.Errorf("the meeting: %q", got)
	}
	open, _, _ := strings.Cut(doc.Find(".meetings tbody a").AttrOr("href", ""), "#")
	r := openIn(t, h, a, open)
	r.becomes("an answer", "see you", "", func() {
		h.mail.answers("q@example.test", "bob@example.test", portal.ResponseAccepted, "see you", portal.Proposal{})
	})
	if got := text(r.doc.Find(".meetings tbody .number").First()); got != "2" {
		t.Errorf("the overview counts %q who accepted", got)
	}
	a.shows("/responses?only=waiting", ".meetings tbody tr", 0)
	doc = a.page("/responses", http.StatusOK)
	if !strings.Contains(text(doc.Find("#responses-lead")), "1 new answer") {
		t.Errorf("the lead: %q", text(doc.Find("#responses-lead")))
	}
	a.submit("/responses/looked", "here", "/responses").leadsTo("/responses")
	if doc = a.page("/responses", http.StatusOK); strings.Contains(text(doc.Find("#responses-lead")), "new answer") {
		t.Error("what was seen is still new")
	}
	csv := a.call(http.MethodGet, "/responses.csv", nil, http.StatusOK)
	if !strings.Contains(string(csv.body), "'=Quarterly numbers") || !strings.HasPrefix(csv.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the table: %s", csv.body)
	}
	if ics := a.call(http.MethodGet, "/responses.ics", nil, http.StatusOK); !strings.Contains(string(ics.body), "SUMMARY:=Quarterly numbers") {
		t.Errorf("the calendar: %s", ics.body)
	}
}

// Exchange away: the page says so, keeps what is changed, and goes on when it is back; nothing is doubled.
func TestExchangeAway(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.patience = 50 * time.Millisecond })
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Before", 9, time.Hour))
	a.shows(thisWeek, ".slots .event", 1)
	h.mail.pull(true)
	a.submit("/calendar/quick", "text", "Kept today 16:00", "here", thisWeek).leadsTo("/calendar?date=2026-11-25&view=workweek")
	doc := a.shows(thisWeek, `.slots .event[data-sync=pending]`, 1)
	if got := text(doc.Find(".slots .event[data-sync=pending]")); !strings.Contains(got, "waiting to be sent") {
		t.Errorf("it says %q", got)
	}
	doc = a.shows(thisWeek, `p[data-live=exchange]:contains("1 change waiting")`, 1)
	if got := text(doc.Find("p[data-live=exchange]")); !strings.HasPrefix(got, "Exchange has been away since") {
		t.Errorf("the banner: %q", got)
	}
	h.mail.pull(false)
	h.calendar.Rang(alice)
	a.shows(thisWeek, ".slots .event:not([data-sync])", 2)
	a.shows(thisWeek, "p[data-live=exchange][hidden]", 1)
	h.mail.mu.Lock()
	defer h.mail.mu.Unlock()
	if n := len(h.mail.boxes[alice].entries); n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestRefusedChange(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.patience = 50 * time.Millisecond })
	a := h.viennese(alice, "en")
	a.shows(thisWeek, ".slots", 1)
	h.mail.pull(true)
	a.submit("/calendar/quick", "text", "Unwanted today 16:00", "here", thisWeek).leadsTo("/calendar?date=2026-11-25&view=workweek")
	h.mail.mu.Lock()
	h.mail.refuse, h.mail.down = portal.Fail(portal.ErrForbidden, "exchange.forbidden"), nil
	h.mail.mu.Unlock()
	h.calendar.Rang(alice)
	doc := a.shows(thisWeek, ".refused", 1)
	if got := text(doc.Find(".refused span").First()); !strings.HasPrefix(got, "Unwanted was not changed:") {
		t.Errorf("the page says %q", got)
	}
	retry := doc.Find(".refused form[action$='/retry']").AttrOr("action", "")
	a.submit(retry, "here", thisWeek).leadsTo(thisWeek)
	a.shows(thisWeek, ".slots .event:not([data-sync])", 1)
}

func TestFilesOfAnAppointment(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("With a file", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	if got := a.upload(path+"/attachments", `C:\tmp\plan <1>.html`, []byte("<script>alert(1)</script>")); got.status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", got.status, got.body)
	}
	doc := a.shows(path, ".files li", 1)
	file := doc.Find(".files li a").AttrOr("href", "")
	got := a.call(http.MethodGet, file, nil, http.StatusOK)
	if string(got.body) != "<script>alert(1)</script>" || got.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download: %v %s", got.header, got.body)
	}
	a.submit(file + "/remove").leadsTo(path + "?saved=saved")
	a.shows(path, ".files li", 0)
	if got := a.upload(path+"/attachments", "big", make([]byte, calendar.MaxAttachment+1)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file that is too large: %d", got.status)
	}
	a.submit(path+"/attachments").says(http.StatusBadRequest, "did not arrive as a form")
}

// upload sends a form with a file.
func (c caller) upload(path, name string, data []byte) *reply {
	c.h.t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.h.t.Fatal(err)
	}
	return c.with("Content-Type", w.FormDataContentType()).with("Origin", c.h.url).with("Sec-Fetch-Site", "same-origin").send(http.MethodPost, path, buf.Bytes())
}

func TestICalendarInAndOut(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Exported", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	one := a.call(http.MethodGet, path+"/export.ics", nil, http.StatusOK)
	all := a.call(http.MethodGet, "/calendar/export.ics?from=2026-11-23&to=2026-11-28", nil, http.StatusOK)
	for _, got := range []*reply{one, all} {
		if !strings.Contains(string(got.body), "SUMMARY:Exported") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/calendar") {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	a.call(http.MethodGet, "/calendar/export.ics?from=2026-11-23&to=2036-11-28", nil, http.StatusBadRequest)
	other := strings.ReplaceAll(string(one.body), "Exported", "Imported")
	other = strings.Replace(other, "UID:", "UID:other-", 1)
	done := a.upload("/calendar/import", "x.ics", []byte(other))
	if done.status != http.StatusOK || text(document(t, done).Find(".banner.ok")) != "1 appointment was added." {
		t.Errorf("import: %d %s", done.status, done.body)
	}
	a.shows(thisWeek, ".slots .event", 2)
	a.upload("/calendar/import", "x.ics", []byte("nonsense")).says(http.StatusBadRequest, `class="banner error"`)
}

func TestPrivateAddress(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Subscribed", 9, time.Hour))
	a.shows(thisWeek, ".slots .event", 1)
	address := document(t, a.submit("/calendar/link")).Find("#address").AttrOr("value", "")
	path := strings.TrimPrefix(address, h.url)
	got := h.guest().call(http.MethodGet, path, nil, http.StatusOK)
	if !strings.Contains(string(got.body), "SUMMARY:Subscribed") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", got.header, got.body)
	}
	if strings.Contains(string(a.call(http.MethodGet, "/calendar/link", nil, http.StatusOK).body), path) {
		t.Error("the address is shown a second time")
	}
	unknown := h.guest().call(http.MethodGet, "/calendar/subscribe/"+strings.Repeat("x", 43)+".ics", nil, http.StatusNotFound)
	a.submit("/calendar/link/revoke").leadsTo("/calendar/link")
	revoked := h.guest().call(http.MethodGet, path, nil, http.StatusNotFound)
	strip := func(r *reply) string { return strings.ReplaceAll(string(r.body), r.header.Get("X-Request-Id"), "") }
	if strip(unknown) != strip(revoked) {
		t.Error("a revoked address is answered otherwise than one that never was")
	}
	for range subscribeBurst + 5 {
		if got = h.guest().send(http.MethodGet, path, nil); got.status == http.StatusTooManyRequests {
			break
		}
	}
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("asked far too often: %d", got.status)
	}
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

// HTML that a server keeps is harmless on the page.
func TestBodyIsClean(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	m := h.lesson("Hostile", 9, time.Hour)
	m.BodyHTML = `<html><head><style>body{display:none}</style></head><body onload="x()"><p style="position:fixed">Hello <b>Bob</b><script>alert(1)</script>` +
		`<img src="https://evil.test/x.gif"><a href="javascript:x()">a</a><a href="https://example.test/">b</a><form action="/signout"><input></form><iframe src="/"></iframe></p></body></html>`
	h.mail.add(alice, m)
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	body := a.page(path, http.StatusOK).Find(".body")
	if got, err := body.Html(); err != nil || strings.Contains(got, "script") || strings.Contains(got, "style") || strings.Contains(got, "img") || strings.Contains(got, "onload") || strings.Contains(got, "form") || strings.Contains(got, "iframe") {
		t.Errorf("left over: %s %v", got, err)
	}
	if got := text(body); got != "Hello Bob a b" {
		t.Errorf("the text is %q", got)
	}
	if link := body.Find("a[href]"); link.Length() != 1 || !strings.Contains(link.AttrOr("rel", ""), "noopener") {
		t.Errorf("links: %d, rel %q", link.Length(), link.AttrOr("rel", ""))
	}
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
