package cpim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// What a wrapped message may cost to read.
const (
	MaxBytes   = 256 << 10
	maxHeaders = 100
	maxParties = 200
)

// Parse reads a message/cpim body. Line ends may be CRLF or LF, header lines may be folded. From and
// To are required (RFC 3862 section 3.1 lets an anonymous From be absent only by naming it so, and
// no client leaves them out). A Require header that names a header this package does not know is an
// error, as the RFC demands. Errors mean portal.ErrInvalid.
func Parse(b []byte) (Message, error) {
	var m Message
	if len(b) > MaxBytes {
		return m, invalid("%d bytes, limit %d", len(b), MaxBytes)
	}
	lines, rest, err := headerBlock(b)
	if err != nil {
		return m, err
	}
	r := reader{m: &m, prefixes: map[string]string{}}
	for _, line := range lines {
		if err := r.header(line); err != nil {
			return Message{}, err
		}
	}
	if m.From.URI == "" || len(m.To) == 0 {
		return Message{}, invalid("From or To is missing")
	}
	if err := r.requirements(); err != nil {
		return Message{}, err
	}
	if err := content(&m, rest); err != nil {
		return Message{}, err
	}
	return m, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: CPIM: %s", portal.ErrInvalid, fmt.Sprintf(format, args...))
}

// headerBlock cuts b at the first empty line into unfolded header lines and what follows.
func headerBlock(b []byte) (lines []string, rest []byte, err error) {
	for len(b) > 0 {
		line, after, found := bytes.Cut(b, []byte("\n"))
		if !found {
			after = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		b = after
		switch {
		case len(line) == 0:
			return lines, b, nil
		case (line[0] == ' ' || line[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += " " + strings.TrimSpace(string(line))
		default:
			if len(lines) == maxHeaders {
				return nil, nil, invalid("more than %d headers", maxHeaders)
			}
			lines = append(lines, string(line))
		}
	}
	return nil, nil, invalid("no empty line after the headers")
}

// reader collects the message headers.
type reader struct {
	m *Message
	// prefixes maps a prefix in the document to its namespace.
	prefixes map[string]string
}

func (r *reader) header(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return invalid("header line %.60q", line)
	}
	name, params := strings.TrimSpace(name), ""
	if strings.HasPrefix(value, ";") { // parameters stand directly behind the colon: section 2.3
		params, value, _ = strings.Cut(value, " ")
	}
	value = strings.TrimSpace(value)
	if prefix, local, ok := strings.Cut(name, "."); ok {
		if ns, declared := r.prefixes[prefix]; declared {
			return r.extension(Header{Namespace: ns, Name: local, Params: params, Value: value})
		}
		if strings.EqualFold(prefix, "imdn") { // clients that forget the NS header
			return r.extension(Header{Namespace: NamespaceIMDN, Name: local, Params: params, Value: value})
		}
	}
	return r.core(Header{Name: name, Params: params, Value: value})
}

// core takes the headers of RFC 3862. Its names are case-sensitive there; clients differ.
func (r *reader) core(h Header) (err error) {
	m := r.m
	switch strings.ToLower(h.Name) {
	case "from":
		m.From, err = parseParty(h.Value)
	case "to":
		m.To, err = appendParty(m.To, h.Value)
	case "cc":
		m.CC, err = appendParty(m.CC, h.Value)
	case "datetime":
		if t, terr := markup.ParseTime(h.Value); terr == nil {
			m.DateTime = t
		}
	case "subject":
		if m.Subject == "" {
			m.Subject = unescape(h.Value)
		} else {
			h.Value = unescape(h.Value)
			m.Headers = append(m.Headers, h)
		}
	case "ns":
		return r.namespace(h.Value)
	case "require":
		for name := range strings.SplitSeq(h.Value, ",") {
			m.Require = append(m.Require, strings.TrimSpace(name))
		}
	default:
		h.Value = unescape(h.Value)
		m.Headers = append(m.Headers, h)
	}
	return err
}

// extension takes a header whose prefix stands for a namespace.
func (r *reader) extension(h Header) (err error) {
	m := r.m
	if h.Namespace == "" { // NS: <uri> without a prefix redefines the core; none is known to do it
		return r.core(h)
	}
	if h.Namespace != NamespaceIMDN {
		h.Value = unescape(h.Value)
		m.Headers = append(m.Headers, h)
		return nil
	}
	switch strings.ToLower(h.Name) {
	case "message-id":
		m.MessageID = strings.Trim(h.Value, "<>")
	case "disposition-notification":
		for d := range strings.SplitSeq(h.Value, ",") {
			d, _, _ = strings.Cut(d, ";")
			if d = strings.ToLower(strings.TrimSpace(d)); d != "" {
				m.Dispositions = append(m.Dispositions, d)
			}
		}
	case "original-to":
		var p Party
		p, err = parseParty(h.Value)
		m.OriginalTo = &p
	case "imdn-record-route":
		m.RecordRoute, err = appendParty(m.RecordRoute, h.Value)
	case "imdn-route":
		m.Route, err = appendParty(m.Route, h.Value)
	default:
		h.Value = unescape(h.Value)
		m.Headers = append(m.Headers, h)
	}
	return err
}

// namespace reads "prefix <uri>", also without the blank.
func (r *reader) namespace(value string) error {
	prefix, uri, ok := strings.Cut(value, "<")
	uri, _, closed := strings.Cut(uri, ">")
	if !ok || !closed || uri == "" {
		return invalid("namespace %.60q", value)
	}
	r.prefixes[strings.TrimSpace(prefix)] = uri
	return nil
}

// known are the headers a Require may name without our refusing the message.
var known = map[string]bool{"from": true, "to": true, "cc": true, "datetime": true, "subject": true, "ns": true, "require": true}

func (r *reader) requirements() error {
	for i, name := range r.m.Require {
		prefix, local, prefixed := strings.Cut(name, ".")
		if prefixed && (r.prefixes[prefix] == NamespaceIMDN || strings.EqualFold(prefix, "imdn")) && local != "" {
			r.m.Require[i] = "imdn." + local // the prefix that Encode declares
			continue
		}
		if !known[strings.ToLower(name)] {
			return invalid("it requires %.60q, which is not understood", name)
		}
	}
	return nil
}

func appendParty(to []Party, value string) ([]Party, error) {
	if len(to) == maxParties {
		return nil, invalid("more than %d parties", maxParties)
	}
	p, err := parseParty(value)
	if err != nil {
		return nil, err
	}
	return append(to, p), nil
}

// parseParty reads `Name <uri>`, `"Name" <uri>`, `<uri>`, and the bare `uri` some clients write.
func parseParty(value string) (Party, error) {
	value = strings.TrimSpace(value)
	open := strings.LastIndexByte(value, '<')
	if open < 0 {
		if value == "" || strings.ContainsAny(value, " \t\">") || !strings.Contains(value, ":") {
			return Party{}, invalid("address %.80q", value)
		}
		return Party{URI: value}, nil
	}
	uri, _, closed := strings.Cut(value[open+1:], ">")
	if !closed || strings.TrimSpace(uri) == "" {
		return Party{}, invalid("address %.80q", value)
	}
	name := strings.TrimSpace(value[:open])
	if len(name) >= 2 && name[0] == '"' && name[len(name)-1] == '"' {
		name = name[1 : len(name)-1]
	}
	return Party{Name: unescape(name), URI: strings.TrimSpace(uri)}, nil
}

// unescape undoes the backslash escapes of RFC 3862 section 2.3.1; an unknown or cut-off escape stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b.WriteByte('\b')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '\\', '"', '\'':
			b.WriteByte(s[i])
		case 'u':
			if i+4 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
					b.WriteRune(rune(n))
					i += 4
					continue
				}
			}
			b.WriteString(`\u`)
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// content reads the MIME part after the message headers.
func content(m *Message, b []byte) error {
	lines, body, err := headerBlock(b)
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}
	m.ContentType = "text/plain"
	encoding, length := "", -1
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return invalid("content header line %.60q", line)
		}
		switch strings.ToLower(name) {
		case "content-type":
			m.ContentType = value
		case "content-disposition":
			m.Disposition = value
		case "content-transfer-encoding":
			encoding = strings.ToLower(value)
		case "content-length":
			if n, err := strconv.Atoi(value); err == nil && n >= 0 {
				length = n
			}
		default:
			m.ContentHeaders = append(m.ContentHeaders, MIMEHeader{name, value})
		}
	}
	if length >= 0 && length < len(body) {
		body = body[:length]
	}
	m.Body, err = decode(encoding, body)
	return err
}

func decode(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "", "7bit", "8bit", "binary", "identity":
		return bytes.Clone(body), nil
	case "base64":
		out, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body)))
		if err != nil {
			return nil, invalid("base64: %v", err)
		}
		return out, nil
	case "quoted-printable":
		out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		if err != nil {
			return nil, invalid("quoted-printable: %v", err)
		}
		return out, nil
	}
	return nil, invalid("content transfer encoding %.40q", encoding)
}
