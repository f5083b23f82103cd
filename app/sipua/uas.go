package sipua

// The server side: what comes in, and what is answered at once.

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
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
	if bytes.HasPrefix(raw, []byte("SIP/2.0 ")) {
		a.receiveResponse(f, raw)
		return
	}
	began := time.Now()
	if !f.reliable() {
		whole, ok := datagram(raw)
		if !ok {
			a.reject(f, raw, 400, "Bad Content-Length")
			return
		}
		raw = whole
	}
	if status, reason := a.strict(raw); status != 0 {
		a.reject(f, raw, status, reason)
		return
	}
	msg, err := a.parser.ParseSIP(raw)
	req, ok := msg.(*sip.Request)
	if err != nil || !ok {
		a.cfg.Logger.Debug("request not understood", "remote", f.remote, "error", err)
		a.reject(f, raw, 400, "Bad Request")
		return
	}
	req.SetTransport(f.network)
	req.SetSource(f.remote.String())
	if req.Via() == nil || req.CSeq() == nil || req.From() == nil || req.To() == nil || req.CallID() == nil {
		a.reject(f, raw, 400, "Missing Header Field")
		return
	}
	if req.IsCancel() && a.cancelled(f, req) {
		return
	}
	tx, err := a.txs.serve(f, req)
	switch {
	case errors.Is(err, errBusy):
		a.respond(tx, req, answer{503, "Too Busy", []string{"Retry-After", retrySoon}}, began)
	case err != nil:
		a.cfg.Logger.Debug("request dropped", "method", req.Method, "error", err)
	case tx != nil && !f.trusted:
		a.respond(tx, req, answer{status: 403, reason: "Not From Here"}, began)
	case tx != nil:
		a.dispatch(f, req, tx, began)
	}
}

func (a *Agent) receiveResponse(f *flow, raw []byte) {
	msg, err := a.parser.ParseSIP(raw)
	res, ok := msg.(*sip.Response)
	if err != nil || !ok {
		a.cfg.Logger.Info("response not understood", "remote", f.remote, "error", err)
		return
	}
	a.txs.response(res)
}

// datagram cuts what follows the body off; false when the body is shorter than the head says (RFC 3261
// section 18.3).
func datagram(raw []byte) ([]byte, bool) {
	i := bytes.Index(raw, []byte("\r\n\r\n"))
	if i < 0 {
		return raw, true // the parser says what is wrong
	}
	head := raw[:i+4]
	named := false
	for name := range headerLines(head) {
		named = named || strings.EqualFold(name, "content-length") || strings.EqualFold(name, "l")
	}
	if !named {
		return raw, true
	}
	n, err := contentLength(head)
	if err != nil || len(head)+n > len(raw) {
		return nil, false
	}
	return raw[:len(head)+n], true
}

// dispatch answers a request by its method.
func (a *Agent) dispatch(f *flow, req *sip.Request, tx *sip.ServerTx, began time.Time) {
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
		ans = a.invited(req, inDialog)
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

// invited declines a call: nobody can be called here, but their other devices may still ring, so the
// answer is 488 and not 603, which would end the search (RFC 3261 sections 13.3.1.3, 21.6.2).
func (a *Agent) invited(req *sip.Request, inDialog bool) answer {
	if inDialog {
		return answer{status: 481, reason: "Call/Transaction Does Not Exist"}
	}
	if a.find(req) == nil {
		return answer{status: 404, reason: "Not Found"}
	}
	return answer{488, "Takes No Calls Here", []string{"Warning", `399 portico "This person takes messages here, but no calls"`}}
}

// cancelled answers a CANCEL for an INVITE that has been answered already: it changes nothing.
func (a *Agent) cancelled(f *flow, req *sip.Request) bool {
	if !a.txs.invited(req) {
		return false
	}
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	if err := f.WriteMsg(res); err != nil {
		a.cfg.Logger.Debug("answer CANCEL", "error", err)
	}
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

// reject answers a request that cannot be read as a whole, from the header lines that can. It keeps no
// state: a repetition is answered again. Responses and ACK are never answered.
func (a *Agent) reject(f *flow, raw []byte, status int, reason string) {
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	if bytes.HasPrefix(line, []byte("SIP/")) || bytes.HasPrefix(line, []byte("ACK ")) || !bytes.Contains(line, []byte(" ")) {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	target, vias := f.remote, 0
	for name, value := range headerLines(raw) {
		full := ""
		switch strings.ToLower(name) {
		case "via", "v":
			full = "Via"
			if vias++; vias == 1 && !f.reliable() {
				value, target = received(value, f.remote)
			}
		case "from", "f":
			full = "From"
		case "to", "t":
			full = "To"
			if !strings.Contains(strings.ToLower(value), "tag") {
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
	if vias == 0 {
		return // nobody could take the answer
	}
	if status == 405 || status == 501 {
		b.WriteString("Allow: " + allow + "\r\n")
	}
	fmt.Fprintf(&b, "Server: %s\r\nContent-Length: 0\r\n\r\n", a.cfg.UserAgent)
	if !f.reliable() {
		f = newPacketFlow(f.socket, target, f.host, f.port, f.trusted)
	}
	if err := f.writeBytes(b.Bytes()); err != nil {
		a.cfg.Logger.Debug("reject", "error", err)
	}
	if a.cfg.Metrics.Received != nil {
		method, _, _ := strings.Cut(string(line), " ")
		if len(method) > 16 {
			method = "other"
		}
		a.cfg.Metrics.Received(method, status, 0)
	}
}

// received fills in the top Via as RFC 3261 section 18.2.1 and RFC 3581 ask, and says where the answer
// goes: to the source address, and its port where rport asks for that.
func received(via string, remote net.Addr) (string, net.Addr) {
	host, port := splitAddr(remote)
	parts := strings.Split(via, ";")
	asked := false
	for i, p := range parts[1:] {
		if strings.EqualFold(strings.TrimSpace(p), "rport") {
			parts[i+1], asked = "rport="+strconv.Itoa(port), true
		}
	}
	via = strings.Join(parts, ";") + ";received=" + host
	if asked {
		return via, remote
	}
	sent := 5060
	if fields := strings.Fields(parts[0]); len(fields) > 1 {
		if _, p, err := net.SplitHostPort(fields[len(fields)-1]); err == nil {
			if n, err := strconv.ParseUint(p, 10, 16); err == nil {
				sent = int(n)
			}
		}
	}
	udp, ok := remote.(*net.UDPAddr)
	if !ok {
		return via, remote
	}
	return via, &net.UDPAddr{IP: udp.IP, Port: sent, Zone: udp.Zone}
}

// strict is where requests are held to what RFC 3261 demands before anything acts on them.
func (a *Agent) strict([]byte) (int, string) { return 0, "" }
