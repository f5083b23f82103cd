package soap

import (
	"container/list"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"portico/app/portal"
)

// Signing in: what all methods share. Connections that belong to one user (NTLM, Kerberos) are
// never shared between users.

// Authenticator signs requests. Basic, NTLM, OAuth2 and Kerberos make one.
type Authenticator interface {
	// Name is the method's name for logs: "basic", "ntlm", "oauth2", "kerberos".
	Name() string
	// sign gives a round tripper that signs every request for own, or for the authenticator's own
	// account where own is nil. Each call of dial gives connections that nobody else uses.
	sign(dial func() http.RoundTripper, own *Credentials) (signer, error)
}

// signer is a round tripper whose idle connections can be closed.
type signer interface {
	http.RoundTripper
	CloseIdleConnections()
}

// errNoPassword is the refusal of a person's own password by a method that has none.
var errNoPassword = errors.New("this way of signing in takes no password of a person")

// dialer makes transports like that of h; a round tripper of another kind is used as it is.
func dialer(h *http.Client, connections int) func() http.RoundTripper {
	var like *http.Transport
	if h != nil && h.Transport != nil {
		t, ok := h.Transport.(*http.Transport)
		if !ok {
			return func() http.RoundTripper { return h.Transport }
		}
		like = t
	}
	return func() http.RoundTripper {
		if like != nil {
			t := like.Clone()
			t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, connections)
			return t
		}
		return &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			MaxIdleConnsPerHost:   connections,
			IdleConnTimeout:       90 * time.Second,
		}
	}
}

func closeIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// maxSigners bounds the people whose connections are kept; those not used for longest are closed
// when idle.
const maxSigners = 512

// signers keeps one signer for each account.
type signers struct {
	auth Authenticator
	dial func() http.RoundTripper

	mu    sync.Mutex
	known map[Credentials]*list.Element
	order *list.List // of *signerEntry, the latest used first
}

type signerEntry struct {
	key    Credentials
	signer signer
}

func newSigners(auth Authenticator, dial func() http.RoundTripper) *signers {
	return &signers{auth: auth, dial: dial, known: map[Credentials]*list.Element{}, order: list.New()}
}

// of gives the signer for the account, the client's own where own is nil.
func (s *signers) of(own *Credentials) (signer, error) {
	key := Credentials{}
	if own != nil {
		if own.User == "" {
			return nil, fmt.Errorf("%w: credentials without a user", portal.ErrUnauthenticated)
		}
		key = *own
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[key]; ok {
		s.order.MoveToFront(e)
		return e.Value.(*signerEntry).signer, nil
	}
	made, err := s.make(own)
	if err != nil {
		return nil, err
	}
	s.known[key] = s.order.PushFront(&signerEntry{key, made})
	if s.order.Len() > maxSigners {
		last := s.order.Remove(s.order.Back()).(*signerEntry)
		delete(s.known, last.key)
		last.signer.CloseIdleConnections()
	}
	return made, nil
}

func (s *signers) make(own *Credentials) (signer, error) {
	if s.auth != nil {
		return s.auth.sign(s.dial, own)
	}
	if own != nil {
		return nil, fmt.Errorf("%w: no way of signing in is configured", portal.ErrUnauthenticated)
	}
	return unsigned{s.dial()}, nil
}

// close closes what is idle and forgets all accounts.
func (s *signers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.order.Front(); e != nil; e = e.Next() {
		e.Value.(*signerEntry).signer.CloseIdleConnections()
	}
	s.order.Init()
	clear(s.known)
}

// unsigned sends requests as they are.
type unsigned struct{ http.RoundTripper }

func (u unsigned) CloseIdleConnections() { closeIdle(u.RoundTripper) }

// Basic sends user and password with every request.
func Basic(user, password string) Authenticator { return basic{Credentials{user, password}} }

type basic struct{ own Credentials }

func (basic) Name() string { return "basic" }

func (b basic) sign(dial func() http.RoundTripper, own *Credentials) (signer, error) {
	c := b.own
	if own != nil {
		c = *own
	}
	return basicSigner{dial(), c}, nil
}

type basicSigner struct {
	rt http.RoundTripper
	c  Credentials
}

func (b basicSigner) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.c.User, b.c.Password)
	return b.rt.RoundTrip(r)
}

func (b basicSigner) CloseIdleConnections() { closeIdle(b.rt) }
