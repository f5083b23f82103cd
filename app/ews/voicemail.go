package ews

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Voice mail: messages of their own classes in the Inbox, which a search folder shows together. Their callers, lengths
// and recordings are in properties that Unified Messaging writes.

// The properties of voice messages that have no field of their own.
var (
	tagVoiceSeconds = soap.TaggedProperty(0x6801, "Integer") // PidTagVoiceMessageDuration
	tagVoiceSender  = soap.TaggedProperty(0x6803, "String")  // PidTagVoiceMessageSenderName
	tagVoiceOrder   = soap.TaggedProperty(0x6805, "String")  // PidTagVoiceMessageAttachmentOrder
	callbackNumber  = soap.NamedProperty("UnifiedMessaging", "PstnCallbackTelephoneNumber", "String")
)

const (
	// voiceClass is what the classes of all voice messages hold, protected ones and spoken replies too.
	voiceClass      = ".Microsoft.Voicemail"
	protectedClass  = "IPM.Note.rpmsg."
	maxVoicemails   = 500 // the newest of a folder
	voicemailPage   = 100
	maxVoiceText    = 16 << 10
	maxHeardKnown   = 50_000 // remembered of all mailboxes
	maxVoiceSeconds = 24 * 60 * 60
)

// heardMail is a voice message as it was read, to be read again when its change key differs.
type heardMail struct {
	changeKey string
	mail      portal.Voicemail
}

// Voicemails lists the voice messages of the owner's mailbox, newest first, at most 500.
func (c *Connector) Voicemails(ctx context.Context, owner portal.Address) (list []portal.Voicemail, err error) {
	err = c.on(ctx, owner, owner, func(a *access) error {
		rows, err := a.voiceRows(ctx)
		if err != nil {
			return err
		}
		list, err = a.voiceDetails(ctx, rows)
		return err
	})
	return list, err
}

// voiceRow is a voice message as a folder lists it.
type voiceRow struct {
	id    soap.ItemID
	at    time.Time
	heard bool
}

// voiceRows lists what is in the Inbox and, where there is one, in the voice mail folder, each message once.
func (a *access) voiceRows(ctx context.Context) ([]voiceRow, error) {
	rows, err := a.voiceRowsOf(ctx, "inbox")
	if err != nil {
		return nil, err
	}
	if !a.c.noted.lacksVoice(a.email) {
		more, err := a.voiceRowsOf(ctx, voicemailName)
		switch {
		case vanished(err):
			a.c.noted.setLacksVoice(a.email)
		case err != nil:
			return nil, err
		}
		rows = append(rows, more...)
	}
	seen := map[string]bool{}
	rows = slices.DeleteFunc(rows, func(r voiceRow) bool {
		was := seen[r.id.ID]
		seen[r.id.ID] = true
		return was
	})
	slices.SortStableFunc(rows, func(x, y voiceRow) int { return y.at.Compare(x.at) })
	return rows[:min(len(rows), maxVoicemails)], nil
}

func (a *access) voiceRowsOf(ctx context.Context, folder string) ([]voiceRow, error) {
	shape := idShape()
	shape.AdditionalProperties = soap.Fields("item:ItemClass", "item:DateTimeReceived", "item:DateTimeCreated", "message:IsRead")
	req := &soap.FindItem{Traversal: "Shallow", Shape: shape, Restriction: soap.Where(soap.Contains(soap.Field("item:ItemClass"), voiceClass, "Substring")),
		Sort: []soap.FieldOrder{soap.OrderBy(soap.Field("item:DateTimeReceived"), true)}, Parents: []soap.FolderRef{a.folder(folder)}}
	var rows []voiceRow
	for offset := 0; offset < maxVoicemails; offset += voicemailPage {
		req.Page = soap.Page(offset, voicemailPage)
		res, err := a.FindItem(ctx, a.as, req)
		if err != nil {
			return nil, err
		}
		m, err := one(res.Messages)
		if err != nil {
			return nil, err
		}
		if m.Root == nil {
			break
		}
		for i := range m.Root.Items {
			it := &m.Root.Items[i]
			base := it.Base()
			if base == nil || it.ID().ID == "" || !isVoiceClass(base.ItemClass) {
				continue // a server that does not know the restriction
			}
			rows = append(rows, voiceRow{id: it.ID(), at: received(base), heard: it.Message != nil && soap.Is(it.Message.IsRead)})
		}
		if len(m.Root.Items) < voicemailPage || soap.Is(m.Root.IncludesLast) {
			break
		}
	}
	return rows, nil
}

func isVoiceClass(class string) bool {
	return strings.Contains(strings.ToLower(class), strings.ToLower(voiceClass))
}

// voiceDetails reads the messages of a list, those that are known as they are from memory.
func (a *access) voiceDetails(ctx context.Context, rows []voiceRow) ([]portal.Voicemail, error) {
	known := a.c.noted.heardOf(a.email)
	var fresh []string
	for _, r := range rows {
		if k, ok := known[r.id.ID]; !ok || k.changeKey != r.id.ChangeKey || r.id.ChangeKey == "" {
			fresh = append(fresh, r.id.ID)
		}
	}
	got, err := a.messages(ctx, fresh, voiceFields(), "Best")
	if err != nil {
		return nil, err
	}
	v, now := a.voice(ctx), map[string]heardMail{}
	list := make([]portal.Voicemail, 0, len(rows))
	for _, r := range rows {
		m, ok := known[r.id.ID]
		if it := got[r.id.ID]; it != nil {
			m, ok = heardMail{r.id.ChangeKey, voicemailOf(v, it)}, true
		}
		if !ok {
			continue // gone meanwhile, or not to be understood
		}
		m.mail.Heard, m.mail.ChangeKey = r.heard, r.id.ChangeKey
		now[r.id.ID] = m
		list = append(list, m.mail)
	}
	a.c.noted.setHeard(a.email, now)
	return list, nil
}

// heardOf and setHeard are the voice messages of a mailbox as they were listed last.
func (b *noteBook) heardOf(email string) map[string]heardMail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(email).heard // never changed, only replaced
}

func (b *noteBook) setHeard(email string, heard map[string]heardMail) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(email)
	if b.known += len(heard) - len(p.heard); b.known > maxHeardKnown { // all are read again in time
		for _, o := range b.by {
			o.heard = nil
		}
		b.known = len(heard)
	}
	p.heard = heard
}

// voiceFields are the properties of a voice message.
func voiceFields() []soap.Path {
	return append(soap.Fields("item:ItemClass", "item:Subject", "item:Body", "item:Attachments", "item:DateTimeReceived", "item:DateTimeCreated",
		"message:From", "message:Sender", "message:IsRead"),
		tagVoiceSeconds, tagVoiceSender, tagVoiceOrder, tagSenderNumber, callbackNumber, tagRepresented)
}

// voicemailOf reads an item as a voice message.
func voicemailOf(v voice, it *soap.AnyItem) portal.Voicemail {
	base := it.Base()
	m := portal.Voicemail{At: received(base), Protected: strings.HasPrefix(strings.ToLower(base.ItemClass), strings.ToLower(protectedClass))}
	if base.ItemID != nil {
		m.ID, m.ChangeKey = base.ItemID.ID, base.ItemID.ChangeKey
	}
	said := func(p soap.Path) string { s, _ := base.Extended(p); return line(s) }
	if n, err := strconv.Atoi(said(tagVoiceSeconds)); err == nil && n > 0 && n <= maxVoiceSeconds {
		m.Seconds = n
	}
	var from portal.NoteParty
	if msg := it.Message; msg != nil {
		m.Heard, from = soap.Is(msg.IsRead), senderOf(v, msg)
	}
	for _, name := range []string{said(tagVoiceSender), from.Name, said(tagRepresented)} {
		if m.Name == "" {
			m.Name = name
		}
	}
	if m.Number = said(tagSenderNumber); m.Number == "" {
		m.Number = said(callbackNumber)
	}
	if from.Email != "" {
		m.From = v.person(from.Email)
	}
	text, _ := body(base.Body)
	m.Text = cut(text, maxVoiceText)
	if f := recordingOf(base); f != nil && !m.Protected {
		m.Attachment, m.Size, m.Type = f.AttachmentID.ID, int64(max(soap.Int(f.Size), 0)), audioType(f, nil)
	}
	return m
}

// MarkHeard marks a voice message heard, which its other programs show as read, or not.
func (c *Connector) MarkHeard(ctx context.Context, owner portal.Address, id string, heard bool) error {
	return c.on(ctx, owner, owner, func(a *access) error {
		_, err := a.rewrite(ctx, soap.ItemID{ID: id}, []soap.Update{
			soap.Set(soap.Field("message:IsRead"), soap.AnyItem{Message: &soap.Message{IsRead: &heard}})})
		if gone(err) {
			return missing(err)
		}
		return err
	})
}

// DeleteVoicemail puts a voice message into Deleted Items; one that is gone already is no error.
func (c *Connector) DeleteVoicemail(ctx context.Context, owner portal.Address, id string) error {
	return c.on(ctx, owner, owner, func(a *access) error {
		if err := a.takeAway(ctx, id, soap.MoveToDeletedItems); err != nil && !gone(err) {
			return err
		}
		return nil
	})
}
