package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/crm"
	"portico/app/hook"
	"portico/app/portal"
)

// The inbox: what an outside CRM says has changed on its side. Each message is signed, and its webhook-id is the idempotency key.

var aboutInbox = operation{
	summary: "Take in a change from an outside CRM, signed as Standard Webhooks has it (webhook-id, webhook-timestamp, webhook-signature)", signed: true,
	params: []param{
		{name: hook.HeaderID, in: "header", schema: "IdempotencyKey", about: "names the message: a repeat changes nothing"},
		{name: hook.HeaderTimestamp, in: "header", schema: "Text", about: "when it was sent, in seconds since 1970; within five minutes"},
	},
	body: "InboxMessage", answers: []answer{{status: 200, schema: "InboxAnswer"}}, errors: []int{400, 401, 403, 404, 409, 413, 429},
}

// inboxAnswer is what became of a message: the record as it now is, none where it is gone.
type inboxAnswer struct {
	Kind   string        `json:"kind"`
	Change portal.Change `json:"change"`
	ID     string        `json:"id"`
	Record any           `json:"record,omitempty"`
}

func (s *Server) apiInbox(c echo.Context) error {
	if s.CRM == nil || s.Hooks == nil {
		return portal.Fail(portal.ErrUnavailable, "crm.none")
	}
	if wait, ok := s.inbox.allow(portal.Address(c.RealIP())); !ok {
		return portal.Fail(portal.ErrTooMany, "too-many").After(wait)
	}
	r := c.Request()
	in, err := s.Hooks.Read(r.Context(), r.Header, r.Body)
	if err != nil {
		return err
	}
	out, err := s.takeIn(c, in)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, out)
}

// takeIn carries a message out.
func (s *Server) takeIn(c echo.Context, in hook.Incoming) (inboxAnswer, error) {
	ctx := c.Request().Context()
	out := inboxAnswer{Kind: in.Kind, Change: in.Change}
	by := "hook:" + in.Endpoint
	if in.Change == portal.Deleted {
		return s.takeAway(ctx, by, in)
	}
	batch, err := batchOf(in)
	if err != nil {
		return out, err
	}
	batch.Private = in.Private
	done, err := s.CRM.Import(ctx, by, in.ID, batch)
	if err != nil {
		return out, err
	}
	switch {
	case len(done.Appointments) > 0:
		out.ID, out.Record = done.Appointments[0].ID, s.crmAppointmentJSON(s.catalogue(c), crm.Withheld(done.Appointments[0], in.Private))
	case len(done.People) > 0:
		out.ID, out.Record = done.People[0].ID, done.People[0]
	case len(done.Companies) > 0:
		out.ID, out.Record = done.Companies[0].ID, done.Companies[0]
	case len(done.Users) > 0:
		out.ID, out.Record = string(done.Users[0].Address), done.Users[0]
	}
	return out, nil
}

// inboxRecord is an appointment as an outside CRM sends it: subject and body, or a description.
type inboxRecord struct {
	portal.CRMAppointment
	Description *string `json:"description"`
}

// batchOf is what a message wants stored.
func batchOf(in hook.Incoming) (b crm.Batch, err error) {
	read := func(v any) error {
		if err := json.Unmarshal(in.Data, v); err != nil {
			return portal.Fail(portal.ErrInvalid, "hook.body").Because(err)
		}
		return nil
	}
	switch in.Kind {
	case "appointment":
		var r inboxRecord
		if err = read(&r); err == nil && r.Description != nil && r.Subject == "" {
			r.Subject, r.Body = crm.Undescribe(*r.Description)
		}
		r.ID = crm.IDFor(r.ID)
		r.Start, r.End = instants(r.Start, r.End, r.AllDay)
		r.Gone = time.Time{}
		b.Appointments = []portal.CRMAppointment{r.CRMAppointment}
	case "person":
		b.People = make([]portal.CRMPerson, 1)
		err = read(&b.People[0])
	case "company":
		b.Companies = make([]portal.CRMCompany, 1)
		err = read(&b.Companies[0])
	case "user":
		b.Users = make([]portal.CRMUser, 1)
		err = read(&b.Users[0])
	}
	return b, err
}

// takeAway deletes what a message says is gone. What is not there any more is gone already.
func (s *Server) takeAway(ctx context.Context, by string, in hook.Incoming) (inboxAnswer, error) {
	out := inboxAnswer{Kind: in.Kind, Change: in.Change}
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(in.Data, &named); err != nil || named.ID == "" {
		return out, portal.Fail(portal.ErrInvalid, "hook.body").Because(err)
	}
	out.ID = named.ID
	var err error
	switch in.Kind {
	case "appointment":
		out.ID = crm.IDFor(named.ID)
		err = s.cancelRecord(ctx, by, in.ID, out.ID)
	case "person":
		var p portal.CRMPerson
		if p, err = s.CRM.Person(ctx, named.ID); err == nil {
			err = s.CRM.DeletePerson(ctx, portal.Address(by), named.ID, p.Version)
		}
	case "company":
		var company portal.CRMCompany
		if company, err = s.CRM.Company(ctx, named.ID); err == nil {
			err = s.CRM.DeleteCompany(ctx, portal.Address(by), named.ID, company.Version)
		}
	default:
		return out, portal.Fail(portal.ErrInvalid, "hook.user-stays")
	}
	if errors.Is(err, portal.ErrNotFound) {
		err = nil
	}
	return out, err
}

// cancelRecord stores that a record is gone.
func (s *Server) cancelRecord(ctx context.Context, by, key, id string) error {
	r, err := s.CRM.Record(ctx, id)
	if err != nil {
		return err
	}
	r.Gone = s.Now()
	r.Revision = 0
	_, err = s.CRM.Import(ctx, by, key, crm.Batch{Appointments: []portal.CRMAppointment{r}})
	return err
}
