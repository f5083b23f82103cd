package siplab_test

// Real clients that nobody here wrote, against the lab: linphone and baresip register, see each other and talk.

import (
	"context"
	"testing"
	"time"

	"portico/app/sipua/siplab"
	"portico/app/sipua/siptest"
)

const wait = 60 * time.Second

func startLab(t *testing.T, change ...func(*siplab.Config)) *siplab.Server {
	t.Helper()
	cfg := siplab.Config{Domain: siptest.Domain, NotifyInterval: 100 * time.Millisecond}
	for _, n := range []string{"alice", "bob", "carol", "dave"} {
		cfg.Users = append(cfg.Users, siplab.User{Name: n, Password: siptest.Password})
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := siplab.New(cfg)
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
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// Two clients of different make write to each other and see each other's presence through the lab.
func TestLinphoneAndBaresip(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			s := startLab(t)
			bob := siptest.Baresip(t, siptest.ClientOptions{Proxy: s.Addr(), Transport: transport, User: "bob", Contacts: []string{"alice"}})
			alice := siptest.Linphone(t, siptest.ClientOptions{Proxy: s.Addr(), Transport: transport, User: "alice", Contacts: []string{"bob"}})

			alice.ExpectPresence("bob", siptest.StateOnline, wait)
			bob.ExpectPresence("alice", siptest.StateOnline, wait)

			alice.Send("bob", `Grüße, "quoted" & <odd> 🙂`)
			if m := bob.Expect(`Grüße, "quoted" & <odd> 🙂`, wait); m.From != alice.URI() {
				t.Errorf("message came from %s, want %s", m.From, alice.URI())
			}
			bob.Send("alice", "back to you: ok")
			if m := alice.Expect("back to you: ok", wait); m.From != bob.URI() {
				t.Errorf("message came from %s, want %s", m.From, bob.URI())
			}

			bob.SetPresence(siptest.StateOffline)
			alice.ExpectPresence("bob", siptest.StateOffline, wait)
			bob.SetPresence(siptest.StateOnline)
			alice.ExpectPresence("bob", siptest.StateOnline, wait)

			alice.Close()
			bob.ExpectPresence("alice", siptest.StateOffline, wait)
			if b := s.Bindings("alice"); len(b) != 0 {
				t.Errorf("alice has unregistered, bindings left: %v", b)
			}
		})
	}
}

// A message to somebody away is kept and handed over untouched when they register.
func TestRealOfflineStore(t *testing.T) {
	s := startLab(t)
	bob := siptest.Baresip(t, siptest.ClientOptions{Proxy: s.Addr(), User: "bob", Contacts: []string{"alice"}})
	bob.Send("alice", "while you were out")
	waitFor(t, "the message is stored", func() bool { return s.Stored("alice") == 1 })
	alice := siptest.Linphone(t, siptest.ClientOptions{Proxy: s.Addr(), User: "alice"})
	if m := alice.Expect("while you were out", wait); m.From != bob.URI() {
		t.Errorf("message came from %s, want %s", m.From, bob.URI())
	}
	waitFor(t, "the store is empty", func() bool { return s.Stored("alice") == 0 })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(wait)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}
