package realtime

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

// counted is a connection that counts what is written to it by itself.
type counted struct {
	net.Conn
	writes atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) { c.writes.Add(1); return c.Conn.Write(b) }

// TestWhatHasGatheredIsWrittenTogether: what came while a connection was busy arrives whole, once and in order, of every length that
// frames write in another way, by few writes; pongs in between do not break it.
func TestWhatHasGatheredIsWrittenTogether(t *testing.T) {
	d := newHouse(t, Options{})
	near, far := tcpPair(t)
	wire := &counted{Conn: near}
	server, client := handshake(t, wire, far)
	const n = 400
	said := func(i int) string {
		return fmt.Sprint(i, " ", strings.Repeat("x", map[int]int{7: 121, 8: 122, 9: 124, 10: 70_000, 11: 65_533, 12: 65_532}[i]))
	}
	d.onReplay = sync.OnceFunc(func() {
		for i := range n {
			body := []byte(said(i))
			d.hub.Send([]portal.Address{alice}, NewFrame(0, "", func(Audience) []byte {
				if i%10 == 5 {
					return nil // not for this audience
				}
				return body
			}))
		}
	})
	pongs := make(chan struct{}, n)
	client.SetPongHandler(func(string) error { pongs <- struct{}{}; return nil })
	before := wire.writes.Load()
	d.hub.ServeWebSocket(server, Client{Person: alice}, d)
	expect(t, client, "hello 0")
	for i := range n {
		if i%10 == 5 {
			continue
		}
		if i%50 == 0 {
			if err := client.WriteControl(websocket.PingMessage, []byte("?"), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := next(t, client), said(i); got != want {
			t.Fatalf("frame %d is %.40q of %d bytes, want %.40q of %d", i, got, len(got), want, len(want))
		}
	}
	if err := client.WriteMessage(websocket.TextMessage, []byte("end")); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "got end")
	if len(pongs) != n/50 {
		t.Errorf("%d pongs to %d pings", len(pongs), n/50)
	}
	// hello, the end and the pongs are by themselves; the rest is some 200 kB.
	if writes := wire.writes.Load() - before; writes > 2+n/50+20 {
		t.Errorf("%d writes", writes)
	}
}

// TestAStreamOfEventsIsWrittenTogether: the same of server-sent events, with their numbers.
func TestAStreamOfEventsIsWrittenTogether(t *testing.T) {
	d := newHouse(t, Options{})
	const n = 150
	d.onReplay = sync.OnceFunc(func() {
		for i := range n {
			d.say(alice, fmt.Sprint("line\n", i))
		}
	})
	e := d.stream(t, alice, "")
	for i := -1; i < n; i++ {
		want := "hello 0"
		if i >= 0 {
			want = fmt.Sprintf("%d line\n%d", i+1, i)
		}
		if got, ok := e.next(); !ok || got != want {
			t.Fatalf("event %d is %q, want %q", i, got, want)
		}
		if i >= 0 && e.id != fmt.Sprint(i+1) {
			t.Fatalf("event %d has the number %s", i, e.id)
		}
	}
}

// TestAFullQueueEndsItsConnection: one frame more than may wait, while nothing is written, and the connection is to end as too slow.
func TestAFullQueueEndsItsConnection(t *testing.T) {
	slow := 0
	h := NewHub(Options{Slow: func() { slow++ }})
	c := h.newConn(Client{Person: alice}, &house{}, &stream{})
	defer c.finish()
	c.kick, c.live = func() {}, true
	for i := range int64(maxDurable) {
		c.send(NewFrame(i+1, "", text("said")))
	}
	if slow != 0 || c.leaving != "" {
		t.Fatalf("%d times too slow, %q, with what may wait", slow, c.leaving)
	}
	c.send(NewFrame(maxDurable+1, "", text("said")))
	if slow != 1 || c.leaving != ReasonTooSlow || !c.queue.empty() {
		t.Errorf("%d times too slow, %q", slow, c.leaving)
	}
	if c.send(NewFrame(maxDurable+2, "", text("said"))); !c.queue.empty() {
		t.Error("something waits for a connection that is to end")
	}
}
