package ews

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/ews/ewstest"
	"portico/app/portal"
)

// The server that the connector is tried against: the lab's, or the one that the environment names. What a foreign
// server needs: people alice, bob, carol and room1 with mailboxes, and
//
//	PORTICO_TEST_EWS_URL       its EWS address
//	PORTICO_TEST_EWS_DOMAIN    the people's mail domain (example.test)
//	PORTICO_TEST_EWS_PASSWORD  the people's password, or with PORTICO_TEST_EWS_USER the service account's
//	PORTICO_TEST_EWS_USER      an account that may impersonate them; without it each signs in as themselves
//	PORTICO_TEST_EWS_AUTH      basic (default) or ntlm
//
// Tests that need the lab's switches or its known contents skip there.

type peer struct {
	url, domain, user, password, auth string
	lab                               *ewslab.Server
}

// patience is how long a state may take to come about on a machine that does much else.
const patience = 45 * time.Second

var people = []string{"alice", "bob", "carol", "dave"}

func newPeer(t testing.TB, change func(*ewslab.Config)) *peer {
	t.Helper()
	if url := os.Getenv("PORTICO_TEST_EWS_URL"); url != "" {
		if change != nil {
			t.Skip("this test needs the lab server")
		}
		p := &peer{url: url, domain: os.Getenv("PORTICO_TEST_EWS_DOMAIN"), user: os.Getenv("PORTICO_TEST_EWS_USER"),
			password: os.Getenv("PORTICO_TEST_EWS_PASSWORD"), auth: os.Getenv("PORTICO_TEST_EWS_AUTH")}
		if p.domain == "" {
			p.domain = "example.test"
		}
		return p
	}
	cfg := ewslab.Config{Domain: "example.test", Service: &ewslab.Account{Username: "svc", Password: "secret"}}
	for _, u := range people {
		cfg.People = append(cfg.People, ewslab.Person{User: u, Name: strings.ToUpper(u[:1]) + u[1:], Password: "portico", TimeZone: "W. Europe Standard Time"})
	}
	cfg.People = append(cfg.People, ewslab.Person{User: "room1", Name: "Room 1", Password: "portico", Room: true},
		ewslab.Person{User: "team", Name: "Team", List: []string{"alice", "bob", "inner"}},
		ewslab.Person{User: "inner", Name: "Inner", List: []string{"carol", "team"}})
	if change != nil {
		change(&cfg)
	}
	lab, err := ewslab.New(cfg)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	if err := lab.Listen(); err != nil {
		t.Fatalf("lab: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- lab.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("lab: %v", err)
		}
	})
	return &peer{url: lab.URL(), domain: "example.test", user: "svc", password: "secret", lab: lab}
}

func (p *peer) person(user string) portal.Address {
	return portal.MustAddress(user + "@" + p.domain)
}

func (p *peer) email(user string) string { return user + "@" + p.domain }

// server is how the peer stands in a configuration.
func (p *peer) server() Server {
	s := Server{Name: "primary", URL: p.url, Auth: p.auth, Username: p.user, Password: p.password, Impersonate: p.user != "", Timeout: 20 * time.Second}
	if !s.Impersonate {
		s.Username, s.Password = "", ""
	}
	return s
}

// before is what a connector under test takes for the time: it goes on from a moment before the times that the tests use, so that
// none of their meetings is over.
func before() func() time.Time {
	began := time.Now()
	return func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC).Add(time.Since(began)) }
}

// connector is one against the peer. Every request that it sends is held against the official schema, where that is at
// hand.
func (p *peer) connector(t testing.TB, change func(*Options)) *Connector {
	t.Helper()
	s := p.server()
	base := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(base.CloseIdleConnections)
	s.HTTP = &http.Client{Transport: base}
	// NTLM signs connections, which a transport in between would mix up.
	if _, bench := t.(*testing.B); !bench && p.auth != "ntlm" {
		s.HTTP.Transport = ewstest.Record(t, ewstest.Requests).Transport(base)
	}
	o := Options{Servers: []Server{s}, Domain: p.domain, Now: before(), Jitter: func(d time.Duration) time.Duration { return d }}
	if p.user == "" {
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) {
			return who.Bare(), p.password, nil
		}
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatalf("connector: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// run lets a connector live until the test's end.
func run(t testing.TB, c *Connector) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// until waits for a state.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !ewstest.Eventually(patience, ok) {
		t.Fatalf("waited in vain until %s", what)
	}
}

// listener is a handler that remembers.
type listener struct {
	mu            sync.Mutex
	rang          map[portal.Address]int
	reached, lost []portal.Address
	when          func(portal.Address)
}

func (l *listener) Rang(who portal.Address) {
	l.mu.Lock()
	if l.rang == nil {
		l.rang = map[portal.Address]int{}
	}
	l.rang[who]++
	when := l.when
	l.mu.Unlock()
	if when != nil {
		when(who)
	}
}

func (l *listener) Reached(who portal.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reached = append(l.reached, who)
}

func (l *listener) Lost(who portal.Address, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, who)
}

func (l *listener) rings(who portal.Address) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rang[who]
}

func (l *listener) counts() (reached, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.reached), len(l.lost)
}

// all reads a calendar from the start.
func all(t testing.TB, c *Connector, who portal.Address) (map[string]portal.Entry, string) {
	t.Helper()
	out := map[string]portal.Entry{}
	state := ""
	for {
		d, err := c.Changes(t.Context(), who, who, state)
		if err != nil {
			t.Fatalf("changes of %s: %v", who, err)
		}
		if (state == "") != d.Reset {
			t.Fatalf("reset is %t in the state %q", d.Reset, state)
		}
		for _, e := range d.Changed {
			out[e.RemoteID] = e
		}
		state = d.State
		if !d.More {
			return out, state
		}
	}
}

// bySubject is the entry with a subject, nil if there is none.
func bySubject(entries map[string]portal.Entry, subject string) *portal.Entry {
	for _, e := range entries {
		if e.Subject == subject {
			return &e
		}
	}
	return nil
}
