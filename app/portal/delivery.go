package portal

import "time"

// Outgoing is a message on its way to the SIP server.
type Outgoing struct {
	To   Address
	ID   string
	Text string
	// At is when it was said.
	At time.Time
}

// Outcome is what the server's final answer to an Outgoing means.
type Outcome struct {
	// State is Delivered (a device took it, 200), Stored (kept until they are back, 202) or Sent (any other 2xx).
	State State
}

// Notice tells the sender of a message what became of it (IMDN, RFC 5438).
type Notice struct {
	// To is the other side: who gets the notice when it is sent, who sent it when it is received.
	To Address
	// ID is the message's id as its sender chose it.
	ID string
	// State is Delivered, Read or Failed.
	State State
	At    time.Time
}

// Incoming is a message that arrived for a person of this portal.
type Incoming struct {
	To, From Address
	// ID names the message for its sender: the IMDN Message-ID where there is one, else derived from
	// what stays the same over retransmissions and forks (Call-ID, CSeq, From).
	ID   string
	Text string
	// At is when it was sent or, where nothing says so, received.
	At time.Time
	// WantsDelivered and WantsRead: the sender asked for notices (RFC 5438 Disposition-Notification).
	WantsDelivered, WantsRead bool
}
