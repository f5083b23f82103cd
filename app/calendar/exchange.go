package calendar

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// Exchange is the calendar server. Reader is on whose behalf it is asked, owner whose mailbox is meant.
//
// Errors have the house's meanings: ErrUnavailable (and ErrTooMany) is not final, the same may be asked
// again (RetryAfter where it was said) and may have been done; every other meaning is final and says
// that nothing was done. ErrConflict: the entry is no longer what ref's ChangeKey says.
type Exchange interface {
	// Changes gives what changed since state; empty: everything. ErrForbidden: the reader has no right on it.
	Changes(ctx context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error)
	Entry(ctx context.Context, reader, owner portal.Address, remoteID string) (portal.Entry, error)
	// Find finds what an earlier Create with this stamp made, after an answer that never came.
	Find(ctx context.Context, reader, owner portal.Address, changeID string) (portal.Entry, bool, error)
	Create(ctx context.Context, reader, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (portal.Entry, error)
	// Update changes only what ch names, where the entry still is as ref.ChangeKey says; with ScopeOne the occurrence.
	Update(ctx context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error)
	// Delete takes an entry or, where occurrence is set, one occurrence away: the organiser of a meeting cancels it.
	Delete(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string) error
	Respond(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, r portal.Response, comment string, propose portal.Proposal, send bool) error
	Forward(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, to []portal.Attendee, comment string) error

	// Availability asks for any number of mailboxes; the answers are in the order of the question.
	Availability(ctx context.Context, asker portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error)
	Suggestions(ctx context.Context, asker portal.Address, attendees []portal.Attendee, from, to time.Time, length time.Duration) ([]portal.Suggestion, error)
	OutOfOffice(ctx context.Context, who portal.Address) (portal.OutOfOfficeNote, error)
	SetOutOfOffice(ctx context.Context, who portal.Address, note portal.OutOfOfficeNote) error
	// Tips gives the automatic replies that others may know, by e-mail address in lower case.
	Tips(ctx context.Context, asker portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error)
	Resolve(ctx context.Context, who portal.Address, text string) ([]portal.Attendee, error)
	Expand(ctx context.Context, who portal.Address, email string) ([]portal.Attendee, error)
	Rooms(ctx context.Context, who portal.Address) ([]portal.Attendee, error)
	Photo(ctx context.Context, who portal.Address, email string) (data []byte, contentType string, err error)
	Delegates(ctx context.Context, who portal.Address) ([]portal.Delegate, error)

	AttachmentData(ctx context.Context, reader, owner portal.Address, attachmentID string) (io.ReadCloser, portal.Attachment, error)
	Attach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error)
	Detach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (portal.Entry, error)

	// Watch is the whole set of mailboxes whose bell is wanted; it does not block.
	Watch(people []portal.Address)
}

// Rights of a reader on a calendar, from most to least.
const (
	RightsOwner    = "owner"
	RightsEditor   = "editor"
	RightsReviewer = "reviewer"
	RightsFreeBusy = "freebusy"
)

// Righter is what an Exchange that can tell a reader's rights satisfies too: one of the Rights constants.
// Without it they are taken from the owner's list of delegates.
type Righter interface {
	Rights(ctx context.Context, reader, owner portal.Address) (string, error)
}

// Placer is what an Exchange satisfies too that has several servers, of which one that is slow or silent is not to keep calls from
// another: Place waits for a place at the owner's server, and release gives it back. ErrUnavailable where that server is
// known to be away. Without it all calls share Options.Workers.
type Placer interface {
	Place(ctx context.Context, owner portal.Address) (release func(), err error)
}
