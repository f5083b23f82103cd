package soap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

func TestAnswersStandInOrderWithTheirOwnErrors(t *testing.T) {
	c, _ := scripted(t, nil, xmlReply(itemAnswer("a", "ErrorItemNotFound", "c", "ErrorAccessDenied")))
	resp, err := c.GetItem(background(t), As{}, getItem("a", "b", "c", "d"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, portal.ErrNotFound, nil, portal.ErrForbidden} {
		m := resp.Messages[i]
		wantMeaning(t, m.Err(), want)
		if want == nil && (m.Items[0].ID().ID != string("abcd"[i]) || m.Items[0].Base().Subject != "S & T") {
			t.Errorf("message %d holds %+v", i, m.Items)
		}
	}
	if Code(resp.Messages[1].Err()) != "ErrorItemNotFound" {
		t.Errorf("code %q", Code(resp.Messages[1].Err()))
	}
	want := ServerInfo{15, 1, 2507, 6, "V2017_07_11"}
	if c.Server() != want {
		t.Errorf("server %+v", c.Server())
	}
}

func TestRefusalsOfAWholeRequest(t *testing.T) {
	html := "<html><body><h1>Proxy</h1><p>Not today.<br></body></html>"
	cases := map[string]struct {
		answer  step
		meaning error
		code    string
		sent    int // how often a read is sent
		says    string
	}{
		"fault":                  {faultReply(500, "ErrorSchemaValidation", ""), portal.ErrInvalid, "ErrorSchemaValidation", 9, ""},
		"fault under 200":        {faultReply(200, "ErrorImpersonateUserDenied", ""), portal.ErrForbidden, "ErrorImpersonateUserDenied", 1, ""},
		"fault 1.2":              {reply(500, "application/soap+xml", `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>x:ErrorAccessDenied</e:Value></e:Code><e:Reason><e:Text>go</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>`), portal.ErrForbidden, "ErrorAccessDenied", 1, "go"},
		"fault without code":     {reply(500, xmlKind, envelope(`<s:Fault><faultcode>s:Server</faultcode><faultstring>boom</faultstring></s:Fault>`)), nil, "", 1, "boom"},
		"page under 200":         {reply(200, "text/html", html), portal.ErrUnavailable, "", 1, "Proxy"},
		"page under 500":         {reply(500, "text/html", html), portal.ErrUnavailable, "", 4, "Not today"},
		"page under 502":         {reply(502, "text/html", html), portal.ErrUnavailable, "", 4, ""},
		"other envelope":         {xmlReply(`<m:OtherResponse xmlns:m="m"/>`), portal.ErrUnavailable, "", 4, "no GetItemResponse"},
		"empty":                  {reply(200, xmlKind, ""), portal.ErrUnavailable, "", 4, "cut off"},
		"other XML":              {reply(200, xmlKind, "<a/>"), portal.ErrUnavailable, "", 1, "no SOAP"},
		"DTD":                    {reply(200, xmlKind, `<!DOCTYPE s [<!ENTITY a "b">]><s:Envelope/>`), portal.ErrUnavailable, "", 1, "no SOAP"},
		"400":                    {reply(400, "text/plain", "bad"), portal.ErrInvalid, "", 1, "bad"},
		"401":                    {reply(401, "text/html", html, "WWW-Authenticate", "Negotiate", "WWW-Authenticate", "NTLM"), portal.ErrUnauthenticated, "", 1, "Negotiate, NTLM"},
		"403":                    {reply(403, "text/html", html), portal.ErrUnavailable, "", 1, "keeps people away"},
		"404":                    {reply(404, "text/html", html), portal.ErrUnavailable, "", 1, "no such web service"},
		"413":                    {reply(413, "text/html", html), portal.ErrInvalid, "", 1, "larger"},
		"redirect to a form":     {reply(302, "text/html", "", "Location", "https://mail.example.org/owa/auth/logon.aspx?url=x"), portal.ErrUnauthenticated, "", 1, "logon.aspx"},
		"redirect elsewhere":     {reply(308, "text/html", "", "Location", "https://user:pass@other.example.net/EWS/Exchange.asmx"), portal.ErrUnavailable, "", 1, "sends to https://other.example.net/"},
		"redirect to nowhere":    {reply(302, "text/html", ""), portal.ErrUnavailable, "", 1, "without saying where"},
		"envelope under 404":     {reply(404, xmlKind, envelope(itemAnswer("a"))), portal.ErrUnavailable, "", 1, ""},
		"transient":              {faultReply(500, "ErrorInternalServerTransientError", ""), portal.ErrUnavailable, "ErrorInternalServerTransientError", 4, ""},
		"unknown code":           {faultReply(500, "ErrorOfTomorrow", ""), portal.ErrInvalid, "ErrorOfTomorrow", 1, ""},
		"connection broken":      {failing, portal.ErrUnavailable, "", 4, "connection reset"},
		"fewer parts than asked": {xmlReply(itemAnswer()), portal.ErrUnavailable, "", 1, "0 of 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, s := scripted(t, nil, c.answer)
				_, err := client.GetItem(t.Context(), As{}, getItem("a"))
				wantMeaning(t, err, c.meaning)
				if err == nil || Code(err) != c.code || s.count() != c.sent || !strings.Contains(err.Error(), c.says) {
					t.Errorf("sent %d times, %v", s.count(), err)
				}
				if strings.Contains(err.Error(), "pass") {
					t.Errorf("the error shows a password: %v", err)
				}
			})
		})
	}
}

func TestHalfAnAnswerIsNone(t *testing.T) {
	whole := envelope(itemAnswer("a", "b"))
	for n := range len(whole) {
		c, _ := scripted(t, once, reply(200, xmlKind, whole[:n]))
		resp, err := c.GetItem(background(t), As{}, getItem("a", "b"))
		if resp != nil || portal.Meaning(err) != portal.ErrUnavailable {
			t.Fatalf("cut at %d of %d: %+v, %v", n, len(whole), resp, err)
		}
	}
}

func TestTooLargeAndTooDeepAnswers(t *testing.T) {
	small := func(o *Options) { o.MaxAnswer = 2000 }
	big, s := scripted(t, small, xmlReply(itemAnswer("a", "b", "c", "d", "e", "f", "g", "h")))
	_, err := big.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrTooMany)
	if s.count() != 1 {
		t.Errorf("asked %d times for what is too large", s.count())
	}
	deep, _ := scripted(t, nil, xmlReply(strings.Repeat("<a>", 70)+strings.Repeat("</a>", 70)))
	_, err = deep.GetItem(background(t), As{}, getItem("a"))
	wantMeaning(t, err, portal.ErrTooMany)
}

func TestWritesAreSentAgainOnlyWhenTheyCannotHaveBeenDone(t *testing.T) {
	inner := `<m:MessageXml xmlns:t="t"><t:Value Name="InnerErrorResponseCode">ErrorServerBusy</t:Value></m:MessageXml>`
	innerBusy := strings.Replace(answersTo("CreateItem", "ErrorInternalServerError"), `<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`, `<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`+inner, 1)
	cases := map[string]struct {
		answer step
		sent   int
	}{
		"busy fault":       {faultReply(500, "ErrorServerBusy", backOff(100)), 2},
		"busy fault, 0 ms": {faultReply(500, "ErrorServerBusy", backOff(0)), 2},
		"503":              {reply(503, "text/html", "<html>"), 2},
		"busy message":     {xmlReply(answersTo("CreateItem", "ErrorServerBusy")), 2},
		"connections":      {faultReply(500, "ErrorExceededConnectionCount", ""), 2},
		"inner busy":       {xmlReply(innerBusy), 1},
		"500":              {reply(500, "text/html", "<html>"), 1},
		"502":              {reply(502, "text/html", "<html>"), 1},
		"transient":        {faultReply(500, "ErrorInternalServerTransientError", ""), 1},
		"half an answer":   {reply(200, xmlKind, envelope(answersTo("CreateItem", "a"))[:400]), 1},
		"timeout":          {hang, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, s := scripted(t, nil, c.answer, xmlReply(answersTo("CreateItem", "a")))
				resp, err := client.CreateItem(t.Context(), As{}, createItem())
				if s.count() != c.sent {
					t.Fatalf("sent %d times, %v", s.count(), err)
				}
				if c.sent > 1 && err != nil {
					t.Errorf("refused though done at last: %v", err)
				}
				if c.sent == 1 {
					if err == nil {
						err = resp.Messages[0].Err()
					}
					wantMeaning(t, err, portal.ErrUnavailable)
				}
			})
		})
	}
}

func TestWhatNeverReachedTheServerIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// No connection is ever got from this round tripper: it reports none to the trace.
		c, s := scripted(t, nil, failing, failing, xmlReply(answersTo("CreateItem", "a")))
		if _, err := c.CreateItem(t.Context(), As{}, createItem()); err != nil || s.count() != 3 {
			t.Errorf("sent %d times, %v", s.count(), err)
		}
	})
}

func TestTheServersPauseIsKept(t *testing.T) {
	cases := map[string]struct {
		answer step
		wait   time.Duration
	}{
		"fault with milliseconds": {faultReply(500, "ErrorServerBusy", backOff(4000)), 4 * time.Second},
		"503 with seconds":        {reply(503, "text/html", "", "Retry-After", "7"), 7 * time.Second},
		"429":                     {reply(429, "text/html", "", "Retry-After", "2"), 2 * time.Second},
		"503 with a date":         {reply(503, "text/html", "", "Retry-After", "Sun, 22 Nov 2026 08:00:09 GMT", "Date", "Sun, 22 Nov 2026 08:00:00 GMT"), 9 * time.Second},
		"words alone":             {reply(500, xmlKind, envelope(`<s:Fault><faultcode>s:Server</faultcode><faultstring>`+busyWords+`</faultstring></s:Fault>`)), 750 * time.Millisecond},
		"no time":                 {faultReply(500, "ErrorServerBusy", ""), 750 * time.Millisecond},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, s := scripted(t, nil, c.answer, xmlReply(itemAnswer("a")))
				if _, err := client.GetItem(t.Context(), As{}, getItem("a")); err != nil {
					t.Fatal(err)
				}
				if got := s.at[1].Sub(s.at[0]); got < c.wait || got > c.wait*12/10 {
					t.Errorf("waited %v, want %v and a little more", got, c.wait)
				}
			})
		})
	}
}

func TestEveryoneWaitsWhenTheServerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, nil, faultReply(500, "ErrorServerBusy", backOff(5000)), xmlReply(itemAnswer("a")))
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		all.Go(func() {
			if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		for _, at := range s.at[1:] {
			if at.Sub(began) < 5*time.Second {
				t.Errorf("sent after %v", at.Sub(began))
			}
		}
		if s.count() != 3 {
			t.Errorf("sent %d times", s.count())
		}
	})
}

func TestALongPauseIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, nil, faultReply(500, "ErrorServerBusy", backOff(300000)), xmlReply(itemAnswer("a")))
		began := time.Now()
		for range 2 {
			_, err := c.GetItem(t.Context(), As{}, getItem("a"))
			wantMeaning(t, err, portal.ErrUnavailable)
			if BackOff(err) != 5*time.Minute {
				t.Errorf("back-off %v in %v", BackOff(err), err)
			}
		}
		if s.count() != 1 || time.Since(began) > 0 {
			t.Errorf("sent %d times in %v", s.count(), time.Since(began))
		}
		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.Sleep(5*time.Minute + time.Second)
		if _, err := c.GetItem(short, As{}, getItem("a")); err == nil {
			t.Error("answered a caller that was gone")
		}
		if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
			t.Error(err)
		}
	})
}

func TestBusyPartsOfAReadAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := xmlReply(itemAnswer("a", "ErrorServerBusy"))
		c, s := scripted(t, nil, half, xmlReply(itemAnswer("a", "b")))
		resp, err := c.GetItem(t.Context(), As{}, getItem("a", "b"))
		if err != nil || resp.Messages[1].Err() != nil || s.count() != 2 {
			t.Errorf("sent %d times, %v", s.count(), err)
		}
		c, s = scripted(t, nil, half)
		resp, err = c.GetItem(t.Context(), As{}, getItem("a", "b"))
		if err != nil || resp.Messages[0].Err() != nil || resp.Messages[1].Err() == nil || s.count() != 4 {
			t.Errorf("sent %d times, %v: the part that was answered is lost", s.count(), err)
		}
	})
}

func TestVersionsAreTriedDownwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := faultReply(500, "ErrorInvalidServerVersion", "")
		c, s := scripted(t, nil, no, faultReply(500, "ErrorInvalidRequest", ""), no, xmlReply(itemAnswer("a")))
		for range 2 {
			if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
				t.Fatal(err)
			}
		}
		if c.Version() != "Exchange2013" || s.count() != 5 {
			t.Fatalf("version %s after %d requests", c.Version(), s.count())
		}
		for i, v := range []string{"Exchange2016", "Exchange2015", "Exchange2013_SP1", "Exchange2013", "Exchange2013"} {
			if !strings.Contains(s.bodies[i], `<t:RequestServerVersion Version="`+v+`"/>`) {
				t.Errorf("request %d is not of version %s", i, v)
			}
		}
	})
}

func TestAServerThatKnowsNoVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, nil, faultReply(500, "ErrorInvalidServerVersion", ""))
		_, err := c.GetItem(t.Context(), As{}, getItem("a"))
		if Code(err) != "ErrorInvalidServerVersion" || s.count() != len(versions) {
			t.Errorf("sent %d times, %v", s.count(), err)
		}
	})
}

func TestAFaultyRequestIsNotTakenForAVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, nil, xmlReply(itemAnswer("a")), faultReply(500, "ErrorSchemaValidation", ""))
		if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
			t.Fatal(err)
		}
		_, err := c.GetItem(t.Context(), As{}, getItem("a"))
		wantMeaning(t, err, portal.ErrInvalid)
		if s.count() != 2 || c.Version() != "Exchange2016" {
			t.Errorf("sent %d times, version %s", s.count(), c.Version())
		}
	})
}

func TestRequestsWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		wait := func(r *http.Request) (*http.Response, error) {
			<-gate
			return xmlReply(itemAnswer("a"))(r)
		}
		c, s := scripted(t, func(o *Options) { o.Concurrency = 2 }, wait)
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				if _, err := c.GetItem(t.Context(), As{}, getItem(fmt.Sprint("n", i))); err != nil && i != 3 {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if s.count() != 2 {
			t.Fatalf("%d under way", s.count())
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.GetItem(gone, As{}, getItem("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		for range 6 {
			gate <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		for i, b := range s.bodies {
			if !strings.Contains(b, fmt.Sprintf(`Id="n%d"`, i)) {
				t.Errorf("the request in place %d is %s", i, b)
			}
		}
	})
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, func(o *Options) { o.Timeout = 3 * time.Second }, hang)
		_, err := c.GetItem(t.Context(), As{}, getItem("a"))
		wantMeaning(t, err, portal.ErrUnavailable)
		if s.count() != 4 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sent %d times, %v", s.count(), err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = c.GetItem(short, As{}, getItem("a"))
		wantMeaning(t, err, portal.ErrUnavailable)
		if s.count() != 5 || time.Since(began) != time.Second {
			t.Errorf("sent %d times in %v", s.count(), time.Since(began))
		}
		stalls := func(r *http.Request) (*http.Response, error) {
			resp, err := reply(200, xmlKind, "")(r)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(envelope("")[:100]), stalled{r.Context()}))
			return resp, err
		}
		c, s = scripted(t, once, stalls)
		_, err = c.GetItem(t.Context(), As{}, getItem("a"))
		wantMeaning(t, err, portal.ErrUnavailable)
		if s.count() != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sent %d times, %v", s.count(), err)
		}
	})
}

// stalled is the body of an answer that does not go on.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestOnWhoseBehalf(t *testing.T) {
	cookie := reply(200, xmlKind, envelope(itemAnswer("a")), "Set-Cookie", "X-BackEndOverrideCookie=be1; path=/; secure; HttpOnly")
	c, s := scripted(t, nil, cookie)
	calls := []As{
		{Impersonate: "ann@example.org", Zone: "W. Europe Standard Time"},
		{Impersonate: "ann@example.org", Affinity: true},
		{Impersonate: "bob@example.org", Anchor: "ann@example.org"},
		{Impersonate: "eve@example.org"},
		{Anchor: "ann@example.org", Credentials: &Credentials{"bob", "own"}},
		{},
	}
	for _, as := range calls {
		if _, err := c.GetItem(background(t), as, getItem("a")); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(s.bodies[0], `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>ann@example.org<`) ||
		!strings.Contains(s.bodies[0], `<t:TimeZoneContext><t:TimeZoneDefinition Id="W. Europe Standard Time"/>`) || strings.Contains(s.bodies[4], "Impersonation") {
		t.Errorf("%s\n%s", s.bodies[0], s.bodies[4])
	}
	for i, want := range []string{"", "X-BackEndOverrideCookie=be1", "X-BackEndOverrideCookie=be1", "", "", ""} {
		if got := s.heads[i].Get("Cookie"); got != want {
			t.Errorf("cookie of call %d: %q", i, got)
		}
	}
	if s.heads[1].Get("X-PreferServerAffinity") != "true" || s.heads[2].Get("X-AnchorMailbox") != "ann@example.org" || s.heads[5].Get("X-AnchorMailbox") != "" {
		t.Errorf("%v %v", s.heads[1], s.heads[2])
	}
	if user, password, _ := (&http.Request{Header: s.heads[4]}).BasicAuth(); user != "bob" || password != "own" {
		t.Errorf("signed in as %s", user)
	}
	if user, _, _ := (&http.Request{Header: s.heads[5]}).BasicAuth(); user != "ann" {
		t.Errorf("signed in as %s", user)
	}
}

func TestRedirectsOnTheSameHostAreFollowed(t *testing.T) {
	to := reply(307, "text/html", "", "Location", "/ews/exchange.asmx")
	c, s := scripted(t, nil, to, xmlReply(answersTo("CreateItem", "a")))
	if _, err := c.CreateItem(background(t), As{}, createItem()); err != nil || s.count() != 2 {
		t.Fatalf("sent %d times, %v", s.count(), err)
	}
	if s.bodies[0] != s.bodies[1] || s.urls[1] != "POST https://mail.example.org/ews/exchange.asmx" {
		t.Errorf("%s", s.urls[1])
	}
	c, s = scripted(t, nil, to)
	_, err := c.CreateItem(background(t), As{}, createItem())
	wantMeaning(t, err, portal.ErrUnavailable)
	if s.count() != maxHops+1 {
		t.Errorf("sent %d times", s.count())
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, _ := scripted(t, func(o *Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}, faultReply(500, "ErrorServerBusy", backOff(100)), reply(401, "text/html", "no"))
		_, err := c.GetItem(t.Context(), As{Credentials: &Credentials{"bob", "hunter2"}}, getItem("a"))
		wantMeaning(t, err, portal.ErrUnauthenticated)
		all := log.String() + err.Error() + fmt.Sprintf("%v %+v %#v", Credentials{"bob", "hunter2"}, As{Credentials: &Credentials{"bob", "hunter2"}}.Credentials, Credentials{"bob", "hunter2"})
		if !strings.Contains(all, "bob") || strings.Contains(all, "hunter2") || strings.Contains(all, "secret") {
			t.Errorf("%s", all)
		}
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		c, _ := scripted(t, func(o *Options) {
			o.Observe = func(op, result string, _ time.Duration) { seen = append(seen, op+" "+result) }
		}, reply(503, "text/html", ""), xmlReply(itemAnswer("a")))
		if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(seen, ", "); got != "GetItem error, GetItem ok" {
			t.Errorf("observed %s", got)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{URL: ""}, {URL: "mail.example.org"}, {URL: "ftp://x/"}, {URL: "http://mail.example.org/EWS/Exchange.asmx"},
		{URL: "https://ann:pw@mail.example.org/"}, {URL: "https://mail.example.org/", Version: "Exchange2019"}, {URL: "https://ann:pw@ma il/"}} {
		_, err := New(o)
		wantMeaning(t, err, portal.ErrInvalid)
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	for _, o := range []Options{{URL: "http://127.0.0.1:1/"}, {URL: "http://[::1]/"}, {URL: "http://localhost/"}, {URL: "http://mail.example.org/", AllowPlain: true}, {URL: "https://mail.example.org", Version: "Exchange2010_SP2"}} {
		c, err := New(o)
		if err != nil {
			t.Errorf("%s: %v", o.URL, err)
			continue
		}
		c.Close()
	}
}

func TestSingleAnswersGiveTheirRefusalAsError(t *testing.T) {
	body := `<m:%sResponse ResponseClass="Error" xmlns:m="m"><m:MessageText>no</m:MessageText><m:ResponseCode>ErrorItemNotFound</m:ResponseCode></m:%sResponse>`
	c, _ := scripted(t, nil, xmlReply(fmt.Sprintf(body, "GetUserPhoto", "GetUserPhoto")))
	_, err := c.GetUserPhoto(background(t), As{}, &GetUserPhoto{Email: "a", Size: "HR48x48"})
	wantMeaning(t, err, portal.ErrNotFound)
	oof := `<GetUserOofSettingsResponse xmlns="m"><ResponseMessage ResponseClass="Error"><ResponseCode>ErrorAccessDenied</ResponseCode></ResponseMessage></GetUserOofSettingsResponse>`
	c, _ = scripted(t, nil, xmlReply(oof))
	_, err = c.GetUserOofSettings(background(t), As{}, &GetUserOofSettings{})
	wantMeaning(t, err, portal.ErrForbidden)
}
