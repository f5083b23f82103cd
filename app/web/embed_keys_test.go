package web

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// buttonByKeysInEveryLook: on another page too the button and its menu are used by keys alone, in both languages, in light, dark
// and forced colours, on what a window is at a zoom of 200 and 400 %. Of those who sit in a thin session nothing is asked that draws
// much: no picture, and nothing that moves.
func buttonByKeysInEveryLook(t *testing.T, c *chromium) {
	axe, err := os.ReadFile("../testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	site := newNeighbour(t)
	h.server.Embeds = admitted{site.url}
	h.signIn(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy"}, 200)
	site.page("/", h.url, `<p><button id="before">Before</button> <portico-presence uri="sip:bob@example.test" name="Bob"></portico-presence> <button id="after">After</button></p>`)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.base = site.url
	a.beforeScript(string(axe))
	for _, l := range []struct{ locale, busy, card string }{{"en", "Bob: Busy", "Contact card"}, {"de", "Bob: Beschäftigt", "Kontaktkarte"}} {
		h.must(h.account.ChangeSettings(t.Context(), alice, func(s *portal.Settings) error {
			s.Locale, s.Thin = l.locale, map[bool]string{true: "on"}[l.locale == "de"]
			return nil
		}))
		for _, k := range []look{{"light", "none", false}, {"dark", "none", false}, {"light", "active", false}} {
			for _, width := range []int64{640, 320} {
				what := fmt.Sprintf("%s, %s %s, %d", l.locale, k.scheme, k.forced, width)
				a.colours(k)
				a.size(width, width*4/5)
				a.open("/")
				a.until(what, `document.readyState === "complete" && `+shows(0, l.busy))
				typist{a}.usesTheButton(what, l.card, width)
			}
		}
	}
}

// usesTheButton goes through the page as it is: to the button, into its menu and out of it, and on.
func (k typist) usesTheButton(what, last string, width int64) {
	k.t.Helper()
	seen := `((e) => { const s = getComputedStyle(e), r = e.getBoundingClientRect(); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight; })`
	inShadow := `document.querySelector("portico-presence").shadowRoot.activeElement`
	button := inShadow + ` === ` + inside(0, "button")
	k.key("\t")
	k.until(what+": before it", `document.activeElement.id === "before"`)
	k.key("\t")
	k.until(what+": on it, which is seen", button+` && `+seen+`(`+inShadow+`)`)
	for _, opens := range []string{"\r", " ", kb.ArrowDown} {
		k.key(opens)
		k.until(what+": in its menu", inside(0, "[role=menu]")+`.matches(":popover-open") && `+inShadow+`?.getAttribute("role") === "menuitem" && `+seen+`(`+inShadow+`)`)
		k.key(kb.ArrowUp)
		k.until(what+": the last of it", inShadow+`?.textContent === `+quote(last)+` && `+seen+`(`+inShadow+`)`)
		if opens == "\r" {
			k.accessible(what, width)
		}
		k.key(kb.Escape)
		k.until(what+": out of it, and the focus is back", `!`+inside(0, "[role=menu]")+`.matches(":popover-open") && `+button+` && `+inside(0, "button")+`.getAttribute("aria-expanded") === "false"`)
	}
	k.eval(`(document.addEventListener("click", (e) => { const a = e.composedPath()[0]; if (a.href) { window.chosen = a.href; e.preventDefault(); } }), 0)`)
	k.key("\r")
	k.until(what+": in it again", inShadow+`?.getAttribute("role") === "menuitem"`)
	k.key(kb.End + " ")
	k.until(what+": what was chosen, and the focus is back", `(window.chosen || "").endsWith("/contacts/sip%3Abob%40example.test") && `+button)
	k.key("\t")
	k.until(what+": behind it", `document.activeElement.id === "after"`)
	moves := `[...document.querySelector("portico-presence").shadowRoot.querySelectorAll("*")].filter((e) => { const s = getComputedStyle(e); return s.animationName !== "none" || s.transitionDuration.split(", ").some((d) => parseFloat(d) > 0) || e.matches("img, video, canvas") || s.backgroundImage.includes("url("); }).map((e) => e.outerHTML)`
	if got := k.list(moves); len(got) > 0 {
		k.t.Errorf("%s: there are pictures or movement: %s", what, strings.Join(got, ", "))
	}
}
