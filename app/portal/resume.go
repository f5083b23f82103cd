package portal

import "time"

// What lets somebody go on in another session where they were.

const (
	// MaxDraftLen is how long the text of a draft may be, in characters, and MaxDrafts how many of a person's are kept; the
	// oldest go.
	MaxDraftLen, MaxDrafts = 8000, 200
	// MaxPlaceLen is how long a place may be, in bytes.
	MaxPlaceLen = 500
)

// Draft is what somebody has begun to write in a conversation or a room.
type Draft struct {
	Conversation Address `json:"conversation"`
	// Text is empty where it was sent or deleted.
	Text string `json:"text"`
	// At is when it was written; of two the newer one counts.
	At time.Time `json:"at"`
}

// LastPlace is the page that somebody had open last: a path of this portal with its query.
type LastPlace struct {
	Path string    `json:"path"`
	At   time.Time `json:"at"`
}
