package sipua_test

// Servers that fail, against the lab's faults: refusals, restarts, forgotten state, silence.

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siplab"
)

// quick makes an agent notice and come back soon.
func quick(cfg sipua.Config) sipua.Config {
	cfg.ReconnectMin, cfg.ReconnectMax = 10*time.Millisecond, 100*time.Millisecond
	cfg.DownGrace = 50 * time.Millisecond
	cfg.RefreshFloor = time.Second
	cfg.PublishPace = 20 * time.Millisecond
	return cfg
}

func TestEveryRefusalIsASentence(t *testing.T) {
	w := labWorld(t, "tcp")
	a := start(t, w.cfg, newHouse())
	signIn(t, a, alice)
	signIn(t, a, bob)
	for _, c := range []struct {
		status  int
		meaning error
		key     string
	}{
		{302, portal.ErrNotFound, "send.moved"},
		{400, portal.ErrInvalid, "send.bad-request"},
		{402, portal.ErrForbidden, "send.payment"},
		{403, portal.ErrForbidden, "send.forbidden"},
		{404, portal.ErrNotFound, "send.not-found"},
		{405, portal.ErrInvalid, "send.no-messages"},
		{406, portal.ErrInvalid, "send.unsupported"},
		{408, portal.ErrNotFound, "send.unavailable"},
		{410, portal.ErrNotFound, "send.gone"},
		{413, portal.ErrInvalid, "send.too-large"},
		{415, portal.ErrInvalid, "send.unsupported"},
		{416, portal.ErrInvalid, "send.bad-address"},
		{420, portal.ErrInvalid, "send.unsupported"},
		{480, portal.ErrNotFound, "send.unavailable"},
		{482, portal.ErrInvalid, "send.loop"},
		{483, portal.ErrInvalid, "send.loop"},
		{484, portal.ErrInvalid, "send.bad-address"},
		{485, portal.ErrInvalid, "send.ambiguous"},
		{486, portal.ErrConflict, "send.busy"},
		{488, portal.ErrInvalid, "send.unsupported"},
		{493, portal.ErrForbidden, "send.not-secure"},
		{499, portal.ErrInvalid, "send.failed"},
		{500, portal.ErrUnavailable, "send.server-error"},
		{501, portal.ErrInvalid, "send.no-messages"},
		{502, portal.ErrUnavailable, "send.server-error"},
		{503, portal.ErrUnavailable, "send.server-away"},
		{504, portal.ErrUnavailable, "send.server-away"},
		{513, portal.ErrInvalid, "send.too-large"},
		{580, portal.ErrUnavailable, "send.server-error"},
		{600, portal.ErrConflict, "send.busy"},
		{603, portal.ErrForbidden, "send.declined"},
		{604, portal.ErrNotFound, "send.not-found"},
		{606, portal.ErrInvalid, "send.unsupported"},
		{699, portal.ErrForbidden, "send.declined"},
	} {
		w.lab.Faults().Set("MESSAGE", siplab.Fault{Status: c.status, RetryAfter: 7 * time.Second})
		_, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: fmt.Sprint(c.status), Text: "x", At: time.Now()})
		var e *portal.Error
		if !errors.Is(err, c.meaning) || portal.Reason(err) != c.key || !errors.As(err, &e) || e.RetryAfter != 7*time.Second {
			t.Errorf("%d: got %v", c.status, err)
		}
	}
}

func TestTooLongForTheServer(t *testing.T) {
	w := labWorld(t, "udp")
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	long := make([]byte, 6000)
	for i := range long {
		long[i] = byte('a' + i%26)
	}
	if st := send(t, a, alice, bob, "long", string(long)); st != portal.Delivered { // by TCP, though the proxy is UDP
		t.Errorf("state %s", st)
	}
	h.awaitText(t, bob, string(long))
	_, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: "huge", Text: string(make([]byte, 20000)), At: time.Now()})
	if !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != "send.too-large" {
		t.Errorf("got %v", err)
	}
}

func TestSignInRefusals(t *testing.T) {
	w := labWorld(t, "tcp")
	a := start(t, quick(w.cfg), newHouse())
	for _, c := range []struct {
		status  int
		meaning error
		key     string
	}{
		{403, portal.ErrForbidden, "signin.forbidden"},
		{404, portal.ErrUnauthenticated, "signin.unknown-user"},
		{500, portal.ErrUnavailable, "signin.unreachable"},
		{503, portal.ErrUnavailable, "signin.unreachable"},
		{408, portal.ErrUnavailable, "signin.unreachable"},
		{603, portal.ErrForbidden, "signin.forbidden"},
	} {
		w.lab.Faults().Set("REGISTER", siplab.Fault{Status: c.status})
		_, err := a.SignIn(within(t), alice, "portico")
		if !errors.Is(err, c.meaning) || portal.Reason(err) != c.key {
			t.Errorf("%d: got %v", c.status, err)
		}
	}
	w.lab.Faults().Clear("REGISTER")
	if _, err := a.SignIn(within(t), "sip:nobody@example.test", "portico"); err == nil {
		t.Error("somebody unknown signed in")
	}
	if err := w.lab.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss to be noticed", func() bool { return a.Ready() != nil })
	if _, err := a.SignIn(within(t), alice, "portico"); !errors.Is(err, portal.ErrUnavailable) || portal.Reason(err) != "signin.unreachable" {
		t.Errorf("server away: %v", err)
	}
}

func TestDigestVariants(t *testing.T) {
	for _, algorithms := range [][]string{{siplab.MD5}, {siplab.SHA256}, {siplab.SHA256, siplab.MD5}} {
		t.Run(fmt.Sprint(algorithms), func(t *testing.T) {
			w := labWorld(t, "tcp", func(c *siplab.Config) { c.Algorithms = algorithms })
			h := newHouse()
			a := start(t, quick(w.cfg), h)
			sealed := signIn(t, a, alice)
			signIn(t, a, bob)
			w.lab.Faults().StaleNonces()
			send(t, a, alice, bob, "1", "after the nonce went stale")
			b, stop := startStoppable(t, quick(w.cfg), newHouse())
			defer stop()
			b.Resume(alice, sealed)
			eventually(t, "alice registered by her hash alone", func() bool { return b.Status(alice).Registered })
		})
	}
}

func TestAHashOfAnotherKindMeansSigningInAgain(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	sealed := signIn(t, a, alice) // MD5 only
	w.lab.Faults().Algorithms(siplab.SHA256)
	w.lab.Faults().StaleNonces()
	h2 := newHouse()
	b := start(t, quick(w.cfg), h2)
	b.Resume(alice, sealed)
	h2.await(t, "alice told to sign in again", func() bool { return last(h2.edges[alice]) == "down:signin.again" })
	b.Resume(bob, []byte("not a secret"))
	h2.await(t, "bob told to sign in again", func() bool { return last(h2.edges[bob]) == "down:signin.again" })
}

func TestAChangedPasswordEndsTheLineOnce(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	signIn(t, a, alice)
	w.lab.AddUser(siplab.User{Name: "alice", Password: "another"})
	w.lab.Faults().CloseConnections()
	h.await(t, "refusal", func() bool { e := h.edges[alice]; return len(e) > 0 && e[len(e)-1] == "down:signin.wrong" })
	before := w.lab.Counters().Requests["REGISTER"]
	w.lab.Faults().CloseConnections()
	eventually(t, "the agent to be back", func() bool { return a.Ready() == nil && w.lab.Load().Connections >= 1 })
	signIn(t, a, bob)
	if after := w.lab.Counters().Requests["REGISTER"]; after > before+2 { // bob's two
		t.Errorf("refused credentials were tried again: %d REGISTER", after-before)
	}
	signInAs(t, a, alice, "another")
	h.await(t, "alice up again", func() bool { e := h.edges[alice]; return e[len(e)-1] == "up" })
}

func TestRefusedInTheMiddleOfThings(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	watchEachOther(t, a, h)
	w.lab.AddUser(siplab.User{Name: "alice", Password: "another"})
	w.lab.Faults().StaleNonces()
	_, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: "1", Text: "x", At: time.Now()})
	if !errors.Is(err, portal.ErrForbidden) || portal.Reason(err) != "send.not-authorised" {
		t.Errorf("got %v", err)
	}
	h.await(t, "the line to be refused", func() bool { return last(h.edges[alice]) == "down:signin.wrong" })
	if got := a.Status(alice).Reason; got != "signin.wrong" {
		t.Errorf("reason %q", got)
	}
	before := w.lab.Counters()
	a.Publish(alice, is(portal.Away))
	a.Watch(alice, []portal.Address{bob, carol})
	if _, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: "2", Text: "x", At: time.Now()}); portal.Reason(err) != "send.refused" {
		t.Errorf("got %v", err)
	}
	send(t, a, bob, alice, "3", "bob is not concerned")
	after := w.lab.Counters()
	for _, m := range []string{"PUBLISH", "SUBSCRIBE", "REGISTER"} {
		if after.Requests[m] != before.Requests[m] {
			t.Errorf("%s was tried with refused credentials", m)
		}
	}
	signInAs(t, a, alice, "another")
	h.awaitAvailability(t, bob, alice, portal.Away)
	eventually(t, "alice watches again", func() bool { return a.Status(alice).Live == 2 })
}

func TestIntervalTooBrief(t *testing.T) {
	w := labWorld(t, "tcp")
	w.lab.Faults().MinExpires(20 * time.Minute)
	h := newHouse()
	cfg := quick(w.cfg)
	cfg.RegisterExpires, cfg.PublishExpires, cfg.SubscribeExpires = time.Minute, time.Minute, time.Minute
	a := start(t, cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	if left := time.Until(a.Status(alice).Expires); left < 19*time.Minute {
		t.Errorf("registered for %v", left)
	}
	a.Watch(alice, []portal.Address{bob})
	a.Publish(bob, is(portal.Busy))
	h.awaitAvailability(t, alice, bob, portal.Busy)
	if p := w.lab.Publications("bob"); len(p) != 1 || time.Until(p[0].Expires) < 19*time.Minute {
		t.Errorf("publications %+v", p)
	}
}

// watchEachOther signs alice and bob in, watching and published.
func watchEachOther(t *testing.T, a *sipua.Agent, h *house) {
	t.Helper()
	for _, who := range []portal.Address{alice, bob} {
		signIn(t, a, who)
		a.Watch(who, []portal.Address{alice, bob})
	}
	a.Publish(alice, is(portal.Available))
	a.Publish(bob, is(portal.Busy))
	h.awaitAvailability(t, alice, bob, portal.Busy)
	h.awaitAvailability(t, bob, alice, portal.Available)
}

func TestServerForgets(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	watchEachOther(t, a, h)
	f := w.lab.Faults()

	f.ExpirePublications()
	h.awaitAvailability(t, alice, bob, portal.Offline)
	a.Publish(bob, is(portal.Away)) // 412, then afresh
	h.awaitAvailability(t, alice, bob, portal.Away)

	f.ExpireSubscriptions(true) // terminated;reason=timeout: subscribed anew at once
	a.Publish(bob, is(portal.DoNotDisturb))
	h.awaitAvailability(t, alice, bob, portal.DoNotDisturb)

	f.ExpireSubscriptions(false) // found out at the refresh that a new connection brings
	f.ExpireRegistrations()
	f.CloseConnections()
	a.Publish(bob, is(portal.BeRightBack))
	h.awaitAvailability(t, alice, bob, portal.BeRightBack)
	eventually(t, "one binding each", func() bool { return len(w.lab.Bindings("alice")) == 1 && len(w.lab.Bindings("bob")) == 1 })
	if n := w.lab.Load().Dialogs; n > 6 {
		t.Errorf("%d dialogs, want 4 and two for watchers", n)
	}
}

func TestServerRestartsUnderTraffic(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			w := labWorld(t, transport)
			h := newHouse()
			cfg := quick(w.cfg)
			cfg.PingInterval, cfg.PongTimeout = 200*time.Millisecond, 200*time.Millisecond // UDP notices by pinging, three times as long
			a := start(t, cfg, h)
			watchEachOther(t, a, h)

			ctx, cancel := context.WithCancel(within(t))
			var accepted atomic.Int64
			done := make(chan struct{})
			go func() { // a sender that repeats what is unavailable, as the outbox does
				defer close(done)
				for i := 0; ctx.Err() == nil; i++ {
					for ctx.Err() == nil {
						try, stop := context.WithTimeout(ctx, time.Second)
						_, err := a.Send(try, alice, portal.Outgoing{To: bob, ID: fmt.Sprint("n", i), Text: fmt.Sprint("number ", i), At: time.Now()})
						stop()
						if err == nil {
							accepted.Add(1)
							break
						}
					}
				}
			}()
			eventually(t, "traffic", func() bool { return accepted.Load() > 20 })
			if err := w.lab.Stop(); err != nil {
				t.Fatal(err)
			}
			w.lab.Faults().ExpireRegistrations()
			w.lab.Faults().ExpireSubscriptions(false)
			w.lab.Faults().ExpirePublications()
			h.await(t, "lines down", func() bool {
				return last(h.edges[alice]) == "down:signin.unreachable" && last(h.edges[bob]) == "down:signin.unreachable"
			})
			before := accepted.Load()
			if err := w.lab.Start(); err != nil {
				t.Fatal(err)
			}
			h.await(t, "lines up", func() bool { return last(h.edges[alice]) == "up" && last(h.edges[bob]) == "up" })
			eventually(t, "traffic again", func() bool { return accepted.Load() > before+20 })
			a.Publish(alice, is(portal.Away))
			h.awaitAvailability(t, bob, alice, portal.Away)
			cancel()
			<-done
			// everything the server said yes to is there exactly once
			h.await(t, "every accepted message", func() bool { return int64(len(h.messages)) >= accepted.Load() })
			seen := map[string]int{}
			h.mu.Lock()
			for _, m := range h.messages {
				seen[m.ID]++
			}
			h.mu.Unlock()
			for id, n := range seen {
				if n != 1 {
					t.Errorf("%s is there %d times", id, n)
				}
			}
		})
	}
}

func last(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1]
}

func TestASilentServerIsNoticed(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	cfg := quick(w.cfg)
	cfg.PingInterval, cfg.PongTimeout = 300*time.Millisecond, 500*time.Millisecond
	a := start(t, cfg, h)
	signIn(t, a, alice)
	w.lab.Faults().Silence(true)
	h.await(t, "line down", func() bool { return last(h.edges[alice]) == "down:signin.unreachable" })
	w.lab.Faults().Silence(false)
	h.await(t, "line up", func() bool { return last(h.edges[alice]) == "up" })
}

func TestTrustedMode(t *testing.T) {
	w := labWorld(t, "tcp", func(c *siplab.Config) { c.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	w.cfg.Auth = sipua.AuthTrusted
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	sealed := signInAs(t, a, alice, "anything at all")
	signInAs(t, a, bob, "")
	watch := []portal.Address{bob}
	a.Watch(alice, watch)
	a.Publish(bob, is(portal.Busy))
	h.awaitAvailability(t, alice, bob, portal.Busy)
	send(t, a, alice, bob, "1", "trusted")
	h.awaitText(t, bob, "trusted")
	if n := w.lab.Counters().Responses["MESSAGE"][407]; n != 0 {
		t.Errorf("%d challenges", n)
	}
	if err := a.SignOut(within(t), alice); err != nil {
		t.Fatal(err)
	}
	a.Resume(alice, sealed)
	eventually(t, "alice is back", func() bool { return a.Status(alice).Registered })
	if err := a.Check(within(t), alice, ""); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestRepetitionsAreOneMessage(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			w := labWorld(t, transport)
			h := newHouse()
			a := start(t, w.cfg, h)
			signIn(t, a, alice)
			signIn(t, a, bob)
			w.lab.Faults().Set("MESSAGE", siplab.Fault{Duplicate: true})
			for i := range 20 {
				send(t, a, alice, bob, fmt.Sprint("d", i), fmt.Sprint("twice ", i))
			}
			w.lab.Faults().Clear("MESSAGE")
			send(t, a, alice, bob, "end", "end")
			h.awaitText(t, bob, "end")
			h.mu.Lock()
			defer h.mu.Unlock()
			if len(h.messages) != 21 {
				t.Errorf("%d messages, want 21", len(h.messages))
			}
		})
	}
}

func TestLostDatagramsAreRepeated(t *testing.T) {
	w := labWorld(t, "udp")
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	w.lab.Faults().Set("MESSAGE", siplab.Fault{DropRequests: true, Times: 1})
	send(t, a, alice, bob, "1", "lost once")
	w.lab.Faults().Set("MESSAGE", siplab.Fault{DropResponses: true, Times: 1})
	send(t, a, alice, bob, "2", "answer lost once")
	h.awaitText(t, bob, "lost once")
	h.awaitText(t, bob, "answer lost once")
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.messages) != 2 {
		t.Errorf("%d messages, want 2", len(h.messages))
	}
}

func TestTheHouseCannotStore(t *testing.T) {
	w := labWorld(t, "tcp", func(c *siplab.Config) { c.StoreLimit = 1000 })
	h := newHouse()
	var refused atomic.Int64
	h.refuse = func(portal.Incoming) error {
		refused.Add(1)
		return portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	var statuses atomic.Int64
	cfg := w.cfg
	cfg.Metrics.Received = func(method string, status int, _ time.Duration) {
		if method == "MESSAGE" {
			statuses.Store(int64(status))
		}
	}
	a := start(t, cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	_, err := a.Send(within(t), alice, portal.Outgoing{To: bob, ID: "1", Text: "no room", At: time.Now()})
	eventually(t, "503", func() bool { return statuses.Load() == 503 })
	if refused.Load() == 0 {
		t.Errorf("the house was not asked (%v)", err)
	}
	h.mu.Lock()
	h.refuse = nil
	h.mu.Unlock()
	send(t, a, alice, bob, "1", "no room")
	h.awaitText(t, bob, "no room")
}

func TestTheLabsResourceList(t *testing.T) {
	w := labWorld(t, "tcp", func(c *siplab.Config) {
		c.Lists = map[string][]string{"alice-contacts": {string(bob), string(carol)}}
	})
	w.cfg.ResourceList = "sip:{user}-contacts@{domain}"
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	dave := portal.MustAddress("sip:dave@example.test")
	a.Watch(alice, []portal.Address{bob, carol, dave})
	a.Publish(bob, is(portal.Busy))
	h.awaitAvailability(t, alice, bob, portal.Busy)
	h.awaitAvailability(t, alice, dave, portal.Offline) // not on the list
	a.Publish(bob, is(portal.Away))
	h.awaitAvailability(t, alice, bob, portal.Away)
	for _, s := range w.lab.Subscriptions() {
		if s.Watcher == string(alice) && s.Target == string(bob) && s.Package == "presence" {
			t.Error("bob is watched twice")
		}
	}
}
