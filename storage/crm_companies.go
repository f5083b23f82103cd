package storage

import (
	"context"

	"portico/app/portal"
)

// Companies, and what their names mean for the people of them.

const selectCompanies = `SELECT c.words, c.payload, c.version, '' FROM `

var companyQueries = partyQueries{
	kind: wordsCompany,
	all:  selectCompanies + `crm_companies c ORDER BY c.sort, c.num`,
	byHead: selectCompanies + `crm_words w CROSS JOIN crm_companies c ON c.num = w.party
		WHERE w.kind = ? AND w.word = ? AND c.words LIKE ? ORDER BY w.sort, w.party`,
	byNum: selectCompanies + `crm_companies c WHERE c.num = ?`,
}

func (r partyRow) asCompany() (portal.CRMCompany, error) {
	var c portal.CRMCompany
	err := decode("a company", r.payload, &c)
	c.Version = r.version
	return c, err
}

// CRMCompanies finds by the beginning of any word of name or city, by name; an empty text finds all.
func (s *Store) CRMCompanies(ctx context.Context, text string, limit int) ([]portal.CRMCompany, error) {
	rows, err := s.find(ctx, companyQueries, text, limit)
	if err != nil {
		return nil, err
	}
	return each(rows, partyRow.asCompany)
}

// CRMCompaniesByID gives companies by their IDs, in that order; those that are not there are left out.
func (s *Store) CRMCompaniesByID(ctx context.Context, ids []string) ([]portal.CRMCompany, error) {
	rows, err := s.partiesByID(ctx, selectCompanies+`crm_companies c WHERE c.id = ?`, ids)
	if err != nil {
		return nil, err
	}
	return each(rows, partyRow.asCompany)
}

// PutCRMCompanies stores companies by their Version as PutCRMAppointments does by Revision. The people of a company are found by
// its new name with it.
func (s *Store) PutCRMCompanies(ctx context.Context, key string, list []portal.CRMCompany, by string) ([]portal.CRMCompany, error) {
	return putParties(ctx, s, kindCompany, key, list, func(t *txn, c *portal.CRMCompany) error { return t.putCompany(c, by) })
}

func (t *txn) putCompany(c *portal.CRMCompany, by string) error {
	if c.ID == "" {
		return invalid("a company needs an id")
	}
	var (
		num                       int64
		wasName, wasSort, wasWord string
	)
	if _, err := t.one(`SELECT num, name, sort, words FROM crm_companies WHERE id = ?`, []any{c.ID}, &num, &wasName, &wasSort, &wasWord); err != nil {
		return err
	}
	c.Version++
	payload, err := encode("a company", c)
	if err != nil {
		return err
	}
	sort, words := folded(c.Name), packed(wordsOf(true, c.Name, c.City))
	if err := t.byVersion(c.Version,
		`INSERT INTO crm_companies (name, sort, words, payload, version, id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		`UPDATE crm_companies SET name = ?, sort = ?, words = ?, payload = ?, version = ? WHERE id = ? AND version = ?`,
		c.Name, sort, words, payload, c.Version, c.ID); err != nil {
		return err
	}
	if num == 0 {
		if _, err := t.one(`SELECT num FROM crm_companies WHERE id = ?`, []any{c.ID}, &num); err != nil {
			return err
		}
	}
	if err := t.indexWords(wordsCompany, num, wasSort, wasWord, sort, words); err != nil {
		return err
	}
	if c.Version > 1 && wasName != c.Name {
		if err := t.renamePeople(c.ID, c.Name); err != nil {
			return err
		}
	}
	return t.noteCRM(kindCompany, c.ID, changeOf(c.Version), by, 0)
}

// employee is a person's row and what is stored in it.
type employee struct {
	num         int64
	sort, words string
	person      portal.CRMPerson
}

func (t *txn) employees(company string) ([]employee, error) {
	var list []employee
	err := t.all(`SELECT num, sort, words, payload, version FROM crm_people WHERE company = ? AND company <> ''`, []any{company}, func(scan scanFunc) error {
		var (
			e       employee
			payload []byte
			version int64
		)
		if err := scan(&e.num, &e.sort, &e.words, &payload, &version); err != nil {
			return err
		}
		if err := decode("a person", payload, &e.person); err != nil {
			return err
		}
		e.person.Version = version
		list = append(list, e)
		return nil
	})
	return list, err
}

// renamePeople lets the people of a company be found by its new name.
func (t *txn) renamePeople(company, name string) error {
	list, err := t.employees(company)
	if err != nil {
		return err
	}
	for _, e := range list {
		p := e.person
		words := packed(wordsOf(true, p.FirstName, p.LastName, p.Email, name))
		if err := t.exec(`UPDATE crm_people SET words = ? WHERE num = ?`, words, e.num); err != nil {
			return err
		}
		if err := t.indexWords(wordsPerson, e.num, e.sort, e.words, e.sort, words); err != nil {
			return err
		}
	}
	return nil
}

// DeleteCRMCompany takes a company away; its people stay, of no company. ErrNotFound; a stale version is ErrConflict.
func (s *Store) DeleteCRMCompany(ctx context.Context, id string, version int64, by string) error {
	return s.write(ctx, "delete crm company", func(t *txn) error {
		var (
			num, has    int64
			sort, words string
		)
		found, err := t.one(`SELECT num, version, sort, words FROM crm_companies WHERE id = ?`, []any{id}, &num, &has, &sort, &words)
		if err = whether(keyNoCompany, found, has == version, err); err != nil {
			return err
		}
		list, err := t.employees(id)
		if err != nil {
			return err
		}
		for i := range list {
			p := list[i].person
			p.Company, p.CompanyName = "", ""
			if err := t.putPerson(&p, by); err != nil {
				return err
			}
		}
		if err := t.exec(`DELETE FROM crm_companies WHERE num = ?`, num); err != nil {
			return err
		}
		if err := t.indexWords(wordsCompany, num, sort, words, "", ""); err != nil {
			return err
		}
		return t.noteCRM(kindCompany, id, portal.Deleted, by, 0)
	})
}
