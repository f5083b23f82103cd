package portal

import (
	"strings"
	"time"
)

// Response is what somebody answered to an invitation.
type Response string

// The answers of the public interface; ResponseNone is "has not answered", ResponseOrganizer whose meeting it is.
const (
	ResponseNone      Response = "none"
	ResponseAccepted  Response = "accepted"
	ResponseTentative Response = "tentative"
	ResponseDeclined  Response = "declined"
	ResponseOrganizer Response = "organizer"
)

// Answerable reports whether r is one of the answers a person can give.
func (r Response) Answerable() bool {
	return r == ResponseAccepted || r == ResponseTentative || r == ResponseDeclined
}

// AttendeeRole is how somebody is invited.
type AttendeeRole string

// The roles of an invitation. A resource is a room or a thing.
const (
	RoleRequired AttendeeRole = "required"
	RoleOptional AttendeeRole = "optional"
	RoleResource AttendeeRole = "resource"
)

// Attendee is somebody who is invited, with their answer as the organiser's copy tells it.
type Attendee struct {
	// URI is empty for people who have no SIP address.
	URI      Address      `json:"uri,omitempty"`
	Name     string       `json:"name"`
	Email    string       `json:"email"`
	Role     AttendeeRole `json:"role"`
	Response Response     `json:"response"`
	// RespondedAt is zero where there is no answer or the server does not say when.
	RespondedAt time.Time `json:"responded_at,omitzero"`
	// Comment is what they wrote with their answer, plain text.
	Comment string `json:"comment,omitempty"`
	// ProposedStart and ProposedEnd are another time that they propose; zero if none.
	ProposedStart time.Time `json:"proposed_start,omitzero"`
	ProposedEnd   time.Time `json:"proposed_end,omitzero"`
	// List marks a distribution list that has not been expanded.
	List bool `json:"list,omitempty"`
}

// FreeBusy is how an appointment shows in its owner's time.
type FreeBusy string

// The free/busy values; NoData is for times that a server says nothing about.
const (
	ShowFree      FreeBusy = "free"
	ShowTentative FreeBusy = "tentative"
	ShowBusy      FreeBusy = "busy"
	ShowOOF       FreeBusy = "out-of-office"
	ShowElsewhere FreeBusy = "working-elsewhere"
	ShowNoData    FreeBusy = "no-data"
)

// AppointmentKind tells the parts of a series apart.
type AppointmentKind string

// The kinds of appointment.
const (
	KindSingle     AppointmentKind = "single"
	KindOccurrence AppointmentKind = "occurrence"
	KindException  AppointmentKind = "exception"
	KindMaster     AppointmentKind = "master"
)

// AppointmentStatus is where an appointment stands. Exchange knows confirmed and cancelled, CRM pending and complete; removed is one
// that has just left its calendar, as what its owner declines does.
type AppointmentStatus string

// The statuses of an appointment.
const (
	StatusConfirmed AppointmentStatus = "confirmed"
	StatusCancelled AppointmentStatus = "cancelled"
	StatusPending   AppointmentStatus = "pending"
	StatusComplete  AppointmentStatus = "complete"
	StatusRemoved   AppointmentStatus = "removed"
)

// The places where an appointment can live.
const (
	SourceExchange = "exchange"
	SourceCRM      = "crm"
)

// The states of an appointment's way to its server.
const (
	SyncDone    = "done"
	SyncPending = "pending" // changed here, waiting to be sent
	SyncFailed  = "failed"  // refused by the server; Error says why
)

// SyncState is whether what is shown has reached the server.
type SyncState struct {
	State string `json:"state"`
	// Error is a catalogue key in the house, a sentence at the edge.
	Error string `json:"error,omitempty"`
}

// Attachment is a file of an appointment, without its bytes.
type Attachment struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size"`
}

// Appointment is an entry of one person's calendar: a single one, a series' master, or one occurrence of it.
//
// Times: Start and End are instants; TimeZone is the IANA zone in which they were meant. Of an all-day one
// Start and End are midnights in UTC and stand for dates, End is the day after the last.
type Appointment struct {
	// ID names it on this portal. An occurrence's is its master's, "~" and its RecurrenceID (see OccurrenceID).
	ID string `json:"id"`
	// Calendar is whose calendar it stands in.
	Calendar Address `json:"calendar"`
	// UID is the iCalendar UID, the same in every attendee's calendar (RFC 5545 section 3.8.4.7).
	UID      string `json:"uid,omitempty"`
	Subject  string `json:"subject"`
	Location string `json:"location"`
	// Body is plain text; BodyHTML is what the server has, uncleaned, empty where it has plain text. HTML is cleaned at the edge.
	Body     string    `json:"body"`
	BodyHTML string    `json:"-"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	AllDay   bool      `json:"all_day"`
	TimeZone string    `json:"time_zone"`
	// Recurrence is an RRULE (RFC 5545 section 3.3.10) without its name; of an occurrence that of its series.
	Recurrence string          `json:"recurrence,omitempty"`
	Kind       AppointmentKind `json:"kind"`
	// RecurrenceID is when an occurrence would have begun by the rule; zero for others.
	RecurrenceID time.Time `json:"recurrence_id,omitzero"`
	// Series is the master's ID for occurrences and exceptions.
	Series    string     `json:"series,omitempty"`
	Organizer Attendee   `json:"organizer"`
	Attendees []Attendee `json:"attendees"`
	// Meeting: others are invited. Mine: the calendar's owner organises it. Response: the owner's own answer.
	Meeting  bool              `json:"meeting"`
	Mine     bool              `json:"mine"`
	Response Response          `json:"response"`
	Status   AppointmentStatus `json:"status"`
	Show     FreeBusy          `json:"show"`
	Private  bool              `json:"private"`
	// ReminderMinutes before the start; nil: no reminder.
	ReminderMinutes *int         `json:"reminder_minutes"`
	Categories      []string     `json:"categories"`
	Attachments     []Attachment `json:"attachments"`
	Source          string       `json:"source"`
	// People and Companies are what CRM ties to it.
	People    []string `json:"people"`
	Companies []string `json:"companies"`
	// Masked: the reader may know that the time is taken, and nothing more; all texts and names are empty.
	Masked bool      `json:"masked,omitempty"`
	Sync   SyncState `json:"sync"`
	// Version changes with each change; a change carries the one it was made from.
	Version string `json:"version"`
	// InvitedAt is when the invitations went out (or the appointment was made); zero where nobody says.
	InvitedAt time.Time `json:"invited_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// Sequence is the iCalendar SEQUENCE (RFC 5545 section 3.8.7.4).
	Sequence int `json:"sequence,omitempty"`
}

// occurrenceStamp is how a RecurrenceID is written in an ID.
const occurrenceStamp = "20060102T150405Z"

// OccurrenceID is the ID of the occurrence of the series master that would have begun at start.
func OccurrenceID(master string, start time.Time) string {
	return master + "~" + start.UTC().Format(occurrenceStamp)
}

// SplitOccurrenceID is the opposite of OccurrenceID; of any other id it gives the id and the zero time.
func SplitOccurrenceID(id string) (master string, start time.Time) {
	at := strings.LastIndexByte(id, '~')
	if at < 0 {
		return id, time.Time{}
	}
	start, err := time.Parse(occurrenceStamp, id[at+1:])
	if err != nil {
		return id, time.Time{}
	}
	return id[:at], start
}

// Entry is an appointment as a calendar holds it: a single one, or a whole series.
type Entry struct {
	// Appointment is the single one or the master.
	Appointment
	// Exceptions are the changed occurrences, whole, by RecurrenceID; Deleted those that do not take place.
	Exceptions []Appointment `json:"exceptions,omitempty"`
	Deleted    []time.Time   `json:"deleted,omitempty"`
	// RemoteID and ChangeKey are the server's id and version of it.
	RemoteID  string `json:"remote_id"`
	ChangeKey string `json:"change_key"`
	// ChangeID is the id of the change of ours that made it (the stamp a retry finds its own work by); empty for others'.
	ChangeID string `json:"change_id,omitempty"`
	// DoneID is the id of the last change of ours that was carried out on it; empty if none was.
	DoneID string `json:"done_id,omitempty"`
}

// CalendarDelta is what changed in a calendar since a state.
type CalendarDelta struct {
	Changed []Entry
	// Gone are the RemoteIDs of entries that are no more.
	Gone []string
	// State is what to ask with next time.
	State string
	// More: ask again at once, the server has more to tell.
	More bool
	// Reset: the state was refused, or was empty: what is not in this delta and those that follow until More is false is gone.
	Reset bool
}

// Scope says how much of a series a change means.
type Scope string

// The scopes. ScopeAll is the whole series, ScopeFollowing this occurrence and all that come after it.
const (
	ScopeOne       Scope = "one"
	ScopeFollowing Scope = "following"
	ScopeAll       Scope = "all"
)

// BusyTime is a stretch of somebody's time. Subject and Location are empty where the asker may not know them.
type BusyTime struct {
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Show     FreeBusy  `json:"show"`
	Subject  string    `json:"subject,omitempty"`
	Location string    `json:"location,omitempty"`
	Private  bool      `json:"private,omitempty"`
	Meeting  bool      `json:"meeting,omitempty"`
}

// WorkingPeriod is a stretch of the working week: the same minutes since midnight on each of the days.
type WorkingPeriod struct {
	Days []time.Weekday `json:"days"`
	// From and To are minutes since midnight in the working hours' zone.
	From int `json:"from"`
	To   int `json:"to"`
}

// WorkingHours is when somebody works, by the wall clock of their zone.
type WorkingHours struct {
	TimeZone string          `json:"time_zone"`
	Periods  []WorkingPeriod `json:"periods"`
}

// Availabilities is one attendee's free/busy answer for a window.
type Availabilities struct {
	Email string     `json:"email"`
	Busy  []BusyTime `json:"busy"`
	// Working is nil where the server does not say.
	Working *WorkingHours `json:"working_hours,omitempty"`
	// Error is a catalogue key where this one has no answer (unknown mailbox, no access); the others still have theirs.
	Error string `json:"error,omitempty"`
}

// Suggestion is a time that a server or the planner proposes for a meeting.
type Suggestion struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Quality is "excellent", "good", "fair" or "poor".
	Quality string `json:"quality"`
	// Conflicts are the e-mail addresses of those who cannot; Tentative of those who perhaps cannot.
	Conflicts []string `json:"conflicts,omitempty"`
	Tentative []string `json:"tentative,omitempty"`
	// OutsideHours are those for whom it is outside working hours.
	OutsideHours []string `json:"outside_hours,omitempty"`
}

// OutOfOfficeNote is a person's automatic reply.
type OutOfOfficeNote struct {
	// State is "disabled", "enabled" or "scheduled".
	State string `json:"state"`
	// Audience of the external reply: "none", "known", "all".
	Audience string    `json:"audience"`
	From     time.Time `json:"from,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	// Internal and External are the replies as plain text.
	Internal string `json:"internal"`
	External string `json:"external"`
}

// Holds reports whether the note is in force at t.
func (o OutOfOfficeNote) Holds(t time.Time) bool {
	switch o.State {
	case "enabled":
		return true
	case "scheduled":
		return !t.Before(o.From) && t.Before(o.Until)
	}
	return false
}

// Delegate is somebody whom a mailbox's owner has given rights.
type Delegate struct {
	Email string `json:"email"`
	Name  string `json:"name"`
	// Calendar is their right on the calendar: "none", "reviewer", "author", "editor" or "custom".
	Calendar string `json:"calendar"`
	// SeesPrivate: private appointments are theirs to read.
	SeesPrivate bool `json:"sees_private"`
	// GetsMeetings: copies of meeting messages go to them.
	GetsMeetings bool `json:"gets_meetings"`
}

// CalendarState is what a person's calendar makes of their presence now: Availability and Activity until Until,
// never a title. Without an Availability the calendar leaves the state to activity. It is comparable.
type CalendarState struct {
	Availability Availability
	Activity     Activity
	Until        time.Time
	// Agenda is when the person is and will be busy.
	Agenda Agenda
	// OutOfOffice is the note in force, plain text.
	OutOfOffice string
	// Subject and Place are those of the meeting the person is in; empty for a private one.
	Subject, Place string
}
