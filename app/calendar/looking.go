package calendar

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Looking: the mirror with the intents laid over, as views, single appointments and conflicts.

// maxWindow bounds a view.
const maxWindow = 400 * 24 * time.Hour

// View is what of a calendar touches a window.
type View struct {
	// Appointments are single ones and occurrences (masters never), by start; all-day ones of a day first.
	Appointments []portal.Appointment
	// State is whether the calendar's server can be reached, and how many changes of the reader wait.
	State portal.ExchangeEvent
	// Rights are those of the reader: one of the Rights constants. With RightsFreeBusy the appointments are
	// blocks of taken time, Masked where nothing but that may be known.
	Rights string
	// Loading: the calendar has not been read to its end yet; a CalendarEvent without ID tells when it has.
	Loading bool
}

// Between is what of the calendar of touches from ≤ t < to; loc is the viewer's zone, by whose days all-day ones count
// (nil: UTC). A calendar that has never been read is waited for, at most Options.Wait.
func (s *Service) Between(ctx context.Context, me, of portal.Address, from, to time.Time, loc *time.Location) (View, error) {
	if loc == nil {
		loc = time.UTC
	}
	if !to.After(from) || to.Sub(from) > maxWindow {
		return View{}, bad("calendar.window")
	}
	l, m, err := s.opened(ctx, me, of)
	if err != nil {
		return View{}, err
	}
	v := View{Loading: !m.Loaded && !m.Forbidden && !s.alone(l, m)}
	v.Rights, _ = l.access()
	if v.State, err = s.stateOf(ctx, l); err != nil {
		return View{}, err
	}
	if m.Forbidden {
		v.Rights = RightsFreeBusy
		v.Appointments, err = s.free.blocks(ctx, me, of, from.In(loc), to.In(loc))
		if err != nil && s.unsynced(ctx, of) && !passing(err) { // there is no mailbox to ask
			err = nil
		}
		if passing(err) && portal.Meaning(err) != nil { // what was last known, or nothing, and the page says why
			v.State.State, v.State.Reason, err = "down", portal.Reason(err), nil
		}
		if err == nil {
			v.Appointments, err = s.hiddenWindow(ctx, l.key, v.Appointments, from.In(loc), to.In(loc))
		}
		return v, err
	}
	if v.Rights == RightsFreeBusy { // it may be read again, and which right that is will be known in a moment
		v.Rights = RightsReviewer
	}
	v.Appointments, err = s.window(ctx, l.key, from.In(loc), to.In(loc))
	return v, err
}

// opened opens a calendar for reading and waits a little where it has never been read.
func (s *Service) opened(ctx context.Context, me, of portal.Address) (*lane, portal.Mirror, error) {
	l, err := s.openFor(me, of)
	if err != nil {
		return nil, portal.Mirror{}, err
	}
	m, err := s.s.CalendarMirror(ctx, l.key)
	if err != nil || m.Loaded || m.Forbidden {
		return l, m, err
	}
	timer := time.NewTimer(s.o.Wait)
	defer timer.Stop()
	select {
	case <-l.settled:
	case <-timer.C:
	case <-ctx.Done():
		return l, m, portal.Fail(portal.ErrUnavailable, "unavailable").Because(ctx.Err())
	}
	m, err = s.s.CalendarMirror(ctx, l.key)
	return l, m, err
}

// stateOf is the state of a calendar's server with the reader's counts.
func (s *Service) stateOf(ctx context.Context, l *lane) (portal.ExchangeEvent, error) {
	ev := s.healthOf(ctx, l)
	var err error
	ev.Waiting, ev.Failed, err = s.s.CountIntents(ctx, l.key.Reader)
	return ev, err
}

// window gives the appointments of a calendar that touch a window, in the viewer's zone (that of from).
func (s *Service) window(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.Appointment, error) {
	entries, err := s.entries(ctx, key, from, to)
	if err != nil {
		return nil, err
	}
	return s.joined(ctx, key, entries, from, to)
}

// entries gives the entries that may touch a window, intents laid over.
func (s *Service) entries(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.Entry, error) {
	// The intents first: one that is done in between is then laid over its own result, which changes nothing.
	intents, err := s.s.CalendarIntents(ctx, key, "")
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour // for all-day ones, wherever the viewer is
	list, err := s.s.CalendarWindow(ctx, key, from.Add(-day), to.Add(day))
	if err != nil {
		return nil, err
	}
	for _, in := range intents { // what an intent moves into the window may lie elsewhere in the mirror
		if slices.ContainsFunc(list, func(k portal.KeptEntry) bool { return k.ID == in.Entry }) {
			continue
		}
		k, err := s.s.CalendarEntry(ctx, key, in.Entry)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return overlay(list, intents), nil
}

func (s *Service) expanded(ctx context.Context, key portal.CalendarKey, entries []portal.Entry, from, to time.Time) []portal.Appointment {
	out := make([]portal.Appointment, 0, len(entries))
	for i := range entries {
		list, err := series.Expand(&entries[i], from, to)
		if err != nil { // one series that nobody can follow must not hide a week
			s.o.Logger.WarnContext(ctx, "calendar: a series cannot be followed", "calendar", key.Owner, "entry", entries[i].ID, "err", err)
			continue
		}
		for j := range list {
			s.mask(key, &list[j])
		}
		out = append(out, list...)
	}
	series.Sort(out, from.Location())
	return out
}

// mask takes everything but the time from a private appointment of somebody else, unless the reader may read those.
func (s *Service) mask(key portal.CalendarKey, a *portal.Appointment) {
	if key.Own() || !a.Private && !a.Masked {
		return
	}
	if l := s.lanes.find(key); l != nil && !a.Masked {
		if _, private := l.access(); private {
			return
		}
	}
	masked(a)
}

func masked(a *portal.Appointment) {
	*a = portal.Appointment{ID: a.ID, Calendar: a.Calendar, Start: a.Start, End: a.End, AllDay: a.AllDay, TimeZone: a.TimeZone, Kind: a.Kind,
		Recurrence: a.Recurrence, RecurrenceID: a.RecurrenceID, Series: a.Series, Response: portal.ResponseNone, Status: a.Status, Show: a.Show, Private: a.Private, Source: a.Source,
		Masked: true, Sync: a.Sync, Version: a.Version}
}

// shown is one entry of a calendar with the intents laid over; ErrNotFound.
func (s *Service) shown(ctx context.Context, key portal.CalendarKey, id string, intents []portal.Intent) (portal.Entry, error) {
	var list []portal.KeptEntry
	m, err := s.s.CalendarMirror(ctx, key)
	if err != nil {
		return portal.Entry{}, err
	}
	k, err := s.s.CalendarEntry(ctx, key, id)
	switch {
	case err == nil && m.Forbidden: // it was once theirs to read
	case err == nil:
		list = append(list, k)
	case !errors.Is(err, portal.ErrNotFound):
		return portal.Entry{}, err
	}
	out := overlay(list, intents)
	if len(out) == 0 {
		return portal.Entry{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	out[0].Calendar = key.Owner
	return out[0], nil
}

// get is one appointment of a calendar as it is shown.
func (s *Service) get(ctx context.Context, key portal.CalendarKey, id string) (portal.Appointment, error) {
	a, err := s.bare(ctx, key, id)
	if err != nil {
		return a, err
	}
	return s.withRecord(ctx, key, a)
}

// bare is one appointment of a calendar as the mailbox has it, intents laid over.
func (s *Service) bare(ctx context.Context, key portal.CalendarKey, id string) (portal.Appointment, error) {
	entry, occurrence := portal.SplitOccurrenceID(id)
	intents, err := s.s.CalendarIntents(ctx, key, entry)
	if err != nil {
		return portal.Appointment{}, err
	}
	_, a, err := s.current(ctx, key, entry, occurrence, intents, "")
	return a, err
}

// Get is one appointment; of a series' ID the master, of an occurrence's ID (portal.OccurrenceID) that occurrence. Besides the
// calendars that the reader may read it finds the meetings of their team, without what is private.
func (s *Service) Get(ctx context.Context, me, of portal.Address, id string) (portal.Appointment, error) {
	if s.x == nil {
		return portal.Appointment{}, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	if s.recorded(id) {
		return s.record(ctx, me, of, id)
	}
	a, err := s.get(ctx, portal.CalendarKey{Reader: me, Owner: of}, id)
	if !errors.Is(err, portal.ErrNotFound) || me == of || !s.manages(ctx, me, of) {
		return a, err
	}
	a, err = s.get(ctx, portal.CalendarKey{Reader: of, Owner: of}, id)
	if err != nil {
		return a, err
	}
	if !forManager(&a) {
		return portal.Appointment{}, portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	return a, nil
}

// Conflicts are the person's appointments that take time between from and to; except is an ID that does not count (of a
// series or an occurrence: all of the series).
func (s *Service) Conflicts(ctx context.Context, me portal.Address, from, to time.Time, except string) ([]portal.Appointment, error) {
	if s.x == nil {
		return nil, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	if to.Before(from) || to.Sub(from) > maxWindow {
		return nil, bad("calendar.window")
	}
	loc := s.o.Zone(ctx, me)
	list, err := s.window(ctx, portal.CalendarKey{Reader: me, Owner: me}, from.In(loc), to.In(loc))
	if err != nil {
		return nil, err
	}
	skip, _ := portal.SplitOccurrenceID(except)
	return slices.DeleteFunc(list, func(a portal.Appointment) bool {
		entry, _ := portal.SplitOccurrenceID(a.ID)
		return except != "" && entry == skip || !takesTime(&a)
	}), nil
}

// takesTime reports whether an appointment keeps its owner from another one.
func takesTime(a *portal.Appointment) bool {
	if a.Status == portal.StatusCancelled || a.Response == portal.ResponseDeclined {
		return false
	}
	return a.Show == portal.ShowBusy || a.Show == portal.ShowOOF || a.Show == portal.ShowTentative
}
