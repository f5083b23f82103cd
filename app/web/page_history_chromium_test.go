package web

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"portico/app/portal"
)

// TestHistoryInChromium is history, calls and voice mail in a real browser; all share one, as in TestInChromium.
func TestHistoryInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"SearchedOpenedExportedDeletedByKeys", searchedByKeys},
		{"VoicemailIsPlayed", voicemailIsPlayed},
		{"CallsComeByThemselves", callsComeByThemselves},
		{"WithoutScript", historyWithoutScript},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// key types a key where the keyboard is.
func (b *tab) key(key string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(key))
}

// searchedByKeys: words are typed, what is found is opened, exported and deleted, all with the keyboard.
func searchedByKeys(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, chatWith(carol))
	a.connected()
	a.until("the way to what was said before", `document.querySelector('.peer a[aria-label="History with Carol Clark"]')?.getAttribute("href") === "/history?peer=carol%40example.test"`)
	a.open("/history")
	a.connected()
	a.do(chromedp.Focus(chromedp.CSS("#history-q")))
	a.key("invoi\r")
	a.until("what was found is marked", `document.querySelector(".hit mark")?.textContent === "invoice"`)
	a.do(chromedp.Focus(chromedp.CSS(".hit a")))
	a.key("\r")
	a.until("the message has the keyboard", `document.activeElement?.matches(".is-found") && document.activeElement.innerText.includes("the invoice is paid")`)
	for _, format := range []string{"text", "html", "json"} {
		a.eval(fmt.Sprintf(`(delete document.body.dataset.file, fetch(document.querySelector('.transcript-tools a[href$="format=%s"]').href).then(async (r) => { document.body.dataset.file = r.status + " " + r.headers.get("Content-Disposition") + " " + await r.text(); }), 0)`, format))
		a.until("the file as "+format, `(document.body.dataset.file || "").startsWith("200 attachment") && document.body.dataset.file.includes("the invoice is paid")`)
	}
	a.do(chromedp.Focus(chromedp.CSS("#delete-own summary")))
	a.key("\r")
	a.until("it asks", `document.querySelector("#delete-own").open && document.querySelector("#delete-own form").innerText.includes("cannot be undone")`)
	a.do(chromedp.Focus(chromedp.CSS("#delete-own button")))
	a.key("\r")
	a.until("it is deleted, and the search is as it was", `document.querySelector(".banner.ok")?.textContent === "Your copy is deleted." && document.querySelector("#history-q").value === "invoi" && !document.querySelector(".hit")`)
	a.open("/history")
	a.eval(`(() => { const p = document.querySelector("#history-peer"); p.focus(); p.value = "Bro"; p.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	a.until("people are offered", `[...document.querySelectorAll("#history-people option")].some((o) => o.value === "bob@example.test")`)
	a.untroubled()
}

// voicemailIsPlayed: a recording plays, jumps, runs at another speed, and has been heard then.
func voicemailIsPlayed(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.mailbox.audio = tone(t, 40)
	h.missed()
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/calls")
	a.connected()
	a.until("the players", `document.querySelectorAll("audio").length === 2`)
	a.eval(`(window.first = document.querySelector(".voicemail.unseen audio"), first.muted = true, 0)`)
	a.eval(`(() => { const s = first.closest(".player").querySelector("[data-speed]"); s.value = "1.5"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	a.do(chromedp.Focus(chromedp.CSS(".voicemail.unseen audio"))) // a browser plays nothing before a key or click
	a.key(" ")
	a.until("it plays at the speed that was chosen", `!first.paused && first.currentTime > 0 && first.playbackRate === 1.5`)
	a.until("it has been heard", `!document.querySelector("#voicemail-pane form[data-unheard]")?.closest(".voicemail")?.innerText.includes("Bob Brown") && document.querySelectorAll(".voicemail.unseen").length === 1`)
	a.until("it goes on playing", `first.isConnected && !first.paused`)
	a.eval(`(window.before = first.currentTime, first.closest(".player").querySelector('[data-step="10"]').click(), 0)`)
	a.until("it jumped", `first.currentTime >= before + 9`)
	a.eval(`(first.currentTime = 35, 0)`)
	a.until("it is where one put it", `!first.seeking && first.currentTime >= 35`)
	a.eval(`(first.closest(".player").querySelector('[data-step="-10"]').click(), 0)`)
	a.until("and back again", `first.currentTime < 35 || first.ended`)
	a.eval(`(window.second = [...document.querySelectorAll("audio")].find((x) => x !== first), second.muted = true, second.play(), 0)`)
	a.until("one plays at a time", `first.paused && !second.paused`)
	if list, _, err := h.calls.Voicemails(t.Context(), alice); err != nil || !list[0].Heard {
		t.Errorf("voice mail %+v, %v", list, err)
	}
	a.until("the speed is remembered", `localStorage.getItem("portico:speed") === '"1.5"'`)
	a.open("/calls")
	a.until("for every player", `[...document.querySelectorAll("[data-speed]")].every((s) => s.value === "1.5")`)
	a.untroubled()
}

// callsComeByThemselves: the lists and the badge are what a fresh page has, whatever happens.
func callsComeByThemselves(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/calls")
	a.connected()
	a.until("nothing was missed", `document.querySelectorAll("main .empty").length === 2`)
	h.missed()
	a.until("all of it came", `document.querySelectorAll(".call").length === 4 && document.querySelectorAll(".voicemail").length === 3 && document.querySelector("#calls-total .badge").textContent.startsWith("5")`)
	a.until("the fresh page", freshPage)
	a.press(`#call-call-3 .see button`)
	a.until("one is seen", `document.querySelectorAll(".call.unseen").length === 2`)
	a.until("the fresh page after one was seen", freshPage)
	a.press(`.calls-head form button`)
	a.until("all are seen", `!document.querySelector(".call.unseen") && document.querySelector("#calls-total .badge").textContent.startsWith("2")`)
	a.press(`#call-call-2 form:last-child button`)
	a.until("one is deleted", `document.querySelectorAll(".call").length === 3`)
	h.mailbox.leave(portal.Voicemail{ID: "vm-4", Name: "Late", At: wednesday(t), Seconds: 2})
	a.until("a message more", `document.querySelectorAll(".voicemail").length === 4 && document.querySelector("#calls-total .badge").textContent.startsWith("3")`)
	a.eval(`document.querySelector("#delete-vm-4").open = true`)
	a.press(`#delete-vm-4 button`)
	a.until("it is deleted", `document.querySelectorAll(".voicemail").length === 3`)
	a.until("the fresh page at the end", freshPage)
	a.open("/contacts")
	a.until("the badge stands on every page", `document.querySelector("#calls-total .badge").textContent.startsWith("2")`)
	a.untroubled()
}

// historyWithoutScript: links and forms are enough.
func historyWithoutScript(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	h.missed()
	a := c.visitor(h)
	a.withoutScript()
	a.signIn(alice, "/history")
	a.eval(`(document.querySelector("#history-q").value = "invoice", document.querySelector(".history-do button").click())`)
	a.until("what was found", `document.querySelector(".hit mark")?.textContent === "invoice"`)
	a.press(".hit a")
	a.until("the conversation", `document.querySelector(".is-found")?.innerText.includes("the invoice is paid")`)
	a.open("/calls")
	a.press(`.calls-head form button`)
	a.until("all are seen", `!!document.querySelector(".call") && !document.querySelector(".call.unseen")`)
	// The page may still be on its way: its end comes after the calls.
	a.until("a recording with a link", `!!document.querySelector("audio source") && document.querySelector("audio source").getAttribute("src") === document.querySelector(".player-row a")?.getAttribute("href")`)
}
