package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience bounds every wait in these tests; what is waited for happens long before.
const patience = time.Minute

// browser is a live connection as a test sees it.
type browser struct {
	t      testing.TB
	ws     *websocket.Conn
	frames chan map[string]any // closed when the connection ends
	raw    chan string         // the same as text, for the HTML encoding
	closed chan int            // its close code, 0 if it just broke
	over   chan struct{}       // closed when the test is: what nobody takes any more is dropped
}

// dial opens a live connection as c, with the headers a page of this server sends.
func (c caller) dial(protocol, query string) *browser {
	c.h.t.Helper()
	ws, resp, err := c.tryDial(protocol, query)
	if err != nil {
		c.h.t.Fatalf("dial: %v (%v)", err, resp)
	}
	return c.reading(ws)
}

// reading reads what comes on an open connection until the test ends.
func (c caller) reading(ws *websocket.Conn) *browser {
	b := &browser{t: c.h.t, ws: ws, frames: make(chan map[string]any, 4096), raw: make(chan string, 4096), closed: make(chan int, 1), over: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.read()
	}()
	c.h.t.Cleanup(func() {
		close(b.over)
		_ = ws.Close() // closing twice is fine
		<-done
	})
	return b
}

// tryDial is dial for connections that may be refused; the response's body is read.
func (c caller) tryDial(protocol, query string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
	if c.cookie != nil {
		header.Set("Cookie", c.cookie.Name+"="+c.cookie.Value)
		header.Set("Origin", c.h.url)
	}
	for k, v := range c.header {
		header.Set(k, v)
		if v == "" {
			header.Del(k)
		}
	}
	d := websocket.Dialer{HandshakeTimeout: patience}
	if protocol != "" {
		d.Subprotocols = strings.Split(protocol, ",")
	}
	return d.DialContext(c.h.t.Context(), "ws"+strings.TrimPrefix(c.h.url, "http")+"/ws"+query, header)
}

func (b *browser) read() {
	defer close(b.frames)
	defer close(b.raw)
	for {
		_, data, err := b.ws.ReadMessage()
		if err != nil {
			code := 0
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				code = closed.Code
			}
			b.closed <- code
			return
		}
		var frame map[string]any
		if json.Unmarshal(data, &frame) == nil {
			pass(b.frames, frame, b.over)
		} else {
			pass(b.raw, string(data), b.over)
		}
	}
}

// pass hands v to whoever takes it from to, unless it is over.
func pass[V any](to chan<- V, v V, over <-chan struct{}) {
	select {
	case to <- v:
	case <-over:
	}
}

// next waits for the next event of one of these names; others are passed over.
func (b *browser) next(names ...string) map[string]any {
	b.t.Helper()
	return b.until(func(f map[string]any) bool {
		for _, name := range names {
			if f["event"] == name {
				return true
			}
		}
		return false
	}, strings.Join(names, " or "))
}

// until waits for a frame that is as wanted.
func (b *browser) until(wanted func(map[string]any) bool, what string) map[string]any {
	b.t.Helper()
	deadline := time.After(patience)
	var seen []any // the last few
	for {
		select {
		case f, open := <-b.frames:
			if !open {
				b.t.Fatalf("the connection ended before %s; seen %v", what, seen)
			}
			if wanted(f) {
				return f
			}
			if seen = append(seen, f); len(seen) > 5 {
				seen = seen[1:]
			}
		case <-deadline:
			b.t.Fatalf("no %s; seen %v", what, seen)
		}
	}
}

// quietUntilPong expects that nothing but current values comes before the answer to a ping: whatever
// was sent before has had no effect that this connection could see.
func (b *browser) quietUntilPong() {
	b.t.Helper()
	b.send(map[string]any{"op": "ping"})
	for {
		f := b.until(func(map[string]any) bool { return true }, "pong")
		switch f["event"] {
		case "pong":
			return
		case "presence", "typing", "counts", "line", "exchange", "reminder":
		default:
			b.t.Fatalf("unexpected %v", f)
		}
	}
}

func (b *browser) send(v any) {
	b.t.Helper()
	if err := b.ws.WriteMessage(websocket.TextMessage, encode(b.t, v)); err != nil {
		b.t.Fatalf("send: %v", err)
	}
}

// end waits for the connection's end and gives its close code.
func (b *browser) end() int {
	b.t.Helper()
	select {
	case code := <-b.closed:
		return code
	case <-time.After(patience):
		b.t.Fatal("the connection did not end")
		return 0
	}
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-tick.C
	}
}
