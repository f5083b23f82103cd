package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// Requests that change something, with a cookie, from pages that may be foreign.
func TestCrossOriginRequests(t *testing.T) {
	h := newHouse(t)
	cookie, bearer := h.browse(alice), h.signIn(alice)
	for _, test := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"same origin", []string{"Sec-Fetch-Site", "same-origin"}, false},
		{"typed by hand", []string{"Sec-Fetch-Site", "none"}, false},
		{"sibling host", []string{"Sec-Fetch-Site", "same-site"}, true},
		{"foreign site", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"foreign site that claims our origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", h.url}, true},
		{"own origin, old browser", []string{"Origin", h.url}, false},
		{"foreign origin, old browser", []string{"Origin", "https://evil.test"}, true},
		{"other port, old browser", []string{"Origin", "http://127.0.0.1:1"}, true},
		{"null origin", []string{"Origin", "null"}, true},
		{"own referer, older browser", []string{"Referer", h.url + "/contacts"}, false},
		{"foreign referer, older browser", []string{"Referer", "https://evil.test/"}, true},
		{"referer with our address as user", []string{"Referer", "http://127.0.0.1@evil.test/"}, true},
		{"no word at all", []string{"Sec-Fetch-Site", ""}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			with := func(c caller) caller {
				for i := 0; i+1 < len(test.headers); i += 2 {
					c = c.with(test.headers[i], test.headers[i+1])
				}
				return c
			}
			status := 202
			if test.refused {
				status = 403
			}
			got := with(cookie).call("POST", messagesPath(bob), map[string]string{"text": "x"}, status)
			if test.refused {
				got.problem("cross-origin")
			}
			// Pages may be linked to; what comes with a bearer token was not sent by a page unasked.
			with(cookie).call("GET", "/contacts", nil, 200)
			with(bearer).call("POST", messagesPath(bob), map[string]string{"text": "x"}, 202)
		})
	}
	// To read the API, or to open an event stream, a page must be one of ours too.
	for _, site := range []string{"cross-site", "same-site"} {
		cookie.with("Sec-Fetch-Site", site).call("GET", "/api/v1/me", nil, 403).problem("cross-origin")
		cookie.with("Sec-Fetch-Site", site).call("GET", "/api/v1/events", nil, 403).problem("cross-origin")
	}
	cookie.with("Sec-Fetch-Site", "none").call("GET", "/api/v1/me", nil, 200)
	// A foreign page can neither sign somebody in nor out.
	form := "address=alice%40example.test&password=" + strings.ReplaceAll(password, " ", "+")
	h.guest().with("Content-Type", "application/x-www-form-urlencoded").with("Sec-Fetch-Site", "cross-site").
		call("POST", "/signin", form, 403)
	cookie.with("Sec-Fetch-Site", "cross-site").call("POST", "/signout", nil, 403)
	cookie.call("GET", "/api/v1/me", nil, 200)
}

// The rules of TestOriginsAtTheWebSocket hold on the wire too.
func TestOriginsOnTheWire(t *testing.T) {
	h := newHouse(t)
	cookie, bearer := h.browse(alice), h.signIn(alice)
	for _, bad := range []string{"null", "https://evil.test", "http://127.0.0.1:1", "http://sub.127.0.0.1", strings.Replace(h.url, "http:", "ftp:", 1)} {
		if _, resp, err := cookie.with("Origin", bad).tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 403 {
			t.Errorf("Origin %q got in: %v", bad, err)
		}
	}
	if _, resp, err := cookie.with("Origin", "").tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 403 {
		t.Errorf("a cookie without an Origin got in: %v", err)
	}
	cookie.with("Origin", strings.ToUpper(h.url)).dial(protocolJSON, "").next("hello")
	bearer.dial(protocolJSON, "").next("hello")
}

func TestSecurityHeaders(t *testing.T) {
	h := newHouse(t)
	for path, status := range map[string]int{"/signin": 200, "/healthz": 200, "/api/v1/me": 401, "/nothing": 404, "/contacts": 303} {
		got := h.guest().call("GET", path, nil, status)
		csp := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
			"base-uri 'none'", "form-action 'self'", "connect-src 'self' ws://" + strings.TrimPrefix(h.url, "http://")} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: %q is not in %q", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		if got.header.Get("Strict-Transport-Security") != "" || got.header.Get("Server") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

func TestBehindTLS(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.PublicURL = "https://im.example.test" })
	got := h.guest().call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 200)
	cookie := got.session("__Host-portico")
	if !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
	if got.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	me := caller{h: h, cookie: cookie}
	me.with("Origin", "https://im.example.test").dial(protocolJSON, "").next("hello")
	if _, resp, err := me.with("Origin", h.url).tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 403 {
		t.Errorf("the Host header was believed: %v", err)
	}
	// Behind a proxy that changes Host, browsers without Sec-Fetch-Site still get through.
	me.with("Origin", "https://im.example.test").call("POST", messagesPath(bob), map[string]string{"text": "x"}, 202)
	me.with("Origin", "https://evil.test").call("POST", messagesPath(bob), map[string]string{"text": "x"}, 403)
}

func TestListedOriginsMayUseTheAPI(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.Origins = []string{"https://portal.example.test"} })
	a := h.browse(alice).with("Sec-Fetch-Site", "same-site")
	listed := a.with("Origin", "https://portal.example.test")
	listed.call("GET", "/api/v1/me", nil, 200)
	listed.call("POST", messagesPath(bob), map[string]string{"text": "x"}, 202)
	listed.dial(protocolJSON, "").next("hello")
	a.with("Origin", "https://other.example.test").call("GET", "/api/v1/me", nil, 403)
}

func TestHosts(t *testing.T) {
	h := newHouse(t)
	for host, status := range map[string]int{"localhost": 200, "[::1]:99": 200, "evil.test@localhost": 400, "a/b": 400, "x:99999": 400} {
		if status == 400 {
			if got := h.rawGet("/healthz", host); !strings.HasPrefix(got, "HTTP/1.1 400") {
				t.Errorf("Host %q: %s", host, got)
			}
			continue
		}
		h.guest().with("Host", host).call("GET", "/healthz", nil, status)
	}
}

// rawGet asks with a Host header that a Go client would not send, and gives the status line.
func (h *house) rawGet(path, host string) string {
	h.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(h.t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host); err != nil {
		h.t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		h.t.Fatal(err)
	}
	return line
}

// TestDoubtfulLengths: a request whose end two readers could see in different places is refused, or is the last one that its
// connection is asked, so that none can be hidden in another.
func TestDoubtfulLengths(t *testing.T) {
	h := newHouse(t)
	const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, rest := range map[string]string{
		"both":                 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":          "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
		"a list of lengths":    "Content-Length: 3, 3\r\n\r\nabc",
		"a length with a sign": "Content-Length: +3\r\n\r\nabc",
		"another coding":       "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two codings":          "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"a space before":       "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"a chunk of less":      "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
	} {
		got := h.raw("POST /signin HTTP/1.1\r\nHost: localhost\r\n" + rest + hidden)
		if strings.Contains(got, "HTTP/1.1 200") {
			t.Errorf("%s: what was hidden in it is answered: %.2000s", name, got)
		}
	}
}

// raw sends bytes as they are and gives all that is answered until the server closes the connection.
func (h *house) raw(request string) string {
	h.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(h.t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		h.t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // what was not read resets it
		h.t.Fatal(err)
	}
	return string(got)
}

func TestBodiesTooLarge(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	big := strings.Repeat("a", maxBody+1)
	a.call("POST", messagesPath(bob), `{"text":"`+big+`"}`, 413).problem("too-large")
	h.guest().call("POST", "/api/v1/session", `{"sip":"`+big+`"}`, 413).problem("too-large")
	h.guest().with("Content-Type", "application/x-www-form-urlencoded").call("POST", "/signin", "address="+big, 413)

	// A body that does not say its length is cut off at the same size.
	req, err := http.NewRequestWithContext(t.Context(), "POST", h.url+messagesPath(bob), struct{ *strings.Reader }{strings.NewReader(`{"text":"` + big)})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("chunked: %d", resp.StatusCode)
	}
}

func TestPanicsAreInternalErrors(t *testing.T) {
	h := newHouse(t)
	h.server.echo.GET("/api/panic", func(echo.Context) error { panic("secret of the house") })
	h.server.echo.GET("/api/failure", func(echo.Context) error { return errors.New("secret of the house") })
	for _, path := range []string{"/api/panic", "/api/failure"} {
		got := h.guest().call("GET", path, nil, 500)
		got.problem("internal")
		if strings.Contains(string(got.body), "secret") {
			t.Errorf("%s shows %s", path, got.body)
		}
	}
	h.guest().call("GET", "/healthz", nil, 200)
}

func TestErrorsByMeaning(t *testing.T) {
	cause := errors.New("the cause")
	for _, test := range []struct {
		err    error
		status int
		reason string
		retry  time.Duration
	}{
		{portal.Fail(portal.ErrInvalid, "x.y"), 400, "x.y", 0},
		{portal.ErrUnauthenticated, 401, "unauthenticated", 0},
		{fmt.Errorf("wrapped: %w", portal.ErrForbidden), 403, "forbidden", 0},
		{fmt.Errorf("wrapped: %w", portal.Fail(portal.ErrNotFound, "a.b").Because(cause)), 404, "a.b", 0},
		{portal.Fail(portal.ErrConflict, ""), 409, "conflict", 0},
		{portal.Fail(portal.ErrTooMany, "t").After(3 * time.Second), 429, "t", 3 * time.Second},
		{portal.ErrUnavailable, 503, "unavailable", defaultRetryAfter},
		{portal.Fail(portal.ErrUnavailable, "u").After(time.Minute), 503, "u", time.Minute},
		{failStatus(418, "teapot"), 418, "teapot", 0},
		{&http.MaxBytesError{Limit: 1}, 413, "too-large", 0},
		{echo.ErrNotFound, 404, "not-found", 0},
		{echo.NewHTTPError(422), 422, "invalid", 0},
		{echo.NewHTTPError(502), 502, "internal", 0},
		{context.DeadlineExceeded, 503, "unavailable", defaultRetryAfter},
		{context.Canceled, statusClientGone, "unavailable", 0},
		{cause, 500, "internal", 0},
	} {
		f := classify(test.err)
		if f.status != test.status || f.reason != test.reason || f.retryAfter != test.retry {
			t.Errorf("%v: %+v", test.err, f)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	const client = "203.0.113.7"
	remote := func(h *house) string {
		t.Helper()
		var all []signinJSON
		a := h.guest().with("X-Forwarded-For", "198.51.100.1, "+client)
		var in signInAnswer
		a.call("POST", "/api/v1/session", map[string]string{"sip": string(alice), "password": password}, 200).into(&in)
		caller{h: h, token: in.Token}.call("GET", "/api/v1/me/sessions", nil, 200).into(&all)
		return all[0].Remote
	}
	if got := remote(newHouse(t)); got != "127.0.0.1" {
		t.Errorf("without trusted proxies the header was believed: %s", got)
	}
	trusting := newHouse(t, func(s *settings) { s.web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	if got := remote(trusting); got != client {
		t.Errorf("behind a trusted proxy the client is %s", got)
	}
}

func TestPersonLimitsAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newPersonLimits(1, 2, func() time.Time { return now })
	for range 2 {
		if _, ok := l.allow(alice); !ok {
			t.Fatal("the allowance is two")
		}
	}
	if wait, ok := l.allow(alice); ok || wait <= 0 || wait > time.Second {
		t.Errorf("third call: %v, %v", wait, ok)
	}
	for i := range maxLimited + 10 {
		l.allow(portal.Address(fmt.Sprintf("sip:p%d@example.test", i)))
	}
	if n := len(l.each); n > maxLimited {
		t.Errorf("%d people are remembered", n)
	}
	now = now.Add(time.Minute)
	if _, ok := l.allow(alice); !ok {
		t.Error("after a minute there is no allowance")
	}
}
