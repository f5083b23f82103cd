package portal

import "time"

// Limits on what a person can say.
const (
	// MaxTextLen is the longest text of one message in bytes.
	MaxTextLen = 8000
	// MaxIDLen is the longest message id in characters.
	MaxIDLen = 64
	// MaxNoteLen is the longest presence note in characters.
	MaxNoteLen = 500
)

// State is where a message is on its way, from the sender's point of view.
type State string

// A message's states. Pending is on disk but not yet answered by the server; Received is the state of
// the recipient's copy.
const (
	Pending   State = "pending"
	Sent      State = "sent"
	Stored    State = "stored"
	Delivered State = "delivered"
	Read      State = "read"
	Failed    State = "failed"
	Received  State = "received"
)

// rank orders the states; a later news never takes a message back to a lower one.
var rank = map[State]int{Pending: 0, Failed: 1, Sent: 2, Stored: 3, Delivered: 4, Read: 5}

// Supersedes reports whether news next replaces s: progress does, repetition and going back do not.
func (s State) Supersedes(previous State) bool { return rank[s] > rank[previous] }

// Message is one person's copy of something said in a conversation.
type Message struct {
	// Owner is whose archive this copy is in.
	Owner Address `json:"-"`
	// Conversation is the other person's address or the room's.
	Conversation Address `json:"conversation"`
	// ID is the sender's name for the message, unique for that sender.
	ID   string  `json:"id"`
	From Address `json:"from"`
	// Text is plain text, UTF-8, with "\n" line ends.
	Text string `json:"text"`
	// At is when it was said: the sender's clock for one's own, the server's (or arrival) for others'.
	At    time.Time `json:"at"`
	State State     `json:"state,omitempty"`
	// Reason is the catalogue key of why it failed.
	Reason string `json:"reason,omitempty"`
	// Order places the copy in its conversation; it only grows. It is the cursor for paging.
	Order int64 `json:"order,omitempty"`
	// WantsDelivered and WantsRead: the sender asked for IMDN notices (RFC 5438).
	WantsDelivered bool `json:"-"`
	WantsRead      bool `json:"-"`
}

// Mine reports whether the owner said it.
func (m Message) Mine() bool { return m.From == m.Owner }

// Conversation is one line of a person's list of conversations.
type Conversation struct {
	Peer   Address  `json:"peer"`
	Last   *Message `json:"last,omitempty"`
	Unread int      `json:"unread"`
	// ReadUpTo is the Order of the last message the owner has read.
	ReadUpTo int64 `json:"read_up_to,omitempty"`
}
