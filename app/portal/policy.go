package portal

import "time"

// The policies that an administrator sets, by the names of the in-band settings of the original where it had them.
const (
	EnableCallLogAutoArchiving       = "EnableCallLogAutoArchiving"
	EnableAutoArchiving              = "EnableAutoArchiving"
	DisableSavingIM                  = "DisableSavingIM"
	DisableCalendarPresence          = "DisableCalendarPresence"
	DisableFreeBusyInfo              = "DisableFreeBusyInfo"
	DisableMeetingSubjectAndLocation = "DisableMeetingSubjectAndLocation"
	DisablePresenceNote              = "DisablePresenceNote"
	EnableAppearOffline              = "EnableAppearOffline"
	DisableIM                        = "DisableIM"
	CustomStateURL                   = "CustomStateURL"
	GalDownloadInitialDelay          = "GalDownloadInitialDelay"
	// The portal's own.
	MaxFileSize    = "MaxFileSize"
	MayCreateRooms = "MayCreateRooms"
	RoomRetention  = "RoomRetention"
	ThinSessions   = "ThinSessions"
	Language       = "Language"
)

// InForce is the policies that hold for one person, understood; a value a policy does not decide is the person's choice
// or the configuration's. It is comparable.
type InForce struct {
	// EnableCallLogAutoArchiving and EnableAutoArchiving are "on", "off" or empty where the person chooses.
	EnableCallLogAutoArchiving, EnableAutoArchiving string
	DisableSavingIM                                 bool
	DisableCalendarPresence, DisableFreeBusyInfo    bool
	// DisableMeetingSubjectAndLocation has no effect where DisableCalendarPresence holds.
	DisableMeetingSubjectAndLocation bool
	DisablePresenceNote              bool
	EnableAppearOffline              bool
	DisableIM                        bool
	CustomStateURL                   string
	GalDownloadInitialDelay          time.Duration
	// MaxFileSize is in bytes; zero: as configured.
	MaxFileSize    int64
	MayCreateRooms bool
	// RoomRetention is how long what is said in rooms is kept; zero: for ever.
	RoomRetention time.Duration
	// ThinSessions is "on", "off" or empty where the person chooses.
	ThinSessions string
	// Language is the BCP 47 tag of the language of pages, mails and rooms; empty where the person or their browser chooses.
	Language string
}

// The kinds of a PolicyScope, the narrower before the wider: what is said of a person beats what is said of a group,
// and that what is said of everyone.
const (
	ScopePerson   = "person"
	ScopeGroup    = "group"
	ScopeEveryone = "everyone"
	// ScopeConfiguration and ScopeDefault are where a value comes from that no rule decides.
	ScopeConfiguration = "configuration"
	ScopeDefault       = "default"
)

// PolicyScope is for whom a rule holds: Who is a person's address, a group's id, or empty for everyone.
type PolicyScope struct {
	Kind string `json:"kind"`
	Who  string `json:"who,omitempty"`
}

// PolicyRule is one policy set for a scope. Value is as its definition writes it (policy.Definitions).
type PolicyRule struct {
	Name  string      `json:"name"`
	Scope PolicyScope `json:"scope"`
	Value string      `json:"value"`
	By    Address     `json:"by,omitempty"`
	At    time.Time   `json:"at,omitzero"`
}

// PolicyGroup is people for whom rules are set together. Of several groups of a person that with the lower Rank wins.
type PolicyGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Rank int    `json:"rank"`
	// Members are people by address, Departments everybody whom the address book puts there.
	Members     []Address `json:"members"`
	Departments []string  `json:"departments"`
}

// PolicyChange is a line of the record of changes.
type PolicyChange struct {
	Seq int64     `json:"seq"`
	At  time.Time `json:"at"`
	By  Address   `json:"by"`
	// What is "rule", "group", "custom-states", "origin" or "import".
	What  string      `json:"what"`
	Name  string      `json:"name"`
	Scope PolicyScope `json:"scope,omitzero"`
	// Before and After are the values; empty: there was, or is, none.
	Before string `json:"before"`
	After  string `json:"after"`
}

// Decision is the value of one policy for one person and where it comes from.
type Decision struct {
	Name  string      `json:"name"`
	Value string      `json:"value"`
	From  PolicyScope `json:"from"`
	// Decided: a rule or the configuration says so, and the person cannot choose.
	Decided bool `json:"decided"`
}

// PoliciesEvent: the policies in force for the person changed; pages read them afresh.
type PoliciesEvent struct {
	Names []string `json:"names"`
}

// Name is the event's name on the wire.
func (PoliciesEvent) Name() string { return "policies" }

// Key tells values that replace each other from others.
func (PoliciesEvent) Key() string { return "policies" }

// CustomState is one of the at most four states an administrator adds.
type CustomState struct {
	// ID is 1 to 4: the activity "custom-ID".
	ID int `json:"id"`
	// Availability is available, busy or do-not-disturb.
	Availability Availability `json:"availability"`
	// Texts is what it is called, by language.
	Texts StateTexts `json:"texts"`
}

// CustomStates is a set of custom states as it was loaded.
type CustomStates struct {
	// Source is the address it was read from; empty: it was uploaded.
	Source string        `json:"source,omitempty"`
	States []CustomState `json:"states"`
	// XML is the document itself.
	XML []byte    `json:"-"`
	At  time.Time `json:"at,omitzero"`
	By  Address   `json:"by,omitempty"`
	// Failed is the catalogue key of what went wrong with the last refreshing; the set before holds on.
	Failed string `json:"failed,omitempty"`
}

// Origin is a web page's origin ("https://intranet.example.test") from which presence buttons may ask.
type Origin struct {
	Origin string    `json:"origin"`
	By     Address   `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
}
