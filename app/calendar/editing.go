package calendar

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Editing: what people want, checked against what they saw, stored as intents before anybody is told that it is
// accepted, and waited for a little.

// Create makes an appointment. a.ID may be chosen by the caller (1 to 64 letters, digits, "-" and "_"): a repeat with
// the same ID gives what is there.
func (s *Service) Create(ctx context.Context, me, of portal.Address, a portal.Appointment) (portal.Appointment, error) {
	if crm, err := s.belongs(ctx, me, of, a); err != nil {
		return portal.Appointment{}, err
	} else if crm {
		return s.createRecord(ctx, me, of, a)
	}
	l, err := s.openFor(me, of)
	if err != nil {
		return portal.Appointment{}, err
	}
	if a, err = s.fresh(ctx, me, of, a); err != nil {
		return portal.Appointment{}, err
	}
	in := s.intent(ctx, l, portal.IntentCreate, a.ID)
	if a.ID == "" {
		a.ID = strings.ReplaceAll(in.ID, "-", "")[:22]
		in.Entry = a.ID
	}
	if a.UID == "" {
		a.UID = in.ID
	}
	a.InvitedAt = in.MadeAt
	in.Appointment, in.Send = &a, a.Meeting
	return s.store(ctx, l, a.ID, func(intents []portal.Intent) ([]portal.Intent, error) {
		if _, err := s.shown(ctx, l.key, a.ID, intents); err == nil {
			return nil, nil // a repeat
		} else if !errors.Is(err, portal.ErrNotFound) {
			return nil, err
		}
		return []portal.Intent{in}, nil
	}, a.ID, portal.Created)
}

// Change changes an appointment. id may be an occurrence's: then ch.Scope says how much of the series is meant (empty: one)
// and the times in ch are those of that occurrence. version is the one the change was made from: a stale one is ErrConflict, an empty one is not
// compared. With ScopeFollowing the series is cut in two, and the result is the later one.
func (s *Service) Change(ctx context.Context, me, of portal.Address, id string, ch portal.AppointmentChange, version string) (portal.Appointment, error) {
	if s.recorded(id) {
		return s.changeRecord(ctx, me, of, id, ch, version)
	}
	l, err := s.openFor(me, of)
	if err != nil {
		return portal.Appointment{}, err
	}
	entry, occurrence := portal.SplitOccurrenceID(id)
	result := id
	a, err := s.store(ctx, l, entry, func(intents []portal.Intent) ([]portal.Intent, error) {
		e, now, err := s.current(ctx, l.key, entry, occurrence, intents, version)
		if err != nil {
			return nil, err
		}
		if e.Sync.State != portal.SyncFailed && now.Sync.State != portal.SyncFailed { // else the same once more is a new try
			ch = series.Differing(&e.Appointment, &now, ch)
		}
		if ch, err = s.completed(ctx, me, now, ch); err != nil || ch.Empty() {
			return nil, err
		}
		list, to, err := s.changes(ctx, l, e, now, ch)
		result = to
		return list, err
	}, "", portal.Updated)
	if err != nil {
		return a, err
	}
	return s.get(ctx, l.key, result)
}

// changes makes the intents of a change by its scope, and says which ID shows the result.
func (s *Service) changes(ctx context.Context, l *lane, e portal.Entry, now portal.Appointment, ch portal.AppointmentChange) ([]portal.Intent, string, error) {
	in := s.intent(ctx, l, portal.IntentChange, e.ID)
	in.Send = mails(now, ch)
	whole := e.Appointment
	switch {
	case e.Recurrence == "" || now.RecurrenceID.IsZero():
		ch.Scope, ch.Occurrence = portal.ScopeAll, time.Time{}
		in.Change, in.Base = &ch, &whole
		return []portal.Intent{in}, e.ID, nil
	case ch.Scope == portal.ScopeOne || ch.Scope == "":
		if ch.Recurrence != nil {
			return nil, "", bad("calendar.recurrence-one")
		}
		ch.Scope, ch.Occurrence = portal.ScopeOne, now.RecurrenceID
		in.Change, in.Base = &ch, &now
		return []portal.Intent{in}, portal.OccurrenceID(e.ID, now.RecurrenceID), nil
	case ch.Scope == portal.ScopeAll:
		in.Change, in.Base = ptr(series.Whole(e, now, ch)), &whole
		if err := seriesFits(whole, *in.Change); err != nil {
			return nil, "", err
		}
		return []portal.Intent{in}, e.ID, nil
	case ch.Scope == portal.ScopeFollowing:
		return s.cut(ctx, l, e, now, ch)
	}
	return nil, "", bad("calendar.scope")
}

func seriesFits(whole portal.Appointment, ch portal.AppointmentChange) error {
	_, err := series.Timed(series.Apply(whole, ch))
	return err
}

// mails reports whether a careful person would tell the attendees of a change.
func mails(now portal.Appointment, ch portal.AppointmentChange) bool {
	if !now.Mine {
		return false
	}
	if ch.Attendees != nil && (len(*ch.Attendees) > 0 || len(now.Attendees) > 0) {
		return true
	}
	return now.Meeting && (ch.Timed() || ch.Subject != nil || ch.Location != nil || ch.Body != nil)
}

// completed checks a change against what it is made to, and fills what it leaves to be understood.
func (s *Service) completed(ctx context.Context, me portal.Address, now portal.Appointment, ch portal.AppointmentChange) (portal.AppointmentChange, error) {
	shared := ch.Subject != nil || ch.Location != nil || ch.Body != nil || ch.Timed() || ch.Attendees != nil
	if now.Masked {
		return ch, portal.Fail(portal.ErrForbidden, keyForbidden)
	}
	if now.Meeting && !now.Mine && shared {
		return ch, portal.Fail(portal.ErrForbidden, keyOrganizer)
	}
	if ch.AllDay != nil && *ch.AllDay != now.AllDay && ch.Start == nil {
		return ch, bad("calendar.times")
	}
	if ch.Attendees != nil && ch.Known == nil {
		for _, p := range now.Attendees {
			ch.Known = append(ch.Known, p.Email)
		}
	}
	after, err := s.checked(ctx, me, series.Apply(now, ch))
	if err != nil {
		return ch, err
	}
	take(&ch.Subject, after.Subject)
	take(&ch.Location, after.Location)
	take(&ch.TimeZone, after.TimeZone)
	if ch.Recurrence != nil && *ch.Recurrence != "" {
		ch.Recurrence = &after.Recurrence
	}
	if ch.Start != nil || ch.End != nil || ch.AllDay != nil {
		ch.Start, ch.End = &after.Start, &after.End
	}
	if ch.Attendees != nil {
		ch.Attendees = &after.Attendees
	}
	return ch, nil
}

func take(to **string, v string) {
	if *to != nil {
		*to = &v
	}
}

// Delete takes an appointment away; the organiser of a meeting cancels it, comment goes with the cancellation.
func (s *Service) Delete(ctx context.Context, me, of portal.Address, id, version, comment string, scope portal.Scope) error {
	if s.recorded(id) {
		return s.deleteRecord(ctx, me, of, id, version, comment, scope)
	}
	l, err := s.openFor(me, of)
	if err != nil {
		return err
	}
	if err := scoped(scope); err != nil {
		return err
	}
	if len(comment) > MaxBody {
		return bad("calendar.body-long")
	}
	entry, occurrence := portal.SplitOccurrenceID(id)
	_, err = s.store(ctx, l, entry, func(intents []portal.Intent) ([]portal.Intent, error) {
		e, now, err := s.current(ctx, l.key, entry, occurrence, intents, version)
		if err != nil {
			return nil, err
		}
		if now.Masked {
			return nil, portal.Fail(portal.ErrForbidden, keyForbidden)
		}
		in := s.intent(ctx, l, portal.IntentDelete, e.ID)
		in.Comment, in.Base = comment, ptr(e.Appointment)
		if !now.RecurrenceID.IsZero() {
			switch scope {
			case portal.ScopeOne, "":
				in.Occurrence, in.Base = now.RecurrenceID, &now
			case portal.ScopeFollowing:
				return s.cutOff(ctx, l, e, now, in)
			}
		}
		return []portal.Intent{in}, nil
	}, "", portal.Deleted)
	return err
}

// Respond answers an invitation; p proposes another time (the zero value none). Of an occurrence's id, an empty scope means that one.
// What one declines leaves the calendar: the result is then the invitation as it was, with the answer and portal.StatusRemoved.
func (s *Service) Respond(ctx context.Context, me, of portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.Appointment, error) {
	if s.recorded(id) {
		return s.respondRecord(ctx, me, of, id, r, comment, p, scope)
	}
	l, err := s.openFor(me, of)
	if err != nil {
		return portal.Appointment{}, err
	}
	if err := answerable(r, comment, p, scope); err != nil {
		return portal.Appointment{}, err
	}
	entry, occurrence := portal.SplitOccurrenceID(id)
	var was portal.Appointment
	_, err = s.store(ctx, l, entry, func(intents []portal.Intent) ([]portal.Intent, error) {
		e, now, err := s.current(ctx, l.key, entry, occurrence, intents, "")
		if err != nil {
			return nil, err
		}
		if !now.Meeting || now.Mine {
			return nil, bad("calendar.no-invitation")
		}
		was = now
		in := s.intent(ctx, l, portal.IntentRespond, e.ID)
		in.Response, in.Comment, in.Proposal, in.Send, in.Base = r, comment, p, true, ptr(e.Appointment)
		if !now.RecurrenceID.IsZero() && scope != portal.ScopeAll {
			in.Occurrence, in.Base = now.RecurrenceID, &now
		}
		return []portal.Intent{in}, nil
	}, "", portal.Updated)
	if err != nil {
		return portal.Appointment{}, err
	}
	a, err := s.bare(ctx, l.key, id)
	if r == portal.ResponseDeclined {
		a, err = declined(was, a, err)
	}
	if err != nil {
		return a, err
	}
	return s.withRecord(ctx, l.key, a)
}

// answerable checks an answer before anything is stored.
func answerable(r portal.Response, comment string, p portal.Proposal, scope portal.Scope) error {
	switch {
	case !r.Answerable():
		return bad("calendar.response")
	case p.Made() && !p.End.After(p.Start):
		return bad("calendar.times")
	case len(comment) > MaxBody:
		return bad("calendar.body-long")
	case scope == portal.ScopeFollowing:
		return bad("calendar.scope-answer")
	}
	return scoped(scope)
}

// scoped refuses what is no scope: nobody may mean one occurrence and lose all of them.
func scoped(scope portal.Scope) error {
	switch scope {
	case "", portal.ScopeOne, portal.ScopeFollowing, portal.ScopeAll:
		return nil
	}
	return bad("calendar.scope")
}

// declined is a declined invitation as its answer shows it: is what the calendar has of it now, err that it has nothing any more.
func declined(was, is portal.Appointment, err error) (portal.Appointment, error) {
	switch {
	case errors.Is(err, portal.ErrNotFound):
		is = was
	case err != nil:
		return is, err
	case is.Sync.State != portal.SyncDone:
		return is, nil // it stays until the server has heard
	}
	is.Response, is.Show, is.Status = portal.ResponseDeclined, portal.ShowFree, portal.StatusRemoved
	is.Sync = portal.SyncState{State: portal.SyncDone}
	is.Version = series.Version(&is)
	return is, nil
}

// Forward passes an invitation on.
func (s *Service) Forward(ctx context.Context, me, of portal.Address, id string, to []portal.Attendee, comment string) error {
	if s.recorded(id) {
		return s.forwardRecord(ctx, me, of, id, to, comment)
	}
	l, err := s.openFor(me, of)
	if err != nil {
		return err
	}
	checked, err := s.invited(ctx, portal.Appointment{Attendees: to})
	if err != nil {
		return err
	}
	if len(checked.Attendees) == 0 {
		return bad("calendar.recipients")
	}
	if len(comment) > MaxBody {
		return bad("calendar.body-long")
	}
	entry, occurrence := portal.SplitOccurrenceID(id)
	_, err = s.store(ctx, l, entry, func(intents []portal.Intent) ([]portal.Intent, error) {
		e, now, err := s.current(ctx, l.key, entry, occurrence, intents, "")
		if err != nil {
			return nil, err
		}
		if now.Masked {
			return nil, portal.Fail(portal.ErrForbidden, keyForbidden)
		}
		in := s.intent(ctx, l, portal.IntentForward, e.ID)
		in.To, in.Comment, in.Occurrence, in.Send = checked.Attendees, comment, now.RecurrenceID, true
		return []portal.Intent{in}, nil
	}, "", portal.Updated)
	return err
}

// openFor opens a calendar for a change.
func (s *Service) openFor(me, of portal.Address) (*lane, error) {
	if s.x == nil {
		return nil, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	return s.lanes.get(portal.CalendarKey{Reader: me, Owner: of}, me)
}

// openHeld opens a calendar that does not close before release.
func (s *Service) openHeld(me, of portal.Address) (l *lane, release func(), err error) {
	if s.x == nil {
		return nil, nil, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	return s.lanes.hold(portal.CalendarKey{Reader: me, Owner: of}, me)
}

func (s *Service) intent(ctx context.Context, l *lane, kind portal.IntentKind, entry string) portal.Intent {
	return portal.Intent{ID: uuid.NewString(), CalendarKey: l.key, Entry: entry, Kind: kind, State: portal.IntentWaiting,
		MadeAt: s.o.Now().UTC(), Zone: s.o.Zone(ctx, l.key.Reader).String()}
}

// current is an entry as it is shown, and the part of it that an id means; version is compared where it is given.
func (s *Service) current(ctx context.Context, key portal.CalendarKey, entry string, occurrence time.Time, intents []portal.Intent, version string) (portal.Entry, portal.Appointment, error) {
	e, err := s.shown(ctx, key, entry, intents)
	if err != nil {
		return e, portal.Appointment{}, err
	}
	now := e.Appointment
	if !occurrence.IsZero() {
		if e.Recurrence == "" {
			return e, now, portal.Fail(portal.ErrNotFound, keyNotFound)
		}
		if now, err = series.At(&e, occurrence); err != nil {
			return e, now, err
		}
	}
	s.mask(key, &now)
	if version != "" && version != now.Version {
		return e, now, portal.Fail(portal.ErrConflict, keyConflict)
	}
	return e, now, nil
}

// store makes intents of an entry under the calendar's turn, merges them with what has not been sent, commits them with their events, and waits a
// little for what becomes of the last. show is the ID of the appointment that is given back ("": none).
func (s *Service) store(ctx context.Context, l *lane, entry string, make func([]portal.Intent) ([]portal.Intent, error), show string, change portal.Change) (portal.Appointment, error) {
	l, release, err := s.lanes.hold(l.key, l.key.Reader) // the very one, or its successor where it has closed just now
	if err != nil {
		return portal.Appointment{}, err
	}
	defer release()
	w, id, err := s.commit(ctx, l, entry, make, change)
	if err != nil {
		return portal.Appointment{}, err
	}
	if w != nil {
		l.urge()
		s.tellStatus(ctx, l.key.Reader)
		if o := s.waitFor(ctx, l, id, w); o.err != nil {
			return portal.Appointment{}, o.err
		}
	}
	if show == "" {
		return portal.Appointment{}, nil
	}
	return s.get(ctx, l.key, show)
}

// commit stores, in the calendar's turn, what make makes of its present intents; w is nil where nothing has to be waited for.
func (s *Service) commit(ctx context.Context, l *lane, entry string, make func([]portal.Intent) ([]portal.Intent, error), change portal.Change) (w chan outcome, id string, err error) {
	done, err := l.edits.take(ctx)
	if err != nil {
		return nil, "", err
	}
	defer done()
	intents, err := s.s.CalendarIntents(ctx, l.key, entry)
	if err != nil {
		return nil, "", err
	}
	list, err := make(intents)
	if err != nil || len(list) == 0 {
		return nil, "", err
	}
	if len(list) == 1 {
		merged, err := s.merge(ctx, l, intents, list[0])
		if err != nil || merged.done {
			return merged.w, merged.id, err
		}
	}
	waiting, failed, err := s.s.CountIntents(ctx, l.key.Reader)
	if err != nil {
		return nil, "", err
	}
	if waiting+failed+len(list) > s.o.MaxIntents {
		return nil, "", portal.Fail(portal.ErrTooMany, keyTooMany)
	}
	id = list[len(list)-1].ID
	w = l.await(id)
	if _, err = s.s.AddIntents(ctx, list, l.eventsOf(list, change)...); err != nil {
		l.forget(id, w)
		return nil, "", err
	}
	return w, id, nil
}

// eventsOf tells of each entry that intents mean once.
func (l *lane) eventsOf(list []portal.Intent, change portal.Change) []portal.Addressed {
	var evs []portal.Addressed
	seen := map[string]bool{}
	for _, in := range list {
		if seen[in.Entry] {
			continue
		}
		seen[in.Entry] = true
		c := change
		if in.Kind == portal.IntentCreate {
			c = portal.Created
		} else if change != portal.Deleted || in.Kind != portal.IntentDelete || !in.Occurrence.IsZero() {
			c = portal.Updated
		}
		evs = append(evs, l.event(in.Entry, c))
	}
	return evs
}

// waitFor waits for what becomes of an intent, at most Options.Wait.
func (s *Service) waitFor(ctx context.Context, l *lane, id string, w chan outcome) outcome {
	timer := time.NewTimer(s.o.Wait)
	defer timer.Stop()
	select {
	case o := <-w:
		return o
	case <-timer.C:
	case <-ctx.Done():
	}
	if l.forget(id, w) {
		return outcome{pending: true}
	}
	return <-w // its outcome is being stored
}
