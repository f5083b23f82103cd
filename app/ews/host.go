package ews

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// host is one configured server: its clients by address (one, unless Autodiscover named several), its bells, and
// whether it answers.
type host struct {
	c     *Connector
	s     Server
	auth  soap.Authenticator
	bells *belfry
	// outage is whether the server is away; places are those of calls that nobody waits for.
	outage *outage
	places chan struct{}
	quiet  atomic.Bool // see quiet.go

	mu      sync.Mutex
	clients map[string]*soap.Client
	found   map[string]foundURL // by mail domain
	away    error
	secrets *passwords
	// anchored is the mailbox by which the front end finds the back end of the subscriptions.
	anchored string
}

type foundURL struct {
	url   string
	until time.Time
}

func newHost(c *Connector, s Server) (*host, error) {
	auth, err := authenticator(s)
	if err != nil {
		return nil, err
	}
	h := &host{c: c, s: s, auth: auth, clients: map[string]*soap.Client{}, found: map[string]foundURL{}, secrets: newPasswords(c.o.Now),
		places: make(chan struct{}, c.o.Places)}
	h.outage = newOutage(usualOutage, c.o.Jitter, h.isAway, h.isBack)
	h.bells = newBelfry(bellHost{h}, c.o.Bells, s.Streams, c.rang, c.o.Jitter, c.o.Logger)
	if s.URL != "" {
		_, err = h.clientOf(s.URL)
	}
	return h, err
}

func authenticator(s Server) (soap.Authenticator, error) {
	user := s.Username
	if s.Domain != "" && s.Auth != "kerberos" && !strings.ContainsAny(user, `\@`) && user != "" {
		user = s.Domain + `\` + user
	}
	switch s.Auth {
	case "", "basic":
		return soap.Basic(user, s.Password), nil
	case "ntlm":
		return soap.NTLM(user, s.Password), nil
	case "kerberos":
		return soap.Kerberos(soap.KerberosConfig{Config: s.Krb5Conf, Keytab: s.Keytab, User: s.Username, Realm: s.Domain, Password: s.Password, SPN: s.SPN})
	case "oauth2":
		o := soap.OAuth2Config{TokenURL: s.TokenURL, ClientID: s.ClientID, ClientSecret: s.Password, HTTP: s.HTTP}
		if s.Scope != "" {
			o.Scopes = strings.Fields(s.Scope)
		}
		return soap.OAuth2(o)
	}
	return nil, fmt.Errorf("the authentication %q is unknown: %w", s.Auth, portal.ErrInvalid)
}

// clientOf gives the client of an address; each address has one.
func (h *host) clientOf(url string) (*soap.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.clients[url]; ok {
		return c, nil
	}
	c, err := soap.New(soap.Options{URL: url, Auth: h.auth, HTTP: h.s.HTTP, Version: h.s.Version, UserAgent: "Portico",
		Timeout: h.s.Timeout, Concurrency: h.s.Concurrency, Syncs: h.syncs(), Streams: h.streams(), Silence: h.c.o.Bells.Silence,
		Logger: h.c.o.Logger, Observe: h.c.o.Observe, Sent: h.outage.sent})
	if err != nil {
		return nil, err
	}
	h.clients[url] = c
	return c, nil
}

// streams is how many streams a client may hold: those of the belfry and, while they are renewed, their successors.
func (h *host) streams() int {
	if (bellHost{h}).alone() {
		return 10_000 // one for each signed-in person, bounded by who is watched
	}
	return 2*max(h.s.Streams, 10) + 1
}

// syncs is how many synchronisations of folders a client may have under way: Exchange allows an account five.
func (h *host) syncs() int {
	if (bellHost{h}).alone() {
		return max(h.s.Concurrency, 10) // each is charged to its own mailbox
	}
	return 5
}

// client gives the client for a mailbox. Without a configured address it is found by Autodiscover, once for each mail
// domain and day.
func (h *host) client(ctx context.Context, email string) (*soap.Client, error) {
	if h.s.URL != "" {
		return h.clientOf(h.s.URL)
	}
	_, domain, _ := strings.Cut(strings.ToLower(email), "@")
	now := h.c.o.Now()
	h.mu.Lock()
	f, ok := h.found[domain]
	h.mu.Unlock()
	if ok && now.Before(f.until) {
		return h.clientOf(f.url)
	}
	url, err, _ := h.c.flight.Do("discover "+h.s.Name+" "+domain, func() (any, error) { return h.discover(ctx, email) })
	switch {
	case err == nil:
		f = foundURL{url.(string), now.Add(foundTime)}
	case !ok:
		return nil, err
	default: // what was known goes on working while Autodiscover does not
		h.c.o.Logger.Warn("Autodiscover failed, the known address is kept", "server", h.s.Name, "domain", domain, "error", err)
		f.until = now.Add(noneLasts)
	}
	h.mu.Lock()
	h.found[domain] = f
	h.mu.Unlock()
	return h.clientOf(f.url)
}

func (h *host) discover(ctx context.Context, email string) (string, error) {
	o := soap.DiscoverOptions{Email: email, Auth: h.auth, HTTP: h.s.HTTP, URLs: h.s.Autodiscover, Logger: h.c.o.Logger}
	if who := h.c.o.Person(email); who != "" && !h.s.Impersonate && h.c.o.Credentials != nil {
		var err error
		if o.Credentials, err = h.credentials(ctx, who); err != nil {
			return "", err
		}
	}
	res, err := soap.Discover(ctx, o)
	h.secrets.learn(h.c.o.Person(email), o.Credentials, err)
	if err != nil {
		return "", err
	}
	h.c.o.Logger.Info("Autodiscover named a server", "server", h.s.Name, "url", res.EWSURL, "from", res.From)
	return res.EWSURL, nil
}

// credentials are a person's own, unless the server refused them a moment ago.
func (h *host) credentials(ctx context.Context, who portal.Address) (*soap.Credentials, error) {
	user, password, err := h.c.o.Credentials(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", who, err)
	}
	c := &soap.Credentials{User: user, Password: password}
	return c, h.secrets.may(who, c)
}

// check signs in. An account that only impersonates others need not have a mailbox of its own; where everybody has
// their own password it is enough that the server asks for one.
func (h *host) check(ctx context.Context, as soap.As) error {
	email := h.s.Username
	if !strings.Contains(email, "@") {
		email = "postmaster@" + h.c.o.Domain
	}
	client, err := h.client(ctx, email)
	if err != nil {
		return err
	}
	everybodyTheirOwn := h.s.Username == "" && h.c.o.Credentials != nil
	if everybodyTheirOwn {
		as.Credentials = &soap.Credentials{User: "portico-check", Password: "portico-check"} // nobody: to be refused
	}
	res, err := client.GetFolder(ctx, as, &soap.GetFolder{Shape: soap.FolderShape{BaseShape: soap.IDOnly},
		Folders: []soap.FolderRef{soap.WellKnown("msgfolderroot", "")}})
	if err == nil {
		_, err = one(res.Messages)
	}
	if everybodyTheirOwn && errors.Is(err, portal.ErrUnauthenticated) {
		return nil
	}
	if absent(err) {
		return nil
	}
	return err
}

// close closes the connections that nobody uses.
func (h *host) close() {
	for _, c := range h.all() {
		c.Close()
	}
}

// all are the clients that there are.
func (h *host) all() []*soap.Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.clients))
}

// learn notes whether the server answers at all. That it refuses, is busy, or cannot get at one mailbox is an answer.
func (h *host) learn(err error) {
	var e *soap.ResponseError
	if err != nil && !errors.As(err, &e) {
		return // the portal's own words
	}
	if soap.Unreached(err) {
		h.outage.unreached(err)
	}
	if !unanswered(err) {
		err = nil
	}
	h.mu.Lock()
	h.away = err
	h.mu.Unlock()
}

// unanswered tells whether an error came without a word of Exchange's.
func unanswered(err error) bool {
	var e *soap.ResponseError
	return errors.As(err, &e) && errors.Is(err, portal.ErrUnavailable) && e.Code == "" && e.Status != http.StatusForbidden
}

func (h *host) down() error {
	if err := h.outage.refused(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.away
}

// knowsElsewhere: "working elsewhere" came with Exchange 2013.
func (a *access) knowsElsewhere() bool {
	v := a.Version()
	info := a.Server()
	return !strings.HasPrefix(v, "Exchange2007") && !strings.HasPrefix(v, "Exchange2010") && (info.Major == 0 || info.Major >= 15)
}

// failing is a message that knows why it failed.
type failing[M any] interface {
	*M
	Err() error
}

// one is the only message of an answer.
func one[M any, P failing[M]](messages []M) (*M, error) {
	if len(messages) == 0 {
		return nil, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("an answer without a message"))
	}
	return &messages[0], P(&messages[0]).Err()
}
