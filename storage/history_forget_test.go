package storage_test

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// forgetAll does with everything due what the history's writer does under a policy that lets nothing be kept.
func forgetAll(t *testing.T, s *storage.Store, now time.Time) (n int) {
	t.Helper()
	for range 100 {
		due, err := s.DueNotes(t.Context(), now, 10)
		must(t, err)
		if len(due) == 0 {
			return n
		}
		for _, d := range due {
			gone, err := s.Forget(t.Context(), d)
			must(t, err)
			n += gone
		}
	}
	t.Error("there is always something due")
	return n
}

// wantShown are the texts of a conversation with bob that are there, and of those past the mark none.
func wantShown(t *testing.T, s *storage.Store, there string, shown string) {
	t.Helper()
	past, err := s.Past(t.Context(), alice, bob)
	must(t, err)
	list, err := s.Messages(t.Context(), alice, bob, 0, 0)
	must(t, err)
	var all, left []string
	for _, m := range list {
		all = append(all, m.Text)
		if m.Order > past {
			left = append(left, m.Text)
		}
	}
	if strings.Join(all, " ") != there || strings.Join(left, " ") != shown {
		t.Errorf("there are %q, shown %q; want %q and %q", all, left, there, shown)
	}
}

// TestForget: what is not to be kept goes once it is over and read, with every trace of it, and nothing else does.
func TestForget(t *testing.T) {
	clock := &handClock{at: morning()}
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour, Now: clock.now})
	say := func(peer portal.Address, text string) portal.Message {
		t.Helper()
		m := portal.Message{Owner: alice, Conversation: peer, From: peer, ID: text, Text: text, At: clock.now(), State: portal.Received}
		m, _, err := s.AddMessage(t.Context(), m, portal.Addressed{For: []portal.Address{alice},
			Event: portal.MessageEvent{Conversation: peer, ID: text, From: peer, Text: text, At: m.At}})
		must(t, err)
		return m
	}
	say(bob, "before")
	due, err := s.DueNotes(t.Context(), clock.advance(time.Minute), 10)
	must(t, err)
	must(t, s.NoteWritten(t.Context(), due[0], "item", "key")) // it was kept when it was allowed
	say(bob, "read")
	say(bob, "unread")
	say(carol, "other")
	if n := forgetAll(t, s, clock.advance(time.Minute)); n != 0 {
		t.Errorf("%d went from conversations that are not over", n)
	}
	wantShown(t, s, "before read unread", "before read unread")
	read, err := s.Message(t.Context(), alice, bob, "read")
	must(t, err)
	_, err = s.MarkRead(t.Context(), alice, bob, read.Order)
	must(t, err)
	clock.advance(time.Hour)
	wantShown(t, s, "before read unread", "unread")
	if n := forgetAll(t, s, clock.now()); n != 1 {
		t.Errorf("%d went, want the one that was read", n)
	}
	wantShown(t, s, "before unread", "unread")
	if hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "read"}); err != nil || len(hits) != 0 {
		t.Errorf("found what was forgotten: %+v, %v", hits, err)
	}
	if _, resync, err := s.EventsSince(t.Context(), alice, 0, 10); err != nil || !resync {
		t.Errorf("what was forgotten is told again: %v, %v", resync, err)
	}
	_, err = s.MarkRead(t.Context(), alice, bob, 0)
	must(t, err)
	_, err = s.MarkRead(t.Context(), alice, carol, 0)
	must(t, err)
	if n := forgetAll(t, s, clock.advance(2*time.Hour)); n != 2 {
		t.Errorf("%d went, want the other two", n)
	}
	wantShown(t, s, "before", "")
	if list, err := s.Conversations(t.Context(), alice); err != nil || len(list) != 1 || list[0].Last.Text != "before" || list[0].Unread != 0 {
		t.Errorf("conversations %+v, %v", list, err)
	}
	if evs, _, err := s.EventsSince(t.Context(), alice, 3, 10); err != nil || len(evs) != 0 {
		t.Errorf("events %+v, %v", evs, err)
	}
	if due, err := s.DueNotes(t.Context(), clock.advance(24*time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("due are %+v, %v", due, err)
	}
	must(t, whole(t, s))
}

// TestForgetNot: what somebody under hold has, what is on its way and what belongs to a room stays.
func TestForgetNot(t *testing.T) {
	clock := &handClock{at: morning()}
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour, Now: clock.now})
	must(t, s.PutHold(t.Context(), portal.Hold{Who: alice, By: bob, Reason: "lawsuit", At: clock.now()}))
	hear(t, s, bob, bob, clock.now(), "held")
	_, err := s.MarkRead(t.Context(), alice, bob, 0)
	must(t, err)
	if n := forgetAll(t, s, clock.advance(time.Hour)); n != 0 {
		t.Errorf("%d went under hold", n)
	}
	wantShown(t, s, "held", "")
	must(t, s.DropHold(t.Context(), alice, bob, "settled"))
	if n := forgetAll(t, s, clock.advance(2*time.Hour)); n != 1 {
		t.Errorf("%d went when the hold was lifted", n)
	}
	_, _, err = s.AddMessage(t.Context(), portal.Message{Owner: alice, Conversation: bob, From: alice, ID: "p", Text: "pending", At: clock.now(), State: portal.Pending})
	must(t, err)
	if n := forgetAll(t, s, clock.advance(time.Hour)); n != 0 {
		t.Errorf("%d went that was on its way", n)
	}
	wantShown(t, s, "pending", "pending")
	_, err = s.SetMessageState(t.Context(), alice, alice, "p", portal.Delivered, "")
	must(t, err)
	if n := forgetAll(t, s, clock.advance(2*time.Hour)); n != 1 {
		t.Errorf("%d went that had arrived", n)
	}
	plan(t, s, portal.GroupRoom, 0, time.Minute)
	if n := forgetAll(t, s, clock.advance(time.Hour)); n != 0 {
		t.Errorf("%d went from a group", n)
	}
	if past, err := s.PastOfRoom(t.Context(), roomPlan); err != nil || past != 2 {
		t.Errorf("past is %d, %v", past, err)
	}
	if list, err := s.RoomMessages(t.Context(), roomPlan, 1, portal.RoomPage{Limit: 10}); err != nil || len(list) != 2 {
		t.Errorf("the group has %d, %v", len(list), err)
	}
	if due, err := s.DueNotes(t.Context(), clock.advance(24*time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("due are %+v, %v", due, err)
	}
	must(t, whole(t, s))
}
