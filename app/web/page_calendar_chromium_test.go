package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// TestCalendarInChromium is the calendar in a real browser; all share one, as in TestInChromium.
func TestCalendarInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"CalendarByMouse", calendarByMouse},
		{"CalendarByKeyboard", calendarByKeyboard},
		{"SeriesByMouse", seriesByMouse},
		{"FormInTheBrowser", formInTheBrowser},
		{"TimesAsTheReaderWritesThem", timesAsTheReaderWrites},
		{"AnswersArriveLive", answersArriveLive},
		{"OneReminderOverAllTabs", oneReminderOverAllTabs},
		{"CalendarWithoutScript", calendarWithoutScript},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// mouse moves a pressed mouse from one place of the page to another, in steps as a hand does.
func (b *tab) mouse(from, to string) {
	b.t.Helper()
	x1, y1 := b.spot(from)
	x2, y2 := b.spot(to)
	send := func(kind input.DispatchMouseEventType, x, y float64, pressed int64) {
		command(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: pressed, ClickCount: 1})
	}
	send(input.DispatchMouseEventTypeMouseMoved, x1, y1, 0)
	send(input.DispatchMouseEventTypeMousePressed, x1, y1, 1)
	for i := 1; i <= 8; i++ {
		part := float64(i) / 8
		send(input.DispatchMouseEventTypeMouseMoved, x1+(x2-x1)*part, y1+(y2-y1)*part, 1)
	}
	send(input.DispatchMouseEventTypeMouseReleased, x2, y2, 0)
}

// spot evaluates an expression that gives a place as [x, y].
func (b *tab) spot(expression string) (x, y float64) {
	b.t.Helper()
	at, ok := b.eval(expression).([]any)
	if !ok || len(at) != 2 {
		b.t.Fatalf("%s is no place", expression)
	}
	return at[0].(float64), at[1].(float64)
}

// slotAt is the middle of the half hour that begins at an instant ("20261125T080000Z").
func slotAt(stamp string) string {
	return fmt.Sprintf(`(() => { const r = document.querySelector('a.slot[href*="at=%s"]').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()`, stamp)
}

// inEvent is a place in an appointment: so many pixels below its upper edge, or with a negative number above its lower.
func inEvent(subject string, pixels int) string {
	return fmt.Sprintf(`(() => { const e = [...document.querySelectorAll(".event")].find((e) => e.textContent.includes(%q)), r = e.getBoundingClientRect(); return [r.left + 20, %d < 0 ? r.bottom + %d : r.top + %d]; })()`, subject, pixels, pixels, pixels)
}

func shownEvent(subject string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".event")].some((e) => e.textContent.includes(%q))`, subject)
}

func (h *house) has(t *testing.T, what, subject string, holds func(portal.Entry) bool) {
	t.Helper()
	eventually(t, what, func() bool { e, ok := h.mail.inBox(alice, subject); return ok && holds(e) })
}

func utc(hour, minute int) time.Time { return time.Date(2026, 11, 25, hour, minute, 0, 0, time.UTC) }

// calendarByMouse: created, moved and resized by dragging; another client's change shows by itself.
func calendarByMouse(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, thisWeek)
	a.connected()
	a.mouse(slotAt("20261125T130000Z"), slotAt("20261125T143000Z"))
	a.until("the small form", `document.getElementById("new-box").matches(":popover-open") && document.activeElement.id === "new-subject"`)
	a.do(chromedp.KeyEvent("Drawn\r"))
	a.until("it is there", shownEvent("Drawn"))
	h.has(t, "drawn from 13 to 15 UTC", "Drawn", func(e portal.Entry) bool { return e.Start.Equal(utc(13, 0)) && e.End.Equal(utc(15, 0)) })

	a.mouse(inEvent("Drawn", 10), slotAt("20261126T090000Z"))
	h.has(t, "moved to another day", "Drawn", func(e portal.Entry) bool {
		return e.Start.Truncate(24*time.Hour).Equal(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)) && e.End.Sub(e.Start) == 2*time.Hour
	})
	a.until("it stands there", `!document.querySelector(".event.moving") && document.querySelector(".event[data-version]")?.dataset.start.startsWith("20261126")`)
	moved, _ := h.mail.inBox(alice, "Drawn")
	a.mouse(inEvent("Drawn", -3), slotAt("20261126T150000Z"))
	h.has(t, "longer", "Drawn", func(e portal.Entry) bool { return e.Start.Equal(moved.Start) && e.End.After(moved.End.Add(time.Hour)) })

	h.mail.add(alice, h.lesson("From elsewhere", 8, time.Hour))
	a.until("another client's change shows without a reload", shownEvent("From elsewhere"))
	a.untroubled()
}

// calendarByKeyboard: a cell, its form, the appointment moved and its end changed, without a mouse.
func calendarByKeyboard(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, thisWeek)
	a.connected()
	a.until("one cell takes part in the order of Tab", `document.querySelectorAll('#calendar-table .slot[tabindex="0"]').length === 1`)
	a.eval(`document.querySelector('a.slot[href*="at=20261125T090000Z"]').focus()`)
	a.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowRight))
	a.until("the cell below to the right", `document.activeElement.getAttribute("href").includes("at=20261126T093000Z")`)
	a.do(chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierShift)))
	a.until("two half hours are chosen", `document.querySelectorAll(".slot.chosen").length === 2`)
	a.do(chromedp.KeyEvent("\r"))
	a.until("the small form", `document.activeElement.id === "new-subject"`)
	a.do(chromedp.KeyEvent("Typed\r"))
	a.until("it is there", shownEvent("Typed"))
	h.has(t, "an hour", "Typed", func(e portal.Entry) bool {
		return e.Start.Equal(time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC)) && e.End.Sub(e.Start) == time.Hour
	})
	a.eval(`document.querySelector(".event[data-version]").focus()`)
	shift := chromedp.KeyModifiers(chromedp.ModifierShift)
	a.do(chromedp.KeyEvent(kb.ArrowLeft, shift), chromedp.KeyEvent(kb.ArrowUp, shift))
	a.until("it says where it would go", `document.getElementById("announce").textContent.includes("10:00")`)
	a.do(chromedp.KeyEvent(kb.Escape))
	a.until("it stays", `document.getElementById("announce").textContent === "Left where it was."`)
	a.do(chromedp.KeyEvent(kb.ArrowLeft, shift), chromedp.KeyEvent(kb.ArrowUp, shift), chromedp.KeyEvent("\r"))
	h.has(t, "moved a day and half an hour", "Typed", func(e portal.Entry) bool { return e.Start.Equal(utc(9, 0)) })
	a.until("it stands there", `document.querySelector(".event[data-version]")?.dataset.start === "20261125T090000Z"`)
	a.eval(`document.querySelector(".event[data-version]").focus()`)
	a.do(chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierShift, chromedp.ModifierAlt)), chromedp.KeyEvent("\r"))
	h.has(t, "longer", "Typed", func(e portal.Entry) bool { return e.Start.Equal(utc(9, 0)) && e.End.Equal(utc(10, 30)) })
	a.untroubled()
}

// seriesByMouse: how much of a series is meant is asked.
func seriesByMouse(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	series := h.lesson("Daily", 9, time.Hour)
	series.Recurrence = "FREQ=DAILY;COUNT=3"
	h.mail.add(alice, series)
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, thisWeek)
	a.connected()
	a.until("its occurrences", `document.querySelectorAll(".event[data-series]").length === 3`)
	a.mouse(inEvent("Daily", 10), slotAt("20261125T130000Z"))
	a.until("the question", `document.getElementById("scope-menu").matches(":popover-open")`)
	a.press(`#scope-menu button[data-scope="one"]`)
	h.has(t, "one exception", "Daily", func(e portal.Entry) bool { return len(e.Exceptions) == 1 && e.Start.Equal(utc(8, 0)) })
	a.untroubled()
}

// formInTheBrowser: people found while one types, invited and taken off again, a time picked from the planner.
func formInTheBrowser(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.mail.add(bob, h.lesson("Bob's", 14, time.Hour))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/calendar/new?at=20261125T130000Z")
	a.connected()
	a.eval(`window.__same = true`)
	a.do(chromedp.Focus(chromedp.CSS("#subject")), chromedp.KeyEvent("Offer review"))
	a.do(chromedp.Focus(chromedp.CSS("#people-query")), chromedp.KeyEvent("bro"))
	a.until("bob is found", `document.querySelector("#people-found button b")?.textContent === "Bob Brown"`)
	a.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("\r"))
	a.until("bob is invited", `document.querySelector(".attendees b")?.textContent === "Bob Brown" && document.activeElement.id === "people-query"`)
	a.press(`button[value="plan"]`)
	a.until("the conflict is seen", `document.querySelector('.planner-table td[data-conflict="true"]') !== null`)
	a.press(`.suggestions button`)
	a.until("no conflict any more", `document.querySelector(".planner-table") !== null && !document.querySelector('.planner-table td[data-conflict="true"]')`)
	if got := a.eval(`window.__same === true && document.getElementById("subject").value`); got != "Offer review" {
		t.Errorf("the page was left, or the subject is %v", got)
	}
	a.press(`.form-buttons button.primary`)
	a.until("the calendar", `location.pathname === "/calendar"`)
	eventually(t, "bob has the invitation", func() bool { _, ok := h.mail.inBox(bob, "Offer review"); return ok })
	a.untroubled()
}

// timesAsTheReaderWrites: what the browser writes of a time that is chosen is in the reader's locale, country and all.
func timesAsTheReaderWrites(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/help")
	for _, test := range []struct{ locale, day, hour string }{
		{"en-US", "Wed, Jan 13", "1:00"}, {"en-GB", "13 Jan", "13:00"},
		{"de-AT", "Mi., 13. Jän.", "13:00"}, {"de-CH", "Mi., 13. Jan.", "13:00"},
	} {
		h.must(h.account.ChangeSettings(t.Context(), alice, func(s *portal.Settings) error { s.Locale = test.locale; return nil }))
		a.open("/calendar?view=week&date=2027-01-13")
		a.connected()
		a.press(`a.slot[href*="at=20270113T120000Z"]`)
		a.until("the small form", `document.getElementById("new-box").matches(":popover-open")`)
		said, _ := a.eval(`document.getElementById("new-when").textContent.replace(/[\u2009\u202f\u00a0]/g, " ")`).(string)
		if !strings.Contains(said, test.day) || !strings.Contains(said, test.hour) || strings.Contains(said, "PM") != (test.locale == "en-US") {
			t.Errorf("%s: %q", test.locale, said)
		}
	}
	a.untroubled()
}

// answersArriveLive: the answers change as they arrive, with the focus and what is typed where they were.
func answersArriveLive(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	m := h.lesson("Tender", 14, time.Hour)
	m.UID = "t@example.test"
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{URI: carol, Name: "Carol Clark", Email: "carol@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone}}
	h.mail.add(alice, m)
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/responses")
	a.connected()
	a.until("the meeting", `document.querySelectorAll(".meetings tbody tr").length === 1`)
	a.press(".meetings tbody a")
	a.until("its answers", `document.querySelectorAll(".answers-table tbody tr").length === 2`)
	a.connected()
	a.hears("table", "Responses")
	a.eval(`(() => { const d = document.querySelector('tr[id*="carol"] details'); d.open = true; const f = d.querySelector("input[name=in]"); f.focus(); f.value = "hei"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	h.mail.answers("t@example.test", "bob@example.test", portal.ResponseAccepted, "see you", portal.Proposal{})
	a.until("the answer", `document.querySelector('tr[data-a="accepted"]')?.textContent.includes("see you") && document.querySelector(".meetings tbody .number").textContent === "1"`)
	a.until("what is typed is kept", `document.activeElement.name === "in" && document.activeElement.value === "hei"`)
	a.eval(`document.querySelector('tr[id*="carol"] form[action*="nudge"] button').click()`)
	eventually(t, "carol is nudged", func() bool {
		said, err := h.chat.Messages(t.Context(), alice, carol, 0, 5)
		return err == nil && len(said) == 1
	})
	a.until("and the page is still there", `location.pathname === "/responses" && document.querySelectorAll(".answers-table tbody tr").length === 2`)
}

// oneReminderOverAllTabs: three windows, one desktop notification; dismissed in one it leaves all.
func oneReminderOverAllTabs(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	first := c.visitor(h)
	first.signIn(alice, "/contacts")
	tabs := []*tab{first, c.another(first), c.another(first)}
	for _, b := range tabs {
		b.beforeScript(`window.Notification = class { static permission = "granted"; constructor(title, o) { window.__told = (window.__told || 0) + 1; } close() {} };`)
		b.open("/contacts")
		b.connected()
	}
	soon := h.lesson("Soon", 10, time.Hour)
	soon.Start, soon.End = soon.Start.Add(15*time.Minute), soon.End.Add(15*time.Minute)
	fifteen := 15
	soon.ReminderMinutes = &fifteen
	h.mail.add(alice, soon)
	told := 0.0
	for _, b := range tabs {
		b.until("the reminder", `document.querySelector("#reminders .reminder a")?.textContent === "Soon"`)
	}
	eventually(t, "a notification", func() bool {
		told = 0
		for _, b := range tabs {
			told += b.eval(`window.__told || 0`).(float64)
		}
		return told > 0
	})
	if told != 1 {
		t.Errorf("%v notifications over three tabs", told)
	}
	tabs[1].press(`#reminders button[value="dismiss"]`)
	for _, b := range tabs {
		b.until("it is gone", `document.querySelectorAll("#reminders .reminder").length === 0`)
	}
}

// calendarWithoutScript: everything by links and forms.
func calendarWithoutScript(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.withoutScript()
	a.signIn(alice, thisWeek)
	a.press(`a.slot[href*="at=20261125T130000Z"]`)
	a.until("the form at that time", `document.getElementById("at") === null && document.getElementById("start_date")?.value === "2026-11-25"`)
	a.eval(`(() => { document.getElementById("subject").value = "By hand"; document.getElementById("people-query").value = "bro"; document.querySelector('button[value="find"]').click(); })()`)
	a.until("bob is found", `document.querySelector("#people-found button b")?.textContent === "Bob Brown"`)
	a.press("#people-found button")
	a.until("bob is invited", `document.querySelector(".attendees b")?.textContent === "Bob Brown" && document.getElementById("subject").value === "By hand"`)
	a.press(".form-buttons button.primary")
	a.until("it is in the calendar", shownEvent("By hand"))
	a.press(".event")
	a.until("its page", `document.querySelector("main h1")?.textContent === "By hand" && !!document.querySelector('table[aria-label="Responses"]')`)
	a.eval(`document.querySelector("form[action$='/delete'] button").click()`)
	a.until("gone", `location.pathname === "/calendar" && !`+shownEvent("By hand"))
}

// accessible runs axe, which the page has already, on a page of that width.
func (b *tab) accessible(what string, width int64) {
	b.t.Helper()
	b.until("as wide as wanted", fmt.Sprintf(`innerWidth === %d`, width))
	b.eval(`(delete document.body.dataset.axe, axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "label-content-name-mismatch": { enabled: false }, region: { enabled: false } }, resultTypes: ["violations"] }).then((r) => { document.body.dataset.axe = JSON.stringify(r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).slice(0, 3).join(" | "))); }), 0)`)
	b.until("axe is done", `!!document.body.dataset.axe`)
	if got := b.eval(`document.body.dataset.axe`); got != "[]" {
		b.t.Errorf("%s: %v", what, got)
	}
	if got := b.eval(`[document.documentElement, ...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.className + " by " + (e.scrollWidth - e.clientWidth)).join(", ")`); got != "" {
		b.t.Errorf("%s is too wide: %v", what, got)
	}
}

// crowd fills alice's week with one of everything.
func (h *house) crowd(t *testing.T) {
	t.Helper()
	add := func(subject string, day, hour int, length time.Duration, change func(*portal.Appointment)) {
		a := h.lesson(subject, hour, length)
		a.Start, a.End = a.Start.AddDate(0, 0, day), a.End.AddDate(0, 0, day)
		if change != nil {
			change(&a)
		}
		h.mail.add(alice, a)
	}
	days := func(first, last int) func(*portal.Appointment) {
		return func(a *portal.Appointment) {
			a.AllDay, a.Show = true, portal.ShowFree
			a.Start, a.End = time.Date(2026, 11, 25+first, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 26+last, 0, 0, 0, 0, time.UTC)
		}
	}
	people := []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseAccepted, RespondedAt: wednesday(t).Add(-time.Hour), Comment: "ten is fine"},
		{URI: carol, Name: "Carol Clark", Email: "carol@example.test", Role: portal.RoleOptional, Response: portal.ResponseTentative, RespondedAt: wednesday(t).Add(-26 * time.Hour), ProposedStart: wednesday(t).Add(24 * time.Hour), ProposedEnd: wednesday(t).Add(25 * time.Hour)},
		{Name: "Zoe Zimmer", Email: "zoe@elsewhere.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Gustav Grün", Email: "gustav@elsewhere.test", Role: portal.RoleRequired, Response: portal.ResponseDeclined, RespondedAt: wednesday(t).Add(-50 * time.Hour), Comment: "at the customer's"}}
	add("Team round", -2, 9, time.Hour, func(a *portal.Appointment) { a.Location, a.Attendees = "Studio 1", people[:2] })
	add("Trade fair, Linz", 0, 9, time.Hour, days(-1, 1))
	add("A day off", 0, 9, time.Hour, days(2, 2))
	add("Tender 2027: offer review", 1, 10, 90*time.Minute, func(a *portal.Appointment) {
		a.Location, a.Attendees, a.Categories, a.UID = "Studio 2", people, []string{"Sales"}, "tender@example.test"
	})
	add("Call with Prague", 1, 11, time.Hour, func(a *portal.Appointment) { a.Show = portal.ShowTentative })
	add("Another at the same time, with a long name that does not fit", 1, 10, time.Hour, nil)
	add("Dentist", -1, 13, 30*time.Minute, func(a *portal.Appointment) { a.Private, a.Show = true, portal.ShowOOF })
	add("Cancelled talk", 0, 14, time.Hour, func(a *portal.Appointment) { a.Status = portal.StatusCancelled })
	add("Home office", 2, 8, 4*time.Hour, func(a *portal.Appointment) { a.Show = portal.ShowElsewhere })
	add("Quick word", 0, 16, 15*time.Minute, nil)
	add("Focus", 0, 9, 2*time.Hour, func(a *portal.Appointment) { a.Show = portal.ShowFree })
	invited := h.lesson("Invited by Bob", 15, time.Hour)
	invited.Organizer, invited.Meeting, invited.Response = portal.Attendee{URI: bob, Name: "Bob Brown", Email: "bob@example.test"}, true, portal.ResponseNone
	invited.Attendees = []portal.Attendee{{URI: alice, Name: "Alice Adams", Email: "alice@example.test", Role: portal.RoleRequired}}
	invited.BodyHTML = "<p>Please <b>come</b>.</p>"
	h.mail.add(alice, invited)
	h.mail.add(bob, h.lesson("Bob's own", 11, time.Hour))
	h.mail.mu.Lock()
	h.mail.delegates[bob] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	h.mail.notes["zoe@elsewhere.test"] = portal.OutOfOfficeNote{State: "enabled", Internal: "please write to Heidi"}
	h.mail.mu.Unlock()
}
