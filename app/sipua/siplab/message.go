package siplab

// From octets to a checked message: what passes here is sound, what does not carries the answer that RFC 4475 asks for.

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// request is a request that passed the grammar, with the parts that routing needs already taken apart.
type request struct {
	*sip.Request
	uri      uri
	from, to nameAddr
	callID   string
	cseq     uint32
	toText   string // To as it came, for answers
	flow     *flow
	localTag string // tag of every answer to this request
}

// refusal is the answer to a message that is wrong in itself. Without a request to answer it is silence.
type refusal struct {
	status  int
	reason  string
	headers []sip.Header
	// answer is what could be saved of the request: enough for a response, or nil.
	answer *request
}

func (r *refusal) Error() string { return strconv.Itoa(r.status) + " " + r.reason }

// lexed is a message cut into lines.
type lexed struct {
	start   string
	headers []headerLine
	body    []byte
}

type headerLine struct {
	name  string // canonical
	value string
}

// parsed is exactly one of a request or a response.
type parsed struct {
	req *request
	res *sip.Response
}

// lex cuts head (start line and headers, without the empty line) into lines and unfolds them. ok is false for octets
// that are no SIP message at all.
func lex(head []byte) (m lexed, ok bool) {
	text := string(head)
	var line string
	line, text, _ = strings.Cut(text, "\r\n")
	m.start = line
	m.headers = make([]headerLine, 0, 16)
	for text != "" {
		line, text, _ = strings.Cut(text, "\r\n")
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(m.headers) == 0 {
				return m, false
			}
			h := &m.headers[len(m.headers)-1]
			h.value = trim(h.value + " " + trim(line))
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			m.headers = append(m.headers, headerLine{"", line})
			continue
		}
		m.headers = append(m.headers, headerLine{canonicalName(strings.TrimRight(name, " \t")), trim(value)})
	}
	return m, true
}

// canonicalName expands compact forms and fixes the case of the headers that matter here.
func canonicalName(s string) string {
	switch s {
	case "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Length", "Content-Type", "Expires", "Event":
		return s
	}
	if len(s) == 1 {
		if full, ok := compactName(s[0] | 0x20); ok {
			return full
		}
		return s
	}
	for _, known := range knownHeaders {
		if len(known) == len(s) && strings.EqualFold(known, s) {
			return known
		}
	}
	return s
}

func compactName(c byte) (string, bool) {
	switch c {
	case 'v':
		return "Via", true
	case 'f':
		return "From", true
	case 't':
		return "To", true
	case 'i':
		return "Call-ID", true
	case 'm':
		return "Contact", true
	case 'l':
		return "Content-Length", true
	case 'c':
		return "Content-Type", true
	case 'e':
		return "Content-Encoding", true
	case 'k':
		return "Supported", true
	case 'o':
		return "Event", true
	case 'u':
		return "Allow-Events", true
	case 's':
		return "Subject", true
	case 'r':
		return "Refer-To", true
	case 'b':
		return "Referred-By", true
	case 'x':
		return "Session-Expires", true
	}
	return "", false
}

// knownHeaders is read-only: the names whose case is made uniform.
var knownHeaders = [...]string{
	"Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Length", "Content-Type", "Expires", "Event",
	"Route", "Record-Route", "Require", "Proxy-Require", "Supported", "Authorization", "Proxy-Authorization", "Accept",
	"SIP-If-Match", "Subscription-State", "P-Asserted-Identity", "Date", "Content-Encoding", "Min-Expires", "Retry-After",
	"Allow-Events", "P-Preferred-Identity",
}

// parse checks a whole message. body is what framing found behind the empty line.
func parse(head, body []byte) (parsed, *refusal) {
	m, ok := lex(head)
	if !ok {
		return parsed{}, &refusal{status: 400, reason: "Bad Request"}
	}
	m.body = body
	if strings.HasPrefix(m.start, "SIP/") {
		res, err := buildResponse(&m)
		if err != nil {
			return parsed{}, &refusal{status: 400, reason: err.Error()}
		}
		return parsed{res: res}, nil
	}
	req, ref := buildRequest(&m)
	if ref != nil {
		ref.answer = salvage(&m)
		return parsed{}, ref
	}
	return parsed{req: req}, nil
}

func bad(reason string) *refusal { return &refusal{status: 400, reason: "Bad Request: " + reason} }

// buildRequest applies RFC 3261 section 8.2 and 16.3 to a request, in the order in which a mistake decides the answer.
func buildRequest(m *lexed) (*request, *refusal) {
	method, target, version, ok := requestLine(m.start)
	if !ok {
		return nil, bad("request line")
	}
	if !strings.EqualFold(version, "SIP/2.0") {
		return nil, &refusal{status: 505, reason: "Version Not Supported"}
	}
	r := &request{Request: sip.NewRequest(sip.RequestMethod(method), sip.Uri{})}
	if ref := r.fill(m); ref != nil {
		return nil, ref
	}
	if seen := r.CSeq().MethodName; string(seen) != method {
		if !knownMethod(method) {
			return nil, &refusal{status: 501, reason: "Not Implemented"}
		}
		return nil, bad("CSeq names another method")
	}
	u, err := parseURI(target)
	if err != nil {
		return nil, bad("request URI")
	}
	if !u.isSIP() {
		return nil, &refusal{status: 416, reason: "Unsupported URI Scheme"}
	}
	if u.headers != "" {
		return nil, bad("headers in the request URI")
	}
	r.uri = u
	r.Recipient = u.sip()
	return r, nil
}

// requestLine reads Method SP Request-URI SP SIP-Version with exactly one space each.
func requestLine(s string) (method, target, version string, ok bool) {
	method, rest, ok1 := strings.Cut(s, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok1 || !ok2 || !all(method, classToken) || target == "" || strings.ContainsAny(version, " \t") {
		return "", "", "", false
	}
	if len(version) < 4 || !strings.EqualFold(version[:4], "SIP/") {
		return "", "", "", false
	}
	return method, target, version, true
}

func knownMethod(m string) bool {
	switch m {
	case "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",
		"MESSAGE", "UPDATE":
		return true
	}
	return false
}

// fill turns the header lines into headers and checks the ones that every request must have.
func (r *request) fill(m *lexed) *refusal {
	c := collector{msg: r.Request, length: -1}
	for _, h := range m.headers {
		if ref := c.add(h); ref != nil {
			return ref
		}
	}
	if c.vias == 0 || !c.has("From") || !c.has("To") || !c.has("Call-ID") || !c.has("CSeq") {
		return bad("a required header is missing")
	}
	r.from, r.to, r.toText, r.callID = c.from, c.to, c.toText, c.callID
	r.cseq = r.CSeq().SeqNo
	if r.MaxForwards() == nil {
		mf := sip.MaxForwardsHeader(70)
		r.AppendHeader(&mf)
	}
	if c.length > len(m.body) {
		return bad("body shorter than Content-Length")
	}
	if c.length >= 0 && c.length < len(m.body) {
		m.body = m.body[:c.length]
	}
	r.SetBody(bytes.Clone(m.body))
	return nil
}

// buildResponse checks a response; an error means that it is dropped (there is nobody to tell).
func buildResponse(m *lexed) (*sip.Response, error) {
	version, rest, _ := strings.Cut(m.start, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if err != nil || !strings.EqualFold(version, "SIP/2.0") || len(code) != 3 || status < 100 || status > 699 {
		return nil, errSyntax
	}
	res := sip.NewResponse(int(status), reason)
	c := collector{msg: res, length: -1}
	for _, h := range m.headers {
		if ref := c.add(h); ref != nil {
			return nil, ref
		}
	}
	if c.vias == 0 || !c.has("From") || !c.has("To") || !c.has("Call-ID") || !c.has("CSeq") || c.length > len(m.body) {
		return nil, errSyntax
	}
	if c.length >= 0 {
		m.body = m.body[:c.length]
	}
	res.SetBody(bytes.Clone(m.body))
	return res, nil
}

// salvage picks what an answer needs out of a message that is broken elsewhere. Without a usable top Via it returns nil:
// there is nowhere to answer to. ACK is never answered.
func salvage(m *lexed) *request {
	method, _, _ := strings.Cut(m.start, " ")
	if method == "" || method == "ACK" || !strings.Contains(m.start, "SIP/") {
		return nil
	}
	r := &request{Request: sip.NewRequest(sip.RequestMethod(method), sip.Uri{Scheme: "sip", Host: "invalid"})}
	seen := map[string]bool{}
	for _, h := range m.headers {
		switch h.name {
		case "Via":
			salvageVias(r, h.value)
		case "From", "Call-ID", "CSeq", "Timestamp":
			if !seen[h.name] {
				r.AppendHeader(sip.NewHeader(h.name, h.value))
			}
		case "To":
			if !seen[h.name] {
				r.toText = h.value
				r.AppendHeader(sip.NewHeader(h.name, h.value))
			}
		}
		seen[h.name] = true
	}
	if r.Via() == nil {
		return nil
	}
	if n, err := parseNameAddr(r.toText); err == nil {
		r.to = n
	}
	return r
}

func salvageVias(r *request, value string) {
	parts, err := splitList(value)
	if err != nil {
		return
	}
	for _, p := range parts {
		via, err := parseVia(p)
		if err != nil && r.Via() == nil {
			// Separators too many are the usual case: keep sent-by, drop the parameters.
			if i := strings.IndexByte(p, ';'); i > 0 {
				via, err = parseVia(p[:i])
			}
		}
		if err == nil {
			r.AppendHeader(via)
		}
	}
}
