package siplab

// Messages as they pass through: what a proxy changes on the way out and on the way back (RFC 3261 section 16.6 and 16.7).

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// cancelFor makes the CANCEL of a branch (section 9.1): the same in everything but the method, and the reason where there is one.
func cancelFor(invite *sip.Request, reason string) *sip.Request {
	req := sip.NewRequest(sip.CANCEL, invite.Recipient)
	req.AppendHeader(invite.Via())
	for _, h := range invite.Headers() {
		switch h.Name() {
		case "From", "To", "Call-ID", "Route", "Max-Forwards":
			req.AppendHeader(h)
		}
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	if reason != "" {
		req.AppendHeader(hdr("Reason", reason))
	}
	req.SetBody(nil)
	return req
}

// backward is a device's answer as it goes back: without the top Via, which was ours.
func backward(res *sip.Response) *sip.Response {
	out := sip.NewResponse(res.StatusCode, res.Reason)
	first := true
	for _, h := range res.Headers() {
		if _, via := h.(*sip.ViaHeader); via && first {
			first = false
			continue
		}
		if _, length := h.(*sip.ContentLengthHeader); length {
			continue
		}
		out.AppendHeader(h)
	}
	out.SetBody(res.Body())
	return out
}

// forwarded is the request as it leaves on one branch (section 16.6). Headers are shared with the original, which nobody
// changes any more. Our own credentials stop here, and so do identities that nobody we trust asserted.
func (s *Server) forwarded(in *inbound, tg target, f *flow) *sip.Request {
	req := sip.NewRequest(in.Method, tg.uri.sip())
	req.AppendHeader(s.via(in.t, f, s.branch.forwarding(in)))
	if in.IsInvite() {
		s.recordRoute(in, req, f)
	}
	routes, _, _ := in.popRoutes()
	if len(routes) > 0 {
		req.AppendHeader(hdr("Route", routeSet(routes)))
	}
	trusted := s.trusted(in.flow)
	for _, h := range in.Headers() {
		switch h.Name() {
		case "Max-Forwards":
			mf := sip.MaxForwardsHeader(in.MaxForwards().Val() - 1)
			req.AppendHeader(&mf)
		case "Route", "Proxy-Authorization", "Content-Length":
		case "P-Asserted-Identity":
			if trusted {
				req.AppendHeader(h)
			}
		default:
			req.AppendHeader(h)
		}
	}
	req.SetBody(in.Body())
	return req
}

func routeSet(routes []nameAddr) string {
	parts := make([]string, len(routes))
	for i := range routes {
		var b strings.Builder
		b.WriteString("<" + routes[i].uri.String() + ">")
		routes[i].params.write(&b)
		parts[i] = b.String()
	}
	return strings.Join(parts, ", ")
}

// recordRoute keeps this server in the path of a dialog, once for each side (RFC 5658).
func (s *Server) recordRoute(in *inbound, req *sip.Request, out *flow) {
	req.AppendHeader(hdr("Record-Route", s.ownRoute(in.t, out.network)))
	if out.network != in.flow.network {
		req.AppendHeader(hdr("Record-Route", s.ownRoute(in.t, in.flow.network)))
	}
}

func (s *Server) ownRoute(t *transport, network string) string {
	host, port := t.sentBy(network)
	return "<sip:" + host + ":" + strconv.Itoa(port) + ";transport=" + strings.ToLower(network) + ";lr>"
}

func (s *Server) via(t *transport, f *flow, branch string) *sip.ViaHeader {
	host, port := t.sentBy(f.network)
	return &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: f.network, Host: host, Port: port,
		Params: sip.HeaderParams{{K: "branch", V: branch}, {K: "rport"}}}
}
