package web

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portico/app/portal"
)

const (
	intranet = "https://intranet.example.test"
	wiki     = "https://wiki.example.test:8443"
	evil     = "https://evil.test"
)

// admitted are the origins of an administrator.
type admitted []string

func (a admitted) Allowed(origin string) bool {
	for _, o := range a {
		if o == origin {
			return true
		}
	}
	return false
}

// embedding is a house that lets the intranet by its configuration and the wiki by an administrator show presence.
func embedding(t *testing.T, choose ...func(*settings)) *house {
	t.Helper()
	h := newHouse(t, append(choose, func(s *settings) { s.web.EmbedOrigins = []string{intranet} })...)
	h.server.Embeds = admitted{wiki}
	return h
}

func TestAButtonAsksForPresence(t *testing.T) {
	h := embedding(t)
	h.browse(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy", "note": "writing <b>"}, 200)
	a := h.browse(alice)
	for _, origin := range []string{intranet, wiki, h.url} {
		page := a.with("Origin", origin).with("Sec-Fetch-Site", "same-site").with("Referer", origin+"/people.html")
		var got embedBody
		var last *reply
		eventually(t, "bob is busy on a page of "+origin, func() bool {
			last = page.call("GET", "/embed/presence?uri=sip%3Abob%40example.test&uri=carol%40example.test&uri=bob%40example.test&uri=alice%40example.test", nil, 200)
			got = embedBody{}
			last.into(&got)
			return got.People[0].Availability == portal.Busy
		})
		if len(got.People) != 4 || got.People[0] != got.People[2] || got.People[1].URI != carol || got.People[3].URI != alice || got.Locale != "en" {
			t.Errorf("%s: %+v", origin, got)
		}
		if p := got.People[0]; p.Name != "Bob Brown" || p.Text != "Busy" || p.Note != "writing <b>" {
			t.Errorf("bob is %+v", p)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Cross-Origin-Resource-Policy": "cross-origin",
			"Cache-Control": "private, max-age=5", "X-Content-Type-Options": "nosniff",
		} {
			if last.header.Get(name) != want {
				t.Errorf("%s: %s is %q", origin, name, last.header.Get(name))
			}
		}
		if vary := strings.Join(last.header.Values("Vary"), ", "); !strings.Contains(vary, "Origin") || !strings.Contains(vary, "Cookie") {
			t.Errorf("Vary is %q", vary)
		}
		if csp := last.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "'self'") {
			t.Errorf("policy %q", csp)
		}
	}
	same := a.with("Origin", intranet)
	tag := same.call("GET", "/embed/presence/bob@example.test.json", nil, 200).header.Get("ETag")
	if got := same.with("If-None-Match", tag).call("GET", "/embed/presence/bob@example.test.json", nil, 304); len(got.body) != 0 || got.header.Get("Access-Control-Allow-Origin") != intranet {
		t.Errorf("unchanged: %q %v", got.body, got.header)
	}
	if other := a.call("GET", "/api/v1/presence/"+bob.Path(), nil, 200); other.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || other.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the API is open to other pages: %v", other.header)
	}
}

// What a page that is not allowed gets, however it comes: the reason, no presence, and nothing its script could read.
func TestPagesThatAreNotAllowed(t *testing.T) {
	h := embedding(t)
	a := h.browse(alice)
	for _, test := range []struct {
		what   string
		header map[string]string
	}{
		{"another site", map[string]string{"Origin": evil}},
		{"another site with its page", map[string]string{"Origin": evil, "Referer": evil + "/", "Sec-Fetch-Site": "cross-site"}},
		{"another site with the page of an allowed one", map[string]string{"Origin": evil, "Referer": intranet + "/", "Sec-Fetch-Site": "cross-site"}},
		{"an allowed origin from the page of another", map[string]string{"Origin": intranet, "Referer": evil + "/", "Sec-Fetch-Site": "same-site"}},
		{"an allowed origin and a Referer that is none", map[string]string{"Origin": intranet, "Referer": "about:blank"}},
		{"a sandboxed page", map[string]string{"Origin": "null"}},
		{"a sandboxed page of ours", map[string]string{"Origin": "null", "Sec-Fetch-Site": "same-origin"}},
		{"another site that says it is ours", map[string]string{"Origin": intranet, "Sec-Fetch-Site": "same-origin"}},
		{"the same name by http", map[string]string{"Origin": "http://intranet.example.test"}},
		{"the same name with a port", map[string]string{"Origin": intranet + ":444"}},
		{"a longer name", map[string]string{"Origin": intranet + ".evil.test"}},
		{"a name inside a name", map[string]string{"Origin": "https://evil.test?" + intranet}},
		{"two origins in one", map[string]string{"Origin": intranet + ", " + evil}},
		{"nothing at all", nil},
		{"a page that hides", map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{"a page beside ours that hides", map[string]string{"Sec-Fetch-Site": "same-site"}},
		{"an image on another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Referer": evil + "/"}},
		{"our own page, with the Referer of another", map[string]string{"Sec-Fetch-Site": "same-origin", "Referer": evil + "/"}},
		{"an address inside a Referer", map[string]string{"Sec-Fetch-Site": "cross-site", "Referer": evil + "/?" + intranet}},
		{"a user name that looks like an origin", map[string]string{"Sec-Fetch-Site": "cross-site", "Referer": "https://intranet.example.test@evil.test/"}},
	} {
		c := a
		for name, value := range test.header {
			c = c.with(name, value)
		}
		for _, path := range []string{"/embed/presence?uri=bob@example.test", "/embed/presence/bob@example.test.json"} {
			got := c.call("GET", path, nil, 403)
			var p problem
			got.into(&p)
			if p.Reason != "embed.origin" || !strings.Contains(p.Detail, "administrator") || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s", test.what, got.body)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(string(got.body), "availability") {
				t.Errorf("%s: %v %s", test.what, got.header, got.body)
			}
		}
		image := c.call("GET", "/embed/presence/bob@example.test.svg", nil, 403)
		if !strings.Contains(string(image.body), "may not show presence") || strings.Contains(string(image.body), "Bob") {
			t.Errorf("%s: the image is %s", test.what, image.body)
		}
	}
	two := a.request(t.Context(), "GET", "/embed/presence?uri=bob@example.test", nil)
	two.Header["Origin"] = []string{intranet, intranet}
	resp, err := h.client.Do(two)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("two origins: %d", resp.StatusCode)
	}
}

func TestABrowserAsksFirst(t *testing.T) {
	h := embedding(t)
	ask := h.guest().with("Access-Control-Request-Method", "GET").with("Access-Control-Request-Headers", "authorization")
	got := ask.with("Origin", intranet).call("OPTIONS", "/embed/presence", nil, 204)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": intranet, "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "600",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q", name, got.header.Get(name))
		}
	}
	if allowed := got.header.Get("Access-Control-Allow-Headers"); !strings.Contains(allowed, "Authorization") {
		t.Errorf("headers %q", allowed)
	}
	for _, origin := range []string{evil, "null"} {
		if refused := ask.with("Origin", origin).call("OPTIONS", "/embed/presence", nil, 403); refused.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", origin, refused.header)
		}
	}
}

func TestWhatAButtonCannotAsk(t *testing.T) {
	h := embedding(t)
	a := h.browse(alice).with("Origin", intranet)
	many := url.Values{"uri": make([]string, maxEmbedded+1)}
	for i := range many["uri"] {
		many["uri"][i] = "bob@example.test"
	}
	for query, reason := range map[string]string{
		"": "embed.nobody", "?uri=%zz": "embed.query", "?" + many.Encode(): "embed.too-many",
	} {
		var p problem
		got := a.call("GET", "/embed/presence"+query, nil, 400)
		got.into(&p)
		if p.Reason != reason || got.header.Get("Access-Control-Allow-Origin") != intranet {
			t.Errorf("%.20s: %s", query, got.body)
		}
	}
	var p problem
	a.call("GET", "/embed/presence?uri=bob@example.test&uri=http%3A%2F%2Fevil.test&uri=bob", nil, 400).into(&p)
	if len(p.Errors) != 2 || p.Errors[0].Where != "http://evil.test" || p.Errors[1].Where != "bob" || p.Errors[1].Detail == "" {
		t.Errorf("bad addresses: %+v", p)
	}
	a.call("GET", "/embed/presence/bob@example.test.png", nil, 404)
	a.call("GET", "/embed/presence/bob.json", nil, 400)
	a.call("POST", "/embed/presence", nil, 403)
	guest := h.guest().with("Origin", intranet)
	got := guest.call("GET", "/embed/presence?uri=bob@example.test", nil, 401)
	got.into(&p)
	if p.Reason != "embed.signin" || got.header.Get("Access-Control-Allow-Origin") != intranet {
		t.Errorf("nobody: %s", got.body)
	}
	// A program with a token needs no page; a page cannot have one sent.
	h.signIn(alice).call("GET", "/embed/presence?uri=bob@example.test", nil, 200)
	h.signIn(alice).with("Origin", evil).call("GET", "/embed/presence?uri=bob@example.test", nil, 403)
}

func TestPresenceAsAnImage(t *testing.T) {
	h := embedding(t)
	h.browse(bob).call("PUT", "/api/v1/me/presence", map[string]string{"availability": "do-not-disturb"}, 200)
	a := h.browse(alice).with("Accept-Language", "de").with("Sec-Fetch-Site", "same-site").with("Referer", wiki+"/")
	var image *reply
	eventually(t, "the image says that bob is not to be disturbed", func() bool {
		image = a.call("GET", "/embed/presence/"+bob.Path()+".svg", nil, 200)
		return strings.Contains(string(image.body), "<title>Bob Brown: Nicht stören</title>")
	})
	if image.header.Get("Content-Type") != "image/svg+xml" || image.header.Get("Cache-Control") != "private, no-cache" || image.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("%v", image.header)
	}
	a.with("If-None-Match", image.header.Get("ETag")).call("GET", "/embed/presence/"+bob.Path()+".svg", nil, 304)
	a.with("If-None-Match", image.header.Get("ETag")).with("Referer", evil+"/").call("GET", "/embed/presence/"+bob.Path()+".svg", nil, 403)
	unknown := h.guest().with("Sec-Fetch-Site", "same-site").with("Referer", wiki+"/").call("GET", "/embed/presence/"+bob.Path()+".svg", nil, 401)
	if !strings.Contains(string(unknown.body), "stroke-dasharray") || strings.Contains(string(unknown.body), "Bob") {
		t.Errorf("nobody sees %s", unknown.body)
	}
	a.call("GET", "/embed/presence/nobody.svg", nil, 400)
}

// Every state has an image of its own, of the same size, that is well-formed whatever the text.
func TestImages(t *testing.T) {
	seen := map[string]portal.Availability{}
	for a := range imageShapes() {
		image := presenceImage("de", `<script>"&'`+"\x00\x1b\ufffe", a)
		var parsed struct {
			Width  string `xml:"width,attr"`
			Height string `xml:"height,attr"`
			Title  string `xml:"title"`
		}
		if err := xml.Unmarshal(image, &parsed); err != nil || parsed.Width != "16" || parsed.Height != "16" || parsed.Title != `<script>"&'` {
			t.Errorf("%s: %+v %v", a, parsed, err)
		}
		_, drawing, _ := strings.Cut(string(image), "</title>")
		if other, twice := seen[drawing]; twice {
			t.Errorf("%s looks like %s", a, other)
		}
		seen[drawing] = a
	}
	if len(seen) != 7 || string(presenceImage("en", "x", "nonsense")) != string(presenceImage("en", "x", portal.Unknown)) {
		t.Errorf("%d images", len(seen))
	}
}

func TestTheButtonItself(t *testing.T) {
	h := embedding(t)
	got := h.guest().with("Sec-Fetch-Site", "cross-site").with("Accept-Encoding", "gzip").call("GET", "/embed/presence.js", nil, 200)
	if len(got.body) > 6*1024 || got.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("the script weighs %d bytes", len(got.body))
	}
	t.Logf("the script weighs %d bytes on the wire", len(got.body))
	for name, want := range map[string]string{
		"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600", "Content-Type": "text/javascript; charset=utf-8",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q", name, got.header.Get(name))
		}
	}
	if got.header.Get("Set-Cookie") != "" || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", got.header)
	}
	h.guest().with("If-None-Match", got.header.Get("ETag")).call("GET", "/embed/presence.js", nil, 304)
	script := string(unpacked(t, got))
	for _, text := range []string{`"schedule":"Termin planen"`, `"schedule":"Schedule"`} {
		if !strings.Contains(script, text) {
			t.Errorf("the script has no %s", text)
		}
	}
	for _, bad := range []string{"innerHTML", "eval(", "document.write", "localStorage", "document.cookie"} {
		if strings.Contains(script, bad) {
			t.Errorf("the script uses %s", bad)
		}
	}
}

// Looking at others on a page shows nobody as there.
func TestAPageWithButtonsShowsNobodyAsThere(t *testing.T) {
	h := embedding(t)
	quiet := h.silently(alice)
	b := h.signIn(bob)
	quiet.call("GET", "/embed/presence?uri=bob@example.test", nil, 200)
	quiet.call("GET", "/embed/presence/bob@example.test.json", nil, 200)
	quiet.call("GET", "/embed/presence/bob@example.test.svg", nil, 200)
	if p := h.presence.Own(alice); p.Availability != portal.Offline && p.Availability != portal.Unknown {
		t.Errorf("alice is %s", p.Availability)
	}
	var seen presenceJSON
	b.call("GET", "/api/v1/presence/"+alice.Path(), nil, 200).into(&seen)
	if seen.Availability == portal.Available {
		t.Errorf("bob sees alice as %s", seen.Availability)
	}
}

func TestDialled(t *testing.T) {
	work, mobile := portal.Number{Kind: "work", Number: "+43 1 (234) 56-7"}, portal.Number{Kind: "mobile", Number: "0664 1"}
	for want, p := range map[string]portal.Person{
		"": {}, "+431234567": {Numbers: []portal.Number{mobile, work}}, "06641": {Numbers: []portal.Number{mobile}}, "12": {Phones: []string{"1 / 2"}},
	} {
		if got := dialled(p); got != want {
			t.Errorf("%+v: %q", p, got)
		}
	}
}

func TestEmbedOriginsAreOrigins(t *testing.T) {
	if _, err := embedOrigins([]string{"https://x.test/path"}); err == nil {
		t.Error("a page is taken for an origin")
	}
	got, err := embedOrigins([]string{"HTTPS://Intranet.Example.Test:443", "http://[::1]:8080"})
	if err != nil || !got[intranet] || !got["http://[::1]:8080"] {
		t.Errorf("%v %v", got, err)
	}
}

func TestTheManifestInstallsAndTakesLinks(t *testing.T) {
	h := newHouse(t)
	page := h.browse(alice).call("GET", "/links", nil, 200)
	_, after, _ := strings.Cut(string(page.body), `rel="manifest" href="`)
	path, _, _ := strings.Cut(after, `"`)
	var m struct {
		ID, Scope string
		StartURL  string `json:"start_url"`
		Icons     []struct{ Src, Sizes, Type string }
		Shortcuts []struct{ URL string }
		Handlers  []struct{ Protocol, URL string } `json:"protocol_handlers"`
	}
	if err := json.Unmarshal(unpacked(t, h.guest().with("Accept-Encoding", "gzip").call("GET", path, nil, 200)), &m); err != nil {
		t.Fatal(err)
	}
	if m.ID != "/" || m.Scope != "/" || m.StartURL != "/" || len(m.Icons) != 4 || len(m.Shortcuts) < 3 || len(m.Handlers) != 3 {
		t.Errorf("%+v", m)
	}
	for _, icon := range m.Icons {
		if got := h.guest().call("GET", icon.Src, nil, 200); got.header.Get("Content-Type") != icon.Type {
			t.Errorf("%s is %s", icon.Src, got.header.Get("Content-Type"))
		}
	}
	for _, handler := range m.Handlers {
		at := strings.ReplaceAll(handler.URL, "%s", url.QueryEscape(handler.Protocol+":bob@example.test"))
		if got := h.browse(alice).call("GET", at, nil, http.StatusSeeOther); got.header.Get("Location") != "/chat/"+bob.Path() {
			t.Errorf("%s leads to %s", at, got.header.Get("Location"))
		}
	}
}
