// Package outward makes connections to addresses that somebody chose, without letting them lead the portal to where only the
// portal can reach.
//
// What is judged is the address that a connection is made to, after its name has been resolved and again at the moment of
// connecting, for each connection anew: a name that leads elsewhere the second time (DNS rebinding), a redirect or a number
// in a strange spelling changes nothing. Proxies of the environment are not used; they would resolve names by themselves.
package outward

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrInside is that an address lies in a network that only the portal can reach, and in none that it may.
var ErrInside = errors.New("the address lies inside the own network, and in none that is allowed")

// maxAddresses is how many of a name's addresses are tried.
const maxAddresses = 8

// Options adjust a Dialer. The zero value is a working one: public addresses alone.
type Options struct {
	// Networks are those inside that may be reached all the same, Setting is what the operator's configuration calls them.
	Networks []netip.Prefix
	Setting  string
	// Inner lets this machine and private networks be reached, where servers of the organisation stand as a rule; what is
	// no server of theirs stays closed: link-local addresses, at which clouds tell a machine its secrets, and the others.
	Inner bool
	// Timeout bounds making one connection (10 s).
	Timeout time.Duration
	// Resolve gives the addresses of a name; nil: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Dialer makes such connections. Its methods may be called from any goroutine.
type Dialer struct{ o Options }

// NewDialer makes a Dialer.
func NewDialer(o Options) *Dialer {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &Dialer{o}
}

// DialContext connects to the first of a name's addresses that may be reached and answers. The error wraps ErrInside where one
// of them may not.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = d.o.Resolve(ctx, host); err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	dialer := &net.Dialer{KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return d.Judge(at.Addr())
	}}
	failed := []error{}
	for _, ip := range ips[:min(len(ips), maxAddresses)] {
		if err := d.Judge(ip); err != nil {
			failed = append(failed, err)
			continue
		}
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// Judge refuses addresses inside: of this machine, of the own network, of the provider's, of many at once, those that are no
// address of one machine, and those that lead to any of these through a tunnel. The error wraps ErrInside.
func (d *Dialer) Judge(ip netip.Addr) error {
	ip = ip.Unmap()
	for _, p := range d.o.Networks {
		if p.Contains(ip) {
			return nil
		}
	}
	special := slices.ContainsFunc(insideNetworks(), func(p netip.Prefix) bool { return p.Contains(ip) })
	if d.o.Inner && ip.Zone() == "" && (ip.IsLoopback() || ip.IsPrivate() && !special) {
		return nil
	}
	switch {
	case ip.IsGlobalUnicast() && !ip.IsPrivate() && ip.Zone() == "" && !special:
		return nil
	case d.o.Setting != "":
		return fmt.Errorf("%s: %w (%s)", ip, ErrInside, d.o.Setting)
	}
	return fmt.Errorf("%s: %w", ip, ErrInside)
}

// Transport makes a round tripper over such connections. config is how servers are checked; nil: by the system's authorities.
func (d *Dialer) Transport(config *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext: d.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: d.o.Timeout, ResponseHeaderTimeout: d.o.Timeout, MaxResponseHeaderBytes: 64 << 10,
	}
}

// insideNetworks are networks that look public and are not (IANA special-purpose address registries). The addresses at
// which clouds tell a machine its secrets are link-local or stand here.
func insideNetworks() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "fd00:ec2::254/128",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}
