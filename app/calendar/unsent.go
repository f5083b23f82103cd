package calendar

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/portal"
)

// Unsent: what somebody changed and the server has not (or has refused), wherever in time it lies.

// Unsent is what of one entry has not reached the server.
type Unsent struct {
	// Appointment is the entry as it is shown, with what is wanted laid over; of one that is shown nowhere (any more) what
	// it is called and when it is.
	Appointment portal.Appointment
	// Shown: the calendar shows it, so that it can be looked at by its ID.
	Shown bool
	// State is portal.SyncFailed where the server refused any of it, else portal.SyncPending.
	State string
	// Changes are what was asked for, in that order. Retry and Discard mean all of them.
	Changes []UnsentChange
}

// UnsentChange is one thing that was asked for.
type UnsentChange struct {
	ID   string
	Kind portal.IntentKind
	// State is portal.SyncPending or portal.SyncFailed; Reason the catalogue key of why the last try failed, "" where none did.
	State  string
	Reason string
	MadeAt time.Time
	// Occurrence is the RecurrenceID of the occurrence that is meant; zero: all of it.
	Occurrence time.Time
	// Was is what a change was made from, as its author saw it; nil where there is nothing of the kind, or it may no longer be known.
	Was *portal.Appointment
	// Wanted is what is to be different; nil of what is no change.
	Wanted *portal.AppointmentChange
	// Response, Comment and Proposal are an answer's; Comment is also that of a cancellation and of a forward, To whom that goes to.
	Response portal.Response
	Comment  string
	Proposal portal.Proposal
	To       []portal.Attendee
}

// Unsent gives all of the person's changes that wait for the server or were refused, in their own and in others' calendars: refused ones
// first, then those that have waited for longest.
func (s *Service) Unsent(ctx context.Context, me portal.Address) ([]Unsent, error) {
	if s.x == nil {
		return nil, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	intents, err := s.s.ReaderIntents(ctx, me)
	if err != nil {
		return nil, err
	}
	type named struct {
		key   portal.CalendarKey
		entry string
	}
	by := map[named][]portal.Intent{}
	var order []named
	for _, in := range intents {
		n := named{in.CalendarKey, in.Entry}
		if by[n] == nil {
			order = append(order, n)
		}
		by[n] = append(by[n], in)
	}
	out := make([]Unsent, 0, len(order))
	for _, n := range order {
		u, err := s.unsentOf(ctx, n.key, by[n])
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	slices.SortStableFunc(out, func(a, b Unsent) int {
		return cmp.Or(cmp.Compare(a.State, b.State), a.Changes[0].MadeAt.Compare(b.Changes[0].MadeAt)) // "failed" is before "pending"
	})
	return out, nil
}

// unsentOf is what the intents of one entry come to.
func (s *Service) unsentOf(ctx context.Context, key portal.CalendarKey, intents []portal.Intent) (Unsent, error) {
	u := Unsent{State: portal.SyncPending}
	for i := range intents {
		ch := asked(&intents[i])
		if ch.State == portal.SyncFailed {
			u.State = portal.SyncFailed
		}
		u.Changes = append(u.Changes, ch)
	}
	_, a, err := s.current(ctx, key, intents[0].Entry, time.Time{}, intents, "")
	switch {
	case err == nil:
		u.Appointment, u.Shown = a, true
	case errors.Is(err, portal.ErrNotFound):
		u.Appointment = remembered(key, intents)
	default:
		return Unsent{}, err
	}
	if u.Appointment.Masked { // it has become private since
		for i := range u.Changes {
			u.Changes[i].Was = nil
		}
	}
	u.Appointment.Calendar = key.Owner
	return u, nil
}

func asked(in *portal.Intent) UnsentChange {
	ch := UnsentChange{ID: in.ID, Kind: in.Kind, State: syncOf(in).State, Reason: in.Reason, MadeAt: in.MadeAt, Occurrence: in.Occurrence, Was: in.Base,
		Wanted: in.Change, Response: in.Response, Comment: in.Comment, Proposal: in.Proposal, To: in.To}
	if in.Change != nil {
		ch.Occurrence = in.Change.Occurrence
	}
	return ch
}

// remembered is what its own intents know of an entry that is shown nowhere: one that is to go, or that somebody else has deleted.
func remembered(key portal.CalendarKey, intents []portal.Intent) portal.Appointment {
	a := portal.Appointment{ID: intents[0].Entry, Calendar: key.Owner, Sync: syncOf(&intents[len(intents)-1])}
	for i := range intents {
		from := intents[i].Base
		if from == nil {
			from = intents[i].Appointment
		}
		if from == nil {
			continue
		}
		a.Subject, a.Location, a.Start, a.End, a.AllDay, a.TimeZone = from.Subject, from.Location, from.Start, from.End, from.AllDay, from.TimeZone
		a.Kind, a.Meeting, a.Mine, a.Private, a.Masked, a.Source, a.Version = from.Kind, from.Meeting, from.Mine, from.Private, from.Masked, from.Source, from.Version
		return a
	}
	return a
}
