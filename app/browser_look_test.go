package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// pages are all pages of the portal, by the name of their picture.
func pages() [][2]string {
	return [][2]string{
		{"contacts", "/contacts"}, {"found", "/contacts?q=e"}, {"found-none", "/contacts?q=zz"}, {"chats", "/chat"}, {"chat", with("bob")}, {"new-chat", with("nobody")}, {"settings", "/settings"},
		{"help", "/help"}, {"rooms", "/rooms"}, {"calendar", "/calendar"}, {"admin", "/admin"}, {"missing", "/nothing/here"},
	}
}

// looks are the ways a page can look, apart from its size: system colour scheme and forced colours.
func looks() [][3]string {
	return [][3]string{{"light", "light", "none"}, {"dark", "dark", "none"}, {"forced", "dark", "active"}}
}

// lively is a portal with some life in it, and alice's window.
func (d *desk) lively() (p *program, alice *tab) {
	p = d.portal("PORTICO_LIMITS_API_RATE=1000", "PORTICO_CHAT_RATE=1000")
	bob, carol, dave := p.signIn("bob"), p.signIn("carol"), p.signIn("dave")
	for who, state := range map[*client]map[string]string{
		bob:   {"availability": "available", "note": "At the desk until four, then on the train"},
		carol: {"availability": "busy"}, dave: {"availability": "do-not-disturb", "note": "Quarter's end"},
	} {
		who.live(-1)
		if status := who.call(http.MethodPut, "/me/presence", state, nil); status != http.StatusOK {
			d.t.Fatalf("set presence: status %d", status)
		}
	}
	a := p.signIn("alice")
	a.live(-1)
	for i, line := range []struct {
		from *client
		to   string
		text string
	}{
		{bob, "alice", "Morning, Alice. Have you seen the draft of the offer?"},
		{a, "bob", "Just opened it. Page 4 still has last year's prices."},
		{bob, "alice", "Good catch, I'll change them. The new list is at https://prices.example.test/2026"},
		{a, "bob", "Thanks 👍"},
		{bob, "alice", "Did the people from Graz call back?"},
		{a, "bob", "Yes, this morning. They would take the second option, if we deliver before Easter.\nI said that we'd check with Carol first."},
		{a, "erin", "Could you look at the contract when you are back?"},
		{a, "heidi", "The minutes are in the folder."},
		{carol, "alice", "Lunch at noon? The place at the corner has a new menu, and I would like to hear how the call with the people from Graz went."},
		{dave, "alice", "https://example.test/a/very/long/address/that/goes/on/and/on/and/does/not/end/anywhere/soon?with=parameters&and=more"},
		{bob, "alice", "🎉"},
	} {
		id := fmt.Sprint("line", i)
		line.from.say(line.to, id, line.text)
		await(d.t, patience, "line "+line.text, func() bool { s := line.from.state(line.to, id); return s != "pending" && s != "sent" })
	}
	return p, d.visitor(p).expects("404").signIn("alice", "/contacts").live()
}

// setLanguage saves a language in alice's settings.
func (b *tab) setLanguage(locale string) {
	b.t.Helper()
	b.show("/settings").live()
	b.run(`document.getElementById("locale").value = ` + quoted(locale) + `; document.querySelector("form.settings").requestSubmit()`)
	b.until("the page in "+locale, `document.documentElement.lang === `+quoted(locale)+` && document.querySelector(".banner.ok") !== null`)
}

// lost has alice write to nobody.
func lost(t *testing.T, p *program) {
	t.Helper()
	a := p.signIn("alice")
	a.say("nobody", "lost", "Is anybody there?")
	await(t, patience, "the failure", func() bool { return a.state("nobody", "lost") == "failed" })
}

func everyWidth(t *testing.T, d *desk) {
	p, alice := d.lively()
	lost(t, p)
	guest := d.visitor(p)
	for _, locale := range []string{"en", "de"} {
		alice.setLanguage(locale)
		for _, page := range append(pages(), [2]string{"signin", "/signin?lang=" + locale}, [2]string{"status", "/contacts"}) {
			b := alice
			if page[0] == "signin" {
				b = guest
			}
			b.size(1440, 900)
			b.prefers("light", "none")
			b.show(page[1])
			if page[0] == "status" {
				b.live().run(`document.querySelector(".me").click()`)
			}
			for _, look := range looks() {
				b.prefers(look[1], look[2])
				for _, width := range []int64{320, 900, 1440} {
					b.size(width, map[int64]int64{320: 640, 900: 700, 1440: 900}[width])
					name := fmt.Sprintf("%s-%s-%d-%s", page[0], locale, width, look[0])
					if look[0] == "light" { // the others change colours alone
						for _, fault := range eval[[]string](b, faults) {
							t.Errorf("%s: %s", name, fault)
						}
					}
					b.picture(name)
				}
			}
		}
	}
}

// faults is what is wrong with the layout of a page.
const faults = `(() => {
  const wrong = [], seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 2;
  const called = (e) => e.localName + " " + (e.getAttribute("aria-label") || e.textContent).trim().slice(0, 40);
  const html = document.documentElement;
  if (html.scrollWidth > innerWidth) wrong.push("scrolls sideways by " + (html.scrollWidth - innerWidth));
  if (html.scrollHeight > innerHeight && document.querySelector(".frame")) wrong.push("the frame is higher than the window");
  const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll/.test(getComputedStyle(p).overflowX) && p.scrollWidth > p.clientWidth) return true; return false; };
  for (const e of document.querySelectorAll("a, button, input, textarea, select, h1, h2")) {
    const r = e.getBoundingClientRect();
    if (!seen(e) || e.closest(".vh, .skip") || scrolls(e)) continue;
    if (r.right > innerWidth + 0.5 || r.left < -0.5) wrong.push("outside the window: " + called(e));
  }
  for (const e of document.querySelectorAll("button, .button, h1, h2, .contact b, .presence-word, .conversation b, label, legend")) {
    if (seen(e) && !e.closest(".vh, .rail nav, .rail-foot") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") wrong.push("cut off: " + called(e));
  }
  const box = (s) => { const e = document.querySelector(s); return e && seen(e) ? e.getBoundingClientRect() : null; };
  const composer = box("#composer"), log = box("#log"), rail = box(".rail"), field = box("#text"), send = box("#composer .primary");
  const over = (a, b) => a && b && a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  if (over(composer, log)) wrong.push("the composer lies over the log");
  if (over(composer, rail) || over(log, rail)) wrong.push("the rail lies over the conversation");
  if (log && (log.height < 150 || !field || !send || send.bottom > innerHeight || field.width < 120)) wrong.push("the conversation has no room");
  if (!box("main") && !box(".list")) wrong.push("nothing to see");
  if (document.querySelector(".frame") && !box(".me")) wrong.push("own status is not in view");
  return wrong;
})()`

// picture leaves a picture of the window in the folder for pictures, where there is one.
func (b *tab) picture(name string) {
	b.t.Helper()
	if *screenshots != "" {
		b.keepPicture(name, b.shot())
	}
}

func (b *tab) keepPicture(name string, picture []byte) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) shot() []byte {
	b.t.Helper()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must(err)
	return shot
}

// pictureForReadme sets the scene of the README's picture: alice and bob in the middle of a conversation.
// With -screenshots the picture is left there as screenshot.png.
func pictureForReadme(t *testing.T, d *desk) {
	p, alice := d.lively()
	bob := d.visitor(p).signIn("bob", with("alice")).live()
	call(alice, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: morning()})
	alice.show(with("bob")).live() // tells the portal the zone
	alice.show(with("bob")).live()
	alice.say("Then let us go through it together at three?")
	alice.becomes("Then let us go through it together at three?", "read")
	bob.say("Three is fine. I'll bring the numbers 🙂")
	alice.shows("Three is fine. I'll bring the numbers 🙂", false)
	bob.becomes("Three is fine. I'll bring the numbers 🙂", "read")
	alice.until("the badge gone", `document.querySelector("[data-peer='sip:bob@example.test'] .badge").hidden`)
	bob.write("textbox", "Message", "And coff")
	alice.until("bob typing", `document.querySelector(".typing").textContent.trim() !== ""`)
	alice.prefers("light", "none")
	alice.run(`document.activeElement.blur()`)
	small := reduce(t, alice.shot())
	if len(small) > 150<<10 {
		t.Errorf("the picture has %d bytes", len(small))
	}
	alice.keepPicture("screenshot", small)
}

// morning is a time zone in which it is about ten o'clock.
func morning() string {
	ahead := (10 - time.Now().UTC().Hour() + 24) % 24
	if ahead > 12 {
		ahead -= 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -ahead) // whose signs are turned around
}

// reduce writes a picture anew with its 256 most frequent colours.
func reduce(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if got := full.Bounds().Size(); got != (image.Point{X: 1280, Y: 800}) {
		t.Errorf("the picture is %v", got)
	}
	count := map[color.RGBA]int{}
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			r, g, b, a := full.At(x, y).RGBA()
			count[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}]++
		}
	}
	colours := make([]color.RGBA, 0, len(count))
	for c := range count {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int { return count[b] - count[a] })
	table := make(color.Palette, 0, 256)
	for _, c := range colours[:min(192, len(colours))] {
		table = append(table, c)
	}
	for _, c := range palette.WebSafe[:min(len(palette.WebSafe), 256-len(table))] {
		table = append(table, c)
	}
	small := image.NewPaletted(full.Bounds(), table)
	draw.Draw(small, small.Bounds(), full, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
