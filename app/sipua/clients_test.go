package sipua_test

// SIP clients that nobody here wrote, talking to people of the portal through the lab and Kamailio.

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siptest"
)

// viaBoth runs a test through the lab and through Kamailio, over TCP.
func viaBoth(t *testing.T, run func(t *testing.T, w world, addr string)) {
	t.Run("lab", func(t *testing.T) {
		w := labWorld(t, "tcp")
		run(t, w, w.lab.Addr())
	})
	t.Run("kamailio", func(t *testing.T) {
		w := kamailioWorld(t, "tcp")
		run(t, w, w.kam.Addr())
	})
}

func TestRealClients(t *testing.T) {
	kinds := map[string]func(testing.TB, siptest.ClientOptions) siptest.Client{
		"linphone": func(t testing.TB, o siptest.ClientOptions) siptest.Client { return siptest.Linphone(t, o) },
		"baresip":  func(t testing.TB, o siptest.ClientOptions) siptest.Client { return siptest.Baresip(t, o) },
	}
	for kind, begin := range kinds {
		t.Run(kind, func(t *testing.T) {
			viaBoth(t, func(t *testing.T, w world, addr string) {
				h := newHouse()
				a := start(t, w.cfg, h)
				signIn(t, a, alice)
				a.Watch(alice, []portal.Address{alice, bob})
				a.Publish(alice, is(portal.Available))
				c := begin(t, siptest.ClientOptions{Proxy: addr, User: "bob", Contacts: []string{"alice"}})
				h.awaitAvailability(t, alice, bob, portal.Available)
				c.ExpectPresence("alice", siptest.StateOnline, patience)

				if st := send(t, a, alice, bob, "p1", "from the portal: grüße"); st != portal.Delivered {
					t.Errorf("state %s, want delivered", st)
				}
				if m := c.Expect("from the portal: grüße", patience); m.From != string(alice) {
					t.Errorf("came from %s", m.From)
				}
				c.Send("alice", "from a phone: ok")
				m := h.awaitText(t, alice, "from a phone: ok")
				if m.From != bob {
					t.Errorf("came from %s", m.From)
				}
				if kind == "linphone" { // it sends notices, compressed, and names messages by their Call-ID
					send(t, a, alice, bob, "p2", "with a receipt")
					h.await(t, "a notice about it", func() bool {
						for _, n := range h.notices {
							if n.ID == "p2" && n.To == bob {
								return true
							}
						}
						return false
					})
				}
				a.Unpublish(alice)
				c.ExpectPresence("alice", siptest.StateOffline, patience)
				c.Close()
				h.awaitAvailability(t, alice, bob, portal.Offline)
				if st := send(t, a, alice, bob, "p3", "while you are away"); st != portal.Stored {
					t.Errorf("state %s, want stored", st)
				}
			})
		})
	}
}

func TestKamailioKeepsMessages(t *testing.T) {
	w := kamailioWorld(t, "tcp")
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, alice)
	for i := range 3 {
		if st := send(t, a, alice, bob, fmt.Sprint("s", i), fmt.Sprint("kept ", i)); st != portal.Stored {
			t.Errorf("state %s", st)
		}
	}
	signIn(t, a, bob)
	for i := range 3 { // without the server's prefix
		h.awaitText(t, bob, fmt.Sprint("kept ", i))
	}
}

// The server goes away under traffic and comes back, with and without its memory: everybody is there
// again without signing in, and what was accepted is there once.
func TestKamailioRestarts(t *testing.T) {
	for _, wipe := range []bool{false, true} {
		t.Run(fmt.Sprint("wiped=", wipe), func(t *testing.T) {
			w := kamailioWorld(t, "tcp")
			h := newHouse()
			a := start(t, quick(w.cfg), h)
			watchEachOther(t, a, h)
			ctx, cancel := contextWithCancel()
			var accepted atomic.Int64
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; ctx.Err() == nil; i++ {
					for ctx.Err() == nil {
						if _, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: fmt.Sprint("n", i), Text: fmt.Sprint("number ", i), At: time.Now()}); err == nil {
							accepted.Add(1)
							break
						}
					}
				}
			}()
			eventually(t, "traffic", func() bool { return accepted.Load() > 20 })
			w.kam.Stop()
			h.await(t, "lines down", func() bool { return last(h.edges[alice]) == "down:signin.unreachable" })
			if wipe {
				w.kam.Wipe()
			}
			before := accepted.Load()
			w.kam.Start()
			h.await(t, "lines up", func() bool { return last(h.edges[alice]) == "up" && last(h.edges[bob]) == "up" })
			eventually(t, "traffic again", func() bool { return accepted.Load() > before+20 })
			a.Publish(alice, is(portal.Away))
			h.awaitAvailability(t, bob, alice, portal.Away)
			a.Publish(bob, is(portal.DoNotDisturb))
			h.awaitAvailability(t, alice, bob, portal.DoNotDisturb)
			cancel()
			<-done
			h.await(t, "every accepted message", func() bool { return int64(len(h.messages)) >= accepted.Load() })
		})
	}
}

func TestKamailioHabits(t *testing.T) {
	t.Run("old nonce without stale", func(t *testing.T) {
		w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) { o.NoStale, o.NonceExpire = true, time.Second })
		h := newHouse()
		a := start(t, w.cfg, h)
		signIn(t, a, alice)
		signIn(t, a, bob)
		old := time.Now().Add(2100 * time.Millisecond)
		eventually(t, "the nonce to be old", func() bool { return time.Now().After(old) })
		send(t, a, alice, bob, "1", "with an old nonce")
		h.awaitText(t, bob, "with an old nonce")
	})
	t.Run("SHA-256", func(t *testing.T) {
		w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) { o.SHA256 = true })
		a := start(t, w.cfg, newHouse())
		if sealed := string(signIn(t, a, alice)); !strings.Contains(sealed, `"SHA-256"`) || strings.Contains(sealed, `"MD5"`) {
			t.Errorf("secret %s", sealed)
		}
	})
	t.Run("brief registration refused", func(t *testing.T) {
		w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) { o.RefuseBrief, o.MinExpires = true, 5*time.Minute })
		w.cfg.RegisterExpires = time.Minute
		a := start(t, w.cfg, newHouse())
		signIn(t, a, alice)
		if left := time.Until(a.Status(alice).Expires); left < 4*time.Minute {
			t.Errorf("registered for %v", left)
		}
	})
	t.Run("trusted", func(t *testing.T) {
		w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) { o.TrustedIP = "127.0.0.1" })
		w.cfg.Auth = sipua.AuthTrusted
		h := newHouse()
		a := start(t, w.cfg, h)
		signInAs(t, a, alice, "whatever")
		signInAs(t, a, bob, "")
		send(t, a, alice, bob, "1", "asserted")
		h.awaitText(t, bob, "asserted")
		a.Watch(alice, []portal.Address{bob})
		a.Publish(bob, is(portal.Busy))
		h.awaitAvailability(t, alice, bob, portal.Busy)
	})
	t.Run("nobody is allowed yet", func(t *testing.T) {
		w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) { o.PresenceByRules = true })
		h := newHouse()
		a := start(t, w.cfg, h)
		signIn(t, a, alice)
		signIn(t, a, bob)
		a.Publish(bob, is(portal.Busy))
		a.Watch(alice, []portal.Address{bob})
		h.await(t, "nothing known of bob", func() bool { return h.silent[[2]portal.Address{alice, bob}] == 1 })
		h.awaitAvailability(t, alice, bob, portal.Unknown)
	})
	t.Run("a connection that hangs", func(t *testing.T) {
		w := kamailioWorld(t, "tcp")
		h := newHouse()
		cfg := quick(w.cfg)
		cfg.PingInterval, cfg.PongTimeout = 300*time.Millisecond, 500*time.Millisecond
		a := start(t, cfg, h)
		signIn(t, a, alice)
		w.kam.Pause()
		h.await(t, "line down", func() bool { return last(h.edges[alice]) == "down:signin.unreachable" })
		w.kam.Resume()
		h.await(t, "line up", func() bool { return last(h.edges[alice]) == "up" })
	})
}
