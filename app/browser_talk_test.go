package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

func twoPeopleTalk(t *testing.T, d *desk) {
	p := d.portal()
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	alice.peerIs("Offline")
	bob := d.visitor(p).signIn("bob", "/contacts").live()
	alice.peerIs("Available")

	alice.say("Morning, Bob :)")
	alice.becomes("Morning, Bob 🙂", "delivered")
	bob.until("the badge of the title", `document.title.startsWith("(1) ")`)
	bob.click("link", "Chats")
	bob.click("link", "Alice…")
	bob.live().shows("Morning, Bob 🙂", false)
	alice.becomes("Morning, Bob 🙂", "read")
	bob.until("no badge any more", `!document.title.startsWith("(")`)

	bob.write("textbox", "Message", "Mor")
	alice.until("that bob types", `document.querySelector(".typing").textContent.trim().endsWith("is typing")`)
	bob.say("Morning, Alice")
	alice.shows("Morning, Alice", false)
	alice.until("that he does not any more", `document.querySelector(".typing").textContent.trim() === ""`)
	bob.becomes("Morning, Alice", "read")

	bob.click("button", "My status")
	bob.click("button", "Busy")
	alice.peerIs("Busy")
	bob.until("own button", `document.querySelector(".me .presence-word").textContent === "Busy"`)
	bob.click("button", "My status")
	bob.write("textbox", "Note", "writing the offer")
	bob.click("button", "Save")
	alice.until("the note", `document.querySelector(".peer .note")?.textContent === "writing the offer"`)
	bob.click("button", "My status")
	bob.click("button", "Back to automatic")
	alice.peerIs("Available")

	// A contact is a list item whose name holds the person's name and availability in words.
	alice.show("/contacts").live()
	alice.element("listitem", "Bob…")
	alice.until("the contact in words", `(() => {
	  const li = document.querySelector("[data-uri='sip:bob@example.test']");
	  const name = li.getAttribute("aria-labelledby").split(" ").map((id) => document.getElementById(id).textContent).join(" ");
	  return name.includes("Bob") && name.includes("Available");
	})()`)
}

func whoClosesGoesOffline(t *testing.T, d *desk) {
	p := d.portal("PORTICO_PRESENCE_GRACE=500ms")
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	bob := d.visitor(p).signIn("bob", "/contacts").live()
	second := bob.another().show("/contacts").live()
	alice.peerIs("Available")
	second.close()
	alice.say("one window of yours is closed")
	alice.becomes("one window of yours is closed", "delivered")
	alice.peerIs("Available")
	bob.close()
	alice.peerIs("Offline")
	// Somebody else who comes to be there at once is seen at once, by the API too.
	carol := p.signIn("carol")
	alice.show(with("carol")).live()
	alice.peerIs("Available")
	if status := carol.call(http.MethodDelete, "/session", nil, nil); status != http.StatusNoContent {
		t.Errorf("sign out: status %d", status)
	}
	alice.peerIs("Offline")
}

func allWindowsAgree(t *testing.T, d *desk) {
	p := d.portal()
	first := d.visitor(p).signIn("alice", with("bob")).live()
	second, third := first.another(), first.another()
	second.show(with("bob")).live()
	third.show("/chat").live()
	elsewhere := d.visitor(p).signIn("alice", with("bob")).live() // another device
	bob := p.signIn("bob")
	bob.live(-1)

	first.say("said in one window")
	for _, b := range []*tab{first, second, elsewhere} {
		b.shows("said in one window", true)
		b.becomes("said in one window", "delivered")
	}
	third.until("it in the list", `document.querySelector("[data-peer='sip:bob@example.test'] .last")?.textContent.includes("said in one window")`)

	for _, b := range []*tab{first, second, third, elsewhere} {
		call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{})
		b.run(`document.hasFocus = () => false`)
	}
	bob.say("alice", "b1", "an answer")
	for _, b := range []*tab{first, second, third, elsewhere} {
		b.until("it counted", `document.title.startsWith("(1) ") && document.querySelector("[data-peer='sip:bob@example.test'] .badge")?.textContent.includes("1 unread message")`)
	}
	elsewhere.run(`document.hasFocus = () => true; dispatchEvent(new Event("focus"))`)
	for _, b := range []*tab{first, second, third, elsewhere} {
		b.until("it read", `!document.title.startsWith("(") && document.querySelector("[data-peer='sip:bob@example.test'] .badge").hidden`)
	}
	await(t, patience, "bob to know", func() bool { return bob.state("alice", "b1") == "read" })

	elsewhere.click("button", "My status")
	elsewhere.click("button", "Do not disturb")
	for _, b := range []*tab{first, second, third} {
		b.until("own presence", `document.querySelector(".me .presence-word").textContent === "Do not disturb"`)
	}
	for _, b := range []*tab{first, second} {
		if got := b.texts(); fmt.Sprint(got) != "[said in one window an answer]" {
			t.Errorf("a window holds %q", got)
		}
	}
}

// counting stands in for the browser's notifications and sound, and lets a test say who has the focus.
const counting = `
window.told = []; window.played = 0; window.focused = false;
window.Notification = class { static permission = "granted"; constructor(title, o) { told.push(title + ": " + o.body); } close() {} };
window.Audio = class { play() { played++; return Promise.resolve(); } };
document.hasFocus = () => window.focused;`

func oneNotification(t *testing.T, d *desk) {
	p := d.portal()
	first := d.visitor(p).before(counting).signIn("alice", "/settings").live()
	if !eval[bool](first, `document.querySelector("[name=notifications]").checked`) {
		first.click("checkbox", "Show a desktop notification")
		first.click("button", "Save")
		first.until("saved", `document.querySelector(".banner.ok") !== null && document.querySelector("[name=notifications]").checked`)
	}
	windows := []*tab{first.show("/contacts").live()}
	for range 2 {
		windows = append(windows, first.another().before(counting).show("/chat").live())
	}
	sum := func() (told []string, played int) {
		for _, b := range windows {
			told = append(told, eval[[]string](b, `told`)...)
			played += eval[int](b, `played`)
		}
		return told, played
	}
	bob := p.signIn("bob")
	bob.live(-1)
	for i, text := range []string{"psst", "are you there?", "hello?"} {
		bob.say("alice", fmt.Sprint("b", i), text)
		for _, b := range windows {
			b.until("the title of each window", fmt.Sprintf(`document.title.startsWith("(%d) ")`, i+1))
		}
		await(t, patience, "a notification", func() bool { told, _ := sum(); return len(told) > i })
	}
	told, played := sum()
	if len(told) != 3 || played != 3 {
		t.Errorf("three messages over three windows: notifications %q, %d sounds", told, played)
	}

	looking := windows[2].show(with("bob")).live()
	looking.run(`window.focused = true; dispatchEvent(new Event("focus"))`)
	for _, b := range windows {
		b.until("all read", `!document.title.startsWith("(")`)
	}
	before, _ := sum()
	bob.say("alice", "b9", "seen at once")
	looking.shows("seen at once", false)
	looking.wait("it read", func() (bool, error) {
		all := bob.messages("alice")
		return all[len(all)-1].State == "read", fmt.Errorf("bob has %+v", all)
	})
	if after, _ := sum(); len(after) != len(before) {
		t.Errorf("a notification for what somebody looks at: %q", after)
	}
}

func newRowsHavePresence(t *testing.T, d *desk) {
	p := d.portal()
	bob := d.visitor(p).signIn("bob", "/contacts").live()
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	alice.peerIs("Available")
	if eval[bool](alice, `!!document.querySelector(".conversation")`) {
		t.Fatal("there is a row before anything was said")
	}
	row := func(user, p string) string {
		return `(() => {
		  const li = document.querySelector("[data-peer='sip:` + user + `@example.test']");
		  return li?.querySelector(".dot").dataset.p === "` + p + `" && li.querySelector("[data-live^='word:']").textContent.trim() !== "";
		})()`
	}
	alice.run(`window.firstShown = []; new MutationObserver((all) => { for (const m of all) for (const n of m.addedNodes) if (n.matches?.(".conversation")) firstShown.push(n.querySelector(".dot").dataset.p); })
	  .observe(document.getElementById("conversations"), { childList: true })`)
	alice.say("first words")
	alice.until("the row with bob's presence", row("bob", "available"))
	if first := eval[[]string](alice, `firstShown`); len(first) == 0 || first[0] != "available" {
		t.Errorf("the row of somebody whom the page knows came as %q", first)
	}

	// Somebody whom the page did not know of until they wrote.
	dave := p.signIn("dave")
	dave.live(-1)
	if status := dave.call(http.MethodPut, "/me/presence", map[string]string{"availability": "busy"}, nil); status != http.StatusOK {
		t.Fatalf("set presence: status %d", status)
	}
	dave.say("alice", "d1", "have you a minute?")
	alice.until("the row with dave's presence", row("dave", "busy"))
	bob.show("/chat").live()
	dave.say("bob", "d2", "or you?")
	bob.until("the row with dave's presence on a page without open conversation", row("dave", "busy"))
}
