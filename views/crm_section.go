package views

import (
	"net/url"
	"slices"

	"portico/app/portal"
)

// CRMSection is what CRM adds to the page of an appointment: where it lives and whether it is in step, its status, whom it is tied to,
// and what those answered who have it in Exchange.
type CRMSection struct {
	Reader
	Record portal.CRMAppointment
	Me     portal.Address
	// Here is the page to come back to.
	Here string
	// People and Companies are those that it is tied to.
	People    []portal.CRMPerson
	Companies []portal.CRMCompany
	// Mailboxes are those who take part and have a mailbox, by address; their answers come from Exchange.
	Mailboxes map[portal.Address]bool
	// MayChange: the status is the reader's to change. MayTie: the reader takes part.
	MayChange, MayTie bool
}

// at is where something is done with the record.
func (v CRMSection) at(what string) string {
	return recordPath(v.Record.ID) + "/" + what
}

// answers are those of the people whose calendar is in Exchange.
func (v CRMSection) answers() []portal.Attendee {
	return slices.DeleteFunc(slices.Clone(v.Record.Attendees), func(a portal.Attendee) bool {
		return a.URI != "" && !v.Mailboxes[a.URI] || a.Role == portal.RoleResource
	})
}

// TiesPage is the page /crm/appointments/{id}/ties.
type TiesPage struct {
	Frame
	Section CRMSection
	Query   string
	// FoundPeople and FoundCompanies are those that it can be tied to.
	FoundPeople    []portal.CRMPerson
	FoundCompanies []portal.CRMCompany
	// Searched: the lists are what a search found.
	Searched bool
}

// CRMFields are what CRM adds to the form of an appointment: where it is to live, and whom it is tied to.
type CRMFields struct {
	// Source is where something new is to live; Choose: it can still be chosen.
	Source string
	Choose bool
	// People and Companies are those that it is tied to.
	People    []portal.CRMPerson
	Companies []portal.CRMCompany
	// Query is what was typed to find others, FoundPeople and FoundCompanies who was found.
	Query          string
	FoundPeople    []portal.CRMPerson
	FoundCompanies []portal.CRMCompany
	Searched       bool
}

// TiesPath is the page of a record's ties.
func TiesPath(id string) string { return recordPath(id) + "/ties" }

func recordPath(id string) string { return "/crm/appointments/" + url.PathEscape(id) }

// Over puts what the fields hold into a new appointment.
func (f *CRMFields) Over(a *portal.Appointment) {
	if f == nil {
		return
	}
	a.Source, a.People, a.Companies = f.Source, f.PeopleIDs(), f.CompanyIDs()
}

// PeopleIDs are the people that the appointment is to be tied to.
func (f *CRMFields) PeopleIDs() []string {
	out := []string{}
	for _, p := range f.People {
		out = append(out, p.ID)
	}
	return out
}

// CompanyIDs are the companies that the appointment is to be tied to.
func (f *CRMFields) CompanyIDs() []string {
	out := []string{}
	for _, c := range f.Companies {
		out = append(out, c.ID)
	}
	return out
}
