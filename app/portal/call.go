package portal

import "time"

// Item classes of what Exchange keeps of conversations and calls (as Outlook and Communicator write them).
const (
	ClassConversation  = "IPM.Note.Microsoft.Conversation"
	ClassVoiceCall     = "IPM.Note.Microsoft.Conversation.Voice"
	ClassMissed        = "IPM.Note.Microsoft.Missed"
	ClassMissedCall    = "IPM.Note.Microsoft.Missed.Voice"
	ClassVoicemail     = "IPM.Note.Microsoft.Voicemail.UM"
	ClassVoicemailCall = "IPM.Note.Microsoft.Voicemail.UM.CA"
	ClassVoicemailLock = "IPM.Note.rpmsg.Microsoft.Voicemail.UM"
)

// CallKind tells what an entry of the calls page is.
type CallKind string

// Somebody called and nobody took it; somebody wrote while the person was away; somebody called and another
// device of the person took it.
const (
	MissedCall         CallKind = "missed-call"
	MissedConversation CallKind = "missed-conversation"
	TakenElsewhere     CallKind = "taken"
)

// Call is an entry of a person's list of calls.
type Call struct {
	ID    string   `json:"id"`
	Owner Address  `json:"-"`
	Kind  CallKind `json:"kind"`
	// From is the caller; Name is what they call themselves; Number is set where they called from a telephone number.
	From   Address `json:"from"`
	Name   string  `json:"name,omitempty"`
	Number string  `json:"number,omitempty"`
	// CallID is the SIP Call-ID; At when it began, or when the first message came.
	CallID string    `json:"-"`
	At     time.Time `json:"at"`
	// Times is how often they called in a row, or how many messages they wrote.
	Times int `json:"times"`
	// Text is the beginning of what they wrote.
	Text string    `json:"text,omitempty"`
	Seen bool      `json:"seen"`
	Kept KeptState `json:"kept,omitempty"`
}

// DueCall is an entry of the list of calls that is to be written to Exchange.
type DueCall struct {
	Call
	// ItemID is that of the item that is there already; Tries how often it failed; Revision tells what changed while
	// it was written.
	ItemID   string
	Tries    int
	Revision int64
}

// Ring is an INVITE that came for a person of this portal, or what became of one.
type Ring struct {
	To     Address
	From   Address
	Name   string // display name of From
	Number string // of a tel: URI, or of a user part that is a number
	CallID string
	At     time.Time
	// Taken: another device of the person took the call.
	Taken bool
}

// DialogState is how far a call is (RFC 4235 section 3.7.1).
type DialogState string

// The states that matter: before it is answered, under way, over.
const (
	DialogTrying     DialogState = "trying"
	DialogProceeding DialogState = "proceeding"
	DialogEarly      DialogState = "early"
	DialogConfirmed  DialogState = "confirmed"
	DialogTerminated DialogState = "terminated"
)

// Dialog is a call of one of a person's own devices, or of the PBX for them (RFC 4235).
type Dialog struct {
	ID, CallID string
	// Initiator: the person called; else they were called.
	Initiator bool
	State     DialogState
	Remote    Address
	Name      string
}

// Waiting is what a voice mail system says waits (RFC 3842).
type Waiting struct {
	// Known: a server answered at all.
	Known bool `json:"known"`
	// Any is its word on whether anything waits; New and Old count voice messages, Urgent those of New that are urgent.
	Any    bool `json:"any"`
	New    int  `json:"new"`
	Old    int  `json:"old"`
	Urgent int  `json:"urgent,omitempty"`
	// Account is where to call to listen (Message-Account).
	Account string `json:"account,omitempty"`
}

// Voicemail is a spoken message in the person's mailbox.
type Voicemail struct {
	ID string `json:"id"`
	// From is the caller where the address book knows them, Name and Number as the voice mail system wrote them.
	From   Address   `json:"from,omitempty"`
	Name   string    `json:"name,omitempty"`
	Number string    `json:"number,omitempty"`
	At     time.Time `json:"at"`
	// Seconds is its length, Size the recording's in bytes; zero: unknown.
	Seconds int    `json:"seconds"`
	Size    int64  `json:"size,omitempty"`
	Type    string `json:"type,omitempty"` // media type of the recording
	Heard   bool   `json:"heard"`
	// Protected: it cannot be played outside of Outlook.
	Protected bool `json:"protected,omitempty"`
	// Text is what stands in the message beside the recording, or a transcript.
	Text string `json:"text,omitempty"`
	// Attachment and ChangeKey are Exchange's.
	Attachment string `json:"-"`
	ChangeKey  string `json:"-"`
}

// CallEvent: the person's list of calls changed at the entry ID; empty: many at once.
type CallEvent struct {
	ID     string `json:"id"`
	Change Change `json:"change"`
}

// VoicemailEvent: the person's voice mail changed at the entry ID; empty: many at once.
type VoicemailEvent struct {
	ID     string `json:"id"`
	Change Change `json:"change"`
}

// Name is the event's name on the wire.
func (CallEvent) Name() string { return "call" }

// Name is the event's name on the wire.
func (VoicemailEvent) Name() string { return "voicemail" }

func (CallEvent) durable()      {}
func (VoicemailEvent) durable() {}
