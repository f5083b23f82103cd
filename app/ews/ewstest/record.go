package ewstest

// Listens to a test's EWS traffic, at the client's transport or at the server's handler, and at the test's end holds
// all that was said against the schema.

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// recordLimit bounds the bytes that a recorder keeps; what comes after it fails the test, because it could not be
// validated.
const recordLimit = 256 << 20

// Said is which side of the conversation a recorder keeps.
type Said int

// The sides.
const (
	Both     Said = iota
	Requests      // what the client said
	Answers       // what the server said
)

// Recorder collects envelopes. It may be used from any goroutine.
type Recorder struct {
	which Said

	mu        sync.Mutex
	envelopes [][]byte
	bytes     int
	lost      int
}

// Record starts to collect, and validates all that was collected at the test's end. Where the schema or the validator
// is not at hand nothing is validated and the test says so; where the schema is at hand and peers are required a
// missing validator fails the test.
func Record(t testing.TB, which Said) *Recorder {
	t.Helper()
	r := &Recorder{which: which}
	dir, err := findSchema()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Logf("nothing is validated: no EWS schema at hand (%s)", SchemaFolder)
		return r
	}
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		if requirePeers() {
			missing(t, "xmllint", "libxml2-utils")
		}
		t.Log("nothing is validated: needs xmllint (Debian package libxml2-utils)")
		return r
	}
	tmp := t.TempDir()
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.lost > 0 {
			t.Errorf("%d envelopes were not kept: more than %d bytes", r.lost, recordLimit)
		}
		for _, fault := range validate(tmp, dir, lint, r.envelopes) {
			t.Error(fault)
		}
	})
	return r
}

// Count is how many messages were collected so far, a stream being one.
func (r *Recorder) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.envelopes)
}

// Seen says whether a collected message contains the text.
func (r *Recorder) Seen(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.envelopes {
		if bytes.Contains(e, []byte(text)) {
			return true
		}
	}
	return false
}

// keep adds one message.
func (r *Recorder) keep(data []byte) {
	if len(bytes.TrimSpace(data)) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes += len(data); r.bytes > recordLimit {
		r.lost++
		return
	}
	r.envelopes = append(r.envelopes, bytes.Clone(data))
}

// request and answer keep one side, if it is wanted.
func (r *Recorder) request(data []byte) {
	if r.which != Answers {
		r.keep(data)
	}
}

func (r *Recorder) answer(contentType string, data []byte) {
	// A page of an error in between, or a photo, is no envelope.
	if r.which != Requests && strings.HasPrefix(contentType, "text/xml") && bytes.Contains(data, []byte(soapNS)) {
		r.keep(data)
	}
}

// isEWS says whether a request is for the service, and not for Autodiscover or a photo.
func isEWS(req *http.Request) bool {
	return req.Method == http.MethodPost && strings.HasSuffix(strings.ToLower(req.URL.Path), "/exchange.asmx")
}

// Transport listens at a client: what goes through next (nil: the default transport) is collected. An answer that is
// cut, or not read to its end, is not.
func (r *Recorder) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return transport{r, next}
}

type transport struct {
	r    *Recorder
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isEWS(req) {
		return t.next.RoundTrip(req)
	}
	if req.Body != nil && req.Body != http.NoBody {
		body, err := io.ReadAll(req.Body)
		if closeErr := req.Body.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
		t.r.request(body)
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &readTee{ReadCloser: resp.Body, whole: func(b []byte) { t.r.answer(resp.Header.Get("Content-Type"), b) }}
	return resp, nil
}

// readTee remembers what is read and hands it over at the end.
type readTee struct {
	io.ReadCloser
	got   bytes.Buffer
	whole func([]byte)
}

// Read implements io.Reader.
func (t *readTee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.got.Write(p[:n])
	if err == io.EOF && t.whole != nil {
		t.whole(t.got.Bytes())
		t.whole = nil
	}
	return n, err
}

// Handler listens at a server: what it is asked and what it answers is collected. An answer that ends in a panic, as
// one that is cut on purpose does, is not.
func (r *Recorder) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !isEWS(req) {
			next.ServeHTTP(w, req)
			return
		}
		in := &readTee{ReadCloser: req.Body, whole: r.request}
		req.Body = in
		out := &writeTee{ResponseWriter: w}
		next.ServeHTTP(out, req)
		r.answer(w.Header().Get("Content-Type"), out.got.Bytes())
	})
}

// writeTee remembers what is written.
type writeTee struct {
	http.ResponseWriter
	got bytes.Buffer
}

// Write implements io.Writer.
func (t *writeTee) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.got.Write(p[:n])
	return n, err
}

// Flush implements http.Flusher, for streams.
func (t *writeTee) Flush() {
	// A server that cannot flush delays the stream; the test sees that as its reader does.
	_ = http.NewResponseController(t.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (t *writeTee) Unwrap() http.ResponseWriter { return t.ResponseWriter }
