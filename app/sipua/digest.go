package sipua

// Digest authentication of a person (RFC 3261 section 22, RFC 7616, RFC 8760), from the password or
// from stored hashes of it.

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"portico/app/portal"
)

// errNoSecret: the server asks for a realm or an algorithm for which we have neither hash nor password.
var errNoSecret = errors.New("no secret for the server's challenge")

// hashed is H(user:realm:password), hex, for one realm and algorithm.
type hashed struct {
	Realm     string `json:"realm"`
	Algorithm string `json:"algorithm"`
	HA1       string `json:"ha1"`
}

// credentials are what a person can answer challenges with. The password is there only while they
// sign in; afterwards the hashes must do. Guarded by the line once it belongs to one.
type credentials struct {
	user     string
	password string
	hashes   []hashed
}

// secret is the sealable form of credentials.
type secret struct {
	User   string   `json:"user"`
	Hashes []hashed `json:"hashes"`
}

func (c *credentials) seal() ([]byte, error) {
	b, err := json.Marshal(secret{User: c.user, Hashes: c.hashes})
	if err != nil {
		return nil, fmt.Errorf("seal credentials: %w", err)
	}
	return b, nil
}

func unseal(b []byte) (*credentials, error) {
	var s secret
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	return &credentials{user: s.User, hashes: s.Hashes}, nil
}

// digestUser is the user name of an address as registrars know it: the user part, unescaped.
func digestUser(a portal.Address) string { return unescape(a.User()) }

// hashOf gives the hash function of an algorithm as challenges name it, nil if it is not known.
func hashOf(algorithm string) func() hash.Hash {
	switch strings.TrimSuffix(strings.ToUpper(algorithm), "-SESS") {
	case "", "MD5":
		return md5.New
	case "SHA-256":
		return sha256.New
	case "SHA-512-256":
		return sha512.New512_256
	}
	return nil
}

// baseAlgorithm is the name under which a hash is kept.
func baseAlgorithm(algorithm string) string {
	name := strings.TrimSuffix(strings.ToUpper(algorithm), "-SESS")
	if name == "" {
		return "MD5"
	}
	return name
}

func hexHash(h func() hash.Hash, parts ...string) string {
	w := h()
	w.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(w.Sum(nil))
}

// ha1 finds the hash for a challenge, making it from the password where there is one.
func (c *credentials) ha1(realm, algorithm string) (string, bool) {
	h, name := hashOf(algorithm), baseAlgorithm(algorithm)
	if h == nil {
		return "", false
	}
	for _, known := range c.hashes {
		if known.Realm == realm && known.Algorithm == name {
			return known.HA1, true
		}
	}
	if c.password == "" {
		return "", false
	}
	made := hashed{Realm: realm, Algorithm: name, HA1: hexHash(h, c.user, realm, c.password)}
	c.hashes = append(c.hashes, made)
	return made.HA1, true
}

// nonce is a challenge in use: it answers for further requests until the server wants a new one.
type nonce struct {
	chal  digest.Challenge
	count int
}

// challenge chooses, of what a 401 or 407 asks for, the first that can be answered: servers list what
// they prefer first (RFC 8760 section 2.4).
func (c *credentials) challenge(res *sip.Response) (*nonce, error) {
	name := "WWW-Authenticate"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		name = "Proxy-Authenticate"
	}
	var values []string
	for _, h := range res.GetHeaders(name) {
		values = append(values, h.Value())
	}
	return c.choose(values)
}

// choose is challenge for the header's values.
func (c *credentials) choose(challenges []string) (*nonce, error) {
	var chosen *nonce
	var bad error
	for _, value := range challenges {
		chal, err := digest.ParseChallenge(value)
		if err != nil {
			bad = err
			continue
		}
		for i := range chal.QOP {
			chal.QOP[i] = strings.TrimSpace(chal.QOP[i])
		}
		if len(chal.QOP) > 0 && !slices.Contains(chal.QOP, "auth") {
			continue
		}
		// every hash is made while the password is at hand, not only that of the one chosen
		if _, ok := c.ha1(chal.Realm, chal.Algorithm); ok && chosen == nil {
			chosen = &nonce{chal: *chal}
		}
	}
	if chosen == nil {
		return nil, errors.Join(errNoSecret, bad)
	}
	return chosen, nil
}

// answer computes the Authorization header's value for one request; each use counts.
func (c *credentials) answer(n *nonce, method, uri string) (string, error) {
	a1, ok := c.ha1(n.chal.Realm, n.chal.Algorithm)
	if !ok {
		return "", errNoSecret
	}
	n.count++
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("cnonce: %w", err)
	}
	chal, cnonce := n.chal, hex.EncodeToString(random[:])
	chal.Algorithm = strings.ToUpper(chal.Algorithm)
	if base, sess := strings.CutSuffix(chal.Algorithm, "-SESS"); sess {
		a1 = hexHash(hashOf(base), a1, chal.Nonce, cnonce)
		chal.Algorithm = base
	}
	cred, err := digest.Digest(&chal, digest.Options{Method: method, URI: uri, Count: n.count, Username: c.user, A1: a1, Cnonce: cnonce})
	if err != nil {
		return "", fmt.Errorf("answer challenge: %w", err)
	}
	cred.Algorithm = n.chal.Algorithm // as the server wrote it
	return cred.String(), nil
}
