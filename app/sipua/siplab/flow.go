package siplab

// A flow is a way to one peer: a TCP or TLS connection, or the UDP socket with a remote address.

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// writeQueueLimit bounds what waits for a slow reader, in octets. At the limit the connection is closed: the peer
	// comes back and registers anew, and nobody else waits for it.
	writeQueueLimit = 4 << 20
	writeTimeout    = 10 * time.Second
)

var (
	errFlowClosed = errors.New("siplab: the connection is closed")
	errSlowReader = errors.New("siplab: the peer does not read; connection closed")
)

// flow implements sip.Connection. The pending octets are owned by mu, the socket's write side by writeLoop.
type flow struct {
	t       *transport
	network string // UDP, TCP, TLS
	remote  string // host:port
	conn    net.Conn
	udpAddr *net.UDPAddr

	mu      sync.Mutex
	pending []byte
	drain   bool // close when pending is written
	held    []byte
	people  map[*account]struct{} // who has a binding on this stream
	wake    chan struct{}
	closed  chan struct{}
	once    sync.Once
}

var _ sip.Connection = (*flow)(nil)

func newStreamFlow(t *transport, network string, conn net.Conn) *flow {
	return &flow{t: t, network: network, remote: conn.RemoteAddr().String(), conn: conn,
		wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

// newPacketFlow makes the flow of a datagram peer; it is open as long as the socket is.
func newPacketFlow(t *transport, addr *net.UDPAddr) *flow {
	return &flow{t: t, network: "UDP", remote: addr.String(), udpAddr: addr, closed: t.closed}
}

func (f *flow) key() string { return f.network + "|" + f.remote }

// carries notes that a person has a binding on this stream.
func (f *flow) carries(a *account) {
	if !f.reliable() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.people == nil {
		f.people = map[*account]struct{}{}
	}
	f.people[a] = struct{}{}
}

func (f *flow) carried() []*account {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*account, 0, len(f.people))
	for a := range f.people {
		out = append(out, a)
	}
	return out
}

func (f *flow) reliable() bool { return f.udpAddr == nil }

// alive tells whether messages can still leave this way.
func (f *flow) alive() bool {
	select {
	case <-f.closed:
		return false
	default:
		return true
	}
}

// LocalAddr is part of sip.Connection.
func (f *flow) LocalAddr() net.Addr {
	if f.conn != nil {
		return f.conn.LocalAddr()
	}
	return f.t.udp.LocalAddr()
}

// Ref is part of sip.Connection; flows live as long as their socket, whoever refers to them.
func (f *flow) Ref(int) int { return 1 }

// TryClose is part of sip.Connection; a transaction's end does not close the flow.
func (f *flow) TryClose() (int, error) { return 1, nil }

// Close closes a stream; a datagram flow has nothing to close.
func (f *flow) Close() error {
	if f.conn == nil {
		return nil
	}
	var err error
	f.once.Do(func() {
		close(f.closed)
		err = f.conn.Close()
	})
	return err
}

// WriteMsg sends one message; for streams it only queues.
func (f *flow) WriteMsg(msg sip.Message) error {
	buf := f.t.buffers.Get().(*bytes.Buffer)
	defer f.t.buffers.Put(buf)
	buf.Reset()
	msg.StringWrite(buf)
	s := f.t.srv
	if !s.faults.armed.Load() {
		return f.write(buf.Bytes())
	}
	return s.faults.outgoing(f, msg, buf.Bytes())
}

func (f *flow) write(b []byte) error {
	if f.conn == nil {
		_, err := f.t.udp.WriteToUDP(b, f.udpAddr)
		return err
	}
	f.mu.Lock()
	if !f.alive() || f.drain {
		f.mu.Unlock()
		return errFlowClosed
	}
	if len(f.pending)+len(b) > writeQueueLimit {
		f.mu.Unlock()
		f.t.srv.counters.slowReaders.Add(1)
		return errors.Join(errSlowReader, f.Close())
	}
	f.pending = append(f.pending, b...)
	f.mu.Unlock()
	f.signal()
	return nil
}

func (f *flow) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// closeWhenWritten closes the stream after what is queued has left.
func (f *flow) closeWhenWritten() {
	f.mu.Lock()
	f.drain = true
	f.mu.Unlock()
	f.signal()
}

// writeLoop empties the queue; many small messages leave in one system call.
func (f *flow) writeLoop() {
	var out []byte
	for {
		select {
		case <-f.closed:
			return
		case <-f.wake:
		}
		f.mu.Lock()
		out, f.pending = f.pending, out[:0]
		last := f.drain
		f.mu.Unlock()
		if len(out) > 0 {
			if err := f.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
				f.fail("write deadline", err)
				return
			}
			if _, err := f.conn.Write(out); err != nil {
				f.fail("write", err)
				return
			}
		}
		if last {
			f.fail("closing", nil)
			return
		}
		if cap(out) > 256<<10 {
			out = nil
		}
	}
}

// fail closes the stream and says why, at debug level: a peer that goes away is nothing unusual.
func (f *flow) fail(what string, err error) {
	if cerr := f.Close(); cerr != nil && err == nil {
		err = cerr
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		f.t.srv.log.Debug("connection ended", "while", what, "remote", f.remote, "error", err)
	}
}
