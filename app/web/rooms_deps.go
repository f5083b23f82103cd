package web

import (
	"context"
	"io"

	"portico/app/policy"
	"portico/app/portal"
)

// Rooms are where several people talk. who is whose request it is; a room that who may not know of is ErrNotFound.
type Rooms interface {
	// Mine are the rooms who follows, those with news first; Find those to find and join; Get is one as who sees it.
	Mine(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error)
	Find(ctx context.Context, who portal.Address, q string, limit int) ([]portal.RoomEntry, error)
	Get(ctx context.Context, who, room portal.Address) (portal.RoomEntry, error)
	// Address gives the address of a room by its name or URI; IsRoom reports whether an address is one of a room.
	Address(name string) (portal.Address, error)
	IsRoom(a portal.Address) bool
	Rights(entry portal.RoomEntry, who portal.Address) policy.RoomRights

	Create(ctx context.Context, who portal.Address, d portal.RoomDraft) (portal.RoomEntry, error)
	Change(ctx context.Context, who, room portal.Address, c portal.RoomChange) (portal.RoomEntry, error)
	// Group makes a group of the conversation with from, which may be empty, and the people of with.
	Group(ctx context.Context, who, from portal.Address, with []portal.Address) (portal.RoomEntry, error)
	Join(ctx context.Context, who, room portal.Address) (portal.RoomEntry, error)
	Leave(ctx context.Context, who, room portal.Address) error
	Members(ctx context.Context, who, room portal.Address, q string, after portal.Address, limit int) ([]portal.Membership, error)
	PutMember(ctx context.Context, who, room, member portal.Address, role portal.RoomRole) error
	RemoveMember(ctx context.Context, who, room, member portal.Address) error

	Say(ctx context.Context, who, room portal.Address, d portal.RoomSaying) (portal.RoomMessage, error)
	Edit(ctx context.Context, who, room portal.Address, place int64, text string) (portal.RoomMessage, error)
	Delete(ctx context.Context, who, room portal.Address, place int64) error
	React(ctx context.Context, who, room portal.Address, place int64, sign string, on bool) error
	Pin(ctx context.Context, who, room portal.Address, place int64, on bool) error
	Messages(ctx context.Context, who, room portal.Address, page portal.RoomPage) ([]portal.RoomMessage, error)
	Message(ctx context.Context, who, room portal.Address, place int64) (portal.RoomMessage, error)
	Pinned(ctx context.Context, who, room portal.Address) ([]portal.RoomMessage, error)
	// Search finds messages in one room, or with an empty address in all of who's.
	Search(ctx context.Context, who, room portal.Address, q portal.HistoryQuery) (hits []portal.Hit, next string, err error)

	// MarkRead moves the read mark to a place, zero: to the end. ReadBy names at most 100 who have read a message, and how many have.
	MarkRead(ctx context.Context, who, room portal.Address, place int64) error
	ReadBy(ctx context.Context, who, room portal.Address, place int64) (by []portal.Address, total int, err error)
	Notify(ctx context.Context, who, room portal.Address, n portal.RoomNotify) error
	Words(ctx context.Context, who portal.Address) ([]string, error)
	SetWords(ctx context.Context, who portal.Address, words []string) error
	Typing(who, room portal.Address, on bool)

	Upload(ctx context.Context, who, room portal.Address, name string, r io.Reader) (portal.File, error)
	OpenFile(ctx context.Context, who, room portal.Address, id string) (portal.File, io.ReadSeekCloser, error)

	// ServerRooms are those that live on the SIP server; people talk in them as in any conversation.
	ServerRooms(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error)
	JoinServer(ctx context.Context, who, room portal.Address) error
	LeaveServer(ctx context.Context, who, room portal.Address) error
	IsServerRoom(a portal.Address) bool
}

// isRoom reports whether an address is one of a room of this portal.
func (s *Server) isRoom(a portal.Address) bool { return s.Rooms != nil && s.Rooms.IsRoom(a) }
