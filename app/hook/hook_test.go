package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/outward"
	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const longest = 30 * time.Second

// got is a request as the other side received it.
type got struct {
	head http.Header
	body []byte
}

// outside is the other side: it answers with the statuses in their order, and with 200 from then on.
type outside struct {
	mu     sync.Mutex
	answer []int
	head   http.Header
	all    []got
	more   chan struct{}
}

func newOutside(t *testing.T, answers ...int) (*outside, *httptest.Server) {
	o := &outside{answer: answers, head: http.Header{}, more: make(chan struct{}, 1000)}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	return o, server
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.all = append(o.all, got{r.Header, body})
	status := http.StatusOK
	if len(o.answer) > 0 {
		status, o.answer = o.answer[0], o.answer[1:]
	}
	for k, v := range o.head {
		w.Header()[k] = v
	}
	o.mu.Unlock()
	w.WriteHeader(status)
	o.more <- struct{}{}
}

// wait waits for n requests in all.
func (o *outside) wait(t *testing.T, n int) []got {
	t.Helper()
	end := time.After(longest)
	for {
		o.mu.Lock()
		all := slices.Clone(o.all)
		o.mu.Unlock()
		if len(all) >= n {
			return all
		}
		select {
		case <-o.more:
		case <-end:
			t.Fatalf("%d requests of %d", len(all), n)
		}
	}
}

// scene is a service that runs.
type scene struct {
	*Service
	t     *testing.T
	log   *log
	store *memory
}

func start(t *testing.T, change func(*Options)) scene {
	t.Helper()
	l, m := newLog(), &memory{}
	o := Options{Seal: sealed, Open: opened, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, FirstRetry: time.Millisecond, MaxRetry: 4 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	s := New(l, m, o)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return scene{s, t, l, m}
}

// endpoint makes one and gives its secret.
func (s scene) endpoint(e portal.HookEndpoint) (portal.HookEndpoint, []byte) {
	s.t.Helper()
	e.Active = true
	saved, shown, err := s.Save(s.t.Context(), e, false)
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := ParseSecret(shown)
	if err != nil {
		s.t.Fatal(err)
	}
	return saved, secret
}

// settled waits until the endpoint's deliveries have these states, the oldest first.
func (s scene) settled(endpoint string, states ...string) []portal.HookDelivery {
	s.t.Helper()
	end := time.Now().Add(longest)
	for {
		list, err := s.Deliveries(s.t.Context(), endpoint, "", 0, 100)
		if err != nil {
			s.t.Fatal(err)
		}
		slices.Reverse(list)
		var is []string
		for _, d := range list {
			is = append(is, d.State)
		}
		if slices.Equal(is, states) {
			return list
		}
		if time.Now().After(end) {
			s.t.Fatalf("the deliveries are %q, expected %q", is, states)
		}
		time.Sleep(time.Millisecond) // between two looks at an observable state
	}
}

// The vector is published with the specification's reference libraries.
func TestTheSignatureIsThatOfTheSpecification(t *testing.T) {
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	at, body := time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	h := http.Header{}
	Sign(h, secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
	if got := h.Get("Webhook-Signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature %q", got)
	}
	if id, err := Verify(h, secret, body, at.Add(Tolerance)); err != nil || id != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("verified: %q, %v", id, err)
	}
}

func TestOnlyAWholeFreshSignatureCounts(t *testing.T) {
	secret, now, body := NewSecret(), time.Unix(1700000000, 0), []byte(`{}`)
	for _, c := range []struct {
		name   string
		change func(h http.Header)
		body   string
		at     time.Time
		ok     bool
	}{
		{name: "as it is", ok: true},
		{name: "with a signature of an older secret beside", change: func(h http.Header) { h.Set(HeaderSignature, "v1,AAAA "+h.Get(HeaderSignature)) }, ok: true},
		{name: "another body", body: `{"a":1}`},
		{name: "another id", change: func(h http.Header) { h.Set(HeaderID, "other") }},
		{name: "another time", change: func(h http.Header) { h.Set(HeaderTimestamp, "1700000001") }},
		{name: "no signature", change: func(h http.Header) { h.Del(HeaderSignature) }},
		{name: "an empty signature", change: func(h http.Header) { h.Set(HeaderSignature, "v1,") }},
		{name: "no id", change: func(h http.Header) { h.Del(HeaderID) }},
		{name: "a long id", change: func(h http.Header) { h.Set(HeaderID, strings.Repeat("x", maxID+1)) }},
		{name: "no time", change: func(h http.Header) { h.Set(HeaderTimestamp, "now") }},
		{name: "too old", at: now.Add(Tolerance + time.Second)},
		{name: "from the future", at: now.Add(-Tolerance - time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			Sign(h, secret, "msg-1", now, body)
			if c.change != nil {
				c.change(h)
			}
			sent, at := body, now
			if c.body != "" {
				sent = []byte(c.body)
			}
			if !c.at.IsZero() {
				at = c.at
			}
			if _, err := Verify(h, secret, sent, at); (err == nil) != c.ok || err != nil && !errors.Is(err, portal.ErrUnauthenticated) {
				t.Errorf("verified: %v", err)
			}
		})
	}
}

func TestAChangeGoesOutSignedAndOnce(t *testing.T) {
	s := start(t, nil)
	s.log.say("company", "c0", portal.Created, "alice") // before the endpoint: not its news
	o, server := newOutside(t)
	e, secret := s.endpoint(portal.HookEndpoint{Name: "Big CRM", URL: server.URL, Kinds: []string{"appointment", "person"}})
	s.log.say("appointment", "crm-1", portal.Created, "sip:alice@example.test")
	s.log.say("appointment", "crm-2", portal.Updated, By(e.ID)) // its own
	s.log.say("person", "p1", portal.Deleted, "sip:alice@example.test")
	s.log.say("user", "sip:bob@example.test", portal.Updated, "sip:alice@example.test") // not what it asked for
	s.settled(e.ID, portal.HookDone, portal.HookDone)
	bodies := map[string]string{}
	for _, r := range o.wait(t, 2) {
		id, err := Verify(r.head, secret, r.body, time.Now())
		if err != nil {
			t.Error(err)
		}
		bodies[id] = string(r.body)
	}
	want := map[string]string{
		"chg_2": `{"type":"appointment.created","timestamp":"2026-03-04T05:06:07Z","data":{"id":"crm-1"}}`,
		"chg_4": `{"type":"person.deleted","timestamp":"2026-03-04T05:06:07Z","data":{"id":"p1"}}`,
	}
	if len(bodies) != 2 || bodies["chg_2"] != want["chg_2"] || bodies["chg_4"] != want["chg_4"] {
		t.Errorf("sent %v, expected %v", bodies, want)
	}
	if list, err := s.Endpoints(t.Context()); err != nil || len(list) != 1 || list[0].Secret != nil {
		t.Errorf("the list shows %v, %v", list, err)
	}
	if kept := s.store.endpoints[0].Secret; bytes.Equal(kept, secret) {
		t.Error("the secret is kept as it is")
	}
}

func TestRecordsStayInOrderWhileAnEndpointFails(t *testing.T) {
	s := start(t, nil)
	o, server := newOutside(t, http.StatusInternalServerError, http.StatusServiceUnavailable)
	e, _ := s.endpoint(portal.HookEndpoint{Name: "Big CRM", URL: server.URL, Private: true})
	s.log.say("appointment", "crm-1", portal.Created, "a")
	o.wait(t, 1)
	s.log.say("appointment", "crm-1", portal.Updated, "a")
	list := s.settled(e.ID, portal.HookDone, portal.HookDone)
	var ids []string
	for _, r := range o.wait(t, 4) {
		ids = append(ids, r.head.Get(HeaderID))
		if !bytes.Contains(r.body, []byte("secret")) {
			t.Errorf("an endpoint that may know lacks the text: %s", r.body)
		}
	}
	if !slices.Equal(ids, []string{"chg_1", "chg_1", "chg_1", "chg_2"}) {
		t.Errorf("the tries were %q", ids)
	}
	if list[0].Tries != 3 || list[0].Reason != "" || list[0].Status != 200 {
		t.Errorf("the first delivery is %+v", list[0])
	}
}

func TestWhatIsGivenUpIsListedAndCanBeSentAgain(t *testing.T) {
	s := start(t, func(o *Options) { o.GiveUp = 2 })
	_, server := newOutside(t, 500, 500, http.StatusGone)
	e, _ := s.endpoint(portal.HookEndpoint{Name: "Big CRM", URL: server.URL})
	s.log.say("company", "c1", portal.Created, "a")
	list := s.settled(e.ID, portal.HookFailed)
	if list[0].Tries != 2 || list[0].Status != 500 || !strings.Contains(list[0].Reason, "500") {
		t.Errorf("given up: %+v", list[0])
	}
	s.log.say("company", "c2", portal.Created, "a") // 410: gone, no further try
	list = s.settled(e.ID, portal.HookFailed, portal.HookFailed)
	if list[1].Tries != 1 {
		t.Errorf("after 410: %+v", list[1])
	}
	for _, d := range list {
		if err := s.Resend(t.Context(), d.Seq); err != nil {
			t.Fatal(err)
		}
	}
	s.settled(e.ID, portal.HookDone, portal.HookDone)
	if err := s.Resend(t.Context(), 99); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("sending nothing again: %v", err)
	}
}

func TestNothingGoesIntoTheOwnNetwork(t *testing.T) {
	o, server := newOutside(t)
	s := start(t, func(o *Options) { o.Networks, o.GiveUp = nil, 1 })
	e, _ := s.endpoint(portal.HookEndpoint{Name: "Inside", URL: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)})
	s.log.say("company", "c1", portal.Created, "a")
	if list := s.settled(e.ID, portal.HookFailed); !strings.Contains(list[0].Reason, outward.ErrInside.Error()) {
		t.Errorf("the reason is %q", list[0].Reason)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) > 0 {
		t.Error("a request arrived inside")
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	o, inside := newOutside(t)
	away, server := newOutside(t, http.StatusFound)
	away.head.Set("Location", inside.URL)
	s := start(t, func(o *Options) { o.GiveUp = 1 })
	e, _ := s.endpoint(portal.HookEndpoint{Name: "Elsewhere", URL: server.URL})
	s.log.say("company", "c1", portal.Created, "a")
	if list := s.settled(e.ID, portal.HookFailed); list[0].Status != http.StatusFound {
		t.Errorf("the delivery is %+v", list[0])
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestEndpointsAreChecked(t *testing.T) {
	s := start(t, nil)
	for _, e := range []portal.HookEndpoint{
		{Kinds: []string{"invoice"}}, {Name: "a", URL: "ftp://example.test"}, {Name: "a", URL: "https://user:pw@example.test/"}, {Name: "a", URL: "/path"}, {Name: strings.Repeat("a", 101)},
	} {
		if _, _, err := s.Save(t.Context(), e, false); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%+v was taken: %v", e, err)
		}
	}
	e, first := s.endpoint(portal.HookEndpoint{Name: "One"})
	e.Name = "Two"
	e, shown, err := s.Save(t.Context(), e, false)
	if err != nil || shown != "" {
		t.Errorf("a change of the name shows a secret %q: %v", shown, err)
	}
	stale := e
	stale.Version--
	if _, _, err := s.Save(t.Context(), stale, false); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a stale change: %v", err)
	}
	if _, shown, err = s.Save(t.Context(), e, true); err != nil || shown == "" || shown == ShowSecret(first) {
		t.Errorf("a fresh secret: %q, %v", shown, err)
	}
	for i := 1; i < maxEndpoints; i++ {
		s.endpoint(portal.HookEndpoint{Name: fmt.Sprint(i)})
	}
	if _, _, err := s.Save(t.Context(), portal.HookEndpoint{Name: "more"}, false); !errors.Is(err, portal.ErrTooMany) {
		t.Errorf("one more endpoint: %v", err)
	}
	if err := s.Delete(t.Context(), e.ID); err != nil {
		t.Error(err)
	}
}

func TestWhatComesInIsReadOnlyWhenItIsSigned(t *testing.T) {
	s := start(t, nil)
	e, secret := s.endpoint(portal.HookEndpoint{Name: "Big CRM"})
	asleep, quiet := s.endpoint(portal.HookEndpoint{Name: "Asleep"})
	asleep.Active = false
	if _, _, err := s.Save(t.Context(), asleep, false); err != nil {
		t.Fatal(err)
	}
	_, deaf := s.endpoint(portal.HookEndpoint{Name: "Listener", URL: "https://crm.example.test/hook"})
	both, writer := s.endpoint(portal.HookEndpoint{Name: "Both", URL: "https://crm.example.test/hook", Writes: true, Private: true})
	deep := `{"type":"company.created","data":` + strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth+1)
	for _, c := range []struct {
		name, body string
		secret     []byte
		means      error
	}{
		{"a change", `{"type":"company.created","data":{"id":"c1"}}`, secret, nil},
		{"not JSON", `{"type":`, secret, portal.ErrInvalid},
		{"an unknown type", `{"type":"invoice.created","data":{}}`, secret, portal.ErrInvalid},
		{"an unknown change", `{"type":"company.exploded","data":{}}`, secret, portal.ErrInvalid},
		{"no record", `{"type":"company.created","data":[]}`, secret, portal.ErrInvalid},
		{"nested too deep", deep, secret, portal.ErrInvalid},
		{"too large", `{"type":"` + strings.Repeat("x", MaxIncoming) + `"}`, secret, portal.ErrInvalid},
		{"a stranger", `{"type":"company.created","data":{"id":"c1"}}`, NewSecret(), portal.ErrUnauthenticated},
		{"an endpoint that is switched off", `{"type":"company.created","data":{"id":"c1"}}`, quiet, portal.ErrForbidden},
		{"an endpoint that only hears", `{"type":"company.created","data":{"id":"c1"}}`, deaf, portal.ErrForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			Sign(h, c.secret, "msg-1", time.Now(), []byte(c.body))
			in, err := s.Read(t.Context(), h, strings.NewReader(c.body))
			if !errors.Is(err, c.means) || c.means == nil && err != nil {
				t.Fatalf("reading: %v", err)
			}
			if c.means == nil && (in.Endpoint != e.ID || in.ID != "msg-1" || in.Kind != "company" || in.Change != portal.Created || in.Private || !json.Valid(in.Data)) {
				t.Errorf("read %+v", in)
			}
		})
	}
	h, body := http.Header{}, `{"type":"company.created","data":{"id":"c1"}}`
	Sign(h, writer, "msg-2", time.Now(), []byte(body))
	if in, err := s.Read(t.Context(), h, strings.NewReader(body)); err != nil || in.Endpoint != both.ID || !in.Private {
		t.Errorf("one that hears and writes: %+v, %v", in, err)
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "86400": time.Hour, "-1": 0, "soon": 0, now.Add(time.Minute).Format(http.TimeFormat): time.Minute,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now, time.Hour); got != want {
			t.Errorf("Retry-After %q is %s, expected %s", text, got, want)
		}
	}
	s := New(newLog(), &memory{}, Options{FirstRetry: time.Second, MaxRetry: time.Minute})
	for tries, least := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 40: time.Minute} {
		if got := s.pause(tries); got < least || got > least+least/4+1 {
			t.Errorf("after %d failures the pause is %s", tries, got)
		}
	}
}

func FuzzIncoming(f *testing.F) {
	f.Add([]byte(`{"type":"company.created","data":{"id":"c1"}}`))
	f.Add([]byte(`{"type":"appointment.updated","data":{"a":[1,{"b":null}]}} trailing`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parse(data)
		if err == nil && (!json.Valid(in.Data) || in.Kind == "" || in.Change == "") {
			t.Errorf("%q was read as %+v", data, in)
		}
		if err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%q: %v", data, err)
		}
	})
}
