package diagnosis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// running is a service in a bubble that runs until stop is called.
func running(t *testing.T, store Store, o Options) (s *Service, stop func()) {
	t.Helper()
	s = New(store, o)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

func TestNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		s, stop := running(t, m, Options{Now: noon})
		s.Note(t.Context(), portal.Incident{Who: ann, Part: portal.PartSIP, Cause: "line.down", Detail: "dial\n tcp:\x00 refused " + strings.Repeat("ä", 1000), Remote: "192.0.2.7"})
		s.Note(t.Context(), portal.Incident{Who: ann, Part: portal.PartSIP, Cause: "line.down", Detail: "Authorization: Basic YW5uOmh1bnRlcjI="})
		s.Note(t.Context(), portal.Incident{Who: ann, Part: portal.PartSIP, Cause: "line.down", Detail: "Authorization: Basic YW5uOmh1bnRlcjI="})
		s.Note(t.Context(), portal.Incident{Who: ben, Part: portal.PartSignin, Cause: "signin.worked", Good: true, At: noon().Add(-time.Minute)})
		synctest.Wait()
		list, err := s.Incidents(t.Context(), ann, 0, 1000)
		must(t, err)
		if len(list) != 2 || list[0].Times != 2 || list[0].Detail != "Authorization: Basic [removed]" || !list[1].At.Equal(noon()) {
			t.Fatalf("%+v", list)
		}
		if d := list[1].Detail; !strings.HasPrefix(d, "dial tcp: refused ää") || utf8.RuneCountInString(d) != maxDetail || !strings.HasSuffix(d, "…") {
			t.Errorf("detail %q", d)
		}
		if list, err := s.Incidents(t.Context(), "", 0, 0); err != nil || len(list) != 1 || list[0].Who != ben || !list[0].Good || !list[0].At.Equal(noon().Add(-time.Minute)) {
			t.Errorf("everybody's: %+v %v", list, err)
		}
		if older, err := s.Incidents(t.Context(), ann, 2, 10); err != nil || len(older) != 1 || older[0].Seq != 1 {
			t.Errorf("older: %+v %v", older, err)
		}
		stop()
	})
}

// TestQueueIsFull: whoever notes is never held up; what found no room is counted.
func TestQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{hold: make(chan struct{})}
		counted := map[string]int{}
		s, stop := running(t, m, Options{Queue: 5, Now: noon, Counted: func(result string) { counted[result]++ }})
		s.Note(t.Context(), portal.Incident{Who: ann, Cause: "first"})
		synctest.Wait() // it is with the store, which does not answer
		for n := range 20 {
			s.Note(t.Context(), portal.Incident{Who: ann, Cause: fmt.Sprint("c", n)})
		}
		if s.Lost() != 15 || counted["lost"] != 15 || counted["noted"] != 6 {
			t.Errorf("lost %d, counted %v", s.Lost(), counted)
		}
		close(m.hold)
		synctest.Wait()
		if got := m.causes(); !slices.Equal(got, []string{"first", "c0", "c1", "c2", "c3", "c4"}) || s.unsaid.Load() != 0 {
			t.Errorf("stored %v", got)
		}
		stop()
	})
}

// TestStoreAway: lines wait while the store is away, are given up in the end, and what waits at the end of the service is stored.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{away: true}
		s, stop := running(t, m, Options{Now: noon, GiveUp: 4})
		s.Note(t.Context(), portal.Incident{Who: ann, Cause: "a"})
		time.Sleep(3500 * time.Millisecond) // of the bubble's time: tries at 0, 1 and 3 s
		synctest.Wait()
		m.set(func(m *memory) {
			if m.tries != 3 {
				t.Errorf("%d tries", m.tries)
			}
			m.away = false
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := m.causes(); !slices.Equal(got, []string{"a"}) || s.Lost() != 0 {
			t.Errorf("stored %v, lost %d", got, s.Lost())
		}
		m.set(func(m *memory) { m.away = true })
		s.Note(t.Context(), portal.Incident{Who: ann, Cause: "b"})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.Lost() != 1 {
			t.Errorf("lost %d", s.Lost())
		}
		s.Note(t.Context(), portal.Incident{Who: ann, Cause: "c"})
		s.Note(t.Context(), portal.Incident{Who: ann, Cause: "d"})
		synctest.Wait()
		m.set(func(m *memory) { m.away = false })
		stop()
		if got := m.causes(); !slices.Equal(got, []string{"a", "c", "d"}) {
			t.Errorf("stored %v", got)
		}
	})
}

// TestEndsInTime: a service whose store does not answer ends all the same, and counts what it could not store.
func TestEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{hold: make(chan struct{})}
		s, stop := running(t, m, Options{Now: noon})
		for range 10 {
			s.Note(t.Context(), portal.Incident{Who: ann, Cause: "x"})
		}
		synctest.Wait()
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > lastWords || s.Lost() != 10 {
			t.Errorf("took %v, lost %d", took, s.Lost())
		}
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		_, stop := running(t, m, Options{Keep: 24 * time.Hour})
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		m.set(func(m *memory) { m.away = true })
		time.Sleep(time.Hour)
		m.set(func(m *memory) { m.away = false })
		time.Sleep(time.Hour)
		synctest.Wait()
		stop()
		if len(m.drops) != 3 || !m.drops[1].Equal(m.drops[0].Add(time.Hour)) || time.Since(m.drops[0]) < 24*time.Hour {
			t.Errorf("forgotten before %v", m.drops)
		}
	})
}
