package sipua

// A subscription as a compact dialog: half a million of them have to fit.

import (
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/dialoginfo"
	"portico/app/sipua/mwi"
)

// subKind is what is subscribed to.
type subKind uint8

const (
	kindPresence subKind = iota // somebody's presence (RFC 3856)
	kindWatchers                // one's own watchers (RFC 3857)
	kindList                    // the presence of a list (RFC 4662)
	kindDialogs                 // one's own calls (RFC 4235)
	kindSummary                 // one's own voice mail (RFC 3842)
)

// subFlags are the facts about a subscription.
type subFlags uint16

const (
	subWanted   subFlags = 1 << iota // somebody wants it
	subQueued                        // in the pacer
	subBusy                          // a SUBSCRIBE is under way or its answer is being settled
	subDialog                        // there is (or will be, once answered) a dialog on the server
	subHeard                         // a NOTIFY of this dialog came
	subInbox                         // documents of it are being read
	subToldNone                      // the handler was told that nothing is known
	subOffline                       // the last word was that nobody is there
	subCPIM                          // an endpoint reads message/cpim
	subStopped                       // the server will not have it
	subAnswered                      // the SUBSCRIBE that began the dialog was answered
	subEnding                        // un-SUBSCRIBE answered, last NOTIFY awaited
	subAgain                         // became due while busy
	subHeldBack                      // the server keeps its word until the other decides (pending)
	subDoubted                       // a NOTIFY came that was not newer than the last, and the state is asked for
)

// dialogID names a dialog in its Call-ID.
type dialogID [10]byte

// sub is one subscription. It is guarded by its line's mutex.
type sub struct {
	l       *line
	of      portal.Address
	pending *notice // documents that came and are not read yet, oldest first
	timer   timer

	id        dialogID
	tag       [6]byte
	remoteTag string
	// target is the server's Contact and route the route set, as they stand in headers; both interned,
	// because a server gives everybody the same.
	target, route string

	cseq, heard uint32 // last CSeq of ours, of the server's
	expires     int64  // Unix seconds
	asked       int64  // when the dialog was begun, Unix seconds
	flags       subFlags
	kind        subKind
	failures    uint8
}

// notice is a NOTIFY that waits to be read.
type notice struct {
	next        *notice
	dialog      dialogID
	state       string
	reason      string
	after       time.Duration
	contentType string
	body        []byte
}

func (s *sub) is(f subFlags) bool { return s.flags&f != 0 }

// live reports whether the server's word holds now.
func (s *sub) live() bool { return s.is(subDialog) && s.is(subHeard) && s.expires > time.Now().Unix() }

func (s *sub) callID() string   { return hex.EncodeToString(s.id[:]) }
func (s *sub) localTag() string { return hex.EncodeToString(s.tag[:]) }

// event is the package and media type the subscription is for.
func (s *sub) event() (event, accept string) {
	switch s.kind {
	case kindWatchers:
		return "presence.winfo", "application/watcherinfo+xml"
	case kindList:
		return "presence", "multipart/related, application/rlmi+xml, application/pidf+xml"
	case kindDialogs:
		return "dialog", dialoginfo.MediaType
	case kindSummary:
		return "message-summary", mwi.MediaType
	}
	return "presence", "application/pidf+xml"
}

// wake is called when the subscription is due for something; see subscribeJob.
func (s *sub) wake(time.Time) { s.enqueue(false) }

// enqueue gives the subscription to the pacer, once.
func (s *sub) enqueue(urgent bool) {
	s.l.mu.Lock()
	put := !s.is(subQueued)
	s.flags |= subQueued
	s.l.mu.Unlock()
	if put {
		s.l.a.subscribes.put(job{l: s.l, s: s}, urgent)
	}
}

// forget clears the dialog. The caller holds the line's mutex.
func (s *sub) forget() {
	s.l.a.dialogs.remove(s)
	s.flags &^= subDialog | subHeard | subAnswered | subEnding | subHeldBack | subDoubted
	s.remoteTag, s.target, s.route = "", "", ""
	s.cseq, s.heard, s.expires = 0, 0, 0
	switch { // versions count within a subscription
	case s.kind == kindWatchers && s.l.table != nil:
		s.l.table.Reset()
	case s.kind == kindDialogs:
		s.l.own.table.Reset()
	}
}

// anew begins a dialog. The caller holds the line's mutex.
func (s *sub) anew() {
	s.forget()
	id, tag := token(len(s.id)), token(len(s.tag))
	_, err1 := hex.Decode(s.id[:], []byte(id))
	_, err2 := hex.Decode(s.tag[:], []byte(tag))
	if err1 != nil || err2 != nil {
		panic("sipua: token is not hexadecimal")
	}
	s.flags |= subDialog
	s.l.a.dialogs.add(s)
}

// everySub lists the line's subscriptions. The caller holds the mutex.
func (l *line) everySub() []*sub {
	all := make([]*sub, 0, len(l.subs)+4)
	for _, s := range l.subs {
		all = append(all, s)
	}
	if l.winfo != nil {
		all = append(all, l.winfo)
	}
	if l.list != nil {
		all = append(all, l.list)
	}
	if l.own != nil {
		all = l.own.append(all)
	}
	return all
}

// dialogTable finds subscriptions by Call-ID.
type dialogTable struct {
	mu sync.RWMutex
	m  map[dialogID]*sub
}

func (t *dialogTable) add(s *sub) {
	t.mu.Lock()
	if t.m == nil {
		t.m = map[dialogID]*sub{}
	}
	t.m[s.id] = s
	t.mu.Unlock()
}

func (t *dialogTable) remove(s *sub) {
	t.mu.Lock()
	if t.m[s.id] == s {
		delete(t.m, s.id)
	}
	t.mu.Unlock()
}

func (t *dialogTable) find(callID string) *sub {
	var id dialogID
	if len(callID) != 2*len(id) {
		return nil
	}
	if _, err := hex.Decode(id[:], []byte(callID)); err != nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[id]
}

// intern gives one copy of a string that many have.
func intern(s string) string {
	if s == "" {
		return ""
	}
	return unique.Make(s).Value()
}

// learnDialog takes the server's side of the dialog from its NOTIFY, or from its answer, whose route is
// reversed and counts even if a NOTIFY overtook it. After that the route set does not change (RFC 3261
// section 12.2). The caller holds the line's mutex.
func (s *sub) learnDialog(m sip.Message, remoteTag string, answer bool) {
	if c := contactURI(m); c != "" {
		s.target = intern(c)
	}
	known := s.remoteTag != ""
	if known && (!answer || s.is(subAnswered)) {
		return
	}
	if !known {
		s.remoteTag = strings.Clone(remoteTag)
	}
	if answer {
		s.flags |= subAnswered
	}
	var routes []string
	for _, h := range m.GetHeaders("Record-Route") {
		for _, r := range splitQuoted(h.Value(), ',') {
			routes = append(routes, strings.TrimSpace(r))
		}
	}
	if answer {
		slices.Reverse(routes)
	}
	if len(routes) > 0 || !known {
		s.route = intern(strings.Join(routes, ", "))
	}
}

func contactURI(m sip.Message) string {
	if all := contacts(m); len(all) > 0 && all[0].uri != "*" {
		return all[0].uri
	}
	return ""
}
