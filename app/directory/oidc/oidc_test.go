package oidc_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/directory/oidc"
	"portico/app/portal"
)

func wants(t *testing.T, what string, err, meaning error, key string) {
	t.Helper()
	if !errors.Is(err, meaning) || portal.Reason(err) != key {
		t.Errorf("%s: %v, not %v %s", what, err, meaning, key)
	}
	if err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("%s tells the secret: %v", what, err)
	}
}

// once goes through a whole sign-in.
func once(t *testing.T, p *provider, o *oidc.Provider) (portal.Address, error) {
	t.Helper()
	redirect, cookie, err := o.Begin(t.Context(), "/rooms")
	if err != nil {
		return "", err
	}
	who, next, err := o.Finish(t.Context(), cookie, p.browser(redirect))
	if next != "/rooms" {
		t.Errorf("they wanted to go to %q", next)
	}
	return who, err
}

func TestSigningIn(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		p := newProvider(t)
		p.alg = alg
		o := p.portal(nil)
		if who, err := once(t, p, o); err != nil || who != "sip:anna@example.test" {
			t.Errorf("%s: %q, %v", alg, who, err)
		}
		if p.times("/.well-known/openid-configuration") != 1 || p.times("/keys") != 1 {
			t.Errorf("asked %v", p.asked)
		}
	}
}

func TestWhatTheBrowserIsSentWith(t *testing.T) {
	p := newProvider(t)
	o := p.portal(func(c *oidc.Config) { c.Scopes = []string{"openid", "sip"} })
	at, err := o.AuthURL(t.Context(), "state", "nonce", "verifier")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("state") != "state" || q.Get("nonce") != "nonce" || q.Get("scope") != "openid sip" || q.Get("code_challenge_method") != "S256" ||
		q.Get("code_challenge") != "iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ" || strings.Contains(at, "verifier") {
		t.Errorf("%v", q)
	}
	first, _, err := o.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := o.Begin(t.Context(), "")
	if err != nil || first == second {
		t.Errorf("two attempts are the same: %v", err)
	}
}

func TestTokensThatAreNotBelieved(t *testing.T) {
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for what, change := range map[string]func(*provider){
		"a wrong signature": func(p *provider) {
			p.spoil = func(s string) string { return s[:len(s)-8] + "AAAAAAAA" }
		},
		"other claims than were signed": func(p *provider) {
			p.spoil = func(s string) string {
				parts := strings.Split(s, ".")
				return parts[0] + "." + b64([]byte(`{"iss":"`+p.URL+`","aud":"portico"}`)) + "." + parts[2]
			}
		},
		"no signature":                     func(p *provider) { p.alg = "none" },
		"no signature, said with capitals": func(p *provider) { p.alg = "NoNe" },
		"signed with the shared secret":    func(p *provider) { p.alg = "HS256" },
		"a key of its own in the header": func(p *provider) {
			p.header = map[string]any{"jku": "https://elsewhere.test/keys", "kid": "mine"}
		},
		"for another client":                 func(p *provider) { p.claims["aud"] = "other" },
		"for nobody":                         func(p *provider) { p.claims["aud"] = []string{} },
		"for several, and not said for whom": func(p *provider) { p.claims["aud"] = []string{client, "other"} },
		"issued to another client": func(p *provider) {
			p.claims["aud"], p.claims["azp"] = []string{client, "other"}, "other"
		},
		"of another issuer":        func(p *provider) { p.claims["iss"] = "https://elsewhere.test" },
		"of another attempt":       func(p *provider) { p.claims["nonce"] = "other" },
		"without a nonce":          func(p *provider) { p.claims["nonce"] = nil },
		"expired":                  func(p *provider) { p.claims["exp"] = now.Add(-3 * time.Minute).Unix() },
		"without an end":           func(p *provider) { p.claims["exp"] = nil },
		"not yet good":             func(p *provider) { p.claims["nbf"] = now.Add(10 * time.Minute).Unix() },
		"issued in the future":     func(p *provider) { p.claims["iat"] = now.Add(10 * time.Minute).Unix() },
		"of nobody":                func(p *provider) { p.claims["sub"] = nil },
		"for another access token": func(p *provider) { p.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
		"no token":                 func(p *provider) { p.spoil = func(string) string { return "" } },
		"no JWT":                   func(p *provider) { p.spoil = func(string) string { return "a.b.c" } },
		"a token without end":      func(p *provider) { p.spoil = func(s string) string { return s + strings.Repeat("A", 100<<10) } },
		"encrypted rather than signed": func(p *provider) {
			p.spoil = func(s string) string { return s + ".AAAA.AAAA" }
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := newProvider(t)
			p.set(change)
			who, err := once(t, p, p.portal(nil))
			wants(t, what, err, portal.ErrUnauthenticated, "signin.oidc-token")
			if who != "" {
				t.Errorf("it is %q", who)
			}
		})
	}
}

// Clocks differ a little, several audiences are fine where the token says that it is for us.
func TestTokensThatAreGoodAllTheSame(t *testing.T) {
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for what, change := range map[string]func(*provider){
		"expired a minute ago":     func(p *provider) { p.claims["exp"] = now.Add(-time.Minute).Unix() },
		"issued in a minute":       func(p *provider) { p.claims["iat"] = now.Add(time.Minute).Unix() },
		"good in a minute":         func(p *provider) { p.claims["nbf"] = now.Add(time.Minute).Unix() },
		"for several, this one":    func(p *provider) { p.claims["aud"], p.claims["azp"] = []string{"other", client}, client },
		"for this access token":    func(p *provider) { p.claims["at_hash"] = hashOf("access") },
		"an e-mail that is proved": func(p *provider) { p.claims["email_verified"] = true },
		"proved in a word":         func(p *provider) { p.claims["email_verified"] = "true" },
	} {
		p := newProvider(t)
		p.set(change)
		if who, err := once(t, p, p.portal(nil)); err != nil || who != "sip:anna@example.test" {
			t.Errorf("%s: %q, %v", what, who, err)
		}
	}
}

func TestClaimsThatNameSomebody(t *testing.T) {
	for _, c := range []struct {
		claim  string
		claims map[string]any
		info   map[string]any
		want   portal.Address
		key    string
	}{
		{claim: "email", claims: map[string]any{"email": "anna@elsewhere.test"}, key: "signin.foreign"},
		{claim: "email", claims: map[string]any{"email": nil}, key: "signin.oidc-claim"},
		{claim: "email", claims: map[string]any{"email": 7}, key: "signin.oidc-claim"},
		{claim: "email", claims: map[string]any{"email": "a b@@"}, key: "signin.oidc-address"},
		{claim: "email", claims: map[string]any{"email_verified": false}, key: "signin.oidc-unverified"},
		{claim: "email", claims: map[string]any{"email_verified": "false"}, key: "signin.oidc-unverified"},
		{claim: "email", claims: map[string]any{"email_verified": 0}, key: "signin.oidc-unverified"},
		{claim: "sip", claims: map[string]any{"sip": "sip:Anna.A@example.test"}, want: "sip:Anna.A@example.test"},
		{claim: "sip", claims: map[string]any{"sip": "sip:evil@elsewhere.test"}, key: "signin.foreign"},
		{claim: "sip", claims: map[string]any{"sip": "tel:+4930"}, key: "signin.oidc-address"},
		{claim: "preferred_username", claims: map[string]any{"preferred_username": "anna", "email_verified": false}, want: "sip:anna@example.test"},
		{claim: "preferred_username", claims: map[string]any{}, key: "signin.oidc-claim"},
		{claim: "upn", claims: map[string]any{"upn": "anna"}, want: "sip:anna@example.test"},
		{claim: "sip", claims: map[string]any{}, info: map[string]any{"sub": "4711", "sip": "anna"}, want: "sip:anna@example.test"},
		{claim: "sip", claims: map[string]any{}, info: map[string]any{"sub": "4711"}, key: "signin.oidc-claim"},
		{claim: "sip", claims: map[string]any{}, info: map[string]any{"sub": "other", "sip": "anna"}, key: "signin.oidc-token"},
		{claim: "email", claims: map[string]any{"email": nil}, info: map[string]any{"sub": "4711", "email": "anna@example.test", "email_verified": false}, key: "signin.oidc-unverified"},
	} {
		p := newProvider(t)
		p.claims, p.info = c.claims, c.info
		who, err := once(t, p, p.portal(func(o *oidc.Config) { o.AddressClaim = c.claim }))
		if c.key == "" {
			if err != nil || who != c.want {
				t.Errorf("%+v: %q, %v", c, who, err)
			}
			continue
		}
		meaning := portal.ErrForbidden
		if c.key == "signin.oidc-token" {
			meaning = portal.ErrUnauthenticated
		}
		wants(t, c.claim, err, meaning, c.key)
		if who != "" {
			t.Errorf("%+v is %q", c, who)
		}
	}
}

// An answer fits the browser that asked, once, and for a while.
func TestAttemptsBelongToTheirBrowser(t *testing.T) {
	p := newProvider(t)
	o := p.portal(nil)
	begin := func() (cookie string, back url.Values) {
		redirect, cookie, err := o.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return cookie, p.browser(redirect)
	}
	finish := func(what, cookie string, back url.Values) {
		t.Helper()
		_, _, err := o.Finish(t.Context(), cookie, back)
		wants(t, what, err, portal.ErrUnauthenticated, "signin.oidc-attempt")
	}
	mine, back := begin()
	theirs, other := begin()
	finish("the answer to another browser", theirs, back)
	finish("another browser's answer", mine, other)
	finish("no attempt", "", back)
	finish("no cookie of ours", "AAAA", back)
	finish("a cookie that was changed", mine[:len(mine)-2]+"AA", back)
	finish("a very long cookie", strings.Repeat("A", 1<<20), back)
	finish("no state", mine, url.Values{"code": back["code"]})
	if strings.Contains(mine, back.Get("state")) {
		t.Error("the cookie can be read")
	}
	if who, _, err := o.Finish(t.Context(), mine, back); err != nil || who != "sip:anna@example.test" {
		t.Errorf("the right one: %q, %v", who, err)
	}
	finish("once more", mine, back)
	late, back := begin()
	p.at.turn(oidc.AttemptLasts)
	finish("too late", late, back)
	again, back := begin()
	restarted := p.portal(nil)
	_, _, err := restarted.Finish(t.Context(), again, back)
	wants(t, "after a restart", err, portal.ErrUnauthenticated, "signin.oidc-attempt")
	if _, _, err := o.Begin(t.Context(), strings.Repeat("x", 5000)); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a very long address to go to: %v", err)
	}
}

func TestWhatTheProviderRefuses(t *testing.T) {
	p := newProvider(t)
	o := p.portal(nil)
	for said, want := range map[string]struct {
		meaning error
		key     string
	}{
		"access_denied":             {portal.ErrForbidden, "signin.oidc-denied"},
		"consent_required":          {portal.ErrForbidden, "signin.oidc-denied"},
		"server_error":              {portal.ErrUnavailable, "signin.oidc-refused"},
		strings.Repeat("ü", 1<<16):  {portal.ErrUnavailable, "signin.oidc-refused"},
		"unsupported_response_type": {portal.ErrUnavailable, "signin.oidc-refused"},
	} {
		redirect, cookie, err := o.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		back := p.browser(redirect)
		back.Set("error", said)
		_, _, err = o.Finish(t.Context(), cookie, back)
		wants(t, said[:min(20, len(said))], err, want.meaning, want.key)
		if len(err.Error()) > 500 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
	for what, change := range map[string]func(url.Values){
		"a code that is none": func(q url.Values) { q.Set("code", "guess") },
		"no code":             func(q url.Values) { q.Del("code") },
		"a very long code":    func(q url.Values) { q.Set("code", strings.Repeat("x", 1<<20)) },
	} {
		redirect, cookie, err := o.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		back := p.browser(redirect)
		change(back)
		_, _, err = o.Finish(t.Context(), cookie, back)
		wants(t, what, err, portal.ErrUnauthenticated, "signin.oidc-code")
	}
	redirect, cookie, err := o.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	back := p.browser(redirect)
	back.Set("iss", "https://elsewhere.test")
	_, _, err = o.Finish(t.Context(), cookie, back)
	wants(t, "an answer of another provider", err, portal.ErrUnauthenticated, "signin.oidc-token")
	if _, err := p.portal(func(c *oidc.Config) { c.ClientSecret = "wrong" }).Exchange(t.Context(), "code", "nonce", "verifier"); portal.Reason(err) != "signin.oidc-code" {
		t.Errorf("a wrong secret: %v", err)
	}
	for _, args := range [][3]string{{"", "n", "v"}, {"c", "", "v"}, {"c", "n", ""}} {
		if _, err := o.Exchange(t.Context(), args[0], args[1], args[2]); portal.Reason(err) != "signin.oidc-code" {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// The provider's name in its answer is needed where it says that it gives one.
func TestAProviderThatNamesItself(t *testing.T) {
	p := newProvider(t)
	p.discovery["authorization_response_iss_parameter_supported"] = true
	o := p.portal(nil)
	_, err := once(t, p, o)
	wants(t, "without", err, portal.ErrUnauthenticated, "signin.oidc-token")
	redirect, cookie, err := o.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	back := p.browser(redirect)
	back.Set("iss", p.URL)
	if who, _, err := o.Finish(t.Context(), cookie, back); err != nil || who == "" {
		t.Errorf("with it: %q, %v", who, err)
	}
}

func TestKeysChange(t *testing.T) {
	p := newProvider(t)
	o := p.portal(nil)
	if _, err := once(t, p, o); err != nil {
		t.Fatal(err)
	}
	old := p.rsa
	p.newKeys("k2")
	if _, err := once(t, p, o); err != nil {
		t.Errorf("signed with the new key: %v", err)
	}
	p.set(func(p *provider) { p.signer, p.header = old, map[string]any{"kid": "k1RS256"} })
	_, err := once(t, p, o)
	wants(t, "signed with the old key", err, portal.ErrUnauthenticated, "signin.oidc-token")
}

// A provider that is down when the portal starts, and for a while later.
func TestAProviderThatIsDown(t *testing.T) {
	p := newProvider(t)
	p.down = true
	o := p.portal(nil)
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			_, _, err := o.Begin(t.Context(), "")
			wants(t, "down", err, portal.ErrUnavailable, "signin.oidc-unreachable")
		})
	}
	waiting.Wait()
	_, _, err := o.Begin(t.Context(), "")
	var e *portal.Error
	if !errors.As(err, &e) || e.RetryAfter <= 0 || p.times("/.well-known/openid-configuration") > 8 {
		t.Errorf("asked %d times, %v", p.times("/.well-known/openid-configuration"), err)
	}
	asked := p.times("/.well-known/openid-configuration")
	wants(t, "still", o.Ready(t.Context()), portal.ErrUnavailable, "signin.oidc-unreachable")
	if p.times("/.well-known/openid-configuration") != asked {
		t.Error("asked again at once")
	}
	p.set(func(p *provider) { p.down = false })
	p.at.turn(11 * time.Second)
	if who, err := once(t, p, o); err != nil || who != "sip:anna@example.test" {
		t.Errorf("afterwards: %q, %v", who, err)
	}
	// What was discovered stays while it cannot be read again; a code cannot be exchanged meanwhile.
	redirect, cookie, err := o.Begin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	back := p.browser(redirect)
	p.set(func(p *provider) { p.down = true })
	_, _, err = o.Finish(t.Context(), cookie, back)
	wants(t, "down at the exchange", err, portal.ErrUnavailable, "signin.oidc-unreachable")
	p.at.turn(25 * time.Hour)
	if err := o.Ready(t.Context()); err != nil {
		t.Errorf("what was discovered is forgotten: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fresh := p.portal(nil)
	_, _, err = fresh.Begin(ctx, "")
	wants(t, "nobody waits", err, portal.ErrUnavailable, "signin.oidc-unreachable")
}

func TestDiscoveryThatIsNotBelieved(t *testing.T) {
	for what, change := range map[string]func(*provider){
		"another issuer":            func(p *provider) { p.discovery["issuer"] = "https://elsewhere.test" },
		"tokens in the clear":       func(p *provider) { p.discovery["token_endpoint"] = "http://id.example.test/token" },
		"keys in the clear":         func(p *provider) { p.discovery["jwks_uri"] = "http://id.example.test/keys" },
		"a file":                    func(p *provider) { p.discovery["jwks_uri"] = "file:///etc/passwd" },
		"user info in the clear":    func(p *provider) { p.discovery["userinfo_endpoint"] = "http://id.example.test/" },
		"no PKCE":                   func(p *provider) { p.discovery["code_challenge_methods_supported"] = []string{"plain"} },
		"an endless document":       func(p *provider) { p.discovery["x"] = strings.Repeat("x", 2<<20) },
		"a redirect elsewhere":      func(p *provider) { p.redirect = "https://elsewhere.test/" },
		"a redirect in the clear":   func(p *provider) { p.redirect = strings.Replace(p.URL, "https", "http", 1) },
		"a redirect without an end": func(p *provider) { p.redirect = p.URL + "/again" },
	} {
		p := newProvider(t)
		p.set(change)
		wants(t, what, p.portal(nil).Ready(t.Context()), portal.ErrUnavailable, "signin.oidc-unreachable")
	}
	p := newProvider(t)
	wants(t, "a certificate of somebody else", p.portal(func(c *oidc.Config) { c.CAFile = "" }).Ready(t.Context()), portal.ErrUnavailable, "signin.oidc-unreachable")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	good := oidc.Config{Issuer: "https://id.example.test", ClientID: client, RedirectURL: "https://portico.example.test/x", Domain: "example.test"}
	if _, err := oidc.New(good, oidc.Options{}); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*oidc.Config){
		"issuer":           func(c *oidc.Config) { c.Issuer = "http://id.example.test" },
		"is no address":    func(c *oidc.Config) { c.Issuer = "" },
		"redirect address": func(c *oidc.Config) { c.RedirectURL = "http://portico.example.test/x" },
		"client ID":        func(c *oidc.Config) { c.ClientID = "" },
		"domain":           func(c *oidc.Config) { c.Domain = "" },
		"ca_file":          func(c *oidc.Config) { c.CAFile = t.TempDir() + "/gone" },
	} {
		c := good
		change(&c)
		if _, err := oidc.New(c, oidc.Options{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
