package calendar

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Responses: who answered a meeting, and who did not.

// tipsWait is how long a meeting's page waits for automatic replies.
const tipsWait = 3 * time.Second

// tallyOf counts people's answers. Rooms and equipment are no people; an organiser among the invited has not to answer.
func tallyOf(list []portal.Attendee) Tally {
	var t Tally
	for i := range list {
		if list[i].Role == portal.RoleResource {
			continue
		}
		switch list[i].Response {
		case portal.ResponseOrganizer:
			continue
		case portal.ResponseAccepted:
			t.Accepted++
		case portal.ResponseTentative:
			t.Tentative++
		case portal.ResponseDeclined:
			t.Declined++
		default:
			t.Waiting++
		}
		t.Invited++
	}
	return t
}

func (t *Tally) add(o Tally) {
	t.Invited += o.Invited
	t.Accepted += o.Accepted
	t.Tentative += o.Tentative
	t.Declined += o.Declined
	t.Waiting += o.Waiting
}

// Responses are the answers to one meeting: one's own, one that Overview shows, or, as far as an invited person's copy holds
// them, one that the reader is invited to.
func (s *Service) Responses(ctx context.Context, me portal.Address, id string) (Responses, error) {
	if s.x == nil {
		return Responses{}, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	if s.recorded(id) {
		return s.recordResponses(ctx, me, id)
	}
	entry, _ := portal.SplitOccurrenceID(id)
	key, relation, err := s.relation(ctx, me, entry)
	if err != nil {
		return Responses{}, err
	}
	a, err := s.get(ctx, key, id)
	if err != nil {
		return Responses{}, err
	}
	if !a.Meeting || a.Masked || relation == RelationTeam && !forManager(&a) {
		return Responses{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	if relation == RelationOwn && !a.Mine {
		relation = RelationInvited
	}
	looked, err := s.s.ResponsesLook(ctx, me)
	if err != nil {
		return Responses{}, err
	}
	r := Responses{Appointment: a, Tally: tallyOf(a.Attendees), Relation: relation}
	var told []portal.AnswerNews
	if k, err := s.s.CalendarEntry(ctx, key, entry); err == nil {
		told = newsSince(k.News, a.RecurrenceID, looked)
	} else if !errors.Is(err, portal.ErrNotFound) {
		return Responses{}, err
	}
	r.Answers = answersOf(a, told)
	s.away(ctx, me, r.Answers)
	return r, nil
}

// relation finds in which mirror an entry stands that somebody may see the answers of, and why they may.
func (s *Service) relation(ctx context.Context, me portal.Address, entry string) (portal.CalendarKey, string, error) {
	own := portal.CalendarKey{Reader: me, Owner: me}
	keys, err := s.s.FindCalendarEntry(ctx, entry)
	if err != nil {
		return own, "", err
	}
	for _, key := range keys {
		if key == own {
			return key, RelationOwn, nil
		}
	}
	for _, key := range keys {
		if key.Reader == me { // read with the reader's own right
			return key, RelationDelegate, nil
		}
		if key.Own() && s.manages(ctx, me, key.Owner) {
			return key, RelationTeam, nil
		}
	}
	return own, RelationOwn, nil // perhaps one that waits to be sent
}

// newsSince are the news that concern an appointment (of a series, what was answered for all of it too) after a look.
func newsSince(list []portal.AnswerNews, occurrence, looked time.Time) []portal.AnswerNews {
	var out []portal.AnswerNews
	for _, n := range list {
		if n.At.After(looked) && (n.Occurrence.IsZero() || occurrence.IsZero() || n.Occurrence.Equal(occurrence)) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b portal.AnswerNews) int { return b.At.Compare(a.At) })
	return out
}

// answersOf makes the rows of a meeting's page: those of whom something is wanted first.
func answersOf(a portal.Appointment, told []portal.AnswerNews) []Answer {
	order := map[portal.Response]int{portal.ResponseDeclined: 1, portal.ResponseTentative: 2, portal.ResponseAccepted: 3, portal.ResponseOrganizer: 4}
	var out []Answer
	for _, p := range a.Attendees {
		p.Response = answered(p.Response)
		row := Answer{Attendee: p, Since: p.RespondedAt}
		if p.Response == portal.ResponseNone {
			row.Since = a.InvitedAt
		}
		row.New = slices.ContainsFunc(told, func(n portal.AnswerNews) bool { return strings.EqualFold(n.Email, p.Email) })
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b Answer) int {
		return cmp.Or(cmp.Compare(order[a.Response], order[b.Response]), strings.Compare(strings.ToLower(nameOf(a.Attendee)), strings.ToLower(nameOf(b.Attendee))))
	})
	return out
}

// away fills the automatic replies of those who have not answered. Where they cannot be had now, the last that is known
// stands there with its age, and else that nothing is known: a page without them is better than none.
func (s *Service) away(ctx context.Context, me portal.Address, rows []Answer) {
	var emails []string
	for i := range rows {
		if rows[i].Response == portal.ResponseNone && rows[i].Role != portal.RoleResource {
			emails = append(emails, rows[i].Email)
		}
	}
	if len(emails) == 0 {
		return
	}
	tips, err := s.askTips(ctx, me, emails)
	now := s.o.Now()
	if err != nil {
		s.o.Logger.DebugContext(ctx, "calendar: automatic replies of others not known", "of", me, "err", err)
	} else {
		s.tips.keep(me, emails, tips, now)
	}
	for i := range rows {
		if rows[i].Response != portal.ResponseNone || rows[i].Role == portal.RoleResource {
			continue
		}
		tip, known := s.tips.of(me, rows[i].Email)
		if !known || !tip.note.Holds(now) {
			rows[i].AwayUnknown = err != nil
			continue
		}
		rows[i].Away, rows[i].OutOfOffice = true, tip.note.Internal
		if tip.note.State == "scheduled" {
			rows[i].OutOfOfficeUntil = tip.note.Until
		}
		if err != nil {
			rows[i].AwayAsOf = tip.at
		}
	}
}

// askTips asks Exchange for automatic replies; not where the reader's mailbox is known to be out of reach, so that no
// page waits for that.
func (s *Service) askTips(ctx context.Context, me portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error) {
	if l := s.lanes.find(portal.CalendarKey{Reader: me, Owner: me}); l != nil {
		if now := l.health(); now.State == "down" {
			return nil, portal.Fail(portal.ErrUnavailable, now.Reason)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tipsWait)
	defer cancel()
	return s.x.Tips(ctx, me, emails)
}

// Looked notes that the person has now seen the answers.
func (s *Service) Looked(ctx context.Context, me portal.Address) error {
	return s.s.SaveResponsesLook(ctx, me, s.o.Now().UTC())
}
