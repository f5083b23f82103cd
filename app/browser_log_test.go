package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// chatter has bob say n messages to alice and waits until the last one has arrived.
func chatter(t *testing.T, bob *client, prefix string, n int) (texts []string) {
	t.Helper()
	bob.live(-1)
	for i := range n {
		text := fmt.Sprintf("%s %d", prefix, i)
		if i%7 == 3 {
			text += "\n" + strings.Repeat("a longer one that takes several lines ", 6)
		}
		text = strings.TrimSpace(text)
		texts = append(texts, text)
		said := map[string]string{"id": fmt.Sprintf("%s-%d", prefix, i), "text": text}
		await(t, longest, "place for "+said["id"]+" within what one may say in a while", func() bool {
			status := bob.call(http.MethodPost, "/conversations/"+person("alice")+"/messages", said, nil)
			if status != http.StatusAccepted && status != http.StatusTooManyRequests {
				t.Fatalf("say %s: status %d", said["id"], status)
			}
			return status == http.StatusAccepted
		})
	}
	await(t, patience, "all of it at alice's", func() bool { return bob.state("alice", fmt.Sprintf("%s-%d", prefix, n-1)) == "delivered" })
	return texts
}

// anchor remembers the first message that is wholly in view, and where it is.
const anchor = `(() => {
  const top = document.getElementById("log").getBoundingClientRect().top;
  const m = [...document.querySelectorAll("#log .msg")].find((m) => m.getBoundingClientRect().top >= top);
  window.anchor = m; window.anchorTop = m.getBoundingClientRect().top;
  window.anchorAt = [m.dataset.id, document.getElementById("log").scrollTop, document.getElementById("log").scrollHeight];
  return true;
})()`

// moved is by how many pixels it has moved since.
const moved = `Math.abs(window.anchor.getBoundingClientRect().top - window.anchorTop)`

func oldMessagesOnScrolling(t *testing.T, d *desk) {
	p := d.portal()
	bob := p.signIn("bob")
	p.signIn("alice")
	want := chatter(t, bob, "number", 300)
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	alice.until("the newest fifty, or already those before", `document.querySelectorAll("#log .msg").length >= 50`)
	alice.run(`document.getElementById("log").scrollTop = -1e6`) // from the mark of what is unread, or the end
	for n := 100; n <= 300; n += 50 {
		// Up to where the older ones begin to come, and no further: what is looked at stays where it is.
		alice.until(fmt.Sprintf("a way to those before the %d shown", n-50), `document.querySelector(".earlier:not([hidden])") !== null || document.querySelectorAll("#log .msg").length >= `+fmt.Sprint(n))
		if eval[int](alice, `document.querySelectorAll("#log .msg").length`) < n {
			eval[bool](alice, `(() => { document.getElementById("log").scrollTop = -1e6; return true; })() && `+anchor)
		} else {
			eval[bool](alice, anchor)
		}
		alice.until(fmt.Sprintf("%d messages", n), fmt.Sprintf(`document.querySelectorAll("#log .msg").length >= %d`, n))
		alice.until("the end of the loading", `document.getElementById("log").getAttribute("aria-busy") !== "true"`)
		if got := eval[float64](alice, moved); got > 2 {
			t.Errorf("with %d messages what was looked at moved by %.1f pixels (%s)", n, got, eval[string](alice, `JSON.stringify([anchorAt, document.getElementById("log").scrollTop, document.getElementById("log").scrollHeight])`))
		}
	}
	if got := alice.texts(); !slices.Equal(got, want) {
		t.Errorf("%d messages are shown, in the order %.300q", len(got), got)
	}
	alice.until("no way further up", `document.querySelector(".earlier:not([hidden])") === null`)
	days := eval[[]string](alice, `[...document.querySelectorAll("#log .day")].map((d) => d.dataset.day)`)
	if distinct := slices.Compact(slices.Clone(days)); len(days) == 0 || len(distinct) != len(days) { // two where it is midnight meanwhile
		t.Errorf("the separators of the days are %q", days)
	}
}

func logSticksToItsEnd(t *testing.T, d *desk) {
	p := d.portal()
	bob := p.signIn("bob")
	p.signIn("alice")
	chatter(t, bob, "number", 40)
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	alice.run(`document.getElementById("log").scrollTop = 0`)
	const atEnd = `Math.abs(document.getElementById("log").scrollTop) < 2`
	bob.say("alice", "m1", "at the end")
	alice.shows("at the end", false)
	alice.until("the log at its end", atEnd)

	alice.run(`document.getElementById("log").scrollTop = -600`)
	eval[bool](alice, anchor)
	for i := range 3 {
		text := fmt.Sprintf("while reading above %d\nsecond line", i)
		bob.say("alice", fmt.Sprint("n", i), text)
		alice.shows(text, false)
	}
	if got := eval[float64](alice, moved); got > 2 {
		t.Errorf("new messages moved what is read by %.1f pixels", got)
	}
	if eval[bool](alice, atEnd) {
		t.Error("new messages tore the reader to the end")
	}
	alice.click("button", "Newest messages")
	alice.until("the log at its end", atEnd)
	alice.gone("button", "Newest messages")
	alice.run(`document.getElementById("log").scrollTop = -600`)
	alice.say("my own words")
	alice.until("own words in view", atEnd)
}

func textIsShownAsText(t *testing.T, d *desk) {
	p := d.portal()
	bob := p.signIn("bob")
	bob.live(-1)
	alice := d.reader(p).signIn("alice", with("bob")).live()
	line := strings.Repeat("x", 7900)
	hostile := []string{
		`<script>window.hacked = 1</script>`,
		`<img src=x onerror="window.hacked = 2">`,
		`"><svg onload=window.hacked=3>`,
		"javascript:window.hacked=4 JaVaScRiPt:alert(1) data:text/html,<script>window.hacked=5</script>",
		`</live-part></live-event><live-event data-event="message"><b>forged</b>`,
		"evil \u202egnp.exe\u202c and \u2066isolated\u2069 \u200f right to left",
		"שלום עולם, كيف حالك",
		"zero\u200bwidth \u0301\u0301\u0301\u0301 Z̸̢̛͎a̵l̶g̷o̶",
		"{{.Text}} ${1+1} %s %00 \\u003cb\\u003e &lt;b&gt; &amp;",
		line,
	}
	for i, text := range hostile {
		bob.say("alice", fmt.Sprint("h", i), text)
	}
	// Overrides of the writing direction are left out; what sets off a stretch of its own is kept.
	hostile[5] = "evil gnp.exe and \u2066isolated\u2069 \u200f right to left"
	alice.shows(line, false)
	if got := alice.texts(); !slices.Equal(got, hostile) {
		t.Errorf("live: %.2000q", got)
	}
	alice.show(with("bob")).live()
	if got := alice.texts(); !slices.Equal(got, hostile) {
		t.Errorf("fresh page: %.2000q", got)
	}
	bob.say("alice", "links", "see https://example.test/a?b=c&d=%20#e, http://example.test. and bob@example.test :) <3")
	alice.until("links", `document.querySelectorAll("#log .text a").length >= 2`)
	var links []struct{ Href, Rel, Target string }
	raw := eval[string](alice, `JSON.stringify([...document.querySelectorAll("#log .text a")].map((a) => ({ Href: a.getAttribute("href"), Rel: a.rel, Target: a.target })))`)
	if err := json.Unmarshal([]byte(raw), &links); err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if !strings.HasPrefix(l.Href, "https://example.test/a") && l.Href != "http://example.test" && l.Href != "mailto:bob@example.test" && !strings.HasPrefix(l.Href, "/chat/") {
			t.Errorf("a link to %q", l.Href)
		}
		if !strings.Contains(l.Rel, "noopener") || !strings.Contains(l.Rel, "noreferrer") {
			t.Errorf("the link to %q has rel %q", l.Href, l.Rel)
		}
	}
	alice.until("emoji", `[...document.querySelectorAll("#log .text")].at(-1).textContent.includes("🙂")`)
	bob.call("PUT", "/me/presence", map[string]string{"availability": "busy", "note": `<img src=x onerror="window.hacked=6"> ` + "\u202enote"}, nil)
	alice.until("the hostile note as text", `document.querySelector(".peer .note")?.textContent.includes("<img src=x")`)

	if eval[bool](alice, `"hacked" in window`) {
		t.Errorf("a text ran as a program: %d", eval[int](alice, `window.hacked`))
	}
	for _, what := range []string{"#log script", "#log img", "#log .text svg", "live-event", "#log .text b", ".peer .note img"} {
		if n := eval[int](alice, `document.querySelectorAll(`+quoted(what)+`).length`); n > 0 {
			t.Errorf("%d elements %s", n, what)
		}
	}
	// The long line and the overrides stay in their bubbles, and the times stand where they belong.
	for _, width := range []int64{320, 1280} {
		alice.size(width, 800)
		alice.until(fmt.Sprintf("all bubbles inside the log at %d", width), `(() => {
		  const log = document.getElementById("log");
		  const right = log.getBoundingClientRect().right + 0.5, left = log.getBoundingClientRect().left - 0.5;
		  return log.scrollWidth <= log.clientWidth && [...log.querySelectorAll(".bubble, .bubble .text, .bubble time")].every((e) => e.getBoundingClientRect().right <= right && e.getBoundingClientRect().left >= left);
		})()`)
	}
	if got := eval[[]string](alice, `[...document.querySelectorAll("#log .msg time")].map((e) => e.textContent).filter((s) => !/^\d\d:\d\d$/.test(s))`); len(got) > 0 {
		t.Errorf("times read %q", got)
	}
}

func programsAreMarked(t *testing.T, d *desk) {
	p := d.portal()
	b := d.visitor(p).signIn("alice", "/contacts").live()
	for _, robot := range []string{"Karl Kraus", "Lena Lang"} {
		b.element("listitem", robot+"…")
		b.until(robot+" marked", `[...document.querySelectorAll(".contact")].some((li) => li.querySelector("b").textContent === `+quoted(robot)+` && li.querySelector(".tag")?.textContent === "answers by itself")`)
	}
	if n := eval[int](b, `[...document.querySelectorAll(".contact")].filter((li) => li.querySelector(".tag")).length`); n != 2 {
		t.Errorf("%d contacts are marked as programs", n)
	}
	b.write("searchbox", "Find a person", "karl")
	b.until("the mark on who was found", `document.querySelector("#found .contact .tag")?.textContent === "answers by itself"`)
	b.show(with("karl")).live()
	b.until("the mark in the conversation", `document.querySelector(".peer .tag")?.textContent === "answers by itself"`)
	b.say("hello robot")
	b.until("its answer", `document.querySelector("#log .msg:not(.mine)") !== null`)
}
