package resume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const alice, bob = portal.Address("sip:alice@example.test"), portal.Address("sip:bob@example.test")

// memory is a store that keeps, counts how often places are written, and can fail.
type memory struct {
	mu     sync.Mutex
	drafts map[[2]portal.Address]portal.Draft // by owner and conversation
	places map[portal.Address]portal.LastPlace
	writes int
	broken error
}

func newMemory() *memory {
	return &memory{drafts: map[[2]portal.Address]portal.Draft{}, places: map[portal.Address]portal.LastPlace{}}
}

func (m *memory) Drafts(_ context.Context, owner portal.Address) (list []portal.Draft, err error) {
	for of, d := range m.drafts {
		if of[0] == owner && d.Text != "" {
			list = append(list, d)
		}
	}
	return list, m.broken
}

func (m *memory) Draft(_ context.Context, owner, conversation portal.Address) (portal.Draft, error) {
	d := m.drafts[[2]portal.Address{owner, conversation}]
	d.Conversation = conversation
	return d, m.broken
}

func (m *memory) SaveDraft(_ context.Context, owner portal.Address, d portal.Draft) (portal.Draft, error) {
	of := [2]portal.Address{owner, d.Conversation}
	if have := m.drafts[of]; have.At.After(d.At) {
		return have, m.broken
	}
	m.drafts[of] = d
	return d, m.broken
}

func (m *memory) Place(_ context.Context, who portal.Address) (portal.LastPlace, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.places[who], m.broken
}

func (m *memory) SavePlaces(_ context.Context, places map[portal.Address]portal.LastPlace) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.broken != nil {
		return m.broken
	}
	for who, p := range places {
		if m.places[who] = p; p.Path == "" {
			delete(m.places, who)
		}
	}
	return nil
}

func (m *memory) fail(err error) { m.mu.Lock(); m.broken = err; m.mu.Unlock() }

func (m *memory) kept() (path string, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.places[alice].Path, m.writes
}

// running runs test with a service that lives until the test ends.
func running(t *testing.T, test func(s *Service, m *memory)) *memory {
	m := newMemory()
	synctest.Test(t, func(t *testing.T) {
		s := New(m, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		test(s, m)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestPlacesAreWrittenTogether(t *testing.T) {
	running(t, func(s *Service, m *memory) {
		place := func(want string) {
			t.Helper()
			if p, err := s.Place(t.Context(), alice); err != nil || p.Path != want {
				t.Errorf("place %q, %v; want %q", p.Path, err, want)
			}
		}
		place("")
		s.Went(alice, "/contacts")
		place("/contacts") // at once, for whoever signs in elsewhere now
		s.Went(alice, "/rooms")
		s.Went(bob, "/crm")
		time.Sleep(gather - time.Millisecond)
		if _, writes := m.kept(); writes != 0 {
			t.Errorf("%d writings before their time", writes)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if path, writes := m.kept(); path != "/rooms" || writes != 1 {
			t.Errorf("kept %q by %d writings", path, writes)
		}
		time.Sleep(time.Hour)
		if _, writes := m.kept(); writes != 1 {
			t.Errorf("%d writings in a quiet hour", writes)
		}
		place("/rooms")
	})
}

func TestAPlaceIsWrittenAtTheEnd(t *testing.T) {
	m := running(t, func(s *Service, _ *memory) { s.Went(alice, "/history") })
	if path, _ := m.kept(); path != "/history" {
		t.Errorf("kept %q", path)
	}
}

func TestAPlaceThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	running(t, func(s *Service, m *memory) {
		m.fail(errors.New("away"))
		s.Went(alice, "/history")
		time.Sleep(gather + time.Millisecond)
		s.Went(alice, "/calendar") // the newer one is tried then
		m.fail(nil)
		time.Sleep(gather)
		synctest.Wait()
		if path, writes := m.kept(); path != "/calendar" || writes != 2 {
			t.Errorf("kept %q by %d writings", path, writes)
		}
	})
}

func TestAPageThatIsGoneIsNoPlace(t *testing.T) {
	running(t, func(s *Service, m *memory) {
		s.Went(alice, "/calendar/1")
		for _, gone := range []string{"/calendar/2", "/calendar/1"} {
			if err := s.Gone(t.Context(), alice, gone); err != nil {
				t.Error(err)
			}
			p, err := s.Place(t.Context(), alice)
			if want := map[string]string{"/calendar/2": "/calendar/1"}[gone]; err != nil || p.Path != want {
				t.Errorf("after %s: %q, %v", gone, p.Path, err)
			}
		}
		s.Went(alice, "/rooms")
		time.Sleep(2 * gather)
		synctest.Wait()
		if err := s.Gone(t.Context(), alice, "/rooms"); err != nil { // one that is written already
			t.Error(err)
		}
		time.Sleep(2 * gather)
		synctest.Wait()
		if path, _ := m.kept(); path != "" {
			t.Errorf("kept %q", path)
		}
	})
}

func TestLongPlaces(t *testing.T) {
	s := New(newMemory(), Options{})
	s.Went(alice, "/history?q="+strings.Repeat("x", portal.MaxPlaceLen))
	if p, err := s.Place(t.Context(), alice); err != nil || p.Path != "/history" {
		t.Errorf("%q, %v", p.Path, err)
	}
	s.Went(alice, "/"+strings.Repeat("x", portal.MaxPlaceLen))
	s.Went(alice, "")
	if p, err := s.Place(t.Context(), alice); err != nil || p.Path != "/history" {
		t.Errorf("%q, %v", p.Path, err)
	}
}

func TestPlacesThatWaitAreBounded(t *testing.T) {
	s := New(newMemory(), Options{})
	for i := range maxWaiting + 5 {
		s.Went(portal.Address(fmt.Sprint("sip:p", i, "@example.test")), "/crm")
	}
	if len(s.waiting) != maxWaiting {
		t.Errorf("%d wait", len(s.waiting))
	}
	s.Went("sip:p1@example.test", "/rooms")
	if s.waiting["sip:p1@example.test"].Path != "/rooms" {
		t.Error("who waits already was not noted")
	}
}

func TestDrafts(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := New(newMemory(), Options{Now: func() time.Time { return now }})
	for _, test := range []struct {
		name, text, want string
		at, wantAt       time.Time
	}{
		{"without a time", "one", "one", time.Time{}, now},
		{"older", "late", "one", now.Add(-time.Minute), now},
		{"from the future", "two", "two", now.Add(time.Hour), now},
		{"blank", " \n", "", now, now},
		{"as long as may be", strings.Repeat("ü", portal.MaxDraftLen), strings.Repeat("ü", portal.MaxDraftLen), now, now},
	} {
		kept, err := s.SaveDraft(t.Context(), alice, portal.Draft{Conversation: bob, Text: test.text, At: test.at})
		if err != nil || kept.Text != test.want || !kept.At.Equal(test.wantAt) {
			t.Errorf("%s: %.20q at %v, %v", test.name, kept.Text, kept.At, err)
		}
	}
	for _, bad := range []string{strings.Repeat("x", portal.MaxDraftLen+1), "\xff"} {
		if _, err := s.SaveDraft(t.Context(), alice, portal.Draft{Conversation: bob, Text: bad}); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%.10q of %d bytes: %v", bad, len(bad), err)
		}
	}
	d, err := s.Draft(t.Context(), alice, bob)
	if all, listErr := s.Drafts(t.Context(), alice); err != nil || listErr != nil || len(all) != 1 || all[0] != d {
		t.Errorf("%v and %v, %v and %v", all, d, listErr, err)
	}
}

// Where policy forbids to keep what is said, no draft is kept, and what was before is forgotten.
func TestDraftsThatMustNotBeKept(t *testing.T) {
	now, forbidden := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), false
	m := newMemory()
	s := New(m, Options{Now: func() time.Time { return now }, Forbidden: func(who portal.Address) bool { return forbidden && who == alice }})
	save := func(owner, with portal.Address, text string) portal.Draft {
		t.Helper()
		d, err := s.SaveDraft(t.Context(), owner, portal.Draft{Conversation: with, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	none := portal.Draft{Conversation: bob}
	save(alice, bob, "before")
	forbidden = true
	if d := save(alice, bob, "secret"); d != none {
		t.Errorf("kept %+v", d)
	}
	forbidden = false
	if d, err := s.Draft(t.Context(), alice, bob); err != nil || d.Text != "" {
		t.Errorf("there is still %+v, %v", d, err)
	}
	now = now.Add(time.Second)
	save(alice, bob, "again")
	forbidden = true
	if d, err := s.Draft(t.Context(), alice, bob); err != nil || d != none {
		t.Errorf("shown %+v, %v", d, err)
	}
	forbidden, now = false, now.Add(time.Second)
	save(alice, bob, "a third time")
	forbidden = true
	if all, err := s.Drafts(t.Context(), alice); err != nil || len(all) != 0 {
		t.Errorf("shown %+v, %v", all, err)
	}
	save(bob, alice, "of somebody who may")
	forbidden = false
	if all, err := s.Drafts(t.Context(), alice); err != nil || len(all) != 0 {
		t.Errorf("left standing %+v, %v", all, err)
	}
	if d, err := s.Draft(t.Context(), bob, alice); err != nil || d.Text != "of somebody who may" {
		t.Errorf("bob's is %+v, %v", d, err)
	}
}
