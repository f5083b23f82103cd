package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/config"
	"portico/app/ews/ewslab"
	"portico/app/sipua/siplab"
)

// Planted secrets: one run of the whole house with a secret of its own wherever there can be one, against servers some of
// which refuse and say back what they were told; then everything that was written and answered is searched for them.

// forms are the shapes that a secret can have in what is written.
func forms(secret string) map[string]string {
	quoted := func(escapeHTML bool) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if e.Encode(secret) != nil {
			return secret
		}
		return strings.Trim(strings.TrimSpace(b.String()), `"`)
	}
	out := map[string]string{
		"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "user": url.UserPassword("", secret).String()[1:],
		"html": html.EscapeString(secret), "json": quoted(false), "json for html": quoted(true), "text of a log": strings.Trim(fmt.Sprintf("%q", secret), `"`),
		"json in a log": strings.Trim(fmt.Sprintf("%q", quoted(false)), `"`),
	}
	for shift := range 3 { // base64 of it behind so many bytes of something else, without what those or later ones share in
		long := base64.StdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		from, to := []int{0, 2, 3}[shift], (shift+len(secret))*8/6
		out[fmt.Sprint("base64 behind ", shift)] = long[from:to]
		out[fmt.Sprint("base64url behind ", shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(long[from:to])
	}
	return out
}

// leaks are the secrets that a text has, with the shape each has there.
func leaks(text []byte, secrets map[string]string) (found []string) {
	for name, secret := range secrets {
		for form, shape := range forms(secret) {
			if i := bytes.Index(text, []byte(shape)); i >= 0 {
				found = append(found, fmt.Sprintf("%s as %s: …%q…", name, form, text[max(0, i-80):min(len(text), i+len(shape)+20)]))
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// The search finds each shape of a secret, so that what it does not find is not there.
func TestPlantedSecretsAreFound(t *testing.T) {
	const secret = `pl4nt"<&+/=> ä'\x`
	secrets := map[string]string{"it": secret}
	for form, shape := range forms(secret) {
		if got := leaks([]byte("before "+shape+" after"), secrets); len(got) != 1 {
			t.Errorf("%s: %q", form, got)
		}
	}
	for _, whole := range []string{
		"Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+secret)), base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + secret)),
		base64.RawURLEncoding.EncodeToString([]byte("alic:" + secret + "?")),
	} {
		if len(leaks([]byte(whole), secrets)) != 1 {
			t.Errorf("not found in %q", whole)
		}
	}
	if got := leaks([]byte("nothing of that kind, "+secret[1:]), secrets); len(got) != 0 {
		t.Errorf("found %q where there is none", got)
	}
}

// parrotHTTP refuses everything, and says back all that it was told, as it was told.
func parrotHTTP(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // as much as came
		w.Header().Set("WWW-Authenticate", `Basic realm="parrot"`)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, "<html>refused: %s %s %v %s</html>", r.Method, r.URL, r.Header, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// parrotTCP answers each line with what answer makes of it, until the other side goes.
func parrotTCP(t *testing.T, greeting string, answer func(line string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return parrotOn(t, l, greeting, answer)
}

func parrotOn(t *testing.T, l net.Listener, greeting string, answer func(line string) string) string {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if c.SetDeadline(time.Now().Add(longest)) != nil {
					return
				}
				_, _ = io.WriteString(c, greeting) // whoever has gone reads nothing
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if _, err := io.WriteString(c, answer(lines.Text())); err != nil {
						return
					}
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// parrotSMTP refuses every sign-in and says the credentials back, over TLS with the certificate in ca. heard tells whether it was told
// something.
func parrotSMTP(t *testing.T) (addr, ca string, heard func(text string) bool) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	pair := s.TLS.Certificates
	ca = file(t, t.TempDir(), "mail.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	s.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: pair, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all strings.Builder
	addr = parrotOn(t, l, "220 parrot ESMTP\r\n", func(line string) string {
		mu.Lock()
		all.WriteString(line + "\n")
		mu.Unlock()
		switch word, _, _ := strings.Cut(strings.ToUpper(line), " "); word {
		case "EHLO":
			return "250-parrot\r\n250 AUTH PLAIN LOGIN\r\n"
		case "QUIT":
			return "221 bye\r\n"
		case "RSET", "NOOP":
			return "250 fine\r\n"
		}
		return "535 5.7.8 not accepted: " + line + "\r\n"
	})
	return addr, ca, func(text string) bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(all.String(), text)
	}
}

// planted is a house with secrets, and where it and its commands write.
type planted struct {
	*program
	secrets map[string]string
	// texts is everything that was answered, by what was asked.
	texts map[string][]byte
	// mailed tells whether the mail server was told something.
	mailed func(text string) bool
}

// plantedPeople are the people of the servers, with passwords of their own.
func plantedPeople(secrets map[string]string) (users []siplab.User, boxes []ewslab.Person) {
	for _, u := range []string{"alice", "bob"} {
		secrets["the password of "+u] = `Pl4nt-of-` + u + `"<&+/ß`
		users = append(users, siplab.User{Name: u, DisplayName: u, Password: secrets["the password of "+u]})
		boxes = append(boxes, ewslab.Person{User: u, Name: u, Password: secrets["the password of "+u], TimeZone: labZone, Locale: "en-GB"})
	}
	return users, boxes
}

// serves runs servers until the test ends.
func serves(t *testing.T, all ...interface {
	Listen() error
	Run(context.Context) error
}) {
	t.Helper()
	for _, s := range all {
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				t.Errorf("a server: %v", err)
			}
		})
	}
}

// plant starts servers and a portal that has a secret in every option that can hold one.
func plant(t *testing.T) *planted {
	t.Helper()
	h := &planted{secrets: map[string]string{}, texts: map[string][]byte{}}
	users, boxes := plantedPeople(h.secrets)
	var environ []string
	for _, key := range config.SecretKeys() {
		for i := range 3 {
			path := strings.Replace(key, "[]", fmt.Sprint(".", i), 1)
			if path == key && i > 0 {
				break
			}
			h.secrets[path] = fmt.Sprintf(`Pl4nt<%d>&%s/+ü"`, len(h.secrets), strings.NewReplacer(".", "", "_", "").Replace(path))
			if key == "sip.check_password" {
				h.secrets[path] = h.secrets["the password of bob"] // so that the check goes on
			}
			environ = append(environ, "PORTICO_"+strings.ToUpper(strings.ReplaceAll(path, ".", "_"))+"="+h.secrets[path])
		}
	}
	sip, err := siplab.New(siplab.Config{Domain: "example.test", Users: users, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := ewslab.New(ewslab.Config{Listen: "127.0.0.1:0", Domain: "example.test", People: boxes,
		Service: &ewslab.Account{Username: labService, Password: h.secrets["ews.server.0.password"]}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	serves(t, sip, exchange)
	mail, ca, mailed := parrotSMTP(t)
	h.mailed = mailed
	environ = append(environ, "SSL_CERT_FILE="+ca)
	parrot := parrotHTTP(t)
	deaf := parrotTCP(t, "", func(line string) string { return line })
	dir := t.TempDir()
	conf := file(t, dir, "portico.toml", fmt.Sprintf(`[sip]
proxy = "sip:%s;transport=tcp"
check_user = "sip:bob@example.test"
[storage]
dsn = %q
data_dir = %q
[log]
level = "debug"
[ldap]
url = "ldap://%s"
bind_dn = "cn=portico"
base_dn = "dc=example,dc=test"
[oidc]
issuer = %q
client_id = "portico"
[mail]
smtp = %q
tls = "implicit"
username = "portico"
[[ews.server]]
name = "works"
url = %q
username = %q
[[ews.server]]
name = "tokens"
url = %q
auth = "oauth2"
token_url = %q
client_id = "portico"
username = "svc"
[[ews.server]]
name = "refuses"
url = %q
username = "svc"
`, sip.Addr(), "sqlite:"+filepath.Join(dir, "portico.db"), dir, deaf, parrot, mail, exchange.URL(), labService, parrot+"/ews", parrot+"/token", parrot+"/ews"))
	h.program = command(t, dir, append(append(ownPorts(t), "PORTICO_LIMITS_API_RATE=100000", "PORTICO_CHAT_RATE=100000", "PORTICO_SYNC_MAIL_GATHER=100ms"), environ...), "serve", "--config", conf)
	if h.url == "" {
		t.Fatalf("portico did not say where it is:\n%s", h.logged())
	}
	check := command(t, dir, append(ownPorts(t), environ...), "check", "--config", conf)
	h.texts["portico check"] = []byte(check.logged())
	return h
}

// ask fetches something and keeps the answer; signed is the session it is asked with.
func (h *planted) ask(c *http.Client, method, path, body string, head ...string) (status int, answer []byte) {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	key := fmt.Sprintf("%s %s (%d, %d)", method, path, res.StatusCode, len(h.texts))
	h.texts[key] = append(answer, fmt.Sprint(withoutCookie(res.Header))...)
	return res.StatusCode, answer
}

// withoutCookie is a head without what the browser alone is told.
func withoutCookie(head http.Header) http.Header {
	head = head.Clone()
	head.Del("Set-Cookie")
	return head
}

// browser signs somebody in by the form, and plants the cookie.
func (h *planted) browser(user string) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: longest}
	h.t.Cleanup(c.CloseIdleConnections)
	form := url.Values{"address": {user}, "password": {h.secrets["the password of "+user]}}.Encode()
	h.ask(c, http.MethodPost, "/signin", form, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	at, err := url.Parse(h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, cookie := range jar.Cookies(at) {
		switch cookie.Name {
		case "portico":
			h.secrets["the cookie of "+user] = cookie.Value
		case "portico-device":
			h.secrets["what the browser of "+user+" is known by"] = cookie.Value
		}
	}
	if h.secrets["the cookie of "+user] == "" || h.secrets["what the browser of "+user+" is known by"] == "" {
		h.t.Fatalf("no session of %s, or the browser is not known", user)
	}
	return c
}

// wrongly tries to sign in amiss: with a wrong password, and with a password where the name belongs.
func (h *planted) wrongly() {
	h.secrets["a wrong password"], h.secrets["a password typed as a name"] = "wr0ng-Pl4nt-Q7", "pl4nt-typed-as-name-x9"
	h.secrets["a password typed as an address"] = "pl4nt typed, as <no> address"
	c := &http.Client{Timeout: longest}
	h.t.Cleanup(c.CloseIdleConnections)
	for _, try := range [][2]string{
		{"bob", h.secrets["a wrong password"]}, {h.secrets["a password typed as a name"], "x"}, {h.secrets["a password typed as an address"], h.secrets["a wrong password"]},
	} {
		body, err := json.Marshal(map[string]string{"sip": try[0], "password": try[1]})
		if err != nil {
			h.t.Fatal(err)
		}
		h.ask(c, http.MethodPost, "/api/v1/session", string(body), "Content-Type", "application/json")
		if status, err := http.PostForm(h.url+"/signin", url.Values{"address": {"bob"}, "password": {try[1]}}); err != nil {
			h.t.Fatal(err)
		} else if err := status.Body.Close(); err != nil {
			h.t.Fatal(err)
		}
	}
}

// lockedOut guesses at bob's password until strangers have to wait. The browser that is known lets him in all the same.
func (h *planted) lockedOut(c *http.Client) {
	h.t.Helper()
	stranger := &http.Client{Timeout: longest}
	h.t.Cleanup(stranger.CloseIdleConnections)
	body, err := json.Marshal(map[string]string{"sip": "bob", "password": h.secrets["a wrong password"]})
	if err != nil {
		h.t.Fatal(err)
	}
	await(h.t, longest, "strangers to wait", func() bool {
		status, _ := h.ask(stranger, http.MethodPost, "/api/v1/session", string(body), "Content-Type", "application/json")
		return status == http.StatusTooManyRequests
	})
	form := url.Values{"address": {"bob"}, "password": {h.secrets["the password of bob"]}}.Encode()
	if status, said := h.ask(c, http.MethodPost, "/signin", form, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"); status != http.StatusOK || !bytes.Contains(said, []byte("<nav")) {
		h.t.Errorf("the browser that knows bob: %d %.300s", status, said)
	}
}

// walk asks for everything that needs no more than a path: each page of the list and each call of the API document.
func (h *planted) walk(c *http.Client) {
	for _, path := range []string{
		"/", "/contacts", "/chat", "/rooms", "/history", "/calls", "/calendar", "/responses", "/crm", "/settings", "/privacy", "/diagnostics", "/diagnostics.txt", "/diagnostics/trace.txt",
		"/help", "/help/configuration", "/admin", "/admin/policies", "/admin/custom-states", "/admin/origins", "/admin/book", "/admin/signins", "/admin/history", "/admin/audit",
		"/admin/audit.csv", "/admin/audit.json", "/admin/sync", "/admin/sync/settings", "/admin/sync/users", "/admin/sync/queue", "/admin/sync/queue.xml", "/admin/sync/transactions",
		"/admin/sync/diagnostics", "/admin/sync/rules", "/admin/sync/hooks", "/admin/policies/file.json", "/readyz", "/healthz", "/nowhere", "/api/v1/nowhere",
	} {
		h.ask(c, http.MethodGet, path, "")
	}
	_, document := h.ask(c, http.MethodGet, "/api/v1/openapi.json", "")
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(document, &doc); err != nil {
		h.t.Fatal(err)
	}
	if len(doc.Paths) < 50 {
		h.t.Fatalf("%d paths in the document", len(doc.Paths))
	}
	for path, methods := range doc.Paths {
		if _, ok := methods["get"]; ok && !strings.Contains(path, "{") && path != "/events" {
			h.ask(c, http.MethodGet, "/api/v1"+path, "")
		}
	}
	h.ask(c, http.MethodGet, "/metrics", "", "Authorization", "Bearer "+h.secrets["http.metrics_secret"])
}

// settle plants what administrators enter: a server's password and a webhook's secret.
func (h *planted) settle(c *http.Client) {
	const js = "application/json"
	_, text := h.ask(c, http.MethodGet, "/api/v1/admin/sync/settings", "")
	var set map[string]any
	if err := json.Unmarshal(text, &set); err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
	h.secrets["a server's password"] = `Pl4nt-of-a-server"&<`
	servers, _ := set["servers"].([]any)
	set["notify_email"], set["to_crm"] = "ops@example.test", true
	set["servers"] = append(servers, map[string]any{"name": "added", "url": parrotHTTP(h.t) + "/ews", "auth": "basic", "username": "svc", "password": h.secrets["a server's password"], "impersonate": true})
	body, err := json.Marshal(set)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, call := range [][2]string{{http.MethodPost, "/settings/check"}, {http.MethodPut, "/settings"}} {
		if status, said := h.ask(c, call[0], "/api/v1/admin/sync"+call[1], string(body), "Content-Type", js, "Sec-Fetch-Site", "same-origin"); status != http.StatusOK {
			h.t.Fatalf("%s: %d %s", call[1], status, said)
		}
	}
	req, err := http.NewRequest(http.MethodPost, h.url+"/api/v1/admin/sync/hooks", strings.NewReader(`{"name":"h","url":"http://198.51.100.1/x","active":true}`))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", js)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := c.Do(req) // the answer tells the secret, this once
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ Secret string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.Secret == "" {
		h.t.Fatalf("a webhook: %d, %v", res.StatusCode, err)
	}
	h.secrets["a webhook's secret"] = made.Secret
}

// files are all that lies in the house's folder, but for the portal's own two keys and what the test itself put there.
func (h *planted) files() map[string][]byte {
	out := map[string][]byte{}
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out["file "+d.Name()] = data
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	h := plant(t)
	alice, bob := h.browser("alice"), h.browser("bob")
	h.wrongly()
	if status, said := h.ask(bob, http.MethodPost, "/api/v1/diagnostics/trace", `{"minutes":5}`, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"); status != http.StatusOK {
		t.Fatalf("the trace: %d %s", status, said)
	}
	h.browser("bob") // a sign-in that the trace catches, with its digest
	h.ask(bob, http.MethodGet, "/calendar", "")
	h.settle(alice)
	await(t, longest, "the directory server to be tried", func() bool { return strings.Contains(h.logged(), "ldap") })
	var trace []byte
	await(t, longest, "the trace to catch something", func() bool {
		_, trace = h.ask(bob, http.MethodGet, "/diagnostics/trace.txt", "")
		return bytes.Contains(trace, []byte("REGISTER"))
	})
	if runtime.GOOS == "linux" && !h.mailed(base64.StdEncoding.EncodeToString([]byte("\x00portico\x00"+h.secrets["mail.password"]))) { // elsewhere the environment does not say which certificates hold
		t.Error("the mail server was not told the password")
	}
	h.lockedOut(bob)
	h.walk(alice)
	h.walk(bob)
	h.hold(150, map[string]string{"the log": "sip:alice@example.test", "portico check": "exchange refuses", "file portico.db": "alice@example.test"})
	if len(h.secrets) < len(config.SecretKeys())+10 {
		t.Errorf("%d secrets", len(h.secrets))
	}
}

// hold looks for every secret in all that was answered and, while the portal runs and when it has ended, written: so many texts at
// least, of which some have a word that shows that they could hold one.
func (h *planted) hold(least int, words map[string]string) {
	t := h.t
	t.Helper()
	for name, data := range h.files() { // while it runs: what is in the write-ahead log too
		h.texts[name+", while it runs"] = data
	}
	if status := h.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for name, data := range h.files() {
		h.texts[name] = data
	}
	h.texts["the log"] = []byte(h.logged())

	// That something was written that could hold them:
	for name, word := range words {
		if !bytes.Contains(h.texts[name], []byte(word)) {
			t.Errorf("%s has no %q: %.300q", name, word, h.texts[name])
		}
	}
	if len(h.texts) < least {
		t.Errorf("%d texts", len(h.texts))
	}
	for name, text := range h.texts {
		for _, found := range leaks(text, h.secrets) {
			t.Errorf("%s: %s", name, found)
		}
	}
}
