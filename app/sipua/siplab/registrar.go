package siplab

// REGISTER (RFC 3261 section 10.3, RFC 5626): which devices a person can be reached on.

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// maxBindings bounds the devices of one person.
const maxBindings = 64

// supported are the extensions that Require may name.
var supported = []string{"path", "outbound", "eventlist", "recipient-list-subscribe", "gruu"}

// badExtensions refuses Proxy-Require, and Require of what is for this server itself, where it names something unknown.
func (s *Server) badExtensions(in *inbound) bool {
	unknown := slices.DeleteFunc(tokens(in, "Proxy-Require"), func(t string) bool { return slices.Contains(supported, t) })
	switch in.Method {
	case sip.REGISTER, sip.PUBLISH, sip.SUBSCRIBE:
		unknown = append(unknown, slices.DeleteFunc(tokens(in, "Require"),
			func(t string) bool { return slices.Contains(supported, t) })...)
	}
	if len(unknown) == 0 {
		return false
	}
	in.reply(420, "Bad Extension", hdr("Unsupported", strings.Join(unknown, ", ")))
	return true
}

func (s *Server) minExpires() time.Duration {
	if d := s.faults.minExpires.Load(); d > 0 {
		return time.Duration(d)
	}
	return s.cfg.MinExpires
}

// tooBrief answers 423 where a time is above zero and below the minimum.
func (s *Server) tooBrief(in *inbound, d time.Duration) bool {
	least := s.minExpires()
	if d <= 0 || d >= least {
		return false
	}
	in.reply(423, "Interval Too Brief", hdr("Min-Expires", itoa(least)))
	return true
}

func (s *Server) register(in *inbound) {
	if !in.to.uri.isSIP() {
		in.reply(400, "Bad Request: To is no SIP URI")
		return
	}
	if !in.local(&in.uri) {
		in.reply(403, "Forbidden: not a domain of this registrar")
		return
	}
	a := s.authenticate(in)
	if a == nil {
		return
	}
	if !in.local(&in.to.uri) || fold(in.to.uri.name()) != fold(unescape(a.name)) {
		if s.account(in.to.uri.name()) == nil {
			in.reply(404, "Not Found")
			return
		}
		in.reply(403, "Forbidden: the address of record is another person's")
		return
	}
	contacts, star, err := in.contacts()
	if err != nil || star && in.expires(1) != 0 {
		in.reply(400, "Bad Request: Contact")
		return
	}
	changes, ok := s.bindingsOf(in, a, contacts)
	if !ok {
		return
	}
	now := time.Now()
	a.mu.Lock()
	if status, reason := a.apply(s, in, changes, star, now); status != 0 {
		a.mu.Unlock()
		in.reply(status, reason)
		return
	}
	headers := a.contactHeaders(in, now)
	reachable := len(a.bindings) > 0
	a.mu.Unlock()
	in.reply(200, "OK", headers...)
	if reachable {
		s.deliverStored(a)
	}
}

// bindingsOf reads the Contacts of a REGISTER; ok is false when it was answered with 423 or 400.
func (s *Server) bindingsOf(in *inbound, a *account, contacts []nameAddr) (out []*binding, ok bool) {
	agent, _ := header(in, "User-Agent")
	for _, c := range contacts {
		if !c.uri.isSIP() {
			in.reply(400, "Bad Request: Contact is no SIP URI")
			return nil, false
		}
		d := in.expires(s.cfg.DefaultExpires)
		if v, has := c.params.get("expires"); has {
			// A malformed value counts as one hour (RFC 3261 section 10.3).
			if d, has = seconds(v); !has {
				d = time.Hour
			}
		}
		if s.tooBrief(in, d) {
			return nil, false
		}
		b := &binding{account: a, contact: c.uri, callID: in.callID, cseq: in.cseq, flow: in.flow, agent: agent, q: 1000,
			expires: time.Now().Add(min(d, s.cfg.MaxExpires))}
		if d == 0 {
			b.expires = time.Time{}
		}
		for _, p := range c.params {
			if !strings.EqualFold(p.name, "expires") {
				b.params = append(b.params, p)
			}
		}
		b.instance, _ = c.params.get("+sip.instance")
		b.regID, _ = c.params.get("reg-id")
		if q, has := c.params.get("q"); has {
			if f, err := strconv.ParseFloat(q, 64); err == nil && f >= 0 && f <= 1 {
				b.q = int(f * 1000)
			}
		}
		b.flow = s.datagramTo(in, b)
		out = append(out, b)
	}
	return out, true
}

// datagramTo is where a binding made over UDP is reached: at its Contact where that is an address here, since the socket
// that registered need not be the one that listens; else back the way it came, as through a NAT.
func (s *Server) datagramTo(in *inbound, b *binding) *flow {
	if in.flow.reliable() || b.outbound() || b.contact.transport() != "" && b.contact.transport() != "UDP" {
		return in.flow
	}
	ip, err := netip.ParseAddr(strings.Trim(b.contact.host, "[]"))
	if err != nil || s.mayReach(b.contact.host) != nil {
		return in.flow
	}
	port := b.contact.port
	if port == 0 {
		port = 5060
	}
	return newPacketFlow(in.t, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
}

// apply changes the bindings, all or none; mu is held. A status above zero is the refusal.
func (a *account) apply(s *Server, in *inbound, changes []*binding, star bool, now time.Time) (int, string) {
	for _, b := range a.bindings {
		touched := star || slices.ContainsFunc(changes, b.replacedBy)
		if touched && b.callID == in.callID && in.cseq <= b.cseq && b.expires.After(now) {
			return 400, "Bad Request: CSeq out of order"
		}
	}
	if star {
		for _, b := range slices.Clone(a.bindings) {
			a.remove(s, b)
		}
	}
	fresh := 0
	for _, c := range changes {
		if !slices.ContainsFunc(a.bindings, func(b *binding) bool { return b.replacedBy(c) }) {
			fresh++
		}
	}
	if len(a.bindings)+fresh > maxBindings {
		return 403, "Forbidden: too many bindings"
	}
	for _, c := range changes {
		for _, b := range slices.Clone(a.bindings) {
			if b.replacedBy(c) {
				a.remove(s, b)
			}
		}
		if c.expires.After(now) {
			a.bindings = append(a.bindings, c)
			s.contacts.Store(c.key(), c)
			c.flow.carries(a)
		}
	}
	slices.SortStableFunc(a.bindings, func(x, y *binding) int { return y.q - x.q })
	return 0, ""
}

// replacedBy tells whether a new binding stands for the same device: the same instance and flow number, or the same URI.
func (b *binding) replacedBy(c *binding) bool {
	if b.outbound() && c.outbound() {
		return b.instance == c.instance && b.regID == c.regID
	}
	return b.same(&c.contact)
}

// contactHeaders lists the bindings for the 200; mu is held.
func (a *account) contactHeaders(in *inbound, now time.Time) []sip.Header {
	out := make([]sip.Header, 0, len(a.bindings)+2)
	for _, b := range a.bindings {
		var v strings.Builder
		v.WriteString("<" + b.contact.String() + ">")
		b.params.write(&v)
		v.WriteString(";expires=" + itoa(b.expires.Sub(now).Round(time.Second)))
		out = append(out, hdr("Contact", v.String()))
	}
	out = append(out, hdr("Date", now.UTC().Format(http.TimeFormat)))
	if slices.Contains(tokens(in, "Supported"), "outbound") && slices.ContainsFunc(a.bindings, (*binding).outbound) {
		out = append(out, hdr("Require", "outbound"))
	}
	return out
}
