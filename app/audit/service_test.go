package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

var errAway = errors.New("away on purpose")

// memory is a store in memory that can be away.
type memory struct {
	mu    sync.Mutex
	lines []portal.Audited
	drops []time.Time
	away  bool
	tries int
}

func (m *memory) AddAudited(_ context.Context, lines ...portal.Audited) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tries++; m.away {
		return errAway
	}
	m.lines = append(m.lines, lines...)
	return nil
}

func (m *memory) Audited(_ context.Context, q portal.AuditQuery) ([]portal.Audited, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.lines)
	slices.Reverse(out)
	return out[:min(len(out), q.Limit)], nil
}

func (m *memory) DropAudited(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drops = append(m.drops, before)
	return nil
}

func (m *memory) look(f func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

// subjects are what is stored; of a gap its number.
func (m *memory) subjects() (out []string) {
	m.look(func(m *memory) {
		for _, l := range m.lines {
			if l.Kind == portal.AuditGap {
				out = append(out, "gap "+l.Detail)
			} else {
				out = append(out, l.Subject)
			}
		}
	})
	return out
}

// log is the operator's.
type log struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// run runs a service; stop ends it and waits.
func run(t *testing.T, s *Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func await(t *testing.T, what string, reached func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not reached: %s", what)
		}
	}
}

func did(n int) portal.Audited {
	return portal.Audited{Kind: portal.AuditPolicy, Subject: fmt.Sprint(n)}
}

func TestNote(t *testing.T) {
	store := &memory{}
	s := New(store, Options{Now: noon})
	run(t, s)
	s.Note(t.Context(), portal.Audited{
		Kind: portal.AuditPolicy, By: "sip:a@example.test", About: "sip:a@example.test", Subject: "one\r\ntwo \u202e" + strings.Repeat("x", 500), Agent: "B\x00",
	})
	await(t, "the line", func() bool { return len(store.subjects()) == 1 })
	lines, err := s.Search(t.Context(), portal.AuditQuery{Limit: 5})
	if err != nil || len(lines) != 1 {
		t.Fatalf("%v, %v", lines, err)
	}
	l := lines[0]
	if !l.At.Equal(noon()) || l.Result != portal.AuditDone || l.About != "" || !strings.HasPrefix(l.Subject, "one two xxx") || len([]rune(l.Subject)) != maxSubject || l.Agent != "B" {
		t.Errorf("%+v", l)
	}
	if _, err := s.Search(t.Context(), portal.AuditQuery{Kind: "nothing"}); portal.Reason(err) != "audit.kind" {
		t.Errorf("%v", err)
	}
}

// While storage is away lines wait in their order; those beyond the bound are in the operator's log whole, and the trail
// says how many are missing.
func TestStorageAway(t *testing.T) {
	store, out := &memory{away: true}, &log{}
	s := New(store, Options{Queue: 10, Batch: 4, FirstRetry: time.Millisecond, Logger: slog.New(slog.NewTextHandler(out, nil))})
	run(t, s)
	s.Note(t.Context(), did(0))
	await(t, "a try", func() bool { tries := 0; store.look(func(m *memory) { tries = m.tries }); return tries > 0 })
	for n := range 14 { // one is under way, ten wait
		s.Note(t.Context(), did(n+1))
	}
	if s.Lost() != 4 {
		t.Errorf("%d lost", s.Lost())
	}
	for _, n := range []int{11, 14} {
		if !strings.Contains(out.String(), fmt.Sprintf("subject=%d", n)) {
			t.Errorf("line %d is not in the log", n)
		}
	}
	store.look(func(m *memory) { m.away = false })
	want := []string{"gap 4"}
	for n := range 11 {
		want = append(want, fmt.Sprint(n))
	}
	await(t, "all that waited", func() bool { return len(store.subjects()) == len(want) })
	if got := store.subjects(); !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
	if !strings.Contains(out.String(), "its lines wait") {
		t.Error("the operator was not told that lines wait")
	}
}

// A service that ends stores what waits, or writes it to the log.
func TestTheEnd(t *testing.T) {
	for _, away := range []bool{false, true} {
		store, out := &memory{}, &log{}
		s := New(store, Options{FirstRetry: time.Hour, Logger: slog.New(slog.NewTextHandler(out, nil))})
		stop := run(t, s)
		store.look(func(m *memory) { m.away = away })
		for n := range 5 {
			s.Note(t.Context(), did(n))
		}
		stop()
		for n := range 5 {
			stored, logged := slices.Contains(store.subjects(), fmt.Sprint(n)), strings.Contains(out.String(), fmt.Sprintf("subject=%d", n))
			if stored == away || logged != away {
				t.Errorf("away %v: line %d stored %v, logged %v", away, n, stored, logged)
			}
		}
	}
}

func TestRetention(t *testing.T) {
	store := &memory{}
	run(t, New(store, Options{Now: noon, Keep: 48 * time.Hour}))
	await(t, "old lines forgotten", func() bool {
		n := 0
		store.look(func(m *memory) { n = len(m.drops) })
		return n > 0
	})
	if !store.drops[0].Equal(noon().Add(-48 * time.Hour)) {
		t.Errorf("before %v", store.drops[0])
	}
	ever := &memory{}
	stop := run(t, New(ever, Options{Keep: -1, Every: time.Millisecond}))
	stop()
	if len(ever.drops) > 0 {
		t.Errorf("for ever, and yet %v", ever.drops)
	}
}
