package ews

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Files of entries: read, hung on, taken off.

// maxAttachment is the largest file that goes out or in, in bytes. Exchange's own limit is lower as a rule.
const maxAttachment = 25 << 20

// AttachmentData gives the bytes of a file and what it is. The caller closes the reader.
func (c *Connector) AttachmentData(ctx context.Context, reader, owner portal.Address, attachmentID string) (data io.ReadCloser, about portal.Attachment, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		mime := true
		res, err := a.GetAttachment(ctx, a.as, &soap.GetAttachment{Shape: &soap.AttachmentShape{IncludeMimeContent: &mime},
			IDs: []soap.AttachmentRef{{ID: attachmentID}}})
		var m *soap.AttachmentMessage
		if err == nil {
			m, err = one(res.Messages)
		}
		if err != nil {
			return err
		}
		if len(m.Attachments) == 0 {
			return portal.Fail(portal.ErrNotFound, "exchange.not-found")
		}
		content, at, err := contentOf(&m.Attachments[0])
		if err != nil {
			return err
		}
		at.ID = attachmentID
		data, about = io.NopCloser(bytes.NewReader(content)), at
		return nil
	})
	return data, about, err
}

func contentOf(a *soap.Attachment) ([]byte, portal.Attachment, error) {
	switch {
	case a.File != nil:
		return a.File.Content, portal.Attachment{Name: line(a.File.Name), ContentType: a.File.ContentType, Size: int64(len(a.File.Content))}, nil
	case a.Item != nil:
		if base := a.Item.Item.Base(); base != nil && base.MimeContent != nil {
			d := base.MimeContent.Data
			return d, portal.Attachment{Name: line(a.Item.Name) + ".eml", ContentType: "message/rfc822", Size: int64(len(d))}, nil
		}
	}
	return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, "exchange.attachment")
}

// Attach hangs a file on an entry. A file of the same name and size that is there already is taken for the work of an
// earlier try.
func (c *Connector) Attach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (e portal.Entry, err error) {
	if len(data) > maxAttachment {
		return e, portal.Fail(portal.ErrInvalid, "calendar.attachment-size").With("Size", strconv.Itoa(maxAttachment>>20))
	}
	if name = line(name); name == "" {
		return e, portal.Fail(portal.ErrInvalid, "calendar.attachment-name")
	}
	err = c.on(ctx, reader, owner, func(a *access) error {
		now, err := a.entry(ctx, ref.RemoteID)
		if err != nil {
			return err
		}
		had := map[string]bool{}
		for _, x := range ref.Attachments {
			had[x.ID] = true
		}
		for _, x := range now.Attachments {
			if !had[x.ID] && x.Name == name && x.Size >= int64(len(data)) {
				e = now
				return nil
			}
		}
		f := &soap.FileAttachment{Name: name, ContentType: sayable(contentType), Content: data}
		res, err := a.CreateAttachment(ctx, a.as, &soap.CreateAttachment{Parent: soap.ItemID{ID: now.RemoteID, ChangeKey: now.ChangeKey},
			Attachments: []soap.Attachment{{File: f}}})
		if err == nil {
			_, err = one(res.Messages)
		}
		if soap.Code(err) == "ErrorAttachmentSizeLimitExceeded" || soap.Code(err) == "ErrorMessageSizeExceeded" {
			return portal.Fail(portal.ErrInvalid, "calendar.attachment-size").With("Size", "").Because(err)
		}
		if err == nil {
			e, err = a.entry(ctx, ref.RemoteID)
		}
		return err
	})
	return e, err
}

// Detach takes a file off an entry; one that is gone already is no error.
func (c *Connector) Detach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (e portal.Entry, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		res, err := a.DeleteAttachment(ctx, a.as, &soap.DeleteAttachment{IDs: []soap.AttachmentRef{{ID: attachmentID}}})
		if err == nil {
			_, err = one(res.Messages)
		}
		if err != nil && !errors.Is(err, portal.ErrNotFound) && soap.Code(err) != "ErrorAttachmentNotFound" {
			return err
		}
		e, err = a.entry(ctx, ref.RemoteID)
		return err
	})
	return e, err
}
