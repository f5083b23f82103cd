package soap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// Autodiscover: from an address to the web service of its mailbox.

// DiscoverOptions says whose server is looked for.
type DiscoverOptions struct {
	// Email is the address whose mailbox is looked for; its domain is where the search begins.
	Email string
	Auth  Authenticator
	// Credentials replace those of Auth.
	Credentials *Credentials
	HTTP        *http.Client
	// Timeout bounds one request; 0 is 10 s.
	Timeout time.Duration
	// URLs replace the candidates that follow from the domain: an administrator's own address of
	// an autodiscover service. Their hosts are trusted.
	URLs []string
	// Inside prefers the address for the inner network (EXCH) to the one for outside (EXPR).
	Inside bool
	// Trust tells whether credentials may be sent to a host outside the address's domain that a
	// redirect or an SRV record named; nil trusts hosts of the domain only.
	Trust func(host string) bool
	// LookupSRV replaces the resolver in tests.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	UserAgent string
	Logger    *slog.Logger
}

// DiscoverResult is what was found. The caller keeps it.
type DiscoverResult struct {
	EWSURL      string
	Email       string // the primary address, as far as it was told
	DisplayName string
	From        string // the address that gave the answer
}

// UntrustedError is a host that a redirect named and that credentials were not sent to.
type UntrustedError struct{ Host, From string }

// Error is the operator's text.
func (e *UntrustedError) Error() string {
	return fmt.Sprintf("autodiscover: %s sends to %s, which is not trusted with the password", e.From, e.Host)
}

// Unwrap gives the meaning.
func (e *UntrustedError) Unwrap() error { return portal.ErrForbidden }

const (
	maxSteps       = 12 // requests of one search
	maxDiscovery   = 1 << 20
	discoverDepth  = 32
	poxPath        = "/autodiscover/autodiscover.xml"
	autodiscoverDN = "autodiscover."
)

// Discover finds the web service of a mailbox: it asks, by POX and then by SOAP,
// https://<domain>, https://autodiscover.<domain>, where http://autodiscover.<domain> redirects
// to, and what the SRV record _autodiscover._tcp names, in this order. Redirects are followed a
// bounded number of times, over https only, and never twice to the same place.
func Discover(ctx context.Context, o DiscoverOptions) (DiscoverResult, error) {
	_, domain, ok := strings.Cut(o.Email, "@")
	if !ok || domain == "" || strings.ContainsAny(domain, "/@?#:% ") {
		return DiscoverResult{}, fmt.Errorf("%w: %q is no mail address", portal.ErrInvalid, o.Email)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.LookupSRV == nil {
		o.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.UserAgent == "" {
		o.UserAgent = "Portico"
	}
	dial := dialer(o.HTTP, 2)
	s := &search{o: o, codec: &binding.Codec{}, email: o.Email, home: strings.ToLower(domain), seen: map[string]bool{},
		signers: newSigners(o.Auth, dial), bare: newSigners(nil, dial)}
	defer s.signers.close()
	defer s.bare.close()
	return s.run(ctx)
}

// search is one search under way.
type search struct {
	o       DiscoverOptions
	codec   *binding.Codec
	signers *signers
	bare    *signers // without credentials
	email   string   // whose mailbox, after redirects to other addresses
	home    string   // the domain that the search began with
	seen    map[string]bool
	steps   int
	failed  []error
}

// found is the end of one candidate: a result, a further place to ask, or another address.
type found struct {
	result  *DiscoverResult
	next    string
	address string
}

func (s *search) run(ctx context.Context) (DiscoverResult, error) {
	for {
		r, address, err := s.pass(ctx)
		if r != nil || err != nil {
			if r != nil {
				return *r, nil
			}
			return DiscoverResult{}, err
		}
		if address == "" {
			return DiscoverResult{}, s.failure()
		}
		s.email = address
	}
}

// pass asks all candidates of the present address; address is set when it is to be another one.
func (s *search) pass(ctx context.Context) (_ *DiscoverResult, address string, _ error) {
	for _, candidate := range s.candidates() {
		at, err := candidate(ctx)
		if err != nil {
			s.fail(err)
			continue
		}
		for at != "" {
			f, err := s.ask(ctx, at)
			if ctx.Err() != nil {
				return nil, "", fmt.Errorf("%w: autodiscover: %w", portal.ErrUnavailable, ctx.Err())
			}
			if errors.Is(err, errSteps) {
				return nil, "", err
			}
			if err != nil {
				s.fail(err)
			}
			if f.result != nil {
				return f.result, "", nil
			}
			if f.address != "" {
				return nil, f.address, nil
			}
			at = f.next
		}
	}
	return nil, "", nil
}

// candidates gives the places to begin at; those that need a look-up make it when it is their turn.
func (s *search) candidates() []func(context.Context) (string, error) {
	fixed := func(u string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return u, nil }
	}
	var out []func(context.Context) (string, error)
	if len(s.o.URLs) > 0 {
		for _, u := range s.o.URLs {
			out = append(out, fixed(u))
		}
		return out
	}
	_, domain, _ := strings.Cut(s.email, "@")
	return append(out,
		fixed("https://"+domain+poxPath),
		fixed("https://"+autodiscoverDN+domain+poxPath),
		func(ctx context.Context) (string, error) { return s.plainRedirect(ctx, domain) },
		func(ctx context.Context) (string, error) { return s.service(ctx, domain) })
}

// plainRedirect asks over plain http, without credentials, where to go.
func (s *search) plainRedirect(ctx context.Context, domain string) (string, error) {
	at := "http://" + autodiscoverDN + domain + poxPath
	if err := s.step(at); err != nil {
		return "", err
	}
	resp, err := s.send(ctx, s.bare, nil, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return "", fmt.Errorf("%w: %s does not redirect", portal.ErrNotFound, at)
	}
	to, err := resp.Location()
	if err != nil || to.Scheme != "https" {
		return "", fmt.Errorf("%w: %s does not redirect to https", portal.ErrNotFound, at)
	}
	return to.String(), nil
}

// service asks the SRV record.
func (s *search) service(ctx context.Context, domain string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	_, records, err := s.o.LookupSRV(ctx, "autodiscover", "tcp", domain)
	if err != nil {
		return "", fmt.Errorf("%w: SRV record: %w", portal.ErrNotFound, err)
	}
	if len(records) == 0 {
		return "", fmt.Errorf("%w: no SRV record", portal.ErrNotFound)
	}
	host := strings.TrimSuffix(records[0].Target, ".")
	if p := records[0].Port; p != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(int(p)))
	}
	return "https://" + host + poxPath, nil
}

var errSteps = errors.New("autodiscover goes in circles")

// step counts a request and refuses the same one twice.
func (s *search) step(at string) error {
	if s.steps++; s.steps > maxSteps {
		return fmt.Errorf("%w: %w", portal.ErrUnavailable, errSteps)
	}
	key := strings.ToLower(s.email + " " + at)
	if s.seen[key] {
		return fmt.Errorf("%w: autodiscover: %s was asked before", portal.ErrNotFound, at)
	}
	s.seen[key] = true
	return nil
}

func (s *search) fail(err error) {
	s.o.Logger.Debug("autodiscover: no answer here", "error", err)
	s.failed = append(s.failed, err)
}

// failure is the error of a search without result: the one that says most. A service that answered
// that it does not know the address says more than one that is not there.
func (s *search) failure() error {
	is := func(meaning error) func(error) bool {
		return func(err error) bool { return errors.Is(err, meaning) }
	}
	answered := func(err error) bool {
		var e *ResponseError
		return errors.As(err, &e) && errors.Is(err, portal.ErrNotFound)
	}
	for _, telling := range []func(error) bool{is(portal.ErrUnauthenticated), is(portal.ErrForbidden), answered, is(portal.ErrUnavailable)} {
		if i := slices.IndexFunc(s.failed, telling); i >= 0 {
			return fmt.Errorf("autodiscover of %s: %w", s.email, s.failed[i])
		}
	}
	return fmt.Errorf("autodiscover of %s: %w", s.email, errors.Join(append([]error{portal.ErrNotFound}, s.failed...)...))
}

// trusted tells whether credentials may go to the host.
func (s *search) trusted(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if u.Scheme != "https" && !loopback(host) {
		return false
	}
	if host == s.home || strings.HasSuffix(host, "."+s.home) {
		return true
	}
	for _, own := range s.o.URLs {
		if o, err := url.Parse(own); err == nil && o.Host == u.Host {
			return true
		}
	}
	return s.o.Trust != nil && s.o.Trust(host)
}

// send makes one request; redirects are not followed.
func (s *search) send(ctx context.Context, by *signers, own *Credentials, method, at string, body []byte) (*http.Response, error) {
	signer, err := by.of(own)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	r, err := newRequest(ctx, method, at, body)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: %w", portal.ErrInvalid, err)
	}
	r.Header.Set("User-Agent", s.o.UserAgent)
	resp, err := signer.RoundTrip(r)
	if err != nil {
		cancel()
		if portal.Meaning(err) == nil {
			err = fmt.Errorf("%w: %s: %w", portal.ErrUnavailable, r.URL.Host, err)
		}
		return nil, err
	}
	resp.Body = &laneBody{ReadCloser: resp.Body, back: cancel}
	return resp, nil
}
