package siplab

// SUBSCRIBE (RFC 6665): who wants to know what, and until when.

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	packagePresence = "presence"
	packageWinfo    = "presence.winfo"
	allowEvents     = "presence, presence.winfo, dialog, message-summary"

	// maxWatchers bounds the subscriptions to one person; further ones get 503.
	maxWatchers = 20000
)

// subscription is one dialog with a subscriber. Its fields below mu are owned by mu; one goroutine at a time sends its
// NOTIFYs, so that they leave in the order of their CSeq. What waits is not a queue but the newest state: an older one that
// was not sent is replaced.
type subscription struct {
	id      string // dialog: Call-ID, their tag, our tag
	pkg     string
	eventID string
	watcher string // AOR
	owner   *account
	list    *listState // of a resource list; owner is nil then
	callID  string
	local   sip.Header // our From, with tag
	remote  sip.Header // our To

	mu       sync.Mutex
	flow     *flow
	target   uri
	routes   []string
	seen     uint32 // their CSeq
	cseq     uint32 // ours
	expires  time.Time
	ended    string // reason, once terminated
	pending  bool   // not authorized yet
	dirty    bool
	urgent   bool // what is dirty does not wait for the interval
	sending  bool
	timed    bool      // a timer will send
	reported time.Time // when the last change was sent
	version  int       // of winfo, dialog and list documents
	gone     []watcherInfo
}

func dialogID(callID, remoteTag, localTag string) string {
	return callID + "\x00" + remoteTag + "\x00" + localTag
}

func eventPackage(in *inbound) string {
	v, _ := header(in, "Event")
	pkg, _, _ := strings.Cut(v, ";")
	return strings.ToLower(trim(pkg))
}

func eventParam(in *inbound, name string) string {
	v, _ := header(in, "Event")
	if i := strings.IndexByte(v, ';'); i >= 0 {
		if ps, err := parseParams(v[i:]); err == nil {
			id, _ := ps.get(name)
			return id
		}
	}
	return ""
}

func (s *Server) subscribe(in *inbound) {
	if in.to.tag() != "" {
		if sub, ok := s.subs.get(dialogID(in.callID, in.from.tag(), in.to.tag())); ok {
			s.refresh(in, sub)
			return
		}
		if in.local(&in.uri) {
			in.reply(481, "Subscription Does Not Exist")
			return
		}
	}
	if !in.local(&in.uri) {
		s.route(in)
		return
	}
	if s.checkHops(in) {
		return
	}
	pkg := eventPackage(in)
	if _, own := ownType(pkg); pkg != packagePresence && pkg != packageWinfo && !own {
		in.reply(489, "Bad Event", hdr("Allow-Events", allowEvents))
		return
	}
	who := s.authenticate(in)
	if who == nil {
		return
	}
	if !s.cfg.Open && fold(in.from.uri.name()) != fold(unescape(who.name)) {
		in.reply(403, "Forbidden: From is another person")
		return
	}
	s.newSubscription(in, who, pkg)
}

func (s *Server) newSubscription(in *inbound, who *account, pkg string) {
	d := in.expires(s.cfg.DefaultExpires)
	if s.tooBrief(in, d) {
		return
	}
	d = min(d, s.cfg.MaxExpires)
	contacts, _, err := in.contacts()
	if err != nil || len(contacts) == 0 || !contacts[0].uri.isSIP() {
		in.reply(400, "Bad Request: Contact")
		return
	}
	sub := &subscription{pkg: pkg, eventID: eventParam(in, "id"), watcher: who.aor, callID: in.callID,
		flow: in.flow, target: contacts[0].uri, routes: headerAll(in, "Record-Route"), seen: in.cseq, expires: time.Now().Add(d)}
	if !s.aim(in, who, sub) {
		return
	}
	fromHeader, _ := header(in, "From")
	sub.id = dialogID(in.callID, in.from.tag(), in.tag())
	sub.local = hdr("From", in.toText+";tag="+in.tag())
	sub.remote = hdr("To", fromHeader)
	s.subs.put(sub.id, sub)
	s.accept(in, sub, d)
	if d == 0 {
		s.endSubscription(sub, "timeout")
		return
	}
	s.watch(sub)
	s.notify(sub)
}

// aim finds what a subscription is for; false when it was refused.
func (s *Server) aim(in *inbound, who *account, sub *subscription) bool {
	if members, isList, ok := s.listFor(in, who); isList {
		return ok && s.aimList(in, sub, members)
	}
	a := s.account(in.uri.name())
	if in.uri.user == "" || a == nil {
		in.reply(404, "Not Found")
		return false
	}
	sub.owner = a
	want := typePIDF
	media, own := ownType(sub.pkg)
	switch {
	case own:
		want = media
	case sub.pkg == packageWinfo:
		want = typeWinfo
	}
	if sub.pkg != packagePresence && a != who {
		in.reply(403, "Forbidden: only the owner may see this")
		return false
	}
	if !accepts(in, want) {
		in.reply(406, "Not Acceptable", hdr("Accept", want))
		return false
	}
	if sub.pkg == packagePresence && a.authorization(who) == Block {
		in.reply(403, "Forbidden: this person does not want to be watched by you")
		return false
	}
	a.mu.Lock()
	full := len(a.watchers)+len(a.winfos)+a.ownSubscriptions() >= maxWatchers
	a.mu.Unlock()
	if full {
		in.reply(503, "Service Unavailable: too many watchers", hdr("Retry-After", "60"))
	}
	return !full
}

// accepts looks at Accept; without one the package's own type is meant (RFC 6665 section 3.1.3).
func accepts(in *inbound, mediaType string) bool {
	list := tokens(in, "Accept")
	if len(list) == 0 {
		return true
	}
	major, _, _ := strings.Cut(mediaType, "/")
	return slices.ContainsFunc(list, func(v string) bool {
		t, _, _ := strings.Cut(v, ";")
		t = trim(t)
		return t == mediaType || t == "*/*" || t == major+"/*"
	})
}

// accept answers 200 with the time granted and our Contact for the dialog.
func (s *Server) accept(in *inbound, sub *subscription, d time.Duration) {
	extra := []sip.Header{hdr("Expires", itoa(d)), hdr("Contact", s.contact(in.t, in.flow))}
	if sub.list != nil {
		extra = append(extra, hdr("Require", "eventlist"))
	}
	in.reply(200, "OK", extra...)
}

func (s *Server) contact(t *transport, f *flow) string {
	host, port := t.sentBy(f.network)
	u := uri{scheme: "sip", host: host, port: port, params: params{{"transport", strings.ToLower(f.network)}}}
	return "<" + u.String() + ">"
}

// watch enters a subscription where changes are looked up.
func (s *Server) watch(sub *subscription) {
	for _, a := range sub.watched() {
		a.mu.Lock()
		switch _, own := ownType(sub.pkg); {
		case own:
			a.ownOf(sub.pkg).subs[sub] = struct{}{}
		case sub.pkg == packageWinfo:
			a.winfos[sub] = struct{}{}
		default:
			a.watchers[sub] = struct{}{}
		}
		a.mu.Unlock()
	}
	if sub.pkg == packagePresence {
		for _, a := range sub.watched() {
			s.winfoChanged(a, nil)
		}
	}
}

// watched are the accounts whose changes a subscription reports.
func (sub *subscription) watched() []*account {
	if sub.list != nil {
		return sub.list.accounts
	}
	return []*account{sub.owner}
}

// refresh handles a SUBSCRIBE inside a dialog: more time, or the end.
func (s *Server) refresh(in *inbound, sub *subscription) {
	d := in.expires(s.cfg.DefaultExpires)
	if eventPackage(in) != sub.pkg {
		in.reply(489, "Bad Event", hdr("Allow-Events", allowEvents))
		return
	}
	if s.tooBrief(in, d) {
		return
	}
	d = min(d, s.cfg.MaxExpires)
	contacts, _, err := in.contacts()
	if err != nil {
		in.reply(400, "Bad Request: Contact")
		return
	}
	sub.mu.Lock()
	if sub.ended != "" {
		sub.mu.Unlock()
		in.reply(481, "Subscription Does Not Exist")
		return
	}
	if in.cseq <= sub.seen {
		sub.mu.Unlock()
		in.reply(500, "Server Internal Error: CSeq out of order", hdr("Retry-After", "1"))
		return
	}
	sub.seen, sub.flow = in.cseq, in.flow
	if len(contacts) > 0 && contacts[0].uri.isSIP() {
		sub.target = contacts[0].uri
	}
	sub.expires = time.Now().Add(d)
	sub.mu.Unlock()
	s.accept(in, sub, d)
	if d == 0 {
		s.endSubscription(sub, "timeout")
		return
	}
	if sub.list != nil {
		sub.list.full()
	}
	s.notify(sub)
}

// sweepSubscription ends a subscription whose time is over.
func (s *Server) sweepSubscription(sub *subscription, now time.Time) {
	sub.mu.Lock()
	over := sub.ended == "" && !sub.expires.After(now)
	sub.mu.Unlock()
	if over {
		s.endSubscription(sub, "timeout")
	}
}

// endSubscription sends the final NOTIFY and forgets the dialog when it is answered.
func (s *Server) endSubscription(sub *subscription, reason string) {
	sub.mu.Lock()
	if sub.ended != "" {
		sub.mu.Unlock()
		return
	}
	sub.ended = reason
	sub.mu.Unlock()
	s.unwatch(sub)
	if sub.list != nil {
		sub.list.full()
	}
	s.notify(sub)
}

// forgetSubscription drops a dialog without a word.
func (s *Server) forgetSubscription(sub *subscription) {
	sub.mu.Lock()
	if sub.ended == "" {
		sub.ended = "deactivated"
	}
	sub.dirty = false
	sub.mu.Unlock()
	s.subs.drop(sub.id)
	s.unwatch(sub)
}

func (s *Server) unwatch(sub *subscription) {
	for _, a := range sub.watched() {
		a.mu.Lock()
		_, was := a.watchers[sub]
		delete(a.watchers, sub)
		delete(a.winfos, sub)
		if o := a.own[sub.pkg]; o != nil {
			delete(o.subs, sub)
		}
		a.mu.Unlock()
		if was {
			s.winfoChanged(a, sub)
		}
	}
}
