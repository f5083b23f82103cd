package sipua_test

// Beginning and end: who is let in, what is left behind.

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

func TestOnlyTheProxyIsHeard(t *testing.T) {
	w := labWorld(t, "udp")
	w.cfg.Listen = "0.0.0.0:0"
	a := start(t, w.cfg, newHouse())
	signIn(t, a, alice)
	_, port, err := net.SplitHostPort(a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from string) int {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)})
		if err != nil {
			t.Skipf("no address %s on this machine: %v", from, err)
		}
		defer func() { _ = c.Close() }()
		if _, err := c.WriteTo([]byte("OPTIONS sip:alice@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK"+time.Now().Format("150405.000000")+";rport\r\nMax-Forwards: 70\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"), mustUDP(t, net.JoinHostPort("127.0.0.1", port))); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2000)
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return statusOf(b[:n])
	}
	if got := ask("127.0.0.1"); got != 200 {
		t.Errorf("the proxy's address gets %d", got)
	}
	if got := ask("127.0.0.2"); got != 403 {
		t.Errorf("a stranger gets %d", got)
	}
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}).Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("a stranger's connection stays open: %v", err)
	}

	cfg := w.cfg
	cfg.AcceptFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	b := start(t, cfg, newHouse())
	if _, port, err = net.SplitHostPort(b.Addr()); err != nil {
		t.Fatal(err)
	}
	if got := ask("127.0.0.2"); got != 404 { // heard; alice is at the other agent
		t.Errorf("an accepted network gets %d", got)
	}
}

func mustUDP(t *testing.T, s string) *net.UDPAddr {
	t.Helper()
	a, err := net.ResolveUDPAddr("udp", s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// At the end presence is taken off (or left, if asked for) and the registration stays; the next run
// takes it up without signing in, and leaves one binding.
func TestRestartOfThePortal(t *testing.T) {
	for _, keep := range []bool{false, true} {
		w := labWorld(t, "tcp")
		cfg := quick(w.cfg)
		cfg.KeepPresence = keep
		h := newHouse()
		a, stop := startStoppable(t, cfg, h)
		sealed := signIn(t, a, alice)
		a.Publish(alice, is(portal.Busy))
		eventually(t, "published", func() bool { return a.Status(alice).Published })
		instance := w.lab.Bindings("alice")[0].Instance
		stop()
		if left := len(w.lab.Publications("alice")); (left == 1) != keep {
			t.Errorf("keep=%v: %d publications left", keep, left)
		}

		b := start(t, cfg, h)
		b.Resume(alice, sealed)
		eventually(t, "alice is back", func() bool { return b.Status(alice).Registered })
		if bs := w.lab.Bindings("alice"); len(bs) != 1 || bs[0].Instance != instance || bs[0].RegID != "1" {
			t.Errorf("bindings %+v", bs)
		}
		signIn(t, b, bob)
		send(t, b, bob, alice, "1", "welcome back")
		h.awaitText(t, alice, "welcome back")
	}
}

func TestThePortalEndsWhileTheServerIsAway(t *testing.T) {
	w := labWorld(t, "tcp")
	a, stop := startStoppable(t, quick(w.cfg), newHouse())
	signIn(t, a, alice)
	a.Publish(alice, is(portal.Busy))
	a.Watch(alice, []portal.Address{bob})
	w.lab.Faults().Silence(true)
	a.Publish(alice, is(portal.Away))
	began := time.Now()
	stop()
	if took := time.Since(began); took > 25*time.Second { // less than a transaction that nobody answers
		t.Errorf("the end took %v", took)
	}
	w.lab.Faults().Silence(false)
}

func TestSignInWaitsForTheFirstConnection(t *testing.T) {
	w := labWorld(t, "tcp")
	for range 10 { // no pause between the start and the first person
		a, stop := startStoppable(t, w.cfg, newHouse())
		signIn(t, a, alice)
		stop()
	}
}

func TestNobodyToSpeakFor(t *testing.T) {
	w := labWorld(t, "tcp")
	a := start(t, w.cfg, newHouse())
	a.Publish(alice, is(portal.Busy))
	a.Unpublish(alice)
	a.Watch(alice, []portal.Address{bob})
	if err := a.SignOut(within(t), alice); err != nil {
		t.Errorf("sign out: %v", err)
	}
	if err := a.SendTyping(within(t), alice, bob, true); portal.Reason(err) != "send.signed-out" {
		t.Errorf("typing: %v", err)
	}
	if st := a.Status(alice); st != (sipua.LineStatus{}) {
		t.Errorf("status %+v", st)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.SignIn(ctx, alice, "portico"); err == nil {
		t.Error("signed in though nobody waited")
	}
}

// Whatever is published while somebody signs out stays unsaid: nobody would take it off the server.
func TestNothingIsPublishedWhileSigningOut(t *testing.T) {
	f, _, a := scripted(t)
	a.Publish(alice, is(portal.Busy))
	eventually(t, "published", func() bool { return a.Status(alice).Published })
	said := func(p packet) bool { return p.method() == "PUBLISH" && p.get("Expires") != "0" }
	before := f.count(said)
	f.setHandle(func(c *fakeConn, p packet) bool {
		switch {
		case p.method() == "PUBLISH" && p.get("Expires") == "0":
			a.Publish(alice, is(portal.Available))
			a.Watch(alice, []portal.Address{bob})
		case p.method() == "REGISTER" && p.get("Expires") == "0": // meanwhile the workers have time
			time.AfterFunc(300*time.Millisecond, func() { c.usual(p) })
			return true
		}
		return false
	})
	if err := a.SignOut(within(t), alice); err != nil {
		t.Fatal(err)
	}
	if n := f.count(said) - before; n != 0 {
		t.Errorf("%d PUBLISH after the one that took the presence off", n)
	}
	if n := f.count(subscribes); n != 0 {
		t.Errorf("%d SUBSCRIBE of somebody who leaves", n)
	}
}
