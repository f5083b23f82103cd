package merge

import (
	"time"

	"portico/app/portal"
)

// An appointment as it is compared.

// Content is an appointment without what belongs to one side alone: tidied, so that two readings of the same are equal. Times are
// instants in UTC to the second; of an all-day one midnights in UTC that stand for dates.
type Content struct {
	Subject  string    `json:"subject,omitempty"`
	Location string    `json:"location,omitempty"`
	Body     string    `json:"body,omitempty"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	AllDay   bool      `json:"all_day,omitempty"`
	// TimeZone is an IANA name, empty for all-day ones; Recurrence a rule in canonical form.
	TimeZone   string          `json:"zone,omitempty"`
	Recurrence string          `json:"rule,omitempty"`
	Show       portal.FreeBusy `json:"show,omitempty"`
	Private    bool            `json:"private,omitempty"`
	// Reminder is in minutes before the start; nil: none.
	Reminder   *int     `json:"reminder,omitempty"`
	Categories []string `json:"categories,omitempty"`
	// Attendees are without the organiser, by Key.
	Attendees []Person `json:"attendees,omitempty"`
	Files     []File   `json:"files,omitempty"`
	// Exceptions are the changed occurrences, whole, by the stamp of their RecurrenceID (see Stamp); those that differ in nothing from
	// their series are not among them. Deleted are the stamps of occurrences that do not take place.
	Exceptions map[string]Content `json:"exceptions,omitempty"`
	Deleted    []string           `json:"deleted,omitempty"`
	Cancelled  bool               `json:"cancelled,omitempty"`

	loc *time.Location // of TimeZone, where it has been looked up
}

// Person is somebody invited.
type Person struct {
	// Key tells people apart: the address of whoever is a user, else the e-mail address in lower case.
	Key   string              `json:"key"`
	Email string              `json:"email,omitempty"`
	Name  string              `json:"name,omitempty"`
	Role  portal.AttendeeRole `json:"role"`
	// Response is their answer, Word a mark that differs where their comment or proposal does.
	Response portal.Response `json:"response,omitempty"`
	Word     string          `json:"word,omitempty"`
	// Via says why Exchange's list does not have them; Answered when we answered in their mailbox, as they had in CRM.
	Via      string    `json:"via,omitempty"`
	Answered time.Time `json:"answered,omitzero"`
	List     bool      `json:"list,omitempty"`
}

// Why an attendee stands in CRM's list alone.
const (
	// ViaCRM: their diary is in CRM, or nobody knows where to write to them.
	ViaCRM = "crm"
	// ViaCopy: they have a copy of a meeting that does not name them: it came through a distribution list, or was forwarded.
	ViaCopy = "copy"
	// ViaRemoved: one side took them off the list; a copy of theirs that is still known is about to be cancelled. It stands in what was
	// agreed alone.
	ViaRemoved = "removed"
)

// File is an attachment. Servers count the size in different ways, so it only says something beside another one of the same side.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Hash is the SHA-256 in hexadecimal where it is known (in CRM), Ref the attachment's ID on its side.
	Hash string `json:"hash,omitempty"`
	Ref  string `json:"ref,omitempty"`
	Type string `json:"type,omitempty"`
}

// Agreed is an appointment as both sides had it when they were last in step: each side's own, since rules and servers may make them
// differ. It is what SyncPair.Agreed holds.
type Agreed struct {
	CRM, Exchange Content
}

// stamp is how occurrences are named in a Content.
const stamp = "20060102T150405Z"

// Stamp names an occurrence by its RecurrenceID; ParseStamp is the opposite.
func Stamp(t time.Time) string { return t.UTC().Format(stamp) }

// ParseStamp reads what Stamp wrote.
func ParseStamp(s string) (time.Time, error) { return time.Parse(stamp, s) }
