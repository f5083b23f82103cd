package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// What can be wrong with one value by itself. Each check says what it wants, in words for the operator.

func text(value any) string {
	s, _ := value.(string)
	return s
}

// optional lets the empty text pass.
func optional(check func(any) error) func(any) error {
	return func(value any) error {
		if text(value) == "" {
			return nil
		}
		return check(value)
	}
}

// each checks every item of a list.
func each(check func(any) error) func(any) error {
	return func(value any) error {
		list, _ := value.([]string)
		var errs []error
		for _, item := range list {
			errs = append(errs, check(item))
		}
		return errors.Join(errs...)
	}
}

func filled(value any) error {
	if strings.TrimSpace(text(value)) == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func oneOf(allowed ...string) func(any) error {
	return func(value any) error {
		if !slices.Contains(allowed, text(value)) {
			return fmt.Errorf("%q is not one of %s", clip(text(value)), strings.Join(allowed, ", "))
		}
		return nil
	}
}

// between takes its bounds as texts so that the message shows them as they would be written.
func between(low, high string) func(any) error {
	return func(value any) error {
		d, ok := value.(time.Duration)
		if !ok {
			return fmt.Errorf("is a %T, not a duration", value)
		}
		from, err := time.ParseDuration(low)
		if err != nil {
			return err
		}
		to, err := time.ParseDuration(high)
		if err != nil {
			return err
		}
		if d < from || d > to {
			return fmt.Errorf("%s is not between %s and %s", shortDuration(d), low, high)
		}
		return nil
	}
}

// zeroOr lets the zero duration pass.
func zeroOr(check func(any) error) func(any) error {
	return func(value any) error {
		if value == time.Duration(0) {
			return nil
		}
		return check(value)
	}
}

func atLeast(low float64) func(any) error {
	return func(value any) error {
		var n float64
		switch v := value.(type) {
		case int:
			n = float64(v)
		case float64:
			n = v
		}
		if n < low {
			return fmt.Errorf("%v is below %v", value, low)
		}
		return nil
	}
}

// listenAddress wants host:port; the host may be empty (all addresses), the port 0 (a free one).
func listenAddress(value any) error {
	host, err := hostPort(text(value), 0)
	if err != nil || host == "" {
		return err
	}
	return hostName(host)
}

// dialAddress wants host:port to connect to.
func dialAddress(value any) error {
	host, err := hostPort(text(value), 1)
	if err != nil {
		return err
	}
	return hostName(host)
}

func hostPort(s string, lowest int) (host string, err error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port", clip(s))
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < lowest || n > 65535 {
		return "", fmt.Errorf("port %q is not a number from %d to 65535", clip(port), lowest)
	}
	return host, nil
}

func hostName(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	return domain(host)
}

// domain wants a host name (RFC 1123) or an IPv4 address.
func domain(value any) error {
	name := text(value)
	if name == "" || len(name) > 253 {
		return fmt.Errorf("%q is not a domain name", clip(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		bad := label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-'
		if bad || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return fmt.Errorf("%q is not a domain name", clip(name))
		}
	}
	return nil
}

// address wants a person's SIP address, with or without "sip:".
func address(value any) error {
	rest := strings.TrimPrefix(text(value), "sip:")
	user, host, ok := strings.Cut(rest, "@")
	if !ok || user == "" || strings.ContainsAny(user, " <>\"\t") || domain(host) != nil {
		return fmt.Errorf("%q is not a SIP address such as \"sip:alice@example.test\"", clip(text(value)))
	}
	return nil
}

// roomPattern wants an address whose user part has one "*", for what tells the rooms apart.
func roomPattern(value any) error {
	s := text(value)
	if strings.Count(s, "*") != 1 || strings.Index(s, "*") > strings.Index(s, "@") {
		return errors.New(`is an address with one "*" before the "@", for example "sip:chat-*@example.test"`)
	}
	return address(strings.Replace(s, "*", "x", 1))
}

// proxyURI wants "sip:host[:port][;transport=udp|tcp|tls]" (RFC 3261 section 19.1).
func proxyURI(value any) error {
	s := text(value)
	wrong := fmt.Errorf("%q is not a SIP URI such as \"sip:sip.example.test:5060;transport=tcp\"", clip(s))
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || (scheme != "sip" && scheme != "sips") {
		return wrong
	}
	parts := strings.Split(rest, ";")
	host := parts[0]
	if strings.Contains(host, "@") {
		return wrong
	}
	if h, port, err := net.SplitHostPort(host); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return wrong
		}
		host = h
	}
	if hostName(strings.Trim(host, "[]")) != nil {
		return wrong
	}
	for _, param := range parts[1:] {
		name, val, _ := strings.Cut(param, "=")
		switch strings.ToLower(name) {
		case "transport":
			if err := oneOf("udp", "tcp", "tls")(strings.ToLower(val)); err != nil {
				return fmt.Errorf("transport %w", err)
			}
		case "lr":
		default:
			return wrong
		}
	}
	return nil
}

// origin wants scheme and host of a site, nothing behind.
func origin(value any) error {
	u, err := webAddress(text(value))
	if err != nil {
		return err
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q has a path: only scheme and host, such as \"https://portico.example.test\"", clip(text(value)))
	}
	return nil
}

// languageTag checks the form of a language's tag ("de", "de-AT"); which there are is known to who has the texts.
func languageTag(value any) error {
	tag, err := language.Parse(text(value))
	if err != nil || tag == language.Und {
		return fmt.Errorf("%q is not a language's tag, such as \"de\" or \"en-US\"", clip(text(value)))
	}
	return nil
}

func webURL(value any) error {
	_, err := webAddress(text(value))
	return err
}

func webAddress(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("%q is not an http or https address", clip(s))
	}
	return u, nil
}

func isHTTPS(s string) bool { return strings.HasPrefix(strings.ToLower(s), "https://") }

func network(value any) error {
	s := text(value)
	if _, err := netip.ParsePrefix(s); err == nil {
		return nil
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return nil
	}
	return fmt.Errorf("%q is neither an IP address nor a network such as \"10.0.0.0/8\"", clip(s))
}

// headerMatch wants the name of a header (a token of RFC 9110 section 5.6.2), with or without ": value".
func headerMatch(value any) error {
	name, wanted, valued := strings.Cut(text(value), ":")
	if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") != "" || valued && strings.TrimSpace(wanted) == "" {
		return fmt.Errorf("%q is neither the name of a header nor \"Name: value\"", clip(text(value)))
	}
	return nil
}

func mailbox(value any) error {
	if _, err := mail.ParseAddress(text(value)); err != nil {
		return fmt.Errorf("%q is not a mail address", clip(text(value)))
	}
	return nil
}

// dsn wants a database of an engine this release has.
func dsn(value any) error {
	scheme, rest, _ := strings.Cut(text(value), ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return errors.New("this release stores in SQLite only: \"sqlite:\" and the path of a file")
	case scheme != "sqlite" || rest == "" || strings.Contains(rest, ":memory:"): // not quoted: it may hold a password
		return errors.New("must be \"sqlite:\" and the path of a file")
	}
	return nil
}

// signinMethod wants a way to sign in that this release has.
func ldapURL(value any) error {
	u, err := url.Parse(text(value))
	if err != nil || (u.Scheme != "ldap" && u.Scheme != "ldaps") || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("is not the address of a server, ldap://host or ldaps://host, without a name, a password or a path")
	}
	return nil
}

func readableFile(value any) error {
	f, err := openRegular(text(value))
	if err != nil {
		return err
	}
	return f.Close()
}

// openRegular opens a file that is one: opening a pipe would wait for its other end.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", clip(path))
	}
	return os.Open(path)
}
