package web

import (
	"encoding/json"
	"strings"
	"testing"

	"portico/app/policy"
	"portico/app/portal"
	"portico/static"
)

// TestThinSessionsInChromium is thin sessions in a real browser; all share one, as in TestInChromium.
func TestThinSessionsInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"NothingIsDrawnForLooks", nothingIsDrawnForLooks},
		{"PicturesComeWhenAskedFor", picturesComeWhenAskedFor},
		{"NothingTicks", nothingTicks},
		{"OfferAndPolicy", offerAndPolicy},
		{"PresenceIsGathered", presenceIsGathered},
		{"TheLogMovesInSteps", theLogMovesInSteps},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

func thinFrom(s *settings) { s.web.Thin = policy.NewThinWays(loopbacks, "") }

// costly lists what on a page moves, fades, glows or is patterned: element, property and value, each property once.
const costly = `(() => {
  const cheap = { "animation-name": ["none"], "transition-property": ["none"], "box-shadow": ["none"], "text-shadow": ["none"], "background-image": ["none"],
    "filter": ["none"], "backdrop-filter": ["none"], "mask-image": ["none"], "scroll-behavior": ["auto"] };
  const found = {};
  for (const e of document.querySelectorAll("*")) for (const part of [null, "::before", "::after", "::backdrop"]) {
    const style = getComputedStyle(e, part);
    for (const [name, fine] of Object.entries(cheap)) {
      const value = style.getPropertyValue(name);
      if (value && !fine.includes(value)) found[name] ||= e.localName + "." + e.className + (part || "") + " " + name + ": " + value;
    }
    if (!part && style.opacity !== "1" && e.type !== "file" && style.display !== "none") found.opacity ||= e.localName + "." + e.className + " opacity: " + style.opacity;
  }
  return JSON.stringify(Object.values(found));
})()`

func (b *tab) costly() (found []string) {
	b.t.Helper()
	text, _ := b.eval(costly).(string)
	b.must(json.Unmarshal([]byte(text), &found))
	return found
}

// nothingIsDrawnForLooks: no page has anything that is dear to send as a picture. That a full session has shows that it would be found.
func nothingIsDrawnForLooks(t *testing.T, c *chromium) {
	h := newHouse(t, thinFrom, at(wednesday(t)))
	h.missed()
	h.talked()
	room := h.room("lobby", bob)
	h.tells(bob, room, "hello *all*, `look`")
	h.signIn(alice).made("Algebra")
	b := c.visitor(h)
	b.open("/signin")
	if found := b.costly(); len(found) > 0 {
		t.Errorf("the sign-in page: %s", strings.Join(found, "; "))
	}
	b.signIn(alice, "/contacts")
	for _, path := range []string{
		"/contacts", chatWith(bob), roomPath(room), "/rooms?do=new", "/calendar", "/calendar?view=month", "/calendar?view=agenda", "/calendar/new", "/responses", "/history", "/calls",
		"/crm", "/settings", "/help/thin", "/diagnostics", "/admin", "/admin/sync",
	} {
		b.open(path)
		b.until("a thin page at "+path, `document.documentElement.dataset.session === "thin" && document.readyState === "complete"`)
		if found := b.costly(); len(found) > 0 {
			t.Errorf("%s: %s", path, strings.Join(found, "; "))
		}
	}
	b.open(chatWith(bob))
	b.connected()
	b.eval(`document.getElementById("my-status").showPopover()`)
	if found := b.costly(); len(found) > 0 {
		t.Errorf("with a menu open: %s", strings.Join(found, "; "))
	}
	b.untroubled()
	h.must(h.account.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { set.Thin = policy.Off; return nil }))
	b.open("/contacts")
	if found := b.costly(); len(found) == 0 {
		t.Error("a full session has nothing of it either: what is searched for is not found")
	}
}

// fetched are the pictures that the page has asked for, beside the signs of its own.
const fetched = `performance.getEntriesByType("resource").filter((r) => /\/files\/|\/photo|\.(png|jpe?g|gif|webp)\b/.test(r.name)).length`

// picturesComeWhenAskedFor: in what stands there already and in what comes.
func picturesComeWhenAskedFor(t *testing.T, c *chromium) {
	h := newHouse(t, thinFrom)
	room := h.room("lobby", bob)
	icon, ok := static.Lookup("icons/portico-192.png")
	if !ok {
		t.Fatal("no picture to send")
	}
	body, _ := icon.Body()
	picture := func(name string) {
		var f portal.File
		h.signIn(bob).shares("lobby", name, body, 201).into(&f)
		h.tells(bob, room, "look", func(in *portal.RoomSaying) { in.Files = []string{f.ID} })
	}
	picture("first.png")
	b := c.visitor(h)
	b.signIn(alice, roomPath(room))
	b.connected()
	b.until("the link in its place", `document.querySelectorAll(".said a[data-picture]").length === 1`)
	picture("second.png")
	b.until("another one, live", `document.querySelectorAll(".said a[data-picture]").length === 2`)
	if n := b.eval(fetched); n != 0.0 || b.eval(`document.querySelectorAll(".said img").length`) != 0.0 {
		t.Errorf("%v pictures were fetched before anybody asked", n)
	}
	b.press(`.said a[data-picture="second.png"]`)
	b.until("the picture", `document.querySelector(".said a.picture img[alt='second.png']")?.naturalWidth === 192`)
	if n := b.eval(fetched); n != 1.0 || b.eval(`document.querySelectorAll(".said a[data-picture]").length`) != 1.0 {
		t.Errorf("%v pictures were fetched for one", n)
	}
	b.untroubled()
}

// timers keeps count of what the page waits for, lets all of it come due at once, and writes down how long each new wait is.
const timers = `(() => {
  const later = setTimeout, never = clearTimeout, waits = new Map();
  window.waits = waits; window.news = []; window.beats = 0;
  window.setTimeout = (act, ms = 0, ...rest) => {
    const id = later(() => { waits.delete(id); act(...rest); }, ms);
    waits.set(id, { act: () => act(...rest), ms });
    news.push(ms);
    return id;
  };
  window.clearTimeout = (id) => { waits.delete(id); never(id); };
  for (const name of ["setInterval", "requestAnimationFrame"]) {
    const real = window[name].bind(window);
    window[name] = (...all) => { beats++; return real(...all); };
  }
  window.allComeDue = () => {
    const due = [...waits];
    news.length = 0; beats = 0;
    for (const [id, wait] of due) { never(id); waits.delete(id); }
    for (const [, wait] of due) wait.act();
  };
})()`

// nothingTicks: in a page on which nothing happens no timer is shorter than twenty seconds, whatever comes due; in a full one there is.
func nothingTicks(t *testing.T, c *chromium) {
	h := newHouse(t, thinFrom)
	room := h.room("lobby", bob)
	h.hear(bob, "m1", "hello", h.server.Now())
	b := c.visitor(h)
	b.beforeScript(timers)
	b.signIn(alice, "/contacts")
	const settled = `document.body.classList.contains("live") && [...waits.values()].every((wait) => wait.ms >= 20000)`
	for _, path := range []string{"/contacts", chatWith(bob), roomPath(room), "/calendar"} {
		b.open(path)
		b.connected()
		for range 2 {
			b.until(path+" at rest", settled+` && [...waits.values()].some((wait) => wait.ms === 60000)`)
			if n, _ := b.eval(`waits.size`).(float64); n > 2 {
				t.Errorf("%s waits for %v things: %v", path, n, b.eval(`JSON.stringify([...waits.values()].map((wait) => wait.ms))`))
			}
			b.eval(`allComeDue()`)
			b.until(path+": the answer of the server", `[...waits.values()].some((wait) => wait.ms === 60000)`)
			if got := b.eval(`JSON.stringify(news.filter((ms) => ms < 20000)) + beats`); got != "[]0" {
				t.Errorf("%s: short timers, and beats: %v", path, got)
			}
		}
	}
	b.untroubled()
	h.must(h.account.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { set.Thin = policy.Off; return nil }))
	b.open("/contacts")
	b.connected()
	b.until("a full page at rest", settled+` && waits.size > 2`)
	b.eval(`allComeDue()`)
	if got, _ := b.eval(`news.filter((ms) => ms < 20000).length`).(float64); got == 0 {
		t.Error("a full session has no short timer either: what is searched for is not found")
	}
}

// offerAndPolicy: a browser that draws slowly gets the offer from its script; a policy that comes turns open pages into thin ones, but
// nobody loses what they have typed.
func offerAndPolicy(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	b := c.visitor(h)
	b.signIn(alice, "/contacts")
	b.connected()
	if hidden := b.eval(`document.getElementById("thin-offer").hidden`); hidden != true {
		t.Error("a fast browser gets the offer")
	}
	b.beforeScript(`(() => { const real = matchMedia; window.matchMedia = (query) => query.includes("update: slow") ? { matches: true, addEventListener() {} } : real(query); })()`)
	b.open("/contacts")
	b.until("the offer", `document.getElementById("thin-offer")?.hidden === false`)
	b.press(`#thin-offer [value=later]`)
	b.until("no offer any more", `document.readyState === "complete" && !document.getElementById("thin-offer") && document.documentElement.dataset.session === "full"`)
	b.connected()

	decide := func(word string) {
		h.decide(func(in *portal.InForce) { in.ThinSessions = word })
		h.server.Live().CurrentMany([]portal.Address{alice}, portal.PoliciesEvent{Names: []string{portal.ThinSessions}})
	}
	decide(policy.On)
	b.until("a thin page by policy", `document.documentElement.dataset.session === "thin"`)
	b.connected()
	b.eval(`(() => { const f = document.getElementById("status-note"); f.value = "half a note"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	decide(policy.Off)
	b.until("word of the policy", `performance.getEntriesByType("resource").some((r) => r.initiatorType === "fetch" && new URL(r.name).pathname === "/contacts")`)
	if b.eval(`document.documentElement.dataset.session`) != "thin" || b.eval(`document.getElementById("status-note").value`) != "half a note" {
		t.Error("what was typed is lost")
	}
	b.untroubled()
}
