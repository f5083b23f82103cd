package sipua

// A line: all that is kept of one person, and the edges between working and not.

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"portico/app/portal"
	"portico/app/sipua/winfo"
)

// line is one person's state. mu guards every field below it; no I/O is done under it.
type line struct {
	a    *Agent
	who  portal.Address
	link *link

	mu     sync.Mutex
	creds  *credentials // nil in trusted mode
	nonces [3]*nonce    // for 401, for 407, for documents by HTTP
	gone   bool         // signed out; nothing more is to happen
	// leaving: signing out is under way; nothing new is begun for the person.
	leaving bool
	// joining: the first sign-in is under way and may still fail; nothing happens in the background.
	joining bool
	settled chan struct{} // closed when joining ends, for good or ill; nil: the line began without a sign-in

	attended bool // somebody waits for this line: its first requests are urgent

	// registration
	callID   string
	tag      string
	cseq     uint32
	regTimer timer
	regBusy  chan struct{} // not nil while a REGISTER is under way; closed when it is over
	queued   bool          // in the pacer
	flowGen  uint64        // the link's connection on which the person is registered; 0: none
	expires  time.Time
	// othersUntil is until when other devices of the person are registered, as far as the last REGISTER told.
	othersUntil time.Time
	devices     []portal.Device // those others, as far as they can be told apart
	failures    int
	back        chan struct{} // closed by the next registration, for messages that wait for it; nil: none does
	refused     error         // set when the server refuses the person for good

	since   int64 // Unix seconds of the last REGISTER that the server took
	trouble *trouble
	kept    keptDocuments

	// what the handler was told last, and what it shall be told
	told, actual edge
	toldWhy      string // key of the reason
	down         error
	telling      bool

	pub    *publication
	subs   map[portal.Address]*sub
	winfo  *sub
	list   *sub
	roster roster // what the list has said
	listed listed // what is on it
	own    *own   // the person's own calls and voice mail; nil where nobody asks for them
	table  *winfo.Table
	typing map[portal.Address]*composing
}

// edge is a line's state as the handler knows it.
type edge uint8

const (
	edgeNone edge = iota
	edgeUp
	edgeDown
)

func (a *Agent) newLine(who portal.Address, c *credentials) *line {
	return &line{a: a, who: who, link: a.linkOf(who), creds: c, callID: token(12), tag: token(6)}
}

// wake is called when the registration is due.
func (l *line) wake(time.Time) { l.enqueueRegister(false) }

// enqueueRegister has the registration renewed by the pacer.
func (l *line) enqueueRegister(urgent bool) {
	l.mu.Lock()
	put := !l.queued && !l.gone && !l.joining && l.refused == nil
	l.queued = l.queued || put
	l.mu.Unlock()
	if put {
		l.a.registers.put(job{l: l}, urgent)
	}
}

// set notes whether the line works and tells the handler if that is news. Calls of the handler are in
// order and never under the lock.
func (l *line) set(now edge, err error) {
	l.mu.Lock()
	l.actual, l.down = now, err
	if now == edgeUp && l.back != nil {
		close(l.back)
		l.back = nil
	}
	if l.telling {
		l.mu.Unlock()
		return
	}
	l.telling = true
	for l.told != l.actual || l.toldWhy != whyDown(l.down) {
		l.told, l.toldWhy = l.actual, whyDown(l.down)
		now, err := l.actual, l.down
		l.mu.Unlock()
		l.tell(now, err)
		l.mu.Lock()
	}
	l.telling = false
	l.mu.Unlock()
}

func (l *line) tell(now edge, err error) {
	defer rescue(l.a.cfg.Logger, "telling of a line", nil)
	switch now {
	case edgeUp:
		l.a.h.LineUp(l.who)
	case edgeDown:
		l.a.h.LineDown(l.who, err)
		l.ownUnknown()
	}
}

// registeredNow reports whether the person is registered on the connection that stands. The caller holds
// the mutex.
func (l *line) registeredNow() bool { return l.flowGen != 0 && l.flowGen == l.link.generation() }

func whyDown(err error) string {
	if err == nil {
		return ""
	}
	return portal.Reason(err)
}

// elsewhere reports whether the person has other devices, which may take a call.
func (l *line) elsewhere() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.othersUntil)
}

// credentials are those of the line; they do not change once the line has them.
func (l *line) credentials() *credentials {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.creds
}

// status describes the line.
func (l *line) status() LineStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LineStatus{Known: true, Registered: l.registeredNow(), Expires: l.expires, Published: l.pub != nil && l.pub.etag != ""}
	if l.refused != nil {
		s.Reason = portal.Reason(l.refused)
	}
	for _, s2 := range l.subs {
		s.Watching++
		if s2.live() {
			s.Live++
		}
	}
	return s
}

// token is n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("sipua: no randomness: " + err.Error()) // crypto/rand documents that this cannot happen
	}
	return hex.EncodeToString(b)
}

// instanceURN is the person's +sip.instance on this portal (RFC 5626 section 4.1): stable over restarts.
func instanceURN(instance string, who portal.Address) string {
	return "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte("portico:"+instance+":"+string(who))).String()
}

// unescape undoes percent-encoding; what is malformed stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	plain, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return plain
}
