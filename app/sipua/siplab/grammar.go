package siplab

// The words of SIP: character classes, tokens, quoted strings and parameters (RFC 3261 section 25.1).

import (
	"errors"
	"strings"
)

const (
	classToken    = 1 << iota // token
	classUser                 // user part of a URI, without escapes
	classPassword             // password part of a URI, without escapes
	classParam                // uri-parameter name or value, without escapes
	classHeader               // header name or value inside a URI, without escapes
	classHost                 // host name or IPv4 address
	classWord                 // word, as in Call-ID
	classURIC                 // opaque part of a URI of another scheme
)

const (
	alphanum   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	unreserved = alphanum + "-_.!~*'()"
)

// classes is a read-only table: bit set of the classes each octet belongs to.
var classes = buildClasses()

func buildClasses() (t [256]uint8) {
	mark := func(class uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= class
		}
	}
	mark(classToken, alphanum+"-.!%*_+`'~")
	mark(classUser, unreserved+"&=+$,;?/")
	mark(classPassword, unreserved+"&=+$,")
	mark(classParam, unreserved+"[]/:&+$")
	mark(classHeader, unreserved+"[]/?:+$")
	mark(classHost, alphanum+"-._")
	mark(classWord, alphanum+"-.!%*_+`'~()<>:\\\"/[]?{}")
	mark(classURIC, unreserved+";/?:@&=+$,")
	return t
}

var (
	errSyntax = errors.New("malformed")
	errQuote  = errors.New("unbalanced quotes")
)

// all tells whether s is not empty and made of one class only.
func all(s string, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

// allEscaped is all, where %XX may stand for any octet; the empty string passes.
func allEscaped(s string, class uint8) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
			continue
		}
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

// unescape resolves %XX; s must have passed allEscaped.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func trim(s string) string { return strings.Trim(s, " \t") }

// quotedEnd returns the index behind the quoted string at the start of s, or -1.
func quotedEnd(s string) int {
	if s == "" || s[0] != '"' {
		return -1
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i < len(s) && s[i] >= 0x80 {
				return -1
			}
		case '"':
			return i + 1
		}
	}
	return -1
}

// unquote removes the quotes and escapes of a quoted string; anything else is returned as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quote makes a quoted string of any text.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ").Replace(s) + `"`
}

// splitList splits a header value at the commas that stand outside quotes and angle brackets.
func splitList(s string) ([]string, error) {
	if strings.IndexByte(s, ',') < 0 {
		return []string{trim(s)}, nil
	}
	var out []string
	start, angle := 0, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			if angle {
				continue
			}
			n := quotedEnd(s[i:])
			if n < 0 {
				return nil, errQuote
			}
			i += n - 1
		case '<':
			angle = true
		case '>':
			angle = false
		case ',':
			if !angle {
				out = append(out, trim(s[start:i]))
				start = i + 1
			}
		}
	}
	return append(out, trim(s[start:])), nil
}

// param is one ;name=value; value keeps its quotes.
type param struct {
	name, value string
}

type params []param

func (p params) get(name string) (string, bool) {
	for i := range p {
		if strings.EqualFold(p[i].name, name) {
			return unquote(p[i].value), true
		}
	}
	return "", false
}

func (p params) write(b *strings.Builder) {
	for _, kv := range p {
		b.WriteByte(';')
		b.WriteString(kv.name)
		if kv.value != "" {
			b.WriteByte('=')
			b.WriteString(kv.value)
		}
	}
}

// parseParams reads *( SEMI generic-param ) up to the end of s.
func parseParams(s string) (params, error) {
	s = trim(s)
	if s == "" {
		return nil, nil
	}
	var out params
	for s != "" {
		if s[0] != ';' {
			return nil, errSyntax
		}
		s = trim(s[1:])
		n := 0
		for n < len(s) && classes[s[n]]&classToken != 0 {
			n++
		}
		if n == 0 {
			return nil, errSyntax
		}
		p := param{name: s[:n]}
		s = trim(s[n:])
		if s != "" && s[0] == '=' {
			var err error
			if p.value, s, err = paramValue(trim(s[1:])); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// paramValue reads token / host / quoted-string and returns what follows it.
func paramValue(s string) (value, rest string, err error) {
	if s != "" && s[0] == '"' {
		n := quotedEnd(s)
		if n < 0 {
			return "", "", errQuote
		}
		return s[:n], trim(s[n:]), nil
	}
	n := 0
	for n < len(s) && (classes[s[n]]&(classToken|classHost) != 0 || s[n] == '[' || s[n] == ']' || s[n] == ':') {
		n++
	}
	if n == 0 {
		return "", "", errSyntax
	}
	return s[:n], trim(s[n:]), nil
}
