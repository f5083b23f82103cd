package storage_test

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// groupSays stores what alice says in the group.
func groupSays(t *testing.T, s *storage.Store, text string, after time.Duration) {
	t.Helper()
	_, _, err := s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: text, From: alice, Text: text, At: morning().Add(after)}, nil)
	must(t, err)
}

// dueTexts are by owner what would be written to their mailboxes now, one episode each.
func dueTexts(t *testing.T, s *storage.Store) map[portal.Address]string {
	t.Helper()
	due, err := s.DueNotes(t.Context(), time.Now().Add(time.Hour), 10)
	must(t, err)
	texts := map[portal.Address]string{}
	for _, n := range due {
		if n.Gone {
			texts[n.Owner] = "gone"
			continue
		}
		texts[n.Owner] = strings.Join(holds(t, s, []portal.Episode{n.Episode}), "|")
	}
	return texts
}

// writeDue takes what is due for written.
func writeDue(t *testing.T, s *storage.Store) {
	t.Helper()
	due, err := s.DueNotes(t.Context(), time.Now().Add(time.Hour), 10)
	must(t, err)
	for _, n := range due {
		must(t, s.NoteWritten(t.Context(), n, "item of "+string(n.Owner), "key"))
	}
}

// TestNoteOfWhoLeft: who is in a group no more gets nothing of it into their mailbox, neither what was said before they came nor since they went.
func TestNoteOfWhoLeft(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.GroupRoom, 0)
	must(t, s.PutMember(t.Context(), portal.Membership{Room: roomPlan, Who: carol, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 2, JoinedAt: morning()}))
	groupSays(t, s, "with-carol", time.Minute)
	if got := dueTexts(t, s); got[carol] != "with-carol" || got[bob] != "r0 with-carol" {
		t.Errorf("while she is there: %q", got)
	}
	must(t, s.DropMember(t.Context(), roomPlan, carol))
	groupSays(t, s, "without-carol", 2*time.Minute)
	got := dueTexts(t, s)
	if text, due := got[carol]; !due || text != "" {
		t.Errorf("of hers there is to be written %q (due: %v)", text, due)
	}
	if got[bob] != "r0 with-carol without-carol" {
		t.Errorf("of bob's %q", got[bob])
	}
}

// TestQuotesByName: who may not read what is quoted is told without it, and everybody once, also after an absence.
func TestQuotesByName(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.LastingRoom, 0)
	must(t, s.PutMember(t.Context(), portal.Membership{Room: roomPlan, Who: carol, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 2, JoinedAt: morning()}))
	head, err := s.EventHead(t.Context())
	must(t, err)
	m := portal.RoomMessage{Room: roomPlan, ID: "re", From: alice, Text: "answer", Replies: 1, At: morning()}
	told := func(quote *portal.RoomQuote, to ...portal.Address) portal.Addressed {
		given := m
		given.Quote = quote
		return portal.Addressed{For: to, Event: portal.MessageEvent{Conversation: roomPlan, ID: m.ID, From: m.From, Text: m.Text, Room: &given}}
	}
	stored, _, err := s.AddRoomMessage(t.Context(), m, nil, told(&portal.RoomQuote{Place: 1, From: bob, Text: "r0"}, alice, bob), told(nil, carol))
	must(t, err)
	if stored.Quote == nil || stored.Quote.Text != "r0" {
		t.Errorf("stored %+v", stored)
	}
	for who, quotes := range map[portal.Address]bool{alice: true, bob: true, carol: false} {
		evs, resync, err := s.EventsSince(t.Context(), who, head, 0)
		must(t, err)
		if resync || len(evs) != 1 {
			t.Fatalf("%s is told %d events (resync: %v)", who, len(evs), resync)
		}
		e := evs[0].Event.(portal.MessageEvent)
		if e.Order != 2 || e.Room == nil || e.Room.Place != 2 || (e.Room.Quote != nil) != quotes {
			t.Errorf("%s is told %+v", who, e.Room)
		}
	}
}
