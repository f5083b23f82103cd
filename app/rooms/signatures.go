package rooms

// The service's methods, as far as their bodies are not there yet.

import (
	"context"
	"io"

	"portico/app/policy"
	"portico/app/portal"
)

func unbuilt() error { return portal.Fail(portal.ErrUnavailable, "unavailable") }

// Load reads all rooms and members; once, before anything is served.
func (s *Service) Load(ctx context.Context) error { return nil }

// Mine gives the rooms who follows, those with news first, then by their last message.
func (s *Service) Mine(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error) {
	return nil, unbuilt()
}

// Find gives the rooms to find and join.
func (s *Service) Find(ctx context.Context, who portal.Address, q string, limit int) ([]portal.RoomEntry, error) {
	return nil, unbuilt()
}

// Get gives one room as who sees it.
func (s *Service) Get(ctx context.Context, who, room portal.Address) (portal.RoomEntry, error) {
	return portal.RoomEntry{}, unbuilt()
}

// Address gives the address of a room by its name or URI.
func (s *Service) Address(name string) (portal.Address, error) { return "", unbuilt() }

// Rights says what who may do in a room.
func (s *Service) Rights(entry portal.RoomEntry, who portal.Address) policy.RoomRights {
	return policy.RightsIn(entry.Room, entry.Mine)
}

// Create makes a room.
func (s *Service) Create(ctx context.Context, who portal.Address, d portal.RoomDraft) (portal.RoomEntry, error) {
	return portal.RoomEntry{}, unbuilt()
}

// Change changes a room.
func (s *Service) Change(ctx context.Context, who, room portal.Address, c portal.RoomChange) (portal.RoomEntry, error) {
	return portal.RoomEntry{}, unbuilt()
}

// Group makes a group.
func (s *Service) Group(ctx context.Context, who, from portal.Address, with []portal.Address) (portal.RoomEntry, error) {
	return portal.RoomEntry{}, unbuilt()
}

// Join lets who come in.
func (s *Service) Join(ctx context.Context, who, room portal.Address) (portal.RoomEntry, error) {
	return portal.RoomEntry{}, unbuilt()
}

// Leave lets who go.
func (s *Service) Leave(ctx context.Context, who, room portal.Address) error { return unbuilt() }

// Members gives a page of the room's people.
func (s *Service) Members(ctx context.Context, who, room portal.Address, q string, after portal.Address, limit int) ([]portal.Membership, error) {
	return nil, unbuilt()
}

// PutMember adds somebody or gives them another role.
func (s *Service) PutMember(ctx context.Context, who, room, member portal.Address, role portal.RoomRole) error {
	return unbuilt()
}

// RemoveMember takes somebody out.
func (s *Service) RemoveMember(ctx context.Context, who, room, member portal.Address) error {
	return unbuilt()
}

// Say says something.
func (s *Service) Say(ctx context.Context, who, room portal.Address, d portal.RoomSaying) (portal.RoomMessage, error) {
	return portal.RoomMessage{}, unbuilt()
}

// Edit changes a text.
func (s *Service) Edit(ctx context.Context, who, room portal.Address, place int64, text string) (portal.RoomMessage, error) {
	return portal.RoomMessage{}, unbuilt()
}

// Delete takes a message back.
func (s *Service) Delete(ctx context.Context, who, room portal.Address, place int64) error {
	return unbuilt()
}

// React puts a sign under a message or takes it away.
func (s *Service) React(ctx context.Context, who, room portal.Address, place int64, sign string, on bool) error {
	return unbuilt()
}

// Pin pins a message or takes the pin off.
func (s *Service) Pin(ctx context.Context, who, room portal.Address, place int64, on bool) error {
	return unbuilt()
}

// Messages gives a stretch of messages, newest last.
func (s *Service) Messages(ctx context.Context, who, room portal.Address, page portal.RoomPage) ([]portal.RoomMessage, error) {
	return nil, unbuilt()
}

// Message gives one message.
func (s *Service) Message(ctx context.Context, who, room portal.Address, place int64) (portal.RoomMessage, error) {
	return portal.RoomMessage{}, unbuilt()
}

// Pinned gives the pinned messages, newest pin first.
func (s *Service) Pinned(ctx context.Context, who, room portal.Address) ([]portal.RoomMessage, error) {
	return nil, unbuilt()
}

// Search finds messages in one room, or in all of who's.
func (s *Service) Search(ctx context.Context, who, room portal.Address, q portal.HistoryQuery) (hits []portal.Hit, next string, err error) {
	return nil, "", unbuilt()
}

// MarkRead moves who's read mark; place 0: all.
func (s *Service) MarkRead(ctx context.Context, who, room portal.Address, place int64) error {
	return unbuilt()
}

// ReadBy tells who has read a message: at most 100 of them, and how many.
func (s *Service) ReadBy(ctx context.Context, who, room portal.Address, place int64) (by []portal.Address, total int, err error) {
	return nil, 0, unbuilt()
}

// Notify sets of what who is notified.
func (s *Service) Notify(ctx context.Context, who, room portal.Address, n portal.RoomNotify) error {
	return unbuilt()
}

// Words gives the words who watches.
func (s *Service) Words(ctx context.Context, who portal.Address) ([]string, error) {
	return nil, unbuilt()
}

// SetWords replaces them.
func (s *Service) SetWords(ctx context.Context, who portal.Address, words []string) error {
	return unbuilt()
}

// Typing tells the others that who types, or has stopped.
func (s *Service) Typing(who, room portal.Address, on bool) {}

// Unread counts who's unread messages and mentions, by room.
func (s *Service) Unread(ctx context.Context, who portal.Address) (unread, mentions map[portal.Address]int, err error) {
	return nil, nil, unbuilt()
}

// Spans are the rooms who may read, and from where on.
func (s *Service) Spans(who portal.Address) []portal.RoomSpan { return nil }

// Upload keeps a file.
func (s *Service) Upload(ctx context.Context, who, room portal.Address, name string, r io.Reader) (portal.File, error) {
	return portal.File{}, unbuilt()
}

// OpenFile gives a file and its content.
func (s *Service) OpenFile(ctx context.Context, who, room portal.Address, id string) (portal.File, io.ReadSeekCloser, error) {
	return portal.File{}, nil, unbuilt()
}

// Receive takes a MESSAGE for a room.
func (s *Service) Receive(ctx context.Context, in portal.RoomIncoming) error { return unbuilt() }

// IsRoom reports whether a is in the rooms' domain.
func (s *Service) IsRoom(a portal.Address) bool { return a != "" && a.Domain() == s.o.Domain }

// ServerRooms lists the rooms of the SIP server.
func (s *Service) ServerRooms(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error) {
	return nil, unbuilt()
}

// JoinServer joins one of them.
func (s *Service) JoinServer(ctx context.Context, who, room portal.Address) error { return unbuilt() }

// LeaveServer leaves one of them.
func (s *Service) LeaveServer(ctx context.Context, who, room portal.Address) error { return unbuilt() }

// IsServerRoom reports whether a is a room of the SIP server.
func (s *Service) IsServerRoom(a portal.Address) bool { return false }

// ReceiveServer takes what such a room sent to one of the portal's people.
func (s *Service) ReceiveServer(ctx context.Context, in portal.Incoming) error { return unbuilt() }
