package crm

import (
	"slices"

	"portico/app/portal"
)

// Rights: whose a record is changes it; who takes part sees it, answers it and ties it; administrators may all that its owner
// may. Of others' records the people see those that are tied to somebody outside, unless they are private.

// part is what somebody has to do with a record.
type part int

const (
	partNone part = iota
	partTied      // may read it, being tied to people outside it is everybody's history
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
