package portal

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// MaxAddressLen is the longest canonical address in bytes that the portal accepts.
const MaxAddressLen = 256

// Address names a person (or a room) by a SIP URI in canonical form: "sip:alice@example.test",
// scheme and host in lower case, no port, no parameters. The zero value names nobody.
type Address string

// ParseAddress reads an address as people and peers write it: with or without the scheme (sip or
// sips), percent-encoded or not, with port, parameters and headers (which are dropped), with
// upper-case host. The user part keeps its case (RFC 3261 section 19.1.4). Anything else is an
// error that means ErrInvalid.
func ParseAddress(s string) (Address, error) {
	rest := strings.TrimSpace(s)
	if len(rest) > 2*MaxAddressLen {
		return "", addressError("address.too-long")
	}
	if scheme, after, ok := strings.Cut(rest, ":"); ok && !strings.Contains(scheme, "@") {
		switch strings.ToLower(scheme) {
		case "sip", "sips":
			rest = after
		default:
			return "", addressError("address.scheme")
		}
	}
	rest, _, _ = strings.Cut(rest, "?")
	user, host, ok := strings.Cut(rest, "@")
	if !ok || user == "" {
		return "", addressError("address.form")
	}
	user, _, _ = strings.Cut(user, ";")
	user, _, _ = strings.Cut(user, ":") // a password has no place in an address
	user, err := url.PathUnescape(user)
	if err != nil || !validUser(user) {
		return "", addressError("address.user")
	}
	host, _, _ = strings.Cut(host, ";")
	host, err = canonicalHost(host)
	if err != nil {
		return "", err
	}
	a := Address("sip:" + escapeUser(user) + "@" + host)
	if len(a) > MaxAddressLen {
		return "", addressError("address.too-long")
	}
	return a, nil
}

// MustAddress is ParseAddress for constants in code and tests; it panics on a malformed address.
func MustAddress(s string) Address {
	a, err := ParseAddress(s)
	if err != nil {
		panic(fmt.Sprintf("portal: address %q: %v", s, err))
	}
	return a
}

// Bare is the address without its scheme, as people read it: "alice@example.test".
func (a Address) Bare() string { return strings.TrimPrefix(string(a), "sip:") }

// User is the part before the "@", percent-encoded as in the URI.
func (a Address) User() string {
	user, _, _ := strings.Cut(a.Bare(), "@")
	return user
}

// Domain is the part after the "@", in lower case.
func (a Address) Domain() string {
	_, host, _ := strings.Cut(a.Bare(), "@")
	return host
}

// String is the canonical SIP URI.
func (a Address) String() string { return string(a) }

// Path is the address as one percent-encoded URL path segment.
func (a Address) Path() string { return url.PathEscape(string(a)) }

func addressError(key string) error { return Fail(ErrInvalid, key) }

func validUser(user string) bool {
	if user == "" || !utf8.ValidString(user) {
		return false
	}
	for _, r := range user {
		if r < 0x20 || r == 0x7f || r == '<' || r == '>' || r == '"' || r == ' ' {
			return false
		}
	}
	return true
}

func canonicalHost(host string) (string, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 3 || strings.Trim(host[1:end], "0123456789abcdef:.") != "" {
			return "", addressError("address.host")
		}
		return host[:end+1], nil
	}
	host, _, _ = strings.Cut(host, ":")
	if host == "" || len(host) > 253 {
		return "", addressError("address.host")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return "", addressError("address.host")
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return "", addressError("address.host")
			}
		}
	}
	return host, nil
}

// escapeUser writes the user part as RFC 3261 section 25.1 allows it unescaped, the rest as %XX.
func escapeUser(user string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,/"
	if strings.Trim(user, plain) == "" {
		return user
	}
	var b strings.Builder
	for i := range len(user) {
		if strings.IndexByte(plain, user[i]) >= 0 {
			b.WriteByte(user[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", user[i])
		}
	}
	return b.String()
}
