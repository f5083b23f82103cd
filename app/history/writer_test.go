package history_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/history"
	"portico/app/portal"
)

// TestWritten: a conversation that has rested is one item; while it goes on that is updated; after a long pause there is another.
func TestWritten(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.o.Zone = nil
		first := w.say(alice, bob, bob, "one <b>")
		w.rest(time.Minute)
		w.say(alice, bob, alice, "two\nlines")
		w.rest(time.Minute + 50*time.Second)
		if items := w.mail.of(alice); len(items) != 0 {
			t.Fatalf("written before it rested: %+v", items)
		}
		w.rest(20 * time.Second)
		items := w.mail.of(alice)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		wantTexts(t, items[0], "one &lt;b&gt;", "two<br>lines")
		n := items[0]
		if n.Class != portal.ClassConversation || !n.Read || n.Stamp == "" || n.Subject != "Conversation with bob@example.test" {
			t.Errorf("item %+v", n)
		}
		if !n.Start.Equal(first.At) || !n.End.Equal(first.At.Add(time.Minute)) {
			t.Errorf("from %v to %v", n.Start, n.End)
		}
		if len(n.To) != 2 || n.To[0].Email != "alice@example.test" || n.To[1].Email != "bob@example.test" || n.From != n.To[0] {
			t.Errorf("people %+v from %+v", n.To, n.From)
		}
		w.say(alice, bob, bob, "three")
		if eps := w.episodes(alice); len(eps) != 1 || eps[0].Kept != portal.KeptWaiting {
			t.Errorf("episodes %+v", eps)
		}
		w.rest(3 * time.Minute)
		items = w.mail.of(alice)
		if len(items) != 1 || items[0].ItemID != n.ItemID {
			t.Fatalf("items %+v", items)
		}
		wantTexts(t, items[0], "one &lt;b&gt;", "two<br>lines", "three")
		w.rest(time.Hour)
		w.say(alice, bob, bob, "four")
		w.rest(3 * time.Minute)
		items = w.mail.of(alice)
		if len(items) != 2 {
			t.Fatalf("%d items", len(items))
		}
		wantTexts(t, items[1], "four")
		for _, e := range w.episodes(alice) {
			if e.Kept != portal.KeptThere {
				t.Errorf("%s is %q", e.ID, e.Kept)
			}
		}
		if w.mail.writes != 3 {
			t.Errorf("%d writes, want 3", w.mail.writes)
		}
	})
}

// TestOutage: while Exchange is away the conversation waits, is tried less and less often, and arrives once.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mail.set(func(f *fakeMail) { f.down = errDown })
		for i := range 5 {
			w.say(alice, bob, bob, fmt.Sprint(i))
			w.rest(40 * time.Minute)
		}
		w.mail.set(func(f *fakeMail) {
			if n := len(f.tries); n < 8 || n > 30 {
				t.Errorf("%d tries in more than three hours", n)
			}
			f.tries, f.down = nil, nil
		})
		for _, e := range w.episodes(alice) {
			if e.Kept != portal.KeptWaiting {
				t.Errorf("%s is %q", e.ID, e.Kept)
			}
		}
		w.rest(time.Hour)
		if items := w.mail.of(alice); len(items) != 5 {
			t.Errorf("%d items, want 5", len(items))
		}
	})
}

// TestAsksToWait: a server that says when to come back is left alone so long.
func TestAsksToWait(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mail.set(func(f *fakeMail) { f.down = portal.Fail(portal.ErrTooMany, "exchange.busy").After(20 * time.Minute) })
		w.say(alice, bob, bob, "x")
		w.rest(15 * time.Minute)
		w.mail.set(func(f *fakeMail) {
			if len(f.tries) != 1 {
				t.Errorf("%d tries", len(f.tries))
			}
			f.down = nil
		})
		w.rest(15 * time.Minute)
		if items := w.mail.of(alice); len(items) != 1 {
			t.Errorf("%d items", len(items))
		}
	})
}

// crashing is a store that fails from a step on, as if the process had been killed there.
type crashing struct {
	history.Store
	at   string
	dead bool
}

func (c *crashing) step(name string) error {
	if c.dead || c.at == name {
		c.dead = true
		return errCrash
	}
	return nil
}

func (c *crashing) NoteBegun(ctx context.Context, n portal.HistoryNote) error {
	if err := c.step("before begun"); err != nil {
		return err
	}
	if err := c.Store.NoteBegun(ctx, n); err != nil {
		return err
	}
	return c.step("after begun")
}

func (c *crashing) NoteWritten(ctx context.Context, n portal.HistoryNote, item, change string) error {
	if err := c.step("before written"); err != nil {
		return err
	}
	if err := c.Store.NoteWritten(ctx, n, item, change); err != nil {
		return err
	}
	return c.step("after written")
}

func (c *crashing) NoteFailed(ctx context.Context, n portal.HistoryNote, reason string, final bool, again time.Time) error {
	if err := c.step("failed"); err != nil {
		return err
	}
	return c.Store.NoteFailed(ctx, n, reason, final, again)
}

// TestKilled: wherever the process is killed on the way of an item, there is one item in the end, and none when the episode was
// deleted after the crash.
func TestKilled(t *testing.T) {
	steps := []string{"before begun", "after begun", "mail 0", "mail 1", "before written", "after written"}
	for _, step := range steps {
		for _, then := range []string{"nothing", "goes on", "deleted"} {
			t.Run(step+", "+then, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { killed(t, step, then) })
			})
		}
	}
}

func killed(t *testing.T, step, then string) {
	w := newWorld(t)
	var c *crashing
	w.wrap = func(s history.Store) history.Store {
		c = &crashing{Store: s, at: step}
		return c
	}
	w.mail.crash = func(after int) error {
		if c != nil && (c.at == fmt.Sprintf("mail %d", after) || c.dead) {
			c.dead = true
			return errCrash
		}
		return nil
	}
	w.start()
	defer func() { w.end() }()
	w.say(alice, bob, bob, "one")
	w.rest(2*time.Minute + 30*time.Second)
	if !c.dead {
		t.Fatal("the step was not reached")
	}
	w.end()
	w.wrap = nil
	w.mail.set(func(f *fakeMail) { f.crash = nil })
	w.start()
	want := []string{"one"}
	switch then {
	case "goes on":
		w.say(alice, bob, alice, "two")
		want = append(want, "two")
	case "deleted":
		must(t, w.s.Delete(t.Context(), alice, w.episodes(alice)[0].ID))
		w.rest(10 * time.Minute)
		if items := w.mail.of(alice); len(items) != 0 {
			t.Errorf("items of a deleted episode: %+v", items)
		}
		return
	}
	w.rest(10 * time.Minute)
	items := w.mail.of(alice)
	if len(items) != 1 {
		t.Fatalf("%d items", len(items))
	}
	wantTexts(t, items[0], want...)
}

// TestDeletedInOutlook: an item that the person deleted there is not written again.
func TestDeletedInOutlook(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.say(alice, bob, bob, "one")
		w.rest(3 * time.Minute)
		items := w.mail.of(alice)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		must(t, w.mail.DeleteNote(t.Context(), alice, items[0].ItemID))
		for range 3 {
			w.say(alice, bob, bob, "more")
			w.rest(5 * time.Minute)
		}
		if items := w.mail.of(alice); len(items) != 0 {
			t.Errorf("written again: %+v", items)
		}
		eps := w.episodes(alice)
		if len(eps) != 1 || eps[0].Kept != portal.KeptNot || eps[0].Messages != 4 {
			t.Errorf("episodes %+v", eps)
		}
	})
}

// TestRefused: what Exchange refuses is said so and not tried again; others of the mailbox go on.
func TestRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mail.set(func(f *fakeMail) { f.down = portal.Fail(portal.ErrInvalid, "exchange.refused") })
		w.say(alice, bob, bob, "one")
		w.rest(5 * time.Minute)
		w.mail.set(func(f *fakeMail) { f.down = nil })
		w.say(alice, bob, bob, "more")
		w.say(alice, carol, carol, "other")
		w.rest(5 * time.Minute)
		items := w.mail.of(alice)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		wantTexts(t, items[0], "other")
		for _, e := range w.episodes(alice) {
			if e.Conversation == bob && (e.Kept != portal.KeptRefused || e.Reason != "exchange.refused") {
				t.Errorf("episode %+v", e)
			}
		}
	})
}

// TestGivesUp: a failure that nobody understands is not tried for ever.
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.o.Every = 5 * time.Minute
		w.start()
		defer func() { w.end() }()
		w.mail.set(func(f *fakeMail) { f.down = fmt.Errorf("odd") })
		w.say(alice, bob, bob, "one")
		w.rest(24 * time.Hour)
		if n := len(w.mail.tries); n != 8 {
			t.Errorf("%d tries, want 8", n)
		}
		if e := w.episodes(alice)[0]; e.Kept != portal.KeptRefused {
			t.Errorf("it is %q", e.Kept)
		}
	})
}

// TestSaving: what is said while nothing is to be kept never is, also when the conversation goes on after that.
func TestSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		saving := portal.Saving{History: true}
		w.o.Saving = func(context.Context, portal.Address) (portal.Saving, error) { return saving, nil }
		w.start()
		defer func() { w.end() }()
		w.say(alice, bob, bob, "kept")
		w.rest(5 * time.Minute)
		saving.History = false
		w.say(alice, bob, bob, "secret")
		page, err := w.s.List(t.Context(), alice, portal.HistoryQuery{})
		must(t, err)
		opened, err := w.s.Open(t.Context(), alice, page.Episodes[0].ID, 0, 0)
		must(t, err)
		if page.Episodes[0].Kept != portal.KeptNot || opened.Kept != portal.KeptNot {
			t.Errorf("it is said to wait: %q, %q", page.Episodes[0].Kept, opened.Kept)
		}
		w.rest(5 * time.Minute)
		w.say(alice, bob, bob, "secret too")
		w.rest(5 * time.Minute)
		if w.mail.writes != 1 {
			t.Errorf("%d writes, want 1", w.mail.writes)
		}
		saving.History = true
		w.rest(5 * time.Minute)
		if w.mail.writes != 1 {
			t.Errorf("what was said before was written: %d writes", w.mail.writes)
		}
		w.say(alice, bob, bob, "kept again")
		w.rest(5 * time.Minute)
		items := w.mail.of(alice)
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		}
		wantTexts(t, items[0], "kept", "kept again")
		saving = portal.Saving{Forbidden: true}
		w.say(alice, carol, carol, "never")
		w.rest(5 * time.Minute)
		if items := w.mail.of(alice); len(items) != 1 {
			t.Errorf("%d items", len(items))
		}
		_, err = w.s.List(t.Context(), alice, portal.HistoryQuery{})
		wantReason(t, err, portal.ErrForbidden, "history.forbidden")
		for _, call := range []func() error{
			func() error { _, err := w.s.Open(t.Context(), alice, "e1", 0, 0); return err },
			func() error { return w.s.Delete(t.Context(), alice, "e1") },
			func() error { return w.s.Export(t.Context(), alice, portal.HistoryQuery{}, "text", nil) },
			func() error {
				_, err := w.s.Days(t.Context(), alice, time.Now(), time.Now().Add(time.Hour), nil)
				return err
			},
		} {
			wantReason(t, call(), portal.ErrForbidden, "history.forbidden")
		}
	})
}

// TestForgotten: what policy lets nobody keep is there while the conversation goes on, and gone when it is over and read, with and
// without Exchange; what was kept before stays.
func TestForgotten(t *testing.T) {
	for _, exchange := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			if !exchange {
				w.mail = nil
			}
			saving, changed := portal.Saving{History: true}, 0
			w.o.Saving = func(context.Context, portal.Address) (portal.Saving, error) { return saving, nil }
			w.o.Changed = func(portal.Address) { changed++ }
			w.start()
			defer func() { w.end() }()
			w.say(alice, bob, alice, "before")
			w.rest(5 * time.Minute)
			saving = portal.Saving{Forbidden: true}
			w.say(alice, bob, alice, "said")
			w.say(alice, bob, bob, "heard")
			want := func(when string, texts ...string) {
				t.Helper()
				list, err := w.store.Messages(t.Context(), alice, bob, 0, 0)
				must(t, err)
				var got []string
				for _, m := range list {
					got = append(got, m.Text)
				}
				if !slices.Equal(got, texts) {
					t.Errorf("exchange %v, %s: %q, want %q", exchange, when, got, texts)
				}
			}
			w.rest(20 * time.Minute)
			want("while it goes on", "before", "said", "heard")
			w.rest(2 * time.Hour)
			want("unread", "before", "heard")
			_, err := w.store.MarkRead(t.Context(), alice, bob, 0)
			must(t, err)
			w.rest(2 * time.Hour)
			want("over and read", "before")
			if changed == 0 {
				t.Error("nobody was told")
			}
			saving = portal.Saving{History: true}
			w.rest(time.Hour)
			page, err := w.s.List(t.Context(), alice, portal.HistoryQuery{})
			must(t, err)
			if len(page.Episodes) != 1 || page.Episodes[0].Messages != 1 {
				t.Errorf("allowed again: %+v", page.Episodes)
			}
			if exchange {
				wantTexts(t, w.mail.of(alice)[0], "before")
			}
		})
	}
}

// TestGroup: a group's conversation is an item in each member's mailbox, under its name for them.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		room := portal.Address("sip:g1@rooms.example.test")
		w.o.Room = func(_ context.Context, who, room portal.Address) string {
			return "the group of " + who.User() + " in " + room.User()
		}
		w.start()
		defer func() { w.end() }()
		var members []portal.Membership
		for _, who := range []portal.Address{alice, bob, carol} {
			members = append(members, portal.Membership{Room: room, Who: who, Role: portal.RoleManager, Notify: portal.NotifyAll, First: 1, JoinedAt: time.Now()})
		}
		must(t, w.store.CreateRoom(t.Context(), portal.Room{URI: room, Name: "g1", Kind: portal.GroupRoom, Access: portal.RoomSecret, Members: 3, CreatedAt: time.Now()}, members))
		for i, from := range []portal.Address{alice, bob} {
			_, _, err := w.store.AddRoomMessage(t.Context(), portal.RoomMessage{Room: room, ID: fmt.Sprint(i), From: from, Text: "from " + from.User(), At: time.Now()}, nil)
			must(t, err)
		}
		w.rest(3 * time.Minute)
		for _, m := range members {
			items := w.mail.of(m.Who)
			if len(items) != 1 {
				t.Fatalf("%s has %d items", m.Who, len(items))
			}
			wantTexts(t, items[0], "from alice", "from bob")
			if want := "Conversation with the group of " + m.Who.User() + " in g1"; items[0].Subject != want {
				t.Errorf("subject %q, want %q", items[0].Subject, want)
			}
		}
	})
}

// TestTakenBackInGroup: what is taken back in a group goes from everybody's item, and with the last of it the item.
func TestTakenBackInGroup(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		room := portal.Address("sip:g1@rooms.example.test")
		members := []portal.Membership{{Room: room, Who: alice, Role: portal.RoleManager, Notify: portal.NotifyAll, First: 1, JoinedAt: time.Now()},
			{Room: room, Who: bob, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 1, JoinedAt: time.Now()}}
		must(t, w.store.CreateRoom(t.Context(), portal.Room{URI: room, Name: "g1", Kind: portal.GroupRoom, Access: portal.RoomSecret, Members: 2, CreatedAt: time.Now()}, members))
		for _, text := range []string{"one", "two"} {
			_, _, err := w.store.AddRoomMessage(t.Context(), portal.RoomMessage{Room: room, ID: text, From: alice, Text: text, At: time.Now()}, nil)
			must(t, err)
		}
		takeBack := func(place int64) {
			t.Helper()
			_, err := w.store.ChangeRoomMessage(t.Context(), room, place, func(m *portal.RoomMessage) error {
				m.Text, m.DeletedAt = "", time.Now()
				return nil
			}, func(portal.RoomMessage) []portal.Addressed { return nil })
			must(t, err)
			w.rest(3 * time.Minute)
		}
		w.rest(3 * time.Minute)
		takeBack(1)
		for _, m := range members {
			items := w.mail.of(m.Who)
			if len(items) != 1 {
				t.Fatalf("%s has %d items", m.Who, len(items))
			}
			wantTexts(t, items[0], "two")
		}
		takeBack(2)
		for _, m := range members {
			if items := w.mail.of(m.Who); len(items) != 0 {
				t.Errorf("%s still has %+v", m.Who, items)
			}
		}
	})
}

// TestSide: no more mailboxes at once than there may be, one item at a time for each, and one that hangs holds nobody up.
func TestSide(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		hang := make(chan struct{})
		w.mail.set(func(f *fakeMail) { f.hang = hang })
		for i := range 10 {
			owner := portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
			w.say(owner, bob, bob, "one")
			w.say(owner, carol, carol, "two")
		}
		w.rest(3 * time.Minute)
		if w.mail.most != 4 || w.mail.each != 1 {
			t.Errorf("%d at once, %d for one mailbox; want 4 and 1", w.mail.most, w.mail.each)
		}
		close(hang)
		w.rest(10 * time.Minute)
		for i := range 10 {
			if items := w.mail.of(portal.Address(fmt.Sprintf("sip:p%d@example.test", i))); len(items) != 2 {
				t.Errorf("mailbox %d has %d items", i, len(items))
			}
		}
		if w.mail.most != 4 || w.mail.each != 1 {
			t.Errorf("%d at once, %d for one mailbox; want 4 and 1", w.mail.most, w.mail.each)
		}
	})
}

// TestNoExchange: without one nothing waits for it.
func TestNoExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mail = nil
		w.start()
		defer func() { w.end() }()
		w.say(alice, bob, bob, "one")
		w.rest(5 * time.Minute)
		page, err := w.s.List(t.Context(), alice, portal.HistoryQuery{})
		must(t, err)
		if len(page.Episodes) != 1 || page.Episodes[0].Kept != portal.KeptNot || page.Away {
			t.Errorf("page %+v", page)
		}
		due, err := w.store.DueNotes(t.Context(), time.Now().Add(time.Hour), 10)
		must(t, err)
		if len(due) != 0 {
			t.Errorf("%d notes wait", len(due))
		}
	})
}
