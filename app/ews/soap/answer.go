package soap

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// What an answer means that is not what was asked for: statuses, pages, halves.

// understand reads an answer of any status.
func (c *Client) understand(ctx context.Context, op operation, resp *http.Response, read func(*binding.Reader) (answer, error)) (answer, error) {
	head := &headReader{r: resp.Body}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusInternalServerError && !xmlType(resp) {
		return answer{}, statusError(resp, head.peek())
	}
	a, err := read(reader(c.codec, head, c.o.MaxAnswer))
	if err == nil {
		c.note(op, a)
		if a.fault != nil && resp.StatusCode != http.StatusOK {
			a.fault.Status = resp.StatusCode
			a.fault.BackOff = max(a.fault.BackOff, retryAfter(resp, c.o.Now()))
		}
		if a.fault == nil && resp.StatusCode != http.StatusOK {
			return a, statusError(resp, "")
		}
		return a, nil
	}
	if ctx.Err() != nil {
		return a, away(ctx, ctx.Err())
	}
	if resp.StatusCode != http.StatusOK {
		return a, statusError(resp, head.text())
	}
	return a, broken(err, head.text())
}

// note keeps what the answer told of the server and logs what in it could not be read.
func (c *Client) note(op operation, a answer) {
	if a.info != (ServerInfo{}) {
		if old := c.info.Load(); old == nil || *old != a.info {
			c.info.Store(&a.info)
		}
	}
	if len(a.problems) > 0 {
		c.log.Warn("ews: values that cannot be read", "operation", op.element, "values", a.problems)
	}
}

// broken makes the error of an answer that is cut off, too large, or no XML at all.
func broken(err error, head string) *ResponseError {
	e := &ResponseError{meaning: portal.ErrUnavailable, retry: readsOnly, cause: err}
	var syntax *binding.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Text = "the answer is cut off"
	case errors.Is(err, binding.ErrTooLarge), errors.Is(err, binding.ErrTooDeep):
		e.Text, e.retry, e.meaning = "the answer is not read to its end", never, portal.ErrTooMany
	case errors.Is(err, binding.ErrDTD), errors.As(err, &syntax), errors.Is(err, errNoEnvelope):
		e.Text, e.retry = "the answer is no SOAP: "+head, never
	default:
		e.Text = "the answer cannot be read"
	}
	return e
}

// xmlType tells whether an answer calls itself XML.
func xmlType(resp *http.Response) bool {
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "xml")
}

// statusError makes the error of an HTTP status that comes without a fault.
func statusError(resp *http.Response, text string) *ResponseError {
	e := &ResponseError{Status: resp.StatusCode, Text: text}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		e.meaning = portal.ErrUnauthenticated
		e.Text = "signing in was refused; the server offers " + schemes(resp.Header.Values("WWW-Authenticate"))
	case s == http.StatusForbidden:
		// No word of Exchange's: a proxy in between, or a service that is shut. Who may read what is told by response codes.
		e.meaning, e.Text = portal.ErrUnavailable, "something before the web service keeps people away: "+text
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		e.meaning, e.Text = portal.ErrUnavailable, "there is no such web service at this address"
	case s == http.StatusRequestEntityTooLarge:
		e.meaning, e.Text = portal.ErrInvalid, "the request is larger than the server takes"
	case s >= 300 && s < 400:
		e.redirect(resp)
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		e.meaning, e.retry = portal.ErrUnavailable, refused
		e.BackOff = retryAfter(resp, time.Time{})
	case s >= 500, s == http.StatusRequestTimeout:
		e.meaning, e.retry = portal.ErrUnavailable, readsOnly
	default:
		e.meaning = portal.ErrInvalid
	}
	return e
}

// redirect says where the server sends the client; to a page for signing in is a refusal.
func (e *ResponseError) redirect(resp *http.Response) {
	e.meaning, e.Text = portal.ErrUnavailable, "the server sends elsewhere without saying where"
	to, err := resp.Location()
	if err != nil {
		return
	}
	to.User, to.RawQuery, to.Fragment = nil, "", ""
	e.Values = map[string]string{"Location": to.String()}
	e.Text = "the server sends to " + to.String()
	if p := strings.ToLower(to.Path); strings.Contains(p, "logon") || strings.Contains(p, "/owa/auth") {
		e.meaning = portal.ErrUnauthenticated
	}
}

// retryAfter reads the Retry-After of an answer, in seconds or as a date.
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	v := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(min(n, int(maxBackOff/time.Second)))*time.Second, maxBackOff)
	}
	if t, err := http.ParseTime(v); err == nil {
		if now.IsZero() {
			if now, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
				return 0
			}
		}
		return max(0, min(t.Sub(now), maxBackOff))
	}
	return 0
}

// headReader keeps the first bytes that are read, for the log.
type headReader struct {
	r    io.Reader
	head []byte
}

func (h *headReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if room := 200 - len(h.head); room > 0 {
		h.head = append(h.head, p[:min(n, room)]...)
	}
	return n, err
}

func (h *headReader) text() string { return excerpt(h.head) }

// peek reads what there is at the beginning of an answer nobody will read.
func (h *headReader) peek() string {
	if len(h.head) == 0 {
		if _, err := io.CopyN(io.Discard, h, 200); err != nil && err != io.EOF {
			return ""
		}
	}
	return h.text()
}
