package calendar_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ calendar.Store = (*storage.Store)(nil)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
	dave  = portal.Address("sip:dave@example.test")
)

// house is a calendar service over a real store and the model.
type house struct {
	*calendar.Service
	t     testing.TB
	x     *model
	store *storage.Store
	path  string
	ctx   context.Context

	mu        sync.Mutex
	now       time.Time // zero: the real clock
	logged    []portal.Addressed
	current   []told
	presences []portal.CalendarState
	stop      func()
}

type told struct {
	to portal.Address
	ev portal.Current
}

// quick are options with which everything that waits waits little.
func quick() calendar.Options {
	return calendar.Options{Wait: 20 * time.Second, FirstRetry: 5 * time.Millisecond, MaxRetry: 20 * time.Millisecond, Settle: 20 * time.Millisecond,
		Reconcile: time.Hour, ReconcileBlind: time.Hour, Drain: time.Second}
}

// open builds a house that is not running yet; at is its fixed clock (zero: the real one).
func open(t testing.TB, x *model, path string, o calendar.Options, at time.Time) *house {
	t.Helper()
	h := &house{t: t, x: x, path: path, now: at}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	h.ctx = ctx
	store, err := storage.Open(ctx, storage.Options{DSN: "sqlite:" + path, Sink: func(evs []portal.Logged) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, ev := range evs {
			h.logged = append(h.logged, ev.Addressed)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.store = store
	o.Emit = func(to portal.Address, ev portal.Current) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.current = append(h.current, told{to, ev})
	}
	if o.Presence == nil {
		o.Presence = func(_ portal.Address, st portal.CalendarState) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.presences = append(h.presences, st)
		}
	}
	if !at.IsZero() {
		o.Now = h.clock
	}
	o.Find = func(email string) portal.Address {
		a, err := portal.ParseAddress(email)
		if err != nil {
			return ""
		}
		return a
	}
	h.Service = calendar.New(x, store, o)
	x.set(func() { x.rang = h.Rang })
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(to time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = to
}

// run lets the house live until the test ends or halt is called.
func (h *house) run() *house {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	storing, stopStoring := context.WithCancel(context.Background())
	stored, served := make(chan error, 1), make(chan error, 1)
	go func() { stored <- h.store.Run(storing) }()
	<-h.store.Started()
	go func() { served <- h.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			h.t.Errorf("service: %v", err)
		}
		stopStoring()
		if err := <-stored; err != nil {
			h.t.Errorf("store: %v", err)
		}
		if err := h.store.Close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
	})
	h.t.Cleanup(h.stop)
	return h
}

// start is a house with the model, running, with alice's calendar read.
func start(t *testing.T, x *model, o calendar.Options) *house {
	t.Helper()
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), o, time.Time{}).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	return h
}

// loaded waits until a calendar has been read to its end.
func (h *house) loaded(me, of portal.Address) {
	h.t.Helper()
	h.eventually("the calendar is read", func() bool {
		m, err := h.store.CalendarMirror(h.ctx, portal.CalendarKey{Reader: me, Owner: of})
		return err == nil && m.Loaded && !m.Sweeping
	})
}

// eventually waits for a state.
func (h *house) eventually(what string, holds func() bool) {
	h.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			h.t.Fatalf("never came: %s", what)
		}
	}
}

// idle waits until nothing waits to be sent.
func (h *house) idle() {
	h.t.Helper()
	h.eventually("everything is sent", func() bool {
		keys, err := h.store.IntentCalendars(h.ctx)
		if err != nil {
			return false
		}
		for _, k := range keys {
			if _, found, err := h.store.NextIntent(h.ctx, k); err != nil || found {
				return false
			}
		}
		return true
	})
}

// events are the durable events about calendars so far, without those of other people.
func (h *house) events(who portal.Address) []portal.Durable {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []portal.Durable
	for _, ev := range h.logged {
		if slices.Contains(ev.For, who) {
			out = append(out, ev.Event)
		}
	}
	return out
}

func (h *house) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logged, h.current = nil, nil
}

// emitted are the current events of a person so far.
func (h *house) emitted(who portal.Address) []portal.Current {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []portal.Current
	for _, c := range h.current {
		if c.to == who {
			out = append(out, c.ev)
		}
	}
	return out
}

func (h *house) states() []portal.CalendarState {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.presences)
}

// window reads a stretch of a calendar.
func (h *house) window(me, of portal.Address, from, to time.Time) calendar.View {
	h.t.Helper()
	v, err := h.Between(h.ctx, me, of, from, to, time.UTC)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// day is a moment of the week that the tests live in: Monday 2 March 2026 and after.
func day(n, hour, minute int) time.Time { return time.Date(2026, 3, 1+n, hour, minute, 0, 0, time.UTC) }

func appointment(subject string, start time.Time, length time.Duration) portal.Appointment {
	return portal.Appointment{Subject: subject, Start: start, End: start.Add(length), TimeZone: "Europe/Vienna", Show: portal.ShowBusy,
		Mine: true, Response: portal.ResponseOrganizer, Status: portal.StatusConfirmed}
}

func entry(subject string, start time.Time, length time.Duration) portal.Entry {
	return portal.Entry{Appointment: appointment(subject, start, length)}
}

func invited(emails ...string) []portal.Attendee {
	var out []portal.Attendee
	for _, e := range emails {
		out = append(out, portal.Attendee{Email: e, Name: e, Role: portal.RoleRequired, Response: portal.ResponseNone})
	}
	return out
}

func subjects(list []portal.Appointment) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Subject)
	}
	return out
}
