package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// screenshots is where the tests of the look leave pictures of every page; empty: nowhere.
var screenshots = flag.String("screenshots", "", "a folder for pictures of every page")

// TestInTheBrowser is the whole program, used by people with a real browser. One Chromium serves all of it;
// each person has their own empty profile in it, and each part its own portal.
func TestInTheBrowser(t *testing.T) {
	ctx := startChromium(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *desk)
	}{
		{"TwoPeopleSeeEachOtherAndTalk", twoPeopleTalk},
		{"EachSeesTheirOwnOfAThird", eachSeesTheirOwn},
		{"WhoClosesTheBrowserGoesOffline", whoClosesGoesOffline},
		{"AllWindowsOfAPersonAgree", allWindowsAgree},
		{"OneNotificationOverAllWindows", oneNotification},
		{"RowsThatAppearHaveTheRightPresence", newRowsHavePresence},
		{"KilledUnderOpenPages", killedUnderOpenPages},
		{"RestartedUnderOpenPages", restartedUnderOpenPages},
		{"DraftsOutliveAReload", draftsOutliveReload},
		{"NetworkWithoutWebSockets", withoutWebSockets},
		{"SigningOutEndsAllWindows", signingOutEndsAllWindows},
		{"WhatIsWrongAtSignIn", wrongAtSignIn},
		{"WithoutScript", withoutScript},
		{"ByKeyboardAlone", byKeyboardAlone},
		{"InTwoLanguages", inTwoLanguages},
		{"OldMessagesComeOnScrollingUp", oldMessagesOnScrolling},
		{"TheLogSticksToItsEndOnlyThere", logSticksToItsEnd},
		{"TextIsShownAsText", textIsShownAsText},
		{"ProgramsAreMarked", programsAreMarked},
		{"OldPageAndFramesAreAFreshPage", oldPageIsFreshPage},
		{"NothingTicksWhileNothingHappens", nothingTicks},
		{"EveryWidthThemeAndLanguage", everyWidth},
		{"PictureForTheReadme", pictureForReadme},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, &desk{t: t, browser: ctx})
		})
	}
}

// startChromium starts the browser. Where there is none the tests are skipped, unless PORTICO_REQUIRE_PEERS
// says that there must be one. More options come last.
func startChromium(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("PORTICO_REQUIRE_PEERS=1 and no chromium: %v", err)
		}
		t.Skip("no chromium: the tests in a real browser are skipped")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("lang", "en"), chromedp.WSURLReadTimeout(time.Minute))
	around, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(around, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
	})
	return ctx
}

// desk is where the people of one test sit.
type desk struct {
	t       *testing.T
	browser context.Context
}

// portal starts the program with quiet robots and quick presence, and with further settings.
func (d *desk) portal(environ ...string) *program {
	d.t.Helper()
	environ = append([]string{"PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_PRESENCE_GRACE=3s", "PORTICO_PRESENCE_PUBLISH_PACE=100ms"}, environ...)
	return command(d.t, d.t.TempDir(), append(ownPorts(d.t), environ...), "serve")
}

// tab is one window of somebody's browser.
type tab struct {
	t       *testing.T
	d       *desk
	p       *program
	base    string // what the browser takes for the portal
	ctx     context.Context
	profile cdp.BrowserContextID

	mu       sync.Mutex
	said     []string // by the console: errors, exceptions, what the page's policy forbids
	expected []string // what of that is part of the test
}

// visitor opens a window with a new, empty profile.
func (d *desk) visitor(p *program) *tab {
	d.t.Helper()
	return d.open(p, chromedp.WithNewBrowserContext())
}

// another opens one more window of the same profile.
func (b *tab) another() *tab {
	b.t.Helper()
	return b.d.open(b.p, chromedp.WithExistingBrowserContext(b.profile))
}

// open opens a window of a profile; nil: the browser's own.
func (d *desk) open(p *program, profile chromedp.ContextOption) *tab {
	d.t.Helper()
	var options []chromedp.ContextOption
	if profile != nil {
		options = append(options, profile)
	}
	ctx, cancel := chromedp.NewContext(d.browser, options...)
	b := &tab{t: d.t, d: d, p: p, base: p.url, ctx: ctx}
	b.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	b.profile = chromedp.FromContext(ctx).BrowserContextID
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Vienna"})
	b.size(1280, 800)
	messages, ended := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == "error" || m.IsException() || m.Source == "security" {
				b.mu.Lock()
				b.said = append(b.said, m.String()+" "+m.URL)
				b.mu.Unlock()
			}
		}
	}()
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Logf("a window at its end: %s", b.describe())
		}
		cancel()
		<-ended
		b.untroubled()
	})
	return b
}

// close closes the window, as its owner does.
func (b *tab) close() {
	b.t.Helper()
	call(b, page.Close, cdp.Empty{})
}

// expects says what the console may complain about in this test.
func (b *tab) expects(parts ...string) *tab {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, parts...)
	return b
}

// untroubled expects that the console is empty but for what the test is about.
func (b *tab) untroubled() {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, line := range b.said {
		for _, part := range b.expected {
			if strings.Contains(line, part) {
				continue next
			}
		}
		b.t.Errorf("the console says %s", line)
	}
}

func call[P, R any](b *tab, what cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, what, params)
	b.must(err)
	return r
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// show goes to a path of the portal.
func (b *tab) show(path string) *tab {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(b.base+path)))
	return b
}

// eval runs an expression that has a value.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// run runs statements.
func (b *tab) run(statements string) {
	b.t.Helper()
	eval[bool](b, "(() => { "+statements+"; return true; })()")
}

// patience is how long something may take that comes by itself.
const patience = 60 * time.Second

// until waits for a condition to hold; a page that is just loading does not hold it.
func (b *tab) until(what, condition string) {
	b.t.Helper()
	b.wait(what, func() (bool, error) { return chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition)) })
}

func (b *tab) wait(what string, holds func() (bool, error)) {
	b.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := holds()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			b.t.Fatalf("never: %s (last: %v)\n%s", what, err, b.describe())
		case <-tick.C:
		}
	}
}

// describe is what the window shows, for the log of a test that failed.
func (b *tab) describe() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.title + "\n" + document.body.innerText.replace(/\n+/g, "\n").slice(0, 3000)`))
	if err != nil {
		text = err.Error()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%s\nconsole: %q", text, b.said)
}

// live waits for the page's live connection.
func (b *tab) live() *tab {
	b.t.Helper()
	b.until("a live connection", `document.body.classList.contains("live") && document.getElementById("cut-off").hidden`)
	return b
}

// before runs source in every page to come, ahead of the page's own script.
func (b *tab) before(source string) *tab {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
	return b
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// prefers sets what the system says of the look: light or dark, and whether colours are forced. Nothing fades
// from one to the other.
func (b *tab) prefers(scheme, forced string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "forced-colors", Value: forced}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// speaks sets the language that the browser asks for.
func (b *tab) speaks(language string) *tab {
	b.t.Helper()
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
	return b
}
