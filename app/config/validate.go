package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// checkValues runs each key's own check.
func (l *loader) checkValues() {
	for _, o := range l.options {
		if o.check == nil {
			continue
		}
		blocks := 1
		if o.repeated() {
			blocks = len(l.c.EWS.Server)
		}
		for i := range blocks {
			path := o.path(i)
			if l.bad[path] {
				continue
			}
			if err := o.check(deref(o.at(l.c, i))); err != nil {
				l.fault(path, l.c.sources[path], err)
			}
		}
	}
}

// checkTogether finds what is right by itself but not beside the rest.
func (l *loader) checkTogether() {
	c := l.c
	l.checkHTTP()
	l.checkLab()
	l.checkTrusted()
	l.checkSignin()
	l.checkDirectory()
	l.checkEWS()
	if strings.EqualFold(c.SIP.Domain, c.SIP.RoomsDomain) {
		l.together("sip.rooms_domain", "must differ from sip.domain, or rooms and people could not be told apart")
	}
	if c.Presence.AwayAfter <= c.Presence.InactiveAfter {
		l.together("presence.away_after", "must be longer than presence.inactive_after (%s)", shortDuration(c.Presence.InactiveAfter))
	}
	if c.Chat.Retention > 0 && c.Chat.Retention <= c.Chat.MaxAge {
		l.together("chat.retention", "must be longer than chat.max_age (%s)", shortDuration(c.Chat.MaxAge))
	}
	if c.SIP.RulesTransform && c.SIP.XCAPRoot == "" {
		l.together("sip.xcap_root", "must be set, because sip.rules_transform is on")
	}
	if c.SIP.ResourceLists && c.SIP.XCAPRoot == "" {
		l.together("sip.xcap_root", "must be set, because sip.resource_lists is on")
	}
	if c.Sync.MaxRetry < c.Sync.FirstRetry {
		l.together("sync.max_retry", "must not be shorter than sync.first_retry (%s)", shortDuration(c.Sync.FirstRetry))
	}
	if c.Limits.ConnectionsPerPerson > c.Limits.Connections {
		l.together("limits.connections_per_person", "must not be above limits.connections (%d)", c.Limits.Connections)
	}
	l.warn()
}

func (l *loader) together(key, format string, args ...any) {
	l.fault(key, l.c.sources[key], fmt.Errorf(format, args...))
}

func (l *loader) checkHTTP() {
	h := l.c.HTTP
	switch {
	case h.TLSCert != "" && h.TLSKey == "":
		l.together("http.tls_key", "must be set, because http.tls_cert is")
	case h.TLSCert == "" && h.TLSKey != "":
		l.together("http.tls_cert", "must be set, because http.tls_key is")
	}
	if h.TLSCert != "" && h.PublicURL != "" && !isHTTPS(h.PublicURL) {
		l.together("http.public_url", "must begin with https, because http.tls_cert is set")
	}
}

// checkLab refuses to let strangers sign in as the example people, whose passwords are known.
func (l *loader) checkLab() {
	c := l.c
	if !c.Lab.Enabled || c.Lab.AllowPublic {
		return
	}
	for _, listen := range []struct{ key, address string }{
		{"http.listen", c.HTTP.Listen}, {"sip.listen", c.SIP.Listen},
		{"lab.sip_listen", c.Lab.SIPListen}, {"lab.ews_listen", c.Lab.EWSListen},
	} {
		if !loopback(listen.address) {
			l.together(listen.key, "%s is not loopback, and the lab is on: its people's passwords are public knowledge. "+
				"Set lab.enabled = false, or lab.allow_public = true if everybody who reaches this machine may sign in as them", listen.address)
		}
	}
}

// checkTrusted refuses a sign-in without a password where strangers can reach it.
func (l *loader) checkTrusted() {
	c := l.c
	if c.SIP.Auth != "trusted" || c.Signin.Method != "sip" || c.Signin.AllowNoPassword || loopback(c.HTTP.Listen) {
		return
	}
	l.together("http.listen", "%s is not loopback, and with sip.auth = \"trusted\" nobody checks a password. "+
		"Listen on loopback behind something that signs people in, or set signin.allow_no_password = true if whoever gets here may be anybody", c.HTTP.Listen)
}

// checkSignin finds what a sign-in that is not the SIP server's needs.
func (l *loader) checkSignin() {
	c := l.c
	if c.Signin.Method == "sip" {
		return
	}
	if c.SIP.Auth != "trusted" {
		l.together("sip.auth", "must be \"trusted\", because signin.method is %q: the SIP server cannot be shown a password that it does not know", c.Signin.Method)
	}
	switch c.Signin.Method {
	case "ldap":
		if c.LDAP.URL == "" {
			l.together("ldap.url", "must be set, because signin.method is \"ldap\"")
		}
	case "oidc":
		for _, need := range []struct{ key, value string }{{"oidc.issuer", c.OIDC.Issuer}, {"oidc.client_id", c.OIDC.ClientID}, {"http.public_url", c.HTTP.PublicURL}} {
			if need.value == "" {
				l.together(need.key, "must be set, because signin.method is \"oidc\"")
			}
		}
	}
	for i, s := range c.EWS.Server {
		if !s.Impersonate && c.Signin.Method == "oidc" {
			l.together(fmt.Sprintf("ews.server[%d].impersonate", i), "must be true, because with signin.method \"oidc\" nobody's password is known")
		}
	}
}

// checkDirectory finds what is missing beside a directory server, and passwords that would go in the clear.
func (l *loader) checkDirectory() {
	c := l.c.LDAP
	if c.URL == "" {
		return
	}
	if c.BaseDN == "" {
		l.together("ldap.base_dn", "must be set, because ldap.url is")
	}
	if c.StartTLS && strings.HasPrefix(c.URL, "ldaps:") {
		l.together("ldap.start_tls", "must be false with an ldaps address, which is encrypted from the first byte")
	}
	if c.BindDN != "" && c.BindPassword == "" {
		l.together("ldap.bind_password", "must be set (or bind_password_file), because ldap.bind_dn is")
	}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (l *loader) checkEWS() {
	seen := map[string]int{}
	for i, s := range l.c.EWS.Server {
		path := func(name string) string { return fmt.Sprintf("ews.server[%d].%s", i, name) }
		if first, ok := seen[s.Name]; ok {
			l.together(path("name"), "%q is the name of ews.server[%d] already", clip(s.Name), first)
		} else {
			seen[s.Name] = i
		}
		if s.Impersonate && s.Username == "" && s.Auth != "oauth2" {
			l.together(path("username"), "must be set, because impersonate is true")
		}
		if s.Impersonate && s.Password == "" && (s.Auth == "basic" || s.Auth == "ntlm") {
			l.together(path("password"), "must be set (or password_file), because auth is %q", s.Auth)
		}
		l.checkEWSAuth(s, path)
	}
}

// checkEWSAuth finds what the two ways of signing in with a third party lack.
func (l *loader) checkEWSAuth(s EWSServer, path func(string) string) {
	switch s.Auth {
	case "oauth2":
		for _, need := range []struct{ name, value string }{{"token_url", s.TokenURL}, {"client_id", s.ClientID}, {"client_secret", string(s.ClientSecret)}} {
			if need.value == "" {
				l.together(path(need.name), "must be set, because auth is \"oauth2\"")
			}
		}
		if !s.Impersonate {
			l.together(path("impersonate"), "must be true, because with auth \"oauth2\" nobody's own password is asked")
		}
	case "kerberos":
		if s.Impersonate && s.Keytab == "" && s.Password == "" {
			l.together(path("keytab"), "must be set, or password, because auth is \"kerberos\"")
		}
	}
}

// warn notes what is allowed but deserves a line in the log.
func (l *loader) warn() {
	c := l.c
	note := func(format string, args ...any) { c.warnings = append(c.warnings, fmt.Sprintf(format, args...)) }
	if c.SIP.TLSInsecure {
		note("sip.tls_insecure is set: the SIP server's certificate is not checked")
	}
	for i, s := range c.EWS.Server {
		if s.TLSInsecure {
			note("ews.server[%d].tls_insecure is set: the Exchange server's certificate is not checked", i)
		}
		if !s.Impersonate && c.SIP.Auth == "trusted" && c.Signin.Method == "sip" {
			note("ews.server[%d].impersonate is false, but with sip.auth \"trusted\" nobody's password is known: no mailbox can be opened there", i)
		}
	}
	if c.SIP.Auth == "trusted" && c.Signin.Method == "sip" {
		note("sip.auth is \"trusted\": the SIP server takes the portal's word, so it checks no password; whoever reaches the sign-in page can be anybody")
	}
	if strings.HasPrefix(c.LDAP.URL, "ldap:") && !c.LDAP.StartTLS {
		if u, err := url.Parse(c.LDAP.URL); err == nil && !loopback(net.JoinHostPort(u.Hostname(), "389")) {
			note("ldap.url is not ldaps and ldap.start_tls is off: passwords travel in the clear")
		}
	}
	if !loopback(c.HTTP.Listen) && !c.SecureCookies() {
		note("http.listen is not loopback and neither http.tls_cert nor an https http.public_url is set: passwords travel in the clear")
	}
	if c.Lab.Enabled && c.Lab.AllowPublic {
		note("the lab is on and lab.allow_public is set: everybody can sign in as the example people")
	}
	if _, set := c.sources["signin.admins"]; set {
		for _, admin := range c.Signin.Admins {
			if _, host, _ := strings.Cut(admin, "@"); !strings.EqualFold(host, c.SIP.Domain) {
				note("signin.admins names %s, who is not of the domain %s", clip(admin), c.SIP.Domain)
			}
		}
	}
}

// unknown is the fault of a key that is not in the table, with the nearest one that is.
func unknown(key string, known []option) error {
	best, distance := "", 4
	for _, o := range known {
		if d := editDistance(key, o.key); d < distance {
			best, distance = o.key, d
		}
	}
	if best == "" {
		return errors.New("unknown key")
	}
	return fmt.Errorf("unknown key; is %s meant?", best)
}

// editDistance is the number of letters to change, add or remove (Levenshtein); long keys are far from everything.
func editDistance(a, b string) int {
	const far = 100
	if len(a) > 64 || len(b) > 64 {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
