package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/crm"
	"portico/app/portal"
	"portico/views/catalogue"
)

// The API of CRM's appointments.

// crmAppointmentJSON is a record as the API tells it: an appointment, with what CRM knows besides.
type crmAppointmentJSON struct {
	appointmentJSON
	// Description is the subject and, from the second line on, the body.
	Description string    `json:"description"`
	Origin      string    `json:"origin"`
	Stub        bool      `json:"stub"`
	Revision    int64     `json:"revision"`
	ChangedAt   time.Time `json:"changed_at,omitzero"`
	ChangedBy   string    `json:"changed_by"`
	Gone        time.Time `json:"gone,omitzero"`
	// Exceptions are the changed occurrences of a series, Deleted those that do not take place.
	Exceptions []appointmentJSON `json:"exceptions"`
	Deleted    []time.Time       `json:"deleted"`
}

func (s *Server) crmAppointmentJSON(words *catalogue.Catalogue, r portal.CRMAppointment) crmAppointmentJSON {
	out := crmAppointmentJSON{
		appointmentJSON: s.appointmentJSON(words, r.Appointment), Description: crm.Describe(&r.Appointment), Origin: r.Origin, Stub: r.Stub, Revision: r.Revision,
		ChangedAt: r.ChangedAt, ChangedBy: r.ChangedBy, Gone: r.Gone, Exceptions: []appointmentJSON{}, Deleted: listed(r.Deleted),
	}
	for _, x := range r.Exceptions {
		out.Exceptions = append(out.Exceptions, s.appointmentJSON(words, x))
	}
	return out
}

var (
	aboutCRMAppointments = operation{
		summary: "The own CRM calendar, occurrences one by one; or the records that are tied to a person or a company",
		params: []param{
			{name: "from", in: "query", schema: "Time", about: "the beginning; without it today"}, {name: "to", in: "query", schema: "Time", about: "the end, which is not included; without it a week after the beginning"},
			{name: "person", in: "query", schema: "Text", about: "tied to this person"}, {name: "company", in: "query", schema: "Text", about: "tied to this company"}, countParam,
		},
		answers: []answer{{status: 200, schema: "Appointment", list: true}}, errors: []int{400, 404},
	}
	aboutCreateCRM      = operation{summary: "Make a CRM appointment; subject and body, or a description whose first line is the subject", params: []param{keyParam}, body: "NewCRMAppointment", answers: []answer{{status: 201, schema: "CRMAppointment"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutCRMAppointment = operation{summary: "One record", params: []param{idParam}, answers: []answer{{status: 200, schema: "CRMAppointment"}}, errors: []int{404}}
	aboutChangeCRM      = operation{summary: "Change a record; what is left out stays as it is", params: []param{idParam}, body: "CRMAppointmentChange", answers: []answer{{status: 200, schema: "CRMAppointment"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutDeleteCRM      = operation{summary: "Take a record away, which cancels it for those who take part", params: []param{idParam, {name: "version", in: "query", schema: "Text", about: "the version that is meant; without it any"}}, answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404, 409}}
	aboutStatusCRM      = operation{summary: "Make a record pending, complete or cancelled; completing alerts nobody", params: []param{idParam}, body: "CRMStatusChange", answers: []answer{{status: 200, schema: "CRMAppointment"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutTiesCRM        = operation{summary: "Say which people and companies a record is about", params: []param{idParam}, body: "CRMTies", answers: []answer{{status: 200, schema: "CRMAppointment"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutRespondCRM     = operation{summary: "Answer an invitation in CRM, for those who have no mailbox", params: []param{idParam}, body: "AppointmentResponse", answers: []answer{{status: 200, schema: "CRMAppointment"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutCRMChanges     = operation{
		summary: "CRM's change log after a number, for administrators", params: []param{{name: "after", in: "query", schema: "Seq", about: "the number of the last line that is known"}, countParam},
		answers: []answer{{status: 200, schema: "CRMChange", list: true}}, errors: []int{400},
	}
)

func (s *Server) apiCRMAppointments(c echo.Context) error {
	r, me := s.reader(c), s.person(c)
	ctx := c.Request().Context()
	out := []appointmentJSON{}
	person, company := c.QueryParam("person"), c.QueryParam("company")
	if person != "" || company != "" {
		limit, err := limitOf(c, 100)
		if err != nil {
			return err
		}
		list, err := s.CRM.AppointmentsOf(ctx, me, person, company, limit)
		if err != nil {
			return err
		}
		for _, a := range list {
			out = append(out, s.appointmentJSON(r.Catalogue, a.Appointment))
		}
		return s.json(c, http.StatusOK, out)
	}
	from, to, err := window(c, r.Now)
	if err != nil {
		return err
	}
	list, err := s.CRM.Window(ctx, me, from, to, r.Zone)
	if err != nil {
		return err
	}
	for _, a := range list {
		out = append(out, s.appointmentJSON(r.Catalogue, a))
	}
	return s.json(c, http.StatusOK, out)
}

// newCRMBody is a new record: a new appointment, whose texts may come as a description.
type newCRMBody struct {
	newAppointmentBody
	Description *string `json:"description"`
}

func (s *Server) apiCreateCRM(c echo.Context) error {
	var in newCRMBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Description != nil && in.Subject == "" {
		in.Subject, in.Body = crm.Undescribe(*in.Description)
	}
	key, err := s.idempotencyKey(c)
	if err != nil {
		return err
	}
	if err := s.checkNew(in.newAppointmentBody); err != nil {
		return err
	}
	a, err := s.newOf(c, in.newAppointmentBody)
	if err != nil {
		return err
	}
	me := s.person(c)
	a.Source, a.Calendar = portal.SourceCRM, me
	made, err := s.CRM.Create(c.Request().Context(), me, key, a)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, s.crmAppointmentJSON(s.catalogue(c), made))
}

// checkNew says all that is wrong with a new appointment.
func (s *Server) checkNew(in newAppointmentBody) error {
	var faults []portal.SyncFault
	fault := func(where, reason string) { faults = append(faults, portal.SyncFault{Where: where, Reason: reason}) }
	if strings.TrimSpace(in.Subject) == "" {
		fault("subject", "appointment.subject-missing")
	}
	switch {
	case in.Start == nil:
		fault("start", "appointment.start")
	case in.End != nil && in.End.Before(*in.Start):
		fault("end", "appointment.end")
	}
	if in.End == nil {
		fault("end", "appointment.end")
	}
	if in.TimeZone != "" && s.zones.find(in.TimeZone) == nil {
		fault("time_zone", "settings.time-zone")
	}
	for i, a := range in.Attendees {
		if a.URI == "" && !plainEmail(a.Email) {
			faults = append(faults, portal.SyncFault{Where: "attendees." + strconv.Itoa(i), Reason: "appointment.attendee", Args: map[string]string{"text": clip(a.Name+a.Email, 100)}})
		}
	}
	return faultsOf(faults)
}

func (s *Server) apiCRMAppointment(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	r, err := s.CRM.Get(c.Request().Context(), s.person(c), id)
	return s.answerRecord(c, r, err)
}

// answerRecord answers with a record, or with why there is none.
func (s *Server) answerRecord(c echo.Context, r portal.CRMAppointment, err error) error {
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.crmAppointmentJSON(s.catalogue(c), r))
}

// crmChangeBody is a change of a record, whose texts may come as a description.
type crmChangeBody struct {
	changeBody
	Description *string
}

// UnmarshalJSON reads the change and what CRM adds to it.
func (b *crmChangeBody) UnmarshalJSON(data []byte) error {
	if err := b.changeBody.UnmarshalJSON(data); err != nil {
		return err
	}
	var more struct {
		Description *string `json:"description"`
	}
	if err := decodeMember(data, &more); err != nil {
		return err
	}
	b.Description = more.Description
	return nil
}

func (s *Server) apiChangeCRM(c echo.Context) error {
	var in crmChangeBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Version == "" {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "version")
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	ctx, me := c.Request().Context(), s.person(c)
	now, err := s.CRM.Get(ctx, me, id)
	if err != nil {
		return err
	}
	ch := in.AppointmentChange
	if in.Description != nil {
		subject, text := crm.Undescribe(*in.Description)
		ch.Subject, ch.Body = &subject, &text
	}
	if err := s.completeChange(c, &ch, now.Appointment, id); err != nil {
		return err
	}
	r, err := s.CRM.Change(ctx, me, id, ch, in.Version)
	return s.answerRecord(c, r, err)
}

// completeChange fills in what a change from outside leaves to be understood: who those invited are, which of them its author knew,
// and the times of whole days.
func (s *Server) completeChange(c echo.Context, ch *portal.AppointmentChange, now portal.Appointment, id string) error {
	if ch.Attendees != nil {
		wanted, err := s.invited(c, *ch.Attendees)
		if err != nil {
			return err
		}
		ch.Attendees = &wanted
		if ch.Known == nil { // whoever sends a whole list with a version has seen that version's
			for _, a := range now.Attendees {
				ch.Known = append(ch.Known, a.Email)
			}
		}
	}
	allDay := now.AllDay
	if ch.AllDay != nil {
		allDay = *ch.AllDay
	}
	for _, t := range []*time.Time{ch.Start, ch.End} {
		if t != nil {
			*t, _ = instants(*t, *t, allDay)
		}
	}
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() && (ch.Scope == "" || ch.Scope == portal.ScopeOne) {
		ch.Scope, ch.Occurrence = portal.ScopeOne, at
	}
	return nil
}

func (s *Server) apiDeleteCRM(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.CRM.Delete(c.Request().Context(), s.person(c), id, c.QueryParam("version")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiStatusCRM(c echo.Context) error {
	var in struct {
		Status  string `json:"status"`
		Version string `json:"version"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	status, err := statusOfCRM(in.Status)
	if err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	r, err := s.CRM.SetStatus(c.Request().Context(), s.person(c), id, status, in.Version)
	return s.answerRecord(c, r, err)
}

func (s *Server) apiTiesCRM(c echo.Context) error {
	var in struct {
		People    []string `json:"people"`
		Companies []string `json:"companies"`
		Version   string   `json:"version"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	r, err := s.CRM.SetTies(c.Request().Context(), s.person(c), id, in.People, in.Companies, in.Version)
	return s.answerRecord(c, r, err)
}

func (s *Server) apiRespondCRM(c echo.Context) error {
	var in responseBody
	if err := body(c, &in); err != nil {
		return err
	}
	if !in.Response.Answerable() && in.Response != portal.ResponseNone {
		return portal.Fail(portal.ErrInvalid, "appointment.response")
	}
	var proposal portal.Proposal
	if in.Propose != nil {
		if proposal = *in.Propose; !proposal.End.After(proposal.Start) {
			return portal.Fail(portal.ErrInvalid, "appointment.proposal")
		}
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	r, err := s.CRM.Respond(c.Request().Context(), s.person(c), id, in.Response, clip(in.Comment, maxComment), proposal, in.Scope)
	return s.answerRecord(c, r, err)
}

func (s *Server) apiCRMChanges(c echo.Context) error {
	me, err := s.me(c)
	if err != nil {
		return err
	}
	if !slices.Contains(me.Roles, portal.RoleAdmin) {
		return portal.Fail(portal.ErrForbidden, "forbidden")
	}
	after, err := wholeNumber(c.QueryParam("after"), 0)
	if err != nil {
		return err
	}
	limit, err := limitOf(c, 100)
	if err != nil {
		return err
	}
	list, err := s.CRM.Changes(c.Request().Context(), after, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}
