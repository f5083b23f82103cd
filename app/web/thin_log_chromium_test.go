package web

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/policy"
	"portico/app/portal"
)

// talk is a window in which a conversation is open, and how much was said in it.
type talk struct {
	*tab
	told int
}

// standing is where a conversation stands on the screen, in pixels.
type standing struct {
	// First is where its first message begins, Last where the newest ends, both from the top of the log, which is High.
	First, Last, High int
	// Scroll and Whole are the log's scroll position, from its end, and the height of all in it.
	Scroll, Whole float64
}

const placeOfLog = `(() => {
  const log = document.getElementById("log"), messages = log.querySelectorAll(".msg"), top = log.getBoundingClientRect().top;
  const edge = (message, side) => Math.round(message.getBoundingClientRect()[side] - top);
  return JSON.stringify({ First: edge(messages[0], "top"), Last: edge([...messages].at(-1), "bottom"), High: log.clientHeight, Scroll: log.scrollTop, Whole: log.scrollHeight });
})()`

func (b *tab) stands() (at standing) {
	b.t.Helper()
	text, _ := b.eval(placeOfLog).(string)
	b.must(json.Unmarshal([]byte(text), &at))
	return at
}

// follows has n things said, one after the other, and gives where the log stands after each; the newest is always seen whole.
func (b *talk) follows(n int, say func(text string)) (places []standing) {
	b.t.Helper()
	for i := range n {
		text := fmt.Sprintf("%s, thing %d", b.t.Name(), b.told+i)
		say(text)
		b.until(text, `[...document.querySelectorAll(".msg .text")].at(-1)?.textContent.trim() === `+quote(text))
		at := b.stands()
		if at.Last > at.High || at.Last < 0 {
			b.t.Errorf("%s: ends at %d of %d", text, at.Last, at.High)
		}
		places = append(places, at)
	}
	b.told += n
	return places
}

// steps is how often the log moved, and how often it got another height without that.
func steps(places []standing) (moved, redrawn int) {
	for i := 1; i < len(places); i++ {
		switch was, is := places[i-1], places[i]; {
		case far(was.First, is.First):
			moved++
		case was.Scroll != is.Scroll || was.Whole != is.Whole:
			redrawn++
		}
	}
	return moved, redrawn
}

// far reports whether something moved by more than the rounding of pixels.
func far(from, to int) bool { return from-to > 1 || to-from > 1 }

// theLogMovesInSteps: in a thin session what is said comes below what was said before, which stays where it is; the log moves once
// for several messages. In a full one it moves with each.
func theLogMovesInSteps(t *testing.T, c *chromium) {
	h := newHouse(t, thinFrom)
	room := h.room("lobby", bob)
	b := &talk{tab: c.visitor(h)}
	b.size(1280, 720)
	said := 0
	fromBob := func(text string) { said++; h.hear(bob, fmt.Sprintf("s%03d", said), text, time.Now()) }
	inRoom := func(text string) { h.tells(bob, room, text) }
	for _, one := range []struct {
		path string
		say  func(string)
	}{{chatWith(bob), fromBob}, {roomPath(room), inRoom}} {
		one.say("the first")
		if one.path == chatWith(bob) {
			b.signIn(alice, one.path)
		} else {
			b.open(one.path)
		}
		b.connected()
		if moved, redrawn := steps(b.follows(4, one.say)); moved+redrawn > 0 {
			t.Errorf("%s: a short log moved %d times, and got another height %d times", one.path, moved, redrawn)
		}
		b.follows(16, one.say) // by now it is full
		moved, redrawn := steps(b.follows(12, one.say))
		if moved < 1 || moved > 4 || redrawn > 0 {
			t.Errorf("%s: in 12 messages a full log moved %d times, and got another height %d times", one.path, moved, redrawn)
		}
		b.readsBack(one.say)
		b.writesMuch(one.say)
	}
	b.small(inRoom)
	b.open("/help") // a conversation that is read again would be loaded anew as one of the other kind, and not the next page
	h.must(h.account.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { set.Thin = policy.Off; return nil }))
	b.size(1280, 720)
	b.open(chatWith(bob))
	b.connected()
	if moved, _ := steps(b.follows(6, fromBob)); moved != 5 {
		t.Errorf("in 6 messages the log of a full session moved %d times", moved)
	}
	b.untroubled()
}

// readsBack: whoever reads what was said before stays there, is told that there is more, and comes back to the end.
func (b *talk) readsBack(say func(string)) {
	b.t.Helper()
	b.eval(`document.getElementById("log").scrollBy(0, -600)`)
	b.until("something older", `document.getElementById("log").scrollTop < -300`)
	before := b.stands()
	say("while older things are read")
	b.until("a way to the newest", `!document.getElementById("newest").hidden && [...document.querySelectorAll(".msg .text")].at(-1).textContent.trim() === "while older things are read"`)
	if at := b.stands(); far(at.First, before.First) {
		b.t.Errorf("what is read moved from %d to %d", before.First, at.First)
	}
	b.eval(`document.getElementById("newest").focus()`)
	b.eval(`document.activeElement.click()`)
	b.until("the end", `document.getElementById("newest").hidden && document.activeElement.id === "text"`)
	if at := b.stands(); at.Last > at.High || at.High-at.Last > 10 {
		b.t.Errorf("the newest ends at %d of %d", at.Last, at.High)
	}
}

// writesMuch: a field that grows by lines takes the room that is free; one's own message stands where the next one would.
func (b *talk) writesMuch(say func(string)) {
	b.t.Helper()
	at := b.follows(2, say)[1]
	for i := 0; i < 20 && at.High-at.Last < 120; i++ { // until there is room, which there is after each step
		at = b.follows(1, say)[0]
	}
	if at.High-at.Last < 120 {
		b.t.Fatalf("no room after any message: %+v", at)
	}
	b.eval(`document.getElementById("text").focus()`)
	b.eval(`document.execCommand("insertText", false, "one\ntwo\nthree")`)
	b.until("a larger field", fmt.Sprintf(`document.getElementById("log").clientHeight < %d`, at.High))
	b.until("nothing moved", fmt.Sprintf(`(() => { const at = JSON.parse(%s); return Math.abs(at.First - %d) < 2 && Math.abs(at.Last - %d) < 2 && at.Last <= at.High; })()`, placeOfLog, at.First, at.Last))
	b.eval(`document.getElementById("composer").requestSubmit()`)
	b.until("one's own message", `[...document.querySelectorAll(".msg.mine .text")].at(-1)?.innerText.includes("three") && document.querySelectorAll(".msg[data-order='0']").length === 0`)
	b.until("the field as before", fmt.Sprintf(`document.getElementById("log").clientHeight === %d`, at.High))
	if now := b.stands(); far(now.First, at.First) || now.Last <= at.Last || now.Last > now.High {
		b.t.Errorf("before one's own message %+v, then %+v", at, now)
	}
}

// small: in a window as at a zoom of 400 % the newest is seen all the same, and all that is older can be reached with the keyboard.
func (b *talk) small(say func(string)) {
	b.t.Helper()
	b.size(320, 256)
	b.until("a small log", `document.getElementById("log").clientHeight < 256`)
	b.eval(`document.getElementById("newest").click()`)
	b.follows(6, say)
	b.eval(`document.getElementById("log").focus()`)
	if b.eval(`document.activeElement.id`) != "log" || b.eval(`document.getElementById("log").getAttribute("role")`) != "log" {
		b.t.Error("the log takes no focus")
	}
	b.do(chromedp.KeyEvent(kb.Home))
	b.until("the beginning", `document.getElementById("log").scrollTop < -200`)
}
