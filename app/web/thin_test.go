package web

import (
	"net/netip"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// isThin asks for what a session is: by the API, by a page, and by the first frame of a live connection, which agree.
func (c caller) isThin(from string) bool {
	c.h.t.Helper()
	var me portal.Me
	c.call("GET", "/api/v1/me", nil, 200).into(&me)
	if me.ThinFrom != from {
		c.h.t.Errorf("decided by %q, want %q", me.ThinFrom, from)
	}
	doc := c.page("/contacts", 200)
	if kind := doc.Find("html").AttrOr("data-session", ""); kind != map[bool]string{true: "thin", false: "full"}[me.Thin] {
		c.h.t.Errorf("the API says %v, the page %q", me.Thin, kind)
	}
	if n := doc.Find(`link[href*="/css/thin."]`).Length(); n == 1 != me.Thin {
		c.h.t.Errorf("thin %v, and %d style sheets of it", me.Thin, n)
	}
	hello, _ := c.dial(protocolJSON, "").next("hello")["me"].(map[string]any)
	if hello["thin"] != me.Thin || hello["thin_from"] != me.ThinFrom {
		c.h.t.Errorf("hello says %v by %v", hello["thin"], hello["thin_from"])
	}
	return me.Thin
}

func wants(t *testing.T, what string, got, want bool) {
	t.Helper()
	if got != want {
		t.Errorf("%s: thin %v, want %v", what, got, want)
	}
}

var loopbacks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestThinByNetwork(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.Thin = policy.NewThinWays(loopbacks, "") })
	wants(t, "from a terminal server", h.browse(alice).isThin(portal.ThinNetwork), true)
	if kind := h.guest().page("/signin", 200).Find("html").AttrOr("data-session", ""); kind != "thin" {
		t.Errorf("the sign-in page is %q", kind)
	}
	away := newHouse(t, func(s *settings) {
		s.web.Thin, s.web.TrustedProxies = policy.NewThinWays([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, ""), loopbacks
	})
	a := away.browse(alice)
	wants(t, "from elsewhere", a.with("X-Forwarded-For", "198.51.100.1").isThin(portal.ThinDefault), false)
	wants(t, "through a proxy", a.with("X-Forwarded-For", "203.0.113.9").isThin(portal.ThinNetwork), true)
	lying := newHouse(t, func(s *settings) {
		s.web.Thin = policy.NewThinWays([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, "")
	})
	wants(t, "an address that nobody believes", lying.browse(alice).with("X-Forwarded-For", "203.0.113.9").isThin(portal.ThinDefault), false)
}

func TestThinByHeader(t *testing.T) {
	open := newHouse(t, func(s *settings) { s.web.Thin = policy.NewThinWays(nil, "X-Session-Type: ica") })
	a := open.browse(alice)
	wants(t, "with the header", a.with("X-Session-Type", "ICA").isThin(portal.ThinHeader), true)
	wants(t, "without", a.isThin(portal.ThinDefault), false)
	trusting := func(proxy string) *house {
		return newHouse(t, func(s *settings) {
			s.web.Thin, s.web.TrustedProxies = policy.NewThinWays(nil, "X-Session-Type"), []netip.Prefix{netip.MustParsePrefix(proxy)}
		})
	}
	wants(t, "from a trusted proxy", trusting("127.0.0.0/8").browse(alice).with("X-Session-Type", "1").isThin(portal.ThinHeader), true)
	wants(t, "past the proxy", trusting("192.0.2.0/24").browse(alice).with("X-Session-Type", "1").isThin(portal.ThinDefault), false)
}

// A person's choice goes before the connection, a policy before both, and then there is nothing to choose.
func TestThinByChoiceAndPolicy(t *testing.T) {
	h := peopleHouseFor(t, func(s *settings) { s.web.Thin = policy.NewThinWays(loopbacks, "") })
	a := h.browse(alice)
	chosen := func() string {
		return a.page("/settings", 200).Find("input[name=thin]:checked").AttrOr("value", "none")
	}
	a.submit("/settings", "thin", "off").leadsTo("/settings?saved=1")
	wants(t, "off by choice", a.isThin(portal.ThinChoice), false)
	if got := chosen(); got != policy.Off {
		t.Errorf("the page shows %q", got)
	}
	a.submit("/settings", "thin", "sometimes").says(400, "A thin session is automatic, on or off.")
	a.call("PUT", "/api/v1/me/settings", map[string]string{"thin": "sometimes"}, 400).problem("settings.thin")
	a.submit("/settings", "theme", "dark").leadsTo("/settings?saved=1") // a form that does not ask for it
	wants(t, "still off", a.isThin(portal.ThinChoice), false)

	h.decide(func(in *portal.InForce) { in.ThinSessions = policy.On })
	wants(t, "on by policy", a.isThin(portal.ThinPolicy), true)
	doc := a.page("/settings", 200)
	if n := doc.Find("#thin input:disabled").Length(); n != 4 || doc.Find("#thin-why").Text() != "Your organisation has switched this on." {
		t.Errorf("%d choices are closed, because %q", n, doc.Find("#thin-why").Text())
	}
	a.submit("/settings", "thin", "on").leadsTo("/settings?saved=1")
	a.call("PUT", "/api/v1/me/settings", map[string]string{"thin": "on"}, 403).problem("settings.decided")
	a.submit("/thin", "do", "switch").says(403, "Your organisation decides this")
	a.call("PUT", "/api/v1/me/settings", map[string]string{"thin": "off"}, 200) // which changes nothing
	if set, err := h.account.Settings(t.Context(), alice); err != nil || set.Thin != policy.Off {
		t.Errorf("policy let %q be chosen (%v)", set.Thin, err)
	}
	h.decide(func(in *portal.InForce) { in.ThinSessions = policy.Off })
	a.call("PUT", "/api/v1/me/settings", map[string]string{"theme": "light"}, 200)
	wants(t, "off by policy", a.isThin(portal.ThinPolicy), false)
	h.decide(func(in *portal.InForce) { in.ThinSessions = "" })
	a.call("PUT", "/api/v1/me/settings", map[string]string{"thin": ""}, 200)
	wants(t, "automatic again", a.isThin(portal.ThinNetwork), true)
	if why := a.page("/settings", 200).Find("#thin-why").Text(); why != "This session is thin because of the network it comes through." {
		t.Errorf("because %q", why)
	}
}

// holds is the caller with a cookie that an answer set, or without the one that it took away.
func (c caller) holds(got *reply, name string) caller {
	c.h.t.Helper()
	for _, k := range got.cookie {
		if k.Name != name {
			continue
		}
		if !k.HttpOnly || k.MaxAge == 0 {
			c.h.t.Errorf("the cookie is %v", k)
		}
		if k.MaxAge < 0 {
			return caller{h: c.h, cookie: c.cookie, token: c.token}
		}
		return c.with("Cookie", c.cookie.Name+"="+c.cookie.Value+"; "+name+"="+k.Value)
	}
	c.h.t.Fatalf("no cookie %s in %v", name, got.cookie)
	return c
}

func TestThinIsOfferedOnce(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	offer := func(c caller) *goquery.Selection { return c.page("/contacts", 200).Find("#thin-offer") }
	if o := offer(a); o.Length() != 1 || o.Is(":not([hidden])") {
		t.Errorf("without a hint the offer waits for the script: %d", o.Length())
	}
	if o := offer(a.with("Save-Data", "on")); o.Length() != 1 || o.Is("[hidden]") {
		t.Error("a browser that saves data gets no offer")
	}
	wants(t, "an offer is no decision", a.with("Save-Data", "on").isThin(portal.ThinDefault), false)
	a.submit("/thin", "do", "never").says(400, "automatic")

	later := a.submit("/thin", "do", "later", "here", "/chat")
	later.leadsTo("/chat")
	if o := offer(a.holds(later, thinCookie).with("Save-Data", "on")); o.Length() != 0 {
		t.Error("what was declined is offered again")
	}
	taken := a.submit("/thin", "do", "switch", "here", "https://evil.test/")
	taken.leadsTo("/")
	here := a.holds(taken, thinCookie)
	wants(t, "accepted", here.isThin(portal.ThinChoice), true)
	if o := offer(here.with("Save-Data", "on")); o.Length() != 0 {
		t.Error("what was accepted is offered again")
	}
	wants(t, "in another browser", a.isThin(portal.ThinDefault), false)
	if got := here.page("/settings", 200).Find("input[name=thin]:checked").AttrOr("value", "none"); got != views.ThinHere {
		t.Errorf("the settings show %q", got)
	}
	here.submit("/settings", "thin", views.ThinHere).leadsTo("/settings?saved=1")
	wants(t, "still", here.isThin(portal.ThinChoice), true)
	back := here.submit("/settings", "thin", "")
	back.leadsTo("/settings?saved=1")
	wants(t, "no longer", here.holds(back, thinCookie).isThin(portal.ThinDefault), false)
	again := a.submit("/settings", "thin", views.ThinHere)
	wants(t, "by the settings", a.holds(again, thinCookie).isThin(portal.ThinChoice), true)
}

// A thin session makes no sound and offers none; the choice of sounds outlives it.
func TestThinIsSilent(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	a := h.browse(alice)
	if doc := a.page("/calls", 200); doc.Find("audio").Length() == 0 {
		t.Fatal("there is no recording to play in a full session")
	}
	a.submit("/settings", "thin", "on", "sound", "on").leadsTo("/settings?saved=1")
	doc := a.page("/settings", 200)
	if doc.Find("body").AttrOr("data-sound", "none") != "" || doc.Find("input[type=checkbox][name=sound]").Length() != 0 {
		t.Error("it sounds")
	}
	if v := doc.Find("input[name=sound]").AttrOr("value", ""); v != "on" {
		t.Errorf("the choice of sounds would be lost: %q", v)
	}
	doc = a.page("/calls", 200)
	if doc.Find("audio, video").Length() != 0 || doc.Find("p.player a[download]").Length() == 0 {
		t.Error("recordings are not offered as files alone")
	}
}
