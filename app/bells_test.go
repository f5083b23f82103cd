package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"portico/app/portal"
)

// bellEar keeps what it was told.
type bellEar struct {
	mu    sync.Mutex
	words []string
}

func (e *bellEar) say(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.words = append(e.words, what)
}

func (e *bellEar) Rang(m portal.Address)            { e.say("rang " + m.User()) }
func (e *bellEar) Reached(m portal.Address)         { e.say("reached " + m.User()) }
func (e *bellEar) Lost(m portal.Address, err error) { e.say(fmt.Sprintf("lost %s: %v", m.User(), err)) }

// take gives what was heard since the last time.
func (e *bellEar) take() []string {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.words
	e.words = nil
	return out
}

func TestTheBellboardTellsEachWhatTheyWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []portal.Address
		b := newBellboard(func(all []portal.Address) { asked = all })
		one, two := &bellEar{}, &bellEar{}
		calendars, sync := b.join(one), b.join(two)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		alice, bob := portal.MustAddress("alice@example.test"), portal.MustAddress("bob@example.test")

		calendars.Watch([]portal.Address{alice})
		sync.Watch([]portal.Address{bob, alice})
		if !slices.Equal(asked, []portal.Address{alice, bob}) {
			t.Errorf("the connector was asked for %v", asked)
		}
		b.Reached(alice)
		b.Reached(bob)
		heard(t, "calendars", one.take(), "reached alice")
		heard(t, "synchronisation", two.take(), "reached alice", "reached bob")

		b.Rang(bob)
		b.Rang(bob)
		heard(t, "calendars", one.take())
		if got := two.take(); len(got) < 1 || got[0] != "rang bob" {
			t.Errorf("the synchronisation heard %q of a mailbox that rang", got)
		}

		// Who comes later hears how it stands: the connector says each thing once only.
		b.Lost(bob, errors.New("away"))
		heard(t, "synchronisation", two.take(), "lost bob: away")
		calendars.Watch([]portal.Address{alice, bob})
		heard(t, "calendars", one.take(), "lost bob: away")

		// What nobody wants any more is forgotten, and is news again when it comes back.
		calendars.Watch([]portal.Address{alice})
		sync.Watch([]portal.Address{alice})
		if !slices.Equal(asked, []portal.Address{alice}) {
			t.Errorf("the connector was asked for %v", asked)
		}
		b.Rang(bob)
		sync.Watch([]portal.Address{alice, bob})
		heard(t, "synchronisation", two.take())

		b.forget()
		b.again()
		b.Reached(bob)
		heard(t, "synchronisation", two.take(), "reached bob")
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func heard(t *testing.T, who string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the %s heard %q, expected %q", who, got, want)
	}
}
