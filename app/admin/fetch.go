package admin

// Fetching a file from an address that an administrator gave, without letting it lead the portal to where only the portal
// can reach: addresses are judged after each name has been resolved and again when the connection is made, redirects hop
// by hop, and size, time and form are bounded.

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/outward"
	"portico/app/policy"
	"portico/app/portal"
)

// FetchOptions adjust a SafeFetcher. The zero value is a working set.
type FetchOptions struct {
	// Networks are those inside that may be reached all the same (policy.custom_state_networks).
	Networks []netip.Prefix
	// Timeout bounds a fetch with all its redirects (10 s), MaxSize the file (64 KB), MaxRedirects the hops (3).
	Timeout      time.Duration
	MaxSize      int64
	MaxRedirects int
	// Resolve gives the addresses of a name; nil: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// TLS is how servers are checked; nil: by the system's authorities.
	TLS *tls.Config
	// Agent is what the portal calls itself (User-Agent).
	Agent string
}

// SafeFetcher is a Fetcher over HTTP and HTTPS. It uses no proxy of the environment, which would resolve names by itself,
// keeps no connection, sends no cookie, and takes nothing compressed.
type SafeFetcher struct {
	o      FetchOptions
	client *http.Client
}

// NewSafeFetcher makes a SafeFetcher.
func NewSafeFetcher(o FetchOptions) *SafeFetcher {
	o.Timeout, o.MaxSize = cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.MaxSize, policy.MaxCustomStatesSize)
	o.MaxRedirects, o.Agent = cmp.Or(o.MaxRedirects, 3), cmp.Or(o.Agent, "Portico")
	dialer := outward.NewDialer(outward.Options{Networks: o.Networks, Setting: "policy.custom_state_networks", Timeout: o.Timeout, Resolve: o.Resolve})
	f := &SafeFetcher{o: o}
	f.client = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: o.TLS, DisableKeepAlives: true, DisableCompression: true,
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

// Fetch gets the file at an address. Errors: ErrInvalid for what will not do ("customstates.scheme", "policy.address",
// "customstates.internal", "customstates.redirect", "customstates.redirects", "customstates.downgrade",
// "customstates.too-large", "customstates.compressed", "customstates.page", "customstates.status" for 4xx), ErrUnavailable for
// what may be better later ("customstates.timeout", "customstates.unreachable", "customstates.unknown-host",
// "customstates.certificate", "customstates.status" for all else).
func (f *SafeFetcher) Fetch(ctx context.Context, address string, have Marks) (Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	defer cancel()
	got, err := f.follow(ctx, address, have)
	var said *portal.Error
	if err == nil || errors.As(err, &said) {
		return got, err
	}
	return Fetched{}, f.reason(ctx, err)
}

// follow asks, hop by hop.
func (f *SafeFetcher) follow(ctx context.Context, address string, have Marks) (Fetched, error) {
	var been []string
	for {
		canonical, err := policy.StateURL(address)
		if err != nil {
			return Fetched{}, err
		}
		if slices.Contains(been, canonical) {
			return Fetched{}, portal.Fail(portal.ErrInvalid, "customstates.redirect").Because(fmt.Errorf("%s leads back to itself", canonical))
		}
		if len(been) > f.o.MaxRedirects {
			return Fetched{}, portal.Fail(portal.ErrInvalid, "customstates.redirects").With("max", strconv.Itoa(f.o.MaxRedirects))
		}
		been = append(been, canonical)
		got, next, err := f.ask(ctx, canonical, have)
		if err != nil || next == "" {
			return got, err
		}
		if strings.HasPrefix(canonical, "https:") && strings.HasPrefix(strings.ToLower(next), "http:") {
			return Fetched{}, portal.Fail(portal.ErrInvalid, "customstates.downgrade")
		}
		address = next
	}
}

// ask makes one request. next is where the server says that it is instead.
func (f *SafeFetcher) ask(ctx context.Context, address string, have Marks) (got Fetched, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return got, "", portal.Fail(portal.ErrInvalid, "policy.address").With("value", clip(address, 60)).Because(err)
	}
	req.Header.Set("User-Agent", f.o.Agent)
	req.Header.Set("Accept", "application/xml, text/xml, */*;q=0.1")
	req.Header.Set("Accept-Encoding", "identity")
	if have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	if have.LastModified != "" {
		req.Header.Set("If-Modified-Since", have.LastModified)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return got, "", err
	}
	defer res.Body.Close()
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		got.Body, err = f.body(res)
		got.Marks = Marks{ETag: clip(res.Header.Get("ETag"), 500), LastModified: clip(res.Header.Get("Last-Modified"), 100)}
		return got, "", err
	case code == http.StatusNotModified && have != Marks{}:
		return Fetched{Marks: have, Unchanged: true}, "", nil
	case code == http.StatusMovedPermanently || code == http.StatusFound || code == http.StatusSeeOther ||
		code == http.StatusTemporaryRedirect || code == http.StatusPermanentRedirect:
		next, err := hop(req.URL, res.Header.Get("Location"))
		return got, next, err
	default:
		return got, "", refused(code)
	}
}

// hop is where a redirect leads.
func hop(from *url.URL, location string) (string, error) {
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return "", portal.Fail(portal.ErrInvalid, "customstates.redirect").Because(fmt.Errorf("it leads to %q", clip(location, 60)))
	}
	return to.String(), nil
}

// refused is the error for a status: what is the asker's fault will not get better by itself.
func refused(code int) error {
	meaning := portal.ErrUnavailable
	if code >= 400 && code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooManyRequests {
		meaning = portal.ErrInvalid
	}
	return portal.Fail(meaning, "customstates.status").With("status", strconv.Itoa(code))
}

// body reads the file, whatever length the server says it has.
func (f *SafeFetcher) body(res *http.Response) ([]byte, error) {
	large := portal.Fail(portal.ErrInvalid, "customstates.too-large").With("max", strconv.FormatInt(f.o.MaxSize>>10, 10)).With("line", "1")
	if coding := res.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, portal.Fail(portal.ErrInvalid, "customstates.compressed").With("coding", clip(coding, 30))
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		return nil, portal.Fail(portal.ErrInvalid, "customstates.page")
	}
	if res.ContentLength > f.o.MaxSize {
		return nil, large
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, f.o.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > f.o.MaxSize {
		return nil, large
	}
	return body, nil
}

// reason is the error for what the network or the connection said.
func (f *SafeFetcher) reason(ctx context.Context, err error) error {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, outward.ErrInside):
		return portal.Fail(portal.ErrInvalid, "customstates.internal").Because(err)
	case ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout():
		return portal.Fail(portal.ErrUnavailable, "customstates.timeout").With("seconds", strconv.Itoa(int(f.o.Timeout.Seconds()))).Because(err)
	case errors.As(err, &dns):
		return portal.Fail(portal.ErrUnavailable, "customstates.unknown-host").With("host", clip(dns.Name, 100)).Because(err)
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		return portal.Fail(portal.ErrUnavailable, "customstates.certificate").Because(err)
	}
	return portal.Fail(portal.ErrUnavailable, "customstates.unreachable").Because(err)
}
