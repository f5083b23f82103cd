package hook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// The headers of a signed request.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far a timestamp may lie from now: an older request could be a copy of one that was overheard.
const Tolerance = 5 * time.Minute

// secretPrefix begins a secret as people see it.
const secretPrefix = "whsec_"

// maxID is the longest idempotency key in bytes.
const maxID = 128

// NewSecret makes a secret of 32 random bytes.
func NewSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it cannot fail: see crypto/rand
	return secret
}

// ShowSecret is a secret as it is shown, once, to whoever sets up the other side.
func ShowSecret(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// ParseSecret reads what ShowSecret wrote. It is an error that means ErrInvalid where it has fewer than 24 or more
// than 64 bytes, which the specification asks for.
func ParseSecret(s string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(s), secretPrefix))
	if err != nil || len(secret) < 24 || len(secret) > 64 {
		return nil, portal.Fail(portal.ErrInvalid, "hook.secret")
	}
	return secret, nil
}

// signature is "v1," and the signature of a message.
func signature(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Sign writes the three headers of a signed request.
func Sign(h http.Header, secret []byte, id string, at time.Time, body []byte) {
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(HeaderSignature, signature(secret, id, at, body))
}

// Verify checks the headers of a request against its body and gives its id. Every failure means ErrUnauthenticated and
// says no more than which part is wrong.
func Verify(h http.Header, secret []byte, body []byte, now time.Time) (id string, err error) {
	id = h.Get(HeaderID)
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", portal.Fail(portal.ErrUnauthenticated, "hook.id")
	}
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if err != nil {
		return "", portal.Fail(portal.ErrUnauthenticated, "hook.timestamp")
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-Tolerance)) || at.After(now.Add(Tolerance)) {
		return "", portal.Fail(portal.ErrUnauthenticated, "hook.timestamp")
	}
	want := signature(secret, id, at, body)
	for _, got := range strings.Fields(h.Get(HeaderSignature)) { // several while secrets are exchanged
		if subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 {
			return id, nil
		}
	}
	return "", portal.Fail(portal.ErrUnauthenticated, "hook.signature")
}
