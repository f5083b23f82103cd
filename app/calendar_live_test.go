package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
)

// frame is what the live channel says of calendars and people.
type frame struct {
	Event, ID, Calendar, Change, By, Response, State, URI, From, Availability string
	Subject                                                                   string
	NoIM                                                                      bool `json:"no_im"`
	Waiting                                                                   int
	Seq                                                                       int64
}

// ear is an open live channel of which every frame is kept.
type ear struct {
	t  testing.TB
	mu sync.Mutex
	// raw is every frame as it came, got the same understood.
	raw []string
	got []frame
}

// ear listens from now on, until the test ends.
func (c *client) ear() *ear {
	c.t.Helper()
	l := c.live(-1)
	e := &ear{t: c.t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			_, b, err := l.ws.ReadMessage()
			if err != nil {
				return
			}
			var f frame
			if err := json.Unmarshal(b, &f); err != nil {
				c.t.Errorf("frame %s: %v", b, err)
			}
			e.mu.Lock()
			e.raw, e.got = append(e.raw, string(b)), append(e.got, f)
			e.mu.Unlock()
		}
	}()
	c.t.Cleanup(func() {
		_ = l.ws.Close() // the reader ends by that
		<-ended
	})
	e.until("the greeting", func(f frame) bool { return f.Event == "hello" })
	return e
}

// of are the frames of a kind so far.
func (e *ear) of(kind string) []frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []frame
	for _, f := range e.got {
		if f.Event == kind {
			out = append(out, f)
		}
	}
	return out
}

func (e *ear) until(what string, ok func(frame) bool) {
	e.t.Helper()
	await(e.t, longest, what, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return slices.ContainsFunc(e.got, ok)
	})
}

// heard reports whether some text is in a frame.
func (e *ear) heard(text string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.raw, func(f string) bool { return strings.Contains(f, text) })
}

// loaded waits until the portal has read somebody's calendar.
func (c *client) loaded() *client {
	c.t.Helper()
	await(c.t, longest, "the calendar of "+c.who, func() bool {
		status, body := c.page("/calendar")
		return status == http.StatusOK && !strings.Contains(body, "is being read for the first time")
	})
	return c
}

// page reads a page as a browser with the person's session.
func (c *client) page(path string) (int, string) {
	c.t.Helper()
	return c.browse(http.MethodGet, path, "")
}

// browse sends what a browser would, with a form where there is one, and does not follow where it leads.
func (c *client) browse(method, path, form string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(form))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "text/html")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", c.base)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	stay := *c.http
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stay.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, b.String()
}

// What another client of the same mailbox does is told to the live channel, each change once.
func TestChangesOfOtherClientsAreToldOnce(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_CRM_ENABLED=false") // whose records have news of their own
	day := dayAhead(t)
	alice, bob := p.signIn("alice").loaded(), p.signIn("bob").loaded()
	ears := []*ear{alice.ear(), bob.ear()}
	mine, theirs := outlook(t, p.exchange, "alice"), outlook(t, p.exchange, "bob")
	told := func(e *ear, kind string, n int) []frame {
		t.Helper()
		await(t, longest, fmt.Sprintf("%d %s events", n, kind), func() bool { return len(e.of(kind)) >= n })
		got := e.of(kind)
		if len(got) != n {
			t.Fatalf("%s events: %+v, want %d", kind, got, n)
		}
		return got
	}
	begun := time.Now()
	made := mine.create("From Outlook", clock(day, 9, 0), clock(day, 10, 0), "", "")
	first := told(ears[0], "calendar", 1)[0]
	t.Logf("created in Exchange to the frame: %s", time.Since(begun).Round(time.Millisecond))
	if first.Change != "created" || first.ID == "" || first.Calendar != alice.who || first.Seq == 0 {
		t.Errorf("created: %+v", first)
	}
	made = mine.set(made, "item:Subject", "From Outlook, later")
	second := told(ears[0], "calendar", 2)[1]
	if second.Change != "updated" || second.ID != first.ID || second.Seq <= first.Seq {
		t.Errorf("updated: %+v after %+v", second, first)
	}
	mine.remove(made)
	third := told(ears[0], "calendar", 3)[2]
	if third.Change != "deleted" || third.ID != first.ID || third.Seq <= second.Seq {
		t.Errorf("deleted: %+v after %+v", third, second)
	}
	if n := len(ears[1].of("calendar")); n != 0 {
		t.Errorf("bob was told %d times of alice's own appointment", n)
	}

	mine.create("Invited from Outlook", clock(day, 11, 0), clock(day, 12, 0), "", required("bob"))
	meeting := told(ears[0], "calendar", 4)[3]
	if meeting.Change != "created" {
		t.Errorf("a meeting: %+v", meeting)
	}
	invited := told(ears[1], "calendar", 1)[0]
	if invited.Change != "created" || invited.Calendar != bob.who {
		t.Errorf("bob was told %+v", invited)
	}
	theirs.respond(theirs.one("Invited from Outlook", nil), "AcceptItem", "from Outlook too")
	answer := told(ears[0], "responses", 1)[0]
	if answer.ID != meeting.ID || answer.Response != "accepted" || answer.Change != "updated" || answer.Calendar != alice.who {
		t.Errorf("the answer: %+v, of the meeting %+v", answer, meeting)
	}
	// What comes last closes the count: nothing came twice, nothing out of order.
	mine.create("The last", clock(day, 13, 0), clock(day, 14, 0), "", "")
	ears[0].until("the last one", func(f frame) bool {
		return f.Event == "calendar" && f.Change == "created" && f.ID != first.ID && f.ID != meeting.ID
	})
	var seqs []int64
	for _, kind := range []string{"calendar", "responses"} {
		for _, f := range ears[0].of(kind) {
			seqs = append(seqs, f.Seq)
		}
	}
	slices.Sort(seqs)
	if len(slices.Compact(slices.Clone(seqs))) != len(seqs) {
		t.Errorf("an event came twice: %v", seqs)
	}
	if n := len(ears[0].of("responses")); n != 1 {
		t.Errorf("one answer was told %d times: %+v", n, ears[0].of("responses"))
	}
	// A channel that was cut gets what it missed, once.
	since := first.Seq
	late, err := alice.dial(since)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = late.ws.Close() })
	var again []int64
	for len(again) < len(seqs)-1 {
		e, err := late.next(longest)
		if err != nil {
			t.Fatalf("after %v: %v", again, err)
		}
		if e.Event == "calendar" || e.Event == "responses" {
			again = append(again, e.Seq)
		}
	}
	if !slices.Equal(again, seqs[1:]) {
		t.Errorf("replayed %v, want %v", again, seqs[1:])
	}
}

// otherClientsAppear: an open page shows what other clients of the mailbox do.
func otherClientsAppear(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	mine, theirs := outlook(t, p.exchange, "alice"), outlook(t, p.exchange, "bob")
	alice := d.reader(p).signIn("alice", onDay(day)).live().mark()
	alice.until("the calendar read", `document.querySelector(".banner.loading") === null`)
	begun := time.Now()
	made := mine.create("Elsewhere", clock(day, 9, 0), clock(day, 10, 0), "", "")
	alice.begins("Elsewhere", clock(day, 9, 0))
	t.Logf("created in Exchange, seen on the page after %s", time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	made = mine.set(made, "calendar:Location", "The other room")
	alice.until("the place", `!!`+entry("Elsewhere")+`?.textContent.includes("The other room")`)
	t.Logf("changed in Exchange, seen on the page after %s", time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	mine.remove(made)
	alice.lacks("Elsewhere")
	t.Logf("deleted in Exchange, seen on the page after %s", time.Since(begun).Round(time.Millisecond))

	mine.create("Answer me", clock(day, 11, 0), clock(day, 12, 0), "", required("bob", "carol"))
	alice.begins("Answer me", clock(day, 11, 0))
	alice.unloaded()
	alice.follow("Answer me")
	alice.live().mark().answered("Bob Berger", "none", "")
	begun = time.Now()
	theirs.respond(theirs.one("Answer me", nil), "TentativelyAcceptItem", "perhaps, from Outlook")
	alice.answered("Bob Berger", "tentative", "perhaps, from Outlook")
	t.Logf("answered in Exchange, seen on the page after %s", time.Since(begun).Round(time.Millisecond))
	mine.set(mine.one("Answer me", nil), "item:Subject", "Answer me soon")
	alice.until("the new subject", `document.querySelector("#answers-title a")?.textContent === "Answer me soon"`)
	alice.unloaded()
}

// freshCalendar is freshPage without the place in the grid that the Tab key leads to, which is each window's own.
var freshCalendar = strings.Replace(freshPage, `["data-htmx-powered"`, `["tabindex", "data-htmx-powered"`, 1)

// settles waits until the window is what a fresh page of the calendar is.
func settles(b *tab, what string) {
	b.t.Helper()
	b.wait("the fresh page after "+what, func() (bool, error) {
		same := eval[bool](b, freshCalendar)
		return same, fmt.Errorf("differs: %s", eval[string](b, `window.differs`))
	})
}

// oldCalendarIsFresh: whatever kind of event of a calendar comes, the page that was open is then what a fresh one is.
func oldCalendarIsFresh(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	mine, theirs := outlook(t, p.exchange, "alice"), outlook(t, p.exchange, "bob")
	mine.create("Standing", clock(day, 9, 0), clock(day, 10, 0), "", required("bob", "dave"))
	alice := d.reader(p).signIn("alice", onDay(day)).live()
	alice.begins("Standing", clock(day, 9, 0))
	me := p.signIn("alice")
	heard := me.ear()
	alice.follow("Standing")
	meeting := eval[string](alice, `location.pathname`)

	answers := []string{"AcceptItem", "TentativelyAcceptItem"}
	for n, path := range []string{onDay(day), onDay(day, "&with=bob%40example.test"), "/calendar?view=month&date=" + day.Format(time.DateOnly),
		"/calendar?view=agenda&date=" + day.Format(time.DateOnly), meeting, "/responses?days=30"} {
		alice.show(path).live()
		settles(alice, "opening "+path)
		name := fmt.Sprint("Entry ", n)
		do := func(what string, shown string, act func()) {
			t.Helper()
			before := len(heard.of("calendar")) + len(heard.of("responses")) + len(heard.of("exchange")) + len(heard.of("reminder"))
			act()
			await(t, patience, what, func() bool {
				return len(heard.of("calendar"))+len(heard.of("responses"))+len(heard.of("exchange"))+len(heard.of("reminder")) > before
			})
			if shown != "" && strings.HasPrefix(path, "/calendar?") {
				alice.until(what+" on "+path, shown)
			}
			settles(alice, what+" on "+path)
		}
		var one item
		do("created", `!!`+entry(name), func() { one = mine.create(name, clock(day, 11, 0), clock(day, 12, 0), "", "") })
		do("changed", `!!`+entry(name+" <b>&"), func() { one = mine.set(one, "item:Subject", name+" <b>&") })
		do("deleted", `!`+entry(name+" <b>&"), func() { mine.remove(one) })
		do("an answer", "", func() {
			theirs.respond(theirs.one("Standing", nil), answers[n%len(answers)], fmt.Sprint("for the ", n))
		})
		if n != 0 && path != meeting {
			continue
		}
		do("Exchange away", `!document.querySelector("[data-live=exchange]").hidden`, func() { goWrong(t, p.exchange, fault{Kind: "down", Mailbox: "alice"}) })
		do("Exchange back", `document.querySelector("[data-live=exchange]").hidden`, func() { goRight(t, p.exchange) })
		soon := time.Now().Add(10 * time.Minute)
		do("a reminder", `document.querySelector("#reminders li") !== null`, func() {
			one = mine.create("Remember", soon, soon.Add(time.Hour), text("ReminderIsSet", "true")+text("ReminderMinutesBeforeStart", "15"), "")
			heard.until("the reminder", func(f frame) bool { return f.Event == "reminder" && f.Change == "created" && f.Subject == "Remember" })
		})
		alice.until("the reminder on "+path, `document.querySelector("#reminders li")?.textContent.includes("Remember")`)
		settles(alice, "the reminder shown on "+path)
		do("the reminder gone", "", func() {
			mine.remove(one)
			heard.until("that it is gone", func(f frame) bool { return f.Event == "reminder" && f.Change == "deleted" && f.Subject == "Remember" })
		})
		alice.until("no reminder on "+path, `document.querySelector("#reminders li") === null`)
		settles(alice, "without the reminder on "+path)
	}
}

// exchangeAwayUnderPage: the page says that Exchange is away and since when, keeps what is made, and goes on by itself.
func exchangeAwayUnderPage(t *testing.T, d *desk) {
	p := d.portal()
	day := dayAhead(t)
	mine := outlook(t, p.exchange, "erin")
	erin := d.reader(p).signIn("erin", onDay(day)).live().mark()
	erin.until("the calendar read", `document.querySelector(".banner.loading") === null`)
	mine.create("Before", clock(day, 9, 0), clock(day, 10, 0), "", "")
	erin.begins("Before", clock(day, 9, 0))
	goWrong(t, p.exchange, fault{Kind: "down"})
	erin.until("that Exchange is away, and since when", `(() => { const p = document.querySelector("[data-live=exchange]"); return !p.hidden && /^Exchange has been away since .*\d\d:\d\d/.test(p.textContent.trim()); })()`)

	fromX, fromY := erin.spot(slot(clock(day, 11, 0)))
	erin.carry(fromX, fromY, fromX, fromY+erin.halfHours(clock(day, 11, 0), clock(day, 11, 30)))
	erin.until("the small form", `document.activeElement.id === "new-subject"`)
	call(erin, input.InsertText, input.InsertTextParams{Text: "Made in the dark"})
	erin.enter()
	erin.until("it kept and shown as waiting", entry("Made in the dark")+`?.dataset.sync === "pending"`)
	x, y := erin.grip("Before")
	erin.carry(x, y, x, y+erin.halfHours(clock(day, 9, 0), clock(day, 14, 0)))
	erin.until("the move kept and shown as waiting", `(() => { const e = `+entry("Before")+`; return e?.dataset.sync === "pending" && e.dataset.start === `+quoted(clock(day, 14, 0).UTC().Format(pageStamp))+`; })()`)
	erin.until("how many wait", `document.querySelector("[data-live=exchange]").textContent.includes("2 changes waiting")`)
	erin.unloaded()
	goRight(t, p.exchange)
	erin.begins("Made in the dark", clock(day, 11, 0))
	erin.begins("Before", clock(day, 14, 0))
	erin.until("that Exchange is back", `document.querySelector("[data-live=exchange]").hidden`)
	erin.unloaded()
	mine.one("Made in the dark", func(i item) bool { return i.Start.Equal(clock(day, 11, 0)) && i.End.Equal(clock(day, 12, 0)) })
	mine.one("Before", func(i item) bool { return i.Start.Equal(clock(day, 14, 0)) && i.End.Equal(clock(day, 15, 0)) })
}
