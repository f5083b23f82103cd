package chat_test

// What policy and privacy do to messages: who may not write, who is not to be written to, who must not be able to tell
// that they are blocked, and what draws no attention.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"portico/app/chat"
	"portico/app/portal"
)

// What is past is not shown to whom policy lets nothing be kept, neither on a page nor in the list; others see all of it.
func TestPastIsNotShown(t *testing.T) {
	var past int64
	var broken error
	o := chat.Options{Past: func(_ context.Context, who, _ portal.Address) (int64, error) {
		if who != alice {
			return 0, nil
		}
		return past, broken
	}}
	bubble(t, o, func(t *testing.T, s *chat.Service, log *memLog, _ *farSide, _ *events) {
		var first portal.Message
		for _, owner := range []portal.Address{alice, carol} {
			for _, id := range []string{"1", "2"} {
				m, _, err := log.AddMessage(t.Context(), portal.Message{Owner: owner, Conversation: bob, From: bob, ID: id, Text: id, State: portal.Received})
				if err != nil {
					t.Fatal(err)
				}
				if owner == alice && id == "1" {
					first = m
				}
			}
		}
		for _, c := range []struct {
			past, shown int64
			listed      int
		}{{0, 2, 1}, {first.Order, 1, 1}, {first.Order + 1, 0, 0}} {
			past = c.past
			list, err := s.Messages(t.Context(), alice, bob, 0, 0)
			all, err2 := s.Conversations(t.Context(), alice)
			if int64(len(list)) != c.shown || len(all) != c.listed || err != nil || err2 != nil {
				t.Errorf("past %d: %d messages, %d conversations, %v, %v", c.past, len(list), len(all), err, err2)
			}
			if list, err := s.Messages(t.Context(), carol, bob, 0, 0); err != nil || len(list) != 2 {
				t.Errorf("carol sees %d, %v", len(list), err)
			}
		}
		broken = errors.New("away")
		if _, err := s.Messages(t.Context(), alice, bob, 0, 0); !errors.Is(err, broken) {
			t.Errorf("shown although it is not known what is past: %v", err)
		}
		if _, err := s.Conversations(t.Context(), alice); !errors.Is(err, broken) {
			t.Errorf("listed although it is not known what is past: %v", err)
		}
	})
}

func TestWithoutInstantMessages(t *testing.T) {
	off := func(who portal.Address) bool { return who == carol }
	bubble(t, chat.Options{NoIM: off}, func(t *testing.T, s *chat.Service, log *memLog, far *farSide, _ *events) {
		cases := []struct {
			name     string
			from, to portal.Address
			reason   string
		}{
			{"the sender may not", carol, bob, "chat.disabled"},
			{"not even to themself", carol, carol, "chat.disabled"},
			{"the receiver may not", alice, carol, "chat.peer-disabled"},
		}
		for i, c := range cases {
			_, err := s.Say(t.Context(), c.from, chat.Draft{Conversation: c.to, ID: fmt.Sprint(i), Text: "x"})
			if !errors.Is(err, portal.ErrForbidden) || portal.Reason(err) != c.reason {
				t.Errorf("%s: %v", c.name, err)
			}
			if _, err := log.Message(t.Context(), c.from, c.from, fmt.Sprint(i)); portal.Meaning(err) != portal.ErrNotFound {
				t.Errorf("%s: it was kept: %v", c.name, err)
			}
		}
		err := s.Receive(t.Context(), portal.Incoming{To: carol, From: bob, ID: "in", Text: "x", WantsDelivered: true})
		if portal.Reason(err) != "message.unreachable" {
			t.Errorf("received: %v", err)
		}
		if _, err := log.Message(t.Context(), carol, bob, "in"); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("what arrived was kept: %v", err)
		}
		for _, p := range [][2]portal.Address{{alice, carol}, {carol, alice}, {alice, bob}} {
			if err := s.Typing(t.Context(), p[0], p[1], true); err != nil {
				t.Error(err)
			}
		}
		s.ReceiveTyping(carol, bob, true, 0)
		if now := s.TypingNow(carol); len(now) != 0 {
			t.Errorf("typing is shown: %v", now)
		}
		synctest.Wait()
		if want := []string{"alice>bob true"}; !slices.Equal(far.typing, want) {
			t.Errorf("typing told: %v", far.typing)
		}
		if len(far.notices) != 0 {
			t.Errorf("notices: %v", far.notices)
		}
	})
}

// What waits for the server when policy takes messages from somebody is not sent any more.
func TestWhatWaitsIsNotSentAgainstPolicy(t *testing.T) {
	var off atomic.Bool
	h := newHouse(t, chat.Options{NoIM: func(portal.Address) bool { return off.Load() }})
	h.far.answers(func(context.Context, portal.Address, portal.Outgoing) (portal.Outcome, error, bool) {
		return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.line-down"), false
	})
	say(t, h.Service, alice, bob, "1", "x")
	off.Store(true)
	if m := h.reaches(t, alice, "1", portal.Failed); m.Reason != "chat.disabled" {
		t.Errorf("the reason is %q", m.Reason)
	}
}

// Somebody who is blocked is answered as if nobody were there, and hears nothing more.
func TestABlockedSenderCannotTell(t *testing.T) {
	made := portal.Company
	relation := func(_ context.Context, owner, of portal.Address) (portal.Relationship, error) {
		if owner == alice && of == bob {
			return made, nil
		}
		return portal.Company, nil
	}
	bubble(t, chat.Options{Relationship: relation}, func(t *testing.T, s *chat.Service, _ *memLog, far *farSide, _ *events) {
		receive(t, s, portal.Incoming{To: alice, From: bob, ID: "1", Text: "before", WantsDelivered: true, WantsRead: true})
		synctest.Wait()
		if len(far.notices) != 1 || far.notices[0].State != portal.Delivered {
			t.Fatalf("notices before: %v", far.notices)
		}
		far.notices, made = nil, portal.Blocked
		err := s.Receive(t.Context(), portal.Incoming{To: alice, From: bob, ID: "2", Text: "x", WantsDelivered: true})
		if !errors.Is(err, portal.ErrNotFound) || portal.Reason(err) != "message.unreachable" {
			t.Errorf("a message: %v", err)
		}
		// A text that nobody would take is answered the same.
		if err := s.Receive(t.Context(), portal.Incoming{To: alice, From: bob, ID: "3", Text: "\xff"}); portal.Reason(err) != "message.unreachable" {
			t.Errorf("a text that is none: %v", err)
		}
		// Nor does a repeat of what was taken before tell.
		if err := s.Receive(t.Context(), portal.Incoming{To: alice, From: bob, ID: "1", Text: "before", WantsDelivered: true}); portal.Reason(err) != "message.unreachable" {
			t.Errorf("a repeat: %v", err)
		}
		if err := s.MarkRead(t.Context(), alice, bob, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Typing(t.Context(), alice, bob, true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(far.notices) != 0 || len(far.typing) != 0 {
			t.Errorf("the blocked one hears of reading %v and typing %v", far.notices, far.typing)
		}
	})
}

// A message that is to draw no attention says so in its event, and only there.
func TestQuietMessages(t *testing.T) {
	o := chat.Options{Quiet: func(owner, from portal.Address) bool { return owner == alice && from == bob }}
	bubble(t, o, func(t *testing.T, s *chat.Service, log *memLog, _ *farSide, _ *events) {
		receive(t, s, portal.Incoming{To: alice, From: bob, ID: "1", Text: "x"})
		receive(t, s, portal.Incoming{To: alice, From: carol, ID: "2", Text: "x"})
		say(t, s, alice, bob, "3", "own words are never quiet")
		quiet := map[string]bool{}
		for _, ev := range log.logged() {
			if m, ok := ev.Event.(portal.MessageEvent); ok {
				quiet[m.ID] = m.Quiet
			}
		}
		if len(quiet) != 3 || !quiet["1"] || quiet["2"] || quiet["3"] {
			t.Errorf("quiet: %v", quiet)
		}
	})
}
