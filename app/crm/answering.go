package crm

import (
	"context"
	"slices"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Answering: what people without a mailbox answer here. Those who have one answer there, and it comes back.

// Respond answers an invitation in the name of me, who has no mailbox that is kept in step (keyed "crm.answer-mailbox" else). Of an occurrence's
// id an empty scope means that one; ScopeAll the series.
func (s *Service) Respond(ctx context.Context, me portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.CRMAppointment, error) {
	switch {
	case !r.Answerable():
		return portal.CRMAppointment{}, bad("calendar.response")
	case p.Made() && !p.End.After(p.Start):
		return portal.CRMAppointment{}, bad("calendar.times")
	case len(comment) > MaxBody:
		return portal.CRMAppointment{}, bad("calendar.body-long")
	case !written(comment):
		return portal.CRMAppointment{}, bad("calendar.text")
	case scope == portal.ScopeFollowing:
		return portal.CRMAppointment{}, bad("calendar.scope-answer")
	case scope != "" && scope != portal.ScopeOne && scope != portal.ScopeAll:
		return portal.CRMAppointment{}, bad("calendar.scope")
	}
	d, err := s.directory(ctx)
	if err != nil {
		return portal.CRMAppointment{}, err
	}
	if d.synced(me) {
		return portal.CRMAppointment{}, portal.Fail(portal.ErrConflict, keyMailbox)
	}
	return s.edit(ctx, me, id, "", func(e *edit) error {
		answer := func(a *portal.Appointment) bool {
			at := slices.IndexFunc(a.Attendees, func(p portal.Attendee) bool { return p.URI == me })
			if at < 0 {
				return false
			}
			to := &a.Attendees[at]
			to.Response, to.RespondedAt, to.Comment = r, s.o.Now().UTC(), comment
			to.ProposedStart, to.ProposedEnd = p.Start, p.End
			return true
		}
		e.quiet, e.answered = true, me
		if !e.now.RecurrenceID.IsZero() && scope != portal.ScopeAll {
			x := series.Changed(&e.is.Entry, e.now.RecurrenceID)
			if x == nil {
				return portal.Fail(portal.ErrNotFound, keyNotFound)
			}
			x.Attendees = slices.Clone(x.Attendees) // they may be the series'
			if !answer(x) {
				return bad("calendar.no-invitation")
			}
			return nil
		}
		found := answer(&e.is.Appointment)
		for i := range e.is.Exceptions {
			found = answer(&e.is.Exceptions[i]) || found
		}
		if !found {
			return bad("calendar.no-invitation")
		}
		return nil
	})
}
