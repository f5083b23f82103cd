package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// What CRM adds to the pages of appointments: the section on an appointment's page, its fields in the form, the page of ties.

// foundTies is how many people, and how many companies, a search for ties shows.
const foundTies = 10

// crmSection is what CRM knows of an appointment, by the ID it has in the reader's calendar; nil where it knows nothing of it.
func (s *Server) crmSection(ctx context.Context, me portal.Address, r views.Reader, id string) (*views.CRMSection, error) {
	if s.CRM == nil {
		return nil, nil
	}
	rec, err := s.CRM.Get(ctx, me, id)
	if errors.Is(err, portal.ErrNotFound) || errors.Is(err, portal.ErrForbidden) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if rec.Origin != "" {
		rec.Source = rec.Origin // where it was made is where it lives
	}
	v := &views.CRMSection{Reader: r, Record: rec, Me: me, Mailboxes: map[portal.Address]bool{}}
	if v.People, err = s.CRM.PeopleByID(ctx, rec.People); err != nil {
		return nil, err
	}
	if v.Companies, err = s.CRM.CompaniesByID(ctx, rec.Companies); err != nil {
		return nil, err
	}
	users, err := s.CRM.Users(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		v.Mailboxes[u.Address] = u.Synced()
	}
	v.MayTie = rec.Calendar == me || slices.ContainsFunc(rec.Attendees, func(a portal.Attendee) bool { return a.URI == me })
	v.MayChange = rec.Calendar == me || rec.Stub && v.MayTie
	return v, nil
}

// recordOf is the section of the record that a request's address names; ErrNotFound where the reader may not see it.
func (s *Server) recordOf(c echo.Context, r views.Reader) (*views.CRMSection, error) {
	id, err := pathText(c, "id")
	if err != nil {
		return nil, err
	}
	section, err := s.crmSection(c.Request().Context(), s.person(c), r, id)
	if err == nil && section == nil {
		err = portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	return section, err
}

// statusByForm makes a record pending, complete or cancelled.
func (s *Server) statusByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	status, err := statusOfCRM(c.FormValue("status"))
	if err != nil {
		return err
	}
	me := s.person(c)
	if _, err := s.CRM.SetStatus(c.Request().Context(), me, id, status, c.FormValue("version")); err != nil {
		return err
	}
	return s.done(c, views.AppointmentPath(me, me, id))
}

// statusOfCRM reads a status that CRM knows.
func statusOfCRM(text string) (portal.AppointmentStatus, error) {
	status := portal.AppointmentStatus(text)
	if !slices.Contains([]portal.AppointmentStatus{portal.StatusPending, portal.StatusComplete, portal.StatusCancelled}, status) {
		return "", portal.Fail(portal.ErrInvalid, "crm.status")
	}
	return status, nil
}

// tiesPage shows whom an appointment is tied to, and who else it could be.
func (s *Server) tiesPage(c echo.Context) error {
	f, err := s.calendarFrame(c, views.CRM, "crm.ties")
	if err != nil {
		return err
	}
	v := views.TiesPage{Frame: f, Query: strings.TrimSpace(clip(c.QueryParam("q"), 100))}
	section, err := s.recordOf(c, f.Reader)
	if err != nil {
		return err
	}
	v.Section = *section
	ctx := c.Request().Context()
	if v.Query != "" {
		v.Searched = true
		if v.FoundPeople, v.FoundCompanies, err = s.tieable(ctx, v.Query, section.Record.People, section.Record.Companies); err != nil {
			return err
		}
	}
	if partial(c) {
		return s.render(c, http.StatusOK, views.FoundTies(v))
	}
	return s.render(c, http.StatusOK, views.TiesView(v))
}

// tieable are the people and companies that a text finds, without those that are tied already.
func (s *Server) tieable(ctx context.Context, text string, tiedPeople, tiedCompanies []string) ([]portal.CRMPerson, []portal.CRMCompany, error) {
	people, err := s.CRM.People(ctx, text, foundTies+len(tiedPeople))
	if err != nil {
		return nil, nil, err
	}
	companies, err := s.CRM.Companies(ctx, text, foundTies+len(tiedCompanies))
	if err != nil {
		return nil, nil, err
	}
	people = slices.DeleteFunc(people, func(p portal.CRMPerson) bool { return slices.Contains(tiedPeople, p.ID) })
	companies = slices.DeleteFunc(companies, func(p portal.CRMCompany) bool { return slices.Contains(tiedCompanies, p.ID) })
	return people[:min(len(people), foundTies)], companies[:min(len(companies), foundTies)], nil
}

// tiesByForm ties an appointment to somebody, or no longer.
func (s *Server) tiesByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	section, err := s.recordOf(c, s.reader(c))
	if err != nil {
		return err
	}
	people := changedList(section.Record.People, c.FormValue("add_person"), c.FormValue("remove_person"))
	companies := changedList(section.Record.Companies, c.FormValue("add_company"), c.FormValue("remove_company"))
	id := section.Record.ID
	if _, err := s.CRM.SetTies(c.Request().Context(), s.person(c), id, people, companies, c.FormValue("version")); err != nil {
		return err
	}
	path, err := pathText(c, "id")
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.TiesPath(path))
}

// changedList is a list with one more, or one less.
func changedList(list []string, add, remove string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(id string) bool { return id == remove })
	if add != "" && !slices.Contains(out, add) {
		out = append(out, add)
	}
	return out
}
