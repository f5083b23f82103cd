package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// events is an open stream of server-sent events.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

type sent struct {
	id   string
	data map[string]any
}

func (c caller) events(t *testing.T, query string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	req := c.request(ctx, "GET", "/api/v1/events"+query, nil)
	resp, err := (&http.Client{Transport: c.h.client.Transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	e := &events{t: t, lines: bufio.NewScanner(resp.Body), close: func() { cancel(); resp.Body.Close() }}
	t.Cleanup(e.close)
	return e
}

// next is the next event of that name; others are passed over.
func (e *events) next(name string) sent {
	e.t.Helper()
	var one sent
	for e.lines.Scan() {
		switch line := e.lines.Text(); {
		case line == "":
			if one.data["event"] == name {
				return one
			}
			one = sent{}
		case strings.HasPrefix(line, "id: "):
			one.id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[len("data: "):]), &one.data); err != nil {
				e.t.Fatalf("%v in %s", err, line)
			}
		}
	}
	e.t.Fatalf("the stream ended before %s: %v", name, e.lines.Err())
	return one
}

func TestEventStream(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	first := a.events(t, "")
	hello := first.next("hello")
	if hello.id != "" {
		t.Errorf("hello has the id %q", hello.id)
	}
	var ids []string
	for i := range 3 {
		a.call("POST", messagesPath(alice), map[string]string{"id": fmt.Sprint("m", i), "text": "line one\nline two"}, 202)
		got := first.next("message")
		if got.data["id"] != fmt.Sprint("m", i) || got.data["text"] != "line one\nline two" || got.id != fmt.Sprint(int64(got.data["seq"].(float64))) {
			t.Errorf("event %+v", got)
		}
		ids = append(ids, got.id)
	}
	first.close()

	// A browser goes on from Last-Event-ID, whatever since the page had.
	again := a.with("Last-Event-ID", ids[1]).events(t, "?since=0")
	if got := again.next("message"); got.data["id"] != "m2" {
		t.Errorf("after %s came %+v", ids[1], got)
	}
	bySince := a.events(t, "?since="+ids[0])
	if got := bySince.next("message"); got.data["id"] != "m1" {
		t.Errorf("after %s came %+v", ids[0], got)
	}
	h.guest().call("GET", "/api/v1/events", nil, 401).problem("unauthenticated")

	// Signing out ends the stream with bye.
	a.call("DELETE", "/api/v1/session", nil, 204)
	if bye := bySince.next("bye"); bye.data["reason_key"] != "session-ended" {
		t.Errorf("bye %+v", bye)
	}
}

// The pages' own fallback: the same fragments as over the WebSocket.
func TestEventStreamAsHTML(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	stream := a.events(t, "?encoding=html&since=0")
	a.with("Origin", h.url).call("POST", messagesPath(alice), map[string]string{"id": "m1", "text": "<i>one</i>"}, 202)
	hello, message := false, false
	for !message && stream.lines.Scan() {
		line := stream.lines.Text()
		hello = hello || strings.Contains(line, `<live-event data-event="hello"`)
		if strings.Contains(line, "<i>one") {
			t.Fatalf("not escaped: %s", line)
		}
		message = strings.Contains(line, "&lt;i&gt;one")
	}
	if !hello || !message {
		t.Errorf("hello %v, message %v: %v", hello, message, stream.lines.Err())
	}
	a.call("GET", "/api/v1/events?encoding=xml", nil, 400).problem("live.protocol")
}

// Input and the people of interest are told by request for a stream, which only goes one way.
func TestWhatAStreamSaysByRequest(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	watching := b.dial(protocolJSON, "")
	watching.next("hello")
	watching.send(map[string]any{"op": "watch", "uris": []string{string(alice)}})
	a.call("POST", "/api/v1/me/watch", `{"uris":["bob@example.test"]}`, 409).problem("live.no-stream")
	stream := a.events(t, "")
	stream.next("hello")
	a.call("POST", "/api/v1/me/watch", `{"uris":["bob@example.test"]}`, 204)
	for stream.next("presence").data["uri"] != string(bob) {
		continue // own presence comes first
	}
	is := func(activity any) {
		t.Helper()
		watching.until(func(f map[string]any) bool {
			return f["uri"] == string(alice) && f["availability"] != "offline" && f["activity"] == activity
		}, fmt.Sprint("alice ", activity))
	}
	a.call("POST", "/api/v1/me/activity", `{"active":false}`, 204)
	is("inactive")
	a.call("POST", "/api/v1/me/activity", `{"active":true}`, 204)
	is("")
	a.call("POST", "/api/v1/me/activity", `{}`, 400).problem("json.type")
	a.call("POST", "/api/v1/me/watch", `{}`, 400).problem("json.type")
	a.call("POST", "/api/v1/me/watch", `{"uris":["x"]}`, 400).problem("address.form")
	a.call("POST", "/api/v1/me/watch", `{"uris":[],"conversation":"x"}`, 400).problem("address.form")
	a.call("POST", "/api/v1/me/watch", `{"uris":["bob@example.test"],"conversation":"bob@example.test"}`, 204)
	stream.close()
	eventually(t, "the stream is forgotten", func() bool { return h.hub.Online(alice) == 0 })
	a.call("POST", "/api/v1/me/activity", `{"active":true}`, 204)
}
