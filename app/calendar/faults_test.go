package calendar_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// Create returns success and the answer is lost: its own work is found by its stamp.
func TestALostAnswerDoublesNothing(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	x.set(func() { x.lose, x.rang = 1, func(portal.Address) {} })
	a := appointment("Once", day(1, 9, 0), time.Hour)
	a.Attendees = invited("bob@example.test")
	a, err := h.Create(h.ctx, alice, alice, a)
	h.must(err)
	if a.Sync.State != portal.SyncDone {
		t.Errorf("created %+v", a.Sync)
	}
	x.set(func() { x.lose = 1 })
	_, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Subject: ptr("Still once")}, a.Version)
	h.must(err)
	if n := len(x.all(alice)); n != 1 || x.called("Create") != 1 {
		t.Errorf("%d entries after %d creates", n, x.called("Create"))
	}
	if want := []string{"invite Once → bob@example.test", "update Still once → bob@example.test"}; !slices.Equal(x.sent(), want) {
		t.Errorf("mails %q", x.sent())
	}
	x.set(func() { x.lose = 1 })
	h.must(h.Delete(h.ctx, alice, alice, a.ID, "", "", ""))
	if want := 1; x.called("Delete") != want && len(x.all(alice)) != 0 {
		t.Errorf("%d deletions", x.called("Delete"))
	}
	cancelled := 0
	for _, m := range x.sent() {
		if m == "cancel Still once → bob@example.test" {
			cancelled++
		}
	}
	if cancelled != 1 {
		t.Errorf("%d cancellations on one deletion", cancelled)
	}
}

// The doorbell of a create is heard before its answer is missed: the reading finds it done.
func TestTheDoorbellMayBeFasterThanTheAnswer(t *testing.T) {
	x := newModel()
	o := quick()
	o.Settle = time.Hour
	h := start(t, x, o)
	x.set(func() { x.lose = 1 })
	a, err := h.Create(h.ctx, alice, alice, appointment("Once", day(1, 9, 0), time.Hour))
	h.must(err)
	if a.Sync.State != portal.SyncDone || len(x.all(alice)) != 1 {
		t.Errorf("created %+v", a)
	}
}

func TestALostAnswerToAnInvitationIsNotSentTwice(t *testing.T) {
	x := newModel()
	e := entry("Theirs", day(1, 9, 0), time.Hour)
	e.Mine, e.Meeting, e.Response, e.Attendees = false, true, portal.ResponseNone, invited("alice@example.test")
	x.add(alice, e)
	h := start(t, x, quick())
	a := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0]
	x.set(func() { x.lose = 1 })
	_, err := h.Respond(h.ctx, alice, alice, a.ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
	h.must(err)
	if n := len(x.sent()); n != 1 {
		t.Errorf("%d answers: %q", n, x.sent())
	}
	// A forward leaves no trace: nobody but its author may decide to send it again.
	x.set(func() { x.lose = 1 })
	err = h.Forward(h.ctx, alice, alice, a.ID, invited("carol@example.test"), "")
	if portal.Reason(err) != "calendar.forward-unsure" {
		t.Errorf("an uncertain forward: %v", err)
	}
	if n := x.called("Forward"); n != 1 {
		t.Errorf("%d forwards", n)
	}
}

func TestWhileTheServerIsAwayChangesAreKeptAndShown(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Old", day(1, 9, 0), time.Hour))
	h := start(t, x, quick())
	old := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments[0]
	x.set(func() { x.down = true })
	a, err := h.Create(h.ctx, alice, alice, appointment("New", day(2, 9, 0), time.Hour))
	h.must(err)
	if a.Sync.State != portal.SyncPending {
		t.Errorf("created %+v", a.Sync)
	}
	a, err = h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Start: ptr(day(2, 11, 0))}, a.Version)
	h.must(err)
	moved, err := h.Change(h.ctx, alice, alice, old.ID, portal.AppointmentChange{Start: ptr(day(3, 9, 0))}, old.Version)
	h.must(err)
	if !moved.End.Equal(day(3, 10, 0)) || moved.Sync.State != portal.SyncPending {
		t.Errorf("moved to %+v", moved)
	}
	v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
	if !slices.Equal(subjects(v.Appointments), []string{"New", "Old"}) || v.State.State != "down" || v.State.Waiting != 3 || v.State.Since.IsZero() {
		t.Errorf("shown %q, %+v", subjects(v.Appointments), v.State)
	}
	h.eventually("the page is told", func() bool {
		return slices.ContainsFunc(h.emitted(alice), func(e portal.Current) bool {
			ev, ok := e.(portal.ExchangeEvent)
			return ok && ev.State == "down" && ev.Waiting == 3
		})
	})
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	h.eventually("the page is told that it is back", func() bool {
		evs := h.emitted(alice)
		ev, ok := evs[len(evs)-1].(portal.ExchangeEvent)
		return ok && ev.State == "up" && ev.Waiting == 0
	})
	all := x.all(alice)
	if len(all) != 2 || all[0].Subject != "New" || !all[0].Start.Equal(day(2, 11, 0)) || !all[1].Start.Equal(day(3, 9, 0)) {
		t.Errorf("the server has %+v", all)
	}
	if v = h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)); slices.ContainsFunc(v.Appointments, func(a portal.Appointment) bool { return a.Sync.State != portal.SyncDone }) {
		t.Errorf("shown %+v", v.Appointments)
	}
}

// Delete what was never sent: nothing is ever told to the server.
func TestAnUnsentCreateIsGoneAtOnce(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	x.set(func() { x.down = true })
	o := appointment("Never", day(1, 9, 0), time.Hour)
	_, err := h.Create(h.ctx, alice, alice, appointment("First", day(1, 8, 0), time.Hour)) // it is the one that is tried
	h.must(err)
	a, err := h.Create(h.ctx, alice, alice, o)
	h.must(err)
	h.must(h.Delete(h.ctx, alice, alice, a.ID, a.Version, "", ""))
	if v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)); !slices.Equal(subjects(v.Appointments), []string{"First"}) || v.State.Waiting != 1 {
		t.Errorf("shown %+v", v)
	}
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	if all := x.all(alice); len(all) != 1 || all[0].Subject != "First" {
		t.Errorf("the server has %+v", all)
	}
}

// What is refused with nobody waiting stays, with its reason, and others go on.
func TestARefusedChangeStaysUntilSomebodyDecides(t *testing.T) {
	x := newModel()
	x.refuse["bad"] = portal.Fail(portal.ErrInvalid, "calendar.text")
	h := start(t, x, quick())
	x.set(func() { x.down = true })
	bad, err := h.Create(h.ctx, alice, alice, appointment("bad", day(1, 9, 0), time.Hour))
	h.must(err)
	good, err := h.Create(h.ctx, alice, alice, appointment("good", day(2, 9, 0), time.Hour))
	h.must(err)
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	got, err := h.Get(h.ctx, alice, alice, bad.ID)
	h.must(err)
	if got.Sync != (portal.SyncState{State: portal.SyncFailed, Error: "calendar.text"}) {
		t.Errorf("the refused one is %+v", got.Sync)
	}
	if good, err = h.Get(h.ctx, alice, alice, good.ID); err != nil || good.Sync.State != portal.SyncDone {
		t.Errorf("the other one is %+v, %v", good.Sync, err)
	}
	if st, err := h.Status(h.ctx, alice); err != nil || st.Failed != 1 || st.Waiting != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
	// Mended, it is sent; and what nobody wants any more is gone.
	x.set(func() { delete(x.refuse, "bad") })
	h.must(h.Retry(h.ctx, alice, alice, bad.ID))
	h.idle()
	if n := len(x.all(alice)); n != 2 {
		t.Errorf("%d entries", n)
	}
	if err := h.Retry(h.ctx, alice, alice, bad.ID); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("nothing to retry: %v", err)
	}
	x.set(func() { x.refuse["worse"] = portal.Fail(portal.ErrInvalid, "calendar.text"); x.down = true })
	_, err = h.Change(h.ctx, alice, alice, good.ID, portal.AppointmentChange{Subject: ptr("worse")}, "")
	h.must(err)
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	if got, err = h.Get(h.ctx, alice, alice, good.ID); err != nil || got.Subject != "worse" || got.Sync.State != portal.SyncFailed {
		t.Errorf("what was typed is lost: %+v, %v", got, err)
	}
	h.must(h.Discard(h.ctx, alice, alice, good.ID))
	if got, err = h.Get(h.ctx, alice, alice, good.ID); err != nil || got.Subject != "good" || got.Sync.State != portal.SyncDone {
		t.Errorf("after discarding %+v, %v", got, err)
	}
}

// Both modified while the server was away: what both touched collides, what one touched is merged.
func TestBothModified(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Apart", day(1, 9, 0), time.Hour))
	x.add(alice, entry("Same", day(2, 9, 0), time.Hour))
	h := start(t, x, quick())
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	x.set(func() { x.down = true })
	for _, a := range list {
		_, err := h.Change(h.ctx, alice, alice, a.ID, portal.AppointmentChange{Location: ptr("Studio 1")}, a.Version)
		h.must(err)
	}
	all := x.all(alice)
	x.edit(alice, all[0].RemoteID, func(e *portal.Entry) { e.Subject = "Apart, renamed" })
	x.edit(alice, all[1].RemoteID, func(e *portal.Entry) { e.Location = "Studio 2" })
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	h.eventually("both are read", func() bool {
		list = h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
		return list[0].Subject == "Apart, renamed" && list[1].Location == "Studio 2"
	})
	if list[0].Location != "Studio 1" || list[0].Sync.State != portal.SyncDone {
		t.Errorf("merged: %+v", list[0])
	}
	if list[1].Sync != (portal.SyncState{State: portal.SyncFailed, Error: "calendar.conflict"}) {
		t.Errorf("collided: %+v", list[1])
	}
	h.must(h.Retry(h.ctx, alice, alice, list[1].ID)) // ours is to be the last word
	h.idle()
	if got := x.all(alice)[1].Location; got != "Studio 1" {
		t.Errorf("the server has %q", got)
	}
}

// Deleted there, modified here: nothing is silently lost.
func TestDeleteVersusModify(t *testing.T) {
	x := newModel()
	x.add(alice, entry("Theirs is gone", day(1, 9, 0), time.Hour))
	x.add(alice, entry("Ours to go", day(2, 9, 0), time.Hour))
	h := start(t, x, quick())
	list := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
	x.set(func() { x.down = true })
	_, err := h.Change(h.ctx, alice, alice, list[0].ID, portal.AppointmentChange{Location: ptr("Studio 1")}, "")
	h.must(err)
	h.must(h.Delete(h.ctx, alice, alice, list[1].ID, "", "", ""))
	all := x.all(alice)
	x.remove(alice, all[0].RemoteID)
	x.edit(alice, all[1].RemoteID, func(e *portal.Entry) { e.Subject = "Still wanted" })
	x.set(func() { x.down = false })
	h.Reached(alice)
	h.idle()
	h.eventually("both are told apart", func() bool {
		list = h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
		return len(list) == 2 && list[0].Sync.Error == "calendar.gone" && list[1].Subject == "Still wanted" && list[1].Sync.State == portal.SyncFailed
	})
	if n := len(x.all(alice)); n != 1 {
		t.Errorf("%d entries", n)
	}
	h.must(h.Retry(h.ctx, alice, alice, list[0].ID)) // made anew
	h.must(h.Discard(h.ctx, alice, alice, list[1].ID))
	h.idle()
	if all := x.all(alice); len(all) != 2 || all[0].Location != "Studio 1" {
		t.Errorf("the server has %+v", all)
	}
}

// What was accepted outlives the portal, and is carried out once by the next one.
func TestIntentsOutliveARestart(t *testing.T) {
	x := newModel()
	path := filepath.Join(t.TempDir(), "portico.db")
	h := open(t, x, path, quick(), time.Time{}).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	x.set(func() { x.lose = 1; x.rang = func(portal.Address) {} })
	o := quick()
	o.Wait = time.Millisecond
	x.set(func() { x.down = true })
	for i := range 5 {
		_, err := h.Create(h.ctx, alice, alice, appointment(fmt.Sprint(i), day(1, 9+i, 0), time.Hour))
		h.must(err)
	}
	h.stop()
	x.set(func() { x.down = false })
	next := open(t, x, path, quick(), time.Time{}).run()
	next.idle()
	var got []string
	for _, e := range x.all(alice) {
		got = append(got, e.Subject)
	}
	if !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("the server has %q", got)
	}
}

// Under any mix of lost answers, outages, refused states and changes of others the two sides end equal, with nothing doubled and no
// accepted change lost.
func TestNothingIsDoubledUnderAnyFault(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { storm(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func storm(t *testing.T, r *rand.Rand) {
	x := newModel()
	x.page = 3
	o := quick()
	o.Wait = 20 * time.Millisecond
	h := start(t, x, o)
	wanted := map[string]bool{}
	ids := map[string]string{}
	for i := range 60 {
		x.set(func() {
			x.down = r.IntN(4) == 0
			x.lose += r.IntN(2)
			x.resets = x.resets || r.IntN(6) == 0
		})
		switch name := fmt.Sprintf("ours %d", i); r.IntN(4) {
		case 0, 1:
			a, err := h.Create(h.ctx, alice, alice, appointment(name, day(1, 0, 15*i), time.Minute))
			h.must(err)
			wanted[name], ids[name] = true, a.ID
		case 2:
			for old, id := range ids {
				err := h.Delete(h.ctx, alice, alice, id, "", "", "")
				if err == nil {
					delete(wanted, old)
					delete(ids, old)
				}
				break
			}
		case 3:
			name := fmt.Sprintf("theirs %d", i)
			x.add(alice, entry(name, day(1, 0, 15*i), time.Minute))
			wanted[name] = true
		}
	}
	x.set(func() { x.down, x.lose = false, 0 })
	h.Reached(alice)
	h.idle()
	h.Rang(alice)
	shown := func() []string {
		list := subjects(h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments)
		slices.Sort(list)
		return list
	}
	var want []string
	for name := range wanted {
		want = append(want, name)
	}
	slices.Sort(want)
	h.eventually("both sides are equal", func() bool {
		var there []string
		for _, e := range x.all(alice) {
			there = append(there, e.Subject)
		}
		slices.Sort(there)
		return slices.Equal(there, shown())
	})
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNoExchange(t *testing.T) {
	h := open(t, newModel(), filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{}).run()
	s := calendar.New(nil, h.store, calendar.Options{})
	for name, call := range map[string]func() error{
		"between": func() error { _, err := s.Between(h.ctx, alice, alice, day(0, 0, 0), day(1, 0, 0), nil); return err },
		"get":     func() error { _, err := s.Get(h.ctx, alice, alice, "x"); return err },
		"create": func() error {
			_, err := s.Create(h.ctx, alice, alice, appointment("x", day(1, 0, 0), time.Hour))
			return err
		},
		"plan":    func() error { _, err := s.Plan(h.ctx, alice, calendar.PlanRequest{}); return err },
		"answers": func() error { _, err := s.Responses(h.ctx, alice, "x"); return err },
		"all":     func() error { _, err := s.Overview(h.ctx, alice, calendar.Filter{}); return err },
		"reply":   func() error { _, err := s.OutOfOffice(h.ctx, alice); return err },
		"rooms":   func() error { _, err := s.Rooms(h.ctx, alice); return err },
		"import":  func() error { _, err := s.Import(h.ctx, alice, nil); return err },
	} {
		if err := call(); !errors.Is(err, portal.ErrUnavailable) || portal.Reason(err) != "calendar.none" {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.SignedIn(h.ctx, alice)
	s.SignedOut(alice)
	s.Rang(alice)
	if st, err := s.Status(h.ctx, alice); err != nil || st.State != "down" || st.Reason != "calendar.none" {
		t.Errorf("status %+v, %v", st, err)
	}
}

// Whatever a server says for a while, one's own calendar is neither forgotten nor made anew.
func TestOnesOwnCalendarIsNeverForgotten(t *testing.T) {
	for _, why := range []error{portal.Fail(portal.ErrForbidden, "exchange.forbidden"), portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")} {
		t.Run(portal.Reason(why), func(t *testing.T) {
			x := newModel()
			x.add(alice, entry("Mine", day(1, 9, 0), time.Hour))
			h := start(t, x, quick())
			before := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).Appointments
			x.set(func() { x.denied[portal.CalendarKey{Reader: alice, Owner: alice}] = why })
			h.Rang(alice)
			h.eventually("it counts as away", func() bool {
				v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
				return v.State.State == "down" && v.State.Reason == portal.Reason(why)
			})
			v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0))
			if v.Rights != calendar.RightsOwner || len(v.Appointments) != 1 || v.Appointments[0].ID != before[0].ID {
				t.Errorf("meanwhile %+v", v)
			}
			x.set(func() { clear(x.denied) })
			h.eventually("it is read again", func() bool { return h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)).State.State == "up" })
			if v := h.window(alice, alice, day(0, 0, 0), day(7, 0, 0)); len(v.Appointments) != 1 || v.Appointments[0].ID != before[0].ID {
				t.Errorf("afterwards %+v", v)
			}
		})
	}
}

// Somebody else's calendar is hidden as soon as it may not be read, and forgotten only when that lasts.
func TestARightThatIsMissingForAMomentCostsNothing(t *testing.T) {
	x := newModel()
	x.add(bob, entry("Theirs", day(1, 9, 0), time.Hour))
	x.set(func() { x.rights[alice] = []portal.Address{bob} })
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), day(1, 8, 0)).run()
	h.SignedIn(h.ctx, alice)
	h.loaded(alice, alice)
	before := h.window(alice, bob, day(0, 0, 0), day(7, 0, 0)).Appointments
	if len(before) != 1 {
		t.Fatalf("shown %+v", before)
	}
	key, id := portal.CalendarKey{Reader: alice, Owner: bob}, before[0].ID
	hidden := func() bool {
		h.Rang(bob)
		return h.window(alice, bob, day(0, 0, 0), day(7, 0, 0)).Rights == calendar.RightsFreeBusy
	}
	x.set(func() { x.rights[alice] = nil })
	h.eventually("it is hidden", hidden)
	if _, err := h.Get(h.ctx, alice, bob, id); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("an appointment that may not be read: %v", err)
	}
	x.set(func() { x.rights[alice] = []portal.Address{bob} })
	h.eventually("it is shown again", func() bool { return !hidden() })
	if v := h.window(alice, bob, day(0, 0, 0), day(7, 0, 0)); len(v.Appointments) != 1 || v.Appointments[0].ID != id {
		t.Errorf("shown again: %+v", v)
	}
	x.set(func() { x.rights[alice] = nil })
	h.eventually("it is hidden again", hidden)
	if _, err := h.store.CalendarEntry(h.ctx, key, id); err != nil {
		t.Errorf("hidden is not forgotten: %v", err)
	}
	h.advance(day(1, 9, 1))
	h.eventually("it is forgotten", func() bool {
		h.Rang(bob)
		_, err := h.store.CalendarEntry(h.ctx, key, id)
		return errors.Is(err, portal.ErrNotFound)
	})
}

// What was made and can only be found, not read, is made once and shown as it was sent.
func TestWhatIsFoundAndCannotBeReadIsDone(t *testing.T) {
	x := newModel()
	h := start(t, x, quick())
	x.set(func() { x.lose, x.unread, x.rang = 1, true, func(portal.Address) {} })
	a, err := h.Create(h.ctx, alice, alice, appointment("Once", day(1, 9, 0), time.Hour))
	h.must(err)
	if a.Sync.State != portal.SyncDone || a.Subject != "Once" || !a.Start.Equal(day(1, 9, 0)) || a.Calendar != alice {
		t.Errorf("created %+v", a)
	}
	if n := len(x.all(alice)); n != 1 || x.called("Create") != 1 {
		t.Errorf("%d entries after %d creates", n, x.called("Create"))
	}
}
