package soap

import (
	"errors"
	"net/http"
)

// OAuth2Config is an application that signs in with its own secret (client credentials).
type OAuth2Config struct {
	TokenURL     string
	ClientID     string
	ClientSecret string
	Scopes       []string
	// HTTP fetches the tokens; nil is a client of its own.
	HTTP *http.Client
}

// KerberosConfig is an account of a Kerberos realm, with a key table or a password.
type KerberosConfig struct {
	// Config is the path of krb5.conf, "" for /etc/krb5.conf.
	Config string
	// Keytab is the path of a key table; where it is "" the password is used.
	Keytab   string
	User     string
	Realm    string
	Password string
	// SPN is the service's principal, "" for HTTP/<host of the URL>.
	SPN string
}

// Basic sends user and password with every request.
func Basic(user, password string) Authenticator { return nil }

// NTLM signs each connection by the NTLM handshake.
func NTLM(user, password string) Authenticator { return nil }

// OAuth2 sends a bearer token, fetched once for all callers and again before it expires.
func OAuth2(o OAuth2Config) (Authenticator, error) { return nil, errors.New("not reachable yet") }

// Kerberos sends a service ticket with every request.
func Kerberos(k KerberosConfig) (Authenticator, error) { return nil, errors.New("not reachable yet") }
