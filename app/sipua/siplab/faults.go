package siplab

// Breaking on purpose: what a test, or a person in the demonstration, can make go wrong.

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Fault is what goes wrong with the messages of one method. The zero value is nothing.
type Fault struct {
	Delay          time.Duration // requests are handled this much later
	Status         int           // requests are refused with this status
	Reason         string        // reason phrase of the refusal; default "Fault"
	RetryAfter     time.Duration // Retry-After of the refusal
	DropRequests   bool          // requests that arrive are ignored
	DropResponses  bool          // answers to them do not leave
	DropDeliveries bool          // requests that the server sends or forwards do not leave
	Duplicate      bool          // requests and answers that leave do so twice
	Reorder        bool          // a request that leaves waits for the next on the same connection, or 200 ms, and goes after it
	Times          int           // how many messages are touched before the fault ends; 0: until cleared
}

const reorderWait = 200 * time.Millisecond

// Faults are the switches of one server. All methods may be called from any goroutine.
type Faults struct {
	s          *Server
	armed      atomic.Bool
	silent     atomic.Bool
	algorithms atomic.Pointer[[]string]
	minExpires atomic.Int64

	mu    sync.Mutex
	rules map[string]*rule
}

type rule struct {
	Fault
	left int
}

func (x *Faults) init(s *Server) {
	x.s = s
	x.rules = map[string]*rule{}
}

// Set makes a fault hold for a method ("MESSAGE"), or for all with "*". A method's own fault comes before that of "*".
func (x *Faults) Set(method string, f Fault) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rules[strings.ToUpper(method)] = &rule{f, f.Times}
	x.armed.Store(true)
}

// Clear ends the fault of a method.
func (x *Faults) Clear(method string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.rules, strings.ToUpper(method))
	x.armed.Store(len(x.rules) > 0)
}

// Reset ends every fault, silence and forced choice.
func (x *Faults) Reset() {
	x.mu.Lock()
	x.rules = map[string]*rule{}
	x.armed.Store(false)
	x.mu.Unlock()
	x.silent.Store(false)
	x.algorithms.Store(nil)
	x.minExpires.Store(0)
}

// Active returns the faults that hold now, by method.
func (x *Faults) Active() map[string]Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string]Fault{}
	for m, r := range x.rules {
		out[m] = r.Fault
	}
	return out
}

// Silence makes the server accept everything and answer nothing, until switched off.
func (x *Faults) Silence(on bool) { x.silent.Store(on) }

// Algorithms makes the server offer only these digest algorithms; none returns to the configured ones.
func (x *Faults) Algorithms(names ...string) {
	if len(names) == 0 {
		x.algorithms.Store(nil)
		return
	}
	x.algorithms.Store(&names)
}

// MinExpires makes REGISTER, PUBLISH and SUBSCRIBE below this time be refused with 423; 0 returns to the configured one.
func (x *Faults) MinExpires(d time.Duration) { x.minExpires.Store(int64(d)) }

// StaleNonces makes every nonce issued so far stale: the next request of everybody is challenged with stale=true.
func (x *Faults) StaleNonces() { x.s.nonces.staleAll() }

// CloseConnections closes every TCP and TLS connection; the server goes on listening.
func (x *Faults) CloseConnections() {
	t := x.s.current.Load()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.flows {
		f.fail("fault", nil)
	}
}

// ExpireRegistrations removes every binding, as if its time were over.
func (x *Faults) ExpireRegistrations() {
	for _, a := range x.s.allAccounts() {
		a.dropBindings(x.s, func(*binding) bool { return true })
	}
}

// ExpirePublications ends every publication; conditional PUBLISH requests then get 412.
func (x *Faults) ExpirePublications() {
	for _, a := range x.s.allAccounts() {
		x.s.dropPublications(a, func(*publication) bool { return true })
	}
}

// ExpireSubscriptions ends every subscription. With notice a final NOTIFY is sent; without, the server just forgets them and
// the next refresh gets 481.
func (x *Faults) ExpireSubscriptions(notice bool) {
	x.s.subs.each(func(sub *subscription) {
		if notice {
			x.s.endSubscription(sub, "timeout")
		} else {
			x.s.forgetSubscription(sub)
		}
	})
}

// take finds the rule for a method that wants to touch this message, and counts it.
func (x *Faults) take(method string, touches func(*Fault) bool) (Fault, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, key := range [2]string{strings.ToUpper(method), "*"} {
		r, ok := x.rules[key]
		if !ok || !touches(&r.Fault) {
			continue
		}
		if r.Times > 0 {
			if r.left--; r.left <= 0 {
				delete(x.rules, key)
				x.armed.Store(len(x.rules) > 0)
			}
		}
		return r.Fault, true
	}
	return Fault{}, false
}

// incoming applies the faults of arriving requests.
func (x *Faults) incoming(t *transport, r *request) {
	f, ok := x.take(string(r.Method), func(f *Fault) bool { return f.DropRequests || f.Delay > 0 || f.Status > 0 })
	if !ok {
		t.request(r)
		return
	}
	if f.DropRequests {
		return
	}
	if f.Delay <= 0 {
		x.refuseOr(t, r, f)
		return
	}
	t.spawn(func() {
		select {
		case <-t.closed:
		case <-time.After(f.Delay):
			x.refuseOr(t, r, f)
		}
	})
}

func (x *Faults) refuseOr(t *transport, r *request, f Fault) {
	if f.Status == 0 || r.Method == sip.ACK {
		t.request(r)
		return
	}
	in := t.open(r, string(r.Method))
	if in == nil {
		return
	}
	var extra []sip.Header
	if f.RetryAfter > 0 {
		extra = append(extra, hdr("Retry-After", itoa(f.RetryAfter)))
	}
	in.reply(f.Status, orString(f.Reason, "Fault"), extra...)
}

// outgoing applies the faults of messages that leave. octets are only valid during the call.
func (x *Faults) outgoing(f *flow, msg sip.Message, octets []byte) error {
	cseq := msg.CSeq()
	if cseq == nil {
		return f.write(octets)
	}
	_, isRequest := msg.(*sip.Request)
	fault, ok := x.take(string(cseq.MethodName), func(f *Fault) bool {
		return f.Duplicate || isRequest && (f.DropDeliveries || f.Reorder) || !isRequest && f.DropResponses
	})
	switch {
	case !ok:
		return f.release(octets)
	case isRequest && fault.DropDeliveries, !isRequest && fault.DropResponses:
		return nil
	case isRequest && fault.Reorder:
		return f.hold(octets)
	}
	if fault.Duplicate {
		if err := f.write(octets); err != nil {
			return err
		}
	}
	return f.write(octets)
}

// hold keeps octets back until the next message has gone; when something is held already, both leave in swapped order.
func (f *flow) hold(octets []byte) error {
	f.mu.Lock()
	if f.held != nil {
		f.mu.Unlock()
		return f.release(octets)
	}
	f.held = append([]byte(nil), octets...)
	f.mu.Unlock()
	f.t.spawn(func() {
		select {
		case <-f.closed:
		case <-time.After(reorderWait):
			if err := f.release(nil); err != nil {
				f.t.srv.log.Debug("held message not sent", "error", err)
			}
		}
	})
	return nil
}

// release sends octets and then whatever was held.
func (f *flow) release(octets []byte) error {
	f.mu.Lock()
	held := f.held
	f.held = nil
	f.mu.Unlock()
	for _, b := range [][]byte{octets, held} {
		if len(b) == 0 {
			continue
		}
		if err := f.write(b); err != nil {
			return err
		}
	}
	return nil
}
