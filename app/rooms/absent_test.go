package rooms_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

// Who has no instant messages reads in rooms and says nothing there, from a page or with a SIP client.
func TestWithoutInstantMessages(t *testing.T) {
	off := false
	h := build(t, rooms.Options{InForce: func(who portal.Address) portal.InForce {
		return portal.InForce{MayCreateRooms: true, DisableIM: off && who == bob}
	}})
	ctx := t.Context()
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops", Members: []portal.Address{bob, carol}})
	g, err := h.Group(ctx, alice, carol, []portal.Address{dave})
	fine(t, "a group", err)
	fine(t, "bob may pin", h.PutMember(ctx, alice, at, bob, portal.RoleManager))
	h.says(bob, at, "before")
	off = true
	for _, c := range []struct {
		what, key string
		do        func() error
	}{
		{"say", "chat.disabled", func() error { _, err := h.Say(ctx, bob, at, portal.RoomSaying{ID: "x", Text: "x"}); return err }},
		{"edit", "chat.disabled", func() error { _, err := h.Edit(ctx, bob, at, 1, "x"); return err }},
		{"react", "chat.disabled", func() error { return h.React(ctx, bob, at, 1, "👍", true) }},
		{"take back", "chat.disabled", func() error { return h.Delete(ctx, bob, at, 1) }},
		{"pin", "chat.disabled", func() error { return h.Pin(ctx, bob, at, 1, true) }},
		{"a topic", "chat.disabled", func() error {
			topic := "x"
			_, err := h.Change(ctx, bob, at, portal.RoomChange{Topic: &topic})
			return err
		}},
		{"upload", "chat.disabled", func() error { _, err := h.Upload(ctx, bob, at, "x", strings.NewReader("x")); return err }},
		{"by SIP", "chat.disabled", func() error { return h.writes(bob, at, "1", "hello") }},
		{"a command", "chat.disabled", func() error { return h.writes(bob, at, "2", "/topic x") }},
		{"a group with them", "chat.peer-disabled", func() error { _, err := h.Group(ctx, alice, bob, []portal.Address{dave}); return err }},
		{"a group of theirs", "chat.disabled", func() error { _, err := h.Group(ctx, bob, carol, []portal.Address{dave}); return err }},
		{"into a group", "chat.peer-disabled", func() error { return h.PutMember(ctx, carol, g.URI, bob, portal.RoleMember) }},
	} {
		err := c.do()
		if refused(t, c.what, err, c.key); portal.Meaning(err) != portal.ErrForbidden {
			t.Errorf("%s: %v", c.what, portal.Meaning(err))
		}
	}
	h.Typing(bob, at, true)
	if h.got(bob); len(h.current) != 0 {
		t.Errorf("typing is told: %v", h.current)
	}
	if got := h.texts(bob, at); got != "before" {
		t.Errorf("bob reads %q", got)
	}
	if _, err := h.Create(ctx, alice, portal.RoomDraft{Title: "Lasting", Members: []portal.Address{bob}}); err != nil {
		t.Errorf("a lasting room: %v", err)
	}
}

// Who is put into a group by somebody they blocked is among its people for the others, and never hears of it.
func TestWhoBlockedIsInAGroupByNameOnly(t *testing.T) {
	for _, invited := range []bool{false, true} {
		t.Run(fmt.Sprint("invited ", invited), func(t *testing.T) {
			h := build(t, rooms.Options{Blocked: func(_ context.Context, owner, by portal.Address) (bool, error) {
				return owner == bob && by == alice, nil
			}})
			ctx := t.Context()
			fine(t, "words", h.SetWords(ctx, bob, []string{"lunch"}))
			with := []portal.Address{bob, dave}
			if invited {
				with = []portal.Address{dave, erin}
			}
			g, err := h.Group(ctx, alice, carol, with)
			fine(t, "a group", err)
			at, since := g.URI, 0
			if invited {
				h.says(alice, at, "early")
				since = len(h.store.told())
				fine(t, "an invitation", h.PutMember(ctx, alice, at, bob, portal.RoleMember))
				fine(t, "another", h.PutMember(ctx, alice, at, bob, portal.RoleMember))
			} else if again, err := h.Group(ctx, alice, carol, with); err != nil || again.URI != at {
				t.Errorf("made again: %v %v", again.URI, err)
			}
			m := h.says(alice, at, "@bob and @all: lunch?")
			fine(t, "a sign", h.React(ctx, carol, at, m.Place, "👍", true))
			_, err = h.Edit(ctx, alice, at, m.Place, "lunch, @bob")
			fine(t, "another text", err)
			_, err = h.Say(ctx, carol, at, portal.RoomSaying{ID: "re", Text: "yes", Replies: m.Place})
			fine(t, "an answer", err)
			h.Typing(carol, at, true)
			title := "Lunch"
			_, err = h.Change(ctx, alice, at, portal.RoomChange{Title: &title})
			fine(t, "a title", err)

			for _, start := range []string{"", " after a start"} {
				if start != "" {
					h.restart()
				}
				e := h.sees(alice, at)
				all, err := h.Members(ctx, carol, at, "bo", "", 0)
				if err != nil || len(all) != 1 || !strings.Contains(list(e.With), "bob") {
					t.Errorf("the others see %v, %v%s", e.With, all, start)
				}
				_, err = h.Get(ctx, bob, at)
				refused(t, "bob looks"+start, err, "room.not-found")
				_, err = h.Messages(ctx, bob, at, portal.RoomPage{})
				refused(t, "bob reads"+start, err, "room.not-found")
				refused(t, "bob marks"+start, h.MarkRead(ctx, bob, at, 0), "room.not-found")
				refused(t, "bob leaves"+start, h.Leave(ctx, bob, at), "room.not-found")
				_, err = h.Say(ctx, bob, at, portal.RoomSaying{ID: "b", Text: "x"})
				refused(t, "bob says"+start, err, "room.not-found")
				refused(t, "bob by SIP"+start, h.writes(bob, at, "b"+start, "/join"), "room.not-found")
				mine, err := h.Mine(ctx, bob)
				unread, mentions, _ := h.Unread(ctx, bob)
				found, _ := h.Find(ctx, bob, "", 0)
				if err != nil || len(mine)+len(unread)+len(mentions)+len(h.Spans(bob))+len(found) != 0 {
					t.Errorf("bob has %v %v %v %v %v%s", mine, unread, mentions, h.Spans(bob), found, start)
				}
			}
			h.says(alice, at, "still there?")
			fine(t, "out again", h.RemoveMember(ctx, alice, at, bob))
			for i, ev := range h.store.told() {
				if ev.Audience == at && i >= since || strings.Contains(list(ev.For), "bob") {
					t.Errorf("event %d is for %v %v: %+v", i, ev.For, ev.Audience, ev.Event)
				}
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if strings.Contains(fmt.Sprint(h.current), "bob") {
				t.Errorf("typing: %v", h.current)
			}
		})
	}
}

// A group that becomes a room to be found is one to its absent people too; who joins it is there like anybody else.
func TestWhoWasAbsentJoins(t *testing.T) {
	h := build(t, rooms.Options{Blocked: func(_ context.Context, owner, by portal.Address) (bool, error) {
		return owner == bob && by == alice, nil
	}})
	ctx := t.Context()
	g, err := h.Group(ctx, alice, carol, []portal.Address{bob})
	fine(t, "a group", err)
	h.says(alice, g.URI, "old")
	yes, title, open, none := true, "Lunch", portal.RoomOpen, 0
	e, err := h.Change(ctx, alice, g.URI, portal.RoomChange{Lasting: &yes, Title: &title, Access: &open, HistoryDays: &none})
	fine(t, "it is to last", err)
	_, err = h.Messages(ctx, bob, e.URI, portal.RoomPage{})
	refused(t, "bob is not in", err, "room.members-only")
	_, err = h.Join(ctx, bob, e.URI)
	fine(t, "bob joins", err)
	h.says(alice, e.URI, "new")
	if got := h.texts(bob, e.URI); got != "new" {
		t.Errorf("bob reads %q", got)
	}
	if got := h.sees(bob, e.URI); got.Members != 3 || got.Unread != 1 {
		t.Errorf("bob sees %+v", got)
	}
	if evs := h.store.told(); evs[len(evs)-1].Audience != e.URI {
		t.Errorf("the last event is for %q alone", list(evs[len(evs)-1].For))
	}
}

// Who hides from somebody does not type for them and has read nothing.
func TestWhoHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, Hidden: func(owner, viewer portal.Address) bool { return owner == bob && viewer == carol }})
		ctx := context.Background()
		at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol}})
		h.Typing(bob, at, true)
		h.Typing(bob, at, false)
		h.Typing(carol, at, true)
		if got, want := fmt.Sprint(h.current), "[alice hears bob true alice hears bob false alice hears carol true bob hears carol true]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		m := h.says(alice, at, "hello")
		for _, who := range []portal.Address{bob, carol} {
			fine(t, "read", h.MarkRead(ctx, who, at, 0))
		}
		for who, want := range map[portal.Address]string{alice: "bob carol", bob: "bob carol", carol: "carol"} {
			by, total, err := h.ReadBy(ctx, who, at, m.Place)
			if err != nil || list(by) != want || total != len(by) {
				t.Errorf("%s is told that %q have read it, %d, want %q: %v", who.User(), list(by), total, want, err)
			}
		}
	})
}

// Who blocks nobody of a group's any more, into which they were put by name only, is in it from then on.
func TestWhoUnblocksComesBack(t *testing.T) {
	blocks, away := map[portal.Address]bool{alice: true, dave: true}, error(nil)
	h := build(t, rooms.Options{Blocked: func(_ context.Context, owner, by portal.Address) (bool, error) {
		return owner == bob && blocks[by], away
	}})
	ctx := t.Context()
	g, err := h.Group(ctx, alice, carol, []portal.Address{bob, dave})
	fine(t, "a group", err)
	h.says(alice, g.URI, "behind bob's back")
	blocks[alice] = false
	fine(t, "one of two is unblocked", h.Reconsider(ctx, bob))
	_, err = h.Get(ctx, bob, g.URI)
	refused(t, "dave is blocked still", err, "room.not-found")
	blocks[dave] = false
	away = portal.Fail(portal.ErrUnavailable, "storage.away")
	if err := h.Reconsider(ctx, bob); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("not knowing who is blocked: %v", err)
	}
	away = nil
	told := len(h.store.told())
	fine(t, "both are", h.Reconsider(ctx, bob))
	for _, ev := range h.store.told()[told:] {
		if list(ev.For) != "bob" || ev.Audience != "" {
			t.Errorf("%v %v hear of it: %+v", ev.For, ev.Audience, ev.Event)
		}
	}
	told = len(h.store.told())
	fine(t, "again", h.Reconsider(ctx, bob))
	fine(t, "of nobody", h.Reconsider(ctx, "sip:stranger@example.test"))
	if got := h.store.told(); len(got) != told {
		t.Errorf("nothing changed, and is told: %+v", got[told:])
	}
	h.says(alice, g.URI, "welcome")
	for _, start := range []string{"", " after a start"} {
		if start != "" {
			h.restart()
		}
		if e := h.sees(bob, g.URI); e.Members != 4 || e.Unread != 1 {
			t.Errorf("bob sees %+v%s", e, start)
		}
	}
	h.says(bob, g.URI, "here")
	if got := h.texts(bob, g.URI); got != "welcome here" {
		t.Errorf("bob reads %q", got)
	}
}
