// Package oidc signs people in at an OpenID Connect provider: authorization code with PKCE, and a claim that names their SIP address.
//
// The provider's discovery document is read when it is first needed and again now and then, so that one that is
// down does not keep the portal from starting. What the provider says is believed only over a checked signature, for
// this client, this browser's attempt and this moment (OpenID Connect Core 1.0 section 3.1.3.7).
package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"portico/app/portal"
)

// The claims that can name a person's address.
const (
	// ClaimSIP is a claim of its own: "sip:alice@example.test", or the part before the "@".
	ClaimSIP = "sip"
	// ClaimEmail is the e-mail address, unless the provider says that it has not been verified.
	ClaimEmail = "email"
	// ClaimUsername is "preferred_username": an address, or the part before the "@".
	ClaimUsername = "preferred_username"
)

// Config describes the provider. Issuer, ClientID, RedirectURL and Domain are needed.
type Config struct {
	// Issuer is the provider's address, as its tokens name it. Plain http is for this machine alone.
	Issuer string
	// ClientID and ClientSecret are what the provider knows the portal by; a public client has no secret.
	ClientID, ClientSecret string
	// RedirectURL is the portal's address that the provider sends people back to.
	RedirectURL string
	// Scopes are asked for beside "openid"; none: "profile" and "email".
	Scopes []string
	// AddressClaim names the claim that holds the address: one of the Claim constants, or one of the provider's own
	// that is written like ClaimSIP; empty: ClaimEmail.
	AddressClaim string
	// CAFile holds the certificates (PEM) that the provider's must be signed by; empty: the system's.
	CAFile string
	// Domain is the domain of the portal's people.
	Domain string
}

// Options are the rest of what a Provider is built with; the zero value works.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Retry is the least time between two attempts to read the discovery document of a provider that did not answer (10 s).
	Retry time.Duration
	// Refresh is how long a discovery document is good (24 h). When it cannot be read again the old one stays.
	Refresh time.Duration
	// Timeout bounds each exchange with the provider (15 s).
	Timeout time.Duration
}

// skew is how far the provider's clock may be from this one.
const skew = 2 * time.Minute

// Provider is one OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	c      Config
	o      Options
	client *http.Client
	flight singleflight.Group
	jar    *jar

	mu sync.Mutex
	// found is the provider as it was discovered last, at; nil: never.
	found *discovered
	at    time.Time
	// failed is why the last discovery failed, tried when; nil: it went well.
	failed error
	tried  time.Time
}

// discovered is what a discovery document says.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	// namesItself: the provider says in its answers who it is (RFC 9207).
	namesItself bool
}

// New makes a provider; nothing is asked of it yet. The errors are those of a configuration that cannot work.
func New(c Config, o Options) (*Provider, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	if c.AddressClaim == "" {
		c.AddressClaim = ClaimEmail
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"profile", "email"}
	}
	o = o.withDefaults()
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: o.Timeout, IdleConnTimeout: time.Minute,
		MaxIdleConns: 8, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("oidc: ca_file: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("oidc: no certificate in %s", c.CAFile)
		}
	}
	j, err := newJar(o.Now)
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	return &Provider{c: c, o: o, jar: j, client: &http.Client{Timeout: o.Timeout, Transport: bounded{transport}, CheckRedirect: stay}}, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		at  *time.Duration
		def time.Duration
	}{{&o.Retry, 10 * time.Second}, {&o.Refresh, 24 * time.Hour}, {&o.Timeout, 15 * time.Second}} {
		if *d.at <= 0 {
			*d.at = d.def
		}
	}
	return o
}

func (c Config) check() error {
	var errs []error
	if err := secure(c.Issuer); err != nil {
		errs = append(errs, fmt.Errorf("issuer: %w", err))
	}
	if err := secure(c.RedirectURL); err != nil {
		errs = append(errs, fmt.Errorf("redirect address: %w", err))
	}
	if c.ClientID == "" {
		errs = append(errs, errors.New("the client ID is missing"))
	}
	if c.Domain == "" {
		errs = append(errs, errors.New("the domain is missing"))
	}
	return errors.Join(errs...)
}

// secure is nil for an https address, and for an http one of this machine.
func secure(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is no address", address)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https", address)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Ready is nil when the provider's discovery document has been read, or can be now.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

// Close closes the connections that are not in use.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// AuthURL is where the browser is sent to sign in. state comes back with the answer, nonce in the token; verifier is
// the secret of PKCE (RFC 7636), of which the provider gets the SHA-256. Begin makes all three.
// The error means ErrUnavailable "signin.oidc-unreachable".
func (p *Provider) AuthURL(ctx context.Context, state, nonce, verifier string) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return d.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// discover gives the provider, asking it where that is due. Who waits for the same question gets the same answer.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	now := p.o.Now()
	p.mu.Lock()
	found, fresh := p.found, p.found != nil && now.Sub(p.at) < p.o.Refresh
	failed, waiting := p.failed, p.failed != nil && now.Sub(p.tried) < p.o.Retry
	p.mu.Unlock()
	switch {
	case fresh, found != nil && waiting:
		return found, nil
	case waiting:
		return nil, unreachable(failed).After(p.o.Retry)
	}
	// The question outlives whoever asked first: others wait for it too.
	answer := p.flight.DoChan("discover", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.o.Timeout)
		defer cancel()
		return p.read(ctx)
	})
	select {
	case <-ctx.Done():
		return nil, unreachable(ctx.Err())
	case got := <-answer:
		if got.Err == nil {
			return got.Val.(*discovered), nil
		}
		if found != nil {
			p.o.Logger.Warn("oidc: the provider did not answer; what it said before stays", "issuer", p.c.Issuer, "err", got.Err)
			return found, nil
		}
		return nil, unreachable(got.Err)
	}
}

// read reads the discovery document.
func (p *Provider) read(ctx context.Context) (*discovered, error) {
	d, err := p.readDocument(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried, p.failed = p.o.Now(), err
	if err == nil {
		p.found, p.at = d, p.tried
	}
	return d, err
}

func (p *Provider) readDocument(ctx context.Context) (*discovered, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.c.Issuer)
	if err != nil {
		return nil, err
	}
	var said struct {
		Keys        string   `json:"jwks_uri"`
		Algorithms  []string `json:"id_token_signing_alg_values_supported"`
		Challenges  []string `json:"code_challenge_methods_supported"`
		NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&said); err != nil {
		return nil, fmt.Errorf("discovery document: %w", err)
	}
	endpoint := provider.Endpoint()
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, said.Keys} {
		if err := secure(address); err != nil {
			return nil, fmt.Errorf("discovery document: %w", err)
		}
	}
	if u := provider.UserInfoEndpoint(); u != "" && secure(u) != nil {
		return nil, fmt.Errorf("discovery document: %w", secure(u))
	}
	if len(said.Challenges) > 0 && !slices.Contains(said.Challenges, "S256") {
		return nil, errors.New("discovery document: the provider does not know PKCE by S256")
	}
	return &discovered{provider: provider, namesItself: said.NamesItself,
		// Neither a signature by the shared secret nor none at all is a provider's word.
		verifier: provider.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.client), &oidc.Config{ClientID: p.c.ClientID,
			SupportedSigningAlgs: signing(said.Algorithms), Now: func() time.Time { return p.o.Now().Add(-skew) }}),
		oauth: oauth2.Config{ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret, RedirectURL: p.c.RedirectURL, Endpoint: endpoint,
			Scopes: append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(p.c.Scopes), func(s string) bool { return s == oidc.ScopeOpenID })...)}}, nil
}

// signing is those of a provider's algorithms that prove a token to be its own; RS256 where it names none.
func signing(said []string) []string {
	var out []string
	for _, a := range said {
		if slices.Contains([]string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}, a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = []string{oidc.RS256}
	}
	return out
}

// maxCause bounds an error's text: the library puts whole answers into it.
const maxCause = 300

func unreachable(err error) *portal.Error {
	if text := err.Error(); len(text) > maxCause {
		err = errors.New(strings.ToValidUTF8(text[:maxCause], "") + "…")
	}
	return portal.Fail(portal.ErrUnavailable, "signin.oidc-unreachable").Because(err)
}

// address makes a person's address of a claim: a whole one, or the part before the "@".
func (p *Provider) address(claim string) (portal.Address, error) {
	claim = strings.TrimSpace(claim)
	if !strings.Contains(claim, "@") {
		claim += "@" + p.c.Domain
	}
	who, err := portal.ParseAddress(claim)
	if err != nil {
		return "", portal.Fail(portal.ErrForbidden, "signin.oidc-address").With("claim", p.c.AddressClaim).Because(err)
	}
	if who.Domain() != strings.ToLower(p.c.Domain) {
		return "", portal.Fail(portal.ErrForbidden, "signin.foreign").With("domain", p.c.Domain).Because(fmt.Errorf("the provider says %s", who))
	}
	return who, nil
}
