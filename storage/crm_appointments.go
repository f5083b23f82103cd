package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// The appointments of CRM: whole as JSON, with the columns that they are found by. A deleted one stays, found by its ID alone.

// The error keys of CRM, which the use case has too.
const (
	keyStaleCRM  = "crm.conflict"
	keyIDTaken   = "crm.id-taken"
	keyNoUser    = "crm.no-user"
	keyNoPerson  = "crm.no-person"
	keyNoCompany = "crm.no-company"
)

// The kinds of records in the change log, of ties and of idempotency keys.
const (
	kindMeeting = "appointment"
	kindUser    = "user"
	kindPerson  = "person"
	kindCompany = "company"
)

const (
	selectCRM    = `SELECT payload, revision, gone_at FROM crm_appointments `
	selectCRMOfA = `SELECT a.payload, a.revision, a.gone_at FROM `
)

// crmForm is an appointment of CRM as it is stored: with what JSON leaves out.
type crmForm struct {
	portal.CRMAppointment
	HTML          string           `json:"body_html,omitempty"`
	ExceptionHTML []string         `json:"exception_html,omitempty"`
	Files         []portal.CRMFile `json:"files,omitempty"`
}

func encodeCRM(a portal.CRMAppointment) (string, error) {
	f := crmForm{CRMAppointment: a, HTML: a.BodyHTML, ExceptionHTML: exceptionHTML(a.Exceptions), Files: a.Kept}
	data, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode an appointment of CRM: %w", err)
	}
	return string(data), nil
}

func decodeCRM(payload []byte) (portal.CRMAppointment, error) {
	var f crmForm
	if err := json.Unmarshal(payload, &f); err != nil {
		return portal.CRMAppointment{}, fmt.Errorf("decode an appointment of CRM: %w", err)
	}
	a := f.CRMAppointment
	a.BodyHTML, a.Kept = f.HTML, f.Files
	putExceptionHTML(a.Exceptions, f.ExceptionHTML)
	return a, nil
}

// exceptionHTML gives what JSON leaves out of exceptions, by their places; nil where there is nothing.
func exceptionHTML(exceptions []portal.Appointment) []string {
	if !slices.ContainsFunc(exceptions, func(a portal.Appointment) bool { return a.BodyHTML != "" }) {
		return nil
	}
	list := make([]string, len(exceptions))
	for i := range exceptions {
		list[i] = exceptions[i].BodyHTML
	}
	return list
}

func putExceptionHTML(exceptions []portal.Appointment, html []string) {
	for i := range min(len(exceptions), len(html)) {
		exceptions[i].BodyHTML = html[i]
	}
}

func scanCRM(scan scanFunc) (portal.CRMAppointment, error) {
	var (
		payload        []byte
		revision, gone int64
	)
	if err := scan(&payload, &revision, &gone); err != nil {
		return portal.CRMAppointment{}, err
	}
	a, err := decodeCRM(payload)
	a.Revision, a.Gone = revision, instant(gone)
	return a, err
}

// crmList reads the records of a query of selectCRM.
func (s *Store) crmList(ctx context.Context, what, query string, args ...any) ([]portal.CRMAppointment, error) {
	var list []portal.CRMAppointment
	err := s.all(ctx, what, query, args, func(scan scanFunc) error {
		a, err := scanCRM(scan)
		list = append(list, a)
		return err
	})
	return list, err
}

func firstCRM(list []portal.CRMAppointment, err error) (portal.CRMAppointment, error) {
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if len(list) == 0 {
		return portal.CRMAppointment{}, portal.Fail(portal.ErrNotFound, keyNoEntry)
	}
	return list[0], nil
}

// CRMAppointment gives a record; one that was deleted has Gone. ErrNotFound.
func (s *Store) CRMAppointment(ctx context.Context, id string) (portal.CRMAppointment, error) {
	return firstCRM(s.crmList(ctx, "crm appointment", selectCRM+`WHERE id = ?`, id))
}

// CRMAppointmentByUID gives the living record of a UID; ErrNotFound.
func (s *Store) CRMAppointmentByUID(ctx context.Context, uid string) (portal.CRMAppointment, error) {
	return firstCRM(s.crmList(ctx, "crm appointment by uid", selectCRM+`WHERE uid = ? AND uid <> '' AND gone_at = 0`, uid))
}

// CRMAppointmentsAlike gives the living records of an owner with these times, by ID.
func (s *Store) CRMAppointmentsAlike(ctx context.Context, owner portal.Address, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error) {
	list, err := s.crmList(ctx, "crm appointments alike", selectCRM+`WHERE owner = ? AND starts_at = ? AND ends_at = ? AND all_day = ? AND gone_at = 0`,
		string(owner), stamp(start), stamp(end), flag(allDay))
	slices.SortFunc(list, func(a, b portal.CRMAppointment) int { return strings.Compare(a.ID, b.ID) })
	return list, err
}

// CRMWindow gives the living records that somebody owns or takes part in and of which anything may lie in from ≤ t < to, by start.
func (s *Store) CRMWindow(ctx context.Context, who portal.Address, from, to time.Time) ([]portal.CRMAppointment, error) {
	// Each by the index that ends soonest: the short ones by their start, the lasting ones by their end.
	list, err := s.crmList(ctx, "crm window", selectCRMOfA+`crm_attendance t JOIN crm_appointments a ON a.num = t.appointment
		WHERE t.person = ? AND t.lasting = 0 AND t.starts_at >= ? AND t.starts_at < ? AND +t.ends_at >= ?`,
		string(who), stamp(from.Add(-lastingAbove)), stamp(to), stamp(from))
	if err != nil {
		return nil, err
	}
	lasting, err := s.crmList(ctx, "crm window", selectCRMOfA+`crm_attendance t JOIN crm_appointments a ON a.num = t.appointment
		WHERE t.person = ? AND t.lasting = 1 AND t.ends_at >= ? AND +t.starts_at < ?`, string(who), stamp(from), stamp(to))
	if err != nil {
		return nil, err
	}
	list = append(list, lasting...)
	slices.SortFunc(list, func(a, b portal.CRMAppointment) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, nil
}

// CRMAppointmentsOf gives up to limit living records tied to a person or a company (the one that is not empty), the latest first.
func (s *Store) CRMAppointmentsOf(ctx context.Context, person, company string, limit int) ([]portal.CRMAppointment, error) {
	kind, party := kindPerson, person
	if party == "" {
		kind, party = kindCompany, company
	}
	if party == "" {
		return nil, invalid("appointments of nobody")
	}
	return s.crmList(ctx, "crm appointments of", selectCRMOfA+`crm_ties t JOIN crm_appointments a ON a.num = t.appointment
		WHERE t.kind = ? AND t.party = ? ORDER BY t.starts_at DESC, t.appointment DESC LIMIT ?`, kind, party, limit)
}
