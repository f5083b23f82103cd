package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// TestByKeyboardAlone is whole ways through the portal with nothing but keys. Wherever the Tab key comes, the focus can be
// seen, nothing lies over it, it goes forward in the order of the page, and it gets away again.
func TestByKeyboardAlone(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"SignInFindSomebodyAndWrite", keysSignInAndWrite},
		{"OpenARoomAndCallSomebody", keysInARoom},
		{"ChangeTheStatus", keysForStatus},
		{"MoveAContact", keysForContacts},
		{"MakeAnAppointmentWithThePlanner", keysForAppointment},
		{"AnswerAMeeting", keysForAnswer},
		{"ChangeAPolicy", keysForPolicy},
		{"WorkWithACustomer", keysForCustomer},
		{"RunTheSynchronisation", keysForSync},
		{"SettleWhatIsInConflict", keysForConflicts},
		{"SendAgainWhatWasRefused", keysForRefused},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// typist is a window whose person has a keyboard only.
type typist struct{ *tab }

// stop is where the focus is: role or element, name, and what is wrong with how it looks there.
const stop = `(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return ["none", "", "", ""];
  const text = (x) => x.nodeType === 3 ? x.data : x.nodeType !== 1 || x.getAttribute("aria-hidden") === "true" || x.localName === "option" ? "" : [...x.childNodes].map(text).join("");
  const said = (x) => x ? text(x).trim().replace(/\s+/g, " ") : "";
  const by = (e.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean).map((id) => said(document.getElementById(id))).join(" ");
  const name = by || e.getAttribute("aria-label") || (e.labels?.[0] && said(e.labels[0])) || said(e) || e.title || "";
  const role = e.getAttribute("role") || { A: "link", BUTTON: "button", TEXTAREA: "textbox", SELECT: "combobox", SUMMARY: "summary" }[e.tagName] || (e.tagName === "INPUT" ? ({ search: "searchbox", checkbox: "checkbox", radio: "radio" }[e.type] || "textbox") : e.localName);
  const wrong = [];
  const styles = [e, e.closest("label")].filter(Boolean).map((x) => getComputedStyle(x));
  const clock = /^(date|time|datetime-local|month)$/.test(e.type); // their parts have the browser's own sign
  if (e.id !== "main" && !clock && !styles.some((s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2)) wrong.push("no sign of the focus");
  const r = (e.matches("[type=file]") && e.closest("label") || e).getBoundingClientRect();
  const at = [[.5, .5], [.1, .5], [.9, .5], [.5, .2], [.5, .8]].map(([x, y]) => document.elementFromPoint(r.left + r.width * x, r.top + r.height * y));
  if (e.id !== "main" && !at.some((hit) => hit && (e.contains(hit) || hit.closest("label")?.control === e))) wrong.push("hidden at " + [r.left, r.top, r.right, r.bottom].map(Math.round));
  const before = window.lastStop;
  window.lastStop = e;
  const inMenu = !!document.querySelector(":popover-open");
  if (before && before !== e && before.isConnected && window.forward && !inMenu && !e.matches(".skip") && !(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING) && before.tabIndex >= 0) wrong.push("before " + said(before));
  if (before === e && window.forward && !clock && !e.matches("audio")) wrong.push("the focus is held");
  return [role, name, wrong.join(", "), e.id];
})()`

// at is where the focus is; what is wrong there fails the test.
func (k typist) at() (role, name string) {
	k.t.Helper()
	got := k.list(stop)
	if got[2] != "" {
		k.t.Errorf("%s %q: %s", got[0], got[1], got[2])
	}
	return got[0], got[1]
}

// tabTo presses Tab until something of this role has the focus whose name holds that.
func (k typist) tabTo(role, name string) {
	k.t.Helper()
	k.eval(`(window.forward = true, window.lastStop = null, 0)`)
	defer k.eval(`(window.forward = false, 0)`)
	var way []string
	for range 150 {
		k.key("\t")
		r, n := k.at()
		way = append(way, r+" "+n)
		if r == role && strings.Contains(n, name) {
			return
		}
		if r == "none" {
			k.eval(`(window.lastStop = null, 0)`) // round the end of the page
		}
	}
	k.t.Fatalf("Tab never comes to the %s %q; it comes to %q", role, name, way)
}

// is expects that the focus is on something of this role and name.
func (k typist) is(what, role, name string) {
	k.t.Helper()
	k.until(what, fmt.Sprintf(`((s) => s[0] === %s && s[1].includes(%s))(%s)`, quote(role), quote(name), stop))
}

func (k typist) shift(key string) {
	k.t.Helper()
	k.do(chromedp.KeyEvent(key, chromedp.KeyModifiers(kb.ModifierShift)))
}

// enters signs in by keys.
func (c *chromium) enters(h *house, who portal.Address) typist {
	c.t.Helper()
	k := typist{c.visitor(h)}
	k.size(1280, 900)
	k.open("/signin")
	k.is("the first field has the focus", "textbox", "SIP address")
	k.key(who.Bare())
	k.tabTo("textbox", "Password")
	k.key(password + "\r")
	k.until("signed in", `document.querySelector("nav[aria-label=Main]") !== null && document.readyState === "complete"`)
	k.connected()
	return k
}

// follows goes to a part of the portal by its link.
func (k typist) follows(name, path string) {
	k.t.Helper()
	k.tabTo("link", name)
	k.key("\r")
	k.until(name, `document.readyState === "complete" && location.pathname === `+quote(path))
	k.connected()
}

func keysSignInAndWrite(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	h.browse(bob)
	k := c.enters(h, alice)
	k.follows("Contacts", "/contacts")
	k.open("/contacts")
	k.connected()
	k.tabTo("link", "Skip to content")
	k.key("\r")
	k.until("past the navigation", `document.activeElement.id === "main"`)
	k.tabTo("searchbox", "Find a person")
	k.key("bro")
	k.until("found while typing", `document.querySelector("#found .contact b")?.textContent === "Bob Brown"`)
	k.until("and that is heard", `document.getElementById("announce").textContent === "1 found"`)
	k.tabTo("link", "Bob Brown")
	k.key("\r")
	k.until("the conversation", `location.pathname.startsWith("/chat/")`)
	k.connected()
	k.is("the field has the focus", "textbox", "Message")
	k.key("typed, not clicked\r")
	k.until("it is delivered", `document.querySelector(".msg.mine .state")?.dataset.state === "delivered"`)
	k.is("the field keeps the focus", "textbox", "Message")
	k.tabTo("button", "Send")
	k.shift("\t")
	k.is("and back", "textbox", "Message")
	k.alt("l")
	k.is("the messages can be scrolled", "log", "Messages")
	k.untroubled()
}

func keysInARoom(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	room := h.room("lobby", bob)
	h.tells(bob, room, "welcome")
	k := c.enters(h, alice)
	k.follows("Rooms", "/rooms")
	k.tabTo("link", "The lobby")
	k.key("\r")
	k.until("the room", `location.pathname === `+quote(roomPath(room)))
	k.connected()
	k.is("the field has the focus", "textbox", "Message")
	k.key("hi @bo")
	k.until("a name is offered, and told to whoever does not see it", `document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent.includes("Bob Brown")`)
	k.key("\r")
	k.until("it is taken", `document.getElementById("text").value === "hi @bob "`)
	k.key("you\r")
	k.until("it is said", `document.querySelector(".said.mine[data-version] .call")?.textContent === "@bob"`)
	k.key("@b")
	k.until("offered again", `!document.getElementById("completion").hidden`)
	k.key(kb.Escape)
	k.until("Escape takes the offer away", `document.getElementById("completion").hidden && document.getElementById("text").value === "@b"`)
	k.key(kb.Backspace + kb.Backspace)

	k.alt("l")
	k.is("the messages", "log", "Messages")
	k.tabTo("link", "What to do with the message")
	k.key("\r")
	k.until("its menu has the focus", `document.getElementById("message-menu").contains(document.activeElement)`)
	k.tabTo("button", "Reply")
	k.key(kb.Escape)
	k.until("Escape closes it, and the focus is back", `!document.getElementById("message-menu").matches(":popover-open") && document.activeElement.matches(".acts")`)
	k.key("\r")
	k.until("again", `document.getElementById("message-menu").contains(document.activeElement)`)
	k.tabTo("button", "Reply")
	k.key("\r")
	k.is("an answer is written in the field", "textbox", "Message")
	k.key("an answer\r")
	k.until("it is said as one", `document.querySelector(".said.mine .quoted")?.textContent.includes("welcome")`)
	k.untroubled()
}

func keysForStatus(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	k := c.enters(h, alice)
	k.tabTo("searchbox", "Find a person")
	k.alt("s")
	k.until("the menu", `document.getElementById("my-status").matches(":popover-open")`)
	k.tabTo("button", "Do not disturb")
	k.key("\r")
	k.until("it is set and the menu closed", `document.querySelector(".me .presence-word").textContent === "Do not disturb" && !document.getElementById("my-status").matches(":popover-open")`)
	k.is("the focus is where it was", "searchbox", "Find a person")
	k.eval(`(document.activeElement.blur(), 0)`)
	k.tabTo("button", "My status")
	k.key(" ")
	k.until("the menu by its button", `document.getElementById("my-status").matches(":popover-open")`)
	k.tabTo("textbox", "Note")
	k.key("in the lab\r")
	k.until("the note", `document.querySelector(".me .note")?.textContent === "in the lab"`)
	k.is("the focus is on the button", "button", "My status")
	k.key("\r")
	k.until("again", `document.getElementById("my-status").matches(":popover-open")`)
	k.key(kb.Escape)
	k.until("Escape closes", `!document.getElementById("my-status").matches(":popover-open")`)
	k.is("the focus is on the button still", "button", "My status")
	k.untroubled()
}

func keysForContacts(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	h.listed("Team", bob, carol)
	h.must(h.lists.PutGroup(t.Context(), alice, "Work"))
	k := c.enters(h, alice)
	k.follows("Contacts", "/contacts")
	k.tabTo("link", "Bob Brown")
	k.key(kb.ArrowDown)
	k.until("the next contact", `document.activeElement.closest("li")?.dataset.uri === "sip:carol@example.test"`)
	k.shift(kb.ArrowDown)
	k.until("she is in the next group, with the focus", inGroup("Work", "Carol Clark")+` && document.activeElement.closest("section")?.getAttribute("aria-label") === "Work"`)
	k.until("that is heard", `document.getElementById("announce").textContent === "Carol Clark is now in Work."`)
	k.tabTo("link", "About Carol Clark")
	k.key("\r")
	k.until("her card", `document.getElementById("person-card").contains(document.activeElement)`)
	k.key(kb.Escape)
	k.until("closed, and the focus is back", `!document.getElementById("person-card").matches(":popover-open") && document.activeElement.matches("[data-card]")`)
	k.tabTo("button", "New group")
	k.key("\r")
	k.until("the small form", `document.getElementById("new-group").matches(":popover-open")`)
	k.tabTo("textbox", "New group")
	k.key("Family\r")
	k.until("a new group", inGroup("Family"))
	k.is("the focus is back on what opened the form", "button", "New group")
	k.untroubled()
}

func keysForAppointment(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.mail.add(bob, h.lesson("Bob's", 14, time.Hour))
	k := c.enters(h, alice)
	k.follows("Calendar", "/calendar")
	k.tabTo("link", "New appointment")
	k.key("\r")
	k.until("the form", `location.pathname === "/calendar/new" && document.getElementById("subject") !== null`)
	k.connected()
	k.eval(`(document.activeElement.blur(), 0)`)
	k.tabTo("textbox", "Subject")
	k.key("Offer review")
	k.tabTo("textbox", "Find people")
	k.key("bro")
	k.until("bob is found", `document.querySelector("#people-found button b")?.textContent === "Bob Brown"`)
	k.key(kb.ArrowDown)
	k.is("who was found", "button", "Bob Brown")
	k.key("\r")
	k.until("bob is invited, and the focus is back in the field", `document.querySelector(".attendees b")?.textContent === "Bob Brown" && document.activeElement.id === "people-query"`)
	k.tabTo("button", "Find a time")
	k.key("\r")
	k.until("everybody's time, and the focus with it", `document.querySelector(".planner-table") !== null && !!document.activeElement.closest("#appointment-form")`)
	k.tabTo("button", k.text(".suggestions button b"))
	k.key("\r")
	k.until("no conflict", `document.querySelector(".planner-table") !== null && !document.querySelector('.planner-table td[data-conflict="true"]')`)
	k.tabTo("button", "Save and send")
	k.key("\r")
	k.until("the calendar", `location.pathname === "/calendar"`)
	eventually(t, "bob has the invitation", func() bool { _, ok := h.mail.inBox(bob, "Offer review"); return ok })
	k.untroubled()
}

func keysForAnswer(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.crowd(t)
	k := c.enters(h, alice)
	k.follows("Calendar", "/calendar")
	k.until("a full week", `document.querySelectorAll(".event").length > 8`)
	k.tabTo("link", "Invited by Bob")
	k.key("\r")
	k.until("the invitation", `document.querySelector("main h1")?.textContent.includes("Invited by Bob") && document.querySelector(".answers") !== null`)
	k.connected()
	k.eval(`(document.activeElement.blur(), 0)`)
	k.tabTo("button", "Accept")
	k.key("\r")
	k.until("it is answered", `document.querySelector(".answers [aria-pressed=true]")?.textContent.trim() === "Accept"`)
	h.has(t, "the answer", "Invited by Bob", func(e portal.Entry) bool { return e.Response == portal.ResponseAccepted })
	k.untroubled()
}

func keysForPolicy(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	k := c.enters(h, alice)
	k.follows("Admin", "/admin")
	k.follows("Policies", "/admin/policies")
	k.follows("DisablePresenceNote", "/admin/policies/DisablePresenceNote")
	k.until("the form", `document.getElementById("rule-everyone-value") !== null`)
	k.tabTo("combobox", "Value")
	k.key("on")
	k.until("it is chosen", `document.getElementById("rule-everyone-value").value === "on"`)
	k.tabTo("button", k.text("#rule-everyone button"))
	k.key("\r")
	k.until("it holds", `document.querySelector(".banner.ok")?.innerText.includes("It holds.")`)
	if !h.admin.InForce(bob).DisablePresenceNote {
		t.Error("it does not hold")
	}
	k.untroubled()
}
