package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/config"
	"portico/app/sipua/siplab"
)

// A SIP server that is slow, refuses, loses answers, says things twice and out of turn: nothing is lost or
// doubled, and people are told what is going on.

// labBeside is a lab SIP server in the test's own process, to be broken, and a house in front of it.
func labBeside(t *testing.T, transport string) (*siplab.Server, *program) {
	t.Helper()
	s := runningLab(t)
	h := inProcess(t, func(cfg *config.Config) {
		cfg.Lab.Enabled = false
		cfg.Presence.PublishPace = 100 * time.Millisecond
		cfg.SIP.Proxy = "sip:" + s.Addr() + ";transport=" + transport
	})
	p := &program{t: t, url: h.address()}
	awaitReady(t, p.url)
	return s, p
}

func runningLab(t *testing.T) *siplab.Server {
	t.Helper()
	s, err := siplab.New(siplab.Config{Domain: "example.test", Users: labUsers(), Robots: siplab.RobotPace{Presence: 24 * time.Hour}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the lab: %v", err)
		}
	})
	return s
}

func TestServerWithFaults(t *testing.T) {
	for _, c := range []struct {
		name, transport string
		faults          map[string]siplab.Fault
	}{
		{"slow", "tcp", map[string]siplab.Fault{"MESSAGE": {Delay: 300 * time.Millisecond, Times: 4}}},
		{"refusing", "tcp", map[string]siplab.Fault{"MESSAGE": {Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Times: 3}}},
		{"failing", "tcp", map[string]siplab.Fault{"MESSAGE": {Status: http.StatusInternalServerError, Times: 3}}},
		{"deaf", "udp", map[string]siplab.Fault{"MESSAGE": {DropRequests: true, Times: 3}}},
		{"mute", "udp", map[string]siplab.Fault{"MESSAGE": {DropResponses: true, Times: 3}}},
		{"losing", "udp", map[string]siplab.Fault{"MESSAGE": {DropDeliveries: true, Times: 3}}},
		{"twice", "udp", map[string]siplab.Fault{"*": {Duplicate: true}}},
		{"out of turn", "tcp", map[string]siplab.Fault{"MESSAGE": {Reorder: true}}},
		{"out of turn over UDP", "udp", map[string]siplab.Fault{"MESSAGE": {Reorder: true}, "NOTIFY": {Reorder: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lab, p := labBeside(t, c.transport)
			alice, bob := p.signIn("alice"), p.signIn("bob")
			alice.befriend("bob")
			bob.befriend("alice")
			atAlice, atBob := alice.open(), bob.open()
			atAlice.awaitPresence("bob", "available")
			atBob.awaitPresence("alice", "available")
			for method, f := range c.faults {
				lab.Faults().Set(method, f)
			}
			begun := time.Now()
			for i := range 8 {
				alice.say("bob", fmt.Sprintf("a-%04d", i), fmt.Sprintf("text of a-%04d", i))
				bob.say("alice", fmt.Sprintf("b-%04d", i), fmt.Sprintf("text of b-%04d", i))
			}
			arrived(t, atAlice, atBob, ids("a", 8))
			arrived(t, atBob, atAlice, ids("b", 8))
			t.Logf("all there after %s", time.Since(begun).Round(time.Millisecond))
			lab.Faults().Reset()
			bob.setPresence("busy")
			atAlice.awaitPresence("bob", "busy")
		})
	}
}

func (c *client) setPresence(availability string) {
	c.t.Helper()
	if status := c.call(http.MethodPut, "/me/presence", map[string]string{"availability": availability}, nil); status != http.StatusOK {
		c.t.Fatalf("set presence: status %d", status)
	}
}

// While the server refuses, a message is pending, a sign-in says in words why it cannot be, and once it
// works again nobody has to do anything.
func TestServerThatRefusesIsNamed(t *testing.T) {
	lab, p := labBeside(t, "tcp")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	atAlice, atBob := alice.open(), bob.open()
	lab.Faults().Set("*", siplab.Fault{Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Second})
	alice.say("bob", "a-0000", "text of a-0000")
	if st := alice.state("bob", "a-0000"); st != "pending" {
		t.Errorf("refused for now: state %s", st)
	}
	late := &client{t: t, base: p.url, http: alice.http}
	status, body := late.problem(http.MethodPost, "/session", []byte(`{"sip":"sip:carol@example.test","password":"portico"}`))
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "detail") {
		t.Errorf("sign-in at a refusing server: status %d, %s", status, body)
	}
	lab.Faults().Reset()
	arrived(t, atAlice, atBob, []string{"a-0000"})
	p.signIn("carol")
}

// A connection that the server cuts comes back by itself, with everybody's registration and subscriptions.
func TestServerThatCutsAndForgets(t *testing.T) {
	lab, p := labBeside(t, "tcp")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	alice.befriend("bob")
	bob.befriend("alice")
	atAlice, atBob := alice.open(), bob.open()
	atAlice.awaitPresence("bob", "available")
	for i, forget := range []func(){
		lab.Faults().CloseConnections,
		func() { lab.Faults().ExpireSubscriptions(true); lab.Faults().CloseConnections() },
		func() { lab.Faults().ExpirePublications(); lab.Faults().CloseConnections() },
		lab.Faults().StaleNonces,
		func() { lab.Faults().ExpireRegistrations(); lab.Faults().CloseConnections() },
	} {
		forget()
		alice.say("bob", fmt.Sprintf("a-%04d", i), fmt.Sprintf("text of a-%04d", i))
		arrived(t, atAlice, atBob, ids("a", i+1))
		want := []string{"busy", "away"}[i%2]
		bob.setPresence(want)
		atAlice.awaitPresence("bob", want)
	}
}
