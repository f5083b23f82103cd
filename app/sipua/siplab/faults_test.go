package siplab

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFaultRefuse(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp").online()
	s.Faults().Set("message", Fault{Status: 503, RetryAfter: 7 * time.Second, Times: 1})
	if got := s.Faults().Active(); got["MESSAGE"].Status != 503 {
		t.Errorf("active faults %v", got)
	}
	if m := p.say("bob", "x"); m.status != 503 || m.get("Retry-After") != "7" {
		t.Errorf("%s Retry-After %q", m.start, m.get("Retry-After"))
	}
	if m := p.say("bob", "x"); m.status != 202 || len(s.Faults().Active()) != 0 {
		t.Errorf("once only: %s", m.start)
	}
	s.Faults().Set("*", Fault{Status: 500, Reason: "Broken"})
	if m := p.register(); !strings.HasSuffix(m.start, "500 Broken") {
		t.Errorf("every method: %s", m.start)
	}
	s.Faults().Reset()
	p.online()
}

func TestFaultDelay(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp").online()
	s.Faults().Set("OPTIONS", Fault{Delay: 60 * time.Millisecond})
	start := time.Now()
	if m := p.do(ask{method: "OPTIONS", target: "sip:example.test"}); m.status != 200 || time.Since(start) < 60*time.Millisecond {
		t.Errorf("%s after %s", m.start, time.Since(start))
	}
	s.Faults().Clear("OPTIONS")
	if len(s.Faults().Active()) != 0 {
		t.Error("still active")
	}
}

// A lost request and a lost answer both show as a retransmission over UDP, and the second try is served.
func TestFaultDrop(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	for _, f := range []Fault{{DropRequests: true, Times: 1}, {DropResponses: true, Times: 1}} {
		p, b := newPhone(t, s, "alice", "udp"), newPhone(t, s, "bob", "tcp").online()
		s.Faults().Set("MESSAGE", f)
		text, branch := p.build("MESSAGE", "sip:bob@example.test", p.callID, 1, "<"+p.aor()+">;tag=1", "<sip:bob@example.test>", "x")
		ch := p.expect(branch)
		p.write(text)
		if f.DropResponses {
			b.hear("MESSAGE")
		}
		eventually(t, "the fault is used up", func() bool { return len(s.Faults().Active()) == 0 })
		p.write(text)
		if m := p.final(ch); m.status != 200 {
			t.Errorf("%+v: second try %s", f, m.start)
		}
		if f.DropResponses {
			b.quiet("MESSAGE", 30*time.Millisecond) // the retransmission is not forwarded
		}
		s.Faults().ExpireRegistrations()
	}
}

func TestFaultOnDeliveries(t *testing.T) {
	s := newLab(t, func(c *Config) { c.ForwardTimeout = 2 * time.Second }) // a device that is there needs less
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	s.Faults().Set("MESSAGE", Fault{DropDeliveries: true, Times: 1})
	if m := a.say("bob", "lost"); m.status != 202 {
		t.Errorf("a lost delivery is stored: %s", m.start)
	}
	b.register()
	if m := b.hear("MESSAGE"); m.body != "lost" {
		t.Errorf("%q", m.body)
	}
	eventually(t, "store empty", func() bool { return s.Stored("bob") == 0 })
	s.Faults().Set("MESSAGE", Fault{Duplicate: true})
	if m := a.say("bob", "twice"); m.status != 200 {
		t.Fatal(m.start)
	}
	one, two := b.hear("MESSAGE"), b.hear("MESSAGE")
	if one.body != "twice" || two.body != "twice" || one.get("Via") != two.get("Via") {
		t.Errorf("a duplicate is the same message again: %q %q", one.get("Via"), two.get("Via"))
	}
}

func TestFaultReorder(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	a, b := newPhone(t, s, "alice", "tcp"), newPhone(t, s, "bob", "tcp").online()
	s.Faults().Set("MESSAGE", Fault{Reorder: true, Times: 1})
	one, _ := a.build("MESSAGE", "sip:bob@example.test", "r1", 1, "<"+a.aor()+">;tag=1", "<sip:bob@example.test>", "first")
	two, _ := a.build("MESSAGE", "sip:bob@example.test", "r2", 1, "<"+a.aor()+">;tag=1", "<sip:bob@example.test>", "second")
	a.write(one + two)
	if x, y := b.hear("MESSAGE").body, b.hear("MESSAGE").body; x != "second" || y != "first" {
		t.Errorf("%s, %s", x, y)
	}
	s.Faults().Set("MESSAGE", Fault{Reorder: true, Times: 1})
	if m := a.say("bob", "alone"); m.status != 200 {
		t.Errorf("a held message leaves after a while: %s", m.start)
	}
}

func TestFaultSilence(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp").online()
	s.Faults().Silence(true)
	text, branch := p.build("OPTIONS", "sip:example.test", "quiet", 1, "<"+p.aor()+">;tag=1", "<sip:example.test>", "")
	ch := p.expect(branch)
	p.write(text)
	select {
	case m := <-ch:
		t.Fatalf("answered %s", m.start)
	case <-time.After(50 * time.Millisecond):
	}
	s.Faults().Silence(false)
	if m := p.do(ask{method: "OPTIONS", target: "sip:example.test"}); m.status != 200 {
		t.Error(m.start)
	}
}

func TestFaultConnections(t *testing.T) {
	s := newLab(t)
	p, u := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "udp").online()
	s.Faults().CloseConnections()
	select {
	case <-p.closed:
	case <-time.After(patience):
		t.Fatal("the connection is still open")
	}
	eventually(t, "its binding is gone", func() bool { return len(s.Bindings("alice")) == 0 && s.Load().Connections == 0 })
	if m := u.say("alice", "stored"); m.status != 202 {
		t.Errorf("others go on: %s", m.start)
	}
	p = newPhone(t, s, "alice", "tcp").online()
	if m := p.hear("MESSAGE"); m.body != "stored" {
		t.Error(m.body)
	}
}

func TestFaultExpire(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	pub := a.publish(pidfOpen, "")
	sub := b.watch("alice", "Event: presence")
	b.hear("NOTIFY")
	s.Faults().ExpirePublications()
	for n := b.hearOf(sub); !strings.Contains(n.body, "closed"); n = b.hearOf(sub) {
	}
	if m := a.publish("", pub.get("SIP-ETag")); m.status != 412 {
		t.Errorf("refresh of an expired publication: %s", m.start)
	}
	s.Faults().ExpireSubscriptions(false)
	if m := b.again(sub, "Event: presence"); m.status != 481 {
		t.Errorf("refresh of a forgotten subscription: %s", m.start)
	}
	sub = b.watch("alice", "Event: presence")
	b.hearOf(sub)
	s.Faults().ExpireSubscriptions(true)
	if n := b.hearOf(sub); n.get("Subscription-State") != "terminated;reason=timeout" {
		t.Error(n.get("Subscription-State"))
	}
}

// The server goes away and comes back on the same port, with everything it knew.
func TestStopAndStart(t *testing.T) {
	s := newLab(t, onItsOwnPort(t))
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "udp").online()
	b.watch("alice", "Event: presence")
	b.hear("NOTIFY")
	addr := s.Addr()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		c.Close()
		t.Error("still listening")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if err := s.Start(); err != nil || s.Addr() != addr {
		t.Fatalf("start: %v on %s, want %s", err, s.Addr(), addr)
	}
	<-a.closed
	a = newPhone(t, s, "alice", "tcp").online()
	a.publish(pidfOpen, "")
	// Subscriptions outlive the sockets. A NOTIFY that was under way when they closed may come again first.
	for n := b.hear("NOTIFY"); !strings.Contains(n.body, "at desk"); n = b.hear("NOTIFY") {
	}
	if m := a.say("bob", "still there?"); m.status != 200 {
		t.Errorf("and so do bindings over UDP: %s", m.start)
	}
}

func TestCloseWithoutRun(t *testing.T) {
	s, err := New(Config{Domain: "example.test", Users: labUsers})
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr() != "" {
		t.Errorf("an address before listening: %s", s.Addr())
	}
	if err := s.Listen(); err != nil || s.Addr() == "" {
		t.Fatal(err)
	}
	p := newPhone(t, s, "alice", "tcp").online()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-p.closed
	if err := s.Start(); err == nil {
		t.Error("a closed server started again")
	}
}

func TestInspection(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "udp").online()
	a.publish(pidfOpen, "")
	b.watch("alice", "Event: presence")
	b.hear("NOTIFY")
	a.say("carol", "later")
	bind := s.Bindings("bob")
	if len(bind) != 1 || bind[0].Network != "UDP" || bind[0].Source != b.conn.LocalAddr().String() || bind[0].Q != 1 {
		t.Errorf("bindings %+v", bind)
	}
	if p := s.Publications("alice"); len(p) != 1 || p[0].Parts != 1 || p[0].Bytes != len(pidfOpen) {
		t.Errorf("publications %+v", p)
	}
	if sub := s.Subscriptions(); len(sub) != 1 || sub[0].Watcher != "sip:bob@example.test" || sub[0].Target != "sip:alice@example.test" || sub[0].State != "active" {
		t.Errorf("subscriptions %+v", sub)
	}
	c := s.Counters()
	if c.Requests["REGISTER"] != 4 || c.Responses["REGISTER"][401] != 2 || c.Responses["REGISTER"][200] != 2 || c.Responses["MESSAGE"][202] != 1 || c.Notified < 1 {
		t.Errorf("counters %+v", c)
	}
	if l := s.Load(); l.Bindings != 2 || l.Connections != 1 || l.Dialogs != 1 || l.Messages != 1 || l.Publications != 1 {
		t.Errorf("load %+v", l)
	}
	if s.Bindings("nobody") != nil || s.Publications("nobody") != nil || s.Document("nobody") != nil || s.Stored("nobody") != 0 {
		t.Error("an unknown person has something")
	}
	if !slices.Equal([]string{s.Domain(), s.TCPAddr(), s.TLSAddr()}, []string{"example.test", s.UDPAddr(), ""}) {
		t.Errorf("addresses %s %s %s", s.Addr(), s.TCPAddr(), s.TLSAddr())
	}
}
