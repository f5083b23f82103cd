package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
)

// FuzzJSONBody: whatever a body holds, it is read or refused as the client's mistake, and what is read
// reads the same again.
func FuzzJSONBody(f *testing.F) {
	for _, seed := range []string{
		`{"sip":"alice@example.test","password":"x"}`, `{"id":"m1","text":"hello"}`, `{}`, `[]`, `null`, ``, `{"text":`,
		`{"uris":["a@b",1,null]}`, `{"availability":"busy","until":"2026-01-01T00:00:00Z"}`, `{"a":{"b":[{"c":{}}]}}`,
		"{\"text\":\"\xff\xfe\"}", `{"text":"\ud800"}`, `{"typing":true}{"x":1}`, strings.Repeat("[", 1000), `{"note":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, target := range []any{&signInBody{}, &manualBody{}, &queryBody{}, &contactBody{}, &sayBody{}, &typingBody{}, &readBody{}, &portal.Settings{}} {
			if err := decodeJSON(data, target); err != nil {
				if f := classify(err); f.status != 400 || f.reason == "" {
					t.Fatalf("%q: answered %d %q", data, f.status, f.reason)
				}
				continue
			}
			once, err := json.Marshal(target)
			if err != nil {
				t.Fatalf("%q was read as %+v, which cannot be written: %v", data, target, err)
			}
			if err := decodeJSON(once, target); err != nil {
				t.Fatalf("%q was read as %s, which cannot be read: %v", data, once, err)
			}
		}
	})
}

// FuzzLiveOps: whatever frame a browser sends, the answer is nothing or one well-formed frame in the
// encoding of the connection, and people are addressed only by canonical addresses.
func FuzzLiveOps(f *testing.F) {
	for _, seed := range []string{
		`{"op":"send","id":"m1","conversation":"bob@example.test","text":"hi"}`, `{"op":"typing","conversation":"sip:bob@example.test","typing":true}`,
		`{"op":"read","conversation":"bob@example.test","id":"m1"}`, `{"op":"active"}`, `{"op":"idle"}`, `{"op":"watch","uris":["a@b.test","sip:c@d.test"]}`,
		`{"op":"ping"}`, `{"op":"shout","id":"<\"&'>"}`, `{"op":7}`, `{"id":{}}`, `[]`, `x`, ``, "\xff", `{"op":"watch","uris":[null]}`,
		strings.Repeat(`{"op":`, 40), `{"op":"send","id":"` + strings.Repeat("é", 70) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	l := fuzzLive(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, encoding := range []realtime.Encoding{realtime.JSON, realtime.HTML} {
			c := realtime.Client{Person: alice, ID: "c1", Audience: realtime.Audience{Encoding: encoding, Locale: "en", Zone: "UTC"}}
			answer := l.Receive(t.Context(), c, data)
			if answer == nil {
				continue
			}
			body := answer.Body(c.Audience)
			var frame struct {
				Event     string `json:"event"`
				ReasonKey string `json:"reason_key"`
			}
			switch {
			case !utf8.Valid(body):
				t.Fatalf("%q: answered with bytes that are not text: %q", data, body)
			case encoding == realtime.JSON && (json.Unmarshal(body, &frame) != nil || frame.Event == ""):
				t.Fatalf("%q: answered %q", data, body)
			case encoding == realtime.JSON && frame.Event == "error" && (frame.ReasonKey == "" || frame.ReasonKey == "internal"):
				t.Fatalf("%q: answered %q", data, body)
			case encoding == realtime.HTML && (!strings.HasPrefix(string(body), "<live-event ") || strings.Count(string(body), "<live-event") != 1):
				t.Fatalf("%q: answered %q", data, body)
			}
		}
	})
}

// fuzzLive is a door in front of rooms that only check what they are given.
func fuzzLive(t testing.TB) *Live {
	t.Helper()
	s, err := New(Deps{
		Account: struct{ Account }{}, Contacts: struct{ Contacts }{}, Directory: struct{ Directory }{}, Events: struct{ EventLog }{},
		Sessions: struct{ scs.CtxStore }{}, Chat: checkingChat{t: t}, Presence: checkingPresence{t: t},
		Hub: realtime.NewHub(realtime.Options{}), Config: Config{LiveRate: 1e9, LiveBurst: 1e9},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Live()
}

// FuzzPathAddress: a path segment is read as a canonical address, which its own path leads back to, or
// refused as the client's mistake.
func FuzzPathAddress(f *testing.F) {
	for _, seed := range []string{"sip%3Aalice%40example.test", "alice@example.test", "%zz", "%00", "sip:@", "a%252Fb@x", "SIPS:A@B:5061;x=y?h=1", "[::1]", "a@[::1]", "ü@example.test", "%ff@x"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, segment string, encoded bool) {
		a, err := parsePathAddress(segment, encoded)
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid {
				t.Fatalf("%q: %v", segment, err)
			}
			return
		}
		if again, err := parsePathAddress(a.Path(), true); err != nil || again != a {
			t.Fatalf("%q: %q, whose path gives %q, %v", segment, a, again, err)
		}
	})
}

// FuzzRequestToken: only well-formed tokens get as far as the session store.
func FuzzRequestToken(f *testing.F) {
	f.Add("Bearer "+someToken, "portico="+someToken)
	f.Add("bearer x", "portico=x; portico="+someToken)
	f.Add("Basic YTpi", "__Host-portico="+someToken+"; x")
	f.Add("", "portico=\"quoted\"; =; ;;;")
	f.Fuzz(func(t *testing.T, authorization, cookie string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{authorization}
		r.Header["Cookie"] = []string{cookie}
		token, bearer := requestToken(r, "portico")
		if token != "" && !wellFormedToken(token) {
			t.Fatalf("token %q", token)
		}
		if bearer && !strings.HasPrefix(strings.ToLower(authorization), "bearer") {
			t.Fatalf("%q is no bearer token", authorization)
		}
	})
}

// FuzzOrigin: an origin that is allowed is the listed one, however it is written, and its canonical form
// stays as it is.
func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"https://im.example.test", "HTTPS://IM.example.test:443", "null", "https://im.example.test.evil.test",
		"https://im.example.test@evil.test", "https://xn--bcher-kva.example", "//", "https://[::1]:443", "https://im.example.test\x00.evil.test", "http://Xn--"} {
		f.Add(seed)
	}
	o, err := newOrigins(nil, []string{"https://im.example.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		r := httptest.NewRequest(http.MethodGet, "/ws", nil)
		r.Host = "other.test"
		r.Header["Origin"] = []string{origin}
		canonical, ok := canonicalOrigin(origin)
		if ok {
			if again, ok := canonicalOrigin(canonical); !ok || again != canonical {
				t.Fatalf("%q: %q becomes %q", origin, canonical, again)
			}
		}
		own := canonical == "https://im.example.test" || canonical == "http://other.test" || canonical == "https://other.test"
		if o.allows(r, false) != (ok && own) {
			t.Fatalf("%q (%q) allowed: %v", origin, canonical, o.allows(r, false))
		}
	})
}

// FuzzRelativeTarget: a browser that is led somewhere after the sign-in stays on this server.
func FuzzRelativeTarget(f *testing.F) {
	for _, seed := range []string{"/contacts", "//evil.test", "/\\evil.test", "https://evil.test", "/%2f%2fevil.test", "/.//evil.test", "/a?b=//c", "/\t/evil.test"} {
		f.Add(seed)
	}
	base, err := http.NewRequest(http.MethodGet, "https://im.example.test/signin", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		target := relativeTarget(next)
		u, err := base.URL.Parse(target)
		if err != nil || u.Host != "im.example.test" || u.Scheme != "https" {
			t.Fatalf("%q leads to %q (%v)", next, target, err)
		}
		if strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n\t") {
			t.Fatalf("%q leads to %q", next, target)
		}
	})
}

// checkingChat and checkingPresence hold what they are given to the vocabulary. What a live frame is not to
// reach is nil and panics.
type checkingChat struct {
	Chat
	t testing.TB
}

type checkingPresence struct {
	Presence
	t testing.TB
}

// canonical fails the test for an address that did not come out of portal.ParseAddress.
func canonical(t testing.TB, addresses ...portal.Address) {
	for _, a := range addresses {
		if again, err := portal.ParseAddress(string(a)); err != nil || again != a {
			t.Errorf("a room was given the address %q", a)
		}
	}
}

func (c checkingChat) Say(_ context.Context, from portal.Address, d chat.Draft) (portal.Message, error) {
	canonical(c.t, from, d.Conversation)
	if d.ID == "" || d.Text == "" {
		return portal.Message{}, portal.Fail(portal.ErrInvalid, "message.id")
	}
	return portal.Message{Conversation: d.Conversation, ID: d.ID, State: portal.Delivered, At: time.Unix(1, 0)}, nil
}

func (c checkingChat) Typing(_ context.Context, from, conversation portal.Address, _ bool) error {
	canonical(c.t, from, conversation)
	return nil
}

func (c checkingChat) MarkRead(_ context.Context, owner, conversation portal.Address, _ string) error {
	canonical(c.t, owner, conversation)
	return nil
}

func (c checkingPresence) Watch(who portal.Address, conn string, uris []portal.Address) {
	canonical(c.t, who)
	canonical(c.t, uris...)
	if conn != "c1" || len(uris) > maxWatched {
		c.t.Errorf("watch of %d people by %q", len(uris), conn)
	}
}

func (checkingPresence) Active(portal.Address, string) {}
func (checkingPresence) Idle(portal.Address, string)   {}
