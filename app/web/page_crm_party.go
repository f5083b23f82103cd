package web

import (
	"net/http"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// maxPartyField is the longest field of a person or a company, in characters.
const maxPartyField = 255

// newParty is the form of somebody new.
func (s *Server) newParty(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := s.crmFrame(c, kind, "")
		if err != nil {
			return err
		}
		v.Form = &views.PartyForm{Kind: kind, Person: portal.CRMPerson{Company: clip(c.QueryParam("company"), 200)}}
		return s.showPartyForm(c, http.StatusOK, v)
	}
}

// editParty is the form of somebody who is there.
func (s *Server) editParty(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := pathText(c, "id")
		if err != nil {
			return err
		}
		v, err := s.crmFrame(c, kind, id)
		if err != nil {
			return err
		}
		form := views.PartyForm{Kind: kind}
		if kind == views.KindCompanies {
			form.Company, err = s.CRM.Company(c.Request().Context(), id)
		} else {
			form.Person, err = s.CRM.Person(c.Request().Context(), id)
		}
		if err != nil {
			return err
		}
		v.Form = &form
		return s.showPartyForm(c, http.StatusOK, v)
	}
}

func (s *Server) showPartyForm(c echo.Context, status int, v views.CRMPage) error {
	title := "crm.change." + v.Form.Kind
	if v.Form.Person.Version == 0 && v.Form.Company.Version == 0 {
		title = "crm.add." + v.Form.Kind
	}
	v.Title = v.Text(title)
	if v.Form.Kind == views.KindPeople {
		var err error
		if v.Form.Companies, err = s.CRM.Companies(c.Request().Context(), "", choosable); err != nil {
			return err
		}
	}
	return s.render(c, status, views.CRMView(v))
}

// saveParty stores a person or a company. What is wrong stands on the form, with what was typed.
func (s *Server) saveParty(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := form(c); err != nil {
			return err
		}
		version, err := wholeNumber(c.FormValue("version"), 0)
		if err != nil {
			return err
		}
		field := func(name string) string { return strings.TrimSpace(c.FormValue(name)) }
		typed := views.PartyForm{Kind: kind}
		if kind == views.KindCompanies {
			typed.Company = portal.CRMCompany{ID: field("id"), Name: field("name"), City: field("city"), Phone: field("phone"), Web: field("web"), Version: version}
		} else {
			typed.Person = portal.CRMPerson{
				ID: field("id"), FirstName: field("first_name"), LastName: field("last_name"), Email: field("email"), Phone: field("phone"), Title: field("title"), Company: field("company"), Version: version,
			}
		}
		id, err := s.storeParty(c, typed)
		if err == nil {
			return c.Redirect(http.StatusSeeOther, views.PartyPath(kind, id))
		}
		v, ferr := s.crmFrame(c, kind, field("id"))
		if ferr != nil {
			return ferr
		}
		v.Form = &typed
		status, err := s.faulty(c, &v.Frame, &v.Notice, err)
		if err != nil {
			return err
		}
		return s.showPartyForm(c, status, v)
	}
}

// storeParty checks and stores what a form holds, and gives its ID.
func (s *Server) storeParty(c echo.Context, typed views.PartyForm) (string, error) {
	ctx, me := c.Request().Context(), s.person(c)
	if typed.Kind == views.KindCompanies {
		if err := checkCompany(typed.Company); err != nil {
			return "", err
		}
		saved, err := s.CRM.SaveCompany(ctx, me, "", typed.Company)
		return saved.ID, err
	}
	if err := checkPerson(typed.Person); err != nil {
		return "", err
	}
	saved, err := s.CRM.SavePerson(ctx, me, "", typed.Person)
	return saved.ID, err
}

// checkPerson says all that is wrong with a person.
func checkPerson(p portal.CRMPerson) error {
	var faults []portal.SyncFault
	if p.FirstName == "" && p.LastName == "" {
		faults = append(faults, portal.SyncFault{Where: "last_name", Reason: "crm.name-missing"})
	}
	faults = append(faults, tooLong(map[string]string{"first_name": p.FirstName, "last_name": p.LastName, "title": p.Title, "phone": p.Phone, "email": p.Email},
		"first_name", "last_name", "title", "phone", "email")...)
	if p.Email != "" && !plainEmail(p.Email) {
		faults = append(faults, portal.SyncFault{Where: "email", Reason: "crm.email"})
	}
	return faultsOf(faults)
}

// checkCompany says all that is wrong with a company.
func checkCompany(c portal.CRMCompany) error {
	var faults []portal.SyncFault
	if c.Name == "" {
		faults = append(faults, portal.SyncFault{Where: "name", Reason: "crm.name-missing"})
	}
	faults = append(faults, tooLong(map[string]string{"name": c.Name, "city": c.City, "phone": c.Phone, "web": c.Web}, "name", "city", "phone", "web")...)
	return faultsOf(faults)
}

// tooLong names the fields that are longer than CRM keeps them, in order.
func tooLong(values map[string]string, order ...string) (faults []portal.SyncFault) {
	for _, field := range order {
		if utf8.RuneCountInString(values[field]) > maxPartyField {
			faults = append(faults, portal.SyncFault{Where: field, Reason: "crm.too-long"})
		}
	}
	return faults
}

// plainEmail reports whether a text is an e-mail address and nothing else.
func plainEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}

// deleteParty takes a person or a company away.
func (s *Server) deleteParty(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := form(c); err != nil {
			return err
		}
		id, err := pathText(c, "id")
		if err != nil {
			return err
		}
		version, err := wholeNumber(c.FormValue("version"), 0)
		if err != nil {
			return err
		}
		remove := s.CRM.DeletePerson
		if kind == views.KindCompanies {
			remove = s.CRM.DeleteCompany
		}
		if err := remove(c.Request().Context(), s.person(c), id, version); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, views.WithQuery("/crm", "kind", kind, "deleted", "1"))
	}
}
