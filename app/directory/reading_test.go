package directory

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// drawer is a Cache in memory.
type drawer struct {
	mu    sync.Mutex
	books map[string][]portal.Person
	at    map[string]time.Time
	saves int
	err   error
}

func (d *drawer) Book(_ context.Context, source string) ([]portal.Person, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.books[source], d.at[source], d.err
}

func (d *drawer) SaveBook(_ context.Context, source string, people []portal.Person, at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	if d.books == nil {
		d.books, d.at = map[string][]portal.Person{}, map[string]time.Time{}
	}
	d.books[source], d.at[source] = people, at
	d.saves++
	return nil
}

// started runs an address book, until stop.
func started(t *testing.T, sources []Source, o Options) (s *Service, stop func()) {
	t.Helper()
	s = New(sources, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return s, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestARestartHasTheBookAtOnce: a cached copy is in use at once and read again after the initial delay; a source without
// one is read at once.
func TestARestartHasTheBookAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := &drawer{}
		old := &shelf{name: "ldap", people: []portal.Person{person("a@x.test", "Anna")}}
		first, stop := started(t, []Source{old}, Options{Cache: cache, InitialDelay: func() time.Duration { return time.Hour }})
		if first.Size() != 1 || cache.saves != 1 {
			t.Errorf("without a copy it is read at once: %d people, %d saved", first.Size(), cache.saves)
		}
		read := time.Now()
		stop()
		time.Sleep(time.Minute)

		fresh := &shelf{name: "lab", people: []portal.Person{person("z@x.test", "Zoe")}}
		old.set(nil, person("a@x.test", "Anna"), person("b@x.test", "Bea"))
		s, stop := started(t, []Source{old, fresh}, Options{Cache: cache, InitialDelay: func() time.Duration { return 10 * time.Minute }})
		defer stop()
		if !s.Known("sip:a@x.test") || !s.Known("sip:z@x.test") || s.Known("sip:b@x.test") || old.count() != 1 {
			t.Errorf("after the restart: %d people, %d reads", s.Size(), old.count())
		}
		states := s.States()
		if st := states[0]; st.Name != "ldap" || !st.Cached || !st.At.Equal(read) || st.People != 1 || st.Next.IsZero() || st.Failed != "" {
			t.Errorf("state %+v", st)
		}
		if st := states[1]; st.Cached || st.At.IsZero() || st.People != 1 {
			t.Errorf("state %+v", st)
		}
		if n := time.Until(states[0].Next); n < 9*time.Minute || n > 11*time.Minute {
			t.Errorf("it is read in %v", n)
		}
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		if st := s.States()[0]; st.Cached || st.People != 2 || old.count() != 2 {
			t.Errorf("after the delay: %+v, %d reads", st, old.count())
		}
	})
}

// TestACacheThatFails costs nothing but the copy.
func TestACacheThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := &drawer{err: errors.New("disk away")}
		src := &shelf{name: "ldap", people: []portal.Person{person("a@x.test", "Anna")}}
		s, stop := started(t, []Source{src}, Options{Cache: cache, InitialDelay: func() time.Duration { return time.Hour }})
		defer stop()
		if st := s.States()[0]; s.Size() != 1 || st.Failed != "" || st.Cached {
			t.Errorf("%d people, %+v", s.Size(), st)
		}
	})
}

// TestRefreshNow: everybody who asks while a source is read gets that reading; who asks before gets the next one.
func TestRefreshNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &gate{shelf: shelf{name: "ldap", people: []portal.Person{person("a@x.test", "Anna")}}, let: make(chan struct{})}
		s, stop := started(t, []Source{src}, Options{})
		defer stop()
		var askers sync.WaitGroup
		ask := func() {
			askers.Go(func() {
				if err := s.RefreshNow(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		crowd := func() {
			for range 20 {
				ask()
			}
			synctest.Wait()
			src.let <- struct{}{}
			askers.Wait()
		}
		crowd() // during the first reading
		if n := src.count(); n != 1 {
			t.Errorf("%d readings", n)
		}
		src.set(nil, person("a@x.test", "Anna"), person("b@x.test", "Bea"))
		crowd()
		if n := src.count(); n != 2 || s.Size() != 2 {
			t.Errorf("%d readings, %d people", n, s.Size())
		}
		src.set(errors.New("server away"))
		close(src.let)
		err := s.RefreshNow(t.Context())
		if portal.Meaning(err) != portal.ErrUnavailable || s.States()[0].Failed == "" || s.Size() != 2 {
			t.Errorf("of a source that fails: %v, %+v", err, s.States())
		}
	})
}

// gate is a source that is read only when it is let.
type gate struct {
	shelf
	let chan struct{}
}

func (g *gate) People(ctx context.Context) ([]portal.Person, error) {
	<-g.let
	return g.shelf.People(ctx)
}

// TestRefreshNowEnds when the asker leaves, and when nobody reads any more.
func TestRefreshNowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := started(t, []Source{&shelf{name: "slow", hangs: true}}, Options{})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.RefreshNow(short); portal.Meaning(err) != portal.ErrUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the asker left: %v", err)
		}
		done := make(chan error, 1)
		go func() { done <- s.RefreshNow(context.Background()) }()
		synctest.Wait()
		stop()
		if err := <-done; portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("after the end: %v", err)
		}
	})
	if err := New(nil, Options{}).RefreshNow(t.Context()); err != nil {
		t.Errorf("without sources: %v", err)
	}
}

// TestTheSamePeopleAreNotIndexedAgain, but their age is that of the new reading.
func TestTheSamePeopleAreNotIndexedAgain(t *testing.T) {
	now := time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)
	src := &shelf{name: "ldap", people: []portal.Person{{URI: "sip:a@x.test", DisplayName: "Anna", Phones: []string{"1234"}}}}
	told, department := 0, ""
	var s *Service
	s = New([]Source{src}, Options{Now: func() time.Time { return now }, Changed: func() {
		told, department = told+1, s.Lookup(t.Context(), "sip:a@x.test").Department
	}})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.index.Load()
	now = now.Add(time.Hour)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.index.Load() != before || !s.States()[0].At.Equal(now) || told != 1 {
		t.Errorf("indexed again, or age %v, told %d times", s.States()[0].At, told)
	}
	src.set(nil, portal.Person{URI: "sip:a@x.test", DisplayName: "Anna", Phones: []string{"12345"}, Department: "Sales"})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.index.Load() == before || !slices.Equal(s.Lookup(t.Context(), "sip:a@x.test").Phones, []string{"12345"}) {
		t.Error("a changed number is not in use")
	}
	if told != 2 || department != "Sales" {
		t.Errorf("told %d times, of the department %q", told, department)
	}
}
