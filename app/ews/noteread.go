package ews

import (
	"context"
	"errors"
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Reading Conversation History: our own items and those that other programs wrote.

// noteBatch is how many items are read at once without their bodies.
const noteBatch = 50

// Notes lists the items of the owner's Conversation History, newest first, without bodies; a mailbox without that folder
// has none. They are those that were under way between q.From and q.To, with q.Peer among their people and the words of
// q.Q in their texts; q.Kind is not looked at: which items are one's own the caller knows by their stamps. A page may be
// short, or empty, and still have a next one: only an empty next means the end. A cursor that is none: ErrInvalid.
func (c *Connector) Notes(ctx context.Context, owner portal.Address, q portal.HistoryQuery) (notes []portal.ConversationNote, next string, err error) {
	at, err := parseNoteCursor(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	err = c.on(ctx, owner, owner, func(a *access) error {
		return a.inHistory(ctx, false, func(folder soap.FolderRef) error {
			s := newNoteScan(a, q, at)
			if err := s.run(ctx, folder); err != nil {
				return err
			}
			notes, next = s.found, s.next()
			return nil
		})
	})
	return notes, next, err
}

// Note is one item with its body, of at most a megabyte, as its writer left it: it has to be cleaned before it is shown.
func (c *Connector) Note(ctx context.Context, owner portal.Address, itemID string) (n portal.ConversationNote, err error) {
	err = c.on(ctx, owner, owner, func(a *access) error {
		it, err := a.message(ctx, itemID, append(noteFields(), soap.Field("item:Body")), "HTML")
		if err == nil {
			n = conversationOf(a.voice(ctx), it)
		}
		return err
	})
	return n, err
}

// noteFields are the properties of an item but its body.
func noteFields() []soap.Path {
	return append(soap.Fields("item:ItemClass", "item:Subject", "item:DateTimeReceived", "item:DateTimeSent", "item:DateTimeCreated",
		"message:From", "message:Sender", "message:ToRecipients", "message:CcRecipients", "message:IsRead"), stampNote, tagSenderNumber, tagRepresented)
}

// message reads one item.
func (a *access) message(ctx context.Context, id string, fields []soap.Path, form string) (*soap.AnyItem, error) {
	res, err := a.GetItem(ctx, a.as, &soap.GetItem{Shape: soap.ItemShape{BaseShape: soap.IDOnly, BodyType: form, AdditionalProperties: fields},
		Items: []soap.ItemRef{soap.ItemByID(id, "")}})
	if err != nil {
		return nil, err
	}
	m, err := one(res.Messages)
	switch {
	case gone(err):
		return nil, missing(err)
	case err == nil && (len(m.Items) != 1 || m.Items[0].Base() == nil):
		return nil, missing(errors.New("an answer without the item"))
	case err != nil:
		return nil, err
	}
	return &m.Items[0], nil
}

// messages reads items by their ids; those that are gone, or that the server cannot give, are left out. The error is only for what
// concerns all of them.
func (a *access) messages(ctx context.Context, ids []string, fields []soap.Path, form string) (map[string]*soap.AnyItem, error) {
	out, size := map[string]*soap.AnyItem{}, noteBatch
	if form != "" {
		size = fetchBatch
	}
	for batch := range slices.Chunk(ids, size) {
		req := &soap.GetItem{Shape: soap.ItemShape{BaseShape: soap.IDOnly, BodyType: form, AdditionalProperties: fields}}
		for _, id := range batch {
			req.Items = append(req.Items, soap.ItemByID(id, ""))
		}
		res, err := a.GetItem(ctx, a.as, req)
		if err != nil {
			return nil, err
		}
		for i, id := range batch[:min(len(batch), len(res.Messages))] {
			m := &res.Messages[i]
			err := m.Err()
			switch {
			case err == nil && len(m.Items) == 1 && m.Items[0].Base() != nil:
				out[id] = &m.Items[0]
			case err == nil, gone(err):
			case transient(err):
				return nil, err
			default:
				a.c.o.Skipped("message")
				a.c.o.Logger.Info("a message cannot be read", "mailbox", a.email, "error", err)
			}
		}
	}
	return out, nil
}

// conversationOf reads an item as a note.
func conversationOf(v voice, it *soap.AnyItem) portal.ConversationNote {
	base := it.Base()
	n := portal.ConversationNote{Class: line(base.ItemClass), Subject: line(base.Subject), HTML: noteHTML(base.Body), Read: true}
	if base.ItemID != nil {
		n.ItemID, n.ChangeKey = base.ItemID.ID, base.ItemID.ChangeKey
	}
	n.Stamp, _ = base.Extended(stampNote)
	n.Phone, _ = base.Extended(tagSenderNumber)
	n.Phone = line(n.Phone)
	n.Start, n.End = happened(base.DateTimeSent), received(base)
	if n.Start.IsZero() {
		n.Start = n.End
	}
	if n.End.Before(n.Start) {
		n.Start, n.End = n.End, n.Start
	}
	if m := it.Message; m != nil {
		n.Read = m.IsRead == nil || *m.IsRead
		n.From = senderOf(v, m)
		for _, box := range slices.Concat(m.ToRecipients, m.CcRecipients) {
			if p := partyOf(v, box); p != (portal.NoteParty{}) {
				n.To = append(n.To, p)
			}
		}
	}
	if n.From == (portal.NoteParty{}) {
		name, _ := base.Extended(tagRepresented)
		n.From.Name = line(name)
	}
	return n
}

// noteHTML is a body as HTML, cut where it is too large.
func noteHTML(b *soap.Body) string {
	switch {
	case b == nil:
		return ""
	case b.Type == "HTML":
		return cut(sayable(b.Text), maxHTML)
	}
	return htmlText(tidyText(b.Text))
}

// senderOf is who a message is from.
func senderOf(v voice, m *soap.Message) portal.NoteParty {
	for _, r := range []*soap.Recipient{m.From, m.Sender} {
		if r != nil {
			if p := partyOf(v, r.Mailbox); p != (portal.NoteParty{}) {
				return p
			}
		}
	}
	return portal.NoteParty{}
}

func partyOf(v voice, m soap.Mailbox) portal.NoteParty {
	p := portal.NoteParty{Name: line(m.Name), Email: line(v.email(m))}
	if !strings.Contains(p.Email, "@") { // of a telephone, or of nobody that mail could go to
		if p.Name == "" {
			p.Name = p.Email
		}
		p.Email = ""
	}
	return p
}
