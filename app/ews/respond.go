package ews

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Answering invitations and passing them on.

// answerLog remembers answers of which it is not known whether they got through, with the reply time that the item
// had before, so that a retry does not send a second message. Bounded: a full log is begun anew.
type answerLog struct {
	mu   sync.Mutex
	open map[string]time.Time
}

const maxOpenAnswers = 10_000

func newAnswerLog() *answerLog { return &answerLog{open: map[string]time.Time{}} }

func (l *answerLog) get(key string) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.open[key]
	return t, ok
}

func (l *answerLog) set(key string, before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= maxOpenAnswers {
		clear(l.open)
	}
	l.open[key] = before
}

func (l *answerLog) forget(key string) {
	l.mu.Lock()
	delete(l.open, key)
	l.mu.Unlock()
}

// Respond answers an invitation: the whole series, or one occurrence. With send the organiser gets a message with the
// comment and the proposed time; without it only the own calendar changes. An answer that an earlier try gave already
// is not given twice.
func (c *Connector) Respond(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, r portal.Response, comment string, propose portal.Proposal, send bool) error {
	if !r.Answerable() {
		return portal.Fail(portal.ErrInvalid, "calendar.response")
	}
	key := fmt.Sprintf("%s %s %d %s %d %q", owner, ref.RemoteID, occurrence.Unix(), r, propose.Start.Unix(), comment)
	return c.on(ctx, reader, owner, func(a *access) error {
		it, err := a.state(ctx, soap.ItemByID(ref.RemoteID, ""))
		if err == nil && !occurrence.IsZero() && ref.Recurrence != "" {
			it, err = a.occurrence(ctx, it, ref, occurrence)
		}
		before, tried := c.asked.get(key)
		if err != nil {
			if tried && r == portal.ResponseDeclined && errors.Is(err, portal.ErrNotFound) && !elsewhere(err) {
				c.asked.forget(key) // declining takes the entry out of the calendar
				return nil
			}
			return err
		}
		if soap.Is(it.IsCancelled) {
			return portal.Fail(portal.ErrConflict, "calendar.cancelled")
		}
		replied := happened(it.AppointmentReplyTime)
		if tried && response(it.MyResponseType) == r && !replied.Equal(before) {
			c.asked.forget(key)
			return nil
		}
		err = a.answer(ctx, it, r, comment, propose, send)
		if errors.Is(err, portal.ErrUnavailable) && !tried {
			c.asked.set(key, replied)
		} else if err == nil {
			c.asked.forget(key)
		}
		return err
	})
}

func (a *access) answer(ctx context.Context, it *soap.CalendarItem, r portal.Response, comment string, propose portal.Proposal, send bool) error {
	m := &soap.MeetingAnswer{ReferenceItemID: it.ItemID, Body: bodyOf(comment, "")}
	if propose.Made() {
		if propose.End.Before(propose.Start) {
			return portal.Fail(portal.ErrInvalid, "calendar.times")
		}
		m.ProposedStart, m.ProposedEnd = soap.At(propose.Start), soap.At(propose.End)
	}
	var item soap.NewItem
	switch r {
	case portal.ResponseAccepted:
		item.AcceptItem = m
	case portal.ResponseTentative:
		item.TentativelyAcceptItem = m
	default:
		item.DeclineItem = m
	}
	req := &soap.CreateItem{Disposition: soap.SaveOnly, SendInvitations: soap.SendToNone, Items: []soap.NewItem{item}}
	if send {
		req.Disposition = soap.SendAndSaveCopy
	}
	res, err := a.CreateItem(ctx, a.as, req)
	if err == nil {
		_, err = one(res.Messages)
	}
	if err != nil && propose.Made() && (soap.Unsupported(err) || refusedProperty(err)) {
		// Proposals came with Exchange 2013; without them the words have to do.
		m.ProposedStart, m.ProposedEnd = nil, nil
		m.Body = bodyOf(proposalWords(comment, propose), "")
		if res, err = a.CreateItem(ctx, a.as, req); err == nil {
			_, err = one(res.Messages)
		}
	}
	switch soap.Code(err) {
	case "ErrorCalendarIsOrganizerForAccept", "ErrorCalendarIsOrganizerForDecline", "ErrorCalendarIsOrganizerForTentative":
		return portal.Fail(portal.ErrForbidden, "calendar.organizer").Because(err)
	case "ErrorCalendarIsCancelledForAccept", "ErrorCalendarIsCancelledForDecline", "ErrorCalendarIsCancelledForTentative":
		return portal.Fail(portal.ErrConflict, "calendar.cancelled").Because(err)
	case "ErrorCalendarMeetingRequestIsOutOfDate":
		return portal.Fail(portal.ErrConflict, "calendar.conflict").Because(err)
	}
	return err
}

// proposalWords says a proposed time in the comment, for servers that have no other place for it; dates and times are
// written so that they are understood in every language.
func proposalWords(comment string, p portal.Proposal) string {
	s := p.Start.UTC().Format("2006-01-02 15:04") + " - " + p.End.UTC().Format("2006-01-02 15:04") + " UTC"
	if comment == "" {
		return s
	}
	return comment + "\n\n" + s
}

// Forward passes an invitation on. The organiser invites the new people themselves; everybody else sends them the
// invitation, of which the organiser's Exchange hears.
func (c *Connector) Forward(ctx context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, to []portal.Attendee, comment string) error {
	if len(mailboxes(to)) == 0 {
		return portal.Fail(portal.ErrInvalid, "calendar.recipients")
	}
	return c.on(ctx, reader, owner, func(a *access) error {
		master, err := a.state(ctx, soap.ItemByID(ref.RemoteID, ""))
		if err != nil {
			return err
		}
		it, single := master, occurrence.IsZero() || ref.Recurrence == ""
		if !single {
			if it, err = a.occurrence(ctx, master, ref, occurrence); err != nil {
				return err
			}
		}
		if ref.Mine {
			wanted := append(a.voice(ctx).attendees(it), to...)
			ch := portal.AppointmentChange{Attendees: &wanted}
			b := base{Appointment: ref.Appointment, occurrence: !single}
			return a.write(ctx, it, b, ch, portal.WriteOptions{Send: true})
		}
		f := &soap.SmartResponse{ToRecipients: mailboxes(to), ReferenceItemID: it.ItemID, NewBodyContent: bodyOf(comment, "")}
		res, err := a.CreateItem(ctx, a.as, &soap.CreateItem{Disposition: soap.SendAndSaveCopy, SendInvitations: soap.SendToNone,
			Items: []soap.NewItem{{ForwardItem: f}}})
		if err == nil {
			_, err = one(res.Messages)
		}
		if soap.Unsupported(err) {
			return portal.Fail(portal.ErrInvalid, "calendar.forward").Because(err)
		}
		return err
	})
}
