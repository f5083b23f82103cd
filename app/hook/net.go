package hook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"portico/app/portal"
)

// CheckURL refuses addresses to which no changes go: other schemes than http and https, names with a password, no host.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" || len(s) > 2000 {
		return portal.Fail(portal.ErrInvalid, "hook.url")
	}
	return nil
}

// errInside is that a name leads into the own network, where the portal could reach what its users cannot.
var errInside = errors.New("the address lies inside the own network, and is in none of sync.hook_networks")

// reachable reports whether requests may go to an address: a public one, or one of the networks named for it.
func reachable(ip netip.Addr, own []netip.Prefix) bool {
	ip = ip.Unmap()
	for _, p := range own {
		if p.Contains(ip) {
			return true
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !sharedSpace.Contains(ip) &&
		!slices.ContainsFunc(tunnels(), func(p netip.Prefix) bool { return p.Contains(ip) })
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// tunnels are the networks whose addresses lead to any IPv4 address, an inside one too.
func tunnels() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("64:ff9b::/96"),   // RFC 6052
		netip.MustParsePrefix("64:ff9b:1::/48"), // RFC 8215
		netip.MustParsePrefix("2002::/16"),      // RFC 3056: 6to4
		netip.MustParsePrefix("2001::/32"),      // RFC 4380: Teredo
	}
}

// newClient makes a client that looks at each address after the name has been resolved, follows no redirect and
// uses no proxy, which would resolve the name by itself.
func newClient(own []netip.Prefix, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%s: %w", network, err)
		}
		if !reachable(at.Addr(), own) {
			return fmt.Errorf("%s: %w", at.Addr(), errInside)
		}
		return nil
	}}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
