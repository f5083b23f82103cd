package calendar

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Carrying out: what each kind of intent does at the server, and how its traces are told from what others did.

// do carries the intent out and gives what that makes of the mirror.
func (l *lane) do(ctx context.Context, in *portal.Intent, unsure bool) (put *portal.KeptEntry, gone []string, err error) {
	if in.Kind == portal.IntentCreate {
		put, err = l.create(ctx, in, unsure)
		return put, nil, err
	}
	k, err := l.s.s.CalendarEntry(ctx, l.key, in.Entry)
	if errors.Is(err, portal.ErrNotFound) {
		if in.Kind == portal.IntentDelete || left(in, unsure) {
			return nil, nil, nil
		}
		return nil, nil, portal.Fail(portal.ErrNotFound, keyGone).Because(err)
	}
	if err != nil {
		return nil, nil, err
	}
	switch in.Kind {
	case portal.IntentChange:
		put, err = l.update(ctx, in, k, unsure)
	case portal.IntentDelete:
		return l.remove(ctx, in, k)
	case portal.IntentRespond:
		put, err = l.respond(ctx, in, k, unsure)
		if errors.Is(err, portal.ErrNotFound) && left(in, unsure) {
			put, err = nil, nil
		}
	case portal.IntentForward:
		err = l.forward(ctx, in, k, unsure)
	default:
		err = portal.Fail(portal.ErrInvalid, keyInternal).Because(errors.New("an intent of unknown kind " + string(in.Kind)))
	}
	return put, nil, err
}

// left reports whether an entry that is gone is the trace of an earlier try: what one declines leaves the calendar.
func left(in *portal.Intent, unsure bool) bool {
	return unsure && in.Kind == portal.IntentRespond && in.Response == portal.ResponseDeclined
}

func (l *lane) create(ctx context.Context, in *portal.Intent, unsure bool) (*portal.KeptEntry, error) {
	if unsure {
		e, found, err := l.find(ctx, in.ID)
		if err != nil || found {
			return l.made(in, e), err
		}
		if l.s.o.Now().Sub(in.SentAt) < l.s.o.Settle {
			return nil, portal.Fail(portal.ErrUnavailable, "unavailable").Because(errSettling)
		}
		in.SentAt = l.s.o.Now()
		saved, err := l.s.s.SaveIntent(ctx, *in)
		if err != nil {
			return nil, err
		}
		*in = saved
	}
	if err := l.uncut(ctx, in); err != nil {
		return nil, err
	}
	var e portal.Entry
	err := l.call(ctx, func(ctx context.Context) (err error) {
		e, err = l.s.x.Create(ctx, l.key.Reader, l.key.Owner, *in.Appointment, portal.WriteOptions{ChangeID: in.ID, Send: in.Send, Zone: in.Zone})
		return err
	})
	switch {
	case err != nil:
		in.SentAt = l.s.o.Now() // it may have been on its way all the time
	case unsure: // the one before was only late? Looking leaves one of the two
		again, found, lookErr := l.find(ctx, in.ID)
		if lookErr != nil {
			l.s.o.Logger.WarnContext(ctx, "calendar: whether an entry was made twice is not known", "calendar", l.key.Owner, "change", in.ID, "err", lookErr)
		} else if found {
			e = again
		}
	}
	return l.made(in, e), err
}

// uncut makes sure that the series whose later half a create is still is as it was when it was cut. Once invitations to the later half
// are out there is no way back.
func (l *lane) uncut(ctx context.Context, in *portal.Intent) error {
	halves, err := l.dependents(ctx, in.ID)
	if err != nil {
		return err
	}
	for _, other := range halves {
		if other.Base == nil {
			continue
		}
		k, err := l.s.s.CalendarEntry(ctx, l.key, other.Entry)
		if err == nil {
			k, err = l.refetch(ctx, k)
		}
		if errors.Is(err, portal.ErrNotFound) {
			return portal.Fail(portal.ErrConflict, keyConflict).Because(err)
		}
		if err != nil {
			return err
		}
		if series.Version(other.Base) != series.Version(&k.Appointment) {
			return portal.Fail(portal.ErrConflict, keyConflict)
		}
	}
	return nil
}

// dependents are the intents that make no sense without another one.
func (l *lane) dependents(ctx context.Context, id string) ([]portal.Intent, error) {
	list, err := l.s.s.CalendarIntents(ctx, l.key, "")
	return slices.DeleteFunc(list, func(in portal.Intent) bool { return in.After != id }), err
}

// find looks for what a create has made at the server, by its stamp; of several entries one is left.
func (l *lane) find(ctx context.Context, change string) (e portal.Entry, found bool, err error) {
	err = l.call(ctx, func(ctx context.Context) (err error) {
		e, found, err = l.s.x.Find(ctx, l.key.Reader, l.key.Owner, change)
		return err
	})
	return e, found, err
}

func (l *lane) made(in *portal.Intent, e portal.Entry) *portal.KeptEntry {
	if e.Start.IsZero() && in.Appointment != nil { // found, and not to be read: it is as it was sent, until the next reading
		e.Appointment, e.Source = *in.Appointment, portal.SourceExchange
	}
	e.ID, e.Calendar, e.ChangeID = in.Entry, l.key.Owner, in.ID
	return ptr(kept(settled(e), nil))
}

// update sends a change, over what others changed meanwhile where that is something else.
func (l *lane) update(ctx context.Context, in *portal.Intent, k portal.KeptEntry, unsure bool) (*portal.KeptEntry, error) {
	for race := 1; ; race++ {
		now, err := target(&k.Entry, in.Change.Occurrence)
		if err != nil {
			return nil, err
		}
		if (unsure || in.Base == nil) && series.Achieved(*in.Change, &now) {
			return &k, nil
		}
		if in.Base != nil && l.stale(in, &now) {
			l.ask()
			return nil, portal.Fail(portal.ErrConflict, keyConflict)
		}
		var e portal.Entry
		err = l.call(ctx, func(ctx context.Context) (err error) {
			e, err = l.s.x.Update(ctx, l.key.Reader, l.key.Owner, k.Entry, *in.Change, portal.WriteOptions{ChangeID: in.ID, Send: in.Send, Zone: in.Zone})
			return err
		})
		switch {
		case err == nil:
			return l.changed(ctx, k, e)
		case errors.Is(err, portal.ErrNotFound) && race < maxRaces:
			if k, err = l.missing(ctx, k, err); err != nil {
				return nil, err
			}
			continue
		case !errors.Is(err, portal.ErrConflict) || race == maxRaces:
			return nil, err
		}
		unsure = true // the conflict may be with our own earlier try
		if k, err = l.refetch(ctx, k); err != nil {
			return nil, err
		}
	}
}

// stale reports whether the entry is no longer what the intent's author saw, in a way that matters. Somebody who
// waits is asked to look again; where nobody does, only what both touched collides.
func (l *lane) stale(in *portal.Intent, now *portal.Appointment) bool {
	if series.Version(in.Base) == series.Version(now) {
		return false
	}
	return l.waited(in.ID) && in.After == "" || series.Overlaps(*in.Change, in.Base, now)
}

// target is what a change means: the entry, or one occurrence of it.
func target(e *portal.Entry, occurrence time.Time) (portal.Appointment, error) {
	if occurrence.IsZero() {
		return e.Appointment, nil
	}
	a, err := series.At(e, occurrence)
	if errors.Is(err, portal.ErrNotFound) {
		return a, portal.Fail(portal.ErrNotFound, keyGone).Because(err)
	}
	return a, err
}

// changed makes the mirror's entry of what an update answered; where the server names an occurrence, the series is read.
func (l *lane) changed(ctx context.Context, k portal.KeptEntry, e portal.Entry) (*portal.KeptEntry, error) {
	if e.RemoteID != k.RemoteID {
		err := l.call(ctx, func(ctx context.Context) (err error) {
			e, err = l.s.x.Entry(ctx, l.key.Reader, l.key.Owner, k.RemoteID)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	e.ID, e.Calendar = k.ID, l.key.Owner
	if e.ChangeID == "" {
		e.ChangeID = k.ChangeID
	}
	e = settled(e)
	return ptr(kept(e, mergeNews(k.News, news(&k.Entry, &e, l.s.o.Now())))), nil
}

// refetch reads an entry afresh.
func (l *lane) refetch(ctx context.Context, k portal.KeptEntry) (portal.KeptEntry, error) {
	var e portal.Entry
	err := l.call(ctx, func(ctx context.Context) (err error) {
		e, err = l.s.x.Entry(ctx, l.key.Reader, l.key.Owner, k.RemoteID)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		return k, l.vanished(ctx, k, err)
	}
	if err != nil {
		return k, err
	}
	fresh, err := l.changed(ctx, k, e)
	if err != nil {
		return k, err
	}
	var evs []portal.Addressed
	if fresh.Version != k.Version {
		evs = append(evs, l.event(k.ID, portal.Updated))
	}
	if err := l.s.s.EndIntents(ctx, l.key, nil, fresh, nil, evs...); err != nil {
		return k, err
	}
	return *fresh, nil
}

// vanished takes an entry that the server no longer has out of the mirror; the error is what to refuse with.
func (l *lane) vanished(ctx context.Context, k portal.KeptEntry, cause error) error {
	if err := l.s.s.EndIntents(ctx, l.key, nil, nil, []string{k.RemoteID}, l.event(k.ID, portal.Deleted)); err != nil {
		return err
	}
	return portal.Fail(portal.ErrNotFound, keyGone).Because(cause)
}

// remove takes an entry or an occurrence away, over what others changed meanwhile where nobody sees a difference (an answer).
func (l *lane) remove(ctx context.Context, in *portal.Intent, k portal.KeptEntry) (*portal.KeptEntry, []string, error) {
	for race := 1; ; race++ {
		if gone, err := l.removable(in, k); gone || err != nil {
			return &k, nil, err
		}
		err := l.call(ctx, func(ctx context.Context) error {
			return l.s.x.Delete(ctx, l.key.Reader, l.key.Owner, k.Entry, in.Occurrence, in.Comment)
		})
		if err == nil || errors.Is(err, portal.ErrNotFound) {
			break
		}
		if !errors.Is(err, portal.ErrConflict) || race == maxRaces {
			return nil, nil, err
		}
		k, err = l.refetch(ctx, k)
		if errors.Is(err, portal.ErrNotFound) {
			return nil, []string{k.RemoteID}, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if in.Occurrence.IsZero() {
		return nil, []string{k.RemoteID}, nil
	}
	e := k.Entry
	e.Exceptions = slices.DeleteFunc(slices.Clone(e.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.Equal(in.Occurrence) })
	e.Deleted = append(slices.Clone(e.Deleted), in.Occurrence)
	l.ask() // for the series' new change key
	return ptr(kept(settled(e), k.News)), nil, nil
}

// removable reports whether what is to be removed is gone already; nobody may lose what they have not seen.
func (l *lane) removable(in *portal.Intent, k portal.KeptEntry) (gone bool, err error) {
	if !in.Occurrence.IsZero() && slices.ContainsFunc(k.Deleted, func(d time.Time) bool { return d.Equal(in.Occurrence) }) {
		return true, nil
	}
	if in.Base == nil {
		return false, nil
	}
	now, err := target(&k.Entry, in.Occurrence)
	if errors.Is(err, portal.ErrNotFound) {
		return true, nil
	}
	if err == nil && series.Version(in.Base) != series.Version(&now) {
		l.ask() // whoever looks again sees all of it
		err = portal.Fail(portal.ErrConflict, keyConflict)
	}
	return false, err
}

func (l *lane) respond(ctx context.Context, in *portal.Intent, k portal.KeptEntry, unsure bool) (*portal.KeptEntry, error) {
	if unsure {
		var err error
		if k, err = l.refetch(ctx, k); err != nil {
			return nil, err
		}
		now, err := target(&k.Entry, in.Occurrence)
		if err != nil {
			return nil, err
		}
		if now.Response == in.Response && (in.Base == nil || in.Base.Response != in.Response) {
			return &k, nil
		}
	}
	answer := func(ctx context.Context) error {
		return l.s.x.Respond(ctx, l.key.Reader, l.key.Owner, k.Entry, in.Occurrence, in.Response, in.Comment, in.Proposal, in.Send)
	}
	err := l.call(ctx, answer)
	if errors.Is(err, portal.ErrNotFound) {
		if k, err = l.missing(ctx, k, err); err == nil {
			err = l.call(ctx, answer)
		}
	}
	if err != nil {
		return nil, err
	}
	e := k.Entry
	layResponse(&e, &portal.Intent{Occurrence: in.Occurrence, Response: in.Response, State: portal.IntentWaiting})
	for i := range e.Exceptions {
		e.Exceptions[i].Sync = portal.SyncState{State: portal.SyncDone}
	}
	l.ask() // the server decides what becomes of the entry: a declined one leaves the calendar
	return ptr(kept(settled(e), k.News)), nil
}

func (l *lane) forward(ctx context.Context, in *portal.Intent, k portal.KeptEntry, unsure bool) error {
	if unsure {
		return portal.Fail(portal.ErrInvalid, keyForwarding)
	}
	return l.call(ctx, func(ctx context.Context) error {
		return l.s.x.Forward(ctx, l.key.Reader, l.key.Owner, k.Entry, in.Occurrence, in.To, in.Comment)
	})
}
