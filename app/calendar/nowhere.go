package calendar

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// nowhere is the Exchange of a portal that has none, where CRM alone keeps calendars: nobody has a mailbox.
type nowhere struct{}

func none() error { return portal.Fail(portal.ErrNotFound, keyNone) }

func (nowhere) Changes(context.Context, portal.Address, portal.Address, string) (portal.CalendarDelta, error) {
	return portal.CalendarDelta{}, none()
}

func (nowhere) Entry(context.Context, portal.Address, portal.Address, string) (portal.Entry, error) {
	return portal.Entry{}, none()
}

func (nowhere) Find(context.Context, portal.Address, portal.Address, string) (portal.Entry, bool, error) {
	return portal.Entry{}, false, none()
}

func (nowhere) Create(context.Context, portal.Address, portal.Address, portal.Appointment, portal.WriteOptions) (portal.Entry, error) {
	return portal.Entry{}, none()
}

func (nowhere) Update(context.Context, portal.Address, portal.Address, portal.Entry, portal.AppointmentChange, portal.WriteOptions) (portal.Entry, error) {
	return portal.Entry{}, none()
}

func (nowhere) Delete(context.Context, portal.Address, portal.Address, portal.Entry, time.Time, string) error {
	return none()
}

func (nowhere) Respond(context.Context, portal.Address, portal.Address, portal.Entry, time.Time, portal.Response, string, portal.Proposal, bool) error {
	return none()
}

func (nowhere) Forward(context.Context, portal.Address, portal.Address, portal.Entry, time.Time, []portal.Attendee, string) error {
	return none()
}

func (nowhere) Availability(_ context.Context, _ portal.Address, emails []string, _, _ time.Time) ([]portal.Availabilities, error) {
	rows := make([]portal.Availabilities, len(emails))
	for i := range rows {
		rows[i] = portal.Availabilities{Email: emails[i], Error: keyNone}
	}
	return rows, nil
}

func (nowhere) Suggestions(context.Context, portal.Address, []portal.Attendee, time.Time, time.Time, time.Duration) ([]portal.Suggestion, error) {
	return nil, none()
}

func (nowhere) OutOfOffice(context.Context, portal.Address) (portal.OutOfOfficeNote, error) {
	return portal.OutOfOfficeNote{State: "disabled", Audience: "none"}, nil
}

func (nowhere) SetOutOfOffice(context.Context, portal.Address, portal.OutOfOfficeNote) error {
	return none()
}

func (nowhere) Tips(context.Context, portal.Address, []string) (map[string]portal.OutOfOfficeNote, error) {
	return nil, nil
}

func (nowhere) Resolve(context.Context, portal.Address, string) ([]portal.Attendee, error) {
	return nil, nil
}

func (nowhere) Expand(context.Context, portal.Address, string) ([]portal.Attendee, error) {
	return nil, none()
}

func (nowhere) Rooms(context.Context, portal.Address) ([]portal.Attendee, error) { return nil, nil }

func (nowhere) Photo(context.Context, portal.Address, string) ([]byte, string, error) {
	return nil, "", none()
}

func (nowhere) Delegates(context.Context, portal.Address) ([]portal.Delegate, error) { return nil, nil }

func (nowhere) AttachmentData(context.Context, portal.Address, portal.Address, string) (io.ReadCloser, portal.Attachment, error) {
	return nil, portal.Attachment{}, none()
}

func (nowhere) Attach(context.Context, portal.Address, portal.Address, portal.Entry, string, string, []byte) (portal.Entry, error) {
	return portal.Entry{}, none()
}

func (nowhere) Detach(context.Context, portal.Address, portal.Address, portal.Entry, string) (portal.Entry, error) {
	return portal.Entry{}, none()
}

func (nowhere) Watch([]portal.Address) {}
