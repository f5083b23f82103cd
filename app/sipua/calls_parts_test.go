package sipua

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

// rung is a handler that counts calls.
type rung struct {
	nobody
	rings []portal.Ring
}

func (r *rung) Rang(ring portal.Ring) { r.rings = append(r.rings, ring) }

// A table that is called at for ever stays small, and what it forgets first is what has long been told.
func TestCallsAreForgotten(t *testing.T) {
	told := &rung{}
	a := &Agent{cfg: Config{Domain: "example.test", HoldCalls: time.Hour, Logger: slog.New(slog.DiscardHandler)}, h: told, clock: newClock(), calls: newCalls()}
	const n = maxCalls + 100
	for i := range n {
		l := &line{a: a, who: portal.Address(fmt.Sprintf("sip:p%d@example.test", i%500))}
		id := fmt.Sprint("call", i)
		c, kept, ans := a.calls.arrived(a, l, &held{key: id, req: invite(t, id, "From: <sip:bob@example.test>;tag=1")}, false)
		if kept || ans.status != 488 || c == nil {
			t.Fatalf("call %d: kept %v, answered %d", i, kept, ans.status)
		}
		c.do()
	}
	if len(told.rings) != n {
		t.Errorf("%d of %d told", len(told.rings), n)
	}
	if got := len(a.calls.m); got != maxCalls || len(a.calls.over) != maxCalls || a.calls.total != 0 || len(a.calls.ringing) != 0 || len(a.calls.held) != 0 {
		t.Errorf("%d calls, %d over, %d ringing of %d people, %d held", got, len(a.calls.over), a.calls.total, len(a.calls.ringing), len(a.calls.held))
	}
	if a.calls.m[callKey{"sip:p0@example.test", "call0"}] != nil {
		t.Error("the first call is still known")
	}
	a.calls.mu.Lock()
	a.calls.forget(time.Now().Add(callMemory + time.Second))
	left := len(a.calls.m)
	a.calls.mu.Unlock()
	if left != 0 {
		t.Errorf("%d calls are remembered for ever", left)
	}
}

func TestTakenElsewhereIsWhatTheReasonSays(t *testing.T) {
	for reason, want := range map[string]bool{
		"": false, `SIP;cause=200;text="Call completed elsewhere"`: true, `SIP ;cause=200`: true, `sip;text="a, b; cause=200"`: false,
		`Q.850;cause=200`: false, `Q.850;cause=16, SIP;cause=200`: true, `SIP;cause=487`: false, `SIP;cause=2000`: false, `;;,;`: false, `,,SIP;cause=200`: true,
	} {
		req := sip.NewRequest(sip.CANCEL, sip.Uri{Scheme: "sip", Host: "h"})
		if reason != "" {
			req.AppendHeader(sip.NewHeader("Reason", reason))
		}
		if got := takenElsewhere(req); got != want {
			t.Errorf("%q: %v", reason, got)
		}
	}
}

// Which of the bindings a REGISTER brings back are other devices.
func TestOtherDevices(t *testing.T) {
	l := &line{who: "sip:alice@example.test"}
	f := &flow{host: "192.0.2.1", port: 4000, gen: 3}
	const urn = "urn:uuid:1"
	for name, c := range map[string]struct {
		contacts      []string
		expires, rest time.Duration
		stale         int
	}{
		"ours alone":         {[]string{`<sip:alice@192.0.2.1:4000;transport=tcp>;expires=300`}, 300 * time.Second, 0, 0},
		"two more":           {[]string{`<sip:alice@192.0.2.1:4000>;expires=300, <sip:alice@192.0.2.7>;expires=100`, `<sip:alice@192.0.2.8>;expires=200`}, 300 * time.Second, 200 * time.Second, 0},
		"no expiry":          {[]string{`<sip:alice@192.0.2.1:4000>`, `<sip:alice@192.0.2.7>`}, 600 * time.Second, 600 * time.Second, 0},
		"ours from earlier":  {[]string{`<sip:alice@192.0.2.1:4000>;expires=300`, `<sip:alice@192.0.2.1:3999>;+sip.instance="<urn:uuid:1>";expires=9`}, 300 * time.Second, 0, 1},
		"going":              {[]string{`<sip:alice@192.0.2.1:4000>;expires=300`, `<sip:alice@192.0.2.7>;expires=0`}, 300 * time.Second, 0, 0},
		"rewritten":          {[]string{`<sip:alice@198.51.100.1:9>;expires=300`}, 600 * time.Second, 0, 0},
		"rewritten, named":   {[]string{`<sip:alice@198.51.100.1:9>;+sip.instance="<urn:uuid:1>";expires=300`, `<sip:alice@192.0.2.7>;expires=100`}, 600 * time.Second, 100 * time.Second, 0},
		"rewritten, and one": {[]string{`<sip:alice@198.51.100.1:9>;expires=300`, `<sip:alice@192.0.2.7>;expires=100`}, 600 * time.Second, 100 * time.Second, 0},
		"nothing listed":     {nil, 600 * time.Second, 0, 0},
		"not SIP":            {[]string{`<sip:alice@192.0.2.1:4000>;expires=300`, `<tel:+4930>;expires=50`}, 300 * time.Second, 50 * time.Second, 0},
	} {
		res := sip.NewResponse(200, "OK")
		for _, v := range c.contacts {
			res.AppendHeader(sip.NewHeader("Contact", v))
		}
		g := l.granted(res, f, urn, 600*time.Second)
		if g.expires != c.expires || g.others != c.rest || len(g.stale) != c.stale {
			t.Errorf("%s: ours %v, others %v, stale %v", name, g.expires, g.others, g.stale)
		}
	}
}
