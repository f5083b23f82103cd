package sipua

// The server side: what comes in, and what is answered at once.

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/sipua/strict"
)

// What we do, as the headers of that name say it.
const (
	allow       = "MESSAGE, NOTIFY, OPTIONS, INVITE, ACK, CANCEL, BYE"
	acceptTypes = "text/plain, message/cpim, message/imdn+xml, application/im-iscomposing+xml"
	retrySoon   = "5" // seconds, in Retry-After
)

// answer is a response to be sent.
type answer struct {
	status  int
	reason  string
	headers []string // name, value, name, value …
}

// receive takes one message from a flow. It is called by the flow's reader and never waits.
func (a *Agent) receive(f *flow, raw []byte) {
	defer rescue(a.cfg.Logger, "receiving", func() { a.reject(f, raw, defect.status, defect.reason) })
	a.taps.see(f, raw, false)
	if bytes.HasPrefix(raw, []byte("SIP/2.0 ")) {
		a.receiveResponse(f, raw)
		return
	}
	began := time.Now()
	v := strict.Inspect(raw, f.network, a.rules)
	if v.Action != strict.Accept {
		a.refuse(f, raw, v)
		return
	}
	raw = v.Message
	msg, err := a.parser.ParseSIP(raw)
	req, ok := msg.(*sip.Request)
	if err != nil || !ok {
		// what strict lets pass, sipgo reads; if it ever does not, the peer is told as much
		a.cfg.Logger.Warn("request not understood", "remote", f.remote, "error", err)
		a.reject(f, raw, 400, "Bad Request")
		return
	}
	if !f.trusted { // without a transaction: strangers must not fill the table of those who are not
		a.reject(f, raw, 403, "Not From Here")
		return
	}
	req.SetTransport(f.network)
	req.SetSource(f.remote.String())
	if req.IsCancel() && a.cancelled(f, req) {
		return
	}
	tx, err := a.txs.serve(f, req)
	switch {
	case errors.Is(err, errBusy):
		a.reject(f, raw, 503, "Too Busy", "Retry-After", retrySoon)
	case err != nil:
		a.cfg.Logger.Debug("request dropped", "method", req.Method, "error", err)
	case tx != nil:
		a.dispatch(f, req, tx, began)
	}
}

func (a *Agent) receiveResponse(f *flow, raw []byte) {
	msg, err := a.parser.ParseSIP(raw)
	res, ok := msg.(*sip.Response)
	if err != nil || !ok || len(res.GetHeaders("Via")) != 1 { // RFC 3261 section 8.1.3.3
		a.cfg.Logger.Info("response not understood", "remote", f.remote, "error", err)
		return
	}
	a.txs.response(res)
}

// refuse answers what strict will not have, without keeping state: a repetition is answered again.
func (a *Agent) refuse(f *flow, raw []byte, v strict.Verdict) {
	a.cfg.Logger.Info("request refused", "remote", f.remote, "action", v.Action, "status", v.Status, "cause", v.Cause)
	if v.Action != strict.Reject {
		return
	}
	if err := f.writeBytes(v.Response(f.remote)); err != nil {
		a.cfg.Logger.Debug("refuse", "error", err)
	}
	a.countRefused(raw, v.Status)
}

func (a *Agent) countRefused(raw []byte, status int) {
	if a.cfg.Metrics.Received == nil {
		return
	}
	method, _, _ := strings.Cut(string(raw[:min(len(raw), 16)]), " ")
	if !slices.Contains(a.rules.Methods, method) {
		method = "other"
	}
	a.cfg.Metrics.Received(method, status, 0)
}

// dispatch answers a request by its method.
func (a *Agent) dispatch(f *flow, req *sip.Request, tx *sip.ServerTx, began time.Time) {
	defer rescue(a.cfg.Logger, "answering "+string(req.Method), func() { a.respond(tx, req, defect, began) })
	if a.toRoom(req) {
		a.roomAsked(req, tx, began)
		return
	}
	inDialog := param(req.To().Params, "tag") != ""
	var ans answer
	switch req.Method {
	case sip.MESSAGE:
		a.messageCame(req, tx, began)
		return
	case sip.NOTIFY:
		ans = a.notified(f, req)
	case sip.OPTIONS:
		ans = a.options(req)
	case sip.INVITE:
		a.invited(f, req, tx, began)
		return
	case sip.CANCEL, sip.BYE:
		ans = answer{status: 481, reason: "Call/Transaction Does Not Exist"}
	case sip.REGISTER, sip.SUBSCRIBE, sip.PUBLISH, sip.REFER, sip.INFO, sip.PRACK, sip.UPDATE:
		ans = answer{405, "Method Not Allowed", []string{"Allow", allow}}
		if inDialog {
			ans = answer{status: 481, reason: "Call/Transaction Does Not Exist"}
		}
	default:
		ans = answer{501, "Not Implemented", []string{"Allow", allow}}
	}
	a.respond(tx, req, ans, began)
}

// options tells what a person here can be sent (RFC 3261 section 11.2).
func (a *Agent) options(req *sip.Request) answer {
	if req.Recipient.User != "" && a.find(req) == nil {
		return answer{status: 404, reason: "Not Found"}
	}
	return answer{200, "OK", []string{"Allow", allow, "Accept", acceptTypes, "Accept-Encoding", acceptEncoding, "Accept-Language", "*", "Allow-Events", "presence, presence.winfo"}}
}

// cancelled answers a CANCEL for an INVITE that is known: one that is held ends, for one that has been answered
// already it changes nothing.
func (a *Agent) cancelled(f *flow, req *sip.Request) bool {
	key, ok := a.txs.invited(f, req)
	if !ok {
		return false
	}
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	if err := f.WriteMsg(res); err != nil {
		a.cfg.Logger.Debug("answer CANCEL", "error", err)
	}
	a.cancelHeld(key, takenElsewhere(req))
	return true
}

// respond sends the final answer of a transaction and counts it.
func (a *Agent) respond(tx *sip.ServerTx, req *sip.Request, ans answer, began time.Time) {
	reason := ans.reason
	if reason == "" {
		reason = "OK"
	}
	res := sip.NewResponseFromRequest(req, ans.status, reason, nil)
	for i := 0; i+1 < len(ans.headers); i += 2 {
		res.AppendHeader(sip.NewHeader(ans.headers[i], ans.headers[i+1]))
	}
	res.AppendHeader(sip.NewHeader("Server", a.cfg.UserAgent))
	if err := tx.Respond(res); err != nil {
		a.cfg.Logger.Debug("answer not sent", "method", req.Method, "status", ans.status, "error", err)
	}
	if a.cfg.Metrics.Received != nil {
		a.cfg.Metrics.Received(string(req.Method), ans.status, time.Since(began))
	}
}

// reject answers a request without keeping state, from the header lines that can be read: one whose
// length is wrong or too much, a stranger's, one too many. Responses and ACK are never answered. More
// headers are name, value, name, value ….
func (a *Agent) reject(f *flow, raw []byte, status int, reason string, more ...string) {
	if bytes.HasPrefix(raw, []byte("SIP/")) || bytes.HasPrefix(raw, []byte("ACK ")) {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	answerable := false
	for name, value := range headerLines(raw) {
		full := ""
		switch strings.ToLower(name) {
		case "via", "v":
			full, answerable = "Via", true
		case "from", "f":
			full = "From"
		case "to", "t":
			full = "To"
			if !strings.Contains(strings.ToLower(value), ";tag") {
				value += ";tag=" + token(6)
			}
		case "call-id", "i":
			full = "Call-ID"
		case "cseq":
			full = "CSeq"
		}
		if full != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", full, value)
		}
	}
	if !answerable {
		return
	}
	for i := 0; i+1 < len(more); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", more[i], more[i+1])
	}
	fmt.Fprintf(&b, "Server: %s\r\nContent-Length: 0\r\n\r\n", a.cfg.UserAgent)
	if err := f.writeBytes(b.Bytes()); err != nil {
		a.cfg.Logger.Debug("reject", "error", err)
	}
	a.countRefused(raw, status)
}

// rules are what requests are held to before anything acts on them. An INVITE is declined whatever it
// carries, but one that is malformed gets the answer it deserves.
func rules() strict.Rules {
	return strict.DefaultRules()
}
