package siplab

// Messages for people who are away (RFC 3428 section 4: 202): kept in order, delivered once when a device comes back.

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	typeComposing = "application/im-iscomposing+xml"
	storeRetry    = 30 * time.Second
)

// inbox is a person's stored messages, owned by the account's mutex. Full: the sender gets 503 and knows. Typing notices
// are never stored, they would be untrue when they arrive; delivery and display notices are, because a sender waits for them.
type inbox struct {
	queue   []*storedMessage
	bytes   int
	running bool      // one goroutine delivers at a time: that makes it once, and in order
	again   bool      // a device registered while it ran: a failure is worth another try at once
	retry   time.Time // next try without a new registration
}

// storedMessage is a MESSAGE as it came: headers, body and identity (Call-ID, From tag) are kept.
type storedMessage struct {
	in       *inbound
	received time.Time
	expires  time.Time
}

// holds reports whether something of the sender of in waits.
func (i *inbox) holds(in *inbound) bool {
	from := contactKey(&in.from.uri)
	return slices.ContainsFunc(i.queue, func(m *storedMessage) bool { return contactKey(&m.in.from.uri) == from })
}

// message routes a MESSAGE to a person.
func (s *Server) message(in *inbound, a *account) {
	now := time.Now()
	a.mu.Lock()
	queued := a.inbox.holds(in)
	targets := a.targetsLocked(now)
	a.mu.Unlock()
	typing := in.mediaType() == typeComposing
	switch {
	case len(targets) == 0 && typing:
		in.reply(480, "Temporarily Unavailable")
	case len(targets) == 0 || queued && !typing:
		// Behind stored messages of the same sender a new one waits its turn: order counts more than haste.
		s.store(in, a)
	default:
		s.fork(in, targets, func(best *sip.Response) bool { return !typing && s.storeRefused(in, a, best) })
	}
}

// storeRefused keeps a message that no device could take just now.
func (s *Server) storeRefused(in *inbound, a *account, best *sip.Response) bool {
	if !temporary(best.StatusCode) {
		return false
	}
	s.store(in, a)
	a.mu.Lock()
	a.inbox.retry = time.Now().Add(pause(best))
	a.mu.Unlock()
	return true
}

func temporary(status int) bool {
	switch status {
	case 408, 480, 430, 503, 504:
		return true
	}
	return false
}

// pause is how long to wait before the next try.
func pause(res *sip.Response) time.Duration {
	if res != nil {
		if v, ok := header(res, "Retry-After"); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	return storeRetry
}

// store keeps a message and answers 202, or 503 when there is no room.
func (s *Server) store(in *inbound, a *account) {
	now := time.Now()
	m := &storedMessage{in: in, received: now, expires: now.Add(s.cfg.StoreAge)}
	if v, ok := header(in, "Expires"); ok {
		if d, ok := seconds(v); ok && d > 0 && d < s.cfg.StoreAge {
			m.expires = now.Add(d)
		}
	}
	a.mu.Lock()
	full := len(a.inbox.queue) >= s.cfg.StoreLimit || a.inbox.bytes+len(in.Body()) > s.cfg.StoreBytes
	if !full {
		a.inbox.queue = append(a.inbox.queue, m)
		a.inbox.bytes += len(in.Body())
	}
	due := !full && len(a.targetsLocked(now)) > 0 && !a.inbox.retry.After(now)
	a.mu.Unlock()
	if full {
		in.reply(503, "Service Unavailable: the store for this person is full", hdr("Retry-After", "300"))
		return
	}
	s.counters.stored.Add(1)
	in.reply(202, "Accepted")
	if due {
		s.deliverStored(a)
	}
}

// inboxDue drops what is too old and tells whether it is time for another try.
func (a *account) inboxDue(now time.Time, age time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := a.inbox.queue[:0]
	for _, m := range a.inbox.queue {
		if a.inbox.running || m.expires.After(now) && now.Sub(m.received) < age {
			kept = append(kept, m)
		} else {
			a.inbox.bytes -= len(m.in.Body())
		}
	}
	clear(a.inbox.queue[len(kept):])
	a.inbox.queue = kept
	return len(kept) > 0 && !a.inbox.running && !a.inbox.retry.IsZero() && !a.inbox.retry.After(now) &&
		len(a.targetsLocked(now)) > 0
}

// deliverStored starts the delivery of what waits, unless it runs already.
func (s *Server) deliverStored(a *account) {
	t := s.current.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	if t == nil || len(a.inbox.queue) == 0 {
		return
	}
	if a.inbox.running {
		a.inbox.again = true
		return
	}
	a.inbox.again = false
	a.inbox.running = t.spawn(func() { s.emptyInbox(t, a) })
}

// emptyInbox delivers one message after the other. A message that no device can take now stops it until the next
// registration or retry; one that is refused for good is dropped.
func (s *Server) emptyInbox(t *transport, a *account) {
	for {
		a.mu.Lock()
		targets := a.targetsLocked(time.Now())
		if len(a.inbox.queue) == 0 || len(targets) == 0 {
			a.inbox.running = false
			a.mu.Unlock()
			return
		}
		m := a.inbox.queue[0]
		a.mu.Unlock()
		best := s.deliver(t, m, targets)
		a.mu.Lock()
		if best == nil || temporary(best.StatusCode) {
			if a.inbox.again && !t.over() {
				a.inbox.again = false
				a.mu.Unlock()
				continue
			}
			a.inbox.retry = time.Now().Add(pause(best))
			a.inbox.running = false
			a.mu.Unlock()
			return
		}
		a.inbox.queue = a.inbox.queue[1:]
		a.inbox.bytes -= len(m.in.Body())
		a.inbox.retry = time.Time{}
		a.mu.Unlock()
		s.counters.delivered.Add(1)
	}
}

// deliver sends a stored message to all devices and returns the best answer; nil when none answered.
func (s *Server) deliver(t *transport, m *storedMessage, targets []target) *sip.Response {
	answers := make(chan *sip.Response, len(targets))
	for _, tg := range targets {
		f, err := s.reach(t, tg)
		if err != nil || !t.spawn(func() {
			res, err := t.roundTrip(f, s.dated(t, m, tg, f), s.cfg.ForwardTimeout)
			if err != nil {
				s.log.Debug("stored message not delivered", "error", err)
			}
			answers <- res
		}) {
			answers <- nil
		}
	}
	var best *sip.Response
	for range targets {
		res := <-answers
		switch {
		case res == nil:
		case res.IsSuccess():
			return res
		default:
			best = better(best, res)
		}
	}
	return best
}

// dated is a stored message as it leaves: with the time it was sent, which is when it came here unless the sender said.
func (s *Server) dated(t *transport, m *storedMessage, tg target, f *flow) *sip.Request {
	in := *m.in
	in.t = t
	req := s.forwarded(&in, tg, f)
	if _, has := header(req, "Date"); !has {
		req.AppendHeader(hdr("Date", m.received.UTC().Format(http.TimeFormat)))
	}
	return req
}
