package ews

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"path"
	"strconv"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Recordings of voice messages: which attachment it is, and what kind of sound, by what it begins with rather than by
// what it is called.

// Recording is the audio of a voice message with its media type. A larger one than max bytes is refused (ErrInvalid, or
// before it is asked for where its size is known), as is a protected one (ErrForbidden) and what is no sound
// (ErrNotFound).
func (c *Connector) Recording(ctx context.Context, owner portal.Address, v portal.Voicemail, max int64) (mediaType string, audio []byte, err error) {
	if v.Protected {
		return "", nil, portal.Fail(portal.ErrForbidden, "voicemail.protected")
	}
	err = c.on(ctx, owner, owner, func(a *access) error {
		var m *soap.AttachmentMessage
		var err error
		if v.Attachment != "" && (v.Size <= max || max <= 0) {
			m, err = a.attached(ctx, v.Attachment)
		}
		if m == nil && (err == nil || lostAttachment(err)) { // not known, too large, or hung on anew
			m, err = a.attachedTo(ctx, v.ID, max)
		}
		if err != nil {
			return err
		}
		if len(m.Attachments) != 1 || m.Attachments[0].File == nil {
			return portal.Fail(portal.ErrNotFound, "exchange.attachment").Because(errors.New("the recording is no file"))
		}
		f := m.Attachments[0].File
		if int64(len(f.Content)) > max && max > 0 {
			return tooLarge(max)
		}
		if mediaType = audioType(f, f.Content); mediaType == "" {
			return portal.Fail(portal.ErrNotFound, "exchange.attachment").Because(errors.New("the recording is no sound"))
		}
		audio = f.Content
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	return mediaType, audio, nil
}

func tooLarge(max int64) error {
	return portal.Fail(portal.ErrInvalid, "voicemail.too-large").Because(errors.New("the recording is larger than " + strconv.FormatInt(max, 10) + " bytes"))
}

// lostAttachment tells whether an attachment is not there under this id any more.
func lostAttachment(err error) bool {
	switch soap.Code(err) {
	case "ErrorInvalidAttachmentId", "ErrorAttachmentNotFound", "ErrorCannotOpenFileAttachment":
		return true
	}
	return gone(err)
}

// attached reads an attachment.
func (a *access) attached(ctx context.Context, id string) (*soap.AttachmentMessage, error) {
	res, err := a.GetAttachment(ctx, a.as, &soap.GetAttachment{IDs: []soap.AttachmentRef{{ID: id}}})
	if err != nil {
		return nil, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// attachedTo finds and reads the recording of a message.
func (a *access) attachedTo(ctx context.Context, id string, max int64) (*soap.AttachmentMessage, error) {
	it, err := a.message(ctx, id, append(soap.Fields("item:ItemClass", "item:Attachments"), tagVoiceOrder), "")
	if err != nil {
		return nil, err
	}
	f := recordingOf(it.Base())
	if f == nil || !isVoiceClass(it.Base().ItemClass) {
		return nil, portal.Fail(portal.ErrNotFound, "exchange.attachment").Because(errors.New("the message has no recording"))
	}
	// Sizes that servers tell hold more than the file alone.
	if size := int64(soap.Int(f.Size)); max > 0 && size > max+max/2+64<<10 {
		return nil, tooLarge(max)
	}
	return a.attached(ctx, f.AttachmentID.ID)
}

// recordingOf is the attachment that is the recording: the last that the message names (the newest, where one answers
// another), else the first that is called a sound; nil for none.
func recordingOf(it *soap.Item) *soap.FileAttachment {
	var files []*soap.FileAttachment
	for i := range it.Attachments {
		if f := it.Attachments[i].File; f != nil && f.AttachmentID != nil && f.AttachmentID.ID != "" {
			files = append(files, f)
		}
	}
	order, _ := it.Extended(tagVoiceOrder)
	names := strings.Split(order, ";")
	for i := len(names) - 1; i >= 0; i-- {
		for _, f := range files {
			if name := strings.TrimSpace(names[i]); name != "" && strings.EqualFold(strings.TrimSpace(f.Name), name) {
				return f
			}
		}
	}
	for _, f := range files {
		if audioType(f, nil) != "" {
			return f
		}
	}
	return nil
}

// soundNames are media types by the end of a file's name.
var soundNames = map[string]string{".mp3": "audio/mpeg", ".wav": "audio/wav", ".wma": "audio/x-ms-wma", ".gsm": "audio/gsm", ".m4a": "audio/mp4", ".mp4": "audio/mp4",
	".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".amr": "audio/amr", ".flac": "audio/flac", ".au": "audio/basic", ".webm": "audio/webm"}

// audioType is the media type of a recording: by its content where that is there, else by its name, else as it is called;
// "" for what is no sound.
func audioType(f *soap.FileAttachment, content []byte) string {
	if t := soundOf(content); t != "" {
		return t
	}
	if len(content) > 0 && (looksLikeText(content) || bytes.HasPrefix(content, []byte("%PDF")) || bytes.HasPrefix(content, []byte("PK\x03\x04"))) {
		return ""
	}
	if t := soundNames[strings.ToLower(path.Ext(strings.TrimSpace(f.Name)))]; t != "" {
		return t
	}
	kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(f.ContentType)), ";")
	switch kind {
	case "audio/mp3", "audio/x-mp3", "audio/mpeg3":
		return "audio/mpeg"
	case "audio/x-wav", "audio/wave", "audio/vnd.wave":
		return "audio/wav"
	case "audio/mpeg", "audio/wav", "audio/gsm", "audio/x-ms-wma", "audio/wma", "audio/mp4", "audio/aac", "audio/ogg", "audio/amr", "audio/flac", "audio/basic", "audio/webm":
		return kind
	}
	return ""
}

// soundOf knows kinds of sound by how they begin.
func soundOf(b []byte) string {
	has := func(at int, s string) bool { return len(b) >= at+len(s) && string(b[at:at+len(s)]) == s }
	switch {
	case has(0, "RIFF") && has(8, "WAVE"):
		return "audio/wav"
	case has(0, "ID3"), len(b) > 2 && b[0] == 0xff && b[1]&0xe0 == 0xe0 && b[1]&0x18 != 0x08 && b[1]&0x06 != 0:
		return "audio/mpeg"
	case len(b) > 2 && b[0] == 0xff && b[1]&0xf6 == 0xf0:
		return "audio/aac"
	case has(0, "OggS"):
		return "audio/ogg"
	case has(4, "ftyp"):
		return "audio/mp4"
	case has(0, "#!AMR"):
		return "audio/amr"
	case has(0, "fLaC"):
		return "audio/flac"
	case has(0, ".snd"):
		return "audio/basic"
	case len(b) >= 16 && binary.BigEndian.Uint64(b) == 0x3026b2758e66cf11:
		return "audio/x-ms-wma"
	case has(0, "\x1aE\xdf\xa3"):
		return "audio/webm"
	}
	return ""
}

// looksLikeText tells whether bytes are a page or other text.
func looksLikeText(b []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype")) || bytes.HasPrefix(head, []byte("<html")) || bytes.HasPrefix(head, []byte("<?xml")) || bytes.HasPrefix(head, []byte("<svg"))
}
