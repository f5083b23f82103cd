package portal

import "time"

// HookEndpoint is a program outside that hears of every change of the CRM side, and may send changes of its own.
type HookEndpoint struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// URL is where changes are sent; empty: it only sends.
	URL string `json:"url"`
	// Secret signs what goes out and what comes in; sealed at rest.
	Secret []byte `json:"-"`
	// Kinds are the kinds of change that it is told ("appointment", "person", "company", "user"); empty: all.
	Kinds []string `json:"kinds"`
	// Private: it may know the texts of private appointments too.
	Private bool `json:"private"`
	// Writes: it may change what is kept here. One without a URL is there for nothing else and does so always.
	Writes bool `json:"writes"`
	// Active: changes go out and are taken.
	Active bool `json:"active"`
	// Cursor is the number of the last line of the CRM's change log that was made into deliveries.
	Cursor    int64     `json:"cursor"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	Version   int64     `json:"version"`
}

// MayWrite reports whether what an endpoint sends is taken in.
func (e HookEndpoint) MayWrite() bool { return e.Writes || e.URL == "" }

// HookDelivery is one change on its way to an endpoint.
type HookDelivery struct {
	Seq      int64  `json:"seq"`
	Endpoint string `json:"endpoint"`
	// ID is the same for every try: whoever receives it can tell a repeat.
	ID string `json:"id"`
	// Key is what deliveries of one record share: they go one after the other.
	Key     string `json:"key"`
	Type    string `json:"type"`
	Payload []byte `json:"-"`
	// State is HookWaiting, HookDone or HookFailed (given up).
	State     string    `json:"state"`
	Tries     int       `json:"tries"`
	NotBefore time.Time `json:"not_before,omitzero"`
	// Status is the HTTP status of the last answer; zero: there was none. Reason is the operator's text.
	Status int       `json:"status,omitempty"`
	Reason string    `json:"reason,omitempty"`
	MadeAt time.Time `json:"made_at"`
	DoneAt time.Time `json:"done_at,omitzero"`
}

// The states of a delivery.
const (
	HookWaiting = "waiting"
	HookDone    = "done"
	HookFailed  = "failed"
)
