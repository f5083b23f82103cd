package ewslab

// The server: configuration, the listener, one HTTP handler, and the life of all of it.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	_ "time/tzdata" // the zones of the appointments do not depend on the machine
)

// Path is where the service answers; clients write it in any case.
const Path = "/EWS/Exchange.asmx"

// Config describes a lab server.
type Config struct {
	Listen      string           // address to listen on; default 127.0.0.1:0
	DSN         string           // file of the SQLite database; empty: in memory, gone with the server
	Domain      string           // mail domain of the people, default example.test
	People      []Person         // whose mailboxes there are
	Service     *Account         // may act for everybody (ExchangeImpersonation); nil: nobody may
	AllowRemote bool             // accept a Listen address that is not loopback
	Schema      string           // newest version spoken, as in RequestServerVersion; default V2017_07_11
	Logger      *slog.Logger     // default: silent
	Now         func() time.Time // default time.Now
	Seed        bool             // put an example week into empty mailboxes
	KeepAlive   time.Duration    // between two signs of life on a silent stream; default 30 s
	AnswerAfter time.Duration    // how long people who answer by themselves take; default 2 s
	Limits      Limits           // what an account may ask for at once; default little but the size of answers is limited
}

// Account is a user name and its password.
type Account struct{ Username, Password string }

// Person is somebody with a mailbox, or a distribution list when List is set.
type Person struct {
	User       string // sign-in name and local part of the address
	Name       string // display name
	Password   string
	Title      string
	Department string
	Office     string
	Phones     []string
	Manager    string   // User of the manager
	Room       bool     // a room: answers invitations by itself
	Answers    string   // answers invitations by itself after a moment: Accept, Tentative or Decline; "" = a person does
	List       []string // members (User); a distribution list has no mailbox
	TimeZone   string   // Windows id of the mailbox's zone; default UTC
	Locale     string
	NoHistory  bool // a new mailbox has no Conversation History folder until a program makes one
}

// Server is the lab. Its goroutines live in Run.
type Server struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	version dialect
	top     int // place of version in dialects()
	store   *store
	people  *directory
	ops     map[string]operation
	hooks   []func([]change) // called after each commit, in commit order
	auth    authenticator

	mu       sync.Mutex
	listener net.Listener
	done     chan struct{} // closed by Close: ends hanging requests
	closed   bool

	extras // state of the services in other files
}

// New opens the store and creates the mailboxes that are missing. Close it when Run is never called.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	v, top := dialectNamed(cfg.Schema)
	if top < 0 {
		return nil, fmt.Errorf("ewslab: unknown schema version %q", cfg.Schema)
	}
	if err := cfg.checkListen(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, now: cfg.Now, version: v, top: top, done: make(chan struct{})}
	var err error
	if s.store, err = openStore(cfg.DSN, s.now); err != nil {
		return nil, err
	}
	if s.people, err = s.createMailboxes(context.Background()); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	s.auth = newAuthenticator(cfg, s.people)
	s.ops = s.operations()
	if err := s.setUpExtras(context.Background()); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Domain == "" {
		c.Domain = "example.test"
	}
	if c.Schema == "" {
		c.Schema = "V2017_07_11"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// checkListen keeps a server whose passwords everybody knows off the network.
func (c Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("ewslab: listen: %w", err)
	}
	if ip := net.ParseIP(host); c.AllowRemote || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("ewslab: %s is not a loopback address", c.Listen)
}

// onChange registers a function that is told of committed changes. Only for New and what it calls. The function must not block.
func (s *Server) onChange(f func([]change)) { s.hooks = append(s.hooks, f) }

// Listen opens the listener, so that Addr is known before Run.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil || s.closed {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("ewslab: %w", err)
	}
	s.listener = l
	return nil
}

// Addr is host:port of the listener, "" before Listen.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// URL is the address of the service, for clients.
func (s *Server) URL() string { return "http://" + s.Addr() + Path }

// Run serves until ctx ends, then closes the server: hanging requests are ended, others have two seconds.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return errors.Join(err, s.Close())
	}
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	h := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 5 * time.Minute,
		MaxHeaderBytes: 64 << 10, ConnContext: withConnection, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	var wg sync.WaitGroup
	background, stop := context.WithCancel(ctx)
	wg.Go(func() { s.runExtras(background) })
	wg.Go(func() {
		<-background.Done()
		s.hangUp()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := h.Shutdown(grace); err != nil {
			s.log.Debug("the lab Exchange cut open requests off", "error", err)
			if err := h.Close(); err != nil {
				s.log.Warn("the lab Exchange did not close its connections", "error", err)
			}
		}
	})
	err := h.Serve(l)
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, s.Close())
}

// hangUp ends requests that hang by design.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

// Close closes the listener and the store. It may be called more than once.
func (s *Server) Close() error {
	s.hangUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.listener != nil {
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return errors.Join(err, s.store.close())
		}
	}
	return s.store.close()
}

// Handler is the whole server as a handler, for tests that bring their own listener. NTLM needs connections from Run.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.serveExtras(w, r) {
			return
		}
		if !strings.EqualFold(r.URL.Path, Path) {
			http.NotFound(w, r)
			return
		}
		s.serveEWS(w, r)
	})
}
