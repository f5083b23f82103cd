package web

import (
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// intervals are the timers of what is gathered, which end when the test says so.
type intervals struct {
	mu      sync.Mutex
	lengths []time.Duration
	running []func()
}

func (i *intervals) after(d time.Duration, f func()) (stop func() bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lengths = append(i.lengths, d)
	i.running = append(i.running, f)
	return func() bool { return true }
}

// end ends those that run, and tells of how many there were.
func (i *intervals) end() int {
	i.mu.Lock()
	running := i.running
	i.running = nil
	i.mu.Unlock()
	for _, f := range running {
		f()
	}
	return len(running)
}

func (i *intervals) waiting() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.running)
}

// gathering chooses a house in which a session with the header X-Thin is thin, and its intervals.
func gathering(i *intervals) func(*settings) {
	return func(s *settings) {
		s.web.Thin, s.web.ThinGather = policy.NewThinWays(nil, "X-Thin"), 2*time.Second
		s.after, s.noCalendar = i.after, true
	}
}

// isPresence chooses news of somebody with a note.
func isPresence(of portal.Address, note string) func(map[string]any) bool {
	return func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(of) && f["note"] == note
	}
}

// gather reads until a frame is as wanted, and gives what was read.
func (b *browser) gather(wanted func(map[string]any) bool, what string) (all []map[string]any) {
	b.t.Helper()
	b.until(func(f map[string]any) bool {
		all = append(all, f)
		return wanted(f)
	}, what)
	return all
}

// notesOf are the notes of somebody in the order in which frames brought them.
func notesOf(who portal.Address, frames []map[string]any) (notes []any) {
	for _, f := range frames {
		if f["event"] == "presence" && f["uri"] == string(who) {
			notes = append(notes, f["note"])
		}
	}
	return notes
}

// answered waits until everything that was said before has been heard.
func (b *browser) answered() []map[string]any {
	b.t.Helper()
	b.send(map[string]any{"op": "ping"})
	return b.gather(func(f map[string]any) bool { return f["event"] == "pong" }, "pong")
}

// A thin connection gathers what a full one is told at once: the newest value alone, when the interval ends; the open conversation,
// oneself and whatever is numbered do not wait for it.
func TestThinSessionsGatherPresence(t *testing.T) {
	var clock intervals
	h := newHouse(t, gathering(&clock))
	a, b, c := h.signIn(alice), h.signIn(bob), h.signIn(carol)
	b.dial(protocolJSON, "").next("hello")
	c.dial(protocolJSON, "").next("hello")
	// The hub tells connections in the order in which they came: what the full one has, the thin one was offered.
	thin := a.with("X-Thin", "1").dial(protocolJSON, "?shows=1")
	thin.next("hello")
	full := a.dial(protocolJSON, "")
	full.next("hello")
	notes := func(who caller, note string) {
		t.Helper()
		who.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy", "note": note}, 200)
	}
	thin.send(map[string]any{"op": "watch", "uris": []string{string(bob), string(carol)}, "conversation": bob, "shown": true})
	full.send(map[string]any{"op": "watch", "uris": []string{string(bob), string(carol)}})
	thin.answered()
	notes(c, "zero")
	full.until(isPresence(carol, "zero"), "carol in full")
	clock.end()
	thin.until(isPresence(carol, "zero"), "carol, at the end of the interval")
	thin.answered()

	for _, note := range []string{"one", "two", "three"} {
		notes(c, note)
		full.until(isPresence(carol, note), "carol in full, "+note)
	}
	if n := clock.waiting(); n != 1 {
		t.Errorf("%d intervals run", n)
	}
	notes(b, "here")
	read := thin.gather(isPresence(bob, "here"), "the open conversation's")
	notes(a, "mine")
	read = append(read, thin.gather(isPresence(alice, "mine"), "one's own")...)
	for _, id := range []string{"m1", "m2", "m3", "m4"} {
		b.call("POST", messagesPath(alice), map[string]string{"id": id, "text": id}, 202)
		read = append(read, thin.gather(func(f map[string]any) bool { return f["event"] == "message" && f["id"] == id }, id)...)
	}
	read = append(read, thin.answered()...)
	if got := notesOf(carol, read); len(got) != 0 {
		t.Errorf("told of carol before the interval ended: %v", got)
	}
	var numbers []float64
	for _, f := range read {
		if seq, numbered := f["seq"].(float64); numbered {
			numbers = append(numbers, seq)
		}
	}
	if len(numbers) < 4 || !slices.IsSorted(numbers) {
		t.Errorf("numbered frames came as %v", numbers)
	}
	clock.end()
	read = thin.gather(isPresence(carol, "three"), "carol's newest value")
	read = append(read, thin.answered()...)
	if got := notesOf(carol, read); !slices.Equal(got, []any{"three"}) {
		t.Errorf("of three values came %v", got)
	}
	if n := clock.waiting(); n != 0 {
		t.Errorf("%d intervals run with nothing to wait for", n)
	}
	for _, d := range clock.lengths {
		if d != 2*time.Second {
			t.Errorf("an interval of %v", d)
		}
	}
}

// A connection that says whom its page shows is told of nobody else until it shows them.
func TestThinSessionsAreToldOfWhomTheyShow(t *testing.T) {
	var clock intervals
	h := newHouse(t, gathering(&clock))
	a, c := h.signIn(alice), h.signIn(carol)
	a.call("PUT", "/api/v1/contacts/"+carol.Path(), map[string]string{}, 200)
	c.dial(protocolJSON, "").next("hello")
	thin := a.with("X-Thin", "1").dial(protocolJSON, "?shows=1")
	thin.next("hello")
	full := a.dial(protocolJSON, "")
	full.next("hello")
	thin.send(map[string]any{"op": "watch", "uris": []string{}, "shown": true})
	read := thin.answered()
	for _, note := range []string{"one", "two"} {
		c.call("PUT", "/api/v1/me/presence", map[string]string{"availability": "busy", "note": note}, 200)
		full.until(isPresence(carol, note), "carol in full")
	}
	clock.end()
	if read = append(read, thin.answered()...); len(notesOf(carol, read)) != 0 {
		t.Errorf("told of somebody who is not shown: %v", notesOf(carol, read))
	}
	thin.send(map[string]any{"op": "watch", "uris": []string{string(carol)}, "shown": true})
	if got := notesOf(carol, thin.gather(isPresence(carol, "two"), "carol, shown at last")); slices.Contains(got, any("one")) {
		t.Errorf("carol's notes are %v", got)
	}
	thin.send(map[string]any{"op": "watch", "uris": []string{}, "conversation": "nonsense"})
	if f := thin.next("error"); f["reason_key"] != "address.form" {
		t.Errorf("a conversation that is none: %v", f)
	}
}

// presenceIsGathered: in a thin page nothing of a contact changes before the interval ends, and then everything has; the partner of the
// open conversation changes at once.
func presenceIsGathered(t *testing.T, c *chromium) {
	var clock intervals
	h := newHouse(t, gathering(&clock), thinFrom)
	b := c.visitor(h)
	bobs, carols := h.signIn(bob), h.signIn(carol)
	bobs.dial(protocolJSON, "").next("hello")
	carols.dial(protocolJSON, "").next("hello")
	h.hear(bob, "m1", "hello", h.server.Now())
	h.hear(carol, "m2", "hello", h.server.Now())
	b.signIn(alice, chatWith(bob))
	b.connected()
	shown := func(who portal.Address) string {
		return `document.querySelector("[data-live='dot:` + string(who) + `']").dataset.p`
	}
	state := func(who caller, to, note string) {
		t.Helper()
		who.call("PUT", "/api/v1/me/presence", map[string]string{"availability": to, "note": note}, 200)
	}
	b.until("both are there", shown(bob)+` === "available" && `+shown(carol)+` === "available"`)
	state(carols, "busy", "zero") // that it shows says that the page has said whom it shows
	eventually(t, "carol's first value", func() bool { clock.end(); return b.eval(shown(carol)) == "busy" })
	state(carols, "available", "one")
	state(carols, "away", "two")
	eventually(t, "an interval runs", func() bool { return clock.waiting() > 0 })
	state(bobs, "busy", "now")
	b.until("bob at once", shown(bob)+` === "busy"`)
	if got := b.eval(shown(carol)); got != "busy" {
		t.Errorf("carol is %v before the interval ends", got)
	}
	eventually(t, "carol's newest value", func() bool { clock.end(); return b.eval(shown(carol)) == "away" })
	b.untroubled()
}
