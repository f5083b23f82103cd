package portal

import "time"

// EpisodeKind tells what an entry of the history is a stretch of.
type EpisodeKind string

// A conversation of two, an ad-hoc group, a lasting room, a room of the SIP server; EpisodeForeign is an item
// of Exchange's Conversation History that another program wrote.
const (
	EpisodeIM      EpisodeKind = "im"
	EpisodeGroup   EpisodeKind = "group"
	EpisodeRoom    EpisodeKind = "room"
	EpisodeForeign EpisodeKind = "exchange"
)

// KeptState is whether an episode is in Exchange's Conversation History.
type KeptState string

// Nothing to say; it waits to be written (resting, or Exchange is away); it is there as it is here; it was
// refused for good.
const (
	KeptNot     KeptState = ""
	KeptWaiting KeptState = "waiting"
	KeptThere   KeptState = "kept"
	KeptRefused KeptState = "refused"
)

// Episode is one stretch of a conversation without a long pause: a line of the history, and one item of
// Exchange's Conversation History.
type Episode struct {
	// ID is opaque and stable; of a foreign item it begins with "x-".
	ID    string      `json:"id"`
	Owner Address     `json:"-"`
	Kind  EpisodeKind `json:"kind"`
	// Conversation is the other person, the group or the room; empty for a foreign item whose people are not known by address.
	Conversation Address `json:"conversation,omitempty"`
	// With are the people in it but the owner, as far as known; Names stand for those without an address.
	With  []Address `json:"with,omitempty"`
	Names []string  `json:"names,omitempty"`
	// Subject is a foreign item's subject; of one's own the beginning of what was said first.
	Subject string    `json:"subject"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	// First and Last are the Order (or, in rooms, the Place) of its messages.
	First    int64 `json:"first,omitempty"`
	Last     int64 `json:"last,omitempty"`
	Messages int   `json:"messages"`
	// Kept tells of Exchange, Reason is the catalogue key where it was refused.
	Kept   KeptState `json:"kept,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Missed is set where the owner was away when it began and has not read it.
	Missed bool `json:"missed,omitempty"`
	// Held is set in an administrator's export of somebody under hold: then former texts are among its messages.
	Held bool `json:"-"`
	// HTML is a foreign item's text, cleaned; filled when one is opened.
	HTML string `json:"html,omitempty"`
}

// HistoryQuery is what is looked for; empty members do not narrow it down.
type HistoryQuery struct {
	// Q are words, all of which one message must have; "quoted words" stand together; the last may be the beginning of a word.
	Q string
	// Peer is the other person or the room, From and To bound the time (To is not part of it).
	Peer     Address
	From, To time.Time
	Kind     EpisodeKind
	// Cursor goes on where a page ended; Limit is 50 where zero, at most 200.
	Cursor string
	Limit  int
}

// Hit is a message that was found.
type Hit struct {
	Conversation Address   `json:"conversation"`
	Episode      string    `json:"episode,omitempty"`
	From         Address   `json:"from"`
	At           time.Time `json:"at"`
	// Order is its cursor: Message.Order, or RoomMessage.Place where Room is set.
	Order int64 `json:"order"`
	Room  bool  `json:"room,omitempty"`
	// Parts is the text around what was found, cut in pieces: found ones and those between.
	Parts []HitPart `json:"parts"`
}

// HitPart is a piece of a found text.
type HitPart struct {
	Text  string `json:"text"`
	Found bool   `json:"found,omitempty"`
}

// HistoryPage is a page of the history, newest first: Episodes where nothing was searched for, else Hits.
type HistoryPage struct {
	Episodes []Episode `json:"episodes"`
	Hits     []Hit     `json:"hits,omitempty"`
	// Next is the cursor to the next page; empty: there is none.
	Next string `json:"next,omitempty"`
	// Away is set where Exchange could not be asked: what other programs keep there is missing.
	Away bool `json:"away,omitempty"`
}

// Line is one message of an opened episode.
type Line struct {
	From  Address   `json:"from"`
	Name  string    `json:"name,omitempty"` // of somebody without an address
	At    time.Time `json:"at"`
	Text  string    `json:"text"`
	Order int64     `json:"order"`
	Files []File    `json:"files,omitempty"`
}

// Transcript is an opened episode.
type Transcript struct {
	Episode
	Lines []Line `json:"lines"`
}

// Hold keeps what a person said and heard, whatever they or retention delete.
type Hold struct {
	Who    Address   `json:"uri"`
	Reason string    `json:"reason"`
	By     Address   `json:"by"`
	At     time.Time `json:"at"`
}

// Saving is what policy and the person say about keeping conversations and calls.
type Saving struct {
	// History and Calls: kept in Exchange. HistoryDecided and CallsDecided: policy decides, the person cannot change it.
	History, HistoryDecided bool
	Calls, CallsDecided     bool
	// Forbidden: policy forbids keeping conversations at all (DisableSavingIM): the archive is not shown, nothing goes to Exchange, and
	// what is said is forgotten once it is over and read.
	Forbidden bool
}

// ConversationNote is an item of Exchange's Conversation History, or a missed call or conversation, as it is written or read.
type ConversationNote struct {
	// ItemID and ChangeKey are Exchange's; empty for one that is not there yet.
	ItemID, ChangeKey string
	// Class is the item class: see the constants of call.go.
	Class string
	// Stamp is our own name for it (an extended property): by it a repeat finds what it has written.
	Stamp   string
	Subject string
	// HTML is the body.
	HTML string
	// From and To are e-mail addresses with names.
	From  NoteParty
	To    []NoteParty
	Start time.Time
	End   time.Time
	Read  bool
	// Phone is a caller's number.
	Phone string
}

// NoteParty is somebody in a ConversationNote.
type NoteParty struct {
	Name, Email string
}

// HistoryNote is an episode that is to be written to Exchange, or whose item there is to be deleted.
type HistoryNote struct {
	Episode
	// Stamp is our own name for the item; it is the same for ever.
	Stamp string
	// ItemID and ChangeKey are those of the item that is there already; Begun is set where one may be there although its
	// ItemID is not known. Tries is how often it failed; Revision tells what changed while it was written.
	ItemID, ChangeKey string
	Begun             bool
	Tries             int
	Revision          int64
	// Skip are stretches of messages that were said while nothing was to be kept: they are left out.
	Skip []OrderRange
	// Gone: the episode was deleted, and so is the item to be.
	Gone bool
}

// OrderRange is a stretch of messages by their Order, both ends included.
type OrderRange struct {
	First, Last int64
}

// HistoryExport is a line of the record of administrators' exports, and of the holds they set and lifted.
type HistoryExport struct {
	// Number names the line; zero for one that is not there yet.
	Number int64     `json:"-"`
	At     time.Time `json:"at"`
	By     Address   `json:"by"`
	// Who is whose archive it was.
	Who Address `json:"who"`
	// What is one of the words below.
	What     string    `json:"what"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	Format   string    `json:"format,omitempty"`
	Messages int       `json:"messages,omitempty"`
	Reason   string    `json:"reason"`
}

// What a HistoryExport tells of.
const (
	HistoryExported = "export"
	HistoryHeld     = "hold"
	HistoryReleased = "release"
)
