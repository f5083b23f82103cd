package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"portico/app/portal"
)

// TestWhatIsHeardOfMessages is about those who do not see messages come: what their screen reader is given to say. All
// share a browser.
func TestWhatIsHeardOfMessages(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"OneMessageIsHeardAsItIs", oneIsHeardAsItIs},
		{"ManyAreHeardByTheirNumber", manyAreHeardByNumber},
		{"OwnMessagesAndOldOnesAreSilent", ownAreSilent},
		{"TypingIsHeardOnce", typingIsHeardOnce},
		{"MessagesElsewhereAreHeardWithoutTheirText", elsewhereIsHeard},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// listening keeps all that is given to be heard in window.heard, and holds back what is gathered until release is called.
// The page's own timer for that is known by what its function says; its name is another when it is sent.
const listening = `
  window.heard = []; window.waiting = [];
  const later = window.setTimeout.bind(window);
  window.setTimeout = (f, ms) => String(f).includes("heard-many") && window.holds ? window.waiting.push(f) : later(f, ms);
  window.release = () => { window.holds = false; for (const f of window.waiting.splice(0)) f(); };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver((all) => { for (const m of all) for (const n of m.addedNodes) if (n.textContent.trim()) window.heard.push(n.textContent); })
      .observe(document.getElementById("heard"), { childList: true });
  });`

// listener is a window that listens.
func (c *chromium) listener(h *house, path string) *tab {
	c.t.Helper()
	a := c.visitor(h)
	a.signIn(alice, "/help")
	a.beforeScript(listening)
	a.open(path)
	a.connected()
	return a
}

func heardNow(texts ...string) string {
	return `JSON.stringify(window.heard) === ` + quote(string(mustJSON(append([]string{}, texts...))))
}

func oneIsHeardAsItIs(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(alice)
	a := c.listener(h, chatWith(bob))
	h.hear(bob, "b1", "are you there?", time.Now())
	a.until("it is heard, with its sender", heardNow("Bob Brown: are you there?"))
	h.hear(bob, "b2", "are you there?", time.Now())
	a.until("the same words are heard again", heardNow("Bob Brown: are you there?", "Bob Brown: are you there?"))
	if live := a.eval(`document.getElementById("log").getAttribute("aria-live") + document.getElementById("heard").getAttribute("aria-live")`); live != "offpolite" {
		t.Errorf("the log and what is heard are %v", live)
	}
	a.hears("log", "Messages")
	a.untroubled()
}

// manyAreHeardByNumber: in a room with much talk one sentence stands for all that came meanwhile, and pauses grow.
func manyAreHeardByNumber(t *testing.T, c *chromium) {
	h := newHouse(t)
	room := h.room("lobby", bob, carol)
	a := c.listener(h, roomPath(room))
	shown := func(n int) string { return fmt.Sprintf(`document.querySelectorAll(".said").length === %d`, n) }
	a.eval(`(window.holds = true, 0)`)
	for i := range 40 {
		h.tells([]portal.Address{bob, carol}[i%2], room, fmt.Sprint("number ", i))
	}
	a.until("all of it came", shown(40))
	a.until("it waits", `window.waiting.length === 1`)
	if got := a.eval(`window.heard.length`); got != float64(0) {
		t.Errorf("%v were heard already", got)
	}
	a.eval(`(window.release(), 0)`)
	a.until("heard as one", heardNow("New messages: 40. The newest, from Carol Clark: number 39"))
	a.eval(`(window.holds = true, 0)`)
	for i := range 10 {
		h.tells(bob, room, fmt.Sprint("more ", i))
	}
	a.until("the rest came", shown(50))
	a.eval(`(window.release(), 0)`)
	a.until("again as one", heardNow("New messages: 40. The newest, from Carol Clark: number 39", "New messages: 10. The newest, from Bob Brown: more 9"))
	a.untroubled()
}

// ownAreSilent: neither what one says oneself, here or in another window, nor old messages that are loaded.
func ownAreSilent(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(alice)
	h.browse(bob)
	start := time.Now().Add(-72 * time.Hour)
	for i := range 80 {
		h.hear(bob, fmt.Sprintf("b%03d", i), fmt.Sprintf("number %d", i), start.Add(time.Duration(i)*time.Minute))
	}
	h.must(h.chat.MarkRead(t.Context(), alice, bob, ""))
	a := c.listener(h, chatWith(bob))
	a.eval(`document.getElementById("log").scrollTo(0, -1e6)`)
	a.until("those before came", `document.querySelectorAll(".msg").length === 80`)
	a.say("said here")
	h.say(bob, "elsewhere", "said in another window")
	a.until("both are there", `document.querySelectorAll(".msg.mine").length === 2`)
	h.hear(bob, "new", "an answer", time.Now())
	a.until("the answer alone is heard", heardNow("Bob Brown: an answer"))
	h.say(nobody, "lost", "nobody home")
	a.open(chatWith(nobody))
	a.connected()
	a.say("is anybody there?")
	a.until("that it failed is heard, and why", `document.getElementById("announce").textContent !== "" && document.querySelectorAll('.state[data-state=failed]').length === 2 && window.heard.length === 0`)
}

// typingIsHeardOnce: until the other one has said something.
func typingIsHeardOnce(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(alice)
	a := c.listener(h, chatWith(bob))
	writes := func(on bool) {
		h.chat.ReceiveTyping(alice, bob, on, time.Minute)
		a.until("it shows", fmt.Sprintf(`(document.querySelector(".typing").textContent.trim() !== "") === %v`, on))
	}
	for range 3 {
		writes(true)
		writes(false)
	}
	a.until("heard once", `window.heard.length === 1 && window.heard[0].startsWith("Bob Brown")`)
	h.hear(bob, "b1", "well", time.Now())
	a.until("the message", `window.heard[1] === "Bob Brown: well"`)
	writes(true)
	a.until("and once more for what comes then", `window.heard.length === 3 && window.heard[2] === window.heard[0]`)
}

// elsewhereIsHeard: from whom it is, and not what it says.
func elsewhereIsHeard(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.browse(alice)
	a := c.listener(h, chatWith(bob))
	a.do(chromedp.Focus(chromedp.CSS("#text")))
	h.hear(carol, "c1", "something private", time.Now())
	a.until("that it came", heardNow("New message from Carol Clark."))
	a.eval(`(window.holds = true, 0)`)
	h.hear(bob, "b1", "in the open conversation", time.Now())
	h.hear(carol, "c2", "something private again", time.Now())
	a.until("both came", `document.querySelectorAll(".msg").length === 1 && document.querySelector("#conversations .last").textContent.trim() === "something private again"`)
	a.eval(`(window.release(), 0)`)
	a.until("together", heardNow("New message from Carol Clark.", "New messages: 2. The newest is from Carol Clark."))
}
