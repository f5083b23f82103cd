package soap

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// One call: sent, perhaps again, and read.

// call makes a request and reads its response. It repeats what may be repeated, waits when the
// server asks for it, and goes down a version when the server does not know the present one.
func call[T any, R response[T]](ctx context.Context, c *Client, as As, req request) (*T, error) {
	op := req.op()
	var into R
	var heads []*ResponseMessage
	_, err := c.repeat(ctx, op, as, req, func(r *binding.Reader) (answer, error) {
		into = new(T)
		a, err := decode(r, answerElement(op.element), into)
		if err == nil && a.fault == nil {
			heads = into.heads()
			if a.fault = c.busyParts(heads, op); a.fault != nil {
				a.fault.Operation = op.element
			}
		}
		return a, err
	})
	if err != nil {
		return nil, err
	}
	if n := expected(req); n > 0 && len(heads) < n {
		return nil, &ResponseError{Operation: op.element, Text: "answered " + strconv.Itoa(len(heads)) + " of " + strconv.Itoa(n) + " parts", meaning: portal.ErrUnavailable}
	}
	if whole, ok := any(into).(interface{ whole() *ResponseMessage }); ok && whole.whole().failed() {
		e := whole.whole().error()
		e.Operation = op.element
		return nil, e
	}
	return (*T)(into), nil
}

// expected is how many messages the answer to a list of ids has to have, 0 where that is not said.
func expected(req request) int {
	switch r := req.(type) {
	case *GetItem:
		return len(r.Items)
	case *UpdateItem:
		return len(r.Changes)
	case *DeleteItem:
		return len(r.Items)
	case *GetFolder:
		return len(r.Folders)
	case *GetAttachment:
		return len(r.IDs)
	case *DeleteAttachment:
		return len(r.IDs)
	case *GetUserAvailability:
		if r.FreeBusy != nil {
			return len(r.Mailboxes)
		}
	}
	return 0
}

// busyParts makes one refusal of an answer whose parts were refused as busy: of any part for a
// request that may be repeated, of all parts for any other.
func (c *Client) busyParts(heads []*ResponseMessage, op operation) *ResponseError {
	var first *ResponseError
	busy := 0
	for _, h := range heads {
		if !h.failed() {
			continue
		}
		if e := h.error(); e.retry == refused || e.Values["InnerErrorResponseCode"] == "ErrorServerBusy" || e.retry == readsOnly && op.repeat {
			busy++
			if first == nil || e.BackOff > first.BackOff {
				first = e
			}
		}
	}
	if busy == 0 || busy < len(heads) && !op.repeat {
		return nil
	}
	first.parts = len(heads) > 1
	return first
}

// repeat sends a request until it is answered or there is no use in sending it again.
func (c *Client) repeat(ctx context.Context, op operation, as As, req request, read func(*binding.Reader) (answer, error)) (answer, error) {
	for attempt := 0; ; {
		if err := c.gate.wait(ctx); err != nil {
			return answer{}, named(op, away(ctx, err))
		}
		version := *c.version.Load()
		body, err := encode(c.codec, version, as, req)
		if err != nil {
			return answer{}, err
		}
		a, err := c.attempt(ctx, op, as, body, read)
		var e *ResponseError
		switch {
		case err == nil && a.fault == nil:
			c.gate.passed()
			c.settled.Store(true)
			return a, nil
		case err == nil:
			e = a.fault
		case !errors.As(err, &e):
			return answer{}, err
		}
		e = named(op, e)
		if c.versionRefused(e) && c.lower(version) {
			c.log.Info("ews: the server does not know the version", "version", version, "next", c.Version())
			continue
		}
		attempt++
		if err := c.again(ctx, op, e, attempt); err != nil {
			if e.parts {
				return a, nil // the caller sees which parts failed
			}
			return answer{}, err
		}
	}
}

// again waits until the request may be sent once more, or gives why it may not.
func (c *Client) again(ctx context.Context, op operation, e *ResponseError, attempt int) error {
	busy := e.retry == refused || e.BackOff > 0
	if busy {
		c.gate.refuse(e.BackOff)
	}
	allowed := e.retry == refused || e.retry == unreached || e.retry == readsOnly && op.repeat
	if !allowed || attempt >= c.o.Attempts || ctx.Err() != nil {
		return e
	}
	c.log.Debug("ews: sent again", "operation", op.element, "attempt", attempt, "error", e)
	if busy {
		if err := c.gate.wait(ctx); err != nil {
			return e
		}
		return nil
	}
	if sleep(ctx, pause(200*time.Millisecond, 5*time.Second, attempt-1, c.o.Jitter)) != nil {
		return e
	}
	return nil
}

// named gives the error of an operation its name.
func named(op operation, err *ResponseError) *ResponseError {
	if err.Operation == "" {
		err.Operation = op.element
	}
	return err
}

// away makes the error of a request that was not answered: the caller's own end, or a server that
// is not there.
func away(ctx context.Context, err error) *ResponseError {
	var e *ResponseError
	if errors.As(err, &e) {
		return e
	}
	e = &ResponseError{Text: "no answer", meaning: portal.ErrUnavailable, retry: readsOnly, cause: err}
	if ctx.Err() != nil {
		e.cause = context.Cause(ctx)
	}
	return e
}

// enter takes one of the places, in the order of those who wait for one.
func enter(ctx context.Context, places chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, op operation, as As, body []byte, read func(*binding.Reader) (answer, error)) (a answer, err error) {
	if !as.Ahead {
		if op.sync {
			if err := enter(ctx, c.syncs); err != nil {
				return a, away(ctx, err)
			}
			defer func() { <-c.syncs }()
		}
		if err := enter(ctx, c.slots); err != nil {
			return a, away(ctx, err)
		}
		defer func() { <-c.slots }()
	}
	began := c.o.Now()
	defer func() {
		result := "ok"
		if err != nil || a.fault != nil {
			result = "error"
		}
		c.o.Observe(op.element, result, c.o.Now().Sub(began))
	}()
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	as.traced(true, body)
	resp, err := c.send(ctx, op, as, body)
	if err != nil {
		as.traced(false, []byte(err.Error()))
		return a, err
	}
	defer as.listen(resp)()
	defer func() {
		// What is left is as a rule nothing; reading it lets the connection be used again.
		if derr := drain(resp); derr != nil && err == nil {
			c.log.Debug("ews: the end of an answer", "operation", op.element, "error", derr)
		}
	}()
	return c.understand(ctx, op, resp, read)
}

// send posts body. An error says whether the server can have been reached.
func (c *Client) send(ctx context.Context, op operation, as As, body []byte) (*http.Response, error) {
	signer, err := c.signers.of(as.Credentials)
	if err != nil {
		return nil, away(ctx, err)
	}
	var reached atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header.Set("Accept", "text/xml")
	r.Header.Set("User-Agent", c.o.UserAgent)
	if op.stream {
		r.Header.Set("Accept-Encoding", "identity") // nothing may be held back in a compressor
	}
	c.jars.route(r, as)
	resp, err := c.post(op, signer, r)
	if err != nil {
		e := away(ctx, err)
		switch {
		case e.meaning == portal.ErrUnauthenticated:
		case errors.Is(err, portal.ErrUnauthenticated):
			e.meaning, e.retry, e.Text = portal.ErrUnauthenticated, never, "not signed in"
		case !reached.Load() && e.retry == readsOnly:
			e.retry = unreached
		}
		return nil, e
	}
	c.jars.learn(resp, as)
	return resp, nil
}

// post sends r and tells whoever wants to know of it. A stream may have nothing to say for long.
func (c *Client) post(op operation, s signer, r *http.Request) (*http.Response, error) {
	if op.stream {
		resp, err := c.follow(s, r)
		if err == nil {
			c.o.Sent()(true)
		}
		return resp, err
	}
	landed := func(err error) error { return err }
	if op.repeat {
		r, landed = c.hanging.begin(r)
	}
	answered := c.o.Sent()
	resp, err := c.follow(s, r)
	err = landed(err)
	answered(err == nil)
	return resp, err
}

// maxHops bounds the redirects followed within one host.
const maxHops = 3

// follow sends r and follows redirects that keep the method and stay on the host.
func (c *Client) follow(s signer, r *http.Request) (*http.Response, error) {
	for hop := 0; ; hop++ {
		resp, err := s.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
			return resp, err
		}
		to, err := resp.Location()
		if err != nil || hop == maxHops || to.Host != r.URL.Host || to.Scheme != r.URL.Scheme {
			return resp, nil
		}
		if err := drain(resp); err != nil {
			return nil, err
		}
		next := r.Clone(r.Context())
		next.URL = to
		if next.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
		r = next
	}
}
