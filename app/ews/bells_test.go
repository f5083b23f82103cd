package ews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// The doorbells of a real server.

func quick() Bells {
	return Bells{Gather: 20 * time.Millisecond, Retry: 50 * time.Millisecond, Backoff: time.Second, Pull: 200 * time.Millisecond, Poll: 300 * time.Millisecond}
}

// book makes an appointment in somebody's calendar, as another client would.
func book(t testing.TB, c *Connector, who portal.Address, subject string) portal.Entry {
	t.Helper()
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	e, err := c.Create(context.Background(), who, who, portal.Appointment{Subject: subject, Start: start, End: start.Add(time.Hour), TimeZone: "UTC"}, portal.WriteOptions{})
	if err != nil {
		t.Fatalf("book: %v", err)
	}
	return e
}

// rings changes a calendar and waits for its bell.
func rings(t testing.TB, c *Connector, l *listener, who portal.Address, what string) {
	t.Helper()
	before := l.rings(who)
	book(t, c, who, what)
	until(t, "the bell of "+string(who)+" rings "+what, func() bool { return l.rings(who) > before })
}

func watching(t *testing.T, p *peer, users ...string) (*Connector, *listener) {
	t.Helper()
	l := &listener{}
	c := p.connector(t, func(o *Options) { o.Handler, o.Bells = l, quick() })
	run(t, c)
	var set []portal.Address
	for _, u := range users {
		set = append(set, p.person(u))
	}
	c.Watch(set)
	for _, who := range set {
		until(t, string(who)+" is told to catch up once the bell hangs", func() bool { return l.rings(who) > 0 })
	}
	return c, l
}

func TestBellRingsForChangesOfOthers(t *testing.T) {
	p := newPeer(t, nil)
	c, l := watching(t, p, "alice", "bob")
	other := p.connector(t, nil)
	rings(t, other, l, p.person("alice"), "after another client's change")
	rings(t, other, l, p.person("bob"), "too")
	c.Watch([]portal.Address{p.person("alice"), p.person("bob"), p.person("carol")})
	until(t, "carol joins", func() bool { return l.rings(p.person("carol")) > 0 })
	rings(t, other, l, p.person("carol"), "for one who joined")
	rings(t, other, l, p.person("alice"), "for those who were there before")
}

// Each change of what the lab does to streams and subscriptions is survived, and the bell rings again.
func TestBellOutlivesWhatServersDoToStreams(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	_, l := watching(t, p, "alice", "bob")
	other := p.connector(t, nil)
	for _, kind := range []ewslab.FaultKind{ewslab.FaultCutStreams, ewslab.FaultCloseStreams, ewslab.FaultLost} {
		before := l.rings(p.person("bob"))
		if _, err := p.lab.Fault(ewslab.Fault{Kind: kind}); err != nil {
			t.Fatal(err)
		}
		if kind == ewslab.FaultLost { // found out when the stream is next opened
			if _, err := p.lab.Fault(ewslab.Fault{Kind: ewslab.FaultCutStreams}); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "all are told to catch up after "+string(kind), func() bool { return l.rings(p.person("bob")) > before })
		rings(t, other, l, p.person("alice"), "after "+string(kind))
	}
}

// Once a bell hangs that is told; at once where somebody wants to hear of it anew.
func TestBellThatHangsIsTold(t *testing.T) {
	p := newPeer(t, nil)
	c, l := watching(t, p, "alice", "bob")
	alice, bob := p.person("alice"), p.person("bob")
	until(t, "both bells hang", func() bool { reached, _ := l.counts(); return reached == 2 })
	c.Watch([]portal.Address{bob})
	c.Watch([]portal.Address{alice, bob})
	until(t, "alice's bell is told anew", func() bool { reached, _ := l.counts(); return reached == 3 })
	if _, err := c.Changes(t.Context(), alice, alice, ""); err != nil {
		t.Fatal(err)
	}
	if reached, lost := l.counts(); reached != 3 || lost != 0 {
		t.Errorf("reached %d times, lost %d times", reached, lost)
	}
}

// One mailbox in trouble is no server that does not answer.
func TestOneMailboxInTroubleLeavesTheServerReady(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Mailbox: "alice", Code: "ErrorMailboxStoreUnavailable"})
	if _, err := c.Changes(t.Context(), alice, alice, ""); !errors.Is(err, portal.ErrUnavailable) {
		t.Fatalf("alice: %v", err)
	}
	if err := c.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	lift()
	lift = p.fault(t, ewslab.Fault{Kind: ewslab.FaultDown})
	if _, err := c.Changes(t.Context(), bob, bob, ""); !errors.Is(err, portal.ErrUnavailable) || c.Ready() == nil {
		t.Errorf("a server that does not answer: %v, ready %v", err, c.Ready())
	}
	lift()
	if _, err := c.Changes(t.Context(), bob, bob, ""); err != nil || c.Ready() != nil {
		t.Errorf("a server that answers: %v, ready %v", err, c.Ready())
	}
}

func TestWhoseBellHangs(t *testing.T) {
	l, here, there := &listener{}, &host{}, &host{}
	h := newHealth(l)
	who, away := portal.Address("sip:alice@example.test"), portal.Fail(portal.ErrUnavailable, "exchange.down")
	for i, step := range []struct {
		do            func()
		reached, lost int
	}{
		{func() { h.note(who, away) }, 0, 0}, // nobody wants to know
		{func() { h.watch([]portal.Address{who}) }, 0, 0},
		{func() { h.note(who, away) }, 0, 1},
		{func() { h.note(who, nil) }, 0, 1}, // it answers, and has no bell yet
		{func() { h.bell(here, who, nil) }, 1, 1},
		{func() { h.bell(here, who, nil) }, 1, 1},
		{func() { h.note(who, away) }, 1, 2},
		{func() { h.note(who, portal.Fail(portal.ErrNotFound, "exchange.not-found")) }, 2, 2}, // a refusal is an answer
		{func() { h.bell(there, who, nil) }, 2, 2},
		{func() { h.bell(here, who, errByTimer) }, 2, 2}, // it has moved
		{func() { h.bell(there, who, errByTimer) }, 2, 3},
		{func() { h.bell(there, who, nil) }, 3, 3},
		{func() { h.watch(nil) }, 3, 3},
		{func() { h.watch([]portal.Address{who}) }, 4, 3},
		{func() { h.watch(nil); h.bell(there, who, errByTimer) }, 4, 3},
	} {
		step.do()
		if reached, lost := l.counts(); reached != step.reached || lost != step.lost {
			t.Fatalf("step %d: reached %d times, lost %d times", i, reached, lost)
		}
	}
	if len(h.by) != 0 {
		t.Errorf("remembered %+v", h.by)
	}
}

// The server is away for a while: that is told once for each, and once that it is back; what happened meanwhile is
// caught up with.
func TestBellServerAwayIsToldOnce(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c, l := watching(t, p, "alice", "bob")
	until(t, "both are reached", func() bool { reached, _ := l.counts(); return reached == 2 })
	lift, err := p.lab.Fault(ewslab.Fault{Kind: ewslab.FaultDown})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "both are lost", func() bool { _, lost := l.counts(); return lost == 2 })
	until(t, "the connector is not ready", func() bool { return c.Ready() != nil })
	before := l.rings(p.person("alice"))
	lift()
	until(t, "both are reached again", func() bool { reached, _ := l.counts(); return reached == 4 })
	until(t, "alice is told to catch up", func() bool { return l.rings(p.person("alice")) > before })
	rings(t, p.connector(t, nil), l, p.person("alice"), "as before")
	if reached, lost := l.counts(); reached != 4 || lost != 2 {
		t.Errorf("lost was told %d times, reached %d times", lost, reached)
	}
	until(t, "the connector is ready", func() bool { return c.Ready() == nil })
}

// A server that knows no streams is asked, one that knows no notifications at all is rung by the timer.
func TestBellWithoutStreams(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []string
	}{{"pull", []string{"GetStreamingEvents"}}, {"timer", []string{"GetStreamingEvents", "Subscribe"}}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, func(*ewslab.Config) {})
			for _, op := range c.ops {
				if _, err := p.lab.Fault(ewslab.Fault{Kind: ewslab.FaultError, Operation: op, Code: "ErrorInvalidRequest"}); err != nil {
					t.Fatal(err)
				}
			}
			_, l := watching(t, p, "alice")
			rings(t, p.connector(t, nil), l, p.person("alice"), "by "+c.name)
		})
	}
}

// With each person's own password.
func TestBellWithOwnPasswords(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	l := &listener{}
	c := p.connector(t, func(o *Options) {
		o.Handler, o.Bells = l, quick()
		o.Servers[0].Impersonate, o.Servers[0].Username, o.Servers[0].Password = false, "", ""
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) {
			if who == p.person("dave") {
				return "", "", portal.Fail(portal.ErrUnauthenticated, "exchange.signin") // signed out
			}
			return who.User(), "portico", nil
		}
	})
	run(t, c)
	c.Watch([]portal.Address{p.person("alice"), p.person("bob"), p.person("dave")})
	for _, u := range []string{"alice", "bob"} {
		until(t, u+"'s bell hangs", func() bool { return l.rings(p.person(u)) > 0 })
	}
	other := p.connector(t, nil)
	rings(t, other, l, p.person("alice"), "on her own stream")
	rings(t, other, l, p.person("bob"), "on his own stream")
	until(t, "dave counts as lost", func() bool { _, lost := l.counts(); return lost == 1 })
}

// Two servers: each mailbox is found, reached and rung where it lives; a mailbox that moves is found again.
func TestSeveralServers(t *testing.T) {
	first := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "alice", Name: "Alice", Password: "portico"}}
	})
	second := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "bob", Name: "Bob", Password: "portico"}, {User: "alice2", Name: "Alice", Password: "portico"}}
	})
	l := &listener{}
	address := map[portal.Address]string{}
	c := first.connector(t, func(o *Options) {
		two := second.server()
		two.Name, two.HTTP = "second", o.Servers[0].HTTP
		o.Servers = append(o.Servers, two)
		o.Handler, o.Bells = l, quick()
		o.Mailbox = func(who portal.Address) string {
			if a, ok := address[who]; ok {
				return a
			}
			return who.Bare()
		}
	})
	run(t, c)
	alice, bob := first.person("alice"), first.person("bob")
	book(t, c, alice, "At the first")
	book(t, c, bob, "At the second")
	if got, _ := all(t, first.connector(t, nil), alice); bySubject(got, "At the first") == nil {
		t.Error("alice's entry is not at the first server")
	}
	if got, _ := all(t, second.connector(t, nil), bob); bySubject(got, "At the second") == nil {
		t.Error("bob's entry is not at the second server")
	}
	c.Watch([]portal.Address{alice, bob})
	for _, who := range []portal.Address{alice, bob} {
		until(t, string(who)+" has a bell", func() bool { return l.rings(who) > 0 })
	}
	rings(t, first.connector(t, nil), l, alice, "at the first")
	rings(t, second.connector(t, nil), l, bob, "at the second")
	// What is remembered turns out to be wrong, as after a move.
	c.homes.set(first.email("bob"), c.hosts[0])
	book(t, c, bob, "After the move")
	if at, ok := c.homes.get(first.email("bob")); !ok || at.host != c.hosts[1] {
		t.Error("the new home is not remembered")
	}
	nobody := first.person("nobody")
	if _, err := c.Changes(t.Context(), nobody, nobody, ""); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("somebody whom no server has: %v", err)
	}
	for _, name := range []string{"primary", "second"} {
		if err := c.Check(t.Context(), name); err != nil {
			t.Errorf("check of %s: %v", name, err)
		}
	}
}

// A server that does not answer is no reason to say that nobody has the mailbox.
func TestSeveralServersOneAway(t *testing.T) {
	first := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "alice", Name: "Alice", Password: "portico"}}
	})
	second := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "bob", Name: "Bob", Password: "portico"}}
	})
	c := first.connector(t, func(o *Options) {
		two := second.server()
		two.Name, two.HTTP = "second", o.Servers[0].HTTP
		o.Servers = append(o.Servers, two)
	})
	lift, err := first.lab.Fault(ewslab.Fault{Kind: ewslab.FaultUnauthorized})
	if err != nil {
		t.Fatal(err)
	}
	bob, alice := first.person("bob"), first.person("alice")
	if _, err := c.Changes(t.Context(), bob, bob, ""); err != nil {
		t.Errorf("bob, whose server answers: %v", err)
	}
	if _, err := c.Changes(t.Context(), alice, alice, ""); err == nil || portal.Meaning(err) == portal.ErrNotFound {
		t.Errorf("alice, whose server does not answer: %v", err)
	}
	lift()
	if _, err := c.Changes(t.Context(), alice, alice, ""); err != nil {
		t.Errorf("alice, when it is back: %v", err)
	}
}

func BenchmarkChangeToBell(b *testing.B) {
	const mailboxes = 1000
	p := newPeer(b, func(cfg *ewslab.Config) {
		cfg.People = nil
		for i := range mailboxes {
			cfg.People = append(cfg.People, ewslab.Person{User: fmt.Sprintf("p%04d", i), Name: fmt.Sprintf("P %d", i), Password: "portico"})
		}
	})
	l := &listener{}
	heard := make(chan portal.Address, 4*mailboxes)
	l.when = func(who portal.Address) {
		select {
		case heard <- who:
		default:
		}
	}
	c := p.connector(b, func(o *Options) { o.Handler = l })
	run(b, c)
	var set []portal.Address
	for i := range mailboxes {
		set = append(set, p.person(fmt.Sprintf("p%04d", i)))
	}
	began := time.Now()
	c.Watch(set)
	until(b, "all bells hang", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.rang) == mailboxes
	})
	hung := time.Since(began)
	other := p.connector(b, nil)
	change := func(who portal.Address) time.Duration { // from the other client's request to our bell
		for len(heard) > 0 {
			<-heard
		}
		began := time.Now()
		book(b, other, who, "x")
		deadline := time.After(30 * time.Second)
		for {
			select {
			case w := <-heard:
				if w == who {
					return time.Since(began)
				}
			case <-deadline:
				b.Fatal("no bell")
			}
		}
	}
	for i := range 5 { // until all streams stand
		change(set[i*200+100])
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		took = append(took, change(set[n*37%mailboxes]))
	}
	b.ReportMetric(hung.Seconds(), "s/subscribe-1000")
	report(b, took)
}

// report adds the middle and the worst of what was measured.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(q float64) float64 {
		return float64(took[min(len(took)-1, int(q*float64(len(took))))].Microseconds()) / 1000
	}
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}

// Mailboxes whose server does not say whether it has them keep nobody else from their bell.
func TestSeveralServersOneSlow(t *testing.T) {
	first := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "alice", Name: "Alice", Password: "portico"}, {User: "anna", Name: "Anna", Password: "portico"}}
	})
	second := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "bob", Name: "Bob", Password: "portico"}}
	})
	l := &listener{}
	c := first.connector(t, func(o *Options) {
		o.Servers[0].Timeout = 10 * patience
		two := second.server()
		two.Name, two.HTTP = "second", o.Servers[0].HTTP
		o.Servers = append(o.Servers, two)
		o.Handler, o.Bells = l, quick()
	})
	for _, who := range []string{"alice", "anna"} {
		lift := first.fault(t, ewslab.Fault{Kind: ewslab.FaultSlow, Mailbox: who, Delay: 10 * patience})
		defer lift()
	}
	run(t, c)
	alice, anna, bob := first.person("alice"), first.person("anna"), first.person("bob")
	c.Watch([]portal.Address{alice, anna, bob})
	until(t, "bob's bell hangs", func() bool { return l.rings(bob) > 0 })
	if l.rings(alice)+l.rings(anna) != 0 {
		t.Error("a server that is slow was quick")
	}
}
