package sipua

// Watching others (RFC 6665, RFC 3856): who is wanted, asking, renewing, giving up.

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

const (
	subscribeRetryMin, subscribeRetryMax = 2 * time.Second, 10 * time.Minute
	// subscribeRefused is the pause after an answer that will hardly change.
	subscribeRefused = time.Hour
	// firstNotify is how long the first NOTIFY may take (RFC 6665 Timer N).
	firstNotify = 32 * time.Second
	// lastNotify is how long the dialog is kept for the NOTIFY that answers an un-SUBSCRIBE.
	lastNotify = 5 * time.Second
)

// Watch makes whom the set of people that who hears of; it replaces the one before. It does nothing
// for a person without a line.
func (a *Agent) Watch(who portal.Address, whom []portal.Address) {
	l := a.line(who)
	if l == nil {
		a.cfg.Logger.Debug("watching without a line", "person", who)
		return
	}
	wanted := make(map[portal.Address]struct{}, len(whom))
	for _, of := range whom {
		wanted[of] = struct{}{}
	}
	var due []*sub
	l.mu.Lock()
	if l.gone || l.leaving {
		l.mu.Unlock()
		return
	}
	urgent := l.flowGen != 0
	for of, s := range l.subs {
		if _, ok := wanted[of]; !ok && s.is(subWanted) {
			s.flags &^= subWanted
			due = append(due, s)
		}
	}
	for of := range wanted {
		if s := l.want(of); s != nil {
			due = append(due, s)
		}
	}
	if l.winfo == nil && !a.cfg.NoWatcherInfo {
		l.winfo = &sub{l: l, of: l.who, kind: kindWatchers, flags: subWanted}
		due = append(due, l.winfo)
	}
	if l.list == nil && a.cfg.ResourceList != "" && len(wanted) > 0 {
		l.list = &sub{l: l, of: l.listAddress(), kind: kindList, flags: subWanted}
		if !a.cfg.ResourceLists { // else it is written first
			due = append(due, l.list)
		}
	}
	write := a.cfg.ResourceLists && l.list != nil && l.wantList()
	l.mu.Unlock()
	if write {
		a.lists.put(job{l: l}, urgent)
	}
	for _, s := range due {
		s.enqueue(urgent)
	}
}

// want makes or revives the subscription to somebody; nil if there is nothing to do. The caller holds
// the mutex.
func (l *line) want(of portal.Address) *sub {
	if l.subs == nil {
		l.subs = map[portal.Address]*sub{}
	}
	s := l.subs[of]
	if s == nil {
		of = portal.Address(intern(string(of)))
		s = &sub{l: l, of: of}
		l.subs[of] = s
	}
	if s.is(subWanted) {
		return nil
	}
	s.flags |= subWanted
	s.flags &^= subStopped | subToldNone
	return s
}

// subscribeJob does what is due for a subscription: begin, renew or end it.
func (a *Agent) subscribeJob(ctx context.Context, j job) {
	s := j.s
	expires, due := s.begin()
	if !due {
		return
	}
	defer s.idle()
	var res *sip.Response
	err := attempt(a.cfg.Logger, "subscribing", func() (err error) {
		res, err = s.send(ctx, expires)
		return err
	})
	s.settle(ctx, res, err, expires)
}

// idle ends what begin began. What became due meanwhile is done now, not before: of two answers being
// settled at once the earlier could undo what the later has decided.
func (s *sub) idle() {
	s.l.mu.Lock()
	again := s.is(subAgain)
	s.flags &^= subBusy | subAgain
	s.l.mu.Unlock()
	if again {
		s.enqueue(false)
	}
}

// begin decides whether a SUBSCRIBE is due and for how long; then the subscription is busy.
func (s *sub) begin() (expires time.Duration, due bool) {
	l := s.l
	l.mu.Lock()
	defer l.mu.Unlock()
	s.flags &^= subQueued
	wanted, now := s.is(subWanted), time.Now().Unix()
	switch {
	case s.is(subBusy):
		s.flags |= subAgain // see idle
		return 0, false
	case s.is(subEnding), !wanted && (!s.is(subDialog) || !l.registeredNow()):
		s.remove() // there is nothing to end, or it expires by itself
		l.a.clock.stop(&s.timer)
		return 0, false
	case !l.registeredNow(): // asked for once the person is registered again, see resume
		return 0, false
	case wanted && s.is(subStopped):
		return 0, false
	case s.kind == kindList && !l.listWritten():
		return 0, false
	case wanted && s.is(subDialog) && s.expires != 0 && s.expires <= now:
		s.forget() // the server has ended it by now
	case wanted && s.is(subDialog) && !s.is(subHeard) && now >= s.asked+int64(firstNotify/time.Second):
		s.forget() // accepted, but the first NOTIFY never came
	}
	if wanted && l.covered(s) {
		return 0, false
	}
	if !s.is(subDialog) {
		s.anew()
		s.asked = now
	}
	s.flags |= subBusy
	if wanted {
		expires = l.a.cfg.SubscribeExpires
	}
	return expires, true
}

// remove takes the subscription out of its line. The caller holds the mutex.
func (s *sub) remove() {
	s.forget()
	l := s.l
	switch {
	case l.winfo == s:
		l.winfo = nil
	case l.list == s:
		l.list = nil
	case l.own != nil && l.own.drop(s):
	case l.subs[s.of] == s:
		delete(l.subs, s.of)
	}
}

// send asks the server, raising the expiry when it is too brief for it.
func (s *sub) send(ctx context.Context, expires time.Duration) (*sip.Response, error) {
	l := s.l
	event, accept := s.event()
	for {
		l.mu.Lock()
		q := query{
			method: sip.SUBSCRIBE, uri: string(s.of), to: s.of, callID: s.callID(), fromTag: s.localTag(), toTag: s.remoteTag,
			cseq: s.next, contact: true,
			headers: []string{"Event", event, "Accept", accept, "Expires", strconv.Itoa(int(expires / time.Second))},
		}
		if s.target != "" && s.remoteTag != "" {
			q.uri = s.target
		}
		if s.route != "" {
			q.route = []string{s.route}
		}
		if s.kind == kindList {
			q.headers = append(q.headers, "Supported", "eventlist")
		}
		l.mu.Unlock()
		res, _, err := l.ask(ctx, l.credentials(), q)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == sip.StatusIntervalToBrief && expires > 0 {
			if least := seconds(headerValue(res, "Min-Expires")); least > expires {
				expires = least
				continue
			}
		}
		return res, nil
	}
}

func (s *sub) next() uint32 {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.cseq++
	return s.cseq
}

// settle draws the consequences of the server's answer, or of there being none.
func (s *sub) settle(ctx context.Context, res *sip.Response, err error, asked time.Duration) {
	if ctx.Err() != nil {
		return
	}
	switch {
	case err != nil:
		s.unanswered(err)
	case res.StatusCode/100 == 2 && asked == 0:
		s.ended()
	case res.StatusCode/100 == 2:
		s.accepted(res, asked)
	case asked == 0:
		s.l.mu.Lock()
		s.remove()
		s.l.mu.Unlock()
	case res.StatusCode == sip.StatusCallTransactionDoesNotExists:
		s.lost(0)
	default:
		s.declined(res)
	}
}

// accepted notes the dialog and when it has to be renewed.
func (s *sub) accepted(res *sip.Response, asked time.Duration) {
	granted := asked
	if v := headerValue(res, "Expires"); v != "" {
		granted = seconds(v)
	}
	l := s.l
	l.mu.Lock()
	if !s.is(subDialog) { // ended by a NOTIFY meanwhile, which has seen to what is next
		l.mu.Unlock()
		return
	}
	if to := res.To(); to != nil {
		s.learnDialog(res, param(to.Params, "tag"), true)
	}
	s.failures = 0
	s.expires = time.Now().Add(granted).Unix()
	heard, wanted := s.is(subHeard), s.is(subWanted)
	l.mu.Unlock()
	wait := l.a.renewAfter(sip.SUBSCRIBE, asked, granted)
	switch {
	case !wanted:
		s.enqueue(false)
		return
	case !heard:
		wait = min(wait, firstNotify)
	}
	l.a.clock.after(&s.timer, s, wait)
}

// ended: the server has taken the un-SUBSCRIBE. The dialog is kept a little for its last NOTIFY.
func (s *sub) ended() {
	l := s.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.is(subWanted) { // wanted again meanwhile
		s.forget()
		l.a.clock.after(&s.timer, s, 0)
		return
	}
	if s.is(subDialog) {
		s.flags |= subEnding
		l.a.clock.after(&s.timer, s, lastNotify)
		return
	}
	s.remove()
}

// lost: the server knows no such dialog; a new one is begun after a pause.
func (s *sub) lost(after time.Duration) {
	l := s.l
	l.mu.Lock()
	s.forget()
	if !s.is(subWanted) {
		s.remove()
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if after > 0 {
		l.a.clock.after(&s.timer, s, after)
		return
	}
	s.enqueue(false)
}

// unanswered: no answer came. The dialog may still stand; what it said holds until it expires.
func (s *sub) unanswered(err error) {
	l := s.l
	l.mu.Lock()
	if !s.is(subWanted) {
		s.remove() // it expires by itself
		l.mu.Unlock()
		return
	}
	if !s.live() {
		s.forget()
	}
	wait := backoff(int(s.failures), subscribeRetryMin, subscribeRetryMax)
	s.failures = min(s.failures+1, 100)
	l.mu.Unlock()
	s.tellNone()
	if errors.Is(err, errNoFlow) || errors.Is(err, errFlowClosed) {
		return // taken up again when the person is registered again
	}
	l.a.cfg.Logger.Debug("subscription not answered", "person", l.who, "of", s.of, "retry", wait, "error", err)
	l.a.clock.after(&s.timer, s, wait)
}

// declined: the server said no, for now or for long.
func (s *sub) declined(res *sip.Response) {
	l := s.l
	l.mu.Lock()
	l.failed(failed(sip.SUBSCRIBE, res))
	wanted := s.is(subWanted)
	transient := res.StatusCode/100 == 5 && res.StatusCode != sip.StatusNotImplemented ||
		res.StatusCode == sip.StatusRequestTimeout || res.StatusCode == sip.StatusTemporarilyUnavailable || res.StatusCode/100 == 3
	if !transient || !s.live() {
		s.forget()
	}
	wait := backoff(int(s.failures), subscribeRetryMin, subscribeRetryMax)
	s.failures = min(s.failures+1, 100)
	if !transient {
		wait = between(subscribeRefused, 2*subscribeRefused)
	}
	if !wanted {
		s.remove()
	}
	l.mu.Unlock()
	if !wanted {
		return
	}
	wait = max(wait, retryAfter(res))
	l.a.cfg.Logger.Debug("subscription declined", "person", l.who, "of", s.of, "status", res.StatusCode, "retry", wait)
	if s.kind == kindList {
		l.uncover()
	}
	s.tellNone()
	l.a.clock.after(&s.timer, s, wait)
}

// tellNone tells the handler, once, that nothing is known of somebody; not while the last word holds.
func (s *sub) tellNone() {
	l := s.l
	if s.kind == kindDialogs || s.kind == kindSummary {
		s.unsaid()
		return
	}
	l.mu.Lock()
	tell := s.kind == kindPresence && !s.live() && !s.is(subToldNone) && s.is(subWanted) && !l.gone
	if tell {
		s.flags |= subToldNone
		s.flags &^= subOffline
	}
	l.mu.Unlock()
	if tell {
		l.a.h.Silent(l.who, s.of)
	}
}
