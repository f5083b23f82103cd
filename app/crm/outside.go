package crm

import (
	"context"
	"errors"

	"portico/app/portal"
)

// Outside is an appointment as programs outside see it.
type Outside struct {
	portal.CRMAppointment
	// Description is subject and body as CRM systems have them: see Describe.
	Description string `json:"description"`
	// Deleted: it is no more.
	Deleted bool `json:"is_deleted"`
}

// Outside gives the record of a change for programs outside, to be written as JSON: an Outside, or a person, company or user as
// they are. With private false the texts and names of private appointments are left out. ErrNotFound: the record is no more.
func (s *Service) Outside(ctx context.Context, c portal.CRMChange, private bool) (any, error) {
	switch c.Kind {
	case "appointment":
		r, err := s.s.CRMAppointment(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		r = Withheld(r, private)
		return Outside{CRMAppointment: r, Description: Describe(&r.Appointment), Deleted: !r.Gone.IsZero()}, nil
	case "person":
		return first(s.s.CRMPeopleByID(ctx, []string{c.ID}))
	case "company":
		return first(s.s.CRMCompaniesByID(ctx, []string{c.ID}))
	case "user":
		return s.s.CRMUser(ctx, portal.Address(c.ID))
	}
	return nil, errors.New("a change of the unknown kind " + c.Kind)
}

// first gives the only thing of a list that was asked for by ID.
func first[T any](list []T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	return list[0], nil
}

// Withheld is a record as a program outside may know it: with private false what is private about it shows its times alone, be it all of
// it or single occurrences.
func Withheld(r portal.CRMAppointment, private bool) portal.CRMAppointment {
	switch {
	case private:
		return r
	case !r.Private:
		return maskedParts(r)
	}
	exceptions := r.Exceptions
	r.Appointment, r.Exceptions, r.Kept = masked(r.Appointment), nil, nil
	for _, x := range exceptions {
		r.Exceptions = append(r.Exceptions, masked(x))
	}
	return r
}
