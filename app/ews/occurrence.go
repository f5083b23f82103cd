package ews

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Occurrences: the portal names one by when the rule has it begin, Exchange by an id or by its number.

// occurrenceOf is an occurrence of an entry as the portal knows it: the exception, or the master at that time.
func occurrenceOf(e portal.Entry, at time.Time) portal.Appointment {
	for _, x := range e.Exceptions {
		if x.RecurrenceID.Equal(at) {
			return x
		}
	}
	a := e.Appointment
	length := a.End.Sub(a.Start)
	a.Kind, a.RecurrenceID, a.Start, a.End = portal.KindOccurrence, at, at, at.Add(length)
	return a
}

// errNoOccurrence: the series has no such occurrence, or it was deleted.
func errNoOccurrence(cause error) error {
	return portal.Fail(portal.ErrNotFound, "calendar.occurrence").Because(cause)
}

// occurrence finds the item of one occurrence. Its number is counted by the rule, and checked against what the server
// has there: a server that counts otherwise would give the wrong day.
func (a *access) occurrence(ctx context.Context, master *soap.CalendarItem, e portal.Entry, at time.Time) (*soap.CalendarItem, error) {
	r := a.reading(ctx)
	z := understood{"UTC", time.UTC}
	if master.Start != nil {
		z = r.zones.of(master, r.note)
	}
	for _, m := range master.ModifiedOccurrences {
		if m.OriginalStart != nil && r.occurrence(m.OriginalStart, e.AllDay, z).Equal(at) && m.ItemID.ID != "" {
			return a.state(ctx, soap.ItemByID(m.ItemID.ID, ""))
		}
	}
	for _, d := range master.DeletedOccurrences {
		if d.Start != nil && r.occurrence(d.Start, e.AllDay, z).Equal(at) {
			return nil, errNoOccurrence(errors.New("it is deleted"))
		}
	}
	_, loc, err := definition(e.TimeZone, e.Start.Year())
	if err != nil {
		loc = z.loc
	}
	s, err := seriesOf(e, loc)
	if err != nil {
		return nil, portal.Fail(portal.ErrInvalid, "calendar.recurrence").Because(err)
	}
	n, err := s.InstanceIndex(at)
	if err != nil {
		return nil, errNoOccurrence(err)
	}
	it, err := a.state(ctx, soap.OccurrenceOf(master.ItemID.ID, "", n))
	switch {
	case err == nil && begins(it, at, e.AllDay, r, z):
		return it, nil
	case err == nil || soap.Code(err) == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange":
		return a.occurrenceByTime(ctx, master, at, e.AllDay, r, z)
	case soap.Code(err) == "ErrorCalendarOccurrenceIsDeletedFromRecurrence", errors.Is(err, portal.ErrNotFound):
		return nil, errNoOccurrence(err)
	}
	return nil, err
}

func begins(it *soap.CalendarItem, at time.Time, allDay bool, r *reading, z understood) bool {
	for _, s := range []*soap.DateTime{it.OriginalStart, it.Start} {
		if s != nil && r.occurrence(s, allDay, z).Equal(at) {
			return true
		}
	}
	return false
}

// occurrenceByTime looks for an occurrence in the days around it.
func (a *access) occurrenceByTime(ctx context.Context, master *soap.CalendarItem, at time.Time, allDay bool, r *reading, z understood) (*soap.CalendarItem, error) {
	res, err := a.FindItem(ctx, a.as, &soap.FindItem{Traversal: "Shallow", Shape: idShape(),
		View:    &soap.CalendarView{Max: 1000, Start: soap.At(at.Add(-36 * time.Hour)), End: soap.At(at.Add(36 * time.Hour))},
		Parents: []soap.FolderRef{a.folder("calendar")}})
	if err != nil {
		return nil, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return nil, err
	}
	var ids []string
	if m.Root != nil {
		for i := range m.Root.Items {
			if id := m.Root.Items[i].ID().ID; id != "" && id != master.ItemID.ID {
				ids = append(ids, id)
			}
		}
	}
	got, err := a.fetch(ctx, ids, stateFields())
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		it := got.asked[id]
		if it != nil && it.CalendarItemType != "Single" && it.UID == master.UID && begins(it, at, allDay, r, z) {
			return it, nil
		}
	}
	return nil, errNoOccurrence(fmt.Errorf("no occurrence at %s", at.Format(time.RFC3339)))
}
