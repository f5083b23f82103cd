package soap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// lab runs a lab server for the test.
func lab(t *testing.T) *ewslab.Server {
	t.Helper()
	s, err := ewslab.New(ewslab.Config{Domain: "example.org", Service: &ewslab.Account{Username: "svc", Password: "svc-secret"},
		People: []ewslab.Person{{User: "ann", Name: "Ann Arber", Password: "ann-secret", TimeZone: "W. Europe Standard Time"}, {User: "bob", Name: "Bob Bauer", Password: "bob-secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func labClient(t *testing.T, s *ewslab.Server, auth Authenticator) *Client {
	t.Helper()
	c, err := New(Options{URL: s.URL(), Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// calendarOwner asks for the calendar of whoever is signed in.
func calendarOwner(ctx context.Context, c *Client, as As) (string, error) {
	resp, err := c.GetFolder(ctx, as, &GetFolder{Shape: FolderShape{BaseShape: DefaultShape}, Folders: []FolderRef{WellKnown("calendar", "")}})
	if err != nil {
		return "", err
	}
	if err := resp.Messages[0].Err(); err != nil {
		return "", err
	}
	return resp.Messages[0].Folders[0].FolderID.ID, nil
}

func TestNTLMSignsConnections(t *testing.T) {
	s := lab(t)
	c := labClient(t, s, NTLM(`EXAMPLE\ann`, "ann-secret"))
	ann, err := calendarOwner(background(t), c, As{})
	if err != nil {
		t.Fatal(err)
	}
	bob, err := calendarOwner(background(t), c, As{Credentials: &Credentials{"bob@example.org", "bob-secret"}})
	if err != nil || bob == ann {
		t.Fatalf("bob reads %s, ann %s, %v", bob, ann, err)
	}
	// Many at once, two people: nobody ever sees what is another's.
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			as, want := As{}, ann
			if i%2 == 1 {
				as, want = As{Credentials: &Credentials{"bob@example.org", "bob-secret"}}, bob
			}
			if got, err := calendarOwner(t.Context(), c, as); err != nil || got != want {
				t.Errorf("%s %v, want %s", got, err, want)
			}
		})
	}
	all.Wait()
}

func TestNTLMWithAWrongPassword(t *testing.T) {
	c := labClient(t, lab(t), NTLM("ann", "wrong"))
	for range 2 {
		_, err := calendarOwner(background(t), c, As{})
		wantMeaning(t, err, portal.ErrUnauthenticated)
		if err != nil && strings.Contains(err.Error(), "wrong") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestNTLMSaysWhenTheServerHasNone(t *testing.T) {
	for offers, says := range map[string]string{"Basic realm=x": "Basic", "Negotiate": "Negotiate", "": "nothing"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if offers != "" {
				w.Header().Set("WWW-Authenticate", offers)
			}
			w.WriteHeader(http.StatusUnauthorized)
		}))
		c, err := New(Options{URL: srv.URL, Auth: NTLM("ann", "x")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = calendarOwner(background(t), c, As{})
		wantMeaning(t, err, portal.ErrUnauthenticated)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("offered %q: %v", offers, err)
		}
		c.Close()
		srv.Close()
	}
}

func TestNTLMSignsAgainWhenItsConnectionWasReplaced(t *testing.T) {
	s := lab(t)
	c := labClient(t, s, NTLM("ann", "ann-secret"))
	for range 3 {
		if _, err := calendarOwner(background(t), c, As{}); err != nil {
			t.Fatal(err)
		}
		signer, err := c.signers.of(nil)
		if err != nil {
			t.Fatal(err)
		}
		n := signer.(*ntlmSigner)
		if len(n.free) != 1 || n.free[0].scheme != "NTLM" {
			t.Fatalf("lanes %+v", n.free)
		}
		closeIdle(n.free[0].rt) // as when the server closed it: the lane does not know
	}
}

func TestBasicAndWrongPassword(t *testing.T) {
	s := lab(t)
	if _, err := calendarOwner(background(t), labClient(t, s, Basic("ann", "ann-secret")), As{}); err != nil {
		t.Error(err)
	}
	_, err := calendarOwner(background(t), labClient(t, s, Basic("ann", "no")), As{})
	wantMeaning(t, err, portal.ErrUnauthenticated)
	_, err = calendarOwner(background(t), labClient(t, s, nil), As{})
	wantMeaning(t, err, portal.ErrUnauthenticated)
	_, err = calendarOwner(background(t), labClient(t, s, nil), As{Credentials: &Credentials{"ann", "x"}})
	wantMeaning(t, err, portal.ErrUnauthenticated)
	_, err = calendarOwner(background(t), labClient(t, s, Basic("ann", "ann-secret")), As{Credentials: &Credentials{"", "x"}})
	wantMeaning(t, err, portal.ErrUnauthenticated)
}

// tokenServer gives tokens t1, t2 … for an application with the right secret.
type tokenServer struct {
	*httptest.Server
	fetched atomic.Int64
	status  atomic.Int64 // 0: gives tokens
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.fetched.Add(1)
		w.Header().Set("Content-Type", "application/json")
		id, secret, ok := r.BasicAuth()
		if !ok {
			id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
		}
		switch {
		case s.status.Load() != 0:
			w.WriteHeader(int(s.status.Load()))
		case id != "app" || secret != "app-secret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "ews":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"who?"}`)
		default:
			fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, n)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) auth(t *testing.T, now func() time.Time, secret string) Authenticator {
	t.Helper()
	a, err := OAuth2(OAuth2Config{TokenURL: s.URL, ClientID: "app", ClientSecret: secret, Scopes: []string{"ews"}, HTTP: s.Client(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOAuth2FetchesOneTokenForMany(t *testing.T) {
	tokens := newTokenServer(t)
	var ahead atomic.Int64
	auth := tokens.auth(t, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, "app-secret")
	c, s := scripted(t, func(o *Options) { o.Auth = auth }, xmlReply(itemAnswer("a")))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.GetItem(t.Context(), As{Impersonate: "ann@example.org"}, getItem("a")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if tokens.fetched.Load() != 1 || s.heads[19].Get("Authorization") != "Bearer t1" {
		t.Fatalf("%d tokens, %s", tokens.fetched.Load(), s.heads[19].Get("Authorization"))
	}
	ahead.Store(int64(time.Hour - 30*time.Second)) // half a minute before its end
	if _, err := c.GetItem(background(t), As{}, getItem("a")); err != nil || s.heads[20].Get("Authorization") != "Bearer t2" {
		t.Errorf("%v, %s", err, s.heads[20].Get("Authorization"))
	}
}

func TestOAuth2ReplacesARefusedToken(t *testing.T) {
	tokens := newTokenServer(t)
	c, s := scripted(t, func(o *Options) { o.Auth = tokens.auth(t, nil, "app-secret") }, reply(401, "text/html", "no"), xmlReply(answersTo("CreateItem", "a")))
	if _, err := c.CreateItem(background(t), As{}, createItem()); err != nil {
		t.Fatal(err)
	}
	if s.heads[1].Get("Authorization") != "Bearer t2" || s.bodies[0] != s.bodies[1] {
		t.Errorf("second try with %s", s.heads[1].Get("Authorization"))
	}
	c, s = scripted(t, func(o *Options) { o.Auth = tokens.auth(t, nil, "app-secret") }, reply(401, "text/html", "no"))
	_, err := c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnauthenticated)
	if s.count() != 2 {
		t.Errorf("sent %d times", s.count())
	}
}

// A token service that leads elsewhere is not followed: the secret would go along.
func TestOAuth2FollowsNobody(t *testing.T) {
	elsewhere := newTokenServer(t)
	leads := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(leads.Close)
	for _, client := range []*http.Client{nil, leads.Client()} {
		auth, err := OAuth2(OAuth2Config{TokenURL: leads.URL, ClientID: "app", ClientSecret: "app-secret", Scopes: []string{"ews"}, HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		c, s := scripted(t, func(o *Options) { o.Auth, o.Attempts = auth, 1 }, xmlReply(itemAnswer("a")))
		if _, err := c.GetItem(background(t), As{}, getItem("a")); err == nil || s.count() != 0 || elsewhere.fetched.Load() != 0 {
			t.Errorf("%v, sent %d times, %d tokens from elsewhere", err, s.count(), elsewhere.fetched.Load())
		}
	}
}

func TestOAuth2Refusals(t *testing.T) {
	tokens := newTokenServer(t)
	c, s := scripted(t, func(o *Options) { o.Auth = tokens.auth(t, nil, "guess") }, xmlReply(itemAnswer("a")))
	_, err := c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnauthenticated)
	if s.count() != 0 || err == nil || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "guess") {
		t.Errorf("%v", err)
	}
	tokens.status.Store(503)
	c, s = scripted(t, func(o *Options) { o.Auth, o.Attempts = tokens.auth(t, nil, "app-secret"), 1 }, xmlReply(itemAnswer("a")))
	_, err = c.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnavailable)
	if s.count() != 0 {
		t.Error("sent without a token")
	}
	_, err = c.GetItem(background(t), As{Credentials: &Credentials{"ann", "x"}}, getItem("a"))
	wantMeaning(t, err, portal.ErrUnauthenticated)
	for _, o := range []OAuth2Config{{TokenURL: tokens.URL}, {ClientID: "a", ClientSecret: "b"}, {ClientID: "a", ClientSecret: "b", TokenURL: "http://login.example.org/token"}} {
		_, err := OAuth2(o)
		wantMeaning(t, err, portal.ErrInvalid)
	}
	gone, cancel := context.WithCancel(background(t))
	cancel()
	if _, err := (&tokens2{newTokens(tokens)}).get(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// tokens2 asks for a token while another caller holds the turn.
type tokens2 struct{ *tokens }

func newTokens(s *tokenServer) *tokens {
	t := &tokens{o: OAuth2Config{TokenURL: s.URL, Now: time.Now}, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

func (t *tokens2) get(ctx context.Context) (string, error) { return t.tokens.get(ctx, "") }

func TestSignersAreForgottenInTurn(t *testing.T) {
	s := newSigners(Basic("a", "b"), func() http.RoundTripper { return &http.Transport{} })
	first, err := s.of(&Credentials{"u0", "p"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxSigners + 5 {
		if _, err := s.of(&Credentials{fmt.Sprint("u", i), "p"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.of(nil); err != nil {
			t.Fatal(err)
		}
	}
	again, err := s.of(&Credentials{"u0", "p"})
	if err != nil || again == first || s.order.Len() != maxSigners {
		t.Errorf("%d kept, %v", s.order.Len(), err)
	}
	j := newJars(nil)
	kept := j.of("first", "")
	for i := range maxJars {
		j.of(fmt.Sprint("a", i), "")
	}
	if j.order.Len() != maxJars || j.of("first", "") == kept {
		t.Errorf("%d jars", j.order.Len())
	}
}
