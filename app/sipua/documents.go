package sipua

// The documents that the server keeps for people (XCAP): presence rules and contact lists.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"portico/app/portal"
	"portico/app/sipua/xcap"
)

// documents is everybody's access to the XCAP server. A nil one is that of a server without.
type documents struct {
	a         *Agent
	client    xcap.Client
	transport *http.Transport
	// wants is what the server last asked of somebody without proof; it is the same for everybody.
	wants atomic.Pointer[[]string]
}

// maxDocumentConnections bounds the connections to the XCAP server; further requests wait.
const maxDocumentConnections = 16

func newDocuments(a *Agent) *documents {
	if a.cfg.XCAPRoot == "" {
		return nil
	}
	// Each request has a connection of its own: there are servers (Kamailio) that close after each answer without saying
	// so before, and a PUT that meets such an end cannot be repeated blindly.
	d := &documents{a: a, transport: &http.Transport{MaxConnsPerHost: maxDocumentConnections, DisableKeepAlives: true, TLSHandshakeTimeout: dialTimeout}}
	if a.cfg.TLS != nil {
		d.transport.TLSClientConfig = a.cfg.TLS.Clone()
		d.transport.TLSClientConfig.ServerName = "" // that of the root, which may be another machine's
	}
	d.client = xcap.Client{Root: a.cfg.XCAPRoot, HTTP: &http.Client{Transport: d.transport}, Authorize: prover{a}, Watch: d.watched}
	return d
}

func (d *documents) close() {
	if d != nil {
		d.transport.CloseIdleConnections()
	}
}

// keptDocuments are the documents that the server is known to keep of a person.
type keptDocuments uint8

const (
	keptRules keptDocuments = 1 << iota
	keptList
	keptService
)

// names are the application usages.
func (k keptDocuments) names() []string {
	var names []string
	for bit, doc := range map[keptDocuments]xcap.Document{keptRules: xcap.Rules, keptList: xcap.ContactList, keptService: xcap.ListService} {
		if k&bit != 0 {
			names = append(names, doc.AUID)
		}
	}
	return names
}

// keeps notes that the server has a document of the person.
func (l *line) keeps(k keptDocuments) {
	l.mu.Lock()
	l.kept |= k
	l.mu.Unlock()
}

// prover proves with a person's own secret who asks for a document.
type prover struct{ a *Agent }

// Authorize is that of xcap.Authorizer: digest with the person's hashes, or the assertion of a trusted portal (3GPP TS
// 24.623 section 5.2.3.2).
func (p prover) Authorize(who portal.Address, method, uri string, challenges []string) (header, value string, err error) {
	if p.a.cfg.Auth == AuthTrusted {
		return "X-3GPP-Asserted-Identity", `"` + string(who) + `"`, nil
	}
	l := p.a.line(who)
	if l == nil {
		return "", "", errGone
	}
	c := l.credentials()
	if c == nil {
		return "", "", errNoSecret
	}
	if len(challenges) > 0 {
		n, err := c.choose(challenges)
		if err != nil {
			return "", "", err
		}
		l.setNonce(documentNonce, n)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.nonces[documentNonce]
	if n == nil {
		return "", "", nil
	}
	if value, err = c.answer(n, method, uri); err != nil {
		l.nonces[documentNonce] = nil
		return "", "", err
	}
	return "Authorization", value, nil
}

// documentNonce is the place of the XCAP server's nonce beside those for 401 and 407.
const documentNonce = 2

// learn makes the hash for the realm of the XCAP server while the password is at hand.
func (d *documents) learn(ctx context.Context, who portal.Address, c *credentials) {
	if d == nil {
		return
	}
	wants := d.wants.Load()
	if wants == nil {
		got, err := d.client.Challenges(ctx, who)
		if err != nil || len(got) == 0 {
			d.a.cfg.Logger.Debug("document server did not show its challenge", "person", who, "error", err)
			return
		}
		wants = &got
		d.wants.Store(wants)
	}
	if _, err := c.choose(*wants); err != nil {
		d.a.cfg.Logger.Warn("document server's challenge cannot be answered", "person", who, "error", err)
	}
}

// speaks finds the person's line for a request to the XCAP server.
func (d *documents) speaks(who portal.Address) (*line, error) {
	l := d.a.line(who)
	if l == nil {
		return nil, fmt.Errorf("sip: %w: %s is not signed in here", portal.ErrUnavailable, who)
	}
	return l, nil
}

// note keeps a failure for the person's facts.
func (l *line) note(err error) error {
	if err != nil && !errors.Is(err, portal.ErrNotFound) && !errors.Is(err, portal.ErrConflict) {
		l.mu.Lock()
		l.failed(err)
		l.mu.Unlock()
	}
	return err
}

// PutRules has the server hold to r from now on, for everybody who watches who; it replaces the rules before, whoever
// wrote them. Errors: ErrNotFound (this server keeps no rules), ErrUnavailable (try again: the person's line or the server
// is away), ErrForbidden (it will not have this person's), ErrInvalid (it will not have these).
func (a *Agent) PutRules(ctx context.Context, who portal.Address, r xcap.RuleSet) error {
	if a.docs == nil {
		return fmt.Errorf("sip: %w: no XCAP server", portal.ErrNotFound)
	}
	l, err := a.docs.speaks(who)
	if err != nil {
		return err
	}
	if _, err := a.docs.client.Put(ctx, who, xcap.Rules, r.Encode(who), xcap.Condition{}); err != nil {
		return l.note(err)
	}
	l.keeps(keptRules)
	l.mu.Lock()
	watchers := l.winfo
	l.mu.Unlock()
	if watchers != nil {
		for _, wait := range rulesSettle {
			w := &reminder{s: watchers}
			a.clock.after(&w.timer, w, wait)
		}
	}
	return nil
}

// rulesSettle is when the person's watchers are asked for after new rules: a server (Kamailio) does not tell of those
// whom the rules let in, and obeys the rules only after it has answered, be it a moment or, under load, a while.
var rulesSettle = [...]time.Duration{500 * time.Millisecond, 10 * time.Second}

// reminder has a subscription renewed once.
type reminder struct {
	timer timer
	s     *sub
}

func (r *reminder) wake(time.Time) { r.s.enqueue(false) }

// FetchList reads the contact list that the server keeps for who. unchanged: it still has the entity tag. Errors:
// ErrNotFound (there is no list yet), ErrForbidden (this server keeps none), ErrInvalid (it cannot be read), ErrUnavailable.
func (a *Agent) FetchList(ctx context.Context, who portal.Address, etag string) (l xcap.List, unchanged bool, err error) {
	doc, tag, unchanged, err := a.fetchList(ctx, who, etag)
	if err != nil || unchanged {
		return xcap.List{ETag: tag}, unchanged, err
	}
	l = doc.List()
	l.ETag = tag
	return l, false, nil
}

func (a *Agent) fetchList(ctx context.Context, who portal.Address, etag string) (*xcap.ResourceLists, string, bool, error) {
	if a.docs == nil {
		return nil, "", false, fmt.Errorf("sip: %w: no XCAP server", portal.ErrForbidden)
	}
	l, err := a.docs.speaks(who)
	if err != nil {
		return nil, "", false, err
	}
	body, tag, unchanged, err := a.docs.client.Get(ctx, who, xcap.ContactList, etag)
	if err != nil || unchanged {
		return nil, tag, unchanged, l.note(err)
	}
	l.keeps(keptList)
	doc, err := xcap.ParseResourceLists(body)
	return doc, tag, false, l.note(err)
}

// StoreList has the server keep list as the contact list of who, if the one it keeps has the entity tag (empty: it keeps
// none yet), and gives the new tag. What other clients wrote into the document beside groups and people stays. Errors:
// ErrConflict (somebody changed it meanwhile: fetch it again), ErrForbidden (this server keeps none), ErrInvalid (it will
// not have it), ErrUnavailable.
func (a *Agent) StoreList(ctx context.Context, who portal.Address, list xcap.List, etag string) (string, error) {
	doc, tag, _, err := a.fetchList(ctx, who, "")
	missing := errors.Is(err, portal.ErrNotFound)
	switch {
	case err != nil && !missing:
		return "", err
	case missing && etag != "", !missing && tag != etag:
		return "", fmt.Errorf("sip: %w: the contact list has another entity tag", portal.ErrConflict)
	case missing:
		doc = xcap.NewResourceLists()
	}
	before := doc.Encode()
	doc.Set(list)
	body := doc.Encode()
	if !missing && bytes.Equal(before, body) {
		return tag, nil
	}
	l, err := a.docs.speaks(who)
	if err != nil {
		return "", err
	}
	tag, err = a.docs.client.Put(ctx, who, xcap.ContactList, body, xcap.Condition{Tag: tag, Absent: missing})
	switch {
	case errors.Is(err, portal.ErrNotFound): // no such documents at all
		return "", l.note(fmt.Errorf("sip: %w: %w", portal.ErrForbidden, err))
	case err != nil:
		return "", l.note(err)
	}
	l.keeps(keptList)
	if tag == "" {
		_, tag, _, err = a.docs.client.Get(ctx, who, xcap.ContactList, "")
	}
	return tag, l.note(err)
}
