package web

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// The walk: every page of the portal in Chromium, read by axe-core and looked over for what axe does not see. Instead of
// each page in each of 2 languages × 3 ways of colours × 2 kinds of session × 3 sizes, each is seen in two loads with three
// looks: the first has everything that has to do with words and structure, the others change colours alone. What stands on
// every page is read for its contrast once in each look, not a hundred times.

// load is one way to load every page, and the looks that it gets.
type load struct {
	name, locale  string
	thin          bool
	width, height int64
	// others are widths at which a page is looked at for what is cut, alone.
	others []int64
	looks  []look
}

// look is a state of colours; whole has the other rules run too, and the page looked over.
type look struct {
	scheme, forced string
	whole          bool
}

// loads meet each language with each kind of session's own style sheet, each kind with each way of colours, and a desk
// as well as what 1280 × 1024 is at a zoom of 400 %, at one of 200 % (640 × 512), a telephone and a tablet.
func loads() []load {
	return []load{
		{"desk", "en", false, 1280, 800, nil, []look{{"light", "none", true}, {"dark", "none", false}, {"light", "active", false}}},
		{"zoomed", "de", true, 320, 256, []int64{360, 640, 800}, []look{{"dark", "none", true}, {"light", "none", false}, {"dark", "active", false}}},
	}
}

// TestEveryPageIsAccessible walks with two windows at a time.
func TestEveryPageIsAccessible(t *testing.T) {
	ctx := startChromium(t)
	axe, err := os.ReadFile("../testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	h := fullHouse(t)
	all := h.sights()
	for _, l := range loads() {
		for _, who := range []portal.Address{alice, bob} {
			h.must(h.account.ChangeSettings(t.Context(), who, func(s *portal.Settings) error {
				s.Locale, s.Thin = l.locale, map[bool]string{true: "on"}[l.thin]
				return nil
			}))
		}
		t.Run(l.name, func(t *testing.T) {
			for part := range 2 {
				t.Run(fmt.Sprint("window ", part+1), func(t *testing.T) {
					t.Parallel()
					w := newWalker(t, h, ctx, string(axe), l)
					for i, s := range all {
						if i%2 == part {
							w.sees(s)
						}
					}
					w.seesWhatIsPale()
				})
			}
		})
	}
}

// walker has a window for each person who looks, and one for nobody.
type walker struct {
	t       *testing.T
	l       load
	windows map[portal.Address]*tab
}

func newWalker(t *testing.T, h *house, ctx context.Context, axe string, l load) *walker {
	t.Helper()
	c := &chromium{t: t, ctx: ctx}
	w := &walker{t: t, l: l, windows: map[portal.Address]*tab{}}
	for _, who := range []portal.Address{alice, bob, nobody} {
		b := c.visitor(h)
		b.beforeScript(axe)
		if who != nobody {
			b.signIn(who, "/help")
		}
		b.size(l.width, l.height)
		w.windows[who] = b
	}
	return w
}

// sees opens a page and looks at it in every look of the load.
func (w *walker) sees(s sight) {
	w.t.Helper()
	who := s.of
	if who == "" {
		who = alice
	}
	b, path := w.windows[who], s.path
	if who == nobody {
		path += "?lang=" + w.l.locale
	}
	b.colours(w.l.looks[0])
	b.open(path)
	b.until(s.name, `document.readyState === "complete" && !!document.querySelector("main") && (!!window.axe || location.protocol === "about:")`)
	if s.open != "" {
		b.connected()
		b.eval(s.open)
		b.until(s.name, s.until)
	}
	for i, k := range w.l.looks {
		if i > 0 {
			b.colours(k)
		}
		name := fmt.Sprintf("%s, %s (%s %s)", s.name, w.l.name, k.scheme, k.forced)
		if k.whole {
			b.obeys(name)
		}
		b.passes(name, standsOut(fmt.Sprint(i)))
		if k.whole {
			b.do(chromedp.KeyEvent(kb.Shift)) // whoever uses keys sees the focus
			for _, fault := range b.list(lookedOver(s)) {
				w.t.Errorf("%s: %s", name, fault)
			}
			w.narrowAndWide(b, name)
		}
		b.shoot(strings.Map(func(r rune) rune {
			if strings.ContainsRune("/?&=%:@", r) {
				return '_'
			}
			return r
		}, fmt.Sprintf("%s-%s-%d", w.l.name, s.name, i)))
	}
}

// narrowAndWide looks at the page as it is at the load's other widths.
func (w *walker) narrowAndWide(b *tab, name string) {
	w.t.Helper()
	if len(w.l.others) == 0 {
		return
	}
	for _, width := range w.l.others {
		b.size(width, width*4/5)
		for _, fault := range b.list(whatIsCut) {
			w.t.Errorf("%s: %s", name, fault)
		}
	}
	b.size(w.l.width, w.l.height)
}

// colours has the system prefer a scheme and force colours, or not. Nothing moves.
func (b *tab) colours(k look) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: k.scheme}, {Name: "forced-colors", Value: k.forced}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// wholeRules are those of WCAG 2.2 A and AA and axe's best practices, but for contrast, which standsOut reads.
const wholeRules = `{ runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"] },
  rules: { "color-contrast": { enabled: false } }, preload: false, resultTypes: ["violations"] }`

// wrongThings tells what axe found in a result r: each rule with the first elements that break it.
const wrongThings = `.map((v) => v.id + " (" + v.help + "): " + v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + " → " + n.failureSummary.slice(0, 300)).join(" | "))`

// obeys runs axe on the page as it is.
func (b *tab) obeys(name string) {
	b.t.Helper()
	// In the rail names are given, and what else stands in them is what they hold: own status, numbers of what is new.
	b.passes(name, `axe.run(document, `+wholeRules+`).then((r) => JSON.stringify({ passed: r.passes.length,
	  wrong: r.violations.map((v) => ({ ...v, nodes: v.nodes.filter((n) => v.id !== "label-content-name-mismatch" || !n.target.every((t) => document.querySelector(t)?.closest(".rail"))) })).filter((v) => v.nodes.length)`+wrongThings+` }))`)
}

// standsOut asks axe about the rules about colours on what this window has not yet seen pass in a look: on each element with text
// that is seen, unless one whose colours, and those of all it lies in, are the same was found right on a page before. Where
// axe could not tell, and for links within text, which are compared with what is around them, it is asked on every page.
func standsOut(look string) string {
	return `(async () => {
	  const kept = "passed " + ` + quote(look) + `, known = new Set(JSON.parse(sessionStorage.getItem(kept) || "[]")), signs = new Map();
	  const hash = (text) => { let h = 0, g = 7; for (let i = 0; i < text.length; i++) { h = Math.imul(h, 31) + text.charCodeAt(i) | 0; g = Math.imul(g, 131) + text.charCodeAt(i) | 0; } return h.toString(36) + g.toString(36); };
	  const sign = (e) => {
	    if (!e) return "";
	    if (!signs.has(e)) {
	      const s = getComputedStyle(e);
	      signs.set(e, hash([sign(e.parentElement), e.localName, e.disabled, s.color, s.webkitTextFillColor, s.backgroundColor, s.backgroundImage, s.backgroundClip, s.opacity, s.fontSize, s.fontWeight, s.textShadow, s.filter, s.mixBlendMode, s.position, s.zIndex, s.clipPath, s.transform].join()));
	    }
	    return signs.get(e);
	  };
	  const speaks = (e) => !e.closest(".vh, .skip") && (e.matches("input, select, textarea") || [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
	  const among = (e) => !!e.closest("a[href]") && getComputedStyle(e.closest("a[href]")).display === "inline";
	  const fresh = [...document.body.querySelectorAll("*")].filter((e) => speaks(e) && e.checkVisibility({ visibilityProperty: true }) && (among(e) || !known.has(sign(e))));
	  if (!fresh.length) return JSON.stringify({ passed: 1, wrong: [] });
	  const r = await axe.run({ include: fresh }, { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] }, elementRef: true, preload: false, resultTypes: ["violations", "passes"] });
	  for (const rule of r.passes) if (rule.id === "color-contrast") for (const n of rule.nodes) known.add(sign(n.element));
	  sessionStorage.setItem(kept, JSON.stringify([...known]));
	  return JSON.stringify({ passed: known.size, wrong: r.violations` + wrongThings + ` });
	})()`
}

// seesWhatIsPale puts text that is hard to see on the last page, among what is known: it is found.
func (w *walker) seesWhatIsPale() {
	w.t.Helper()
	b := w.windows[alice]
	b.colours(w.l.looks[0])
	b.open("/help")
	b.until("a page to spoil", `document.readyState === "complete" && !!window.axe && !!document.querySelector("main p")`)
	b.passes("/help again", standsOut("0"))
	b.eval(`(() => { const p = document.querySelector("main p"); p.style.color = "#808080"; p.style.backgroundColor = "#8a8a8a"; })()`)
	if found := b.asked(standsOut("0")); len(found.Wrong) != 1 {
		w.t.Errorf("a pale text is not found: %q", found.Wrong)
	}
}

// verdict is what axe says: rules or elements that passed, and what is wrong.
type verdict struct {
	Passed int
	Wrong  []string
}

// passes has an expression ask axe, and expects that nothing is wrong.
func (b *tab) passes(name, expression string) {
	b.t.Helper()
	got := b.asked(expression)
	if got.Passed == 0 {
		b.t.Errorf("%s: nothing was checked", name)
	}
	for _, wrong := range got.Wrong {
		b.t.Errorf("%s: %s", name, wrong)
	}
}

// asked is the verdict that an expression promises.
func (b *tab) asked(expression string) verdict {
	b.t.Helper()
	var got verdict
	if err := json.Unmarshal([]byte(b.promised(expression)), &got); err != nil {
		b.t.Fatal(err)
	}
	return got
}

// promised is the text that a promise gives.
func (b *tab) promised(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 4*patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// list is the texts that an expression gives.
func (b *tab) list(expression string) []string {
	b.t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(b.promised(`Promise.resolve(JSON.stringify(`+expression+`))`)), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}
