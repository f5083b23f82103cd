package oidc_test

// A provider of the tests' own: discovery, keys, codes, tokens that are really signed, and every way to get them wrong.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/directory/oidc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const client = "portico"

// provider is the tests' own.
type provider struct {
	*httptest.Server
	t  *testing.T
	ca string // file with its certificate
	at *clock

	mu  sync.Mutex
	alg string
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	kid string
	// signer signs in the place of the key that is shown; nil: that one does.
	signer *rsa.PrivateKey
	// codes are those given out, with what the browser's request said.
	codes map[string]url.Values
	// claims are added to the token's, header to its header; info is the user info.
	claims, header, info map[string]any
	// spoil changes the signed token; discovery the discovery document; down: every answer is 503.
	spoil     func(string) string
	discovery map[string]any
	down      bool
	redirect  string
	asked     map[string]int
}

// firstKey is every provider's first, because making one takes a while.
var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// clock is a time that tests turn.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, alg: "RS256", kid: "k1", codes: map[string]url.Values{}, claims: map[string]any{}, header: map[string]any{}, discovery: map[string]any{}, asked: map[string]int{},
		at: &clock{now: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)}, ca: filepath.Join(t.TempDir(), "ca.pem")}
	p.newKeys("k1")
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are part of the tests
	p.StartTLS()
	t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	if err := os.WriteFile(p.ca, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *provider) set(change func(*provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// newKeys makes keys under a new name; tokens are signed with them from now on.
func (p *provider) newKeys(kid string) {
	p.t.Helper()
	r, err := firstKey()
	if kid != "k1" {
		r, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(func(p *provider) { p.rsa, p.ec, p.kid = r, e, kid })
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	switch {
	case p.down:
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case p.redirect != "":
		http.Redirect(w, r, p.redirect, http.StatusFound)
		return
	}
	say := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		text, err := json.Marshal(v)
		if err != nil {
			p.t.Error(err)
		}
		_, _ = w.Write(text) // the portal may have heard enough
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		d := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256", "ES256"}, "code_challenge_methods_supported": []string{"plain", "S256"}}
		if p.info != nil {
			d["userinfo_endpoint"] = p.URL + "/info"
		}
		maps.Copy(d, p.discovery)
		say(d)
	case "/keys":
		say(map[string]any{"keys": []any{
			map[string]any{"kty": "RSA", "use": "sig", "kid": p.kid + "RS256", "alg": "RS256", "n": b64(p.rsa.N.Bytes()), "e": b64([]byte{1, 0, 1})},
			map[string]any{"kty": "EC", "use": "sig", "kid": p.kid + "ES256", "alg": "ES256", "crv": "P-256", "x": b64(p.ec.X.FillBytes(make([]byte, 32))), "y": b64(p.ec.Y.FillBytes(make([]byte, 32)))},
		}})
	case "/token":
		p.token(w, r, say)
	case "/info":
		if r.Header.Get("Authorization") != "Bearer access" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		say(p.info)
	default:
		http.NotFound(w, r)
	}
}

// token gives a token for a code that was given out, once, to whoever knows the verifier of its challenge.
func (p *provider) token(w http.ResponseWriter, r *http.Request, say func(any)) {
	refuse := func(why string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		say(map[string]string{"error": why, "error_description": "the secret is hush"})
	}
	user, secret, _ := r.BasicAuth()
	asked, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	switch {
	case user != client || secret != "hush":
		refuse("invalid_client")
		return
	case !known || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != b64(sum[:]) || asked.Get("redirect_uri") != r.FormValue("redirect_uri"):
		refuse("invalid_grant")
		return
	}
	claims := map[string]any{"iss": p.URL, "sub": "4711", "aud": client, "exp": p.at.Now().Add(5 * time.Minute).Unix(), "iat": p.at.Now().Unix(), "nonce": asked.Get("nonce"),
		"email": "Anna@Example.test"}
	for name, value := range p.claims {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	token := p.sign(claims)
	if p.spoil != nil {
		token = p.spoil(token)
	}
	say(map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token})
}

// sign makes a JWT by the algorithm in force.
func (p *provider) sign(claims map[string]any) string {
	header := map[string]any{"alg": p.alg, "kid": p.kid + p.alg, "typ": "JWT"}
	maps.Copy(header, p.header)
	h, err := json.Marshal(header)
	if err != nil {
		p.t.Error(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	text := b64(h) + "." + b64(c)
	sum := sha256.Sum256([]byte(text))
	var sig []byte
	switch p.alg {
	case "RS256":
		key := p.rsa
		if p.signer != nil {
			key = p.signer
		}
		sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	case "ES256":
		r, s, e := ecdsa.Sign(rand.Reader, p.ec, sum[:])
		err = e
		if e == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case "HS256": // with what everybody knows as the secret
		m := hmac.New(sha256.New, []byte("hush"))
		_, err = m.Write([]byte(text))
		sig = m.Sum(nil)
	}
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + b64(sig)
}

// browser goes where it is sent, and comes back with what the provider gives it.
func (p *provider) browser(redirect string) url.Values {
	p.t.Helper()
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != p.URL+"/auth" {
		p.t.Fatalf("sent to %q, %v", redirect, err)
	}
	q := u.Query()
	if q.Get("client_id") != client || q.Get("response_type") != "code" || q.Get("redirect_uri") == "" || q.Get("state") == "" {
		p.t.Fatalf("asked with %v", q)
	}
	code := rand.Text()
	p.set(func(p *provider) { p.codes[code] = q })
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}

// portal is the portal's side, which turns its clock with the provider.
func (p *provider) portal(change func(*oidc.Config)) *oidc.Provider {
	p.t.Helper()
	c := oidc.Config{Issuer: p.URL, ClientID: client, ClientSecret: "hush", RedirectURL: "https://portico.example.test/signin/oidc/callback", CAFile: p.ca, Domain: "example.test"}
	if change != nil {
		change(&c)
	}
	out, err := oidc.New(c, oidc.Options{Now: p.at.Now})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(out.Close)
	return out
}

func (p *provider) times(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// hashOf is the at_hash of an access token: half of its SHA-256.
func hashOf(access string) string {
	sum := sha256.Sum256([]byte(access))
	return b64(sum[:16])
}
