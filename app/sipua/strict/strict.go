// Package strict decides what RFC 3261 demands of a received message before anybody acts on it: let it
// through, answer it, or drop it. It knows the torture messages of RFC 4475.
//
// sipgo's parser is made for speed: it lets pass what must be refused (two different Call-IDs, a CSeq
// of another method, a Content-Length that is not true, headers in a Request-URI, an unbalanced
// quote, spaces inside a URI), answers nothing where the RFC wants a 400, 416, 420, 501 or 505,
// folds methods to upper case though they are case-sensitive, and fails on legal white space. So
// every message is looked at before that parser: [Inspect] gives a [Verdict], and with it the
// message in a form that the parser reads rightly (unfolded, without optional white space). For
// requests that were parsed elsewhere there is [Check], which applies the same rules.
//
// The order of the checks is that of RFC 3261 section 8.2: version (505), syntax and the header
// fields every request has (400), method (501), scheme of the Request-URI (416), required extensions
// (420), content (415, 406). Responses are never answered: a bad one is dropped (sections 8.1.3 and
// 18.1.2), and so are an ACK and a request without a Via to answer to.
package strict

import (
	"slices"
	"strings"
)

// Action is what to do with a message.
type Action int

// The actions.
const (
	// Accept: process Verdict.Message.
	Accept Action = iota
	// Reject: send Verdict.Response and forget the request.
	Reject
	// Drop: forget the message silently.
	Drop
)

// String is the action in words.
func (a Action) String() string { return [...]string{"accept", "reject", "drop"}[a] }

// Header is a header field of a response to a rejected request.
type Header struct{ Name, Value string }

// Verdict is the decision on one message.
type Verdict struct {
	Action Action
	// Status and Reason are those of the response to a rejected request.
	Status int
	Reason string
	// Headers belong into that response: Unsupported, Allow, Accept.
	Headers []Header
	// Cause says for the operator's log what is wrong.
	Cause string
	// Message is the accepted message, in a form that needs no leniency to parse. It may share memory
	// with the bytes that were inspected.
	Message []byte

	m *message
}

// Rules are what the element knows and takes. The zero value knows nothing; see DefaultRules.
type Rules struct {
	// Methods are those the element knows, whether it takes them or not; others get 501.
	Methods []string
	// Extensions are the option tags a request may require; others get 420.
	Extensions []string
	// Types are the content types taken with a method; others get 415. A method that is not listed
	// is not checked here.
	Types map[string][]string
	// Answers is the content type with which a method would have to be answered; a request whose
	// Accept excludes it gets 406.
	Answers map[string]string
}

// DefaultRules are those of a user agent for messages and presence: all registered methods are known
// (what it does not take is its own 405), and NOTIFYs of resource lists may require eventlist.
func DefaultRules() Rules {
	return Rules{
		Methods:    []string{"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"},
		Extensions: []string{"eventlist", "gruu", "outbound", "path"},
		Types:      map[string][]string{"INVITE": {"application/sdp", "multipart/mixed", "multipart/alternative"}},
		Answers:    map[string]string{"INVITE": "application/sdp"},
	}
}

// Inspect decides on one whole message as it was received. transport is that of the connection
// ("UDP", "TCP", "TLS", in any case): on a stream Content-Length is required. b may hold more than the
// message (a datagram with trailing bytes); what follows the message is ignored.
func Inspect(b []byte, transport string, r Rules) Verdict {
	m := scan(b)
	if m.response {
		return m.inspectResponse()
	}
	f := m.checkStart()
	if f == nil {
		f = m.checkSyntax()
	}
	if f == nil {
		f = m.checkLength(!strings.EqualFold(transport, "UDP"))
	}
	if f == nil {
		f = m.checkMeaning(r)
	}
	if f != nil {
		return m.refuse(f)
	}
	return Verdict{Action: Accept, Message: m.normal(), m: m}
}

// CheckRaw is Inspect with the default rules in short form: ok means that the message is to be
// processed; otherwise status is that of the answer, or 0 where there is to be none.
func CheckRaw(b []byte, transport string) (status int, reason string, ok bool) {
	v := Inspect(b, transport, DefaultRules())
	return v.Status, v.Reason, v.Action == Accept
}

// fault is what is wrong with a request.
type fault struct {
	status  int
	cause   string
	headers []Header
}

func bad(cause string) *fault { return &fault{status: 400, cause: cause} }

var reasons = map[int]string{
	400: "Bad Request", 406: "Not Acceptable", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 501: "Not Implemented", 505: "Version Not Supported",
}

func (m *message) refuse(f *fault) Verdict {
	v := Verdict{Action: Reject, Status: f.status, Reason: reasons[f.status], Headers: f.headers, Cause: f.cause, m: m}
	if m.method == "ACK" || m.first("via") == nil {
		v.Action, v.Status, v.Reason, v.Headers = Drop, 0, "", nil
	}
	return v
}

// inspectResponse: RFC 3261 section 8.1.3.3 has a response with a second Via dropped, section 18.1.2
// one that matches nothing (the transaction layer's work).
func (m *message) inspectResponse() Verdict {
	cause := m.responseFault()
	if cause != "" {
		return Verdict{Action: Drop, Cause: cause, m: m}
	}
	return Verdict{Action: Accept, Message: m.normal(), m: m}
}

func (m *message) responseFault() string {
	switch {
	case m.fault != "":
		return m.fault
	case m.version != "SIP/2.0":
		return "version " + m.version
	case m.status < 100 || m.status > 699:
		return "status out of range"
	}
	if f := m.checkSyntax(); f != nil {
		return f.cause
	}
	if f := m.checkLength(false); f != nil {
		return f.cause
	}
	if m.vias != 1 {
		return "more than one Via"
	}
	return ""
}

// known reports whether the method is one of the element's.
func (r Rules) known(method string) bool { return slices.Contains(r.Methods, method) }
