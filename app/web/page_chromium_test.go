package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// twoBrowsersTalk is what people come for, in a real browser.
func twoBrowsersTalk(t *testing.T, c *chromium) {
	h := newHouse(t)
	a, b := c.visitor(h), c.visitor(h)
	a.signIn(alice, chatWith(bob))
	a.connected()
	a.until("bob is offline", `document.querySelector(".peer .presence-word")?.textContent === "Offline"`)
	b.signIn(bob, "/contacts")
	b.connected()
	a.until("bob is available", `document.querySelector(".peer .presence-word")?.textContent === "Available"`)

	a.say("Hello Bob :)")
	b.until("the badge", `document.title.startsWith("(1) ") && document.querySelector("#unread-total .badge").textContent.includes("1")`)
	a.until("delivered", `document.querySelector(".msg.mine .state")?.dataset.state === "delivered"`)
	b.open(chatWith(alice))
	b.until("the message", `document.querySelector(".msg:not(.mine) .text")?.textContent === "Hello Bob 🙂"`)
	a.until("read", `document.querySelector(".msg.mine .state")?.dataset.state === "read"`)
	b.until("no badge", `!document.title.startsWith("(")`)

	b.until("a live connection", `document.body.classList.contains("live")`)
	b.eval(`document.getElementById("text").focus()`)
	b.say("x")
	a.until("the answer", `document.querySelector(".msg:not(.mine) .text")?.textContent === "x"`)
	if got := a.eval(`document.querySelectorAll(".msg").length`); got != float64(2) {
		t.Errorf("%v messages, want 2", got)
	}
	a.untroubled()
	b.untroubled()
}

// browserHoldsTheFreshPage: what the page's script makes of frames is what the server renders afresh.
func browserHoldsTheFreshPage(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	put(t, h, bob, "Friends")
	h.hear(bob, "b0", "an hour ago and more", time.Now().Add(-3*time.Hour))
	for _, path := range []string{chatWith(bob), "/contacts", "/chat"} {
		a.open(path)
		a.connected()
		h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Note: "not <now>", Since: time.Now(), At: time.Now()})
		h.hear(bob, "b1"+path, "see https://example.test/a?b=c", time.Now())
		h.hear(carol, "c1"+path, "new here", time.Now())
		h.say(bob, "a1"+path, "line one\nline two")
		h.say(nobody, "a2"+path, "nobody home")
		put(t, h, carol, "Work"+path)
		h.chat.ReceiveTyping(alice, bob, true, time.Minute)
		if _, err := h.presence.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Away}); err != nil {
			t.Fatal(err)
		}
		a.until("the fresh page on "+path, freshPage)
		h.chat.ReceiveTyping(alice, bob, false, 0)
		h.exchange.Unpublish(bob)
		if _, err := h.presence.Reset(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		a.until("the fresh page again on "+path, freshPage)
	}
	a.untroubled()
}

// freshPage compares the page with one that is read now, as the browser sees both, without what each has its own of.
const freshPage = `(() => {
  const get = new XMLHttpRequest();
  get.open("GET", location.href, false);
  get.send();
  const form = (doc) => {
    const own = (e) => e.matches("script, template, noscript, .unread-mark, #announce, #heard, #cut-off, #newest, #problem, #composer, #room-typing, #list-found, #status-note, line.now");
    const walk = (n) => {
      if (n.nodeType === 3) return n.data.trim() ? [n.data.trim().replace(/\s+/g, " ")] : [];
      if (n.nodeType !== 1 || own(n)) return [];
      const attributes = [...n.attributes].filter((a) => n.localName !== "body" && !["data-htmx-powered", "data-read"].includes(a.name))
        .map((a) => a.name + "=" + (a.name === "class" ? a.value.split(/\s+/).filter(Boolean).sort().join(" ") : a.value)).sort().join(" ");
      return ["<" + n.localName + " " + attributes + ">", ...[...n.childNodes].flatMap(walk)];
    };
    return walk(doc.body);
  };
  const here = form(document), fresh = form(new DOMParser().parseFromString(get.responseText, "text/html"));
  const at = here.findIndex((line, i) => line !== fresh[i]);
  document.body.dataset.differs = at < 0 && here.length === fresh.length ? "" : JSON.stringify([here.slice(at - 2, at + 3), fresh.slice(at - 2, at + 3)]);
  return document.body.dataset.differs === "";
})()`

// cutOff: the page says so, keeps what is written over a reload, and sends it once when it is back.
func cutOff(t *testing.T, c *chromium) {
	h := newHouse(t)
	a, net := c.visitor(h), newWire(t, h.url)
	a.base = net.url
	a.signIn(alice, chatWith(bob))
	a.connected()
	net.setCut(true)
	a.until("the page says that it is cut off", `!document.getElementById("cut-off").hidden`)
	a.say("said in the dark")
	a.say("and once more")
	a.until("both are shown as waiting", `[...document.querySelectorAll(".msg.mine .state")].filter((s) => s.textContent.includes("connection")).length === 2`)
	a.eval(`(() => { const f = document.getElementById("text"); f.value = "half a thou"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	net.setCut(false)
	a.eval(`location.reload()`)
	a.until("both got through", `[...document.querySelectorAll(".msg.mine .state")].filter((s) => s.dataset.state === "stored").length === 2`)
	a.until("the draft is there", `document.getElementById("text").value === "half a thou"`)
	messages, err := h.chat.Messages(t.Context(), alice, bob, 0, 10)
	if err != nil || len(messages) != 2 || messages[0].Text != "said in the dark" || messages[1].Text != "and once more" {
		t.Fatalf("the portal has %v (%v)", messages, err)
	}
	a.until("nothing waits any more", `localStorage.getItem("portico:out:sip:alice@example.test") === "[]"`)
	if got := a.eval(`document.querySelectorAll(".msg").length`); got != float64(2) {
		t.Errorf("%v messages are shown", got)
	}
}

// withoutScript: sign in, read and send by form.
func withoutScript(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(bob)
	a := c.visitor(h)
	a.withoutScript()
	a.signIn(alice, "/contacts")
	h.hear(bob, "b1", "are you there?", time.Now())
	a.open(chatWith(bob))
	if got := a.text(".msg .text"); got != "are you there?" {
		t.Fatalf("the page shows %q", got)
	}
	a.eval(`(() => { document.getElementById("text").value = "yes, I am"; document.querySelector("#composer .primary").click(); })()`)
	a.until("the message was sent", `document.querySelector(".msg.mine .text")?.textContent === "yes, I am"`)
	unread, err := h.chat.Unread(t.Context(), alice)
	if err != nil || len(unread) != 0 {
		t.Errorf("unread: %v (%v)", unread, err)
	}
	a.eval(`document.querySelector('#my-status button[value="busy"]').click()`)
	a.until("the status is set", `document.querySelector(".me .presence-word")?.textContent === "Busy"`)
}

// earlierMessagesComeOnScrolling: by the page's script, and by a link.
func earlierMessagesComeOnScrolling(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(alice)
	start := time.Now().Add(-72 * time.Hour)
	for i := range 120 {
		h.hear(bob, fmt.Sprintf("b%03d", i), fmt.Sprintf("number %d", i), start.Add(time.Duration(i)*30*time.Minute))
	}
	if err := h.chat.MarkRead(t.Context(), alice, bob, ""); err != nil {
		t.Fatal(err)
	}
	a := c.visitor(h)
	a.signIn(alice, chatWith(bob))
	a.connected()
	shown := func(n int) string { return fmt.Sprintf(`document.querySelectorAll(".msg").length === %d`, n) }
	a.until("the newest", shown(50))
	a.eval(`document.getElementById("log").scrollTo(0, -1e6)`)
	a.until("those before", shown(100))
	a.eval(`document.getElementById("log").scrollTo(0, -1e6)`)
	a.until("all", shown(120))
	a.until("in order, each once, each day once", `(() => {
	  const texts = [...document.querySelectorAll(".msg .text")].map((e) => e.textContent);
	  const days = [...document.querySelectorAll(".day")].map((d) => d.dataset.day);
	  return texts.every((text, i) => text === "number " + i) && new Set(days).size === days.length && document.querySelector(".earlier").hidden;
	})()`)
	a.untroubled()
	got := a.h.browse(alice).call(http.MethodGet, chatWith(bob)+"?before=71", nil, http.StatusOK)
	if n := strings.Count(string(got.body), `class="text"`); n != 50+1 { // and the template's
		t.Errorf("the link leads to %d messages", n)
	}
}

// oneNotificationOverAllTabs: three windows, one notification and one sound; none while one looks.
func oneNotificationOverAllTabs(t *testing.T, c *chromium) {
	h := newHouse(t)
	first := c.visitor(h)
	first.signIn(alice, "/contacts")
	tabs := []*tab{first, c.another(first), c.another(first)}
	count := `(window.__told || 0) + "/" + (window.__played || 0)`
	for _, b := range tabs {
		b.beforeScript(`window.Notification = class { static permission = "granted"; constructor(title, o) { window.__told = (window.__told || 0) + 1; window.__last = title + ": " + o.body; } close() {} };
		  window.Audio = class { play() { window.__played = (window.__played || 0) + 1; return Promise.resolve(); } };
		  document.hasFocus = () => !!window.__focus;`)
		b.open("/contacts")
		b.connected()
	}
	h.hear(bob, "b1", "psst", time.Now())
	sum := func() (told, played int) {
		for _, b := range tabs {
			var x, y int
			if _, err := fmt.Sscanf(fmt.Sprint(b.eval(count)), "%d/%d", &x, &y); err != nil {
				t.Fatal(err)
			}
			told, played = told+x, played+y
		}
		return told, played
	}
	eventually(t, "a notification", func() bool { told, _ := sum(); return told > 0 })
	for _, b := range tabs {
		b.until("every tab counts", `document.title.startsWith("(1) ")`)
	}
	h.hear(bob, "b2", "again", time.Now())
	eventually(t, "the second one", func() bool { told, _ := sum(); return told >= 2 })
	for _, b := range tabs {
		b.until("every tab counts two", `document.title.startsWith("(2) ")`)
	}
	if told, played := sum(); told != 2 || played != 2 {
		t.Errorf("%d notifications and %d sounds for two messages over three tabs", told, played)
	}
	looking := tabs[1]
	looking.open(chatWith(bob))
	looking.connected()
	looking.eval(`(() => { window.__focus = true; dispatchEvent(new Event("focus")); })()`)
	h.hear(bob, "b3", "seen at once", time.Now())
	looking.until("it is there", `[...document.querySelectorAll(".text")].some((e) => e.textContent === "seen at once")`)
	for _, b := range tabs {
		b.until("all is read", `!document.title.startsWith("(")`)
	}
	told := 0
	for _, b := range []*tab{tabs[0], tabs[2]} {
		var x, y int
		if _, err := fmt.Sscanf(fmt.Sprint(b.eval(count)), "%d/%d", &x, &y); err != nil {
			t.Fatal(err)
		}
		told += x
	}
	if told > 2 {
		t.Errorf("a notification for a conversation that somebody looks at")
	}
}

// nothingIsCutOffAtAnyWidth: no page scrolls sideways.
func nothingIsCutOffAtAnyWidth(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	put(t, h, bob, "A group with quite a long name that goes on")
	h.hear(bob, "b1", strings.Repeat("unbroken", 60)+" https://example.test/"+strings.Repeat("long/", 80), time.Now())
	for _, width := range []int64{320, 900, 1440} {
		a.width(width)
		for _, path := range []string{"/contacts", "/contacts?q=b", "/chat", chatWith(bob), "/settings", "/help", "/rooms", "/admin"} {
			a.open(path)
			if wide := a.eval(`document.documentElement.scrollWidth - innerWidth`); wide != float64(0) {
				t.Errorf("%s at %d: %v pixels too wide", path, width, wide)
			}
		}
	}
	a.untroubled()
}

// whatIsHeard: the names under which a screen reader, and a test, finds things.
func whatIsHeard(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.open("/signin")
	a.hears("textbox", "SIP address")
	a.hears("textbox", "Password")
	a.hears("button", "Sign in")
	a.signIn(alice, "/contacts")
	put(t, h, bob, "Friends")
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Activity: portal.InACall, At: time.Now()})
	a.open("/contacts")
	a.connected()
	a.until("bob is busy", `document.querySelector("li.contact .presence-word")?.dataset.p === "busy"`)
	a.hears("listitem", "Bob Brown Busy, in a call")
	a.hears("navigation", "Main")
	for _, name := range []string{"Chats", "Contacts", "Rooms", "Calendar", "Responses", "History", "Calls", "CRM", "Settings", "Admin"} {
		a.hears("link", name)
	}
	a.hears("button", "My status")
	a.open(chatWith(bob))
	a.hears("log", "Messages")
	a.hears("textbox", "Message")
	a.hears("button", "Send")
}

// keys: without a mouse to the person, the message, the status and the next conversation.
func keys(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	h.hear(carol, "c1", "from carol", time.Now())
	h.hear(bob, "b1", "from bob", time.Now())
	a.open(chatWith(bob))
	a.connected()
	a.alt("k")
	a.until("the search has the focus", `document.activeElement.id === "find"`)
	a.alt("l")
	a.until("the messages have the focus", `document.activeElement.id === "log"`)
	a.alt("m")
	a.until("the composer has the focus", `document.activeElement.id === "text"`)
	a.alt("s")
	a.until("the status menu is open", `document.getElementById("my-status").matches(":popover-open")`)
	a.do(chromedp.KeyEvent(kb.Escape))
	a.until("it is closed", `!document.getElementById("my-status").matches(":popover-open")`)
	a.alt(kb.ArrowDown)
	a.until("the next conversation", `decodeURIComponent(location.pathname) === "/chat/sip:carol@example.test"`)
	a.untroubled()
}

// statusAndContactsByScript: the forms in the menus work without leaving the page, and what cannot be done is said.
func statusAndContactsByScript(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.connected()
	a.eval(`window.__same = true`)
	a.press(".me")
	a.press(`#my-status button[value="do-not-disturb"]`)
	a.until("the status", `document.querySelector(".me .presence-word").textContent === "Do not disturb" && !document.getElementById("my-status").matches(":popover-open")`)
	a.do(chromedp.Focus(chromedp.CSS("#find")), chromedp.KeyEvent("bro"))
	a.until("found while typing", `document.querySelector("#found .contact b")?.textContent === "Bob Brown" && document.getElementById("find").value === "bro"`)
	a.press("#found .contact form button")
	a.until("added to the list", `document.querySelector("#contact-list li.contact b")?.textContent === "Bob Brown"`)
	a.until("and marked as listed", `document.querySelector("#found .contact > .muted")?.textContent === "in your list"`)
	a.eval(`(() => { const f = document.querySelector("#my-status form[action='/me/note']"); f.note.removeAttribute("maxlength"); f.note.value = "x".repeat(501); f.requestSubmit(); })()`)
	a.until("the reason is said", `document.querySelector("#problem .error")?.textContent.includes("too long")`)
	if same := a.eval(`window.__same === true`); same != true {
		t.Error("the page was left")
	}
}

// withoutWebSocket: where a network breaks WebSockets, the event stream and ordinary requests do.
func withoutWebSocket(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(bob)
	a := c.visitor(h)
	a.beforeScript(`window.WebSocket = class { constructor() { this.readyState = 3; setTimeout(() => this.onclose?.({}), 1); } close() {} send() {} };`)
	a.signIn(alice, chatWith(bob))
	a.connected()
	h.hear(bob, "b1", "over the stream", time.Now())
	a.until("the message", `[...document.querySelectorAll(".text")].some((e) => e.textContent === "over the stream")`)
	a.say("y")
	a.until("the answer is delivered", `document.querySelector(".msg.mine .state")?.dataset.state === "delivered"`)
}

// signedOutElsewhere: a page whose session has ended says so and leads to the sign-in.
func signedOutElsewhere(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, chatWith(bob))
	a.connected()
	if err := h.account.EndAll(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	a.until("the sign-in page, and the way back", `location.pathname === "/signin" && document.querySelector("input[name=next]").value === "/chat/sip:bob@example.test"`)
}

// focusIsKept: what arrives while one writes does not take the place one writes at.
func focusIsKept(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, chatWith(bob))
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent("half a "))
	h.hear(bob, "b1", "interrupting", time.Now())
	a.until("the message", `document.querySelectorAll(".msg").length === 1`)
	put(t, h, bob, "Friends")
	a.until("the card", `document.querySelector("#card-contact button").textContent === "Move to this group"`)
	a.do(chromedp.KeyEvent("thought"))
	a.until("the thought is whole", `document.getElementById("text").value === "half a thought" && document.activeElement.id === "text"`)
	a.do(chromedp.Focus(chromedp.CSS("#conversations a")))
	h.hear(bob, "b2", "again", time.Now())
	a.until("the line is new", `document.querySelector("#conversations .last").textContent.trim() === "again"`)
	if kept := a.eval(`document.activeElement.matches("#conversations a")`); kept != true {
		t.Error("the list of conversations lost the focus")
	}
	a.untroubled()
}

// nobodyThere: five minutes without a key make the person inactive, the next key available again; time runs a
// thousand times as fast in this browser until nobody is there.
func nobodyThere(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.beforeScript(`(() => {
	  const now = Date.now.bind(Date), later = window.setTimeout.bind(window);
	  let since = now(), start = since, pace = 1000;
	  Date.now = () => start + (now() - since) * pace;
	  window.setTimeout = (f, ms) => later(f, ms === 300000 || ms > 200000 && ms < 300000 ? ms / pace : ms);
	  window.__slow = () => { start = Date.now(); since = now(); pace = 1; };
	})()`)
	a.signIn(alice, "/contacts")
	a.connected()
	a.until("inactive", `document.querySelector(".me .presence-word").textContent !== "Available"`)
	if got := h.presence.Own(alice); got.Activity != portal.Inactive {
		t.Errorf("own status: %+v", got)
	}
	a.eval(`window.__slow()`)
	a.do(chromedp.KeyEvent("x"))
	a.until("available again", `document.querySelector(".me .presence-word").textContent === "Available"`)
}

// typingIsToldSparingly: many keys are one notice, and an emptied field ends it.
func typingIsToldSparingly(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(bob)
	a := c.visitor(h)
	a.beforeScript(`window.__sent = []; const send = WebSocket.prototype.send; WebSocket.prototype.send = function (frame) { window.__sent.push(frame); send.call(this, frame); };`)
	a.signIn(alice, chatWith(bob))
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent("many keys in a row"))
	typing := func() bool { return len(h.chat.TypingNow(bob)) > 0 }
	eventually(t, "bob is told", typing)
	a.eval(`(() => { const f = document.getElementById("text"); f.value = ""; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	eventually(t, "and told that it is over", func() bool { return !typing() })
	if n := a.eval(`window.__sent.filter((frame) => JSON.parse(frame).op === "typing").length`); n != float64(2) {
		t.Errorf("told %v times", n)
	}
}

// aDayOfTalkDoesNotWeighThePageDown: old messages leave the page while one reads its end, and come back.
func aDayOfTalkDoesNotWeighThePageDown(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.signIn(alice, chatWith(bob))
	a.connected()
	start := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour).Add(10 * time.Hour) // one day in every zone of these tests
	for i := range 320 {
		h.hear(bob, fmt.Sprintf("b%03d", i), fmt.Sprintf("number %d", i), start.Add(time.Duration(i)*time.Second))
	}
	a.until("the newest 300", `document.querySelectorAll(".msg").length === 300 && [...document.querySelectorAll(".msg .text")].at(-1).textContent === "number 319"`)
	a.until("with their day", `document.querySelectorAll(".day").length === 1 && !!document.querySelector(".day ~ .msg")`)
	a.eval(`document.getElementById("log").scrollTo(0, -1e6)`)
	a.until("all, in order", `(() => {
	  const texts = [...document.querySelectorAll(".msg .text")].map((e) => e.textContent);
	  return texts.length === 320 && texts.every((text, i) => text === "number " + i) && document.querySelectorAll(".day").length === 1;
	})()`)
	a.until("what one looks at stays", `document.getElementById("log").scrollTop < -100`)
	h.hear(bob, "last", "while reading old ones", time.Now())
	a.until("a way to the newest", `!document.getElementById("newest").hidden`)
	if top := a.eval(`document.getElementById("log").scrollTop`); top.(float64) > -100 {
		t.Errorf("the log jumped to %v", top)
	}
	a.press("#newest")
	a.until("the end", `document.getElementById("log").scrollTop === 0 && document.getElementById("newest").hidden`)
	a.until("and it is read", `!document.title.startsWith("(")`)
	a.untroubled()
}
