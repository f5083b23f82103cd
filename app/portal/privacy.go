package portal

import "time"

// Sight is what one person lets another see of their presence. It is comparable; the zero value shows the
// availability alone.
type Sight struct {
	// Hidden: the other sees somebody who is offline, whatever is true, and cannot tell.
	Hidden bool `json:"hidden"`
	// Activity shows what somebody is doing, in words: in a call, in a meeting, a state of their own.
	Activity bool `json:"activity"`
	// FreeBusy shows until when somebody is busy and when next (Presence.Agenda).
	FreeBusy bool `json:"free_busy"`
	// Meeting shows subject and place of the meeting somebody is in.
	Meeting bool `json:"meeting"`
	// Note shows the personal and the out-of-office note.
	Note bool `json:"note"`
	// Numbers shows telephone numbers in the card.
	Numbers bool `json:"numbers"`
	// Location shows the place and the time zone somebody gave.
	Location bool `json:"location"`
	// LastActive shows since when somebody is in their state.
	LastActive bool `json:"last_active"`
	// Pierces: what the other says is announced although the person is not to be disturbed.
	Pierces bool `json:"pierces"`
}

// FullSight is what a person sees of themselves.
func FullSight() Sight {
	return Sight{Activity: true, FreeBusy: true, Meeting: true, Note: true, Numbers: true, Location: true, LastActive: true, Pierces: true}
}

// Privacy is what a person decided on who sees what of them.
type Privacy struct {
	// Rules are the relationships whose sight the person changed; the others see what policy.StandardSight says.
	Rules map[Relationship]Sight `json:"rules"`
	// Colleagues is the relationship of people of one's own domain who were given none, Others that of everybody
	// else. Empty: company and public.
	Colleagues Relationship `json:"colleagues"`
	Others     Relationship `json:"others"`
	// ContactsOnly hides the person from all who are neither on their contact list nor were given a relationship.
	ContactsOnly bool `json:"contacts_only"`
}

// ServerRules is how the SIP server and what a person decided stand.
type ServerRules struct {
	// Kept: the server keeps rules of presence; Current: it has those that hold now.
	Kept    bool `json:"kept"`
	Current bool `json:"current"`
	// Misses are the tries to tell it that came to nothing since it last took any, the last of them At.
	Misses int       `json:"misses,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Tie is the relationship a person gave to another, on their contact list or not.
type Tie struct {
	Owner        Address      `json:"-"`
	With         Address      `json:"uri"`
	Relationship Relationship `json:"relationship"`
	// Contact: the other stands on the owner's contact list.
	Contact bool `json:"contact"`
}

// Admirer is somebody who has a person on their contact list or watches their presence ("who added me").
type Admirer struct {
	Who          Address      `json:"uri"`
	Name         string       `json:"display_name"`
	Relationship Relationship `json:"relationship"`
	// Contact: they are on the person's own contact list.
	Contact bool `json:"contact"`
	// Watching: the SIP server says that they watch now; Pending: that it holds them back until the person decides.
	Watching bool      `json:"watching"`
	Pending  bool      `json:"pending"`
	Since    time.Time `json:"since,omitzero"`
	// New: the person has not said yet what is to become of it.
	New bool `json:"new"`
}

// WatchersEvent: who watches a person changed; New is how many of them wait for a word.
type WatchersEvent struct {
	New int `json:"new"`
}

// Name is the event's name on the wire.
func (WatchersEvent) Name() string { return "watchers" }

// Key tells values that replace each other from others.
func (WatchersEvent) Key() string { return "watchers" }

// Place is where a person is signed in, with what it says of them.
type Place struct {
	// ID tells a person's places apart: "session:KEY" for a browser here, "device:CONTACT" for a registered SIP
	// client, "claim:ENDPOINT" for what is known by its word on presence alone.
	ID string `json:"id"`
	// Kind is one of the words below; Name is what people call it ("Firefox on Linux", "Linphone").
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Remote is the address it came from, where that is known.
	Remote       string       `json:"remote,omitempty"`
	Availability Availability `json:"availability,omitempty"`
	Activity     Activity     `json:"activity,omitempty"`
	// Custom is the texts of the custom state that Activity names.
	Custom StateTexts `json:"-"`
	Note   string     `json:"note,omitempty"`
	Since  time.Time  `json:"since,omitzero"`
	// Provider is the name under which it can be chosen as the one that counts; empty: it cannot.
	Provider string `json:"provider,omitempty"`
	// Counts: it is the one that was chosen; Here: it is the browser that asks; Leaves: it can be signed out.
	Counts bool `json:"counts"`
	Here   bool `json:"here"`
	Leaves bool `json:"leaves"`
}

// The kinds of a Place.
const (
	PlaceBrowser = "browser"
	PlacePhone   = "phone"
	PlaceProgram = "program"
)

// Device is a contact that a person registered at the SIP server (RFC 3261 section 10.3), beside the portal's own.
type Device struct {
	// Contact is its URI as the server lists it.
	Contact string
	// Instance is its +sip.instance, Agent what it calls itself; empty where the server does not say.
	Instance, Agent string
	// Until is when the registration ends.
	Until time.Time
}
