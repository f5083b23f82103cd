package soap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"portico/app/portal"
)

// OAuth2Config is an application that signs in with its own secret (client credentials).
type OAuth2Config struct {
	TokenURL     string
	ClientID     string
	ClientSecret string
	Scopes       []string
	// HTTP fetches the tokens; nil is a client of its own. Its timeout, or 30 s, bounds a fetch.
	HTTP *http.Client
	// AllowPlain permits a TokenURL by plain http that is not on this machine.
	AllowPlain bool
	// Now replaces the clock in tests.
	Now func() time.Time
}

// OAuth2 sends a bearer token, fetched once for all callers and again before it expires.
func OAuth2(o OAuth2Config) (Authenticator, error) {
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, fmt.Errorf("%w: an application needs an id and a secret", portal.ErrInvalid)
	}
	if _, err := checkURL(o.TokenURL, o.AllowPlain); err != nil {
		return nil, fmt.Errorf("token address: %w", err)
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 30 * time.Second}
	}
	alone := *o.HTTP // a redirect would take the secret elsewhere
	alone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &alone
	if o.Now == nil {
		o.Now = time.Now
	}
	return &bearer{o: o, tokens: &tokens{o: o, turn: make(chan struct{}, 1)}}, nil
}

type bearer struct {
	o      OAuth2Config
	tokens *tokens
}

func (*bearer) Name() string { return "oauth2" }

func (b *bearer) sign(dial func() http.RoundTripper, own *Credentials) (signer, error) {
	if own != nil {
		return nil, fmt.Errorf("%w: %w", portal.ErrUnauthenticated, errNoPassword)
	}
	return &bearerSigner{rt: dial(), tokens: b.tokens}, nil
}

// tokens keeps the present token. turn is held by whoever fetches a new one; the others wait for it.
type tokens struct {
	o    OAuth2Config
	turn chan struct{}

	mu    sync.Mutex
	token *oauth2.Token
}

// early is how long before its end a token is replaced.
const early = time.Minute

func (t *tokens) present() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == nil || (!t.token.Expiry.IsZero() && !t.o.Now().Add(early).Before(t.token.Expiry)) {
		return ""
	}
	return t.token.AccessToken
}

// get gives a token other than the refused one.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	if s := t.present(); s != "" && s != refused {
		return s, nil
	}
	if err := enter(ctx, t.turn); err != nil {
		return "", err
	}
	defer func() { <-t.turn }()
	if s := t.present(); s != "" && s != refused {
		return s, nil
	}
	token, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.token = token
	t.mu.Unlock()
	return token.AccessToken, nil
}

func (t *tokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	c := clientcredentials.Config{ClientID: t.o.ClientID, ClientSecret: t.o.ClientSecret, TokenURL: t.o.TokenURL, Scopes: t.o.Scopes}
	token, err := c.Token(context.WithValue(ctx, oauth2.HTTPClient, t.o.HTTP))
	if err == nil {
		return token, nil
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 && refused.Response.StatusCode != http.StatusTooManyRequests {
		return nil, &ResponseError{Operation: "token", Status: refused.Response.StatusCode, Text: strings.TrimSpace(refused.ErrorCode + " " + refused.ErrorDescription),
			meaning: portal.ErrUnauthenticated}
	}
	if errors.As(err, &refused) {
		err = fmt.Errorf("the token service answered HTTP %d", refused.Response.StatusCode)
	}
	return nil, &ResponseError{Operation: "token", Text: "no token to be had", meaning: portal.ErrUnavailable, retry: unreached, cause: err}
}

type bearerSigner struct {
	rt     http.RoundTripper
	tokens *tokens
}

// RoundTrip sends r with the present token, and once more with a new one where that is refused.
func (b *bearerSigner) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := b.tokens.get(r.Context(), "")
	if err != nil {
		return nil, err
	}
	resp, err := resend(b.rt, r, "Bearer "+token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if err := drain(resp); err != nil {
		return nil, err
	}
	if token, err = b.tokens.get(r.Context(), token); err != nil {
		return nil, err
	}
	return resend(b.rt, r, "Bearer "+token)
}

func (b *bearerSigner) CloseIdleConnections() { closeIdle(b.rt) }
