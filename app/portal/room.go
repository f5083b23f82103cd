package portal

import "time"

// Limits on rooms.
const (
	// MaxRoomName is the longest name of a room (its user part and path segment) in bytes.
	MaxRoomName = 64
	// MaxRoomTitle and MaxRoomTopic are the longest title and topic in characters.
	MaxRoomTitle, MaxRoomTopic = 100, 1000
	// MaxReactions is how many different reactions one message may have.
	MaxReactions = 20
	// MaxReactors is how many people may react to one message with the same sign: each change tells everybody of them all.
	MaxReactors = 200
	// MaxPins is how many messages of a room may be pinned.
	MaxPins = 50
	// MaxWords is how many words a person may watch.
	MaxWords = 50
	// MaxFiles is how many files one message may carry.
	MaxFiles = 10
)

// RoomAccess says who may come in.
type RoomAccess string

// Open: anyone may find and join. Closed: anyone may find it, managers let people in. Secret: only members
// know that it is there.
const (
	RoomOpen   RoomAccess = "open"
	RoomClosed RoomAccess = "closed"
	RoomSecret RoomAccess = "secret"
)

// Valid reports whether a is one of the accesses above.
func (a RoomAccess) Valid() bool { return a == RoomOpen || a == RoomClosed || a == RoomSecret }

// RoomRole is what a member may do.
type RoomRole string

// A manager changes the room and its members; a presenter may speak in an auditorium; NoRole is no member.
const (
	NoRole        RoomRole = ""
	RoleMember    RoomRole = "member"
	RolePresenter RoomRole = "presenter"
	RoleManager   RoomRole = "manager"
)

// Valid reports whether r is a member's role.
func (r RoomRole) Valid() bool { return r == RoleMember || r == RolePresenter || r == RoleManager }

// RoomKind tells rooms by where they come from.
type RoomKind string

// A lasting room; a group that grew out of a conversation; a room that lives on the SIP server
// (Kamailio's imc), of which the portal keeps no members and no common log.
const (
	LastingRoom RoomKind = "room"
	GroupRoom   RoomKind = "group"
	ServerRoom  RoomKind = "server"
)

// WholeHistory as Room.HistoryDays lets newcomers read everything.
const WholeHistory = -1

// Room is a place where several people talk. It is named by a SIP address in the rooms' domain.
type Room struct {
	URI Address `json:"uri"`
	// Name is the address's user part and the room's path segment: lower-case letters, digits, "-", "_", ".".
	Name string `json:"name"`
	// Title is what people call it; of a group it may be empty: then its people are its title.
	Title  string     `json:"title"`
	Topic  string     `json:"topic,omitempty"`
	Kind   RoomKind   `json:"kind"`
	Access RoomAccess `json:"access"`
	// PresentersOnly makes it an auditorium: presenters and managers speak, members listen.
	PresentersOnly bool `json:"presenters_only,omitempty"`
	// HistoryDays is how much of what was said before they came newcomers may read: days back, zero for
	// nothing, WholeHistory for all.
	HistoryDays int  `json:"history_days"`
	Archived    bool `json:"archived,omitempty"`
	// Members is the number of members, Last the place of the newest message.
	Members   int       `json:"members"`
	Last      int64     `json:"last"`
	LastAt    time.Time `json:"last_at,omitzero"`
	CreatedBy Address   `json:"created_by,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Version grows with each change of the room itself (not of its messages or members).
	Version int64 `json:"version"`
}

// RoomNotify is of what a member is notified.
type RoomNotify string

// All messages, only mentions and watched words, or nothing.
const (
	NotifyAll      RoomNotify = "all"
	NotifyMentions RoomNotify = "mentions"
	NotifyNone     RoomNotify = "none"
)

// Valid reports whether n is one of the three above.
func (n RoomNotify) Valid() bool {
	return n == NotifyAll || n == NotifyMentions || n == NotifyNone
}

// Membership is one person's place in a room. A member follows the room.
type Membership struct {
	Room   Address    `json:"room"`
	Who    Address    `json:"uri"`
	Role   RoomRole   `json:"role"`
	Notify RoomNotify `json:"notify"`
	// SIP is set for somebody who joined with a SIP client of their own: the room's messages go to them as
	// MESSAGE too.
	SIP bool `json:"sip,omitempty"`
	// First is the place of the first message they may read.
	First int64 `json:"-"`
	// ReadUpTo is the place of the last message they have read.
	ReadUpTo int64     `json:"read_up_to"`
	JoinedAt time.Time `json:"joined_at"`
}

// RoomEntry is a room as one person sees it in a list.
type RoomEntry struct {
	Room
	// Mine is the person's membership; the zero value: they are no member.
	Mine Membership `json:"mine,omitzero"`
	// Unread counts messages beyond the read mark, Mentions those of them that name the person or a word they watch.
	Unread   int          `json:"unread"`
	Mentions int          `json:"mentions"`
	Newest   *RoomMessage `json:"last_message,omitempty"`
	// With are some of a group's people, by which it is called where it has no title.
	With []Address `json:"with,omitempty"`
}

// RoomMessage is something said in a room. All members see the same one.
type RoomMessage struct {
	Room Address `json:"conversation"`
	// Place numbers the room's messages 1, 2, 3 … without gaps; it is the room's one order and the cursor for paging.
	Place int64 `json:"place"`
	// ID is the sender's name for it, unique for that sender in the room.
	ID   string    `json:"id"`
	From Address   `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	// Replies is the place of the message that this one answers; zero: none. Quote is its beginning, filled on reading.
	Replies int64      `json:"reply_to,omitempty"`
	Quote   *RoomQuote `json:"quote,omitempty"`
	// EditedAt is set where the text was changed; DeletedAt and DeletedBy where it was taken back: then Text,
	// Files and Reactions are empty.
	EditedAt  time.Time `json:"edited_at,omitzero"`
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	DeletedBy Address   `json:"deleted_by,omitempty"`
	Pinned    bool      `json:"pinned,omitempty"`
	// Mentions are the members named in the text; MentionsAll: "@all" by a manager.
	Mentions    []Address  `json:"mentions,omitempty"`
	MentionsAll bool       `json:"mentions_all,omitempty"`
	Files       []File     `json:"files,omitempty"`
	Reactions   []Reaction `json:"reactions,omitempty"`
	// Version grows with each change of the message: 1 when it is said.
	Version int64 `json:"version"`
}

// RoomQuote is the message that another one answers, in short.
type RoomQuote struct {
	Place int64   `json:"place"`
	From  Address `json:"from"`
	// Text is at most 200 characters; empty where the message was taken back.
	Text string `json:"text"`
}

// Reaction is what people put under a message.
type Reaction struct {
	// Sign is one emoji (a grapheme cluster of at most 32 bytes).
	Sign string    `json:"sign"`
	By   []Address `json:"by"`
}

// File is something that was put into a room.
type File struct {
	// ID names the file in its room; it is not guessable.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Type is the media type found out from the content, never what the sender says; Size is in bytes.
	Type string `json:"type"`
	Size int64  `json:"size"`
	// Width and Height are in pixels, of pictures that the page may show; zero for all else.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// RoomDraft is a room that is to be made.
type RoomDraft struct {
	// Name may be empty: it is made of the title.
	Name, Title, Topic string
	Kind               RoomKind   // empty: LastingRoom
	Access             RoomAccess // empty: RoomOpen
	PresentersOnly     bool
	HistoryDays        int
	Members            []Address
}

// RoomChange is what is to be changed of a room; nil leaves a thing as it is.
type RoomChange struct {
	Title, Topic   *string
	Access         *RoomAccess
	PresentersOnly *bool
	HistoryDays    *int
	Archived       *bool
	// Lasting makes a group a lasting room; Name is its name then.
	Lasting *bool
	Name    *string
	// Version is the one that the change is based on; zero: any. A stale one is ErrConflict.
	Version int64
}

// RoomSaying is a message that is to be said in a room.
type RoomSaying struct {
	ID      string
	Text    string
	Replies int64
	// Files are ids of files that the sender has put there before.
	Files []string
}

// RoomPage says which stretch of a room's messages is wanted; the first that is set counts, none means the newest.
type RoomPage struct {
	// Before and After are places that are not part of the stretch; Around one that is in its middle.
	Before, After, Around int64
	// From is an instant: the stretch begins with the first message at or after it.
	From  time.Time
	Limit int
}

// RoomIncoming is a MESSAGE that arrived for a room.
type RoomIncoming struct {
	Room, From Address
	// ID is as in Incoming.
	ID   string
	Text string
	At   time.Time
}

// RoomEvent: something about a room changed, or about one of its messages.
type RoomEvent struct {
	// ID is the room.
	ID     Address `json:"id"`
	Change Change  `json:"change"`
	// What is one of the words below.
	What string `json:"what"`
	// Place names the message that changed; Message is what it is now. Both empty where What is not RoomMessageChanged.
	Place   int64        `json:"place,omitempty"`
	Message *RoomMessage `json:"message,omitempty"`
	// Who is the member that came, went or got another role, and the role they have now.
	Who  Address  `json:"who,omitempty"`
	Role RoomRole `json:"role,omitempty"`
	// By is whose doing it was.
	By Address `json:"by,omitempty"`
}

// What a RoomEvent is about.
const (
	// RoomSettings: title, topic, access, archived …, also that the room was made or is gone.
	RoomSettings = "settings"
	// RoomMembers: somebody came, went or got another role.
	RoomMembers = "members"
	// RoomMessageChanged: edited, deleted, pinned or not any more, reactions.
	RoomMessageChanged = "message"
	// RoomRead: the person's own read mark, or of what they are notified, moved at another browser.
	RoomRead = "read"
)

// Name is the event's name on the wire.
func (RoomEvent) Name() string { return "room" }

func (RoomEvent) durable() {}

// RoomSpan is as much of a room as somebody may read: everything from the place First on.
type RoomSpan struct {
	Room  Address
	First int64
}
