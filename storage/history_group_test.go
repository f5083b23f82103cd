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
