package sipua

// The listener: where the proxy reaches the portal when it does not use our connections.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxAccepted bounds the connections that peers may hold open to us; one more is closed at once.
const maxAccepted = 256

// acceptedIdle is how long an accepted connection may be silent.
const acceptedIdle = 15 * time.Minute

// door owns the listening sockets. mu guards flows.
type door struct {
	a    *Agent
	tcp  net.Listener
	udp  net.PacketConn
	host string // as written into Via and Contact over UDP
	port int

	mu    sync.Mutex
	flows map[*flow]struct{}
}

// openDoor listens on TCP and UDP at the same port; towards a TLS proxy only on TLS, and only with a
// certificate.
func openDoor(a *Agent) (*door, error) {
	d := &door{a: a, flows: map[*flow]struct{}{}}
	secure := a.proxy.transport == "TLS"
	if secure && !hasCertificate(a.cfg.TLS) {
		return d, nil
	}
	var err error
	for range 8 { // with port 0 the port that TCP was given may be taken for UDP
		if err = d.listen(a.cfg.Listen, secure); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sip: listen: %w", err)
	}
	d.host, d.port = splitAddr(d.tcp.Addr())
	if ip, err := netip.ParseAddr(d.host); err == nil && ip.IsUnspecified() {
		d.host = a.outwardHost()
	}
	if ip, err := netip.ParseAddr(a.proxy.host); err == nil {
		a.peers.add(ip)
	}
	return d, nil
}

func hasCertificate(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil)
}

func (d *door) listen(addr string, secure bool) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if secure {
		d.tcp = tls.NewListener(l, d.a.cfg.TLS)
		return nil
	}
	u, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.tcp, d.udp = l, u
	return nil
}

// outwardHost is the address to advertise when listening on all of them.
func (a *Agent) outwardHost() string {
	if a.cfg.Advertise != "" {
		return a.cfg.Advertise
	}
	c, err := net.Dial("udp", a.proxy.address()) // sends nothing: it asks the routing table
	if err != nil {
		return "127.0.0.1"
	}
	host, _ := splitAddr(c.LocalAddr())
	if err := c.Close(); err != nil {
		a.cfg.Logger.Debug("close", "error", err)
	}
	return host
}

func (d *door) addr() string {
	if d.tcp == nil {
		return ""
	}
	return d.tcp.Addr().String()
}

func (d *door) packetFlow(remote net.Addr, trusted bool) *flow {
	f := newPacketFlow(d.udp, remote, d.host, d.port, trusted)
	f.tap = &d.a.taps
	return f
}

// run accepts and reads until ctx is done; then the sockets are closed.
func (d *door) run(ctx context.Context) {
	if d.tcp == nil {
		return
	}
	var wg sync.WaitGroup
	stop := context.AfterFunc(ctx, d.shut)
	defer stop()
	wg.Go(func() { d.accept(ctx, &wg) })
	if d.udp != nil {
		wg.Go(d.readPackets)
	}
	wg.Wait()
}

func (d *door) shut() {
	err := d.tcp.Close()
	if d.udp != nil {
		err = errors.Join(err, d.udp.Close())
	}
	if err != nil {
		d.a.cfg.Logger.Debug("close listener", "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for f := range d.flows {
		f.end()
	}
}

func (d *door) accept(ctx context.Context, wg *sync.WaitGroup) {
	for {
		conn, err := d.tcp.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close() // it came too late; nothing was said on it
			}
			return
		}
		if err != nil {
			d.a.cfg.Logger.Warn("accept", "error", err)
			pause(ctx, 100*time.Millisecond)
			continue
		}
		network := "TCP"
		if _, ok := conn.(*tls.Conn); ok {
			network = "TLS"
		}
		f := newStreamFlow(network, conn, d.a.trusts(conn.RemoteAddr()))
		f.tap = &d.a.taps
		if !f.trusted || !d.keep(f) {
			d.a.cfg.Logger.Info("connection turned away", "remote", f.remote, "trusted", f.trusted)
			f.shut()
			continue
		}
		if ctx.Err() != nil { // shut may have passed over flows before this one was kept
			f.end()
		}
		wg.Go(func() {
			defer d.forget(f)
			d.a.readStream(f)
		})
	}
}

func (d *door) keep(f *flow) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.flows) >= maxAccepted {
		return false
	}
	d.flows[f] = struct{}{}
	return true
}

func (d *door) forget(f *flow) {
	d.mu.Lock()
	delete(d.flows, f)
	d.mu.Unlock()
}

func (d *door) readPackets() {
	buf := make([]byte, 64<<10)
	for {
		n, remote, err := d.udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			d.a.cfg.Logger.Warn("read datagram", "error", err)
			continue
		}
		if n <= 4 { // a keep-alive
			continue
		}
		d.a.receive(d.packetFlow(remote, d.a.trusts(remote)), buf[:n])
	}
}

// readStream reads a connection until it ends, has what is due written, and closes it.
func (a *Agent) readStream(f *flow) {
	var writer sync.WaitGroup
	writer.Go(f.write)
	defer writer.Wait()
	defer close(f.finish)
	frames := newFramer(&heard{f: f}, func(pairs int) {
		if pairs == 1 {
			f.ponged.Store(true)
			return
		}
		if err := f.writeBytes([]byte("\r\n")); err != nil {
			a.cfg.Logger.Debug("pong", "error", err)
		}
	})
	for {
		raw, err := frames.next()
		switch {
		case err == nil:
			a.receive(f, raw)
		case errors.Is(err, errOversize):
			a.reject(f, raw, 413, "Request Entity Too Large")
		case errors.Is(err, errFraming) && raw != nil:
			a.reject(f, raw, 400, "Bad Content-Length")
			a.cfg.Logger.Warn("connection closed: message boundary lost", "remote", f.remote)
			return
		default:
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				a.cfg.Logger.Info("connection read", "remote", f.remote, "error", err)
			}
			return
		}
	}
}

// heard reads a flow and notes when it was last heard of.
type heard struct{ f *flow }

func (h *heard) Read(b []byte) (int, error) {
	if err := h.f.conn.SetReadDeadline(time.Now().Add(acceptedIdle)); err != nil {
		return 0, err
	}
	if h.f.ending.Load() { // looked at after the deadline was set: the one that end sets stands
		return 0, io.EOF
	}
	n, err := h.f.conn.Read(b)
	if err != nil && h.f.ending.Load() {
		err = io.EOF
	}
	if n > 0 {
		h.f.lastRead.Store(time.Now().UnixNano())
	}
	return n, err
}
