package strict

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxCSeq is the largest sequence number (RFC 3261 section 8.1.1.5: less than 2**31).
const maxCSeq = 1<<31 - 1

// single are the fields that stand at most once.
var single = []string{"from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "event", "subscription-state", "expires", "sip-etag", "sip-if-match"}

// checkStart looks at the request line.
func (m *message) checkStart() *fault {
	switch {
	case m.version != "" && m.version != "SIP/2.0":
		return &fault{status: 505, cause: "version " + m.version}
	case m.fault != "":
		return bad(m.fault)
	case !isToken(m.method):
		return bad("method")
	}
	if s := scheme(m.uri); s == "" || strings.ContainsAny(m.uri, "<>\"") {
		return bad("Request-URI")
	} else if s == "sip" || s == "sips" {
		_, host, found := strings.Cut(m.uri, "@")
		if !found {
			host = m.uri
		}
		if checkURI(m.uri) != nil || strings.Contains(host, "?") { // no headers in a Request-URI: section 19.1.1
			return bad("Request-URI")
		}
	}
	return nil
}

// checkSyntax looks at the header fields that every message has, and canonicalises them.
func (m *message) checkSyntax() *fault {
	for _, name := range single {
		if m.count(name) > 1 {
			return bad("more than one " + name)
		}
	}
	for _, name := range []string{"via", "from", "to", "call-id", "cseq"} {
		if m.first(name) == nil {
			return bad("no " + name)
		}
	}
	for i := range m.fields {
		f := &m.fields[i]
		if err := m.canonical(f); err != nil {
			return bad(f.name + ": " + err.Error())
		}
	}
	return nil
}

// canonical checks a field whose form matters and fills in what is passed on.
func (m *message) canonical(f *field) (err error) {
	f.canonical = f.value
	switch f.name {
	case "via":
		f.canonical, err = m.viaList(f.value)
	case "from", "to":
		var a address
		a, err = parseAddress(f.value)
		f.canonical = a.String()
	case "contact":
		if f.value != "*" {
			f.canonical, err = addressList(f.value)
		}
	case "route", "record-route", "refer-to", "referred-by":
		f.canonical, err = addressList(f.value)
	case "cseq":
		f.canonical, err = m.cseq(f.value)
	case "max-forwards":
		var n uint64
		n, err = strconv.ParseUint(f.value, 10, 8)
		f.canonical = strconv.FormatUint(n, 10)
	case "content-type":
		major, minor, ok := strings.Cut(mediaType(f), "/")
		if !ok || !isToken(major) || !isToken(minor) {
			err = errSyntax
		}
	case "call-id":
		if f.value == "" || strings.ContainsAny(f.value, " \t") {
			err = errSyntax
		}
	case "date":
		if _, derr := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", f.value); derr != nil {
			f.canonical = "" // RFC 4475 section 3.1.2.12: it may be ignored; so nobody gets to see it
		}
	}
	return err
}

func (m *message) viaList(value string) (string, error) {
	values, err := splitList(value)
	if err != nil {
		return "", err
	}
	for i, s := range values {
		v, err := parseVia(s)
		if err != nil {
			return "", err
		}
		values[i] = v.String()
		m.vias++
	}
	return strings.Join(values, ", "), nil
}

func addressList(value string) (string, error) {
	values, err := splitList(value)
	if err != nil {
		return "", err
	}
	for i, s := range values {
		a, err := parseAddress(s)
		if err != nil {
			return "", err
		}
		values[i] = a.String()
	}
	return strings.Join(values, ", "), nil
}

func (m *message) cseq(value string) (string, error) {
	number, method, _ := strings.Cut(strings.ReplaceAll(value, "\t", " "), " ")
	method = strings.TrimLeft(method, " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n > maxCSeq || !isToken(method) {
		return "", errSyntax
	}
	if !m.response && method != m.method {
		return "", errSyntax
	}
	return strconv.FormatUint(n, 10) + " " + method, nil
}

// checkLength compares Content-Length with what is there (RFC 3261 section 18.3), and cuts off what is
// too much.
func (m *message) checkLength(stream bool) *fault {
	f := m.first("content-length")
	if f == nil {
		if stream {
			return bad("no content-length on a stream")
		}
		return nil
	}
	n, err := strconv.ParseUint(f.value, 10, 31)
	switch {
	case err != nil:
		return bad("content-length")
	case int(n) > len(m.raw)-m.head:
		return bad("body shorter than content-length")
	}
	m.end = m.head + int(n)
	return nil
}

// checkMeaning is what a user agent checks of a well-formed request before it processes it.
func (m *message) checkMeaning(r Rules) *fault {
	if !r.known(m.method) {
		return &fault{status: 501, cause: "method " + m.method, headers: []Header{{"Allow", strings.Join(r.Methods, ", ")}}}
	}
	if s := scheme(m.uri); s != "sip" && s != "sips" {
		return &fault{status: 416, cause: "scheme " + s}
	}
	if m.method != "ACK" && m.method != "CANCEL" { // section 8.2.2.3
		if f := m.checkRequire(r); f != nil {
			return f
		}
	}
	if types, ok := r.Types[m.method]; ok && m.end > m.head {
		if !slices.Contains(types, mediaType(m.first("content-type"))) {
			return &fault{status: 415, cause: "content type", headers: []Header{{"Accept", strings.Join(types, ", ")}}}
		}
	}
	if answer, ok := r.Answers[m.method]; ok && m.first("accept") != nil && !accepts(m.all("accept"), answer) {
		return &fault{status: 406, cause: "answer not acceptable"}
	}
	return nil
}

func (m *message) checkRequire(r Rules) *fault {
	var unsupported []string
	for _, value := range m.all("require") {
		for tag := range strings.SplitSeq(value, ",") {
			tag = strings.Trim(tag, " \t")
			if tag != "" && !slices.ContainsFunc(r.Extensions, func(e string) bool { return strings.EqualFold(e, tag) }) {
				unsupported = append(unsupported, tag)
			}
		}
	}
	if len(unsupported) == 0 {
		return nil
	}
	list := strings.Join(unsupported, ", ")
	return &fault{status: 420, cause: "requires " + list, headers: []Header{{"Unsupported", list}}}
}

func mediaType(f *field) string {
	if f == nil {
		return ""
	}
	t, _, _ := strings.Cut(f.value, ";")
	return strings.ToLower(strings.Join(strings.Fields(t), ""))
}

// accepts reports whether an Accept field allows the media type.
func accepts(values []string, want string) bool {
	major, _, _ := strings.Cut(want, "/")
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			t, _, _ := strings.Cut(item, ";")
			switch strings.ToLower(strings.Trim(t, " \t")) {
			case want, major + "/*", "*/*":
				return true
			}
		}
	}
	return false
}
