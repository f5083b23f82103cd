package strict

import (
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"strings"
)

// normal is the message as it is passed on: as received where nothing in it needs leniency, else with
// unfolded headers, canonical values and the body alone behind them.
func (m *message) normal() []byte {
	m.completeVia()
	regular := m.startRegular
	for i := range m.fields {
		f := &m.fields[i]
		regular = regular && f.regular && f.canonical == f.value
	}
	if regular {
		return m.raw[m.begin:m.end]
	}
	b := make([]byte, 0, m.end-m.begin+64)
	b = append(b, m.startLine()...)
	for i := range m.fields {
		f := &m.fields[i]
		if f.name == "date" && f.canonical == "" {
			continue
		}
		b = appendHeader(b, f.written, f.canonical)
	}
	b = append(b, "\r\n"...)
	return append(b, m.raw[m.head:m.end]...)
}

func (m *message) startLine() string {
	if m.response {
		return fmt.Sprintf("SIP/2.0 %03d %s\r\n", m.status, m.reason)
	}
	return m.method + " " + m.uri + " SIP/2.0\r\n"
}

func appendHeader(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// completeVia gives a request in the manner of RFC 2543, with neither a branch nor a From tag, a branch
// made of what identifies its transaction there (RFC 3261 section 17.2.3), since transactions are
// found by one or the other. The old client ignores the parameter in the answer.
func (m *message) completeVia() {
	if m.response {
		return
	}
	top, from := m.first("via"), m.first("from")
	if from == nil || hasParam(from.canonical, "tag") {
		return
	}
	values, err := splitList(top.canonical)
	if err != nil || hasParam(values[0], "branch") {
		return
	}
	h := fnv.New64a()
	for _, part := range []string{m.uri, from.canonical, m.value("call-id"), strings.Fields(m.value("cseq"))[0], values[0]} {
		h.Write([]byte(part)) // never fails
		h.Write([]byte{0})
	}
	values[0] += ";branch=z9hG4bK-2543-" + strconv.FormatUint(h.Sum64(), 16)
	top.canonical = strings.Join(values, ", ")
}

func (m *message) value(name string) string {
	if f := m.first(name); f != nil {
		return f.value
	}
	return ""
}

// hasParam looks for a header parameter behind a canonical value's URI or host.
func hasParam(canonical, name string) bool {
	if i := strings.LastIndexByte(canonical, '>'); i >= 0 {
		canonical = canonical[i+1:]
	}
	_, rest, _ := strings.Cut(canonical, ";")
	_, ok := param(rest, name)
	return ok
}

// Response is the answer to a rejected request, made of what could be read of it: all Via fields in
// order, From, To (with a tag), Call-ID and CSeq. source is where the request came from; over UDP it is
// written into the top Via (RFC 3261 section 18.2.1, RFC 3581), and the answer is to be sent there. It
// is nil where the verdict is not Reject.
func (v Verdict) Response(source net.Addr) []byte {
	if v.Action != Reject || v.m == nil {
		return nil
	}
	m := v.m
	b := make([]byte, 0, 512)
	b = fmt.Appendf(b, "SIP/2.0 %d %s\r\n", v.Status, v.Reason)
	top := true
	for i := range m.fields {
		if f := &m.fields[i]; f.name == "via" {
			value := f.value
			if top {
				value = received(value, source)
				top = false
			}
			b = appendHeader(b, "Via", value)
		}
	}
	for _, name := range []string{"From", "To", "Call-ID", "CSeq"} {
		f := m.first(strings.ToLower(name))
		if f == nil {
			continue
		}
		value := f.value
		if name == "To" && !hasParam(strings.ReplaceAll(value, " ", ""), "tag") {
			value += ";tag=" + m.toTag()
		}
		b = appendHeader(b, name, value)
	}
	for _, h := range v.Headers {
		b = appendHeader(b, h.Name, h.Value)
	}
	return append(b, "Content-Length: 0\r\n\r\n"...)
}

// toTag is the same for retransmissions of a request, as the tag of a stateless answer must be
// (RFC 3261 section 8.2.7).
func (m *message) toTag() string {
	h := fnv.New64a()
	for _, name := range []string{"via", "from", "to", "call-id", "cseq"} {
		h.Write([]byte(m.value(name))) // never fails
		h.Write([]byte{0})
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// received notes the source in the first value of a Via field; one that cannot be read stays as it is.
func received(value string, source net.Addr) string {
	udp, ok := source.(*net.UDPAddr)
	if !ok {
		return value
	}
	values, err := splitList(value)
	if err != nil {
		return value
	}
	v, err := parseVia(values[0])
	if err != nil {
		return value
	}
	var params strings.Builder
	for p := range strings.SplitSeq(strings.TrimPrefix(v.params, ";"), ";") {
		name, _, _ := strings.Cut(p, "=")
		switch {
		case p == "" || strings.EqualFold(name, "received"):
			continue
		case strings.EqualFold(name, "rport"):
			p = "rport=" + strconv.Itoa(udp.Port)
		}
		params.WriteString(";" + p)
	}
	v.params = params.String() + ";received=" + udp.IP.String()
	values[0] = v.String()
	return strings.Join(values, ", ")
}
