package calendar_test

import (
	"errors"
	"testing"
	"time"

	"portico/app/portal"
)

// An answer that just came is no reason to refuse a deletion; words that nobody here has seen are.
func TestDeletingOverWhatOthersDid(t *testing.T) {
	for name, c := range map[string]struct {
		theirs   func(e *portal.Entry)
		conflict bool
	}{
		"an answer": {func(e *portal.Entry) { e.Attendees[0].Response = portal.ResponseAccepted }, false},
		"words":     {func(e *portal.Entry) { e.Subject = "Read me first" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			x := newModel()
			e := entry("Meeting", day(1, 9, 0), time.Hour)
			e.Meeting, e.Attendees = true, invited("bob@example.test")
			x.add(alice, e)
			h := start(t, x, quick())
			a := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0]
			x.set(func() { x.rang = func(portal.Address) {} }) // the bell comes later
			x.edit(alice, x.all(alice)[0].RemoteID, c.theirs)
			err := h.Delete(h.ctx, alice, alice, a.ID, a.Version, "", "")
			if errors.Is(err, portal.ErrConflict) != c.conflict || err != nil && !c.conflict {
				t.Fatalf("deleted: %v", err)
			}
			if !c.conflict {
				if left := x.all(alice); len(left) != 0 {
					t.Errorf("the server has %+v", left)
				}
				return
			}
			if got, err := h.Get(h.ctx, alice, alice, a.ID); err != nil || got.Subject != "Read me first" || got.Sync.State != portal.SyncDone {
				t.Errorf("shown %+v, %v", got, err)
			}
			h.must(h.Delete(h.ctx, alice, alice, a.ID, "", "", ""))
			if left := x.all(alice); len(left) != 0 {
				t.Errorf("the server has %+v", left)
			}
		})
	}
}
