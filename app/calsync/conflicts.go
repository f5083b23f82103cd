package calsync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Conflicts: both sides changed the same thing, the later change holds, and the other version can be taken back.

var noTime time.Time

func cutUID(key string) (string, bool) { return strings.CutPrefix(key, "uid:") }

// Conflicts gives up to limit conflicts, the newest first, those of one record where crm is not empty.
func (s *Service) Conflicts(ctx context.Context, crm string, limit int) ([]portal.SyncConflict, error) {
	return s.l.SyncConflicts(ctx, crm, limit)
}

// Conflict gives one conflict.
func (s *Service) Conflict(ctx context.Context, id string) (portal.SyncConflict, error) {
	return s.l.SyncConflict(ctx, id)
}

// TakeBack brings back the version that was given up: as a change of the record now, which goes to Exchange as every other. Of a
// record that is no more it makes a new one, whose ID follows from the conflict's: a repeat makes no second. Where the version given
// up is that it does not take place, it is deleted or cancelled. It can be done once.
func (s *Service) TakeBack(ctx context.Context, by portal.Address, id string) (portal.SyncConflict, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	c, err := s.l.SyncConflict(ctx, id)
	if err != nil {
		return c, err
	}
	if !c.TakenBack.IsZero() {
		return c, portal.Fail(portal.ErrConflict, keyConflict)
	}
	r, err := s.record(ctx, c.CRM)
	if err != nil {
		return c, err
	}
	now := s.o.Now()
	if r, err = taken(r, c, now); err != nil {
		return c, err
	}
	r.ChangedAt, r.ChangedBy = now, string(by)
	if r, err = s.putTaken(ctx, r); err != nil {
		return c, err
	}
	j := jobOf(r.ID, portal.ToExchange, r.Calendar, &r.Appointment, now, false)
	if err := s.l.AddSyncJobs(ctx, []portal.SyncJob{j}); err != nil {
		return c, err
	}
	c.TakenBack, c.TakenBackBy = now, string(by)
	if err := s.l.SaveSyncConflict(ctx, c); err != nil {
		return c, err
	}
	s.ringWork()
	s.o.Told()
	return c, nil
}

// putTaken stores a record with what was taken back. A new one that is there already was stored by an attempt that broke off.
func (s *Service) putTaken(ctx context.Context, r portal.CRMAppointment) (portal.CRMAppointment, error) {
	put, err := s.crm.Put(ctx, r, true)
	if r.Revision > 0 || !errors.Is(err, portal.ErrConflict) {
		return put, err
	}
	there, missing := s.record(ctx, r.ID)
	if missing != nil {
		return r, errors.Join(err, missing)
	}
	return there, nil
}

// taken is the record as it is with the version of a conflict that was given up.
func taken(r portal.CRMAppointment, c portal.SyncConflict, now time.Time) (portal.CRMAppointment, error) {
	over := !r.Gone.IsZero() || r.Status == portal.StatusCancelled
	switch {
	case c.Given["deleted"] == "true" && over:
		return r, nil // it is what was given up
	case c.Given["deleted"] == "true":
		return r, undone(&r, c.Lost.Occurrence, now)
	case c.Lost.Empty():
		return r, portal.Fail(portal.ErrConflict, keyConflict).Because(errors.New("nothing of it is kept"))
	case over:
		r = anew(r, takenID(c.ID))
	}
	return r, applyLost(&r, c.Lost)
}

// takenID is the ID of the new record that a conflict's taking back makes.
func takenID(conflict string) string { return portal.CRMPrefix + "tb-" + conflict }

// undone is a record, or the occurrence of it that begins at a time, that does not take place. What somebody else was told of, or what is
// tied to somebody, stays as cancelled.
func undone(r *portal.CRMAppointment, at time.Time, now time.Time) error {
	switch {
	case !at.IsZero() && r.Recurrence == "":
		return portal.Fail(portal.ErrConflict, keyConflict).Because(errNoSeries)
	case !at.IsZero():
		r.Exceptions = slices.DeleteFunc(slices.Clone(r.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.Equal(at) })
		if !slices.ContainsFunc(r.Deleted, at.Equal) {
			r.Deleted = append(slices.Clone(r.Deleted), at)
		}
	case !r.Stub && (len(r.Attendees)+len(r.People)+len(r.Companies) > 0 || r.Status == portal.StatusComplete):
		r.Status = portal.StatusCancelled
	default:
		r.Gone = now
	}
	return nil
}

var errNoSeries = errors.New("the series is none any more")

// anew is a record that was cancelled or deleted as a new one of its owner.
func anew(r portal.CRMAppointment, id string) portal.CRMAppointment {
	r.ID = id
	r.UID = r.ID
	r.Revision, r.Gone, r.Origin, r.Stub, r.Version = 0, noTime, portal.SourceCRM, false, ""
	unasked(&r.Appointment)
	r.Exceptions = slices.Clone(r.Exceptions)
	for i := range r.Exceptions {
		unasked(&r.Exceptions[i])
	}
	return r
}

// unasked is an appointment that takes place and that nobody was asked to yet.
func unasked(a *portal.Appointment) {
	a.Status, a.Attendees = portal.StatusPending, slices.Clone(a.Attendees)
	for i := range a.Attendees {
		p := &a.Attendees[i]
		if p.Response != portal.ResponseOrganizer {
			p.Response = portal.ResponseNone
		}
		p.RespondedAt, p.Comment, p.ProposedStart, p.ProposedEnd = noTime, "", noTime, noTime
	}
}

// applyLost makes a change to a record, or to the occurrence that it means.
func applyLost(r *portal.CRMAppointment, ch portal.AppointmentChange) error {
	if ch.Occurrence.IsZero() {
		applyChange(&r.Appointment, ch)
		return nil
	}
	at := slices.IndexFunc(r.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(ch.Occurrence) })
	if at < 0 {
		if r.Recurrence == "" {
			return portal.Fail(portal.ErrConflict, keyConflict).Because(errNoSeries)
		}
		x := r.Appointment
		length := r.End.Sub(r.Start)
		x.Kind, x.RecurrenceID, x.Start, x.End = portal.KindException, ch.Occurrence, ch.Occurrence, ch.Occurrence.Add(length)
		x.ID, x.Series = portal.OccurrenceID(r.ID, ch.Occurrence), r.ID
		r.Exceptions = append(slices.Clone(r.Exceptions), x)
		r.Deleted = slices.DeleteFunc(slices.Clone(r.Deleted), func(t time.Time) bool { return t.Equal(ch.Occurrence) })
		at = len(r.Exceptions) - 1
	} else {
		r.Exceptions = slices.Clone(r.Exceptions)
	}
	applyChange(&r.Exceptions[at], ch)
	return nil
}

// applyChange makes a change to one appointment.
func applyChange(a *portal.Appointment, ch portal.AppointmentChange) {
	set(&a.Subject, ch.Subject)
	set(&a.Location, ch.Location)
	if ch.Body != nil {
		a.Body, a.BodyHTML = *ch.Body, ""
	}
	set(&a.Start, ch.Start)
	set(&a.End, ch.End)
	set(&a.AllDay, ch.AllDay)
	set(&a.TimeZone, ch.TimeZone)
	set(&a.Recurrence, ch.Recurrence)
	set(&a.Show, ch.Show)
	set(&a.Private, ch.Private)
	set(&a.ReminderMinutes, ch.ReminderMinutes)
	set(&a.Categories, ch.Categories)
	if ch.Attendees != nil {
		a.Attendees = ch.AttendeesOver(a.Attendees)
		a.Meeting = len(a.Attendees) > 0
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
