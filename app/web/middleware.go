package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// What happens around every handler, from the outside in.

const (
	requestIDKey = "portico.request"
	failedKey    = "portico.failed"

	// maxBody is the largest request body, in bytes, except where bodyLimit allows more.
	maxBody = 64 << 10
	// requestTimeout bounds the work on one request; less than writeTimeout, so that the answer that says so
	// still gets out. A sign-in waits for SIP's own timeout, 32 s.
	requestTimeout = 45 * time.Second
)

// requestID names the request in the log and in errors.
func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// observe is outermost: it names the request, bounds the work on it, answers errors, and logs and counts
// once what came of it.
// Neither queries nor addresses in paths are logged; the route's pattern is.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		id := uuid.NewString()
		c.Set(requestIDKey, id)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		if c.Path() != apiPrefix+"/events" { // which has no end
			ctx, cancel := context.WithTimeout(c.Request().Context(), timeFor(c.Request()))
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
		}
		if err := next(c); err != nil {
			s.answerError(err, c)
		}
		took := time.Since(start)
		route := c.Path()
		if route == "" {
			route = "(none)"
		}
		status := c.Response().Status
		s.metrics.request(route, c.Request().Method, status, took)
		s.logRequest(c, id, route, status, took)
		return nil
	}
}

// timeFor is how long a request may take: one that brings a file longer than others.
func timeFor(r *http.Request) time.Duration {
	if roomUpload(strings.TrimPrefix(r.URL.Path, apiPrefix), r.Header.Get("Content-Type")) {
		return uploadTime
	}
	return requestTimeout
}

func (s *Server) logRequest(c echo.Context, id, route string, status int, took time.Duration) {
	level := slog.LevelInfo
	failed, _ := c.Get(failedKey).(error)
	switch {
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		level = slog.LevelError
		if status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
	case strings.HasPrefix(route, "/static") || route == "/healthz" || route == "/readyz" || route == "/metrics":
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request_id", id), slog.String("method", c.Request().Method), slog.String("route", route),
		slog.Int("status", status), slog.Int64("bytes", c.Response().Size), slog.Duration("took", took),
		slog.String("remote", c.RealIP()),
	}
	if failed != nil {
		attrs = append(attrs, slog.Any("error", failed))
	}
	s.Logger.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// recoverPanic turns a panic into an internal error with its stack in the log.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if r == http.ErrAbortHandler {
				panic(r)
			}
			s.metrics.panics.Inc()
			s.Logger.Error("panic", "request_id", requestID(c), "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}()
		return next(c)
	}
}

// sane refuses what no browser sends, and bounds what a body may hold.
func (s *Server) sane(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !saneHost(r.Host) {
			return failStatus(http.StatusBadRequest, "bad-host")
		}
		limit := bodyLimit(r)
		if r.ContentLength > limit {
			return failStatus(http.StatusRequestEntityTooLarge, "too-large")
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
			// It may have had a length too, by which a proxy before us took it to end elsewhere. net/http does not tell; nothing
			// that follows is taken for a request (RFC 9112 section 6.1).
			c.Response().Header().Set("Connection", "close")
		}
		return next(c)
	}
}

// saneHost accepts a name or literal address with an optional port (RFC 9110 section 7.2).
func saneHost(host string) bool {
	if host == "" || len(host) > 260 {
		return false
	}
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return false
		}
		name = h
	}
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	if name == "" {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != ':' {
			return false
		}
	}
	return true
}

// private keeps answers that depend on the reader out of every cache.
func (s *Server) private(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Add("Vary", "Cookie, Authorization, Accept-Language")
		return next(c)
	}
}

// signedIn lets only those pass who have a session. A browser that asks for a page is led to the
// sign-in and back; programs get 401.
func (s *Server) signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		known, err := s.session(c)
		if err != nil {
			return err
		}
		if known.person != "" {
			return next(c)
		}
		r := c.Request()
		if wantsProblem(r) {
			return portal.Fail(portal.ErrUnauthenticated, "unauthenticated")
		}
		target := "/signin"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			target += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		return c.Redirect(http.StatusSeeOther, target)
	}
}

// noticed counts a page that is asked for as a sign of life where the browser has no script to give one.
func (s *Server) noticed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if cookieValue(c.Request(), scriptCookie) != "1" {
			s.there(c)
		}
		return next(c)
	}
}

// paced limits one person's API calls.
func (s *Server) paced(next echo.HandlerFunc) echo.HandlerFunc { return s.within(s.limits, next) }

// strolled limits how many pages one person asks for, and how many forms they send: what they cost is the same as by the API.
func (s *Server) strolled(next echo.HandlerFunc) echo.HandlerFunc { return s.within(s.visits, next) }

func (s *Server) within(limits *personLimits, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if wait, ok := limits.allow(s.person(c)); !ok {
			return portal.Fail(portal.ErrTooMany, "too-many").After(wait)
		}
		return next(c)
	}
}

// realIP is the peer's address; behind trusted proxies the one that they forward.
func (s *Server) realIP() echo.IPExtractor {
	if len(s.Config.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range s.Config.TrustedProxies {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
