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

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a source whose people and failure the test changes.
type shelf struct {
	name   string
	mu     sync.Mutex
	people []portal.Person
	err    error
	reads  int
	hangs  bool
}

func (s *shelf) Name() string { return s.name }

func (s *shelf) People(ctx context.Context) ([]portal.Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return slices.Clone(s.people), s.err
}

func (s *shelf) set(err error, people ...portal.Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people, s.err = people, err
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func person(uri, name string) portal.Person {
	return portal.Person{URI: portal.MustAddress(uri), DisplayName: name}
}

func TestMergeKeepsTheFirstWordAndFillsGaps(t *testing.T) {
	first := &shelf{name: "first", people: []portal.Person{
		{URI: "sip:a@x.test", DisplayName: "Anna", Title: "Engineer"}, {URI: "sip:b@x.test"}, {}}}
	second := &shelf{name: "second", people: []portal.Person{
		{URI: "sip:a@x.test", DisplayName: "Other", Email: "anna@mail.test", Department: "R&D", Office: "1.2", Manager: "sip:b@x.test",
			Photo: "/p.png", Phones: []string{"+49"}, Robot: true},
		{URI: "sip:c@x.test", DisplayName: "Carl"}}}
	s := New([]Source{first, second}, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Size() != 3 {
		t.Errorf("%d people, want 3", s.Size())
	}
	a := s.Lookup(t.Context(), "sip:a@x.test")
	if a.DisplayName != "Anna" || a.Title != "Engineer" || a.Email != "anna@mail.test" || a.Department != "R&D" || a.Office != "1.2" ||
		a.Manager != "sip:b@x.test" || a.Photo != "/p.png" || !slices.Equal(a.Phones, []string{"+49"}) || !a.Robot {
		t.Errorf("merged %+v", a)
	}
	if b := s.Lookup(t.Context(), "sip:b@x.test"); b.DisplayName != "B" || b.Email != "b@x.test" {
		t.Errorf("filled %+v", b)
	}
	if !s.Known("sip:c@x.test") || s.Known("sip:d@x.test") {
		t.Error("Known is wrong")
	}
}

func TestLookupOfTheUnlistedMakesAName(t *testing.T) {
	s := New(nil, Options{})
	for uri, name := range map[portal.Address]string{
		"sip:anna.maria@x.test":      "Anna Maria",
		"sip:alice@x.test":           "Alice",
		"sip:jean-luc_picard@x.test": "Jean Luc Picard",
		"sip:%C3%B6zg%C3%BCr@x.test": "Özgür",
		"sip:+49301234@x.test":       "+49301234",
		"sip:1001@x.test":            "1001",
		"sip:...@x.test":             "...",
		"sip:%zz@x.test":             "%zz",
		"sip:McDonald@x.test":        "McDonald",
	} {
		p := s.Lookup(t.Context(), uri)
		if p.DisplayName != name || p.URI != uri || p.Email != uri.Bare() {
			t.Errorf("%s: %+v, want the name %q", uri, p, name)
		}
	}
}

// TestScheduleAndLastGoodCopy: sources are read again on their schedule; a failing one keeps its last
// copy in use, is tried again sooner, with growing waits, and shows its age.
func TestScheduleAndLastGoodCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is the bubble's own: sleeping moves it
		src := &shelf{name: "ldap", people: []portal.Person{person("a@x.test", "Anna")}}
		steady := &shelf{name: "lab", people: []portal.Person{person("z@x.test", "Zoe")}}
		s := New([]Source{src, steady}, Options{Refresh: 10 * time.Minute, Retry: 10 * time.Second})
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		if src.count() != 1 || s.Size() != 2 {
			t.Fatalf("at the start: %d reads, %d people", src.count(), s.Size())
		}

		src.set(errors.New("server away"))
		time.Sleep(11*time.Minute + time.Second)
		synctest.Wait()
		if _, ok := s.index.Load().byAddress["sip:a@x.test"]; !ok || s.Size() != 2 {
			t.Error("the last good copy was dropped")
		}
		states := s.Sources()
		if states[0].Err == nil || !states[0].At.Equal(began) || states[0].People != 1 || states[1].Err != nil {
			t.Errorf("states %+v", states)
		}
		if since, name := s.Age(); !since.Equal(began) || name != "ldap" {
			t.Errorf("age since %v of %s", since, name)
		}
		time.Sleep(2 * time.Minute) // two to four minutes of failure: tries at 0, 10, 30, 70, 150 … seconds
		synctest.Wait()
		if n := src.count() - 1; n < 4 || n > 6 {
			t.Errorf("%d tries in some minutes of failure", n)
		}

		src.set(nil, person("b@x.test", "Bea"))
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if s.Known("sip:a@x.test") || !s.Known("sip:b@x.test") {
			t.Error("the new copy is not in use")
		}
		if since, _ := s.Age(); !since.After(began) {
			t.Errorf("age since %v", since)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSlowSourceIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &shelf{name: "slow", hangs: true}
		fine := Static("fine", []portal.Person{person("a@x.test", "Anna")})
		s := New([]Source{slow, fine}, Options{Timeout: 5 * time.Second})
		began := time.Now()
		err := s.Refresh(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		if s.Size() != 1 {
			t.Errorf("%d people: the other source should be in use", s.Size())
		}
		if since, name := s.Age(); !since.IsZero() || name != "slow" {
			t.Errorf("age %v of %q: never read", since, name)
		}
	})
}

func TestRunEndsWhileASourceHangs(t *testing.T) {
	s := New([]Source{&shelf{name: "slow", hangs: true}}, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNoSources(t *testing.T) {
	s := New(nil, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if since, name := s.Age(); !since.IsZero() || name != "" {
		t.Errorf("age %v %q", since, name)
	}
	if people, err := s.Search(t.Context(), "a", 10); err != nil || len(people) != 0 {
		t.Errorf("found %v, %v", people, err)
	}
}

// TestReadersDuringRefresh: searching and looking up go on while indexes are replaced.
func TestReadersDuringRefresh(t *testing.T) {
	src := &shelf{name: "src", people: []portal.Person{person("a@x.test", "Anna Alt")}}
	s := New([]Source{src}, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				people, err := s.Search(context.Background(), "ann", 5)
				if err != nil || len(people) != 1 || s.Lookup(context.Background(), "sip:a@x.test").DisplayName == "A" {
					t.Errorf("found %v, %v", people, err)
					return
				}
			}
		})
	}
	for i := range 50 {
		name := "Anna Alt"
		if i%2 == 0 {
			name = "Neu Anna"
		}
		src.set(nil, person("a@x.test", name), person("b@x.test", "Bob"))
		if err := s.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
}

func TestAnAddressBookWithoutSourcesLivesUntilItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- New(nil, Options{}).Run(ctx) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("ended by itself: %v", err)
		default:
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
