package contacts

import "time"

// RosterState is how a contact list and the one at the SIP server stand, for the person's own diagnosis.
type RosterState struct {
	// OnServer: the list is kept at the SIP server too; else it is kept here alone.
	OnServer bool `json:"on_server"`
	// Agreed is when both were last known to be the same; zero: never since the start.
	Agreed time.Time `json:"agreed,omitzero"`
	// Waiting: there are changes that the server does not have yet, Next is when they are tried again.
	Waiting bool      `json:"waiting"`
	Next    time.Time `json:"next,omitzero"`
	// Failed is the operator's text of the last failure, FailedAt when that was, Failures how many there were in a row;
	// empty: it went well.
	Failed   string    `json:"failed,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`
	Failures int       `json:"failures,omitempty"`
	// Entries is how many the server's list has, Strange how many of them this list cannot show (telephone numbers,
	// addresses of another kind, more than fit): they stay there as they are.
	Entries int `json:"entries"`
	Strange int `json:"strange,omitempty"`
}
