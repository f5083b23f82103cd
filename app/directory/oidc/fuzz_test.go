package oidc

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"portico/app/portal"
)

// FuzzFinish brings whatever a browser can send: nobody gets in, and nothing breaks.
func FuzzFinish(f *testing.F) {
	p, err := New(Config{Issuer: "https://id.example.test", ClientID: "portico", RedirectURL: "https://portico.example.test/x", Domain: "example.test"},
		Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	p.failed, p.tried = errors.New("there is no provider"), p.o.Now() // so that none is asked
	good, err := p.jar.seal(attempt{State: "s", Nonce: "n", Verifier: "v", Until: time.Unix(1_800_000_001, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "")
	f.Add(good, "state=t&code=c")
	f.Add(good[:len(good)-4], "state=s&error=access_denied")
	f.Add("AAAA", "state=s&iss=%00")
	f.Fuzz(func(t *testing.T, cookie, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		who, _, err := p.Finish(t.Context(), cookie, q)
		if err == nil || who != "" || portal.Meaning(err) == nil {
			t.Fatalf("%q, %v", who, err)
		}
	})
}
