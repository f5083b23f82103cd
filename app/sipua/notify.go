package sipua

// Incoming NOTIFY (RFC 6665): matched, answered at once, read afterwards.

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/multipart"
	"portico/app/sipua/pidf"
	"portico/app/sipua/winfo"
)

// maxNotices bounds the unread documents of one subscription to watchers, calls or a list, whose documents
// build on each other; when it is passed all are dropped and the full state is asked for. Of a
// person's presence and voice mail only the newest unread document is kept, because each is complete.
const maxNotices = 32

// doubtPause is how long a server has to end what it does at once before it is asked what holds.
const doubtPause = 500 * time.Millisecond

// notified answers a NOTIFY. It is called by a connection's reader and does not wait.
func (a *Agent) notified(f *flow, req *sip.Request) answer {
	s := a.dialogs.find(strings.ToLower(headerValue(req, "Call-ID", "i")))
	if s == nil {
		return answer{status: 481, reason: "Subscription Does Not Exist"}
	}
	l := s.l
	from, to := param(req.From().Params, "tag"), param(req.To().Params, "tag")
	n, refusal := s.readNotify(req)
	l.mu.Lock()
	if !s.is(subDialog) || to != s.localTag() || from == "" || (s.remoteTag != "" && from != s.remoteTag) {
		l.mu.Unlock() // not ours, or a second server's answer to a forked SUBSCRIBE: one is enough
		return answer{status: 481, reason: "Subscription Does Not Exist"}
	}
	if refusal.status != 0 {
		l.mu.Unlock()
		return refusal
	}
	cseq := req.CSeq().SeqNo
	if s.is(subHeard) && cseq <= s.heard {
		s.doubt()
		l.mu.Unlock() // repeated or overtaken; an error would end the subscription
		return answer{status: 200}
	}
	s.heard = cseq
	s.flags &^= subDoubted
	s.learnDialog(req, from, false)
	first := !s.is(subHeard)
	s.flags |= subHeard
	s.flags &^= subHeldBack
	if n.state == "pending" {
		s.flags |= subHeldBack
	}
	if v := stateParam(req, "expires"); v != "" && n.state != "terminated" {
		s.expires = time.Now().Add(seconds(v)).Unix()
	} else if s.expires == 0 {
		s.expires = time.Now().Add(a.cfg.SubscribeExpires).Unix()
	}
	if first && !s.is(subBusy) { // the watch for the first NOTIFY is over
		a.clock.after(&s.timer, s, a.renewAfter(sip.SUBSCRIBE, a.cfg.SubscribeExpires, time.Until(time.Unix(s.expires, 0))))
	}
	n.dialog = s.id
	s.queue(n)
	put := !s.is(subInbox)
	s.flags |= subInbox
	l.mu.Unlock()
	if put {
		a.events.put(job{l: l, s: s}, true)
	}
	return answer{status: 200}
}

// doubt: of two documents under one number either may be the newer. A server with several processes sends such when something
// changes twice at once (Kamailio numbers a NOTIFY before it is sent, and writes the number down after it). So the full state is
// asked for, once until something newer comes. The caller holds the mutex.
func (s *sub) doubt() {
	switch {
	case s.is(subDoubted) || !s.is(subWanted):
	case s.is(subBusy): // what is under way may have been answered before
		s.flags |= subDoubted | subAgain
	default:
		s.flags |= subDoubted
		s.l.a.clock.after(&s.timer, s, doubtPause)
	}
}

// queue keeps a document to be read. The caller holds the mutex.
func (s *sub) queue(n *notice) {
	if s.kind == kindPresence || s.kind == kindSummary || s.pending == nil {
		s.pending = n
		return
	}
	last, length := s.pending, 1
	for ; last.next != nil; last = last.next {
		length++
	}
	if length < maxNotices {
		last.next = n
		return
	}
	s.pending = n
	s.l.a.clock.after(&s.timer, s, time.Second)
}

// readNotify takes from a NOTIFY what is needed later, or says why it is refused.
func (s *sub) readNotify(req *sip.Request) (*notice, answer) {
	event, accept := s.event()
	got, _, _ := strings.Cut(headerValue(req, "Event", "o"), ";")
	if !strings.EqualFold(strings.TrimSpace(got), event) {
		return nil, answer{status: 489, reason: "Bad Event", headers: []string{"Allow-Events", "presence, presence.winfo"}}
	}
	value, _, _ := strings.Cut(headerValue(req, "Subscription-State"), ";")
	n := &notice{state: strings.ToLower(strings.TrimSpace(value)), reason: strings.ToLower(stateParam(req, "reason")), after: seconds(stateParam(req, "retry-after"))}
	if n.state == "" {
		return nil, answer{status: 400, reason: "Missing Subscription-State"}
	}
	if len(req.Body()) == 0 {
		return n, answer{}
	}
	n.contentType = headerValue(req, "Content-Type", "c")
	if !takes(accept, n.contentType) {
		return nil, answer{status: 415, reason: "Unsupported Media Type", headers: []string{"Accept", accept}}
	}
	body, err := decodeBody(headerValue(req, "Content-Encoding", "e"), req.Body())
	if err != nil {
		return nil, answer{status: 415, reason: "Unsupported Content-Encoding", headers: []string{"Accept-Encoding", acceptEncoding}}
	}
	n.body = body
	return n, answer{}
}

func takes(accept, contentType string) bool {
	for t := range strings.SplitSeq(accept, ", ") {
		if multipart.MediaType(contentType) == t {
			return true
		}
	}
	return false
}

// stateParam is a parameter of Subscription-State.
func stateParam(req *sip.Request, name string) string {
	_, params, _ := strings.Cut(headerValue(req, "Subscription-State"), ";")
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

// noticeJob reads what came for a subscription, in order, or does what is due for a call.
func (a *Agent) noticeJob(_ context.Context, j job) {
	if j.c != nil {
		j.c.do()
		return
	}
	s, l := j.s, j.l
	for {
		l.mu.Lock()
		n := s.pending
		if n == nil {
			s.flags &^= subInbox
			l.mu.Unlock()
			return
		}
		s.pending = nil
		l.mu.Unlock()
		for ; n != nil; n = n.next {
			s.readSafely(n)
		}
	}
}

// readSafely goes on behind a document that meets a defect, so that the ones after it are read.
func (s *sub) readSafely(n *notice) {
	defer rescue(s.l.a.cfg.Logger, "reading a NOTIFY", nil)
	s.read(n)
}

// read draws the consequences of one NOTIFY.
func (s *sub) read(n *notice) {
	l := s.l
	l.mu.Lock()
	silent := l.gone || !s.is(subWanted)
	lease := time.Unix(s.expires, 0)
	l.mu.Unlock()
	if !silent && n.state != "terminated" {
		switch s.kind {
		case kindPresence:
			s.readPresence(n, lease)
		case kindWatchers:
			s.readWatchers(n)
		case kindList:
			s.readList(n)
		case kindDialogs:
			s.readDialogs(n)
		case kindSummary:
			s.readSummary(n)
		}
	}
	if n.state == "terminated" {
		s.terminated(n)
	}
}

// readPresence: a pending subscription says nothing; an active one without a document says that
// nobody is there.
func (s *sub) readPresence(n *notice, lease time.Time) {
	if n.state == "pending" {
		s.nothing()
		return
	}
	if len(n.body) == 0 {
		s.report(nil, lease)
		return
	}
	_, claims, err := pidf.Parse(n.body)
	if err != nil {
		s.l.a.cfg.Logger.Info("presence document not understood", "watcher", s.l.who, "of", s.of, "error", err)
		return
	}
	s.report(claims, lease)
}

// report passes the server's word on and remembers what matters for sending to them.
func (s *sub) report(claims []portal.Claim, lease time.Time) {
	l := s.l
	l.mu.Lock()
	s.flags &^= subToldNone | subOffline | subCPIM
	there := false
	for _, c := range claims {
		there = there || c.Availability != portal.Offline
		if c.TakesCPIM {
			s.flags |= subCPIM
			l.a.caps.readsCPIM(s.of) // and will when they are back, so what is stored for them keeps its id
		}
	}
	if !there {
		s.flags |= subOffline
	}
	l.mu.Unlock()
	l.a.h.Notified(l.who, portal.Report{Of: s.of, Claims: claims, Lease: lease})
}

// nothing tells the handler that the server keeps its word to itself.
func (s *sub) nothing() {
	l := s.l
	l.mu.Lock()
	tell := !s.is(subToldNone)
	s.flags |= subToldNone
	s.flags &^= subOffline
	l.mu.Unlock()
	if tell {
		l.a.h.Silent(l.who, s.of)
	}
}

// readWatchers keeps the table of who watches the person.
func (s *sub) readWatchers(n *notice) {
	l := s.l
	if len(n.body) == 0 {
		return
	}
	doc, err := winfo.Parse(n.body)
	if err != nil {
		l.a.cfg.Logger.Info("watcher information not understood", "person", l.who, "error", err)
		return
	}
	ws, changed, refresh := l.applyWatchers(doc)
	if changed {
		l.a.h.Watchers(l.who, ws)
	}
	if refresh {
		s.enqueue(false)
	}
}

func (l *line) applyWatchers(doc winfo.Document) (ws []portal.Watcher, changed, refresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.table == nil {
		l.table = &winfo.Table{}
	}
	if changed, refresh = l.table.Apply(doc, time.Now()); changed {
		ws = l.table.Watchers()
	}
	return ws, changed, refresh
}

// terminated: the server ended the subscription; its reason says when to come back (RFC 6665 4.1.3).
func (s *sub) terminated(n *notice) {
	l := s.l
	l.mu.Lock()
	wanted := s.is(subWanted) && !l.gone
	s.forget()
	if !wanted {
		s.remove()
	}
	l.mu.Unlock()
	if !wanted {
		l.a.clock.stop(&s.timer)
		return
	}
	if s.kind == kindList {
		l.uncover()
	}
	switch n.reason {
	case "rejected", "noresource", "invariant":
		l.mu.Lock()
		s.flags |= subStopped
		l.mu.Unlock()
		l.a.clock.stop(&s.timer)
		s.tellNone()
	case "probation", "giveup":
		s.tellNone()
		l.a.clock.after(&s.timer, s, max(n.after, between(30*time.Second, time.Minute)))
	default: // deactivated, timeout, none: at once, but not in a tight circle
		wait := between(0, 100*time.Millisecond)
		l.mu.Lock()
		if s.failures > 0 {
			wait = backoff(int(s.failures), subscribeRetryMin, subscribeRetryMax)
		}
		s.failures = min(s.failures+1, 100)
		l.mu.Unlock()
		l.a.clock.after(&s.timer, s, max(n.after, wait))
	}
}

// listLease is until when the word of the person's list holds.
func (l *line) listLease() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		return time.Now()
	}
	return time.Unix(l.list.expires, 0)
}
