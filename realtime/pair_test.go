package realtime

import (
	"bufio"
	"net"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
)

// tcpPair is two ends of a loopback TCP connection.
func tcpPair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Errorf("accept: %v", err)
		}
		accepted <- c
	}()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return <-accepted, client
}

// handshake makes WebSockets of both ends.
func handshake(t testing.TB, server, client net.Conn) (*websocket.Conn, *websocket.Conn) {
	t.Helper()
	done := make(chan *websocket.Conn, 1)
	go func() {
		req, err := http.ReadRequest(bufio.NewReader(server))
		if err != nil {
			t.Errorf("request: %v", err)
			close(done)
			return
		}
		up := Upgrader()
		ws, err := up.Upgrade(&hijacked{conn: server}, req, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
		}
		done <- ws
	}()
	dialer := websocket.Dialer{NetDial: func(string, string) (net.Conn, error) { return client, nil }}
	ws, _, err := dialer.Dial("ws://portal.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return <-done, ws
}

// hijacked is a response writer that gives its connection away.
type hijacked struct {
	conn   net.Conn
	header http.Header
}

func (h *hijacked) Header() http.Header {
	if h.header == nil {
		h.header = http.Header{}
	}
	return h.header
}
func (h *hijacked) Write(b []byte) (int, error) { return h.conn.Write(b) }
func (h *hijacked) WriteHeader(int)             {}
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}
