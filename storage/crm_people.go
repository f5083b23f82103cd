package storage

import (
	"context"

	"portico/app/portal"
)

// People outside, whom appointments are tied to.

// wordsPerson and wordsCompany are the kinds of the index of words.
const (
	wordsPerson  = "p"
	wordsCompany = "c"
)

const selectPeople = `SELECT p.words, p.payload, p.version, COALESCE(c.name, '') FROM `

var peopleQueries = partyQueries{
	kind: wordsPerson,
	all:  selectPeople + `crm_people p LEFT JOIN crm_companies c ON c.id = p.company ORDER BY p.sort, p.num`,
	byHead: selectPeople + `crm_words w CROSS JOIN crm_people p ON p.num = w.party LEFT JOIN crm_companies c ON c.id = p.company
		WHERE w.kind = ? AND w.word = ? AND p.words LIKE ? ORDER BY w.sort, w.party`,
	byNum: selectPeople + `crm_people p LEFT JOIN crm_companies c ON c.id = p.company WHERE p.num = ?`,
}

func (r partyRow) person() (portal.CRMPerson, error) {
	var p portal.CRMPerson
	err := decode("a person", r.payload, &p)
	p.Version = r.version
	if p.Company != "" {
		p.CompanyName = r.company
	}
	return p, err
}

// CRMPeople finds by the beginning of any word of name, e-mail or company, by name; an empty text finds all.
func (s *Store) CRMPeople(ctx context.Context, text string, limit int) ([]portal.CRMPerson, error) {
	rows, err := s.find(ctx, peopleQueries, text, limit)
	if err != nil {
		return nil, err
	}
	return each(rows, partyRow.person)
}

func each[A, B any](list []A, to func(A) (B, error)) ([]B, error) {
	var out []B
	for _, a := range list {
		b, err := to(a)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// CRMPeopleByID gives people by their IDs, in that order; those that are not there are left out.
func (s *Store) CRMPeopleByID(ctx context.Context, ids []string) ([]portal.CRMPerson, error) {
	rows, err := s.partiesByID(ctx, selectPeople+`crm_people p LEFT JOIN crm_companies c ON c.id = p.company WHERE p.id = ?`, ids)
	if err != nil {
		return nil, err
	}
	return each(rows, partyRow.person)
}

func (s *Store) partiesByID(ctx context.Context, query string, ids []string) ([]partyRow, error) {
	var rows []partyRow
	for _, id := range ids {
		if err := s.all(ctx, "crm parties by id", query, []any{id}, func(scan scanFunc) error {
			r, err := scanParty(scan)
			rows = append(rows, r)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// PutCRMPeople stores people by their Version as PutCRMAppointments does by Revision. CompanyName is taken from the company where
// Company names one.
func (s *Store) PutCRMPeople(ctx context.Context, key string, list []portal.CRMPerson, by string) ([]portal.CRMPerson, error) {
	return putParties(ctx, s, kindPerson, key, list, func(t *txn, p *portal.CRMPerson) error { return t.putPerson(p, by) })
}

func (t *txn) putPerson(p *portal.CRMPerson, by string) error {
	if p.ID == "" {
		return invalid("a person needs an id")
	}
	if p.Company != "" {
		found, err := t.one(`SELECT name FROM crm_companies WHERE id = ?`, []any{p.Company}, &p.CompanyName)
		if err != nil {
			return err
		}
		if !found {
			return portal.Fail(portal.ErrInvalid, keyNoCompany)
		}
	}
	var (
		num              int64
		wasSort, wasWord string
	)
	if _, err := t.one(`SELECT num, sort, words FROM crm_people WHERE id = ?`, []any{p.ID}, &num, &wasSort, &wasWord); err != nil {
		return err
	}
	p.Version++
	payload, err := encode("a person", p)
	if err != nil {
		return err
	}
	sort, words := folded(p.Name()), packed(wordsOf(true, p.FirstName, p.LastName, p.Email, p.CompanyName))
	if err := t.byVersion(p.Version,
		`INSERT INTO crm_people (company, sort, words, payload, version, id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		`UPDATE crm_people SET company = ?, sort = ?, words = ?, payload = ?, version = ? WHERE id = ? AND version = ?`,
		p.Company, sort, words, payload, p.Version, p.ID); err != nil {
		return err
	}
	if num == 0 {
		if _, err := t.one(`SELECT num FROM crm_people WHERE id = ?`, []any{p.ID}, &num); err != nil {
			return err
		}
	}
	if err := t.indexWords(wordsPerson, num, wasSort, wasWord, sort, words); err != nil {
		return err
	}
	return t.noteCRM(kindPerson, p.ID, changeOf(p.Version), by, 0)
}

// DeleteCRMPerson takes a person away; ties to them stay in the appointments and name nobody. ErrNotFound; a stale version is ErrConflict.
func (s *Store) DeleteCRMPerson(ctx context.Context, id string, version int64, by string) error {
	return s.write(ctx, "delete crm person", func(t *txn) error {
		var (
			num, has    int64
			sort, words string
		)
		found, err := t.one(`SELECT num, version, sort, words FROM crm_people WHERE id = ?`, []any{id}, &num, &has, &sort, &words)
		if err = whether(keyNoPerson, found, has == version, err); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM crm_people WHERE num = ?`, num); err != nil {
			return err
		}
		if err := t.indexWords(wordsPerson, num, sort, words, "", ""); err != nil {
			return err
		}
		return t.noteCRM(kindPerson, id, portal.Deleted, by, 0)
	})
}

// whether is the answer to a change of one thing that must be there and be the version that it was made from.
func whether(missing string, found, current bool, err error) error {
	switch {
	case err != nil:
		return err
	case !found:
		return portal.Fail(portal.ErrNotFound, missing)
	case !current:
		return portal.Fail(portal.ErrConflict, keyStaleCRM)
	}
	return nil
}
