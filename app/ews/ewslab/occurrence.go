package ewslab

// Series of appointments: which occurrences there are, what each looks like, and how a changed or deleted one is kept.

import (
	"slices"
	"strconv"
	"time"
)

// forever is the end of a series without end.
var forever = time.Date(4500, 9, 1, 0, 0, 0, 0, time.UTC)

// series is a master that can be expanded.
type series struct {
	master *item
	*pattern
	zone     *time.Location
	clock    time.Duration // time of day of the start, in the zone
	duration time.Duration
}

// seriesOf reads the pattern of a master.
func seriesOf(master *item) (*series, error) {
	p, err := parsePattern(master.get("Recurrence"))
	if err != nil {
		return nil, err
	}
	s := &series{master: master, pattern: p, zone: itemZone(master)}
	start := master.time("Start").In(s.zone)
	s.clock = time.Duration(start.Hour())*time.Hour + time.Duration(start.Minute())*time.Minute + time.Duration(start.Second())*time.Second
	s.duration = master.time("End").Sub(master.time("Start"))
	return s, nil
}

// itemZone is the zone an appointment was made in.
func itemZone(i *item) *time.Location {
	if def := i.get("StartTimeZone"); def != nil {
		if loc, err := locationOf(def); err == nil {
			return loc
		}
	}
	return time.UTC // finishTimes has made sure that there is one
}

// startOn is the start of the occurrence of a date.
func (s *series) startOn(d time.Time) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), int(s.clock/time.Hour), int(s.clock%time.Hour/time.Minute), int(s.clock%time.Minute/time.Second), 0, s.zone).UTC()
}

// endOf is the end of an occurrence; all-day ones end at midnight whatever the clocks did.
func (s *series) endOf(start time.Time) time.Time {
	if s.master.flag("IsAllDayEvent") {
		days := int((s.duration + 12*time.Hour) / (24 * time.Hour))
		return start.In(s.zone).AddDate(0, 0, days).UTC()
	}
	return start.Add(s.duration)
}

// has answers the number of the occurrence that starts at an instant by the pattern; 0 when none does.
func (s *series) has(original time.Time) int {
	found := 0
	s.dates(func(n int, d time.Time) bool {
		at := s.startOn(d)
		if at.Equal(original) {
			found = n
		}
		return at.Before(original)
	})
	return found
}

// between answers the starts by the pattern of occurrences that touch [from, to), gaps and exceptions not regarded.
func (s *series) between(from, to time.Time) []time.Time {
	var out []time.Time
	early := from.Add(-s.duration - 48*time.Hour)
	s.dates(func(_ int, d time.Time) bool {
		if d.Before(early) {
			return true
		}
		at := s.startOn(d)
		if !at.Before(to) {
			return false
		}
		if touches(at, s.endOf(at), from, to) {
			out = append(out, at)
		}
		return true
	})
	return out
}

// touches says whether an appointment is seen in a window: what starts at its end is not, what has no length is seen at its beginning.
func touches(start, end, from, to time.Time) bool {
	return start.Before(to) && (end.After(from) || start.Equal(end) && !start.Before(from))
}

// seriesEnd is after the end of every occurrence of a master, for the index.
func seriesEnd(i *item) time.Time {
	s, err := seriesOf(i)
	if err != nil || s.end.IsZero() && s.count == 0 {
		return forever
	}
	end := i.time("End")
	s.dates(func(_ int, d time.Time) bool {
		end = s.endOf(s.startOn(d))
		return true
	})
	return end
}

// gaps are the starts by the pattern of deleted occurrences.
func (x *tx) gaps(master int64) ([]time.Time, error) {
	rows, err := x.Query(`SELECT original FROM gaps WHERE master = ? ORDER BY original`, master)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []time.Time
	for rows.Next() {
		var at int64
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		out = append(out, time.Unix(at, 0).UTC())
	}
	return out, rows.Err()
}

// exceptions are the changed occurrences of a master, merged with it, by original start.
func (x *tx) exceptions(s *series) ([]*item, error) {
	list, err := x.items(`master = ? ORDER BY original`, s.master.ID)
	for n, e := range list {
		list[n] = s.merge(s.bare(e.Original), e)
	}
	return list, err
}

// bare is an occurrence as the series has it.
func (s *series) bare(original time.Time) *item {
	m := s.master
	o := *m
	o.ID, o.Master, o.Original = 0, m.ID, original
	o.Props = m.Props.copy()
	o.remove("Recurrence", "MimeContent")
	o.put("Start", original)
	o.put("End", s.endOf(original))
	return &o
}

// merge lays an exception's row over the occurrence.
func (s *series) merge(o, exception *item) *item {
	o.ID, o.Size = exception.ID, exception.Size
	for _, p := range exception.Props.Kids {
		o.remove(p.Name)
	}
	for _, p := range exception.Props.Kids {
		if p.attr("unset") == "" {
			o.Props.add(p)
		}
	}
	return o
}

// occurrence answers one occurrence of a series by its start by the pattern: the exception, or one made from the series.
func (x *tx) occurrence(master *item, original time.Time) (*item, error) {
	if !master.isSeries() {
		return nil, fail(errorItemNotFound)
	}
	s, err := seriesOf(master)
	if err != nil {
		return nil, err
	}
	if s.has(original) == 0 {
		return nil, fail(errorItemNotFound)
	}
	gaps, err := x.gaps(master.ID)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(gaps, original.Equal) {
		return nil, fail(errorItemNotFound)
	}
	list, err := x.items(`master = ? AND original = ?`, master.ID, original.Unix())
	if err != nil {
		return nil, err
	}
	o := s.bare(original)
	if len(list) > 0 {
		o = s.merge(o, list[0])
	}
	return o, nil
}

// occurrenceByIndex answers the n-th occurrence, counted from 1 with the deleted ones.
func (x *tx) occurrenceByIndex(master *item, index string) (*item, error) {
	n, err := strconv.Atoi(index)
	if err != nil {
		return nil, invalid("the 'InstanceIndex' attribute is invalid - the value '%s' is invalid.", index)
	}
	if !master.isSeries() {
		return nil, fail("ErrorCalendarCannotUseIdForOccurrenceId", "The id is not that of a recurring master.")
	}
	s, err := seriesOf(master)
	if err != nil {
		return nil, err
	}
	var at time.Time
	s.dates(func(have int, d time.Time) bool {
		if have == n {
			at = s.startOn(d)
		}
		return have < n
	})
	if at.IsZero() {
		return nil, fail("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
	}
	o, err := x.occurrence(master, at)
	if isCode(err, errorItemNotFound) {
		return nil, fail("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
	}
	return o, err
}

// window answers the appointments and occurrences of a calendar folder that touch [from, to), sorted by start; no series masters.
// Deleted occurrences are left out, exceptions are merged with their series.
func (x *tx) window(f *folder, from, to time.Time) ([]*item, error) {
	out, err := x.items(`folder = ? AND master = 0 AND recurring = 0 AND start_at < ? AND end_at >= ? AND elem = 'CalendarItem'`, f.ID, to.Unix(), from.Unix())
	if err != nil {
		return nil, err
	}
	out = slices.DeleteFunc(out, func(i *item) bool { return !touches(i.time("Start"), i.time("End"), from, to) })
	// An exception may have been moved beyond the ends of its series.
	masters, err := x.items(`folder = ?1 AND master = 0 AND recurring = 1 AND (start_at < ?2 AND end_at >= ?3
		OR id IN (SELECT master FROM items WHERE folder = ?1 AND master > 0 AND start_at < ?2 AND end_at >= ?3))`, f.ID, to.Unix(), from.Unix())
	if err != nil {
		return nil, err
	}
	for _, m := range masters {
		more, err := x.expand(m, from, to)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	type key struct {
		at  time.Time
		row int64
	}
	keys := make(map[*item]key, len(out))
	for _, i := range out {
		keys[i] = key{i.time("Start"), max(i.ID, i.Master)}
	}
	slices.SortStableFunc(out, func(a, b *item) int {
		if c := keys[a].at.Compare(keys[b].at); c != 0 {
			return c
		}
		return int(keys[a].row - keys[b].row)
	})
	return out, nil
}

// expand answers the occurrences of one master in [from, to).
func (x *tx) expand(m *item, from, to time.Time) ([]*item, error) {
	s, err := seriesOf(m)
	if err != nil {
		return nil, err
	}
	gaps, err := x.gaps(m.ID)
	if err != nil {
		return nil, err
	}
	changed, err := x.exceptions(s)
	if err != nil {
		return nil, err
	}
	var out []*item
	for _, e := range changed {
		gaps = append(gaps, e.Original)
		if touches(e.time("Start"), e.time("End"), from, to) {
			out = append(out, e)
		}
	}
	for _, at := range s.between(from, to) {
		if !slices.ContainsFunc(gaps, at.Equal) {
			out = append(out, s.bare(at))
		}
	}
	return out, nil
}
