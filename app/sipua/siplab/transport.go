package siplab

// The listening side: sockets, read loops, and which message belongs to which transaction.

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// idleTimeout ends a stream on which nothing came, not even a ping.
	idleTimeout = 2 * time.Hour
	// maxFlows bounds open streams; further ones are closed at once.
	maxFlows = 65536
)

// transport is one life of the sockets: Stop ends it, Start makes a new one.
type transport struct {
	srv     *Server
	udp     *net.UDPConn
	tcp     net.Listener
	tls     net.Listener
	closed  chan struct{}
	ctx     context.Context // ends with closed
	stop    context.CancelFunc
	buffers sync.Pool

	gate    sync.RWMutex // held for writing only to close
	closing bool
	wg      sync.WaitGroup // grows under gate

	mu    sync.Mutex
	flows map[string]*flow // by network and remote address

	servers *table[*sip.ServerTx]
	clients *table[*sip.ClientTx]
	forks   *table[*fork] // INVITE forks by server transaction, for CANCEL
}

// listen opens UDP and TCP on the same address, and TLS where asked. Port 0 picks one that is free for both.
func listen(s *Server, addr, tlsAddr string, tlsConf *tls.Config) (*transport, error) {
	t := &transport{srv: s, closed: make(chan struct{}), flows: map[string]*flow{},
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		servers: newTable[*sip.ServerTx](), clients: newTable[*sip.ClientTx](), forks: newTable[*fork]()}
	t.ctx, t.stop = context.WithCancel(context.Background())
	var err error
	for try := 0; ; try++ {
		if err = t.bind(addr); err == nil {
			break
		}
		if _, port, _ := net.SplitHostPort(addr); port != "0" || try >= 20 {
			return nil, err
		}
	}
	if tlsConf != nil && tlsAddr != "" {
		if t.tls, err = tls.Listen("tcp", tlsAddr, tlsConf); err != nil {
			return nil, errors.Join(fmt.Errorf("siplab: TLS: %w", err), t.udp.Close(), t.tcp.Close())
		}
	}
	return t, nil
}

func (t *transport) bind(addr string) error {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("siplab: TCP: %w", err)
	}
	udpAddr, err := net.ResolveUDPAddr("udp", tcp.Addr().String())
	if err != nil {
		return errors.Join(err, tcp.Close())
	}
	udp, err := net.ListenUDP("udp", udpAddr)
	if err != nil {
		return errors.Join(fmt.Errorf("siplab: UDP: %w", err), tcp.Close())
	}
	if err := udp.SetReadBuffer(4 << 20); err != nil {
		t.srv.log.Debug("UDP read buffer", "error", err)
	}
	t.tcp, t.udp = tcp, udp
	return nil
}

// serve starts the read loops; close ends them.
func (t *transport) serve() {
	t.spawn(t.readPackets)
	t.spawn(func() { t.accept(t.tcp, "TCP") })
	if t.tls != nil {
		t.spawn(func() { t.accept(t.tls, "TLS") })
	}
}

// spawn runs f in a goroutine that close waits for. It returns false when the transport is closing.
func (t *transport) spawn(f func()) bool {
	t.gate.RLock()
	defer t.gate.RUnlock()
	if t.closing {
		return false
	}
	t.wg.Go(f)
	return true
}

// over tells whether the sockets are closed.
func (t *transport) over() bool {
	select {
	case <-t.closed:
		return true
	default:
		return false
	}
}

// close ends the sockets and every transaction, and returns when all goroutines have.
func (t *transport) close() error {
	t.gate.Lock()
	if t.closing {
		t.gate.Unlock()
		t.wg.Wait()
		return nil
	}
	t.closing = true
	close(t.closed)
	t.stop()
	t.gate.Unlock()
	t.mu.Lock()
	flows := make([]*flow, 0, len(t.flows))
	for _, f := range t.flows {
		flows = append(flows, f)
	}
	t.mu.Unlock()
	err := errors.Join(t.udp.Close(), t.tcp.Close())
	if t.tls != nil {
		err = errors.Join(err, t.tls.Close())
	}
	for _, f := range flows {
		err = errors.Join(err, f.Close())
	}
	t.servers.each(func(tx *sip.ServerTx) { tx.Terminate() })
	t.clients.each(func(tx *sip.ClientTx) { tx.Terminate() })
	t.wg.Wait()
	return err
}

func (t *transport) accept(l net.Listener, network string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			t.srv.log.Warn("accept", "network", network, "error", err)
			select {
			case <-t.closed:
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		t.adopt(network, conn)
	}
}

// adopt makes a flow of a connection and starts its loops; nil when there is no room for it.
func (t *transport) adopt(network string, conn net.Conn) *flow {
	f := newStreamFlow(t, network, conn)
	t.mu.Lock()
	full := len(t.flows) >= maxFlows
	if !full {
		t.flows[f.key()] = f
	}
	t.mu.Unlock()
	if full || !t.spawn(func() { f.writeLoop() }) || !t.spawn(func() { t.readStream(f) }) {
		f.fail("accept", errors.New("no room for another connection"))
		return nil
	}
	return f
}

func (t *transport) readPackets() {
	buf := make([]byte, 65536)
	for {
		n, addr, err := t.udp.ReadFromUDP(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			t.srv.log.Debug("UDP read", "error", err)
			continue
		}
		if b := bytes.Trim(buf[:n], "\x00\r\n"); len(b) == 0 {
			continue // keep-alive
		}
		head, body := splitDatagram(bytes.TrimLeft(buf[:n], "\r\n"))
		t.receive(newPacketFlow(t, addr), head, body)
	}
}

func (t *transport) readStream(f *flow) {
	defer t.lost(f)
	var fr framer
	buf := make([]byte, 16<<10)
	started := time.Time{}
	for {
		deadline := time.Now().Add(idleTimeout)
		if fr.waiting() {
			if started.IsZero() {
				started = time.Now()
			}
			deadline = started.Add(t.srv.cfg.MessageTimeout)
		}
		if err := f.conn.SetReadDeadline(deadline); err != nil {
			f.fail("read deadline", err)
			return
		}
		n, err := f.conn.Read(buf)
		fr.write(buf[:n])
		whole, ferr := t.drain(f, &fr)
		if whole {
			started = time.Time{}
		}
		if ferr != nil {
			t.srv.log.Debug("stream given up", "remote", f.remote, "error", ferr)
			f.closeWhenWritten()
			return
		}
		if errors.Is(err, io.EOF) {
			f.closeWhenWritten() // the peer may still read
			return
		}
		if err != nil {
			f.fail("read", err)
			return
		}
	}
}

// drain handles every whole message in fr; whole tells whether there was one.
func (t *transport) drain(f *flow, fr *framer) (whole bool, err error) {
	for {
		m, err := fr.next()
		if err != nil {
			t.refuseStream(f, fr, err)
			return whole, err
		}
		switch {
		case m.ping:
			whole = true
			if !t.srv.faults.silent.Load() {
				if err := f.write(lineEnd); err != nil {
					return whole, err
				}
			}
		case m.complete:
			whole = true
			t.receive(f, m.head, m.body)
			fr.done()
		default:
			return whole, nil
		}
	}
}

// refuseStream answers the message that made the stream unusable, where it can be answered.
func (t *transport) refuseStream(f *flow, fr *framer, err error) {
	if errors.Is(err, errNotSIP) {
		return
	}
	head := fr.buf
	if fr.head > 0 {
		head = fr.buf[:fr.head]
	} else if i := bytes.LastIndex(head, lineEnd); i > 0 {
		head = head[:i]
	}
	m, ok := lex(head[:min(len(head), maxHead)])
	if !ok {
		return
	}
	ref := &refusal{status: 400, reason: "Bad Request: Content-Length", answer: salvage(&m)}
	if errors.Is(err, errTooLarge) {
		ref.status, ref.reason = 513, "Message Too Large"
	}
	t.refuse(f, ref)
}

// lost is called when a stream has ended: bindings that live on it go with it.
func (t *transport) lost(f *flow) {
	t.mu.Lock()
	if t.flows[f.key()] == f {
		delete(t.flows, f.key())
	}
	t.mu.Unlock()
	t.spawnClose(f)
}

// spawnClose waits for a last answer to leave before the flow is forgotten.
func (t *transport) spawnClose(f *flow) {
	select {
	case <-f.closed:
	case <-t.closed:
	case <-time.After(writeTimeout):
	}
	f.fail("lost", nil)
	t.srv.flowLost(f)
}

// connect opens a stream to a peer that has none, or names the datagram flow to it.
func (t *transport) connect(ctx context.Context, network, addr string) (*flow, error) {
	if err := t.srv.mayReach(addr); err != nil {
		return nil, err
	}
	if network == "UDP" {
		ua, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			return nil, fmt.Errorf("siplab: %w", err)
		}
		return newPacketFlow(t, ua), nil
	}
	if f := t.find(network, addr); f != nil {
		return f, nil
	}
	if network != "TCP" {
		return nil, fmt.Errorf("siplab: cannot open %s connections", network)
	}
	d := net.Dialer{Timeout: 3 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("siplab: %w", err)
	}
	f := t.adopt(network, conn)
	if f == nil {
		return nil, errFlowClosed
	}
	return f, nil
}

// find returns the open stream to a remote address.
func (t *transport) find(network, addr string) *flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.flows[network+"|"+addr]; f != nil && f.alive() {
		return f
	}
	return nil
}
