package presence

// What the tests of presence stand on: fake time, a line that remembers its orders, a memory that keeps.

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
	dave  = portal.Address("sip:dave@example.test")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a Line that remembers what it was told.
type wire struct {
	mu        sync.Mutex
	published map[portal.Address]*portal.Claim
	orders    []string
	watching  map[portal.Address][]portal.Address
	watches   int
}

func newWire() *wire {
	return &wire{published: map[portal.Address]*portal.Claim{}, watching: map[portal.Address][]portal.Address{}}
}

func (w *wire) Publish(who portal.Address, c portal.Claim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.published[who] = &c
	w.orders = append(w.orders, fmt.Sprintf("%s %s/%s", who.User(), c.Availability, c.Activity))
}

func (w *wire) Unpublish(who portal.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.published, who)
	w.orders = append(w.orders, who.User()+" gone")
}

func (w *wire) Watch(who portal.Address, whom []portal.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watching[who] = slices.Sorted(slices.Values(whom))
	w.watches++
}

func (w *wire) watched(who portal.Address) []portal.Address {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watching[who]
}

// memory is a Memory that keeps, and can be away.
type memory struct {
	mu     sync.Mutex
	away   bool
	manual map[portal.Address]portal.Manual
	notes  map[portal.Address]portal.PersonalNote
	places map[portal.Address]portal.Whereabouts
}

func newMemory() *memory {
	return &memory{manual: map[portal.Address]portal.Manual{}, notes: map[portal.Address]portal.PersonalNote{}, places: map[portal.Address]portal.Whereabouts{}}
}

func (m *memory) use() (func(), error) {
	m.mu.Lock()
	if m.away {
		m.mu.Unlock()
		return nil, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return m.mu.Unlock, nil
}

func (m *memory) Manual(_ context.Context, who portal.Address) (portal.Manual, bool, error) {
	done, err := m.use()
	if err != nil {
		return portal.Manual{}, false, err
	}
	defer done()
	set, ok := m.manual[who]
	return set, ok, nil
}

func (m *memory) SaveManual(_ context.Context, who portal.Address, set *portal.Manual) error {
	done, err := m.use()
	if err != nil {
		return err
	}
	defer done()
	if set == nil {
		delete(m.manual, who)
	} else {
		m.manual[who] = *set
	}
	return nil
}

func (m *memory) Note(_ context.Context, who portal.Address) (portal.PersonalNote, error) {
	done, err := m.use()
	if err != nil {
		return portal.PersonalNote{}, err
	}
	defer done()
	return m.notes[who], nil
}

func (m *memory) SaveNote(_ context.Context, who portal.Address, note portal.PersonalNote) error {
	done, err := m.use()
	if err != nil {
		return err
	}
	defer done()
	m.notes[who] = note
	return nil
}

func (m *memory) Whereabouts(_ context.Context, who portal.Address) (portal.Whereabouts, error) {
	done, err := m.use()
	if err != nil {
		return portal.Whereabouts{}, err
	}
	defer done()
	return m.places[who], nil
}

func (m *memory) SaveWhereabouts(_ context.Context, who portal.Address, w portal.Whereabouts) error {
	done, err := m.use()
	if err != nil {
		return err
	}
	defer done()
	m.places[who] = w
	return nil
}

// bench is a service in fake time with all it was told and tells.
type bench struct {
	*Service
	t    *testing.T
	wire *wire
	mem  *memory
	mu   sync.Mutex
	told map[portal.Address][]portal.Presence
	many []int
	// tagged are the events of people who became available, as "owner: user availability".
	tagged []string
}

// at runs f in a bubble of fake time.
func at(t *testing.T, o Options, f func(b *bench)) {
	synctest.Test(t, func(t *testing.T) { newBench(t, newMemory(), o, f) })
}

func newBench(t *testing.T, mem *memory, o Options, f func(b *bench)) {
	b := &bench{t: t, wire: newWire(), mem: mem, told: map[portal.Address][]portal.Presence{}}
	o.Emit = func(to portal.Address, ev portal.Current) { b.note([]portal.Address{to}, ev) }
	o.EmitMany = func(to []portal.Address, ev portal.Current) { b.note(to, ev) }
	o.Instance = "i1"
	b.Service = New(b.wire, b.mem, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	f(b)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (b *bench) note(to []portal.Address, ev portal.Current) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.many = append(b.many, len(to))
	for _, who := range to {
		switch ev := ev.(type) {
		case portal.PresenceEvent:
			b.told[who] = append(b.told[who], ev.Presence)
		case portal.TaggedEvent:
			b.tagged = append(b.tagged, fmt.Sprintf("%s: %s %s", who.User(), ev.URI.User(), ev.Availability))
		default:
			b.t.Errorf("told %+v", ev)
		}
	}
}

// news is what who was told since the last call, as "user availability/activity".
func (b *bench) news(who portal.Address) (news []string) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.told[who] {
		news = append(news, fmt.Sprintf("%s %s/%s", p.URI.User(), p.Availability, p.Activity))
	}
	b.told[who] = nil
	return news
}

// orders is what the line was told to publish since the last call.
func (b *bench) orders() []string {
	synctest.Wait()
	b.wire.mu.Lock()
	defer b.wire.mu.Unlock()
	orders := b.wire.orders
	b.wire.orders = nil
	return orders
}

func (b *bench) want(what string, got []string, want ...string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (b *bench) signIn(who ...portal.Address) {
	b.t.Helper()
	for _, p := range who {
		if err := b.SignedIn(b.t.Context(), p); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) sees(watcher, whom portal.Address, a portal.Availability, act portal.Activity) portal.Presence {
	b.t.Helper()
	p := b.Of(watcher, whom)
	if p.Availability != a || p.Activity != act || p.URI != whom {
		b.t.Errorf("%s sees %s/%s of %s, want %s/%s", watcher.User(), p.Availability, p.Activity, whom.User(), a, act)
	}
	return p
}

// says makes a report out of claims that holds for an hour.
func says(of portal.Address, claims ...portal.Claim) portal.Report {
	return portal.Report{Of: of, Claims: claims, Lease: time.Now().Add(time.Hour)}
}

func phone(a portal.Availability) portal.Claim {
	return portal.Claim{Endpoint: "phone", Availability: a, Source: portal.SourceActivity}
}
