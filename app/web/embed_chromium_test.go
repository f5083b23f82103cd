package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// TestEmbedInChromium is presence on other pages in a real browser; all share one, as in TestInChromium.
func TestEmbedInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"ButtonOnAnAllowedPage", buttonOnAnAllowedPage},
		{"ButtonOnAnotherPage", buttonOnAnotherPage},
		{"ManyButtonsAskTogether", manyButtonsAskTogether},
		{"ImageWithoutScript", imageWithoutScript},
		{"ButtonsAreAccessible", buttonsAreAccessible},
		{"ButtonByKeysInEveryLook", buttonByKeysInEveryLook},
		{"LinksAreTaken", linksAreTaken},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// neighbour is a web site beside the portal: on the same host, whose sign-in browsers send along, with an origin of its own.
type neighbour struct {
	url   string
	mu    sync.Mutex
	pages map[string]string
}

func newNeighbour(t *testing.T) *neighbour {
	t.Helper()
	n := &neighbour{pages: map[string]string{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		body, ok := n.pages[r.URL.Path]
		n.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// A policy that allows what the help page says, and not a style more.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'none'; script-src "+portalOf(body)+"; connect-src "+portalOf(body)+"; img-src "+portalOf(body))
		fmt.Fprint(w, body)
	}))
	t.Cleanup(srv.Close)
	n.url = srv.URL
	return n
}

// portalOf is the portal that a page names.
func portalOf(body string) string {
	_, after, _ := strings.Cut(body, `data-portal="`)
	origin, _, _ := strings.Cut(after, `"`)
	return origin
}

// page puts a page on the site, with the script of the portal.
func (n *neighbour) page(path, portal, body string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pages[path] = `<!DOCTYPE html><html lang="en" data-portal="` + portal + `"><head><meta charset="utf-8"><title>Staff</title><meta name="color-scheme" content="light dark"></head>` +
		`<body><main><h1>Staff</h1>` + body + `</main><script src="` + portal + `/embed/presence.js" data-every="5" async></script></body></html>`
}

// questions counts what buttons asked, by the status of the answer.
type questions struct {
	mu       sync.Mutex
	statuses []int
	bodies   []string
}

func (a *questions) count(status int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, s := range a.statuses {
		if s == status {
			n++
		}
	}
	return n
}

// counting puts a counter before a house.
func counting(t *testing.T, h *house) (*questions, string) {
	t.Helper()
	a := &questions{}
	inner := h.server.Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/embed/presence" {
			inner.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		a.mu.Lock()
		a.statuses, a.bodies = append(a.statuses, rec.Code), append(a.bodies, rec.Body.String())
		a.mu.Unlock()
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()) // a browser that is gone needs no answer
	}))
	t.Cleanup(srv.Close)
	return a, srv.URL
}

// inside is an expression for what is in the shadow of the nth button.
func inside(n int, selector string) string {
	return fmt.Sprintf(`document.querySelectorAll("portico-presence")[%d].shadowRoot.querySelector(%s)`, n, quote(selector))
}

func shows(n int, text string) string {
	return inside(n, "button") + `.getAttribute("aria-label") === ` + quote(text)
}

func buttonOnAnAllowedPage(t *testing.T, c *chromium) {
	h := newHouse(t)
	counted, at := counting(t, h)
	site := newNeighbour(t)
	h.server.Embeds = admitted{site.url}
	b := h.signIn(bob)
	b.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "available"}, 200)
	site.page("/", at, `<p><portico-presence uri="sip:bob@example.test" name="Bob"></portico-presence> <portico-presence uri="nonsense" name="Nobody"></portico-presence></p>`)
	a := c.visitor(h)
	a.base = at
	a.size(600, 400)
	a.signIn(alice, "/contacts")
	a.base = site.url
	a.open("/")
	a.until("bob is available", shows(0, "Bob: Available")+` && `+inside(0, "i")+`.dataset.p === "available"`)
	a.until("nonsense is unknown, and does not keep others from being asked for", shows(1, "Nobody: Presence unknown"))
	b.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "do-not-disturb"}, 200)
	a.until("the button lives", shows(0, "Bob: Do not disturb"))
	a.hears("button", "Bob: Do not disturb")

	a.eval(inside(0, "button") + `.focus()`)
	focused := func(text string) string {
		return `document.querySelector("portico-presence").shadowRoot.activeElement?.textContent === ` + quote(text)
	}
	for _, step := range []struct{ key, text string }{
		{kb.ArrowDown, "Message"}, {kb.ArrowDown, "Schedule"}, {kb.End, "Contact card"}, {kb.ArrowDown, "Message"}, {kb.ArrowUp, "Contact card"}, {kb.Home, "Message"},
	} {
		a.do(chromedp.KeyEvent(step.key))
		a.until("the focus is on "+step.text, focused(step.text))
	}
	a.hears("menuitem", "Contact card")
	a.shoot("embed-menu")
	for text, want := range map[string]string{
		"Message": at + "/open?uri=sip%3Abob%40example.test", "Schedule": at + "/calendar/new?with=sip%3Abob%40example.test", "Contact card": at + "/contacts/sip%3Abob%40example.test",
	} {
		if got := a.eval(`[...` + inside(0, "[role=menu]") + `.children].find((i) => i.textContent === ` + quote(text) + `).href`); got != want {
			t.Errorf("%s leads to %v", text, got)
		}
	}
	a.do(chromedp.KeyEvent(kb.Escape))
	a.until("Escape closes and gives the focus back", `!`+inside(0, "[role=menu]")+`.matches(":popover-open") && `+focused("Bob")+` && `+inside(0, "button")+`.getAttribute("aria-expanded") === "false"`)

	a.eval(`document.querySelector("portico-presence").setAttribute("uri", "sip:alice@example.test")`)
	a.until("another person", `/^Bob: (Available|Away|Offline)$/.test(`+inside(0, "button")+`.getAttribute("aria-label"))`)
	a.eval(`(() => { const e = document.createElement("portico-presence"); e.setAttribute("uri", "bob@example.test"); document.querySelector("p").append(e); })()`)
	a.until("one that came later", shows(2, "Bob Brown: Do not disturb"))
	if counted.count(403) != 0 || counted.count(200) == 0 {
		t.Errorf("the portal answered %v", counted.statuses)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, line := range a.said {
		if strings.Contains(line, "Content Security Policy") {
			t.Errorf("the page's policy was hurt: %s", line)
		}
	}
}

func buttonOnAnotherPage(t *testing.T, c *chromium) {
	h := newHouse(t)
	counted, at := counting(t, h)
	allowed, site := newNeighbour(t), newNeighbour(t)
	h.server.Embeds = admitted{allowed.url}
	site.page("/", at, `<p><portico-presence uri="sip:bob@example.test" name="Bob"></portico-presence><img src="`+at+`/embed/presence/bob@example.test.svg" alt=""></p>`)
	a := c.visitor(h)
	a.base = at
	a.signIn(alice, "/contacts")
	h.signIn(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "available"}, 200)
	a.base = site.url
	a.open("/")
	eventually(t, "the page was refused", func() bool { return counted.count(403) > 0 })
	a.until("it does not know", shows(0, "Bob: Presence unknown")+` && `+inside(0, "i")+`.dataset.p === "unknown"`)
	counted.mu.Lock()
	if body := counted.bodies[0]; !strings.Contains(body, `"reason":"embed.origin"`) || !strings.Contains(body, "An administrator of the portal can allow it.") || strings.Contains(body, "vailable") {
		t.Errorf("it was told %s", body)
	}
	counted.mu.Unlock()
	a.eval(inside(0, "button") + `.click()`)
	a.until("its links are there", inside(0, "[role=menu]")+`.children.length === 3`)
	if n := counted.count(200); n != 0 {
		t.Errorf("%d questions were answered", n)
	}
}

func manyButtonsAskTogether(t *testing.T, c *chromium) {
	h := newHouse(t)
	counted, at := counting(t, h)
	site := newNeighbour(t)
	h.server.Embeds = admitted{site.url}
	var all strings.Builder
	for i := range 300 {
		fmt.Fprintf(&all, `<portico-presence uri="sip:person%d@example.test"></portico-presence> `, i)
	}
	site.page("/", at, all.String())
	a := c.visitor(h)
	a.base = at
	a.signIn(alice, "/contacts")
	a.base = site.url
	a.beforeScript(`(() => { const f = window.fetch; window.asked = []; window.fetch = (...a) => { window.asked.push(new URL(a[0]).searchParams.getAll("uri").length); return f(...a); }; })()`)
	a.open("/")
	a.until("all have asked", `window.asked.length >= 3 && [...document.querySelectorAll("portico-presence")].every((e) => e.shadowRoot.querySelector("span").textContent.startsWith("person"))`)
	if got := a.eval(`window.asked.slice(0, 3).join()`); got != "100,100,100" {
		t.Errorf("300 buttons asked for %v", got)
	}
	eventually(t, "three answers", func() bool { return counted.count(200) >= 3 })
}

func imageWithoutScript(t *testing.T, c *chromium) {
	h := newHouse(t)
	site, other := newNeighbour(t), newNeighbour(t)
	h.server.Embeds = admitted{site.url}
	h.signIn(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy"}, 200)
	image := `<p><img src="` + h.url + `/embed/presence/sip:bob@example.test.svg" alt="Bob"> Bob</p>`
	site.page("/", h.url, image)
	other.page("/", h.url, image)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	for _, n := range []*neighbour{site, other} {
		a.base = n.url
		a.open("/")
		a.until("the image is there, of the same size", `document.images[0].complete && document.images[0].naturalWidth === 16 && document.images[0].naturalHeight === 16`)
	}
	a.base = site.url
	a.open("/")
	a.shoot("embed-image")
}

func buttonsAreAccessible(t *testing.T, c *chromium) {
	axe, err := os.ReadFile("../testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	site := newNeighbour(t)
	h.server.Embeds = admitted{site.url}
	h.signIn(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy"}, 200)
	site.page("/", h.url, `<p><portico-presence uri="sip:bob@example.test" name="Bob"></portico-presence> <portico-presence uri="sip:carol@example.test"></portico-presence> <portico-presence uri="sip:alice@example.test" name="Alice" compact></portico-presence></p>`)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.base = site.url
	for _, theme := range []string{"light", "dark"} {
		a.theme(theme)
		a.open("/")
		a.until("the answer", shows(0, "Bob: Busy"))
		a.eval(string(axe) + `; 0`)
		a.size(600, 400)
		a.accessible("buttons in "+theme, 600)
		a.eval(inside(0, "button") + `.click()`)
		a.until("the menu", inside(0, "[role=menu]")+`.matches(":popover-open")`)
		a.accessible("the menu in "+theme, 600)
		a.shoot("embed-" + theme)
	}
	a.base = h.url
	a.open("/links")
	a.eval(string(axe) + `; 0`)
	a.accessible("/links", 600)
}

// linksAreTaken: the page asks the browser, and says what it did.
func linksAreTaken(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.size(900, 700)
	a.beforeScript(`(() => { window.registered = []; Navigator.prototype.registerProtocolHandler = (...a) => { if (window.refuse) throw new Error("no"); window.registered.push(a.join(" ")); }; })()`)
	a.signIn(alice, "/links")
	a.until("the page's script has run", `document.querySelector("[data-links]")?.hidden === false`)
	a.press(`[data-links="web+portico"]`)
	a.until("it was asked", `window.registered[0] === "web+portico " + location.origin + "/open?uri=%s" && document.getElementById("links-said").textContent.includes("asked to open web+portico: links")`)
	a.eval(`(window.refuse = true, 0)`)
	a.press(`[data-links="sip"]`)
	a.until("it refused", `document.getElementById("links-said").textContent.includes("did not accept Portico for sip: links")`)
	a.shoot("links")
	a.do(chromedp.SetValue(chromedp.CSS("#open-uri"), `"Bob" <sip:bob@example.test>`))
	a.press(`form[action="/open"] button`)
	a.until("the conversation", `location.pathname === `+quote("/chat/"+bob.Path()))
	if h.presence.Own(alice).Availability == portal.Unknown {
		t.Error("alice is nowhere")
	}
}

// shoot keeps a picture of the window where PORTICO_SHOTS names a folder, for people to look at.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("PORTICO_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := b.bounded()
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	b.must(err)
	b.must(os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o600))
}
