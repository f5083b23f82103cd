package siplab

// Who is asking: digest (RFC 3261 section 22, RFC 7616, RFC 8760) and identities asserted by trusted neighbours (RFC 3325).

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// credentials are the parts of an Authorization header of scheme Digest.
type credentials struct {
	username, realm, nonce, uri, response string
	algorithm, qop, nc, cnonce            string
}

// parseDigest reads an Authorization header; errors mean "no usable credentials".
func parseDigest(s string) (credentials, error) {
	var c credentials
	scheme, rest, ok := strings.Cut(trim(s), " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return c, errors.New("not digest")
	}
	parts, err := splitList(rest)
	if err != nil {
		return c, err
	}
	if len(parts) > 32 {
		return c, errSyntax
	}
	for _, p := range parts {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return c, errSyntax
		}
		value = unquote(trim(value))
		switch strings.ToLower(trim(name)) {
		case "username":
			c.username = value
		case "realm":
			c.realm = value
		case "nonce":
			c.nonce = value
		case "uri":
			c.uri = value
		case "response":
			c.response = value
		case "algorithm":
			c.algorithm = value
		case "qop":
			c.qop = value
		case "nc":
			c.nc = value
		case "cnonce":
			c.cnonce = value
		}
	}
	if c.username == "" || c.nonce == "" || c.response == "" {
		return c, errSyntax
	}
	if c.algorithm == "" {
		c.algorithm = MD5
	}
	return c, nil
}

func hashHex(algorithm, s string) string {
	if strings.EqualFold(algorithm, SHA256) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// expected computes the response that proves knowledge of ha1.
func (c *credentials) expected(ha1, method string) string {
	ha2 := hashHex(c.algorithm, method+":"+c.uri)
	if c.qop == "" {
		return hashHex(c.algorithm, ha1+":"+c.nonce+":"+ha2)
	}
	return hashHex(c.algorithm, strings.Join([]string{ha1, c.nonce, c.nc, c.cnonce, c.qop, ha2}, ":"))
}

// outcome of looking at credentials.
type outcome int

const (
	outcomeNone  outcome = iota // challenge
	outcomeStale                // challenge with stale=true: the password was right, the nonce old
	outcomeOK
	outcomeBadURI
)

// authenticate finds out who sent a request. When it returns nil it has answered.
func (s *Server) authenticate(in *inbound) *account {
	if a, done := s.asserted(in); done {
		return a
	}
	if s.cfg.Open {
		return s.believed(in)
	}
	challenge, name, status, reason := "WWW-Authenticate", "Authorization", 401, "Unauthorized"
	if in.Method != sip.REGISTER {
		challenge, name, status, reason = "Proxy-Authenticate", "Proxy-Authorization", 407, "Proxy Authentication Required"
	}
	result := outcomeNone
	for _, v := range headerAll(in, name) {
		a, o := s.check(in, v)
		if o == outcomeOK {
			return a
		}
		result = max(result, o)
	}
	if result == outcomeBadURI {
		in.reply(400, "Bad Request: digest uri does not match")
		return nil
	}
	in.reply(status, reason, s.challenges(challenge, result == outcomeStale)...)
	return nil
}

// believed is authentication with Open: From as it stands.
func (s *Server) believed(in *inbound) *account {
	who := &in.from.uri
	if in.Method == sip.REGISTER {
		who = &in.to.uri
	}
	if !in.local(who) {
		in.reply(403, "Forbidden")
		return nil
	}
	a := s.account(who.name())
	if a == nil {
		in.reply(404, "Not Found")
	}
	return a
}

// asserted accepts P-Asserted-Identity from a trusted source. done is false when digest has to decide.
func (s *Server) asserted(in *inbound) (a *account, done bool) {
	if !s.trusted(in.flow) {
		return nil, false
	}
	v, ok := header(in, "P-Asserted-Identity")
	if !ok {
		return nil, false
	}
	list, err := parseNameAddrs(v)
	if err != nil {
		in.reply(400, "Bad Request: P-Asserted-Identity")
		return nil, true
	}
	for _, n := range list {
		if n.uri.isSIP() && in.local(&n.uri) {
			if a := s.account(n.uri.name()); a != nil {
				return a, true
			}
		}
	}
	in.reply(403, "Forbidden: unknown asserted identity")
	return nil, true
}

func (s *Server) trusted(f *flow) bool {
	if len(s.cfg.Trusted) == 0 {
		return false
	}
	ap, err := netip.ParseAddrPort(f.remote)
	if err != nil {
		return false
	}
	for _, p := range s.cfg.Trusted {
		if p.Contains(ap.Addr().Unmap()) {
			return true
		}
	}
	return false
}

func (s *Server) check(in *inbound, value string) (*account, outcome) {
	c, err := parseDigest(value)
	if err != nil || c.realm != s.cfg.Domain || !s.offered(c.algorithm) {
		return nil, outcomeNone
	}
	name, _, _ := strings.Cut(c.username, "@")
	a := s.account(name)
	ha1, ok := "", false
	if a != nil {
		ha1, ok = a.ha1(c.algorithm, c.username, c.realm)
	}
	want := c.expected(ha1, string(in.Method))
	right := subtle.ConstantTimeCompare([]byte(strings.ToLower(c.response)), []byte(want)) == 1
	if !ok || !right || c.qop != "" && c.qop != "auth" {
		return nil, outcomeNone
	}
	if !digestURIMatches(in, c.uri) {
		return nil, outcomeBadURI
	}
	nc := uint64(0)
	if c.qop != "" {
		if nc, err = strconv.ParseUint(c.nc, 16, 32); err != nil || nc == 0 || len(c.nc) != 8 {
			return nil, outcomeNone
		}
	}
	if !s.nonces.use(c.nonce, uint32(nc)) {
		return nil, outcomeStale
	}
	return a, outcomeOK
}

// digestURIMatches compares the resource of the credentials with the one of the request: same user, same host. Some
// clients (sipp) name the server's address instead; that is this server too.
func digestURIMatches(in *inbound, digest string) bool {
	u, err := parseURI(digest)
	if err != nil || !u.isSIP() {
		return false
	}
	return u.host == in.uri.host && u.name() == in.uri.name() || u.user == "" && in.local(&u)
}

func (s *Server) offered(algorithm string) bool {
	for _, a := range s.algorithms() {
		if strings.EqualFold(a, algorithm) {
			return true
		}
	}
	return false
}

// algorithms are those on offer now: the configured ones, or what a test asked for.
func (s *Server) algorithms() []string {
	if a := s.faults.algorithms.Load(); a != nil {
		return *a
	}
	return s.cfg.Algorithms
}

// challenges makes one header for each algorithm, in order of preference (RFC 8760 section 2.4).
func (s *Server) challenges(name string, stale bool) []sip.Header {
	nonce := s.nonces.issue()
	out := make([]sip.Header, 0, 2)
	for _, alg := range s.algorithms() {
		v := `Digest realm="` + s.cfg.Domain + `", nonce="` + nonce + `", algorithm=` + alg + `, qop="auth"`
		if stale {
			v += ", stale=true"
		}
		out = append(out, hdr(name, v))
	}
	return out
}
