package oidc

// One attempt to sign in: what has to be remembered between sending the browser away and its coming back. The browser
// itself carries it, sealed, in a cookie; so an answer that was meant for another browser fits nowhere.

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/oauth2"

	"portico/app/portal"
)

// AttemptLasts is how long somebody may take at the provider; the cookie need not live longer.
const AttemptLasts = 10 * time.Minute

// maxCookie bounds what is read of a cookie, maxUsed the attempts that are remembered as used.
const (
	maxCookie = 4 << 10
	maxUsed   = 10_000
)

// attempt is what the cookie holds.
type attempt struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Until    time.Time `json:"u"`
	// Next is where the browser wanted to go.
	Next string `json:"x,omitempty"`
}

// Begin starts an attempt: redirect is where to send the browser, cookie what it has to keep (HttpOnly, Secure,
// SameSite=Lax, for AttemptLasts) and to bring to Finish. next is given back there; it is the caller's to check. The
// error means ErrUnavailable "signin.oidc-unreachable".
func (p *Provider) Begin(ctx context.Context, next string) (redirect, cookie string, err error) {
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Until: p.o.Now().Add(AttemptLasts), Next: next}
	if redirect, err = p.AuthURL(ctx, a.State, a.Nonce, a.Verifier); err != nil {
		return "", "", err
	}
	cookie, err = p.jar.seal(a)
	return redirect, cookie, err
}

// Finish ends an attempt with the cookie of its browser and the query of the address that the provider sent it to:
// who signed in, and where they wanted to go. Errors are those of Exchange and
//
//   - ErrUnauthenticated "signin.oidc-attempt": no attempt of this browser, one that took too long, or one that was
//     used already; it has to be begun anew;
//   - ErrForbidden "signin.oidc-denied": the person or the provider said no there;
//   - ErrUnavailable "signin.oidc-refused": the provider refused for a reason of its own.
func (p *Provider) Finish(ctx context.Context, cookie string, query url.Values) (who portal.Address, next string, err error) {
	a, err := p.jar.open(cookie)
	if err == nil && subtle.ConstantTimeCompare([]byte(a.State), []byte(query.Get("state"))) != 1 {
		err = errors.New("the state is that of another attempt")
	}
	if err == nil {
		err = p.jar.use(a)
	}
	if err != nil {
		return "", "", portal.Fail(portal.ErrUnauthenticated, "signin.oidc-attempt").Because(err)
	}
	if err := p.itself(ctx, query); err != nil {
		return "", a.Next, err
	}
	switch said := query.Get("error"); said {
	case "":
	case "access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required":
		return "", a.Next, portal.Fail(portal.ErrForbidden, "signin.oidc-denied").Because(errors.New(said))
	default:
		return "", a.Next, portal.Fail(portal.ErrUnavailable, "signin.oidc-refused").Because(fmt.Errorf("the provider says %q", cut(said)))
	}
	who, err = p.Exchange(ctx, query.Get("code"), a.Nonce, a.Verifier)
	return who, a.Next, err
}

// itself is nil unless the answer is another provider's (RFC 9207).
func (p *Provider) itself(ctx context.Context, query url.Values) error {
	d, err := p.discover(ctx)
	if err != nil {
		return err
	}
	if from := query.Get("iss"); from != p.c.Issuer && (from != "" || d.namesItself) {
		return portal.Fail(portal.ErrUnauthenticated, "signin.oidc-token").Because(fmt.Errorf("the answer is from %q", cut(from)))
	}
	return nil
}

// jar seals attempts, with a key that lives as long as the process, and remembers which were used.
type jar struct {
	aead cipher.AEAD
	now  func() time.Time
	mu   sync.Mutex
	// used are the states of attempts that came back, until they would be over anyway. When it is full the oldest
	// go, of which the provider has long forgotten the codes.
	used map[[sha256.Size]byte]time.Time
}

func newJar(now func() time.Time) (*jar, error) {
	key := make([]byte, chacha20poly1305.KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	return &jar{aead: aead, now: now, used: map[[sha256.Size]byte]time.Time{}}, nil
}

// purpose is what the seal is bound to.
const purpose = "portico oidc attempt 1"

func (j *jar) seal(a attempt) (string, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("attempt: %w", err)
	}
	nonce := make([]byte, j.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("attempt: %w", err)
	}
	sealed := base64.RawURLEncoding.EncodeToString(j.aead.Seal(nonce, nonce, plain, []byte(purpose)))
	if len(sealed) > maxCookie {
		return "", portal.Fail(portal.ErrInvalid, "signin.oidc-attempt").Because(errors.New("the address to go to is too long"))
	}
	return sealed, nil
}

func (j *jar) open(cookie string) (attempt, error) {
	var a attempt
	if cookie == "" || len(cookie) > maxCookie {
		return a, errors.New("no attempt in the browser")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(sealed) < j.aead.NonceSize() {
		return a, errors.New("what the browser keeps is no attempt")
	}
	n := j.aead.NonceSize()
	plain, err := j.aead.Open(nil, sealed[:n], sealed[n:], []byte(purpose))
	if err != nil {
		return a, errors.New("the attempt was begun elsewhere, or before a restart")
	}
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, fmt.Errorf("attempt: %w", err)
	}
	if !j.now().Before(a.Until) {
		return a, errors.New("the attempt took too long")
	}
	return a, nil
}

// use is nil once for each attempt.
func (j *jar) use(a attempt) error {
	key, now := sha256.Sum256([]byte(a.State)), j.now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.used[key]; ok {
		return errors.New("the attempt was used already")
	}
	if len(j.used) >= maxUsed {
		j.sweep(now)
	}
	j.used[key] = a.Until
	return nil
}

// sweep makes room: what is over goes, and where that is nothing, what is over first.
func (j *jar) sweep(now time.Time) {
	var first [sha256.Size]byte
	var soonest time.Time
	for key, until := range j.used {
		if !now.Before(until) {
			delete(j.used, key)
		} else if soonest.IsZero() || until.Before(soonest) {
			first, soonest = key, until
		}
	}
	if len(j.used) >= maxUsed {
		delete(j.used, first)
	}
}
