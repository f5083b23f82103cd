package sipua

// Registration (RFC 3261 section 10, RFC 5626 instance): one REGISTER at a time, renewed for as long as
// the line lasts.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

// registerRetryMin and registerRetryMax bound the pause after a failed background registration.
const registerRetryMin, registerRetryMax = time.Second, time.Minute

// begin waits for its turn to register: one REGISTER of a person at a time (RFC 3261 section 10.2).
func (l *line) begin(ctx context.Context) error {
	for {
		l.mu.Lock()
		if l.gone {
			l.mu.Unlock()
			return errGone
		}
		busy := l.regBusy
		if busy == nil {
			l.regBusy = make(chan struct{})
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *line) end() {
	l.mu.Lock()
	close(l.regBusy)
	l.regBusy = nil
	l.mu.Unlock()
}

// grant is what a REGISTER brought.
type grant struct {
	expires time.Duration
	gen     uint64
	stale   []string      // our contacts of earlier connections that the server still has
	others  time.Duration // for how long other devices are registered at most; zero: there are none
	devices []portal.Device
}

// statusError is a final answer that is not what was hoped for.
type statusError struct {
	method string
	status int
	reason string
	after  time.Duration
}

func (e *statusError) Error() string { return fmt.Sprintf("%s: %d %s", e.method, e.status, e.reason) }

func failed(method sip.RequestMethod, res *sip.Response) error {
	return &statusError{method: string(method), status: res.StatusCode, reason: res.Reason, after: retryAfter(res)}
}

// register sends REGISTER; expires zero removes the binding. The caller has the turn (begin).
func (l *line) register(ctx context.Context, c *credentials, expires time.Duration) (g grant, err error) {
	err = attempt(l.a.cfg.Logger, "registering", func() (err error) {
		g, err = l.requestGrant(ctx, c, expires)
		return err
	})
	return g, err
}

func (l *line) requestGrant(ctx context.Context, c *credentials, expires time.Duration) (grant, error) {
	urn := instanceURN(l.a.cfg.Instance, l.who)
	for range 3 {
		secs := strconv.Itoa(int(expires / time.Second))
		res, f, err := l.ask(ctx, c, query{
			method: sip.REGISTER, uri: "sip:" + l.who.Domain(), to: l.who, callID: l.callID, fromTag: l.tag, cseq: l.nextRegister,
			contact: true, contactParams: `;+sip.instance="<` + urn + `>";reg-id=1;expires=` + secs,
			headers: []string{"Expires", secs, "Supported", "path", "Allow", allow},
		})
		if err != nil {
			return grant{}, err
		}
		switch {
		case res.StatusCode/100 == 2:
			l.a.callsItself(headerValue(res, "Server", "User-Agent"))
			return l.granted(res, f, urn, expires), nil
		case res.StatusCode == sip.StatusIntervalToBrief && expires > 0:
			least := seconds(headerValue(res, "Min-Expires"))
			if least <= expires {
				return grant{}, failed(sip.REGISTER, res)
			}
			expires = least
		default:
			return grant{}, failed(sip.REGISTER, res)
		}
	}
	return grant{}, fmt.Errorf("REGISTER: %w", errors.New("interval never long enough"))
}

func (l *line) nextRegister() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cseq++
	return l.cseq
}

// granted reads our own binding among all that the server lists (the list holds other devices too).
func (l *line) granted(res *sip.Response, f *flow, urn string, asked time.Duration) grant {
	g := grant{gen: f.gen, expires: -1}
	fallback := asked
	if v := headerValue(res, "Expires"); v != "" {
		fallback = seconds(v)
	}
	var others []time.Duration
	now := time.Now()
	for _, c := range contacts(res) {
		lasts := fallback
		if v := c.param("expires"); v != "" {
			lasts = seconds(v)
		}
		var uri sip.Uri
		if err := sip.ParseUri(c.uri, &uri); err != nil {
			others = append(others, lasts) // not ours: we could read it
			g.devices = append(g.devices, deviceOf(c, now.Add(lasts)))
			continue
		}
		if strings.Trim(uri.Host, "[]") == f.host && uri.Port == f.port && unescape(uri.User) == unescape(l.who.User()) {
			g.expires = lasts
		} else if strings.Trim(c.param("+sip.instance"), "<>") == urn {
			g.stale = append(g.stale, c.uri)
		} else {
			others = append(others, lasts)
			g.devices = append(g.devices, deviceOf(c, now.Add(lasts)))
		}
	}
	slices.Sort(others)
	if g.expires < 0 && len(g.stale) == 0 && len(others) > 0 { // rewritten beyond recognition: one of them is ours
		others, g.devices = others[:len(others)-1], nil
	}
	if len(others) > 0 {
		g.others = others[len(others)-1]
	}
	if g.expires < 0 { // rewritten by the server, or not listed
		g.expires, g.stale = fallback, nil
	}
	return g
}

// param finds a header parameter whatever its case.
func param(ps sip.HeaderParams, name string) string {
	for _, kv := range ps {
		if strings.EqualFold(kv.K, name) {
			return kv.V
		}
	}
	return ""
}

// registered takes note of a successful REGISTER and brings back what hangs on it.
func (l *line) registered(g grant) {
	l.mu.Lock()
	if l.gone {
		l.mu.Unlock()
		return
	}
	l.since, l.devices = time.Now().Unix(), g.devices
	// Whoever was told that the line is down knows nothing of anybody any more, also where the connection
	// stood all the while and only the registrar was away.
	again := l.flowGen != g.gen || l.actual == edgeDown
	l.flowGen, l.failures = g.gen, 0
	l.wantOwn()
	l.expires = time.Now().Add(g.expires)
	l.othersUntil = time.Time{}
	if g.others > 0 {
		l.othersUntil = time.Now().Add(g.others)
	}
	l.mu.Unlock()
	l.a.clock.after(&l.regTimer, l, l.a.renewAfter(sip.REGISTER, l.a.cfg.RegisterExpires, g.expires))
	l.set(edgeUp, nil)
	if again {
		l.resume()
	}
	// The connection may have been replaced while this was under way, and its call to come back may have
	// met a line that was joining or busy.
	if now := l.link.generation(); now != 0 && now != g.gen {
		l.enqueueRegister(false)
	}
}

// resume asks again for what the loss of a connection may have ended: subscriptions and publication.
func (l *line) resume() {
	l.mu.Lock()
	var again []*sub
	for _, s := range l.everySub() {
		s.heard = 0
		again = append(again, s)
	}
	publish := l.pub != nil
	urgent := l.attended
	l.attended = false
	l.mu.Unlock()
	if publish {
		l.enqueuePublish(urgent)
	}
	for _, s := range again {
		s.enqueue(urgent)
	}
}

// registerJob renews a registration in the background.
func (a *Agent) registerJob(ctx context.Context, j job) {
	l := j.l
	l.mu.Lock()
	l.queued = false
	skip := l.gone || l.refused != nil
	busy := l.regBusy != nil
	l.mu.Unlock()
	if skip {
		return
	}
	if busy {
		a.clock.after(&l.regTimer, l, between(time.Second, 2*time.Second))
		return
	}
	if err := l.begin(ctx); err != nil {
		return
	}
	g, err := l.register(ctx, l.credentials(), a.cfg.RegisterExpires)
	l.end()
	if err != nil {
		l.failedToRegister(ctx, err)
		return
	}
	l.registered(g)
	for _, uri := range g.stale {
		l.unbind(ctx, uri)
	}
}

// unbind removes a contact of ours from an earlier connection, so that messages are not forked to it.
func (l *line) unbind(ctx context.Context, uri string) {
	if err := l.begin(ctx); err != nil {
		return
	}
	defer l.end()
	res, _, err := l.ask(ctx, l.credentials(), query{
		method: sip.REGISTER, uri: "sip:" + l.who.Domain(), to: l.who, callID: l.callID, fromTag: l.tag, cseq: l.nextRegister,
		headers: []string{"Contact", "<" + uri + ">;expires=0"},
	})
	if err == nil && res.StatusCode/100 != 2 {
		err = failed(sip.REGISTER, res)
	}
	if err != nil {
		l.a.cfg.Logger.Debug("old contact stays", "person", l.who, "contact", uri, "error", err)
	}
}

// refuse stops the line until the person signs in again: the server will not have them.
func (l *line) refuse(err error) {
	l.a.cfg.Logger.Warn("refused by the server; not tried again", "person", l.who, "error", err)
	l.mu.Lock()
	l.refused, l.flowGen = err, 0
	l.failed(err)
	l.mu.Unlock()
	l.set(edgeDown, err)
}

// failedToRegister decides between trying again and giving up.
func (l *line) failedToRegister(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	err = signInError(err)
	if !errors.Is(err, portal.ErrUnavailable) {
		l.refuse(err)
		return
	}
	var e *portal.Error
	after := time.Duration(0)
	if errors.As(err, &e) {
		after = e.RetryAfter
	}
	l.mu.Lock()
	holds := l.registeredNow() && time.Now().Before(l.expires)
	wait := backoff(l.failures, registerRetryMin, registerRetryMax)
	l.failures++
	l.failed(err)
	l.mu.Unlock()
	if !holds {
		l.set(edgeDown, err)
	}
	if errors.Is(err, errNoFlow) {
		return // the link calls everybody when it is back
	}
	l.a.clock.after(&l.regTimer, l, max(wait, after))
}
