package realtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

func TestANewConnectionGetsWhatIsSaidFromNowOn(t *testing.T) {
	d := newHouse(t, Options{})
	d.say(alice, "before")
	ws := d.dial(t, alice, "")
	expect(t, ws, "hello 1")
	d.say(bob, "not for alice")
	d.say(alice, "after")
	expect(t, ws, "3 after")
}

func TestAReturningConnectionGetsWhatItMissedOnceAndInOrder(t *testing.T) {
	d := newHouse(t, Options{})
	var want []string
	for i := range 250 { // more than one batch of the log
		seq := d.say(alice, fmt.Sprint(i))
		if seq > 7 {
			want = append(want, fmt.Sprintf("%d %d", seq, i))
		}
	}
	ws := d.dial(t, alice, "since=7")
	expect(t, ws, "hello 250")
	expect(t, ws, want...)
	d.say(alice, "live")
	expect(t, ws, "251 live")
}

func TestWhatIsSaidDuringTheReplayComesOnceAndInOrder(t *testing.T) {
	d := newHouse(t, Options{})
	for i := range 10 {
		d.say(alice, fmt.Sprint(i))
	}
	left := 5
	d.onReplay = func() {
		// More than the queue holds, so that the connection must go back to the log.
		if left--; left >= 0 {
			for i := range maxDurable/2 + 1 {
				d.say(alice, fmt.Sprint(i))
			}
		}
	}
	ws := d.dial(t, alice, "since=0")
	expect(t, ws, "hello 10")
	total := 10 + 5*(maxDurable/2+1)
	for seq := 1; seq <= total; seq++ {
		if got := next(t, ws); !strings.HasPrefix(got, fmt.Sprint(seq)+" ") {
			t.Fatalf("got %q where number %d was due", got, seq)
		}
	}
	d.say(alice, "live")
	expect(t, ws, fmt.Sprintf("%d live", total+1))
}

func TestAnAbsenceBeyondTheLogIsToldToReadAfresh(t *testing.T) {
	d := newHouse(t, Options{})
	d.pruned = 100
	d.say(alice, "kept")
	ws := d.dial(t, alice, "since=50")
	expect(t, ws, "hello 101", "resync")
	d.say(alice, "new")
	expect(t, ws, "102 new")
}

func TestANumberFromTheFutureIsToldToReadAfresh(t *testing.T) {
	d := newHouse(t, Options{})
	d.say(alice, "one")
	ws := d.dial(t, alice, "since=999")
	expect(t, ws, "hello 1", "resync")
	d.say(alice, "two")
	expect(t, ws, "2 two")
}

func TestCurrentValuesInForceFollowTheReplay(t *testing.T) {
	d := newHouse(t, Options{})
	d.current["presence:bob"] = "bob is busy"
	d.say(alice, "one")
	ws := d.dial(t, alice, "since=0")
	expect(t, ws, "hello 1", "1 one", "bob is busy")
	d.hub.Send([]portal.Address{alice}, NewFrame(0, "presence:bob", text("bob is away")))
	expect(t, ws, "bob is away")
}

func TestAnswersGoOnlyToTheOneWhoAsked(t *testing.T) {
	d := newHouse(t, Options{})
	one, other := d.dial(t, alice, ""), d.dial(t, alice, "")
	expect(t, one, "hello 0")
	expect(t, other, "hello 0")
	if err := one.WriteMessage(websocket.TextMessage, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	expect(t, one, "got ping")
	d.say(alice, "both")
	expect(t, one, "1 both")
	expect(t, other, "1 both")
}

func TestBinaryAndOversizedFramesEndOnlyTheirConnection(t *testing.T) {
	d := newHouse(t, Options{})
	good := d.dial(t, alice, "")
	expect(t, good, "hello 0")
	for _, bad := range []struct {
		kind, code int
		body       []byte
	}{
		{websocket.BinaryMessage, websocket.CloseUnsupportedData, []byte{1, 2, 3}},
		{websocket.TextMessage, websocket.CloseMessageTooBig, make([]byte, MaxClientFrame+1)},
	} {
		ws := d.dial(t, alice, "")
		expect(t, ws, "hello 0")
		if err := ws.WriteMessage(bad.kind, bad.body); err != nil {
			t.Fatal(err)
		}
		if err := ws.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _, err := ws.ReadMessage()
		if !websocket.IsCloseError(err, bad.code) {
			t.Errorf("close error %v, want code %d", err, bad.code)
		}
	}
	until(t, "the bad ones to be gone", func() bool { return d.hub.Connections() == 1 })
	d.say(alice, "still here")
	expect(t, good, "1 still here")
}

func TestEndingASessionClosesItsConnectionsAndNoOthers(t *testing.T) {
	d := newHouse(t, Options{})
	mine, other := d.dial(t, alice, "session=a"), d.dial(t, alice, "session=b")
	expect(t, mine, "hello 0")
	expect(t, other, "hello 0")
	d.hub.EndSession("a")
	expect(t, mine, `{"after":0,"bye":"session-ended"}`)
	if _, _, err := mine.ReadMessage(); !websocket.IsCloseError(err, CloseEnded) {
		t.Errorf("close error %v, want code %d", err, CloseEnded)
	}
	until(t, "it to be gone", func() bool { return d.hub.Online(alice) == 1 && d.present() == 1 })
	d.say(alice, "on")
	expect(t, other, "1 on")
}

func TestDrainTellsEverybodyToComeBackAndWaitsForThem(t *testing.T) {
	d := newHouse(t, Options{})
	var socks []*websocket.Conn
	for range 20 {
		ws := d.dial(t, alice, "")
		expect(t, ws, "hello 0")
		socks = append(socks, ws)
	}
	sse := d.stream(t, bob, "")
	if got, ok := sse.next(); !ok || got != "hello 0" {
		t.Fatalf("got %q", got)
	}
	var wg sync.WaitGroup
	for _, ws := range socks {
		wg.Go(func() {
			if got := next(t, ws); !strings.Contains(got, `"bye":"draining"`) || strings.Contains(got, `"after":0`) {
				t.Errorf("got %q", got)
			}
			if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, CloseComeBack) {
				t.Errorf("close error %v", err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d.hub.Drain(ctx)
	wg.Wait()
	if n := d.hub.Connections(); n != 0 || ctx.Err() != nil {
		t.Errorf("%d connections after the drain, context %v", n, ctx.Err())
	}
	if got, ok := sse.next(); !ok || !strings.Contains(got, "draining") {
		t.Errorf("stream got %q", got)
	}
	late := d.dial(t, alice, "")
	if got := next(t, late); !strings.Contains(got, "draining") {
		t.Errorf("a late one got %q", got)
	}
}

func TestTooManyConnectionsOfOnePersonAreRefusedAndOthersAreNot(t *testing.T) {
	d := newHouse(t, Options{MaxPerPerson: 2})
	for range 2 {
		expect(t, d.dial(t, alice, ""), "hello 0")
	}
	third := d.dial(t, alice, "")
	if got := next(t, third); !strings.Contains(got, ReasonTooMany) {
		t.Errorf("got %q", got)
	}
	expect(t, d.dial(t, bob, ""), "hello 0")
}

func TestAFullHouseRefusesWithATimeToComeBack(t *testing.T) {
	d := newHouse(t, Options{Max: 1})
	expect(t, d.dial(t, alice, ""), "hello 0")
	if got := next(t, d.dial(t, bob, "")); !strings.Contains(got, ReasonUnavailable) || strings.Contains(got, `"after":0`) {
		t.Errorf("got %q", got)
	}
}

// A peer that opens a connection and never reads must cost nobody anything and end by itself.
func TestAReaderThatNeverReadsHarmsNobody(t *testing.T) {
	d := newHouse(t, Options{})
	stuck := d.dial(t, alice, "")
	if tcp, ok := stuck.NetConn().(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
	}
	good := d.dial(t, alice, "id=good")
	expect(t, good, "hello 0")
	var wg sync.WaitGroup
	big := strings.Repeat("x", 32<<10)
	const n = 1500
	wg.Go(func() {
		for i := 1; i <= n; i++ {
			if got := next(t, good); !strings.HasPrefix(got, fmt.Sprint(i)+" ") {
				t.Errorf("got %.20q where %d was due", got, i)
				return
			}
		}
	})
	for i := 1; i <= n; i++ {
		d.say(alice, big)
		// The good reader may lag behind a little, not the queue's length: wait for its queue as the
		// storage's pace would make it.
		if i%100 == 0 {
			until(t, "the good reader", func() bool { return d.queued("good") < maxDurable/2 })
		}
	}
	wg.Wait()
	// Its queue overflows, or where all this took long the time of a write is over first.
	until(t, "the stuck one to be cut", func() bool { return d.hub.Online(alice) == 1 })
}

// queued is how much waits for the connection of that ID.
func (d *house) queued(id string) int {
	for _, c := range d.hub.all() {
		if c.ID == id {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.queue.ordered)
		}
	}
	return 0
}

func TestDeadPeersAreFoundByPings(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := newHouse(t, Options{PingEvery: 50 * time.Millisecond, Now: clock})
	ws := d.dial(t, alice, "") // its pongs are sent only while it is read, and it is not
	expect(t, ws, "hello 0")
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	until(t, "the dead connection to be cut", func() bool { return d.hub.Connections() == 0 && d.present() == 0 })
}

func TestASilentPeerThatAnswersPingsStays(t *testing.T) {
	d := newHouse(t, Options{PingEvery: time.Second})
	ws := d.dial(t, alice, "")
	expect(t, ws, "hello 0")
	pings := make(chan struct{}, 16)
	answer := ws.PingHandler()
	ws.SetPingHandler(func(s string) error { pings <- struct{}{}; return answer(s) })
	read := make(chan string, 1)
	go func() {
		_, b, err := ws.ReadMessage()
		if err != nil {
			b = []byte(err.Error())
		}
		read <- string(b)
	}()
	for range 3 {
		select {
		case <-pings:
		case <-time.After(patience):
			t.Fatal("no ping")
		}
	}
	d.say(alice, "there")
	if got := <-read; got != "1 there" {
		t.Fatalf("got %q", got)
	}
}

func TestNobodyHearsTwiceUnderConcurrentTrafficAndReconnects(t *testing.T) {
	d := newHouse(t, Options{})
	const clients, events = 20, 400
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			last := int64(0)
			for last < events {
				ws := d.dial(t, alice, fmt.Sprintf("since=%d", last))
				for i := 0; last < events; i++ {
					if i == 50 { // drop the connection in the middle
						break
					}
					got := next(t, ws)
					var seq int64
					if _, err := fmt.Sscanf(got, "%d ", &seq); err != nil {
						continue // hello
					}
					if seq != last+1 {
						t.Errorf("number %d after %d", seq, last)
						return
					}
					last = seq
				}
				if err := ws.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for i := range events {
		d.say(alice, fmt.Sprint(i))
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("not everybody got everything")
	}
}

func TestEventStreamResumesByItsLastID(t *testing.T) {
	d := newHouse(t, Options{})
	for i := range 3 {
		d.say(alice, fmt.Sprintf("line %d\nand another", i))
	}
	e := d.stream(t, alice, "since=1")
	for _, want := range []string{"hello 3", "2 line 1\nand another", "3 line 2\nand another"} {
		if got, ok := e.next(); !ok || got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if e.id != "3" {
		t.Errorf("last id %q", e.id)
	}
	d.say(alice, "live")
	if got, ok := e.next(); !ok || got != "4 live" {
		t.Errorf("got %q", got)
	}
	if ct := e.resp.Header.Get("Content-Type"); ct != "text/event-stream; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	_ = e.resp.Body.Close()
	until(t, "the stream to end", func() bool { return d.hub.Connections() == 0 })
}

type brokenDoor struct {
	*house
	err error
}

func (b brokenDoor) Replay(context.Context, Client, int64) ([]*Frame, bool, error) {
	return nil, false, b.err
}

func TestAConnectionThatCannotReadTheLogIsToldToComeBack(t *testing.T) {
	d := newHouse(t, Options{})
	server, client := tcpPair(t)
	defer client.Close()
	ws, other := handshake(t, server, client)
	d.hub.ServeWebSocket(ws, Client{Person: alice}, brokenDoor{d, errors.New("disk gone")})
	expect(t, other, "hello 0")
	if got := next(t, other); !strings.Contains(got, ReasonUnavailable) {
		t.Errorf("got %q", got)
	}
	if _, _, err := other.ReadMessage(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read after good-bye: %v", err)
	}
	until(t, "it to be gone", func() bool { return d.hub.Connections() == 0 })
}
