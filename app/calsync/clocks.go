package calsync

import (
	"context"
	"time"

	"portico/app/portal"
)

// clocks is Exchange with the clocks of its servers put right: servers whose times are off by a known number of minutes are read
// and written as if they were not. It also gives a UID to entries of servers that give none.
type clocks struct {
	Exchange
	// offset is by how much the times of somebody's server are ahead.
	offset func(owner portal.Address) time.Duration
}

// offset is by how much the times of somebody's server are ahead of the true ones.
func (s *Service) offset(owner portal.Address) time.Duration {
	k := s.known()
	return time.Duration(k.settings.OffsetMinutes[k.serverOf(owner)]) * time.Minute
}

func (c *clocks) read(owner portal.Address, e portal.Entry) portal.Entry {
	if e.UID == "" && e.RemoteID != "" {
		e.UID = madeUpUID(owner, e.RemoteID)
	}
	return shiftEntry(e, -c.offset(owner))
}

// Changes is Exchange.Changes by the right clock.
func (c *clocks) Changes(ctx context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error) {
	d, err := c.Exchange.Changes(ctx, reader, owner, state)
	for i := range d.Changed {
		d.Changed[i] = c.read(owner, d.Changed[i])
	}
	return d, err
}

// Entry is Exchange.Entry by the right clock.
func (c *clocks) Entry(ctx context.Context, reader, owner portal.Address, remoteID string) (portal.Entry, error) {
	e, err := c.Exchange.Entry(ctx, reader, owner, remoteID)
	return c.read(owner, e), err
}

// Find is Exchange.Find by the right clock.
func (c *clocks) Find(ctx context.Context, reader, owner portal.Address, changeID string) (portal.Entry, bool, error) {
	e, ok, err := c.Exchange.Find(ctx, reader, owner, changeID)
	return c.read(owner, e), ok, err
}

// Create is Exchange.Create by the right clock.
func (c *clocks) Create(ctx context.Context, reader, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (portal.Entry, error) {
	e, err := c.Exchange.Create(ctx, reader, owner, shift(a, c.offset(owner)), o)
	return c.read(owner, e), err
}

// Update is Exchange.Update by the right clock.
func (c *clocks) Update(ctx context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error) {
	d := c.offset(owner)
	ref = shiftEntry(ref, d)
	if d != 0 && (ch.AllDay == nil && !ref.AllDay || ch.AllDay != nil && !*ch.AllDay) {
		ch.Start, ch.End = moved(ch.Start, d), moved(ch.End, d)
	}
	if !ch.Occurrence.IsZero() && !ref.AllDay {
		ch.Occurrence = ch.Occurrence.Add(d)
	}
	e, err := c.Exchange.Update(ctx, reader, owner, ref, ch, o)
	return c.read(owner, e), err
}

// Remove is Exchange.Remove by the right clock.
func (c *clocks) Remove(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string, quiet bool) error {
	return c.Exchange.Remove(ctx, reader, owner, shiftEntry(ref, c.offset(owner)), c.occurrence(owner, ref, occurrence), comment, quiet)
}

// Respond is Exchange.Respond by the right clock.
func (c *clocks) Respond(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, r portal.Response, comment string, propose portal.Proposal, send bool) error {
	if d := c.offset(owner); propose.Made() && d != 0 {
		propose.Start, propose.End = propose.Start.Add(d), propose.End.Add(d)
	}
	return c.Exchange.Respond(ctx, reader, owner, shiftEntry(ref, c.offset(owner)), c.occurrence(owner, ref, occurrence), r, comment, propose, send)
}

// Attach is Exchange.Attach by the right clock.
func (c *clocks) Attach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error) {
	e, err := c.Exchange.Attach(ctx, reader, owner, shiftEntry(ref, c.offset(owner)), name, contentType, data)
	return c.read(owner, e), err
}

// Detach is Exchange.Detach by the right clock.
func (c *clocks) Detach(ctx context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (portal.Entry, error) {
	e, err := c.Exchange.Detach(ctx, reader, owner, shiftEntry(ref, c.offset(owner)), attachmentID)
	return c.read(owner, e), err
}

func (c *clocks) occurrence(owner portal.Address, ref portal.Entry, t time.Time) time.Time {
	if t.IsZero() || ref.AllDay {
		return t
	}
	return t.Add(c.offset(owner))
}

func moved(t *time.Time, d time.Duration) *time.Time {
	if t == nil {
		return nil
	}
	at := t.Add(d)
	return &at
}

// shift moves an appointment in time; dates stay where they are.
func shift(a portal.Appointment, d time.Duration) portal.Appointment {
	if d == 0 || a.AllDay {
		return a
	}
	a.Start, a.End = a.Start.Add(d), a.End.Add(d)
	if !a.RecurrenceID.IsZero() {
		a.RecurrenceID = a.RecurrenceID.Add(d)
	}
	return a
}

func shiftEntry(e portal.Entry, d time.Duration) portal.Entry {
	if d == 0 {
		return e
	}
	allDay := e.AllDay
	e.Appointment = shift(e.Appointment, d)
	exceptions := make([]portal.Appointment, len(e.Exceptions))
	for i, x := range e.Exceptions {
		exceptions[i] = shift(x, d)
	}
	deleted := make([]time.Time, len(e.Deleted))
	for i, t := range e.Deleted {
		deleted[i] = t
		if !allDay {
			deleted[i] = t.Add(d)
		}
	}
	e.Exceptions, e.Deleted = exceptions, deleted
	return e
}
