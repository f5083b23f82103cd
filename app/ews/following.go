package ews

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// The halves of a series that was cut in two.

// makeTail makes the series that goes on, with the change.
func (a *access) makeTail(ctx context.Context, ref portal.Entry, tail *recurrence.Series, ch portal.AppointmentChange, o portal.WriteOptions) (string, error) {
	ap := ref.Appointment
	ap.UID, ap.Start, ap.End, ap.Recurrence = "", tail.Start, tail.End, tail.Rule.String()
	was := ap.Start
	ap = changedTimes(ap, ch)
	if ch.Recurrence != nil {
		ap.Recurrence = *ch.Recurrence
	} else if ch.Start != nil {
		_, loc, err := definition(ap.TimeZone, ap.Start.Year())
		if err != nil {
			return "", err
		}
		from, to := was.In(loc), ap.Start.In(loc)
		if ap.AllDay {
			from, to = civilDate(was.UTC()), civilDate(ap.Start.UTC())
		}
		ap.Recurrence = tail.Rule.Moved(from, to).String()
	}
	ap = changedWords(ap, ch)
	e, err := a.create(ctx, ap, o)
	return e.RemoteID, err
}

// changedWords applies what a change says besides times.
func changedWords(ap portal.Appointment, ch portal.AppointmentChange) portal.Appointment {
	text := func(into *string, from *string) {
		if from != nil {
			*into = *from
		}
	}
	text(&ap.Subject, ch.Subject)
	text(&ap.Location, ch.Location)
	if ch.Body != nil {
		ap.Body, ap.BodyHTML = *ch.Body, ""
	}
	ap.Attendees = ch.AttendeesOver(ap.Attendees)
	if ch.Show != nil {
		ap.Show = *ch.Show
	}
	if ch.Private != nil {
		ap.Private = *ch.Private
	}
	if ch.ReminderMinutes != nil {
		ap.ReminderMinutes = *ch.ReminderMinutes
	}
	if ch.Categories != nil {
		ap.Categories = *ch.Categories
	}
	return ap
}

// cutHead ends the old series before the cut.
func (a *access) cutHead(ctx context.Context, master *soap.CalendarItem, ref portal.Entry, head *recurrence.Series, o portal.WriteOptions) error {
	r, err := toRecurrence(*head.Rule, head.Start, head.AllDay)
	if err != nil {
		return err
	}
	list := []soap.Update{soap.Set(soap.Field("calendar:Recurrence"), soap.AnyItem{CalendarItem: &soap.CalendarItem{Recurrence: r}})}
	if o.ChangeID != "" {
		it := &soap.CalendarItem{}
		it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(stampDone, o.ChangeID)}
		list = append(list, soap.Set(stampDone, soap.AnyItem{CalendarItem: it}))
	}
	send := soap.SendToNone
	if o.Send && ref.Mine && len(ref.Attendees) > 0 {
		send = soap.SendToAllAndSaveCopy
	}
	return a.send(ctx, *master.ItemID, list, send)
}

// carry makes the deleted and changed occurrences after the cut anew in the series that goes on. Nobody is told: they were
// told of these days before.
func (a *access) carry(ctx context.Context, id string, ref portal.Entry, first time.Time) error {
	e, err := a.entry(ctx, id)
	if err != nil {
		return err
	}
	master, err := a.state(ctx, soap.ItemByID(id, ""))
	if err != nil {
		return err
	}
	for _, d := range ref.Deleted {
		if d.Before(first) {
			continue
		}
		it, err := a.occurrence(ctx, master, e, d)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := a.drop(ctx, *it.ItemID); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
	}
	for _, x := range ref.Exceptions {
		if x.RecurrenceID.Before(first) {
			continue
		}
		it, err := a.occurrence(ctx, master, e, x.RecurrenceID)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		b := base{Appointment: occurrenceOf(e, x.RecurrenceID), occurrence: true}
		if err := a.write(ctx, it, b, difference(ref.Appointment, x), portal.WriteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// difference is how an exception differs from its series, as a change.
func difference(series, x portal.Appointment) portal.AppointmentChange {
	ch := portal.AppointmentChange{Start: &x.Start, End: &x.End}
	if x.Subject != series.Subject {
		ch.Subject = &x.Subject
	}
	if x.Location != series.Location {
		ch.Location = &x.Location
	}
	if x.Body != series.Body {
		ch.Body = &x.Body
	}
	if x.AllDay != series.AllDay {
		ch.AllDay = &x.AllDay
	}
	if x.Show != series.Show {
		ch.Show = &x.Show
	}
	if x.Private != series.Private { // with the texts, so that these are never seen without it
		ch.Private = &x.Private
	}
	if !slices.Equal(x.Categories, series.Categories) {
		ch.Categories = &x.Categories
	}
	if was, is := series.ReminderMinutes, x.ReminderMinutes; (was == nil) != (is == nil) || was != nil && *was != *is {
		ch.ReminderMinutes = &x.ReminderMinutes
	}
	return ch
}
