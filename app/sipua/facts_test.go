package sipua_test

// What is known of a line, what it says and hears, and what people who are blocked hear.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua/siptest"
	"portico/app/sipua/xcap"
)

// A person's other devices are known, and can be signed out.
func TestDevices(t *testing.T) {
	w := kamailioWorld(t, "tcp")
	a := start(t, quick(w.cfg), newHouse())
	signIn(t, a, bob)
	if ds := a.Devices(bob); len(ds) != 0 {
		t.Errorf("the portal's own registration is among the devices: %+v", ds)
	}
	siptest.Linphone(t, siptest.ClientOptions{Proxy: w.kam.Addr(), User: "bob"})
	signIn(t, a, bob) // a second session registers again, and sees
	ds := a.Devices(bob)
	if len(ds) != 1 || !strings.HasPrefix(ds[0].Contact, "sip:bob@") || ds[0].Instance == "" || time.Until(ds[0].Until) < time.Minute {
		t.Fatalf("devices %+v", ds)
	}
	if err := a.RemoveDevice(within(t), bob, "sip:bob@192.0.2.1"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a device that is not bob's: %v", err)
	}
	if err := a.RemoveDevice(within(t), alice, ds[0].Contact); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("somebody who is not signed in: %v", err)
	}
	if err := a.RemoveDevice(within(t), bob, ds[0].Contact); err != nil {
		t.Fatal(err)
	}
	w.kam.WaitBindings("bob", 1, patience)
	if ds := a.Devices(bob); len(ds) != 0 {
		t.Errorf("devices left: %+v", ds)
	}
	if !a.Status(bob).Registered {
		t.Error("the portal's own registration went too")
	}
}

func TestFacts(t *testing.T) {
	w := kamailioWorld(t, "tcp")
	h := newHouse()
	a := start(t, quick(w.cfg), h)
	if _, ok := a.Facts(alice); ok {
		t.Error("facts of somebody who is not signed in")
	}
	signIn(t, a, alice)
	a.Publish(alice, is(portal.Busy))
	a.Watch(alice, []portal.Address{alice})
	h.awaitAvailability(t, alice, alice, portal.Busy)
	eventually(t, "all is told", func() bool {
		f, ok := a.Facts(alice)
		return ok && !f.Published.IsZero() && len(f.Subscriptions) == 2 && f.Subscriptions[0].State == "active" && f.Subscriptions[1].State == "active"
	})
	f, _ := a.Facts(alice)
	if f.Proxy != w.cfg.Proxy || f.Transport != "tcp" || f.Auth != "digest" || !strings.HasPrefix(f.Server, "kamailio") || !strings.HasPrefix(f.Contact, "sip:alice@127.0.0.1:") ||
		time.Until(f.Until) < time.Minute || time.Since(f.RegisteredAt) > patience || f.LastError != "" || f.XCAP != nil {
		t.Errorf("%+v", f)
	}
	if s := f.Subscriptions; s[0].Event != "presence" || s[1].Event != "presence.winfo" || s[0].Of != alice || time.Until(s[0].Until) < time.Minute {
		t.Errorf("%+v", s)
	}
}

// recording keeps a trace.
type recording struct {
	mu   sync.Mutex
	seen []portal.Traffic
}

func (r *recording) take(tr portal.Traffic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, tr)
}

func (r *recording) has(sent bool, protocol string, marks ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.seen, func(tr portal.Traffic) bool {
		return tr.Sent == sent && tr.Protocol == protocol && !slices.ContainsFunc(marks, func(m string) bool { return !strings.Contains(tr.Text, m) })
	})
}

func (r *recording) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, tr := range r.seen {
		fmt.Fprintf(&b, "%v %s %v %s\n%s\n", tr.At, tr.Protocol, tr.Sent, tr.Peer, tr.Text)
	}
	return b.String()
}

// A trace shows a person's own half of the traffic, both ways, and neither secrets nor what people say; when it is
// stopped it shows nothing more.
func TestTrace(t *testing.T) {
	w := documentWorld(t)
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, bob)
	var r, other recording
	stop := a.Trace(alice, r.take)
	defer stop()
	defer a.Trace(alice, other.take)()
	signIn(t, a, alice)
	rules := xcap.RuleSet{Colleagues: portal.Team, Own: "example.test", Sights: map[portal.Relationship]portal.Sight{portal.Team: portal.FullSight()}}
	if err := a.PutRules(within(t), alice, rules); err != nil {
		t.Fatal(err)
	}
	claim := is(portal.Busy)
	claim.Note = "my own note"
	a.Publish(alice, claim)
	a.Watch(alice, []portal.Address{alice})
	h.awaitAvailability(t, alice, alice, portal.Busy)
	send(t, a, alice, bob, "m1", "from alice, in confidence")
	send(t, a, bob, alice, "m2", "from bob, in confidence")
	h.awaitText(t, alice, "from bob, in confidence")
	for _, x := range []struct {
		sent     bool
		protocol string
		marks    []string
	}{
		{true, "sip", []string{"REGISTER sip:example.test", "Authorization: Digest (left out)"}},
		{false, "sip", []string{"SIP/2.0 401", "WWW-Authenticate: Digest (left out)"}},
		{true, "sip", []string{"PUBLISH sip:alice@", "my own note"}},
		{false, "sip", []string{"NOTIFY ", "my own note"}},
		{true, "sip", []string{"MESSAGE sip:bob@", "bytes left out)"}},
		{false, "sip", []string{"MESSAGE sip:alice@", "bytes left out)"}},
		{true, "xcap", []string{"PUT /xcap-root/pres-rules/", "<ruleset", "Authorization: Digest (left out)"}},
		{false, "xcap", []string{"HTTP/1.1 200"}},
	} {
		eventually(t, fmt.Sprintf("%+v in the trace", x), func() bool { return r.has(x.sent, x.protocol, x.marks...) })
	}
	for _, secret := range []string{"nonce=", "response=", "in confidence", "SIP/2.0 407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm", "From: <sip:bob@example.test>;tag=x"} {
		if strings.Contains(r.text(), secret) {
			t.Errorf("%q is in the trace:\n%s", secret, r.text())
		}
	}
	if r.has(true, "sip", "MESSAGE sip:alice@") || r.has(true, "sip", "REGISTER", "sip:bob@") {
		t.Errorf("bob's half is in alice's trace:\n%s", r.text())
	}
	stop()
	stop()
	before := r.text()
	send(t, a, alice, bob, "m3", "unseen")
	eventually(t, "the other trace goes on", func() bool { return strings.Count(other.text(), "MESSAGE sip:bob@") >= 2 })
	if r.text() != before {
		t.Errorf("a stopped trace goes on:\n%s", strings.TrimPrefix(r.text(), before))
	}
}

// Who is blocked hears what is said of people who are away; what the server kept of them is taken once and dropped.
func TestBlockedHearNothingOfIt(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		w := labWorld(t, "tcp")
		h := newHouse()
		h.refuse = func(portal.Incoming) error { return portal.Fail(portal.ErrForbidden, "message.unreachable") }
		here, there := start(t, w.cfg, h), start(t, w.cfg, newHouse())
		signIn(t, here, alice)
		signIn(t, there, bob)
		out, err := there.Send(within(t), bob, portal.Outgoing{To: alice, ID: "1", Text: "hello?", At: time.Now()})
		if err == nil && out.State != portal.Stored || err != nil && portal.Reason(err) != "send.unavailable" {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("kamailio", func(t *testing.T) {
		w := kamailioWorld(t, "tcp")
		h := newHouse()
		h.refuse = func(in portal.Incoming) error {
			if in.From == bob {
				return portal.Fail(portal.ErrNotFound, "message.unreachable")
			}
			return nil
		}
		var mu sync.Mutex
		answered := map[string]int{}
		cfg := quick(w.cfg)
		cfg.Metrics.Received = func(method string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			answered[fmt.Sprint(method, " ", status)]++
		}
		await := func(answer string, times int) {
			t.Helper()
			eventually(t, fmt.Sprintf("%s, %d times", answer, times), func() bool {
				mu.Lock()
				defer mu.Unlock()
				return answered[answer] == times
			})
		}
		here, there := start(t, cfg, h), start(t, quick(w.cfg), newHouse())
		signIn(t, there, bob)
		if st := send(t, there, bob, alice, "1", "while away"); st != portal.Stored {
			t.Fatalf("state %s", st)
		}
		signIn(t, here, alice)
		await("MESSAGE 200", 1)
		// now that alice is there the same is heard
		if st := send(t, there, bob, alice, "2", "while there"); st != portal.Stored {
			t.Errorf("state %s", st)
		}
		await("MESSAGE 480", 1)
		signIn(t, here, alice)
		await("MESSAGE 200", 2)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.messages) != 0 {
			t.Errorf("alice has %v", h.messages)
		}
	})
}
