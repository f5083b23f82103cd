package crm

import (
	"context"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Looking: records as the people see them.

// Get gives a record by its ID, an occurrence's, or that of an entry of me's mailbox that is kept here too; ErrNotFound where me may not see it.
// Sync says where it stands on its way to Exchange. Private occurrences are Masked for all who do not take part; who sees it by its ties
// alone gets neither body nor comments nor files.
func (s *Service) Get(ctx context.Context, me portal.Address, id string) (portal.CRMAppointment, error) {
	r, err := s.seen(ctx, me, id)
	if err != nil {
		return r, err
	}
	return s.given(ctx, me, r)
}

// seen is a living record that me may see.
func (s *Service) seen(ctx context.Context, me portal.Address, id string) (portal.CRMAppointment, error) {
	r, err := s.named(ctx, me, id)
	if err != nil {
		return r, err
	}
	if s.part(&r, me) == partNone {
		return portal.CRMAppointment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	return r, nil
}

// named is the living record of an ID, that of an entry of me's mailbox included.
func (s *Service) named(ctx context.Context, me portal.Address, id string) (portal.CRMAppointment, error) {
	if strings.HasPrefix(id, portal.CRMPrefix) || s.o.UIDOf == nil {
		return s.living(ctx, id)
	}
	entry, _ := portal.SplitOccurrenceID(id)
	uid, err := s.o.UIDOf(ctx, me, entry)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	r, err := s.s.CRMAppointmentByUID(ctx, uid)
	return r, known(err, keyConflict, keyNotFound)
}

// AppointmentsOf gives up to limit records that are tied to a person or a company (the one that is not empty) and that me may see, the
// latest first.
func (s *Service) AppointmentsOf(ctx context.Context, me portal.Address, person, company string, limit int) ([]portal.CRMAppointment, error) {
	if (person == "") == (company == "") {
		return nil, bad("crm.tied-to")
	}
	list, err := s.s.CRMAppointmentsOf(ctx, person, company, limit)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r portal.CRMAppointment) bool { return s.part(&r, me) == partNone })
	err = s.dress(ctx, list)
	for i := range list {
		list[i] = s.shown(list[i], me)
	}
	return list, err
}

// Window gives me's own CRM calendar: what of it touches from ≤ t < to, occurrences one by one, by start. loc is me's zone, by whose days
// all-day ones count (nil: UTC).
func (s *Service) Window(ctx context.Context, me portal.Address, from, to time.Time, loc *time.Location) ([]portal.Appointment, error) {
	if loc == nil {
		loc = time.UTC
	}
	if !to.After(from) || to.Sub(from) > MaxWindow {
		return nil, bad("calendar.window")
	}
	list, err := s.Entries(ctx, me, from, to)
	if err != nil {
		return nil, err
	}
	out := []portal.Appointment{}
	for i := range list {
		r := &list[i]
		parts, err := series.Expand(&r.Entry, from.In(loc), to.In(loc))
		if err != nil { // one series that nobody can follow must not hide a week
			s.o.Logger.WarnContext(ctx, "crm: a series cannot be followed", "record", r.ID, "err", err)
			continue
		}
		for j := range parts {
			parts[j].Version = r.Version
			if parts[j].Response != portal.ResponseDeclined {
				out = append(out, parts[j])
			}
		}
	}
	series.Sort(out, loc)
	return out, nil
}

// Entries gives the living records in of's calendar of which anything may lie in from ≤ t < to, as they stand there: with of's own answer, whether
// it is theirs, and where it is on its way to Exchange. What of has declined is left out; single occurrences that they declined
// have that answer. It asks for no right: who shows them to anybody else than of sees to that.
func (s *Service) Entries(ctx context.Context, of portal.Address, from, to time.Time) ([]portal.CRMAppointment, error) {
	const day = 24 * time.Hour // for all-day ones, wherever the viewer is
	list, err := s.s.CRMWindow(ctx, of, from.Add(-day), to.Add(day))
	if err != nil {
		return nil, err
	}
	if err := s.dress(ctx, list); err != nil {
		return nil, err
	}
	out := list[:0]
	for _, r := range list {
		r = As(r, of)
		if r.Response != portal.ResponseDeclined || acceptsSome(&r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// acceptsSome reports whether an occurrence stays in a calendar although its series was declined.
func acceptsSome(r *portal.CRMAppointment) bool {
	return slices.ContainsFunc(r.Exceptions, func(x portal.Appointment) bool { return x.Response != portal.ResponseDeclined })
}

// Entry gives a living record as it stands in of's calendar; ErrNotFound where it does not. As Entries it asks for no right.
func (s *Service) Entry(ctx context.Context, of portal.Address, id string) (portal.CRMAppointment, error) {
	r, err := s.living(ctx, id)
	if err != nil {
		return r, err
	}
	if !slices.Contains(participants(&r), of) {
		return portal.CRMAppointment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	r, err = s.dressed(ctx, r)
	return As(r, of), err
}

// EntryByUID is Entry by a UID.
func (s *Service) EntryByUID(ctx context.Context, of portal.Address, uid string) (portal.CRMAppointment, error) {
	r, err := s.s.CRMAppointmentByUID(ctx, uid)
	if err != nil {
		return r, known(err, keyConflict, keyNotFound)
	}
	return s.Entry(ctx, of, r.ID)
}

// As is a record as it stands in somebody's calendar: whose it is, and what they answered. What else is known of it stays.
func As(r portal.CRMAppointment, of portal.Address) portal.CRMAppointment {
	r = cloned(r)
	owner := of == r.Calendar && !r.Stub
	stand := func(a *portal.Appointment) {
		a.Calendar, a.Mine = of, owner
		if owner {
			a.Response = portal.ResponseOrganizer
			return
		}
		a.Response = portal.ResponseNone
		for _, p := range a.Attendees {
			if p.URI == of {
				a.Response = p.Response
			}
		}
		switch a.Response {
		case portal.ResponseDeclined:
			a.Show = portal.ShowFree
		case portal.ResponseAccepted, portal.ResponseOrganizer:
		default:
			if a.Show != portal.ShowFree {
				a.Show = portal.ShowTentative
			}
		}
	}
	stand(&r.Appointment)
	for i := range r.Exceptions {
		stand(&r.Exceptions[i])
	}
	return r
}

// dressed gives a record its version and where it stands on its way to Exchange.
func (s *Service) dressed(ctx context.Context, r portal.CRMAppointment) (portal.CRMAppointment, error) {
	list := []portal.CRMAppointment{r}
	err := s.dress(ctx, list)
	return list[0], err
}

func (s *Service) dress(ctx context.Context, list []portal.CRMAppointment) error {
	if len(list) == 0 {
		return nil
	}
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	pairs, err := s.o.Pairs(ctx, ids)
	if err != nil {
		return err
	}
	for i := range list {
		r := &list[i]
		if r.Version == "" {
			r.Version = versionOf(r)
		}
		p, paired := pairs[r.ID]
		r.Sync = syncOf(r, p, paired, d)
		for j := range r.Exceptions {
			r.Exceptions[j].Sync, r.Exceptions[j].Version = r.Sync, r.Version
		}
	}
	return nil
}

// syncOf is where a record stands on its way to Exchange. What takes part in no mailbox has nowhere to go.
func syncOf(r *portal.CRMAppointment, p portal.SyncPair, paired bool, d *directory) portal.SyncState {
	switch {
	case paired && p.State == portal.SyncFailed:
		return portal.SyncState{State: portal.SyncFailed, Error: p.Reason}
	case paired && (p.State == portal.SyncPending || p.Revision < r.Revision):
		return portal.SyncState{State: portal.SyncPending, Error: p.Reason}
	case paired:
		return portal.SyncState{State: portal.SyncDone}
	}
	for _, who := range participants(r) {
		if d.synced(who) {
			return portal.SyncState{State: portal.SyncPending}
		}
	}
	return portal.SyncState{State: portal.SyncDone}
}
