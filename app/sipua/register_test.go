package sipua_test

// Registration against servers with habits.

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

func TestOnesOwnBindingAmongAll(t *testing.T) {
	f, h := newFake(t, nil), newHouse()
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() != "REGISTER" || p.get("Contact") == "" {
			return false
		}
		if strings.Contains(p.get("Contact"), ";expires=0") {
			c.answer(p, 200)
			return true
		}
		uri, rest, _ := strings.Cut(strings.TrimPrefix(p.get("Contact"), "<"), ">")
		instance, _, _ := strings.Cut(rest[strings.Index(rest, "+sip.instance"):], ";")
		c.answer(p, 200, `Contact: "Smith, J; Esq" <sip:alice@192.0.2.9:5060;transport=tcp>;expires=17;received="sip:192.0.2.9:5060;x=\"a,b\"", <`+uri+`>;expires=300;`+instance+`;pub-gruu="sip:alice@example.test;gr=urn:uuid:1",`+
			`<sip:alice@127.0.0.1:1;transport=tcp>;expires=3000;`+instance)
		return true
	})
	a := start(t, f.config(), h)
	signIn(t, a, alice)
	if left := time.Until(a.Status(alice).Expires); left < 4*time.Minute || left > 5*time.Minute {
		t.Errorf("registered for %v, want 5 min", left)
	}
	f.cut() // the next, in the background, tidies up what an earlier connection left
	gone := f.awaitSeen("removal", func(p packet) bool {
		return p.method() == "REGISTER" && strings.Contains(p.get("Contact"), ";expires=0")
	})
	if !strings.HasPrefix(gone.get("Contact"), "<sip:alice@127.0.0.1:1;transport=tcp>") {
		t.Errorf("removed %s", gone.get("Contact"))
	}
}

func TestContactIsTheConnection(t *testing.T) {
	f, _, _ := scripted(t)
	p := f.awaitSeen("REGISTER", methodIs("REGISTER"))
	remote := f.on().c.RemoteAddr().String()
	if c := p.get("Contact"); !strings.HasPrefix(c, "<sip:alice@"+remote+";transport=tcp>;+sip.instance=\"<urn:uuid:") || !strings.Contains(c, ";reg-id=1;expires=") {
		t.Errorf("Contact: %s, connection %s", c, remote)
	}
	if p.uri() != "sip:example.test" || p.get("To") != "<sip:alice@example.test>" {
		t.Errorf("%s To: %s", p.start, p.get("To"))
	}
}

func TestRegistrationIsRefreshed(t *testing.T) {
	f, h := newFake(t, nil), newHouse()
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() != "REGISTER" {
			return false
		}
		c.answer(p, 200, "Contact: "+strings.Replace(p.get("Contact"), "expires=600", "expires=2", 1))
		return true
	})
	a := start(t, f.config(), h)
	signIn(t, a, alice)
	first := f.awaitSeen("REGISTER", methodIs("REGISTER"))
	again := f.awaitSeen("refresh", func(p packet) bool { return p.method() == "REGISTER" && strings.HasPrefix(p.get("Cseq"), "2 ") })
	if first.get("Call-Id") != again.get("Call-Id") || tagOf(first.get("From")) != tagOf(again.get("From")) {
		t.Error("a refresh must have the registration's Call-ID")
	}
}

// challenge answers 401 or 407 unless the request carries the nonce.
func challenge(c *fakeConn, p packet, nonce string, stale bool) bool {
	name, status := "Authorization", 401
	if p.method() != "REGISTER" {
		name, status = "Proxy-Authorization", 407
	}
	if strings.Contains(p.get(name), `nonce="`+nonce+`"`) {
		return false
	}
	h := `-Authenticate: Digest realm="example.test", nonce="` + nonce + `", qop="auth"`
	if stale {
		h += ", stale=true"
	}
	if status == 401 {
		c.answer(p, status, "WWW"+h)
	} else {
		c.answer(p, status, "Proxy"+h)
	}
	return true
}

func TestAnOldNonceIsNotAWrongPassword(t *testing.T) {
	for _, stale := range []bool{true, false} {
		t.Run(fmt.Sprint("stale=", stale), func(t *testing.T) {
			var mu sync.Mutex
			nonce := "n1"
			f, h := newFake(t, nil), newHouse()
			f.setHandle(func(c *fakeConn, p packet) bool {
				if p.method() == "OPTIONS" {
					return challenge(c, p, "n1", false)
				}
				mu.Lock()
				defer mu.Unlock()
				return challenge(c, p, nonce, stale)
			})
			a := start(t, f.config(), h)
			signIn(t, a, alice)
			for i := range 3 {
				send(t, a, alice, bob, fmt.Sprint("a", i), "hello")
			}
			if n := f.count(methodIs("MESSAGE")); n != 3 { // OPTIONS has brought the nonce
				t.Errorf("%d MESSAGE for three: the nonce was not kept", n)
			}
			nc := map[string]bool{}
			for _, p := range f.all("MESSAGE") {
				_, v, _ := strings.Cut(p.get("Proxy-Authorization"), "nc=")
				nc[v[:8]] = true
			}
			if len(nc) != 3 {
				t.Errorf("nonce counts %v", nc)
			}
			mu.Lock()
			nonce = "n2"
			mu.Unlock()
			send(t, a, alice, bob, "b", "hello")
			if n := f.count(methodIs("MESSAGE")); n != 5 {
				t.Errorf("%d MESSAGE, want 5", n)
			}
			// a nonce that is refused though fresh is a refusal
			f.setHandle(func(c *fakeConn, p packet) bool { return challenge(c, p, fmt.Sprint(time.Now().UnixNano()), false) })
			_, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: "c", Text: "x", At: time.Now()})
			if portal.Reason(err) != "send.not-authorised" {
				t.Errorf("got %v", err)
			}
			if n := f.count(methodIs("MESSAGE")); n != 7 {
				t.Errorf("%d MESSAGE, want 7: tried too often", n)
			}
		})
	}
}

func (f *fake) all(method string) (ps []packet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.seen {
		if p.method() == method {
			ps = append(ps, p)
		}
	}
	return ps
}

func TestAnotherRealmAtTheProxy(t *testing.T) {
	f, h := newFake(t, nil), newHouse()
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() == "REGISTER" {
			return challenge(c, p, "n", false)
		}
		if !strings.Contains(p.get("Proxy-Authorization"), `realm="proxy.test"`) {
			c.answer(p, 407, `Proxy-Authenticate: Digest realm="proxy.test", nonce="p", algorithm=SHA-256, qop="auth,auth-int"`, `Proxy-Authenticate: Digest realm="proxy.test", nonce="p", algorithm=MD5-sess, qop="auth"`)
			return true
		}
		return false
	})
	a := start(t, f.config(), h)
	sealed := string(signIn(t, a, alice))
	for _, want := range []string{`"realm":"example.test","algorithm":"MD5"`, `"realm":"proxy.test","algorithm":"SHA-256"`, `"realm":"proxy.test","algorithm":"MD5"`} {
		if !strings.Contains(sealed, want) {
			t.Errorf("no %s in %s", want, sealed)
		}
	}
	send(t, a, alice, bob, "1", "through the other realm")
}

func TestTwoThousandComeBackAtAPace(t *testing.T) {
	const people, rate, burst = 2000, 500, 500 / 20
	var mu sync.Mutex
	var times []time.Time
	f := newFake(t, nil)
	f.lean = true
	d := &deaf{}
	cfg := f.config()
	cfg.ResumeRate, cfg.Connections, cfg.DownGrace = rate, 4, time.Minute
	a := start(t, cfg, d)
	for i := range people {
		a.Resume(person(i), []byte(`{"user":"x"}`))
	}
	eventually(t, "everybody there", func() bool { return d.ups.Load() == people })
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() == "REGISTER" {
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
		}
		return false
	})
	cut := time.Now()
	f.cut()
	eventually(t, "everybody back", func() bool {
		mu.Lock()
		n := len(times)
		mu.Unlock()
		return n >= people && a.Registered() == people
	})
	mu.Lock()
	defer mu.Unlock()
	if len(times) < people {
		t.Fatalf("%d REGISTER for %d people", len(times), people)
	}
	for i, at := range times { // a machine that stands still in between makes them later, never earlier
		least := time.Duration(i-burst) * time.Second / rate
		if took := at.Sub(cut); took < least*9/10 {
			t.Fatalf("%d REGISTER within %v, want at least %v", i+1, took, least)
		}
	}
}

func TestFallbackToPlainText(t *testing.T) {
	f, _, a := scripted(t)
	f.on().request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", "<sip:alice@example.test>", "c", 1, cpimOf("text/plain", "I read CPIM"), "Content-Type: message/cpim")
	f.wait("200", &f.answers, func(p packet) bool { return p.get("Call-Id") == "c" })
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() == "MESSAGE" && p.get("Content-Type") == "message/cpim" {
			c.answer(p, 415, "Accept: text/plain")
			return true
		}
		if strings.Contains(p.get("Content-Type"), "iscomposing") {
			c.answer(p, 415)
			return true
		}
		return false
	})
	if st := send(t, a, alice, bob, "1", "wrapped, then plain"); st != portal.Delivered {
		t.Errorf("state %s", st)
	}
	send(t, a, alice, bob, "2", "plain at once")
	var types []string
	for _, p := range f.all("MESSAGE") {
		types = append(types, strings.Split(p.get("Content-Type"), ";")[0])
	}
	if got := strings.Join(types, " "); got != "message/cpim text/plain text/plain" {
		t.Errorf("sent %s", got)
	}
	first, second := f.all("MESSAGE")[0], f.all("MESSAGE")[1]
	if first.get("Call-Id") != second.get("Call-Id") || second.get("X-Portico-Message-Id") != "1" || second.get("Date") == "" {
		t.Errorf("the repetition cannot be recognised: %v", second.header)
	}
	for range 3 {
		if err := a.SendTyping(within(t), alice, bob, true); err != nil {
			t.Fatal(err)
		}
		if err := a.SendTyping(within(t), alice, bob, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.count(func(p packet) bool { return strings.Contains(p.get("Content-Type"), "iscomposing") }); n > 2 {
		t.Errorf("%d statuses to somebody who does not take them", n)
	}
}

func TestConfigurationFaultsAllAtOnce(t *testing.T) {
	_, err := sipua.New(sipua.Config{Proxy: "http://x", Auth: "magic", Listen: "nowhere"}, newHouse())
	for _, want := range []string{"domain", "instance", "proxy", "auth", "listen"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in %v", want, err)
		}
	}
}

func TestPublishPace(t *testing.T) {
	const pace = 300 * time.Millisecond
	f, _, a := scripted(t, func(c *sipua.Config) { c.PublishPace = pace })
	began := time.Now()
	a.Publish(alice, is(portal.Available))
	f.awaitSeen("the first", methodIs("PUBLISH"))
	states := []portal.Availability{portal.Available, portal.Busy, portal.Away, portal.DoNotDisturb, portal.BeRightBack}
	for i := range 50 {
		a.Publish(alice, is(states[i%len(states)]))
	}
	a.Publish(alice, is(portal.Busy))
	f.awaitSeen("the last state", func(p packet) bool {
		return p.method() == "PUBLISH" && p.get("Sip-If-Match") != "" && strings.Contains(p.body, "busy")
	})
	if n, most := f.count(methodIs("PUBLISH")), 1+int(time.Since(began)/pace); n > most {
		t.Errorf("%d PUBLISH for a flood within %v, want the first and the last", n, time.Since(began))
	}
	first := f.all("PUBLISH")[0]
	if first.get("Sip-If-Match") != "" || first.get("Event") != "presence" {
		t.Errorf("first PUBLISH %v", first.header)
	}
}

func TestPublishFailsForAWhile(t *testing.T) {
	f, _, a := scripted(t)
	f.setHandle(func(c *fakeConn, p packet) bool {
		if p.method() == "PUBLISH" && f.count(methodIs("PUBLISH")) == 1 {
			c.answer(p, 500)
			return true
		}
		return false
	})
	a.Publish(alice, is(portal.Busy))
	eventually(t, "published", func() bool { return a.Status(alice).Published })
	if n := f.count(methodIs("PUBLISH")); n != 2 {
		t.Errorf("%d PUBLISH, want 2", n)
	}
}
