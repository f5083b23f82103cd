package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// TestContactsInChromium is the contact list, cards and privacy in a real browser; all share one, as in TestInChromium.
func TestContactsInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"ContactsAreDragged", contactsAreDragged},
		{"ContactsByKeyboard", contactsByKeyboard},
		{"ContactsWithoutScript", contactsWithoutScript},
		{"CardOnTopOfThePage", cardOnTopOfThePage},
		{"WhoIsWaitedForIsAnnounced", whoIsWaitedForIsAnnounced},
		{"AnOlderAnswerDoesNotReplaceNewerValues", anOlderAnswerDoesNotReplaceNewerValues},
		{"AnOlderListDoesNotReplaceTheWholePage", anOlderListDoesNotReplaceTheWholePage},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// inGroup is a condition: the section of that name shows exactly these, in order.
func inGroup(section string, names ...string) string {
	return fmt.Sprintf(`JSON.stringify([...document.querySelectorAll('section.group[aria-label=%q] li.contact .name b')].map((b) => b.textContent)) === %s`, section, quote(string(mustJSON(append([]string{}, names...)))))
}

// hasGroup is a condition: the list has a section of that name.
func hasGroup(section string) string {
	return fmt.Sprintf(`!!document.querySelector('section.group[aria-label=%q]')`, section)
}

// drag takes a contact into a section, as a hand does: the events of HTML's drag and drop, with one data transfer.
func drag(who, section string, copied bool) string {
	return fmt.Sprintf(`(() => {
	  const from = document.querySelector('li.contact[data-uri=%q]'), to = document.querySelector('section.group[aria-label=%q]');
	  const what = { bubbles: true, cancelable: true, dataTransfer: new DataTransfer(), ctrlKey: %v };
	  for (const [place, type] of [[from, "dragstart"], [to, "dragover"], [to, "drop"], [from, "dragend"]]) place.dispatchEvent(new DragEvent(type, what));
	})()`, who, section, copied)
}

// contactsAreDragged: between groups, in two windows that agree, and the pages are what fresh ones are.
func contactsAreDragged(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.size(1280, 800)
	a.signIn(alice, "/contacts")
	h.listed("Team", bob, carol)
	h.must(h.lists.PutGroup(t.Context(), alice, "Friends"))
	a.open("/contacts")
	a.connected()
	second := c.another(a)
	second.size(1280, 800)
	second.open("/contacts")
	second.connected()
	a.eval(drag(string(bob), "Friends", false))
	for _, b := range []*tab{a, second} {
		b.until("bob is among the friends alone", inGroup("Friends", "Bob Brown")+" && "+inGroup("Team", "Carol Clark"))
	}
	second.eval(drag(string(carol), "Friends", true))
	for _, b := range []*tab{a, second} {
		b.until("carol is in both", inGroup("Friends", "Bob Brown", "Carol Clark")+" && "+inGroup("Team", "Carol Clark"))
	}
	a.until("it was said", `document.getElementById("announce").textContent === "Bob Brown is now in Friends."`)
	a.press(`section[aria-label="Team"] .fold`)
	second.until("folded there too", `!document.querySelector('section[aria-label="Team"] li')`)
	a.press("[popovertarget=new-group]")
	a.do(chromedp.Focus(chromedp.CSS("#new-group-name")), chromedp.KeyEvent("Family\r"))
	second.until("a new group", hasGroup("Family"))
	for _, b := range []*tab{a, second} {
		b.until("the fresh page", freshPage)
		b.untroubled()
	}
}

// contactsByKeyboard: arrows go from contact to contact and, with Shift, carry one into the next group; it keeps the focus.
func contactsByKeyboard(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	h.listed("Team", bob, carol)
	h.must(h.lists.PutGroup(t.Context(), alice, "Work"))
	a.open("/contacts")
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("li.contact a")), chromedp.KeyEvent(kb.ArrowDown))
	a.until("carol has the focus", `document.activeElement.closest("li")?.dataset.uri === "sip:carol@example.test"`)
	a.do(chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(kb.ModifierShift)))
	a.until("she is in the next group", inGroup("Work", "Carol Clark"))
	a.until("and has the focus there", `document.activeElement.closest("section")?.getAttribute("aria-label") === "Work"`)
	a.do(chromedp.KeyEvent(kb.ArrowUp, chromedp.KeyModifiers(kb.ModifierShift)))
	a.until("and back", inGroup("Team", "Bob Brown", "Carol Clark"))
	a.hears("listitem", "Bob Brown Offline")
	a.hears("button", "Group Team")
	a.hears("link", "About Bob Brown")
	a.untroubled()
}

// contactsWithoutScript: the card is a page, and its forms do what the list's script does.
func contactsWithoutScript(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	h.browse(bob)
	h.listed("Team", bob)
	a := c.visitor(h)
	a.withoutScript()
	a.signIn(alice, "/contacts")
	a.press("li.contact [data-card]")
	a.until("the card", `document.querySelector("main h1")?.textContent === "Bob Brown"`)
	a.eval(`(() => { document.getElementById("card-new-group").value = "Friends"; document.querySelector("button[value=groups]").click(); })()`)
	a.until("in a new group too", `document.querySelectorAll(".choose-groups input:checked").length === 2`)
	a.press(`button[value=favourite]`)
	a.until("a favourite", `!!document.querySelector("button[value=unfavourite]")`)
	a.open("/contacts")
	a.until("three times on the list", inGroup("Favourites", "Bob Brown")+" && "+inGroup("Friends", "Bob Brown")+" && "+inGroup("Team", "Bob Brown"))
	a.press(`section[aria-label="Team"] .fold`)
	a.until("folded", `!document.querySelector('section[aria-label="Team"] li')`)
}

// cardOnTopOfThePage: it opens by the sign beside a contact and by their picture, stays up to date and gives the focus back.
func cardOnTopOfThePage(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.size(1280, 800)
	a.signIn(alice, "/contacts")
	h.listed("Team", bob, carol)
	a.open("/contacts")
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("li.contact [data-card]")), chromedp.KeyEvent("\r"))
	a.until("the card is open", `document.getElementById("person-card").matches(":popover-open") && document.querySelector("#person-card .menu-head b").textContent === "Bob Brown"`)
	a.until("and has the focus", `document.getElementById("person-card").contains(document.activeElement)`)
	a.press("#person-card button[value=favourite]")
	a.until("it shows what was done", `document.querySelector("#person-card button[value=unfavourite]")?.getAttribute("aria-pressed") === "true" && document.getElementById("person-card").matches(":popover-open")`)
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Activity: portal.InACall, At: time.Now()})
	a.until("and what is new", `document.querySelector("#person-card .presence-word").textContent === "Busy, in a call"`)
	a.do(chromedp.KeyEvent(kb.Escape))
	a.until("closed, with the focus in the list", `!document.getElementById("person-card").matches(":popover-open") && !!document.activeElement.closest("li.contact")`)
	a.eval(`document.querySelector('li[data-uri="sip:carol@example.test"] .avatar').click()`)
	a.until("by the picture", `document.querySelector("#person-card .menu-head b").textContent === "Carol Clark" && document.getElementById("person-card").matches(":popover-open")`)
	a.untroubled()
}

// whoIsWaitedForIsAnnounced: somebody with the tag becomes available, and that is said once.
func whoIsWaitedForIsAnnounced(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	h.listed("", bob)
	h.must(h.lists.Tag(t.Context(), alice, bob, true))
	a.open("/contacts")
	a.connected()
	a.until("bob is offline", `document.querySelector("li.contact .presence-word")?.textContent === "Offline"`)
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Available, At: time.Now()})
	a.until("the notice", `document.querySelector("#notices li a")?.textContent === "Bob Brown is available now"`)
	a.press("#notices [data-closes]")
	a.until("it is closed", `!document.querySelector("#notices li")`)
	a.untroubled()
}

// lateAnswers has what the page's script fetches arrive only when the test says so, as it was when it was read.
const lateAnswers = `
	const read = window.fetch;
	window.waits = []; window.late = false; window.older = ["", ""];
	window.fetch = async (what, how) => {
	  const answer = await read(what, how);
	  if (!window.late) return answer;
	  const text = (await answer.text()).replaceAll(...window.older);
	  await new Promise((go) => window.waits.push(go));
	  return new Response(text, { status: answer.status });
	};
	window.arrive = () => { window.late = false; for (const go of window.waits.splice(0)) go(); };`

// anOlderAnswerDoesNotReplaceNewerValues: presence changes while the list, and then a card, is on its way to the page.
func anOlderAnswerDoesNotReplaceNewerValues(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.beforeScript(lateAnswers)
	a.signIn(alice, "/contacts")
	h.listed("Team", bob)
	is := func(availability portal.Availability) {
		h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: availability, At: time.Now()})
	}
	shows := func(where, word string) string {
		return fmt.Sprintf(`document.querySelector(%q)?.textContent === %q`, where, word)
	}
	line, card := "li.contact .presence-word", "#person-card .presence-word"
	is(portal.Available)
	a.open("/contacts")
	a.connected()
	a.until("bob is available", shows(line, "Available"))
	a.eval(`(window.late = true, 0)`)
	h.must(h.lists.PutGroup(t.Context(), alice, "Friends"))
	a.until("the list as it was is on its way", `window.waits.length > 0`)
	is(portal.Busy)
	a.until("bob is busy", shows(line, "Busy"))
	a.eval(`(window.arrive(), 0)`)
	a.until("the new group is there", hasGroup("Friends")+" && "+inGroup("Team", "Bob Brown"))
	if !a.eval(shows(line, "Busy")).(bool) {
		t.Errorf("the list that was read before shows %v", a.eval(`document.querySelector("li.contact .presence-word").textContent`))
	}
	a.until("the fresh page", freshPage)
	a.eval(`(window.late = true, document.querySelector("li.contact [data-card]").click(), 0)`)
	a.until("the card as it was is on its way", `window.waits.length > 0`)
	is(portal.Away)
	a.until("bob is away", shows(line, "Away"))
	a.eval(`(window.arrive(), 0)`)
	a.until("the card is open", `document.getElementById("person-card").matches(":popover-open")`)
	if !a.eval(shows(card, "Away")).(bool) {
		t.Errorf("the card that was read before shows %v", a.eval(`document.querySelector("#person-card .presence-word").textContent`))
	}
	a.untroubled()
}

// anOlderListDoesNotReplaceTheWholePage: the list was asked for first, and comes after the whole page that was asked for later.
func anOlderListDoesNotReplaceTheWholePage(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	a := c.visitor(h)
	a.beforeScript(lateAnswers)
	a.signIn(alice, "/contacts")
	h.listed("Team", bob)
	a.open("/contacts")
	a.connected()
	a.until("bob is listed", inGroup("Team", "Bob Brown"))
	a.eval(`(window.late = true, window.older = ["Bob Brown", "Bob Before"], window.shown = [], new MutationObserver(() => {
		if (document.querySelector("li.contact .name b")?.textContent === "Bob Before") window.shown.push("older");
	}).observe(document.getElementById("contact-list"), { subtree: true, childList: true, characterData: true }), 0)`)
	h.must(h.lists.PutGroup(t.Context(), alice, "Friends"))
	a.until("the list as it was is on its way", `window.waits.length === 1`)
	a.eval(`(window.late = false)`)
	h.server.Live().CurrentMany([]portal.Address{alice}, portal.PoliciesEvent{Names: []string{portal.ThinSessions}})
	a.until("the page is whole", hasGroup("Friends"))
	a.eval(`(window.arrive(), 0)`)
	h.must(h.lists.PutGroup(t.Context(), alice, "Family"))
	a.until("and one that was asked for after both", hasGroup("Family"))
	if a.eval(`window.shown.length`) != 0.0 {
		t.Error("the list that was asked for before replaced the newer page")
	}
	a.until("the fresh page", freshPage)
	a.untroubled()
}
