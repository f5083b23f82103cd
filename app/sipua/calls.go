package sipua

// Calls for people here (RFC 3261 section 13): nobody can be called at a portal, but it hears of each call, and
// whether another device of the person took it.
//
// Where the person has other devices the INVITE is held, without ringing, until the server takes it back: the
// CANCEL's Reason then says whether the call was taken elsewhere (RFC 3326). Else it is declined at once. No
// answer of ours ends the search at the other devices: there is no 6xx, and no 18x that would pretend a ringing
// telephone.

import (
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

const (
	// callMemory is how long a call is remembered after its end, for forks that come late and for a dialog that
	// shows that it was taken after all.
	callMemory = 10 * time.Minute
	// maxCallsOf bounds the calls of one person of which the house has not been told yet, maxRinging those of all
	// people. One more is 486 and told to nobody: this end "is not able to take additional calls" (RFC 3261 section
	// 21.4.24), which leaves the other devices ringing. A 503 would make the server hold the whole portal for
	// broken, and 6xx would end the call everywhere.
	maxCallsOf, maxRinging = 32, 4096
	// maxForks bounds the INVITEs of one call that are held at a time; further ones are declined at once.
	maxForks = 8
	// maxCalls bounds the calls that are remembered; beyond it the oldest that is over is forgotten.
	maxCalls = 8192
)

// callKey names a call: forks and repetitions of an INVITE have the same Call-ID.
type callKey struct {
	who    portal.Address
	callID string
}

// calls is the table of calls that ring or rang not long ago. It is safe for concurrent use.
type calls struct {
	mu      sync.Mutex
	m       map[callKey]*call
	held    map[string]*call // by the transaction's key
	ringing map[portal.Address]int
	total   int     // sum of ringing
	over    []*call // ended, oldest first
}

// call is one call for one person. It is guarded by its table.
type call struct {
	a     *Agent
	ring  portal.Ring
	key   callKey
	forks []*held
	timer timer
	// ended: no INVITE is held and the house is to be told; late: the time to hold it is over.
	ended, late bool
	// told: the house knows of it; toldTaken: and that it was taken.
	told, toldTaken, telling bool
	forgotten                time.Time // when it is
}

// held is an INVITE without a final answer.
type held struct {
	key   string
	tx    *sip.ServerTx
	req   *sip.Request
	began time.Time
}

func newCalls() *calls {
	return &calls{m: map[callKey]*call{}, held: map[string]*call{}, ringing: map[portal.Address]int{}}
}

var (
	takesNoCalls = answer{488, "Takes No Calls Here", []string{"Warning", `399 portico "This person takes messages here, but no calls"`}}
	ringsInVain  = answer{status: 480, reason: "Nobody Answers Here"}
	tooManyCalls = answer{status: 486, reason: "Too Many Calls"}
	cancelledNow = answer{status: 487, reason: "Request Terminated"}
)

// invited takes an INVITE: answered now, or held.
func (a *Agent) invited(f *flow, req *sip.Request, tx *sip.ServerTx, began time.Time) {
	l := a.find(req)
	switch {
	case param(req.To().Params, "tag") != "":
		a.respond(tx, req, answer{status: 481, reason: "Call/Transaction Does Not Exist"}, began)
		return
	case l == nil:
		a.respond(tx, req, answer{status: 404, reason: "Not Found"}, began)
		return
	}
	key, err := serverKey(f, req)
	if err != nil { // it would not have come so far
		a.respond(tx, req, defect, began)
		return
	}
	c, kept, ans := a.calls.arrived(a, l, &held{key: key, tx: tx, req: req, began: began}, l.elsewhere())
	if !kept {
		a.respond(tx, req, ans, began)
	} else if err := tx.Respond(sip.NewResponseFromRequest(req, 100, "Trying", nil)); err != nil {
		a.cfg.Logger.Debug("answer not sent", "method", req.Method, "status", 100, "error", err)
	}
	if c != nil {
		a.events.put(job{l: l, c: c}, true)
	}
}

// arrived enters an INVITE. Kept means that it is held; else ans is its answer. The call is returned where
// something is to be done for it.
func (t *calls) arrived(a *Agent, l *line, h *held, hold bool) (c *call, kept bool, ans answer) {
	now := time.Now()
	key := callKey{l.who, headerValue(h.req, "Call-ID", "i")}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	c = t.m[key]
	switch {
	case c == nil && (t.ringing[l.who] >= maxCallsOf || t.total >= maxRinging):
		a.cfg.Logger.Info("call declined: too many at once", "person", l.who, "from", h.req.From().Address.String())
		return nil, false, tooManyCalls
	case c == nil:
		c = &call{a: a, key: key, ring: a.ringOf(l.who, key.callID, h.req, now)}
		t.m[key] = c
		t.ringing[l.who]++
		t.total++
	case c.ended, len(c.forks) >= maxForks, !hold: // another fork of it may be held all the while
		return nil, false, takesNoCalls
	}
	if !hold {
		t.end(c, now)
		return c, false, takesNoCalls
	}
	if len(c.forks) == 0 {
		a.clock.after(&c.timer, c, a.cfg.HoldCalls)
	}
	c.forks = append(c.forks, h)
	t.held[h.key] = c
	return nil, true, answer{}
}

// end notes that a call is over here. The lock is held.
func (t *calls) end(c *call, now time.Time) {
	if c.ended {
		return
	}
	c.ended, c.forgotten = true, now.Add(callMemory)
	t.over = append(t.over, c)
}

// forget drops what is remembered too long or beyond measure. The lock is held.
func (t *calls) forget(now time.Time) {
	n := 0
	for n < len(t.over) && (len(t.m) >= maxCalls || t.over[n].forgotten.Before(now)) && t.over[n].told {
		delete(t.m, t.over[n].key)
		n++
	}
	if n > 0 {
		clear(t.over[:n])
		t.over = t.over[n:]
	}
}

// wake is called when the call was held for as long as it may.
func (c *call) wake(time.Time) {
	t := c.a.calls
	t.mu.Lock()
	c.late = true
	t.mu.Unlock()
	c.a.events.put(job{c: c}, true)
}

// do does what is due for a call: it answers what was held for too long and tells the house, in order, what
// is news.
func (c *call) do() {
	t := c.a.calls
	t.mu.Lock()
	if c.late {
		c.late = false
		t.letGo(c, time.Now(), ringsInVain)
	}
	if c.telling {
		t.mu.Unlock()
		return
	}
	c.telling = true
	for c.ended && (!c.told || c.ring.Taken && !c.toldTaken) {
		r, first := c.ring, !c.told
		t.mu.Unlock()
		c.tell(r)
		t.mu.Lock()
		c.told, c.toldTaken = true, r.Taken
		if first {
			t.countDown(c)
		}
	}
	c.telling = false
	t.mu.Unlock()
}

// countDown takes a call that was told off the number of those that ring. The lock is held.
func (t *calls) countDown(c *call) {
	if t.ringing[c.key.who]--; t.ringing[c.key.who] == 0 {
		delete(t.ringing, c.key.who)
	}
	t.total--
}

func (c *call) tell(r portal.Ring) {
	defer rescue(c.a.cfg.Logger, "telling of a call", nil)
	c.a.h.Rang(r)
}

// letGo answers all that is held of a call, which is over then. It unlocks meanwhile.
func (t *calls) letGo(c *call, now time.Time, ans answer) {
	forks := c.forks
	c.forks = nil
	for _, h := range forks {
		delete(t.held, h.key)
	}
	t.end(c, now)
	t.mu.Unlock()
	defer t.mu.Lock()
	c.a.clock.stop(&c.timer)
	for _, h := range forks {
		c.a.respond(h.tx, h.req, ans, h.began)
	}
}

// cancelHeld takes back an INVITE that is held, and reports whether it was. The others of the same call stay
// until they are cancelled too: a proxy cancels each branch.
func (a *Agent) cancelHeld(key string, taken bool) bool {
	t := a.calls
	t.mu.Lock()
	c := t.held[key]
	if c == nil {
		t.mu.Unlock()
		return false
	}
	delete(t.held, key)
	var h *held
	for i, one := range c.forks {
		if one.key == key {
			h = one
			c.forks = append(c.forks[:i:i], c.forks[i+1:]...)
			break
		}
	}
	c.ring.Taken = c.ring.Taken || taken
	last := len(c.forks) == 0
	if last {
		t.end(c, time.Now())
	}
	t.mu.Unlock()
	if last {
		a.clock.stop(&c.timer)
	}
	a.respond(h.tx, h.req, cancelledNow, h.began)
	if last {
		a.events.put(job{c: c}, true)
	}
	return true
}

// confirmed notes that one of the person's devices talks in a call: so it was taken.
func (a *Agent) confirmed(who portal.Address, callID string) {
	t := a.calls
	t.mu.Lock()
	c := t.m[callKey{who, callID}]
	news := c != nil && !c.ring.Taken
	if news {
		c.ring.Taken = true
	}
	t.mu.Unlock()
	if news {
		a.events.put(job{c: c}, true)
	}
}

// endCalls answers everything that is held, because the agent ends, and tells the house.
func (a *Agent) endCalls() {
	t := a.calls
	t.mu.Lock()
	left := make([]*call, 0, len(t.m))
	for _, c := range t.m {
		if !c.told {
			c.late = true
			left = append(left, c)
		}
	}
	t.mu.Unlock()
	for _, c := range left {
		c.do()
	}
}

// takenElsewhere reports whether a CANCEL says that another device took the call (RFC 3326 section 2).
func takenElsewhere(cancel *sip.Request) bool {
	for _, h := range cancel.GetHeaders("Reason") {
		for _, value := range splitQuoted(h.Value(), ',') {
			parts := splitQuoted(value, ';')
			if len(parts) == 0 || !strings.EqualFold(strings.TrimSpace(parts[0]), "SIP") {
				continue
			}
			if (nameAddr{params: parts[1:]}).param("cause") == "200" {
				return true
			}
		}
	}
	return false
}
