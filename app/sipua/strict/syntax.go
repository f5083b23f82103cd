package strict

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

var (
	errSyntax = errors.New("syntax")
	errQuote  = errors.New("unbalanced quote")
)

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isToken matches token of RFC 3261 section 25.1.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func tokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-.!%*_+`'~", c) >= 0
}

// splitList cuts a comma-separated value at the commas outside quotes and angle brackets.
func splitList(s string) ([]string, error) {
	if strings.IndexByte(s, ',') < 0 {
		return []string{s}, nil
	}
	var out []string
	quoted, bracket, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !bracket:
			quoted = !quoted
		case quoted:
		case c == '<':
			bracket = true
		case c == '>':
			bracket = false
		case c == ',' && !bracket:
			out = append(out, strings.Trim(s[from:i], " \t"))
			from = i + 1
		}
	}
	if quoted {
		return nil, errQuote
	}
	return append(out, strings.Trim(s[from:], " \t")), nil
}

// quotedEnd is the length of the quoted string s begins with.
func quotedEnd(s string) (int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return 0, errQuote
}

// address is a name-addr or addr-spec with parameters.
type address struct {
	display, uri, params string
	bracketed            bool
}

// parseAddress reads one value of From, To, Contact, Route, … (RFC 3261 sections 20.10 and 25.1).
func parseAddress(s string) (address, error) {
	var a address
	rest := strings.Trim(s, " \t")
	if strings.HasPrefix(rest, `"`) {
		n, err := quotedEnd(rest)
		if err != nil {
			return a, err
		}
		a.display, rest = rest[:n], strings.TrimLeft(rest[n:], " \t")
		if !strings.HasPrefix(rest, "<") {
			return a, errSyntax
		}
	} else if i := strings.IndexByte(rest, '<'); i >= 0 {
		a.display, rest = strings.TrimRight(rest[:i], " \t"), rest[i:]
		if !isTokens(a.display) {
			return a, errSyntax
		}
	}
	if strings.HasPrefix(rest, "<") {
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return a, errSyntax
		}
		a.uri, rest, a.bracketed = rest[1:end], strings.TrimLeft(rest[end+1:], " \t"), true
	} else {
		end := strings.IndexByte(rest, ';')
		if end < 0 {
			end = len(rest)
		}
		a.uri, rest = strings.TrimRight(rest[:end], " \t"), rest[end:]
		if strings.ContainsAny(a.uri, "?,") { // only allowed inside angle brackets
			return a, errSyntax
		}
	}
	if err := checkURI(a.uri); err != nil {
		return a, err
	}
	if !isWord(scheme(a.uri)) || len(a.uri) < 3 { // legal, but sipgo's parser cannot read it
		return a, errSyntax
	}
	params, err := parseParams(rest)
	a.params = params
	return a, err
}

// isWord reports whether s has letters only.
func isWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// isTokens matches an unquoted display name: tokens with blanks between them. Bytes beyond ASCII are
// let pass: many clients forget the quotes around names in other scripts.
func isTokens(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x80 && c != ' ' && c != '\t' && !tokenByte(c) {
			return false
		}
	}
	return true
}

// String is the address without optional white space.
func (a address) String() string {
	if !a.bracketed {
		return a.uri + a.params
	}
	if a.display == "" {
		return "<" + a.uri + ">" + a.params
	}
	return a.display + " <" + a.uri + ">" + a.params
}

// parseParams reads ";name=value;name" with optional white space and gives it without.
func parseParams(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for s = strings.Trim(s, " \t"); s != ""; {
		if s[0] != ';' {
			return "", errSyntax
		}
		s = strings.TrimLeft(s[1:], " \t")
		n := 0
		for n < len(s) && tokenByte(s[n]) {
			n++
		}
		if n == 0 {
			return "", errSyntax
		}
		b.WriteByte(';')
		b.WriteString(s[:n])
		s = strings.TrimLeft(s[n:], " \t")
		if !strings.HasPrefix(s, "=") {
			continue
		}
		s = strings.TrimLeft(s[1:], " \t")
		n, err := valueEnd(s)
		if err != nil {
			return "", err
		}
		b.WriteByte('=')
		b.WriteString(s[:n])
		s = strings.TrimLeft(s[n:], " \t")
	}
	return b.String(), nil
}

// valueEnd is the length of the parameter value s begins with: a token, a host or a quoted string.
func valueEnd(s string) (int, error) {
	if strings.HasPrefix(s, `"`) {
		return quotedEnd(s)
	}
	n := strings.IndexAny(s, "; \t")
	if n < 0 {
		n = len(s)
	}
	if n == 0 || strings.ContainsAny(s[:n], "\",<>") {
		return 0, errSyntax
	}
	return n, nil
}

// param is the value of a parameter in what parseParams gave.
func param(params, name string) (string, bool) {
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// scheme is the scheme of a URI in lower case; empty if it has none that is well-formed.
func scheme(uri string) string {
	s, _, ok := strings.Cut(uri, ":")
	if !ok || s == "" || !(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') {
		return ""
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '+' && c != '-' && c != '.' {
			return ""
		}
	}
	return strings.ToLower(s)
}

// checkURI looks at the form of a URI: no white space, brackets or quotes; a host in those of SIP.
func checkURI(uri string) error {
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return errSyntax
		}
	}
	s := scheme(uri)
	if s == "" || len(uri) == len(s)+1 {
		return errSyntax
	}
	if s != "sip" && s != "sips" {
		return nil
	}
	rest := uri[len(s)+1:]
	if i := strings.IndexByte(rest, '@'); i >= 0 { // a user may contain ; and ?, and never @
		if i == 0 {
			return errSyntax
		}
		rest = rest[i+1:]
	}
	if i := strings.IndexAny(rest, ";?"); i >= 0 {
		rest = rest[:i]
	}
	return checkHostPort(rest)
}

// checkHostPort matches hostport of RFC 3261 section 25.1; underscores in names are let pass.
func checkHostPort(s string) error {
	host, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return errSyntax
		}
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() {
			return errSyntax
		}
		if host = s[end+1:]; host != "" && host[0] != ':' {
			return errSyntax
		}
		port, hasPort = strings.CutPrefix(host, ":")
		host = "v6"
	} else {
		host, port, hasPort = strings.Cut(s, ":")
	}
	for i := range len(host) {
		if c := host[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '.' && c != '_' {
			return errSyntax
		}
	}
	if host == "" {
		return errSyntax
	}
	if hasPort {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return errSyntax
		}
	}
	return nil
}

// via is one Via value.
type via struct {
	transport, sentBy, params string
}

// parseVia reads `SIP / 2.0 / UDP host : port ; params` with white space wherever the grammar allows it.
func parseVia(s string) (via, error) {
	var v via
	name, rest, _ := strings.Cut(s, "/")
	version, rest, ok := strings.Cut(rest, "/")
	rest = strings.TrimLeft(rest, " \t")
	n := strings.IndexAny(rest, " \t")
	if !ok || n <= 0 || !strings.EqualFold(strings.Trim(name, " \t"), "SIP") || strings.Trim(version, " \t") != "2.0" {
		return v, errSyntax
	}
	v.transport, rest = rest[:n], strings.TrimLeft(rest[n:], " \t")
	by, params := rest, ""
	if i := strings.IndexByte(rest, ';'); i >= 0 {
		by, params = rest[:i], rest[i:]
	}
	host, port, hasPort := strings.Cut(by, ":")
	if strings.HasPrefix(by, "[") {
		end := strings.IndexByte(by, ']')
		if end < 0 {
			return v, errSyntax
		}
		host = by[:end+1]
		port, hasPort = strings.CutPrefix(strings.TrimLeft(by[end+1:], " \t"), ":")
	}
	v.sentBy = strings.Trim(host, " \t")
	if hasPort {
		v.sentBy += ":" + strings.Trim(port, " \t")
	}
	if !isToken(v.transport) || checkHostPort(v.sentBy) != nil {
		return v, errSyntax
	}
	var err error
	v.params, err = parseParams(params)
	return v, err
}

// String is the value without optional white space.
func (v via) String() string { return "SIP/2.0/" + v.transport + " " + v.sentBy + v.params }
