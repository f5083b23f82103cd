package realtime

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

// incoming counts what is read of a connection.
type incoming struct {
	net.Conn
	bytes atomic.Int64
}

func (c *incoming) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// dialPacked opens a WebSocket that offers permessage-deflate, as browsers do.
func (d *house) dialPacked(t testing.TB, person portal.Address) (*websocket.Conn, *incoming) {
	t.Helper()
	var wire *incoming
	dialer := websocket.Dialer{EnableCompression: true, NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		wire = &incoming{Conn: c}
		return wire, err
	}}
	ws, resp, err := dialer.Dial("ws"+strings.TrimPrefix(d.web.URL, "http")+"/?person="+person.Bare(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); !strings.Contains(got, "permessage-deflate") {
		t.Fatalf("extensions %q", got)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return ws, wire
}

// TestFramesArePackedForThoseWhoTakeThem: who offers it reads the same as who does not, of every length that frames write in
// another way, singly and gathered, in a fraction of the bytes; what would not get smaller goes as it is.
func TestFramesArePackedForThoseWhoTakeThem(t *testing.T) {
	d := newHouse(t, Options{})
	plain := d.dial(t, alice, "")
	packed, wire := d.dialPacked(t, alice)
	expect(t, plain, "hello 0")
	expect(t, packed, "hello 0")

	noise := make([]byte, 2000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random.IntN(64)]
	}
	page := strings.Repeat(`<live-part data-do="replace" data-key="status:sip:bob@example.test">`, 40)
	said := []string{"short", strings.Repeat("x", packFrom-1), strings.Repeat("x", packFrom), page, string(noise), strings.Repeat(page, 40), "", "grüße 🙂 " + page}
	long, before := 0, wire.bytes.Load()
	for range 20 {
		for _, text := range said {
			d.hub.Send([]portal.Address{alice}, NewFrame(0, "", func(Audience) []byte { return []byte(text) }))
			long += len(text)
		}
		for _, text := range said {
			if text == "" {
				continue // nothing for this audience is nothing on the wire
			}
			for who, ws := range map[string]*websocket.Conn{"plain": plain, "packed": packed} {
				if got := next(t, ws); got != text {
					t.Fatalf("%s: got %d bytes %.60q, want %d bytes %.60q", who, len(got), got, len(text), text)
				}
			}
		}
	}
	if took := int(wire.bytes.Load() - before); took > long/20 {
		t.Errorf("%d bytes on the wire for %d", took, long)
	}
	// Both go on, in the other direction too.
	for _, ws := range []*websocket.Conn{plain, packed} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(page)); err != nil {
			t.Fatal(err)
		}
		expect(t, ws, "got "+page)
	}
}

// TestAPackedMessageIsMeasuredUnpacked: some hundred bytes that unpack to more than may be said end their own connection and no other.
func TestAPackedMessageIsMeasuredUnpacked(t *testing.T) {
	d := newHouse(t, Options{})
	other := d.dial(t, bob, "")
	expect(t, other, "hello 0")
	ws, _ := d.dialPacked(t, alice)
	expect(t, ws, "hello 0")
	for _, n := range []int{MaxClientFrame, MaxClientFrame + 1, 4 * MaxClientFrame} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("a", n))); err != nil {
			t.Fatal(err)
		}
		if n == MaxClientFrame {
			expect(t, ws, "got "+strings.Repeat("a", n))
			continue
		}
		_, _, err := ws.ReadMessage()
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != websocket.CloseMessageTooBig {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		ws, _ = d.dialPacked(t, alice)
		expect(t, ws, "hello 0")
	}
	if err := other.WriteMessage(websocket.TextMessage, []byte("here")); err != nil {
		t.Fatal(err)
	}
	expect(t, other, "got here")
}

// TestOffersDeflate: taken up is what browsers offer; what asks for limits that are not kept, and what is not well-formed, is not.
func TestOffersDeflate(t *testing.T) {
	for offer, want := range map[string]bool{
		"permessage-deflate; client_max_window_bits": true, // Chromium
		"permessage-deflate":                         true, // Firefox, Safari
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover": true,
		"permessage-deflate;client_max_window_bits , permessage-deflate":             true,
		"permessage-deflate; server_max_window_bits=10":                              false,
		"permessage-deflate; client_max_window_bits=\"8":                             false,
		"x-webkit-deflate-frame, permessage-deflate":                                 false,
		"permessage-deflate2":  false,
		"; permessage-deflate": false,
		"permessage-deflate;":  false,
		"":                     false,
	} {
		if got := OffersDeflate(http.Header{"Sec-Websocket-Extensions": {offer}}); got != want {
			t.Errorf("%q: %t", offer, got)
		}
	}
	if OffersDeflate(http.Header{}) || OffersDeflate(http.Header{"Sec-Websocket-Extensions": {"permessage-deflate", "permessage-deflate"}}) {
		t.Error("no offer, or several, was taken up")
	}
}

// BenchmarkPack: what packing one frame costs, whoever and how many read it.
func BenchmarkPack(b *testing.B) {
	p := newPacker().(*packer)
	for _, n := range []int{4, 16, 64} {
		var body strings.Builder
		for i := range n {
			fmt.Fprintf(&body, `<live-part data-do="replace" data-key="status:sip:colleague%d@example.test"><span class="presence-word" data-p="busy">Busy</span></live-part>`, i)
		}
		b.Run(fmt.Sprint(body.Len()), func(b *testing.B) {
			b.ReportAllocs()
			packed := 0
			for b.Loop() {
				packed = len(p.pack([]byte(body.String())))
			}
			b.ReportMetric(float64(packed)/float64(body.Len()), "packed/plain")
		})
	}
}

// FuzzOffersDeflate: whatever is offered, what this package takes up the library has agreed on with the peer too; else frames would
// be packed for one who does not expect it.
func FuzzOffersDeflate(f *testing.F) {
	for _, offer := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate;;", "permessage-deflate; client_max_window_bits=\"1\", x",
		"permessage-deflate, permessage-deflate; server_max_window_bits=9", " permessage-deflate ;\tclient_no_context_takeover", "x, permessage-deflate", "",
	} {
		f.Add(offer)
	}
	f.Fuzz(func(t *testing.T, offer string) {
		offer = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7f {
				return -1 // net/http lets none of these into a header
			}
			return r
		}, offer)
		req := httptest.NewRequest(http.MethodGet, "/ws", nil)
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions": offer,
		} {
			req.Header.Set(name, value)
		}
		if !OffersDeflate(req.Header) {
			return
		}
		near, far := net.Pipe()
		defer far.Close()
		answer := make(chan string, 1)
		go func() {
			resp, err := http.ReadResponse(bufio.NewReader(far), req)
			if err != nil {
				answer <- err.Error()
				return
			}
			answer <- resp.Header.Get("Sec-WebSocket-Extensions")
		}()
		up := Upgrader()
		up.EnableCompression = true
		ws, err := up.Upgrade(&hijacked{conn: near}, req, nil)
		if err != nil {
			t.Fatalf("%q: %v", offer, err)
		}
		defer ws.Close()
		if got := <-answer; !strings.HasPrefix(got, "permessage-deflate") {
			t.Errorf("%q was taken up, and the peer was told %q", offer, got)
		}
	})
}
