package strict

import (
	"bytes"
	"strconv"
	"strings"
)

// MaxHeaders is how many header fields a message may have.
const MaxHeaders = 256

// message is a message taken apart into what the rules look at.
type message struct {
	response bool
	// method, uri and version are those of the start line as written; status and reason those of a response.
	method, uri, version string
	status               int
	reason               string
	// startRegular is whether the start line can be passed on as it is.
	startRegular bool
	fields       []field
	// fault is the first thing wrong with the form of the head, empty if nothing is.
	fault string
	// begin, head and end are offsets in the inspected bytes: start line, body, behind the body.
	begin, head, end int
	raw              []byte
	// vias counts the Via values, in all fields.
	vias int
}

// field is one header field.
type field struct {
	// name is the long form in lower case, written as it stands in the message.
	name, written string
	// value is unfolded and trimmed; canonical is what is passed on in its place.
	value, canonical string
	// regular is whether the field can be passed on as it is.
	regular bool
}

// compact maps the compact forms of header names (RFC 3261 section 7.3.3, RFC 6665, …).
var compact = map[string]string{
	"i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length", "c": "content-type", "f": "from",
	"s": "subject", "k": "supported", "t": "to", "v": "via", "o": "event", "u": "allow-events", "r": "refer-to", "b": "referred-by",
	"x": "session-expires", "y": "identity", "d": "request-disposition", "a": "accept-contact", "j": "reject-contact",
}

// scan takes b apart. It never fails: what is wrong is noted in fault, and what can be read is read,
// so that the message can be answered.
func scan(b []byte) *message {
	m := &message{raw: b}
	for bytes.HasPrefix(b[m.begin:], []byte("\r\n")) {
		m.begin += 2
	}
	b = b[m.begin:]
	head, ended := b, false
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		head, ended = b[:i+2], true
		m.head = m.begin + i + 4
	} else {
		m.head = m.begin + len(b)
		m.note("the head does not end")
	}
	m.end = len(m.raw)
	line, rest := cutLine(head)
	m.start(line)
	m.headers(rest)
	if ended && hasBareLineEnd(head) {
		m.note("CR or LF alone")
	}
	return m
}

func (m *message) note(fault string) {
	if m.fault == "" {
		m.fault = fault
	}
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok {
		return b, nil
	}
	return line, rest
}

func hasBareLineEnd(head []byte) bool {
	for i, c := range head {
		switch c {
		case '\r':
			if i+1 == len(head) || head[i+1] != '\n' {
				return true
			}
		case '\n':
			if i == 0 || head[i-1] != '\r' {
				return true
			}
		}
	}
	return false
}

// start reads the start line. A request has exactly two spaces, a response at least one.
func (m *message) start(line []byte) {
	s := string(line)
	if len(s) >= 4 && strings.EqualFold(s[:4], "SIP/") {
		m.response = true
		version, rest, _ := strings.Cut(s, " ")
		code, reason, regular := strings.Cut(rest, " ")
		m.version, m.reason = strings.ToUpper(version), reason
		m.startRegular = regular && m.version == version
		n, err := strconv.ParseUint(code, 10, 16)
		if err != nil || len(code) != 3 {
			m.note("status code")
			return
		}
		m.status = int(n)
		return
	}
	m.startRegular = true
	parts := strings.Fields(s)
	if len(parts) > 0 {
		m.method = parts[0]
	}
	if len(parts) > 1 && isVersion(parts[len(parts)-1]) {
		m.version = strings.ToUpper(parts[len(parts)-1])
		m.startRegular = m.version == parts[len(parts)-1]
	}
	if len(parts) != 3 || strings.Count(s, " ") != 2 || strings.ContainsAny(s, "\t") || m.version == "" {
		m.note("start line")
		return
	}
	m.uri = parts[1]
}

// isVersion matches SIP-Version of RFC 3261 section 25.1.
func isVersion(s string) bool {
	if len(s) < 7 || !strings.EqualFold(s[:4], "SIP/") {
		return false
	}
	major, minor, ok := strings.Cut(s[4:], ".")
	return ok && isDigits(major) && isDigits(minor)
}

func (m *message) headers(rest []byte) {
	for len(rest) > 0 {
		var line []byte
		line, rest = cutLine(rest)
		if len(line) == 0 {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(m.fields) == 0 {
				m.note("white space before the first header")
				continue
			}
			last := &m.fields[len(m.fields)-1]
			last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(string(line)))
			last.regular = false
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		written := strings.TrimRight(name, " \t")
		if !ok || !isToken(written) {
			m.note("header line without a name")
			continue
		}
		if len(m.fields) == MaxHeaders {
			m.note("too many headers")
			return
		}
		m.fields = append(m.fields, field{name: longName(written), written: written, value: strings.Trim(value, " \t"), regular: len(written) == len(name)})
	}
}

func longName(written string) string {
	name := strings.ToLower(written)
	if long, ok := compact[name]; ok {
		return long
	}
	return name
}

// first is the first field of that name, nil if there is none.
func (m *message) first(name string) *field {
	for i := range m.fields {
		if m.fields[i].name == name {
			return &m.fields[i]
		}
	}
	return nil
}

func (m *message) count(name string) int {
	n := 0
	for i := range m.fields {
		if m.fields[i].name == name {
			n++
		}
	}
	return n
}

// all joins the values of a field that may stand several times.
func (m *message) all(name string) []string {
	var out []string
	for i := range m.fields {
		if m.fields[i].name == name {
			out = append(out, m.fields[i].value)
		}
	}
	return out
}
