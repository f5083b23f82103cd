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
