// Package xcap keeps a person's documents on a SIP server (RFC 4825): the contact list as resource lists (RFC 4826), the
// presence rules that decide who sees what (RFC 5025), and the list service to subscribe to (RFC 4826 section 4).
//
// Documents are read and written whole. A [ResourceLists] keeps what other clients wrote and nobody here understands;
// the presence rules and the list service are the portal's own and are replaced.
//
// # What a server may do differently
//
// Servers were seen to answer 200 to the PUT that made a document, to overlook If-None-Match on PUT, and to answer 500
// where a document that is to be deleted is missing; nothing here depends on it. The selector is percent-encoded once
// and stands so in the request line and in the digest.
package xcap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portico/app/portal"
)

// MaxBytes is the largest document that is read or written.
const MaxBytes = 512 << 10

// timeout bounds one request.
const timeout = 15 * time.Second

// Document is a kind of document of which each person has one, named "index".
type Document struct {
	// AUID is the application's id (RFC 4825 section 5), ContentType the document's media type.
	AUID, ContentType string
}

// The documents that are used here.
var (
	ContactList = Document{"resource-lists", "application/resource-lists+xml"}
	Rules       = Document{"pres-rules", "application/auth-policy+xml"}
	ListService = Document{"rls-services", "application/rls-services+xml"}
)

// Authorizer proves who asks. With no challenges it may give what an earlier one allows, or nothing; challenges are the
// values of WWW-Authenticate of an answer 401.
type Authorizer interface {
	Authorize(who portal.Address, method, uri string, challenges []string) (header, value string, err error)
}

// Exchange is one request and its answer as they went over the wire, for who wants to watch. Nothing secret is removed.
type Exchange struct {
	Who     portal.Address
	At      time.Time
	Request *http.Request
	Sent    []byte
	// Response is nil where none came; Err says why.
	Response *http.Response
	Received []byte
	Err      error
}

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	// Root is the XCAP root URI, "https://host/xcap-root".
	Root string
	// HTTP is used for requests; nil: http.DefaultClient. Redirects are never followed.
	HTTP *http.Client
	// Authorize answers challenges; nil: nobody does.
	Authorize Authorizer
	// Watch is told of each exchange; it may be nil and must not block.
	Watch func(Exchange)
}

// Condition is what must hold for a document to be replaced.
type Condition struct {
	// Tag is the entity tag that the document must have; empty: any.
	Tag string
	// Absent: there must be none.
	Absent bool
}

// Error is an answer of the server that is not a success.
type Error struct {
	Status int
	// Meaning is one of the portal's meanings.
	Meaning error
	// Text is the server's explanation, at most 200 bytes.
	Text string
}

// Error is the operator's text.
func (e *Error) Error() string {
	return strings.TrimSpace(fmt.Sprintf("xcap: %d %s: %s", e.Status, http.StatusText(e.Status), e.Text))
}

// Unwrap gives the meaning.
func (e *Error) Unwrap() error { return e.Meaning }

// meaning is the table from HTTP to the portal's meanings.
func meaning(status int) error {
	switch {
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return portal.ErrNotFound
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return portal.ErrConflict
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return portal.ErrForbidden
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status/100 == 5:
		return portal.ErrUnavailable
	}
	return portal.ErrInvalid
}

// URL is where a person's document is.
func (c *Client) URL(who portal.Address, d Document) string {
	return strings.TrimSuffix(c.Root, "/") + "/" + d.AUID + "/users/" + url.PathEscape(string(who)) + "/index"
}

// Get reads a document. unchanged: it still has the entity tag, and is not sent again. Errors: ErrNotFound (there is
// none), ErrForbidden, ErrInvalid (larger than MaxBytes), ErrUnavailable.
func (c *Client) Get(ctx context.Context, who portal.Address, d Document, tag string) (body []byte, newTag string, unchanged bool, err error) {
	header := http.Header{"Accept": {d.ContentType}}
	if tag != "" {
		header.Set("If-None-Match", tag)
	}
	a, err := c.ask(ctx, who, http.MethodGet, c.URL(who, d), header, nil)
	if err != nil {
		return nil, "", false, err
	}
	if a.status == http.StatusNotModified {
		return nil, tag, true, nil
	}
	if a.status != http.StatusOK {
		return nil, "", false, a.failure()
	}
	newTag = a.header.Get("ETag")
	return a.body, newTag, newTag != "" && newTag == tag, nil
}

// Put makes or replaces a document and gives its entity tag, empty where the server does not say it. Errors: ErrConflict
// (the condition does not hold), ErrNotFound (the server keeps no such documents), ErrForbidden, ErrInvalid, ErrUnavailable.
func (c *Client) Put(ctx context.Context, who portal.Address, d Document, body []byte, when Condition) (string, error) {
	if len(body) > MaxBytes {
		return "", fmt.Errorf("xcap: %w: document of %d bytes", portal.ErrInvalid, len(body))
	}
	header := http.Header{"Content-Type": {d.ContentType}}
	switch {
	case when.Tag != "":
		header.Set("If-Match", when.Tag)
	case when.Absent:
		header.Set("If-None-Match", "*")
	}
	a, err := c.ask(ctx, who, http.MethodPut, c.URL(who, d), header, body)
	if err != nil {
		return "", err
	}
	if a.status/100 != 2 {
		return "", a.failure()
	}
	return a.header.Get("ETag"), nil
}

// Delete removes a document; one that is missing is no error. A tag that is not empty must be the document's
// (ErrConflict). Other errors as for Put.
func (c *Client) Delete(ctx context.Context, who portal.Address, d Document, tag string) error {
	header := http.Header{}
	if tag != "" {
		header.Set("If-Match", tag)
	}
	a, err := c.ask(ctx, who, http.MethodDelete, c.URL(who, d), header, nil)
	switch {
	case err != nil:
		return err
	case a.status/100 == 2, a.status == http.StatusNotFound:
		return nil
	case a.status == http.StatusInternalServerError: // there are servers that say so where there is nothing
		if _, _, _, err := c.Get(ctx, who, d, ""); errors.Is(err, portal.ErrNotFound) {
			return nil
		}
	}
	return a.failure()
}

// Challenges asks without proof and gives what the server wants to see, so that secrets can be prepared for it.
func (c *Client) Challenges(ctx context.Context, who portal.Address) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := c.once(ctx, who, http.MethodGet, c.URL(who, Rules), http.Header{}, nil, "", "")
	if err != nil {
		return nil, err
	}
	return a.header.Values("WWW-Authenticate"), nil
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) failure() error {
	text := strings.Join(strings.Fields(string(a.body[:min(len(a.body), 200)])), " ")
	return &Error{Status: a.status, Meaning: meaning(a.status), Text: strings.ToValidUTF8(text, "?")}
}

// maxTries is how often one request is sent: without proof, with a nonce, with a fresh one where that was too old.
const maxTries = 3

// ask sends a request, with proof where it is asked for.
func (c *Client) ask(ctx context.Context, who portal.Address, method, target string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u, err := url.Parse(target)
	if err != nil {
		return answer{}, fmt.Errorf("xcap: %w: %w", portal.ErrInvalid, err)
	}
	var a answer
	var challenges []string
	for try := range maxTries {
		name, value := "", ""
		if c.Authorize != nil {
			if name, value, err = c.Authorize.Authorize(who, method, u.RequestURI(), challenges); err != nil {
				return answer{}, fmt.Errorf("xcap: %w: %w", portal.ErrForbidden, err)
			}
		}
		if a, err = c.once(ctx, who, method, target, header, body, name, value); err != nil {
			return answer{}, err
		}
		challenges = a.header.Values("WWW-Authenticate")
		if a.status != http.StatusUnauthorized || c.Authorize == nil || len(challenges) == 0 {
			break
		}
		if try > 0 && value != "" && !stale(challenges) { // a fresh nonce was refused: the secret is wrong
			break
		}
	}
	return a, nil
}

func stale(challenges []string) bool {
	return strings.Contains(strings.ReplaceAll(strings.ToLower(strings.Join(challenges, ",")), `"`, ""), "stale=true")
}

// once sends one request.
func (c *Client) once(ctx context.Context, who portal.Address, method, target string, header http.Header, body []byte, name, value string) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("xcap: %w: %w", portal.ErrInvalid, err)
	}
	req.Header = header.Clone()
	if value != "" {
		req.Header.Set(name, value)
	}
	x := Exchange{Who: who, At: time.Now(), Request: req, Sent: body}
	x.Response, x.Received, x.Err = c.roundTrip(req)
	if c.Watch != nil {
		c.Watch(x)
	}
	if x.Err != nil {
		return answer{}, x.Err
	}
	return answer{status: x.Response.StatusCode, header: x.Response.Header, body: x.Received}, nil
}

func (c *Client) roundTrip(req *http.Request) (*http.Response, []byte, error) {
	client := http.Client{Timeout: timeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("xcap: %w: %w", portal.ErrUnavailable, err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBytes+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return res, nil, fmt.Errorf("xcap: %w: %w", portal.ErrUnavailable, err)
	}
	if len(body) > MaxBytes {
		return res, nil, fmt.Errorf("xcap: %w: document of more than %d bytes", portal.ErrInvalid, MaxBytes)
	}
	return res, body, nil
}
