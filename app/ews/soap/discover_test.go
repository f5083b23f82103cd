package soap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"portico/app/portal"
)

const ewsURL = "https://mail.example.org/EWS/Exchange.asmx"

func pox(account string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">` +
		`<User><DisplayName>Ann</DisplayName><AutoDiscoverSMTPAddress>ann.main@example.org</AutoDiscoverSMTPAddress></User><Account><AccountType>email</AccountType>` + account + `</Account></Response></Autodiscover>`
}

func poxSettings(inside, outside string) string {
	return pox(`<Action>settings</Action><Protocol><Type>EXCH</Type><EwsUrl>` + inside + `</EwsUrl></Protocol><Protocol><Type>EXPR</Type><EwsUrl>` + outside + `</EwsUrl></Protocol>`)
}

const poxNo = `<Autodiscover xmlns="x"><Response><Error Time="1" Id="2"><ErrorCode>500</ErrorCode><Message>The email address can't be found.</Message><DebugData/></Error></Response></Autodiscover>`

func settings(user string) string {
	return `<s:Envelope xmlns:s="s"><s:Header/><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse>` + user + `</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`
}

func userSettings(external string) string {
	return settings(`<ErrorCode>NoError</ErrorCode><RedirectTarget/><UserSettings><UserSetting><Name>InternalEwsUrl</Name><Value>https://in.example.org/EWS/Exchange.asmx</Value></UserSetting><UserSetting><Name>ExternalEwsUrl</Name><Value>` + external + `</Value></UserSetting></UserSettings>`)
}

// internet answers by method and address; what is not in it is not there.
type internet map[string]step

func (i internet) discover(t *testing.T, change func(*DiscoverOptions)) (DiscoverResult, *script, error) {
	t.Helper()
	s := &script{steps: []step{func(r *http.Request) (*http.Response, error) {
		if do := i[r.Method+" "+r.URL.String()]; do != nil {
			return do(r)
		}
		return nil, fmt.Errorf("no such host %s", r.URL.Host)
	}}}
	o := DiscoverOptions{Email: "ann@example.org", Auth: Basic("ann", "secret"), HTTP: &http.Client{Transport: s},
		LookupSRV: func(context.Context, string, string, string) (string, []*net.SRV, error) {
			return "", nil, errors.New("no record")
		}}
	if change != nil {
		change(&o)
	}
	r, err := Discover(background(t), o)
	return r, s, err
}

const (
	first  = "POST https://example.org/autodiscover/autodiscover.xml"
	second = "POST https://autodiscover.example.org/autodiscover/autodiscover.xml"
	third  = "GET http://autodiscover.example.org/autodiscover/autodiscover.xml"
)

func redirect(to string) step { return reply(302, "text/html", "", "Location", to) }

func TestDiscoverFinds(t *testing.T) {
	good := reply(200, xmlKind, poxSettings("https://in.example.org/EWS/Exchange.asmx", ewsURL))
	cases := map[string]struct {
		net    internet
		change func(*DiscoverOptions)
		asked  int
	}{
		"at the domain":           {internet{first: good}, nil, 1},
		"beside the domain":       {internet{second: good}, nil, 2},
		"a web site first":        {internet{first: reply(200, "text/html", "<html><p>Hello</html>"), "POST https://example.org/autodiscover/autodiscover.svc": reply(404, "text/html", ""), second: good}, nil, 3},
		"by redirect over http":   {internet{third: redirect("https://autodiscover.example.org/other/autodiscover.xml"), "POST https://autodiscover.example.org/other/autodiscover.xml": good}, nil, 4},
		"by redirect":             {internet{first: redirect("https://mail.example.org/autodiscover/autodiscover.xml"), "POST https://mail.example.org/autodiscover/autodiscover.xml": good}, nil, 2},
		"by redirectUrl":          {internet{first: reply(200, xmlKind, pox(`<Action>redirectUrl</Action><RedirectUrl>https://mail.example.org/autodiscover/autodiscover.xml</RedirectUrl>`)), "POST https://mail.example.org/autodiscover/autodiscover.xml": good}, nil, 2},
		"by redirectAddr":         {internet{first: reply(200, xmlKind, pox(`<Action>redirectAddr</Action><RedirectAddr>ann@sub.example.org</RedirectAddr>`)), "POST https://sub.example.org/autodiscover/autodiscover.xml": good}, nil, 2},
		"by SOAP":                 {internet{second: reply(404, "text/html", ""), "POST https://autodiscover.example.org/autodiscover/autodiscover.svc": reply(200, xmlKind, userSettings(ewsURL))}, nil, 3},
		"by SOAP after a refusal": {internet{first: reply(200, xmlKind, poxNo), "POST https://example.org/autodiscover/autodiscover.svc": reply(200, xmlKind, userSettings(ewsURL))}, nil, 2},
		"by SRV": {internet{"POST https://mail.example.org:8443/autodiscover/autodiscover.xml": good}, func(o *DiscoverOptions) {
			o.LookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
				if service+proto+name != "autodiscovertcpexample.org" {
					return "", nil, fmt.Errorf("asked for %s %s %s", service, proto, name)
				}
				return "", []*net.SRV{{Target: "mail.example.org.", Port: 8443}}, nil
			}
		}, 4},
		"at the administrator's address": {internet{"POST http://127.0.0.1:99/autodiscover/autodiscover.xml": good}, func(o *DiscoverOptions) {
			o.URLs = []string{"http://127.0.0.1:99/autodiscover/autodiscover.xml"}
		}, 1},
		"at a SOAP address": {internet{"POST https://elsewhere.example.net/autodiscover/autodiscover.svc": reply(200, xmlKind, userSettings(ewsURL))}, func(o *DiscoverOptions) {
			o.URLs = []string{"https://elsewhere.example.net/autodiscover/autodiscover.svc"}
		}, 1},
		"on a trusted host": {internet{first: redirect("https://autodiscover.cloud.example/autodiscover/autodiscover.xml"), "POST https://autodiscover.cloud.example/autodiscover/autodiscover.xml": good}, func(o *DiscoverOptions) {
			o.Trust = func(host string) bool { return host == "autodiscover.cloud.example" }
		}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, s, err := c.net.discover(t, c.change)
			if err != nil || r.EWSURL != ewsURL {
				t.Fatalf("%+v, %v\n%s", r, err, strings.Join(s.urls, "\n"))
			}
			if s.count() != c.asked {
				t.Errorf("asked %s", strings.Join(s.urls, "\n"))
			}
			for i, u := range s.urls {
				if strings.HasPrefix(u, "GET http://") != (s.heads[i].Get("Authorization") == "") {
					t.Errorf("credentials at %s: %q", u, s.heads[i].Get("Authorization"))
				}
			}
		})
	}
}

func TestDiscoverTellsWhoAndWhere(t *testing.T) {
	r, _, err := internet{first: reply(200, xmlKind, poxSettings("https://in.example.org/EWS/Exchange.asmx", ewsURL))}.discover(t, func(o *DiscoverOptions) { o.Inside = true })
	want := DiscoverResult{EWSURL: "https://in.example.org/EWS/Exchange.asmx", Email: "ann.main@example.org", DisplayName: "Ann", From: "https://example.org/autodiscover/autodiscover.xml"}
	if err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDiscoverRefuses(t *testing.T) {
	cases := map[string]struct {
		net     internet
		meaning error
		says    string
		most    int // requests
	}{
		"nobody there":       {internet{}, portal.ErrUnavailable, "no such host", 3},
		"unknown address":    {internet{first: reply(200, xmlKind, poxNo)}, portal.ErrNotFound, "", 4},
		"wrong password":     {internet{second: reply(401, "text/html", "", "WWW-Authenticate", "Basic realm=x")}, portal.ErrUnauthenticated, "Basic", 3},
		"no https":           {internet{first: redirect("http://mail.example.org/autodiscover/autodiscover.xml")}, portal.ErrUnavailable, "", 4},
		"untrusted host":     {internet{first: redirect("https://evil.example.net/autodiscover/autodiscover.xml")}, portal.ErrForbidden, "evil.example.net", 3},
		"a circle":           {internet{first: redirect("https://autodiscover.example.org/autodiscover/autodiscover.xml"), second: redirect("https://example.org/autodiscover/autodiscover.xml")}, portal.ErrUnavailable, "", 3},
		"plain web service":  {internet{first: reply(200, xmlKind, poxSettings("", "http://mail.example.org/EWS/Exchange.asmx"))}, portal.ErrNotFound, "", 4},
		"a bomb":             {internet{first: reply(200, xmlKind, `<Autodiscover>`+strings.Repeat("<a>", 5000))}, portal.ErrUnavailable, "", 4},
		"addresses for ever": {endless(), portal.ErrUnavailable, "circles", maxSteps},
		"a fault by SOAP":    {internet{first: reply(404, "", ""), "POST https://example.org/autodiscover/autodiscover.svc": reply(500, xmlKind, envelope(faultBody("ErrorAccessDenied", "no", "")))}, portal.ErrUnavailable, "", 4},
		"a refusal by SOAP":  {internet{first: reply(404, "", ""), "POST https://example.org/autodiscover/autodiscover.svc": reply(200, xmlKind, settings(`<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>who?</ErrorMessage>`))}, portal.ErrNotFound, "", 4},
		"redirects by SOAP":  {internet{first: reply(404, "", ""), "POST https://example.org/autodiscover/autodiscover.svc": reply(200, xmlKind, settings(`<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://evil.example.net/a.svc</RedirectTarget>`))}, portal.ErrForbidden, "evil", 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, s, err := c.net.discover(t, nil)
			wantMeaning(t, err, c.meaning)
			if err == nil || !strings.Contains(err.Error(), c.says) || s.count() > c.most {
				t.Errorf("%v\n%s", err, strings.Join(s.urls, "\n"))
			}
			for _, u := range s.urls {
				if strings.Contains(u, "evil") || strings.HasPrefix(u, "POST http://") {
					t.Errorf("asked %s", u)
				}
			}
		})
	}
	for _, email := range []string{"", "ann", "ann@", "ann@exa/mple.org", "ann@example.org:80"} {
		_, err := Discover(background(t), DiscoverOptions{Email: email})
		wantMeaning(t, err, portal.ErrInvalid)
	}
}

// endless sends from address to address.
func endless() internet {
	net := internet{}
	at := "example.org"
	for i := range 40 {
		next := fmt.Sprintf("s%d.example.org", i)
		net["POST https://"+at+poxPath] = reply(200, xmlKind, pox(`<Action>redirectAddr</Action><RedirectAddr>ann@`+next+`</RedirectAddr>`))
		at = next
	}
	return net
}

func TestDiscoverEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(background(t))
	net := internet{first: func(r *http.Request) (*http.Response, error) {
		cancel()
		return hang(r)
	}}
	_, s, err := net.discover(t, func(o *DiscoverOptions) {
		o.HTTP.Transport = withContext{ctx, o.HTTP.Transport}
	})
	wantMeaning(t, err, portal.ErrUnavailable)
	if s.count() == 0 {
		t.Error("nothing was asked")
	}
}

// withContext ends requests with another context as well.
type withContext struct {
	ctx context.Context
	rt  http.RoundTripper
}

func (w withContext) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	return w.rt.RoundTrip(r.WithContext(ctx))
}
