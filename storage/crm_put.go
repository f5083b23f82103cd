package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portico/app/portal"
)

// Storing appointments of CRM: the record, whose calendars it is in, what it is tied to, the line of the change log and the
// events are one transaction.

// PutCRMAppointments stores records, all or none. Revision is the one that each was made from (0: it is new) and is raised; a
// stale one, or a second living record of a UID, is ErrConflict. key is an idempotency key, "" for none: a repeat of it stores
// nothing and gives what the first stored. Records that are deleted are stored before the others, so that another may take a UID
// over in the same call.
func (s *Store) PutCRMAppointments(ctx context.Context, key string, list []portal.CRMAppointment, evs ...portal.Addressed) ([]portal.CRMAppointment, error) {
	var out []portal.CRMAppointment
	err := s.write(ctx, "put crm appointments", func(t *txn) error {
		first, repeated, err := t.answered(kindMeeting, key)
		if err != nil {
			return err
		}
		if repeated {
			out, err = decodeAnswer(first)
			return err
		}
		out = slices.Clone(list)
		for _, gone := range []bool{true, false} {
			for i := range out {
				if out[i].Gone.IsZero() == gone {
					continue
				}
				if err := t.putCRM(&out[i]); err != nil {
					return err
				}
			}
		}
		if err := t.keepAnswer(key, out); err != nil {
			return err
		}
		return t.log(evs...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// keepAnswer keeps what was stored under an idempotency key; the payloads are those of the records.
func (t *txn) keepAnswer(key string, list []portal.CRMAppointment) error {
	if key == "" {
		return nil
	}
	forms := make([]json.RawMessage, len(list))
	for i := range list {
		form, err := encodeCRM(list[i])
		if err != nil {
			return err
		}
		forms[i] = json.RawMessage(form)
	}
	return t.answer(kindMeeting, key, forms)
}

func decodeAnswer(answer []byte) ([]portal.CRMAppointment, error) {
	var forms []json.RawMessage
	if err := json.Unmarshal(answer, &forms); err != nil {
		return nil, fmt.Errorf("decode an answer: %w", err)
	}
	list := make([]portal.CRMAppointment, len(forms))
	for i, form := range forms {
		a, err := decodeCRM(form)
		if err != nil {
			return nil, err
		}
		list[i] = a
	}
	return list, nil
}

// putCRM stores a record with all that it is found by and writes the change log's line; a gets its new revision.
func (t *txn) putCRM(a *portal.CRMAppointment) error {
	if a.ID == "" || a.Calendar == "" {
		return invalid("an appointment of CRM needs an id and an owner")
	}
	num, change, err := t.putCRMRow(a)
	if err != nil {
		return err
	}
	if err := t.indexCRM(num, a); err != nil {
		return err
	}
	return t.noteCRM(kindMeeting, a.ID, change, a.ChangedBy, a.Revision)
}

// putCRMRow stores the record itself and says what happened to it in the eyes of those who see only the living.
func (t *txn) putCRMRow(a *portal.CRMAppointment) (num int64, change portal.Change, err error) {
	was := int64(-1) // there was none
	if a.Revision != 0 {
		found, err := t.one(`SELECT num, gone_at FROM crm_appointments WHERE id = ? AND revision = ?`, []any{a.ID, a.Revision}, &num, &was)
		if err != nil {
			return 0, "", err
		}
		if !found {
			return 0, "", portal.Fail(portal.ErrConflict, keyStaleCRM)
		}
	}
	a.Revision++
	payload, err := encodeCRM(*a)
	if err != nil {
		return 0, "", err
	}
	if was < 0 {
		num, err = t.addCRMRow(a, payload)
	} else {
		err = t.exec(`UPDATE crm_appointments SET uid = ?, owner = ?, starts_at = ?, ends_at = ?, all_day = ?, gone_at = ?, revision = ?, payload = ? WHERE num = ?`,
			a.UID, string(a.Calendar), stamp(a.Start), stamp(a.End), flag(a.AllDay), stamp(a.Gone), a.Revision, payload, num)
	}
	if err != nil {
		return 0, "", t.uidTaken(err, a)
	}
	switch {
	case !a.Gone.IsZero():
		change = portal.Deleted
	case was == 0:
		change = portal.Updated
	default:
		change = portal.Created
	}
	return num, change, nil
}

// addCRMRow stores a new record; one of its ID may not be there.
func (t *txn) addCRMRow(a *portal.CRMAppointment, payload string) (num int64, err error) {
	found, err := t.one(`SELECT num FROM crm_appointments WHERE id = ?`, []any{a.ID}, &num)
	if err != nil {
		return 0, err
	}
	if found {
		return 0, portal.Fail(portal.ErrConflict, keyIDTaken)
	}
	_, err = t.one(`INSERT INTO crm_appointments (id, uid, owner, starts_at, ends_at, all_day, gone_at, revision, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING num`,
		[]any{a.ID, a.UID, string(a.Calendar), stamp(a.Start), stamp(a.End), flag(a.AllDay), stamp(a.Gone), a.Revision, payload}, &num)
	return num, err
}

// uidTaken names the one thing that a record's row can be in conflict with.
func (t *txn) uidTaken(err error, a *portal.CRMAppointment) error {
	if errors.Is(t.w.s.translate("put crm appointment", err), portal.ErrConflict) {
		return portal.Fail(portal.ErrConflict, keyIDTaken).Because(fmt.Errorf("%s: another living record has the UID %q: %w", a.ID, a.UID, err))
	}
	return err
}

// indexCRM writes in whose calendars a record is, what it is tied to and which files it has.
func (t *txn) indexCRM(num int64, a *portal.CRMAppointment) error {
	for _, query := range []string{
		`DELETE FROM crm_attendance WHERE appointment = ?`,
		`DELETE FROM crm_ties WHERE appointment = ?`,
		`DELETE FROM crm_file_uses WHERE appointment = ?`,
	} {
		if err := t.exec(query, num); err != nil {
			return err
		}
	}
	for _, f := range a.Kept {
		if err := t.exec(`INSERT INTO crm_file_uses (appointment, hash) VALUES (?, ?) ON CONFLICT (appointment, hash) DO NOTHING`, num, f.Hash); err != nil {
			return err
		}
	}
	if !a.Gone.IsZero() {
		return nil
	}
	from, until := span(&a.Entry)
	lasting := flag(a.Recurrence != "" || until.Sub(from) > lastingAbove)
	for _, person := range participants(a) {
		if err := t.exec(`INSERT INTO crm_attendance (person, appointment, starts_at, ends_at, lasting) VALUES (?, ?, ?, ?, ?)`,
			string(person), num, stamp(from), stamp(until), lasting); err != nil {
			return err
		}
	}
	for _, tie := range []struct {
		kind string
		list []string
	}{{kindPerson, a.People}, {kindCompany, a.Companies}} {
		for _, party := range tie.list {
			if err := t.exec(`INSERT INTO crm_ties (appointment, kind, party, starts_at) VALUES (?, ?, ?, ?)
				ON CONFLICT (appointment, kind, party) DO NOTHING`, num, tie.kind, party, stamp(a.Start)); err != nil {
				return err
			}
		}
	}
	return nil
}

// participants are the owner and the CRM users who are invited, be it to one occurrence, each once.
func participants(a *portal.CRMAppointment) []portal.Address {
	people := []portal.Address{a.Calendar}
	add := func(list []portal.Attendee) {
		for i := range list {
			if list[i].URI != "" {
				people = append(people, list[i].URI)
			}
		}
	}
	add(a.Attendees)
	for i := range a.Exceptions {
		add(a.Exceptions[i].Attendees)
	}
	slices.Sort(people)
	return slices.Compact(people)
}
