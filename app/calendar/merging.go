package calendar

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Merging: what is wanted on top of an intent that nothing was sent of yet becomes part of it.

// merged is what became of an intent that may be merged; done: nothing further is to be stored.
type merged struct {
	done bool
	w    chan outcome
	id   string
}

// merge puts an intent into the last one of the same entry where that has not been sent (or was refused). The caller has the
// calendar's turn, so that the lane does not take it up meanwhile.
func (s *Service) merge(ctx context.Context, l *lane, own []portal.Intent, in portal.Intent) (merged, error) {
	if len(own) == 0 {
		return merged{}, nil
	}
	last := own[len(own)-1]
	if last.State == portal.IntentSending {
		return merged{}, nil
	}
	if in.Kind == portal.IntentDelete && in.Occurrence.IsZero() {
		return s.mergeDelete(ctx, l, own, in)
	}
	into, ok := mergedInto(last, in)
	if !ok {
		return merged{}, nil
	}
	afresh(&into)
	w := l.await(into.ID)
	if _, err := s.s.SaveIntent(ctx, into, l.event(in.Entry, portal.Updated)); err != nil {
		l.forget(into.ID, w)
		return merged{}, err
	}
	return merged{done: true, w: w, id: into.ID}, nil
}

// afresh makes an intent one that nothing was tried of.
func afresh(in *portal.Intent) {
	in.State, in.Tries, in.Alone, in.NotBefore, in.Reason = portal.IntentWaiting, 0, 0, time.Time{}, ""
}

// mergedInto is the pure part: the first intent with the second one's wish; false where they stay two.
func mergedInto(first, second portal.Intent) (portal.Intent, bool) {
	switch {
	case first.Kind == portal.IntentCreate && second.Kind == portal.IntentChange && second.Change.Occurrence.IsZero():
		first.Appointment = ptr(series.Apply(*first.Appointment, *second.Change))
		first.Appointment.Kind = portal.KindSingle
		if first.Appointment.Recurrence != "" {
			first.Appointment.Kind = portal.KindMaster
		}
		first.Send = first.Send && first.Appointment.Meeting || second.Send
		return first, true
	case first.Kind == portal.IntentChange && second.Kind == portal.IntentChange && first.Change.Occurrence.Equal(second.Change.Occurrence):
		if first.State == portal.IntentFailed {
			first.Base = second.Base // made from what is shown now
		}
		first.Change = ptr(mergeSeries(first.Base, second.Base, *first.Change, *second.Change))
		first.Send = first.Send || second.Send
		return first, true
	case first.Kind == portal.IntentRespond && second.Kind == portal.IntentRespond && first.Occurrence.Equal(second.Occurrence):
		first.Response, first.Comment, first.Proposal = second.Response, second.Comment, second.Proposal
		return first, true
	}
	return first, false
}

// mergeSeries is mergeChanges with the rule of a series as its author saw it after both changes: the second one moves along what the
// first one made of the rule. base is what the first was made to, seen what the second was.
func mergeSeries(base, seen *portal.Appointment, first, second portal.AppointmentChange) portal.AppointmentChange {
	both := mergeChanges(first, second)
	if base == nil || seen == nil || !first.Occurrence.IsZero() {
		return both
	}
	after := series.Apply(series.Apply(*seen, first), second)
	if after.Recurrence != series.Apply(*base, both).Recurrence {
		both.Recurrence = &after.Recurrence
	}
	return both
}

// mergeDelete ends what waits for an entry that is now to go. Was it never sent, it is gone at once.
func (s *Service) mergeDelete(ctx context.Context, l *lane, own []portal.Intent, in portal.Intent) (merged, error) {
	var ids []string
	unsent := false
	for _, o := range own {
		if o.State == portal.IntentSending {
			return merged{}, nil // its outcome comes first
		}
		unsent = unsent || o.Kind == portal.IntentCreate
		ids = append(ids, o.ID)
	}
	if !unsent {
		return merged{}, s.s.EndIntents(ctx, l.key, ids, nil, nil) // the deletion itself follows
	}
	for _, o := range own {
		if err := s.release(ctx, l, o); err != nil {
			return merged{}, err
		}
	}
	if err := s.s.EndIntents(ctx, l.key, ids, nil, nil, l.event(in.Entry, portal.Deleted)); err != nil {
		return merged{}, err
	}
	l.urge()
	s.tellStatus(ctx, l.key.Reader)
	return merged{done: true}, nil
}

// release lets what depends on an intent go on without it: where the later half of a series is deleted, the earlier one ends all the same.
func (s *Service) release(ctx context.Context, l *lane, o portal.Intent) error {
	halves, err := l.dependents(ctx, o.ID)
	if err != nil {
		return err
	}
	for _, other := range halves {
		if other.Entry == o.Entry {
			continue
		}
		other.After = ""
		if _, err := s.s.SaveIntent(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// Retry sends the changes of an entry that the server refused once more, as the last word over what others changed meanwhile. An
// entry that somebody else has deleted meanwhile is made anew.
func (s *Service) Retry(ctx context.Context, me, of portal.Address, id string) error {
	id, err := s.inMailbox(ctx, me, of, id)
	if err != nil {
		return err
	}
	l, release, err := s.openHeld(me, of)
	if err != nil {
		return err
	}
	defer release()
	entry, _ := portal.SplitOccurrenceID(id)
	done, err := l.edits.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	intents, err := s.s.CalendarIntents(ctx, l.key, entry)
	if err != nil {
		return err
	}
	any := false
	for _, in := range intents {
		if in.State != portal.IntentFailed {
			continue
		}
		if err := s.again(ctx, l, in); err != nil && !errors.Is(err, portal.ErrConflict) {
			return err
		}
		any = true
	}
	if !any {
		return portal.Fail(portal.ErrNotFound, keyNothing)
	}
	l.urge()
	s.tellStatus(ctx, me)
	return nil
}

// again makes a failed intent a waiting one.
func (s *Service) again(ctx context.Context, l *lane, in portal.Intent) error {
	k, err := s.s.CalendarEntry(ctx, l.key, in.Entry)
	if errors.Is(err, portal.ErrNotFound) && in.Kind == portal.IntentChange && in.Base != nil && in.Change.Occurrence.IsZero() {
		return s.anew(ctx, l, in)
	}
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	if err == nil && in.Base != nil {
		occurrence := in.Occurrence
		if in.Change != nil {
			occurrence = in.Change.Occurrence
		}
		if now, err := target(&k.Entry, occurrence); err == nil {
			in.Base = &now
		}
	}
	afresh(&in)
	if _, err = s.s.SaveIntent(ctx, in, l.event(in.Entry, portal.Updated)); err != nil {
		return err
	}
	return s.recut(ctx, l, in)
}

// recut lets the other half of a series that is cut once more count from what the series is now.
func (s *Service) recut(ctx context.Context, l *lane, in portal.Intent) error {
	halves, err := l.dependents(ctx, in.ID)
	if err != nil {
		return err
	}
	for _, other := range halves {
		if other.Base == nil {
			continue
		}
		k, err := s.s.CalendarEntry(ctx, l.key, other.Entry)
		if errors.Is(err, portal.ErrNotFound) {
			continue // it says so itself when its turn comes
		}
		if err != nil {
			return err
		}
		other.Base = &k.Appointment
		if _, err := s.s.SaveIntent(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// anew creates what was changed here and deleted by somebody else meanwhile. What the calendar has under another name, as in a
// mailbox that was moved, is changed there. The id of what follows comes from the intent's: however often it is begun, it is one.
func (s *Service) anew(ctx context.Context, l *lane, in portal.Intent) error {
	again := s.intent(ctx, l, portal.IntentCreate, in.Entry)
	again.ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte("anew "+in.ID)).String()
	there, found, err := l.namesake(ctx, in.Base)
	switch {
	case err != nil:
		return err
	case found:
		again.Kind, again.Entry, again.Change, again.Base, again.Send = portal.IntentChange, there.ID, in.Change, &there.Appointment, in.Send
	default:
		a := series.Apply(*in.Base, *in.Change)
		a.ID, a.UID = in.Entry, again.ID
		again.Appointment, again.Send = &a, a.Meeting && a.Mine
	}
	var evs []portal.Addressed
	if found {
		evs = append(evs, l.event(again.Entry, portal.Updated))
	}
	if _, err := s.s.AddIntents(ctx, []portal.Intent{again}, evs...); err != nil && !errors.Is(err, portal.ErrConflict) {
		return err
	}
	return s.s.EndIntents(ctx, l.key, []string{in.ID}, nil, nil, l.event(in.Entry, portal.Updated))
}

// Discard gives up the changes of an entry that the server refused, that have not been sent, or that are between two tries: the entry
// is as the server has it. ErrConflict where one is being sent at the moment.
func (s *Service) Discard(ctx context.Context, me, of portal.Address, id string) error {
	id, err := s.inMailbox(ctx, me, of, id)
	if err != nil {
		return err
	}
	l, release, err := s.openHeld(me, of)
	if err != nil {
		return err
	}
	defer release()
	entry, _ := portal.SplitOccurrenceID(id)
	done, err := l.edits.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	intents, err := s.s.CalendarIntents(ctx, l.key, entry)
	if err != nil {
		return err
	}
	if intents, err = s.together(ctx, l, intents); err != nil {
		return err
	}
	var ids []string
	var evs []portal.Addressed
	told := map[string]bool{}
	for _, in := range intents {
		if in.State == portal.IntentSending && l.underWay(in.ID) {
			return portal.Fail(portal.ErrConflict, "calendar.under-way")
		}
		ids = append(ids, in.ID)
		if told[in.Entry] {
			continue
		}
		told[in.Entry] = true
		change := portal.Updated
		if in.Kind == portal.IntentCreate {
			change = portal.Deleted
		}
		evs = append(evs, l.event(in.Entry, change))
	}
	if len(ids) == 0 {
		return portal.Fail(portal.ErrNotFound, keyNothing)
	}
	if err := s.s.EndIntents(ctx, l.key, ids, nil, nil, evs...); err != nil {
		return err
	}
	l.urge() // what it held up goes on, and what was carried out of it after all is read
	l.ask()
	s.tellStatus(ctx, me)
	return nil
}

// together adds to intents that are given up what makes no sense without them, and those without which they make none.
func (s *Service) together(ctx context.Context, l *lane, given []portal.Intent) ([]portal.Intent, error) {
	all, err := s.s.CalendarIntents(ctx, l.key, "")
	if err != nil {
		return nil, err
	}
	up := map[string]bool{}
	for _, in := range given {
		up[in.ID] = true
	}
	for n := -1; n != len(up); {
		n = len(up)
		for _, in := range all {
			if in.After == "" || !up[in.ID] && !up[in.After] {
				continue
			}
			if there := slices.ContainsFunc(all, func(o portal.Intent) bool { return o.ID == in.After }); there {
				up[in.ID], up[in.After] = true, true
			}
		}
	}
	return slices.DeleteFunc(all, func(in portal.Intent) bool { return !up[in.ID] }), nil
}

// mergeChanges makes one change of two made after each other of the same thing.
func mergeChanges(first, second portal.AppointmentChange) portal.AppointmentChange {
	take := func(to, from **string) {
		if *from != nil {
			*to = *from
		}
	}
	take(&first.Subject, &second.Subject)
	take(&first.Location, &second.Location)
	take(&first.Body, &second.Body)
	take(&first.TimeZone, &second.TimeZone)
	take(&first.Recurrence, &second.Recurrence)
	over(&first.Start, second.Start)
	over(&first.End, second.End)
	over(&first.AllDay, second.AllDay)
	if second.Attendees != nil {
		// Whom the first change added, its author knew when they made the second.
		known := append([]string(nil), first.Known...)
		if first.Attendees == nil {
			known = append(known, second.Known...)
		}
		first.Attendees, first.Known = second.Attendees, known
	}
	over(&first.Show, second.Show)
	over(&first.Private, second.Private)
	over(&first.ReminderMinutes, second.ReminderMinutes)
	over(&first.Categories, second.Categories)
	return first
}

func over[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}

func ptr[T any](v T) *T { return &v }
