package portal

import "time"

// Person is an entry of the address book.
type Person struct {
	URI         Address  `json:"uri"`
	DisplayName string   `json:"display_name"`
	Email       string   `json:"email,omitempty"`
	Title       string   `json:"title,omitempty"`
	Department  string   `json:"department,omitempty"`
	Office      string   `json:"office,omitempty"`
	Phones      []string `json:"phones,omitempty"`
	// Manager is whom the person reports to; empty if unknown.
	Manager Address `json:"manager,omitempty"`
	// Photo is the path of a picture on this portal; empty: initials are shown.
	Photo string `json:"photo,omitempty"`
	// Robot marks an example person who answers by themselves.
	Robot bool `json:"robot,omitempty"`
	// Company and TimeZone (an IANA name) are as the address book has them.
	Company  string `json:"company,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	// Numbers are the telephone numbers by kind; Phones repeats them without.
	Numbers []Number `json:"numbers,omitempty"`
	// Group marks a distribution group: it has members and no presence.
	Group bool `json:"is_group,omitempty"`
	// Sources are the address books that know the person, the one that decides first.
	Sources []string `json:"sources,omitempty"`
}

// Number is a telephone number; Kind is "work", "mobile", "home" or "other".
type Number struct {
	Kind   string `json:"kind"`
	Number string `json:"number"`
}

// BookState is how one address book is, for the administrator and the page that shows its age.
type BookState struct {
	Name string `json:"name"`
	// At is when the copy in use was read; zero: there is none yet. Cached: it is the one kept from before the start.
	At     time.Time `json:"at,omitzero"`
	Cached bool      `json:"cached"`
	People int       `json:"people"`
	// Next is when it is read again.
	Next time.Time `json:"next,omitzero"`
	// Failed is the operator's text of the last failure; empty: it went well.
	Failed string `json:"failed,omitempty"`
}

// Me is the signed-in person as the API tells it.
type Me struct {
	URI         Address        `json:"uri"`
	DisplayName string         `json:"display_name"`
	Email       string         `json:"email"`
	Roles       []string       `json:"roles"`
	Policies    map[string]any `json:"policies"`
	Locale      string         `json:"locale"`
	TimeZone    string         `json:"time_zone"`
	// Thin: the session that asks is a thin one; ThinFrom is what says so, one of the Thin… words.
	Thin     bool   `json:"thin"`
	ThinFrom string `json:"thin_from"`
}

// What decides whether a session is thin (Me.ThinFrom): a policy, the person's own choice, or their connection by the address
// it comes from or a header that a gateway sets; ThinDefault where nothing says anything.
const (
	ThinPolicy  = "policy"
	ThinChoice  = "choice"
	ThinNetwork = "network"
	ThinHeader  = "header"
	ThinDefault = "default"
)

// RoleAdmin is the role of those named in signin.admins.
const RoleAdmin = "admin"

// Relationship is how close a contact is; it decides what they see.
type Relationship string

// The privacy relationships of the public interface.
const (
	Personal Relationship = "personal"
	Team     Relationship = "team"
	Company  Relationship = "company"
	Public   Relationship = "public"
	Blocked  Relationship = "blocked"
)

// Valid reports whether r is one of the relationships above.
func (r Relationship) Valid() bool {
	switch r {
	case Personal, Team, Company, Public, Blocked:
		return true
	}
	return false
}

// Contact is an entry of a person's contact list.
type Contact struct {
	URI          Address      `json:"uri"`
	DisplayName  string       `json:"display_name"`
	Group        string       `json:"group"`
	Relationship Relationship `json:"relationship"`
	AddedAt      time.Time    `json:"added_at,omitzero"`
	// Groups are all the groups the contact is in, Group the first of them.
	Groups []string `json:"groups,omitempty"`
	// Nickname is what the owner calls them; it goes before DisplayName.
	Nickname string `json:"nickname,omitempty"`
	// Favourite contacts stand first; Tagged: the owner wants to be told when they become available.
	Favourite bool `json:"favourite,omitempty"`
	Tagged    bool `json:"tagged,omitempty"`
	// Email is set for a distribution group, whose URI is made of it; IsGroup says that it is one.
	Email   string `json:"email,omitempty"`
	IsGroup bool   `json:"is_group,omitempty"`
}

// ContactGroup is a named group of a person's contact list.
type ContactGroup struct {
	Name string `json:"name"`
	// Rank orders the groups; Closed: the owner folded it up.
	Rank   int  `json:"rank"`
	Closed bool `json:"closed,omitempty"`
}

// Recent is somebody a person had to do with of late, newest first.
type Recent struct {
	URI Address   `json:"uri"`
	At  time.Time `json:"at"`
}

// Settings are a person's own choices, kept on the server.
type Settings struct {
	// Locale is a BCP 47 tag of a catalogue ("en", "de"); empty: as the browser says.
	Locale string `json:"locale"`
	// TimeZone is an IANA name; empty: as the browser says, else UTC.
	TimeZone string `json:"time_zone"`
	// Theme is "light", "dark" or empty for the system's.
	Theme string `json:"theme"`
	// Sound and Notifications switch the sound and desktop notification of a new message.
	Sound         bool `json:"sound"`
	Notifications bool `json:"notifications"`
	// KeepHistory and KeepCalls are whether conversations and calls are kept in Exchange; nil: not chosen.
	KeepHistory *bool `json:"keep_history,omitempty"`
	KeepCalls   *bool `json:"keep_calls,omitempty"`
	// PreferredClient is where conversations are opened: empty for the portal, OtherClient for another program.
	PreferredClient string `json:"preferred_client"`
	// PresenceProvider names the place whose word alone counts as the person's presence (Place.Provider); empty: all
	// places together.
	PresenceProvider string `json:"presence_provider,omitempty"`
	// Sort is the order of the contact list: empty for groups, "status", "relationship", "recent".
	Sort string `json:"sort,omitempty"`
	// Thin is whether pages are those for thin sessions: "on", "off", or empty for as the connection says.
	Thin string `json:"thin"`
}

// OtherClient as Settings.PreferredClient opens conversations in the program that takes sip: links.
const OtherClient = "other"

// DefaultSettings is what a person has before they choose.
func DefaultSettings() Settings { return Settings{Sound: true, Notifications: true} }
