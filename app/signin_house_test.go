package main

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// Signing in with the word of a directory server or of an identity provider, at a SIP server that trusts the portal.

// slapd starts a directory server with one person, whose picture it has, and gives its address. Where there is none the test
// is skipped, unless PORTICO_REQUIRE_PEERS says that there must be one.
func slapd(t *testing.T, picture []byte) string {
	t.Helper()
	tool := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			path, err = exec.LookPath("/usr/sbin/" + name)
		}
		if err == nil {
			_, err = os.Stat("/etc/ldap/schema/inetorgperson.schema")
		}
		if err != nil {
			if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
				t.Fatalf("%s is not installed (Debian package slapd) and PORTICO_REQUIRE_PEERS=1", name)
			}
			t.Skipf("needs %s (Debian package slapd)", name)
		}
		return path
	}
	server, add := tool("slapd"), tool("slapadd")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := file(t, dir, "slapd.conf", `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
directory `+dir+`/db
suffix "dc=example,dc=test"
rootdn "cn=portico,dc=example,dc=test"
rootpw hush
access to attrs=userPassword by anonymous auth by * none
access to * by anonymous auth by * none
`)
	people := file(t, dir, "people.ldif", `dn: dc=example,dc=test
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: uid=erin,dc=example,dc=test
objectClass: inetOrgPerson
uid: erin
cn: Erin Eder
sn: Eder
mail: erin@example.test
title: Designer of slapd
telephoneNumber: +43 1 234 567
userPassword: of-the-directory
jpegPhoto:: `+base64.StdEncoding.EncodeToString(picture)+`
`)
	if out, err := exec.Command(add, "-q", "-f", conf, "-l", people).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	at := siptest.FreeAddr(t)
	cmd := exec.Command(server, "-d", "0", "-f", conf, "-h", "ldap://"+at)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }() // it ends by being told to
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-done
		if t.Failed() {
			t.Logf("slapd printed:\n%s", &said)
		}
	})
	await(t, longest, "slapd to answer", func() bool {
		select {
		case <-done:
			t.Fatalf("slapd has ended:\n%s", &said)
		default:
		}
		c, err := net.Dial("tcp", at)
		return err == nil && c.Close() == nil
	})
	return "ldap://" + at
}

// trusting starts a portal in front of a Kamailio that believes it who people are.
func trusting(t *testing.T, method string, environ ...string) *program {
	t.Helper()
	k := siptest.StartKamailio(t, siptest.KamailioOptions{TrustedIP: "127.0.0.1"})
	return facing(t, k.Proxy("tcp"), append([]string{"PORTICO_SIP_AUTH=trusted", "PORTICO_SIGNIN_METHOD=" + method}, environ...)...)
}

// checks runs the check of a portal's configuration with some of it otherwise.
func (p *program) checks(status int, want string, environ ...string) {
	p.t.Helper()
	c := command(p.t, p.dir, append(append(slices.Clone(p.environ), "PORTICO_SIP_CHECK_USER=erin@example.test"), environ...), append([]string{"check"}, p.args[1:]...)...)
	if got := c.wait(longest); got != status || !strings.Contains(c.logged(), want) {
		p.t.Errorf("%v: exit status %d, want %d and %q\n%s", environ, got, status, want, c.logged())
	}
}

// signsIn tries to sign in by the API and gives the answer.
func (p *program) signsIn(login, password string) (c *client, status int, said string) {
	p.t.Helper()
	c = &client{t: p.t, base: p.url, who: login, http: &http.Client{Timeout: longest}}
	p.t.Cleanup(c.http.CloseIdleConnections)
	body, err := json.Marshal(map[string]string{"sip": login, "password": password})
	if err != nil {
		p.t.Fatal(err)
	}
	status, said = c.problem(http.MethodPost, "/session", body)
	var got struct {
		Token string
		Me    struct{ URI string }
	}
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(said), &got); err != nil {
			p.t.Fatal(err)
		}
		c.token, c.who = got.Token, got.Me.URI
	}
	return c, status, said
}

func TestSignInByTheDirectoryServer(t *testing.T) {
	t.Parallel()
	var picture bytes.Buffer
	dot := image.NewRGBA(image.Rect(0, 0, 8, 8))
	dot.Set(4, 4, color.White)
	if err := png.Encode(&picture, dot); err != nil {
		t.Fatal(err)
	}
	at := slapd(t, picture.Bytes())
	p := trusting(t, "ldap", "PORTICO_LDAP_URL="+at, "PORTICO_LDAP_BIND_DN=cn=portico,dc=example,dc=test", "PORTICO_LDAP_BIND_PASSWORD=hush", "PORTICO_LDAP_BASE_DN=dc=example,dc=test")
	for _, c := range []struct {
		base, password, want string
		status               int
	}{
		{"dc=example,dc=test", "hush", "ok      ldap " + at + ", 1 people, the first erin@example.test", exitFine},
		{"dc=example,dc=test", "wrong", "FAILED  ldap " + at, exitFailed},
		{"uid=nobody,dc=example,dc=test", "hush", "FAILED  ldap " + at, exitFailed},
	} {
		p.checks(c.status, c.want, "PORTICO_LDAP_BASE_DN="+c.base, "PORTICO_LDAP_BIND_PASSWORD="+c.password)
	}
	erin, status, said := p.signsIn("erin", "of-the-directory")
	if status != http.StatusOK || erin.who != "sip:erin@example.test" {
		t.Fatalf("by the directory's login: status %d, %s", status, said)
	}
	awaitRegistered(t, p.url, 1)
	if _, status, said := p.signsIn("sip:erin@example.test", "of-the-directory"); status != http.StatusOK {
		t.Errorf("by address: status %d, %s", status, said)
	}

	var found []struct {
		URI, Title string
		Sources    []string
	}
	await(t, longest, "erin in the address book", func() bool {
		erin.does(http.MethodGet, "/directory?q=eri", nil, &found)
		return len(found) == 1
	})
	if found[0].URI != erin.who || found[0].Title != "Designer of slapd" || !slices.Contains(found[0].Sources, "ldap") {
		t.Errorf("found %+v", found)
	}
	if photo, header := erin.raw("/people/"+person("erin")+"/photo", "", http.StatusOK); !bytes.Equal(photo, picture.Bytes()) || header.Get("Content-Type") != "image/png" {
		t.Errorf("a picture of %d bytes, %s", len(photo), header.Get("Content-Type"))
	}

	for _, c := range []struct{ login, password, reason string }{
		{"erin", "portico", "signin.wrong"}, {"erin", "", "signin.incomplete"}, {"*", "of-the-directory", "signin."}, {"nobody", "of-the-directory", "signin.wrong"},
	} {
		if _, status, said := p.signsIn(c.login, c.password); status == http.StatusOK || !strings.Contains(said, c.reason) {
			t.Errorf("%q with %q: status %d, %s", c.login, c.password, status, said)
		}
	}
	guesses := 0
	await(t, longest, "guessing to be held up", func() bool {
		guesses++
		_, status, _ := p.signsIn("erin", "guess")
		return status == http.StatusTooManyRequests
	})
	if guesses > 20 {
		t.Errorf("%d guesses were taken", guesses)
	}
	if strings.Contains(p.logged(), "of-the-directory") || strings.Contains(p.logged(), "hush") {
		t.Error("a password is in the log")
	}
}

// identity is an OpenID Connect provider of the test's own, which knows erin.
type identity struct {
	*httptest.Server
	key *rsa.PrivateKey
	mu  sync.Mutex
	// asked is what the browser brought, by the code that it was given for it.
	asked map[string]url.Values
	// told is what only the portal, the browser and the provider know, by what it is, of the last sign-in.
	told map[string]string
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &identity{key: key, asked: map[string]url.Values{}, told: map[string]string{}}
	i.Server = httptest.NewUnstartedServer(i)
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.StartTLS()
	t.Cleanup(i.Close)
	return i
}

// ServeHTTP is discovery, keys, the page that people sign in at (erin, without a question), and tokens.
func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	part := base64.RawURLEncoding.EncodeToString
	object := func(v map[string]any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			return []byte(err.Error()) // no client takes it for an answer
		}
		return b
	}
	answer := func(v map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(object(v)) // the portal may have heard enough
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"}})
	case "/keys":
		answer(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "kid": "one", "alg": "RS256", "n": part(i.key.N.Bytes()), "e": part(big.NewInt(int64(i.key.E)).Bytes())}}})
	case "/auth":
		code := rand.Text()
		i.asked[code] = r.URL.Query()
		i.told["the code"], i.told["the state"], i.told["the nonce"] = code, r.URL.Query().Get("state"), r.URL.Query().Get("nonce")
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}}.Encode(), http.StatusFound)
	case "/token":
		asked, known := i.asked[r.FormValue("code")]
		delete(i.asked, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !known || asked.Get("code_challenge") != part(sum[:]) {
			// It says back what it was told.
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(object(map[string]any{"error": "invalid_grant", "error_description": fmt.Sprint(r.Form, r.Header)})) // the portal may have heard enough
			return
		}
		now := time.Now()
		text := part(object(map[string]any{"alg": "RS256", "kid": "one", "typ": "JWT"})) + "." + part(object(map[string]any{"iss": i.URL, "sub": "4711", "aud": "portico",
			"exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": asked.Get("nonce"), "email": cmp.Or(asked.Get("login_hint"), "erin@example.test")}))
		sum = sha256.Sum256([]byte(text))
		sig, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, i.told["the client secret"], _ = r.BasicAuth()
		if secret := r.FormValue("client_secret"); secret != "" {
			i.told["the client secret"] = secret
		}
		i.told["the verifier"], i.told["the id token"], i.told["its signature"], i.told["the access token"] = r.FormValue("code_verifier"), text+"."+part(sig), part(sig), "Pl4nt-access-"+rand.Text()
		answer(map[string]any{"access_token": i.told["the access token"], "token_type": "Bearer", "expires_in": 300, "id_token": text + "." + part(sig)})
	default:
		http.NotFound(w, r)
	}
}

func TestSignInByOpenIDConnect(t *testing.T) {
	t.Parallel()
	idp := newIdentity(t)
	at := siptest.FreeAddr(t)
	ca := file(t, t.TempDir(), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate().Raw})))
	p := trusting(t, "oidc", "PORTICO_HTTP_LISTEN="+at, "PORTICO_HTTP_PUBLIC_URL=http://"+at, "PORTICO_OIDC_ISSUER="+idp.URL, "PORTICO_OIDC_CLIENT_ID=portico",
		"PORTICO_OIDC_CLIENT_SECRET=hush", "PORTICO_OIDC_NAME=House Identity", "PORTICO_OIDC_TLS_CA="+ca)
	p.checks(exitFine, "ok      oidc "+idp.URL+", redirect address http://"+at+"/signin/oidc/callback")
	p.checks(exitFailed, "FAILED  oidc "+idp.URL, "PORTICO_OIDC_TLS_CA=")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := idp.Client() // it trusts the provider's certificate
	browser.Jar, browser.Timeout = jar, longest
	t.Cleanup(browser.CloseIdleConnections)
	get := func(path string) (status int, at, body string) {
		t.Helper()
		resp, err := browser.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Request.URL.Path, string(b)
	}
	if status, _, body := get("/signin"); status != http.StatusOK || !strings.Contains(body, "House Identity") || strings.Contains(body, `type="password"`) {
		t.Errorf("the page to sign in at: status %d\n%s", status, body)
	}
	if status, _, body := get("/signin/oidc/callback?code=made-up&state=made-up"); status == http.StatusOK || strings.Contains(body, "made-up") {
		t.Errorf("an answer to no question: status %d\n%s", status, body)
	}
	if status, at, body := get("/signin/oidc?next=/settings"); status != http.StatusOK || at != "/settings" {
		t.Fatalf("signed in: status %d at %s\n%s", status, at, body)
	}
	var me struct{ URI string }
	if status, _, body := get("/api/v1/me"); status != http.StatusOK || json.Unmarshal([]byte(body), &me) != nil || me.URI != "sip:erin@example.test" {
		t.Errorf("the provider's erin is %s (status %d)", body, status)
	}
	awaitRegistered(t, p.url, 1)
	for _, password := range []string{labPassword, "anything"} { // the SIP server would believe the portal
		if _, status, said := p.signsIn("sip:bob@example.test", password); status != http.StatusForbidden || !strings.Contains(said, "signin.by-provider") {
			t.Errorf("by password: status %d, %s", status, said)
		}
	}
}
