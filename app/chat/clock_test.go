package chat_test

// What time does: retries, giving up, typing that ends.

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/chat"
	"portico/app/portal"
)

// bubble runs a service over an archive in memory in fake time.
func bubble(t *testing.T, o chat.Options, f func(t *testing.T, s *chat.Service, log *memLog, far *farSide, evs *events)) {
	synctest.Test(t, func(t *testing.T) {
		log, far, evs := newMemLog(), newFarSide(), &events{}
		o.Emit = evs.emit
		s := chat.New(log, far, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		f(t, s, log, far, evs)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// tries remembers when something was tried.
type tries struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration
}

// note remembers a try and tells its number, from 1.
func (r *tries) note() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.start))
	return len(r.at)
}

// all is when each try was, in order. Fake time orders nothing between a test and the tries to come: it
// reads them as they write, under the lock.
func (r *tries) all() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

func TestRetriesGrowUntilGivenUp(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, log *memLog, far *farSide, _ *events) {
		r := &tries{start: time.Now()}
		far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
			r.note()
			return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.line-down"), false
		})
		say(t, s, alice, bob, "1", "x")
		time.Sleep(24*time.Hour + time.Second)
		synctest.Wait()
		m, err := log.Message(t.Context(), alice, alice, "1")
		if err != nil || m.State != portal.Failed || m.Reason != "send.gave-up" {
			t.Fatalf("after a day: %+v, %v", m, err)
		}
		at := r.all()
		if n := len(at); n < 24*12 || n > 2*24*12+20 {
			t.Errorf("%d tries in a day", n)
		}
		for i := 1; i < len(at); i++ {
			wait := at[i] - at[i-1]
			most := min(time.Second<<min(i-1, 20), 5*time.Minute)
			if wait < most/2 || wait > most {
				t.Fatalf("before try %d: %v, want %v to %v", i+1, wait, most/2, most)
			}
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, log *memLog, far *farSide, _ *events) {
		r := &tries{start: time.Now()}
		far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
			if r.note() == 1 {
				return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.busy-server").After(100 * time.Second), false
			}
			return portal.Outcome{State: portal.Delivered}, nil, true
		})
		say(t, s, alice, bob, "1", "x")
		say(t, s, alice, bob, "2", "x")
		time.Sleep(99 * time.Second)
		s.LineUp(alice) // the line's return does not undo what the server asked for
		synctest.Wait()
		if at := r.all(); len(at) != 1 {
			t.Fatalf("tried at %v", at)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := far.ids(alice, bob); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("the far side got %v", got)
		}
	})
}

func TestManyRetriesAreSpread(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, far *farSide, _ *events) {
		r := &tries{start: time.Now()}
		far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
			r.note()
			return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.line-down"), false
		})
		for i := range 200 {
			say(t, s, alice, portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), "1-"+fmt.Sprint(i), "x")
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		moments := map[time.Duration]int{}
		for _, at := range r.all()[200:] {
			moments[at.Truncate(50*time.Millisecond)]++
		}
		for at, n := range moments {
			if n > 60 {
				t.Errorf("%d of 200 came back within 50 ms at %v", n, at)
			}
		}
	})
}

func TestASendHasATimeout(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, log *memLog, far *farSide, _ *events) {
		first := true
		far.answers(func(ctx context.Context, _ portal.Address, _ portal.Outgoing) (portal.Outcome, error, bool) {
			if first {
				first = false
				<-ctx.Done()
				return portal.Outcome{}, ctx.Err(), true
			}
			return portal.Outcome{State: portal.Delivered}, nil, true
		})
		say(t, s, alice, bob, "1", "x")
		time.Sleep(42 * time.Second)
		synctest.Wait()
		if m, _ := log.Message(t.Context(), alice, alice, "1"); m.State != portal.Delivered || far.repeats != 1 {
			t.Errorf("%s after %d repeats", m.State, far.repeats)
		}
	})
}

// More is pending than memory may hold, and all of it is older than anybody's patience: it is given up.
func TestOldPendingMessagesAreGivenUp(t *testing.T) {
	for _, c := range []struct{ messages, conversations int }{{400, 1}, {5000, 50}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { giveUpAll(t, c.messages, c.conversations) })
		})
	}
}

func giveUpAll(t *testing.T, messages, conversations int) {
	log, far := newMemLog(), newFarSide()
	said := time.Now()
	for i := range messages {
		to := portal.Address(fmt.Sprintf("sip:p%d@example.test", i%conversations))
		m := portal.Message{Owner: alice, From: alice, Conversation: to, ID: fmt.Sprint(i), Text: "x", At: said, State: portal.Pending}
		if _, _, err := log.AddMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(72 * time.Hour)
	s := chat.New(log, far, chat.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	left, err := log.PendingMessages(t.Context(), 10)
	if err != nil || len(left) != 0 {
		t.Errorf("still pending: %v, %v", left, err)
	}
	if n := len(far.got); n != 0 {
		t.Errorf("%d conversations got something", n)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTypingIsShownAndEnds(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, _ *farSide, evs *events) {
		is := func(from portal.Address, typing bool) portal.Current {
			return portal.TypingEvent{Conversation: from, From: from, Typing: typing}
		}
		s.ReceiveTyping(alice, bob, true, 60*time.Second)
		s.ReceiveTyping(alice, carol, true, 0)
		time.Sleep(50 * time.Second)
		s.ReceiveTyping(alice, bob, true, 60*time.Second)
		time.Sleep(50 * time.Second)
		if now := s.TypingNow(alice); len(now) != 2 {
			t.Fatalf("typing now: %v", now)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if now := s.TypingNow(alice); len(now) != 1 || now[0].From != carol {
			t.Fatalf("after bob's refresh ran out: %v", now)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := []portal.Current{is(bob, true), is(carol, true), is(bob, false), is(carol, false)}
		if got := evs.of(alice); !slices.Equal(got, want) {
			t.Errorf("told %v", got)
		}
		s.ReceiveTyping(alice, bob, false, 0)
		if got := evs.of(alice); len(got) != 4 {
			t.Errorf("told again that nobody types: %v", got)
		}
	})
}

func TestAMessageEndsTyping(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, _ *farSide, evs *events) {
		s.ReceiveTyping(alice, bob, true, 0)
		if err := s.Receive(t.Context(), portal.Incoming{To: alice, From: bob, ID: "1", Text: "done"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := evs.of(alice)
		if len(got) != 3 || len(s.TypingNow(alice)) != 0 {
			t.Fatalf("told %v", got)
		}
		if got[1] != (portal.TypingEvent{Conversation: bob, From: bob}) {
			t.Errorf("second %v", got[1])
		}
		if c, ok := got[2].(portal.CountsEvent); !ok || c.Unread[bob] != 1 {
			t.Errorf("third %v", got[2])
		}
	})
}

func TestTypersAreBounded(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, _ *farSide, _ *events) {
		for i := range 1000 {
			s.ReceiveTyping(alice, portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), true, time.Hour)
		}
		if n := len(s.TypingNow(alice)); n == 0 || n > 100 {
			t.Errorf("%d people type", n)
		}
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if n := len(s.TypingNow(alice)); n != 0 {
			t.Errorf("%d people type for ever", n)
		}
	})
}

func TestOwnTypingIsToldSparingly(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, far *farSide, _ *events) {
		typing := func(to portal.Address, on bool) {
			if err := s.Typing(t.Context(), alice, to, on); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		typing(bob, false) // nothing to end
		for range 100 {
			typing(bob, true) // each key
		}
		typing(alice, true)
		time.Sleep(6 * time.Second)
		typing(bob, true)
		typing(bob, false)
		typing(bob, false)
		typing(carol, true)
		say(t, s, alice, carol, "1", "x")
		typing(carol, false) // the message has said so
		want := []string{"alice>bob true", "alice>bob true", "alice>bob false", "alice>carol true"}
		if !slices.Equal(far.typing, want) {
			t.Errorf("told %v", far.typing)
		}
	})
}

func TestTypingIsNotForcedOnThoseWhoRefuse(t *testing.T) {
	bubble(t, chat.Options{}, func(t *testing.T, s *chat.Service, _ *memLog, far *farSide, _ *events) {
		far.typed = func(_, to portal.Address) error {
			if to == bob {
				return portal.Fail(portal.ErrInvalid, "send.unsupported")
			}
			return portal.Fail(portal.ErrUnavailable, "send.line-down")
		}
		for range 5 {
			for _, to := range []portal.Address{bob, carol} {
				if err := s.Typing(t.Context(), alice, to, true); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		slices.Sort(far.typing)
		want := []string{"alice>bob true", "alice>carol true", "alice>carol true", "alice>carol true", "alice>carol true", "alice>carol true"}
		if !slices.Equal(far.typing, want) {
			t.Errorf("told %v", far.typing)
		}
	})
}
