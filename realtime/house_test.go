package realtime

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(crowdEnv); spec != "" {
		os.Exit(crowdMain(spec)) // the browsers of a benchmark
	}
	goleak.VerifyTestMain(m)
}

// house is a door with a log that keeps what is said, as the real one does, in memory.
type house struct {
	hub *Hub
	web *httptest.Server

	mu       sync.Mutex
	log      []entry
	pruned   int64 // numbers up to this one are no longer kept
	current  map[string]string
	got      []string
	attached int
	// onReplay, if set, runs after each batch was read from the log: what happens in between.
	onReplay func()
}

type entry struct {
	seq  int64
	to   portal.Address
	text string
}

var alice, bob = portal.MustAddress("alice@example.test"), portal.MustAddress("bob@example.test")

func newHouse(t testing.TB, o Options) *house {
	t.Helper()
	return newHouseOf(t, NewHub(o), func(*Client) {})
}

// newHouseOf is a house around a hub, whose clients adjust makes.
func newHouseOf(t testing.TB, hub *Hub, adjust func(*Client)) *house {
	t.Helper()
	d := &house{hub: hub, current: map[string]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.hub.Run(ctx) }()
	up := Upgrader()
	d.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		c := Client{Person: portal.MustAddress(q.Get("person")), Session: q.Get("session"), ID: q.Get("id")}
		if _, err := fmt.Sscan(q.Get("since"), &c.Since); err == nil {
			c.HasSince = true
		}
		adjust(&c)
		if q.Get("sse") != "" {
			if err := d.hub.ServeEvents(r.Context(), w, c, d); err != nil {
				t.Logf("event stream: %v", err)
			}
			return
		}
		up, packed := up, OffersDeflate(r.Header)
		up.EnableCompression, c.Packed = packed, packed
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		d.hub.ServeWebSocket(ws, c, d)
	}))
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("hub: %v", err)
		}
		d.web.Close()
	})
	return d
}

func text(s string) func(Audience) []byte { return func(Audience) []byte { return []byte(s) } }

// say stores a durable event and sends it, as storage's sink does after its commit.
func (d *house) say(to portal.Address, s string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	seq := d.pruned + int64(len(d.log)) + 1
	d.log = append(d.log, entry{seq, to, s})
	d.hub.Send([]portal.Address{to}, NewFrame(seq, "", text(fmt.Sprintf("%d %s", seq, s))))
	return seq
}

func (d *house) Hello(context.Context, Client) (*Frame, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	head := d.pruned + int64(len(d.log))
	return NewAnswer(fmt.Appendf(nil, "hello %d", head)), head, nil
}

func (d *house) Replay(_ context.Context, c Client, since int64) ([]*Frame, bool, error) {
	d.mu.Lock()
	resync := since < d.pruned
	var out []*Frame
	for _, e := range d.log {
		if e.seq > since && e.to == c.Person && len(out) < 100 {
			out = append(out, NewFrame(e.seq, "", text(fmt.Sprintf("%d %s", e.seq, e.text))))
		}
	}
	hook := d.onReplay
	d.mu.Unlock()
	if hook != nil {
		hook()
	}
	return out, resync, nil
}

func (d *house) Snapshot(context.Context, Client) ([]*Frame, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*Frame
	for k, v := range d.current {
		out = append(out, NewFrame(0, k, text(v)))
	}
	return out, nil
}

func (d *house) Resync(Client) *Frame { return NewAnswer([]byte("resync")) }

func (d *house) Bye(_ Client, reason string, after time.Duration) *Frame {
	b, err := json.Marshal(map[string]any{"bye": reason, "after": after.Milliseconds()})
	if err != nil {
		panic(err)
	}
	return NewAnswer(b)
}

func (d *house) Receive(_ context.Context, _ Client, b []byte) *Frame {
	d.mu.Lock()
	d.got = append(d.got, string(b))
	d.mu.Unlock()
	return NewAnswer(append([]byte("got "), b...))
}

func (d *house) Attached(Client) { d.mu.Lock(); d.attached++; d.mu.Unlock() }
func (d *house) Detached(Client) { d.mu.Lock(); d.attached--; d.mu.Unlock() }

func (d *house) present() int { d.mu.Lock(); defer d.mu.Unlock(); return d.attached }

// dial opens a WebSocket as person; query is further parameters.
func (d *house) dial(t testing.TB, person portal.Address, query string) *websocket.Conn {
	t.Helper()
	u := "ws" + strings.TrimPrefix(d.web.URL, "http") + "/?person=" + person.Bare() + "&" + query
	ws, resp, err := websocket.DefaultDialer.Dial(u, nil)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatalf("close body: %v", err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return ws
}

// patience bounds every wait in these tests; what is waited for happens long before.
const patience = time.Minute

// next reads one frame.
func next(t testing.TB, ws *websocket.Conn) string {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, b, err := ws.ReadMessage()
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(b)
}

func expect(t testing.TB, ws *websocket.Conn, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t, ws); got != w {
			t.Fatalf("got frame %q, want %q", got, w)
		}
	}
}

// until waits for a condition that another goroutine brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// events reads a stream of server-sent events: what was in data, and the last id.
type events struct {
	resp *http.Response
	r    *bufio.Scanner
	id   string
}

func (d *house) stream(t testing.TB, person portal.Address, query string) *events {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.web.URL+"/?sse=1&person="+person.Bare()+"&"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close(); http.DefaultClient.CloseIdleConnections() })
	return &events{resp: resp, r: bufio.NewScanner(resp.Body)}
}

// next gives the next event's data, or false when the stream has ended.
func (e *events) next() (string, bool) {
	var data []string
	for e.r.Scan() {
		line := e.r.Text()
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			e.id = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, v)
		}
		if line == "" && data != nil {
			return strings.Join(data, "\n"), true
		}
	}
	return "", false
}
