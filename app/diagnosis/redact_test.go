package diagnosis

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"REGISTER sip:example.test SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n", "REGISTER sip:example.test SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"},
		// Headers.
		{"Authorization: Basic YW5uOnB3\r\nHost: x", "Authorization: Basic [removed]\r\nHost: x"},
		{"AUTHORIZATION:NTLM TlRMTVNTUAABAAAA\r\n", "AUTHORIZATION:NTLM [removed]\r\n"},
		{"Proxy-Authorization: Bearer abc.def\n", "Proxy-Authorization: Bearer [removed]\n"},
		{"Authorization: Own key,\r\n\tof two lines\r\nNext: 1", "Authorization: [removed]\r\nNext: 1"},
		{"Cookie: a=1; b=2\r\nSet-Cookie: portico=abc; Path=/; HttpOnly\r\nX: y", "Cookie: [removed]\r\nSet-Cookie: [removed]\r\nX: y"},
		{"X-Auth-Token: abc\nX-Api-Key: d", "X-Auth-Token: [removed]\nX-Api-Key: [removed]"},
		{`Authorization: Digest username="ann", realm="example.test", nonce="n", uri="sip:example.test", response="6629fae4", algorithm=MD5` + "\r\n",
			`Authorization: Digest username="ann", realm="example.test", [removed]` + "\r\n"},
		{`Proxy-Authorization: Digest nonce="n", realm="r",` + "\r\n" + ` username="ann", response=66` + "\r\nX: y",
			`Proxy-Authorization: Digest [removed], realm="r",` + "\r\n" + ` username="ann", [removed]` + "\r\nX: y"},
		{`Authentication-Info: nextnonce="n", rspauth="1"`, "Authentication-Info: [removed]"},
		{`WWW-Authenticate: Digest realm="r", nonce="n"`, `WWW-Authenticate: Digest realm="r", nonce="n"`},
		{"WWW-Authenticate: NTLM TlRMTVNTUAACAAAA==\r\n", "WWW-Authenticate: NTLM [removed]\r\n"},
		{`{"Authorization":"Bearer abc","x":1}`, `{"Authorization":"Bearer [removed]`},
		// Elements.
		{`<t:Password Type="a>b">hunter2</t:Password><t:Name>ann</t:Name>`, `<t:Password Type="a>b">[removed]</t:Password><t:Name>ann</t:Name>`},
		{"<wsse:UsernameToken><wsse:Username>ann</wsse:Username><wsse:Password>p</wsse:Password></wsse:UsernameToken>",
			"<wsse:UsernameToken><wsse:Username>ann</wsse:Username><wsse:Password>[removed]</wsse:Password></wsse:UsernameToken>"},
		{"<Password/><a>b</a>", "<Password/><a>b</a>"},
		{"<password><![CDATA[a</password>b]]></password>c", "<password>[removed]</password>c"},
		{"<secret>a<secret>b</secret>c</secret>d", "<secret>[removed]</secret>d"},
		{"<AccessToken>cut off here", "<AccessToken>[removed]"},
		{"<Password hunter2", "<Password [removed]"},
		{"&lt;Password&gt;hunter2&lt;/Password&gt; &lt;b&gt;", "&lt;Password&gt;[removed]&lt;/Password&gt; &lt;b&gt;"},
		{"<m:SyncState>H4sIAAA</m:SyncState>", "<m:SyncState>H4sIAAA</m:SyncState>"},
		// Members, parameters, attributes.
		{`{"password":"a\"b","user":"ann","refresh_token":"x"}`, `{"password":"[removed]","user":"ann","refresh_token":"[removed]"}`},
		{"grant_type=password&client_secret=abc&x=1", "grant_type=password&client_secret=[removed]&x=1"},
		{"<a password='p q' b='c'/>", "<a password='[removed]' b='c'/>"},
		{`SIP_PASSWORD = hunter2 next`, `SIP_PASSWORD = [removed] next`},
		{"GET /back?code=abc123&state=x HTTP/1.1", "GET /back?code=[removed]&state=x HTTP/1.1"},
		{`response="abcdef", uri="x"`, `response="[removed]", uri="x"`},
		{"response=0123456789abcdef0123456789abcdef and response=accepted", "response=[removed] and response=accepted"},
		{`gssapi-data="abc", version=4`, `gssapi-data="[removed]", version=4`},
		{"https://ann:hunter2@mail.example.test/EWS", "https://ann:[removed]@mail.example.test/EWS"},
		{"sip:ann:hunter2@example.test;transport=tcp sip:ann@example.test:5060", "sip:ann:[removed]@example.test;transport=tcp sip:ann@example.test:5060"},
		// Tokens behind a scheme, and by their look.
		{"401 for Basic YW5uOnB3MTIz, then Negotiate YIIKAbc123==", "401 for Basic [removed], then Negotiate [removed]"},
		{"basic authentication failed; negotiate is not offered", "basic authentication failed; negotiate is not offered"},
		{"got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln here", "got [removed] here"},
		{"a=crypto:1 AES_CM_128 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20", "a=crypto:1 AES_CM_128 [removed]|2^20"},
		{"a=ice-pwd:abc123\r\na=ice-ufrag:x", "a=ice-pwd:[removed]\r\na=ice-ufrag:x"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nx", "[removed]\nx"},
		{"-----BEGIN PRIVATE KEY-----\nMII", "[removed]"},
		// Many at once.
		{"Cookie: <Password>\nhunter2</Password>", "Cookie: [removed]\n[removed]</Password>"},
	} {
		got := Redact(c.text)
		if got != c.want {
			t.Errorf("%q\ngives %q\nwant  %q", c.text, got, c.want)
		}
		if again := Redact(got); again != got {
			t.Errorf("%q once more: %q", got, again)
		}
	}
}

// planted is a secret in each of the forms in which one may stand in a trace.
func planted(secret string) []string {
	return []string{
		"Authorization: Basic " + secret, "Proxy-Authorization: NTLM " + secret, "Cookie: portico=" + secret + "; Path=/", "Set-Cookie: a=b; c=" + secret,
		"Authorization: Digest username=\"ann\", realm=\"r\", nonce=\"n\", response=\"" + secret + "\", qop=auth",
		"<t:Password>" + secret + "</t:Password>", "<wsse:Password Type=\"x\">\n" + secret + "\n</wsse:Password>", "<ns1:ClientSecret><![CDATA[" + secret + "]]></ns1:ClientSecret>",
		"{\"password\":\"" + secret + "\"}", "client_secret=" + secret + "&x=y", "401: Bearer " + secret + " was refused", "https://ann:" + secret + "@mail.example.test/",
		"token eyJ" + secret + "." + secret, "<Password>" + secret,
	}
}

// FuzzRedact: whatever stands around it on other lines, a secret does not come through, and the work is done once.
func FuzzRedact(f *testing.F) {
	const secret = "S3cr3tT0k3nABCDEF0123456789"
	for i, text := range planted(secret) {
		f.Add("INVITE sip:ann@example.test SIP/2.0", i, "Content-Length: 0")
		f.Add(text, i, text)
	}
	for _, odd := range []string{"<password", "<a b=\"", "password=", "Cookie:", "\"", "'", "<![CDATA[", "&lt;password", "-----BEGIN PRIVATE KEY-----", "\xff\xfe", "response=\"", "Authorization: Digest username=\"", "<Password>x</"} {
		f.Add(odd, 0, odd)
		f.Add(odd, 8, odd)
	}
	forms := planted(secret)
	f.Fuzz(func(t *testing.T, before string, form int, after string) {
		if strings.Contains(before+after, secret[:8]) || len(before)+len(after) > 1<<16 {
			t.Skip("the secret stands around itself")
		}
		text := before + "\r\n" + forms[((form%len(forms))+len(forms))%len(forms)] + "\r\n" + after
		got := Redact(text)
		if strings.Contains(got, secret) {
			t.Errorf("%q\ngives %q", text, got)
		}
		if again := Redact(got); strings.Contains(again, secret) || len(again) > len(got)+len(removed)*strings.Count(got, "<") {
			t.Errorf("once more %q\nwas %q", again, got)
		}
	})
}

// TestRedactLarge: hostile texts take time in proportion to their length; a square of it would not end here.
func TestRedactLarge(t *testing.T) {
	for _, unit := range []string{"<password", "<password>", "<password a=\"", "password=", "Authorization: Digest username=\"", "&lt;password&gt;", "-----BEGIN PRIVATE KEY-----", "sip:a:", "<secret><![CDATA[", "Cookie:\n "} {
		text := strings.Repeat(unit, 1<<16/len(unit))
		if got := Redact(text); got == "" {
			t.Errorf("%q: nothing left", unit)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	text := "NOTIFY sip:ann@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\nAuthorization: Digest username=\"ann\", realm=\"r\", response=\"0123456789abcdef\"\r\n\r\n" +
		strings.Repeat("<tuple id=\"a\"><status><basic>open</basic></status><note>in a meeting until ten</note></tuple>\r\n", 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for range b.N {
		if len(Redact(text)) == len(text) {
			b.Fatal("nothing removed")
		}
	}
}

// cause finds what the rooms give as the cause of an incident.
var cause = regexp.MustCompile(`"((?:signin|line)\.[a-z0-9-]+|directory\.(?:unavailable|ldap)|exchange\.(?:down|busy|signin|forbidden|rights|no-mailbox|refused|server|book|no-reader))"`)

// TestEveryCauseHasACure reads the rooms that give causes: for each stands in every language what to do about it.
func TestEveryCauseHasACure(t *testing.T) {
	good := []string{"signin.worked", "line.up"}
	found := map[string]bool{}
	for _, room := range []string{"account", "sipua", "ews", "directory", "directory/ldap", "directory/oidc", "presence"} {
		names, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(room), "*.go"))
		must(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			must(t, err)
			for _, m := range cause.FindAllStringSubmatch(string(source), -1) {
				found[m[1]] = true
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d causes found", len(found))
	}
	for _, language := range []string{"en", "de"} {
		cures := map[string]any{}
		names, err := filepath.Glob(filepath.Join("..", "..", "views", "catalogue", "active.*"+language+".toml"))
		must(t, err)
		for _, name := range names {
			_, err := toml.DecodeFile(name, &cures)
			must(t, err)
		}
		for _, always := range []string{"cure.any", "cure.signin", "cure.line", "cure.exchange", "cure.directory", "cure.live", "cure.presence"} {
			if cures[always] == nil {
				t.Errorf("%s has no %s", language, always)
			}
		}
		for key := range found {
			if cures["cure."+key] == nil && !slices.Contains(good, key) {
				t.Errorf("%s: no cure for %q", language, key)
			}
		}
	}
	if got := Cures("exchange.down"); !slices.Equal(got, []string{"cure.exchange.down", "cure.exchange", "cure.any"}) {
		t.Errorf("cures %v", got)
	}
	if got := Cures("internal"); !slices.Equal(got, []string{"cure.internal", "cure.any"}) {
		t.Errorf("cures %v", got)
	}
}
