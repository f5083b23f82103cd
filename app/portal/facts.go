package portal

import "time"

// ExchangeFacts is what there is to know of a person's way to Exchange, for the configuration information window.
type ExchangeFacts struct {
	// Name is what the configuration calls the server, URL where its web service is.
	Name string `json:"name"`
	URL  string `json:"url"`
	// Version is what the server calls itself; Auth how the portal signs in ("basic", "ntlm", "kerberos", "oauth2").
	Version string `json:"version,omitempty"`
	Auth    string `json:"auth"`
	Mailbox string `json:"mailbox"`
	// State is "up", "down" or "none": no mailbox is known.
	State string `json:"state"`
	// ReadAt is when the mailbox was read last.
	ReadAt time.Time `json:"read_at,omitzero"`
	// LastError is the operator's text of the last refusal or failure.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// ContactsFacts says where a person's contact list is kept.
type ContactsFacts struct {
	// Place is "server" (the SIP server's XCAP document) or "portal".
	Place    string `json:"place"`
	Contacts int    `json:"contacts"`
	// SyncedAt is when list and server agreed last; LastError why not since.
	SyncedAt  time.Time `json:"synced_at,omitzero"`
	LastError string    `json:"last_error,omitempty"`
}
