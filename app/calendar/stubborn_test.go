package calendar_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// One change that the server never takes, without ever saying so: the calendar goes on around it, and in the end it is given up.
func TestAChangeThatAlwaysFailsHoldsNothingUp(t *testing.T) {
	x := newModel()
	x.refuse["poison"] = errAway
	h := start(t, x, quick())
	poison, err := h.Create(h.ctx, alice, alice, appointment("poison", day(1, 9, 0), time.Hour))
	h.must(err)
	if poison.Sync.State != portal.SyncPending {
		t.Errorf("created %+v", poison.Sync)
	}
	x.add(alice, entry("theirs", day(2, 9, 0), time.Hour))
	good, err := h.Create(h.ctx, alice, alice, appointment("good", day(3, 9, 0), time.Hour))
	h.must(err)
	if good.Sync.State != portal.SyncDone {
		t.Errorf("a later change: %+v", good.Sync)
	}
	h.eventually("what others made is shown", func() bool {
		return slices.Contains(subjects(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments), "theirs")
	})
	h.eventually("the change is given up", func() bool {
		st, err := h.Status(h.ctx, alice)
		return err == nil && st.State == "up" && st.Waiting == 0 && st.Failed == 1
	})
	if poison, err = h.Get(h.ctx, alice, alice, poison.ID); err != nil || poison.Sync.State != portal.SyncFailed {
		t.Errorf("given up: %+v, %v", poison.Sync, err)
	}
	x.set(func() { delete(x.refuse, "poison") })
	h.must(h.Retry(h.ctx, alice, alice, poison.ID))
	h.idle()
	if n := len(x.all(alice)); n != 3 {
		t.Errorf("%d entries", n)
	}
}

// While the server is away nothing is given up, however often it is tried.
func TestAnOutageGivesNothingUp(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	x.set(func() { x.down = true })
	_, err := h.Create(h.ctx, alice, alice, appointment("patient", day(1, 9, 0), time.Hour))
	h.must(err)
	h.eventually("many tries", func() bool { return x.called("Create")+x.called("Find") > 20 })
	if st, err := h.Status(h.ctx, alice); err != nil || st.State != "down" || st.Waiting != 1 || st.Failed != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
	x.set(func() { x.down = false })
	h.idle()
	if n := len(x.all(alice)); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// A change between two tries can be given up.
func TestAChangeBetweenTwoTriesCanBeDiscarded(t *testing.T) {
	x := newModel()
	x.refuse["poison"] = errAway
	o := quick()
	o.Wait, o.FirstRetry, o.MaxRetry = 10*time.Millisecond, time.Hour, time.Hour
	h := start(t, x, o)
	poison, err := h.Create(h.ctx, alice, alice, appointment("poison", day(1, 9, 0), time.Hour))
	h.must(err)
	h.eventually("the first try", func() bool { return x.called("Create") > 0 })
	h.eventually("it is given up", func() bool { return h.Discard(h.ctx, alice, alice, poison.ID) == nil })
	if _, err := h.Get(h.ctx, alice, alice, poison.ID); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("still there: %v", err)
	}
	_, err = h.Create(h.ctx, alice, alice, appointment("good", day(3, 9, 0), time.Hour))
	h.must(err)
	h.idle()
	if all := x.all(alice); len(all) != 1 || all[0].Subject != "good" {
		t.Errorf("the server has %+v", all)
	}
}

// Deleting what is stuck deletes it for good, with the refusal that it comes to.
func TestAStuckCreateCanBeDeleted(t *testing.T) {
	x := newModel()
	x.refuse["poison"] = errAway
	h := start(t, x, quick())
	poison, err := h.Create(h.ctx, alice, alice, appointment("poison", day(1, 9, 0), time.Hour))
	h.must(err)
	h.must(h.Delete(h.ctx, alice, alice, poison.ID, "", "", ""))
	h.eventually("nothing is left of it", func() bool {
		v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
		return len(v.Appointments) == 0 && v.State.Waiting == 0 && v.State.Failed == 0
	})
}
