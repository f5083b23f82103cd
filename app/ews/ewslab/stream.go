package ewslab

// One hanging answer to GetStreamingEvents: a sequence of envelopes that carries what many subscriptions keep.

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxStreams is how many hanging connections an account may have.
	maxStreams = 10
	// maxStreamSubscriptions is how many subscriptions one connection carries.
	maxStreamSubscriptions = 200
	// streamWrite is how long one envelope may take to be written.
	streamWrite = time.Minute
	// usualKeepAlive is the time between two signs of life on a silent stream.
	usualKeepAlive = 30 * time.Second
)

// stream is one connection.
type stream struct {
	bell   chan struct{} // one place: what is rung is looked at from the beginning
	end    chan struct{} // one place: the server wants the client to come back
	cut    chan struct{} // one place: the connection breaks
	silent bool          // says nothing more, neither events nor signs of life. Guarded by notifier.mu
}

func newStream() *stream {
	return &stream{bell: make(chan struct{}, 1), end: make(chan struct{}, 1), cut: make(chan struct{}, 1)}
}

// ring says that there is something; a bell that is rung already stays so.
func (s *stream) ring() { ringOnce(s.bell) }

func ringOnce(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// opGetStreamingEvents answers until its time is over.
func (s *Server) opGetStreamingEvents(c *call) error {
	minutes, err := strconv.Atoi(strings.TrimSpace(c.req.text("ConnectionTimeout")))
	if err != nil || minutes < 1 || minutes > 30 {
		return invalid("the 'ConnectionTimeout' must lie between 1 and 30.")
	}
	var ids []string
	for _, n := range c.req.kid("SubscriptionIds").all("SubscriptionId") {
		ids = append(ids, strings.TrimSpace(n.Text))
	}
	if most := s.limiter.inForce().StreamSubscriptions; len(ids) == 0 || len(ids) > most {
		if len(ids) > 0 {
			s.limiter.refused(LimitStreamSubscriptions)
		}
		return invalid("there must be 1 to %d subscription ids.", most)
	}
	leave, err := s.limiter.enterStream(c, len(ids))
	if err != nil {
		return err
	}
	defer leave()
	st := newStream()
	st.silent = c.ctx.Value(silentKey{}) != nil
	subs, dead, failed := s.bells.attach(c, st, ids, s.now())
	defer s.bells.detach(st, s.now)
	if failed != nil {
		return s.answerDead(c, dead, failed)
	}
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(http.StatusOK)
	return s.carry(c, st, subs, time.Duration(minutes)*time.Minute)
}

// answerDead refuses a stream: which subscriptions are not there.
func (s *Server) answerDead(c *call, dead []string, failed error) error {
	var parts []*node
	if len(dead) > 0 {
		parts = append(parts, errorSubscriptions(dead))
	}
	msg, err := c.message(parts, failed)
	if err != nil {
		return err
	}
	return s.answer(c.w, m("GetStreamingEventsResponse", m("ResponseMessages", msg)))
}

// errorSubscriptions names subscriptions that are not there.
func errorSubscriptions(ids []string) *node {
	list := m("ErrorSubscriptionIds")
	for _, id := range ids {
		list.add(t("SubscriptionId", id))
	}
	return list
}

// attach lets a stream carry subscriptions, which leave the stream that carried them before.
func (n *notifier) attach(c *call, st *stream, ids []string, now time.Time) (subs []*subscription, dead []string, failed error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range ids {
		sub, err := n.find(c, id, now)
		if err == nil && !sub.streaming {
			err = fail("ErrorInvalidSubscription", "The subscription is no streaming one.")
		}
		if err != nil {
			dead, failed = append(dead, id), err
			continue
		}
		subs = append(subs, sub)
	}
	if failed != nil {
		return nil, dead, failed
	}
	n.streams[st] = true
	for _, sub := range subs {
		if old := sub.stream; old != nil && old != st {
			ringOnce(old.end)
		}
		sub.stream = st
	}
	st.ring()
	return subs, nil, nil
}

// detach ends a stream; its subscriptions go on keeping.
func (n *notifier) detach(st *stream, now func() time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, st)
	for _, sub := range n.byID {
		if sub.stream == st {
			sub.stream, sub.used = nil, now()
		}
	}
}

// take fetches what waits for a stream, and names the subscriptions that are gone.
func (n *notifier) take(st *stream, subs []*subscription) (notes []*node, lost []string, silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if st.silent {
		return nil, nil, true
	}
	for _, sub := range subs {
		if n.byID[sub.id] != sub || sub.missed {
			lost = append(lost, sub.id)
			continue
		}
		if sub.stream != st || len(sub.events) == 0 {
			continue
		}
		note := t("Notification", t("SubscriptionId", sub.id))
		for _, e := range sub.events {
			note.add(e.node(false))
		}
		sub.events = nil
		notes = append(notes, note)
	}
	return notes, lost, false
}

// carry writes envelopes until the time is over, the client is gone, or the server ends it.
func (s *Server) carry(c *call, st *stream, subs []*subscription, life time.Duration) error {
	out := streamWriter{s: s, c: c}
	if _, _, silent := s.bells.take(st, nil); silent {
		if err := http.NewResponseController(c.w).Flush(); err != nil {
			return nil // the client is gone
		}
	} else if err := out.status("OK"); err != nil {
		return nil
	}
	over := time.NewTimer(life)
	defer over.Stop()
	alive := time.NewTicker(s.keepAlive())
	defer alive.Stop()
	for {
		var err error
		select {
		case <-st.bell:
			notes, lost, silent := s.bells.take(st, subs)
			switch {
			case silent:
			case len(lost) > 0:
				return s.lostStream(c, out, lost)
			case len(notes) > 0:
				err = out.notifications(notes)
			}
		case <-alive.C:
			if _, _, silent := s.bells.take(st, nil); !silent {
				err = out.status("OK")
			}
		case <-st.cut:
			panic(http.ErrAbortHandler)
		case <-st.end:
			return ignore(out.status("Closed"))
		case <-over.C:
			return ignore(out.status("Closed"))
		case <-s.done:
			return ignore(out.status("Closed"))
		case <-c.ctx.Done():
			return nil
		}
		if err != nil {
			return nil // the client is gone
		}
	}
}

// ignore is for the last words on a stream: whether they arrive is the client's business.
func ignore(error) error { return nil }

// lostStream tells that subscriptions are gone and ends.
func (s *Server) lostStream(c *call, out streamWriter, lost []string) error {
	msg, err := c.message([]*node{errorSubscriptions(lost)}, fail("ErrorSubscriptionNotFound", "The specified subscription was not found."))
	if err != nil {
		return err
	}
	if out.write(msg) != nil {
		return nil
	}
	return ignore(out.status("Closed"))
}

// streamWriter writes envelopes, each whole and at once.
type streamWriter struct {
	s *Server
	c *call
}

func (w *streamWriter) status(status string) error {
	return w.write(m("GetStreamingEventsResponseMessage", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), m("ConnectionStatus", status)))
}

func (w *streamWriter) notifications(notes []*node) error {
	return w.write(m("GetStreamingEventsResponseMessage", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), m("Notifications", notes)))
}

func (w *streamWriter) write(msg *node) error {
	var b bytes.Buffer
	w.s.envelope(&b, m("GetStreamingEventsResponse", m("ResponseMessages", msg)), true)
	// A reader that does not read is let go; its subscriptions keep what it misses.
	if err := http.NewResponseController(w.c.w).SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.c.w.Write(b.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(w.c.w).Flush()
}

// keepAlive is the time between two signs of life.
func (s *Server) keepAlive() time.Duration {
	if s.cfg.KeepAlive > 0 {
		return s.cfg.KeepAlive
	}
	return usualKeepAlive
}
