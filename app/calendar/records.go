package calendar

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"portico/app/calendar/ical"
	"portico/app/calendar/series"
	"portico/app/portal"
)

// Records of CRM by their IDs: looked at, changed and answered where each of it belongs. What somebody with a mailbox does with an
// invitation is done in their mailbox, and comes to CRM from there.

// record is an appointment of CRM as it stands in of's calendar, as far as me may see it.
func (s *Service) record(ctx context.Context, me, of portal.Address, id string) (portal.Appointment, error) {
	r, sight, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	a := r.Appointment
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() {
		if r.Recurrence == "" {
			return portal.Appointment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		if a, err = series.At(&r.Entry, at); err != nil {
			return portal.Appointment{}, err
		}
		a.Version = r.Version
	}
	switch sight {
	case RightsFreeBusy:
		masked(&a)
	case RelationTeam:
		if !forManager(&a) {
			return portal.Appointment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
	default:
		s.mask(portal.CalendarKey{Reader: me, Owner: of}, &a)
	}
	return a, nil
}

// recordEntry is a record as it stands in of's calendar, with what of's mailbox says of of alone, and how much of it me may see: one of the Rights
// constants, or RelationTeam.
func (s *Service) recordEntry(ctx context.Context, me, of portal.Address, id string) (portal.CRMAppointment, string, error) {
	id, _ = portal.SplitOccurrenceID(id)
	r, err := s.o.CRM.Entry(ctx, of, id)
	if err != nil {
		return r, "", err
	}
	key := portal.CalendarKey{Reader: me, Owner: of}
	sight, err := s.sight(ctx, key)
	if err != nil {
		return r, "", err
	}
	if e, found, err := s.copyOf(ctx, key, r.UID); err != nil {
		return r, "", err
	} else if found {
		personal(&r, &e)
	}
	return r, sight, nil
}

// sight is how much a reader may see of a calendar's records.
func (s *Service) sight(ctx context.Context, key portal.CalendarKey) (string, error) {
	if key.Own() {
		return RightsOwner, nil
	}
	m, err := s.s.CalendarMirror(ctx, key)
	if err != nil {
		return "", err
	}
	if m.Loaded && !m.Forbidden {
		if l := s.lanes.find(key); l != nil {
			rights, _ := l.access()
			return rights, nil
		}
		return RightsReviewer, nil
	}
	if s.manages(ctx, key.Reader, key.Owner) {
		return RelationTeam, nil
	}
	return RightsFreeBusy, nil
}

// copyOf is the entry of a mirror that has a UID, as it is shown.
func (s *Service) copyOf(ctx context.Context, key portal.CalendarKey, uid string) (portal.Entry, bool, error) {
	if uid == "" {
		return portal.Entry{}, false, nil
	}
	ids, err := s.s.CalendarUIDs(ctx, key, []string{uid})
	if err != nil || ids[uid] == "" {
		return portal.Entry{}, false, err
	}
	intents, err := s.s.CalendarIntents(ctx, key, ids[uid])
	if err != nil {
		return portal.Entry{}, false, err
	}
	e, err := s.shown(ctx, key, ids[uid], intents)
	if errors.Is(err, portal.ErrNotFound) { // it is just leaving
		return portal.Entry{}, false, nil
	}
	return e, err == nil, err
}

// copyID is the ID in of's mailbox of what id means there; "" where the mailbox has none of it.
func (s *Service) copyID(ctx context.Context, me, of portal.Address, r *portal.CRMAppointment, id string) (string, error) {
	e, found, err := s.copyOf(ctx, portal.CalendarKey{Reader: me, Owner: of}, r.UID)
	if err != nil || !found {
		return "", err
	}
	if _, at := portal.SplitOccurrenceID(id); !at.IsZero() {
		return portal.OccurrenceID(e.ID, at), nil
	}
	return e.ID, nil
}

// mayEdit refuses who may not change of's calendar.
func (s *Service) mayEdit(ctx context.Context, me, of portal.Address) error {
	sight, err := s.sight(ctx, portal.CalendarKey{Reader: me, Owner: of})
	if err == nil && sight != RightsOwner && sight != RightsEditor {
		err = portal.Fail(portal.ErrForbidden, keyForbidden)
	}
	return err
}

// belongs reports whether a new appointment of a calendar is kept in CRM: it is said so, or its owner has no mailbox, as far as is known.
func (s *Service) belongs(ctx context.Context, me, of portal.Address, a portal.Appointment) (bool, error) {
	if s.o.CRM == nil || a.Source == portal.SourceCRM {
		return s.o.CRM != nil, nil
	}
	if !s.unsynced(ctx, of) && !s.without {
		return false, nil
	}
	l, m, err := s.opened(ctx, of, of)
	if err != nil {
		return false, err
	}
	return s.alone(l, m) || !m.Loaded && s.unsynced(ctx, of), nil
}

// createRecord makes an appointment in CRM.
func (s *Service) createRecord(ctx context.Context, me, of portal.Address, a portal.Appointment) (portal.Appointment, error) {
	if err := s.mayEdit(ctx, me, of); err != nil {
		return portal.Appointment{}, err
	}
	a.Calendar = of
	r, err := s.o.CRM.Create(ctx, of, "", a)
	if err != nil {
		return portal.Appointment{}, err
	}
	return s.record(ctx, me, of, r.ID)
}

// changeRecord changes an appointment of CRM; of an invitation, what is its owner's own is changed in their mailbox.
func (s *Service) changeRecord(ctx context.Context, me, of portal.Address, id string, ch portal.AppointmentChange, version string) (portal.Appointment, error) {
	if err := s.mayEdit(ctx, me, of); err != nil {
		return portal.Appointment{}, err
	}
	r, _, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	if r.Mine {
		out, err := s.o.CRM.Change(ctx, of, id, ch, version)
		if err != nil {
			return portal.Appointment{}, err
		}
		if entry, _ := portal.SplitOccurrenceID(id); out.ID != entry {
			id = out.ID // the later part of a series that was cut
		}
		if _, at := portal.SplitOccurrenceID(id); !at.IsZero() && ch.Scope == portal.ScopeAll {
			id = out.ID // its occurrences may begin at other times now
		}
		return s.record(ctx, me, of, id)
	}
	there, err := s.copyID(ctx, me, of, &r, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	if there == "" {
		return portal.Appointment{}, portal.Fail(portal.ErrForbidden, keyOrganizer)
	}
	a, err := s.record(ctx, me, of, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	if version != "" && version != a.Version {
		return portal.Appointment{}, portal.Fail(portal.ErrConflict, keyConflict)
	}
	// What the form repeats of what is the organiser's is no change of it.
	ch = series.Differing(&r.Appointment, &a, ch)
	if _, err := s.Change(ctx, me, of, there, ch, ""); err != nil {
		return portal.Appointment{}, err
	}
	return s.record(ctx, me, of, id)
}

// deleteRecord takes an appointment of CRM away; of an invitation, its copy in the mailbox.
func (s *Service) deleteRecord(ctx context.Context, me, of portal.Address, id, version, comment string, scope portal.Scope) error {
	if err := s.mayEdit(ctx, me, of); err != nil {
		return err
	}
	if err := scoped(scope); err != nil {
		return err
	}
	r, _, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return err
	}
	if !r.Mine {
		there, err := s.copyID(ctx, me, of, &r, id)
		if err != nil {
			return err
		}
		if there != "" { // declined, so that it leaves both calendars and the organiser knows
			_, err := s.Respond(ctx, me, of, there, portal.ResponseDeclined, comment, portal.Proposal{}, cmp.Or(scope, portal.ScopeOne))
			if err == nil {
				s.notePart(of, id, portal.ResponseDeclined, scope)
			}
			return err
		}
	}
	return s.o.CRM.Remove(ctx, of, id, version, comment, scope)
}

// respondRecord answers an invitation that CRM keeps: in the mailbox where there is one, else in CRM.
func (s *Service) respondRecord(ctx context.Context, me, of portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.Appointment, error) {
	if err := s.mayEdit(ctx, me, of); err != nil {
		return portal.Appointment{}, err
	}
	if err := answerable(r, comment, p, scope); err != nil {
		return portal.Appointment{}, err
	}
	was, err := s.record(ctx, me, of, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	if was.Mine || !was.Meeting {
		return portal.Appointment{}, bad("calendar.no-invitation")
	}
	rec, _, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	there, err := s.copyID(ctx, me, of, &rec, id)
	if err != nil {
		return portal.Appointment{}, err
	}
	if there == "" {
		if _, err := s.o.CRM.Respond(ctx, of, id, r, comment, p, scope); err != nil {
			return portal.Appointment{}, err
		}
		is, err := s.record(ctx, me, of, id)
		if r == portal.ResponseDeclined {
			return leaving(is, err)
		}
		return is, err
	}
	answered, err := s.Respond(ctx, me, of, there, r, comment, p, scope)
	if err != nil {
		return portal.Appointment{}, err
	}
	s.notePart(of, id, r, scope)
	is, err := s.record(ctx, me, of, id)
	if err != nil {
		return is, err
	}
	is.Response, is.Show, is.Sync = answered.Response, answered.Show, answered.Sync
	if answered.Status == portal.StatusRemoved {
		is.Status = portal.StatusRemoved
	}
	return is, nil
}

// notePart keeps in mind what somebody answered in their mailbox until CRM hears of it.
func (s *Service) notePart(of portal.Address, id string, r portal.Response, scope portal.Scope) {
	if scope == portal.ScopeAll {
		id, _ = portal.SplitOccurrenceID(id)
	}
	if r == portal.ResponseDeclined {
		s.parted.note(of, id, s.o.Now())
	} else {
		s.parted.forget(of, id)
	}
}

// leaving is a declined invitation as it leaves its owner's CRM calendar.
func leaving(a portal.Appointment, err error) (portal.Appointment, error) {
	a.Response, a.Show, a.Status = portal.ResponseDeclined, portal.ShowFree, portal.StatusRemoved
	return a, err
}

// inMailbox is the ID in of's mailbox of what id means: of a record, that of its copy, which alone can wait or have been refused.
func (s *Service) inMailbox(ctx context.Context, me, of portal.Address, id string) (string, error) {
	if !s.recorded(id) {
		return id, nil
	}
	r, _, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return "", err
	}
	there, err := s.copyID(ctx, me, of, &r, id)
	if err == nil && there == "" {
		err = portal.Fail(portal.ErrNotFound, keyNothing)
	}
	return there, err
}

// forwardRecord passes an invitation on that is in the mailbox too; the organiser of a meeting invites people instead.
func (s *Service) forwardRecord(ctx context.Context, me, of portal.Address, id string, to []portal.Attendee, comment string) error {
	r, _, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return err
	}
	there, err := s.copyID(ctx, me, of, &r, id)
	if err == nil && there == "" {
		err = bad("calendar.forward")
	}
	if err != nil {
		return err
	}
	return s.Forward(ctx, me, of, there, to, comment)
}

// recordResponses are the answers to a meeting that CRM keeps.
func (s *Service) recordResponses(ctx context.Context, me portal.Address, id string) (Responses, error) {
	entry, _ := portal.SplitOccurrenceID(id)
	raw, err := s.o.CRM.Record(ctx, entry)
	if err != nil {
		return Responses{}, err
	}
	of, relation := me, RelationOwn
	a, err := s.record(ctx, me, me, id)
	if errors.Is(err, portal.ErrNotFound) && raw.Calendar != me { // not theirs; perhaps their team's or a delegator's
		if of = raw.Calendar; s.manages(ctx, me, of) {
			relation = RelationTeam
		} else {
			relation = RelationDelegate
		}
		a, err = s.record(ctx, me, of, id)
	}
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
	r.Answers = answersOf(a, newsOf(&a, looked))
	s.away(ctx, me, r.Answers)
	return r, nil
}

// newsOf are the answers to a meeting of CRM that were given after a look.
func newsOf(a *portal.Appointment, looked time.Time) []portal.AnswerNews {
	var out []portal.AnswerNews
	for _, p := range a.Attendees {
		if answered(p.Response) != portal.ResponseNone && p.RespondedAt.After(looked) {
			out = append(out, portal.AnswerNews{Email: p.Email, Name: p.Name, Was: portal.ResponseNone, Is: p.Response, At: p.RespondedAt})
		}
	}
	slices.SortStableFunc(out, func(a, b portal.AnswerNews) int { return b.At.Compare(a.At) })
	return out
}

// recordMeetings are the meetings of a calendar that CRM keeps and its owner organises, and which of the mailbox's entries are
// shown by them.
func (s *Service) recordMeetings(ctx context.Context, src source, entries []portal.Entry, from, to, looked time.Time) ([]portal.Entry, []Meeting, int, error) {
	if s.o.CRM == nil {
		return entries, nil, 0, nil
	}
	j, err := s.join(ctx, src.key, entries, from, to)
	if err != nil {
		return nil, nil, 0, err
	}
	fresh := 0
	var out []Meeting
	for _, a := range s.records(ctx, src.key, j.records, j.waiting, from, to) {
		if !a.Meeting || !a.Mine || a.Masked || a.Status == portal.StatusCancelled || src.relation == RelationTeam && !forManager(&a) {
			continue
		}
		m := Meeting{Appointment: a, Relation: src.relation, Tally: tallyOf(a.Attendees), News: newsOf(&a, looked)}
		fresh += len(m.News)
		out = append(out, m)
	}
	return j.mirrored, out, fresh, nil
}

// exportRecord writes an appointment of CRM, of a series all of it, as iCalendar.
func (s *Service) exportRecord(ctx context.Context, me, of portal.Address, id string) ([]byte, error) {
	a, err := s.record(ctx, me, of, id) // whether it may be seen, and how much of it
	if err != nil {
		return nil, err
	}
	r, sight, err := s.recordEntry(ctx, me, of, id)
	if err != nil {
		return nil, err
	}
	e := r.Entry
	if a.Masked || sight == RelationTeam { // no more than is shown
		e = portal.Entry{Appointment: a}
	} else {
		s.maskEntry(portal.CalendarKey{Reader: me, Owner: of}, &e)
	}
	return ical.Encode([]portal.Entry{e}, ical.Options{Now: s.o.Now()})
}

// recordFile opens a file of an appointment of CRM.
func (s *Service) recordFile(ctx context.Context, me, of portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error) {
	a, err := s.record(ctx, me, of, id)
	if err != nil {
		return nil, portal.Attachment{}, err
	}
	if a.Masked || !slices.ContainsFunc(a.Attachments, func(f portal.Attachment) bool { return f.ID == attachment }) {
		return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	return s.o.CRM.Attachment(ctx, of, id, attachment)
}

// recordFiles changes the files of an appointment of CRM.
func (s *Service) recordFiles(ctx context.Context, me, of portal.Address, id string, do func() (portal.CRMAppointment, error)) (portal.Appointment, error) {
	if err := s.mayEdit(ctx, me, of); err != nil {
		return portal.Appointment{}, err
	}
	if _, err := do(); err != nil {
		return portal.Appointment{}, err
	}
	return s.record(ctx, me, of, id)
}
