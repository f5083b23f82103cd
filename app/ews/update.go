package ews

import (
	"context"
	"errors"
	"fmt"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Changing entries: only what the change names, only where the entry still is as it was seen, and stamped, so that a
// retry knows its own work.

// Update changes an entry, one occurrence (ScopeOne) or the rest of a series (ScopeFollowing). The entry that it gives
// is the one of ref; what ScopeFollowing makes besides comes with the changes of the calendar.
func (c *Connector) Update(ctx context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (e portal.Entry, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		e, err = a.update(ctx, ref, ch, o)
		return err
	})
	return e, err
}

func (a *access) update(ctx context.Context, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error) {
	now, err := a.state(ctx, soap.ItemByID(ref.RemoteID, ""))
	if err != nil {
		return portal.Entry{}, err
	}
	series := ref.Recurrence != "" && !ch.Occurrence.IsZero()
	switch {
	case series && ch.Scope == portal.ScopeOne:
		err = a.updateOccurrence(ctx, now, ref, ch, o)
	case series && ch.Scope == portal.ScopeFollowing:
		err = a.updateFollowing(ctx, now, ref, ch, o)
	default:
		err = a.updateItem(ctx, now, ref, ch, o)
	}
	if err != nil {
		return portal.Entry{}, err
	}
	e, err := a.entry(ctx, ref.RemoteID)
	if err == nil {
		a.c.fresh.keep(a.key(), e)
	}
	return e, err
}

// done tells whether an item carries the stamp of a change: an earlier try got through.
func done(it *soap.CalendarItem, o portal.WriteOptions) bool {
	stamp, ok := it.Extended(stampDone)
	return ok && o.ChangeID != "" && stamp == o.ChangeID
}

func (a *access) conflict(now *soap.CalendarItem, ref portal.Entry) error {
	if ref.ChangeKey == "" || now.ItemID.ChangeKey == ref.ChangeKey {
		return nil
	}
	return portal.Fail(portal.ErrConflict, "calendar.conflict").Because(errors.New("the entry was changed meanwhile"))
}

func (a *access) updateItem(ctx context.Context, now *soap.CalendarItem, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) error {
	if done(now, o) {
		return nil
	}
	if err := a.conflict(now, ref); err != nil {
		return err
	}
	return a.write(ctx, now, base{Appointment: ref.Appointment}, ch, o)
}

// write sends the updates of an item or occurrence in the state that was read.
func (a *access) write(ctx context.Context, now *soap.CalendarItem, b base, ch portal.AppointmentChange, o portal.WriteOptions) error {
	b.invited = a.voice(ctx).attendees(now)
	list, mail, people, err := updates(b, ch, o, a.knowsElsewhere())
	if err != nil || len(list) == 0 {
		return err
	}
	send := soap.SendToNone
	if o.Send && mail && b.Mine && (len(b.invited) > 0 || ch.Attendees != nil && len(*ch.Attendees) > 0) {
		send = soap.SendToAllAndSaveCopy
		if people && soap.Is(now.MeetingRequestWasSent) {
			send = soap.SendToChangedAndSaveCopy
		}
	}
	if b.series == "" {
		return a.send(ctx, *now.ItemID, list, send)
	}
	a.c.series.await(a.key(), b.series, false)
	err = a.send(ctx, *now.ItemID, list, send)
	if err == nil {
		a.c.series.await(a.key(), b.series, true)
	}
	return err
}

func (a *access) send(ctx context.Context, id soap.ItemID, list []soap.Update, send string) error {
	ref := soap.ItemByID(id.ID, id.ChangeKey)
	res, err := a.UpdateItem(ctx, a.as, &soap.UpdateItem{ConflictResolution: soap.NeverOverwrite, Disposition: soap.SaveOnly, SendInvitations: send,
		Changes: []soap.ItemChange{{Item: &ref, Updates: list}}})
	if err != nil {
		return err
	}
	_, err = one(res.Messages)
	return err
}

// updateOccurrence changes one occurrence of a series, which becomes an exception by it.
func (a *access) updateOccurrence(ctx context.Context, master *soap.CalendarItem, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) error {
	now, err := a.occurrence(ctx, master, ref, ch.Occurrence)
	if err != nil {
		return err
	}
	if done(now, o) {
		return nil
	}
	if err := a.conflict(master, ref); err != nil {
		return err
	}
	b := base{Appointment: occurrenceOf(ref, ch.Occurrence), occurrence: true, series: ref.RemoteID}
	return a.write(ctx, now, b, ch, o)
}

// updateFollowing cuts the series before an occurrence and goes on with a new one that has the change.
//
// The new series is made first: if the second half fails some days show both, until the retry finds the new series by
// its stamp and cuts the old one. The other way round a failure would take meetings away. Exceptions of the days that
// move to the new series are made anew there, unless the change moves them all.
func (a *access) updateFollowing(ctx context.Context, master *soap.CalendarItem, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) error {
	_, loc, err := definition(ref.TimeZone, ref.Start.Year())
	if err != nil {
		return err
	}
	whole, err := seriesOf(ref, loc)
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "calendar.recurrence").Because(err)
	}
	first := ch.Occurrence.UTC()
	if first.Equal(ref.Start.UTC()) { // all that follow the first are all
		ch.Scope, ch.Occurrence = portal.ScopeAll, first
		return a.updateItem(ctx, master, ref, ch, o)
	}
	head, tail, err := whole.Split(first)
	if err != nil {
		return fmt.Errorf("cut the series: %w", err)
	}
	if ch.Recurrence != nil && *ch.Recurrence == "" {
		return portal.Fail(portal.ErrInvalid, "calendar.recurrence")
	}
	found, err := a.find(ctx, o.ChangeID)
	if err != nil {
		return err
	}
	made := found.ID
	if made == "" && done(master, o) {
		return nil // it was all done, and somebody took the new series away since
	}
	if made == "" {
		if err := a.conflict(master, ref); err != nil {
			return err
		}
		if made, err = a.makeTail(ctx, ref, tail, ch, o); err != nil {
			return err
		}
	}
	if !done(master, o) {
		if err := a.cutHead(ctx, master, ref, head, o); err != nil {
			return err
		}
	}
	if ch.Start != nil || ch.AllDay != nil || ch.TimeZone != nil || ch.Recurrence != nil {
		return nil
	}
	return a.carry(ctx, made, ref, first)
}
