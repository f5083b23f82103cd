package sipua

// A link: one connection to the proxy that many people share, dialled, pinged and dialled again.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// dialTimeout bounds one attempt to reach the proxy, TLS handshake included.
const dialTimeout = 5 * time.Second

// link owns the connection; run is its goroutine. mu guards the fields below it.
type link struct {
	a *Agent
	n int

	grace timer

	mu      sync.Mutex
	current *flow         // nil while the proxy cannot be reached
	gen     uint64        // counts connections from 1
	changed chan struct{} // closed when current changes
}

func newLink(a *Agent, n int) *link { return &link{a: a, n: n, changed: make(chan struct{})} }

// flow is the connection now, nil if there is none.
func (k *link) flow() *flow {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// generation numbers the connection now, 0 if there is none.
func (k *link) generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == nil {
		return 0
	}
	return k.gen
}

// await waits until there is a connection.
func (k *link) await(ctx context.Context) error {
	for {
		k.mu.Lock()
		up, changed := k.current != nil, k.changed
		k.mu.Unlock()
		if up {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errNoFlow
		}
	}
}

// set replaces the connection.
func (k *link) set(f *flow) {
	k.mu.Lock()
	if f != nil {
		k.gen++
		f.gen = k.gen
	}
	k.current = f
	close(k.changed)
	k.changed = make(chan struct{})
	k.mu.Unlock()
	if k.a.cfg.Metrics.Connected != nil {
		k.a.cfg.Metrics.Connected(f != nil)
	}
}

// run keeps the link up until ctx is done.
func (k *link) run(ctx context.Context) {
	log := k.a.cfg.Logger.With("link", k.n)
	k.a.clock.after(&k.grace, k, k.a.cfg.DownGrace)
	for tries := 0; ctx.Err() == nil; tries++ {
		f, err := k.dial(ctx)
		if err != nil {
			if tries == 0 || tries%10 == 9 {
				log.Warn("proxy cannot be reached", "proxy", k.a.proxy.address(), "tries", tries+1, "error", err)
			}
			pause(ctx, backoff(tries, k.a.cfg.ReconnectMin, k.a.cfg.ReconnectMax))
			continue
		}
		tries = -1
		log.Info("proxy connected", "local", f.local, "remote", f.remote, "transport", f.network)
		k.set(f)
		k.comeBack()
		k.tend(ctx, f)
		k.set(nil)
		if ctx.Err() != nil {
			return
		}
		log.Warn("proxy connection lost", "remote", f.remote)
		k.a.clock.after(&k.grace, k, k.a.cfg.DownGrace)
		pause(ctx, between(0, k.a.cfg.ReconnectMin))
	}
}

// pause waits for d or ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// comeBack has everybody on the link registered anew, at the pacer's pace.
func (k *link) comeBack() {
	for _, l := range k.a.allLines() {
		if l.link == k {
			l.enqueueRegister(false)
		}
	}
}

// wake is called a while after a loss: who is not registered again by now is told.
func (k *link) wake(time.Time) {
	gen := k.generation()
	for _, l := range k.a.allLines() {
		if l.link != k {
			continue
		}
		l.mu.Lock()
		stale := l.flowGen == 0 || l.flowGen != gen
		waits := l.refused == nil && !l.joining && !l.gone
		l.mu.Unlock()
		if stale && waits {
			l.set(edgeDown, unreachable("signin.unreachable", errNoFlow, 0))
		}
	}
}

// tend reads the connection and pings it until it ends.
func (k *link) tend(ctx context.Context, f *flow) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if f.reliable() {
		wg.Go(func() { k.a.readStream(f) })
	}
	for {
		ping := time.NewTimer(between(k.a.cfg.PingInterval*8/10, k.a.cfg.PingInterval))
		select {
		case <-ctx.Done():
			ping.Stop()
			f.end()
			return
		case <-f.closed:
			ping.Stop()
			return
		case <-ping.C:
		}
		err := k.ping(ctx, f)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			f.end()
			return
		default:
			k.a.cfg.Logger.Warn("proxy does not answer", "remote", f.remote, "error", err)
			f.shut()
			return
		}
	}
}

// ping finds out whether the peer still lives: by CRLF (RFC 5626 section 4.4.1) where it is known to
// answer that, else by OPTIONS, to which any answer will do.
func (k *link) ping(ctx context.Context, f *flow) error {
	if !f.reliable() {
		return k.probe(ctx, f, 3*k.a.cfg.PongTimeout)
	}
	sent := time.Now().UnixNano()
	if err := f.writeBytes([]byte("\r\n\r\n")); err != nil {
		return err
	}
	wait := time.NewTimer(k.a.cfg.PongTimeout)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.closed:
		return errFlowClosed
	case <-wait.C:
	}
	if f.lastRead.Load() > sent {
		return nil
	}
	if f.ponged.Load() {
		return errors.New("no pong")
	}
	return k.probe(ctx, f, k.a.cfg.PongTimeout)
}

// probe asks the proxy for its OPTIONS.
func (k *link) probe(ctx context.Context, f *flow, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	self := "sip:" + k.a.cfg.Domain
	req, err := k.a.newRequest(f, sip.OPTIONS, self)
	if err != nil {
		return err
	}
	req.AppendHeader(sip.NewHeader("From", "<"+self+">;tag="+token(6)))
	req.AppendHeader(sip.NewHeader("To", "<"+self+">"))
	req.AppendHeader(sip.NewHeader("Call-ID", token(12)))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	req.SetBody(nil)
	if _, err := k.a.send(ctx, f, req); err != nil {
		return fmt.Errorf("OPTIONS: %w", err)
	}
	return nil
}

// dial makes a connection to the proxy; over UDP it asks whether it is there.
func (k *link) dial(ctx context.Context) (*flow, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if k.a.proxy.transport != "UDP" {
		return k.a.dialStream(ctx, k.a.proxy.transport)
	}
	target, err := k.a.resolveUDP(ctx)
	if err != nil {
		return nil, err
	}
	f := k.a.door.packetFlow(target, true)
	if err := k.probe(ctx, f, dialTimeout); err != nil {
		return nil, err
	}
	return f, nil
}

// dialStream connects to the first of the proxy's addresses that answers.
func (a *Agent) dialStream(ctx context.Context, network string) (*flow, error) {
	var errs []error
	for _, target := range a.targets(ctx, network) {
		d := net.Dialer{KeepAlive: 30 * time.Second}
		conn, err := d.DialContext(ctx, "tcp", target)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if network == "TLS" {
			secure := tls.Client(conn, a.tlsConfig())
			if err := secure.HandshakeContext(ctx); err != nil {
				errs = append(errs, fmt.Errorf("TLS with %s: %w", target, err), conn.Close())
				continue
			}
			conn = secure
		}
		f := newStreamFlow(network, conn, true)
		f.tap = &a.taps
		if ap, err := netip.ParseAddrPort(f.remote.String()); err == nil {
			a.peers.add(ap.Addr())
		}
		return f, nil
	}
	return nil, errors.Join(errs...)
}

func (a *Agent) tlsConfig() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.cfg.TLS != nil {
		c = a.cfg.TLS.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = a.proxy.host
	}
	return c
}

// targets are the proxy's addresses in order: those of its SRV records where it is named without a
// port (RFC 3263 section 4.2), else host and port.
func (a *Agent) targets(ctx context.Context, network string) []string {
	if a.proxy.explicitPort || net.ParseIP(a.proxy.host) != nil {
		return []string{a.proxy.address()}
	}
	service, proto := "sip", "tcp"
	switch network {
	case "TLS":
		service = "sips"
	case "UDP":
		proto = "udp"
	}
	_, records, err := net.DefaultResolver.LookupSRV(ctx, service, proto, a.proxy.host)
	var found []string
	if err == nil {
		for _, r := range records {
			found = append(found, net.JoinHostPort(r.Target, strconv.Itoa(int(r.Port))))
		}
	}
	return append(found, a.proxy.address())
}

func (a *Agent) resolveUDP(ctx context.Context) (*net.UDPAddr, error) {
	target := a.targets(ctx, "UDP")[0]
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, fmt.Errorf("proxy %q: %w", target, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("proxy %q: %w", target, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("proxy %q: %w", target, err)
	}
	for _, ip := range ips {
		a.peers.add(ip)
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ips[0].Unmap(), uint16(n))), nil
}

// largeLink is the TCP connection for what does not fit into a datagram, made when it is first needed.
type largeLink struct {
	mu      sync.Mutex
	wg      sync.WaitGroup
	current *flow
	ended   bool
}

// largeFlow gives the connection for large requests to a UDP proxy (RFC 3261 section 18.1.1).
func (a *Agent) largeFlow(ctx context.Context) (*flow, error) {
	a.large.mu.Lock()
	defer a.large.mu.Unlock()
	if a.large.ended {
		return nil, errFlowClosed
	}
	if f := a.large.current; f != nil {
		select {
		case <-f.closed:
		default:
			return f, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	f, err := a.dialStream(ctx, "TCP")
	if err != nil {
		return nil, errors.Join(errNoFlow, err)
	}
	a.large.current = f
	a.large.wg.Go(func() { a.readStream(f) })
	return f, nil
}

func (g *largeLink) close() {
	g.mu.Lock()
	g.ended = true
	if g.current != nil {
		g.current.shut()
	}
	g.mu.Unlock()
	g.wg.Wait()
}
