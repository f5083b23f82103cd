package siplab

// Where a request goes (RFC 3261 section 16.4 and 16.5): to this server, to a person's devices, to a neighbour domain, or
// along a dialog.

import (
	"context"
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

const allowedMethods = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PUBLISH, SUBSCRIBE, NOTIFY, MESSAGE, INFO, UPDATE, PRACK, REFER"

// target is one place to send a request to. Without a flow, or with a closed one, the URI is connected to.
type target struct {
	uri     uri
	flow    *flow
	binding *binding
}

// route handles everything that is not for the registrar or the presence agent.
func (s *Server) route(in *inbound) {
	if s.checkHops(in) {
		return
	}
	routes, ours, ok := in.popRoutes()
	if !ok {
		in.reply(403, "Forbidden: no relaying along a foreign Route")
		return
	}
	if len(routes) > 0 {
		s.routeForeign(in, routes[0].uri)
		return
	}
	next, neighbour := s.neighbour(in.uri.host)
	switch {
	case in.local(&in.uri) && in.uri.user == "":
		s.toServer(in)
	case in.local(&in.uri):
		s.toPerson(in)
	case neighbour:
		s.toNeighbour(in, next)
	case ours || in.to.tag() != "":
		s.alongDialog(in)
	default:
		s.notRelayed(in)
	}
}

// checkHops applies Max-Forwards and loop detection (RFC 3261 section 16.3).
func (s *Server) checkHops(in *inbound) bool {
	if mf := in.MaxForwards(); mf.Val() == 0 {
		in.reply(483, "Too Many Hops")
		return true
	}
	if s.branch.looped(in) {
		in.reply(482, "Loop Detected")
		return true
	}
	return false
}

// popRoutes takes this server off the Route set. ok is false when the rest leads where this server does not relay to.
func (in *inbound) popRoutes() (rest []nameAddr, ours, ok bool) {
	for _, v := range headerAll(in, "Route") {
		list, err := parseNameAddrs(v)
		if err != nil {
			return nil, false, false
		}
		rest = append(rest, list...)
	}
	for len(rest) > 0 && (in.t.isUs(rest[0].uri.host, rest[0].uri.port) || rest[0].uri.host == in.s.cfg.Domain) {
		rest, ours = rest[1:], true
	}
	if len(rest) == 0 {
		return nil, ours, true
	}
	_, known := in.s.neighbour(rest[0].uri.host)
	_, device := in.s.contacts.Load(contactKey(&rest[0].uri))
	return rest, ours, known || device || ours
}

// toServer answers what is addressed to the server itself.
func (s *Server) toServer(in *inbound) {
	switch in.Method {
	case sip.OPTIONS:
		in.reply(200, "OK", hdr("Allow", allowedMethods), hdr("Accept", "application/pidf+xml, text/plain"),
			hdr("Supported", "path, outbound, eventlist"), hdr("Allow-Events", allowEvents))
	case sip.ACK:
	default:
		if knownMethod(string(in.Method)) {
			in.reply(405, "Method Not Allowed", hdr("Allow", allowedMethods))
			return
		}
		in.reply(501, "Not Implemented", hdr("Allow", allowedMethods))
	}
}

// identify authenticates the sender of a request for one of ours. Neighbour domains are known by their address.
func (s *Server) identify(in *inbound) bool {
	from := &in.from.uri
	if r, ok := s.neighbour(from.host); ok {
		if s.trusted(in.flow) || s.fromNeighbour(in.flow, r) {
			return true
		}
		in.reply(403, "Forbidden: not the address of that domain")
		return false
	}
	if s.cfg.Open && !in.local(from) {
		return true
	}
	a := s.authenticate(in)
	if a == nil {
		return false
	}
	if !in.local(from) || fold(from.name()) != fold(unescape(a.name)) {
		in.reply(403, "Forbidden: From is another person")
		return false
	}
	return true
}

// fromNeighbour compares addresses: the port too, unless the neighbour opened the connection.
func (s *Server) fromNeighbour(f *flow, r uri) bool {
	ap, err := netip.ParseAddrPort(f.remote)
	if err != nil {
		return false
	}
	host, err := netip.ParseAddr(strings.Trim(r.host, "[]"))
	return err == nil && host == ap.Addr().Unmap()
}

func (s *Server) toPerson(in *inbound) {
	if !s.identify(in) {
		return
	}
	a := s.account(in.uri.name())
	if a == nil {
		in.reply(404, "Not Found")
		return
	}
	if in.Method == sip.MESSAGE {
		s.message(in, a)
		return
	}
	targets := a.targets(time.Now())
	if len(targets) == 0 {
		in.reply(480, "Temporarily Unavailable")
		return
	}
	s.fork(in, targets, nil)
}

func (s *Server) toNeighbour(in *inbound, next uri) {
	if !s.identify(in) {
		return
	}
	s.fork(in, []target{{uri: in.uri, flow: nil, binding: &binding{contact: next}}}, nil)
}

// alongDialog forwards a request whose target is a device's own address, as requests inside a dialog have it.
func (s *Server) alongDialog(in *inbound) {
	if in.Method == sip.MESSAGE && !s.identify(in) {
		return // a tag is no proof of a dialog
	}
	s.fork(in, []target{s.device(in.uri)}, nil)
}

func (s *Server) routeForeign(in *inbound, next uri) {
	s.fork(in, []target{{uri: in.uri, binding: &binding{contact: next}}}, nil)
}

// device finds the flow of a registered Contact; unknown ones are called at their address.
func (s *Server) device(u uri) target {
	if v, ok := s.contacts.Load(contactKey(&u)); ok {
		b := v.(*binding)
		return target{uri: u, flow: b.flow, binding: b}
	}
	return target{uri: u, binding: &binding{contact: u}}
}

func (s *Server) notRelayed(in *inbound) {
	in.reply(403, "Forbidden: not a domain of this server")
}

// forwardAck passes on the ACK of an accepted INVITE; it has no transaction.
func (s *Server) forwardAck(in *inbound) {
	routes, ours, ok := in.popRoutes()
	if mf := in.MaxForwards(); mf.Val() == 0 || !ok || len(routes) > 0 {
		return
	}
	var targets []target
	switch {
	case in.local(&in.uri):
		if a := s.account(in.uri.name()); a != nil {
			targets = a.targets(time.Now())
		}
	case ours || in.to.tag() != "":
		targets = []target{s.device(in.uri)}
	}
	for _, tg := range targets {
		in.t.spawn(func() {
			f, err := s.reach(in.t, tg)
			if err == nil {
				err = f.WriteMsg(s.forwarded(in, tg, f))
			}
			if err != nil {
				s.log.Debug("ACK not forwarded", "error", err)
			}
		})
	}
}

// reach returns an open flow to a target, opening one where needed.
func (s *Server) reach(t *transport, tg target) (*flow, error) {
	if tg.flow != nil && tg.flow.alive() {
		return tg.flow, nil
	}
	if tg.flow != nil && !tg.flow.reliable() {
		return newPacketFlow(t, tg.flow.udpAddr), nil // the socket is new, the peer is where it was
	}
	u := tg.uri
	if tg.binding != nil {
		if tg.binding.outbound() {
			return nil, errFlowClosed
		}
		u = tg.binding.contact
	}
	network := orString(u.transport(), "UDP")
	port := u.port
	if port == 0 {
		port = 5060
	}
	ctx, cancel := context.WithTimeout(t.ctx, 3*time.Second)
	defer cancel()
	return t.connect(ctx, network, strings.Trim(u.host, "[]")+":"+strconv.Itoa(port))
}

// branchMaker makes Via branches that are unique and tell this server a loop from a spiral (RFC 3261 section 16.6 item 8).
type branchMaker struct {
	prefix string
	seed   maphash.Seed
	count  atomic.Uint64
}

func (b *branchMaker) init() {
	b.prefix = branchCookie + randomHex(6) + "."
	b.seed = maphash.MakeSeed()
}

// fresh makes a branch for a request of our own.
func (b *branchMaker) fresh() string { return b.prefix + strconv.FormatUint(b.count.Add(1), 36) }

// forwarding makes a branch for a forwarded request.
func (b *branchMaker) forwarding(in *inbound) string { return b.fresh() + "-" + b.fingerprint(in) }

// fingerprint covers what decides where a request goes: the same value again is a loop, another one a spiral.
func (b *branchMaker) fingerprint(in *inbound) string {
	var h maphash.Hash
	h.SetSeed(b.seed)
	h.WriteString(in.uri.String())
	h.WriteString(in.from.tag())
	h.WriteString(in.to.tag())
	h.WriteString(in.callID)
	for _, r := range headerAll(in, "Route") {
		h.WriteString(r)
	}
	return strconv.FormatUint(h.Sum64()+uint64(in.cseq), 36)
}

func (b *branchMaker) looped(in *inbound) bool {
	print := ""
	for _, h := range in.Headers() {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		branch, _ := via.Params.Get("branch")
		if !strings.HasPrefix(branch, b.prefix) {
			continue
		}
		if print == "" {
			print = "-" + b.fingerprint(in)
		}
		if strings.HasSuffix(branch, print) {
			return true
		}
	}
	return false
}
