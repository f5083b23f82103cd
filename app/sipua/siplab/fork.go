package siplab

// A stateful proxy's response context (RFC 3261 section 16.6 to 16.10): one request out to several devices, one answer back.

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// fork is one proxied request. Its state is owned by mu; each branch has a goroutine that ends with its transaction.
type fork struct {
	s  *Server
	in *inbound
	// settle, where set, may answer in place of the best response; it is called once, without mu.
	settle func(best *sip.Response) (handled bool)

	mu       sync.Mutex
	branches []*branch
	open     int
	best     *sip.Response
	final    bool   // a final answer went back
	accept   bool   // that answer was a 2xx
	stopped  bool   // cancelled, by the caller or by a final answer
	reason   string // why, as the Reason of CANCEL has it (RFC 3326); may be empty
}

type branch struct {
	tx          *sip.ClientTx
	flow        *flow
	req         *sip.Request
	provisional bool
	done        bool
	cancelled   bool
}

// fork sends the request to all targets at once. It does not wait, and starts flows that are open before it returns, so
// that requests of one connection leave in the order in which they came.
func (s *Server) fork(in *inbound, targets []target, settle func(*sip.Response) bool) {
	fk := &fork{s: s, in: in, settle: settle, open: len(targets)}
	if in.IsInvite() {
		in.reply(100, "Trying")
		in.t.forks.put(in.key, fk)
		in.tx.OnTerminate(func(key string, _ error) { in.t.forks.drop(key) })
	}
	for _, tg := range targets {
		if tg.flow != nil && tg.flow.alive() {
			fk.launch(tg, tg.flow)
			continue
		}
		if !in.t.spawn(func() {
			f, err := s.reach(in.t, tg)
			if err != nil {
				fk.failed(tg, 480, err)
				return
			}
			fk.launch(tg, f)
		}) {
			fk.failed(tg, 503, errFlowClosed)
		}
	}
}

// launch starts one branch.
func (fk *fork) launch(tg target, f *flow) {
	req := fk.s.forwarded(fk.in, tg, f)
	tx, err := fk.in.t.start(f, req)
	if err != nil {
		fk.failed(tg, 480, err)
		return
	}
	b := &branch{tx: tx, flow: f, req: req}
	if fk.in.IsInvite() {
		tx.OnRetransmission(func(res *sip.Response) { fk.in.respond(backward(res)) })
	}
	fk.mu.Lock()
	fk.branches = append(fk.branches, b)
	late := fk.stopped
	fk.mu.Unlock()
	if late {
		fk.cancel("")
	}
	if !fk.in.t.spawn(func() { fk.watch(tg, b) }) {
		tx.Terminate()
	}
}

// watch reads the answers of one branch until the last.
func (fk *fork) watch(tg target, b *branch) {
	patience := fk.s.cfg.ForwardTimeout
	if fk.in.IsInvite() {
		patience = fk.s.cfg.RingTimeout
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case res := <-b.tx.Responses():
			if fk.response(b, res) {
				if !fk.in.IsInvite() {
					b.tx.Terminate() // a retransmitted answer belongs to nothing then, and is dropped
				}
				return
			}
		case <-b.tx.Done():
			fk.lostBranch(tg, b, 408, errNoAnswer)
			return
		case <-b.flow.closed:
			b.tx.Terminate()
			fk.lostBranch(tg, b, 480, errFlowClosed)
			return
		case <-timer.C:
			fk.timeout(tg, b)
			return
		}
	}
}

// timeout gives up on a device. One that rings is told (CANCEL).
func (fk *fork) timeout(tg target, b *branch) {
	if fk.in.IsInvite() {
		fk.mu.Lock()
		fk.stop(b)
		fk.mu.Unlock()
	}
	b.tx.Terminate()
	fk.lostBranch(tg, b, 408, errNoAnswer)
}

func (fk *fork) lostBranch(tg target, b *branch, status int, err error) {
	fk.mu.Lock()
	already := b.done
	b.done = true
	fk.mu.Unlock()
	if !already {
		fk.failed(tg, status, err)
	}
}

// failed counts a branch that brought no answer as if it had answered with that status (section 16.9).
func (fk *fork) failed(tg target, status int, err error) {
	fk.s.log.Debug("branch failed", "method", fk.in.Method, "status", status, "error", err)
	if tg.binding != nil && tg.binding.account != nil && errors.Is(err, errFlowClosed) {
		tg.binding.account.dropBindings(fk.s, func(b *binding) bool { return b == tg.binding && b.outbound() })
	}
	reason := "Temporarily Unavailable"
	if status == 408 {
		reason = "Request Timeout"
	}
	fk.conclude(fk.in.response(status, reason))
}

// response takes an answer from a device; true when it was the last one of its branch.
func (fk *fork) response(b *branch, res *sip.Response) (last bool) {
	switch {
	case res.StatusCode == 100:
		fk.mu.Lock()
		b.provisional = true
		if fk.stopped {
			fk.stop(b)
		}
		fk.mu.Unlock()
		return false
	case res.IsProvisional():
		fk.mu.Lock()
		b.provisional = true
		pass := !fk.final
		if fk.stopped {
			fk.stop(b)
		}
		fk.mu.Unlock()
		if pass {
			fk.in.respond(backward(res))
		}
		return false
	}
	fk.mu.Lock()
	b.done = true
	fk.mu.Unlock()
	fk.conclude(backward(res))
	return true
}

// conclude notes the final answer of one branch and answers when the choice is clear.
func (fk *fork) conclude(res *sip.Response) {
	fk.mu.Lock()
	fk.open--
	var send *sip.Response
	switch {
	case res.IsSuccess() && (!fk.final || fk.in.IsInvite() && fk.accept):
		// Every 2xx of an INVITE goes back; of anything else the first.
		fk.final, fk.accept, send = true, true, res
		fk.stopAll(completedElsewhere)
	case fk.final:
	default:
		fk.best = better(fk.best, res)
		if res.StatusCode >= 600 {
			fk.stopAll("SIP;cause=" + strconv.Itoa(res.StatusCode))
		}
		if fk.open == 0 {
			fk.final, send = true, fk.best
		}
	}
	fk.mu.Unlock()
	if send == nil {
		return
	}
	if !send.IsSuccess() && fk.settle != nil && fk.settle(send) {
		return
	}
	switch {
	case send.StatusCode == 408 && !fk.in.IsInvite():
		// A 408 would come when nobody waits for it any more (RFC 4320 section 4.2).
		send = fk.in.response(480, "Temporarily Unavailable")
	case send.StatusCode == 503:
		// A 503 of one device says nothing about this server (section 16.7 step 6).
		send = fk.in.response(500, "Server Internal Error", retryAfter(send)...)
	}
	fk.in.respond(send)
}

func retryAfter(res *sip.Response) []sip.Header {
	if v, ok := header(res, "Retry-After"); ok {
		return []sip.Header{hdr("Retry-After", v)}
	}
	return nil
}

// better chooses between two refusals (section 16.7 step 6): 6xx, then the lowest class; within it the one that helps the
// caller to do better. Challenges are gathered (step 7).
func better(a, b *sip.Response) *sip.Response {
	if a == nil {
		return b
	}
	if rank(b) < rank(a) {
		a, b = b, a
	}
	if isChallenge(a) && isChallenge(b) {
		for _, h := range b.Headers() {
			if n := h.Name(); strings.EqualFold(n, "WWW-Authenticate") || strings.EqualFold(n, "Proxy-Authenticate") {
				a.AppendHeader(h)
			}
		}
	}
	return a
}

func isChallenge(r *sip.Response) bool { return r.StatusCode == 401 || r.StatusCode == 407 }

func rank(r *sip.Response) int {
	if r.StatusCode >= 600 {
		return 0
	}
	if slices.Contains([]int{401, 407, 415, 420, 484}, r.StatusCode) {
		return r.StatusCode/100*10 - 1
	}
	return r.StatusCode / 100 * 10
}

// accepted tells whether an INVITE was answered with 2xx: its ACK then goes end to end.
func (fk *fork) accepted() bool {
	fk.mu.Lock()
	defer fk.mu.Unlock()
	return fk.accept
}

// completedElsewhere tells the devices that lost that one has taken the call (RFC 3326 section 2).
const completedElsewhere = `SIP;cause=200;text="Call completed elsewhere"`

// cancel stops every branch that has no final answer yet, for a reason that may be empty.
func (fk *fork) cancel(reason string) {
	fk.mu.Lock()
	defer fk.mu.Unlock()
	fk.stopAll(reason)
}

// stopAll keeps the first reason there was.
func (fk *fork) stopAll(reason string) {
	if !fk.stopped {
		fk.stopped, fk.reason = true, reason
	}
	if !fk.in.IsInvite() {
		return
	}
	for _, b := range fk.branches {
		fk.stop(b)
	}
}

// stop sends CANCEL on one branch, once, and not before a provisional answer (section 9.1); mu is held.
func (fk *fork) stop(b *branch) {
	if b.done || b.cancelled || !b.provisional {
		return
	}
	b.cancelled = true
	req := cancelFor(b.req, fk.reason)
	fk.in.t.spawn(func() {
		if _, err := fk.in.t.roundTrip(b.flow, req, fk.s.cfg.ForwardTimeout); err != nil {
			fk.s.log.Debug("CANCEL", "error", err)
		}
	})
}
