package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestCalendarInTheBrowser is the calendar of the whole program, used by people with a real browser while others use
// other clients of the same mailboxes.
func TestCalendarInTheBrowser(t *testing.T) {
	ctx := startChromium(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *desk)
	}{
		{"AMeetingFromInvitationToCancellation", meetingFromBeginningToEnd},
		{"DrawnMovedAndResizedInTheGrid", drawnInTheGrid},
		{"CalendarByKeyboardAlone", calendarByKeyboard},
		{"CalendarWithoutScript", calendarWithoutScript},
		{"WhatOtherClientsDoAppears", otherClientsAppear},
		{"OldCalendarPageIsAFreshPage", oldCalendarIsFresh},
		{"ExchangeAwayUnderAnOpenPage", exchangeAwayUnderPage},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, &desk{t: t, browser: ctx})
		})
	}
}

// reader opens a window of somebody whose clock has 24 hours and whose week begins on Monday.
func (d *desk) reader(p *program) *tab {
	d.t.Helper()
	return d.visitor(p).speaks("en-GB,en;q=0.9")
}

// pageStamp is how pages write instants.
const pageStamp = "20060102T150405Z"

// entry is an expression for the appointment of a subject in the grid; null where there is none.
func entry(subject string) string {
	return `([...document.querySelectorAll("#calendar-table .event")].find((e) => e.querySelector("b").textContent.trim().endsWith(` + quoted(subject) + `)) || null)`
}

// begins waits until the grid has an appointment that begins then, whose change is not under way any more.
func (b *tab) begins(subject string, at time.Time) {
	b.t.Helper()
	b.until(fmt.Sprintf("%s at %s", subject, at), `(() => { const e = `+entry(subject)+`; return !!e && !e.dataset.sync && e.dataset.start === `+quoted(at.UTC().Format(pageStamp))+`; })()`)
}

// lacks waits until the grid has no appointment of that subject, or only one that is marked as cancelled.
func (b *tab) lacks(subject string) {
	b.t.Helper()
	b.until("no "+subject, `(() => { const e = `+entry(subject)+`; return !e || e.dataset.status === "cancelled"; })()`)
}

// spot is the middle of what an expression gives, scrolled into view; dy moves it down from there.
func (b *tab) spot(expression string) (x, y float64) {
	b.t.Helper()
	b.until("to see "+expression, `(() => { const e = `+expression+`; if (!e) return false; e.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" }); const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; })()`)
	at := eval[[]float64](b, `(() => { const r = `+expression+`.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()`)
	return at[0], at[1]
}

// press clicks what a selector finds.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.pressOn(`document.querySelector(` + quoted(selector) + `)`)
}

func (b *tab) pressOn(expression string) {
	b.t.Helper()
	x, y := b.spot(expression)
	b.must(chromedp.Do(b.ctx, chromedp.MouseClickXY(x, y)))
}

// follow clicks an appointment in the grid and waits for its page.
func (b *tab) follow(subject string) {
	b.t.Helper()
	b.pressOn(entry(subject))
	b.until("the page of "+subject, `document.querySelector("main.appointment h1")?.textContent === `+quoted(subject))
}

// fill puts a value into a field of date, time or choice, as its widget does.
func (b *tab) fill(id, value string) {
	b.t.Helper()
	b.until("the field "+id, `document.getElementById(`+quoted(id)+`) !== null`)
	b.run(`const f = document.getElementById(` + quoted(id) + `); f.value = ` + quoted(value) + `; for (const e of ["input", "change"]) f.dispatchEvent(new Event(e, { bubbles: true }))`)
}

// carry moves the mouse with its button down from one place to another, over places in between.
func (b *tab) carry(fromX, fromY, toX, toY float64) {
	b.t.Helper()
	move := func(kind input.DispatchMouseEventType, x, y float64, buttons int64) {
		e := input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Buttons: buttons}
		if kind != input.DispatchMouseEventTypeMouseMoved || buttons == 1 {
			e.Button = input.MouseButtonLeft
		}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			e.ClickCount = 1
		}
		call(b, input.DispatchMouseEvent, e)
	}
	move(input.DispatchMouseEventTypeMouseMoved, fromX, fromY, 0)
	move(input.DispatchMouseEventTypeMousePressed, fromX, fromY, 1)
	const steps = 5
	for i := 1; i <= steps; i++ {
		part := float64(i) / steps
		move(input.DispatchMouseEventTypeMouseMoved, fromX+(toX-fromX)*part, fromY+(toY-fromY)*part, 1)
	}
	move(input.DispatchMouseEventTypeMouseReleased, toX, toY, 0)
}

// slot is an expression for the cell of the grid that begins then.
func slot(at time.Time) string {
	return `document.querySelector(".slots .slot[href*='at=` + at.UTC().Format(pageStamp) + `']")`
}

// grip is a place on an appointment by which it can be moved: an eighth of an hour below its upper edge, so that no
// rounding matters.
func (b *tab) grip(subject string) (x, y float64) {
	b.t.Helper()
	b.spot(entry(subject))
	place := `(() => { const r = ` + entry(subject) + `?.getBoundingClientRect(); return r ? [r.left + r.width / 2, r.top + document.querySelector(".slots tr").getBoundingClientRect().height / 4] : [0, 0]; })()`
	b.until(subject+" to lie on top", `(() => { const e = `+entry(subject)+`, [x, y] = `+place+`; return !!e && e.contains(document.elementFromPoint(x, y)); })()`)
	at := eval[[]float64](b, place)
	return at[0], at[1]
}

// halfHours is how far apart two half hours of the grid are.
func (b *tab) halfHours(from, to time.Time) float64 {
	b.t.Helper()
	return eval[float64](b, slot(to)+`.getBoundingClientRect().top - `+slot(from)+`.getBoundingClientRect().top`)
}

// mark marks the page, so that unloaded can tell whether it has been loaded since.
func (b *tab) mark() *tab { b.run(`window.marked = true`); return b }

func (b *tab) unloaded() {
	b.t.Helper()
	if !eval[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded again")
	}
}

// invites adds people to the form by finding them.
func (b *tab) invites(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.write("textbox", "Find people, lists and rooms", name)
		b.until(name+" found", `document.querySelector("#people-found button")?.textContent.includes(`+quoted(name)+`)`)
		b.press("#people-found button")
		b.until(name+" invited", `[...document.querySelectorAll(".people .attendees b")].some((e) => e.textContent === `+quoted(name)+`)`)
	}
}

// answered waits until the table of answers says what somebody answered, with their comment.
func (b *tab) answered(name, answer, comment string) {
	b.t.Helper()
	b.until(name+" "+answer, `[...document.querySelectorAll(".answers-table tbody tr")].some((tr) => tr.querySelector("th").textContent.includes(`+quoted(name)+
		`) && tr.querySelector(".answer").dataset.a === `+quoted(answer)+` && tr.textContent.includes(`+quoted(comment)+`))`)
}

// counts waits until the overview counts a meeting's answers: the people who accepted, are tentative,
// declined and have not answered; rooms are none.
func (b *tab) counts(subject, numbers string) {
	b.t.Helper()
	b.until(subject+" with "+numbers, `[...document.querySelectorAll(".meetings tbody tr")].some((tr) => tr.querySelector("a").textContent === `+quoted(subject)+
		` && [...tr.querySelectorAll(".number")].map((td) => td.textContent).join(" ") === `+quoted(numbers)+`)`)
}

func meetingFromBeginningToEnd(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	const subject = "Fair <planning> & more"
	// A page whose appointment is being cancelled or has left the calendar looks for it once more.
	alice := d.reader(p).expects("404").signIn("alice", onDay(day)).live()
	if zone := eval[string](alice, `document.querySelector("main.calendar").dataset.zone`); zone != "Europe/Vienna" {
		t.Fatalf("the calendar is in the zone %q", zone)
	}
	bob := d.reader(p).signIn("bob", onDay(day)).live().mark()
	carol := d.reader(p).signIn("carol", onDay(day)).live().mark()

	alice.click("link", "New appointment")
	alice.until("the form", `location.pathname === "/calendar/new"`)
	alice.live().write("textbox", "Subject", subject)
	alice.fill("start_date", day.Format(time.DateOnly))
	alice.fill("start_time", "14:00")
	alice.until("the end that follows", `document.getElementById("end_date").value === `+quoted(day.Format(time.DateOnly))+` && document.getElementById("end_time").value === "15:00"`)
	alice.invites("Bob Berger", "Carol Conti", "Dave Diaz")
	alice.click("button", "Rooms")
	alice.click("button", "Studio 1")
	alice.until("the room as the place", `document.getElementById("location").value === "Studio 1"`)
	alice.click("button", "Save and send invitations")
	alice.live().begins(subject, clock(day, 14, 0))
	for _, b := range []*tab{bob, carol} {
		b.begins(subject, clock(day, 14, 0))
		b.unloaded()
	}
	alice.follow(subject)
	alice.live().mark().element("table", "Responses")
	for _, name := range []string{"Bob Berger", "Carol Conti", "Dave Diaz"} {
		alice.answered(name, "none", "")
	}
	overview := alice.another().show("/responses?days=30").live().mark()
	overview.counts(subject, "0 0 0 3")

	bob.follow(subject)
	bob.live().write("textbox", "Comment", "I bring <b>the</b> stand.")
	bob.click("button", "Accept")
	bob.until("that the answer is under way", `document.querySelector(".banner.ok")?.textContent.includes("on its way")`)
	alice.answered("Bob Berger", "accepted", "I bring <b>the</b> stand.")
	overview.counts(subject, "1 0 0 2")

	carol.follow(subject)
	carol.live().write("textbox", "Comment", "An hour later?")
	carol.press(".answer-form summary")
	carol.fill("propose-date", day.Format(time.DateOnly))
	carol.fill("propose-start", "16:00")
	carol.fill("propose-end", "17:30")
	carol.click("button", "Tentative")
	alice.answered("Carol Conti", "tentative", "An hour later?")
	alice.until("the proposal", `document.querySelector(".proposal")?.textContent.includes("16:00–17:30")`)
	overview.counts(subject, "1 1 0 1")

	dave := d.reader(p).expects("404").signIn("dave", onDay(day)).live()
	beside := dave.another().expects("404").show(onDay(day)).live()
	beside.follow(subject)
	dave.follow(subject)
	dave.live().write("textbox", "Comment", "On holiday")
	dave.click("button", "Decline")
	alice.answered("Dave Diaz", "declined", "On holiday")
	dave.until("the calendar", `location.pathname === "/calendar"`)
	dave.live().lacks(subject)
	beside.until("that it has left his calendar", `document.getElementById("problem").textContent.includes("There is no such appointment.")`)
	overview.counts(subject, "1 1 1 0")
	alice.unloaded()
	overview.unloaded()

	bob.show(onDay(day)).live().mark()
	alice.click("button", "Take it")
	alice.until("that it was moved", `document.querySelector("#appointment-pane time")?.textContent.includes("16:00–17:30")`)
	bob.begins(subject, clock(day, 16, 0))

	alice.press(".action:last-of-type summary")
	alice.write("textbox", "Message to the attendees", "The hall is closed.")
	alice.click("button", "Cancel the meeting")
	alice.until("the calendar", `location.pathname === "/calendar"`)
	alice.live().lacks(subject)
	bob.lacks(subject)
	bob.unloaded()
}

func drawnInTheGrid(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	boxes := outlook(t, p.exchange, "erin")
	erin := d.reader(p).signIn("erin", onDay(day)).live().mark()

	fromX, fromY := erin.spot(slot(clock(day, 10, 0)))
	erin.carry(fromX, fromY, fromX, fromY+erin.halfHours(clock(day, 10, 0), clock(day, 11, 0)))
	erin.until("the small form", `document.getElementById("new-box").matches(":popover-open") && document.activeElement.id === "new-subject"`)
	call(erin, input.InsertText, input.InsertTextParams{Text: "Sketches"})
	erin.enter()
	erin.begins("Sketches", clock(day, 10, 0))
	made := boxes.one("Sketches", nil)
	if !made.Start.Equal(clock(day, 10, 0)) || !made.End.Equal(clock(day, 11, 30)) {
		t.Errorf("drawn from 10:00 to 11:30: %s to %s", made.Start, made.End)
	}

	// Two hours later, by an hour's grab in its middle; then half an hour longer at its lower edge.
	x, y := erin.grip("Sketches")
	erin.carry(x, y, x, y+erin.halfHours(clock(day, 10, 0), clock(day, 12, 0)))
	erin.begins("Sketches", clock(day, 12, 0))
	boxes.one("Sketches", func(i item) bool { return i.Start.Equal(clock(day, 12, 0)) && i.End.Equal(clock(day, 13, 30)) })
	x, y = erin.spot(entry("Sketches"))
	half := eval[float64](erin, entry("Sketches")+`.getBoundingClientRect().height / 2`)
	erin.carry(x, y+half-3, x, y+half-3+erin.halfHours(clock(day, 12, 0), clock(day, 12, 30)))
	boxes.one("Sketches", func(i item) bool { return i.Start.Equal(clock(day, 12, 0)) && i.End.Equal(clock(day, 14, 0)) })

	// A move that is given up leaves everything as it is, also where the mouse is let go over the appointment.
	x, y = erin.grip("Sketches")
	call(erin, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
	call(erin, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y + 90, Button: input.MouseButtonLeft, Buttons: 1})
	erin.until("it to hang at the mouse", `document.querySelector(".event.moving") !== null`)
	erin.keys("\x1b")
	call(erin, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseReleased, X: x, Y: y + 5, Button: input.MouseButtonLeft, ClickCount: 1})
	erin.until("it where it was", `document.querySelector(".event.moving") === null`)
	erin.until("half a second more", fmt.Sprintf(`performance.now() > %f`, eval[float64](erin, `performance.now()`)+500))
	erin.begins("Sketches", clock(day, 12, 0))
	erin.unloaded()

	// A series by the form, of which one is moved by dragging.
	erin.show("/calendar/new?at=" + clock(day, 9, 0).UTC().Format(pageStamp)).live()
	erin.write("textbox", "Subject", "Jour fixe")
	erin.press("details.more summary")
	erin.fill("repeat", "daily")
	erin.run(`document.querySelector("[name=ends][value=count]").checked = true`)
	erin.run(`document.querySelector("[name=count]").value = "3"`)
	erin.press(".form-buttons button.primary")
	second := day.AddDate(0, 0, 1)
	erin.live().begins("Jour fixe", clock(day, 9, 0))
	erin.show(onDay(second)).live().begins("Jour fixe", clock(second, 9, 0))
	x, y = erin.grip("Jour fixe")
	erin.carry(x, y, x, y+erin.halfHours(clock(second, 9, 0), clock(second, 15, 0)))
	erin.until("the question how much", `document.getElementById("scope-menu").matches(":popover-open")`)
	erin.click("button", "This one")
	erin.begins("Jour fixe", clock(second, 15, 0))
	await(t, patience, "only one of the series to be moved", func() bool {
		var at []string
		for _, i := range boxes.inView(day, day.AddDate(0, 0, 4)) {
			if i.Subject == "Jour fixe" {
				at = append(at, i.Start.In(day.Location()).Format("15:04"))
			}
		}
		return strings.Join(at, " ") == "09:00 15:00 09:00"
	})
	erin.show(onDay(day)).live().begins("Jour fixe", clock(day, 9, 0))
	if n := len(boxes.all()); n == 0 {
		t.Error("the mailbox is empty")
	}
}

func calendarByKeyboard(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	boxes := outlook(t, p.exchange, "erin")
	invited := outlook(t, p.exchange, "frank").create("By keys", clock(day, 16, 0), clock(day, 17, 0), "", required("erin"))
	erin := d.reader(p).expects("404").signIn("erin", onDay(day)).live()
	erin.begins("By keys", clock(day, 16, 0))
	shift := chromedp.KeyModifiers(chromedp.ModifierShift)
	const down = kb.ArrowDown

	erin.tabTo("link", "Skip to content")
	erin.enter()
	for range 60 {
		erin.keys("\t")
		if eval[bool](erin, `document.activeElement.matches(".slots .slot")`) {
			break
		}
	}
	erin.until("a cell has the focus", `document.activeElement.matches(".slots .slot")`)
	wanted := quoted(clock(day, 10, 0).UTC().Format(pageStamp))
	for range 40 {
		if eval[bool](erin, `document.activeElement.href.includes(`+wanted+`)`) {
			break
		}
		key := down
		if eval[bool](erin, `new URL(document.activeElement.href).searchParams.get("at") > `+wanted) {
			key = kb.ArrowUp
		}
		erin.keys(key)
	}
	erin.until("ten o'clock has the focus", `document.activeElement.href?.includes(`+wanted+`)`)
	erin.keys(down, shift)
	erin.keys(down, shift)
	erin.enter()
	erin.until("the small form", `document.getElementById("new-box").matches(":popover-open") && document.activeElement.id === "new-subject"`)
	call(erin, input.InsertText, input.InsertTextParams{Text: "Typed"})
	erin.enter()
	erin.begins("Typed", clock(day, 10, 0))
	boxes.one("Typed", func(i item) bool { return i.End.Equal(clock(day, 11, 30)) })

	erin.until("the form gone", `!document.getElementById("new-box").matches(":popover-open")`)
	for range 80 {
		if eval[bool](erin, `document.activeElement === `+entry("Typed")) {
			break
		}
		erin.keys("\t")
	}
	erin.until("it has the focus", `document.activeElement === `+entry("Typed"))
	erin.keys(down, shift)
	erin.until("where it would be", `document.querySelector(".move-hint:not([hidden])")?.textContent.includes("10:30")`)
	erin.enter()
	erin.begins("Typed", clock(day, 10, 30))
	boxes.one("Typed", func(i item) bool { return i.Start.Equal(clock(day, 10, 30)) && i.End.Equal(clock(day, 12, 0)) })
	erin.until("the focus stays", `document.activeElement === `+entry("Typed"))
	erin.enter()
	erin.until("its page", `document.querySelector("main.appointment h1")?.textContent === "Typed"`)
	erin.live().tabTo("DisclosureTriangle", "Delete")
	erin.enter()
	erin.tabTo("button", "Delete")
	erin.enter()
	erin.until("the calendar", `location.pathname === "/calendar"`)
	await(t, patience, "it gone", func() bool { return len(boxes.with("Typed")) == 0 })

	erin.live().begins("By keys", clock(day, 16, 0))
	erin.run(entry("By keys") + `.focus()`)
	erin.enter()
	erin.until("the invitation", `document.querySelector(".answer-form") !== null`)
	erin.live().tabTo("textbox", "Comment")
	call(erin, input.InsertText, input.InsertTextParams{Text: "gladly"})
	erin.tabTo("button", "Accept")
	erin.enter()
	organiser := outlook(t, p.exchange, "frank")
	await(t, patience, "frank to have the answer", func() bool {
		got := organiser.get(invited)
		return len(got.Required) == 1 && got.Required[0].Response == "Accept"
	})
}

func calendarWithoutScript(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	quiet := func(user string) *tab {
		b := d.reader(p)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return b.signIn(user, onDay(day))
	}
	type plain struct{ *tab }
	set := func(b plain, id, value string) {
		b.run(`document.getElementById(` + quoted(id) + `).value = ` + quoted(value))
	}
	erin := plain{quiet("erin")}
	erin.click("link", "New appointment")
	erin.write("textbox", "Subject", "Plain")
	for id, value := range map[string]string{"start_date": day.Format(time.DateOnly), "start_time": "10:00", "end_date": day.Format(time.DateOnly), "end_time": "11:00", "zone": "Europe/Vienna"} {
		set(erin, id, value)
	}
	erin.write("textbox", "Find people, lists and rooms", "fuchs")
	erin.click("button", "Find")
	erin.click("button", "Frank Fuchs…")
	erin.until("frank invited, and what was typed kept", `document.querySelector(".people .attendees b")?.textContent === "Frank Fuchs" && document.getElementById("subject").value === "Plain" && document.getElementById("start_time").value === "10:00"`)
	erin.click("button", "Save and send invitations")
	mine := outlook(t, p.exchange, "erin").one("Plain", func(i item) bool { return i.Start.Equal(clock(day, 10, 0)) && i.End.Equal(clock(day, 11, 0)) })
	if len(mine.UID) == 0 {
		t.Error("it has no UID")
	}
	theirs := outlook(t, p.exchange, "frank")
	theirs.one("Plain", nil)

	frank := plain{quiet("frank")}
	frank.show(onDay(day))
	frank.click("link", eval[string](frank.tab, entry("Plain")+`.textContent.replace(/\s+/g, " ").trim().slice(0, 3)`)+"…")
	frank.until("the invitation", `document.querySelector(".answer-form") !== null`)
	frank.write("textbox", "Comment", "without script")
	frank.click("button", "Accept")
	frank.until("that it is under way", `document.querySelector(".banner.ok")?.textContent.includes("on its way")`)
	theirs.one("Plain", func(i item) bool { return i.MyResponseType == "Accept" })
	erin.show(onDay(day))
	erin.pressOn(entry("Plain"))
	erin.until("her appointment", `document.querySelector(".answers-table") !== null`)
	await(t, patience, "the answer on erin's page", func() bool {
		erin.show(eval[string](erin.tab, `location.pathname + location.search`))
		return eval[bool](erin.tab, `document.querySelector(".answers-table .answer[data-a=accepted]") !== null && document.querySelector(".answers-table").textContent.includes("without script")`)
	})
	erin.press(".action:last-of-type summary")
	erin.click("button", "Cancel the meeting")
	await(t, patience, "it gone", func() bool { return len(outlook(t, p.exchange, "erin").with("Plain")) == 0 })
	frank.show(onDay(day))
	await(t, patience, "frank to see it cancelled", func() bool {
		frank.show(onDay(day))
		return eval[bool](frank.tab, `(() => { const e = `+entry("Plain")+`; return !e || e.dataset.status === "cancelled"; })()`)
	})
}
