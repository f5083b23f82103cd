package crm

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"portico/app/portal"
)

// Attach adds a file, at most MaxAttachment bytes, to a record; of a series to all of it.
func (s *Service) Attach(ctx context.Context, me portal.Address, id, name, contentType string, data []byte) (portal.CRMAppointment, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "/\\\x00\r\n") || !written(name) {
		return portal.CRMAppointment{}, bad("calendar.attachment-name")
	}
	if len(data) > MaxAttachment {
		return portal.CRMAppointment{}, bad("calendar.attachment-large")
	}
	r, err := s.named(ctx, me, id)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if err := s.mayChange(&r, me); err != nil { // before anything is kept
		return portal.CRMAppointment{}, err
	}
	f, err := s.Keep(ctx, name, contentType, data)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	return s.edit(ctx, me, id, "", func(e *edit) error {
		if err := s.mayChange(&e.is, me); err != nil {
			return err
		}
		if len(e.is.Kept) >= MaxFiles {
			return bad("crm.files-many")
		}
		e.is.Kept, e.quiet = append(e.is.Kept, f), true
		return nil
	})
}

// Detach takes a file away.
func (s *Service) Detach(ctx context.Context, me portal.Address, id, attachment string) (portal.CRMAppointment, error) {
	return s.edit(ctx, me, id, "", func(e *edit) error {
		if err := s.mayChange(&e.is, me); err != nil {
			return err
		}
		at := slices.IndexFunc(e.is.Kept, func(f portal.CRMFile) bool { return f.ID == attachment })
		if at < 0 {
			return portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		e.is.Kept, e.quiet = slices.Delete(e.is.Kept, at, at+1), true
		return nil
	})
}

// Attachment opens a file of a record that me takes part in or may change; the caller closes it.
func (s *Service) Attachment(ctx context.Context, me portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error) {
	r, err := s.seen(ctx, me, id)
	if err != nil {
		return nil, portal.Attachment{}, err
	}
	if err := s.mayJoin(&r, me); err != nil {
		return nil, portal.Attachment{}, err
	}
	at := slices.IndexFunc(r.Kept, func(f portal.CRMFile) bool { return f.ID == attachment })
	if at < 0 {
		return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	data, err := s.s.CRMFile(ctx, r.Kept[at].Hash)
	if err != nil {
		return nil, portal.Attachment{}, known(err, keyConflict, keyNotFound)
	}
	return io.NopCloser(bytes.NewReader(data)), r.Kept[at].Attachment, nil
}
