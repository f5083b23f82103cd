package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// RoomStore is what the rooms ask of storage.
type RoomStore interface {
	LoadRooms(ctx context.Context, each func(portal.Room) error) error
	LoadMembers(ctx context.Context, each func(portal.Membership) error) error
	LoadMentions(ctx context.Context, each func(who, room portal.Address, place int64) error) error
	LoadWords(ctx context.Context, each func(who portal.Address, words []string) error) error
	PutWords(ctx context.Context, who portal.Address, words []string) error
	CreateRoom(ctx context.Context, r portal.Room, members []portal.Membership, evs ...portal.Addressed) error
	PutRoom(ctx context.Context, r portal.Room, renamed portal.Address, evs ...portal.Addressed) error
	PutMember(ctx context.Context, m portal.Membership, evs ...portal.Addressed) error
	DropMember(ctx context.Context, room, who portal.Address, evs ...portal.Addressed) error
	AddRoomMessage(ctx context.Context, m portal.RoomMessage, named []portal.Address, evs ...portal.Addressed) (portal.RoomMessage, bool, error)
	ChangeRoomMessage(ctx context.Context, room portal.Address, place int64, change func(*portal.RoomMessage) error, events func(portal.RoomMessage) []portal.Addressed) (portal.RoomMessage, error)
	RoomMessage(ctx context.Context, room portal.Address, place int64) (portal.RoomMessage, error)
	RoomMessageByID(ctx context.Context, room, from portal.Address, id string) (portal.RoomMessage, error)
	RoomMessages(ctx context.Context, room portal.Address, first int64, page portal.RoomPage) ([]portal.RoomMessage, error)
	PinnedMessages(ctx context.Context, room portal.Address, first int64) ([]portal.RoomMessage, error)
	MarkRoomRead(ctx context.Context, room, who portal.Address, upTo int64, evs ...portal.Addressed) error
	SearchRooms(ctx context.Context, spans []portal.RoomSpan, q portal.HistoryQuery) ([]portal.Hit, string, error)
	AddFile(ctx context.Context, room, who portal.Address, f portal.File, blob string) error
	File(ctx context.Context, room portal.Address, id string) (portal.File, portal.Address, int64, string, error)
	BlobUsed(ctx context.Context, blob string) (bool, error)
}

// rooms of the tests.
const (
	lobby = portal.Address("sip:lobby@rooms.example.test")
	trio  = portal.Address("sip:g-1@rooms.example.test")
)

func room(uri portal.Address) portal.Room {
	return portal.Room{URI: uri, Name: "name", Title: "Title of " + string(uri), Topic: "Topic", Kind: portal.LastingRoom, Access: portal.RoomClosed,
		PresentersOnly: true, HistoryDays: portal.WholeHistory, CreatedBy: alice, CreatedAt: noon(), Version: 1}
}

func member(uri, who portal.Address) portal.Membership {
	return portal.Membership{Room: uri, Who: who, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 1, JoinedAt: noon()}
}

// made is a room with some people in it.
func made(t *testing.T, s Store, uri portal.Address, people ...portal.Address) {
	t.Helper()
	var list []portal.Membership
	for _, who := range people {
		list = append(list, member(uri, who))
	}
	must(t, s.CreateRoom(deadline(t), room(uri), list))
}

// roomEvent is an event for everyone in a room.
func roomEvent(uri portal.Address, what string) portal.Addressed {
	return portal.Addressed{Audience: uri, Event: portal.RoomEvent{ID: uri, Change: portal.Updated, What: what}}
}

// utterance is bob's n-th message in a room.
func utterance(uri portal.Address, n int) portal.RoomMessage {
	return portal.RoomMessage{Room: uri, ID: fmt.Sprintf("u%d", n), From: bob, Text: fmt.Sprintf("text %d", n), At: noon().Add(time.Duration(n) * time.Minute)}
}

// aboutRoom is the event that goes with a message of a room.
func aboutRoom(m portal.RoomMessage, people ...portal.Address) portal.Addressed {
	return portal.Addressed{For: people, Audience: m.Room, Event: portal.MessageEvent{Conversation: m.Room, ID: m.ID, From: m.From, Text: m.Text, At: m.At, Room: &m}}
}

// utter stores a message with its event.
func utter(t *testing.T, s Store, m portal.RoomMessage, named ...portal.Address) portal.RoomMessage {
	t.Helper()
	stored, created, err := s.AddRoomMessage(deadline(t), m, named, aboutRoom(m))
	must(t, err)
	if !created {
		t.Fatalf("message %s was there already", m.ID)
	}
	return stored
}

func loadRooms(t *testing.T, s Store) map[portal.Address]portal.Room {
	t.Helper()
	all := map[portal.Address]portal.Room{}
	must(t, s.LoadRooms(deadline(t), func(r portal.Room) error {
		all[r.URI] = r
		return nil
	}))
	return all
}

func loadMembers(t *testing.T, s Store) map[[2]portal.Address]portal.Membership {
	t.Helper()
	all := map[[2]portal.Address]portal.Membership{}
	must(t, s.LoadMembers(deadline(t), func(m portal.Membership) error {
		all[[2]portal.Address{m.Room, m.Who}] = m
		return nil
	}))
	return all
}

func testRooms(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	r := room(lobby)
	r.Members, r.Last, r.LastAt = 99, 99, noon() // counts are the store's own
	must(t, s.CreateRoom(ctx, r, []portal.Membership{member(lobby, alice), member("elsewhere", bob)}))
	wantMeaning(t, s.CreateRoom(ctx, room(lobby), nil), portal.ErrConflict)
	r.Members, r.Last, r.LastAt = 2, 0, time.Time{}
	if got := loadRooms(t, s); !reflect.DeepEqual(got, map[portal.Address]portal.Room{lobby: r}) {
		t.Errorf("rooms %+v, want %+v", got, r)
	}
	said := utter(t, s, utterance(lobby, 1))
	r.Title, r.Topic, r.Access, r.PresentersOnly, r.HistoryDays, r.Archived, r.Version = "T", "", portal.RoomSecret, false, 7, true, 2
	changed := r
	changed.Members, changed.CreatedBy, changed.CreatedAt = 0, "", time.Time{} // these stay
	must(t, s.PutRoom(ctx, changed, ""))
	r.Last, r.LastAt = said.Place, said.At
	if got := loadRooms(t, s)[lobby]; !reflect.DeepEqual(got, r) {
		t.Errorf("changed room %+v, want %+v", got, r)
	}
	wantMeaning(t, s.PutRoom(ctx, room(trio), ""), portal.ErrNotFound)
	for _, bad := range []portal.Room{{}, {URI: trio}, {URI: trio, Kind: portal.GroupRoom, Access: "?"}} {
		wantMeaning(t, s.CreateRoom(ctx, bad, nil), portal.ErrInvalid)
		wantMeaning(t, s.PutRoom(ctx, bad, ""), portal.ErrInvalid)
	}
	bad := member(trio, carol)
	bad.Role = portal.NoRole
	wantMeaning(t, s.CreateRoom(ctx, room(trio), []portal.Membership{bad}), portal.ErrInvalid)
	if len(loadRooms(t, s)) != 1 {
		t.Error("a room with a member who cannot be one was made")
	}
	enough := errors.New("enough")
	if err := s.LoadRooms(ctx, func(portal.Room) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("loading ended with %v", err)
	}
}

// testRoomRenamed: a group becomes a lasting room under another address, with everything that is its own.
func testRoomRenamed(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, trio, alice, bob)
	utter(t, s, utterance(trio, 1), alice)
	before, err := s.EventHead(ctx)
	must(t, err)
	r := room(lobby)
	must(t, s.PutRoom(ctx, r, trio, roomEvent(trio, portal.RoomSettings), roomEvent(lobby, portal.RoomSettings)))
	if got := loadRooms(t, s); len(got) != 1 || got[lobby].Last != 1 || got[lobby].Members != 2 {
		t.Errorf("rooms %+v", got)
	}
	if m, err := s.RoomMessage(ctx, lobby, 1); err != nil || m.Room != lobby || m.Text != "text 1" {
		t.Errorf("message %+v, %v", m, err)
	}
	_, err = s.RoomMessage(ctx, trio, 1)
	wantMeaning(t, err, portal.ErrNotFound)
	if _, there := loadMembers(t, s)[[2]portal.Address{lobby, alice}]; !there {
		t.Error("alice is no member any more")
	}
	utter(t, s, utterance(lobby, 2))
	// Whoever followed hears of all of it, under the one address and the other, each once.
	if evs := all(t, s, alice, before); len(evs) != 3 {
		t.Errorf("alice was told %+v", evs)
	}
	if evs := all(t, s, alice, 0); len(evs) != 4 {
		t.Errorf("alice was told %d in all", len(evs))
	}
	wantMeaning(t, s.CreateRoom(ctx, room(trio), nil), portal.ErrConflict) // the former address stays reserved
	made(t, s, "sip:other@rooms.example.test", carol)
	wantMeaning(t, s.PutRoom(ctx, room(trio), "sip:other@rooms.example.test"), portal.ErrConflict)
	wantMeaning(t, s.PutRoom(ctx, room("sip:other@rooms.example.test"), lobby), portal.ErrConflict)
	wantMeaning(t, s.PutRoom(ctx, room("sip:new@rooms.example.test"), "sip:none@rooms.example.test"), portal.ErrNotFound)
	// It may have its own former address back.
	must(t, s.PutRoom(ctx, room(trio), lobby, roomEvent(trio, portal.RoomSettings)))
	if evs := all(t, s, alice, 0); len(evs) != 5 {
		t.Errorf("alice was told %d after it moved back", len(evs))
	}
	wantMeaning(t, s.CreateRoom(ctx, room(lobby), nil), portal.ErrConflict)
}

func testRoomMembers(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice)
	m := portal.Membership{Room: lobby, Who: carol, Role: portal.RolePresenter, Notify: portal.NotifyMentions, SIP: true, First: 5, ReadUpTo: 7, JoinedAt: noon()}
	must(t, s.PutMember(ctx, m))
	key := [2]portal.Address{lobby, carol}
	if got := loadMembers(t, s); len(got) != 2 || !reflect.DeepEqual(got[key], m) || loadRooms(t, s)[lobby].Members != 2 {
		t.Errorf("members %+v", got)
	}
	m.Role, m.Notify, m.SIP, m.First, m.ReadUpTo = portal.RoleManager, portal.NotifyNone, false, 2, 3
	must(t, s.PutMember(ctx, m))
	m.ReadUpTo = 7 // never back
	if got := loadMembers(t, s); !reflect.DeepEqual(got[key], m) || loadRooms(t, s)[lobby].Members != 2 {
		t.Errorf("changed %+v", got[key])
	}
	for range 2 { // whoever is gone can go again
		must(t, s.DropMember(ctx, lobby, carol))
	}
	if got := loadMembers(t, s); len(got) != 1 || loadRooms(t, s)[lobby].Members != 1 {
		t.Errorf("after carol went: %+v", got)
	}
	wantMeaning(t, s.PutMember(ctx, member(trio, carol)), portal.ErrNotFound)
	wantMeaning(t, s.DropMember(ctx, trio, carol), portal.ErrNotFound)
	for _, bad := range []portal.Membership{{Room: lobby, Who: bob, Role: portal.RoleMember}, {Room: lobby, Who: bob, Notify: portal.NotifyAll},
		{Room: lobby, Role: portal.RoleMember, Notify: portal.NotifyAll}} {
		wantMeaning(t, s.PutMember(ctx, bad), portal.ErrInvalid)
	}
}

func testRoomWords(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	want := map[portal.Address][]string{alice: {"budget", "größe", "two words"}, bob: {"x"}}
	for who, words := range want {
		must(t, s.PutWords(ctx, who, []string{"before"}))
		must(t, s.PutWords(ctx, who, words))
	}
	must(t, s.PutWords(ctx, carol, []string{"gone"}))
	must(t, s.PutWords(ctx, carol, nil))
	got := map[portal.Address][]string{}
	must(t, s.LoadWords(ctx, func(who portal.Address, words []string) error {
		got[who] = slices.Clone(words)
		return nil
	}))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("words %v", got)
	}
	wantMeaning(t, s.PutWords(ctx, alice, []string{"a\nb"}), portal.ErrInvalid)
	wantMeaning(t, s.PutWords(ctx, alice, []string{""}), portal.ErrInvalid)
}
