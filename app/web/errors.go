package web

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// defaultRetryAfter is asked for where a backend is away and nobody said for how long.
const defaultRetryAfter = 5 * time.Second

// statusClientGone is logged where the client left before the answer; nobody receives it.
const statusClientGone = 499

// failure is an error as it is answered: what everybody may know of it.
type failure struct {
	status int
	// reason is the catalogue key ("error."+reason) and the API's "reason".
	reason     string
	args       map[string]string
	retryAfter time.Duration
	// faults are the single things that are wrong, where there are several.
	faults []portal.SyncFault
}

// failStatus makes an error that is answered with status and the sentence "error."+key. For what has a
// meaning in portal, portal.Fail is the better choice; this is for HTTP's own (405, 413, 415, 501).
func failStatus(status int, key string) error { return &httpError{status: status, key: key} }

type httpError struct {
	status int
	key    string
	cause  error
}

func (e *httpError) Error() string {
	text := strconv.Itoa(e.status) + " " + e.key
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *httpError) Unwrap() error { return e.cause }

// statusOf is the one table from an error's meaning to HTTP.
func statusOf(meaning error) int {
	switch meaning {
	case portal.ErrInvalid:
		return http.StatusBadRequest
	case portal.ErrUnauthenticated:
		return http.StatusUnauthorized
	case portal.ErrForbidden:
		return http.StatusForbidden
	case portal.ErrNotFound:
		return http.StatusNotFound
	case portal.ErrConflict:
		return http.StatusConflict
	case portal.ErrTooMany:
		return http.StatusTooManyRequests
	case portal.ErrUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// classify turns any error into what is answered.
func classify(err error) failure {
	var own *httpError
	var echoed *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		f := failure{status: own.status, reason: own.key}
		var said *portal.Error
		if errors.As(own.cause, &said) {
			f.args = said.Args // what its sentence names
		}
		return f
	case errors.As(err, &tooLarge):
		return failure{status: http.StatusRequestEntityTooLarge, reason: "too-large"}
	case portal.Meaning(err) != nil:
		return meant(err)
	case errors.As(err, &echoed):
		return failure{status: echoed.Code, reason: echoReason(echoed.Code)}
	case errors.Is(err, context.Canceled):
		return failure{status: statusClientGone, reason: "unavailable"}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{status: http.StatusServiceUnavailable, reason: "unavailable", retryAfter: defaultRetryAfter}
	}
	return failure{status: http.StatusInternalServerError, reason: "internal"}
}

func meant(err error) failure {
	f := failure{status: statusOf(portal.Meaning(err)), reason: portal.Reason(err)}
	var e *portal.Error
	if errors.As(err, &e) {
		f.args, f.retryAfter = e.Args, e.RetryAfter
	}
	var many *portal.FaultsError
	if errors.As(err, &many) {
		f.faults = many.Faults
	}
	if f.status == http.StatusServiceUnavailable && f.retryAfter <= 0 {
		f.retryAfter = defaultRetryAfter
	}
	return f
}

// echoReason names what Echo's router and binders find wrong.
func echoReason(status int) string {
	switch status {
	case http.StatusNotFound:
		return "not-found"
	case http.StatusMethodNotAllowed:
		return "method-not-allowed"
	case http.StatusRequestEntityTooLarge:
		return "too-large"
	case http.StatusUnsupportedMediaType:
		return "media-type"
	case http.StatusUnauthorized:
		return "unauthenticated"
	case http.StatusForbidden:
		return "forbidden"
	}
	if status >= http.StatusInternalServerError {
		return "internal"
	}
	return "invalid"
}

// problem is RFC 9457's object. Reason and RequestID are this API's own members.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance"`
	Reason    string `json:"reason"`
	RequestID string `json:"request_id"`
	// Errors are the single things that are wrong, where several can be.
	Errors []faultJSON `json:"errors,omitempty"`
}

// faultJSON is one thing that is wrong with what was sent: where, why as a stable key, and in words.
type faultJSON struct {
	Where  string `json:"where"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// answerError is Echo's error handler: the only place where an error becomes an answer. It logs nothing;
// observe does, once, with the rest of the request.
func (s *Server) answerError(err error, c echo.Context) {
	c.Set(failedKey, err)
	if c.Response().Committed {
		return
	}
	f := classify(err)
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	setRetryAfter(c, f)
	var answered error
	switch {
	case f.status == statusClientGone:
		answered = c.NoContent(http.StatusServiceUnavailable)
	case wantsProblem(c.Request()):
		answered = s.answerProblem(c, f)
	default:
		answered = s.showError(c, f.status, ErrorView{Status: f.status, Key: f.reason, Args: f.args,
			RetryAfter: f.retryAfter, RequestID: requestID(c)})
	}
	if answered != nil && !c.Response().Committed {
		s.Logger.Error("an error could not be answered", slog.String("request_id", requestID(c)), slog.Any("error", answered))
		h.Set(echo.HeaderContentType, echo.MIMETextPlainCharsetUTF8)
		c.Response().WriteHeader(http.StatusInternalServerError)
	}
}

func (s *Server) answerProblem(c echo.Context, f failure) error {
	if f.status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="portico"`)
	}
	words := s.catalogue(c)
	var faults []faultJSON
	for _, fault := range f.faults {
		faults = append(faults, faultJSON{fault.Where, fault.Reason, sentence(words, fault.Reason, fault.Args)})
	}
	body, err := encodeJSON(problem{
		Errors:    faults,
		Type:      "about:blank",
		Title:     http.StatusText(f.status),
		Status:    f.status,
		Detail:    explain(words, f),
		Instance:  c.Request().URL.EscapedPath(),
		Reason:    f.reason,
		RequestID: requestID(c),
	})
	if err != nil {
		return err
	}
	return c.Blob(f.status, "application/problem+json", body)
}

// wantsProblem: programs are told in JSON, people by a page.
func wantsProblem(r *http.Request) bool {
	p := r.URL.Path
	return strings.HasPrefix(p, "/api/") || p == "/ws" || p == "/readyz" || p == "/healthz" || p == "/metrics" ||
		strings.HasPrefix(p, "/static/") || strings.HasPrefix(p, embedPrefix) || p == discoveryPath
}

// setRetryAfter tells when to come back (RFC 9110 section 10.2.3), in whole seconds.
func setRetryAfter(c echo.Context, f failure) {
	if f.retryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	}
}
