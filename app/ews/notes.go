package ews

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Writing conversations and missed calls: each an item that its owner reads in any mail program. It carries a stamp, by
// which a repeat finds what was made although the answer was lost. What its owner deleted stays deleted.

// The properties of such items that have no field of their own.
var (
	stampNote       = soap.NamedProperty("PublicStrings", "PorticoEpisode", "String")
	tagFlags        = soap.TaggedProperty(0x0e07, "Integer")    // PidTagMessageFlags
	tagSubmitted    = soap.TaggedProperty(0x0039, "SystemTime") // PidTagClientSubmitTime
	tagDelivered    = soap.TaggedProperty(0x0e06, "SystemTime") // PidTagMessageDeliveryTime
	tagRepresented  = soap.TaggedProperty(0x0042, "String")     // PidTagSentRepresentingName
	tagSenderNumber = soap.TaggedProperty(0x6802, "String")     // PidTagSenderTelephoneNumber
)

// WriteNote creates the item in the owner's mailbox, or updates the one of n.ItemID, or where that is empty or no longer
// there one of the same Stamp. An item that was written and is gone was deleted by its owner: ErrNotFound, and nothing
// is made. An error that means ErrUnavailable may come from an item that was written: the same call again does not
// double it.
func (c *Connector) WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (itemID, changeKey string, err error) {
	release, err := c.Place(ctx, owner) // nobody waits for it
	if err != nil {
		return "", "", err
	}
	defer release()
	err = c.on(ctx, owner, owner, func(a *access) error {
		id, err := a.writeNote(ctx, n)
		itemID, changeKey = id.ID, id.ChangeKey
		return err
	})
	return itemID, changeKey, err
}

func (a *access) writeNote(ctx context.Context, n portal.ConversationNote) (id soap.ItemID, err error) {
	if n.ItemID != "" {
		id, err = a.updateNote(ctx, soap.ItemID{ID: n.ItemID, ChangeKey: n.ChangeKey}, n)
		if !gone(err) {
			return id, err
		}
		why := err
		err = a.inNotes(ctx, n.Class, false, func(folder soap.FolderRef) error {
			found, err := a.stamped(ctx, folder, n)
			if err != nil {
				return err
			}
			id = found
			return nil
		})
		if err != nil {
			return soap.ItemID{}, err
		}
		if id.ID == "" {
			return soap.ItemID{}, missing(why)
		}
		return a.updateNote(ctx, id, n)
	}
	err = a.inNotes(ctx, n.Class, true, func(folder soap.FolderRef) error {
		found, err := a.stamped(ctx, folder, n)
		switch {
		case err != nil:
			return err
		case found.ID != "":
			a.c.noted.settled(a.email, n.Stamp)
			id, err = a.updateNote(ctx, found, n)
		default:
			id, err = a.makeNote(ctx, folder, n)
		}
		return err
	})
	return id, err
}

// gone tells whether an error says that an item is no longer there.
func gone(err error) bool {
	switch soap.Code(err) {
	case "ErrorItemNotFound", "ErrorInvalidIdMalformed", "ErrorObjectTypeChanged":
		return true
	}
	return false
}

// missing is an error that says that an item is gone, whatever the server called that.
func missing(why error) error {
	return portal.Fail(portal.ErrNotFound, "exchange.not-found").Because(errors.New(why.Error()))
}

// inNotes does something in the folder where items of a class are kept: a missed conversation is mail, all else history.
func (a *access) inNotes(ctx context.Context, class string, make bool, do func(folder soap.FolderRef) error) error {
	if class == portal.ClassMissed {
		return do(a.folder("inbox"))
	}
	return a.inHistory(ctx, make, do)
}

// makeNote makes an item in a folder that has none of its stamp.
func (a *access) makeNote(ctx context.Context, folder soap.FolderRef, n portal.ConversationNote) (soap.ItemID, error) {
	res, err := a.CreateItem(ctx, a.as, &soap.CreateItem{Disposition: soap.SaveOnly, Folder: &folder, Items: []soap.NewItem{{Message: newNote(n)}}})
	var m *soap.ItemMessage
	if err == nil {
		m, err = one(res.Messages)
	}
	switch {
	case err != nil:
		if n.Stamp != "" && errors.Is(err, portal.ErrUnavailable) && !soap.Unreached(err) {
			a.c.noted.doubt(a.email, n.Stamp)
		}
		return soap.ItemID{}, err
	case len(m.Items) == 0 || m.Items[0].ID().ID == "":
		return soap.ItemID{}, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("a new item without an id"))
	}
	id := m.Items[0].ID()
	if n.Stamp == "" || !a.c.noted.settled(a.email, n.Stamp) {
		return id, nil
	}
	// An earlier request may have been carried out after all, late: of two the older one stays.
	found, err := a.stamped(ctx, folder, n)
	if err != nil || found.ID == "" {
		a.c.noted.doubt(a.email, n.Stamp)
		return id, nil
	}
	return found, nil
}

// stamped finds the item of a note's stamp, the zero id for none: the oldest of several. What was made twice is removed.
func (a *access) stamped(ctx context.Context, folder soap.FolderRef, n portal.ConversationNote) (soap.ItemID, error) {
	if n.Stamp == "" {
		return soap.ItemID{}, nil
	}
	shape := idShape()
	shape.AdditionalProperties = append(soap.Fields("item:ItemClass", "item:DateTimeCreated"), stampNote)
	res, err := a.FindItem(ctx, a.as, &soap.FindItem{Traversal: "Shallow", Shape: shape, Page: soap.Page(0, 20),
		Restriction: soap.Where(soap.Equal(stampNote, n.Stamp)), Parents: []soap.FolderRef{folder}})
	if err != nil {
		return soap.ItemID{}, err
	}
	m, err := one(res.Messages)
	if err != nil || m.Root == nil {
		return soap.ItemID{}, err
	}
	var made []*soap.Item
	for i := range m.Root.Items {
		it := m.Root.Items[i].Base()
		if s, ok := it.Extended(stampNote); ok && s == n.Stamp && it.ItemID != nil && it.ItemID.ID != "" {
			made = append(made, it)
		}
	}
	if len(made) == 0 {
		return soap.ItemID{}, nil
	}
	slices.SortStableFunc(made, func(x, y *soap.Item) int { return x.DateTimeCreated.UTC().Compare(y.DateTimeCreated.UTC()) })
	for _, again := range made[1:] {
		a.c.o.Logger.Warn("a conversation was written twice, one is removed", "mailbox", a.email)
		if err := a.erase(ctx, again.ItemID.ID); err != nil && !gone(err) {
			return soap.ItemID{}, err
		}
	}
	return *made[0].ItemID, nil
}

// erase deletes an item for good.
func (a *access) erase(ctx context.Context, id string) error {
	return a.takeAway(ctx, id, soap.HardDelete)
}

// takeAway deletes a message.
func (a *access) takeAway(ctx context.Context, id, how string) error {
	res, err := a.DeleteItem(ctx, a.as, &soap.DeleteItem{DeleteType: how, Items: []soap.ItemRef{soap.ItemByID(id, "")}})
	if err != nil {
		return err
	}
	_, err = one(res.Messages)
	return err
}

// updateNote writes a note over the item that it was written to before. A server that does not let a received message
// be changed gets a new one in its place.
func (a *access) updateNote(ctx context.Context, id soap.ItemID, n portal.ConversationNote) (soap.ItemID, error) {
	now, err := a.rewrite(ctx, id, noteUpdates(n))
	if !refusedProperty(err) {
		return now, err
	}
	if now, err = a.rewrite(ctx, id, noteUpdates(n)[:plainUpdates]); !refusedProperty(err) {
		return now, err
	}
	err = a.inNotes(ctx, n.Class, true, func(folder soap.FolderRef) error {
		if err := a.erase(ctx, id.ID); err != nil && !gone(err) {
			return err
		}
		now, err = a.makeNote(ctx, folder, n)
		return err
	})
	return now, err
}

// rewrite changes a message whatever became of it meanwhile, and gives its present id.
func (a *access) rewrite(ctx context.Context, id soap.ItemID, list []soap.Update) (soap.ItemID, error) {
	now, err := a.change(ctx, id, list)
	if !errors.Is(err, portal.ErrConflict) || gone(err) {
		return now, err
	}
	res, err := a.GetItem(ctx, a.as, &soap.GetItem{Shape: idShape(), Items: []soap.ItemRef{soap.ItemByID(id.ID, "")}})
	if err != nil {
		return soap.ItemID{}, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return soap.ItemID{}, err
	}
	if len(m.Items) != 1 || m.Items[0].ID().ID == "" {
		return soap.ItemID{}, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("an item without an id"))
	}
	return a.change(ctx, m.Items[0].ID(), list)
}

func (a *access) change(ctx context.Context, id soap.ItemID, list []soap.Update) (soap.ItemID, error) {
	ref := soap.ItemByID(id.ID, id.ChangeKey)
	res, err := a.UpdateItem(ctx, a.as, &soap.UpdateItem{ConflictResolution: soap.AlwaysOverwrite, Disposition: soap.SaveOnly,
		Changes: []soap.ItemChange{{Item: &ref, Updates: list}}})
	if err != nil {
		return soap.ItemID{}, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return soap.ItemID{}, err
	}
	if len(m.Items) == 1 && m.Items[0].ID().ID != "" {
		return m.Items[0].ID(), nil
	}
	return id, nil
}

// newNote is a note as a message that was received, not a draft.
func newNote(n portal.ConversationNote) *soap.Message {
	it := &soap.Message{IsRead: &n.Read}
	it.ItemClass, it.Subject, it.Body = n.Class, line(n.Subject), noteBody(n)
	flags := "0"
	if n.Read {
		flags = "1"
	}
	it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(tagFlags, flags)}
	add := func(p soap.Path, value string) {
		if value != "" {
			it.ExtendedProperties = append(it.ExtendedProperties, soap.Extend(p, value))
		}
	}
	start, end := noteTimes(n)
	add(tagSubmitted, start)
	add(tagDelivered, end)
	add(stampNote, sayable(n.Stamp))
	add(tagSenderNumber, line(n.Phone))
	if n.From.Email != "" {
		it.From = &soap.Recipient{Mailbox: party(n.From)}
	} else {
		add(tagRepresented, line(n.From.Name))
	}
	it.ToRecipients = parties(n.To)
	return it
}

// plainUpdates is how many of the updates every server allows.
const plainUpdates = 3

// noteUpdates is a note over an older state of itself: first what can be changed of every message.
func noteUpdates(n portal.ConversationNote) []soap.Update {
	with := func(change func(*soap.Message)) soap.AnyItem {
		it := &soap.Message{}
		change(it)
		return soap.AnyItem{Message: it}
	}
	list := []soap.Update{
		soap.Set(soap.Field("item:Body"), with(func(m *soap.Message) { m.Body = noteBody(n) })),
		soap.Set(soap.Field("message:IsRead"), with(func(m *soap.Message) { m.IsRead = &n.Read })),
		soap.Delete(soap.Field("item:Subject")),
	}
	if s := line(n.Subject); s != "" {
		list[2] = soap.Set(soap.Field("item:Subject"), with(func(m *soap.Message) { m.Subject = s }))
	}
	start, end := noteTimes(n)
	for _, t := range []struct {
		path  soap.Path
		value string
	}{{tagSubmitted, start}, {tagDelivered, end}} {
		if t.value != "" {
			list = append(list, soap.Set(t.path, with(func(m *soap.Message) {
				m.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(t.path, t.value)}
			})))
		}
	}
	if n.Class != "" { // a missed call that turns out to have been taken
		list = append(list, soap.Set(soap.Field("item:ItemClass"), with(func(m *soap.Message) { m.ItemClass = n.Class })))
	}
	if to := parties(n.To); len(to) > 0 {
		list = append(list, soap.Set(soap.Field("message:ToRecipients"), with(func(m *soap.Message) { m.ToRecipients = to })))
	}
	return list
}

// noteTimes are when a conversation began and ended, "" where that is not known.
func noteTimes(n portal.ConversationNote) (start, end string) {
	say := func(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
	from, to := n.Start, n.End
	if from.IsZero() {
		from = to
	}
	if to.Before(from) {
		to = from
	}
	if from.IsZero() {
		return "", ""
	}
	return say(from), say(to)
}

func noteBody(n portal.ConversationNote) *soap.Body {
	return &soap.Body{Type: "HTML", Text: sayable(cut(n.HTML, maxHTML))}
}

// party is somebody as an address.
func party(p portal.NoteParty) soap.Mailbox {
	return soap.Mailbox{Name: line(p.Name), EmailAddress: line(p.Email), RoutingType: "SMTP"}
}

// parties are those who have an address, which Exchange wants of recipients.
func parties(list []portal.NoteParty) []soap.Mailbox {
	var out []soap.Mailbox
	for _, p := range list {
		if strings.Contains(p.Email, "@") {
			out = append(out, party(p))
		}
	}
	return out
}

// DeleteNote deletes an item for good; one that is gone already is no error.
func (c *Connector) DeleteNote(ctx context.Context, owner portal.Address, itemID string) error {
	return c.on(ctx, owner, owner, func(a *access) error {
		if err := a.erase(ctx, itemID); err != nil && !gone(err) {
			return err
		}
		return nil
	})
}
