package recurrence

import (
	"cmp"
	"slices"
	"time"
)

// Series: a rule with its additions and exceptions, and what of it falls into a window.

// Series is a recurring appointment as far as time is concerned. For all-day series every time is a date: what it shows
// by its own clock counts, and End is the day after the last.
type Series struct {
	Start, End time.Time // of the occurrence that the rule counts from; Start's location is the organiser's zone
	AllDay     bool
	Rule       *Rule       // nil: Start alone, and RDates
	RDates     []time.Time // further occurrences
	ExDates    []time.Time // occurrences that do not happen
	Overrides  []Override
}

// Override replaces one occurrence (RECURRENCE-ID).
type Override struct {
	ID         time.Time // when the occurrence would have begun
	Start, End time.Time // when it does
	Deleted    bool      // it does not; Start and End say nothing
}

// Occurrence is one happening of a series. All-day ones have midnights in UTC, which mean dates.
type Occurrence struct {
	ID         time.Time // when the rule has it begin; tells occurrences of a series apart
	Start, End time.Time
	AllDay     bool
	Override   int // index in Series.Overrides, -1 for an unchanged one
}

// Length is the time from Start to End by the wall clock: an hour's meeting ends an hour later by the clocks
// on the wall even in the night of a change, as Exchange has it.
func (s *Series) Length() time.Duration {
	if s.AllDay {
		return max(24*time.Hour, dateOf(s.End).Sub(dateOf(s.Start)))
	}
	return max(0, time.Duration(civilOf(s.End.In(s.Start.Location()))-civilOf(s.Start))*time.Second)
}

// key tells occurrences apart: the instant, or the date.
func (s *Series) key(t time.Time) int64 {
	if s.AllDay {
		return dateOf(t).Unix()
	}
	return t.Unix()
}

// Between lists the occurrences that touch the window from ≤ t < to, ordered by their start; one without length has to begin in it. All-day
// ones are compared by the calendar of from's location, the viewer's. More than limit are ErrTooMany; the expansion's errors are
// ErrTooDense, ErrTooSparse and portal.ErrInvalid. A window of which an error was met has no result.
func (s *Series) Between(from, to time.Time, limit int) ([]Occurrence, error) {
	win := s.window(from, to)
	gone := s.replaced()
	var out []Occurrence
	add := func(o Occurrence) error {
		if win.touches(o) {
			if len(out) >= limit {
				return ErrTooMany
			}
			out = append(out, o)
		}
		return nil
	}
	clock := &clockwork{loc: s.Start.Location()}
	length := s.Length()
	for t, err := range s.ids(win.from.Add(-length-24*time.Hour), win.to) {
		if err != nil {
			return nil, err
		}
		if t.After(win.to) {
			break
		}
		if gone[s.key(t)] {
			continue
		}
		if err := add(s.occurrence(t, length, clock)); err != nil {
			return nil, err
		}
	}
	for _, t := range s.extra() {
		if k := s.key(t); !gone[k] {
			gone[k] = true
			if err := add(s.occurrence(t, length, clock)); err != nil {
				return nil, err
			}
		}
	}
	for i, o := range s.Overrides {
		if !o.Deleted {
			if err := add(s.overridden(i)); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Occurrence) int { return cmp.Or(a.Start.Compare(b.Start), a.ID.Compare(b.ID)) })
	return out, nil
}

// window in the terms of the series: instants, or dates by the viewer's calendar as midnights in UTC.
type window struct{ from, to time.Time }

func (s *Series) window(from, to time.Time) window {
	if !s.AllDay {
		return window{from, to}
	}
	wall := func(t time.Time) time.Time { return time.Unix(int64(civilOf(t.In(from.Location()))), 0).UTC() }
	return window{wall(from), wall(to)}
}

func (w window) touches(o Occurrence) bool {
	if !o.End.After(o.Start) {
		return !o.Start.Before(w.from) && o.Start.Before(w.to)
	}
	return o.Start.Before(w.to) && o.End.After(w.from)
}

// replaced are the keys that the rule may not speak for: exception dates and overrides.
func (s *Series) replaced() map[int64]bool {
	gone := make(map[int64]bool, len(s.ExDates)+len(s.Overrides))
	for _, t := range s.ExDates {
		gone[s.key(t)] = true
	}
	for _, o := range s.Overrides {
		gone[s.key(o.ID)] = true
	}
	return gone
}

// ids are the rule's occurrences from a time on.
func (s *Series) ids(from, to time.Time) func(func(time.Time, error) bool) {
	if s.Rule == nil {
		return func(yield func(time.Time, error) bool) {}
	}
	return s.Rule.between(s.Start, s.AllDay, from, to)
}

// extra are the occurrences that stand beside the rule, without those that the rule has itself.
func (s *Series) extra() []time.Time {
	var out []time.Time
	if s.Rule == nil {
		out = append(out, s.Start)
	}
	for _, t := range s.RDates {
		if s.Rule != nil && s.ruleHas(t) {
			continue
		}
		out = append(out, t)
	}
	return out
}

// ruleHas tells whether the rule by itself has an occurrence at t.
func (s *Series) ruleHas(t time.Time) bool {
	if s.Rule == nil {
		return false
	}
	if s.AllDay {
		t = dateOf(t)
	}
	for got, err := range s.Rule.between(s.Start, s.AllDay, t, t) {
		return err == nil && s.key(got) == s.key(t)
	}
	return false
}

func (s *Series) occurrence(t time.Time, length time.Duration, clock *clockwork) Occurrence {
	if s.AllDay {
		d := dateOf(t)
		return Occurrence{d, d, d.Add(length), true, -1}
	}
	t = t.In(s.Start.Location())
	end := clock.at(civilOf(t) + civil(length/time.Second))
	if end.Before(t) || length > 0 && !end.After(t) {
		end = t.Add(length) // the wall clock went back in between
	}
	return Occurrence{t, t, end, false, -1}
}

func (s *Series) overridden(i int) Occurrence {
	o := s.Overrides[i]
	if s.AllDay {
		start := dateOf(o.Start)
		return Occurrence{dateOf(o.ID), start, later(dateOf(o.End), start.AddDate(0, 0, 1)), true, i}
	}
	loc := s.Start.Location()
	return Occurrence{o.ID.In(loc), o.Start.In(loc), later(o.End.In(loc), o.Start.In(loc)), false, i}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Has tells whether an occurrence begins, or by an override would have begun, at id and still takes place.
func (s *Series) Has(id time.Time) bool {
	k := s.key(id)
	for _, o := range s.Overrides {
		if s.key(o.ID) == k {
			return !o.Deleted
		}
	}
	for _, t := range s.ExDates {
		if s.key(t) == k {
			return false
		}
	}
	return s.ruleHas(id) || slices.ContainsFunc(s.extra(), func(t time.Time) bool { return s.key(t) == k })
}

// Clone copies a series so that no change of one shows in the other. What else makes it itself, its identifier above all, is for
// the caller to renew.
func (s *Series) Clone() *Series {
	c := *s
	if s.Rule != nil {
		r := s.Rule.clone()
		c.Rule = &r
	}
	c.RDates, c.ExDates, c.Overrides = slices.Clone(s.RDates), slices.Clone(s.ExDates), slices.Clone(s.Overrides)
	return &c
}

func (r Rule) clone() Rule {
	for _, name := range []string{"BYSECOND", "BYMINUTE", "BYHOUR", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS"} {
		l := r.list(name)
		*l = slices.Clone(*l)
	}
	r.ByDay = slices.Clone(r.ByDay)
	return r
}
