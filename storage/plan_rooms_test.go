package storage_test

import (
	"strconv"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

const lobby = portal.Address("sip:lobby@rooms.example.test")

func lobbyRoom() portal.Room {
	return portal.Room{URI: lobby, Name: "lobby", Kind: portal.LastingRoom, Access: portal.RoomOpen, Version: 1}
}

func lobbyMember(who portal.Address) portal.Membership {
	return portal.Membership{Room: lobby, Who: who, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 1}
}

// uttered is a message of the lobby and its event.
func uttered(id string) (portal.RoomMessage, portal.Addressed) {
	m := portal.RoomMessage{Room: lobby, From: bob, ID: id, Text: "text of " + id, At: time.Now()}
	return m, portal.Addressed{Audience: lobby, Event: portal.MessageEvent{Conversation: lobby, ID: id, From: bob, Text: m.Text, At: m.At, Room: &m}}
}

// everyRoomQuery calls what keeps the rooms.
func everyRoomQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	must(t, s.CreateRoom(ctx, lobbyRoom(), []portal.Membership{lobbyMember(alice), lobbyMember(bob)}))
	must(t, s.AddFile(ctx, lobby, bob, portal.File{ID: "f", Size: 7}, "blob"))
	waiting(t, s, bob, 1, 7)
	waiting(t, s, alice, 0, 0)
	m, ev := uttered("1")
	m.Mentions, m.Files = []portal.Address{alice}, []portal.File{{ID: "f"}}
	_, _, err := s.AddRoomMessage(ctx, m, []portal.Address{alice}, ev)
	must(t, err)
	waiting(t, s, bob, 0, 0)
	change := func(f func(*portal.RoomMessage)) func() error {
		return func() error {
			_, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { f(m); return nil }, func(portal.RoomMessage) []portal.Addressed { return nil })
			return err
		}
	}
	reaction := []portal.Reaction{{Sign: "x", By: []portal.Address{bob}}}
	find := func(q portal.HistoryQuery) func() error {
		return func() error {
			_, _, err := s.SearchRooms(ctx, []portal.RoomSpan{{Room: lobby, First: 2}, {Room: lobby}}, q)
			return err
		}
	}
	calls(t, map[string]func() error{
		"again":        func() error { _, _, err := s.AddRoomMessage(ctx, m, nil, ev); return err },
		"edit":         change(func(m *portal.RoomMessage) { m.Text, m.Mentions = "x", []portal.Address{bob, "sip:new@example.test"} }),
		"react":        change(func(m *portal.RoomMessage) { m.Reactions = reaction }),
		"pin":          change(func(m *portal.RoomMessage) { m.Pinned = true }),
		"by place":     func() error { _, err := s.RoomMessage(ctx, lobby, 1); return err },
		"by id":        func() error { _, err := s.RoomMessageByID(ctx, lobby, bob, "1"); return err },
		"before":       func() error { _, err := s.RoomMessages(ctx, lobby, 1, portal.RoomPage{}); return err },
		"after":        func() error { _, err := s.RoomMessages(ctx, lobby, 1, portal.RoomPage{After: 1}); return err },
		"from":         func() error { _, err := s.RoomMessages(ctx, lobby, 1, portal.RoomPage{From: now}); return err },
		"pinned":       func() error { _, err := s.PinnedMessages(ctx, lobby, 1); return err },
		"read":         func() error { return s.MarkRoomRead(ctx, lobby, alice, 0, ev) },
		"find":         find(portal.HistoryQuery{Q: "text"}),
		"find when":    find(portal.HistoryQuery{Q: "text", From: now, To: now}),
		"rooms":        func() error { return s.LoadRooms(ctx, func(portal.Room) error { return nil }) },
		"members":      func() error { return s.LoadMembers(ctx, func(portal.Membership) error { return nil }) },
		"mentions":     func() error { return s.LoadMentions(ctx, func(_, _ portal.Address, _ int64) error { return nil }) },
		"words":        func() error { return s.LoadWords(ctx, func(portal.Address, []string) error { return nil }) },
		"put words":    func() error { return s.PutWords(ctx, alice, []string{"x"}) },
		"no words":     func() error { return s.PutWords(ctx, alice, nil) },
		"file":         func() error { _, _, _, _, err := s.File(ctx, lobby, "f"); return err },
		"blob":         func() error { _, err := s.BlobUsed(ctx, "blob"); return err },
		"put member":   func() error { return s.PutMember(ctx, lobbyMember("sip:new@example.test"), ev) },
		"events":       func() error { _, _, err := s.EventsSince(ctx, alice, 0, 1); return err },
		"put room":     func() error { return s.PutRoom(ctx, lobbyRoom(), "") },
		"other events": func() error { _, _, err := s.EventsSince(ctx, bob, 0, 500); return err },
	})
	must(t, change(func(m *portal.RoomMessage) { m.Reactions = nil })())
	everyCallQuery(t, s)
	must(t, change(func(m *portal.RoomMessage) {
		m.Text, m.DeletedAt, m.Files, m.Pinned, m.Reactions = "", now, nil, false, reaction
	})())
	must(t, s.DropMember(ctx, lobby, alice, ev))
	renamed := lobbyRoom()
	renamed.URI = "sip:hall@rooms.example.test"
	must(t, s.PutRoom(ctx, renamed, lobby, ev))
	for i := range 3 { // what the upkeep takes away
		m, _ := uttered(strconv.Itoa(i))
		m.Room = renamed.URI
		_, _, err := s.AddRoomMessage(ctx, m, nil)
		must(t, err)
	}
}

// waiting checks which files of who wait for their message.
func waiting(t *testing.T, s *storage.Store, who portal.Address, files int, size int64) {
	t.Helper()
	if n, of, err := s.WaitingFiles(t.Context(), who); err != nil || n != files || of != size {
		t.Errorf("%d files of %s with %d bytes wait: %v", n, who, of, err)
	}
}

// everyCallQuery calls what keeps the list of calls.
func everyCallQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	c := portal.Call{ID: "c", Owner: alice, Kind: portal.MissedCall, From: bob, CallID: "sip", Kept: portal.KeptWaiting}
	must(t, s.PutCall(ctx, c))
	calls(t, map[string]func() error{
		"of":     func() error { _, _, err := s.CallOf(ctx, alice, "sip"); return err },
		"last":   func() error { _, _, err := s.LastOf(ctx, alice, bob, portal.MissedCall); return err },
		"list":   func() error { _, _, err := s.Calls(ctx, alice, "", 1); return err },
		"see":    func() error { _, err := s.SeeCalls(ctx, alice, "", nil); return err },
		"see of": func() error { _, err := s.SeeCalls(ctx, alice, bob, nil); return err },
		"see by": func() error { _, err := s.SeeCalls(ctx, alice, "", []string{"c"}); return err },
		"unseen": func() error { _, err := s.Unseen(ctx, alice); return err },
		"due":    func() error { _, err := s.DueCalls(ctx, now, 1); return err },
		"kept":   func() error { return s.CallKept(ctx, portal.DueCall{Call: c}, portal.KeptThere, "i", now) },
		"tell":   func() error { return s.Tell(ctx) },
	})
	must(t, s.DeleteCall(ctx, alice, "c"))
}
