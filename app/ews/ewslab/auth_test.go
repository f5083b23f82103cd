package ewslab

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/go-ntlmssp"
)

func (l *lab) request(method, path, user, password string) *http.Response {
	l.t.Helper()
	req, err := http.NewRequest(method, "http://"+l.Addr()+path, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		l.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		l.t.Fatal(err)
	}
	return resp
}

func TestTheDoor(t *testing.T) {
	l := start(t)
	for _, c := range []struct {
		method, path, user, password string
		status                       int
	}{
		{"GET", Path, "", "", 401}, {"POST", Path, "", "", 401}, {"GET", Path, "alice", "portico", 200}, {"GET", "/ews/exchange.asmx", "alice", "portico", 200},
		{"GET", Path, "alice", "wrong", 401}, {"GET", Path, "alice", "", 401}, {"GET", Path, "nobody", "portico", 401}, {"GET", Path, "all", "portico", 401},
		{"GET", Path, "Alice@Example.Test", "portico", 200}, {"GET", Path, `EXAMPLE\alice`, "portico", 200}, {"GET", Path, "alice@elsewhere.test", "portico", 401},
		{"GET", Path, "svc-portico", "secret", 200}, {"PUT", Path, "alice", "portico", 405}, {"GET", "/elsewhere", "alice", "portico", 404},
	} {
		resp := l.request(c.method, c.path, c.user, c.password)
		if resp.StatusCode != c.status {
			t.Errorf("%s %s as %s: %d, want %d", c.method, c.path, c.user, resp.StatusCode, c.status)
		}
		if c.status == 401 && !slices.Equal(resp.Header.Values("WWW-Authenticate"), []string{"NTLM", `Basic realm="example.test"`}) {
			t.Errorf("offered: %q", resp.Header.Values("WWW-Authenticate"))
		}
	}
}

func TestNTLM(t *testing.T) {
	l := start(t)
	for _, c := range []struct {
		user, password string
		ok             bool
	}{{`EXAMPLE\alice`, "portico", true}, {"svc-portico", "secret", true}, {"alice", "wrong", false}, {"nobody", "portico", false}} {
		client := &http.Client{Transport: ntlmssp.Negotiator{RoundTripper: &http.Transport{}}}
		for range 2 { // the second request has to sign in anew or uses the connection
			req, err := http.NewRequest(http.MethodGet, l.URL(), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth(c.user, c.password)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if ok := resp.StatusCode == http.StatusOK; ok != c.ok {
				t.Errorf("%s with %s: %d", c.user, c.password, resp.StatusCode)
			}
		}
		if tr, ok := client.Transport.(ntlmssp.Negotiator).RoundTripper.(*http.Transport); ok {
			tr.CloseIdleConnections()
		}
	}
}

func TestNTLMThatIsNone(t *testing.T) {
	l := start(t)
	type1 := append([]byte("NTLMSSP\x00\x01\x00\x00\x00"), make([]byte, 28)...)
	type3 := append([]byte("NTLMSSP\x00\x03\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 60)...)
	for _, token := range []string{"", "!!", base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00")), base64.StdEncoding.EncodeToString(type3)} {
		req, err := http.NewRequest(http.MethodGet, l.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "NTLM "+token)
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		equal(t, resp.StatusCode, 401)
	}
	req, err := http.NewRequest(http.MethodGet, l.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Negotiate "+base64.StdEncoding.EncodeToString(type1))
	resp, err := l.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != 401 || !strings.HasPrefix(got, "Negotiate TlRMTVNTUAAC") {
		t.Errorf("no challenge: %d %q", resp.StatusCode, got)
	}
}

func FuzzNTLM(f *testing.F) {
	a := newAuthenticator(Config{Domain: "example.test", People: people()}, &directory{byName: map[string]*entry{"alice": {Mailbox: &mailbox{}}}})
	f.Add(append([]byte("NTLMSSP\x00\x03\x00\x00\x00"), make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if who, ok := a.proven(data, []byte("12345678")); ok {
			t.Fatalf("%v signed in with noise", who)
		}
	})
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		listen string
		remote bool
		ok     bool
	}{{"127.0.0.1:0", false, true}, {"[::1]:0", false, true}, {"localhost:0", false, true}, {"0.0.0.0:0", false, false}, {":0", false, false}, {"192.0.2.1:0", false, false},
		{"0.0.0.0:0", true, true}, {"nonsense", true, false}} {
		s, err := New(Config{Listen: c.listen, AllowRemote: c.remote})
		if (err == nil) != c.ok {
			t.Errorf("%s, remote %v: %v", c.listen, c.remote, err)
		}
		if err == nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestImpersonation(t *testing.T) {
	l := start(t)
	l.as("alice").meet("Hers", "2026-03-03T09:00:00Z")
	equal(t, l.service("alice@example.test").view("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "[2026-03-03T09:00:00Z Hers]")
	equal(t, l.service("ALICE@example.test").view("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "[2026-03-03T09:00:00Z Hers]")
	self := l.service("alice@example.test")
	self.user, self.password = "alice", "portico"
	self.ok(getInbox)
	bob := self
	bob.user = "bob"
	equal(t, bob.refused(getInbox), "ErrorImpersonateUserDenied")
	equal(t, l.service("nobody@example.test").refused(getInbox), "ErrorNonExistentMailbox")
	equal(t, l.service("").refused(getInbox), "ErrorInvalidExchangeImpersonationHeaderData")
	nobody := caller{l, "svc-portico", "secret", ""}
	equal(t, nobody.code(getInbox), "ErrorNonExistentMailbox")
	sid := caller{l, "svc-portico", "secret", `<t:ExchangeImpersonation><t:ConnectingSID><t:SID>S-1-5</t:SID></t:ConnectingSID></t:ExchangeImpersonation>`}
	equal(t, sid.refused(getInbox), "ErrorImpersonationFailed")
	name := caller{l, "svc-portico", "secret", `<t:ExchangeImpersonation><t:ConnectingSID><t:PrincipalName>bob@example.test</t:PrincipalName></t:ConnectingSID></t:ExchangeImpersonation>`}
	name.ok(getInbox)
}
