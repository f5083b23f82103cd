package soap

import (
	"net/http"
)

// Authenticator signs requests. Basic, NTLM, OAuth2 and Kerberos make one.
type Authenticator interface {
	// Name is the method's name for logs: "basic", "ntlm", "oauth2", "kerberos".
	Name() string
	// sign gives a round tripper over connections of its own, made by dial, that signs every
	// request for own, or for the authenticator's own account where own is nil.
	sign(base *http.Transport, own *Credentials) (signer, error)
}

// signer is a round tripper whose idle connections can be closed.
type signer interface {
	http.RoundTripper
	CloseIdleConnections()
}
