package calendar

import (
	"time"

	"portico/app/portal"
)

// Tally counts the answers of the people who are invited to a meeting: neither its organiser nor rooms and equipment.
type Tally struct {
	Invited, Accepted, Tentative, Declined, Waiting int
}

// Answer is one invited person's row on a meeting's page.
type Answer struct {
	portal.Attendee
	// Since is when they answered, or, where they have not, when they were invited; zero where nobody says.
	Since time.Time
	// New: the answer changed since the reader's last look at the answers.
	New bool
	// OutOfOffice is the automatic reply in force of somebody who has not answered, plain text; OutOfOfficeUntil
	// when it ends, zero if unsaid. Away tells that there is one, even without a text.
	Away             bool
	OutOfOffice      string
	OutOfOfficeUntil time.Time
	// AwayAsOf is when Exchange said so, where it cannot be asked now; zero: just now.
	AwayAsOf time.Time
	// AwayUnknown: they have not answered, Exchange cannot say now whether they are away, and no reply known of
	// earlier is in force.
	AwayUnknown bool
}

// Responses are the answers to one meeting.
type Responses struct {
	Appointment portal.Appointment
	// Answers: those who have not answered first, then declined, tentative and accepted, each by name.
	Answers []Answer
	Tally   Tally
	// Relation is why the reader may see them: one of the Relation constants.
	Relation string
}

// Why somebody may see the answers to a meeting.
const (
	RelationOwn      = "own"      // the reader organises it
	RelationDelegate = "delegate" // the organiser made the reader their delegate
	RelationTeam     = "team"     // the organiser reports to the reader
	RelationInvited  = "invited"  // the reader is invited, and sees what an invited person's copy holds
)

// Filter chooses meetings for the overview.
type Filter struct {
	// Who is "own", "team", "delegates" or "all" (also "").
	Who string
	// From and To bound the meetings' time; zero: now, and 14 days after From. At most 366 days.
	From, To time.Time
	// Only is "" (every meeting), "waiting" (somebody has not answered), "declined" (somebody cannot come, or a room is not to be had) or
	// "news" (changed since the last look).
	Only string
	// Text has to occur in the subject, the place, or a person's name or address, whatever the case.
	Text string
}

// Meeting is one row of the overview.
type Meeting struct {
	Appointment portal.Appointment
	Relation    string
	Tally       Tally
	// News are the answers that changed since the last look, newest first.
	News []portal.AnswerNews
}

// Missing is somebody whose meetings should be in the overview and are not.
type Missing struct {
	Who      portal.Address
	Name     string
	Relation string
	// Reason is a catalogue key.
	Reason string
}

// Overview is the coming meetings of a manager, by start.
type Overview struct {
	Meetings []Meeting
	// Totals are over all meetings shown.
	Totals Tally
	// News counts the changed answers over all meetings of the reader's, whatever the filter, since LookedAt.
	News     int
	LookedAt time.Time
	From, To time.Time
	Missing  []Missing
	// Loading: some calendar has not been read to its end yet.
	Loading bool
	// Truncated: there are more than MaxMeetings; the later ones are not shown.
	Truncated bool
}

// MaxMeetings bounds an overview.
const MaxMeetings = 1000
