package views

import (
	"net/url"
	"time"

	"portico/app/portal"
)

// CRMPage is the page /crm and those below it: the list of people or companies, and beside it what is open.
type CRMPage struct {
	Frame
	Notice
	List CRMList
	// Home is what stands there while nothing is open.
	Home *CRMHome
	// ShowHome: a narrow screen shows that instead of the list.
	ShowHome bool
	// Person or Company is whose card is open; Of are those of a company.
	Person  *portal.CRMPerson
	Company *portal.CRMCompany
	Of      []portal.CRMPerson
	// Ties are the appointments tied to who is open.
	Ties []CRMEntry
	// Form is open instead of a card.
	Form *PartyForm
	// Quick is a line that was not understood.
	Quick string
}

// CRMList is the list of people or companies that were found.
type CRMList struct {
	Reader
	// Kind is KindPeople or KindCompanies.
	Kind      string
	Query     string
	People    []portal.CRMPerson
	Companies []portal.CRMCompany
	// More: there are more than are shown. Open is the ID of the one that is open.
	More bool
	Open string
}

// The two kinds of what CRM lists.
const (
	KindPeople    = "people"
	KindCompanies = "companies"
)

// CRMHome is the beginning of the CRM pages: the reader's own CRM calendar of the next days.
type CRMHome struct {
	Days []CRMDay
}

// CRMDay is a day of it.
type CRMDay struct {
	Date    time.Time
	Entries []CRMEntry
}

// CRMEntry is an appointment as CRM pages list it.
type CRMEntry struct {
	portal.Appointment
}

// PartyForm is a person or a company while it is written.
type PartyForm struct {
	Kind    string
	Person  portal.CRMPerson
	Company portal.CRMCompany
	// Companies are those to choose from for a person.
	Companies []portal.CRMCompany
}

// isNew reports whether the form makes somebody new.
func (f PartyForm) isNew() bool { return f.version() == 0 }

func (f PartyForm) version() int64 {
	if f.Kind == KindCompanies {
		return f.Company.Version
	}
	return f.Person.Version
}

func (f PartyForm) id() string {
	if f.Kind == KindCompanies {
		return f.Company.ID
	}
	return f.Person.ID
}

// back is where the form leads when it is left.
func (f PartyForm) back() string {
	if f.isNew() {
		return WithQuery("/crm", "kind", f.Kind)
	}
	return PartyPath(f.Kind, f.id())
}

// PartyPath is the card of a person or a company.
func PartyPath(kind, id string) string { return "/crm/" + kind + "/" + url.PathEscape(id) }

// open reports whether something stands beside the list that a narrow screen shows instead of it.
func (v CRMPage) open() string {
	if v.Person != nil || v.Company != nil || v.Form != nil || v.ShowHome {
		return "three open"
	}
	return "three"
}

// personName is how a person is called.
func personName(p portal.CRMPerson) string {
	if n := p.Name(); n != "" {
		return n
	}
	return p.Email
}

// tieFields ties a quick appointment to who is open.
func (v CRMPage) tieFields() (person, company string) {
	if v.Person != nil {
		person, company = v.Person.ID, v.Person.Company
	}
	if v.Company != nil {
		company = v.Company.ID
	}
	return person, company
}

// back is where a quick appointment leads.
func (v CRMPage) back() string {
	switch {
	case v.Person != nil:
		return PartyPath(KindPeople, v.Person.ID)
	case v.Company != nil:
		return PartyPath(KindCompanies, v.Company.ID)
	}
	return "/crm"
}

// fullForm is the whole form of a new CRM appointment, tied to who is open.
func (v CRMPage) fullForm() string {
	person, company := v.tieFields()
	return WithQuery("/calendar/new", "source", portal.SourceCRM, "person", person, "company", company, "back", v.back())
}

// lives says where an appointment lives: one that is kept in step lives in both.
func lives(a portal.Appointment) string {
	if a.Source == portal.SourceCRM {
		return portal.SourceCRM
	}
	return portal.SourceExchange
}

// stepState is whether an appointment is in step, as a key below "crm.step.".
func stepState(a portal.Appointment) string {
	switch a.Sync.State {
	case portal.SyncPending, portal.SyncFailed:
		return a.Sync.State
	}
	return portal.SyncDone
}

// stepText says whether an appointment is in step, and why not where it is not.
func (r Reader) stepText(a portal.Appointment) string {
	text := r.Text("crm.step." + stepState(a))
	if stepState(a) == portal.SyncFailed && a.Sync.Error != "" {
		text += " " + r.why(a.Sync.Error)
	}
	return text
}

// statuses are those that a CRM appointment can be given by hand.
func statuses() []portal.AppointmentStatus {
	return []portal.AppointmentStatus{portal.StatusPending, portal.StatusComplete, portal.StatusCancelled}
}

// crmStatus is an appointment's status as CRM knows it.
func crmStatus(a portal.Appointment) portal.AppointmentStatus {
	switch a.Status {
	case portal.StatusComplete, portal.StatusCancelled:
		return a.Status
	}
	return portal.StatusPending
}

// webLink is a company's web address as a link; empty where it is none that a browser may follow.
func webLink(web string) string {
	if href, ok := link(web); ok {
		return href
	}
	if href, ok := link("https://" + web); ok {
		return href
	}
	return ""
}

// livesText says where an appointment lives that CRM knows, and that it is in step; what is not has marks of its own. It is empty
// where CRM does not know it.
func (r Reader) livesText(a portal.Appointment) string {
	known := a.Source == portal.SourceCRM || a.Status == portal.StatusPending || a.Status == portal.StatusComplete
	switch {
	case !known || a.Masked:
		return ""
	case stepState(a) == portal.SyncDone:
		return r.Text("crm.lives."+lives(a)) + " · " + r.Text("crm.step.done")
	}
	return r.Text("crm.lives." + lives(a))
}
