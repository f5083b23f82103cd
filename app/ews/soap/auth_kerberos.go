package soap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	krbclient "github.com/jcmturner/gokrb5/v8/client"
	krbconfig "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"portico/app/portal"
)

// KerberosConfig is an account of a Kerberos realm, with a key table or a password.
type KerberosConfig struct {
	// Config is the path of krb5.conf, "" for /etc/krb5.conf.
	Config string
	// Keytab is the path of a key table; where it is "" the password is used.
	Keytab   string
	User     string
	Realm    string // "" is the default realm of krb5.conf
	Password string
	// SPN is the service's principal, "" for HTTP/<host of the URL>.
	SPN string
}

// Kerberos sends a service ticket with every request. Config and key table are read at once, so
// that a mistake in them shows at the start; the realm's servers are asked with the first request.
func Kerberos(k KerberosConfig) (Authenticator, error) {
	if k.Config == "" {
		k.Config = "/etc/krb5.conf"
	}
	conf, err := krbconfig.Load(k.Config)
	if err != nil {
		return nil, fmt.Errorf("%w: kerberos: %s: %w", portal.ErrInvalid, k.Config, plainly(err))
	}
	if k.Realm == "" {
		k.Realm = conf.LibDefaults.DefaultRealm
	}
	a := &kerberos{k: k, conf: conf}
	if k.Keytab == "" {
		return a, nil
	}
	if a.keys, err = keytab.Load(k.Keytab); err != nil {
		return nil, fmt.Errorf("%w: kerberos: key table %s: %w", portal.ErrInvalid, k.Keytab, plainly(err))
	}
	return a, nil
}

// plainly drops the path that a file error repeats.
func plainly(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

type kerberos struct {
	k    KerberosConfig
	conf *krbconfig.Config
	keys *keytab.Keytab
}

func (*kerberos) Name() string { return "kerberos" }

func (a *kerberos) sign(dial func() http.RoundTripper, own *Credentials) (signer, error) {
	s := &krbSigner{rt: dial(), spn: a.k.SPN, turn: make(chan struct{}, 1)}
	if t, ok := s.rt.(*http.Transport); ok {
		t.ForceAttemptHTTP2 = false
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
	}
	user, realm := a.k.User, a.k.Realm
	switch {
	case own != nil:
		user, realm = principal(own.User, realm)
		s.client = krbclient.NewWithPassword(user, realm, own.Password, a.conf, krbclient.DisablePAFXFAST(true))
	case a.keys != nil:
		s.client = krbclient.NewWithKeytab(user, realm, a.keys, a.conf, krbclient.DisablePAFXFAST(true))
	default:
		s.client = krbclient.NewWithPassword(user, realm, a.k.Password, a.conf, krbclient.DisablePAFXFAST(true))
	}
	return s, nil
}

// principal takes "DOMAIN\user" and "user@realm.example" apart; a domain's short name is no realm.
func principal(name, realm string) (user, of string) {
	if _, u, ok := strings.Cut(name, `\`); ok {
		return u, realm
	}
	if u, r, ok := strings.Cut(name, "@"); ok {
		return u, strings.ToUpper(r)
	}
	return name, realm
}

type krbSigner struct {
	rt     http.RoundTripper
	spn    string
	turn   chan struct{} // held while tickets are fetched, which waits for the realm's servers
	client *krbclient.Client

	mu   sync.Mutex
	done bool
}

// RoundTrip sends r with a ticket.
func (s *krbSigner) RoundTrip(r *http.Request) (*http.Response, error) {
	signed := r.Clone(r.Context())
	if err := s.ticket(r.Context(), signed); err != nil {
		return nil, err
	}
	return s.rt.RoundTrip(signed)
}

// ticket puts the ticket onto r. The library knows no contexts; it bounds its own waiting to some
// seconds for each server of the realm.
func (s *krbSigner) ticket(ctx context.Context, r *http.Request) error {
	if err := enter(ctx, s.turn); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done {
		return &ResponseError{Operation: "ticket", Text: "the tickets were let go of", meaning: portal.ErrUnavailable, retry: unreached}
	}
	spn := s.spn
	if spn == "" {
		spn = "HTTP/" + r.URL.Hostname() // as it is written: no look-up of another name for it
	}
	if err := spnego.SetSPNEGOHeader(s.client, r, spn); err != nil {
		return krbError(err)
	}
	return nil
}

// krbError tells a refusal of the account from a realm that cannot be reached.
func krbError(err error) error {
	text := err.Error()
	for _, code := range []int32{errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, errorcode.KDC_ERR_CLIENT_REVOKED,
		errorcode.KDC_ERR_KEY_EXPIRED, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, errorcode.KDC_ERR_POLICY} {
		if strings.Contains(text, errorName(code)) {
			return &ResponseError{Operation: "ticket", Text: errorName(code), meaning: portal.ErrUnauthenticated}
		}
	}
	if strings.Contains(text, "Decrypting_Error") || strings.Contains(text, "Keytab") || strings.Contains(text, "client not configured") {
		return &ResponseError{Operation: "ticket", Text: "the key or password does not fit the account", meaning: portal.ErrUnauthenticated, cause: err}
	}
	return &ResponseError{Operation: "ticket", Text: "no ticket to be had", meaning: portal.ErrUnavailable, retry: unreached, cause: err}
}

func errorName(code int32) string {
	name, _, _ := strings.Cut(errorcode.Lookup(code), " ")
	for _, part := range strings.Fields(errorcode.Lookup(code)) {
		if strings.HasPrefix(part, "KDC_ERR") {
			return part
		}
	}
	return name
}

func (s *krbSigner) CloseIdleConnections() {
	s.mu.Lock()
	done := s.done
	s.done = true
	s.mu.Unlock()
	if !done {
		s.client.Destroy()
	}
	closeIdle(s.rt)
}
