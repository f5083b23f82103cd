package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/portal"
	"portico/realtime"
)

func unlimited(s *settings) {
	s.web.APIRate, s.web.APIBurst, s.web.LiveRate, s.web.LiveBurst = 1e9, 1e9, 1e9, 1e9
}

// latencies gathers how long things took, and reports the median and the 99th percentile.
type latencies struct {
	mu   sync.Mutex
	took []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, d)
}

func (l *latencies) report(b *testing.B) {
	slices.Sort(l.took)
	b.ReportMetric(float64(l.took[len(l.took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(l.took[len(l.took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkAPIMessage: POST of one message until 202, that is until it is on disk.
func BenchmarkAPIMessage(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			h := buildHouse(b, unlimited)
			h.client.Transport = &http.Transport{MaxIdleConnsPerHost: callers}
			a := h.signIn(alice)
			var took latencies
			var next atomic.Int64
			b.ResetTimer()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						start := time.Now()
						if err := a.post202(i); err != nil {
							b.Error(err)
							return
						}
						took.add(time.Since(start))
					}
				})
			}
			all.Wait()
			took.report(b)
		})
	}
}

func (c caller) post202(i int64) error {
	req := c.request(c.h.t.Context(), http.MethodPost, messagesPath(alice), fmt.Appendf(nil, `{"id":"m%d","text":"hello there"}`, i))
	resp, err := c.h.client.Do(req)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// BenchmarkLiveMessage: from "send" on one person's connection to "message" on the other person's; the SIP
// side is a relay in memory, so this is the portal's own share of the way.
func BenchmarkLiveMessage(b *testing.B) {
	h := buildHouse(b, unlimited)
	from, _, err := h.signIn(alice).tryDial(protocolJSON, "")
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	go discard(from)
	to, _, err := h.signIn(bob).tryDial(protocolJSON, "")
	if err != nil {
		b.Fatal(err)
	}
	defer to.Close()
	var took latencies
	b.ResetTimer()
	for i := range b.N {
		id := fmt.Sprint("m", i)
		start := time.Now()
		frame := fmt.Appendf(nil, `{"op":"send","id":%q,"conversation":%q,"text":"hello there"}`, id, bob)
		if err := from.WriteMessage(websocket.TextMessage, frame); err != nil {
			b.Fatal(err)
		}
		for want := []byte(`"id":"` + id + `"`); ; {
			_, data, err := to.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			if bytes.Contains(data, want) {
				break
			}
		}
		took.add(time.Since(start))
	}
	took.report(b)
}

// discard reads a connection until it ends.
func discard(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

// BenchmarkRenderEvent: one event for one audience.
func BenchmarkRenderEvent(b *testing.B) {
	h := buildHouse(b, unlimited)
	l := h.server.Live()
	ev := portal.MessageEvent{Conversation: bob, ID: "m1", From: alice, Text: "see https://example.test/ for more :-)", At: time.Now(), State: portal.Pending, Order: 7}
	for name, encoding := range map[string]realtime.Encoding{"json": realtime.JSON, "html": realtime.HTML} {
		a := realtime.Audience{Encoding: encoding, Locale: "en", Zone: "UTC"}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(l.event(a, ev, 12)) == 0 {
					b.Fatal("nothing")
				}
			}
		})
	}
}

// BenchmarkPage: the contact page of a person with 50 contacts and a running conversation, over HTTP.
func BenchmarkPage(b *testing.B) {
	h := buildHouse(b, unlimited)
	a := h.browse(alice)
	for i := range 50 {
		got := a.send(http.MethodPut, fmt.Sprintf("/api/v1/contacts/p%d@example.test", i), map[string]string{"group": fmt.Sprint("Group ", i%5)})
		if got.status != http.StatusOK {
			b.Fatalf("%d %s", got.status, got.body)
		}
	}
	for i := range 50 {
		if got := a.send(http.MethodPost, messagesPath(bob), map[string]string{"text": fmt.Sprint("message ", i)}); got.status != http.StatusAccepted {
			b.Fatalf("%d %s", got.status, got.body)
		}
	}
	for _, path := range []string{"/contacts", "/chat/" + bob.Path()} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if got := a.send(http.MethodGet, path, nil); got.status != http.StatusOK {
					b.Fatalf("%d", got.status)
				}
			}
		})
	}
}
