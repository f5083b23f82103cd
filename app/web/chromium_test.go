package web

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// chromium is a real browser in the hands of one test.
type chromium struct {
	t   *testing.T
	ctx context.Context
}

// tab is one window of it.
type tab struct {
	t    *testing.T
	h    *house
	base string // what the browser takes for the portal
	ctx  context.Context
	id   cdp.BrowserContextID
	mu   sync.Mutex
	said []string // what the console said that it should not
}

// TestInChromium is what people do in a real browser. All share one, each in profiles and with a portal of its own:
// another start for each takes longer than most of them.
func TestInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"TwoBrowsersTalk", twoBrowsersTalk},
		{"BrowserHoldsTheFreshPage", browserHoldsTheFreshPage},
		{"CutOff", cutOff},
		{"WithoutScript", withoutScript},
		{"EarlierMessagesComeOnScrolling", earlierMessagesComeOnScrolling},
		{"OneNotificationOverAllTabs", oneNotificationOverAllTabs},
		{"NothingIsCutOffAtAnyWidth", nothingIsCutOffAtAnyWidth},
		{"WhatIsHeard", whatIsHeard},
		{"Keys", keys},
		{"StatusAndContactsByScript", statusAndContactsByScript},
		{"WithoutWebSocket", withoutWebSocket},
		{"SignedOutElsewhere", signedOutElsewhere},
		{"FocusIsKept", focusIsKept},
		{"NobodyThere", nobodyThere},
		{"TypingIsToldSparingly", typingIsToldSparingly},
		{"ADayOfTalkDoesNotWeighThePageDown", aDayOfTalkDoesNotWeighThePageDown},
		{"APageThatMissedTooMuchIsReadAgain", aPageThatMissedTooMuchIsReadAgain},
		{"ALongQueueGoesOutInOrder", aLongQueueGoesOutInOrder},
		{"PageIsIdleWhenTold", pageIsIdleWhenTold},
		{"InputIsSaidAgain", inputIsSaidAgain},
		{"GoesOnElsewhere", goesOnElsewhere},
		{"SigningOutKeepsWhatWasBegun", signingOutKeepsWhatWasBegun},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// startChromium starts a browser for all that t runs. Where there is none t is skipped, unless PORTICO_REQUIRE_PEERS
// says that there must be one.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatal("no chromium, and PORTICO_REQUIRE_PEERS=1")
		}
		t.Skip("no chromium")
	}
	// A machine that is busy may not bring up a browser at the first try.
	ctx, stop, err := launch(path)
	if err != nil {
		t.Logf("start %s, first try: %v", path, err)
		ctx, stop, err = launch(path)
	}
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	t.Cleanup(stop)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	})
	return ctx
}

// launch starts a browser with an empty profile that looks for nothing outside.
func launch(path string) (context.Context, context.CancelFunc, error) {
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true)))
	if err := first(ctx, cancel); err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, cancel, nil
}

// visitor is a window of somebody's own browser, with nothing in it yet.
func (c *chromium) visitor(h *house) *tab {
	c.t.Helper()
	return c.tab(h, chromedp.WithNewBrowserContext())
}

// another is one more window of the same browser.
func (c *chromium) another(of *tab) *tab {
	c.t.Helper()
	return c.tab(of.h, chromedp.WithExistingBrowserContext(of.id))
}

func (c *chromium) tab(h *house, option chromedp.ContextOption) *tab {
	c.t.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx, option)
	c.t.Cleanup(cancel)
	b := &tab{t: c.t, h: h, base: h.url, ctx: ctx}
	b.must(first(ctx, cancel))
	b.id = chromedp.FromContext(ctx).BrowserContextID
	command(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	command(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Vienna"})
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.said = append(b.said, m.String())
			b.mu.Unlock()
		}
	}()
	c.t.Cleanup(func() { cancel(); <-done })
	return b
}

// first brings a browser or a window to life. Its context lives as long as that does, so it cannot have a deadline:
// it is cancelled where nothing comes of it.
func first(ctx context.Context, cancel context.CancelFunc) error {
	defer time.AfterFunc(4*patience, cancel).Stop()
	return chromedp.Do(ctx, chromedp.Navigate("about:blank"))
}

func command[P, R any](b *tab, what cdp.Command[P, R], params P) {
	b.t.Helper()
	ctx, cancel := b.bounded()
	defer cancel()
	_, err := chromedp.Call(ctx, what, params)
	b.must(err)
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// do runs steps; a browser that does not answer is a failure, not a wait.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := b.bounded()
	defer cancel()
	b.must(chromedp.Do(ctx, steps...))
}

func (b *tab) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, 4*patience)
}

// open goes to a path of the house.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// signIn signs in by the form, as people do.
func (b *tab) signIn(who portal.Address, next string) {
	b.t.Helper()
	b.open("/signin?next=" + url.QueryEscape(next))
	b.do(chromedp.SetValue(chromedp.CSS("#address"), who.Bare()), chromedp.SetValue(chromedp.CSS("#password"), password))
	b.press("main form button")
	b.until("the page after signing in", `!!document.querySelector("nav[aria-label]") && location.pathname !== "/signin"`)
}

// press clicks what a selector finds and does not wait for a page.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.eval(`document.querySelector(` + quote(selector) + `).click()`)
}

// say types into the composer and presses Enter.
func (b *tab) say(text string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.CSS("#text")))
	b.do(chromedp.KeyEvent(text + "\r"))
}

// eval runs an expression.
func (b *tab) eval(expression string) any {
	b.t.Helper()
	ctx, cancel := b.bounded()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[any]("(() => { const v = "+expression+"; return v === undefined ? null : v; })()"))
	if err != nil && !strings.Contains(err.Error(), "null") {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	v, _ := b.eval(`(document.querySelector(` + quote(selector) + `) || {}).textContent || ""`).(string)
	return strings.Join(strings.Fields(v), " ")
}

// until waits for a condition to hold on the page; a page that is just loading does not hold it.
func (b *tab) until(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(2 * patience)
	ctx, cancel := b.bounded()
	defer cancel()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if err == nil && holds {
			return
		}
		if time.Now().After(deadline) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.t.Fatalf("never: %s (%v); console: %v; differs: %v; page: %.2000s", what, err, b.said, b.eval(`document.body.dataset.differs`), b.text("body"))
		}
		timer := time.NewTimer(20 * time.Millisecond)
		<-timer.C
	}
}

// connected waits for the live connection.
func (b *tab) connected() {
	b.t.Helper()
	b.until("a live connection", `document.getElementById("cut-off").hidden && document.body.classList.contains("live")`)
}

// untroubled expects that the console is empty: no error of a script, nothing the page's policy forbids.
func (b *tab) untroubled() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.said) > 0 {
		b.t.Errorf("the console says %q", b.said)
	}
}

// withoutScript switches script off for the pages to come.
func (b *tab) withoutScript() {
	b.t.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// beforeScript runs source in every page to come, before the page's own script.
func (b *tab) beforeScript(source string) {
	b.t.Helper()
	command(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
}

func (b *tab) width(pixels int64) {
	b.t.Helper()
	b.size(pixels, 700)
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// theme has the browser prefer light or dark.
func (b *tab) theme(name string) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// hears waits until the page has something of this role under this name, as assistive technology sees it.
func (b *tab) hears(role, name string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	var there []string
	ctx, cancel := b.bounded()
	defer cancel()
	for time.Now().Before(deadline) {
		tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		b.must(err)
		there = nil
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil || n.Name == nil || unquote(n.Role) != role {
				continue
			}
			if unquote(n.Name) == name {
				return
			}
			there = append(there, unquote(n.Name))
		}
	}
	b.t.Errorf("no %s is called %q; there are %q", role, name, there)
}

func unquote(v *accessibility.Value) string {
	var s string
	if json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return strings.Join(strings.Fields(s), " ")
}

// alt presses Alt with a key.
func (b *tab) alt(key string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(key, chromedp.KeyModifiers(kb.ModifierAlt)))
}

func quote(s string) string { return string(mustJSON(s)) }
