package sipua

// Publishing a person's presence (RFC 3903): newest wins, gathered, kept alive, taken back.

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/pidf"
)

const publishRetryMin, publishRetryMax = 2 * time.Second, 5 * time.Minute

// publication is what a person's line shows of them. It is guarded by the line's mutex.
type publication struct {
	l     *line
	claim portal.Claim
	// version counts what is wanted, sent what the server has of it.
	version, sent uint32
	ended         bool // to be taken off the server
	queued        bool
	busy          chan struct{} // not nil while a PUBLISH is under way; closed when it is over
	etag          string
	expires       time.Duration // what was asked for, raised by a 423
	last          time.Time     // when the last PUBLISH went out
	failures      int
	timer         timer
}

// Publish has the server show c as the person's state: at once when nothing was published within the
// pace, else when it is over; the newest claim wins. It is kept alive until Unpublish and published
// again after a loss. It does nothing for a person without a line.
func (a *Agent) Publish(who portal.Address, c portal.Claim) {
	l := a.line(who)
	if l == nil {
		a.cfg.Logger.Debug("publication without a line", "person", who)
		return
	}
	c.TakesCPIM = true // this agent does, so peers may ask for notices (RFC 5438)
	l.mu.Lock()
	if l.gone || l.leaving { // what is published now would outlast the person's presence
		l.mu.Unlock()
		return
	}
	p := l.pub
	if p == nil {
		p = &publication{l: l, expires: a.cfg.PublishExpires}
		l.pub = p
	} else if !p.ended && p.claim == c {
		l.mu.Unlock()
		return
	}
	p.claim, p.ended = c, false
	p.version++
	l.mu.Unlock()
	p.schedule()
}

// Unpublish takes the person's state off the server.
func (a *Agent) Unpublish(who portal.Address) {
	l := a.line(who)
	if l == nil {
		return
	}
	l.mu.Lock()
	p := l.pub
	if p == nil || p.ended {
		l.mu.Unlock()
		return
	}
	p.ended = true
	p.version++
	l.mu.Unlock()
	p.schedule()
}

// schedule has a change published now or when the pace allows it.
func (p *publication) schedule() {
	p.l.mu.Lock()
	wait := time.Until(p.last.Add(p.l.a.cfg.PublishPace))
	busy := p.busy
	p.l.mu.Unlock()
	if busy != nil {
		return // looked at again when the one under way is over
	}
	if wait > 0 {
		p.l.a.clock.after(&p.timer, p, wait)
		return
	}
	p.l.enqueuePublish(true)
}

// wake is called when a change or a refresh is due.
func (p *publication) wake(time.Time) { p.l.enqueuePublish(true) }

func (l *line) enqueuePublish(urgent bool) {
	l.mu.Lock()
	put := l.pub != nil && !l.pub.queued
	if put {
		l.pub.queued = true
	}
	l.mu.Unlock()
	if put {
		l.a.publishes.put(job{l: l}, urgent)
	}
}

// publishJob sends what is due.
func (a *Agent) publishJob(ctx context.Context, j job) {
	l := j.l
	l.mu.Lock()
	p := l.pub
	if p != nil {
		p.queued = false
	}
	if p == nil || p.busy != nil || l.gone || l.leaving || !l.registeredNow() { // see resume
		l.mu.Unlock()
		return
	}
	if p.ended && p.etag == "" {
		l.pub = nil
		l.mu.Unlock()
		a.clock.stop(&p.timer)
		return
	}
	p.busy = make(chan struct{})
	l.mu.Unlock()
	err := attempt(a.cfg.Logger, "publishing", func() error { return p.send(ctx) })
	p.settle(ctx, err)
}

// send publishes, refreshes or removes, whichever is wanted, recovering from 412 and 423.
func (p *publication) send(ctx context.Context) error {
	l := p.l
	for range 4 {
		l.mu.Lock()
		claim, version, ended, etag, expires := p.claim, p.version, p.ended, p.etag, p.expires
		refresh := etag != "" && version == p.sent
		p.last = time.Now()
		l.mu.Unlock()
		if ended {
			expires = 0
			if etag == "" {
				return nil
			}
		}
		q := query{method: sip.PUBLISH, uri: string(l.who), to: l.who, callID: token(12), fromTag: token(6), cseq: counted(),
			headers: []string{"Event", "presence", "Expires", strconv.Itoa(int(expires / time.Second))}}
		if etag != "" {
			q.headers = append(q.headers, "SIP-If-Match", etag)
		}
		if !ended && !refresh {
			body, err := pidf.Encode(l.who, claim)
			if err != nil {
				return err
			}
			q.contentType, q.body = pidf.MediaType, body
		}
		res, _, err := l.ask(ctx, l.credentials(), q)
		if err != nil {
			return err
		}
		again, err := p.answered(res, version, ended)
		if !again {
			return err
		}
	}
	return errors.New("PUBLISH: entity tag lost over and over")
}

// answered takes the server's answer; again: it asks for another try.
func (p *publication) answered(res *sip.Response, version uint32, ended bool) (again bool, err error) {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	switch {
	case res.StatusCode/100 == 2:
		p.sent, p.etag = version, headerValue(res, "SIP-ETag")
		if ended { // nothing is granted any more, and nothing to renew
			p.etag = ""
			return false, nil
		}
		granted := p.expires
		if v := headerValue(res, "Expires"); v != "" {
			granted = seconds(v)
		}
		p.l.a.clock.after(&p.timer, p, p.l.a.renewAfter(sip.PUBLISH, p.expires, granted))
		return false, nil
	case res.StatusCode == 412: // the server has forgotten it (RFC 3903 section 4.1)
		p.etag, p.sent = "", 0
		return !ended, nil
	case res.StatusCode == sip.StatusIntervalToBrief:
		least := seconds(headerValue(res, "Min-Expires"))
		if least > p.expires {
			p.expires = least
			return true, nil
		}
	}
	return false, failed(sip.PUBLISH, res)
}

// settle ends a round: what changed meanwhile is due next, what failed later.
func (p *publication) settle(ctx context.Context, err error) {
	l := p.l
	l.mu.Lock()
	close(p.busy)
	p.busy = nil
	changed := p.version != p.sent
	if err == nil {
		p.failures = 0
		if p.ended && p.etag == "" && !changed {
			l.pub = nil
		}
	} else {
		p.failures++
		l.failed(err)
	}
	wait := backoff(p.failures, publishRetryMin, publishRetryMax)
	l.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err == nil && changed:
		p.schedule()
	case err == nil:
	case errors.Is(err, errNoFlow), errors.Is(err, errFlowClosed):
		l.a.cfg.Logger.Debug("presence waits for the connection", "person", l.who)
	default:
		var s *statusError
		if errors.As(err, &s) {
			wait = max(wait, s.after)
		}
		l.a.cfg.Logger.Info("presence not published", "person", l.who, "retry", wait, "error", err)
		l.a.clock.after(&p.timer, p, wait)
	}
}

// unpublish takes the state off the server now, for who signs out or when the portal ends.
func (l *line) unpublish(ctx context.Context) error {
	l.mu.Lock()
	p := l.pub
	l.pub = nil
	l.mu.Unlock()
	if p == nil {
		return nil
	}
	etag, err := p.settled(ctx)
	if err != nil || etag == "" {
		return err
	}
	res, _, err := l.ask(ctx, l.credentials(), query{method: sip.PUBLISH, uri: string(l.who), to: l.who, callID: token(12), fromTag: token(6), cseq: counted(),
		headers: []string{"Event", "presence", "Expires", "0", "SIP-If-Match", etag}})
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 && res.StatusCode != 412 {
		return failed(sip.PUBLISH, res)
	}
	return nil
}

// settled waits until no PUBLISH is under way and gives the entity tag the server has last said.
func (p *publication) settled(ctx context.Context) (string, error) {
	l := p.l
	for {
		l.mu.Lock()
		busy, etag := p.busy, p.etag
		l.mu.Unlock()
		if busy == nil {
			l.a.clock.stop(&p.timer)
			return etag, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
