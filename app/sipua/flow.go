package sipua

// A flow: one connection or one UDP peer, in the form that sipgo's transactions write to.

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// writeTimeout is how long a peer may take to read what we send before the connection is given up; a
// message cut short cannot be completed later.
const writeTimeout = 10 * time.Second

var errFlowClosed = errors.New("connection closed")

// flow carries messages to one peer. It is shared by everybody and safe for concurrent use.
type flow struct {
	network       string // "TCP", "TLS" or "UDP"
	local, remote net.Addr
	peer          string // remote and network as text
	// conn is the stream; for UDP it is nil and socket is the shared listening socket.
	conn   net.Conn
	socket net.PacketConn
	// host and port are what is written into Via and Contact.
	host string
	port int
	// trusted: the peer is the proxy, so its requests are taken.
	trusted bool

	// gen numbers the connections of a link.
	gen uint64
	// tap is told what is written; nil: nobody watches.
	tap *taps

	lastRead atomic.Int64 // Unix nanoseconds of the last byte read
	ponged   atomic.Bool  // the peer answers CRLF pings
	// out is what a stream's writer has to write; whoever finds it full waits, at most writeTimeout.
	out    chan []byte
	finish chan struct{} // closed when the reader has ended: write what is left, no more
	ending atomic.Bool   // nothing more is read
	once   sync.Once
	closed chan struct{}
}

// maxUnwritten is how many messages may wait to be written to a peer. The reader of the same
// connection answers into this queue, so that it goes on reading while the peer does not.
const maxUnwritten = 1024

// maxWrite is how much is gathered for one write.
const maxWrite = 64 << 10

func newStreamFlow(network string, conn net.Conn, trusted bool) *flow {
	f := &flow{network: network, conn: conn, local: conn.LocalAddr(), remote: conn.RemoteAddr(), trusted: trusted,
		out: make(chan []byte, maxUnwritten), finish: make(chan struct{}), closed: make(chan struct{})}
	f.host, f.port = splitAddr(f.local)
	f.peer = network + " " + f.remote.String()
	f.lastRead.Store(time.Now().UnixNano())
	return f
}

func newPacketFlow(socket net.PacketConn, remote net.Addr, host string, port int, trusted bool) *flow {
	return &flow{network: "UDP", peer: "UDP " + remote.String(), socket: socket, local: socket.LocalAddr(), remote: remote, host: host, port: port, trusted: trusted, closed: make(chan struct{})}
}

func splitAddr(a net.Addr) (string, int) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String(), 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return host, 0
	}
	return host, n
}

// reliable reports whether the transport neither loses nor reorders.
func (f *flow) reliable() bool { return f.conn != nil }

// hostPort is the flow's own address as it stands in a URI.
func (f *flow) hostPort() string { return net.JoinHostPort(f.host, strconv.Itoa(f.port)) }

// writeBytes sends b, which must not be changed afterwards. On a stream it returns when b is queued; a
// failure to write closes the flow.
func (f *flow) writeBytes(b []byte) error {
	if f.conn == nil {
		if _, err := f.socket.WriteTo(b, f.remote); err != nil {
			return fmt.Errorf("write to %s: %w", f.remote, err)
		}
		return nil
	}
	select {
	case <-f.closed:
		return errFlowClosed
	case f.out <- b:
		return nil
	default:
	}
	full := time.NewTimer(writeTimeout)
	defer full.Stop()
	select {
	case <-f.closed:
		return errFlowClosed
	case f.out <- b:
		return nil
	case <-full.C:
		f.shut()
		return fmt.Errorf("write to %s: the peer does not read: %w", f.remote, errFlowClosed)
	}
}

// write is a stream's writer: it gathers what is there and writes it at once, until the flow is closed
// or, after finish, nothing is left.
func (f *flow) write() {
	defer f.shut()
	var gathered []byte
	for {
		var b []byte
		select {
		case b = <-f.out:
		case <-f.closed:
			return
		case <-f.finish:
			select {
			case b = <-f.out:
			default:
				return
			}
		}
		gathered = append(gathered[:0], b...)
		for more := true; more && len(gathered) < maxWrite; {
			select {
			case b = <-f.out:
				gathered = append(gathered, b...)
			default:
				more = false
			}
		}
		if err := f.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return
		}
		if _, err := f.conn.Write(gathered); err != nil {
			return
		}
		if cap(gathered) > 2*maxWrite {
			gathered = nil
		}
	}
}

// WriteMsg writes a message; it is part of sip.Connection.
func (f *flow) WriteMsg(msg sip.Message) error {
	var b bytes.Buffer
	b.Grow(1024 + len(msg.Body()))
	msg.StringWrite(&b)
	if f.tap != nil {
		f.tap.see(f, b.Bytes(), true)
	}
	return f.writeBytes(b.Bytes())
}

// LocalAddr is part of sip.Connection.
func (f *flow) LocalAddr() net.Addr { return f.local }

// Ref is part of sip.Connection; a flow lives until its reader or link ends it, whoever uses it.
func (f *flow) Ref(int) int { return 1 }

// TryClose is part of sip.Connection and does nothing, see Ref.
func (f *flow) TryClose() (int, error) { return 1, nil }

// Close is part of sip.Connection.
func (f *flow) Close() error {
	f.shut()
	return nil
}

// end lets what is queued be written before the flow is shut, for at most leaveBudget: an answer that was given
// shall arrive. It does not wait.
func (f *flow) end() {
	f.ending.Store(true)
	if f.conn == nil || f.conn.SetReadDeadline(time.Now()) != nil {
		f.shut()
		return
	}
	time.AfterFunc(leaveBudget, f.shut)
}

// shut ends the flow; its reader and everyone who waits for an answer on it are woken.
func (f *flow) shut() {
	f.once.Do(func() {
		close(f.closed)
		if f.conn != nil {
			_ = f.conn.Close() // nothing more is wanted of it; its reader reports why it ended
		}
	})
}
