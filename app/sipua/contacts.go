package sipua

// Contact and Record-Route values: lists of name-addr whose quoted strings may hold anything (RFC 3261
// section 20.10).

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// nameAddr is one value of a Contact header.
type nameAddr struct {
	uri    string
	params []string // "name=value" or "name", as written
}

// param is a header parameter's value without quotes, whatever the name's case.
func (n nameAddr) param(name string) string {
	for _, p := range n.params {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

// contacts are the values of all of a message's Contact headers.
func contacts(m sip.Message) []nameAddr {
	var all []nameAddr
	for _, name := range []string{"Contact", "m"} {
		for _, h := range m.GetHeaders(name) {
			for _, value := range splitQuoted(h.Value(), ',') {
				if n, ok := parseNameAddr(value); ok {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// parseNameAddr reads one value: with a name and angle brackets, or a bare URI, whose parameters are
// then those of the header.
func parseNameAddr(s string) (nameAddr, bool) {
	parts := splitQuoted(s, ';')
	if len(parts) == 0 {
		return nameAddr{}, false
	}
	first := strings.TrimSpace(parts[0])
	if open := unquotedIndex(first, '<'); open >= 0 {
		uri, _, ok := strings.Cut(first[open+1:], ">")
		uri = strings.TrimSpace(uri)
		return nameAddr{uri: uri, params: parts[1:]}, ok && uri != ""
	}
	return nameAddr{uri: first, params: parts[1:]}, first != ""
}

// splitQuoted cuts s at sep outside of quoted strings and angle brackets.
func splitQuoted(s string, sep byte) []string {
	var parts []string
	for s != "" {
		i := unquotedIndex(s, sep)
		if i < 0 {
			return append(parts, s)
		}
		parts = append(parts, s[:i])
		s = s[i+1:]
	}
	return parts
}

// unquotedIndex finds c outside of quoted strings and, unless it opens them, of angle brackets.
func unquotedIndex(s string, c byte) int {
	quoted, inside := false, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"' && !inside:
			quoted = !quoted
		case quoted:
		case s[i] == c && !inside:
			return i
		case s[i] == '<':
			inside = true
		case s[i] == '>':
			inside = false
		}
	}
	return -1
}

// newParser is sipgo's, without its reading of headers that a user agent seldom needs; one it cannot
// read would cost the whole message.
func newParser() *sip.Parser {
	readers := map[string]sip.HeaderParser{}
	for name, read := range sip.DefaultHeadersParser() {
		switch name {
		case "contact", "m", "route", "record-route", "refer-to", "referred-by", "max-forwards":
		default:
			readers[name] = read
		}
	}
	return sip.NewParser(sip.WithHeadersParsers(readers))
}
