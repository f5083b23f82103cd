package ews

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// Servers that are away: asked by one call at a time, felt by nobody whose server answers, and noticed when they are back.

func plainOutage() (*outage, *[]bool) {
	var returns []bool
	o := newOutage(usualOutage, func(d time.Duration) time.Duration { return d }, func() {}, func(sure bool) { returns = append(returns, sure) })
	return o, &returns
}

// allowed tells whether a call may be made, and ends its probe if it is one.
func allowed(t *testing.T, o *outage) (ok, probe bool) {
	t.Helper()
	turn, err := o.enter()
	if err != nil && (!errors.Is(err, portal.ErrUnavailable) || portal.Reason(err) != "exchange.down") {
		t.Errorf("refused with %v", err)
	}
	o.leave(turn)
	return err == nil, turn != 0
}

func TestOutageOfASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, returns := plainOutage()
		answered := o.sent()
		time.Sleep(usualOutage.silence - time.Millisecond)
		synctest.Wait()
		if ok, probe := allowed(t, o); !ok || probe {
			t.Errorf("before it is silent for long: allowed %t, probe %t", ok, probe)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		gone := o.absent()
		select {
		case <-gone:
		default:
			t.Fatal("it is not away")
		}
		first, err := o.enter() // at once: perhaps it was but one request
		if first == 0 || err != nil {
			t.Fatalf("the first probe: %d %v", first, err)
		}
		if ok, _ := allowed(t, o); ok {
			t.Error("two probes at a time")
		}
		var waits []time.Duration
		turn := first
		for i := range 8 {
			again := o.sent()
			if i%2 == 0 { // it fails at once
				again(false)
				o.leave(turn)
			} else { // it hangs, which the next does not wait for
				time.Sleep(usualOutage.silence)
				synctest.Wait()
				defer o.leave(turn)
			}
			began := time.Now()
			for {
				if turn, err = o.enter(); err == nil {
					break
				}
				time.Sleep(time.Second)
			}
			waits = append(waits, time.Since(began))
			o.leave(first) // what ends late changes nothing
			if ok, _ := allowed(t, o); ok {
				t.Error("two probes at a time")
			}
		}
		want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(waits, want) {
			t.Errorf("pauses: %v", waits)
		}
		answered(true) // the request of the beginning, at last
		o.leave(turn)
		if ok, probe := allowed(t, o); !ok || probe {
			t.Errorf("after it is back: allowed %t, probe %t", ok, probe)
		}
		if !slices.Equal(*returns, []bool{true}) {
			t.Errorf("told of returns, and whether the outage was certain: %v", *returns)
		}
		if o.refused() != nil || o.absent() == gone {
			t.Error("it is still away")
		}
	})
}

// A request that takes its time at a server that answers others is no outage; one alone is a short doubt.
func TestOutageIsNotOneSlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, returns := plainOutage()
		slow := o.sent()
		time.Sleep(3 * time.Second)
		o.sent()(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if o.refused() != nil {
			t.Error("away for one slow request")
		}
		slow(true)
		alone := o.sent()
		time.Sleep(usualOutage.silence + time.Second)
		synctest.Wait()
		turn, err := o.enter()
		if turn == 0 || err != nil {
			t.Fatalf("in doubt: %d %v", turn, err)
		}
		o.sent()(true)
		o.leave(turn)
		if ok, probe := allowed(t, o); !ok || probe {
			t.Errorf("after the probe was answered: %t %t", ok, probe)
		}
		alone(true)
		if !slices.Equal(*returns, []bool{false}) {
			t.Errorf("told of returns, and whether the outage was certain: %v", *returns)
		}
	})
}

// Those who wait for a place at a server do so no longer when it turns out to be away.
func TestOutageEndsTheWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Servers: []Server{{Name: "one", URL: "http://127.0.0.1:1/"}, {Name: "two", URL: "http://127.0.0.1:2/"}}, Places: 2})
		if err != nil {
			t.Fatal(err)
		}
		alice, bob := portal.MustAddress("alice@example.test"), portal.MustAddress("bob@example.test")
		c.homes.set("alice@example.test", c.hosts[0])
		c.homes.set("bob@example.test", c.hosts[1])
		var held []func()
		for range 2 {
			release, err := c.Place(t.Context(), alice)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, release)
		}
		got := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := c.Place(t.Context(), alice)
				got <- err
			}()
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Error("there are more places than there should be")
		}
		release, err := c.Place(t.Context(), bob)
		if err != nil {
			t.Fatalf("bob, at the other server: %v", err)
		}
		release()
		c.hosts[0].outage.sent()
		time.Sleep(usualOutage.silence)
		for range 2 {
			if err := <-got; !errors.Is(err, portal.ErrUnavailable) {
				t.Errorf("refused with %v", err)
			}
		}
		for _, release := range held {
			release()
		}
		if release, err = c.Place(t.Context(), alice); err != nil {
			t.Fatalf("a free place: %v", err)
		}
		release()
	})
}

// wall is a server as it is seen through a network: while it is up, connections are made and lead nowhere, and those of that
// time never lead anywhere any more.
type wall struct {
	ln net.Listener
	to string
	wg sync.WaitGroup

	mu    sync.Mutex
	up    bool
	conns map[net.Conn]bool // true: leads nowhere
}

func newWall(t *testing.T, target string) *wall {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{ln: ln, to: u.Host, conns: map[net.Conn]bool{}}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		w.mu.Lock()
		for c := range w.conns {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.wg.Wait()
	})
	return w
}

func (w *wall) accept() {
	for {
		c, err := w.ln.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		w.conns[c] = w.up
		w.mu.Unlock()
		w.wg.Go(func() { w.carry(c) })
	}
}

// carry passes a connection on, as long as it leads somewhere.
func (w *wall) carry(c net.Conn) {
	defer c.Close()
	there, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	w.wg.Go(func() {
		_, _ = io.Copy(&through{w, c, c}, there)
		there.Close()
	})
	_, _ = io.Copy(&through{w, c, there}, c)
	there.Close()
}

// through writes to one end of a connection, or nowhere.
type through struct {
	w    *wall
	conn net.Conn
	to   io.Writer
}

func (t *through) Write(p []byte) (int, error) {
	t.w.mu.Lock()
	lost := t.w.conns[t.conn]
	t.w.mu.Unlock()
	if lost {
		return len(p), nil
	}
	return t.to.Write(p)
}

// raise lets all connections lead nowhere; open lets those that are made from now on pass.
func (w *wall) raise() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = true
	for c := range w.conns {
		w.conns[c] = true
	}
}

func (w *wall) open() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = false
}

// background is what a lane does: a place, and the calendar's changes.
func background(ctx context.Context, c *Connector, of portal.Address) error {
	release, err := c.Place(ctx, of)
	if err != nil {
		return err
	}
	defer release()
	_, err = c.Changes(ctx, of, of, "")
	return err
}

// Many whose server fell silent are told so; the one whose server answers works all the time, also where it is not known yet which
// that is. When it is back all go on, those too whose calls hang on connections that lead nowhere.
func TestSilentServerStarvesNobodyElse(t *testing.T) {
	first := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "alice", Name: "Alice", Password: "portico"}}
	})
	second := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "bob", Name: "Bob", Password: "portico"}, {User: "carol", Name: "Carol", Password: "portico"}}
	})
	w := newWall(t, first.url)
	l := &listener{}
	c := first.connector(t, func(o *Options) {
		base := http.DefaultTransport.(*http.Transport).Clone()
		t.Cleanup(base.CloseIdleConnections)
		u, err := url.Parse(first.url)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = w.ln.Addr().String()
		o.Servers[0].URL = u.String()
		o.Servers[0].Timeout = time.Hour // nothing but the outage's end ends what hangs
		two := second.server()
		two.Name, two.HTTP, two.Timeout = "second", &http.Client{Transport: base}, time.Hour
		o.Servers = append(o.Servers, two)
		o.Handler, o.Bells = l, quick()
	})
	c.hosts[0].outage.times = outageTimes{silence: time.Second, first: 200 * time.Millisecond, last: time.Second}
	c.hosts[1].outage.times.silence = time.Hour // a slow machine is no outage
	run(t, c)
	alice, bob, carol := first.person("alice"), first.person("bob"), first.person("carol")
	for _, who := range []portal.Address{alice, bob} {
		if err := background(t.Context(), c, who); err != nil {
			t.Fatal(err)
		}
	}
	c.Watch([]portal.Address{alice, bob})
	until(t, "both have their bells", func() bool { reached, _ := l.counts(); return reached == 2 })

	w.raise()
	const many = 40 // more than there are places, for calls and for requests
	hung := make(chan error, many)
	for range many {
		go func() { hung <- background(t.Context(), c, alice) }()
	}
	for range 20 {
		if err := background(t.Context(), c, bob); err != nil {
			t.Errorf("bob, while alice's server is silent: %v", err)
		}
	}
	until(t, "alice's server is away", func() bool { return c.hosts[0].down() != nil })
	until(t, "those who hold no place are told", func() bool { return len(hung) >= many-16 })
	if err := background(t.Context(), c, carol); err != nil {
		t.Errorf("carol, whose server is not known yet: %v", err)
	}
	if c.hosts[1].down() != nil {
		t.Errorf("the other server: %v", c.hosts[1].down())
	}

	w.open()
	until(t, "alice's server is back", func() bool { return c.Ready() == nil })
	refused := 0
	for range many { // those that hung have been answered after all
		err := <-hung
		if errors.Is(err, portal.ErrUnavailable) && portal.Reason(err) == "exchange.down" {
			refused++
		} else if err != nil {
			t.Errorf("somebody who waited for alice's server: %v", err)
		}
	}
	if refused < many-16 {
		t.Errorf("%d were refused", refused)
	}
	if err := background(t.Context(), c, alice); err != nil {
		t.Errorf("alice, when it is back: %v", err)
	}
	rings(t, first.connector(t, nil), l, alice, "alice's bell, after all")
}
