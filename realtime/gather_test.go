package realtime

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

// page is a browser in a bubble of time: what it read, and when, since it began.
type page struct {
	*house
	hub *Hub
	ws  *websocket.Conn

	mu     sync.Mutex
	began  time.Time
	frames []string // "2s text"
}

// inBubble runs test with a page of alice's whose hub is within a bubble of time; everything has ended after it.
func inBubble(t *testing.T, c Client, test func(p *page)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &house{hub: NewHub(Options{}), current: map[string]string{}}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.hub.Run(ctx) })
		near, far := net.Pipe()
		server, client := handshake(t, near, far)
		p := &page{house: d, hub: d.hub, ws: client, began: time.Now()}
		c.Person, c.ID = alice, "a"
		d.hub.ServeWebSocket(server, c, d)
		running.Go(p.read)
		synctest.Wait()
		p.expect(t, "0s hello 0")
		test(p)
		cancel()
		running.Wait()
	})
}

func (p *page) read() {
	for {
		_, b, err := p.ws.ReadMessage()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.frames = append(p.frames, fmt.Sprint(time.Since(p.began), " ", string(b)))
		p.mu.Unlock()
	}
}

// expect takes what was read until now and compares it.
func (p *page) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.frames, want) {
		t.Errorf("read %q, want %q", p.frames, want)
	}
	p.frames = nil
}

// presence sends news of somebody.
func (p *page) presence(who portal.Address, state string) {
	p.hub.Send([]portal.Address{alice}, NewFrame(0, "presence:"+string(who), text(who.User()+" "+state)).About(who))
}

// timers is whether an interval is under way, and how much is kept back.
func (p *page) timers() (running bool, waiting, asleep int) {
	p.hub.mu.RLock()
	defer p.hub.mu.RUnlock()
	for c := range p.hub.conns {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gather != nil {
			return c.gather.stop != nil, len(c.gather.waiting.current), len(c.gather.asleep.current)
		}
	}
	return false, 0, 0
}

var carol = portal.MustAddress("carol@example.test")

func TestPresenceIsGatheredAndTheNewestValueWins(t *testing.T) {
	inBubble(t, Client{Gather: 2 * time.Second}, func(p *page) {
		if running, _, _ := p.timers(); running {
			t.Error("a timer runs while nothing waits")
		}
		p.presence(bob, "away")
		time.Sleep(time.Second)
		p.presence(carol, "busy")
		p.presence(bob, "available")
		p.expect(t)
		if running, waiting, _ := p.timers(); !running || waiting != 2 {
			t.Errorf("timer %v, %d wait", running, waiting)
		}
		time.Sleep(time.Second)
		p.expect(t, "2s bob available", "2s carol busy")
		time.Sleep(time.Minute)
		if running, waiting, _ := p.timers(); running || waiting != 0 {
			t.Errorf("timer %v, %d wait after all was sent", running, waiting)
		}
		p.presence(bob, "away")
		time.Sleep(2 * time.Second)
		p.expect(t, "1m4s bob away")
	})
}

// What may wait of whomever it tells does so whatever the page shows, and on a page that does not gather not at all.
func TestWhatMayWaitIsGathered(t *testing.T) {
	counts := func(p *page, n int) {
		p.hub.Send([]portal.Address{alice}, NewFrame(0, "counts", text(fmt.Sprint("counts ", n))).MayWait())
	}
	inBubble(t, Client{Gather: 2 * time.Second, Shows: true}, func(p *page) {
		counts(p, 1)
		p.hub.Show(alice, "a", View{Open: bob, Only: []portal.Address{bob}})
		p.expect(t)
		time.Sleep(time.Second)
		p.say(alice, "goes past")
		counts(p, 0)
		p.expect(t, "1s 1 goes past")
		time.Sleep(time.Second)
		p.expect(t, "2s counts 0")
	})
	inBubble(t, Client{}, func(p *page) {
		counts(p, 1)
		p.expect(t, "0s counts 1")
	})
}

func TestWithoutGatheringEverythingIsSentAtOnce(t *testing.T) {
	inBubble(t, Client{}, func(p *page) {
		p.hub.Show(alice, "a", View{Only: []portal.Address{carol}}) // of no matter here
		p.presence(bob, "away")
		p.expect(t, "0s bob away")
	})
}

func TestWhatDoesNotWaitGoesPastWhatDoes(t *testing.T) {
	inBubble(t, Client{Gather: 2 * time.Second}, func(p *page) {
		p.hub.Show(alice, "a", View{Open: carol})
		p.presence(bob, "away")
		p.presence(carol, "busy") // the open conversation's
		p.presence(alice, "away") // one's own
		p.hub.Send([]portal.Address{alice}, NewFrame(0, "typing:bob", text("bob types")))
		p.expect(t, "0s carol busy", "0s alice away", "0s bob types")
		p.say(alice, "one")
		p.hub.SendTo(alice, "a", NewAnswer([]byte("answer")))
		p.say(alice, "two")
		p.expect(t, "0s 1 one", "0s answer", "0s 2 two")
		time.Sleep(2 * time.Second)
		p.expect(t, "2s bob away")
	})
}

// The order of durable frames is theirs, whatever is gathered beside them.
func TestDurableFramesKeepTheirOrderBesideGatheredOnes(t *testing.T) {
	inBubble(t, Client{Gather: 2 * time.Second}, func(p *page) {
		var want []string
		for i := range 100 {
			p.presence(portal.MustAddress(fmt.Sprintf("p%d@example.test", i%7)), fmt.Sprint(i))
			want = append(want, fmt.Sprintf("%d %d", p.say(alice, fmt.Sprint(i)), i))
			time.Sleep(130 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		var said []string
		last := map[string]string{}
		for _, f := range p.frames {
			_, body, _ := strings.Cut(f, " ")
			if who, state, _ := strings.Cut(body, " "); strings.HasPrefix(who, "p") {
				last[who] = state
			} else {
				said = append(said, body)
			}
		}
		if !slices.Equal(said, want) {
			t.Errorf("durable frames came as %q", said)
		}
		for who, state := range map[string]string{"p0": "98", "p1": "99", "p6": "97"} {
			if last[who] != state {
				t.Errorf("%s is %s at the end, want %s", who, last[who], state)
			}
		}
	})
}

func TestOpeningAConversationSendsWhatWaitedOfIt(t *testing.T) {
	inBubble(t, Client{Gather: 2 * time.Second}, func(p *page) {
		p.presence(bob, "away")
		p.presence(carol, "busy")
		time.Sleep(time.Second)
		p.hub.Show(alice, "a", View{Open: bob})
		p.expect(t, "1s bob away")
		p.presence(bob, "available")
		p.expect(t, "1s bob available")
		time.Sleep(time.Second)
		p.expect(t, "2s carol busy")
		p.presence(carol, "away")
		p.hub.Show(alice, "a", View{Open: carol}) // the last that waited
		if running, waiting, _ := p.timers(); running || waiting != 0 {
			t.Errorf("timer %v, %d wait", running, waiting)
		}
		p.expect(t, "2s carol away")
	})
}

func TestOfPeopleWhoAreNotShownNothingIsSentUntilTheyAre(t *testing.T) {
	inBubble(t, Client{Gather: 2 * time.Second}, func(p *page) {
		p.hub.Show(alice, "a", View{Only: []portal.Address{bob}})
		p.presence(carol, "busy")
		p.presence(carol, "away")
		p.presence(bob, "away")
		if running, waiting, asleep := p.timers(); !running || waiting != 1 || asleep != 1 {
			t.Errorf("timer %v, %d wait, %d sleep", running, waiting, asleep)
		}
		time.Sleep(time.Hour)
		p.expect(t, "2s bob away")
		if running, _, _ := p.timers(); running {
			t.Error("a timer runs for what sleeps")
		}
		p.hub.Show(alice, "a", View{Only: []portal.Address{bob, carol}})
		p.expect(t, "1h0m0s carol away")
		// Who leaves the page while something waits of them sleeps; who must not wait is sent.
		p.presence(bob, "busy")
		p.hub.Show(alice, "a", View{Only: []portal.Address{carol}})
		time.Sleep(time.Minute)
		p.expect(t)
		p.hub.Show(alice, "a", View{Open: bob, Only: []portal.Address{carol}})
		p.expect(t, "1h1m0s bob busy")
		p.presence(portal.MustAddress("dave@example.test"), "away")
		p.hub.Show(alice, "a", View{}) // it no longer says
		p.expect(t, "1h1m0s dave away")
	})
}

// A page that says what it shows gets of the current values those alone.
func TestASnapshotHoldsWhatThePageShows(t *testing.T) {
	c := &conn{Client: Client{Person: alice, Gather: time.Second, Shows: true}, hub: NewHub(Options{}), wire: &stream{}, kick: func() {}}
	c.gather = newGathering(c.Client)
	at := func(who portal.Address, state string) *Frame {
		return NewFrame(0, "presence:"+string(who), text(state)).About(who)
	}
	newer := at(carol, "newer")
	c.send(newer)
	got := c.shownOf([]*Frame{NewAnswer([]byte("counts")), at(alice, "mine"), at(bob, "bob's"), at(carol, "older")})
	if bodies(got) != "counts mine " {
		t.Errorf("sent %s", bodies(got))
	}
	c.show(View{Only: []portal.Address{bob, carol}})
	if got := bodies(c.queue.take()); got != "newer bob's " {
		t.Errorf("shown then: %s", got)
	}
	full := &conn{Client: Client{Person: alice}}
	if got := bodies(full.shownOf([]*Frame{at(bob, "b"), at(carol, "c")})); got != "b c " {
		t.Errorf("a full session gets %s", got)
	}
}

// What is kept back is bounded, waiting or asleep: one key more than may wait ends the connection.
func TestWhatIsKeptBackIsBounded(t *testing.T) {
	for name, only := range map[string][]portal.Address{"waiting": nil, "asleep": {bob}} {
		t.Run(name, func(t *testing.T) {
			slow, stopped := 0, 0
			h := NewHub(Options{Slow: func() { slow++ }, After: func(time.Duration, func()) func() bool {
				return func() bool { stopped++; return true }
			}})
			c := h.newConn(Client{Person: alice, Gather: time.Second}, &house{}, &stream{})
			defer c.finish()
			c.kick, c.live = func() {}, true
			c.show(View{Only: only})
			for i := range maxCurrent {
				who := portal.MustAddress(fmt.Sprintf("p%d@example.test", i))
				c.send(NewFrame(0, string(who), text("x")).About(who))
			}
			c.send(NewFrame(0, "sip:p0@example.test", text("newer")).About("sip:p0@example.test"))
			if slow != 0 || c.leaving != "" {
				t.Fatalf("%d times too slow with what may wait", slow)
			}
			c.send(NewFrame(0, "more", text("x")).About(carol))
			if slow != 1 || c.leaving != ReasonTooSlow {
				t.Errorf("%d times too slow, %q", slow, c.leaving)
			}
			if !c.gather.waiting.empty() || !c.gather.asleep.empty() || c.gather.stop != nil {
				t.Error("something is kept back for a connection that is to end")
			}
			if want := map[string]int{"waiting": 1}[name]; stopped != want {
				t.Errorf("%d timers stopped, want %d", stopped, want)
			}
		})
	}
}

// A connection that ends takes its timer with it; one that fires all the same does nothing.
func TestAConnectionThatEndsReleasesNothing(t *testing.T) {
	var fire func()
	stopped := false
	h := NewHub(Options{After: func(_ time.Duration, f func()) func() bool {
		fire = f
		return func() bool { stopped = true; return false }
	}})
	c := h.newConn(Client{Person: alice, Gather: time.Second}, &house{}, &stream{})
	c.kick = func() { t.Error("the writer was woken") }
	c.send(NewFrame(0, "presence", text("x")).About(bob))
	c.finish()
	if !stopped {
		t.Error("the timer was left")
	}
	fire()
	if c.show(View{Open: bob}); !c.queue.empty() {
		t.Error("something is queued for a connection that has ended")
	}
}

// An event stream gathers as a WebSocket does.
func TestAStreamGathers(t *testing.T) {
	var mu sync.Mutex
	var fire []func()
	h := NewHub(Options{After: func(_ time.Duration, f func()) func() bool {
		mu.Lock()
		defer mu.Unlock()
		fire = append(fire, f)
		return func() bool { return true }
	}})
	d := newHouseOf(t, h, func(c *Client) { c.Gather = time.Second })
	e := d.stream(t, alice, "")
	if got, ok := e.next(); !ok || got != "hello 0" {
		t.Fatalf("got %q", got)
	}
	for i := range 5 {
		h.Send([]portal.Address{alice}, NewFrame(0, "presence:bob", text(fmt.Sprint("bob ", i))).About(bob))
	}
	d.say(alice, "said")
	if got, ok := e.next(); !ok || got != "1 said" {
		t.Fatalf("got %q", got)
	}
	mu.Lock()
	if len(fire) != 1 {
		t.Fatalf("%d timers for one interval", len(fire))
	}
	release := fire[0]
	mu.Unlock()
	release()
	if got, ok := e.next(); !ok || got != "bob 4" {
		t.Errorf("got %q", got)
	}
}
