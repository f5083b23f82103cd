package sipua

// Floods: what strangers and a peer gone mad cost.

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// paper is a socket that keeps what is written to it.
type paper struct {
	void
	mu      sync.Mutex
	written []string
}

func (p *paper) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = append(p.written, string(b))
	return len(b), nil
}

func (p *paper) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.written) == 0 {
		return ""
	}
	return p.written[len(p.written)-1]
}

func askedFor(method string, n int) []byte {
	return fmt.Appendf(nil, "%s sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKflood%d;rport\r\nFrom: <sip:bob@example.test>;tag=1\r\n"+
		"To: <sip:alice@example.test>\r\nCall-ID: %d\r\nMax-Forwards: 70\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", method, n, n, method)
}

func TestFloodsAreNotRemembered(t *testing.T) {
	a, err := New(Config{Domain: "example.test", Proxy: "sip:127.0.0.1:9", Instance: "flood"}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.door.shut(); a.txs.end(); a.lanes.close(); a.lanes.wait() })
	remote := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	remembered := func() int {
		a.txs.mu.Lock()
		defer a.txs.mu.Unlock()
		return len(a.txs.server)
	}

	stranger := &paper{}
	f := newPacketFlow(stranger, remote, "127.0.0.1", 5060, false)
	for i := range 100 {
		a.receive(f, askedFor("OPTIONS", i))
	}
	if n := remembered(); n != 0 {
		t.Errorf("%d requests of a stranger are remembered", n)
	}
	if got := stranger.last(); len(stranger.written) != 100 || !strings.HasPrefix(got, "SIP/2.0 403 ") || !strings.Contains(got, ";branch=z9hG4bKflood99") {
		t.Errorf("a stranger's requests got %d answers, the last %q", len(stranger.written), got)
	}
	a.receive(f, askedFor("ACK", 100))
	if n := len(stranger.written); n != 100 {
		t.Errorf("a stranger's ACK was answered: %q", stranger.last())
	}

	proxy := &paper{}
	f = newPacketFlow(proxy, remote, "127.0.0.1", 5060, true)
	a.txs.mu.Lock()
	for i := range maxServerTransactions {
		a.txs.server[fmt.Sprint(i)] = (*sip.ServerTx)(nil)
	}
	a.txs.mu.Unlock()
	a.receive(f, askedFor("OPTIONS", 101))
	n := remembered()
	a.txs.mu.Lock()
	clear(a.txs.server)
	a.txs.mu.Unlock()
	if n != maxServerTransactions {
		t.Errorf("one more than there may be is remembered: %d", n)
	}
	if got := proxy.last(); !strings.HasPrefix(got, "SIP/2.0 503 ") || !strings.Contains(got, "\r\nRetry-After: 5\r\n") {
		t.Errorf("one too many got %q", got)
	}
	a.receive(f, askedFor("OPTIONS", 102))
	if got := proxy.last(); !strings.HasPrefix(got, "SIP/2.0 404 ") {
		t.Errorf("with room again: %q", got)
	}
}
