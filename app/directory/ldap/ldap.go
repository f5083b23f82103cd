// Package ldap reads the address book from an LDAP directory, Active Directory or any other, and checks passwords there.
//
// A Directory is a source of the address book (all people and distribution groups, read in pages), of pictures and of
// the members of groups, and it says who a login name and password are: it looks the name up with a service account
// and binds as the entry it found (RFC 4511, 4513, paging RFC 2696). Every connection is made for one errand, with a
// deadline, and reads no more than that errand may need.
package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// Config describes the directory. URLs, Base and Domain are needed.
type Config struct {
	// Name tells the source apart from others; empty: "ldap".
	Name string
	// URLs are the servers, ldap://host[:389] or ldaps://host[:636], tried in their order.
	URLs []string
	// StartTLS upgrades ldap:// connections before anything is said on them.
	StartTLS bool
	// CAFile holds the certificates (PEM) that the servers' must be signed by; empty: the system's.
	CAFile string
	// Plain allows ldap:// without StartTLS to another machine, where anybody on the way reads the passwords.
	Plain bool
	// BindDN and BindPassword are the service account's; both empty: anonymously.
	BindDN, BindPassword string
	// Base is where people are searched, with everything below it; GroupBase the same for groups, empty: Base.
	Base, GroupBase string
	// Preset is PresetAD or PresetInetOrgPerson (the default): filters and attributes by their usual names.
	Preset string
	// Filter, GroupFilter and SigninFilter override the preset's: whom the address book has, which groups it has ("-":
	// none), and who may sign in.
	Filter, GroupFilter, SigninFilter string
	// Attributes override the preset's, by the names of the Attr constants; several are separated by spaces, "-" is none.
	Attributes map[string]string
	// Domain is that of the portal's people. It completes addresses without one, and an e-mail address is somebody's
	// SIP address where it is of this domain and no other is named.
	Domain string
}

// Options bound what is read; zero fields take the value in brackets.
type Options struct {
	// PageSize is how many entries are asked for at once (500), MaxEntries how many people and groups a directory may
	// have before it is refused as a whole (200,000).
	PageSize, MaxEntries int
	// MaxMembers bounds the members of a group with those of the groups in it (2,000).
	MaxMembers int
	// MaxPhoto bounds a picture in bytes (1 MiB).
	MaxPhoto int
	// Dial bounds connecting, with TLS (5 s); Answer each answer of the server (30 s); Signin a whole check of a
	// password (10 s).
	Dial, Answer, Signin time.Duration
	Logger               *slog.Logger
}

func (o Options) withDefaults() Options {
	number := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	span := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	number(&o.PageSize, 500)
	number(&o.MaxEntries, 200_000)
	number(&o.MaxMembers, 2_000)
	number(&o.MaxPhoto, 1<<20)
	span(&o.Dial, 5*time.Second)
	span(&o.Answer, 30*time.Second)
	span(&o.Signin, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Directory is one LDAP directory. It is safe for concurrent use and holds no connection between errands.
type Directory struct {
	c       Config
	o       Options
	m       attributes
	filters filters
	servers []server
	tls     *tls.Config
	last    atomic.Pointer[Reading]
}

// server is one address of the directory.
type server struct {
	url, host, address string
	secure             bool // TLS from the beginning
}

// New makes a directory; nothing is asked of it yet. The error says what of the configuration cannot work.
func New(c Config, o Options) (*Directory, error) {
	d := &Directory{c: c, o: o.withDefaults()}
	if d.c.Name == "" {
		d.c.Name = "ldap"
	}
	if d.c.GroupBase == "" {
		d.c.GroupBase = d.c.Base
	}
	err := errors.Join(d.prepareServers(), d.prepareTLS(), d.prepareSchema(), d.prepareBases())
	if err != nil {
		return nil, fmt.Errorf("ldap %s: %w", d.c.Name, err)
	}
	return d, nil
}

// Name is the source's.
func (d *Directory) Name() string { return d.c.Name }

func (d *Directory) prepareServers() error {
	if len(d.c.URLs) == 0 {
		return errors.New("no server is named")
	}
	for _, raw := range d.c.URLs {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.User != nil {
			return fmt.Errorf("%q is neither ldap://host nor ldaps://host", raw)
		}
		s := server{url: raw, host: u.Hostname(), secure: u.Scheme == "ldaps"}
		port := u.Port()
		switch {
		case port != "":
		case s.secure:
			port = "636"
		default:
			port = "389"
		}
		s.address = joinHostPort(s.host, port)
		if !s.secure && !d.c.StartTLS && !d.c.Plain && !loopback(s.host) {
			return fmt.Errorf("%s: passwords would go over the network in the clear: use ldaps:// or StartTLS", raw)
		}
		d.servers = append(d.servers, s)
	}
	return nil
}

func (d *Directory) prepareTLS() error {
	d.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if d.c.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(d.c.CAFile)
	if err != nil {
		return fmt.Errorf("ca_file: %w", err)
	}
	d.tls.RootCAs = x509.NewCertPool()
	if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("no certificate in %s", d.c.CAFile)
	}
	return nil
}

func (d *Directory) prepareBases() error {
	var errs []error
	if d.c.Domain == "" {
		errs = append(errs, errors.New("the domain is missing"))
	}
	for what, dn := range map[string]string{"base": d.c.Base, "group_base": d.c.GroupBase} {
		if parsed, err := goldap.ParseDN(dn); err != nil || len(parsed.RDNs) == 0 {
			errs = append(errs, fmt.Errorf("%s: %q is no distinguished name", what, dn))
		}
	}
	if d.c.BindDN != "" && d.c.BindPassword == "" {
		// A bind with a name and no password succeeds as nobody (RFC 4513 section 5.1.2).
		errs = append(errs, errors.New("the service account has no password"))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
