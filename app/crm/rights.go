package crm

import (
	"slices"

	"portico/app/portal"
)

// Rights: whose a record is changes it; who takes part sees it, answers it and ties it; administrators may all that its owner
// may. Of others' records the people see those that are tied to somebody outside, unless they are private: what it is about, when, where
// and with whom, not what was written for those who take part. Private occurrences are theirs alone.

// part is what somebody has to do with a record.
type part int

const (
	partNone part = iota
	partTied      // may see that it was, being tied to people outside it is everybody's history
	partInvited
	partOwner
)

func (s *Service) part(r *portal.CRMAppointment, me portal.Address) part {
	switch {
	case me == r.Calendar && !r.Stub:
		return partOwner
	case s.o.Admin(me) && !r.Stub && !r.Private:
		return partOwner
	case slices.Contains(participants(r), me), s.o.Admin(me) && !r.Private:
		return partInvited
	case !r.Private && len(r.People)+len(r.Companies) > 0:
		return partTied
	}
	return partNone
}

// mayChange refuses who may not change a record.
func (s *Service) mayChange(r *portal.CRMAppointment, me portal.Address) error {
	switch p := s.part(r, me); {
	case p == partOwner:
		return nil
	case p == partNone:
		return portal.Fail(portal.ErrNotFound, keyNotFound) // nobody learns that it is there
	case r.Stub && p == partInvited:
		return portal.Fail(portal.ErrForbidden, keyStub)
	case p == partInvited:
		return portal.Fail(portal.ErrForbidden, keyOrganizer)
	}
	return portal.Fail(portal.ErrForbidden, keyForbidden)
}

// mayJoin refuses who does not take part.
func (s *Service) mayJoin(r *portal.CRMAppointment, me portal.Address) error {
	switch s.part(r, me) {
	case partOwner, partInvited:
		return nil
	case partTied:
		return portal.Fail(portal.ErrForbidden, keyForbidden)
	}
	return portal.Fail(portal.ErrNotFound, keyNotFound)
}

// takesPart reports whether a record stands in somebody's calendar.
func takesPart(r *portal.CRMAppointment, me portal.Address) bool {
	return slices.Contains(participants(r), me)
}

// shown is a record as me may see it.
func (s *Service) shown(r portal.CRMAppointment, me portal.Address) portal.CRMAppointment {
	if takesPart(&r, me) {
		return r
	}
	r = maskedParts(r)
	if s.part(&r, me) > partTied {
		return r
	}
	r = cloned(r)
	r.Kept = nil
	outline(&r.Appointment)
	for i := range r.Exceptions {
		outline(&r.Exceptions[i])
	}
	return r
}

// outline leaves out of an appointment what was written for those who take part.
func outline(a *portal.Appointment) {
	a.Body, a.BodyHTML, a.Attachments = "", "", nil
	for i := range a.Attendees {
		a.Attendees[i].Comment = ""
	}
}

// maskedParts is a record whose private occurrences show their times alone.
func maskedParts(r portal.CRMAppointment) portal.CRMAppointment {
	if !slices.ContainsFunc(r.Exceptions, func(x portal.Appointment) bool { return x.Private }) {
		return r
	}
	r = cloned(r)
	for i := range r.Exceptions {
		if r.Exceptions[i].Private {
			r.Exceptions[i] = masked(r.Exceptions[i])
		}
	}
	return r
}

// masked is an appointment of which only the times may be known.
func masked(a portal.Appointment) portal.Appointment {
	return portal.Appointment{ID: a.ID, Calendar: a.Calendar, UID: a.UID, Start: a.Start, End: a.End, AllDay: a.AllDay, TimeZone: a.TimeZone,
		Recurrence: a.Recurrence, Kind: a.Kind, RecurrenceID: a.RecurrenceID, Series: a.Series, Status: a.Status, Show: a.Show, Private: true,
		Source: a.Source, Version: a.Version, UpdatedAt: a.UpdatedAt, Sync: a.Sync, Masked: true}
}
