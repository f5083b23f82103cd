package siptest

// A SIP client of a few lines for the tests of the server's configuration: what is sent is in plain sight.

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// raw is one connection of one person.
type raw struct {
	t         *testing.T
	k         *Kamailio
	user      string
	conn      net.Conn
	cseq      atomic.Int32
	responses chan packet
	requests  chan packet
}

// packet is a SIP message that has come.
type packet struct {
	first  string
	header textproto.MIMEHeader
	body   string
}

// status is the code of a response.
func (p packet) status() int {
	n, err := strconv.Atoi(strings.Fields(p.first)[1])
	if err != nil {
		return 0
	}
	return n
}

// dialRaw connects to the server, by TLS where asked for, and answers each request that comes with 200.
func dialRaw(t *testing.T, k *Kamailio, user string, secure bool) *raw {
	t.Helper()
	dialer := &net.Dialer{Timeout: wait}
	var conn net.Conn
	var err error
	if secure {
		conn, err = tls.DialWithDialer(dialer, "tcp", k.TLSAddr(), &tls.Config{RootCAs: k.Roots(), ServerName: k.Domain()})
	} else {
		conn, err = dialer.Dial("tcp", k.Addr())
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, k: k, user: user, conn: conn, responses: make(chan packet, 16), requests: make(chan packet, 64)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.read()
	}()
	t.Cleanup(func() {
		if err := conn.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
		<-done
	})
	return r
}

// read takes messages until the connection ends.
func (r *raw) read() {
	defer close(r.responses)
	in := bufio.NewReader(r.conn)
	for {
		tp := textproto.NewReader(in)
		first, err := tp.ReadLine()
		if err != nil {
			return
		}
		if first == "" {
			continue
		}
		header, err := tp.ReadMIMEHeader()
		if err != nil {
			return
		}
		n, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		p := packet{first, header, string(body)}
		if strings.HasPrefix(first, "SIP/2.0") {
			if p.status() >= 200 {
				r.responses <- p
			}
			continue
		}
		var vias strings.Builder
		for _, v := range header["Via"] {
			fmt.Fprintf(&vias, "Via: %s\r\n", v)
		}
		to := header.Get("To")
		if !strings.Contains(to, ";tag=") {
			to += ";tag=raw"
		}
		if _, err := fmt.Fprintf(r.conn, "SIP/2.0 200 OK\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
			vias.String(), header.Get("From"), to, header.Get("Call-Id"), header.Get("Cseq")); err != nil {
			return
		}
		r.requests <- p
	}
}

// send writes one request and returns the final response to it. From, To and Call-ID are made up unless
// extra (whole lines) holds them.
func (r *raw) send(method, uri, extra, body string) packet {
	r.t.Helper()
	n := r.cseq.Add(1)
	local := r.conn.LocalAddr().String()
	self := "<" + r.k.URI(r.user) + ">"
	to := "<" + uri + ">"
	if method == "REGISTER" {
		to = self
	}
	transport := "TCP"
	if _, ok := r.conn.(*tls.Conn); ok {
		transport = "TLS"
	}
	id := fmt.Sprintf("%s-%s-%s", r.user, local, method)
	for name, value := range map[string]string{"From": self + ";tag=raw", "To": to, "Call-ID": id} {
		if !strings.Contains("\r\n"+extra, "\r\n"+name+":") {
			extra += name + ": " + value + "\r\n"
		}
	}
	if _, err := fmt.Fprintf(r.conn, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%d;rport\r\nMax-Forwards: 70\r\nCSeq: %d %s\r\n"+
		"Contact: <sip:%s@%s;transport=tcp>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";reg-id=1\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, transport, local, id, n, n, method, r.user, local, extra, len(body), body); err != nil {
		r.t.Fatal(err)
	}
	select {
	case p, ok := <-r.responses:
		if !ok {
			r.t.Fatalf("%s: the server closed the connection", method)
		}
		return p
	case <-time.After(wait):
		r.t.Fatalf("%s: no answer within %s", method, wait)
	}
	return packet{}
}

// signed sends a request that is expected to be challenged, and once more with digest.
func (r *raw) signed(method, uri, extra, body string) packet {
	r.t.Helper()
	p := r.send(method, uri, extra, body)
	return r.retry(p, method, uri, extra, body)
}

// retry answers a challenge.
func (r *raw) retry(challenge packet, method, uri, extra, body string) packet {
	r.t.Helper()
	ask, answer := "Www-Authenticate", "Authorization"
	if challenge.status() == http.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	} else if challenge.status() != http.StatusUnauthorized {
		r.t.Fatalf("%s: %s, want a challenge", method, challenge.first)
	}
	c, err := digest.ParseChallenge(challenge.header.Get(ask))
	if err != nil {
		r.t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: uri, Username: r.user, Password: r.k.Password()})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.send(method, uri, answer+": "+cred.String()+"\r\n"+extra, body)
}

// next is the next request that came from the server.
func (r *raw) next() packet {
	r.t.Helper()
	select {
	case p := <-r.requests:
		return p
	case <-time.After(wait):
		r.t.Fatalf("no request from the server to %s", r.user)
	}
	return packet{}
}

// digestTransport signs HTTP requests as one of the seeded people.
func digestTransport(k *Kamailio, user string, under http.RoundTripper) http.RoundTripper {
	return &digest.Transport{Username: user, Password: k.Password(), Transport: under}
}
