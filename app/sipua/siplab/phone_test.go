package siplab

// A telephone for tests: raw SIP over TCP or UDP, written by hand so that it shares nothing with the server but the cutting
// of streams.

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// patience is how long something may take that is expected to come.
const patience = 60 * time.Second

// msg is a received message taken apart.
type msg struct {
	start   string
	headers []headerLine
	body    string
	status  int    // of a response
	method  string // of a request
}

func (m *msg) get(name string) string {
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			return h.value
		}
	}
	return ""
}

func (m *msg) all(name string) (out []string) {
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			out = append(out, h.value)
		}
	}
	return out
}

func (m *msg) toTag() string {
	_, tag, _ := strings.Cut(m.get("To"), ";tag=")
	return tag
}

type phone struct {
	t        testing.TB
	name     string
	server   string
	network  string
	conn     net.Conn
	mu       sync.Mutex
	waiting  map[string]chan *msg // by branch
	requests chan *msg
	answer   func(*msg) string // start line of the answer; "" for none
	extra    func(*msg) string // further header lines of the answer
	callID   string
	cseq     int
	closed   chan struct{}
	password string
}

var phoneCount atomic.Int64

func newPhone(t testing.TB, s *Server, name, network string) *phone {
	t.Helper()
	conn, err := net.Dial(network, s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, name: name, server: s.Addr(), network: network, conn: conn, waiting: map[string]chan *msg{},
		requests: make(chan *msg, 20000), closed: make(chan struct{}), password: "portico",
		callID: fmt.Sprintf("%s-%d@phone.test", name, phoneCount.Add(1)),
		answer: func(*msg) string { return "SIP/2.0 200 OK" }, extra: func(*msg) string { return "" }}
	go p.read()
	t.Cleanup(p.close)
	return p
}

func (p *phone) close() {
	p.conn.Close()
	<-p.closed
}

func (p *phone) read() {
	defer close(p.closed)
	buf := make([]byte, 65536)
	var fr framer
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		if p.network == "udp" {
			head, body := splitDatagram(buf[:n])
			p.take(head, body)
			continue
		}
		fr.write(buf[:n])
		for {
			m, err := fr.next()
			if err != nil || !m.complete && !m.ping {
				break
			}
			if m.complete {
				p.take(m.head, m.body)
				fr.done()
			}
		}
	}
}

func (p *phone) take(head, body []byte) {
	l, ok := lex(head)
	if !ok {
		return
	}
	m := &msg{start: l.start, headers: l.headers, body: string(body)}
	if rest, isResponse := strings.CutPrefix(l.start, "SIP/2.0 "); isResponse {
		m.status, _ = strconv.Atoi(rest[:3])
		_, branch, _ := strings.Cut(m.get("Via"), "branch=")
		branch, _, _ = strings.Cut(branch, ";")
		p.mu.Lock()
		ch := p.waiting[branch]
		p.mu.Unlock()
		if ch != nil {
			ch <- m
		}
		return
	}
	m.method, _, _ = strings.Cut(l.start, " ")
	p.mu.Lock()
	answer, extra := p.answer, p.extra
	p.mu.Unlock()
	if m.method != "ACK" {
		if start := answer(m); start != "" {
			p.respond(m, start, extra(m))
		}
	}
	p.requests <- m
}

func (p *phone) setAnswer(f func(*msg) string) {
	p.mu.Lock()
	p.answer = f
	p.mu.Unlock()
}

func (p *phone) respond(m *msg, start, extra string) {
	var b strings.Builder
	b.WriteString(start + "\r\n")
	for _, h := range m.headers {
		switch h.name {
		case "Via", "From", "Call-ID", "CSeq", "Record-Route":
			b.WriteString(h.name + ": " + h.value + "\r\n")
		case "To":
			v := h.value
			if !strings.Contains(v, ";tag=") {
				v += ";tag=dev" + p.name
			}
			b.WriteString("To: " + v + "\r\n")
		}
	}
	b.WriteString(extra + "Content-Length: 0\r\n\r\n")
	p.write(b.String())
}

func (p *phone) write(s string) {
	p.conn.Write([]byte(s)) // a closed connection shows at the next expectation
}

func (p *phone) contact() string {
	return fmt.Sprintf("<sip:%s@%s;transport=%s>", p.name, p.conn.LocalAddr(), p.network)
}

func (p *phone) aor() string { return "sip:" + p.name + "@example.test" }

// build makes a request; headers are full lines without their ends.
func (p *phone) build(method, target, callID string, cseq int, from, to, body string, headers ...string) (text, branch string) {
	branch = "z9hG4bKph" + strconv.FormatInt(phoneCount.Add(1), 36)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\nMax-Forwards: 70\r\n", method, target,
		strings.ToUpper(p.network), p.conn.LocalAddr(), branch)
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", from, to, callID, cseq, method)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String(), branch
}

// roundTrip sends text and returns the final answer; provisional ones are passed over.
func (p *phone) roundTrip(text, branch string) *msg {
	p.t.Helper()
	ch := p.expect(branch)
	p.write(text)
	return p.final(ch)
}

func (p *phone) expect(branch string) chan *msg {
	ch := make(chan *msg, 100)
	p.mu.Lock()
	p.waiting[branch] = ch
	p.mu.Unlock()
	return ch
}

func (p *phone) final(ch chan *msg) *msg {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-ch:
			if m.status >= 200 {
				return m
			}
		case <-deadline:
			p.t.Fatalf("%s: no answer", p.name)
		}
	}
}

type ask struct {
	method, target string
	from, to       string // default: own address
	callID         string
	body           string
	headers        []string
	noAuth         bool
	algorithm      string
}

// do sends a request and answers one challenge.
func (p *phone) do(a ask) *msg {
	p.t.Helper()
	p.mu.Lock()
	p.cseq++
	n := p.cseq
	p.mu.Unlock()
	if a.from == "" {
		a.from = fmt.Sprintf("<%s>;tag=t%s", p.aor(), p.name)
	}
	if a.to == "" {
		a.to = "<" + a.target + ">"
	}
	if a.callID == "" {
		a.callID = p.callID
	}
	text, branch := p.build(a.method, a.target, a.callID, n, a.from, a.to, a.body, a.headers...)
	m := p.roundTrip(text, branch)
	if a.noAuth || m.status != 401 && m.status != 407 {
		return m
	}
	line := p.credentials(m, a.method, a.target, a.algorithm)
	p.mu.Lock()
	p.cseq++
	n = p.cseq
	p.mu.Unlock()
	text, branch = p.build(a.method, a.target, a.callID, n, a.from, a.to, a.body, append([]string{line}, a.headers...)...)
	return p.roundTrip(text, branch)
}

// credentials answers a challenge of the wanted algorithm, or the first.
func (p *phone) credentials(m *msg, method, target, algorithm string) string {
	p.t.Helper()
	name, own := "WWW-Authenticate", "Authorization"
	if m.status == 407 {
		name, own = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, v := range m.all(name) {
		c := challengeParams(v)
		if algorithm != "" && c["algorithm"] != algorithm {
			continue
		}
		ha1 := hashHex(c["algorithm"], p.name+":"+c["realm"]+":"+p.password)
		ha2 := hashHex(c["algorithm"], method+":"+target)
		r := hashHex(c["algorithm"], ha1+":"+c["nonce"]+":00000001:c0ffee:auth:"+ha2)
		return fmt.Sprintf(`%s: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=%s, qop=auth, nc=00000001, cnonce="c0ffee"`,
			own, p.name, c["realm"], c["nonce"], target, r, c["algorithm"])
	}
	p.t.Fatalf("no challenge of %q in %v", algorithm, m.all(name))
	return ""
}

func challengeParams(v string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(v, "Digest "), ",") {
		k, val, _ := strings.Cut(strings.TrimSpace(part), "=")
		out[k] = strings.Trim(val, `"`)
	}
	return out
}

func (p *phone) register(headers ...string) *msg {
	p.t.Helper()
	if len(headers) == 0 {
		headers = []string{"Contact: " + p.contact(), "Expires: 600"}
	}
	return p.do(ask{method: "REGISTER", target: "sip:example.test", to: "<" + p.aor() + ">", headers: headers, callID: p.callID + "-reg"})
}

// online registers and fails the test when that does not work.
func (p *phone) online() *phone {
	p.t.Helper()
	if m := p.register(); m.status != 200 {
		p.t.Fatalf("REGISTER %s: %s", p.name, m.start)
	}
	return p
}

func (p *phone) say(to, text string, headers ...string) *msg {
	p.t.Helper()
	return p.do(ask{method: "MESSAGE", target: "sip:" + to + "@example.test", body: text,
		headers: append([]string{"Content-Type: text/plain;charset=UTF-8"}, headers...)})
}

// hear waits for the next request of a method.
func (p *phone) hear(method string) *msg {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-p.requests:
			if m.method == method {
				return m
			}
		case <-deadline:
			p.t.Fatalf("%s: no %s came", p.name, method)
		}
	}
}

// quiet fails when a request of that method comes within d.
func (p *phone) quiet(method string, d time.Duration) {
	p.t.Helper()
	deadline := time.After(d)
	for {
		select {
		case m := <-p.requests:
			if m.method == method {
				p.t.Fatalf("%s: unexpected %s: %s", p.name, method, m.body)
			}
		case <-deadline:
			return
		}
	}
}

var labUsers = []User{{Name: "alice", DisplayName: "Alice", Password: "portico"}, {Name: "bob", DisplayName: "Bob", Password: "portico"},
	{Name: "carol", Password: "portico"}, {Name: "dave", Password: "portico"}}

// onItsOwnPort is for labs that are stopped and started: nobody else takes their port meanwhile.
func onItsOwnPort(t testing.TB) func(*Config) {
	t.Helper()
	addr := siptest.FreeAddr(t)
	return func(c *Config) { c.Listen = addr }
}

// newLab runs a server for the length of a test.
func newLab(t testing.TB, change ...func(*Config)) *Server {
	t.Helper()
	cfg := Config{Domain: "example.test", Users: labUsers, NotifyInterval: -1, MinExpires: time.Second}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
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

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}
