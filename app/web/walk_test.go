package web

// What holds on every route, shown by walking the table that the server itself routes by: a route that is added is walked too.

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"portico/app/portal"
)

// route is one line of the router's table, with an address that it matches.
type route struct{ method, path, at string }

// routes are all of a house with everything in it, in order.
func (h *house) routes() []route {
	h.t.Helper()
	params := regexp.MustCompile(`:[a-z]+`)
	fill := map[string]string{":uri": url.PathEscape(string(bob)), ":peer": url.PathEscape(string(bob)), ":who": url.PathEscape(string(bob)),
		":topic": "start", ":file": url.PathEscape(string(bob)) + ".json", ":email": "bob@example.test", ":token": strings.Repeat("a", 40) + ".ics"}
	var all []route
	for _, r := range h.server.echo.Routes() {
		if r.Method == "echo_route_not_found" || strings.HasPrefix(r.Path, apiPrefix+"/panic") {
			continue
		}
		at := params.ReplaceAllStringFunc(r.Path, func(name string) string {
			if value, ok := fill[name]; ok {
				return value
			}
			return "x"
		})
		all = append(all, route{r.Method, r.Path, strings.TrimSuffix(at, "*")})
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return all
}

// everything is a house in which every part of the portal is there.
func everything(t *testing.T, more ...func(*settings)) *house {
	t.Helper()
	h := newHouse(t, append([]func(*settings){func(s *settings) { s.people = true }}, more...)...)
	h.contract = nil // what is refused at the door is no exchange of the API
	return h
}

// Every route that changes something refuses whom it cannot know to be a page of ours, whatever the session may do.
func TestEveryChangeRefusesForeignPages(t *testing.T) {
	h := everything(t)
	a := h.browse(alice)
	walked := 0
	for _, r := range h.routes() {
		if safeMethod(r.method) {
			continue
		}
		walked++
		for name, headers := range map[string][]string{
			"a foreign page":                  {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"},
			"a sibling host":                  {"Sec-Fetch-Site", "same-site", "Origin", "https://sub.evil.test"},
			"a foreign page in an old one":    {"Origin", "https://evil.test"},
			"a page without an origin":        {"Origin", "null"},
			"a foreign referer in an old one": {"Referer", "https://evil.test/"},
			"nobody who says":                 {"Sec-Fetch-Site", ""},
		} {
			c := a.with(headers[0], headers[1])
			if len(headers) > 2 {
				c = c.with(headers[2], headers[3])
			}
			for _, kind := range []string{"application/x-www-form-urlencoded", "application/json", "text/plain"} {
				got := c.with("Content-Type", kind).send(r.method, r.at, "a=b")
				if got.status != http.StatusForbidden || strings.HasPrefix(r.path, "/api/") && !strings.Contains(string(got.body), `"cross-origin"`) {
					t.Errorf("%s %s by %s with %s: %d %.100s", r.method, r.path, name, kind, got.status, got.body)
				}
			}
		}
	}
	if walked < 100 {
		t.Errorf("only %d routes were walked", walked)
	}
	a.call("GET", "/api/v1/me", nil, 200) // nothing of it signed her out
}

// forEverybody are the routes that anybody may ask for. Each says why.
func forEverybody() map[string]string {
	return map[string]string{
		"GET /healthz": "whether the process lives", "GET /readyz": "whether its backends answer",
		"GET /metrics":                              "asked by a secret or from this machine",
		"GET " + staticRoute:                        "the same for everybody",
		"GET /signin":                               "where one signs in",
		"POST /signin":                              "where one signs in",
		"POST /api/v1/session":                      "where programs sign in",
		"POST /signout":                             "there is nothing to end",
		"GET " + discoveryPath:                      "where programs find the portal",
		"GET /api/v1/openapi.json":                  "the API's description",
		"POST /api/v1/crm/inbox":                    "asked by a signature",
		"GET /calendar/subscribe/:token":            "asked by a secret address",
		"GET " + embedPrefix + "presence.js":        "the same for everybody",
		"OPTIONS " + embedPrefix + "presence":       "asked by a browser on behalf of a page",
		"OPTIONS " + embedPrefix + "presence/:file": "asked by a browser on behalf of a page",
		"GET /signin/oidc":                          "where one signs in",
		"GET /signin/oidc/callback":                 "where one signs in",
	}
}

const staticRoute = "/static/*"

// Nobody gets past the door without a session, but for the few routes that are for everybody.
func TestEveryRouteAsksWhoIsThere(t *testing.T) {
	h := everything(t, withProvider(idProvider{}))
	guest, unused := h.guest(), forEverybody()
	for _, r := range h.routes() {
		if _, ok := unused[r.method+" "+r.path]; ok {
			delete(unused, r.method+" "+r.path)
			continue
		}
		for _, c := range []caller{guest, {h: h, token: strings.Repeat("A", tokenLen)}} {
			got := c.send(r.method, r.at, nil)
			led := got.status == http.StatusSeeOther && strings.HasPrefix(got.header.Get("Location"), "/signin")
			embedded := strings.HasPrefix(r.path, embedPrefix) && (got.status == http.StatusForbidden || got.status == http.StatusOK && strings.HasPrefix(got.header.Get("Content-Type"), "image/"))
			if got.status != http.StatusUnauthorized && !led && !embedded {
				t.Errorf("%s %s answered a stranger %d %.100s", r.method, r.path, got.status, got.body)
			}
		}
	}
	for name := range unused {
		t.Errorf("%s is said to be for everybody, and is not there", name)
	}
}

// What is an administrator's refuses everybody else: all addresses under /admin, and all calls that the table says are theirs.
func TestEveryRouteOfAdministratorsRefusesOthers(t *testing.T) {
	h := everything(t)
	theirs := map[string]bool{}
	for _, call := range h.server.calls() {
		switch call.access {
		case admins, rulers, librarians, archivists:
			theirs[call.method+" "+apiPrefix+call.path] = true
		}
	}
	b := h.browse(bob)
	walked := 0
	for _, r := range h.routes() {
		if !theirs[r.method+" "+r.path] && !strings.HasPrefix(r.path, "/admin") && !strings.HasPrefix(r.path, apiPrefix+"/admin") {
			continue
		}
		walked++
		body := any(nil)
		c := b
		if !safeMethod(r.method) {
			c, body = b.with("Content-Type", "application/x-www-form-urlencoded"), "a=b"
			if strings.HasPrefix(r.path, "/api/") {
				c, body = b, map[string]string{}
			}
		}
		if got := c.send(r.method, r.at, body); got.status != http.StatusForbidden {
			t.Errorf("%s %s answered bob %d %.200s", r.method, r.path, got.status, got.body)
		}
	}
	if walked < 30 || len(theirs) < 20 {
		t.Errorf("only %d routes were walked, %d of the API", walked, len(theirs))
	}
}

// Every page that can be asked for has the policy that allows nothing inline, keeps to it, and is in no cache.
func TestEveryAnswerKeepsToThePolicy(t *testing.T) {
	h := everything(t)
	a := h.browse(alice)
	pages := 0
	for _, r := range h.routes() {
		if r.method != http.MethodGet || r.path == "/ws" || r.path == apiPrefix+"/events" {
			continue
		}
		got := a.send(http.MethodGet, r.at, nil)
		if got.status >= http.StatusInternalServerError && got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %.200s", r.path, got.status, got.body)
		}
		csp := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
			sandboxed := strings.HasSuffix(csp, "; sandbox")
			if !strings.Contains(csp, part) && !sandboxed || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
				t.Errorf("%s: policy %q", r.path, csp)
			}
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("X-Frame-Options") != "DENY" || got.header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", r.path, got.header)
		}
		if cache := got.header.Get("Cache-Control"); got.status < 300 && !cachedRoutes()[r.path] && cache != "no-store" {
			t.Errorf("%s: Cache-Control %q", r.path, cache)
		}
		if len(got.body) > 0 && got.header.Get("Content-Type") == "" {
			t.Errorf("%s: no Content-Type", r.path)
		}
		if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			pages++
			withoutInlineCode(t, r.path, unpacked(t, got))
		}
	}
	if pages < 40 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

// cachedRoutes are those whose answers may be kept: by everybody, for nobody is meant, or by the reader's browser alone.
func cachedRoutes() map[string]bool {
	return map[string]bool{staticRoute: true, discoveryPath: true, embedPrefix + "presence.js": true, "/metrics": true,
		apiPrefix + "/openapi.json": true, "/photos/:uri": true, apiPrefix + "/people/:uri/photo": true}
}

// withoutInlineCode looks for what the policy forbids anyway, and for frames.
func withoutInlineCode(t *testing.T, where string, page []byte) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(string(page)))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			attrs := map[string]string{}
			for _, a := range tag.Attr {
				attrs[a.Key] = a.Val
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", where, tag.Data, a.Key, a.Val)
				}
			}
			switch tag.Data {
			case "script":
				if attrs["src"] == "" && attrs["type"] != "application/json" {
					t.Errorf("%s: script in the page", where)
				}
			case "style", "iframe", "frame", "object", "embed", "applet", "base":
				t.Errorf("%s: <%s>", where, tag.Data)
			case "form":
				if to := attrs["action"]; strings.Contains(to, "//") {
					t.Errorf("%s: a form leads to %q", where, to)
				}
			}
		}
	}
}

// A page with what people have said and noted in it keeps to the policy too.
func TestHostileTextsStayTexts(t *testing.T) {
	h := everything(t)
	a, b := h.browse(alice), h.browse(bob)
	const hostile = `<script>alert(1)</script><img src=x onerror=alert(1)><iframe srcdoc=x></iframe> javascript:alert(1) "onclick="x`
	b.call("POST", messagesPath(alice), map[string]string{"text": hostile}, 202)
	a.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy", "note": hostile[:60]}, 200)
	eventually(t, "bob's words are with alice", func() bool {
		return strings.Contains(string(unpacked(t, a.send("GET", messagesPath(bob), nil))), "alert(1)")
	})
	h.tells(alice, h.room("lobby", bob), hostile)
	h.must(h.rooms.SetWords(t.Context(), alice, []string{hostile[:30]}))
	b.call("POST", "/api/v1/rooms", map[string]any{"name": "foul", "title": hostile[:60], "topic": hostile, "access": "open", "members": []string{string(alice)}}, 201)
	b.call("POST", "/api/v1/crm/companies", map[string]string{"name": hostile[:100], "website": "javascript:alert(1)", "phone": hostile[:60]}, 201)
	b.call("POST", "/api/v1/crm/people", map[string]string{"first_name": hostile[:60], "last_name": hostile[:60]}, 201)
	a.call("PUT", "/api/v1/conversations/"+url.PathEscape(string(bob))+"/draft", map[string]string{"text": "</textarea>" + hostile}, 200)
	a.submit("/contacts", "uri", string(bob), "group", hostile[:30])
	for path, holds := range map[string]bool{
		"/chat": true, "/chat/" + url.PathEscape(string(bob)): true, "/contacts": false, "/settings": false, "/history?q=alert": false, "/privacy": false,
		"/rooms": true, "/rooms/lobby": true, "/rooms/foul?side=people": true, "/rooms/~find?q=script": false, "/crm": false,
		"/admin/people?q=%3Cscript%3E": false, "/contacts/find?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E": false, "/crm/find?q=script": false,
	} {
		page := unpacked(t, a.call("GET", path, nil, 200))
		if holds && !strings.Contains(string(page), "&lt;script&gt;alert(1)") {
			t.Errorf("%s does not show the hostile text", path)
		}
		withoutInlineCode(t, path, page)
	}
	if _, err := portal.ParseAddress(hostile); err == nil {
		t.Error("a script is an address")
	}
}

// TestGetChangesNothing: whoever leads somebody's browser to any address of the portal has changed nothing of theirs by it, has
// said nothing in their name and read nothing in their place.
func TestGetChangesNothing(t *testing.T) {
	h := everything(t)
	a, b := h.browse(alice), h.signIn(bob)
	room := h.room("lobby", bob)
	h.tells(bob, room, "not yet read")
	b.call("POST", messagesPath(alice), map[string]string{"text": "not yet read either"}, 202)
	state := func() string {
		t.Helper()
		var all strings.Builder
		for _, path := range []string{"/me/settings", "/contacts", "/contact-groups", "/conversations", "/rooms", "/rooms/lobby", "/me/privacy", "/me/relationships", "/me/words", "/me/drafts",
			"/appointments/changes", "/crm/companies", "/crm/people", "/me/out-of-office", "/admin/policies", "/admin/origins", "/admin/custom-states", "/admin/sync/hooks", "/calls", "/diagnostics/trace"} {
			fmt.Fprintf(&all, "%s %s\n", path, unpacked(t, a.call("GET", apiPrefix+path, nil, 200)))
		}
		return all.String()
	}
	eventually(t, "both are there unread", func() bool {
		return strings.Contains(string(unpacked(t, a.send("GET", apiPrefix+"/conversations", nil))), `"unread":1`)
	})
	before, head := state(), h.head()
	walked := 0
	for _, r := range h.routes() {
		if r.method != http.MethodGet || r.path == "/ws" || r.path == apiPrefix+"/events" {
			continue
		}
		for _, at := range []string{r.at, strings.ReplaceAll(r.at, "/rooms/x", "/rooms/lobby")} {
			for _, more := range []string{"", "?do=delete&sign-out=1&uri=" + url.QueryEscape(string(bob)) + "&text=x&version=1&_method=DELETE"} {
				if got := a.send(http.MethodGet, at+more, nil); got.status >= 500 && got.status != http.StatusServiceUnavailable {
					t.Errorf("%s%s: %d %.200s", at, more, got.status, got.body)
				}
				walked++
			}
		}
	}
	if walked < 400 {
		t.Errorf("only %d addresses were asked for", walked)
	}
	if after := state(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if now := h.head(); now != head {
		t.Errorf("%d events came of it", now-head)
	}
}

// TRACE, which would show a page the cookie that it must not see, and methods that nobody knows are refused.
func TestStrangeMethods(t *testing.T) {
	h := everything(t)
	a := h.browse(alice)
	for _, method := range []string{"TRACE", "TRACK", "DEBUG", "PROPFIND"} {
		for _, path := range []string{"/", "/signin", "/api/v1/me", "/static/x"} {
			if got := a.send(method, path, nil); got.status < 400 || got.status >= 500 || strings.Contains(string(got.body), a.cookie.Value) {
				t.Errorf("%s %s: %d %.100s", method, path, got.status, got.body)
			}
		}
	}
}
