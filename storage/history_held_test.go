package storage_test

import (
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// takeBack takes a message of the room back, with all that it has.
func takeBack(t *testing.T, s *storage.Store, place int64, at time.Time) {
	t.Helper()
	_, err := s.ChangeRoomMessage(t.Context(), roomPlan, place, func(m *portal.RoomMessage) error {
		m.Text, m.DeletedAt, m.Files = "", at, nil
		return nil
	}, func(portal.RoomMessage) []portal.Addressed { return nil })
	must(t, err)
}

// TestHoldOutlivesLeaving: what somebody under hold could read in a room stays held when they leave it, up to there.
func TestHoldOutlivesLeaving(t *testing.T) {
	clock := &handClock{at: morning()}
	s, _ := running(t, storage.Options{RoomRetention: time.Hour, UpkeepEvery: time.Hour, Now: clock.now})
	plan(t, s, portal.LastingRoom, 0, time.Minute)
	must(t, s.PutHold(t.Context(), portal.Hold{Who: bob, By: alice, Reason: "x", At: clock.now()}))
	takeBack(t, s, 1, clock.now())
	must(t, s.DropMember(t.Context(), roomPlan, bob))
	say := func(id string, d time.Duration) {
		t.Helper()
		_, _, err := s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: id, From: alice, Text: id, At: morning().Add(d)}, nil)
		must(t, err)
	}
	say("afterwards", 2*time.Minute)
	clock.advance(3 * time.Hour)
	must(t, storage.Prune(t.Context(), s))
	held, _, err := s.EpisodesUp(t.Context(), bob, nil, portal.HistoryQuery{}, true)
	must(t, err)
	wantHolds(t, s, held, "r0 r1")
	if held[0].Last != 2 || held[0].Messages != 2 {
		t.Errorf("episode %+v", held[0])
	}
	if own, _, err := s.EpisodesUp(t.Context(), bob, nil, portal.HistoryQuery{}, false); err != nil || len(own) != 0 {
		t.Errorf("he reads %+v himself, %v", own, err)
	}
	if n, err := storage.Ask(t.Context(), s, `SELECT COUNT(*) FROM room_messages`); err != nil || n != "2" {
		t.Errorf("%s messages are kept, %v: what came after him is not held", n, err)
	}
	takeBack(t, s, 2, clock.now())
	say("between", 3*time.Minute)
	must(t, s.PutMember(t.Context(), portal.Membership{Room: roomPlan, Who: bob, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 5, JoinedAt: morning()}))
	say("again", 4*time.Minute)
	both, next, err := s.EpisodesUp(t.Context(), bob, []portal.RoomSpan{{Room: roomPlan, First: 5}}, portal.HistoryQuery{Limit: 1}, true)
	must(t, err)
	wantHolds(t, s, both, "r0 r1", "again")
	if next != "" {
		t.Errorf("there is more: %q", next)
	}
	one, _, err := s.EpisodesUp(t.Context(), bob, []portal.RoomSpan{{Room: roomPlan, First: 2}}, portal.HistoryQuery{}, true)
	must(t, err)
	wantHolds(t, s, one, "r0 r1 between again") // what meets is one
	must(t, s.DropMember(t.Context(), roomPlan, bob))
	must(t, s.DropHold(t.Context(), bob, alice, "settled"))
	must(t, storage.Prune(t.Context(), s))
	for _, table := range []string{"history_held_rooms", "history_held_spans"} {
		if n, err := storage.Ask(t.Context(), s, `SELECT COUNT(*) FROM `+table); err != nil || n != "0" {
			t.Errorf("%s of %s, %v", n, table, err)
		}
	}
}

// TestHoldKeepsFiles: the files of a message that is taken back stay while a hold keeps them, also where it had nothing else.
func TestHoldKeepsFiles(t *testing.T) {
	clock := &handClock{at: morning()}
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour, Now: clock.now})
	plan(t, s, portal.LastingRoom, 0)
	must(t, s.PutHold(t.Context(), portal.Hold{Who: bob, By: alice, Reason: "x", At: clock.now()}))
	must(t, s.AddFile(t.Context(), roomPlan, alice, portal.File{ID: "f", Name: "plan.pdf", Type: "application/pdf", Size: 3}, "blob"))
	m, _, err := s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: "with", From: alice, Files: []portal.File{{ID: "f"}},
		At: morning().Add(time.Minute)}, nil)
	must(t, err)
	takeBack(t, s, m.Place, clock.now())
	clock.advance(72 * time.Hour)
	must(t, storage.Prune(t.Context(), s))
	if used, err := s.BlobUsed(t.Context(), "blob"); err != nil || !used {
		t.Errorf("the content can be thrown away: %v, %v", used, err)
	}
	_, _, _, _, err = s.File(t.Context(), roomPlan, "f")
	wantReason(t, err, portal.ErrNotFound, "file.not-found")
	held, _, err := s.EpisodesUp(t.Context(), bob, nil, portal.HistoryQuery{}, true)
	must(t, err)
	if len(held) != 0 {
		t.Errorf("a member's rooms come from outside: %+v", held)
	}
	held, _, err = s.EpisodesUp(t.Context(), bob, []portal.RoomSpan{{Room: roomPlan, First: 1}}, portal.HistoryQuery{}, true)
	must(t, err)
	wantHolds(t, s, held, "r0 [plan.pdf]")
	must(t, s.DropHold(t.Context(), bob, alice, "settled"))
	must(t, storage.Prune(t.Context(), s))
	if used, err := s.BlobUsed(t.Context(), "blob"); err != nil || used {
		t.Errorf("kept after the hold: %v, %v", used, err)
	}
}
