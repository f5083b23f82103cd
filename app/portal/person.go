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
}

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
}

// OtherClient as Settings.PreferredClient opens conversations in the program that takes sip: links.
const OtherClient = "other"

// DefaultSettings is what a person has before they choose.
func DefaultSettings() Settings { return Settings{Sound: true, Notifications: true} }
