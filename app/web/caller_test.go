package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// caller is a program that uses the API, or a browser without script. Everything it asks of the API is
// held to the OpenAPI document: what the server accepts and what it answers must be described there.
type caller struct {
	h      *house
	token  string // sent as a bearer token
	cookie *http.Cookie
	header map[string]string
}

// reply is an answer, read to its end.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	cookie []*http.Cookie
}

// contract is the OpenAPI document as a validator.
type contract struct {
	doc    *openapi3.T
	router routers.Router
	mu     sync.Mutex
	used   map[string]bool // operation ids that were called
}

func newContract(t testing.TB, document []byte) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatalf("the OpenAPI document: %v", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("the OpenAPI document's routes: %v", err)
	}
	return &contract{doc: doc, router: router, used: map[string]bool{}}
}

func (c caller) with(name, value string) caller {
	header := map[string]string{name: value}
	for k, v := range c.header {
		if k != name {
			header[k] = v
		}
	}
	c.header = header
	return c
}

// call sends body (nil, a string as it is, or a value as JSON) and expects status.
func (c caller) call(method, path string, body any, status int) *reply {
	c.h.t.Helper()
	got := c.send(method, path, body)
	if got.status != status {
		c.h.t.Fatalf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
	return got
}

func (c caller) send(method, path string, body any) *reply {
	c.h.t.Helper()
	data := encode(c.h.t, body)
	req := c.request(c.h.t.Context(), method, path, data)
	resp, err := c.h.client.Do(req)
	if err != nil {
		c.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		c.h.t.Fatal(err)
	}
	got := &reply{t: c.h.t, status: resp.StatusCode, header: resp.Header, body: read, cookie: resp.Cookies()}
	if strings.HasPrefix(path, apiPrefix+"/") && c.h.contract != nil {
		c.h.contract.check(c.h.t, req, data, got)
	}
	return got
}

func (c caller) request(ctx context.Context, method, path string, data []byte) *http.Request {
	var reader io.Reader
	if data != nil {
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.h.url+path, reader)
	if err != nil {
		c.h.t.Fatal(err)
	}
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.cookie != nil {
		req.AddCookie(&http.Cookie{Name: c.cookie.Name, Value: c.cookie.Value})
		if _, origin := c.header["Origin"]; !origin && c.header["Referer"] == "" && !safeMethod(method) {
			req.Header.Set("Sec-Fetch-Site", "same-origin") // as every browser says it of requests of its page
		}
	}
	for k, v := range c.header {
		if k == "Host" {
			req.Host = v
			continue
		}
		req.Header.Set(k, v)
	}
	return req
}

func encode(t testing.TB, body any) []byte {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	case []byte:
		return b
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// check holds one exchange to the document. Of what the server refused only the answer is checked.
func (k *contract) check(t testing.TB, req *http.Request, body []byte, got *reply) {
	t.Helper()
	route, params, err := k.router.FindRoute(req)
	if err != nil {
		if got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotImplemented &&
			got.status != http.StatusUnauthorized && got.status != http.StatusForbidden && got.status != http.StatusBadRequest {
			t.Errorf("%s %s answered %d, but is not in the document: %v", req.Method, req.URL.Path, got.status, err)
		}
		return
	}
	k.mu.Lock()
	k.used[route.Operation.OperationID] = true
	k.mu.Unlock()
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if got.status < 400 {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s %s was accepted, but the document would not have it: %v", req.Method, req.URL.Path, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: got.status, Header: got.header, Options: options}
	out.SetBodyBytes(unpacked(t, got))
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s answered %d %s, but the document would not have it: %v", req.Method, req.URL.Path, got.status, got.body, err)
	}
}

// unpacked is the answer's body without its content coding.
func unpacked(t testing.TB, got *reply) []byte {
	t.Helper()
	if got.header.Get("Content-Encoding") != "gzip" {
		return got.body
	}
	r, err := gzip.NewReader(bytes.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// into reads the answer's JSON.
func (r *reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%v in %s", err, r.body)
	}
}

// problem reads the answer as RFC 9457 asks and expects its reason.
func (r *reply) problem(reason string) problem {
	r.t.Helper()
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		r.t.Fatalf("the error is %s: %s", kind, r.body)
	}
	var p problem
	r.into(&p)
	if p.Reason != reason {
		r.t.Fatalf("reason %q, want %q: %s", p.Reason, reason, r.body)
	}
	if p.Status != r.status || p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") || p.Detail == "" || p.Title == "" {
		r.t.Errorf("incomplete problem: %s", r.body)
	}
	return p
}

// session is the cookie that an answer set.
func (r *reply) session(name string) *http.Cookie {
	r.t.Helper()
	for _, c := range r.cookie {
		if c.Name == name {
			return c
		}
	}
	r.t.Fatalf("no cookie %q in %v", name, r.header["Set-Cookie"])
	return nil
}
