package siplab

// Addresses: URIs, name-addr and Via as RFC 3261 sections 19.1, 20.10 and 20.42 write them.

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// uri is a parsed SIP or SIPS URI; of any other scheme only scheme and opaque are set.
type uri struct {
	scheme         string
	user, password string // still escaped
	host           string // lower case; IPv6 in brackets
	port           int    // 0 when absent
	params         params
	headers        string // behind the question mark, still escaped
	opaque         string
}

func (u *uri) isSIP() bool { return u.scheme == "sip" || u.scheme == "sips" }

// name is the user part with escapes resolved.
func (u *uri) name() string { return unescape(u.user) }

func (u *uri) transport() string {
	if t, ok := u.params.get("transport"); ok {
		return strings.ToUpper(t)
	}
	if u.scheme == "sips" {
		return "TLS"
	}
	return ""
}

func (u *uri) String() string {
	var b strings.Builder
	b.WriteString(u.scheme)
	b.WriteByte(':')
	if !u.isSIP() {
		b.WriteString(u.opaque)
		return b.String()
	}
	if u.user != "" {
		b.WriteString(u.user)
		if u.password != "" {
			b.WriteByte(':')
			b.WriteString(u.password)
		}
		b.WriteByte('@')
	}
	b.WriteString(u.host)
	if u.port > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(u.port))
	}
	u.params.write(&b)
	if u.headers != "" {
		b.WriteByte('?')
		b.WriteString(u.headers)
	}
	return b.String()
}

// sip converts to the form that the message model writes into a request line.
func (u *uri) sip() sip.Uri {
	out := sip.Uri{Scheme: u.scheme, User: u.user, Password: u.password, Host: u.host, Port: u.port}
	for _, p := range u.params {
		out.UriParams = append(out.UriParams, sip.HeaderKV{K: p.name, V: p.value})
	}
	return out
}

func parseURI(s string) (uri, error) {
	i := strings.IndexByte(s, ':')
	if i <= 0 || !validScheme(s[:i]) {
		return uri{}, errSyntax
	}
	u := uri{scheme: strings.ToLower(s[:i])}
	s = s[i+1:]
	if !u.isSIP() {
		if s == "" || !allEscaped(s, classURIC) {
			return uri{}, errSyntax
		}
		u.opaque = s
		return u, nil
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if err := u.setUserinfo(s[:at]); err != nil {
			return uri{}, err
		}
		s = s[at+1:]
	}
	if q := strings.IndexByte(s, '?'); q >= 0 {
		u.headers = s[q+1:]
		if !validURIHeaders(u.headers) {
			return uri{}, errSyntax
		}
		s = s[:q]
	}
	hostport, rest, hasParams := strings.Cut(s, ";")
	var err error
	if u.host, u.port, err = parseHostPort(hostport); err != nil {
		return uri{}, err
	}
	if hasParams {
		if u.params, err = parseURIParams(rest); err != nil {
			return uri{}, err
		}
	}
	return u, nil
}

func validScheme(s string) bool {
	c := s[0] | 0x20
	if c < 'a' || c > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '+' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

func (u *uri) setUserinfo(s string) error {
	user, password, has := strings.Cut(s, ":")
	if user == "" || !allEscaped(user, classUser) || has && !allEscaped(password, classPassword) {
		return errSyntax
	}
	u.user, u.password = user, password
	return nil
}

func validURIHeaders(s string) bool {
	for h := range strings.SplitSeq(s, "&") {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" || !allEscaped(name, classHeader) || !allEscaped(value, classHeader) {
			return false
		}
	}
	return true
}

func parseURIParams(s string) (params, error) {
	var out params
	for p := range strings.SplitSeq(s, ";") {
		name, value, has := strings.Cut(p, "=")
		if name == "" || !allEscaped(name, classParam) || !allEscaped(value, classParam) || has && value == "" {
			return nil, errSyntax
		}
		out = append(out, param{name, value})
	}
	return out, nil
}

// parseHostPort reads host [":" port]; white space around the colon is allowed, as in Via.
func parseHostPort(s string) (host string, port int, err error) {
	s = trim(s)
	end := len(s)
	if strings.HasPrefix(s, "[") {
		closing := strings.IndexByte(s, ']')
		if closing < 0 {
			return "", 0, errSyntax
		}
		if _, err := netip.ParseAddr(s[1:closing]); err != nil {
			return "", 0, errSyntax
		}
		end = closing + 1
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		end = i
	}
	host, rest := trim(s[:end]), trim(s[end:])
	if host == "" || host[0] != '[' && !all(host, classHost) {
		return "", 0, errSyntax
	}
	if rest != "" {
		if port, err = strconv.Atoi(trim(rest[1:])); rest[0] != ':' || err != nil || port < 0 || port > 65535 {
			return "", 0, errSyntax
		}
	}
	return strings.ToLower(host), port, nil
}

// nameAddr is ( name-addr / addr-spec ) *( SEMI generic-param ), as in From, To, Contact and Route.
type nameAddr struct {
	display string // without quotes
	uri     uri
	params  params
}

func (n *nameAddr) tag() string {
	t, _ := n.params.get("tag")
	return t
}

func parseNameAddr(s string) (nameAddr, error) {
	s = trim(s)
	var n nameAddr
	if strings.HasPrefix(s, `"`) {
		end := quotedEnd(s)
		if end < 0 {
			return n, errQuote
		}
		n.display = unquote(s[:end])
		if s = trim(s[end:]); !strings.HasPrefix(s, "<") {
			return n, errSyntax
		}
	}
	open := strings.IndexByte(s, '<')
	if open < 0 {
		return parseAddrSpec(s)
	}
	if open > 0 {
		if n.display = trim(s[:open]); !validDisplay(n.display) {
			return n, errSyntax
		}
	}
	end := strings.IndexByte(s[open:], '>')
	if end < 0 {
		return n, errSyntax
	}
	var err error
	if n.uri, err = parseURI(s[open+1 : open+end]); err != nil {
		return n, err
	}
	n.params, err = parseParams(s[open+end+1:])
	return n, err
}

// parseAddrSpec reads the form without angle brackets: everything from the first semicolon on belongs to the header, and
// a URI with a comma, question mark or semicolon of its own is not allowed here (RFC 3261 section 20).
func parseAddrSpec(s string) (n nameAddr, err error) {
	spec, rest := s, ""
	if i := strings.IndexByte(s, ';'); i >= 0 {
		spec, rest = s[:i], s[i:]
	}
	spec = trim(spec)
	if strings.ContainsAny(spec, "?,") {
		return n, errSyntax
	}
	if n.uri, err = parseURI(spec); err != nil {
		return n, err
	}
	n.params, err = parseParams(rest)
	return n, err
}

func validDisplay(s string) bool {
	for w := range strings.FieldsSeq(s) {
		if !all(w, classToken) {
			return false
		}
	}
	return true
}

// parseNameAddrs reads a comma-separated list of them.
func parseNameAddrs(s string) ([]nameAddr, error) {
	parts, err := splitList(s)
	if err != nil {
		return nil, err
	}
	out := make([]nameAddr, 0, len(parts))
	for _, p := range parts {
		n, err := parseNameAddr(p)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// parseVia reads one via-parm.
func parseVia(s string) (*sip.ViaHeader, error) {
	proto, rest, ok1 := strings.Cut(s, "/")
	version, rest, ok2 := strings.Cut(rest, "/")
	if !ok1 || !ok2 {
		return nil, errSyntax
	}
	rest = strings.TrimLeft(rest, " \t")
	sp := strings.IndexAny(rest, " \t")
	if sp <= 0 {
		return nil, errSyntax
	}
	h := &sip.ViaHeader{ProtocolName: trim(proto), ProtocolVersion: trim(version), Transport: rest[:sp]}
	if !all(h.ProtocolName, classToken) || !all(h.ProtocolVersion, classToken) || !all(h.Transport, classToken) {
		return nil, errSyntax
	}
	sentBy, tail := trim(rest[sp:]), ""
	if i := strings.IndexByte(sentBy, ';'); i >= 0 {
		sentBy, tail = sentBy[:i], sentBy[i:]
	}
	host, port, err := parseHostPort(sentBy)
	if err != nil {
		return nil, err
	}
	h.Host, h.Port = host, port
	ps, err := parseParams(tail)
	if err != nil {
		return nil, err
	}
	h.Params = make(sip.HeaderParams, 0, len(ps)+2)
	for _, p := range ps {
		h.Params = append(h.Params, sip.HeaderKV{K: strings.ToLower(p.name), V: p.value})
	}
	return h, nil
}
