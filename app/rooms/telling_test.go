package rooms_test

import (
	"context"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/app/rooms"
)

// toldTo are the events since n that somebody is told of messages, each as "place text>quote".
func (h *house) toldTo(who portal.Address, n int) string {
	var out []string
	for _, ev := range h.store.told()[n:] {
		if !strings.Contains(" "+list(ev.For)+" ", " "+who.User()+" ") {
			continue
		}
		var m *portal.RoomMessage
		switch e := ev.Event.(type) {
		case portal.MessageEvent:
			m = e.Room
		case portal.RoomEvent:
			m = e.Message
		}
		if m == nil {
			continue
		}
		text := m.Text
		if m.Quote != nil {
			text += ">" + m.Quote.Text
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// Nobody is told what was said before they may read: not as a message that changes, not as a quote.
func TestNewcomersAreNotToldWhatWasBefore(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Plan", Access: portal.RoomClosed, Members: []portal.Address{bob}})
	h.says(alice, at, "old")
	fine(t, "carol comes", h.PutMember(ctx, alice, at, carol, portal.RoleMember))
	answer, err := h.Say(ctx, bob, at, portal.RoomSaying{ID: "re", Text: "answer", Replies: 1})
	if err != nil || answer.Quote == nil {
		t.Fatalf("bob answers: %+v %v", answer, err)
	}
	fine(t, "dave comes", h.PutMember(ctx, alice, at, dave, portal.RoleMember))

	n := len(h.store.told())
	fine(t, "a reaction", h.React(ctx, bob, at, 1, "👍", true))
	fine(t, "a pin", h.Pin(ctx, alice, at, 1, true))
	_, err = h.Edit(ctx, alice, at, 1, "older")
	fine(t, "another text", err)
	for who, want := range map[portal.Address]string{alice: "old old older", bob: "old old older", carol: "", dave: ""} {
		if got := h.toldTo(who, n); got != want {
			t.Errorf("of what is before her %s is told %q, want %q", who.User(), got, want)
		}
	}

	n = len(h.store.told())
	fine(t, "carol reacts to the answer", h.React(ctx, carol, at, 2, "👍", true))
	if _, err = h.Say(ctx, alice, at, portal.RoomSaying{ID: "too", Text: "second", Replies: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err = h.Say(ctx, carol, at, portal.RoomSaying{ID: "and", Text: "third", Replies: 2}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Say(ctx, dave, at, portal.RoomSaying{ID: "last", Text: "fourth", Replies: 4})
	fine(t, "dave answers what all may read", err)
	for who, want := range map[portal.Address]string{alice: "answer>old second>older third>answer fourth>third",
		carol: "answer second third>answer fourth>third", dave: "second third fourth>third"} {
		if got := h.toldTo(who, n); got != want {
			t.Errorf("%s is told %q, want %q", who.User(), got, want)
		}
	}
	if events := h.store.told(); events[len(events)-1].Audience != at {
		t.Errorf("what all may read is told by name: %+v", events[len(events)-1])
	}
}

// Nor do they read it: in one message, in what an edit gives back, as a room's newest.
func TestNewcomersReadNoQuoteOfBefore(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Plan", Members: []portal.Address{bob}})
	h.says(alice, at, "old")
	_, err := h.Join(ctx, carol, at)
	fine(t, "carol comes", err)
	_, err = h.Say(ctx, bob, at, portal.RoomSaying{ID: "re", Text: "answer", Replies: 1})
	fine(t, "bob answers", err)
	for _, again := range []bool{false, true} {
		if again {
			h.restart() // the newest is read from the store
		}
		for who, quotes := range map[portal.Address]bool{alice: true, carol: false} {
			m, err := h.Message(ctx, who, at, 2)
			if err != nil || (m.Quote != nil) != quotes {
				t.Errorf("%s reads %+v, %v", who.User(), m.Quote, err)
			}
			if e := h.sees(who, at); e.Newest == nil || (e.Newest.Quote != nil) != quotes {
				t.Errorf("%s sees as the newest %+v", who.User(), e.Newest)
			}
		}
	}
	fine(t, "bob goes", h.Leave(ctx, bob, at))
	_, err = h.Join(ctx, bob, at)
	fine(t, "and comes again", err)
	if m, err := h.Say(ctx, bob, at, portal.RoomSaying{ID: "re", Text: "answer"}); err != nil || m.Place != 2 || m.Quote != nil {
		t.Errorf("his repetition gives %+v with %+v, %v", m, m.Quote, err)
	}
}

// Who is in a group by name only is told of nothing where those who came late are told by name: neither whole nor bare.
func TestAbsentPeopleAreNotToldByName(t *testing.T) {
	h := build(t, rooms.Options{Blocked: func(_ context.Context, owner, by portal.Address) (bool, error) {
		return owner == bob && by == alice, nil
	}})
	ctx := t.Context()
	g, err := h.Group(ctx, alice, carol, []portal.Address{bob})
	fine(t, "a group", err)
	h.says(alice, g.URI, "old")
	fine(t, "dave comes later", h.PutMember(ctx, alice, g.URI, dave, portal.RoleMember))
	n := len(h.store.told())
	_, err = h.Say(ctx, carol, g.URI, portal.RoomSaying{ID: "re", Text: "answer", Replies: 1})
	fine(t, "carol answers", err)
	_, err = h.Edit(ctx, alice, g.URI, 1, "older")
	fine(t, "another text", err)
	for who, want := range map[portal.Address]string{alice: "answer>old older", carol: "answer>old older", dave: "answer", bob: ""} {
		if got := h.toldTo(who, n); got != want {
			t.Errorf("%s is told %q, want %q", who.User(), got, want)
		}
	}
	for _, ev := range h.store.told()[n:] {
		if ev.Audience != "" {
			t.Errorf("all who follow are told: %+v", ev)
		}
	}
}
