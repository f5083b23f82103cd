package storage_test

import (
	"slices"
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

// found are the texts' places that a search finds.
func found(t *testing.T, s *storage.Store, who portal.Address, q portal.HistoryQuery) (places []int64) {
	t.Helper()
	spans := []portal.RoomSpan{{Room: roomPlan, First: 1}}
	for {
		hits, next, err := s.Search(t.Context(), who, spans, q)
		must(t, err)
		for _, h := range hits {
			places = append(places, h.Order)
		}
		if next == "" {
			return places
		}
		q.Cursor = next
	}
}

// TestDeletedGroupEpisode: what somebody has deleted is neither listed, found, counted nor written for them any more; what is said next
// is there, and others have it all.
func TestDeletedGroupEpisode(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.GroupRoom)
	for i, text := range []string{"plan one", "plan two", "plan three"} {
		groupSays(t, s, text, time.Duration(i)*time.Minute)
	}
	writeDue(t, s)
	spans := []portal.RoomSpan{{Room: roomPlan, First: 1}}
	eps := episodes(t, s, spans, portal.HistoryQuery{})
	must(t, s.DeleteEpisode(t.Context(), bob, eps[0].ID))
	if got := dueTexts(t, s); len(got) != 1 || got[bob] != "gone" {
		t.Errorf("to be written after it is deleted: %q", got)
	}
	writeDue(t, s) // bob's item is deleted
	_, err := s.ChangeRoomMessage(t.Context(), roomPlan, 2, func(m *portal.RoomMessage) error { m.Text = "plan 2"; return nil },
		func(portal.RoomMessage) []portal.Addressed { return nil })
	must(t, err)
	if got := dueTexts(t, s); len(got) != 1 || got[alice] != "plan one plan 2 plan three" {
		t.Errorf("to be written after a change: %q", got)
	}
	groupSays(t, s, "plan four", 3*time.Minute)
	if got := dueTexts(t, s); got[bob] != "plan four" {
		t.Errorf("to be written for bob: %q", got)
	}
	page, _, err := s.Episodes(t.Context(), bob, spans, portal.HistoryQuery{})
	must(t, err)
	wantHolds(t, s, page, "plan four")
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{}), "plan four", "plan one plan 2 plan three")
	for limit := range 4 {
		if got := found(t, s, bob, portal.HistoryQuery{Q: "plan", Limit: limit}); !slices.Equal(got, []int64{4}) {
			t.Errorf("bob finds %v in pages of %d", got, limit)
		}
		if got := found(t, s, alice, portal.HistoryQuery{Q: "plan", Limit: limit}); !slices.Equal(got, []int64{4, 3, 2, 1}) {
			t.Errorf("alice finds %v in pages of %d", got, limit)
		}
	}
	for who, want := range map[portal.Address]int{alice: 4, bob: 1} {
		days, err := s.Days(t.Context(), who, spans, morning().Add(-time.Hour), morning().Add(time.Hour), time.UTC)
		must(t, err)
		if len(days) != 1 || days["2026-03-02"] != want {
			t.Errorf("%s counts %v", who, days)
		}
	}
}

// TestChangedTextIsWrittenAgain: what is edited or taken back in a group is so in everybody's mailbox; a reaction changes nothing there.
func TestChangedTextIsWrittenAgain(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.GroupRoom, 0, time.Minute, 2*time.Hour)
	writeDue(t, s)
	writeDue(t, s)
	change := func(f func(*portal.RoomMessage)) {
		t.Helper()
		_, err := s.ChangeRoomMessage(t.Context(), roomPlan, 1, func(m *portal.RoomMessage) error { f(m); return nil },
			func(portal.RoomMessage) []portal.Addressed { return nil })
		must(t, err)
	}
	change(func(m *portal.RoomMessage) {
		m.Reactions = []portal.Reaction{{Sign: "👍", By: []portal.Address{bob}}}
	})
	if got := dueTexts(t, s); len(got) != 0 {
		t.Fatalf("due after a reaction: %q", got)
	}
	change(func(m *portal.RoomMessage) { m.Text, m.EditedAt = "edited", morning() })
	if got := dueTexts(t, s); len(got) != 2 || got[alice] != "edited r1" || got[bob] != "edited r1" {
		t.Errorf("due after an edit: %q", got)
	}
	writeDue(t, s)
	change(func(m *portal.RoomMessage) { m.Text, m.DeletedAt = "", morning() })
	if got := dueTexts(t, s); len(got) != 2 || got[alice] != "r1" {
		t.Errorf("due after it is taken back: %q", got)
	}
}
