package siplab

// The server as a whole: people, sockets, and the one loop that lets things expire.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	serverName = "Portico lab"
	sweepEvery = 200 * time.Millisecond
)

// ErrNotListening is returned where an address is needed and the sockets are closed.
var ErrNotListening = errors.New("siplab: not listening")

// Server is a SIP server. All methods may be called from any goroutine.
type Server struct {
	cfg      Config
	log      *slog.Logger
	sipLog   *slog.Logger
	faults   Faults
	counters counters
	nonces   nonceBook
	branch   branchMaker
	routesMu sync.RWMutex
	routes   map[string]uri // by domain, in lower case

	accountsMu sync.RWMutex
	accounts   map[string]*account // by folded local part
	subs       *table[*subscription]
	listsMu    sync.RWMutex
	lists      map[string][]string
	contacts   sync.Map // contact key → *binding, for requests inside dialogs

	mu      sync.Mutex // guards the life of the sockets
	addr    string     // kept over Stop and Start
	tlsAddr string
	current atomic.Pointer[transport]
	done    bool
}

// New builds a server without opening a socket. The error names every fault of the configuration.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, sipLog: slog.New(slog.DiscardHandler), accounts: map[string]*account{},
		subs: newTable[*subscription](), routes: map[string]uri{}, lists: map[string][]string{},
		addr: cfg.Listen, tlsAddr: cfg.TLSListen}
	s.faults.init(s)
	s.nonces.init(cfg.NonceLifetime)
	s.branch.init()
	for d, r := range cfg.Routes {
		if err := s.Neighbour(d, r); err != nil {
			return nil, err
		}
	}
	for name, members := range cfg.Lists {
		if err := s.SetList(name, members); err != nil {
			return nil, err
		}
	}
	for _, u := range cfg.Users {
		s.AddUser(u)
	}
	return s, nil
}

// Neighbour says who serves a foreign domain from now on, as for a domain of chat rooms: a SIP URI, or host:port for TCP;
// empty: nobody. Requests for the domain go there, and requests from the domain are accepted, without digest, from that
// address only (and from those in Config.Trusted).
func (s *Server) Neighbour(domain, addr string) error {
	domain = strings.ToLower(domain)
	s.routesMu.Lock()
	defer s.routesMu.Unlock()
	if addr == "" {
		delete(s.routes, domain)
		return nil
	}
	if !strings.HasPrefix(strings.ToLower(addr), "sip") {
		addr = "sip:" + addr + ";transport=tcp"
	}
	u, err := parseURI(addr)
	if err != nil || !u.isSIP() || u.host == "" {
		return fmt.Errorf("siplab: neighbour %s: %q is no SIP address", domain, addr)
	}
	s.routes[domain] = u
	return nil
}

// neighbour finds who serves a foreign domain.
func (s *Server) neighbour(domain string) (uri, bool) {
	s.routesMu.RLock()
	defer s.routesMu.RUnlock()
	u, ok := s.routes[domain]
	return u, ok
}

// AddUser adds an account, or replaces the display name and password of one.
func (s *Server) AddUser(u User) {
	key := fold(unescape(u.Name))
	s.accountsMu.Lock()
	defer s.accountsMu.Unlock()
	if a, ok := s.accounts[key]; ok {
		a.setUser(u, s.cfg.Domain)
		return
	}
	s.accounts[key] = newAccount(u, s.cfg.Domain)
}

// account finds a person by local part; nil when there is none.
func (s *Server) account(name string) *account {
	s.accountsMu.RLock()
	defer s.accountsMu.RUnlock()
	return s.accounts[fold(name)]
}

func (s *Server) allAccounts() []*account {
	s.accountsMu.RLock()
	defer s.accountsMu.RUnlock()
	out := make([]*account, 0, len(s.accounts))
	for _, a := range s.accounts {
		out = append(out, a)
	}
	return out
}

// fold makes names comparable: the lab, like most servers, does not tell Alice from alice.
func fold(s string) string { return strings.ToLower(s) }

// Listen opens the sockets and starts serving. It is part of Run; calling it first makes the address known earlier.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return errors.New("siplab: the server was closed")
	}
	if s.current.Load() != nil {
		return nil
	}
	t, err := listen(s, s.addr, s.tlsAddr, s.cfg.TLS)
	if err != nil {
		return err
	}
	s.addr = t.tcp.Addr().String()
	if t.tls != nil {
		s.tlsAddr = t.tls.Addr().String()
	}
	s.current.Store(t)
	t.serve()
	s.subs.each(s.pump) // what changed while the sockets were closed
	s.log.Info("lab SIP server listens", "domain", s.cfg.Domain, "address", s.addr)
	return nil
}

// Start opens the sockets again after Stop, on the same port.
func (s *Server) Start() error { return s.Listen() }

// Stop closes the sockets and all connections, as if the server had gone away. Accounts, bindings, publications,
// subscriptions and stored messages stay, as behind a database; Faults can expire them.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.current.Swap(nil)
	if t == nil {
		return nil
	}
	return t.close()
}

// Close stops the server for good. It works with or without Run.
func (s *Server) Close() error {
	err := s.Stop()
	s.mu.Lock()
	s.done = true
	s.mu.Unlock()
	return err
}

// Run listens where Listen was not called, serves until ctx ends, and returns when everything it started has.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, u := range s.cfg.Users {
		if !u.Robot {
			continue
		}
		r, err := NewRobot(RobotConfig{User: u, Domain: s.cfg.Domain, Server: s.Addr(), Pace: s.cfg.Robots, Logger: s.log})
		if err != nil {
			return errors.Join(err, s.Close())
		}
		wg.Go(func() {
			if err := r.Run(ctx); err != nil {
				s.log.Warn("robot ended", "user", u.Name, "error", err)
			}
		})
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait() // robots sign off while the server still listens
			return s.Close()
		case now := <-tick.C:
			s.sweep(now)
		}
	}
}

// sweep lets expire what has.
func (s *Server) sweep(now time.Time) {
	for _, a := range s.allAccounts() {
		s.sweepAccount(a, now)
	}
	s.subs.each(func(sub *subscription) { s.sweepSubscription(sub, now) })
	s.nonces.sweep(now)
}

// Addr is the host:port of UDP and TCP, empty before Listen.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, port, err := net.SplitHostPort(s.addr); err != nil || port == "0" {
		return ""
	}
	return s.addr
}

// TCPAddr is Addr.
func (s *Server) TCPAddr() string { return s.Addr() }

// UDPAddr is Addr: both transports share the port.
func (s *Server) UDPAddr() string { return s.Addr() }

// TLSAddr is the host:port of TLS, empty where there is none.
func (s *Server) TLSAddr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.TLS == nil {
		return ""
	}
	return s.tlsAddr
}

// Domain is the domain the server serves.
func (s *Server) Domain() string { return s.cfg.Domain }

// Faults are the switches that break the server.
func (s *Server) Faults() *Faults { return &s.faults }

// mayReach refuses targets beyond this machine unless AllowRemote.
func (s *Server) mayReach(addr string) error {
	if s.cfg.AllowRemote || isLoopback(addr) {
		return nil
	}
	return fmt.Errorf("siplab: %s is not on this machine", addr)
}

// isUs tells whether a host and port name this server itself. A request that came here without a port in its URI means us,
// whatever port we were given.
func (t *transport) isUs(host string, port int) bool {
	for _, l := range []net.Listener{t.tcp, t.tls} {
		if l == nil {
			continue
		}
		ap, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			continue
		}
		if port != 0 && port != int(ap.Port()) {
			continue
		}
		if strings.EqualFold(host, "localhost") || strings.Trim(host, "[]") == ap.Addr().String() {
			return true
		}
	}
	return false
}

// local tells whether a URI lies in this server's domain.
func (in *inbound) local(u *uri) bool {
	return u.host == in.s.cfg.Domain || in.t.isUs(u.host, u.port)
}

// sentBy is the host and port for Via and Contact on a transport.
func (t *transport) sentBy(network string) (string, int) {
	addr := t.tcp.Addr()
	if network == "TLS" && t.tls != nil {
		addr = t.tls.Addr()
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return "localhost", 5060
	}
	host := ap.Addr().String()
	if ap.Addr().Is6() {
		host = "[" + host + "]"
	}
	return host, int(ap.Port())
}

// handle is the table of what the server does with a request that opened a transaction.
func (s *Server) handle(in *inbound) {
	if s.badExtensions(in) {
		return
	}
	switch in.Method {
	case sip.REGISTER:
		s.register(in)
	case sip.PUBLISH:
		s.publish(in)
	case sip.SUBSCRIBE:
		s.subscribe(in)
	default:
		s.route(in)
	}
}
