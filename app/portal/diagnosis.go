package portal

import "time"

// Incident is a line of a person's log of sign-in and connection problems, and of their end.
type Incident struct {
	Seq int64     `json:"seq"`
	Who Address   `json:"-"`
	At  time.Time `json:"at"`
	// Part is what it is about: one of the words below.
	Part string `json:"part"`
	// Good: a connection that works again, a sign-in that went well.
	Good bool `json:"good"`
	// Cause is a catalogue key ("error." + Cause is the sentence, "cure." + Cause what to do about it).
	Cause string `json:"cause"`
	// Detail is the operator's text: a status line, an error of the network; never a secret.
	Detail string `json:"detail,omitempty"`
	// Remote is the browser's address at a sign-in.
	Remote string `json:"remote,omitempty"`
	// Times is how often the same happened in a row until At.
	Times int `json:"times"`
}

// The parts of an Incident.
const (
	PartSignin    = "signin"
	PartSIP       = "sip"
	PartExchange  = "exchange"
	PartDirectory = "directory"
	PartLive      = "live"
	PartPresence  = "presence"
)

// Traffic is one message or exchange of a person's own SIP or EWS traffic, secrets removed.
type Traffic struct {
	At time.Time `json:"at"`
	// Protocol is "sip" or "ews"; Sent: the portal sent it.
	Protocol string `json:"protocol"`
	Sent     bool   `json:"sent"`
	Peer     string `json:"peer"`
	Text     string `json:"text"`
}

// LineFacts is what there is to know of a person's line, for the configuration information window.
type LineFacts struct {
	Proxy string `json:"proxy"`
	// Server is what the SIP server calls itself.
	Server    string `json:"server,omitempty"`
	Transport string `json:"transport"`
	Auth      string `json:"auth"`
	// Contact is what is registered, RegisteredAt when last, Until when it ends.
	Contact      string    `json:"contact,omitempty"`
	RegisteredAt time.Time `json:"registered_at,omitzero"`
	Until        time.Time `json:"until,omitzero"`
	// Published is when presence was published last.
	Published     time.Time          `json:"published,omitzero"`
	Subscriptions []SubscriptionFact `json:"subscriptions"`
	// XCAP says which documents the server keeps for the person, by application usage; empty: none.
	XCAP []string `json:"xcap,omitempty"`
	// LastError is the operator's text of the last refusal or failure.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// SubscriptionFact is one subscription of a person's line.
type SubscriptionFact struct {
	Event string  `json:"event"`
	Of    Address `json:"of"`
	// State is "active", "pending", "refused" or "waiting".
	State string    `json:"state"`
	Until time.Time `json:"until,omitzero"`
}
