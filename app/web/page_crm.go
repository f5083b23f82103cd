package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/calendar/quickadd"
	"portico/app/portal"
	"portico/views"
)

const (
	// foundParties is how many people or companies a list shows.
	foundParties = 50
	// tiedAppointments is how many appointments a card shows.
	tiedAppointments = 50
	// homeDays is how many days of the own CRM calendar the first page shows.
	homeDays = 14
	// choosable is how many companies a form offers.
	choosable = 500
)

// crmPages registers the pages of CRM.
func (s *Server) crmPages(g *echo.Group) {
	g = g.Group("", s.withCRM)
	g.GET("/crm", s.crmPage)
	g.GET("/crm/find", s.findParties)
	g.GET("/crm/quick", s.crmPage)
	g.POST("/crm/quick", s.quickCRM)
	for _, kind := range []string{views.KindPeople, views.KindCompanies} {
		g.GET("/crm/"+kind+"/new", s.newParty(kind))
		g.GET("/crm/"+kind, func(c echo.Context) error {
			return c.Redirect(http.StatusSeeOther, views.WithQuery("/crm", "kind", kind))
		})
		g.POST("/crm/"+kind, s.saveParty(kind))
		g.GET("/crm/"+kind+"/:id/edit", s.editParty(kind))
		g.POST("/crm/"+kind+"/:id/delete", s.deleteParty(kind))
	}
	g.GET("/crm/people/:id", s.personPage)
	g.GET("/crm/companies/:id", s.companyPage)
	g.POST("/crm/appointments/:id/status", s.statusByForm)
	g.GET("/crm/appointments/:id/ties", s.tiesPage)
	g.POST("/crm/appointments/:id/ties", s.tiesByForm)
}

// partyKind is which list a request asks for.
func partyKind(c echo.Context) string {
	if c.QueryParam("kind") == views.KindCompanies {
		return views.KindCompanies
	}
	return views.KindPeople
}

// crmFrame is the frame of a page of CRM with its list.
func (s *Server) crmFrame(c echo.Context, kind, open string) (views.CRMPage, error) {
	f, err := s.frame(c, views.CRM, "nav.crm")
	if err != nil {
		return views.CRMPage{}, err
	}
	f.Reader = s.reader(c)
	f.Here = relativeTarget(c.Request().URL.RequestURI())
	v := views.CRMPage{Frame: f}
	if c.QueryParam("done") == "made" {
		v.Done = f.Text("crm.made")
	}
	v.List, err = s.partyList(c, f.Reader, kind, open)
	return v, err
}

// partyList finds people or companies by what was typed, from the first letter on.
func (s *Server) partyList(c echo.Context, r views.Reader, kind, open string) (views.CRMList, error) {
	v := views.CRMList{Reader: r, Kind: kind, Query: strings.TrimSpace(clip(c.QueryParam("q"), 100)), Open: open}
	ctx := c.Request().Context()
	var err error
	if kind == views.KindCompanies {
		v.Companies, err = s.CRM.Companies(ctx, v.Query, foundParties+1)
		v.More = len(v.Companies) > foundParties
		v.Companies = v.Companies[:min(len(v.Companies), foundParties)]
		return v, err
	}
	v.People, err = s.CRM.People(ctx, v.Query, foundParties+1)
	v.More = len(v.People) > foundParties
	v.People = v.People[:min(len(v.People), foundParties)]
	return v, err
}

// crmPage is the list with the reader's own CRM calendar beside it.
func (s *Server) crmPage(c echo.Context) error {
	v, err := s.crmFrame(c, partyKind(c), "")
	if err != nil {
		return err
	}
	if c.QueryParam("deleted") == "1" {
		v.Done = v.Text("crm.deleted")
	}
	v.ShowHome = c.QueryParam("view") == "calendar"
	return s.showCRMHome(c, http.StatusOK, v)
}

func (s *Server) showCRMHome(c echo.Context, status int, v views.CRMPage) error {
	home, err := s.crmHome(c, v.Reader)
	if err != nil {
		return err
	}
	v.Home = &home
	return s.render(c, status, views.CRMView(v))
}

// crmHome is the reader's CRM calendar of the next days, by day.
func (s *Server) crmHome(c echo.Context, r views.Reader) (views.CRMHome, error) {
	y, m, d := r.Now.Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, r.Zone)
	list, err := s.CRM.Window(c.Request().Context(), s.person(c), from, from.AddDate(0, 0, homeDays), r.Zone)
	if err != nil {
		return views.CRMHome{}, err
	}
	origins, err := s.originsOf(c, from)
	if err != nil {
		return views.CRMHome{}, err
	}
	var home views.CRMHome
	for _, a := range list {
		if record, _ := portal.SplitOccurrenceID(a.ID); origins[record] != "" {
			a.Source = origins[record]
		}
		day := a.Start.In(r.Zone)
		if a.AllDay {
			day = a.Start.UTC()
		}
		y, m, d := day.Date()
		date := time.Date(y, m, d, 0, 0, 0, 0, r.Zone)
		if date.Before(from) {
			date = from // it began before and goes on
		}
		i := slices.IndexFunc(home.Days, func(k views.CRMDay) bool { return k.Date.Equal(date) })
		if i < 0 {
			i = len(home.Days)
			home.Days = append(home.Days, views.CRMDay{Date: date})
		}
		home.Days[i].Entries = append(home.Days[i].Entries, views.CRMEntry{Appointment: a})
	}
	slices.SortStableFunc(home.Days, func(a, b views.CRMDay) int { return a.Date.Compare(b.Date) })
	return home, nil
}

// originsOf says of the records of the days that are shown where each was made, which is where it lives.
func (s *Server) originsOf(c echo.Context, from time.Time) (map[string]string, error) {
	list, err := s.CRM.Entries(c.Request().Context(), s.person(c), from.AddDate(0, 0, -1), from.AddDate(0, 0, homeDays+1))
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(list))
	for _, r := range list {
		out[r.ID] = r.Origin
	}
	return out, nil
}

// findParties is the list alone, for the page's script.
func (s *Server) findParties(c echo.Context) error {
	list, err := s.partyList(c, s.reader(c), partyKind(c), "")
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.FoundParties(list))
}

// personPage is the card of a person with their appointments.
func (s *Server) personPage(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	v, err := s.crmFrame(c, views.KindPeople, id)
	if err != nil {
		return err
	}
	return s.showPerson(c, http.StatusOK, v, id)
}

func (s *Server) showPerson(c echo.Context, status int, v views.CRMPage, id string) error {
	ctx := c.Request().Context()
	p, err := s.CRM.Person(ctx, id)
	if err != nil {
		return err
	}
	v.Person, v.Title = &p, p.Name()
	if v.Title == "" {
		v.Title = p.Email
	}
	if v.Ties, err = s.tiedTo(c, id, ""); err != nil {
		return err
	}
	return s.render(c, status, views.CRMView(v))
}

// companyPage is the card of a company with its people and appointments.
func (s *Server) companyPage(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	v, err := s.crmFrame(c, views.KindCompanies, id)
	if err != nil {
		return err
	}
	return s.showCompany(c, http.StatusOK, v, id)
}

func (s *Server) showCompany(c echo.Context, status int, v views.CRMPage, id string) error {
	ctx := c.Request().Context()
	company, err := s.CRM.Company(ctx, id)
	if err != nil {
		return err
	}
	v.Company, v.Title = &company, company.Name
	people, err := s.CRM.People(ctx, company.Name, foundParties)
	if err != nil {
		return err
	}
	v.Of = slices.DeleteFunc(people, func(p portal.CRMPerson) bool { return p.Company != id })
	if v.Ties, err = s.tiedTo(c, "", id); err != nil {
		return err
	}
	return s.render(c, status, views.CRMView(v))
}

// tiedTo are the appointments that are tied to a person or a company, the latest first.
func (s *Server) tiedTo(c echo.Context, person, company string) ([]views.CRMEntry, error) {
	list, err := s.CRM.AppointmentsOf(c.Request().Context(), s.person(c), person, company, tiedAppointments)
	if err != nil {
		return nil, err
	}
	out := make([]views.CRMEntry, 0, len(list))
	for _, r := range list {
		if r.Origin != "" {
			r.Source = r.Origin
		}
		out = append(out, views.CRMEntry{Appointment: r.Appointment})
	}
	return out, nil
}

// quickCRM makes a CRM appointment of one line, tied to whose card it was written on. What is not understood stays in the line.
func (s *Server) quickCRM(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	text := clip(c.FormValue("text"), maxQuery)
	r, me := s.reader(c), s.person(c)
	parsed, err := quickadd.Parse(text, r.Now)
	if err == nil {
		a := portal.Appointment{
			ID: uuid.NewString(), Calendar: me, Subject: parsed.Subject, Location: parsed.Location, Start: parsed.Start, End: parsed.End, AllDay: parsed.AllDay,
			TimeZone: r.Zone.String(), Show: portal.ShowBusy, ReminderMinutes: defaultReminder(parsed.AllDay), Source: portal.SourceCRM,
			People: some(c.FormValue("person")), Companies: some(c.FormValue("company")),
		}
		if parsed.AllDay {
			a.Show = portal.ShowFree
		}
		_, err = s.CRM.Create(c.Request().Context(), me, "", a)
	}
	if err == nil {
		return s.done(c, "/crm")
	}
	return s.quickFailed(c, text, err)
}

// some is a list of what is not empty.
func some(texts ...string) []string {
	return slices.DeleteFunc(texts, func(t string) bool { return t == "" })
}

// quickFailed is the page that a line was written on, with the line still in it and why it was not understood.
func (s *Server) quickFailed(c echo.Context, text string, err error) error {
	var said *portal.Error
	if !errors.As(err, &said) {
		return err
	}
	person, company := c.FormValue("person"), c.FormValue("company")
	here := relativeTarget(c.FormValue("here"))
	kind, open := views.KindPeople, person
	if strings.HasPrefix(here, "/crm/companies/") {
		kind, open = views.KindCompanies, company
	}
	v, ferr := s.crmFrame(c, kind, open)
	if ferr != nil {
		return ferr
	}
	v.Quick = text
	v.ShowHome = true
	status, err := s.faulty(c, &v.Frame, &v.Notice, err)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(here, "/crm/people/"):
		return s.showPerson(c, status, v, person)
	case strings.HasPrefix(here, "/crm/companies/"):
		return s.showCompany(c, status, v, company)
	}
	return s.showCRMHome(c, status, v)
}
