package rooms

// What the room stands on, as it calls it.

import (
	"context"
	"io"

	"portico/app/portal"
)

// Store keeps rooms. Each call that writes is one transaction; events reach the log in the same one. Events for
// a room's people have the room as their Audience: they are logged once, for whoever follows the room then.
type Store interface {
	// LoadRooms, LoadMembers and the like give everything there is, once at the start.
	LoadRooms(ctx context.Context, each func(portal.Room) error) error
	LoadMembers(ctx context.Context, each func(portal.Membership) error) error
	// LoadFormer gives the addresses that rooms had before, with the room's present one.
	LoadFormer(ctx context.Context, each func(former, room portal.Address) error) error
	// LoadMentions gives for each person and room the places of unread messages that name them, ascending.
	LoadMentions(ctx context.Context, each func(who, room portal.Address, place int64) error) error
	// LoadWords gives the words each person watches; PutWords replaces one person's.
	LoadWords(ctx context.Context, each func(who portal.Address, words []string) error) error
	PutWords(ctx context.Context, who portal.Address, words []string) error

	// CreateRoom stores a new room with its members; an error that means ErrConflict ("room.exists") where the address is taken.
	CreateRoom(ctx context.Context, r portal.Room, members []portal.Membership, evs ...portal.Addressed) error
	// PutRoom replaces a room's settings (not its counts). Renamed is its former address, where a group becomes a
	// lasting room under another one: everything of the room moves along, and the old address stays reserved.
	PutRoom(ctx context.Context, r portal.Room, renamed portal.Address, evs ...portal.Addressed) error
	// PutMember adds a member or replaces the membership; DropMember ends it. From then on (or until then) the room's
	// events are the member's too.
	PutMember(ctx context.Context, m portal.Membership, evs ...portal.Addressed) error
	DropMember(ctx context.Context, room, who portal.Address, evs ...portal.Addressed) error

	// AddRoomMessage gives m the next place and stores it once for its room, sender and id: a repeat gives the stored
	// one and created false, and appends no event. Place is filled also in a MessageEvent's Room among evs. Named are
	// the people whom it mentions; the sender's own read mark moves to it. Err that means ErrNotFound: no such room.
	AddRoomMessage(ctx context.Context, m portal.RoomMessage, named []portal.Address, evs ...portal.Addressed) (stored portal.RoomMessage, created bool, err error)
	// ChangeRoomMessage reads the message, lets change alter it (an error of change is given back and nothing is
	// written) and stores it with the next Version; events makes the events from what is stored then. More than
	// portal.MaxPins pinned messages: ErrConflict ("room.pins-many"). Mentions that are unread follow the message's. Both
	// functions run while the store writes: they do not block.
	ChangeRoomMessage(ctx context.Context, room portal.Address, place int64, change func(*portal.RoomMessage) error, events func(portal.RoomMessage) []portal.Addressed) (portal.RoomMessage, error)
	// RoomMessage is one message with its quote; ErrNotFound ("message.not-found").
	RoomMessage(ctx context.Context, room portal.Address, place int64) (portal.RoomMessage, error)
	RoomMessageByID(ctx context.Context, room, from portal.Address, id string) (portal.RoomMessage, error)
	// RoomMessages is a stretch, newest last, none below first; quotes, files and reactions are filled.
	RoomMessages(ctx context.Context, room portal.Address, first int64, page portal.RoomPage) ([]portal.RoomMessage, error)
	// PinnedMessages are a room's pinned ones, newest pin first.
	PinnedMessages(ctx context.Context, room portal.Address, first int64) ([]portal.RoomMessage, error)
	// MarkRoomRead moves a read mark forward and takes the mentions up to it away.
	MarkRoomRead(ctx context.Context, room, who portal.Address, upTo int64, evs ...portal.Addressed) error
	// SearchRooms finds messages in the rooms of spans, newest first, by the words of q.Q (see portal.HistoryQuery).
	SearchRooms(ctx context.Context, spans []portal.RoomSpan, q portal.HistoryQuery) (hits []portal.Hit, next string, err error)

	// AddFile notes a file that who has put into a room; blob is its name in Blobs. File finds one that belongs to a
	// message of the room or was put there by who and waits for its message.
	AddFile(ctx context.Context, room, who portal.Address, f portal.File, blob string) error
	// WaitingFiles counts those that who has put into any room and that belong to no message yet, with their bytes.
	WaitingFiles(ctx context.Context, who portal.Address) (files int, bytes int64, err error)
	File(ctx context.Context, room portal.Address, id string) (f portal.File, by portal.Address, place int64, blob string, err error)
}

// Blobs keeps the contents of files, by their content.
type Blobs interface {
	// Put reads at most max bytes (more: ErrInvalid, "file.too-large") and gives the content's name.
	Put(ctx context.Context, r io.Reader, max int64) (blob string, size int64, err error)
	Open(ctx context.Context, blob string) (io.ReadSeekCloser, error)
}

// Line is the way to the SIP server for rooms.
type Line interface {
	// SendFromRoom sends a MESSAGE from a room to somebody; outcome and errors are those of chat.Line.Send.
	SendFromRoom(ctx context.Context, room portal.Address, m portal.Outgoing) (portal.Outcome, error)
	// Send sends in a person's name; server rooms are joined and spoken to that way.
	Send(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error)
}
