package crm

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"portico/app/portal"
)

// Parties: users, and the people and companies outside. Everybody at work here may read and change the latter; users are for
// administrators.

// maxParties bounds a search.
const maxParties = 500

// People finds people by the beginning of any word of name, e-mail or company, by name; an empty text finds all, up to limit.
func (s *Service) People(ctx context.Context, text string, limit int) ([]portal.CRMPerson, error) {
	return s.s.CRMPeople(ctx, strings.TrimSpace(text), bounded(limit))
}

// Person gives one of the people.
func (s *Service) Person(ctx context.Context, id string) (portal.CRMPerson, error) {
	list, err := s.s.CRMPeopleByID(ctx, []string{id})
	if err != nil {
		return portal.CRMPerson{}, err
	}
	if len(list) == 0 {
		return portal.CRMPerson{}, portal.Fail(portal.ErrNotFound, "crm.no-person")
	}
	return list[0], nil
}

// PeopleByID gives people by their IDs; those who are not there are left out.
func (s *Service) PeopleByID(ctx context.Context, ids []string) ([]portal.CRMPerson, error) {
	return s.s.CRMPeopleByID(ctx, ids)
}

// SavePerson stores a person by Version (0: new; an empty ID is given one). key is an idempotency key, "" for none.
func (s *Service) SavePerson(ctx context.Context, me portal.Address, key string, p portal.CRMPerson) (portal.CRMPerson, error) {
	list, err := s.savePeople(ctx, keyed(me, "person", key), []portal.CRMPerson{p}, string(me))
	if err != nil {
		return portal.CRMPerson{}, err
	}
	return s.Person(ctx, list[0].ID) // with the company's name
}

func (s *Service) savePeople(ctx context.Context, key string, list []portal.CRMPerson, by string) ([]portal.CRMPerson, error) {
	var ids []string
	for i := range list {
		p, err := checkedPerson(list[i])
		if err != nil {
			return nil, err
		}
		if list[i] = p; p.Company != "" {
			ids = append(ids, p.Company)
		}
	}
	if ids = once(ids); len(ids) > 0 {
		found, err := s.s.CRMCompaniesByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(found) != len(ids) {
			return nil, bad("crm.no-company")
		}
	}
	out, err := s.s.PutCRMPeople(ctx, key, list, by)
	if err != nil {
		return nil, known(err, "crm.conflict", "crm.no-person")
	}
	s.ring()
	return out, nil
}

// DeletePerson takes a person away by Version; what was tied to them stays, and names nobody.
func (s *Service) DeletePerson(ctx context.Context, me portal.Address, id string, version int64) error {
	if err := s.s.DeleteCRMPerson(ctx, id, version, string(me)); err != nil {
		return known(err, "crm.conflict", "crm.no-person")
	}
	s.ring()
	return nil
}

// Companies finds companies by the beginning of any word of their name or place, by name; an empty text finds all, up to limit.
func (s *Service) Companies(ctx context.Context, text string, limit int) ([]portal.CRMCompany, error) {
	return s.s.CRMCompanies(ctx, strings.TrimSpace(text), bounded(limit))
}

// Company gives one of the companies.
func (s *Service) Company(ctx context.Context, id string) (portal.CRMCompany, error) {
	list, err := s.s.CRMCompaniesByID(ctx, []string{id})
	if err != nil {
		return portal.CRMCompany{}, err
	}
	if len(list) == 0 {
		return portal.CRMCompany{}, portal.Fail(portal.ErrNotFound, "crm.no-company")
	}
	return list[0], nil
}

// CompaniesByID gives companies by their IDs; those that are not there are left out.
func (s *Service) CompaniesByID(ctx context.Context, ids []string) ([]portal.CRMCompany, error) {
	return s.s.CRMCompaniesByID(ctx, ids)
}

// SaveCompany stores a company by Version (0: new; an empty ID is given one). key is an idempotency key, "" for none.
func (s *Service) SaveCompany(ctx context.Context, me portal.Address, key string, c portal.CRMCompany) (portal.CRMCompany, error) {
	list, err := s.saveCompanies(ctx, keyed(me, "company", key), []portal.CRMCompany{c}, string(me))
	if err != nil {
		return portal.CRMCompany{}, err
	}
	return list[0], nil
}

func (s *Service) saveCompanies(ctx context.Context, key string, list []portal.CRMCompany, by string) ([]portal.CRMCompany, error) {
	for i := range list {
		c, err := checkedCompany(list[i])
		if err != nil {
			return nil, err
		}
		list[i] = c
	}
	out, err := s.s.PutCRMCompanies(ctx, key, list, by)
	if err != nil {
		return nil, known(err, "crm.conflict", "crm.no-company")
	}
	s.ring()
	return out, nil
}

// DeleteCompany takes a company away by Version; what was tied to it stays, and names nobody.
func (s *Service) DeleteCompany(ctx context.Context, me portal.Address, id string, version int64) error {
	if err := s.s.DeleteCRMCompany(ctx, id, version, string(me)); err != nil {
		return known(err, "crm.conflict", "crm.no-company")
	}
	s.ring()
	return nil
}

// User gives a CRM user.
func (s *Service) User(ctx context.Context, who portal.Address) (portal.CRMUser, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return portal.CRMUser{}, err
	}
	u, ok := d.address[who]
	if !ok {
		return u, portal.Fail(portal.ErrNotFound, "crm.no-user")
	}
	return u, nil
}

// FindUsers finds CRM users by the beginning of any word of name or e-mail, by name; an empty text finds all, up to limit.
func (s *Service) FindUsers(ctx context.Context, text string, limit int) ([]portal.CRMUser, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	text, limit = plain(text), bounded(limit)
	var out []portal.CRMUser
	for _, u := range d.list {
		if len(out) < limit && begins(plain(u.Name())+" "+plain(u.Email)+" "+plain(u.Address.Bare()), text) {
			out = append(out, u)
		}
	}
	return out, nil
}

// begins reports whether each word of what is wanted begins a word of a text.
func begins(text, wanted string) bool {
	words := strings.Fields(text)
	for _, w := range strings.Fields(wanted) {
		found := false
		for _, word := range words {
			found = found || strings.HasPrefix(word, w)
		}
		if !found {
			return false
		}
	}
	return true
}

// SaveUser stores a CRM user by Version (0: new), for administrators.
func (s *Service) SaveUser(ctx context.Context, me portal.Address, u portal.CRMUser) (portal.CRMUser, error) {
	if !s.o.Admin(me) {
		return portal.CRMUser{}, portal.Fail(portal.ErrForbidden, keyAdmin)
	}
	list, err := s.putUsers(ctx, "", []portal.CRMUser{u}, string(me))
	if err != nil {
		return portal.CRMUser{}, err
	}
	return list[0], nil
}

// user makes a CRM user of somebody who is none yet: who works with CRM is one.
func (s *Service) user(ctx context.Context, who, by portal.Address) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	if _, ok := d.address[who]; ok {
		return nil
	}
	p := s.o.Lookup(ctx, who)
	u := portal.CRMUser{Address: who, Email: p.Email}
	if u.Email == "" {
		u.Email = who.Bare()
	}
	u.FirstName, u.LastName = parted(p.DisplayName)
	_, err = s.putUsers(ctx, "", []portal.CRMUser{u}, string(by))
	if errors.Is(err, portal.ErrConflict) { // somebody else was faster
		return nil
	}
	return err
}

// parted is a whole name as first and last name.
func parted(name string) (first, last string) {
	words := strings.Fields(name)
	if len(words) < 2 {
		return "", strings.Join(words, " ")
	}
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}

func bounded(limit int) int {
	if limit <= 0 || limit > maxParties {
		return maxParties
	}
	return limit
}

func keyed(me portal.Address, what, key string) string {
	if key == "" {
		return ""
	}
	return string(me) + " " + what + " " + key
}

// fit cleans the texts of one line, and reports whether they can be kept.
func fit(texts ...*string) bool {
	for _, t := range texts {
		if *t = line(*t); len(*t) > maxName || !written(*t) {
			return false
		}
	}
	return true
}

func checkedPerson(p portal.CRMPerson) (portal.CRMPerson, error) {
	if !fit(&p.FirstName, &p.LastName, &p.Email, &p.Phone, &p.Title) {
		return p, bad("crm.text")
	}
	p.CompanyName = ""
	switch {
	case p.Name() == "":
		return p, bad("crm.name")
	case p.Email != "" && !mailable(p.Email):
		return p, bad("crm.email")
	}
	var err error
	p.ID, err = partyID(p.ID)
	return p, err
}

func checkedCompany(c portal.CRMCompany) (portal.CRMCompany, error) {
	if !fit(&c.Name, &c.City, &c.Phone, &c.Web) {
		return c, bad("crm.text")
	}
	if c.Name == "" {
		return c, bad("crm.name")
	}
	if c.Web != "" {
		if u, err := url.Parse(c.Web); err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
			return c, bad("crm.web")
		}
	}
	var err error
	c.ID, err = partyID(c.ID)
	return c, err
}

func checkedUser(u portal.CRMUser) (portal.CRMUser, error) {
	if !fit(&u.FirstName, &u.LastName, &u.Email, &u.Server) || len(u.ExchangeID) > 1024 || !written(u.ExchangeID) {
		return u, bad("crm.text")
	}
	a, err := portal.ParseAddress(string(u.Address))
	if err != nil {
		return u, err
	}
	u.Address = a
	if u.Email != "" && !mailable(u.Email) {
		return u, bad("crm.email")
	}
	return u, nil
}

// partyID is the ID of a person or company: a caller's (letters, digits, "-" and "_"), or a new one.
func partyID(id string) (string, error) {
	if id == "" {
		return strings.ReplaceAll(uuid.NewString(), "-", "")[:22], nil
	}
	if _, err := chosenID(id); err != nil {
		return "", err
	}
	return id, nil
}
