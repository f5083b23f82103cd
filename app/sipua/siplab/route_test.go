package siplab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTalk(t *testing.T) {
	s := newLab(t)
	for _, way := range [][2]string{{"tcp", "tcp"}, {"udp", "udp"}, {"tcp", "udp"}, {"udp", "tcp"}} {
		a, b := newPhone(t, s, "alice", way[0]).online(), newPhone(t, s, "bob", way[1]).online()
		s.Faults().ExpireRegistrations()
		a.online()
		b.online()
		body := strings.Repeat("Grüße 🙂 ", 400) // beyond what fits an Ethernet frame
		if m := a.say("bob", body, "X-Note: kept as it is"); m.status != 200 || m.toTag() != "devbob" {
			t.Fatalf("%v: %s", way, m.start)
		}
		m := b.hear("MESSAGE")
		if m.body != body || m.get("X-Note") != "kept as it is" || m.get("Max-Forwards") != "69" {
			t.Errorf("%v: changed on the way: %q", way, m.headers)
		}
		if m.get("Proxy-Authorization") != "" {
			t.Errorf("%v: credentials were passed on", way)
		}
	}
}

func TestWhereRequestsGo(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp").online()
	for _, c := range []struct {
		method, target string
		headers        []string
		from           string
		want           int
	}{
		{"MESSAGE", "sip:nobody@example.test", nil, "", 404},
		{"MESSAGE", "sip:bob@elsewhere.test", nil, "", 403},
		{"MESSAGE", "sip:bob@example.test", []string{"Route: <sip:192.0.2.1;lr>"}, "", 403},
		{"MESSAGE", "sip:bob@example.test", nil, "<sip:carol@example.test>;tag=1", 403},
		{"OPTIONS", "sip:bob@example.test", nil, "", 480},
		{"OPTIONS", "sip:example.test", nil, "", 200},
		{"MESSAGE", "sip:example.test", nil, "", 405},
		{"FROBNICATE", "sip:example.test", nil, "", 501},
		{"INVITE", "sip:bob@example.test", nil, "", 480},
		{"MESSAGE", "sip:BOB@EXAMPLE.TEST", nil, "", 202},
		{"MESSAGE", "sip:%62ob@example.test", nil, "", 202},
		{"MESSAGE", "tel:+4930123", nil, "", 416},
	} {
		m := p.do(ask{method: c.method, target: c.target, headers: c.headers, from: c.from})
		if m.status != c.want {
			t.Errorf("%s %s: %s, want %d", c.method, c.target, m.start, c.want)
		}
	}
}

func TestForkToAllDevicesFirstAnswerWins(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	one, two, three := newPhone(t, s, "bob", "tcp").online(), newPhone(t, s, "bob", "udp").online(), newPhone(t, s, "bob", "tcp").online()
	one.setAnswer(func(*msg) string { return "SIP/2.0 486 Busy Here" })
	three.setAnswer(func(*msg) string { return "" })
	if m := a.say("bob", "to all"); m.status != 200 {
		t.Fatalf("one device took it: %s", m.start)
	}
	for _, p := range []*phone{one, two, three} {
		if m := p.hear("MESSAGE"); m.body != "to all" {
			t.Errorf("%q", m.body)
		}
	}
}

// The best of several refusals goes back (RFC 3261 section 16.7).
func TestBestRefusal(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	one, two := newPhone(t, s, "bob", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	for _, c := range []struct{ first, second, want int }{
		{500, 404, 404}, {404, 415, 415}, {486, 603, 603}, {415, 488, 415}, {503, 400, 400}, {300, 404, 300},
	} {
		one.setAnswer(func(*msg) string { return fmt.Sprintf("SIP/2.0 %d No", c.first) })
		two.setAnswer(func(*msg) string { return fmt.Sprintf("SIP/2.0 %d No", c.second) })
		if m := a.do(ask{method: "OPTIONS", target: "sip:bob@example.test"}); m.status != c.want {
			t.Errorf("%d and %d: %s, want %d", c.first, c.second, m.start, c.want)
		}
	}
	one.setAnswer(func(*msg) string { return "SIP/2.0 503 Later" })
	two.setAnswer(func(*msg) string { return "SIP/2.0 503 Later" })
	if m := a.do(ask{method: "OPTIONS", target: "sip:bob@example.test"}); m.status != 500 {
		t.Errorf("a device's 503 is no 503 of the server: %s", m.start)
	}
}

func TestSilentDeviceDoesNotHoldUpTheSender(t *testing.T) {
	s := newLab(t, func(c *Config) { c.ForwardTimeout = 50 * time.Millisecond })
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	b.setAnswer(func(*msg) string { return "" })
	if m := a.do(ask{method: "OPTIONS", target: "sip:bob@example.test"}); m.status != 480 {
		t.Errorf("RFC 4320: no 408 for requests other than INVITE, got %s", m.start)
	}
	if m := a.say("bob", "kept"); m.status != 202 {
		t.Errorf("a message that no device answered is stored: %s", m.start)
	}
	if m := a.do(ask{method: "MESSAGE", target: "sip:bob@example.test", body: "<x/>", headers: []string{"Content-Type: " + typeComposing}}); m.status != 480 {
		t.Errorf("typing is never stored: %s", m.start)
	}
	eventually(t, "transactions end", func() bool { return s.Load().Transactions == 0 })
}

func TestHopsAndLoops(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open, c.ForwardTimeout = true, 50*time.Millisecond })
	// Bob's device is the server itself: a loop by registration.
	b := newPhone(t, s, "bob", "tcp")
	if m := b.register("Contact: <sip:bob@example.test>", "Expires: 60"); m.status != 200 {
		t.Fatal(m.start)
	}
	b.setAnswer(func(m *msg) string { // the device sends everything back to the server
		text := m.start + "\r\n"
		for _, h := range m.headers {
			text += h.name + ": " + h.value + "\r\n"
		}
		via := fmt.Sprintf("Via: SIP/2.0/TCP %s;branch=z9hG4bKloop%d\r\n", b.conn.LocalAddr(), phoneCount.Add(1))
		start, rest, _ := strings.Cut(text, "\r\n")
		b.write(start + "\r\n" + via + rest + "\r\n" + m.body)
		return ""
	})
	a := newPhone(t, s, "alice", "tcp")
	a.do(ask{method: "OPTIONS", target: "sip:bob@example.test"})
	eventually(t, "482 Loop Detected", func() bool { return s.Counters().Responses["OPTIONS"][482] > 0 })
	eventually(t, "everything is answered", func() bool { return s.Load().Transactions == 0 })
	if got := s.Counters().Responses["OPTIONS"][482]; got != 1 {
		t.Errorf("%d times 482 Loop Detected, want once; answers %v", got, s.Counters().Responses["OPTIONS"])
	}
}

// INVITE from end to end: forked, one device cancelled, the call goes through the proxy by Record-Route, over the flows.
func TestInvite(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	busy, taker := newPhone(t, s, "bob", "tcp").online(), newPhone(t, s, "bob", "udp").online()
	busy.setAnswer(func(m *msg) string {
		if m.method == "INVITE" {
			return "SIP/2.0 180 Ringing"
		}
		return "SIP/2.0 200 OK"
	})
	held := make(chan *msg, 1)
	taker.setAnswer(func(m *msg) string {
		if m.method == "INVITE" {
			held <- m
			return "SIP/2.0 180 Ringing"
		}
		return "SIP/2.0 200 OK"
	})
	answered := make(chan *msg, 1)
	go func() {
		answered <- a.do(ask{method: "INVITE", target: "sip:bob@example.test", headers: []string{"Contact: " + a.contact()}})
	}()
	invite := <-held
	first := busy.hear("INVITE")
	taker.respond(invite, "SIP/2.0 200 OK", "Contact: "+taker.contact()+"\r\n")
	ok := <-answered
	if ok.status != 200 || len(ok.all("Record-Route")) != 2 {
		t.Fatalf("%s with Record-Route %q", ok.start, ok.all("Record-Route"))
	}
	if m := busy.hear("CANCEL"); m.get("Call-ID") != first.get("Call-ID") {
		t.Error("the other device is told to stop ringing")
	} else if m.get("Reason") != `SIP;cause=200;text="Call completed elsewhere"` {
		t.Errorf("without saying that the call was taken: %q", m.get("Reason"))
	}
	busy.respond(first, "SIP/2.0 487 Request Terminated", "")
	busy.hear("ACK")

	// ACK and BYE follow the route set, newest first.
	routes := ok.all("Record-Route")
	headers := []string{"Route: " + routes[1], "Route: " + routes[0]}
	target := strings.Trim(taker.contact(), "<>")
	text, _ := a.build("ACK", target, ok.get("Call-ID"), 2, ok.get("From"), ok.get("To"), "", headers...)
	a.write(text)
	if m := taker.hear("ACK"); !strings.HasPrefix(m.start, "ACK "+target) {
		t.Errorf("ACK arrived as %q", m.start)
	}
	text, branch := a.build("BYE", target, ok.get("Call-ID"), 3, ok.get("From"), ok.get("To"), "", headers...)
	if m := a.roundTrip(text, branch); m.status != 200 {
		t.Errorf("BYE: %s", m.start)
	}
	if m := taker.hear("BYE"); len(m.all("Route")) != 0 {
		t.Errorf("our own Route entries were left on: %q", m.all("Route"))
	}
}

func TestCancel(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	b.setAnswer(func(m *msg) string {
		if m.method == "INVITE" {
			return "SIP/2.0 180 Ringing"
		}
		return "SIP/2.0 200 OK"
	})
	challenge := a.do(ask{method: "INVITE", target: "sip:bob@example.test", noAuth: true})
	if challenge.status != 407 {
		t.Fatal(challenge.start)
	}
	from, to := "<"+a.aor()+">;tag=c", "<sip:bob@example.test>"
	text, branch := a.build("INVITE", "sip:bob@example.test", "cancel-me", 1, from, to, "",
		a.credentials(challenge, "INVITE", "sip:bob@example.test", ""), "Contact: "+a.contact())
	ch := a.expect(branch)
	a.write(text)
	invite := b.hear("INVITE")
	b.hearNothingBefore(t, ch, 180)
	cancel, _, _ := strings.Cut(text, "\r\n\r\n")
	cancel = strings.Replace(strings.Replace(cancel, "INVITE sip", "CANCEL sip", 1), "CSeq: 1 INVITE", "CSeq: 1 CANCEL", 1) + "\r\nReason: Q.850;cause=16\r\n\r\n"
	a.write(cancel)
	if m := a.final(ch); m.status != 200 || m.get("CSeq") != "1 CANCEL" {
		t.Fatalf("CANCEL itself is answered first: %s", m.start)
	}
	if m := b.hear("CANCEL"); m.get("Reason") != "Q.850;cause=16" {
		t.Errorf("the caller's reason became %q", m.get("Reason"))
	}
	b.respond(invite, "SIP/2.0 487 Request Terminated", "")
	if m := a.final(ch); m.status != 487 {
		t.Errorf("INVITE: %s, want 487", m.start)
	}
	b.hear("ACK")
	stray, branch := a.build("CANCEL", "sip:bob@example.test", "nothing", 1, from, to, "")
	if m := a.roundTrip(stray, branch); m.status != 481 {
		t.Errorf("CANCEL of nothing: %s", m.start)
	}
}

// hearNothingBefore waits for a provisional answer of that status.
func (p *phone) hearNothingBefore(t *testing.T, ch chan *msg, status int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-ch:
			if m.status == status {
				return
			}
			if m.status >= 200 {
				t.Fatalf("answered %s", m.start)
			}
		case <-deadline:
			t.Fatalf("no %d", status)
		}
	}
}

// A neighbour domain is served by whoever the route names, and its requests are believed when they come from there.
func TestNeighbourDomain(t *testing.T) {
	rooms := newLab(t, func(c *Config) {
		c.Domain, c.Open = "rooms.example.test", true
		c.Users = []User{{Name: "lobby"}}
	})
	portal := newPhone(t, rooms, "lobby", "tcp")
	if m := portal.do(ask{method: "REGISTER", target: "sip:rooms.example.test", from: "<sip:lobby@rooms.example.test>;tag=1", to: "<sip:lobby@rooms.example.test>",
		headers: []string{"Contact: " + portal.contact()}}); m.status != 200 {
		t.Fatal(m.start)
	}
	s := newLab(t, func(c *Config) {
		c.Routes = map[string]string{"Rooms.Example.Test": "sip:" + rooms.Addr() + ";transport=tcp"}
	})
	a := newPhone(t, s, "alice", "tcp").online()
	for range 2 {
		if m := a.do(ask{method: "MESSAGE", target: "sip:lobby@rooms.example.test", body: "hello all"}); m.status != 200 {
			t.Fatalf("to the neighbour: %s", m.start)
		}
		if m := portal.hear("MESSAGE"); m.body != "hello all" || len(m.all("Via")) != 3 {
			t.Errorf("%q over %d hops", m.body, len(m.all("Via")))
		}
	}
	if m := a.do(ask{method: "MESSAGE", target: "sip:bob@example.test", from: "<sip:lobby@rooms.example.test>;tag=1", noAuth: true}); m.status != 202 {
		t.Errorf("from the neighbour's address: %s", m.start)
	}
}

// A neighbour comes, moves and goes while the server runs; only its address may speak for its domain.
func TestNeighbourWhileRunning(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	b := newPhone(t, s, "bob", "tcp").online()
	toRoom := func() int {
		return a.do(ask{method: "MESSAGE", target: "sip:lobby@rooms.example.test", body: "hello"}).status
	}
	fromRoom := func() int {
		return a.do(ask{method: "MESSAGE", target: "sip:bob@example.test", from: "<sip:lobby@rooms.example.test>;tag=1", body: "hi", noAuth: true}).status
	}
	if got := toRoom(); got != 403 {
		t.Errorf("an unknown domain: %d", got)
	}
	if got := fromRoom(); got != 407 {
		t.Errorf("from an unknown domain: %d", got)
	}
	for _, addr := range []string{"x y", "sip:", "sip:a b;transport=tcp"} {
		if err := s.Neighbour("rooms.example.test", addr); err == nil {
			t.Errorf("neighbour at %q", addr)
		}
	}
	if err := s.Neighbour("Rooms.example.test", "127.0.0.9:5070"); err != nil {
		t.Fatal(err)
	}
	if got := fromRoom(); got != 403 {
		t.Errorf("the domain of another address: %d", got)
	}
	rooms := newLab(t, func(c *Config) { c.Domain, c.Open, c.Users = "rooms.example.test", true, []User{{Name: "lobby"}} })
	if err := s.Neighbour("rooms.example.test", rooms.Addr()); err != nil {
		t.Fatal(err)
	}
	if got := toRoom(); got != 202 { // stored there, nobody is registered
		t.Errorf("to the neighbour: %d", got)
	}
	if got := fromRoom(); got != 200 {
		t.Errorf("from the neighbour: %d", got)
	}
	if m := b.hear("MESSAGE"); m.body != "hi" {
		t.Errorf("bob hears %q", m.body)
	}
	if err := s.Neighbour("rooms.example.test", ""); err != nil {
		t.Fatal(err)
	}
	if got := toRoom(); got != 403 {
		t.Errorf("after it has gone: %d", got)
	}
}

// A dialog tag is no proof of anything: who writes one has to authenticate all the same.
func TestTagsDoNotAuthenticate(t *testing.T) {
	s := newLab(t)
	b := newPhone(t, s, "bob", "tcp").online()
	p := newPhone(t, s, "carol", "tcp")
	for _, target := range []string{"sip:bob@example.test", strings.Trim(b.contact(), "<>")} {
		m := p.do(ask{method: "MESSAGE", target: target, to: "<sip:bob@example.test>;tag=made-up", from: "<sip:alice@example.test>;tag=1", noAuth: true})
		if m.status != 407 {
			t.Errorf("%s: %s, want 407", target, m.start)
		}
	}
}

func TestOrderIsKept(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	a, b := newPhone(t, s, "alice", "tcp"), newPhone(t, s, "bob", "tcp").online()
	const n = 500
	var all strings.Builder
	for i := range n {
		text, _ := a.build("MESSAGE", "sip:bob@example.test", fmt.Sprint("order", i), 1, "<"+a.aor()+">;tag=1", "<sip:bob@example.test>", fmt.Sprint(i))
		all.WriteString(text)
	}
	a.write(all.String())
	for i := range n {
		if m := b.hear("MESSAGE"); m.body != fmt.Sprint(i) {
			t.Fatalf("message %d arrived as number %d", i, i)
		}
	}
}
