package sipua_test

// Subscriptions against a server that does what RFC 6665 allows and people do not expect.

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

// scripted is an agent with alice signed in at a fake.
func scripted(t *testing.T, change ...func(*sipua.Config)) (*fake, *house, *sipua.Agent) {
	t.Helper()
	f, h := newFake(t, nil), newHouse()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	a := start(t, cfg, h)
	signIn(t, a, alice)
	return f, h, a
}

// heardOf is how often alice heard of somebody.
func (h *house) heardOf(watcher, of portal.Address) (reports, silent int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heard[[2]portal.Address{watcher, of}], h.silent[[2]portal.Address{watcher, of}]
}

func subscribes(p packet) bool { return p.method() == "SUBSCRIBE" && p.get("Expires") != "0" }

func TestNotifyBeforeTheAnswer(t *testing.T) {
	f, h, a := scripted(t)
	f.setHandle(func(c *fakeConn, p packet) bool {
		if !subscribes(p) {
			return false
		}
		c.notify(p, 1, "active;expires=600", busyDocument)
		c.answer(p, 200, "Expires: 600", "Contact: <sip:pa@example.test>")
		return true
	})
	a.Watch(alice, []portal.Address{bob})
	h.awaitAvailability(t, alice, bob, portal.Available)
	eventually(t, "the subscription to stand", func() bool { return a.Status(alice).Live == 1 })
}

func TestOvertakenAndRepeatedNotifies(t *testing.T) {
	f, h, a := scripted(t)
	a.Watch(alice, []portal.Address{bob})
	sub := f.awaitSeen("SUBSCRIBE", subscribes)
	h.awaitAvailability(t, alice, bob, portal.Available)
	c := f.on()
	c.notify(sub, 9, "active;expires=600", strings.Replace(busyDocument, "open", "closed", 1))
	h.awaitAvailability(t, alice, bob, portal.Offline)
	before, _ := h.heardOf(alice, bob)
	c.notify(sub, 8, "active;expires=600", busyDocument) // overtaken
	c.notify(sub, 9, "active;expires=600", busyDocument) // repeated
	eventually(t, "both answered", func() bool {
		n := 0
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, p := range f.answers {
			if strings.Contains(p.get("Cseq"), "NOTIFY") {
				if p.status() != 200 {
					t.Errorf("answered %s", p.start)
				}
				n++
			}
		}
		return n >= 4
	})
	c.notify(sub, 10, "active;expires=600", "")
	h.await(t, "the next one", func() bool { return h.heard[[2]portal.Address{alice, bob}] > before })
	if after, _ := h.heardOf(alice, bob); after != before+1 {
		t.Errorf("%d reports, want %d: an overtaken document was believed", after, before+1)
	}
}

func TestNotifiesOfNoDialogOfOurs(t *testing.T) {
	f, h, a := scripted(t)
	a.Watch(alice, []portal.Address{bob})
	sub := f.awaitSeen("SUBSCRIBE", subscribes)
	h.awaitAvailability(t, alice, bob, portal.Available)
	c := f.on()
	to := sub.get("From")
	for name, branch := range map[string]string{
		"unknown Call-ID": c.request("NOTIFY", "sip:alice@1.2.3.4", "<sip:bob@example.test>;tag="+remoteTag(sub), to, "elsewhere", 5, "", "Event: presence", "Subscription-State: active"),
		"second server":   c.request("NOTIFY", "sip:alice@1.2.3.4", "<sip:bob@example.test>;tag=fork", to, sub.get("Call-Id"), 5, "", "Event: presence", "Subscription-State: active"),
		"tag not ours":    c.request("NOTIFY", "sip:alice@1.2.3.4", "<sip:bob@example.test>;tag="+remoteTag(sub), "<sip:alice@example.test>;tag=other", sub.get("Call-Id"), 5, "", "Event: presence", "Subscription-State: active"),
		"without our tag": c.request("NOTIFY", "sip:alice@1.2.3.4", "<sip:bob@example.test>;tag="+remoteTag(sub), "<sip:alice@example.test>", sub.get("Call-Id"), 5, "", "Event: presence", "Subscription-State: active"),
		"binary Call-ID":  c.request("NOTIFY", "sip:alice@1.2.3.4", "<sip:bob@example.test>;tag=x", to, "zzzzzzzzzzzzzzzzzzzz", 5, "", "Event: presence", "Subscription-State: active"),
	} {
		if p := f.await(branch); p.status() != 481 {
			t.Errorf("%s: %s", name, p.start)
		}
	}
	for name, c2 := range map[string]struct {
		branch string
		status int
	}{
		"another package":  {c.request("NOTIFY", "sip:x@y", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 6, "", "Event: dialog", "Subscription-State: active"), 489},
		"no state":         {c.request("NOTIFY", "sip:x@y", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 6, "", "Event: presence"), 400},
		"another type":     {c.request("NOTIFY", "sip:x@y", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 6, "hello", "Event: presence", "Subscription-State: active", "Content-Type: text/plain"), 415},
		"rewritten R-URI":  {c.request("NOTIFY", "sip:nobody@192.0.2.1:9;transport=udp", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 7, busyDocument, "Event: presence", "Subscription-State: active;expires=60", "Content-Type: application/pidf+xml"), 200},
		"unknown encoding": {c.request("NOTIFY", "sip:x@y", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 8, "hello", "Event: presence", "Subscription-State: active", "Content-Type: application/pidf+xml", "Content-Encoding: rot13"), 415},
		"broken document":  {c.request("NOTIFY", "sip:x@y", "<sip:bob@example.test>;tag="+remoteTag(sub), to, sub.get("Call-Id"), 9, "<presence", "Event: presence", "Subscription-State: active", "Content-Type: application/pidf+xml"), 200},
	} {
		if p := f.await(c2.branch); p.status() != c2.status {
			t.Errorf("%s: %s", name, p.start)
		}
	}
}

func TestSubscriptionStates(t *testing.T) {
	for _, c := range []struct {
		state string
		again bool // a new dialog is begun
		quiet bool // the handler hears that nothing is known
	}{
		{"terminated;reason=deactivated", true, false},
		{"terminated;reason=timeout", true, false},
		{"terminated", true, false},
		{"terminated;reason=probation;retry-after=600", false, true},
		{"terminated;reason=giveup", false, true},
		{"terminated;reason=rejected", false, true},
		{"terminated;reason=noresource", false, true},
		{"pending", false, true},
	} {
		t.Run(c.state, func(t *testing.T) {
			f, h, a := scripted(t)
			a.Watch(alice, []portal.Address{bob})
			sub := f.awaitSeen("SUBSCRIBE", subscribes)
			h.awaitAvailability(t, alice, bob, portal.Available)
			f.on().notify(sub, 5, c.state, "")
			if c.quiet {
				h.await(t, "silence", func() bool { return h.silent[[2]portal.Address{alice, bob}] == 1 })
			}
			if c.again {
				f.awaitSeen("a new dialog", func(p packet) bool { return subscribes(p) && p.get("Call-Id") != sub.get("Call-Id") })
				eventually(t, "the subscription to stand", func() bool { return a.Status(alice).Live == 1 })
				return
			}
			// the wish for somebody else passes, the refused one is not asked again
			a.Watch(alice, []portal.Address{bob, carol})
			f.awaitSeen("SUBSCRIBE to carol", func(p packet) bool { return subscribes(p) && strings.Contains(p.uri(), "carol") })
			if n := f.count(func(p packet) bool { return subscribes(p) && strings.Contains(p.get("To"), "bob") }); n != 1 {
				t.Errorf("bob asked %d times", n)
			}
		})
	}
}

func TestAnEmptyWordMeansNobodyIsThere(t *testing.T) {
	f, h, a := scripted(t)
	f.setHandle(func(c *fakeConn, p packet) bool {
		if !subscribes(p) {
			return false
		}
		c.answer(p, 202, "Expires: 600", "Contact: <sip:pa@example.test>")
		c.notify(p, 1, "active;expires=600", "")
		return true
	})
	a.Watch(alice, []portal.Address{bob})
	h.awaitAvailability(t, alice, bob, portal.Offline)
	// typing and notices are not for those who are away
	if err := a.SendTyping(within(t), alice, bob, true); err != nil {
		t.Fatal(err)
	}
	err := a.SendNotice(within(t), alice, portal.Notice{To: bob, ID: "x", State: portal.Read, At: time.Now()})
	if portal.Reason(err) != "notice.away" {
		t.Errorf("notice: %v", err)
	}
	if n := f.count(methodIs("MESSAGE")); n != 0 {
		t.Errorf("%d messages to somebody who is away", n)
	}
}

func TestRefreshAndWhatCanHappenToIt(t *testing.T) {
	f, h, a := scripted(t)
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() != "SUBSCRIBE" {
			return false
		}
		switch n, _, _ := strings.Cut(p.get("Cseq"), " "); {
		case n == "1":
			c.answer(p, 200, "Expires: 2", "Contact: <sip:pa@example.test;transport=tcp>", "Record-Route: <sip:b.example.test;lr>, <sip:a.example.test;lr>")
			c.notify(p, 1, "active;expires=2", busyDocument)
		default: // the refresh: this dialog is not known any more
			c.answer(p, 481)
		}
		return true
	})
	a.Watch(alice, []portal.Address{bob})
	refresh := f.awaitSeen("refresh", func(p packet) bool { return subscribes(p) && strings.HasPrefix(p.get("Cseq"), "2 ") })
	first := f.awaitSeen("its beginning", func(p packet) bool {
		return subscribes(p) && strings.HasPrefix(p.get("Cseq"), "1 ") && p.get("Call-Id") == refresh.get("Call-Id")
	})
	if refresh.uri() != "sip:pa@example.test;transport=tcp" {
		t.Errorf("refresh to %s", refresh.uri())
	}
	if first.get("From") != refresh.get("From") || tagOf(refresh.get("To")) != remoteTag(first) || refresh.get("Route") != "<sip:a.example.test;lr>, <sip:b.example.test;lr>" {
		t.Errorf("refresh outside of its dialog: %v", refresh.header)
	}
	f.awaitSeen("a new dialog", func(p packet) bool { return subscribes(p) && p.get("Call-Id") != first.get("Call-Id") })
	h.awaitAvailability(t, alice, bob, portal.Available)
}

func TestSubscriptionDeclined(t *testing.T) {
	f, h, a := scripted(t)
	f.setHandle(func(c *fakeConn, p packet) bool {
		if subscribes(p) && strings.Contains(p.uri(), "bob") {
			c.answer(p, 404)
			return true
		}
		if subscribes(p) && strings.Contains(p.uri(), "carol") && f.count(func(p packet) bool { return subscribes(p) && strings.Contains(p.uri(), "carol") }) == 1 {
			c.answer(p, 503, "Retry-After: 1")
			return true
		}
		return false
	})
	a.Watch(alice, []portal.Address{bob, carol})
	h.await(t, "silence about both", func() bool {
		return h.silent[[2]portal.Address{alice, bob}] == 1 && h.silent[[2]portal.Address{alice, carol}] == 1
	})
	h.awaitAvailability(t, alice, carol, portal.Available)
	if n := f.count(func(p packet) bool { return subscribes(p) && strings.Contains(p.uri(), "bob") }); n != 1 {
		t.Errorf("bob asked %d times after 404", n)
	}
}

func TestUnwatchEndsTheDialog(t *testing.T) {
	f, h, a := scripted(t)
	a.Watch(alice, []portal.Address{bob, carol})
	h.awaitAvailability(t, alice, bob, portal.Available)
	h.awaitAvailability(t, alice, carol, portal.Available)
	a.Watch(alice, []portal.Address{carol})
	end := f.awaitSeen("un-SUBSCRIBE", func(p packet) bool { return p.method() == "SUBSCRIBE" && p.get("Expires") == "0" })
	if !strings.Contains(end.get("To"), "bob") || tagOf(end.get("To")) == "" {
		t.Errorf("ended %v", end.header)
	}
	eventually(t, "one subscription", func() bool { return a.Status(alice).Watching == 1 })
	f.mu.Lock()
	for _, p := range f.answers {
		if p.status() != 200 {
			t.Errorf("the last NOTIFY was answered %s", p.start)
		}
	}
	f.mu.Unlock()
	a.Watch(alice, []portal.Address{bob, carol})
	h.await(t, "bob again", func() bool { return h.heard[[2]portal.Address{alice, bob}] == 2 })
}

func TestWatcherInformation(t *testing.T) {
	doc := func(version int, state, who string) string {
		return `<?xml version="1.0"?><watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="` + strconv.Itoa(version) + `" state="` + state +
			`"><watcher-list resource="sip:alice@example.test" package="presence"><watcher id="` + who + `" status="active" event="subscribe">sip:` + who + `@example.test</watcher></watcher-list></watcherinfo>`
	}
	f, h, a := scripted(t, func(c *sipua.Config) { c.NoWatcherInfo = false })
	f.setHandle(func(c *fakeConn, p packet) bool {
		if !subscribes(p) || p.get("Event") != "presence.winfo" {
			return false
		}
		c.answer(p, 200, "Expires: 600", "Contact: <sip:pa@example.test>")
		c.notify(p, 1, "active;expires=600", doc(0, "full", "bob"), "Content-Type: application/watcherinfo+xml")
		c.notify(p, 2, "active;expires=600", doc(1, "partial", "carol"), "Content-Type: application/watcherinfo+xml")
		return true
	})
	a.Watch(alice, []portal.Address{alice})
	h.await(t, "two watchers", func() bool { return len(h.watchers[alice]) == 2 })
	if _, err := a.SignIn(within(t), alice, "portico"); err != nil {
		t.Fatal(err)
	}
}

func TestResourceList(t *testing.T) {
	const rlmi = "--b\r\nContent-Type: application/rlmi+xml\r\nContent-ID: <r@x>\r\n\r\n" +
		`<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:alice-contacts@example.test" version="0" fullState="true"><resource uri="sip:bob@example.test"><instance id="1" state="active" cid="b@x"/></resource><resource uri="sip:carol@example.test"/></list>` +
		"\r\n--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <b@x>\r\n\r\n" + busyDocument + "\r\n--b--\r\n"
	f, h, a := scripted(t, func(c *sipua.Config) { c.ResourceList = "sip:{user}-contacts@{domain}" })
	f.setHandle(func(c *fakeConn, p packet) bool {
		if !subscribes(p) || !strings.Contains(p.get("To"), "contacts") {
			return false
		}
		if p.get("Supported") != "eventlist" {
			t.Errorf("Supported: %s", p.get("Supported"))
		}
		c.answer(p, 200, "Expires: 600", "Contact: <sip:rls@example.test>", "Require: eventlist")
		c.notify(p, 1, "active;expires=600", rlmi, `Content-Type: multipart/related;type="application/rlmi+xml";boundary="b";start="<r@x>"`, "Require: eventlist")
		return true
	})
	a.Watch(alice, []portal.Address{bob, carol})
	h.awaitAvailability(t, alice, bob, portal.Available)
	h.awaitAvailability(t, alice, carol, portal.Available) // of whom the list says nothing: by a subscription of her own
	if n := f.count(func(p packet) bool { return subscribes(p) && strings.Contains(p.uri(), "bob") }); n != 0 {
		t.Errorf("bob is on the list and was asked %d times", n)
	}
}

func TestWithoutAListEverybodyIsWatchedSingly(t *testing.T) {
	f, h, a := scripted(t, func(c *sipua.Config) { c.ResourceList = "sip:{user}-contacts@{domain}" })
	f.setHandle(func(c *fakeConn, p packet) bool {
		if subscribes(p) && strings.Contains(p.get("To"), "contacts") {
			c.answer(p, 404)
			return true
		}
		return false
	})
	a.Watch(alice, []portal.Address{bob, carol})
	h.awaitAvailability(t, alice, bob, portal.Available)
	h.awaitAvailability(t, alice, carol, portal.Available)
}
