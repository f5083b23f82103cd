package web

import (
	"fmt"
	"testing"
	"time"
)

// aPageThatMissedTooMuchIsReadAgain: the tab knows numbers of a log that the portal has no more, and the
// page cannot be read at first.
func aPageThatMissedTooMuchIsReadAgain(t *testing.T, c *chromium) {
	h := newHouse(t)
	a, net := c.visitor(h), newWire(t, h.url)
	a.base = net.url
	a.signIn(alice, "/contacts")
	h.hear(bob, "b1", "before", time.Now())
	a.beforeScript(`
	  const read = window.fetch;
	  window.__away = true;
	  window.fetch = (what, how) => window.__away && what === location.href ? Promise.resolve(new Response("", { status: 503 })) : read(what, how);
	  new MutationObserver((_, o) => { if (document.body) { document.body.dataset.since = "99999999"; o.disconnect(); } }).observe(document, { childList: true, subtree: true });`)
	shown := func(text string) string {
		return `[...document.querySelectorAll(".msg .text")].filter((e) => e.textContent === "` + text + `").length === 1`
	}
	a.open(chatWith(bob))
	a.until("the page is live and says that it lacks something", `document.body.classList.contains("live") && !document.getElementById("cut-off").hidden`)
	a.eval(`document.querySelector(".msg").remove()`)
	h.hear(bob, "b2", "meanwhile", time.Now())
	a.until("what comes is shown all the same", shown("meanwhile"))
	net.setCut(true)
	net.setCut(false)
	a.until("and after a break it still says so", `document.body.classList.contains("live") && !document.getElementById("cut-off").hidden`)
	a.eval(`window.__away = false`)
	a.until("what was missing is there", shown("before"))
	a.connected()
	a.until("the fresh page", freshPage)
	h.hear(bob, "b3", "afterwards", time.Now())
	a.until("it goes on", shown("afterwards"))
	net.setCut(true)
	h.hear(bob, "b4", "in the dark", time.Now())
	net.setCut(false)
	a.until("and after a break", shown("in the dark"))
	a.until("each once", `document.querySelectorAll(".msg").length === 4`)
}

// aLongQueueGoesOutInOrder: more waits than the portal takes at once.
func aLongQueueGoesOutInOrder(t *testing.T, c *chromium) {
	h := newHouse(t, func(s *settings) { s.web.LiveRate, s.web.LiveBurst = 20, 12 })
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	const many = 40
	a.eval(fmt.Sprintf(`localStorage.setItem("portico:out:sip:alice@example.test", JSON.stringify(Array.from({ length: %d },
	  (_, i) => ({ id: "q" + i, conversation: "sip:bob@example.test", text: "number " + i, at: Date.now() }))))`, many))
	a.open(chatWith(bob))
	a.until("nothing waits any more", `localStorage.getItem("portico:out:sip:alice@example.test") === "[]"`)
	messages, err := h.chat.Messages(t.Context(), alice, bob, 0, 200)
	if err != nil || len(messages) != many {
		t.Fatalf("%d messages got through (%v)", len(messages), err)
	}
	for i, m := range messages {
		if m.Text != fmt.Sprint("number ", i) {
			t.Fatalf("at place %d is %q", i, m.Text)
		}
	}
	a.until("shown in order", fmt.Sprintf(`(() => { const texts = [...document.querySelectorAll(".msg .text")].map((e) => e.textContent); return texts.length === %d && texts.every((text, i) => text === "number " + i); })()`, many))
	a.say("one more")
	a.until("and one goes on", `[...document.querySelectorAll(".msg.mine .state")].at(-1).dataset.state !== "pending" && localStorage.getItem("portico:out:sip:alice@example.test") === "[]"`)
	a.untroubled()
}
