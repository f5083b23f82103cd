package ews

import (
	"context"
	"errors"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Taking entries away: the organiser of a meeting cancels it, with one message to each who was invited; everybody else
// removes their own copy. What is over is only tidied away: nobody gets mail about a meeting that they have been to. What is
// already gone was taken away by an earlier try, which is no error.

// Delete takes an entry away, or one occurrence where that is not zero. Someone invited who gives a comment declines
// with it; without one nobody is told, nor of a meeting that is over (of a series: its last occurrence).
func (c *Connector) Delete(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string) error {
	return c.Remove(ctx, reader, owner, ref, occurrence, comment, false)
}

// Remove is Delete, or with quiet the same without telling anybody: of what nobody was ever invited to, nobody is to hear that it
// is cancelled.
func (c *Connector) Remove(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string, quiet bool) error {
	return c.on(ctx, reader, owner, func(a *access) error {
		err := a.remove(ctx, ref, occurrence, comment, quiet)
		if errors.Is(err, portal.ErrNotFound) && !elsewhere(err) {
			return nil
		}
		return err
	})
}

func (a *access) remove(ctx context.Context, ref portal.Entry, occurrence time.Time, comment string, quiet bool) error {
	it, err := a.state(ctx, soap.ItemByID(ref.RemoteID, ""))
	if err != nil {
		return err
	}
	if !occurrence.IsZero() && ref.Recurrence != "" {
		if it, err = a.occurrence(ctx, it, ref, occurrence); err != nil {
			return err
		}
	} else if err := a.conflict(it, ref); err != nil {
		return err
	}
	invited := len(it.RequiredAttendees) + len(it.OptionalAttendees) + len(it.Resources)
	cancelled := soap.Is(it.IsCancelled)
	switch {
	case quiet || cancelled || a.over(ctx, it):
	case ref.Mine && invited > 0 && sent(it):
		return a.cancel(ctx, it, comment)
	case !ref.Mine && comment != "":
		return a.answer(ctx, it, portal.ResponseDeclined, comment, portal.Proposal{}, true)
	}
	return a.drop(ctx, *it.ItemID)
}

// over tells whether an item has ended, a series with its last occurrence. One of which that is not certain has not.
func (a *access) over(ctx context.Context, it *soap.CalendarItem) bool {
	now := a.c.o.Now()
	if it.Recurrence == nil || it.CalendarItemType == "Occurrence" || it.CalendarItemType == "Exception" {
		return it.End != nil && !it.End.UTC().After(now)
	}
	if it.Start == nil || it.End == nil || it.Recurrence.NoEnd != nil {
		return false
	}
	r := a.reading(ctx)
	z := r.zones.of(it, r.note)
	e := portal.Entry{Appointment: portal.Appointment{AllDay: soap.Is(it.IsAllDayEvent)}}
	e.Start, e.End = r.times(it.Start, it.End, e.AllDay, z)
	var s *recurrence.Series
	err := r.series(&e, it, z, nil)
	if err == nil {
		s, err = seriesOf(e, z.loc)
	}
	if err != nil {
		a.c.o.Logger.Info("whether a series is over is not known", "mailbox", a.email, "error", err)
		return false
	}
	ahead, err := s.Between(now.In(z.loc), now.AddDate(3000, 0, 0), 1)
	return err == nil && len(ahead) == 0
}

// sent tells whether invitations went out; servers that do not say so are taken to have sent them.
func sent(it *soap.CalendarItem) bool {
	return it.MeetingRequestWasSent == nil || *it.MeetingRequestWasSent
}

// cancel tells the invited and removes the entry. Servers that do not know the operation do both by deleting.
func (a *access) cancel(ctx context.Context, it *soap.CalendarItem, comment string) error {
	c := &soap.SmartResponse{ReferenceItemID: it.ItemID}
	if comment != "" {
		c.NewBodyContent = bodyOf(comment, "")
	}
	res, err := a.CreateItem(ctx, a.as, &soap.CreateItem{Disposition: soap.SendAndSaveCopy, SendInvitations: soap.SendToNone,
		Items: []soap.NewItem{{CancelCalendarItem: c}}})
	if err == nil {
		_, err = one(res.Messages)
	}
	if err == nil || !soap.Unsupported(err) && soap.Code(err) != "ErrorCalendarIsNotOrganizer" {
		return err
	}
	send := soap.SendToAllAndSaveCopy
	if soap.Code(err) == "ErrorCalendarIsNotOrganizer" {
		send = soap.SendToNone
	}
	return a.discard(ctx, *it.ItemID, send)
}

// drop removes an entry and tells nobody.
func (a *access) drop(ctx context.Context, id soap.ItemID) error {
	return a.discard(ctx, id, soap.SendToNone)
}

func (a *access) discard(ctx context.Context, id soap.ItemID, send string) error {
	res, err := a.DeleteItem(ctx, a.as, &soap.DeleteItem{DeleteType: soap.MoveToDeletedItems, SendCancellations: send,
		Items: []soap.ItemRef{soap.ItemByID(id.ID, id.ChangeKey)}})
	if err != nil {
		return err
	}
	_, err = one(res.Messages)
	return err
}
