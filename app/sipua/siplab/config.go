package siplab

// What a lab is made of: its domain, its people, its limits.

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Digest algorithms that can be offered (RFC 7616, RFC 8760).
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// User is an account of the lab.
type User struct {
	Name        string // local part of the address, as in sip:alice@example.test
	DisplayName string
	Password    string // digest password; empty: the account cannot sign in with digest
	Robot       bool   // answers messages and changes presence by itself while the server runs
}

// Config describes a Server. The zero value of every limit means its default, named beside it.
type Config struct {
	Domain string // SIP domain and digest realm; required
	Listen string // address for UDP and TCP, the same port for both; default 127.0.0.1:0
	// TLSListen is a further address for TLS; used only with TLS set. Default: none.
	TLSListen string
	TLS       *tls.Config
	// AllowRemote permits addresses that are not loopback, for listening and for being sent to. Without it they are refused:
	// the accounts of a lab have known passwords.
	AllowRemote bool

	Users []User
	// Open switches digest off: whoever writes a From is believed. For tools that cannot authenticate.
	Open bool
	// Trusted lists source addresses whose P-Asserted-Identity is believed without digest (RFC 3325).
	Trusted []netip.Prefix
	// Algorithms are offered in this order, one challenge each (RFC 8760). Default MD5 alone, like every SIP server: baresip
	// gives up on two challenges, sipsak on SHA-256 in the first.
	Algorithms    []string
	NonceLifetime time.Duration // default 5 min

	MinExpires     time.Duration // registrations, publications, subscriptions; shorter is 423; default 60 s
	MaxExpires     time.Duration // longer is cut to this; default 1 h
	DefaultExpires time.Duration // where a request names none; default 1 h, at most MaxExpires

	// ForwardTimeout is how long a device may take to answer a proxied request other than INVITE; default 5 s.
	ForwardTimeout time.Duration
	// MessageTimeout is how long a peer on a stream may take from the first octet of a message to its last; default 10 s.
	MessageTimeout time.Duration
	// RingTimeout is how long an INVITE may ring (RFC 3261 timer C); default 3 min.
	RingTimeout time.Duration

	StoreLimit int           // stored messages for one person; one more is 503; default 200
	StoreBytes int           // octets of their bodies; default 1 MiB
	StoreAge   time.Duration // after which a stored message is dropped; default 72 h

	// NotifyInterval is the least time between two NOTIFYs of one subscription that report changes: the first change goes out
	// at once, what follows within the interval is gathered. Default 1 s; negative: no gathering.
	NotifyInterval time.Duration

	// Routes maps foreign domains to the SIP URI (with port and transport) that serves them, as for a domain of chat rooms.
	// Requests from such a domain are accepted without digest when they come from that address or one in Trusted.
	Routes map[string]string
	// Publishers are accounts (local parts) that may publish the calls and the voice mail of others: a PBX, a voice mail
	// system.
	Publishers []string
	// Lists are resource lists that can be subscribed to with Supported: eventlist (RFC 4662): local part → members' URIs.
	Lists map[string][]string

	Robots RobotPace    // how the robots behave
	Logger *slog.Logger // default: discard
}

// RobotPace says how human the robots are. Zero values mean the defaults.
type RobotPace struct {
	Think    time.Duration // pause before typing starts; default 600 ms
	Type     time.Duration // time spent typing; default 1.5 s
	Presence time.Duration // time between two changes of presence; default 45 s; negative: never
}

const (
	defaultStoreLimit = 200
	defaultStoreBytes = 1 << 20
)

func pick[T int | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// complete fills in the defaults and reports every fault at once.
func (c Config) complete() (Config, error) {
	c.Listen = orString(c.Listen, "127.0.0.1:0")
	c.Domain = strings.ToLower(c.Domain)
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{MD5}
	}
	c.NonceLifetime = pick(c.NonceLifetime, 5*time.Minute)
	c.MinExpires = pick(c.MinExpires, time.Minute)
	c.MaxExpires = pick(c.MaxExpires, time.Hour)
	c.DefaultExpires = min(pick(c.DefaultExpires, time.Hour), c.MaxExpires)
	c.ForwardTimeout = pick(c.ForwardTimeout, 5*time.Second)
	c.MessageTimeout = pick(c.MessageTimeout, 10*time.Second)
	c.RingTimeout = pick(c.RingTimeout, 3*time.Minute)
	c.StoreLimit = pick(c.StoreLimit, defaultStoreLimit)
	c.StoreBytes = pick(c.StoreBytes, defaultStoreBytes)
	c.StoreAge = pick(c.StoreAge, 72*time.Hour)
	c.NotifyInterval = pick(c.NotifyInterval, time.Second)
	c.Robots.Think = pick(c.Robots.Think, 600*time.Millisecond)
	c.Robots.Type = pick(c.Robots.Type, 1500*time.Millisecond)
	c.Robots.Presence = pick(c.Robots.Presence, 45*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(c.validate()...)
}

func (c *Config) validate() (errs []error) {
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("siplab: "+format, args...)) }
	if host, port, err := parseHostPort(c.Domain); err != nil || port != 0 || host == "" {
		fault("domain %q is not a host name", c.Domain)
	}
	for _, a := range []string{c.Listen, c.TLSListen} {
		if a != "" && !c.AllowRemote && !isLoopback(a) {
			fault("listening on %s would open a lab with known passwords to others; AllowRemote permits it", a)
		}
	}
	seen := map[string]bool{}
	for _, u := range c.Users {
		if u.Name == "" || !allEscaped(u.Name, classUser) {
			fault("user name %q", u.Name)
		}
		if key := strings.ToLower(unescape(u.Name)); seen[key] {
			fault("user %s is there twice", u.Name)
		} else {
			seen[key] = true
		}
	}
	for _, a := range c.Algorithms {
		if a != MD5 && a != SHA256 {
			fault("digest algorithm %q", a)
		}
	}
	for d, r := range c.Routes {
		if u, err := parseURI(r); err != nil || !u.isSIP() {
			fault("route of %s: %q is not a SIP URI", d, r)
		}
	}
	if c.MinExpires > c.MaxExpires {
		fault("MinExpires is above MaxExpires")
	}
	return errs
}

func orString(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// isLoopback tells whether host:port names this machine only.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
