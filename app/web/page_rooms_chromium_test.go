package web

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestRoomsInChromium is rooms in a real browser; all share one, as in TestInChromium.
func TestRoomsInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"TwoPeopleInARoom", twoPeopleInARoom},
		{"RoomByKeyboard", roomByKeyboard},
		{"RoomHoldsTheFreshPage", roomHoldsTheFreshPage},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// twoPeopleInARoom: a mention, an answer, another text, a file, the search.
func twoPeopleInARoom(t *testing.T, c *chromium) {
	h := newHouse(t)
	room := h.room("lobby", bob)
	a, b := c.visitor(h), c.visitor(h)
	a.size(1280, 800)
	a.signIn(alice, roomPath(room))
	a.connected()
	b.size(1280, 800)
	b.signIn(bob, "/contacts")
	b.connected()
	a.say("hello @bob, *look*")
	b.until("the mark in the rail", `document.querySelector("#rooms-total .called")?.textContent.trim() === "@1" && document.title.startsWith("(1) ")`)
	b.open(roomPath(room))
	b.connected()
	b.until("the message, which calls bob", `document.querySelector(".said.calls .text strong")?.textContent === "look"`)
	b.until("it is read", `document.querySelector("#rooms-total .badge").hidden`)

	b.press(".said .acts")
	b.until("the menu without what is not allowed", `document.querySelector("#message-menu").matches(":popover-open") && document.querySelector("#message-menu [data-do=edit]").hidden`)
	b.press("#message-menu [data-do=reply]")
	b.say("an answer")
	a.until("the answer with its quote", `document.querySelector(".said:not(.mine) .quoted")?.textContent.includes("hello @bob")`)
	a.press(".said .acts")
	a.press("#message-menu [data-sign]")
	b.until("a reaction", `document.querySelector(".reactions button")?.getAttribute("aria-pressed") === "false"`)
	b.press(".reactions button")
	b.until("of both", `document.querySelector(".reactions button")?.textContent.includes("2") && document.querySelector(".reactions button").getAttribute("aria-pressed") === "true"`)

	a.eval(`(() => { const d = new DataTransfer(); d.items.add(new File(["some text"], "notes.txt")); const f = document.getElementById("attach"); f.files = d.files; f.dispatchEvent(new Event("change")); })()`)
	a.until("the file is up", `document.querySelectorAll("#uploads li").length === 1 && !document.querySelector("#uploads progress")`)
	a.say("with a file")
	b.until("the file", `document.querySelector(".said .file b")?.textContent === "notes.txt"`)

	a.press(`[data-side=search]`)
	a.until("the search", `!!document.getElementById("room-words")`)
	a.eval(`(() => { const f = document.getElementById("room-words"); f.focus(); f.value = "answer"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	a.until("it is found", `document.querySelector("#room-hits mark")?.textContent === "answer"`)
	a.untroubled()
	b.untroubled()
}

// roomByKeyboard: names are offered, the last message is edited and taken back, without a mouse.
func roomByKeyboard(t *testing.T, c *chromium) {
	h := newHouse(t)
	room := h.room("lobby", bob)
	a := c.visitor(h)
	a.signIn(alice, roomPath(room))
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent("hi @bo"))
	a.until("a name is offered", `document.querySelectorAll("#completion li[aria-selected=true]").length === 1`)
	a.do(chromedp.KeyEvent("\r"))
	a.until("it is taken", `document.getElementById("text").value === "hi @bob "`)
	a.do(chromedp.KeyEvent("you\r"))
	a.until("it is said", `document.querySelector(".said.mine[data-version] .call")?.textContent === "@bob"`)
	a.do(chromedp.KeyEvent(kb.ArrowUp))
	a.until("its text is there again", `document.getElementById("text").value === "hi @bob you"`)
	a.do(chromedp.KeyEvent("!\r"))
	a.until("it is changed", `document.querySelector(".said.mine .text")?.textContent === "hi @bob you!" && document.getElementById("text").value === ""`)
	a.eval(`document.querySelector(".said .acts").focus()`)
	a.do(chromedp.KeyEvent("\r"))
	a.until("the menu has the focus", `document.getElementById("message-menu").contains(document.activeElement)`)
	a.do(chromedp.KeyEvent(kb.Escape))
	a.until("it is closed", `!document.getElementById("message-menu").matches(":popover-open")`)
	a.untroubled()
}

// roomHoldsTheFreshPage: what the script makes of frames is what the server renders afresh.
func roomHoldsTheFreshPage(t *testing.T, c *chromium) {
	h := newHouse(t)
	room := h.room("lobby", bob, carol)
	first := h.tells(bob, room, "the first")
	a := c.visitor(h)
	a.size(1280, 800)
	a.signIn(alice, roomPath(room))
	a.connected()
	a.say("written *here*")
	h.tells(carol, room, "@alice and an answer", answering(first))
	_, err := h.rooms.Edit(t.Context(), bob, room, first.Place, "the first, mended")
	h.must(err)
	h.must(h.rooms.React(t.Context(), alice, room, first.Place, "👍", true))
	h.must(h.rooms.Pin(t.Context(), alice, room, first.Place, true))
	h.must(h.rooms.Leave(t.Context(), carol, room))
	a.until("all is read", `document.querySelector("#rooms-total .badge").hidden`)
	a.until("the fresh page", freshPage)
	a.untroubled()
}
