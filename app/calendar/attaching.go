package calendar

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"portico/app/portal"
)

// Attachments are no intents: their bytes go straight to the server, which has to be there.

// MaxAttachment is the size of the largest file that can be attached, in bytes.
const MaxAttachment = 10 << 20

// Attachment opens one attachment of an appointment; the caller closes it.
func (s *Service) Attachment(ctx context.Context, me, of portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error) {
	if s.recorded(id) {
		return s.recordFile(ctx, me, of, id, attachment)
	}
	a, err := s.Get(ctx, me, of, id)
	if err != nil {
		return nil, portal.Attachment{}, err
	}
	at := slices.IndexFunc(a.Attachments, func(f portal.Attachment) bool { return f.ID == attachment })
	if at < 0 || a.Masked { // only what stands at an appointment that the reader may see
		return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	// The answer is read by the caller: its time is the caller's.
	return s.x.AttachmentData(ctx, me, of, attachment)
}

// Attach adds a file, at most MaxAttachment bytes, to a single appointment or a series.
func (s *Service) Attach(ctx context.Context, me, of portal.Address, id, name, contentType string, data []byte) (portal.Appointment, error) {
	name = strings.TrimSpace(name)
	if len(data) > MaxAttachment {
		return portal.Appointment{}, bad("calendar.attachment-large")
	}
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "/\\\x00\r\n") {
		return portal.Appointment{}, bad("calendar.attachment-name")
	}
	if s.recorded(id) {
		return s.recordFiles(ctx, me, of, id, func() (portal.CRMAppointment, error) { return s.o.CRM.Attach(ctx, of, id, name, contentType, data) })
	}
	return s.directly(ctx, me, of, id, func(ctx context.Context, ref portal.Entry) (portal.Entry, error) {
		return s.x.Attach(ctx, me, of, ref, name, contentType, data)
	})
}

// Detach takes a file away.
func (s *Service) Detach(ctx context.Context, me, of portal.Address, id, attachment string) (portal.Appointment, error) {
	if s.recorded(id) {
		return s.recordFiles(ctx, me, of, id, func() (portal.CRMAppointment, error) { return s.o.CRM.Detach(ctx, of, id, attachment) })
	}
	return s.directly(ctx, me, of, id, func(ctx context.Context, ref portal.Entry) (portal.Entry, error) {
		if !slices.ContainsFunc(ref.Attachments, func(f portal.Attachment) bool { return f.ID == attachment }) {
			return ref, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		return s.x.Detach(ctx, me, of, ref, attachment)
	})
}

// directly changes an entry on the server while its owner waits; one that waits to be sent itself cannot be.
func (s *Service) directly(ctx context.Context, me, of portal.Address, id string, do func(context.Context, portal.Entry) (portal.Entry, error)) (portal.Appointment, error) {
	l, release, err := s.openHeld(me, of)
	if err != nil {
		return portal.Appointment{}, err
	}
	defer release()
	entry, _ := portal.SplitOccurrenceID(id)
	k, err := s.s.CalendarEntry(ctx, l.key, entry)
	if errors.Is(err, portal.ErrNotFound) {
		if _, pending := s.get(ctx, l.key, entry); pending == nil {
			return portal.Appointment{}, portal.Fail(portal.ErrUnavailable, "calendar.not-sent")
		}
	}
	if err != nil {
		return portal.Appointment{}, err
	}
	now := k.Appointment
	if s.mask(l.key, &now); now.Masked { // nobody changes what they may not read
		return portal.Appointment{}, portal.Fail(portal.ErrForbidden, keyForbidden)
	}
	var e portal.Entry
	if err := s.ask(ctx, func(ctx context.Context) (err error) {
		e, err = do(ctx, k.Entry)
		return err
	}); err != nil {
		return portal.Appointment{}, err
	}
	done, err := l.edits.take(ctx)
	if err != nil {
		return portal.Appointment{}, err
	}
	defer done()
	fresh, err := l.changed(ctx, k, e)
	if err != nil {
		return portal.Appointment{}, err
	}
	if err := s.s.EndIntents(ctx, l.key, nil, fresh, nil, l.event(k.ID, portal.Updated)); err != nil {
		return portal.Appointment{}, err
	}
	l.ask()
	return s.get(ctx, l.key, id)
}
