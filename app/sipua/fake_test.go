package sipua_test

// A server that says what a test tells it to. It keeps nothing, so that memory can be measured beside it.

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/sipua"
)

// packet is a message as the fake sees it: start line, headers in lower case, body.
type packet struct {
	start  string
	header textproto.MIMEHeader
	body   string
}

func (p packet) get(name string) string { return p.header.Get(name) }

func (p packet) method() string {
	m, _, _ := strings.Cut(p.start, " ")
	return m
}

func (p packet) uri() string {
	f := strings.Fields(p.start)
	if len(f) < 2 {
		return ""
	}
	return f[1]
}

func (p packet) status() int {
	f := strings.Fields(p.start)
	if len(f) < 2 {
		return 0
	}
	n, err := strconv.Atoi(f[1])
	if err != nil {
		return 0
	}
	return n
}

func tagOf(header string) string {
	_, rest, _ := strings.Cut(header, ";tag=")
	tag, _, _ := strings.Cut(rest, ";")
	return tag
}

// fake listens on TCP.
type fake struct {
	t  testing.TB
	l  net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex
	handle  func(c *fakeConn, p packet) bool // false: the default answer
	conns   []*fakeConn
	seen    []packet
	answers []packet
	changed chan struct{}
	lean    bool // keep no record
	sent    atomic.Int64
}

type fakeConn struct {
	f  *fake
	c  net.Conn
	mu sync.Mutex
}

func newFake(t testing.TB, handle func(c *fakeConn, p packet) bool) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, l: l, handle: handle, changed: make(chan struct{})}
	f.wg.Go(f.accept)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		f.cut()
		f.wg.Wait()
	})
	return f
}

func (f *fake) config() sipua.Config {
	return quick(sipua.Config{Domain: "example.test", Proxy: "sip:" + f.l.Addr().String() + ";transport=tcp", Connections: 1, NoWatcherInfo: true})
}

func (f *fake) accept() {
	for {
		c, err := f.l.Accept()
		if err != nil {
			return
		}
		fc := &fakeConn{f: f, c: c}
		f.mu.Lock()
		f.conns = append(f.conns, fc)
		f.mu.Unlock()
		f.wg.Go(fc.read)
	}
}

// cut closes every connection.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.c.Close()
	}
	f.conns = nil
}

// on is the newest connection.
func (f *fake) on() *fakeConn {
	f.t.Helper()
	eventually(f.t, "a connection", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.conns) > 0
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns[len(f.conns)-1]
}

func (c *fakeConn) read() {
	r := textproto.NewReader(bufio.NewReaderSize(c.c, 64<<10))
	for {
		start, err := r.ReadLine()
		if err != nil {
			return
		}
		if start == "" { // two are a ping, one is the answer to ours
			if next, err := r.R.Peek(min(2, r.R.Buffered())); err == nil && string(next) == "\r\n" {
				if _, err := r.ReadLine(); err != nil || c.write("\r\n") != nil {
					return
				}
			}
			continue
		}
		h, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		n, err := strconv.Atoi(h.Get("Content-Length"))
		if err != nil {
			c.f.t.Errorf("no Content-Length in %s", start)
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r.R, body); err != nil {
			return
		}
		c.take(packet{start, h, string(body)})
	}
}

func (c *fakeConn) take(p packet) {
	f := c.f
	f.mu.Lock()
	if strings.HasPrefix(p.start, "SIP/2.0") {
		if !f.lean {
			f.answers = append(f.answers, p)
		}
		f.nudge()
		f.mu.Unlock()
		return
	}
	if !f.lean {
		f.seen = append(f.seen, p)
	}
	handle := f.handle
	f.nudge()
	f.mu.Unlock()
	if handle == nil || !handle(c, p) {
		c.usual(p)
	}
}

func (f *fake) nudge() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) setHandle(handle func(c *fakeConn, p packet) bool) {
	f.mu.Lock()
	f.handle = handle
	f.mu.Unlock()
}

// usual answers as a server does where all is well.
func (c *fakeConn) usual(p packet) {
	switch p.method() {
	case "REGISTER":
		contact := p.get("Contact")
		c.answer(p, 200, "Contact: "+contact)
	case "SUBSCRIBE":
		c.answer(p, 200, "Expires: "+p.get("Expires"), "Contact: <sip:pa@example.test;transport=tcp>")
		if p.get("Expires") == "0" {
			c.notify(p, 3, "terminated;reason=timeout", "")
		} else {
			c.notify(p, 2, "active;expires="+p.get("Expires"), busyDocument)
		}
	case "PUBLISH":
		c.answer(p, 200, "SIP-ETag: "+fmt.Sprint(time.Now().UnixNano()), "Expires: "+p.get("Expires"))
	default:
		c.answer(p, 200)
	}
}

const busyDocument = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.test"><tuple id="t1"><status><basic>open</basic></status><note>hello</note></tuple></presence>`

// answer responds; the To tag is made of the Call-ID, so it is the same each time.
func (c *fakeConn) answer(p packet, status int, headers ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Whatever\r\n", status)
	for _, v := range p.header["Via"] {
		fmt.Fprintf(&b, "Via: %s\r\n", v)
	}
	to := p.get("To")
	if !strings.Contains(to, ";tag=") {
		to += ";tag=" + remoteTag(p)
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-Id: %s\r\nCSeq: %s\r\n", p.get("From"), to, p.get("Call-Id"), p.get("Cseq"))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	c.send(b.String())
}

func remoteTag(p packet) string { return "r" + p.get("Call-Id")[:8] }

// notify sends a NOTIFY in the dialog that a SUBSCRIBE has made.
func (c *fakeConn) notify(sub packet, cseq int, state, body string, headers ...string) {
	c.notifyAs(sub, remoteTag(sub), cseq, state, body, headers...)
}

func (c *fakeConn) notifyAs(sub packet, tag string, cseq int, state, body string, headers ...string) {
	contact := strings.Trim(strings.Split(sub.get("Contact"), ">")[0], "<")
	h := append([]string{"Event: " + sub.get("Event"), "Subscription-State: " + state, "Contact: <sip:pa@example.test;transport=tcp>"}, headers...)
	if body != "" && len(headers) == 0 {
		h = append(h, "Content-Type: application/pidf+xml")
	}
	to := sub.get("To")
	to, _, _ = strings.Cut(to, ";tag=")
	c.request("NOTIFY", contact, to+";tag="+tag, sub.get("From"), sub.get("Call-Id"), cseq, body, h...)
}

// request sends a request; it returns its branch, by which await finds the answer.
func (c *fakeConn) request(method, uri, from, to, callID string, cseq int, body string, headers ...string) string {
	branch := fmt.Sprintf("z9hG4bK%dn%dx", time.Now().UnixNano(), c.f.sent.Add(1)) // no branch is in another
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, uri, c.c.LocalAddr(), branch, from, to, callID, cseq, method)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	c.send(b.String())
	return branch
}

func (c *fakeConn) send(s string) {
	if err := c.write(s); err != nil && !c.f.lean {
		c.f.t.Logf("fake: %v", err)
	}
}

func (c *fakeConn) write(s string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.WriteString(c.c, s)
	return err
}

// await waits for the answer to a request of the fake.
func (f *fake) await(branch string) packet {
	f.t.Helper()
	return f.wait("the answer", &f.answers, func(p packet) bool { return strings.Contains(p.get("Via"), branch) })
}

// awaitSeen waits for a request of the agent.
func (f *fake) awaitSeen(what string, match func(p packet) bool) packet {
	f.t.Helper()
	return f.wait(what, &f.seen, match)
}

func (f *fake) wait(what string, in *[]packet, match func(p packet) bool) packet {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		f.mu.Lock()
		for _, p := range *in {
			if match(p) {
				f.mu.Unlock()
				return p
			}
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			f.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (f *fake) count(match func(p packet) bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, p := range f.seen {
		if match(p) {
			n++
		}
	}
	return n
}

func methodIs(m string) func(packet) bool { return func(p packet) bool { return p.method() == m } }
