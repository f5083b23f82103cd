package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// client is somebody who uses the JSON API and the live channel.
type client struct {
	t     testing.TB
	base  string
	who   string
	token string
	http  *http.Client
}

// signIn signs an example person in.
func (p *program) signIn(user string) *client {
	p.t.Helper()
	c := &client{t: p.t, base: p.url, who: "sip:" + user + "@example.test", http: &http.Client{Timeout: longest}}
	p.t.Cleanup(c.http.CloseIdleConnections)
	var got struct{ Token string }
	if status := c.call(http.MethodPost, "/session", map[string]string{"sip": c.who, "password": labPassword}, &got); status != http.StatusOK || got.Token == "" {
		p.t.Fatalf("sign-in of %s: status %d", user, status)
	}
	c.token = got.Token
	return c
}

// call makes an API call and reads the answer into out, where there is one to read.
func (c *client) call(method, path string, in, out any) int {
	c.t.Helper()
	status, err := c.try(method, path, in, out)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status
}

// try is call for a portal that may be away.
func (c *client) try(method, path string, in, out any) (int, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.base+"/api/v1"+path, body)
	if err != nil {
		return 0, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	} else {
		req.Header.Set("Sec-Fetch-Site", "same-origin") // as a browser's page says it
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(b, out); err != nil {
			return 0, fmt.Errorf("answer %q: %w", b, err)
		}
	}
	return resp.StatusCode, nil
}

func person(user string) string { return url.PathEscape("sip:" + user + "@example.test") }

// said is a message as the API tells it.
type said struct {
	ID, From, Text, State, Reason string
	Order                         int64
}

func (c *client) say(user, id, text string) {
	c.t.Helper()
	if status := c.call(http.MethodPost, "/conversations/"+person(user)+"/messages", map[string]string{"id": id, "text": text}, nil); status != http.StatusAccepted {
		c.t.Fatalf("say %s: status %d", id, status)
	}
}

func (c *client) messages(user string) []said {
	c.t.Helper()
	var out []said
	if status := c.call(http.MethodGet, "/conversations/"+person(user)+"/messages?limit=100", nil, &out); status != http.StatusOK {
		c.t.Fatalf("messages: status %d", status)
	}
	return out
}

func (c *client) state(user, id string) string {
	c.t.Helper()
	for _, m := range c.messages(user) {
		if m.ID == id {
			return m.State
		}
	}
	return ""
}

func (c *client) availability(user string) string {
	c.t.Helper()
	var got struct{ Availability string }
	if status := c.call(http.MethodGet, "/presence/"+person(user), nil, &got); status != http.StatusOK {
		c.t.Fatalf("presence: status %d", status)
	}
	return got.Availability
}

// event is a frame of the live channel.
type event struct {
	Event, ID, Conversation, From, Text, State, Reason, URI, Availability, Change string
	Seq                                                                           int64
	Typing                                                                        bool
	Calls, Voicemail                                                              int
	ReconnectAfterMS                                                              int64 `json:"reconnect_after_ms"`
}

// live is an open live channel.
type live struct {
	t  testing.TB
	ws *websocket.Conn
}

// live opens the live channel; since below zero starts with what comes.
func (c *client) live(since int64) *live {
	c.t.Helper()
	l, err := c.dial(since)
	if err != nil {
		c.t.Fatalf("live channel: %v", err)
	}
	c.t.Cleanup(func() { _ = l.ws.Close() })
	return l
}

func (c *client) dial(since int64) (*live, error) {
	u := "ws" + strings.TrimPrefix(c.base, "http") + "/ws"
	if since >= 0 {
		u += fmt.Sprintf("?since=%d", since)
	}
	d := websocket.Dialer{Subprotocols: []string{"portico.json.v1"}, HandshakeTimeout: longest}
	ws, resp, err := d.Dial(u, http.Header{"Authorization": {"Bearer " + c.token}})
	if err != nil {
		return nil, err
	}
	return &live{c.t, ws}, resp.Body.Close()
}

// next reads one event.
func (l *live) next(limit time.Duration) (event, error) {
	var e event
	if err := l.ws.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return e, err
	}
	_, b, err := l.ws.ReadMessage()
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("frame %q: %w", b, err)
	}
	return e, nil
}

// until reads events until one is as wanted, and gives it.
func (l *live) until(what string, ok func(event) bool) event {
	l.t.Helper()
	deadline := time.Now().Add(longest)
	for {
		e, err := l.next(time.Until(deadline))
		if err != nil {
			l.t.Fatalf("waiting for %s: %v", what, err)
		}
		if ok(e) {
			return e
		}
	}
}

func (l *live) send(op map[string]any) {
	l.t.Helper()
	if err := l.ws.WriteJSON(op); err != nil {
		l.t.Fatal(err)
	}
}
