package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// The API of CRM: people, companies and users. It does what the pages under /crm do.

// keyHeader names a write, so that a repeat of it changes nothing.
const keyHeader = "Idempotency-Key"

// maxKey is the longest name of a write, in bytes.
const maxKey = 200

// crmCalls is the part of the route table that is about CRM.
func (s *Server) crmCalls() []call {
	return []call{
		{http.MethodGet, "/crm/people", members, s.apiPeople, aboutPeople},
		{http.MethodPost, "/crm/people", members, s.apiAddPerson, aboutAddPerson},
		{http.MethodGet, "/crm/people/:id", members, s.apiPerson, aboutPerson},
		{http.MethodPut, "/crm/people/:id", members, s.apiSavePerson, aboutSavePerson},
		{http.MethodDelete, "/crm/people/:id", members, s.apiDeletePerson, aboutDeletePerson},
		{http.MethodGet, "/crm/companies", members, s.apiCompanies, aboutCompanies},
		{http.MethodPost, "/crm/companies", members, s.apiAddCompany, aboutAddCompany},
		{http.MethodGet, "/crm/companies/:id", members, s.apiCompany, aboutCompany},
		{http.MethodPut, "/crm/companies/:id", members, s.apiSaveCompany, aboutSaveCompany},
		{http.MethodDelete, "/crm/companies/:id", members, s.apiDeleteCompany, aboutDeleteCompany},
		{http.MethodGet, "/crm/users", members, s.apiCRMUsers, aboutCRMUsers},
		{http.MethodGet, "/crm/users/:uri", members, s.apiCRMUser, aboutCRMUser},
		{http.MethodPut, "/crm/users/:uri", members, s.apiSaveCRMUser, aboutSaveCRMUser},

		{http.MethodGet, "/crm/appointments", members, s.apiCRMAppointments, aboutCRMAppointments},
		{http.MethodPost, "/crm/appointments", members, s.apiCreateCRM, aboutCreateCRM},
		{http.MethodGet, "/crm/appointments/:id", members, s.apiCRMAppointment, aboutCRMAppointment},
		{http.MethodPatch, "/crm/appointments/:id", members, s.apiChangeCRM, aboutChangeCRM},
		{http.MethodDelete, "/crm/appointments/:id", members, s.apiDeleteCRM, aboutDeleteCRM},
		{http.MethodPut, "/crm/appointments/:id/status", members, s.apiStatusCRM, aboutStatusCRM},
		{http.MethodPut, "/crm/appointments/:id/ties", members, s.apiTiesCRM, aboutTiesCRM},
		{http.MethodPost, "/crm/appointments/:id/response", members, s.apiRespondCRM, aboutRespondCRM},
		{http.MethodGet, "/crm/changes", members, s.apiCRMChanges, aboutCRMChanges},
		{http.MethodPost, "/crm/inbox", anyone, s.apiInbox, aboutInbox},
	}
}

var (
	keyParam     = param{name: keyHeader, in: "header", schema: "IdempotencyKey", about: "chosen by the caller: a repeat with it changes nothing and is answered as the first"}
	versionParam = param{name: "version", in: "query", schema: "Seq", about: "the version that is meant"}
	searchParams = []param{{name: "q", in: "query", schema: "Query", about: "the beginning of any word; without it all"}, {name: "limit", in: "query", schema: "Limit", about: "how many at most (50)"}}

	aboutPeople        = operation{summary: "People outside, to whom appointments can be tied", params: searchParams, answers: []answer{{status: 200, schema: "CRMPerson", list: true}}, errors: []int{400}}
	aboutAddPerson     = operation{summary: "Add a person", params: []param{keyParam}, body: "CRMPersonChange", answers: []answer{{status: 201, schema: "CRMPerson"}}, errors: []int{400, 409, 413, 415}}
	aboutPerson        = operation{summary: "One person", params: []param{idParam}, answers: []answer{{status: 200, schema: "CRMPerson"}}, errors: []int{404}}
	aboutSavePerson    = operation{summary: "Change a person; version is the one that the change was made from", params: []param{idParam, keyParam}, body: "CRMPersonChange", answers: []answer{{status: 200, schema: "CRMPerson"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutDeletePerson  = operation{summary: "Take a person away; appointments lose the tie", params: []param{idParam, versionParam}, answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404, 409}}
	aboutCompanies     = operation{summary: "Companies, to which appointments can be tied", params: searchParams, answers: []answer{{status: 200, schema: "CRMCompany", list: true}}, errors: []int{400}}
	aboutAddCompany    = operation{summary: "Add a company", params: []param{keyParam}, body: "CRMCompanyChange", answers: []answer{{status: 201, schema: "CRMCompany"}}, errors: []int{400, 409, 413, 415}}
	aboutCompany       = operation{summary: "One company", params: []param{idParam}, answers: []answer{{status: 200, schema: "CRMCompany"}}, errors: []int{404}}
	aboutSaveCompany   = operation{summary: "Change a company; version is the one that the change was made from", params: []param{idParam, keyParam}, body: "CRMCompanyChange", answers: []answer{{status: 200, schema: "CRMCompany"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutDeleteCompany = operation{summary: "Take a company away; people and appointments lose the tie", params: []param{idParam, versionParam}, answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404, 409}}
	aboutCRMUsers      = operation{summary: "Those who work with CRM", params: searchParams, answers: []answer{{status: 200, schema: "CRMUser", list: true}}, errors: []int{400}}
	aboutCRMUser       = operation{summary: "One of them", params: []param{uriParam("uri")}, answers: []answer{{status: 200, schema: "CRMUser"}}, errors: []int{400, 404}}
	aboutSaveCRMUser   = operation{summary: "Add or change one, for administrators; who they are in Exchange is Sync users' to say", params: []param{uriParam("uri")}, body: "CRMUserChange", answers: []answer{{status: 200, schema: "CRMUser"}}, errors: []int{400, 409, 413, 415}}
)

// idempotencyKey reads the name of a write; it is the caller's own, so that nobody meets another's.
func (s *Server) idempotencyKey(c echo.Context) (string, error) {
	key := c.Request().Header.Get(keyHeader)
	if key == "" {
		return "", nil
	}
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return "", portal.Fail(portal.ErrInvalid, "crm.idempotency-key")
	}
	return string(s.person(c)) + " " + c.Request().Method + " " + c.Path() + " " + key, nil
}

// query and limit of a search.
func search(c echo.Context) (text string, limit int, err error) {
	limit, err = limitOf(c, foundParties)
	return strings.TrimSpace(clip(c.QueryParam("q"), 100)), limit, err
}

func (s *Server) apiPeople(c echo.Context) error {
	text, limit, err := search(c)
	if err != nil {
		return err
	}
	list, err := s.CRM.People(c.Request().Context(), text, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}

func (s *Server) apiPerson(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	p, err := s.CRM.Person(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, p)
}

func (s *Server) apiAddPerson(c echo.Context) error {
	var in portal.CRMPerson
	if err := body(c, &in); err != nil {
		return err
	}
	in.Version = 0
	return s.putPerson(c, in, http.StatusCreated)
}

func (s *Server) apiSavePerson(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	old, err := s.CRM.Person(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if err := body(c, &old); err != nil {
		return err
	}
	old.ID = id
	return s.putPerson(c, old, http.StatusOK)
}

func (s *Server) putPerson(c echo.Context, p portal.CRMPerson, status int) error {
	key, err := s.idempotencyKey(c)
	if err != nil {
		return err
	}
	if err := checkPerson(p); err != nil {
		return err
	}
	saved, err := s.CRM.SavePerson(c.Request().Context(), s.person(c), key, p)
	if err != nil {
		return err
	}
	return s.json(c, status, saved)
}

// versionOf reads which version is meant; without one the newest, which newest gives.
func versionOf(c echo.Context, newest func() (int64, error)) (int64, error) {
	if c.QueryParam("version") == "" {
		return newest()
	}
	return wholeNumber(c.QueryParam("version"), 0)
}

func (s *Server) apiDeletePerson(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	version, err := versionOf(c, func() (int64, error) {
		p, err := s.CRM.Person(ctx, id)
		return p.Version, err
	})
	if err != nil {
		return err
	}
	if err := s.CRM.DeletePerson(ctx, s.person(c), id, version); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiCompanies(c echo.Context) error {
	text, limit, err := search(c)
	if err != nil {
		return err
	}
	list, err := s.CRM.Companies(c.Request().Context(), text, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}

func (s *Server) apiCompany(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	company, err := s.CRM.Company(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, company)
}

func (s *Server) apiAddCompany(c echo.Context) error {
	var in portal.CRMCompany
	if err := body(c, &in); err != nil {
		return err
	}
	in.Version = 0
	return s.putCompany(c, in, http.StatusCreated)
}

func (s *Server) apiSaveCompany(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	old, err := s.CRM.Company(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if err := body(c, &old); err != nil {
		return err
	}
	old.ID = id
	return s.putCompany(c, old, http.StatusOK)
}

func (s *Server) putCompany(c echo.Context, in portal.CRMCompany, status int) error {
	key, err := s.idempotencyKey(c)
	if err != nil {
		return err
	}
	if err := checkCompany(in); err != nil {
		return err
	}
	saved, err := s.CRM.SaveCompany(c.Request().Context(), s.person(c), key, in)
	if err != nil {
		return err
	}
	return s.json(c, status, saved)
}

func (s *Server) apiDeleteCompany(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	version, err := versionOf(c, func() (int64, error) {
		company, err := s.CRM.Company(ctx, id)
		return company.Version, err
	})
	if err != nil {
		return err
	}
	if err := s.CRM.DeleteCompany(ctx, s.person(c), id, version); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiCRMUsers(c echo.Context) error {
	text, limit, err := search(c)
	if err != nil {
		return err
	}
	list, err := s.CRM.FindUsers(c.Request().Context(), text, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}

func (s *Server) apiCRMUser(c echo.Context) error {
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	u, err := s.CRM.User(c.Request().Context(), who)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, u)
}

// userBody is what an administrator can say of a CRM user: what is left out stays as it is.
type userBody struct {
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
	Email     *string `json:"email"`
	Resource  *bool   `json:"resource"`
	Version   *int64  `json:"version"`
}

func (s *Server) apiSaveCRMUser(c echo.Context) error {
	var in userBody
	if err := body(c, &in); err != nil {
		return err
	}
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	u, err := s.CRM.User(ctx, who)
	if errors.Is(err, portal.ErrNotFound) {
		u, err = portal.CRMUser{Address: who, Email: who.Bare()}, nil
	}
	if err != nil {
		return err
	}
	for to, from := range map[*string]*string{&u.FirstName: in.FirstName, &u.LastName: in.LastName, &u.Email: in.Email} {
		if from != nil {
			*to = strings.TrimSpace(*from)
		}
	}
	if in.Resource != nil {
		u.Resource = *in.Resource
	}
	if in.Version != nil {
		u.Version = *in.Version
	}
	if err := checkUser(u); err != nil {
		return err
	}
	saved, err := s.CRM.SaveUser(ctx, s.person(c), u)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, saved)
}

// checkUser says all that is wrong with a CRM user.
func checkUser(u portal.CRMUser) error {
	faults := tooLong(map[string]string{"first_name": u.FirstName, "last_name": u.LastName, "email": u.Email}, "first_name", "last_name", "email")
	if u.Email != "" && !plainEmail(u.Email) {
		faults = append(faults, portal.SyncFault{Where: "email", Reason: "crm.email"})
	}
	return faultsOf(faults)
}
