package siplab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// stranger opens a connection and reads what comes until it is closed.
func stranger(t *testing.T, s *Server) (net.Conn, chan string) {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	all := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(c) // a reset is an end like any other
		all <- string(b)
	}()
	return c, all
}

const head = "MESSAGE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:bob@example.test>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"

// What cannot be a SIP stream is answered where it can be and closed, and nobody else notices.
func TestBadStreams(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	for _, c := range []struct{ name, octets, want string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"garbage", strings.Repeat("\xff\xfe\x01", 3000), ""},
		{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("a", 6000), ""},
		{"endless header", head + "X: " + strings.Repeat("y", maxHead+1), "SIP/2.0 513"},
		{"endless headers", head + strings.Repeat("X: y\r\n", maxHead/6+1), "SIP/2.0 513"},
		{"huge body", head + "Content-Length: 99999999\r\n\r\n", "SIP/2.0 513"},
		{"no length", head + "\r\n", "SIP/2.0 400"},
		{"two lengths", head + "Content-Length: 1\r\nl: 2\r\n\r\nxx", "SIP/2.0 400"},
		{"bad length", head + "Content-Length: 1x\r\n\r\nxx", "SIP/2.0 400"},
	} {
		conn, all := stranger(t, s)
		if _, err := io.WriteString(conn, c.octets); err != nil {
			t.Logf("%s: %v", c.name, err) // closed while we wrote
		}
		select {
		case got := <-all:
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		case <-time.After(patience):
			t.Errorf("%s: the connection stays open", c.name)
		}
		if m := a.say("bob", c.name); m.status != 200 {
			t.Errorf("%s: others are disturbed: %s", c.name, m.start)
		}
		b.hear("MESSAGE")
	}
}

// Octets that come one at a time, or many messages in one write, are the same stream.
func TestSlicedStream(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	conn, _ := stranger(t, s)
	b := newPhone(t, s, "bob", "tcp").online()
	var all strings.Builder
	for i := range 5 {
		text, _ := b.build("MESSAGE", "sip:bob@example.test", fmt.Sprint("s", i), 1, "<sip:alice@example.test>;tag=1", "<sip:bob@example.test>", fmt.Sprint(i))
		all.WriteString("\r\n\r\n" + text)
	}
	for i := range len(all.String()) {
		if _, err := conn.Write([]byte{all.String()[i]}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if m := b.hear("MESSAGE"); m.body != fmt.Sprint(i) {
			t.Errorf("%d: %q", i, m.body)
		}
	}
}

func TestPing(t *testing.T) {
	var f framer
	for _, c := range []struct {
		in    string
		pings int
	}{{"\r\n\r\n", 1}, {"\r\n", 0}, {"\r\n", 1}, {"\r", 0}, {"\n\r\n", 1}, {"\x00\x00\r\n\r\n\r\n\r\n", 2}} {
		f.write([]byte(c.in))
		n := 0
		for {
			m, err := f.next()
			if err != nil {
				t.Fatal(err)
			}
			if !m.ping {
				break
			}
			n++
		}
		if n != c.pings {
			t.Errorf("%q: %d pings, want %d", c.in, n, c.pings)
		}
	}
	s := newLab(t)
	conn, all := stranger(t, s)
	if _, err := io.WriteString(conn, "\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-all; got != "\r\n" {
		t.Errorf("pong is %q", got)
	}
}

// A peer that asks for much and reads nothing is cut off; the sender of the flood is not held up.
func TestPeerThatDoesNotRead(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open, c.ForwardTimeout = true, 20*time.Millisecond })
	deaf, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	fmt.Fprintf(deaf, "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKd\r\nFrom: <sip:bob@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\nContact: <sip:bob@%s;transport=tcp>\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n", deaf.LocalAddr())
	eventually(t, "the deaf one is registered", func() bool { return len(s.Bindings("bob")) == 1 })
	a := newPhone(t, s, "alice", "tcp")
	typing := strings.Repeat("x", 60<<10)
	for i := 0; s.Counters().SlowReaders == 0; i++ {
		if i > 2000 {
			t.Fatal("never cut off")
		}
		text, branch := a.build("MESSAGE", "sip:bob@example.test", fmt.Sprint("deaf", i), 1, "<"+a.aor()+">;tag=1", "<sip:bob@example.test>", typing, "Content-Type: "+typeComposing)
		a.final(a.sent(text, branch))
	}
	eventually(t, "its binding is gone", func() bool { return len(s.Bindings("bob")) == 0 })
}

func (p *phone) sent(text, branch string) chan *msg {
	ch := p.expect(branch)
	p.write(text)
	return ch
}

// Documents made to hurt are refused.
func TestBadDocuments(t *testing.T) {
	deep := func(n int) string {
		return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="x">` + strings.Repeat("<tuple>", n) + strings.Repeat("</tuple>", n) + `</presence>`
	}
	for name, c := range map[string]struct {
		doc string
		ok  bool
	}{
		"deep":       {deep(maxDepth), false},
		"just deep":  {deep(maxDepth - 1), true},
		"wide":       {`<presence xmlns="urn:ietf:params:xml:ns:pidf">` + strings.Repeat("<t/>", maxElements) + `</presence>`, false},
		"large":      {`<presence xmlns="urn:ietf:params:xml:ns:pidf">` + strings.Repeat(" ", maxDocument) + `</presence>`, false},
		"entities":   {`<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><presence xmlns="urn:ietf:params:xml:ns:pidf"><note>&b;</note></presence>`, false},
		"unknown":    {`<presence xmlns="urn:ietf:params:xml:ns:pidf"><note>&b;</note></presence>`, false},
		"crossed":    {`<presence xmlns="urn:ietf:params:xml:ns:pidf"><a><b></a></b></presence>`, false},
		"two roots":  {`<presence xmlns="urn:ietf:params:xml:ns:pidf"/><presence xmlns="urn:ietf:params:xml:ns:pidf"/>`, false},
		"no space":   {`<presence/>`, false},
		"attributes": {`<presence xmlns="urn:ietf:params:xml:ns:pidf"><t ` + attributes(65) + `/></presence>`, false},
		"empty":      {``, false},
		"comment":    {`<!-- < --><presence xmlns="urn:ietf:params:xml:ns:pidf"><!-- <tuple> --><tuple id="a > b"/></presence>`, true},
	} {
		if _, err := splitPIDF([]byte(c.doc)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%d="" `, i)
	}
	return b.String()
}

func TestBindingsAndPublicationsAreBounded(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	p := newPhone(t, s, "alice", "tcp")
	for i := range maxBindings {
		if m := p.register(fmt.Sprintf("Contact: <sip:alice@127.0.0.1:%d>", i+1), "Expires: 60"); m.status != 200 {
			t.Fatal(m.start)
		}
	}
	if m := p.register("Contact: <sip:alice@127.0.0.1:9999>", "Expires: 60"); m.status != 403 {
		t.Errorf("one binding too many: %s", m.start)
	}
	for range maxPublications + 3 {
		p.publish(pidfOpen, "")
	}
	if n := len(s.Publications("alice")); n != maxPublications {
		t.Errorf("%d publications", n)
	}
}

// The lab does not send to other machines, whatever a Contact says.
func TestLoopbackOnly(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	p := newPhone(t, s, "bob", "tcp")
	p.register("Contact: <sip:bob@192.0.2.1:5060;transport=tcp>", "Expires: 60")
	p.close()
	eventually(t, "the connection is gone", func() bool { return s.Load().Connections == 0 })
	a := newPhone(t, s, "alice", "tcp")
	if m := a.do(ask{method: "OPTIONS", target: "sip:bob@example.test"}); m.status != 480 {
		t.Errorf("%s", m.start)
	}
}

// A Contact that accepts connections is called when the registering connection is gone.
func TestContactIsCalled(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPhone(t, s, "bob", "tcp")
	p.register("Contact: <sip:bob@"+l.Addr().String()+";transport=tcp>", "Expires: 60")
	p.close()
	eventually(t, "the connection is gone", func() bool { return s.Load().Connections == 0 })
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got <- string(buf[:n])
	}()
	a := newPhone(t, s, "alice", "tcp")
	text, _ := a.build("MESSAGE", "sip:bob@example.test", "call", 1, "<"+a.aor()+">;tag=1", "<sip:bob@example.test>", "knock")
	a.write(text)
	if m := <-got; !strings.HasPrefix(m, "MESSAGE sip:bob@"+l.Addr().String()) || !strings.HasSuffix(m, "knock") {
		t.Errorf("got %q", m)
	}
}

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	s := newLab(t, func(c *Config) {
		c.TLSListen, c.TLS = "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}
	})
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp")
	conn, err := tls.Dial("tcp", s.TLSAddr(), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	b.close()
	b.conn, b.network, b.closed = conn, "tls", make(chan struct{})
	go b.read()
	b.online()
	if got := s.Bindings("bob"); len(got) != 1 || got[0].Network != "TLS" {
		t.Fatalf("%+v", got)
	}
	if m := a.say("bob", "sealed"); m.status != 200 {
		t.Fatal(m.start)
	}
	if m := b.hear("MESSAGE"); m.body != "sealed" || !strings.HasPrefix(m.get("Via"), "SIP/2.0/TLS "+s.TLSAddr()) {
		t.Errorf("%q by %s", m.body, m.get("Via"))
	}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A message that never ends does not hold its connection for ever; an idle connection may stay.
func TestSlowStranger(t *testing.T) {
	s := newLab(t, func(c *Config) { c.MessageTimeout = 50 * time.Millisecond })
	idle, answered := stranger(t, s)
	slow, all := stranger(t, s)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range len(head) {
			if _, err := slow.Write([]byte{head[i]}); err != nil {
				return
			}
			<-time.After(2 * time.Millisecond)
		}
	}()
	select {
	case got := <-all:
		if got != "" {
			t.Errorf("answered %q", got)
		}
	case <-time.After(patience):
		t.Error("still open")
	}
	slow.Close()
	<-sent
	if _, err := io.WriteString(idle, "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKi\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := idle.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("the idle one was answered %q", got)
	}
}

func TestUsedNoncesAreBounded(t *testing.T) {
	var n nonceBook
	n.init(time.Hour)
	n.limit = 100
	first := n.issue()
	if !n.use(first, 1) || n.use(first, 1) {
		t.Fatal("a fresh nonce is good for each count once")
	}
	for range 2 * n.limit {
		if !n.use(n.issue(), 1) {
			t.Fatal("a fresh nonce was refused")
		}
	}
	if len(n.cur)+len(n.old) > 2*n.limit {
		t.Errorf("%d nonces are remembered", len(n.cur)+len(n.old))
	}
	if n.use(first, 1) || n.use(first, 2) {
		t.Error("a forgotten nonce was accepted again")
	}
	n.sweep(time.Now().Add(2 * time.Hour))
	n.sweep(time.Now().Add(4 * time.Hour))
	if len(n.cur)+len(n.old) > n.limit {
		t.Error("expired nonces stay")
	}
}

func TestComposedDocumentIsBounded(t *testing.T) {
	big := []part{{kind: "note", xml: []byte("<note>" + strings.Repeat("x", maxComposed/2) + "</note>")}}
	doc := compose("sip:a@b", []*publication{{key: "1", parts: big}, {key: "2", parts: big}, {key: "3", parts: big}})
	if n := strings.Count(string(doc), "<note>"); n != 1 {
		t.Errorf("%d publications in %d octets", n, len(doc))
	}
}
