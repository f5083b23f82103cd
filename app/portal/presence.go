package portal

import "time"

// Availability is how reachable a person is.
type Availability string

// The availabilities of the public interface. Unknown means that there is no fresh word from the server.
const (
	Available    Availability = "available"
	Busy         Availability = "busy"
	DoNotDisturb Availability = "do-not-disturb"
	BeRightBack  Availability = "be-right-back"
	Away         Availability = "away"
	Offline      Availability = "offline"
	Unknown      Availability = "unknown"
)

// Valid reports whether a is one of the availabilities above.
func (a Availability) Valid() bool {
	switch a {
	case Available, Busy, DoNotDisturb, BeRightBack, Away, Offline, Unknown:
		return true
	}
	return false
}

// Settable reports whether a person may set a by hand (offline is "appear offline").
func (a Availability) Settable() bool { return a.Valid() && a != Unknown }

// Activity refines an availability; empty where there is nothing to add.
type Activity string

// The activities of the public interface; CustomActivity makes the four custom ones.
const (
	NoActivity    Activity = ""
	InACall       Activity = "in-a-call"
	InAMeeting    Activity = "in-a-meeting"
	InAConference Activity = "in-a-conference"
	OutOfOffice   Activity = "out-of-office"
	Inactive      Activity = "inactive"
)

// Valid reports whether a is empty, one of the activities above or custom-1 to custom-4.
func (a Activity) Valid() bool {
	switch a {
	case NoActivity, InACall, InAMeeting, InAConference, OutOfOffice, Inactive,
		"custom-1", "custom-2", "custom-3", "custom-4":
		return true
	}
	return false
}

// Presence is what one person may see of another (or of themselves) now.
type Presence struct {
	URI          Address      `json:"uri"`
	Availability Availability `json:"availability"`
	Activity     Activity     `json:"activity,omitempty"`
	// Text is the plain-language form for one reader; filled at the edge from the reader's catalogue, or a custom state's text.
	Text string `json:"text,omitempty"`
	Note string `json:"note,omitempty"`
	// OutOfOffice is the out-of-office note, where there is one.
	OutOfOffice string `json:"out_of_office,omitempty"`
	// Since is when the availability last changed; zero when that is not known.
	Since time.Time `json:"since,omitzero"`
	// ByHand and Until describe a state set by hand; they are filled only for one's own presence.
	ByHand bool      `json:"by_hand,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Calendar is the free/busy text where policy allows it; filled at the edge from Agenda.
	Calendar string `json:"calendar,omitempty"`
	// Agenda is what the person's calendar says of their time.
	Agenda Agenda `json:"-"`
	// Meeting and MeetingPlace are subject and place of the meeting the person is in, where the reader may know.
	// They never leave this portal by SIP.
	Meeting      string `json:"meeting,omitempty"`
	MeetingPlace string `json:"meeting_place,omitempty"`
	// Location is where the person says they are, TimeZone the IANA name of their time.
	Location string `json:"location,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	// Custom is the texts of the custom state that Activity names.
	Custom StateTexts `json:"-"`
	// NoIM: the person cannot receive instant messages.
	NoIM bool `json:"no_im,omitempty"`
	// Provider is the place that the person chose to count; filled only for one's own presence.
	Provider string `json:"provider,omitempty"`
}

// Agenda is what somebody's calendar says of their time, without a title: until when they are busy, and when
// they will be busy next. It is comparable.
type Agenda struct {
	// Known: there is a calendar that says something, be it that nothing is ahead.
	Known bool
	// BusyUntil is when the present busy time ends; zero: free now.
	BusyUntil time.Time
	// NextFrom and NextUntil are the next busy time; zero: none within the day.
	NextFrom, NextUntil time.Time
}

// Same reports whether two agendas say the same.
func (a Agenda) Same(b Agenda) bool {
	return a.Known == b.Known && a.BusyUntil.Equal(b.BusyUntil) && a.NextFrom.Equal(b.NextFrom) && a.NextUntil.Equal(b.NextUntil)
}

// Same reports whether q shows a reader the same as p.
func (p Presence) Same(q Presence) bool {
	return p.URI == q.URI && p.Availability == q.Availability && p.Activity == q.Activity && p.Text == q.Text &&
		p.Note == q.Note && p.OutOfOffice == q.OutOfOffice && p.Since.Equal(q.Since) && p.ByHand == q.ByHand &&
		p.Until.Equal(q.Until) && p.Calendar == q.Calendar && p.Agenda.Same(q.Agenda) && p.Meeting == q.Meeting &&
		p.MeetingPlace == q.MeetingPlace && p.Location == q.Location && p.TimeZone == q.TimeZone && p.Custom == q.Custom &&
		p.NoIM == q.NoIM && p.Provider == q.Provider
}

// Source says on what an endpoint's claim rests; the order of precedence is hand, call, calendar, activity.
type Source string

// Where a claim can come from. SourceUnknown is a foreign client that does not say.
const (
	SourceHand     Source = "hand"
	SourceCall     Source = "call"
	SourceCalendar Source = "calendar"
	SourceActivity Source = "activity"
	SourceUnknown  Source = ""
)

// Claim is what one endpoint (a browser session's portal, a phone, another program) says of its person.
type Claim struct {
	// Endpoint tells a person's endpoints apart (a PIDF tuple or person id).
	Endpoint     string
	Availability Availability
	Activity     Activity
	Source       Source
	Note         string
	OutOfOffice  string
	// Since is when the endpoint entered this state, Until when it will end by itself; zero if unsaid.
	Since, Until time.Time
	// At is the timestamp the endpoint put on its claim; zero if unsaid.
	At time.Time
	// Agenda is what the person's calendar says; one endpoint publishes it, as timed status (RFC 4481).
	Agenda Agenda
	// TakesCPIM is true when the endpoint declares that it reads message/cpim.
	TakesCPIM bool
	// Location and TimeZone are where the person says they are (RFC 4480 place-type and time-offset; the IANA name in
	// the portal's own extension).
	Location, TimeZone string
	// Custom is the texts of a custom state.
	Custom StateTexts
	// NoIM: the endpoint says that it takes no instant messages.
	NoIM bool
	// Provider, in the portal's own claim, names the endpoint whose word alone counts; empty: all are composed.
	Provider string
	// Label is what the endpoint calls itself ("Linphone"), where it says so.
	Label string
}

// Report is one presence document about a person as a watcher received it: the claims of all their
// endpoints. No claims means that the server says nobody is there (offline).
type Report struct {
	Of     Address
	Claims []Claim
	// Lease is until when the word holds if no newer one comes; after that it is unknown.
	Lease time.Time
}

// Manual is a state that a person set by hand.
type Manual struct {
	Availability Availability
	Activity     Activity
	// Note replaces the note when not nil; the note stands independent of the state's end, until NoteUntil where that
	// is set.
	Note      *string
	NoteUntil time.Time
	// Until is when the state ends by itself; zero: until it is reset.
	Until time.Time
	SetAt time.Time
}

// Whereabouts is where a person says they are.
type Whereabouts struct {
	Location string `json:"location"`
	// TimeZone is an IANA name; empty: that of the person's settings.
	TimeZone string `json:"time_zone"`
}

// MaxLocationLen is the longest Location in characters.
const MaxLocationLen = 64

// PersonalNote is the note of a person; Until is when it ends, zero: never.
type PersonalNote struct {
	Text  string    `json:"text"`
	Until time.Time `json:"until,omitzero"`
}

// Watcher is somebody who subscribes to a person's presence (RFC 3858).
type Watcher struct {
	Who    Address
	Status string // "active", "pending", "waiting", "terminated"
	Since  time.Time
}
