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
// looks: the first has everything that has to do with words and structure, the others change colours alone.

// load is one way to load every page, and the looks that it gets.
type load struct {
	name, locale  string
	thin          bool
	width, height int64
	// others are widths at which a page is looked at for what is cut, alone.
	others []int64
	looks  []look
}

// look is a state of colours; whole has all rules run and the page looked over, else only those about colours.
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
		b.obeys(name, k.whole)
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

// Rules of axe: those of WCAG 2.2 A and AA, and its best practices. Where only colours changed, those about them.
const (
	allRules    = `{ type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"] }`
	colourRules = `{ type: "rule", values: ["color-contrast", "link-in-text-block"] }`
)

// obeys runs axe on the page as it is.
func (b *tab) obeys(name string, whole bool) {
	b.t.Helper()
	rules := colourRules
	if whole {
		rules = allRules
	}
	// In the rail names are given, and what else stands in them is what they hold: own status, numbers of what is new.
	raw := b.promised(`axe.run(document, { runOnly: ` + rules + `, preload: false, resultTypes: ["violations"] }).then((r) => JSON.stringify({ passed: r.passes.length,
	  wrong: r.violations.map((v) => ({ ...v, nodes: v.nodes.filter((n) => v.id !== "label-content-name-mismatch" || !n.target.every((t) => document.querySelector(t)?.closest(".rail"))) })).filter((v) => v.nodes.length).map((v) => v.id + " (" + v.help + "): " + v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + " → " + n.failureSummary.slice(0, 300)).join(" | ")) }))`)
	var got struct {
		Passed int
		Wrong  []string
	}
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		b.t.Fatal(err)
	}
	if got.Passed == 0 {
		b.t.Errorf("%s: no rule was checked", name)
	}
	for _, wrong := range got.Wrong {
		b.t.Errorf("%s: %s", name, wrong)
	}
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
