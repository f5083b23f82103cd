package web

// What the tests of rooms stand on: the real rooms over real storage and real files.

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"portico/app/blobs"
	"portico/app/directory"
	"portico/app/portal"
	"portico/app/rooms"
)

const (
	roomsDomain = "rooms.example.test"
	// smallFile is the largest file that the tests' rooms take.
	smallFile = 1 << 20
)

// roomLine is the exchange as rooms use it.
type roomLine struct{ *exchange }

func (l roomLine) SendFromRoom(ctx context.Context, room portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	return l.exchange.Send(ctx, room, m)
}

// openRooms makes the house's rooms.
func (h *house) openRooms(t testing.TB, dir string, emit func(portal.Address, portal.Current), book *directory.Service) {
	t.Helper()
	files, err := blobs.Open(filepath.Join(dir, "uploads"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h.rooms = rooms.New(h.store, files, roomLine{h.exchange}, rooms.Options{
		Domain: roomsDomain, PersonDomain: "example.test", Emit: emit, Changed: func(who portal.Address) { h.chat.Recount(who) },
		Live:    func(who portal.Address) bool { return h.hub.Online(who) > 0 },
		NameOf:  func(who portal.Address) string { return book.Lookup(context.Background(), who).DisplayName },
		Archive: h.store.AddMessage, MaxFile: smallFile, CountsEvery: 5 * time.Millisecond, Burst: 1000, Rate: 1000,
	})
	if err := h.rooms.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// beside adds what waits in rooms and in the list of calls to the counts.
func (h *house) beside() []func(context.Context, portal.Address, *portal.CountsEvent) error {
	return []func(context.Context, portal.Address, *portal.CountsEvent) error{
		h.countCalls,
		func(ctx context.Context, who portal.Address, ev *portal.CountsEvent) error {
			unread, mentions, err := h.rooms.Unread(ctx, who)
			if err != nil {
				return err
			}
			for room, n := range unread {
				ev.Unread[room] = n
			}
			ev.Mentions = mentions
			return nil
		},
		h.countCalls,
	}
}

// room makes an open room of alice's with members.
func (h *house) room(name string, members ...portal.Address) portal.Address {
	h.t.Helper()
	made, err := h.rooms.Create(h.t.Context(), alice, portal.RoomDraft{
		Name: name, Title: "The " + name, Topic: "what it is about", Access: portal.RoomOpen, HistoryDays: portal.WholeHistory, Members: members,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return made.URI
}

// tells says something in a room.
func (h *house) tells(who, room portal.Address, text string, more ...func(*portal.RoomSaying)) portal.RoomMessage {
	h.t.Helper()
	in := portal.RoomSaying{ID: fmt.Sprintf("m-%d", time.Now().UnixNano()), Text: text}
	for _, f := range more {
		f(&in)
	}
	m, err := h.rooms.Say(h.t.Context(), who, room, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// answering makes what is said an answer to m.
func answering(m portal.RoomMessage) func(*portal.RoomSaying) {
	return func(in *portal.RoomSaying) { in.Replies = m.Place }
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}
