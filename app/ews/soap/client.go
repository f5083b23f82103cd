package soap

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// Options says how to reach one server.
type Options struct {
	// URL is the service itself (https://mail.example.org/EWS/Exchange.asmx). Plain http is
	// refused unless the host is this machine or AllowPlain is set.
	URL        string
	AllowPlain bool
	// Auth signs the requests; nil sends none.
	Auth Authenticator
	// HTTP gives the transport that connections are made with (its TLS settings, proxy, dialler)
	// when that is an *http.Transport: it is cloned. Any other round tripper is used as it is.
	HTTP *http.Client
	// Version is the highest RequestServerVersion to try, "" for the newest known here.
	Version   string
	UserAgent string
	// Timeout bounds one attempt of one request; 0 is 30 s.
	Timeout time.Duration
	// MaxAnswer bounds an answer, and each envelope of a stream, in bytes; 0 is 64 MiB.
	MaxAnswer int64
	// Concurrency bounds the requests under way; further ones wait in the order they came. 0 is 10.
	Concurrency int
	// Syncs bounds those of them that synchronise a folder, of which Exchange lets an account have five at once; 0 is 5.
	Syncs int
	// Streams bounds the streams under way, which do not count as requests; 0 is 100.
	Streams int
	// Attempts bounds how often one request is sent; 0 is 4.
	Attempts int
	// MaxWait is the longest that a call waits for a server that asked for patience; a longer
	// wait is refused at once with ErrUnavailable. 0 is 30 s.
	MaxWait time.Duration
	// Silence is how long a stream may bring nothing before it is given up; 0 is 150 s.
	Silence time.Duration
	Logger  *slog.Logger
	// Observe is told of every request sent: result is "ok", "retry" or "error".
	Observe func(operation, result string, took time.Duration)
	// Sent is told of every request that goes out, and gives what is to be told when the beginning of its answer
	// comes (true), or when none will come any more. Of streams it is told with their answer. Nil: nobody wants to know.
	Sent func() (answered func(bool))
	// Now and Jitter replace clock and chance in tests. Jitter gives a number in [0, 1).
	Now    func() time.Time
	Jitter func() float64
}

// As says on whose behalf a request is made.
type As struct {
	// Impersonate is the primary SMTP address of whose mailbox the service account acts as; "" for none.
	Impersonate string
	// Credentials replace the client's for this call.
	Credentials *Credentials
	// Anchor is the mailbox by which the server's front end finds the right back end
	// (X-AnchorMailbox), "" for the impersonated one. Calls with one anchor share their affinity.
	Anchor string
	// Affinity asks to stay with one back end: for subscriptions and what belongs to them.
	Affinity bool
	// Zone is the Windows id of the zone that times without offset are in; "" for UTC.
	Zone string
	// Trace is told of each request that goes out (sent) and of each answer, as text of at most TraceMax bytes, without
	// the headers of HTTP, which is where the credentials are. Nil: nobody wants to know. Streams are not told of.
	Trace func(sent bool, text string)
	// Ahead is for the one call that finds out whether a server that fell silent is back: it takes no place among
	// Options.Concurrency, all of which may be held by calls that hang.
	Ahead bool
}

// Credentials are a user ("DOMAIN\user" or "user@domain") and a password.
type Credentials struct{ User, Password string }

// String never shows the password.
func (c Credentials) String() string { return c.User + ":***" }

// GoString never shows the password.
func (c Credentials) GoString() string { return "soap.Credentials{" + c.User + ":***}" }

// LogValue never shows the password.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// ServerInfo is what the server tells of itself in each answer.
type ServerInfo struct {
	Major      int `ews:"@MajorVersion"`
	Minor      int `ews:"@MinorVersion"`
	MajorBuild int `ews:"@MajorBuildNumber"`
	MinorBuild int `ews:"@MinorBuildNumber"`
	// Version is the newest schema the server knows, "Exchange2013_SP1" say; some servers leave it out.
	Version string `ews:"@Version"`
}

// Client is the client of one server. It is safe for concurrent use.
type Client struct {
	o       Options
	url     *url.URL
	codec   *binding.Codec
	log     *slog.Logger
	gate    *gate
	slots   chan struct{} // requests under way; waiters are served in the order they came
	syncs   chan struct{} // those of them that synchronise a folder
	streams chan struct{} // streams under way
	hanging *hanging
	version atomic.Pointer[string]
	settled atomic.Bool // the version was accepted at least once
	info    atomic.Pointer[ServerInfo]
	signers *signers
	jars    *jars
}

// New makes a client; nothing is sent yet.
func New(o Options) (*Client, error) {
	u, err := checkURL(o.URL, o.AllowPlain)
	if err != nil {
		return nil, err
	}
	if o.Version != "" && versionIndex(o.Version) < 0 {
		return nil, fmt.Errorf("%w: %q is no version of Exchange Web Services", portal.ErrInvalid, o.Version)
	}
	defaults(&o)
	c := &Client{
		o: o, url: u, codec: &binding.Codec{}, log: o.Logger, gate: newGate(o),
		slots: make(chan struct{}, o.Concurrency), syncs: make(chan struct{}, o.Syncs), streams: make(chan struct{}, o.Streams), jars: newJars(u),
		hanging: newHanging(),
	}
	c.signers = newSigners(o.Auth, dialer(o.HTTP, o.Concurrency))
	c.version.Store(&o.Version)
	return c, nil
}

func defaults(o *Options) {
	set := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	span := func(p *time.Duration, d time.Duration) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&o.Concurrency, 10)
	set(&o.Syncs, 5)
	set(&o.Streams, 100)
	set(&o.Attempts, 4)
	span(&o.Timeout, 30*time.Second)
	span(&o.MaxWait, 30*time.Second)
	span(&o.Silence, 150*time.Second)
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = 64 << 20
	}
	if o.Version == "" {
		o.Version = versions[0]
	}
	if o.UserAgent == "" {
		o.UserAgent = "Portico"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	if o.Sent == nil {
		o.Sent = func() func(bool) { return func(bool) {} }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
}

// checkURL refuses addresses that would carry passwords in the clear.
func checkURL(raw string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("%w: %q is no address of a web service", portal.ErrInvalid, redactURL(raw))
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w: the address of the web service may hold no password", portal.ErrInvalid)
	}
	if u.Scheme == "http" && !allowPlain && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%w: %s: passwords go over https only", portal.ErrInvalid, u.Host)
	}
	return u, nil
}

// redactURL drops everything of an address that may hold a secret.
func redactURL(raw string) string {
	if i := strings.LastIndexByte(raw, '@'); i >= 0 {
		return "…" + raw[i:]
	}
	return raw
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Server gives what the server told of itself in its last answer, the zero value before the first.
func (c *Client) Server() ServerInfo {
	if i := c.info.Load(); i != nil {
		return *i
	}
	return ServerInfo{}
}

// Version gives the RequestServerVersion that is sent at present.
func (c *Client) Version() string { return *c.version.Load() }

// Close closes idle connections and lets go of tickets. Requests under way end by their contexts.
func (c *Client) Close() { c.signers.close() }
