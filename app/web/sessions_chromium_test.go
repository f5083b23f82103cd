package web

import "testing"

// spoken collects what a page's script says on its connection, and has its clock stand still unless it is put forward.
const spoken = `(() => {
  window.spoken = []; window.skew = 0;
  const send = WebSocket.prototype.send, base = Date.now();
  WebSocket.prototype.send = function (text) { window.spoken.push(JSON.parse(text).op); return send.call(this, text); };
  Date.now = () => base + window.skew;
  window.move = (ms) => { window.skew += ms; dispatchEvent(new PointerEvent("pointermove")); return window.spoken.filter((op) => op === "active").length; };
})()`

// inputIsSaidAgain: while input goes on the page says so again before what it said last is no longer believed, and not with
// each movement.
func inputIsSaidAgain(t *testing.T, c *chromium) {
	h := newHouse(t)
	b := c.visitor(h)
	b.beforeScript(spoken)
	b.signIn(alice, "/contacts")
	b.connected()
	b.until("it has said so once", `window.spoken.filter((op) => op === "active").length === 1`)
	for i, want := range []float64{1, 1, 2, 2, 2, 3} { // each minute; it holds for ten
		if got := b.eval(`window.move(60000)`); got != want {
			t.Errorf("minute %d: said %v times, want %v", i+1, got, want)
		}
	}
	b.eval(`(() => { for (let i = 0; i < 50; i++) window.move(10); })()`)
	if got := b.eval(`window.move(0)`); got != 3.0 {
		t.Errorf("said %v times after many small movements", got)
	}
	b.untroubled()
}

// goesOnElsewhere: a session that is cut and taken up in another browser goes on at the same page with the same text; nobody else gets
// that. What was said there is no draft in the first one any more, once it is back.
func goesOnElsewhere(t *testing.T, c *chromium) {
	h := newHouse(t)
	desk, net := c.visitor(h), newWire(t, h.url)
	desk.base = net.url
	desk.beforeScript(spoken) // its clock
	desk.signIn(alice, chatWith(bob))
	desk.connected()
	write := func(b *tab, text string) {
		b.eval(`(() => { const f = document.getElementById("text"); f.value = ` + quote(text) + `; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	}
	holds := func(text string) string { return `document.getElementById("text")?.value === ` + quote(text) }
	write(desk, "half a thou")
	kept := func(want string) func() bool {
		return func() bool {
			d, err := h.resume.Draft(t.Context(), alice, bob)
			return err == nil && d.Text == want && !d.At.IsZero()
		}
	}
	eventually(t, "what was begun is on the server", kept("half a thou"))
	desk.until("the browser knows that", `JSON.parse(localStorage.getItem("portico:begun:`+string(alice)+`:`+string(bob)+`")).kept === true`)
	net.setCut(true)
	desk.until("cut off", `!document.getElementById("cut-off").hidden`)

	hosted := c.visitor(h)
	hosted.signIn(alice, "/")
	hosted.until("the same page", `location.pathname === `+quote(chatWith(bob)))
	hosted.connected()
	hosted.until("the same text", holds("half a thou"))
	other := c.visitor(h)
	other.signIn(bob, chatWith(alice))
	other.connected()
	if got := other.eval(`document.getElementById("text").value`); got != "" {
		t.Errorf("somebody else finds %q", got)
	}
	hosted.say("half a thought, and the rest")
	eventually(t, "nothing is begun any more", kept(""))
	desk.eval(`(window.skew += 60000, 0)`) // a while later
	net.setCut(false)
	desk.until("what was said elsewhere", `[...document.querySelectorAll(".msg .text")].some((e) => e.textContent.includes("and the rest"))`)
	desk.until("nothing is begun here either", holds(""))
	hosted.open(chatWith(bob))
	hosted.connected()
	if got := hosted.eval(`document.getElementById("text").value`); got != "" {
		t.Errorf("read again, the page holds %q", got)
	}
	hosted.untroubled()
}

// signingOutKeepsWhatWasBegun: on the server, and not in the browser.
func signingOutKeepsWhatWasBegun(t *testing.T, c *chromium) {
	h := newHouse(t)
	b := c.visitor(h)
	b.signIn(alice, chatWith(bob))
	b.connected()
	b.eval(`(() => { const f = document.getElementById("text"); f.value = "begun"; f.dispatchEvent(new Event("input", { bubbles: true })); document.querySelector(".signout").requestSubmit(); })()`)
	b.until("signed out", `location.pathname === "/signin"`)
	if d, err := h.resume.Draft(t.Context(), alice, bob); err != nil || d.Text != "begun" {
		t.Errorf("kept %+v, %v", d, err)
	}
	if left := b.eval(`JSON.stringify(Object.keys(localStorage).filter((key) => key.startsWith("portico:begun")))`); left != "[]" {
		t.Errorf("left in the browser: %v", left)
	}
}
