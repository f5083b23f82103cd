package sipua

// The parts that are easier to break alone: digest, contacts, clock, pacer, lanes, framing of bodies.

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"portico/app/portal"
)

func challenged(values ...string) *sip.Response {
	res := sip.NewResponse(401, "Unauthorized")
	for _, v := range values {
		res.AppendHeader(sip.NewHeader("WWW-Authenticate", v))
	}
	return res
}

func TestDigestFromPasswordAndFromHash(t *testing.T) {
	for _, c := range []struct {
		algorithm string
		hash      func() hash.Hash
		qop, sess bool
	}{
		{"", md5.New, false, false},
		{"MD5", md5.New, true, false},
		{"md5", md5.New, true, false},
		{"SHA-256", sha256.New, true, false},
		{"MD5-sess", md5.New, true, true},
		{"SHA-256-sess", sha256.New, true, true},
	} {
		t.Run(c.algorithm, func(t *testing.T) {
			value := `Digest realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
			if c.algorithm != "" {
				value += ", algorithm=" + c.algorithm
			}
			if c.qop {
				value += `, qop="auth, auth-int"`
			}
			first := &credentials{user: "Mufasa", password: "Circle of Life"}
			n, err := first.challenge(challenged(value))
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := first.seal()
			if err != nil || strings.Contains(string(sealed), "Circle") {
				t.Fatalf("sealed %s, %v", sealed, err)
			}
			later, err := unseal(sealed)
			if err != nil {
				t.Fatal(err)
			}
			for count, creds := range []*credentials{first, later, later} {
				got, err := creds.answer(n, "MESSAGE", "sip:x@example.org")
				if err != nil {
					t.Fatal(err)
				}
				p, err := digest.ParseCredentials(got)
				if err != nil {
					t.Fatal(err)
				}
				h := func(parts ...string) string { return hexHash(c.hash, parts...) }
				a1 := h("Mufasa", "http-auth@example.org", "Circle of Life")
				if c.sess {
					a1 = h(a1, p.Nonce, p.Cnonce)
				}
				want := h(a1, p.Nonce, h("MESSAGE", "sip:x@example.org"))
				if c.qop {
					want = h(a1, p.Nonce, fmt.Sprintf("%08x", count+1), p.Cnonce, "auth", h("MESSAGE", "sip:x@example.org"))
				}
				if p.Response != want || p.Opaque == "" || (c.qop && p.Nc != count+1) || p.Algorithm != c.algorithm {
					t.Errorf("answer %d: %s", count, got)
				}
			}
		})
	}
}

func TestDigestChoosesWhatItCan(t *testing.T) {
	c := &credentials{user: "a", hashes: []hashed{{Realm: "r", Algorithm: "MD5", HA1: "0"}}}
	n, err := c.challenge(challenged(`Digest realm="r", nonce="1", algorithm=SHA-256`, `Basic realm="r"`, `Digest realm="r", nonce="2", algorithm=TOKEN`, `Digest realm="r", nonce="3", qop="auth-int"`, `Digest realm="r", nonce="4"`))
	if err != nil || n.chal.Nonce != "4" {
		t.Errorf("chose %+v, %v", n, err)
	}
	if _, err := c.challenge(challenged(`Digest realm="other", nonce="1"`)); err == nil {
		t.Error("answered for a realm without a hash")
	}
	if _, err := c.challenge(challenged()); err == nil {
		t.Error("answered nothing")
	}
}

func TestContactValues(t *testing.T) {
	m := sip.NewResponse(200, "OK")
	m.AppendHeader(sip.NewHeader("Contact", `"a, \"b; <c>" <sip:x@h;p=1>;expires=5;x="1,2;3", sip:y@h;expires=7, <sip:z@h>`))
	m.AppendHeader(sip.NewHeader("m", `<sip:w@h;transport=tcp>;+SIP.instance="<urn:uuid:1>"`))
	var got []string
	for _, c := range contacts(m) {
		got = append(got, c.uri+"|"+c.param("expires")+"|"+c.param("x")+"|"+c.param("+sip.instance"))
	}
	want := []string{"sip:x@h;p=1|5|1,2;3|", "sip:y@h|7||", "sip:z@h|||", "sip:w@h;transport=tcp|||<urn:uuid:1>"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzContacts(f *testing.F) {
	f.Add(`"a, \"b" <sip:x@h>;expires=5, sip:y@h`)
	f.Add(`<sip:x`)
	f.Add(`< >00000000`)
	f.Fuzz(func(t *testing.T, v string) {
		m := sip.NewResponse(200, "OK")
		m.AppendHeader(sip.NewHeader("Contact", v))
		for _, c := range contacts(m) {
			if c.uri == "" {
				t.Errorf("empty URI from %q", v)
			}
			_ = c.param("expires")
		}
		if joined := strings.Join(splitQuoted(v, ','), ","); !strings.HasPrefix(v, joined) {
			t.Errorf("%q was cut to %q", v, joined)
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	f.Add("deflate", []byte("\x78\x9c\x03\x00"))
	f.Add("gzip", []byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, encoding string, b []byte) {
		out, err := decodeBody(encoding, b)
		if err == nil && len(out) > max(maxInflated, len(b)) {
			t.Errorf("%d bytes", len(out))
		}
	})
}

func FuzzMessageOf(f *testing.F) {
	f.Add("m1")
	f.Add("a b@c/ü")
	f.Fuzz(func(t *testing.T, id string) {
		const a, b = portal.Address("sip:a@x"), portal.Address("sip:b@x")
		callID := messageCallID(a, b, id)
		if strings.Count(callID, "@") != 1 || strings.ContainsAny(callID, " ,;\r\n\"<>") {
			t.Errorf("Call-ID %q", callID)
		}
		if id != "" && messageOf(a, b, callID) != id {
			t.Errorf("%q came back as %q", id, messageOf(a, b, callID))
		}
		if messageOf(b, a, callID) != callID {
			t.Error("taken for a message the other way")
		}
	})
}

type noted struct {
	mu  sync.Mutex
	at  []time.Time
	hit chan struct{}
}

func (n *noted) wake(now time.Time) {
	n.mu.Lock()
	n.at = append(n.at, now)
	n.mu.Unlock()
	n.hit <- struct{}{}
}

func TestClock(t *testing.T) {
	c := newClock()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.run(ctx) })
	defer wg.Wait()
	defer cancel()
	n := &noted{hit: make(chan struct{}, 100)}
	timers := make([]timer, 50)
	for i := range timers {
		c.after(&timers[i], n, time.Hour)
	}
	for i := range timers { // sooner, in another order; every other one not at all
		if i%2 == 0 {
			c.stop(&timers[i])
			c.stop(&timers[i])
			continue
		}
		c.after(&timers[i], n, time.Duration(50-i)*time.Millisecond)
	}
	for range 25 {
		<-n.hit
	}
	c.mu.Lock()
	left := len(c.heap)
	c.mu.Unlock()
	if left != 0 || len(n.hit) != 0 {
		t.Errorf("%d left, %d too many", left, len(n.hit))
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for n := range 100 {
		d := backoff(n, time.Second, time.Minute)
		if d < 500*time.Millisecond || d > time.Minute || (n > 10 && d < 30*time.Second) || (n == 0 && d > time.Second) {
			t.Errorf("try %d waits %v", n, d)
		}
	}
	for range 100 {
		if d := refreshAfter(time.Hour); d < 30*time.Minute || d > 50*time.Minute {
			t.Errorf("refreshed after %v", d)
		}
	}
}

func TestWhatIsGrantedForNextToNothingIsNotRenewedAtOnce(t *testing.T) {
	var said strings.Builder
	a := &Agent{cfg: Config{RefreshFloor: 30 * time.Second, Logger: slog.New(slog.NewTextHandler(&said, nil))}}
	for _, granted := range []time.Duration{0, time.Second, 20 * time.Second, -time.Hour} {
		if d := a.renewAfter(sip.REGISTER, time.Hour, granted); d < 30*time.Second || d > time.Minute {
			t.Errorf("an hour asked for, %v granted: renewed after %v", granted, d)
		}
	}
	if n := strings.Count(said.String(), "grants too little"); n != 1 {
		t.Errorf("said %d times: %s", n, said.String())
	}
	if d := a.renewAfter(sip.REGISTER, 10*time.Second, 10*time.Second); d < 5*time.Second || d > 8*time.Second {
		t.Errorf("10 s asked for and granted: renewed after %v", d)
	}
	if d := a.renewAfter(sip.SUBSCRIBE, time.Hour, 30*time.Minute); d < 15*time.Minute || d > 25*time.Minute {
		t.Errorf("half of what was asked for granted: renewed after %v", d)
	}
}

func TestLanesAreBounded(t *testing.T) {
	q := newLanes(slog.New(slog.DiscardHandler))
	release := make(chan struct{})
	var mu sync.Mutex
	var order []int
	for i := range maxLane + 1 { // one is being done, the rest wait
		ok := q.put("a", func() {
			<-release
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
		})
		if !ok && i < maxLane {
			t.Fatalf("no room for %d", i)
		}
	}
	for i := range maxLaneWork {
		q.put(fmt.Sprint("b", i), func() { <-release })
	}
	if q.put("c", func() {}) {
		t.Error("there is no bound over all")
	}
	close(release)
	q.close()
	q.wait()
	if q.put("d", func() {}) {
		t.Error("work was taken after the end")
	}
	if !slices.IsSorted(order) || len(order) < maxLane {
		t.Errorf("order %v", order)
	}
	if q.total != 0 || len(q.lanes) != 0 {
		t.Errorf("%d left in %d lanes", q.total, len(q.lanes))
	}
}

func TestPacerLetsTheUrgentPass(t *testing.T) {
	l := &line{}
	var mu sync.Mutex
	var order []portal.Address
	all := make(chan struct{}, 10)
	p := newPacer(slog.New(slog.DiscardHandler), 1, 20, func(_ context.Context, j job) {
		mu.Lock()
		order = append(order, j.s.of)
		mu.Unlock()
		all <- struct{}{}
	})
	for _, n := range []portal.Address{"slow1", "slow2", "slow3"} {
		p.put(job{l: l, s: &sub{of: n}}, false)
	}
	p.put(job{l: l, s: &sub{of: "urgent"}}, true)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	began := time.Now()
	wg.Go(func() { p.run(ctx) })
	for range 4 {
		<-all
	}
	cancel()
	wg.Wait()
	if order[0] != "urgent" || time.Since(began) < 90*time.Millisecond {
		t.Errorf("order %v within %v", order, time.Since(began))
	}
}

func TestADefectEndsNeitherLaneNorWorker(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	q, done := newLanes(quiet), make(chan struct{})
	q.put("a", func() { panic("in a lane") })
	q.put("a", func() { close(done) })
	<-done
	q.wait()
	if q.total != 0 || len(q.lanes) != 0 {
		t.Errorf("%d left in %d lanes", q.total, len(q.lanes))
	}

	worked := make(chan struct{})
	p := newPacer(quiet, 1, 100, func(_ context.Context, j job) {
		if j.s.of == "boom" {
			panic("in a job")
		}
		close(worked)
	})
	p.put(job{s: &sub{of: "boom"}}, true)
	p.put(job{s: &sub{of: "next"}}, true)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { p.run(ctx) })
	<-worked
	cancel()
	wg.Wait()
}

func TestADefectWhileReceivingIsSurvived(t *testing.T) {
	var said strings.Builder
	a := &Agent{cfg: Config{Logger: slog.New(slog.NewTextHandler(&said, nil))}} // without a parser
	a.receive(&flow{}, []byte("SIP/2.0 200 OK\r\n\r\n"))
	if !strings.Contains(said.String(), "receiving") || !strings.Contains(said.String(), "stack=") {
		t.Errorf("the log says %q", said.String())
	}
}

func TestProxies(t *testing.T) {
	for in, want := range map[string]string{
		"sip:127.0.0.1:5062;transport=tcp":  "TCP 127.0.0.1:5062",
		"sip:h":                             "UDP h:5060",
		"SIP:h;transport=TLS":               "TLS h:5061",
		"sips:h":                            "TLS h:5061",
		"sips:h:99;transport=tcp":           "TLS h:99",
		"sip:u@h:7;lr;transport=udp":        "UDP h:7",
		"sip:[2001:db8::1]:5;transport=tcp": "TCP [2001:db8::1]:5",
		"sip:[2001:db8::1]":                 "UDP [2001:db8::1]:5060",
		"http://h":                          "",
		"sip:;transport=tcp":                "",
		"sip:h;transport=sctp":              "",
		"sips:h;transport=udp":              "",
		"":                                  "",
	} {
		p, err := parseProxy(in)
		got := p.transport + " " + p.address()
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", in, got, err, want)
		}
	}
}
