package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/chat"
	"portico/app/portal"
)

func TestSayIsStoredThenSent(t *testing.T) {
	h := newHouse(t, chat.Options{})
	m := say(t, h.Service, alice, bob, "1", "hello\r\nbob ")
	if m.State != portal.Pending || m.Text != "hello\nbob" || m.Order == 0 || m.At.IsZero() {
		t.Errorf("said %+v", m)
	}
	h.reaches(t, alice, "1", portal.Delivered)
	evs, _, err := h.store.EventsSince(t.Context(), alice, 0, 10)
	if err != nil || len(evs) != 2 {
		t.Fatalf("events %v, %v", evs, err)
	}
	if ev, ok := evs[0].Event.(portal.MessageEvent); !ok || ev.Order != m.Order || ev.From != alice || ev.State != portal.Pending {
		t.Errorf("first event %+v", evs[0].Event)
	}
	if ev, ok := evs[1].Event.(portal.StateEvent); !ok || ev.State != portal.Delivered || ev.ID != "1" {
		t.Errorf("second event %+v", evs[1].Event)
	}
}

func TestSayAgainChangesNothing(t *testing.T) {
	h := newHouse(t, chat.Options{})
	say(t, h.Service, alice, bob, "1", "hello")
	h.reaches(t, alice, "1", portal.Delivered)
	again := say(t, h.Service, alice, bob, "1", "something else")
	if again.State != portal.Delivered || again.Text != "hello" {
		t.Errorf("a repeat gave %+v", again)
	}
	say(t, h.Service, alice, bob, "2", "next")
	h.reaches(t, alice, "2", portal.Delivered)
	if got := h.far.ids(alice, bob); !slices.Equal(got, []string{"1", "2"}) || h.far.repeats != 0 {
		t.Errorf("the far side got %v and %d repeats", got, h.far.repeats)
	}
}

func TestSayRefuses(t *testing.T) {
	h := newHouse(t, chat.Options{})
	for name, d := range map[string]chat.Draft{
		"message.empty":        {Conversation: bob, ID: "1", Text: " \n"},
		"message.too-long":     {Conversation: bob, ID: "1", Text: strings.Repeat("x", portal.MaxTextLen+1)},
		"message.encoding":     {Conversation: bob, ID: "1", Text: "\xff"},
		"message.id":           {Conversation: bob, ID: "a b", Text: "x"},
		"message.conversation": {ID: "1", Text: "x"},
	} {
		if _, err := h.Say(t.Context(), alice, d); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ms, err := h.Messages(t.Context(), alice, bob, 0, 0); err != nil || len(ms) != 0 {
		t.Errorf("kept %v, %v", ms, err)
	}
}

func TestNoteToSelf(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.far.answers(func(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error, bool) {
		// The server forks it to all of the person's devices, this portal among them.
		err := h.Receive(ctx, portal.Incoming{To: m.To, From: from, ID: m.ID, Text: m.Text, At: m.At})
		return portal.Outcome{State: portal.Delivered}, err, true
	})
	say(t, h.Service, alice, alice, "1", "buy milk")
	h.reaches(t, alice, "1", portal.Delivered)
	if ms, err := h.Messages(t.Context(), alice, alice, 0, 0); err != nil || len(ms) != 1 {
		t.Errorf("shown as %v, %v", ms, err)
	}
}

func TestOutcomes(t *testing.T) {
	h := newHouse(t, chat.Options{})
	cases := []struct {
		id     string
		state  portal.State
		err    error
		want   portal.State
		reason string
	}{
		{"200", portal.Delivered, nil, portal.Delivered, ""},
		{"202", portal.Stored, nil, portal.Stored, ""},
		{"204", portal.Sent, nil, portal.Sent, ""},
		{"odd", portal.Pending, nil, portal.Sent, ""},
		{"404", "", portal.Fail(portal.ErrNotFound, "send.not-found"), portal.Failed, "send.not-found"},
		{"486", "", portal.Fail(portal.ErrConflict, "send.busy"), portal.Failed, "send.busy"},
		{"bug", "", errors.New("a bug"), portal.Failed, "internal"},
	}
	h.far.answers(func(_ context.Context, _ portal.Address, m portal.Outgoing) (portal.Outcome, error, bool) {
		for _, c := range cases {
			if c.id == m.ID {
				return portal.Outcome{State: c.state}, c.err, true
			}
		}
		return portal.Outcome{}, errors.New("unexpected id"), false
	})
	for _, c := range cases {
		say(t, h.Service, alice, bob, c.id, "x")
	}
	for _, c := range cases {
		if m := h.reaches(t, alice, c.id, c.want); m.Reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.id, m.Reason, c.reason)
		}
	}
}

func TestOrderWithinAConversation(t *testing.T) {
	h := newHouse(t, chat.Options{LaneQueue: 4})
	var tries atomic.Int64
	h.far.answers(func(_ context.Context, _ portal.Address, m portal.Outgoing) (portal.Outcome, error, bool) {
		if tries.Add(1)%3 == 0 {
			return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.unavailable"), false
		}
		return portal.Outcome{State: portal.Delivered}, nil, true
	})
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprint(i))
		say(t, h.Service, alice, bob, want[i], "x")
	}
	h.reaches(t, alice, "59", portal.Delivered)
	if got := h.far.ids(alice, bob); !slices.Equal(got, want) {
		t.Errorf("the far side got %v", got)
	}
	if len(h.far.overlap) > 0 {
		t.Errorf("two at once in %v", h.far.overlap)
	}
}

// Many people say something in one conversation's name at once (several tabs): the far side gets it in
// the order the archive has it in.
func TestOrderOfTabsIsThatOfTheArchive(t *testing.T) {
	h := newHouse(t, chat.Options{})
	done := make(chan error)
	for tab := range 8 {
		go func() {
			for i := range 20 {
				id := fmt.Sprintf("%d-%d", tab, i)
				if _, err := h.Say(t.Context(), alice, chat.Draft{Conversation: bob, ID: id, Text: id}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are delivered", func() bool { return len(h.far.ids(alice, bob)) == 160 })
	ms, err := h.store.Messages(t.Context(), alice, bob, 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range ms {
		want = append(want, m.ID)
	}
	if got := h.far.ids(alice, bob); !slices.Equal(got, want) {
		t.Errorf("the far side got %v\nthe archive has %v", got, want)
	}
}

func TestOneSlowConversationHoldsNobodyUp(t *testing.T) {
	h := newHouse(t, chat.Options{})
	release := make(chan struct{})
	h.far.answers(func(ctx context.Context, _ portal.Address, m portal.Outgoing) (portal.Outcome, error, bool) {
		if m.To == bob {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return portal.Outcome{State: portal.Delivered}, nil, true
	})
	say(t, h.Service, alice, bob, "slow", "x")
	say(t, h.Service, alice, carol, "quick", "x")
	h.reaches(t, alice, "quick", portal.Delivered)
	if m := h.state(t, alice, "slow"); m.State != portal.Pending {
		t.Errorf("the slow one is %s", m.State)
	}
	close(release)
	h.reaches(t, alice, "slow", portal.Delivered)
}

// With fewer places than conversations all get their turn, also while others have a backlog.
func TestPlacesAreShared(t *testing.T) {
	h := newHouse(t, chat.Options{MaxInFlight: 2})
	for i := range 30 {
		for _, to := range []portal.Address{bob, carol} {
			say(t, h.Service, alice, to, fmt.Sprintf("%s%d", to.User(), i), "x")
		}
		for p := range 5 {
			to := portal.Address(fmt.Sprintf("sip:p%d@example.test", p))
			say(t, h.Service, alice, to, fmt.Sprintf("%s-%d", to.User(), i), "x")
		}
	}
	for p := range 5 {
		h.reaches(t, alice, fmt.Sprintf("p%d-29", p), portal.Delivered)
	}
	h.reaches(t, alice, "bob29", portal.Delivered)
	h.reaches(t, alice, "carol29", portal.Delivered)
}

func TestLineUpSendsAtOnce(t *testing.T) {
	h := newHouse(t, chat.Options{FirstRetry: time.Hour, MaxRetry: time.Hour})
	var up atomic.Bool
	tried := make(chan struct{}, 10)
	h.far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
		if up.Load() {
			return portal.Outcome{State: portal.Delivered}, nil, true
		}
		tried <- struct{}{}
		return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.line-down"), false
	})
	say(t, h.Service, alice, bob, "1", "x")
	say(t, h.Service, alice, bob, "2", "x")
	<-tried
	if m := h.state(t, alice, "1"); m.State != portal.Pending {
		t.Fatalf("while the line is down it is %s", m.State)
	}
	up.Store(true)
	h.LineUp(carol)
	h.LineUp(alice)
	h.reaches(t, alice, "2", portal.Delivered)
}

func TestRunTakesUpWhatWasPending(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
		return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.line-down"), false
	})
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		say(t, h.Service, alice, bob, want[i], "x")
	}
	h.stop()
	h.far.answers(nil)
	h.Service, h.told, h.stop = start(t, h.store, h.far, quick(chat.Options{LaneQueue: 8}))
	// Something new is said before the old has gone.
	say(t, h.Service, alice, bob, "new", "x")
	h.reaches(t, alice, "new", portal.Delivered)
	if got := h.far.ids(alice, bob); !slices.Equal(got, append(want, "new")) {
		t.Errorf("the far side got %v", got)
	}
}

func TestStoppingLeavesPendingOnDisk(t *testing.T) {
	h := newHouse(t, chat.Options{Drain: time.Millisecond})
	trying := make(chan struct{})
	h.far.answers(func(ctx context.Context, _ portal.Address, _ portal.Outgoing) (portal.Outcome, error, bool) {
		close(trying)
		<-ctx.Done()
		return portal.Outcome{}, ctx.Err(), false
	})
	say(t, h.Service, alice, bob, "1", "x")
	<-trying
	h.stop()
	if m := h.state(t, alice, "1"); m.State != portal.Pending {
		t.Errorf("after the stop it is %s", m.State)
	}
	if m := say(t, h.Service, alice, bob, "2", "x"); m.State != portal.Pending {
		t.Errorf("said after the stop: %s", m.State)
	}
}

func TestStoppingWaitsForAnswersUnderWay(t *testing.T) {
	h := newHouse(t, chat.Options{})
	trying, answer := make(chan struct{}), make(chan struct{})
	h.far.answers(func(ctx context.Context, _ portal.Address, _ portal.Outgoing) (portal.Outcome, error, bool) {
		close(trying)
		<-answer
		return portal.Outcome{State: portal.Delivered}, ctx.Err(), true
	})
	say(t, h.Service, alice, bob, "1", "x")
	<-trying
	stopped := make(chan struct{})
	go func() { h.stop(); close(stopped) }()
	close(answer)
	<-stopped
	if m := h.state(t, alice, "1"); m.State != portal.Delivered {
		t.Errorf("after the stop it is %s", m.State)
	}
}

// A send of which nobody knows whether it was committed is found again.
func TestLostCommitIsSent(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.stop()
	flaky := &lossyLog{Log: h.store}
	h.Service, h.told, h.stop = start(t, flaky, h.far, quick(chat.Options{}))
	say(t, h.Service, alice, bob, "1", "x")
	h.reaches(t, alice, "1", portal.Delivered)
	flaky.lose.Store(true)
	if _, err := h.Say(t.Context(), alice, chat.Draft{Conversation: bob, ID: "2", Text: "x"}); !errors.Is(err, portal.ErrUnavailable) {
		t.Fatalf("the lost one: %v", err)
	}
	h.reaches(t, alice, "2", portal.Delivered)
}

// lossyLog commits but says that storage is away.
type lossyLog struct {
	chat.Log
	lose      atomic.Bool
	failState atomic.Int64
}

func (l *lossyLog) AddMessage(ctx context.Context, m portal.Message, evs ...portal.Addressed) (portal.Message, bool, error) {
	stored, created, err := l.Log.AddMessage(ctx, m, evs...)
	if err == nil && l.lose.Load() {
		return portal.Message{}, false, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return stored, created, err
}

func (l *lossyLog) SetMessageState(ctx context.Context, owner, from portal.Address, id string, st portal.State, reason string) (bool, error) {
	if l.failState.Add(-1) >= 0 {
		return false, portal.Fail(portal.ErrUnavailable, "storage.away")
	}
	return l.Log.SetMessageState(ctx, owner, from, id, st, reason)
}

// While states wait for storage, what was answered is not taken for pending and sent again.
func TestStateIsStoredWhenStorageIsBack(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.stop()
	flaky := &lossyLog{Log: h.store}
	flaky.failState.Store(3)
	h.Service, h.told, h.stop = start(t, flaky, h.far, quick(chat.Options{LaneQueue: 2}))
	for i := range 20 {
		say(t, h.Service, alice, bob, fmt.Sprint(i), "x")
	}
	for i := range 20 {
		h.reaches(t, alice, fmt.Sprint(i), portal.Delivered)
	}
	if h.far.repeats != 0 {
		t.Errorf("%d repeats", h.far.repeats)
	}
}

// slowLog holds back what it has read until it is told to go on.
type slowLog struct {
	chat.Log
	reading, goOn chan struct{}
	once          sync.Once
}

func (l *slowLog) Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error) {
	page, err := l.Log.Messages(ctx, owner, conversation, before, limit)
	l.once.Do(func() {
		close(l.reading)
		<-l.goOn
	})
	return page, err
}

// What is said while a conversation is being read again from the archive is not forgotten.
func TestSayWhileTheArchiveIsRead(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.stop()
	slow := &slowLog{Log: h.store, reading: make(chan struct{}), goOn: make(chan struct{})}
	h.Service, h.told, h.stop = start(t, slow, h.far, quick(chat.Options{LaneQueue: 1}))
	hold := make(chan struct{})
	h.far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
		<-hold
		return portal.Outcome{State: portal.Delivered}, nil, true
	})
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint(i))
		say(t, h.Service, alice, bob, want[i], "x")
	}
	close(hold) // only now the first one is answered; the others wait on disk
	<-slow.reading
	want = append(want, "meanwhile")
	say(t, h.Service, alice, bob, "meanwhile", "x")
	close(slow.goOn)
	h.reaches(t, alice, "meanwhile", portal.Delivered)
	if got := h.far.ids(alice, bob); !slices.Equal(got, want) {
		t.Errorf("the far side got %v", got)
	}
}
