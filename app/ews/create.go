package ews

import (
	"context"
	"errors"
	"slices"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Making entries. One request makes the entry and sends the invitations, stamped, so that after an answer that never came the
// retry can find out whether it was done.

// Create makes an entry in the owner's calendar. An error that means ErrUnavailable may come from an entry that was made
// nevertheless: ask Find before trying again.
func (c *Connector) Create(ctx context.Context, reader, owner portal.Address, ap portal.Appointment, o portal.WriteOptions) (e portal.Entry, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		e, err = a.create(ctx, ap, o)
		return err
	})
	return e, err
}

func (a *access) create(ctx context.Context, ap portal.Appointment, o portal.WriteOptions) (portal.Entry, error) {
	it, err := newItem(ap, o, a.knowsElsewhere())
	if err != nil {
		return portal.Entry{}, err
	}
	send := soap.SendToNone
	if len(it.RequiredAttendees)+len(it.OptionalAttendees)+len(it.Resources) > 0 {
		asked := true
		it.IsResponseRequested = &asked
		if o.Send {
			send = soap.SendToAllAndSaveCopy
		}
	}
	id, err := a.make(ctx, it, send)
	if err != nil && it.UID != "" && refusedProperty(err) {
		it.UID = "" // there are servers that choose it themselves
		id, err = a.make(ctx, it, send)
	}
	if err != nil {
		return portal.Entry{}, err
	}
	e, err := a.readTogether(ctx, id.ID)
	if err != nil {
		// It is made, whatever is said now; what cannot be read back now comes with the next changes.
		a.c.o.Logger.Info("a new entry could not be read back", "mailbox", a.email, "error", err)
		ap.Calendar, ap.Source, ap.Sync = a.owner, portal.SourceExchange, portal.SyncState{State: portal.SyncDone}
		return portal.Entry{Appointment: ap, RemoteID: id.ID, ChangeKey: id.ChangeKey, ChangeID: o.ChangeID}, nil
	}
	a.c.fresh.keep(a.key(), e)
	return e, nil
}

func (a *access) make(ctx context.Context, it *soap.CalendarItem, send string) (soap.ItemID, error) {
	if send == soap.SendToNone {
		return a.makeTogether(ctx, it)
	}
	return a.makeAlone(ctx, it, send)
}

func (a *access) makeAlone(ctx context.Context, it *soap.CalendarItem, send string) (soap.ItemID, error) {
	folder := a.folder("calendar")
	res, err := a.CreateItem(ctx, a.as, &soap.CreateItem{SendInvitations: send, Folder: &folder, Items: []soap.NewItem{{CalendarItem: it}}})
	if err != nil {
		return soap.ItemID{}, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return soap.ItemID{}, err
	}
	return made(m)
}

// made is the id of what was made.
func made(m *soap.ItemMessage) (soap.ItemID, error) {
	if err := m.Err(); err != nil {
		return soap.ItemID{}, err
	}
	if len(m.Items) == 0 || m.Items[0].ID().ID == "" {
		return soap.ItemID{}, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("a new item without an id"))
	}
	return m.Items[0].ID(), nil
}

// refusedProperty tells whether a server does not let a property be set.
func refusedProperty(err error) bool {
	switch soap.Code(err) {
	case "ErrorInvalidPropertySet", "ErrorInvalidPropertyRequest", "ErrorInvalidPropertyForOperation":
		return true
	}
	return false
}

// Find finds the entry that a Create with this stamp made. One that is there and cannot be read now is given by its ids alone.
func (c *Connector) Find(ctx context.Context, reader, owner portal.Address, changeID string) (e portal.Entry, ok bool, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		id, err := a.find(ctx, changeID)
		if err != nil || id.ID == "" {
			return err
		}
		ok = true
		if e, err = a.entry(ctx, id.ID); err != nil {
			a.c.o.Logger.Info("an entry that was found could not be read", "mailbox", a.email, "error", err)
			e = portal.Entry{RemoteID: id.ID, ChangeKey: id.ChangeKey, ChangeID: changeID}
		}
		return nil
	})
	return e, ok, err
}

// find gives the id of what carries the stamp, an empty one for none: the oldest of several. Doubles are removed, and nobody is told.
func (a *access) find(ctx context.Context, changeID string) (soap.ItemID, error) {
	if changeID == "" {
		return soap.ItemID{}, nil
	}
	shape := idShape()
	shape.AdditionalProperties = soap.Fields("item:Subject", "item:DateTimeCreated", "calendar:UID", "calendar:Start", "calendar:End")
	res, err := a.FindItem(ctx, a.as, &soap.FindItem{Traversal: "Shallow", Shape: shape, Page: soap.Page(0, 10),
		Restriction: soap.Where(soap.Equal(stampMade, changeID)), Parents: []soap.FolderRef{a.folder("calendar")}})
	if err != nil {
		return soap.ItemID{}, err
	}
	m, err := one(res.Messages)
	if err != nil || m.Root == nil {
		return soap.ItemID{}, err
	}
	var made []*soap.CalendarItem
	for i := range m.Root.Items {
		if it := m.Root.Items[i].CalendarItem; it != nil && it.ItemID != nil && it.ItemID.ID != "" {
			made = append(made, it)
		}
	}
	if len(made) == 0 {
		return soap.ItemID{}, nil
	}
	slices.SortStableFunc(made, func(x, y *soap.CalendarItem) int { return x.DateTimeCreated.UTC().Compare(y.DateTimeCreated.UTC()) })
	for i, again := range made {
		if !slices.ContainsFunc(made[:i], func(it *soap.CalendarItem) bool { return sameMade(it, again) }) {
			continue
		}
		// A first request that was only late, and a retry that found nothing yet: one of the two is enough.
		a.c.o.Logger.Warn("an entry was made twice, one is removed", "mailbox", a.email)
		if err := a.drop(ctx, *again.ItemID); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return soap.ItemID{}, err
		}
	}
	return *made[0].ItemID, nil
}

// sameMade tells whether two items with one stamp come from one change that was carried out twice. Somebody who copies an entry in
// another client may copy the stamp too: the copy has an identifier of its own. So have doubles at servers that choose it themselves;
// then they are those that nobody could tell apart.
func sameMade(x, y *soap.CalendarItem) bool {
	if x.UID != "" && x.UID == y.UID {
		return true
	}
	return x.Subject == y.Subject && x.Start.UTC().Equal(y.Start.UTC()) && x.End.UTC().Equal(y.End.UTC())
}
