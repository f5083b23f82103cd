package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"portico/app/sipua/siplab"
	"portico/app/sipua/siptest"
)

// TestSecretsOfAProviderAreNowhere: what a sign-in at an OpenID Connect provider goes by, one that works and two that do not, is in no
// page, no log and no file.
func TestSecretsOfAProviderAreNowhere(t *testing.T) {
	t.Parallel()
	const secret = `Pl4nt-of-the-client<&+/ü"`
	idp, h := newIdentity(t), &planted{secrets: map[string]string{"oidc.client_secret": secret}, texts: map[string][]byte{}}
	sip, err := siplab.New(siplab.Config{Domain: "example.test", Users: []siplab.User{{Name: "erin", Password: "unknown"}}, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	serves(t, sip)
	dir, at := t.TempDir(), siptest.FreeAddr(t)
	ca := file(t, t.TempDir(), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate().Raw})))
	conf := file(t, dir, "portico.toml", fmt.Sprintf("[http]\nlisten = %q\npublic_url = %q\n[signin]\nmethod = \"oidc\"\n[sip]\nproxy = \"sip:%s;transport=tcp\"\nauth = \"trusted\"\n[storage]\ndsn = %q\ndata_dir = %q\n[log]\nlevel = \"debug\"\n"+
		"[oidc]\nissuer = %q\nclient_id = \"portico\"\ntls_ca = %q\n", at, "http://"+at, sip.Addr(), "sqlite:"+filepath.Join(dir, "portico.db"), dir, idp.URL, ca))
	h.program = command(t, dir, []string{"PORTICO_LIMITS_API_RATE=100000", "PORTICO_CHAT_RATE=100000", "PORTICO_OIDC_CLIENT_SECRET=" + secret}, "serve", "--config", conf)
	if h.url == "" {
		t.Fatalf("portico did not say where it is:\n%s", h.logged())
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := idp.Client() // it trusts the provider's certificate
	browser.Jar, browser.Timeout = jar, longest
	t.Cleanup(browser.CloseIdleConnections)

	h.secrets["a code of nobody"], h.secrets["a state of nobody"] = "pl4nt-code-of-nobody", "pl4nt-state-of-nobody"
	made := url.Values{"code": {h.secrets["a code of nobody"]}, "state": {h.secrets["a state of nobody"]}}.Encode()
	h.ask(browser, http.MethodGet, "/signin/oidc/callback?"+made, "")

	// A code that the provider does not know: it is told the client's secret, and says everything back.
	stays := *browser
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	begun, err := stays.Get(h.url + "/signin/oidc")
	if err != nil {
		t.Fatal(err)
	}
	if err := begun.Body.Close(); err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || asked.Query().Get("state") == "" {
		t.Fatalf("began with %v, %v", begun.Header, err)
	}
	h.secrets["the state of a wrong code"], h.secrets["the nonce of a wrong code"] = asked.Query().Get("state"), asked.Query().Get("nonce")
	wrong := url.Values{"code": {h.secrets["a code of nobody"]}, "state": {h.secrets["the state of a wrong code"]}}.Encode()
	if status, said := h.ask(browser, http.MethodGet, "/signin/oidc/callback?"+wrong, ""); status == http.StatusOK && !strings.Contains(string(said), "/signin/oidc") {
		t.Errorf("a wrong code: %d %s", status, said)
	}

	if status, said := h.ask(browser, http.MethodGet, "/signin/oidc?next=/settings", ""); status != http.StatusOK || !strings.Contains(string(said), "<nav") {
		t.Fatalf("signed in: %d %.300s", status, said)
	}
	idp.mu.Lock()
	told := maps.Clone(idp.told)
	idp.mu.Unlock()
	if told["the client secret"] != secret && told["the client secret"] != url.QueryEscape(secret) {
		t.Errorf("the provider was told %q as the client's secret", told["the client secret"])
	}
	for _, what := range []string{"the code", "the state", "the nonce", "the verifier", "the id token", "its signature", "the access token"} {
		if len(told[what]) < 8 {
			t.Errorf("%s was not used: %q", what, told[what])
			continue
		}
		h.secrets[what] = told[what]
	}
	for _, cookie := range jar.Cookies(begun.Request.URL) {
		h.secrets["the cookie "+cookie.Name] = cookie.Value
	}
	if h.secrets["the cookie portico"] == "" {
		t.Error("no session")
	}
	for _, path := range []string{"/", "/contacts", "/settings", "/diagnostics", "/diagnostics.txt", "/privacy", "/api/v1/me", "/signin", "/nowhere"} {
		h.ask(browser, http.MethodGet, path, "")
	}
	h.hold(15, map[string]string{"the log": "sip:erin@example.test", "file portico.db": "erin@example.test"})
}

// TestSecretOfTheMailServerIsNowhere: an outage has a mail sent, over a server that refuses the password and says it back.
func TestSecretOfTheMailServerIsNowhere(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the environment does not say there which certificates hold")
	}
	addr, ca, heard := parrotSMTP(t)
	const secret = `Pl4nt-of-the-mail<&+/ü"`
	o := newOutage(t, "PORTICO_MAIL_SMTP="+addr, "PORTICO_MAIL_TLS=implicit", "PORTICO_MAIL_USERNAME=portico", "PORTICO_MAIL_PASSWORD="+secret, "SSL_CERT_FILE="+ca,
		"PORTICO_SYNC_MAIL_GATHER=100ms", "PORTICO_LOG_LEVEL=debug")
	login := base64.StdEncoding.EncodeToString([]byte("\x00portico\x00" + secret))
	await(t, longest, "the mail server to be told the password", func() bool { return heard(login) })
	await(t, longest, "the log to say that it was refused", func() bool { return strings.Contains(o.p.logged(), "535") })
	h := &planted{program: o.p, secrets: map[string]string{"mail.password": secret, "the login": login}, texts: map[string][]byte{}}
	h.hold(4, map[string]string{"the log": "535", "file portico.db": "ivan@example.test"})
}
