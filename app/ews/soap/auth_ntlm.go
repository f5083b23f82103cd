package soap

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/go-ntlmssp"

	"portico/app/portal"
)

// NTLM signs a connection, not a request: so each request has a connection to itself while it is
// under way, and a connection is signed once and then used again by the same user.

// NTLM signs each connection by the NTLM handshake; user is "DOMAIN\user" or "user@domain".
func NTLM(user, password string) Authenticator { return ntlm{Credentials{user, password}} }

type ntlm struct{ own Credentials }

func (ntlm) Name() string { return "ntlm" }

func (n ntlm) sign(dial func() http.RoundTripper, own *Credentials) (signer, error) {
	c := n.own
	if own != nil {
		c = *own
	}
	return &ntlmSigner{dial: dial, c: c}, nil
}

// maxLanes bounds the idle connections of one user; more are closed after use.
const maxLanes = 32

type ntlmSigner struct {
	dial func() http.RoundTripper
	c    Credentials

	mu   sync.Mutex
	free []*lane // idle connections, the latest used last
}

// lane is one connection. scheme is how it was signed ("NTLM" or "Negotiate"), "" when it is not.
type lane struct {
	rt     http.RoundTripper
	scheme string
}

func (n *ntlmSigner) take() *lane {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.free) - 1; last >= 0 {
		l := n.free[last]
		n.free = n.free[:last]
		return l
	}
	rt := n.dial()
	if t, ok := rt.(*http.Transport); ok {
		t.MaxConnsPerHost, t.MaxIdleConnsPerHost = 1, 1
		t.ForceAttemptHTTP2 = false
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}
	return &lane{rt: rt}
}

func (n *ntlmSigner) give(l *lane) {
	n.mu.Lock()
	keep := len(n.free) < maxLanes
	if keep {
		n.free = append(n.free, l)
	}
	n.mu.Unlock()
	if !keep {
		closeIdle(l.rt)
	}
}

func (n *ntlmSigner) CloseIdleConnections() {
	n.mu.Lock()
	free := n.free
	n.free = nil
	n.mu.Unlock()
	for _, l := range free {
		closeIdle(l.rt)
	}
}

// RoundTrip sends r on a connection of its own, signed first where it is not yet.
func (n *ntlmSigner) RoundTrip(r *http.Request) (*http.Response, error) {
	l := n.take()
	resp, err := n.on(l, r)
	if err != nil {
		closeIdle(l.rt)
		return nil, err
	}
	resp.Body = &laneBody{ReadCloser: resp.Body, back: func() { n.give(l) }}
	return resp, nil
}

func (n *ntlmSigner) on(l *lane, r *http.Request) (*http.Response, error) {
	if l.scheme != "" {
		resp, err := resend(l.rt, r, "")
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		// The connection was replaced by a new one meanwhile.
		l.scheme = ""
		if err := drain(resp); err != nil {
			return nil, err
		}
	}
	token, err := n.handshake(l, r)
	if err != nil {
		return nil, err
	}
	resp, err := resend(l.rt, r, token)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		l.scheme = ""
	}
	return resp, err
}

// handshake asks for a challenge with an empty request and gives the answer to it, "" where the
// server wants none.
func (n *ntlmSigner) handshake(l *lane, r *http.Request) (string, error) {
	hello, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return "", fmt.Errorf("ntlm: %w", err)
	}
	for _, scheme := range []string{"NTLM", "Negotiate"} {
		ask := r.Clone(r.Context())
		ask.Body, ask.GetBody, ask.ContentLength = http.NoBody, nil, 0
		ask.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(hello))
		resp, err := l.rt.RoundTrip(ask)
		if err != nil {
			return "", err
		}
		status, offers := resp.StatusCode, resp.Header.Values("WWW-Authenticate")
		if err := drain(resp); err != nil {
			return "", err
		}
		if status != http.StatusUnauthorized {
			return "", nil
		}
		if challenge := challengeOf(offers, scheme); challenge != nil {
			l.scheme = scheme
			return n.answer(scheme, challenge)
		}
		if !offered(offers, "Negotiate") {
			return "", noNTLM(offers)
		}
	}
	return "", noNTLM([]string{"Negotiate without NTLM"})
}

func noNTLM(offers []string) error {
	return fmt.Errorf("%w: the server does not sign in by NTLM but by %s", portal.ErrUnauthenticated, schemes(offers))
}

func (n *ntlmSigner) answer(scheme string, challenge []byte) (string, error) {
	msg, err := ntlmssp.NewAuthenticateMessage(challenge, n.c.User, n.c.Password, nil)
	if err != nil {
		return "", fmt.Errorf("ntlm: the server's challenge: %w", err)
	}
	return scheme + " " + base64.StdEncoding.EncodeToString(msg), nil
}

// resend sends r with its body from the beginning, with this Authorization or none.
func resend(rt http.RoundTripper, r *http.Request, authorization string) (*http.Response, error) {
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	} else if r.Body != nil && r.Body != http.NoBody {
		return nil, errors.New("a request that cannot be sent twice")
	}
	if authorization != "" {
		again.Header.Set("Authorization", authorization)
	}
	return rt.RoundTrip(again)
}

// drain reads the rest of an answer that nobody wants, so that its connection can be used again.
func drain(resp *http.Response) error {
	_, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 256<<10))
	return errors.Join(err, resp.Body.Close())
}

// challengeOf gives the token behind scheme among the WWW-Authenticate lines, nil where there is none.
func challengeOf(offers []string, scheme string) []byte {
	for _, o := range offers {
		name, token, _ := strings.Cut(strings.TrimSpace(o), " ")
		if !strings.EqualFold(name, scheme) {
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token)); err == nil && len(b) > 0 {
			return b
		}
	}
	return nil
}

func offered(offers []string, scheme string) bool {
	for _, o := range offers {
		name, _, _ := strings.Cut(strings.TrimSpace(o), " ")
		if strings.EqualFold(name, scheme) {
			return true
		}
	}
	return false
}

// schemes names the ways of signing in that a server offers, for the log.
func schemes(offers []string) string {
	var names []string
	for _, o := range offers {
		name, _, _ := strings.Cut(strings.TrimSpace(o), " ")
		if len(names) < 6 && len(name) < 32 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nothing it tells of"
	}
	return strings.Join(names, ", ")
}

// laneBody gives the connection back when the answer is closed.
type laneBody struct {
	io.ReadCloser
	once sync.Once
	back func()
}

func (b *laneBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.back)
	return err
}
