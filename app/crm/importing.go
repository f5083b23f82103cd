package crm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Importing: what an outside CRM says, many things at once and as often as it likes.

// MaxBatch is how many things of each kind one batch can hold.
const MaxBatch = 1000

// Batch is what an outside CRM wants stored. Versions and revisions of 0 mean: as it is there now, or new.
type Batch struct {
	Users     []portal.CRMUser
	Companies []portal.CRMCompany
	People    []portal.CRMPerson
	// Appointments are whole records by their ID (CRMPrefix is put before one that has none); Calendar is their owner. Those with
	// Gone are deleted. Answers that are known here stay.
	Appointments []portal.CRMAppointment
	// Private: who sends it may know the texts of private appointments. Without it what is private here stays so, with its texts,
	// people and ties: the sender has them blank.
	Private bool
}

// Import stores a batch in the name of an outside CRM: users, companies and people first, then the appointments, all of a kind or none. key
// is its idempotency key: a repeat goes on where an earlier one broke off, stores nothing twice and gives what is stored. It asks for
// no right: who lets somebody in sees to that.
func (s *Service) Import(ctx context.Context, by, key string, b Batch) (Batch, error) {
	if by == "" || key == "" {
		return Batch{}, bad("crm.key")
	}
	if max(len(b.Users), len(b.Companies), len(b.People), len(b.Appointments)) > MaxBatch {
		return Batch{}, bad("crm.batch-large")
	}
	part := func(kind string) string { return by + " import " + kind + " " + key }
	var out Batch
	var err error
	if len(b.Users) > 0 {
		if out.Users, err = s.importUsers(ctx, part("users"), by, b.Users); err != nil {
			return out, err
		}
	}
	if len(b.Companies) > 0 {
		if out.Companies, err = s.importCompanies(ctx, part("companies"), by, b.Companies); err != nil {
			return out, err
		}
	}
	if len(b.People) > 0 {
		if out.People, err = s.importPeople(ctx, part("people"), by, b.People); err != nil {
			return out, err
		}
	}
	if len(b.Appointments) > 0 {
		out.Appointments, err = s.importAppointments(ctx, part("appointments"), by, b.Appointments, b.Private)
	}
	return out, err
}

func (s *Service) importUsers(ctx context.Context, key, by string, list []portal.CRMUser) ([]portal.CRMUser, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	for i := range list {
		u := &list[i]
		a, err := portal.ParseAddress(string(u.Address))
		if err != nil {
			return nil, err
		}
		u.Address = a
		if old, ok := d.address[a]; ok { // who somebody is in Exchange is not the outside's to say
			u.ExchangeID, u.Server, u.Cleared, u.Since = old.ExchangeID, old.Server, old.Cleared, old.Since
			if u.Version == 0 {
				u.Version = old.Version
			}
		} else {
			u.ExchangeID, u.Server, u.Cleared, u.Since = "", "", false, time.Time{}
		}
	}
	return s.putUsers(ctx, key, list, by)
}

func (s *Service) importCompanies(ctx context.Context, key, by string, list []portal.CRMCompany) ([]portal.CRMCompany, error) {
	list = slices.Clone(list)
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	found, err := s.s.CRMCompaniesByID(ctx, once(ids))
	if err != nil {
		return nil, err
	}
	for i := range list {
		at := slices.IndexFunc(found, func(c portal.CRMCompany) bool { return c.ID == list[i].ID })
		if at >= 0 && list[i].Version == 0 {
			list[i].Version = found[at].Version
		}
	}
	return s.saveCompanies(ctx, key, list, by)
}

func (s *Service) importPeople(ctx context.Context, key, by string, list []portal.CRMPerson) ([]portal.CRMPerson, error) {
	list = slices.Clone(list)
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	found, err := s.s.CRMPeopleByID(ctx, once(ids))
	if err != nil {
		return nil, err
	}
	for i := range list {
		at := slices.IndexFunc(found, func(p portal.CRMPerson) bool { return p.ID == list[i].ID })
		if at >= 0 && list[i].Version == 0 {
			list[i].Version = found[at].Version
		}
	}
	return s.savePeople(ctx, key, list, by)
}

// importAppointments stores records; what changes while they are made ready is looked at again.
func (s *Service) importAppointments(ctx context.Context, key, by string, list []portal.CRMAppointment, private bool) ([]portal.CRMAppointment, error) {
	for try := 1; ; try++ {
		changes := make([]change, len(list))
		for i := range list {
			c, err := s.imported(ctx, by, list[i], private)
			if err != nil {
				return nil, err
			}
			changes[i] = c
		}
		out, err := s.put(ctx, key, changes...)
		if err == nil {
			return out, s.dress(ctx, out)
		}
		if !errors.Is(err, portal.ErrConflict) || try == maxTries || slices.ContainsFunc(list, func(r portal.CRMAppointment) bool { return r.Revision > 0 }) {
			return nil, err
		}
	}
}

// imported is what an outside record changes about ours. A new one gets a UID of its own: an outside one could be a stranger's meeting.
func (s *Service) imported(ctx context.Context, by string, r portal.CRMAppointment, private bool) (change, error) {
	id, err := chosenID(r.ID)
	if err != nil {
		return change{}, err
	}
	owner, err := portal.ParseAddress(string(r.Calendar))
	if err != nil {
		return change{}, err
	}
	old, err := s.s.CRMAppointment(ctx, id)
	switch {
	case err == nil && old.Stub:
		return change{}, portal.Fail(portal.ErrForbidden, keyStub)
	case err == nil:
		return s.renewed(ctx, by, owner, old, r, private)
	case !errors.Is(err, portal.ErrNotFound):
		return change{}, err
	case !r.Gone.IsZero():
		return change{}, portal.Fail(portal.ErrNotFound, keyNotFound).Because(err)
	}
	if err := s.user(ctx, owner, owner); err != nil {
		return change{}, err
	}
	r.UID = ""
	is, err := s.fresh(ctx, owner, owner, r.Appointment)
	if err != nil {
		return change{}, err
	}
	is.ID, is.ChangedBy = id, by
	if r.Status == portal.StatusCancelled {
		is.Status = r.Status
	}
	if err := s.parts(ctx, owner, &is, &r); err != nil {
		return change{}, err
	}
	settle(&is)
	return change{is: is, alert: true}, nil
}

// renewed is our record as the outside has it now.
func (s *Service) renewed(ctx context.Context, by string, owner portal.Address, old, r portal.CRMAppointment, private bool) (change, error) {
	is := cloned(old)
	if !private {
		r = unwithheld(old, r)
	}
	if r.Revision > 0 { // whether that is stale is the store's to say, which knows a repeat
		is.Revision = r.Revision
	}
	now := s.o.Now().UTC()
	is.ChangedAt, is.ChangedBy, is.UpdatedAt = now, by, now
	if !r.Gone.IsZero() {
		if is.Gone.IsZero() {
			is.Gone = now
		}
		return change{was: &old, is: is, alert: true}, nil
	}
	is.Gone = time.Time{}
	if owner != old.Calendar {
		return change{}, bad("crm.owner")
	}
	a, err := s.checked(ctx, owner, owner, r.Appointment)
	if err != nil {
		return change{}, err
	}
	if err := s.tied(ctx, &a.People, &a.Companies); err != nil {
		return change{}, err
	}
	a.Attendees = portal.AppointmentChange{Attendees: &a.Attendees, Known: emails(old.Attendees)}.AttendeesOver(old.Attendees)
	a.ID, a.UID, a.Calendar, a.Organizer, a.InvitedAt, a.UpdatedAt = old.ID, old.UID, old.Calendar, old.Organizer, old.InvitedAt, now
	switch a.Status {
	case portal.StatusPending, portal.StatusComplete, portal.StatusCancelled:
	default:
		a.Status = old.Status
	}
	is.Appointment = a
	if err := s.parts(ctx, owner, &is, &r); err != nil {
		return change{}, err
	}
	if !private {
		keepAttendees(&old, &is)
	}
	if a.Sequence = old.Sequence; whenOf(&old) != whenOf(&is) {
		a.Sequence++
	}
	is.Sequence = a.Sequence
	settle(&is)
	return change{was: &old, is: is, alert: true}, nil
}

// unwithheld is what somebody sent who may not know what is private, with what is private here in its place: see Withheld.
func unwithheld(old, r portal.CRMAppointment) portal.CRMAppointment {
	r = cloned(r)
	if old.Private {
		keep(&r.Appointment, &old.Appointment)
	}
	for i := range r.Exceptions {
		x := &r.Exceptions[i]
		switch had := series.ExceptionOf(&old.Entry, x.RecurrenceID); {
		case had != nil && (old.Private || had.Private):
			keep(x, had)
		case old.Private:
			keep(x, &old.Appointment)
		}
	}
	return r
}

// keep gives an appointment the texts, people and ties of another, and its being private.
func keep(to, from *portal.Appointment) {
	to.Subject, to.Location, to.Body, to.Private, to.ReminderMinutes = from.Subject, from.Location, from.Body, from.Private, from.ReminderMinutes
	to.Categories, to.Attendees = slices.Clone(from.Categories), slices.Clone(from.Attendees)
	to.People, to.Companies = slices.Clone(from.People), slices.Clone(from.Companies)
}

// keepAttendees gives the private parts of a record the answers that are known of them.
func keepAttendees(old, is *portal.CRMAppointment) {
	for i := range is.Exceptions {
		x := &is.Exceptions[i]
		if had := series.ExceptionOf(&old.Entry, x.RecurrenceID); had != nil && (old.Private || had.Private) {
			x.Attendees = slices.Clone(had.Attendees)
		}
	}
}

func emails(list []portal.Attendee) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.Email)
	}
	return out
}

// parts takes what an outside series says of single occurrences.
func (s *Service) parts(ctx context.Context, owner portal.Address, is, r *portal.CRMAppointment) error {
	is.Deleted, is.Exceptions = slices.Clone(r.Deleted), nil
	for _, x := range r.Exceptions {
		if x.RecurrenceID.IsZero() {
			return bad("calendar.occurrence")
		}
		at := x.RecurrenceID
		x.Recurrence = ""
		if x.TimeZone == "" {
			x.TimeZone = is.TimeZone
		}
		x, err := s.checked(ctx, owner, owner, x)
		if err != nil {
			return err
		}
		x.RecurrenceID = at
		if x.Attendees == nil {
			x.Attendees = slices.Clone(is.Attendees)
		} else {
			x.Attendees = portal.AppointmentChange{Attendees: &x.Attendees, Known: emails(is.Attendees)}.AttendeesOver(is.Attendees)
		}
		is.Exceptions = append(is.Exceptions, x)
	}
	return nil
}

// IDFor is the ID under which an outside CRM's own ID is kept here; of an empty one a new one.
func IDFor(outside string) string {
	if outside == "" {
		return newID()
	}
	id, err := chosenID(outside)
	if err != nil { // it holds what an ID cannot: its name-based UUID stands for it
		return portal.CRMPrefix + strings.ReplaceAll(uuid.NewSHA1(uuid.NameSpaceURL, []byte("portico:crm:"+outside)).String(), "-", "")
	}
	return id
}
