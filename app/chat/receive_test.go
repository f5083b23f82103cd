package chat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"portico/app/chat"
	"portico/app/portal"
)

func receive(t testing.TB, s *chat.Service, in portal.Incoming) {
	t.Helper()
	if err := s.Receive(t.Context(), in); err != nil {
		t.Fatalf("receive %s: %v", in.ID, err)
	}
}

// lastCounts is the newest unread counts a person was told.
func lastCounts(e *events, who portal.Address) (unread map[portal.Address]int) {
	for _, ev := range e.of(who) {
		if c, ok := ev.(portal.CountsEvent); ok {
			unread = c.Unread
		}
	}
	return unread
}

func (f *farSide) noticed() []portal.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]portal.Notice(nil), f.notices...)
}

func TestReceiveOnce(t *testing.T) {
	h := newHouse(t, chat.Options{})
	in := portal.Incoming{To: alice, From: bob, ID: "1", Text: "hi\r\nthere", At: time.Now().Add(-time.Minute), WantsDelivered: true}
	for range 5 {
		receive(t, h.Service, in)
	}
	ms, err := h.Messages(t.Context(), alice, bob, 0, 0)
	if err != nil || len(ms) != 1 {
		t.Fatalf("shown %v, %v", ms, err)
	}
	if m := ms[0]; m.Text != "hi\nthere" || m.State != portal.Received || m.Mine() || m.At.Sub(in.At).Abs() > time.Millisecond {
		t.Errorf("kept %+v", m)
	}
	eventually(t, "the counts are told", func() bool { return lastCounts(h.told, alice)[bob] == 1 })
	eventually(t, "the sender is told", func() bool { return len(h.far.noticed()) > 0 })
	evs, _, err := h.store.EventsSince(t.Context(), alice, 0, 10)
	if err != nil || len(evs) != 1 {
		t.Errorf("events %v, %v", evs, err)
	}
	// Whoever repeats a message may have missed the notice of the first one.
	eventually(t, "the sender is told each time", func() bool { return len(h.far.noticed()) == 5 })
	for _, n := range h.far.noticed() {
		if n.To != bob || n.ID != "1" || n.State != portal.Delivered {
			t.Errorf("notice %v", n)
		}
	}
}

// The same id from two senders, or to two of our people, names different messages.
func TestReceiveTellsSendersApart(t *testing.T) {
	h := newHouse(t, chat.Options{})
	for _, from := range []portal.Address{bob, carol} {
		receive(t, h.Service, portal.Incoming{To: alice, From: from, ID: "1", Text: "from " + from.User()})
	}
	receive(t, h.Service, portal.Incoming{To: carol, From: bob, ID: "1", Text: "to carol"})
	list, err := h.Conversations(t.Context(), alice)
	if err != nil || len(list) != 2 {
		t.Fatalf("conversations %v, %v", list, err)
	}
	unread, err := h.Unread(t.Context(), carol)
	if err != nil || unread[bob] != 1 {
		t.Errorf("carol's unread: %v, %v", unread, err)
	}
}

func TestReceiveRefuses(t *testing.T) {
	blocked := func(_ context.Context, owner, of portal.Address) (portal.Relationship, error) {
		if owner == alice && of == carol {
			return portal.Blocked, nil
		}
		return "", errors.New("the contact list is away")
	}
	h := newHouse(t, chat.Options{Relationship: blocked})
	cases := map[string]struct {
		in      portal.Incoming
		meaning error
	}{
		"message.empty":       {portal.Incoming{To: alice, From: bob, ID: "1", Text: " \r\n"}, portal.ErrInvalid},
		"message.too-long":    {portal.Incoming{To: alice, From: bob, ID: "1", Text: strings.Repeat("x", portal.MaxTextLen+1)}, portal.ErrInvalid},
		"message.encoding":    {portal.Incoming{To: alice, From: bob, ID: "1", Text: "\xc3"}, portal.ErrInvalid},
		"message.id":          {portal.Incoming{To: alice, From: bob, Text: "x"}, portal.ErrInvalid},
		"message.unreachable": {portal.Incoming{To: alice, From: carol, ID: "1", Text: "x"}, portal.ErrNotFound},
	}
	for key, c := range cases {
		if err := h.Receive(t.Context(), c.in); !errors.Is(err, c.meaning) || portal.Reason(err) != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	h.ReceiveTyping(alice, carol, true, 0)
	if now := h.TypingNow(alice); len(now) != 0 {
		t.Errorf("a blocked person is shown typing: %v", now)
	}
	// Not knowing who is blocked loses nothing.
	receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: "1", Text: "x"})
}

func TestReceiveWhenStorageIsAway(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.stop()
	away := &lossyLog{Log: h.store}
	away.lose.Store(true)
	h.Service, h.told, h.stop = start(t, away, h.far, quick(chat.Options{}))
	in := portal.Incoming{To: alice, From: bob, ID: "1", Text: "x", WantsDelivered: true}
	if err := h.Receive(t.Context(), in); !errors.Is(err, portal.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	away.lose.Store(false)
	receive(t, h.Service, in) // the sender tries again; it was stored after all
	if ms, err := h.Messages(t.Context(), alice, bob, 0, 0); err != nil || len(ms) != 1 {
		t.Errorf("shown %v, %v", ms, err)
	}
}

func TestReceiveBelievesNoFutureAndKeepsOddIDs(t *testing.T) {
	h := newHouse(t, chat.Options{})
	long := strings.Repeat("Ä", 500)
	receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: "1", Text: "x", At: time.Now().Add(48 * time.Hour)})
	receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: long, Text: "x", WantsRead: true, WantsDelivered: true})
	receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: long, Text: "x"})
	ms, err := h.Messages(t.Context(), alice, bob, 0, 0)
	if err != nil || len(ms) != 2 {
		t.Fatalf("shown %v, %v", ms, err)
	}
	if time.Until(ms[0].At) > time.Second {
		t.Errorf("said at %v", ms[0].At)
	}
	if len(ms[1].ID) > portal.MaxIDLen || ms[1].WantsRead {
		t.Errorf("kept %+v", ms[1])
	}
}

func TestNotices(t *testing.T) {
	h := newHouse(t, chat.Options{})
	h.far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
		return portal.Outcome{State: portal.Stored}, nil, true
	})
	say(t, h.Service, alice, bob, "1", "x")
	h.reaches(t, alice, "1", portal.Stored)
	notice := func(n portal.Notice, want portal.State) {
		t.Helper()
		if err := h.ReceiveNotice(t.Context(), alice, n); err != nil {
			t.Fatal(err)
		}
		if m := h.state(t, alice, "1"); m.State != want {
			t.Errorf("after %v it is %s, want %s", n, m.State, want)
		}
	}
	notice(portal.Notice{To: carol, ID: "1", State: portal.Read}, portal.Stored) // carol never got it
	notice(portal.Notice{To: bob, ID: "unheard of", State: portal.Read}, portal.Stored)
	notice(portal.Notice{To: bob, ID: "1", State: portal.Delivered}, portal.Delivered)
	notice(portal.Notice{To: bob, ID: "1", State: portal.Read}, portal.Read)
	notice(portal.Notice{To: bob, ID: "1", State: portal.Delivered}, portal.Read)
	if err := h.ReceiveNotice(t.Context(), alice, portal.Notice{To: bob, ID: "1", State: portal.Pending}); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a notice of pending: %v", err)
	}
}

func TestMarkRead(t *testing.T) {
	h := newHouse(t, chat.Options{})
	for i := range 6 {
		receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: fmt.Sprint(i), Text: "x", WantsRead: i%2 == 0})
	}
	if err := h.MarkRead(t.Context(), alice, bob, "2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three are left", func() bool { return lastCounts(h.told, alice)[bob] == 3 })
	say(t, h.Service, alice, bob, "mine", "x")
	if err := h.MarkRead(t.Context(), alice, bob, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "none is left", func() bool { c := lastCounts(h.told, alice); return c != nil && c[bob] == 0 })
	eventually(t, "bob knows", func() bool { return len(h.far.noticed()) == 3 })
	for i, n := range h.far.noticed() {
		if n.To != bob || n.State != portal.Read || n.ID != fmt.Sprint(2*i) {
			t.Errorf("notice %d: %+v", i, n)
		}
	}
	for _, again := range []string{"", "1", "mine"} {
		if err := h.MarkRead(t.Context(), alice, bob, again); err != nil {
			t.Errorf("again up to %q: %v", again, err)
		}
	}
	if err := h.MarkRead(t.Context(), alice, bob, "nothing"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("up to a message that is not there: %v", err)
	}
	if err := h.MarkRead(t.Context(), alice, carol, "mine"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("up to a message of another conversation: %v", err)
	}
	if err := h.MarkRead(t.Context(), alice, carol, ""); err != nil {
		t.Errorf("a conversation without messages: %v", err)
	}
}

func TestPaging(t *testing.T) {
	h := newHouse(t, chat.Options{})
	for i := range 60 {
		receive(t, h.Service, portal.Incoming{To: alice, From: bob, ID: fmt.Sprint(i), Text: "x"})
	}
	var all []string
	for before := int64(0); ; {
		page, err := h.Messages(t.Context(), alice, bob, before, 25)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		var ids []string
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		all, before = append(ids, all...), page[0].Order
	}
	if len(all) != 60 || all[0] != "0" || all[59] != "59" {
		t.Errorf("read back %v", all)
	}
	if page, err := h.Messages(t.Context(), alice, bob, -5, 0); err != nil || len(page) != 50 {
		t.Errorf("a page of no size: %d, %v", len(page), err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add("hello", "id-1", int64(0))
	f.Add("a\r\n\x00b", strings.Repeat("x", 300), int64(1<<40))
	f.Add("\xff", "\xff", int64(-1))
	f.Fuzz(func(t *testing.T, text, id string, at int64) {
		log := newMemLog()
		s := chat.New(log, newFarSide(), chat.Options{})
		in := portal.Incoming{To: alice, From: bob, ID: id, Text: text, At: time.Unix(at%(1<<40), 0)}
		err := s.Receive(t.Context(), in)
		kept := log.sorted(func(portal.Message) bool { return true })
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid || len(kept) != 0 {
				t.Fatalf("%v, and kept %v", err, kept)
			}
			return
		}
		if len(kept) != 1 {
			t.Fatalf("kept %v", kept)
		}
		m := kept[0]
		if !utf8.ValidString(m.Text) || !utf8.ValidString(m.ID) || m.ID == "" || len(m.ID) > 200 || len(m.Text) > portal.MaxTextLen || strings.TrimSpace(m.Text) == "" {
			t.Fatalf("kept %+v", m)
		}
		if err := s.Receive(t.Context(), in); err != nil || len(log.messages) != 1 {
			t.Fatalf("a repeat: %v, %d messages", err, len(log.messages))
		}
	})
}

// What waits elsewhere is told with the unread messages, and again when it is said to have changed.
func TestCountsOfOtherRoomsAreToldBeside(t *testing.T) {
	var calls atomic.Int64
	var seen, received atomic.Int64
	h := newHouse(t, chat.Options{
		Beside: []func(context.Context, portal.Address, *portal.CountsEvent) error{
			func(_ context.Context, who portal.Address, ev *portal.CountsEvent) error {
				if who == alice {
					ev.Calls = int(calls.Load())
				}
				return nil
			},
		},
		Received: func(m portal.Message) {
			if m.Owner == alice && m.From == bob && m.Order > 0 {
				received.Add(1)
			}
		},
		Seen: func(owner, conversation portal.Address) {
			if owner == alice && conversation == bob {
				seen.Add(1)
			}
		},
	})
	in := portal.Incoming{To: alice, From: bob, ID: "1", Text: "hi"}
	receive(t, h.Service, in)
	receive(t, h.Service, in)
	if n := received.Load(); n != 1 {
		t.Errorf("told of %d new messages, want 1", n)
	}
	calls.Store(3)
	h.Recount(alice)
	eventually(t, "both are told", func() bool {
		for _, ev := range h.told.of(alice) {
			if c, ok := ev.(portal.CountsEvent); ok && c.Calls == 3 && c.Unread[bob] == 1 {
				return true
			}
		}
		return false
	})
	if now, err := h.Counts(t.Context(), alice); err != nil || now.Calls != 3 || now.Unread[bob] != 1 {
		t.Errorf("counts %+v, %v", now, err)
	}
	for range 2 {
		if err := h.MarkRead(t.Context(), alice, bob, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := seen.Load(); n != 1 {
		t.Errorf("told %d times that something was read, want 1", n)
	}
}
