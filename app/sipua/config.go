package sipua

// The connector's options: what a deployment can set, the defaults and their validation.

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// The two ways in which the portal proves to the proxy who is speaking.
const (
	// AuthDigest: each person's own password (RFC 7616, RFC 8760).
	AuthDigest = "digest"
	// AuthTrusted: the proxy trusts this portal's address and reads P-Asserted-Identity (RFC 3325).
	AuthTrusted = "trusted"
)

// Config is what an [Agent] is built from. Domain, Proxy and Instance have no default; every other
// zero value means the default its comment names.
type Config struct {
	// Domain is the people's SIP domain, "example.test".
	Domain string
	// Proxy is where requests are sent: "sip:host:port;transport=tcp" (or udp, tls), "sips:host".
	Proxy string
	// Listen is the address (host:port) on which the proxy reaches the portal. Default "127.0.0.1:0".
	Listen string
	// Advertise is the host written into Contact where Listen is a wildcard and UDP is used; default:
	// the local address of the route to the proxy.
	Advertise string
	// Auth is AuthDigest (default) or AuthTrusted.
	Auth string
	// RoomsDomain is the domain of group conversations; nothing but text is sent there. May be empty.
	RoomsDomain string
	// TLS is used to dial a TLS proxy and, when it holds a certificate, to listen. Default: the
	// system's roots.
	TLS *tls.Config
	// Instance names this portal installation; people's +sip.instance is derived from it, so it must
	// stay the same over restarts.
	Instance string
	// UserAgent is the User-Agent header. Default "Portico".
	UserAgent string
	// AcceptFrom are further networks whose requests are taken beside the proxy's own addresses.
	// Anybody else gets 403: a From header proves nothing.
	AcceptFrom []netip.Prefix

	// Connections is how many connections to the proxy everybody shares (TCP, TLS). Default 4.
	Connections int
	// RegisterExpires, PublishExpires, SubscribeExpires are what is asked for. Default 10 min, 1 h, 1 h.
	RegisterExpires, PublishExpires, SubscribeExpires time.Duration
	// RefreshFloor is the least time after which they are renewed, however little the server grants of what
	// was asked for. Default 30 s.
	RefreshFloor time.Duration
	// ResumeRate and SubscribeRate bound background REGISTER and SUBSCRIBE requests a second over all
	// people. Default 200 and 2000.
	ResumeRate, SubscribeRate float64
	// PublishPace is the least time between two PUBLISH of one person; the newest state wins. Default 1 s.
	PublishPace time.Duration
	// ResourceList is the list service that people subscribe to (RFC 4662), with {user} and {domain}
	// filled in: "sip:{user}-contacts@{domain}". Empty (default): one subscription for each contact.
	ResourceList string
	// XCAPRoot is the root of the server's XCAP documents (RFC 4825), "http://host:port/xcap-root"; empty: it keeps none.
	XCAPRoot string
	// ResourceLists writes each person's list service to the server and subscribes to that one instead of to each
	// contact, where ResourceList names it (default then "sip:{user}-contacts@{domain}"); it needs XCAPRoot. A list says
	// less than single subscriptions: those come in where it is silent.
	ResourceLists bool
	// NoWatcherInfo leaves out the subscription to one's own watchers (RFC 3857).
	NoWatcherInfo bool
	// Dialogs asks for each person's own calls (RFC 4235), MessageSummary for their voice mail (RFC 3842).
	Dialogs, MessageSummary bool
	// HoldCalls is how long a call is held while other devices of the person ring; as long as the server lets them
	// ring. Default 60 s.
	HoldCalls time.Duration
	// KeepPresence leaves the published presence to expire when Run ends; default: it is removed.
	KeepPresence bool

	// PingInterval is how often a connection is pinged, PongTimeout how long the answer may take.
	// Default 30 s and 10 s.
	PingInterval, PongTimeout time.Duration
	// ReconnectMin and ReconnectMax bound the growing pause between two attempts to reach the proxy.
	// Default 200 ms and 15 s.
	ReconnectMin, ReconnectMax time.Duration
	// DownGrace is how long people may be unregistered after a loss before LineDown. Default 3 s.
	DownGrace time.Duration

	// AnswerTimeout is how long a background request (REGISTER, SUBSCRIBE, PUBLISH) may go unanswered
	// before it is sent again. A message waits as long as RFC 3261 says (32 s). Default 15 s.
	AnswerTimeout time.Duration

	// Logger gets the operator's texts; default: nothing is logged. Secrets are never logged.
	Logger *slog.Logger
	// Metrics are called at each request; all are optional.
	Metrics Metrics
}

// Metrics are functions that count; each may be nil and must not block.
type Metrics struct {
	// Sent: a request of ours was answered (status) or not (status 0) after took.
	Sent func(method string, status int, took time.Duration)
	// Received: a request of a peer was answered.
	Received func(method string, status int, took time.Duration)
	// Connected: a link to the proxy came up or went down.
	Connected func(up bool)
}

// proxy is Config.Proxy, understood.
type proxy struct {
	host, port string
	transport  string // "TCP", "UDP" or "TLS"
	sips       bool
	// explicitPort: the URI names a port, so no SRV records are asked for.
	explicitPort bool
}

func (p proxy) address() string { return net.JoinHostPort(p.host, p.port) }

// withDefaults fills in what is zero and reports everything that is wrong, at once.
func (c Config) withDefaults() (Config, proxy, error) {
	var errs []error
	if c.Domain == "" {
		errs = append(errs, errors.New("no domain"))
	}
	c.Domain, c.RoomsDomain = strings.ToLower(c.Domain), strings.ToLower(c.RoomsDomain)
	if c.Instance == "" {
		errs = append(errs, errors.New("no instance"))
	}
	p, err := parseProxy(c.Proxy)
	errs = append(errs, err)
	if c.Auth == "" {
		c.Auth = AuthDigest
	}
	if c.Auth != AuthDigest && c.Auth != AuthTrusted {
		errs = append(errs, fmt.Errorf("auth %q is neither digest nor trusted", c.Auth))
	}
	setDefault(&c.Listen, "127.0.0.1:0")
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %w", err))
	}
	setDefault(&c.UserAgent, "Portico")
	setDefault(&c.Connections, 4)
	setDefault(&c.RegisterExpires, 10*time.Minute)
	setDefault(&c.PublishExpires, time.Hour)
	setDefault(&c.SubscribeExpires, time.Hour)
	setDefault(&c.RefreshFloor, 30*time.Second)
	setDefault(&c.ResumeRate, 200)
	setDefault(&c.SubscribeRate, 2000)
	setDefault(&c.PublishPace, time.Second)
	setDefault(&c.PingInterval, 30*time.Second)
	setDefault(&c.PongTimeout, 10*time.Second)
	setDefault(&c.ReconnectMin, 200*time.Millisecond)
	setDefault(&c.ReconnectMax, 15*time.Second)
	setDefault(&c.HoldCalls, time.Minute)
	setDefault(&c.DownGrace, 3*time.Second)
	errs = append(errs, c.checkXCAP())
	if c.ResourceLists {
		setDefault(&c.ResourceList, "sip:{user}-contacts@{domain}")
	}
	setDefault(&c.AnswerTimeout, 15*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return c, p, fmt.Errorf("sip: %w", err)
	}
	return c, p, nil
}

// checkXCAP reports what is wrong with the XCAP root.
func (c Config) checkXCAP() error {
	if c.XCAPRoot == "" {
		if c.ResourceLists {
			return errors.New("resource lists need an XCAP root")
		}
		return nil
	}
	u, err := url.Parse(c.XCAPRoot)
	if err != nil {
		return fmt.Errorf("XCAP root: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("XCAP root %q is not a plain http: or https: address", c.XCAPRoot)
	}
	return nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// parseProxy reads a proxy's URI (RFC 3261 section 19.1); the port's default depends on the transport.
func parseProxy(s string) (proxy, error) {
	p := proxy{transport: "UDP", port: "5060"}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	switch strings.ToLower(scheme) {
	case "sip":
	case "sips":
		p.sips, p.transport, p.port = true, "TLS", "5061"
	default:
		ok = false
	}
	if !ok {
		return p, fmt.Errorf("proxy %q is not a sip: or sips: address", s)
	}
	rest, params, _ := strings.Cut(rest, ";")
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(key, "transport") {
			continue
		}
		switch strings.ToLower(value) {
		case "tcp":
			if !p.sips {
				p.transport = "TCP"
			}
		case "tls":
			p.transport, p.port = "TLS", "5061"
		case "udp":
			if p.sips {
				return p, fmt.Errorf("proxy %q: sips cannot use UDP", s)
			}
		default:
			return p, fmt.Errorf("proxy %q: transport %q is not known", s, value)
		}
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if host, port, err := net.SplitHostPort(rest); err == nil {
		p.host, p.port, p.explicitPort = host, port, true
	} else {
		p.host = strings.Trim(rest, "[]")
	}
	if p.host == "" {
		return p, fmt.Errorf("proxy %q names no host", s)
	}
	return p, nil
}
