package calsync

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// CRM is the CRM side of the synchronisation. The embedded store behind package crm satisfies it; another CRM can.
// Errors have the house's meanings; ErrUnavailable and ErrTooMany are not final.
type CRM interface {
	// Changes gives up to limit lines of the CRM's change log after a number, by number.
	Changes(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error)
	// Changed is closed at the next change after it was asked for: a doorbell.
	Changed() <-chan struct{}
	// Record gives an appointment; one that was deleted has Gone. RecordByUID gives a living one.
	Record(ctx context.Context, id string) (portal.CRMAppointment, error)
	RecordByUID(ctx context.Context, uid string) (portal.CRMAppointment, error)
	// Alike gives the living records of an owner with these times and this subject (spaces and case aside).
	Alike(ctx context.Context, owner portal.Address, subject string, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error)
	// RecordsOf gives the living records that somebody owns or takes part in.
	RecordsOf(ctx context.Context, who portal.Address) ([]portal.CRMAppointment, error)
	// Put stores a record as the synchronisation's work: Revision is the one it was made from (0: new), a stale one is
	// ErrConflict. alert: people who take part are told as of a change by hand.
	Put(ctx context.Context, a portal.CRMAppointment, alert bool) (portal.CRMAppointment, error)
	// Marked tells those who look at records that their way to Exchange got as far as a state. Records that are no more are left out.
	Marked(ctx context.Context, ids []string, st portal.SyncState) error
	// File gives the bytes of a file of a record; Keep stores bytes and gives what to put into Kept.
	File(ctx context.Context, hash string) ([]byte, error)
	Keep(ctx context.Context, name, contentType string, data []byte) (portal.CRMFile, error)

	Users(ctx context.Context) ([]portal.CRMUser, error)
	PutUsers(ctx context.Context, list []portal.CRMUser, by string) ([]portal.CRMUser, error)
}

// Exchange is the Exchange side, by the mailbox's owner: the synchronisation acts on their behalf. Errors are as in
// calendar.Exchange: ErrUnavailable and ErrTooMany are not final (RetryAfter where it was said) and may have been done;
// every other meaning is final and says that nothing was done. ErrConflict: the entry is no longer what ref's ChangeKey says.
type Exchange interface {
	Changes(ctx context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error)
	Entry(ctx context.Context, reader, owner portal.Address, remoteID string) (portal.Entry, error)
	Find(ctx context.Context, reader, owner portal.Address, changeID string) (portal.Entry, bool, error)
	Create(ctx context.Context, reader, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (portal.Entry, error)
	Update(ctx context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error)
	// Remove takes an entry away, or one occurrence where that is not zero. quiet: nobody is told.
	Remove(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string, quiet bool) error
	Respond(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, r portal.Response, comment string, propose portal.Proposal, send bool) error
	Attach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error)
	Detach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (portal.Entry, error)
	AttachmentData(ctx context.Context, reader, owner portal.Address, attachmentID string) (io.ReadCloser, portal.Attachment, error)
	// Watch is the whole set of mailboxes whose bell is wanted; it does not block.
	Watch(people []portal.Address)
	// Identity gives who somebody is in Exchange and on which configured server their mailbox lives; ErrNotFound: no server has it.
	Identity(ctx context.Context, who portal.Address, email string) (id, server string, err error)
	// CheckMailbox opens somebody's calendar on a server by name: nil, or why that does not work. Check signs in to a server.
	CheckMailbox(ctx context.Context, server string, who portal.Address) error
	Check(ctx context.Context, server string) error
}

// Mail is the way out for e-mail to administrators.
type Mail interface {
	Send(ctx context.Context, to, subject, body string) error
}
