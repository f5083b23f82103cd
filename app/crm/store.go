package crm

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps what CRM knows. Each call is one transaction, which writes the change log and the events too. What is not there
// is ErrNotFound where a single thing is asked for.
type Store interface {
	Appointments
	Parties
	// CRMChanges gives up to limit lines of the change log after a number, by number.
	CRMChanges(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error)
	// LastCRMChange is the number of the newest line; zero: there is none.
	LastCRMChange(ctx context.Context) (int64, error)
	// PruneCRMChanges forgets lines up to a number that are older than before.
	PruneCRMChanges(ctx context.Context, upTo int64, before time.Time) error
}

// Appointments are the communications of the kind appointment.
type Appointments interface {
	// CRMAppointment gives a record; one that was deleted has Gone.
	CRMAppointment(ctx context.Context, id string) (portal.CRMAppointment, error)
	// CRMAppointmentByUID gives the living record of a UID.
	CRMAppointmentByUID(ctx context.Context, uid string) (portal.CRMAppointment, error)
	// CRMAppointmentsAlike gives the living records of an owner with these times, of which the caller compares the subjects.
	CRMAppointmentsAlike(ctx context.Context, owner portal.Address, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error)
	// CRMWindow gives the living records that somebody owns or takes part in and of which anything may lie in from ≤ t < to, by
	// start. All-day ones are compared as midnights in UTC: ask for a day more on both sides.
	CRMWindow(ctx context.Context, who portal.Address, from, to time.Time) ([]portal.CRMAppointment, error)
	// CRMAppointmentsOf gives up to limit living records tied to a person or company (the one that is not empty), the latest first.
	CRMAppointmentsOf(ctx context.Context, person, company string, limit int) ([]portal.CRMAppointment, error)
	// PutCRMAppointments stores records, all or none. Revision is the one that each was made from (0: it is new) and is raised;
	// a stale one, or a second living record of a UID, is ErrConflict. key is an idempotency key, "" for none: a repeat of it
	// stores nothing and gives what the first stored. Without records it stores the events alone.
	PutCRMAppointments(ctx context.Context, key string, list []portal.CRMAppointment, evs ...portal.Addressed) ([]portal.CRMAppointment, error)
	// PutCRMFile keeps the bytes of a file under their hash; CRMFile gives them.
	PutCRMFile(ctx context.Context, hash string, data []byte) error
	CRMFile(ctx context.Context, hash string) ([]byte, error)
}

// Parties are whom appointments are made with and tied to.
type Parties interface {
	CRMUsers(ctx context.Context) ([]portal.CRMUser, error)
	CRMUser(ctx context.Context, a portal.Address) (portal.CRMUser, error)
	// PutCRMUsers, PutCRMPeople and PutCRMCompanies store by Version as PutCRMAppointments does by Revision.
	PutCRMUsers(ctx context.Context, key string, list []portal.CRMUser, by string) ([]portal.CRMUser, error)
	// CRMPeople finds by the beginning of any word of name, e-mail or company, by name; an empty text finds all.
	CRMPeople(ctx context.Context, text string, limit int) ([]portal.CRMPerson, error)
	CRMPeopleByID(ctx context.Context, ids []string) ([]portal.CRMPerson, error)
	PutCRMPeople(ctx context.Context, key string, list []portal.CRMPerson, by string) ([]portal.CRMPerson, error)
	DeleteCRMPerson(ctx context.Context, id string, version int64, by string) error
	CRMCompanies(ctx context.Context, text string, limit int) ([]portal.CRMCompany, error)
	CRMCompaniesByID(ctx context.Context, ids []string) ([]portal.CRMCompany, error)
	PutCRMCompanies(ctx context.Context, key string, list []portal.CRMCompany, by string) ([]portal.CRMCompany, error)
	DeleteCRMCompany(ctx context.Context, id string, version int64, by string) error
}
