package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// away is what a browser's console says of a portal that is not there.
var away = []string{"WebSocket connection to", "net::ERR_"}

// burst has alice write while the portal goes away: end takes it away between two messages, and the rest is
// written while it is away. Then it comes back, and both pages hold everything once and in order.
func burst(t *testing.T, d *desk, end func(*program)) {
	p := d.portal()
	alice := d.visitor(p).expects(away...).signIn("alice", with("bob")).live()
	bob := d.visitor(p).expects(away...).signIn("bob", with("alice")).live()
	var want []string
	say := func(text string) {
		alice.say(text)
		want = append(want, text)
	}
	say("before")
	bob.shows("before", false)
	bob.write("textbox", "Message", "half a thou")
	for i := range 5 {
		say(fmt.Sprint("just before ", i))
	}
	end(p)
	for _, b := range []*tab{alice, bob} {
		b.until("the page says at once that it is cut off", `!document.getElementById("cut-off").hidden && document.getElementById("cut-off").textContent !== ""`)
	}
	for i := range 5 {
		say(fmt.Sprint("in the dark ", i))
	}
	alice.becomes("in the dark 4", "sent when the connection is back")
	p.again()
	for _, b := range []*tab{alice, bob} {
		b.live()
		b.shows("in the dark 4", b == alice)
	}
	for _, text := range want {
		alice.until(text+" arrived", `document.querySelectorAll(".msg.mine").values().some((m) => m.querySelector(".text").textContent === `+quoted(text)+
			` && ["delivered", "read"].includes(m.querySelector(".state").dataset.state))`)
	}
	if got := eval[string](bob, `document.getElementById("text").value`); got != "half a thou" {
		t.Errorf("bob had typed %q", got)
	}
	for _, b := range []*tab{alice, bob} {
		if got := b.texts(); !slices.Equal(got, want) {
			t.Errorf("the old page holds %q, want %q", got, want)
		}
		b.must(chromedp.Do(b.ctx, chromedp.Navigate(eval[string](b, `location.href`))))
		if got := b.live().texts(); !slices.Equal(got, want) {
			t.Errorf("the fresh page holds %q, want %q", got, want)
		}
	}
	if got := eval[string](bob, `document.getElementById("text").value`); got != "half a thou" {
		t.Errorf("after the reload bob's draft is %q", got)
	}
	// Nobody had to sign in again, and presence is as before.
	alice.peerIs("Available")
	bob.say("and back")
	alice.shows("and back", false)
}

func killedUnderOpenPages(t *testing.T, d *desk) {
	burst(t, d, func(p *program) { p.kill() })
}

func restartedUnderOpenPages(t *testing.T, d *desk) {
	burst(t, d, func(p *program) {
		if status := p.stop(); status != exitFine {
			t.Errorf("exit status %d", status)
		}
	})
}

func draftsOutliveReload(t *testing.T, d *desk) {
	p := d.portal()
	alice := d.visitor(p).signIn("alice", with("bob")).live()
	field := func(want string) {
		t.Helper()
		alice.until("the draft "+want, `document.getElementById("text")?.value === `+quoted(want))
	}
	alice.write("textbox", "Message", "to bob,\nover two lines")
	call(alice, page.Reload, page.ReloadParams{})
	alice.live()
	field("to bob,\nover two lines")
	alice.show(with("carol")).live()
	field("")
	alice.write("textbox", "Message", "to carol")
	alice.show(with("bob")).live()
	field("to bob,\nover two lines")
	alice.say("done")
	alice.show(with("carol")).live()
	field("to carol")
	alice.show(with("bob")).live()
	field("")

	// Who signs out leaves nothing behind in the browser.
	alice.click("button", "Sign out")
	alice.element("button", "Sign in")
	if left := eval[[]string](alice, `Object.keys(localStorage).filter((k) => k.startsWith("portico:"))`); len(left) > 0 {
		t.Errorf("left behind after signing out: %q", left)
	}
}

func withoutWebSockets(t *testing.T, d *desk) {
	p := d.portal()
	portal, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	// A proxy that knows nothing of WebSockets, as they stand in many firms.
	pass := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(portal); r.Out.Host = r.In.Host }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ws" {
			http.Error(w, "no such thing here", http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.CloseClientConnections)
	alice := d.visitor(p).expects("WebSocket connection to")
	alice.base = proxy.URL
	bob := d.visitor(p).signIn("bob", with("alice")).live()
	alice.signIn("alice", with("bob")).live()
	alice.peerIs("Available")
	bob.say("can you hear me?")
	alice.shows("can you hear me?", false)
	bob.becomes("can you hear me?", "read")
	alice.write("textbox", "Message", "Y")
	bob.until("that alice types", `document.querySelector(".typing").textContent.trim() !== ""`)
	alice.say("Yes, over the stream")
	bob.shows("Yes, over the stream", false)
	alice.becomes("Yes, over the stream", "read")
	bob.click("button", "My status")
	bob.click("button", "Away")
	alice.peerIs("Away")
}

func signingOutEndsAllWindows(t *testing.T, d *desk) {
	p := d.portal()
	one := d.visitor(p).expects("401").signIn("alice", "/contacts").live()
	other := one.another().expects("401", "WebSocket connection to").show(with("bob")).live()
	other.write("textbox", "Message", "not sent yet")
	stranger := d.visitor(p).expects("401").signIn("alice", "/contacts").live() // another browser stays signed in
	one.click("button", "Sign out")
	one.element("button", "Sign in")
	other.until("the other window is told", `document.getElementById("cut-off")?.textContent.includes("Sign in again") || location.pathname === "/signin"`)
	other.until("and led to the sign-in", `location.pathname === "/signin" && new URLSearchParams(location.search).get("next").startsWith("/chat/")`)
	call(one, network.Enable, network.EnableParams{})
	if r := call(one, network.GetCookies, network.GetCookiesParams{URLs: []string{p.url}}); slices.ContainsFunc(r.Cookies, func(c *network.Cookie) bool { return c.Name == "portico" && c.Value != "" }) {
		t.Errorf("a session cookie is left: %+v", r.Cookies)
	}
	one.show("/contacts").element("button", "Sign in")
	stranger.click("link", "Settings")
	stranger.live().element("heading", "Settings")
	stranger.click("button", "Sign out everywhere")
	stranger.element("button", "Sign in")
}
