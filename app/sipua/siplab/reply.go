package siplab

// Answers: built from the request they answer, sent through its transaction, counted.

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/emiago/sipgo/sip"
)

// randomHex returns n random octets in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// response builds an answer (RFC 3261 section 8.2.6). Headers are shared with the request: nobody changes them any more.
func (r *request) response(status int, reason string, extra ...sip.Header) *sip.Response {
	res := sip.NewResponse(status, reason)
	for _, h := range r.Headers() {
		switch h.Name() {
		case "Via", "From", "Call-ID", "CSeq":
			res.AppendHeader(h)
		case "To":
			res.AppendHeader(r.toWithTag(h, status))
		case "Record-Route":
			if status > 100 && status < 300 {
				res.AppendHeader(h)
			}
		case "Timestamp":
			if status == 100 {
				res.AppendHeader(h)
			}
		}
	}
	for _, h := range extra {
		res.AppendHeader(h)
	}
	res.AppendHeader(sip.NewHeader("Server", serverName))
	res.SetBody(nil)
	res.SetTransport(r.flow.network)
	res.SetDestination(r.flow.remote)
	return res
}

func (r *request) toWithTag(h sip.Header, status int) sip.Header {
	if status == 100 || r.to.tag() != "" {
		return h
	}
	return sip.NewHeader("To", r.toText+";tag="+r.tag())
}

// tag is this server's tag in every answer to the request.
func (r *request) tag() string {
	if r.localTag == "" {
		r.localTag = randomHex(8)
	}
	return r.localTag
}

// reply answers with a status of our own.
func (in *inbound) reply(status int, reason string, extra ...sip.Header) {
	in.respond(in.response(status, reason, extra...))
}

// respond sends an answer through the transaction.
func (in *inbound) respond(res *sip.Response) {
	if in.tx == nil {
		return
	}
	in.s.counters.response(string(in.Method), res.StatusCode)
	if err := in.tx.Respond(res); err != nil {
		in.s.log.Debug("answer not sent", "method", in.Method, "status", res.StatusCode, "remote", in.flow.remote, "error", err)
	}
	if !res.IsProvisional() && in.flow.reliable() && !in.IsInvite() {
		in.tx.Terminate()
	}
}

func hdr(name, value string) sip.Header { return sip.NewHeader(name, value) }
