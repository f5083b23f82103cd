package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// freshPage compares the window with the same page read now, without what each has its own of: ids of the
// next message, what is announced, what only script shows, where the present moment is drawn.
const freshPage = `(() => {
  const get = new XMLHttpRequest();
  get.open("GET", location.href, false);
  get.send();
  const own = "script, template, noscript, .unread-mark, #announce, #heard, #cut-off, #newest, #problem, #composer, #list-found, #found, #status-note, .clock, line.now, rect.taken";
  const walk = (n) => {
    if (n.nodeType === 3) return n.data.trim() ? [n.data.trim().replace(/\s+/g, " ")] : [];
    if (n.nodeType !== 1 || n.matches(own)) return [];
    const attributes = n.localName === "body" ? [] : [...n.attributes].filter((a) => !["data-htmx-powered", "data-read", "aria-busy"].includes(a.name))
      .map((a) => a.name + "=" + (a.name === "class" ? a.value.split(/\s+/).filter(Boolean).sort().join(" ") : a.value)).sort();
    return ["<" + n.localName + " " + attributes.join(" ") + ">", ...[...n.childNodes].flatMap(walk)];
  };
  const here = walk(document.body), fresh = walk(new DOMParser().parseFromString(get.responseText, "text/html").body);
  const at = here.findIndex((line, i) => line !== fresh[i]);
  window.differs = at < 0 && here.length === fresh.length ? "" : JSON.stringify({ here: here.slice(Math.max(0, at - 2), at + 3), fresh: fresh.slice(Math.max(0, at - 2), at + 3) });
  return window.differs === "";
})()`

// oldPageIsFreshPage: whatever kind of event comes, the page that was open is then what a fresh one would be.
func oldPageIsFreshPage(t *testing.T, d *desk) {
	p := d.portal("PORTICO_LIMITS_API_RATE=1000", "PORTICO_CHAT_RATE=1000")
	alice := d.visitor(p).signIn("alice", "/contacts").live()
	me, bob, dave := p.signIn("alice"), p.signIn("bob"), p.signIn("dave")
	bob.live(-1)
	dave.live(-1)
	bob.gives("alice", "team")
	api := func(c *client, method, path string, in any, want int) {
		t.Helper()
		if status := c.call(method, path, in, nil); status != want {
			t.Fatalf("%s %s: status %d", method, path, status)
		}
	}
	kinds := []struct {
		name string
		do   func(n int) // n tells repetitions apart
		// shown is a condition that holds when the event has come to the page.
		shown string
	}{
		{"message", func(n int) {
			bob.say("alice", fmt.Sprint("b", n), fmt.Sprintf("see https://example.test/%d <b>& :)\n2", n))
		}, `true`},
		{"message of somebody new", func(n int) {
			if n == 0 {
				dave.say("alice", "d0", "a first word")
			}
		}, `true`},
		{"own message and its state", func(n int) {
			me.say("bob", fmt.Sprint("a", n), "from another window")
			await(t, patience, "delivery", func() bool { return me.state("bob", fmt.Sprint("a", n)) == "delivered" })
		}, `true`},
		{"message that fails", func(n int) { me.say("nobody", fmt.Sprint("f", n), "lost") }, `true`},
		{"counts, and a message that was read", func(int) {
			api(me, http.MethodPost, "/conversations/"+person("bob")+"/read", map[string]string{}, http.StatusNoContent)
		}, `document.querySelector("#unread-total") !== null`},
		{"presence", func(n int) {
			api(bob, http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "note": fmt.Sprintf("not <now>, %d", n)}, http.StatusOK)
		}, `document.querySelector("[data-live='dot:sip:bob@example.test']")?.dataset.p !== "available"`},
		{"where somebody is", func(n int) {
			api(bob, http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "location": fmt.Sprint("Room ", n), "time_zone": []string{"Asia/Tokyo", "America/Lima", "Asia/Kolkata"}[n]}, http.StatusOK)
		}, `location.pathname.length < 7 || location.pathname === "/contacts" || document.querySelector(".person .clock") !== null`},
		{"own presence", func(int) {
			api(me, http.MethodPut, "/me/presence", map[string]any{"availability": "away", "note": "mine", "until": time.Now().Add(time.Hour)}, http.StatusOK)
		}, `document.querySelector(".me .presence-word").textContent === "Away"`},
		{"own presence automatic again", func(int) { api(me, http.MethodDelete, "/me/presence", nil, http.StatusOK) }, `document.querySelector(".me .presence-word").textContent === "Available"`},
		{"typing", func(int) {
			api(bob, http.MethodPost, "/conversations/"+person("alice")+"/typing", map[string]bool{"typing": true}, http.StatusNoContent)
		}, `true`},
		{"typing no more", func(int) {
			api(bob, http.MethodPost, "/conversations/"+person("alice")+"/typing", map[string]bool{"typing": false}, http.StatusNoContent)
		}, `true`},
		{"contacts", func(n int) {
			api(me, http.MethodPut, "/contacts/"+person("lena"), map[string]string{"group": fmt.Sprint("Group ", n)}, http.StatusOK)
		}, `true`},
		{"contact removed", func(int) { api(me, http.MethodDelete, "/contacts/"+person("lena"), nil, http.StatusNoContent) }, `true`},
		{"presence as it was", func(int) { api(bob, http.MethodDelete, "/me/presence", nil, http.StatusOK) }, `true`},
	}
	for n, path := range []string{with("bob"), "/chat", "/contacts"} {
		alice.show(path).live()
		alice.settles("the page at rest on " + path)
		for _, kind := range kinds {
			kind.do(n)
			alice.until(kind.name+" on "+path, kind.shown)
			alice.settles(kind.name + " on " + path)
		}
	}
}

// settles waits until the window is what a fresh page is.
func (b *tab) settles(what string) {
	b.t.Helper()
	b.wait("the fresh page after "+what, func() (bool, error) {
		same := eval[bool](b, freshPage)
		return same, fmt.Errorf("differs: %s", eval[string](b, `window.differs`))
	})
}

// timers records which timers a page has pending and when it last set one.
const timers = `(() => {
  const pending = new Map(), set = setTimeout, every = setInterval, clear = clearTimeout;
  window.timers = { pending, last: 0, intervals: [] };
  window.setTimeout = (f, delay = 0, ...a) => {
    const id = set((...b) => { pending.delete(id); f(...b); }, delay, ...a);
    pending.set(id, delay);
    window.timers.last = performance.now();
    return id;
  };
  window.clearTimeout = (id) => { pending.delete(id); clear(id); };
  window.setInterval = (f, delay = 0, ...a) => { window.timers.intervals.push(delay); return every(f, delay, ...a); };
  window.clearInterval = (id) => { clear(id); };
  const frame = requestAnimationFrame;
  window.timers.frames = 0;
  window.requestAnimationFrame = (f) => { window.timers.frames++; return frame(f); };
})()`

// nothingTicks: a page on which nothing happens sets no timer that is due within 20 seconds, and none again and
// again.
func nothingTicks(t *testing.T, d *desk) {
	p := d.portal()
	b := d.visitor(p).before(timers).signIn("alice", "/contacts").live()
	for _, path := range []string{"/contacts", "/chat", with("bob"), "/settings"} {
		b.show(path).live()
		b.until("only slow timers on "+path, `[...timers.pending.values()].every((delay) => delay >= 20000)`)
		b.until("three seconds without a timer on "+path, `performance.now() - timers.last > 3000 && performance.now() > 3000`)
		if got := eval[[]int](b, `timers.intervals`); len(got) > 0 {
			t.Errorf("%s has intervals of %v ms", path, got)
		}
		if n := eval[int](b, `timers.pending.size`); n > 6 {
			t.Errorf("%s has %d timers pending", path, n)
		}
		frames := eval[int](b, `timers.frames`)
		b.until("half a second more", fmt.Sprintf(`performance.now() > %f`, eval[float64](b, `performance.now()`)+500))
		if now := eval[int](b, `timers.frames`); now != frames {
			t.Errorf("%s asked for %d frames while nothing happened", path, now-frames)
		}
	}
}
