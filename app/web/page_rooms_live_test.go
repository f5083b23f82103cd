package web

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/views"
)

func roomPath(room portal.Address) string { return views.RoomPath(room) }

// TestRoomsMakeTheFreshPage: what is said and done in a room, as an old page and its frames have it, is what a fresh page has.
func TestRoomsMakeTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		room := h.room("lobby", bob, carol)
		other := h.room("other", bob)
		first := h.tells(bob, room, "the first")
		h.tells(bob, other, "elsewhere")
		r := open(t, h, locale, roomPath(room))
		r.becomes("a message", "second <b>one</b>", "", func() { h.tells(bob, room, "second <b>one</b> `code` *bold* https://example.test/x") })
		r.becomes("an own one", "mine too", "", func() { h.tells(alice, room, "mine too") })
		var called portal.RoomMessage
		r.becomes("one that names the reader", `calls`, "", func() { called = h.tells(carol, room, "@alice look at this") })
		r.becomes("an answer with its quote", "an answer", "", func() { h.tells(bob, room, "an answer", answering(first)) })
		r.becomes("what was answered changes, in its place and in the quote", "the first, mended", "", func() {
			_, err := h.rooms.Edit(t.Context(), bob, room, first.Place, "the first, mended")
			h.must(err)
		})
		r.becomes("a reaction", "👍", "", func() { h.must(h.rooms.React(t.Context(), bob, room, called.Place, "👍", true)) })
		r.becomes("an own reaction", `aria-pressed="true"`, "", func() { h.must(h.rooms.React(t.Context(), alice, room, called.Place, "👍", true)) })
		r.becomes("it is taken away", "", `aria-pressed="true"`, func() { h.must(h.rooms.React(t.Context(), alice, room, called.Place, "👍", false)) })
		r.becomes("a pin", words.Text("rooms.is-pinned"), "", func() { h.must(h.rooms.Pin(t.Context(), alice, room, first.Place, true)) })
		r.becomes("what was answered is taken back", words.Text("rooms.taken-back"), "the first, mended", func() {
			h.must(h.rooms.Delete(t.Context(), bob, room, first.Place))
		})
		r.becomes("the last one is changed in the list too", "the very last", "", func() {
			last := h.tells(bob, room, "almost the last")
			_, err := h.rooms.Edit(t.Context(), bob, room, last.Place, "the very last")
			h.must(err)
		})
		r.becomes("another room comes to the top", "news elsewhere", "", func() { h.tells(bob, other, "news elsewhere") })
		r.becomes("read elsewhere", "", words.Count("unread.count", 2), func() { h.must(h.rooms.MarkRead(t.Context(), alice, other, 0)) })
	})
}

// TestRoomItselfMakesTheFreshPage: settings, people and rights.
func TestRoomItselfMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		made, err := h.rooms.Create(t.Context(), bob, portal.RoomDraft{Name: "lab", Title: "Lab", Access: portal.RoomOpen, HistoryDays: portal.WholeHistory, Members: []portal.Address{alice}})
		h.must(err)
		room := made.URI
		h.tells(bob, room, "hello")
		r := open(t, h, locale, roomPath(room))
		change := func(c portal.RoomChange) {
			t.Helper()
			_, err := h.rooms.Change(t.Context(), bob, room, c)
			h.must(err)
		}
		title, topic, on, off := "Laboratory", "All about it", true, false
		r.becomes("another title and topic", "All about it", "", func() { change(portal.RoomChange{Title: &title, Topic: &topic}) })
		r.becomes("somebody comes", "Carol Clark", "", func() { h.must(h.rooms.PutMember(t.Context(), bob, room, carol, portal.RoleMember)) })
		r.becomes("their presence", words.Availability(portal.Busy), "", func() {
			h.exchange.Publish(carol, portal.Claim{Endpoint: "x", Availability: portal.Busy})
		})
		r.becomes("they go", "", "Carol Clark", func() { h.must(h.rooms.Leave(t.Context(), carol, room)) })
		r.becomes("only presenters speak", words.Text("rooms.why-presenters"), "", func() { change(portal.RoomChange{PresentersOnly: &on}) })
		r.becomes("the reader presents", "", words.Text("rooms.why-presenters"), func() {
			h.must(h.rooms.PutMember(t.Context(), bob, room, alice, portal.RolePresenter))
		})
		r.becomes("the reader manages", `data-manage`, "", func() { h.must(h.rooms.PutMember(t.Context(), bob, room, alice, portal.RoleManager)) })
		r.becomes("archived", words.Text("rooms.why-archived"), "", func() { change(portal.RoomChange{Archived: &on}) })
		r.becomes("open again", "", words.Text("rooms.why-archived"), func() { change(portal.RoomChange{Archived: &off}) })
		r.becomes("told of all", `checked`, "", func() { h.must(h.rooms.Notify(t.Context(), alice, room, portal.NotifyAll)) })
	})
}

// TestListOfRoomsMakesTheFreshPage: rooms come, go and are called by their people.
func TestListOfRoomsMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		r := open(t, h, locale, "/rooms")
		var room portal.Address
		r.becomes("a new room", "The lobby", "", func() { room = h.room("lobby", bob) })
		r.becomes("what is said there", "good morning", "", func() { h.tells(bob, room, "good morning") })
		r.becomes("a mention", words.Count("rooms.mentions", 1), "", func() { h.tells(bob, room, "@alice?") })
		r.becomes("it is read", "", words.Count("rooms.mentions", 1), func() { h.must(h.rooms.MarkRead(t.Context(), alice, room, 0)) })
		var group portal.RoomEntry
		r.becomes("a group, called by its people", "Bob Brown", "", func() {
			var err error
			group, err = h.rooms.Group(t.Context(), carol, bob, []portal.Address{alice})
			h.must(err)
		})
		r.becomes("one of them goes", "", "Carol Clark", func() { h.must(h.rooms.Leave(t.Context(), carol, group.URI)) })
		r.becomes("the reader leaves", "", "The lobby", func() {
			h.must(h.rooms.PutMember(t.Context(), alice, room, bob, portal.RoleManager))
			h.must(h.rooms.Leave(t.Context(), alice, room))
		})
	})
}

// TestPastOfARoomStaysAsItIs: a page that shows a stretch of the past takes nothing new in, as a fresh one would not.
func TestPastOfARoomStaysAsItIs(t *testing.T) {
	h := newHouse(t)
	h.browse(alice)
	room := h.room("lobby", bob)
	for range 120 {
		h.tells(bob, room, "one of many")
	}
	r := open(t, h, "en", roomPath(room)+"?at=30")
	doc := r.doc
	if n := doc.Find(".said").Length(); n != pageMessages+1 { // and the template's
		t.Fatalf("%d messages", n)
	}
	if doc.Find("#place-30").Length() != 1 || doc.Find(".earlier[hidden]").Length() != 0 || doc.Find(".later[hidden]").Length() != 0 {
		t.Error("not in the middle, or no ways on")
	}
	r.becomes("a message at the end changes the list alone", "not here", "", func() { h.tells(bob, room, "not here") })
	if strings.Contains(r.doc.Find("#log").Text(), "not here") {
		t.Error("the past has the newest message")
	}
}

// TestFramesAreTheSameForEverybody: the same bytes go to all who read the same language.
func TestFramesAreTheSameForEverybody(t *testing.T) {
	h := newHouse(t)
	room := h.room("lobby", bob)
	a, b := h.browse(alice), h.browse(bob)
	one, two := a.dial("portico.html.v1", ""), b.dial("portico.html.v1", "")
	h.tells(alice, room, "@bob hello")
	next := func(of *browser) string {
		for frame := range of.raw {
			if strings.Contains(frame, `data-event="message"`) {
				return frame
			}
		}
		return ""
	}
	x, y := next(one), next(two)
	if x == "" || x != y {
		t.Errorf("alice got\n%s\nbob got\n%s", x, y)
	}
	doc := newScreen(t, bytes.NewReader(h.browse(bob).call(http.MethodGet, roomPath(room), nil, http.StatusOK).body)).doc
	if !doc.Find(".said").First().HasClass("calls") {
		t.Error("bob is not called")
	}
}
