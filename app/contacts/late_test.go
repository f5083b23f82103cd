package contacts_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/contacts"
	"portico/app/portal"
)

// hiccup is a storage that fails some times, and then has bob on everybody's list.
type hiccup struct {
	contacts.Store
	mu    sync.Mutex
	fails map[portal.Address]int
	asked int
}

func (h *hiccup) Contacts(_ context.Context, owner portal.Address) ([]portal.Contact, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if h.fails[owner] > 0 {
		h.fails[owner]--
		return nil, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return []portal.Contact{{URI: bob}}, nil
}

// Storage that fails while somebody signs in costs them a moment, not their contacts' presence; it is asked
// less and less often, and somebody whose list stays unreadable keeps nobody else waiting.
func TestAListThatCouldNotBeReadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hiccup{fails: map[portal.Address]int{alice: 4, carol: 1 << 30}}
		var mu sync.Mutex
		told := map[portal.Address][][]portal.Address{}
		s := contacts.New(store, contacts.Options{Changed: func(owner portal.Address, people []portal.Address) {
			mu.Lock()
			defer mu.Unlock()
			told[owner] = append(told[owner], people)
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for _, who := range []portal.Address{alice, carol} {
			if err := s.SignedIn(ctx, who); portal.Meaning(err) != portal.ErrUnavailable {
				t.Errorf("%s: %v", who, err)
			}
		}
		<-time.After(time.Minute)
		synctest.Wait()
		mu.Lock()
		if got := told[alice]; len(got) != 1 || !slices.Equal(got[0], []portal.Address{bob}) {
			t.Errorf("told of alice: %v", got)
		}
		if got := told[carol]; len(got) != 0 {
			t.Errorf("told of carol: %v", got)
		}
		mu.Unlock()
		store.mu.Lock()
		if store.asked > 25 {
			t.Errorf("storage was asked %d times in a minute", store.asked)
		}
		store.mu.Unlock()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// So many cannot wait that memory has no bound.
func TestThoseWhoWaitAreBounded(t *testing.T) {
	store := &hiccup{fails: map[portal.Address]int{}}
	s := contacts.New(store, contacts.Options{})
	refused := 0
	for i := range 100_010 {
		who := portal.Address(fmt.Sprintf("sip:user%d@example.test", i))
		store.fails[who] = 1
		if err := s.SignedIn(t.Context(), who); err != nil && portal.Meaning(err) == portal.ErrUnavailable && err.Error() != portal.Fail(portal.ErrUnavailable, "storage.away").Error() {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d were refused", refused)
	}
}
