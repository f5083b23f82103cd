package rooms_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

func TestUnreadAndMarks(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol}})
	quiet := h.room(portal.RoomDraft{Title: "Quiet", Members: []portal.Address{bob}})
	h.says(alice, at, "one")
	h.says(alice, at, "two, bob")
	h.says(alice, at, "three, @bob")
	unread, mentions, err := h.Unread(ctx, bob)
	if err != nil || len(unread) != 1 || unread[at] != 3 || len(mentions) != 1 || mentions[at] != 2 {
		t.Errorf("%v %v %v", unread, mentions, err)
	}
	if unread, mentions, err := h.Unread(ctx, alice); err != nil || len(unread)+len(mentions) != 0 {
		t.Errorf("alice: %v %v %v", unread, mentions, err)
	}
	h.restart()
	if e := h.sees(bob, at); e.Unread != 3 || e.Mentions != 2 {
		t.Errorf("after a start: %d %d", e.Unread, e.Mentions)
	}
	fine(t, "to the second", h.MarkRead(ctx, bob, at, 2))
	if e := h.sees(bob, at); e.Unread != 1 || e.Mentions != 1 || e.Mine.ReadUpTo != 2 {
		t.Errorf("%d %d %d", e.Unread, e.Mentions, e.Mine.ReadUpTo)
	}
	last := h.store.told()[len(h.store.told())-1]
	if ev, is := last.Event.(portal.RoomEvent); !is || ev.What != portal.RoomRead || list(last.For) != "bob" || last.Audience != "" {
		t.Errorf("told %+v", last)
	}
	count := len(h.store.told())
	fine(t, "back", h.MarkRead(ctx, bob, at, 1))
	if e := h.sees(bob, at); e.Mine.ReadUpTo != 2 || len(h.store.told()) != count {
		t.Errorf("the mark went to %d, %d events", e.Mine.ReadUpTo, len(h.store.told())-count)
	}
	if mine, err := h.Mine(ctx, bob); err != nil || len(mine) != 2 || mine[0].URI != at || mine[1].URI != quiet {
		t.Errorf("%+v %v", mine, err)
	}
	by, total, err := h.ReadBy(ctx, alice, at, 2)
	if err != nil || total != 1 || list(by) != "bob" {
		t.Errorf("read by %v %d %v", by, total, err)
	}
	fine(t, "all", h.MarkRead(ctx, bob, at, 0))
	fine(t, "beyond the end", h.MarkRead(ctx, carol, at, 99))
	if e := h.sees(carol, at); e.Mine.ReadUpTo != 3 || e.Unread != 0 {
		t.Errorf("%+v", e.Mine)
	}
	if _, total, err = h.ReadBy(ctx, alice, at, 3); err != nil || total != 2 {
		t.Errorf("read by %d %v", total, err)
	}
	h.says(carol, at, "speaking is reading")
	if e := h.sees(carol, at); e.Unread != 0 {
		t.Errorf("carol has %d unread", e.Unread)
	}
	refused(t, "from outside", h.MarkRead(ctx, dave, at, 1), "room.members-only")
}

func TestReadByNamesAHundred(t *testing.T) {
	h := build(t, rooms.Options{})
	var who []portal.Address
	for i := range 130 {
		who = append(who, portal.Address(fmt.Sprintf("sip:u%d@example.test", i)))
	}
	at := h.room(portal.RoomDraft{Title: "Many", Members: who})
	h.says(alice, at, "read this")
	for _, w := range who {
		fine(t, "read", h.MarkRead(t.Context(), w, at, 0))
	}
	if by, total, err := h.ReadBy(t.Context(), alice, at, 1); err != nil || len(by) != 100 || total != 130 {
		t.Errorf("%d of %d, %v", len(by), total, err)
	}
}

func TestNotifyAndWords(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	refused(t, "no level", h.Notify(ctx, bob, at, "loud"), "room.notify")
	h.says(alice, at, "one")
	fine(t, "mark", h.MarkRead(ctx, bob, at, 0))
	fine(t, "notify", h.Notify(ctx, bob, at, portal.NotifyNone))
	if e := h.sees(bob, at); e.Mine.Notify != portal.NotifyNone || e.Mine.ReadUpTo != 1 {
		t.Errorf("%+v", e.Mine)
	}
	fine(t, "words", h.SetWords(ctx, bob, []string{" Release ", "", "release", "CI"}))
	refused(t, "signs", h.SetWords(ctx, bob, []string{"!!"}), "room.words")
	h.restart()
	words, err := h.Words(ctx, bob)
	if err != nil || fmt.Sprint(words) != "[Release CI]" {
		t.Errorf("%q %v", words, err)
	}
	h.says(alice, at, "ci is red")
	if e := h.sees(bob, at); e.Mentions != 1 || e.Mine.Notify != portal.NotifyNone {
		t.Errorf("%+v", e)
	}
	if words, err := h.Words(ctx, carol); err != nil || len(words) != 0 {
		t.Errorf("carol's %q %v", words, err)
	}
}

func TestNamesAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, NamesEvery: time.Minute})
		name := ""
		h.o.NameOf = func(who portal.Address) string {
			h.mu.Lock()
			defer h.mu.Unlock()
			if who == bob {
				return name
			}
			return names(who)
		}
		h.restart()
		at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
		stop := h.run()
		synctest.Wait()
		h.says(alice, at, "ask Robert Brown")
		if e := h.sees(bob, at); e.Mentions != 0 {
			t.Errorf("%d mentions of a name that nobody has", e.Mentions)
		}
		h.mu.Lock()
		name = "Robert Brown"
		h.mu.Unlock()
		pass(2 * time.Minute)
		synctest.Wait()
		h.says(alice, at, "ask Robert Brown, @robertbrown")
		if e := h.sees(bob, at); e.Mentions != 1 {
			t.Errorf("%d mentions", e.Mentions)
		}
		stop()
	})
}

// In fake time: who is mentioned is told at once, the others of a large room now and then, nobody twice a second.
func TestCountsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := func(who portal.Address) bool { return who != dave }
		h := build(t, rooms.Options{Now: time.Now, Live: live, Burst: 1000})
		at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol, dave}})
		stop := h.run()
		synctest.Wait()
		count := func() map[portal.Address]int {
			synctest.Wait()
			h.mu.Lock()
			defer h.mu.Unlock()
			n := map[portal.Address]int{}
			for _, who := range h.changed {
				n[who]++
			}
			h.changed = nil
			return n
		}
		h.says(alice, at, "hello dave")
		if n := count(); n[bob] != 1 || n[dave] != 1 || n[alice] != 1 {
			t.Errorf("at once: %v", n)
		}
		for range 50 {
			h.says(alice, at, "and on")
		}
		if n := count(); len(n) != 0 {
			t.Errorf("within the second: %v", n)
		}
		pass(1100 * time.Millisecond)
		if n := count(); n[bob] != 1 || n[carol] != 1 || n[dave] != 0 {
			t.Errorf("after a second: %v", n)
		}
		stop()
	})
}

func TestCrowdsAreCountedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, Burst: 1000})
		var who []portal.Address
		for i := range 3000 {
			who = append(who, portal.Address(fmt.Sprintf("sip:u%d@example.test", i)))
		}
		at := h.room(portal.RoomDraft{Title: "Crowd", Members: who})
		stop := h.run()
		for range 60 {
			h.says(alice, at, "on")
			pass(100 * time.Millisecond)
		}
		synctest.Wait()
		h.mu.Lock()
		n := 0
		for _, w := range h.changed {
			if w == who[0] {
				n++
			}
		}
		h.mu.Unlock()
		if n < 2 || n > 3 {
			t.Errorf("a member of a crowd was told %d times in six seconds", n)
		}
		stop()
	})
}

func TestTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, TypingFor: 10 * time.Second})
		at := h.room(portal.RoomDraft{Title: "Team", PresentersOnly: true, Members: []portal.Address{bob, carol}})
		fine(t, "presenter", h.PutMember(context.Background(), alice, at, bob, portal.RolePresenter))
		stop := h.run()
		heard := func() string {
			synctest.Wait()
			h.mu.Lock()
			defer h.mu.Unlock()
			defer func() { h.current = nil }()
			return fmt.Sprint(h.current)
		}
		expect := func(what, want string) {
			t.Helper()
			if got := heard(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		h.Typing(carol, at, true)
		expect("who may not speak", "[]")
		h.Typing(dave, at, true)
		expect("who is not in", "[]")
		h.Typing(bob, at, true)
		h.Typing(bob, at, true)
		expect("begin", "[alice hears bob true carol hears bob true]")
		pass(5 * time.Second)
		h.Typing(bob, at, true)
		expect("on", "[alice hears bob true carol hears bob true]")
		pass(9 * time.Second)
		expect("held", "[]")
		pass(5 * time.Second)
		expect("over by itself", "[alice hears bob false carol hears bob false]")
		h.Typing(bob, at, true)
		heard()
		h.says(bob, at, "there")
		expect("said", "[alice hears bob false carol hears bob false]")
		h.Typing(bob, at, false)
		expect("over already", "[]")
		stop()
	})
}
