package xcap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is an XCAP server of one document each, strict where real ones are.
type store struct {
	mu       sync.Mutex
	docs     map[string]string
	tags     map[string]int
	requests []string
	answer   func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization"))
	if s.answer != nil && s.answer(w, r) {
		return
	}
	doc, ok := s.docs[r.RequestURI]
	tag := fmt.Sprintf("%q", fmt.Sprint("t", s.tags[r.RequestURI]))
	if match := r.Header.Get("If-Match"); match != "" && (!ok || match != tag) || r.Header.Get("If-None-Match") == "*" && ok {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	switch {
	case r.Method == http.MethodPut:
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.docs[r.RequestURI] = string(b)
		s.tags[r.RequestURI]++
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint("t", s.tags[r.RequestURI])))
		w.WriteHeader(http.StatusCreated)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		delete(s.docs, r.RequestURI)
	case r.Header.Get("If-None-Match") == tag:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("ETag", tag)
		_, _ = io.WriteString(w, doc) // the client sees a short document
	}
}

func serve(t *testing.T) (*store, *Client) {
	t.Helper()
	s := &store{docs: map[string]string{}, tags: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, &Client{Root: server.URL + "/xcap-root/", HTTP: server.Client()}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestADocumentsLife(t *testing.T) {
	s, c := serve(t)
	ctx := within(t)
	if _, _, _, err := c.Get(ctx, alice, ContactList, ""); !errors.Is(err, portal.ErrNotFound) {
		t.Fatalf("before there is one: %v", err)
	}
	tag, err := c.Put(ctx, alice, ContactList, []byte("<one/>"), Condition{Absent: true})
	if err != nil || tag != `"t1"` {
		t.Fatalf("%q, %v", tag, err)
	}
	if _, err := c.Put(ctx, alice, ContactList, []byte("<two/>"), Condition{Absent: true}); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("there is one: %v", err)
	}
	if _, err := c.Put(ctx, alice, ContactList, []byte("<two/>"), Condition{Tag: `"t0"`}); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("another tag: %v", err)
	}
	if body, got, unchanged, err := c.Get(ctx, alice, ContactList, ""); string(body) != "<one/>" || got != tag || unchanged || err != nil {
		t.Errorf("%q %q %v %v", body, got, unchanged, err)
	}
	if body, got, unchanged, err := c.Get(ctx, alice, ContactList, tag); body != nil || got != tag || !unchanged || err != nil {
		t.Errorf("%q %q %v %v", body, got, unchanged, err)
	}
	if err := c.Delete(ctx, alice, ContactList, `"t9"`); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("deleted another one: %v", err)
	}
	for range 2 { // also where there is none
		if err := c.Delete(ctx, alice, ContactList, ""); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool { // a server that says 500 for that
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	if err := c.Delete(ctx, alice, ContactList, ""); err != nil {
		t.Errorf("delete: %v", err)
	}
	s.docs["/xcap-root/resource-lists/users/sip:alice@example.test/index"] = "<x/>"
	if err := c.Delete(ctx, alice, ContactList, ""); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("delete of what is there: %v", err)
	}
}

func TestPathsAreEncodedOnce(t *testing.T) {
	s, c := serve(t)
	odd := portal.Address(`sip:a%23b[1]"x@example.test`)
	if _, err := c.Put(within(t), odd, Rules, []byte("<r/>"), Condition{}); err != nil {
		t.Fatal(err)
	}
	if want := "PUT /xcap-root/pres-rules/users/sip:a%2523b%5B1%5D%22x@example.test/index "; s.requests[0] != want {
		t.Errorf("%q, want %q", s.requests[0], want)
	}
}

func TestWhatStatusesMean(t *testing.T) {
	s, c := serve(t)
	status := 0
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true }
	for want, statuses := range map[error][]int{
		portal.ErrNotFound: {404, 405, 501}, portal.ErrConflict: {409, 412}, portal.ErrForbidden: {401, 403, 407},
		portal.ErrUnavailable: {500, 502, 503, 504, 408, 429}, portal.ErrInvalid: {400, 413, 415, 301, 302},
	} {
		for _, status = range statuses {
			_, _, _, getErr := c.Get(within(t), alice, Rules, "")
			_, putErr := c.Put(within(t), alice, Rules, nil, Condition{})
			var e *Error
			if !errors.Is(getErr, want) || !errors.Is(putErr, want) || !errors.As(putErr, &e) || e.Status != status || !strings.Contains(e.Error(), fmt.Sprint(status)) {
				t.Errorf("%d: %v, %v; want %v", status, getErr, putErr, want)
			}
		}
	}
}

// asker proves by a word and counts.
type asker struct {
	words []string
	asked [][]string
	err   error
}

func (a *asker) Authorize(who portal.Address, method, uri string, challenges []string) (string, string, error) {
	a.asked = append(a.asked, challenges)
	if len(a.words) == 0 {
		return "", "", a.err
	}
	word := a.words[0]
	a.words = a.words[1:]
	return "Authorization", word, a.err
}

func TestProof(t *testing.T) {
	for name, tc := range map[string]struct {
		words    []string
		stale    bool
		requests int
		good     bool
	}{
		"nothing known yet":       {[]string{"", "right"}, false, 2, true},
		"known from before":       {[]string{"right"}, false, 1, true},
		"an old nonce":            {[]string{"old", "right"}, false, 2, true},
		"a wrong secret":          {[]string{"", "wrong", "right"}, false, 2, false},
		"a fresh nonce too old":   {[]string{"", "old", "right"}, true, 3, true},
		"challenged for ever":     {[]string{"", "old", "old", "right"}, true, 3, false},
		"nobody who could answer": {nil, false, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := serve(t)
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == "right" {
					return false
				}
				challenge := `Digest realm="example.test", nonce="n"`
				if tc.stale {
					challenge += `, stale=true`
				}
				w.Header().Add("WWW-Authenticate", challenge)
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			a := &asker{words: tc.words}
			c.Authorize = a
			_, err := c.Put(within(t), alice, Rules, []byte("<r/>"), Condition{})
			if (err == nil) != tc.good || !tc.good && !errors.Is(err, portal.ErrForbidden) || len(s.requests) != tc.requests {
				t.Errorf("%v after %q", err, s.requests)
			}
			if len(a.asked[0]) != 0 || len(a.asked) > 1 && len(a.asked[1]) != 1 {
				t.Errorf("asked with %q", a.asked)
			}
			if tc.good && s.docs["/xcap-root/pres-rules/users/sip:alice@example.test/index"] != "<r/>" {
				t.Error("the body was not sent again")
			}
		})
	}
	_, c := serve(t)
	c.Authorize = &asker{err: errors.New("no secret")}
	if _, err := c.Put(within(t), alice, Rules, nil, Condition{}); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("no secret: %v", err)
	}
}

func TestBadServers(t *testing.T) {
	s, c := serve(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, strings.Repeat("x", MaxBytes+1)) // the client stops reading
		return true
	}
	if _, _, _, err := c.Get(within(t), alice, Rules, ""); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a document that is too long: %v", err)
	}
	if _, err := c.Put(within(t), alice, Rules, make([]byte, MaxBytes+1), Condition{}); !errors.Is(err, portal.ErrInvalid) || len(s.requests) != 1 {
		t.Errorf("one of ours: %v", err)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return true
	}
	if _, _, _, err := c.Get(within(t), alice, Rules, ""); err == nil || len(s.requests) != 2 {
		t.Errorf("a redirect was followed: %v, %q", err, s.requests)
	}
	s.answer = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	if _, _, _, err := c.Get(within(t), alice, Rules, ""); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("a broken connection: %v", err)
	}
	gone := &Client{Root: "http://127.0.0.1:1/x", HTTP: c.HTTP}
	if _, _, _, err := gone.Get(within(t), alice, Rules, ""); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
	bad := &Client{Root: "http://[", HTTP: c.HTTP}
	if _, _, _, err := bad.Get(within(t), alice, Rules, ""); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("no address: %v", err)
	}
}

func TestWatchersOfTheClient(t *testing.T) {
	s, c := serve(t)
	var seen []Exchange
	c.Watch = func(x Exchange) { seen = append(seen, x) }
	if _, err := c.Put(within(t), alice, Rules, []byte("<r/>"), Condition{}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || seen[0].Who != alice || string(seen[0].Sent) != "<r/>" || seen[0].Response.StatusCode != http.StatusCreated || seen[0].Err != nil {
		t.Errorf("%+v", seen)
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Add("WWW-Authenticate", "Digest one")
		w.Header().Add("WWW-Authenticate", "Digest two")
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	if got, err := c.Challenges(within(t), alice); err != nil || len(got) != 2 || got[1] != "Digest two" {
		t.Errorf("%q, %v", got, err)
	}
}
