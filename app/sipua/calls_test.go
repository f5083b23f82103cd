package sipua_test

// Calls for people who are signed in here, as a server forks them.

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

// otherDevice has a server list one more device of the person.
func otherDevice(c *fakeConn, p packet) bool {
	if p.method() != "REGISTER" {
		return false
	}
	c.answer(p, 200, "Contact: "+p.get("Contact"), "Contact: <sip:alice@192.0.2.7:5060>;expires=600")
	return true
}

// called is a house of alice's, who has another device (or not), at a fake.
func called(t *testing.T, device bool, change ...func(*sipua.Config)) (*fake, *house, *sipua.Agent) {
	t.Helper()
	f, h := newFake(t, nil), newHouse()
	if device {
		f.setHandle(otherDevice)
	}
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	a := start(t, cfg, h)
	signIn(t, a, alice)
	return f, h, a
}

// ring sends an INVITE for alice and gives its branch.
func (c *fakeConn) ring(callID string, headers ...string) string {
	return c.request("INVITE", "sip:alice@x", `"Bob" <sip:bob@example.test>;tag=b`, "<sip:alice@example.test>", callID, 1, "", append([]string{"Contact: <sip:bob@192.0.2.9>"}, headers...)...)
}

// hangUp cancels an INVITE.
func (c *fakeConn) hangUp(branch, callID string, headers ...string) {
	c.send("CANCEL sip:alice@x SIP/2.0\r\nVia: SIP/2.0/TCP " + c.c.LocalAddr().String() + ";branch=" + branch + "\r\nMax-Forwards: 70\r\nFrom: \"Bob\" <sip:bob@example.test>;tag=b\r\n" +
		"To: <sip:alice@example.test>\r\nCall-ID: " + callID + "\r\nCSeq: 1 CANCEL\r\n" + strings.Join(append(headers, ""), "\r\n") + "Content-Length: 0\r\n\r\n")
}

const elsewhere = `Reason: SIP;cause=200;text="Call completed elsewhere"`

// final waits for the final answer to a request and fails when anything rang before it.
func (f *fake) final(branch, method string) packet {
	f.t.Helper()
	got := f.wait("the final answer to "+method, &f.answers, func(p packet) bool {
		return strings.Contains(p.get("Via"), branch) && strings.HasSuffix(p.get("Cseq"), method) && p.status() >= 200
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.answers {
		if strings.Contains(p.get("Via"), branch) && p.status() > 100 && p.status() < 200 {
			f.t.Errorf("it rang: %s", p.start)
		}
	}
	return got
}

// trying waits until an INVITE is held.
func (f *fake) trying(branch string) {
	f.t.Helper()
	if p := f.await(branch); p.status() != 100 {
		f.t.Fatalf("answered %s, want it held", p.start)
	}
}

func (h *house) awaitRings(t testing.TB, n int) []portal.Ring {
	t.Helper()
	h.await(t, fmt.Sprint(n, " calls"), func() bool { return len(h.rings) >= n })
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rings) != n {
		t.Errorf("%d calls told, want %d: %+v", len(h.rings), n, h.rings)
	}
	return slices.Clone(h.rings)
}

// settled makes sure that everything sent so far was dealt with: what is sent later comes later.
func (f *fake) settled(t *testing.T, h *house) {
	t.Helper()
	c, text := f.on(), fmt.Sprint("mark", time.Now().UnixNano())
	f.await(c.request("MESSAGE", "sip:alice@x", "<sip:carol@example.test>;tag=c", "<sip:alice@example.test>", text, 1, text, "Content-Type: text/plain"))
	h.awaitText(t, alice, text)
}

func TestACallIsDeclinedAtOnceWhereNobodyElseCanTakeIt(t *testing.T) {
	f, h, _ := called(t, false)
	c := f.on()
	for range 2 { // forks, and a caller who tries again within the call
		p := f.final(c.ring("call1"), "INVITE")
		if p.status() != 488 || !strings.Contains(p.get("Warning"), "399") {
			t.Errorf("answered %s, %q", p.start, p.get("Warning"))
		}
	}
	f.final(c.ring("call2"), "INVITE")
	rings := h.awaitRings(t, 2)
	want := portal.Ring{To: alice, From: bob, Name: "Bob", CallID: "call1", At: rings[0].At}
	if rings[0] != want || time.Since(rings[0].At) > patience || rings[1].CallID != "call2" {
		t.Errorf("%+v", rings)
	}
}

func TestACallIsHeldWhileOtherDevicesRing(t *testing.T) {
	f, h, _ := called(t, true)
	c := f.on()
	for i, tc := range []struct {
		reason string
		taken  bool
	}{{elsewhere, true}, {"", false}, {`Reason: SIP;cause=487`, false}, {`Reason: Q.850;cause=26, SIP;cause=200`, true}} {
		id := fmt.Sprint("held", i)
		branch := c.ring(id)
		f.trying(branch)
		f.settled(t, h)
		if n := len(h.awaitRings(t, i)); n != i {
			t.Fatalf("told before its end: %d", n)
		}
		var reason []string
		if tc.reason != "" {
			reason = []string{tc.reason}
		}
		c.hangUp(branch, id, reason...)
		if p := f.final(branch, "CANCEL"); p.status() != 200 {
			t.Errorf("CANCEL answered %s", p.start)
		}
		if p := f.final(branch, "INVITE"); p.status() != 487 {
			t.Errorf("INVITE answered %s", p.start)
		}
		c.hangUp(branch, id, elsewhere) // repeated, and too late to say something else
		if r := h.awaitRings(t, i+1)[i]; r.CallID != id || r.Taken != tc.taken {
			t.Errorf("%q: %+v", tc.reason, r)
		}
	}
	f.settled(t, h)
	h.awaitRings(t, 4)
}

func TestACallIsHeldOnlyForSoLong(t *testing.T) {
	f, h, _ := called(t, true, func(c *sipua.Config) { c.HoldCalls = 50 * time.Millisecond })
	branch := f.on().ring("long")
	f.trying(branch)
	if p := f.final(branch, "INVITE"); p.status() != 480 {
		t.Errorf("answered %s", p.start)
	}
	if r := h.awaitRings(t, 1)[0]; r.Taken {
		t.Errorf("%+v", r)
	}
}

func TestForksOfACallAreOneCall(t *testing.T) {
	f, h, _ := called(t, true)
	c := f.on()
	first, second := c.ring("forked"), c.ring("forked")
	f.trying(first)
	f.trying(second)
	c.hangUp(first, "forked")
	f.final(first, "INVITE")
	f.settled(t, h)
	h.awaitRings(t, 0)
	c.hangUp(second, "forked", elsewhere)
	f.final(second, "INVITE")
	if r := h.awaitRings(t, 1)[0]; !r.Taken {
		t.Errorf("%+v", r)
	}
	third := c.ring("forked") // late
	if p := f.final(third, "INVITE"); p.status() != 488 {
		t.Errorf("a late fork is answered %s", p.start)
	}
	branches := make([]string, 9)
	for i := range branches {
		branches[i] = c.ring("many")
	}
	if p := f.final(branches[8], "INVITE"); p.status() != 488 {
		t.Errorf("one fork too many is answered %s", p.start)
	}
	f.settled(t, h)
	h.awaitRings(t, 1)
}

// gated is a house that hears of calls only when it is let.
type gated struct {
	*house
	gate chan struct{}
	once sync.Once
}

func (g *gated) Rang(r portal.Ring) {
	<-g.gate
	g.house.Rang(r)
}

func (g *gated) open() { g.once.Do(func() { close(g.gate) }) }

// Whoever floods a person with calls takes neither memory nor the other devices' calls away: beyond a measure
// each is busy, here alone.
func TestAFloodOfCalls(t *testing.T) {
	const most = 32
	f := newFake(t, nil)
	h := &gated{house: newHouse(), gate: make(chan struct{})}
	a := start(t, f.config(), h)
	t.Cleanup(h.open)
	signIn(t, a, alice)
	c := f.on()
	branches := make([]string, 3*most)
	for i := range branches {
		branches[i] = c.ring(fmt.Sprint("flood", i))
	}
	for i, b := range branches {
		want := 488
		if i >= most {
			want = 486
		}
		if p := f.final(b, "INVITE"); p.status() != want {
			t.Fatalf("call %d: %s, want %d", i, p.start, want)
		}
	}
	h.open()
	h.awaitRings(t, most)
	if p := f.final(c.ring("after"), "INVITE"); p.status() != 488 {
		t.Errorf("after the flood: %s", p.start)
	}
	h.awaitRings(t, most+1)
}

func TestHeldCallsEndWithTheAgent(t *testing.T) {
	f, h := newFake(t, otherDevice), newHouse()
	a, stop := startStoppable(t, f.config(), h)
	stop = sync.OnceFunc(stop)
	defer stop()
	signIn(t, a, alice)
	branch := f.on().ring("cut")
	f.trying(branch)
	stop()
	if p := f.final(branch, "INVITE"); p.status() != 480 {
		t.Errorf("answered %s", p.start)
	}
	h.awaitRings(t, 1)
}
