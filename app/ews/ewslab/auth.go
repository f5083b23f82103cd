package ewslab

// Who is at the door: Basic on every request, NTLM once for a connection.

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// signedIn is an account that showed its password.
type signedIn struct {
	user    string // user name; the service account's is as configured
	service bool
}

// authenticator knows the passwords.
type authenticator struct {
	domain    string
	service   *Account
	passwords map[string]string // by user name
}

func newAuthenticator(cfg Config, d *directory) authenticator {
	a := authenticator{domain: cfg.Domain, service: cfg.Service, passwords: map[string]string{}}
	for _, p := range cfg.People {
		if p.Password != "" && d.mailbox(p.User) != nil {
			a.passwords[strings.ToLower(p.User)] = p.Password
		}
	}
	return a
}

// account finds the password that belongs to a name in any of its spellings: user, user@domain, DOMAIN\user.
func (a *authenticator) account(name string) (signedIn, string, bool) {
	if a.service != nil && strings.EqualFold(name, a.service.Username) {
		return signedIn{a.service.Username, true}, a.service.Password, true
	}
	if _, user, found := strings.Cut(name, `\`); found {
		name = user
	}
	if user, domain, found := strings.Cut(name, "@"); found && strings.EqualFold(domain, a.domain) {
		name = user
	}
	name = strings.ToLower(name)
	if a.service != nil && strings.EqualFold(name, a.service.Username) {
		return signedIn{a.service.Username, true}, a.service.Password, true
	}
	password, ok := a.passwords[name]
	return signedIn{user: name}, password, ok
}

// connection is what one TCP connection remembers between requests; the server handles a connection's requests one after another.
type connection struct {
	challenge []byte // of the NTLM handshake under way
	who       *signedIn
}

type connectionKey struct{}

// withConnection gives each connection its memory.
func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

// authenticate answers 401 by itself when the caller is not known (yet).
func (a *authenticator) authenticate(w http.ResponseWriter, r *http.Request) (signedIn, bool) {
	conn, _ := r.Context().Value(connectionKey{}).(*connection)
	header := r.Header.Get("Authorization")
	if scheme, token, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate") {
		return a.handshake(w, conn, scheme, strings.TrimSpace(token))
	}
	if user, password, ok := r.BasicAuth(); ok {
		who, want, known := a.account(user)
		if known && subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1 {
			return who, true
		}
		a.refuse(w)
		return signedIn{}, false
	}
	if header == "" && conn != nil && conn.who != nil {
		return *conn.who, true
	}
	a.refuse(w)
	return signedIn{}, false
}

// refuse offers all ways to sign in.
func (a *authenticator) refuse(w http.ResponseWriter) {
	w.Header().Add("WWW-Authenticate", "NTLM")
	w.Header().Add("WWW-Authenticate", `Basic realm="`+a.domain+`"`)
	w.WriteHeader(http.StatusUnauthorized)
}
