package sipua_test

// A house that remembers what the agent told it, and waits for it to have been told more.

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

// patience is how long a test waits for something to become true.
const patience = 60 * time.Second

type typed struct {
	to, from portal.Address
	typing   bool
}

// house is a sipua.Handler.
type house struct {
	mu       sync.Mutex
	changed  chan struct{}
	messages []portal.Incoming
	notices  []portal.Notice
	typing   []typed
	reports  map[[2]portal.Address]portal.Report // watcher, of → newest; absent: nothing known
	heard    map[[2]portal.Address]int
	silent   map[[2]portal.Address]int
	watchers map[portal.Address][]portal.Watcher
	edges    map[portal.Address][]string
	said     []portal.RoomIncoming
	rings    []portal.Ring
	dialogs  map[portal.Address][][]portal.Dialog // each word of them, in order
	waiting  map[portal.Address][]portal.Waiting
	// refuse, when set, is what Receive returns instead of storing.
	refuse func(portal.Incoming) error
	// takeRoom, when set, is asked before a room's message is stored.
	takeRoom func(context.Context, portal.RoomIncoming) error
}

func newHouse() *house {
	return &house{changed: make(chan struct{}), reports: map[[2]portal.Address]portal.Report{}, heard: map[[2]portal.Address]int{},
		silent: map[[2]portal.Address]int{}, watchers: map[portal.Address][]portal.Watcher{}, edges: map[portal.Address][]string{},
		dialogs: map[portal.Address][][]portal.Dialog{}, waiting: map[portal.Address][]portal.Waiting{}}
}

func (h *house) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *house) Receive(_ context.Context, in portal.Incoming) error {
	h.mu.Lock()
	refuse := h.refuse
	h.mu.Unlock()
	if refuse != nil {
		if err := refuse(in); err != nil {
			return err
		}
	}
	h.note(func() {
		known := slices.ContainsFunc(h.messages, func(m portal.Incoming) bool { return m.From == in.From && m.To == in.To && m.ID == in.ID })
		if !known { // as the store does
			h.messages = append(h.messages, in)
		}
	})
	return nil
}

func (h *house) ReceiveNotice(_ context.Context, _ portal.Address, n portal.Notice) error {
	h.note(func() { h.notices = append(h.notices, n) })
	return nil
}

func (h *house) ReceiveTyping(to, from portal.Address, typing bool, _ time.Duration) {
	h.note(func() { h.typing = append(h.typing, typed{to, from, typing}) })
}

func (h *house) Notified(watcher portal.Address, r portal.Report) {
	h.note(func() {
		h.reports[[2]portal.Address{watcher, r.Of}] = r
		h.heard[[2]portal.Address{watcher, r.Of}]++
	})
}

func (h *house) Silent(watcher, of portal.Address) {
	h.note(func() {
		delete(h.reports, [2]portal.Address{watcher, of})
		h.silent[[2]portal.Address{watcher, of}]++
	})
}

func (h *house) RoomMessage(ctx context.Context, in portal.RoomIncoming) error {
	h.mu.Lock()
	take := h.takeRoom
	h.mu.Unlock()
	if take != nil {
		if err := take(ctx, in); err != nil {
			return err
		}
	}
	h.note(func() { h.said = append(h.said, in) })
	return nil
}

func (h *house) Rang(r portal.Ring) { h.note(func() { h.rings = append(h.rings, r) }) }

func (h *house) Dialogs(who portal.Address, ds []portal.Dialog) {
	h.note(func() { h.dialogs[who] = append(h.dialogs[who], ds) })
}

func (h *house) MessageWaiting(who portal.Address, w portal.Waiting) {
	h.note(func() { h.waiting[who] = append(h.waiting[who], w) })
}

func (h *house) Watchers(who portal.Address, ws []portal.Watcher) {
	h.note(func() { h.watchers[who] = ws })
}

func (h *house) LineUp(who portal.Address) {
	h.note(func() { h.edges[who] = append(h.edges[who], "up") })
}

func (h *house) LineDown(who portal.Address, err error) {
	h.note(func() { h.edges[who] = append(h.edges[who], "down:"+portal.Reason(err)) })
}

// await waits until the condition, asked under the lock, holds.
func (h *house) await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		h.mu.Lock()
		ok, changed := holds(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Fatalf("waited in vain for %s\nmessages %v\nnotices %v\ntyping %v\nedges %v\nheard %v", what, h.messages, h.notices, h.typing, h.edges, h.heard)
		}
	}
}

func (h *house) awaitText(t testing.TB, to portal.Address, text string) portal.Incoming {
	t.Helper()
	var found portal.Incoming
	h.await(t, "message "+text, func() bool {
		for _, m := range h.messages {
			if m.To == to && m.Text == text {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (h *house) awaitAvailability(t testing.TB, watcher, of portal.Address, want portal.Availability) {
	t.Helper()
	h.await(t, string(watcher)+" sees "+string(of)+" "+string(want), func() bool {
		r, ok := h.reports[[2]portal.Address{watcher, of}]
		if want == portal.Unknown {
			return !ok
		}
		if want == portal.Offline && ok && len(r.Claims) == 0 {
			return true
		}
		return ok && slices.ContainsFunc(r.Claims, func(c portal.Claim) bool { return c.Availability == want })
	})
}

func (h *house) edgesOf(who portal.Address) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.edges[who])
}

// eventually waits for something that does not pass through the house.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// start builds and runs an agent until the test's end.
func start(t testing.TB, cfg sipua.Config, h sipua.Handler) *sipua.Agent {
	t.Helper()
	a, stop := startStoppable(t, cfg, h)
	t.Cleanup(stop)
	return a
}

func startStoppable(t testing.TB, cfg sipua.Config, h sipua.Handler) (*sipua.Agent, func()) {
	t.Helper()
	if cfg.Instance == "" {
		cfg.Instance = "test"
	}
	if os.Getenv("PORTICO_TEST_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	a, err := sipua.New(cfg, h)
	if err != nil {
		t.Fatalf("new agent: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return a, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func signIn(t testing.TB, a *sipua.Agent, who portal.Address) []byte {
	t.Helper()
	return signInAs(t, a, who, "portico")
}

func signInAs(t testing.TB, a *sipua.Agent, who portal.Address, password string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sealed, err := a.SignIn(ctx, who, password)
	if err != nil {
		t.Fatalf("sign in %s: %v", who, err)
	}
	return sealed
}

func send(t testing.TB, a *sipua.Agent, from, to portal.Address, id, text string) portal.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := a.Send(ctx, from, portal.Outgoing{To: to, ID: id, Text: text, At: time.Now()})
	if err != nil {
		t.Fatalf("send %q: %v", text, err)
	}
	return out.State
}

var (
	alice = portal.MustAddress("sip:alice@example.test")
	bob   = portal.MustAddress("sip:bob@example.test")
	carol = portal.MustAddress("sip:carol@example.test")
)

func is(av portal.Availability) portal.Claim {
	return portal.Claim{Endpoint: "portico-test", Availability: av, Source: portal.SourceHand, TakesCPIM: true}
}
