package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the fault tests of the whole house share: a portal in front of somebody else's SIP server, a
// browser tab that comes back after every loss, and the reckoning of what was said and what arrived.

// longest is how long a fault test waits for something to come true on a busy machine.
const longest = 60 * time.Second

// soak multiplies rounds and messages: PORTICO_TEST_SOAK=10 runs the faults ten times as long.
func soak(t testing.TB, n int) int {
	t.Helper()
	text := os.Getenv("PORTICO_TEST_SOAK")
	if text == "" {
		return n
	}
	factor, err := strconv.Atoi(text)
	if err != nil || factor < 1 {
		t.Fatalf("PORTICO_TEST_SOAK=%q is no number of times", text)
	}
	return n * factor
}

// chance gives the test's own random numbers; PORTICO_TEST_SEED repeats those of an earlier run.
func chance(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("PORTICO_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PORTICO_TEST_SEED: %v", err)
		}
	}
	t.Logf("PORTICO_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// raced says whether the race detector is in this binary: it makes everything several times as slow.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// generous are the environment variables of a portal whose limits do not get in the way.
func generous(t testing.TB) []string {
	t.Helper()
	return append(ownPorts(t),
		"PORTICO_LIMITS_API_RATE=1000000", "PORTICO_CHAT_RATE=1000000", "PORTICO_LIMITS_LIVE_RATE=1000000",
		"PORTICO_LIMITS_CONNECTIONS_PER_PERSON=10000", "PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_LOG_LEVEL="+cmp.Or(os.Getenv("PORTICO_TEST_LOG"), "warn"))
}

// facing starts a portal whose configuration file names the SIP server at proxy.
func facing(t testing.TB, proxy string, environ ...string) *program {
	t.Helper()
	dir := t.TempDir()
	conf := file(t, dir, "portico.toml", fmt.Sprintf("[sip]\nproxy = %q\n[storage]\ndsn = %q\ndata_dir = %q\n",
		proxy, "sqlite:"+filepath.Join(dir, "portico.db"), dir))
	p := command(t, dir, append(generous(t), environ...), "serve", "--config", conf)
	if p.url == "" {
		t.Fatalf("portico did not say where it is:\n%s", p.logged())
	}
	return p
}

// aside starts the lab as a process of its own and gives it with its address as a proxy.
func aside(t testing.TB) (*program, string) {
	t.Helper()
	l := command(t, t.TempDir(), []string{"PORTICO_LAB_ROBOTS_PACE=24h"}, "lab")
	if l.lab == "" {
		t.Fatalf("the lab did not say where it is:\n%s", l.logged())
	}
	return l, "sip:" + l.lab + ";transport=tcp"
}

// fetch asks the portal for something outside of the API.
func fetch(base, path string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// awaitReady waits until the portal says that everything it needs answers.
func awaitReady(t testing.TB, base string) {
	t.Helper()
	await(t, longest, "the portal to be ready", func() bool {
		status, _, err := fetch(base, "/readyz")
		return err == nil && status == http.StatusOK
	})
}

// awaitRegistered waits until so many people are registered at the SIP server.
func awaitRegistered(t testing.TB, base string, people int) {
	t.Helper()
	want := fmt.Sprintf("\nportico_registrations %d\n", people)
	await(t, longest, fmt.Sprintf("%d registrations", people), func() bool {
		status, body, err := fetch(base, "/metrics")
		return err == nil && status == http.StatusOK && strings.Contains(body, want)
	})
}

// archive is a whole conversation as the API tells it, oldest first.
func (c *client) archive(user string) []said {
	c.t.Helper()
	var out []said
	for path := "/conversations/" + person(user) + "/messages?limit=100"; ; {
		var page []said
		if status := c.call(http.MethodGet, path, nil, &page); status != http.StatusOK {
			c.t.Fatalf("archive of %s with %s: status %d", c.who, user, status)
		}
		out = append(page, out...)
		if len(page) < 100 {
			return out
		}
		path = fmt.Sprintf("/conversations/%s/messages?limit=100&before=%d", person(user), page[0].Order)
	}
}

// feed is a browser's live channel as the page's script keeps it: after a loss it comes back by itself,
// later and later and never all at once, and goes on where it stopped.
type feed struct {
	c    *client
	stop context.CancelFunc
	done chan struct{}

	writing sync.Mutex // one frame at a time
	mu      sync.Mutex
	changed chan struct{}
	// live is the connection that stands, nil between two; backs counts hellos.
	live  *live
	backs int
	at    time.Time // of the newest hello
	since int64
	// durable is every durable event in the order in which they came, current the newest of the others.
	durable []event
	current map[string]event
	// told is every availability that the feed was told, by person.
	told   map[string][]string
	faults []string
}

// open begins a tab and returns when the portal has said hello. Each tab ends with the test.
func (c *client) open() *feed {
	c.t.Helper()
	b := c.feed(-1)
	b.await("hello", func() bool { return b.backs > 0 })
	return b
}

func (c *client) feed(since int64) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	b := &feed{c: c, stop: cancel, done: make(chan struct{}), changed: make(chan struct{}), since: since, current: map[string]event{}, told: map[string][]string{}}
	go b.run(ctx)
	c.t.Cleanup(b.close)
	return b
}

func (b *feed) close() {
	b.stop()
	<-b.done
}

// run connects again and again until the tab is closed.
func (b *feed) run(ctx context.Context) {
	defer close(b.done)
	failures := 0
	for ctx.Err() == nil {
		b.mu.Lock()
		since, backs := b.since, b.backs
		b.mu.Unlock()
		if l, err := b.c.dial(since); err == nil {
			end := context.AfterFunc(ctx, func() { _ = l.ws.Close() })
			b.read(l)
			end()
			_ = l.ws.Close()
		}
		failures++
		b.mu.Lock()
		b.live = nil
		if b.backs > backs {
			failures = 1
		}
		b.mu.Unlock()
		most := min(30*time.Second, 500*time.Millisecond<<min(failures, 6))
		retry := time.NewTimer(time.Duration(float64(most) * (0.3 + 0.7*rand.Float64())))
		select {
		case <-ctx.Done():
		case <-retry.C:
		}
		retry.Stop()
	}
}

// read takes in what comes on one connection.
func (b *feed) read(l *live) {
	for {
		e, err := l.next(2 * time.Minute)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.take(l, e)
		close(b.changed)
		b.changed = make(chan struct{})
		b.mu.Unlock()
	}
}

func (b *feed) take(l *live, e event) {
	switch {
	case e.Event == "hello":
		b.live = l
		b.backs++
		b.at = time.Now()
		if b.since < 0 {
			b.since = e.Seq
		}
	case e.Event == "resync":
		b.faults = append(b.faults, "was told to read afresh")
	case e.Seq > 0:
		if e.Seq <= b.since {
			b.faults = append(b.faults, fmt.Sprintf("event %d came after %d", e.Seq, b.since))
		}
		b.since = e.Seq
		b.durable = append(b.durable, e)
	default:
		if e.Event == "presence" {
			b.told[e.URI] = append(b.told[e.URI], e.Availability)
		}
		b.current[e.Event+" "+e.URI+e.From+e.ID] = e
	}
}

// await waits until a condition, asked under the tab's lock, holds.
func (b *feed) await(what string, holds func() bool) {
	b.c.t.Helper()
	deadline := time.NewTimer(longest)
	defer deadline.Stop()
	for {
		b.mu.Lock()
		ok, changed := holds(), b.changed
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.c.t.Fatalf("%s waited in vain for %s; had %d durable events, connected %d times, current %v", b.c.who, what, len(b.durable), b.backs, b.current)
		}
	}
}

// awaitPresence waits until the tab was told this availability of somebody.
func (b *feed) awaitPresence(user, availability string) {
	b.c.t.Helper()
	uri := "sip:" + user + "@example.test"
	b.await(user+" "+availability, func() bool { return b.current["presence "+uri].Availability == availability })
}

// availabilities is every availability of somebody that the feed was told, in order.
func (b *feed) availabilities(user string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.told["sip:"+user+"@example.test"])
}

// awaitMessage waits for a message with this text and gives it.
func (b *feed) awaitMessage(from, text string) event {
	b.c.t.Helper()
	var found event
	b.await(fmt.Sprintf("%q from %s", text, from), func() bool {
		i := slices.IndexFunc(b.durable, func(e event) bool {
			return e.Event == "message" && e.Text == text && e.From == "sip:"+from+"@example.test"
		})
		if i >= 0 {
			found = b.durable[i]
		}
		return i >= 0
	})
	return found
}

// awaitState waits until the newest state that the tab was told of an own message is one of these.
func (b *feed) awaitState(id string, states ...string) {
	b.c.t.Helper()
	newest, came := "", false
	defer func() {
		if !came {
			b.c.t.Logf("%s is %q", id, newest)
		}
	}()
	b.await(fmt.Sprintf("%s to be %v", id, states), func() bool {
		newest = b.state(id)
		came = slices.Contains(states, newest)
		return came
	})
}

// state is the newest state that the tab was told; the caller holds the lock.
func (b *feed) state(id string) string {
	for _, e := range slices.Backward(b.durable) {
		if e.Event == "state" && e.ID == id {
			return e.State
		}
	}
	return ""
}

// deafReaders opens live channels with little room that nobody reads from.
func deafReaders(t *testing.T, c *client, n int) {
	t.Helper()
	for range n {
		l := c.live(-1)
		if tcp, ok := l.ws.NetConn().(*net.TCPConn); ok {
			if err := tcp.SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// say sends a frame on the connection that stands; false: there was none, or it broke.
func (b *feed) say(op map[string]any) bool {
	b.mu.Lock()
	l := b.live
	b.mu.Unlock()
	b.writing.Lock()
	defer b.writing.Unlock()
	return l != nil && l.ws.SetWriteDeadline(time.Now().Add(longest)) == nil && l.ws.WriteJSON(op) == nil
}

// cut breaks the connection as a network does: the other side gets a reset, no good-bye.
func (b *feed) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		return
	}
	if tcp, ok := b.live.ws.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset where the platform can; else an ordinary close
	}
	_ = b.live.ws.Close()
}

// check reports what was wrong with the order and the completeness of the tab's events.
func (b *feed) check() {
	b.c.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.c.t.Errorf("%s: %s", b.c.who, f)
	}
}

// messages counts the message events by id; the caller holds no lock.
func (b *feed) messages() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for _, e := range b.durable {
		if e.Event == "message" {
			out[e.ID]++
		}
	}
	return out
}

// user is the part of a client's address before the domain.
func (c *client) user() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.who, "sip:"), "@")
	return name
}

// problem is an answer of the API that says what is wrong.
func (c *client) problem(method, path string, body []byte) (status int, detail string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
