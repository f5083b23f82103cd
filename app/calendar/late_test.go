package calendar_test

import (
	"path/filepath"
	"testing"
	"time"

	"portico/app/portal"
)

// A create whose call lasts long and ends without an answer is on its way for just as long afterwards as any other.
func TestASlowCreateIsNotMadeTwice(t *testing.T) {
	x := newModel()
	o := quick()
	o.Wait, o.Settle = 10*time.Millisecond, 24*time.Hour
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), o, day(0, 8, 0)).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	var late portal.Entry
	x.set(func() {
		x.creating = func(e portal.Entry) error {
			late = e
			h.advance(h.clock().Add(48 * time.Hour))
			return errAway
		}
	})
	_, err := h.Create(h.ctx, alice, alice, appointment("slow", day(1, 9, 0), time.Hour))
	h.must(err)
	passes := func() { h.advance(h.clock().Add(time.Second)) }
	h.eventually("it is looked for", func() bool {
		passes()
		return x.called("Find") > 3 || x.called("Create") > 1
	})
	if n := x.called("Create"); n != 1 {
		t.Errorf("%d creates", n)
	}
	x.set(func() { x.creating = nil })
	x.add(alice, late)
	h.eventually("it is found", func() bool {
		passes()
		st, err := h.Status(h.ctx, alice)
		return err == nil && st.Waiting == 0
	})
	if n, made := x.called("Create"), len(x.all(alice)); n != 1 || made != 1 {
		t.Errorf("%d creates, %d entries", n, made)
	}
}

// A create that arrives when the next one does: one of the two is left.
func TestACreateThatArrivesVeryLateLeavesOne(t *testing.T) {
	x := newModel()
	var late []portal.Entry
	x.creating = func(e portal.Entry) error {
		if len(late) == 0 {
			late = append(late, e)
			return errAway
		}
		x.put(alice, late[0])
		return nil
	}
	h := start(t, x, quick())
	a, err := h.Create(h.ctx, alice, alice, appointment("late", day(1, 9, 0), time.Hour))
	h.must(err)
	h.idle()
	if n := x.called("Create"); n != 2 {
		t.Fatalf("%d creates", n)
	}
	h.eventually("one is left, here and there", func() bool {
		v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
		return len(x.all(alice)) == 1 && len(v) == 1 && v[0].ID == a.ID
	})
}

// A create that arrives after all waits are over, when everybody believes that it never will.
func TestACreateThatArrivesAfterAllLeavesOne(t *testing.T) {
	for _, k := range []struct {
		name   string
		newest bool
	}{{"the first stays", false}, {"the late one stays", true}} {
		t.Run(k.name, func(t *testing.T) {
			x := newModel()
			var late []portal.Entry
			x.creating = func(e portal.Entry) error {
				if len(late) == 0 {
					late = append(late, e)
					return errAway
				}
				return nil
			}
			h := start(t, x, quick())
			a, err := h.Create(h.ctx, alice, alice, appointment("very late", day(1, 9, 0), time.Hour))
			h.must(err)
			h.idle()
			one := x.all(alice)[0]
			other := late[0]
			copied := entry("very late", day(2, 9, 0), time.Hour) // as another client copies it, with everything but the identifier
			copied.UID, copied.ChangeID = "copy", one.ChangeID
			x.set(func() {
				x.newest = k.newest
				x.put(alice, other)
			})
			h.Rang(alice)
			h.eventually("one is left, here and there", func() bool {
				v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
				return len(x.all(alice)) == 1 && len(v) == 1 && v[0].ID == a.ID
			})
			if (x.all(alice)[0].RemoteID != one.RemoteID) != k.newest {
				t.Errorf("the server has left %s", x.all(alice)[0].RemoteID)
			}
			looked := x.called("Find")
			x.add(alice, copied)
			h.eventually("the copy is shown", func() bool { return len(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments) == 2 })
			if x.called("Find") != looked || len(x.all(alice)) != 2 {
				t.Error("the copy was taken for a double")
			}
			if _, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Location: ptr("Hall")}, ""); err != nil {
				t.Errorf("a change of what is left: %v", err)
			}
		})
	}
}
