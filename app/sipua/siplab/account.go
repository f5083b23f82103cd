package siplab

// An account: one person's bindings, publications, watchers and stored messages, all owned by the account's mutex.

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// account is a person of the domain.
type account struct {
	name string // local part as configured, still escaped
	aor  string // sip:name@domain

	mu       sync.Mutex
	user     User
	ha1s     map[string]string // by algorithm, for the plain name
	bindings []*binding
	inbox    inbox
	pubs     []*publication       // newest first
	doc      []byte               // composed presence document, nil when out of date
	own      map[string]*ownState // calls and voice mail, by event package
	watchers map[*subscription]struct{}
	winfos   map[*subscription]struct{}
	rules    map[string]Authorization // by watcher AOR
}

// binding is one device of a person (RFC 3261 section 10).
type binding struct {
	account  *account
	contact  uri
	params   params // of the Contact, without expires
	instance string
	regID    string
	callID   string
	cseq     uint32
	q        int // thousandths
	expires  time.Time
	flow     *flow
	agent    string
}

func newAccount(u User, domain string) *account {
	a := &account{name: u.Name, aor: "sip:" + u.Name + "@" + domain, watchers: map[*subscription]struct{}{},
		winfos: map[*subscription]struct{}{}, rules: map[string]Authorization{}}
	a.setUser(u, domain)
	return a
}

func (a *account) setUser(u User, domain string) {
	secret := unescape(u.Name) + ":" + domain + ":" + u.Password
	ha1s := map[string]string{MD5: hashHex(MD5, secret), SHA256: hashHex(SHA256, secret)}
	a.mu.Lock()
	a.user, a.ha1s = u, ha1s
	a.mu.Unlock()
}

// ha1 returns the digest secret for a user name as the client wrote it; some write name@domain.
func (a *account) ha1(algorithm, username, realm string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.user.Password == "" {
		return "", false
	}
	if username != unescape(a.user.Name) {
		return hashHex(algorithm, username+":"+realm+":"+a.user.Password), true
	}
	v, ok := a.ha1s[strings.ToUpper(algorithm)]
	return v, ok
}

// targets are the live devices, best first.
func (a *account) targets(now time.Time) []target {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.targetsLocked(now)
}

func (a *account) targetsLocked(now time.Time) []target {
	if len(a.bindings) == 0 {
		return nil
	}
	out := make([]target, 0, len(a.bindings))
	for _, b := range a.bindings {
		if b.expires.After(now) && b.reachable() {
			out = append(out, target{uri: b.contact, flow: b.flow, binding: b})
		}
	}
	return out
}

// outbound tells whether the binding lives on its flow alone (RFC 5626).
func (b *binding) outbound() bool { return b.instance != "" && b.regID != "" }

func (b *binding) reachable() bool { return b.flow.alive() || !b.flow.reliable() || !b.outbound() }

// same is URI equality as far as bindings need it (RFC 3261 section 19.1.4).
func (b *binding) same(u *uri) bool {
	return b.contact.scheme == u.scheme && b.contact.name() == u.name() && b.contact.host == u.host && b.contact.port == u.port &&
		b.contact.transport() == u.transport()
}

func (b *binding) key() string { return contactKey(&b.contact) }

func contactKey(u *uri) string { return u.name() + "@" + u.host + ":" + strconv.Itoa(u.port) }

// remove takes a binding out; mu is held.
func (a *account) remove(s *Server, b *binding) {
	a.bindings = slices.DeleteFunc(a.bindings, func(o *binding) bool { return o == b })
	s.contacts.CompareAndDelete(b.key(), b)
}

// dropBindings removes the bindings that match.
func (a *account) dropBindings(s *Server, match func(*binding) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range slices.Clone(a.bindings) {
		if match(b) {
			a.remove(s, b)
		}
	}
}

// flowLost removes the bindings that lived on a connection that has ended. Bindings without a flow of their own (RFC 5626)
// stay: their Contact may accept connections.
func (s *Server) flowLost(f *flow) {
	for _, a := range f.carried() {
		a.dropBindings(s, func(b *binding) bool { return b.flow == f && (b.outbound() || !b.listens()) })
	}
}

// listens tells whether the Contact is another address than the connection's own end: then it can be called.
func (b *binding) listens() bool {
	return b.contact.host+":"+strconv.Itoa(b.contact.port) != b.flow.remote
}

// sweepAccount lets bindings, publications and stored messages expire, and tries stored messages again.
func (s *Server) sweepAccount(a *account, now time.Time) {
	a.mu.Lock()
	idle := len(a.bindings) == 0 && len(a.pubs) == 0 && len(a.own) == 0 && len(a.inbox.queue) == 0
	a.mu.Unlock()
	if idle {
		return
	}
	a.dropBindings(s, func(b *binding) bool { return !b.expires.After(now) })
	s.dropPublications(a, func(p *publication) bool { return !p.expires.After(now) })
	s.sweepOwn(a, now)
	if a.inboxDue(now, s.cfg.StoreAge) {
		s.deliverStored(a)
	}
}
