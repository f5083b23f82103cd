package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// What strangers and broken programs send to the running portal is answered with an error, and two people
// who talk meanwhile notice nothing.

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// browser signs in as a browser does, with a cookie, and gives what it sends along.
func (p *program) browser(user string) http.Header {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &client{t: p.t, base: p.url, http: &http.Client{Jar: jar, Timeout: longest}}
	p.t.Cleanup(c.http.CloseIdleConnections)
	if status := c.call(http.MethodPost, "/session", map[string]string{"sip": "sip:" + user + "@example.test", "password": labPassword}, nil); status != http.StatusOK {
		p.t.Fatalf("sign-in: status %d", status)
	}
	at, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	var cookies []string
	for _, k := range jar.Cookies(at) {
		cookies = append(cookies, k.Name+"="+k.Value)
	}
	return http.Header{"Cookie": {strings.Join(cookies, "; ")}}
}

func TestStrangeOriginsAtTheDoor(t *testing.T) {
	p := demo(t)
	header := p.browser("alice")
	host, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]int{
		p.url:                            http.StatusSwitchingProtocols,
		"http://" + host + ":1":          http.StatusForbidden,
		"http://sibling." + host:         http.StatusForbidden,
		"http://localhost:" + port:       http.StatusForbidden,
		p.url + ".evil.example":          http.StatusForbidden,
		"http://evil.example/?" + p.url:  http.StatusForbidden,
		"null":                           http.StatusForbidden,
		"file://":                        http.StatusForbidden,
		"chrome-extension://abcdefghijk": http.StatusForbidden,
	} {
		for _, path := range []string{"/ws", "/ws?since=0"} {
			h := header.Clone()
			h.Set("Origin", origin)
			d := websocket.Dialer{Subprotocols: []string{"portico.json.v1"}, HandshakeTimeout: longest}
			ws, resp, err := d.Dial("ws"+strings.TrimPrefix(p.url, "http")+path, h)
			if resp == nil {
				t.Fatalf("origin %s: %v", origin, err)
			}
			if resp.StatusCode != want {
				t.Errorf("origin %s at %s: status %d, want %d", origin, path, resp.StatusCode, want)
			}
			if ws != nil {
				_ = ws.Close()
			}
		}
	}
}

func TestNonsenseDisturbsNobody(t *testing.T) {
	p := command(t, t.TempDir(), generous(t), "serve")
	alice, bob, mallory := p.signIn("alice"), p.signIn("bob"), p.signIn("carol")
	atAlice, atBob := alice.open(), bob.open()
	talk := func(i int) {
		t.Helper()
		id := fmt.Sprintf("a-%04d", i)
		alice.say("bob", id, "text of "+id)
		atAlice.awaitState(id, "delivered")
		atBob.awaitMessage("alice", "text of "+id)
	}
	talk(0)
	to := "/conversations/" + person("alice") + "/messages"
	deep := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"10 MB":          {`{"id":"x","text":"` + strings.Repeat("x", 10<<20) + `"}`, http.StatusRequestEntityTooLarge},
		"long text":      {`{"id":"x","text":"` + strings.Repeat("x", 60<<10) + `"}`, 0},
		"deep":           {deep, 0},
		"no JSON":        {"<xml/>", http.StatusBadRequest},
		"empty":          {"", http.StatusBadRequest},
		"not UTF-8":      {"{\"id\":\"x\",\"text\":\"\xff\xfe\"}", http.StatusBadRequest},
		"wrong type":     {`{"id":7,"text":[]}`, http.StatusBadRequest},
		"two documents":  {`{"id":"x","text":"a"}{"id":"y","text":"b"}`, http.StatusBadRequest},
		"endless id":     {`{"id":"` + strings.Repeat("i", 65) + `","text":"a"}`, http.StatusBadRequest},
		"nothing to say": {`{"id":"x","text":"  "}`, http.StatusBadRequest},
	} {
		status, body := mallory.problem(http.MethodPost, to, []byte(c.body))
		if c.status != 0 && status != c.status || status/100 != 4 || !strings.Contains(body, `"detail"`) {
			t.Errorf("%s: status %d, want %d; %.200s", name, status, c.status, body)
		}
	}
	talk(1)

	l := mallory.live(-1)
	l.until("hello", func(e event) bool { return e.Event == "hello" })
	for _, frame := range []string{"", "x", "[]", "null", `{"op":"fly"}`, `{"op":7}`, `{"op":"send"}`, `{"op":"send","id":"x","conversation":"mailto:x","text":"a"}`,
		"{\"op\":\"\xff\"}", deep[:8000], `{"op":"watch","uris":[` + strings.Repeat(`"sip:a@b.test",`, 900) + `"sip:a@b.test"]}`} {
		if err := l.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatalf("%.40q: %v", frame, err)
		}
		e := l.until(fmt.Sprintf("the error of %.40q", frame), func(e event) bool { return e.Event == "error" })
		if e.Reason == "" {
			t.Errorf("%.40q: an error without a reason", frame)
		}
	}
	talk(2)
	for name, c := range map[string]struct {
		kind  int
		frame []byte
		code  int
	}{
		"binary":    {websocket.BinaryMessage, []byte{0, 1, 2}, websocket.CloseUnsupportedData},
		"oversized": {websocket.TextMessage, bytes.Repeat([]byte("x"), 1<<20), websocket.CloseMessageTooBig},
	} {
		l := mallory.live(-1)
		err := l.ws.WriteMessage(c.kind, c.frame)
		for err == nil {
			_, err = l.next(longest)
		}
		// A reset may overtake the good-bye to somebody who goes on writing.
		if isTimeout(err) || websocket.IsCloseError(err) && !websocket.IsCloseError(err, c.code) {
			t.Errorf("%s frame: %v", name, err)
		}
	}
	garbage(t, strings.TrimPrefix(p.url, "http://"))
	talk(3)
	if got := len(bob.archive("alice")); got != 4 {
		t.Errorf("bob has %d messages of 4", got)
	}
	if got := alice.archive("carol"); len(got) != 0 {
		t.Errorf("nonsense arrived: %+v", got)
	}
	atAlice.check()
	atBob.check()
}

// garbage sends bytes that are no HTTP; the portal answers or closes, in time.
func garbage(t *testing.T, addr string) {
	t.Helper()
	for _, text := range []string{"\x16\x03\x01\x02\x00\x01\x00", "GET / HTTP/9.9\r\n\r\n", "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n\r\n", "INVITE sip:x SIP/2.0\r\n\r\n"} {
		conn, err := net.DialTimeout("tcp", addr, longest)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(longest)); err != nil {
			t.Fatal(err)
		}
		// What the portal does not want to read it may refuse in the middle.
		_, _ = conn.Write([]byte(text + "\r\n\r\n"))
		answer := make([]byte, 256)
		n, err := conn.Read(answer)
		if isTimeout(err) || n > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(answer, []byte("HTTP/1.1 5")) {
			t.Errorf("%.30q: %q, %v", text, answer[:n], err)
		}
		_ = conn.Close()
	}
}
