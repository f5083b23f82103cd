package web

import (
	"context"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The CRM fields in the form of an appointment: where it is to live, and whom it is tied to.

// maxFormTies bounds the people, and the companies, that a form names.
const maxFormTies = 100

// crmOf is what CRM knows of an appointment in the reader's own calendar; nil where it knows nothing.
func (s *Server) crmOf(c echo.Context, f views.Frame, of portal.Address, a portal.Appointment) (*views.CRMSection, error) {
	me := s.person(c)
	if of != me || a.Masked {
		return nil, nil
	}
	section, err := s.crmSection(c.Request().Context(), me, f.Reader, a.ID)
	if section != nil {
		section.Here = f.Here
	}
	return section, err
}

// startCRM are the fields of something new; the query may say that it is to live in CRM, and whom it is about.
func (s *Server) startCRM(c echo.Context, of portal.Address) (*views.CRMFields, error) {
	if s.CRM == nil || of != s.person(c) {
		return nil, nil
	}
	v := &views.CRMFields{Source: portal.SourceExchange, Choose: true}
	if c.QueryParam("source") == portal.SourceCRM {
		v.Source = portal.SourceCRM
	}
	return v, s.tied(c.Request().Context(), v, some(c.QueryParam("person")), some(c.QueryParam("company")))
}

// editCRM are the fields of an appointment that CRM knows.
func (s *Server) editCRM(c echo.Context, f views.Frame, of portal.Address, a portal.Appointment) (*views.CRMFields, error) {
	section, err := s.crmOf(c, f, of, a)
	if err != nil || section == nil || !section.MayTie {
		return nil, err
	}
	source := portal.SourceExchange
	if a.Source == portal.SourceCRM {
		source = portal.SourceCRM
	}
	return &views.CRMFields{Source: source, People: section.People, Companies: section.Companies}, nil
}

// readCRM reads the fields from a form that was sent; nil where it had none.
func (s *Server) readCRM(c echo.Context, v views.AppointmentForm) (*views.CRMFields, error) {
	form := c.Request().Form
	if s.CRM == nil || !form.Has("source") {
		return nil, nil
	}
	fields := &views.CRMFields{Source: portal.SourceExchange, Choose: v.ID == "", Query: strings.TrimSpace(clip(form.Get("crm_query"), 100))}
	if form.Get("source") == portal.SourceCRM {
		fields.Source = portal.SourceCRM
	}
	people, companies := form["crm_person"], form["crm_company"]
	if len(people) > maxFormTies || len(companies) > maxFormTies {
		return nil, portal.Fail(portal.ErrInvalid, "crm.ties-many")
	}
	return fields, s.tied(c.Request().Context(), fields, people, companies)
}

// tied fills in who is meant by IDs; those who are no more are left out.
func (s *Server) tied(ctx context.Context, v *views.CRMFields, people, companies []string) error {
	var err error
	if v.People, err = s.CRM.PeopleByID(ctx, people); err != nil {
		return err
	}
	v.Companies, err = s.CRM.CompaniesByID(ctx, companies)
	return err
}

// stepCRM does what a button of the CRM fields says; asked: it was one of theirs.
func (s *Server) stepCRM(c echo.Context, v *views.CRMFields) (asked bool, _ error) {
	form := c.Request().Form
	if v == nil || !slices.ContainsFunc([]string{"crm_find", "crm_add_person", "crm_add_company", "crm_drop_person", "crm_drop_company"}, form.Has) {
		return false, nil
	}
	ctx := c.Request().Context()
	people := changedList(v.PeopleIDs(), form.Get("crm_add_person"), form.Get("crm_drop_person"))
	companies := changedList(v.CompanyIDs(), form.Get("crm_add_company"), form.Get("crm_drop_company"))
	if err := s.tied(ctx, v, people, companies); err != nil {
		return true, err
	}
	if !form.Has("crm_find") || v.Query == "" {
		v.Query = ""
		return true, nil
	}
	v.Searched = true
	var err error
	v.FoundPeople, v.FoundCompanies, err = s.tieable(ctx, v.Query, people, companies)
	return true, err
}

// tieAs stores whom a changed appointment is tied to, where the form said so and it is different.
func (s *Server) tieAs(ctx context.Context, me portal.Address, id string, v *views.CRMFields) error {
	if v == nil {
		return nil
	}
	now, err := s.CRM.Get(ctx, me, id)
	if err != nil {
		return err
	}
	people, companies := v.PeopleIDs(), v.CompanyIDs()
	if sameSet(now.People, people) && sameSet(now.Companies, companies) {
		return nil
	}
	_, err = s.CRM.SetTies(ctx, me, id, people, companies, "")
	return err
}

// sameSet reports whether two lists hold the same.
func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}
