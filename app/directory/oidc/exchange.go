package oidc

// The answer of the provider: the code is exchanged for a token, and the token for an address.

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"portico/app/portal"
)

// Bounds on what a provider sends.
const (
	maxAnswer = 1 << 20
	maxToken  = 64 << 10
	maxCode   = 4 << 10
)

// Exchange turns the code that the browser brought back into the address of whoever signed in, with the nonce and
// the verifier of this browser's attempt. Errors:
//
//   - ErrUnavailable "signin.oidc-unreachable": the provider does not answer;
//   - ErrUnauthenticated "signin.oidc-code": it does not know the code (any more);
//   - ErrUnauthenticated "signin.oidc-token": its token is not for this client, attempt or time, or not its own;
//   - ErrForbidden "signin.oidc-claim": the token does not name an address, "signin.oidc-unverified": its e-mail
//     address has not been verified, "signin.oidc-address": what it names is none, "signin.foreign": one of another domain.
func (p *Provider) Exchange(ctx context.Context, code, nonce, verifier string) (portal.Address, error) {
	if code == "" || len(code) > maxCode || nonce == "" || verifier == "" {
		return "", portal.Fail(portal.ErrUnauthenticated, "signin.oidc-code")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := d.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", exchangeError(err)
	}
	said, err := p.believe(ctx, d, token, nonce)
	if err != nil {
		return "", err
	}
	claims, err := p.claims(ctx, d, token, said)
	if err != nil {
		return "", err
	}
	return p.named(claims)
}

// exchangeError tells a provider that refuses the code from one that does not answer.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 && refused.Response.StatusCode != http.StatusTooManyRequests {
		// The body may repeat the code and the secret; its error word does not.
		cause := fmt.Errorf("the provider answered %s %q", refused.Response.Status, cut(refused.ErrorCode))
		return portal.Fail(portal.ErrUnauthenticated, "signin.oidc-code").Because(cause)
	}
	return unreachable(err)
}

// believe checks the ID token: signature, issuer, audience, times, nonce, authorised party, the access token's hash.
func (p *Provider) believe(ctx context.Context, d *discovered, token *oauth2.Token, nonce string) (*oidc.IDToken, error) {
	wrong := func(err error) error {
		return portal.Fail(portal.ErrUnauthenticated, "signin.oidc-token").Because(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" || len(raw) > maxToken {
		return nil, wrong(errors.New("no ID token of a sensible size"))
	}
	said, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		if strings.Contains(err.Error(), "fetching keys") { // the library has no kind of error for it
			return nil, unreachable(err)
		}
		return nil, wrong(err)
	}
	var more struct {
		Party string `json:"azp"`
	}
	if err := said.Claims(&more); err != nil {
		return nil, wrong(err)
	}
	switch {
	case said.Subject == "":
		return nil, wrong(errors.New("no subject"))
	case subtle.ConstantTimeCompare([]byte(said.Nonce), []byte(nonce)) != 1:
		return nil, wrong(errors.New("the nonce is that of another attempt"))
	case more.Party != "" && more.Party != p.c.ClientID, more.Party == "" && len(said.Audience) > 1:
		return nil, wrong(fmt.Errorf("issued to %q for %d", more.Party, len(said.Audience)))
	case !said.IssuedAt.IsZero() && said.IssuedAt.After(p.o.Now().Add(skew)):
		return nil, wrong(fmt.Errorf("issued in the future, at %s", said.IssuedAt))
	}
	if said.AccessTokenHash != "" {
		if err := said.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, wrong(err)
		}
	}
	return said, nil
}

// claims are those of the token and, where the one that counts is missing there, those of the user info endpoint.
func (p *Provider) claims(ctx context.Context, d *discovered, token *oauth2.Token, said *oidc.IDToken) (map[string]any, error) {
	claims := map[string]any{}
	if err := said.Claims(&claims); err != nil {
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.oidc-token").Because(err)
	}
	if text(claims, p.c.AddressClaim) != "" || d.provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, unreachable(err)
	}
	if info.Subject != said.Subject { // OpenID Connect Core 1.0 section 5.3.2
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.oidc-token").Because(errors.New("user info of somebody else"))
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.oidc-token").Because(err)
	}
	return more, nil
}

// named is the address that claims give.
func (p *Provider) named(claims map[string]any) (portal.Address, error) {
	value := text(claims, p.c.AddressClaim)
	if value == "" {
		return "", portal.Fail(portal.ErrForbidden, "signin.oidc-claim").With("claim", p.c.AddressClaim)
	}
	if p.c.AddressClaim == ClaimEmail && denied(claims["email_verified"]) {
		return "", portal.Fail(portal.ErrForbidden, "signin.oidc-unverified")
	}
	if p.c.AddressClaim == ClaimEmail {
		value = strings.ToLower(value) // e-mail addresses are not told apart by case, and SIP servers know people so
	}
	return p.address(value)
}

func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return strings.TrimSpace(s)
}

// denied tells whether a claim says no, as a truth value or, as some providers write it, as a text.
func denied(claim any) bool {
	switch v := claim.(type) {
	case nil:
		return false
	case bool:
		return !v
	case string:
		return !strings.EqualFold(v, "true")
	}
	return true
}

// cut bounds a foreign text in a log.
func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "") }

// bounded bounds every answer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = &limited{ReadCloser: resp.Body, left: maxAnswer}
	}
	return resp, err
}

// CloseIdleConnections closes those of the transport behind.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// limited fails where an answer goes on too long, rather than ending it as if it were whole.
type limited struct {
	io.ReadCloser
	left int
}

var errTooLong = errors.New("the provider's answer is too long")

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.ReadCloser.Read(b)
	if l.left -= n; l.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// stay refuses redirects to another host, and from https to http.
func stay(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return fmt.Errorf("the provider redirects to %s", r.URL.Redacted())
	}
	return nil
}
