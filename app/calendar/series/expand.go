package series

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/calendar/zone"
	"portico/app/portal"
)

// Expansion: from whole entries to the appointments of a window.

// maxOccurrences bounds what one series may put into one window.
const maxOccurrences = 2000

// farAway is the end of what has no end.
func farAway() time.Time { return time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) }

// Place gives the zone that an appointment was meant in. A name that no table has is UTC: wrong by the offset at
// worst, and only for how a series goes on over a change of clocks.
func Place(name string) *time.Location {
	if name == "" {
		return time.UTC
	}
	if z, err := zone.Load(name); err == nil {
		return z.Location
	}
	if r, err := zone.Resolve(zone.Said{ID: name, Name: name}); err == nil {
		return r.Zone.Location
	}
	return time.UTC
}

// seriesOf makes the times of a series. Exceptions count as deleted here: they are laid over as they are, so that
// they may be all-day where the series is not.
func seriesOf(e *portal.Entry) (*recurrence.Series, error) {
	rule, err := recurrence.Parse(e.Recurrence)
	if err != nil {
		return nil, fmt.Errorf("series %s: %w", e.ID, err)
	}
	s := &recurrence.Series{Start: e.Start, End: e.End, AllDay: e.AllDay, Rule: &rule, ExDates: slices.Clone(e.Deleted)}
	if !e.AllDay {
		loc := Place(e.TimeZone)
		s.Start, s.End = e.Start.In(loc), e.End.In(loc)
	}
	for i := range e.Exceptions {
		s.ExDates = append(s.ExDates, e.Exceptions[i].RecurrenceID)
	}
	return s, nil
}

// Expand gives what of an entry touches from ≤ t < to; from's location is the viewer's. A master is never among it.
func Expand(e *portal.Entry, from, to time.Time) ([]portal.Appointment, error) {
	if e.Recurrence == "" {
		if Touches(&e.Appointment, from, to) {
			return []portal.Appointment{e.Appointment}, nil
		}
		return nil, nil
	}
	s, err := seriesOf(e)
	if err != nil {
		return nil, err
	}
	times, err := s.Between(from, to, maxOccurrences)
	if err != nil {
		return nil, fmt.Errorf("series %s: %w", e.ID, err)
	}
	var out []portal.Appointment
	for _, o := range times {
		out = append(out, occurrence(e, o.ID, o.Start, o.End))
	}
	for i := range e.Exceptions {
		if x := exception(e, i); Touches(&x, from, to) {
			out = append(out, x)
		}
	}
	return out, nil
}

// occurrence is an unchanged occurrence of a series.
func occurrence(e *portal.Entry, id, start, end time.Time) portal.Appointment {
	a := e.Appointment
	a.ID, a.Series, a.Kind, a.RecurrenceID = portal.OccurrenceID(e.ID, id), e.ID, portal.KindOccurrence, id.UTC()
	a.Start, a.End = start.UTC(), end.UTC()
	a.Version = Version(&a)
	return a
}

// exception is the i-th changed occurrence of a series.
func exception(e *portal.Entry, i int) portal.Appointment {
	a := e.Exceptions[i]
	a.ID, a.Series, a.Kind = portal.OccurrenceID(e.ID, a.RecurrenceID), e.ID, portal.KindException
	a.Calendar, a.UID, a.Recurrence, a.Source = e.Calendar, e.UID, e.Recurrence, e.Source
	if a.TimeZone == "" {
		a.TimeZone = e.TimeZone
	}
	if a.Sync.State == "" {
		a.Sync = e.Sync
	}
	a.Version = Version(&a)
	return a
}

// At finds the occurrence of a series that would have begun at id; ErrNotFound.
func At(e *portal.Entry, id time.Time) (portal.Appointment, error) {
	for i := range e.Exceptions {
		if e.Exceptions[i].RecurrenceID.Equal(id) {
			return exception(e, i), nil
		}
	}
	s, err := seriesOf(e)
	if err != nil {
		return portal.Appointment{}, err
	}
	from := id
	if e.AllDay {
		from = id.UTC()
	}
	times, err := s.Between(from, from.Add(time.Second), maxOccurrences)
	if err != nil && !errors.Is(err, recurrence.ErrTooMany) {
		return portal.Appointment{}, fmt.Errorf("series %s: %w", e.ID, err)
	}
	for _, o := range times {
		if o.ID.Equal(id) {
			return occurrence(e, o.ID, o.Start, o.End), nil
		}
	}
	return portal.Appointment{}, portal.Fail(portal.ErrNotFound, "calendar.not-found")
}

// Touches reports whether an appointment has to do with from ≤ t < to; all-day ones count by the days of from's location.
func Touches(a *portal.Appointment, from, to time.Time) bool {
	start, end := Bounds(a, from.Location())
	if !start.Before(end) {
		return !start.Before(from) && start.Before(to)
	}
	return start.Before(to) && end.After(from)
}

// Bounds gives the instants between which an appointment lies for somebody in loc.
func Bounds(a *portal.Appointment, loc *time.Location) (start, end time.Time) {
	if !a.AllDay {
		return a.Start, a.End
	}
	return midnight(a.Start, loc), midnight(a.End, loc)
}

// midnight is the beginning of the date that t shows in UTC, in loc.
func midnight(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}

// Span encloses all that an entry ever means.
func Span(e *portal.Entry) (from, until time.Time) {
	from, until = e.Start, e.End
	if e.Recurrence != "" {
		until = LastEnd(e)
	}
	for i := range e.Exceptions {
		if x := &e.Exceptions[i]; x.Start.Before(from) {
			from = x.Start
		}
		if x := &e.Exceptions[i]; x.End.After(until) {
			until = x.End
		}
	}
	return from, until
}

// LastEnd is when the last occurrence by the rule ends; of a rule that cannot be followed far away, so that it is not lost.
func LastEnd(e *portal.Entry) time.Time {
	rule, err := recurrence.Parse(e.Recurrence)
	if err != nil || rule.Count == 0 && rule.UntilKind == recurrence.NoUntil {
		return farAway()
	}
	if rule.Count == 0 {
		return rule.Until.Add(e.End.Sub(e.Start) + 48*time.Hour) // whatever the zone
	}
	start := e.Start
	if !e.AllDay {
		start = e.Start.In(Place(e.TimeZone))
	}
	last := e.Start
	for t, err := range rule.Starts(start, e.AllDay, time.Time{}) {
		if err != nil {
			return farAway()
		}
		last = t
	}
	return last.Add(e.End.Sub(e.Start) + 2*time.Hour) // the wall clock may make it longer
}

// Sort orders by start for somebody in loc, all-day ones first, longer before shorter.
func Sort(list []portal.Appointment, loc *time.Location) {
	slices.SortStableFunc(list, func(a, b portal.Appointment) int {
		as, ae := Bounds(&a, loc)
		bs, be := Bounds(&b, loc)
		allDay := 0
		if a.AllDay != b.AllDay && as.Equal(bs) {
			allDay = -1
			if b.AllDay {
				allDay = 1
			}
		}
		return cmp.Or(as.Compare(bs), allDay, be.Compare(ae), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
	})
}
