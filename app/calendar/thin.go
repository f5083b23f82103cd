package calendar

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// Service is the calendars of all people of the portal. Its methods may be called from any goroutine.
type Service struct {
	x Exchange
	s Store
	o Options
}

// New makes the service; nothing is asked of the server before Run. x may be nil: no Exchange is configured,
// and everything that needs one is ErrUnavailable "calendar.none".
func New(x Exchange, s Store, o Options) *Service { return &Service{x: x, s: s, o: o.withDefaults()} }

func none() error { return portal.Fail(portal.ErrUnavailable, "calendar.none") }

// Run serves until ctx is done: it resumes the intents of before, reads open calendars, reminds. It returns
// nil when everything that it started has ended.
func (s *Service) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// SignedIn opens somebody's own calendar and those beside it, and begins to remind them.
func (s *Service) SignedIn(ctx context.Context, who portal.Address) {}

// SignedOut is told when the last sign-in of somebody has ended.
func (s *Service) SignedOut(who portal.Address) {}

// Rang is the doorbell: something changed in the mailbox. It does not block.
func (s *Service) Rang(mailbox portal.Address) {}

// Reached: the mailbox's bell works (again). It does not block.
func (s *Service) Reached(mailbox portal.Address) {}

// Lost: the mailbox's bell is out of order, err says why. It does not block.
func (s *Service) Lost(mailbox portal.Address, err error) {}

// Status is whether the person's mailbox can be reached, and how many of their changes wait or failed.
func (s *Service) Status(ctx context.Context, me portal.Address) (portal.ExchangeEvent, error) {
	return portal.ExchangeEvent{}, none()
}

// Between is what of the calendar of touches from ≤ t < to; loc is the viewer's zone, by whose days all-day ones count.
func (s *Service) Between(ctx context.Context, me, of portal.Address, from, to time.Time, loc *time.Location) (View, error) {
	return View{}, none()
}

// Get is one appointment; of a series' ID the master, of an occurrence's ID (portal.OccurrenceID) that occurrence.
func (s *Service) Get(ctx context.Context, me, of portal.Address, id string) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// Create makes an appointment. a.ID may be chosen by the caller (1 to 64 letters, digits, "-" and "_"): a repeat with the same ID gives what is there.
func (s *Service) Create(ctx context.Context, me, of portal.Address, a portal.Appointment) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// Change changes an appointment. id may be an occurrence's: then ch.Scope says how much of the series is meant
// (empty: one) and the times in ch are those of that occurrence. version is the one the change was made from: a stale one is
// ErrConflict, an empty one is not compared.
func (s *Service) Change(ctx context.Context, me, of portal.Address, id string, ch portal.AppointmentChange, version string) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// Delete takes an appointment away; the organiser of a meeting cancels it, comment goes with the cancellation.
func (s *Service) Delete(ctx context.Context, me, of portal.Address, id, version, comment string, scope portal.Scope) error {
	return none()
}

// Respond answers an invitation; p proposes another time (the zero value none).
func (s *Service) Respond(ctx context.Context, me, of portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// Forward passes an invitation on.
func (s *Service) Forward(ctx context.Context, me, of portal.Address, id string, to []portal.Attendee, comment string) error {
	return none()
}

// Retry sends the changes of an entry that the server refused once more.
func (s *Service) Retry(ctx context.Context, me, of portal.Address, id string) error { return none() }

// Discard gives up the changes of an entry that the server refused or that wait: the entry is as the server has it.
func (s *Service) Discard(ctx context.Context, me, of portal.Address, id string) error { return none() }

// Conflicts are the person's appointments that take time between from and to; except is an ID that does not count.
func (s *Service) Conflicts(ctx context.Context, me portal.Address, from, to time.Time, except string) ([]portal.Appointment, error) {
	return nil, none()
}

// Plan gives everybody's free/busy and the best times.
func (s *Service) Plan(ctx context.Context, me portal.Address, r PlanRequest) (Plan, error) {
	return Plan{}, none()
}

// Responses are the answers to one meeting: one's own, or one that Overview shows.
func (s *Service) Responses(ctx context.Context, me portal.Address, id string) (Responses, error) {
	return Responses{}, none()
}

// Overview is the coming meetings with their answers.
func (s *Service) Overview(ctx context.Context, me portal.Address, f Filter) (Overview, error) {
	return Overview{}, none()
}

// Looked notes that the person has now seen the answers.
func (s *Service) Looked(ctx context.Context, me portal.Address) error { return none() }

// OutOfOffice is the person's automatic reply.
func (s *Service) OutOfOffice(ctx context.Context, me portal.Address) (portal.OutOfOfficeNote, error) {
	return portal.OutOfOfficeNote{}, none()
}

// SetOutOfOffice sets the person's automatic reply.
func (s *Service) SetOutOfOffice(ctx context.Context, me portal.Address, note portal.OutOfOfficeNote) error {
	return none()
}

// Resolve finds people, lists and rooms by what somebody typed.
func (s *Service) Resolve(ctx context.Context, me portal.Address, text string) ([]portal.Attendee, error) {
	return nil, none()
}

// Expand gives the members of a distribution list.
func (s *Service) Expand(ctx context.Context, me portal.Address, email string) ([]portal.Attendee, error) {
	return nil, none()
}

// Rooms gives the meeting rooms.
func (s *Service) Rooms(ctx context.Context, me portal.Address) ([]portal.Attendee, error) {
	return nil, none()
}

// Photo is the picture of an e-mail address; ErrNotFound where there is none.
func (s *Service) Photo(ctx context.Context, me portal.Address, email string) (data []byte, contentType string, err error) {
	return nil, "", none()
}

// Attachment opens one attachment of an appointment; the caller closes it.
func (s *Service) Attachment(ctx context.Context, me, of portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error) {
	return nil, portal.Attachment{}, none()
}

// Attach adds a file, at most MaxAttachment bytes.
func (s *Service) Attach(ctx context.Context, me, of portal.Address, id, name, contentType string, data []byte) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// Detach takes a file away.
func (s *Service) Detach(ctx context.Context, me, of portal.Address, id, attachment string) (portal.Appointment, error) {
	return portal.Appointment{}, none()
}

// MaxAttachment is the size of the largest file that can be attached, in bytes.
const MaxAttachment = 10 << 20

// Reminders are the person's reminders that are due and not dismissed, by start.
func (s *Service) Reminders(ctx context.Context, me portal.Address) ([]portal.ReminderEvent, error) {
	return nil, none()
}

// Dismiss ends a reminder in all of the person's tabs.
func (s *Service) Dismiss(ctx context.Context, me portal.Address, id string) error { return none() }

// Snooze silences a reminder for d (1 minute to 14 days).
func (s *Service) Snooze(ctx context.Context, me portal.Address, id string, d time.Duration) error {
	return none()
}

// Export writes what touches from ≤ t < to (series whole) as iCalendar.
func (s *Service) Export(ctx context.Context, me, of portal.Address, from, to time.Time) ([]byte, error) {
	return nil, none()
}

// ExportOne writes one appointment, of a series all of it, as iCalendar.
func (s *Service) ExportOne(ctx context.Context, me, of portal.Address, id string) ([]byte, error) {
	return nil, none()
}

// ImportResult is what became of an imported file.
type ImportResult struct {
	// Added are new entries; Present those whose UID is there already; Refused those that cannot be kept, each with why.
	Added   int
	Present int
	Refused []Refusal
}

// Refusal is an imported entry that was not taken.
type Refusal struct {
	Subject string
	// Reason is a catalogue key.
	Reason string
}

// Import adds the appointments of an iCalendar file to the person's own calendar. Nobody is ever mailed: people who were invited are
// kept in the text, not as attendees. At most MaxImport bytes.
func (s *Service) Import(ctx context.Context, me portal.Address, data []byte) (ImportResult, error) {
	return ImportResult{}, none()
}

// MaxImport is the size of the largest file that can be imported, in bytes.
const MaxImport = 8 << 20

// Link tells whether the person has a subscribe address and since when; ErrNotFound where they have none. Its token cannot be read again.
func (s *Service) Link(ctx context.Context, me portal.Address) (portal.CalendarLink, error) {
	return portal.CalendarLink{}, none()
}

// NewLink makes a subscribe address in place of the one before and gives its token.
func (s *Service) NewLink(ctx context.Context, me portal.Address) (token string, err error) {
	return "", none()
}

// RevokeLink ends the subscribe address.
func (s *Service) RevokeLink(ctx context.Context, me portal.Address) error { return none() }

// Subscribed is the calendar of a subscribe address as iCalendar; ErrNotFound for a token that is none (any more).
func (s *Service) Subscribed(ctx context.Context, token string) ([]byte, error) { return nil, none() }

// Shared are the calendars that the person looks at beside their own.
func (s *Service) Shared(ctx context.Context, me portal.Address) ([]portal.CalendarRef, error) {
	return nil, none()
}

// AddShared puts a calendar beside one's own, or changes whether it is shown.
func (s *Service) AddShared(ctx context.Context, me, owner portal.Address, shown bool) error {
	return none()
}

// RemoveShared takes it away again.
func (s *Service) RemoveShared(ctx context.Context, me, owner portal.Address) error { return none() }

// OverviewCalendar writes the meetings of an overview as iCalendar.
func (s *Service) OverviewCalendar(o Overview) ([]byte, error) { return nil, none() }
