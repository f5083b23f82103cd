package sipua_test

// What a defect ends, and what it does not.

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

// faulty is a house with defects.
type faulty struct{ *house }

func (f faulty) Receive(ctx context.Context, in portal.Incoming) error {
	if in.Text == "boom" {
		panic("a text that nobody thought of")
	}
	return f.house.Receive(ctx, in)
}

func (f faulty) Notified(watcher portal.Address, r portal.Report) {
	f.house.Notified(watcher, r)
	if len(r.Claims) > 0 && r.Claims[0].Note == "boom" {
		panic("a note that nobody thought of")
	}
}

func (f faulty) LineUp(who portal.Address) {
	f.house.LineUp(who)
	panic("a line that nobody thought of")
}

// written is a log that may be read while it is written.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func TestADefectEndsOneRequestAlone(t *testing.T) {
	f, h := newFake(t, nil), newHouse()
	cfg, said := f.config(), &written{}
	cfg.Logger = slog.New(slog.NewTextHandler(said, nil))
	var published atomic.Int32
	cfg.Metrics = sipua.Metrics{
		Received: func(method string, status int, _ time.Duration) {
			if method == "OPTIONS" && status == 200 {
				panic("on the reader")
			}
		},
		Sent: func(method string, _ int, _ time.Duration) {
			if method == "PUBLISH" && published.Add(1) == 1 {
				panic("on a worker")
			}
		},
	}
	a := start(t, cfg, faulty{h})
	signIn(t, a, alice)
	c, self := f.on(), "<sip:alice@example.test>"
	message := func(id, text string) int {
		return f.await(c.request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", self, id, 1, text, "Content-Type: text/plain")).status()
	}
	if got := message("1", "boom"); got != 500 {
		t.Errorf("a message that meets a defect is answered %d", got)
	}
	c.request("OPTIONS", "sip:alice@x", "<sip:bob@example.test>;tag=b", self, "2", 1, "")
	if got := message("3", "after that"); got != 200 {
		t.Errorf("the next one is answered %d", got)
	}
	h.awaitText(t, alice, "after that")

	a.Watch(alice, []portal.Address{bob})
	sub := f.awaitSeen("SUBSCRIBE", subscribes)
	c.notify(sub, 3, "active;expires=600", strings.Replace(busyDocument, "hello", "boom", 1))
	h.await(t, "the note", func() bool { return noteOf(h, alice, bob) == "boom" })
	c.notify(sub, 4, "active;expires=600", strings.Replace(busyDocument, "hello", "fine again", 1))
	h.await(t, "the next note", func() bool { return noteOf(h, alice, bob) == "fine again" })

	a.Publish(alice, is(portal.Busy))
	eventually(t, "published in the end", func() bool { return a.Status(alice).Published })
	for _, cause := range []string{"a text", "a note", "a line", "on the reader", "on a worker", "guard.go"} {
		if !strings.Contains(said.String(), cause) {
			t.Errorf("nothing in the log of %q", cause)
		}
	}
}

// noteOf is what a watcher heard last. The caller holds the house's mutex.
func noteOf(h *house, watcher, of portal.Address) string {
	r := h.reports[[2]portal.Address{watcher, of}]
	if len(r.Claims) == 0 {
		return ""
	}
	return r.Claims[0].Note
}
