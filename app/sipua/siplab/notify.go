package siplab

// NOTIFY (RFC 6665 section 4.2.2): the newest state to each subscriber, one at a time, the first change at once.

import (
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// changed reports a change of somebody watched. Within NotifyInterval of the last such report it waits and gathers.
func (s *Server) changed(sub *subscription, who *account) {
	if sub.list != nil {
		sub.list.mark(who)
	}
	sub.mu.Lock()
	sub.dirty = true
	wait := time.Duration(0)
	if s.cfg.NotifyInterval > 0 {
		wait = s.cfg.NotifyInterval - time.Since(sub.reported)
	}
	if wait > 0 {
		if !sub.timed {
			sub.timed = true
			time.AfterFunc(wait, func() { s.gathered(sub) })
		}
		sub.mu.Unlock()
		return
	}
	sub.reported = time.Now()
	sub.mu.Unlock()
	s.pump(sub)
}

// gathered sends what came together while a subscription waited.
func (s *Server) gathered(sub *subscription) {
	sub.mu.Lock()
	sub.timed = false
	due := sub.dirty
	if due {
		sub.reported = time.Now()
	}
	sub.mu.Unlock()
	if due {
		s.pump(sub)
	}
}

// notify reports the state now, whatever the interval: after SUBSCRIBE and at the end.
func (s *Server) notify(sub *subscription) {
	sub.mu.Lock()
	sub.dirty, sub.urgent = true, true
	sub.mu.Unlock()
	s.pump(sub)
}

// pump starts the sender of a subscription unless it runs.
func (s *Server) pump(sub *subscription) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.sending || !sub.dirty {
		return
	}
	t := s.current.Load()
	if t == nil {
		return // stopped: the state goes out with the next refresh or change
	}
	sub.sending = t.spawn(func() { s.send(t, sub) })
}

// send sends NOTIFYs until the subscriber has the newest state.
func (s *Server) send(t *transport, sub *subscription) {
	for {
		sub.mu.Lock()
		if !sub.dirty || sub.timed && !sub.urgent || t.over() {
			sub.sending = false
			sub.mu.Unlock()
			return
		}
		sub.dirty, sub.urgent = false, false
		last := sub.ended != ""
		f, tg := sub.flow, target{uri: sub.target, flow: sub.flow, binding: &binding{contact: sub.target}}
		sub.mu.Unlock()
		var err error
		if !f.alive() {
			f, err = s.reach(t, tg)
		}
		keep := false
		if err == nil {
			keep = s.notifyOnce(t, sub, f)
		}
		if !keep || last && !t.over() {
			s.forgetSubscription(sub)
			return
		}
	}
}

// notifyOnce sends one NOTIFY; false when the subscriber does not want it any more (RFC 6665 section 4.2.2).
func (s *Server) notifyOnce(t *transport, sub *subscription, f *flow) bool {
	s.counters.notified.Add(1)
	res, err := t.roundTrip(f, s.notifyRequest(t, sub, f), s.cfg.ForwardTimeout)
	if err != nil && t.over() {
		// The server went away, not the watcher: Start tries again.
		sub.mu.Lock()
		sub.dirty, sub.urgent = true, true
		sub.mu.Unlock()
		return true
	}
	if err != nil {
		s.log.Debug("NOTIFY not answered", "watcher", sub.watcher, "error", err)
		return false
	}
	if res.StatusCode < 300 {
		return true
	}
	_, again := header(res, "Retry-After")
	if again {
		sub.mu.Lock()
		sub.dirty = true
		sub.timed = true
		sub.mu.Unlock()
		time.AfterFunc(min(pause(res), time.Minute), func() { s.gathered(sub) })
	}
	return again
}

func (s *Server) notifyRequest(t *transport, sub *subscription, f *flow) *sip.Request {
	body, contentType, extra := s.state(sub)
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.cseq++
	req := sip.NewRequest(sip.NOTIFY, sub.target.sip())
	req.AppendHeader(s.via(t, f, s.branch.fresh()))
	mf := sip.MaxForwardsHeader(70)
	id := sip.CallIDHeader(sub.callID)
	for _, h := range []sip.Header{&mf, sub.local, sub.remote, &id, &sip.CSeqHeader{SeqNo: sub.cseq, MethodName: sip.NOTIFY},
		hdr("Contact", s.contact(t, f)), hdr("Event", sub.event()), hdr("Subscription-State", sub.stateHeader())} {
		req.AppendHeader(h)
	}
	for _, r := range sub.routes {
		req.AppendHeader(hdr("Route", r))
	}
	for _, h := range extra {
		req.AppendHeader(h)
	}
	if len(body) > 0 {
		req.AppendHeader(hdr("Content-Type", contentType))
	}
	req.SetBody(body)
	return req
}

func (sub *subscription) event() string {
	if sub.eventID == "" {
		return sub.pkg
	}
	return sub.pkg + ";id=" + sub.eventID
}

// stateHeader is Subscription-State; mu is held.
func (sub *subscription) stateHeader() string {
	if sub.ended != "" {
		v := "terminated;reason=" + sub.ended
		if sub.ended == "probation" {
			v += ";retry-after=5"
		}
		return v
	}
	name := "active"
	if sub.pending {
		name = "pending"
	}
	return name + ";expires=" + strconv.FormatInt(int64(max(0, time.Until(sub.expires).Round(time.Second)/time.Second)), 10)
}

// state is the body of the next NOTIFY.
func (s *Server) state(sub *subscription) (body []byte, contentType string, extra []sip.Header) {
	switch {
	case sub.list != nil:
		body, contentType = s.listDocument(sub)
		return body, contentType, []sip.Header{hdr("Require", "eventlist")}
	case sub.pkg == packageWinfo:
		return s.winfoDocument(sub), typeWinfo, nil
	case sub.pkg != packagePresence:
		body, contentType = s.ownDocument(sub)
		return body, contentType, nil
	}
	decision := sub.owner.authorizationOf(sub.watcher)
	sub.mu.Lock()
	sub.pending = decision == Confirm
	sub.mu.Unlock()
	switch decision {
	case Confirm:
		return nil, "", nil
	case PoliteBlock:
		return compose(sub.owner.aor, nil), typePIDF, nil
	}
	return sub.owner.document(), typePIDF, nil
}
