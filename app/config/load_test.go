package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write puts a file with the text into a folder of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load wants a configuration without faults.
func load(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	c, err := Load(write(t, "portico.toml", text), environ)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// faults wants an *Error and gives what is in it.
func faults(t *testing.T, text string, environ ...string) []Fault {
	t.Helper()
	c, err := Load(write(t, "portico.toml", text), environ)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("Load = %v, %v; want an *Error", c, err)
	}
	if len(e.Faults) == 0 {
		t.Fatal("an *Error without faults")
	}
	return e.Faults
}

func TestDefaultsAreTheContract(t *testing.T) {
	c := load(t, "")
	for _, e := range []struct {
		key       string
		got, want any
	}{
		{"http.listen", c.HTTP.Listen, "127.0.0.1:8080"},
		{"http.public_url", c.HTTP.PublicURL, ""},
		{"storage.dsn", c.Storage.DSN, "sqlite:portico-data/portico.db"},
		{"storage.data_dir", c.Storage.DataDir, "portico-data"},
		{"signin.method", c.Signin.Method, "sip"},
		{"signin.session_lifetime", c.Signin.SessionLifetime, 12 * time.Hour},
		{"sip.domain", c.SIP.Domain, "example.test"},
		{"sip.proxy", c.SIP.Proxy, "sip:127.0.0.1:5060;transport=tcp"},
		{"sip.listen", c.SIP.Listen, "127.0.0.1:0"},
		{"sip.auth", c.SIP.Auth, "digest"},
		{"sip.rooms_domain", c.SIP.RoomsDomain, "rooms.example.test"},
		{"mail.smtp", c.Mail.SMTP, "127.0.0.1:25"},
		{"mail.from", c.Mail.From, "portico@example.test"},
		{"lab.enabled", c.Lab.Enabled, false},
		{"lab.sip_listen", c.Lab.SIPListen, "127.0.0.1:0"},
		{"lab.ews_listen", c.Lab.EWSListen, "127.0.0.1:0"},
		{"lab.allow_public", c.Lab.AllowPublic, false},
		{"presence.inactive_after", c.Presence.InactiveAfter, 5 * time.Minute},
		{"presence.away_after", c.Presence.AwayAfter, 15 * time.Minute},
		{"number of ews.server", len(c.EWS.Server), 0},
	} {
		if e.got != e.want {
			t.Errorf("%s = %v, want %v", e.key, e.got, e.want)
		}
	}
	if want := []string{"sip:alice@example.test"}; !slices.Equal(c.Signin.Admins, want) {
		t.Errorf("signin.admins = %v, want %v", c.Signin.Admins, want)
	}
}

func TestWithoutAFileTheLabIsOn(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Lab.Enabled || !Default().Lab.Enabled {
		t.Error("the lab is off without a configuration file")
	}
	if off, err := Load("", []string{"PORTICO_LAB_ENABLED=false"}); err != nil || off.Lab.Enabled {
		t.Errorf("PORTICO_LAB_ENABLED=false: enabled %v, %v", off, err)
	}
}

func TestFileAndEnvironment(t *testing.T) {
	c := load(t, `
[http]
listen = "0.0.0.0:443"
public_url = "https://portico.example.test"
trusted_proxies = ["10.0.0.0/8", "::1"]
[signin]
admins = ["sip:root@corp.example", "bob@corp.example"]
session_lifetime = "90m"
[sip]
domain = "corp.example"
resume_rate = 50
[limits]
contacts = 20
[[ews.server]]
username = "svc"
password = "one"
[[ews.server]]
name = "second"
url = "https://mail.example.test/EWS/Exchange.asmx"
impersonate = false
`,
		"PORTICO_SIP_DOMAIN=over.example", "PORTICO_SIGNIN_ADMINS=sip:a@over.example, b@over.example",
		"PORTICO_EWS_SERVER_0_PASSWORD=two", "PORTICO_EWS_SERVER_2_NAME=third", "PORTICO_EWS_SERVER_2_IMPERSONATE=false",
		"PORTICO_LIMITS_CONTACTS=30", "PORTICO_SIP_RESUME_RATE=2.5", "HOME=/nowhere", "PORTICO_REQUIRE_PEERS=1", "PORTICO_TEST_X=1")
	if c.SIP.Domain != "over.example" || c.Limits.Contacts != 30 || c.SIP.ResumeRate != 2.5 {
		t.Errorf("environment did not override: %v", c)
	}
	if want := []string{"sip:a@over.example", "b@over.example"}; !slices.Equal(c.Signin.Admins, want) {
		t.Errorf("admins = %v, want %v", c.Signin.Admins, want)
	}
	if !c.SecureCookies() {
		t.Error("https public_url without secure cookies")
	}
	if len(c.EWS.Server) != 3 {
		t.Fatalf("%d EWS servers, want 3", len(c.EWS.Server))
	}
	if s := c.EWS.Server[0]; s.Name != "primary" || s.Password.Reveal() != "two" || s.Auth != "basic" || !s.Impersonate {
		t.Errorf("first server = %+v", s)
	}
	if s := c.EWS.Server[1]; s.Name != "second" || s.Impersonate {
		t.Errorf("second server = %+v", s)
	}
	if c.EWS.Server[2].Name != "third" {
		t.Errorf("third server = %+v", c.EWS.Server[2])
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings: %v", w)
	}
}

func TestUnknownVariableIsWarnedOf(t *testing.T) {
	c := load(t, "", "PORTICO_HTTP_LISTN=x", "PORTICO_PORT_8080_TCP=tcp://10.0.0.1", "PORTICO_EWS_SERVER_00_NAME=x")
	w := strings.Join(c.Warnings(), "\n")
	for _, name := range []string{"PORTICO_HTTP_LISTN", "PORTICO_PORT_8080_TCP", "PORTICO_EWS_SERVER_00_NAME"} {
		if !strings.Contains(w, name) {
			t.Errorf("no warning of %s in %q", name, w)
		}
	}
}

func TestAllFaultsAtOnceWithTheirLines(t *testing.T) {
	got := faults(t, `[http]
listen = "nowhere"
listn = "127.0.0.1:1"

[sip]
proxy = "http://example.test"
auth = 7
register_expires = "-1m"

[[ews.server]]
username = "svc"
auth = "magic"
[[ews.server]]
url = "ftp://x"
[nonsense]
a = 1
`, "PORTICO_LIMITS_CONTACTS=many")
	want := map[string]string{ // key → where
		"http.listen": "portico.toml:2", "http.listn": "portico.toml:3", "sip.proxy": "portico.toml:6", "sip.auth": "portico.toml:7",
		"sip.register_expires": "portico.toml:8", "ews.server[0].auth": "portico.toml:12", "ews.server[1].url": "portico.toml:14",
		"nonsense": "portico.toml:15", "limits.contacts": "PORTICO_LIMITS_CONTACTS",
	}
	for _, f := range got {
		where := filepath.Base(f.Source.String())
		if want[f.Key] != where {
			t.Errorf("fault %v at %s, want %q", f, where, want[f.Key])
		}
		delete(want, f.Key)
	}
	for key := range want {
		t.Errorf("no fault for %s", key)
	}
	for _, f := range got {
		if f.Key == "http.listn" && !strings.Contains(f.Text, "http.listen") {
			t.Errorf("no suggestion in %q", f.Text)
		}
	}
}

func TestSyntaxFaultNamesTheLine(t *testing.T) {
	f := faults(t, "[http]\nlisten = \"a:1\"\npublic_url =\n")
	if len(f) != 1 || f[0].Source.Line != 3 {
		t.Errorf("faults = %v, want one on line 3", f)
	}
}

func TestFaultySingleValues(t *testing.T) {
	for _, e := range []struct{ key, toml string }{
		{"http.listen", "[http]\nlisten = \"127.0.0.1\""},
		{"http.listen", "[http]\nlisten = \"127.0.0.1:70000\""},
		{"http.public_url", "[http]\npublic_url = \"portico.example.test\""},
		{"http.public_url", "[http]\npublic_url = \"https://portico.example.test/sub\""},
		{"http.tls_cert", "[http]\ntls_cert = \"/does/not/exist\"\ntls_key = \"\""},
		{"http.trusted_proxies", "[http]\ntrusted_proxies = [\"proxy\"]"},
		{"http.allowed_origins", "[http]\nallowed_origins = [\"*\"]"},
		{"storage.dsn", "[storage]\ndsn = \"portico.db\""},
		{"storage.dsn", "[storage]\ndsn = \"postgres://u:hunter2@h/db\""},
		{"storage.dsn", "[storage]\ndsn = \"mysql://u:hunter2@h/db\""},
		{"storage.data_dir", "[storage]\ndata_dir = \" \""},
		{"signin.method", "[signin]\nmethod = \"magic\""},
		{"ldap.url", "[ldap]\nurl = \"https://ldap.example.test\"\nbase_dn = \"dc=test\""},
		{"ldap.url", "[ldap]\nurl = \"ldap://u:hunter2@ldap.example.test\"\nbase_dn = \"dc=test\""},
		{"ldap.preset", "[ldap]\npreset = \"novell\""},
		{"oidc.issuer", "[oidc]\nissuer = \"id.example.test\""},
		{"policy.disable_im", "[policy]\ndisable_im = \"yes\""},
		{"policy.custom_state_url", "[policy]\ncustom_state_url = \"file:///etc/passwd\""},
		{"policy.custom_state_networks", "[policy]\ncustom_state_networks = [\"intranet\"]"},
		{"directory.initial_delay", "[directory]\ninitial_delay = \"25h\""},
		{"embed.origins", "[embed]\norigins = [\"*\"]"},
		{"sip.xcap_root", "[sip]\nxcap_root = \"sip:xcap\""},
		{"signin.admins", "[signin]\nadmins = [\"alice\"]"},
		{"signin.admins", "[signin]\nadmins = \"alice@example.test\""},
		{"signin.session_lifetime", "[signin]\nsession_lifetime = \"0s\""},
		{"signin.session_lifetime", "[signin]\nsession_lifetime = 12"},
		{"sip.domain", "[sip]\ndomain = \"exa mple\""},
		{"sip.domain", "[sip]\ndomain = \"\""},
		{"sip.proxy", "[sip]\nproxy = \"sip:h;transport=smoke\""},
		{"sip.proxy", "[sip]\nproxy = \"sip:user@h\""},
		{"sip.proxy", "[sip]\nproxy = \"sip:h:0\""},
		{"sip.auth", "[sip]\nauth = \"none\""},
		{"sip.resume_rate", "[sip]\nresume_rate = 0"},
		{"sip.resume_rate", "[sip]\nresume_rate = nan"},
		{"sip.tls_insecure", "[sip]\ntls_insecure = \"yes\""},
		{"presence.grace", "[presence]\ngrace = \"-1s\""},
		{"presence.grace", "[presence]\ngrace = \"0s\""}, // would mean the default
		{"presence.publish_pace", "[presence]\npublish_pace = \"0s\""},
		{"chat.retention", "[chat]\nretention = \"1h\""},
		{"rooms.retention", "[rooms]\nretention = \"1h\""},
		{"rooms.max_file", "[rooms]\nmax_file = 0"},
		{"rooms.rate", "[rooms]\nrate = 0"},
		{"rooms.server_rooms", "[rooms]\nserver_rooms = \"sip:chat-@example.test\""},
		{"rooms.server_rooms", "[rooms]\nserver_rooms = \"sip:chat@*.example.test\""},
		{"history.rest", "[history]\nrest = \"0s\""},
		{"policy.enable_auto_archiving", "[policy]\nenable_auto_archiving = \"maybe\""},
		{"mail.tls", "[mail]\ntls = \"perhaps\""},
		{"sync.workers", "[sync]\nworkers = 0"},
		{"sync.hook_networks", "[sync]\nhook_networks = [\"intranet\"]"},
		{"mail.smtp", "[mail]\nsmtp = \"mail.example.test\""},
		{"mail.from", "[mail]\nfrom = \"nobody\""},
		{"limits.connections", "[limits]\nconnections = 0"},
		{"limits.connections", "[limits]\nconnections = 1.5"},
		{"log.level", "[log]\nlevel = \"loud\""},
		{"log.format", "[log]\nformat = \"xml\""},
		{"http", "http = 1"},
		{"ews.server", "[ews]\nserver = \"x\""},
		{"ews.server", "[ews]\nserver = [1]"},
		{"ews.other", "[ews]\nother = 1"},
		{"ews.server[0].nam", "[[ews.server]]\nnam = \"x\"\nusername=\"u\"\npassword=\"p\""},
	} {
		got := faults(t, e.toml)
		if len(got) != 1 || got[0].Key != e.key {
			t.Errorf("%q: faults %v, want one of %s", e.toml, got, e.key)
		}
		if strings.Contains((&Error{Faults: got}).Error(), "hunter2") {
			t.Errorf("%q: the password shows in %v", e.toml, got)
		}
	}
}

func TestValuesThatMustAgree(t *testing.T) {
	file := write(t, "some.pem", "pem")
	for _, e := range []struct{ key, toml string }{
		{"http.tls_key", "[http]\ntls_cert = " + quote(file)},
		{"http.tls_cert", "[http]\ntls_key = " + quote(file)},
		{"http.public_url", "[http]\npublic_url = \"http://x.test\"\ntls_key = " + quote(file) + "\ntls_cert = " + quote(file)},
		{"sip.rooms_domain", "[sip]\nrooms_domain = \"EXAMPLE.test\""},
		{"presence.away_after", "[presence]\naway_after = \"5m\""},
		{"chat.retention", "[chat]\nretention = \"48h\"\nmax_age = \"48h\""},
		{"sync.max_retry", "[sync]\nfirst_retry = \"1m\"\nmax_retry = \"10s\""},
		{"limits.connections_per_person", "[limits]\nconnections = 10"},
		{"http.listen", "[http]\nlisten = \"0.0.0.0:8080\"\n[lab]\nenabled = true"},
		{"http.listen", "[http]\nlisten = \":8080\"\n[lab]\nenabled = true"},
		{"http.listen", "[http]\nlisten = \"portico.example.test:8080\"\n[lab]\nenabled = true"},
		{"lab.sip_listen", "[lab]\nenabled = true\nsip_listen = \"192.0.2.1:5060\""},
		{"sip.auth", "[signin]\nmethod = \"ldap\"\n[ldap]\nurl = \"ldaps://ldap.example.test\"\nbase_dn = \"dc=test\""},
		{"ldap.url", "[signin]\nmethod = \"ldap\"\n[sip]\nauth = \"trusted\""},
		{"ldap.base_dn", "[ldap]\nurl = \"ldaps://ldap.example.test\""},
		{"ldap.start_tls", "[ldap]\nurl = \"ldaps://ldap.example.test\"\nbase_dn = \"dc=test\"\nstart_tls = true"},
		{"ldap.bind_password", "[ldap]\nurl = \"ldaps://ldap.example.test\"\nbase_dn = \"dc=test\"\nbind_dn = \"cn=portico\""},
		{"oidc.client_id", "[signin]\nmethod = \"oidc\"\n[sip]\nauth = \"trusted\"\n[oidc]\nissuer = \"https://id.example.test\"\n[http]\npublic_url = \"https://portico.example.test\""},
		{"http.public_url", "[signin]\nmethod = \"oidc\"\n[sip]\nauth = \"trusted\"\n[oidc]\nissuer = \"https://id.example.test\"\nclient_id = \"portico\""},
		{"sip.xcap_root", "[sip]\nresource_lists = true"},
		{"sip.xcap_root", "[sip]\nrules_transform = true"},
		{"ews.server[0].username", "[[ews.server]]\npassword = \"p\""},
		{"ews.server[0].password", "[[ews.server]]\nusername = \"u\""},
		{"ews.server[1].name", "[[ews.server]]\nimpersonate = false\n[[ews.server]]\nname = \"primary\"\nimpersonate = false"},
	} {
		if got := faults(t, e.toml); len(got) != 1 || got[0].Key != e.key {
			t.Errorf("%q: faults %v, want one of %s", e.toml, got, e.key)
		}
	}
}

func TestTheLabListensElsewhereOnlyWhenToldSo(t *testing.T) {
	c := load(t, "[http]\nlisten = \"0.0.0.0:8080\"\n[lab]\nenabled = true\nallow_public = true")
	if !c.Lab.Enabled || !strings.Contains(strings.Join(c.Warnings(), "\n"), "lab.allow_public") {
		t.Errorf("enabled %v, warnings %v", c.Lab.Enabled, c.Warnings())
	}
	for _, listen := range []string{"localhost:1", "[::1]:1", "127.0.0.9:1"} {
		load(t, "[http]\nlisten = "+quote(listen)+"\n[lab]\nenabled = true")
	}
}

func TestBoundsOfTheFile(t *testing.T) {
	for name, text := range map[string]string{
		"too large":    strings.Repeat("# filler\n", maxFile/9+1),
		"long line":    "# " + strings.Repeat("x", maxLine),
		"deep":         "a = " + strings.Repeat(strings.Repeat("[", 4000)+"\n", 15),
		"deep keys":    strings.Repeat("a.", 4000) + "a = 1",
		"not text":     "\xff\xfe",
		"many servers": strings.Repeat("[[ews.server]]\nimpersonate = false\n", maxBlocks+1),
	} {
		start := time.Now()
		if f := faults(t, text); len(f) == 0 {
			t.Errorf("%s: no fault", name)
		}
		if took := time.Since(start); took > time.Minute { // what is bounded takes a moment, on a machine as busy as may be
			t.Errorf("%s: took %v", name, took)
		}
	}
	if _, err := Load(t.TempDir(), nil); err == nil {
		t.Error("a folder was read as a file")
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a missing file was no fault")
	}
}

// TestNobodyIsLetInWithoutAPasswordUnlessTold: trusted mode off loopback must be said in so many words.
func TestNobodyIsLetInWithoutAPasswordUnlessTold(t *testing.T) {
	const open = "[http]\nlisten = \"0.0.0.0:8080\"\n[sip]\nauth = \"trusted\"\n"
	for text, refused := range map[string]bool{
		open: true,
		open + "[signin]\nallow_no_password = true\n": false,
		"[sip]\nauth = \"trusted\"\n":                 false,
		"[http]\nlisten = \"0.0.0.0:8080\"\n":         false,
	} {
		_, err := Load(write(t, "portico.toml", text), nil)
		var bad *Error
		if errors.As(err, &bad) != refused || err != nil && !strings.Contains(err.Error(), "allow_no_password") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPasswordsInTheClearAreWarnedOf(t *testing.T) {
	for toml, want := range map[string]bool{
		"url = \"ldap://ldap.example.test\"":                   true,
		"url = \"ldap://ldap.example.test\"\nstart_tls = true": false,
		"url = \"ldaps://ldap.example.test\"":                  false,
		"url = \"ldap://127.0.0.1:1389\"":                      false,
	} {
		c := load(t, "[ldap]\nbase_dn = \"dc=test\"\n"+toml+"\n")
		warned := slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.Contains(w, "ldap.url") })
		if warned != want {
			t.Errorf("%q: warned %v, want %v", toml, warned, want)
		}
	}
}

func TestExchangeSignInNeedsItsParts(t *testing.T) {
	for name, c := range map[string]struct {
		toml  string
		fault string
	}{
		"oauth2 without a token address": {"auth = \"oauth2\"\nclient_id = \"portico\"\nclient_secret = \"s\"", "ews.server[0].token_url"},
		"oauth2 without a client":        {"auth = \"oauth2\"\ntoken_url = \"https://login.example.test/token\"\nclient_secret = \"s\"", "ews.server[0].client_id"},
		"oauth2 without a secret":        {"auth = \"oauth2\"\ntoken_url = \"https://login.example.test/token\"\nclient_id = \"portico\"", "ews.server[0].client_secret"},
		"oauth2 in one's own name":       {"auth = \"oauth2\"\ntoken_url = \"https://login.example.test/token\"\nclient_id = \"portico\"\nclient_secret = \"s\"\nimpersonate = false", "ews.server[0].impersonate"},
		"kerberos without a secret":      {"auth = \"kerberos\"\nusername = \"svc\"", "ews.server[0].keytab"},
	} {
		_, err := Load(write(t, "portico.toml", "[[ews.server]]\n"+c.toml+"\n"), nil)
		var faults *Error
		if !errors.As(err, &faults) || len(faults.Faults) != 1 || faults.Faults[0].Key != c.fault {
			t.Errorf("%s: %v, want a fault of %s", name, err, c.fault)
		}
	}
	whole := load(t, "[[ews.server]]\nauth = \"oauth2\"\ntoken_url = \"https://login.example.test/token\"\nclient_id = \"portico\"\nclient_secret = \"s\"\ntls_insecure = true\n")
	if len(whole.Warnings()) == 0 || whole.EWS.Server[0].ClientSecret.Reveal() != "s" {
		t.Errorf("warnings %q, secret %q", whole.Warnings(), whole.EWS.Server[0].ClientSecret)
	}
}
